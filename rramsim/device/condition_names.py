"""Names that stand in the readings or among the stated conditions, but not in both."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

# Of difflib's measure of likeness, from 0 to 1.
_ALIKE = 0.7
_NAMES_SHOWN = 5


def unmatched_notes(read: Sequence[str], stated: Sequence[str]) -> list[str]:
    """Return a sentence for each name that is to be looked at, with the likeliest other one.

    Names are joined as they are written. A condition that is stated only is told where one that
    is read only may be meant: others may well be stated without readings.

    Parameters
    ----------
    read, stated : sequence of str
        Names of the conditions that have readings, and of those in the conditions file.
    """
    lone_read = [name for name in read if name not in stated]
    lone_stated = [name for name in stated if name not in read]
    notes = []
    for name in lone_read:
        alike = _most_alike(name, lone_stated)
        notes.append(
            f"{name}: not among the stated conditions; nothing is joined to its readings."
            + (_listed(lone_stated) if alike is None else f" Is it {alike!r} there?")
        )
    for name in lone_stated:
        alike = _most_alike(name, lone_read)
        if alike is not None:
            notes.append(f"{name}: stated, but no reading is of it. Is it {alike!r} there?")
    return notes


def _listed(names: Sequence[str]) -> str:
    if not names:
        return ""
    shown = ", ".join(map(repr, names[:_NAMES_SHOWN]))
    more = ", ..." if len(names) > _NAMES_SHOWN else ""
    return f" Stated without readings: {shown}{more}."


def _most_alike(name: str, others: Sequence[str]) -> str | None:
    """Return the name that differs by case, spaces or a letter; 50 uA and 55 uA are two."""
    by_key = {_key(other): other for other in others if _digits(other) == _digits(name)}
    alike = difflib.get_close_matches(_key(name), by_key, n=1, cutoff=_ALIKE)
    return by_key[alike[0]] if alike else None


def _key(name: str) -> str:
    return "".join(name.casefold().split())


def _digits(name: str) -> list[str]:
    return re.findall(r"\d+", name)
