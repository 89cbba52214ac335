"""The answer of `rramsim fit` for machines: plain values of JSON, unknown is None."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rramsim.schema import STATES, settings
from rramsim.version import __version__

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.device.examination import Examination
    from rramsim.measurements import Measured


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
    found = examination.products
    return {
        "conditions": [
            _condition(str(name), examination) for name in found["conditions"]["condition"].values
        ],
        **details(examination),
        "origin": measured.origin,
        "sources": [{"file": file, "sha256": digest} for file, digest in measured.sources],
        "interval": str(found["conditions"].attrs["interval"]),
        "lrs_share": float(found["conditions"].attrs["lrs_share"]),
        "notes": [str(note) for note in (*measured.notes, *examination.notes)],
        "version": __version__,
    }


def _condition(name: str, examination: Examination) -> dict[str, Any]:
    found = examination.products
    row = found["conditions"].sel(condition=name)
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
        **{setting.key: number(row, setting.name) for setting in settings()},
        "origin": str(row["origin"].values),
        "ber_2t2r": _paired(name, row, found),
        "goodness": _by_state(name, found, _goodness),
        "outliers": _by_state(name, found, _outliers),
        "target": _target(name, examination),
        "endurance": _endurance(name, found),
    }


def _by_state(
    name: str, found: Mapping[str, xr.Dataset], values: Callable[[xr.Dataset], dict[str, Any]]
) -> dict[str, Any] | None:
    if name not in found["goodness"]["condition"].values:
        return None
    rows = {state: found["goodness"].sel(condition=name, state=state) for state in STATES}
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


def _paired(name: str, row: xr.Dataset, found: Mapping[str, xr.Dataset]) -> dict[str, Any] | None:
    """Return the BER of a 2T2R read, None where nothing is known of it."""
    figures = {end: number(row, f"ber_2t2r{end}") for end in ("", "_low", "_high")}
    if name not in found["counted"]["condition"].values or set(figures.values()) == {None}:
        return None
    has_interval = figures["_low"] is not None
    return {
        "estimate": figures[""],
        "low": figures["_low"],
        "high": figures["_high"],
        "confidence": float(found["conditions"].attrs["confidence"]) if has_interval else None,
        "method": str(row["ber_2t2r_basis"].values) or None,
        "extrapolated": bool(row["ber_2t2r_extrapolated"].values),
        "bound": str(row["ber_2t2r_bound"].values) or None,
    }


def _target(name: str, examination: Examination) -> dict[str, Any] | None:
    sizes = examination.products.get("sample_sizes")
    if sizes is None or name not in sizes["condition"].values:
        return None
    size = sizes.sel(condition=name)
    return {
        "ber": float(sizes.attrs["target_ber"]),
        "shown_by_fit": bool(size["shown_by_fit"].values),
        "shown_by_count": bool(size["shown_by_count"].values),
        "cells_per_state_by_fit": number(size, "cells_by_fit"),
        "cells_per_state_by_count": number(size, "cells_by_count"),
        "sentence": str(size["sentence"].values),
    }


def _endurance(name: str, found: Mapping[str, xr.Dataset]) -> dict[str, Any] | None:
    lasting = found.get("endurance")
    if lasting is None or name not in lasting["condition"].values:
        return None
    return endurance_details(lasting.sel(condition=name), str(lasting.attrs["failure"]))


def _population(name: str, state: str, found: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    if name not in found["populations"]["condition"].values:
        return {"n": 0, "n_censored": 0, "median_ohm": None, "sigma_ln": None, "cells": 0}
    row = found["populations"].sel(condition=name, state=state)
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


def _ber(name: str, row: xr.Dataset, found: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    basis = str(row["ber_basis"].values)
    is_known = any(number(row, each) is not None for each in ("ber", "ber_high"))
    has_interval = basis != "stated" and number(row, "ber_low") is not None
    return {
        "estimate": number(row, "ber"),
        "low": number(row, "ber_low"),
        "high": number(row, "ber_high"),
        "confidence": float(found["conditions"].attrs["confidence"]) if has_interval else None,
        "method": basis if is_known else None,
        "extrapolated": bool(row["ber_extrapolated"].values),
        "bound": str(row["ber_bound"].values) or None,
        "lrs": number(row, "ber_lrs"),
        "hrs": number(row, "ber_hrs"),
        "counted": _counted(name, found),
    }


def _counted(name: str, found: Mapping[str, xr.Dataset]) -> dict[str, Any] | None:
    if name not in found["counted"]["condition"].values:
        return None
    row = found["counted"].sel(condition=name)
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


def details(examination: Examination) -> dict[str, Any]:
    """Return the parts of the answer that are not of one condition alone, None where absent."""
    products = examination.products
    laws = products.get("activation_energies")
    parts: dict[str, Callable[[xr.Dataset], dict[str, Any]]] = {
        "cycling": _cycling,
        "retention": lambda retention: _retention(retention, laws),
        "variance": _variance,
        "bake": _bake,
        "read_energy": _read_energy,
    }
    return {
        name: part(products[name]) if name in products else None for name, part in parts.items()
    }


def number(row: xr.Dataset, name: str) -> float | None:
    """Return a variable as a number, None where it is unknown."""
    value = float(row[name].values)
    return value if math.isfinite(value) else None


def with_ends(row: xr.Dataset, name: str) -> dict[str, float | None]:
    """Return a variable and the ends of its interval."""
    return {
        "estimate": number(row, name),
        "low": number(row, f"{name}_low"),
        "high": number(row, f"{name}_high"),
    }


def bounded(row: xr.Dataset, name: str, *, bound: str, key: str) -> dict[str, float | None]:
    """Return a figure under `key`, or only under ``key_more_than`` or ``key_less_than``."""
    value, kind = number(row, name), str(row[bound].values)
    return {
        key: None if kind else value,
        f"{key}_more_than": value if kind == "lower" else None,
        f"{key}_less_than": value if kind == "upper" else None,
        f"{key}_low": number(row, f"{name}_low"),
        f"{key}_high": number(row, f"{name}_high"),
    }


def endurance_details(row: xr.Dataset, failure: str) -> dict[str, Any] | None:
    """Return the endurance of a condition by its readings, None where no cell was followed."""
    if not int(row["cells"].values):
        return None
    counts = ("cells", "failed", "undecided", "soft", "never_good")
    weibull = {name: with_ends(row, name) for name in ("shape", "b1", "b10", "median")}
    return {
        "failure": failure,
        **{name: int(row[name].values) for name in counts},
        "first_cycle": number(row, "first_cycle"),
        "last_cycle": number(row, "last_cycle"),
        **bounded(row, "cycles", bound="bound", key="cycles"),
        "share_failed_at_most": number(row, "failing_high"),
        "weibull": None
        if number(row, "shape") is None
        else {"scale": number(row, "scale"), **weibull},
    }


def _cycling(cycling: xr.Dataset) -> dict[str, Any]:
    return {
        "ber_limit": _attribute(cycling, "ber_limit"),
        "confidence": float(cycling.attrs["confidence"]),
        "interval": str(cycling.attrs["interval"]),
        "conditions": [
            _cycled(cycling.isel(condition=place)) for place in range(cycling.sizes["condition"])
        ],
    }


def _cycled(row: xr.Dataset) -> dict[str, Any]:
    points = [row.isel(checkpoint=place) for place in range(row.sizes["checkpoint"])]
    return {
        "name": str(row["condition"].values),
        "reference_ohm": number(row, "reference_resistance"),
        **bounded(row, "cycles_to_limit", bound="cycles_to_limit_bound", key="cycles_to_ber_limit"),
        "probit_slope_per_decade": number(row, "slope"),
        "checkpoints": [
            {
                "cycle": number(point, "cycle"),
                "first_cycle": number(point, "cycle_first"),
                "last_cycle": number(point, "cycle_last"),
                **{state.lower(): _percentiles(point.sel(state=state)) for state in STATES},
                "ber": {
                    **with_ends(point, "ber"),
                    "method": str(point["ber_basis"].values) or None,
                    "extrapolated": bool(point["ber_extrapolated"].values),
                    "bound": str(point["ber_bound"].values) or None,
                },
            }
            for point in points
            if number(point, "cycle") is not None
        ],
    }


def _percentiles(row: xr.Dataset) -> dict[str, Any]:
    return {
        "readings": int(row["readings"].values),
        "p05_ohm": number(row, "p05"),
        "median_ohm": number(row, "p50"),
        "p95_ohm": number(row, "p95"),
    }


def _retention(retention: xr.Dataset, laws: xr.Dataset | None) -> dict[str, Any]:
    return {
        "ber_limit": _attribute(retention, "ber_limit"),
        "confidence": float(retention.attrs["confidence"]),
        "interval": str(retention.attrs["interval"]),
        "holds": [_hold(retention.isel(hold=place)) for place in range(retention.sizes["hold"])],
        "activation_energies": [] if laws is None else _activation_energies(laws),
    }


def _activation_energies(laws: xr.Dataset) -> list[dict[str, Any]]:
    use_temperature = _attribute(laws, "use_temperature")
    rows = [laws.isel(condition=place) for place in range(laws.sizes["condition"])]
    return [
        {
            "condition": str(row["condition"].values),
            "activation_energy_ev": float(row["activation_energy"].values),
            "low_ev": number(row, "activation_energy_low"),
            "high_ev": number(row, "activation_energy_high"),
            "temperatures_k": row["temperature"].values[row["temperature"].notnull()].tolist(),
            "at_use": None if use_temperature is None else _at_use(row, use_temperature),
        }
        for row in rows
    ]


def _at_use(row: xr.Dataset, temperature: float) -> dict[str, Any]:
    return {
        "temperature_k": temperature,
        **{
            f"seconds_to_ber_limit{end}": number(row, f"time_at_use{end}")
            for end in ("", "_low", "_high")
        },
        "extrapolated": bool(row["time_at_use_extrapolated"].values),
    }


def _hold(hold: xr.Dataset) -> dict[str, Any]:
    until = bounded(hold, "time_to_limit", bound="time_to_limit_bound", key="seconds_to_ber_limit")
    times = [hold.isel(time=place) for place in range(hold.sizes["time"])]
    return {
        "condition": str(hold["hold_condition"].values),
        "temperature_k": number(hold, "temperature"),
        "reference_ohm": number(hold, "reference_resistance"),
        "first_time_s": number(hold, "first_time"),
        "last_time_s": number(hold, "last_time"),
        **{state.lower(): _held(hold.sel(state=state)) for state in STATES},
        "ber": [
            {
                "time_s": number(at, "time"),
                **with_ends(at, "ber"),
                "extrapolated": bool(at["ber_extrapolated"].values),
            }
            for at in times
        ],
        **until,
        "seconds_to_ber_limit_extrapolated": bool(hold["time_to_limit_extrapolated"].values),
    }


def _held(row: xr.Dataset) -> dict[str, Any]:
    readouts = [row.isel(readout=place) for place in range(row.sizes["readout"])]
    return {
        "cells": int(row["cells"].values),
        "mu_per_decade": with_ends(row, "mu_drift"),
        "sigma_per_decade": with_ends(row, "sigma_drift"),
        "readouts": [
            {
                "time_s": number(readout, "readout_time"),
                **_percentiles(readout),
                "errors": int(readout["errors"].values),
            }
            for readout in readouts
            if number(readout, "readout_time") is not None
        ],
    }


def _variance(variance: xr.Dataset) -> dict[str, Any]:
    def state_of(row: xr.Dataset) -> dict[str, Any]:
        parts = {str(each): row.sel(component=each) for each in row["component"].values}
        return {
            "readings": int(row["readings"].values),
            "readings_left_out": int(row["left_out"].values),
            "parts": {
                name: {
                    "variance": number(part, "variance"),
                    "share": number(part, "share"),
                    "groups": int(part["groups"].values),
                    "estimate_was_negative": bool(part["negative"].values),
                }
                for name, part in parts.items()
                if number(part, "variance") is not None
            },
        }

    return {
        "method": str(variance.attrs["method"]),
        "conditions": [
            {
                "name": str(name),
                **{
                    state.lower(): state_of(variance.sel(condition=name, state=state))
                    for state in STATES
                },
            }
            for name in variance["condition"].values
        ],
    }


def _bake(bake: xr.Dataset) -> dict[str, Any]:
    row = bake.isel(condition=0)

    def ber(when: str) -> dict[str, Any]:
        said = with_ends(row, f"ber_{when}")
        is_bound = said["estimate"] is None and said["high"] is not None
        return {**said, "bound": "upper" if is_bound else None}

    return {
        "before": str(bake.attrs["before"]),
        "after": str(bake.attrs["after"]),
        "confidence": float(bake.attrs["confidence"]),
        "interval": str(bake.attrs["interval"]),
        "reference_ohm": number(row, "reference_resistance"),
        **{
            state.lower(): {
                "cells": int(row["cells"].sel(state=state).values),
                "mu_shift": with_ends(row.sel(state=state), "mu_shift"),
                "sigma_ratio": with_ends(row.sel(state=state), "sigma_ratio"),
                "correlation": number(row.sel(state=state), "correlation"),
            }
            for state in STATES
        },
        "ber_before": ber("before"),
        "ber_after": ber("after"),
    }


def _read_energy(energy: xr.Dataset) -> dict[str, Any]:
    return {
        "read_voltage_v": float(energy.attrs["read_voltage"]),
        "read_time_s": float(energy.attrs["read_time"]),
        "covers": str(energy.attrs["covers"]),
        "formula": str(energy.attrs["formula"]),
        "conditions": [
            {
                "name": str(name),
                "energy_j": number(energy.sel(condition=name), "energy_per_read"),
                **{
                    f"{state.lower()}_j": number(
                        energy[["energy"]].sel(condition=name, state=state), "energy"
                    )
                    for state in STATES
                },
                "energy_source": _known(str(energy["basis"].sel(condition=name).values)),
            }
            for name in energy["condition"].values
        ],
    }


def _known(basis: str) -> str | None:
    return None if basis == "unknown" else basis


def _attribute(dataset: xr.Dataset, name: str) -> float | None:
    value = float(dataset.attrs[name])
    return None if math.isnan(value) else value
