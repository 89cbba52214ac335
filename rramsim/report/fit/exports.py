"""The tables of a fit as CSV: units in the names of the columns, unknown values empty."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rramsim.device.verification import OPERATIONS
from rramsim.report.fit.answer import conditions_answer
from rramsim.report.fit.tables import outliers, populations_and_goodness
from rramsim.report.keys import Keys, Value, answer, finite, known_text, same
from rramsim.report.text_table import csv_text
from rramsim.schema import STATES, Record, records, settings

if TYPE_CHECKING:
    from rramsim.device.examination import Examination


def conditions_csv(examination: Examination) -> str:
    """Return a row for each condition: the numbers of the JSON, and no bound given as a value."""
    return csv_text([_condition(one) for one in conditions_answer(examination)])


def _condition(one: dict[str, Any]) -> dict[str, Any]:
    ber, paired = one["ber"], one["ber_2t2r"] or {}
    counted, fitted = ber["counted"] or {}, one["fitted_ber"] or {}
    is_bound = ber["bound"] == "upper"
    rest = (
        *("set_energy_j", "set_energy_source", "reset_energy_j", "reset_energy_source"),
        *("endurance_cycles", "endurance_more_than", "endurance_less_than", "endurance_low"),
        *("endurance_high", "endurance_source"),
        *(setting.key for setting in settings()),
        "origin",
    )
    return {
        "condition": one["name"],
        "reference_ohm": one["reference_ohm"],
        "ber": ber["estimate"],
        "ber_less_than": ber["high"] if is_bound else None,
        "ber_low": ber["low"],
        "ber_high": None if is_bound else ber["high"],
        "ber_method": ber["method"],
        "ber_extrapolated": ber["extrapolated"],
        "errors_counted": counted.get("errors"),
        "readings_counted": counted.get("readings"),
        "errors_cross_validated": counted.get("cross_validated"),
        **{f"least_{key}": value for key, value in (counted.get("least") or _NO_LEAST).items()},
        "counted_ber_less_than": counted.get("less_than"),
        "fitted_ber": fitted.get("estimate"),
        **{f"fitted_ber_{end}": fitted.get(end) for end in ("low", "high")},
        "ber_2t2r": paired.get("estimate"),
        **{f"ber_2t2r_{end}": paired.get(end) for end in ("low", "high", "bound")},
        **{key: one[key] for key in rest},
    }


_NO_LEAST: dict[str, Any] = dict.fromkeys(
    ("errors", "readings", "ber", "reference_ohm", "reference_low_ohm", "reference_high_ohm")
)


def populations_csv(examination: Examination) -> str:
    """Return a row for each condition and state, with the percentiles of its fit.

    Those of the readings are in `percentiles_csv`.
    """
    rows = zip(
        populations_and_goodness(examination),
        records(examination.products["percentiles"], "condition", "state"),
        strict=True,
    )
    return csv_text([{**answer(row, _POPULATION), **_percentiles(fit)} for row, fit in rows])


_POPULATION: Keys = {
    **same("condition", "state", "cells", "exact", "censored_below", "censored_above"),
    "median_ohm": "median",
    "median_low_ohm": "median_low",
    "median_high_ohm": "median_high",
    "median_bound": known_text("median_bound"),
    "median_fit_ohm": lambda row: finite(math.exp(row["mu"])),
    "median_fit_extrapolated": lambda row: bool(row["median_bound"]),
    "mu_ln_ohm": "mu",
    "mu_standard_error": "mu_error",
    "sigma_ln": "sigma",
    "sigma_standard_error": "sigma_error",
    **same("mu_low", "mu_high", "sigma_low", "sigma_high"),
    **same("effective_readings", "autocorrelation"),
    "lognormal": "verdict",
    **same("tail_share", "stuck_cells", "outlying_cells"),
}


def _percentiles(row: Record) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for place in row.by("percent"):
        name = f"p{place['percent']:g}_fit"
        keys = {f"{name}{end}_ohm": f"resistance{end}" for end in ("", "_low", "_high")}
        columns |= answer(place, {**keys, f"{name}_extrapolated": "resistance_extrapolated"})
    return columns


def percentiles_csv(examination: Examination) -> str:
    """Return a row for each condition, state and percentile: of the readings and of the fit."""
    rows = zip(
        records(examination.products["percentiles"], "condition", "state"),
        populations_and_goodness(examination),
        strict=True,
    )
    return csv_text(
        [
            {
                **answer(place, _PERCENTILE),
                "fit_holds": _HOLDS.get(judged.text("verdict")),
            }
            for row, judged in rows
            for place in row.by("percent")
        ]
    )


_PERCENTILE: Keys = {
    **same("condition", "state", "percent"),
    "sample_ohm": "sample",
    "sample_low_ohm": "sample_low",
    "sample_high_ohm": "sample_high",
    "sample_bound": known_text("sample_bound"),
    "fit_ohm": "resistance",
    "fit_low_ohm": "resistance_low",
    "fit_high_ohm": "resistance_high",
    "fit_extrapolated": "resistance_extrapolated",
}
# Not tested is neither.
_HOLDS = {"holds": True, "tail": False, "does not hold": False}


def outliers_csv(examination: Examination) -> str:
    """Return a row for each reading that the body of its population cannot account for."""
    header = ("condition", "state", "cell", "cycle", "resistance_ohm", "distance_sigma", "kind")
    return csv_text(outliers(examination.products["outliers"]), header)


def retention_csv(examination: Examination) -> str:
    """Return a row for each hold and stated time: medians, percentiles and BER along the lines."""
    rows = records(examination.products["retention"], "hold", "at")
    return csv_text([answer(row, _RETENTION) for row in rows])


def _of_one_state(variable: str, state: str) -> Value:
    return lambda row: row.at(state=state).number(variable)


def _stated(prefix: str, ending: str) -> Keys:
    of_state: dict[str, Value] = {
        f"{state.lower()}_{name}_ohm{ending}": _of_one_state(f"{prefix}_{name}", state)
        for state in STATES
        for name in ("median", "median_low", "median_high", "p05", "p95")
    }
    of_hold = {f"{name}{ending}": f"{prefix}_{name}" for name in ("ber", "ber_low", "ber_high")}
    return {**of_state, **of_hold, f"extrapolated{ending}": f"{prefix}_extrapolated"}


_RETENTION: Keys = {
    "condition": "hold_condition",
    "temperature_k": "temperature",
    "time_s": "at_time",
    "decades_beyond_the_last_read_out": "at_decades",
    **_stated("at", ""),
    "acceleration_factor": "acceleration_factor",
    "last_time_at_use_s": "equivalent_time",
    **_stated("use", "_at_use"),
}


def aging_csv(examination: Examination) -> str:
    """Return a row for each condition, number of cycles and time that was asked for."""
    rows = records(examination.products["aging"], "condition", "cycle", "time")
    return csv_text([answer(row, _AGING) for row in rows if not row["cycle"] > row["last_cycle"]])


_AGING: Keys = {
    "condition": "condition",
    "cycles": "cycle",
    "time_s": "time",
    "temperature_k": lambda row: row.number("use_temperature") or row.number("temperature"),
    **same("ber", "ber_low", "ber_high"),
    **{
        f"{state.lower()}_error_rate{end}": _of_one_state(f"error_rate{end}", state)
        for state in STATES
        for end in ("", "_low", "_high")
    },
    "extrapolated": known_text("extrapolation"),
}


def verification_csv(examination: Examination) -> str:
    """Return a row for each operation and number of pulses: attempts, and the share left."""
    rows = records(examination.products["verification"], "condition", "state", "limit")
    return csv_text([answer(row, _VERIFICATION) for row in rows if row["operations"]])


_VERIFICATION: Keys = {
    "condition": "condition",
    "operation": lambda row: OPERATIONS[row["state"]],
    **same("operations", "cells"),
    "mean_attempts": "mean",
    "mean_attempts_low": "mean_low",
    "mean_attempts_high": "mean_high",
    "most_pulses": "most",
    "operations_at_the_limit": "at_most",
    "pulses": "limit",
    "share_left": "residual",
    "share_left_low": "residual_low",
    "share_left_high": "residual_high",
    "share_left_if_all_alike": "residual_alike",
    "share_left_if_cells_differ": "residual_unlike",
}
