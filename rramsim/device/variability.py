"""Where the variance of ln R is from: die, row, column, cell or cycle.

The model is ln R = mean + die + row(die) + column(die) + cell(row, column) + cycle, every term
but the mean random. Rows and columns are crossed within a die, cells are nested in both.

The estimates are those of Henderson's third method: the sums of squares of a sequence of fits
(die; rows; columns; cells), each set equal to its expectation, which for unbalanced readings
holds sums over the numbers of readings. They are unbiased whatever the distributions; in a
balanced design they are the usual analysis of variance. (S. R. Searle, G. Casella and C. E.
McCulloch, "Variance Components", Wiley 1992, chapter 5.)

The covariance of a part in LRS and in HRS is a quarter of the difference between that part of the
sum of both ln R of a cell, and of their difference.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rramsim.device.examination import Analysis
from rramsim.notes import Note
from rramsim.schema import EXACT, STATES, make

if TYPE_CHECKING:
    import xarray as xr

from rramsim.statistics.variance_components import (
    COMPONENTS,
    Floats,
    Groups,
    VariancePart,
    variance_parts,
)

_LEAST = {"die": 5, "row": 10, "column": 10}
"""With fewer groups the variance between them is said to be hardly known."""

_DIE, _ROW = COMPONENTS.index("die"), COMPONENTS.index("row")
_ONE_DIE = (
    "readings of one die, or of dies that are not distinguished: the variance between dies is "
    "not known, and is in no part of the variance."
)

METHOD = (
    "Henderson's method III (analysis of variance with sequential sums of squares) on ln R; "
    "rows and columns crossed within a die, cells within both, cycles within cells; readings of "
    "one cycle are within it, and in its part"
)


def variability(readings: xr.Dataset) -> Analysis:
    """Split the variance of ln R of each condition and state, as far as the columns allow.

    Dies are told apart where `die` has two or more, rows and columns where the readings have
    both, and cells from cycles where cells are read more than once; else the two are one part,
    given as the cell's. Readings of one cycle have its programming in common, and what they differ
    by is in the part of cycles. Censored readings and those without a place are left out and
    counted.

    Parameters
    ----------
    readings : xarray.Dataset
        Schema "readings".

    Returns
    -------
    Analysis
        Schema "variance"; ``attrs`` hold ``method``.
    """
    names = [str(name) for name in readings["condition"].values]
    shape = (len(names), len(STATES), len(COMPONENTS))
    values: dict[str, Any] = {
        **{name: np.full(shape, np.nan) for name in ("variance", "share")},
        **{name: np.zeros(shape, dtype=int) for name in ("groups", "negative")},
        **{name: np.zeros(shape[:2], dtype=int) for name in ("readings", "left_out")},
        "line_correlation": np.full(len(names), np.nan),
    }
    notes: list[Note] = []
    for i, name in enumerate(names):
        values["line_correlation"][i] = _line_correlation(readings, i)
        for j, state in enumerate(STATES):
            chosen = (readings["condition_index"].values == i) & (
                readings["state_index"].values == j
            )
            x, factors = _usable(readings, chosen)
            values["readings"][i, j] = x.size
            left_out = int(np.count_nonzero(chosen)) - x.size
            values["left_out"][i, j] = left_out
            parts = variance_parts(x, **factors)
            _fill(values, (i, j), parts)
            notes += [
                Note(
                    text,
                    kind="parts of the variance",
                    condition=name,
                    state=state,
                    values={"readings": x.size, "left_out": left_out},
                )
                for text in _remarks(parts, left_out=left_out)
            ]
        die, row = (np.isfinite(values["variance"][i, :, part]).any() for part in (_DIE, _ROW))
        if not die and (row or _names_dies(readings)):
            notes.append(Note(_ONE_DIE, kind="one die", condition=name))
    return Analysis(
        make(
            "variance",
            values,
            coords={"condition": names, "state": list(STATES), "component": list(COMPONENTS)},
            attrs={"method": METHOD},
        ),
        tuple(notes),
    )


def _names_dies(readings: xr.Dataset) -> bool:
    return "die" in readings.variables and bool((readings["die"].values >= 0).any())


def _usable(readings: xr.Dataset, chosen: NDArray[np.bool_]) -> tuple[Floats, dict[str, Groups]]:
    """Return ln R and the factors known of enough readings; readings without them are left out.

    None is left out for its cycle, which is a factor where it is known of all.
    """
    usable = chosen & (readings["censoring"].values == EXACT)
    factors = {}
    for name in ("die", "row", "column", "cell"):
        if name in readings.variables and np.any(readings[name].values[usable] >= 0):
            factors[name] = np.asarray(readings[name].values)
            usable = usable & (factors[name] >= 0)
    cycle = readings["cycle"].values
    if (cycle[usable] >= 0).all():
        factors["cycle"] = np.asarray(cycle)
    x = np.log(readings["resistance"].values[usable])
    return x, {name: values[usable] for name, values in factors.items()}


def _line_correlation(readings: xr.Dataset, condition: int) -> float:
    """Return the correlation of the effects of lines on both states, rows and columns as one."""
    import pandas as pd

    means = []
    for state in range(len(STATES)):
        chosen = (readings["condition_index"].values == condition) & (
            readings["state_index"].values == state
        )
        x, factors = _usable(readings, chosen)
        if not {"row", "column"} <= factors.keys():
            return math.nan
        place = [factors[name] for name in ("die", "row", "column") if name in factors]
        means.append(pd.Series(x).groupby(place).mean())
    both = pd.concat(means, axis=1, join="inner")
    lrs, hrs = both.to_numpy().T
    *dies, row, column = (both.index.get_level_values(level) for level in range(both.index.nlevels))
    die = dies[0] if dies else None
    parts = [
        variance_parts(x, die=die, row=row, column=column) for x in (lrs + hrs, lrs - hrs, lrs, hrs)
    ]
    covariance = spread = 0.0
    for name in ("row", "column"):
        if all(name in part for part in parts):
            together, apart, of_lrs, of_hrs = (part[name].variance for part in parts)
            covariance += (together - apart) / 4.0
            spread += math.sqrt(of_lrs * of_hrs)
    return min(max(covariance / spread, -1.0), 1.0) if spread else math.nan


def _fill(values: dict[str, Any], index: tuple[int, int], parts: dict[str, VariancePart]) -> None:
    total = sum(part.variance for part in parts.values())
    for place, name in enumerate(COMPONENTS):
        if name in parts:
            values["variance"][(*index, place)] = parts[name].variance
            values["share"][(*index, place)] = parts[name].variance / total if total else np.nan
            values["groups"][(*index, place)] = parts[name].groups
            values["negative"][(*index, place)] = parts[name].is_negative


def _remarks(parts: dict[str, VariancePart], *, left_out: int) -> list[str]:
    """Return what a reader must know of the parts of one state, a sentence each."""
    remarks = []
    if not parts:
        return ["too few readings to split their variance."]
    if "cycle" not in parts:
        remarks.append(
            "no cell was read more than once; cell-to-cell and cycle-to-cycle variance are one "
            "part."
        )
    negative = [name for name in COMPONENTS if name in parts and parts[name].is_negative]
    if negative:
        remarks.append(
            f"the variance between {_plural(negative)} was estimated as negative and is given as "
            "0: it is too small for these readings to show."
        )
    few = [name for name, least in _LEAST.items() if name in parts and parts[name].groups < least]
    remarks += [
        f"{parts[name].groups} {_plural([name])} only; the variance between them is hardly known."
        for name in few
    ]
    if left_out:
        remarks.append(
            f"{left_out:,} readings are not in the parts of the variance (beyond a limit, or of "
            "unknown place)."
        )
    return remarks


def _plural(names: list[str]) -> str:
    return " and ".join(f"{name}s" for name in names)
