"""Batch norm and sign folded into one comparison of a whole number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rramsim.network.folded.checks import check_exact, check_finite
from rramsim.network.folded.network import (
    PIXEL_LIMIT,
    FoldedConvolution,
    FoldedLayer,
    FoldedNetwork,
    Layer,
    ScoreLayer,
)


def fold_thresholds(
    scale: NDArray[np.float32], offset: NDArray[np.float32], *, greatest_sum: int
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Return (thresholds, directions) such that ``direction * sum >= threshold`` is the sign.

    ``sum * scale + offset``, rounded to float32 at each step, is monotone in the integer ``sum``,
    since rounding is. The threshold is found by bisection on that very expression, not by
    dividing, so no rounding can move it.

    Parameters
    ----------
    scale, offset : float32 array, shape (neurons,)
        The batch norm; a neuron fires where it gives 0 or more.
    greatest_sum : int
        No sum is beyond -greatest_sum..greatest_sum.
    """
    directions = np.where(scale < 0, -1, 1).astype(np.int8)
    slope = scale * directions
    thresholds = first_firing(
        lambda sums: sums.astype(np.float32) * slope + offset >= 0,
        neurons=len(scale),
        greatest_sum=greatest_sum,
    )
    return thresholds, directions


def first_firing(
    fires: Callable[[NDArray[np.int64]], NDArray[np.bool_]], *, neurons: int, greatest_sum: int
) -> NDArray[np.int64]:
    """Return, for each neuron, the least sum that fires; one above the greatest if none does.

    Parameters
    ----------
    fires : callable
        From one sum for each neuron to whether it fires; where it does, greater sums must too.
    neurons : int
        Their number.
    greatest_sum : int
        No sum is beyond -greatest_sum..greatest_sum.
    """
    low = np.full(neurons, -greatest_sum, dtype=np.int64)
    high = np.full(neurons, greatest_sum + 1, dtype=np.int64)
    while (low < high).any():
        middle = (low + high) // 2
        fired = fires(middle)
        # Where low has met high, middle is high: lowering high to it changes nothing, and low
        # must not rise past it.
        low = np.where(fired | (low == high), low, middle + 1)
        high = np.where(fired, middle, high)
    return low


EPSILON = 1e-4
"""What batch norm adds to the variance, as in Courbariaux et al. 2016 (arXiv 1602.02830)."""


@dataclass(frozen=True, eq=False)
class BatchNorm:
    """``gamma (sum - mean) / sqrt(variance + epsilon) + beta`` of each neuron or filter.

    Attributes
    ----------
    gamma, beta, mean, variance : float32 array, shape (neurons,)
        Mean and variance are those of the sums, as training met them.
    """

    gamma: NDArray[np.float32]
    beta: NDArray[np.float32]
    mean: NDArray[np.float32]
    variance: NDArray[np.float32]

    def affine(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return (scale, offset), each (neurons,), such that the norm is ``sum scale + offset``.

        Multiplication and addition are two roundings to float32, here and wherever a network is
        folded; torch's own batch norm may fuse them, and ties would then fall differently.

        Raises
        ------
        InputError
            If a value is not finite: the training diverged.
        """
        scale = self.gamma / np.sqrt(self.variance + np.float32(EPSILON))
        offset = self.beta - self.mean * scale
        check_finite(scale, offset)
        return scale, offset


def fold_layers(
    signs: Sequence[NDArray[np.int8]],
    norms: Sequence[BatchNorm],
    *,
    pools: Sequence[bool],
    image_shape: tuple[int, int, int] | None,
    signed_levels: int | None = None,
) -> FoldedNetwork:
    """Fold sign weights and batch norms, layer by layer.

    Parameters
    ----------
    signs : sequence of int8 arrays
        Of shape (filters, channels, 3, 3) in convolutions, else (neurons, inputs).
    norms : sequence of BatchNorm
        One a layer. The last layer may have none: then its sums are the scores.
    pools : sequence of bool
        For each layer, whether its outputs are pooled 2 x 2.
    image_shape, signed_levels
        See `FoldedNetwork`.
    """
    layers: list[Layer] = []
    affine = [norm.affine() for norm in norms]
    if len(affine) == len(signs) - 1:
        classes = len(signs[-1])
        affine.append((np.ones(classes, np.float32), np.zeros(classes, np.float32)))
    for number, (weights, (scale, offset)) in enumerate(zip(signs, affine, strict=True)):
        greatest_sum = int(weights[0].size) * (1 if number else PIXEL_LIMIT)
        check_exact(greatest_sum)
        if number == len(signs) - 1:
            layers.append(ScoreLayer(weights, scale, offset))
            continue
        folded = fold_thresholds(scale, offset, greatest_sum=greatest_sum)
        if weights.ndim == 4:
            layers.append(FoldedConvolution(weights, *folded, pool=pools[number]))
        else:
            layers.append(FoldedLayer(weights, *folded))
    return FoldedNetwork(tuple(layers), image_shape, signed_levels)
