"""A training as it is asked for, and the model file it ends in."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rramsim import __version__
from rramsim.errors import InputError
from rramsim.network.checkpoint import describe_difference
from rramsim.network.definition import NetworkShape
from rramsim.network.files import SavedNetwork, load_network, save_network
from rramsim.network.flips import RandomFlips
from rramsim.network.folding import fold
from rramsim.network.images import ImageSet
from rramsim.network.training import train, training_settings

if TYPE_CHECKING:
    from rramsim.network.training import TrainedNetwork


@dataclass(frozen=True, eq=False)
class TrainingPlan:
    """One network to train.

    Attributes
    ----------
    shape : NetworkShape
        Its widths.
    images : ImageSet
        What it learns.
    training_ber : float
        Bit error rate it is adapted to; 0 is plain training.
    epochs : int
        Passes over the training images.
    seed : int
        Of the training; the flips take a stream of their own from it.
    """

    shape: NetworkShape
    images: ImageSet
    training_ber: float
    epochs: int
    seed: int

    def flip(self) -> RandomFlips | None:
        """Return the faults of the training at their start, None for plain training."""
        flips = RandomFlips.seeded(self.training_ber, seed=self.seed)
        return flips if self.training_ber else None

    def settings(self) -> dict[str, Any]:
        """Return all that the training depends on; `InputError` where it cannot be done."""
        return training_settings(
            self.shape, self.images, epochs=self.epochs, seed=self.seed, flip=self.flip()
        )


def default_epochs(images: ImageSet) -> int:
    """Return a number of epochs that suits the images: 40 for the digits, 10 for MNIST.

    Measured on two cores: the digits take 1 to 3 s, MNIST with 784-512-512-10 under a minute.
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
    on_epoch: Callable[[int, float, float], None] | None = None,
) -> SavedNetwork:
    """Return the network of `plan`, trained into the model file `path` unless it is there.

    An interrupted training goes on from the checkpoint beside the file (suffix ``.checkpoint``),
    which goes once the file is written.

    Parameters
    ----------
    path : Path
        The model file, ending in ``.safetensors``.
    plan : TrainingPlan
        What to train.
    images_from : str
        The name or folder the images were loaded from, for the record.
    on_epoch : callable, optional
        See `rramsim.network.training.train`.

    Raises
    ------
    InputError
        If the file or the checkpoint is damaged or of another plan, or the plan cannot be done.
    """
    saved = find_network(path, plan)
    if saved:
        return saved
    checkpoint = path.with_suffix(".checkpoint")
    trained = train(
        plan.shape,
        plan.images,
        epochs=plan.epochs,
        seed=plan.seed,
        flip=plan.flip(),
        checkpoint=checkpoint,
        on_epoch=on_epoch,
    )
    save_network(path, fold(trained.network), _record(plan, trained, images_from))
    with contextlib.suppress(FileNotFoundError):
        checkpoint.unlink()
    return load_network(path)


def _record(plan: TrainingPlan, trained: TrainedNetwork, images_from: str) -> dict[str, Any]:
    return {
        "training_ber": float(plan.training_ber),
        "accuracy": trained.history[-1][1],
        "epochs": plan.epochs,
        "seed": plan.seed,
        "images": images_from,
        "images_id": plan.images.content_id,
        "settings": trained.settings,
        "history": [list(epoch) for epoch in trained.history],
        "version": __version__,
    }
