"""Columns of readings put under each other, blank readings taken out and counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.notes import Note
from rramsim.readers.columns.header_rows import Header
from rramsim.readers.columns.values import BLANK, read_numbers, read_statuses
from rramsim.readers.table import RawTable
from rramsim.schema import EXACT
from rramsim.units import scaled_column

if TYPE_CHECKING:
    import numpy as np

_FLAGS = ("over_range_flag", "compliance_flag", "status")
_ROWS_SHOWN = 10


@dataclass(frozen=True)
class Stacked:
    """Readings of one table: arrays ``(readings,)``, in SI units.

    `lines` and `headers` say where a reading stands. `states`, `conditions` (positions of the
    columns) and `cycles` are None where a column of the table says them.
    """

    values: np.ndarray
    kinds: np.ndarray
    lines: np.ndarray
    headers: np.ndarray
    states: np.ndarray | None
    conditions: np.ndarray | None
    cycles: np.ndarray | None
    quantity: str

    def only(self, keep: np.ndarray) -> Stacked:
        """Return the readings at which `keep` is true."""
        return Stacked(
            values=self.values[keep],
            kinds=self.kinds[keep],
            lines=self.lines[keep],
            headers=self.headers[keep],
            states=None if self.states is None else self.states[keep],
            conditions=None if self.conditions is None else self.conditions[keep],
            cycles=None if self.cycles is None else self.cycles[keep],
            quantity=self.quantity,
        )


def stack(table: RawTable, header: Header, notes: list[Note]) -> Stacked:
    """Return the readings of a table that are not blank; the others are counted in `notes`.

    Raises
    ------
    InputError
        If the columns hold different quantities, a text is no reading, or all are blank.
    """
    import numpy as np

    readings = header.readings
    first = readings[0]
    other = next((column for column in readings if column.quantity != first.quantity), None)
    if other is not None:
        raise InputError(
            f"{table.place}: {first.header!r} and {other.header!r} are a "
            f"{first.quantity} and a {other.quantity}; accepted are two of a kind."
        )
    count = len(table.row_numbers)
    numbers = [read_numbers(table, column.position, marks=True) for column in readings]

    def by_column(values: list[int | None]) -> np.ndarray | None:
        return None if None in values else np.repeat(np.array(values, dtype=np.int64), count)

    by_condition = any(column.condition is not None for column in readings)
    stacked = Stacked(
        values=np.concatenate(
            [
                scaled_column(values, column.factor)
                for (values, _), column in zip(numbers, readings, strict=True)
            ]
        ),
        kinds=np.concatenate([kinds for _, kinds in numbers]),
        lines=np.tile(np.arange(count), len(readings)),
        headers=np.repeat(np.array([column.header for column in readings], dtype=object), count),
        states=by_column([column.state for column in readings]),
        conditions=np.repeat(np.arange(len(readings)), count) if by_condition else None,
        cycles=by_column([column.cycle for column in readings]),
        quantity=first.quantity or "resistance",
    )
    return _without_blanks(_flagged(stacked, table, header), table, notes)


def _flagged(stacked: Stacked, table: RawTable, header: Header) -> Stacked:
    """Let the flags of a reading count where its number does not say more."""
    for role in _FLAGS:
        column = header.columns.get(role)
        if column is None:
            continue
        if len(header.readings) > 1:
            raise InputError(
                f"{table.place}: the flags in {column.header!r} are of one reading a row; "
                "here a row has several. Give a row for each reading."
            )
        flags = read_statuses(table, column.position, role=role)[stacked.lines]
        marked = (flags != EXACT) & (flags != BLANK)
        tells = ((flags != EXACT) & (stacked.kinds == EXACT)) | (marked & (stacked.kinds == BLANK))
        stacked.kinds[tells] = flags[tells]
    return stacked


def _without_blanks(stacked: Stacked, table: RawTable, notes: list[Note]) -> Stacked:
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
        Note(
            f"{count:,} blank or NaN {word} dropped "
            f"({'row' if count == 1 else 'rows'} {shown}{more}).",
            kind="blank",
            file=table.place,
            values={"readings": count},
        )
    )
    return stacked.only(~blank)
