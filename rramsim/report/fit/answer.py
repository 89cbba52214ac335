"""The answer of `rramsim fit` for machines: plain values of JSON, unknown is None."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rramsim.interval import Interval
from rramsim.report.fit.notes import doubts
from rramsim.report.keys import (
    Keys,
    Value,
    answer,
    attribute,
    attributes,
    bounded,
    each,
    ends,
    ends_of,
    finite,
    known_text,
    of_state,
    same,
    source,
)
from rramsim.schema import STATES, Record, records, settings
from rramsim.version import __version__

if TYPE_CHECKING:
    from rramsim.device.examination import Examination


def conditions_answer(examination: Examination) -> list[dict[str, Any]]:
    """Return what is known of each condition, as objects that `json.dumps` takes.

    A bound is never given as a value: a BER known only to be below a number has the estimate
    None and that number as ``high``; an endurance known only to be more than a number has
    ``endurance_cycles`` None and the number as ``endurance_more_than``, and one known only to be
    less than a number that as ``endurance_less_than``.
    """
    wholes = {name: records(product)[0] for name, product in examination.products.items()}
    return [_condition(row, wholes) for row in wholes["conditions"].by("condition")]


def origin_answer(examination: Examination) -> dict[str, Any]:
    """Return what the answer rests on: files, shares, intervals and notes."""
    measured, attrs = examination.measured, examination.products["conditions"].attrs
    return {
        "origin": measured.origin,
        "sources": [{"file": file, "sha256": digest} for file, digest in measured.sources],
        "readings": [
            {
                "file": count.place,
                **{name: getattr(count, name) for name in ("cells", "exact", "censored")},
                "left_out": dict(count.left_out),
            }
            for count in measured.counts
        ],
        "interval": attrs["interval"],
        "lrs_share": float(attrs["lrs_share"]),
        "check_first": list(doubts(examination)),
        "notes": [str(note) for note in (*measured.notes, *examination.notes)],
        "version": __version__,
    }


def _condition(row: Record, wholes: Mapping[str, Record]) -> dict[str, Any]:
    def in_product(name: str, keys: Keys | Callable[[Record], Any]) -> Any:
        """Return the answer of the condition in another product, None where it is not in it."""
        if name not in wholes or not wholes[name].has(condition=row["condition"]):
            return None
        place = wholes[name].at(condition=row["condition"])
        return keys(place) if callable(keys) else answer(place, keys)

    populations = in_product("populations", of_state(_POPULATION)) or in_product(
        "percentile_fits", of_state(_PERCENTILE_FIT)
    )
    return {
        "name": row["condition"],
        **(populations or {state.lower(): dict(_NO_POPULATION) for state in STATES}),
        "reference_ohm": row.plain("reference_resistance"),
        "ber": {
            **_ber(row, "ber"),
            **answer(row, {"lrs": "ber_lrs", "hrs": "ber_hrs"}),
            "counted": in_product("counted", _counted),
        },
        "fitted_ber": in_product("counted", lambda _: _fitted(row)),
        **answer(row, _programming()),
        "ber_2t2r": in_product("counted", lambda _: _paired(row)),
        "goodness": in_product("goodness", of_state(_GOODNESS)),
        "outliers": in_product("goodness", of_state(_OUTLIERS)),
        "target": in_product("sample_sizes", _TARGET),
        "endurance": in_product("endurance", _endurance),
    }


_NO_POPULATION = {
    **{"n": 0, "n_censored": 0, "median_ohm": None, "median_fit_ohm": None},
    **{"sigma_ln": None, "cells": 0},
}


def _censored(row: Record) -> int:
    return int(row["censored_below"] + row["censored_above"])


def _fitted_median(row: Record) -> float | None:
    return finite(math.exp(row["mu"]))


_POPULATION: Keys = {
    "n": lambda row: row["exact"] + _censored(row),
    "n_censored": _censored,
    "median_ohm": "median",
    "median_low_ohm": "median_low",
    "median_high_ohm": "median_high",
    "median_bound": known_text("median_bound"),
    "median_fit_ohm": _fitted_median,
    "median_fit_extrapolated": lambda row: bool(row["median_bound"]),
    "sigma_ln": "sigma",
    "cells": "cells",
    "n_censored_below": "censored_below",
    "n_censored_above": "censored_above",
    "mu_standard_error": "mu_error",
    "sigma_standard_error": "sigma_error",
    "mu_low": "mu_low",
    "mu_high": "mu_high",
    "sigma_low": "sigma_low",
    "sigma_high": "sigma_high",
    "effective_readings": "effective_readings",
    "autocorrelation": "autocorrelation",
}


_PERCENTILE_FIT: Keys = {
    "from": lambda row: str(row["basis"]),
    "from_percentiles": lambda row: (
        None if math.isnan(row["lowest"]) else [row["lowest"], row["highest"]]
    ),
    "n": "readings",
    "n_censored": lambda row: 0,
    "median_ohm": lambda row: finite(math.exp(row["mu"])),
    "median_extrapolated": lambda row: row["lowest"] > 0.5 or row["highest"] < 0.5,
    "sigma_ln": "sigma",
    "cells": "readings",
    "mu_standard_error": lambda row: finite(row["mu_error"]),
    "sigma_standard_error": lambda row: finite(row["sigma_error"]),
    "p_value": lambda row: finite(row["p_value"]),
    "largest_deviation_sigma": "deviation",
}


def _programming() -> Keys:
    """Return the keys of what a condition is programmed with, of its cost and endurance."""
    # The stated ones come before measured ones: one word for both must not promise too much.
    trust = ("computed", "stated", "measured")

    def least_trusted(row: Record) -> str | None:
        bases = [row[f"{operation}_energy_basis"] for operation in ("set", "reset")]
        return next((basis for basis in trust if basis in bases), None)

    endurance = bounded("endurance", "endurance")
    return {
        "pooled_over": known_text("pooled_over"),
        "set_energy_j": "set_energy",
        "reset_energy_j": "reset_energy",
        "energy_source": least_trusted,
        "set_energy_source": source("set_energy_basis"),
        "reset_energy_source": source("reset_energy_basis"),
        "endurance_cycles": endurance["endurance"],
        **{
            f"endurance_{end}": endurance[f"endurance_{end}"]
            for end in ("more_than", "less_than", "low", "high")
        },
        "endurance_source": source("endurance_basis"),
        **{setting.key: setting.name for setting in settings()},
        "origin": "origin",
    }


def _ber(row: Record, name: str) -> dict[str, Any]:
    ber = row.interval(name)
    has_interval = ber.basis != "stated" and math.isfinite(ber.low)
    return {
        **ends_of(ber),
        "confidence": row.attrs["confidence"] if has_interval else None,
        **_basis(ber),
    }


def _basis(ber: Interval) -> dict[str, Any]:
    return {
        "method": (ber.basis or None) if ber.is_known else None,
        "extrapolated": ber.extrapolated,
        "bound": ber.bound or None,
    }


def _fitted(row: Record) -> dict[str, Any] | None:
    """Return the BER of the fits, and whether it leads; None without a fit."""
    fitted, leading = row.interval("ber_fitted"), row.interval("ber")
    if not fitted.is_known:
        return None
    leads = leading.basis == "fitted" and not leading.bound
    return {**ends_of(fitted), "bound": fitted.bound or None, "leads": leads}


def _paired(row: Record) -> dict[str, Any] | None:
    """Return the BER of two cells a bit, and how far these are taken to go together."""
    if not row.interval("ber_2t2r").is_known:
        return None
    return {
        **_ber(row, "ber_2t2r"),
        "pair_correlation": row.attrs["pair_correlation"],
        "correlation_of_states": row.number("state_correlation"),
    }


def _counted(row: Record) -> dict[str, Any]:
    counts = ("errors", "readings", "undecided")
    return {
        **{name: row.total(name, "state") for name in counts},
        **ends_of(row.interval("ber")),
        "less_than": row.number("ber_less_than"),
        "cross_validated": bool(row["cross_validated"]),
        "least": answer(row, _LEAST),
    }


_LEAST: Keys = {
    "errors": "least_errors",
    "readings": "least_readings",
    "ber": "least_ber",
    "reference_ohm": "least_reference",
    "reference_low_ohm": "least_reference_low",
    "reference_high_ohm": "least_reference_high",
}
_GOODNESS: Keys = {
    **same("verdict", "sentence"),
    "ppcc_deficit": "deficit",
    **same("p_value", "anderson_darling"),
    "largest_deviation_sigma": "largest_deviation",
    **same("tail_found", "tail_expected", "tail_p_value", "tail_share"),
}
_OUTLIERS: Keys = same(
    *("stuck_cells", "stuck_rate", "stuck_rate_low", "stuck_rate_high"),
    *("outlying_cells", "outlying_rate", "outlying_rate_low", "outlying_rate_high"),
)
_TARGET: Keys = {
    "ber": attribute("target_ber"),
    **same("shown_by_fit", "shown_by_count"),
    "cells_per_state_by_fit": "cells_by_fit",
    "cells_per_state_by_count": "cells_by_count",
    "sentence": "sentence",
}


def _weibull(row: Record) -> dict[str, Any] | None:
    if row.number("shape") is None:
        return None
    return answer(row, {"scale": "scale", **{name: _life(name) for name in _LIFETIMES}})


def _life(name: str) -> Value:
    def value(row: Record) -> dict[str, Any]:
        life = row.interval(name)
        is_quantile = f"{name}_extrapolated" in row
        return ends_of(life) | ({"extrapolated": life.extrapolated} if is_quantile else {})

    return value


_LIFETIMES = ("shape", "b1", "b10", "median")
_ENDURANCE: Keys = {
    "failure": attribute("failure"),
    "reference_ohm": "reference_resistance",
    **same("cells", "failed", "undecided", "soft", "break_in", "never_good"),
    **same("first_cycle", "last_cycle"),
    **bounded("cycles", "cycles"),
    "share_failed_at_most": "failing_high",
    "share_failed_until": "failing_until",
    "weibull": _weibull,
}


def _endurance(row: Record) -> dict[str, Any] | None:
    """Return the endurance of a condition by its readings, None where no cell was followed."""
    return answer(row, _ENDURANCE) if row["cells"] else None


_PERCENTILES: Keys = {
    "readings": "readings",
    "p05_ohm": "p05",
    "median_ohm": "p50",
    "p95_ohm": "p95",
}
_CHECKPOINT: Keys = {
    "cycle": "cycle",
    "first_cycle": "cycle_first",
    "last_cycle": "cycle_last",
    **of_state(_PERCENTILES),
    "ber": lambda row: ends_of(row.interval("ber")) | _basis(row.interval("ber")),
}
CYCLING: Keys = {
    **attributes("ber_limit", "confidence", "interval"),
    "conditions": each(
        "condition",
        {
            "name": "condition",
            "reference_ohm": "reference_resistance",
            **bounded("cycles_to_limit", "cycles_to_ber_limit"),
            "probit_slope_per_decade": "slope",
            "checkpoints": each("checkpoint", _CHECKPOINT, known="cycle"),
        },
    ),
}
"""BER and resistances against the cycles."""

_READOUT: Keys = {"time_s": "readout_time", **_PERCENTILES, "errors": "errors"}
_HELD: Keys = {
    "cells": "cells",
    "mu_per_decade": ends("mu_drift"),
    "sigma_per_decade": ends("sigma_drift"),
    "readouts": each("readout", _READOUT, known="readout_time"),
}


def _ber_at(row: Record) -> list[dict[str, Any]]:
    return [
        {
            "time_s": at_time.plain("time"),
            **ends_of(ber),
            "extrapolated": ber.extrapolated,
            "bound": ber.bound or None,
        }
        for at_time in row.by("time")
        for ber in [at_time.interval("ber")]
    ]


def _at_stated_time(prefix: str) -> Keys:
    """Return the keys of resistances and BER at a stated time."""
    of_one_state: Keys = {
        "median_ohm": ends(f"{prefix}_median"),
        "p05_ohm": f"{prefix}_p05",
        "p95_ohm": f"{prefix}_p95",
    }
    return {
        **of_state(of_one_state),
        "ber": ends(f"{prefix}_ber"),
        "decades_beyond_the_last_read_out": f"{prefix}_decades",
        "extrapolated": f"{prefix}_extrapolated",
    }


def _at_use(row: Record) -> dict[str, Any] | None:
    if row.number("acceleration_factor") is None:
        return None
    return answer(row, {"temperature_k": attribute("use_temperature"), **_at_stated_time("use")})


_HOLD: Keys = {
    "condition": "hold_condition",
    "temperature_k": "temperature",
    "reference_ohm": "reference_resistance",
    "first_time_s": "first_time",
    "last_time_s": "last_time",
    **of_state(_HELD),
    "ber": _ber_at,
    **bounded("time_to_limit", "seconds_to_ber_limit"),
    "seconds_to_ber_limit_extrapolated": "time_to_limit_extrapolated",
    "acceleration_factor": "acceleration_factor",
    "last_time_at_use_s": "equivalent_time",
    "at_times": each(
        "at", {"time_s": "at_time", **_at_stated_time("at"), "at_temperature_of_use": _at_use}
    ),
}
_RETENTION: Keys = {
    **attributes("ber_limit", "confidence", "interval"),
    "use_temperature_k": attribute("use_temperature"),
    "activation_energy_ev": attribute("activation_energy"),
    "holds": each("hold", _HOLD),
}
_AT_USE: Keys = {
    "temperature_k": attribute("use_temperature"),
    "seconds_to_ber_limit": "time_at_use",
    "seconds_to_ber_limit_low": "time_at_use_low",
    "seconds_to_ber_limit_high": "time_at_use_high",
    "extrapolated": "time_at_use_extrapolated",
}
_LAW: Keys = {
    "condition": "condition",
    "activation_energy_ev": "activation_energy",
    "low_ev": "activation_energy_low",
    "high_ev": "activation_energy_high",
    "temperatures_k": lambda row: [
        place["temperature"] for place in row.by("place") if place.number("temperature")
    ],
    "at_use": lambda row: (
        None if finite(row.attrs["use_temperature"]) is None else answer(row, _AT_USE)
    ),
}


def retention_answer(examination: Examination) -> dict[str, Any]:
    """Return the drift of each hold, its BER over time, and what Arrhenius' law makes of it."""
    (retention,) = records(examination.products["retention"])
    laws = examination.products.get("activation_energies")
    rows = [] if laws is None else records(laws, "condition")
    return answer(retention, _RETENTION) | {
        "activation_energies": [answer(row, _LAW) for row in rows]
    }


_AGED_LINES: Keys = {
    "cells": "cells",
    "mu": ends("mu"),
    "mu_per_decade_of_cycles": ends("mu_by_cycles"),
    "mu_per_decade_of_time": ends("mu_drift"),
    "sigma": ends("sigma"),
    "sigma_per_decade_of_cycles": ends("sigma_by_cycles"),
    "sigma_per_decade_of_time": ends("sigma_drift"),
}


def _aged_rates(row: Record) -> list[dict[str, Any]]:
    return [
        {
            "cycles": place.plain("cycle"),
            "time_s": place.plain("time"),
            "ber": ends_of(place.interval("ber")),
            **{
                state.lower(): ends_of(place.at(state=state).interval("error_rate"))
                for state in STATES
            },
            "extrapolated": place.text("extrapolation") or None,
        }
        for at_cycle in row.by("cycle")
        for place in at_cycle.by("time")
        if not at_cycle["cycle"] > row["last_cycle"]
    ]


AGING: Keys = {
    **attributes("lrs_share", "confidence", "interval"),
    "conditions": each(
        "condition",
        {
            "name": "condition",
            "reference_ohm": "reference_resistance",
            "first_cycle": "first_cycle",
            "last_cycle": "last_cycle",
            "first_time_s": "first_time",
            "last_time_s": "last_time",
            "temperature_k": "temperature",
            "use_temperature_k": "use_temperature",
            "activation_energy_ev": "activation_energy",
            "activation_energy_basis": known_text("activation_energy_basis"),
            "acceleration_factor": "acceleration_factor",
            **of_state(_AGED_LINES),
            "error_rates": _aged_rates,
        },
    ),
}
"""Error rates over cycles and time."""

_AFTER: Keys = {
    "pulses": "limit",
    "share_left": ends("residual"),
    "share_left_if_all_alike": "residual_alike",
    "share_left_if_cells_differ": "residual_unlike",
}
_ATTEMPTS: Keys = {
    **same("operations", "cells"),
    "mean_attempts": ends("mean"),
    "most_pulses": "most",
    "operations_at_the_limit": "at_most",
    "chance_that_an_attempt_fails": "miss",
    "beta_a": "beta_a",
    "beta_b": "beta_b",
    "after": each("limit", _AFTER),
}
VERIFICATION: Keys = {
    **attributes("confidence", "interval"),
    "conditions": each(
        "condition",
        {
            "name": "condition",
            "set": lambda row: answer(row.at(state="LRS"), _ATTEMPTS),
            "reset": lambda row: answer(row.at(state="HRS"), _ATTEMPTS),
        },
    ),
}
"""Attempts of program-and-verify."""

SUCCESS_RUNS: Keys = {
    **attributes("confidence", "interval"),
    "tests": each(
        "run",
        {
            "condition": "run_condition",
            "test": "test",
            "state": known_text("state"),
            "temperature_k": "temperature",
            "cells": "cells",
            "cycles": "cycles",
            "time_s": "time",
            "share_failing_at_most": "failing_high",
        },
    ),
}
"""Tests in which no cell failed."""

_PART: Keys = {**same("variance", "share", "groups"), "estimate_was_negative": "negative"}
_VARIANCE_OF_STATE: Keys = {
    "readings": "readings",
    "readings_left_out": "left_out",
    "parts": lambda row: {
        part["component"]: answer(part, _PART)
        for part in row.by("component")
        if part.number("variance") is not None
    },
}
VARIANCE: Keys = {
    "method": attribute("method"),
    "conditions": each("condition", {"name": "condition", **of_state(_VARIANCE_OF_STATE)}),
}
"""The parts of the variance of ln R."""


def _baked_ber(when: str) -> Callable[[Record], dict[str, Any]]:
    def value(row: Record) -> dict[str, Any]:
        ber = row.interval(f"ber_{when}")
        return {**ends_of(ber), "bound": ber.bound or None}

    return value


_BAKED: Keys = {
    "cells": "cells",
    "mu_shift": ends("mu_shift"),
    "sigma_ratio": ends("sigma_ratio"),
    "correlation": "correlation",
}


def bake_answer(examination: Examination) -> dict[str, Any]:
    """Return what a bake did to each state and to the BER."""
    (row,) = records(examination.products["bake"].isel(condition=0))
    return answer(
        row,
        {
            **attributes("before", "after", "confidence", "interval"),
            "reference_ohm": "reference_resistance",
            **of_state(_BAKED),
            **{f"ber_{when}": _baked_ber(when) for when in ("before", "after")},
        },
    )


def _energy_of(state: str) -> Callable[[Record], float | None]:
    return lambda row: row.at(state=state).number("energy")


READ_ENERGY: Keys = {
    "read_voltage_v": attribute("read_voltage"),
    "read_time_s": attribute("read_time"),
    **attributes("covers", "formula"),
    "conditions": each(
        "condition",
        {
            "name": "condition",
            "energy_j": "energy_per_read",
            **{f"{state.lower()}_j": _energy_of(state) for state in STATES},
            "energy_source": source("basis"),
        },
    ),
}
"""The energy of a read."""
