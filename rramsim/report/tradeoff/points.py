"""The points of a trade-off: the best network of each place at a glance, and all of them."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rramsim import formatting as numbers
from rramsim.decision.reasons import is_refused_at_shared_level
from rramsim.decision.recommend import best_points, foremost_conditions
from rramsim.decision.requirements import Requirements
from rramsim.report.text_table import CellText, Sorted, TextTable, table_of
from rramsim.report.tradeoff import rows
from rramsim.schema import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rramsim.report.tradeoff.findings import Findings

_BLANK = "\N{NO-BREAK SPACE}"

MARKS = {"yes": "✓", "no": "✗", "not settled": "?"}
"""Of verdicts, where there is little room."""

MOST_ROWS = 500
"""Points of a table on a page: thousands take a browser seconds, and nobody reads them."""

_MOST_CONDITIONS = 24

_ENOUGH = {
    "yes": "meets what is required",
    "no": "is shown not to",
    "not settled": "is not settled",
}


_OBSTACLES = {
    "endures": {
        "no": "endures too little",
        "not settled": "endurance not settled",
        "unknown": "endurance not known well enough",
    },
    "affordable": {"no": "above the budget", "unknown": "energy not known well enough"},
    "yields": {"no": "yield too low", "not settled": "yield not settled"},
    "lasts": {
        "no": "does not last",
        "not settled": "life not settled",
        "unknown": "life not known",
    },
}


_WAITS, _SHARES = "§", "¶"


def open_mark(point: Record) -> str:
    """Return a mark where a point is enough by the bound that tables show, and is left open."""
    if point.text("waits_for"):
        return _WAITS
    return _SHARES if is_refused_at_shared_level(point) else ""


def open_legend(points: Iterable[Record], findings: Findings) -> list[str]:
    """Return what the marks of some points mean, a sentence each, and for what which points wait.

    Parameters
    ----------
    points : iterable of Record
        The points that are shown.
    findings : Findings
        Its points are counted, shown or not.
    """
    open_points = [point for point in points if open_mark(point)]
    waiting = [point for point in rows.points_of(findings.tradeoff) if open_mark(point) == _WAITS]
    waited_for = {_waited_for(point) for point in open_points if open_mark(point) == _WAITS}
    waits = Counter(name for name in map(_waited_for, waiting) if name in waited_for)
    names = [f"{name} ({count} point{'' if count == 1 else 's'})" for name, count in waits.items()]
    shared = {
        numbers.percent(point["confidence_needed"])
        for point in open_points
        if open_mark(point) == _SHARES
    }
    return [
        *(
            [
                f"{_WAITS} would be enough by itself; it is left open since a point that is tested "
                f"before it is not shown to be enough: {numbers.listed(names)}."
            ]
            if names
            else []
        ),
        *(
            f"{_SHARES} enough with 97.5{_BLANK}% confidence, but not with the {confidence} that "
            "each of the networks tested side by side needs."
            for confidence in sorted(shared)
        ),
    ]


def _waited_for(point: Record) -> str:
    """Return the name of the point that another one waits for."""
    kept = point.text("waits_for_protection")
    kept = "" if kept == "none" else f" and {kept}"
    network = rows.network_words(point["training_ber"], point["thresholds"])
    return f"“{point['waits_for']}”{kept}, network {network}"


@dataclass(frozen=True)
class Place:
    """The network that has the best verdict on a condition under a protection.

    Attributes
    ----------
    point : Record
    is_recommended : bool
    """

    point: Record
    is_recommended: bool

    @property
    def kind(self) -> str:
        """The verdict as a class of the page's style."""
        return str(self.point["verdict"]).replace(" ", "-")

    @property
    def mark(self) -> str:
        """The verdict as a mark."""
        return MARKS[self.point["verdict"]]

    @property
    def open_mark(self) -> str:
        """The mark that says why it is left open, if its bound does not (`open_legend`)."""
        return open_mark(self.point)

    @property
    def verdict(self) -> str:
        """The verdict in words, for a reader who cannot see the mark."""
        return _ENOUGH[self.point["verdict"]]

    @property
    def reached(self) -> str:
        """What it reaches; a narrow column is broken before the worse end, not within it."""
        mean, end = reached(self.point).split(", ")
        return f"{mean}, {end.replace(' ', _BLANK)}"

    @property
    def cost(self) -> str:
        """What it costs."""
        return numbers.quantity(self.point["life_energy"], "J")

    @property
    def obstacles(self) -> str:
        """What beside accuracy keeps it from meeting what is required, empty where nothing does."""
        return ", ".join(
            words[self.point.text(name)]
            for name, words in _OBSTACLES.items()
            if self.point.text(name) in words
        )

    @property
    def network(self) -> str:
        """The name of the network."""
        return rows.network_words(self.point["training_ber"], self.point["thresholds"])


def reached(point: Record) -> str:
    """Return what the verdict on a point rests on: its loss, or accuracy, and the worse end."""
    if Requirements.of(point.attrs).subject == "loss":
        return f"{numbers.points(point['loss'])}, at most {numbers.points(point['loss_high'])}"
    return f"{100 * point['accuracy']:.2f}, at least {100 * point['accuracy_low']:.2f}"


def shown_points(findings: Findings) -> list[Record]:
    """Return of each condition and protection the network recommended, or with the best verdict."""
    return best_points(rows.points_of(findings.tradeoff), findings.recommendation.labels)


def foremost_points(findings: Findings) -> list[Record]:
    """Return the same of the conditions that the decision turns on, where there are many."""
    points, labels = shown_points(findings), findings.recommendation.labels
    kept = set(foremost_conditions(points, labels, most=_MOST_CONDITIONS))
    return [point for point in points if point["condition"] in kept]


def at_a_glance(findings: Findings) -> list[tuple[str, list[Place | None]]]:
    """Return a row for each condition: its name, and a place for each protection.

    There is none where a condition cannot have the protection. Of many conditions, those that the
    decision turns on have one.
    """
    tradeoff, names = findings.tradeoff, findings.recommendation.names
    kept = dict.fromkeys(point["condition"] for point in foremost_points(findings))
    places = {_place(point): Place(point, names(point)) for point in shown_points(findings)}
    return [
        (condition, [places.get((condition, one)) for one in tradeoff["protection"].values])
        for condition in kept
    ]


def left_out(shown: int, count: int, what: str) -> str:
    """Return how many of all a page shows and where the others are, "" where it shows all."""
    if shown == count:
        return ""
    return (
        f"{shown} of {count:,} {what}: the recommended one, those on the front, and those of "
        "nearly its energy. All are in tradeoff.csv."
    )


def _place(point: Record) -> tuple[str, str]:
    return point["condition"], point["protection"]


def cost_words(required: Requirements) -> str:
    """Return what the energy of a point is."""
    if required.inferences or required.reprogrammings or required.lifetime:
        return "energy over the life"
    return "energy to program all weights once"


def protection_words(protection: str) -> str:
    """Return the name of a protection as the head of a column."""
    return "unprotected" if protection == "none" else protection


def tabled_points(findings: Findings) -> list[Record]:
    """Return the points of the table: all, or of many conditions those of the foremost."""
    points = rows.points_of(findings.tradeoff)
    of_condition = -(-len(points) // findings.tradeoff.sizes["condition"])
    most = max(MOST_ROWS // of_condition, 1)
    kept = set(foremost_conditions(points, findings.recommendation.labels, most=most))
    return [point for point in points if point["condition"] in kept]


def points_table(findings: Findings) -> TextTable:
    """Return a row for each network on each condition under each protection (`tabled_points`)."""
    points = tabled_points(findings)
    required = Requirements.of(findings.tradeoff.attrs)
    names = findings.recommendation.names

    mark = "recommended" if findings.recommendation.met else "the nearest"

    def enough(point: Record) -> str:
        verdict = f"{point['verdict']}{open_mark(point)}"
        return f"{verdict}\n{mark}" if names(point) else verdict

    def accuracy(point: Record) -> str:
        return f"{numbers.percent(point['accuracy'])}\n{rows.accuracy_interval(point)}"

    def network(point: Record) -> str:
        return rows.network_words(point["training_ber"], point["thresholds"]).replace(", ", "\n")

    columns: dict[str, CellText] = {
        "Condition": "condition",
        "Protection": "protection",
        "Network": Sorted(network, "training_ber"),
        "Enough": Sorted(enough, _order),
        "Loss (points)": _points("loss"),
        "at most": _points("loss_high"),
        "Accuracy": Sorted(accuracy, "accuracy"),
        **_probability(points),
        "BER of weights": Sorted(rows.rate, "test_ber"),
        "Energy a weight": "energy_per_weight",
        "Cells a weight": Sorted(
            lambda point: numbers.plain(point["cells_per_weight"], 4), "cells_per_weight"
        ),
        **_asked(required),
    }
    every = len(rows.points_of(findings.tradeoff))
    return table_of("All points", points, columns, remark=left_out(len(points), every, "points"))


def chosen_place(findings: Findings) -> int:
    """Return in which row of that table the recommended point is, from 0."""
    points = tabled_points(findings)
    return next(place for place, point in enumerate(points) if findings.recommendation.names(point))


def _order(point: Record) -> float:
    return float(list(MARKS).index(point["verdict"]) - 2 * (point["verdict"] == "not settled") + 1)


def _points(name: str) -> Sorted:
    return Sorted(lambda point: numbers.points(point[name]), name)


def _probability(points: Iterable[Record]) -> dict[str, CellText]:
    if all(math.isnan(point["probability"]) for point in points):
        return {}
    return {
        "Probability": Sorted(
            lambda point: numbers.probability(point["probability"]), "probability"
        )
    }


def _asked(required: Requirements) -> dict[str, CellText]:
    """Return a column for each requirement beside accuracy."""
    columns: dict[str, CellText] = {}
    if required.chip_yield is not None:
        columns["Yield"] = Sorted(
            lambda point: (
                f"{numbers.percent(point['chip_yield'], 1)}\n"
                f"at least {numbers.percent(point['chip_yield_low'], 1)}"
            ),
            "chip_yield",
        )
    if required.reprogrammings:
        columns["Endures"] = "endures"
    if required.lifetime is not None:
        columns["Lasts"] = "lasts"
    if required.reprogrammings or required.inferences or required.lifetime:
        columns["Life energy"] = "life_energy"
    if required.energy_budget is not None:
        columns["In budget"] = "affordable"
    return columns
