"""The cells of an array at their places: resistance in both states, and errors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rramsim.device.lifetime.cycles.cell_lifetimes import misread
from rramsim.schema import STATES, make
from rramsim.statistics.readings import limits_at_the_readings, ranked

if TYPE_CHECKING:
    import xarray as xr

PERCENTS = (0.5, 25.0, 75.0, 99.5)
"""The percentiles that tell how the readings of an array spread."""

# Fewer cells than this are a list, not an array.
_LEAST_MAPPED = 64
# Addresses of which fewer than one in so many was read leave a map of gaps.
_MOST_SPARSE = 10


def is_array(readings: xr.Dataset) -> bool:
    """Return whether the cells read are so many and so close that a map shows more than gaps."""
    cells = np.unique(readings["cell"].values)
    cells = cells[cells >= 0]
    row, column, _ = _places(readings, None)
    if not np.any((row >= 0) & (column >= 0)) or cells.size < _LEAST_MAPPED:
        return False
    return "row" in readings.variables or cells.size * _MOST_SPARSE >= np.ptp(cells) + 1


def array_map(
    readings: xr.Dataset, *, reference_resistance: Any, width: int | None = None
) -> xr.Dataset | None:
    """Return every cell at its place, an array for each condition and die.

    Parameters
    ----------
    readings : xarray.Dataset
        Schema "readings" with `row` and `column`, or else with whole-number addresses as cells.
    reference_resistance : array_like, shape (conditions,)
        Reference of each condition in ohm.
    width : int, optional
        Cells in a row where there are only addresses. Default: the power of two that makes the
        array squarest.

    Returns
    -------
    xarray.Dataset or None
        Schema "array_map"; ``attrs["assumed_width"]`` is the width where it is assumed, else 0.
        None if no reading has a row and column, or an address.
    """
    row, column, assumed = _places(readings, width)
    arrays = list(_arrays(readings, (row >= 0) & (column >= 0)))
    if not arrays:
        return None
    names = readings["condition"].values.astype(str)
    references = np.broadcast_to(np.asarray(reference_resistance, dtype=float), names.size)
    columns = [readings[key].values for key in ("resistance", "censoring", "state_index")]
    maps = []
    for condition, _, chosen in arrays:
        reading = [values[chosen] for values in columns]
        wrong = misread(*reading, reference=float(references[condition]))
        maps.append(_map(row[chosen], column[chosen], reading, wrong))
    return make(
        "array_map",
        {
            "array_index": np.repeat(np.arange(len(maps)), [one["row"].size for one in maps]),
            **{
                key: np.concatenate([one[key] for one in maps])
                for key in ("row", "column", "readings", "errors", "log_resistance")
            },
            "condition": names[[condition for condition, *_ in arrays]],
            "die": [die for _, die, _ in arrays],
            "log_percentile": [one["log_percentile"] for one in maps],
        },
        coords={"state": list(STATES), "percent": PERCENTS},
        attrs={"assumed_width": assumed},
    )


def _places(
    readings: xr.Dataset, width: int | None
) -> tuple[NDArray[np.int_], NDArray[np.int_], int]:
    """Return row and column of each reading, -1 where unknown, and the width if assumed."""
    if "row" in readings.variables and "column" in readings.variables:
        return readings["row"].values, readings["column"].values, 0
    cell = readings["cell"].values
    named = cell[cell >= 0]
    if not named.size:
        return np.full(cell.size, -1), np.full(cell.size, -1), 0
    squarest = 2 ** math.ceil(math.log2(max(math.sqrt(int(np.ptp(named)) + 1), 1.0)))
    cells = squarest if width is None else width
    row, column = np.where(cell >= 0, cell // cells, -1), np.where(cell >= 0, cell % cells, -1)
    return row, column, squarest if width is None else 0


def _arrays(
    readings: xr.Dataset, placed: NDArray[np.bool_]
) -> Iterator[tuple[int, int, NDArray[np.bool_]]]:
    """Yield condition, die and readings of each array."""
    die = readings["die"].values if "die" in readings.variables else np.full(placed.size, -1)
    condition = readings["condition_index"].values
    for number in range(readings.sizes["condition"]):
        of_condition = placed & (condition == number)
        for one in np.unique(die[of_condition]):
            yield number, int(one), of_condition & (die == one)


def _map(
    row: NDArray[np.int_],
    column: NDArray[np.int_],
    reading: Sequence[NDArray[Any]],
    wrong: NDArray[np.bool_],
) -> dict[str, NDArray[Any]]:
    """Return the map of one array; `reading` are the resistances, their censoring and states."""
    log_ohm, side, state = np.log10(reading[0]), *reading[1:]
    columns = int(column.max()) + 1
    places, place = ranked(row.astype(np.int64) * columns + column)
    count = places.size
    means = np.full((count, len(STATES)), np.nan)
    percentiles = np.full((len(STATES), len(PERCENTS)), np.nan)
    for index in range(len(STATES)):
        of_state = state == index
        if not of_state.any():
            continue
        sums = np.bincount(place[of_state], weights=log_ohm[of_state], minlength=count)
        counts = np.bincount(place[of_state], minlength=count).astype(float)
        counts[counts == 0] = np.nan
        means[:, index] = sums / counts
        # The colours span these: a limit decades beyond the readings must not stretch them.
        shown = limits_at_the_readings(log_ohm[of_state], side[of_state])
        percentiles[index] = np.percentile(shown, PERCENTS)
    return {
        "row": places // columns,
        "column": places % columns,
        "readings": np.bincount(place, minlength=count),
        "errors": np.bincount(place[wrong], minlength=count),
        "log_resistance": means,
        "log_percentile": percentiles,
    }
