"""Parts of a variance: of dies, rows, columns, cells and cycles, and what is known of them.

A variance that is a sum of parts, such as that between cells and that within them, is known as a
sum of chi-square variates, each over its degrees of freedom, is, and the mean varies with each
part. Intervals are those of generalised pivots: every part is replaced by itself times its
degrees of freedom over a chi-square variate, the mean by itself plus a normal variate of the
standard error that goes with it, and the quantiles of what is asked for are the ends [1]_ [2]_.
With one part they are the exact ones of Student's t, chi-square and the noncentral t.

.. [1] K. Krishnamoorthy and T. Mathew, "One-sided tolerance limits in balanced and unbalanced
   one-way random models based on generalized confidence intervals", Technometrics 46 (2004)
   44-52.
.. [2] S. Weerahandi, "Generalized confidence intervals", Journal of the American Statistical
   Association 88 (1993) 899-905.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincinv, ndtr, ndtri

from rramsim.statistics.confidence import CONFIDENCE, spread_points
from rramsim.statistics.design_effect import Series
from rramsim.statistics.readings import distinct, ranked

Floats = NDArray[np.float64]
Groups = NDArray[np.int_]


COMPONENTS = ("die", "row", "column", "cell", "cycle")
"""The parts, in the order in which they are fitted."""
_READ = "read"


@dataclass(frozen=True)
class VariancePart:
    """One part of a variance.

    Attributes
    ----------
    variance : float
        Estimate, 0 where it came out negative.
    groups : int
        Dies, rows (over all dies), columns, cells or readings it rests on.
    is_negative : bool
        Whether the estimate was negative: the part is too small for the readings to show.
    """

    variance: float
    groups: int
    is_negative: bool


def variance_parts(
    x: ArrayLike,
    *,
    die: ArrayLike | None = None,
    row: ArrayLike | None = None,
    column: ArrayLike | None = None,
    cell: ArrayLike | None = None,
    cycle: ArrayLike | None = None,
) -> dict[str, VariancePart]:
    """Estimate the parts of the variance of `x` that the given factors can tell apart.

    Parameters
    ----------
    x : array_like, shape (readings,)
        What is split.
    die, row, column, cell, cycle : array_like of int, shape (readings,), optional
        Number of each in any order; rows, columns and cells of different dies are different
        ones, as are cycles of different cells. Rows and columns are used only together. Without
        `cycle` each reading of a cell is a cycle of its own.

    Returns
    -------
    dict of str to VariancePart
        Keys of `COMPONENTS`; "cycle" holds what readings of one cycle differ by too. What cannot
        be told apart is missing: "cell" then holds the cycles too. Empty where there are not two
        readings more than there are groups.
    """
    y = np.asarray(x, dtype=float)
    if y.size < 2:
        return {}
    fits = _fits(y.size, {"die": die, "row": row, "column": column, "cell": cell, "cycle": cycle})
    whole = _OneWay(np.zeros(y.size, dtype=int))
    # A large common mean would cost digits of the sums of squares.
    centred = y - y.mean()
    squares = [whole.square(centred), *(fit.square(centred) for _, fit in fits)]
    squares.append(float(centred @ centred))
    last = {"cell": "cycle", "cycle": _READ}.get(fits[-1][0] if fits else "", "cell")
    factors = [(name, fit.levels) for name, fit in fits]
    factors.append((last, np.arange(y.size)))
    # trace[k, j]: what one unit of variance of part j adds to the k-th sum of squares.
    projections: list[_OneWay | _Crossed] = [whole, *(fit for _, fit in fits)]
    trace = np.array([[fit.trace(levels) for _, levels in factors] for fit in projections])
    trace = np.vstack([trace, np.full(len(factors), float(y.size))])
    steps, coefficients = np.diff(squares), np.diff(trace, axis=0)
    if coefficients[-1, -1] < 1.0:
        return {}
    # A factor that adds nothing to those before it, such as the cells of one cell, has no part.
    separable = np.flatnonzero(np.diag(coefficients) > 1e-9 * y.size)
    estimates = np.linalg.solve(
        np.triu(coefficients)[np.ix_(separable, separable)], steps[separable]
    )
    # Rounding must not call equal readings a negative variance.
    negligible = 1e-12 * float(centred @ centred) / y.size
    found = {factors[k][0]: float(one) for k, one in zip(separable, estimates, strict=True)}
    if _READ in found:
        found["cycle"] = found.get("cycle", 0.0) + found.pop(_READ)
    groups = {name: int(distinct(levels).size) for name, levels in factors}
    return {
        name: VariancePart(
            variance=max(estimate, 0.0),
            groups=groups[name],
            is_negative=estimate < -negligible,
        )
        for name, estimate in found.items()
    }


@dataclass(frozen=True, eq=False)
class _OneWay:
    """The fit of a mean to each level."""

    levels: Groups  # shape (readings,)

    def square(self, y: Floats) -> float:
        sums, counts = np.bincount(self.levels, weights=y), np.bincount(self.levels)
        return float(np.sum(sums[counts > 0] ** 2 / counts[counts > 0]))

    def trace(self, other: Groups) -> float:
        """Return tr(P Z Z'): sum over pairs of levels of n(pair)**2 / n(own level)."""
        counts = np.bincount(self.levels)
        width = int(other.max()) + 1
        pairs, n = np.unique(self.levels * width + other, return_counts=True)
        return float(np.sum(n**2 / counts[pairs // width]))


@dataclass(frozen=True, eq=False)
class _Crossed:
    """The fit of rows plus columns within each die; `levels` are those of the columns."""

    row: Groups
    levels: Groups
    inverse: Floats  # pseudoinverse of X'X, X the incidence of rows and columns

    @classmethod
    def of(cls, row: Groups, column: Groups) -> _Crossed:
        rows, columns = int(row.max()) + 1, int(column.max()) + 1
        cross = np.zeros((rows, columns))
        np.add.at(cross, (row, column), 1.0)
        square = np.block(
            [[np.diag(cross.sum(axis=1)), cross], [cross.T, np.diag(cross.sum(axis=0))]]
        )
        return cls(row, column, np.linalg.pinv(square, hermitian=True))

    def _sums(self, y: Floats) -> Floats:
        return np.concatenate(
            [np.bincount(self.row, weights=y), np.bincount(self.levels, weights=y)]
        )

    def square(self, y: Floats) -> float:
        sums = self._sums(y)
        return float(sums @ self.inverse @ sums)

    def trace(self, other: Groups) -> float:
        """Return tr(P Z Z') for levels that are in one row and one column each, or lie in X.

        For rows, columns and dies, which the fit holds, P Z = Z and the trace is the number of
        readings.
        """
        _, first, level, n = np.unique(
            other, return_index=True, return_inverse=True, return_counts=True
        )
        row, column = self.row[first], self.levels[first]
        inside = np.all(self.row == row[level]) and np.all(self.levels == column[level])
        if not inside:
            return float(other.size)
        place = self.row.max() + 1 + column
        inverse = self.inverse
        leverage = inverse[row, row] + 2.0 * inverse[row, place] + inverse[place, place]
        return float(np.sum(n**2 * leverage))


def _fits(
    count: int, given: Mapping[str, ArrayLike | None]
) -> list[tuple[str, _OneWay | _Crossed]]:
    """Return the fits in sequence, each with the part it adds; levels are numbered from 0."""
    die = np.zeros(count, dtype=int)
    fits: list[tuple[str, _OneWay | _Crossed]] = []
    if given["die"] is not None:
        _, die = ranked(np.asarray(given["die"]))
        if die.max() > 0:
            fits.append(("die", _OneWay(die)))
    if given["row"] is not None and given["column"] is not None:
        row, column = (_within(die, given[name]) for name in ("row", "column"))
        # A single row or column within every die is the die itself.
        if row.max() > die.max() and column.max() > die.max():
            fits += [("row", _OneWay(row)), ("column", _Crossed.of(row, column))]
    if given["cell"] is not None:
        cell = _within(die, given["cell"])
        if fits and fits[-1][0] == "column":
            cell = _within(_within(row, column), cell)
        if cell.max() + 1 < count:
            fits.append(("cell", _OneWay(cell)))
            fits += _fit_of_cycles(cell, given["cycle"])
    return fits


def _fit_of_cycles(cell: Groups, cycle: ArrayLike | None) -> list[tuple[str, _OneWay]]:
    """Return the fit of cycles within cells, where there are several and one was read twice.

    Readings of one cycle have its programming in common, and are not as many programmings.
    """
    if cycle is None:
        return []
    programming = _within(cell, cycle)
    several = cell.max() < programming.max() < cell.size - 1
    return [("cycle", _OneWay(programming))] if several else []


def _within(die: Groups, levels: ArrayLike | None) -> Groups:
    _, inner = ranked(np.asarray(levels))
    return ranked(die * (int(inner.max()) + 1) + inner)[1]


# Powers of 2 keep Sobol's points even; the normal variate is integrated out, so few are enough.
_POINTS_LOG2 = 9
_POPULATIONS_LOG2 = 12
_MANY = 40.0
_TAIL = (1.0 - CONFIDENCE) / 2.0
_NEGLIGIBLE = 1e-6
_LEAST_FREEDOM = 0.5


@dataclass(frozen=True)
class Part:
    """One part of the variance of a population.

    Attributes
    ----------
    variance : float
        Estimate.
    degrees_of_freedom : float
        Of the chi-square variate that the estimate is like.
    mean_variance : float
        Variance of the estimated mean that comes with this part.
    """

    variance: float
    degrees_of_freedom: float
    mean_variance: float = 0.0


def spread_of(parts: Sequence[Part]) -> tuple[float, float]:
    """Return the variance that the parts make up, and the variance of that estimate.

    A part of variance v with f degrees of freedom is known with a variance of 2 v**2 / f.
    """
    return (
        sum(part.variance for part in parts),
        sum(2.0 * part.variance**2 / part.degrees_of_freedom for part in parts),
    )


def mean_variance(parts: Sequence[Part]) -> float:
    """Return the variance of the estimated mean."""
    return sum(part.mean_variance for part in parts)


def parts_over_clusters(x: Floats, clusters: NDArray[np.int_]) -> tuple[Part, Part]:
    """Return the parts of the variance of `x` between clusters and within them.

    With w_i the share of the readings that cluster i has and b = sum w_i (mean_i - mean)**2, the
    mean of all readings varies by V = sum w_i**2 Var(mean_i), and E b is the variance between the
    clusters' means less V. So b + V and the mean square within, sum (x - mean_i)**2 / n, are
    together an unbiased estimate of the variance, whatever ties the readings of a cluster to each
    other; with equally many readings a cluster it is that of the analysis of variance,
    MSB / m + (1 - 1/m) MSW [1]_. The variances of the means are taken as a + e / m_i, with a
    and e of the analysis of variance, scaled to give b. Degrees of freedom are Satterthwaite's,
    k - 1 for equal clusters; within clusters they come down from n - k to what the mean squares
    of the clusters show, where these differ more than those of independent normal readings.

    Parameters
    ----------
    x : ndarray, shape (readings,)
    clusters : ndarray of int, shape (readings,)
        Cluster of each reading, from 0 on; at least 2, and fewer than readings.

    References
    ----------
    .. [1] S. R. Searle, G. Casella and C. E. McCulloch, Variance Components, Wiley, 1992.
    """
    reads = np.bincount(clusters)
    n, k = x.size, reads.size
    centred = x - x.mean()
    means = np.bincount(clusters, weights=centred) / reads
    squares = np.bincount(clusters, weights=(centred - means[clusters]) ** 2)
    w = reads / n
    b, within = float(w @ means**2), float(squares.sum())
    noise = within / (n - k)
    size = (n - float(np.sum(reads**2)) / n) / (k - 1)
    between = max((n * b / (k - 1) - noise) / size, 0.0)
    shape = between + noise / reads
    trace = float((w - w**2) @ shape)
    by_mean = float(w**2 @ shape)
    traces = float(((w - w**2) * shape) @ ((w - w**2) * shape)) + by_mean**2
    traces -= float(w**4 @ shape**2)
    # Clusters that all have one mean to the last digit must not make it a number without error.
    of_mean = by_mean * max(b / trace, _NEGLIGIBLE)
    variance = b + of_mean
    return (
        Part(variance, trace**2 / traces, of_mean),
        Part(within / n, _within_freedom(squares, reads)),
    )


def _within_freedom(squares: Any, reads: NDArray[Any]) -> float:
    """Return the degrees of freedom of the mean square within clusters.

    Those of independent readings, or fewer where the clusters' own mean squares scatter more
    than these would: 2 s**4 over the variance of their weighted mean s**2.
    """
    several = reads > 1
    freedom = reads[several] - 1.0
    most, k = float(freedom.sum()), freedom.size
    mean = float(squares.sum()) / most
    if k < 2 or mean == 0.0:
        return most
    off = squares[several] - freedom * mean
    variance = float(off @ off) / most**2 * k / (k - 1.0)
    return min(most, 2.0 * mean**2 / variance) if variance else most


def parts_of_series(variance: float, series: Series) -> tuple[Part, Part]:
    """Return what is known of a series of readings of one cell: of its spread, and of its mean.

    The variance of the mean, Var / m with m the independent readings that tell as much of it, is
    known as that of m / 2 degrees of freedom: m itself varies by as much, to first order, where
    it comes from an autoregressive process.

    Parameters
    ----------
    variance : float
        Mean square about the mean of the series; the variance of the mean is added to it.
    series : Series
    """
    share = 1.0 / max(series.for_mean, 2.0)
    # Var(mean) is a share of the whole variance: v = mean square + share v.
    whole = variance / (1.0 - share)
    return (
        Part(whole, max(series.for_spread - 1.0, 1.0)),
        Part(0.0, series.freedom_of_mean, share * whole),
    )


def parts_of_censored(
    variance: float,
    independent: Floats,
    *,
    effects: tuple[float, float],
    shares: Sequence[tuple[float, float]],
) -> tuple[tuple[Part, ...], float]:
    """Return the parts where readings are censored, and how the mean moves with the deviation.

    The covariance C of mean and ln(deviation) that holds for independent readings, the inverse of
    the information, becomes C D C**-1 D C with D the roots of the design effects of both: those
    of uncensored readings exactly, a model for censored ones. The parts then have the degrees of
    freedom of uncensored readings, times what makes the deviation known as well as that.

    Parameters
    ----------
    variance : float
        Of the population, by maximum likelihood; the variance of the mean is added to it.
    independent : ndarray, shape (2, 2)
        C, of mean and ln(deviation).
    effects : tuple of float
        By how much dependence widens the variances of mean and of deviation.
    shares : sequence of (float, float)
        Share of the variance and degrees of freedom of each part; the mean varies with the first.
    """
    wide = np.diag(np.sqrt(effects))
    covariance = independent @ wide @ np.linalg.inv(independent) @ wide @ independent
    of_mean, of_both, of_spread = covariance[0, 0], covariance[0, 1], covariance[1, 1]
    whole = variance + of_mean
    # ln(deviation) varies by a quarter of what ln(variance) does.
    uncensored = sum(share**2 / (2.0 * freedom) for share, freedom in shares)
    kept = min(1.0, uncensored / of_spread)
    left = of_mean - of_both**2 / of_spread
    parts = tuple(
        Part(share * whole, max(freedom * kept, _LEAST_FREEDOM), 0.0 if number else left)
        for number, (share, freedom) in enumerate(shares)
    )
    return parts, of_both / (of_spread * math.sqrt(whole))


def distance_ends(
    distance: float, parts: Sequence[Part], *, offset: float = 0.0, slope: float = 0.0
) -> tuple[float, float]:
    """Return the ends of the 95 % interval of z = distance / sqrt(variance + offset**2).

    Parameters
    ----------
    distance : float
        Of the estimated mean from a known number.
    parts : sequence of Part
    offset : float
        Standard deviation of what is added to the population, known.
    slope : float
        By how much the mean moves with the standard deviation, where both are estimated together.
    """
    variance, of_mean = _pivots(parts)
    spread = np.sqrt(variance + offset**2)
    shifted = distance + slope * (np.sqrt(variance) - math.sqrt(spread_of(parts)[0]))
    error = np.sqrt(of_mean)
    scale = math.sqrt(spread_of(parts)[0] + offset**2)
    return _ends(
        lambda z: float(np.mean(ndtr((z * spread - shifted) / error))),
        distance / scale,
        math.sqrt(mean_variance(parts)) / scale + 0.1,
    )


def quantile_ends(
    mean: float, z: float, parts: Sequence[Part], *, slope: float = 0.0
) -> tuple[float, float]:
    """Return the ends of the 95 % interval of mean + z sqrt(variance), as `distance_ends` does."""
    variance, of_mean = _pivots(parts)
    spread, sigma = np.sqrt(variance), math.sqrt(spread_of(parts)[0])
    middle, error = mean + slope * (spread - sigma) + z * spread, np.sqrt(of_mean)
    return _ends(
        lambda q: float(np.mean(ndtr((q - middle) / error))), mean + z * sigma, 0.1 * sigma
    )


def deviation_ends(parts: Sequence[Part]) -> tuple[float, float]:
    """Return the ends of the 95 % interval of sqrt(variance)."""
    low, high = np.quantile(np.sqrt(_pivots(parts)[0]), [_TAIL, 1.0 - _TAIL])
    return float(low), float(high)


def populations_of_parts(
    mean: float,
    parts: Sequence[Part],
    *,
    slope: float = 0.0,
    population: int = 0,
    shared: float = 0.0,
) -> tuple[Floats, Floats]:
    """Return populations that the readings leave open, each as likely as the others.

    Parameters
    ----------
    mean : float
    parts : sequence of Part
        Two at most.
    slope : float
        By how much the mean moves with the standard deviation.
    population : int
        0 or 1: two populations with different numbers are independent of each other.
    shared : float
        Correlation with population 0 from cluster to cluster: of the means, and, squared, of the
        first part of the variance.

    Returns
    -------
    mu, sigma : ndarray, shape (4096,)
    """
    deviates = _deviates()
    of_mean, *of_parts = deviates[3 * population : 3 * population + 3]
    if shared and population:
        of_mean = shared * deviates[0] + math.sqrt(1.0 - shared**2) * of_mean
        of_parts[0] = shared**2 * deviates[1] + math.sqrt(1.0 - shared**4) * of_parts[0]
    variance, variance_of_mean = np.zeros(of_mean.size), np.zeros(of_mean.size)
    for part, deviate in zip(parts, of_parts, strict=False):
        squares = _mean_squares(part.degrees_of_freedom, ndtr(deviate))
        variance += part.variance / squares
        variance_of_mean += part.mean_variance / squares
    sigma = np.sqrt(variance)
    moved = slope * (sigma - math.sqrt(spread_of(parts)[0]))
    return mean + moved + np.sqrt(variance_of_mean) * of_mean, sigma


@functools.cache
def _deviates() -> Floats:
    """Return normal deviates of 2 populations, of the mean and 2 parts each: (6, 4096)."""
    deviates: Floats = ndtri(spread_points(6, _POPULATIONS_LOG2))
    return deviates


def _pivots(parts: Sequence[Part]) -> tuple[Floats, Floats]:
    """Return draws of the variance and of the variance of the mean, each of shape (draws,)."""
    points = spread_points(len(parts), _POINTS_LOG2)
    variance, of_mean = np.zeros(points.shape[1]), np.zeros(points.shape[1])
    for part, u in zip(parts, points, strict=True):
        squares = _mean_squares(part.degrees_of_freedom, u)
        variance += part.variance / squares
        of_mean += part.mean_variance / squares
    return variance, of_mean


def _mean_squares(degrees_of_freedom: float, u: Floats) -> Floats:
    """Return quantiles of chi-square over its degrees of freedom."""
    f = degrees_of_freedom
    if f > _MANY:
        # Wilson and Hilferty's cube of a normal variate, right to 1e-3 from here on.
        cube: Floats = (1.0 - 2.0 / (9.0 * f) + math.sqrt(2.0 / (9.0 * f)) * ndtri(u)) ** 3
        return cube
    quantiles: Floats = 2.0 * gammaincinv(f / 2.0, u) / f
    return quantiles


def _ends(below: Callable[[float], float], middle: float, step: float) -> tuple[float, float]:
    """Return where a distribution function passes 2.5 and 97.5 %."""
    return _passes(below, _TAIL, middle, step), _passes(below, 1.0 - _TAIL, middle, step)


def _passes(below: Callable[[float], float], share: float, middle: float, step: float) -> float:
    low = high = middle
    while below(low) > share:
        low -= step
        step *= 2.0
    while below(high) < share:
        high += step
        step *= 2.0
    from scipy.optimize import brentq  # as in `attempts`

    return float(brentq(lambda at: below(at) - share, low, high, xtol=1e-7))
