"""The points of a trade-off as plain values, for choosing among them and for tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rramsim import schema

if TYPE_CHECKING:
    import xarray as xr

_PLAIN: dict[str, Any] = {"f": float, "i": int, "b": bool, "U": str}


@dataclass(frozen=True)
class Point:
    """One network on one condition: a row of the "tradeoff" dataset as plain values."""

    condition: str
    training_ber: float
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    accuracy_p05: float
    maps: int
    accuracy_low_at_ber_high: float
    programming_energy: float
    energy_per_cell: float
    on_front: bool
    meets_tolerance: bool
    test_ber: float
    ber_high: float
    origin: str
    faults: str
    ber_bound: str
    ber_extrapolated: bool
    set_energy_basis: str
    reset_energy_basis: str
    endurance: float
    endurance_basis: str
    endurance_bound: str


def points_of(tradeoff: xr.Dataset) -> list[Point]:
    """Return the points of a "tradeoff" dataset, by condition, then by training BER.

    Parameters
    ----------
    tradeoff : xarray.Dataset
        Product "tradeoff".

    Returns
    -------
    list of Point
    """
    schema.validate(tradeoff, "tradeoff")
    kinds = {variable.name: variable.kind for variable in schema.DATASETS["tradeoff"]}
    cells = [
        tradeoff.isel(condition=i, training_ber=j)
        for i in range(tradeoff.sizes["condition"])
        for j in range(tradeoff.sizes["training_ber"])
    ]
    return [
        Point(
            condition=str(cell.condition.item()),
            training_ber=float(cell.training_ber),
            **{name: _PLAIN[kind](cell[name].item()) for name, kind in kinds.items()},
        )
        for cell in cells
    ]
