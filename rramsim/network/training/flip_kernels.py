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

from rramsim.kernels import kernel, lowest_bit
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
    else:
        generator = torch.Generator(signs.device).manual_seed(key % 2**63)
        flip_by_torch(signs, generator, ber_lrs=ber_lrs, ber_hrs=ber_hrs)


def flip_by_torch(
    signs: torch.Tensor, generator: torch.Generator, *, ber_lrs: float, ber_hrs: float
) -> None:
    """Do what `flip_signs` does on the device where the signs are, with a coin for each weight."""
    draws = torch.rand(signs.shape, generator=generator, device=signs.device)
    # An array of each weight's own rate would be read and written for nothing where all are one.
    rates = ber_lrs if ber_lrs == ber_hrs else torch.where(signs < 0, ber_lrs, ber_hrs)
    torch.where(draws < rates, -signs, signs, out=signs)


def _flip_here(signs: torch.Tensor, *, key: int, ber_lrs: float, ber_hrs: float) -> None:
    halves = signs.element_size() // 2
    upper = signs.view(-1).view(torch.int16).numpy()
    upper = upper[halves - 1 :: halves] if sys.byteorder == "little" else upper[::halves]
    chunks = -(-upper.size // CHUNK)

    def work(part: tuple[int, int]) -> None:
        flip(upper, np.uint64(key), *part, ber_lrs, ber_hrs)

    share(work, _parts(chunks))


def _parts(chunks: int) -> Sequence[tuple[int, int]]:
    if chunks <= FEW:
        return [(0, chunks)]
    edges = np.linspace(0, chunks, min(chunks, 4 * cores()) + 1).astype(int).tolist()
    return list(pairwise(edges))


FEW = 64
"""Chunks that take less time than it takes threads to meet."""


CHUNK = 1 << 14
"""Weights with a stream of random numbers of their own, whichever thread works on them."""

GAPS_BELOW = 2.0**-6
"""BER below which drawing gaps is the faster way where the states differ. Where they do not, it is
about as fast above."""

_STEP = np.uint64(0x9E3779B97F4A7C15)
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SIGN = np.int16(-32768)
_NONE, _ALL = np.uint64(0), np.uint64(2**64 - 1)


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


@nb.njit(inline="always")
def _compared(
    word: np.uint64, ber_bit: np.uint64, wrong: np.uint64, undecided: np.uint64
) -> tuple[np.uint64, np.uint64]:
    """Return which numbers are below the BER, and which may be, after one more bit of each."""
    if ber_bit != _NONE:
        return wrong | (undecided & ~word), undecided & word
    return wrong, undecided & ~word


@nb.njit(inline="always")
def _flip_by_gaps(
    upper: NDArray[np.int16],
    state: np.uint64,
    place: int,
    end: int,
    ber_lrs: float,
    ber_hrs: float,
) -> None:
    """Draw the gaps between candidates, for the price of the candidates."""
    most = max(ber_lrs, ber_hrs)
    # The gap to the next candidate is geometric: log(u) / log(1 - most), rounded down.
    rate = 1.0 / math.log1p(-most) if most < 1 else 0.0
    keep_lrs, keep_hrs = ber_lrs / most, ber_hrs / most
    alike = ber_lrs == ber_hrs
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


@nb.njit(inline="always")
def _flip_by_words(
    upper: NDArray[np.int16],
    state: np.uint64,
    place: int,
    end: int,
    ber_lrs: float,
    ber_hrs: float,
) -> None:
    """Draw a number u for each of 64 weights at once, bit by bit, until all are decided.

    A weight is flipped where u < BER, and that is known at the first bit, from the highest on, in
    which the two differ: about 8 words of random bits decide 64 weights, for both states. What a
    weight holds is asked for last, so no number waits for it.
    """
    bits_lrs, bits_hrs = np.uint64(ber_lrs * 2.0**53), np.uint64(ber_hrs * 2.0**53)
    for first in range(place, end, 64):
        # A BER of 1 is above all numbers of 53 bits.
        wrong_lrs = _ALL if ber_lrs >= 1 else _NONE
        wrong_hrs = _ALL if ber_hrs >= 1 else _NONE
        open_lrs, open_hrs = ~wrong_lrs, ~wrong_hrs
        bit = np.uint64(1 << 52)
        while (open_lrs | open_hrs) != _NONE and bit != _NONE:
            state += _STEP
            word = _mixed(state)
            wrong_lrs, open_lrs = _compared(word, bits_lrs & bit, wrong_lrs, open_lrs)
            wrong_hrs, open_hrs = _compared(word, bits_hrs & bit, wrong_hrs, open_hrs)
            bit >>= np.uint64(1)
        candidates = wrong_lrs | wrong_hrs
        if end - first < 64:
            candidates &= (np.uint64(1) << np.uint64(end - first)) - np.uint64(1)
        while candidates != _NONE:
            number = lowest_bit(candidates)
            candidates &= candidates - np.uint64(1)
            # Without branches, as above.
            is_lrs = _NONE - np.uint64(upper[first + number] < 0)
            wrong = wrong_hrs ^ ((wrong_lrs ^ wrong_hrs) & is_lrs)
            upper[first + number] ^= _SIGN * np.int16((wrong >> np.uint64(number)) & np.uint64(1))


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
    by_gaps = ber_lrs == ber_hrs or max(ber_lrs, ber_hrs) < GAPS_BELOW
    for chunk in range(start, stop):
        state = _mixed(key + _mixed(np.uint64(chunk) * _STEP))
        place = chunk * CHUNK
        end = min(place + CHUNK, upper.size)
        if by_gaps:
            _flip_by_gaps(upper, state, place, end, ber_lrs, ber_hrs)
        else:
            _flip_by_words(upper, state, place, end, ber_lrs, ber_hrs)
