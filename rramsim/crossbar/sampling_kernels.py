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

from rramsim.kernels import copy_row, kernel, lowest_bit

FIRST_LEVEL = 9
"""Cells with a number u below 2**-FIRST_LEVEL are found by gaps, the others by bit masks.

Where the two ways cost the same: below, gaps to the next flip; above, masks (measured)."""

LAST_LEVEL = 29
"""Level k holds the cells with 2**-(k + 1) <= u < 2**-k; all below the last one share a lump.

In 20 million cells the lump holds one in 50 networks: more levels would save nothing."""

LUMP = LAST_LEVEL + 1

TAIL_END = 9.0
"""Q(x) is tabulated from minus to plus this x; beyond, it is 1 or 0 to 1e-18."""

_SPLIT = 2.0**-FIRST_LEVEL
_LAST_ACTIVE = 2.887
"""At a greater x, Q(x) is below 2**-FIRST_LEVEL."""

_M0, _M1 = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_W0, _W1 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
_ONE, _ALL = np.uint64(1), np.uint64(2**64 - 1)
_WORDS_AT_ONCE = 64


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


@intrinsic
def _bits_of(typing: Any, address: Any, shift: Any) -> Any:
    """Return the bits at place `shift` of 8 words at `address`, that of the first one lowest."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = ir.IntType(64)
        words = ir.VectorType(word, 8)
        loaded = builder.load(builder.inttoptr(args[0], words.as_pointer()), align=8)
        bit = builder.shl(ir.Constant(word, 1), args[1])
        every = ir.Constant(words, ir.Undefined)
        for lane in range(8):
            every = builder.insert_element(every, bit, ir.Constant(ir.IntType(32), lane))
        is_set = builder.icmp_unsigned(
            "!=", builder.and_(loaded, every), ir.Constant(words, [0] * 8)
        )
        return builder.zext(builder.bitcast(is_set, ir.IntType(8)), word)

    return types.uint64(types.int64, types.uint64), generate


@intrinsic
def _compared(typing: Any, address: Any) -> Any:
    """Compare the first 8 digits of 8 words of 64 numbers with the ends of their limits.

    At `address` are rows of 8: the digits of the numbers, the first ones first; which of them are
    of HRS; the first 8 digits of the least limit of LRS and of HRS, and of the greatest. Then
    there is room for two rows: the numbers that are below their least limit whatever their further
    digits are, and those that are not above their greatest one.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        words = ir.VectorType(ir.IntType(64), 8)
        first = builder.inttoptr(args[0], words.as_pointer())
        rows = [builder.gep(first, [ir.Constant(ir.IntType(64), row)]) for row in range(15)]
        *digits, hrs = [builder.load(row, align=8) for row in rows[:9]]
        ones, last = (ir.Constant(words, [value] * 8) for value in (-1, 63))
        for end in range(2):
            limits = [builder.load(rows[9 + 2 * end + state], align=8) for state in range(2)]
            below, open_ = ir.Constant(words, [0] * 8), ones
            for place, digit in enumerate(digits):
                up = ir.Constant(words, [56 + place] * 8)
                of_lrs, of_hrs = (builder.ashr(builder.shl(one, up), last) for one in limits)
                differ = builder.and_(builder.xor(of_lrs, of_hrs), hrs)
                own = builder.xor(of_lrs, differ)
                differ = builder.xor(own, digit)
                below = builder.or_(below, builder.and_(builder.and_(open_, own), differ))
                open_ = builder.and_(open_, builder.xor(differ, ones))
            result = builder.or_(below, open_) if end else below
            builder.store(result, rows[13 + end], align=8)
        return context.get_dummy_value()

    return types.void(types.int64), generate


# An intrinsic is called without its first parameter, which a type checker cannot know.
_multiply: Any = _product
_hrs_of: Any = _positive
_byte_of: Any = _bits_of
_compare: Any = _compared


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


_TABLES = "float64[:,::1], uint8[:,::1]"
_LINES = f"UniTuple(float64, 2), float64[:,:,::1], float64[:,:,::1], int64, int64, {_TABLES}"


@nb.njit(inline="always")
def _tail_distance(lines: Any, state: Any, neuron: Any, input_: Any) -> Any:
    """Return x of a cell on lines with effects, which is wrong where its u is below Q(x)."""
    distances, columns, rows, word_lines, bit_lines, _, _ = lines
    column = columns[state, neuron, input_ // word_lines]
    return distances[state] - column - rows[state, neuron // bit_lines, input_]


@nb.njit(inline="always")
def _upper_tail(x: Any) -> Any:
    """Return Q(x), of the normal distribution."""
    return 0.5 * math.erfc(x * math.sqrt(0.5))


@nb.njit(inline="always")
def _bin(tails: Any, x: Any) -> Any:
    """Return the number of the bin of x."""
    bins = tails.shape[0]
    return int(min(max((x + TAIL_END) * (bins / (2.0 * TAIL_END)), 0.0), bins - 1.0))


@nb.njit(inline="always")
def _byte_of_tail(bytes_: Any, x: Any, end: Any) -> Any:
    """Return the first 8 digits of the limit of v at x: the least one, or the greatest (1)."""
    return np.uint64(bytes_[_bin(bytes_, x), end])


@nb.njit(inline="always")
def _is_in_tail(tails: Any, u: Any, x: Any) -> Any:
    """Return whether u is below Q(x)."""
    number = _bin(tails, x)
    if u < tails[number, 0]:
        return True
    return u < tails[number, 1] and u < _upper_tail(x)


@kernel(
    "int64(UniTuple(uint64, 2), int64, int64, int8[::1], UniTuple(float64, 2), "
    "int64[::1], float64[::1])"
)
def rare(
    key: tuple[int, int],
    start: int,
    stop: int,
    signs: NDArray[np.int8],
    bers: tuple[float, float],
    wrong: NDArray[np.int64],
    numbers: NDArray[np.float64],
) -> int:
    """Find the cells of ``start..stop-1`` whose u is below 2**-FIRST_LEVEL and their rate.

    Parameters
    ----------
    key : tuple of 2 uint64
    start, stop : int
        A segment; its start is part of every counter.
    signs : int8 array
        All cells. Without use where the two rates are equal, and so are all lines.
    bers : tuple of 2 floats
        Rate of LRS and of HRS cells.
    wrong : int64 array
        Takes the cells, rising within each level. A cell may be found in several levels.
    numbers : float64 array
        Takes their u, if it has room for any.

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
                if numbers.size:
                    numbers[count] = u
                count += 1
    return count


@kernel(f"int64(int8[::1], Tuple(({_LINES})), int64[::1], float64[::1])")
def keep_on_lines(
    signs: NDArray[np.int8],
    lines: Any,
    wrong: NDArray[np.int64],
    numbers: NDArray[np.float64],
) -> int:
    """Keep the cells whose u is below the rate of their state and place, and return their number.

    Parameters
    ----------
    signs : int8 array
        All cells.
    lines : tuple
        See `frequent_on_lines`.
    wrong, numbers
        What `rare` found; those that are kept come first.
    """
    inputs, tails = lines[2].shape[2], lines[5]
    count = 0
    # Few branches, so that the processor waits for several cells at once.
    for place in range(wrong.size):
        cell = wrong[place]
        neuron = cell // inputs
        x = _tail_distance(lines, int(signs[cell] > 0), neuron, cell - neuron * inputs)
        wrong[count] = cell
        count += _is_in_tail(tails, numbers[place], x)
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
    # Rows may be of one word: so many words are worked on side by side, whatever their rows.
    at_once = min((stop - start) * words, _WORDS_AT_ONCE)
    # 8 digits decide all 64 numbers of most words: that many are drawn without asking.
    chances = np.empty((8, at_once), dtype=np.uint64)
    # Which numbers are below their limit so far, and which still agree with it.
    below = np.zeros((2, at_once), dtype=np.uint64)
    open_ = np.zeros((2, at_once), dtype=np.uint64)
    states = 1 if limits[0] == limits[1] else 2
    for begin in range(start * words, stop * words, _WORDS_AT_ONCE):
        first = np.uint64(begin)
        count = min(_WORDS_AT_ONCE, stop * words - begin)
        for word in range(count):
            index = first + np.uint64(word)
            c0, c1, c2, c3 = _philox(key, index, zero, zero, zero)
            chances[0, word], chances[1, word], chances[2, word], chances[3, word] = c0, c1, c2, c3
            c0, c1, c2, c3 = _philox(key, index, _ONE, zero, zero)
            chances[4, word], chances[5, word], chances[6, word], chances[7, word] = c0, c1, c2, c3
        for state in range(states):
            # All ones stand for a limit of 1, which every number is below.
            below[state] = _ALL if limits[state] == _ALL else zero
            open_[state] = _ALL
            for place in range(8):
                digit = _digit(limits[state], place)
                for word in range(count):
                    below[state, word], open_[state, word] = _narrowed(
                        digit, chances[place, word], below[state, word], open_[state, word]
                    )
        neuron = begin // words
        column = begin - neuron * words
        for word in range(count):
            _decide(key, first, word, limits, below, open_)
            among = min(64, inputs - column * 64)
            chosen = below[0, word]
            if states == 2:
                hrs = _hrs(signs, neuron, column * 64, among)
                chosen = (chosen & ~hrs) | (below[1, word] & hrs)
            mask[neuron, column] = chosen & (_ALL >> np.uint64(64 - among))
            column += 1
            if column == words:
                neuron, column = neuron + 1, 0


@nb.njit(inline="always")
def _is_below(key: Any, index: Any, shift: Any, first: Any, x: Any) -> Any:
    """Return whether the v of one cell, whose first 8 digits are known, is below its limit."""
    share = (_upper_tail(x) - _SPLIT) / (1.0 - _SPLIT)
    if share <= 0.0 or share >= 1.0:
        return share >= 1.0
    limit = np.uint64(share * 2.0**64)
    own = limit >> np.uint64(56)
    if first != own:
        return first < own
    for block in range(2, 16):
        drawn = _philox(key, index, np.uint64(block), np.uint64(0), np.uint64(0))
        digit = 4 * block
        for chance in drawn:
            bit = (chance >> shift) & _ONE
            if bit != (limit >> np.uint64(63 - digit)) & _ONE:
                return bit == 0
            digit += 1
    return False


@nb.njit(inline="always")
def _x_in_word(lines: Any, state: Any, neuron: Any, across: Any, input_: Any, first: Any) -> Any:
    """Return what `_tail_distance` gives, of an input in or after tile `first`."""
    distances, columns, rows, word_lines, _, _, _ = lines
    while (first + 1) * word_lines <= input_:
        first += 1
    return distances[state] - columns[state, neuron, first] - rows[state, across, input_]


@nb.njit(inline="always")
def _decide_one_by_one(
    key: Any, row: Any, hrs: Any, lines: Any, words: Any, drawn: Any, place: Any, among: Any
) -> Any:
    """Return which cells `among` those of a word are wrong; `row`: as of `_add_active`."""
    neuron, word, first, across = row
    tails, index = lines[5], np.uint64(neuron * words + word)
    chosen = np.uint64(0)
    while among != 0:
        bit = lowest_bit(among)
        among &= among - _ONE
        shift = np.uint64(bit)
        state = np.int64((hrs >> shift) & _ONE)
        x = _x_in_word(lines, state, neuron, across, word * 64 + bit, first)
        number = _bin(tails, x)
        byte = _byte_of(drawn.ctypes.data + place * 64, shift)
        step = (1.0 - _SPLIT) / 256.0
        u = _SPLIT + step * float(byte)
        # The digits to come make u greater by less than a step.
        is_below = u + step < tails[number, 0]
        if (u <= tails[number, 1]) & ~is_below:
            is_below = _is_below(key, index, shift, byte, x)
        chosen |= np.uint64(is_below) << shift
    return chosen


@nb.njit(inline="always")
def _add_active(
    neuron: Any, words: Any, lines: Any, ends: Any, count: Any, places: Any, limits: Any
) -> Any:
    """Add the words of a neuron in which a cell may be wrong, and return how many there are then.

    `places` takes the neuron and the number of each word, the first tile down the inputs that it
    lies in, and its tile across the neurons, since divisions would cost more than all else;
    `limits` the greatest x of LRS and of HRS, and the least of both.
    """
    distances, columns, rows, word_lines, bit_lines, _, _ = lines
    inputs, across = rows.shape[2], neuron // bit_lines
    first = 0
    for word in range(words):
        # Counted up, not divided.
        while (first + 1) * word_lines <= word * 64:
            first += 1
        last = first
        while (last + 1) * word_lines < min(word * 64 + 64, inputs):
            last += 1
        most_lrs, most_hrs = columns[0, neuron, first], columns[1, neuron, first]
        least_lrs, least_hrs = most_lrs, most_hrs
        for block in range(first + 1, last + 1):
            lrs, hrs = columns[0, neuron, block], columns[1, neuron, block]
            least_lrs, most_lrs = min(least_lrs, lrs), max(most_lrs, lrs)
            least_hrs, most_hrs = min(least_hrs, hrs), max(most_hrs, hrs)
        x_lrs = distances[0] - most_lrs - ends[1, 0, across, word]
        x_hrs = distances[1] - most_hrs - ends[1, 1, across, word]
        if min(x_lrs, x_hrs) < _LAST_ACTIVE:
            places[count, 0], places[count, 1] = neuron, word
            places[count, 2], places[count, 3] = first, across
            limits[0, count] = distances[0] - least_lrs - ends[0, 0, across, word]
            limits[1, count] = distances[1] - least_hrs - ends[0, 1, across, word]
            limits[2, count] = x_lrs
            limits[3, count] = x_hrs
            count += 1
    return count


@nb.njit(inline="always")
def _draw_first_bytes(
    key: Any,
    signs: Any,
    words: Any,
    lines: Any,
    listed: Any,
    places: Any,
    limits: Any,
    rows: Any,
    drawn: Any,
) -> Any:
    """Draw the first 8 digits of the words listed, and return how many may have wrong cells.

    Those come first in `places`, in `rows` (as of `_compared`, 8 of them at a time) and in
    `drawn`, which takes the digits word by word, the last one first.
    """
    inputs, table = signs.shape[1], lines[6]
    zero = np.uint64(0)
    count = 0
    for place in range(listed):
        neuron, word = places[place, 0], places[place, 1]
        index = np.uint64(neuron * words + word)
        among = min(64, inputs - word * 64)
        c0, c1, c2, c3 = _philox(key, index, zero, zero, zero)
        c4, c5, c6, c7 = _philox(key, index, _ONE, zero, zero)
        most_lrs = _byte_of_tail(table, limits[2, place], 1)
        most_hrs = _byte_of_tail(table, limits[3, place], 1)
        if most_lrs | most_hrs == zero:
            # Only a number whose first 8 digits are 0 can be below its limit.
            some = c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7
            if ~some & (_ALL >> np.uint64(64 - among)) == zero:
                continue
        own, lane = rows[count >> 3], count & 7
        own[0, lane], own[1, lane], own[2, lane], own[3, lane] = c0, c1, c2, c3
        own[4, lane], own[5, lane], own[6, lane], own[7, lane] = c4, c5, c6, c7
        own[8, lane] = _hrs(signs, neuron, word * 64, among)
        own[9, lane] = _byte_of_tail(table, limits[0, place], 0)
        own[10, lane] = _byte_of_tail(table, limits[1, place], 0)
        own[11, lane], own[12, lane] = most_lrs, most_hrs
        drawn[count, 7], drawn[count, 6], drawn[count, 5], drawn[count, 4] = c0, c1, c2, c3
        drawn[count, 3], drawn[count, 2], drawn[count, 1], drawn[count, 0] = c4, c5, c6, c7
        places[count, 0], places[count, 1] = neuron, word
        places[count, 2], places[count, 3] = places[place, 2], places[place, 3]
        count += 1
    return count


@kernel(
    f"void(UniTuple(uint64, 2), int64, int64, int8[:,::1], Tuple(({_LINES})), "
    "float64[:,:,:,::1], uint64[:,::1])"
)
def frequent_on_lines(
    key: tuple[int, int],
    start: int,
    stop: int,
    signs: NDArray[np.int8],
    lines: Any,
    ends: NDArray[np.float64],
    mask: NDArray[np.uint64],
) -> None:
    """Set the bits of the cells whose second number v is below the limit of their state and place.

    The first 8 digits of 64 numbers are compared at once with the least and the greatest limit
    that any of the 64 has; only cells between the two are looked at one by one.

    Parameters
    ----------
    key : tuple of 2 uint64
    start, stop : int
        Rows (neurons) to work on.
    signs : int8 array, shape (neurons, inputs)
    lines : tuple
        A cell of `state` 0 (LRS) or 1 (HRS) is wrong with Q(distances[state] -
        columns[state, neuron, input // word_lines] - rows[state, neuron // bit_lines, input]);
        the items are distances, columns, rows, word_lines, bit_lines and, of shape (bins, 2),
        the least and the greatest Q(x) in each bin of x from -TAIL_END to TAIL_END, and the first
        8 digits of the limits of v at these.
    ends : float64 array, shape (2, 2, tiles across, words)
        Least and greatest effect of the rows of a word, by state.
    mask : uint64 array, shape (neurons, words)
        Its rows are written over.
    """
    inputs, words = signs.shape[1], mask.shape[1]
    # Rows may be of one word: words are worked on side by side, whatever their rows.
    room = _WORDS_AT_ONCE + words
    rows = np.zeros(((room + 7) // 8, 15, 8), dtype=np.uint64)
    drawn = np.empty((room, 8), dtype=np.uint64)
    places = np.empty((room, 4), dtype=np.int64)
    limits = np.empty((4, room))
    listed = 0
    for neuron in range(start, stop):
        mask[neuron] = np.uint64(0)
        listed = _add_active(neuron, words, lines, ends, listed, places, limits)
        if listed < _WORDS_AT_ONCE and neuron + 1 < stop:
            continue
        count = _draw_first_bytes(key, signs, words, lines, listed, places, limits, rows, drawn)
        for eight in range((count + 7) // 8):
            _compare(rows.ctypes.data + eight * 15 * 64)
        for place in range(count):
            row = places[place, 0], places[place, 1], places[place, 2], places[place, 3]
            own, lane = rows[place >> 3], place & 7
            valid = _ALL >> np.uint64(64 - min(64, inputs - row[1] * 64))
            chosen = own[13, lane] & valid
            between = own[14, lane] & valid & ~chosen
            chosen |= _decide_one_by_one(
                key, row, own[8, lane], lines, words, drawn, place, between
            )
            mask[row[0], row[1]] = chosen
        listed = 0


@kernel("void(uint64[:,::1], int64[::1], int64)")
def set_bits(mask: NDArray[np.uint64], positions: NDArray[np.int64], inputs: int) -> None:
    """Set the bits of flat positions in a mask of rows."""
    for position in positions:
        neuron = position // inputs
        input_ = position - neuron * inputs
        mask[neuron, input_ >> 6] |= _ONE << np.uint64(input_ & 63)


@nb.njit(inline="always")
def _hashed(value: Any, constant: Any, factor: Any) -> tuple[Any, Any]:
    """Return a hashed word and the constant of the next one, as of numpy's SeedSequence."""
    following = np.uint32(constant * factor)
    mixed = np.uint32((value ^ constant) * following)
    return mixed ^ (mixed >> np.uint32(16)), following


@kernel("void(uint32[::1], int64[::1], uint32[::1], uint64[:,::1])")
def seed_keys(
    entropy: NDArray[np.uint32],
    chips: NDArray[np.int64],
    after: NDArray[np.uint32],
    keys: NDArray[np.uint64],
) -> None:
    """Write what ``SeedSequence(seed, spawn_key=(..., chip, *after))`` generates.

    Parameters
    ----------
    entropy : uint32 array
        The seed in words, at least 4 with zeros behind it, and the words of the spawn key that
        come before the chip.
    chips : int64 array
        Each below 2**32.
    after : uint32 array
        The words of the spawn key that come after the chip.
    keys : uint64 array, shape (chips, words)
        Takes ``generate_state(words, uint64)`` of each chip.
    """
    first_factor, second_factor = np.uint32(0x931E8875), np.uint32(0x58F38DED)
    left, right = np.uint32(0xCA01F9DD), np.uint32(0x4973F715)
    half = np.uint32(16)
    words = np.empty(entropy.size + 1 + after.size, dtype=np.uint32)
    copy_row(entropy, words)
    copy_row(after, words[entropy.size + 1 :])
    pool = np.empty(4, dtype=np.uint32)
    for row in range(chips.size):
        words[entropy.size] = np.uint32(chips[row])
        constant = np.uint32(0x43B0D7E5)
        for place in range(4):
            pool[place], constant = _hashed(words[place], constant, first_factor)
        for source in range(words.size):
            for place in range(4):
                if source == place:
                    continue
                value = pool[source] if source < 4 else words[source]
                value, constant = _hashed(value, constant, first_factor)
                mixed = np.uint32(np.uint32(left * pool[place]) - np.uint32(right * value))
                pool[place] = mixed ^ (mixed >> half)
        constant = np.uint32(0x8B51F9DD)
        for word in range(keys.shape[1]):
            low, constant = _hashed(pool[(2 * word) & 3], constant, second_factor)
            high, constant = _hashed(pool[(2 * word + 1) & 3], constant, second_factor)
            keys[row, word] = np.uint64(low) | (np.uint64(high) << np.uint64(32))


@nb.njit(inline="always")
def room_for_rare(cells: Any) -> Any:
    """Return a room that `rare` hardly ever finds too small for a layer of so many cells."""
    mean = cells * _SPLIT
    return int(mean + 6.0 * math.sqrt(mean)) + 64


@nb.njit(inline="always")
def all_rare(key: Any, signs: Any, bers: Any, wrong: Any, numbers: Any) -> Any:
    """Return how many cells of a small layer `rare` finds, and arrays that had room for them."""
    count = rare(key, 0, signs.size, signs, bers, wrong, numbers)
    while count < 0:
        wrong = np.empty(2 * wrong.size, dtype=np.int64)
        numbers = np.empty(2 * numbers.size, dtype=np.float64)
        count = rare(key, 0, signs.size, signs, bers, wrong, numbers)
    return count, wrong, numbers


@kernel(
    "void(uint64[:,::1], int8[:,::1], UniTuple(float64, 2), UniTuple(uint64, 2), boolean, "
    "uint64[:,:,::1])"
)
def masks_of_chips(
    keys: NDArray[np.uint64],
    signs: NDArray[np.int8],
    bers: tuple[float, float],
    limits: tuple[int, int],
    has_frequent: bool,
    masks: NDArray[np.uint64],
) -> None:
    """Set the bits of the wrong cells of many chips of one small layer.

    Parameters
    ----------
    keys : uint64 array, shape (chips, 2)
    signs : int8 array, shape (neurons, inputs)
        No more cells than a segment of `rare`.
    bers, limits
        See `rare` and `frequent`.
    has_frequent : bool
        Whether a rate is above 2**-FIRST_LEVEL.
    masks : uint64 array, shape (chips, neurons, words)
        Written over.
    """
    neurons, inputs = signs.shape
    flat = signs.reshape(signs.size)
    # A cell comes up once a level at most.
    wrong = np.empty(signs.size * (LUMP - FIRST_LEVEL + 1), dtype=np.int64)
    none = np.empty(0, dtype=np.float64)
    for chip in range(keys.shape[0]):
        key = (keys[chip, 0], keys[chip, 1])
        if has_frequent:
            frequent(key, 0, neurons, signs, limits, masks[chip])
        else:
            masks[chip] = 0
        count = rare(key, 0, signs.size, flat, bers, wrong, none)
        set_bits(masks[chip], wrong[:count], inputs)


@kernel(
    "void(uint64[:,::1], int8[:,::1], float64[:,::1], float64[:,::1], float64[:,:,:,::1], "
    f"float64[:,:,:,::1], float64[:,:,:,:,::1], int64, int64, {_TABLES}, uint64[:,:,::1])"
)
def masks_on_lines(
    keys: NDArray[np.uint64],
    signs: NDArray[np.int8],
    highest: NDArray[np.float64],
    distances: NDArray[np.float64],
    columns: NDArray[np.float64],
    rows: NDArray[np.float64],
    ends: NDArray[np.float64],
    word_lines: int,
    bit_lines: int,
    tails: NDArray[np.float64],
    bytes_: NDArray[np.uint8],
    masks: NDArray[np.uint64],
) -> None:
    """Set the bits of the wrong cells of many chips of one small layer whose lines differ.

    Parameters
    ----------
    keys, signs, masks
        See `masks_of_chips`.
    highest : float64 array, shape (chips, 2)
        Bounds on the rates of LRS and HRS cells.
    distances, columns, rows, ends : float64 arrays
        See `frequent_on_lines`, of each chip.
    word_lines, bit_lines, tails, bytes_
        The last items of `lines` in `frequent_on_lines`.
    """
    neurons, inputs = signs.shape
    flat = signs.reshape(signs.size)
    wrong = np.empty(room_for_rare(signs.size), dtype=np.int64)
    numbers = np.empty(wrong.size, dtype=np.float64)
    for chip in range(keys.shape[0]):
        key, bers = (keys[chip, 0], keys[chip, 1]), (highest[chip, 0], highest[chip, 1])
        away = distances[chip, 0], distances[chip, 1]
        lines = (away, columns[chip], rows[chip], word_lines, bit_lines, tails, bytes_)
        if max(bers[0], bers[1]) > _SPLIT:
            frequent_on_lines(key, 0, neurons, signs, lines, ends[chip], masks[chip])
        else:
            masks[chip] = 0
        count, wrong, numbers = all_rare(key, flat, bers, wrong, numbers)
        count = keep_on_lines(flat, lines, wrong[:count], numbers)
        set_bits(masks[chip], wrong[:count], inputs)


@kernel("void(UniTuple(uint64, 2), int64, int64, float64[:,::1])")
def second_numbers(
    key: tuple[int, int], start: int, stop: int, numbers: NDArray[np.float64]
) -> None:
    """Give cells the u that they have unless `rare` finds them, to 53 digits of v.

    Parameters
    ----------
    key : tuple of 2 uint64
    start, stop : int
        Rows (neurons) to work on.
    numbers : float64 array, shape (neurons, inputs)
        Its rows are written over.
    """
    inputs = numbers.shape[1]
    words = (inputs + 63) // 64
    chances = np.empty(56, dtype=np.uint64)
    for neuron in range(start, stop):
        for word in range(words):
            index = np.uint64(neuron * words + word)
            for block in range(14):
                drawn = _philox(key, index, np.uint64(block), np.uint64(0), np.uint64(0))
                place = 4 * block
                for chance in drawn:
                    chances[place] = chance
                    place += 1
            for bit in range(min(64, inputs - word * 64)):
                v = np.uint64(0)
                for digit in range(53):
                    v = (v << _ONE) | ((chances[digit] >> np.uint64(bit)) & _ONE)
                share = (float(v) + 0.5) * 2.0**-53
                numbers[neuron, word * 64 + bit] = _SPLIT + (1.0 - _SPLIT) * share


# The last word of a counter of fresh reads: of cells by masks, and of cells by gaps.
_BY_MASK, _BY_GAP = _ALL, _ALL - _ONE


@nb.njit(inline="always")
def _wrong_in_word(key: Any, word: Any, image: Any, limits: Any, certain: Any, among: Any) -> Any:
    """Return which of 64 cells, each with a limit of its own, are wrong at the read of an image."""
    below, open_ = certain, among & ~certain
    block = 0
    while block < 16 and open_ != 0:
        drawn = _philox(key, np.uint64(word), np.uint64(block), image, _BY_MASK)
        place = 4 * block
        for chance in drawn:
            below, open_ = _narrowed(limits[place], chance, below, open_)
            place += 1
        block += 1
    return below


@nb.njit(inline="always")
def _wrong_in_level(
    key: Any, image: Any, level: Any, ends: Any, often: Any, shares: Any, wrong: Any, count: Any
) -> Any:
    """Add the wrong cells of a level to the `count` that there are; -1 without room for them."""
    log_others = math.log1p(-(2.0**-level))
    cell, stop = ends[0] - 1, ends[1]
    block = np.uint64(0)
    spare = False
    gap_bits = share_bits = spare_gap = spare_share = np.uint64(0)
    while True:
        if spare:
            gap_bits, share_bits = spare_gap, spare_share
        else:
            gap_bits, share_bits, spare_gap, spare_share = _philox(
                key, block, image, np.uint64(level), _BY_GAP
            )
            block += _ONE
        spare = not spare
        uniform = (float(gap_bits >> np.uint64(11)) + 0.5) * 2.0**-53
        gap = math.log(uniform) / log_others
        if gap >= stop - cell - 1:
            return count
        cell += 1 + int(gap)
        if float(share_bits >> np.uint64(11)) * 2.0**-53 < shares[cell - often]:
            if count == wrong.size:
                return -1
            wrong[count] = cell
            count += 1


@kernel(
    "int64(UniTuple(uint64, 2), int64, int64, int64, uint64[:,::1], uint64[::1], "
    "int64[::1], int64[::1], float64[::1], int64[::1], int32[::1])"
)
def fresh(
    key: tuple[int, int],
    first: int,
    stop: int,
    often: int,
    limits: NDArray[np.uint64],
    certain: NDArray[np.uint64],
    levels: NDArray[np.int64],
    level_starts: NDArray[np.int64],
    shares: NDArray[np.float64],
    starts: NDArray[np.int64],
    wrong: NDArray[np.int32],
) -> int:
    """Draw the cells that are wrong at the reads of some images, each cell on its own.

    The first `often` cells have a number v for every image, below their probability where they are
    wrong, of which 64 are compared at once. The others lie in levels: those of level k, whose
    probability is from 2**-(k + 1) to below 2**-k, come up at a rate of 2**-k by geometric gaps,
    and each that comes up is wrong with its share of that rate.

    Parameters
    ----------
    key : tuple of 2 uint64
    first, stop : int
        Numbers of the images, which are part of every counter.
    often : int
    limits : uint64 array, shape (words, 64)
        Item d of a word holds binary digit d of the probabilities of its 64 cells.
    certain : uint64 array, shape (words,)
        Cells of each word that are always wrong.
    levels, level_starts : int64 arrays, shape (levels,) and (levels + 1,)
        Number k of each, and its first cell.
    shares : float64 array
        2**k times the probability, of the cells after the first `often`.
    starts : int64 array, shape (images + 1,)
        Takes the first place of each image in `wrong`.
    wrong : int32 array
        Takes the numbers of the wrong cells, image by image.

    Returns
    -------
    int
        Number of wrong cells; -1 if there is no room for them.
    """
    count = 0
    words = limits.shape[0]
    starts[0] = 0
    for number in range(first, stop):
        image = np.uint64(number)
        for word in range(words):
            among = _ALL >> np.uint64(64 - min(64, often - word * 64))
            left = _wrong_in_word(key, word, image, limits[word], certain[word], among)
            if count + 64 > wrong.size:
                return -1
            while left != 0:
                wrong[count] = word * 64 + lowest_bit(left)
                left &= left - _ONE
                count += 1
        for place in range(levels.size):
            ends = level_starts[place], level_starts[place + 1]
            count = _wrong_in_level(key, image, levels[place], ends, often, shares, wrong, count)
            if count < 0:
                return -1
        starts[number - first + 1] = count
    return count
