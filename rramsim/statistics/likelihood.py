"""The likelihood of normal readings, exact or known only between limits, in Olsen's parameters.

With g = mu/sigma and h = 1/sigma, the logarithm of the likelihood is concave in (g, h)
for exact readings, readings beyond a limit, and readings between two limits alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

Floats = NDArray[np.float64]

_MOST_STEPS = 200
# The squared Newton decrement is (distance to the maximum / standard error)**2.
_CONVERGED = 1e-18
_LOG_ROOT_2_PI = 0.5 * math.log(2.0 * math.pi)


class NotSettledError(Exception):
    """Newton's steps did not reach the maximum."""


@dataclass(frozen=True, eq=False)
class Grouped:
    """Readings as the likelihood sees them: three numbers and the distinct pairs of limits.

    Attributes
    ----------
    exact : int
        Number of exact readings.
    mean, mean_square : float
        Of the exact readings, 0 without any.
    lower, upper : ndarray, shape (limits,)
        Distinct limits, -inf and inf where a reading has none on that side.
    counts : ndarray, shape (limits,)
        Readings with that pair of limits.
    """

    exact: int
    mean: float
    mean_square: float
    lower: Floats
    upper: Floats
    counts: Floats


def group(lower: Floats, upper: Floats) -> Grouped:
    """Group readings known to lie from `lower` to `upper`; equal ends are an exact reading."""
    is_exact = lower == upper
    exact = lower[is_exact]
    limits, counts = np.unique(
        np.stack([lower[~is_exact], upper[~is_exact]]), axis=1, return_counts=True
    )
    return Grouped(
        exact=int(exact.size),
        mean=float(exact.mean()) if exact.size else 0.0,
        mean_square=float(np.mean(exact**2)) if exact.size else 0.0,
        lower=limits[0],
        upper=limits[1],
        counts=counts.astype(float),
    )


def log_likelihood(readings: Grouped, g: float, h: float) -> float:
    """Return the logarithm of the likelihood, without its constant."""
    n, m, q = readings.exact, readings.mean, readings.mean_square
    exact = n * (math.log(h) - (h * h * q - 2.0 * g * h * m + g * g) / 2.0)
    low, high = _standard(readings.lower, g=g, h=h), _standard(readings.upper, g=g, h=h)
    return exact + float(readings.counts @ log_share(low, high))


def slopes(readings: Grouped, g: float, h: float) -> tuple[Floats, Floats]:
    """Return the gradient by (g, h), shape (2,), and the observed information, shape (2, 2)."""
    n, m, q = readings.exact, readings.mean, readings.mean_square
    pulls, weights = interval_slopes(readings.lower, readings.upper, g=g, h=h)
    exact_pull = np.array([n * (h * m - g), n / h - n * (h * q - g * m)])
    exact_weight = np.array([[n, -n * m], [-n * m, n / h**2 + n * q]])
    return (
        exact_pull + pulls @ readings.counts,
        exact_weight + weights @ readings.counts,
    )


def interval_slopes(lower: Floats, upper: Floats, *, g: float, h: float) -> tuple[Floats, Floats]:
    """Return gradient and information of ln[Phi(h upper - g) - Phi(h lower - g)] a reading.

    Shapes (2, readings) and (2, 2, readings).
    """
    low, high = _standard(lower, g=g, h=h), _standard(upper, g=g, h=h)
    log_inside = log_share(low, high)
    ends = []
    for z, limit in ((low, lower), (high, upper)):
        known = np.isfinite(z)
        z, limit = np.where(known, z, 0.0), np.where(known, limit, 0.0)
        ratio = np.exp(np.where(known, -(z**2) / 2.0 - _LOG_ROOT_2_PI - log_inside, -np.inf))
        ends.append((z, limit, ratio))
    (z_a, a, r_a), (z_b, b, r_b) = ends
    pull = np.stack([r_a - r_b, b * r_b - a * r_a])
    gg = z_b * r_b - z_a * r_a + pull[0] ** 2
    gh = -(z_b * b * r_b - z_a * a * r_a) + pull[0] * pull[1]
    hh = z_b * b**2 * r_b - z_a * a**2 * r_a + pull[1] ** 2
    return pull, np.stack([np.stack([gg, gh]), np.stack([gh, hh])])


def log_share(low: Floats, high: Floats) -> Floats:
    """Return ln[Phi(high) - Phi(low)] without underflow in either tail."""
    # In the upper tail the difference is that of two numbers next to 1: look from the other side.
    flip = low > 0.0
    below, above = np.where(flip, -high, low), np.where(flip, -low, high)
    log_above = log_ndtr(above)
    with np.errstate(divide="ignore"):
        share: Floats = log_above + np.log1p(-np.exp(log_ndtr(below) - log_above))
    return share


def maximise(readings: Grouped, *, g: float = 0.0, h: float = 1.0) -> tuple[float, float, Floats]:
    """Climb from (g, h) to the maximum; return g, h and the information there.

    Raises
    ------
    NotSettledError
        If the maximum is not reached: limits too far from the exact readings.
    """
    value = log_likelihood(readings, g, h)
    for _ in range(_MOST_STEPS):
        gradient, information = slopes(readings, g, h)
        step = np.linalg.solve(information, gradient)
        if gradient @ step < _CONVERGED:
            return g, h, information
        size = 1.0
        # Rounding in a sum of many terms must not look like a step downhill.
        least = value - 1e-13 * abs(value)
        while (
            h + size * step[1] <= 0
            or not log_likelihood(readings, g + size * step[0], h + size * step[1]) >= least
        ):
            size /= 2.0
            if size == 0.0:
                raise NotSettledError
        g, h = g + size * float(step[0]), h + size * float(step[1])
        value = log_likelihood(readings, g, h)
    raise NotSettledError


def _standard(limit: Floats, *, g: float, h: float) -> Floats:
    z: Floats = h * limit - g
    return z
