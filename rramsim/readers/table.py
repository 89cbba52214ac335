"""The one raw form every measurement file takes: a table of texts that knows its row numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rramsim.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from rramsim.readers.body import Body

ORIGINS = ("measured", "reconstructed", "synthetic")
"""What readings may be. A file says it in a leading line ``# origin: reconstructed``."""


@dataclass(frozen=True)
class Grid:
    """The texts of one sheet or file, before anything is made of them.

    Attributes
    ----------
    place : str
        File (and sheet) as messages name it.
    records : list of list of str
        Texts, without blank lines and leading comments; records may differ in length.
    row_numbers : list of int
        The row of each record as an editor or Excel shows it, from 1.
    comments : tuple of str
        Leading comment lines without their ``#``.
    decimal_comma : bool
        Whether a comma inside a number can be a decimal one (the columns are not split by it).
    notes : tuple of str
        What had to be assumed to read the file.
    constants : mapping of str to str
        Columns that hold one text for all readings, by header: what the name of the sheet or the
        preamble of a tester says. A column of the table itself comes first.
    sheet : str or None
        Name of the sheet of a workbook.
    body : Body or None
        A long text table not yet split; `records` then hold its first lines only.
    """

    place: str
    records: list[list[str]]
    row_numbers: list[int]
    comments: tuple[str, ...] = ()
    decimal_comma: bool = False
    notes: tuple[str, ...] = field(default=())
    constants: Mapping[str, str] = field(default_factory=dict)
    sheet: str | None = None
    body: Body | None = None


@dataclass(frozen=True)
class RawTable:
    """A table with a header: its columns, and the row number of each line of it.

    `columns` has an entry, `(rows,)`, for each one of `header`: texts, or floats where the whole
    column was split as numbers (NaN: blank). A column that is not used may be empty.
    """

    place: str
    header: tuple[str, ...]
    columns: tuple[Sequence[str] | np.ndarray, ...]
    row_numbers: np.ndarray
    decimal_comma: bool

    def where(self, index: int, header: str) -> str:
        """Return file, row and column of a text for a message."""
        return f"{self.place}, row {self.row_numbers[index]}, column {header!r}"


def make_table(
    grid: Grid,
    header: tuple[str, ...],
    *,
    start: int,
    numbers: Sequence[int] = (),
    labels: Sequence[int] = (),
) -> RawTable:
    """Return the records of `grid` from position `start` on as columns under `header`.

    The positions `numbers` and `labels` say which columns of a long table are used, and as what;
    the others may come out empty.

    Raises
    ------
    InputError
        If nothing follows the header, or a record is longer than it.
    """
    import numpy as np

    if grid.body is not None:
        columns = grid.body.columns(skip=start, width=len(header), numbers=numbers, labels=labels)
        if columns is not None:
            count = len(next(column for column in columns if len(column)))
            rows = np.arange(count) + grid.row_numbers[start]
            return RawTable(grid.place, header, tuple(columns), rows, grid.decimal_comma)
        grid = grid.body.whole()
    records, row_numbers = grid.records[start:], grid.row_numbers[start:]
    if not records:
        raise InputError(f"{grid.place}: there is only a header; no reading follows it.")
    width = len(header)
    if set(map(len, records)) != {width}:
        records = [
            _fitted(record, width, place=f"{grid.place}, row {number}")
            for record, number in zip(records, row_numbers, strict=True)
        ]
    return RawTable(
        grid.place,
        header,
        tuple(list(column) for column in zip(*records, strict=True)),
        np.asarray(row_numbers),
        grid.decimal_comma,
    )


def with_constants(table: RawTable, constants: Mapping[str, str]) -> RawTable:
    """Return the table with a further column, the same text in each line, for each constant."""
    import numpy as np

    count = len(table.row_numbers)
    more = tuple(np.full(count, text, dtype=object) for text in constants.values())
    return RawTable(
        table.place,
        (*table.header, *constants),
        (*table.columns, *more),
        table.row_numbers,
        table.decimal_comma,
    )


def origin_of(grid: Grid) -> str | None:
    """Return what the comments say the readings are, or None where they say nothing.

    Raises
    ------
    InputError
        If the origin named is not one of `ORIGINS`.
    """
    for comment in grid.comments:
        said = re.fullmatch(r"\s*origin\s*[:=]\s*(\S+)\s*", comment, flags=re.IGNORECASE)
        if said:
            return checked_origin(said[1], place=grid.place)
    return None


def checked_origin(origin: str, *, place: str) -> str:
    """Return `origin` in lower case; raise `InputError` where it is not one of `ORIGINS`."""
    if origin.casefold() not in ORIGINS:
        raise InputError(
            f"{place}: the origin {origin!r} is not known; accepted are {', '.join(ORIGINS)}."
        )
    return origin.casefold()


def _fitted(record: list[str], width: int, *, place: str) -> list[str]:
    if any(record[width:]):
        raise InputError(
            f"{place}: {len(record)} columns were found where the header has {width}. "
            "Is a decimal comma or an unquoted separator in the row?"
        )
    return record[:width] + [""] * (width - len(record))
