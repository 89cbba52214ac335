"""What a competent PyTorch user would write: sums in bfloat16, and in whole numbers of 8 bits.

Both keep oriented weights and negate only those that are flipped, compare with thresholds in place
of batch norm, and work on as many images at a time as suit them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from rramsim.network.folded.network import FoldedNetwork

BATCH = 2000
"""Images at a time, the best of 250 to 4000 for both on the processors that were tried."""

_FEW = 0.02  # below, positions are drawn; above, a number for each weight takes less time


class TunedNetwork:
    """A fully connected network whose weights are flipped one by one.

    Parameters
    ----------
    folded : FoldedNetwork
    images : uint8 array, shape (images, inputs)
    """

    dtype = torch.bfloat16

    def __init__(self, folded: FoldedNetwork, images: NDArray[np.uint8]) -> None:
        oriented = [layer.matrix * layer.directions[:, np.newaxis] for layer in folded.hidden]
        signs = [*oriented, folded.output.signs]
        self.weights = [torch.from_numpy(np.ascontiguousarray(one)).to(self.dtype) for one in signs]
        self._thresholds = [torch.from_numpy(layer.thresholds) for layer in folded.hidden]
        self._scale = torch.from_numpy(folded.output.scale)
        self._offset = torch.from_numpy(folded.output.offset)
        self._images = torch.from_numpy(images)

    def with_random(self, ber: float) -> list[torch.Tensor]:
        """Return the weights of a chip."""
        flipped = []
        for weights in self.weights:
            if ber < _FEW:
                places = torch.randint(weights.numel(), (round(ber * weights.numel()),))
                flipped.append(_negated(weights, places))
            else:
                flipped.append(torch.where(torch.rand(weights.shape) < ber, -weights, weights))
        return flipped

    def with_flips(self, flips: Sequence[NDArray[np.int64]]) -> list[torch.Tensor]:
        """Return the weights with the given flat positions negated."""
        pairs = zip(self.weights, flips, strict=True)
        return [_negated(weights, torch.from_numpy(places)) for weights, places in pairs]

    @torch.inference_mode()
    def predictions(self, weights: Sequence[torch.Tensor]) -> NDArray[np.int64]:
        """Return the class of each image."""
        parts = torch.split(self._images, BATCH)
        return torch.cat([self._classes(weights, part) for part in parts]).numpy()

    def _classes(self, weights: Sequence[torch.Tensor], pixels: torch.Tensor) -> torch.Tensor:
        values = pixels.to(self.dtype)
        for layer, threshold in zip(weights, self._thresholds, strict=False):
            fires = (values @ layer.T).float() >= threshold.float()
            values = fires.to(self.dtype).mul_(2).sub_(1)
        return self._best((values @ weights[-1].T).float())

    def _best(self, sums: torch.Tensor) -> torch.Tensor:
        return (sums * self._scale + self._offset).argmax(dim=1)


class Int8Network(TunedNetwork):
    """The same in whole numbers, which are exact.

    Activations are 0 and 1 and not -1 and +1, so that a comparison writes them; the sum of a
    neuron's weights makes up for it. Pixels above 127 are moved down by 128 likewise.
    """

    dtype = torch.int8

    def __init__(self, folded: FoldedNetwork, images: NDArray[np.uint8]) -> None:
        super().__init__(folded, images)
        self._moved = 128 if images.max(initial=0) > 127 else 0
        shifted = images.astype(np.int16) - self._moved
        self._images = torch.from_numpy(shifted.astype(np.int8))
        rows = min(BATCH, len(images))
        self._sums = [torch.empty(rows, len(one), dtype=torch.int32) for one in self.weights]
        self._fires = [torch.empty(rows, len(one), dtype=torch.bool) for one in self.weights]

    def _classes(self, weights: Sequence[torch.Tensor], pixels: torch.Tensor) -> torch.Tensor:
        values, rows = pixels, len(pixels)
        for number, layer in enumerate(weights):
            sums = torch._int_mm(values, layer.T, out=self._sums[number][:rows])
            total = layer.sum(dim=1, dtype=torch.int32)
            if number == len(weights) - 1:
                return self._best((2 * sums - total if number else sums).float())
            threshold = self._thresholds[number]
            least = (threshold + total + 1) // 2 if number else threshold - self._moved * total
            limit = least.clamp(-(2**30), 2**30).int()
            values = torch.ge(sums, limit, out=self._fires[number][:rows]).view(torch.int8)
        raise AssertionError("a network has a last layer")


def _negated(weights: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    flipped = weights.clone()
    flipped.view(-1)[places] *= -1
    return flipped
