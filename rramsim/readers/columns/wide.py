"""Columns that hold the readings of one state, one condition, one cell or one cycle each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from rramsim.errors import InputError
from rramsim.readers.columns.headers import (
    Column,
    measurement_columns,
    recognise,
    splits,
    with_plain_brackets,
    without_voltage,
)
from rramsim.schema import CELL_WORDS, CYCLE_WORDS, STATES, state_named
from rramsim.schema.file_columns import STATE_COLUMNS
from rramsim.schema.words import OTHER_LANGUAGES
from rramsim.units import AmbiguousUnitError, UnknownUnitError, factor_to_si

QUANTITIES = ("resistance", "conductance", "current")
"""What a reading may be, in the order of preference where a table holds several."""

_LETTERS = {"r": "resistance", "g": "conductance", "i": "current", "res": "resistance"}
_LETTERS |= {
    word.casefold(): quantity for quantity in QUANTITIES for word in OTHER_LANGUAGES[quantity]
}
_WORDS = "|".join(map(re.escape, sorted(_LETTERS, key=len, reverse=True)))
# A number with a unit behind it is a setting, as is one with decimals, and no cycle.
_OF_SETTING = r"(?!\.\d)(?![\s_]*(?:[munpµμ]?[AV]|[munpµμ]s|K|°C)(?![^\W_]))"
_STATE = re.compile(
    rf"(?<![a-z])(LRS|HRS)(?:[\s_.#-]*(\d+)(?!\d){_OF_SETTING})?(?![a-z\d])", re.IGNORECASE
)
_COUNT = r"(\d+(?:\.\d+)?(?:e\+?\d+|k)?|(?:\d+(?:\.\d+)?\s*[x×*·]\s*)?10\s*(?:\^|\*\*)\s*\d+)"
_CYCLE = re.compile(
    rf"(?<![a-z])(?:{'|'.join(CYCLE_WORDS)}|#)"
    r"[\s_.#:-]*(?:(?:no|nr)\.?)?[\s_.#:-]*(\d+)(?![a-z\d^*.])",
    re.IGNORECASE,
)
# "after 10^3 cycles", "1e6 cycles", "@1k cyc."
_CYCLES = re.compile(
    rf"(?<![^\W_])(?:(?:after|nach|après|at|@)[\s_]*)?(?<![\d.]){_COUNT}[\s_]*"
    r"(?:cycles?|cyc|cy|zyklen|ciclos|cicli|次循环|循环|サイクル)\b\.?",
    re.IGNORECASE,
)
_LETTERED = re.compile(r"(?<!\w)c[\s_.#-]?(\d+)(?!\w)", re.IGNORECASE)
_AT = re.compile(rf"@\s*{_COUNT}", re.IGNORECASE)
_CELL = re.compile(
    rf"(?<!\w)(?:{'|'.join(sorted(CELL_WORDS, key=len, reverse=True))})"
    r"[\s_.#:-]*(?:(?:no|nr)\.?)?[\s_.#:-]*(\d+)(?!\w)",
    re.IGNORECASE,
)
_QUANTITY = re.compile(
    rf"(?<![a-z\d])(resistance|conductance|current|{_WORDS})(?![a-z\d])", re.IGNORECASE
)
_NUMBERED = re.compile(r"(.*?[^\W\d])[\s_.#-]*\d+((?:\s*[(\[{].*[)\]}])?)")
# As the header of a column without LRS or HRS these words are too short to be sure of.
_SHORT_STATES = ("0", "1", "l", "h", "lr", "hr", "low", "high", "an", "ein", "aus")
# Columns about readings, not of readings; "LRS mean" must not become a condition "mean". What a
# cell is before or while it is formed is neither state.
_ABOUT = re.compile(
    r"\b(form|forming|formed|electroforming|pristine|virgin|mean|average|avg|median|std|stdev|sd|sigma|mu|cv|var|variance|min|max|count|n|ratio|window"
    r"|log\d*r?|lg|ln|error|errors|failed|fail|energy|voltage|pulses?|time|flag|status|percentile|p\d+)\b",
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
            name = with_plain_brackets(renamed.get(text.strip(), text))
            with _in_column(text, place):
                named = _with_unit_last(name, place=place) if _STATE.search(name) else name
                wide = _wide(named, position, place=place)
            if wide is not None:
                columns.append(replace(wide, header=text))
    columns = _without_voltage(columns)
    return tuple(columns) if may_repeat else _numbered(columns, place=place)


@contextmanager
def _in_column(header: str, place: str) -> Iterator[None]:
    """Say in which column a unit is that may mean two things."""
    try:
        yield
    except AmbiguousUnitError as error:
        raise InputError(f"{place}, column {header!r}: {error}") from error


def _without_voltage(columns: list[Column]) -> list[Column]:
    """Return currents without the read voltage in the names of conditions, unless it parts them."""
    if any(column.quantity != "current" for column in columns):
        return columns
    bare = []
    for column in columns:
        name = without_voltage(column.condition or "", column.header)
        bare.append(replace(column, condition=name or None))
    distinct = {(one.state, one.condition, one.cell, one.cycle) for one in bare}
    return bare if len(distinct) == len(bare) else columns


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
                is_second = text != column.header.strip()
                alone.append(replace(column, cycle=one.cycle) if is_second else column)
        for column in _numbered(alone, place=place):
            numbered[column.position] = column
    return tuple(numbered[column.position] for column in columns)


def quantity_named(header: str) -> str | None:
    """Return the quantity that the header of a column of readings names in a word, else None."""
    named = _QUANTITY.search(header.replace("_", " "))
    return None if named is None else _LETTERS.get(named[1].casefold(), named[1].casefold())


def condition_columns(
    header: Sequence[str], *, place: str, renamed: Mapping[str, str], skip: Sequence[int]
) -> tuple[Column, ...]:
    """Return the columns named by a condition, a cycle or a cell, with readings of any state.

    Such columns stand beside a state column: ``state,weak (kOhm),strong (kOhm)``,
    ``cell,state,cycle 1,cycle 2``. One named by a condition has a unit of a reading.
    """
    columns = []
    for position, text in enumerate(header):
        if position not in skip:
            name = _with_unit_last(with_plain_brackets(renamed.get(text.strip(), text)))
            with _in_column(text, place):
                column = _of_any_state(name, position)
            columns += [] if column is None else [replace(column, header=text)]
    return tuple(_without_voltage(columns))


def _of_any_state(text: str, position: int) -> Column | None:
    for name, unit, sure in splits(text):
        quantity = _quantity_of_unit(unit) if unit and sure else None
        if (unit and quantity is None) or _ABOUT.search(name.replace("_", " ")):
            continue
        said = _said(name)
        is_condition = bool(said.condition) and quantity is not None
        is_named = not said.condition and (said.cycle is not None or said.cell is not None)
        if not (is_condition or is_named) or (
            said.quantity and quantity not in (None, said.quantity)
        ):
            continue
        quantity = quantity or said.quantity or "resistance"
        factor = factor_to_si(unit, quantity) if unit else 1.0
        return Column(
            "reading",
            text,
            position,
            quantity,
            factor,
            unit_given=bool(unit),
            condition=said.condition,
            cell=said.cell,
            cycle=said.cycle,
        )
    return None


def repeated_columns(
    header: Sequence[str], *, place: str, renamed: Mapping[str, str]
) -> tuple[Column, ...]:
    """Return columns of readings of one name, "R", "R" or "R1", "R2", nothing where there are none.

    What differs between them, only rows above can tell. "R.1" is how pandas writes a second "R".
    """
    known = {role: measurement_columns()[role] for role in QUANTITIES}
    alike: dict[str, list[Column]] = {}
    for position, text in enumerate(header):
        if text.strip() in renamed:
            continue
        plain = re.sub(r"(?<=[)\]}])\.\d+$", "", text.strip())
        numbered = _NUMBERED.fullmatch(plain)
        bare = plain if numbered is None else numbered[1] + numbered[2]
        for role, column in recognise([bare], known, place=place).items():
            reading = replace(column, role="reading", header=text, position=position)
            alike.setdefault(f"{role} {bare}", []).append(reading)
    found = [columns for columns in alike.values() if len(columns) > 1]
    return tuple(found[0]) if len(found) == 1 and len(alike) == 1 else ()


_BRACKETS = re.compile(r"[(\[{]\s*([^()\[\]{}]+?)\s*[)\]}]")
_TOKEN = re.compile(r"[^\s_,;:/@()\[\]{}-]+")


def _with_unit_last(text: str, *, place: str = "") -> str:
    """Return a header whose unit of a reading, wherever it stands, stands in brackets at the end.

    A number before a unit is a setting with it: "55 uA". One letter, "LRS A", names a condition.

    Raises
    ------
    InputError
        If a place is given, and the header names several units or has a bracket without its other.
    """
    text = text.strip()
    if re.fullmatch(r".*[)\]}]\.\d+", text) or (place and not _STATE.search(text)):
        return text
    found = [match for match in _BRACKETS.finditer(text) if _is_of_reading(match[1])]
    if not found:
        found = [match for match in _TOKEN.finditer(text) if _is_bare_unit(text, match)]
    if place and len({(match.groups() or (match[0],))[0] for match in found}) > 1:
        units = " and ".join(repr(match[0]) for match in found)
        raise InputError(f"{place}, column {text!r}: {units} are both units; keep one.")
    if not found or found[-1].end() == len(text):
        return text
    match = found[-1]
    unit = match[1] if match.re is _BRACKETS else match[0]
    rest = f"{text[: match.start()].rstrip()} {text[match.end() :].lstrip()}"
    return f"{rest.strip()} ({unit})"


def _is_of_reading(unit: str) -> bool:
    try:
        return _quantity_of_unit(unit) is not None
    except AmbiguousUnitError:
        return True


def _is_bare_unit(text: str, match: re.Match[str]) -> bool:
    """Whether a word without brackets is a unit, and not the one of a number before it."""
    is_long_enough = len(match[0]) > 1 or match[0] in "ΩΩ"
    is_of_number = re.search(r"\d[\s_]*$", text[: match.start()]) is not None
    is_state = _STATE.fullmatch(match[0]) is not None
    return is_long_enough and not is_of_number and not is_state and _is_of_reading(match[0])


def numbered_by_letter(
    columns: Sequence[Column], *, has_cells: bool, has_cycles: bool
) -> tuple[Column, ...]:
    """Return the columns with "c1", "c2" in their headers taken as cycles of named cells.

    So are "@1", "@1000": numbers without a unit, each a power of ten or the largest a thousand.
    """
    is_numbered = has_cycles or any(column.cycle is not None for column in columns)
    if not has_cells or is_numbered:
        return tuple(columns)
    matches = [_LETTERED.search(column.condition or "") for column in columns]
    if None in matches:
        matches = [_AT.fullmatch(column.condition or "") for column in columns]
        counts = [_count(match[1]) for match in matches if match is not None]
        whole = [count for count in counts if count is not None]
        powers = all(str(count).strip("0") == "1" for count in whole)
        are_cycles = powers or max(whole, default=0) >= _SURELY_CYCLES
        if len(whole) < len(counts) or not are_cycles:
            return tuple(columns)
    numbers = {match[1] for match in matches if match is not None}
    if None in matches or len(numbers) < 2:
        return tuple(columns)
    numbered = []
    for column, match in zip(columns, matches, strict=True):
        if match is not None:
            text = column.condition or ""
            rest = (text[: match.start()] + " " + text[match.end() :]).strip(" _-:,.") or None
            column = replace(column, condition=rest, cycle=_count(match[1]))
        numbered.append(column)
    return tuple(numbered)


_SURELY_CYCLES = 1000
"""A number behind "@" may be a temperature or a current; one so large counts cycles."""


def _count(text: str) -> int | None:
    """Return a number of cycles: "1000", "1e3", "10^3", "5x10^4", "10k"; None: no whole number."""
    plain = re.sub(r"\s", "", text.casefold())
    plain = re.sub(r"(?:^|[x×*·])10(?:\^|\*\*)", "e", plain).replace("k", "e3")
    number = float(f"1{plain}" if plain.startswith("e") else plain)
    return int(number) if number.is_integer() else None


def _wide(text: str, position: int, *, place: str) -> Column | None:
    states = {match[1].upper() for match in _STATE.finditer(text)}
    if len(states) > 1:
        return None
    if not states:
        return _in_other_words(text, position, place=place)
    if _ABOUT.search(text.replace("_", " ")):
        return None
    repeat = re.fullmatch(r"(.*[)\]}])\.(\d+)", text.strip())
    if repeat is not None:
        # "LRS (kOhm).1" is how pandas writes a second column "LRS (kOhm)".
        first = _wide(repeat[1], position, place=place)
        return first if first is None or first.cycle else replace(first, cycle=int(repeat[2]))
    _refuse_unclear(text, place=place)
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


_OPEN_OR_CLOSED = re.compile(r"[()\[\]{}]")
_NUMBER_AND_CURRENT = re.compile(r".*?(\d[\d.]*\s+[munpµμ]?A)", re.IGNORECASE)


def _refuse_unclear(text: str, *, place: str) -> None:
    """Refuse a bracket without its other, and a number and a unit that may be a setting."""
    rest, before = text, ""
    while rest != before:
        before, rest = rest, re.sub(r"\([^()\[\]{}]*\)|\[[^()\[\]{}]*\]|\{[^()\[\]{}]*\}", "", rest)
    lone = _OPEN_OR_CLOSED.search(rest)
    if lone is not None:
        raise InputError(
            f"{place}, column {text!r}: the bracket {lone[0]!r} has no match; write a unit as "
            "in 'LRS (kOhm)'."
        )
    unclear = _NUMBER_AND_CURRENT.fullmatch(text)
    if unclear is not None and _CYCLE.search(text) is None:
        raise InputError(
            f"{place}, column {text!r}: {unclear[1]!r} may be a setting, or a cycle and the unit "
            f"of the readings. Write the unit in brackets at the end: '{text} (kOhm)'."
        )


def _in_other_words(text: str, position: int, *, place: str) -> Column | None:
    """Return a column whose header has another word for its state: "R on", "SET (kOhm)"."""
    numbered = _CYCLE.search(text)
    plain, cycle = text, None
    if numbered is not None:
        plain = f"{text[: numbered.start()].rstrip()}{text[numbered.end() :]}"
        cycle = int(numbered[1])
    for role, column in recognise([plain], STATE_COLUMNS, place=place).items():
        state = STATES.index(role[:3].upper())
        return replace(column, role="reading", position=position, state=state, cycle=cycle)
    for name, unit, sure in splits(plain):
        quantity = _quantity_of_unit(unit) if unit and sure else None
        word = re.sub(r"^R[\s_]+|[\s_]+R$", "", name.strip())
        state_of_word = None if word.casefold() in _SHORT_STATES else state_named(word)
        if quantity is not None and state_of_word is not None:
            factor = factor_to_si(unit, quantity)
            column = Column("reading", text, position, quantity, factor, unit_given=True)
            return replace(column, state=state_of_word, cycle=cycle)
    return None


@dataclass(frozen=True)
class _Said:
    """What a header says of readings beside their state and unit; what is left is a condition."""

    quantity: str | None
    cycle: int | None
    cell: str | None
    condition: str | None


def _said(text: str) -> _Said:
    cycle, rest = None, text
    numbered = _CYCLES.search(rest) or _CYCLE.search(rest)
    if numbered is not None:
        cycle, rest = _count(numbered[1]), rest[: numbered.start()] + " " + rest[numbered.end() :]
    quantity = None
    named = _QUANTITY.search(rest.replace("_", " "))
    if named is not None:
        quantity = _LETTERS.get(named[1].casefold(), named[1].casefold())
        rest = rest[: named.start()] + " " + rest[named.end() :]
    of_cell = _CELL.search(rest.replace("_", " "))
    if of_cell is not None:
        rest = rest[: of_cell.start()] + " " + rest[of_cell.end() :]
    condition: str | None = _without_empty_brackets(re.sub(r"\s+", " ", rest))
    if not any(map(str.isalnum, condition or "")):
        # Marks alone, such as those of the paths "/'LRS'/'R'" of TDMS files, are no name.
        condition = None
    return _Said(quantity, cycle, None if of_cell is None else of_cell[1], condition)


def _without_empty_brackets(text: str) -> str:
    text = re.sub(r"\(\s*\)|\[\s*\]|\{\s*\}", " ", text)
    text = re.sub(r"\s+", " ", text).strip(" _-:,.")
    alone = re.fullmatch(r"[(\[{]([^()\[\]{}]*)[)\]}]", text)
    return text if alone is None else alone[1].strip(" _-:,.")


def _parsed(text: str, name: str, unit: str, position: int) -> Column | None:
    state = _STATE.search(name)
    if state is None:
        return None
    said = _said(name[: state.start()] + " " + name[state.end() :])
    if state[2] and said.cycle is not None:
        return None
    quantity, factor = said.quantity or "resistance", 1.0
    if unit:
        of_unit = _quantity_of_unit(unit)
        if of_unit is None or (said.quantity is not None and of_unit != quantity):
            return None
        quantity, factor = of_unit, factor_to_si(unit, of_unit)
    return Column(
        "reading",
        text,
        position,
        quantity,
        factor,
        unit_given=bool(unit),
        state=STATES.index(state[1].upper()),
        condition=said.condition,
        cell=said.cell,
        cycle=int(state[2]) if state[2] else said.cycle,
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
