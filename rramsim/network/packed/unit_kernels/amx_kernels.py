"""The kernels that multiply tiles by TDPBUSD: 16 rows, 16 neurons and 64 inputs at a time (AMX).

With codes x of up to 8 bits, g the greatest code and |W| the weights of +1, the mismatches that bit
planes give are M = g |W| - sum of w x (see `vnni_kernels`); for signs the codes are the bits, and g
is 1. Bits become bytes here and nowhere else: those of images once for all neurons, and the
weights of 32 neurons by some words for all images, which stay in the first-level cache.

**Rows.** A tile has 16 rows of codes at equal distances, here a *strip*. Strips of a dense layer
are images. In a convolution they are places: from one to the next it is as many bytes as a pixel
has channels, and what a filter sees at a place are stretches of memory, so that no place is copied
for the weights that see it. A strip that reaches over the end of a row of places computes some
that do not exist, whose outputs are left out.

A process may use tiles only where the system permits it: see `units`. Each kernel configures them
at its beginning and releases them at its end.

LLVM is written by hand since numba cannot name instructions on tiles, and its own loops make bytes
of bits one by one.

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

from rramsim.bits import NEURONS, ROWS
from rramsim.kernels import call_llvm, kernel, loop

_INPUTS = 64  # of a tile
_WORDS = 12  # whose weights stay in the first-level cache, 24 KB of bytes
_STRIPS = 64  # of a convolution, whose sums stay in the second-level cache
_BEYOND = 2**31 - 1

_WORD, _INT, _BYTE = ir.IntType(64), ir.IntType(32), ir.IntType(8)
_VOID, _ADDRESS = ir.VoidType(), ir.IntType(8).as_pointer()
_OCTETS = ir.VectorType(_BYTE, _INPUTS)
_FLAGS = ir.VectorType(ir.IntType(1), _INPUTS)
_PANEL = ir.VectorType(_WORD, NEURONS)
_QUARTER = ir.VectorType(_WORD, NEURONS // 4)


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
def _multiply(
    typing: Any,
    first: Any,
    second: Any,
    stride: Any,
    offsets: Any,
    weights: Any,
    steps: Any,
    more: Any,
    sums: Any,
) -> Any:
    """Write, or add if `more`, the sums of two strips and 32 neurons, int32 (32, 32).

    Rows of a strip are `stride` bytes apart, and the codes of a step `offsets` from their begin.
    Tiles 0 to 3 are sums, 4 and 5 codes, 6 and 7 weights.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        first, second, stride, offsets, weights, steps, more, sums = args
        row = _word(4 * NEURONS)

        def at(address: Any, octets: Any) -> Any:
            return builder.inttoptr(builder.add(address, octets), _ADDRESS)

        def body(step: Any, carried: list[Any]) -> list[Any]:
            eighth = builder.add(offsets, builder.mul(step, _word(8)))
            moved = builder.load(builder.inttoptr(eighth, _WORD.as_pointer()), align=8)
            place = builder.mul(step, _word(ROWS * 4 * NEURONS))
            _emit(builder, "tileloadd64", 4, at(first, moved), stride)
            _emit(builder, "tileloadd64", 6, at(weights, place), row)
            _emit(builder, "tdpbusd", 0, 4, 6)
            _emit(builder, "tileloadd64", 7, at(weights, builder.add(place, _word(64))), row)
            _emit(builder, "tdpbusd", 1, 4, 7)
            _emit(builder, "tileloadd64", 5, at(second, moved), stride)
            _emit(builder, "tdpbusd", 2, 5, 6)
            _emit(builder, "tdpbusd", 3, 5, 7)
            return carried

        of_tiles = [
            at(sums, _word(tile // 2 * ROWS * 4 * NEURONS + tile % 2 * 64)) for tile in range(4)
        ]
        with builder.if_else(builder.icmp_signed("!=", more, _word(0))) as (then, otherwise):
            with then:
                for tile, place in enumerate(of_tiles):
                    _emit(builder, "tileloadd64", tile, place, row)
            with otherwise:
                for tile in range(4):
                    _emit(builder, "tilezero", tile)
        loop(builder, steps, [], body)
        for tile, place in enumerate(of_tiles):
            _emit(builder, "tilestored64", tile, place, row)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 8), generate


@intrinsic
def _spread_bits(typing: Any, bits: Any, octets: Any) -> Any:
    """Write the bits of a word as 64 bytes."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        flags = builder.bitcast(args[0], _FLAGS)
        place = builder.inttoptr(args[1], _OCTETS.as_pointer())
        builder.store(builder.zext(flags, _OCTETS), place, align=64)
        return context.get_dummy_value()

    return types.void(types.uint64, types.int64), generate


@intrinsic
def _spread_word(typing: Any, weights: Any, octets: Any, ones: Any) -> Any:
    """Write a word of 32 neurons, negated, as bytes, (16, 32, 4), and add its bits to `ones`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        weights, octets, ones = args
        words = builder.load(builder.inttoptr(weights, _PANEL.as_pointer()), align=8)
        counts = builder.inttoptr(ones, _PANEL.as_pointer())
        bits = call_llvm(builder, f"llvm.ctpop.v{NEURONS}i64", _PANEL, [words])
        builder.store(builder.add(builder.load(counts, align=8), bits), counts, align=8)
        low, high = (ir.Constant(_OCTETS, [value] * _INPUTS) for value in (1, 255))
        for half in range(2):
            both = [
                builder.bitcast(
                    builder.load(
                        builder.inttoptr(
                            builder.add(weights, _word(128 * half + 64 * k)), _QUARTER.as_pointer()
                        ),
                        align=8,
                    ),
                    _OCTETS,
                )
                for k in range(2)
            ]
            for octet in range(8):
                # A byte of each of 16 neurons, four times.
                order = [8 * neuron + octet for neuron in range(16) for _ in range(4)]
                places = ir.Constant(ir.VectorType(_INT, _INPUTS), order)
                spread = builder.shuffle_vector(*both, places)
                for nibble in range(2):
                    mask = ir.Constant(_OCTETS, [1 << 4 * nibble + k for k in range(4)] * 16)
                    is_set = builder.icmp_signed(
                        "!=", builder.and_(spread, mask), ir.Constant(_OCTETS, [0] * _INPUTS)
                    )
                    moved = (2 * octet + nibble) * 4 * NEURONS + 64 * half
                    place = builder.add(octets, _word(moved))
                    builder.store(
                        builder.select(is_set, high, low),
                        builder.inttoptr(place, _OCTETS.as_pointer()),
                        align=64,
                    )
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), generate


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
_spread: Any = _spread_bits
_spread_panel: Any = _spread_word
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
        octets[48 + tile] = ROWS
    return octets


_Buffers = tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.int64]]


@kernel("Tuple((uint8[::1], int32[:,::1], int64[::1]))(int64)")
def _buffers(strips: int) -> _Buffers:
    """Return room for the weights of a panel as bytes, the sums of strips, and ones of neurons."""
    octets = _aligned(_WORDS * ROWS * 4 * NEURONS)
    sums = _aligned(strips * ROWS * 4 * NEURONS).view(np.int32).reshape(strips * ROWS, NEURONS)
    return octets, sums, np.empty(NEURONS, dtype=np.int64)


@kernel(
    "void(int64[::1], int64, int64[::1], uint64[:,:,::1], int64, "
    "Tuple((uint8[::1], int32[:,::1], int64[::1])))"
)
def _sums_of(
    strips: NDArray[np.int64],
    stride: int,
    offsets: NDArray[np.int64],
    weights: NDArray[np.uint64],
    panel: int,
    buffers: _Buffers,
) -> None:
    """Write the sums of an even number of strips and a panel, and its weights of +1.

    Parameters
    ----------
    strips : int64 array
        Addresses of their first rows.
    stride : int
        Bytes from a row to the next.
    offsets : int64 array, shape (words,)
        Bytes from where a row begins to the codes that a word of weights meets.
    """
    octets, sums, ones = buffers
    words = weights.shape[1]
    ones[:] = 0
    # Parts of equal length, rather than a short one at the end.
    parts = -(-words // _WORDS)
    length = -(-words // parts)
    for begin in range(0, words, length):
        steps = min(length, words - begin)
        for k in range(steps):
            of_word = weights.ctypes.data + (panel * words + begin + k) * NEURONS * 8
            to = octets.ctypes.data + k * ROWS * 4 * NEURONS
            _spread_panel(of_word, to, ones.ctypes.data)
        for k in range(0, strips.size, 2):
            _products(
                strips[k],
                strips[k + 1],
                stride,
                offsets.ctypes.data + begin * 8,
                octets.ctypes.data,
                steps,
                begin,
                sums.ctypes.data + k * ROWS * 4 * NEURONS,
            )


@kernel("void(uint64[:,::1], int64, uint8[:,::1])")
def _bytes_of(images: NDArray[np.uint64], first: int, codes: NDArray[np.uint8]) -> None:
    """Write the bits of some images as bytes, each a row of at least words * 64."""
    for image in range(min(len(codes), len(images) - first)):
        to = codes.ctypes.data + image * codes.shape[1]
        for word in range(images.shape[1]):
            _spread(images[first + image, word], to + word * _INPUTS)


@kernel("uint8[:,::1](int64, int64)")
def _rows(images: int, words: int) -> NDArray[np.uint8]:
    """Return rows of 0 for so many images, up to a multiple of two strips.

    An odd number of cache lines: rows at powers of two would share few places of the caches.
    """
    rows, length = -(-images // (2 * ROWS)) * 2 * ROWS, (words | 1) * _INPUTS
    return _aligned(rows * length).reshape(rows, length)


@kernel("int64[::1](uint8[:,::1])")
def _strips_of(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the addresses of the strips of a dense layer."""
    strips = np.empty(codes.shape[0] // ROWS, dtype=np.int64)
    for k in range(strips.size):
        strips[k] = codes.ctypes.data + k * ROWS * codes.shape[1]
    return strips


@kernel("void(uint8[:,::1], uint64[:,:,::1], int64, int64[::1], uint64[:,::1])")
def _fire_codes(
    codes: NDArray[np.uint8],
    weights: NDArray[np.uint64],
    greatest: int,
    limits: NDArray[np.int64],
    fired: NDArray[np.uint64],
) -> None:
    panels, words, _ = weights.shape
    strips, offsets = _strips_of(codes), np.arange(words) * _INPUTS
    buffers = _buffers(strips.size)
    _, sums, ones = buffers
    bounds = np.empty(NEURONS, dtype=np.int32)
    fired32 = fired.view(np.uint32)
    tiles = _configuration()
    _configure(tiles.ctypes.data)
    for panel in range(panels):
        _sums_of(strips, codes.shape[1], offsets, weights, panel, buffers)
        for k in range(NEURONS):
            limit = max(-1, min(limits[panel * NEURONS + k], _BEYOND))
            bounds[k] = limit - greatest * ones[k]
        for image in range(fired.shape[0]):
            of_image = sums.ctypes.data + image * NEURONS * 4
            fired32[image, panel] = _compare(of_image, bounds.ctypes.data)
    _release()


@kernel("void(uint8[:,::1], uint64[:,:,::1], int64, int32[:,::1])")
def _count_codes(
    codes: NDArray[np.uint8],
    weights: NDArray[np.uint64],
    greatest: int,
    counts: NDArray[np.int32],
) -> None:
    panels, words, _ = weights.shape
    strips, offsets = _strips_of(codes), np.arange(words) * _INPUTS
    buffers = _buffers(strips.size)
    _, sums, ones = buffers
    tiles = _configuration()
    _configure(tiles.ctypes.data)
    for panel in range(panels):
        _sums_of(strips, codes.shape[1], offsets, weights, panel, buffers)
        for image in range(counts.shape[0]):
            for k in range(NEURONS):
                counts[image, panel * NEURONS + k] = sums[image, k] + greatest * ones[k]
    _release()


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
    _bytes_of(images, 0, codes)
    _fire_codes(codes, weights, 1, limits, fired)


@kernel("void(uint64[:,::1], uint64[:,:,::1], int64, int32[:,::1])")
def count(
    images: NDArray[np.uint64],
    weights: NDArray[np.uint64],
    planes: int,
    counts: NDArray[np.int32],
) -> None:
    """Count the mismatches of each image and neuron; see `popcount_kernels.count`."""
    codes = _rows(images.shape[0], weights.shape[1])
    _bytes_of(images, 0, codes)
    _count_codes(codes, weights, 1, counts)


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
    _fire_codes(codes, weights, (1 << planes) - 1, limits, fired)


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
    _count_codes(codes, weights, (1 << planes) - 1, counts)


@kernel("void(int64[:,:,::1], int64, int64[::1], int32[:,::1])")
def _bounds_of(
    limits: NDArray[np.int64], panel: int, ones: NDArray[np.int64], bounds: NDArray[np.int32]
) -> None:
    """Write the greatest sums at which the filters of a panel fire, (classes, 32)."""
    for of_class in range(limits.shape[1]):
        for k in range(NEURONS):
            limit = max(-1, min(limits[panel, of_class, k], _BEYOND))
            bounds[of_class, k] = limit - ones[k]


@kernel(
    "void(uint64[:,::1], uint64[:,:,::1], int64[:,:,::1], int64[::1], int64[::1], int64, int64, "
    "int64, uint32[:,:,::1])"
)
def convolve(
    images: NDArray[np.uint64],
    weights: NDArray[np.uint64],
    limits: NDArray[np.int64],
    begins: NDArray[np.int64],
    classes: NDArray[np.int64],
    distance: int,
    stride: int,
    lines: int,
    fired: NDArray[np.uint32],
) -> None:
    """Compute a convolution on signs at places that lie in strips.

    Parameters
    ----------
    images, weights, limits, stride, lines
        As of `popcount_kernels.convolve`.
    begins : int64 array, shape (strips,)
        The word at which what the first place of a strip sees begins.
    classes : int64 array, shape (strips * 16,)
        Of each place.
    distance : int
        Words from what a place sees to what the next one sees.
    fired : uint32 array, shape (images, strips * 16, panels)
        Written over.
    """
    panels, words, _ = weights.shape
    of_line, of_image = words // lines, images.shape[1]
    offsets = np.empty(words, dtype=np.int64)
    for word in range(words):
        offsets[word] = (word // of_line * stride + word % of_line) * _INPUTS
    # Places that do not exist may see what lies beyond the last image.
    beyond = (ROWS - 1) * distance + (lines - 1) * stride + of_line
    together = min(len(images), max(1, _STRIPS // begins.size))
    whole = _aligned((together * of_image + beyond) * _INPUTS)
    codes = whole[: together * of_image * _INPUTS].reshape(together, of_image * _INPUTS)
    strips = np.empty(-(-together * begins.size // 2) * 2, dtype=np.int64)
    for k in range(strips.size):
        image, strip = divmod(min(k, together * begins.size - 1), begins.size)
        strips[k] = codes.ctypes.data + (image * of_image + begins[strip]) * _INPUTS
    buffers = _buffers(strips.size)
    _, sums, ones = buffers
    bounds = np.empty((limits.shape[1], NEURONS), dtype=np.int32)
    tiles = _configuration()
    _configure(tiles.ctypes.data)
    for first in range(0, len(images), together):
        _bytes_of(images, first, codes)
        for panel in range(panels):
            _sums_of(strips, distance * _INPUTS, offsets, weights, panel, buffers)
            _bounds_of(limits, panel, ones, bounds)
            for image in range(min(together, len(images) - first)):
                for place in range(classes.size):
                    row = sums.ctypes.data + (image * classes.size + place) * NEURONS * 4
                    of_class = bounds.ctypes.data + classes[place] * NEURONS * 4
                    fired[first + image, place, panel] = _compare(row, of_class)
    _release()
