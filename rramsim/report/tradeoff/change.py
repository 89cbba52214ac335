"""What would change the decision: points left open, cells to measure, errors that networks bear."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rramsim import formatting as numbers
from rramsim.decision.reasons import (
    cell_count_words,
    count_words,
    is_beyond,
    is_enough_alone,
    protection_words,
    training_words,
    would_settle,
)
from rramsim.decision.recommend import points_left_open
from rramsim.interval import Interval
from rramsim.report.text_table import Sorted, TextTable, table_of
from rramsim.report.tradeoff import rows
from rramsim.schema import Record, records

if TYPE_CHECKING:
    from rramsim.report.tradeoff.findings import Findings

_MOST_OPEN = 4
ELSEWHERE = ("Not settled", "Left out")
"""Reasons that stand in this section."""


def changes(findings: Findings) -> list[str]:
    """Return what would change the decision, a sentence each."""
    chosen = findings.recommendation
    points = rows.points_of(findings.tradeoff)
    point = rows.chosen_point(findings)
    # Where the target is out of reach, to settle a point would change nothing.
    is_open = any(reason.subject == "Not settled" for reason in chosen.reasons)
    left_open = _one_a_place(points_left_open(point, points)) if is_open else []
    shown = left_open[:_MOST_OPEN]
    more = len(left_open) - len(shown)
    return [
        *(f"Left out: {reason.text}" for reason in chosen.reasons if reason.subject == "Left out"),
        *(sentence for one in shown for sentence in (would_settle(one), _measure(one)) if sentence),
        *(
            [f"{more} further pairs of condition and protection are not settled either."]
            if more
            else []
        ),
    ]


def _one_a_place(points: list[Record]) -> list[Record]:
    """Return of each condition and protection the most probable point, the most probable first."""
    places: dict[tuple[str, str], Record] = {}
    for point in sorted(points, key=_probability, reverse=True):
        places.setdefault((point["condition"], point["protection"]), point)
    return list(places.values())


def _probability(point: Record) -> float:
    return -1.0 if math.isnan(point["probability"]) else float(point["probability"])


def _measure(point: Record) -> str:
    """Return how many more cells would tell on which side of what is borne a condition lies.

    Only where that number of cells would not settle the point: else `would_settle` says it.
    """
    cells = point["cells_to_measure"]
    if point["accurate"] != "not settled" or is_beyond(point) or is_enough_alone(point):
        return ""
    if not cells > 0.0 or not math.isnan(point["cells_needed"]):
        return ""
    network = training_words(point["training_ber"], point["thresholds"])
    return (
        f"About {cell_count_words(cells)} more cells of “{point['condition']}” a state would show "
        f"on which side of the largest bit-error rate that the {network} bears, "
        f"{protection_words(point['protection'])}, the condition lies; trainings, images and chips "
        "would still leave it open."
    )


def budgets_table(findings: Findings) -> TextTable:
    """Return how many bit errors each network bears."""

    def borne(name: str) -> Sorted:
        return Sorted(lambda row: _bounded(row, name), name)

    return table_of(
        "How many bit errors each network bears",
        records(findings.budgets, "training_ber"),
        {
            "Network": Sorted(lambda row: rows.network_words(row["training_ber"]), "training_ber"),
            "Mean bears": borne("budget"),
            "Shown to bear": borne("budget_shown"),
        },
        remark="The largest bit-error rate of unprotected weights at which the network, its "
        "thresholds as trained, is accurate enough: by its mean, and with 97.5\xa0% confidence.",
    )


def _bounded(row: Record, name: str) -> str:
    return numbers.bounded(numbers.power(row[name]), row[f"{name}_bound"])


def margins_table(findings: Findings) -> TextTable | None:
    """Return the bit errors of each condition and protection beside what networks bear.

    None where no network is shown to bear any, and where errors are not independent, as those are
    that networks bear.
    """
    most = _most_borne(findings)
    if most["budget_shown_bound"] == "upper" or not _are_independent(findings):
        return None
    places = records(findings.tradeoff.isel(training_ber=0), "condition", "protection")
    return table_of(
        "Bit errors beside what is borne",
        [place for place in places if not math.isnan(place["test_ber"])],
        {
            "Condition": "condition",
            "Protection": "protection",
            "BER of weights": Sorted(rows.rate, "test_ber"),
            "Borne / BER": Sorted(
                lambda place: numbers.interval(_margin(most, place), count_words),
                lambda place: _margin(most, place).estimate,
            ),
        },
        remark=f"What is borne is the largest bit-error rate that a network is shown to bear, "
        f"{_bounded(most, 'budget_shown')} ({rows.network_words(most['training_ber'])}). Below 1 a "
        "condition makes more bit errors than that.",
    )


def _are_independent(findings: Findings) -> bool:
    return not (findings.has_own_faults or findings.tradeoff.attrs.get("correlated"))


def _most_borne(findings: Findings) -> Record:
    budgets = records(findings.budgets, "training_ber")
    return max(budgets, key=lambda row: (row["budget_shown_bound"] != "upper", row["budget_shown"]))


def _margin(most: Record, place: Record) -> Interval:
    """Return how many times the BER of a place a network is shown to bear."""
    if not place["test_ber"]:
        return Interval()
    bound = most["budget_shown_bound"] or ("lower" if place["ber_bound"] == "upper" else "")
    return Interval(most["budget_shown"] / place["test_ber"], bound=bound)


def borne_words(findings: Findings) -> str:
    """Return which BER a condition may have, in a sentence."""
    most = _most_borne(findings)
    if most["budget_shown_bound"] == "upper":
        least = numbers.power(most["budget_shown"])
        return f"No network is shown to bear a bit-error rate of {least}, the least asked."
    network = rows.network_words(most["training_ber"])
    rate = numbers.power(most["budget_shown"])
    more = " or more" if most["budget_shown_bound"] else ""
    return (
        f"Unprotected, a condition may have a bit-error rate of up to {rate}{more}: that much the "
        f"network that bears most ({network}, thresholds as trained) is shown to bear"
        f"{'' if _are_independent(findings) else ' of cells that err on their own'}."
    )
