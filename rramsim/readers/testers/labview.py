"""LabVIEW measurement files (.lvm): segments of channels, each below a header of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile

from rramsim.errors import InputError
from rramsim.notes import Note
from rramsim.readers.table import Grid
from rramsim.readers.testers.registry import register

_FIRST, _END = "labview measurement", "***end_of_header***"
_X = "x_value"
_SPECIAL = ("***start_special***", "***end_special***")
# Keys of the header of a segment: where one stands, the rows of the segment before it end.
_OF_SEGMENT = ("channels", "samples", "x_dimension", "y_unit_label", "x0", "delta_x", _END)
_USED = ("separator", "decimal_separator", "y_unit_label", "channels", "samples")


@register
class LabView:
    """A file begins with "LabVIEW Measurement"; headers end with "***End_of_Header***"."""

    def recognises(self, grid: Grid) -> bool:
        """Whether the first line names the format."""
        return grid.records[0][0].strip().casefold() == _FIRST

    def tables(self, grid: Grid) -> list[Grid]:
        """Return a table for each segment, with its channels, their units and the column X_Value.

        Raises
        ------
        InputError
            If no segment has channels and rows.
        """
        whole = grid.whole()
        lines = _without_special(whole)
        ends = [i for i, (_, texts) in enumerate(lines) if texts[0].casefold() == _END]
        if not ends:
            raise InputError(f"{grid.place}: the header has no end (***End_of_Header***).")
        # The first header is that of the file, unless a segment follows without one of its own.
        of_file = _said([texts for _, texts in lines[: ends[0]]])
        starts = ends[1:] or ends
        tables = []
        for number, end in enumerate(starts):
            last = starts[number + 1] if number + 1 < len(starts) else len(lines)
            begin = starts[number - 1] if number else ends[0]
            segment = _said([texts for _, texts in lines[begin:end]])
            table = _table(whole, lines[end + 1 : last], of_file | segment)
            tables += [] if table is None else [table]
        if not tables:
            raise InputError(
                f"{grid.place}: no segment of this LabVIEW file holds a row of values."
            )
        keys = dict.fromkeys(
            texts[0] for _, texts in lines[: starts[-1]] if _is_other(texts, len(texts))
        )
        text = f"lines of the headers that are not read: {', '.join(keys)}."
        note = Note(text, kind="not read", file=whole.place, values={"lines": len(keys)})
        first = replace(tables[0], notes=(*tables[0].notes, note))
        return [first, *tables[1:]]


def _table(
    grid: Grid, lines: Sequence[tuple[int, Sequence[str]]], said: Mapping[str, Sequence[str]]
) -> Grid | None:
    """Return the names and values of a segment, up to the header of the next."""
    rows = takewhile(lambda line: line[1][0].casefold() not in _OF_SEGMENT, lines[1:])
    values = [(number, texts) for number, texts in rows if any(texts)]
    if not values:
        return None
    _, names = lines[0]
    kept = _columns(names, [texts for _, texts in values])
    units = said.get("y_unit_label", ())
    units_row = [units[i - 1] if 0 < i <= len(units) else "" for i in kept]
    comma = said.get("decimal_separator", ["."])[:1] == [","]
    records = [[names[i] for i in kept], *([units_row] if any(units_row) else [])]
    for _, texts in values:
        row = [texts[i] if i < len(texts) else "" for i in kept]
        records.append([text.replace(",", ".") for text in row] if comma else row)
    first = [lines[0][0]] * (1 + any(units_row))
    return replace(
        grid,
        records=records,
        row_numbers=[*first, *(number for number, _ in values)],
        comments=(),
        decimal_comma=False,
    )


def _columns(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """Return the columns with a name and values; of several with X values, the first."""
    filled = [i for i, name in enumerate(names) if name and any(_cell(row, i) for row in rows)]
    of_x = [i for i in filled if names[i].casefold() == _X]
    return [i for i in filled if i not in of_x[1:]]


def _cell(row: Sequence[str], position: int) -> str:
    return row[position] if position < len(row) else ""


def _said(lines: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    """Return the lines of a header by their keys in lower case."""
    return {texts[0].casefold(): list(texts[1:]) for texts in lines if texts[0]}


def _is_other(texts: Sequence[str], width: int) -> bool:
    """Whether a line of a header says something that is not read."""
    key = texts[0].casefold()
    return width > 1 and bool(key) and key not in (*_USED, _END, _FIRST, _X) and not _is_number(key)


def _is_number(text: str) -> bool:
    return text[:1].isdigit() or text[:1] in "+-"


def _without_special(grid: Grid) -> list[tuple[int, list[str]]]:
    """Return row numbers and texts of all lines, without blocks that other programs may add."""
    lines = []
    is_special = False
    for number, record in zip(grid.row_numbers, grid.records, strict=True):
        texts = [text.strip() for text in record]
        is_special = texts[0].casefold() == _SPECIAL[0] or is_special
        if not is_special:
            lines.append((number, texts))
        is_special = is_special and texts[0].casefold() != _SPECIAL[1]
    return lines
