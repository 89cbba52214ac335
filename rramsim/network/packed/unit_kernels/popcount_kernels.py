"""The kernels that count mismatches: XOR and popcount on tiles of 4 images by 32 neurons.

Bits are 1 for +1 and 0 for -1, 64 to a word; padding is 0 in images and weights alike, so it
never mismatches. For n inputs and M = popcount(x XOR w), the number of inputs that differ from
their weight, the sum of a neuron is n - 2 M. Images may come as several bit planes, the highest
first; then M = sum over planes b of 2^b popcount(x_b XOR w).

LLVM is written by hand since numba's own loops, which keep no tile in registers, lose a factor of
1.6 to 4 here. The tile is written in vectors of 8 words: 16 sums stay in registers, and one load of
weights serves four images. LLVM splits the vectors where a processor has narrower ones.

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
from rramsim.kernels import call_llvm, kernel, loop

_LANES = 8
_VECTORS = NEURONS // _LANES
_WORD = ir.IntType(64)
_VECTOR = ir.VectorType(_WORD, _LANES)


def _at(builder: Any, address: Any, words: Any, pointee: Any) -> Any:
    """Return a pointer to the `words`-th 8-byte word after `address`."""
    moved = builder.add(address, builder.shl(words, ir.Constant(_WORD, 3)))
    return builder.inttoptr(moved, pointee.as_pointer())


def _popcount(builder: Any, vector: Any) -> Any:
    return call_llvm(builder, f"llvm.ctpop.v{_LANES}i64", _VECTOR, [vector])


def _mismatches(
    builder: Any,
    rows: list[Any],
    panel: Any,
    lines: Any,
    words: Any,
    *,
    line_stride: Any,
    word_stride: Any = None,
    planes: bool,
) -> list[Any]:
    """Emit the mismatches of a tile: for each row, 4 vectors of 8 neurons.

    A row is `lines` stretches of `words` words, `line_stride` words apart. As `planes` they are
    the bits of one image, highest first, and all meet the same weights; else each meets the next
    weights. The words of a stretch are `word_stride` words apart, if that is given.
    """
    one = ir.Constant(_VECTOR, [1] * _LANES)

    def line_body(line: Any, sums: list[Any]) -> list[Any]:
        begin = builder.mul(line, line_stride)
        weights_begin = None if planes else builder.mul(line, words)

        def word_body(word: Any, sums: list[Any]) -> list[Any]:
            passed = word if weights_begin is None else builder.add(weights_begin, word)
            first = builder.mul(passed, ir.Constant(_WORD, NEURONS))
            weights = [
                builder.load(
                    _at(
                        builder, panel, builder.add(first, ir.Constant(_WORD, k * _LANES)), _VECTOR
                    ),
                    align=8,
                )
                for k in range(_VECTORS)
            ]
            added = []
            moved = word if word_stride is None else builder.mul(word, word_stride)
            place = builder.add(begin, moved)
            for number, row in enumerate(rows):
                bits = builder.load(_at(builder, row, place, _WORD))
                spread = builder.shuffle_vector(
                    builder.insert_element(
                        ir.Constant(_VECTOR, ir.Undefined), bits, ir.Constant(ir.IntType(32), 0)
                    ),
                    ir.Constant(_VECTOR, ir.Undefined),
                    ir.Constant(ir.VectorType(ir.IntType(32), _LANES), [0] * _LANES),
                )
                for k, weight in enumerate(weights):
                    count = _popcount(builder, builder.xor(spread, weight))
                    added.append(builder.add(sums[number * _VECTORS + k], count))
            return added

        if planes:
            sums = [builder.shl(total, one) for total in sums]
        return loop(builder, words, sums, word_body)

    zeros = [ir.Constant(_VECTOR, [0] * _LANES)] * (IMAGES * _VECTORS)
    return loop(builder, lines, zeros, line_body)


def _image_mismatches(
    builder: Any, images: Any, stride: Any, panel: Any, planes: Any, words: Any
) -> list[Any]:
    """Emit the mismatches of `IMAGES` images, `stride` words apart."""
    rows = [images]
    for _ in range(IMAGES - 1):
        rows.append(builder.add(rows[-1], builder.shl(stride, ir.Constant(_WORD, 3))))
    return _mismatches(builder, rows, panel, planes, words, line_stride=words, planes=True)


def _limits_at(builder: Any, address: Any) -> list[Any]:
    return [
        builder.load(_at(builder, address, ir.Constant(_WORD, k * _LANES), _VECTOR), align=8)
        for k in range(_VECTORS)
    ]


def _within(builder: Any, sums: list[Any], limits: list[Any]) -> Any:
    """Emit 32 bits: which sums of one row are within the limits."""
    half = ir.IntType(32)
    bits = ir.Constant(half, 0)
    for k, (total, limit) in enumerate(zip(sums, limits, strict=True)):
        fires = builder.icmp_signed("<=", total, limit)
        eight = builder.zext(builder.bitcast(fires, ir.IntType(_LANES)), half)
        bits = builder.or_(bits, builder.shl(eight, ir.Constant(half, k * _LANES)))
    return bits


@intrinsic
def _fire_tile(
    typing: Any,
    images: Any,
    stride: Any,
    panel: Any,
    planes: Any,
    words: Any,
    limits: Any,
    fired: Any,
    fired_stride: Any,
) -> Any:
    """Write the 32 output bits of each image: 1 where the mismatches are within the limit."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        images, stride, panel, planes, words, limits, fired, fired_stride = args
        sums = _image_mismatches(builder, images, stride, panel, planes, words)
        within = _limits_at(builder, limits)
        for number in range(IMAGES):
            of_image = sums[number * _VECTORS : (number + 1) * _VECTORS]
            bits = _within(builder, of_image, within)
            builder.store(bits, builder.inttoptr(fired, bits.type.as_pointer()), align=4)
            fired = builder.add(fired, builder.shl(fired_stride, ir.Constant(_WORD, 3)))
        return context.get_dummy_value()

    return types.void(*[types.int64] * 8), generate


@intrinsic
def _count_tile(
    typing: Any,
    images: Any,
    stride: Any,
    panel: Any,
    planes: Any,
    words: Any,
    counts: Any,
    counts_stride: Any,
) -> Any:
    """Write the mismatches of each image and neuron as int32."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        images, stride, panel, planes, words, counts, counts_stride = args
        sums = _image_mismatches(builder, images, stride, panel, planes, words)
        narrow = ir.VectorType(ir.IntType(32), _LANES)
        for number in range(IMAGES):
            for k in range(_VECTORS):
                place = builder.add(counts, ir.Constant(_WORD, 4 * k * _LANES))
                target = builder.inttoptr(place, narrow.as_pointer())
                builder.store(builder.trunc(sums[number * _VECTORS + k], narrow), target, align=4)
            counts = builder.add(counts, builder.shl(counts_stride, ir.Constant(_WORD, 2)))
        return context.get_dummy_value()

    return types.void(*[types.int64] * 7), generate


def _generate_places(planes: bool) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        image, places, panel, lines, line_stride, words, word_stride, limits, classes, fired = args
        numbers = [ir.Constant(_WORD, number) for number in range(IMAGES)]
        sums = _mismatches(
            builder,
            [_moved(builder, image, places, number, words=1) for number in numbers],
            panel,
            lines,
            words,
            line_stride=line_stride,
            word_stride=word_stride if planes else None,
            planes=planes,
        )
        for number, place in enumerate(numbers):
            of_class = _limits_at(builder, _moved(builder, limits, classes, place, words=NEURONS))
            bits = _within(builder, sums[number * _VECTORS : (number + 1) * _VECTORS], of_class)
            to = builder.add(fired, ir.Constant(_WORD, 4 * number))
            builder.store(bits, builder.inttoptr(to, bits.type.as_pointer()), align=4)
        return context.get_dummy_value()

    return generate


def _moved(builder: Any, address: Any, numbers: Any, k: Any, *, words: int) -> Any:
    """Emit an address moved on by the k-th of `numbers`, each standing for so many words."""
    number = builder.load(_at(builder, numbers, k, _WORD))
    return builder.add(address, builder.mul(number, ir.Constant(_WORD, 8 * words)))


@intrinsic
def _fire_places(
    typing: Any,
    image: Any,
    places: Any,
    panel: Any,
    lines: Any,
    line_stride: Any,
    words: Any,
    word_stride: Any,
    limits: Any,
    classes: Any,
    fired: Any,
) -> Any:
    """Write 32 output bits for each of 4 places of an image, whose limits go by classes."""
    return types.void(*[types.int64] * 10), _generate_places(planes=False)


@intrinsic
def _fire_planes(
    typing: Any,
    image: Any,
    places: Any,
    panel: Any,
    lines: Any,
    line_stride: Any,
    words: Any,
    word_stride: Any,
    limits: Any,
    classes: Any,
    fired: Any,
) -> Any:
    """Do the same for an image in bit planes, with the words of a place apart."""
    return types.void(*[types.int64] * 10), _generate_places(planes=True)


# An intrinsic is called without its first parameter, which a type checker cannot know.
_fire: Any = _fire_tile
_count: Any = _count_tile
_places: Any = _fire_places
_planes: Any = _fire_planes


@kernel("void(uint64[:,::1], uint64[:,:,::1], int64, int64[::1], uint64[:,::1])")
def fire(
    images: NDArray[np.uint64],
    weights: NDArray[np.uint64],
    planes: int,
    limits: NDArray[np.int64],
    fired: NDArray[np.uint64],
) -> None:
    """Compute a hidden layer: set the bit of each neuron whose mismatches are within its limit.

    Parameters
    ----------
    images : uint64 array, shape (images, planes * words)
        A multiple of `IMAGES` rows.
    weights : uint64 array, shape (panels, words, 32)
    planes : int
    limits : int64 array, shape (panels * 32,)
        Most mismatches at which a neuron fires, below 0 where it never does.
    fired : uint64 array, shape (images, at least panels / 2)
        Written over; bits beyond the panels stay as they are.
    """
    panels, words, _ = weights.shape
    stride, fired_stride = images.shape[1], fired.shape[1]
    for panel in range(panels):
        panel_at = weights.ctypes.data + panel * words * NEURONS * 8
        limits_at = limits.ctypes.data + panel * NEURONS * 8
        for image in range(0, images.shape[0], IMAGES):
            _fire(
                images.ctypes.data + image * stride * 8,
                stride,
                panel_at,
                planes,
                words,
                limits_at,
                fired.ctypes.data + image * fired_stride * 8 + panel * 4,
                fired_stride,
            )


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
    panels, words, _ = weights.shape
    stride, counts_stride = images.shape[1], counts.shape[1]
    for panel in range(panels):
        panel_at = weights.ctypes.data + panel * words * NEURONS * 8
        for image in range(0, images.shape[0], IMAGES):
            _count(
                images.ctypes.data + image * stride * 8,
                stride,
                panel_at,
                planes,
                words,
                counts.ctypes.data + (image * counts_stride + panel * NEURONS) * 4,
                counts_stride,
            )


@kernel("void(uint64[:,:,::1], uint64[:,:,:,::1], int64[::1], uint64[:,:,::1])")
def fire_chips(
    images: NDArray[np.uint64],
    weights: NDArray[np.uint64],
    limits: NDArray[np.int64],
    fired: NDArray[np.uint64],
) -> None:
    """Compute a hidden layer of outputs of another on many chips.

    Parameters
    ----------
    images : uint64 array, shape (chips, images, words)
        What the layer before gave on each; a multiple of `IMAGES` images.
    weights : uint64 array, shape (chips, panels, words, 32)
    limits : int64 array, shape (panels * 32,)
        Of every chip.
    fired : uint64 array, shape (chips, images, at least panels / 2)
        Written over; bits beyond the panels stay as they are.
    """
    for chip in range(weights.shape[0]):
        fire(images[chip], weights[chip], 1, limits, fired[chip])


@kernel("void(uint64[:,:,::1], uint64[:,:,:,::1], int32[:,:,::1])")
def count_chips(
    images: NDArray[np.uint64],
    weights: NDArray[np.uint64],
    counts: NDArray[np.int32],
) -> None:
    """Count the mismatches on many chips into `counts`, shape (chips, images, panels * 32).

    The other parameters are those of `fire_chips`.
    """
    for chip in range(weights.shape[0]):
        count(images[chip], weights[chip], 1, counts[chip])


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
    """Compute a convolution.

    Parameters
    ----------
    images : uint64 array, shape (images, words of an image)
        Pixel by pixel, each the words of its channels, with a border of zeros; or, with `planes`,
        what `gather` gives.
    weights : uint64 array, shape (panels, words of a filter, 32)
    limits : int64 array, shape (panels, classes, 32)
        Most mismatches at which a filter fires, by the class of the place.
    places, classes, targets : int64 array, shape (tiles, 4)
        For each output: the word at which what it sees begins, its class, and the word at which
        its own bits begin in `fired`. The outputs of a tile become one where `pool` is set.
    stride : int
        Words from a pixel to the one below; with `planes`, from a word of a place to the next.
    lines : int
        Rows of a filter, each of as many words; of no meaning with `planes`.
    planes : int
        Bits of a pixel, or 0 for outputs of another convolution.
    pool : bool
    turned : uint32 array, shape (panels,)
        A bit for each filter whose pooled output is 1 where all four are, not where any is.
    fired : uint32 array, shape (images, twice the words of an image's outputs)
        Written over, half a word for each panel.
    """
    panels, words, _ = weights.shape
    bits = np.empty(IMAGES, dtype=np.uint32)
    for panel in range(panels):
        panel_at = weights.ctypes.data + panel * words * NEURONS * 8
        limits_at = limits.ctypes.data + panel * limits.shape[1] * NEURONS * 8
        for image in range(images.shape[0]):
            image_at = images.ctypes.data + image * images.shape[1] * 8
            for tile in range(places.shape[0]):
                places_at = places.ctypes.data + tile * IMAGES * 8
                classes_at = classes.ctypes.data + tile * IMAGES * 8
                bits_at = bits.ctypes.data
                if planes:
                    _planes(
                        image_at,
                        places_at,
                        panel_at,
                        planes,
                        words * stride,
                        words,
                        stride,
                        limits_at,
                        classes_at,
                        bits_at,
                    )
                elif lines == 3:
                    # The usual number stands in the code, where LLVM makes use of it.
                    _places(
                        image_at,
                        places_at,
                        panel_at,
                        3,
                        stride,
                        words // 3,
                        1,
                        limits_at,
                        classes_at,
                        bits_at,
                    )
                else:
                    _places(
                        image_at,
                        places_at,
                        panel_at,
                        lines,
                        stride,
                        words // lines,
                        1,
                        limits_at,
                        classes_at,
                        bits_at,
                    )
                if pool:
                    turn = turned[panel]
                    any_of_four = (
                        (bits[0] ^ turn) | (bits[1] ^ turn) | (bits[2] ^ turn) | (bits[3] ^ turn)
                    )
                    fired[image, 2 * targets[tile, 0] + panel] = any_of_four ^ turn
                else:
                    for k in range(IMAGES):
                        fired[image, 2 * targets[tile, k] + panel] = bits[k]
