"""The answer of `rramsim fit` for machines: plain values of JSON, unknown is None."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rramsim import __version__
from rramsim.report.fit.details import details, endurance_details, number
from rramsim.schema import STATES

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.device.characterize import Characterization
    from rramsim.device.examine import Examination
    from rramsim.readers.measurements import Measured

# The least trusted first: one word for both energies must not promise too much.
_ENERGY_TRUST = ("computed", "stated", "measured")


def fit_answer(examination: Examination, measured: Measured) -> dict[str, Any]:
    """Return what a fit found, as objects that `json.dumps` takes.

    A bound is never given as a value: a BER known only to be below a number has the estimate
    None and that number as ``high``; an endurance known only to be more than a number has
    ``endurance_cycles`` None and the number as ``endurance_more_than``.

    Parameters
    ----------
    examination : Examination
        Of `rramsim.device.examine.examine`.
    measured : Measured
        The readings it is from, for their origin, sources and notes.
    """
    found = examination.found
    return {
        "conditions": [
            _condition(str(name), examination) for name in found.conditions["condition"].values
        ],
        **details(examination),
        "origin": measured.origin,
        "sources": [{"file": file, "sha256": digest} for file, digest in measured.sources],
        "interval": str(found.conditions.attrs["interval"]),
        "lrs_share": float(found.conditions.attrs["lrs_share"]),
        "notes": [*measured.notes, *examination.notes],
        "version": __version__,
    }


def _condition(name: str, examination: Examination) -> dict[str, Any]:
    found = examination.found
    row = found.conditions.sel(condition=name)
    bases = [str(row[f"{operation}_energy_basis"].values) for operation in ("set", "reset")]
    is_bound = str(row["endurance_bound"].values) == "lower"
    cycles = number(row, "endurance")
    return {
        "name": name,
        **{state.lower(): _population(name, state, found) for state in STATES},
        "reference_ohm": number(row, "reference_resistance"),
        "ber": _ber(name, row, found),
        "pooled_over": str(row["pooled_over"].values) or None,
        "set_energy_j": number(row, "set_energy"),
        "reset_energy_j": number(row, "reset_energy"),
        "energy_source": next((basis for basis in _ENERGY_TRUST if basis in bases), None),
        "set_energy_source": _known_basis(bases[0]),
        "reset_energy_source": _known_basis(bases[1]),
        "endurance_cycles": None if is_bound else cycles,
        "endurance_more_than": cycles if is_bound else None,
        "endurance_source": _known_basis(str(row["endurance_basis"].values)),
        "set_current_a": number(row, "set_current"),
        "set_voltage_v": number(row, "set_voltage"),
        "reset_voltage_v": number(row, "reset_voltage"),
        "pulse_width_s": number(row, "pulse_width"),
        "origin": str(row["origin"].values),
        "ber_2t2r": _paired(name, row, found),
        "goodness": _by_state(name, found, _goodness),
        "outliers": _by_state(name, found, _outliers),
        "target": _target(name, examination),
        "endurance": _endurance(name, found),
    }


def _by_state(
    name: str, found: Characterization, values: Callable[[xr.Dataset], dict[str, Any]]
) -> dict[str, Any] | None:
    if name not in found.goodness["condition"].values:
        return None
    rows = {state: found.goodness.sel(condition=name, state=state) for state in STATES}
    return {state.lower(): values(row) for state, row in rows.items()}


def _goodness(row: xr.Dataset) -> dict[str, Any]:
    counts = ("tail_found", "tail_expected", "tail_p_value", "tail_share")
    return {
        "verdict": str(row["verdict"].values),
        "sentence": str(row["sentence"].values),
        "ppcc_deficit": number(row, "deficit"),
        "p_value": number(row, "p_value"),
        "anderson_darling": number(row, "anderson_darling"),
        "largest_deviation_sigma": number(row, "largest_deviation"),
        **{name: number(row, name) for name in counts},
    }


def _outliers(row: xr.Dataset) -> dict[str, Any]:
    return {
        f"{kind}{end}": int(row[f"{kind}{end}"].values)
        if end == "_cells"
        else number(row, f"{kind}{end}")
        for kind in ("stuck", "outlying")
        for end in ("_cells", "_rate", "_rate_low", "_rate_high")
    }


def _paired(name: str, row: xr.Dataset, found: Characterization) -> dict[str, Any] | None:
    """Return the BER of a 2T2R read, None where nothing is known of it."""
    figures = {end: number(row, f"ber_2t2r{end}") for end in ("", "_low", "_high")}
    if name not in found.counted["condition"].values or set(figures.values()) == {None}:
        return None
    has_interval = figures["_low"] is not None
    return {
        "estimate": figures[""],
        "low": figures["_low"],
        "high": figures["_high"],
        "confidence": float(found.conditions.attrs["confidence"]) if has_interval else None,
        "method": str(row["ber_2t2r_basis"].values) or None,
        "extrapolated": bool(row["ber_2t2r_extrapolated"].values),
        "bound": str(row["ber_2t2r_bound"].values) or None,
    }


def _target(name: str, examination: Examination) -> dict[str, Any] | None:
    size = examination.targets.get(name)
    if size is None:
        return None

    def known(cells: float) -> float | None:
        return cells if math.isfinite(cells) else None

    return {
        "ber": size.target,
        "shown_by_fit": size.shown_by_fit,
        "shown_by_count": size.shown_by_count,
        "cells_per_state_by_fit": known(size.cells_by_fit),
        "cells_per_state_by_count": known(size.cells_by_count),
        "sentence": size.sentence,
    }


def _endurance(name: str, found: Characterization) -> dict[str, Any] | None:
    lasting = found.endurance
    if lasting is None or name not in lasting.endurance["condition"].values:
        return None
    return endurance_details(
        lasting.endurance.sel(condition=name), str(lasting.endurance.attrs["failure"])
    )


def _population(name: str, state: str, found: Characterization) -> dict[str, Any]:
    if name not in found.populations["condition"].values:
        return {"n": 0, "n_censored": 0, "median_ohm": None, "sigma_ln": None, "cells": 0}
    row = found.populations.sel(condition=name, state=state)
    below, above = int(row["censored_below"].values), int(row["censored_above"].values)
    mu = number(row, "mu")
    return {
        "n": int(row["exact"].values) + below + above,
        "n_censored": below + above,
        "median_ohm": None if mu is None else math.exp(mu),
        "sigma_ln": number(row, "sigma"),
        "cells": int(row["cells"].values),
        "n_censored_below": below,
        "n_censored_above": above,
        "mu_standard_error": number(row, "mu_error"),
        "sigma_standard_error": number(row, "sigma_error"),
    }


def _ber(name: str, row: xr.Dataset, found: Characterization) -> dict[str, Any]:
    basis = str(row["ber_basis"].values)
    is_known = any(number(row, each) is not None for each in ("ber", "ber_high"))
    has_interval = basis != "stated" and number(row, "ber_low") is not None
    return {
        "estimate": number(row, "ber"),
        "low": number(row, "ber_low"),
        "high": number(row, "ber_high"),
        "confidence": float(found.conditions.attrs["confidence"]) if has_interval else None,
        "method": basis if is_known else None,
        "extrapolated": bool(row["ber_extrapolated"].values),
        "bound": str(row["ber_bound"].values) or None,
        "lrs": number(row, "ber_lrs"),
        "hrs": number(row, "ber_hrs"),
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
        "estimate": number(row, "ber"),
        "low": number(row, "ber_low"),
        "high": number(row, "ber_high"),
    }


def _known_basis(basis: str) -> str | None:
    return None if basis == "unknown" else basis
