"""How a condition was programmed and what that costs: readings joined with what is stated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rramsim import formatting as numbers
from rramsim import schema
from rramsim.device.energy import Energy, programming_energy, verified_energy
from rramsim.notes import Note
from rramsim.schema import Interval, Variable

if TYPE_CHECKING:
    import xarray as xr

# Settings that differ by less are the same setting, written with other digits.
_SAME = 1e-6


@dataclass(frozen=True)
class Programming:
    """Settings, energies and endurance of one condition.

    Attributes
    ----------
    settings : dict of str to float
        By the names of `rramsim.schema.settings`, NaN where unknown.
    set_energy, reset_energy : Energy
        Of one operation.
    endurance : Interval
        Cycles that a cell stands, with bound and basis as in the schema "conditions".
    notes : tuple of Note
        What a reader must know.
    """

    settings: dict[str, float]
    set_energy: Energy
    reset_energy: Energy
    endurance: Interval
    notes: tuple[Note, ...]


def join_programming(
    name: str,
    readings: dict[str, NDArray[np.float64]],
    stated: xr.Dataset | None,
    *,
    endurance: Interval | None = None,
    mean_pulses: tuple[float, float] = (math.nan, math.nan),
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
    endurance : Interval, optional
        Cycles by the readings, or a lower bound; they come before what is stated.
    mean_pulses : (float, float)
        Mean pulses until verified of SET and RESET, NaN where unknown. A computed energy is that
        of one pulse and is multiplied; a measured or a stated one is of the whole operation.
    """
    notes: list[Note] = []
    settings = {
        setting.name: _setting(name, setting, readings=readings, stated=stated, notes=notes)
        for setting in schema.settings()
    }
    set_energy, reset_energy = (
        programming_energy(
            measured=_measured_energy(readings, stated, f"{operation}_energy"),
            stated=_stated_energy(stated, f"{operation}_energy"),
            voltage=settings[f"{operation}_voltage"],
            current=settings["set_current"],
            pulse_width=settings["pulse_width"],
        )
        for operation in ("set", "reset")
    )
    notes += _energy_notes(name, settings, {"SET": set_energy, "RESET": reset_energy})
    set_energy, reset_energy = (
        _with_pulses(name, operation, energy, pulses, notes)
        for operation, energy, pulses in zip(
            ("SET", "RESET"), (set_energy, reset_energy), mean_pulses, strict=True
        )
    )
    lasting, more = _endurance(name, stated, endurance)
    return Programming(
        settings=settings,
        set_energy=set_energy,
        reset_energy=reset_energy,
        endurance=lasting,
        notes=(*notes, *more),
    )


def mean_pulses(pulses: NDArray[np.float64], state: NDArray[np.int_]) -> tuple[float, float]:
    """Return the mean pulses until verified of SET (readings in LRS) and RESET (HRS), NaN: none.

    Parameters
    ----------
    pulses, state : ndarray, shape (readings,)
        The variables `pulses` and `state_index` of the schema "readings".
    """
    lrs, hrs = (pulses[(state == index) & np.isfinite(pulses)] for index in (0, 1))
    return (
        float(lrs.mean()) if lrs.size else math.nan,
        float(hrs.mean()) if hrs.size else math.nan,
    )


def _with_pulses(
    name: str, operation: str, energy: Energy, pulses: float, notes: list[Note]
) -> Energy:
    if energy.basis != "computed" or math.isnan(pulses):
        return energy
    notes.append(
        Note(
            f"the {operation} energy is that of {numbers.plain(pulses)} pulses, the mean until "
            "verified; the verifying reads are not in it.",
            kind="pulses until verified",
            condition=name,
            values={"operation": operation, "pulses": pulses},
        )
    )
    return verified_energy(energy, mean_pulses=pulses)


def _endurance(
    name: str, stated: xr.Dataset | None, measured: Interval | None
) -> tuple[Interval, list[Note]]:
    """Return what the readings give, else what is stated, and a note where there are both."""
    cycles = _stated(stated, "endurance")
    of_file = Interval(basis="unknown")
    if stated is not None and not math.isnan(cycles):
        bound, basis = (str(stated[f"endurance_{name}"].values) for name in ("bound", "basis"))
        low, high = (
            _stated(stated, name) if name in stated else math.nan
            for name in ("endurance_low", "endurance_high")
        )
        of_file = Interval(cycles, low=low, high=high, bound=bound, basis=basis)
    if measured is None or math.isnan(measured.estimate):
        return of_file, []
    figures = {"stated": cycles, "measured": measured.estimate}
    in_words, read = (numbers.interval(value) for value in (of_file, measured))
    if measured.bound and of_file.bound != "upper" and _is_within(cycles, measured):
        # Bounds that the stated figure does not contradict say less than it does.
        text = f"the stated endurance, {in_words} cycles, is used; the readings show {read}."
        return of_file, [Note(text, kind="stated endurance", condition=name, values=figures)]
    used = replace(measured, basis="measured")
    if not math.isfinite(cycles):
        return used, []
    text = f"the endurance of the readings, {read} cycles, is used; {in_words} is stated."
    return used, [Note(text, kind="measured endurance", condition=name, values=figures)]


def _is_within(cycles: float, bounds: Interval) -> bool:
    if bounds.bound == "upper":
        return cycles < bounds.estimate
    return cycles > bounds.estimate and not cycles > bounds.high


def _measured_energy(
    readings: dict[str, NDArray[np.float64]], stated: xr.Dataset | None, variable: str
) -> ArrayLike:
    """Return the energies of the readings, else that of waveforms the conditions file names."""
    of_cells = readings.get(variable, np.array([]))
    if np.isfinite(of_cells).any() or stated is None:
        return of_cells
    is_measured = str(stated[f"{variable}_basis"].values) == "measured"
    return [_stated(stated, variable)] if is_measured else of_cells


def _stated_energy(stated: xr.Dataset | None, variable: str) -> float:
    """Return the energy stated; one that was computed is computed again from the settings."""
    is_computed = stated is not None and str(stated[f"{variable}_basis"].values) == "computed"
    return math.nan if is_computed else _stated(stated, variable)


def _stated(stated: xr.Dataset | None, variable: str) -> float:
    return math.nan if stated is None else float(stated[variable].values)


def _setting(
    name: str,
    setting: Variable,
    *,
    readings: dict[str, NDArray[np.float64]],
    stated: xr.Dataset | None,
    notes: list[Note],
) -> float:
    values = readings.get(setting.name, np.array([]))
    values = values[np.isfinite(values)]
    of_file = _stated(stated, setting.name)
    if not values.size:
        return of_file
    unit, words = setting.unit, setting.label
    median = float(np.median(values))
    if np.ptp(values) > _SAME * abs(median):
        notes.append(_varying_note(name, setting, values))
        if schema.are_programmed(values):
            # Between programmed values lies none that anybody programmed.
            return of_file
    if abs(of_file - median) > _SAME * abs(median):
        notes.append(
            Note(
                f"{words} is {numbers.quantity(median, unit)} in the readings, which is used, and "
                f"{numbers.quantity(of_file, unit)} in the stated conditions.",
                kind="stated setting disagrees",
                condition=name,
                values={"setting": setting.name, "stated": of_file, "median": median},
            )
        )
    return median


def _varying_note(name: str, setting: Variable, values: NDArray[np.float64]) -> Note:
    """Return a note on a setting that is not the same at all readings of a condition."""
    low, median, high = (float(value) for value in np.quantile(values, [0, 0.5, 1]))
    ends = f"from {numbers.quantity(low, setting.unit)} to {numbers.quantity(high, setting.unit)}"
    figures: dict[str, float | int | str] = {"setting": setting.name, "low": low, "high": high}
    if schema.are_programmed(values):
        count = len(np.unique(schema.rounded(values)))
        text = (
            f"readings of {count} programmed values of {setting.label} ({ends}) are one condition; "
            "none of them is that of the condition."
        )
        return Note(text, kind="settings mixed", condition=name, values=figures)
    return Note(
        f"{setting.label} was measured with the readings, {ends}; the measured median "
        f"{numbers.quantity(median, setting.unit)} is used.",
        kind="setting varies",
        condition=name,
        values=figures | {"median": median},
    )


def _energy_notes(name: str, settings: dict[str, float], energies: dict[str, Energy]) -> list[Note]:
    notes = []
    unknown = [operation for operation, energy in energies.items() if energy.basis == "unknown"]
    if unknown:
        needed = {f"{operation.lower()}_voltage" for operation in unknown}
        needed |= {"set_current", "pulse_width"}
        absent = [
            setting.label
            for setting in schema.settings()
            if setting.name in needed and math.isnan(settings[setting.name])
        ]
        notes.append(
            Note(
                f"{' and '.join(unknown)} energy unknown: neither measured nor stated, and not "
                f"computed for want of {', '.join(absent)}.",
                kind="energy unknown",
                condition=name,
                values={"operations": ", ".join(unknown)},
            )
        )
    computed = [operation for operation, energy in energies.items() if energy.basis == "computed"]
    if computed:
        notes.append(
            Note(
                f"{' and '.join(computed)} energy is computed, voltage x SET compliance current x "
                "pulse width; it was neither measured nor stated.",
                kind="energy computed",
                condition=name,
                values={"operations": ", ".join(computed)},
            )
        )
    return notes


def columns_of(programming: list[Programming]) -> dict[str, Any]:
    """Return the columns of the schema "conditions" that `join_programming` knows."""
    columns: dict[str, Any] = {
        setting.name: [row.settings[setting.name] for row in programming]
        for setting in schema.settings()
    }
    columns |= {
        "set_energy": [row.set_energy.joule for row in programming],
        "reset_energy": [row.reset_energy.joule for row in programming],
        "set_energy_basis": [row.set_energy.basis for row in programming],
        "reset_energy_basis": [row.reset_energy.basis for row in programming],
        "endurance": [row.endurance.estimate for row in programming],
        "endurance_basis": [row.endurance.basis for row in programming],
        "endurance_bound": [row.endurance.bound for row in programming],
        "endurance_low": [row.endurance.low for row in programming],
        "endurance_high": [row.endurance.high for row in programming],
    }
    return columns


_NAMES_SHOWN = 5


def unknown_condition_notes(read: Sequence[str], stated: Sequence[str]) -> list[Note]:
    """Return a note on each name that is to be looked at, with the likeliest other one.

    Names are joined where they look the same (`rramsim.schema.label_key`). A condition
    that is stated only is told where one that is read only may be meant: others may well be
    stated without readings.

    Parameters
    ----------
    read, stated : sequence of str
        Names of the conditions that have readings, and of those in the conditions file.
    """
    keys_read, keys_stated = (set(map(schema.label_key, names)) for names in (read, stated))
    lone_read = [name for name in read if schema.label_key(name) not in keys_stated]
    lone_stated = [name for name in stated if schema.label_key(name) not in keys_read]
    notes = []
    for name in lone_read:
        alike = schema.most_alike(name, lone_stated)
        likely = _listed(lone_stated) if alike is None else schema.did_you_mean(name, lone_stated)
        notes.append(
            Note(
                f"not among the stated conditions; nothing is joined to its readings.{likely}",
                kind="not stated",
                condition=name,
                values={} if alike is None else {"alike": alike},
            )
        )
    for name in lone_stated:
        alike = schema.most_alike(name, lone_read)
        if alike is not None:
            notes.append(
                Note(
                    f"stated, but no reading is of it.{schema.did_you_mean(name, lone_read)}",
                    kind="not read",
                    condition=name,
                    values={"alike": alike},
                )
            )
    return notes


def similar_name_notes(names: Sequence[str]) -> list[Note]:
    """Return a note on conditions whose names differ so little that one may be meant.

    Examples
    --------
    >>> [str(note) for note in similar_name_notes(["55uA", "55 µA"])]
    ["'55uA' and '55 µA' are taken as 2 conditions, but their names differ only in case, spaces or \
separators. Give them one name if they are one condition."]
    """
    return [
        Note(
            f"{' and '.join(map(repr, alike))} are taken as {len(alike)} conditions, but their "
            "names differ only in case, spaces or separators. Give them one name if they are one "
            "condition.",
            kind="similar names",
            values={f"name {number}": name for number, name in enumerate(alike, 1)},
        )
        for alike in schema.names_alike(names)
    ]


def _listed(names: Sequence[str]) -> str:
    if not names:
        return ""
    shown = ", ".join(map(repr, names[:_NAMES_SHOWN]))
    more = ", ..." if len(names) > _NAMES_SHOWN else ""
    return f" Stated without readings: {shown}{more}."
