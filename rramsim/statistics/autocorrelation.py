"""How much a series of readings tells where one goes with the next."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]

# Terms of the autocorrelation that are smaller change no effective size by a thousandth.
_NEGLIGIBLE = 1e-4
_MOST_LAGS = 5000
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


@dataclass(frozen=True, eq=False)
class Series:
    """A series of readings as an autoregressive process.

    Attributes
    ----------
    readings : int
        Length of the series.
    correlation : ndarray, shape (lags,)
        Correlation of readings 0, 1, 2, ... apart; at least 0 and 1 apart.
    for_mean, for_spread : float
        Independent readings that would tell as much of the mean, and of the variance.
    """

    readings: int
    correlation: Floats
    for_mean: float
    for_spread: float

    @property
    def freedom_of_mean(self) -> float:
        """Degrees of freedom with which the variance of the mean is known.

        Of independent readings n - 1. The spectrum at frequency 0 of an autoregressive process
        with one coefficient c varies by 2/n + 4 (1 + c) / (n (1 - c)), relative and squared: with
        m = n (1 - c) / (1 + c) readings for the mean that is as of 1 / (1/n + 2/m) degrees.
        """
        if self.for_mean >= self.readings:
            return self.readings - 1.0
        return max(1.0, 1.0 / (1.0 / self.readings + 2.0 / self.for_mean))

    @property
    def lag_one(self) -> float:
        """Correlation of a reading with the next one."""
        return float(self.correlation[1])


def series_of(x: ArrayLike) -> Series:
    """Describe a series by the autoregressive process of the order that Akaike's criterion picks.

    The orders tried reach to 10 log10(n), their coefficients are those of Yule and Walker [1]_.
    With rho_l the correlation of readings l apart, n readings tell as much of the mean as
    n / (1 + 2 sum rho_l) independent ones, and, normal readings, as much of the variance as
    n / (1 + 2 sum rho_l**2) [2]_; neither counts as more than n.

    Parameters
    ----------
    x : array_like, shape (readings,)
        In the order in which they were read.

    References
    ----------
    .. [1] P. J. Brockwell and R. A. Davis, Time Series: Theory and Methods, Springer, 1991.
    .. [2] M. B. Priestley, Spectral Analysis and Time Series, Academic Press, 1981.

    Examples
    --------
    >>> import numpy as np
    >>> found = series_of(np.random.default_rng(1).standard_normal(1000))
    >>> found.for_mean > 900
    True
    """
    values = np.asarray(x, dtype=float)
    n = values.size
    most = max(1, min(n // 4, int(10.0 * math.log10(max(n, 2)))))
    sample = _sample_correlation(values, most)
    coefficients, noise = _yule_walker(sample, n)
    correlation = _continued(sample, coefficients, n)
    at_zero = noise / (1.0 - float(coefficients.sum())) ** 2
    squares = 1.0 + 2.0 * float(np.sum(correlation[1:] ** 2)) if coefficients.size else 1.0
    return Series(
        readings=n,
        correlation=correlation,
        for_mean=n / max(1.0, at_zero),
        for_spread=n / squares,
    )


def error_effect(series: Series, rate: float) -> float:
    """Return by how much the variance of an error rate is wider than that of independent readings.

    An error is a normal reading beyond a limit that a share `rate` is beyond. Errors l readings
    apart have the correlation [Phi2(z, z; rho_l) - rate**2] / [rate (1 - rate)], with Phi2 the
    probability that both of two normal readings of correlation rho_l are beyond z: the farther
    out the limit, the less errors go together.

    Parameters
    ----------
    series : Series
    rate : float
        Above 0 and below 1.
    """
    z = float(ndtri(rate))
    rho = series.correlation[1:]
    # d Phi2 / d rho is the density at (z, z): integrate it from 0 to rho.
    at = rho[:, None] * (_NODES + 1.0) / 2.0
    density = np.exp(-(z**2) / (1.0 + at)) / (2.0 * math.pi * np.sqrt(1.0 - at**2))
    together = rho / 2.0 * (density @ _WEIGHTS) / (rate * (1.0 - rate))
    share_left = 1.0 - np.arange(1, rho.size + 1) / series.readings
    return max(1.0, 1.0 + 2.0 * float(np.sum(share_left * together)))


def _sample_correlation(x: Floats, most: int) -> Floats:
    """Return the correlation of readings 0 to `most` apart."""
    centred = x - x.mean()
    spectrum = np.abs(np.fft.rfft(centred, 2 * x.size)) ** 2
    covariance: Floats = np.fft.irfft(spectrum, 2 * x.size)[: most + 1]
    if not covariance[0] > 0.0:
        covariance[0] = 1.0
    correlation: Floats = covariance / covariance[0]
    return correlation


def _yule_walker(correlation: Floats, readings: int) -> tuple[Floats, float]:
    """Return coefficients and share of noise of the order with the least Akaike criterion.

    Durbin and Levinson's recursion: each order follows from the one before.
    """
    coefficients, noise = np.zeros(0), 1.0
    best, least = (coefficients, noise), 0.0
    for order in range(1, correlation.size):
        back = correlation[order - 1 : 0 : -1]
        last = (float(correlation[order]) - float(coefficients @ back)) / noise
        coefficients = np.append(coefficients - last * coefficients[::-1], last)
        noise *= 1.0 - last**2
        if not noise > 0.0:
            break
        criterion = readings * math.log(noise) + 2.0 * order
        if criterion < least:
            best, least = (coefficients, noise), criterion
    return best


def _continued(correlation: Floats, coefficients: Floats, readings: int) -> Floats:
    """Return the correlation of the process, until it is negligible."""
    order = coefficients.size
    if not order:
        return np.array([1.0, 0.0])
    values = list(correlation[: order + 1])
    while len(values) < min(readings, _MOST_LAGS):
        if max(map(abs, values[-order:])) < _NEGLIGIBLE:
            break
        values.append(float(coefficients @ values[: -order - 1 : -1]))
    return np.array(values)
