"""The way one would write it in PyTorch: float32 weights, a coin for each, matrix products."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from rramsim.network.folded.convolution import FoldedConvolution
from rramsim.network.folded.network import FoldedLayer, FoldedNetwork


class NaiveNetwork:
    """The network of `folded` as float32 tensors, with batch norm and sign after each product.

    Batch norm is that of PyTorch with the mean half below the threshold, which no sum can equal,
    so that its sign is exactly the comparison with the threshold.

    Parameters
    ----------
    folded : FoldedNetwork
    images : uint8 array, shape (images, inputs)
    """

    def __init__(self, folded: FoldedNetwork, images: NDArray[np.uint8]) -> None:
        self.weights = [torch.from_numpy(layer.signs).float() for layer in folded.layers]
        normed: list[FoldedConvolution | FoldedLayer] = [*folded.convolutions, *folded.hidden]
        self._norms = [_batch_norm(layer) for layer in normed]
        self._pools = [layer.pool for layer in folded.convolutions]
        self._image_shape = folded.image_shape or (folded.inputs,)
        self._scale = torch.from_numpy(folded.output.scale)
        self._offset = torch.from_numpy(folded.output.offset)
        self._pixels = torch.from_numpy(images)

    def with_coins(self, ber: float) -> list[torch.Tensor]:
        """Return the weights of a chip: one uniform number for each weight."""
        return [
            torch.where(torch.rand_like(weights) < ber, -weights, weights)
            for weights in self.weights
        ]

    def with_flips(self, flips: Sequence[NDArray[np.int64]]) -> list[torch.Tensor]:
        """Return the weights with the given flat positions negated."""
        flipped = [weights.clone() for weights in self.weights]
        for weights, positions in zip(flipped, flips, strict=True):
            weights.view(-1)[torch.from_numpy(positions)] *= -1
        return flipped

    @torch.inference_mode()
    def predictions(self, weights: Sequence[torch.Tensor], *, batch: int) -> NDArray[np.int64]:
        """Return the class of each image, computed for `batch` images at a time."""
        found = []
        for start in range(0, len(self._pixels), batch):
            values = self._pixels[start : start + batch].float()
            values = values.reshape(-1, *self._image_shape)
            for number, (layer, norm) in enumerate(zip(weights, self._norms, strict=False)):
                sums = _product(values, layer)
                mean, one, scale, zero = norm
                values = functional.batch_norm(sums, mean, one, scale, zero, eps=0).sign()
                if number < len(self._pools) and self._pools[number]:
                    values = functional.max_pool2d(values, 2)
            scores = (values @ weights[-1].T) * self._scale + self._offset
            found.append(scores.argmax(dim=1))
        return torch.cat(found).numpy()


def _product(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    if weights.ndim == 4:
        return functional.conv2d(values, weights, padding=1)
    return values.flatten(1) @ weights.T


def _batch_norm(layer: FoldedConvolution | FoldedLayer) -> tuple[torch.Tensor, ...]:
    scale = torch.from_numpy(layer.directions).float()
    mean = scale * (torch.from_numpy(layer.thresholds).float() - 0.5)
    return mean, torch.ones_like(scale), scale, torch.zeros_like(scale)
