"""A training as it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rramsim.errors import InputError
from rramsim.images.image_set import ImageSet
from rramsim.network.shape import NetworkShape
from rramsim.network.training.flips import RandomFlips, TrainingFaults
from rramsim.network.training.method import Method


@dataclass(frozen=True, eq=False)
class TrainingPlan:
    """One network to train.

    Attributes
    ----------
    shape : NetworkShape
        Its layers; must fit the images.
    images : ImageSet
        It is trained on the training images; the test images are only scored.
    method : Method
        Epochs, rates, loss and the like.
    seed : int
        Of the first weights, the order of the images, the dropout and the augmentation; random
        flips take a stream of their own from it.
    faults : RandomFlips or callable, optional
        Bit errors it is adapted to, called for every layer at every iteration; None, or rates of
        0, is plain training.
    """

    shape: NetworkShape
    images: ImageSet
    method: Method
    seed: int
    faults: TrainingFaults | None = None

    def split(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the numbers of the training images to learn from, and of those kept aside.

        Which ones are kept depends on the seed and the share alone.
        """
        images = len(self.images.train_images)
        if not self.method.validation_share:
            return np.arange(images), np.arange(0)
        kept = round(self.method.validation_share * images)
        # The 2 keeps this stream apart from others with the same seed.
        chance = np.random.SeedSequence(self.seed, spawn_key=(2,))
        order = np.random.Generator(np.random.Philox(chance)).permutation(images)
        return np.sort(order[kept:]), np.sort(order[:kept])

    @property
    def training_ber(self) -> float | None:
        """Mean bit error rate it is adapted to; 0 is plain training, None of a user's faults."""
        if self.faults is None:
            return 0.0
        return self.faults.mean_ber if isinstance(self.faults, RandomFlips) else None

    @property
    def seeded_faults(self) -> TrainingFaults | None:
        """The faults with the seed of the training; None for plain training."""
        if isinstance(self.faults, RandomFlips):
            return replace(self.faults, seed=self.seed) if self.faults.mean_ber else None
        return self.faults

    @property
    def description(self) -> str:
        """What kind of training it is, in a few words."""
        if self.faults is None:
            return "plain training"
        return self.faults.identity if isinstance(self.faults, RandomFlips) else repr(self.faults)

    def settings(self) -> dict[str, Any]:
        """Return all that the training depends on, ready for JSON.

        Raises
        ------
        InputError
            If the shape or the faults do not fit, or a number is out of range.
        """
        images, faults = self.images, self.seeded_faults
        self.shape.check_fits(images)
        if not 0 <= self.seed < 2**63:
            raise InputError(f"seed {self.seed}: accepted is 0 to {2**63 - 1}.")
        if len(images.train_images) < 2:
            raise InputError(f"images {images.name}: batch norm needs two training images or more.")
        if self.method.validation_share and not len(self.split()[1]):
            raise InputError(
                f"validation share {self.method.validation_share:g}: leaves no image of the "
                f"{len(images.train_images)} training images of {images.name}; accepted is more, "
                "or 0."
            )
        if isinstance(faults, RandomFlips):
            faults.check_fits(self.shape.layer_count)
        settings = {
            "network": str(self.shape),
            "images_id": images.content_id,
            "seed": self.seed,
            **self.method.settings(),
            "faults": self.description if faults else None,
        }
        if self.method.batch_norm_gradient:
            # Networks of 0.1.0 were trained by another rounding, which bit errors show.
            settings["weight_gradient"] = "of inputs less their means"
        if self.shape.signed_levels is not None:
            settings["signed_levels"] = self.shape.signed_levels
        return settings


def default_epochs(images: ImageSet) -> int:
    """Return a number of epochs that suits the images: 40 for the digits, 10 for MNIST.

    Measured on two cores: the digits take 1 to 3 s, MNIST with 784-512-512-10 half a minute.
    """
    return 40 if len(images.train_images) < 10_000 else 10
