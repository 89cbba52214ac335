"""How far the ends of an interval reach, what counting shows, and what a fit leaves open.

The populations that a fit leaves open are those of a generalised confidence interval [1]_: what
is exactly known of a normal sample, that n s**2 / sigma**2 is chi-square of n - 1 degrees of
freedom and sqrt(n) (mean - mu) / sigma standard normal, is solved for mu and sigma.

.. [1] S. Weerahandi, "Generalized confidence intervals", Journal of the American Statistical
   Association 88 (1993) 899-905.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from statistics import fmean, stdev

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtr, ndtri, stdtrit
from scipy.stats import beta, qmc

CONFIDENCE = 0.95
"""Confidence of every interval rramsim gives, two-sided."""


NORMAL_END = float(ndtri(0.5 + CONFIDENCE / 2.0))
"""How many standard errors such an interval reaches on either side."""


def standard_errors(degrees_of_freedom: float = math.inf) -> float:
    """Return how many standard errors a 95 % interval reaches on either side.

    Parameters
    ----------
    degrees_of_freedom : float
        Of Student's t; infinite for a normal estimate whose error is known. A standard error
        taken from k clusters has k - 1.

    Examples
    --------
    >>> round(standard_errors(), 2), round(standard_errors(4), 2)
    (1.96, 2.78)
    """
    if math.isinf(degrees_of_freedom):
        return NORMAL_END
    return float(stdtrit(degrees_of_freedom, 0.5 + CONFIDENCE / 2.0))


def mean_of_resamples(
    values: Sequence[float], *, test_by_train: float = 0.0
) -> tuple[float, float, float]:
    """Return mean, standard deviation and half the width of the 95 % interval of the mean.

    Student's t interval with one degree of freedom less than there are values.

    Parameters
    ----------
    values : sequence of float
        At least two.
    test_by_train : float
        0 for independent values. For scores of resampled parts of one sample, the size of the
        part tested over that of the part trained on: the variance of the mean is then that of the
        values times 1/n + this, in place of 1/n (C. Nadeau and Y. Bengio, Machine Learning 52,
        2003, 239-281).

    Raises
    ------
    ValueError
        If there are fewer than two.

    Examples
    --------
    >>> [round(value, 3) for value in mean_of_resamples([1.0, 2.0, 3.0])]
    [2.0, 1.0, 2.484]
    """
    n = len(values)
    if n < 2:
        raise ValueError(f"{n} value has no spread; two or more are needed.")
    # Exact inside, so that equal values have a deviation of exactly 0.
    deviation = stdev(values)
    half = standard_errors(n - 1) * deviation * math.sqrt(1.0 / n + test_by_train)
    return fmean(values), deviation, half


def clopper_pearson(errors: float, readings: float) -> tuple[float, float]:
    """Return the ends of the two-sided 95 % Clopper-Pearson interval, NaN without readings."""
    if not readings > 0:
        return math.nan, math.nan
    tail = (1.0 - CONFIDENCE) / 2.0
    # Sums of weights may overshoot a whole count by rounding.
    correct = max(readings - errors, 0.0)
    low = float(beta.ppf(tail, errors, correct + 1.0)) if errors > 0 else 0.0
    high = float(beta.isf(tail, errors + 1.0, correct)) if correct > 0 else 1.0
    return low, high


def smallest_countable(readings: float) -> float:
    """Return the error rate that `readings` without an error rule out at 95 %, one-sided.

    The rule of three: -ln(0.05) / n, which is about 3 / n; at most 1, as any rate.
    """
    return min(1.0, -math.log(1.0 - CONFIDENCE) / readings) if readings > 0 else math.nan


_POINTS = 4096
_LEAST_FREEDOM = 0.5
_LEAST_SHARE = 1e-300


@functools.lru_cache(maxsize=1)
def _uniform_points() -> NDArray[np.float64]:
    """Return evenly spread points in the unit cube of 4 dimensions, the same ones every time."""
    # Half a step off the lattice, where Sobol's sequence begins with 0.
    points: NDArray[np.float64] = qmc.Sobol(4, scramble=False).random(_POINTS) + 0.5 / _POINTS
    return points


@functools.lru_cache(maxsize=64)
def _chi_square(freedom: float, population: int) -> NDArray[np.float64]:
    """Return the chi-squares of the points: slow, and the same for all samples of one size."""
    values: NDArray[np.float64] = 2.0 * gammaincinv(
        freedom / 2.0, _uniform_points()[:, 2 * population]
    )
    return values


def populations_left_open(
    mu: float,
    sigma: float,
    covariance: NDArray[np.float64],
    *,
    degrees_of_freedom: float = math.inf,
    population: int = 0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return populations that the sample behind a fit leaves open, each as likely as the others.

    In g = mu / sigma and h = 1 / sigma the estimates of an uncensored sample are h of
    chi-distribution (n h**2 / h_true**2 inverted) and, given h, g normal. The covariance of (g, h)
    gives n, as h**2 / (2 Var h), and the normal law, so that censored samples and clusters have the
    same law with the numbers that they are worth. For uncensored independent readings it is exact.

    Parameters
    ----------
    mu, sigma : float
        Maximum-likelihood estimates.
    covariance : ndarray, shape (2, 2)
        Of the estimates of (g, h).
    degrees_of_freedom : float
        Of the covariance; a finite number widens both laws from normal to Student's t.
    population : int
        0 or 1: two populations with different numbers are independent of each other.

    Returns
    -------
    mu, sigma : ndarray, shape (4096,)

    Examples
    --------
    >>> information = 30 * np.array([[1.0, 0.0], [0.0, 2.0]])
    >>> mu, sigma = populations_left_open(0.0, 1.0, np.linalg.inv(information))
    >>> [round(float(end), 2) for end in np.quantile(sigma, (0.025, 0.975))]  # sqrt(30 / chi2)
    [0.81, 1.37]
    """
    g, h = mu / sigma, 1.0 / sigma
    size = h * h / (2.0 * covariance[1, 1])
    # Rounded, so that samples of one size share their chi-squares.
    freedom = max(float(f"{size - 1.0:.9g}"), _LEAST_FREEDOM)
    deviate = ndtri(_uniform_points()[:, 2 * population + 1])
    if math.isinf(degrees_of_freedom):
        chi_square = _chi_square(freedom, population)
    else:
        points = ndtr(stdtrit(degrees_of_freedom, _uniform_points()[:, 2 * population]))
        points = np.clip(points, _LEAST_SHARE, np.nextafter(1.0, 0.0))
        chi_square = 2.0 * gammaincinv(freedom / 2.0, points)
        deviate = stdtrit(degrees_of_freedom, ndtr(deviate))
    drawn_h = h * np.sqrt(chi_square / size)
    slope = covariance[0, 1] / covariance[1, 1]
    error = math.sqrt(max(covariance[0, 0] - slope * covariance[0, 1], 0.0))
    drawn_g = g + slope * (drawn_h - h) + error * deviate
    return drawn_g / drawn_h, 1.0 / drawn_h
