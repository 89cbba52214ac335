"""Lines of the median and the spread of one state against the logarithm of time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rramsim.device.bit_errors.sensing import StatePair, log_bit_error_rate
from rramsim.device.read_conditions import ReadConditions
from rramsim.schema import EXACT
from rramsim.statistics.confidence import CONFIDENCE
from rramsim.statistics.lognormal import UnfittableError, fit_lognormal
from rramsim.statistics.readings import cluster_count, ranked

Floats = NDArray[np.float64]


FIRST_TIME = 1.0
"""Seconds after programming from which the lines are fitted: earlier, cells relax otherwise."""

FURTHEST_DECADES = 1.0
"""An extrapolation by more than so many decades of time is warned of."""

JITTER = 0.9
"""A read-out this much of a nominal time before it is still the one meant."""

_LEAST_CELLS = 3


@dataclass(frozen=True, eq=False)
class Readouts:
    """The readings of one state by read-out, with a lognormal fitted to each.

    Attributes
    ----------
    resistance, censoring, cell, group : ndarray, shape (readings,)
        As in the schema "readings"; `group` is the read-out.
    time : ndarray, shape (readouts,)
        Seconds since programming, the median of a read-out, in order.
    mu, sigma : ndarray, shape (readouts,)
        Of ln(R / ohm), NaN where no lognormal can be fitted.
    """

    resistance: Floats
    censoring: NDArray[np.int_]
    cell: NDArray[np.int_]
    group: NDArray[np.int_]
    time: Floats
    mu: Floats
    sigma: Floats

    @classmethod
    def of(
        cls, resistance: Any, censoring: Any, *, cell: Any, group: Any, time: Floats
    ) -> Readouts:
        """Fit each read-out."""
        columns = (np.asarray(resistance, dtype=float), np.asarray(censoring))
        member = np.asarray(group)
        fits = [
            _mean_and_spread(*(column[member == place] for column in columns))
            for place in range(time.size)
        ]
        mu, sigma = np.array(fits).reshape(-1, 2).T
        return cls(*columns, np.asarray(cell), member, time, mu, sigma)

    @property
    def cells(self) -> int:
        """Distinct cells; a reading that names none counts as a cell of its own."""
        return cluster_count(self.cell)

    def in_lines(self, first_time: float) -> NDArray[np.bool_]:
        """Return which read-outs the lines of drift are fitted to, those from `first_time` (s)."""
        used: NDArray[np.bool_] = (
            (self.time >= JITTER * first_time) & np.isfinite(self.sigma) & (self.sigma > 0)
        )
        return used


@dataclass(frozen=True, eq=False)
class Drift:
    """mu = m + m' log10(t), sigma = s + s' log10(t), t in seconds.

    Attributes
    ----------
    lines : ndarray, shape (4,)
        m, m', s, s'.
    resampled : ndarray, shape (resamples, 4)
        The same from resampled cells; without rows where there are too few cells.
    """

    lines: Floats
    resampled: Floats

    def interval(self, which: int) -> tuple[float, float]:
        """Return the 95 % interval of one of `lines`, NaN without resamples."""
        if not len(self.resampled):
            return np.nan, np.nan
        tail = 50.0 * (1.0 - CONFIDENCE)
        low, high = np.percentile(self.resampled[:, which], (tail, 100.0 - tail))
        return float(low), float(high)


def fit_drift(
    readouts: Readouts, *, first_time: float, resamples: int, stream: np.random.Generator
) -> Drift | None:
    """Fit the lines to the read-outs from `first_time` (s) on, and again to resampled cells.

    Returns
    -------
    Drift or None
        None with fewer than two read-outs that can be fitted.
    """
    used = readouts.in_lines(first_time)
    if np.count_nonzero(used) < 2:
        return None
    with np.errstate(divide="ignore"):
        design = np.stack([np.ones(used.size), np.log10(readouts.time)], axis=1)
    lines, draws = fit_lines(readouts, design, used=used, resamples=resamples, stream=stream)
    resampled = draws.reshape(-1, lines.size)
    return Drift(lines.ravel(), resampled[np.all(np.isfinite(resampled), axis=1)])


def fit_lines(
    readouts: Readouts,
    design: Floats,
    *,
    used: NDArray[np.bool_],
    resamples: int,
    stream: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Fit mu and sigma of read-outs as sums of columns, and again to resampled cells.

    Each read-out weighs n / sigma**2, the inverse of the variance of its estimates up to a
    factor, with the sigma of a first line: weights by its own sigma would favour the read-outs
    whose sigma came out small. Whole cells are resampled, with all their read-outs, because a cell
    that is high at one time is high at the next. The sigma of a finite sample is low by a bias,
    that of its resamples by twice as much; they are moved by that.

    Parameters
    ----------
    readouts : Readouts
    design : ndarray, shape (readouts, columns)
        What the lines are over, of full rank over the read-outs used.
    used : ndarray of bool, shape (readouts,)
        Those that the lines are fitted to, each with a mu and a sigma above 0.
    resamples, stream : int, numpy.random.Generator
        Of the bootstrap.

    Returns
    -------
    lines : ndarray, shape (2 [mu, sigma], columns)
    resampled : ndarray, shape (resamples, 2, columns)
        NaN where a read-out of a resample cannot be fitted; without rows of too few cells.
    """
    counts = np.bincount(readouts.group, minlength=readouts.time.size).astype(float)[used]
    mu, sigma, columns = readouts.mu[used], readouts.sigma[used], design[used]
    spread: Floats = columns @ (_solution(columns, counts / sigma**2) @ sigma)
    # Both lines from one solution: coefficients = solve @ values.
    solve = _solution(columns, counts / np.where(spread > 0.0, spread, sigma) ** 2)
    lines = np.stack([solve @ mu, solve @ sigma])
    draws = _resampled(readouts, np.flatnonzero(used), resamples=resamples, stream=stream)
    resampled = np.stack([draws[:, 0] @ solve.T, draws[:, 1] @ solve.T], axis=1)
    fitted = resampled[np.isfinite(resampled).all(axis=(1, 2)), 1]
    if len(fitted):
        resampled[:, 1] -= 2.0 * (fitted.mean(axis=0) - lines[1])
    return lines, resampled


def _solution(columns: Floats, weight: Floats) -> Floats:
    """Return the matrix that takes values to the coefficients of weighted least squares."""
    solution = np.linalg.solve(columns.T @ (weight[:, None] * columns), columns.T * weight)
    return np.asarray(solution, dtype=float)


def drifting_ber(
    time: ArrayLike,
    drifts: tuple[Drift, Drift],
    read: ReadConditions,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the BER at each time from the lines of LRS and HRS, and the ends of its interval.

    The ends are the 2.5th and 97.5th percentiles over the resampled lines. NaN where the line of
    a spread has reached 0.

    Parameters
    ----------
    time : array_like, shape (times,)
        Seconds since programming, above 0.
    drifts : tuple of Drift
        Of LRS and HRS.
    read : ReadConditions
        With a reference; a spread of it is not in the BER.
    """
    log_time = np.log10(np.asarray(time, dtype=float))
    draws = np.array(
        [
            _ber_of(log_time, lines, read)
            # Each state has draws of its own, fewer where some could not be fitted.
            for lines in zip(*(drift.resampled for drift in drifts), strict=False)
        ]
    )
    best = _ber_of(log_time, (drifts[0].lines, drifts[1].lines), read)
    return best, *ends_of_draws(draws.reshape(-1, *best.shape))


def ends_of_draws(draws: Floats) -> tuple[Floats, Floats]:
    """Return the 2.5th and 97.5th percentiles over the first axis, NaN where nothing is drawn.

    A line whose spread has reached 0 leaves its draw out there (NaN).
    """
    low, high = np.full(draws.shape[1:], np.nan), np.full(draws.shape[1:], np.nan)
    usable = ~np.all(np.isnan(draws), axis=0)
    if usable.any():
        tail = 50.0 * (1.0 - CONFIDENCE)
        low[usable], high[usable] = np.nanpercentile(draws[:, usable], (tail, 100.0 - tail), axis=0)
    return low, high


def _ber_of(log_time: NDArray[np.float64], lines: Any, read: ReadConditions) -> NDArray[np.float64]:
    ln_ohm = read.ln_reference
    mu = [line[0] + line[1] * log_time for line in lines]
    sigma = [line[2] + line[3] * log_time for line in lines]
    ber = np.full(log_time.shape, np.nan)
    for i in np.flatnonzero((sigma[0] > 0) & (sigma[1] > 0)):
        pair = StatePair(mu[0][i], sigma[0][i], mu[1][i], sigma[1][i])
        ber[i] = math.exp(log_bit_error_rate(ln_ohm, pair, lrs_share=read.lrs_share))
    return ber


def _resampled(
    readouts: Readouts, places: NDArray[np.int_], *, resamples: int, stream: np.random.Generator
) -> Floats:
    """Return mu and sigma of each read-out from resampled cells, shape (resamples, 2, readouts)."""
    _, cell = ranked(readouts.cell)
    cells = int(cell.max()) + 1
    if np.any(readouts.cell < 0):
        # Readings that name no cell cannot be followed; each is a cell of its own.
        unnamed = readouts.cell < 0
        cell[unnamed] = cells + np.arange(np.count_nonzero(unnamed))
        cells += int(np.count_nonzero(unnamed))
    if cells < _LEAST_CELLS:
        return np.empty((0, 2, places.size))
    times = stream.multinomial(cells, np.full(cells, 1.0 / cells), size=resamples)
    resampled = np.full((resamples, 2, places.size), np.nan)
    x = np.log(readouts.resistance)
    for column, place in enumerate(places):
        member = readouts.group == place
        if np.all(readouts.censoring[member] == EXACT):
            resampled[:, :, column] = _moments(times, cell[member], x[member])
            continue
        of_readout = (readouts.resistance[member], readouts.censoring[member])
        for row in range(resamples):
            again = times[row, cell[member]]
            resampled[row, :, column] = _mean_and_spread(
                *(np.repeat(values, again) for values in of_readout)
            )
    return resampled


def _moments(times: NDArray[np.int_], cell: NDArray[np.int_], x: Floats) -> Floats:
    """Return mean and deviation of `x` with each cell so many times, shape (rows, 2).

    Sums by cell come first: a cell may be read thousands of times.
    """
    here, place = ranked(cell)
    centre = x - x.mean()
    reads, first, second = (
        times[:, here] @ np.bincount(place, weights=values)
        for values in (np.ones(x.size), centre, centre**2)
    )
    n = np.maximum(reads, 1.0)
    mean = first / n
    variance = second / n - mean**2
    moments: Floats = np.stack([mean + x.mean(), np.sqrt(np.maximum(variance, 0.0))], axis=1)
    return moments


def _mean_and_spread(resistance: Floats, censoring: NDArray[np.int_]) -> tuple[float, float]:
    try:
        fit = fit_lognormal(resistance, censoring)
    except UnfittableError:
        return np.nan, np.nan
    return fit.mu, fit.sigma
