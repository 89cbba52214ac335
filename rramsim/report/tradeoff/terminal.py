"""What `rramsim tradeoff` shows a person: a row for each point, the recommendation, the notes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from rramsim import formatting as numbers
from rramsim.report.text_table import TextTable
from rramsim.report.tradeoff.rows import origins, points_of

if TYPE_CHECKING:
    from rramsim.report.tradeoff.findings import Findings

WIDTH_OF_A_FILE = 110
_EXTRAPOLATED = "†"


def points_table(findings: Findings) -> TextTable:
    """Return a row for each network on each condition."""
    confidence = numbers.percent(float(findings.tradeoff.attrs["confidence"]), 0)
    rows = []
    for point in points_of(findings.tradeoff):
        ber = numbers.bounded(numbers.power(point["test_ber"]), point["ber_bound"])
        rows.append(
            (
                point["condition"],
                numbers.power(point["training_ber"]),
                f"{ber}{_EXTRAPOLATED}" if point["ber_extrapolated"] else ber,
                numbers.accuracy(point["accuracy"], point["accuracy_low"], point["accuracy_high"]),
                numbers.quantity(point["programming_energy"], "J"),
                numbers.bounded(numbers.power(point["endurance"]), point["endurance_bound"]),
                "yes" if point["on_front"] else "",
            )
        )
    is_extrapolated = bool(findings.tradeoff.ber_extrapolated.any())
    return TextTable(
        title="Trade-off",
        columns=(
            *("condition", "trained at", "BER", f"accuracy ({confidence} interval)"),
            *("energy", "endurance", "front"),
        ),
        rows=tuple(rows),
        remark=f"{_EXTRAPOLATED} extrapolated: beyond what the measured cells can show"
        if is_extrapolated
        else "",
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
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    points = points_table(findings)
    table = Table(*points.columns, box=SIMPLE_HEAD)
    for row in points.rows:
        # As Text: names from a user's file are not to be read as markup.
        table.add_row(*map(Text, row))
    shown = io.StringIO()
    console = Console(file=shown, width=width, force_terminal=styled)
    console.print(table)
    if points.remark:
        console.print(Text(points.remark))
    console.print(Text(f"Recommended: {findings.recommendation.reason}"))
    for note in (*origins(findings), *findings.notes):
        console.print(Text(f"Note: {note}"))
    console.print(Text(f"The report is {page}"))
    return shown.getvalue()
