"""Endurance of the cells of each condition: cycles to failure, Weibull, and honest bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from rramsim import formatting as numbers
from rramsim.device.examination import Analysis
from rramsim.device.lifetime.cell_lifetimes import (
    CONSECUTIVE,
    cell_lifetimes,
    misread,
    window_closed,
)
from rramsim.notes import Note
from rramsim.schema import make
from rramsim.statistics.confidence import CONFIDENCE
from rramsim.statistics.weibull import (
    LEAST_FAILURES,
    NoShapeError,
    WeibullFit,
    fit_weibull,
    lifetime_at_least,
)

if TYPE_CHECKING:
    import xarray as xr

INTERVAL = (
    "95 %; shape, B1, B10 and median life: profile likelihood of the Weibull fit, each life known "
    "to lie between two reads or beyond the last; share of cells that failed: Clopper-Pearson, "
    "one-sided"
)
"""How the ends of the intervals of an endurance were made."""


@dataclass(frozen=True)
class Failure:
    """What counts as the failure of a cell.

    Attributes
    ----------
    kind : str
        ``"misread"``: a read on the wrong side of the reference; ``"window"``: R_HRS / R_LRS
        below `least_ratio`; ``"failed"``: the file says so.
    consecutive : int
        Bad cycles in a row, of those read, that make a failure; a file's own mark needs no
        second.
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
        if self.kind == "failed":
            return "the file marks the cell as failed"
        what = (
            "read on the wrong side of the reference"
            if self.kind == "misread"
            else f"R_HRS / R_LRS below {numbers.plain(self.least_ratio)}"
        )
        times = (
            "at one read cycle"
            if self.consecutive == 1
            else (f"at {self.consecutive} read cycles in a row")
        )
        return f"{what} {times}"


def failure_of(readings: xr.Dataset) -> Failure:
    """Return what a failure is by default: the file's own marks, else 3 misread cycles in a row."""
    has_marks = "failed" in readings.variables and bool(readings["failed"].values.any())
    return Failure(kind="failed" if has_marks else "misread")


def follow_cells(
    readings: xr.Dataset, *, reference_resistance: Any, failure: Failure
) -> xr.Dataset | None:
    """Return when each cell failed, from readings along the cycles of named cells.

    Parameters
    ----------
    readings : xarray.Dataset
        Schema "readings".
    reference_resistance : array_like, shape (conditions,)
        Reference of each condition in ohm.
    failure : Failure

    Returns
    -------
    xarray.Dataset or None
        Schema "cell_lifetimes"; a condition whose cells cannot be followed has no rows. None
        where no reading names both a cell and a cycle, or none of them is at more than one.
    """
    named = _named(readings)
    if np.unique(readings["cycle"].values[named]).size < 2:
        return None
    names = [str(name) for name in readings["condition"].values]
    references = np.broadcast_to(np.asarray(reference_resistance, dtype=float), len(names))
    parts = [
        _lifetimes(_columns(readings, number), failure, reference=float(reference))
        for number, reference in enumerate(references)
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


def endurance(readings: xr.Dataset, lifetimes: xr.Dataset, *, failure: Failure) -> Analysis:
    """Derive the endurance of each condition from the lifetimes of its cells.

    The headline `cycles` is B10, the cycles until 10 % of the cells have failed, where 3 cells
    or more failed and B10 is not beyond the last read; else it is a lower bound, the last read
    by which, at 95 %, no more than 10 % of the cells have failed: 29 cells without a failure are
    the fewest that bear it. Nothing is claimed of cycles not read, nor where fewer cycles were
    read than make a failure.

    Parameters
    ----------
    readings : xarray.Dataset
        Schema "readings".
    lifetimes : xarray.Dataset
        As `follow_cells` gives them, by the same `failure`.
    failure : Failure

    Returns
    -------
    Analysis
        Schema "endurance"; ``attrs`` hold ``failure`` (the definition in words), ``interval``
        and ``confidence``.
    """
    names = [str(name) for name in readings["condition"].values]
    rows, notes = [], []
    for number, name in enumerate(names):
        columns = _columns(readings, number)
        chosen = np.flatnonzero(lifetimes["condition_index"].values == number)
        row, of_row = _row(name, columns, lifetimes.isel(lifetime=chosen), failure)
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
                "headline": "B10, else a lower bound: the last read by which, at 95 %, no more "
                "than 10 % have failed",
            },
        ),
        tuple(notes),
    )


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
        return cell_lifetimes(cell, cycle, columns["failed"] == 1, consecutive=1)
    if definition.kind == "window":
        _, group = np.unique(np.stack([cell, cycle]), axis=1, return_inverse=True)
        bad = window_closed(*reading, group.ravel(), least_ratio=definition.least_ratio)
    else:
        bad = misread(*reading, reference=reference)
    return cell_lifetimes(cell, cycle, bad, consecutive=definition.consecutive)


# The share of the cells that may have failed at the endurance claimed: that of B10.
_FAILING = 0.1

_NUMBERS = (
    *("shape", "shape_low", "shape_high", "scale", "b1", "b1_low", "b1_high", "b10", "b10_low"),
    *("b10_high", "median", "median_low", "median_high", "failing_high", "cycles", "cycles_low"),
    *("cycles_high", "first_cycle", "last_cycle"),
)
_COUNTS = ("cells", "failed", "undecided", "soft", "never_good")


def _row(
    name: str, columns: dict[str, NDArray[Any]], lifetimes: xr.Dataset, definition: Failure
) -> tuple[dict[str, Any], list[Note]]:
    row: dict[str, Any] = dict.fromkeys(_NUMBERS, math.nan) | dict.fromkeys(_COUNTS, 0)
    row["cycles_bound"] = ""
    if not lifetimes.sizes["lifetime"]:
        return row, []
    failed = np.isfinite(lifetimes["until"].values)
    last = float(columns["cycle"].max())
    row |= {
        "cells": lifetimes.sizes["lifetime"],
        "failed": int(failed.sum()),
        "undecided": int(lifetimes["is_undecided"].sum()),
        "soft": int(lifetimes["is_soft"].sum()),
        "never_good": int(np.count_nonzero(failed & (lifetimes["after"].values == 0))),
        "first_cycle": float(columns["cycle"].min()),
        "last_cycle": last,
    }
    notes = [_count_note(name, row, lifetimes, definition), *_read_notes(name, columns, definition)]
    fit, why = _fitted(lifetimes)
    if fit is not None:
        row |= {"scale": fit.scale}
        for key in ("shape", "b1", "b10", "median"):
            estimate = getattr(fit, key)
            row |= {
                key: estimate.estimate,
                f"{key}_low": estimate.low,
                f"{key}_high": estimate.high,
            }
    if fit is not None and fit.b10.estimate <= last:
        row |= {"cycles": row["b10"], "cycles_low": row["b10_low"], "cycles_high": row["b10_high"]}
        notes += _fit_notes(name, row)
        return row, notes
    if _none_could_be_seen(columns, definition):
        return row, notes
    good_until, failing = _good_until(lifetimes)
    if good_until > 0 and failing <= _FAILING:
        row |= {"cycles": good_until, "cycles_bound": "lower", "failing_high": failing}
    text = _bound_words(good_until, failing)
    if fit is not None:
        b10 = numbers.power(fit.b10.estimate, 3)
        text += f"; B10 of the fit, {b10}, is beyond the last read, extrapolated"
    else:
        text += _without_fit(lifetimes, why=why, shape=definition.shape)
    values = {"cycles": good_until, "failing_high": failing}
    notes.append(Note(f"{text}.", kind="endurance bound", condition=name, values=values))
    return row, notes


def _fitted(lifetimes: xr.Dataset) -> tuple[WeibullFit | None, str]:
    try:
        return fit_weibull(lifetimes["after"], lifetimes["until"]), ""
    except NoShapeError as error:
        return None, _why_no_shape(error)


def _why_no_shape(error: NoShapeError) -> str:
    if error.kind == "too few failures":
        return (
            f"{error.failures} of {error.units:,} cells failed; a Weibull shape needs at least "
            f"{LEAST_FAILURES} failures"
        )
    return {
        "one moment": "every cell failed or was last read at the same cycle: no shape",
        "same interval": ("the failures lie between the same reads: they set no limit to a shape"),
        "no limit": "the failures set no limit to a Weibull shape",
    }[error.kind]


def _good_until(lifetimes: xr.Dataset) -> tuple[float, float]:
    """Return the cycle to which a sample bears B10, and the share of cells failed by then.

    It is the last to which so many cells were read good that the bound on the share failed is
    10 % at most; where no cycle is, the last to which 90 % of the cells were. The share
    is a one-sided 95 % Clopper-Pearson bound; without failures it is that of the success run,
    1 - 0.05**(1 / n). Cells of which nothing is known so late count as failed.
    """
    cells, after = lifetimes.sizes["lifetime"], np.sort(lifetimes["after"].values)
    most = int(_FAILING * cells)
    failed = np.searchsorted(after, after[: most + 1])  # by each of these cycles
    failing = beta.ppf(CONFIDENCE, failed + 1, cells - failed)
    borne = np.flatnonzero(failing <= _FAILING)
    last = int(borne[-1]) if borne.size else most
    return float(after[last]), float(failing[last])


def _count_note(name: str, row: dict[str, Any], lifetimes: xr.Dataset, definition: Failure) -> Note:
    cells = "cell" if row["cells"] == 1 else "cells"
    text = f"{row['failed']:,} of {row['cells']:,} {cells} failed ({definition.words})"
    if definition.kind != "failed" and definition.consecutive > 1:
        text += (
            f"; {int(lifetimes['any_bad'].sum()):,} had at least one bad cycle, {row['soft']:,} of "
            "them one that was right again later (soft errors)"
        )
    back = int(lifetimes["came_back"].sum())
    if back:
        text += f"; {back:,} of the failed {'was' if back == 1 else 'were'} good again later"
    if row["undecided"]:
        text += (
            f"; {row['undecided']:,} {'was' if row['undecided'] == 1 else 'were'} bad at the last "
            "reads, too few to be sure"
        )
    if row["never_good"]:
        text += f"; {row['never_good']:,} failed from the first cycle read on"
    values = {key: row[key] for key in _COUNTS}
    return Note(f"{text}.", kind="failures", condition=name, values=values)


def _read_notes(name: str, columns: dict[str, NDArray[Any]], definition: Failure) -> list[Note]:
    cycles = np.unique(columns["cycle"])
    notes = []
    if _none_could_be_seen(columns, definition):
        notes.append(
            Note(
                f"{cycles.size} cycles were read, and a failure needs {definition.consecutive} bad "
                "ones in a row: none could be seen, so no endurance is claimed.",
                kind="no failure could be seen",
                condition=name,
                values={"cycles": cycles.size, "consecutive": definition.consecutive},
            )
        )
    return notes + sparse_notes(name, cycles)


def _none_could_be_seen(columns: dict[str, NDArray[Any]], definition: Failure) -> bool:
    few = bool(np.unique(columns["cycle"]).size < definition.consecutive)
    return definition.kind != "failed" and few


def sparse_notes(name: str, cycles: NDArray[Any]) -> list[Note]:
    """Return a warning where there is less than one cycle read per decade of cycles.

    Parameters
    ----------
    name : str
        The condition, for the note.
    cycles : ndarray
        Distinct cycles read, known ones only.
    """
    known = np.unique(cycles[cycles >= 1])
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
    low, high = (numbers.power(row[f"cycles_{end}"], 3) for end in ("low", "high"))
    notes = [
        Note(
            f"endurance is B10 of the Weibull fit, {numbers.power(row['b10'], 3)} cycles ({low} to "
            f"{high}); shape {numbers.plain(row['shape'])}.",
            kind="endurance",
            condition=name,
            values={key: row[key] for key in ("b10", "cycles_low", "cycles_high", "shape")},
        )
    ]
    if row["b1"] < row["first_cycle"]:
        text = "B1 is before the first cycle read, extrapolated along the fit."
        notes.append(Note(text, kind="B1 extrapolated", condition=name, values={"b1": row["b1"]}))
    return notes


def _bound_words(good_until: float, failing: float) -> str:
    if not good_until > 0:
        return "fewer than 90 % of the cells were good at any read; no endurance is claimed"
    cycles = numbers.power(good_until, 3)
    share = numbers.percent(failing, 1)
    if failing > _FAILING:
        return (
            f"the cells are too few for a bound on B10, so no endurance is claimed: at 95 % no "
            f"more than {share} failed by {cycles} cycles, to which 90 % of those read were good"
        )
    return (
        f"endurance is a lower bound, {cycles} cycles, the last read by which, at 95 %, no more "
        f"than {share} of the cells have failed"
    )


def _without_fit(lifetimes: xr.Dataset, *, why: str, shape: float | None) -> str:
    """Return why no Weibull life was fitted, and what a stated shape gives."""
    text = ""
    if np.isfinite(lifetimes["until"].values).any():
        text += f"; no Weibull life was fitted: {why}"
    if shape is not None:
        bound = lifetime_at_least(lifetimes["after"], lifetimes["until"], shape=shape, share=0.1)
        text += (
            f"; with the stated shape {numbers.plain(shape)}, B10 is at least "
            f"{numbers.power(bound)} cycles (95 %, one-sided)"
        )
    return text
