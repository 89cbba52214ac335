"""All tables of one file: sheets, blocks of a tester's record, sweeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from rramsim.errors import InputError
from rramsim.notes import Note
from rramsim.readers.columns.layout import Layout, by_given_columns, by_header, no_header
from rramsim.readers.formats.several_tables import (
    of_other_headers,
    refuse_readings_above,
    tables_one_below_another,
    tables_side_by_side,
)
from rramsim.readers.formats.sheets import is_summary, place_of_name, state_of_name
from rramsim.readers.options import ReadOptions, columns_of_width
from rramsim.readers.sweeps import (
    Sweep,
    only_state,
    read_points,
    readings_of_sweeps,
    titled_by_file,
)
from rramsim.readers.table import Grid, NoReadingsError
from rramsim.readers.testers import tables_of
from rramsim.schema import state_named

_PLURALS = {"condition": "conditions", "cell": "cells", "die": "dice"}
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
    filled, unread = _to_read(grids)
    if options.columns is None:
        layouts, others = _by_headers(filled, options, place=place, constants=constants)
    else:
        layouts, others = _by_columns(
            filled, options.columns, options, place=place, constants=constants
        )
    unread += others
    first, *more = layouts
    notes = (*first.notes, *_sheet_notes(layouts, place=place), *_left_out(unread, place=place))
    return [replace(first, notes=notes), *more]


def cause_of(error: InputError, grids: Sequence[Grid], options: ReadOptions) -> InputError:
    """Return the error for tables with different headers where a file holds these, else `error`.

    What a row of one of them lacks is then no fault of that row.
    """
    if options.columns is not None or isinstance(error, NoReadingsError):
        return error
    read = (grid for grid in grids if grid.records and not grid.unread and not tables_of(grid))
    return next((other for grid in read if (other := of_other_headers(grid))), error)


def _to_read(grids: Sequence[Grid]) -> tuple[list[Grid], list[tuple[Grid, str]]]:
    """Return the grids to look for readings in, and the others with the reason."""
    unread = [(grid, grid.unread) for grid in grids if grid.unread]
    filled = [grid for grid in grids if grid.records and not grid.unread]
    return [
        replace(grid, others=tuple(other for other in grids if other is not grid))
        for grid in filled
    ], unread


def _by_columns(
    grids: Sequence[Grid],
    columns: Sequence[str],
    options: ReadOptions,
    *,
    place: str,
    constants: Mapping[str, str],
) -> tuple[list[Layout], list[tuple[Grid, str]]]:
    """Return the tables that are as wide as the user's columns, and the other grids."""
    columns = columns_of_width(columns, len(grids[0].records[0]))

    def layout_of(grid: Grid) -> Layout:
        also = options.condition_from or ()
        layout = by_given_columns(grid, columns, constants=constants, also=also)
        return replace(layout, headers=frozenset(columns))

    width = len(columns)
    fitting = [grid for grid in grids if len(grid.records[0]) == width] or grids[:1]
    names = [str(grid.sheet) for grid in grids if grid.sheet is not None]
    layouts = [layout_of(_of_sheet(grid, names)) for grid in fitting]
    if layouts[0].sweeps:
        sweeps = [sweep for one in layouts for sweep in _sweeps(one, constants=constants)]
        layouts = _of_sweeps(sweeps, layouts, options, place=place)
    others = [(grid, f"not {width} columns") for grid in grids if grid not in fitting]
    layouts, summaries = _without_summaries(layouts, options, has_others=False)
    return _named_by_sheet(layouts, layout_of, options), [*others, *summaries]


def _by_headers(
    grids: Sequence[Grid], options: ReadOptions, *, place: str, constants: Mapping[str, str]
) -> tuple[list[Layout], list[tuple[Grid, str]]]:
    """Return the tables with readings, and the grids that are none with the reason."""

    def layout_of(grid: Grid) -> Layout | None:
        also = options.condition_from or ()
        layout = by_header(grid, names=options.names, constants=constants, also=also)
        if layout is not None and not layout.sweeps:
            refuse_readings_above(grid, layout.header.row)
        return layout

    layouts: list[Layout] = []
    sweeps: list[Sweep] = []
    swept: list[Layout] = []
    unread: list[tuple[Grid, str]] = []
    headers: set[str] = set()
    refused: list[InputError] = []
    names = [str(grid.sheet) for grid in grids if grid.sheet is not None]
    is_named = options.condition_from is not None or "condition" in constants
    tables = [table for grid in grids for table in _tables_of(grid, names, is_named=is_named)]
    for grid, is_needed in tables:
        layout = _tried(grid, layout_of, is_needed=is_needed)
        if isinstance(layout, InputError):
            refused.append(layout)
            unread.append((grid, str(layout).removeprefix(f"{grid.place}, ")))
            continue
        headers |= set() if layout is None else set(layout.table.header)
        if layout is None:
            unread.append((grid, "no readings"))
        elif layout.sweeps:
            sweeps += _sweeps(layout, constants=constants)
            swept.append(layout)
        elif any(_same(layout, other) for other in layouts):
            unread.append((grid, "the same as another sheet"))
        else:
            layouts.append(layout)
    if not layouts and not sweeps:
        raise refused[0] if refused else no_header(tables[0][0])
    layouts, summaries = _without_summaries(layouts, options, has_others=bool(sweeps))
    unread += summaries
    layouts = _named_by_sheet(layouts, layout_of, options)
    layouts += _of_sweeps(sweeps, swept, options, place=place)
    return [replace(layout, headers=frozenset(headers)) for layout in layouts], unread


def _tables_of(grid: Grid, names: Sequence[str], *, is_named: bool) -> list[tuple[Grid, bool]]:
    """Return the tables of a sheet, and of each whether the others mean nothing without it."""
    of_tester = tables_of(grid)
    if of_tester:
        return [(table, False) for table in of_tester]
    grid = _of_sheet(grid, names)
    parts = tables_side_by_side(grid, is_named=is_named) or tables_one_below_another(grid)
    return [(table, True) for table in parts] or [(grid, False)]


def _tried(
    grid: Grid, layout_of: Callable[[Grid], Layout | None], *, is_needed: bool
) -> Layout | InputError | None:
    """Return the layout of a table, or the error for one that may be left out."""
    try:
        layout = layout_of(grid)
    except InputError as error:
        if is_needed:
            raise
        return error
    if layout is None and is_needed:
        raise no_header(grid)
    return layout


def _of_sweeps(
    sweeps: Sequence[Sweep], swept: Sequence[Layout], options: ReadOptions, *, place: str
) -> list[Layout]:
    """Return the table of what sweeps left, and a spare one of what they found.

    Where all sweeps program one state, they show the other on the way out, as the sweeps before
    them left it; it counts if no other file shows it.
    """
    if not sweeps:
        return []
    named = {layout.grid.read_voltage for layout in swept}
    voltage = options.read_voltage
    if voltage is None and len(named) == 1:
        voltage = named.pop()
    sweeps, by_name = titled_by_file(sweeps, place=place)
    said = (*dict.fromkeys(note for one in swept for note in one.grid.notes), *by_name)
    layouts = []
    for before in (False, True) if only_state(sweeps) is not None else (False,):
        try:
            grid, taken = readings_of_sweeps(
                sweeps, place=place, read_voltage=voltage, before=before
            )
        except InputError:
            if not before:
                raise
            continue
        notes = grid.notes if before else (*said, *grid.notes, *_unused(swept, place=place))
        layout = by_header(_without_empty(replace(grid, notes=notes)), names={}, constants={})
        if layout is not None:
            layouts.append(replace(layout, taken=taken, is_spare=before))
    return layouts


def _unused(swept: Sequence[Layout], *, place: str) -> list[Note]:
    """Return which columns of sweeps are not read, once for all of a file."""
    names: dict[str, None] = {}
    for layout in swept:
        used = {column.position for pair in layout.sweeps for column in pair}
        used |= set(_parting(layout).values())
        texts = enumerate(layout.header.texts)
        names |= {text: None for i, text in texts if i not in used and text.strip(" -")}
    if not names:
        return []
    text = f"columns not used: {', '.join(map(repr, names))}."
    return [Note(text, kind="columns not used", file=place, values={"columns": len(names)})]


def _of_sheet(grid: Grid, names: Sequence[str]) -> Grid:
    """Return the grid with what the name of its sheet says: "weak LRS" a condition and a state.

    "Cell 3" is a cell and "Die 3" a die where several of the sheets, `names`, are named like that.
    """
    if grid.sheet is None:
        return grid
    constants = state_of_name(grid.sheet)
    place = place_of_name(grid.sheet)
    if not constants and place is not None and sum(map(_is_place, names)) > 1:
        constants = {place: grid.sheet}
    return replace(grid, constants=constants, title=grid.sheet)


def _without_summaries(
    layouts: list[Layout], options: ReadOptions, *, has_others: bool
) -> tuple[list[Layout], list[tuple[Grid, str]]]:
    """Return the tables without those of sheets that sum up others, and these with the reason.

    A summary that stands alone, or that the user chose, is read.
    """
    sums = [layout.grid.sheet is not None and is_summary(layout.grid.sheet) for layout in layouts]
    if options.sheets is not None or (all(sums) and not has_others):
        return layouts, []
    pairs = list(zip(layouts, sums, strict=True))
    why = "a summary by its name; --sheet reads it"
    return [one for one, is_sum in pairs if not is_sum], [
        (one.grid, why) for one, is_sum in pairs if is_sum
    ]


def _is_place(name: str) -> bool:
    return place_of_name(name) is not None


def _same(layout: Layout, other: Layout) -> bool:
    of_sheets = layout.grid.sheet is not None and layout.grid.sheet != other.grid.sheet
    return of_sheets and layout.grid.records == other.grid.records


def _named_by_sheet(
    layouts: list[Layout], layout_of: Callable[[Grid], Layout | None], options: ReadOptions
) -> list[Layout]:
    """Let the names of several sheets be their conditions, where nothing else names these."""
    if options.condition_from or sum(layout.grid.sheet is not None for layout in layouts) < 2:
        return layouts
    named = []
    for layout in layouts:
        is_named = any(column.condition is not None for column in layout.readings)
        # The name may already say a run, a state or a cell.
        is_free = layout.grid.sheet is not None and not layout.grid.constants
        if is_free and not is_named and "condition" not in layout.columns:
            grid = replace(layout.grid, constants={"condition": str(layout.grid.sheet)})
            again = layout_of(grid)
            layout = layout if again is None else again
        named.append(layout)
    return named


def _sheet_notes(layouts: Sequence[Layout], *, place: str) -> list[Note]:
    """Return what the names of sheets are taken as, and which sheets are read one after another."""
    sheets = [layout for layout in layouts if layout.grid.sheet is not None]
    notes = []
    for role in ("condition", "cell", "die"):
        named = [
            repr(layout.grid.sheet)
            for layout in sheets
            if layout.header.constants.get(role) == layout.grid.sheet
        ]
        if named:
            text = f"the names of sheets are taken as {_PLURALS[role]}: {', '.join(named)}."
            values = {"sheets": len(named)}
            notes.append(Note(text, kind="name of the sheet", file=place, values=values))
    joined = [repr(layout.grid.sheet) for layout in sheets if not layout.header.constants]
    joined = list(dict.fromkeys(joined))
    if len(joined) > 1:
        text = f"sheets read one after another, as one table: {', '.join(joined)}."
        values = {"sheets": len(joined)}
        notes.append(Note(text, kind="sheets joined", file=place, values=values))
    return notes


def _sweeps(layout: Layout, *, constants: Mapping[str, str]) -> list[Sweep]:
    """Return the sweeps of a table; where several stand side by side, each with its device.

    Columns of conditions, cells and cycles part the rows of a table: each part is a sweep.
    """
    import numpy as np

    grid, table = layout.grid, layout.table
    known = {**grid.constants, **constants}
    columns = _parting(layout)
    sweeps = []
    for index, (voltage, current) in enumerate(layout.sweeps):
        volts, amps, flagged, rows = read_points(table, voltage, current)
        lines = np.searchsorted(table.row_numbers, rows).tolist() if columns else []
        texts = [
            tuple(str(table.columns[position][line]).strip() for position in columns.values())
            for line in lines
        ] or [()]
        starts = [i for i in range(len(texts)) if not i or texts[i] != texts[i - 1]]
        for start, end in zip(starts, [*starts[1:], len(volts)], strict=True):
            said = known | dict(zip(columns, texts[start], strict=True))
            sweeps.append(
                Sweep(
                    voltage=volts[start:end],
                    current=amps[start:end],
                    flagged=np.asarray(flagged)[start:end],
                    row_numbers=rows[start:end],
                    title=grid.title,
                    cell=_device_above(layout, index) or said.get("cell", ""),
                    condition=said.get("condition", ""),
                    cycle=said.get("cycle", ""),
                    state=state_named(said.get("state", "")),
                    compliance=grid.compliance,
                    taken=grid.taken,
                )
            )
    return sweeps


def _parting(layout: Layout) -> dict[str, int]:
    """Return the positions of the columns of a table that part its rows into sweeps, by role."""
    own = {role: layout.header.columns.get(role) for role in ("condition", "cell", "cycle")}
    width = len(layout.header.texts)
    return {
        role: column.position
        for role, column in own.items()
        if column is not None and column.position < width
    }


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
        f"{f'row {grid.row_numbers[0]}' if grid.sheet is None else repr(grid.sheet)} ({why})"
        for grid, why in unread
    ]
    what = "sheets" if unread[0][0].sheet is not None else "blocks"
    text = f"{what} not read: {len(unread)} ({', '.join(names)})."
    return (Note(text, kind=f"{what} not read", file=place, values={what: len(unread)}),)
