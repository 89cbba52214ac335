"""Columns of readings put under each other, with state and condition; blank ones are taken out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.formatting import quantity as in_words
from rramsim.notes import Note
from rramsim.readers.columns.decimals import decimals_by_semicolons
from rramsim.readers.columns.headers import Header, voltage_in
from rramsim.readers.columns.values import (
    read_quantity_column,
    read_readings,
    read_states,
    read_statuses,
)
from rramsim.readers.limits.censoring import RawReadings
from rramsim.readers.limits.sentinels import BLANK, Found, sentinel_notes
from rramsim.readers.options import ReadOptions
from rramsim.readers.table import RawTable
from rramsim.schema import EXACT, STATES
from rramsim.units import scaled_column

if TYPE_CHECKING:
    import numpy as np

_FLAGS = ("over_range_flag", "compliance_flag", "status")
_ROWS_SHOWN = 10
_LEAST_BLANKS = 5


ConditionsOf = Callable[
    ["np.ndarray", "np.ndarray", "np.ndarray"], tuple["np.ndarray", list[str], str]
]
"""From the line, the column and the state of each reading, `(readings,)`: an index of its condition
into the names that follow, and of what these names tell only the parts, or nothing."""


_OF_VOLTS = re.compile(r"V[\w ]*[(\[]V[)\]]|voltage\s*[(\[]V[)\]]", re.IGNORECASE)


def raw_readings(
    table: RawTable,
    header: Header,
    options: ReadOptions,
    *,
    conditions_of: ConditionsOf,
    notes: list[Note],
) -> RawReadings:
    """Return the readings of a table, as they stand in it, with what each is a reading of.

    Parameters
    ----------
    table : RawTable
    header : Header
        With the meaning of its columns.
    options : ReadOptions
        Whose states, read voltage and limits count.
    conditions_of : callable
        Tells the conditions of readings.
    notes : list of Note
        Readings that are left out, blank or of other states, are counted here.

    Raises
    ------
    InputError
        If the columns hold different quantities, a text is no reading, all are blank, or a state,
        a condition or the read voltage of a current is not known.
    """
    import numpy as np

    readings = header.readings
    first = readings[0]
    other = next((column for column in readings if column.quantity != first.quantity), None)
    if other is not None:
        raise InputError(
            f"{table.place}: {first.header!r} and {other.header!r} are a "
            f"{first.quantity} and a {other.quantity}; accepted is one quantity."
        )
    count = len(table.row_numbers)
    numbers = [
        read_readings(table, column.position, quantity=column.quantity, factor=column.factor)
        for column in readings
    ]
    in_si = [
        scaled_column(values, column.factor)
        for (values, _, _), column in zip(numbers, readings, strict=True)
    ]
    values, kinds = np.concatenate(in_si), np.concatenate([kinds for _, kinds, _ in numbers])
    found = [one for _, _, of_column in numbers for one in of_column]
    notes += sentinel_notes(found, place=table.place)
    notes += _decimal_notes(table, header)
    if options.over_range is None:
        _refuse_unmeasured(table, header, kinds, found)
    lines = np.tile(np.arange(count), len(readings))
    columns = np.repeat(np.arange(len(readings)), count)
    flagged = _flag(kinds, lines, table, header)
    kept = _filled(kinds, lines, table, header, notes)
    left_out = {"blank": len(kinds) - len(kept)}
    if left_out["blank"] and len(readings) == 1:
        # Columns side by side may just be of unequal lengths.
        of_all = _states(table, header, lines, columns, options.states)
        notes += _blank_in_one_state(of_all, kinds == BLANK, place=table.place)
    lines, columns = lines[kept], columns[kept]
    state = _states(table, header, lines, columns, options.states)
    if (state < 0).any():
        notes.append(_of_other_states(table, header, lines, state, options.states))
        chosen = state >= 0
        left_out["other states"] = int(np.count_nonzero(~chosen))
        kept, lines, columns, state = kept[chosen], lines[chosen], columns[chosen], state[chosen]
    codes, names, part_of = conditions_of(lines, columns, state)
    return RawReadings(
        table=table,
        columns=readings,
        values=values[kept],
        kinds=kinds[kept],
        lines=lines,
        column=columns,
        state=state,
        condition=codes,
        condition_names=names,
        part_of=part_of,
        read_voltage=_read_voltages(table, header, lines, columns, options.read_voltage),
        over_range=options.over_range,
        floor=options.floor,
        cells=len(kinds),
        left_out=left_out,
        flagged=flagged[kept],
    )


_NOT_A_NUMBER = 9.91e37


def _refuse_unmeasured(
    table: RawTable, header: Header, kinds: np.ndarray, found: Sequence[Found]
) -> None:
    """Refuse a quantity that the instrument did not measure, where another one stands beside it.

    SCPI writes 9.91E+37 for "not a number", also throughout a column that is not measured.
    """
    import numpy as np

    first = header.readings[0]
    others = [one for one in header.beside if one.quantity in ("current", "conductance")]
    if first.quantity != "resistance" or not others or not found:
        return
    unmeasured = sum(one.readings for one in found if one.number == _NOT_A_NUMBER)
    if unmeasured != np.count_nonzero(kinds != BLANK):
        return
    other = others[0]
    unit = "A" if other.quantity == "current" else "S"
    voltage = ' --read-voltage "0.2 V"' if other.quantity == "current" else ""
    raise InputError(
        f"{table.place}: {first.header!r} was not measured: all its readings are the "
        f"not-a-number of the instrument ({_NOT_A_NUMBER:.2E}). Read {other.header!r} instead: "
        f'--map "{first.header}=-" --map "{other.header}={other.quantity} [{unit}]"{voltage}'
        + (", with the voltage at which it was read." if voltage else ".")
    )


def _flag(kinds: np.ndarray, lines: np.ndarray, table: RawTable, header: Header) -> np.ndarray:
    """Let the flags of a reading count, in place, where its number does not say more.

    Returns whether a flag decided, of each reading.
    """
    import numpy as np

    flagged = np.zeros(len(kinds), dtype=bool)
    for role in _FLAGS:
        column = header.columns.get(role)
        if column is None:
            continue
        if len(header.readings) > 1:
            raise InputError(
                f"{table.place}: the flags in {column.header!r} belong to one reading per row, "
                "and here a row has several. Give a row for each reading."
            )
        flags = read_statuses(table, column.position, role=role)[lines]
        marked = (flags != EXACT) & (flags != BLANK)
        tells = ((flags != EXACT) & (kinds == EXACT)) | (marked & (kinds == BLANK))
        kinds[tells] = flags[tells]
        flagged |= tells
    return flagged


def _decimal_notes(table: RawTable, header: Header) -> list[Note]:
    """Return where a comma before three digits was taken as a decimal one, with an example."""
    for column in header.readings:
        example = decimals_by_semicolons(table, column.position)
        if example:
            point = example.replace(",", ".")
            text = (
                f"commas in {column.header!r} are read as decimal commas, since semicolons "
                f"separate the columns: {example} is {point}."
            )
            return [Note(text, kind="decimal commas", file=table.place)]
    return []


def _filled(
    kinds: np.ndarray, lines: np.ndarray, table: RawTable, header: Header, notes: list[Note]
) -> np.ndarray:
    """Return the positions of the readings that are not blank; the others are counted."""
    import numpy as np

    blank = kinds == BLANK
    count = int(np.count_nonzero(blank))
    if count == len(blank):
        raise InputError(
            f"{table.place}: all {count:,} readings of {header.readings[0].header!r} are blank or "
            "NaN."
        )
    if count:
        rows = table.row_numbers[lines[blank]]
        shown = ", ".join(str(row) for row in rows[:_ROWS_SHOWN])
        more = ", ..." if count > _ROWS_SHOWN else ""
        word = "reading" if count == 1 else "readings"
        notes.append(
            Note(
                f"{count:,} blank or NaN {word} dropped "
                f"({'row' if count == 1 else 'rows'} {shown}{more}).",
                kind="blank",
                file=table.place,
                values={"readings": count},
            )
        )
    return np.flatnonzero(~blank)


def _blank_in_one_state(state: np.ndarray, blank: np.ndarray, *, place: str) -> list[Note]:
    """Return a note where blanks are of one state: they may be no chance but the meter's range."""
    import numpy as np

    blanks = [int(np.count_nonzero(blank & (state == number))) for number in range(len(STATES))]
    readings = [int(np.count_nonzero(state == number)) for number in range(len(STATES))]
    number = int(np.argmax(blanks))
    if blanks[number] < _LEAST_BLANKS or sum(blanks) > blanks[number] or not min(readings):
        return []
    return [
        Note(
            f"all {blanks[number]:,} blank readings are among the {readings[number]:,} in "
            f"{STATES[number]}. If those cells were out of the meter's range, mark them (OVLD, or "
            'a bound such as ">1e9"): without them the population is cut off.',
            kind="blank in one state",
            file=place,
            values={
                "state": STATES[number],
                "blank": blanks[number],
                "readings": readings[number],
            },
        )
    ]


def _states(
    table: RawTable,
    header: Header,
    lines: np.ndarray,
    columns: np.ndarray,
    named: Mapping[str, int],
) -> np.ndarray:
    """Return the state of each reading, -1 where it is none of those named."""
    import numpy as np

    by_column = [column.state for column in header.readings]
    states: np.ndarray
    if None not in by_column:
        states = np.array(by_column, dtype=np.int64)[columns]
        return states
    column = header.columns["state"]
    states = read_states(table, column.position, named or None)[lines]
    if (states < 0).all():
        texts = list(named) or ["LRS", "HRS"]
        raise InputError(
            f"{table.place}: no row of the column {column.header!r} holds "
            f"one of the states {'named ' if named else ''}({', '.join(map(repr, texts))})."
        )
    return states


def _of_other_states(
    table: RawTable,
    header: Header,
    lines: np.ndarray,
    state: np.ndarray,
    named: Mapping[str, int],
) -> Note:
    column = header.columns["state"]
    left_out = int((state < 0).sum())
    texts = ", ".join(named)
    if named:
        text = f"rows left out because {column.header!r} is none of {texts}"
    else:
        words = {str(table.columns[column.position][line]).strip() for line in lines[state < 0]}
        texts = ", ".join(map(repr, sorted(words)))
        text = f"rows left out because {column.header!r} is {texts}, neither LRS nor HRS"
    advice = "" if named else " --states says which texts are LRS and which HRS."
    return Note(
        f"{text}: {left_out:,} of {len(state):,}.{advice}",
        kind="other states",
        file=table.place,
        values={"rows": len(state), "left_out": left_out},
    )


def _refuse_other_voltages(
    table: RawTable, header: Header, lines: np.ndarray, columns: np.ndarray, voltages: np.ndarray
) -> None:
    """Refuse a column of read voltages that says otherwise than the header of a current."""
    import numpy as np

    for number, reading in enumerate(header.readings):
        stated = voltage_in(reading.header)
        if stated is None:
            continue
        other = (columns == number) & (np.abs(voltages - stated) > 1e-6 * abs(stated))
        if other.any():
            line = int(lines[int(other.argmax())])
            column = header.columns["read_voltage"]
            text = str(table.columns[column.position][line])
            raise InputError(
                f"{table.where(line, column.header)}: the read voltage is {text!r} here and "
                f"{in_words(stated, 'V')} in the header {reading.header!r}. Correct one of them."
            )


def _of_headers(table: RawTable, header: Header, given: float | None) -> np.ndarray:
    """Return the read voltage of each column of currents, by its header or as the user gave it."""
    import numpy as np

    voltages = []
    for column in header.readings:
        stated = voltage_in(column.header)
        if stated is not None and given is not None and abs(stated - given) > 1e-6 * abs(given):
            raise InputError(
                f"{table.place}, column {column.header!r}: the read voltage is "
                f"{in_words(stated, 'V')} by its header and {in_words(given, 'V')} by "
                "--read-voltage. Leave the option out, or correct the header."
            )
        voltage = given if stated is None else stated
        if voltage is None or not np.isfinite(voltage) or voltage == 0:
            raise InputError(
                f"{table.place}: {column.header!r} is a current, and no read voltage is "
                'known; add a column "read voltage (V)" or give --read-voltage "0.2 V" (not 0).'
                f"{_may_be_voltage(header)}"
            )
        voltages.append(voltage)
    return np.array(voltages)


def _may_be_voltage(header: Header) -> str:
    """Return how to take the one column of volts that is not used as the read voltage."""
    texts = [header.texts[position] for position in header.unused()]
    volts = [text for text in texts if _OF_VOLTS.fullmatch(text.strip())]
    if len(volts) != 1:
        return ""
    return f' If {volts[0]!r} is that voltage: --map "{volts[0]}=read voltage [V]".'


def _read_voltages(
    table: RawTable,
    header: Header,
    lines: np.ndarray,
    columns: np.ndarray,
    given: float | None,
) -> np.ndarray | None:
    import numpy as np

    first = header.readings[0]
    if first.quantity == "resistance":
        return None
    if first.quantity == "conductance":
        # A conductance is the current at one volt.
        return np.ones(len(lines))
    column = header.columns.get("read_voltage")
    if column is None:
        of_columns: np.ndarray = _of_headers(table, header, given)[columns]
        return of_columns
    voltages: np.ndarray = read_quantity_column(table, column.position, factor=column.factor)
    voltages = voltages[lines]
    _refuse_other_voltages(table, header, lines, columns, voltages)
    refused = ~(np.isfinite(voltages) & (voltages != 0))
    if refused.any():
        line = int(lines[int(refused.argmax())])
        text = str(table.columns[column.position][line])
        raise InputError(
            f"{table.where(line, column.header)}: {text!r} is not "
            "a read voltage; a current needs one that is not 0."
        )
    other = np.abs(voltages - given) > 1e-6 * abs(given) if given is not None else refused
    if given is not None and other.any():
        line = int(lines[int(other.argmax())])
        text = str(table.columns[column.position][line])
        raise InputError(
            f"{table.where(line, column.header)}: the read voltage is {text!r} here and "
            f"{in_words(given, 'V')} by --read-voltage. Leave the option out, or the column "
            f'(--map "{column.header}=-").'
        )
    return voltages
