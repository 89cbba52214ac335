"""Readings of cells with where they are from: what readers give and the device room takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from rramsim.formatting import quantity
from rramsim.notes import Note

if TYPE_CHECKING:
    import xarray as xr


LEFT_OUT = {
    "blank": "blank or NaN",
    "other states": "of other states",
    "other cycles": "of other cycles",
    "identical": "identical repeats",
}
"""Why cells of the columns of readings are left out, and how a count of them is worded."""


@dataclass(frozen=True)
class ReadingCount:
    """What became of every cell of the columns of readings in one table of a file.

    Attributes
    ----------
    place : str
        The file (and sheet).
    cells : int
        Rows below the header times columns of readings.
    exact, censored : int
        Readings read: numbers, and bounds (out of range, clamped, beyond a limit).
    left_out : mapping of str to int
        The others by reason, a key of `LEFT_OUT`.

    Examples
    --------
    >>> print(ReadingCount("cells.csv", 100, 80, 15, {"blank": 5}))
    of 100 readings in the table 95 are read, 15 of them censored; left out: 5 blank or NaN.
    """

    place: str
    cells: int
    exact: int
    censored: int
    left_out: Mapping[str, int]

    def __str__(self) -> str:
        """Return the counts as a sentence without its subject."""
        read = self.exact + self.censored
        text = f"of {self.cells:,} readings in the table {read:,} are read"
        text += f", {self.censored:,} of them censored" if self.censored else ""
        reasons = [f"{count:,} {LEFT_OUT[kind]}" for kind, count in self.left_out.items() if count]
        return f"{text}; left out: {', '.join(reasons)}." if reasons else f"{text}."


@dataclass(frozen=True)
class ErrorCount:
    """Bit errors that somebody counted in one state of a condition: all that is known of it.

    Attributes
    ----------
    condition, state : str
        The programming condition, and ``"LRS"`` or ``"HRS"``.
    errors, bits : int
        Misread bits, and bits read.
    reference : float
        Resistance they were read against, in ohm; NaN where it is not said.
    file : str
    """

    condition: str
    state: str
    errors: int
    bits: int
    reference: float
    file: str


@dataclass(frozen=True)
class PercentileTable:
    """Percentiles of the resistances of one state of a condition: all that is known of them.

    Attributes
    ----------
    condition, state : str
        The programming condition, and ``"LRS"`` or ``"HRS"``.
    readings : int or None
        Readings of which they are the percentiles; None where it is not said.
    shares : tuple of float
        Shares of the readings, above 0 and below 1, in ascending order.
    resistances : tuple of float
        At or below which those shares lie, in ohm, in ascending order.
    file : str
    """

    condition: str
    state: str
    readings: int | None
    shares: tuple[float, ...]
    resistances: tuple[float, ...]
    file: str


@dataclass(frozen=True)
class CentreAndSpread:
    """A mean or median of the resistances of a state with their spread: all that is known of them.

    Attributes
    ----------
    condition, state : str
        The programming condition, and ``"LRS"`` or ``"HRS"``.
    readings : int or None
        Readings that they sum up; None where it is not said.
    centre, spread : float
        Of R in ohm, of ln(R / ohm) without a unit.
    centre_of : str
        ``"median"`` or ``"mean"`` of R, or ``"mean of ln R"``.
    spread_of : str
        ``"sigma of ln R"``, ``"standard deviation"`` of R, or ``"interquartile range"`` of R.
    file : str
    """

    condition: str
    state: str
    readings: int | None
    centre: float
    centre_of: str
    spread: float
    spread_of: str
    file: str

    @property
    def basis(self) -> str:
        """What is known, in words."""
        return f"{self.centre_of} and {self.spread_of}"


Summary = ErrorCount | PercentileTable | CentreAndSpread


@dataclass(frozen=True, repr=False)
class Measured:
    """Readings, and what a person should know of them.

    Attributes
    ----------
    readings : xarray.Dataset
        The dataset "readings" of `rramsim.schema`.
    notes : tuple of Note
        Everything dropped, censored or assumed, counted, each with its file.
    origin : str
        "measured", "reconstructed" or "synthetic".
    sources : tuple of (str, str)
        Name and SHA-256 of each file.
    counts : tuple of ReadingCount
        What became of every reading, for each table of the files.
    lives : xarray.Dataset or None
        The dataset "lives": cells of which the files say when they failed, or to which cycle they
        were good, instead of how they were read along their cycles.
    summaries : tuple of ErrorCount, PercentileTable or CentreAndSpread
        Of conditions of which only counts, percentiles, or means or medians with their spread are
        known, no readings.
    """

    readings: xr.Dataset
    notes: tuple[Note, ...]
    origin: str
    sources: tuple[tuple[str, str], ...]
    counts: tuple[ReadingCount, ...] = ()
    lives: xr.Dataset | None = None
    summaries: tuple[Summary, ...] = ()

    def __repr__(self) -> str:
        """Return the number of readings and conditions in a line."""
        readings, conditions = self.readings.sizes["reading"], self.readings.sizes["condition"]
        ending = "" if conditions == 1 else "s"
        lives = "" if self.lives is None else f", {self.lives.sizes['life']:,} lives of cells"
        return (
            f"Measured({readings:,} readings of {conditions} condition{ending}{lives}, "
            f"{self.origin})"
        )

    def _repr_html_(self) -> str:
        import pandas as pd

        columns = ("condition_index", "state_index", "resistance")
        table = pd.DataFrame({name: self.readings[name].values for name in columns})
        grouped = table.groupby(["condition_index", "state_index"])["resistance"]
        rows = [
            {
                "condition": str(self.readings["condition"].values[condition]),
                "state": str(self.readings["state"].values[state]),
                "readings": f"{len(values):,}",
                "median": quantity(float(values.median()), "Ω"),
            }
            for (condition, state), values in grouped
        ]
        html: str = pd.DataFrame(rows).to_html(index=False)
        notes = "".join(f"<p>{escape(str(note))}</p>" for note in self.notes)
        return f"<p>{escape(repr(self))}</p>{html}{notes}"
