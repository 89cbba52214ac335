"""What would change the decision: points left open, cells to measure, errors that networks bear."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

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
from rramsim.decision.sequences import open_before
from rramsim.device.populations.verdicts import LEVEL
from rramsim.interval import Interval
from rramsim.report.text_table import Sorted, TextTable, table_of
from rramsim.report.tradeoff import rows
from rramsim.schema import Record, records

if TYPE_CHECKING:
    import xarray as xr

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
        *(
            sentence
            for one in shown
            for sentence in (would_settle(one, findings.tradeoff), _measure(one))
            if sentence
        ),
        *counted_bounds(findings, shown),
        *(
            [f"{more} further pairs of condition and protection are not settled either."]
            if more
            else []
        ),
    ]


def counted_bounds(findings: Findings, points: list[Record]) -> list[str]:
    """Return of which points, that leave others open or are open, the BER is only counted, and why.

    Parameters
    ----------
    findings : Findings
    points : list of Record
        Points left open.
    """
    goodness, tradeoff = findings.goodness, findings.tradeoff
    if goodness is None:
        return []
    blocked = [
        one
        for point in points
        if point["accurate"] == "not settled"
        for one in (point, open_before(tradeoff, point, "accurate"))
        if one is not None and one["accurate"] == "not settled" and one["ber_bound"] == "upper"
    ]
    known = set(goodness["condition"].values.tolist())
    sentences = []
    for name in dict.fromkeys(one["condition"] for one in blocked):
        states = (
            records(goodness.sel(condition=[name]), "condition", "state") if name in known else ()
        )
        rejected = [row for row in states if row["verdict"] == "does not hold"]
        if rejected:
            why = " and ".join(
                f"that of {row['state']} is rejected with p = {numbers.plain(row['p_value'], 2)}"
                for row in rejected
            )
            sentences.append(
                f"The bit-error rate of “{name}” is only the bound that counting gives, as its "
                f"lognormals are not used: {why}{_of_all_tests(goodness)}."
            )
    return sentences


def _of_all_tests(goodness: xr.Dataset) -> str:
    p_values = goodness["p_value"].values
    tests, small = int(np.isfinite(p_values).sum()), int((p_values < LEVEL).sum())
    if tests <= 1:
        return ""
    chance = numbers.plain(tests * LEVEL, 2)
    return (
        f" (of {tests} lognormals tested, {small} {'is' if small == 1 else 'are'} rejected at "
        f"{100 * LEVEL:g}\xa0%; chance alone rejects about {chance})"
    )


def _one_a_place(points: list[Record]) -> list[Record]:
    """Return of each condition and protection the most probable point, the most probable first."""
    places: dict[tuple[str, str], Record] = {}
    for point in sorted(points, key=_probability, reverse=True):
        places.setdefault((point["condition"], point["protection"]), point)
    return list(places.values())


def _probability(point: Record) -> float:
    return -1.0 if math.isnan(point["probability"]) else float(point["probability"])


def _measure(point: Record) -> str:
    """Return how many more cells would show on which side of the tolerated BER a condition is.

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
        f"whether the condition, {protection_words(point['protection'])}, is above or below the "
        f"largest bit-error rate that the {network} tolerates. Trainings, images and chips may "
        "still leave the verdict open."
    )


def budgets_table(findings: Findings) -> TextTable:
    """Return how much bit error each network tolerates."""

    def borne(name: str) -> Sorted:
        return Sorted(lambda row: _bounded(row, name), name)

    return table_of(
        "How much bit error each network tolerates",
        records(findings.budgets, "training_ber"),
        {
            "Network": Sorted(lambda row: rows.network_words(row["training_ber"]), "training_ber"),
            "Mean tolerates": borne("budget"),
            "Shown to tolerate": borne("budget_shown"),
        },
        remark="The largest bit-error rate of unprotected weights at which the network, with "
        "thresholds as trained, is accurate enough: by its mean, and with 97.5\xa0% confidence.",
    )


def _bounded(row: Record, name: str) -> str:
    return numbers.bounded(numbers.power(row[name]), row[f"{name}_bound"])


def margins_table(findings: Findings) -> TextTable | None:
    """Return the bit errors of each condition and protection beside what networks tolerate.

    None if no network is shown to tolerate any, or if errors are not independent, since the
    tolerated rates are those of independent errors.
    """
    most = _most_borne(findings)
    if most["budget_shown_bound"] == "upper" or not _are_independent(findings):
        return None
    places = records(findings.tradeoff.isel(training_ber=0), "condition", "protection")
    return table_of(
        "Bit errors compared with the tolerated rate",
        [place for place in places if not math.isnan(place["test_ber"])],
        {
            "Condition": "condition",
            "Protection": "protection",
            "BER of weights": Sorted(rows.rate, "test_ber"),
            "Tolerated / BER": Sorted(
                lambda place: numbers.interval(_margin(most, place), count_words),
                lambda place: _margin(most, place).estimate,
            ),
        },
        remark=f"The tolerated rate is the largest bit-error rate that a network is shown to "
        f"tolerate, {_bounded(most, 'budget_shown')} "
        f"({rows.network_words(most['training_ber'])}). A ratio below 1 means that the condition "
        "has more bit errors than that.",
    )


def _are_independent(findings: Findings) -> bool:
    return not (findings.has_own_faults or findings.tradeoff.attrs.get("correlated"))


def _most_borne(findings: Findings) -> Record:
    budgets = records(findings.budgets, "training_ber")
    return max(budgets, key=lambda row: (row["budget_shown_bound"] != "upper", row["budget_shown"]))


def _margin(most: Record, place: Record) -> Interval:
    """Return how many times the BER of a place a network is shown to tolerate."""
    if not place["test_ber"]:
        return Interval()
    bound = most["budget_shown_bound"] or ("lower" if place["ber_bound"] == "upper" else "")
    return Interval(most["budget_shown"] / place["test_ber"], bound=bound)


def borne_words(findings: Findings) -> str:
    """Return which BER a condition may have, in a sentence."""
    most = _most_borne(findings)
    if most["budget_shown_bound"] == "upper":
        least = numbers.power(most["budget_shown"])
        return f"No network is shown to tolerate a bit-error rate of {least}, the lowest tested."
    network = rows.network_words(most["training_ber"])
    rate = numbers.power(most["budget_shown"])
    more = " or more" if most["budget_shown_bound"] else ""
    return (
        f"Without protection, a condition may have a bit-error rate of up to {rate}{more}: the "
        f"most tolerant network ({network}, thresholds as trained) is shown to tolerate this"
        f"{'' if _are_independent(findings) else ' for independent cells'}."
        f"{_tolerated_and_open(findings, most)}"
    )


def _tolerated_and_open(findings: Findings, most: Record) -> str:
    """Return why points are not settled whose bit-error rate their network tolerates, if any."""
    names = list(
        dict.fromkeys(
            rows.place_words(point)
            for point in rows.points_of(findings.tradeoff)
            if point["accurate"] == "not settled"
            and point["training_ber"] == most["training_ber"]
            and point["thresholds"] == "as trained"
            and point["test_ber"] <= most["budget_shown"]
        )
    )
    if not names or not _are_independent(findings):
        return ""
    more = len(names) - _MOST_OPEN
    shown = [*names[:_MOST_OPEN], *([f"{more} others"] if more > 0 else [])]
    is_one = len(names) == 1
    return (
        f" With this network, {numbers.listed(shown)} {'is' if is_one else 'are'} not settled "
        f"although the bit-error rate of the weights there is not higher. Both are true: the "
        "tolerated rate is shown for this network alone and at rates that are known exactly, "
        "whereas a point is judged with what its cells leave open of its rate, and networks share "
        "the error rate of 2.5\xa0%."
    )
