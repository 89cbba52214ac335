"""The one raw form every measurement file takes: a table of texts that knows its row numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rramsim.errors import InputError

if TYPE_CHECKING:
    import numpy as np

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
    """

    place: str
    records: list[list[str]]
    row_numbers: list[int]
    comments: tuple[str, ...] = ()
    decimal_comma: bool = False
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class RawTable:
    """A table with a header: texts by column, and the row number of each line of it.

    `columns` has one list of texts, each `(rows,)`, for each entry of `header`.
    """

    place: str
    header: tuple[str, ...]
    columns: tuple[list[str], ...]
    row_numbers: np.ndarray
    decimal_comma: bool

    def where(self, index: int, header: str) -> str:
        """Return file, row and column of a text for a message."""
        return f"{self.place}, row {self.row_numbers[index]}, column {header!r}"


def make_table(grid: Grid, header: tuple[str, ...], *, start: int) -> RawTable:
    """Return the records of `grid` from position `start` on as columns under `header`.

    Raises
    ------
    InputError
        If nothing follows the header, or a record is longer than it.
    """
    import numpy as np

    records, numbers = grid.records[start:], grid.row_numbers[start:]
    if not records:
        raise InputError(f"{grid.place}: there is only a header; no reading follows it.")
    width = len(header)
    if set(map(len, records)) != {width}:
        records = [
            _fitted(record, width, place=f"{grid.place}, row {number}")
            for record, number in zip(records, numbers, strict=True)
        ]
    columns = tuple(list(column) for column in zip(*records, strict=True))
    return RawTable(grid.place, header, columns, np.asarray(numbers), grid.decimal_comma)


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
