"""What a life costs: programming, then an inference after the other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rramsim import formatting as numbers
from rramsim.decision.reasons import count_words
from rramsim.decision.recommend import best_points
from rramsim.decision.requirements import Requirements
from rramsim.device.inference_energy import break_even, cheapest_ranges
from rramsim.report.text_table import Sorted, TextTable, table_of
from rramsim.report.tradeoff import rows
from rramsim.schema import Record

if TYPE_CHECKING:
    from rramsim.report.tradeoff.findings import Findings


def points_in_use(findings: Findings) -> list[Record]:
    """Return of each place the best network that meets what is required, the recommended first.

    Of points whose energy of programming or of reading is unknown nothing can be said.
    """
    points = rows.points_of(findings.tradeoff)
    chosen = [point for point in points if findings.recommendation.names(point)]
    places = {(one["condition"], one["protection"]) for one in chosen}
    others = [
        point
        for point in best_points(points)
        if findings.recommendation.met
        and point["meets"]
        and (point["condition"], point["protection"]) not in places
    ]
    others.sort(key=lambda point: point["programming_energy"])
    return [
        point
        for point in (*chosen, *others)
        if math.isfinite(point["programming_energy"] + point["inference_energy"])
    ]


def life_sentences(findings: Findings) -> list[str]:
    """Return what reading costs beside programming, and what costs least after how many."""
    points = points_in_use(findings)
    if not points:
        return [
            "What reading costs is unknown: it takes the populations of measured cells, and the "
            "pulse that reads them (read_pulse)."
        ]
    return [_reading_more(points[0]), *_cheapest(points), _what_is_counted(findings)]


def _reading_more(point: Record) -> str:
    programmings = Requirements.of(point.attrs).programmings
    spent = programmings * point["programming_energy"]
    often = "programming" if programmings == 1 else f"{numbers.power(programmings)} programmings"
    if not point["inference_energy"]:
        return f"Reading {_named(point)} takes no energy that is counted."
    after = count_words(spent / point["inference_energy"])
    return (
        f"After {after} inferences reading {_named(point)} costs more than {often}: "
        f"{numbers.quantity(point['inference_energy'], 'J')} each, against "
        f"{numbers.quantity(spent, 'J')}."
    )


def _cheapest(points: list[Record]) -> list[str]:
    if len(points) == 1:
        return []
    ranges = zip(*cheapest_ranges(*_costs(points)), points, strict=True)
    known = [(first, last, point) for first, last, point in ranges if not math.isnan(first)]
    known.sort(key=lambda one: float(one[0]))
    if not known:
        return []
    if len(known) == 1:
        return [
            f"Of what meets all that is required, {_named(known[0][2])} costs least at any "
            "number of inferences."
        ]
    parts = [f"{_named(point)} {_range(first, last)}" for first, last, point in known]
    return [f"Of what meets all that is required, least is the cost of {'; '.join(parts)}."]


def _costs(points: list[Record]) -> tuple[np.ndarray, np.ndarray]:
    programmings = Requirements.of(points[0].attrs).programmings
    return (
        np.array([programmings * point["programming_energy"] for point in points]),
        np.array([point["inference_energy"] for point in points]),
    )


def _range(first: float, last: float) -> str:
    if not first:
        return f"up to {count_words(last)} inferences"
    if math.isinf(last):
        return f"from {count_words(first)} on"
    return f"from {count_words(first)} to {count_words(last)}"


def _what_is_counted(findings: Findings) -> str:
    pulse = f" with {findings.read_pulse}" if findings.read_pulse else ""
    unknown = findings.unknown_circuits
    left_out = (
        f" The energy {', '.join(unknown)} is unknown and not counted, so an inference takes more; "
        "of two conditions under one protection it does not change which costs less."
        if unknown
        else ""
    )
    return f"Reading is of the cells{pulse}, as fitted.{left_out}"


def _named(point: Record) -> str:
    kept = "" if point["protection"] == "none" else f" and {point['protection']}"
    return f"“{point['condition']}”{kept}"


def life_table(findings: Findings) -> TextTable | None:
    """Return what programming and an inference cost, and when two places cost the same.

    None of less than two places.
    """
    points = points_in_use(findings)
    if len(points) < 2:
        return None
    programmed, per_inference = _costs(points)
    crossings = break_even(programmed, per_inference)[0]
    equal = {
        (point["condition"], point["protection"]): float(crossing)
        for point, crossing in zip(points, crossings, strict=True)
    }

    def crossing(point: Record) -> float:
        return equal[point["condition"], point["protection"]]

    def crossing_words(point: Record) -> str:
        if point is points[0]:
            return "it is this"
        if math.isnan(crossing(point)):
            place = next(number for number, one in enumerate(points) if one is point)
            costs_more = programmed[place] >= programmed[0]
            return f"never: always {'more' if costs_more else 'less'}"
        return f"after {count_words(crossing(point))}"

    return table_of(
        "When two cost the same",
        points,
        {
            "Condition": "condition",
            "Protection": "protection",
            "Programming": "programming_energy",
            "An inference": "inference_energy",
            "Reading costs more after": Sorted(
                lambda point: f"{count_words(_repaid(point))} inferences", _repaid
            ),
            "As much as recommended": Sorted(crossing_words, crossing),
        },
        remark="What meets all that is required, by the network that does best.",
    )


def _repaid(point: Record) -> float:
    spent = Requirements.of(point.attrs).programmings * point["programming_energy"]
    return spent / point["inference_energy"] if point["inference_energy"] else math.inf
