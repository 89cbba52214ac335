"""What a study found, as the report takes it: datasets, and the sentences that go with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.crossbar.tiles import Placement
    from rramsim.tradeoff.recommend import Recommendation


@dataclass(frozen=True)
class Provenance:
    """What a study was made from, enough to make it again.

    Attributes
    ----------
    version : str
        Of rramsim.
    seed : int
        Of everything that was drawn.
    study : str
        The settings, as text.
    sources : tuple of (str, str)
        Name and SHA-256 of everything that was read.
    """

    version: str
    seed: int
    study: str
    sources: tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything the report shows.

    Attributes
    ----------
    conditions, accuracy, tradeoff : xarray.Dataset
        Products of these names in `rramsim.schema`.
    recommendation : Recommendation
        Chosen from `tradeoff`.
    network : str
        Widths of the layers, such as ``"64-512-512-10"``.
    images : str
        A sentence on the images: name, source, licence.
    placements : tuple of Placement
        Where each layer lives, from the input on.
    provenance : Provenance
    assumptions : tuple of str
        Sentences from where the facts are known, beyond those of the trade-off itself.
    notes : tuple of str
        Sentences on cells that were dropped or clamped, and on what a reader must know.
    readings, populations, counted : xarray.Dataset or None
        Products of these names; None where the study has no measurements.
    stated : xarray.Dataset or None
        Product "conditions" as a conditions file states it, to be shown beside `conditions`.
    """

    conditions: xr.Dataset
    accuracy: xr.Dataset
    tradeoff: xr.Dataset
    recommendation: Recommendation
    network: str
    images: str
    placements: tuple[Placement, ...]
    provenance: Provenance
    assumptions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    readings: xr.Dataset | None = None
    populations: xr.Dataset | None = None
    counted: xr.Dataset | None = None
    stated: xr.Dataset | None = None
