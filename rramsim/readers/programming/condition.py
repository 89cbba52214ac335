"""The condition of each reading: what names it, and how readings of several settings are parted.

A condition is named by what the user says (`condition_from`), else by a column of conditions, by
the headers of the columns or by the rows above them, else by the settings in the file that differ,
else by the name of the file or of the sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.formatting import quantity
from rramsim.notes import Note
from rramsim.readers.columns.values import one_spelling, read_labels
from rramsim.readers.programming.sources import (
    READ_VOLTAGE,
    Rows,
    Setting,
    setting_in_words,
    settings_of,
)
from rramsim.schema import (
    STATES,
    are_programmed,
)

if TYPE_CHECKING:
    import numpy as np

_SHOWN = 6


@dataclass(frozen=True)
class Conditions:
    """The condition of each reading.

    `codes`, `(readings,)`, index `names`. `part_of` is the name of the file where the names tell
    its parts only, so that of several files each needs that name before them; else it is empty.
    `columns` are the positions of columns without a known name that name them.
    """

    codes: np.ndarray
    names: list[str]
    part_of: str = ""
    columns: tuple[int, ...] = ()


def conditions_of(
    rows: Rows,
    *,
    default: str,
    is_stated: bool,
    is_guess: bool,
    notes: list[Note],
) -> Conditions:
    """Return the condition of each reading.

    Parameters
    ----------
    rows : Rows
    default : str
        The condition of readings for which the table names none.
    is_stated : bool
        Whether that is what the user says, and not only the name of the file.
    is_guess : bool
        Whether a condition of the whole table was taken from its sheet or tester, and so does not
        keep readings of several settings together.
    notes : list of Note
        What was assumed is added here.

    Raises
    ------
    InputError
        If a reading lacks what names its condition.
    """
    import numpy as np

    whole = Conditions(np.zeros(len(rows.lines), dtype=np.int64), [default])
    named = _named(rows, default=default) or (whole if is_stated else None)
    has = [setting for setting in settings_of(rows) if np.isfinite(setting.values).any()]
    notes += [_measured_note(rows, one) for one in has if not are_programmed(one.values)]
    varying = [one for one in has if are_programmed(one.values) and _varies(one.values)]
    if named is not None and not is_guess:
        notes += _within_notes(rows, named, varying)
        return named
    shared = [one for one in varying if _is_of_both_states(rows, one)]
    if not shared:
        return named or whole
    by_settings = _by_settings(rows, shared, notes)
    if named is not None:
        return replace(_crossed(named, by_settings), columns=by_settings.columns)
    return replace(by_settings, part_of=default)


def as_stated(
    rows: Rows, labels: tuple[np.ndarray, list[str]], stated: Sequence[str], notes: list[Note]
) -> Conditions:
    """Return the conditions that the columns stated by the user make.

    Parameters
    ----------
    rows : Rows
    labels : (ndarray of int, list of str)
        For each reading an index into the names that the columns make, and those.
    stated : sequence of str
        The columns, for a note.
    notes : list of Note
        That is added here.
    """
    by_columns = Conditions(*labels)
    by_header = any(column.condition is not None for column in rows.header.readings)
    column = None if by_header else rows.header.columns.get("condition")
    instead = "" if column is None else f", and not by {column.header!r}"
    notes.append(
        Note(
            f"conditions are named by {' and '.join(map(repr, stated))}, as stated{instead}: "
            f"{len(by_columns.names)}.",
            kind="conditions as stated",
            file=rows.table.place,
            values={"conditions": len(by_columns.names)},
        )
    )
    named = _named(rows, default="") if by_header else None
    # Columns of two conditions are never one, whatever else names conditions.
    return by_columns if named is None else _crossed(named, by_columns)


def _named(rows: Rows, *, default: str) -> Conditions | None:
    """Return the conditions that headers, rows above them, or a column name; None without any."""
    import numpy as np

    header, found = rows.header, []
    if header.above is not None and "condition" in header.above.columns:
        position = header.above.columns["condition"].position
        codes, names = read_labels(header.above.table, position, what="condition")
        found.append(Conditions(codes[rows.columns], names))
    if any(column.condition is not None for column in header.readings):
        by_column = [column.condition or default for column in header.readings]
        names = list(dict.fromkeys(by_column))
        codes = np.array([names.index(name) for name in by_column], dtype=np.int64)
        codes, names = one_spelling(codes, names)
        found.append(Conditions(codes[rows.columns], names))
    if not found and "condition" in header.columns:
        position = header.columns["condition"].position
        codes, names = read_labels(rows.table, position, what="condition")
        found.append(Conditions(codes[rows.lines], names))
    if len(found) > 1:
        return _crossed(*found)
    return found[0] if found else None


def _crossed(one: Conditions, other: Conditions) -> Conditions:
    """Return the conditions that two ways of naming make together."""
    import numpy as np

    both = one.codes * len(other.names) + other.codes
    used, first, codes = np.unique(both, return_index=True, return_inverse=True)
    order = np.argsort(first)
    position = np.empty(len(used), dtype=np.int64)
    position[order] = np.arange(len(used))
    pairs = [divmod(int(code), len(other.names)) for code in used[order]]
    names = [f"{one.names[left]}, {other.names[right]}" for left, right in pairs]
    return Conditions(position[codes], names)


def _varies(values: np.ndarray) -> bool:
    import numpy as np

    return len(np.unique(values[np.isfinite(values)])) > 1


def _is_of_both_states(rows: Rows, setting: Setting) -> bool:
    """Whether a setting is that of a condition; one value a state tells the operation, not it.

    Raises
    ------
    InputError
        If it has several values in one state and none of them in the other, so that nothing says
        which readings belong together.
    """
    import numpy as np

    in_lrs, in_hrs = of_state = [
        np.unique(values[np.isfinite(values)])
        for values in (setting.values[rows.state == state] for state in (0, 1))
    ]
    if np.intersect1d(in_lrs, in_hrs).size or any((rows.state == state).all() for state in (0, 1)):
        return True
    if max(map(len, of_state)) == 1 or setting.variable.name == READ_VOLTAGE.name:
        return False
    told = 0 if len(of_state[0]) > 1 else 1
    raise InputError(
        f"{rows.table.place}: {setting.header!r} differs between the readings in {STATES[told]} "
        f"({_listed(setting, of_state[told])}), and none of these values is in a row of the "
        f"other state, so the conditions of those readings are not known. Fill the column in all "
        f"rows, add a column of conditions, or leave it out (--map {setting.header + '=-'!r})."
    )


def _by_settings(rows: Rows, shared: Sequence[Setting], notes: list[Note]) -> Conditions:
    """Return the conditions that settings make which differ between readings."""
    import numpy as np
    import pandas as pd

    for setting in shared:
        blank = np.isnan(setting.values)
        if blank.any():
            raise InputError(
                f"{setting.where(int(blank.argmax()))}: there is no {setting.variable.label}, "
                "which differs between rows and so names conditions; each row needs one. Blank "
                "cells below a number are filled down only where every number has some."
            )
    distinct = pd.MultiIndex.from_arrays([setting.values for setting in shared])
    codes, keys = pd.factorize(distinct)
    variables = [setting.variable for setting in shared]
    names = [
        ", ".join(map(setting_in_words, variables, (float(value) for value in key))) for key in keys
    ]
    headers = " and ".join(repr(setting.header) for setting in shared)
    notes.append(
        Note(
            f"no column names the conditions; readings of different {headers} are different "
            f"conditions ({len(names)}), named by these.",
            kind="conditions by settings",
            file=rows.table.place,
            values={"conditions": len(names)},
        )
    )
    unknown = tuple(one.position for one in shared if one.position is not None)
    return Conditions(np.asarray(codes, dtype=np.int64), names, columns=unknown)


def _measured_note(rows: Rows, setting: Setting) -> Note:
    import numpy as np

    values = setting.values[np.isfinite(setting.values)]
    low, high = (quantity(float(end), setting.variable.unit) for end in (min(values), max(values)))
    count = len(np.unique(values))
    return Note(
        f"{setting.header!r} has {count:,} different values, from {low} to {high}: it is taken as "
        "measured with each reading, so it names no conditions.",
        kind="measured setting",
        file=rows.table.place,
        values={"setting": setting.variable.name, "different": count},
    )


def _within_notes(rows: Rows, named: Conditions, varying: Sequence[Setting]) -> list[Note]:
    """Return a note on each setting of which a named condition has several values."""
    import numpy as np

    notes = []
    for setting in varying:
        for code, name in enumerate(named.names):
            of_condition = named.codes == code
            values = np.unique(setting.values[of_condition & np.isfinite(setting.values)])
            states = rows.state[of_condition]
            by_state = [
                set(setting.values[of_condition][states == state].tolist()) for state in (0, 1)
            ]
            if len(values) < 2 or not by_state[0] & by_state[1]:
                continue
            column = rows.header.columns.get("condition")
            both = [setting.header] if column is None else [column.header, setting.header]
            text = (
                f"the condition {name!r} holds readings of several {setting.header!r} "
                f"({_listed(setting, values)}) as one population, since they share its name; "
                f'--condition-from "{",".join(both)}" separates them.'
            )
            notes.append(
                Note(
                    text,
                    kind="settings within a condition",
                    file=rows.table.place,
                    values={"setting": setting.variable.name, "different": len(values)},
                )
            )
    return notes


def _listed(setting: Setting, values: np.ndarray) -> str:
    shown = ", ".join(quantity(float(value), setting.variable.unit) for value in values[:_SHOWN])
    return f"{shown}, ..." if len(values) > _SHOWN else shown
