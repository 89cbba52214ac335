"""Score a folded network on images, with weights flipped by the faults of one chip."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import Flips, FreshFlips, Words
from rramsim.network.folded.checks import check_fresh_reads, check_scored
from rramsim.network.folded.network import FoldedNetwork
from rramsim.network.packed.convolution import ConvolutionalNetwork
from rramsim.network.packed.corrections.network import CorrectedNetwork
from rramsim.network.packed.dense import PackedNetwork
from rramsim.network.packed.many_chips import classes_of_chips
from rramsim.network.scoring.fresh_reads import FreshNetwork


class Evaluator:
    """A folded network made ready for one fixed set of images.

    It computes with packed bits and whole numbers on all cores, so results depend neither on the
    number of threads nor on how images are blocked. Of a fully connected network, sums free of
    faults are corrected by what flipped weights change where that is less work
    (`CorrectedNetwork`); the predictions are the same.

    One evaluator serves one thread at a time.

    Parameters
    ----------
    folded : FoldedNetwork
        The network, free of faults.
    images : uint8 array, shape (images, inputs)
        Pixels, channel by channel, row by row.
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
        check_scored(folded, images, labels)
        self.folded = folded
        self.images = images.shape[0]
        self._labels = labels
        self._network: PackedNetwork | ConvolutionalNetwork
        self._on_chip: Callable[[Sequence[Flips]], NDArray[np.int64]]
        if folded.convolutions:
            self._network = ConvolutionalNetwork(folded, images)
            self._on_chip = self._network.predictions
        else:
            self._network = PackedNetwork(folded, images)
            self._on_chip = CorrectedNetwork(self._network).predictions
        self._clean: NDArray[np.int64] | None = None

    @property
    def is_small(self) -> bool:
        """Whether scoring a chip is less work than is worth a second thread."""
        return isinstance(self._network, PackedNetwork) and self._network.is_small

    def right_together(self, masks: list[Words]) -> NDArray[np.bool_]:
        """Return which images are classified correctly on each of many chips, (chips, images).

        It is for networks of two layers or more that are small (`is_small`).

        Parameters
        ----------
        masks : list of uint64 array, shape (chips, neurons, words)
            For each layer, a mask for each chip (see `predictions`).
        """
        assert isinstance(self._network, PackedNetwork)
        classes = classes_of_chips(self._network, self.folded.output, masks)
        is_right: NDArray[np.bool_] = classes == self._labels
        return is_right

    def predictions(self, flips: Sequence[Flips | FreshFlips] | None = None) -> NDArray[np.int64]:
        """Return the class the network gives each image, shape (images,).

        Parameters
        ----------
        flips : sequence of arrays, optional
            For each layer, the weights that are read with the wrong sign: either their sorted,
            distinct, flat (C order) positions as int64, or a mask of shape (neurons, words) as
            uint64, in which bit j of word k is input 64 k + j. The same flips hold for all
            images: they are one chip. Of a layer that is read anew for every image, a source of
            its wrong cells stands in place of them. Without, the network is free of faults.

        Raises
        ------
        ValueError
            If there is not one array for each layer, or one does not fit its layer.
        """
        if flips is not None:
            kept = [cells for cells in flips if isinstance(cells, np.ndarray)]
            return self._on_chip(kept) if len(kept) == len(flips) else self._on_reads(flips)
        if self._clean is None:
            self._clean = self._network.predictions([None] * len(self.folded.layers))
        return self._clean.copy()

    def _of_images(
        self, flips: Sequence[Flips | FreshFlips] | None, images: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the classes of some images, which are as those of all images."""
        kept = [cells for cells in flips or () if isinstance(cells, np.ndarray)]
        if flips is None or len(kept) < len(flips):
            return self.predictions(flips)[images]
        return self._network.predictions(kept, images)

    def _on_reads(self, flips: Sequence[Flips | FreshFlips]) -> NDArray[np.int64]:
        check_fresh_reads(self.folded, "cpu")
        assert isinstance(self._network, PackedNetwork)
        return FreshNetwork(self._network).predictions(flips)

    def right(
        self,
        flips: Sequence[Flips | FreshFlips] | None = None,
        images: NDArray[np.int64] | None = None,
    ) -> NDArray[np.bool_]:
        """Return which images are classified correctly, with `flips` as in `predictions`.

        Parameters
        ----------
        flips : sequence of arrays, optional
        images : int64 array, optional
            Numbers of the images that are asked for, rising; all without.
        """
        is_right: NDArray[np.bool_]
        if images is None:
            is_right = self.predictions(flips) == self._labels
        else:
            is_right = self._of_images(flips, images) == self._labels[images]
        return is_right

    def correct(self, flips: Sequence[Flips | FreshFlips] | None = None) -> int:
        """Return the number of images classified correctly, with `flips` as in `predictions`."""
        return int(np.count_nonzero(self.right(flips)))
