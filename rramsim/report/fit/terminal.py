"""What `rramsim fit` shows a person: a table of everything there is, and the notes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rramsim.report.fit.notes import ORIGIN_WORDS, grouped_notes, interval_notes
from rramsim.report.fit.overview import short_tables
from rramsim.report.text_table import TextTable

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from rramsim.device.examination import Examination
    from rramsim.measurements import Measured

# Wide enough that no cell wraps where the output goes to a file or a pipe.
WIDTH_OF_A_FILE = 170


def text(
    examination: Examination, measured: Measured, *, width: int = WIDTH_OF_A_FILE, styled: bool
) -> str:
    """Return the populations, what they make of each condition, and everything to know of them.

    Parameters
    ----------
    examination : Examination
    measured : Measured
    width : int
        Characters a line.
    styled : bool
        Whether to wrap sentences, and to set titles in bold by a terminal's codes.
    """
    from rich.console import Console

    shown = io.StringIO()
    console = Console(file=shown, width=width, force_terminal=styled)
    for table in short_tables(examination):
        console.print(_rich(table))
        if table.remark:
            console.print(_text(table.remark), soft_wrap=not styled)
    for heading, sentences in _notes(examination, measured):
        console.print(_text(heading, "bold"))
        lines = "\n".join(f"- {sentence}" for sentence in sentences)
        console.print(_text(lines), soft_wrap=not styled)
    return shown.getvalue()


def _notes(examination: Examination, measured: Measured) -> list[tuple[str, tuple[str, ...]]]:
    origin = ORIGIN_WORDS[measured.origin]
    intervals = tuple(
        f"{what}: {text}."
        for what, text in interval_notes(examination)
        # The percentiles are in the report and its CSV.
        if what != "Percentiles"
    )
    return [
        *([("Origin", (origin,))] if origin else []),
        *grouped_notes(examination, measured),
        ("How the intervals were made", intervals),
    ]


def _text(text: str, style: str = "") -> Text:
    """Return what is not to be read as markup, such as a name from a user's file."""
    from rich.text import Text

    return Text(text, style=style)


def _rich(table: TextTable) -> Table:
    from rich.table import Table

    rich = Table(title=_text(table.title, "bold"), title_justify="left")
    for header in table.columns:
        rich.add_column(header, justify="right" if header in table.numeric else "left")
    for row in table.rows:
        rich.add_row(*(_text(cell) for cell in row))
    return rich
