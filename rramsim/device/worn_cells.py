"""Which cells wore out, and at which reference: one that the cells still good choose.

A reference that is the best of all readings serves those of dead cells, too. It may lie where they
read right, and cells that are good read wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

from rramsim import formatting as numbers
from rramsim.device.bit_errors.sensing import StatePair, best_reference
from rramsim.device.lifetime.cycles.cell_lifetimes import misread
from rramsim.device.lifetime.cycles.endurance import Failure, follow_cells
from rramsim.device.read_conditions import ReadConditions
from rramsim.notes import Note
from rramsim.schema import STATES
from rramsim.statistics.quantiles import centre_and_sigmas

if TYPE_CHECKING:
    import xarray as xr

Mask = NDArray[np.bool_]

# Sets of worn cells that are still not agreed on after so many rounds will hardly be.
_MOST_ROUNDS = 12
# Cells that end bad by soft errors alone are no wear.
_CHANCE = 0.05


@dataclass(frozen=True, eq=False)
class Followed:
    """When the cells of each condition failed, and at which reference that was counted.

    Attributes
    ----------
    lifetimes : xarray.Dataset or None
        Schema "cell_lifetimes"; None where no cell can be followed.
    references : ndarray, shape (conditions,)
        In ohm, for each condition with readings.
    is_worn : ndarray of bool, shape (readings,)
        Whether a reading is of a cell that had failed by then.
    notes : tuple of Note
    """

    lifetimes: xr.Dataset | None
    references: NDArray[np.float64]
    is_worn: Mask
    notes: tuple[Note, ...] = ()


def follow_to_wear(
    readings: xr.Dataset,
    *,
    best: Sequence[float],
    reads: Sequence[ReadConditions],
    failure: Failure,
    lives: xr.Dataset | None = None,
) -> Followed:
    """Return when each cell failed, at the stated reference or at one of the cells still good.

    Parameters
    ----------
    readings : xarray.Dataset
        Schema "readings".
    best : sequence of float, shape (conditions,)
        Reference of each condition in ohm, as its BER is read: stated, or the best of all readings.
    reads : sequence of ReadConditions, shape (conditions,)
        How each condition is read; with its reference where one is stated.
    failure : Failure
    lives : xarray.Dataset, optional
        Schema "lives".
    """
    references = np.array(best, dtype=float)
    is_worn = np.zeros(readings.sizes["reading"], dtype=bool)

    def followed_at(ohms: NDArray[np.float64]) -> xr.Dataset | None:
        return follow_cells(readings, reference_resistance=ohms, failure=failure, lives=lives)

    lifetimes = followed_at(references)
    if lifetimes is None:
        return Followed(None, references, is_worn)
    notes: list[Note] = []
    names = readings["condition"].values.astype(str).tolist()
    of_lives = [] if lives is None else lives["condition"].values.astype(str).tolist()
    for number, (name, read) in enumerate(zip(names, reads, strict=True)):
        if name in of_lives:
            continue
        chosen = np.flatnonzero(readings["condition_index"].values == number)
        part = readings.isel(reading=chosen, condition=[number])
        cells = Cells(part.assign(condition_index=part["condition_index"] * 0), failure)
        at = float(best[number])
        if read.reference_resistance is None and failure.kind == "misread":
            at = reference_of_good_cells(cells, at, read)
        notes += _worn_notes(name, cells, float(best[number]), at)
        references[number] = at
        is_worn[chosen] = _after_failure(cells, at)
    if np.any(references != best):
        lifetimes = followed_at(references)
    return Followed(lifetimes, references, is_worn, tuple(notes))


def reference_of_good_cells(cells: Cells, best: float, read: ReadConditions) -> float:
    """Return the reference at which failures of cells are counted where none is stated.

    It is the best one of the populations of the readings from before cells failed, by the median
    of each state and the quartile on the side where no error is made: soft errors, break-in and
    dead cells that are left move neither by much. It begins with the first half of each cell's
    cycles, up to half of whose readings may already be of dead cells. The cells that end bad there
    give the readings from before, these the next reference, and so on, until the readings from
    before are those of the last round. Rounds that go in a circle, or more than 12, end at the one
    with the fewest such readings: the most failures. The best reference of all readings is kept
    where it lies within a sigma of that (of the narrower state), or where the same cells end bad
    at it from the same cycles on, but for as many as soft errors make end bad by chance (5 %).

    Parameters
    ----------
    cells : Cells
        Failure is of kind ``"misread"``.
    best : float
        The best reference of all their readings, in ohm.
    read : ReadConditions
        How cells are read, without a reference.

    Returns
    -------
    float
        In ohm.
    """
    part = cells.part
    reference, sigma = _best_of_body(part, _early(part), read)
    if math.isnan(reference):
        return best
    rounds: list[tuple[float, Mask]] = []
    is_agreed = False
    while len(rounds) < _MOST_ROUNDS:
        good = _before_failure(part, cells.lifetimes(reference))
        is_agreed = bool(rounds) and np.array_equal(good, rounds[-1][1])
        if any(np.array_equal(good, other) for _, other in rounds):
            break
        following, sigma = _best_of_body(part, good, read)
        is_agreed = math.isnan(following)
        rounds.append((reference if is_agreed else following, good))
        if is_agreed:
            break
        reference = following
    agreed = rounds[-1] if is_agreed else min(rounds, key=lambda one: np.count_nonzero(one[1]))
    is_near = abs(math.log(agreed[0] / best)) < sigma
    return best if is_near or _is_chance(cells, agreed[0], best) else agreed[0]


@dataclass(frozen=True, eq=False)
class Cells:
    """The readings of one condition, and when its cells failed at each reference asked for.

    Attributes
    ----------
    part : xarray.Dataset
        Schema "readings", of one condition.
    failure : Failure
        What counts as one.
    known : dict
        The lifetimes at each reference that was asked for, as columns.
    """

    part: xr.Dataset
    failure: Failure
    known: dict[float, Mapping[str, Any]] = field(default_factory=dict)

    def lifetimes(self, reference: float) -> Mapping[str, Any]:
        """Return the lifetimes of the cells as columns; empty ones where none can be followed."""
        if reference not in self.known:
            lifetimes = follow_cells(
                self.part, reference_resistance=[reference], failure=self.failure
            )
            self.known[reference] = (
                dict.fromkeys(("cell", "bad_from", "until"), np.zeros(0, dtype=int))
                if lifetimes is None
                else {str(name): lifetimes[name].values for name in lifetimes.data_vars}
            )
        return self.known[reference]


def _before_failure(part: xr.Dataset, lifetimes: Mapping[str, Any]) -> Mask:
    """Return which readings are not of a cell that is bad by then and never good again."""
    cells, bad_from = lifetimes["cell"], lifetimes["bad_from"]
    if not cells.size:
        return np.ones(part.sizes["reading"], dtype=bool)
    order = np.argsort(cells)
    cell = part["cell"].values
    place = order[np.minimum(np.searchsorted(cells, cell, sorter=order), cells.size - 1)]
    is_followed = (cells[place] == cell) & (part["cycle"].values >= 0)
    before: Mask = ~is_followed | (part["cycle"].values < bad_from[place])
    return before


def _after_failure(cells: Cells, reference: float) -> Mask:
    """Return which readings are of a cell that had failed by then, for sure."""
    lifetimes = dict(cells.lifetimes(reference))
    # Cells that never worked are a matter of yield, and undecided ones may be good.
    failed = np.isfinite(lifetimes["until"])
    lifetimes["bad_from"] = np.where(failed, lifetimes["bad_from"], np.inf)
    return ~_before_failure(cells.part, lifetimes)


def _early(part: xr.Dataset) -> Mask:
    """Return which readings are in the first half of the cycles of their cell."""
    cell, cycle = part["cell"].values, part["cycle"].values
    named = (cell >= 0) & (cycle >= 0)
    early = np.zeros(cell.size, dtype=bool)
    cell, cycle = cell[named], cycle[named]
    order = np.lexsort((cycle, cell))
    is_new_cell = np.diff(cell[order], prepend=-1) > 0
    is_new = is_new_cell | (np.diff(cycle[order], prepend=-1) != 0)
    # Of each distinct cycle of a cell in order: the number of its cell, and its own in the cell.
    of_cell = (np.cumsum(is_new_cell) - 1)[is_new]
    reads = np.bincount(of_cell)
    number = np.arange(of_cell.size) - (np.cumsum(reads) - reads)[of_cell]
    is_early = number < ((reads + 1) // 2)[of_cell]
    place = np.empty(cell.size, dtype=int)
    place[order] = np.cumsum(is_new) - 1
    early[named] = is_early[place]
    return early


def _best_of_body(part: xr.Dataset, chosen: Mask, read: ReadConditions) -> tuple[float, float]:
    """Return the best reference of lognormals by median and outer quartile, and the lesser sigma.

    The outer quartile is the lower one of LRS and the upper one of HRS; where a limit hides it, the
    exact readings give median and sigma (`centre_and_sigmas`). Where one is no way from its
    median, the reference is between the medians. NaN where these are not in order.
    """
    x, side = np.log(part["resistance"].values), part["censoring"].values
    is_hrs = part["state_index"].values == 1
    lrs, hrs = chosen & ~is_hrs, chosen & is_hrs
    if not lrs.any() or not hrs.any():
        return math.nan, 0.0
    lrs_median, lrs_sigma, _ = centre_and_sigmas(x[lrs], side[lrs])
    hrs_median, _, hrs_sigma = centre_and_sigmas(x[hrs], side[hrs])
    if not lrs_median < hrs_median:
        return math.nan, 0.0
    sigmas = lrs_sigma, hrs_sigma
    if not min(sigmas) > 0.0:
        return math.exp((lrs_median + hrs_median) / 2.0), 0.0
    pair = StatePair(lrs_median, sigmas[0], hrs_median, sigmas[1])
    seen = pair.seen_through(read.reference_spread)
    return math.exp(best_reference(seen, lrs_share=read.lrs_share)[0]), float(min(sigmas))


def _is_chance(cells: Cells, reference: float, best: float) -> bool:
    """Return whether as many cells end otherwise at two references as soft errors would make."""
    part, lifetimes = cells.part, cells.lifetimes(reference)
    ends, at_best = lifetimes["bad_from"], cells.lifetimes(best)["bad_from"]
    otherwise = int(np.count_nonzero(ends != at_best))
    if not otherwise:
        return True
    good = _before_failure(part, lifetimes)
    columns = [part[name].values[good] for name in ("resistance", "censoring", "state_index")]
    soft = float(misread(*columns, reference=reference).mean()) if good.any() else 0.0
    in_cycle = 1.0 - (1.0 - soft) ** len(STATES)
    return bool(bdtrc(otherwise - 1, ends.size, in_cycle) > _CHANCE)


def _worn_notes(name: str, cells: Cells, best: float, reference: float) -> list[Note]:
    """Say where failures are counted, where that is not where the BER is read."""
    if reference == best:
        return []
    bad, at_best = (
        int(np.isfinite(cells.lifetimes(ohm)["bad_from"]).sum()) for ohm in (reference, best)
    )
    here, there = (numbers.quantity(ohm, "Ω") for ohm in (reference, best))
    text = (
        f"failures and the BER against cycles are counted at {here}, the reference of the cells "
        f"before they failed: {bad:,} end bad there. The BER is read at {there}, the best for all "
        f"readings, those of worn cells included: {at_best:,} would end bad there. State the "
        "reference of the sense amplifiers to read everything there."
    )
    figures = {"reference": reference, "best": best, "cells": bad, "cells_at_best": at_best}
    return [Note(text, kind="reference of worn cells", condition=name, values=figures)]
