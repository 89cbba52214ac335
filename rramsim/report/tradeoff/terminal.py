"""What `rramsim tradeoff` shows a person: a row for each point, the recommendation, the notes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from rramsim import formatting as numbers
from rramsim.decision.recommend import best_points
from rramsim.report.terminal_table import plain_text, print_table
from rramsim.report.text_table import TextTable, table_of
from rramsim.report.tradeoff.rows import network_words, origins, points_of, rate

if TYPE_CHECKING:
    from rramsim.report.tradeoff.findings import Findings
    from rramsim.schema import Record

WIDTH_OF_A_FILE = 110
_EXTRAPOLATED = "†"


def points_table(findings: Findings) -> TextTable:
    """Return a row for each condition and protection, with the network that does best on it."""
    points = best_points(points_of(findings.tradeoff))

    def ber(point: Record) -> str:
        return rate(point) + (_EXTRAPOLATED if point["ber_extrapolated"] else "")

    remarks = ["The network is the one that does best; the report and tradeoff.csv have all."]
    if any(point["ber_extrapolated"] for point in points):
        remarks.append(f"{_EXTRAPOLATED} extrapolated: beyond what the measured cells can show.")
    return table_of(
        "Trade-off",
        points,
        {
            "condition": "condition",
            "protection": "protection",
            "BER": ber,
            "network": lambda point: network_words(point["training_ber"], point["thresholds"]),
            "accuracy": lambda point: numbers.percent(point["accuracy"]),
            "loss, at most": lambda point: (
                f"{100 * point['loss']:.2f}, {100 * point['loss_high']:.2f}"
            ),
            "enough": "verdict",
            "energy": "life_energy",
            "cells": lambda point: numbers.plain(point["cells_per_weight"]),
        },
        remark=" ".join(remarks),
    )


def text(
    findings: Findings, page: Path, *, width: int = WIDTH_OF_A_FILE, styled: bool = False
) -> str:
    """Return the points, the recommendation and the notes as text.

    Parameters
    ----------
    findings : Findings
    page : Path
        The report, to be named.
    width : int
        Characters a line.
    styled : bool
        Whether to set headers in bold by a terminal's codes.
    """
    from rich.console import Console

    shown = io.StringIO()
    console = Console(file=shown, width=width, force_terminal=styled)
    print_table(console, points_table(findings), is_bare=True)
    sentences = [
        f"Recommended: {findings.recommendation.reason}",
        *(f"Note: {note}" for note in (*origins(findings), *findings.notes)),
        f"The report is {page}",
    ]
    for sentence in sentences:
        console.print(plain_text(sentence))
    return shown.getvalue()
