"""Files of testers that are no plain tables, turned into parts that are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from rramsim.errors import InputError
from rramsim.readers.table import Grid
from rramsim.units import read_quantity

_COMPLIANCE = re.compile(r"\[VAR1\][^\[]*?\bCompliance=([^,\[\t]+)")
_DATES = ("%m/%d/%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S")
_STATE = re.compile(r"(?<![a-z])([LH]RS)(?![a-z])", re.IGNORECASE)
_RUN = re.compile(r"(?:run|cycle)[\s_]*(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """One table of a file, and what the tester says of it.

    `title` is what it calls the measurement, `compliance` the limit of the current in ampere and
    `taken` the time of the record in seconds.
    """

    grid: Grid
    title: str = ""
    compliance: float | None = None
    taken: float = float("nan")


@dataclass
class _Record:
    """What has been read of a test record so far."""

    title: str = ""
    setup: str = ""
    compliance: float | None = None
    said: dict[str, str] = field(default_factory=dict)


def parts_of(grid: Grid) -> list[Part]:
    """Return the tables in a grid: the blocks of a Keysight EasyEXPERT record, or the grid."""
    keys = {record[0].strip() for record in grid.records if record}
    if keys & {"SetupTitle", "DataName"}:
        whole = grid if grid.body is None else grid.body.whole()
        parts = _easyexpert(whole)
        if parts:
            return parts
    if grid.sheet is None:
        return [Part(grid)]
    return [Part(replace(grid, constants=_of_sheet(grid.sheet)), title=grid.sheet)]


def _of_sheet(name: str) -> dict[str, str]:
    """Return what the name of a sheet says: "Run3" a cycle, "weak LRS" a condition and a state."""
    run = _RUN.fullmatch(name)
    if run is not None:
        return {"cycle": run[1]}
    state = _STATE.search(name)
    if state is None:
        return {}
    condition = (name[: state.start()] + " " + name[state.end() :]).strip(" _-.,()")
    return {"state": state[1], **({"condition": condition} if condition else {})}


def _easyexpert(grid: Grid) -> list[Part]:
    """Return a part for each block of names and values; all other lines describe them."""
    parts: list[tuple[_Record, list[list[str]], list[int]]] = []
    record = _Record()
    for texts, number in zip(grid.records, grid.row_numbers, strict=True):
        key, *rest = (text.strip() for text in texts)
        if key == "SetupTitle":
            record = _Record(setup=", ".join(rest))
        elif key in ("MetaData", "AnalysisSetup") and rest:
            _note(record, rest)
        elif key == "DataName":
            parts.append((replace(record), [rest], [number]))
        elif key == "DataValue" and parts:
            parts[-1][1].append(rest)
            parts[-1][2].append(number)
    return [
        Part(
            replace(
                grid,
                records=records,
                row_numbers=numbers,
                comments=(),
                constants=_constants(said),
            ),
            title=said.title or said.setup,
            compliance=said.compliance,
            taken=_seconds(said.said.get("RecordTime", "")),
        )
        for said, records, numbers in parts
    ]


def _note(record: _Record, rest: Sequence[str]) -> None:
    name, value = rest[0], ", ".join(rest[1:])
    if name == "Analysis.Setup.Title":
        record.title = value
    elif name.endswith(".Graph.Notes"):
        limit = _COMPLIANCE.search(value)
        try:
            record.compliance = None if limit is None else read_quantity(limit[1], "current")
        except InputError:
            record.compliance = None
    elif name.startswith("TestRecord."):
        record.said = {**record.said, name.removeprefix("TestRecord."): value}


def _constants(record: _Record) -> dict[str, str]:
    said = {"condition": record.setup, "cell": record.said.get("TestTarget", "")}
    return {header: text for header, text in said.items() if text}


def _seconds(text: str) -> float:
    for form in _DATES:
        try:
            return datetime.strptime(text, form).timestamp()
        except (ValueError, OverflowError):
            continue
    return float("nan")
