"""How straight the points of a normal-quantile plot lie, and how likely that is by chance."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri

from rramsim.statistics.censoring import ABOVE, BELOW, EXACT
from rramsim.statistics.lognormal import LognormalFit
from rramsim.statistics.quantiles import normal_quantiles

LARGEST_TESTED = 100_000
"""Above this many readings any data are found wanting, and no p-value is given."""

REPLICATES = 999
_FEWEST_REPLICATES = 199
# Deviations are looked for within this many sigmas of the median.
_WITHIN_SIGMAS = 3.0
# Readings simulated at a time.
_CHUNK = 1_000_000

Floats = NDArray[np.float64]


def ppcc_deficit(x: Floats, z: Floats) -> float:
    """Return 1 - the correlation of x with its normal quantiles z: 0 on a straight line."""
    x, z = x - x.mean(), z - z.mean()
    return 1.0 - float(x @ z / math.sqrt((x @ x) * (z @ z)))


def deficit_p_value(
    deficit: float, x: Floats, side: NDArray[np.int_], fit: LognormalFit, *, seed: int
) -> float:
    """Return how often a normal sample with the same limits is at least as far from straight.

    The statistic does not change with mu and sigma, so the up to 999 samples need no fit.

    Parameters
    ----------
    deficit : float
        As `ppcc_deficit` gives it for the readings.
    x, side : ndarray, shape (readings,)
        Logarithms and censoring.
    fit : LognormalFit
        Of the readings.
    seed : int
        Of the simulated samples; samples of the same size share them.

    Returns
    -------
    float
        NaN above 100,000 readings.
    """
    if x.size > LARGEST_TESTED:
        return math.nan
    replicates = min(max(10_000_000 // x.size, _FEWEST_REPLICATES), REPLICATES)
    standard = (x - fit.mu) / fit.sigma
    below, above = standard[side == BELOW], standard[side == ABOVE]
    low = float(below.min()) if below.size else -math.inf
    high = float(above.max()) if above.size else math.inf
    exact = standard[side == EXACT]
    is_single = np.ptp(below) == 0 if below.size else True
    is_single &= np.ptp(above) == 0 if above.size else True
    if is_single and low < exact.min() and exact.max() < high:
        null = _null_deficits(x.size, low=low, high=high, replicates=replicates, seed=seed)
    else:
        null = _null_with_many_limits(standard, side, replicates=replicates, seed=seed)
    return float((1 + np.count_nonzero(null >= deficit)) / (1 + null.size))


@functools.lru_cache(maxsize=64)
def _null_deficits(n: int, *, low: float, high: float, replicates: int, seed: int) -> Floats:
    """Return the deficits of normal samples of n readings cut at one limit on either side."""
    rng = np.random.Generator(np.random.Philox(seed))
    scores = ndtri((np.arange(n) + 0.5) / n)
    rows = max(_CHUNK // n, 1)
    parts = []
    for start in range(0, replicates, rows):
        x = np.sort(rng.standard_normal((min(rows, replicates - start), n)), axis=1)
        is_exact = (x > low) & (x < high)
        parts.append(_deficits_of_rows(x, scores, is_exact))
    return np.concatenate(parts)


def _deficits_of_rows(x: Floats, scores: Floats, is_exact: NDArray[np.bool_]) -> Floats:
    count = is_exact.sum(axis=1)
    x = np.where(is_exact, x, 0.0)
    mean_x, mean_z = x.sum(axis=1) / count, is_exact @ scores / count
    xx = np.einsum("ij,ij->i", x, x) - count * mean_x**2
    zz = is_exact @ scores**2 - count * mean_z**2
    xz = x @ scores - count * mean_x * mean_z
    deficits: Floats = 1.0 - xz / np.sqrt(xx * zz)
    known: Floats = deficits[count >= 3]
    return known


def _null_with_many_limits(
    standard: Floats, side: NDArray[np.int_], *, replicates: int, seed: int
) -> Floats:
    """Return the deficits of samples whose readings have the limits of these readings.

    The limit of a reading that was exact is not known: it is taken to be the widest one.
    """
    rng = np.random.Generator(np.random.Philox(seed))
    widest_low = standard[side == BELOW].min(initial=math.inf)
    widest_high = standard[side == ABOVE].max(initial=-math.inf)
    exact = standard[side == EXACT]
    low = np.where(side == BELOW, standard, min(widest_low, exact.min()))
    high = np.where(side == ABOVE, standard, max(widest_high, exact.max()))
    low = low if np.any(side == BELOW) else np.full(standard.size, -math.inf)
    high = high if np.any(side == ABOVE) else np.full(standard.size, math.inf)
    deficits = []
    for _ in range(replicates):
        x = rng.standard_normal(standard.size)
        drawn = np.where(x < low, BELOW, np.where(x > high, ABOVE, EXACT))
        x = np.clip(x, low, high)
        # Quantiles take positive values; their order is all that matters.
        z = normal_quantiles(np.exp(x), drawn)
        known = (drawn == EXACT) & np.isfinite(z)
        if np.count_nonzero(known) >= 3:
            deficits.append(ppcc_deficit(x[known], z[known]))
    return np.array(deficits)


def anderson_darling(x: Floats) -> float:
    """Return A**2 (1 + 0.75/n + 2.25/n**2) for a normal with estimated mean and sigma [1]_.

    .. [1] R. B. D'Agostino and M. A. Stephens, "Goodness-of-Fit Techniques" (1986), table 4.7.
    """
    n = x.size
    z = np.sort((x - x.mean()) / x.std(ddof=1))
    weight = 2.0 * np.arange(1, n + 1) - 1.0
    square = -n - float(weight @ (log_ndtr(z) + log_ndtr(-z[::-1]))) / n
    return square * (1.0 + 0.75 / n + 2.25 / n**2)


def largest_deviation(x: Floats, z: Floats, fit: LognormalFit) -> float:
    """Return the largest distance from the fitted line within 3 sigmas, in sigmas."""
    inside = abs(z) <= _WITHIN_SIGMAS
    return float(np.max(abs((x - fit.mu) / fit.sigma - z)[inside], initial=0.0))
