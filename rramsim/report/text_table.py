"""A table of texts, the same in the terminal and on a page."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rramsim import formatting as numbers
from rramsim.schema import Record

NONE = "–"

CellText = str | Callable[[Record], str]
"""What a column says of a record: a variable in words, or what a function makes of the record."""

Value = float | str | None
"""What a cell of a table is sorted by."""

Columns = Mapping[str, CellText]
"""Columns by their headers."""

_LEAST_SORTED = 3
_SYMBOLS = {"ohm": "Ω", "J": "J", "A": "A", "V": "V", "s": "s", "K": "K"}


@dataclass(frozen=True)
class TextTable:
    """A table of texts.

    Attributes
    ----------
    title : str
    columns : tuple of str
        Headers.
    rows : tuple of tuple of str
    numeric : tuple of str
        Headers of the columns whose numbers are read one below the other.
    remark : str
        What a reader must know of it, or empty.
    place : str
        Where it is shown: ``"page"``, ``"terminal"``, or empty for both.
    is_titled : bool
        Whether a page needs the title beside the heading of its section.
    values : tuple of tuple
        What each cell is sorted by: a number, a name, or None in a column that has no order.
        Empty where no column has.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[str, ...] = ()
    remark: str = ""
    place: str = ""
    is_titled: bool = True
    values: tuple[tuple[Value, ...], ...] = ()

    @property
    def is_sortable(self) -> bool:
        """Whether a page lets its reader sort the rows; of few one sees the order."""
        return bool(self.values) and len(self.rows) >= _LEAST_SORTED

    def is_sorted_by(self, column: int) -> bool:
        """Return whether a column has an order."""
        return any(row[column] is not None for row in self.values)


def table_of(title: str, rows: Iterable[Record], columns: Columns, **options: Any) -> TextTable:
    """Return a table with a row for each record.

    Parameters
    ----------
    title : str
    rows : iterable of Record
    columns : Columns
    **options
        Of `TextTable`.
    """
    rows = list(rows)
    texts = tuple(tuple(in_words(row, column) for column in columns.values()) for row in rows)
    values = tuple(tuple(_value(row, column) for column in columns.values()) for row in rows)
    return TextTable(title, tuple(columns), texts, values=values, **options)


@dataclass(frozen=True)
class Sorted:
    """A column of words that is sorted by a number of the record.

    Attributes
    ----------
    text : callable
        What the column says of a record.
    value : str or callable
        The variable that it is sorted by, or what gives the number; one that is known only as a
        bound has the place of the bound.

    Examples
    --------
    >>> import xarray as xr
    >>> from rramsim.schema import records
    >>> data = xr.Dataset({"ber": ("condition", [0.03, 0.001])}, {"condition": ["a", "b"]})
    >>> columns = {"condition": "condition", "BER": Sorted(ber_text, "ber")}
    >>> table_of("BER", records(data, "condition"), columns).values
    (('a', 0.03), ('b', 0.001))
    """

    text: Callable[[Record], str]
    value: str | Callable[[Record], float]

    def __call__(self, row: Record) -> str:
        """Return the words."""
        return self.text(row)


def _value(row: Record, column: CellText) -> Value:
    by = column.value if isinstance(column, Sorted) else column
    if not isinstance(by, str):
        return by(row) if isinstance(column, Sorted) else None
    value = row[by]
    if isinstance(value, str):
        return value
    known = row.interval(by)
    ends = (known.estimate, known.high, known.low)
    return next((float(end) for end in ends if math.isfinite(end)), math.nan)


def in_words(row: Record, column: CellText) -> str:
    r"""Return a variable as a person reads it: by its kind and unit, with what interval it has.

    >>> import xarray as xr
    >>> from rramsim.schema import records
    >>> (row,) = records(xr.Dataset({"cells": 1234, "p50": ((), 7400.0, {"units": "ohm"})}))
    >>> in_words(row, "cells"), in_words(row, "p50").replace("\xa0", " ")
    ('1,234', '7.4 kΩ')
    """
    if callable(column):
        return column(row)
    value = row[column]
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    unit = row.units.get(column, "1")
    if unit in _SYMBOLS:
        return numbers.quantity(value, _SYMBOLS[unit])
    return numbers.interval(row.interval(column))


def ber_text(row: Record, name: str = "ber") -> str:
    """Return a BER with its interval (`name`, such as ``ber`` or ``ber_2t2r``)."""
    return numbers.bit_error_rate(row.interval(name))


def energy_text(row: Record, name: str) -> str:
    """Return an energy and where it is from."""
    energy = row.interval(name)
    joule = numbers.quantity(energy.estimate, "J")
    return f"{joule}, {energy.basis}" if energy.is_known else joule


def csv_text(rows: Sequence[Mapping[str, Any]], header: Iterable[str] = ()) -> str:
    """Return rows as CSV: numbers read back exactly, unknown ones are empty.

    A text that a spreadsheet would take for a formula begins with an apostrophe.

    Parameters
    ----------
    rows : sequence of mapping
        Values by column.
    header : iterable of str
        Columns where there is no row.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(rows[0] if rows else header)
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return file.getvalue()


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}" if _FORMULA.match(value) else value
    return repr(value) if isinstance(value, float) else str(value)


# What a spreadsheet computes, or runs, when it opens a table; "-1.2 V" it takes for a text.
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\s\d.,])")
