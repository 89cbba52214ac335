"""Which lognormal a mean or median has with its spread, and how well so many readings tell it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from rramsim.errors import InputError
from rramsim.measurements import CentreAndSpread
from rramsim.statistics.lognormal import LognormalFit

_QUARTILE = float(ndtri(0.75))
# Of a normal population: n times the variance of its median over sigma**2, and n times that of the
# interquartile range over 2 * _QUARTILE * sigma.
_OF_MEDIAN = math.pi / 2.0
_OF_QUARTILES = 0.25 / (math.exp(-(_QUARTILE**2)) / (2.0 * math.pi)) / (2.0 * _QUARTILE) ** 2


def lognormal_of(summary: CentreAndSpread, *, assumed: int) -> LognormalFit:
    """Return the lognormal that has a mean or median and a spread.

    With mu and sigma of ln R, the median is exp(mu), the mean exp(mu + sigma**2 / 2), the variance
    mean**2 (exp(sigma**2) - 1), and the interquartile range 2 exp(mu) sinh(0.6745 sigma). The
    covariance is that of the sample of a lognormal: of mean and standard deviation by the delta
    method from its third and fourth moments, of the median and the quartiles that of normal order
    statistics.

    Parameters
    ----------
    summary : CentreAndSpread
    assumed : int
        Readings where it is not said how many there were.

    Raises
    ------
    InputError
        If the spread or, of R, the centre is not above 0.
    """
    centre, spread = summary.centre, summary.spread
    is_of_logarithm = summary.centre_of == "mean of ln R"
    if not (0.0 < spread < math.inf and math.isfinite(centre) and (is_of_logarithm or centre > 0)):
        raise InputError(
            f"{summary.file}: {summary.condition!r}, {summary.state}: a {summary.basis} of "
            f"{centre:g} and {spread:g} are of no lognormal; both are above 0."
        )
    count = summary.readings or assumed
    mu, sigma, variances = _parameters(summary)
    to_olsen = np.array([[1.0 / sigma, -mu / sigma**2], [0.0, -1.0 / sigma**2]])
    covariance = to_olsen @ (variances / count) @ to_olsen.T
    return LognormalFit(mu, sigma, covariance, count, 0, 0, cells=count)


def _parameters(summary: CentreAndSpread) -> tuple[float, float, NDArray[np.float64]]:
    """Return mu, sigma, and n times their covariance in a sample of n."""
    centre, spread = summary.centre, summary.spread
    if summary.spread_of == "standard deviation":
        return _of_deviation(centre, spread, is_mean=summary.centre_of == "mean")
    sigma, of_sigma = spread, 0.5
    if summary.spread_of == "interquartile range":
        sigma, of_sigma = math.asinh(spread / (2.0 * centre)) / _QUARTILE, _OF_QUARTILES
    mu, of_mu = (centre if summary.centre_of == "mean of ln R" else math.log(centre)), 1.0
    if summary.centre_of == "median":
        of_mu = _OF_MEDIAN
    if summary.centre_of == "mean":
        mu -= sigma**2 / 2.0
    return mu, sigma, sigma**2 * np.diag([of_mu, of_sigma])


def _of_deviation(
    centre: float, deviation: float, *, is_mean: bool
) -> tuple[float, float, NDArray[np.float64]]:
    """Return the same of the mean or the median of R and its standard deviation."""
    ratio = (deviation / centre) ** 2
    # Of the median m: (s / m)**2 = x**2 - x with x = exp(sigma**2).
    growth = 1.0 + ratio if is_mean else (1.0 + math.sqrt(1.0 + 4.0 * ratio)) / 2.0
    sigma = math.sqrt(math.log(growth))
    mean = centre if is_mean else centre * math.sqrt(growth)
    variance = deviation**2
    third = deviation**3 * (growth + 2.0) * math.sqrt(growth - 1.0)
    fourth = variance**2 * (growth**4 + 2.0 * growth**3 + 3.0 * growth**2 - 3.0)
    of_moments = np.array([[variance, third], [third, fourth - variance**2]])
    toward = np.array([-2.0 * variance / mean, 1.0]) / (mean**2 + variance)
    slopes = np.array([[1.0 / mean, 0.0] - toward / 2.0, toward / (2.0 * sigma)])
    return math.log(mean) - sigma**2 / 2.0, sigma, slopes @ of_moments @ slopes.T
