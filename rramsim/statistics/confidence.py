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
from scipy.special import (
    betainc,
    betaincc,
    betainccinv,
    betaincinv,
    gammaincinv,
    ndtr,
    ndtri,
    stdtrit,
)

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
    low = float(betaincinv(errors, correct + 1.0, tail)) if errors > 0 else 0.0
    high = float(betainccinv(errors + 1.0, correct, tail)) if correct > 0 else 1.0
    return low, high


def clopper_pearson_ends(
    errors: NDArray[np.int64], readings: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of many intervals of `clopper_pearson` at once.

    Parameters
    ----------
    errors, readings : int64 array, of one shape

    Examples
    --------
    >>> low, high = clopper_pearson_ends(np.array([0, 3]), np.array([10, 0]))
    >>> low.tolist(), high.round(4).tolist()
    ([0.0, nan], [0.3085, nan])
    """
    tail = (1.0 - CONFIDENCE) / 2.0
    correct = np.maximum(readings - errors, 0)
    low = np.where(errors > 0, betaincinv(np.maximum(errors, 1), correct + 1.0, tail), 0.0)
    high = np.where(correct > 0, betainccinv(errors + 1.0, np.maximum(correct, 1), tail), 1.0)
    low[readings <= 0] = high[readings <= 0] = np.nan
    return low, high


def binomial_p_value(errors: int, readings: int, rate: float | NDArray[np.float64]) -> float:
    """Return how likely a count as far from what a rate gives is, where errors are independent.

    Twice the smaller tail of the binomial distribution, at most 1: below 0.05 exactly where the
    95 % interval of `clopper_pearson` leaves the rate out. NaN without readings or a rate.

    Of many rates, each as likely as the others, the tails are those of the mixture of their
    binomial distributions, which is wider: p then allows for a rate that is not known exactly.

    Parameters
    ----------
    errors, readings : int
    rate : float or ndarray
        The rate, or draws of it.

    Examples
    --------
    >>> round(binomial_p_value(0, 10, 0.5), 5)
    0.00195
    >>> round(binomial_p_value(0, 10, np.array([0.3, 0.5, 0.7])), 5)
    0.01949
    """
    if not readings or np.isnan(rate).any():
        return math.nan
    # Given any one rate, errors as many or more, and as few or fewer.
    as_many = betainc(errors, readings - errors + 1.0, rate) if errors else 1.0
    as_few = betaincc(errors + 1.0, readings - errors, rate) if errors < readings else 1.0
    return min(1.0, 2.0 * min(float(np.mean(as_many)), float(np.mean(as_few))))


def excess_p_values(
    errors: NDArray[np.int64], readings: NDArray[np.int64], rates: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how likely so many errors or more are at each rate, where errors are independent.

    Parameters
    ----------
    errors, readings : int64 array
    rates : float64 array
        All of one shape.

    Examples
    --------
    >>> counts = np.array([0, 2]), np.array([10, 2])
    >>> excess_p_values(*counts, np.array([0.5, 0.5])).tolist()
    [1.0, 0.25]
    """
    right = np.maximum(readings - errors, 0)
    tails = betainc(np.maximum(errors, 1), right + 1.0, rates)
    return np.where(errors > 0, tails, 1.0)


def smallest_countable(readings: float) -> float:
    """Return the error rate that `readings` without an error rule out at 95 %, one-sided.

    The rule of three: -ln(0.05) / n, which is about 3 / n; at most 1, as any rate.
    """
    return min(1.0, -math.log(1.0 - CONFIDENCE) / readings) if readings > 0 else math.nan


_POINTS_LOG2 = 12
_LEAST_FREEDOM = 0.5
_LEAST_SHARE = 1e-300

# For each dimension after the first: the inner coefficients of its primitive polynomial, as the
# bits of a number, and the first direction numbers (Joe and Kuo, new-joe-kuo-6.21201).
_SOBOL: tuple[tuple[int, tuple[int, ...]], ...] = (
    (0, (1,)),
    (1, (1, 3)),
    (1, (1, 3, 1)),
    (2, (1, 1, 1)),
    (1, (1, 1, 3, 3)),
)


@functools.cache
def spread_points(dimensions: int, log2_points: int) -> NDArray[np.float64]:
    """Return points spread evenly over the unit cube, the same ones every time.

    The first of Sobol's sequence in the order of Gray's code, with the direction numbers of [1]_
    and not scrambled: `scipy.stats.qmc.Sobol`, whose module takes longer to load than a fit. They
    lie half a step off the lattice, where the sequence begins with 0.

    Parameters
    ----------
    dimensions : int
        From 1 to 6.
    log2_points : int

    Returns
    -------
    ndarray, shape (dimensions, 2**log2_points)

    References
    ----------
    .. [1] S. Joe and F. Y. Kuo, "Constructing Sobol sequences with better two-dimensional
       projections", SIAM Journal on Scientific Computing 30 (2008) 2635-2654.

    Examples
    --------
    >>> spread_points(2, 2)
    array([[0.125, 0.625, 0.875, 0.375],
           [0.125, 0.625, 0.375, 0.875]])
    """
    count = 2**log2_points
    order = np.arange(count) ^ (np.arange(count) >> 1)
    lattice = np.zeros((dimensions, count), dtype=np.int64)
    directions = [[1] * log2_points, *(_directions(*row, log2_points) for row in _SOBOL)]
    for coordinate, numbers in zip(lattice, directions, strict=False):
        for place, number in enumerate(numbers):
            coordinate ^= (order >> place & 1) * (number << (log2_points - 1 - place))
    points: NDArray[np.float64] = (lattice + 0.5) / count
    return points


def _directions(polynomial: int, first: Sequence[int], count: int) -> list[int]:
    """Return as many direction numbers of one dimension, by the recurrence of its polynomial."""
    numbers, degree = list(first), len(first)
    while len(numbers) < count:
        number = numbers[-degree] ^ (numbers[-degree] << degree)
        for step in range(1, degree):
            if polynomial >> (degree - 1 - step) & 1:
                number ^= numbers[-step] << step
        numbers.append(number)
    return numbers[:count]


@functools.lru_cache(maxsize=64)
def _chi_square(freedom: float, population: int) -> NDArray[np.float64]:
    """Return the chi-squares of the points: slow, and the same for all samples of one size."""
    values: NDArray[np.float64] = 2.0 * gammaincinv(
        freedom / 2.0, spread_points(4, _POINTS_LOG2)[2 * population]
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
    points = spread_points(4, _POINTS_LOG2)
    deviate = ndtri(points[2 * population + 1])
    if math.isinf(degrees_of_freedom):
        chi_square = _chi_square(freedom, population)
    else:
        shares = ndtr(stdtrit(degrees_of_freedom, points[2 * population]))
        shares = np.clip(shares, _LEAST_SHARE, np.nextafter(1.0, 0.0))
        chi_square = 2.0 * gammaincinv(freedom / 2.0, shares)
        deviate = stdtrit(degrees_of_freedom, ndtr(deviate))
    drawn_h = h * np.sqrt(chi_square / size)
    slope = covariance[0, 1] / covariance[1, 1]
    error = math.sqrt(max(covariance[0, 0] - slope * covariance[0, 1], 0.0))
    drawn_g = g + slope * (drawn_h - h) + error * deviate
    return drawn_g / drawn_h, 1.0 / drawn_h
