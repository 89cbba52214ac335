"""Several tables with one header in a grid: side by side, or one below another."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from rramsim.errors import InputError
from rramsim.notes import Note
from rramsim.readers.columns.headers import (
    are_units,
    measurement_columns,
    recognise,
    unit_stated,
)
from rramsim.readers.columns.values import is_reading
from rramsim.readers.columns.wide import QUANTITIES, condition_columns, wide_columns
from rramsim.readers.formats.rows import columns_found
from rramsim.readers.formats.sheets import place_of_name, state_of_name
from rramsim.readers.programming.above_header import stated_pair
from rramsim.readers.table import Grid
from rramsim.schema import CYCLE_WORDS, header_key

# A second column of one of these begins another table.
_LABELS = ("condition", "die", "row", "column", "cell", "cycle", "state")
_ROWS_BEFORE_A_HEADER = 30
_HEADERS_SHOWN = 3
_NUMBER = re.compile(r"[-+]?[\d.,]+(?:e[-+]?\d+)?", re.IGNORECASE)
_CYCLE = re.compile(rf"(?:{'|'.join(CYCLE_WORDS)})[\s_.#-]*(\d+(?:e\+?\d+)?)", re.IGNORECASE)


def tables_side_by_side(grid: Grid, *, is_named: bool) -> list[Grid]:
    """Return the tables that stand side by side in a grid, nothing where there is only one.

    Their headers repeat: ``cell,LRS,HRS,cell,LRS,HRS``; columns before the first are of all. Rows
    above name them: a condition, a state, a cell, a die or a cycle each.

    Parameters
    ----------
    grid : Grid
    is_named : bool
        Whether the user says by what conditions are named.

    Raises
    ------
    InputError
        If nothing tells the tables apart, or a row has more or fewer columns than the header.
    """
    head = grid.records[:_ROWS_BEFORE_A_HEADER]
    found = ((row, spans) for row, record in enumerate(head) if (spans := _spans(record)))
    row, spans = next(found, (0, []))
    if not spans:
        return []
    grid = _of_one_width(grid.whole(), row, spans)
    naming, names = _names_above(grid, row, spans)
    if not (naming or spans[0].start == 0 or _of_labels(grid.records[row])):
        return []
    header = grid.records[row][: spans[0].stop]
    has_conditions = "condition" in _roles(header)
    if not (naming or is_named or has_conditions):
        shown = ", ".join(repr(text) for text in header[spans[0].start :] if text)
        raise InputError(
            f"{grid.place}, row {grid.row_numbers[row]}: the columns {shown} are repeated "
            f"{len(spans)} times side by side, and nothing distinguishes the tables. Write the "
            "condition of each into a row above its first column, or give each a column "
            "'condition'."
        )
    # Where a column tells the condition, names above it are left out like any other line.
    said = [_constants(of_span, {}, has_conditions=False) for of_span in names]
    is_told_twice = has_conditions and any("condition" in one for one in said)
    unused = set() if is_told_twice else naming
    blocks = []
    for span, of_span in zip(spans, names, strict=True):
        constants = _constants(of_span, grid.constants, has_conditions=has_conditions)
        block = replace(_block(grid, row, spans[0], span, unused), constants=constants)
        if block.row_numbers[-1] > grid.row_numbers[row]:
            blocks.append(block)
    where = ", ".join(
        _columns_in_words(grid, span) + (f" ({', '.join(of_span)})" if of_span else "")
        for span, of_span in zip(spans, names, strict=True)
    )
    text = f"{len(spans)} tables stand side by side: {where}."
    values = {"tables": len(spans)}
    note = Note(text, kind="tables side by side", file=grid.place, values=values)
    blocks[0] = replace(blocks[0], notes=(*grid.notes, note), left_out=grid.left_out)
    return blocks


def _spans(record: Sequence[str]) -> list[range]:
    """Return the columns of each table where a record is the header of several, else nothing.

    A table begins with a label, or with a column of another name that each table has.
    """
    texts = _without_suffixes(record)
    keys = [header_key(text) or text for text in texts]
    for key in _of_labels(record) or _of_other_names(texts):
        starts = [at for at, other in enumerate(keys) if other == key]
        # What stands before it in each table belongs to the table.
        while starts[0] and keys[starts[0] - 1] and len({keys[at - 1] for at in starts}) == 1:
            starts = [at - 1 for at in starts]
        spans = [range(*ends) for ends in zip(starts, [*starts[1:], len(texts)], strict=True)]
        is_header = all(_has_readings(texts[span.start : span.stop]) for span in spans)
        return spans if is_header else []
    return []


def _of_labels(record: Sequence[str]) -> list[str]:
    """Return the keys of the labels that a record has several times."""
    keys = [header_key(text) for text in _without_suffixes(record)]
    known = measurement_columns()
    labels = {header_key(name) for role in _LABELS for name in (role, *known[role].aliases)}
    return [key for key in dict.fromkeys(keys) if key in labels and keys.count(key) > 1]


def _of_other_names(texts: Sequence[str]) -> list[str]:
    """Return the keys of other columns that each of several groups of readings has.

    A row with numbers is no header.
    """
    keys = [header_key(text) or text for text in texts]
    if any(_NUMBER.fullmatch(text.lstrip("<>")) for text in texts):
        return []
    others = [
        key
        for key, text in dict(zip(keys, texts, strict=True)).items()
        if text and keys.count(key) > 1 and not _has_readings([text])
    ]
    return [key for key in others if keys.count(key) == max(map(keys.count, others))][:1]


def _without_suffixes(record: Sequence[str]) -> list[str]:
    """Return a header in which "cell.1", as pandas writes a second "cell", is "cell"."""
    texts = [text.strip() for text in record]
    bare = [re.sub(r"\.\d+$", "", text) for text in texts]
    return [one if one in texts else text for one, text in zip(bare, texts, strict=True)]


def _roles(texts: Sequence[str]) -> set[str]:
    roles: set[str] = set()
    for text in texts:
        try:
            roles |= set(recognise([text], measurement_columns(), place=""))
        except InputError:
            continue
    return roles


def _has_readings(texts: Sequence[str]) -> bool:
    """Return whether a record may be the header of a table with readings."""
    try:
        is_wide = bool(wide_columns(texts, place="", renamed={}, may_repeat=True))
        by_name = condition_columns(texts, place="", renamed={}, skip=())
    except InputError:
        # A unit that is not known stands at a reading; whoever reads the table says so.
        return True
    numbered = [text for text in texts if text.isdecimal()]
    is_counted = len(numbered) > 1 or any(not column.condition for column in by_name)
    return is_wide or is_counted or bool(_roles(texts) & {*QUANTITIES})


def _of_one_width(grid: Grid, row: int, spans: Sequence[range]) -> Grid:
    """Return the grid with all records as wide as the header.

    Raises
    ------
    InputError
        If a record is longer, or ends within a table, so that its cells may be those of another.
    """
    width = len(grid.records[row])
    records = []
    for number, (record, place) in enumerate(zip(grid.records, grid.row_numbers, strict=True)):
        may_end = grid.trimmed or number < row or len(record) in {width, *(s.stop for s in spans)}
        if number >= row and (any(record[width:]) or not may_end):
            raise InputError(
                f"{grid.place}, row {place}: {columns_found(len(record))} where the header has "
                f"{width}, and it is not clear which cell is missing. Write a separator for each "
                "blank cell."
            )
        records.append([*record, *[""] * (width - len(record))][:width])
    records[row] = _without_suffixes(records[row])
    return replace(grid, records=records, trimmed=False)


def _names_above(
    grid: Grid, row: int, spans: Sequence[range]
) -> tuple[set[int], list[tuple[str, ...]]]:
    """Return the records above the header that name the tables, and the names of each table.

    A name stands over its table, or over its first table of several in a row; a record that has a
    text over the first table alone is a title, or says something of all.

    Raises
    ------
    InputError
        If tables without a name remain.
    """
    names: dict[int, tuple[str, ...]] = {}
    partial = None
    for number, record in enumerate(grid.records[:row]):
        parts = [record[span.start : span.stop] for span in spans]
        texts = [" ".join(filter(None, map(str.strip, part))) for part in parts]
        if not any(texts[1:]) or all(unit_stated(text) for text in texts if text):
            continue
        if not all(texts):
            partial = number if partial is None else partial
        filled = [
            next((text for text in reversed(texts[: index + 1]) if text), "")
            for index in range(len(texts))
        ]
        names[number] = tuple(filled)
    of_tables = list(zip(*names.values(), strict=True)) or [()] * len(spans)
    # A name over several tables needs another row that tells these apart.
    if partial is not None and len({*of_tables}) < len(spans):
        raise InputError(
            f"{grid.place}, row {grid.row_numbers[partial]}: the row names some of the "
            f"{len(spans)} tables that stand side by side below it, and not the others. Write a "
            "name above the first column of each."
        )
    return set(names), of_tables


def _constants(
    names: Sequence[str], of_grid: Mapping[str, str], *, has_conditions: bool
) -> dict[str, str]:
    """Return what the names of a table say, and what holds for the grid, by headers of ours."""
    constants = dict(of_grid)
    conditions = [constants.pop("condition", "")]
    for name in names:
        cycle, place, state = _CYCLE.fullmatch(name), place_of_name(name), state_of_name(name)
        if cycle is not None:
            constants["cycle"] = cycle[1]
        elif place is not None:
            constants[place] = name
        else:
            conditions.append(state.pop("condition", "") if state else name)
            constants |= state
    condition = ", ".join(filter(None, conditions))
    named = {"condition": condition} if condition and not has_conditions else {}
    return constants | named


def _block(grid: Grid, row: int, first: range, span: range, unused: Collection[int]) -> Grid:
    """Return one of the tables without the records that only name it, and without blank ones."""
    shared = [*range(first.start)]
    records, row_numbers = [], []
    for number, (record, place) in enumerate(zip(grid.records, grid.row_numbers, strict=True)):
        own = record[span.start : span.stop]
        if number < row:
            if not any(record[first.stop :]):
                # A title, or a setting of all.
                own = [*record[first.start : first.stop], *[""] * len(span)][: len(span)]
            elif number in unused and not _states_setting(own):
                own = [""] * len(span)
        own_texts = own if number >= row else [*own, *(record[at] for at in shared)]
        if not any(own_texts):
            continue
        records.append([*(record[at] for at in shared), *own])
        row_numbers.append(place)
    position = {at: index for index, at in enumerate([*shared, *span])}
    return replace(
        grid,
        place=f"{grid.place}, {_columns_in_words(grid, span)}",
        records=records,
        row_numbers=row_numbers,
        merged=tuple((top, end, position[at]) for top, end, at in grid.merged if at in position),
        has_open_end=grid.has_open_end and span.stop == len(grid.records[row]),
        notes=(),
        left_out={},
    )


def _columns_in_words(grid: Grid, span: range) -> str:
    """Return which columns a table has, without blank ones that separate it from the next."""
    last = max(at for at in span if any(record[at].strip() for record in grid.records))
    return f"columns {span.start + 1} to {last + 1}"


def _states_setting(texts: Sequence[str]) -> bool:
    """Whether a name is a setting with its value, "Icc = 55 uA", or in two cells."""
    filled = [text for text in texts if text]
    return len(filled) > 1 or any(re.search("[:=]", text) for text in filled)


def tables_one_below_another(grid: Grid) -> list[Grid]:
    """Return the tables that stand one below another, nothing where there is only one.

    Each repeats the header of the first, and has as many lines of the same kinds above it that name
    it: a condition, a state, a cell, a die or a cycle, or a setting with its value. What stands
    above those of the first table is a title of all. Where this is not so, nothing is returned:
    what parts the tables is not sure, and reading refuses the second header.

    Parameters
    ----------
    grid : Grid
        Of a long text table, only the first lines are looked at.
    """
    header = _repeated_header(grid)
    if header is None:
        return []
    grid = _without_remarks(grid.whole())
    starts = [at for at, record in enumerate(grid.records) if _texts(record) == header]
    # A table has a row below its header.
    leasts = [0, *(start + 2 for start in starts)]
    lines = [_lines(grid, *ends) for ends in zip(leasts, starts, strict=False)]
    count = len(lines[-1])
    lines[0] = lines[0][-count:] if count else []
    kinds = {tuple(line.role for line in of_table) for of_table in lines}
    said = [_constants_of(of_table, grid.constants) for of_table in lines]
    names = [tuple(line.text for line in of_table) for of_table in lines]
    is_told = len(lines) > 1 and all(said) and len(kinds) == 1 and len(set(names)) == len(names)
    if not is_told or any(_roles(header) & {*constants} for constants in said):
        return []
    tops = [start - count for start in starts]
    ends = [*tops[1:], len(grid.records)]
    blocks = []
    for top, start, end, constants, of_table in zip(tops, starts, ends, said, lines, strict=True):
        units = [top + at for at, line in enumerate(of_table) if line.role == _UNIT]
        kept = [*range(tops[0]), *units, *range(start, end)]
        block = replace(
            _of_rows(grid, kept),
            constants=constants,
            has_open_end=grid.has_open_end and end == len(grid.records),
            notes=(),
            left_out={},
        )
        blocks.append(block)
    shown = ", ".join(
        f"row {grid.row_numbers[start]} ({', '.join(of_table)})"
        for start, of_table in zip(starts, names, strict=True)
    )
    text = f"{len(blocks)} tables stand one below another, by their headers: {shown}."
    values = {"tables": len(blocks)}
    note = Note(text, kind="tables one below another", file=grid.place, values=values)
    blocks[0] = replace(blocks[0], notes=(*grid.notes, note), left_out=grid.left_out)
    return blocks


def of_other_headers(grid: Grid) -> InputError | None:
    """Return the error for a grid in which tables with different headers stand one below another.

    A header is a row of texts only that names two columns of ours or readings, above a row of
    numbers. None where there is only one.
    """
    grid = _without_remarks(grid.whole())
    rows = [row for row in range(len(grid.records) - 1) if _is_header_of_numbers(grid, row)]
    headers = {tuple(_texts(grid.records[row])): row for row in reversed(rows)}
    if len(headers) < 2:
        return None
    shown = " and ".join(
        f"row {grid.row_numbers[row]} ({', '.join(filter(None, texts))})"
        for texts, row in list(headers.items())[::-1][:_HEADERS_SHOWN]
    )
    return InputError(
        f"{grid.place}: {len(headers)} tables with different headers stand one below another, with "
        f"the headers in {shown}. Put each table into a file of its own, or give all readings one "
        "header."
    )


def refuse_readings_above(grid: Grid, header: int) -> None:
    """Refuse a table with a header of readings and two rows of numbers above another header.

    Raises
    ------
    InputError
        With the rows and texts of both headers.
    """
    for row in range(header - 2):
        numbers = [texts for texts in map(_texts, grid.records[row + 1 : row + 3]) if texts]
        is_table = len(numbers) == 2 and all(is_reading(texts[-1]) for texts in numbers)
        if is_table and _is_header_of_numbers(grid, row):
            error = of_other_headers(grid)
            if error is not None and _has_readings(_texts(grid.records[row])):
                raise error


def _is_header_of_numbers(grid: Grid, row: int) -> bool:
    texts, below = _texts(grid.records[row]), _texts(grid.records[row + 1])
    filled = [text for text in texts if text]
    # Most rows hold a number as a program writes it, which takes no time to see.
    if len(filled) < 2 or any(map(_NUMBER.fullmatch, filled)):
        return False
    over_numbers = (
        number and is_reading(number) for text, number in zip(texts, below, strict=False) if text
    )
    if not any(over_numbers):
        return False
    # "compliance" is a mark of a reading, too.
    names = [text for text in filled if not is_reading(text)]
    if len(names) < len(filled):
        return bool(_roles(names))
    return len(_roles(names)) > 1 or _has_readings(names)


def _without_remarks(grid: Grid) -> Grid:
    """Return the grid without the lines that begin with #."""
    rows = range(len(grid.records))
    return _of_rows(grid, [at for at in rows if not grid.records[at][0].lstrip().startswith("#")])


def _of_rows(grid: Grid, rows: Sequence[int]) -> Grid:
    """Return the grid with these of its records alone."""
    return replace(
        grid,
        records=[grid.records[at] for at in rows],
        row_numbers=[grid.row_numbers[at] for at in rows],
    )


def _repeated_header(grid: Grid) -> list[str] | None:
    """Return the first record that is the header of readings and stands in the grid again."""
    for row, record in enumerate(grid.records[:_ROWS_BEFORE_A_HEADER]):
        texts = _texts(record)
        is_text = len(texts) > 1 and not any(map(is_reading, texts))
        # What a header means is looked up last: units of other quantities take a second to load.
        if is_text and _stands_again(grid, row) and _has_readings(texts):
            return texts
    return None


def _stands_again(grid: Grid, row: int) -> bool:
    record = grid.records[row]
    if grid.rest is None:
        texts = _texts(record)
        below = (other for other in grid.records[row + 1 :] if other[0] == record[0])
        return any(_texts(other) == texts for other in below)
    line = grid.rest.text.split("\n", grid.row_numbers[row])[grid.row_numbers[row] - 1]
    return grid.rest.text.count(f"\n{line}\n") + grid.rest.text.startswith(f"{line}\n") > 1


def _texts(record: Sequence[str]) -> list[str]:
    """Return the texts of a record without the blank cells at its end."""
    texts = [text.strip() for text in record]
    while texts and not texts[-1]:
        texts.pop()
    return texts


_UNIT = "unit"


class _Line(NamedTuple):
    """A line above a table: its text, and the header of ours that it gives a value, "" for none.

    A line of role `_UNIT` says the unit of the readings.
    """

    text: str
    role: str
    value: str


def _lines(grid: Grid, least: int, start: int) -> list[_Line]:
    """Return the lines just above a header that are names, up to an empty row of the file."""
    lines: list[_Line] = []
    for at in range(start - 1, least - 1, -1):
        line = _line(grid.records[at])
        is_apart = grid.row_numbers[at + 1] - grid.row_numbers[at] > 1
        if line is None or (lines and is_apart):
            break
        lines.insert(0, line)
    return lines


def _line(record: Sequence[str]) -> _Line | None:
    """Return what a line says that is a title, or a label with its value; None for a reading."""
    texts = _texts(record)
    text = " ".join(texts)
    if not 0 < len(texts) < 3 or not all(texts):
        return None
    pair = stated_pair(texts, range(len(texts))) or _label_and_value(texts)
    if pair is not None:
        return _Line(text, *pair)
    if len(texts) == 2 or is_reading(text):
        return None
    if unit_stated(text) is not None or are_units([text, ""]):
        return _Line(text, _UNIT, "")
    return _Line(text, "", text)


def _label_and_value(texts: Sequence[str]) -> tuple[str, str] | None:
    """Return a state, a cycle, a cell or a die that a line states: "State: LRS"."""
    matched = re.fullmatch(r"([^:=]+?)\s*[:=]\s*(.+)", texts[0])
    pair = texts if len(texts) == 2 else matched.groups() if matched is not None else ()
    roles = _roles([pair[0].rstrip(":= ")]) & {*_LABELS} if pair else set()
    return (roles.pop(), pair[1]) if len(roles) == 1 else None


def _constants_of(lines: Sequence[_Line], of_grid: Mapping[str, str]) -> dict[str, str]:
    """Return what the lines above a table say, by headers of ours.

    A setting, "Icc = 55 uA", also names the condition, unless another line does.
    """
    named = {line.role: line.value for line in lines if line.role not in ("", _UNIT)}
    plain = [line.value for line in lines if not line.role]
    said = named | _constants(plain, of_grid, has_conditions="condition" in named)
    settings = [line.text for line in lines if line.role not in ("", _UNIT, *_LABELS)]
    if settings and "condition" not in said:
        said["condition"] = ", ".join(settings)
    return said
