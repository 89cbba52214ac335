"""Tests in which no cell failed, and how many of such cells may still fail."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rramsim.device.bit_errors.error_counts import count_errors
from rramsim.schema import STATES, make
from rramsim.statistics.confidence import CONFIDENCE
from rramsim.statistics.readings import cluster_count

if TYPE_CHECKING:
    import xarray as xr

INTERVAL = "one-sided, 95 %: 1 - 0.05^(1/n) of a success run, 0 fails of n independent cells"
"""How the bound was made."""


def share_failing(cells: int) -> float:
    """Return the share that may fail, at 95 %, where none of so many cells did.

    Examples
    --------
    >>> round(share_failing(77), 3)
    0.038
    """
    return float(-math.expm1(math.log1p(-CONFIDENCE) / cells)) if cells else math.nan


def success_runs(readings: xr.Dataset, products: Mapping[str, xr.Dataset]) -> xr.Dataset | None:
    """Return the tests of endurance, retention and bake in which no failure was seen.

    Of the endurance, cells that never worked are not in the test. In retention and bake a failure
    is a read on the wrong side of the reference; each state is a test of its own, its cells those
    of the last read-out.

    Parameters
    ----------
    readings : xarray.Dataset
        Schema "readings".
    products : mapping of str to xarray.Dataset
        Results so far, by schema: of "cell_lifetimes", "retention" and "bake" what there is.

    Returns
    -------
    xarray.Dataset or None
        Schema "success_runs"; None where there is no such test.
    """
    rows = [
        *(_of_endurance(products["cell_lifetimes"]) if "cell_lifetimes" in products else ()),
        *(_of_retention(products["retention"]) if "retention" in products else ()),
        *(_of_bake(readings, products["bake"]) if "bake" in products else ()),
    ]
    if not rows:
        return None
    rows = [row | {"failing_high": share_failing(row["cells"])} for row in rows]
    return make(
        "success_runs",
        {key: [row[key] for row in rows] for key in rows[0]},
        attrs={"confidence": CONFIDENCE, "interval": INTERVAL},
    )


def _run(condition: str, test: str, **figures: Any) -> dict[str, Any]:
    unknown = {"state": "", "temperature": math.nan, "cycles": math.nan, "time": math.nan}
    return {"run_condition": condition, "test": test, **unknown, **figures}


def _of_endurance(lifetimes: xr.Dataset) -> list[dict[str, Any]]:
    rows = []
    for number, name in enumerate(lifetimes["condition"].values.astype(str).tolist()):
        chosen = (lifetimes["condition_index"].values == number) & (
            lifetimes["never_good"].values == 0
        )
        ended_good = np.isinf(lifetimes["bad_from"].values[chosen])
        if ended_good.size and ended_good.all():
            cycles = float(lifetimes["after"].values[chosen].min())
            rows.append(_run(name, "endurance", cells=int(ended_good.size), cycles=cycles))
    return rows


def _of_retention(retention: xr.Dataset) -> list[dict[str, Any]]:
    rows = []
    for number, name in enumerate(retention["hold_condition"].values.astype(str).tolist()):
        hold = retention.isel(hold=number)
        for index, state in enumerate(STATES):
            times = hold["readout_time"].values[index]
            read = np.flatnonzero(hold["readings"].values[index] > 0)
            wrong = (hold["errors"] + hold["undecided"]).values[index]
            if read.size < 2 or wrong.any():
                continue
            last = hold["readings"].values[index, read[-1]]
            figures = {
                "state": state,
                "temperature": float(hold["temperature"]),
                "cells": int(min(hold["cells"].values[index], last)),
                "time": float(times[read[-1]]),
            }
            rows.append(_run(name, "retention", **figures))
    return rows


def _of_bake(readings: xr.Dataset, bake: xr.Dataset) -> list[dict[str, Any]]:
    after = str(bake.attrs["after"])
    number = readings["condition"].values.astype(str).tolist().index(after)
    of_condition = readings["condition_index"].values == number
    reference = float(bake["reference_resistance"])
    if math.isnan(reference):
        return []
    rows = []
    for index, state in enumerate(STATES):
        chosen = of_condition & (readings["state_index"].values == index)
        resistance, censoring, cell = (
            readings[name].values[chosen] for name in ("resistance", "censoring", "cell")
        )
        count = count_errors(
            resistance, censoring, reference=reference, is_hrs=bool(index), cell=cell
        )
        cells = cluster_count(cell)
        if cells and not count.errors and not count.undecided:
            rows.append(_run(after, "bake", state=state, cells=cells))
    return rows
