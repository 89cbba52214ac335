"""Which cycles are taken together as checkpoints, and whether the first one is apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rramsim.device.populations.cycles_of_cells import FirstCycle, first_cycle
from rramsim.device.populations.fit import StateReadings, fit_conditions
from rramsim.errors import InputError
from rramsim.statistics.readings import distinct

if TYPE_CHECKING:
    import xarray as xr

# In fewer cycles, a first one that is apart and a drift look alike.
_LEAST_CYCLES = 4
# More distinct cycles than this are taken together by decade.
_MOST_CHECKPOINTS = 12

# A last decade of fewer readings (20 a state) shows nothing by itself.
_LEAST_READINGS = 40


def checkpoint_edges(cycles: NDArray[Any], *, is_first_apart: bool = False) -> NDArray[np.float64]:
    """Return the edges of the checkpoints: each cycle by itself, or decades.

    Of decades, the first cycle is by itself where it is 0 or 1, or another population.

    A last decade of fewer than 40 readings, such as one that ends with its first cycle, is taken
    together with the one before.

    Parameters
    ----------
    cycles : ndarray, shape (readings,)
        Cycle of each reading.

    Examples
    --------
    >>> checkpoint_edges(np.arange(100, 20000, 100)).tolist()
    [100.0, 1000.0, 10000.0, 100000.0]
    >>> checkpoint_edges(np.arange(100, 10001, 100)).tolist()
    [100.0, 1000.0, 100000.0]
    """
    read = distinct(cycles).astype(float)
    if not read.size:
        return np.empty(0)
    if read.size <= _MOST_CHECKPOINTS:
        return np.append(read, read[-1] + 1.0)
    lowest = math.floor(math.log10(max(read[0], 1.0)) + 1e-12)
    highest = math.floor(math.log10(read[-1]) + 1e-12) + 1
    edges: NDArray[np.float64] = np.power(10.0, np.arange(lowest, highest + 1))
    has_first_alone = read[0] <= 1.0 or is_first_apart
    if has_first_alone:
        first = read[0]
        edges = np.concatenate([[first, first + 1.0], edges[edges > first + 1.0]])
    while (
        edges.size > (3 if has_first_alone else 2)
        and np.count_nonzero(cycles >= edges[-2]) < _LEAST_READINGS
    ):
        edges = np.delete(edges, -2)
    return edges


def cycle_apart(readings: xr.Dataset, number: int) -> FirstCycle | None:
    """Return the first cycle of a condition where it is another population in a state."""
    chosen = np.flatnonzero(readings["condition_index"].values == number)
    part = readings.isel(reading=chosen, condition=[number])
    if distinct(part["cycle"].values).size < _LEAST_CYCLES:
        return None
    try:
        (condition,) = fit_conditions(part.assign(condition_index=part["condition_index"] * 0))
    except InputError:
        return None
    found = [first_cycle(state) for state in condition.states if _cycles(state) >= _LEAST_CYCLES]
    apart = [first for first in found if first is not None and first.is_apart]
    return min(apart, key=lambda first: (first.cycle, first.p_value), default=None)


def _cycles(state: StateReadings) -> int:
    """Return how many cycles of a state were read; the other state may have more."""
    return 0 if state.cycle is None else distinct(state.cycle[state.cycle >= 0]).size
