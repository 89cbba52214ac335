"""One table of a measurement file: to resistances with state, condition, cell and cycle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.notes import Note
from rramsim.readers.columns.cell_ids import CellNames
from rramsim.readers.columns.censoring import RawReadings, to_resistances
from rramsim.readers.columns.layout import Layout
from rramsim.readers.columns.optional import cells_of, counts_of, read_extras
from rramsim.readers.columns.stack import Stacked, stack
from rramsim.readers.columns.values import read_labels, read_quantity_column, read_states
from rramsim.readers.formats.detect import stem_of
from rramsim.readers.formats.netcdf import read_readings
from rramsim.readers.options import ReadOptions
from rramsim.readers.table import origin_of
from rramsim.schema import STATES

if TYPE_CHECKING:
    import numpy as np


ALL_FILES = "all files"
"""The condition of files whose names hold other things than a condition."""


@dataclass(frozen=True)
class FileReadings:
    """The readings of one table of a file: arrays ``(readings,)``, blank readings taken out.

    `condition` indexes `condition_names`; `row_number` is the row in the file; `more` holds the
    optional variables (SI) that the table has. `unit_given` is False where no unit of the readings
    is known. `headers` are those of the file. `taken` holds the seconds at which readings
    that are to be numbered as cycles were taken, or is None.
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


def of_table(path: Path, layout: Layout, options: ReadOptions) -> FileReadings:
    """Return the readings of one table of a file.

    Raises
    ------
    InputError
        For the first thing in the table that cannot be used.
    """
    import numpy as np

    notes = [*layout.grid.notes, *layout.notes]
    stacked = stack(layout.table, layout.header, notes)
    states = _states(layout, stacked, options.states)
    keep = states >= 0
    if not keep.all():
        stacked, states = stacked.only(keep), states[keep]
        notes.append(_of_other_states(layout, options.states, int((~keep).sum()), len(keep)))
    lines = stacked.lines
    default = options.condition or _condition_of_name(path, options)
    condition, condition_names = _conditions(layout, stacked, default=default)
    if default == ALL_FILES and default in condition_names:
        text = (
            "neither the pattern of file names nor a column holds a condition; its readings are "
            f"of the condition {ALL_FILES!r}."
        )
        notes.append(Note(text, kind="no condition", file=layout.grid.place))
    resistance, censoring, assumed = to_resistances(
        RawReadings(
            table=layout.table,
            values=stacked.values,
            kinds=stacked.kinds,
            groups=len(STATES) * condition + states,
            populations=[f"{name}/{state}" for name in condition_names for state in STATES],
            lines=lines,
            headers=stacked.headers,
            quantity=stacked.quantity,
            read_voltage=_read_voltages(layout, stacked, options.read_voltage),
            over_range=options.over_range,
            floor=options.floor,
        )
    )
    more = read_extras(layout.table, layout.header, lines, states, notes)
    notes += _beside(layout, lines)
    return FileReadings(
        path=path,
        place=layout.grid.place,
        resistance=resistance,
        censoring=censoring,
        condition=condition,
        condition_names=condition_names,
        state=states,
        cells=cells_of(layout.table, layout.header, lines, bit_lines=options.bit_lines),
        cycle=counts_of(layout.table, layout.header, "cycle", lines)
        if stacked.cycles is None
        else stacked.cycles,
        row_number=layout.table.row_numbers[lines],
        more=more,
        origin=origin_of(layout.grid) or options.origin or "measured",
        notes=(*notes, *assumed),
        unit_given=all(column.unit_given for column in layout.readings),
        headers=layout.headers,
        taken=None
        if layout.taken is None or "cycle" in layout.columns
        else np.array(layout.taken)[lines],
    )


def of_netcdf(path: Path) -> FileReadings:
    """Return the readings that rramsim wrote as netCDF; `InputError` where they cannot be used."""
    import numpy as np

    readings, more, origin = read_readings(path)
    return FileReadings(
        path=path,
        place=path.name,
        resistance=readings["resistance"].values,
        censoring=readings["censoring"].values.astype(np.int64),
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
        notes=(),
    )


def _condition_of_name(path: Path, options: ReadOptions) -> str:
    """Return what a file without conditions is called.

    Where a pattern tells what the names hold, and no condition is in it, they tell files of one
    condition apart: by state, cell or temperature.
    """
    return stem_of(path) if options.file_name is None else ALL_FILES


def _conditions(layout: Layout, stacked: Stacked, *, default: str) -> tuple[np.ndarray, list[str]]:
    import numpy as np

    if stacked.conditions is not None:
        by_column = [column.condition or default for column in layout.readings]
        names = list(dict.fromkeys(by_column))
        return np.array([names.index(name) for name in by_column])[stacked.conditions], names
    column = layout.columns.get("condition")
    if column is None:
        return np.zeros(len(stacked.lines), dtype=np.int64), [default]
    codes, names = read_labels(layout.table, column.position, what="condition")
    return codes[stacked.lines], names


def _states(layout: Layout, stacked: Stacked, named: Mapping[str, int]) -> np.ndarray:
    if stacked.states is not None:
        return stacked.states
    states = read_states(layout.table, layout.columns["state"].position, named or None)
    of_readings: np.ndarray = states[stacked.lines]
    if (of_readings < 0).all():
        raise InputError(
            f"{layout.table.place}: no row of the column {layout.columns['state'].header!r} holds "
            f"one of the states named ({', '.join(map(repr, named))})."
        )
    return of_readings


def _of_other_states(layout: Layout, named: Mapping[str, int], left: int, rows: int) -> Note:
    return Note(
        f"rows left out because {layout.columns['state'].header!r} is none "
        f"of {', '.join(named)}: {left:,} of {rows:,}.",
        kind="other states",
        file=layout.table.place,
        values={"rows": rows, "left_out": left},
    )


def _read_voltages(layout: Layout, stacked: Stacked, given: float | None) -> np.ndarray | None:
    import numpy as np

    if stacked.quantity == "resistance":
        return None
    if stacked.quantity == "conductance":
        # A conductance is the current at one volt.
        return np.ones(len(stacked.lines))
    table, column = layout.table, layout.columns.get("read_voltage")
    if column is None:
        if given is None or not np.isfinite(given) or given == 0:
            raise InputError(
                f"{table.place}: {stacked.headers[0]!r} is a current, and no read voltage is "
                'known; add a column "read voltage (V)" or give --read-voltage "0.2 V" (not 0).'
            )
        return np.full(len(stacked.lines), given)
    voltages: np.ndarray = read_quantity_column(table, column.position, factor=column.factor)
    voltages = voltages[stacked.lines]
    refused = ~(np.isfinite(voltages) & (voltages != 0))
    if refused.any():
        line = int(stacked.lines[int(refused.argmax())])
        text = str(table.columns[column.position][line])
        raise InputError(
            f"{table.where(line, column.header)}: {text!r} is not "
            "a read voltage; a current needs one that is not 0."
        )
    return voltages


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
