"""The kernels that look mismatches of pixels up: five inputs in one permutation of 16-bit values.

With codes x of up to 8 bits and weights of one bit, M = sum over inputs of (w ? g - x : x), for g
the greatest code: the same mismatches as bit planes give. For five inputs of one image it has 32
values, one for each choice of their weights: a table, made once for all neurons. VPERMW
(AVX-512 BW) then looks up 32 neurons at once, their five bits being the index, and one addition
follows. That is 160 multiply-additions for two operations, where eight planes of XOR, popcount and
addition take 24 operations for 512, and VPDPBUSD one for 64.

Sums are 16 bits wide without a sign, and are widened before they can exceed that.

LLVM is written by hand since neither the permutation of 16-bit values nor VPMADDUBSW, which makes
the tables, can be named in numba.

Kernels and what they call stay in one file, since numba's cache only watches the file of the
kernel for changes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from rramsim.bits import IMAGES, NEURONS
from rramsim.kernels import call_llvm, copy_row, kernel, splat

INPUTS = 15
"""Inputs of a step: three tables of five, whose indices share one 16-bit value for each neuron."""

NEURONS_AT_ONCE = 128

_PANELS = NEURONS_AT_ONCE // NEURONS
_TABLES = 3
_IN_TABLE = 5
# So many steps at most between widenings: 17 * 15 codes of 255 stay below 2^16.
_MOST_CODES = 65535 // INPUTS
_BEYOND = 2**31 - 1

_WORD, _INT, _SHORT = ir.IntType(64), ir.IntType(32), ir.IntType(16)
_SHORTS = ir.VectorType(_SHORT, 32)
_BYTES = ir.VectorType(ir.IntType(8), 64)
_INTS = ir.VectorType(_INT, 32)
_WORDS = ir.VectorType(_WORD, 32)


def _word(value: int) -> Any:
    return ir.Constant(_WORD, value)


def _at(builder: Any, address: Any, octets: Any, pointee: Any) -> Any:
    return builder.inttoptr(builder.add(address, octets), pointee.as_pointer())


@intrinsic
def _make_table(typing: Any, codes: Any, greatest: Any, table: Any) -> Any:
    """Write the 32 sums that five codes can give; one byte beyond them is read and not used."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        codes, greatest, table = args
        ones = ir.Constant(_SHORTS, [entry.bit_count() for entry in range(32)])
        sums = builder.mul(ones, splat(builder, builder.trunc(greatest, _SHORT), _SHORTS))
        for first in range(0, _IN_TABLE, 2):
            pair = builder.load(_at(builder, codes, _word(first), _SHORT), align=1)
            octets = builder.bitcast(splat(builder, pair, _SHORTS), _BYTES)
            signs = [
                (-1 if entry >> place & 1 else 1) if place < _IN_TABLE else 0
                for entry in range(32)
                for place in (first, first + 1)
            ]
            name = "llvm.x86.avx512.pmaddubs.w.512"
            signed = call_llvm(builder, name, _SHORTS, [octets, ir.Constant(_BYTES, signs)])
            sums = builder.add(sums, signed)
        builder.store(sums, builder.inttoptr(table, _SHORTS.as_pointer()), align=2)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), generate


@intrinsic
def _make_indices(typing: Any, low: Any, down: Any, high: Any, up: Any, indices: Any) -> Any:
    """Write 16 bits of 32 words: of `low` shifted down, and of `high` shifted up."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        low, down, high, up, indices = args
        first = builder.load(builder.inttoptr(low, _WORDS.as_pointer()), align=8)
        second = builder.load(builder.inttoptr(high, _WORDS.as_pointer()), align=8)
        joined = builder.or_(
            builder.lshr(first, splat(builder, down, _WORDS)),
            builder.shl(second, splat(builder, up, _WORDS)),
        )
        place = builder.inttoptr(indices, _SHORTS.as_pointer())
        builder.store(builder.trunc(joined, _SHORTS), place, align=2)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), generate


@intrinsic
def _add_steps(typing: Any, tables: Any, indices: Any, steps: Any, sums: Any) -> Any:
    """Add what `steps` (above 0) give to the sums of 4 images and 128 neurons, int32."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        tables, indices, steps, sums = args
        before, loop = builder.block, builder.append_basic_block("steps")
        done = builder.append_basic_block("done")
        builder.branch(loop)
        builder.position_at_end(loop)
        step = builder.phi(_WORD)
        step.add_incoming(_word(0), before)
        carried = [builder.phi(_SHORTS) for _ in range(IMAGES * _PANELS)]
        for phi in carried:
            phi.add_incoming(ir.Constant(_SHORTS, [0] * 32), before)
        added = list(carried)
        of_step = builder.mul(step, _word(64 * _PANELS))
        index = [
            builder.load(
                _at(builder, indices, builder.add(of_step, _word(64 * k)), _SHORTS), align=2
            )
            for k in range(_PANELS)
        ]
        first_table = builder.mul(step, _word(64 * _TABLES * IMAGES))
        for number in range(_TABLES):
            if number:
                # VPERMW looks at the lowest five bits of an index only.
                five = ir.Constant(_SHORTS, [_IN_TABLE] * 32)
                index = [builder.lshr(one, five) for one in index]
            for image in range(IMAGES):
                place = builder.add(first_table, _word(64 * (number * IMAGES + image)))
                table = builder.load(_at(builder, tables, place, _SHORTS), align=2)
                for k, chosen in enumerate(index):
                    name = "llvm.x86.avx512.permvar.hi.512"
                    seen = call_llvm(builder, name, _SHORTS, [table, chosen])
                    added[image * _PANELS + k] = builder.add(added[image * _PANELS + k], seen)
        following = builder.add(step, _word(1))
        step.add_incoming(following, loop)
        for phi, result in zip(carried, added, strict=True):
            phi.add_incoming(result, loop)
        builder.cbranch(builder.icmp_signed("<", following, steps), loop, done)
        builder.position_at_end(done)
        for k, result in enumerate(added):
            place = _at(builder, sums, _word(128 * k), _INTS)
            wide = builder.add(builder.load(place, align=4), builder.zext(result, _INTS))
            builder.store(wide, place, align=4)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate


@intrinsic
def _within(typing: Any, sums: Any, limits: Any) -> Any:
    """Return 64 bits: which of 64 sums are within their limits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        ints = ir.VectorType(_INT, 64)
        sums, limits = (
            builder.load(builder.inttoptr(address, ints.as_pointer()), align=4) for address in args
        )
        return builder.bitcast(builder.icmp_signed("<=", sums, limits), _WORD)

    return types.uint64(types.int64, types.int64), generate


# An intrinsic is called without its first parameter, which a type checker cannot know.
_table: Any = _make_table
_cut: Any = _make_indices
_add: Any = _add_steps
_compare: Any = _within


@kernel("void(uint64[:,:,::1], uint16[:,:,:,::1])")
def _index(weights: NDArray[np.uint64], indices: NDArray[np.uint16]) -> None:
    """Cut the bits of each neuron into steps, (groups of 128, steps, 4, 32)."""
    panels, words, _ = weights.shape
    steps = indices.shape[1]
    for panel in range(panels):
        for step in range(steps):
            word, begin = (step * INPUTS) >> 6, (step * INPUTS) & 63
            low = weights.ctypes.data + (panel * words + word) * NEURONS * 8
            at = ((panel // _PANELS) * steps + step) * _PANELS + panel % _PANELS
            to = indices.ctypes.data + at * NEURONS * 2
            if begin > 64 - INPUTS and word + 1 < words:
                _cut(low, begin, low + NEURONS * 8, 64 - begin, to)
            else:
                _cut(low, begin, low, 63, to)


@kernel("void(uint8[:,::1], int64, int64, int64, int16[:,:,:,::1])")
def _tables_of(
    codes: NDArray[np.uint8],
    image: int,
    greatest: int,
    steps: int,
    tables: NDArray[np.int16],
) -> None:
    """Write the tables of 4 images, (steps, 3, 4, 32)."""
    for k in range(IMAGES):
        row = codes.ctypes.data + (image + k) * codes.shape[1]
        for number in range(_TABLES * steps):
            to = tables.ctypes.data + (number * IMAGES + k) * 64
            _table(row + _IN_TABLE * number, greatest, to)


@kernel("void(int16[:,:,:,::1], uint16[:,:,:,::1], int64, int64, int32[:,::1])")
def _sums_of(
    tables: NDArray[np.int16],
    indices: NDArray[np.uint16],
    group: int,
    greatest: int,
    sums: NDArray[np.int32],
) -> None:
    """Write the mismatches of 4 images and a group of 128 neurons."""
    steps = indices.shape[1]
    most = _MOST_CODES // greatest
    sums[:] = 0
    for begin in range(0, steps, most):
        _add(
            tables.ctypes.data + begin * _TABLES * IMAGES * 64,
            indices.ctypes.data + (group * steps + begin) * _PANELS * 64,
            min(most, steps - begin),
            sums.ctypes.data,
        )


@kernel("void(uint8[:,::1], uint64[:,:,::1], int64, int64[::1], uint64[:,::1])")
def fire(
    codes: NDArray[np.uint8],
    weights: NDArray[np.uint64],
    planes: int,
    limits: NDArray[np.int64],
    fired: NDArray[np.uint64],
) -> None:
    """Compute a hidden layer on pixels; see `popcount_kernels.fire`.

    Parameters
    ----------
    codes : uint8 array, shape (images, 15 * steps + 1)
        A multiple of `IMAGES` rows; beyond the inputs they are 0.
    weights, planes, limits, fired
        As of `popcount_kernels.fire`.
    """
    panels = weights.shape[0]
    greatest, steps = (1 << planes) - 1, codes.shape[1] // INPUTS
    groups = (panels + _PANELS - 1) // _PANELS
    indices = np.zeros((groups, steps, _PANELS, NEURONS), dtype=np.uint16)
    _index(weights, indices)
    bounds = np.full(groups * NEURONS_AT_ONCE, -1, dtype=np.int32)
    for neuron in range(limits.size):
        bounds[neuron] = max(-1, min(limits[neuron], _BEYOND))
    tables = np.empty((steps, _TABLES, IMAGES, 32), dtype=np.int16)
    sums = np.empty((IMAGES, NEURONS_AT_ONCE), dtype=np.int32)
    for image in range(0, codes.shape[0], IMAGES):
        _tables_of(codes, image, greatest, steps, tables)
        for group in range(groups):
            _sums_of(tables, indices, group, greatest, sums)
            for half in range(2):
                word = 2 * group + half
                if word < fired.shape[1]:
                    bounds_at = bounds.ctypes.data + word * 256
                    for k in range(IMAGES):
                        sums_at = sums.ctypes.data + (2 * k + half) * 256
                        fired[image + k, word] = _compare(sums_at, bounds_at)


@kernel("void(uint8[:,::1], uint64[:,:,::1], int64, int32[:,::1])")
def count(
    codes: NDArray[np.uint8],
    weights: NDArray[np.uint64],
    planes: int,
    counts: NDArray[np.int32],
) -> None:
    """Count the mismatches of each image and neuron into `counts`, shape (images, panels * 32).

    The other parameters are those of `fire`.
    """
    panels = weights.shape[0]
    greatest, steps = (1 << planes) - 1, codes.shape[1] // INPUTS
    groups = (panels + _PANELS - 1) // _PANELS
    indices = np.zeros((groups, steps, _PANELS, NEURONS), dtype=np.uint16)
    _index(weights, indices)
    tables = np.empty((steps, _TABLES, IMAGES, 32), dtype=np.int16)
    sums = np.empty((IMAGES, NEURONS_AT_ONCE), dtype=np.int32)
    for image in range(0, codes.shape[0], IMAGES):
        _tables_of(codes, image, greatest, steps, tables)
        for group in range(groups):
            _sums_of(tables, indices, group, greatest, sums)
            begin = group * NEURONS_AT_ONCE
            neurons = min(NEURONS_AT_ONCE, counts.shape[1] - begin)
            for k in range(IMAGES):
                copy_row(sums[k, :neurons], counts[image + k, begin:])
