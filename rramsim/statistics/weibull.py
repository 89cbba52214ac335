"""Weibull lifetimes from failures seen between two looks, and from units that did not fail.

With x = ln(t), a Weibull lifetime is a location and scale family: P(T > t) = exp(-exp(u)),
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
from scipy.special import chdtri

from rramsim.errors import InputError, refused
from rramsim.interval import Interval
from rramsim.statistics.confidence import CONFIDENCE

Floats = NDArray[np.float64]

LEAST_FAILURES = 3
"""Failures it takes to fit a shape."""

_MOST_STEPS = 200
# (Distance to the maximum / standard error)**2, from where one more Newton step is the last.
_CONVERGED = 1e-10
# An interval this narrow is a moment: the likelihood of narrower ones loses its digits.
_NARROW = 1e-3
# Logarithms this close, in their standard deviations, differ by rounding alone.
_ONE_MOMENT = 1e-9
# Fall of ln L at the ends of a two-sided profile interval.
_FALL = float(chdtri(1, 1.0 - CONFIDENCE)) / 2.0
# The ends are sought this many times beyond where the curvature alone would put them.
_REACH = 2.0**8
# A shape known to within no better than this factor, e**10, has no upper end in the data.
_LOOSEST = 10.0


class NoShapeError(ValueError):
    """No Weibull shape can be fitted.

    Attributes
    ----------
    kind : str
        Why: one of ``"too few failures"``, ``"one moment"`` (every failure may have been at one
        moment, with no survivor after it), ``"same interval"`` (all failures between the same two
        looks) and ``"no limit"``.
    failures, units : int
        Units that failed, and all units.
    """

    def __init__(self, kind: str, *, failures: int = 0, units: int = 0) -> None:
        super().__init__(f"no Weibull shape: {kind}, {failures} failures of {units}")
        self.kind, self.failures, self.units = kind, failures, units


@dataclass(frozen=True)
class WeibullFit:
    """A fitted lifetime, P(T <= t) = 1 - exp(-(t / scale)**shape).

    Intervals are those of the profile likelihood, 95 %; an end that the data do not give is 0 or
    infinite.

    Attributes
    ----------
    shape : Interval
    scale : float
        When 63.2 % of the units have failed.
    b1, b10, median : Interval
        When 1, 10 and 50 % have failed.
    """

    shape: Interval
    scale: float
    b1: Interval
    b10: Interval
    median: Interval


@dataclass(frozen=True)
class _Lifetimes:
    """Lifetimes sorted by what is known of them; ln(t), standardised."""

    exact: Floats
    right: Floats
    start: Floats  # of intervals, -inf where nothing is known before
    end: Floats


def fit_weibull(last_good: ArrayLike, first_failed: ArrayLike) -> WeibullFit:
    """Fit a Weibull lifetime by maximum likelihood, each in (last_good, first_failed].

    Parameters
    ----------
    last_good : array_like, shape (units,)
        When the unit was last known to be good, such as a cycle of a cell; 0 for never.
    first_failed : array_like, shape (units,)
        When it was first known to have failed; infinite for a survivor. Equal to `last_good`
        for a failure seen as it happened; an interval narrower than 0.1 % counts as one.

    Returns
    -------
    WeibullFit

    Raises
    ------
    InputError
        If the arrays are not of one length, or hold what no lifetime can be.
    NoShapeError
        With fewer than 3 failures, or failures that set no limit to the shape (all at one
        moment, or all between the same two reads).

    Examples
    --------
    >>> cycles = [120.0, 260.0, 410.0, 700.0]
    >>> round(fit_weibull(cycles, cycles).shape.estimate, 3)
    1.826
    """
    start, end = _checked(last_good, first_failed)
    failures = int(np.count_nonzero(np.isfinite(end)))
    if failures < LEAST_FAILURES:
        raise NoShapeError("too few failures", failures=failures, units=end.size)
    known = np.where(np.isfinite(end), end, start)
    centre = float(np.log(known[known > 0]).mean())
    spread = float(np.log(known[known > 0]).std())
    if known.min() == known.max():
        raise NoShapeError("one moment", failures=failures, units=end.size)
    lifetimes = _sorted(start, end, centre=centre, spread=spread)
    if _may_be_one_moment(lifetimes):
        raise NoShapeError("one moment", failures=failures, units=end.size)
    best = _climb(lifetimes, np.array([0.5, 1.0]), np.eye(2))
    value, _, curvature = _slopes(lifetimes, best)
    try:
        covariance = np.linalg.inv(-curvature)
    except np.linalg.LinAlgError:
        covariance = np.full((2, 2), np.inf)
    if not (covariance[0, 0] > 0.0 and 0.0 < covariance[1, 1] <= (_LOOSEST * best[1]) ** 2):
        raise NoShapeError("same interval", failures=failures, units=end.size)

    def shape_end(sign: float) -> float:
        line = np.array([[1.0], [0.0]])  # g free, h held
        return _profile_end(
            lambda h: _height(lifetimes, np.array([best[0] / best[1] * h, h]), line) - value,
            float(best[1]),
            step=sign * math.sqrt(covariance[1, 1]),
            least=0.0,
        )

    def quantile(share: float) -> Interval:
        u = math.log(-math.log1p(-share))
        log_time = float((u + best[0]) / best[1])
        gradient = np.array([1.0, -log_time]) / best[1]
        error = math.sqrt(float(gradient @ covariance @ gradient))
        ends = (
            _profile_end(
                # The quantile w held: g = h w - u, so h alone is free.
                lambda w: (
                    _height(lifetimes, np.array([best[1] * w - u, best[1]]), np.array([[w], [1.0]]))
                    - value
                ),
                log_time,
                step=sign * error,
            )
            for sign in (-1.0, 1.0)
        )
        time, low, high = (_time(x, centre, spread) for x in (log_time, *ends))
        return Interval(time, low, high)

    return WeibullFit(
        shape=Interval(float(best[1]) / spread, shape_end(-1.0) / spread, shape_end(1.0) / spread),
        scale=_time(float(best[0] / best[1]), centre, spread),
        b1=quantile(0.01),
        b10=quantile(0.10),
        median=quantile(0.50),
    )


def lifetime_at_least(
    last_good: ArrayLike, first_failed: ArrayLike, *, shape: float, share: float
) -> float:
    """Return the one-sided 95 % lower bound of the time until `share` of the units have failed.

    For a stated shape, t**shape is exponential, and with d failures the bound of its mean is
    2 sum(t**shape) / chi2(95 %, 2 d + 2). A unit that failed between two looks counts with the
    earlier one, which is on the safe side. (Nelson, "Weibull analysis of reliability
    data with few or no failures", Journal of Quality Technology 17 (1985) 140-146.)

    Parameters
    ----------
    last_good, first_failed : array_like, shape (units,)
        As in `fit_weibull`.
    shape : float
        The Weibull shape, known from elsewhere.
    share : float
        Share of the units that fail, such as 0.1.
    """
    start, end = _checked(last_good, first_failed)
    failures = int(np.count_nonzero(np.isfinite(end)))
    longest = float(start.max())
    if longest == 0.0:
        return 0.0
    total = float(np.sum((start / longest) ** shape))
    mean = 2.0 * total / float(chdtri(2 * failures + 2, 1.0 - CONFIDENCE))
    return longest * float((-math.log1p(-share) * mean) ** (1.0 / shape))


def _checked(last_good: ArrayLike, first_failed: ArrayLike) -> tuple[Floats, Floats]:
    try:
        start, end = np.asarray(last_good, dtype=float), np.asarray(first_failed, dtype=float)
    except (TypeError, ValueError):
        raise refused(
            "last_good or first_failed", [last_good, first_failed], "numbers along one axis"
        ) from None
    if start.ndim != 1 or start.shape != end.shape:
        shapes = [start.shape, end.shape]
        raise refused(
            "the shapes of last_good and first_failed", shapes, "one axis, of the same length"
        )
    if not np.all((start >= 0) & (end >= start) & (end > 0) & np.isfinite(start)):
        raise InputError("lifetimes need 0 <= last_good <= first_failed, and first_failed > 0")
    return start, end


def _sorted(start: Floats, end: Floats, *, centre: float, spread: float) -> _Lifetimes:
    failed = np.isfinite(end)
    exact = failed & (end - start <= _NARROW * end)
    between = failed & ~exact
    with np.errstate(divide="ignore"):
        x, y = (np.log(start) - centre) / spread, (np.log(end) - centre) / spread
    # A survivor never looked at says nothing.
    return _Lifetimes(
        exact=(x[exact] + y[exact]) / 2.0,
        right=x[~failed & (start > 0)],
        start=x[between],
        end=y[between],
    )


def _may_be_one_moment(lifetimes: _Lifetimes) -> bool:
    """Whether all exact failures are at one moment, and all else may be so without a survivor.

    ln L then grows with ln h without an end, since each exact failure adds its ln h.
    """
    exact = lifetimes.exact
    if not exact.size or float(np.ptp(exact)) > _ONE_MOMENT:
        return False
    lasted = np.concatenate([lifetimes.right, lifetimes.start])
    return bool(
        np.all(lasted <= exact.max() + _ONE_MOMENT)
        and np.all(lifetimes.end >= exact.min() - _ONE_MOMENT)
    )


def _slopes(lifetimes: _Lifetimes, point: Floats) -> tuple[float, Floats, Floats]:
    """Return ln L, its gradient by (g, h) and its second derivatives, shape (2, 2)."""
    g, h = float(point[0]), float(point[1])
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        t, right = np.exp(h * lifetimes.exact - g), np.exp(h * lifetimes.right - g)
        value = (
            lifetimes.exact.size * math.log(h)
            + float(np.sum(h * lifetimes.exact - g - t))
            - float(right.sum())
        )
        gradient = np.array([0.0, lifetimes.exact.size / h])
        curvature = np.array([[0.0, 0.0], [0.0, -lifetimes.exact.size / h**2]])
        # Each term by u, and by du/d(g, h) = (-1, x).
        terms = [(1.0 - t, -t, lifetimes.exact), (-right, -right, lifetimes.right)]
        if lifetimes.end.size:
            a, b = np.exp(h * lifetimes.start - g), np.exp(h * lifetimes.end - g)
            x_a = np.where(np.isfinite(lifetimes.start), lifetimes.start, 0.0)
            rate = 1.0 / np.expm1(b - a)
            bend = rate * (1.0 + rate)
            value += float(np.sum(-a + np.log(-np.expm1(a - b))))
            terms.append((-(1.0 + rate) * a, -(1.0 + rate) * a - bend * a * a, x_a))
            terms.append((rate * b, rate * b - bend * b * b, lifetimes.end))
            curvature += _outer(2.0 * bend * a * b, x_a, lifetimes.end)
        for first, second, x in terms:
            gradient += (-first.sum(), first @ x)
            curvature += _outer(second, x, x)
    return value, gradient, curvature


def _outer(weight: Floats, x: Floats, y: Floats) -> Floats:
    """Return the sum of `weight` times the symmetric product of (-1, x) and (-1, y)."""
    cross = -float(weight @ (x + y)) / 2.0
    return np.array([[weight.sum(), cross], [cross, weight @ (x * y)]])


def _climb(lifetimes: _Lifetimes, start: Floats, directions: Floats) -> Floats:
    """Return the maximum of ln L in the space of `directions`, shape (2, free), from `start`."""
    point = start
    value, gradient, curvature = _slopes(lifetimes, point)
    for _ in range(_MOST_STEPS):
        slope = directions.T @ gradient
        try:
            step = np.linalg.solve(-(directions.T @ curvature @ directions), slope)
        except np.linalg.LinAlgError:
            return point  # so far out that ln L no longer changes
        if abs(slope @ step) < _CONVERGED:
            return point + directions @ step
        size = 1.0
        while size > 1e-12:
            tried = point + size * (directions @ step)
            slopes = _slopes(lifetimes, tried) if tried[1] > 0 else None
            if slopes is not None and slopes[0] >= value:
                break
            size /= 2.0
        else:
            return point
        point, (value, gradient, curvature) = tried, slopes
    raise NoShapeError("no limit")


def _height(lifetimes: _Lifetimes, start: Floats, direction: Floats) -> float:
    return _slopes(lifetimes, _climb(lifetimes, start, direction))[0]


def _profile_end(
    above: Callable[[float], float], best: float, *, step: float, least: float = -math.inf
) -> float:
    """Return where ln L, at most 0 relative to its maximum, has fallen by that of 95 %."""
    from scipy.optimize import brentq  # as in `attempts`

    inner, outer, reach = best, best + step, 1.0
    while outer > least and reach <= _REACH:
        if above(outer) < -_FALL:
            return float(brentq(lambda x: above(x) + _FALL, inner, outer, xtol=1e-7))
        inner, reach = outer, 2.0 * reach
        outer = best + reach * step
    if outer <= least:
        floor = least + 1e-9 * (best - least)
        if above(floor) < -_FALL:
            return float(brentq(lambda x: above(x) + _FALL, inner, floor, xtol=1e-10))
        return least
    return math.copysign(math.inf, step)


def _time(x: float, centre: float, spread: float) -> float:
    exponent = centre + spread * x
    if exponent > 700.0:
        return math.inf
    return math.exp(exponent)
