"""The kernels of bit-sliced corrections: margins as bit planes, many sums in one vector.

A margin says by how many mismatches a neuron fires on an image (it fires where the margin is 0 or
more). Bit-sliced, a vector holds one bit of as many margins as it has bits, so that one logical
operation works on 256 or 512 of them. Let w be the weight bits free of faults and x the input bits
on the chip. With C1 and C0 the changed inputs of an image that are now 1 and 0, F1 and F0 the
flipped weights of a neuron that were 1 and 0, margins change by

    2 (sum of w over C1 - sum of w over C0) + |C0| - |C1|
    + 2 (sum of x over F0 - sum of x over F1) + |F1| - |F0|.

Both are sums of rows of bits: for an image, rows of the transposed weights (neurons side by side),
and for a neuron, rows of the transposed inputs (images side by side). They are added up in vertical
counters, sixteen rows a step (R. Harley and R. Seal's carry-save adder; W. Mula, N. Kurz and
D. Lemire, "Faster population counts using AVX2 instructions", Computer Journal 61, 2018). Rows are
taken off by complements: ~(~v + r) = v - r. All planes of a margin are kept, so nothing overflows.

LLVM is written by hand since the counters must stay in registers while rows are loaded one by one,
which numba's loops over the words of a row cannot say. Vectors are as wide as the processor's.

Kernels and what they call stay in one file, since numba's cache only watches the file of the
kernel for changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from rramsim.bits import Words
from rramsim.kernels import kernel, lowest_bit, processor, splat

LANES = 512
"""Images, or neurons, side by side in the planes of a block."""

GROUP = 4
"""Lists of rows are padded to a multiple of it, by a row of zeros."""

_WORDS = LANES // 64
_WIDTH = 8 if "avx512f" in processor().features else 4  # words of a vector
_STEP = 16  # rows added at once
_ROW = 8 * _WORDS  # bytes from a row, or plane, to the next
_WORD = ir.IntType(64)
_HALF = ir.IntType(32)
_VECTOR = ir.VectorType(_WORD, _WIDTH)
_LEAST_PLANES = _STEP.bit_length() - 1
_ONE, _ALL = np.uint64(1), np.uint64(2**64 - 1)


def _number(value: int) -> Any:
    return ir.Constant(_WORD, value)


def _load(builder: Any, address: Any, offset: int = 0) -> Any:
    moved = builder.add(address, _number(offset)) if offset else address
    return builder.load(builder.inttoptr(moved, _VECTOR.as_pointer()), align=8)


def _store(builder: Any, vector: Any, address: Any, offset: int = 0) -> None:
    moved = builder.add(address, _number(offset)) if offset else address
    builder.store(vector, builder.inttoptr(moved, _VECTOR.as_pointer()), align=8)


def _plane(builder: Any, planes: Any, place: Any) -> Any:
    return builder.add(planes, builder.mul(place, _number(_ROW)))


def _loop(builder: Any, begin: Any, end: Any, carried: list[Any], body: Any) -> list[Any]:
    """Emit ``for step in range(begin, end)`` with values that `body` carries on."""
    before = builder.block
    head, inside, done = (builder.append_basic_block(name) for name in ("head", "body", "done"))
    builder.branch(head)
    builder.position_at_end(head)
    step = builder.phi(_WORD)
    step.add_incoming(begin, before)
    phis = []
    for value in carried:
        phi = builder.phi(value.type)
        phi.add_incoming(value, before)
        phis.append(phi)
    builder.cbranch(builder.icmp_signed("<", step, end), inside, done)
    builder.position_at_end(inside)
    results = body(step, phis)
    step.add_incoming(builder.add(step, _number(1)), builder.block)
    for phi, result in zip(phis, results, strict=True):
        phi.add_incoming(result, builder.block)
    builder.branch(head)
    builder.position_at_end(done)
    return phis


def _sum_and_carry(builder: Any, a: Any, b: Any, c: Any) -> tuple[Any, Any]:
    either = builder.xor(a, b)
    carry = builder.or_(builder.and_(a, b), builder.and_(either, c))
    return builder.xor(either, c), carry


def _add_group(
    builder: Any, counters: list[Any], rows: int, row: Any, planes: Any, end: Any
) -> list[Any]:
    """Add a power of two of rows to the planes from `planes` on; return the lowest of them.

    Those are `counters`; the others, up to the number `end`, lie in memory.
    """
    counters = list(counters)

    def weighed(first: int, count: int) -> Any:
        # Rows are loaded where they are added: the registers would not hold all at once.
        if count == 1:
            return row(first)
        level = count.bit_length() - 2
        half = count // 2
        a, b = weighed(first, half), weighed(first + half, half)
        counters[level], carry = _sum_and_carry(builder, a, b, counters[level])
        return carry

    left = weighed(0, rows)
    _carry_on(builder, left, planes, _number(rows.bit_length() - 1), end)
    return counters


def _carry_on(builder: Any, carry: Any, planes: Any, begin: Any, end: Any) -> None:
    """Add a carry to planes in memory, from the number `begin` on."""

    def body(place: Any, carried: list[Any]) -> list[Any]:
        at = _plane(builder, planes, place)
        plane = _load(builder, at)
        _store(builder, builder.xor(plane, carried[0]), at)
        return [builder.and_(plane, carried[0])]

    _loop(builder, begin, end, [carry], body)


def _add_rows(builder: Any, planes: Any, end: Any, listed: Any, count: Any, table: Any) -> None:
    """Add `count` rows of `table`, whose int32 numbers are `listed`, to planes in memory."""
    for rows in (_STEP, GROUP):
        depth = rows.bit_length() - 1
        groups = builder.lshr(count, _number(depth))
        first = [_load(builder, planes, _ROW * place) for place in range(depth)]

        def body(step: Any, counters: list[Any], rows: int = rows, listed: Any = listed) -> Any:
            at = builder.add(listed, builder.mul(step, _number(4 * rows)))
            return _add_group(builder, counters, rows, _row_of(builder, at, table), planes, end)

        for place, counter in enumerate(_loop(builder, _number(0), groups, first, body)):
            _store(builder, counter, planes, _ROW * place)
        done = builder.shl(groups, _number(depth))
        listed = builder.add(listed, builder.shl(done, _number(2)))
        count = builder.sub(count, done)


def _row_of(builder: Any, listed: Any, table: Any) -> Callable[[int], Any]:
    def row(place: int) -> Any:
        address = builder.add(listed, _number(4 * place))
        number = builder.load(builder.inttoptr(address, _HALF.as_pointer()))
        moved = builder.mul(builder.zext(number, _WORD), _number(_ROW))
        return _load(builder, builder.add(table, moved))

    return row


def _uniform(builder: Any, value: Any, place: Any) -> Any:
    """Emit a vector of one bit of a whole number."""
    bit = builder.and_(builder.ashr(value, place), _number(1))
    return splat(builder, builder.sub(_number(0), bit), _VECTOR)


def _complement(builder: Any, planes: Any, end: Any) -> None:
    def body(place: Any, carried: list[Any]) -> list[Any]:
        at = _plane(builder, planes, place)
        _store(builder, builder.not_(_load(builder, at)), at)
        return []

    _loop(builder, _number(0), end, [], body)


@intrinsic
def _set_planes(typing: Any, planes: Any, count: Any, value: Any) -> Any:
    """Set planes to a whole number in every lane."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        planes, count, value = args

        def body(place: Any, carried: list[Any]) -> list[Any]:
            _store(builder, _uniform(builder, value, place), _plane(builder, planes, place))
            return []

        _loop(builder, _number(0), count, [], body)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), generate


@intrinsic
def _half_of_sum(typing: Any, margins: Any, count: Any, change: Any, planes: Any) -> Any:
    """Set ``count - 1`` planes to the complement of ``(margins + change) >> 1``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        margins, count, change, planes = args
        carry = builder.and_(_load(builder, margins), _uniform(builder, change, _number(0)))

        def body(place: Any, carried: list[Any]) -> list[Any]:
            at = _plane(builder, planes, place)
            margin = _load(builder, _plane(builder, margins, place))
            added = _uniform(builder, change, place)
            total, carry = _sum_and_carry(builder, margin, added, carried[0])
            _store(builder, builder.not_(total), at, -_ROW)
            return [carry]

        _loop(builder, _number(1), count, [carry], body)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate


@intrinsic
def _add_listed(typing: Any, planes: Any, count: Any, listed: Any, rows: Any, table: Any) -> Any:
    """Add the listed rows to planes in memory."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _add_rows(builder, *args)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), generate


@intrinsic
def _add_listed_numbers(
    typing: Any,
    planes: Any,
    count: Any,
    listed: Any,
    rows: Any,
    table: Any,
    places: Any,
    stride: Any,
) -> Any:
    """Add whole numbers to planes in memory, one after the other.

    The lowest of the `places` planes of a number is the listed row of `table`, the next is `stride`
    bytes further on.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        planes, count, listed, rows, table, places, stride = args

        def add_number(step: Any, carried: list[Any]) -> list[Any]:
            address = builder.add(listed, builder.mul(step, _number(4)))
            number = builder.load(builder.inttoptr(address, _HALF.as_pointer()))
            row = builder.add(table, builder.mul(builder.zext(number, _WORD), _number(_ROW)))

            def add_place(place: Any, carried: list[Any]) -> list[Any]:
                at = _plane(builder, planes, place)
                bits = _load(builder, builder.add(row, builder.mul(place, stride)))
                total, carry = _sum_and_carry(builder, _load(builder, at), bits, carried[0])
                _store(builder, total, at)
                return [carry]

            none = ir.Constant(_VECTOR, [0] * _WIDTH)
            carry = _loop(builder, _number(0), places, [none], add_place)
            _carry_on(builder, carry[0], planes, places, count)
            return []

        _loop(builder, _number(0), rows, [], add_number)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 7), generate


@intrinsic
def _complemented(typing: Any, planes: Any, count: Any) -> Any:
    """Complement planes in memory."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _complement(builder, *args)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 2), generate


@intrinsic
def _fire_sum(
    typing: Any,
    margins: Any,
    count: Any,
    odd: Any,
    changes: Any,
    changes_count: Any,
    flips_odd: Any,
    flips: Any,
    flips_count: Any,
    fired: Any,
) -> Any:
    """Write which margins are 0 or more after two changes.

    Each change is twice what its planes hold, and 1 more where it is odd: for all at once in
    `odd`, and by lane in the vector at `flips_odd`.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        margins, count, odd, changes, changes_count, flips_odd, flips, flips_count, fired = args
        one = _number(1)
        _, carry = _sum_and_carry(
            builder,
            _load(builder, margins),
            _uniform(builder, odd, _number(0)),
            _load(builder, flips_odd),
        )

        def extended(planes: Any, planes_count: Any, place: Any) -> Any:
            last = builder.sub(planes_count, one)
            is_within = builder.icmp_signed("<", place, last)
            return _load(builder, _plane(builder, planes, builder.select(is_within, place, last)))

        def body(place: Any, carried: list[Any]) -> list[Any]:
            below = builder.sub(place, one)
            total, saved = _sum_and_carry(
                builder,
                extended(changes, changes_count, below),
                extended(flips, flips_count, below),
                _load(builder, _plane(builder, margins, place)),
            )
            last, carry = _sum_and_carry(builder, total, carried[1], carried[0])
            return [carry, saved, last]

        none = ir.Constant(_VECTOR, [0] * _WIDTH)
        *_, sign = _loop(builder, one, count, [carry, none, none], body)
        _store(builder, builder.not_(sign), fired)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 9), generate


@intrinsic
def _transpose_words(typing: Any, rows: Any, stride: Any) -> Any:
    """Exchange rows and columns of 64 x 64 bits in each word of vectors `stride` bytes apart."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows, stride = args
        for steps, apart in (((32, 16, 8), 8), ((4, 2, 1), 1)):

            def body(
                step: Any, carried: list[Any], steps: tuple[int, ...] = steps, apart: int = apart
            ) -> list[Any]:
                first = step if apart == 8 else builder.mul(step, _number(8))
                at = [
                    builder.add(rows, builder.mul(builder.add(first, _number(apart * k)), stride))
                    for k in range(8)
                ]
                eight = [_load(builder, one) for one in at]
                for distance in steps:
                    _exchange(builder, eight, distance, distance // apart)
                for address, vector in zip(at, eight, strict=True):
                    _store(builder, vector, address)
                return []

            _loop(builder, _number(0), _number(8), [], body)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 2), generate


def _exchange(builder: Any, rows: list[Any], bits: int, apart: int) -> None:
    """Exchange the upper bits of each row with the lower ones of the row `apart` further on."""
    mask = sum(1 << bit for bit in range(64) if not bit & bits)
    low = ir.Constant(_VECTOR, [mask] * _WIDTH)
    by = ir.Constant(_VECTOR, [bits] * _WIDTH)
    for k in range(8):
        if k & apart:
            continue
        differ = builder.and_(builder.xor(builder.lshr(rows[k], by), rows[k + apart]), low)
        rows[k + apart] = builder.xor(rows[k + apart], differ)
        rows[k] = builder.xor(rows[k], builder.shl(differ, by))


@intrinsic
def _plane_bits(typing: Any, margins: Any, place: Any) -> Any:
    """Return a word: one bit of each of 64 int32 margins."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        many = ir.VectorType(_HALF, 64)
        values = builder.load(builder.inttoptr(args[0], many.as_pointer()), align=4)
        left = builder.sub(ir.Constant(_HALF, 31), builder.trunc(args[1], _HALF))
        shifted = builder.shl(values, splat(builder, left, many))
        negative = builder.icmp_signed("<", shifted, ir.Constant(many, [0] * 64))
        return builder.bitcast(negative, _WORD)

    return types.uint64(types.int64, types.int64), generate


@intrinsic
def _spread_margins(typing: Any, planes: Any, count: Any, least: Any, margins: Any) -> Any:
    """Write 64 margins as int8, cut to ``least..-least - 1``, from the words of their planes."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        planes, count, least, margins = args
        many = ir.VectorType(_HALF, 64)
        none = ir.Constant(many, [0] * 64)

        def body(place: Any, carried: list[Any]) -> list[Any]:
            at = builder.inttoptr(_plane(builder, planes, place), _WORD.as_pointer())
            bits = builder.bitcast(builder.load(at), ir.VectorType(ir.IntType(1), 64))
            weight = builder.shl(_number(1), place)
            weight = splat(builder, builder.trunc(weight, _HALF), many)
            return [builder.or_(carried[0], builder.select(bits, weight, none))]

        (total,) = _loop(builder, _number(0), count, [none], body)
        unused = builder.trunc(builder.sub(_number(32), count), _HALF)
        unused = splat(builder, unused, many)
        signed = builder.ashr(builder.shl(total, unused), unused)
        low = splat(builder, builder.trunc(least, _HALF), many)
        high = builder.not_(low)
        signed = builder.select(builder.icmp_signed("<", signed, low), low, signed)
        signed = builder.select(builder.icmp_signed(">", signed, high), high, signed)
        cut = builder.trunc(signed, ir.VectorType(ir.IntType(8), 64))
        builder.store(cut, builder.inttoptr(margins, cut.type.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate


# An intrinsic is called without its first parameter, which a type checker cannot know.
_set: Any = _set_planes
_half: Any = _half_of_sum
_add: Any = _add_listed
_add_numbers: Any = _add_listed_numbers
_turn: Any = _complemented
_fire: Any = _fire_sum
_transpose: Any = _transpose_words
_bits_of: Any = _plane_bits
_spread: Any = _spread_margins


@kernel("void(int64, int64)")
def _turn_words(rows: int, stride: int) -> None:
    """Exchange rows and columns of 64 x 64 bits in each of 8 words of rows `stride` bytes apart."""
    for half in range(0, _ROW, 8 * _WIDTH):
        _transpose(rows + half, stride)


@kernel("void(uint64[:,::1], int64, int64, uint64[:,::1])")
def _columns(rows: Words, begin: int, end: int, table: Words) -> None:
    """Write the columns of up to `LANES` rows of bits; one more column is 0."""
    words = rows.shape[1]
    for word in range(words):
        for lane in range(_WORDS):
            first = begin + lane * 64
            for row in range(64):
                table[word * 64 + row, lane] = (
                    rows[first + row, word] if first + row < end else np.uint64(0)
                )
        _turn_words(table.ctypes.data + word * 64 * _ROW, _ROW)
    table[words * 64] = 0


@kernel("void(uint64[:,::1], uint64[:,:,::1])")
def columns(rows: Words, table: Words) -> None:
    """Write the columns of rows of bits, `LANES` rows side by side.

    Parameters
    ----------
    rows : uint64 array, shape (rows, words)
    table : uint64 array, shape (blocks of rows, 64 words + 1, 8)
        Takes the columns, and after them one of zeros.
    """
    for block in range(table.shape[0]):
        begin = block * LANES
        _columns(rows, begin, min(rows.shape[0], begin + LANES), table[block])


@kernel("void(int32[:,::1], int64[::1], int64[::1], int64, uint64[:,:,:,::1])")
def slice_margins(
    mismatches: NDArray[np.int32],
    row_limits: NDArray[np.int64],
    column_limits: NDArray[np.int64],
    first: int,
    planes: Words,
) -> None:
    """Write margins, limits less mismatches, as bit planes, `LANES` columns side by side.

    Parameters
    ----------
    mismatches : int32 array, shape (rows, columns)
    row_limits, column_limits : int64 arrays, shapes (rows,) and (columns,)
        A limit is the sum of the two.
    first : int
        Row of `planes` that takes the first of them.
    planes : uint64 array, shape (blocks of columns, rows in all, planes, 8)
        The lowest bits first; columns beyond those of `mismatches` become -1.
    """
    columns = mismatches.shape[1]
    blocks, _, count, _ = planes.shape
    buffer = np.empty(64, dtype=np.int32)
    for row in range(mismatches.shape[0]):
        for word in range(blocks * _WORDS):
            begin = word * 64
            for k in range(max(0, min(64, columns - begin))):
                limit = row_limits[row] + column_limits[begin + k]
                buffer[k] = limit - mismatches[row, begin + k]
            buffer[max(0, min(64, columns - begin)) :] = -1
            for place in range(count):
                planes[word // _WORDS, first + row, place, word % _WORDS] = _bits_of(
                    buffer.ctypes.data, place
                )


@kernel("void(uint64[:,:,:,::1], int64, int64, int64, int8[:,::1])")
def join_margins(
    planes: Words, begin: int, end: int, least: int, margins: NDArray[np.int8]
) -> None:
    """Write margins of up to 32 bits as whole numbers, cut to ``least..-least - 1``.

    Parameters
    ----------
    planes : uint64 array, shape (blocks of columns, rows, planes, 8)
        As `slice_margins` gives them.
    begin, end : int
        Rows to work on.
    least : int
    margins : int8 array, shape (at least rows, 64 words)
    """
    count = planes.shape[2]
    for row in range(begin, end):
        for word in range(margins.shape[1] >> 6):
            at = planes[word // _WORDS, row].ctypes.data + word % _WORDS * 8
            _spread(at, count, least, margins[row].ctypes.data + word * 64)


@kernel("int64(uint64[::1], uint64[::1], int32[::1], int64, int64[::1])")
def _list_row(
    changed: Words, added: Words, listed: NDArray[np.int32], at: int, bounds: NDArray[np.int64]
) -> int:
    """List the bits set in `changed`: those not in `added`, then those in it, both padded.

    `bounds` takes where the list begins, the length of its halves, by how many bits the first is
    longer, and the number of bits. Returns where the list ends.
    """
    words = changed.size
    bounds[0], difference, total = at, 0, 0
    for half in range(2):
        turn = _ALL if half == 0 else np.uint64(0)
        begin = at
        for word in range(words):
            left = changed[word] & (added[word] ^ turn)
            while left:
                listed[at] = word * 64 + lowest_bit(left)
                at += 1
                left &= left - _ONE
        total += at - begin
        difference = at - begin - difference
        while (at - begin) % GROUP:
            listed[at] = words * 64
            at += 1
        bounds[1 + half] = at - begin
    bounds[3], bounds[4] = -difference, total
    return at


@kernel("void(uint64[:,::1], uint64[:,::1], int32[::1], int64[:,::1])")
def list_flips(
    mask: Words, weights: Words, listed: NDArray[np.int32], bounds: NDArray[np.int64]
) -> None:
    """List the flipped weights of each neuron: those that were 1, then those that were 0.

    Parameters
    ----------
    mask : uint64 array, shape (neurons, words)
    weights : uint64 array, shape (neurons, words)
        Free of faults.
    listed : int32 array
        Takes the lists; as long as there are flips, and ``2 (GROUP - 1)`` more for each neuron.
    bounds : int64 array, shape (neurons, 5)
        Takes for each neuron where its list begins, how many of it were 1, how many were 0 (both
        padded to multiples of `GROUP`), the difference of the two, and the number of flips.
    """
    words = mask.shape[1]
    added = np.empty(words, dtype=np.uint64)
    at = 0
    for neuron in range(mask.shape[0]):
        for word in range(words):
            added[word] = ~weights[neuron, word]
        at = _list_row(mask[neuron], added, listed, at, bounds[neuron])


@kernel("void(int64[::1], int64, uint64[:,::1], int32[::1], int64[:,::1])")
def list_positions(
    positions: NDArray[np.int64],
    inputs: int,
    weights: Words,
    listed: NDArray[np.int32],
    bounds: NDArray[np.int64],
) -> None:
    """List flips as `list_flips` does, from their sorted flat positions in rows of `inputs`."""
    begin, at = 0, 0
    for neuron in range(bounds.shape[0]):
        end = begin
        while end < positions.size and positions[end] < (neuron + 1) * inputs:
            end += 1
        start, ones = at, 0
        for half in range(2):
            first = at
            for k in range(begin, end):
                input_ = positions[k] - neuron * inputs
                weight = weights[neuron, input_ >> 6] >> np.uint64(input_ & 63) & _ONE
                if (weight == _ONE) == (half == 0):
                    listed[at] = input_
                    at += 1
            if half == 0:
                ones = at - first
            while (at - first) % GROUP:
                listed[at] = 64 * weights.shape[1]
                at += 1
            bounds[neuron, 1 + half] = at - first
        bounds[neuron, 0] = start
        bounds[neuron, 3] = 2 * ones - (end - begin)
        bounds[neuron, 4] = end - begin
        begin = end


@kernel("int64(int64)")
def _planes_for(changes: int) -> int:
    """Return the planes that hold half of so many changes, with their sign."""
    left, planes = (changes + 1) >> 1, 1
    while left:
        left >>= 1
        planes += 1
    return max(planes, _LEAST_PLANES)


@kernel("void(int64, int64, int64, int64, int64)")
def _add_list(planes: int, count: int, listed: int, rows: int, table: int) -> None:
    # One copy of the code, which is long, for all that add rows.
    _add(planes, count, listed, rows, table)


@kernel("void(int64, int64, int64[::1], int64, int64)")
def _half_change(
    planes: int, count: int, bounds: NDArray[np.int64], listed: int, table: int
) -> None:
    """Set planes to half of what the changes of one image or neuron change, rounded down."""
    start, minus, plus, excess, _ = bounds
    for half in range(0, _ROW, 8 * _WIDTH):
        _set(planes + half, count, ~(excess >> 1))
        _add_list(planes + half, count, listed + 4 * start, minus, table + half)
        _turn(planes + half, count)
        _add_list(planes + half, count, listed + 4 * (start + minus), plus, table + half)


@kernel("void(uint64[:,::1], int32[::1], int64[:,::1], int64, int64, uint64[:,:,::1])")
def _flip_planes(
    table: Words,
    listed: NDArray[np.int32],
    bounds: NDArray[np.int64],
    begin: int,
    end: int,
    planes: Words,
) -> None:
    """Find what flips change for `LANES` images, and set neurons side by side.

    `planes` has the shape (images, planes, 8) and takes half of the change of each neuron from
    `begin` to `end`.
    """
    count = planes.shape[1]
    # A line more for each 64 neurons: a power of two apart, they would share few lines of cache.
    size = 64 * count + 1
    buffer = np.zeros((_WORDS * size, _WORDS), dtype=np.uint64)
    for neuron in range(begin, end):
        if bounds[neuron, 4]:
            k = neuron - begin
            at = buffer.ctypes.data + ((k >> 6) * size + (k & 63) * count) * _ROW
            _half_change(at, count, bounds[neuron], listed.ctypes.data, table.ctypes.data)
    for group in range(_WORDS):
        for place in range(count):
            at = buffer.ctypes.data + (group * size + place) * _ROW
            _turn_words(at, count * _ROW)
    for k in range(64):
        for place in range(count):
            for lane in range(_WORDS):
                for group in range(_WORDS):
                    row = group * size + k * count + place
                    planes[lane * 64 + k, place, group] = buffer[row, lane]


@kernel(
    "void(int32[::1], int64[:,::1], uint64[:,::1], uint64[:,:,::1], uint64[::1], "
    "uint64[:,:,::1], uint64[:,::1], int64)"
)
def _fire_block(
    listed: NDArray[np.int32],
    bounds: NDArray[np.int64],
    weights: Words,
    margins: Words,
    odd: Words,
    flip_planes: Words,
    fired: Words,
    word: int,
) -> None:
    """Find the outputs of `LANES` neurons, and write them from a word of each row on."""
    images, count, _ = margins.shape
    most = 0
    for image in range(images):
        most = max(most, bounds[image, 4])
    changes = np.zeros((_planes_for(most), _WORDS), dtype=np.uint64)
    none = np.zeros((1, _WORDS), dtype=np.uint64)
    bits = np.empty(_WORDS, dtype=np.uint64)
    for image in range(images):
        change_count, at = 1, none.ctypes.data
        if bounds[image, 4]:
            change_count, at = _planes_for(bounds[image, 4]), changes.ctypes.data
            _half_change(at, change_count, bounds[image], listed.ctypes.data, weights.ctypes.data)
        flips_at = flip_planes.ctypes.data
        if flip_planes.shape[0] > 1:
            flips_at += image * flip_planes.shape[1] * _ROW
        for half in range(0, _ROW, 8 * _WIDTH):
            _fire(
                margins.ctypes.data + image * count * _ROW + half,
                count,
                bounds[image, 3],
                at + half,
                change_count,
                odd.ctypes.data + half,
                flips_at + half,
                flip_planes.shape[1],
                bits.ctypes.data + half,
            )
        for lane in range(min(_WORDS, fired.shape[1] - word)):
            fired[image, word + lane] = bits[lane]


@kernel(
    "void(uint64[:,::1], uint64[:,::1], int64, int64, uint64[:,:,::1], uint64[:,:,:,::1], "
    "int32[::1], int64[:,::1], uint64[:,::1], uint64[:,::1])"
)
def correct_images(
    inputs: Words,
    clean: Words,
    begin: int,
    end: int,
    weights: Words,
    margins: Words,
    flips: NDArray[np.int32],
    flip_bounds: NDArray[np.int64],
    odd: Words,
    fired: Words,
) -> None:
    """Find the outputs of a hidden layer of -1 and +1 for some images.

    Parameters
    ----------
    inputs, clean : uint64 arrays, shape (images, words)
        On this chip, and free of faults.
    begin, end : int
        Images to work on, at most `LANES`.
    weights : uint64 array, shape (blocks of neurons, 64 words + 1, 8)
        Columns of the weights free of faults, as `columns` gives them.
    margins : uint64 array, shape (blocks of neurons, images, planes, 8)
        Free of faults, as `slice_margins` gives them.
    flips : int32 array
    flip_bounds : int64 array, shape (neurons, 5)
        As `list_flips` gives them.
    odd : uint64 array, shape (blocks of neurons, 8)
        A bit for each neuron with an odd number of flips.
    fired : uint64 array, shape (images, words of neurons)
        Takes the outputs.
    """
    neurons, words = flip_bounds.shape[0], inputs.shape[1]
    listed = np.empty((end - begin) * (64 * words + 2 * GROUP), dtype=np.int32)
    bounds = np.empty((end - begin, 5), dtype=np.int64)
    changed = np.empty(words, dtype=np.uint64)
    at = 0
    for image in range(begin, end):
        for word in range(words):
            changed[word] = inputs[image, word] ^ clean[image, word]
        at = _list_row(changed, inputs[image], listed, at, bounds[image - begin])
    table = np.empty((64 * words + 1, _WORDS), dtype=np.uint64)
    if flips.size:
        _columns(inputs, begin, end, table)
    for block in range(weights.shape[0]):
        first, last = block * LANES, min(neurons, block * LANES + LANES)
        most = 0
        for neuron in range(first, last):
            most = max(most, flip_bounds[neuron, 4])
        images = LANES if most else 1
        flip_planes = np.zeros((images, _planes_for(most), _WORDS), dtype=np.uint64)
        if most:
            _flip_planes(table, flips, flip_bounds, first, last, flip_planes)
        _fire_block(
            listed,
            bounds,
            weights[block],
            margins[block, begin:end],
            odd[block],
            flip_planes,
            fired[begin:end],
            block * _WORDS,
        )
    for image in range(begin, end):
        fired[image, fired.shape[1] - 1] &= _ALL >> np.uint64(-neurons & 63)


@kernel(
    "void(uint64[:,:,:,::1], uint64[:,:,:,::1], int64[::1], int64[::1], int32[::1], "
    "int64[:,::1], int64, int64, int64, uint64[:,::1])"
)
def correct_pixels(
    margins: Words,
    pixels: Words,
    shifts: NDArray[np.int64],
    neurons: NDArray[np.int64],
    flips: NDArray[np.int32],
    flip_bounds: NDArray[np.int64],
    begin: int,
    end: int,
    images: int,
    fired: Words,
) -> None:
    """Find the outputs of first-layer neurons with flips, for all images.

    Parameters
    ----------
    margins : uint64 array, shape (blocks of images, neurons, planes, 8)
        Free of faults, as `slice_margins` gives them, in units of mismatches.
    pixels : uint64 array, shape (blocks of images, bits of a pixel, 64 words + 1, 8)
        The bits of all images in each input, the lowest plane first, as `columns` gives them.
    shifts : int64 array, shape (neurons with flips,)
        What the flips add to the margin on every image.
    neurons : int64 array
        Those with flips.
    flips, flip_bounds
        As `list_flips` gives them for all neurons.
    begin, end : int
        Neurons to work on, counted among those with flips.
    images : int
    fired : uint64 array, shape (neurons with flips, words of images)
        Takes the outputs.
    """
    blocks, _, count, _ = margins.shape
    # Where few planes are left, additions load and store some beyond them.
    planes = np.zeros((count + _LEAST_PLANES, _WORDS), dtype=np.uint64)
    for block in range(blocks):
        for k in range(begin, end):
            neuron = neurons[k]
            start, minus, plus, excess, total = flip_bounds[neuron]
            ones = (total + excess) >> 1
            at = margins[block, neuron].ctypes.data
            for half in range(0, _ROW, 8 * _WIDTH):
                planes_at = planes.ctypes.data + half
                _half(at + half, count, shifts[k], planes_at)
                for sign in range(2):
                    rows = total - ones if sign else ones
                    # Of several planes, a last few numbers are sooner added one by one.
                    grouped = rows // _STEP * _STEP
                    if pixels.shape[1] == 1:
                        grouped = plus if sign else minus
                    listed = flips.ctypes.data + 4 * (start + minus * sign)
                    for place in range(pixels.shape[1]):
                        _add_list(
                            planes_at + place * _ROW,
                            count - 1 - place,
                            listed,
                            grouped,
                            pixels[block, place].ctypes.data + half,
                        )
                    _add_numbers(
                        planes_at,
                        count - 1,
                        listed + 4 * grouped,
                        rows - grouped,
                        pixels[block].ctypes.data + half,
                        pixels.shape[1],
                        pixels.shape[2] * _ROW,
                    )
                    if not sign:
                        _turn(planes_at, count - 1)
            for word in range(min(_WORDS, fired.shape[1] - block * _WORDS)):
                fired[k, block * _WORDS + word] = ~planes[count - 2, word]
            fired[k, fired.shape[1] - 1] &= _ALL >> np.uint64(-images & 63)


@kernel("void(uint64[:,::1], uint64[:,::1], int64[::1], int64, int64, uint64[:,::1])")
def turn_columns(
    fired: Words,
    clean: Words,
    corrected_at: NDArray[np.int64],
    begin: int,
    end: int,
    outputs: Words,
) -> None:
    """Write the outputs of neurons with flips, and of those beside them, image by image.

    Parameters
    ----------
    fired, clean : uint64 arrays, shape (neurons, words of images)
        Of neurons with flips on this chip, and of all neurons free of faults.
    corrected_at : int64 array, shape (neurons,)
        The row of `fired` that holds a neuron, or -1.
    begin, end : int
        Blocks of `LANES` images.
    outputs : uint64 array, shape (images padded, words of neurons)
        Words of neurons without flips stay.
    """
    neurons, words = clean.shape
    buffer = np.empty((64, _WORDS), dtype=np.uint64)
    for group in range(outputs.shape[1]):
        first, last = group * 64, min(neurons, group * 64 + 64)
        has_flips = False
        for neuron in range(first, last):
            has_flips = has_flips or corrected_at[neuron] >= 0
        if not has_flips:
            continue
        for block in range(begin, end):
            buffer[:] = 0
            there = min(_WORDS, words - block * _WORDS)
            for neuron in range(first, last):
                row = corrected_at[neuron]
                for lane in range(there):
                    word = block * _WORDS + lane
                    buffer[neuron - first, lane] = (
                        clean[neuron, word] if row < 0 else fired[row, word]
                    )
            _turn_words(buffer.ctypes.data, _ROW)
            for lane in range(there):
                image = (block * _WORDS + lane) * 64
                for k in range(min(64, outputs.shape[0] - image)):
                    outputs[image + k, group] = buffer[k, lane]
