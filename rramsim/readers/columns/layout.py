"""Where the header of a table is, and what its columns mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rramsim.errors import InputError
from rramsim.readers.columns.aliases import STATE_COLUMNS, measurement_columns
from rramsim.readers.columns.header_rows import (
    Header,
    mostly_numbers,
    only_numbers,
    possible_headers,
)
from rramsim.readers.columns.headers import Column, describe, names_accepted, recognise
from rramsim.readers.columns.sweep_columns import SweepColumns, sweep_columns
from rramsim.readers.columns.values import read_numbers
from rramsim.readers.columns.wide import QUANTITIES as READ
from rramsim.readers.columns.wide import WideColumn, condition_columns, wide_columns
from rramsim.readers.table import Grid, RawTable, make_table, with_constants
from rramsim.units import QUANTITIES

IGNORED = "-"
"""The name, in an explicit list of columns, of one that is not to be read."""

_FORMS = "a state column with a resistance or current column, or one column for LRS and one for HRS"
# These are texts even where they look like numbers.
_LABELS = ("condition", "state", "failed", "over_range_flag", "compliance_flag", "status")


@dataclass(frozen=True)
class Layout:
    """A table, and what was found in its header.

    Attributes
    ----------
    grid : Grid
        What it was made of.
    table : RawTable
    columns : mapping of str to Column
        The recognised columns by role, without the readings.
    readings : tuple of WideColumn
        The columns of readings: one of the long form, or one for each state, condition or cycle.
    beside : tuple of Column
        Columns of readings in another quantity, which are not read.
    notes : tuple of str
        What was assumed.
    """

    grid: Grid
    table: RawTable
    columns: Mapping[str, Column]
    readings: tuple[WideColumn, ...]
    beside: tuple[Column, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class SweepTable:
    """A table of sweeps: its header in texts, and the pairs of columns."""

    grid: Grid
    table: RawTable
    above: int
    sweeps: tuple[SweepColumns, ...]


@dataclass(frozen=True)
class _Meaning:
    columns: Mapping[str, Column]
    readings: tuple[WideColumn, ...]
    beside: tuple[Column, ...]
    constants: Mapping[str, str]


def by_header(
    grid: Grid, *, names: Mapping[str, str], constants: Mapping[str, str]
) -> Layout | SweepTable | None:
    """Return the layout of a grid by the header in it, or None where there is none.

    Parameters
    ----------
    grid : Grid
        With at least one record. A preamble before the header, and a line of units below it, are
        recognised.
    names : mapping
        Headers of the file to names of ours.
    constants : mapping
        Columns that the user's pattern found in the file's name.

    Raises
    ------
    InputError
        If the first line is a header that lacks a needed column, or has an unknown unit, and no
        other line is a whole one.
    """
    refused = None
    for header in possible_headers(grid):
        place = f"{grid.place}, row {grid.row_numbers[header.at]}"
        try:
            found = _of_header(grid, header, names=names, constants=constants, place=place)
        except InputError as error:
            refused = error if header.at == 0 else refused
            continue
        if found is not None:
            return found
    if refused is not None:
        raise refused
    return None


def by_given_columns(grid: Grid, columns: Sequence[str], *, constants: Mapping[str, str]) -> Layout:
    """Return the layout of a grid whose columns the user lists.

    Raises
    ------
    InputError
        If a name is not known, or there are more or fewer columns than names.
    """
    header, place = tuple(columns), "the given columns"
    meaning = _meaning(header, names={}, constants={**grid.constants, **constants}, place=place)
    for position in _unused(header, meaning):
        if header[position] != IGNORED:
            accepted = [role for role in measurement_columns() if not role.endswith("_flag")]
            raise InputError(
                f"the given column {header[position]!r} is not known; accepted are "
                f"{', '.join(accepted)}, LRS, HRS, and {IGNORED!r} for one to leave out."
            )
    _check_complete(header, meaning, place=place)
    width = len(grid.records[0])
    if width != len(header):
        raise InputError(
            f"{grid.place}, row {grid.row_numbers[0]}: {width} columns were found, but "
            f"{len(header)} are given ({', '.join(header)}). Name all; {IGNORED!r} leaves one out."
        )
    start, notes = 0, []
    if not _is_data(grid, 0, header, meaning):
        start = 1
        notes.append(
            f"{grid.place}: row {grid.row_numbers[0]} is taken as a header; the given columns "
            "replace it."
        )
    return _layout(grid, Header(header, 0, start), meaning, notes=notes)


def no_header(grid: Grid) -> InputError:
    """Return the error for a grid in which no header was found."""
    header = [text.strip() for text in grid.records[0]]
    place = f"{grid.place}, row {grid.row_numbers[0]}"
    if mostly_numbers(header) and not recognise(header, measurement_columns(), place=place):
        shown = ", ".join(header[:6])
        what = f"only the numbers {shown}" if only_numbers(header) else f"only readings ({shown})"
        return InputError(
            f"{place}: there is no header, {what}. Name the columns in order, such as "
            '--columns "cell,LRS [ohm],HRS [ohm],cycle" or --columns "cell,state,R [ohm]"; '
            f"{IGNORED!r} leaves one out."
        )
    return _missing("a resistance or current", ("resistance", "current"), header[:30], place)


def _of_header(
    grid: Grid,
    header: Header,
    *,
    names: Mapping[str, str],
    constants: Mapping[str, str],
    place: str,
) -> Layout | SweepTable | None:
    texts = header.texts
    constants = {**grid.constants, **constants}
    meaning = _meaning(texts, names=names, constants=constants, place=place)
    if _may_be_sweeps(meaning, texts):
        sweeps = sweep_columns([names.get(text, text) for text in texts])
        if sweeps and header.start < len(grid.records):
            whole = grid if grid.body is None else grid.body.whole()
            return SweepTable(
                grid, make_table(whole, texts, start=header.start), header.at, tuple(sweeps)
            )
    if not meaning.readings:
        return None
    _check_complete(texts, meaning, place=place)
    if header.at and not _is_data(grid, header.start, texts, meaning):
        return None
    unused = [repr(texts[i]) for i in _unused(texts, meaning) if texts[i] and texts[i] not in names]
    notes = [f"{grid.place}: columns not used: {', '.join(unused)}."] if unused else []
    return _layout(grid, header, meaning, notes=notes)


def _meaning(
    header: tuple[str, ...], *, names: Mapping[str, str], constants: Mapping[str, str], place: str
) -> _Meaning:
    found = recognise(header, measurement_columns(), place=place, renamed=names)
    for text, name in names.items():
        if text in header and name != IGNORED and not _is_known(name, place=place):
            raise InputError(
                f"{place}: the name {name!r} given to the column {text!r} is not known; accepted "
                f"are {', '.join(measurement_columns())}, LRS, HRS, and {IGNORED!r} to leave it "
                "out."
            )
    skip = [column.position for column in found.values()]
    wide = wide_columns(header, place=place, renamed=names, skip=skip)
    long = [found.pop(role) for role in READ if role in found]
    if long and "state" in found:
        # Beside a whole long table, only a plain "LRS" is taken for a second form of readings.
        wide = tuple(each for each in wide if each.condition is None)
    readings = wide or tuple(WideColumn(column, None) for column in long[:1])
    found, used = _add_constants(found, readings, header, constants, place=place)
    if not readings and "state" in found:
        readings = condition_columns(
            header, renamed=names, skip=[column.position for column in found.values()]
        )
        if readings:
            found.pop("condition", None)
    return _Meaning(found, readings, tuple(long if wide else long[1:]), used)


def _add_constants(
    found: dict[str, Column],
    readings: Sequence[WideColumn],
    header: tuple[str, ...],
    constants: Mapping[str, str],
    *,
    place: str,
) -> tuple[dict[str, Column], dict[str, str]]:
    """Add the columns that hold one text throughout, where no column of the table says it."""
    said = {
        *(["state"] if any(each.state is not None for each in readings) else []),
        *(["condition"] if any(each.condition is not None for each in readings) else []),
        *(["cycle"] if any(each.cycle is not None for each in readings) else []),
    }
    used: dict[str, str] = {}
    columns = dict(found)
    for text, value in constants.items():
        role = recognise([text], measurement_columns(), place="the pattern of file names")
        if not role:
            raise InputError(
                f"the pattern of file names: {text!r} is not known; accepted are "
                f"{', '.join(measurement_columns())}, with a unit where they have one."
            )
        (name, column), *_ = role.items()
        if name not in found and name not in said:
            columns[name] = replace(column, position=len(header) + len(used))
            used[text] = value
    return columns, used


def _may_be_sweeps(meaning: _Meaning, header: Sequence[str]) -> bool:
    """Whether no column of the table says the state, and no name says it of single currents."""
    if _is_wide(meaning) or any(each.column.quantity != "current" for each in meaning.readings):
        return False
    state = meaning.columns.get("state")
    if state is None or not meaning.readings:
        return True
    return state.position >= len(header) and "read_voltage" not in meaning.columns


def _is_wide(meaning: _Meaning) -> bool:
    return any(each.state is not None for each in meaning.readings)


def _layout(grid: Grid, header: Header, meaning: _Meaning, *, notes: list[str]) -> Layout:
    columns = [
        *meaning.columns.values(),
        *(each.column for each in meaning.readings),
        *meaning.beside,
    ]
    own = [column for column in columns if column.position < len(header.texts)]
    table = make_table(
        grid,
        header.texts,
        start=header.start,
        numbers=[column.position for column in own if column.role not in _LABELS],
        labels=[column.position for column in own if column.role in _LABELS],
    )
    told = [each for each in meaning.readings if each.condition is not None]
    if told:
        first = told[0]
        notes.append(
            f"{grid.place}: conditions are named by the headers, such as {first.condition!r} by "
            f"{first.column.header!r}."
        )
    if any(each.cycle is not None for each in meaning.readings):
        notes.append(f"{grid.place}: cycles are numbered by the headers of the columns.")
    return Layout(
        grid=grid,
        table=with_constants(table, meaning.constants),
        columns=meaning.columns,
        readings=meaning.readings,
        beside=meaning.beside,
        notes=(*notes, *_unit_notes(columns, place=grid.place)),
    )


def _is_data(grid: Grid, at: int, header: tuple[str, ...], meaning: _Meaning) -> bool:
    """Whether a record has a number, or a mark of a meter, where a reading stands."""
    if at >= len(grid.records):
        return False
    one = replace(
        grid,
        records=grid.records[at : at + 1],
        row_numbers=grid.row_numbers[at : at + 1],
        body=None,
    )
    try:
        line = make_table(one, header, start=0)
    except InputError:
        return False
    for reading in meaning.readings:
        try:
            read_numbers(line, reading.column.position, marks=True)
        except InputError as error:
            if "decimal comma" in str(error):
                return True
            continue
        return True
    return False


def _check_complete(header: Sequence[str], meaning: _Meaning, *, place: str) -> None:
    state = meaning.columns.get("state")
    if _is_wide(meaning) and (meaning.beside or state is not None):
        other = meaning.beside[0] if meaning.beside else state
        raise InputError(
            f"{place}: both {meaning.readings[0].column.header!r} (a column a state) and "
            f"{other.header if other else ''!r} (a row a state) were found; accepted is one form: "
            f"{_FORMS}."
        )
    if not meaning.readings:
        raise _missing("a resistance or current", ("resistance", "current"), header, place)
    if not _is_wide(meaning) and state is None:
        raise _missing("the state", ("state", "lrs_resistance", "hrs_resistance"), header, place)
    if any(each.cycle is not None for each in meaning.readings) and "cycle" in meaning.columns:
        raise InputError(
            f"{place}: both the column {meaning.columns['cycle'].header!r} and the headers, such "
            f"as {meaning.readings[0].column.header!r}, number the cycles; keep one."
        )


def _missing(what: str, roles: Sequence[str], header: Sequence[str], place: str) -> InputError:
    accepted = {**measurement_columns(), **STATE_COLUMNS}
    return InputError(
        f"{place}: no column holds {what}. Headers found: {', '.join(map(repr, header))}. "
        f"Accepted: {names_accepted(accepted, *roles)}."
    )


def _unused(header: Sequence[str], meaning: _Meaning) -> list[int]:
    used = {column.position for column in (*meaning.columns.values(), *meaning.beside)}
    used |= {each.column.position for each in meaning.readings}
    return [position for position in range(len(header)) if position not in used]


def _unit_notes(columns: Sequence[Column], *, place: str) -> list[str]:
    return [
        f"{place}: the column {column.header!r} names no unit; its {_said(column)} "
        f"is read in {QUANTITIES[column.quantity].unit}."
        for column in columns
        if column.quantity is not None and not column.unit_given
    ]


def _said(column: Column) -> str:
    return column.quantity or "" if column.role == "reading" else describe(column.role)


def _is_known(name: str, *, place: str) -> bool:
    known = {**measurement_columns(), **STATE_COLUMNS}
    return bool(
        recognise([name], known, place=place)
        or wide_columns([name], place=place, renamed={})
        or sweep_columns([name, "voltage"])
        or sweep_columns([name, "current"])
    )
