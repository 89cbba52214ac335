"""Thresholds for the chip: the batch norm of a trained network estimated anew under bit errors.

Bit errors change the sums that a layer computes: with a BER of p a weight is right on average by
``1 - 2 p`` only, so a mean that is not 0 shrinks towards it, while the thresholds were made for the
sums of training. Estimating mean and variance again, from training images on chips with those
errors, moves the thresholds to where the sums are. No weight is touched, so no cell is programmed
again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import Flips, Words, pack_rows, unpack_rows
from rramsim.errors import InputError
from rramsim.network.folded.checks import check_inputs
from rramsim.network.folded.fold import BatchNorm, fold_layers
from rramsim.network.folded.network import FoldedConvolution, FoldedNetwork, Layer, ScoreLayer
from rramsim.network.model_files import SavedNetwork
from rramsim.network.packed.layers import (
    SIGNS,
    Coding,
    PackedLayer,
    encode,
    ones_of,
    pack_layer,
    rows_of,
)
from rramsim.network.packed.units import for_pixels, for_signs
from rramsim.parallel import share


def reestimate(
    saved: SavedNetwork, images: NDArray[np.uint8], chips: Sequence[Sequence[Flips]]
) -> FoldedNetwork:
    """Fold a trained network again, with the mean and variance that its sums have on chips.

    These are what `estimated_norms` gives; parameters and errors are its own.

    Returns
    -------
    FoldedNetwork
        The same weights with other thresholds, and other scales and offsets of the scores.
    """
    return refolded(saved, estimated_norms(saved, images, chips))


def estimated_norms(
    saved: SavedNetwork, images: NDArray[np.uint8], chips: Sequence[Sequence[Flips]]
) -> list[BatchNorm]:
    """Return the batch norm of each layer with the mean and variance that its sums have on chips.

    The images are dealt out to the chips in turn. Layer by layer from the input on, mean and
    (unbiased) variance over its images are computed of the sums on each chip, from exact whole
    numbers; the inputs of a layer come from the layers before it on the same chip, with their new
    thresholds. The mean over chips of both takes the place of what training found; gamma, beta and
    the weights stay. This is what training itself would keep: its batch norm averages the means
    and the variances of batches that each met flips of its own.

    Several chips with independent errors of one BER give thresholds for every chip of that BER.
    The one chip in use gives thresholds that fit this chip only.

    Parameters
    ----------
    saved : SavedNetwork
        With the batch norm of each layer (`SavedNetwork.norms`).
    images : uint8 array, shape (images, inputs)
        Training images, or some of them (`spaced`); at least 2 for each chip.
    chips : sequence of sequences of arrays
        For each chip, the wrong cells of each layer (see `Evaluator.predictions`).

    Raises
    ------
    InputError
        If the file of the network holds no batch norm, or the images do not fit the network.
    ValueError
        If there is no chip, one has fewer than 2 images, or flips do not fit their layer.
    """
    folded = saved.folded
    if not saved.norms:
        raise InputError(
            "The model file holds no batch norm (it was imported, written by an older rramsim, or "
            "is of one layer whose sums are the scores), so none can be re-estimated. Train a "
            "network with rramsim train."
        )
    check_inputs(folded, images)
    if not chips or len(images) < 2 * len(chips):
        raise ValueError(f"{len(images)} images for {len(chips)} chips: each needs 2 or more")
    for flips in chips:
        if len(flips) != len(folded.layers):
            raise ValueError(f"{len(flips)} arrays of flips for {len(folded.layers)} layers")
    coding, codes = encode(images, folded.signed_levels)
    entered: Sequence[Entered] = [codes[number :: len(chips)] for number in range(len(chips))]
    norms: list[BatchNorm] = []
    for number, trained in enumerate(saved.norms):
        of_layer = _ChipLayer.ready(folded, number, coding if number == 0 else SIGNS)
        on_chips = [
            replace(of_layer, flips=flips[number], entered=values)
            for flips, values in zip(chips, entered, strict=True)
        ]
        # Kernels take one core each.
        norms.append(_renewed(trained, share(_moments, on_chips)))
        if number < len(folded.layers) - 1:
            entered = share(partial(_outputs, norm=norms[-1]), on_chips)
    return norms


def refolded(saved: SavedNetwork, norms: Sequence[BatchNorm]) -> FoldedNetwork:
    """Fold the signs of a trained network with other batch norms."""
    folded = saved.folded
    pools = [isinstance(layer, FoldedConvolution) and layer.pool for layer in folded.layers]
    return fold_layers(
        [layer.signs for layer in folded.layers],
        norms,
        pools=pools,
        image_shape=folded.image_shape,
        signed_levels=folded.signed_levels,
    )


def spaced(images: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """Return at most `count` of the images, evenly spaced: of each class, if they are sorted."""
    numbers = np.linspace(0, len(images) - 1, min(count, len(images))).round().astype(int)
    chosen: NDArray[np.uint8] = images[numbers]
    return chosen


BATCH_IMAGES = 1000
"""Images worked on at once, where no place of a convolution makes them fewer."""

Entered = NDArray[np.uint8] | Words
"""What enters a layer on one chip: pixels as codes, (images, inputs), or outputs as packed bits."""

Moments = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Mean and variance of the sums of a layer, each (neurons,)."""

PART_BYTES = 1 << 22
"""Inputs that are spread out before the places of a filter at once: they stay in the cache."""


@dataclass(frozen=True, eq=False)
class _ChipLayer:
    """One layer on one chip, its sums counted in packed bits.

    Sums are computed twice, for their moments and then for the outputs: kept, those of a
    convolution would fill the memory.

    Attributes
    ----------
    layer : FoldedConvolution, FoldedLayer or ScoreLayer
    packed : PackedLayer
    coding : Coding
        Of what enters.
    size : (int, int)
        Height and width of what enters a convolution.
    flips : array, optional
        The wrong cells of the chip.
    entered : array
    """

    layer: Layer
    packed: PackedLayer
    coding: Coding
    size: tuple[int, int]
    flips: Flips | None
    entered: Entered

    @classmethod
    def ready(cls, folded: FoldedNetwork, number: int, coding: Coding) -> _ChipLayer:
        """Return a layer free of faults, which nothing enters."""
        layer = folded.layers[number]
        size = folded.sizes[number] if isinstance(layer, FoldedConvolution) else (1, 1)
        return cls(layer, pack_layer(layer), coding, size, None, np.empty((0, 0), dtype=np.uint8))

    def sums(self) -> Iterator[NDArray[np.int64]]:
        """Yield the sums as batch norm meets them, (images, places, neurons), part by part."""
        turned = 1 if isinstance(self.layer, ScoreLayer) else self.layer.directions.astype(np.int64)
        convolution = self.layer if isinstance(self.layer, FoldedConvolution) else None
        places = math.prod(convolution.sums_size(*self.size)) if convolution else 1
        images = max(1, min(BATCH_IMAGES, PART_BYTES // (places * self.packed.inputs)))
        weights = self.packed.flipped(self.flips)
        beyond = self._beyond(convolution, weights) if convolution else 0
        for start in range(0, len(self.entered), images):
            codes = self._codes(self.entered[start : start + images])
            rows = _seen(convolution, codes, self.size) if convolution else codes
            sums = (self._counted(rows, weights).reshape(len(codes), places, -1) - beyond) * turned
            yield _pooled(convolution, sums, self.size) if convolution else sums

    def _codes(self, entered: Entered) -> NDArray[np.uint8]:
        if entered.dtype == np.uint8:
            return entered.astype(np.uint8, copy=False)
        inputs = self.packed.inputs
        if isinstance(self.layer, FoldedConvolution):
            inputs = self.layer.signs.shape[1] * math.prod(self.size)
        return unpack_rows(entered.astype(np.uint64, copy=False), columns=inputs).view(np.uint8)

    def _counted(self, codes: NDArray[np.uint8], weights: Words) -> NDArray[np.int64]:
        """Return the sums of rows of codes, in which there is no border."""
        planes, layer = self.coding.planes, self.packed
        is_pixels = self.coding is not SIGNS
        size = layer.inputs, layer.neurons
        unit = for_pixels(*size, planes) if is_pixels else for_signs(*size)
        rows = unit.inputs(codes, planes)
        counts = np.empty((len(rows), layer.thresholds.size), dtype=np.int32)
        unit.count(rows, weights, planes, counts)
        ones = ones_of(weights)[: self.packed.neurons]
        mismatches = counts[: len(codes), : self.packed.neurons]
        return self.coding.sums(mismatches, ones, self.packed.inputs)

    def _beyond(self, convolution: FoldedConvolution, weights: Words) -> NDArray[np.int64]:
        """Return what codes of 0 beyond the border add to the sums, (places, filters)."""
        inside = np.ones((1, math.prod(self.size) * convolution.signs.shape[1]), dtype=np.uint8)
        outside = _seen(convolution, inside, self.size) == 0
        positive = unpack_rows(rows_of(weights)[: self.packed.neurons], columns=self.packed.inputs)
        beyond: NDArray[np.int64] = self.coding.low * (outside @ (2 * positive.T.astype(int) - 1))
        return beyond


def _seen(
    layer: FoldedConvolution, codes: NDArray[np.uint8], size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return what each place of a convolution sees, (images * places, inputs), 0 at the border."""
    above, left = layer.padding
    values = codes.reshape(len(codes), -1, *size)
    framed = np.pad(values, [(0, 0), (0, 0), (above, above), (left, left)])
    windows = np.lib.stride_tricks.sliding_window_view(framed, layer.kernel, axis=(2, 3))
    strided = windows[:, :, :: layer.stride[0], :: layer.stride[1]]
    by_place = strided.transpose(0, 2, 3, 1, 4, 5)
    return by_place.reshape(-1, layer.matrix.shape[1])


def _pooled(
    layer: FoldedConvolution, sums: NDArray[np.int64], size: tuple[int, int]
) -> NDArray[np.int64]:
    """Return the greatest sum of those pooled, which meets batch norm in training."""
    if not layer.pool:
        return sums
    height, width = layer.output_size(*size)
    whole = sums.reshape(len(sums), *layer.sums_size(*size), -1)[:, : 2 * height, : 2 * width]
    fours = whole.reshape(len(sums), height, 2, width, 2, -1)
    greatest: NDArray[np.int64] = fours.max(axis=(2, 4)).reshape(len(sums), height * width, -1)
    return greatest


def _outputs(on_chip: _ChipLayer, *, norm: BatchNorm) -> Words:
    """Return the outputs of a layer with this batch norm, channel by channel, as packed bits."""
    scale, offset = norm.affine()
    parts = [
        (sums.astype(np.float32) * scale + offset >= 0).transpose(0, 2, 1).reshape(len(sums), -1)
        for sums in on_chip.sums()
    ]
    return np.concatenate(list(map(pack_rows, parts)))


def _moments(on_chip: _ChipLayer) -> Moments:
    """Return mean and variance of the sums of a layer."""
    # Python's whole numbers, so that squares may add up to any size.
    total: NDArray[np.object_] = np.zeros(1, dtype=object)
    squares, count = total, 0
    for sums in on_chip.sums():
        values = sums.reshape(-1, sums.shape[-1])
        total = total + values.sum(axis=0).astype(object)
        squares = squares + np.square(values).sum(axis=0).astype(object)
        count += len(values)
    mean = np.asarray(total / count, dtype=np.float64)
    variance = (count * squares - total * total) / (count * (count - 1))
    return mean, np.asarray(variance, dtype=np.float64)


def _renewed(trained: BatchNorm, moments: Sequence[Moments]) -> BatchNorm:
    mean, variance = np.mean(moments, axis=0).astype(np.float32)
    return replace(trained, mean=mean, variance=variance)
