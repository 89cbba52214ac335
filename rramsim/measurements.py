"""Readings of cells with where they are from: what readers give and the device room takes."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from rramsim.formatting import quantity
from rramsim.notes import Note

if TYPE_CHECKING:
    import xarray as xr


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
    """

    readings: xr.Dataset
    notes: tuple[Note, ...]
    origin: str
    sources: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        """Return the number of readings and conditions in a line."""
        readings, conditions = self.readings.sizes["reading"], self.readings.sizes["condition"]
        ending = "" if conditions == 1 else "s"
        return f"Measured({readings:,} readings of {conditions} condition{ending}, {self.origin})"

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
