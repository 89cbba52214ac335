"""A table of texts, the same in the terminal and on a page."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rramsim import formatting as numbers
from rramsim.schema import Record

NONE = "–"

CellText = str | Callable[[Record], str]
"""What a column says of a record: a variable in words, or what a function makes of the record."""

Columns = Mapping[str, CellText]
"""Columns by their headers."""

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
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[str, ...] = ()
    remark: str = ""
    place: str = ""
    is_titled: bool = True


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
    texts = tuple(tuple(in_words(row, column) for column in columns.values()) for row in rows)
    return TextTable(title, tuple(columns), texts, **options)


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
    return repr(value) if isinstance(value, float) else str(value)
