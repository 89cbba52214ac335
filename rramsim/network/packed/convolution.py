"""Convolutional networks on packed images, block of images by block of images.

Outputs of a convolution are packed over channels, pixel by pixel, with a border of zero bits
where another convolution pads. Each row of a filter then meets one stretch of memory, so no place
is copied for every weight that sees it.

The bits of the border, and those of padded channels, are 0 and mismatch with every weight of +1.
With W the weights of +1 of a filter in all, and W_S and n_S the weights of +1 and the weights at
the places S that lie within the image, the sum over S is

    low (2 W_S - n_S) + step ((2^planes - 1) W - M),

for M mismatches counted with the border (compare `Coding`). So the border costs nothing but
limits of its own: places fall into classes, by the weights that lie within the image there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import IMAGES, NEURONS, Flips, Words, unpack_rows, words_for
from rramsim.network.folded.network import FoldedConvolution, FoldedNetwork
from rramsim.network.packed.dense import extremes_of, joined, last_sums
from rramsim.network.packed.gather_kernels import gather, gather_any
from rramsim.network.packed.layers import (
    SIGNS,
    Coding,
    FaultyLayer,
    PackedLayer,
    encode,
    ones_of,
    pack_layer,
    rows_of,
)
from rramsim.network.packed.patches import Patches, patches_of
from rramsim.network.packed.strips import Strips, strips_of
from rramsim.network.packed.units import POPCOUNT, Unit, for_pixels, for_signs, names, padded
from rramsim.parallel import share

BLOCK_IMAGES = 64
"""Images of a part of the work."""

STACK_IMAGES = 8
"""Images that pass through the convolutions at once: their outputs stay in the cache."""


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
    kernel : (int, int)
        Height and width of the filters.
    within : int64 array, shape (classes, taps)
        Which weights of a filter lie within the image, 0 or 1, by the class of the place.
    begins, classes, targets : int64 array, shape (tiles, 4)
        The outputs, four to a tile: where their inputs begin, their classes, and where they go
        (see `popcount_kernels.convolve`).
    turned : uint32 array, shape (panels,)
        See `popcount_kernels.convolve`.
    row_stride : int
        Words from one row of the inputs to the next.
    output_words : int
        Words of the outputs of one image.
    pool, on_pixels : bool
    unit : Unit
    patches : Patches or None
        Where the inputs are pixels as bytes.
    strips : Strips or None
        Where the unit takes places in strips.
    """

    layer: PackedLayer
    coding: Coding
    channels: int
    kernel: tuple[int, int]
    within: NDArray[np.int64]
    begins: NDArray[np.int64]
    classes: NDArray[np.int64]
    targets: NDArray[np.int64]
    turned: NDArray[np.uint32]
    row_stride: int
    output_words: int
    pool: bool
    on_pixels: bool
    unit: Unit
    patches: Patches | None
    strips: Strips | None

    def limits(self, weights: Words) -> NDArray[np.int64]:
        """Return the most mismatches at which filters fire, shape (panels, classes, 32)."""
        ones_within = self.within @ self._ones_by_tap(weights)
        weights_within = self.within.sum(axis=1, keepdims=True) * self.channels
        at_low = self.coding.low * (2 * ones_within - weights_within)
        spare = (at_low - self.layer.thresholds) // self.coding.step
        limits = self.coding.codes * ones_of(weights) + spare
        limits[:, self.layer.neurons :] = -1
        by_panel = limits.reshape(len(limits), -1, NEURONS).transpose(1, 0, 2)
        return np.ascontiguousarray(by_panel)

    def _ones_by_tap(self, weights: Words) -> NDArray[np.int64]:
        """Return the weights of +1, shape (taps, filters)."""
        taps = self.kernel[0] * self.kernel[1]
        if self.on_pixels:
            bits = unpack_rows(rows_of(weights), columns=self.layer.inputs)
            summed: NDArray[np.int64] = bits.reshape(-1, self.channels, taps).sum(
                axis=1, dtype=np.int64
            )
            return summed.T
        panels, words, filters = weights.shape
        ones = np.bitwise_count(weights).reshape(panels, taps, words // taps, filters)
        by_tap: NDArray[np.int64] = ones.sum(axis=2, dtype=np.int64).transpose(1, 0, 2)
        return by_tap.reshape(taps, -1)

    def fire(
        self, values: NDArray[Any], weights: Words, limits: NDArray[np.int64], outputs: Words
    ) -> None:
        """Write the outputs of some images; the border of `outputs` is left as it is."""
        if self.patches is not None:
            self.patches.fire(
                values,
                weights,
                self.coding.planes,
                limits,
                self.targets,
                pool=self.pool,
                turned=self.turned,
                outputs=outputs,
            )
            return
        if self.strips is not None:
            self._fire_strips(self.strips, values, weights, limits, outputs)
            return
        stride, planes = self.row_stride, 0
        if self.on_pixels:
            height, width = self.kernel
            stride = values.shape[2] - (height - 1) * self.row_stride - (width - 1)
            planes = self.coding.planes
            rows = np.zeros((len(values), planes * weights.shape[1] * stride), dtype=np.uint64)
            if self.kernel == (3, 3):
                gather(values, planes, self.row_stride, rows)
            else:
                gather_any(values, planes, height, width, self.row_stride, rows)
            values = rows
        assert self.unit.convolve is not None
        self.unit.convolve(
            values,
            weights,
            limits,
            self.begins,
            self.classes,
            self.targets,
            stride,
            self.kernel[0],
            planes,
            self.pool,
            self.turned,
            outputs.view(np.uint32),
        )

    def _fire_strips(
        self,
        strips: Strips,
        values: Words,
        weights: Words,
        limits: NDArray[np.int64],
        outputs: Words,
    ) -> None:
        fired = np.empty((len(values), strips.classes.size, len(weights)), dtype=np.uint32)
        assert self.unit.convolve_strips is not None
        self.unit.convolve_strips(
            values,
            weights,
            limits,
            strips.begins,
            strips.classes,
            strips.distance,
            self.row_stride,
            self.kernel[0],
            fired,
        )
        strips.spread(fired, self.targets, pool=self.pool, turned=self.turned, outputs=outputs)


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
        whole = codes.reshape(self.images, channels, height, width)
        sides = [(0, 0), (0, 0), *((side, side) for side in folded.convolutions[0].padding)]
        self._codes = np.pad(whole, sides).reshape(self.images, channels, -1)
        self._frames = _frames(folded)
        self._convolutions = _convolutions(folded, coding)
        after = folded.layers[len(folded.convolutions) :]
        windows = math.prod(folded.windows)
        self._connected = [
            pack_layer(layer, places=1 if number else windows) for number, layer in enumerate(after)
        ]
        self._averaged = _places_of_windows(folded)

    def predictions(
        self, flips: Sequence[Flips | None], images: NDArray[np.int64] | None = None
    ) -> NDArray[np.int64]:
        """Return the class of each image, or of some; see `PackedNetwork.predictions`."""
        codes = self._codes if images is None else self._codes[images]
        return self._output.classes(self._sums(flips, codes))

    def sums(self) -> NDArray[np.int64]:
        """Return the sums of the last layer, free of faults, shape (images, classes)."""
        return self._sums([None] * (len(self._convolutions) + len(self._connected)), self._codes)

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
                values = layer.fired(values)
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

    def _sums(self, flips: Sequence[Flips | None], codes: NDArray[np.uint8]) -> NDArray[np.int64]:
        filters, connected = self._chip(flips)

        def work(rows: slice) -> NDArray[np.int64]:
            values = _convolved(filters, codes[rows])
            for layer in connected[:-1]:
                values = layer.fired(values)
            return self._last_sums(connected[-1], values)[: rows.stop - rows.start]

        parts = share(work, _slices(len(codes), BLOCK_IMAGES))
        return np.concatenate([np.empty((0, connected[-1].layer.neurons), np.int64), *parts])

    def _last_sums(self, last: FaultyLayer, values: Words) -> NDArray[np.int64]:
        if self._averaged is None:
            return last_sums(last, values)
        pixels = values.reshape(len(values), math.prod(self._sizes[-1]), -1)
        seen = (pixels[:, places].reshape(len(values), -1) for places in self._averaged)
        sums = [last_sums(last, np.ascontiguousarray(part)) for part in seen]
        total: NDArray[np.int64] = np.sum(sums, axis=0)
        return total

    def _unframed(self, number: int, outputs: Words) -> NDArray[np.bool_]:
        """Return outputs of a convolution as booleans, filter by filter, without their border."""
        height, width = self._sizes[number + 1]
        filters = self._convolutions[number].layer.neurons
        above, left = self._frames[number]
        framed = outputs.reshape(len(outputs), height + 2 * above, width + 2 * left, -1)
        pixels = framed[:, above : above + height, left : left + width]
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
            FaultyLayer(
                layer,
                SIGNS,
                signs,
                layer.limits(signs, SIGNS),
                for_signs(layer.inputs, layer.neurons),
            )
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


def _places_of_windows(folded: FoldedNetwork) -> NDArray[np.int64] | None:
    """Return which places are averaged, (places of a window, windows), or None where none are.

    A row has one place of each window, so that the last layer meets it as it meets places that
    are not averaged.
    """
    height, width = folded.output.average
    if (height, width) == (1, 1):
        return None
    (rows, columns), places = folded.windows, np.arange(math.prod(folded.sizes[-1]))
    whole = places.reshape(folded.sizes[-1])[: rows * height, : columns * width]
    by_place = whole.reshape(rows, height, columns, width).transpose(1, 3, 0, 2)
    return by_place.reshape(height * width, rows * columns)


def _slices(images: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, images)) for start in range(0, images, size)]


def _frames(folded: FoldedNetwork) -> list[tuple[int, int]]:
    """Return the border around the outputs of each convolution: what the next one pads."""
    return [*(layer.padding for layer in folded.convolutions[1:]), (0, 0)]


def _convolutions(folded: FoldedNetwork, coding: Coding) -> list[_Convolution]:
    return [
        _convolution(
            layer,
            coding=SIGNS if number else coding,
            size=folded.sizes[number],
            on_pixels=number == 0,
            frame=frame,
        )
        for number, (layer, frame) in enumerate(
            zip(folded.convolutions, _frames(folded), strict=True)
        )
    ]


def _convolution(
    layer: FoldedConvolution,
    *,
    coding: Coding,
    size: tuple[int, int],
    on_pixels: bool,
    frame: tuple[int, int],
) -> _Convolution:
    filters, channels = layer.signs.shape[:2]
    height, width = layer.output_size(*size)
    pixels = (height + 2 * frame[0]) * (width + 2 * frame[1])
    words = 1 if on_pixels else words_for(channels)
    row_stride = (size[1] + 2 * layer.padding[1]) * words
    rows, columns, targets = _tiles(layer, size, frame=frame)
    classes, within = _classes(layer, size)
    packed = pack_layer(layer, places=1 if on_pixels else math.prod(layer.kernel))
    begins = rows * layer.stride[0] * row_stride + columns * layer.stride[1] * words
    strips, patches = None, None
    if not on_pixels:
        # Long work for large images, and for nothing without tiles.
        if "amx" in names():
            strips = strips_of(begins, classes[rows, columns], layer.stride[1] * words)
        unit = for_signs(packed.inputs, filters, used=0.0 if strips is None else strips.used)
    elif coding.planes > 1:
        unit = for_pixels(packed.inputs, filters, coding.planes)
    else:
        # What filters see of planes is a word here and there, which only this one meets.
        unit = POPCOUNT
    if unit.row_bytes is not None:
        strides = row_stride * (size[0] + 2 * layer.padding[0]), row_stride, 1
        kernel = (channels, *layer.kernel)
        patches = patches_of(unit, kernel, strides, begins, classes[rows, columns])
    return _Convolution(
        layer=packed,
        coding=coding,
        channels=channels,
        kernel=layer.kernel,
        within=within,
        begins=begins,
        classes=classes[rows, columns],
        targets=targets * words_for(filters),
        turned=_turned(layer, panels=len(packed.weights)),
        row_stride=row_stride,
        output_words=pixels * words_for(filters),
        pool=layer.pool,
        on_pixels=on_pixels,
        unit=unit,
        patches=patches,
        strips=None if unit.convolve_strips is None else strips,
    )


def _turned(layer: FoldedConvolution, *, panels: int) -> NDArray[np.uint32]:
    """Return a bit for each filter that is pooled by all, 32 to a panel."""
    turned = np.zeros(panels * NEURONS, dtype=np.bool_)
    if layer.pool_all is not None:
        turned[: len(layer.pool_all)] = layer.pool_all
    return np.packbits(turned, bitorder="little").view("<u4").astype(np.uint32)


def _tiles(
    layer: FoldedConvolution, size: tuple[int, int], *, frame: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Lay out tiles: the outputs that are pooled, or any four in a row.

    Parameters
    ----------
    layer : FoldedConvolution
    size : (int, int)
        Height and width of the inputs.
    frame : (int, int)
        Rows and columns of border around the outputs.

    Returns
    -------
    rows, columns, targets : int64 array, shape (tiles, 4)
        The place of each output before pooling, and the pixel that it goes to.
    """
    height, width = layer.output_size(*size)
    if layer.pool:
        row, column = np.divmod(np.arange(height * width)[:, np.newaxis], width)
        rows = 2 * row + np.array([0, 0, 1, 1])
        columns = 2 * column + np.array([0, 1, 0, 1])
    else:
        # The last output once more, where they do not fill the last tile.
        outputs = np.arange(padded(height * width)).clip(max=height * width - 1)
        row, column = rows, columns = np.divmod(outputs.reshape(-1, IMAGES), width)
    target = (row + frame[0]) * (width + 2 * frame[1]) + column + frame[1]
    return rows, columns, np.broadcast_to(target, rows.shape).copy()


def _classes(
    layer: FoldedConvolution, size: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the class of each place, (height, width), and the weights that count in each class.

    A weight counts, 1, where it meets a value of the image; beyond, it is 0: (classes, taps).
    """
    kinds, numbers = [], []
    for axis, places in enumerate(layer.sums_size(*size)):
        begins = np.arange(places)[:, np.newaxis] * layer.stride[axis] - layer.padding[axis]
        met = begins + np.arange(layer.kernel[axis])
        kind, number = np.unique((met >= 0) & (met < size[axis]), axis=0, return_inverse=True)
        kinds.append(kind)
        numbers.append(number.reshape(-1))
    (rows, columns), (row, column) = kinds, numbers
    within = rows[:, np.newaxis, :, np.newaxis] & columns[np.newaxis, :, np.newaxis, :]
    classes = row[:, np.newaxis] * len(columns) + column
    return classes, within.reshape(len(rows) * len(columns), -1).astype(np.int64)
