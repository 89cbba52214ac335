"""Chips whose wrong cells are drawn anew for every image: sums corrected flip by flip.

The sums of a layer are counted for a block of images with the weights that the chip keeps, as those
of any chip are, and then changed by every weight that is wrong for one of the images: a weight w of
an input x that is read as -w changes the sum by -2 w x.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import Flips, FreshFlips, pack_rows, words_for
from rramsim.kernels import kernel
from rramsim.network.packed.layers import Coding, PackedLayer
from rramsim.network.packed.units import padded
from rramsim.parallel import share

if TYPE_CHECKING:
    from rramsim.network.packed.dense import PackedNetwork

# The flips of so many images lie in memory at once, for each thread.
_IMAGES = 32


@dataclass(frozen=True, eq=False)
class _Cells:
    """Weights that may be wrong: neuron, input, and value (-1 or +1) as it is packed."""

    neurons: NDArray[np.int32]
    inputs: NDArray[np.int32]
    values: NDArray[np.int8]

    @classmethod
    def of(cls, layer: PackedLayer, flips: FreshFlips) -> _Cells:
        cells = flips.cells
        if cells.size and not 0 <= cells.min() <= cells.max() < layer.neurons * layer.inputs:
            raise ValueError(f"positions lie in 0..{layer.neurons * layer.inputs - 1}")
        neurons, inputs = np.divmod(cells, layer.inputs)
        words = layer.weights[neurons >> 5, inputs >> 6, neurons & 31]
        is_plus = words >> (inputs & 63).astype(np.uint64) & np.uint64(1)
        values = np.where(is_plus, 1, -1).astype(np.int8)
        return cls(neurons.astype(np.int32), inputs.astype(np.int32), values)


class FreshNetwork:
    """Scores chips of which some layers are read anew for every image.

    Parameters
    ----------
    network : PackedNetwork
    """

    def __init__(self, network: PackedNetwork) -> None:
        self._network = network

    def predictions(self, flips: Sequence[Flips | FreshFlips]) -> NDArray[np.int64]:
        """Return the class of each image, each on reads of its own.

        Parameters
        ----------
        flips : sequence
            For each layer, cells that are wrong for all images (see `Evaluator.predictions`), or
            a source of those that are wrong for each.
        """
        network = self._network
        if len(flips) != len(network.layers):
            raise ValueError(f"{len(network.layers)} layers, and flips for {len(flips)}")
        kept = [cells if isinstance(cells, np.ndarray) else None for cells in flips]
        chip = network.chip(kept)
        fresh = [
            None if isinstance(cells, np.ndarray) else (cells, _Cells.of(layer, cells))
            for layer, cells in zip(network.layers, flips, strict=True)
        ]

        def work(first: int) -> NDArray[np.int64]:
            stop = min(first + _IMAGES, network.images)
            images, sums = slice(first, stop), np.empty(0, dtype=np.int64)
            values, codes = network.inputs[first : first + padded(stop - first)], network.codes
            codes = np.ascontiguousarray(codes[images])
            for layer, reads in zip(chip, fresh, strict=True):
                sums = layer.sums(layer.counted(values)[: stop - first])
                if reads is not None:
                    _correct_reads(sums, codes, layer.coding, *reads, images)
                sums = sums[:, : layer.layer.neurons]
                is_on = sums >= layer.layer.thresholds[: layer.layer.neurons]
                values = np.zeros((padded(stop - first), words_for(is_on.shape[1])), np.uint64)
                values[: stop - first] = pack_rows(is_on)
                codes = is_on.view(np.uint8)
            return sums

        parts = share(work, list(range(0, network.images, _IMAGES)))
        none = np.empty((0, chip[-1].layer.neurons), np.int64)
        return network.output.classes(np.concatenate([none, *parts]))


def _correct_reads(
    sums: NDArray[np.int64],
    codes: NDArray[np.uint8],
    coding: Coding,
    flips: FreshFlips,
    cells: _Cells,
    images: slice,
) -> None:
    """Change the oriented sums of images, (images, neurons), by the weights that are wrong."""
    starts, places = flips.of_images(images.start, images.stop)
    own = cells.neurons, cells.inputs, cells.values
    _correct(sums, codes, starts, places, *own, coding.low, coding.step)


@kernel(
    "void(int64[:,::1], uint8[:,::1], int64[::1], int32[::1], int32[::1], int32[::1], int8[::1], "
    "int64, int64)"
)
def _correct(
    sums: NDArray[np.int64],
    codes: NDArray[np.uint8],
    starts: NDArray[np.int64],
    places: NDArray[np.int32],
    neurons: NDArray[np.int32],
    inputs: NDArray[np.int32],
    weights: NDArray[np.int8],
    low: int,
    step: int,
) -> None:
    """Change the sums of each image by the weights that are wrong for it."""
    for image in range(sums.shape[0]):
        for number in range(starts[image], starts[image + 1]):
            place = places[number]
            value = low + step * int(codes[image, inputs[place]])
            sums[image, neurons[place]] -= 2 * weights[place] * value
