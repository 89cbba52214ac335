"""The kernels that gather, for every place of an image, the pixels that a filter sees.

Pixels are gathered as bit planes for all places at once, or as bytes, row by row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rramsim.kernels import kernel


@kernel("void(uint8[:,::1], int64, int64, uint64[::1], uint64[::1], uint64[::1])")
def _gather_plane(
    codes: NDArray[np.uint8],
    digit: int,
    row_stride: int,
    spread: NDArray[np.uint64],
    seen: NDArray[np.uint64],
    rows: NDArray[np.uint64],
) -> None:
    channels, pixels = codes.shape
    span = seen.size
    shift, one = np.uint64(digit), np.uint64(1)
    # Seven channels at a time, whose 63 bits fit a word.
    for group in range(0, channels, 7):
        spread[:] = 0
        for channel in range(group, min(group + 7, channels)):
            start = np.uint64((channel - group) * 9)
            for k in range(pixels):
                spread[k] |= ((np.uint64(codes[channel, k]) >> shift) & one) << start
        # A slice for each pixel: numba makes vectors of plain indices only.
        a0, a1, a2 = spread, spread[1:], spread[2:]
        b0, b1, b2 = a0[row_stride:], a1[row_stride:], a2[row_stride:]
        c0, c1, c2 = b0[row_stride:], b1[row_stride:], b2[row_stride:]
        for k in range(span):
            bits = a0[k] | a1[k] << one | a2[k] << np.uint64(2)
            bits |= b0[k] << np.uint64(3) | b1[k] << np.uint64(4) | b2[k] << np.uint64(5)
            bits |= c0[k] << np.uint64(6) | c1[k] << np.uint64(7) | c2[k] << np.uint64(8)
            seen[k] = bits
        word, begin = (group * 9) >> 6, np.uint64((group * 9) & 63)
        here = rows[word * span :]
        for k in range(span):
            here[k] |= seen[k] << begin
        if (min(group + 7, channels) * 9 - 1) >> 6 > word:
            there = rows[(word + 1) * span :]
            for k in range(span):
                there[k] |= seen[k] >> (np.uint64(64) - begin)


@kernel("void(uint8[:,:,::1], int64, int64, uint64[:,::1])")
def gather(
    codes: NDArray[np.uint8], planes: int, row_stride: int, rows: NDArray[np.uint64]
) -> None:
    """Set a bit for each of the nine pixels that a filter of 3 x 3 sees, by channel and plane.

    Parameters
    ----------
    codes : uint8 array, shape (images, channels, pixels)
        With a border of zeros, row by row.
    planes : int
        Bits of a code; the highest plane comes first.
    row_stride : int
        Pixels from one to the one below.
    rows : uint64 array, shape (images, planes * words * places)
        Zeros. Bit ``9 channel + tap`` of a place is bit j of its word k; the words k of all places
        stand together. Places are numbered like the pixels at which what they see begins.
    """
    span = codes.shape[2] - 2 * row_stride - 2
    per_plane = rows.shape[1] // planes
    spread = np.empty(codes.shape[2], dtype=np.uint64)
    seen = np.empty(span, dtype=np.uint64)
    for image in range(codes.shape[0]):
        for plane in range(planes):
            part = rows[image, plane * per_plane : (plane + 1) * per_plane]
            _gather_plane(codes[image], planes - 1 - plane, row_stride, spread, seen, part)


@kernel("void(uint8[:,:,::1], int64, int64, int64, int64, uint64[:,::1])")
def gather_any(
    codes: NDArray[np.uint8],
    planes: int,
    height: int,
    width: int,
    row_stride: int,
    rows: NDArray[np.uint64],
) -> None:
    """Do the same for filters of any height and width, one pixel that they see at a time.

    With ``taps = height * width``, bit ``taps * channel + tap`` of a place is bit j of word k.
    """
    span = codes.shape[2] - (height - 1) * row_stride - (width - 1)
    per_plane = rows.shape[1] // planes
    for image in range(codes.shape[0]):
        for plane in range(planes):
            shift = np.uint64(planes - 1 - plane)
            bit = 0
            for channel in range(codes.shape[1]):
                for row in range(height):
                    for column in range(width):
                        seen = codes[image, channel, row * row_stride + column :]
                        begin = plane * per_plane + (bit >> 6) * span
                        here = rows[image, begin : begin + span]
                        to = np.uint64(bit & 63)
                        for k in range(span):
                            here[k] |= ((np.uint64(seen[k]) >> shift) & np.uint64(1)) << to
                        bit += 1


@kernel("void(uint8[:,::1], uint64[::1], uint64[::1], uint8[:,::1])")
def gather_rows(
    codes: NDArray[np.uint8],
    places: NDArray[np.uint64],
    seen: NDArray[np.uint64],
    rows: NDArray[np.uint8],
) -> None:
    """Write the codes that a filter sees at some places of each image, place by place.

    Parameters
    ----------
    codes : uint8 array, shape (images, channels * pixels)
        With a border of zeros.
    places : uint64 array
        Pixels at which what they see begins.
    seen : uint64 array
        Codes from there to each that the filter sees, in the order of its weights. No sign, so
        that no index is checked for one.
    rows : uint8 array, shape (at least images * places, at least seen)
        Codes beyond stay as they are.
    """
    for image in range(codes.shape[0]):
        of_image = codes[image]
        for k in range(places.size):
            row, begin = rows[image * places.size + k], places[k]
            for number in range(seen.size):
                row[number] = of_image[begin + seen[number]]


@kernel(
    "void(uint32[:,::1], int64[::1], int64[::1], int64[:,::1], int64[:,::1], int64[:,::1], "
    "boolean, uint32[::1], uint32[:,::1])"
)
def spread_rows(
    fired: NDArray[np.uint32],
    starts: NDArray[np.int64],
    sizes: NDArray[np.int64],
    classes: NDArray[np.int64],
    numbers: NDArray[np.int64],
    targets: NDArray[np.int64],
    pool: bool,
    turned: NDArray[np.uint32],
    outputs: NDArray[np.uint32],
) -> None:
    """Write what filters fire at the places of each image to where its outputs are.

    Parameters
    ----------
    fired : uint32 array, shape (rows, at least panels)
        Class by class, in it image by image.
    starts, sizes : int64 array, shape (classes,)
        The first row of a class, and its places in each image.
    classes, numbers, targets : int64 array, shape (tiles, 4)
        For each output: the class of its place, the number of the place among those of its class,
        and the word at which its bits begin in `outputs`.
    pool, turned, outputs
        As of `popcount_kernels.convolve`, whose `outputs` are called `fired`.
    """
    panels = turned.size
    row = np.empty(4, dtype=np.int64)
    for image in range(outputs.shape[0]):
        for tile in range(targets.shape[0]):
            for k in range(4):
                of_class = classes[tile, k]
                row[k] = starts[of_class] + image * sizes[of_class] + numbers[tile, k]
            if pool:
                begin = 2 * targets[tile, 0]
                for panel in range(panels):
                    turn = turned[panel]
                    any_of_four = (
                        (fired[row[0], panel] ^ turn)
                        | (fired[row[1], panel] ^ turn)
                        | (fired[row[2], panel] ^ turn)
                        | (fired[row[3], panel] ^ turn)
                    )
                    outputs[image, begin + panel] = any_of_four ^ turn
            else:
                for k in range(4):
                    begin = 2 * targets[tile, k]
                    for panel in range(panels):
                        outputs[image, begin + panel] = fired[row[k], panel]
