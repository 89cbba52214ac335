"""How long a network stays accurate enough on cells that age: over cycles, over time, refreshed.

Cells age in two ways: with each programming, and with the time since the last one. The error rates
at a cycle and a time come from the populations there; the loss at these rates comes from a surface
that was scored once, on nested chips, at the corners of a fixed grid of both rates (`LossSurface`).
A programming makes a cell fresh again and takes one of its cycles: a refresh buys time and costs
endurance. `life_of` counts how many a life takes, and whether the cells have them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rramsim.statistics.confidence import CONFIDENCE

Floats = NDArray[np.float64]

YEAR = 365.25 * 86400.0
"""In s."""

DEFAULT_LIFETIME = 10.0 * YEAR
"""The life that a report tells of where none is required, in s."""

REFRESHED_AT = 0.5
"""Share of the time to which a network is accurate enough after which its cells are refreshed."""

LADDER: Floats = np.array([-4.75, -4.25, -3.75, -3.25, *np.arange(-3.0, 0.01, 0.25)])
"""Probits of the error rates at which losses are scored, the same for every study.

From 1e-6, which makes no loss, to 0.5, at which a state tells nothing.
"""

LIMITS = ("", "endurance", "retention", "neither")
"""What limits a life: cells wear out before it is over; cells must be refreshed for it; nothing
that was read; empty where that is not known."""

REACHED, NOT_GOOD, NOT_READ = "reached", "not good", "not read"
"""How a life ends: it is reached; at a cycle the network is not accurate enough even when cells
were just programmed; it takes more cycles than were read."""

# Losses grow in proportion to the errors up to about a point, and far faster beyond.
_POINT = 0.01
_SPAN = 0.99
_TAILS = ((1.0 - CONFIDENCE) / 2.0, (1.0 + CONFIDENCE) / 2.0)
_STEPS_BETWEEN = 8
_ROUNDING = 1e-9
_NEVER_LAST = 10**30


@dataclass(frozen=True, eq=False)
class LossSurface:
    """Losses at pairs of error rates, between which they are interpolated.

    Attributes
    ----------
    lrs, hrs : ndarray, shape (lrs,) and (hrs,)
        Probits of the rates of each state, ascending.
    loss, low, high : ndarray, shape (lrs, hrs)
        Mean loss and the ends of its 95 % interval by trainings, images and chips, NaN where it was
        not scored.

    Examples
    --------
    >>> axis = np.array([-2.0, -1.0])
    >>> loss = np.array([[0.0, 0.01], [0.01, 0.02]])
    >>> surface = LossSurface(axis, axis, loss, loss - 0.001, loss + 0.001)
    >>> [round(float(one), 4) for one in surface.at(-2.0, -1.0)]
    [0.01, 0.009, 0.011]
    """

    lrs: Floats
    hrs: Floats
    loss: Floats
    low: Floats
    high: Floats

    def at(self, lrs: ArrayLike, hrs: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Return loss, low and high at pairs of probits, of their common shape.

        Bilinear in the probits, of asinh(loss / 1 point); probits beyond the grid are taken at its
        edge. Where both states have one rate throughout, as 2T2R has, only pairs of one rate are
        asked.
        """
        weights = _weights(self, np.asarray(lrs, dtype=float), np.asarray(hrs, dtype=float))
        tables = (np.arcsinh(table / _POINT) for table in (self.loss, self.low, self.high))
        loss, low, high = (_POINT * np.sinh(_weighted(table, weights)) for table in tables)
        return loss, low, high


_Weights = Sequence[tuple[tuple[NDArray[np.intp], NDArray[np.intp]], Floats]]


def _weights(surface: LossSurface, lrs: Floats, hrs: Floats) -> _Weights:
    """Return the corners of each pair, as places in both axes, and how much each counts."""
    (below, share), (left, part) = _place(surface.lrs, lrs), _place(surface.hrs, hrs)
    above, right = (
        np.minimum(place + 1, axis.size - 1)
        for place, axis in ((below, surface.lrs), (left, surface.hrs))
    )
    if np.array_equal(lrs, hrs) and np.array_equal(surface.lrs, surface.hrs):
        return [((below, below), 1.0 - share), ((above, above), share)]
    return [
        ((below, left), (1.0 - share) * (1.0 - part)),
        ((below, right), (1.0 - share) * part),
        ((above, left), share * (1.0 - part)),
        ((above, right), share * part),
    ]


def _place(axis: Floats, values: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Return the point of an axis below each value, and how far on towards the next it lies."""
    inside = np.clip(np.nan_to_num(values, nan=axis[-1]), axis[0], axis[-1])
    below = np.clip(np.searchsorted(axis, inside, "right") - 1, 0, max(axis.size - 2, 0))
    if axis.size == 1:
        return below, np.where(np.isnan(values), math.nan, 0.0)
    share = (inside - axis[below]) / (axis[below + 1] - axis[below])
    return below, np.where(np.isnan(values), math.nan, share)


def _weighted(table: Floats, weights: _Weights) -> Floats:
    # A corner of no weight need not be scored.
    parts = [np.where(weight == 0.0, 0.0, table[places] * weight) for places, weight in weights]
    total: Floats = np.sum(parts, axis=0)
    return total


def corners(
    lrs: ArrayLike, hrs: ArrayLike, *, drawn: tuple[ArrayLike, ArrayLike] | None = None
) -> NDArray[np.bool_]:
    """Return at which pairs of `LADDER` losses are needed for pairs of probits.

    Parameters
    ----------
    lrs, hrs : array_like, shape (...)
        Probits of the error rates.
    drawn : tuple of array_like, shape (draws, ...), optional
        Those of draws. The outermost 1 % of them are taken at the edge of the others.

    Returns
    -------
    ndarray of bool, shape (ladder, ladder)

    Examples
    --------
    >>> [(float(LADDER[i]), float(LADDER[j])) for i, j in np.argwhere(corners(-1.9, -3.0))]
    [(-2.0, -3.0), (-1.75, -3.0)]
    """
    pairs = [(np.asarray(lrs, dtype=float), np.asarray(hrs, dtype=float))]
    if drawn is not None and np.size(drawn[0]):
        pairs.append((_within(drawn[0]), _within(drawn[1])))
    empty = np.full((LADDER.size, LADDER.size), math.nan)
    ladder = LossSurface(LADDER, LADDER, empty, empty, empty)
    needed = np.zeros(empty.shape, dtype=bool)
    for pair in pairs:
        for places, weight in _weights(ladder, *pair):
            counts = np.nan_to_num(weight) > 0.0
            needed[tuple(np.broadcast_to(one, counts.shape)[counts] for one in places)] = True
    return needed


def _within(drawn: ArrayLike) -> Floats:
    """Return draws with the outermost at the edge of the others, at each cycle and time."""
    values = np.asarray(drawn, dtype=float)
    low, high = np.quantile(values, ((1.0 - _SPAN) / 2.0, (1.0 + _SPAN) / 2.0), axis=0)
    inside: Floats = np.clip(values, low, high)
    return inside


def loss_over_life(
    surface: LossSurface,
    probits: tuple[ArrayLike, ArrayLike],
    drawn: tuple[ArrayLike, ArrayLike] | None = None,
) -> tuple[Floats, Floats, Floats]:
    """Return the loss at each cycle and time, and the ends of its 95 % interval.

    The interval of the surface (trainings, images, chips) and that of the draws (cells) add up by
    their squares on each side, as in Zou and Donner's "method of variance estimates recovery"
    (Statistics in Medicine 27, 2008, 1693-1702).

    Parameters
    ----------
    surface : LossSurface
    probits : tuple of array_like, shape (cycle, time)
        Of the error rates of LRS and of HRS.
    drawn : tuple of array_like, shape (draws, cycle, time), optional
        Those of draws of the populations' lines. Without any the cells are not in the interval.

    Returns
    -------
    loss, low, high : ndarray, shape (cycle, time)
        NaN where the rates are not known.
    """
    loss, low, high = surface.at(*probits)
    if drawn is None or not np.size(drawn[0]):
        return loss, low, high
    of_draws, _, _ = surface.at(_within(drawn[0]), _within(drawn[1]))
    least, most = np.quantile(of_draws, _TAILS, axis=0)
    above = np.hypot(high - loss, np.maximum(most - loss, 0.0))
    below = np.hypot(loss - low, np.maximum(loss - least, 0.0))
    return loss, loss - below, loss + above


def good_until(places: ArrayLike, losses: ArrayLike, limit: float) -> Floats:
    """Return up to which place losses are at most a limit, along the last axis.

    Between places the loss is taken to be linear in the logarithm of the place.

    Parameters
    ----------
    places : array_like, shape (places,)
        Times or cycles, ascending and above 0.
    losses : array_like, shape (..., places)
        NaN, a loss that is not known, is above the limit.
    limit : float

    Returns
    -------
    ndarray, shape (...)
        0 where the first one is above the limit, infinite where none is.

    Examples
    --------
    >>> good_until([1.0, 10.0, 100.0], [0.0, 0.01, 0.03], 0.02).round(2).item()
    31.62
    """
    at, values = np.asarray(places, dtype=float), np.asarray(losses, dtype=float)
    # What rounds to the limit is accepted.
    is_above = ~(values <= limit + _ROUNDING * _POINT)
    first = np.argmax(is_above, axis=-1)
    before = np.maximum(first - 1, 0)
    low, high = (
        np.take_along_axis(values, place[..., None], -1)[..., 0] for place in (before, first)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.nan_to_num((limit - low) / (high - low), nan=0.0)
    step = np.log(at[first] / at[before])
    crossing = at[before] * np.exp(np.clip(share, 0.0, 1.0) * step)
    crossing = np.where(first == 0, 0.0, crossing)
    found: Floats = np.where(is_above.any(axis=-1), crossing, math.inf)
    return found


@dataclass(frozen=True)
class Walk:
    """A life, programming by programming.

    Attributes
    ----------
    programmings : int
        How often every weight is programmed, the first time and those asked for included.
    refreshes : int
        The part of them that only refreshes.
    elapsed : float
        The time that they last, in s: the life where it is reached.
    outcome : str
        `REACHED`, `NOT_GOOD` or `NOT_READ`.
    """

    programmings: int
    refreshes: int
    elapsed: float
    outcome: str


@dataclass(frozen=True, eq=False)
class Retention:
    """Up to which time after each cycle a network is accurate enough, and up to which cycle.

    Attributes
    ----------
    cycles : ndarray, shape (cycles,)
        Ascending; one, of whatever number, where the cells were not read over cycles.
    good_until : ndarray, shape (cycles,)
        In s, 0 where it is not when cells were just programmed.
    last_good : float
        Last cycle at which it is when they were; infinite where that does not depend on cycles.
    is_read_further : bool
        Whether cells were read beyond `last_good`.
    """

    cycles: Floats
    good_until: Floats
    last_good: float
    is_read_further: bool

    @classmethod
    def of(
        cls, cycles: ArrayLike, times: ArrayLike, losses: ArrayLike, limit: float, *, by_cycle: bool
    ) -> Retention:
        """Return what losses say.

        Parameters
        ----------
        cycles, times : array_like, shape (cycles,) and (times,)
            In programmings and in s.
        losses : array_like, shape (cycles, times)
        limit : float
            The most that is accepted.
        by_cycle : bool
            Whether the cells were read over cycles; else one cycle stands for all.
        """
        at, until = np.asarray(cycles, dtype=float), np.asarray(times, dtype=float)
        table = np.asarray(losses, dtype=float)
        holds = np.minimum(good_until(until, table, limit), until[-1])
        if not by_cycle:
            return cls(at[:1], holds[:1], math.inf if holds[0] > 0.0 else 0.0, True)
        last = float(good_until(at, table[:, 0], limit))
        if math.isinf(last):
            return cls(at, holds, float(at[-1]), False)
        good = at < last
        # There the first time is the last at which it is good.
        return cls(np.append(at[good], last), np.append(holds[good], until[0]), last, True)

    def walk(self, lifetime: float, reprogrammings: float = 0.0) -> Walk:
        """Return how a life goes whose cells are refreshed before they are no longer good.

        The weights are programmed at the start and `reprogrammings` times again, spread evenly.
        From each programming on they are good for a time that may fall with the cycle; after
        `REFRESHED_AT` of it they are refreshed, unless they are programmed anyway before.

        Parameters
        ----------
        lifetime : float
            In s.
        reprogrammings : float
            Those that are asked for.
        """
        asked = math.ceil(reprogrammings) + 1
        between = lifetime / asked
        done, refreshes, left, rest = 0, 0, asked, between
        for last, hold in self._holds():
            while left and done < last:
                each = _count(between, hold)
                whole = min(left, (last - done) // each) if rest == between else 0
                if whole:
                    done += whole * each
                    refreshes += whole * (each - 1)
                    left -= whole
                    continue
                needed = _count(rest, hold)
                some = needed if needed <= last - done else last - done
                done += some
                refreshes += some - (rest == between)
                rest = rest - some * hold if some < needed else between
                left -= some == needed
            if not left:
                return Walk(done, refreshes, lifetime, REACHED)
        elapsed = lifetime - (left - 1) * between - rest if left else lifetime
        outcome = NOT_GOOD if self.is_read_further else NOT_READ
        return Walk(done, refreshes, elapsed, outcome)

    def _holds(self) -> Iterator[tuple[int, float]]:
        """Yield up to which cycle a programming lasts for how long before the next refresh."""
        until = REFRESHED_AT * self.good_until
        if math.isinf(self.last_good):
            yield _NEVER_LAST, float(until[0])
            return
        if self.last_good < self.cycles[0]:
            return
        yield math.floor(self.cycles[0]), float(until[0])
        at, holds = np.log(self.cycles), np.log(until)
        steps = np.arange(at.size * _STEPS_BETWEEN - _STEPS_BETWEEN) + 1.0
        ends = np.interp(steps / _STEPS_BETWEEN, np.arange(at.size), at)
        lasts = np.floor(np.exp(ends) * (1.0 + _ROUNDING))
        # A step counts as its worse end.
        after = np.interp(np.log(lasts), at, holds)
        worse = np.minimum(after, np.concatenate([holds[:1], after[:-1]]))
        yield from zip(map(int, lasts), np.exp(worse).tolist(), strict=True)


def _count(time: float, hold: float) -> int:
    """Return how many programmings cover a time, each of them for as long."""
    return max(math.ceil(time / hold - _ROUNDING), 1)


@dataclass(frozen=True)
class Life:
    """Whether a network stays accurate enough over a life, and what that takes.

    Attributes
    ----------
    good_until : tuple of float
        Time in s after the first programming up to which it is: as shown, estimated, and at best.
        0: not when the cells were just programmed; infinite: as long as was asked.
    good_cycles : tuple of float
        Last cycle at which it is when they were, likewise; infinite where cycles were not read.
    refresh_interval : float
        Time in s after which cells are refreshed at first, NaN: never before they are programmed
        again.
    refreshes : float
        Programmings of the life that only refresh, NaN: unknown, or the cells do not have them.
    programmings : float
        All of the life, likewise.
    limit : str
        One of `LIMITS`.
    verdict : str
        "yes", "no", or "not settled".
    extrapolated : str
        What the schedule rests on that is extrapolated, empty: nothing.
    """

    good_until: tuple[float, float, float]
    good_cycles: tuple[float, float, float]
    refresh_interval: float
    refreshes: float
    programmings: float
    limit: str
    verdict: str
    extrapolated: str


def life_of(
    losses: tuple[ArrayLike, ArrayLike, ArrayLike],
    *,
    cycles: ArrayLike,
    times: ArrayLike,
    limit: float,
    lifetime: float,
    reprogrammings: float = 0.0,
    by_cycle: bool = True,
    extrapolated: ArrayLike | None = None,
) -> Life:
    """Return how a network lives.

    It lasts ("yes") where it does by the times up to which it is shown to be accurate enough, does
    not ("no") where it does not even at best, at the other end of the intervals, and is "not
    settled" otherwise: also where more cycles are needed than were read, and where the schedule
    rests on populations that are extrapolated. The ends hold at 97.5 % each, point by point.

    Parameters
    ----------
    losses : tuple of array_like, shape (cycles, times)
        Loss, and lower and upper end of its interval (`loss_over_life`).
    cycles, times : array_like, shape (cycles,) and (times,)
        The times reach twice the life, or further.
    limit : float
        The loss that is accepted.
    lifetime : float
        In s; 0 asks for the reprogrammings alone.
    reprogrammings : float
        How often weights are programmed again over the life.
    by_cycle : bool
        Whether the cells were read over cycles.
    extrapolated : array_like of str, shape (cycles, times), optional
        What is extrapolated at each place, empty: nothing.

    Examples
    --------
    Good for two years after each programming, to cycle 100, and read to 100:

    >>> years = YEAR * np.array([0.01, 2.0, 2.0001, 20.0])
    >>> loss = np.array([[0.0, 0.0, 1.0, 1.0]] * 2)
    >>> found = life_of(
    ...     (loss, loss, loss), cycles=[1, 100], times=years, limit=0.01, lifetime=10 * YEAR
    ... )
    >>> found.verdict, found.refreshes, round(found.refresh_interval / YEAR, 3), found.limit
    ('yes', 9.0, 1.0, 'retention')
    """
    estimate, low, high = (np.asarray(one, dtype=float) for one in losses)
    # What is not known may be good at best.
    best = np.where(np.isnan(low), -math.inf, low)
    kinds = [
        Retention.of(cycles, times, one, limit, by_cycle=by_cycle) for one in (high, estimate, best)
    ]
    walks = [one.walk(lifetime, reprogrammings) for one in kinds]
    place = next((n for n, one in enumerate(walks) if one.outcome == REACHED), 2)
    walk, retention = walks[place], kinds[place]
    between = lifetime / (math.ceil(reprogrammings) + 1)
    words = _extrapolated(retention, extrapolated, times, walk, between)
    first = REFRESHED_AT * float(retention.good_until[0]) if retention.good_until.size else 0.0
    is_reached = walk.outcome == REACHED
    at, until = np.asarray(cycles, dtype=float), np.asarray(times, dtype=float)
    return Life(
        good_until=_three([good_until(until, one[0], limit) for one in (high, estimate, best)]),
        good_cycles=_three(
            [
                good_until(at, one[:, 0], limit) if by_cycle else math.inf
                for one in (high, estimate, best)
            ]
        ),
        refresh_interval=first if is_reached and walk.refreshes else math.nan,
        refreshes=float(walk.refreshes) if is_reached else math.nan,
        programmings=float(walk.programmings) if is_reached else math.nan,
        limit=_limit(walks[1]),
        verdict="not settled" if words else _verdict(walks[0], walks[2]),
        extrapolated=words,
    )


def _three(values: Sequence[ArrayLike]) -> tuple[float, float, float]:
    shown, estimate, best = (float(np.asarray(one)) for one in values)
    return shown, estimate, best


def _limit(walk: Walk) -> str:
    if walk.outcome != REACHED:
        return "endurance"
    return "retention" if walk.refreshes else "neither"


def _verdict(shown: Walk, best: Walk) -> str:
    if shown.outcome == REACHED:
        return "yes"
    return "no" if best.outcome == NOT_GOOD else "not settled"


def _extrapolated(
    retention: Retention,
    extrapolated: ArrayLike | None,
    times: ArrayLike,
    walk: Walk,
    between: float,
) -> str:
    """Return what is extrapolated at a time at which cells are still in use, empty: nothing."""
    if extrapolated is None:
        return ""
    table, at = np.asarray(extrapolated), np.asarray(times, dtype=float)
    for number, (cycle, hold) in enumerate(
        zip(retention.cycles[: len(table)], retention.good_until, strict=False)
    ):
        if cycle > max(walk.programmings, retention.cycles[0]):
            break
        used = at <= max(min(REFRESHED_AT * hold, between), at[0]) * (1.0 + _ROUNDING)
        words = [str(one) for one in table[number][used] if one]
        if words:
            return words[-1]
    return ""
