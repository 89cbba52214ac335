"""Keithley Clarius (4200A-SCS): workbooks with a sheet for each run, and summaries over cycles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rramsim.errors import InputError
from rramsim.formatting import quantity as in_words
from rramsim.notes import Note
from rramsim.readers.columns.headers import recognise
from rramsim.readers.columns.sweep_columns import sweep_columns
from rramsim.readers.table import Grid
from rramsim.readers.testers.registry import register
from rramsim.schema.file_columns import STATE_COLUMNS

_RUN = re.compile(r"(?:run|cycle)[\s_]*(\d+)", re.IGNORECASE)
_APPENDED = re.compile(r"append[\s_]*(\d+)", re.IGNORECASE)
_TEST = re.compile(r".+#\d+(?:@\d+)?")
_INDEX = ("index", "cycle", "cycle index")
_ROWS_BEFORE_A_SUMMARY = 20
# Clarius writes SI units, and names none.
_UNITS = {"current": "A", "resistance": "ohm", "conductance": "S"}
# FINDD(AV, -0.2, ...) finds the point of a sweep at -0.2 V, where a formula reads a state.
_READ_AT = re.compile(
    r"(?P<name>\w*[LH]RS\w*)\s*=(?:(?!\w+\s*=).)*?FIND\w*\(\s*(?:ABS\(\s*)?\w*V\w*\s*\)?\s*,"
    r"\s*(?P<volts>[-+]?\d+(?:\.\d*)?(?:E[-+]?\d+)?)\s*[,)]",
    re.IGNORECASE,
)
_LINES_SHOWN = 6


@register
class Clarius:
    """A run has voltages, currents and outputs of formulas; a summary has a row for each cycle."""

    def recognises(self, grid: Grid) -> bool:
        """Whether the sheet is a summary of cycles or a run, by its name or by its columns."""
        return _summary_at(grid) is not None or bool(_run_of(grid)) or bool(_outputs(grid))

    def tables(self, grid: Grid) -> list[Grid]:
        """Return the sweep of a run, with its run as the cycle, or the tests of a summary.

        The sheet "Settings" beside it says the test, the compliance, and, where a formula finds
        the current of a state in a sweep, the voltage at which it was read.

        Raises
        ------
        InputError
            If a summary has no test with readings of a state, or rows of it cannot be told apart.
        """
        whole = grid.whole()
        start = _summary_at(whole)
        return [_run(whole)] if start is None else _tests(whole, start)


@dataclass(frozen=True)
class _Settings:
    """What the sheet "Settings" says; of several runs only what all have in common."""

    test: str = ""
    compliance: float | None = None
    read_voltage: float | None = None


def _run(grid: Grid) -> Grid:
    """Return the columns of a sweep, without the outputs of formulas, which stand in one row."""
    run = _run_of(grid)
    cycle = {"cycle": run} if run else {}
    outputs = _outputs(grid)
    kept = [position for position in range(len(grid.records[0])) if position not in outputs]
    header = [grid.records[0][position].strip() for position in kept]
    sweep = sweep_columns(header)
    if not sweep:
        return replace(grid, constants=cycle, title=grid.sheet or "")
    settings = _settings(grid, terminal=sweep[0][1].header[:-1])
    records = [[record[i] if i < len(record) else "" for i in kept] for record in grid.records]
    notes = [*grid.notes, *_notes_of_settings(grid, settings)]
    if outputs:
        names = ", ".join(grid.records[0][position].strip() for position in sorted(outputs))
        text = f"outputs of formulas are not read, the resistance is that of the sweep: {names}."
        values = {"outputs": len(outputs)}
        notes.append(Note(text, kind="not read", file=_file_of(grid), values=values))
    return replace(
        grid,
        records=records,
        constants=cycle,
        title=settings.test or grid.sheet or "",
        compliance=settings.compliance,
        read_voltage=settings.read_voltage,
        notes=tuple(notes),
    )


def _run_of(grid: Grid) -> str:
    """Return the number of a run by the name of its sheet, empty where that is none.

    Older versions keep the first run in "Data", and those appended to it in "Append1", ...
    """
    names = [(other.sheet or "").casefold() for other in grid.others]
    if (grid.sheet or "").casefold() == "data" and any(map(_APPENDED.fullmatch, names)):
        return "1"
    appended = _APPENDED.fullmatch(grid.sheet or "")
    if appended is not None and "data" in names:
        return str(int(appended[1]) + 1)
    matched = _RUN.fullmatch(grid.sheet or "")
    return matched[1] if matched else ""


def _outputs(grid: Grid) -> set[int]:
    """Return the columns beside a sweep in which only the first row says something."""
    header, *rows = grid.records
    if len(rows) < 3 or not sweep_columns([text.strip() for text in header]):
        return set()
    first, rest = rows[0], rows[1:]
    return {
        position
        for position, text in enumerate(header)
        if text.strip()
        and position < len(first)
        and first[position].strip()
        and not any(len(row) > position and row[position].strip() for row in rest)
    }


def _summary_at(grid: Grid) -> int | None:
    """Return the first of the two header lines of a summary, or None where there is none."""
    for row, (above, below) in enumerate(
        zip(grid.records[:_ROWS_BEFORE_A_SUMMARY], grid.records[1:], strict=False)
    ):
        tests = [text for text in above if _TEST.fullmatch(text.strip())]
        if tests and len(above) > 2 and below[0].strip().casefold() in _INDEX:
            return row
    return None


def _tests(grid: Grid, start: int) -> list[Grid]:
    """Return a table for each test of a summary that holds readings of a state."""
    above, quantities = grid.records[start], [text.strip() for text in grid.records[start + 1]]
    end = _end_of_rows(grid, start + 2)
    rows = [record + [""] * (len(quantities) - len(record)) for record in grid.records[:end]]
    numbers = grid.row_numbers[start + 2 : end]
    columns = _columns_by_test(above, len(quantities))
    readings = {
        test: [
            (position, f"{quantities[position]} ({unit})")
            for position in positions
            if (unit := _unit_of(quantities[position], rows[start + 2 :], position))
        ]
        for test, positions in columns.items()
    }
    used = {test: found for test, found in readings.items() if found}
    if not used:
        raise InputError(
            f"{grid.place}: no test of this summary of cycles holds a reading of LRS or HRS; its "
            f"tests are {', '.join(map(repr, columns))}."
        )
    used = _as_one(used)
    settings = _settings(grid, terminal="")
    notes = (
        *grid.notes,
        *_notes_of_settings(grid, settings),
        *_notes_of_tests(grid, used, columns, quantities, rows[start + 2 :]),
        *_notes_of_lines(grid, end),
    )
    tables = [
        replace(
            grid,
            records=[
                ["cycle", *(header for _, header in found)],
                *([row[0], *(row[i] for i, _ in found)] for row in rows[start + 2 :]),
            ],
            row_numbers=[grid.row_numbers[start + 1], *numbers],
            comments=(),
            constants={"condition": test} if len(used) > 1 else {},
            names_tests=len(used) > 1,
            title=test,
            read_voltage=settings.read_voltage,
            notes=notes if number == 0 else (),
        )
        for number, (test, found) in enumerate(used.items())
    ]
    return tables


def _columns_by_test(above: Sequence[str], width: int) -> dict[str, list[int]]:
    """Return the columns of each test; a name that is merged over its columns stands in one."""
    columns: dict[str, list[int]] = {}
    test = ""
    for position in range(1, width):
        text = above[position].strip() if position < len(above) else ""
        test = text or test
        if test:
            columns.setdefault(test, []).append(position)
    return columns


def _end_of_rows(grid: Grid, start: int) -> int:
    """Return where the rows of cycles end and the lines about the test begin."""
    is_row = [record[0].strip().isdecimal() for record in grid.records]
    end = next((i for i in range(start, len(is_row)) if not is_row[i]), len(is_row))
    again = next((i for i in range(end, len(is_row)) if is_row[i]), None)
    if again is not None:
        raise InputError(
            f"{grid.place}, row {grid.row_numbers[end]}: {grid.records[end][0]!r} was found where "
            f"a cycle is expected, and cycles go on in row {grid.row_numbers[again]}."
        )
    return end


def _unit_of(quantity: str, rows: Sequence[Sequence[str]], position: int) -> str:
    """Return the unit of a column with readings of a state, empty for another or an empty one."""
    found = list(recognise([quantity], STATE_COLUMNS, place="").values())
    if not found or not any(row[position].strip() for row in rows):
        return ""
    return _UNITS[found[0].quantity or "resistance"]


def _as_one(used: dict[str, list[tuple[int, str]]]) -> dict[str, list[tuple[int, str]]]:
    """Join tests of which one reads the LRS and one the HRS: together they are a condition."""
    if len(used) != 2 or any(len(found) != 1 for found in used.values()):
        return used
    both = [column for found in used.values() for column in found]
    states = {role[:3] for _, text in both for role in recognise([text], STATE_COLUMNS, place="")}
    return {" and ".join(used): both} if len(states) == 2 else used


def _notes_of_tests(
    grid: Grid,
    used: dict[str, list[tuple[int, str]]],
    columns: dict[str, list[int]],
    quantities: Sequence[str],
    rows: Sequence[Sequence[str]],
) -> list[Note]:
    """Return which tests are read, what each is, and which columns are not."""
    names = ", ".join(map(repr, used))
    if len(used) == 1:
        text = f"the readings are those of the test {names}."
    else:
        text = (
            f"each test with readings is a condition of its own: {names}. A test reads one state "
            "before it switches the cell and the other after, so they are read-outs of the same "
            "cycles."
        )
    values: dict[str, float | int | str] = {"tests": len(used)}
    notes = [Note(text, kind="tests", file=grid.place, values=values)]
    read = {position for found in used.values() for position, _ in found}
    empty, others = [], []
    for test, positions in columns.items():
        filled = [i for i in positions if any(row[i].strip() for row in rows)]
        left = [quantities[i] for i in filled if i not in read]
        if not filled:
            empty.append(repr(test))
        elif left:
            others.append(f"{', '.join(left)} of {test!r}")
    for what, found in (("tests without a value", empty), ("columns not read", others)):
        if found:
            text = f"{what}: {', '.join(found)}."
            notes.append(Note(text, kind=what, file=grid.place, values={"count": len(found)}))
    return notes


def _notes_of_lines(grid: Grid, end: int) -> list[Note]:
    """Return the lines below the rows of a summary, which are not read."""
    lines = [
        ": ".join(filter(None, (text.strip().rstrip(":") for text in record)))
        for record in grid.records[end:]
    ]
    if not lines:
        return []
    more = f", ... {len(lines) - _LINES_SHOWN:,} more" if len(lines) > _LINES_SHOWN else ""
    text = f"lines below the table not read: {'; '.join(lines[:_LINES_SHOWN])}{more}."
    values = {"lines": len(lines)}
    return [Note(text, kind="lines not read", file=grid.place, values=values)]


def _settings(grid: Grid, *, terminal: str) -> _Settings:
    """Return what the sheet "Settings" of the workbook says of a test and one of its terminals."""
    sheets = [other for other in grid.others if (other.sheet or "").casefold() == "settings"]
    said: dict[str, set[tuple[str, ...]]] = {}
    formulas = ""
    for record in (record for sheet in sheets for record in sheet.records):
        key, *values = (text.strip() for text in record)
        said.setdefault(key.rstrip(":").casefold(), set()).add(tuple(values))
        formulas += "\n" + "\n".join(record)

    def value_of(key: str) -> tuple[str, ...]:
        values = said.get(key, set())
        return next(iter(values)) if len(values) == 1 else ()

    terminals = [name.casefold() for name in value_of("device terminal")]
    position = terminals.index(terminal.casefold()) if terminal.casefold() in terminals else -1
    limits = value_of("compliance")
    volts = {abs(float(found["volts"])) for found in _READ_AT.finditer(formulas)}
    return _Settings(
        test=(value_of("test name") or ("",))[0],
        compliance=_number(limits[position]) if 0 <= position < len(limits) else None,
        read_voltage=next(iter(volts)) if len(volts) == 1 and 0 not in volts else None,
    )


def _notes_of_settings(grid: Grid, settings: _Settings) -> list[Note]:
    parts = [
        f"the test {settings.test!r}" if settings.test else "",
        f"a compliance of {in_words(settings.compliance, 'A')}" if settings.compliance else "",
        f"a read voltage of {in_words(settings.read_voltage, 'V')} in its formulas"
        if settings.read_voltage
        else "",
    ]
    said = ", ".join(filter(None, parts))
    if not said:
        return []
    return [Note(f"the sheet 'Settings' names {said}.", kind="settings", file=_file_of(grid))]


def _file_of(grid: Grid) -> str:
    """Return the file of a sheet, so that what is true of every run is said once."""
    return grid.place.removesuffix(f", sheet {grid.sheet!r}")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
