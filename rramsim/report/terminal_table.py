"""Tables as a terminal shows them: as narrow as it is, with no number cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from rramsim.report.text_table import TextTable

_KEYS = ("condition", "state")
"""Headers of the columns that name a row; each part of a table that is split has them."""

_LONGEST_WORD = 24
"""A longer word, such as the name of a file, may be broken; no number is as long."""

_BESIDE = 2
"""Characters beside the text of a column."""


FEW_NOTES = 3
"""So many notes are shown at once; of more their number is said."""


def shown_notes(notes: Sequence[str], *, verbose: bool) -> list[str]:
    """Return notes as they are shown: few of them, or where `verbose` all, else their number.

    >>> shown_notes(["one."] * 6, verbose=False)
    ['6 notes on the data; --verbose shows them.']
    """
    if verbose or len(notes) <= FEW_NOTES:
        return list(notes)
    return [f"{len(notes)} notes on the data; --verbose shows them."]


def hanging(label: str, text: str, *, width: int) -> str:
    """Return a text wrapped beside its label, its further lines below its first.

    >>> hanging("cells  ", "2 a weight", width=14).split(chr(10))
    ['cells  2 a', '       weight']
    """
    lines = wrapped(text, max(width - cell_len(label), 1)).split("\n")
    return label + f"\n{' ' * cell_len(label)}".join(lines)


def first_fitting(tables: Sequence[TextTable], *, width: int) -> TextTable:
    """Return the first of some layouts of a table that need not be split at a width, or the last.

    Parameters
    ----------
    tables : sequence of TextTable
        The widest first.
    width : int
    """
    fitting = (table for table in tables if _width(_least(table)) <= width)
    return next(fitting, tables[-1])


def print_table(console: Console, table: TextTable) -> None:
    """Print a table with its title and its remark, and an empty line.

    Where the table is wider than the console its texts wrap between words, and then it is split:
    the columns that name a row stand in every part. Without a terminal the remark is not wrapped.

    Parameters
    ----------
    console : rich.console.Console
    table : TextTable
    """
    if table.title:
        console.print(plain_text(table.title, "bold"), soft_wrap=not console.is_terminal)
    several = list(parts(table, width=console.width))
    for number, part in enumerate(several):
        _print(console, part)
        if number + 1 < len(several):
            console.print()
    if table.remark:
        console.print(plain_text(table.remark), soft_wrap=not console.is_terminal)
    console.print()


def print_sentences(console: Console, sentences: Iterable[str]) -> None:
    """Print sentences, one a line; a terminal has them wrapped between words."""
    for sentence in sentences:
        text = wrapped(sentence, console.width) if console.is_terminal else sentence
        console.print(plain_text(text), soft_wrap=True)


def parts(table: TextTable, *, width: int) -> Iterator[TextTable]:
    """Split a table into parts, each of them no wider than `width` when its texts are wrapped."""
    keys = [number for number, header in enumerate(table.columns) if header in _KEYS] or [0]
    least = _least(table)
    chosen = list(keys)
    for number in range(len(table.columns)):
        if number in keys:
            continue
        one_more = [*chosen, number]
        if _width([least[each] for each in one_more]) > width and chosen != keys:
            yield _columns(table, chosen)
            one_more = [*keys, number]
        chosen = one_more
    yield _columns(table, chosen)


def _columns(table: TextTable, chosen: Sequence[int]) -> TextTable:
    rows = tuple(tuple(row[number] for number in chosen) for row in table.rows)
    return replace(table, columns=tuple(table.columns[number] for number in chosen), rows=rows)


def _print(console: Console, table: TextTable) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    rich = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    widths = _shared(_natural(table), _least(table), width=console.width)
    for header, width in zip(table.columns, widths, strict=True):
        rich.add_column(
            plain_text(wrapped(header, width)),
            justify="right" if header in table.numeric else "left",
            width=width,
            overflow="fold",
        )
    for row in table.rows:
        cells = zip(row, widths, strict=True)
        rich.add_row(*(plain_text(wrapped(text, width)) for text, width in cells))
    console.print(rich)


def wrapped(text: str, width: int) -> str:
    """Wrap a text at its plain blanks; a number and its unit, with a no-break space, stay whole.

    >>> wrapped("0.033 (0.028 to 0.039), fitted", 16).split(chr(10))
    ['0.033 (0.028 to', '0.039), fitted']
    """
    lines: list[str] = []
    for given in text.split("\n"):
        line = ""
        for word in given.split(" "):
            longer = f"{line} {word}" if line else word
            if line and cell_len(longer) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return "\n".join(lines)


def _natural(table: TextTable) -> list[int]:
    """Return the width of each column whose texts are not wrapped."""
    return [_longest(text.split("\n") for text in column) for column in _texts(table)]


def _least(table: TextTable) -> list[int]:
    """Return the least width of each column at which its texts take no more than two lines."""
    return [max(map(_of_two_lines, column)) for column in _texts(table)]


def _of_two_lines(text: str) -> int:
    """Return the least width at which no word of a text is broken, and no line of it in three."""
    width = min(_longest(line.split(" ") for line in text.split("\n")), _LONGEST_WORD)
    while any(wrapped(line, width).count("\n") > 1 for line in text.split("\n")):
        width += 1
    return width


def _texts(table: TextTable) -> list[tuple[str, ...]]:
    return list(zip(table.columns, *table.rows, strict=True))


def _longest(texts: Iterable[Iterable[str]]) -> int:
    return max(cell_len(part) for parts in texts for part in parts)


def _width(columns: Sequence[int]) -> int:
    return sum(columns) + _BESIDE * len(columns)


def _shared(natural: Sequence[int], least: Sequence[int], *, width: int) -> list[int]:
    """Share a width among columns: none below its least, the widest gives way first."""
    widths = [max(both) for both in zip(natural, least, strict=True)]
    room = width - _BESIDE * len(widths)
    while sum(widths) > room:
        spare = [have - need for have, need in zip(widths, least, strict=True)]
        if max(spare) <= 0:
            break
        widest = max(
            (number for number in range(len(widths)) if spare[number] > 0),
            key=widths.__getitem__,
        )
        widths[widest] -= 1
    return widths


def plain_text(words: str, style: str = "") -> Text:
    """Return what is not to be read as markup, such as a name from a user's file."""
    from rich.text import Text

    return Text(words, style=style)
