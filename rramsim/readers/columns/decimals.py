"""Decimal commas and thousands marks, where the columns of a file are not parted by commas."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rramsim.errors import InputError
from rramsim.readers.table import RawTable

# Groups of three after each mark, and the other mark before the decimals, if any.
_LIKE_THOUSANDS = {
    mark: re.compile(
        rf"[<>≤≥=\s]*[-+]?[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+(?:{re.escape(decimal)}\d*)?\s*"
    )
    for mark, decimal in ((",", "."), (".", ","))
}
_NAMES = {",": "comma", ".": "point"}


class AmbiguousMarkError(InputError):
    """A number in which a comma or a point may be decimal or part thousands."""


def with_points(table: RawTable, position: int) -> list[str]:
    """Return the column's texts with decimal points and no thousands marks.

    A comma is a decimal one. Where a number of the column has both a comma and a point, as
    "10.351,62" or "10,351.62", the last one is the decimal mark, and the other one parts the
    thousands in the whole column.

    Raises
    ------
    InputError
        If every comma of the column could as well part the thousands, or its numbers, or those
        of another column, go against the thousands marks found.
    """
    texts = list(map(str, table.columns[position]))
    with_comma = [text for text in texts if "," in text] if table.decimal_comma else []
    if not with_comma:
        return texts
    both = next((text for text in with_comma if "." in text), None)
    if both is not None:
        return _without_thousands(table, position, texts, example=both)
    if all(map(_LIKE_THOUSANDS[","].fullmatch, with_comma)):
        raise _ambiguous(table, position, texts.index(with_comma[0]), ",")
    return [text.replace(",", ".") for text in texts]


def _without_thousands(
    table: RawTable, position: int, texts: Sequence[str], *, example: str
) -> list[str]:
    thousands = "," if example.rindex(".") > example.rindex(",") else "."
    decimal = "." if thousands == "," else ","
    for index, text in enumerate(texts):
        if thousands in text and not _LIKE_THOUSANDS[thousands].fullmatch(text):
            raise InputError(
                f"{table.where(index, table.header[position])}: {text!r} was found, but in "
                f"{example!r} of the same column the {_NAMES[thousands]} is a thousands mark. "
                "Write all numbers with a decimal point and without thousands marks."
            )
    if thousands == ".":
        _check_others(table, position)
    return [text.replace(thousands, "").replace(decimal, ".") for text in texts]


def _check_others(table: RawTable, position: int) -> None:
    """Refuse other columns whose points may part thousands, as those of this one do."""
    import numpy as np

    for other, column in enumerate(table.columns):
        if other == position:
            continue
        if isinstance(column, np.ndarray) and column.dtype.kind == "f":
            # Split as numbers, it has lost its marks; refused, the file is split line by line.
            broken = np.flatnonzero(np.isfinite(column) & (column != np.floor(column)))
            if broken.size:
                raise _ambiguous(table, other, int(broken[0]), ".")
            continue
        pointed = [index for index, text in enumerate(column) if "." in text]
        marked = [str(column[index]) for index in pointed]
        if any("," in text for text in marked):
            continue
        if marked and all(map(_LIKE_THOUSANDS["."].fullmatch, marked)):
            raise _ambiguous(table, other, pointed[0], ".")


def _ambiguous(table: RawTable, position: int, index: int, mark: str) -> AmbiguousMarkError:
    text, name = str(table.columns[position][index]), _NAMES[mark]
    return AmbiguousMarkError(
        f"{table.where(index, table.header[position])}: is the {name} in {text!r} a decimal "
        f"{name} or a thousands separator? Write the number with a decimal point."
    )
