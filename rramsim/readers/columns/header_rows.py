"""Which lines of a table may be its header: below a preamble, above a line of units."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from rramsim.errors import InputError
from rramsim.readers.columns.headers import (
    Header,
    are_units,
    measurement_columns,
    recognise,
    with_units,
)
from rramsim.readers.table import Grid
from rramsim.schema import state_named

_ROWS_BEFORE_A_HEADER = 300
_NUMBERED = re.compile(r"[cC]?\s?(\d{1,9})(?:\.0)?")
_BOTH = re.compile(r"\s*[\\/|→>×]\s*|\s+(?:vs\.?|against|by)\s+")


def possible_headers(grid: Grid, known: Collection[str] = ()) -> Iterator[Header]:
    """Return the lines that may be a header, the likeliest first.

    `known` are texts of headers that the user names, which stay as they are.
    """
    records = grid.records
    if only_numbers(records[0]) and grid.comments:
        # numpy.savetxt and some testers write the header as a comment line, most as the last.
        for texts in _in_comments(grid.comments, len(records[0])):
            yield Header(texts, 0, 0)
        return
    for row, record in enumerate(records[:_ROWS_BEFORE_A_HEADER]):
        texts = tuple(text.strip() for text in record)
        if not row and _is_reading(texts):
            continue
        above = [text.strip() for text in records[row - 1]] if row else []
        numbered = _with_numbers_named(*_in_one_row(texts, above), known)
        if row and (sum(map(bool, texts)) < 2 or any(map(_is_number, numbered))):
            continue
        texts = numbered
        units = records[row + 1] if row + 1 < len(records) else []
        if are_units(units):
            yield Header(with_units(texts, units), row, row + 2)
        else:
            yield Header(texts, row, row + 1)


def _in_comments(comments: Sequence[str], width: int) -> list[tuple[str, ...]]:
    """Return the comments that name as many columns as there are, else the last, last first.

    A comment of units counts for all of them.
    """
    separators = (r"[\t;,]", r"\t|\s{2,}", r"\s+")
    named: list[list[str]] = []
    units: list[list[str]] = []
    for comment in reversed(comments):
        ways = ([text.strip() for text in re.split(one, comment.strip())] for one in separators)
        texts = next((way for way in ways if len(way) == width), None)
        if texts is not None:
            (units if are_units(texts) else named).append(texts)
    last = tuple(text.strip() for text in re.split(separators[0], comments[-1]))
    of_all = units[0] if len(units) == 1 else []
    return [with_units(texts, of_all) for texts in named] or [last]


def _in_one_row(
    texts: tuple[str, ...], above: Sequence[str]
) -> tuple[tuple[str, ...], Sequence[str]]:
    """Return a header in two rows, labels in one and numbers in the other, as one, and its rest.

    The rest is what stands over the numbers, or before them.
    """
    width = max(len(texts), len(above))
    low, high = ([*record, *[""] * (width - len(record))] for record in (list(texts), list(above)))
    for labels, numbers in ((high, low), (low, high)):
        at = [i for i, text in enumerate(numbers) if _NUMBERED.fullmatch(text)]
        if len(at) < 2 or at != list(range(at[0], at[-1] + 1)):
            continue
        before = [text for text in (*numbers[: at[0]], *numbers[at[-1] + 1 :]) if text]
        is_low = numbers is low
        over = [labels[i] for i in at if labels[i]]
        if (is_low and not before and len(over) == 1) or (not is_low and not over and before):
            merged = [numbers[i] if i in at else text for i, text in enumerate(labels)]
            return tuple(merged[: len(texts)]), over or before[-1:]
    return texts, above


def _with_numbers_named(
    texts: tuple[str, ...], above: Sequence[str], known: Collection[str]
) -> tuple[str, ...]:
    """Return a header with "1", "2", "3" as "cycle 1", "cycle 2", "cycle 3", where that is sure.

    It is where the row above, or the corner ("cell / cycle"), says what the numbers count, and
    where cells have names, cycles have none, and the numbers run from 0 or 1 on without a gap.
    """
    matches = {i: match for i, text in enumerate(texts) if (match := _NUMBERED.fullmatch(text))}
    numbers = [int(match[1]) for match in matches.values()]
    is_rising = all(one < two for one, two in pairwise(numbers))
    if len(numbers) < 2 or not is_rising or set(known) & {texts[i] for i in matches}:
        return texts
    others = ["" if i in matches else text for i, text in enumerate(texts)]
    corner = _BOTH.split(next(filter(None, others), ""))
    over = [text.strip() for text in above if text.strip()]
    words = over if len(over) == 1 else []
    if len(corner) == 2:
        others[others.index(next(filter(None, others)))] = corner[0]
        words = [corner[1]]
    roles, said = _roles(others), _roles(words)
    counted = said & {"cycle", "cell"}
    # "0" and "1" alone may be states.
    starts = (1,) if len(numbers) == 2 else (0, 1)
    runs = [list(range(start, start + len(numbers))) for start in starts]
    if not counted and "cell" in roles and numbers in runs:
        counted = {"cycle"}
    if len(counted) != 1 or counted & roles or not roles:
        return texts
    (word,) = counted
    named = [
        f"{word} {int(matches[i][1])}" if i in matches else text for i, text in enumerate(others)
    ]
    return tuple(named)


def _roles(texts: Sequence[str]) -> set[str]:
    try:
        return set(recognise(texts, measurement_columns(), place=""))
    except InputError:
        return set()


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[-+]?[\d.,]+(?:[eE][-+]?\d+)?", text.strip()) is not None


def _is_reading(texts: Sequence[str]) -> bool:
    """Whether a line is a reading with its state, such as ``1, LRS, 5100``."""
    others = [text for text in texts if not _is_number(text)]
    return mostly_numbers(texts) and all(state_named(text) is not None for text in others)


def mostly_numbers(texts: Sequence[str]) -> bool:
    """Whether more than half of the texts are numbers, so that a line hardly is a header."""
    return 2 * sum(map(_is_number, texts)) > len(texts)


def only_numbers(texts: Sequence[str]) -> bool:
    """Whether all texts are numbers, so that a line is no header."""
    return all(map(_is_number, texts))
