"""When each cell failed: from reads along its cycles to the interval its life lies in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rramsim.schema import ABOVE, BELOW, make

if TYPE_CHECKING:
    import xarray as xr

CONSECUTIVE = 3
"""Bad cycles in a row, to the last one read, that make a failure."""

EARLY = 10
"""A cell first read by this cycle shows its break-in, and whether it ever worked."""

_DECADE = 10.0 * (1.0 - 1e-9)
# Of the cells told as failed, soft errors may have made this share by chance.
_CHANCE = 0.05
_LEAST_SOFT = 5  # fewer soft errors tell no rate

HRS = 1


def misread(
    resistance: ArrayLike, censoring: ArrayLike, state: ArrayLike, *, reference: float
) -> NDArray[np.bool_]:
    """Return which readings are on the wrong side of `reference` (ohm).

    A censored reading is wrong only where its limit already says so.

    Parameters
    ----------
    resistance, censoring, state : array_like, shape (readings,)
        As in the schema "readings"; `state` is 0 for LRS and 1 for HRS.
    """
    value, side = np.asarray(resistance, dtype=float), np.asarray(censoring)
    is_hrs = np.asarray(state) == HRS
    lrs_wrong = ((value > reference) & (side != BELOW)) | ((side == ABOVE) & (value == reference))
    wrong: NDArray[np.bool_] = np.where(is_hrs, (value <= reference) & (side != ABOVE), lrs_wrong)
    return wrong


def window_closed(
    resistance: ArrayLike,
    censoring: ArrayLike,
    state: ArrayLike,
    group: ArrayLike,
    *,
    least_ratio: float,
) -> NDArray[np.bool_]:
    """Return which readings belong to a cycle of a cell with R_HRS / R_LRS below `least_ratio`.

    Only cycles with both states tell, and a limit counts only where it decides: an HRS known to
    be at least its limit, or an LRS known to be at most its limit, closes no window.

    Parameters
    ----------
    resistance, censoring, state : array_like, shape (readings,)
        As in `misread`.
    group : array_like of int, shape (readings,)
        Number of the cell and cycle of a reading, from 0.
    least_ratio : float
        The window a cell must keep, such as 10.
    """
    ln_ohm, side = np.log(np.asarray(resistance, dtype=float)), np.asarray(censoring)
    is_hrs, number = np.asarray(state) == HRS, np.asarray(group)
    count = int(number.max(initial=-1)) + 1
    # Where a state was read more than once in a cycle, the narrowest window counts.
    lrs, hrs = np.full(count, -np.inf), np.full(count, np.inf)
    np.maximum.at(lrs, number[~is_hrs], np.where(side == BELOW, -np.inf, ln_ohm)[~is_hrs])
    np.minimum.at(hrs, number[is_hrs], np.where(side == ABOVE, np.inf, ln_ohm)[is_hrs])
    closed: NDArray[np.bool_] = (hrs - lrs < np.log(least_ratio))[number]
    return closed


def cell_lifetimes(
    cell: ArrayLike, cycle: ArrayLike, bad: ArrayLike, *, consecutive: int = CONSECUTIVE
) -> xr.Dataset:
    """Return the lifetime of each cell of one condition from the readings that are bad.

    A cycle is bad where any reading of the cell in it is. A failure is bad and never good again:
    a cell failed where the bad cycles that it ends with are `consecutive` in a row, or two or
    more over a decade of cycles, and more where soft errors are so frequent that they would make
    such a row by chance. Cells that end with fewer bad cycles are undecided. Bad cycles that were
    good again are soft errors, or break-in where the cell was bad from its first read on. A cell
    that was never good never worked, if it was read in its first `EARLY` cycles; else it failed
    before its first read, for all that is known.

    Parameters
    ----------
    cell, cycle : array_like of int, shape (readings,)
        Number of the cell and the cycle, both known.
    bad : array_like of bool, shape (readings,)
    consecutive : int
        Bad cycles in a row, of those read, that make a failure.

    Returns
    -------
    xarray.Dataset
        Schema "cell_lifetimes", its one condition without a name. A lifetime is in (after, until].

    Examples
    --------
    >>> cycle, bad = [1, 10, 100, 1000, 10000], [0, 1, 0, 1, 1]  # 1: bad
    >>> lifetimes = cell_lifetimes([1] * 5, cycle, bad)
    >>> [lifetimes[name].values.tolist() for name in ("after", "until", "is_soft")]
    [[100.0], [1000.0], [1]]
    """
    walk = _Walk.along(
        *_by_cycle(np.asarray(cell), np.asarray(cycle), np.asarray(bad, bool)),
        consecutive=consecutive,
    )
    is_sure = walk.is_sure(consecutive)
    ended_bad = walk.final_run > 0
    never_good = is_sure & ~walk.was_good & walk.starts_early
    failed = is_sure & ~never_good
    return make(
        "cell_lifetimes",
        {
            "condition_index": np.zeros(walk.cells, dtype=int),
            "cell": walk.number,
            "after": walk.last_good,
            "until": np.where(failed, walk.bad_from, np.inf),
            "bad_from": np.where(ended_bad, walk.bad_from, np.inf),
            "last": walk.last_cycle,
            "horizon": walk.horizon,
            "is_soft": walk.soft > 0,
            "is_break_in": walk.is_break_in,
            "is_undecided": ended_bad & ~is_sure,
            "never_good": never_good,
            "any_bad": walk.any_bad,
            "came_back": walk.longest_soft >= consecutive,
        },
        coords={"condition": [""]},
    )


def marked_lifetimes(cell: ArrayLike, cycle: ArrayLike, marked: ArrayLike) -> xr.Dataset:
    """Return the lifetime of each cell of one condition from the failures that a file marks.

    A mark needs no second one, but it must last to the last read: a cell read without a mark later
    came back. A mark at every one of several reads says that the cell failed, but not when: its
    life is known to end by its last read.

    Parameters
    ----------
    cell, cycle : array_like of int, shape (readings,)
        Number of the cell and the cycle, both known.
    marked : array_like of bool, shape (readings,)

    Returns
    -------
    xarray.Dataset
        Schema "cell_lifetimes", as of `cell_lifetimes`.
    """
    lifetimes = cell_lifetimes(cell, cycle, marked, consecutive=1)
    ended_bad = np.isfinite(lifetimes["bad_from"].values)
    throughout = ended_bad & (lifetimes["after"].values == 0)
    until = np.where(throughout, lifetimes["last"].values, lifetimes["until"].values)
    return lifetimes.assign(
        until=("lifetime", until), never_good=("lifetime", np.zeros(until.size, dtype=np.int8))
    )


def table_lifetimes(
    cell: ArrayLike, cycles: ArrayLike, failed: ArrayLike, is_exact: ArrayLike
) -> xr.Dataset:
    """Return the lifetimes of a table of lives of one condition: each cell at one cycle.

    Parameters
    ----------
    cell, cycles, failed, is_exact : array_like, shape (cells,)
        As in the schema "lives". A cell that failed at no cycle at all never worked.

    Returns
    -------
    xarray.Dataset
        Schema "cell_lifetimes"; of a life known exactly `after` and `until` are one.
    """
    at, is_failed = np.asarray(cycles, dtype=float), np.asarray(failed) == 1
    never_good = is_failed & (at == 0)
    worn = is_failed & ~never_good
    by_then = worn & (np.asarray(is_exact) == 0)
    nobody = np.zeros(at.size, dtype=bool)
    return make(
        "cell_lifetimes",
        {
            "condition_index": np.zeros(at.size, dtype=int),
            "cell": np.asarray(cell),
            "after": np.where(by_then, 0.0, at),
            "until": np.where(worn, at, np.inf),
            "bad_from": np.where(is_failed, at, np.inf),
            "last": at,
            "horizon": at,
            "never_good": never_good,
            "any_bad": is_failed,
            **dict.fromkeys(("is_soft", "is_break_in", "is_undecided", "came_back"), nobody),
        },
        coords={"condition": [""]},
    )


@dataclass(frozen=True)
class _Walk:
    """What a walk along the cycles of each cell finds; arrays of shape (cells,).

    Attributes
    ----------
    number : ndarray of int
        Of the cell.
    last_good, last_cycle, horizon : ndarray
        Cycles; `last_good` is 0 where none was, and a failure from the `horizon` on is undecided.
    final_run : ndarray of int
        Bad cycles in a row that it ends with, the first of them `bad_from`.
    soft, longest_soft : ndarray of int
        Bad cycles that were good again, without those of the break-in, and the most in a row.
    settled : ndarray of int
        Cycles read after the break-in and before `bad_from`.
    """

    number: NDArray[np.int_]
    last_good: NDArray[np.float64]
    last_cycle: NDArray[np.float64]
    horizon: NDArray[np.float64]
    final_run: NDArray[np.int_]
    bad_from: NDArray[np.float64]
    soft: NDArray[np.int_]
    longest_soft: NDArray[np.int_]
    settled: NDArray[np.int_]
    was_good: NDArray[np.bool_]
    starts_early: NDArray[np.bool_]
    is_break_in: NDArray[np.bool_]
    any_bad: NDArray[np.bool_]

    @property
    def cells(self) -> int:
        return int(self.number.size)

    @classmethod
    def along(
        cls,
        cell: NDArray[np.int_],
        cycle: NDArray[np.float64],
        bad: NDArray[np.bool_],
        *,
        consecutive: int,
    ) -> _Walk:
        """Walk along one row for each cycle of each cell, in order."""
        place = np.arange(cell.size)
        is_first = np.append(True, cell[1:] != cell[:-1])[: cell.size]
        first = place[is_first]
        which = np.cumsum(is_first) - 1  # position of the cell
        last = np.append(first[1:], cell.size)[: first.size] - 1
        # Bad cycles in a row up to each one: since the last good one, or the start of the cell.
        good = np.maximum.accumulate(np.where(bad, -1, place))
        run = place - np.maximum(good, first[which] - 1)
        first_good = _extreme(np.minimum, np.where(bad, cell.size, place), first)
        was_good = first_good < cell.size
        starts_early = cycle[first] <= EARLY
        is_break_in = was_good & (first_good > first) & starts_early
        end = last - run[last] + 1  # the first of the bad cycles at the end
        begin = np.where(is_break_in, first_good, first)
        told = (last[which] - place >= consecutive - 1) | (
            (last[which] > place) & (cycle * _DECADE <= cycle[last][which])
        )
        is_soft = bad & (place >= begin[which]) & (place < end[which])
        return cls(
            number=cell[first],
            last_good=np.where(was_good, cycle[np.maximum(end - 1, 0)], 0.0),
            last_cycle=cycle[last],
            horizon=_extreme(np.maximum, np.where(told, cycle, 0.0), first),
            final_run=run[last],
            bad_from=cycle[np.minimum(end, last)],
            soft=np.bincount(which[is_soft], minlength=first.size),
            longest_soft=_extreme(np.maximum, np.where(is_soft, run, 0), first),
            settled=np.where(was_good, end - begin, 0),
            was_good=was_good,
            starts_early=starts_early,
            is_break_in=is_break_in,
            any_bad=_extreme(np.maximum, bad.astype(int), first) > 0,
        )

    def is_sure(self, consecutive: int) -> NDArray[np.bool_]:
        """Return which cells end with so many bad cycles that they failed."""
        least = 1 if consecutive == 1 else self._beyond_chance()
        span = self.last_cycle / np.maximum(self.bad_from, 1.0)
        over_a_decade = (self.final_run >= min(2, consecutive)) & (span >= _DECADE)
        in_a_row = self.final_run >= consecutive
        sure: NDArray[np.bool_] = (in_a_row | over_a_decade) & (self.final_run >= least)
        return sure

    def _beyond_chance(self) -> int:
        """Return the bad cycles in a row that soft errors alone would hardly make in any cell."""
        soft, settled = int(self.soft.sum()), int(self.settled.sum())
        if soft < _LEAST_SOFT:
            return 1
        runs = np.arange(1, int(self.final_run.max()) + 2)
        by_chance = self.cells * (soft / settled) ** runs
        found = np.count_nonzero(self.final_run >= runs[:, None], axis=1)
        beyond = by_chance <= _CHANCE * np.maximum(found, 1)
        return int(runs[beyond.argmax()] if beyond.any() else runs[-1])


def _extreme(ufunc: np.ufunc, values: NDArray[Any], first: NDArray[np.int_]) -> NDArray[Any]:
    """Return the least or largest value of each cell; `first` are the places where cells begin."""
    extreme: NDArray[Any] = ufunc.reduceat(values, first) if first.size else values
    return extreme


def _by_cycle(
    cell: NDArray[np.int_], cycle: NDArray[np.int_], bad: NDArray[np.bool_]
) -> tuple[NDArray[np.int_], NDArray[np.float64], NDArray[np.bool_]]:
    """Return one row for each cycle of each cell, in order, bad where any reading is."""
    order = np.lexsort((cycle, cell))
    cell, cycle, bad = cell[order], cycle[order], bad[order]
    if not cell.size:
        return cell, cycle.astype(float), bad
    starts = np.flatnonzero(np.append(True, (cell[1:] != cell[:-1]) | (cycle[1:] != cycle[:-1])))
    return cell[starts], cycle[starts].astype(float), np.logical_or.reduceat(bad, starts)
