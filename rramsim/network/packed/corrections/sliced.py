"""Layers whose margins are corrected as bit planes (see `sliced_kernels`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import WORD, Flips, Words, pack_rows, words_for
from rramsim.network.packed.corrections.flip_lists import FlipLists, list_flips
from rramsim.network.packed.layers import FaultyLayer, PackedLayer, blocks, ones_of, rows_of
from rramsim.network.packed.units import Inputs, padded
from rramsim.parallel import cores, parts, share


@dataclass(frozen=True, eq=False)
class SlicedPixels:
    """The first layer free of faults.

    Attributes
    ----------
    clean : FaultyLayer
    images : int
    margins : uint64 array, shape (blocks of images, neurons, planes, 8)
    pixels : uint64 array, shape (blocks of images, bits of a pixel, 64 words + 1, 8)
    weights : uint64 array, shape (neurons, words)
    outputs : uint64 array, shape (images padded, words of neurons)
    """

    clean: FaultyLayer
    images: int
    margins: Words
    pixels: Words
    weights: Words
    outputs: Words

    @cached_property
    def columns(self) -> Words:
        """The outputs, shape (neurons, words of images)."""
        signs = ~self.margins[:, :, -1].transpose(1, 0, 2)
        columns = signs.reshape(self.clean.layer.neurons, -1)[:, : words_for(self.images)]
        return np.ascontiguousarray(columns)

    def lists(self, flips: Flips) -> FlipLists:
        """List the flips of a chip by neuron."""
        return list_flips(flips, self.weights, self.clean.layer.inputs)

    @cached_property
    def _ones(self) -> NDArray[np.int64]:
        return ones_of(self.clean.weights)[: self.clean.layer.neurons]

    @cached_property
    def _limits(self) -> NDArray[np.int64]:
        return _limits(self.clean)

    def _shifts(self, flips: FlipLists) -> NDArray[np.int64]:
        """Return what flips add to the margins of each neuron with flips on every image."""
        layer, coding, neurons = self.clean.layer, self.clean.coding, flips.neurons
        excess = flips.bounds[neurons, 3]
        ones = self._ones[neurons] - excess
        limits = coding.limits(layer.thresholds[neurons], ones, layer.inputs)
        shifts: NDArray[np.int64] = _within_reach(limits, self.clean) - self._limits[neurons]
        shifts += coding.codes * excess
        return shifts

    def fired(self, flips: FlipLists) -> Words:
        """Return the outputs of neurons with flips, shape (neurons with flips, words of images)."""
        from rramsim.network.packed.corrections import sliced_kernels

        columns = np.empty((flips.neurons.size, words_for(self.images)), dtype=np.uint64)
        shifts = self._shifts(flips)

        def work(part: slice) -> None:
            sliced_kernels.correct_pixels(
                self.margins,
                self.pixels,
                shifts,
                flips.neurons,
                flips.inputs,
                flips.bounds,
                part.start,
                part.stop,
                self.images,
                columns,
            )

        share(work, parts(flips.neurons.size, least=64))
        return columns

    def turned(self, columns: Words, neurons: NDArray[np.int64]) -> Words:
        """Return all outputs, image by image, from those of neurons with flips."""
        from rramsim.network.packed.corrections import sliced_kernels

        outputs = self.outputs.copy()
        corrected_at = np.full(self.clean.layer.neurons, -1)
        corrected_at[neurons] = np.arange(neurons.size)

        def work(part: slice) -> None:
            sliced_kernels.turn_columns(
                columns, self.columns, corrected_at, part.start, part.stop, outputs
            )

        share(work, parts(-(-self.images // sliced_kernels.LANES), least=1))
        return outputs


@dataclass(frozen=True, eq=False)
class SlicedLayer:
    """A hidden layer of -1 and +1 free of faults.

    Attributes
    ----------
    layer : PackedLayer
    images : int
    inputs : uint64 array, shape (images padded, words)
    margins : uint64 array, shape (blocks of neurons, images, planes, 8)
    weights : uint64 array, shape (neurons, words)
    columns : uint64 array, shape (blocks of neurons, 64 words + 1, 8)
        The weights, input by input.
    """

    layer: PackedLayer
    images: int
    inputs: Words
    margins: Words
    weights: Words
    columns: Words

    def fired(self, inputs: Words, flips: Flips) -> Words:
        """Return the outputs on a chip, packed, from its inputs and its flips."""
        from rramsim.network.packed.corrections import sliced_kernels

        listed = list_flips(flips, self.weights, self.layer.inputs)
        is_odd = np.zeros(len(self.columns) * sliced_kernels.LANES, dtype=np.bool_)
        is_odd[: self.layer.neurons] = listed.bounds[:, 4] & 1
        odd = pack_rows(is_odd.reshape(len(self.columns), -1))
        outputs = np.zeros((inputs.shape[0], words_for(self.layer.neurons)), dtype=np.uint64)

        def work(begin: int) -> None:
            sliced_kernels.correct_images(
                inputs,
                self.inputs,
                begin,
                min(begin + sliced_kernels.LANES, self.images),
                self.columns,
                self.margins,
                listed.inputs,
                listed.bounds,
                odd,
                outputs,
            )

        share(work, range(0, self.images, sliced_kernels.LANES))
        return outputs


def sliced_pixels(
    clean: FaultyLayer, inputs: Inputs, codes: NDArray[np.uint8], outputs: Words
) -> SlicedPixels:
    """Compute the margins of the first layer for all images.

    Parameters
    ----------
    clean : FaultyLayer
        The layer, free of faults.
    inputs : array, shape (images padded, ...)
        Pixels as the unit of the layer takes them.
    codes : uint8 array, shape (images, inputs)
        The same pixels, as the coding of the layer holds them.
    outputs : uint64 array, shape (images padded, words of neurons)
    """
    from rramsim.network.packed.corrections import sliced_kernels

    layer, images, lanes = clean.layer, len(codes), sliced_kernels.LANES
    groups = -(-images // lanes)
    planes = clean.margin_planes
    margins = np.empty((groups, layer.neurons, planes, lanes // WORD), dtype=np.uint64)
    pixels = np.empty(
        (groups, clean.coding.planes, WORD * words_for(layer.inputs) + 1, lanes // WORD), np.uint64
    )
    limits = _limits(clean)

    def work(block: int) -> None:
        rows = slice(block * lanes, min((block + 1) * lanes, images))
        counts = clean.counted(inputs[rows.start : padded(rows.stop)])
        by_neuron = np.ascontiguousarray(counts[: rows.stop - rows.start, : layer.neurons].T)
        none = np.zeros(by_neuron.shape[1], dtype=np.int64)
        sliced_kernels.slice_margins(by_neuron, limits, none, 0, margins[block : block + 1])
        for place in range(clean.coding.planes):
            bits = pack_rows((codes[rows] >> np.uint8(place) & np.uint8(1)).view(np.bool_))
            sliced_kernels.columns(bits, pixels[block, place : place + 1])

    share(work, range(groups))
    return SlicedPixels(clean, images, margins, pixels, _rows(clean), outputs)


def sliced_layer(clean: FaultyLayer, inputs: Words, images: int) -> SlicedLayer:
    """Compute the margins of a hidden layer for all images, from its inputs free of faults."""
    from rramsim.network.packed.corrections import sliced_kernels

    layer, lanes = clean.layer, sliced_kernels.LANES
    groups = -(-layer.neurons // lanes)
    margins = np.empty((groups, images, clean.margin_planes, lanes // WORD), dtype=np.uint64)
    limits = _limits(clean)
    weights = _rows(clean)
    columns = np.empty((groups, WORD * weights.shape[1] + 1, lanes // WORD), dtype=np.uint64)
    sliced_kernels.columns(weights, columns)

    def work(rows: slice) -> None:
        seen = min(rows.stop, images) - rows.start
        counts = clean.counted(inputs[rows])[:seen, : layer.neurons]
        none = np.zeros(seen, dtype=np.int64)
        counts = np.ascontiguousarray(counts)
        sliced_kernels.slice_margins(counts, none, limits, rows.start, margins)

    share(work, blocks(images, steps=clean.steps))
    return SlicedLayer(layer, images, inputs, margins, weights, columns)


def pixel_bytes(clean: FaultyLayer, images: int) -> int:
    """Return how much memory the margins of the first layer and its pixels take."""
    from rramsim.network.packed.corrections.sliced_kernels import LANES

    pixels = clean.coding.planes * (WORD * words_for(clean.layer.inputs) + 1)
    rows = clean.layer.neurons * clean.margin_planes + pixels
    return -(-images // LANES) * rows * LANES // 8


def layer_bytes(clean: FaultyLayer, images: int) -> int:
    """Return how much memory a hidden layer takes at most.

    These are its margins and weights, and for each thread the inputs of a block of images and the
    lists of those that changed.
    """
    from rramsim.network.packed.corrections.sliced_kernels import GROUP, LANES

    inputs, groups = WORD * words_for(clean.layer.inputs), -(-clean.layer.neurons // LANES)
    rows = groups * (images * clean.margin_planes + inputs + 1)
    lists = min(images, LANES) * (inputs + 2 * GROUP) * 4
    threads = min(cores(), -(-images // LANES))
    return rows * LANES // 8 + threads * (lists + (inputs + 1) * LANES // 8)


def _limits(clean: FaultyLayer) -> NDArray[np.int64]:
    return _within_reach(clean.limits[: clean.layer.neurons], clean)


def _within_reach(limits: NDArray[np.int64], clean: FaultyLayer) -> NDArray[np.int64]:
    """Return limits no further from the mismatches than it can matter."""
    return limits.clip(-1, clean.layer.inputs * clean.coding.codes)


def _rows(clean: FaultyLayer) -> Words:
    return np.ascontiguousarray(rows_of(clean.weights)[: clean.layer.neurons])
