"""Which lognormal a mean or median has with its spread, and how well so many readings tell it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from rramsim.errors import InputError
from rramsim.measurements import CentreAndSpread
from rramsim.statistics.lognormal import LognormalFit

_QUARTILE = float(ndtri(0.75))
# Between points of the standard normal over which covariances are summed, none of them a quartile.
_STEP = 1e-3


def lognormal_of(summary: CentreAndSpread, *, assumed: int) -> LognormalFit:
    """Return the lognormal that has a mean or median and a spread.

    With mu and sigma of ln R, the median is exp(mu), the mean exp(mu + sigma**2 / 2), the variance
    mean**2 (exp(sigma**2) - 1), and the interquartile range 2 exp(mu) sinh(0.6745 sigma). The
    covariance is that of both in the same large sample of the lognormal, by the delta method from
    their influence functions (F. R. Hampel, "The influence curve and its role in robust
    estimation", Journal of the American Statistical Association 69 (1974) 383-393).

    Parameters
    ----------
    summary : CentreAndSpread
    assumed : int
        Readings where it is not said how many there were.

    Raises
    ------
    InputError
        If the spread or, of R, the centre is not above 0, or if they are a mean and an
        interquartile range, which two lognormals may have: IQR / mean, which is
        2 exp(-sigma**2 / 2) sinh(0.6745 sigma), rises up to sigma = 1.08 and falls from there.
    """
    centre, spread = summary.centre, summary.spread
    is_of_logarithm = summary.centre_of == "mean of ln R"
    if not (0.0 < spread < math.inf and math.isfinite(centre) and (is_of_logarithm or centre > 0)):
        raise InputError(
            f"{summary.file}: {summary.condition!r}, {summary.state}: a {summary.basis} of "
            f"{centre:g} and {spread:g} are of no lognormal; both are above 0."
        )
    if (summary.centre_of, summary.spread_of) == ("mean", "interquartile range"):
        raise InputError(
            f"{summary.file}: {summary.condition!r}, {summary.state}: a mean and an interquartile "
            "range are of two lognormals; give the median, or the standard deviation."
        )
    count = summary.readings or assumed
    mu, sigma = _parameters(summary)
    to_olsen = np.array([[1.0 / sigma, -mu / sigma**2], [0.0, -1.0 / sigma**2]])
    covariance = to_olsen @ (_variances(summary, sigma) / count) @ to_olsen.T
    return LognormalFit(mu, sigma, covariance, count, 0, 0, cells=count)


def _parameters(summary: CentreAndSpread) -> tuple[float, float]:
    """Return mu and sigma."""
    centre, spread = summary.centre, summary.spread
    sigma = spread
    if summary.spread_of == "interquartile range":
        sigma = math.asinh(spread / (2.0 * centre)) / _QUARTILE
    if summary.spread_of == "standard deviation":
        ratio = (spread / centre) ** 2
        # Of the median m: (s / m)**2 = x**2 - x with x = exp(sigma**2).
        root = (1.0 + math.sqrt(1.0 + 4.0 * ratio)) / 2.0
        sigma = math.sqrt(math.log1p(ratio) if summary.centre_of == "mean" else math.log(root))
    if summary.centre_of == "mean of ln R":
        return centre, sigma
    return math.log(centre) - (sigma**2 / 2.0 if summary.centre_of == "mean" else 0.0), sigma


def _variances(summary: CentreAndSpread, sigma: float) -> NDArray[np.float64]:
    """Return n times the covariance of mu and sigma in a sample of n, shape (2, 2).

    The influence functions are of ln R in units of its sigma, for a median of 1; a lognormal of
    another median only shifts them.
    """
    reach = 10.0 + 5.0 * sigma
    z: NDArray[np.float64] = np.arange(-reach, reach, _STEP) + _STEP / 2.0
    weight = np.exp(-(z**2) / 2.0) * (_STEP / math.sqrt(2.0 * math.pi))
    centre = _influence_on_centre(summary.centre_of, z, sigma)
    on_sigma: NDArray[np.float64]
    if summary.spread_of == "sigma of ln R":
        on_sigma = sigma * (z**2 - 1.0) / 2.0
    elif summary.spread_of == "interquartile range":
        low, high = (sigma * _of_quantile(z, q) for q in (-_QUARTILE, _QUARTILE))
        up, down = math.exp(_QUARTILE * sigma), math.exp(-_QUARTILE * sigma)
        on_sigma = (up * (high - centre) - down * (low - centre)) / (up + down) / _QUARTILE
    else:
        # ln(s**2 / centre**2) is ln(x - 1) of the mean and ln(x**2 - x) of the median.
        growth = math.exp(sigma**2)
        variance = growth * (growth - 1.0)
        ratio = ((np.exp(sigma * z) - math.sqrt(growth)) ** 2 / variance - 1.0) - 2.0 * centre
        steepness = 1.0 / (growth - 1.0)
        if summary.centre_of == "median":
            steepness = (2.0 * growth - 1.0) / (growth * (growth - 1.0))
        on_sigma = np.asarray(ratio / (2.0 * sigma * growth * steepness))
    on_mu = centre - (sigma * on_sigma if summary.centre_of == "mean" else 0.0)
    influences = np.stack([on_mu, on_sigma])
    covariance: NDArray[np.float64] = (influences * weight) @ influences.T
    return covariance


def _influence_on_centre(
    centre_of: str, z: NDArray[np.float64], sigma: float
) -> NDArray[np.float64]:
    """Return the influence of each reading on the mean of ln R, or on ln of the centre of R."""
    if centre_of == "mean of ln R":
        on_logarithm: NDArray[np.float64] = sigma * z
        return on_logarithm
    if centre_of == "median":
        on_median: NDArray[np.float64] = sigma * _of_quantile(z, 0.0)
        return on_median
    on_mean: NDArray[np.float64] = np.exp(sigma * z - sigma**2 / 2.0) - 1.0
    return on_mean


def _of_quantile(z: NDArray[np.float64], at: float) -> NDArray[np.float64]:
    """Return the influence of each normal reading on the quantile at `at`."""
    density = math.exp(-(at**2) / 2.0) / math.sqrt(2.0 * math.pi)
    return np.asarray((float(ndtr(at)) - (z <= at)) / density, dtype=float)
