"""All tables of one file: sheets, blocks of a tester's record, sweeps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rramsim.errors import InputError
from rramsim.readers.columns.layout import (
    Layout,
    SweepTable,
    by_given_columns,
    by_header,
    no_header,
)
from rramsim.readers.columns.values import state_of
from rramsim.readers.options import ReadOptions
from rramsim.readers.table import Grid
from rramsim.readers.testers.arc_one import arc_one_readings, is_arc_one
from rramsim.readers.testers.keysight import Part, parts_of
from rramsim.readers.testers.sweeps import Sweep, read_points, readings_of_sweeps

_DEVICE_LABELS = ("device id", "test target", "target", "device")


@dataclass(frozen=True)
class Tables:
    """The tables of a file that hold readings.

    Attributes
    ----------
    layouts : tuple of Layout
    taken : mapping of int to list of float
        By position in `layouts`, when each reading of a table of sweeps was taken, in seconds.
    notes : tuple of str
        Sheets that are not read.
    headers : frozenset of str
        Texts of all headers found.
    """

    layouts: tuple[Layout, ...]
    taken: Mapping[int, list[float]]
    notes: tuple[str, ...]
    headers: frozenset[str]


def find_tables(
    grids: Sequence[Grid], options: ReadOptions, *, place: str, constants: Mapping[str, str]
) -> Tables:
    """Return every table with readings in the grids of a file.

    Raises
    ------
    InputError
        If there is none; the message says what the first grid lacks.
    """
    filled = [grid for grid in grids if grid.records]
    if options.columns is not None:
        width = len(options.columns)
        fitting = [grid for grid in filled if len(grid.records[0]) == width] or filled[:1]
        found = [by_given_columns(grid, options.columns, constants=constants) for grid in fitting]
        notes = _left_out([(grid, "") for grid in filled if grid not in fitting], place=place)
        return Tables(tuple(found), {}, notes, frozenset(options.columns))
    return _by_headers(filled, options, place=place, constants=constants)


def _by_headers(
    grids: Sequence[Grid], options: ReadOptions, *, place: str, constants: Mapping[str, str]
) -> Tables:
    layouts: list[Layout] = []
    sweeps: list[Sweep] = []
    unread: list[tuple[Grid, str]] = []
    headers: set[str] = set()
    refused: list[InputError] = []
    for part in (part for grid in grids for part in _parts(grid)):
        try:
            found = by_header(part.grid, names=options.names, constants=constants)
        except InputError as error:
            refused.append(error)
            unread.append((part.grid, f" ({error})"))
            continue
        headers |= set() if found is None else set(found.table.header)
        if isinstance(found, SweepTable):
            sweeps += _sweeps(found, part, constants=constants)
        elif found is None:
            unread.append((part.grid, ""))
        elif any(_same(found, other) for other in layouts):
            unread.append((part.grid, " (the same as another sheet)"))
        else:
            layouts.append(found)
    if not layouts and not sweeps:
        raise refused[0] if refused else no_header(grids[0])
    layouts = _named_by_sheet(layouts, options, constants=constants)
    taken = {}
    if sweeps:
        grid, times = readings_of_sweeps(sweeps, place=place, read_voltage=options.read_voltage)
        of_sweeps = by_header(_without_empty(grid), names={}, constants={})
        if isinstance(of_sweeps, Layout):
            taken[len(layouts)] = times
            layouts.append(of_sweeps)
    return Tables(tuple(layouts), taken, _left_out(unread, place=place), frozenset(headers))


def _parts(grid: Grid) -> list[Part]:
    return [Part(arc_one_readings(grid))] if is_arc_one(grid) else parts_of(grid)


def _same(layout: Layout, other: Layout) -> bool:
    return layout.grid.sheet is not None and layout.grid.records == other.grid.records


def _named_by_sheet(
    layouts: list[Layout], options: ReadOptions, *, constants: Mapping[str, str]
) -> list[Layout]:
    """Let the names of several sheets be conditions, or cells where a column has the condition."""
    if sum(layout.grid.sheet is not None for layout in layouts) < 2:
        return layouts
    named = []
    for layout in layouts:
        told = any(each.condition is not None for each in layout.readings)
        role = "cell" if told or "condition" in layout.columns else "condition"
        # The name may already say a run or a state.
        is_free = layout.grid.sheet is not None and not layout.grid.constants
        if role not in layout.columns and is_free:
            grid = replace(layout.grid, constants={role: str(layout.grid.sheet)})
            again = by_header(grid, names=options.names, constants=constants)
            if isinstance(again, Layout):
                note = f"{grid.place}: the name of the sheet is the {role}."
                layout = replace(again, notes=(*again.notes, note))
        named.append(layout)
    return named


def _sweeps(found: SweepTable, part: Part, *, constants: Mapping[str, str]) -> list[Sweep]:
    """Return the sweeps of a table; where several stand side by side, each with its device."""
    import numpy as np

    said = {**found.grid.constants, **constants}
    state = said.get("state")
    sweeps = []
    for index, columns in enumerate(found.sweeps):
        voltage, current, flagged, rows = read_points(found.table, columns)
        sweeps.append(
            Sweep(
                place=found.grid.place,
                voltage=voltage,
                current=current,
                flagged=np.asarray(flagged),
                row_numbers=rows,
                title=part.title,
                cell=_device_above(found, index) or said.get("cell", ""),
                condition=said.get("condition", ""),
                cycle=said.get("cycle", ""),
                state=None if state is None else state_of(state),
                compliance=part.compliance,
                taken=part.taken,
            )
        )
    return sweeps


def _device_above(found: SweepTable, index: int) -> str:
    """Return the device that the lines above the header name for one of several sweeps."""
    for record in found.grid.records[: found.above]:
        for position, text in enumerate(record[:-1]):
            if text.strip().rstrip(":").casefold() in _DEVICE_LABELS:
                # The label stands above the voltage or above the index just before it.
                of = sum(position >= each.voltage - 1 for each in found.sweeps[1:])
                if of == index:
                    return record[position + 1].strip()
    return ""


def _without_empty(grid: Grid) -> Grid:
    """Return a grid without the columns in which no record says anything."""
    kept = [
        position
        for position in range(len(grid.records[0]))
        if any(record[position] for record in grid.records[1:])
    ]
    return replace(grid, records=[[record[i] for i in kept] for record in grid.records])


def _left_out(unread: Sequence[tuple[Grid, str]], *, place: str) -> tuple[str, ...]:
    if not unread:
        return ()
    names = [
        f"{grid.sheet!r}{re.sub(re.escape(grid.place) + ', ', '', why)}"
        if grid.sheet is not None
        else f"row {grid.row_numbers[0]}{why}"
        for grid, why in unread
    ]
    what = "sheets" if unread[0][0].sheet is not None else "blocks"
    return (f"{place}: {what} not read: {len(unread)} ({', '.join(names)}).",)
