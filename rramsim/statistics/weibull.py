"""Weibull life of cells from failures seen between two reads, and from cells that did not fail.

With x = ln(cycles), a Weibull life is a location and scale family: P(T > t) = exp(-exp(u)),
u = h x - g, where h is the shape and exp(g / h) the scale. Its likelihood is concave in (g, h)
whatever the censoring, because the density of u is log-concave [1]_: it has one maximum, and
Newton steps find it. A quantile or a shape held fixed is a straight line in (g, h), so every
profile likelihood is the same climb in one dimension.

.. [1] J. Burridge, "A note on maximum likelihood estimation for regression models using grouped
   data", Journal of the Royal Statistical Society B 43 (1981) 41-45.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import chi2

from rramsim.statistics.confidence import CONFIDENCE

Floats = NDArray[np.float64]

LEAST_FAILURES = 3
"""Failures it takes to fit a shape."""

_MOST_STEPS = 200
# (Distance to the maximum / standard error)**2, from where one more Newton step is the last.
_CONVERGED = 1e-10
# An interval this narrow is a moment: the likelihood of narrower ones loses its digits.
_NARROW = 1e-3
# Fall of ln L at the ends of a two-sided profile interval.
_FALL = float(chi2.ppf(CONFIDENCE, 1)) / 2.0
# The ends are sought this many times beyond where the curvature alone would put them.
_REACH = 2.0**8
# A shape known to within no better than this factor, e**10, has no upper end in the data.
_LOOSEST = 10.0


class NoShapeError(ValueError):
    """No Weibull shape can be fitted; the message says in one sentence why."""


@dataclass(frozen=True)
class Estimate:
    """A value with the ends of its 95 % interval; an end the data do not give is 0 or infinite."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class WeibullFit:
    """A fitted life, P(T <= t) = 1 - exp(-(t / scale)**shape), in cycles.

    Attributes
    ----------
    shape : Estimate
        With its profile-likelihood interval.
    scale : float
        Cycles until 63.2 % of the cells have failed.
    b1, b10, median : Estimate
        Cycles until 1, 10 and 50 % have failed, with profile-likelihood intervals.
    """

    shape: Estimate
    scale: float
    b1: Estimate
    b10: Estimate
    median: Estimate


@dataclass(frozen=True)
class _Lives:
    """Lives sorted by what is known of them; ln(cycles), standardised."""

    exact: Floats
    right: Floats
    start: Floats  # of intervals, -inf where nothing is known before
    end: Floats


def fit_weibull(after: ArrayLike, until: ArrayLike) -> WeibullFit:
    """Fit a Weibull life by maximum likelihood, each life known to lie in (after, until].

    Parameters
    ----------
    after : array_like, shape (cells,)
        Last cycle at which the cell was known to be good, 0 for none.
    until : array_like, shape (cells,)
        First cycle at which it was known to have failed; infinite for a survivor. Equal to
        `after` for a failure seen as it happened; an interval narrower than 0.1 % counts as one.

    Returns
    -------
    WeibullFit

    Raises
    ------
    NoShapeError
        With fewer than 3 failures, or failures that set no limit to the shape (all at one
        moment, or all between the same two reads).

    Examples
    --------
    >>> cycles = [120.0, 260.0, 410.0, 700.0]
    >>> round(fit_weibull(cycles, cycles).shape.value, 3)
    1.826
    """
    start, end = _checked(after, until)
    failures = int(np.count_nonzero(np.isfinite(end)))
    if failures < LEAST_FAILURES:
        raise NoShapeError(
            f"{failures} of {end.size:,} cells failed; a Weibull shape needs at least "
            f"{LEAST_FAILURES} failures."
        )
    known = np.where(np.isfinite(end), end, start)
    centre = float(np.log(known[known > 0]).mean())
    spread = float(np.log(known[known > 0]).std())
    if known.min() == known.max():
        raise NoShapeError("every cell failed or was last read at the same cycle: no shape.")
    lives = _sorted(start, end, centre=centre, spread=spread)
    best = _climb(lives, np.array([0.5, 1.0]), np.eye(2))
    value, _, curvature = _slopes(lives, best)
    try:
        covariance = np.linalg.inv(-curvature)
    except np.linalg.LinAlgError:
        covariance = np.full((2, 2), np.inf)
    if not covariance[1, 1] <= (_LOOSEST * best[1]) ** 2:
        raise NoShapeError("the failures lie between the same reads: they set no limit to a shape.")

    def shape_end(sign: float) -> float:
        line = np.array([[1.0], [0.0]])  # g free, h held
        return _profile_end(
            lambda h: _height(lives, np.array([best[0] / best[1] * h, h]), line) - value,
            float(best[1]),
            step=sign * math.sqrt(covariance[1, 1]),
            least=0.0,
        )

    def quantile(share: float) -> Estimate:
        u = math.log(-math.log1p(-share))
        at = float((u + best[0]) / best[1])
        gradient = np.array([1.0, -at]) / best[1]
        error = math.sqrt(float(gradient @ covariance @ gradient))
        ends = (
            _profile_end(
                # The quantile w held: g = h w - u, so h alone is free.
                lambda w: (
                    _height(lives, np.array([best[1] * w - u, best[1]]), np.array([[w], [1.0]]))
                    - value
                ),
                at,
                step=sign * error,
            )
            for sign in (-1.0, 1.0)
        )
        return Estimate(*(_cycles(x, centre, spread) for x in (at, *ends)))

    return WeibullFit(
        shape=Estimate(*(float(h) / spread for h in (best[1], shape_end(-1.0), shape_end(1.0)))),
        scale=_cycles(float(best[0] / best[1]), centre, spread),
        b1=quantile(0.01),
        b10=quantile(0.10),
        median=quantile(0.50),
    )


def life_at_least(after: ArrayLike, until: ArrayLike, *, shape: float, share: float) -> float:
    """Return the one-sided 95 % lower bound of the cycles until `share` of the cells have failed.

    For a stated shape, cycles**shape is exponential, and with d failures the bound of its mean
    is 2 sum(cycles**shape) / chi2(95 %, 2 d + 2). A cell that failed between two reads counts
    with the earlier one, which is on the safe side. (Nelson, "Weibull analysis of reliability
    data with few or no failures", Journal of Quality Technology 17 (1985) 140-146.)

    Parameters
    ----------
    after, until : array_like, shape (cells,)
        As in `fit_weibull`.
    shape : float
        The Weibull shape, known from elsewhere.
    share : float
        Share of the cells that fail, such as 0.1.
    """
    start, end = _checked(after, until)
    failures = int(np.count_nonzero(np.isfinite(end)))
    longest = float(start.max())
    if longest == 0.0:
        return 0.0
    total = float(np.sum((start / longest) ** shape))
    mean = 2.0 * total / float(chi2.ppf(CONFIDENCE, 2 * failures + 2))
    return longest * float((-math.log1p(-share) * mean) ** (1.0 / shape))


def _checked(after: ArrayLike, until: ArrayLike) -> tuple[Floats, Floats]:
    start, end = np.asarray(after, dtype=float), np.asarray(until, dtype=float)
    if not np.all((start >= 0) & (end >= start) & (end > 0) & np.isfinite(start)):
        raise ValueError("a life must lie in an interval 0 <= after <= until, until > 0")
    return start, end


def _sorted(start: Floats, end: Floats, *, centre: float, spread: float) -> _Lives:
    failed = np.isfinite(end)
    exact = failed & (end - start <= _NARROW * end)
    between = failed & ~exact
    with np.errstate(divide="ignore"):
        x, y = (np.log(start) - centre) / spread, (np.log(end) - centre) / spread
    # A survivor never read says nothing.
    return _Lives(
        exact=(x[exact] + y[exact]) / 2.0,
        right=x[~failed & (start > 0)],
        start=x[between],
        end=y[between],
    )


def _slopes(lives: _Lives, at: Floats) -> tuple[float, Floats, Floats]:
    """Return ln L, its gradient by (g, h) and its second derivatives, shape (2, 2)."""
    g, h = float(at[0]), float(at[1])
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        t, right = np.exp(h * lives.exact - g), np.exp(h * lives.right - g)
        value = (
            lives.exact.size * math.log(h)
            + float(np.sum(h * lives.exact - g - t))
            - float(right.sum())
        )
        gradient = np.array([0.0, lives.exact.size / h])
        curvature = np.array([[0.0, 0.0], [0.0, -lives.exact.size / h**2]])
        # Each term by u, and by du/d(g, h) = (-1, x).
        terms = [(1.0 - t, -t, lives.exact), (-right, -right, lives.right)]
        if lives.end.size:
            a, b = np.exp(h * lives.start - g), np.exp(h * lives.end - g)
            x_a = np.where(np.isfinite(lives.start), lives.start, 0.0)
            rate = 1.0 / np.expm1(b - a)
            bend = rate * (1.0 + rate)
            value += float(np.sum(-a + np.log(-np.expm1(a - b))))
            terms.append((-(1.0 + rate) * a, -(1.0 + rate) * a - bend * a * a, x_a))
            terms.append((rate * b, rate * b - bend * b * b, lives.end))
            curvature += _outer(2.0 * bend * a * b, x_a, lives.end)
        for first, second, x in terms:
            gradient += (-first.sum(), first @ x)
            curvature += _outer(second, x, x)
    return value, gradient, curvature


def _outer(weight: Floats, x: Floats, y: Floats) -> Floats:
    """Return the sum of `weight` times the symmetric product of (-1, x) and (-1, y)."""
    cross = -float(weight @ (x + y)) / 2.0
    return np.array([[weight.sum(), cross], [cross, weight @ (x * y)]])


def _climb(lives: _Lives, start: Floats, directions: Floats) -> Floats:
    """Return the maximum of ln L in the space of `directions`, shape (2, free), from `start`."""
    at = start
    value, gradient, curvature = _slopes(lives, at)
    for _ in range(_MOST_STEPS):
        slope = directions.T @ gradient
        try:
            step = np.linalg.solve(-(directions.T @ curvature @ directions), slope)
        except np.linalg.LinAlgError:
            return at  # so far out that ln L no longer changes
        if abs(slope @ step) < _CONVERGED:
            return at + directions @ step
        size = 1.0
        while size > 1e-12:
            tried = at + size * (directions @ step)
            found = _slopes(lives, tried) if tried[1] > 0 else None
            if found is not None and found[0] >= value:
                break
            size /= 2.0
        else:
            return at
        at, (value, gradient, curvature) = tried, found
    raise NoShapeError("the failures set no limit to a Weibull shape.")


def _height(lives: _Lives, start: Floats, direction: Floats) -> float:
    return _slopes(lives, _climb(lives, start, direction))[0]


def _profile_end(
    above: Callable[[float], float], best: float, *, step: float, least: float = -math.inf
) -> float:
    """Return where ln L, at most 0 relative to its maximum, has fallen by that of 95 %."""
    inner, outer, reach = best, best + step, 1.0
    while outer > least and reach <= _REACH:
        if above(outer) < -_FALL:
            return float(brentq(lambda at: above(at) + _FALL, inner, outer, xtol=1e-7))
        inner, reach = outer, 2.0 * reach
        outer = best + reach * step
    if outer <= least:
        floor = least + 1e-9 * (best - least)
        if above(floor) < -_FALL:
            return float(brentq(lambda at: above(at) + _FALL, inner, floor, xtol=1e-10))
        return least
    return math.copysign(math.inf, step)


def _cycles(x: float, centre: float, spread: float) -> float:
    exponent = centre + spread * x
    if exponent > 700.0:
        return math.inf
    return math.exp(exponent)
