"""Readings of cells with where they are from: what readers give and the device room takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Measured:
    """Readings, and what a person should know of them.

    Attributes
    ----------
    readings : xarray.Dataset
        The dataset "readings" of `rramsim.schema`.
    notes : tuple of str
        Everything dropped, censored or assumed, counted, each with its file.
    origin : str
        "measured", "reconstructed" or "synthetic".
    sources : tuple of (str, str)
        Name and SHA-256 of each file.
    """

    readings: xr.Dataset
    notes: tuple[str, ...]
    origin: str
    sources: tuple[tuple[str, str], ...]
