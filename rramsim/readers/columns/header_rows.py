"""Which lines of a table may be its header: below a preamble, above a line of units."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rramsim.readers.columns.headers import Header, are_units, with_units
from rramsim.readers.table import Grid
from rramsim.schema import state_named

_ROWS_BEFORE_A_HEADER = 300


def possible_headers(grid: Grid) -> Iterator[Header]:
    """Return the lines that may be a header, the likeliest first."""
    records = grid.records
    if only_numbers(records[0]) and grid.comments:
        # numpy.savetxt and some testers write the header as the last comment line.
        texts = tuple(text.strip() for text in re.split(r"[\t;,]", grid.comments[-1]))
        yield Header(texts, 0, 0)
        return
    for row, record in enumerate(records[:_ROWS_BEFORE_A_HEADER]):
        texts = tuple(text.strip() for text in record)
        if not row and _is_reading(texts):
            continue
        if row and (sum(map(bool, texts)) < 2 or any(map(_is_number, texts))):
            continue
        units = records[row + 1] if row + 1 < len(records) else []
        if are_units(units):
            yield Header(with_units(texts, units), row, row + 2)
        else:
            yield Header(texts, row, row + 1)


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
