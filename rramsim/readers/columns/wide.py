"""Columns that hold the readings of one state, one condition, one cell or one cycle each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from rramsim.errors import InputError
from rramsim.readers.columns.headers import Column, recognise, splits
from rramsim.schema import STATES
from rramsim.schema.file_columns import STATE_COLUMNS
from rramsim.units import AmbiguousUnitError, UnknownUnitError, factor_to_si

QUANTITIES = ("resistance", "conductance", "current")
"""What a reading may be, in the order of preference where a table holds several."""

_LETTERS = {"r": "resistance", "g": "conductance", "i": "current", "res": "resistance"}
_STATE = re.compile(r"(?<![a-z])(LRS|HRS)(?:[\s_.#-]*(\d+))?(?![a-z\d])", re.IGNORECASE)
_CYCLE = re.compile(r"(?<![a-z])(?:cycle|cyc|#)[\s_.#-]*(\d+)(?![a-z\d])", re.IGNORECASE)
_CELL = re.compile(
    r"(?<!\w)(?:cell|device|dev|dut|memristor|zelle|cellule|单元|器件|セル|素子)"
    r"[\s_.#:-]*(?:(?:no|nr)\.?)?[\s_.#:-]*(\d+)(?!\w)",
    re.IGNORECASE,
)
_QUANTITY = re.compile(
    r"(?<![a-z\d])(resistance|conductance|current|res|r|g|i)(?![a-z\d])", re.IGNORECASE
)
# Columns about readings, not of readings; "LRS mean" must not become a condition "mean".
_ABOUT = re.compile(
    r"\b(mean|average|avg|median|std|stdev|sd|sigma|mu|cv|var|variance|min|max|count|n|ratio|window"
    r"|error|errors|failed|fail|energy|voltage|pulses?|time|flag|status|percentile|p\d+)\b",
    re.IGNORECASE,
)


def wide_columns(
    header: Sequence[str],
    *,
    place: str,
    renamed: Mapping[str, str],
    skip: Sequence[int] = (),
    may_repeat: bool = False,
) -> tuple[Column, ...]:
    """Return the columns whose header names a state, such as "strong LRS (kOhm)" or "HRS_cycle2".

    Parameters
    ----------
    header : sequence of str
        As in the file.
    place : str
        File and row for messages.
    renamed : mapping
        Headers of the file to names the user gave.
    skip : sequence of int
        Positions of columns already known to be something else.
    may_repeat : bool
        Whether rows above the header may tell apart what is the same here.

    Raises
    ------
    InputError
        If a unit is unknown, or two columns hold the same state, condition and cycle.
    """
    columns = []
    for position, text in enumerate(header):
        if position not in skip:
            name = renamed.get(text.strip(), text)
            wide = _wide(name, position, place=place)
            if wide is not None:
                columns.append(replace(wide, header=text))
    return tuple(columns) if may_repeat else _numbered(columns, place=place)


def in_groups(
    columns: Sequence[Column],
    groups: Sequence[str],
    *,
    place: str,
    renamed: Mapping[str, str],
) -> tuple[Column, ...]:
    """Return columns of readings with cycles numbered within each group of alike labels."""
    headers = {column.header.strip() for column in columns}
    numbered: dict[int, Column] = {}
    for group in dict.fromkeys(groups):
        alone = []
        for column, label in zip(columns, groups, strict=True):
            if label == group:
                # "LRS.1" is how pandas writes a second column "LRS".
                text = re.sub(r"\.\d+$", "", column.header.strip())
                text = text if text in headers else column.header
                (one,) = wide_columns([text], place=place, renamed=renamed) or (column,)
                alone.append(replace(column, cycle=one.cycle))
        for column in _numbered(alone, place=place):
            numbered[column.position] = column
    return tuple(numbered[column.position] for column in columns)


def condition_columns(
    header: Sequence[str], *, renamed: Mapping[str, str], skip: Sequence[int]
) -> tuple[Column, ...]:
    """Return the columns that have a unit of a reading and are named by a condition alone.

    Such columns stand beside a state column: ``state,weak (kOhm),strong (kOhm)``.
    """
    columns = []
    for position, text in enumerate(header):
        if position in skip:
            continue
        for name, unit, sure in splits(renamed.get(text.strip(), text)):
            quantity = _quantity_of_unit(unit) if unit and sure else None
            condition = name.strip(" _-:,")
            if quantity is not None and condition and not _ABOUT.search(condition):
                factor = factor_to_si(unit, quantity)
                column = Column("reading", text, position, quantity, factor, unit_given=True)
                columns.append(replace(column, condition=condition))
                break
    return tuple(columns)


def _wide(text: str, position: int, *, place: str) -> Column | None:
    states = {match[1].upper() for match in _STATE.finditer(text)}
    if len(states) > 1:
        return None
    if not states:
        plain = recognise([text], STATE_COLUMNS, place=place)
        for role, column in plain.items():
            state = 0 if role.startswith("lrs") else 1
            return replace(column, role="reading", position=position, state=state)
        return None
    if _ABOUT.search(text.replace("_", " ")):
        return None
    repeat = re.fullmatch(r"(.*[)\]}])\.(\d+)", text.strip())
    if repeat is not None:
        # "LRS (kOhm).1" is how pandas writes a second column "LRS (kOhm)".
        first = _wide(repeat[1], position, place=place)
        return first if first is None or first.cycle else replace(first, cycle=int(repeat[2]))
    # A unit at the end is taken before the rest is read as the name of a condition.
    for name, unit, sure in sorted(splits(text), key=lambda way: not way[1]):
        wide = _parsed(text, name, unit, position)
        if wide is not None:
            return wide
        if unit and sure and _STATE.search(name) and text.rstrip().endswith((")", "]", "}")):
            raise InputError(
                f"{place}, column {text!r}: {unit!r} is not a unit of resistance, conductance or "
                "current; accepted are kOhm, uS, uA and their like."
            )
    return None


def _parsed(text: str, name: str, unit: str, position: int) -> Column | None:
    state = _STATE.search(name)
    if state is None:
        return None
    rest = name[: state.start()] + " " + name[state.end() :]
    cycle = int(state[2]) if state[2] else None
    numbered = _CYCLE.search(rest)
    if numbered is not None:
        if cycle is not None:
            return None
        cycle, rest = int(numbered[1]), rest[: numbered.start()] + " " + rest[numbered.end() :]
    named = _QUANTITY.search(rest.replace("_", " "))
    quantity = "resistance"
    if named is not None:
        quantity = _LETTERS.get(named[1].casefold(), named[1].casefold())
        rest = rest[: named.start()] + " " + rest[named.end() :]
    factor = 1.0
    if unit:
        of_unit = _quantity_of_unit(unit)
        if of_unit is None or (named is not None and of_unit != quantity):
            return None
        quantity, factor = of_unit, factor_to_si(unit, of_unit)
    of_cell = _CELL.search(rest.replace("_", " "))
    if of_cell is not None:
        rest = rest[: of_cell.start()] + " " + rest[of_cell.end() :]
    condition = re.sub(r"\s+", " ", rest).strip(" _-:,.()[]") or None
    return Column(
        "reading",
        text,
        position,
        quantity,
        factor,
        unit_given=bool(unit),
        state=STATES.index(state[1].upper()),
        condition=condition,
        cell=None if of_cell is None else of_cell[1],
        cycle=cycle,
    )


def _quantity_of_unit(unit: str) -> str | None:
    for quantity in QUANTITIES:
        try:
            factor_to_si(unit, quantity)
        except AmbiguousUnitError:
            raise
        except UnknownUnitError:
            continue
        return quantity
    return None


def _numbered(columns: list[Column], *, place: str) -> tuple[Column, ...]:
    """Give a cycle to columns that repeat without one; refuse those that stay the same."""
    counts = Counter(_population(wide) for wide in columns if wide.cycle is None)
    repeats = set(counts.values())
    if len(counts) > 1 and len(repeats) == 1 and repeats != {1}:
        # HRS, LRS, HRS, LRS, ...: every state as often as the other, so pairs of a cycle each.
        seen: Counter[tuple[object, ...]] = Counter()
        for index, wide in enumerate(columns):
            if wide.cycle is None:
                seen[_population(wide)] += 1
                columns[index] = replace(wide, cycle=seen[_population(wide)])
    elif any(wide.cycle is not None for wide in columns):
        # "HRS", "HRS.1", "HRS.2" is how pandas and R write repeated headers.
        columns = [replace(wide, cycle=wide.cycle or 0) for wide in columns]
    keys: dict[tuple[object, ...], Column] = {}
    for wide in columns:
        key = (*_population(wide), wide.cycle)
        if key in keys:
            raise InputError(
                f"{place}: the columns {keys[key].header!r} and {wide.header!r} "
                "hold the same state, condition and cycle; keep one."
            )
        keys[key] = wide
    return tuple(columns)


def _population(column: Column) -> tuple[object, ...]:
    """Return what a header says of its readings beside the cycle."""
    return column.state, column.condition, column.cell
