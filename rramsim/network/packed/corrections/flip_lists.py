"""The flipped weights of a layer of one chip, neuron by neuron."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import Flips, Words, positions_of


@dataclass(frozen=True, eq=False)
class FlipLists:
    """The flipped weights of a layer, neuron by neuron (see `sliced_kernels.list_flips`).

    Attributes
    ----------
    inputs : int32 array
    bounds : int64 array, shape (neurons, 5)
    """

    inputs: NDArray[np.int32]
    bounds: NDArray[np.int64]

    @cached_property
    def neurons(self) -> NDArray[np.int64]:
        """Those with flips."""
        return np.flatnonzero(self.bounds[:, 4])

    @property
    def most(self) -> int:
        """The greatest number of flips of a neuron."""
        return int(self.bounds[:, 4].max())


def count_flips(flips: Flips) -> int:
    """Return how many weights are flipped."""
    return flips.size if flips.ndim == 1 else int(np.bitwise_count(flips).sum(dtype=np.int64))


def positions_of_flips(flips: Flips, inputs: int) -> NDArray[np.int64]:
    """Return flips of a layer of so many inputs as sorted positions."""
    if flips.ndim == 1:
        return np.ascontiguousarray(flips, dtype=np.int64)
    return positions_of(np.ascontiguousarray(flips, dtype=np.uint64), columns=inputs)


def list_flips(flips: Flips, weights: Words, inputs: int) -> FlipLists:
    """List flips of a layer of so many inputs by neuron.

    Parameters
    ----------
    flips : array
        Sorted positions, or a mask.
    weights : uint64 array, shape (neurons, words)
        Free of faults.
    inputs : int
    """
    from rramsim.network.packed.corrections import sliced_kernels

    padding = 2 * (sliced_kernels.GROUP - 1) * len(weights)
    count = count_flips(flips)
    listed = np.empty(count + padding if count else 0, dtype=np.int32)
    bounds = np.empty((len(weights), 5), dtype=np.int64)
    if flips.ndim == 1:
        positions = positions_of_flips(flips, inputs)
        sliced_kernels.list_positions(positions, inputs, weights, listed, bounds)
    else:
        mask = np.ascontiguousarray(flips, dtype=np.uint64)
        sliced_kernels.list_flips(mask, weights, listed, bounds)
    return FlipLists(listed, bounds)
