"""Where the header of a table is, and what its columns mean."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from rramsim.errors import InputError
from rramsim.notes import Note
from rramsim.readers.columns.decimals import AmbiguousMarkError
from rramsim.readers.columns.header_rows import (
    mostly_numbers,
    only_numbers,
    possible_headers,
)
from rramsim.readers.columns.headers import (
    Column,
    Header,
    describe,
    measurement_columns,
    names_accepted,
    positions_of,
    recognise,
    settings_by_unit,
    splits,
    unit_stated,
)
from rramsim.readers.columns.sweep_columns import sweep_columns
from rramsim.readers.columns.values import read_quantity_column, read_readings
from rramsim.readers.columns.wide import QUANTITIES as READ
from rramsim.readers.columns.wide import (
    condition_columns,
    in_groups,
    numbered_by_letter,
    quantity_named,
    repeated_columns,
    wide_columns,
)
from rramsim.readers.formats.blocks import filled_down, refuse_names_between
from rramsim.readers.formats.rows import columns_found, is_cut_number
from rramsim.readers.programming.above_header import rows_above, stacked_header
from rramsim.readers.table import Grid, NoReadingsError, RawTable, make_table, with_constants
from rramsim.schema import STATES, settings, state_named
from rramsim.schema.file_columns import STATE_COLUMNS
from rramsim.schema.variable import header_key
from rramsim.units import QUANTITIES, factor_to_si

IGNORED = "-"
"""The name, in an explicit list of columns, of one that is not to be read."""

_ACCEPTED = (
    "a state column with a resistance or current column, or one column for LRS and one for HRS"
)
_TIME = re.compile(
    r"(?:t\s*=\s*)?\d+(?:\.\d+)?(?:e[-+]?\d+)?\s*(?:s|sec|min|h|hr|hrs|hours?|d|days?)",
    re.IGNORECASE,
)
# These are texts even where they look like numbers.
_LOGARITHM = re.compile(r"\W*(?:log|lg|ln)(?![a-z])", re.IGNORECASE)
_LABELS = ("condition", "state", "failed", "over_range_flag", "compliance_flag", "status")


@dataclass(frozen=True)
class Layout:
    """A table, and what its header says of the columns.

    Attributes
    ----------
    grid : Grid
        What it was made of.
    table : RawTable
    header : Header
        With the meaning of its columns.
    notes : tuple of Note
        What was assumed.
    sweeps : tuple of (Column, Column)
        Voltage and current of each sweep; where there are any, the table holds no readings.
    taken : list of float or None
        When each reading was taken, in seconds, where readings are to be numbered by that.
    headers : frozenset of str
        Texts of all headers found in the file.
    is_spare : bool
        Whether its readings count only where no others show their state.
    """

    grid: Grid
    table: RawTable
    header: Header
    notes: tuple[Note, ...] = ()
    sweeps: tuple[tuple[Column, Column], ...] = ()
    taken: list[float] | None = None
    headers: frozenset[str] = frozenset()
    is_spare: bool = False

    @property
    def names_are_of_tester(self) -> bool:
        """Whether the tester or the sheet names the condition, and no column of the table."""
        # The table of what sweeps show is made of what the tester says of them.
        return "condition" in (self.header.constants if self.taken is None else self.columns)

    @property
    def columns(self) -> Mapping[str, Column]:
        """The recognised columns by role, without the readings."""
        return self.header.columns

    @property
    def readings(self) -> tuple[Column, ...]:
        """The columns of readings."""
        return self.header.readings


def by_header(
    grid: Grid,
    *,
    names: Mapping[str, str],
    constants: Mapping[str, str],
    also: Sequence[str] = (),
) -> Layout | None:
    """Return the layout of a grid by the header in it, or None where there is none.

    Parameters
    ----------
    grid : Grid
        With at least one record. A preamble before the header, and a line of units below it, are
        recognised.
    names : mapping
        Headers of the file to names of ours.
    constants : mapping
        Columns that the user's pattern found in the file's name.
    also : sequence of str
        Columns that are to be read beside those that are recognised.

    Raises
    ------
    InputError
        If the first line is a header that lacks a needed column, or has an unknown unit, and no
        other line is a whole one.
    """
    refused: InputError | None = None
    of_body: _BodyError | None = None
    stacked = stacked_header(grid)
    known = {*names, *also}
    for header in [*([] if stacked is None else [stacked]), *possible_headers(grid, known)]:
        place = f"{grid.place}, row {grid.row_numbers[header.row]}"
        try:
            layout = _of_header(
                grid, header, names=names, constants=constants, also=also, place=place
            )
        except _BodyError as error:
            of_body = of_body or error
            refused = error if header.row == 0 and header is not stacked else refused
            continue
        except InputError as error:
            refused = error if header.row == 0 and header is not stacked else refused
            continue
        if layout is not None and not layout.sweeps and (header.row or header.levels):
            return _with_rows_above(layout, names=names, constants=constants, also=also)
        if layout is not None:
            if not layout.sweeps:
                _check_apart(layout.header, place=place)
            return layout
    if refused is None and of_body is not None:
        # A whole header with a row of readings below it: what is wrong is a row further down.
        refused = InputError(str(of_body))
    if refused is not None:
        raise refused
    return None


def by_given_columns(
    grid: Grid,
    columns: Sequence[str],
    *,
    constants: Mapping[str, str],
    also: Sequence[str] = (),
) -> Layout:
    """Return the layout of a grid whose columns the user lists.

    Raises
    ------
    InputError
        If a name is not known, or there are more or fewer columns than names.
    """
    texts, place = tuple(columns), "the given columns"
    header = _with_meaning(
        Header(texts, 0, 0), names={}, constants={**grid.constants, **constants}, place=place
    )
    sweeps = sweep_columns(texts) if _may_be_sweeps(header) else []
    of_sweeps = {column.position for pair in sweeps for column in pair}
    for position in header.unused():
        is_known = position in of_sweeps or texts[position] in also
        if texts[position] != IGNORED and not is_known:
            accepted = [role for role in measurement_columns() if not role.endswith("_flag")]
            raise InputError(
                f"the given column {texts[position]!r} is not known; accepted are "
                f"{', '.join(accepted)}, LRS, HRS, voltage and current of sweeps, and "
                f"{IGNORED!r} for one to leave out."
            )
    if not sweeps:
        _check_complete(header, texts, place=place)
        _check_apart(header, place=place)
    width = len(grid.records[0])
    if width != len(texts):
        raise InputError(
            f"{grid.place}, row {grid.row_numbers[0]}: {columns_found(width)}, but {len(texts)} "
            f"{'is' if len(texts) == 1 else 'are'} given "
            f"({', '.join(texts)}). Name all; {IGNORED!r} leaves one out."
        )
    if sweeps:
        start = 0 if only_numbers([text.strip() for text in grid.records[0]]) else 1
        table = make_table(grid.whole(), texts, start=start)
        return Layout(grid, table, replace(header, start=start), sweeps=tuple(sweeps))
    if _is_data(grid, 0, header) and not _names_the_same(grid.records[0], header):
        return _layout(grid, header, notes=[], also=also)
    note = Note(
        f"row {grid.row_numbers[0]} is taken as a header; the given columns replace it.",
        kind="header replaced",
        file=grid.place,
        values={"row": grid.row_numbers[0]},
    )
    return _layout(grid, replace(header, start=1), notes=[note], also=also)


def no_header(grid: Grid) -> InputError:
    """Return the error for a grid in which no header was found."""
    texts = [text.strip() for text in grid.records[0]]
    place = f"{grid.place}, row {grid.row_numbers[0]}"
    if mostly_numbers(texts) and not recognise(texts, measurement_columns(), place=place):
        shown = ", ".join(texts[:6])
        what = f"only the numbers {shown}" if only_numbers(texts) else f"only readings ({shown})"
        return InputError(
            f"{place}: there is no header, {what}. Name the columns in order, such as "
            '--columns "cell,LRS [ohm],HRS [ohm],cycle" or --columns "cell,state,R [ohm]"; '
            f"{IGNORED!r} leaves one out."
        )
    lacks = str(_missing("a resistance or current", ("resistance", "current"), texts[:30], place))
    # Numbers of cells are no names of states, though 0 and 1 are where a column is called so.
    firsts = [record[0] for record in grid.records if record and not record[0].strip().isdecimal()]
    logarithms = [text for text in texts if _LOGARITHM.match(text)]
    if logarithms:
        lacks += (
            f" {logarithms[0]!r} is a logarithm whose base is not known: add columns with the "
            "resistances themselves, such as =10^B2 of log10(R) in a spreadsheet."
        )
    elif {0, 1} <= {_state_in(text) for text in firsts}:
        lacks += (
            " LRS and HRS are rows here, named in the first column. Transpose the table, so that "
            "each cell has a row, with a column LRS and a column HRS."
        )
    else:
        lacks += _what_headers_count(texts, place)
    return NoReadingsError(lacks, "no column of readings")


def _state_in(text: str) -> int | None:
    """Return the state that the name of a row says, such as "LRS (kOhm)", else None."""
    return next(
        (state for bare, *_ in splits(text) if (state := state_named(bare)) is not None), None
    )


def _what_headers_count(texts: Sequence[str], place: str) -> str:
    """Return how to read a header of numbers, or of cells or cycles, nothing where it is none."""
    times = [text for text in texts if _TIME.fullmatch(text)]
    if len(times) > 1:
        return (
            f" The headers {', '.join(times[:6])} look like times: write a row for each reading, "
            "with columns time (s), state and R (ohm)."
        )
    numbers = [text for text in texts if text.isdecimal()]
    counted = [
        one
        for one in condition_columns(texts, place=place, renamed={}, skip=())
        if not one.condition
    ]
    roles = recognise(texts, measurement_columns(), place=place)
    said = ""
    if len(numbers) > 1:
        word = "cell" if "cycle" in roles else "cycle"
        named = ",".join(
            f"{word} {text} [ohm]" if text in numbers else text or IGNORED for text in texts
        )
        said = (
            f" It is not clear what the headers {', '.join(numbers[:6])} count. If they are "
            f'{word}s: --columns "{named}".'
        )
    states = [text for text in texts if state_named(text) is not None and not text.isdecimal()]
    if {state_named(text) for text in states} == {0, 1} and "state" not in roles:
        words = " ".join(
            f'--map "{text}={STATES[state_named(text) or 0]} [ohm]"' for text in states
        )
        return f" If the columns of states hold resistances, say so with their unit: {words}."
    if "state" not in roles and (said or len(counted) > 1):
        said += (
            " The state is not known either: add a column of states, or read it from the name of "
            'the file, such as --file-name "{condition}_{state}".'
        )
    return said


def _of_header(
    grid: Grid,
    header: Header,
    *,
    names: Mapping[str, str],
    constants: Mapping[str, str],
    also: Sequence[str],
    place: str,
) -> Layout | None:
    texts = header.texts
    header = _with_meaning(
        header, names=names, constants={**grid.constants, **constants}, place=place
    )
    if _may_be_sweeps(header):
        sweeps = sweep_columns([names.get(text, text) for text in texts])
        if sweeps and header.start < len(grid.records):
            table = make_table(grid.whole(), texts, start=header.start)
            return Layout(grid, table, header, sweeps=tuple(sweeps))
    if not header.readings:
        return None
    _check_complete(header, texts, place=place)
    if (header.row or header.levels) and not _is_data(grid, header.start, header):
        return None
    if header.row == 0:
        return _finished(grid, header, names=names, also=also)
    try:
        return _finished(grid, header, names=names, also=also)
    except InputError as error:
        raise _BodyError(str(error)) from error


class _BodyError(InputError):
    """What is wrong in a row of readings below a header that is not the first line."""


def _with_rows_above(
    layout: Layout,
    *,
    names: Mapping[str, str],
    constants: Mapping[str, str],
    also: Sequence[str],
) -> Layout:
    """Return the layout with what the rows above its header say."""
    grid, header = layout.grid, layout.header
    said = rows_above(grid, header, place=grid.place)
    known = {**said.constants, **grid.constants, **constants}
    plain = Header(said.texts, header.row, header.start, levels=header.levels)
    place = f"{grid.place}, row {grid.row_numbers[header.row]}"
    header = _with_meaning(plain, names=names, constants=known, place=place)
    readings = header.readings
    if said.groups:
        readings = in_groups(readings, said.groups, place=place, renamed=names)
    elif header.is_wide:
        readings = numbered_by_letter(
            wide_columns(
                header.texts,
                place=place,
                renamed=names,
                skip=[column.position for column in header.columns.values()],
            ),
            has_cells="cell" in header.columns,
            has_cycles="cycle" in header.columns,
        )
    if said.cycles is not None:
        pairs = zip(readings, said.cycles, strict=True)
        readings = tuple(replace(column, cycle=cycle) for column, cycle in pairs)
    header = replace(header, readings=readings, above=said.above)
    _check_complete(header, header.texts, place=place)
    _check_apart(header, place=place)
    finished = _finished(grid, header, names=names, also=also)
    return replace(finished, notes=(*said.notes, *finished.notes))


def _finished(
    grid: Grid, header: Header, *, names: Mapping[str, str], also: Sequence[str]
) -> Layout:
    texts = header.texts
    named = {position for name in also for position in positions_of(texts, name)}
    unused = [
        repr(texts[i])
        for i in header.unused()
        if texts[i] and texts[i] not in names and i not in named
    ]
    text = f"columns not used: {', '.join(unused)}."
    note = Note(text, kind="columns not used", file=grid.place, values={"columns": len(unused)})
    header, of_title = _with_unit_of_title(grid, header)
    return _layout(grid, header, notes=[*of_title, *([note] if unused else [])], also=also)


def _with_unit_of_title(grid: Grid, header: Header) -> tuple[Header, list[Note]]:
    """Return the header with the quantity and unit that a line above it states of all readings."""
    if any(column.unit_given for column in header.readings):
        return header, []
    found = {}
    above = grid.records[: header.row]
    lines = [" ".join(filter(None, record)) for record in above]
    for text in (*grid.comments, *lines, *(text for record in above for text in record)):
        column = unit_stated(text)
        if column is not None:
            found[column.quantity, column.factor] = text.strip()
    named = {quantity_named(column.header) for column in header.readings} - {None}
    if len(found) != 1 or not named <= {quantity for quantity, _ in found}:
        return header, []
    ((quantity, factor), text), *_ = found.items()
    readings = tuple(
        replace(column, quantity=quantity, factor=factor, unit_given=True)
        for column in header.readings
    )
    note = Note(
        f"the {quantity} has the unit that {text!r} above the header states.",
        kind="unit above the header",
        file=grid.place,
        values={"text": text},
    )
    return replace(header, readings=readings), [note]


def _with_meaning(
    header: Header, *, names: Mapping[str, str], constants: Mapping[str, str], place: str
) -> Header:
    """Return the header with what its columns mean."""
    texts = header.texts
    repeated = repeated_columns(texts, place=place, renamed=names)
    at = [column.position for column in repeated]
    single = ["" if position in at else text for position, text in enumerate(texts)]
    columns = recognise(single, measurement_columns(), place=place, renamed=names)
    for text, name in names.items():
        if text in texts and name != IGNORED and not _is_known(name, place=place):
            raise InputError(
                f"{place}: the name {name!r} given to the column {text!r} is not known; accepted "
                f"are {', '.join(measurement_columns())}, LRS, HRS, and {IGNORED!r} to leave it "
                "out."
            )
    skip = [column.position for column in columns.values()]
    wide = wide_columns(
        texts,
        place=place,
        renamed=names,
        skip=skip,
        may_repeat=bool(header.row or header.levels),
    )
    long = [columns.pop(role) for role in READ if role in columns]
    if long and "state" in columns:
        # Beside a whole long table, only a plain "LRS" is taken for a second form of readings.
        wide = tuple(column for column in wide if column.condition is None)
    wide = numbered_by_letter(wide, has_cells="cell" in columns, has_cycles="cycle" in columns)
    readings = wide or tuple(long[:1]) or repeated
    if not readings:
        readings = condition_columns(
            texts, place=place, renamed=names, skip=[column.position for column in columns.values()]
        )
        by_name = any(column.condition is not None for column in readings)
        if by_name:
            columns.pop("condition", None)
    columns, used = _add_constants(columns, readings, len(texts), constants)
    of_any_state = not (wide or long or repeated) and "state" not in columns
    is_sure = all(column.unit_given and column.condition is None for column in readings)
    if of_any_state and not is_sure:
        # Without a state, columns of cells or conditions may hold anything.
        readings = ()
    beside = tuple(long if wide else long[1:])
    left_out = frozenset(i for i, text in enumerate(texts) if names.get(text.strip()) == IGNORED)
    return replace(
        header,
        columns=columns,
        readings=readings,
        beside=beside,
        constants=used,
        left_out=left_out,
    )


def _add_constants(
    columns: dict[str, Column],
    readings: Sequence[Column],
    width: int,
    constants: Mapping[str, str],
) -> tuple[dict[str, Column], dict[str, str]]:
    """Add the columns that hold one text throughout, where no column of the table says it."""
    by_readings = {
        name
        for name in ("state", "condition", "cell", "cycle")
        if any(getattr(column, name) is not None for column in readings)
    }
    used: dict[str, str] = {}
    added = dict(columns)
    for text, value in constants.items():
        role = recognise([text], measurement_columns(), place="the pattern of file names")
        if not role:
            raise InputError(
                f"the pattern of file names: {text!r} is not known; accepted are "
                f"{', '.join(measurement_columns())}, with a unit where they have one."
            )
        (name, column), *_ = role.items()
        if name not in columns and name not in by_readings:
            added[name] = replace(column, position=width + len(used))
            used[text] = value
    return added, used


def _may_be_sweeps(header: Header) -> bool:
    """Whether no column of the table says the state, and no name says it of single currents."""
    if header.is_wide or any(column.quantity != "current" for column in header.readings):
        return False
    state = header.columns.get("state")
    if state is None or not header.readings:
        return True
    return state.position >= len(header.texts) and "read_voltage" not in header.columns


def _layout(grid: Grid, header: Header, *, notes: list[Note], also: Sequence[str]) -> Layout:
    own = [column for column in header.own if column.position < len(header.texts)]
    more = _more_positions(header, own, also)
    like_settings = settings_by_unit(header)
    table = make_table(
        grid,
        header.texts,
        start=header.start,
        numbers=[
            *(column.position for column in own if column.role not in _LABELS),
            *(place for place in like_settings if place not in more),
        ],
        labels=[
            *(column.position for column in own if column.role in _LABELS),
            *more,
            *_unit_columns(header),
        ],
    )
    refuse_names_between(table, header)
    table, filled = filled_down(table, header, also=also, merged=grid.merged)
    notes += filled
    header = _with_unit_column(table, header)
    _refuse_unlikely_units(table, own)
    notes += _of_open_end(grid, header)
    by_condition = next((column for column in header.readings if column.condition), None)
    if by_condition is not None:
        text = (
            f"conditions are named by the headers, such as {by_condition.condition!r} by "
            f"{by_condition.header!r}."
        )
        notes.append(Note(text, kind="conditions by header", file=grid.place))
    of_cell = next((column for column in header.readings if column.cell is not None), None)
    if of_cell is not None:
        text = f"cells are named by the headers, such as {of_cell.cell} by {of_cell.header!r}."
        notes.append(Note(text, kind="cells by header", file=grid.place))
    if any(column.cycle is not None for column in header.readings):
        text = "cycles are numbered by the headers of the columns."
        notes.append(Note(text, kind="cycles by header", file=grid.place))
    return Layout(
        grid=grid,
        table=with_constants(table, header.constants),
        header=header,
        notes=(*notes, *_unit_notes(header.own, place=grid.place)),
    )


def _of_open_end(grid: Grid, header: Header) -> list[Note]:
    """Return what is to be said of a file that may be cut short; refuse one that is."""
    if not grid.has_open_end:
        return []
    row, last = grid.last_record()
    labels = [
        header.columns[role].position for role in ("condition", "state") if role in header.columns
    ]
    numbers = [column.position for column in header.own if column.role not in _LABELS]
    where = f"{grid.place}, row {row}"
    others = grid.records[header.start : -1 if grid.rest is None else None]
    is_short = is_cut_number(last, others, numbers=numbers, labels=labels, where=where)
    text = f"row {row}, the last one, has no line end"
    if is_short:
        text += f", and its {last[-1]!r} is shorter than the numbers above it"
    text += ": is the file cut short?"
    values = {"row": row, "is_short": int(is_short)}
    return [Note(text, kind="no line end", file=grid.place, values=values)]


def _more_positions(header: Header, own: Sequence[Column], also: Sequence[str]) -> list[int]:
    """Return where the columns are that are named and have no meaning of their own."""
    known = {column.position for column in own}
    found = [position for name in also for position in positions_of(header.texts, name)]
    return [position for position in dict.fromkeys(found) if position not in known]


def _is_data(grid: Grid, row: int, header: Header) -> bool:
    """Whether a record has a number, or a mark of a meter, where a reading stands."""
    if row >= len(grid.records):
        return False
    one = replace(
        grid,
        records=grid.records[row : row + 1],
        row_numbers=grid.row_numbers[row : row + 1],
        trimmed=True,
        rest=None,
    )
    try:
        line = make_table(one, header.texts, start=0)
    except InputError:
        return False
    for reading in header.readings:
        try:
            read_readings(line, reading.position, quantity=reading.quantity, factor=reading.factor)
        except AmbiguousMarkError:
            return True
        except InputError:
            continue
        return True
    return False


def _names_the_same(record: Sequence[str], header: Header) -> bool:
    """Whether a record names a column as the header does, and so holds no readings."""
    try:
        named = recognise(record, measurement_columns(), place="")
    except InputError:
        return False
    own = {column.position: role for role, column in header.columns.items()}
    return any(own.get(column.position) == role for role, column in named.items())


def _check_complete(header: Header, texts: Sequence[str], *, place: str) -> None:
    state = header.columns.get("state")
    if header.is_wide and (header.beside or state is not None):
        other = header.beside[0] if header.beside else state
        raise InputError(
            f"{place}: both {header.readings[0].header!r} (a column for a state) and "
            f"{other.header if other else ''!r} (a row for a state) were found; accepted is one "
            f"form: {_ACCEPTED}."
        )
    if not header.readings:
        raise _missing("a resistance or current", ("resistance", "current"), texts, place)
    if not header.is_wide and state is None:
        missing = _missing("the state", ("state", "lrs_resistance", "hrs_resistance"), texts, place)
        raise InputError(f"{missing}{_state_in_file_name(place)}")
    for name, says in (("cell", "name the cells"), ("cycle", "number the cycles")):
        by_header = next((one for one in header.readings if getattr(one, name) is not None), None)
        if by_header is not None and name in header.columns:
            raise InputError(
                f"{place}: both the column {header.columns[name].header!r} and the headers, such "
                f"as {by_header.header!r}, {says}; keep one."
            )


def _check_apart(header: Header, *, place: str) -> None:
    """Refuse columns of readings of one name where no row above tells what differs."""
    if len(header.readings) < 2 or header.is_wide or header.above is not None:
        return
    if any((one.condition, one.cell, one.cycle) != (None, None, None) for one in header.readings):
        return
    names = ", ".join(repr(column.header) for column in header.readings)
    raise InputError(
        f"{place}: the columns {names} all hold {header.readings[0].quantity}, and it is not known "
        "what differs between them. Accepted are a row above them with the condition of each, or "
        f'names that say it: --columns "{_columns_with(header, "cycle")}" (or "cell" for "cycle").'
    )


def _columns_with(header: Header, word: str) -> str:
    """Return the list of columns in which those of readings are numbered, for a message."""
    texts = [IGNORED] * len(header.texts)
    for column in header.columns.values():
        if column.position < len(texts):
            texts[column.position] = column.header
    for number, column in enumerate(header.readings, 1):
        bare = re.sub(r"(?<=[)\]}])\.\d+$", "", column.header.strip())
        unit = next((unit for _, unit, sure in splits(bare) if unit and sure), "ohm")
        texts[column.position] = f"{word} {number} [{unit}]"
    return ",".join(texts)


def _state_in_file_name(place: str) -> str:
    """Return how to read the state from the name of the file, nothing where it names none."""
    stem = PurePath(place.split(", row ")[0]).stem
    words = re.split(r"([\W_]+)", stem)
    states = [word for word in words if state_named(word) is not None and not word.isdecimal()]
    if len(states) != 1:
        return ""
    pattern = "".join("{state}" if word == states[0] else word for word in words)
    return f' If the name of the file holds it: --file-name "{pattern}".'


def _missing(what: str, roles: Sequence[str], header: Sequence[str], place: str) -> InputError:
    accepted = {**measurement_columns(), **STATE_COLUMNS}
    return InputError(
        f"{place}: no column holds {what}. Headers found: {', '.join(map(repr, header))}. "
        f"Accepted: {names_accepted(accepted, *roles)}."
    )


def _unit_notes(columns: Sequence[Column], *, place: str) -> list[Note]:
    notes = []
    without: dict[tuple[str, str], list[Column]] = {}
    for column in columns:
        if column.quantity is not None and not column.unit_given:
            # Hundreds of columns of cycles are one fact.
            alone = "" if column.cycle is None and column.cell is None else _in_words(column)
            without.setdefault((alone, alone or column.header), []).append(column)
    for alike in without.values():
        first, *others = alike
        unit = QUANTITIES[str(first.quantity)].unit
        text = (
            f"the column {first.header!r} names no unit; its {_in_words(first)} is read in {unit}."
            if not others
            else f"the columns {first.header!r} and {len(others)} more name no unit; their "
            f"{first.quantity} is read in {unit}."
        )
        notes.append(Note(text, kind="no unit", file=place, values={"column": first.header}))
    return notes


def _unit_columns(header: Header) -> list[int]:
    """Return the columns that hold the unit of the readings, where the header names none."""
    if all(column.unit_given for column in header.readings):
        return []
    return [
        position for position in header.unused() if header_key(header.texts[position]) in _UNITS
    ]


def _with_unit_column(table: RawTable, header: Header) -> Header:
    """Return a header whose readings have the unit that a column of the table holds.

    Raises
    ------
    InputError
        If the column holds several units, or one of another quantity.
    """
    for position in _unit_columns(header):
        units = list(dict.fromkeys(str(text).strip() for text in table.columns[position]))
        place = f"{table.place}, column {header.texts[position]!r}"
        if len(units) != 1:
            shown = ", ".join(map(repr, units[:5]))
            raise InputError(
                f"{place}: the units {shown} were found; accepted is one unit in all rows. Write "
                "all readings in one unit and put it in their header, such as R (kOhm)."
            )
        readings = []
        for column in header.readings:
            if not column.unit_given:
                try:
                    factor = factor_to_si(units[0], column.quantity or "resistance")
                except InputError as error:
                    raise InputError(f"{place}: {error}") from error
                column = replace(column, factor=factor, unit_given=True)
            readings.append(column)
        header = replace(header, readings=tuple(readings))
    return header


_UNITS = frozenset(("unit", "units", "einheit", "unité", "unite", "单位", "單位", "単位"))

# A setting without a unit that is larger, in SI units, is in another one, such as this.
_LARGEST = {"current": (0.1, "uA"), "voltage": (100.0, "mV"), "time": (1.0, "ns")}


def _refuse_unlikely_units(table: RawTable, columns: Sequence[Column]) -> None:
    """Refuse settings without a unit that no cell is programmed with in SI units."""
    import numpy as np

    names = {setting.name for setting in settings()}
    for column in columns:
        if column.role not in names or column.unit_given or column.quantity not in _LARGEST:
            continue
        largest, likely = _LARGEST[column.quantity]
        values = read_quantity_column(table, column.position, factor=column.factor)
        beyond = np.flatnonzero(np.abs(values) > largest)
        if beyond.size:
            unit = QUANTITIES[column.quantity].unit
            raise InputError(
                f"{table.where(int(beyond[0]), column.header)}: the header names no unit, and "
                f"{values[beyond[0]]:g} {unit} is no {describe(column.role)} of a cell; put the "
                f"unit in the header, such as {column.header} ({likely})."
            )


def _in_words(column: Column) -> str:
    return column.quantity or "" if column.role == "reading" else describe(column.role)


def _is_known(name: str, *, place: str) -> bool:
    known = {**measurement_columns(), **STATE_COLUMNS}
    return bool(
        recognise([name], known, place=place)
        or any(
            not one.condition for one in condition_columns([name], place=place, renamed={}, skip=())
        )
        or wide_columns([name], place=place, renamed={})
        or sweep_columns([name, "voltage"])
        or sweep_columns([name, "current"])
    )
