"""Names that a table writes once for a block of rows, in its first one."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeGuard

from rramsim.errors import InputError
from rramsim.notes import Note
from rramsim.readers.columns.headers import Header, positions_of
from rramsim.readers.table import RawTable
from rramsim.schema import settings

if TYPE_CHECKING:
    import numpy as np

# What is written once for many rows, from the most to the fewest; settings come after the first.
_COARSE, _FINE = ("condition", "die"), ("temperature", "time", "read_voltage", "row", "column")
_FINEST = ("cell", "cycle", "state")
_LEAST_ROWS = 3


def filled_down(
    table: RawTable,
    header: Header,
    *,
    also: Sequence[str],
    merged: Sequence[tuple[int, int, int]],
) -> tuple[RawTable, list[Note]]:
    """Return the table with the names of blocks in all their rows, and a note on each column.

    A blank cell has the text of the merged cell that covers it. Where no cells are merged, it has
    the text above it if the column can mean nothing else: its first row has a text, every text has
    blank cells below it, and the text after them is another one, or stands where a condition or a
    die begins. Other blank cells stay blank.

    Parameters
    ----------
    table : RawTable
    header : Header
        With the meaning of its columns.
    also : sequence of str
        Columns without a meaning of their own by which conditions are named.
    merged : sequence of (int, int, int)
        Cells merged over several rows: first and last row of the file, position of the column.

    Examples
    --------
    >>> import numpy as np
    >>> columns = (["weak", "", "strong", ""],)
    >>> table = RawTable("cells.csv", ("recipe",), columns, np.arange(2, 6), False)
    >>> filled, notes = filled_down(table, Header(("recipe",), 0, 1), also=["recipe"], merged=())
    >>> filled.columns[0]
    ['weak', 'weak', 'strong', 'strong']
    """
    import numpy as np

    positions = _positions(header, also)
    if not any(_has_blanks(table.columns[position]) for position in positions):
        return table, []
    columns, notes = list(table.columns), []
    coarse = {header.columns[role].position for role in _COARSE if role in header.columns}
    places = [header.columns[role].position for role in ("die", "cell") if role in header.columns]
    # Rows in which another condition or die begins.
    begins = np.zeros(len(table.row_numbers), dtype=bool)
    for position in positions:
        texts = _as_texts(columns[position])
        blank = texts == ""
        source = _rows_of_merged(table.row_numbers, blank, position, merged)
        if (source < 0).all() and _are_blocks(texts, blank, begins):
            of_state = _is_of_one_state(table, header, position, blank)
            source = np.where(blank & (not of_state), _above(blank), -1)
        taken = source >= 0
        if taken.any():
            columns[position] = _taken(columns[position], source)
            notes.append(_note(table, position, taken, source))
        left = int(np.count_nonzero(blank & ~taken))
        if left and position in places:
            notes.append(_of_blanks(table, position, left))
        if position in coarse:
            texts = _as_texts(columns[position])
            begins[1:] |= texts[1:] != texts[:-1]
    return replace(table, columns=tuple(columns)), notes


def refuse_names_between(table: RawTable, header: Header) -> None:
    """Refuse a row that holds nothing but a name: the rows below it may be of another condition.

    A cell without readings is no such row; it is named like the other cells.

    Raises
    ------
    InputError
        With the first such row that rows with readings follow.
    """
    import numpy as np

    if "condition" in header.columns or not all(map(len, table.columns[: len(header.texts)])):
        return
    of_readings = [table.columns[column.position] for column in header.readings]
    # Numbers without a blank among them settle it, and texts of a million take long to make.
    if any(_are_numbers(column) and not _has_blanks(column) for column in of_readings):
        return
    readings = [_as_texts(column) for column in of_readings]
    lacking = np.all([texts == "" for texts in readings], axis=0)
    if not lacking.any() or lacking.all():
        return
    last = int(np.flatnonzero(~lacking)[-1])
    columns = [_as_texts(column) for column in table.columns[: len(header.texts)]]
    for line in np.flatnonzero(lacking[:last]):
        filled = [at for at, texts in enumerate(columns) if texts[line]]
        if len(filled) != 1:
            continue
        text, position = columns[filled[0]][line], filled[0]
        others = {_pattern(other) for other in columns[position][~lacking]}
        if _pattern(text) not in others and not re.fullmatch(r"[\d.,\s+-]*", text):
            raise InputError(
                f"{table.place}, row {table.row_numbers[line]}: the row holds only {text!r}, like "
                "a name of the rows below it. Write it into a column 'condition' in each of these "
                "rows."
            )


def _pattern(text: str) -> str:
    return re.sub(r"\d+", "0", text)


def _positions(header: Header, also: Sequence[str]) -> list[int]:
    stated = [position for name in also for position in positions_of(header.texts, name)]
    fine = (*(setting.name for setting in settings()), *_FINE, *_FINEST)
    coarse, others = (
        [header.columns[role].position for role in roles if role in header.columns]
        for roles in (_COARSE, fine)
    )
    readings = {column.position for column in header.readings}
    return [
        position
        for position in dict.fromkeys([*sorted([*stated, *coarse]), *others])
        if position < len(header.texts) and position not in readings
    ]


def _has_blanks(column: Sequence[str] | np.ndarray) -> bool:
    import numpy as np

    if isinstance(column, np.ndarray):
        is_blank = np.isnan(column) if column.dtype.kind == "f" else column == ""
        return bool(np.any(is_blank))
    return "" in column


def _are_numbers(column: Sequence[str] | np.ndarray) -> TypeGuard[np.ndarray]:
    import numpy as np

    return isinstance(column, np.ndarray) and column.dtype.kind == "f"


def _as_texts(column: Sequence[str] | np.ndarray) -> np.ndarray:
    import numpy as np

    if _are_numbers(column):
        return np.where(np.isnan(column), "", column.astype(str)).astype(object)
    return np.array([str(text).strip() for text in column], dtype=object)


def _rows_of_merged(
    rows: np.ndarray, blank: np.ndarray, position: int, merged: Collection[tuple[int, int, int]]
) -> np.ndarray:
    """Return for each blank line the line whose merged cell covers it, else -1."""
    import numpy as np

    source = np.full(len(rows), -1)
    for first, last, at in merged:
        lines = np.flatnonzero((rows >= first) & (rows <= last))
        if at == position and lines.size and rows[lines[0]] == first and not blank[lines[0]]:
            covered = lines[blank[lines]]
            source[covered] = lines[0]
    return source


def _above(blank: np.ndarray) -> np.ndarray:
    """Return for each line the last one above it, or itself, that is not blank."""
    import numpy as np

    lines: np.ndarray = np.maximum.accumulate(np.where(blank, 0, np.arange(len(blank))))
    return lines


def _are_blocks(texts: np.ndarray, blank: np.ndarray, begins: np.ndarray) -> bool:
    """Whether the filled cells of a column can only be names of blocks of rows."""
    import numpy as np

    is_open = blank[0] or (blank & begins).any()
    if len(blank) < _LEAST_ROWS or not blank.any() or is_open:
        return False
    starts = np.flatnonzero(~blank)
    lengths = np.diff([*starts, len(blank)])
    names = texts[starts]
    is_another = (names[1:] != names[:-1]) | begins[starts[1:]]
    return bool((lengths > 1).all() and is_another.all())


def _is_of_one_state(table: RawTable, header: Header, position: int, blank: np.ndarray) -> bool:
    """Whether a column is a setting of the operation that leads to one state alone."""
    of_settings = {
        header.columns[setting.name].position
        for setting in settings()
        if setting.name in header.columns
    }
    state = header.columns.get("state")
    if position not in of_settings or state is None or state.position >= len(table.columns):
        return False
    states = _as_texts(table.columns[state.position])
    return not set(states[blank]) & set(states[~blank])


def _taken(column: Sequence[str] | np.ndarray, source: np.ndarray) -> Sequence[str] | np.ndarray:
    import numpy as np

    if isinstance(column, np.ndarray):
        return np.where(source < 0, column, column[source])
    return [
        text if line < 0 else column[line]
        for text, line in zip(column, source.tolist(), strict=True)
    ]


def _note(table: RawTable, position: int, taken: np.ndarray, source: np.ndarray) -> Note:
    import numpy as np

    cells, names = int(taken.sum()), len(np.unique(source[taken]))
    is_one = cells == 1
    text = (
        f"the column {table.header[position]!r} has a text in the first row of a block: {cells:,} "
        f"blank {'cell' if is_one else 'cells'} below {names:,} of its texts "
        f"{'is' if is_one else 'are'} read as the text above."
    )
    values: dict[str, float | int | str] = {
        "column": table.header[position],
        "cells": cells,
        "names": names,
    }
    return Note(text, kind="filled down", file=table.place, values=values)


def _of_blanks(table: RawTable, position: int, blank: int) -> Note:
    header = table.header[position]
    text = f"the column {header!r} is blank in {blank:,} of {len(table.row_numbers):,} rows"
    values: dict[str, float | int | str] = {"column": header, "rows": blank}
    return Note(f"{text}.", kind="blank names", file=table.place, values=values)
