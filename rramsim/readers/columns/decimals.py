"""From numbers as people write them to plain ones: decimal commas, thousands, prefixes, units."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.readers.table import RawTable, is_decimal_comma
from rramsim.units import factor_to_si

if TYPE_CHECKING:
    import numpy as np

# Groups of three after each mark, and the other mark before the decimals, if any.
_LIKE_THOUSANDS = {
    mark: re.compile(
        rf"[<>≤≥=\s]*[-+]?[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+(?:{re.escape(decimal)}\d*)?\s*"
    )
    for mark, decimal in ((",", "."), (".", ","))
}
_NAMES = {",": "comma", ".": "point"}
# Apostrophes (Switzerland) and spaces of any width part thousands and nothing else.
_GROUP_MARKS = "'’\u00a0\u2009\u202f "
_GROUPS = re.compile(rf"(?<![\d.,])\d{{1,3}}(?:[{_GROUP_MARKS}]\d{{3}})+(?!\d)")
# "1,250,708", "1,250.5" and "0.5" tell that no comma of the file is decimal.
_SURELY_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3}){2,}|[-+]?[\d,]*\.\d+(?:[eE][-+]?\d+)?")
_MARKED = re.compile(r"([<>≤≥]?\s*=?\s*[-+−]?)(.*)", re.DOTALL)
_SUFFIXED = re.compile(r"(\d+\.?\d*|\.\d+)(?:[eE]([-+]?\d+))?\s*([^\W\d_].*|°.*)")
# 4k7 is 4.7 k, as on circuit diagrams.
_PREFIX_FOR_POINT = re.compile(r"(\d+)([RkKMGT])(\d+)")
# Fortran writes the power of a double-precision number with a D.
_FORTRAN = re.compile(r"(?<=[\d.])[dD](?=[-+]?\d{1,3}$)")
_TIMES_TEN = re.compile(r"\s*[×x*·]\s*10\s*(?:\^|\*\*)\s*", re.IGNORECASE)
_PREFIXES = {
    "resistance": {"R": 0, "r": 0, "k": 3, "K": 3, "M": 6, "G": 9, "T": 12},
    "current": {"m": -3, "u": -6, "µ": -6, "μ": -6, "n": -9, "p": -12, "f": -15},
}
_PREFIXES["conductance"] = _PREFIXES["current"]
_LOOKED_AT = 1000


class AmbiguousMarkError(InputError):
    """A number in which a comma or a point may be decimal or part thousands."""


def with_points(table: RawTable, position: int) -> list[str]:
    """Return the column's texts with decimal points and no thousands marks.

    A comma is a decimal one. Where a number of the column has both a comma and a point, as
    "10.351,62" or "10,351.62", the last one is the decimal mark, and the other one parts the
    thousands in the whole column.

    Apostrophes and spaces between groups of three digits are left out.

    Raises
    ------
    InputError
        If every comma of the column could as well part the thousands and nothing tells that they
        are decimal: another column with a comma that surely is, or semicolons between the columns
        and a comma in each number. If its numbers, or those of another column, go against the
        thousands marks found.
    """
    texts = _ungrouped(table.columns[position])
    with_comma = [text for text in texts if "," in text]
    pointed = [text for text in texts if "." in text]
    are_like_thousands = bool(pointed) and all(map(_LIKE_THOUSANDS["."].fullmatch, pointed))
    if not with_comma:
        if are_like_thousands and table.decimal_comma and _has_decimal_commas(table, position):
            raise _ambiguous(table, position, texts.index(pointed[0]), ".")
        return texts
    both = next((text for text in with_comma if "." in text), None)
    if both is not None:
        return _without_thousands(table, position, texts, example=both)
    if all(map(_LIKE_THOUSANDS[","].fullmatch, with_comma)):
        # "1,250,708", or "999.5" in the same column, tells that a comma is no decimal one.
        sure = [text for text in with_comma if text.count(",") > 1]
        sure += [text for text in pointed if not _LIKE_THOUSANDS["."].fullmatch(text)]
        if sure:
            return _without_thousands(table, position, texts, example=sure[0], thousands=",")
        if not pointed and table.decimal_comma and _has_decimal_commas(table, position):
            # "250,71" in another column: who writes one decimal comma writes all of them.
            return [text.replace(",", ".") for text in texts]
        if _are_decimals_throughout(table, texts):
            return [text.replace(",", ".") for text in texts]
        raise _ambiguous(table, position, texts.index(with_comma[0]), ",")
    if are_like_thousands:
        raise _ambiguous(table, position, texts.index(pointed[0]), ".")
    return [text.replace(",", ".") for text in texts]


def _ungrouped(column: Sequence[str] | np.ndarray) -> list[str]:
    """Return the texts of a column without marks between groups of three digits."""
    texts = [str(text) for text in column]
    # A million texts without a mark are found to be so in one look at all of them.
    together = "".join(texts)
    if not any(mark in together for mark in _GROUP_MARKS):
        return texts
    return [_GROUPS.sub(lambda group: re.sub(r"\D", "", group[0]), text) for text in texts]


def _has_decimal_commas(table: RawTable, position: int) -> bool:
    """Whether another column has a number whose comma can be nothing but a decimal one."""
    return table.read_commas or any(
        is_decimal_comma(text)
        for other, column in enumerate(table.columns)
        if other != position
        for text in map(str, column[:_LOOKED_AT])
    )


def _are_decimals_throughout(table: RawTable, texts: Sequence[str]) -> bool:
    """Whether commas before three digits are decimal, as where a program wrote three decimals.

    So they are where semicolons part the columns and each number of this one has its comma; where
    commas part thousands, small numbers have none, and a point is decimal.
    """
    filled = [text for text in texts if text]
    if not table.semicolons or len(filled) < 2 or any(text.count(",") != 1 for text in filled):
        return False
    others = (str(text).strip() for column in table.columns for text in column[:_LOOKED_AT])
    return not any(map(_SURELY_THOUSANDS.fullmatch, others))


def decimals_by_semicolons(table: RawTable, position: int) -> str:
    """Return a number of the column whose comma is decimal by the semicolons alone, "" if none."""
    # One text without such a comma settles it: of a long column no more than that is looked at.
    filled = (str(text) for text in table.columns[position])
    example = next((_ungrouped([text])[0] for text in filled if text), "")
    if not table.semicolons or not _LIKE_THOUSANDS[","].fullmatch(example):
        return ""
    every = _ungrouped(table.columns[position])
    if not all(map(_LIKE_THOUSANDS[","].fullmatch, filter(None, every))):
        return ""
    told = table.decimal_comma and _has_decimal_commas(table, position)
    return "" if told or not _are_decimals_throughout(table, every) else example


def refuse_lost_marks(table: RawTable, position: int) -> None:
    """Refuse a column split as numbers whose points may part thousands: its texts will tell."""
    is_pointed = not table.read_commas
    if is_pointed and table.decimal_comma and _has_decimal_commas(table, position):
        raise _ambiguous(table, position, 0, ".")


def plain_number(text: str, *, quantity: str, factor: float) -> str | None:
    """Return a number with a prefix, a unit or a power of ten as a plain one, or None.

    Parameters
    ----------
    text : str
        With a decimal point: ``"5.20k"``, ``"4k7"``, ``"100R"``, ``">1 GΩ"``, ``"5.2x10^3"``,
        ``"5.2D+03"``.
    quantity : str
        What is read: a prefix alone is of its unit.
    factor : float
        Of the unit in the header to SI, 1 where there is none; the number is in that unit. With
        another one, a prefix alone in the cell could mean either and is not accepted.

    Examples
    --------
    >>> plain_number("5.20k", quantity="resistance", factor=1.0)
    '5.20e3'
    >>> plain_number("> 1 GΩ", quantity="resistance", factor=1e3)
    '> 1e6'
    """
    matched = _MARKED.fullmatch(text.strip())
    if matched is None:
        return None
    mark, number = matched[1].replace("−", "-"), _TIMES_TEN.sub("e", matched[2])
    number = _FORTRAN.sub("e", number)
    if re.fullmatch(r"\d*\.?\d+(?:[eE][-+]?\d+)?", number.replace("−", "-")):
        return mark + number.replace("−", "-")
    prefixes = _PREFIXES.get(quantity, {})
    between = _PREFIX_FOR_POINT.fullmatch(number)
    if between is not None and quantity == "resistance":
        number = f"{between[1]}.{between[3]}{between[2]}"
    suffixed = _SUFFIXED.fullmatch(number)
    if suffixed is None:
        return None
    unit = suffixed[3].strip()
    if unit in prefixes:
        power = prefixes[unit] if factor == 1.0 else None
    else:
        power = _power_of(unit, quantity, factor)
    return None if power is None else f"{mark}{suffixed[1]}e{int(suffixed[2] or 0) + power}"


def _power_of(unit: str, quantity: str, factor: float) -> int | None:
    try:
        power = math.log10(factor_to_si(unit, quantity) / factor)
    except InputError:
        return None
    return round(power) if abs(power - round(power)) < 1e-9 else None


def _without_thousands(
    table: RawTable, position: int, texts: Sequence[str], *, example: str, thousands: str = ""
) -> list[str]:
    thousands = thousands or ("," if example.rindex(".") > example.rindex(",") else ".")
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
