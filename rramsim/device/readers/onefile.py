"""One measurement file: from its table to resistances with state, condition, cell and cycle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rramsim.device.readers.cells import CellNames
from rramsim.device.readers.headers import Column
from rramsim.device.readers.layout import WIDE, Layout, lay_out
from rramsim.device.readers.resistances import RawReadings, to_resistances
from rramsim.device.readers.sidecar import sidecar_of
from rramsim.device.readers.source import read_grids, stem_of
from rramsim.device.readers.table import RawTable, origin_of
from rramsim.device.readers.values import (
    BLANK,
    read_counts,
    read_failed,
    read_labels,
    read_numbers,
    read_quantity_column,
    read_states,
)
from rramsim.errors import InputError

if TYPE_CHECKING:
    import numpy as np

PROGRAMMING = (
    *("set_current", "set_voltage", "reset_voltage", "pulse_width"),
    *("set_energy", "reset_energy"),
)
"""Columns that say how a cell was programmed, and at what cost."""

_MAGNITUDES = ("set_current", "set_voltage", "reset_voltage")
_ROWS_SHOWN = 10


@dataclass(frozen=True)
class FileReadings:
    """The readings of one file: arrays ``(readings,)``, blank readings taken out.

    `condition` indexes `condition_names`; `row_number` is the row in the file; `more` holds the
    columns of `PROGRAMMING` (SI) and `failed` (0 or 1) that the file has.
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
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Stacked:
    """Readings of the wide form stacked under each other; those of the long form as they are."""

    values: np.ndarray
    kinds: np.ndarray
    lines: np.ndarray
    headers: np.ndarray
    states: np.ndarray | None
    current: bool


def read_file(
    path: Path, *, columns: Sequence[str] | None, read_voltage: float | None
) -> FileReadings:
    """Return the readings of one file (see `rramsim.device.readers.read_measurements`).

    Raises
    ------
    InputError
        For the first thing in the file that cannot be used.
    """
    sidecar = sidecar_of(path)
    if columns is None and sidecar is not None:
        columns = sidecar.columns
    grid, layout = lay_out(read_grids(path), columns)
    notes = [*grid.notes, *layout.notes]
    stacked = _stack(layout)
    kept = _without_blanks(stacked, layout.table, notes)
    table, lines = layout.table, kept.lines
    named = sidecar.condition if sidecar is not None else None
    condition, condition_names = _conditions(layout, lines, default=named or stem_of(path))
    state = _states(layout, kept)
    resistance, censoring, assumed = to_resistances(
        RawReadings(
            table=table,
            values=kept.values,
            kinds=kept.kinds,
            groups=2 * condition + state,
            lines=lines,
            headers=kept.headers,
            read_voltage=_read_voltages(layout, kept, read_voltage) if kept.current else None,
        )
    )
    more = _more(layout, lines, state, notes)
    said = origin_of(grid) or (sidecar.origin if sidecar is not None else None)
    return FileReadings(
        path=path,
        place=grid.place,
        resistance=resistance,
        censoring=censoring,
        condition=condition,
        condition_names=condition_names,
        state=state,
        cells=_cells(layout, lines),
        cycle=_counts(layout, "cycle", lines),
        row_number=table.row_numbers[lines],
        more=more,
        origin=said or "measured",
        notes=(*notes, *assumed),
    )


def _stack(layout: Layout) -> _Stacked:
    import numpy as np

    table, columns = layout.table, layout.columns
    wide = [(state, _first(columns, pair)) for state, pair in enumerate(WIDE)]
    parts = [(state, column) for state, column in wide if column is not None]
    long = _first(columns, ("resistance", "current"))
    chosen = parts if long is None else [(0, long)]
    if len({column.quantity for _, column in chosen}) > 1:
        raise InputError(
            f"{table.place}: {chosen[0][1].header!r} and {chosen[1][1].header!r} are a resistance "
            "and a current; accepted are two of a kind."
        )
    count = len(table.row_numbers)
    numbers = [read_numbers(table, column.position, marks=True) for _, column in chosen]
    factors = [column.factor for _, column in chosen]
    # What is beyond a float becomes infinite and is refused with its row later.
    with np.errstate(over="ignore"):
        values = [n.values * factor for n, factor in zip(numbers, factors, strict=True)]
    return _Stacked(
        values=np.concatenate(values),
        kinds=np.concatenate([n.kinds for n in numbers]),
        lines=np.tile(np.arange(count), len(chosen)),
        headers=np.repeat(np.array([column.header for _, column in chosen], dtype=object), count),
        states=None if long else np.repeat([state for state, _ in chosen], count),
        current=chosen[0][1].quantity == "current",
    )


def _first(columns: Mapping[str, Column], roles: Sequence[str]) -> Column | None:
    return next((columns[role] for role in roles if role in columns), None)


def _without_blanks(stacked: _Stacked, table: RawTable, notes: list[str]) -> _Stacked:
    import numpy as np

    blank = stacked.kinds == BLANK
    count = int(np.count_nonzero(blank))
    if not count:
        return stacked
    rows = table.row_numbers[stacked.lines[blank]]
    if count == len(blank):
        raise InputError(
            f"{table.place}: all {count:,} readings of {stacked.headers[0]!r} are blank or NaN."
        )
    shown = ", ".join(str(row) for row in rows[:_ROWS_SHOWN])
    more = ", ..." if count > _ROWS_SHOWN else ""
    word = "reading" if count == 1 else "readings"
    notes.append(
        f"{table.place}: {count:,} blank or NaN {word} dropped "
        f"({'row' if count == 1 else 'rows'} {shown}{more})."
    )
    keep = ~blank
    return _Stacked(
        values=stacked.values[keep],
        kinds=stacked.kinds[keep],
        lines=stacked.lines[keep],
        headers=stacked.headers[keep],
        states=None if stacked.states is None else stacked.states[keep],
        current=stacked.current,
    )


def _conditions(layout: Layout, lines: np.ndarray, *, default: str) -> tuple[np.ndarray, list[str]]:
    import numpy as np

    column = layout.columns.get("condition")
    if column is None:
        return np.zeros(len(lines), dtype=np.int64), [default]
    codes, names = read_labels(layout.table, column.position, what="condition")
    return codes[lines], names


def _states(layout: Layout, kept: _Stacked) -> np.ndarray:
    if kept.states is not None:
        return kept.states
    states: np.ndarray = read_states(layout.table, layout.columns["state"].position)[kept.lines]
    return states


def _read_voltages(layout: Layout, kept: _Stacked, given: float | None) -> np.ndarray:
    import numpy as np

    table, column = layout.table, layout.columns.get("read_voltage")
    if column is None:
        if given is None or not np.isfinite(given) or given == 0:
            raise InputError(
                f"{table.place}: {kept.headers[0]!r} is a current, and no read voltage is known; "
                'add a column "read voltage (V)" or give --read-voltage "0.2 V" (not 0).'
            )
        return np.full(len(kept.lines), given)
    voltages: np.ndarray = read_quantity_column(table, column.position, factor=column.factor)
    voltages = voltages[kept.lines]
    refused = ~(np.isfinite(voltages) & (voltages != 0))
    if refused.any():
        line = int(kept.lines[int(refused.argmax())])
        raise InputError(
            f"{table.where(line, column.header)}: {table.columns[column.position][line]!r} is not "
            "a read voltage; a current needs one that is not 0."
        )
    return voltages


def _counts(layout: Layout, role: str, lines: np.ndarray) -> np.ndarray:
    import numpy as np

    column = layout.columns.get(role)
    if column is None:
        return np.full(len(lines), -1, dtype=np.int64)
    counts: np.ndarray = read_counts(layout.table, column.position)[lines]
    return counts


def _cells(layout: Layout, lines: np.ndarray) -> CellNames:
    import numpy as np

    column = layout.columns.get("cell")
    if column is None:
        if "row" not in layout.columns or "column" not in layout.columns:
            return CellNames(None, None, None)
        row, position = (_counts(layout, role, lines) for role in ("row", "column"))
        return CellNames(None, row, position)
    try:
        names = read_counts(layout.table, column.position)
    except InputError:
        # Names such as "A8-04" are as good as numbers: they only have to be told apart.
        texts = layout.table.columns[column.position]
        names = np.array([text.strip() for text in texts], dtype=object)
    return CellNames(names[lines], None, None)


def _more(
    layout: Layout, lines: np.ndarray, state: np.ndarray, notes: list[str]
) -> dict[str, np.ndarray]:
    import numpy as np

    more: dict[str, np.ndarray] = {}
    wide = "state" not in layout.columns
    for role in PROGRAMMING:
        column = layout.columns.get(role)
        if column is None:
            continue
        values = _programming(layout.table, column, notes)[lines]
        if wide and role in ("set_energy", "reset_energy"):
            # A row of the wide form is one SET and one RESET: each energy counts once.
            values = np.where(state == (0 if role == "set_energy" else 1), values, np.nan)
        more[role] = values
    if "failed" in layout.columns:
        failed = read_failed(layout.table, layout.columns["failed"].position)[lines]
        more["failed"] = failed
        count = int(failed.sum())
        if count:
            word = "reading marked as failed is" if count == 1 else "readings marked as failed are"
            notes.append(f"{layout.table.place}: {count:,} {word} kept in the populations.")
    return more


def _programming(table: RawTable, column: Column, notes: list[str]) -> np.ndarray:
    import numpy as np

    values = read_quantity_column(table, column.position, factor=column.factor)
    refused = np.isinf(values)
    if column.role not in _MAGNITUDES:
        refused |= values < 0
    if column.role == "pulse_width":
        refused |= values == 0
    if refused.any():
        line = int(refused.argmax())
        raise InputError(
            f"{table.where(line, column.header)}: {table.columns[column.position][line]!r} was "
            "found; accepted is a finite number, not negative (and not 0 for a width)."
        )
    if (values < 0).any():
        notes.append(f"{table.place}: of {column.header!r} the magnitude is kept, not the sign.")
    magnitudes: np.ndarray = np.abs(values)
    return magnitudes
