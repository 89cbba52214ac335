"""The top of the report: what to do, how sure that is, and what is not in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rramsim import formatting as numbers
from rramsim.decision.life_words import (
    extrapolated_words,
    further_words,
    refresh_words,
    stated_energy_words,
)
from rramsim.decision.reasons import (
    accepted_words,
    is_enough_alone,
    points_words,
    protection_words,
    verdict_words,
)
from rramsim.decision.requirements import Requirements
from rramsim.report.text_table import NONE
from rramsim.report.tradeoff import rows
from rramsim.schema import Record

if TYPE_CHECKING:
    from rramsim.report.tradeoff.findings import Findings

_SOURCES = ("trainings", "images", "cells", "chips")
_NOT_IN_CELLS = {
    "bound": "the bit-error rate below its bound",
    "stated": "the uncertainty of the bit-error rate, which is stated",
    "no interval": "the uncertainty of the bit-error rate, which has no interval",
    "model": "the uncertainty of the fault model given in Python",
}
_EXTRAPOLATED = "†"
_LEAST_SHOWN = 0.5e-4


@dataclass(frozen=True)
class Fact:
    """One number of the answer.

    Attributes
    ----------
    label, value, remark : str
    """

    label: str
    value: str
    remark: str = ""


@dataclass(frozen=True)
class Part:
    """How wide a source of chance makes the interval.

    Attributes
    ----------
    name, value : str
    share : float
        Of the widest part, in per cent.
    """

    name: str
    value: str
    share: float = 0.0


@dataclass(frozen=True)
class Scale:
    """An interval before what is accepted, as places on a line, in per cent of its length.

    Attributes
    ----------
    low, estimate, high, limit : float
    first, last : float
        What is accepted.
    words : str
        The limit.
    """

    low: float
    estimate: float
    high: float
    limit: float
    first: float
    last: float
    words: str


@dataclass(frozen=True)
class Answer:
    """What a reader of the first screen learns.

    Attributes
    ----------
    headline, verdict : str
    facts : list of Fact
    scale : Scale
    parts : list of Part
    open_points : str
        What is not settled, empty if nothing is.
    limits : list of str
        What the verdict does not contain.
    """

    headline: str
    verdict: str
    facts: list[Fact]
    scale: Scale
    parts: list[Part]
    open_points: str
    limits: list[str]


def answer(findings: Findings) -> Answer:
    """Return the top of the report."""
    point = rows.chosen_point(findings)
    verdict = f"{verdict_words(point)}; {accepted_words(Requirements.of(point.attrs))}."
    if not findings.recommendation.met:
        verdict = f"{findings.recommendation.sentences[0]} {verdict}"
    return Answer(
        headline=_headline(findings),
        verdict=verdict,
        facts=_facts(findings, point),
        scale=_scale(point),
        parts=_parts(point),
        open_points=_open_points(findings),
        limits=_limits(findings, point),
    )


def _headline(findings: Findings) -> str:
    chosen = findings.recommendation
    if not chosen.met:
        return "No point is shown to meet what is required"
    kept = (
        "leave weights unprotected"
        if chosen.protection == "none"
        else f"protect weights by {chosen.protection}"
    )
    trained = (
        "train plainly"
        if chosen.training_ber == 0
        else f"train with bit errors at a rate of {numbers.power(chosen.training_ber)}"
    )
    again = " and re-estimate thresholds" if chosen.thresholds == "re-estimated" else ""
    return f"Program with “{chosen.condition}”, {kept}, {trained}{again}"


def _facts(findings: Findings, point: Record) -> list[Fact]:
    required = Requirements.of(point.attrs)
    error_free = numbers.percent(float(point.attrs["error_free_accuracy"]))
    facts = [
        Fact("Accuracy", numbers.percent(point["accuracy"]), f"{error_free} without bit errors"),
        Fact(
            "Programming",
            numbers.quantity(point["programming_energy"], "J"),
            "all weights, once",
        ),
        Fact(
            "Reading",
            numbers.quantity(point["inference_energy"], "J"),
            f"an inference{', as far as known' if findings.unknown_circuits else ''}",
        ),
        Fact(
            "Cells a weight",
            numbers.plain(point["cells_per_weight"], 4),
            protection_words(point["protection"]),
        ),
        _endurance(point),
    ]
    if math.isnan(point["inference_energy"]):
        del facts[2]
    if required.inferences or required.reprogrammings or required.lifetime:
        allowed = ""
        if required.energy_budget is not None:
            allowed = f"{numbers.quantity(required.energy_budget, 'J')} allowed"
        facts.insert(2, Fact("Over the life", numbers.quantity(point["life_energy"], "J"), allowed))
    if required.lifetime is not None:
        facts.append(_life(point))
    if required.chip_yield is not None:
        least = numbers.percent(point["chip_yield_low"], 1)
        facts.insert(1, Fact("Yield", numbers.percent(point["chip_yield"], 1), f"at least {least}"))
    return facts


def _endurance(point: Record) -> Fact:
    cycles = point.interval("endurance")
    if not cycles.is_known:
        return Fact("Endurance", numbers.UNKNOWN)
    return Fact("Endurance", numbers.interval(cycles), f"cycles, {point['endurance_basis']}")


def _life(point: Record) -> Fact:
    """Return how long the point is shown to be accurate enough, and to which time it may be."""
    if math.isnan(point["good_until"]):
        return Fact("Good for", numbers.UNKNOWN, "no readings over time")
    shown = point["good_until_shown"]
    remark = [*further_words(point, _EXTRAPOLATED), refresh_words(point).split(",")[0]]
    return Fact("Shown to be good for", numbers.span(shown) if shown else NONE, "; ".join(remark))


def _scale(point: Record) -> Scale:
    """Return the interval of the loss from the left, of an accuracy from the right."""
    required = Requirements.of(point.attrs)
    ends = [point[f"{required.subject}{end}"] for end in ("_low", "", "_high")]
    if required.target_accuracy is None:
        limit, best = required.largest_error, 0.0
    else:
        limit, best = required.target_accuracy, float(point.attrs["error_free_accuracy"])
    first, last = min(*ends, limit, best), max(*ends, limit, best)
    margin = 0.06 * (last - first) or 1.0

    def place(value: float) -> float:
        return round(100.0 * float((value - first + margin) / (last - first + 2 * margin)), 2)

    low, estimate, high = map(place, ends)
    if required.target_accuracy is None:
        words = f"{points_words(required).replace('percentage ', '')} accepted"
        return Scale(low, estimate, high, place(limit), 0.0, place(limit), words)
    words = f"{numbers.percent(limit)} required"
    return Scale(low, estimate, high, place(limit), place(limit), 100.0, words)


def _parts(point: Record) -> list[Part]:
    subject = Requirements.of(point.attrs).subject
    widths = {name: point[f"{subject}_{name}"] for name in _SOURCES}
    # What is printed as 0.00 has no bar.
    widest = max((width for width in widths.values() if width >= _LEAST_SHOWN), default=math.inf)
    return [
        Part(name, "not in it")
        if math.isnan(width) or (name == "cells" and point["cells_basis"] in _NOT_IN_CELLS)
        else Part(
            name,
            f"± {100 * width:.2f}",
            round(100 * width / widest, 1) if width >= _LEAST_SHOWN else 0.0,
        )
        for name, width in widths.items()
    ]


def _open_points(findings: Findings) -> str:
    """Return in a sentence which point could be the better choice."""
    chosen = findings.recommendation
    place = chosen.open_point
    if place is None or all(reason.subject != "Not settled" for reason in chosen.reasons):
        return ""
    points = rows.points_of(findings.tradeoff)
    point = next(one for one in points if all(one[dim] == label for dim, label in place.items()))
    energy = point["life_energy"]
    for_less = "" if math.isnan(energy) else f", for {numbers.quantity(energy, 'J')}"
    doubt = "meets what is required"
    if point["accurate"] == "not settled":
        likely = f" (probability {numbers.probability(point['probability'])})"
        if math.isnan(point["probability"]):
            likely = ""
        alone = ""
        if point.text("waits_for"):
            alone = ", as it would be if no open point were tested before it"
        elif is_enough_alone(point):
            alone = ", as it would be if no other network were tested beside it"
        doubt = f"is accurate enough{alone}{likely}"
    return (
        f"whether “{point['condition']}”, {protection_words(point['protection'])}, with the "
        f"{_network(point)}{for_less}, {doubt}."
    )


def _network(point: Record) -> str:
    trained = rows.network_words(point["training_ber"])
    again = "" if point["thresholds"] == "as trained" else ", thresholds re-estimated"
    return f"{'plain network' if trained == 'plain' else f'network {trained}'}{again}"


def _limits(findings: Findings, point: Record) -> list[str]:
    """Return what the verdict does not contain, in the fewest words."""
    return [
        sentence
        for sentence in (
            _not_measured(point),
            _extrapolated(point),
            _not_in_the_interval(point),
            _not_counted(findings, point),
        )
        if sentence
    ]


def _not_counted(findings: Findings, point: Record) -> str:
    if math.isnan(point["inference_energy"]):
        return "Not counted: forming, reading, and circuits around the cells."
    read = " or read" if findings.unknown_circuits else ""
    return f"Not counted: forming, and circuits around the cells when they are programmed{read}."


def _not_measured(point: Record) -> str:
    bases = sorted({point["set_energy_basis"], point["reset_energy_basis"]} - {"measured"})
    required, energy = Requirements.of(point.attrs), stated_energy_words(point.attrs)
    items = [
        *([f"cells ({point['origin']})"] if point["origin"] not in ("measured", "none") else []),
        *(["bit-error rate (stated)"] if point["cells_basis"] == "stated" else []),
        *([f"energies ({' and '.join(bases)})"] if bases else []),
        *(
            [f"endurance ({point['endurance_basis']})"]
            if point["endurance_basis"] != "measured"
            else []
        ),
        *([energy] if energy and required.lifetime is not None else []),
    ]
    beyond = ""
    if point["ber_bound"] == "upper":
        beyond = " Its bit-error rate is only a bound."
    elif point["ber_extrapolated"]:
        beyond = " Its bit-error rate is extrapolated beyond what the cells can show."
    return f"Not measured: {', '.join(items)}.{beyond}" if items else beyond.strip()


def _extrapolated(point: Record) -> str:
    """Return what of the time to which the point is good is extrapolated, if a life is required."""
    if Requirements.of(point.attrs).lifetime is None:
        return ""
    beyond = extrapolated_words(point, "good_until") or extrapolated_words(point)
    return f"{_EXTRAPOLATED} Extrapolated: {beyond}." if beyond else ""


def _not_in_the_interval(point: Record) -> str:
    lines = "how well the parts are known that cells of a line share"
    missing = [
        *([lines] if point.attrs.get("correlated") else []),
        *(["what another training would change"] if point["trainings"] == 1 else []),
        *([_NOT_IN_CELLS[point["cells_basis"]]] if point["cells_basis"] in _NOT_IN_CELLS else []),
    ]
    return f"Not in the interval: {'; '.join(missing)}." if missing else ""
