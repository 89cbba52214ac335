"""What rows above a header say: conditions and settings of the columns below, or of the file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.formatting import quantity
from rramsim.notes import Note
from rramsim.readers.columns.headers import (
    Above,
    Column,
    Header,
    are_units,
    measurement_columns,
    recognise,
    unit_stated,
    with_units,
)
from rramsim.readers.columns.values import header_again
from rramsim.readers.table import Grid, RawTable
from rramsim.schema import CYCLE_WORDS, settings
from rramsim.units import read_quantity

if TYPE_CHECKING:
    pass

_COMMENT_SIGNS = ("#", "%", "//", "!")
_PAIR = re.compile(r"\s*([^:=]+?)\s*[:=]\s*(.+?)\s*")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_STATE = re.compile(r"(?:[RGI][\s_]*)?(LRS|HRS)(?:[\s_]*[(\[].*[)\]])?", re.IGNORECASE)
_CYCLE = re.compile(rf"(?:{'|'.join(CYCLE_WORDS)}|#)?[\s_.#-]*(\d+)", re.IGNORECASE)
_READING = re.compile(r"[<>≤≥]|[-+]?[\d.,]+(?:e[-+]?\d+)?\s*[kMGT]?(?:ohms?|Ω)?$", re.IGNORECASE)
_ROWS_OF_A_HEADER = 5
_ROWS_BEFORE = 30
_SHOWN = 4
# Of these a column of readings holds one each only where its rows say so.
_OF_ROWS = ("cell", "die", "row", "column", "state")


@dataclass(frozen=True)
class RowsAbove:
    """What the rows above a header say.

    Attributes
    ----------
    texts : tuple of str
        The header, with names of columns that stand above it.
    constants : mapping of str to str
        What holds for the whole table, by headers of ours.
    above : Above or None
        What holds for each column of readings.
    cycles : tuple of int, or None
        The cycle of each column of readings.
    groups : tuple of str
        One label for each column of readings; alike where all that the rows say is alike.
    notes : tuple of Note
    """

    texts: tuple[str, ...]
    constants: Mapping[str, str] = field(default_factory=dict)
    above: Above | None = None
    cycles: tuple[int, ...] | None = None
    groups: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()


def stacked_header(grid: Grid) -> Header | None:
    """Return a header of several rows with the states in the upper one, or None.

    Below the states stand conditions, settings, cycles, units or the names of the other columns;
    blank cells after a state are of it. The rows that are not in its texts are its `levels`.
    """
    records = grid.records[:_ROWS_BEFORE]
    for row, record in enumerate(records):
        texts = [text.strip() for text in record]
        at = [position for position, text in enumerate(texts) if _STATE.fullmatch(text)]
        if len({_STATE.fullmatch(texts[i])[1].upper() for i in at}) == 2:  # type: ignore[index]
            return _stacked(grid, row, first=at[0])
    return None


def _stacked(grid: Grid, row: int, *, first: int) -> Header | None:
    width = max(map(len, grid.records[row : row + _ROWS_OF_A_HEADER]))
    states = _filled(_padded(grid.records[row], width), first)
    levels: list[tuple[int, tuple[str, ...]]] = []
    labels = _padded(grid.records[row], width)[:first]
    names = ["" if _role_of(text) == "state" else text for text in labels]
    is_plain = list(labels) == names
    units: tuple[str, ...] = ("",) * width
    at = row + 1
    cycles: tuple[str, ...] = ("",) * width
    while at < len(grid.records) and at < row + _ROWS_OF_A_HEADER:
        texts = _padded(grid.records[at], width)
        label = next((text for text in reversed(texts[:first]) if text), "")
        over = [text for text in texts[first:] if text]
        below = None if over else _names_below(texts[:first], names)
        if below is not None:
            names, is_plain, at = below, False, at + 1
            break
        if are_units(texts):
            units = texts
            at += 1
            continue
        is_cycle = _role_of(label) == "cycle" or (not label and _are_cycles(over))
        if is_cycle and all(_CYCLE.fullmatch(text) for text in over):
            cycles = _filled(texts, first)
        elif over and (_role_of(label) in _LEVELS or not any(map(_is_reading, over))):
            levels.append((grid.row_numbers[at], texts))
            if label and _role_of(label) not in _LEVELS:
                names = [text or name for text, name in zip(texts, names, strict=False)]
        else:
            break
        at += 1
    if not all(_parts_states(texts, states, first) for _, texts in levels):
        return None
    if (is_plain and not levels and not any(cycles)) or at >= len(grid.records):
        return None
    composed = []
    for position in range(width):
        cycle = _CYCLE.fullmatch(cycles[position]) if position >= first else None
        state = states[position]
        matched = re.fullmatch(r"(.*?)([\s_]*[(\[].*[)\]])", state)
        name, unit = (matched[1], matched[2]) if matched else (state, "")
        composed.append(
            names[position]
            if position < first
            else f"{name} cycle {cycle[1]}{unit}"
            if cycle
            else state
        )
    texts = with_units(composed, units) if any(units) else tuple(composed)
    return Header(texts, row, at, levels=tuple(levels))


def _names_below(texts: Sequence[str], names: Sequence[str]) -> list[str] | None:
    """Return the names of columns with those that a lower row adds, None where it adds none.

    A text of no meaning below the name of a column is the name of the rows that follow.
    """
    pairs = zip(texts, names, strict=True)
    is_taken = any(text and _role_of(name) and not _role_of(text) for text, name in pairs)
    if is_taken or not any(texts):
        return None
    return [text or name for text, name in zip(texts, names, strict=True)]


def _parts_states(texts: Sequence[str], states: Sequence[str], first: int) -> bool:
    """Whether each text of a row stands with both states, so that it can name a condition."""
    groups: dict[str, set[str]] = {}
    for text, state in zip(_filled(texts, first)[first:], states[first:], strict=True):
        matched = _STATE.fullmatch(state)
        groups.setdefault(text, set()).add(matched[1].upper() if matched else "")
    return all(len(found - {""}) == 2 for text, found in groups.items() if text)


def rows_above(grid: Grid, header: Header, *, place: str) -> RowsAbove:
    """Return what the rows above a header of readings say.

    Parameters
    ----------
    grid : Grid
    header : Header
        With its columns of readings.
    place : str
        The file, for messages.

    Raises
    ------
    InputError
        If a row has texts over several columns of readings and nothing tells what they name.
    """
    width = len(header.texts)
    texts = list(header.texts)
    constants: dict[str, str] = dict(_pairs_of_comments(grid))
    notes = [_constant_note(place, name, value, "a comment") for name, value in constants.items()]
    left_out: list[tuple[int, str]] = []
    levels: list[tuple[int, str, tuple[str, ...]]] = []
    first = min(column.position for column in header.readings)
    rows = [
        *zip(grid.row_numbers[: header.row], grid.records[: header.row], strict=True),
        *header.levels,
    ]
    for number, record in rows:
        row = _padded(record, max(width, len(record)))
        where = f"{place}, row {number}"
        filled = [position for position, text in enumerate(row) if text]
        if not filled or _is_of_readings(row, header):
            continue
        if row[:width] == tuple(text.strip() for text in header.texts):
            raise InputError(header_again(place, grid.row_numbers[header.row]))
        groups = _groups(row, header, first=first, where=where)
        if groups is not None:
            labels = [row[i] for i in range(first) if row[i] and row[i] != texts[i]]
            names_column = any(
                row[i] and not texts[i] and _role_of(row[i]) not in _LEVELS for i in range(first)
            )
            for position in range(first):
                if row[position] and not texts[position] and names_column:
                    texts[position] = row[position]
            label = "" if names_column or not labels else labels[-1]
            levels.append((number, label, groups))
            continue
        pair = stated_pair(row, filled)
        if pair is None:
            left_out.append((number, row[filled[0]]))
            continue
        constants.setdefault(*pair)
        notes.append(_constant_note(place, *pair, f"row {number}"))
    if left_out:
        shown = ", ".join(f"row {number} {text[:40]!r}" for number, text in left_out[:_SHOWN])
        more = ", ..." if len(left_out) > _SHOWN else ""
        word = "row" if len(left_out) == 1 else "rows"
        notes.append(
            Note(
                f"{len(left_out)} {word} above the header not used ({shown}{more}).",
                kind="rows above the header",
                file=place,
                values={"rows": len(left_out)},
            )
        )
    if not levels:
        return RowsAbove(tuple(texts), constants, notes=tuple(notes))
    above, cycles = _above(levels, place=place)
    notes.append(_level_note(levels, place=place))
    alike = tuple(map(str, zip(*(groups for *_, groups in levels), strict=True)))
    return RowsAbove(tuple(texts), constants, above, cycles, alike, tuple(notes))


def _is_of_readings(row: Sequence[str], header: Header) -> bool:
    """Whether a row says only the unit of all readings, or what their headers count."""
    numbered = [(row[one.position], one.cell or str(one.cycle)) for one in header.readings]
    if all(text == number for text, number in numbered):
        return True
    distinct = {text for text in row if text}
    if len(distinct) != 1:
        return False
    (text,) = distinct
    counted = {"cycle": "cycle", "cell": "cell"}.get(_role_of(text), "")
    is_counted = bool(counted) and all(
        getattr(column, counted) is not None for column in header.readings
    )
    return is_counted or unit_stated(text) is not None


def _groups(
    row: Sequence[str], header: Header, *, first: int, where: str
) -> tuple[str, ...] | None:
    """Return the text for each column of readings, None where the row is not about these."""
    readings = [column.position for column in header.readings]
    over = [position for position in readings if row[position]]
    filled = [position for position, text in enumerate(row) if text]
    if row[filled[0]].startswith(_COMMENT_SIGNS) or not over:
        # A label over the whole block of cells and readings, side by side with others.
        return None
    role = _role_of(next((text for text in reversed(row[:first]) if text), ""))
    is_repeated = _are_repeated(header)
    if len(filled) == 1 and (first == 0 or over[0] != first) and not is_repeated:
        return None
    is_run = filled == list(range(len(filled)))
    is_pair = is_run and len(filled) == 2 and first > 0 and (header.texts[0] or role in _LEVELS)
    if is_pair and len(over) == 1:
        return None
    if is_run and first > 0 and len(filled) < len(row) and not is_repeated and role not in _LEVELS:
        return None
    texts = [
        next((row[i] for i in range(position, first - 1, -1) if row[i]), "")
        for position in readings
    ]
    if _are_whole(texts, over, header):
        return tuple(texts)
    shown = ", ".join(repr(row[i]) for i in filled[:6])
    raise InputError(
        f"{where}: the texts {shown} are above the columns of readings, and it is not clear what "
        "they name. Accepted is a condition or setting above the first column of each group, with "
        "the same states in each group, or above every column. Begin a remark with #."
    )


def _are_whole(texts: Sequence[str], over: Sequence[int], header: Header) -> bool:
    """Whether each column has its text, and blanks were filled to groups of the same states."""
    if not all(texts):
        return False
    states: dict[str, set[int | None]] = {}
    for column, text in zip(header.readings, texts, strict=True):
        states.setdefault(text, set()).add(column.state)
    if len(over) == len(texts):
        return len({frozenset(found) for found in states.values()}) == 1
    blocks: list[tuple[str, Counter[int | None]]] = []
    for column, text in zip(header.readings, texts, strict=True):
        if column.position in over or not blocks:
            blocks.append((text, Counter()))
        blocks[-1][1][column.state] += 1
    return len({tuple(sorted(count.items(), key=str)) for _, count in blocks}) == 1


def _are_repeated(header: Header) -> bool:
    names = [re.sub(r"\.\d+$", "", column.header.strip()) for column in header.readings]
    return len(set(names)) < len(names)


def stated_pair(row: Sequence[str], filled: Sequence[int]) -> tuple[str, str] | None:
    """Return a condition or setting of the whole table that a row states, by a header of ours."""
    texts = [row[position] for position in filled]
    if len(texts) == 1:
        matched = _PAIR.fullmatch(texts[0].lstrip("#%!/ "))
        return None if matched is None else _constant(matched[1], matched[2])
    if len(texts) in (2, 3) and list(filled) == list(range(len(filled))):
        return _constant(texts[0].rstrip(":= "), " ".join(texts[1:]))
    return None


def _pairs_of_comments(grid: Grid) -> Iterator[tuple[str, str]]:
    for comment in grid.comments:
        matched = _PAIR.fullmatch(comment)
        pair = None if matched is None else _constant(matched[1], matched[2])
        if pair is not None:
            yield pair


def _constant(name: str, text: str) -> tuple[str, str] | None:
    """Return a header of ours with its text in SI, None where the name is no setting."""
    found = _recognised(name)
    if found is None:
        return None
    if found.role == "condition":
        return "condition", text
    number = _in_si(text, found)
    return None if number is None else (f"{found.role} ({_unit_of(found.role)})", repr(number))


def _in_si(text: str, column: Column) -> float | None:
    if column.quantity is None:
        return None
    if _NUMBER.fullmatch(text.strip()):
        return float(text) * column.factor if column.unit_given else None
    try:
        return read_quantity(text, column.quantity)
    except InputError:
        return None


def _recognised(label: str) -> Column | None:
    """Return a label as a column of conditions or of a setting, else None."""
    if not label:
        return None
    try:
        found = recognise([label], measurement_columns(), place="")
    except InputError:
        return None
    column = next(iter(found.values()), None)
    known = {"condition", "cycle", *(setting.name for setting in settings())}
    return column if column is not None and column.role in known else None


def _are_cycles(texts: Sequence[str]) -> bool:
    """Whether texts without a label are cycles: by their word, or numbers from 0 or 1 on.

    Other numbers may as well be currents or voltages without a unit.
    """
    matches = [_CYCLE.fullmatch(text) for text in texts]
    if None in matches or not matches:
        return False
    if all(text.casefold().startswith("cyc") for text in texts):
        return True
    numbers = sorted({int(match[1]) for match in matches if match is not None})
    return len(numbers) > 1 and numbers in [
        list(range(start, start + len(numbers))) for start in (0, 1)
    ]


class _Levels:
    """The roles that a row above the header can have for the columns below it."""

    def __contains__(self, role: object) -> bool:
        known = {"condition", "cycle", *(setting.name for setting in settings())}
        return role in known


_LEVELS = _Levels()


def _role_of(label: str) -> str:
    try:
        found = recognise([label], measurement_columns(), place="") if label else {}
    except InputError:
        return ""
    return next(iter(found), "")


def _unit_of(role: str) -> str:
    return next(setting.unit for setting in settings() if setting.name == role)


def _above(
    levels: Sequence[tuple[int, str, tuple[str, ...]]], *, place: str
) -> tuple[Above | None, tuple[int, ...] | None]:
    """Return the table on its side that the levels make, and the cycles among them."""
    import numpy as np

    named: list[str] = [""] * len(levels[0][2])
    columns: dict[str, tuple[str, ...]] = {}
    cycles = None
    for number, label, texts in levels:
        where = f"{place}, row {number}"
        role = _role_of(label)
        if role == "cycle" or (not label and cycles is None and _are_cycles(texts)):
            matches = [_CYCLE.fullmatch(text) for text in texts]
            if None in matches:
                raise InputError(f"{where}: {label!r} names cycles, but not every text is one.")
            cycles = tuple(int(match[1]) for match in matches if match is not None)
            continue
        if role in _OF_ROWS:
            raise InputError(
                f"{where}: {label!r} is above the columns of readings; a {role} for each "
                "column is not accepted. Give a row for each reading."
            )
        column = _recognised(label)
        if column is not None and column.role != "condition":
            columns[column.role] = _numbers(texts, column, where=where, label=label)
            continue
        stated = _setting_in(texts)
        if stated is not None:
            columns.setdefault(*stated)
        prefix = "" if column is not None or not label or not _are_numbers(texts) else f"{label} "
        named = [
            f"{name}, {prefix}{text}" if name else f"{prefix}{text}"
            for name, text in zip(named, texts, strict=True)
        ]
    if any(named):
        columns["condition"] = tuple(named)
    if not columns:
        return None, cycles
    table = RawTable(
        place,
        tuple(columns),
        tuple(columns.values()),
        np.full(len(named), levels[0][0]),
        decimal_comma=False,
    )
    known = measurement_columns()
    roles = {
        role: Column(role, role, position, known[role].quantity, 1.0, unit_given=True)
        for position, role in enumerate(columns)
    }
    return Above(table, roles), cycles


def _numbers(texts: Sequence[str], column: Column, *, where: str, label: str) -> tuple[str, ...]:
    numbers = [_in_si(text, column) for text in texts]
    if None in numbers:
        text = texts[numbers.index(None)]
        raise InputError(
            f"{where}: {text!r} above a column of readings is not {label!r} with a unit."
        )
    return tuple(map(repr, numbers))


def _setting_in(texts: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """Return the setting that texts such as "Icc = 55 uA" all state."""
    pairs = [_PAIR.fullmatch(text) for text in texts]
    found = [None if pair is None else _constant(pair[1], pair[2]) for pair in pairs]
    names = {None if one is None else one[0] for one in found}
    if len(names) != 1 or None in names:
        return None
    role = str(names.pop()).split(" (")[0]
    if role == "condition":
        return None
    return role, tuple(one[1] for one in found if one is not None)


def _are_numbers(texts: Sequence[str]) -> bool:
    return all(_NUMBER.fullmatch(text.strip()) for text in texts)


def _is_reading(text: str) -> bool:
    """Whether a text may be a reading and not the name of a condition."""
    return (
        re.match(r"[<>≤≥]|[-+]?[\d.,]+(?:e[-+]?\d+)?\s*[kMGT]?(?:ohms?|Ω)?$", text, re.I)
        is not None
    )


def _padded(record: Sequence[str], width: int) -> tuple[str, ...]:
    texts = tuple(text.strip() for text in record)
    return texts + ("",) * (width - len(texts))


def _filled(texts: Sequence[str], first: int) -> tuple[str, ...]:
    """Return texts of which each stands also for the blanks after it."""
    filled = list(texts[:first])
    for text in texts[first:]:
        filled.append(text or (filled[-1] if len(filled) > first else ""))
    return tuple(filled)


def _constant_note(place: str, name: str, value: str, where: str) -> Note:
    for setting in settings():
        if name.startswith(f"{setting.name} ("):
            name, value = setting.label, quantity(float(value), setting.unit)
    return Note(
        f"{name} = {value} is stated by {where} and holds for the whole table.",
        kind="stated above the header",
        file=place,
        values={"name": name, "value": value},
    )


def _level_note(levels: Sequence[tuple[int, str, tuple[str, ...]]], *, place: str) -> Note:
    said = []
    for number, label, texts in levels:
        distinct = list(dict.fromkeys(texts))
        more = ", ..." if len(distinct) > _SHOWN else ""
        unlabelled = "cycles" if _are_cycles(texts) else "names of"
        what = f"{label!r} of" if label else unlabelled
        said.append(f"row {number} ({what} {', '.join(map(repr, distinct[:_SHOWN]))}{more})")
    return Note(
        f"the conditions of columns are read from rows at the header: {'; '.join(said)}.",
        kind="conditions above the header",
        file=place,
        values={"rows": len(levels)},
    )
