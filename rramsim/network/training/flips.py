"""Random bit errors for adapted training: fresh in every layer at every iteration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from rramsim.errors import InputError
from rramsim.network.training.chance import Purpose, key

if TYPE_CHECKING:
    import torch


class TrainingFaults(Protocol):
    """What adapted training asks of its faults; any callable object will do."""

    def __call__(self, signs: torch.Tensor, *, layer: int, iteration: int) -> torch.Tensor:
        """Return what is read where `signs` are stored; `signs` are a copy and may be changed."""
        ...


@dataclass(frozen=True)
class RandomFlips:
    """Flip sign weights at random, independently of each other and afresh at every iteration.

    The number of flips is binomial and their positions are distinct: the same as one coin a
    weight, for the price of the flips. Which weights are flipped depends on the seed, the
    iteration and the layer alone, so a training that goes on meets the flips it would have met.

    Parameters
    ----------
    ber_lrs : tuple of float
        Probability that a weight of -1 (LRS) is flipped: one for all layers, or one a layer.
    ber_hrs : tuple of float
        The same for weights of +1 (HRS), of the same length.
    mixed : bool
        Whether the probabilities of an iteration are multiplied by a number that is drawn for it,
        uniform in 0 to 1: the network then meets nearly clean chips, too.
    seed : int
        Seed of the training; the flips have a stream of their own.

    Raises
    ------
    InputError
        If a probability is not in 0 to 1, or the two have different lengths.

    Examples
    --------
    >>> RandomFlips((0.25,), (0.5,)).mean_ber
    0.375
    >>> RandomFlips.iid(0.05, seed=1).identity
    'BER 0.05'
    """

    ber_lrs: tuple[float, ...]
    ber_hrs: tuple[float, ...]
    mixed: bool = False
    seed: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        for ber in (*self.ber_lrs, *self.ber_hrs):
            if not 0 <= ber <= 1:
                raise InputError(f"training BER {ber}: accepted are numbers from 0 to 1.")
        if len(self.ber_lrs) != len(self.ber_hrs) or not self.ber_lrs:
            raise InputError(
                f"training BERs: {len(self.ber_lrs)} for LRS and {len(self.ber_hrs)} for HRS; "
                "accepted is one of each, or one of each for every layer."
            )

    @classmethod
    def iid(cls, ber: float, *, seed: int) -> RandomFlips:
        """Return flips with the same probability everywhere."""
        return cls((float(ber),), (float(ber),), seed=seed)

    @property
    def identity(self) -> str:
        """What makes these flips those and no others, besides the seed of the training."""
        lrs, hrs = (" ".join(map(repr, bers)) for bers in (self.ber_lrs, self.ber_hrs))
        rates = f"BER {lrs}" if lrs == hrs else f"BER of LRS {lrs}, of HRS {hrs}"
        return f"{rates}, mixed" if self.mixed else rates

    @property
    def mean_ber(self) -> float:
        """Mean probability over states and layers, at the worst iteration if they are mixed."""
        return float(np.mean([self.ber_lrs, self.ber_hrs]))

    def check_fits(self, layers: int) -> None:
        """Raise `InputError` unless there is one pair of rates, or one for each of the layers."""
        if len(self.ber_lrs) not in (1, layers):
            raise InputError(
                f"training BERs: {len(self.ber_lrs)} are given for a network of {layers} layers; "
                f"accepted is 1 for all of them, or {layers}."
            )

    def rates(self, layer: int, iteration: int) -> tuple[float, float]:
        """Return the probabilities of LRS and of HRS cells of a layer at an iteration."""
        place = 0 if len(self.ber_lrs) == 1 else layer
        factor = key(self.seed, Purpose.FLIPS, iteration) * 2.0**-64 if self.mixed else 1.0
        return self.ber_lrs[place] * factor, self.ber_hrs[place] * factor

    def __call__(self, signs: torch.Tensor, *, layer: int, iteration: int) -> torch.Tensor:
        """Return `signs` (any shape) with a fresh set of entries negated, in place."""
        ber_lrs, ber_hrs = self.rates(layer, iteration)
        if ber_lrs or ber_hrs:
            which = key(self.seed, Purpose.FLIPS, iteration, layer)
            from rramsim.network.training.flip_kernels import flip_signs

            flip_signs(signs, key=which, ber_lrs=ber_lrs, ber_hrs=ber_hrs)
        return signs
