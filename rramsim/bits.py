"""Rows of bits, 64 to a word: the form in which many flips pass between rooms.

Bit j of word k of a row stands for column 64 k + j; bits beyond the columns are 0.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

WORD = 64
"""Bits of a word."""


IMAGES = 4
"""Images (or places of one image) of a tile: rows of images are padded to a multiple of it."""

NEURONS = 32
"""Neurons of a tile, and of a panel of weights."""

ROWS = 16
"""Rows of a tile of AMX: images, or places of a convolution."""

Words = NDArray[np.uint64]


def words_for(columns: int) -> int:
    """Return the words that hold a row of so many bits."""
    return -(-columns // WORD)


def pack_rows(bits: NDArray[np.bool_]) -> Words:
    """Pack booleans of shape ``(rows, columns)`` into words of shape ``(rows, words)``.

    Examples
    --------
    >>> pack_rows(np.array([[True, False, True], [False, False, False]])).tolist()
    [[5], [0]]
    """
    rows, columns = bits.shape
    packed = np.zeros((rows, words_for(columns) * 8), dtype=np.uint8)
    packed[:, : -(-columns // 8)] = np.packbits(bits, axis=1, bitorder="little")
    return packed.view("<u8").astype(np.uint64, copy=False)


def unpack_rows(words: Words, *, columns: int) -> NDArray[np.bool_]:
    """Return the booleans that `pack_rows` packed."""
    octets = np.ascontiguousarray(words).astype("<u8", copy=False).view(np.uint8)
    return np.unpackbits(octets, axis=1, count=columns, bitorder="little").view(np.bool_)


def positions_of(words: Words, *, columns: int) -> NDArray[np.int64]:
    """Return the flat (C order) positions of the set bits in the matrix ``(rows, columns)``.

    Examples
    --------
    >>> positions_of(np.array([[5], [2]], dtype=np.uint64), columns=3).tolist()
    [0, 2, 4]
    """
    return np.flatnonzero(unpack_rows(words, columns=columns))


Flips = NDArray[np.int64] | Words
"""Wrong cells of a layer: sorted positions, or a mask with a row of words for each neuron."""


class FreshFlips(Protocol):
    """Wrong cells of a layer of one chip that are drawn anew for every image."""

    @property
    def cells(self) -> NDArray[np.int64]:
        """Flat positions of all cells that may be wrong, distinct, in any order."""

    @property
    def size(self) -> int:
        """Number of these cells."""

    def of_images(self, first: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return which of `cells` are wrong for some of the images, whatever images are asked for.

        Parameters
        ----------
        first, stop : int
            Numbers of the images, from 0.

        Returns
        -------
        starts : int64 array, shape (images + 1,)
        places : int32 array
            For image ``first + k``, ``cells[places[starts[k]:starts[k + 1]]]`` are wrong.
        """
