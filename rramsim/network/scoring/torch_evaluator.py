"""The same scores from torch: on a graphics processor, and to compare the packed kernels with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from rramsim.bits import Flips, FreshFlips
from rramsim.network.folded.checks import check_fresh_reads, check_scored
from rramsim.network.folded.network import FoldedNetwork, Layer, ScoreLayer
from rramsim.network.folded.sums import (
    batch_images,
    check_device,
    exact_sums,
    first_inputs,
    flipped,
    pooled,
)


class TorchEvaluator:
    """A folded network and one set of images on a device of torch; see `Evaluator`.

    Every weight, pixel and activation has at most 8 significant bits and every sum is a whole
    number below 2**24. So float32 holds all of them exactly, and so does TF32, should it be
    switched on: it shortens the factors to 11 bits and adds in float32. A convolution is computed
    as the matrix product it stands for, since torch's own may go by a fast algorithm (Winograd's)
    that multiplies by fractions and rounds.

    Parameters
    ----------
    folded, images, labels
        As of `Evaluator`.
    device : str
        Name of a device of torch.

    Raises
    ------
    InputError
        If torch does not have the device, the images do not have the network's inputs, or sums
        could leave the exact range.
    """

    is_small = False
    """One chip at a time has the whole device."""

    def __init__(
        self,
        folded: FoldedNetwork,
        images: NDArray[np.uint8],
        labels: NDArray[np.integer],
        *,
        device: str = "cpu",
    ) -> None:
        check_device(device)
        check_scored(folded, images, labels)
        self.folded = folded
        self.images = images.shape[0]
        self._labels = labels
        self._device = torch.device(device)
        self._pixels = torch.from_numpy(np.array(images)).to(self._device)
        self._batch = batch_images(folded)
        hidden = [layer for layer in folded.layers if not isinstance(layer, ScoreLayer)]
        self._thresholds = [
            torch.from_numpy(layer.thresholds).float().to(self._device) for layer in hidden
        ]
        oriented = [layer.matrix * layer.directions[:, np.newaxis] for layer in hidden]
        self._weights = [
            torch.from_numpy(signs).to(self._device).float()
            for signs in (*oriented, folded.output.signs)
        ]

    def predictions(
        self, flips: Sequence[Flips] | None = None, images: NDArray[np.int64] | None = None
    ) -> NDArray[np.int64]:
        """Return the class the network gives each image, with `flips` as in `Evaluator`."""
        pixels = self._pixels if images is None else self._pixels[torch.from_numpy(images)]
        if flips is None:
            return self._classify(self._weights, pixels)
        pairs = zip(self._weights, flips, strict=True)
        weights = [flipped(weights, positions) for weights, positions in pairs]
        return self._classify(weights, pixels)

    def right(
        self,
        flips: Sequence[Flips | FreshFlips] | None = None,
        images: NDArray[np.int64] | None = None,
    ) -> NDArray[np.bool_]:
        """Return which images are classified correctly, as `Evaluator.right` does.

        Raises
        ------
        InputError
            If cells are read anew for every image, which the packed engine alone scores.
        """
        kept = [cells for cells in flips or () if isinstance(cells, np.ndarray)]
        if len(kept) < len(flips or ()):
            check_fresh_reads(self.folded, "torch")
        found = self.predictions(None if flips is None else kept, images)
        labels = self._labels if images is None else self._labels[images]
        is_right: NDArray[np.bool_] = found == labels
        return is_right

    def correct(self, flips: Sequence[Flips] | None = None) -> int:
        """Return the number of images classified correctly, with `flips` as in `predictions`."""
        return int(np.count_nonzero(self.right(flips)))

    @torch.inference_mode()
    def _classify(self, weights: list[torch.Tensor], pixels: torch.Tensor) -> NDArray[np.int64]:
        precision = torch.get_float32_matmul_precision()
        if self._device.type == "cuda":
            torch.set_float32_matmul_precision("high")  # by TF32, as exact and far faster
        try:
            return self._classes(weights, pixels)
        finally:
            torch.set_float32_matmul_precision(precision)

    def _classes(self, weights: list[torch.Tensor], pixels: torch.Tensor) -> NDArray[np.int64]:
        classes = [np.empty(0, dtype=np.int64)]
        for start in range(0, len(pixels), self._batch):
            values = first_inputs(pixels[start : start + self._batch], self.folded)
            for number, threshold in enumerate(self._thresholds):
                values = _outputs(self.folded.layers[number], values, weights[number], threshold)
            # Scores in numpy: one order of rounding on every device.
            sums = exact_sums(self.folded.output, values, weights[-1]).cpu().numpy()
            classes.append(self.folded.output.classes(sums))
        return np.concatenate(classes)


def _outputs(
    layer: Layer, values: torch.Tensor, weights: torch.Tensor, threshold: torch.Tensor
) -> torch.Tensor:
    """Return the outputs of a hidden layer, -1 or +1."""
    sums = exact_sums(layer, values, weights)
    fires = sums >= threshold.view(-1, *[1] * (sums.ndim - 2))
    return pooled(layer, fires.float().mul_(2).sub_(1))
