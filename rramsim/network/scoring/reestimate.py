"""Thresholds for the chip: the batch norm of a trained network estimated anew under bit errors.

Bit errors change the sums that a layer computes: with a BER of p a weight is right on average by
``1 - 2 p`` only, so a mean that is not 0 shrinks towards it, while the thresholds were made for the
sums of training. Estimating mean and variance again, from training images on chips with those
errors, moves the thresholds to where the sums are. No weight is touched, so no cell is programmed
again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from rramsim.bits import Flips
from rramsim.errors import InputError
from rramsim.network.folded.checks import check_inputs
from rramsim.network.folded.fold import BatchNorm, fold_layers
from rramsim.network.folded.network import FoldedConvolution, FoldedNetwork, Layer
from rramsim.network.folded.sums import batch_images, exact_sums, first_inputs, flipped
from rramsim.network.model_files import SavedNetwork


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
    on_chips = [
        _Chip(folded, images[number :: len(chips)], flips) for number, flips in enumerate(chips)
    ]
    norms = []
    for number, trained in enumerate(saved.norms):
        norms.append(_renewed(trained, [chip.moments(number) for chip in on_chips]))
        if number < len(folded.layers) - 1:
            for chip in on_chips:
                chip.enter_layer(number + 1, norms[-1])
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


class _Chip:
    """The images on their way through one chip: the inputs of one layer, as bits after the first.

    Sums of a convolution are computed twice, for their mean and variance and then for the outputs:
    kept, they would fill the memory.
    """

    def __init__(
        self, folded: FoldedNetwork, images: NDArray[np.uint8], flips: Sequence[Flips]
    ) -> None:
        if len(flips) != len(folded.layers):
            raise ValueError(f"{len(flips)} arrays of flips for {len(folded.layers)} layers")
        self._folded, self._flips, self._batch = folded, flips, batch_images(folded)
        self._pixels, self._bits = images, np.empty((0, 0), dtype=np.uint8)
        self._kept: list[torch.Tensor] = []

    def moments(self, number: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and variance of the sums of a layer, each (neurons,)."""
        # Python's whole numbers, so that squares may add up to any size.
        total: NDArray[np.object_] = np.zeros(1, dtype=object)
        squares, count = total, 0
        if not isinstance(self._folded.layers[number], FoldedConvolution):
            self._kept = list(self._sums(number))
        for sums in self._kept or self._sums(number):
            rows = sums.movedim(1, 0).flatten(1).to(torch.int64)
            total = total + rows.sum(dim=1).numpy().astype(object)
            squares = squares + rows.square().sum(dim=1).numpy().astype(object)
            count += rows.shape[1]
        mean = np.asarray(total / count, dtype=np.float64)
        return mean, np.asarray(
            (count * squares - total * total) / (count * (count - 1)), dtype=np.float64
        )

    def enter_layer(self, number: int, norm: BatchNorm) -> None:
        """Put the outputs of the layer before, with this batch norm, in front of a layer."""
        scale, offset = map(torch.from_numpy, norm.affine())
        outputs = []
        for sums in self._kept or self._sums(number - 1):
            shape = (-1, *[1] * (sums.ndim - 2))
            fires = sums * scale.view(shape) + offset.view(shape) >= 0
            outputs.append(np.packbits(fires.flatten(1).numpy(), axis=1))
        self._bits = np.concatenate(outputs)

    def _sums(self, number: int) -> Iterator[torch.Tensor]:
        """Yield the sums of a layer as batch norm meets them, batch of images by batch."""
        layer = self._folded.layers[number]
        weights = flipped(torch.from_numpy(layer.matrix).float(), self._flips[number])
        for start in range(0, len(self._pixels), self._batch):
            yield _sums(layer, weights, self._inputs(number, slice(start, start + self._batch)))

    def _inputs(self, number: int, batch: slice) -> torch.Tensor:
        folded = self._folded
        if not number:
            return first_inputs(torch.from_numpy(self._pixels[batch].copy()), folded)
        inputs = folded.layers[number].signs.shape[1]
        size = folded.sizes[number] if number < len(folded.convolutions) else ()
        bits = np.unpackbits(self._bits[batch], axis=1, count=int(np.prod((inputs, *size))))
        return torch.from_numpy(bits).float().mul_(2).sub_(1).view(-1, inputs, *size)


def _sums(layer: Layer, weights: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    sums = exact_sums(layer, values, weights)
    # In training the greatest sum is what meets batch norm.
    pooled = isinstance(layer, FoldedConvolution) and layer.pool
    return functional.max_pool2d(sums, 2) if pooled else sums


def _renewed(
    trained: BatchNorm, moments: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]
) -> BatchNorm:
    mean, variance = np.mean(moments, axis=0).astype(np.float32)
    return replace(trained, mean=mean, variance=variance)
