"""Resistances against the cycles: percentiles of both states, and the cells as they failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rramsim.schema import STATES, make
from rramsim.statistics.quantiles import sample_percentiles
from rramsim.statistics.readings import cluster_count, distinct

if TYPE_CHECKING:
    import xarray as xr

# More cycles than this are taken together, in so many groups to a decade.
_MOST_CYCLES = 60
_GROUPS_PER_DECADE = 12

_Columns = dict[str, NDArray[Any]]


def resistance_by_cycle(
    readings: xr.Dataset, *, reference_resistance: Any, lifetimes: xr.Dataset | None = None
) -> xr.Dataset:
    """Return percentiles of the resistances along the cycles, and the failures.

    Parameters
    ----------
    readings : xarray.Dataset
        Schema "readings".
    reference_resistance : array_like, shape (conditions,)
        Reference of each condition in ohm.
    lifetimes : xarray.Dataset, optional
        Schema "cell_lifetimes"; without it no cell is known to have failed.

    Returns
    -------
    xarray.Dataset
        Schema "resistance_by_cycle".
    """
    names = readings["condition"].values.astype(str).tolist()
    references = np.broadcast_to(np.asarray(reference_resistance, dtype=float), len(names))
    failed = np.full(len(names), -1)
    parts, failures = [], []
    for number in range(len(names)):
        part = _readings_of(readings, number)
        parts.append((part, *_groups(part["cycle"])))
        if lifetimes is None or not (lifetimes["condition_index"] == number).any():
            continue
        first_bad = _first_bad_cycles(lifetimes, number)
        failed[number] = len(first_bad)
        failures += [
            (number, *(part[name][reading] for name in ("state_index", "cycle", "resistance")))
            for reading in _failures(part, first_bad, reference=float(references[number]))
        ]
    most = max(places.size for _, places, _ in parts)
    cycle = np.full((len(names), most), np.nan)
    counts = np.zeros((len(names), len(STATES), most), dtype=int)
    percentiles = np.full((3, len(names), len(STATES), most), np.nan)
    for number, (part, places, member) in enumerate(parts):
        cycle[number, : places.size] = places
        for index in range(len(STATES)):
            of_state = part["state_index"] == index
            counts[number, index] = np.bincount(member[of_state], minlength=most)
            for group in np.flatnonzero(counts[number, index]):
                here = of_state & (member == group)
                percentiles[:, number, index, group] = sample_percentiles(
                    part["resistance"][here], part["censoring"][here]
                )
    condition, state, failure_cycle = (
        np.array([failure[index] for failure in failures], dtype=int) for index in range(3)
    )
    return make(
        "resistance_by_cycle",
        {
            "cells": [cluster_count(part["cell"]) for part, *_ in parts],
            "cycles": [distinct(part["cycle"]).size for part, *_ in parts],
            "failed": failed,
            "reference_resistance": references,
            "cycle": cycle,
            "readings": counts,
            **dict(zip(("p05", "p50", "p95"), percentiles, strict=True)),
            "condition_index": condition,
            "state_index": state,
            "failure_cycle": failure_cycle,
            "failure_resistance": np.array([ohm for *_, ohm in failures], dtype=float),
        },
        coords={"condition": names, "state": list(STATES)},
    )


def _readings_of(readings: xr.Dataset, number: int) -> _Columns:
    chosen = (readings["condition_index"].values == number) & (readings["cycle"].values >= 0)
    return {
        name: readings[name].values[chosen]
        for name in ("resistance", "censoring", "state_index", "cell", "cycle")
    }


def _groups(cycle: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """Return the mean cycle of each group of cycles, and the group of each reading."""
    shown = np.maximum(cycle.astype(float), 1.0)
    distinct, member = np.unique(shown, return_inverse=True)
    if distinct.size <= _MOST_CYCLES:
        return distinct, member
    groups, member = np.unique(np.floor(_GROUPS_PER_DECADE * np.log10(shown)), return_inverse=True)
    log_sums = np.bincount(member, weights=np.log(shown))
    return np.exp(log_sums / np.bincount(member, minlength=groups.size)), member


def _first_bad_cycles(lifetimes: xr.Dataset, number: int) -> dict[int, float]:
    """Return the first bad cycle of each failed cell of a condition."""
    first_bad = lifetimes["until"].values
    failed = np.isfinite(first_bad) & (lifetimes["condition_index"].values == number)
    return dict(
        zip(lifetimes["cell"].values[failed].tolist(), first_bad[failed].tolist(), strict=True)
    )


def _failures(part: _Columns, first_bad: dict[int, float], *, reference: float) -> list[int]:
    """Return the readings of failed cells in their first bad cycle, of the wrong side if any is."""
    of_failed = np.flatnonzero(np.isin(part["cell"], list(first_bad))).tolist()
    moments = [i for i in of_failed if part["cycle"][i] == first_bad[int(part["cell"][i])]]
    wrong = (part["resistance"] > reference) == (part["state_index"] == 0)
    # A window that closed, or a mark in the file, can leave both readings on their side.
    return [i for i in moments if wrong[i]] or moments
