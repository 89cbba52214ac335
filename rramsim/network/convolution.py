"""A binarized convolution as a chip holds it, and how batch norm is folded into it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rramsim.network.forms import check_directions, check_form, check_signs
from rramsim.network.thresholds import PIXEL_LIMIT, check_exact, check_finite, fold_thresholds

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


def fold_convolution(
    signs: NDArray[np.int8],
    *,
    gamma: NDArray[np.float32],
    beta: NDArray[np.float32],
    mean: NDArray[np.float32],
    variance: NDArray[np.float32],
    epsilon: float,
    pool: bool,
    pixels: bool,
) -> FoldedConvolution:
    """Fold a trained convolution with the batch norm and sign that follow it.

    The outputs are those of ``sign(sum * scale + offset)`` to the last tie, computed in float32
    with ``scale = gamma / sqrt(variance + epsilon)`` and ``offset = beta - mean * scale``, where
    0 has the sign +1.

    Parameters
    ----------
    signs : int8 array, shape (channels out, channels in, 3, 3)
        Weights, -1 or +1.
    gamma, beta, mean, variance : float32 array, shape (channels out,)
        The trained batch norm.
    epsilon : float
        What batch norm adds to the variance.
    pool : bool
        Whether the outputs are pooled 2 x 2 after the sign.
    pixels : bool
        Whether the inputs are pixels (0 to 255) and not outputs of another layer (-1, +1).

    Raises
    ------
    InputError
        If the batch norm holds values that are not finite, or sums are not exact in float32.
    """
    greatest_sum = int(signs[0].size) * (PIXEL_LIMIT if pixels else 1)
    check_exact(greatest_sum)
    scale = gamma / np.sqrt(variance + np.float32(epsilon))
    offset = beta - mean * scale
    check_finite(scale, offset)
    thresholds, directions = fold_thresholds(scale, offset, greatest_sum=greatest_sum)
    return FoldedConvolution(signs, thresholds, directions, pool)
