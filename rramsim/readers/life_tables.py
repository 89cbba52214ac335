"""Tables of lives: each cell at one cycle, that of its failure or the last it was good at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.measurements import Measured
from rramsim.notes import Note
from rramsim.readers.columns.header_rows import possible_headers
from rramsim.readers.columns.headers import Header
from rramsim.readers.columns.values import read_labels, read_numbers
from rramsim.readers.table import Grid, RawTable, make_table
from rramsim.schema import STATES, empty, header_key, make

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

_CONDITION = ("condition", "programming condition", "cond", "group", "split", "Bedingung")
_CELL = (
    "cell",
    "cell id",
    "cell number",
    "address",
    "device",
    "device id",
    "sample",
    "unit",
    "Zelle",
)
_CYCLES = (
    *("cycle", "cycles", "cycle number", "number of cycles", "n cycles"),
    *("endurance", "endurance cycles", "last cycle", "Zyklen", "Zyklus"),
)
# What only a life is called.
_LIFE = (
    *("cycles to failure", "cycle to failure", "cycles until failure", "cycles at failure"),
    *("Zyklen bis Ausfall", "cycles avant défaillance", "cycles jusqu'à défaillance"),
    *("failure cycle", "life", "lifetime", "life cycles", "lifetime cycles", "ctf", "nf"),
)
_FAILED = (
    *("failed", "fail", "failure", "event", "status", "outcome", "result", "f/s", "fail/pass"),
    *("ausgefallen", "Ausfall", "défaillant", "défaillance"),
    *("failure or suspension", "failed or suspended", "dead", "is failed", "has failed"),
)
_SUSPENDED = ("censored", "censor", "censoring", "suspended", "suspension", "survived", "alive")

_YES = frozenset(["1", "1.0", "true", "yes", "y", "x", "ja", "oui"])
_NO = frozenset(["0", "0.0", "false", "no", "n", "nein", "non"])
_FAILED_WORDS = frozenset(["f", "failed", "fail", "failure", "dead", "died", "event", "broken"])
_SUSPENDED_WORDS = frozenset(
    [
        *("s", "suspended", "suspension", "c", "censored", "right", "alive", "survived"),
        *("survivor", "running", "ok", "good", "pass", "passed", "unfailed"),
    ]
)

_ROLES = {
    header_key(name): role
    for role, names in (
        *(("condition", _CONDITION), ("cell", _CELL), ("cycles", _CYCLES), ("life", _LIFE)),
        *(("failed", _FAILED), ("suspended", _SUSPENDED)),
    )
    for name in names
}


@dataclass(frozen=True)
class Lives:
    """The lives of one table: arrays ``(cells,)``; `path` and `name` are of its file."""

    path: Path
    name: str
    place: str
    condition: list[str]
    cell: list[str]
    cycles: np.ndarray
    failed: np.ndarray
    is_exact: np.ndarray


def read_lives(
    grid: Grid, *, path: Path, name: str, default: str, renamed: Mapping[str, str]
) -> Lives | None:
    """Return the lives of a table, None where its header is not that of one.

    A header has a column of cycles and one that says which cells failed (or were suspended), and
    may have a condition and a cell; a column of anything else makes it another table.

    Parameters
    ----------
    grid : Grid
    path, name : Path, str
        The file, and what messages call it.
    default : str
        The condition where no column names one.
    renamed : mapping of str to str
        Headers of the file to names of ours.

    Raises
    ------
    InputError
        For the first text that cannot be used, with its row.
    """
    headers = (_life_header(header, renamed) for header in possible_headers(grid))
    found = next(filter(None, headers), None)
    if found is None:
        return None
    header, roles = found
    (column,) = (roles[role] for role in ("cycles", "life") if role in roles)
    (says,) = (role for role in ("failed", "suspended") if role in roles)
    labels = [place for place in roles.values() if place != column]
    table = make_table(
        grid.whole(), header.texts, start=header.start, numbers=[column], labels=labels
    )
    cycles = _cycles(table, column)
    failed = _failures(table, roles[says], says_failed=says == "failed")
    condition = _texts(table, roles.get("condition"), what="condition") or [default] * len(cycles)
    cell = _texts(table, roles.get("cell"), what="cell") or [str(n) for n in table.row_numbers]
    _check_once(table, condition, cell)
    exact = failed if "life" in roles else _are_exact(condition, cycles, failed)
    return Lives(path, name, grid.place, condition, cell, cycles, failed, exact)


def _life_header(
    header: Header, renamed: Mapping[str, str]
) -> tuple[Header, dict[str, int]] | None:
    """Return a header with the places of its roles, None where it is not one of lives."""
    texts = [renamed.get(text, text) for text in header.texts]
    named = [(_ROLES.get(header_key(text), ""), place) for place, text in enumerate(texts)]
    roles = {role: place for role, place in named if role}
    has_life = len({"cycles", "life"} & roles.keys()) == 1
    says_failed = len({"failed", "suspended"} & roles.keys()) == 1
    is_whole = len(roles) == len(named)
    return (header, roles) if is_whole and has_life and says_failed else None


def _failures(table: RawTable, position: int, *, says_failed: bool) -> np.ndarray:
    """Return which cells failed, of a column that says so or of one that says the contrary."""
    import numpy as np

    failed = []
    for line, cell in enumerate(table.columns[position]):
        text = str(cell).strip().casefold()
        if text in _FAILED_WORDS or text in _SUSPENDED_WORDS:
            failed.append(text in _FAILED_WORDS)
        elif text in _YES or text in _NO:
            failed.append((text in _YES) == says_failed)
        else:
            raise InputError(
                f"{table.where(line, table.header[position])}: {str(cell)!r} was found; accepted "
                "are 1 or 0, yes or no, F (failed) or S (suspended, censored)."
            )
    return np.array(failed, dtype=bool)


def _texts(table: RawTable, position: int | None, *, what: str) -> list[str]:
    if position is None:
        return []
    codes, names = read_labels(table, position, what=what)
    return [names[code] for code in codes]


def _cycles(table: RawTable, position: int) -> np.ndarray:
    import numpy as np

    cycles, _ = read_numbers(table, position, marks=False)
    refused = ~(np.isfinite(cycles) & (cycles >= 0))
    if refused.any():
        line = int(refused.argmax())
        text = str(table.columns[position][line])
        raise InputError(
            f"{table.where(line, table.header[position])}: {text!r} was found; accepted is the "
            "cycle at which the cell failed, or to which it was good, a number from 0 on."
        )
    return cycles


def _check_once(table: RawTable, condition: Sequence[str], cell: Sequence[str]) -> None:
    seen: dict[tuple[str, str], int] = {}
    for line, key in enumerate(zip(condition, cell, strict=True)):
        if key in seen:
            raise InputError(
                f"{table.place}, row {table.row_numbers[line]}: the cell {key[1]!r} of "
                f"{key[0]!r} stood in row {table.row_numbers[seen[key]]} already; in a table of "
                "lives a cell has one row."
            )
        seen[key] = line


def _are_exact(condition: Sequence[str], cycles: np.ndarray, failed: np.ndarray) -> np.ndarray:
    """Return which lives are known exactly: in a condition whose cells failed each at its cycle.

    Where most failed cells share their cycle with other cells, the cycles are those of read-outs.
    """
    import numpy as np
    import pandas as pd

    rows = pd.DataFrame({"condition": list(condition), "cycles": cycles, "failed": failed})
    rows["alone"] = rows.groupby(["condition", "cycles"])["failed"].transform("size") == 1
    alone = rows[rows["failed"]].groupby("condition")["alone"].mean()
    exact: np.ndarray = failed & (rows["condition"].map(alone).fillna(0.0).to_numpy() >= 0.5)
    return np.asarray(exact)


def with_lives(measured: Measured, tables: Sequence[Lives] = ()) -> Measured:
    """Return readings with the lives of cells: of their tables, and of readings that are one.

    Readings are a table of lives where a file marks cells as failed and each cell of a condition
    is read at one cycle only. The readings of its failed cells are taken out: a worn-out cell is
    no bit of the condition.
    """
    readings, found, notes = _taken_out(measured.readings)
    lives = [*tables, *found]
    if not lives:
        return measured
    kept = [note for note in measured.notes if not (found and note.kind == "failed")]
    return replace(measured, readings=readings, notes=(*kept, *notes), lives=_dataset(lives))


def _taken_out(readings: xr.Dataset) -> tuple[xr.Dataset, list[Lives], list[Note]]:
    import numpy as np

    if "failed" not in readings.variables or not (readings["failed"].values == 1).any():
        return readings, [], []
    failed, index = readings["failed"].values == 1, readings["condition_index"].values
    cell, cycle = readings["cell"].values, readings["cycle"].values
    out, found, notes = np.zeros(failed.size, dtype=bool), [], []
    for number, name in enumerate(readings["condition"].values.astype(str).tolist()):
        chosen = np.flatnonzero(index == number)
        cells, first = np.unique(cell[chosen], return_index=True)
        pairs = np.unique(np.stack([cell[chosen], cycle[chosen]]), axis=1)
        if pairs.shape[1] > cells.size or cell[chosen].min() < 0 or cycle[chosen].min() < 0:
            continue
        is_failed = np.isin(cells, cell[chosen][failed[chosen]])
        cycles = cycle[chosen][first].astype(float)
        if not is_failed.any() and np.unique(cycles).size < 2:
            continue
        exact = _are_exact([name] * cells.size, cycles, is_failed)
        ids = [str(one) for one in cells]
        found.append(Lives(Path(), "", "", [name] * cells.size, ids, cycles, is_failed, exact))
        worn = chosen[np.isin(cell[chosen], cells[is_failed])]
        out[worn] = True
        notes += _worn_notes(name, readings=worn.size, cells=int(is_failed.sum()))
    return (_without(readings, out) if out.any() else readings), found, notes


def _worn_notes(name: str, *, readings: int, cells: int) -> list[Note]:
    if not cells:
        return []
    text = (
        f"each cell stands at one cycle, a table of lives; {readings:,} readings of {cells:,} "
        "cells that failed are not in the populations and the BER: a worn-out cell is no bit."
    )
    values = {"readings": readings, "cells": cells}
    return [Note(text, kind="worn-out cells", condition=name, values=values)]


def _without(readings: xr.Dataset, out: np.ndarray) -> xr.Dataset:
    """Return the readings without some, and without conditions of which none is left."""
    import numpy as np

    part = readings.isel(reading=np.flatnonzero(~out))
    used, index = np.unique(part["condition_index"].values, return_inverse=True)
    part = part.isel(condition=used)
    return part.assign(condition_index=part["condition_index"].copy(data=index))


def no_readings() -> xr.Dataset:
    """Return the readings of files that hold lives only: none."""
    return empty("readings", {"condition": [], "state": list(STATES)})


def _dataset(tables: Sequence[Lives]) -> xr.Dataset:
    import numpy as np

    names = list(dict.fromkeys(name for table in tables for name in table.condition))
    numbers: Mapping[str, int] = {name: number for number, name in enumerate(names)}
    rows = [
        (numbers[name], (table.place, name, cell))
        for table in tables
        for name, cell in zip(table.condition, table.cell, strict=True)
    ]
    values = {
        "condition_index": [number for number, _ in rows],
        "cell": np.unique([repr(key) for _, key in rows], return_inverse=True)[1],
        **{
            name: np.concatenate([getattr(table, name) for table in tables])
            for name in ("cycles", "failed", "is_exact")
        },
    }
    return make("lives", values, {"condition": names})
