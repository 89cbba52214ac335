"""The trade-off for machines: rows of tradeoff.csv and the JSON of `rramsim tradeoff`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rramsim.decision.requirements import Requirements
from rramsim.report.keys import Keys, Value, answer, bounded, known_text, same
from rramsim.report.text_table import csv_text
from rramsim.report.tradeoff.rows import origins, points_of
from rramsim.schema import Record, records

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.decision.recommendation import Recommendation
    from rramsim.report.tradeoff.findings import Findings


def tradeoff_csv(tradeoff: xr.Dataset, recommendation: Recommendation) -> str:
    """Return the points as CSV, a row for each network on each condition.

    Units are in the names of the columns. Numbers read back exactly; unknown ones are empty.
    A bound is never given as a value: it stands in ``ber_less_than``, ``endurance_more_than`` or
    ``endurance_less_than``, and ``ber`` or ``endurance_cycles`` is empty.

    Parameters
    ----------
    tradeoff : xarray.Dataset
        Product "tradeoff".
    recommendation : Recommendation
        Its point has ``recommended`` true.

    Returns
    -------
    str
    """
    rows = [
        {**_values(point), "recommended": recommendation.names(point)}
        for point in points_of(tradeoff)
    ]
    return csv_text(rows)


def tradeoff_json(findings: Findings) -> dict[str, Any]:
    """Return what ``rramsim tradeoff --json`` prints: plain values, None where unknown.

    Parameters
    ----------
    findings : Findings

    Returns
    -------
    dict
        ``"points"``, a list of dicts, ``"recommendation"``, a dict, and what both rest on.
    """
    tradeoff, recommendation = findings.tradeoff, findings.recommendation
    return {
        "points": [{**_values(point), "loss": _loss(point)} for point in points_of(tradeoff)],
        "recommendation": {
            **recommendation.labels,
            "reason": recommendation.reason,
            "meets_tolerance": recommendation.met,
            "settled": recommendation.settled,
            "would_settle": recommendation.would_settle or None,
        },
        "required": Requirements.of(tradeoff.attrs).attributes(),
        "ber_budget": [_budget(row) for row in records(findings.budgets, "training_ber")],
        "error_free_accuracy": float(tradeoff.attrs["error_free_accuracy"]),
        "confidence": float(tradeoff.attrs["confidence"]),
        "interval": str(tradeoff.attrs["interval"]),
        "notes": [*origins(findings), *findings.notes],
        "correlated": tradeoff.attrs.get("correlated"),
        "images": findings.images,
        "network": findings.network,
        "seed": findings.provenance.seed,
        "version": findings.provenance.version,
    }


def _values(point: Record) -> dict[str, Any]:
    """Return a point by column; a figure that is only a bound stands apart from values."""
    keys = dict(_POINT)
    if "independent_accuracy" in point:
        keys |= _TOGETHER
    if "lasts" in point:
        keys |= _LIFE
    return answer(point, keys)


def _loss(point: Record) -> dict[str, Any]:
    parts = {
        name: point.number(f"loss_{name}") for name in ("trainings", "images", "chips", "cells")
    }
    ends = {end: point.number(f"loss_{end}") for end in ("low", "high")}
    # The source is the training, one of them or many.
    parts = {"training": parts.pop("trainings"), **parts}
    return {"estimate": point.number("loss"), **ends, "parts": parts}


def _budget(row: Record) -> dict[str, Any]:
    """Return the largest BERs of a network, a bound apart from values."""
    found: dict[str, Any] = {"training_ber": row["training_ber"]}
    for name, key in (("budget", "ber"), ("budget_shown", "ber_shown")):
        bound = row[f"{name}_bound"]
        found[key] = None if bound else row.number(name)
        found[f"{key}_more_than"] = row.number(name) if bound == "lower" else None
        found[f"{key}_less_than"] = row.number(name) if bound == "upper" else None
    return found


def _ber(bound: str) -> Value:
    return lambda point: point.plain("test_ber") if point["ber_bound"] == bound else None


def _asked(name: str) -> Value:
    """Return a verdict, None where it was not asked."""
    return lambda point: point[name] or None


_ENDURANCE = bounded("endurance", "endurance")
_POINT: Keys = {
    **same("condition", "protection", "training_ber", "thresholds"),
    "ber": _ber(""),
    "ber_less_than": _ber("upper"),
    "ber_high": "ber_high",
    "ber_is_extrapolated": "ber_extrapolated",
    "accuracy_mean": "accuracy",
    **same("accuracy_low", "accuracy_high", "accuracy_p05", "maps"),
    "programming_energy_j": "programming_energy",
    "energy_per_cell_j": "energy_per_cell",
    "energy_per_weight_j": "energy_per_weight",
    "life_energy_j": "life_energy",
    "read_energy_per_inference_j": "inference_energy",
    "cells_per_weight": "cells_per_weight",
    "write_pulses": "pulses_per_weight",
    "most_write_pulses": "most_pulses",
    **same("set_energy_basis", "reset_energy_basis"),
    "endurance_cycles": _ENDURANCE["endurance"],
    **{f"endurance_{end}": _ENDURANCE[f"endurance_{end}"] for end in ("more_than", "less_than")},
    "endurance_basis": "endurance_basis",
    "pareto": "on_front",
    "pareto_cells": "on_cells_front",
    "meets_tolerance": "meets",
    "verdict": "verdict",
    "accurate": "accurate",
    **same("probability", "cells_to_measure", "confidence_needed", "end_needed"),
    "waits_for": known_text("waits_for"),
    "waits_for_protection": known_text("waits_for_protection"),
    **same("chip_yield", "chip_yield_low", "chip_yield_high"),
    **{name: _asked(name) for name in ("yields", "endures", "affordable")},
    **{f"accuracy_{name}": name for name in ("loss", "loss_low", "loss_high")},
    **same("trainings", "origin"),
}

_GOOD_UNTIL, _GOOD_CYCLES = bounded("good_until", "good_until"), bounded("good_cycles", "good")
_LIFE: Keys = {
    "lasts": _asked("lasts"),
    "good_until_s": _GOOD_UNTIL["good_until"],
    "good_until_more_than_s": _GOOD_UNTIL["good_until_more_than"],
    "good_until_low_s": "good_until_low",
    "good_until_high_s": "good_until_high",
    "good_until_shown_s": "good_until_shown",
    "good_until_extrapolated": known_text("good_until_extrapolated"),
    "good_cycles": _GOOD_CYCLES["good"],
    "good_cycles_more_than": _GOOD_CYCLES["good_more_than"],
    **same("good_cycles_low", "good_cycles_high"),
    "refresh_interval_s": "refresh_interval",
    "refresh_basis": known_text("refresh_basis"),
    "refreshes": "refreshes",
    "refresh_energy_j": "refresh_energy",
    "life_limit": known_text("life_limit"),
    "life_extrapolated": known_text("life_extrapolated"),
    "life_basis": known_text("life_basis"),
}
"""What is known of the life of a point, where cells were read over cycles or time, or it is asked.
"""
_TOGETHER: Keys = same(
    "independent_accuracy",
    "independent_p05",
    "correlated_change",
    "correlated_change_low",
    "correlated_change_high",
    "faults",
)
"""Of correlated cells: what they share, and what chips of independent cells reach."""
