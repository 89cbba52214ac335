"""Maximum-likelihood fit of a lognormal population of resistances, some of them censored.

The fit works on x = ln(R / ohm) in Olsen's parameters g = mu/sigma and h = 1/sigma, in which
the likelihood of exact and censored readings together is concave: it has one maximum, and
Newton steps find it [1]_.

.. [1] R. J. Olsen, "Note on the uniqueness of the maximum likelihood estimator for the Tobit
   model", Econometrica 46 (1978) 1211-1215.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr

from rramsim import numbers
from rramsim.schema import ABOVE, BELOW, EXACT

Floats = NDArray[np.float64]

_LEAST_EXACT = 3
_MOST_STEPS = 200
# The squared Newton decrement is (distance to the maximum / standard error)**2.
_CONVERGED = 1e-18


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
    """

    mu: float
    sigma: float
    covariance: Floats
    exact: int
    censored_below: int
    censored_above: int
    cells: int


@dataclass(frozen=True)
class _Readings:
    """Standardised readings: the exact ones have mean 0 and variance 1."""

    exact: int
    limits: Floats  # shape (limits,): distinct limits
    sides: Floats  # shape (limits,): +1 where x is at most the limit, -1 where at least
    counts: Floats  # shape (limits,): readings with that limit


def fit_lognormal(
    resistance: ArrayLike,
    censoring: ArrayLike | None = None,
    *,
    cell: ArrayLike | None = None,
) -> LognormalFit:
    """Fit a lognormal to resistances by maximum likelihood, with censoring on either side.

    Parameters
    ----------
    resistance : array_like, shape (readings,)
        Resistance in ohm, or the limit it is beyond; all above 0 and finite.
    censoring : array_like, shape (readings,), optional
        -1: at most the number, 0: exact, +1: at least the number. Default: all exact.
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
        With fewer than 3 exact readings, or exact readings that are all the same.

    Examples
    --------
    >>> fit = fit_lognormal([1e3, 2e3, 4e3])
    >>> round(math.exp(fit.mu)), round(fit.sigma, 3)
    (2000, 0.566)
    """
    x = np.log(np.asarray(resistance, dtype=float))
    side = np.zeros(x.size, dtype=int) if censoring is None else np.asarray(censoring)
    exact = x[side == EXACT]
    _refuse_unfittable(exact, x=x, side=side)
    mean, scale = float(exact.mean()), float(exact.std())
    standard = (x - mean) / scale
    g, h, information = _maximise(_grouped(standard, side))
    clusters = _clusters(cell, x.size)
    covariance: Floats = np.linalg.inv(information).astype(float)
    if 1 < clusters.max() + 1 < x.size:
        covariance = _sandwich(covariance, _scores(standard, side, g=g, h=h), clusters)
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
    )


def _refuse_unfittable(exact: Floats, *, x: Floats, side: NDArray[np.int_]) -> None:
    if exact.size == 0:
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


def _grouped(standard: Floats, side: NDArray[np.int_]) -> _Readings:
    limits, sides, counts = [], [], []
    for code, sign in ((BELOW, 1.0), (ABOVE, -1.0)):
        values, times = np.unique(standard[side == code], return_counts=True)
        limits.append(values)
        sides.append(np.full(values.size, sign))
        counts.append(times.astype(float))
    return _Readings(
        exact=int(np.count_nonzero(side == EXACT)),
        limits=np.concatenate(limits),
        sides=np.concatenate(sides),
        counts=np.concatenate(counts),
    )


def _log_likelihood(readings: _Readings, g: float, h: float) -> float:
    z = readings.sides * (h * readings.limits - g)
    exact = readings.exact * (math.log(h) - (h * h + g * g) / 2.0)
    return exact + float(readings.counts @ log_ndtr(z))


def _slopes(readings: _Readings, g: float, h: float) -> tuple[Floats, Floats]:
    """Return the gradient by (g, h) and the observed information, shape (2, 2)."""
    n, c = readings.exact, readings.limits
    z = readings.sides * (h * c - g)
    ratio = _inverse_mills(z)
    pull = readings.counts * readings.sides * ratio
    weight = readings.counts * ratio * (z + ratio)
    gradient = np.array([-n * g - pull.sum(), n / h - n * h + c @ pull])
    cross = -float(c @ weight)
    information = np.array(
        [[n + weight.sum(), cross], [cross, n / h**2 + n + float(c**2 @ weight)]]
    )
    return gradient, information


def _inverse_mills(z: Floats) -> Floats:
    """Return phi(z) / Phi(z) without underflow."""
    ratio: Floats = np.exp(-(z**2) / 2.0 - 0.5 * math.log(2.0 * math.pi) - log_ndtr(z))
    return ratio


def _maximise(readings: _Readings) -> tuple[float, float, Floats]:
    """Climb from the moments of the exact readings; return g, h and the information there."""
    g, h = 0.0, 1.0
    value = _log_likelihood(readings, g, h)
    for _ in range(_MOST_STEPS):
        gradient, information = _slopes(readings, g, h)
        step = np.linalg.solve(information, gradient)
        if gradient @ step < _CONVERGED:
            return g, h, information
        size = 1.0
        # Rounding in a sum of many terms must not look like a step downhill.
        least = value - 1e-13 * abs(value)
        while (
            h + size * step[1] <= 0
            or _log_likelihood(readings, g + size * step[0], h + size * step[1]) < least
        ):
            size /= 2.0
        g, h = g + size * float(step[0]), h + size * float(step[1])
        value = _log_likelihood(readings, g, h)
    raise UnfittableError(
        f"the fit does not settle in {_MOST_STEPS} steps: the limits lie too far from the "
        f"{readings.exact:,} exact values; check the readings."
    )


def _clusters(cell: ArrayLike | None, readings: int) -> NDArray[np.int_]:
    """Return the independent group of each reading: its cell, or one of its own if unnamed."""
    if cell is None:
        return np.arange(readings)
    numbers_of_cells = np.asarray(cell)
    unnamed = numbers_of_cells < 0
    _, group = np.unique(numbers_of_cells[~unnamed], return_inverse=True)
    clusters = np.empty(readings, dtype=int)
    clusters[~unnamed] = group
    named = int(group.max()) + 1 if group.size else 0
    clusters[unnamed] = named + np.arange(np.count_nonzero(unnamed))
    return clusters


def _scores(standard: Floats, side: NDArray[np.int_], *, g: float, h: float) -> Floats:
    """Return each reading's share of the gradient by (g, h), shape (readings, 2)."""
    z = h * standard - g
    pull = z.copy()
    for code, sign in ((BELOW, 1.0), (ABOVE, -1.0)):
        of_code = side == code
        pull[of_code] = -sign * _inverse_mills(sign * z[of_code])
    return np.stack([pull, np.where(side == EXACT, 1.0 / h, 0.0) - standard * pull], axis=1)


def _sandwich(covariance: Floats, scores: Floats, clusters: NDArray[np.int_]) -> Floats:
    """Return the covariance when readings of one cluster (cell) go together.

    The sum over clusters of the outer product of their scores stands between two inverses of
    the information; the factor k/(k - 1) is the usual one for k clusters.
    """
    sums = np.stack([np.bincount(clusters, weights=column) for column in scores.T], axis=1)
    k = sums.shape[0]
    between: Floats = covariance @ (sums.T @ sums) @ covariance * (k / (k - 1.0))
    return between
