"""What a network free of faults computes, kept so that chips need only what differs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import WORD, Words, pack_rows, unpack_rows, words_for
from rramsim.network.packed.layers import FaultyLayer, blocks, rows_of
from rramsim.network.packed.units import Inputs, padded
from rramsim.parallel import share


@dataclass(frozen=True, eq=False)
class FirstLayer:
    """The first layer free of faults; images are padded to whole words.

    Attributes
    ----------
    margins : int16 array, shape (neurons, images)
        ``direction * sum - threshold`` in units of the pixels, cut; padding never fires.
    codes : uint8 array, shape (inputs, images)
    low, step : int
        A pixel is ``low + step * code``, divided by what all of them are multiples of.
    outputs : uint64 array, shape (images, words of neurons)
        With the rows that pad images for the kernels.
    columns : uint64 array, shape (neurons, words of images)
        The same outputs.
    """

    margins: NDArray[np.int16]
    codes: NDArray[np.uint8]
    low: int
    step: int
    outputs: Words
    columns: Words

    @cached_property
    def greatest_pixel(self) -> int:
        """The size of the pixel furthest from 0."""
        return max(abs(self.low), abs(self.low + self.step * int(self.codes.max())))


@dataclass(frozen=True, eq=False)
class SecondLayer:
    """The second layer free of faults, where it is a hidden one.

    Attributes
    ----------
    margins : int16 array, shape (images, neurons)
        Mismatches to spare, cut; neurons are padded to whole words with ones that never fire.
    columns : int16 array, shape (neurons, images)
        The same, without padded neurons and with padded images.
    weights : uint64 array, shape (inputs, words of neurons)
        Oriented signs.
    outputs : uint64 array, shape (images, words of neurons)
        With the rows that pad images for the kernels.
    """

    margins: NDArray[np.int16]
    columns: NDArray[np.int16]
    weights: Words
    outputs: Words


def first_layer(clean: FaultyLayer, inputs: Inputs, codes: NDArray[np.uint8]) -> FirstLayer:
    """Compute the first layer of a network for all images.

    Parameters
    ----------
    clean : FaultyLayer
        The layer, free of faults.
    inputs : array, shape (images padded, ...)
        Pixels as the unit of the layer takes them.
    codes : uint8 array, shape (images, inputs)
        The same pixels, as the coding of the layer holds them.
    """
    from rramsim.network.packed import delta_kernels

    coding, images = clean.coding, len(codes)
    unit = int(np.gcd(coding.low, coding.step))
    neurons = clean.layer.neurons
    limits = clean.limits[:neurons]
    words = words_for(images)
    margins = np.full((neurons, words * WORD), -delta_kernels.CUT, dtype=np.int16)

    def work(rows: slice) -> None:
        # sum - threshold = step * (limit - mismatches) + rest, with the rest that the limit's
        # rounding left out.
        short = clean.counted(inputs[rows])[:, :neurons].astype(np.int64)
        spare = (coding.step * (limits - short) + rest) // unit
        seen = min(rows.stop, images) - rows.start
        margins[:, rows.start : rows.start + seen] = _cut(spare[:seen]).T

    rest = _rest(clean)
    parts = blocks(images, steps=clean.steps)
    share(work, parts)
    columns = np.empty((neurons, words), dtype=np.uint64)
    delta_kernels.fires(margins, columns)
    outputs = np.concatenate(share(lambda rows: clean.fired(inputs[rows]), parts))
    return FirstLayer(
        margins=margins,
        codes=_padded_columns(codes, words * WORD),
        low=coding.low // unit,
        step=coding.step // unit,
        outputs=outputs,
        columns=columns,
    )


def second_layer(clean: FaultyLayer, inputs: Words, images: int) -> SecondLayer:
    """Compute the second layer of a network for all images, from the outputs of the first."""
    from rramsim.network.packed import delta_kernels

    neurons = clean.layer.neurons
    words = words_for(neurons)
    margins = np.full((images, words * WORD), -delta_kernels.CUT, dtype=np.int16)
    columns = np.full((neurons, words_for(images) * WORD), -delta_kernels.CUT, dtype=np.int16)

    def work(rows: slice) -> None:
        seen = min(rows.stop, images) - rows.start
        short = clean.counted(inputs[rows])[:seen, :neurons].astype(np.int64)
        spare = _cut(clean.limits[:neurons] - short)
        margins[rows.start : rows.start + seen, :neurons] = spare
        columns[:, rows.start : rows.start + seen] = spare.T

    share(work, blocks(images, steps=clean.steps))
    signs = unpack_rows(rows_of(clean.weights)[:neurons], columns=clean.layer.inputs)
    outputs = np.zeros((padded(images), words), dtype=np.uint64)
    delta_kernels.fires(margins, outputs[:images])
    return SecondLayer(margins, columns, pack_rows(np.ascontiguousarray(signs.T)), outputs)


def _rest(clean: FaultyLayer) -> NDArray[np.int64]:
    """Return what the sum exceeds the threshold by at the greatest mismatch that still fires."""
    layer = clean.layer
    at_limit = clean.sums(clean.limits)
    return (at_limit - layer.thresholds)[: layer.neurons]


def _cut(margins: NDArray[np.int64]) -> NDArray[np.int16]:
    from rramsim.network.packed.delta_kernels import CUT

    return margins.clip(-CUT, CUT).astype(np.int16)


def _padded_columns(codes: NDArray[np.uint8], images: int) -> NDArray[np.uint8]:
    columns = np.zeros((codes.shape[1], images), dtype=np.uint8)
    columns[:, : codes.shape[0]] = codes.T
    return columns
