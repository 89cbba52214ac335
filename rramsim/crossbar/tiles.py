"""The mapping of a layer's binary weights onto crossbar tiles of a fixed size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rramsim.errors import InputError, check_limit

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class TileShape:
    """The cells of one tile: `word_lines` rows by `bit_lines` columns, each at least 1."""

    word_lines: int
    bit_lines: int

    def __post_init__(self) -> None:
        for name, lines in (("word lines", self.word_lines), ("bit lines", self.bit_lines)):
            if lines < 1:
                raise InputError(f"A tile needs at least 1 of its {name}, not {lines}.")
        check_limit("cells of a tile", self.cells)

    @property
    def cells(self) -> int:
        """Cells in one tile."""
        return self.word_lines * self.bit_lines


@dataclass(frozen=True)
class Placement:
    """Where each weight of one layer lives.

    The layer is cut into tiles as a matrix of inputs (along the word lines) by neurons (along
    the bit lines). Tiles are numbered in C order over that matrix: first across the neurons,
    then down the inputs. The last tile of a row or column may be used only in part; its used
    cells begin at word line 0 and bit line 0.

    Parameters
    ----------
    weights_shape : tuple of int
        ``(neurons, inputs)`` of the layer's sign matrix, each at least 1.
    tile : TileShape
        The size of every tile.

    Raises
    ------
    ValueError
        If the layer has no weights.

    Examples
    --------
    >>> placement = Placement(weights_shape=(3, 5), tile=TileShape(word_lines=4, bit_lines=2))
    >>> placement.tile_count, placement.cells_used().tolist()
    (4, [8, 4, 2, 1])
    >>> [int(number) for number in placement.locate(2, 4)]
    [3, 0, 0]
    """

    weights_shape: tuple[int, int]
    tile: TileShape

    def __post_init__(self) -> None:
        if min(self.weights_shape) < 1:
            raise ValueError(f"A layer of shape {self.weights_shape} has no weights to place.")

    @property
    def grid(self) -> tuple[int, int]:
        """Tiles down the inputs and tiles across the neurons."""
        neurons, inputs = self.weights_shape
        return -(-inputs // self.tile.word_lines), -(-neurons // self.tile.bit_lines)

    @property
    def tile_count(self) -> int:
        """Tiles the layer takes."""
        down, across = self.grid
        return down * across

    @property
    def utilisation(self) -> float:
        """Share of the tiles' cells that hold a weight."""
        neurons, inputs = self.weights_shape
        return neurons * inputs / (self.tile_count * self.tile.cells)

    def locate(
        self, neuron: ArrayLike, input_: ArrayLike
    ) -> tuple[Positions, Positions, Positions]:
        """Return the tile, word line and bit line of weights.

        Parameters
        ----------
        neuron, input_ : int or array_like of int
            Row and column of the weights in the sign matrix; they broadcast.

        Returns
        -------
        tile, word_line, bit_line : numpy.ndarray of int64
            All of the broadcast shape.

        Raises
        ------
        ValueError
            If a weight lies outside the layer.
        """
        neuron, input_ = np.broadcast_arrays(
            np.asarray(neuron, dtype=np.int64), np.asarray(input_, dtype=np.int64)
        )
        self._check_weights(neuron, input_)
        down, word_line = np.divmod(input_, self.tile.word_lines)
        across, bit_line = np.divmod(neuron, self.tile.bit_lines)
        return down * self.grid[1] + across, word_line, bit_line

    def weight_at(
        self, tile: ArrayLike, word_line: ArrayLike, bit_line: ArrayLike
    ) -> tuple[Positions, Positions]:
        """Return the neuron and input whose weight a cell holds: the inverse of `locate`.

        Raises
        ------
        ValueError
            If there is no such cell, or it holds no weight (the unused part of an edge tile).
        """
        tile, word_line, bit_line = (
            np.asarray(number, dtype=np.int64) for number in (tile, word_line, bit_line)
        )
        bounds = (self.tile_count, self.tile.word_lines, self.tile.bit_lines)
        for number, bound in zip((tile, word_line, bit_line), bounds, strict=True):
            if np.any((number < 0) | (number >= bound)):
                raise ValueError(f"There is no such cell: the tiles are {bounds} in shape.")
        down, across = np.divmod(tile, self.grid[1])
        neuron, input_ = np.broadcast_arrays(
            across * self.tile.bit_lines + bit_line, down * self.tile.word_lines + word_line
        )
        self._check_weights(neuron, input_)
        return neuron, input_

    def cells_used(self, tile: ArrayLike | None = None) -> Positions:
        """Return how many cells of each `tile` (of all tiles, if none is named) hold a weight."""
        number = np.arange(self.tile_count) if tile is None else np.asarray(tile, dtype=np.int64)
        if np.any((number < 0) | (number >= self.tile_count)):
            raise ValueError(f"The layer has tiles 0 to {self.tile_count - 1}, not {number}.")
        neurons, inputs = self.weights_shape
        down, across = np.divmod(number, self.grid[1])
        words = np.minimum(self.tile.word_lines, inputs - down * self.tile.word_lines)
        bits = np.minimum(self.tile.bit_lines, neurons - across * self.tile.bit_lines)
        return np.asarray(words * bits, dtype=np.int64)

    def scatter(self, positions: ArrayLike) -> dict[int, tuple[Positions, Positions]]:
        """Sort flat weight positions into the tiles they lie in, to show them as error maps.

        Parameters
        ----------
        positions : array_like of int
            Flat positions in the sign matrix ``(neurons, inputs)``, C order.

        Returns
        -------
        dict
            By tile, in rising order and only tiles that are hit: the word lines and the bit
            lines of its positions, in the order in which they were given.
        """
        flat = np.asarray(positions, dtype=np.int64)
        neuron, input_ = np.divmod(flat, self.weights_shape[1])
        tile, word_line, bit_line = self.locate(neuron, input_)
        order = np.argsort(tile, kind="stable")
        hit, starts = np.unique(tile[order], return_index=True)
        words = np.split(word_line[order], starts[1:])
        bits = np.split(bit_line[order], starts[1:])
        return {
            int(number): (word, bit)
            for number, word, bit in zip(hit, words, bits, strict=bool(len(hit)))
        }

    def _check_weights(self, neuron: Positions, input_: Positions) -> None:
        neurons, inputs = self.weights_shape
        if np.any((neuron < 0) | (neuron >= neurons) | (input_ < 0) | (input_ >= inputs)):
            raise ValueError(f"There is no such weight: the layer is {self.weights_shape}.")
