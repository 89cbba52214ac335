"""Thresholds for the chip: the batch norm of a trained network estimated anew under bit errors.

Bit errors change the sums that a layer computes: with a BER of p a weight is right on average by
``1 - 2 p`` only, so a mean that is not 0 shrinks towards it, while the thresholds were made for the
sums of training. Estimating mean and variance again, from training images on chips with those
errors, moves the thresholds to where the sums are. No weight is touched, so no cell is programmed
again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from rramsim.bits import Flips, Words, pack_rows, unpack_rows
from rramsim.errors import InputError
from rramsim.network.folded.checks import check_inputs
from rramsim.network.folded.fold import BatchNorm, fold_layers
from rramsim.network.folded.network import FoldedConvolution, FoldedNetwork, ScoreLayer
from rramsim.network.folded.sums import (
    BATCH_IMAGES,
    batch_images,
    exact_sums,
    first_inputs,
    flipped,
)
from rramsim.network.model_files import SavedNetwork
from rramsim.network.packed import mismatch_kernels as tile
from rramsim.network.packed.layers import (
    SIGNS,
    Coding,
    PackedLayer,
    encode,
    ones_of,
    pack_codes,
    pack_layer,
    padded,
)
from rramsim.parallel import share


def reestimate(
    saved: SavedNetwork, images: NDArray[np.uint8], chips: Sequence[Sequence[Flips]]
) -> FoldedNetwork:
    """Fold a trained network again, with the mean and variance that its sums have on chips.

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

    Returns
    -------
    FoldedNetwork
        The same weights with other thresholds, and other scales and offsets of the scores.

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
            "The model file holds no batch norm, only thresholds (it was imported, or written by "
            "an older rramsim), so none can be estimated anew. Train a network with rramsim train."
        )
    check_inputs(folded, images)
    if not chips or len(images) < 2 * len(chips):
        raise ValueError(f"{len(images)} images for {len(chips)} chips: each needs 2 or more")
    for flips in chips:
        if len(flips) != len(folded.layers):
            raise ValueError(f"{len(flips)} arrays of flips for {len(folded.layers)} layers")
    entered = _first_values(folded, images, chips=len(chips))
    norms: list[BatchNorm] = []
    for number, trained in enumerate(saved.norms):
        weights = [flips[number] for flips in chips]
        on_chips = _layer_on_chips(folded, number, weights, entered)
        norms.append(_renewed(trained, [sums.moments() for sums in on_chips]))
        if number < len(folded.layers) - 1:
            entered = [_Values(sums.outputs(norms[-1]), sums.images) for sums in on_chips]
    pools = [isinstance(layer, FoldedConvolution) and layer.pool for layer in folded.layers]
    signs = [layer.signs for layer in folded.layers]
    return fold_layers(
        signs,
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


@dataclass(frozen=True, eq=False)
class _Values:
    """What enters a layer on one chip.

    Attributes
    ----------
    rows : array
        Outputs of the layer before as packed bits, shape (images, words), or pixels: as they are,
        uint8 of shape (images, inputs), in front of a convolution, else packed by `coding`, with
        padded rows.
    images : int
    coding : Coding
        Of packed bits.
    """

    rows: Words | NDArray[np.uint8]
    images: int
    coding: Coding = SIGNS


def _first_values(folded: FoldedNetwork, images: NDArray[np.uint8], *, chips: int) -> list[_Values]:
    dealt = [slice(number, None, chips) for number in range(chips)]
    if folded.convolutions:
        return [_Values(images[part], len(images[part])) for part in dealt]
    coding, codes = encode(images, folded.signed_levels)
    return [_Values(pack_codes(codes[part], coding), len(codes[part]), coding) for part in dealt]


def _layer_on_chips(
    folded: FoldedNetwork, number: int, flips: Sequence[Flips], entered: Sequence[_Values]
) -> Sequence[_ConvolutionSums | _ConnectedSums]:
    """Return the sums of one layer on each chip."""
    layer = folded.layers[number]
    if isinstance(layer, FoldedConvolution):
        matrix = torch.from_numpy(layer.matrix).float()
        return [
            _ConvolutionSums(folded, number, flipped(matrix, cells), values)
            for cells, values in zip(flips, entered, strict=True)
        ]
    packed = pack_layer(layer)
    directions = np.int64(1) if isinstance(layer, ScoreLayer) else layer.directions.astype(np.int64)

    def counted(pair: tuple[Flips, _Values]) -> _ConnectedSums:
        cells, values = pair
        return _ConnectedSums(_packed_sums(packed, cells, values) * directions)

    # Kernels take one core each.
    return share(counted, list(zip(flips, entered, strict=True)))


@dataclass(frozen=True, eq=False)
class _ConvolutionSums:
    """The sums of a convolution on one chip, as batch norm meets them.

    They are computed twice, for their moments and then for the outputs: kept, they would fill the
    memory.
    """

    folded: FoldedNetwork
    number: int
    weights: torch.Tensor
    entered: _Values

    @property
    def images(self) -> int:
        return self.entered.images

    def moments(self) -> Moments:
        parts = (sums.movedim(1, 0).flatten(1) for sums in self._batches())
        return _moments(part.to(torch.int64).numpy() for part in parts)

    def outputs(self, norm: BatchNorm) -> Words:
        scale, offset = (torch.from_numpy(each).view(-1, 1, 1) for each in norm.affine())
        fires = ((sums * scale + offset >= 0).flatten(1) for sums in self._batches())
        return np.concatenate([pack_rows(part.numpy()) for part in fires])

    def _batches(self) -> Iterator[torch.Tensor]:
        layer, size = self.folded.convolutions[self.number], batch_images(self.folded)
        for start in range(0, self.images, size):
            values = self._inputs(self.entered.rows[start : start + size])
            sums = exact_sums(layer, values, self.weights)
            # In training the greatest sum is what meets batch norm.
            yield functional.max_pool2d(sums, 2) if layer.pool else sums

    def _inputs(self, rows: Words | NDArray[np.uint8]) -> torch.Tensor:
        if not self.number:
            return first_inputs(torch.from_numpy(rows.copy()), self.folded)
        channels = self.folded.layers[self.number].signs.shape[1]
        shape = (channels, *self.folded.sizes[self.number])
        bits = unpack_rows(rows.view(np.uint64), columns=math.prod(shape))
        return torch.from_numpy(bits).float().mul_(2).sub_(1).view(-1, *shape)


@dataclass(frozen=True, eq=False)
class _ConnectedSums:
    """The sums of a fully connected layer on one chip, int64 of shape (images, neurons)."""

    sums: NDArray[np.int64]

    @property
    def images(self) -> int:
        return len(self.sums)

    def moments(self) -> Moments:
        starts = range(0, self.images, BATCH_IMAGES)
        return _moments(self.sums[start : start + BATCH_IMAGES].T for start in starts)

    def outputs(self, norm: BatchNorm) -> Words:
        scale, offset = norm.affine()
        return pack_rows(self.sums.astype(np.float32) * scale + offset >= 0)


def _packed_sums(layer: PackedLayer, flips: Flips, entered: _Values) -> NDArray[np.int64]:
    """Return the sums of a packed layer, (images, neurons), as its directions turn them."""
    weights = layer.flipped(flips)
    rows = np.zeros((padded(entered.images), entered.rows.shape[1]), dtype=np.uint64)
    rows[: len(entered.rows)] = entered.rows
    counts = np.empty((len(rows), layer.thresholds.size), dtype=np.int32)
    tile.count(rows, weights, entered.coding.planes, counts)
    ones = ones_of(weights)[: layer.neurons]
    return entered.coding.sums(counts[: entered.images, : layer.neurons], ones, layer.inputs)


Moments = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Mean and variance of the sums of a layer, each (neurons,)."""


def _moments(parts: Iterable[NDArray[np.int64]]) -> Moments:
    """Return mean and variance from sums of shape (neurons, values), part by part."""
    # Python's whole numbers, so that squares may add up to any size.
    total: NDArray[np.object_] = np.zeros(1, dtype=object)
    squares, count = total, 0
    for sums in parts:
        total = total + sums.sum(axis=1).astype(object)
        squares = squares + np.square(sums).sum(axis=1).astype(object)
        count += sums.shape[1]
    mean = np.asarray(total / count, dtype=np.float64)
    variance = (count * squares - total * total) / (count * (count - 1))
    return mean, np.asarray(variance, dtype=np.float64)


def _renewed(trained: BatchNorm, moments: Sequence[Moments]) -> BatchNorm:
    mean, variance = np.mean(moments, axis=0).astype(np.float32)
    return replace(trained, mean=mean, variance=variance)
