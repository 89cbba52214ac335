"""What a fit found of cycles, time, variance, a bake and reads, as plain values of JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rramsim.schema import STATES

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.device.lifetime.arrhenius import Arrhenius
    from rramsim.device.examine import Examination


def details(examination: Examination) -> dict[str, Any]:
    """Return the parts of the answer that are not of one condition alone, None where absent."""
    cycling, retention = examination.cycling, examination.retention
    return {
        "cycling": None if cycling is None else _cycling(cycling.cycling),
        "retention": None if retention is None else _retention(retention.retention, examination),
        "variance": None
        if examination.variability is None
        else _variance(examination.variability.variance),
        "bake": None if examination.bake is None else _bake(examination.bake.bake),
        "read_energy": None
        if examination.read_energy is None
        else _read_energy(examination.read_energy),
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


def _retention(retention: xr.Dataset, examination: Examination) -> dict[str, Any]:
    return {
        "ber_limit": _attribute(retention, "ber_limit"),
        "confidence": float(retention.attrs["confidence"]),
        "interval": str(retention.attrs["interval"]),
        "holds": [_hold(retention.isel(hold=place)) for place in range(retention.sizes["hold"])],
        "activation_energies": [
            {
                "condition": name,
                "activation_energy_ev": fit.activation_energy,
                "low_ev": fit.low if math.isfinite(fit.low) else None,
                "high_ev": fit.high if math.isfinite(fit.high) else None,
                "temperatures_k": fit.temperatures.tolist(),
                "at_use": _at_use(fit, examination.use_temperature),
            }
            for name, fit in examination.arrhenius.items()
        ],
    }


def _at_use(fit: Arrhenius, temperature: float | None) -> dict[str, Any] | None:
    if temperature is None:
        return None
    at = fit.time_at(temperature)
    seconds = {"": at.value, "_low": at.low, "_high": at.high}
    return {
        "temperature_k": temperature,
        **{
            f"seconds_to_ber_limit{end}": value if math.isfinite(value) else None
            for end, value in seconds.items()
        },
        "extrapolated": at.is_extrapolated,
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
