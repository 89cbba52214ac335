"""When each cell failed: from reads along its cycles to the interval its life lies in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rramsim.schema import ABOVE, BELOW, make

if TYPE_CHECKING:
    import xarray as xr

CONSECUTIVE = 3
"""Bad cycles in a row that make a failure; fewer, and right again later, are soft errors."""

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

    A cycle is bad where any reading of the cell in it is. A cell failed at the first of
    `consecutive` bad cycles in a row, counting the cycles that were read.

    Parameters
    ----------
    cell, cycle : array_like of int, shape (readings,)
        Number of the cell and the cycle, both known.
    bad : array_like of bool, shape (readings,)
    consecutive : int
        Bad cycles in a row that make a failure.

    Returns
    -------
    xarray.Dataset
        Schema "cell_lifetimes", its one condition without a name. A lifetime is in (after, until].

    Examples
    --------
    >>> cycle, bad = [1, 10, 100, 1000, 10000], [0, 1, 0, 1, 1]
    >>> lifetimes = cell_lifetimes([1] * 5, cycle, bad, consecutive=2)
    >>> [lifetimes[name].values.tolist() for name in ("after", "until", "is_soft")]
    [[100.0], [1000.0], [1]]
    """
    number, cycles, is_bad = _by_cycle(
        np.asarray(cell), np.asarray(cycle), np.asarray(bad, dtype=bool)
    )
    place = np.arange(number.size)
    is_first = np.append(True, number[1:] != number[:-1]) if number.size else place.astype(bool)
    first = place[is_first]
    which = np.cumsum(is_first) - 1  # position of the cell
    last = np.append(first[1:], number.size)[: first.size] - 1
    # Bad cycles in a row up to each one: since the last good one, or the start of the cell.
    start = np.maximum.accumulate(np.where(is_first, place, 0))
    good = np.maximum.accumulate(np.where(is_bad, -1, place))
    run = place - np.maximum(good, start - 1)
    failed_at = np.full(first.size, -1)
    sure = np.flatnonzero(run == consecutive)[::-1]
    failed_at[which[sure]] = sure - consecutive + 1  # the earliest is written last
    failed = failed_at >= 0
    undecided = ~failed & (run[last] > 0)
    end = np.where(failed, failed_at, last + 1 - np.where(undecided, run[last], 0))
    before = cycles[np.maximum(end - 1, 0)]
    recovered = np.flatnonzero(
        is_bad & ~np.append(is_first[1:], True) & ~np.append(is_bad[1:], True)
    )
    soft = np.zeros(first.size, dtype=bool)
    soft[which[recovered]] = True
    any_bad = np.zeros(first.size, dtype=bool)
    any_bad[which[is_bad]] = True
    return make(
        "cell_lifetimes",
        {
            "condition_index": np.zeros(first.size, dtype=int),
            "cell": number[first],
            "after": np.where(end > first, before, 0.0),
            "until": np.where(failed, cycles[np.maximum(failed_at, 0)], np.inf),
            "is_soft": soft,
            "is_undecided": undecided,
            "any_bad": any_bad,
            "came_back": failed & (good[last] > failed_at),
        },
        coords={"condition": [""]},
    )


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
