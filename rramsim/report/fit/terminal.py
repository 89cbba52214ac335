"""What `rramsim fit` shows a person: a table of everything there is, and the notes."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

from rramsim.report.fit.findings import findings
from rramsim.report.fit.notes import CHECK_FIRST, FILES, ORIGIN_WORDS, doubts, grouped_notes
from rramsim.report.fit.sections import SECTIONS, interval_notes
from rramsim.report.terminal_table import plain_text, print_table, shown_notes, wrapped
from rramsim.report.text_table import TextTable

if TYPE_CHECKING:
    from rich.text import Text

    from rramsim.device.examination import Examination

# Wide enough that no cell wraps where the output goes to a file or a pipe.
WIDTH_OF_A_FILE = 170
_TITLES = {"One cell a bit (1T1R) and two (2T2R)": "Two cells a bit (2T2R)"}
"""Titles of tables that show less than on a page."""
NOTES, FOUND = "Notes", "What was found"


def short_tables(examination: Examination) -> list[TextTable]:
    """Return a table of everything there is, in the order in which it is read."""
    return [
        _without_repeats(part)
        for section in SECTIONS
        for part in section.parts_of(examination)
        if isinstance(part, TextTable) and part.place != "page"
    ]


def _without_repeats(table: TextTable) -> TextTable:
    """Return a table without what another one shows, and without a count that is 0 in each row."""
    kept = [
        number
        for number, header in enumerate(table.columns)
        if header != "BER 1T1R"
        and not (header == "censored" and all(row[number] == "0" for row in table.rows))
    ]
    shown = {table.columns[number] for number in kept}
    return replace(
        table,
        title=_TITLES.get(table.title, table.title),
        columns=tuple(table.columns[number] for number in kept),
        rows=tuple(tuple(row[number] for number in kept) for row in table.rows),
        numeric=tuple(header for header in table.numeric if header in shown),
        values=(),
    )


def text(
    examination: Examination,
    *,
    width: int = WIDTH_OF_A_FILE,
    styled: bool,
    quiet: bool = False,
    verbose: bool = False,
) -> str:
    """Return every table, what to know of them, and last what was found.

    The last lines are what a terminal still shows when the command is done.

    Parameters
    ----------
    examination : Examination
    width : int
        Characters a line.
    styled : bool
        Whether to wrap sentences, and to set titles in bold by a terminal's codes.
    quiet : bool
        Whether to show only what was found.
    verbose : bool
        Whether to show all notes where they are many, and how the intervals were computed.
    """
    from rich.console import Console

    shown = io.StringIO()
    console = Console(file=shown, width=width, force_terminal=styled)

    def print_sentences(heading: str, sentences: tuple[str, ...]) -> None:
        console.print(plain_text(heading, "bold"))
        for sentence in sentences:
            console.print(_bullet(sentence, width=width if styled else None), soft_wrap=True)

    if not quiet:
        for table in short_tables(examination):
            print_table(console, table)
        for heading, sentences in _notes(examination, verbose=verbose):
            print_sentences(heading, sentences)
            console.print()
    print_sentences(FOUND, _found(examination, whole=quiet))
    return shown.getvalue()


def _bullet(sentence: str, *, width: int | None) -> Text:
    """Return a sentence with its dash; wrapped, its lines begin below each other."""
    text = sentence if width is None else wrapped(sentence, width - 2)
    return plain_text("- " + text.replace("\n", "\n  "))


def _notes(examination: Examination, *, verbose: bool) -> list[tuple[str, tuple[str, ...]]]:
    """Return the notes under their headings, and how the intervals were computed."""
    groups = grouped_notes(examination)
    if not verbose:
        return _counted(groups)
    made = interval_notes(examination, place="terminal")
    intervals = tuple(f"{what}: {how}." for what, how in made)
    return [*groups, ("How the intervals were computed", intervals)]


def _found(examination: Examination, *, whole: bool) -> tuple[str, ...]:
    """Return what was found, which the end of the output shows: doubts first.

    Below the tables it is the headline of each condition.
    """
    origin = ORIGIN_WORDS[examination.measured.origin]
    doubtful = [f"{CHECK_FIRST}: {sentence}" for sentence in doubts(examination)]
    found = [
        f"{one.name}: {' '.join(one.sentences) if whole else one.headline}"
        for one in findings(examination)
    ]
    return (*doubtful, *found, *([origin] if origin else []))


def _counted(groups: list[tuple[str, tuple[str, ...]]]) -> list[tuple[str, tuple[str, ...]]]:
    """Return groups of notes; of files, and of all conditions, the number where they are many."""
    of_files = [group for group in groups if group[0] == FILES]
    others = [group for group in groups if group[0] != FILES]
    kept = []
    for several in (of_files, others):
        notes = [sentence for _, sentences in several for sentence in sentences]
        shown = shown_notes(notes, verbose=False)
        kept += (
            several if shown == notes else [(FILES if several is of_files else NOTES, tuple(shown))]
        )
    return kept
