"""Maximum-likelihood fit of a lognormal population of resistances, some of them censored.

The fit works on x = ln(R / ohm) in Olsen's parameters g = mu/sigma and h = 1/sigma, in which
the likelihood of exact and censored readings together is concave: it has one maximum, and
Newton steps find it [1]_.

.. [1] R. J. Olsen, "Note on the uniqueness of the maximum likelihood estimator for the Tobit
   model", Econometrica 46 (1978) 1211-1215.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rramsim import formatting as numbers
from rramsim.statistics.censoring import ABOVE, BELOW, EXACT
from rramsim.statistics.design_effect import clusters_of
from rramsim.statistics.likelihood import (
    Floats,
    NotSettledError,
    group,
    interval_slopes,
    maximise,
)

_LEAST_EXACT = 3
_LEAST_INTERVALS = 2


class UnfittableError(ValueError):
    """No lognormal can be fitted; the message says in one sentence what the readings are."""


@dataclass(frozen=True, eq=False)
class LognormalFit:
    """A lognormal population, ln(R / ohm) ~ N(mu, sigma**2), and how well it is known.

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
    """

    mu: float
    sigma: float
    covariance: Floats = field(repr=False)
    exact: int
    censored_below: int
    censored_above: int
    cells: int
    between: int = 0

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
    resistance: ArrayLike,
    censoring: ArrayLike | None = None,
    *,
    upper: ArrayLike | None = None,
    cell: ArrayLike | None = None,
) -> LognormalFit:
    """Fit a lognormal to resistances by maximum likelihood, with censoring on either side.

    Parameters
    ----------
    resistance : array_like, shape (readings,)
        Resistance in ohm, or the limit it is beyond; all above 0 and finite.
    censoring : array_like, shape (readings,), optional
        -1: at most the number, 0: exact, +1: at least the number. Default: all exact.
    upper : array_like, shape (readings,), optional
        Where finite, the reading is known only to lie from `resistance` to this number, in ohm
        (a coarse digit, or a verify level passed and the next one not); its `censoring` is 0.
    cell : array_like of int, shape (readings,), optional
        Number of the cell of each reading, -1 where unknown. Where a cell was read more than
        once its readings are not independent, and the covariance is the cluster sandwich over
        cells; otherwise it is the inverse of the observed information.

    Returns
    -------
    LognormalFit

    Raises
    ------
    UnfittableError
        With fewer than 3 exact readings and fewer than 2 distinct intervals, or exact readings
        that are all the same.

    Examples
    --------
    >>> fit = fit_lognormal([1e3, 2e3, 4e3])
    >>> round(math.exp(fit.mu)), round(fit.sigma, 3)
    (2000, 0.566)
    """
    x = np.log(np.asarray(resistance, dtype=float))
    side = np.zeros(x.size, dtype=int) if censoring is None else np.asarray(censoring)
    high, is_between = _upper(x, upper)
    located = (x + np.where(is_between, high, x))[(side == EXACT)] / 2.0
    exact = x[(side == EXACT) & ~is_between]
    if np.unique(np.stack([x, high])[:, is_between], axis=1).shape[1] < _LEAST_INTERVALS:
        _refuse_unfittable(exact, x=x, side=side)
    mean, scale = float(located.mean()), float(located.std())
    low, high = _limits((x - mean) / scale, (high - mean) / scale, side=side, between=is_between)
    g, h, information = _maximum(low, high)
    clusters = np.arange(x.size) if cell is None else clusters_of(cell)
    covariance: Floats = np.linalg.inv(information).astype(float)
    if 1 < clusters.max() + 1 < x.size:
        covariance = _sandwich(covariance, _scores(low, high, g=g, h=h), clusters)
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
    )


def _upper(x: Floats, upper: ArrayLike | None) -> tuple[Floats, NDArray[np.bool_]]:
    """Return ln of the upper ends, and which readings lie between two different limits."""
    if upper is None:
        return x, np.zeros(x.size, dtype=bool)
    ends = np.asarray(upper, dtype=float)
    high = np.log(np.where(np.isfinite(ends), ends, np.exp(x)))
    if np.any(high < x - 1e-12):
        raise ValueError("an upper limit is below the reading's lower one")
    return high, high > x + 1e-12


def _limits(
    x: Floats, high: Floats, *, side: NDArray[np.int_], between: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Return the lower and the upper end of what is known of each reading."""
    low = np.where(side == BELOW, -np.inf, x)
    return low, np.where(side == ABOVE, np.inf, np.where(between, high, x))


def _maximum(low: Floats, high: Floats) -> tuple[float, float, Floats]:
    readings = group(low, high)
    try:
        return maximise(readings)
    except NotSettledError:
        raise UnfittableError(
            "the fit does not settle: the limits lie too far from the "
            f"{readings.exact:,} exact values; check the readings."
        ) from None


def _refuse_unfittable(exact: Floats, *, x: Floats, side: NDArray[np.int_]) -> None:
    if np.all(side != EXACT):
        raise UnfittableError(_all_censored(x, side))
    if exact.size < _LEAST_EXACT:
        values = "value" if exact.size == 1 else "values"
        raise UnfittableError(
            f"{exact.size} exact {values} of {x.size:,}{_beyond(x, side)}: a distribution needs "
            f"at least {_LEAST_EXACT}; raise the meter's range or give more cells."
        )
    if exact.min() == exact.max():
        raise UnfittableError(
            f"all {exact.size:,} exact values are {numbers.quantity(math.exp(exact[0]), 'Ω', 4)}: "
            "stuck reading or too coarse a resolution; median and counted BER only."
        )


def _all_censored(x: Floats, side: NDArray[np.int_]) -> str:
    above, below = x[side == ABOVE], x[side == BELOW]
    if above.size and below.size:
        return f"all {x.size:,} cells are beyond a limit: nothing can be fitted; BER counted only."
    word, sign = ("above", ">") if above.size else ("below", "<")
    # The bound that every reading obeys: the loosest of the limits.
    limit = numbers.quantity(math.exp(above.min() if above.size else below.max()), "Ω")
    return f"all {x.size:,} cells are {word} {limit}: median {sign} {limit}; BER counted only."


def _beyond(x: Floats, side: NDArray[np.int_]) -> str:
    parts = []
    for code, words, pick in ((ABOVE, "over range at", np.min), (BELOW, "under range at", np.max)):
        beyond = x[side == code]
        if beyond.size:
            limit = numbers.quantity(math.exp(pick(beyond)), "Ω")
            parts.append(f"{beyond.size:,} {words} {limit}")
    return f" ({', '.join(parts)})" if parts else ""


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
