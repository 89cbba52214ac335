"""Endurance of the cells of each condition: cycles to failure, Weibull, and honest bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rramsim import formatting as numbers
from rramsim.device.examination import Analysis
from rramsim.device.lifetime.cycles.cell_lifetimes import (
    CONSECUTIVE,
    cell_lifetimes,
    marked_lifetimes,
    misread,
    table_lifetimes,
    window_closed,
)
from rramsim.device.lifetime.cycles.wear import (
    BEFORE,
    BY_FIT,
    CONTRADICTED,
    NO_WEAR_OUT,
    Wear,
    wear_of,
)
from rramsim.interval import Interval
from rramsim.notes import Note
from rramsim.schema import make
from rramsim.statistics.confidence import CONFIDENCE
from rramsim.statistics.readings import distinct
from rramsim.statistics.weibull import (
    LEAST_FAILURES,
    NoShapeError,
    lifetime_at_least,
)

if TYPE_CHECKING:
    import xarray as xr

INTERVAL = (
    "95 %; shape, B1, B10 and median life: profile likelihood of the Weibull fit, each life known "
    "to lie between two reads or beyond the last; bounds on the endurance and share of cells that "
    "failed: Clopper-Pearson, one-sided"
)
"""How the ends of the intervals of an endurance were made."""


@dataclass(frozen=True)
class Failure:
    """What counts as the failure of a cell.

    Attributes
    ----------
    kind : str
        ``"misread"``: a read on the wrong side of the reference; ``"window"``: R_HRS / R_LRS
        below `least_ratio`; ``"failed"``: the file says so; ``"life"``: it is a table of lives.
    consecutive : int
        Bad cycles in a row, of those read and to the last one, that make a failure; a file's own
        mark needs no second.
    least_ratio : float
        Of the window, for that kind only.
    shape : float or None
        A Weibull shape known from elsewhere, used only where fewer than 3 cells failed.
    """

    kind: str = "misread"
    consecutive: int = CONSECUTIVE
    least_ratio: float = 10.0
    shape: float | None = None

    @property
    def words(self) -> str:
        """The definition in words."""
        if self.kind == "life":
            return "each cell stands at one cycle, that of its failure or the last it was good at"
        if self.kind == "failed":
            return "the file marks the cell as failed, to its last read"
        what = (
            "read on the wrong side of the reference"
            if self.kind == "misread"
            else f"R_HRS / R_LRS below {numbers.plain(self.least_ratio)}"
        )
        if self.consecutive == 1:
            return f"{what} at its last read cycle"
        return (
            f"{what} at its last {self.consecutive} read cycles or more, or at 2 or more over its "
            "last decade of cycles, and never right again"
        )


def failure_of(readings: xr.Dataset, lives: xr.Dataset | None = None) -> Failure:
    """Return what a failure is by default: the file's own marks, else 3 misread cycles in a row.

    Where the lives of cells of every condition are known, it is what their table says.
    """
    read = set(readings["condition"].values.astype(str).tolist())
    if lives is not None and read <= set(lives["condition"].values.astype(str).tolist()):
        return Failure(kind="life")
    has_marks = "failed" in readings.variables and bool(readings["failed"].values.any())
    return Failure(kind="failed" if has_marks else "misread")


def follow_cells(
    readings: xr.Dataset,
    *,
    reference_resistance: Any,
    failure: Failure,
    lives: xr.Dataset | None = None,
) -> xr.Dataset | None:
    """Return when each cell failed, from readings along the cycles of named cells, or its life.

    Parameters
    ----------
    readings : xarray.Dataset
        Schema "readings".
    reference_resistance : array_like, shape (conditions,)
        Reference of each condition in ohm.
    failure : Failure
    lives : xarray.Dataset, optional
        Schema "lives": of a condition in it they are used, not its readings.

    Returns
    -------
    xarray.Dataset or None
        Schema "cell_lifetimes"; a condition whose cells cannot be followed has no rows. None
        where no reading names both a cell and a cycle, or none of them is at more than one.
    """
    named = _named(readings)
    is_followed = distinct(readings["cycle"].values[named]).size > 1
    if lives is None and not is_followed:
        return None
    nobody = np.zeros(0, dtype=int)
    names, tables = _names(readings, lives), _tables(lives)
    read = readings.sizes["condition"]
    references = np.broadcast_to(np.asarray(reference_resistance, dtype=float), read)
    parts = [
        table_lifetimes(**tables[name])
        if name in tables
        else _lifetimes(_columns(readings, number), failure, reference=float(references[number]))
        if is_followed
        else cell_lifetimes(nobody, nobody, nobody)
        for number, name in enumerate(names)
    ]
    values: dict[str, Any] = {
        str(name): np.concatenate([part[name].values for part in parts])
        for name in parts[0].data_vars
    }
    sizes = [part.sizes["lifetime"] for part in parts]
    values["condition_index"] = np.repeat(np.arange(len(parts)), sizes)
    return make(
        "cell_lifetimes",
        values,
        coords={"condition": names},
        attrs={"failure": failure.words},
    )


def endurance(
    readings: xr.Dataset,
    lifetimes: xr.Dataset,
    *,
    failure: Failure,
    lives: xr.Dataset | None = None,
    reference_resistance: Any = math.nan,
) -> Analysis:
    """Derive the endurance of each condition from the lifetimes of its cells.

    The headline `cycles` is B10 of the cells that worked, the cycles until 10 % of them have
    failed, where the reads bear it (`wear_of`); else bounds: the last read by which, at 95 %, no
    more than 10 % have failed (29 cells without a failure are the fewest that bear it), and the
    first by which, at 95 %, at least 10 % have. Nothing is claimed of cycles not read.

    Parameters
    ----------
    readings : xarray.Dataset
        Schema "readings".
    lifetimes : xarray.Dataset
        As `follow_cells` gives them, by the same `failure` and `lives`.
    failure : Failure
    lives : xarray.Dataset, optional
        Schema "lives".
    reference_resistance : array_like, shape (conditions,), optional
        At which the lifetimes were counted, in ohm.

    Returns
    -------
    Analysis
        Schema "endurance"; ``attrs`` hold ``failure`` (the definition in words), ``interval``
        and ``confidence``.
    """
    names, tables = _names(readings, lives), _tables(lives)
    read = readings.sizes["condition"]
    references = np.broadcast_to(np.asarray(reference_resistance, dtype=float), read)
    rows, notes = [], []
    for number, name in enumerate(names):
        chosen = np.flatnonzero(lifetimes["condition_index"].values == number)
        of_condition = lifetimes.isel(lifetime=chosen)
        if name in tables:
            row, of_row = _row_of_lives(name, tables[name]["cycles"], of_condition)
            rows.append(row)
            notes += of_row
            continue
        columns = _columns(readings, number)
        row, of_row = _row(name, columns["cycle"], of_condition, failure)
        if failure.kind == "misread" and row["cells"]:
            row["reference_resistance"] = float(references[number])
        rows.append(row)
        notes += of_row
        used = columns["cell"].size
        left_out = int(np.count_nonzero(readings["condition_index"].values == number)) - used
        if left_out and used:
            notes.append(
                Note(
                    f"{left_out:,} readings without a cell or a cycle are not in the endurance.",
                    kind="left out of the endurance",
                    condition=name,
                    values={"readings": left_out},
                )
            )
    return Analysis(
        make(
            "endurance",
            {key: [row[key] for row in rows] for key in rows[0]},
            coords={"condition": names},
            attrs={
                "failure": failure.words,
                "confidence": CONFIDENCE,
                "interval": INTERVAL,
                "headline": "B10 of the cells that worked, where it lies within the cycles read; "
                "else the last read by which, at 95 %, no more than 10 % have failed (more than), "
                "and the first by which at least 10 % have (less than)",
            },
        ),
        tuple(notes),
    )


def _names(readings: xr.Dataset, lives: xr.Dataset | None) -> list[str]:
    """Return the conditions that have readings, and those of which only lives are known."""
    of_lives = [] if lives is None else lives["condition"].values.astype(str).tolist()
    return list(dict.fromkeys([*readings["condition"].values.astype(str).tolist(), *of_lives]))


def _tables(lives: xr.Dataset | None) -> dict[str, dict[str, NDArray[Any]]]:
    """Return the columns of the lives of each condition."""
    if lives is None:
        return {}
    of_condition = lives["condition_index"].values
    return {
        name: {
            key: lives[key].values[of_condition == number]
            for key in ("cell", "cycles", "failed", "is_exact")
        }
        for number, name in enumerate(lives["condition"].values.astype(str).tolist())
    }


def _row_of_lives(
    name: str, cycles: NDArray[Any], lifetimes: xr.Dataset
) -> tuple[dict[str, Any], list[Note]]:
    # A cell with a life of its own was watched all along, so nothing lies before a first read.
    return _row(name, cycles, lifetimes, Failure(kind="life"), watched_from=0.0)


def _named(readings: xr.Dataset) -> NDArray[np.bool_]:
    named: NDArray[np.bool_] = (readings["cell"].values >= 0) & (readings["cycle"].values >= 0)
    return named


def _columns(readings: xr.Dataset, number: int) -> dict[str, NDArray[Any]]:
    """Return the columns of the readings of a condition that name a cell and a cycle."""
    chosen = np.flatnonzero(_named(readings) & (readings["condition_index"].values == number))
    return {
        str(key): np.asarray(readings[key].values)[chosen]
        for key in readings.data_vars
        if readings[key].dims == ("reading",)
    }


def _lifetimes(
    columns: dict[str, NDArray[Any]], definition: Failure, *, reference: float
) -> xr.Dataset:
    cell, cycle = columns["cell"], columns["cycle"]
    if not cell.size:
        return cell_lifetimes(cell, cycle, cell == 0)
    reading = (columns["resistance"], columns["censoring"], columns["state_index"])
    if definition.kind == "failed":
        return marked_lifetimes(cell, cycle, columns["failed"] == 1)
    if definition.kind == "window":
        _, group = np.unique(np.stack([cell, cycle]), axis=1, return_inverse=True)
        bad = window_closed(*reading, group.ravel(), least_ratio=definition.least_ratio)
    else:
        bad = misread(*reading, reference=reference)
    return cell_lifetimes(cell, cycle, bad, consecutive=definition.consecutive)


_QUANTILES = ("b1", "b10", "median")
_NUMBERS = (
    *("shape", "shape_low", "shape_high", "scale"),
    *(f"{name}{end}" for name in _QUANTILES for end in ("", "_low", "_high")),
    *("failing_high", "failing_until", "cycles", "cycles_low", "cycles_high"),
    *("first_cycle", "last_cycle", "reference_resistance"),
)
_COUNTS = ("cells", "failed", "undecided", "soft", "break_in", "never_good")


def _row(
    name: str,
    cycles: NDArray[Any],
    lifetimes: xr.Dataset,
    definition: Failure,
    *,
    watched_from: float = math.inf,
) -> tuple[dict[str, Any], list[Note]]:
    row: dict[str, Any] = dict.fromkeys(_NUMBERS, math.nan) | dict.fromkeys(_COUNTS, 0)
    row |= {f"{quantile}_extrapolated": 0 for quantile in _QUANTILES} | {"cycles_bound": ""}
    if not lifetimes.sizes["lifetime"]:
        return row, []
    first, last = float(cycles.min()), float(cycles.max())
    row |= {
        "cells": lifetimes.sizes["lifetime"],
        "failed": int(np.isfinite(lifetimes["until"].values).sum()),
        "undecided": int(lifetimes["is_undecided"].sum()),
        "soft": int(lifetimes["is_soft"].sum()),
        "break_in": int(lifetimes["is_break_in"].sum()),
        "never_good": int(lifetimes["never_good"].sum()),
        "first_cycle": first,
        "last_cycle": last,
    }
    notes = [_count_note(name, row, lifetimes, definition)]
    notes += [] if definition.kind == "life" else sparse_notes(name, cycles)
    worked = lifetimes.isel(lifetime=np.flatnonzero(lifetimes["never_good"].values == 0))
    if not worked.sizes["lifetime"]:
        text = "no cell was good at any read: none worked, and no endurance is claimed."
        return row, [*notes, Note(text, kind="endurance bound", condition=name)]
    wear = wear_of(worked, first=min(first, watched_from), last=last)
    row |= _figures(wear, first=first, last=last)
    if wear.basis == BY_FIT:
        notes += _fit_notes(name, row)
    else:
        text = _bound_words(wear) + _reason(wear, worked, shape=definition.shape)
        values = {"cycles": wear.good_until, "failing_high": wear.failing}
        notes.append(Note(f"{text}.", kind="endurance bound", condition=name, values=values))
    return row, notes


def _figures(wear: Wear, *, first: float, last: float) -> dict[str, Any]:
    """Return what the lifetimes bear, as columns of the schema "endurance"."""
    figures: dict[str, Any] = {
        "failing_high": wear.failing,
        "failing_until": wear.good_until,
        "cycles": wear.cycles.estimate,
        "cycles_low": wear.cycles.low,
        "cycles_high": wear.cycles.high,
        "cycles_bound": wear.cycles.bound,
    }
    if wear.fit is None:
        return figures
    figures["scale"] = wear.fit.scale
    for key in ("shape", *_QUANTILES):
        value = getattr(wear.fit, key)
        figures |= {key: value.estimate, f"{key}_low": value.low, f"{key}_high": value.high}
    for key in _QUANTILES:
        figures[f"{key}_extrapolated"] = not first <= figures[key] <= last
    return figures


def _count_note(name: str, row: dict[str, Any], lifetimes: xr.Dataset, definition: Failure) -> Note:
    cells = "cell" if row["cells"] == 1 else "cells"
    parts = [
        f"{row['failed']:,} of {row['cells']:,} {cells} failed ({definition.words})",
        *_failed_words(row, lifetimes, definition),
    ]
    back = int(lifetimes["came_back"].sum())
    if definition.kind == "failed" and back:
        parts.append(f"{back:,} {_were(back)} marked once and not later, which is no failure")
    elif row["soft"]:
        often = f", {back:,} of them as often in a row as a failure is" if back else ""
        parts.append(
            f"{row['soft']:,} {_were(row['soft'])} bad at times and good again later (soft errors)"
            f"{often}"
        )
    if row["break_in"] and definition.kind != "failed":
        parts.append(
            f"{row['break_in']:,} {_were(row['break_in'])} bad from the first read on and good "
            "later (break-in)"
        )
    if row["never_good"]:
        share = numbers.percent(row["never_good"] / row["cells"], 1)
        parts.append(
            f"{row['never_good']:,} ({share}) never worked: bad at every read from the first "
            "cycles on, a matter of yield and not in the endurance"
        )
    values = {key: row[key] for key in _COUNTS}
    return Note(f"{'; '.join(parts)}.", kind="failures", condition=name, values=values)


def _failed_words(row: dict[str, Any], lifetimes: xr.Dataset, definition: Failure) -> list[str]:
    """Return what is odd of the cells that failed, and which of them may have."""
    parts = []
    failed = np.isfinite(lifetimes["until"].values)
    throughout = int(np.count_nonzero(failed & (lifetimes["after"].values == 0)))
    if throughout and definition.kind == "failed":
        parts.append(
            f"{throughout:,} of them {_were(throughout)} marked at every read, which does not say "
            "when: by the last read"
        )
    elif throughout and definition.kind == "life":
        parts.append(
            f"{throughout:,} of them {_were(throughout)} found failed at a cycle at which others "
            "stand too, a read-out: by then, not at that cycle"
        )
    elif throughout:
        parts.append(
            f"{throughout:,} of the failed {_were(throughout)} bad at every read from cycle "
            f"{row['first_cycle']:,.0f} on"
        )
    if row["undecided"]:
        parts.append(
            f"{row['undecided']:,} {_were(row['undecided'])} bad at the last reads, too few to be "
            "sure: failed for lower bounds, alive for upper ones"
        )
    return parts


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def sparse_notes(name: str, cycles: NDArray[Any]) -> list[Note]:
    """Return a warning where there is less than one cycle read per decade of cycles.

    Parameters
    ----------
    name : str
        The condition, for the note.
    cycles : ndarray
        Distinct cycles read, known ones only.
    """
    known = distinct(cycles[cycles >= 1])
    if known.size < 2:
        return []
    steps = np.diff(np.log10(known.astype(float)))
    widest = int(steps.argmax())
    if steps[widest] <= 1.0 + 1e-9:
        return []
    before, after = (int(cycle) for cycle in known[widest : widest + 2])
    return [
        Note(
            f"between cycles {before:,} and {after:,} nothing was read; with less than one read "
            "per decade a failure that recovers, or a sudden one, goes unseen.",
            kind="sparse cycles",
            condition=name,
            values={"before": before, "after": after},
        )
    ]


def _fit_notes(name: str, row: dict[str, Any]) -> list[Note]:
    cycles = Interval(row["cycles"], low=row["cycles_low"], high=row["cycles_high"])
    words = numbers.interval(cycles, lambda value: numbers.power(value, 3))
    notes = [
        Note(
            f"endurance is B10 of the Weibull fit, {words} cycles; shape "
            f"{numbers.plain(row['shape'])}.",
            kind="endurance",
            condition=name,
            values={key: row[key] for key in ("b10", "cycles_low", "cycles_high", "shape")},
        )
    ]
    if row["b1"] < row["first_cycle"]:
        text = "B1 is before the first cycle read, extrapolated along the fit."
        notes.append(Note(text, kind="B1 extrapolated", condition=name, values={"b1": row["b1"]}))
    return notes


def _bound_words(wear: Wear) -> str:
    until, share = numbers.power(wear.good_until, 3), numbers.percent(wear.failing, 1)
    failed_by = numbers.power(wear.failed_by, 3)
    lower = (
        f"more than {until}, the last read by which, at 95 %, no more than {share} of the cells "
        "have failed"
    )
    upper = f"less than {failed_by}, the first read by which, at 95 %, 10 % or more have"
    if wear.cycles.bound == "lower":
        both = "" if math.isnan(wear.failed_by) else f", and {upper}"
        return f"endurance is known by bounds, in cycles: {lower}{both}"
    if wear.cycles.bound == "upper":
        return f"endurance is known by an upper bound, in cycles: {upper}"
    if not wear.good_until > 0:
        return "fewer than 90 % of the cells were good at any read; no endurance is claimed"
    return (
        "the cells are too few for a bound on B10, so no endurance is claimed: at 95 % no more "
        f"than {share} failed by {until} cycles, to which 90 % of those read were good"
    )


def _reason(wear: Wear, lifetimes: xr.Dataset, *, shape: float | None) -> str:
    """Return why the endurance is not B10 of a fit."""
    if wear.fit is None:
        return _without_fit(wear, lifetimes, shape=shape)
    b10 = numbers.power(wear.fit.b10.estimate, 3)
    if wear.basis == NO_WEAR_OUT:
        ends = numbers.interval(wear.fit.shape, numbers.plain)
        return (
            f"; the Weibull shape is {ends}, below 1: the failure rate falls, "
            "which is not wear-out, and its B10 is not the endurance"
        )
    if wear.basis == CONTRADICTED:
        return f"; the reads contradict B10 of the Weibull fit, {b10}, which is not used"
    place = "before the first read" if wear.basis == BEFORE else "beyond the last read"
    return f"; B10 of the fit, {b10}, is {place}, extrapolated"


def _without_fit(wear: Wear, lifetimes: xr.Dataset, *, shape: float | None) -> str:
    """Return why no Weibull life was fitted, and what a stated shape gives."""
    text = ""
    if np.isfinite(lifetimes["until"].values).any() and wear.why is not None:
        text += f"; no Weibull life was fitted: {_why_no_shape(wear.why)}"
    if shape is not None:
        bound = lifetime_at_least(lifetimes["after"], lifetimes["until"], shape=shape, share=0.1)
        text += (
            f"; with the stated shape {numbers.plain(shape)}, B10 is at least "
            f"{numbers.power(bound)} cycles (95 %, one-sided)"
        )
    return text


def _why_no_shape(error: NoShapeError) -> str:
    if error.kind == "too few failures":
        return (
            f"{error.failures} of {error.units:,} cells failed; a Weibull shape needs at least "
            f"{LEAST_FAILURES} failures"
        )
    return {
        "one moment": (
            "the cells may all have failed at the same cycle, and none was good after it: lives so "
            "alike set no limit to a shape"
        ),
        "same interval": ("the failures lie between the same reads: they set no limit to a shape"),
        "no limit": "the failures set no limit to a Weibull shape",
    }[error.kind]
