"""The bits that a chip is programmed with: weights, and what protects them, as cells of tiles."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rramsim.crossbar.protection import Coded, Pairs, Protection, Unprotected, Words
from rramsim.crossbar.sampling import Positions, Signs
from rramsim.crossbar.tiles import Placement, TileShape
from rramsim.errors import InputError

UNUSED = 255
"""What an image holds where a cell of a tile has no bit."""

ROLES = ("weight", "complement", "padding", "parity")
"""What a cell holds: a weight, the opposite of one (2T2R), the rest of a word, or its check."""

Bits = NDArray[np.uint8]


@dataclass(frozen=True)
class BitImage:
    """Where the bits of one layer lie on its tiles.

    The matrix of cells has a row for each bit line and a column for each word line. Of an
    unprotected layer it is the matrix of weights, (neurons, inputs). With 2T2R each neuron has two
    bit lines side by side: the weight, then its complement. A code adds bit lines beyond those of
    the neurons, for padding and parity (`rramsim.crossbar.protection.Words`). The matrix is cut
    into tiles as `rramsim.crossbar.tiles.Placement` says.

    Parameters
    ----------
    weights_shape : tuple of int
        ``(neurons, inputs)`` of the layer.
    tile : TileShape
    protection : Protection

    Raises
    ------
    InputError
        If a tile would part the cells of a pair.

    Examples
    --------
    >>> image = BitImage((2, 3), TileShape(word_lines=2, bit_lines=2))
    >>> signs = np.array([[1, -1, 1], [-1, -1, 1]], dtype=np.int8)
    >>> image.cut(image.bits(signs)).tolist()
    [[[1, 0], [0, 0]], [[1, 1], [255, 255]]]
    """

    weights_shape: tuple[int, int]
    tile: TileShape
    protection: Protection = field(default_factory=Unprotected)

    def __post_init__(self) -> None:
        if self.step > 1 and self.tile.bit_lines % self.step:
            raise InputError(
                f"{self.protection}: the two cells of a pair lie on bit lines side by side, and a "
                f"tile of {self.tile.bit_lines} bit lines would part a pair; give an even number."
            )

    @property
    def step(self) -> int:
        """Bit lines that are read as one: 2 of a pair, else 1."""
        return 2 if isinstance(self.protection, Pairs) else 1

    @cached_property
    def words(self) -> Words | None:
        """The words of a code, None without one."""
        is_coded = isinstance(self.protection, Coded)
        return Words(self.weights_shape, self.protection) if is_coded else None  # type: ignore[arg-type]

    @cached_property
    def shape(self) -> tuple[int, int]:
        """``(bit lines, word lines)`` of the matrix of cells."""
        neurons, inputs = self.weights_shape
        further = self.words.further_lines if self.words else 0
        return neurons * self.step + further, inputs

    @cached_property
    def placement(self) -> Placement:
        """Where each cell of the matrix lies."""
        return Placement(self.shape, self.tile)

    def bits(self, signs: Signs) -> Bits:
        """Return what each cell of the matrix is to hold.

        Parameters
        ----------
        signs : int8 array, shape (neurons, inputs)
            -1 or +1.

        Returns
        -------
        uint8 array, shape `shape`
            0 is LRS (-1), 1 is HRS (+1), 255 is unused.
        """
        if self.step > 1:
            bits = np.empty(self.shape, dtype=np.uint8)
            bits[::2], bits[1::2] = signs > 0, signs < 0
            return bits
        if self.words is None:
            return (np.asarray(signs) > 0).astype(np.uint8)
        bits = (self.words.stored(signs) > 0).astype(np.uint8)
        bits[self.roles() == UNUSED] = UNUSED
        return bits

    def roles(self) -> Bits:
        """Return the role of each cell of the matrix, as a place in `ROLES`; 255 is unused."""
        roles = np.zeros(self.shape, dtype=np.uint8)
        if self.step > 1:
            roles[1::2] = ROLES.index("complement")
        if self.words is not None:
            words, (neurons, inputs) = self.words, self.weights_shape
            # Beside the weights cells follow each other along the further bit lines, as in `Words`.
            beside = np.full(words.further_lines * inputs, UNUSED, dtype=np.uint8)
            beside[: words.cells - neurons * inputs] = ROLES.index("parity")
            beside[: words.padding] = ROLES.index("padding")
            roles[neurons:] = beside.reshape(inputs, words.further_lines).T
        return roles

    def cut(self, matrix: NDArray[np.generic], fill: int = UNUSED) -> NDArray[np.generic]:
        """Return a matrix of cells as tiles, (tile, word line, bit line).

        Parameters
        ----------
        matrix : array, shape `shape`, or a row for each pair
            With a row for each pair, tiles are half as wide.
        fill : int
            What stands where a tile reaches beyond the matrix.
        """
        lines, inputs = matrix.shape
        down, across = self.placement.grid
        words, bits = self.tile.word_lines, self.tile.bit_lines * lines // self.shape[0]
        whole = np.full((down * words, across * bits), fill, dtype=matrix.dtype)
        whole[:inputs, :lines] = matrix.T
        parts = whole.reshape(down, words, across, bits).transpose(0, 2, 1, 3)
        return np.ascontiguousarray(parts.reshape(down * across, words, bits))

    def wrong_weights(self, wrong: NDArray[np.bool_]) -> Positions:
        """Return the weights that are wrong after decoding.

        Parameters
        ----------
        wrong : bool array, shape `shape`, or a row for each pair
            Which cells, or comparisons of pairs, are wrong.

        Returns
        -------
        int64 array
            Sorted flat positions (C order) in (neurons, inputs).
        """
        positions = np.flatnonzero(wrong)
        return positions if self.words is None else np.sort(self.words.decode(positions))
