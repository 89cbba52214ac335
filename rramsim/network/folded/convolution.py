"""A binarized convolution as a chip holds it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rramsim.network.folded.checks import check_directions, check_form, check_signs

TAPS = 9
"""Weights of one channel in a filter of 3 x 3."""


@dataclass(frozen=True, eq=False)
class FoldedConvolution:
    """Filters of 3 x 3: one gives +1 at a place where ``direction * sum >= threshold``, else -1.

    ``sum`` is the integer cross-correlation of the filter with the values around the place, at
    stride 1. Outside the image nothing is added: there a value is neither +1 nor -1, as with the
    zeros that torch pads with. So at a border fewer weights count, under the same threshold.

    With `pool`, every 2 x 2 outputs become one, which is +1 where any of them is (the greatest);
    an odd last row or column is left out. Pooling follows the sign, so for direction -1 it is not
    what pooling the sums before batch norm would give.

    Attributes
    ----------
    signs : int8 array, shape (channels out, channels in, 3, 3)
        Weights, -1 or +1.
    thresholds : int64 array, shape (channels out,)
        Least ``direction * sum`` that fires.
    directions : int8 array, shape (channels out,)
        +1, or -1 where the output falls as the sum rises.
    pool : bool
        Whether 2 x 2 outputs become one.
    """

    signs: NDArray[np.int8]
    thresholds: NDArray[np.int64]
    directions: NDArray[np.int8]
    pool: bool

    def __post_init__(self) -> None:
        check_signs(self.signs, axes="channels out, channels in, 3, 3")
        if self.signs.shape[2:] != (3, 3):
            raise ValueError(f"filters are 3 x 3, found {self.signs.shape[2:]}")
        channels = self.signs.shape[0]
        check_form("thresholds", self.thresholds, np.int64, (channels,))
        check_directions(self.directions, channels)

    @property
    def matrix(self) -> NDArray[np.int8]:
        """The signs as a crossbar holds them, (channels out, channels in * 9).

        An input is a channel with one of the nine places of the filter, row by row.
        """
        return self.signs.reshape(self.signs.shape[0], -1)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of the outputs for inputs of this size."""
        return (height // 2, width // 2) if self.pool else (height, width)
