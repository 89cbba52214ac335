"""Whether the readings of a condition are of several times or temperatures, taken together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rramsim.notes import Note

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

# Cells may have changed over so many times as many cycles.
_WEAR = 10


def mixed_over(readings: xr.Dataset, number: int) -> str:
    """Return what the populations of a condition are taken together over.

    Parameters
    ----------
    readings : xarray.Dataset
        Schema "readings".
    number : int
        Of the condition.

    Returns
    -------
    str
        ``"read-outs"``, ``"temperatures"``, ``"read-outs and temperatures"`` or empty.
    """
    of_condition = readings["condition_index"].values == number
    parts = []
    if "time" in readings.variables:
        time = readings["time"].values[of_condition]
        known = time[np.isfinite(time)]
        if known.size and readout_groups(known)[1].size > 1:
            parts.append("read-outs")
    if "temperature" in readings.variables:
        kelvin = readings["temperature"].values[of_condition]
        if np.unique(kelvin[np.isfinite(kelvin)]).size > 1:
            parts.append("temperatures")
    return " and ".join(parts)


def mixed_times_notes(name: str, over: str, cycles: tuple[int, int] | None = None) -> list[Note]:
    """Return notes on what `mixed_over` and `mixed_cycles` found, none for nothing."""
    notes = []
    if over:
        apart = "; the retention shows each read-out" if "read-outs" in over else ""
        notes.append(
            Note(
                f"populations, reference and BER, and so the accuracy of networks on them, are of "
                f"all {over} together, not of one{apart}.",
                kind="mixed times",
                condition=name,
                values={"over": over},
            )
        )
    if cycles is not None:
        notes.append(
            Note(
                f"populations, reference and BER, and so the accuracy of networks on them, are of "
                f"all cycles from {cycles[0]:,} to {cycles[1]:,} together, not of the last ones.",
                kind="mixed cycles",
                condition=name,
                values={"first": cycles[0], "last": cycles[1]},
            )
        )
    return notes


def mixed_cycles(readings: xr.Dataset, number: int) -> tuple[int, int] | None:
    """Return the first and the last cycle of a condition, None within a factor of 10 or unknown."""
    cycle = readings["cycle"].values[readings["condition_index"].values == number]
    known = cycle[cycle >= 0]
    if not known.size:
        return None
    first, last = int(known.min()), int(known.max())
    return (first, last) if last >= _WEAR * max(first, 1) else None


# Read-outs further apart than this factor are different ones; nearer, it is the tester's jitter.
_APART = 1.5


def readout_groups(time: ArrayLike) -> tuple[NDArray[np.int_], Floats]:
    """Return the read-out of each reading, and the median time of each read-out.

    Times closer than a factor of 1.5 to the next belong together: a tester reads an array one
    cell after the other. Everything at or below 1 microsecond is the read-out at 0.

    Parameters
    ----------
    time : array_like, shape (readings,)
        Seconds since programming, none unknown.

    Examples
    --------
    >>> group, times = readout_groups([0.0, 0.99, 1.02, 98.0, 100.0])
    >>> group.tolist(), times.tolist()
    ([0, 1, 1, 2, 2], [0.0, 1.005, 99.0])
    """
    seconds = np.asarray(time, dtype=float)
    distinct, inverse = np.unique(np.maximum(seconds, 1e-6), return_inverse=True)
    number = np.concatenate([[0], np.cumsum(distinct[1:] > _APART * distinct[:-1])]).astype(int)
    group = number[inverse]
    times = np.array([np.median(seconds[group == place]) for place in range(number[-1] + 1)])
    return group, times
