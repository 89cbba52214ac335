"""Maximum-likelihood fit of a lognormal population, some of its values censored.

The fit works on the logarithms x of the values in Olsen's parameters g = mu/sigma and
h = 1/sigma, in which the likelihood of exact and censored readings together is concave: it has
one maximum, and Newton steps find it [1]_.

.. [1] R. J. Olsen, "Note on the uniqueness of the maximum likelihood estimator for the Tobit
   model", Econometrica 46 (1978) 1211-1215.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rramsim.errors import InputError, refused
from rramsim.statistics.censoring import ABOVE, BELOW, EXACT
from rramsim.statistics.design_effect import LEAST_CLUSTERS, clusters_of, within_clusters
from rramsim.statistics.likelihood import (
    Floats,
    NotSettledError,
    group,
    interval_slopes,
    maximise,
)

LEAST_EXACT = 3
"""Exact values it takes to fit a lognormal."""
FEW_EXACT = 20
"""Fewer exact values show too little of a lognormal to go by its tails."""
_LEAST_INTERVALS = 2


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
        Maximum-likelihood estimates; `sigma` is the one with n, not n - 1.
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
        Number of the cell of each reading, -1 where unknown. Where a cell was read more than
        once its readings are not independent, and the covariance is the cluster sandwich over
        cells; otherwise it is the inverse of the observed information.

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
    clusters = np.arange(x.size) if cell is None else clusters_of(_array(cell, "cell", x.size))
    covariance: Floats = np.linalg.inv(information).astype(float)
    freedom, effective = math.inf, float(x.size)
    if 1 < (k := int(clusters.max()) + 1) < x.size:
        covariance = _sandwich(covariance, _scores(low, high, g=g, h=h), clusters)
        freedom = k - 1.0 if k >= LEAST_CLUSTERS else math.nan
        within = within_clusters(x, clusters)
        effective /= 1.0 + (float(np.sum(np.bincount(clusters) ** 2)) / x.size - 1.0) * within
    # z = h_s (x - mean)/scale - g_s = h x - g: back from the standardised parameters.
    back = np.array([[1.0, mean / scale], [0.0, 1.0 / scale]])
    g, h = back @ (g, h)
    return LognormalFit(
        mu=float(g / h),
        sigma=float(1.0 / h),
        covariance=back @ covariance @ back.T,
        exact=int(exact.size),
        censored_below=int(np.count_nonzero(side == BELOW)),
        censored_above=int(np.count_nonzero(side == ABOVE)),
        cells=int(clusters.max() + 1),
        between=int(np.count_nonzero(is_between)),
        degrees_of_freedom=freedom,
        effective_readings=effective,
    )


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


def _scores(low: Floats, high: Floats, *, g: float, h: float) -> Floats:
    """Return each reading's share of the gradient by (g, h), shape (readings, 2)."""
    is_exact = low == high
    x = low[is_exact]
    scores = np.empty((low.size, 2))
    scores[is_exact, 0] = h * x - g
    scores[is_exact, 1] = 1.0 / h - x * (h * x - g)
    pulls, _ = interval_slopes(low[~is_exact], high[~is_exact], g=g, h=h)
    scores[~is_exact] = pulls.T
    return scores


def _sandwich(covariance: Floats, scores: Floats, clusters: NDArray[np.int_]) -> Floats:
    """Return the covariance when readings of one cluster (cell) go together.

    The sum over clusters of the outer product of their scores stands between two inverses of
    the information; the factor k/(k - 1) is the usual one for k clusters.
    """
    sums = np.stack([np.bincount(clusters, weights=column) for column in scores.T], axis=1)
    k = sums.shape[0]
    between: Floats = covariance @ (sums.T @ sums) @ covariance * (k / (k - 1.0))
    return between
