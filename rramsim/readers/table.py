"""The one raw form every measurement file takes: a table of texts that knows its row numbers."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rramsim.errors import InputError
from rramsim.notes import Note
from rramsim.readers.formats.rows import fitted_rows

if TYPE_CHECKING:
    import numpy as np


VALUE_NOT_STORED = "a formula whose value is not stored"
"""Stands for a cell of a workbook that holds a formula and no value."""

ORIGINS = ("measured", "reconstructed", "synthetic")
"""What readings may be. A file says it in a leading line ``# origin: reconstructed``."""


class NoReadingsError(InputError):
    """A file or sheet in which nothing looks like a reading: another kind of file, or of table.

    `why` says so in a few words, for a list of such files.
    """

    def __init__(self, message: str, why: str = "") -> None:
        super().__init__(message)
        self.why = why or message


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
    trimmed : bool
        Whether blank cells at the end of a record are left off, as those of a workbook are: a
        shorter record then lacks blank cells only, and nothing in it has moved.
    merged : tuple of (int, int, int)
        Cells of a workbook that are merged over several rows: first and last row as Excel shows
        them, and the position of the column whose text stands in the first.
    has_open_end : bool
        Whether the file ends without a line end.
    decimal_comma : bool
        Whether a comma inside a number can be a decimal one (the columns are not split by it).
    semicolons : bool
        Whether semicolons part the columns, as programs write where the comma is decimal.
    notes : tuple of Note
        What had to be assumed to read the file.
    constants : mapping of str to str
        Columns that hold one text for all readings, by header: what the name of the sheet or the
        preamble of a tester says. A column of the table itself comes first.
    names_tests : bool
        Whether the condition among the constants is a test of this file: another file may use the
        same name for other cells or settings.
    sheet : str or None
        Name of the sheet of a workbook.
    unread : str
        Why a sheet is not read: "hidden", "empty", "a chart", "not chosen"; empty where it is.
    others : tuple of Grid
        The other sheets of the workbook, where a tester keeps what it says of this one.
    title : str
        What the tester calls the measurement.
    compliance : float or None
        What the tester limited the current to, in ampere.
    read_voltage : float or None
        Where the tester read, in volt; what the user gives comes first.
    taken : float
        When the tester took it, in seconds; NaN where unknown.
    left_out : mapping of str to int
        Readings of the sheet that are in none of its records, by a key of
        `rramsim.measurements.LEFT_OUT`: what a tester's reader takes out.
    rest : LongText or None
        A long text table not yet split; `records` then hold its first lines only.
    """

    place: str
    records: list[list[str]]
    row_numbers: list[int]
    comments: tuple[str, ...] = ()
    trimmed: bool = False
    merged: tuple[tuple[int, int, int], ...] = ()
    has_open_end: bool = False
    decimal_comma: bool = False
    semicolons: bool = False
    notes: tuple[Note, ...] = ()
    constants: Mapping[str, str] = field(default_factory=dict)
    names_tests: bool = False
    sheet: str | None = None
    unread: str = ""
    others: tuple[Grid, ...] = ()
    title: str = ""
    compliance: float | None = None
    read_voltage: float | None = None
    taken: float = math.nan
    left_out: Mapping[str, int] = field(default_factory=dict)
    rest: LongText | None = None

    def whole(self) -> Grid:
        """Return the grid with every line split."""
        return self if self.rest is None else self.rest.split()

    def record_of(self, row: int) -> list[str]:
        """Return the texts of a row of the file, nothing where there is no such row."""
        if self.rest is not None:
            lines = self.rest.text.split("\n", row)
            return [text.strip() for text in lines[row - 1].split(self.rest.separator)]
        return next(
            (
                record
                for record, number in zip(self.records, self.row_numbers, strict=True)
                if number == row
            ),
            [],
        )

    def last_record(self) -> tuple[int, list[str]]:
        """Return the last row of the file with its number."""
        if self.rest is None:
            return self.row_numbers[-1], self.records[-1]
        text = self.rest.text.rstrip("\n")
        last = text[text.rfind("\n") + 1 :]
        return text.count("\n") + 1, [cell.strip() for cell in last.split(self.rest.separator)]


@dataclass(frozen=True)
class RawTable:
    """A table with a header: its columns, and the row number of each line of it.

    `columns` has an entry, `(rows,)`, for each one of `header`: texts, or floats where the whole
    column was split as numbers (NaN: blank). A column that is not used may be empty. `read_commas`
    says whether commas of these numbers were read as decimal ones.
    """

    place: str
    header: tuple[str, ...]
    columns: tuple[Sequence[str] | np.ndarray, ...]
    row_numbers: np.ndarray
    decimal_comma: bool
    semicolons: bool = False
    read_commas: bool = False

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
        If nothing follows the header, or a record is longer or shorter than it.
    """
    import numpy as np

    if grid.rest is not None and header[-1].strip():
        columns = grid.rest.columns(skip=start, width=len(header), numbers=numbers, labels=labels)
        if columns is not None:
            count = len(next(column for column in columns if len(column)))
            return RawTable(
                grid.place,
                header,
                tuple(columns),
                np.arange(count) + grid.row_numbers[start],
                grid.decimal_comma,
                grid.semicolons,
                read_commas=grid.rest.has_decimal_commas(skip=start, numbers=numbers),
            )
    grid = grid.whole()
    records, row_numbers = grid.records[start:], grid.row_numbers[start:]
    if not records:
        raise InputError(f"{grid.place}: there is only a header; no reading follows it.")
    width = len(header)
    if set(map(len, records)) != {width} or not header[-1].strip():
        if grid.trimmed:
            full = max(width, *map(len, records))
            records = [record + [""] * (full - len(record)) for record in records]
        used = {*numbers, *labels} or range(width)
        records = fitted_rows(records, row_numbers, header, place=grid.place, used=used)
    return RawTable(
        grid.place,
        header,
        tuple(list(column) for column in zip(*records, strict=True)),
        np.asarray(row_numbers),
        grid.decimal_comma,
        grid.semicolons,
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
        table.semicolons,
        table.read_commas,
    )


def is_decimal_comma(text: str) -> bool:
    """Return whether a text is a number whose comma can be nothing but a decimal one.

    >>> is_decimal_comma("250,71"), is_decimal_comma("0,125"), is_decimal_comma("1,250")
    (True, True, False)
    """
    matched = _WITH_COMMA.fullmatch(text)
    return matched is not None and _LIKE_THOUSANDS.fullmatch(matched[1]) is None


_WITH_COMMA = re.compile(r"\s*[-+]?(\d+,\d+)\s*")
_LIKE_THOUSANDS = re.compile(r"[1-9]\d{0,2},\d{3}")


def origin_of(grid: Grid) -> str | None:
    """Return what the comments say the readings are, or None where they say nothing.

    Raises
    ------
    InputError
        If the origin named is not one of `ORIGINS`.
    """
    for comment in grid.comments:
        matched = re.fullmatch(r"\s*origin\s*[:=]\s*(\S+)\s*", comment, flags=re.IGNORECASE)
        if matched:
            return checked_origin(matched[1], place=grid.place)
    return None


def checked_origin(origin: str, *, place: str) -> str:
    """Return `origin` in lower case; raise `InputError` where it is not one of `ORIGINS`."""
    if origin.casefold() not in ORIGINS:
        raise InputError(
            f"{place}: the origin {origin!r} is not known; accepted are {', '.join(ORIGINS)}."
        )
    return origin.casefold()


@dataclass(frozen=True)
class LongText:
    """A long table whose regular lines are split by column; what is not regular goes line by line.

    Attributes
    ----------
    text : str
        The whole file, lines ending in a newline.
    separator : str
        Between columns.
    lines : tuple of int
        Position in the file of the line of each record of the head.
    head : list of list of str
        The first records.
    split : callable
        Splits every line, and tells the row of one that cannot be split.
    """

    text: str
    separator: str
    lines: tuple[int, ...]
    head: list[list[str]]
    split: Callable[[], Grid]

    def columns(
        self, *, skip: int, width: int, numbers: Sequence[int], labels: Sequence[int]
    ) -> list[np.ndarray] | None:
        """Return the used columns below the first `skip` records, or None where it is not regular.

        Parameters
        ----------
        skip : int
            Records of the head that are no readings.
        width : int
            Number of columns.
        numbers, labels : sequence of int
            Columns to split as numbers where they are numbers throughout, and as texts.

        Returns
        -------
        list of ndarray, or None
            Floats (NaN: blank) or texts, `(rows,)`; empty for a column that is not used.
        """
        import numpy as np
        import pandas as pd

        used = sorted({*numbers, *labels})
        irregular = (
            not used
            or skip >= len(self.head)
            or any(len(record) != width for record in self.head[skip:])
            # Quotation marks may hide separators and ends of lines.
            or '"' in self.text
            or not self._has_whole_rows(self.lines[skip], width)
        )
        if irregular:
            return None
        try:
            frame = pd.read_csv(
                # Half the memory of a text, and a quarter where one sign is none of Latin's.
                io.BytesIO(self.text.rstrip("\n").encode()),
                sep=self.separator,
                header=None,
                skiprows=self.lines[skip],
                # Without usecols, a line with more columns than the first is an error.
                dtype=dict.fromkeys(labels, object),
                decimal="," if self.has_decimal_commas(skip=skip, numbers=numbers) else ".",
                na_values={position: [""] for position in numbers},
                keep_default_na=False,
                skip_blank_lines=False,
                skipinitialspace=True,
                quoting=3,
                **_exact_floats(pd.__version__),
                low_memory=False,
                engine="c",
            )
        except (ValueError, OverflowError):
            # Also pandas' ParserError: a line with more columns than the first.
            return None
        columns = {}
        for position in used:
            column = _array(frame[position])
            if column is None:
                return None
            columns[position] = column
        if not _filled(list(columns.values())):
            return None
        empty = np.empty(0, dtype=object)
        return [columns.get(position, empty) for position in range(width)]

    def has_decimal_commas(self, *, skip: int, numbers: Sequence[int]) -> bool:
        """Return whether commas in the columns of numbers can be nothing but decimal ones.

        So it is where commas do not part the columns, one of the first numbers has a comma that is
        surely decimal, and no row has a point, which might be decimal or part thousands.
        """
        first = (text for record in self.head[skip:] for text in (record[at] for at in numbers))
        return (
            self.separator != ","
            and any(map(is_decimal_comma, first))
            and self.text.find(".", self._start(self.lines[skip])) < 0
        )

    def _start(self, line: int) -> int:
        """Return where a line of the text begins."""
        start = 0
        for _ in range(line):
            start = self.text.index("\n", start) + 1
        return start

    def _has_whole_rows(self, line: int, width: int) -> bool:
        """Whether no row from a line on is shorter, which pandas takes for one with blank ends.

        It refuses longer rows, so that one sum of all separators tells.
        """
        text, start = self.text.rstrip("\n"), self._start(line)
        rows = text.count("\n", start) + 1
        return text.count(self.separator, start) == (width - 1) * rows


def _exact_floats(version: str) -> dict[str, Any]:
    """Return the option that has pandas round as Python does; from 3.1 on it always does."""
    major, minor = (int(part) for part in version.split(".")[:2])
    return {} if (major, minor) >= (3, 1) else {"float_precision": "round_trip"}


def _array(series: object) -> np.ndarray | None:
    """Return floats or texts, None where the parser made something else of texts."""
    import numpy as np
    import pandas as pd

    column = pd.Series(series)
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return np.asarray(column, dtype=float)
    texts = np.array(column.astype(object), dtype=object, copy=True)
    texts[pd.isna(texts)] = ""
    return texts if pd.api.types.infer_dtype(texts) == "string" else None


def _filled(columns: list[np.ndarray]) -> bool:
    """Whether every line has something in a used column: blank lines are counted elsewhere."""
    import numpy as np

    filled = np.zeros(len(columns[0]), dtype=bool)
    # Numbers take least time to look through.
    for column in sorted(columns, key=lambda column: column.dtype.kind != "f"):
        if column.dtype.kind == "f":
            filled |= ~np.isnan(column)
        else:
            open_ones = np.flatnonzero(~filled)
            filled[open_ones] = [bool(text.strip()) for text in column[open_ones]]
        if filled.all():
            return True
    return False
