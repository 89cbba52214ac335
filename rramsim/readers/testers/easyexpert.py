"""Keysight EasyEXPERT: records of test setups, blocks of names and values, titles and times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from rramsim.errors import InputError
from rramsim.notes import Note
from rramsim.readers.table import Grid
from rramsim.readers.testers.registry import register
from rramsim.units import read_quantity

_COMPLIANCE = re.compile(r"\[VAR1\][^\[]*?\bCompliance=([^,\[\t]+)")
_DATES = (
    *("%m/%d/%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S"),
    *("%m/%d/%Y %I:%M:%S %p", "%m_%d_%Y %I_%M_%S %p"),
)
# "[device,test,index,date time].csv" is how a record is named when it is exported.
_NAME = re.compile(r"\[(?P<device>[^,\]]+),(?P<test>.+),(?P<index>\d+),(?P<time>[^,\]]+)\]")
_SETUP, _TITLE, _NOTES = "SetupTitle", "Analysis.Setup.Title", ".Graph.Notes"
_RECORD = "TestRecord."


@register
class EasyExpert:
    """A record names its setup, describes it line by line, and has blocks of values."""

    def recognises(self, grid: Grid) -> bool:
        """Whether a line begins with the title of a setup or with the names of a block."""
        return any(record and record[0].strip() in (_SETUP, "DataName") for record in grid.records)

    def tables(self, grid: Grid) -> list[Grid]:
        """Return a table for each block of names and values; all other lines describe them."""
        whole = grid.whole()
        blocks: list[tuple[Mapping[str, str], list[list[str]], list[int]]] = []
        description: dict[str, str] = {}
        for texts, number in zip(whole.records, whole.row_numbers, strict=True):
            key = texts[0].strip()
            if key == "DataValue" and blocks:
                blocks[-1][1].append(texts[1:])
                blocks[-1][2].append(number)
                continue
            rest = [text.strip() for text in texts[1:]]
            if key == _SETUP:
                description = {_SETUP: ", ".join(rest)}
            elif key in ("MetaData", "AnalysisSetup") and rest:
                description[rest[0]] = ", ".join(rest[1:])
            elif key == "DataName":
                blocks.append((dict(description), [rest], [number]))
        return [_table(whole, *block) for block in blocks]


def _table(
    grid: Grid, description: Mapping[str, str], records: list[list[str]], row_numbers: list[int]
) -> Grid:
    # What a record does not say may stand in the name of its file.
    found = _NAME.search(grid.place)
    name = {} if found is None else found.groupdict()
    setup = description.get(_SETUP) or name.get("test", "")
    device = description.get(f"{_RECORD}TestTarget") or name.get("device", "")
    time = description.get(f"{_RECORD}RecordTime") or name.get("time", "")
    constants = {"condition": setup, "cell": device}
    flag = description.get(f"{_RECORD}Flag", "")
    flagged = Note(f"a record is flagged {flag!r}; it is read.", kind="flag", file=grid.place)
    return replace(
        grid,
        records=records,
        row_numbers=row_numbers,
        comments=(),
        constants={header: text for header, text in constants.items() if text},
        title=description.get(_TITLE) or setup,
        compliance=_compliance(description),
        taken=_seconds(time),
        notes=(*grid.notes, flagged) if flag else grid.notes,
    )


def _compliance(description: Mapping[str, str]) -> float | None:
    """Return the limit of the current by the last notes of a graph, in ampere."""
    notes = [text for name, text in description.items() if name.endswith(_NOTES)]
    limit = _COMPLIANCE.search(notes[-1]) if notes else None
    try:
        return None if limit is None else read_quantity(limit[1], "current")
    except InputError:
        return None


def _seconds(text: str) -> float:
    for form in _DATES:
        try:
            return datetime.strptime(text, form).timestamp()
        except (ValueError, OverflowError):
            continue
    return float("nan")
