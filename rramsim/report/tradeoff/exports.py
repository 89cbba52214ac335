"""The trade-off for machines: rows of tradeoff.csv and the JSON of `rramsim tradeoff`."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from rramsim.report.tradeoff.rows import origins, points_of
from rramsim.schema import Record

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.decision.recommend import Recommendation
    from rramsim.report.tradeoff.findings import Findings


def tradeoff_csv(tradeoff: xr.Dataset, recommendation: Recommendation) -> str:
    """Return the points as CSV, a row for each network on each condition.

    Units are in the names of the columns. Numbers read back exactly; unknown ones are empty.
    A bound is never given as a value: it stands in ``ber_less_than`` or
    ``endurance_more_than``, and ``ber`` or ``endurance_cycles`` is empty.

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
        _row(point) | {"recommended": _is(point, recommendation)} for point in points_of(tradeoff)
    ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([_text(value) for value in row.values()] for row in rows)
    return text.getvalue()


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
        "points": [_row(point) for point in points_of(tradeoff)],
        "recommendation": {
            "condition": recommendation.condition,
            "training_ber": recommendation.training_ber,
            "reason": recommendation.reason,
            "meets_tolerance": recommendation.met,
        },
        "error_free_accuracy": float(tradeoff.attrs["error_free_accuracy"]),
        "tolerance": float(tradeoff.attrs["tolerance"]),
        "confidence": float(tradeoff.attrs["confidence"]),
        "interval": str(tradeoff.attrs["interval"]),
        "notes": [*origins(findings), *findings.notes],
        "images": findings.images,
        "network": findings.network,
        "seed": findings.provenance.seed,
        "version": findings.provenance.version,
    }


def _row(point: Record) -> dict[str, Any]:
    """Return a point by column; a figure that is only a bound stands apart from values."""
    ber_is_bound = point["ber_bound"] == "upper"
    endurance_is_bound = point["endurance_bound"] == "lower"
    endurance = point.number("endurance")
    return {
        "condition": point["condition"],
        "training_ber": point["training_ber"],
        "ber": None if ber_is_bound else point.number("test_ber"),
        "ber_less_than": point.number("test_ber") if ber_is_bound else None,
        "ber_high": point.number("ber_high"),
        "ber_is_extrapolated": bool(point["ber_extrapolated"]),
        "accuracy_mean": point.number("accuracy"),
        "accuracy_low": point.number("accuracy_low"),
        "accuracy_high": point.number("accuracy_high"),
        "accuracy_p05": point.number("accuracy_p05"),
        "accuracy_low_at_ber_high": point.number("accuracy_low_at_ber_high"),
        "maps": point["maps"],
        "programming_energy_j": point.number("programming_energy"),
        "energy_per_cell_j": point.number("energy_per_cell"),
        "set_energy_basis": point["set_energy_basis"],
        "reset_energy_basis": point["reset_energy_basis"],
        "endurance_cycles": None if endurance_is_bound else endurance,
        "endurance_more_than": endurance if endurance_is_bound else None,
        "endurance_basis": point["endurance_basis"],
        "pareto": bool(point["on_front"]),
        "meets_tolerance": bool(point["meets_tolerance"]),
        "origin": point["origin"],
    }


def _is(point: Record, recommendation: Recommendation) -> bool:
    return (point["condition"], point["training_ber"]) == (
        recommendation.condition,
        recommendation.training_ber,
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)
