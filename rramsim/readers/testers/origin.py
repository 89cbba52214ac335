"""Origin worksheets as text: rows of long names, units and comments above the numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rramsim.errors import InputError
from rramsim.notes import Note
from rramsim.readers.columns.headers import are_units, measurement_columns, recognise
from rramsim.readers.columns.values import is_reading
from rramsim.readers.columns.wide import wide_columns
from rramsim.readers.programming.above_header import stacked_header
from rramsim.readers.table import Grid
from rramsim.readers.testers.registry import register

_LABELS = {
    **dict.fromkeys(["long name", "longname", "long names", "langname"], "names"),
    **dict.fromkeys(["units", "unit", "einheiten", "einheit"], "units"),
    **dict.fromkeys(["comments", "comment", "kommentare", "kommentar"], "comments"),
    **dict.fromkeys(["f(x)", "f(x)=", "sparklines", "sparkline", "short name"], "others"),
    **dict.fromkeys(["sampling interval", "designation", "filter"], "others"),
}
_SHORT_NAME = re.compile(r"[A-Z]{1,2}\((?:[XYZLGS]|[xy]Er±?)\d*\)")
_MOST_ROWS = 12


@dataclass(frozen=True)
class _Rows:
    """Where the rows above the numbers are, as positions in the records.

    `start` is the first row of numbers; `first_column` is 1 where a column holds the labels.
    """

    names: int
    units: int | None
    comments: tuple[int, ...]
    others: tuple[int, ...]
    start: int
    first_column: int = 0


@register
class Origin:
    """A worksheet has labelled rows, or its names, units and comments in this order."""

    def recognises(self, grid: Grid) -> bool:
        """Whether rows of text stand between the names of the columns and the numbers."""
        return _rows_of(grid) is not None

    def tables(self, grid: Grid) -> list[Grid]:
        """Return the table with its names and units; comments tell columns of one name apart.

        Raises
        ------
        InputError
            If several columns have one name, and their comments do not tell them apart.
        """
        rows = _rows_of(grid)
        return [] if rows is None else [_table(grid.whole(), rows)]


def _table(grid: Grid, rows: _Rows) -> Grid:
    first = rows.first_column
    names = [text.strip() for text in grid.records[rows.names][first:]]
    header, used = _told_apart(names, rows.comments, grid.records, first)
    units = [] if rows.units is None else [rows.units]
    # A row of numbers has a cell for the labels, with its number or empty, unless it is narrower.
    skip = first if len(grid.records[rows.start]) > len(names) else 0
    records = [header, *(grid.records[row][first:] for row in units)]
    records += [record[skip:] for record in grid.records[rows.start :]]
    numbers = [grid.row_numbers[row] for row in (rows.names, *units)]
    return replace(
        grid,
        records=records,
        row_numbers=[*numbers, *grid.row_numbers[rows.start :]],
        notes=(*grid.notes, *_notes(grid, rows, used)),
    )


def _told_apart(
    names: Sequence[str], comments: Sequence[int], records: Sequence[Sequence[str]], first: int
) -> tuple[list[str], int | None]:
    """Return the names, with the comments before those that several columns share.

    Also the row of the comments, where these tell such columns apart.
    """
    shared = {text for text in names if text and names.count(text) > 1}
    for row in comments if shared else ():
        texts = [text.strip() for text in records[row][first:]]
        texts += [""] * (len(names) - len(texts))
        pairs = list(zip(names, texts, strict=False))
        told = [pair for pair in pairs if pair[0] in shared]
        if all(text for _, text in told) and len(set(told)) == len(told):
            return [f"{text} {name}" if name in shared else name for name, text in pairs], row
    return list(names), None


def _notes(grid: Grid, rows: _Rows, used: int | None) -> list[Note]:
    """Return the rows above the numbers that are not read, and the one that names conditions."""
    notes = []
    for row in (*rows.comments, *rows.others):
        if row == used:
            text = f"row {grid.row_numbers[row]}, the comments, distinguishes columns of one name."
            notes.append(Note(text, kind="conditions by comments", file=grid.place))
            continue
        texts = [text.strip() for text in grid.records[row][rows.first_column :]]
        said = ", ".join(filter(None, texts))
        if said:
            text = f"row {grid.row_numbers[row]} is taken as comments and not read: {said}."
            values = {"row": grid.row_numbers[row]}
            notes.append(Note(text, kind="comments", file=grid.place, values=values))
    return notes


def _rows_of(grid: Grid) -> _Rows | None:
    labelled = _labelled(grid)
    if labelled is not None or stacked_header(grid) is not None:
        # Rows that name a condition for each group of columns are no comments.
        return labelled
    return _in_order(grid)


def _labelled(grid: Grid) -> _Rows | None:
    """Return the rows by the labels in the first column, or None where there are none."""
    labels = [
        _LABELS.get(record[0].strip().casefold()) if record else None
        for record in grid.records[:_MOST_ROWS]
    ]
    if "names" not in labels or sum(label is not None for label in labels) < 2:
        return None
    start = 1 + max(row for row, label in enumerate(labels) if label is not None)
    if start >= len(grid.records):
        return None

    def rows(label: str) -> tuple[int, ...]:
        return tuple(row for row, found in enumerate(labels) if found == label)

    return _Rows(
        names=rows("names")[0],
        units=next(iter(rows("units")), None),
        comments=rows("comments"),
        others=rows("others"),
        start=start,
        first_column=1,
    )


def _in_order(grid: Grid) -> _Rows | None:
    """Return the rows where names, units and comments stand in this order without labels.

    Rows of short names, "A(X)", may come first. A table with a column of states is none: its
    first reading may be a text.
    """
    records = [[text.strip() for text in record] for record in grid.records[:_MOST_ROWS]]
    names = 1 if all(_SHORT_NAME.fullmatch(text) for text in records[0] if text) else 0
    if not names < len(records):
        return None
    header = records[names]
    start = next((r for r in range(names + 1, len(records)) if _has_number(records[r])), None)
    between = list(range(names + 1, start or 0))
    units = next((row for row in between if are_units(records[row])), None)
    comments = tuple(row for row in between if row != units)
    if start is None or not comments + (names,) * names or not _are_names(header, grid.place):
        return None
    if any(is_reading(text) for row in comments for text in records[row] if text):
        return None
    if sum(map(bool, header)) == 1 < sum(map(bool, records[start])):
        # "LRS" alone above a header is the name of a table.
        return None
    return _Rows(names, units, comments, (), start)


def _are_names(header: Sequence[str], place: str) -> bool:
    """Whether columns of a table are named, with readings of a state in a column each."""
    try:
        columns = recognise(header, measurement_columns(), place=place)
    except InputError:
        # Columns of one name, which comments may tell apart.
        columns = {}
    if "state" in columns:
        return False
    try:
        return bool(wide_columns(header, place=place, renamed={}))
    except InputError:
        return any(wide_columns([text], place=place, renamed={}) for text in header)


def _has_number(record: Sequence[str]) -> bool:
    return any(re.fullmatch(r"[-+]?[\d.,]+(?:[eE][-+]?\d+)?", text) for text in record)
