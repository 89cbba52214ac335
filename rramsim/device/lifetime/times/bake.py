"""Two read-outs of the same cells, before and after a bake: how each state moved and widened."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rramsim.device.bit_errors.headline import INTERVAL as BER_INTERVAL
from rramsim.device.bit_errors.headline import bit_errors
from rramsim.device.examination import Analysis
from rramsim.device.populations.fit import ConditionReadings, fit_conditions
from rramsim.device.read_conditions import ReadConditions
from rramsim.errors import InputError
from rramsim.notes import Note
from rramsim.schema import EXACT, STATES, did_you_mean, make, spelled_as
from rramsim.statistics.confidence import CONFIDENCE

if TYPE_CHECKING:
    import xarray as xr

_LEAST_CELLS = 3
_FEW_CELLS = 10


def bake_shift(
    readings: xr.Dataset,
    *,
    before: str,
    after: str,
    read: ReadConditions | None = None,
    seed: int = 0,
    resamples: int = 1000,
) -> Analysis:
    """Compare two conditions of the readings as the same cells before and after a bake.

    The shift is the mean of ln(R after / R before) over the cells read exactly both times, and
    the ratio is that of the standard deviations of ln R over the same cells. Both intervals are
    from resampled cells, which keeps each cell's two readings together: a cell that is high
    before is high after, and the shift is known better than either median.

    Parameters
    ----------
    readings : xarray.Dataset
        Schema "readings" with named cells.
    before, after : str
        Names of the two conditions.
    read : ReadConditions, optional
        How the cells are read. Without a reference it is the best one before the bake, kept
        after it; a spread of the reference is not in the BER.
    seed, resamples : int
        Of the bootstrap.

    Returns
    -------
    Analysis
        Schema "bake", with the condition before the bake as its only `condition`; ``attrs`` hold
        ``before``, ``after``, ``seed``, ``confidence`` and ``interval``.

    Raises
    ------
    InputError
        If a condition is unknown or lacks a state, or no state has 3 cells read both times.
    """
    read = (read or ReadConditions()).without_spread()
    rows = [_alone(readings, name) for name in (before, after)]
    stream = np.random.Generator(np.random.Philox(np.random.SeedSequence(seed)))
    columns: dict[str, Any] = {}
    notes: list[Note] = []
    for index, state in enumerate(STATES):
        x, y = _paired(*rows, state=index)
        most = max(int(np.count_nonzero(row["state_index"].values == index)) for row in rows)
        notes += _cell_notes(f"{before} and {after}", state, cells=x.size, most=most)
        for name, value in _shift(x, y, resamples=resamples, stream=stream).items():
            columns.setdefault(name, []).append(value)
    if max(columns["cells"]) < _LEAST_CELLS:
        raise InputError(
            f"{before} and {after} have no 3 cells of one state in common; a bake compares the "
            "same cells, so both need a cell column with the same numbers."
        )
    values: dict[str, Any] = {name: [column] for name, column in columns.items()}
    fits = [fit_conditions(row)[0] for row in rows]
    reference, more = _fill_ber(values, fits, read)
    return Analysis(
        make(
            "bake",
            values | {"reference_resistance": reference},
            coords={"condition": [before], "state": list(STATES)},
            attrs={
                "before": before,
                "after": after,
                "seed": seed,
                "lrs_share": read.lrs_share,
                "confidence": CONFIDENCE,
                "interval": f"95 %; shift and ratio: bootstrap of cells; BER: {BER_INTERVAL}",
            },
        ),
        (*notes, *more),
    )


def _alone(readings: xr.Dataset, name: str) -> xr.Dataset:
    names = [str(label) for label in readings["condition"].values]
    spelled = spelled_as(name, names)
    if spelled not in names:
        raise InputError(
            f"bake: no condition is named {name!r}.{did_you_mean(name, names)} Accepted are "
            f"{', '.join(names)}."
        )
    number = names.index(spelled)
    chosen = np.flatnonzero(readings["condition_index"].values == number)
    part = readings.isel(reading=chosen, condition=[number])
    return part.assign(condition_index=part["condition_index"] - number)


def _paired(
    before: xr.Dataset, after: xr.Dataset, *, state: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ln(R / ohm) before and after, of the cells read exactly and once both times."""
    cells, values = [], []
    for part in (before, after):
        usable = (
            (part["state_index"].values == state)
            & (part["censoring"].values == EXACT)
            & (part["cell"].values >= 0)
        )
        # Of a cell that was read more than once, the first reading stands.
        cell, first = np.unique(part["cell"].values[usable], return_index=True)
        cells.append(cell)
        values.append(np.log(part["resistance"].values[usable][first]))
    _, left, right = np.intersect1d(cells[0], cells[1], assume_unique=True, return_indices=True)
    return values[0][left], values[1][right]


def _shift(
    x: NDArray[np.float64], y: NDArray[np.float64], *, resamples: int, stream: np.random.Generator
) -> dict[str, float | int]:
    names = ("mu_shift", "sigma_ratio")
    figures: dict[str, float | int] = {"cells": int(x.size), "correlation": math.nan}
    figures |= {f"{name}{end}": math.nan for name in names for end in ("", "_low", "_high")}
    if x.size < _LEAST_CELLS:
        return figures
    times = stream.multinomial(x.size, np.full(x.size, 1.0 / x.size), size=resamples)
    shifts = times @ (y - x) / x.size
    ratios = _spread(times, y) / np.maximum(_spread(times, x), 1e-300)
    figures["mu_shift"] = float(np.mean(y - x))
    if np.std(x) > 0:
        figures["sigma_ratio"] = float(np.std(y) / np.std(x))
        if np.std(y) > 0:
            figures["correlation"] = float(np.corrcoef(x, y)[0, 1])
    tail = 50.0 * (1.0 - CONFIDENCE)
    for name, draws in zip(names, (shifts, ratios), strict=True):
        if math.isfinite(figures[name]):
            low, high = np.percentile(draws, (tail, 100.0 - tail))
            figures |= {f"{name}_low": float(low), f"{name}_high": float(high)}
    return figures


def _spread(times: NDArray[np.int_], x: NDArray[np.float64]) -> NDArray[np.float64]:
    centre = x - x.mean()
    mean = times @ centre / x.size
    spread: NDArray[np.float64] = np.sqrt(np.maximum(times @ centre**2 / x.size - mean**2, 0.0))
    return spread


def _fill_ber(
    values: dict[str, Any], fits: list[ConditionReadings], read: ReadConditions
) -> tuple[float, list[Note]]:
    notes: list[Note] = []
    for when, fit in zip(("before", "after"), fits, strict=True):
        errors = bit_errors(fit, read)
        # The reference is chosen once: a chip that was baked does not choose again.
        read = read.with_reference(errors.reference)
        head = errors.headline
        values |= {f"ber_{when}": head.estimate, f"ber_{when}_low": head.low}
        values[f"ber_{when}_high"] = head.high
        notes += errors.notes
    return read.reference, notes


def _cell_notes(conditions: str, state: str, *, cells: int, most: int) -> list[Note]:
    texts = {}
    if cells < most:
        texts["cells of a bake"] = (
            f"{cells:,} cells are exact before and after, of up to {most:,} readings; the shift is "
            "of those."
        )
    if _LEAST_CELLS <= cells < _FEW_CELLS:
        texts["few cells of a bake"] = f"{cells} cells only; the interval of the shift is rough."
    values = {"cells": cells, "readings": most}
    return [
        Note(text, kind=kind, condition=conditions, state=state, values=values)
        for kind, text in texts.items()
    ]
