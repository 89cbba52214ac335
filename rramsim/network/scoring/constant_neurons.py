"""Hidden neurons that have one value on all images, and so tell nothing of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import Flips
from rramsim.network.folded.checks import check_inputs
from rramsim.network.folded.network import FoldedNetwork
from rramsim.network.packed.convolution import ConvolutionalNetwork
from rramsim.network.packed.dense import PackedNetwork


class HiddenNeurons:
    """The hidden neurons of a network on one fixed set of images, computed as `Evaluator` does.

    Parameters
    ----------
    folded : FoldedNetwork
        The network, free of faults.
    images : uint8 array, shape (images, inputs)
        Pixels, channel by channel, row by row; at least 1 image.

    Raises
    ------
    InputError
        If the images do not have the network's inputs, or sums could leave the exact range.
    ValueError
        If there is no image.
    """

    def __init__(self, folded: FoldedNetwork, images: NDArray[np.uint8]) -> None:
        check_inputs(folded, images)
        if not len(images):
            raise ValueError("without an image no neuron has a value")
        self._network: PackedNetwork | ConvolutionalNetwork
        kind = ConvolutionalNetwork if folded.convolutions else PackedNetwork
        self._network = kind(folded, images)

    def constant(
        self, flips: Sequence[Flips | None]
    ) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
        """Return, for each hidden layer, the neurons whose value never changes.

        Of a convolution, every filter at every place of its outputs (after pooling) is a neuron:
        filter by filter, row by row.

        Parameters
        ----------
        flips : sequence of arrays
            The wrong cells of one chip, for each layer, the last one too (see
            `Evaluator.predictions`); None where a layer is free of faults.

        Returns
        -------
        list of (bool array, bool array), each of shape (neurons,)
            Whether the value is +1 on all images, and whether it is -1 on all.
        """
        return [(every, ~some) for every, some in self._network.extremes(flips)]
