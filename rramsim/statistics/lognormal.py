"""Maximum-likelihood fit of a lognormal population, some of its values censored.

The fit works on the logarithms x of the values in Olsen's parameters g = mu/sigma and
h = 1/sigma, in which the likelihood of exact and censored readings together is concave: it has
one maximum, and Newton steps find it [1]_.

.. [1] R. J. Olsen, "Note on the uniqueness of the maximum likelihood estimator for the Tobit
   model", Econometrica 46 (1978) 1211-1215.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rramsim.errors import InputError, refused
from rramsim.statistics.confidence import standard_errors
from rramsim.statistics.design_effect import LEAST_CLUSTERS, Series, series_of, within_clusters
from rramsim.statistics.likelihood import (
    Floats,
    NotSettledError,
    group,
    interval_slopes,
    maximise,
)
from rramsim.statistics.readings import ABOVE, BELOW, EXACT, clusters_of
from rramsim.statistics.variance_components import (
    Part,
    deviation_ends,
    distance_ends,
    mean_variance,
    parts_of_censored,
    parts_of_series,
    parts_over_clusters,
    quantile_ends,
    spread_of,
)

LEAST_EXACT = 3
"""Exact values it takes to fit a lognormal."""
FEW_EXACT = 20
"""Fewer exact values show too little of a lognormal to go by its tails."""
_LEAST_INTERVALS = 2

LEAST_SERIES = 50
"""Readings of one cell, in series, it takes to see how one goes with the next."""

LEAST_EFFECTIVE = 30.0
"""Independent readings that a series of one cell must be worth to give an interval."""
_LEAST_FREEDOM = 3.0

Clusters = NDArray[np.int_]


class UnfittableError(ValueError):
    """No lognormal can be fitted.

    Attributes
    ----------
    kind : str
        Why: ``"all censored"``, ``"too few exact"``, ``"all the same"`` or ``"not settled"``.
    readings, exact, below, above : int
        All values, and those that are exact, at most a limit, and at least a limit.
    highest_below, lowest_above : float
        The loosest of the upper limits and of the lower ones, NaN without any.
    value : float
        The one value of all exact ones, where they are the same; else NaN.
    """

    def __init__(self, kind: str, *, exact: Floats, x: Floats, side: NDArray[np.int_]) -> None:
        below, above = x[side == BELOW], x[side == ABOVE]
        super().__init__(
            f"no lognormal: {kind}, {exact.size:,} of {x.size:,} values exact, {below.size:,} at "
            f"most and {above.size:,} at least a limit"
        )
        self.kind, self.readings = kind, x.size
        self.exact, self.below, self.above = exact.size, below.size, above.size
        self.highest_below = math.exp(below.max()) if below.size else math.nan
        self.lowest_above = math.exp(above.min()) if above.size else math.nan
        self.value = math.exp(exact[0]) if kind == "all the same" else math.nan


@dataclass(frozen=True, eq=False)
class LognormalFit:
    """A lognormal population, ln(value) ~ N(mu, sigma**2), and how well it is known.

    Attributes
    ----------
    mu, sigma : float
        Maximum-likelihood estimates, `sigma` the one with n, not n - 1; of readings that go
        together ``sigma**2`` is that plus the variance of `mu`, which makes it unbiased.
    covariance : ndarray, shape (2, 2)
        Covariance of the estimates of g = mu/sigma and h = 1/sigma, in that order.
    exact, censored_below, censored_above : int
        Readings that were exact, at most a limit, and at least a limit.
    cells : int
        Independent groups of readings the covariance rests on.
    between : int
        Readings known to lie between two limits.
    degrees_of_freedom : float
        Of `covariance`, for Student's t: infinite for independent readings, NaN where the readings
        go together in a way that gives no interval.
    effective_readings : float
        Independent readings that would tell as much of `mu`; by default all of them.
    lag_one : float
        Correlation of a reading with the next one, where all are of one cell; else NaN.
    parts : tuple of Part
        What ``sigma**2`` is made of, for exact intervals of uncensored readings and for readings
        that go together; empty for independent censored ones and in a fit made by hand.
    slope : float
        By how much `mu` moves with `sigma`, where censored readings go together.
    """

    mu: float
    sigma: float
    covariance: Floats = field(repr=False)
    exact: int
    censored_below: int
    censored_above: int
    cells: int
    between: int = 0
    degrees_of_freedom: float = math.inf
    effective_readings: float = math.nan
    lag_one: float = math.nan
    parts: tuple[Part, ...] = field(default=(), repr=False)
    slope: float = field(default=0.0, repr=False)

    def __post_init__(self) -> None:
        if math.isnan(self.effective_readings):
            object.__setattr__(self, "effective_readings", float(self.readings))

    @property
    def readings(self) -> int:
        """All readings, exact or censored or between two limits."""
        return self.exact + self.censored_below + self.censored_above + self.between

    @property
    def mu_standard_error(self) -> float:
        """Standard error of `mu`, from the covariance of g and h by the delta method."""
        by_parameter = self.sigma * np.array([1.0, -self.mu])
        return math.sqrt(by_parameter @ self.covariance @ by_parameter)

    @property
    def sigma_standard_error(self) -> float:
        """Standard error of `sigma`, as for `mu`; uncensored it is sigma / sqrt(2 n)."""
        return self.sigma**2 * math.sqrt(self.covariance[1, 1])

    @property
    def is_dependent(self) -> bool:
        """Whether readings go together, so that fewer independent ones would tell as much."""
        return not math.isinf(self.degrees_of_freedom)

    @functools.cached_property
    def mu_interval(self) -> tuple[float, float]:
        """Ends of the 95 % interval of `mu`, NaN where there is none."""
        return self.quantile_interval(0.0)

    @functools.cached_property
    def sigma_interval(self) -> tuple[float, float]:
        """Ends of the 95 % interval of `sigma`, NaN where there is none."""
        if math.isnan(self.degrees_of_freedom):
            return math.nan, math.nan
        if self.parts:
            return deviation_ends(self.parts)
        factor = math.exp(standard_errors() * self.sigma_standard_error / self.sigma)
        return self.sigma / factor, self.sigma * factor

    def quantile_interval(self, z: float) -> tuple[float, float]:
        """Return the ends of the 95 % interval of mu + z sigma, NaN where there is none."""
        if math.isnan(self.degrees_of_freedom):
            return math.nan, math.nan
        if self.parts:
            return quantile_ends(self.mu, z, self.parts, slope=self.slope)
        at = self.mu + z * self.sigma
        by_parameter = self.sigma * np.array([1.0, -at])
        reach = standard_errors() * math.sqrt(by_parameter @ self.covariance @ by_parameter)
        return at - reach, at + reach

    def distance_interval(self, at: float, *, spread: float = 0.0) -> tuple[float, float]:
        """Return the ends of the 95 % interval of (mu - at) / sqrt(sigma**2 + spread**2).

        Parameters
        ----------
        at : float
            On the scale of ln(value), such as that of a reference.
        spread : float
            Standard deviation of what comes to the population, such as that of a reference.
        """
        if math.isnan(self.degrees_of_freedom):
            return math.nan, math.nan
        if self.parts:
            return distance_ends(self.mu - at, self.parts, offset=spread, slope=self.slope)
        seen = math.hypot(self.sigma, spread)
        z = (self.mu - at) / seen
        # mu = g/h and sigma = 1/h.
        by_mu, by_sigma = 1.0 / seen, -z * self.sigma / seen**2
        by_parameter = self.sigma * np.array([by_mu, -by_mu * self.mu - by_sigma * self.sigma])
        reach = standard_errors() * math.sqrt(by_parameter @ self.covariance @ by_parameter)
        return z - reach, z + reach


def fit_lognormal(
    values: ArrayLike,
    censoring: ArrayLike | None = None,
    *,
    upper: ArrayLike | None = None,
    cell: ArrayLike | None = None,
) -> LognormalFit:
    """Fit a lognormal by maximum likelihood, with censoring on either side.

    Parameters
    ----------
    values : array_like, shape (readings,)
        Such as resistances, each the value or the limit it is beyond; all above 0 and finite.
    censoring : array_like, shape (readings,), optional
        -1: at most the number, 0: exact, +1: at least the number. Default: all exact.
    upper : array_like, shape (readings,), optional
        Where finite, the reading is known only to lie from `values` to this number (a coarse
        digit, or a verify level passed and the next one not); its `censoring` is 0.
    cell : array_like of int, shape (readings,), optional
        Number of the cell of each reading, -1 where unknown. Readings of several cells that were
        read more than once go together by cell (`parts_over_clusters`); readings of one cell
        alone are a series, in the order given (`series_of`). Otherwise they are independent.

    Returns
    -------
    LognormalFit

    Raises
    ------
    InputError
        If the arrays are not of one length, or hold what no reading can be.
    UnfittableError
        With fewer than 3 exact readings and fewer than 2 distinct intervals, or exact readings
        that are all the same.

    Examples
    --------
    >>> fit = fit_lognormal([1e3, 2e3, 4e3])
    >>> round(math.exp(fit.mu)), round(fit.sigma, 3)
    (2000, 0.566)
    """
    x, side = _checked(values, censoring)
    high, is_between = _upper(x, upper)
    located = (x + np.where(is_between, high, x))[(side == EXACT)] / 2.0
    exact = x[(side == EXACT) & ~is_between]
    if np.unique(np.stack([x, high])[:, is_between], axis=1).shape[1] < _LEAST_INTERVALS:
        _refuse_unfittable(exact, x=x, side=side)
    mean, scale = float(located.mean()), float(located.std())
    low, high = _limits((x - mean) / scale, (high - mean) / scale, side=side, between=is_between)
    try:
        g, h, information = maximise(group(low, high))
    except NotSettledError:
        raise UnfittableError("not settled", exact=exact, x=x, side=side) from None
    # z = h_s (x - mean)/scale - g_s = h x - g: back from the standardised parameters.
    back = np.array([[1.0, mean / scale], [0.0, 1.0 / scale]])
    covariance = back @ np.linalg.inv(information).astype(float) @ back.T
    scores = functools.partial(_mean_scores, low, high, g=g, h=h)
    g, h = back @ (g, h)
    fit = LognormalFit(
        mu=float(g / h),
        sigma=float(1.0 / h),
        covariance=covariance,
        exact=int(exact.size),
        censored_below=int(np.count_nonzero(side == BELOW)),
        censored_above=int(np.count_nonzero(side == ABOVE)),
        cells=x.size,
        between=int(np.count_nonzero(is_between)),
    )
    clusters = np.arange(x.size) if cell is None else clusters_of(_cells(cell, x.size))
    cells = int(clusters.max()) + 1
    is_exact = exact.size == x.size
    if cells == x.size:
        part = _independent_part(fit)
        return replace(fit, parts=(part,) if is_exact else ())
    if cells > 1:
        return _over_clusters(fit, x if is_exact else None, scores, clusters)
    return _of_series(fit, series_of(scores()), is_exact=is_exact)


def _independent_part(fit: LognormalFit) -> Part:
    """Return the one part of independent exact readings."""
    freedom = fit.readings - 1.0
    return Part(fit.sigma**2 * fit.readings / freedom, freedom, fit.sigma**2 / freedom)


def _over_clusters(
    fit: LognormalFit, exact: Floats | None, scores: Callable[[], Floats], clusters: Clusters
) -> LognormalFit:
    """Return the fit with what is known of it where readings of one cluster go together.

    Parameters
    ----------
    fit : LognormalFit
        As of independent readings.
    exact : ndarray, shape (readings,), or None
        ln of the values, None where some are censored.
    scores : callable
        What each reading says of the mean.
    clusters : ndarray of int, shape (readings,)
    """
    reads = np.bincount(clusters)
    n, k = clusters.size, reads.size
    size = float(np.sum(reads**2)) / n
    slope = 0.0
    parts: tuple[Part, ...]
    if exact is not None:
        parts = parts_over_clusters(exact, clusters)
    else:
        rho = within_clusters(scores(), clusters)
        between = rho + (1.0 - rho) / size
        parts, slope = parts_of_censored(
            fit.sigma**2,
            _of_mu_and_ln_sigma(fit),
            effects=(1.0 + (size - 1.0) * rho, 1.0 + (size - 1.0) * rho**2),
            shares=((between, n / size - 1.0), (1.0 - between, n - k)),
        )
    freedom = parts[0].degrees_of_freedom
    # Where one cell has most of the readings, the others do not show how far cells differ.
    is_known = k >= LEAST_CLUSTERS and min(freedom, n / size) >= _LEAST_FREEDOM
    return _dependent(fit, parts, slope, cells=k, freedom=freedom if is_known else math.nan)


def _of_series(fit: LognormalFit, series: Series, *, is_exact: bool) -> LognormalFit:
    """Return the fit with what is known of it where all readings are of one cell, in order."""
    slope, n = 0.0, series.readings
    parts: tuple[Part, ...]
    if is_exact:
        parts = parts_of_series(fit.sigma**2, series)
    else:
        parts, slope = parts_of_censored(
            fit.sigma**2,
            _of_mu_and_ln_sigma(fit),
            effects=(n / series.for_mean, n / series.for_spread),
            shares=((1.0, max(series.for_spread - 1.0, 1.0)),),
        )
    is_known = n >= LEAST_SERIES and series.for_mean >= LEAST_EFFECTIVE
    freedom = min(part.degrees_of_freedom for part in parts) if is_known else math.nan
    found = _dependent(fit, parts, slope, cells=1, freedom=freedom)
    return replace(found, effective_readings=series.for_mean, lag_one=series.lag_one)


def _dependent(
    fit: LognormalFit, parts: tuple[Part, ...], slope: float, *, cells: int, freedom: float
) -> LognormalFit:
    variance, of_variance = spread_of(parts)
    sigma = math.sqrt(variance)
    of_sigma = of_variance / (4.0 * variance)
    of_mu = mean_variance(parts) + slope**2 * of_sigma
    covariance = np.array([[of_mu, slope * of_sigma], [slope * of_sigma, of_sigma]])
    # g = mu/sigma and h = 1/sigma.
    by_parameter = np.array([[1.0, -fit.mu / sigma], [0.0, -1.0 / sigma]]) / sigma
    return replace(
        fit,
        sigma=sigma,
        covariance=by_parameter @ covariance @ by_parameter.T,
        cells=cells,
        degrees_of_freedom=freedom,
        effective_readings=min(float(fit.readings), variance / of_mu),
        parts=parts,
        slope=slope,
    )


def _of_mu_and_ln_sigma(fit: LognormalFit) -> Floats:
    """Return the covariance of mu and ln(sigma); mu = g/h and sigma = 1/h."""
    by_parameter = fit.sigma * np.array([[1.0, -fit.mu], [0.0, -1.0]])
    found: Floats = by_parameter @ fit.covariance @ by_parameter.T
    return found


def _checked(values: ArrayLike, censoring: ArrayLike | None) -> tuple[Floats, NDArray[np.int_]]:
    """Return ln of the values, and on which side of each the reading is."""
    array = _array(values, "values")
    if not np.all((array > 0) & np.isfinite(array)):
        raise refused("values", values, "numbers above 0 and finite")
    if censoring is None:
        return np.log(array), np.zeros(array.size, dtype=int)
    side = _array(censoring, "censoring", array.size)
    if not np.isin(side, (BELOW, EXACT, ABOVE)).all():
        raise refused("censoring", censoring, "-1, 0 or 1 for each value")
    return np.log(array), side.astype(int)


def _cells(cell: ArrayLike, size: int) -> NDArray[np.int_]:
    numbers = _array(cell, "cell", size)
    if not np.all(np.isfinite(numbers) & (numbers == np.floor(numbers))):
        raise refused("cell", cell, "a whole number for each value")
    given = np.asarray(cell)
    # As floats, different numbers beyond 2^53 would be the same.
    return given if np.issubdtype(given.dtype, np.integer) else numbers.astype(int)


def _array(values: ArrayLike, name: str, size: int | None = None) -> Floats:
    """Return numbers along one axis, so many of them where a size is given."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise refused(name, values, "numbers along one axis") from None
    if not array.ndim:
        raise refused(name, values, "numbers along one axis")
    if array.ndim != 1 or size not in (None, array.size):
        length = "" if size is None else f", {size:,} of them"
        raise refused(f"{name} of shape {array.shape}", values, f"numbers along one axis{length}")
    return array


def _upper(x: Floats, upper: ArrayLike | None) -> tuple[Floats, NDArray[np.bool_]]:
    """Return ln of the upper ends, and which readings lie between two different limits."""
    if upper is None:
        return x, np.zeros(x.size, dtype=bool)
    ends = _array(upper, "upper", x.size)
    high = np.log(np.where(np.isfinite(ends), ends, np.exp(x)))
    if np.any(high < x - 1e-12):
        raise InputError("an upper limit is below the reading's lower one")
    return high, high > x + 1e-12


def _limits(
    x: Floats, high: Floats, *, side: NDArray[np.int_], between: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Return the lower and the upper end of what is known of each reading."""
    low = np.where(side == BELOW, -np.inf, x)
    return low, np.where(side == ABOVE, np.inf, np.where(between, high, x))


def _refuse_unfittable(exact: Floats, *, x: Floats, side: NDArray[np.int_]) -> None:
    if np.all(side != EXACT):
        raise UnfittableError("all censored", exact=exact, x=x, side=side)
    if exact.size < LEAST_EXACT:
        raise UnfittableError("too few exact", exact=exact, x=x, side=side)
    if exact.min() == exact.max():
        raise UnfittableError("all the same", exact=exact, x=x, side=side)


def _mean_scores(low: Floats, high: Floats, *, g: float, h: float) -> Floats:
    """Return what each reading says of the mean: h x - g, and the mean of that if censored."""
    is_exact = low == high
    scores = h * low - g
    pulls, _ = interval_slopes(low[~is_exact], high[~is_exact], g=g, h=h)
    # The slope by g of an exact reading is h x - g, too.
    scores[~is_exact] = pulls[0]
    return scores
