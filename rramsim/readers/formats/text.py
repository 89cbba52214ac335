"""Text tables: encoding, line ends, comments and the separator, all found from the content."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from rramsim.errors import InputError
from rramsim.notes import Note
from rramsim.readers.formats.encoding import decoded
from rramsim.readers.table import Grid, LongText, NoReadingsError

_SEPARATORS = ("\t", ";", ",")
_SNIFFED_LINES = 200
# Fewer lines of as many words may be prose.
_LEAST_ALIGNED = 4
# A text longer than this many characters is split by its first lines, and the rest by columns.
_LONG = 200_000
_HEAD_LINES = 500
_NUMBER = re.compile(
    r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?|nan|[-+]?inf", re.IGNORECASE
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


def read_text(
    content: bytes, *, place: str, by_line: bool = False, encoding: str | None = None
) -> Grid:
    """Return the table in a CSV, TSV or semicolon file.

    Parameters
    ----------
    content : bytes
        The file as it is (not compressed): any encoding, any line ends.
    place : str
        The file as messages name it.
    by_line : bool
        Whether to split every line of a long text here, and not leave most to `Grid.rest`.
    encoding : str, optional
        What the user says; else it is found out.

    Returns
    -------
    Grid

    Raises
    ------
    InputError
        If the content is no text table or has nothing in it.
    """
    text, notes = decoded(content, place=place, encoding=encoding)
    # DOS programs end a text with Ctrl-Z.
    text = text.rstrip("\x1a")
    if _CONTROL.search(text):
        raise NoReadingsError(
            f"{place}: this is not a text table (it holds control characters); accepted are "
            "CSV, TSV and semicolon tables, also gzipped, and Excel .xlsx."
        )
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    has_open_end = not text.endswith("\n")
    if _are_parted_by_blanks(text.split("\n", _SNIFFED_LINES)[:_SNIFFED_LINES]):
        # A blank before a bracket belongs to a unit, as in "LRS (ohm)".
        text = re.sub(r"(?<=[^\s#]) +(?![ (\[\n]|$)", "\t", text)
    if not by_line and len(text) > _LONG:
        head = text.split("\n", _HEAD_LINES)
        if len(head) > _HEAD_LINES:
            grid = _long_grid(text, head[:-1], place=place, notes=notes)
            return replace(grid, has_open_end=has_open_end)
    grid = _grid(text.split("\n"), place=place, notes=notes)
    return replace(grid, has_open_end=has_open_end)


def _grid(lines: list[str], *, place: str, notes: tuple[Note, ...]) -> Grid:
    first, comments = _comments(lines)
    separator = _separator(lines[first : first + _SNIFFED_LINES])
    records, row_numbers = _split(lines[first:], separator, offset=first, place=place)
    return Grid(
        place=place,
        records=records,
        row_numbers=row_numbers,
        comments=comments,
        decimal_comma=separator != ",",
        semicolons=separator == ";",
        notes=notes,
    )


def _long_grid(text: str, head: list[str], *, place: str, notes: tuple[Note, ...]) -> Grid:
    def whole() -> Grid:
        return _grid(text.split("\n"), place=place, notes=notes)

    try:
        grid = _grid(head, place=place, notes=notes)
    except InputError:
        # A quoted text may go on after the head.
        return whole()
    if len(grid.records) < 2:
        return whole()
    first, _ = _comments(head)
    separator = _separator(head[first : first + _SNIFFED_LINES])
    lines = tuple(number - 1 for number in grid.row_numbers)
    return replace(grid, rest=LongText(text, separator, lines, grid.records, whole))


def _comments(lines: list[str]) -> tuple[int, tuple[str, ...]]:
    """Return the position of the first line that is no comment, and the comments before it."""
    first = next((i for i, line in enumerate(lines) if not _is_comment(line)), len(lines))
    return first, tuple(line.strip().strip('"').lstrip("# \t") for line in lines[:first])


def _is_comment(line: str) -> bool:
    stripped = line.strip().strip(",;\t\"'")
    return not stripped or stripped.startswith("#")


def _are_parted_by_blanks(lines: list[str]) -> bool:
    """Whether lines have blanks between their columns and no other separator.

    numpy.savetxt writes numbers so, and many programs of one's own tables with states and names:
    as many words in each line, among them a number in each below the header.
    """
    rows = [line.split() for line in lines if not _is_comment(line)]
    numbers = [row for row in rows if all(map(_NUMBER.fullmatch, row))]
    if _are_aligned(rows, "".join(lines)):
        return True
    widths = {len(row) for row in numbers}
    return (
        len(widths) == 1
        and min(widths) > 1
        and 2 * len(numbers) > len(rows)
        and not any("\t" in line.strip() or ";" in line for line in lines)
    )


def _are_aligned(rows: Sequence[Sequence[str]], text: str) -> bool:
    """Whether rows of words are a table, whose header may have a blank before a bracket."""
    if len(rows) < _LEAST_ALIGNED or any(mark in text for mark in ",;\t\"'"):
        return False
    header = re.sub(r"(?<=\S) +(?=[(\[])", "", " ".join(rows[0])).split()
    return {len(row) for row in rows[1:]} == {len(header)} != {1} and all(
        any(map(_NUMBER.fullmatch, row)) for row in rows[1:]
    )


def _separator(lines: list[str]) -> str:
    """Return the separator that splits most of the first lines into equally many columns."""

    def consistency(separator: str) -> float:
        widths = Counter(line.count(separator) for line in lines if line.strip())
        return max((count for width, count in widths.items() if width), default=0)

    # max keeps the first of equals: a tab is never decimal, a semicolon only between columns.
    return max(_SEPARATORS, key=consistency)


def _split(
    lines: list[str], separator: str, *, offset: int, place: str
) -> tuple[list[list[str]], list[int]]:
    reader = _reader(lines, separator)
    try:
        records = list(reader)
    except csv.Error as error:
        raise _unreadable(lines, separator, offset=offset, place=place) from error
    numbers = list(range(offset + 1, offset + 1 + len(records)))
    if len(records) != reader.line_num:
        # Quoted texts go over several lines; count again, line by line.
        reader = _reader(lines, separator)
        numbers = [reader.line_num + offset for _ in reader]
    filled = [i for i, record in enumerate(records) if record and (record[0] or any(record))]
    if len(filled) == len(records):
        return records, numbers
    return [records[i] for i in filled], [numbers[i] for i in filled]


def _reader(lines: Iterable[str], separator: str) -> Any:
    # Strict: a quotation mark left open would otherwise swallow the rest of the file unsaid.
    return csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)


def _unreadable(lines: list[str], separator: str, *, offset: int, place: str) -> InputError:
    """Return the error for the first record that csv refuses, with the row it starts at."""
    ends: list[int] = []

    def lines_and_end() -> Iterator[str]:
        yield from lines
        ends.append(len(lines))

    reader = _reader(lines_and_end(), separator)
    row, reason = offset + 1, ""
    try:
        for _ in reader:
            row = reader.line_num + offset + 1
    except csv.Error as error:
        # Only a text that goes on has the reader ask for a line after the last.
        reason = "a quotation mark is opened and never closed" if ends else str(error)
    return InputError(f"{place}, row {row}: the row cannot be read ({reason}).")
