"""Score a folded network on images, with weights flipped by the faults of one chip."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from rramsim.errors import InputError
from rramsim.network.folding import FoldedNetwork, check_exact
from rramsim.network.threads import threads_for

BATCH_IMAGES = 1000
"""Images worked on at once: more do not fit the cache and are slower."""


class Evaluator:
    """A folded network made ready for one fixed set of images.

    Every sum is a whole number below 2**24, so float32 holds it exactly and results depend
    neither on the batch nor on the number of threads.

    Parameters
    ----------
    folded : FoldedNetwork
        The network, free of faults.
    images : uint8 array, shape (images, inputs)
        Pixels.
    labels : integer array, shape (images,)
        The right class of each image.

    Raises
    ------
    InputError
        If the images do not have the network's inputs, or sums could leave the exact range.
    """

    def __init__(
        self, folded: FoldedNetwork, images: NDArray[np.uint8], labels: NDArray[np.integer]
    ) -> None:
        if images.ndim != 2 or images.shape[1] != folded.widths[0]:
            raise InputError(
                f"The network has {folded.widths[0]} inputs, but the images have "
                f"{' x '.join(map(str, images.shape[1:]))} pixels; score it on images "
                "like those it was trained with."
            )
        if labels.shape != images.shape[:1]:
            raise ValueError(f"labels are {images.shape[:1]}, found {labels.shape}")
        check_exact(folded.widths[0] * max(1, int(images.max(initial=0))))
        check_exact(max(folded.widths))
        self.folded = folded
        self.images = images.shape[0]
        self._labels = labels
        self._pixels = torch.from_numpy(np.array(images))
        self._thresholds = [torch.from_numpy(x.thresholds).float() for x in folded.hidden]
        self._weights = [_oriented(x.signs, x.directions) for x in folded.hidden]
        self._weights.append(torch.from_numpy(folded.output.signs).float())
        self._clean: NDArray[np.int64] | None = None

    def predictions(self, flips: Sequence[NDArray[np.int64]] | None = None) -> NDArray[np.int64]:
        """Return the class the network gives each image, shape (images,).

        Parameters
        ----------
        flips : sequence of int64 array, optional
            For each layer, the flat (C order) positions of the weights that are read with the
            wrong sign. The same flips hold for all images: they are one chip. Without, the
            network is free of faults.
        """
        if flips is None:
            if self._clean is None:
                self._clean = self._classify(self._weights)
            return self._clean.copy()
        pairs = zip(self._weights, flips, strict=True)
        return self._classify([_flipped(weights, positions) for weights, positions in pairs])

    def correct(self, flips: Sequence[NDArray[np.int64]] | None = None) -> int:
        """Return the number of images classified correctly, with `flips` as in `predictions`."""
        return int(np.count_nonzero(self.predictions(flips) == self._labels))

    @torch.inference_mode()
    def _classify(self, weights: list[torch.Tensor]) -> NDArray[np.int64]:
        with threads_for(self.folded.weight_count):
            return self._classify_batches(weights)

    def _classify_batches(self, weights: list[torch.Tensor]) -> NDArray[np.int64]:
        scale, offset = self.folded.output.scale, self.folded.output.offset
        found = []
        for start in range(0, self.images, BATCH_IMAGES):
            values = self._pixels[start : start + BATCH_IMAGES].float()
            for layer, threshold in zip(weights, self._thresholds, strict=False):
                fires = values @ layer.T >= threshold
                values = fires.float().mul_(2).sub_(1)
            scores = (values @ weights[-1].T).numpy() * scale + offset
            found.append(scores.argmax(axis=1))
        return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def _oriented(signs: NDArray[np.int8], directions: NDArray[np.int8]) -> torch.Tensor:
    # The direction goes into a working copy of the weights: a flip negates an entry either way,
    # and the product is direction * sum without a further pass over the sums.
    return torch.from_numpy(signs * directions[:, np.newaxis]).float()


def _flipped(weights: torch.Tensor, positions: NDArray[np.int64]) -> torch.Tensor:
    if not len(positions):
        return weights
    if positions.min() < 0 or positions.max() >= weights.numel():
        raise ValueError(f"positions lie in 0..{weights.numel() - 1}")
    flipped = weights.clone()
    at = torch.from_numpy(np.ascontiguousarray(positions))
    flat = flipped.view(-1)
    flat[at] = -flat[at]
    return flipped
