"""The trade-off for machines: rows of tradeoff.csv and the JSON of `rramsim tradeoff`."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, Any

from rramsim.tradeoff.points import Point, points_of

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.tradeoff.recommend import Recommendation


def tradeoff_csv(tradeoff: xr.Dataset, recommendation: Recommendation) -> str:
    """Return the points as CSV, a row for each network on each condition.

    Units are in the names of the columns. Numbers read back exactly; unknown ones are empty.
    Where ``ber_is_bound`` is true the BER is at most the number, where ``endurance_is_bound``
    is, the endurance is more than it.

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
        _row(point)
        | {
            "accuracy_p05": _known(point.accuracy_p05),
            "maps": point.maps,
            "ber_is_extrapolated": point.ber_extrapolated,
            "set_energy_basis": point.set_energy_basis,
            "reset_energy_basis": point.reset_energy_basis,
            "endurance_basis": point.endurance_basis,
            "recommended": _is(point, recommendation),
        }
        for point in points_of(tradeoff)
    ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([_text(value) for value in row.values()] for row in rows)
    return text.getvalue()


def tradeoff_json(tradeoff: xr.Dataset, recommendation: Recommendation) -> dict[str, Any]:
    """Return what ``rramsim tradeoff --json`` prints: plain values, None where unknown.

    Parameters
    ----------
    tradeoff : xarray.Dataset
        Product "tradeoff".
    recommendation : Recommendation

    Returns
    -------
    dict
        ``"points"``, a list of dicts, and ``"recommendation"``, a dict.
    """
    return {
        "points": [_row(point) for point in points_of(tradeoff)],
        "recommendation": {
            "condition": recommendation.condition,
            "training_ber": recommendation.training_ber,
            "reason": recommendation.reason,
            "meets_tolerance": recommendation.met,
        },
    }


def _row(point: Point) -> dict[str, Any]:
    return {
        "condition": point.condition,
        "training_ber": point.training_ber,
        "ber": _known(point.test_ber),
        "ber_is_bound": point.ber_bound == "upper",
        "accuracy_mean": _known(point.accuracy),
        "accuracy_low": _known(point.accuracy_low),
        "accuracy_high": _known(point.accuracy_high),
        "programming_energy_j": _known(point.programming_energy),
        "energy_per_cell_j": _known(point.energy_per_cell),
        "endurance_cycles": _known(point.endurance),
        "endurance_is_bound": point.endurance_bound == "lower",
        "pareto": point.on_front,
        "meets_tolerance": point.meets_tolerance,
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _is(point: Point, recommendation: Recommendation) -> bool:
    return (point.condition, point.training_ber) == (
        recommendation.condition,
        recommendation.training_ber,
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)
