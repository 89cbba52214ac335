"""The kernels that count mismatches: XOR and popcount on tiles of 4 images by 32 neurons.

Bits are 1 for +1 and 0 for -1, 64 to a word; padding is 0 in images and weights alike, so it
never mismatches. For n inputs and M = popcount(x XOR w), the number of inputs that differ from
their weight, the sum of a neuron is n - 2 M. Images may come as several bit planes, the highest
first; then M = sum over planes b of 2^b popcount(x_b XOR w).

numba's own loops lose a factor of 1.6 to 4 here, so the tile is written in LLVM's vectors of 8
words: 16 sums stay in registers, and one load of weights serves four images. LLVM splits the
vectors where a processor has narrower ones.

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

from rramsim.kernels import kernel

IMAGES = 4
"""Images of a tile: rows of images are padded to a multiple of it."""

NEURONS = 32
"""Neurons of a tile, and of a panel of weights."""

_LANES = 8
_VECTORS = NEURONS // _LANES
_WORD = ir.IntType(64)
_VECTOR = ir.VectorType(_WORD, _LANES)


def _at(builder: Any, address: Any, words: Any, pointee: Any) -> Any:
    """Return a pointer to the `words`-th 8-byte word after `address`."""
    moved = builder.add(address, builder.shl(words, ir.Constant(_WORD, 3)))
    return builder.inttoptr(moved, pointee.as_pointer())


def _popcount(builder: Any, vector: Any) -> Any:
    # llvmlite's declare_intrinsic cannot name a vector type.
    name = f"llvm.ctpop.v{_LANES}i64"
    function = builder.module.globals.get(name)
    if function is None:
        function = ir.Function(builder.module, ir.FunctionType(_VECTOR, [_VECTOR]), name)
    return builder.call(function, [vector])


def _loop(builder: Any, count: Any, carried: list[Any], body: Any) -> list[Any]:
    """Emit ``for step in range(count)`` (count > 0) with values that `body` carries on."""
    before, start = builder.block, builder.append_basic_block("loop")
    builder.branch(start)
    builder.position_at_end(start)
    step = builder.phi(_WORD)
    step.add_incoming(ir.Constant(_WORD, 0), before)
    phis = []
    for value in carried:
        phi = builder.phi(value.type)
        phi.add_incoming(value, before)
        phis.append(phi)
    results = body(step, phis)
    following = builder.add(step, ir.Constant(_WORD, 1))
    end, done = builder.block, builder.append_basic_block("done")
    step.add_incoming(following, end)
    for phi, result in zip(phis, results, strict=True):
        phi.add_incoming(result, end)
    builder.cbranch(builder.icmp_signed("<", following, count), start, done)
    builder.position_at_end(done)
    return list(results)


def _mismatches(
    builder: Any, images: Any, stride: Any, panel: Any, planes: Any, words: Any
) -> list[Any]:
    """Emit the weighted mismatches of a tile: for each image, 4 vectors of 8 neurons."""
    one = ir.Constant(_VECTOR, [1] * _LANES)
    rows = [images]
    for _ in range(IMAGES - 1):
        rows.append(builder.add(rows[-1], builder.shl(stride, ir.Constant(_WORD, 3))))

    def plane_body(plane: Any, sums: list[Any]) -> list[Any]:
        begin = builder.mul(plane, words)

        def word_body(word: Any, sums: list[Any]) -> list[Any]:
            first = builder.mul(word, ir.Constant(_WORD, NEURONS))
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
            place = builder.add(begin, word)
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

        return _loop(builder, words, [builder.shl(each, one) for each in sums], word_body)

    zeros = [ir.Constant(_VECTOR, [0] * _LANES)] * (IMAGES * _VECTORS)
    return _loop(builder, planes, zeros, plane_body)


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
        sums = _mismatches(builder, images, stride, panel, planes, words)
        half = ir.IntType(32)
        within = [
            builder.load(_at(builder, limits, ir.Constant(_WORD, k * _LANES), _VECTOR), align=8)
            for k in range(_VECTORS)
        ]
        for number in range(IMAGES):
            bits = ir.Constant(half, 0)
            for k in range(_VECTORS):
                fires = builder.icmp_signed("<=", sums[number * _VECTORS + k], within[k])
                eight = builder.zext(builder.bitcast(fires, ir.IntType(_LANES)), half)
                bits = builder.or_(bits, builder.shl(eight, ir.Constant(half, k * _LANES)))
            builder.store(bits, builder.inttoptr(fired, half.as_pointer()), align=4)
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
        sums = _mismatches(builder, images, stride, panel, planes, words)
        narrow = ir.VectorType(ir.IntType(32), _LANES)
        for number in range(IMAGES):
            for k in range(_VECTORS):
                place = builder.add(counts, ir.Constant(_WORD, 4 * k * _LANES))
                target = builder.inttoptr(place, narrow.as_pointer())
                builder.store(builder.trunc(sums[number * _VECTORS + k], narrow), target, align=4)
            counts = builder.add(counts, builder.shl(counts_stride, ir.Constant(_WORD, 2)))
        return context.get_dummy_value()

    return types.void(*[types.int64] * 7), generate


# An intrinsic is called without its first parameter, which a type checker cannot know.
_fire: Any = _fire_tile
_count: Any = _count_tile


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
