"""A training as it is asked for, and the model file it ends in."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rramsim.errors import InputError
from rramsim.files import write_text
from rramsim.formatting import percent
from rramsim.images.image_set import ImageSet
from rramsim.network.model_files import SavedNetwork, load_network, save_network
from rramsim.network.shape import NetworkShape
from rramsim.network.training.checkpoint import describe_difference
from rramsim.network.training.flips import RandomFlips
from rramsim.network.training.method import Method
from rramsim.network.training.model import fold
from rramsim.network.training.train import History, OnEpoch, train, training_settings
from rramsim.version import __version__

if TYPE_CHECKING:
    from rramsim.network.training.train import TrainedNetwork


@dataclass(frozen=True, eq=False)
class TrainingPlan:
    """One network to train.

    Attributes
    ----------
    shape : NetworkShape
        Its layers.
    images : ImageSet
        What it learns.
    method : Method
        How it learns.
    seed : int
        Of the training; the faults take a stream of their own from it.
    faults : RandomFlips, optional
        Bit errors it is adapted to; None, or rates of 0, is plain training.
    """

    shape: NetworkShape
    images: ImageSet
    method: Method
    seed: int
    faults: RandomFlips | None = None

    @property
    def training_ber(self) -> float:
        """Mean bit error rate it is adapted to; 0 is plain training."""
        return self.faults.mean_ber if self.faults else 0.0

    @property
    def seeded_faults(self) -> RandomFlips | None:
        """The faults with the seed of the training; None for plain training."""
        return replace(self.faults, seed=self.seed) if self.faults and self.training_ber else None

    def settings(self) -> dict[str, Any]:
        """Return all that the training depends on; `InputError` where it cannot be done."""
        return training_settings(
            self.shape, self.images, method=self.method, seed=self.seed, faults=self.seeded_faults
        )


def default_epochs(images: ImageSet) -> int:
    """Return a number of epochs that suits the images: 40 for the digits, 10 for MNIST.

    Measured on two cores: the digits take 1 to 3 s, MNIST with 784-512-512-10 half a minute.
    """
    return 40 if len(images.train_images) < 10_000 else 10


def find_network(path: Path, plan: TrainingPlan) -> SavedNetwork | None:
    """Return the network that `plan` left in `path`, None where there is no file.

    Raises
    ------
    InputError
        If the file is damaged, or holds a network of another plan.
    """
    if not path.exists():
        return None
    saved = load_network(path)
    differing = describe_difference(saved.metadata["settings"], plan.settings())
    if differing:
        raise InputError(
            f"{path}: holds a network of another training ({differing}). Name another folder, "
            "or delete the file to train anew."
        )
    return saved


def obtain_network(
    path: Path,
    plan: TrainingPlan,
    *,
    images_from: str,
    on_epoch: OnEpoch | None = None,
    device: str = "cpu",
) -> SavedNetwork:
    """Return the network of `plan`, trained into the model file `path` unless it is there.

    An interrupted training goes on from the checkpoint beside the file (suffix ``.checkpoint``),
    which goes once the file is written. Beside it, too, is the log of the training, written anew
    after every epoch (suffix ``.csv``).

    Parameters
    ----------
    path : Path
        The model file, ending in ``.safetensors``.
    plan : TrainingPlan
        What to train.
    images_from : str
        The name or folder the images were loaded from, for the record.
    on_epoch, device
        See `rramsim.network.training.train.train`.

    Raises
    ------
    InputError
        If the file or the checkpoint is damaged or of another plan, or the plan cannot be done.
    """
    saved = find_network(path, plan)
    if saved:
        return saved
    checkpoint = path.with_suffix(".checkpoint")

    def log(history: History) -> None:
        write_text(path.with_suffix(".csv"), _log(plan.method, history))
        if on_epoch:
            on_epoch(history)

    trained = train(
        plan.shape,
        plan.images,
        method=plan.method,
        seed=plan.seed,
        faults=plan.seeded_faults,
        checkpoint=checkpoint,
        on_epoch=log,
        device=device,
    )
    # Once more: the last time it may have stopped between a checkpoint and its log.
    write_text(path.with_suffix(".csv"), _log(plan.method, trained.history))
    norms = [layer.batch_norm() for layer in trained.network.layers]
    save_network(path, fold(trained.network), _record(plan, trained, images_from), norms)
    with contextlib.suppress(FileNotFoundError):
        checkpoint.unlink()
    return load_network(path)


def in_words(history: History) -> str:
    """Return the loss and the accuracy of the last epoch, for a line of progress."""
    loss, accuracy = history[-1]
    return f"loss {loss:.3g}, accuracy {percent(accuracy)}"


def _log(method: Method, history: History) -> str:
    rows = [
        f"{number + 1},{method.rate(number)!r},{loss!r},{accuracy!r}\n"
        for number, (loss, accuracy) in enumerate(history)
    ]
    return "".join(["epoch,learning_rate,training_loss,test_accuracy\n", *rows])


def _record(plan: TrainingPlan, trained: TrainedNetwork, images_from: str) -> dict[str, Any]:
    return {
        "training_ber": plan.training_ber,
        "accuracy": trained.history[-1][1],
        "epochs": plan.method.epochs,
        "seed": plan.seed,
        "images": images_from,
        "images_id": plan.images.content_id,
        "settings": trained.settings,
        "history": [list(epoch) for epoch in trained.history],
        "arithmetic": trained.arithmetic,
        "version": __version__,
    }
