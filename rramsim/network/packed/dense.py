"""A whole network on packed images, layer by layer, block of images by block of images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import Flips, Words, unpack_rows
from rramsim.network.folded.network import FoldedNetwork
from rramsim.network.packed.layers import (
    BLOCK_IMAGES,
    SIGNS,
    FaultyLayer,
    blocks,
    encode,
    pack_layer,
    rows_of,
)
from rramsim.network.packed.units import Inputs, for_pixels, for_signs, padded
from rramsim.parallel import parts, share


class PackedNetwork:
    """A fully connected network and the images it is scored on, packed once.

    Parameters
    ----------
    folded : FoldedNetwork
    images : uint8 array, shape (images, inputs)
    """

    def __init__(self, folded: FoldedNetwork, images: NDArray[np.uint8]) -> None:
        self.images = images.shape[0]
        self.layers = [pack_layer(layer) for layer in folded.layers]
        self.coding, self.codes = encode(images, folded.signed_levels)
        first = self.layers[0]
        self.unit = for_pixels(first.inputs, first.neurons, self.coding.planes)
        self.inputs = self.unit.inputs(self.codes, self.coding.planes)
        self.output = folded.output
        self.clean = [self._with(number, layer.weights) for number, layer in enumerate(self.layers)]

    @property
    def is_small(self) -> bool:
        """Whether all images of a chip are less work than is worth a second thread."""
        return len(blocks(self.images, steps=sum(layer.steps for layer in self.clean))) < 2

    def predictions(
        self, flips: Sequence[Flips | None], images: NDArray[np.int64] | None = None
    ) -> NDArray[np.int64]:
        """Return the class of each image on a chip with `flips` (see `Evaluator.predictions`).

        Parameters
        ----------
        flips : sequence of arrays
        images : int64 array, optional
            Numbers of the images that are asked for; all without.
        """
        if images is None:
            return self.classify(self.chip(flips), self.inputs, self.images)
        inputs = np.zeros((padded(images.size), *self.inputs.shape[1:]), self.inputs.dtype)
        np.take(self.inputs, images, axis=0, out=inputs[: images.size])
        return self.classify(self.chip(flips), inputs, images.size)

    def chip(self, flips: Sequence[Flips | None]) -> list[FaultyLayer]:
        """Return the layers with the weights in `flips` inverted; free of faults where None."""
        pairs = zip(range(len(self.layers)), flips, strict=True)
        return [self.layer(number, cells) for number, cells in pairs]

    def layer(self, number: int, flips: Flips | None) -> FaultyLayer:
        """Return one layer with the weights in `flips` inverted."""
        weights, clean = self.layers[number].flipped(flips), self.clean[number]
        if weights is clean.weights:
            return clean
        # The limits of hidden layers do not depend on the weights.
        if number:
            return FaultyLayer(clean.layer, clean.coding, weights, clean.limits, clean.unit)
        return self._with(number, weights)

    def classify(
        self, chip: Sequence[FaultyLayer], inputs: Inputs, images: int
    ) -> NDArray[np.int64]:
        """Return the class of each image from the inputs of the first layer in `chip`.

        `inputs` has padded rows; `chip` may be the last layers of a network only.
        """
        if len(self.layers) == 1:
            return self.output.classes(_sums(chip, inputs, images))
        classes = np.empty(images, dtype=np.int64)
        weights = self._class_rows(chip[-1])

        def work(rows: slice) -> None:
            values = inputs[rows]
            for layer in chip[:-1]:
                values = layer.fired(values)
            own = classes[rows]
            self._classify(values, np.arange(own.size), weights, own)

        share(work, blocks(images, steps=sum(layer.steps for layer in chip)))
        return classes

    def classify_some(
        self,
        last: FaultyLayer,
        inputs: Words,
        numbers: NDArray[np.int64],
        classes: NDArray[np.int64],
    ) -> None:
        """Set the classes of the images with these `numbers` from the inputs of the last layer.

        That is not the first one: its inputs are -1 and +1.
        """
        weights = self._class_rows(last)

        def work(part: slice) -> None:
            self._classify(inputs, numbers[part], weights, classes)

        share(work, parts(numbers.size, least=BLOCK_IMAGES))

    def _class_rows(self, last: FaultyLayer) -> Words:
        return rows_of(last.weights)[: last.layer.neurons]

    def _classify(
        self,
        inputs: Words,
        numbers: NDArray[np.int64],
        weights: Words,
        classes: NDArray[np.int64],
    ) -> None:
        from rramsim.network.packed.class_kernels import classify

        scale, offset = self.output.scale, self.output.offset
        classify(inputs, numbers, weights, self.layers[-1].inputs, scale, offset, classes)

    def sums(self) -> NDArray[np.int64]:
        """Return the sums of the last layer, free of faults, shape (images, classes)."""
        return _sums(self.clean, self.inputs, self.images)

    def extremes(self, flips: Sequence[Flips | None]) -> list[NDArray[np.bool_]]:
        """Return, for each hidden layer, which outputs are +1 on all images, and which on any.

        Parameters
        ----------
        flips : sequence of arrays
            As of `chip`.

        Returns
        -------
        list of bool arrays, shape (2, neurons)
        """
        chip = self.chip(flips)[:-1]

        def work(rows: slice) -> list[Words]:
            values: Inputs = self.inputs[rows]
            images = min(rows.stop, self.images) - rows.start
            extremes = []
            for layer in chip:
                values = layer.fired(values)
                extremes.append(extremes_of(values[:images]))
            return extremes

        starts = blocks(self.images, steps=sum(part.steps for part in chip))
        parts = zip(*share(work, starts), strict=True)
        return [
            unpack_rows(joined(part), columns=layer.layer.neurons)
            for part, layer in zip(parts, chip, strict=True)
        ]

    def _with(self, number: int, weights: Words) -> FaultyLayer:
        layer, coding = self.layers[number], SIGNS if number else self.coding
        unit = for_signs(layer.inputs, layer.neurons) if number else self.unit
        return FaultyLayer(layer, coding, weights, layer.limits(weights, coding), unit)


def last_sums(last: FaultyLayer, values: Inputs) -> NDArray[np.int64]:
    """Return the sums of some images, (images, classes), from the packed inputs of the last layer.

    `values` has padded rows, and so have the sums.
    """
    return last.sums(last.counted(values)[:, : last.layer.neurons])


def _sums(chip: Sequence[FaultyLayer], inputs: Inputs, images: int) -> NDArray[np.int64]:
    """Return the sums of the last layer in `chip`, from the inputs of the first."""

    def work(rows: slice) -> NDArray[np.int64]:
        values = inputs[rows]
        for layer in chip[:-1]:
            values = layer.fired(values)
        return last_sums(chip[-1], values)

    parts = share(work, blocks(images, steps=sum(layer.steps for layer in chip)))
    return np.concatenate([np.empty((0, chip[-1].layer.neurons), np.int64), *parts])[:images]


def extremes_of(outputs: Words) -> Words:
    """Return the outputs that are +1 on every image, then those that are on any.

    Parameters
    ----------
    outputs : uint64 array, shape (images, words)
        At least 1 image, and no rows of padding.

    Returns
    -------
    uint64 array, shape (2, words)
    """
    return np.stack([np.bitwise_and.reduce(outputs), np.bitwise_or.reduce(outputs)])


def joined(parts: Sequence[Words]) -> Words:
    """Return the extremes of all images from those of its parts, which are at least 1."""
    every, some = zip(*parts, strict=True)
    return np.stack([np.bitwise_and.reduce(every), np.bitwise_or.reduce(some)])
