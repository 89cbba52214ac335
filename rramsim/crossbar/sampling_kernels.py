"""The kernels that sample wrong cells, and their source of chance.

Everything is counted from a key, and nothing remembered: Philox4x64-10 turns a key of 2 words and
a counter of 4 into 4 words of chance (J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw,
"Parallel random numbers: as easy as 1, 2, 3", SC 2011; numpy's `Philox` is the same).

Kernels and what they call stay in one file, since numba's cache only watches the file of the
kernel for changes.
"""

from __future__ import annotations

import math
from typing import Any

import numba as nb
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from rramsim.kernels import kernel

FIRST_LEVEL = 9
"""Cells with a number u below 2**-FIRST_LEVEL are found by gaps, the others by bit masks.

Where the two ways cost the same: below, gaps to the next flip; above, masks (measured)."""

LAST_LEVEL = 29
"""Level k holds the cells with 2**-(k + 1) <= u < 2**-k; all below the last one share a lump.

In 20 million cells the lump holds one in 50 networks: more levels would save nothing."""

LUMP = LAST_LEVEL + 1

_M0, _M1 = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_W0, _W1 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
_ONE, _ALL = np.uint64(1), np.uint64(2**64 - 1)


@intrinsic
def _product(typing: Any, one: Any, two: Any) -> Any:
    """Return the upper and the lower 64 bits of a product of two uint64."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide, word = ir.IntType(128), ir.IntType(64)
        product = builder.mul(builder.zext(args[0], wide), builder.zext(args[1], wide))
        high = builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), word)
        halves = high, builder.trunc(product, word)
        return context.make_tuple(builder, signature.return_type, halves)

    pair = types.UniTuple(types.uint64, 2)  # type: ignore[no-untyped-call]
    return pair(types.uint64, types.uint64), generate


@intrinsic
def _positive(typing: Any, address: Any) -> Any:
    """Return a word of 64 bits: which of the 64 int8 at `address` are above 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        octets = ir.VectorType(ir.IntType(8), 64)
        loaded = builder.load(builder.inttoptr(args[0], octets.as_pointer()), align=1)
        above = builder.icmp_signed(">", loaded, ir.Constant(octets, [0] * 64))
        return builder.bitcast(above, ir.IntType(64))

    return types.uint64(types.int64), generate


# An intrinsic is called without its first parameter, which a type checker cannot know.
_multiply: Any = _product
_hrs_of: Any = _positive


@nb.njit(inline="always")
def _philox(
    key: Any, counter0: Any, counter1: Any, counter2: Any, counter3: Any
) -> tuple[Any, Any, Any, Any]:
    c0, c1, c2, c3 = counter0, counter1, counter2, counter3
    k0, k1 = key
    for _ in range(10):
        high0, low0 = _multiply(_M0, c0)
        high1, low1 = _multiply(_M1, c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0 += _W0
        k1 += _W1
    return c0, c1, c2, c3


@kernel("uint64[::1](uint64[::1], uint64[::1])")
def philox(key: NDArray[np.uint64], counter: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the 4 words of one counter."""
    words = np.empty(4, dtype=np.uint64)
    drawn = _philox((key[0], key[1]), counter[0], counter[1], counter[2], counter[3])
    for place in range(4):
        words[place] = drawn[place]
    return words


@kernel("int64(UniTuple(uint64, 2), int64, int64, int8[::1], UniTuple(float64, 2), int64[::1])")
def rare(
    key: tuple[int, int],
    start: int,
    stop: int,
    signs: NDArray[np.int8],
    bers: tuple[float, float],
    wrong: NDArray[np.int64],
) -> int:
    """Find the cells of ``start..stop-1`` whose u is below 2**-FIRST_LEVEL and their rate.

    Parameters
    ----------
    key : tuple of 2 uint64
    start, stop : int
        A segment; its start is part of every counter.
    signs : int8 array
        All cells. Not looked at where the two rates are equal.
    bers : tuple of 2 floats
        Rate of LRS and of HRS cells.
    wrong : int64 array
        Takes the cells, rising within each level. A cell may be found in several levels.

    Returns
    -------
    int
        Number found; -1 if there is no room for them.
    """
    count = 0
    highest = max(bers[0], bers[1])
    for level in range(LUMP, FIRST_LEVEL - 1, -1):
        floor = 0.0 if level == LUMP else 2.0 ** -(level + 1)
        if floor >= highest:
            break
        width = 2.0**-LUMP if level == LUMP else floor
        # The rate at which cells not in a deeper level are in this one. Cells of deeper levels
        # may come up too: that adds nothing to the union.
        log_others = math.log1p(-width / (1 - floor))
        block = np.uint64(0)
        spare = False
        gap_bits = place_bits = spare_gap = spare_place = np.uint64(0)
        cell = start - 1
        while True:
            if spare:
                gap_bits, place_bits = spare_gap, spare_place
            else:
                gap_bits, place_bits, spare_gap, spare_place = _philox(
                    key, block, np.uint64(0), np.uint64(1 + level), np.uint64(start)
                )
                block += _ONE
            spare = not spare
            uniform = (float(gap_bits >> np.uint64(11)) + 0.5) * 2.0**-53
            gap = math.log(uniform) / log_others
            if gap >= stop - cell - 1:
                break
            cell += 1 + int(gap)
            u = floor + width * (float(place_bits >> np.uint64(12)) * 2.0**-52)
            ber = bers[0]
            if bers[0] != bers[1] and signs[cell] > 0:
                ber = bers[1]
            if u < ber:
                if count == wrong.size:
                    return -1
                wrong[count] = cell
                count += 1
    return count


@nb.njit(inline="always")
def _digit(limit: Any, place: Any) -> Any:
    """Return a word that repeats binary digit `place` (0 is the first) of a limit."""
    return np.uint64(0) - ((limit >> np.uint64(63 - place)) & _ONE)


@nb.njit(inline="always")
def _narrowed(digit: Any, chance: Any, below: Any, open_: Any) -> tuple[Any, Any]:
    """Compare one more binary digit of 64 numbers with that of their limit."""
    return below | (open_ & digit & ~chance), open_ & ~(chance ^ digit)


@nb.njit(inline="always")
def _decide(key: Any, first: Any, word: Any, limits: Any, below: Any, open_: Any) -> None:
    """Compare the digits after the first 8 until all 64 numbers of a word are decided."""
    block = 2
    while block < 16 and (open_[0, word] | open_[1, word]) != 0:
        index = first + np.uint64(word)
        drawn = _philox(key, index, np.uint64(block), np.uint64(0), np.uint64(0))
        for state in range(2):
            place = 4 * block
            for chance in drawn:
                below[state, word], open_[state, word] = _narrowed(
                    _digit(limits[state], place), chance, below[state, word], open_[state, word]
                )
                place += 1
        block += 1


@nb.njit(inline="always")
def _hrs(signs: Any, neuron: Any, first: Any, among: Any) -> Any:
    """Return the bits of `among` cells from input `first` on that are in HRS."""
    if among == 64:
        return _hrs_of(signs.ctypes.data + neuron * signs.shape[1] + first)
    hrs = np.uint64(0)
    for place in range(among):
        if signs[neuron, first + place] > 0:
            hrs |= _ONE << np.uint64(place)
    return hrs


@kernel("void(UniTuple(uint64, 2), int64, int64, int8[:,::1], UniTuple(uint64, 2), uint64[:,::1])")
def frequent(
    key: tuple[int, int],
    start: int,
    stop: int,
    signs: NDArray[np.int8],
    limits: tuple[int, int],
    mask: NDArray[np.uint64],
) -> None:
    """Set the bits of the cells whose second number v is below the limit of their state.

    Parameters
    ----------
    key : tuple of 2 uint64
    start, stop : int
        Rows (neurons) to work on.
    signs : int8 array, shape (neurons, inputs)
        Not looked at where the two limits are equal.
    limits : tuple of 2 uint64
        2**64 v of LRS and of HRS cells.
    mask : uint64 array, shape (neurons, words)
        Its rows are written over.
    """
    inputs, words = signs.shape[1], mask.shape[1]
    zero = np.uint64(0)
    # 8 digits decide all 64 numbers of most words: that many are drawn without asking.
    chances = np.empty((8, words), dtype=np.uint64)
    # Which numbers are below their limit so far, and which still agree with it.
    below = np.empty((2, words), dtype=np.uint64)
    open_ = np.empty((2, words), dtype=np.uint64)
    for neuron in range(start, stop):
        first = np.uint64(neuron * words)
        for word in range(words):
            index = first + np.uint64(word)
            c0, c1, c2, c3 = _philox(key, index, zero, zero, zero)
            chances[0, word], chances[1, word], chances[2, word], chances[3, word] = c0, c1, c2, c3
            c0, c1, c2, c3 = _philox(key, index, _ONE, zero, zero)
            chances[4, word], chances[5, word], chances[6, word], chances[7, word] = c0, c1, c2, c3
        for state in range(2):
            # All ones stand for a limit of 1, which every number is below.
            below[state] = _ALL if limits[state] == _ALL else zero
            open_[state] = _ALL
            for place in range(8):
                digit = _digit(limits[state], place)
                for word in range(words):
                    below[state, word], open_[state, word] = _narrowed(
                        digit, chances[place, word], below[state, word], open_[state, word]
                    )
        for word in range(words):
            _decide(key, first, word, limits, below, open_)
            among = min(64, inputs - word * 64)
            hrs = zero
            if limits[0] != limits[1]:
                hrs = _hrs(signs, neuron, word * 64, among)
            chosen = (below[0, word] & ~hrs) | (below[1, word] & hrs)
            mask[neuron, word] = chosen & (_ALL >> np.uint64(64 - among))


@kernel("void(uint64[:,::1], int64[::1], int64)")
def set_bits(mask: NDArray[np.uint64], positions: NDArray[np.int64], inputs: int) -> None:
    """Set the bits of flat positions in a mask of rows."""
    for position in positions:
        neuron = position // inputs
        input_ = position - neuron * inputs
        mask[neuron, input_ >> 6] |= _ONE << np.uint64(input_ & 63)
