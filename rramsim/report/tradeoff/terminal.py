"""What `rramsim tradeoff` shows a person: a row for each point, the notes, the recommendation."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rramsim import formatting as numbers
from rramsim.decision.reasons import accepted_words, alone_words, parts_words, worse_end
from rramsim.decision.requirements import Requirements
from rramsim.report.terminal_table import (
    first_fitting,
    hanging,
    plain_text,
    print_table,
    shown_notes,
    wrapped,
)
from rramsim.report.text_table import NONE, CellText, TextTable, in_words, table_of
from rramsim.report.tradeoff.change import counted_bounds
from rramsim.report.tradeoff.correlated import together_words
from rramsim.report.tradeoff.points import (
    foremost_points,
    left_out,
    open_legend,
    open_mark,
    shown_points,
)
from rramsim.report.tradeoff.rows import (
    REESTIMATED_WORDS,
    chosen_point,
    endurance,
    network_words,
    origins,
    points_of,
    rate,
    short_network,
)

if TYPE_CHECKING:
    from rramsim.report.tradeoff.findings import Findings
    from rramsim.schema import Record

WIDTH_OF_A_FILE = 110
_EXTRAPOLATED = "†"
_BEST = "The best network is shown, by its verdict and then by the worse end at 97.5\xa0%."
_BLANK = "\N{NO-BREAK SPACE}"


def points_table(findings: Findings) -> TextTable:
    """Return a row for each condition and protection, with its best network."""
    return table_of(
        "Trade-off",
        shown_points(findings),
        {
            "condition": "condition",
            "protection": "protection",
            "BER": lambda point: rate(point) + _mark_of_ber(point),
            "network": lambda point: network_words(point["training_ber"], point["thresholds"]),
            "accuracy": lambda point: numbers.percent(point["accuracy"]),
            "loss, at most": lambda point: (
                f"{numbers.points(point['loss'])}, {numbers.points(point['loss_high'])}"
            ),
            "enough": lambda point: f"{point['verdict']}{open_mark(point)}",
            "energy": "life_energy",
            "cells": lambda point: numbers.plain(point["cells_per_weight"]),
        },
        remark=" ".join(
            [f"{_BEST} The report and tradeoff.csv have all."]
            + [words for words in _legend(findings) if words.startswith(_EXTRAPOLATED)]
            + open_legend(shown_points(findings), findings)
        ),
    )


def terminal_tables(findings: Findings) -> list[TextTable]:
    """Return the same rows in layouts for less and less width, numbers whole in each."""
    columns, points = _columns(findings), foremost_points(findings)
    conditions = len({point["condition"] for point in points})
    remark = " ".join(
        [
            *filter(None, [left_out(conditions, _count(findings), "conditions")]),
            f"{_BEST} It is plain, or trained at this bit-error rate. Loss in points. The report "
            "and tradeoff.csv have all networks.",
            *_legend(findings),
        ]
    )
    layouts = (
        [(name,) for name in columns],
        [
            *[("condition", "protection"), ("BER",), ("network",), ("accuracy",)],
            *[("loss, at most",), ("enough",), ("energy", "cells")],
        ],
        [
            *[("condition", "protection"), ("BER", "network"), ("accuracy", "loss, at most")],
            *[("enough",), ("energy", "cells")],
        ],
    )
    return [
        table_of(
            "Trade-off",
            points,
            {",\n".join(names): _below([columns[name] for name in names]) for names in layout},
            remark=remark,
        )
        for layout in layouts
    ]


def _columns(findings: Findings) -> dict[str, CellText]:
    """Return every column of the rows in as little room as it takes."""
    asked = Requirements.of(findings.tradeoff.attrs)
    is_of_loss = asked.subject == "loss"

    def accuracy(point: Record) -> str:
        mean = numbers.percent(point["accuracy"])
        return mean if is_of_loss else f"{mean},{_BLANK}≥{100 * point['accuracy_low']:.2f}"

    def loss(point: Record) -> str:
        mean = _points_of_accuracy(point["loss"])
        most = _points_of_accuracy(point["loss_high"])
        return f"{mean},{_BLANK}≤{most}"

    return {
        "condition": "condition",
        "protection": "protection",
        "BER": lambda point: rate(point).replace("less than ", "<") + _mark_of_ber(point),
        "network": short_network,
        "accuracy": accuracy,
        "loss, at most": loss,
        "enough": lambda point: f"{point['verdict']}{open_mark(point)}",
        "energy": "life_energy",
        "cells": lambda point: numbers.plain(point["cells_per_weight"]),
    }


def _below(columns: Sequence[CellText]) -> CellText:
    """Return a column that shows several, one below the other."""
    return lambda point: "\n".join(in_words(point, column) for column in columns)


def _mark_of_ber(point: Record) -> str:
    return _EXTRAPOLATED if point["ber_extrapolated"] else ""


def _count(findings: Findings) -> int:
    return len({point["condition"] for point in shown_points(findings)})


def _legend(findings: Findings) -> Iterator[str]:
    points = shown_points(findings)
    if any(map(_mark_of_ber, points)):
        yield f"{_EXTRAPOLATED} extrapolated: beyond what the measured cells can show."
    if any(point["thresholds"] != "as trained" for point in points):
        yield REESTIMATED_WORDS


def _points_of_accuracy(share: float) -> str:
    """Return a share of the images in percentage points."""
    if math.isnan(share):
        return NONE
    return numbers.points(share)


def recommendation_lines(findings: Findings) -> list[tuple[str, str]]:
    """Return the recommendation: its verdict without a label, then what it rests on, by label."""
    chosen, point = findings.recommendation, chosen_point(findings)
    said: dict[str, str] = {}
    for reason in chosen.reasons:
        said[reason.subject] = f"{said.get(reason.subject, '')} {reason.text}".strip()
    word = "Recommended: " if chosen.met else ""
    lines = {
        "": word + said["Choice"],
        **_accuracy_lines(point, findings),
        "lines": together_words(point),
        "yield": said.get("Yield", ""),
        "energy": " ".join(said[name] for name in ("Energy", "Reading") if name in said),
        "cells": f"{numbers.plain(point['cells_per_weight'], 4)} a weight",
        "endurance": ", ".join(filter(None, (endurance(point), _basis_of_endurance(point)))),
        "life": said.get("Life", ""),
        "bit errors": said.get("Bit errors", ""),
        "left out": said.get("Left out", ""),
        "not settled": " ".join(filter(None, (said.get("Not settled", ""), *_bounds(findings)))),
    }
    return [(label, words) for label, words in lines.items() if words]


def _bounds(findings: Findings) -> list[str]:
    place = findings.recommendation.open_point
    if place is None:
        return []
    points = points_of(findings.tradeoff)
    return counted_bounds(
        findings, [one for one in points if all(one[dim] == place[dim] for dim in place)]
    )


def _accuracy_lines(point: Record, findings: Findings) -> dict[str, str]:
    """Return what is lost and what is reached, the one that is limited with its parts."""
    asked = Requirements.of(findings.tradeoff.attrs)
    verdict = {"yes": "", "no": "too much: ", "not settled": "not settled: "}
    error_free = numbers.percent(float(findings.tradeoff.attrs["error_free_accuracy"]))
    chips = f"{point['maps']} chip{'' if point['maps'] == 1 else 's'}"
    mean = f"{numbers.percent(point['accuracy'])}, mean of {chips}; {error_free} without bit errors"
    loss = f"{_points_of_accuracy(point['loss'])} points"
    end, confidence = worse_end(point)
    if asked.target_accuracy is None:
        return {
            "loss": f"{verdict[point['accurate']]}{loss}, at most {end} with {confidence}"
            f"{alone_words(point)}; {accepted_words(asked)} ({parts_words(point)})",
            "accuracy": mean,
        }
    verdict["no"] = "too little: "
    return {
        "accuracy": f"{verdict[point['accurate']]}{mean}; at least {end} with {confidence}"
        f"{alone_words(point)}, {accepted_words(asked)} ({parts_words(point, 'accuracy')})",
        "loss": loss,
    }


def _basis_of_endurance(point: Record) -> str:
    basis = point.text("endurance_basis")
    return "" if basis == "unknown" else basis


def text(
    findings: Findings,
    page: Path,
    *,
    former: Path | None = None,
    width: int = WIDTH_OF_A_FILE,
    styled: bool = False,
    quiet: bool = False,
    verbose: bool = False,
) -> str:
    """Return the points, the notes and last the recommendation as text.

    Parameters
    ----------
    findings : Findings
    page : Path
        The report, to be named.
    former : Path or None
        The report that was there before it, if that is kept.
    width : int
        Characters a line.
    styled : bool
        Whether to set headers in bold by a terminal's codes.
    quiet : bool
        Whether to show the recommendation and the path of the report alone.
    verbose : bool
        Whether to show all notes where they are many. What is not measured is always said.
    """
    from rich.console import Console

    shown = io.StringIO()
    console = Console(file=shown, width=width, force_terminal=styled)
    if not quiet:
        table = first_fitting(terminal_tables(findings), width=width)
        print_table(console, replace(table, title="", remark=""))
        notes = shown_notes(findings.notes, verbose=verbose)
        why_open = open_legend(foremost_points(findings), findings)
        for sentence in (table.remark, *why_open, *origins(findings), *notes):
            console.print(plain_text(wrapped(sentence, width)), soft_wrap=True)
        console.print()
    (_, verdict), *lines = recommendation_lines(findings)
    console.print(plain_text(wrapped(verdict, width), "bold"), soft_wrap=True)
    longest = max(len(label) for label, _ in lines)
    for label, words in lines:
        beside = hanging(f"  {label:<{longest}}  ", words, width=width)
        console.print(plain_text(beside), soft_wrap=True)
    # The path stays whole, so that it can be opened from the terminal.
    console.print(plain_text(f"The report is {page}"), soft_wrap=True)
    if former is not None:
        console.print(plain_text(f"The former report is kept as {former.name}"), soft_wrap=True)
    return shown.getvalue()
