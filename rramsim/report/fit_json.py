"""The answer of `rramsim fit` for machines: plain values of JSON, unknown is None."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rramsim import __version__
from rramsim.schema import STATES

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.device.characterize import Characterization
    from rramsim.device.readers.measurements import Measured

# The least trusted first: one word for both energies must not promise too much.
_ENERGY_TRUST = ("computed", "stated", "measured")


def fit_answer(found: Characterization, measured: Measured) -> dict[str, Any]:
    """Return what a fit found, as objects that `json.dumps` takes.

    A bound is never given as a value: a BER known only to be below a number has the estimate
    None and that number as ``high``; an endurance known only to be more than a number has
    ``endurance_cycles`` None and the number as ``endurance_more_than``.

    Parameters
    ----------
    found : Characterization
        Of `rramsim.device.characterize`.
    measured : Measured
        The readings it is from, for their origin, sources and notes.
    """
    return {
        "conditions": [
            _condition(str(name), found) for name in found.conditions["condition"].values
        ],
        "origin": measured.origin,
        "sources": [{"file": file, "sha256": digest} for file, digest in measured.sources],
        "interval": str(found.conditions.attrs["interval"]),
        "lrs_share": float(found.conditions.attrs["lrs_share"]),
        "notes": [*measured.notes, *found.notes],
        "version": __version__,
    }


def _condition(name: str, found: Characterization) -> dict[str, Any]:
    row = found.conditions.sel(condition=name)
    bases = [str(row[f"{operation}_energy_basis"].values) for operation in ("set", "reset")]
    is_bound = str(row["endurance_bound"].values) == "lower"
    cycles = _number(row, "endurance")
    return {
        "name": name,
        **{state.lower(): _population(name, state, found) for state in STATES},
        "reference_ohm": _number(row, "reference_resistance"),
        "ber": _ber(name, row, found),
        "set_energy_j": _number(row, "set_energy"),
        "reset_energy_j": _number(row, "reset_energy"),
        "energy_source": next((basis for basis in _ENERGY_TRUST if basis in bases), None),
        "set_energy_source": _known_basis(bases[0]),
        "reset_energy_source": _known_basis(bases[1]),
        "endurance_cycles": None if is_bound else cycles,
        "endurance_more_than": cycles if is_bound else None,
        "endurance_source": _known_basis(str(row["endurance_basis"].values)),
        "set_current_a": _number(row, "set_current"),
        "set_voltage_v": _number(row, "set_voltage"),
        "reset_voltage_v": _number(row, "reset_voltage"),
        "pulse_width_s": _number(row, "pulse_width"),
        "origin": str(row["origin"].values),
    }


def _population(name: str, state: str, found: Characterization) -> dict[str, Any]:
    if name not in found.populations["condition"].values:
        return {"n": 0, "n_censored": 0, "median_ohm": None, "sigma_ln": None, "cells": 0}
    row = found.populations.sel(condition=name, state=state)
    below, above = int(row["censored_below"].values), int(row["censored_above"].values)
    mu = _number(row, "mu")
    return {
        "n": int(row["exact"].values) + below + above,
        "n_censored": below + above,
        "median_ohm": None if mu is None else math.exp(mu),
        "sigma_ln": _number(row, "sigma"),
        "cells": int(row["cells"].values),
        "n_censored_below": below,
        "n_censored_above": above,
    }


def _ber(name: str, row: xr.Dataset, found: Characterization) -> dict[str, Any]:
    basis = str(row["ber_basis"].values)
    is_known = any(_number(row, each) is not None for each in ("ber", "ber_high"))
    has_interval = basis != "stated" and _number(row, "ber_low") is not None
    return {
        "estimate": _number(row, "ber"),
        "low": _number(row, "ber_low"),
        "high": _number(row, "ber_high"),
        "confidence": float(found.conditions.attrs["confidence"]) if has_interval else None,
        "method": basis if is_known else None,
        "extrapolated": bool(row["ber_extrapolated"].values),
        "bound": str(row["ber_bound"].values) or None,
        "lrs": _number(row, "ber_lrs"),
        "hrs": _number(row, "ber_hrs"),
        "counted": _counted(name, found),
    }


def _counted(name: str, found: Characterization) -> dict[str, Any] | None:
    if name not in found.counted["condition"].values:
        return None
    row = found.counted.sel(condition=name)
    return {
        "errors": int(row["errors"].sum()),
        "readings": int(row["readings"].sum()),
        "undecided": int(row["undecided"].sum()),
        "estimate": _number(row, "ber"),
        "low": _number(row, "ber_low"),
        "high": _number(row, "ber_high"),
    }


def _number(row: xr.Dataset, name: str) -> float | None:
    value = float(row[name].values)
    return value if math.isfinite(value) else None


def _known_basis(basis: str) -> str | None:
    return None if basis == "unknown" else basis
