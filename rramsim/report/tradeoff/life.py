"""What a life costs, programming and inferences, and how long cells that age stay good."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rramsim import formatting as numbers
from rramsim.decision.life_words import (
    extrapolated_words,
    further_words,
    has_life,
    lifetime_of,
    shown_words,
    stated_energy_words,
    unknown_words,
    use_words,
)
from rramsim.decision.reasons import inference_count_words
from rramsim.decision.recommend import best_points
from rramsim.decision.requirements import Requirements
from rramsim.device.inference_energy import break_even, cheapest_ranges
from rramsim.report.text_table import NONE, CellText, Sorted, TextTable, table_of
from rramsim.report.tradeoff import rows
from rramsim.schema import Record

if TYPE_CHECKING:
    from rramsim.report.tradeoff.findings import Findings


_MOST_DRAWN = 4
_LIMITS = {"": numbers.UNKNOWN, "neither": "neither"}
_EXTRAPOLATED = "†"


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
    after = inference_count_words(spent / point["inference_energy"])
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
            f"Among the points that meet all requirements, {_named(known[0][2])} costs least at "
            "any number of inferences."
        ]
    parts = [f"{_named(point)} {_range(first, last)}" for first, last, point in known]
    return [f"Among the points that meet all requirements, the cheapest is {'; '.join(parts)}."]


def _costs(points: list[Record]) -> tuple[np.ndarray, np.ndarray]:
    programmings = Requirements.of(points[0].attrs).programmings
    return (
        np.array([programmings * point["programming_energy"] for point in points]),
        np.array([point["inference_energy"] for point in points]),
    )


def _range(first: float, last: float) -> str:
    if not first:
        return f"up to {inference_count_words(last)} inferences"
    if math.isinf(last):
        return f"from {inference_count_words(first)} on"
    return f"from {inference_count_words(first)} to {inference_count_words(last)}"


def _what_is_counted(findings: Findings) -> str:
    pulse = f" with {findings.read_pulse}" if findings.read_pulse else ""
    unknown = findings.unknown_circuits
    left_out = (
        f" The energy {numbers.listed(unknown)} is unknown and not counted, so an inference takes "
        "more; it does not change which of two conditions under one protection costs less."
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
        return f"after {inference_count_words(crossing(point))}"

    return table_of(
        "When two cost the same",
        points,
        {
            "Condition": "condition",
            "Protection": "protection",
            "Programming": "programming_energy",
            "An inference": "inference_energy",
            "Reading costs more after": Sorted(
                lambda point: f"{inference_count_words(_repaid(point))} inferences", _repaid
            ),
            "As much as recommended": Sorted(crossing_words, crossing),
        },
        remark="Points that meet all requirements, each with its best network.",
    )


def _repaid(point: Record) -> float:
    spent = Requirements.of(point.attrs).programmings * point["programming_energy"]
    return spent / point["inference_energy"] if point["inference_energy"] else math.inf


def is_told(findings: Findings) -> bool:
    """Return whether there is anything to tell: cells read over cycles or time, or a life asked."""
    return "lasts" in findings.tradeoff


def points_over_life(findings: Findings, shown: list[Record]) -> list[Record]:
    """Return of each condition the best place whose life is known, the recommended one first.

    Parameters
    ----------
    findings : Findings
    shown : list of Record
        The points that a report shows, one for each condition and protection.
    """
    names = findings.recommendation.names
    known = [point for point in shown if has_life(point) and not math.isnan(point["good_until"])]
    known.sort(key=lambda point: (not names(point), not point["meets"]))
    of_conditions = {point["condition"]: point for point in reversed(known)}
    return sorted(of_conditions.values(), key=lambda point: not names(point))[:_MOST_DRAWN]


def lifetime_sentences(findings: Findings, shown: list[Record]) -> list[str]:
    """Return what was read, how it is carried to the use, and of what nothing is known."""
    if not is_told(findings):
        return []
    known = [point for point in shown if has_life(point)]
    return [*_what_was_read(known), *_carried(findings), *_unknown_lives(shown), *_how(known)]


def _what_was_read(known: list[Record]) -> list[str]:
    found: dict[str, list[str]] = {}
    at_use = any("use_temperature" in point.attrs for point in known)
    where = " (at the temperature of use)" if at_use else ""
    for point in known:
        cycles, time = point["last_cycle"], point["last_time"]
        words = [
            *([] if math.isnan(cycles) else [f"to cycle {numbers.power(cycles)}"]),
            *([] if math.isnan(time) else [f"to {numbers.span(time)} after programming"]),
        ]
        found.setdefault(" and ".join(words), []).append(f"“{point['condition']}”")
    return [
        f"Read {words}{where}: {', '.join(dict.fromkeys(names))}."
        for words, names in found.items()
        if words
    ]


def _carried(findings: Findings) -> list[str]:
    attrs = findings.tradeoff.attrs
    if "use_temperature" not in attrs:
        return ["Times count as measured, since no temperature of use is given."]
    stated = stated_energy_words(attrs)
    by = f"a stated {stated.replace(', stated', '')}" if stated else "a fitted activation energy"
    return [f"Times are converted to use{use_words(attrs)} by Arrhenius' law with {by}."]


def _unknown_lives(points: list[Record]) -> list[str]:
    found: dict[str, list[str]] = {}
    for point in points:
        if not has_life(point) or math.isnan(point["good_until"]):
            reason = unknown_words(point)
            if point["accurate"] == "no":
                reason = "it is not accurate enough when freshly programmed"
            found.setdefault(reason, []).append(rows.place_words(point))
    return [f"Not known for {', '.join(names)}: {reason}." for reason, names in found.items()]


def _how(known: list[Record]) -> list[str]:
    if not known:
        return []
    return [
        "Cells are refreshed after half of the time up to which the network is accurate enough, "
        "unless they are reprogrammed earlier; reprogrammings are spread evenly over the lifetime.",
        "If a point lasts by the lower end of these times, its refreshes are computed from that; "
        "otherwise from the estimated times (marked est.).",
        *_where_it_starts(known),
    ]


def _where_it_starts(known: list[Record]) -> list[str]:
    firsts = [point["first_cycle"] for point in known if not math.isnan(point["first_cycle"])]
    start = f"cycle {numbers.power(min(firsts))}" if firsts else "the first programming"
    return [
        "The accuracy in the answer and in the table of points pools all cycles and read-outs. The "
        f"lifetime starts at {start}, so its first accuracy can differ."
    ]


def lifetime_table(findings: Findings, shown: list[Record]) -> TextTable | None:
    """Return how long each place is good, and what its life takes; None where nothing is known."""
    known = [point for point in shown if has_life(point)]
    if not known:
        return None
    attrs = findings.tradeoff.attrs
    is_asked = Requirements.of(attrs).lifetime is not None
    columns: dict[str, CellText] = {
        "Condition": "condition",
        "Protection": "protection",
        **({"Lasts": lambda point: f"{point['lasts']}{_mark(point)}"} if is_asked else {}),
        "Good for": Sorted(_good, "good_until_shown"),
        "Good to cycle": Sorted(_cycles, "good_cycles_low"),
        "First refresh after": Sorted(_interval, "refresh_interval"),
        "Refreshes": Sorted(_refreshes, "refreshes"),
        "Their energy": Sorted(_energy, "refresh_energy"),
        "Limited by": lambda point: _LIMITS.get(point["life_limit"], point["life_limit"]),
    }
    beyond = next(filter(None, map(_beyond, known)), "")
    return table_of(
        f"Over {numbers.span(lifetime_of(attrs))}{use_words(attrs)}",
        known,
        columns,
        remark="The best network. “Good for” is the time after the first programming."
        + (f" {_EXTRAPOLATED} rests on {beyond}, which is extrapolated." if beyond else ""),
    )


def _mark(point: Record) -> str:
    return _EXTRAPOLATED if point["life_extrapolated"] else ""


def _beyond(point: Record) -> str:
    return extrapolated_words(point, "good_until") or extrapolated_words(point)


def _good(point: Record) -> str:
    if math.isnan(point["good_until"]):
        return numbers.UNKNOWN
    return f"{shown_words(point)}\n{'; '.join(further_words(point, _EXTRAPOLATED))}"


def _cycles(point: Record) -> str:
    cycles = point.interval("good_cycles")
    if math.isnan(cycles.estimate):
        return NONE
    shown = f"shown to {numbers.power(cycles.low)}" if cycles.low else "not shown"
    words = "no end found up to" if cycles.bound else "estimate"
    return f"{shown}\n{words} {numbers.power(cycles.estimate)}"


def _interval(point: Record) -> str:
    if math.isnan(point["refreshes"]):
        return numbers.UNKNOWN
    return numbers.span(point["refresh_interval"]) if point["refreshes"] else NONE


def _refreshes(point: Record) -> str:
    count = point["refreshes"]
    if math.isnan(count):
        return numbers.UNKNOWN
    return numbers.power(count, 3) + (" est." if point["refresh_basis"] == "estimate" else "")


def _energy(point: Record) -> str:
    return numbers.quantity(point["refresh_energy"], "J") if point["refreshes"] else NONE
