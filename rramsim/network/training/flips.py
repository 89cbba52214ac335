"""Random bit errors for adapted training: fresh in every layer at every iteration."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numba as nb
import numpy as np
import torch
from numpy.typing import NDArray

from rramsim.errors import InputError
from rramsim.kernels import kernel
from rramsim.parallel import cores, share


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

    def __call__(self, signs: torch.Tensor, *, layer: int, iteration: int) -> torch.Tensor:
        """Return `signs` (any shape) with a fresh set of entries negated, in place."""
        one = len(self.ber_lrs) == 1
        factor = _word(self.seed, iteration) * 2.0**-64 if self.mixed else 1.0
        ber_lrs = self.ber_lrs[0 if one else layer] * factor
        ber_hrs = self.ber_hrs[0 if one else layer] * factor
        if ber_lrs or ber_hrs:
            key = _word(self.seed, iteration, layer)
            _flip(signs, key=key, ber_lrs=ber_lrs, ber_hrs=ber_hrs)
        return signs


def _word(seed: int, *numbers: int) -> int:
    """Return 64 bits of chance that belong to these numbers."""
    # The leading 1 keeps this stream apart from others with the same seed.
    sequence = np.random.SeedSequence(seed, spawn_key=(1, *numbers))
    return int(sequence.generate_state(1, np.uint64)[0])


def _flip(signs: torch.Tensor, *, key: int, ber_lrs: float, ber_hrs: float) -> None:
    if signs.device.type == "cpu":
        _flip_here(signs, key=key, ber_lrs=ber_lrs, ber_hrs=ber_hrs)
        return
    generator = torch.Generator(signs.device).manual_seed(key % 2**63)
    draws = torch.rand(signs.shape, generator=generator, device=signs.device)
    wrong = draws < torch.where(signs < 0, ber_lrs, ber_hrs)
    signs.copy_(torch.where(wrong, -signs, signs))


def _flip_here(signs: torch.Tensor, *, key: int, ber_lrs: float, ber_hrs: float) -> None:

    halves = signs.element_size() // 2
    upper = signs.view(-1).view(torch.int16).numpy()
    upper = upper[halves - 1 :: halves] if sys.byteorder == "little" else upper[::halves]
    chunks = -(-upper.size // CHUNK)

    def work(part: tuple[int, int]) -> None:
        flip(upper, np.uint64(key), *part, ber_lrs, ber_hrs)

    share(work, _parts(chunks))


def _parts(chunks: int) -> Sequence[tuple[int, int]]:
    edges = np.linspace(0, chunks, min(chunks, 4 * cores()) + 1).astype(int).tolist()
    return list(pairwise(edges)) if chunks > 4 else [(0, chunks)]


CHUNK = 1 << 14
"""Weights with a stream of random numbers of their own, whichever thread works on them."""


_STEP = np.uint64(0x9E3779B97F4A7C15)
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SIGN = np.int16(-32768)


@nb.njit(inline="always")
def _mixed(word: np.uint64) -> np.uint64:
    # SplitMix64: G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number
    # generators", OOPSLA 2014.
    word = (word ^ (word >> np.uint64(30))) * _M1
    word = (word ^ (word >> np.uint64(27))) * _M2
    return word ^ (word >> np.uint64(31))


@nb.njit(inline="always")
def _uniform(state: np.uint64) -> np.float64:
    # In (0, 1], so that its logarithm is finite.
    return (np.float64(_mixed(state) >> np.uint64(11)) + 1.0) * np.float64(2.0**-53)


@kernel("void(int16[:], uint64, int64, int64, float64, float64)")
def flip(
    upper: NDArray[np.int16],
    key: np.uint64,
    start: int,
    stop: int,
    ber_lrs: float,
    ber_hrs: float,
) -> None:
    """Flip each of the weights of some chunks with the BER of its state, independently.

    Parameters
    ----------
    upper : int16 array, shape (weights,)
        The upper halves of the weights as floating-point numbers, whose top bit is the sign: set
        for -1 (LRS).
    key : uint64
        Which weights are flipped.
    start, stop : int
        Chunks to work on.
    ber_lrs, ber_hrs : float
        Probabilities, 0 to 1, at least one above 0.
    """
    most = max(ber_lrs, ber_hrs)
    # The gap to the next candidate is geometric: log(u) / log(1 - most), rounded down.
    rate = 1.0 / math.log1p(-most) if most < 1 else 0.0
    keep_lrs, keep_hrs = ber_lrs / most, ber_hrs / most
    alike = ber_lrs == ber_hrs
    for chunk in range(start, stop):
        state = _mixed(key + _mixed(np.uint64(chunk) * _STEP))
        place = chunk * CHUNK
        end = min(place + CHUNK, upper.size)
        while True:
            state += _STEP
            gap = math.log(_uniform(state)) * rate
            if gap >= end - place:
                break
            place += int(gap)
            if alike:
                upper[place] ^= _SIGN
            else:
                # Without branches, which could not be foretold.
                keep = keep_lrs if upper[place] < 0 else keep_hrs
                drawn = np.uint64(keep < 1)
                state += _STEP * drawn
                upper[place] ^= _SIGN * np.int16((drawn == 0) | (_uniform(state) <= keep))
            place += 1
