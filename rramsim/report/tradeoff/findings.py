"""What a study found, as the report takes it: datasets, and the facts that go with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import xarray as xr

    from rramsim.crossbar.tiles import Placement
    from rramsim.decision.recommendation import Recommendation
    from rramsim.report.provenance import Provenance


@dataclass(frozen=True, eq=False)
class ShownChip:
    """One chip of the recommended point, to show where its wrong cells lie.

    Attributes
    ----------
    layer : int
        Number of the layer shown, from 1 at the input: the one with the most weights.
    wrong : ndarray of int
        Flat positions of its wrong cells in the layer's ``(neurons, inputs)`` matrix.
    """

    layer: int
    wrong: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything the report shows.

    Attributes
    ----------
    conditions, accuracy, tradeoff : xarray.Dataset
        Products of these names in `rramsim.schema`.
    recommendation : Recommendation
        Chosen from `tradeoff`.
    budgets : xarray.Dataset
        Product "ber_budget".
    network : str
        Widths of the layers, such as ``"64-512-512-10"``.
    images : str
        A sentence on the images: name, source, licence.
    placements : tuple of Placement
        Where each layer lives, from the input on.
    provenance : Provenance
    chip : ShownChip or None
        One chip of the recommended point.
    test_images : int
        Images each chip was scored on.
    trainings : int
        Networks trained by each recipe, or folds.
    folds : int or None
        Parts of the image set, where each network is tested on one of them.
    lrs_share : float
        Share of the cells in use that are in LRS.
    read_pulse : str
        Voltage and time of a read, empty where it is not known.
    unknown_circuits : tuple of str
        Circuits whose energy is not in that of an inference.
    model_files : tuple of str
        The networks, where they were not trained for the study.
    training_faults : mapping of float to str
        The faults a network was trained with, by its training BER, where that BER alone does
        not say so.
    has_own_faults : bool
        Whether chips were drawn from fault models of the user's instead of the conditions.
    notes : tuple of str
        Sentences on cells that were dropped or clamped, and on what a reader must know.
    readings, populations, counted, goodness : xarray.Dataset or None
        Products of these names; None where the study has no measurements.
    variance : xarray.Dataset or None
        Product "variance", where cells err together by what it tells.
    stated : xarray.Dataset or None
        Product "conditions" as a conditions file states it, to be shown beside `conditions`.
    """

    conditions: xr.Dataset
    accuracy: xr.Dataset
    tradeoff: xr.Dataset
    recommendation: Recommendation
    budgets: xr.Dataset
    network: str
    images: str
    placements: tuple[Placement, ...]
    provenance: Provenance
    chip: ShownChip | None = None
    test_images: int = 0
    trainings: int = 1
    folds: int | None = None
    lrs_share: float = 0.5
    read_pulse: str = ""
    unknown_circuits: tuple[str, ...] = ()
    model_files: tuple[str, ...] = ()
    training_faults: Mapping[float, str] = field(default_factory=dict)
    has_own_faults: bool = False
    notes: tuple[str, ...] = ()
    readings: xr.Dataset | None = None
    populations: xr.Dataset | None = None
    counted: xr.Dataset | None = None
    goodness: xr.Dataset | None = None
    variance: xr.Dataset | None = None
    stated: xr.Dataset | None = None
