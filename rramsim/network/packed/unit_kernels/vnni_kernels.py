"""The kernels that multiply pixels by weights: VPDPBUSD, products of bytes added to 32-bit sums.

With codes x of up to 8 bits, g the greatest code and |W| the weights of +1, the mismatches that bit
planes give are M = g |W| - sum of w x. A lane holds a neuron: one operation multiplies four codes
of one image by the weights of 16 neurons (AVX-512 VNNI) or 8 (AVX-VNNI). Weights are bits
everywhere else; the bytes of 32 neurons are made here, once for all images of a block, and stay in
the first-level cache.

LLVM is written by hand since numba cannot name VPDPBUSD, and LLVM does not find it in a plain loop.

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
from rramsim.kernels import call_llvm, copy_row, kernel, processor, splat

INPUTS = 4
"""Inputs of a step."""

_WIDE = "avx512vnni" in processor().features
_LANES = 16 if _WIDE else 8
_NAME = f"llvm.x86.avx512.vpdpbusd.{32 * _LANES}"
_VECTORS = NEURONS // _LANES
# Eight sums side by side, since one waits some cycles for the one before it.
_ROWS = 8 // _VECTORS
_BEYOND = 2**31 - 1

_WORD, _INT = ir.IntType(64), ir.IntType(32)
_INTS = ir.VectorType(_INT, _LANES)
_BYTES = ir.VectorType(ir.IntType(8), 4 * _LANES)


def _word(value: int) -> Any:
    return ir.Constant(_WORD, value)


def _at(builder: Any, address: Any, octets: Any, pointee: Any) -> Any:
    return builder.inttoptr(builder.add(address, octets), pointee.as_pointer())


def _dot(builder: Any, sums: Any, codes: Any, weights: Any) -> Any:
    return call_llvm(builder, _NAME, _INTS, [sums, codes, weights])


@intrinsic
def _multiply(
    typing: Any, codes: Any, stride: Any, weights: Any, steps: Any, starts: Any, sums: Any
) -> Any:
    """Write the sums of 8 / vectors images and 32 neurons, each begun at its start."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        codes, stride, weights, steps, starts, sums = args
        rows = [codes]
        for _ in range(_ROWS - 1):
            rows.append(builder.add(rows[-1], stride))
        octets = 4 * _LANES
        begun = [
            builder.load(_at(builder, starts, _word(octets * k), _INTS), align=4)
            for k in range(_VECTORS)
        ]
        before, loop = builder.block, builder.append_basic_block("steps")
        done = builder.append_basic_block("done")
        builder.branch(loop)
        builder.position_at_end(loop)
        step = builder.phi(_WORD)
        step.add_incoming(_word(0), before)
        carried = []
        for k in range(_ROWS * _VECTORS):
            phi = builder.phi(_INTS)
            phi.add_incoming(begun[k % _VECTORS], before)
            carried.append(phi)
        place = builder.mul(step, _word(4 * NEURONS))
        of_step = [
            builder.load(
                _at(builder, weights, builder.add(place, _word(octets * k)), _BYTES), align=4
            )
            for k in range(_VECTORS)
        ]
        added = []
        for number, row in enumerate(rows):
            four = builder.load(_at(builder, row, builder.mul(step, _word(4)), _INT), align=4)
            spread = builder.bitcast(splat(builder, four, _INTS), _BYTES)
            for k, bytes_ in enumerate(of_step):
                added.append(_dot(builder, carried[number * _VECTORS + k], spread, bytes_))
        following = builder.add(step, _word(1))
        step.add_incoming(following, loop)
        for phi, result in zip(carried, added, strict=True):
            phi.add_incoming(result, loop)
        builder.cbranch(builder.icmp_signed("<", following, steps), loop, done)
        builder.position_at_end(done)
        for k, result in enumerate(added):
            builder.store(result, _at(builder, sums, _word(octets * k), _INTS), align=4)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6), generate


@intrinsic
def _within(typing: Any, sums: Any, limits: Any, fired: Any) -> Any:
    """Write 32 bits: which of 32 sums are within their limits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        ints = ir.VectorType(_INT, NEURONS)
        sums, limits = (
            builder.load(builder.inttoptr(address, ints.as_pointer()), align=4)
            for address in args[:2]
        )
        bits = builder.bitcast(builder.icmp_signed("<=", sums, limits), _INT)
        builder.store(bits, builder.inttoptr(args[2], _INT.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), generate


# An intrinsic is called without its first parameter, which a type checker cannot know.
_products: Any = _multiply
_compare: Any = _within


@kernel("void(uint64[:,:,::1], int64, int64, uint32[:,::1], int32[::1])")
def _spread(
    weights: NDArray[np.uint64],
    panel: int,
    greatest: int,
    octets: NDArray[np.uint32],
    starts: NDArray[np.int32],
) -> None:
    """Write the weights of a panel, negated, as bytes, (steps, 32); and what sums begin at."""
    ones = np.zeros(NEURONS, dtype=np.uint32)
    lowest, every = np.uint32(0x01010101), np.uint32(255)
    for step in range(octets.shape[0]):
        row, begin = weights[panel, step >> 4], np.uint64((step & 15) * 4)
        for k in range(NEURONS):
            four = np.uint32((row[k] >> begin) & np.uint64(15))
            # The four bits, each in a byte of its own.
            bits = np.uint32(four * np.uint32(0x00204081)) & lowest
            ones[k] += np.uint32(bits * lowest) >> np.uint32(24)
            octets[step, k] = np.uint32(bits * every) | (bits ^ lowest)
    for k in range(NEURONS):
        starts[k] = np.int32(ones[k]) * np.int32(greatest)


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
    codes : uint8 array, shape (images, 4 * steps)
        A multiple of `IMAGES` rows; beyond the inputs they are 0.
    weights, planes, limits, fired
        As of `popcount_kernels.fire`.
    """
    greatest, steps = (1 << planes) - 1, codes.shape[1] // INPUTS
    octets = np.empty((steps, NEURONS), dtype=np.uint32)
    starts = np.empty(NEURONS, dtype=np.int32)
    bounds = np.empty(NEURONS, dtype=np.int32)
    sums = np.empty((_ROWS, NEURONS), dtype=np.int32)
    for panel in range(weights.shape[0]):
        _spread(weights, panel, greatest, octets, starts)
        for k in range(NEURONS):
            bounds[k] = max(-1, min(limits[panel * NEURONS + k], _BEYOND))
        for image in range(0, codes.shape[0], _ROWS):
            row = codes.ctypes.data + image * codes.shape[1]
            _products(
                row,
                codes.shape[1],
                octets.ctypes.data,
                steps,
                starts.ctypes.data,
                sums.ctypes.data,
            )
            for k in range(_ROWS):
                to = fired.ctypes.data + (image + k) * fired.shape[1] * 8 + panel * 4
                _compare(sums.ctypes.data + k * NEURONS * 4, bounds.ctypes.data, to)


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
    greatest, steps = (1 << planes) - 1, codes.shape[1] // INPUTS
    octets = np.empty((steps, NEURONS), dtype=np.uint32)
    starts = np.empty(NEURONS, dtype=np.int32)
    sums = np.empty((_ROWS, NEURONS), dtype=np.int32)
    for panel in range(weights.shape[0]):
        _spread(weights, panel, greatest, octets, starts)
        for image in range(0, codes.shape[0], _ROWS):
            row = codes.ctypes.data + image * codes.shape[1]
            _products(
                row,
                codes.shape[1],
                octets.ctypes.data,
                steps,
                starts.ctypes.data,
                sums.ctypes.data,
            )
            for k in range(_ROWS):
                copy_row(sums[k], counts[image + k, panel * NEURONS :])


assert IMAGES % _ROWS == 0
