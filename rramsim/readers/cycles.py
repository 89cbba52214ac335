"""Which cycle a reading is of, and which cycles are to be read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.notes import Note

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_SHOWN = 5


def number_sweeps(
    frame: pd.DataFrame, files: Sequence[tuple[np.ndarray | None, int]]
) -> pd.DataFrame:
    """Return the frame with sweeps numbered by when they were taken, over all files.

    `files` are the seconds at which readings that are to be numbered were taken, or None, and the
    number of readings of each file.
    """
    import numpy as np

    if all(taken is None for taken, _ in files):
        return frame
    unnumbered = [np.full(count, taken is not None) for taken, count in files]
    taken = [np.full(count, np.nan) if taken is None else taken for taken, count in files]
    counted = frame.assign(taken=np.concatenate(taken))[
        np.concatenate(unnumbered) & (frame["cell"] >= 0)
    ]
    counted = counted.sort_values(["taken", "file", "row_number"], kind="stable")
    cycles = counted.groupby(["condition", "state", "cell"]).cumcount() + 1
    frame.loc[cycles.index, "cycle"] = cycles
    return frame


def number_repeats(frame: pd.DataFrame, rows: np.ndarray, *, place: str) -> Note:
    """Give readings of a cell that have no cycle one, in place, in the order of the files.

    Readings of a condition, state and cell at one time and temperature are its cycles 1, 2, ...

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a reading with condition, state, cell and cycle, -1 where unknown.
    rows : ndarray of bool, shape (readings,)
        Those of the files whose repeats are to be numbered.
    place : str
        What the message is about.

    Raises
    ------
    InputError
        If no reading names its cell, or all have a cycle.
    """
    unnumbered = frame[rows & (frame["cycle"] < 0) & (frame["cell"] >= 0)]
    if unnumbered.empty:
        why = (
            "no column names the cell of a reading, so no reading is a repeat; name it with "
            '--map "HEADER=cell"'
            if (frame["cell"][rows] < 0).any()
            else "every reading has its cycle in the file"
        )
        raise InputError(f"{place}: --repeats cycle: {why}.")
    also = [name for name in ("time", "temperature") if name in frame.columns]
    key = ["condition", "state", "cell", *also]
    cycles = unnumbered.groupby(key, dropna=False).cumcount() + 1
    frame.loc[cycles.index, "cycle"] = cycles
    most = int(cycles.max())
    text = (
        f"{len(cycles):,} readings are numbered as cycles 1 to {most:,} of their cells, in the "
        "order of the file."
    )
    return Note(text, kind="repeats", values={"readings": len(cycles), "cycles": most})


def outside(
    frame: pd.DataFrame, wanted: tuple[float, float] | None, *, place: str
) -> tuple[np.ndarray, list[Note]]:
    """Return which readings are not of the cycles that the user wants, and a note that counts them.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a reading with its cycle, -1 where unknown.
    wanted : (float, float) or None
        The first and the last cycle to keep; None: all.
    place : str
        What the message is about.

    Raises
    ------
    InputError
        If no reading is left.
    """
    import numpy as np

    cycle = frame["cycle"].to_numpy()
    if wanted is None:
        return np.zeros(len(cycle), dtype=bool), []
    first, last = wanted
    is_out = (cycle < max(first, 0)) | (cycle > last)
    asked = f"--cycles {_range(first, last)}"
    if is_out.all():
        known = cycle[cycle >= 0]
        has = (
            f"the file has cycles {known.min():,} to {known.max():,}"
            if known.size
            else "the file names no cycles; --repeats cycle numbers the repeats of a cell"
        )
        raise InputError(f"{place}: {asked} leaves no reading; {has}.")
    count, unknown = int(is_out.sum()), int((cycle < 0).sum())
    text = f"{asked}: {count:,} of {len(cycle):,} readings are left out"
    others = np.unique(cycle[is_out & (cycle >= 0)])
    parts = [_named(others)] if others.size else []
    parts += [f"{unknown:,} of unknown cycle"] if unknown else []
    text += f" ({', '.join(parts)})." if parts else "."
    values = {"readings": len(cycle), "left_out": count, "unknown": unknown}
    return is_out, [Note(text, kind="other cycles", values=values)]


def _range(first: float, last: float) -> str:
    if math.isinf(last):
        return f"{first:.0f}-"
    return f"{first:.0f}" if first == last else f"{first:.0f}-{last:.0f}"


def _named(cycles: np.ndarray) -> str:
    if len(cycles) == 1:
        return f"cycle {cycles[0]:,}"
    if len(cycles) <= _SHOWN:
        return "cycles " + ", ".join(f"{cycle:,}" for cycle in cycles)
    return f"{len(cycles):,} cycles from {cycles[0]:,} to {cycles[-1]:,}"
