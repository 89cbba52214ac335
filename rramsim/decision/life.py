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
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rramsim.statistics.confidence import CONFIDENCE
from rramsim.units import YEAR

Floats = NDArray[np.float64]

DEFAULT_LIFETIME = 10.0 * YEAR
"""The life that a report tells of where none is required, in s."""

REFRESHED_AT = 0.5
"""Share of the time to which a network is accurate enough after which its cells are refreshed."""

LADDER: Floats = np.array([-4.75, -4.25, -3.75, -3.25, *np.arange(-3.0, 0.01, 0.25)])
"""Probits of the error rates at which losses are scored, the same for every study.

From 1e-6, which makes no loss, to 0.5, at which a state tells nothing.
"""

REACHED, NOT_GOOD, NOT_READ = "reached", "not good", "not read"
"""How a life ends: it is reached; at a cycle the network is not accurate enough even when cells
were just programmed; it takes more cycles than were read."""

# Losses grow in proportion to the errors up to about a point, and far faster beyond.
_POINT = 0.01
_SPAN = 0.99
_TAILS = ((1.0 - CONFIDENCE) / 2.0, (1.0 + CONFIDENCE) / 2.0)
_STEPS_BETWEEN = 64
_ROUNDING = 1e-9
_NEVER_LAST = 10**30
_SCHEDULES = ("lower end", "estimate")


@dataclass(frozen=True, eq=False)
class LossSurface:
    """Losses at the pairs of `LADDER`, with the ends of their intervals.

    Attributes
    ----------
    loss, low, high : ndarray, shape (ladder, ladder)
        By the rate of LRS, then of HRS: mean loss and the ends of its 95 % interval by trainings,
        images and chips; NaN where it was not scored.
    """

    loss: Floats
    low: Floats
    high: Floats


_Corners = Sequence[tuple[tuple[NDArray[np.intp], NDArray[np.intp]], Floats]]


@dataclass(frozen=True, eq=False)
class AgedRates:
    """Error rates of weights over cycles and time, as probits.

    Attributes
    ----------
    lrs, hrs : ndarray, shape (cycle, time)
        Of each state; NaN where they are not known. Beyond `LADDER` they are taken at its edge.
    drawn_lrs, drawn_hrs : ndarray, shape (draws, cycle, time)
        Of draws of the populations' lines, the same draw with the same lines throughout; the
        outermost 1 % are taken at the edge of the others. Without draws the cells are in no
        interval.

    Examples
    --------
    >>> rates = AgedRates(np.array([[-1.9]]), np.array([[-3.0]]))
    >>> [(float(LADDER[i]), float(LADDER[j])) for i, j in np.argwhere(rates.needed)]
    [(-2.0, -3.0), (-1.75, -3.0)]
    """

    lrs: Floats
    hrs: Floats
    drawn_lrs: Floats | None = None
    drawn_hrs: Floats | None = None

    @cached_property
    def _corners(self) -> _Corners:
        return _corners(self.lrs, self.hrs)

    @cached_property
    def _drawn_corners(self) -> _Corners | None:
        if self.drawn_lrs is None or self.drawn_hrs is None or not len(self.drawn_lrs):
            return None
        return _corners(_within(self.drawn_lrs), _within(self.drawn_hrs))

    @cached_property
    def needed(self) -> NDArray[np.bool_]:
        """At which pairs of `LADDER` losses are needed, shape (ladder, ladder)."""
        needed = np.zeros((LADDER.size, LADDER.size), dtype=bool)
        for places, weight in (*self._corners, *(self._drawn_corners or ())):
            counts = np.nan_to_num(weight) > 0.0
            needed[tuple(np.broadcast_to(one, counts.shape)[counts] for one in places)] = True
        return needed

    def losses(self, surface: LossSurface) -> tuple[Floats, Floats, Floats]:
        """Return the loss at each cycle and time, and the ends of its 95 % interval.

        Between the pairs of the ladder it is bilinear in the probits, of asinh(loss / 1 point).
        Where both states have one rate throughout, as 2T2R has, only pairs of one rate are asked.
        The interval of the surface (trainings, images, chips) and that of the draws (cells) add up
        by their squares on each side, as in Zou and Donner's "method of variance estimates
        recovery" (Statistics in Medicine 27, 2008, 1693-1702).

        Returns
        -------
        loss, low, high : ndarray, shape (cycle, time)
            NaN where the rates are not known, or were not scored.

        Examples
        --------
        >>> table = np.full((LADDER.size, LADDER.size), 0.01)
        >>> surface = LossSurface(table, table - 0.001, table + 0.001)
        >>> found = AgedRates(np.array([[-1.9]]), np.array([[-3.0]])).losses(surface)
        >>> [round(one.item(), 6) for one in found]
        [0.01, 0.009, 0.011]
        """
        tables = (surface.loss, surface.low, surface.high)
        loss, low, high = (_POINT * np.sinh(_between(one, self._corners)) for one in tables)
        if self._drawn_corners is None:
            return loss, low, high
        drawn = _between(surface.loss, self._drawn_corners)
        least, most = _POINT * np.sinh(np.quantile(drawn, _TAILS, axis=0))
        above = np.hypot(high - loss, np.maximum(most - loss, 0.0))
        below = np.hypot(loss - low, np.maximum(loss - least, 0.0))
        return loss, loss - below, loss + above


def _corners(lrs: Floats, hrs: Floats) -> _Corners:
    """Return the pairs of the ladder around each pair of rates, and how much each counts."""
    below, share = _place(lrs)
    if np.array_equal(lrs, hrs, equal_nan=True):
        return [((below, below), 1.0 - share), ((below + 1, below + 1), share)]
    left, part = _place(hrs)
    return [
        ((below, left), (1.0 - share) * (1.0 - part)),
        ((below, left + 1), (1.0 - share) * part),
        ((below + 1, left), share * (1.0 - part)),
        ((below + 1, left + 1), share * part),
    ]


def _place(probits: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Return the place in the ladder below each probit, and how far on to the next it is."""
    inside = np.clip(probits, LADDER[0], LADDER[-1])
    below = np.clip(np.searchsorted(LADDER, inside, "right") - 1, 0, LADDER.size - 2)
    return below, (inside - LADDER[below]) / (LADDER[below + 1] - LADDER[below])


def _between(table: Floats, corners: _Corners) -> Floats:
    """Return asinh(loss / 1 point) between the pairs at which losses are."""
    scaled = np.arcsinh(table / _POINT)
    # A corner that does not count need not be scored.
    parts = [np.where(weight == 0.0, 0.0, scaled[at] * weight) for at, weight in corners]
    total: Floats = np.sum(parts, axis=0)
    return total


def _within(drawn: Floats) -> Floats:
    """Return draws with the outermost at the edge of the others, at each cycle and time."""
    low, high = np.quantile(drawn, ((1.0 - _SPAN) / 2.0, (1.0 + _SPAN) / 2.0), axis=0)
    inside: Floats = np.clip(drawn, low, high)
    return inside


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
    first_refresh : float
        Time from the start of the life to the first refresh, in s; NaN without one.
    """

    programmings: int
    refreshes: int
    elapsed: float
    outcome: str
    first_refresh: float = math.nan


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
        if not last:
            return cls(at[:1], holds[:1], 0.0, True)
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
        first = math.nan
        for last, hold in self._holds():
            while left and done < last:
                start, before = lifetime - (left - 1) * between - rest, refreshes
                is_programmed_anyway = rest == between
                each = _count(between, hold)
                whole = min(left, (last - done) // each) if is_programmed_anyway else 0
                if whole:
                    done += whole * each
                    refreshes += whole * (each - 1)
                    left -= whole
                else:
                    needed = _count(rest, hold)
                    some = needed if needed <= last - done else last - done
                    done += some
                    refreshes += some - is_programmed_anyway
                    rest = rest - some * hold if some < needed else between
                    left -= some == needed
                if refreshes > before == 0:
                    first = start + (hold if is_programmed_anyway else 0.0)
            if not left:
                return Walk(done, refreshes, lifetime, REACHED, first)
        elapsed = lifetime - (left - 1) * between - rest if left else lifetime
        outcome = NOT_GOOD if self.is_read_further else NOT_READ
        return Walk(done, refreshes, elapsed, outcome, first)

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
        # A step counts as its worse end: of cycles a decade apart the first refreshes come up to
        # 4 % of the cycles early.
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
        Time in s after the first programming up to which it is: by the upper end of the interval of
        the loss, estimated, and at best. 0: not when the cells were just programmed; infinite: as
        long as was asked.
    good_until_shown : float
        The first of them as far as nothing is extrapolated, in s.
    good_until_extrapolated : str
        What the second of them rests on that is extrapolated, empty: nothing.
    good_cycles : tuple of float
        Last cycle at which it is when they were, likewise; infinite where cycles were not read.
    schedule : str
        Which of these times the refreshes go by: "lower end" where the life lasts by these, else
        "estimate".
    refresh_interval : float
        Time in s from the start of the life to the first refresh, NaN: never before cells are
        programmed anyway.
    refreshes : float
        Programmings of the life that only refresh, NaN: unknown, or the cells do not have them.
    programmings : float
        All of the life, likewise.
    least_programmings : float
        Those that it takes at best, or has taken when it ends before.
    limit : str
        "endurance", "retention" or "neither" (`rramsim.schema.variable.LIFE_LIMITS`), empty where
        the verdict is open, or cells are not good enough from the start.
    verdict : str
        "yes", "no", or "not settled".
    extrapolated : str
        What the verdict rests on that is extrapolated, empty: nothing.
    best_extrapolated : str
        The same of the schedule at best.
    """

    good_until: tuple[float, float, float]
    good_until_shown: float
    good_until_extrapolated: str
    good_cycles: tuple[float, float, float]
    schedule: str
    refresh_interval: float
    refreshes: float
    programmings: float
    least_programmings: float
    limit: str
    verdict: str
    extrapolated: str
    best_extrapolated: str


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
    settled" otherwise: also where more cycles are needed than were read. Whether that rests on
    populations that are extrapolated is told beside it. The ends hold at 97.5 % each, point by
    point.

    Parameters
    ----------
    losses : tuple of array_like, shape (cycles, times)
        Loss, and lower and upper end of its interval (`AgedRates.losses`).
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
    verdict = _verdict(walks[0], walks[2])
    # As shown where that lasts, else as estimated.
    place = 0 if verdict == "yes" else 1
    walk = walks[place]
    between = lifetime / (math.ceil(reprogrammings) + 1)
    at, until = np.asarray(cycles, dtype=float), np.asarray(times, dtype=float)
    flags = np.full(estimate.shape, "") if extrapolated is None else np.asarray(extrapolated)
    rests = [_extrapolated(*one, flags, until, between) for one in zip(kinds, walks, strict=True)]
    good = _three([good_until(until, one[0], limit) for one in (high, estimate, best)])
    is_reached = walk.outcome == REACHED
    return Life(
        good_until=good,
        good_until_shown=_shown_until(good[0], flags[0], until),
        good_until_extrapolated=_last_kind(flags[0][until <= good[1]]) if good[1] else "",
        good_cycles=_three(
            [
                good_until(at, one[:, 0], limit) if by_cycle else math.inf
                for one in (high, estimate, best)
            ]
        ),
        schedule=_SCHEDULES[place],
        refresh_interval=walk.first_refresh if is_reached else math.nan,
        refreshes=float(walk.refreshes) if is_reached else math.nan,
        programmings=float(walk.programmings) if is_reached else math.nan,
        least_programmings=float(walks[2].programmings),
        limit=_limit(verdict, walk, walks[2]),
        verdict=verdict,
        extrapolated=rests[2 if verdict == "no" else place],
        best_extrapolated=rests[2],
    )


def _three(values: Sequence[ArrayLike]) -> tuple[float, float, float]:
    shown, estimate, best = (float(np.asarray(one)) for one in values)
    return shown, estimate, best


def _shown_until(until: float, flags: NDArray[np.str_], times: Floats) -> float:
    """Return a time, or the last before what is extrapolated, 0 where there is none."""
    far = np.flatnonzero(flags != "")
    if not far.size or until < times[far[0]]:
        return until
    return float(times[far[0] - 1]) if far[0] else 0.0


def _limit(verdict: str, walk: Walk, best: Walk) -> str:
    if verdict == "no":
        return "endurance" if best.programmings else ""
    if verdict == "not settled":
        return ""
    return "retention" if walk.refreshes else "neither"


def _verdict(shown: Walk, best: Walk) -> str:
    if shown.outcome == REACHED:
        return "yes"
    return "no" if best.outcome == NOT_GOOD else "not settled"


def _extrapolated(
    retention: Retention, walk: Walk, flags: NDArray[np.str_], times: Floats, between: float
) -> str:
    """Return what is extrapolated at a time at which cells are still in use, empty: nothing."""
    for number, (cycle, hold) in enumerate(
        zip(retention.cycles[: len(flags)], retention.good_until, strict=False)
    ):
        if cycle > max(walk.programmings, retention.cycles[0]):
            break
        used = times <= max(min(REFRESHED_AT * hold, between), times[0]) * (1.0 + _ROUNDING)
        kind = _last_kind(flags[number][used])
        if kind:
            return kind
    return ""


def _last_kind(flags: NDArray[np.str_]) -> str:
    kinds = flags[flags != ""]
    return str(kinds[-1]) if kinds.size else ""
