"""The kernel that flips sign weights for adapted training.

Kernels and what they call stay in one file, since numba's cache only watches the file of the
kernel for changes.
"""

from __future__ import annotations

import math

import numba as nb
import numpy as np
from numpy.typing import NDArray

from rramsim.kernels import kernel

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
