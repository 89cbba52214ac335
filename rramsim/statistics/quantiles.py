"""Where each reading stands on a normal-quantile axis, censored readings included."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from rramsim.statistics.censoring import ABOVE, BELOW


def normal_quantiles(values: ArrayLike, censoring: ArrayLike) -> NDArray[np.float64]:
    """Return the normal quantile of the share of readings at or below each reading.

    The share is the product-limit (Kaplan-Meier) estimate, taken in the middle of its step;
    without censoring the i-th of n readings stands at (i - 1/2) / n. A reading that is at least
    its limit stands at the share below the limit. One that is at most its limit is ranked at the
    limit, which is exact as long as its limit is below every exact reading.

    Parameters
    ----------
    values : array_like, shape (readings,)
        Each the value, or the limit it is beyond.
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
    value, is_above = np.asarray(values, dtype=float), np.asarray(censoring) == ABOVE
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


# Beyond every value, and finite: infinities do not interpolate.
_BEYOND = 1e300


def sample_percentiles(
    values: ArrayLike, censoring: ArrayLike, percents: Sequence[float] = (5, 50, 95)
) -> NDArray[np.float64]:
    """Return the percentiles of the readings themselves, NaN where limits leave one open.

    A percentile rises with each reading, so it is known where it is the same with every limit
    taken at its one end and at its other: a reading of at least a limit may be as high as can be.

    Parameters
    ----------
    values, censoring : array_like, shape (readings,)
        One reading at least.
    percents : sequence of float
        From 0 to 100.

    Returns
    -------
    ndarray
        One for each of `percents`.

    Examples
    --------
    >>> sample_percentiles([1e4, 2e4, 3e4, 1e8, 1e8], [0, 0, 0, 1, 1], (0, 50, 95)).tolist()
    [10000.0, 30000.0, nan]
    """
    value, side = np.asarray(values, dtype=float), np.asarray(censoring)
    least = np.percentile(np.where(side == BELOW, 0.0, value), percents)
    most = np.percentile(np.where(side == ABOVE, _BEYOND, value), percents)
    known: NDArray[np.float64] = np.where(least == most, least, np.nan)
    return known
