"""One table of a measurement file: to resistances with state, condition, cell and cycle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.notes import Note
from rramsim.readers.columns.cell_ids import CellNames
from rramsim.readers.columns.headers import Header, settings_by_unit
from rramsim.readers.columns.layout import IGNORED, Layout
from rramsim.readers.columns.optional import cells_of, counts_of, read_extras
from rramsim.readers.columns.raw_readings import raw_readings
from rramsim.readers.columns.timestamps import LIKE_TIME, seconds_of, since_first
from rramsim.readers.columns.values import read_quantity_column
from rramsim.readers.formats.detect import stem_of
from rramsim.readers.formats.netcdf import read_readings
from rramsim.readers.limits.censoring import RawReadings, to_resistances
from rramsim.readers.limits.magnitudes import are_like_thousands
from rramsim.readers.limits.meter_range import Guess, apply_limits
from rramsim.readers.options import ReadOptions
from rramsim.readers.programming.condition import as_stated, conditions_of
from rramsim.readers.programming.sources import READ_VOLTAGE, Rows
from rramsim.readers.programming.stated_columns import labels_of
from rramsim.readers.sweeps import branch_of
from rramsim.readers.table import origin_of
from rramsim.schema import STATES, are_programmed, settings

if TYPE_CHECKING:
    import numpy as np


# A column of as few values, each with as many readings of a state, may name conditions.
_MOST_VALUES, _LEAST_READINGS, _VALUES_SHOWN = 20, 3, 4

ALL_FILES = "all files"
"""The condition of files whose names hold other things than a condition."""


@dataclass(frozen=True)
class FileReadings:
    """The readings of one table of a file: arrays ``(readings,)``, blank readings taken out.

    `condition` indexes `condition_names`; `row_number` is the row in the file; `more` holds the
    optional variables (SI) that the table has. `unit_given` is False where no unit of the readings
    is known. `headers` are those of the file. `taken` holds the seconds at which readings
    that are to be numbered as cycles were taken, or is None. `count` counts the readings of the
    table, `left_out` those left out by a key of `rramsim.measurements.LEFT_OUT`. `name` is how
    messages name the file; `within` what the names of conditions hold within (a folder, a file),
    empty where they hold everywhere. `guesses` are limits of the meter that nobody gave.
    `like_thousands` says whether a point in the numbers may part thousands. `is_spare` marks
    readings that count only where their condition has no others of their state. `layout` is the
    table they are from, None for netCDF.
    `part_of` is the name of the file where `condition_names` tell its parts only. `repeats` and
    `cycles` are those options as they hold for the file.
    """

    path: Path
    place: str
    resistance: np.ndarray
    censoring: np.ndarray
    condition: np.ndarray
    condition_names: list[str]
    state: np.ndarray
    cells: CellNames
    cycle: np.ndarray
    row_number: np.ndarray
    more: Mapping[str, np.ndarray]
    origin: str
    notes: tuple[Note, ...]
    unit_given: bool = True
    headers: frozenset[str] = frozenset()
    taken: np.ndarray | None = None
    count: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    name: str = ""
    within: str = ""
    guesses: tuple[Guess, ...] = ()
    are_resistances: bool = True
    like_thousands: bool = False
    is_spare: bool = False
    names_tests_of_sweeps: bool = False
    layout: Layout | None = None
    part_of: str = ""
    repeats: str | None = None
    cycles: tuple[float, float] | None = None

    def differing_columns(self, one: int, two: int) -> list[tuple[str, str, str]]:
        """Return the columns that are not used and differ between two rows, with their texts."""
        return [] if self.layout is None else self._differing(self.layout.header.unused(), one, two)

    def differing_settings(self, one: int, two: int) -> list[tuple[str, str, str]]:
        """Return the columns of settings that differ between two rows, with their texts."""
        if self.layout is None:
            return []
        header = self.layout.header
        roles = {setting.name for setting in (*settings(), READ_VOLTAGE)}
        known = [column.position for role, column in header.columns.items() if role in roles]
        positions = [*known, *settings_by_unit(header)]
        return self._differing([at for at in positions if self._is_chosen(at)], one, two)

    def _is_chosen(self, position: int) -> bool:
        """Whether a column holds a few numbers that a person chose, not one of each reading."""
        import numpy as np

        if self.layout is None:
            return False
        try:
            values = read_quantity_column(self.layout.table, position, factor=1.0)
        except InputError:
            return False
        return are_programmed(np.abs(values))

    @property
    def condition_columns(self) -> list[str]:
        """The headers of the columns that name its conditions."""
        if self.layout is None or "condition" not in self.layout.header.columns:
            return []
        column = self.layout.header.columns["condition"]
        return [column.header] if column.position < len(self.layout.header.texts) else []

    def _differing(
        self, positions: Sequence[int], one: int, two: int
    ) -> list[tuple[str, str, str]]:
        if self.layout is None:
            return []
        rows = [self.layout.grid.record_of(row) for row in (one, two)]
        texts = self.layout.header.texts
        return [
            (
                f"{place + 1} (-)" if texts[place] in ("", IGNORED) else texts[place],
                rows[0][place],
                rows[1][place],
            )
            for place in positions
            if place < min(map(len, rows)) and rows[0][place] != rows[1][place]
        ]


def without_spares(files: Sequence[FileReadings]) -> list[FileReadings]:
    """Return the files without spare readings of states that other readings show."""

    def populations(file: FileReadings) -> set[tuple[str, int]]:
        import numpy as np

        # One number for a condition and a state: hundreds of thousands of pairs take long.
        numbers = np.bincount(len(STATES) * file.condition + file.state)
        return {
            (file.condition_names[number // len(STATES)], number % len(STATES))
            for number in np.flatnonzero(numbers).tolist()
        }

    shown = set().union(*(populations(file) for file in files if not file.is_spare))
    return [file for file in files if not file.is_spare or not populations(file) & shown]


def with_branches_joined(files: Sequence[FileReadings]) -> list[FileReadings]:
    """Return the files with one condition for sweeps that only SET and only RESET by its name.

    "SET 55 uA" and "RESET 55 uA" are halves of the same cycles, of the condition "55 uA".
    """
    branches: dict[str, dict[int, set[str]]] = {}
    for file in (file for file in files if file.names_tests_of_sweeps):
        for name in file.condition_names:
            state, rest = branch_of(name)
            if state is not None:
                branches.setdefault(rest, {0: set(), 1: set()})[state].add(name)
    pairs = {
        (*names[0], *names[1]): rest or "SET and RESET"
        for rest, names in branches.items()
        if len(names[0]) == len(names[1]) == 1
    }
    joined = {name: condition for pair, condition in pairs.items() for name in pair}
    notes = tuple(
        Note(
            f"the tests {pair[0]!r} and {pair[1]!r} are taken as halves of the same cycles, of one "
            f"condition: {condition!r}.",
            kind="tests joined",
        )
        for pair, condition in pairs.items()
    )
    renamed = [
        replace(file, condition_names=[joined.get(name, name) for name in file.condition_names])
        if file.names_tests_of_sweeps
        else file
        for file in files
    ]
    return [replace(renamed[0], notes=(*notes, *renamed[0].notes)), *renamed[1:]]


def with_conditions_apart(files: Sequence[FileReadings]) -> list[FileReadings]:
    """Return the files with conditions named by where they hold, if they hold in several places.

    A tester names the same test alike in every folder. Where each folder has one such condition,
    the folder alone is its name.
    """
    names: dict[str, set[str]] = {}
    for file in files:
        if file.within:
            names.setdefault(file.within, set()).update(file.condition_names)
    if len(names) < 2:
        return list(files)
    is_one_each = all(len(conditions) == 1 for conditions in names.values())
    return [
        replace(
            file,
            condition_names=[
                file.within if is_one_each else f"{file.within}, {name}"
                for name in file.condition_names
            ],
        )
        if file.within
        else file
        for file in files
    ]


def of_table(path: Path, layout: Layout, options: ReadOptions) -> FileReadings:
    """Return the readings of one table of a file.

    Raises
    ------
    InputError
        For the first thing in the table that cannot be used.
    """
    import numpy as np

    table, header = layout.table, layout.header
    # What the tester says of its reading counts where the user says nothing.
    options = options.over(ReadOptions(read_voltage=layout.grid.read_voltage))
    notes = [*layout.grid.notes, *layout.notes]
    default = options.condition or _condition_of_name(path, options)
    raw = raw_readings(
        table,
        header,
        options,
        conditions_of=partial(
            _conditions, layout=layout, options=options, default=default, notes=notes
        ),
        notes=notes,
    )
    lines = raw.lines
    if default == ALL_FILES and default in raw.condition_names:
        text = (
            "neither the pattern of file names nor a column holds a condition; its readings are "
            f"of the condition {ALL_FILES!r}."
        )
        notes.append(Note(text, kind="no condition", file=layout.grid.place))
    read = to_resistances(raw)
    cells = cells_of(table, header, lines, raw.column, bit_lines=options.bit_lines)
    taken_at = _dates_taken(layout, raw, cells, options)
    more = read_extras(table, header.without("time" if taken_at else ""), lines, raw.state, notes)
    if taken_at is not None:
        position, more["time"] = taken_at
        notes = _notes_of_dates(notes, layout, position)
    if header.above is not None:
        side = Header(header.above.table.header, 0, 0, header.above.columns)
        more = {**read_extras(header.above.table, side, raw.column, raw.state, notes), **more}
    notes += _beside(layout, lines)
    if raw.condition_names == [default] and options.condition_from is None:
        dates = None if taken_at is None else taken_at[0]
        notes += _may_name_conditions(layout, raw, dates=dates)
    return FileReadings(
        path=path,
        place=layout.grid.place,
        resistance=read.values,
        censoring=read.censoring,
        condition=raw.condition,
        condition_names=raw.condition_names,
        part_of="" if raw.part_of == ALL_FILES else raw.part_of,
        state=raw.state,
        cells=cells,
        cycle=_cycles(raw, header),
        row_number=table.row_numbers[lines],
        more=more,
        origin=origin_of(layout.grid) or options.origin or "measured",
        notes=(*notes, *read.notes),
        guesses=read.guesses,
        are_resistances=raw.quantity == "resistance",
        like_thousands=are_like_thousands(raw.in_file_unit),
        unit_given=all(column.unit_given for column in layout.readings),
        headers=layout.headers,
        taken=None
        if layout.taken is None or "cycle" in layout.columns
        else np.array(layout.taken)[lines],
        is_spare=layout.is_spare,
        repeats=options.repeats,
        cycles=options.cycles,
        names_tests_of_sweeps=layout.taken is not None and layout.names_are_of_tester,
        layout=layout,
        count=raw.cells + sum(layout.grid.left_out.values()),
        left_out=Counter(layout.grid.left_out) + Counter(raw.left_out),
    )


def of_netcdf(path: Path, options: ReadOptions) -> FileReadings:
    """Return the readings that rramsim wrote as netCDF; `InputError` where they cannot be used.

    Of the options the limits of the meter count; all else the file says itself.
    """
    import numpy as np

    readings, more, origin = read_readings(path)
    resistance = readings["resistance"].values.astype(float)
    censoring = readings["censoring"].values.astype(np.int64)
    limits = {"over_range": options.over_range, "floor": options.floor}
    notes = apply_limits(resistance, censoring, **limits, place=path.name)
    return FileReadings(
        path=path,
        place=path.name,
        resistance=resistance,
        censoring=censoring,
        condition=readings["condition_index"].values.astype(np.int64),
        condition_names=[str(name) for name in readings["condition"].values],
        state=readings["state_index"].values.astype(np.int64),
        cells=CellNames(
            readings["cell"].values.astype(np.int64),
            more.pop("row", None),
            more.pop("column", None),
            more.pop("die", None),
        ),
        cycle=readings["cycle"].values.astype(np.int64),
        row_number=np.arange(1, readings.sizes["reading"] + 1),
        more=more,
        origin=origin,
        notes=tuple(notes),
        count=readings.sizes["reading"],
        repeats=options.repeats,
        cycles=options.cycles,
    )


def _conditions(
    lines: np.ndarray,
    columns: np.ndarray,
    state: np.ndarray,
    *,
    layout: Layout,
    options: ReadOptions,
    default: str,
    notes: list[Note],
) -> tuple[np.ndarray, list[str], str]:
    rows = Rows(layout.table, layout.header, lines, columns, state)
    if options.condition_from is not None:
        positions = [column.position for column in layout.readings]
        labels = labels_of(rows.sources, options.condition_from, readings=positions)
        conditions = as_stated(rows, labels, options.condition_from, notes)
    else:
        conditions = conditions_of(
            rows,
            default=default,
            is_stated=options.condition is not None,
            is_guess=_is_guess(layout, options),
            notes=notes,
        )
        if conditions.columns:
            notes[:] = _with_unused(notes, layout, but=conditions.columns)
    return conditions.codes, conditions.names, conditions.part_of


def _is_guess(layout: Layout, options: ReadOptions) -> bool:
    """Whether a condition of the whole table is only the name of its sheet or tester's test."""
    is_in_pattern = options.file_name is not None and "{condition" in options.file_name
    return "condition" in layout.grid.constants and not is_in_pattern


def _dates_taken(
    layout: Layout, raw: RawReadings, cells: CellNames, options: ReadOptions
) -> tuple[int, np.ndarray] | None:
    """Return the column of dates with the seconds since the first reading of each cell and state.

    A column named as a time counts where it holds dates; another one only where cells are read
    again and no cycle says so.
    """
    header = layout.header
    own = header.columns.get("time")
    positions = [own.position] if own is not None else []
    if own is None and (_cycles(raw, header) < 0).all():
        positions = [
            position
            for position in header.unused()
            if LIKE_TIME.search(header.texts[position])
            and header.texts[position] not in options.names
        ]
    for position in positions:
        where = f"{layout.grid.place}, column {layout.table.header[position]!r}"
        seconds = seconds_of(_texts_of(layout, position), where=where)
        if seconds is None:
            continue
        groups = len(STATES) * raw.condition + raw.state
        elapsed, is_again = since_first(seconds[raw.lines], groups, cells.keys())
        if own is not None or is_again:
            return position, elapsed
    return None


def _texts_of(layout: Layout, position: int) -> Sequence[str]:
    column = layout.table.columns[position]
    if len(column) or layout.grid.rest is None:
        return [str(text) for text in column]
    return [record[position] for record in layout.grid.whole().records[layout.header.start :]]


def _notes_of_dates(notes: Sequence[Note], layout: Layout, position: int) -> list[Note]:
    """Return the notes with one on the dates, which are no column that is not used."""
    header = layout.table.header[position]
    text = (
        f"times are taken from {header!r} and counted from the first reading of each cell and "
        "state, or of the state where no column names cells."
    )
    kept = _with_unused(notes, layout, but=(position,))
    return [*kept, Note(text, kind="times from dates", file=layout.grid.place)]


def _with_unused(notes: Sequence[Note], layout: Layout, *, but: Sequence[int]) -> list[Note]:
    """Return the notes, where columns of some positions are used after all."""
    unused = [
        repr(layout.header.texts[other])
        for other in layout.header.unused()
        if layout.header.texts[other] and other not in but
    ]
    text, values = f"columns not used: {', '.join(unused)}.", {"columns": len(unused)}
    return [
        replace(note, text=text, values=values) if note.kind == "columns not used" else note
        for note in notes
        if note.kind != "columns not used" or unused
    ]


def _condition_of_name(path: Path, options: ReadOptions) -> str:
    """Return what a file without conditions is called.

    Where a pattern tells what the names hold, and no condition is in it, they tell files of one
    condition apart: by state, cell or temperature.
    """
    return stem_of(path) if options.file_name is None else ALL_FILES


def _cycles(raw: RawReadings, header: Header) -> np.ndarray:
    import numpy as np

    by_column = [column.cycle for column in raw.columns]
    if None in by_column:
        return counts_of(raw.table, header, "cycle", raw.lines)
    cycles: np.ndarray = np.array(by_column, dtype=np.int64)[raw.column]
    return cycles


def _may_name_conditions(layout: Layout, raw: RawReadings, *, dates: int | None) -> list[Note]:
    """Return a note on each unused column of few values, each of them read in both states.

    The column of `dates`, from which the times are, is used.
    """
    import numpy as np
    import pandas as pd

    notes = []
    for position in layout.header.unused():
        header, texts = layout.table.header[position], layout.table.columns[position]
        if not header or header == IGNORED or position == dates or not len(texts):
            continue
        codes, values = pd.factorize(np.array([str(text).strip() for text in texts], dtype=object))
        count = len(values)
        if not 1 < count <= _MOST_VALUES:
            continue
        counts = np.bincount(codes[raw.lines] * 2 + raw.state, minlength=2 * count)
        if counts.min() >= _LEAST_READINGS:
            shown = ", ".join(map(repr, map(str, values[:_VALUES_SHOWN])))
            text = (
                f"the column {header!r} is not used and has {count} values ({shown}"
                f"{', ...' if count > _VALUES_SHOWN else ''}), each read in both states: if they "
                f'are programming conditions, give --condition-from "{header}".'
            )
            values_of_note: dict[str, float | int | str] = {"column": header, "different": count}
            notes.append(
                Note(
                    text, kind="may name conditions", file=layout.table.place, values=values_of_note
                )
            )
    return notes


def _beside(layout: Layout, lines: np.ndarray) -> list[Note]:
    """Return what is to be said of columns that hold the same readings in another quantity."""
    import numpy as np

    table, notes = layout.table, []
    for column in layout.header.beside:
        used = layout.readings[0]
        text = f"{used.header!r} is read, {column.header!r} is not"
        try:
            values = read_quantity_column(table, column.position, factor=1.0)[lines]
        except InputError:
            values = np.array([])
        negative = int((values < 0).sum())
        if negative:
            text += f"; it is negative in {negative:,} of {len(lines):,} rows that are used"
        notes.append(
            Note(f"{text}.", kind="not read", file=table.place, values={"negative": negative})
        )
    return notes
