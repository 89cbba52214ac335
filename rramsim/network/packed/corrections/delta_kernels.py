"""The kernels that correct margins for changed inputs and flipped weights, one change at a time.

A margin says by how many mismatches a neuron fires on an image: it fires where the margin is 0 or
more. Margins are bytes, cut to -`CUT` - 1..`CUT`: up to `CUT` changes of one margin leave its sign
the true one.

Images are worked on in blocks of 64, so that one word of a column of inputs holds a block, and all
that is written for it stays in the caches. Margins are kept twice: image by image, since a changed
input of one image concerns all neurons, and neuron by neuron within each block, since a flipped
weight of one neuron concerns all images. What is read next is asked for ahead: few of the margins
are read, at places that the processor does not foresee.

LLVM is written by hand since numba has no vectors, whose bytes a bit each is added to.

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
from rramsim.kernels import bit_count, call_llvm, kernel, lowest_bit, splat

CUT = 63
"""Changes of one margin that leave its sign the true one."""

_SOONER_TURNED = 6  # neurons with flips of 64 whose margins are sooner turned with the others

_ONE, _ALL = np.uint64(1), np.uint64(2**64 - 1)
_WORD, _BYTE, _HALF = ir.IntType(64), ir.IntType(8), ir.IntType(32)
_MARGINS = ir.VectorType(_BYTE, 64)
_BITS = ir.VectorType(ir.IntType(1), 64)
_TURNED = 16  # rows and columns of bytes exchanged in registers
_ROW = ir.VectorType(_BYTE, _TURNED)


def _load(builder: Any, address: Any, pointee: Any, align: int) -> Any:
    return builder.load(builder.inttoptr(address, pointee.as_pointer()), align=align)


def _store(builder: Any, value: Any, address: Any) -> None:
    builder.store(value, builder.inttoptr(address, value.type.as_pointer()), align=1)


def _fires(builder: Any, margins: Any) -> Any:
    """Emit a word of 64 bits: which of 64 margins are 0 or more."""
    none = ir.Constant(_MARGINS, [0] * 64)
    return builder.bitcast(builder.icmp_signed(">=", margins, none), _WORD)


def _spread(builder: Any, word: Any) -> Any:
    """Emit the bits of a word as bytes: -1 where set, else 0."""
    eights = splat(builder, word, ir.VectorType(_WORD, 8))
    same = builder.bitcast(eights, _MARGINS)
    order = ir.Constant(ir.VectorType(_HALF, 64), [k - k % 8 + k // 8 for k in range(64)])
    mine = builder.shuffle_vector(same, ir.Constant(_MARGINS, ir.Undefined), order)
    mask = ir.Constant(_MARGINS, [1 << k % 8 for k in range(64)])
    return builder.sext(builder.icmp_unsigned("==", builder.and_(mine, mask), mask), _MARGINS)


def _corrected(
    builder: Any, margins: Any, rows: Any, inverted: Any, count: Any, offset: Any
) -> Any:
    """Emit 64 margins after `count` (above 0) bits that toggle.

    For each, the word at `offset` of its row, inverted or not, says which of the 64 mismatched:
    those match from now on, and their margin grows by 1; the others' falls by 1.
    """
    before, start = builder.block, builder.append_basic_block("toggle")
    done = builder.append_basic_block("toggled")
    builder.branch(start)
    builder.position_at_end(start)
    step, grown = builder.phi(_WORD), builder.phi(_MARGINS)
    step.add_incoming(ir.Constant(_WORD, 0), before)
    grown.add_incoming(ir.Constant(_MARGINS, [0] * 64), before)
    place = builder.shl(step, ir.Constant(_WORD, 3))
    row = _load(builder, builder.add(rows, place), _WORD, 8)
    bits = _load(builder, builder.add(row, offset), _WORD, 8)
    turned = builder.xor(bits, _load(builder, builder.add(inverted, place), _WORD, 8))
    more = builder.sub(grown, _spread(builder, turned))
    following = builder.add(step, ir.Constant(_WORD, 1))
    step.add_incoming(following, start)
    grown.add_incoming(more, start)
    builder.cbranch(builder.icmp_signed("<", following, count), start, done)
    builder.position_at_end(done)
    fallen = builder.sub(splat(builder, builder.trunc(count, _BYTE), _MARGINS), more)
    return builder.add(margins, builder.sub(more, fallen))


@intrinsic
def _correct_row(
    typing: Any, margins: Any, rows: Any, inverted: Any, count: Any, offset: Any, target: Any
) -> Any:
    """Write 64 margins of an image after `count` toggles; return which fire (see `_corrected`)."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        margins, rows, inverted, count, offset, target = args
        before = _load(builder, margins, _MARGINS, 1)
        after = _corrected(builder, before, rows, inverted, count, offset)
        _store(builder, after, target)
        return _fires(builder, after)

    return types.uint64(*[types.int64] * 6), generate


@intrinsic
def _toggle_column(
    typing: Any,
    margins: Any,
    corrected: Any,
    mask: Any,
    rows: Any,
    inverted: Any,
    count: Any,
    offset: Any,
) -> Any:
    """Return which of 64 images a neuron fires on otherwise after `count` toggles.

    Its margins are those at `corrected` for images in `mask`, and those at `margins` for others.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        margins, corrected, mask, rows, inverted, count, offset = args
        before = builder.select(
            builder.bitcast(mask, _BITS),
            _load(builder, corrected, _MARGINS, 1),
            _load(builder, margins, _MARGINS, 1),
        )
        after = _corrected(builder, before, rows, inverted, count, offset)
        return builder.xor(_fires(builder, before), _fires(builder, after))

    of_int = [types.int64] * 4
    return types.uint64(types.int64, types.int64, types.uint64, *of_int), generate


@intrinsic
def _fired_margins(typing: Any, margins: Any) -> Any:
    """Return a word of 64 bits: which of 64 margins are 0 or more."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _fires(builder, _load(builder, args[0], _MARGINS, 1))

    return types.uint64(types.int64), generate


@intrinsic
def _turn_bytes(typing: Any, rows: Any, stride: Any, columns: Any) -> Any:
    """Write 16 rows of 16 bytes, `stride` apart, as columns: rows 64 bytes apart.

    Four times, rows are interleaved with those eight further on.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows, stride, columns = args
        half = _TURNED // 2
        lanes = [
            _load(builder, builder.add(rows, builder.mul(ir.Constant(_WORD, k), stride)), _ROW, 1)
            for k in range(_TURNED)
        ]
        for _ in range(_TURNED.bit_length() - 1):
            mixed = []
            for k in range(half):
                for first in (0, half):
                    order = [first + j // 2 + _TURNED * (j % 2) for j in range(_TURNED)]
                    places = ir.Constant(ir.VectorType(_HALF, _TURNED), order)
                    mixed.append(builder.shuffle_vector(lanes[k], lanes[k + half], places))
            lanes = mixed
        for k, lane in enumerate(lanes):
            _store(builder, lane, builder.add(columns, ir.Constant(_WORD, 64 * k)))
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), generate


@intrinsic
def _ask_ahead(typing: Any, address: Any) -> Any:
    """Ask for a line of cache that is read soon; it need not exist."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], _BYTE.as_pointer())
        # To read, to be kept in all caches, data.
        flags = [ir.Constant(_HALF, value) for value in (0, 3, 1)]
        call_llvm(builder, "llvm.prefetch.p0", ir.VoidType(), [pointer, *flags])
        return context.get_dummy_value()

    return types.void(types.int64), generate


# An intrinsic is called without its first parameter, which a type checker cannot know.
_ask: Any = _ask_ahead
_row: Any = _correct_row
_toggles: Any = _toggle_column
_fired_of: Any = _fired_margins
_turn: Any = _turn_bytes


@kernel("void(int8[:,::1], uint64[:,::1])")
def fires(margins: NDArray[np.int8], bits: Words) -> None:
    """Set the bits of the margins of 0 or more, row by row.

    Parameters
    ----------
    margins : int8 array, shape (at least rows, 64 words)
    bits : uint64 array, shape (rows, words)
    """
    rows, words = bits.shape
    for row in range(rows):
        for word in range(words):
            bits[row, word] = _fired_of(margins.ctypes.data + (row * words + word) * 64)


@kernel("void(int32[:,::1], int64[::1], int64, int64, int8[:,::1])")
def cut_margins(
    mismatches: NDArray[np.int32],
    limits: NDArray[np.int64],
    first: int,
    images: int,
    margins: NDArray[np.int8],
) -> None:
    """Write limits less mismatches, cut, for some images from number `first` on.

    Parameters
    ----------
    mismatches : int32 array, shape (images padded, at least neurons)
    limits : int64 array, shape (neurons,)
    first, images : int
    margins : int8 array, shape (all images, at least neurons)
    """
    for image in range(images):
        for neuron in range(limits.size):
            spare = min(max(limits[neuron] - mismatches[image, neuron], -CUT - 1), CUT)
            margins[first + image, neuron] = spare


@kernel("void(int64, int64, int64)")
def _turn_word(rows: int, stride: int, columns: int) -> None:
    """Write 64 rows of 64 bytes, `stride` apart, as columns one after the other."""
    for row in range(0, 64, _TURNED):
        for column in range(0, 64, _TURNED):
            _turn(rows + row * stride + column, stride, columns + column * 64 + row)


@kernel("void(int8[:,::1], int8[:,:,::1])")
def turn_margins(margins: NDArray[np.int8], columns: NDArray[np.int8]) -> None:
    """Write margins neuron by neuron within each block of 64 images.

    Parameters
    ----------
    margins : int8 array, shape (64 blocks, 64 words)
    columns : int8 array, shape (blocks, 64 words, 64)
    """
    stride = margins.shape[1]
    for block in range(columns.shape[0]):
        for first in range(0, stride, 64):
            at = margins[64 * block].ctypes.data + first
            _turn_word(at, stride, columns[block, first].ctypes.data)


@kernel("void(uint64[:,::1], uint64[:,::1], int64)")
def _copy(rows: Words, targets: Words, row: int) -> None:
    for word in range(rows.shape[1]):
        targets[row, word] = rows[row, word]


@kernel("int64(uint64[:,::1], uint64[:,::1], int64[::1])")
def count_changes(fired: Words, clean: Words, neurons: NDArray[np.int64]) -> int:
    """Count the outputs that changed.

    Parameters
    ----------
    fired, clean : uint64 arrays, shape (rows, words of images)
        Row k of `fired` is of the neuron in row ``neurons[k]`` of `clean`.
    neurons : int64 array
    """
    total = 0
    for k in range(neurons.size):
        for word in range(fired.shape[1]):
            total += bit_count(fired[k, word] ^ clean[neurons[k], word])
    return total


@kernel("int64(uint64[:,::1], uint64[:,::1], int64[::1])")
def most_changes(fired: Words, clean: Words, neurons: NDArray[np.int64]) -> int:
    """Return how many outputs changed on the image with the most of them (see `count_changes`)."""
    counts = np.zeros(64 * fired.shape[1], dtype=np.int64)
    for k in range(neurons.size):
        for word in range(fired.shape[1]):
            changed = fired[k, word] ^ clean[neurons[k], word]
            while changed:
                counts[word * 64 + lowest_bit(changed)] += 1
                changed &= changed - _ONE
    most: int = counts.max()
    return most


@kernel(
    "uint64(uint64[:,::1], uint64[:,::1], int64[::1], uint64[:,::1], int64, int64[:,::1], "
    "uint64[:,::1], int64[::1])"
)
def _list_changes(
    fired: Words,
    clean: Words,
    neurons: NDArray[np.int64],
    weights: Words,
    block: int,
    rows: NDArray[np.int64],
    inverted: Words,
    counts: NDArray[np.int64],
) -> np.uint64:
    """List the rows of weights of the changed inputs of each image of a block.

    They are inverted where the input was 1. Returns the images with changed inputs as bits.
    """
    images = np.uint64(0)
    counts[:] = 0
    size = weights.shape[1] * 8
    for k in range(neurons.size):
        was = clean[neurons[k], block]
        changed = fired[k, block] ^ was
        images |= changed
        while changed:
            image = lowest_bit(changed)
            count = counts[image]
            rows[image, count] = weights.ctypes.data + neurons[k] * size
            inverted[image, count] = _ALL * (was >> np.uint64(image) & _ONE)
            counts[image] = count + 1
            changed &= changed - _ONE
    return images


@kernel(
    "void(uint64[:,::1], uint64[:,::1], int64[::1], int64[::1], int32[::1], int64[:,::1], "
    "int64[::1], int64[::1], uint64[::1])"
)
def _list_flips(
    fired: Words,
    clean: Words,
    changed: NDArray[np.int64],
    neurons: NDArray[np.int64],
    flips: NDArray[np.int32],
    bounds: NDArray[np.int64],
    starts: NDArray[np.int64],
    rows: NDArray[np.int64],
    inverted: Words,
) -> None:
    """List the rows of inputs of the flips of each neuron, inverted where the weight was 1.

    Inputs are in row k of `fired` if they are the k-th of those `changed`, in `clean` otherwise.
    """
    size = clean.shape[1] * 8
    at = np.empty(clean.shape[0], dtype=np.int64)
    for input_ in range(at.size):
        at[input_] = clean.ctypes.data + input_ * size
    for k in range(changed.size):
        at[changed[k]] = fired.ctypes.data + k * size
    place = 0
    for k in range(neurons.size):
        start, minus, _, excess, total = bounds[neurons[k]]
        starts[k] = place
        # A list has those of the weights that were 1 first, then padding.
        ones = (total + excess) >> 1
        for flip in range(total):
            was_one = flip < ones
            rows[place] = at[flips[start + (flip if was_one else flip - ones + minus)]]
            inverted[place] = _ALL if was_one else np.uint64(0)
            place += 1
    starts[neurons.size] = place


@kernel("void(uint64, int64[::1], int64, int64, int64, int64)")
def _ask_next(
    images: np.uint64,
    counts: NDArray[np.int64],
    margins_at: int,
    size: int,
    near_at: int,
    clean_at: int,
) -> None:
    """Ask ahead for what is read of the first of `images`: words if it has a single change."""
    if images:
        image = lowest_bit(images)
        if counts[image] == 1:
            for place in range(image * size // 8, (image + 1) * size // 8, 64):
                _ask(near_at + place)
                _ask(clean_at + place)
        else:
            for place in range(image * size, (image + 1) * size, 64):
                _ask(margins_at + place)


@kernel(
    "void(int64, int64, uint64, uint64[:,::1], uint64[:,::1], uint64[:,::1], int8[:,::1], "
    "int64[::1], int8[:,::1], uint64[:,::1])"
)
def _correct_once(
    image: int,
    input_: int,
    inverted: np.uint64,
    weights: Words,
    near: Words,
    clean: Words,
    columns: NDArray[np.int8],
    neurons: NDArray[np.int64],
    turned: NDArray[np.int8],
    outputs: Words,
) -> None:
    """Correct an image for its only changed input as `_correct_images` does, by words.

    Only margins of 0 and -1 change their sign, where they fall and grow.
    """
    for word in range(outputs.shape[1]):
        was = clean[image, word]
        grows = weights[input_, word] ^ inverted
        outputs[image, word] = was ^ (near[image, word] & (was ^ grows))
    for k in range(neurons.size):
        neuron = neurons[k]
        grows = (weights[input_, neuron >> 6] ^ inverted) >> np.uint64(neuron & 63) & _ONE
        turned[k, image] = columns[neuron, image] + 2 * np.int64(grows) - 1


@kernel(
    "void(int8[:,::1], uint64, int64[:,::1], uint64[:,::1], int64[::1], int64[::1], "
    "int8[:,::1], int8[:,::1], uint64[:,::1], uint64[:,::1], uint64[:,::1], uint64[:,::1], "
    "int8[:,::1])"
)
def _correct_images(
    margins: NDArray[np.int8],
    images: np.uint64,
    rows: NDArray[np.int64],
    inverted: Words,
    counts: NDArray[np.int64],
    neurons: NDArray[np.int64],
    corrected: NDArray[np.int8],
    turned: NDArray[np.int8],
    outputs: Words,
    weights: Words,
    near: Words,
    clean: Words,
    columns: NDArray[np.int8],
) -> None:
    """Correct the margins of a block for the changed inputs of `images`, and set their outputs.

    With a single row, `corrected` takes them image after image, and `turned` those of `neurons`.
    """
    # Addresses are numbers here: to take a row of an array costs more than to work on it.
    margins_at, rows_at, inverted_at = margins.ctypes.data, rows.ctypes.data, inverted.ctypes.data
    size, is_single = margins.shape[1], corrected.shape[0] == 1
    while images:
        image = lowest_bit(images)
        images &= images - _ONE
        if is_single and counts[image] == 1:
            _ask_next(images, counts, margins_at, size, near.ctypes.data, clean.ctypes.data)
            input_ = (rows[image, 0] - weights.ctypes.data) // (8 * weights.shape[1])
            _correct_once(
                image,
                input_,
                inverted[image, 0],
                weights,
                near,
                clean,
                columns,
                neurons,
                turned,
                outputs,
            )
            continue
        at = margins_at + image * size
        ahead = margins_at + (lowest_bit(images) if images else 64) * size
        row = 0 if is_single else image
        corrected_at = corrected.ctypes.data + row * corrected.shape[1]
        for word in range(outputs.shape[1]):
            _ask(ahead + word * 64)
            outputs[image, word] = _row(
                at + word * 64,
                rows_at + image * 8 * CUT,
                inverted_at + image * 8 * CUT,
                counts[image],
                word * 8,
                corrected_at + word * 64,
            )
        if is_single:
            for k in range(neurons.size):
                turned[k, image] = corrected[0, neurons[k]]


@kernel(
    "int64(int8[:,::1], int8[:,::1], int8[:,::1], uint64, int64[::1], int64[::1], int64[::1], "
    "uint64[::1], int64, uint64[:,::1], int32[::1])"
)
def _toggle_flipped(
    columns: NDArray[np.int8],
    corrected: NDArray[np.int8],
    turned: NDArray[np.int8],
    images: np.uint64,
    neurons: NDArray[np.int64],
    starts: NDArray[np.int64],
    rows: NDArray[np.int64],
    inverted: Words,
    offset: int,
    clean: Words,
    toggled: NDArray[np.int32],
) -> int:
    """List the outputs of neurons with flips that toggle on a block of images; return how many.

    Margins are those corrected for `images` with changed inputs, and the ones before for others.
    Of each that toggles, 64 times its neuron and the image are listed.
    """
    columns_at, turned_at, clean_at = columns.ctypes.data, turned.ctypes.data, clean.ctypes.data
    rows_at, inverted_at = rows.ctypes.data, inverted.ctypes.data
    word, count, is_single = -1, 0, corrected.shape[0] == 1
    for k in range(neurons.size):
        neuron = neurons[k]
        if images and not is_single and word != neuron >> 6:
            word = neuron >> 6
            _turn_word(corrected.ctypes.data + word * 64, corrected.shape[1], turned_at)
        at = columns_at + neuron * 64
        _ask(at + columns.shape[0] * 64)
        changed = _toggles(
            at,
            turned_at + (k if is_single else neuron & 63) * 64,
            images,
            rows_at + starts[k] * 8,
            inverted_at + starts[k] * 8,
            starts[k + 1] - starts[k],
            offset,
        )
        while changed:
            image = lowest_bit(changed)
            _ask(clean_at + image * clean.shape[1] * 8 + (neuron >> 6) * 8)
            toggled[count] = neuron << 6 | image
            count += 1
            changed &= changed - _ONE
    return count


@kernel(
    "uint64(int32[::1], int64, uint64, uint64[:,::1], uint64[:,::1], uint64[:,::1], "
    "int32[:,::1], int32[:,::1])"
)
def _toggle_listed(
    toggled: NDArray[np.int32],
    count: int,
    images: np.uint64,
    clean: Words,
    outputs: Words,
    class_weights: Words,
    counts: NDArray[np.int32],
    mismatches: NDArray[np.int32],
) -> np.uint64:
    """Toggle listed outputs of a block of images, where those of `images` are there.

    Those of other images are set first from the ones `clean`. If the last layer follows, its
    `mismatches` on these are set instead, from the `counts` before. Returns all of these images.
    """
    classes, there = class_weights.shape[0], images
    for k in range(count):
        image, word = toggled[k] & 63, toggled[k] >> 12
        place, bit = np.uint64(toggled[k] >> 6 & 63), _ONE << np.uint64(image)
        is_new = not there & bit
        there |= bit
        if classes and not images & bit:
            if is_new:
                for one in range(classes):
                    mismatches[image, one] = counts[image, one]
            was = clean[image, word]
            for one in range(classes):
                differed = (was ^ class_weights[one, word]) >> place & _ONE
                mismatches[image, one] += 1 - 2 * np.int64(differed)
            continue
        if is_new:
            _copy(clean, outputs, image)
        outputs[image, word] ^= _ONE << place
    return there


@kernel("void(int32[:,::1], uint64, int64, float32[::1], float32[::1], int64[::1])")
def _classify_block(
    mismatches: NDArray[np.int32],
    images: np.uint64,
    inputs: int,
    scale: NDArray[np.float32],
    offset: NDArray[np.float32],
    classes: NDArray[np.int64],
) -> None:
    """Find the class of `images` of a block as `class_kernels.classify` does."""
    while images:
        image = lowest_bit(images)
        images &= images - _ONE
        best, greatest = 0, np.float32(0)
        for k in range(scale.size):
            score = np.float32(inputs - 2 * mismatches[image, k]) * scale[k] + offset[k]
            if k == 0 or score > greatest:
                best, greatest = k, score
        classes[image] = best


@kernel(
    "void(int8[:,::1], int8[:,:,::1], uint64[:,::1], uint64[:,::1], uint64[:,::1], "
    "uint64[:,::1], uint64[:,::1], int64[::1], int64[::1], int32[::1], int64[:,::1], int64, "
    "int64, boolean, uint64[:,::1], uint8[::1], uint64[:,::1], int64, float32[::1], "
    "float32[::1], int32[:,::1], int64[::1])"
)
def correct_blocks(
    margins: NDArray[np.int8],
    columns: NDArray[np.int8],
    near: Words,
    weights: Words,
    clean: Words,
    inputs: Words,
    fired: Words,
    changed: NDArray[np.int64],
    neurons: NDArray[np.int64],
    flips: NDArray[np.int32],
    flip_bounds: NDArray[np.int64],
    begin: int,
    end: int,
    is_all: bool,
    outputs: Words,
    touched: NDArray[np.uint8],
    class_weights: Words,
    class_inputs: int,
    scale: NDArray[np.float32],
    offset: NDArray[np.float32],
    class_counts: NDArray[np.int32],
    classes: NDArray[np.int64],
) -> None:
    """Find the outputs of the second layer on images where they may change.

    Where the last layer follows, the classes of images without changed inputs are found instead,
    from the few outputs that flips change.

    No image has more changed inputs, with the flips of a neuron, than `CUT`.

    Parameters
    ----------
    margins : int8 array, shape (64 blocks, 64 words)
        Free of faults, image by image.
    columns : int8 array, shape (blocks, 64 words, 64)
        The same, as `turn_margins` gives them.
    near : uint64 array, shape (images, words)
        Which of them are 0 or -1.
    weights : uint64 array, shape (inputs, words)
        Free of faults.
    clean : uint64 array, shape (images, words)
        The outputs free of faults.
    inputs : uint64 array, shape (inputs, blocks)
        As they were.
    fired : uint64 array, shape (inputs that may change, blocks)
    changed : int64 array
        Numbers of these inputs.
    neurons : int64 array
        Those with flips.
    flips, flip_bounds
        As `sliced_kernels.list_flips` gives them.
    begin, end : int
        Blocks to work on.
    is_all : bool
        Whether outputs of other images are asked for as well.
    outputs : uint64 array, shape (at least images, words)
    touched : uint8 array, shape (64 blocks,)
        Takes 1 for images whose outputs may have changed and are set, 0 for others.
    class_weights : uint64 array, shape (classes, words)
        Of the last layer of the chip; no rows where another one follows.
    class_inputs : int
    scale, offset : float32 arrays, shape (classes,)
    class_counts : int32 array, shape (images, classes)
        Mismatches of the last layer of the chip with the outputs free of faults.
    classes : int64 array, shape (images,)
    """
    mismatches = np.empty((64, scale.size), dtype=np.int32)
    toggled = np.empty(64 * neurons.size, dtype=np.int32)
    # Margins of a few neurons with flips are picked out of one row after the other. Those of many
    # are sooner turned together; a power of two apart, rows would share few lines of cache.
    is_few = neurons.size < _SOONER_TURNED * weights.shape[1]
    corrected = np.empty((1 if is_few else 64, margins.shape[1] + 64), dtype=np.int8)
    turned = np.empty((max(64, neurons.size), 64), dtype=np.int8)
    rows, inverted = np.empty((64, CUT), dtype=np.int64), np.empty((64, CUT), dtype=np.uint64)
    counts = np.empty(64, dtype=np.int64)
    starts = np.empty(neurons.size + 1, dtype=np.int64)
    flip_rows = np.empty(flips.size, dtype=np.int64)
    flip_inverted = np.empty(flips.size, dtype=np.uint64)
    _list_flips(
        fired, inputs, changed, neurons, flips, flip_bounds, starts, flip_rows, flip_inverted
    )
    for block in range(begin, end):
        own, was = outputs[64 * block :], clean[64 * block : 64 * block + 64]
        images = _list_changes(fired, inputs, changed, weights, block, rows, inverted, counts)
        _correct_images(
            margins[64 * block : 64 * block + 64],
            images,
            rows,
            inverted,
            counts,
            neurons,
            corrected,
            turned,
            own,
            weights,
            near[64 * block : 64 * block + 64],
            was,
            columns[block],
        )
        count = _toggle_flipped(
            columns[block],
            corrected,
            turned,
            images,
            neurons,
            starts,
            flip_rows,
            flip_inverted,
            block * 8,
            was,
            toggled,
        )
        there = _toggle_listed(
            toggled,
            count,
            images,
            was,
            own,
            class_weights,
            class_counts[64 * block :],
            mismatches,
        )
        if scale.size:
            own_classes = classes[64 * block :]
            _classify_block(mismatches, there & ~images, class_inputs, scale, offset, own_classes)
            there = images
        for image in range(was.shape[0]):
            is_touched = there >> np.uint64(image) & _ONE
            touched[64 * block + image] = is_touched
            if is_all and not is_touched:
                _copy(was, own, image)
