"""The same scores from torch: on a graphics processor, and to compare the packed kernels with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from rramsim.bits import positions_of
from rramsim.network.evaluation import check_scored
from rramsim.network.folding import FoldedNetwork
from rramsim.network.packed.network import Flips

BATCH_IMAGES = 1000
"""Images worked on at once: more do not fit a processor's cache and are slower."""


class TorchEvaluator:
    """A folded network and one set of images on a device of torch; see `Evaluator`.

    Every weight, pixel and activation has at most 8 significant bits and every sum is a whole
    number below 2**24. So float32 holds all of them exactly, and so does TF32, should it be
    switched on: it shortens the factors to 11 bits and adds in float32.

    Parameters
    ----------
    folded, images, labels
        As of `Evaluator`.
    device : str
        Name of a device of torch.

    Raises
    ------
    InputError
        If the images do not have the network's inputs, or sums could leave the exact range.
    """

    def __init__(
        self,
        folded: FoldedNetwork,
        images: NDArray[np.uint8],
        labels: NDArray[np.integer],
        *,
        device: str = "cpu",
    ) -> None:
        check_scored(folded, images, labels)
        self.folded = folded
        self.images = images.shape[0]
        self._labels = labels
        self._device = torch.device(device)
        self._pixels = torch.from_numpy(np.array(images)).to(self._device)
        self._thresholds = [
            torch.from_numpy(layer.thresholds).float().to(self._device) for layer in folded.hidden
        ]
        oriented = [layer.signs * layer.directions[:, np.newaxis] for layer in folded.hidden]
        self._weights = [
            torch.from_numpy(signs).float().to(self._device)
            for signs in (*oriented, folded.output.signs)
        ]

    def predictions(self, flips: Sequence[Flips] | None = None) -> NDArray[np.int64]:
        """Return the class the network gives each image, with `flips` as in `Evaluator`."""
        if flips is None:
            return self._classify(self._weights)
        pairs = zip(self._weights, flips, strict=True)
        return self._classify([_flipped(weights, positions) for weights, positions in pairs])

    def correct(self, flips: Sequence[Flips] | None = None) -> int:
        """Return the number of images classified correctly, with `flips` as in `Evaluator`."""
        return int(np.count_nonzero(self.predictions(flips) == self._labels))

    @torch.inference_mode()
    def _classify(self, weights: list[torch.Tensor]) -> NDArray[np.int64]:
        scale, offset = self.folded.output.scale, self.folded.output.offset
        found = [np.empty(0, dtype=np.int64)]
        for start in range(0, self.images, BATCH_IMAGES):
            values = self._pixels[start : start + BATCH_IMAGES].float()
            for layer, threshold in zip(weights, self._thresholds, strict=False):
                fires = values @ layer.T >= threshold
                values = fires.float().mul_(2).sub_(1)
            # Scores in numpy: one order of rounding on every device.
            scores = (values @ weights[-1].T).cpu().numpy() * scale + offset
            found.append(scores.argmax(axis=1))
        return np.concatenate(found)


def _flipped(weights: torch.Tensor, flips: Flips) -> torch.Tensor:
    positions = (
        flips.astype(np.int64, copy=False)
        if flips.ndim == 1
        else positions_of(flips.astype(np.uint64, copy=False), columns=weights.shape[1])
    )
    if not positions.size:
        return weights
    if positions.min() < 0 or positions.max() >= weights.numel():
        raise ValueError(f"positions lie in 0..{weights.numel() - 1}")
    flipped = weights.clone()
    at = torch.from_numpy(positions).to(weights.device)
    flat = flipped.view(-1)
    flat[at] = -flat[at]
    return flipped
