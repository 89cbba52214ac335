"""A training as it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rramsim.errors import InputError
from rramsim.images.folds import Fold
from rramsim.images.image_set import ImageSet
from rramsim.network.shape import NetworkShape
from rramsim.network.training.chance import Purpose, sequence
from rramsim.network.training.flips import RandomFlips, TrainingFaults
from rramsim.network.training.method import Method, check_shift

SMALL = 400_000
"""Networks of fewer multiply-adds an image train on one thread, several of them side by side.

Their layers take less time than it takes threads to meet: two threads gain at most a third on an
idle machine, and on a busy one they wait for each other and are over ten times slower. This also
makes the training of a small network independent of the number of cores.
"""


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
    fold : mapping, optional
        Which part of a small set the test images are (`Fold.record`), where they are one.
    """

    shape: NetworkShape
    images: ImageSet
    method: Method
    seed: int
    faults: TrainingFaults | None = None
    fold: Mapping[str, Any] | None = None

    def split(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the numbers of the training images to learn from, and of those kept aside.

        Which ones are kept depends on the seed and the share alone.
        """
        images = len(self.images.train_images)
        if not self.method.validation_share:
            return np.arange(images), np.arange(0)
        kept = round(self.method.validation_share * images)
        chance = sequence(self.seed, Purpose.VALIDATION)
        order = np.random.Generator(np.random.Philox(chance)).permutation(images)
        return np.sort(order[kept:]), np.sort(order[:kept])

    @property
    def is_small(self) -> bool:
        """Whether it is for a single thread; see `SMALL`."""
        return self.shape.multiply_adds < SMALL

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
            If the shape, the loss or the faults do not fit, or a number is out of range.
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
        check_shift(self.method.shift, images.image_shape)
        self._check_loss()
        if isinstance(faults, RandomFlips):
            faults.check_fits(self.shape.layer_count)
        settings = {
            "network": str(self.shape),
            "images_id": images.content_id,
            "seed": self.seed,
            **self.method.settings(),
            "margin": self.method.margin_for(self.shape.widths[-2]),
            "faults": self.description if faults else None,
        }
        if self.method.batch_norm_gradient:
            # Networks of 0.1.0 were trained by another rounding, which bit errors show.
            settings["weight_gradient"] = "of inputs less their means"
        if self.shape.signed_levels is not None:
            settings["signed_levels"] = self.shape.signed_levels
        if self.fold is not None:
            settings["fold"] = dict(self.fold)
        return settings

    def _check_loss(self) -> None:
        """Refuse a loss of the sums of the last layer that no weights of the network can make 0."""
        inputs = self.shape.widths[-2]
        if self.method.normed_scores:
            return
        if self.shape.layer_count == 1:
            raise InputError(
                f"network {self.shape}: has no hidden layer, so its sums are of pixels, and the "
                f"loss {self.method.loss} needs sums of -1 and +1; accepted is a network with a "
                "hidden layer, or another loss."
            )
        if self.method.margin_for(inputs) >= inputs:
            raise InputError(
                f"margin {self.method.margin:g}: a sum of the {inputs} inputs of the last layer of "
                f"network {self.shape} cannot exceed {inputs}, so the loss {self.method.loss} "
                f"would never be 0; accepted is less than {inputs}."
            )


def replicates(
    plan: TrainingPlan, *, trainings: int = 1, folds: int | None = None
) -> dict[str, TrainingPlan]:
    """Return several trainings of one recipe, which differ by chance alone.

    Parameters
    ----------
    plan : TrainingPlan
        The first of them.
    trainings : int
        Their number. The seeds are that of the plan and those that follow it, each training what it
        is by itself with its seed.
    folds : int, optional
        Instead: number of parts into which the images are divided by the seed of the plan; for
        each part a network that is trained on all others, with seeds as above.

    Returns
    -------
    dict of str to TrainingPlan
        By what is added to the name of a model file, which is nothing for a single training.

    Raises
    ------
    InputError
        If both are given, the images cannot be divided so, or there are no such seeds.
    """
    count = trainings if folds is None else folds
    if folds is not None and trainings != 1:
        raise InputError(
            f"trainings {trainings} and folds {folds}: accepted is one of the two; each fold is a "
            "training."
        )
    if not 0 <= plan.seed <= 2**63 - count:
        raise InputError(
            f"seed {plan.seed}: {count} trainings take seeds from it on, and the last of all is "
            f"{2**63 - 1}."
        )
    if folds is None and trainings == 1:
        return {"": plan}
    seeds = range(plan.seed, plan.seed + count)
    if folds is None:
        return {f"-seed-{seed}": replace(plan, seed=seed) for seed in seeds}
    plans = {}
    for number, seed in enumerate(seeds, start=1):
        part = Fold(number, of=folds, seed=plan.seed)
        plans[f"-fold-{number}-of-{folds}"] = replace(
            plan, seed=seed, images=part.apply(plan.images), fold=part.record(plan.images)
        )
    return plans


def default_epochs(images: ImageSet) -> int:
    """Return a number of epochs that suits the images: 40 for the digits, 10 for MNIST.

    Measured on two cores: the digits take 1 to 3 s, MNIST with 784-512-512-10 half a minute.
    """
    return 40 if len(images.train_images) < 10_000 else 10
