"""How much less a reading tells where readings go together, in clusters or one with the next."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

from rramsim.statistics.confidence import CONFIDENCE, smallest_countable
from rramsim.statistics.readings import clusters_of

Floats = NDArray[np.float64]

LEAST_CLUSTERS = 5
"""Fewer clusters of readings do not show how far the next cluster may lie from them."""

_FEW_CLUSTERS = 5
"""Fewer clusters that err do not show how much the errors of a cluster go together."""

_HALF = 0.5
_STRETCHES = 20
_LEAST_SERIES = 3
_COUNTS_AT_ONCE = 1 << 20


def design_effect(wrong: ArrayLike, cluster: ArrayLike, x: ArrayLike) -> float:
    """Return by how much readings in clusters widen the variance of an error rate.

    The variance of the rate over clusters (each one's errors less those expected of it, squared)
    over that of independent readings, at least 1 and times (t with clusters - 1 over t with
    readings - 1 degrees of freedom)**2: n readings then count as n / effect [1]_. Where fewer
    than 5 clusters err, or none does, the errors do not show it, and it is at least
    1 + (m - 1) rho [2]_, with m the readings a cluster and rho the correlation of `x` within them:
    with normal x, errors in the tails go together less than x does, so this is on the wide side.

    Readings of one cluster alone are a series, in the order given: at least as many count as one
    as there are errors in a run of them, in the mean; as the correlation of `x` from one reading
    to the next makes of errors that far out (`error_effect`; without an error, at the rate that
    so many independent readings rule out); and, where at least 5 of 20 stretches of the series
    err, as these differ.

    Parameters
    ----------
    wrong : array_like of bool, shape (readings,)
        Whether a reading is an error.
    cluster : array_like, shape (readings,)
        Number of the cluster, such as the cell read; -1 where unknown: then one of its own.
    x : array_like, shape (readings,)
        What was read, on a scale on which it is normal.

    Returns
    -------
    float
        1 where no cluster holds two readings.

    References
    ----------
    .. [1] E. L. Korn and B. I. Graubard, "Confidence intervals for proportions with small
       expected number of positive counts estimated from survey data", Survey Methodology 24,
       1998.
    .. [2] L. Kish, Survey Sampling, Wiley, 1965.
    """
    errors, values = np.asarray(wrong, dtype=float), np.asarray(x, dtype=float)
    clusters = clusters_of(cluster)
    n, k = clusters.size, int(clusters.max(initial=-1)) + 1
    if k == 1:
        return _effect_in_series(errors, values)
    if not 1 < k < n:
        return 1.0
    reads = np.bincount(clusters)
    of_cluster = np.bincount(clusters, weights=errors)
    p = float(errors.mean())
    effect = 1.0
    if 0.0 < p < 1.0:
        variance = k / (k - 1.0) * float(np.sum((of_cluster - p * reads) ** 2)) / n**2
        effect = max(effect, variance / (p * (1.0 - p) / n))
    if np.count_nonzero(of_cluster) < _FEW_CLUSTERS:
        expected = float(np.sum(reads**2)) / n
        effect = max(effect, 1.0 + (expected - 1.0) * within_clusters(values, clusters))
    end = 0.5 + CONFIDENCE / 2.0
    return effect * float(stdtrit(k - 1, end) / stdtrit(n - 1, end)) ** 2


def _effect_in_series(errors: NDArray[np.float64], x: NDArray[np.float64]) -> float:
    """Return the design effect of errors in a series of readings."""
    n, count = errors.size, float(errors.sum())
    if n < _LEAST_SERIES or count == n:
        return 1.0
    # Without an error, the bound is on the rate of which so many readings would show one.
    rate = (count + 0.5) / (n + 1.0) if count else min(smallest_countable(n), _HALF)
    effect = error_effect(series_of(x), rate)
    if count:
        runs = np.count_nonzero(np.diff(errors, prepend=0.0) == 1.0)
        effect = max(effect, count / runs)
    if n < 2 * _STRETCHES:
        return effect
    of_stretch = np.add.reduceat(errors, np.arange(_STRETCHES) * n // _STRETCHES)
    if np.count_nonzero(of_stretch) >= _FEW_CLUSTERS:
        p = count / n
        scatter = float(np.var(of_stretch, ddof=1)) * _STRETCHES / n
        effect = max(effect, scatter / (p * (1.0 - p)))
    return effect


def within_clusters(x: NDArray[np.float64], clusters: NDArray[np.int_]) -> float:
    """Return the correlation of `x` within clusters, from 0 to 1, by analysis of variance.

    Readings that never differ within a cluster have a correlation of 1.
    """
    reads = np.bincount(clusters)
    n, k = clusters.size, reads.size
    means = np.bincount(clusters, weights=x) / reads
    between = float(np.sum(reads * (means - x.mean()) ** 2)) / (k - 1)
    within = float(np.sum((x - means[clusters]) ** 2)) / (n - k)
    if within == 0.0:
        return 1.0
    size = (n - float(np.sum(reads**2)) / n) / (k - 1)
    return max(0.0, (between - within) / (between + (size - 1.0) * within))


@dataclass(frozen=True)
class Dependence:
    """How strongly the readings of a cluster go together.

    Attributes
    ----------
    between : float
        Share of the variance that is between clusters, from 0 to 1.
    following : float
        Correlation of one reading with the next within a cluster, beyond that, from 0 to 1.
    """

    between: float
    following: float


MOST_FOLLOWING = 0.99
"""With a larger correlation of one with the next, a sample says nothing of its population."""

# Fewer readings a cluster do not show whether they follow each other.
_LEAST_TO_FOLLOW = 4


def dependence(x: NDArray[np.float64], cluster: NDArray[np.int_]) -> Dependence:
    """Estimate how readings in clusters go together, by analysis of variance.

    The correlation of one reading with the next is that of the distances from the mean of the
    cluster, with the bias of first order that the mean brings [1]_ taken back. The variance of the
    means of clusters that readings which follow each other bring is taken out of the part between
    clusters.

    Parameters
    ----------
    x : ndarray, shape (readings,)
        Those of a cluster one after the other, in their order in time.
    cluster : ndarray, shape (readings,)
        From 0, ascending.

    References
    ----------
    .. [1] M. G. Kendall, "Note on bias in the estimation of autocorrelation", Biometrika 41
       (1954) 403-404.
    """
    reads = np.bincount(cluster)
    n, k = cluster.size, reads.size
    means = np.bincount(cluster, weights=x) / reads
    residual = x - means[cluster]
    square = float(residual @ residual)
    if k == n or square == 0.0:
        return Dependence(1.0 if k < n else 0.0, 0.0)
    size = n / k if k == 1 else (n - float(reads @ reads) / n) / (k - 1)
    following = 0.0
    if size >= _LEAST_TO_FOLLOW:
        together = cluster[1:] == cluster[:-1]
        found = float(residual[1:][together] @ residual[:-1][together]) / square
        # Its mean is r - (1 + r) / size, of a single series r - (1 + 3 r) / size.
        found = (found + 1.0 / size) / (1.0 - (3.0 if k == 1 else 1.0) / size)
        # Within twice its standard error it may be none.
        if found > 2.0 / math.sqrt(n):
            following = min(found, MOST_FOLLOWING)
    if k == 1:
        return Dependence(0.0, following)
    of_mean = _variance_of_mean(following, size)
    within = square / (n - k) * (1.0 - 1.0 / size) / (1.0 - of_mean)
    apart = float(reads @ (means - x.mean()) ** 2) / (k - 1) / size
    between = max(0.0, apart - within * of_mean)
    return Dependence(between / (between + within), following)


def _variance_of_mean(following: float, size: float) -> float:
    """Return the variance of the mean of a series, over that of one of its readings."""
    lag = np.arange(1, max(round(size), 1))
    return float(1.0 + 2.0 * np.sum((1.0 - lag / size) * following**lag)) / size


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


@dataclass(frozen=True)
class Dispersion:
    """How unevenly errors fall on lines, beside errors that fall on cells by chance.

    Attributes
    ----------
    statistic : float
        Sum over lines of (errors - expected)**2 / binomial variance.
    by_chance : float array
        The same of as many errors, spread anew over the cells of their stratum each time.
    """

    statistic: float
    by_chance: Floats

    def __add__(self, other: Dispersion) -> Dispersion:
        """Return that of the lines of both."""
        return Dispersion(self.statistic + other.statistic, self.by_chance + other.by_chance)

    @property
    def variance_ratio(self) -> float:
        """Variance of the errors of a line over that by chance, NaN without errors."""
        mean = float(self.by_chance.mean())
        return self.statistic / mean if mean > 0 else math.nan

    @property
    def p_value(self) -> float:
        """Share of the spreads by chance that are as uneven, the one observed among them.

        (1 + b) / (1 + m), which keeps the level of a test by permutation (B. Phipson and G. K.
        Smyth, Statistical Applications in Genetics and Molecular Biology 9, 2010, 39).
        """
        if not self.by_chance.any():
            return math.nan
        as_uneven = np.count_nonzero(self.by_chance >= self.statistic * (1.0 - 1e-12))
        return float((1 + as_uneven) / (1 + self.by_chance.size))


def line_dispersion(
    errors: NDArray[np.int64],
    cells: NDArray[np.int64],
    *,
    rng: np.random.Generator,
    permutations: int = 999,
) -> Dispersion:
    """Compare the errors of lines with the same errors at random among the cells.

    Null hypothesis: within a stratum (the cells of one state) all cells are as likely to be wrong,
    each on its own. Given how many are, every choice of them is then as likely, so the errors of
    the lines are multivariate hypergeometric, whatever the rates are.

    Parameters
    ----------
    errors, cells : int64 array, shape (strata, lines)
        Wrong cells of each line, and all its cells.
    rng : numpy.random.Generator
    permutations : int

    Examples
    --------
    Six errors, all on one of four lines of 32 cells:

    >>> errors, cells = np.array([[6, 0, 0, 0]]), np.full((1, 4), 32)
    >>> uneven = line_dispersion(errors, cells, rng=np.random.default_rng(1))
    >>> round(uneven.variance_ratio, 1), uneven.p_value < 0.01
    (6.5, True)
    """
    if not cells.shape[1]:
        # Of a layer of which nothing was read.
        return Dispersion(0.0, np.zeros(permutations))
    in_all = cells.sum(axis=1, keepdims=True)
    rate = errors.sum(axis=1, keepdims=True) / np.maximum(in_all, 1)
    expected, variance = (cells * rate).sum(axis=0), (cells * rate * (1.0 - rate)).sum(axis=0)
    varies = variance > 0

    def statistic(of_lines: NDArray[np.int64]) -> Floats:
        squares = (of_lines[..., varies] - expected[varies]) ** 2 / variance[varies]
        return np.asarray(squares.sum(axis=-1), dtype=np.float64)

    by_chance = np.empty(permutations)
    # Many at a time, but not so many that they fill the memory.
    step = max(1, _COUNTS_AT_ONCE // cells.shape[1])
    for start in range(0, permutations, step):
        part = by_chance[start : start + step]
        spread = np.zeros((part.size, cells.shape[1]), dtype=np.int64)
        for stratum, count in zip(cells, errors.sum(axis=1), strict=True):
            spread += rng.multivariate_hypergeometric(
                stratum, count, size=part.size, method="marginals"
            )
        part[:] = statistic(spread)
    return Dispersion(float(statistic(errors.sum(axis=0))), by_chance)
