"""The kernels that flip sign weights where they are stored, on the processor or in torch."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from itertools import pairwise

import numba as nb
import numpy as np
import torch
from numpy.typing import NDArray

from rramsim.kernels import kernel
from rramsim.parallel import cores, share


def flip_signs(signs: torch.Tensor, *, key: int, ber_lrs: float, ber_hrs: float) -> None:
    """Negate each sign of a layer, in place, with the BER of its state; `key` says which.

    Parameters
    ----------
    signs : tensor of any shape
        -1 (LRS) and +1 (HRS).
    key : int
        64 bits of chance.
    ber_lrs, ber_hrs : float
        Probabilities, 0 to 1, at least one above 0.
    """
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
