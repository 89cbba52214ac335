"""The batch norm of a trained layer, and how it is folded away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rramsim.network.folded.thresholds import check_finite

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
