"""The kernels that multiply tiles by TDPBUSD: 16 images, 16 neurons and 64 inputs at a time (AMX).

With codes x of up to 8 bits, g the greatest code and |W| the weights of +1, the mismatches that bit
planes give are M = g |W| - sum of w x (see `vnni_kernels`); for signs the codes are the bits, and g
is 1. Bits of images become bytes once for all neurons, and the weights of 32 neurons become bytes
once for all images of a block, here and nowhere else.

A process may use tiles only where the system permits it: see `units`. Each kernel configures them
at its beginning and releases them at its end.

LLVM is written by hand since numba cannot name instructions on tiles.

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

from rramsim.bits import NEURONS
from rramsim.kernels import call_llvm, kernel, loop

_ROWS = 16  # of a tile
_INPUTS = 64  # of a tile
_IMAGES = 2 * _ROWS
_BEYOND = 2**31 - 1

_WORD, _INT, _BYTE = ir.IntType(64), ir.IntType(32), ir.IntType(8)
_VOID, _ADDRESS = ir.VoidType(), ir.IntType(8).as_pointer()


def _word(value: int) -> Any:
    return ir.Constant(_WORD, value)


def _emit(builder: Any, name: str, *arguments: Any) -> None:
    """Emit an instruction on tiles; whole numbers are tiles."""
    constants = [ir.Constant(_BYTE, one) if isinstance(one, int) else one for one in arguments]
    call_llvm(builder, f"llvm.x86.{name}", _VOID, constants)


@intrinsic
def _configure_tiles(typing: Any, configuration: Any) -> Any:
    """Configure all tiles from 64 bytes."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _emit(builder, "ldtilecfg", builder.inttoptr(args[0], _ADDRESS))
        return context.get_dummy_value()

    return types.void(types.int64), generate


@intrinsic
def _release_tiles(typing: Any) -> Any:
    """Release all tiles."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _emit(builder, "tilerelease")
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def _multiply(typing: Any, codes: Any, stride: Any, weights: Any, steps: Any, sums: Any) -> Any:
    """Write the sums of 32 images and 32 neurons: tiles 0 to 3; 4 and 5 are codes, 6, 7 weights."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        codes, stride, weights, steps, sums = args
        row = _word(4 * NEURONS)

        def at(address: Any, octets: Any) -> Any:
            return builder.inttoptr(builder.add(address, octets), _ADDRESS)

        def body(step: Any, carried: list[Any]) -> list[Any]:
            moved = builder.mul(step, _word(_INPUTS))
            lower = builder.add(moved, builder.mul(stride, _word(_ROWS)))
            place = builder.mul(step, _word(_ROWS * 4 * NEURONS))
            _emit(builder, "tileloadd64", 4, at(codes, moved), stride)
            _emit(builder, "tileloadd64", 6, at(weights, place), row)
            _emit(builder, "tdpbusd", 0, 4, 6)
            _emit(builder, "tileloadd64", 7, at(weights, builder.add(place, _word(64))), row)
            _emit(builder, "tdpbusd", 1, 4, 7)
            _emit(builder, "tileloadd64", 5, at(codes, lower), stride)
            _emit(builder, "tdpbusd", 2, 5, 6)
            _emit(builder, "tdpbusd", 3, 5, 7)
            return carried

        for tile in range(4):
            _emit(builder, "tilezero", tile)
        loop(builder, steps, [], body)
        for tile in range(4):
            moved = tile // 2 * _ROWS * 4 * NEURONS + tile % 2 * 64
            _emit(builder, "tilestored64", tile, at(sums, _word(moved)), row)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), generate


@intrinsic
def _within(typing: Any, sums: Any, limits: Any) -> Any:
    """Return 32 bits: which of 32 sums are within their limits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        ints = ir.VectorType(_INT, NEURONS)
        sums, limits = (
            builder.load(builder.inttoptr(address, ints.as_pointer()), align=4) for address in args
        )
        return builder.bitcast(builder.icmp_signed("<=", sums, limits), _INT)

    return types.uint32(types.int64, types.int64), generate


# An intrinsic is called without its first parameter, which a type checker cannot know.
_configure: Any = _configure_tiles
_release: Any = _release_tiles
_products: Any = _multiply
_compare: Any = _within


@kernel("uint8[::1](int64)")
def _aligned(size: int) -> NDArray[np.uint8]:
    """Return bytes of 0 that begin at a multiple of 64: tiles elsewhere take twice the time."""
    whole = np.zeros(size + 64, dtype=np.uint8)
    skipped = -whole.ctypes.data & 63
    return whole[skipped : skipped + size]


@kernel("uint8[::1]()")
def _configuration() -> NDArray[np.uint8]:
    """Return what tells the processor that all tiles have 16 rows of 64 bytes."""
    octets = np.zeros(64, dtype=np.uint8)
    octets[0] = 1
    for tile in range(8):
        octets[16 + 2 * tile] = 64
        octets[48 + tile] = _ROWS
    return octets


@kernel("void(uint64[:,:,::1], int64, int64, uint32[:,::1], int32[::1])")
def _spread(
    weights: NDArray[np.uint64],
    panel: int,
    greatest: int,
    octets: NDArray[np.uint32],
    starts: NDArray[np.int32],
) -> None:
    """Write the weights of a panel, negated, as bytes, (words * 16, 32); and what sums begin at."""
    ones = np.zeros(NEURONS, dtype=np.uint32)
    lowest, every = np.uint32(0x01010101), np.uint32(255)
    for step in range(weights.shape[1] * 16):
        row, begin = weights[panel, step >> 4], np.uint64((step & 15) * 4)
        for k in range(NEURONS):
            four = np.uint32((row[k] >> begin) & np.uint64(15))
            # The four bits, each in a byte of its own.
            bits = np.uint32(four * np.uint32(0x00204081)) & lowest
            ones[k] += np.uint32(bits * lowest) >> np.uint32(24)
            octets[step, k] = np.uint32(bits * every) | (bits ^ lowest)
    for k in range(NEURONS):
        starts[k] = np.int32(ones[k]) * np.int32(greatest)


@kernel("void(uint64[:,::1], uint8[:,::1])")
def _bytes_of(images: NDArray[np.uint64], codes: NDArray[np.uint8]) -> None:
    """Write the bits of images as bytes, (images, words * 64)."""
    for image in range(images.shape[0]):
        for word in range(images.shape[1]):
            bits, to = images[image, word], codes[image, word * 64 :]
            for k in range(64):
                to[k] = (bits >> np.uint64(k)) & np.uint64(1)


@kernel("void(uint8[:,::1], uint64[:,:,::1], int64, int64, int64[::1], uint64[:,::1])")
def _fire_codes(
    codes: NDArray[np.uint8],
    weights: NDArray[np.uint64],
    greatest: int,
    images: int,
    limits: NDArray[np.int64],
    fired: NDArray[np.uint64],
) -> None:
    panels, words, _ = weights.shape
    octets = _aligned(words * 16 * NEURONS * 4).view(np.uint32).reshape(words * 16, NEURONS)
    sums = _aligned(_IMAGES * NEURONS * 4).view(np.int32).reshape(_IMAGES, NEURONS)
    starts = np.empty(NEURONS, dtype=np.int32)
    bounds = np.empty(NEURONS, dtype=np.int32)
    fired32 = fired.view(np.uint32)
    tiles = _configuration()
    _configure(tiles.ctypes.data)
    for panel in range(panels):
        _spread(weights, panel, greatest, octets, starts)
        for k in range(NEURONS):
            limit = max(-1, min(limits[panel * NEURONS + k], _BEYOND))
            bounds[k] = limit - starts[k]
        for first in range(0, codes.shape[0], _IMAGES):
            row = codes.ctypes.data + first * codes.shape[1]
            _products(row, codes.shape[1], octets.ctypes.data, words, sums.ctypes.data)
            for k in range(min(_IMAGES, images - first)):
                of_image = sums.ctypes.data + k * NEURONS * 4
                fired32[first + k, panel] = _compare(of_image, bounds.ctypes.data)
    _release()


@kernel("void(uint8[:,::1], uint64[:,:,::1], int64, int64, int32[:,::1])")
def _count_codes(
    codes: NDArray[np.uint8],
    weights: NDArray[np.uint64],
    greatest: int,
    images: int,
    counts: NDArray[np.int32],
) -> None:
    panels, words, _ = weights.shape
    octets = _aligned(words * 16 * NEURONS * 4).view(np.uint32).reshape(words * 16, NEURONS)
    sums = _aligned(_IMAGES * NEURONS * 4).view(np.int32).reshape(_IMAGES, NEURONS)
    starts = np.empty(NEURONS, dtype=np.int32)
    tiles = _configuration()
    _configure(tiles.ctypes.data)
    for panel in range(panels):
        _spread(weights, panel, greatest, octets, starts)
        for first in range(0, codes.shape[0], _IMAGES):
            row = codes.ctypes.data + first * codes.shape[1]
            _products(row, codes.shape[1], octets.ctypes.data, words, sums.ctypes.data)
            for k in range(min(_IMAGES, images - first)):
                begin = panel * NEURONS
                for neuron in range(NEURONS):
                    counts[first + k, begin + neuron] = sums[k, neuron] + starts[neuron]
    _release()


@kernel("uint8[:,::1](int64, int64)")
def _rows(images: int, words: int) -> NDArray[np.uint8]:
    """Return rows of 0 for so many images, up to a multiple of what `_multiply` takes."""
    rows = -(-images // _IMAGES) * _IMAGES
    return _aligned(rows * words * _INPUTS).reshape(rows, words * _INPUTS)


@kernel("void(uint64[:,::1], uint64[:,:,::1], int64, int64[::1], uint64[:,::1])")
def fire(
    images: NDArray[np.uint64],
    weights: NDArray[np.uint64],
    planes: int,
    limits: NDArray[np.int64],
    fired: NDArray[np.uint64],
) -> None:
    """Compute a hidden layer on signs; see `popcount_kernels.fire`. `planes` is 1."""
    codes = _rows(images.shape[0], weights.shape[1])
    _bytes_of(images, codes)
    _fire_codes(codes, weights, 1, images.shape[0], limits, fired)


@kernel("void(uint64[:,::1], uint64[:,:,::1], int64, int32[:,::1])")
def count(
    images: NDArray[np.uint64],
    weights: NDArray[np.uint64],
    planes: int,
    counts: NDArray[np.int32],
) -> None:
    """Count the mismatches of each image and neuron; see `popcount_kernels.count`."""
    codes = _rows(images.shape[0], weights.shape[1])
    _bytes_of(images, codes)
    _count_codes(codes, weights, 1, images.shape[0], counts)


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


@kernel("void(uint8[:,::1], uint64[:,:,::1], int64, int64[::1], uint64[:,::1])")
def fire_pixels(
    pixels: NDArray[np.uint8],
    weights: NDArray[np.uint64],
    planes: int,
    limits: NDArray[np.int64],
    fired: NDArray[np.uint64],
) -> None:
    """Compute a hidden layer on pixels; see `popcount_kernels.fire`.

    Parameters
    ----------
    pixels : uint8 array, shape (images, at most 64 * words)
        A row for each image; beyond the inputs they are 0.
    weights, planes, limits, fired
        As of `popcount_kernels.fire`.
    """
    codes = _rows(pixels.shape[0], weights.shape[1])
    codes[: pixels.shape[0], : pixels.shape[1]] = pixels
    _fire_codes(codes, weights, (1 << planes) - 1, pixels.shape[0], limits, fired)


@kernel("void(uint8[:,::1], uint64[:,:,::1], int64, int32[:,::1])")
def count_pixels(
    pixels: NDArray[np.uint8],
    weights: NDArray[np.uint64],
    planes: int,
    counts: NDArray[np.int32],
) -> None:
    """Count the mismatches of each image and neuron; see `popcount_kernels.count`.

    The other parameters are those of `fire_pixels`.
    """
    codes = _rows(pixels.shape[0], weights.shape[1])
    codes[: pixels.shape[0], : pixels.shape[1]] = pixels
    _count_codes(codes, weights, (1 << planes) - 1, pixels.shape[0], counts)
