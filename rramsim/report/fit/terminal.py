"""What `rramsim fit` shows a person: a table of everything there is, and the notes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rramsim.report.fit.notes import ORIGIN_WORDS, grouped_notes
from rramsim.report.fit.sections import SECTIONS, interval_notes
from rramsim.report.text_table import TextTable, plain_text, print_table

if TYPE_CHECKING:
    from rramsim.device.examination import Examination

# Wide enough that no cell wraps where the output goes to a file or a pipe.
WIDTH_OF_A_FILE = 170


def short_tables(examination: Examination) -> list[TextTable]:
    """Return a table of everything there is, in the order in which it is read."""
    return [
        part
        for section in SECTIONS
        for part in section.parts_of(examination)
        if isinstance(part, TextTable) and part.place != "page"
    ]


def text(examination: Examination, *, width: int = WIDTH_OF_A_FILE, styled: bool) -> str:
    """Return the populations, what they make of each condition, and everything to know of them.

    Parameters
    ----------
    examination : Examination
    width : int
        Characters a line.
    styled : bool
        Whether to wrap sentences, and to set titles in bold by a terminal's codes.
    """
    from rich.console import Console

    shown = io.StringIO()
    console = Console(file=shown, width=width, force_terminal=styled)
    for table in short_tables(examination):
        print_table(console, table)
    for heading, sentences in _notes(examination):
        console.print(plain_text(heading, "bold"))
        lines = "\n".join(f"- {sentence}" for sentence in sentences)
        console.print(plain_text(lines), soft_wrap=not styled)
    return shown.getvalue()


def _notes(examination: Examination) -> list[tuple[str, tuple[str, ...]]]:
    origin = ORIGIN_WORDS[examination.measured.origin]
    intervals = interval_notes(examination, place="terminal")
    return [
        *([("Origin", (origin,))] if origin else []),
        *grouped_notes(examination),
        ("How the intervals were made", tuple(f"{what}: {how}." for what, how in intervals)),
    ]
