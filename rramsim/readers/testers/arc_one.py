"""ArC ONE session files: a line for each operation, the state told by the pulses before a read."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rramsim.errors import InputError
from rramsim.notes import Note
from rramsim.readers.table import Grid
from rramsim.readers.testers.registry import register
from rramsim.schema import STATES

_WANTED = ("wordline", "bitline", "resistance", "amplitude")
_HEADER = ["row", "column", "state", "cycle", "resistance [ohm]"]


@dataclass
class _Run:
    """The operations of a cell between two changes of polarity; the last read is its state."""

    line: int
    positive: bool
    resistance: str


@register
class ArcOne:
    """A session has a line for each operation of a cell at a word line and a bit line."""

    def recognises(self, grid: Grid) -> bool:
        """Whether the header in the first lines is that of an ArC ONE session."""
        return _header_at(grid) is not None

    def tables(self, grid: Grid) -> list[Grid]:
        """Return a table of the resistances that pulses of one polarity leave behind.

        The file does not name states. Each cell's operations are cut where the polarity of the
        amplitude changes; the last resistance of each run is the state reached. The polarity
        after which the resistances are lower (by their medians) is that of SET.

        Raises
        ------
        InputError
            If the file has pulses of one polarity only, or a line cannot be read.
        """
        header = _header_at(grid)
        return [] if header is None else [_last_of_each_run(grid.whole(), *header)]


def _last_of_each_run(grid: Grid, header_row: int, columns: list[int]) -> Grid:
    cells: dict[tuple[str, str], list[_Run]] = {}
    reads = unset = 0
    for line in range(header_row + 1, len(grid.records)):
        record = grid.records[line]
        row, column, resistance, pulse = (
            record[position].strip() if position < len(record) else "" for position in columns
        )
        amplitude = _amplitude(pulse, place=f"{grid.place}, row {grid.row_numbers[line]}")
        runs = cells.setdefault((row, column), [])
        if amplitude == 0 and not runs:
            unset += 1
            continue
        reads += 1
        if amplitude != 0 and (not runs or runs[-1].positive != (amplitude > 0)):
            runs.append(_Run(line, amplitude > 0, resistance))
        runs[-1].line, runs[-1].resistance = line, resistance
    set_is_positive = _set_polarity([run for runs in cells.values() for run in runs], grid.place)
    records, rows = [], []
    for (row, column), runs in cells.items():
        seen = [0, 0]
        for run in runs:
            state = 0 if run.positive == set_is_positive else 1
            seen[state] += 1
            records.append([row, column, STATES[state], str(seen[state]), run.resistance])
            rows.append(grid.row_numbers[run.line])
    sign = "positive" if set_is_positive else "negative"
    notes = (
        Note(
            f"an ArC ONE session names no states; {sign} pulses are taken as SET, "
            "because the median resistance after them is the lower one.",
            kind="polarity of SET",
            file=grid.place,
            values={"polarity": sign},
        ),
        Note(
            f"of {reads + unset:,} operations, {len(records):,} resistances are the last "
            f"before the polarity changes; {unset:,} come before any pulse and are left out.",
            kind="operations used",
            file=grid.place,
            values={"operations": reads + unset, "used": len(records), "left_out": unset},
        ),
    )
    return replace(
        grid,
        records=[_HEADER, *records],
        row_numbers=[grid.row_numbers[header_row], *rows],
        comments=(),
        notes=(*grid.notes, *notes),
    )


def _header_at(grid: Grid) -> tuple[int, list[int]] | None:
    for row, record in enumerate(grid.records[:10]):
        names = [re.sub(r"\s*[(\[].*|[\s_]+", "", text).casefold() for text in record]
        if all(name in names for name in _WANTED):
            return row, [names.index(name) for name in _WANTED]
    return None


def _amplitude(text: str, *, place: str) -> float:
    try:
        return float(text or 0)
    except ValueError:
        raise InputError(
            f"{place}, column 'Amplitude': {text!r} is not a number of volts."
        ) from None


def _set_polarity(runs: Sequence[_Run], place: str) -> bool:
    import numpy as np

    after: dict[bool, list[float]] = {True: [], False: []}
    for run in runs:
        try:
            after[run.positive].append(float(run.resistance))
        except ValueError:
            continue
    if not after[True] or not after[False]:
        raise InputError(
            f"{place}: this ArC ONE session has pulses of one polarity only, which do not show "
            "the states."
        )
    positive, negative = (float(np.median(after[sign])) for sign in (True, False))
    if not (math.isfinite(positive) and math.isfinite(negative)) or positive == negative:
        raise InputError(
            f"{place}: the resistances after pulses of both polarities are alike, so that they "
            "do not show the states."
        )
    return positive < negative
