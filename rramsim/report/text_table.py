"""A table of texts, the same in the terminal and on a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rramsim import formatting as numbers

if TYPE_CHECKING:
    import xarray as xr


NONE = "–"


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
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[str, ...] = ()
    remark: str = ""


def names_of(dataset: xr.Dataset) -> list[str]:
    """Return the names of the conditions of a dataset."""
    return [str(name) for name in dataset["condition"].values]


def ends(value: str, low: str, high: str) -> str:
    """Return a value with its interval, or as much of it as is known.

    >>> ends("5", "4", "7"), ends("5", "4", "unknown"), ends("5", "unknown", "unknown")
    ('5 (4 to 7)', '5 (4 or more)', '5')
    """
    if value == numbers.UNKNOWN or low == high == numbers.UNKNOWN:
        return value
    if numbers.UNKNOWN in (low, high):
        return f"{value} ({low} or more)" if high == numbers.UNKNOWN else f"{value} (up to {high})"
    return f"{value} ({low} to {high})"
