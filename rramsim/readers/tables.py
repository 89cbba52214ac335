"""All tables of one file: sheets, blocks of a tester's record, sweeps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from rramsim.errors import InputError
from rramsim.notes import Note
from rramsim.readers.columns.layout import Layout, by_given_columns, by_header, no_header
from rramsim.readers.options import ReadOptions
from rramsim.readers.sweeps import Sweep, read_points, readings_of_sweeps
from rramsim.readers.table import Grid
from rramsim.readers.testers import tables_of
from rramsim.schema import STATE_NAMES

_STATE = re.compile(r"(?<![a-z])([LH]RS)(?![a-z])", re.IGNORECASE)
_DEVICE_LABELS = ("device id", "test target", "target", "device")


def find_tables(
    grids: Sequence[Grid], options: ReadOptions, *, place: str, constants: Mapping[str, str]
) -> list[Layout]:
    """Return every table with readings in the grids of a file.

    The notes of the first one also say which sheets are not read.

    Raises
    ------
    InputError
        If there is none; the message says what the first grid lacks.
    """
    filled = [grid for grid in grids if grid.records]
    if options.columns is None:
        layouts, unread = _by_headers(filled, options, place=place, constants=constants)
    else:
        width = len(options.columns)
        fitting = [grid for grid in filled if len(grid.records[0]) == width] or filled[:1]
        layouts = [
            replace(
                by_given_columns(grid, options.columns, constants=constants),
                headers=frozenset(options.columns),
            )
            for grid in fitting
        ]
        unread = [(grid, "") for grid in filled if grid not in fitting]
    first, *others = layouts
    notes = (*first.notes, *_left_out(unread, place=place))
    return [replace(first, notes=notes), *others]


def _by_headers(
    grids: Sequence[Grid], options: ReadOptions, *, place: str, constants: Mapping[str, str]
) -> tuple[list[Layout], list[tuple[Grid, str]]]:
    """Return the tables with readings, and the grids that are none with the reason."""
    layouts: list[Layout] = []
    sweeps: list[Sweep] = []
    unread: list[tuple[Grid, str]] = []
    headers: set[str] = set()
    refused: list[InputError] = []
    tables = [table for grid in grids for table in tables_of(grid) or [_of_sheet(grid)]]
    for grid in tables:
        try:
            layout = by_header(grid, names=options.names, constants=constants)
        except InputError as error:
            refused.append(error)
            unread.append((grid, f" ({str(error).removeprefix(f'{grid.place}, ')})"))
            continue
        headers |= set() if layout is None else set(layout.table.header)
        if layout is None:
            unread.append((grid, ""))
        elif layout.sweeps:
            sweeps += _sweeps(layout, constants=constants)
        elif any(_same(layout, other) for other in layouts):
            unread.append((grid, " (the same as another sheet)"))
        else:
            layouts.append(layout)
    if not layouts and not sweeps:
        raise refused[0] if refused else no_header(grids[0])
    layouts = _named_by_sheet(layouts, options, constants=constants)
    if sweeps:
        grid, taken = readings_of_sweeps(sweeps, place=place, read_voltage=options.read_voltage)
        of_sweeps = by_header(_without_empty(grid), names={}, constants={})
        layouts += [] if of_sweeps is None else [replace(of_sweeps, taken=taken)]
    return [replace(layout, headers=frozenset(headers)) for layout in layouts], unread


def _of_sheet(grid: Grid) -> Grid:
    """Return the grid with what the name of its sheet says: "weak LRS" a condition and a state."""
    if grid.sheet is None:
        return grid
    constants = {}
    state = _STATE.search(grid.sheet)
    if state is not None:
        condition = grid.sheet[: state.start()] + " " + grid.sheet[state.end() :]
        constants = {"state": state[1], "condition": condition.strip(" _-.,()")}
    return replace(
        grid,
        constants={header: text for header, text in constants.items() if text},
        title=grid.sheet,
    )


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
        is_named = any(column.condition is not None for column in layout.readings)
        role = "cell" if is_named or "condition" in layout.columns else "condition"
        # The name may already say a run or a state.
        is_free = layout.grid.sheet is not None and not layout.grid.constants
        if role not in layout.columns and is_free:
            grid = replace(layout.grid, constants={role: str(layout.grid.sheet)})
            again = by_header(grid, names=options.names, constants=constants)
            if again is not None:
                text = f"the name of the sheet is the {role}."
                note = Note(text, kind="name of the sheet", file=grid.place)
                layout = replace(again, notes=(*again.notes, note))
        named.append(layout)
    return named


def _sweeps(layout: Layout, *, constants: Mapping[str, str]) -> list[Sweep]:
    """Return the sweeps of a table; where several stand side by side, each with its device."""
    import numpy as np

    grid = layout.grid
    known = {**grid.constants, **constants}
    sweeps = []
    for index, (voltage, current) in enumerate(layout.sweeps):
        volts, amps, flagged, rows = read_points(layout.table, voltage, current)
        sweeps.append(
            Sweep(
                voltage=volts,
                current=amps,
                flagged=np.asarray(flagged),
                row_numbers=rows,
                title=grid.title,
                cell=_device_above(layout, index) or known.get("cell", ""),
                condition=known.get("condition", ""),
                cycle=known.get("cycle", ""),
                state=STATE_NAMES.get(known.get("state", "").strip().casefold()),
                compliance=grid.compliance,
                taken=grid.taken,
            )
        )
    return sweeps


def _device_above(layout: Layout, index: int) -> str:
    """Return the device that the lines above the header name for one of several sweeps."""
    for record in layout.grid.records[: layout.header.row]:
        for position, text in enumerate(record[:-1]):
            if text.strip().rstrip(":").casefold() in _DEVICE_LABELS:
                # The label stands above the voltage or above the index just before it.
                starts = [voltage.position - 1 for voltage, _ in layout.sweeps[1:]]
                if sum(position >= start for start in starts) == index:
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


def _left_out(unread: Sequence[tuple[Grid, str]], *, place: str) -> tuple[Note, ...]:
    if not unread:
        return ()
    names = [
        f"{f'row {grid.row_numbers[0]}' if grid.sheet is None else repr(grid.sheet)}{why}"
        for grid, why in unread
    ]
    what = "sheets" if unread[0][0].sheet is not None else "blocks"
    text = f"{what} not read: {len(unread)} ({', '.join(names)})."
    return (Note(text, kind=f"{what} not read", file=place, values={what: len(unread)}),)
