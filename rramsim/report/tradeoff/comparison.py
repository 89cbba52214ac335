"""Finished studies side by side, for a person and for a machine."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rramsim import formatting as numbers
from rramsim.decision.comparison import is_beyond
from rramsim.decision.reasons import point_words
from rramsim.report.keys import Keys, answer, same
from rramsim.report.terminal_table import plain_text, print_table, wrapped
from rramsim.report.text_table import NONE, TextTable
from rramsim.report.tradeoff.rows import REESTIMATED_WORDS, network_words, rate, short_network
from rramsim.schema import Interval, Record
from rramsim.version import __version__

if TYPE_CHECKING:
    from rramsim.decision.comparison import FinishedStudy, SharedPoint, StudyComparison

_BLANK = "\N{NO-BREAK SPACE}"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BEYOND = "*"
_SAME_COST = 1e-9

_POINT: Keys = {
    **same("accuracy", "accuracy_low", "accuracy_high", "loss", "loss_low", "loss_high"),
    **same("verdict", "test_ber", "ber_bound", "cells_per_weight"),
    "programming_energy_j": "programming_energy",
    "life_energy_j": "life_energy",
}


def text(
    comparison: StudyComparison, *, width: int, styled: bool, quiet: bool, verbose: bool
) -> str:
    """Return the tables, what they rest on, and last what differs; `quiet` the last alone."""
    from rich.console import Console

    shown = io.StringIO()
    console = Console(file=shown, width=width, force_terminal=styled)
    for letter, study in zip(_LETTERS, comparison.studies, strict=False):
        console.print(plain_text(f"{letter}: {study.name}"), soft_wrap=True)
    tables = () if quiet else comparison_tables(comparison, verbose=verbose)
    for table in tables:
        print_table(console, _stacked(table, len(comparison.studies)))
    bases = () if quiet else _bases(comparison, verbose=verbose)
    for sentence in (*bases, *_conclusions(comparison)):
        console.print(plain_text(wrapped(sentence, width)), soft_wrap=True)
    return shown.getvalue()


def comparison_tables(comparison: StudyComparison, *, verbose: bool = False) -> list[TextTable]:
    """Return inputs and answers that differ; `verbose` with the points that do not, too.

    Of points and chips there is a row for each study.
    """
    tables = [
        _inputs_table(comparison),
        _answers_table(comparison),
        _losses_table(comparison, verbose=verbose),
        _chips_table(comparison),
    ]
    return [table for table in tables if table.rows]


def _stacked(table: TextTable, studies: int) -> TextTable:
    """Return a table with one row for all studies, each a line, and the names in one column."""
    if "of" not in table.columns:
        return table
    names = table.columns.index("of")
    rows = []
    for first in range(0, len(table.rows), studies):
        several = table.rows[first : first + studies]
        lines = ("\n".join(texts) for texts in zip(*several, strict=True))
        rows.append(("\n".join(several[0][:names]), *list(lines)[names:]))
    heads = ",\n".join(table.columns[:names])
    return replace(table, columns=(heads, *table.columns[names:]), rows=tuple(rows))


def page(comparison: StudyComparison) -> str:
    """Return the comparison as an HTML page, with all points."""
    from rramsim.report.html import render_page

    return render_page(
        "compare_page.html",
        studies=[
            (letter, Path(study.name).name)
            for letter, study in zip(_LETTERS, comparison.studies, strict=False)
        ],
        tables=comparison_tables(comparison, verbose=True),
        conclusions=list(_conclusions(comparison)),
        bases=list(_bases(comparison, verbose=True)),
        version=__version__,
    )


def _letters(studies: Sequence[FinishedStudy]) -> tuple[str, ...]:
    return tuple(_LETTERS[: len(studies)])


def _inputs_table(comparison: StudyComparison) -> TextTable:
    rows = [
        (name, *("–" if value is None else _setting(value) for value in values))
        for name, values in comparison.inputs.items()
    ]
    return TextTable("Inputs that differ", ("input", *_letters(comparison.studies)), tuple(rows))


def _setting(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or NONE
    return f"{value:g}" if isinstance(value, float) else str(value)


def _answers_table(comparison: StudyComparison) -> TextTable:
    def line(name: str, words: Callable[[FinishedStudy], str]) -> tuple[str, ...]:
        return (name, *map(words, comparison.studies))

    rows = [
        line("condition", lambda study: study.recommendation.condition),
        line("protection", lambda study: study.recommendation.protection),
        line("network", lambda study: _network(study.chosen)),
        line("meets all", lambda study: study.chosen["verdict"]),
        line("settled", lambda study: "yes" if study.recommendation.settled else "no"),
        line("loss, points", lambda study: _interval(study.chosen.interval("loss"))),
        line("accuracy, %", lambda study: _interval(study.chosen.interval("accuracy"))),
        line("BER", lambda study: rate(study.chosen)),
        line("energy", lambda study: numbers.quantity(study.chosen["life_energy"], "J")),
        line("cells a weight", lambda study: numbers.plain(study.chosen["cells_per_weight"])),
    ]
    columns = ("recommended", *_letters(comparison.studies))
    return TextTable("Recommendations", columns, tuple(rows))


def _network(point: Record) -> str:
    return network_words(point["training_ber"], point["thresholds"])


def _interval(value: Interval) -> str:
    """Return a share in points or per cent, with its interval."""
    if not value.has_ends:
        return numbers.points(value.estimate)
    ends = f"({numbers.points(value.low)} to {numbers.points(value.high)})".replace(" ", _BLANK)
    return f"{numbers.points(value.estimate)}{_BLANK}{ends}"


def _losses_table(comparison: StudyComparison, *, verbose: bool) -> TextTable:
    letters = _letters(comparison.studies)
    rows = [
        (
            *(point["condition"], point["protection"], short_network(point), letter),
            *(_interval(point.interval("loss")), str(point["verdict"]), more),
        )
        for shared in _shown(comparison, verbose=verbose)
        for point, letter, more in zip(
            shared.points, letters, ["", *map(_difference, shared.losses)], strict=True
        )
    ]
    names = ("condition", "protection", "network", "of")
    return TextTable(
        "Losses of points that all studies have, in percentage points (95 % interval)",
        (*names, "loss", "enough", f"more than {letters[0]}"),
        tuple(rows),
    )


def _shown(comparison: StudyComparison, *, verbose: bool) -> list[SharedPoint]:
    """Return the points that are shown: all, or those that differ or are recommended."""
    chosen = [study.recommendation for study in comparison.studies]
    return [
        shared
        for shared in comparison.points
        if verbose or shared.differs or any(one.names(shared.points[0]) for one in chosen)
    ]


def _difference(more: Interval) -> str:
    if more.estimate == 0.0:
        return "the same"
    return f"{_interval(more)}{_BEYOND if is_beyond(more) else ''}"


def _chips_table(comparison: StudyComparison) -> TextTable:
    """Return what chips cost and how they err, where that differs."""
    by_place: dict[tuple[str, str], SharedPoint] = {}
    for shared in comparison.points:
        point = shared.points[0]
        by_place.setdefault((point["condition"], point["protection"]), shared)
    letters = _letters(comparison.studies)
    rows = [
        (
            *(*place, letter, rate(point), numbers.quantity(point["life_energy"], "J")),
            numbers.plain(point["cells_per_weight"]),
        )
        for place, shared in by_place.items()
        if _chips_differ(shared.points)
        for point, letter in zip(shared.points, letters, strict=True)
    ]
    columns = ("condition", "protection", "of", "BER", "energy", "cells a weight")
    return TextTable("Chips that differ", columns, tuple(rows))


def _chips_differ(points: Sequence[Record]) -> bool:
    first = points[0]
    names = ("test_ber", "life_energy", "cells_per_weight")
    return any(
        abs(point[name] - first[name]) > _SAME_COST * abs(first[name])
        for point in points[1:]
        for name in names
    )


def _bases(comparison: StudyComparison, *, verbose: bool) -> Iterable[str]:
    """Yield what the intervals of differences are."""
    if not comparison.points:
        letters = _letters(comparison.studies)
        yield "The studies have no point in common."
        for letter, study in zip(letters, comparison.studies, strict=True):
            conditions = dict.fromkeys(point["condition"] for point in study.points.values())
            yield f"{letter} has {', '.join(conditions)}."
        return
    yield (
        "The interval of a difference is computed as if both losses were independent"
        + (
            "; the networks are the same, so it is wider than necessary."
            if comparison.has_same_networks
            else ". The networks differ."
        )
    )
    shown = _shown(comparison, verbose=verbose)
    if any(is_beyond(more) for one in shown for more in one.losses):
        yield (
            f"{_BEYOND} beyond the interval; without any true difference, about one in 20 is so by "
            "chance."
        )
    if any(point["thresholds"] != "as trained" for one in shown for point in one.points):
        yield REESTIMATED_WORDS
    alike = sum(not shared.differs for shared in comparison.points)
    if alike and not verbose:
        yield (
            f"{alike} of {len(comparison.points)} points have the same verdict and losses within "
            "the intervals; --verbose shows them."
        )


def _conclusions(comparison: StudyComparison) -> Iterable[str]:
    """Yield what differs in the inputs and in the answers."""
    names = ", ".join(comparison.inputs)
    yield f"Inputs that differ: {names}." if names else "The inputs are the same."
    first, *others = comparison.studies
    letters = _letters(comparison.studies)
    for letter, study in zip(letters[1:], others, strict=True):
        if study.recommendation.labels == first.recommendation.labels:
            yield f"{letter} recommends the same as {letters[0]}: {point_words(study.chosen)}."
        else:
            yield (
                f"{letters[0]} recommends {point_words(first.chosen)}; {letter} "
                f"{point_words(study.chosen)}."
            )
    for number, letter in enumerate(letters[1:] if comparison.points else ()):
        beyond = sum(is_beyond(shared.losses[number]) for shared in comparison.points)
        yield (
            f"The losses of {letter} and {letters[0]} differ beyond the intervals at {beyond} of "
            f"{len(comparison.points)} points that both have."
        )


def comparison_json(comparison: StudyComparison) -> dict[str, Any]:
    """Return what ``rramsim compare --json`` prints: plain values, None where unknown."""
    return {
        "studies": [
            {
                "folder": study.name,
                "recommendation": {
                    **study.recommendation.labels,
                    "meets": study.recommendation.met,
                    "settled": study.recommendation.settled,
                    **answer(study.chosen, _POINT),
                },
            }
            for study in comparison.studies
        ],
        "inputs": {name: list(values) for name, values in comparison.inputs.items()},
        "same_networks": comparison.has_same_networks,
        "points": [
            {
                **{
                    name: shared.points[0][name]
                    for name in ("condition", "protection", "training_ber", "thresholds")
                },
                "values": [answer(point, _POINT) for point in shared.points],
                "loss_differences": [_difference_json(more) for more in shared.losses],
            }
            for shared in comparison.points
        ],
    }


def _difference_json(more: Interval) -> dict[str, Any]:
    known = more.has_ends
    return {
        "estimate": more.estimate,
        "low": more.low if known else None,
        "high": more.high if known else None,
        "beyond_interval": is_beyond(more) if known else None,
    }
