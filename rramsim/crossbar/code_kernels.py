"""The kernels that compute parity bits and decode the words of a layer.

A layer of shape (neurons, inputs) is gone through along its word lines, neuron after neuron of
the first input, then of the second. Each `stride` * k of these bits are dealt out to `stride`
words, one bit to each in turn; at the end of the layer to as few words as hold the rest. Bits that
the last words lack are padding, 0. Padding and parity bits are held by further bit lines: rows of
the matrix below those of the neurons.

Kernels and what they call stay in one file, since numba's cache only watches the file of the
kernel for changes.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from rramsim.kernels import copy_row, kernel, lowest_bit

_ONE = np.uint64(1)
_LINES_PER_BLOCK = 64


@nb.njit(inline="always")
def _word_of(bit: Any, k: Any, stride: Any, bits: Any) -> tuple[Any, Any]:
    """Return the word of a bit of the layer, and its place there."""
    block = bit // (k * stride)
    first = block * k * stride
    among = min(stride, (bits - first) // k)
    place = (bit - first) // among
    return block * stride + (bit - first) - place * among, place


@nb.njit(inline="always")
def _bit_of(word: Any, place: Any, k: Any, stride: Any, bits: Any) -> Any:
    """Return the bit of the layer at a place of a word."""
    block = word // stride
    first = block * k * stride
    among = min(stride, (bits - first) // k)
    return first + place * among + word - block * stride


@nb.njit(inline="always")
def _add(sums: Any, signs: Any, column: Any) -> None:
    """Add a column to the sums of those lines whose weight is +1, without a branch."""
    for line in range(sums.size):
        sums[line] ^= column & (np.uint64(0) - np.uint64(signs[line] > 0))


@kernel("void(int8[:,::1], int64, int64, int64, uint64[::1], uint64[::1])")
def add_parity(
    signs: NDArray[np.int8],
    start: int,
    stop: int,
    stride: int,
    columns: NDArray[np.uint64],
    parity: NDArray[np.uint64],
) -> None:
    """Add the columns of all weights of +1 on word lines ``start..stop-1`` to the parity words.

    Parameters
    ----------
    signs : int8 array, shape (neurons, inputs)
    start, stop : int
        Inputs.
    stride : int
        Words that bits are dealt out to in turn.
    columns : uint64 array, shape (k,)
    parity : uint64 array, shape (words,)
        Bit b of a word is its parity bit b.
    """
    neurons, k = signs.shape[0], columns.size
    if neurons % (k * stride):
        for neuron in range(neurons):
            for line in range(start, stop):
                if signs[neuron, line] > 0:
                    word, place = _word_of(line * neurons + neuron, k, stride, parity.size * k)
                    parity[word] ^= columns[place]
        return
    # Words begin and end with a line and lie alike on all: each step is one of many lines.
    words = neurons // k
    sums = np.empty((words, _LINES_PER_BLOCK), dtype=np.uint64)
    for first in range(start, stop, _LINES_PER_BLOCK):
        lines = min(_LINES_PER_BLOCK, stop - first)
        sums[:] = 0
        for neuron in range(neurons):
            word, place = _word_of(neuron, k, stride, neurons)
            _add(sums[word, :lines], signs[neuron, first : first + lines], columns[place])
        for line in range(lines):
            for word in range(words):
                parity[(first + line) * words + word] = sums[word, line]


@nb.njit(inline="always")
def _find(
    cell: Any, neurons: Any, inputs: Any, further: Any, k: Any, r: Any, stride: Any, words: Any
) -> Any:
    """Return the word and place of a cell of the matrix with further rows; -1: in no word."""
    neuron = cell // inputs
    line = cell - neuron * inputs
    if neuron < neurons:
        return _word_of(line * neurons + neuron, k, stride, words * k)
    padding = words * k - neurons * inputs
    extra = line * further + neuron - neurons
    if extra < padding:
        return _word_of(neurons * inputs + extra, k, stride, words * k)
    parity = extra - padding
    if parity < words * r:
        word = parity // r
        return word, k + parity - word * r
    return -1, -1


@kernel(
    "int64(int64[::1], int64, int64, int64, int64, int64, uint64[::1], int64[::1],"
    " uint64[::1], int64[::1])"
)
def turn_by_syndrome(
    wrong: NDArray[np.int64],
    neurons: int,
    inputs: int,
    further: int,
    r: int,
    stride: int,
    sorted_columns: NDArray[np.uint64],
    places: NDArray[np.int64],
    syndromes: NDArray[np.uint64],
    turned: NDArray[np.int64],
) -> int:
    """Find the weights that a decoder of one error turns.

    Parameters
    ----------
    wrong : int64 array
        Cells that are read wrongly, flat in the matrix with its further rows.
    neurons, inputs : int
        Of the layer.
    further : int
        Further rows.
    r : int
        Parity bits of a word.
    stride : int
        Words that bits are dealt out to in turn.
    sorted_columns, places : array, shape (k,)
        Columns of the data bits, rising, and the places they belong to.
    syndromes : uint64 array, shape (words,)
        All 0; holds the syndromes afterwards.
    turned : int64 array
        Takes the weights turned, flat in (neurons, inputs); as long as there are wrong cells.

    Returns
    -------
    int
        Number of weights turned.
    """
    k, words = sorted_columns.size, syndromes.size
    columns = np.empty(k, dtype=np.uint64)
    for index in range(k):
        columns[places[index]] = sorted_columns[index]
    for cell in wrong:
        word, place = _find(cell, neurons, inputs, further, k, r, stride, words)
        if word >= 0:
            syndromes[word] ^= columns[place] if place < k else _ONE << np.uint64(place - k)
    count = 0
    for word in range(words):
        syndrome = syndromes[word]
        if syndrome == 0:
            continue
        index = np.searchsorted(sorted_columns, syndrome)
        if index == k or sorted_columns[index] != syndrome:
            continue  # a parity bit, or detected only
        bit = _bit_of(word, places[index], k, stride, words * k)
        if bit < neurons * inputs:
            line = bit // neurons
            turned[count] = (bit - line * neurons) * inputs + line
            count += 1
    return count


@kernel(
    "int64(int64[::1], int64, int64, int64, int64, int64, int64, int64, uint16[::1], int64[::1])"
)
def turn_up_to(
    wrong: NDArray[np.int64],
    neurons: int,
    inputs: int,
    further: int,
    k: int,
    r: int,
    stride: int,
    most: int,
    errors: NDArray[np.uint16],
    turned: NDArray[np.int64],
) -> int:
    """Find the wrong weights of words with no more than `most` wrong bits.

    Parameters
    ----------
    wrong, neurons, inputs, further, r, stride, turned
        See `turn_by_syndrome`.
    k : int
        Data bits of a word.
    most : int
        Wrong bits that are corrected.
    errors : uint16 array, shape (words,)
        All 0; holds the wrong bits of each word afterwards.

    Returns
    -------
    int
        Number of weights turned.
    """
    for cell in wrong:
        word, _ = _find(cell, neurons, inputs, further, k, r, stride, errors.size)
        if word >= 0:
            errors[word] += 1
    count = 0
    for cell in wrong:
        if cell >= neurons * inputs:
            continue
        word, _ = _find(cell, neurons, inputs, further, k, r, stride, errors.size)
        if errors[word] <= most:
            turned[count] = cell
            count += 1
    return count


@kernel("void(uint64[:,::1], int64[::1], int64)")
def toggle_bits(mask: NDArray[np.uint64], positions: NDArray[np.int64], inputs: int) -> None:
    """Toggle the bits of flat positions in a mask of rows."""
    for position in positions:
        neuron = position // inputs
        line = position - neuron * inputs
        mask[neuron, line >> 6] ^= _ONE << np.uint64(line & 63)


@nb.njit(inline="always")
def _list_bits(mask: Any, inputs: Any, cells: Any) -> Any:
    """List the flat positions of the set bits of a mask of rows, and return their number."""
    count = 0
    for neuron in range(mask.shape[0]):
        for word in range(mask.shape[1]):
            left = mask[neuron, word]
            while left:
                cells[count] = neuron * inputs + word * 64 + lowest_bit(left)
                count += 1
                left &= left - _ONE
    return count


@kernel(
    "void(uint64[:,:,::1], int64, int64, int64, int64, uint64[::1], int64[::1], int64, "
    "uint64[:,:,::1])"
)
def decode_syndromes(
    drawn: NDArray[np.uint64],
    inputs: int,
    words: int,
    r: int,
    stride: int,
    sorted_columns: NDArray[np.uint64],
    places: NDArray[np.int64],
    further: int,
    decoded: NDArray[np.uint64],
) -> None:
    """Decode a layer of many chips with a decoder of one error; see `turn_by_syndrome`.

    Parameters
    ----------
    drawn : uint64 array, shape (chips, neurons + further, words of a row)
    inputs, words, r, stride, sorted_columns, places, further
        Of the layer and its code; `words` are those of the code.
    decoded : uint64 array, shape (chips, neurons, words of a row)
        Written over.
    """
    neurons = decoded.shape[1]
    cells = np.empty((neurons + further) * inputs, dtype=np.int64)
    turned = np.empty(cells.size, dtype=np.int64)
    syndromes = np.empty(words, dtype=np.uint64)
    for chip in range(drawn.shape[0]):
        for neuron in range(neurons):
            copy_row(drawn[chip, neuron], decoded[chip, neuron])
        wrong = cells[: _list_bits(drawn[chip], inputs, cells)]
        syndromes[:] = 0
        count = turn_by_syndrome(
            wrong, neurons, inputs, further, r, stride, sorted_columns, places, syndromes, turned
        )
        toggle_bits(decoded[chip], turned[:count], inputs)


@kernel("void(uint64[:,:,::1], int64, int64, int64, int64, int64, int64, int64, uint64[:,:,::1])")
def decode_up_to(
    drawn: NDArray[np.uint64],
    inputs: int,
    words: int,
    k: int,
    r: int,
    stride: int,
    most: int,
    further: int,
    decoded: NDArray[np.uint64],
) -> None:
    """Decode a layer of many chips with a decoder of `most` errors; see `turn_up_to`."""
    neurons = decoded.shape[1]
    cells = np.empty((neurons + further) * inputs, dtype=np.int64)
    turned = np.empty(cells.size, dtype=np.int64)
    errors = np.empty(words, dtype=np.uint16)
    for chip in range(drawn.shape[0]):
        for neuron in range(neurons):
            copy_row(drawn[chip, neuron], decoded[chip, neuron])
        wrong = cells[: _list_bits(drawn[chip], inputs, cells)]
        errors[:] = 0
        count = turn_up_to(wrong, neurons, inputs, further, k, r, stride, most, errors, turned)
        toggle_bits(decoded[chip], turned[:count], inputs)
