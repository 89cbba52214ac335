"""Tables that hold no readings but what somebody made of them: counts of errors, percentiles.

A table of counts has a row for each state of a condition, with its errors and bits; one of
percentiles has a column for each (``p1 (kOhm)``, ``median (kOhm)``), or a row for each (columns
percentile and resistance).
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence

from rramsim.errors import InputError
from rramsim.measurements import ErrorCount, PercentileTable, Summary
from rramsim.readers.columns.headers import splits
from rramsim.readers.columns.values import (
    read_counts,
    read_labels,
    read_quantity_column,
    read_states,
)
from rramsim.readers.table import Grid, RawTable, make_table
from rramsim.schema import STATES
from rramsim.schema.variable import header_key
from rramsim.units import UnknownUnitError, factor_to_si

_NAMES = {
    "condition": ("condition", "programming condition", "name"),
    "state": ("state",),
    "errors": ("errors", "bit errors", "error count", "errors counted", "misread bits", "fails"),
    "bits": ("bits", "bits read", "cells", "n", "readings", "count", "total", "number of bits"),
    "reference": ("reference", "read reference", "R_ref", "reference resistance"),
    "percentile": ("percentile", "percent", "quantile", "probability"),
    "resistance": ("resistance", "R", "R read"),
}
_ROLES = {header_key(name): role for role, names in _NAMES.items() for name in names}
_PERCENTILE = re.compile(r"p[ _]?(\d{1,2}(?:[.,]\d+)?)|(\d{1,2}(?:\.\d+)?)\s*%")
_MEDIANS = ("median", "r50")
_LEAST_PERCENTILES = 2
_LINES_BEFORE = 20


def summaries_of(grid: Grid, *, default: str) -> list[Summary] | None:
    """Return what a table says of its conditions, None where it is no table of such a kind.

    Parameters
    ----------
    grid : Grid
        A sheet, or a text table.
    default : str
        The condition of a table that names none.

    Raises
    ------
    InputError
        For the first row that cannot be used.
    """
    for row, record in enumerate(grid.records[:_LINES_BEFORE]):
        columns = _columns(record)
        shares = _percentiles(record)
        if "state" not in columns:
            continue
        is_long = {"percentile", "resistance"} <= columns.keys()
        if not (
            {"errors", "bits"} <= columns.keys() or len(shares) >= _LEAST_PERCENTILES or is_long
        ):
            continue
        header = tuple(text.strip() for text in record)
        table = make_table(grid, header, start=row + 1)
        if {"errors", "bits"} <= columns.keys():
            return _counts(table, columns, default=default)
        if is_long and len(shares) < _LEAST_PERCENTILES:
            return _long_percentiles(table, columns, default=default)
        return _wide_percentiles(table, columns, shares, default=default)
    return None


def _columns(record: Sequence[str]) -> dict[str, int]:
    """Return the position of each role that a header names."""
    found: dict[str, int] = {}
    for position, text in enumerate(record):
        for name, _, _ in splits(text):
            role = _ROLES.get(header_key(name))
            if role is not None:
                found.setdefault(role, position)
                break
    return found


def _percentiles(record: Sequence[str]) -> dict[int, float]:
    """Return the share of each column whose header is a percentile of a resistance."""
    shares: dict[int, float] = {}
    for position, text in enumerate(record):
        for name, _, _ in splits(text):
            bare = name.strip().casefold()
            matched = _PERCENTILE.fullmatch(bare)
            if matched is not None or bare in _MEDIANS:
                number = (matched[1] or matched[2]) if matched is not None else "50"
                shares[position] = float(number.replace(",", ".")) / 100.0
                break
    return {position: share for position, share in shares.items() if 0.0 < share < 1.0}


def _unit_factor(table: RawTable, position: int) -> float:
    """Return the factor to ohm that a header names; percentiles without a unit are refused."""
    header = table.header[position]
    for _, unit, _ in splits(header):
        try:
            if unit:
                return factor_to_si(unit, "resistance")
        except UnknownUnitError:
            continue
    raise InputError(
        f"{table.place}: the column {header!r} names no unit of resistance; write it in the "
        f"header, such as {header + ' (kOhm)'!r}."
    )


def _subjects(
    table: RawTable, columns: Mapping[str, int], *, default: str
) -> list[tuple[str, str]]:
    """Return condition and state of each row."""
    names = [default] * len(table.row_numbers)
    if "condition" in columns:
        codes, labels = read_labels(table, columns["condition"], what="condition")
        names = [labels[code] for code in codes]
    states = read_states(table, columns["state"])
    return [(name, STATES[state]) for name, state in zip(names, states, strict=True)]


def _refuse_repeated(table: RawTable, subjects: Sequence[tuple[str, str]], position: int) -> None:
    for index, subject in enumerate(subjects):
        if subject in subjects[:index]:
            raise InputError(
                f"{table.where(index, table.header[position])}: {subject[0]!r}, {subject[1]} "
                "stands in a row above too; give each state of a condition one row."
            )


def _counts(table: RawTable, columns: Mapping[str, int], *, default: str) -> list[Summary]:
    subjects = _subjects(table, columns, default=default)
    _refuse_repeated(table, subjects, columns["state"])
    errors, bits = (read_counts(table, columns[role]) for role in ("errors", "bits"))
    references = [math.nan] * len(subjects)
    if "reference" in columns:
        position = columns["reference"]
        factor = _unit_factor(table, position)
        references = read_quantity_column(table, position, factor=factor).tolist()
    for index, (wrong, read) in enumerate(zip(errors, bits, strict=True)):
        if wrong < 0 or read < 1 or wrong > read:
            raise InputError(
                f"{table.where(index, table.header[columns['errors']])}: {wrong} errors of {read} "
                "bits were found; accepted are errors from 0 to the number of bits."
            )
    return [
        ErrorCount(*subject, int(wrong), int(read), reference, table.place)
        for subject, wrong, read, reference in zip(subjects, errors, bits, references, strict=True)
    ]


def _wide_percentiles(
    table: RawTable, columns: Mapping[str, int], shares: Mapping[int, float], *, default: str
) -> list[Summary]:
    subjects = _subjects(table, columns, default=default)
    _refuse_repeated(table, subjects, columns["state"])
    readings = _readings(table, columns)
    values = {
        share: read_quantity_column(table, position, factor=_unit_factor(table, position))
        for position, share in sorted(shares.items(), key=lambda item: item[1])
    }
    return [
        _table_of(
            subject,
            readings[index],
            [(share, float(column[index])) for share, column in values.items()],
            place=f"{table.place}, row {table.row_numbers[index]}",
            file=table.place,
        )
        for index, subject in enumerate(subjects)
    ]


def _long_percentiles(
    table: RawTable, columns: Mapping[str, int], *, default: str
) -> list[Summary]:
    subjects = _subjects(table, columns, default=default)
    readings = _readings(table, columns)
    position = columns["resistance"]
    ohms = read_quantity_column(table, position, factor=_unit_factor(table, position))
    percents = read_quantity_column(table, columns["percentile"], factor=1.0)
    header = table.header[columns["percentile"]]
    # "percentile" and "percent" are of 100, a quantile or a probability is of 1.
    whole = 100.0 if header_key(header).startswith("percent") else 1.0
    grouped: dict[tuple[str, str], list[int]] = {}
    for index, subject in enumerate(subjects):
        grouped.setdefault(subject, []).append(index)
    return [
        _table_of(
            subject,
            readings[rows[0]],
            sorted((float(percents[row]) / whole, float(ohms[row])) for row in rows),
            place=f"{table.place}, row {table.row_numbers[rows[0]]}",
            file=table.place,
        )
        for subject, rows in grouped.items()
    ]


def _readings(table: RawTable, columns: Mapping[str, int]) -> list[int | None]:
    if "bits" not in columns:
        return [None] * len(table.row_numbers)
    return [int(count) if count > 0 else None for count in read_counts(table, columns["bits"])]


def _table_of(
    subject: tuple[str, str],
    readings: int | None,
    pairs: Sequence[tuple[float, float]],
    *,
    place: str,
    file: str,
) -> PercentileTable:
    known = [(share, ohm) for share, ohm in pairs if not math.isnan(ohm)]
    shares, ohms = [share for share, _ in known], [ohm for _, ohm in known]
    if len(known) < _LEAST_PERCENTILES:
        raise InputError(
            f"{place} ({subject[0]!r}, {subject[1]}): {len(known)} percentile was found; a "
            "population takes two or more."
        )
    if not all(0.0 < share < 1.0 for share in shares):
        raise InputError(f"{place}: a percentile lies above 0 and below 100 %.")
    rising = all(a < b for a, b in itertools.pairwise(ohms)) and ohms[0] > 0
    distinct = all(a < b for a, b in itertools.pairwise(shares))
    if not (rising and distinct and math.isfinite(ohms[-1])):
        raise InputError(
            f"{place} ({subject[0]!r}, {subject[1]}): percentiles rise with their share, from "
            f"above 0 Ω on; found were {', '.join(f'{100 * q:g} %: {r:g} Ω' for q, r in known)}."
        )
    return PercentileTable(*subject, readings, tuple(shares), tuple(ohms), file)
