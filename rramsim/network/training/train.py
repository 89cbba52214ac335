"""Train networks, into a model file or into memory.

What trains is imported where something is trained: a network that lies in its file needs no torch,
which takes seconds to load.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rramsim.errors import (
    DamagedError,
    InputError,
    device_name,
    number,
    on_progress,
    plain,
    refused,
    whole_number,
)
from rramsim.files import held, make_folder, set_aside, sweep, why_damaged, write_text
from rramsim.formatting import percent
from rramsim.images.catalogue import load_images, origin_of
from rramsim.images.image_set import ImageSet
from rramsim.network.model_files import SavedNetwork, load_network, save_network
from rramsim.network.shape import NetworkShape, default_shape
from rramsim.network.training.checkpoint import describe_difference
from rramsim.network.training.flips import RandomFlips
from rramsim.network.training.method import Method
from rramsim.network.training.plan import TrainingPlan, default_epochs, replicates
from rramsim.parallel import Tell, side_by_side
from rramsim.version import __version__

LOG_SECONDS = 1.0
"""A log is written no more often: to wait for the disk may take longer than an epoch."""

OnEpochs = Callable[[int, int, str], None]
"""Called with the epochs done and in all, and words on the last one."""

if TYPE_CHECKING:
    import torch

    from rramsim.network.folded.network import FoldedNetwork
    from rramsim.network.training.trainer import History, OnEpoch, Score, TrainingRun
    from rramsim.progress import OnProgress


def train(
    images: str | Path | ImageSet = "digits",
    *,
    network: str | NetworkShape | None = None,
    training_ber: float | Sequence[float] = 0.0,
    epochs: int | None = None,
    method: Method | None = None,
    seed: int = 1,
    file: str | Path | None = None,
    device: str = "cpu",
    arithmetic: str | None = None,
    progress: OnProgress | None = None,
) -> SavedNetwork:
    """Train a binarized network, plain or adapted to bit errors.

    The same settings give the same network as ``rramsim train``, bit by bit on one machine. The
    test images choose nothing: the network of the last epoch is the result, or, where the method
    keeps a share of the training images for it, that of the epoch best on these.

    Parameters
    ----------
    images : str, Path or ImageSet
        A name or a folder (see `load_images`), or the images themselves.
    network : str or NetworkShape, optional
        Layers, such as ``"784-512-512-10"`` or ``"3x32x32-2x128C3-MP2-1024-10"``; two hidden
        layers of 512 neurons by default.
    training_ber : float, or (float, float)
        Bit-error rate met in training, 0 to below 0.5: of all cells, or of LRS and of HRS cells.
        0 is plain training.
    epochs : int, optional
        Passes over the training images; 40 for small image sets and 10 for large ones by default.
    method : Method, optional
        Batch size, rates, loss and the like, in place of `epochs`.
    seed : int
        Of all that training draws, 0 to 2**63 - 1.
    file : str or Path, optional
        Model file (``.safetensors``) to train into. Where it is there, it is loaded; a training
        that was interrupted goes on from the checkpoint beside it.
    device : str
        Where torch computes, ``"cpu"`` or ``"cuda"``.
    arithmetic : str, optional
        What sums are computed with in training, ``"float32"`` or ``"bfloat16"``; by default the
        faster one of the device. Weights and activations are exact in both; which one is used
        changes a network as another seed does.
    progress : callable, optional
        Told after each epoch how far the training is (see `rramsim.progress.OnProgress`).

    Returns
    -------
    SavedNetwork
        The network as a chip holds it, with the record of its training.

    Raises
    ------
    InputError
        If the images cannot be loaded, the layers do not fit them, a number is out of range, or
        the file holds a network of another training.

    Examples
    --------
    >>> import rramsim
    >>> network = rramsim.train("digits", network="64-32-10", training_ber=0.05, epochs=2)
    >>> network.folded.widths, network.training_ber, network.accuracy > 0.5
    ((64, 32, 10), 0.05, True)
    """
    device, path = device_name(device), _model_file(file)
    plan, origin = _asked(
        images, network, training_ber=training_ber, epochs=epochs, method=method, seed=seed
    )
    (trained,) = obtain_networks(
        [(plan, path)],
        images_from=origin,
        on_epochs=_told(on_progress(progress), plan),
        device=device,
        dtype=_dtype(arithmetic),
    )
    return trained


def train_replicates(
    images: str | Path | ImageSet = "digits",
    *,
    trainings: int | None = None,
    folds: int | None = None,
    network: str | NetworkShape | None = None,
    training_ber: float | Sequence[float] = 0.0,
    epochs: int | None = None,
    method: Method | None = None,
    seed: int = 1,
    file: str | Path | None = None,
    device: str = "cpu",
    arithmetic: str | None = None,
    progress: OnProgress | None = None,
) -> list[SavedNetwork]:
    """Train several networks by one recipe, to tell how much of an accuracy is chance.

    Each is what `train` gives with its seed: the first with `seed`, the others with those that
    follow. `mean_over_trainings` makes one accuracy of what `evaluate` says of them.

    Parameters
    ----------
    images, network, training_ber, epochs, method, device, arithmetic, progress
        See `train`.
    trainings : int, optional
        Number of networks, all tested on the same images; 5 by default.
    folds : int, optional
        Instead, for images without a test part of their own (`ImageSet.has_own_test`), such as the
        digits: they are divided by `seed` into so many parts, each class evenly, and each part is
        tested by a network that is trained on all others.
    seed : int
        Of the first training, and of the division into folds.
    file : str or Path, optional
        Model file (``.safetensors``) to whose name each training adds ``-seed-N`` or
        ``-fold-N-of-K``. What is there is loaded, and what was interrupted goes on.

    Returns
    -------
    list of SavedNetwork

    Raises
    ------
    InputError
        As `train` does, before anything is trained; or if the images cannot be divided so.

    Examples
    --------
    >>> import rramsim
    >>> networks = rramsim.train_replicates("digits", trainings=2, network="64-16-10", epochs=1)
    >>> [network.metadata["seed"] for network in networks]
    [1, 2]
    """
    device, path = device_name(device), _model_file(file)
    first, origin = _asked(
        images, network, training_ber=training_ber, epochs=epochs, method=method, seed=seed
    )
    count = _DEFAULT_TRAININGS if folds is None else 1
    if trainings is not None:
        accepted = "a whole number from 1 on"
        count = whole_number(trainings, "trainings", accepted)
        if count < 1:
            raise refused("trainings", trainings, accepted)
    if folds is not None:
        folds = whole_number(folds, "folds", "a whole number from 2 on")
    dtype, tell = _dtype(arithmetic), on_progress(progress)
    plans = [
        (plan, path and path.with_name(f"{path.stem}{suffix}.safetensors"))
        for suffix, plan in replicates(first, trainings=count, folds=folds).items()
    ]
    # All files are looked at before hours may go into the first network.
    for plan, each in plans:
        if each is not None:
            find_network(each, plan, dtype=dtype)
    return obtain_networks(
        plans, images_from=origin, on_epochs=_told(tell, first), device=device, dtype=dtype
    )


def _model_file(file: str | Path | None) -> Path | None:
    _check_kinds(file=file)
    if file is not None and Path(file).suffix != ".safetensors":
        raise InputError(f"file {str(file)!r}: accepted is a name that ends in .safetensors.")
    return None if file is None else Path(file)


def _asked(
    images: str | Path | ImageSet,
    network: str | NetworkShape | None,
    *,
    training_ber: float | Sequence[float],
    epochs: int | None,
    method: Method | None,
    seed: int,
) -> tuple[TrainingPlan, str]:
    """Return what is to be trained, and the name or the folder of its images."""
    _check_kinds(images=images, network=network, method=method)
    loaded = images if isinstance(images, ImageSet) else load_images(images)
    if epochs is not None and method is not None:
        raise InputError("epochs and method were both given; put the epochs into the method.")
    lrs, hrs = _state_bers(training_ber)
    shape = NetworkShape.parse(network) if isinstance(network, str) else network
    seed = whole_number(seed, "seed")
    if epochs is not None:
        epochs = whole_number(epochs, "epochs", "a whole number from 1 on")
    plan = TrainingPlan(
        shape or default_shape(loaded),
        loaded,
        method or Method(default_epochs(loaded) if epochs is None else epochs),
        seed,
        faults=RandomFlips((lrs,), (hrs,), seed=seed) if lrs or hrs else None,
    )
    return plan, loaded.name if isinstance(images, ImageSet) else origin_of(images)


def _trained(
    plan: TrainingPlan,
    path: Path | None,
    origin: str,
    *,
    device: str,
    dtype: torch.dtype | None,
    on_epoch: OnEpoch | None,
) -> SavedNetwork:
    """Return the network of a plan, kept in a file if there is a path for it."""
    if path is not None:
        return obtain_network(
            path, plan, images_from=origin, on_epoch=on_epoch, device=device, dtype=dtype
        )
    return _saved(plan, _run(plan, on_epoch=on_epoch, device=device, dtype=dtype), origin)


_DEFAULT_TRAININGS = 5

_ACCEPTED: dict[str, tuple[tuple[type, ...], str]] = {
    "images": ((str, Path, ImageSet), "an ImageSet, the name of one, or a folder"),
    "network": ((str, NetworkShape, NoneType), 'layers, such as "784-512-512-10"'),
    "method": ((Method, NoneType), "a Method"),
    "file": ((str, Path, NoneType), "the path of a model file"),
}


def _check_kinds(**arguments: object) -> None:
    for name, value in arguments.items():
        kinds, accepted = _ACCEPTED[name]
        if not isinstance(value, kinds):
            raise refused(name, value, accepted)


def _dtype(arithmetic: str | None) -> torch.dtype | None:
    """Return what sums are computed with, None where the device may choose."""
    if arithmetic is None:
        return None
    if arithmetic not in ("float32", "bfloat16"):
        raise refused("arithmetic", arithmetic, "float32 or bfloat16")
    import torch

    return torch.float32 if arithmetic == "float32" else torch.bfloat16


def _state_bers(training_ber: float | Sequence[float]) -> tuple[float, float]:
    """Return the training BERs of LRS and HRS cells."""
    given = plain(training_ber)
    bers = tuple(given) if isinstance(given, list | tuple) else (given, given)
    if len(bers) != 2:
        raise InputError(f"training BER {training_ber}: accepted is a number, or (LRS, HRS).")
    for ber in bers:
        number(ber, "training_ber", "a number from 0 to below 0.5, or two: (LRS, HRS)")
        if not 0 <= ber < 0.5:
            raise InputError(
                f"training BER {ber}: accepted are 0 to below 0.5; from there on a weight carries "
                "no information."
            )
    return float(bers[0]), float(bers[1])


def find_network(
    path: Path, plan: TrainingPlan, *, dtype: torch.dtype | None = None
) -> SavedNetwork | None:
    """Return the network that `plan` left in `path`, None where there is no file.

    A damaged file is set aside (`rramsim.files.set_aside`).

    Raises
    ------
    InputError
        If the file holds a network of another plan, or of sums in another `dtype` than the one
        that is asked for.
    """
    if not path.exists():
        return None
    try:
        saved = load_network(path)
    except DamagedError as error:
        set_aside(path, why_damaged(path, error))
        return None
    found, wanted = saved.metadata["settings"], plan.settings()
    advice = "Name another folder, or delete the file to train anew."
    if "imported" in found:
        raise InputError(
            f"{path}: holds a network that was imported from {found['imported']}, not trained "
            f"here. {advice}"
        )
    differing = describe_difference(found, wanted)
    if dtype is not None and not differing:
        arithmetic = str(saved.metadata.get("arithmetic", "unknown")).split()[-1]
        asked = str(dtype).removeprefix("torch.")
        differing = describe_difference({"arithmetic": arithmetic}, {"arithmetic": asked})
    if differing:
        raise InputError(f"{path}: holds a network of another training ({differing}). {advice}")
    return saved


def obtain_network(
    path: Path,
    plan: TrainingPlan,
    *,
    images_from: str,
    on_epoch: OnEpoch | None = None,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
) -> SavedNetwork:
    """Return the network of `plan`, trained into the model file `path` unless it is there.

    An interrupted training goes on from the checkpoint beside the file (suffix ``.checkpoint``),
    which goes once the file is written. Beside it, too, is the log of the training (suffix
    ``.csv``), written anew after an epoch, at most once a second, and at the end.

    Parameters
    ----------
    path : Path
        The model file, ending in ``.safetensors``.
    plan : TrainingPlan
        What to train.
    images_from : str
        The name or folder the images were loaded from, for the record.
    on_epoch, device, dtype
        See `rramsim.network.training.trainer.run_training`.

    Raises
    ------
    InputError
        If the file or the checkpoint is of another plan, the plan cannot be done, or another
        process trains into the file. What is damaged is set aside and made again.
    """
    saved = _finished(path, plan, dtype)
    if saved:
        return saved
    # What cannot be done is told before anything is written.
    plan.settings()
    if device != "cpu":
        from rramsim.network.folded.sums import check_device

        check_device(device)
    make_folder(path.parent)
    with held(path.with_suffix(".lock"), str(path)):
        sweep(path.parent, of=path)
        # Another process may have trained it just now.
        return _finished(path, plan, dtype) or _trained_into(
            path, plan, images_from=images_from, on_epoch=on_epoch, device=device, dtype=dtype
        )


def _finished(path: Path, plan: TrainingPlan, dtype: torch.dtype | None) -> SavedNetwork | None:
    """Return a network that is there, and do what a kill may have left undone beside it."""
    saved = find_network(path, plan, dtype=dtype)
    if saved:
        path.with_suffix(".checkpoint").unlink(missing_ok=True)
        _keep_log(path, plan.method, saved.metadata["history"])
    return saved


def _trained_into(
    path: Path,
    plan: TrainingPlan,
    *,
    images_from: str,
    on_epoch: OnEpoch | None,
    device: str,
    dtype: torch.dtype | None,
) -> SavedNetwork:
    checkpoint = path.with_suffix(".checkpoint")
    due = 0.0

    def log(history: History) -> None:
        nonlocal due
        if time.monotonic() >= due:
            write_text(path.with_suffix(".csv"), _log(plan.method, _numbers(history)))
            due = time.monotonic() + LOG_SECONDS
        if on_epoch:
            on_epoch(history)

    run = _run(plan, checkpoint=checkpoint, on_epoch=log, device=device, dtype=dtype)
    # The last epochs too, and those that a checkpoint had and the log had not.
    write_text(path.with_suffix(".csv"), _log(plan.method, _numbers(run.history)))
    save_network(path, _saved(plan, run, images_from))
    checkpoint.unlink(missing_ok=True)
    return load_network(path)


def _keep_log(path: Path, method: Method, history: Sequence[Sequence[float]]) -> None:
    """Have the log of a network be the one that its record tells."""
    log, text = path.with_suffix(".csv"), _log(method, history)
    if log.exists():
        if log.read_bytes() == text.encode():
            return
        set_aside(log, "it is not the log of the network beside it")
    write_text(log, text)


def obtain_networks(
    plans: Sequence[tuple[TrainingPlan, Path | None]],
    *,
    images_from: str,
    on_epochs: OnEpochs | None = None,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
) -> list[SavedNetwork]:
    """Return the networks of several plans; small ones are trained side by side, on all cores.

    Each is what it is alone, bit by bit. Where one fails, or all are interrupted, the others end,
    and go on from their checkpoints the next time.

    Parameters
    ----------
    plans : sequence of (TrainingPlan, Path or None)
        What to train, and into which model file (see `obtain_network`) if any.
    on_epochs : callable, optional
        Called after each epoch, in this thread, with the epochs done by all networks, those to do
        by all, and words on the last one.
    images_from, device, dtype
        See `obtain_network`.

    Raises
    ------
    InputError
        As `obtain_network` does.
    """
    done = [plan.method.epochs if path and path.exists() else 0 for plan, path in plans]
    total = sum(plan.method.epochs for plan, _ in plans)

    def obtain(number: int, tell: Tell[tuple[int, History]]) -> SavedNetwork:
        plan, path = plans[number]
        return _trained(
            plan,
            path,
            images_from,
            device=device,
            dtype=dtype,
            on_epoch=lambda history: tell((number, history)),
        )

    def note(news: tuple[int, History]) -> None:
        number, history = news
        done[number] = len(history)
        if on_epochs:
            on_epochs(sum(done), total, in_words(history))

    if on_epochs and any(done):
        on_epochs(sum(done), total, "")
    numbers = range(len(plans))
    to_train = [plan for (plan, _), epochs in zip(plans, done, strict=True) if not epochs]
    if len(to_train) < 2 or device != "cpu" or not all(map(_fits_one_core, to_train)):
        return [obtain(number, note) for number in numbers]
    from rramsim.network.training.trainer import one_thread

    # The number of threads is one for all of torch, so it is set around them all.
    with one_thread():
        return side_by_side(obtain, numbers, note)


def _fits_one_core(plan: TrainingPlan) -> bool:
    # Faults of a user's own need not bear to be asked by several threads.
    return plan.is_small and isinstance(plan.faults, RandomFlips | None)


def _run(
    plan: TrainingPlan,
    *,
    checkpoint: Path | None = None,
    on_epoch: OnEpoch | None,
    device: str,
    dtype: torch.dtype | None,
) -> TrainingRun:
    from rramsim.network.training.trainer import run_training

    return run_training(
        plan,
        score=_score_on_test(plan, device),
        validate=_score_on_kept(plan, device),
        checkpoint=checkpoint,
        on_epoch=on_epoch,
        device=device,
        dtype=dtype,
    )


def _told(progress: OnProgress | None, plan: TrainingPlan) -> OnEpochs | None:
    return None if progress is None else partial(progress, f"epochs ({plan.description})")


def told_as_stage(progress: OnProgress) -> OnEpochs:
    """Return what tells progress of trainings; networks that all are there are not trained."""

    def on_epochs(done: int, total: int, words: str) -> None:
        if words or done < total:
            progress("training networks", done, total, words)

    return on_epochs


def in_words(history: History) -> str:
    """Return the loss and the accuracy of the last epoch, for a line of progress."""
    return f"loss {history[-1].loss:.3g}, accuracy {percent(history[-1].accuracy)}"


def _score_on_test(plan: TrainingPlan, device: str) -> Score:
    return _score_on(plan.images.test_images, plan.images.test_labels, device)


def _score_on_kept(plan: TrainingPlan, device: str) -> Score | None:
    _, kept = plan.split()
    if not len(kept):
        return None
    return _score_on(plan.images.train_images[kept], plan.images.train_labels[kept], device)


def _score_on(images: NDArray[np.uint8], labels: NDArray[Any], device: str) -> Score:
    def score(folded: FoldedNetwork) -> float:
        if device == "cpu":
            from rramsim.network.scoring.evaluator import Evaluator

            return Evaluator(folded, images, labels).correct() / len(labels)
        from rramsim.network.scoring.torch_evaluator import TorchEvaluator

        return TorchEvaluator(folded, images, labels, device=device).correct() / len(labels)

    return score


def _numbers(history: History) -> list[list[float]]:
    return [list(epoch.numbers) for epoch in history]


def _log(method: Method, history: Sequence[Sequence[float]]) -> str:
    header = "epoch,learning_rate,training_loss,test_accuracy"
    if method.validation_share:
        header += ",validation_accuracy"
    rows = [
        ",".join(map(repr, (number + 1, method.rate(number), *epoch[: header.count(",") - 1])))
        for number, epoch in enumerate(history)
    ]
    return "".join(f"{row}\n" for row in (header, *rows))


def _saved(plan: TrainingPlan, run: TrainingRun, images_from: str) -> SavedNetwork:
    from rramsim.network.training.model import fold

    metadata = {
        "training_ber": plan.training_ber,
        "accuracy": run.history[run.best_epoch].accuracy,
        "epochs": plan.method.epochs,
        "seed": plan.seed,
        "images": images_from,
        "images_id": plan.images.content_id,
        "settings": plan.settings(),
        "history": _numbers(run.history),
        "arithmetic": run.arithmetic,
        "version": __version__,
    }
    if plan.method.validation_share:
        metadata["best_epoch"] = run.best_epoch + 1
    return SavedNetwork(fold(run.network), metadata, run.network.batch_norms())
