"""Where each reading stands on a normal-quantile axis, censored readings included."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from rramsim.schema import ABOVE


def normal_quantiles(resistance: ArrayLike, censoring: ArrayLike) -> NDArray[np.float64]:
    """Return the normal quantile of the share of readings at or below each reading.

    The share is the product-limit (Kaplan-Meier) estimate, taken in the middle of its step;
    without censoring the i-th of n readings stands at (i - 1/2) / n. A reading that is at least
    its limit stands at the share below the limit. One that is at most its limit is ranked at the
    limit, which is exact as long as its limit is below every exact reading.

    Parameters
    ----------
    resistance : array_like, shape (readings,)
        Resistance in ohm, or the limit it is beyond.
    censoring : array_like, shape (readings,)
        -1: at most the number, 0: exact, +1: at least the number.

    Returns
    -------
    ndarray, shape (readings,)
        In sigmas. Infinite only for a reading beyond a limit no other reading reaches.

    Examples
    --------
    >>> normal_quantiles([3e3, 1e3, 2e3], [0, 0, 0]).round(3).tolist()
    [0.967, -0.967, 0.0]
    """
    value, is_above = np.asarray(resistance, dtype=float), np.asarray(censoring) == ABOVE
    # A reading beyond a limit is larger than an exact one that equals the limit.
    order = np.lexsort((is_above, value))
    left = np.arange(value.size, 0, -1)
    events = ~is_above[order]
    # Readings left after each one, as a share of the readings left before: 1 where censored.
    survival = np.cumprod(np.where(events, (left - 1) / left, 1.0))
    before = np.concatenate([[1.0], survival[:-1]])
    share = 1.0 - np.where(events, (before + survival) / 2.0, survival)
    quantiles = np.empty(value.size)
    quantiles[order] = ndtri(share)
    return quantiles
