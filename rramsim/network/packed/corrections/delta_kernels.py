"""The kernels that correct margins for flipped weights and changed inputs.

A margin says by how much a neuron fires on an image: it fires where the margin is 0 or more.
Margins are int16, cut to -`CUT`..`CUT`: as long as corrections add up to less than that, the
sign is the true one.

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

from rramsim.bits import Words
from rramsim.kernels import kernel, lowest_bit

CUT = 16_000
"""Margins are cut to this size; twice it still fits into int16."""

_ONE, _ALL = np.uint64(1), np.uint64(2**64 - 1)
_WORD = ir.IntType(64)
_MARGINS = ir.VectorType(ir.IntType(16), 64)
_BITS = ir.VectorType(ir.IntType(1), 64)


def _splat(value: int) -> Any:
    return ir.Constant(_MARGINS, [value] * 64)


def _load(builder: Any, address: Any, pointee: Any, align: int) -> Any:
    return builder.load(builder.inttoptr(address, pointee.as_pointer()), align=align)


def _not_negative(builder: Any, margins: Any) -> Any:
    return builder.bitcast(builder.icmp_signed(">=", margins, _splat(0)), _WORD)


@intrinsic
def _fires(typing: Any, margins: Any) -> Any:
    """Return a word of 64 bits: which of 64 int16 margins are 0 or more."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _not_negative(builder, _load(builder, args[0], _MARGINS, 2))

    return types.uint64(types.int64), generate


@intrinsic
def _corrected(
    typing: Any, margins: Any, rows: Any, inverted: Any, count: Any, offset: Any, target: Any
) -> Any:
    """Correct 64 margins for `count` (above 0) bits that toggle; return which then fire.

    For each, the word at `offset` of its row, inverted or not, says which of the 64 mismatched:
    those match from now on, and their margin grows by 1; the others' falls by 1.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        margins, rows, inverted, count, offset, target = args
        before = builder.block
        first = _load(builder, margins, _MARGINS, 2)
        start = builder.append_basic_block("toggle")
        done = builder.append_basic_block("toggled")
        builder.branch(start)
        builder.position_at_end(start)
        step, carried = builder.phi(_WORD), builder.phi(_MARGINS)
        step.add_incoming(ir.Constant(_WORD, 0), before)
        carried.add_incoming(first, before)
        place = builder.shl(step, ir.Constant(_WORD, 3))
        row = _load(builder, builder.add(rows, place), _WORD, 8)
        bits = _load(builder, builder.add(row, offset), _WORD, 8)
        turned = builder.xor(bits, _load(builder, builder.add(inverted, place), _WORD, 8))
        change = builder.select(builder.bitcast(turned, _BITS), _splat(1), _splat(-1))
        after = builder.add(carried, change)
        following = builder.add(step, ir.Constant(_WORD, 1))
        step.add_incoming(following, start)
        carried.add_incoming(after, start)
        builder.cbranch(builder.icmp_signed("<", following, count), start, done)
        builder.position_at_end(done)
        builder.store(after, builder.inttoptr(target, _MARGINS.as_pointer()), align=2)
        return _not_negative(builder, after)

    return types.uint64(*[types.int64] * 6), generate


# An intrinsic is called without its first parameter, which a type checker cannot know.
_fires_of: Any = _fires
_correct: Any = _corrected


@kernel("void(int16[:,::1], uint64[:,::1])")
def fires(margins: NDArray[np.int16], bits: Words) -> None:
    """Set the bits of the margins of 0 or more, row by row."""
    rows, words = bits.shape
    for row in range(rows):
        for word in range(words):
            bits[row, word] = _fires_of(margins.ctypes.data + (row * words + word) * 128)


@kernel("void(int32[:,::1], int64[::1], int64, int64, int16[:,::1], int16[:,::1])")
def cut_margins(
    mismatches: NDArray[np.int32],
    limits: NDArray[np.int64],
    first: int,
    images: int,
    margins: NDArray[np.int16],
    columns: NDArray[np.int16],
) -> None:
    """Write limits less mismatches, cut, for some images from number `first` on.

    Parameters
    ----------
    mismatches : int32 array, shape (images padded, at least neurons)
    limits : int64 array, shape (neurons,)
    first, images : int
    margins : int16 array, shape (all images, at least neurons)
    columns : int16 array, shape (neurons, at least all images)
        Takes the same, neuron by neuron.
    """
    for image in range(images):
        for neuron in range(limits.size):
            spare = min(max(limits[neuron] - mismatches[image, neuron], -CUT), CUT)
            margins[first + image, neuron] = spare
    for neuron in range(limits.size):
        for image in range(first, first + images):
            columns[neuron, image] = margins[image, neuron]


@kernel("int64(uint64[:,::1], uint64[:,::1], int64[::1], int64[::1])")
def count_changes(
    fired: Words, clean: Words, neurons: NDArray[np.int64], counts: NDArray[np.int64]
) -> int:
    """Count the changed outputs of each image into `counts`; return how many there are."""
    total = 0
    for k in range(neurons.size):
        for word in range(fired.shape[1]):
            changed = fired[k, word] ^ clean[neurons[k], word]
            while changed:
                counts[word * 64 + lowest_bit(changed)] += 1
                total += 1
                changed &= changed - _ONE
    return total


@kernel("void(uint64[:,::1], uint64[:,::1], int64[::1], int64[::1], int64[::1])")
def list_changes(
    fired: Words,
    clean: Words,
    neurons: NDArray[np.int64],
    ends: NDArray[np.int64],
    changes: NDArray[np.int64],
) -> None:
    """List the neurons that changed, image by image.

    `ends` holds the start of each image's list and is moved on to its end.
    """
    for k in range(neurons.size):
        for word in range(fired.shape[1]):
            changed = fired[k, word] ^ clean[neurons[k], word]
            while changed:
                image = word * 64 + lowest_bit(changed)
                changes[ends[image]] = neurons[k]
                ends[image] += 1
                changed &= changed - _ONE


@kernel(
    "void(int16[:,::1], uint64[:,::1], uint64[:,::1], int64[::1], int64[::1], int64[::1], "
    "int64, int64, int64[::1], int16[:,::1], uint64[:,::1])"
)
def changed_rows(
    margins: NDArray[np.int16],
    weights: Words,
    clean: Words,
    images: NDArray[np.int64],
    starts: NDArray[np.int64],
    changes: NDArray[np.int64],
    begin: int,
    end: int,
    flipped: NDArray[np.int64],
    columns: NDArray[np.int16],
    fired: Words,
) -> None:
    """Find the outputs of second-layer neurons, free of faults, on images with changed inputs.

    Parameters
    ----------
    margins : int16 array, shape (images, neurons)
        Free of faults.
    weights : uint64 array, shape (inputs, words of neurons)
        Free of faults.
    clean : uint64 array, shape (inputs, words of images)
        The inputs as they were.
    images, starts, changes : int64 arrays
        Image ``images[k]`` has the changed inputs ``changes[starts[image]:starts[image + 1]]``.
    begin, end : int
        Images to work on, counted among `images`.
    flipped : int64 array
        Neurons with flips.
    columns : int16 array, shape (neurons with flips, images)
        Takes their margins.
    fired : uint64 array, shape (images, words of neurons)
        Takes the outputs.
    """
    words = margins.shape[1] >> 6
    corrected = np.empty(margins.shape[1], dtype=np.int16)
    rows = np.empty(clean.shape[0], dtype=np.int64)
    inverted = np.empty(clean.shape[0], dtype=np.uint64)
    for k in range(begin, end):
        image = images[k]
        listed = changes[starts[image] : starts[image + 1]]
        for place, input_ in enumerate(listed):
            rows[place] = weights.ctypes.data + input_ * words * 8
            was = (clean[input_, image >> 6] >> np.uint64(image & 63)) & _ONE
            inverted[place] = _ALL if was else np.uint64(0)
        for word in range(words):
            fired[image, word] = _correct(
                margins.ctypes.data + (image * words + word) * 128,
                rows.ctypes.data,
                inverted.ctypes.data,
                listed.size,
                word * 8,
                corrected.ctypes.data + word * 128,
            )
        for place, neuron in enumerate(flipped):
            columns[place, image] = corrected[neuron]


@kernel(
    "void(int16[:,::1], uint64[:,::1], uint64[:,::1], int64[::1], int64[::1], int32[::1], "
    "int64[:,::1], int64, int64, uint64[:,::1], uint8[::1])"
)
def flipped_columns(
    columns: NDArray[np.int16],
    clean: Words,
    corrected: Words,
    corrected_at: NDArray[np.int64],
    neurons: NDArray[np.int64],
    flips: NDArray[np.int32],
    flip_bounds: NDArray[np.int64],
    begin: int,
    end: int,
    fired: Words,
    touched: NDArray[np.uint8],
) -> None:
    """Toggle the outputs that change where weights of the second layer are flipped.

    Parameters
    ----------
    columns : int16 array, shape (neurons with flips, images)
        Their margins before the flips.
    clean, corrected : uint64 arrays, shape (rows, words of images)
        The inputs: row ``corrected_at[c]`` of `corrected` for input c, and row c of `clean` where
        that is below 0.
    neurons : int64 array
        Those with flips.
    flips, flip_bounds
        As `sliced_kernels.list_flips` gives them.
    begin, end : int
        Neurons to work on, counted among those with flips.
    fired : uint64 array, shape (images, words of neurons)
    touched : uint8 array, shape (images,)
        Set to 1 for images with a change.
    """
    words = columns.shape[1] >> 6
    unused = np.empty(64, dtype=np.int16)
    most = flip_bounds[:, 4].max()
    rows = np.empty(most, dtype=np.int64)
    inverted = np.empty(most, dtype=np.uint64)
    for k in range(begin, end):
        neuron = neurons[k]
        start, minus, _, excess, total = flip_bounds[neuron]
        # A list has those of the weights that were 1 first, then padding.
        ones = (total + excess) >> 1
        for place in range(total):
            input_ = flips[start + (place if place < ones else place - ones + minus)]
            row = corrected_at[input_]
            if row < 0:
                rows[place] = clean.ctypes.data + input_ * words * 8
            else:
                rows[place] = corrected.ctypes.data + row * words * 8
            inverted[place] = _ALL if place < ones else np.uint64(0)
        bit = _ONE << np.uint64(neuron & 63)
        for word in range(words):
            margins = columns.ctypes.data + (k * words + word) * 128
            changed = _fires_of(margins) ^ _correct(
                margins,
                rows.ctypes.data,
                inverted.ctypes.data,
                total,
                word * 8,
                unused.ctypes.data,
            )
            while changed:
                image = word * 64 + lowest_bit(changed)
                fired[image, neuron >> 6] ^= bit
                touched[image] = 1
                changed &= changed - _ONE
