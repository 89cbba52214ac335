"""Which sheet holds the readings, where its header is, and what its columns mean."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rramsim.device.readers.headers import (
    MEASUREMENT_COLUMNS,
    Column,
    describe,
    names_accepted,
    recognise,
)
from rramsim.device.readers.table import Grid, RawTable, make_table
from rramsim.device.readers.units import QUANTITIES
from rramsim.device.readers.values import read_numbers
from rramsim.errors import InputError

LONG = ("resistance", "current")
WIDE = (("lrs_resistance", "lrs_current"), ("hrs_resistance", "hrs_current"))
_READINGS = (*LONG, *WIDE[0], *WIDE[1])

IGNORED = "-"
"""The name, in an explicit list of columns, of one that is not to be read."""

_FORMS = "a state column with a resistance or current column, or one column for LRS and one for HRS"


@dataclass(frozen=True)
class Layout:
    """A table, its recognised columns by role, and what was assumed to find them."""

    table: RawTable
    columns: Mapping[str, Column]
    notes: tuple[str, ...]


def lay_out(grids: Sequence[Grid], columns: Sequence[str] | None) -> tuple[Grid, Layout]:
    """Return the first grid with a recognised header, and its layout.

    Parameters
    ----------
    grids : sequence of Grid
        The sheets of a file, at least one with records.
    columns : sequence of str or None
        The headers of a file that has none, in order; ``"-"`` leaves a column out.

    Returns
    -------
    grid : Grid
    layout : Layout

    Raises
    ------
    InputError
        If no sheet has the columns a measurement needs.
    """
    filled = [grid for grid in grids if grid.records]
    if columns is not None:
        return filled[0], _by_given_columns(filled[0], columns)
    for grid in filled:
        layout = _by_header(grid)
        if layout is not None:
            return grid, layout
    raise _no_header(filled[0])


def parse_columns(text: str) -> tuple[str, ...]:
    """Split the columns a user lists, ``"cell,LRS [ohm],HRS [ohm],cycle"``, at the commas."""
    return tuple(name.strip() for name in text.split(","))


def _by_header(grid: Grid) -> Layout | None:
    header = tuple(text.strip() for text in grid.records[0])
    start = 1
    if _only_numbers(header) and grid.comments:
        # numpy.savetxt and some testers write the header as the last comment line.
        header = tuple(text.strip() for text in re.split(r"[\t;,]", grid.comments[-1]))
        start = 0
    place = f"{grid.place}, row {grid.row_numbers[0]}"
    found = recognise(header, MEASUREMENT_COLUMNS, place=place)
    if not any(role in found for role in _READINGS):
        return None
    _check_complete(header, found, place=place)
    unused = [repr(header[i]) for i in _unused(header, found) if header[i]]
    notes = [f"{grid.place}: columns not used: {', '.join(unused)}."] if unused else []
    notes += _unit_notes(found, place=grid.place)
    return Layout(make_table(grid, header, start=start), found, tuple(notes))


def _by_given_columns(grid: Grid, columns: Sequence[str]) -> Layout:
    header = tuple(columns)
    found = recognise(header, MEASUREMENT_COLUMNS, place="the given columns")
    for position in _unused(header, found):
        if header[position] != IGNORED:
            raise InputError(
                f"the given column {header[position]!r} is not known; accepted are "
                f"{', '.join(MEASUREMENT_COLUMNS)}, LRS, HRS, and {IGNORED!r} for one to leave out."
            )
    _check_complete(header, found, place="the given columns")
    width = len(grid.records[0])
    if width != len(header):
        raise InputError(
            f"{grid.place}, row {grid.row_numbers[0]}: {width} columns were found, but "
            f"{len(header)} are given ({', '.join(header)}). Name all; {IGNORED!r} leaves one out."
        )
    start, notes = 0, []
    if not _is_data(grid, header, found):
        start = 1
        notes.append(
            f"{grid.place}: row {grid.row_numbers[0]} is taken as a header; the given columns "
            "replace it."
        )
    notes += _unit_notes(found, place=grid.place)
    return Layout(make_table(grid, header, start=start), found, tuple(notes))


def _is_data(grid: Grid, header: tuple[str, ...], found: Mapping[str, Column]) -> bool:
    """Whether the first record has a number, or a mark of a meter, where a reading stands."""
    first = make_table(
        Grid(grid.place, grid.records[:1], grid.row_numbers[:1], (), grid.decimal_comma),
        header,
        start=0,
    )
    for role in _READINGS:
        if role in found:
            try:
                read_numbers(first, found[role].position, marks=True)
            except InputError as error:
                if "decimal comma" in str(error):
                    return True
                continue
            return True
    return False


def _check_complete(header: Sequence[str], found: Mapping[str, Column], *, place: str) -> None:
    long = [role for role in LONG if role in found]
    wide = [role for pair in WIDE for role in pair if role in found]
    if wide and (long or "state" in found):
        other = found[long[0] if long else "state"]
        raise InputError(
            f"{place}: both {found[wide[0]].header!r} (a column a state) and {other.header!r} "
            f"(a row a state) were found; accepted is one form: {_FORMS}."
        )
    if not wide and not long:
        raise _missing("a resistance or current", ("resistance", "current"), header, place)
    if not wide and "state" not in found:
        raise _missing("the state", ("state", "lrs_resistance", "hrs_resistance"), header, place)


def _missing(what: str, roles: Sequence[str], header: Sequence[str], place: str) -> InputError:
    return InputError(
        f"{place}: no column holds {what}. Headers found: {', '.join(map(repr, header))}. "
        f"Accepted: {names_accepted(MEASUREMENT_COLUMNS, *roles)}."
    )


def _no_header(grid: Grid) -> InputError:
    header = [text.strip() for text in grid.records[0]]
    place = f"{grid.place}, row {grid.row_numbers[0]}"
    if _only_numbers(header):
        return InputError(
            f"{place}: there is no header, only the numbers {', '.join(header[:6])}. Name the "
            'columns in order, such as --columns "cell,LRS [ohm],HRS [ohm],cycle".'
        )
    return _missing("a resistance or current", ("resistance", "current"), header[:30], place)


def _unused(header: Sequence[str], found: Mapping[str, Column]) -> list[int]:
    used = {column.position for column in found.values()}
    return [position for position in range(len(header)) if position not in used]


def _unit_notes(found: Mapping[str, Column], *, place: str) -> list[str]:
    return [
        f"{place}: the column {column.header!r} names no unit; its {describe(column.role)} "
        f"is read in {QUANTITIES[column.quantity].unit}."
        for column in found.values()
        if column.quantity is not None and not column.unit_given
    ]


def _only_numbers(texts: Sequence[str]) -> bool:
    return all(re.fullmatch(r"[-+]?[\d.,]+(?:[eE][-+]?\d+)?", text.strip()) for text in texts)
