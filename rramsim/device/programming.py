"""How a condition was programmed and what that costs: readings joined with what is stated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rramsim import numbers
from rramsim.device.energy import Energy, programming_energy

if TYPE_CHECKING:
    import xarray as xr

PROGRAMMING = {
    "set_current": ("A", "SET compliance current"),
    "set_voltage": ("V", "SET voltage"),
    "reset_voltage": ("V", "RESET voltage"),
    "pulse_width": ("s", "pulse width"),
}
"""The settings of one programming condition, their units and what they are called."""

# Settings that differ by less are the same setting, written with other digits.
_SAME = 1e-6


@dataclass(frozen=True)
class Programming:
    """Settings, energies and endurance of one condition.

    Attributes
    ----------
    settings : dict of str to float
        The keys of `PROGRAMMING`, NaN where unknown.
    set_energy, reset_energy : Energy
        Of one operation.
    endurance : float
        Cycles, NaN where unknown.
    endurance_basis, endurance_bound : str
        As in the schema "conditions".
    notes : tuple of str
        What a reader must know, a sentence each.
    """

    settings: dict[str, float]
    set_energy: Energy
    reset_energy: Energy
    endurance: float
    endurance_basis: str
    endurance_bound: str
    notes: tuple[str, ...]


def join_programming(
    name: str, readings: dict[str, NDArray[np.float64]], stated: xr.Dataset | None
) -> Programming:
    """Join what the readings of a condition say of its programming with what is stated.

    Parameters
    ----------
    name : str
        The condition, for the notes.
    readings : dict of str to ndarray, shape (readings,)
        The optional programming variables of the schema "readings" that the file has.
    stated : xarray.Dataset or None
        The row of the condition in a dataset of the schema "conditions", without its dim.
    """
    notes: list[str] = []
    settings = {
        setting: _setting(name, setting, readings=readings, stated=stated, notes=notes)
        for setting in PROGRAMMING
    }
    set_energy, reset_energy = (
        programming_energy(
            measured=readings.get(f"{operation}_energy", ()),
            stated=_stated(stated, f"{operation}_energy"),
            voltage=settings[f"{operation}_voltage"],
            current=settings["set_current"],
            pulse_width=settings["pulse_width"],
        )
        for operation in ("set", "reset")
    )
    notes += _energy_notes(name, settings, {"SET": set_energy, "RESET": reset_energy})
    has_endurance = math.isfinite(_stated(stated, "endurance"))
    return Programming(
        settings=settings,
        set_energy=set_energy,
        reset_energy=reset_energy,
        endurance=_stated(stated, "endurance"),
        endurance_basis="stated" if has_endurance else "unknown",
        endurance_bound=str(stated["endurance_bound"].values)
        if stated is not None and has_endurance
        else "",
        notes=tuple(notes),
    )


def _stated(stated: xr.Dataset | None, variable: str) -> float:
    return math.nan if stated is None else float(stated[variable].values)


def _setting(
    name: str,
    setting: str,
    *,
    readings: dict[str, NDArray[np.float64]],
    stated: xr.Dataset | None,
    notes: list[str],
) -> float:
    unit, words = PROGRAMMING[setting]
    values = readings.get(setting, np.array([]))
    values = values[np.isfinite(values)]
    said = _stated(stated, setting)
    if not values.size:
        return said
    median = float(np.median(values))
    low, high = float(values.min()), float(values.max())
    if high - low > _SAME * abs(median):
        notes.append(
            f"{name}: {words} runs from {numbers.quantity(low, unit)} to "
            f"{numbers.quantity(high, unit)} over the readings; the median "
            f"{numbers.quantity(median, unit)} is used."
        )
    if abs(said - median) > _SAME * abs(median):
        notes.append(
            f"{name}: {words} is {numbers.quantity(median, unit)} in the readings, which is used, "
            f"and {numbers.quantity(said, unit)} in the stated conditions."
        )
    return median


def _energy_notes(name: str, settings: dict[str, float], energies: dict[str, Energy]) -> list[str]:
    notes = []
    unknown = [operation for operation, energy in energies.items() if energy.basis == "unknown"]
    if unknown:
        needed = {f"{operation.lower()}_voltage" for operation in unknown}
        needed |= {"set_current", "pulse_width"}
        absent = [
            words
            for setting, (_, words) in PROGRAMMING.items()
            if setting in needed and math.isnan(settings[setting])
        ]
        notes.append(
            f"{name}: {' and '.join(unknown)} energy unknown: neither measured nor stated, and "
            f"not computed for want of {', '.join(absent)}."
        )
    computed = [operation for operation, energy in energies.items() if energy.basis == "computed"]
    if computed:
        notes.append(
            f"{name}: {' and '.join(computed)} energy is computed, voltage x SET compliance "
            "current x pulse width; it was neither measured nor stated."
        )
    return notes


def columns_of(programming: list[Programming]) -> dict[str, Any]:
    """Return the columns of the schema "conditions" that `join_programming` knows."""
    columns: dict[str, Any] = {
        setting: [row.settings[setting] for row in programming] for setting in PROGRAMMING
    }
    columns |= {
        "set_energy": [row.set_energy.joule for row in programming],
        "reset_energy": [row.reset_energy.joule for row in programming],
        "set_energy_basis": [row.set_energy.basis for row in programming],
        "reset_energy_basis": [row.reset_energy.basis for row in programming],
        "endurance": [row.endurance for row in programming],
        "endurance_basis": [row.endurance_basis for row in programming],
        "endurance_bound": [row.endurance_bound for row in programming],
    }
    return columns
