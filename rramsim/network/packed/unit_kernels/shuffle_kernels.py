"""The kernels that look mismatches up: four inputs and their weights by one VPSHUFB (AVX2).

Four inputs of an image have 16 mismatches with their weights, one for each choice of the weights: a
table. VPSHUFB looks 32 neurons up at once, the four bits of each being the index.

**Signs.** A table has 16 bytes, and there are 16 tables, one for each choice of the inputs. A byte
has room for two images: their mismatches a and b, at most 4 each, stand in one table as a + 16 b,
of which there are 256. In sums S = a + 16 b of three steps, a and b are at most 12, so that
b = S >> 4 can be added up apart from S. In the end a = sum of S - 16 sum of b, modulo 256, which is
exact for 21 times three steps. That is 768 comparisons of bits by nine operations: three
permutations, four additions, a shift and an AND. AVX2 has no popcount of vectors: XOR, what
replaces it, and an addition take 27 for as many.

**Pixels.** With codes x of up to 8 bits and g the greatest, the mismatches of four inputs are the
sum of (w ? g - x : x), at most 1020: two digits of base 32, each with a table of its own, made once
for all neurons. Digits are added up as bytes for eight steps, and two operations then join them to
16 bits: 1024 multiply-additions by 38 operations, where VPMADDUBSW and addition take 64.

LLVM is written by hand since numba cannot name VPSHUFB, and its own loops keep no tile in
registers.

Kernels and what they call stay in one file, since numba's cache only watches the file of the
kernel for changes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from rramsim.bits import IMAGES, NEURONS
from rramsim.kernels import call_llvm, copy_row, kernel, loop, splat

NEURONS_AT_ONCE = 128

_PANELS = NEURONS_AT_ONCE // NEURONS
_STEPS = 16  # of a word
_GROUP = 3  # steps whose sums of 4 + 16 * 4 fit a byte
_GROUPS = 21  # groups whose sums of 12 fit a byte
_TILE = 2 * NEURONS_AT_ONCE  # sums of a pair of images

_PLACES = 64  # of a convolution, whose sums stay in the second-level cache

INPUTS = 4
"""Inputs of a step."""

_DIGIT_STEPS = 8  # steps whose digits of at most 31 fit a byte
_PIXEL_STEPS = 64  # steps whose sums of 1020 fit 16 bits
_BASE = 32
_IMAGES = 16  # whose tables stay in the second-level cache
_BEYOND = 2**31 - 1

_WORD, _INT, _SHORT, _BYTE = (ir.IntType(bits) for bits in (64, 32, 16, 8))
_BYTES = ir.VectorType(_BYTE, NEURONS)
_SHORTS = ir.VectorType(_SHORT, NEURONS // 2)
_TABLE = ir.VectorType(_BYTE, 16)
_INTS = ir.VectorType(_INT, NEURONS)

_Buffers = tuple[NDArray[np.uint16], NDArray[np.uint8], NDArray[np.int16]]
_BUFFERS = "Tuple((uint16[:,::1], uint8[:,:,::1], int16[:,:,:,::1]))"
_PixelBuffers = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int32]]
_PIXEL_BUFFERS = "Tuple((uint8[:,:,:,::1], uint8[:,:,::1], int32[:,::1]))"


def _word(value: int) -> Any:
    return ir.Constant(_WORD, value)


def _every(vector: Any, value: int) -> Any:
    return ir.Constant(vector, [value] * vector.count)


def _at(builder: Any, address: Any, octets: Any, pointee: Any) -> Any:
    return builder.inttoptr(builder.add(address, octets), pointee.as_pointer())


def _chosen(builder: Any, first: Any, second: Any, order: list[int]) -> Any:
    places = ir.Constant(ir.VectorType(_INT, len(order)), order)
    return builder.shuffle_vector(first, second, places)


def _twice(builder: Any, table: Any) -> Any:
    return _chosen(builder, table, table, 2 * list(range(16)))


def _tables(builder: Any) -> Any:
    """Return the address of the 256 tables; the inputs of two images, four bits each, name one."""
    entries = bytearray(
        ((pair & 15) ^ weights).bit_count() + 16 * ((pair >> 4) ^ weights).bit_count()
        for pair in range(256)
        for weights in range(16)
    )
    kind = ir.ArrayType(_BYTE, len(entries))
    global_constant: Any = cgutils.global_constant
    tables = global_constant(builder.module, "mismatches_of_pairs", ir.Constant(kind, entries))
    tables.align = 64
    return builder.ptrtoint(tables, _WORD)


def _group_sums(builder: Any, tables: list[Any], index: Any, panel: int) -> Any:
    """Emit a + 16 b of 32 neurons over the steps of a group, as 16-bit values."""
    total = None
    for step, table in enumerate(tables):
        place = _at(builder, index, _word(NEURONS * (step * _PANELS + panel)), _BYTES)
        seen = call_llvm(
            builder, "llvm.x86.avx2.pshuf.b", _BYTES, [table, builder.load(place, align=1)]
        )
        total = seen if total is None else builder.add(total, seen)
    return builder.bitcast(total, _SHORTS)


@intrinsic
def _add_groups(typing: Any, offsets: Any, index: Any, groups: Any, sums: Any) -> Any:
    """Add the mismatches of 2 images and 128 neurons in up to 21 groups of steps to `sums`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        offsets, index, groups, sums = args
        all_tables, four = _tables(builder), _every(_SHORTS, 4)

        def body(group: Any, carried: list[Any]) -> list[Any]:
            tables = []
            for step in range(_GROUP):
                moved = builder.add(builder.mul(group, _word(2 * _GROUP)), _word(2 * step))
                offset = builder.load(_at(builder, offsets, moved, _SHORT), align=2)
                place = _at(builder, all_tables, builder.zext(offset, _WORD), _TABLE)
                tables.append(_twice(builder, builder.load(place, align=16)))
            of_group = builder.add(index, builder.mul(group, _word(_GROUP * NEURONS_AT_ONCE)))
            added = []
            for panel in range(_PANELS):
                both = _group_sums(builder, tables, of_group, panel)
                second = builder.and_(builder.lshr(both, four), _every(_SHORTS, 0x0F0F))
                added.append(builder.add(carried[2 * panel], both))
                added.append(builder.add(carried[2 * panel + 1], second))
            return added

        added = loop(builder, groups, [_every(_SHORTS, 0)] * (2 * _PANELS), body)
        for panel in range(_PANELS):
            both, second = added[2 * panel : 2 * panel + 2]
            first = builder.sub(both, builder.shl(second, four))
            for image, octets in enumerate((first, second)):
                even = builder.and_(octets, _every(_SHORTS, 0xFF))
                odd = builder.lshr(octets, _every(_SHORTS, 8))
                for half, short in enumerate((even, odd)):
                    moved = 64 * (image * _PANELS + panel) + 32 * half
                    place = _at(builder, sums, _word(moved), _SHORTS)
                    total = builder.add(builder.load(place, align=2), short)
                    builder.store(total, place, align=2)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate


def _interleaved(builder: Any, first: Any, second: Any, octets: int, *, high: bool) -> Any:
    """Emit the low or high halves of the 16 bytes on either side, some bytes of each in turn."""
    order: list[int] = []
    for side in (0, 16):
        for place in range(8 // octets):
            begin = side + 8 * high + place * octets
            order += range(begin, begin + octets)
            order += range(32 + begin, 32 + begin + octets)
    return _chosen(builder, first, second, order)


@intrinsic
def _cut_word(typing: Any, weights: Any, index: Any) -> Any:
    """Write four bits of the 32 words of a panel for each of 16 steps; as bytes."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        weights, index = args
        # Bytes are transposed: 8 of 32 neurons become 32 of 8 steps.
        vectors = []
        for k in range(8):
            near, far = (
                builder.load(_at(builder, weights, _word(16 * k + 128 * side), _TABLE), align=8)
                for side in (0, 1)
            )
            in_turn = [k // 2 + 8 * (k % 2) for k in range(16)]
            both = _chosen(builder, near, far, list(range(32)))
            vectors.append(
                _chosen(builder, both, both, in_turn + [16 + place for place in in_turn])
            )
        groups = [vectors]
        for octets in (2, 4, 8):
            groups = [
                [
                    _interleaved(builder, group[k], group[k + 1], octets, high=high)
                    for k in range(0, len(group), 2)
                ]
                for group in groups
                for high in (False, True)
            ]
        low = _every(_BYTES, 15)
        for number, (octets,) in enumerate(groups):
            upper = builder.lshr(octets, _every(_BYTES, 4))
            for half, bits in enumerate((builder.and_(octets, low), upper)):
                moved = _word((2 * number + half) * NEURONS_AT_ONCE)
                builder.store(bits, _at(builder, index, moved, _BYTES), align=1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def _within(typing: Any, sums: Any, bounds: Any) -> Any:
    """Return 32 bits: which sums of a panel, the even ones first, are within their bounds."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        fires = []
        for half in (0, 32):
            total, bound = (
                builder.load(_at(builder, address, _word(half), _SHORTS), align=2)
                for address in args
            )
            fires.append(builder.sext(builder.icmp_signed("<=", total, bound), _SHORTS))
        even = builder.and_(fires[0], _every(_SHORTS, 0xFF))
        odd = builder.and_(fires[1], _every(_SHORTS, 0xFF00))
        octets = builder.bitcast(builder.or_(even, odd), _BYTES)
        return builder.bitcast(builder.icmp_signed("<", octets, _every(_BYTES, 0)), _INT)

    return types.uint32(types.int64, types.int64), generate


@intrinsic
def _make_table(typing: Any, codes: Any, greatest: Any, table: Any) -> Any:
    """Write the 16 mismatches that four codes can give, the low digits before the high ones."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        codes, greatest, table = args
        ones = ir.Constant(_SHORTS, [entry.bit_count() for entry in range(16)])
        sums = builder.mul(ones, splat(builder, builder.trunc(greatest, _SHORT), _SHORTS))
        for first in range(0, INPUTS, 2):
            pair = builder.load(_at(builder, codes, _word(first), _SHORT), align=1)
            octets = builder.bitcast(splat(builder, pair, _SHORTS), _BYTES)
            signs = [
                -1 if entry >> place & 1 else 1
                for entry in range(16)
                for place in (first, first + 1)
            ]
            name = "llvm.x86.avx2.pmadd.ub.sw"
            signed = call_llvm(builder, name, _SHORTS, [octets, ir.Constant(_BYTES, signs)])
            sums = builder.add(sums, signed)
        low = builder.trunc(builder.and_(sums, _every(_SHORTS, _BASE - 1)), _TABLE)
        high = builder.trunc(builder.lshr(sums, _every(_SHORTS, 5)), _TABLE)
        both = _chosen(builder, low, high, list(range(32)))
        builder.store(both, builder.inttoptr(table, _BYTES.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), generate


def _digit_sums(builder: Any, tables: Any, index: Any, steps: Any) -> list[Any]:
    """Emit the sums of one image and 128 neurons over up to 8 steps, as twice four vectors."""

    def body(step: Any, digits: list[Any]) -> list[Any]:
        of_step = builder.add(tables, builder.mul(step, _word(32)))
        chosen = builder.add(index, builder.mul(step, _word(NEURONS_AT_ONCE)))
        pair = [
            _twice(builder, builder.load(_at(builder, of_step, _word(16 * k), _TABLE), align=1))
            for k in range(2)
        ]
        added = []
        for panel in range(_PANELS):
            place = _at(builder, chosen, _word(NEURONS * panel), _BYTES)
            four = builder.load(place, align=1)
            for k, table in enumerate(pair):
                seen = call_llvm(builder, "llvm.x86.avx2.pshuf.b", _BYTES, [table, four])
                added.append(builder.add(digits[2 * panel + k], seen))
        return added

    zeros = [_every(_BYTES, 0)] * (2 * _PANELS)
    digits = loop(builder, steps, zeros, body)
    sums = []
    for panel in range(_PANELS):
        for high in (False, True):
            digit_pairs = _interleaved(
                builder, digits[2 * panel], digits[2 * panel + 1], 1, high=high
            )
            places = ir.Constant(_BYTES, [1, _BASE] * 16)
            name = "llvm.x86.avx2.pmadd.ub.sw"
            sums.append(call_llvm(builder, name, _SHORTS, [digit_pairs, places]))
    return sums


@intrinsic
def _add_pixel_steps(typing: Any, tables: Any, index: Any, steps: Any, sums: Any) -> Any:
    """Add the mismatches of an image and 128 neurons in up to 64 steps to `sums`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        tables, index, steps, sums = args

        def body(group: Any, carried: list[Any]) -> list[Any]:
            first = builder.mul(group, _word(_DIGIT_STEPS))
            left = builder.sub(steps, first)
            is_last = builder.icmp_signed("<", left, _word(_DIGIT_STEPS))
            of_group = _digit_sums(
                builder,
                builder.add(tables, builder.mul(first, _word(32))),
                builder.add(index, builder.mul(first, _word(NEURONS_AT_ONCE))),
                builder.select(is_last, left, _word(_DIGIT_STEPS)),
            )
            return [builder.add(*pair) for pair in zip(carried, of_group, strict=True)]

        more = builder.add(steps, _word(_DIGIT_STEPS - 1))
        groups = builder.udiv(more, _word(_DIGIT_STEPS))
        added = loop(builder, groups, [_every(_SHORTS, 0)] * (2 * _PANELS), body)
        natural = [*range(8), *range(16, 24), *range(8, 16), *range(24, 32)]
        for panel in range(_PANELS):
            shorts = _chosen(builder, added[2 * panel], added[2 * panel + 1], natural)
            place = _at(builder, sums, _word(4 * NEURONS * panel), _INTS)
            total = builder.add(builder.load(place, align=4), builder.zext(shorts, _INTS))
            builder.store(total, place, align=4)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate


@intrinsic
def _within_bounds(typing: Any, sums: Any, bounds: Any) -> Any:
    """Return 32 bits: which of 32 sums of 32 bits are within their bounds."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        total, bound = (
            builder.load(builder.inttoptr(address, _INTS.as_pointer()), align=4) for address in args
        )
        return builder.bitcast(builder.icmp_signed("<=", total, bound), _INT)

    return types.uint32(types.int64, types.int64), generate


# An intrinsic is called without its first parameter, which a type checker cannot know.
_add: Any = _add_groups
_cut: Any = _cut_word
_compare: Any = _within
_table: Any = _make_table
_add_pixels: Any = _add_pixel_steps
_compare_pixels: Any = _within_bounds


@kernel("void(uint64[:,::1], uint16[:,::1])")
def _offsets_of(images: NDArray[np.uint64], offsets: NDArray[np.uint16]) -> None:
    """Write where the table of each pair of images and step begins, (pairs, steps)."""
    low, four, octet = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(4), np.uint64(0xFF)
    for pair in range(offsets.shape[0]):
        second = min(2 * pair + 1, images.shape[0] - 1)
        for word in range(images.shape[1]):
            one, other = images[2 * pair, word], images[second, word]
            lower = (one & low) | ((other & low) << four)
            upper = ((one >> four) & low) | (other & ~low)
            for k in range(8):
                down = np.uint64(8 * k)
                begin = word * _STEPS + 2 * k
                offsets[pair, begin] = ((lower >> down) & octet) << four
                offsets[pair, begin + 1] = ((upper >> down) & octet) << four


@kernel(f"{_BUFFERS}(uint64[:,::1])")
def _buffers_of(images: NDArray[np.uint64]) -> _Buffers:
    """Return where the tables of images begin, and room for the weights and sums of a group."""
    steps = -(-images.shape[1] * _STEPS // _GROUP) * _GROUP
    offsets = np.zeros((images.shape[0] // 2, steps), dtype=np.uint16)
    _offsets_of(images, offsets)
    index = np.zeros((steps, _PANELS, NEURONS), dtype=np.uint8)
    return offsets, index, np.empty((len(offsets), 2, _PANELS, NEURONS), dtype=np.int16)


@kernel("void(uint64[:,:,::1], int64, uint16[:,::1], uint8[:,:,::1], int16[:,:,:,::1])")
def _sums_of(
    weights: NDArray[np.uint64],
    group: int,
    offsets: NDArray[np.uint16],
    index: NDArray[np.uint8],
    sums: NDArray[np.int16],
) -> None:
    """Write the mismatches of all images and a group of 128 neurons, (pairs, 2, 4, 32).

    Even neurons of a panel come first. Four bits of each for each step are written to `index`,
    (steps, 4, 32).
    """
    panels, words, _ = weights.shape
    for k in range(min(_PANELS, panels - group * _PANELS)):
        for word in range(words):
            _cut(
                weights.ctypes.data + ((group * _PANELS + k) * words + word) * NEURONS * 8,
                index.ctypes.data + (word * _STEPS * _PANELS + k) * NEURONS,
            )
    pairs, steps = offsets.shape
    sums[:] = 0
    # Weights of some groups of steps stay in the first-level cache for all images.
    for first in range(0, steps // _GROUP, _GROUPS):
        for pair in range(pairs):
            _add(
                offsets.ctypes.data + (pair * steps + first * _GROUP) * 2,
                index.ctypes.data + first * _GROUP * NEURONS_AT_ONCE,
                min(_GROUPS, steps // _GROUP - first),
                sums.ctypes.data + pair * _TILE * 2,
            )


@kernel("void(uint64[:,::1], uint64[:,:,::1], int64, int64[::1], uint64[:,::1])")
def fire(
    images: NDArray[np.uint64],
    weights: NDArray[np.uint64],
    planes: int,
    limits: NDArray[np.int64],
    fired: NDArray[np.uint64],
) -> None:
    """Compute a hidden layer on signs; see `popcount_kernels.fire`.

    Parameters
    ----------
    images, weights, limits, fired
        As of `popcount_kernels.fire`, with at most 32,767 inputs: sums are 16 bits wide.
    planes : int
        1.
    """
    panels = weights.shape[0]
    offsets, index, sums = _buffers_of(images)
    bounds = np.empty(NEURONS, dtype=np.int16)
    for group in range(-(-panels // _PANELS)):
        _sums_of(weights, group, offsets, index, sums)
        for k in range(min(_PANELS, panels - group * _PANELS)):
            panel = group * _PANELS + k
            for neuron in range(NEURONS):
                limit = max(-1, min(limits[panel * NEURONS + neuron], 32767))
                bounds[(neuron & 1) * (NEURONS // 2) + (neuron >> 1)] = limit
            fired32 = fired.view(np.uint32)
            for image in range(images.shape[0]):
                of_image = sums.ctypes.data + (image * _PANELS + k) * NEURONS * 2
                fired32[image, panel] = _compare(of_image, bounds.ctypes.data)


@kernel("void(uint64[:,::1], uint64[:,:,::1], int64, int32[:,::1])")
def count(
    images: NDArray[np.uint64],
    weights: NDArray[np.uint64],
    planes: int,
    counts: NDArray[np.int32],
) -> None:
    """Count the mismatches of each image and neuron into `counts`, shape (images, panels * 32).

    The other parameters are those of `fire`.
    """
    panels = weights.shape[0]
    offsets, index, sums = _buffers_of(images)
    for group in range(-(-panels // _PANELS)):
        _sums_of(weights, group, offsets, index, sums)
        for k in range(min(_PANELS, panels - group * _PANELS)):
            begin = (group * _PANELS + k) * NEURONS
            for image in range(images.shape[0]):
                of_panel = sums[image >> 1, image & 1, k]
                for neuron in range(NEURONS // 2):
                    counts[image, begin + 2 * neuron] = of_panel[neuron]
                    counts[image, begin + 2 * neuron + 1] = of_panel[NEURONS // 2 + neuron]


@kernel("void(uint64[:,:,::1], uint64[:,:,:,::1], int64[::1], uint64[:,:,::1])")
def fire_chips(
    images: NDArray[np.uint64],
    weights: NDArray[np.uint64],
    limits: NDArray[np.int64],
    fired: NDArray[np.uint64],
) -> None:
    """Compute a hidden layer on many chips; see `popcount_kernels.fire_chips`."""
    for chip in range(weights.shape[0]):
        fire(images[chip], weights[chip], 1, limits, fired[chip])


@kernel("void(uint64[:,:,::1], uint64[:,:,:,::1], int32[:,:,::1])")
def count_chips(
    images: NDArray[np.uint64],
    weights: NDArray[np.uint64],
    counts: NDArray[np.int32],
) -> None:
    """Count the mismatches on many chips; see `popcount_kernels.count_chips`."""
    for chip in range(weights.shape[0]):
        count(images[chip], weights[chip], 1, counts[chip])


@kernel("void(uint64[:,:,::1], int64, uint8[:,:,:,::1])")
def _index_lines(weights: NDArray[np.uint64], group: int, index: NDArray[np.uint8]) -> None:
    """Write four bits of each of 128 filters for each step, (lines, steps, 4, 32).

    Steps that fill the last group of a line are left as they are.
    """
    panels, words, _ = weights.shape
    lines, steps, _, _ = index.shape
    of_line = words // lines
    for k in range(min(_PANELS, panels - group * _PANELS)):
        for word in range(words):
            step = word // of_line * steps + word % of_line * _STEPS
            _cut(
                weights.ctypes.data + ((group * _PANELS + k) * words + word) * NEURONS * 8,
                index.ctypes.data + (step * _PANELS + k) * NEURONS,
            )


@kernel("void(uint16[::1], int64[::1], int64, uint8[:,:,:,::1], int16[:,:,:,::1])")
def _place_sums_of(
    offsets: NDArray[np.uint16],
    places: NDArray[np.int64],
    stride: int,
    index: NDArray[np.uint8],
    sums: NDArray[np.int16],
) -> None:
    """Write the mismatches of some places of a pair of images, (places, 2, 4, 32)."""
    lines, steps, _, _ = index.shape
    groups = steps // _GROUP
    # Parts of a line of equal length, rather than a short one at the end.
    parts = -(-groups // _GROUPS)
    length = -(-groups // parts)
    sums[: places.size] = 0
    for line in range(lines):
        for group in range(0, groups, length):
            at = index.ctypes.data + (line * steps + group * _GROUP) * NEURONS_AT_ONCE
            for k in range(places.size):
                step = (places[k] + line * stride) * _STEPS + group * _GROUP
                _add(
                    offsets.ctypes.data + step * 2,
                    at,
                    min(length, groups - group),
                    sums.ctypes.data + k * _TILE * 2,
                )


@kernel("void(int64[:,:,::1], int64, int16[:,:,::1])")
def _bounds_of(limits: NDArray[np.int64], group: int, bounds: NDArray[np.int16]) -> None:
    """Write the limits of 128 filters, (classes, 4, 32), even ones of a panel first."""
    for k in range(min(_PANELS, limits.shape[0] - group * _PANELS)):
        for of_class in range(limits.shape[1]):
            for neuron in range(NEURONS):
                limit = max(-1, min(limits[group * _PANELS + k, of_class, neuron], 32767))
                bounds[of_class, k, (neuron & 1) * (NEURONS // 2) + (neuron >> 1)] = limit


@kernel(
    "void(uint64[:,::1], uint64[:,:,::1], int64[:,:,::1], int64[:,::1], int64[:,::1], "
    "int64[:,::1], int64, int64, int64, boolean, uint32[::1], uint32[:,::1])"
)
def convolve(
    images: NDArray[np.uint64],
    weights: NDArray[np.uint64],
    limits: NDArray[np.int64],
    places: NDArray[np.int64],
    classes: NDArray[np.int64],
    targets: NDArray[np.int64],
    stride: int,
    lines: int,
    planes: int,
    pool: bool,
    turned: NDArray[np.uint32],
    fired: NDArray[np.uint32],
) -> None:
    """Compute a convolution on signs; see `popcount_kernels.convolve`.

    Parameters
    ----------
    planes : int
        0.
    images, weights, limits, places, classes, targets, stride, lines, pool, turned, fired
        As of `popcount_kernels.convolve`, with filters of at most 32,767 inputs.
    """
    panels, words, _ = weights.shape
    steps = -(-(words // lines * _STEPS) // _GROUP) * _GROUP
    # The last group of the last line reads beyond it.
    offsets = np.zeros((-(-images.shape[0] // 2), images.shape[1] * _STEPS + _GROUP), np.uint16)
    _offsets_of(images, offsets)
    index = np.empty((lines, steps, _PANELS, NEURONS), dtype=np.uint8)
    sums = np.empty((_PLACES, 2, _PANELS, NEURONS), dtype=np.int16)
    bounds = np.empty((limits.shape[1], _PANELS, NEURONS), dtype=np.int16)
    bits = np.empty(IMAGES, dtype=np.uint32)
    flat, tiles = places.reshape(-1), _PLACES // IMAGES
    for group in range(-(-panels // _PANELS)):
        # Where its highest bit is set VPSHUFB gives 0, whatever the table.
        index[:] = 0x80
        _index_lines(weights, group, index)
        _bounds_of(limits, group, bounds)
        for pair in range(offsets.shape[0]):
            for first in range(0, places.shape[0], tiles):
                last = min(first + tiles, places.shape[0])
                some = flat[first * IMAGES : last * IMAGES]
                _place_sums_of(offsets[pair], some, stride, index, sums)
                for image in range(2 * pair, min(2 * pair + 2, images.shape[0])):
                    for k in range(min(_PANELS, panels - group * _PANELS)):
                        panel = group * _PANELS + k
                        for tile in range(first, last):
                            for place in range(IMAGES):
                                of_place = sums[(tile - first) * IMAGES + place, image & 1, k]
                                of_class = bounds[classes[tile, place], k]
                                bits[place] = _compare(of_place.ctypes.data, of_class.ctypes.data)
                            if pool:
                                turn = turned[panel]
                                any_of_four = (
                                    (bits[0] ^ turn)
                                    | (bits[1] ^ turn)
                                    | (bits[2] ^ turn)
                                    | (bits[3] ^ turn)
                                )
                                fired[image, 2 * targets[tile, 0] + panel] = any_of_four ^ turn
                            else:
                                for place in range(IMAGES):
                                    fired[image, 2 * targets[tile, place] + panel] = bits[place]


@kernel(f"{_PIXEL_BUFFERS}(uint8[:,::1], uint64[:,:,::1])")
def _pixel_buffers_of(codes: NDArray[np.uint8], weights: NDArray[np.uint64]) -> _PixelBuffers:
    """Return four bits of each neuron for each step, and room for tables and sums of images."""
    panels, words, _ = weights.shape
    form = -(-panels // _PANELS), words * _STEPS, _PANELS, NEURONS
    indices = np.zeros(form, dtype=np.uint8)
    for panel in range(panels):
        for word in range(words):
            _cut(
                weights.ctypes.data + (panel * words + word) * NEURONS * 8,
                indices[panel // _PANELS, word * _STEPS :].ctypes.data + panel % _PANELS * NEURONS,
            )
    images = min(_IMAGES, codes.shape[0])
    tables = np.empty((images, codes.shape[1] // INPUTS, 32), dtype=np.uint8)
    return indices, tables, np.empty((images, NEURONS_AT_ONCE), dtype=np.int32)


@kernel("void(uint8[:,::1], int64, int64, uint8[:,:,::1])")
def _tables_of(
    codes: NDArray[np.uint8], first: int, greatest: int, tables: NDArray[np.uint8]
) -> None:
    """Write the tables of some images, (images, steps, 32)."""
    images, steps, _ = tables.shape
    for image in range(images):
        row = codes.ctypes.data + (first + image) * codes.shape[1]
        to = tables.ctypes.data + image * steps * 32
        for step in range(steps):
            _table(row + INPUTS * step, greatest, to + 32 * step)


@kernel("void(uint8[:,:,::1], uint8[:,:,::1], int32[:,::1])")
def _pixel_sums_of(
    tables: NDArray[np.uint8], index: NDArray[np.uint8], sums: NDArray[np.int32]
) -> None:
    """Write the mismatches of some images and 128 neurons."""
    images, steps, _ = tables.shape
    sums[:] = 0
    # Weights of some steps stay in the first-level cache for all of these images.
    for step in range(0, steps, _PIXEL_STEPS):
        for image in range(images):
            _add_pixels(
                tables.ctypes.data + (image * steps + step) * 32,
                index.ctypes.data + step * NEURONS_AT_ONCE,
                min(_PIXEL_STEPS, steps - step),
                sums.ctypes.data + image * NEURONS_AT_ONCE * 4,
            )


@kernel("void(uint8[:,::1], uint64[:,:,::1], int64, int64[::1], uint64[:,::1])")
def fire_pixels(
    codes: NDArray[np.uint8],
    weights: NDArray[np.uint64],
    planes: int,
    limits: NDArray[np.int64],
    fired: NDArray[np.uint64],
) -> None:
    """Compute a hidden layer on pixels; see `popcount_kernels.fire`.

    Parameters
    ----------
    codes : uint8 array, shape (images, 4 * steps)
        A multiple of `IMAGES` rows; beyond the inputs they are 0.
    weights, planes, limits, fired
        As of `popcount_kernels.fire`.
    """
    panels = weights.shape[0]
    indices, tables, sums = _pixel_buffers_of(codes, weights)
    bounds = np.empty(limits.size, dtype=np.int32)
    for neuron in range(limits.size):
        bounds[neuron] = max(-1, min(limits[neuron], _BEYOND))
    fired32 = fired.view(np.uint32)
    for first in range(0, codes.shape[0], _IMAGES):
        images = min(_IMAGES, codes.shape[0] - first)
        _tables_of(codes, first, (1 << planes) - 1, tables[:images])
        for group in range(len(indices)):
            _pixel_sums_of(tables[:images], indices[group], sums[:images])
            for panel in range(group * _PANELS, min(panels, (group + 1) * _PANELS)):
                bounds_at = bounds.ctypes.data + panel * NEURONS * 4
                sums_at = sums.ctypes.data + panel % _PANELS * NEURONS * 4
                for k in range(images):
                    of_image = sums_at + k * NEURONS_AT_ONCE * 4
                    fired32[first + k, panel] = _compare_pixels(of_image, bounds_at)


@kernel("void(uint8[:,::1], uint64[:,:,::1], int64, int32[:,::1])")
def count_pixels(
    codes: NDArray[np.uint8],
    weights: NDArray[np.uint64],
    planes: int,
    counts: NDArray[np.int32],
) -> None:
    """Count the mismatches of each image and neuron into `counts`, shape (images, panels * 32).

    The other parameters are those of `fire_pixels`.
    """
    indices, tables, sums = _pixel_buffers_of(codes, weights)
    for first in range(0, codes.shape[0], _IMAGES):
        images = min(_IMAGES, codes.shape[0] - first)
        _tables_of(codes, first, (1 << planes) - 1, tables[:images])
        for group in range(len(indices)):
            _pixel_sums_of(tables[:images], indices[group], sums[:images])
            begin = group * NEURONS_AT_ONCE
            neurons = min(NEURONS_AT_ONCE, counts.shape[1] - begin)
            for k in range(images):
                copy_row(sums[k, :neurons], counts[first + k, begin:])


assert IMAGES % 2 == 0
