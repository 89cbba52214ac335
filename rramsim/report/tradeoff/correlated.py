"""What correlated cells, on lines and dies, do to a trade-off."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rramsim import formatting as numbers
from rramsim.decision.reasons import protection_words
from rramsim.report.text_table import Columns, Sorted, TextTable, table_of
from rramsim.report.tradeoff import rows
from rramsim.schema import STATES, Record, records

if TYPE_CHECKING:
    from rramsim.report.tradeoff.findings import Findings

_SOURCES = {
    "fitted": "by the parts that lines and dies have in the variance of the measured resistances",
    "given": "by standard deviations that were given, not measured",
}


def is_correlated(findings: Findings) -> bool:
    """Return whether cells are correlated on the chips of any point."""
    return bool(findings.tradeoff.attrs.get("correlated"))


def correlated_sentences(findings: Findings) -> list[str]:
    """Return how much cells are correlated, what that does, and what is not known of it."""
    if not is_correlated(findings):
        return []
    return [
        f"Errors of cells are correlated along bit lines, word lines and dies, "
        f"{_SOURCES[findings.tradeoff.attrs['correlated']]}. The bit-error rates are those of "
        "independent cells, except that a given offset of amplifiers adds to them; chips differ "
        "more.",
        *_of_point(rows.chosen_point(findings)),
        *_unknown_dies(findings),
        "The uncertainty of these parts is not in the intervals: chips at the other rates within "
        "the interval of the cells have the same parts. The curves against the bit-error rate, "
        "and the rates that networks tolerate, are those of independent cells.",
    ]


def _of_point(point: Record) -> list[str]:
    if math.isnan(point["independent_accuracy"]):
        return [f"On chips of {_named(point)} cells are independent."]
    p05, alone = point["accuracy_p05"], point["independent_p05"]
    chips = ""
    if not math.isnan(p05 + alone):
        chips = (
            f"the 5th-percentile chip has {numbers.percent(p05)} of the images right, with "
            f"independent cells {numbers.percent(alone)}; "
        )
    return [
        f"On chips of {_named(point)} {chips}the mean is {numbers.percent(point['accuracy'])} in "
        f"place of {numbers.percent(point['independent_accuracy'])}, a change of "
        f"{numbers.points(point['correlated_change'])} points{_ends(point)}."
    ]


def together_words(point: Record) -> str:
    """Return what correlated cells do to a point, in the fewest words."""
    if "independent_accuracy" not in point or math.isnan(point["independent_accuracy"]):
        return ""
    p05, alone = (numbers.percent(point[name]) for name in ("accuracy_p05", "independent_p05"))
    mean = numbers.points(point["correlated_change"])
    return (
        f"5th-percentile chip {p05}, with independent cells {alone}; mean changed by {mean} "
        f"points{_ends(point)}"
    )


def _ends(point: Record) -> str:
    change = point.interval("correlated_change")
    if not change.has_ends:
        return ""
    return f" ({numbers.points(change.low)} to {numbers.points(change.high)})"


def _named(point: Record) -> str:
    return f"“{point['condition']}”, {protection_words(point['protection'])},"


def _unknown_dies(findings: Findings) -> list[str]:
    variance = findings.variance
    if variance is None:
        return []
    share = variance["share"].sel(component="die", condition=findings.conditions.condition.values)
    unknown = share["condition"].values[share.isnull().all("state").values]
    if not unknown.size:
        return []
    names = ", ".join(f"“{name}”" for name in unknown)
    return [
        f"How much dies of {names} differ is not known, since the readings do not distinguish "
        "dies: chips have no die part, and real chips may differ more. Readings of five dies or "
        "more, with a column die, would show it."
    ]


def correlated_table(findings: Findings, points: Iterable[Record]) -> TextTable | None:
    """Return the mean and the 5th-percentile chip of points beside those of independent cells."""
    if not is_correlated(findings):
        return None

    def change(point: Record) -> str:
        return f"{numbers.points(point['correlated_change'])}{_ends(point)}"

    columns: Columns = {
        "Condition": "condition",
        "Protection": "protection",
        "Network": Sorted(
            lambda point: rows.network_words(point["training_ber"], point["thresholds"]),
            "training_ber",
        ),
        "Mean": _percent("accuracy"),
        "independent": _percent("independent_accuracy"),
        "Change (points)": Sorted(change, "correlated_change"),
        "5th-percentile chip": _percent("accuracy_p05"),
        "of independent cells": _percent("independent_p05"),
    }
    return table_of(
        "Comparison with independent cells",
        [one for one in points if not math.isnan(one["independent_accuracy"])],
        columns,
        remark="The best network for each condition and protection, on chips with the same numbers "
        "and bit-error rate. The change of the mean has its 95\xa0% interval over these chips; "
        "the 5th percentile of so few chips is less certain.",
    )


def _percent(name: str) -> Sorted:
    return Sorted(lambda point: numbers.percent(point[name]), name)


def parts_table(findings: Findings) -> TextTable | None:
    """Return the parts of the variance that were planted, with the lines they were fitted from."""
    variance = findings.variance
    if variance is None or not is_correlated(findings):
        return None
    chosen = variance.sel(condition=findings.conditions.condition.values)
    parts = [
        row
        for row in records(chosen, "condition", "component")
        if row["component"] in ("column", "row", "die")
    ]
    columns: Columns = {
        "Condition": "condition",
        "Lines": lambda row: f"{row['component']}s",
        **{f"Share in {state}": _share(state) for state in STATES},
        "Number of lines": _groups,
        "Correlation of the states": lambda row: (
            numbers.plain(row["line_correlation"], 2)
            if row["component"] != "die" and not math.isnan(row["line_correlation"])
            else "not known"
        ),
    }
    return table_of(
        "What lines and dies have of the variance of ln R",
        parts,
        columns,
        remark="An estimate below 0 is taken as 0: the part is too small for these readings to "
        "show. With fewer than ten lines, or five dies, a part is hardly known.",
    )


def _share(state: str) -> Sorted:
    def words(row: Record) -> str:
        part = row.at(state=state)
        if part.number("share") is None:
            return "not known"
        below = " (estimate below 0)" if part["negative"] else ""
        return f"{numbers.percent(part['share'], 1)}{below}"

    return Sorted(words, lambda row: row.at(state=state)["share"])


def _groups(row: Record) -> str:
    lines = [row.at(state=state)["groups"] for state in STATES]
    return str(min(lines)) if min(lines) else "not told apart"
