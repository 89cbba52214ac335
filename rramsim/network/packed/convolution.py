"""Convolutional networks on packed images, block of images by block of images.

Outputs of a convolution are packed over channels, pixel by pixel, with a border of zero bits
where another convolution follows. A filter's three rows then meet three stretches of memory, so
no place is copied nine times.

The bits of the border, and those of padded channels, are 0 and mismatch with every weight of +1.
With W the weights of +1 of a filter in all, and W_S and n_S the weights of +1 and the weights at
the places S that lie within the image, the sum over S is

    low (2 W_S - n_S) + step ((2^planes - 1) W - M),

for M mismatches counted with the border (compare `Coding`). So the border costs nothing but
limits of its own: there are 16 classes of places, by the sides of the image that they touch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import IMAGES, NEURONS, Flips, Words, unpack_rows, words_for
from rramsim.network.folded.network import TAPS, FoldedConvolution, FoldedNetwork
from rramsim.network.packed import mismatch_kernels as tile
from rramsim.network.packed.dense import classes, extremes_of, fired, joined
from rramsim.network.packed.gather_kernels import gather
from rramsim.network.packed.layers import (
    SIGNS,
    Coding,
    FaultyLayer,
    PackedLayer,
    encode,
    ones_of,
    pack_layer,
    padded,
    rows_of,
)
from rramsim.parallel import share

BLOCK_IMAGES = 64
"""Images of a part of the work."""

STACK_IMAGES = 8
"""Images that pass through the convolutions at once: their outputs stay in the cache."""

_ABOVE, _BELOW, _LEFT, _RIGHT = 1, 2, 4, 8
_CLASSES = 16


@dataclass(frozen=True, eq=False)
class _Convolution:
    """One convolution with its weights free of faults.

    Attributes
    ----------
    layer : PackedLayer
    coding : Coding
        Of its inputs.
    channels : int
        Of its inputs.
    begins, sides, targets : int64 array, shape (tiles, 4)
        The outputs, four to a tile: where their inputs begin, which sides of the image they touch,
        and where they go (see `tile.convolve`).
    row_stride : int
        Words from one row of the inputs to the next.
    output_words : int
        Words of the outputs of one image.
    pool, on_pixels : bool
    """

    layer: PackedLayer
    coding: Coding
    channels: int
    begins: NDArray[np.int64]
    sides: NDArray[np.int64]
    targets: NDArray[np.int64]
    row_stride: int
    output_words: int
    pool: bool
    on_pixels: bool

    def limits(self, weights: Words) -> NDArray[np.int64]:
        """Return the most mismatches at which filters fire, shape (panels, classes, 32)."""
        within = _within_image()
        ones_within = within @ self._ones_by_tap(weights)
        weights_within = within.sum(axis=1, keepdims=True) * self.channels
        at_low = self.coding.low * (2 * ones_within - weights_within)
        spare = (at_low - self.layer.thresholds) // self.coding.step
        limits = self.coding.codes * ones_of(weights) + spare
        limits[:, self.layer.neurons :] = -1
        by_panel = limits.reshape(_CLASSES, -1, NEURONS).transpose(1, 0, 2)
        return np.ascontiguousarray(by_panel)

    def _ones_by_tap(self, weights: Words) -> NDArray[np.int64]:
        """Return the weights of +1, shape (9, filters)."""
        if self.on_pixels:
            bits = unpack_rows(rows_of(weights), columns=self.layer.inputs)
            summed: NDArray[np.int64] = bits.reshape(-1, self.channels, TAPS).sum(
                axis=1, dtype=np.int64
            )
            return summed.T
        panels, words, filters = weights.shape
        ones = np.bitwise_count(weights).reshape(panels, TAPS, words // TAPS, filters)
        by_tap: NDArray[np.int64] = ones.sum(axis=2, dtype=np.int64).transpose(1, 0, 2)
        return by_tap.reshape(TAPS, -1)

    def fire(
        self, values: NDArray[Any], weights: Words, limits: NDArray[np.int64], outputs: Words
    ) -> None:
        """Write the outputs of some images; the border of `outputs` is left as it is."""
        stride, planes = self.row_stride, 0
        if self.on_pixels:
            stride, planes = values.shape[2] - 2 * self.row_stride - 2, self.coding.planes
            rows = np.zeros((len(values), planes * weights.shape[1] * stride), dtype=np.uint64)
            gather(values, planes, self.row_stride, rows)
            values = rows
        tile.convolve(
            values,
            weights,
            limits,
            self.begins,
            self.sides,
            self.targets,
            stride,
            planes,
            self.pool,
            outputs.view(np.uint32),
        )


class ConvolutionalNetwork:
    """A network that begins with convolutions, and the images it is scored on, packed once.

    Parameters
    ----------
    folded : FoldedNetwork
    images : uint8 array, shape (images, inputs)
    """

    def __init__(self, folded: FoldedNetwork, images: NDArray[np.uint8]) -> None:
        assert folded.image_shape is not None
        self.images = images.shape[0]
        self._output, self._sizes = folded.output, folded.sizes
        coding, codes = encode(images, folded.signed_levels)
        channels, height, width = folded.image_shape
        framed = np.zeros((self.images, channels, height + 2, width + 2), dtype=np.uint8)
        framed[:, :, 1:-1, 1:-1] = codes.reshape(self.images, channels, height, width)
        self._codes = framed.reshape(self.images, channels, -1)
        self._convolutions = _convolutions(folded, coding)
        pixels = folded.sizes[-1][0] * folded.sizes[-1][1]
        after = folded.layers[len(folded.convolutions) :]
        self._connected = [
            pack_layer(layer, places=1 if number else pixels) for number, layer in enumerate(after)
        ]

    def predictions(self, flips: Sequence[Flips | None]) -> NDArray[np.int64]:
        """Return the class of each image on a chip with `flips` (see `Evaluator.predictions`)."""
        filters, connected = self._chip(flips)

        def work(rows: slice) -> NDArray[np.int64]:
            values = _convolved(filters, self._codes[rows])
            for layer in connected[:-1]:
                values = fired(layer, values)
            return classes(connected[-1], values, self._output)[: rows.stop - rows.start]

        parts = share(work, _slices(self.images, BLOCK_IMAGES))
        return np.concatenate([np.empty(0, dtype=np.int64), *parts])

    def extremes(self, flips: Sequence[Flips | None]) -> list[NDArray[np.bool_]]:
        """Return, for each hidden layer, which outputs are +1 on all images, and which on any.

        Parameters
        ----------
        flips : sequence of arrays
            As of `predictions`.

        Returns
        -------
        list of bool arrays, shape (2, neurons)
            Of a convolution, filter by filter, row by row, after pooling.
        """
        filters, connected = self._chip(flips)

        def work(rows: slice) -> list[Words]:
            parts: list[list[Words]] = [[] for _ in filters]
            values = _convolved(
                filters,
                self._codes[rows],
                watch=lambda number, outputs: parts[number].append(extremes_of(outputs)),
            )
            merged = [joined(part) for part in parts]
            for layer in connected[:-1]:
                values = fired(layer, values)
                merged.append(extremes_of(values[: rows.stop - rows.start]))
            return merged

        parts = share(work, _slices(self.images, BLOCK_IMAGES))
        merged = [joined(part) for part in zip(*parts, strict=True)]
        return [
            *map(self._unframed, range(len(filters)), merged),
            *(
                unpack_rows(part, columns=layer.layer.neurons)
                for part, layer in zip(merged[len(filters) :], connected, strict=False)
            ),
        ]

    def _unframed(self, number: int, outputs: Words) -> NDArray[np.bool_]:
        """Return outputs of a convolution as booleans, filter by filter, without their border."""
        height, width = self._sizes[number + 1]
        filters = self._convolutions[number].layer.neurons
        frame = 1 if number < len(self._convolutions) - 1 else 0
        framed = outputs.reshape(len(outputs), height + 2 * frame, width + 2 * frame, -1)
        pixels = framed[:, frame : frame + height, frame : frame + width]
        bits = unpack_rows(pixels.reshape(-1, pixels.shape[-1]), columns=filters)
        by_pixel = bits.reshape(len(outputs), height * width, filters)
        return by_pixel.transpose(0, 2, 1).reshape(len(outputs), -1)

    def convolved(self, flips: Sequence[Flips | None]) -> Words:
        """Return the outputs of the last convolution, shape (images, pixels * words)."""
        filters = self._filters(self._flipped(flips)[: len(self._convolutions)])
        return _convolved(filters, self._codes)[: self.images]

    def _chip(self, flips: Sequence[Flips | None]) -> tuple[list[_Filters], list[FaultyLayer]]:
        weights = self._flipped(flips)
        first = len(self._convolutions)
        connected = [
            FaultyLayer(layer, SIGNS, signs, layer.limits(signs, SIGNS))
            for layer, signs in zip(self._connected, weights[first:], strict=True)
        ]
        return self._filters(weights[:first]), connected

    def _flipped(self, flips: Sequence[Flips | None]) -> list[Words]:
        layers = [*(cells.layer for cells in self._convolutions), *self._connected]
        return [layer.flipped(cells) for layer, cells in zip(layers, flips, strict=True)]

    def _filters(self, weights: Sequence[Words]) -> list[_Filters]:
        pairs = zip(self._convolutions, weights, strict=True)
        return [(layer, signs, layer.limits(signs)) for layer, signs in pairs]


_Filters = tuple[_Convolution, Words, NDArray[np.int64]]


def _convolved(
    filters: Sequence[_Filters],
    codes: NDArray[np.uint8],
    watch: Callable[[int, Words], None] = lambda number, outputs: None,
) -> Words:
    """Return the outputs of the last convolution, with padded rows.

    `watch` is shown the outputs of every convolution, by number, for some images at a time.
    """
    images = codes.shape[0]
    buffers = [
        np.zeros((min(STACK_IMAGES, images), layer.output_words), dtype=np.uint64)
        for layer, _, _ in filters[:-1]
    ]
    last_outputs = np.zeros((padded(images), filters[-1][0].output_words), dtype=np.uint64)
    for part in _slices(images, STACK_IMAGES):
        values: NDArray[Any] = codes[part]
        for number, (layer, weights, limits) in enumerate(filters):
            last = number == len(filters) - 1
            outputs = last_outputs[part] if last else buffers[number][: part.stop - part.start]
            layer.fire(values, weights, limits, outputs)
            watch(number, outputs)
            values = outputs
    return last_outputs


def _slices(images: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, images)) for start in range(0, images, size)]


def _convolutions(folded: FoldedNetwork, coding: Coding) -> list[_Convolution]:
    last = len(folded.convolutions) - 1
    return [
        _convolution(
            layer,
            coding=SIGNS if number else coding,
            size=folded.sizes[number],
            on_pixels=number == 0,
            framed=number < last,
        )
        for number, layer in enumerate(folded.convolutions)
    ]


def _convolution(
    layer: FoldedConvolution,
    *,
    coding: Coding,
    size: tuple[int, int],
    on_pixels: bool,
    framed: bool,
) -> _Convolution:
    filters, channels = layer.signs.shape[:2]
    frame = 1 if framed else 0
    height, width = layer.output_size(*size)
    pixels = (height + 2 * frame) * (width + 2 * frame)
    words = 1 if on_pixels else words_for(channels)
    begins, sides, targets = _tiles(
        size, pool=layer.pool, words=words, output_words=words_for(filters), frame=frame
    )
    return _Convolution(
        layer=pack_layer(layer, places=1 if on_pixels else TAPS),
        coding=coding,
        channels=channels,
        begins=begins,
        sides=sides,
        targets=targets,
        row_stride=(size[1] + 2) * words,
        output_words=pixels * words_for(filters),
        pool=layer.pool,
        on_pixels=on_pixels,
    )


def _tiles(
    size: tuple[int, int], *, pool: bool, words: int, output_words: int, frame: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Lay out tiles: the outputs that are pooled, or any four in a row.

    Parameters
    ----------
    size : (int, int)
        Height and width of the inputs.
    pool : bool
    words, output_words : int
        Words of a pixel of the inputs and of the outputs.
    frame : int
        Pixels of border around the outputs.

    Returns
    -------
    begins, sides, targets
        See `_Convolution`.
    """
    height, width = size
    if pool:
        row, column = np.divmod(np.arange((height // 2) * (width // 2)), width // 2)
        rows = 2 * row[:, np.newaxis] + np.array([0, 0, 1, 1])
        columns = 2 * column[:, np.newaxis] + np.array([0, 1, 0, 1])
        width_out = width // 2
    else:
        # The last output once more, where they do not fill the last tile.
        outputs = np.arange(padded(height * width)).clip(max=height * width - 1)
        rows, columns = np.divmod(outputs.reshape(-1, IMAGES), width)
        row, column, width_out = rows, columns, width
    touched = (
        _ABOVE * (rows == 0)
        + _BELOW * (rows == height - 1)
        + _LEFT * (columns == 0)
        + _RIGHT * (columns == width - 1)
    )
    target = ((row + frame) * (width_out + 2 * frame) + column + frame) * output_words
    return (
        (rows * (width + 2) + columns) * words,
        touched,
        np.broadcast_to(target.reshape(len(rows), -1), rows.shape).copy(),
    )


def _within_image() -> NDArray[np.int64]:
    """Return which of the 9 weights of a filter count, 0 or 1, by class: shape (16, 9)."""
    number = np.arange(_CLASSES)[:, np.newaxis]
    row, column = np.divmod(np.arange(TAPS), 3)
    beyond = (
        ((number & _ABOVE) != 0) & (row == 0)
        | ((number & _BELOW) != 0) & (row == 2)
        | ((number & _LEFT) != 0) & (column == 0)
        | ((number & _RIGHT) != 0) & (column == 2)
    )
    return np.where(beyond, 0, 1)
