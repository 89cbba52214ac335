"""The columns by which the user wants conditions to be named, and the names they make."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.formatting import quantity
from rramsim.readers.columns.headers import (
    Column,
    describe,
    measurement_columns,
    positions_of,
    recognise,
    splits,
)
from rramsim.readers.columns.values import one_spelling, read_labels, read_quantity_column
from rramsim.readers.programming.sources import DIGITS, Source, setting_in_words
from rramsim.readers.table import RawTable
from rramsim.schema import (
    did_you_mean,
    rounded,
    settings,
)

if TYPE_CHECKING:
    import numpy as np

_HEADERS_SHOWN = 30


@dataclass(frozen=True)
class _Stated:
    """A column stated: its table, its position there, and for each reading its line."""

    table: RawTable
    position: int
    lines: np.ndarray
    column: Column | None


def labels_of(
    sources: Sequence[Source], stated: Sequence[str], *, readings: Collection[int]
) -> tuple[np.ndarray, list[str]]:
    """Return an index into the names that the stated columns make together, and those names.

    Parameters
    ----------
    sources : sequence of Source
        Where columns may stand; the first one is the table of the readings.
    stated : sequence of str
        Headers of the file, with or without their unit, or names of ours.
    readings : collection of int
        Positions in the table of the columns that hold the readings.

    Raises
    ------
    InputError
        If a column is not there, is one of readings, or is blank in a row.
    """
    import numpy as np
    import pandas as pd

    parts = [_labels(_find(name, sources, readings)) for name in dict.fromkeys(stated)]
    together = pd.MultiIndex.from_arrays([codes for codes, _ in parts])
    codes, keys = pd.factorize(together)
    names = [
        ", ".join(labels[code] for code, (_, labels) in zip(key, parts, strict=True))
        for key in keys
    ]
    return np.asarray(codes, dtype=np.int64), names


def _find(name: str, sources: Sequence[Source], readings: Collection[int]) -> _Stated:
    place = sources[0].table.place
    for source in sources:
        found = _positions(name, source)
        headers = [source.table.header[position] for position in found]
        if len(found) > 1:
            raise InputError(
                f"{place}: several columns are {name!r}, by which conditions are to be named: "
                f"{', '.join(map(repr, headers))}; name one as it is written."
            )
        if found and source is sources[0] and found[0] in readings:
            raise InputError(
                f"{place}: {headers[0]!r} holds the readings; conditions cannot be named by it."
            )
        if found:
            by_position = {column.position: column for column in source.columns.values()}
            return _Stated(source.table, found[0], source.lines, by_position.get(found[0]))
    raise _no_column(name, sources)


def _positions(name: str, source: Source) -> list[int]:
    found = positions_of(source.table.header, name)
    if not found:
        roles = recognise([name], measurement_columns(), place="condition_from")
        found = [source.columns[role].position for role in roles if role in source.columns]
    return found


def _no_column(name: str, sources: Sequence[Source]) -> InputError:
    texts = [text for source in sources for text in source.table.header if text]
    return InputError(
        f"{sources[0].table.place}: no column is {name!r}, by which conditions are to be named "
        f"(--condition-from).{did_you_mean(name, texts)} Accepted: "
        f"{', '.join(map(repr, texts[:_HEADERS_SHOWN]))}."
    )


def _labels(stated: _Stated) -> tuple[np.ndarray, list[str]]:
    """Return an index into the distinct values of a column as they stand in names, and those."""
    column = stated.column
    if column is not None and column.quantity is not None:
        return _of_quantity(stated, column)
    header = stated.table.header[stated.position]
    codes, texts = read_labels(_in_short(stated), stated.position, what="condition")
    numbers = [_number(text) for text in texts]
    if None in numbers:
        return codes[stated.lines], texts
    bare, unit = next(
        ((bare.strip(), f" {unit}") for bare, unit, sure in splits(header) if unit and sure),
        (header, ""),
    )
    # "5" and "5.0" are one number, shown as it was met first.
    first = dict(reversed(list(zip(numbers, texts, strict=True))))
    names = [f"{bare} {first[number]}{unit}" for number in numbers]
    codes, names = one_spelling(codes, names)
    return codes[stated.lines], names


def _of_quantity(stated: _Stated, column: Column) -> tuple[np.ndarray, list[str]]:
    import numpy as np
    import pandas as pd

    variable = next((one for one in settings() if one.name == column.role), None)
    values = read_quantity_column(
        stated.table, column.position, factor=column.factor, offset=column.offset
    )
    if variable is not None and variable.sign == "dropped":
        values = np.abs(values)
    blank = np.isnan(values[stated.lines])
    if blank.any():
        line = int(stated.lines[int(blank.argmax())])
        raise InputError(
            f"{stated.table.where(line, column.header)}: the row is blank; each row needs a value "
            "where conditions are named by the column."
        )
    codes, distinct = pd.factorize(rounded(values)[stated.lines])
    names = [_in_words(column, float(value)) for value in distinct]
    return np.asarray(codes, dtype=np.int64), names


def _in_words(column: Column, value: float) -> str:
    variable = next((one for one in settings() if one.name == column.role), None)
    if variable is not None:
        return setting_in_words(variable, value)
    unit = measurement_columns()[column.role].unit
    number = quantity(value, unit, DIGITS).replace("\N{NO-BREAK SPACE}", " ")
    return f"{describe(column.role)} {number}"


def _in_short(stated: _Stated) -> RawTable:
    """Return the table with the column as texts, where a long one was split as numbers."""
    import numpy as np

    values = stated.table.columns[stated.position]
    if not (isinstance(values, np.ndarray) and values.dtype.kind == "f"):
        return stated.table
    texts = ["" if np.isnan(value) else f"{value:.15g}" for value in values]
    columns = list(stated.table.columns)
    columns[stated.position] = texts
    return replace(stated.table, columns=tuple(columns))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
