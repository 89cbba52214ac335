"""Tables of lives: each cell at one cycle, that of its failure or the last it was good at."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.formatting import counted
from rramsim.measurements import Measured
from rramsim.notes import Note
from rramsim.readers.columns.header_rows import possible_headers
from rramsim.readers.columns.headers import (
    Column,
    Header,
    condition_words,
    measurement_columns,
    recognise,
    splits,
)
from rramsim.readers.columns.values import read_labels, read_numbers
from rramsim.readers.columns.wide import wide_columns
from rramsim.readers.programming.condition import conditions_of
from rramsim.readers.programming.sources import Rows, Source
from rramsim.readers.programming.stated_columns import labels_of
from rramsim.readers.table import Grid, RawTable, make_table
from rramsim.schema import DATASETS, STATES, empty, header_key, make, settings
from rramsim.schema.words import OTHER_LANGUAGES
from rramsim.units import factor_to_si

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

_CELL = (
    "cell",
    "cell id",
    "cell number",
    "address",
    "device",
    "device id",
    "sample",
    "unit",
    *OTHER_LANGUAGES["cell"],
)
_CYCLES = (
    *("cycle", "cycles", "cycle number", "number of cycles", "n cycles"),
    *("endurance", "endurance cycles", "last cycle", *OTHER_LANGUAGES["cycle"]),
)
# What only a life is called.
_LIFE = (
    *("cycles to failure", "cycle to failure", "cycles until failure", "cycles at failure"),
    *("Zyklen bis Ausfall", "cycles avant défaillance", "cycles jusqu'à défaillance"),
    *("failure cycle", "life", "lifetime", "life cycles", "lifetime cycles", "ctf", "nf"),
    *("cicli a rottura", "ciclos hasta fallo", "失效循环数", "失效循环次数", "故障サイクル数"),
)
# What lives in time are called; their columns have a unit of time.
_TIMES = (
    *("time to failure", "ttf", "failure time", "time at failure", "retention time to failure"),
    *("retention time", "retention life", "Ausfallzeit", "Zeit bis Ausfall", "失效时间"),
    "temps avant défaillance",
)
_DICE = ("die", "chip", "die id", "die number", "chip id", "wafer", "wafer id", "lot", "array")
_FAILED = (
    *("failed", "fail", "failure", "event", "status", "outcome", "result", "f/s", "fail/pass"),
    *("pass/fail", "p/f", "pass fail", "fail pass", "pass or fail", "good/bad", "failed?"),
    *("ausgefallen", "Ausfall", "défaillant", "défaillance"),
    *("failure or suspension", "failed or suspended", "dead", "is failed", "has failed"),
)
_SUSPENDED = (
    *("censored", "censor", "censoring", "suspended", "suspension", "survived", "alive"),
    *("pass", "passed", "good", "ok", "survivor", "runout", "run-out", "running"),
)
# Under these headers 1 may stand for either.
_OF_EITHER = (
    *("status", "outcome", "result", "f/s", "fail/pass", "pass/fail", "p/f", "pass fail"),
    *("fail pass", "pass or fail", "good/bad", "failure or suspension", "failed or suspended"),
)
# What says in words how a cell failed, so that a blank may say that it did not.
_MODES = ("failure mode", "fail mode", "failure type", "failure cause", "Ausfallart", "mode")
_NO_MODE = frozenset(["", "none", "no", "na", "nil", "keiner", "keine", "aucun"])

_YES = frozenset(["1", "1.0", "true", "yes", "y", "x", "ja", "oui"])
_NO = frozenset(["0", "0.0", "false", "no", "n", "nein", "non"])
_FAILED_WORDS = frozenset(
    ["f", "failed", "fail", "failure", "dead", "died", "event", "broken", "bad"]
)
_SUSPENDED_WORDS = frozenset(
    [
        *("s", "suspended", "suspension", "c", "censored", "right", "alive", "survived"),
        *("survivor", "running", "ok", "good", "pass", "passed", "unfailed", "p", "runout"),
        *("run-out", "run out", "no fail", "no failure", "not failed", "did not fail", "no fault"),
        *("still good", "still ok", "still alive", "still running", "end of test", "not yet"),
    ]
)

_ROLES = {
    header_key(name): role
    for role, names in (
        *(("condition", condition_words()), ("cell", _CELL), ("cycles", _CYCLES), ("life", _LIFE)),
        *(("failed", _FAILED), ("suspended", _SUSPENDED), ("time", _TIMES)),
    )
    for name in names
}

_LEAST_ALIKE = 3
"""Lives at exactly the longest one that look like the end of a test."""

_TEMPERATURE = replace(
    next(one for one in DATASETS["readings"] if one.name == "temperature"), label="temperature"
)


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
    notes: tuple[Note, ...] = ()


def read_lives(
    grid: Grid,
    *,
    path: Path,
    name: str,
    default: str,
    renamed: Mapping[str, str],
    condition_from: Sequence[str] | None = None,
) -> Lives | None:
    """Return the lives of a table, None where its header is not that of one.

    A header has a column of cycles and one that says which cells failed (or were suspended); a
    column that only a life is called by may say so itself, by ``>1e6``. Settings and temperatures
    that differ are conditions, as for readings; dice and wafers tell cells apart. A table with a
    column of readings is none.

    Parameters
    ----------
    grid : Grid
    path, name : Path, str
        The file, and what messages call it.
    default : str
        The condition where no column names one.
    renamed : mapping of str to str
        Headers of the file to names of ours.
    condition_from : sequence of str, optional
        The columns that name conditions.

    Raises
    ------
    InputError
        For the first text that cannot be used, with its row.
    """
    headers = (
        _life_header(header, renamed, place=f"{grid.place}, row {grid.row_numbers[header.row]}")
        for header in possible_headers(grid)
    )
    found = next(filter(None, headers), None)
    if found is None:
        return None
    header, roles = found
    column = next(roles[role] for role in ("life", "cycles") if role in roles)
    says = next((role for role in ("failed", "suspended") if role in roles), None)
    labels = [place for place in range(len(header.texts)) if place != column]
    table = make_table(
        grid.whole(), header.texts, start=header.start, numbers=[column], labels=labels
    )
    cycles, is_open = _cycles(table, column)
    if says is None:
        failed = ~is_open
    else:
        failed = _failures(table, roles[says], says_failed=says == "failed")
        _check_marks(table, column, is_open & failed)
    notes: list[Note] = []
    condition = _conditions(
        table, roles, renamed, default=default, condition_from=condition_from, notes=notes
    )
    cell = _cells(table, roles)
    _check_once(table, condition, cell)
    if says is None:
        used = {column, *(roles[role] for role in ("condition", "cell") if role in roles)}
        _refuse_survivors(table, column, condition, cycles, failed, used=used)
    exact = failed if "life" in roles else _are_exact(condition, cycles, failed)
    return Lives(path, name, grid.place, condition, cell, cycles, failed, exact, tuple(notes))


def _life_header(
    header: Header, renamed: Mapping[str, str], *, place: str
) -> tuple[Header, dict[str, int]] | None:
    """Return a header with the places of its roles, None where it is not one of lives."""
    texts = [renamed.get(text, text) for text in header.texts]
    roles: dict[str, int] = {}
    units: dict[str, str] = {}
    for position, text in enumerate(texts):
        for name, unit, _ in splits(text):
            role = _ROLES.get(header_key(name))
            if role is not None and (not unit or role in ("life", "cycles", "time")):
                roles.setdefault(role, position)
                units.setdefault(role, unit)
                break
    if not {"cycles", "life", "time"} & roles.keys():
        if not _has_readings(texts):
            _refuse_logarithms(texts, place=place)
        return None
    if _has_readings(texts):
        return None
    if "life" not in roles and not {"failed", "suspended"} & roles.keys():
        # One text alone is a title.
        is_row = sum(map(bool, texts)) > 1
        if is_row and "cycles" in roles and _is_endurance(texts[roles["cycles"]]):
            raise InputError(
                f"{place}, column {texts[roles['cycles']]!r}: this is a table of lifetimes "
                "without a column that says which cells failed; add a column 'failed' with 1 "
                "(failed) or 0 (still good), or "
                "call it 'cycles to failure' if all failed and the others are marked '>1e7'."
            )
        return None
    _refuse_units(header, roles, units, place=place)
    return (header, roles) if {"cycles", "life"} & roles.keys() else None


def _is_endurance(header: str) -> bool:
    return any(
        header_key(name) in _ENDURANCE and header_key(unit) in _UNITS_OF_CYCLES
        for name, unit, _ in splits(header)
    )


def _refuse_logarithms(texts: Sequence[str], *, place: str) -> None:
    for text in texts:
        bare = re.fullmatch(r"(?:log_?10|log|lg|ln)[\s(\[]+(.+?)[)\]]?", text.strip().casefold())
        if bare is not None and _ROLES.get(header_key(bare[1])) == "life":
            raise InputError(
                f"{place}, column {text!r}: these are logarithms of lifetimes; write the cycles "
                "themselves, under 'cycles to failure'."
            )


_ENDURANCE = frozenset(map(header_key, ("endurance", "endurance cycles", "last cycle")))


def _has_readings(texts: Sequence[str]) -> bool:
    read = {
        role: column
        for role, column in measurement_columns().items()
        if role in ("resistance", "conductance", "current")
    }
    try:
        return bool(recognise(texts, read, place="") or wide_columns(texts, place="", renamed={}))
    except InputError:
        # Several columns of readings, or one in an unknown unit, are readings too.
        return True


def _refuse_units(
    header: Header, roles: Mapping[str, int], units: Mapping[str, str], *, place: str
) -> None:
    """Refuse lives in time, which no readings stand behind, and cycles in an unknown unit."""
    for role in ("life", "time", "cycles"):
        if role not in roles:
            continue
        text, unit = header.texts[roles[role]], units[role]
        try:
            factor_to_si(unit or "1", "time")
        except InputError:
            if role == "time" and "life" not in roles and "cycles" not in roles:
                raise InputError(_no_times(place, text)) from None
            if role != "time" and unit and header_key(unit) not in _UNITS_OF_CYCLES:
                raise InputError(
                    f"{place}, column {text!r}: the cycles have the unit {unit!r}; "
                    "accepted are cycles, without a unit."
                ) from None
            continue
        raise InputError(_no_times(place, text))


def _no_times(place: str, text: str) -> str:
    return (
        f"{place}, column {text!r}: these are lifetimes in time, not in cycles; retention is "
        "derived from readings at several times (columns time (s), state and resistance), and not "
        "from lifetimes alone."
    )


_UNITS_OF_CYCLES = frozenset(["", "cycles", "cycle", "cyc", "1", "n", "counts", "zyklen", "ciclos"])


def _conditions(
    table: RawTable,
    roles: Mapping[str, int],
    renamed: Mapping[str, str],
    *,
    default: str,
    condition_from: Sequence[str] | None,
    notes: list[Note],
) -> list[str]:
    """Return the condition of each cell, named as those of readings are."""
    import numpy as np

    texts, count = [renamed.get(text, text) for text in table.header], len(table.row_numbers)
    known = {variable.name: variable for variable in (*settings(), _TEMPERATURE)}
    columns = recognise(texts, known, place=table.place)
    if "condition" in roles:
        place = roles["condition"]
        columns["condition"] = Column(
            "condition", table.header[place], place, None, 1.0, unit_given=False
        )
    lines = np.arange(count)
    if condition_from is not None:
        life = [roles[role] for role in ("life", "cycles") if role in roles]
        source = Source(table, columns, lines)
        codes, names = labels_of([source], condition_from, readings=life)
        return [names[code] for code in codes]
    # A life is one of both states, which programming has to reach.
    rows = Rows(
        table,
        Header(table.header, 0, 0, columns, left_out=frozenset(roles.values())),
        np.tile(lines, 2),
        np.zeros(2 * count, dtype=int),
        np.repeat([0, 1], count),
        also=(_TEMPERATURE,),
    )
    found = conditions_of(rows, default=default, is_stated=False, is_guess=False, notes=notes)
    used = {*roles.values(), *found.columns, *(column.position for column in columns.values())}
    used |= {place for place, text in enumerate(table.header) if _is_die(text)}
    unused = [repr(text) for i, text in enumerate(table.header) if text and i not in used]
    if unused:
        text = f"columns not used: {', '.join(unused)}."
        values = {"columns": len(unused)}
        notes.append(Note(text, kind="columns not used", file=table.place, values=values))
    return [found.names[code] for code in found.codes[:count]]


def _is_die(header: str) -> bool:
    return header_key(header) in {header_key(name) for name in _DICE}


def _cells(table: RawTable, roles: Mapping[str, int]) -> list[str]:
    """Return the cells; those of several dice or wafers are told apart by these."""
    cell = _texts(table, roles.get("cell"), what="cell") or [str(n) for n in table.row_numbers]
    for place, header in enumerate(table.header):
        if _is_die(header) and "cell" in roles:
            dice = [str(text).strip() for text in table.columns[place]]
            cell = [f"{header} {die}, {one}" for die, one in zip(dice, cell, strict=True)]
    return cell


def _failures(table: RawTable, position: int, *, says_failed: bool) -> np.ndarray:
    """Return which cells failed, of a column that says so or of one that says the contrary."""
    import numpy as np

    failed = []
    for line, cell in enumerate(table.columns[position]):
        text = str(cell).strip().casefold()
        if text in _FAILED_WORDS or text in _SUSPENDED_WORDS:
            failed.append(text in _FAILED_WORDS)
        elif (text in _YES or text in _NO) and _may_be_either(table.header[position]):
            raise InputError(
                f"{table.where(line, table.header[position])}: {str(cell)!r} was found, which may "
                "say that the cell failed or that it passed; write F (failed) or S (suspended), or "
                "name the column 'failed' or 'passed'."
            )
        elif text in _YES or text in _NO:
            failed.append((text in _YES) == says_failed)
        else:
            raise InputError(
                f"{table.where(line, table.header[position])}: {str(cell)!r} was found; accepted "
                "are 1 or 0, yes or no, F (failed) or S (suspended, censored)."
            )
    return np.array(failed, dtype=bool)


def _may_be_either(header: str) -> bool:
    return header_key(header) in {header_key(name) for name in _OF_EITHER}


def _refuse_survivors(
    table: RawTable,
    position: int,
    condition: Sequence[str],
    cycles: np.ndarray,
    failed: np.ndarray,
    *,
    used: Collection[int],
) -> None:
    """Refuse failures that may be none: another column says so, or they all end alike."""
    modes = {header_key(name) for name in _MODES}
    for place, header in enumerate(table.header):
        for line in failed.nonzero()[0].tolist() if place not in used else ():
            text = str(table.columns[place][line])
            is_no_mode = header_key(header) in modes and header_key(text) in _NO_MODE
            if is_no_mode or _says_good(text):
                raise InputError(
                    f"{table.where(line, header)}: {text!r} was found, which may say that the cell "
                    f"did not fail; {_HOW_TO_MARK} Or take the column out."
                )
    import pandas as pd

    rows = pd.DataFrame({"condition": condition, "cycles": cycles})[failed]
    for name, of_name in (*rows.groupby("condition")["cycles"], ("", rows["cycles"])):
        alike = int((of_name == of_name.max()).sum())
        if alike >= _LEAST_ALIKE and of_name.max() >= cycles[_of(condition, name)].max():
            raise InputError(
                f"{table.place}, column {table.header[position]!r}: {alike} cells have exactly the "
                f"longest lifetime{f' of {name!r}' if name else ''}, {of_name.max():g}, like cells "
                f"that were still good when the test ended; {_HOW_TO_MARK}"
            )


def _of(condition: Sequence[str], name: str) -> np.ndarray:
    """Return which cells are of a condition, of all of them where it has no name."""
    import numpy as np

    return np.array([name in ("", one) for one in condition])


_HOW_TO_MARK = (
    "write the lifetime of a cell that was still good as '>1e7', or add a column 'failed' with 1 "
    "(failed) or 0 (still good) for each cell."
)


def _says_good(text: str) -> bool:
    """Whether a text says that a cell had not failed.

    >>> _says_good("no fail"), _says_good("survived"), _says_good("stuck at LRS"), _says_good("s")
    (True, True, False, False)
    """
    bare = " ".join(re.sub(r"[^\w]+", " ", text.casefold()).split())
    # One letter, or a side, says it only under a header that asks for it.
    return bare in _SUSPENDED_WORDS - {"s", "c", "p", "right"}


def _texts(table: RawTable, position: int | None, *, what: str) -> list[str]:
    if position is None:
        return []
    codes, names = read_labels(table, position, what=what)
    return [names[code] for code in codes]


def _cycles(table: RawTable, position: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the cycle of each life, and whether the text itself says that the cell was good."""
    import numpy as np

    marks = [_mark(str(text)) for text in table.columns[position]]
    columns = list(table.columns)
    if any(is_open for _, is_open in marks):
        columns[position] = [text for text, _ in marks]
    cycles, _ = read_numbers(replace(table, columns=tuple(columns)), position, marks=False)
    refused = ~(np.isfinite(cycles) & (cycles >= 0))
    if refused.any():
        line = int(refused.argmax())
        text = str(table.columns[position][line])
        where = table.where(line, table.header[position])
        if text.strip().casefold() in _SUSPENDED_WORDS | _FAILED_WORDS:
            raise InputError(
                f"{where}: {text!r} is not a cycle; write the one to which the cell was good, such "
                "as '>1e6', or the one at which it failed."
            )
        raise InputError(
            f"{where}: {text!r} was found; accepted is the cycle at which the cell failed, or to "
            "which it was good, a number from 0 on, the latter also as '>1e6'."
        )
    return cycles, np.array([is_open for _, is_open in marks], dtype=bool)


def _mark(text: str) -> tuple[str, bool]:
    """Return the number of a text and whether it says that the cell was still good there.

    >>> _mark(">1e6"), _mark("1000000 (survived)"), _mark("1e6+"), _mark("5000")
    (('1e6', True), ('1000000', True), ('1e6', True), ('5000', False))
    """
    bare = text.strip()
    marked = re.fullmatch(r"(?:>|≥|>=)\s*=?\s*(.+)|(.*\d)\s*\+", bare)
    if marked is not None:
        return marked[1] or marked[2], True
    word = re.fullmatch(r"(.*\d)[\s(,;/-]+([^\W\d]+)\)?", bare)
    if word is not None and word[2].casefold() in _SUSPENDED_WORDS:
        return word[1], True
    if bare.casefold() in _SUSPENDED_WORDS | _FAILED_WORDS:
        return "", True
    return text, False


def _check_marks(table: RawTable, position: int, contradicted: np.ndarray) -> None:
    if contradicted.any():
        line = int(contradicted.argmax())
        raise InputError(
            f"{table.where(line, table.header[position])}: {table.columns[position][line]!r} says "
            "that the cell was good there, and another column that it failed; keep one."
        )


def _check_once(table: RawTable, condition: Sequence[str], cell: Sequence[str]) -> None:
    seen: dict[tuple[str, str], int] = {}
    for line, key in enumerate(zip(condition, cell, strict=True)):
        if key in seen:
            raise InputError(
                f"{table.place}, row {table.row_numbers[line]}: the cell {key[1]!r} of "
                f"{key[0]!r} is in row {table.row_numbers[seen[key]]} already; a table of "
                "lifetimes has one row for each cell."
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
    said = [note for table in tables for note in table.notes]
    return replace(measured, readings=readings, notes=(*kept, *said, *notes), lives=_dataset(lives))


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
        f"each cell has one cycle, as in a table of lifetimes; {counted(readings, 'reading')} of "
        f"{counted(cells, 'cell')} that failed {'is' if readings == 1 else 'are'} left out of the "
        "populations and the BER, since a worn-out cell stores no bit."
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
