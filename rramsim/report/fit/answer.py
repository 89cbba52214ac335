"""The answer of `rramsim fit` for machines: plain values of JSON, unknown is None."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rramsim.interval import Interval
from rramsim.schema import STATES, Record, records, settings
from rramsim.version import __version__

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.device.examination import Examination


# The least trusted first: one word for both energies must not promise too much.
_ENERGY_TRUST = ("computed", "stated", "measured")


def conditions_answer(examination: Examination) -> list[dict[str, Any]]:
    """Return what is known of each condition, as objects that `json.dumps` takes.

    A bound is never given as a value: a BER known only to be below a number has the estimate
    None and that number as ``high``; an endurance known only to be more than a number has
    ``endurance_cycles`` None and the number as ``endurance_more_than``.
    """
    conditions = examination.products["conditions"]
    return [_condition(row, examination) for row in records(conditions, "condition")]


def origin_answer(examination: Examination) -> dict[str, Any]:
    """Return what the answer rests on: files, shares, intervals and notes."""
    measured, attrs = examination.measured, examination.products["conditions"].attrs
    return {
        "origin": measured.origin,
        "sources": [{"file": file, "sha256": digest} for file, digest in measured.sources],
        "interval": attrs["interval"],
        "lrs_share": float(attrs["lrs_share"]),
        "notes": [str(note) for note in (*measured.notes, *examination.notes)],
        "version": __version__,
    }


def _condition(row: Record, examination: Examination) -> dict[str, Any]:
    def of(product: str, answer: Callable[[Record], Any]) -> Any:
        """Return the answer of the condition in another product, None where it is not in it."""
        dataset = examination.products.get(product)
        whole = None if dataset is None else records(dataset)[0]
        if whole is None or not whole.has(condition=row["condition"]):
            return None
        return answer(whole.at(condition=row["condition"]))

    products = examination.products
    confidence = float(products["conditions"].attrs["confidence"])
    bases = [row[f"{operation}_energy_basis"] for operation in ("set", "reset")]
    endurance = row.interval("endurance")
    populations = of("populations", lambda found: _by_state(found, _population))
    return {
        "name": row["condition"],
        **(populations or {state.lower(): dict(_NO_POPULATION) for state in STATES}),
        "reference_ohm": row.number("reference_resistance"),
        "ber": {
            **_ber(row.interval("ber"), confidence),
            **row.plain(("lrs", "ber_lrs"), ("hrs", "ber_hrs")),
            "counted": of("counted", _counted),
        },
        "pooled_over": row.text("pooled_over") or None,
        **row.plain(("set_energy_j", "set_energy"), ("reset_energy_j", "reset_energy")),
        "energy_source": next((basis for basis in _ENERGY_TRUST if basis in bases), None),
        "set_energy_source": _known(bases[0]),
        "reset_energy_source": _known(bases[1]),
        "endurance_cycles": None if endurance.bound else _number(endurance.estimate),
        "endurance_more_than": _number(endurance.estimate) if endurance.bound else None,
        "endurance_source": _known(endurance.basis),
        **row.plain(*((setting.key, setting.name) for setting in settings())),
        "origin": row["origin"],
        "ber_2t2r": of("counted", lambda _: _paired(row.interval("ber_2t2r"), confidence)),
        "goodness": of("goodness", lambda found: _by_state(found, _goodness)),
        "outliers": of("goodness", lambda found: _by_state(found, _outliers)),
        "target": of("sample_sizes", lambda found: _target(found, products["sample_sizes"])),
        "endurance": of("endurance", lambda found: _endurance(found, products["endurance"])),
    }


def _by_state(row: Record, answer: Callable[[Record], Any]) -> dict[str, Any]:
    return {state.lower(): answer(row.at(state=state)) for state in STATES}


_NO_POPULATION = {"n": 0, "n_censored": 0, "median_ohm": None, "sigma_ln": None, "cells": 0}


def _population(row: Record) -> dict[str, Any]:
    censored = row["censored_below"] + row["censored_above"]
    mu = row.number("mu")
    return {
        "n": row["exact"] + censored,
        "n_censored": censored,
        "median_ohm": None if mu is None else math.exp(mu),
        **row.plain(
            ("sigma_ln", "sigma"),
            "cells",
            ("n_censored_below", "censored_below"),
            ("n_censored_above", "censored_above"),
            ("mu_standard_error", "mu_error"),
            ("sigma_standard_error", "sigma_error"),
        ),
    }


def _ber(ber: Interval, confidence: float) -> dict[str, Any]:
    has_interval = ber.basis != "stated" and math.isfinite(ber.low)
    return {
        **_ends(ber),
        "confidence": confidence if has_interval else None,
        "method": (ber.basis or None) if ber.is_known else None,
        "extrapolated": ber.extrapolated,
        "bound": ber.bound or None,
    }


def _paired(ber: Interval, confidence: float) -> dict[str, Any] | None:
    """Return the BER of a 2T2R read, None where nothing is known of it."""
    return _ber(ber, confidence) if ber.is_known else None


def _counted(row: Record) -> dict[str, Any]:
    counts = ("errors", "readings", "undecided")
    return {**{name: row.total(name, "state") for name in counts}, **_ends(row.interval("ber"))}


def _goodness(row: Record) -> dict[str, Any]:
    return row.plain(
        "verdict",
        "sentence",
        ("ppcc_deficit", "deficit"),
        "p_value",
        "anderson_darling",
        ("largest_deviation_sigma", "largest_deviation"),
        *("tail_found", "tail_expected", "tail_p_value", "tail_share"),
    )


def _outliers(row: Record) -> dict[str, Any]:
    ends = ("_cells", "_rate", "_rate_low", "_rate_high")
    return row.plain(*(f"{kind}{end}" for kind in ("stuck", "outlying") for end in ends))


def _target(row: Record, sizes: xr.Dataset) -> dict[str, Any]:
    return {
        "ber": float(sizes.attrs["target_ber"]),
        **row.plain(
            "shown_by_fit",
            "shown_by_count",
            ("cells_per_state_by_fit", "cells_by_fit"),
            ("cells_per_state_by_count", "cells_by_count"),
            "sentence",
        ),
    }


def _endurance(row: Record, endurance: xr.Dataset) -> dict[str, Any] | None:
    """Return the endurance of a condition by its readings, None where no cell was followed."""
    if not row["cells"]:
        return None
    weibull = {name: _ends(row.interval(name)) for name in ("shape", "b1", "b10", "median")}
    return {
        "failure": endurance.attrs["failure"],
        **row.plain("cells", "failed", "undecided", "soft", "never_good"),
        **row.plain("first_cycle", "last_cycle"),
        **_bounded(row.interval("cycles"), "cycles"),
        "share_failed_at_most": row.number("failing_high"),
        "weibull": {**row.plain("scale"), **weibull} if row.number("shape") is not None else None,
    }


def cycling_answer(examination: Examination) -> dict[str, Any]:
    """Return BER and resistances against the cycles."""
    cycling = examination.products["cycling"]
    return {
        **_limit_and_interval(cycling),
        "conditions": [_cycled(row) for row in records(cycling, "condition")],
    }


def _limit_and_interval(dataset: xr.Dataset) -> dict[str, Any]:
    return {
        "ber_limit": _number(dataset.attrs["ber_limit"]),
        "confidence": float(dataset.attrs["confidence"]),
        "interval": dataset.attrs["interval"],
    }


def _cycled(row: Record) -> dict[str, Any]:
    return {
        **row.plain(("name", "condition"), ("reference_ohm", "reference_resistance")),
        **_bounded(row.interval("cycles_to_limit"), "cycles_to_ber_limit"),
        "probit_slope_per_decade": row.number("slope"),
        "checkpoints": [
            {
                **point.plain(
                    "cycle", ("first_cycle", "cycle_first"), ("last_cycle", "cycle_last")
                ),
                **_by_state(point, _percentiles),
                "ber": _checkpoint_ber(point.interval("ber")),
            }
            for point in row.by("checkpoint")
            if point.number("cycle") is not None
        ],
    }


def _checkpoint_ber(ber: Interval) -> dict[str, Any]:
    return {
        **_ends(ber),
        "method": ber.basis or None,
        "extrapolated": ber.extrapolated,
        "bound": ber.bound or None,
    }


def _percentiles(row: Record) -> dict[str, Any]:
    return row.plain("readings", ("p05_ohm", "p05"), ("median_ohm", "p50"), ("p95_ohm", "p95"))


def retention_answer(examination: Examination) -> dict[str, Any]:
    """Return the drift of each hold, its BER over time, and what Arrhenius' law makes of it."""
    retention = examination.products["retention"]
    laws = examination.products.get("activation_energies")
    return {
        **_limit_and_interval(retention),
        "holds": [_hold(row) for row in records(retention, "hold")],
        "activation_energies": [] if laws is None else _activation_energies(laws),
    }


def _activation_energies(laws: xr.Dataset) -> list[dict[str, Any]]:
    use_temperature = _number(laws.attrs["use_temperature"])
    return [
        {
            **row.plain(
                "condition",
                ("activation_energy_ev", "activation_energy"),
                ("low_ev", "activation_energy_low"),
                ("high_ev", "activation_energy_high"),
            ),
            "temperatures_k": [
                kelvin
                for kelvin in (place.number("temperature") for place in row.by("place"))
                if kelvin is not None
            ],
            "at_use": None
            if use_temperature is None
            else {
                "temperature_k": use_temperature,
                **row.plain(
                    ("seconds_to_ber_limit", "time_at_use"),
                    ("seconds_to_ber_limit_low", "time_at_use_low"),
                    ("seconds_to_ber_limit_high", "time_at_use_high"),
                    ("extrapolated", "time_at_use_extrapolated"),
                ),
            },
        }
        for row in records(laws, "condition")
    ]


def _hold(row: Record) -> dict[str, Any]:
    time = row.interval("time_to_limit")
    return {
        **row.plain(
            ("condition", "hold_condition"),
            ("temperature_k", "temperature"),
            ("reference_ohm", "reference_resistance"),
            ("first_time_s", "first_time"),
            ("last_time_s", "last_time"),
        ),
        **_by_state(row, _held),
        "ber": [
            {
                "time_s": at.number("time"),
                **_ends(at.interval("ber")),
                **at.plain(("extrapolated", "ber_extrapolated")),
            }
            for at in row.by("time")
        ],
        **_bounded(time, "seconds_to_ber_limit"),
        "seconds_to_ber_limit_extrapolated": time.extrapolated,
    }


def _held(row: Record) -> dict[str, Any]:
    return {
        **row.plain("cells"),
        "mu_per_decade": _ends(row.interval("mu_drift")),
        "sigma_per_decade": _ends(row.interval("sigma_drift")),
        "readouts": [
            {
                "time_s": readout.number("readout_time"),
                **_percentiles(readout),
                **readout.plain("errors"),
            }
            for readout in row.by("readout")
            if readout.number("readout_time") is not None
        ],
    }


def variance_answer(examination: Examination) -> dict[str, Any]:
    """Return the parts of the variance of ln R."""
    variance = examination.products["variance"]
    return {
        "method": variance.attrs["method"],
        "conditions": [
            {**row.plain(("name", "condition")), **_by_state(row, _variance_parts)}
            for row in records(variance, "condition")
        ],
    }


def _variance_parts(row: Record) -> dict[str, Any]:
    return {
        **row.plain("readings", ("readings_left_out", "left_out")),
        "parts": {
            part["component"]: part.plain(
                "variance", "share", "groups", ("estimate_was_negative", "negative")
            )
            for part in row.by("component")
            if part.number("variance") is not None
        },
    }


def bake_answer(examination: Examination) -> dict[str, Any]:
    """Return what a bake did to each state and to the BER."""
    bake = examination.products["bake"]
    (row,) = records(bake.isel(condition=0))
    bers = {f"ber_{when}": row.interval(f"ber_{when}") for when in ("before", "after")}
    return {
        "before": bake.attrs["before"],
        "after": bake.attrs["after"],
        "confidence": float(bake.attrs["confidence"]),
        "interval": bake.attrs["interval"],
        **row.plain(("reference_ohm", "reference_resistance")),
        **_by_state(row, _baked),
        **{key: {**_ends(ber), "bound": ber.bound or None} for key, ber in bers.items()},
    }


def _baked(row: Record) -> dict[str, Any]:
    return {
        **row.plain("cells"),
        "mu_shift": _ends(row.interval("mu_shift")),
        "sigma_ratio": _ends(row.interval("sigma_ratio")),
        **row.plain("correlation"),
    }


def read_energy_answer(examination: Examination) -> dict[str, Any]:
    """Return the energy of a read."""
    energy = examination.products["read_energy"]
    return {
        "read_voltage_v": float(energy.attrs["read_voltage"]),
        "read_time_s": float(energy.attrs["read_time"]),
        "covers": energy.attrs["covers"],
        "formula": energy.attrs["formula"],
        "conditions": [
            {
                **row.plain(("name", "condition"), ("energy_j", "energy_per_read")),
                **{f"{state.lower()}_j": row.at(state=state).number("energy") for state in STATES},
                "energy_source": _known(row["basis"]),
            }
            for row in records(energy, "condition")
        ],
    }


def _ends(value: Interval) -> dict[str, float | None]:
    """Return a number and the ends of its interval."""
    ends = {"estimate": value.estimate, "low": value.low, "high": value.high}
    return {name: _number(end) for name, end in ends.items()}


def _bounded(value: Interval, key: str) -> dict[str, float | None]:
    """Return a number under `key`, or only under ``key_more_than`` or ``key_less_than``."""
    number = _number(value.estimate)
    return {
        key: None if value.bound else number,
        f"{key}_more_than": number if value.bound == "lower" else None,
        f"{key}_less_than": number if value.bound == "upper" else None,
        f"{key}_low": _number(value.low),
        f"{key}_high": _number(value.high),
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _known(basis: str) -> str | None:
    return None if basis == "unknown" else basis
