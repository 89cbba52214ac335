"""Numbers by which instruments say that there is no reading: one table, each with its source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from rramsim.notes import Note
from rramsim.statistics.readings import ABOVE

if TYPE_CHECKING:
    import numpy as np

BLANK, COMPLIANCE, BAD = 2, 3, 4
"""Beside the censoring codes of the schema: nothing was read, the read ran into its current
compliance, or the text means nothing to us."""

LARGEST_READING = 1e15
"""In ohm: no meter resolves more, so whatever is above is no reading (a rule of ours)."""

_NEVER_READ = 1e30  # in any unit that people write
_CLOSE = 1e-4  # 9.9E37 and 9.91E37 differ by ten times as much


@dataclass(frozen=True)
class Sentinel:
    """A number that is no reading.

    Attributes
    ----------
    number : float
        As it stands in the file; the negative one means the same.
    of_resistance, of_current : int
        What it is in a column of resistances, and in any other: `ABOVE` (beyond the range of
        what was measured) or `BLANK`.
    means : str
        What it says, for people.
    source : str
        Where that stands.
    """

    number: float
    of_resistance: int
    of_current: int
    means: str
    source: str


SENTINELS = (
    Sentinel(9.9e37, ABOVE, ABOVE, "infinity of SCPI", "Keysight E4980A user's guide, save/recall"),
    # In a column of resistances the function is on, so a reading without a number is an overflow.
    Sentinel(9.91e37, ABOVE, BLANK, "not-a-number of SCPI", "Keithley 2400 user's manual, FORMat"),
    Sentinel(199.999e99, ABOVE, ABOVE, "over the range", "Keysight B1500A programming guide"),
    Sentinel(9.99999e35, ABOVE, ABOVE, "range over", "ADCMT 6241A manual, 6.6"),
    Sentinel(9.99999e34, ABOVE, BLANK, "too few counts of current", "ADCMT 6241A manual, 6.6"),
    Sentinel(9.99999e33, BLANK, BLANK, "the source is at 0 V", "ADCMT 6241A manual, 6.6"),
    Sentinel(9.99999e32, BLANK, BLANK, "scaling error", "ADCMT 6241A manual, 6.6"),
    Sentinel(9.99999e31, BLANK, BLANK, "error of a total", "ADCMT 6241A manual, 6.6"),
    Sentinel(8.88888e30, BLANK, BLANK, "no data stored", "ADCMT 6241A manual, 6.6"),
)

# What programs write for a missing number; no resistance or conductance is negative.
_MISSING = (-999.0, -9999.0, -99999.0)
_UNKNOWN = "no instrument reads as much"


class Found(NamedTuple):
    """A number that is no reading, what it was taken for, in how many readings, what it says."""

    number: float
    kind: int
    readings: int
    means: str


def mark_sentinels(
    values: np.ndarray, kinds: np.ndarray, *, exact: int, quantity: str | None
) -> list[Found]:
    """Turn numbers that are no readings into marks, in place, and return what was found.

    Parameters
    ----------
    values : ndarray of float, shape (rows,)
        In the unit of the file; those of marks become NaN.
    kinds : ndarray of int, shape (rows,)
        Codes of the schema, and `BLANK`.
    exact : int
        The kind of numbers that may be sentinels.
    quantity : str or None
        Of the readings; None for a column of another kind, in which a sentinel is a blank or
        out of range and no more is known.

    Returns
    -------
    list of Found
        In the order of `SENTINELS`, then the others by size.
    """
    import numpy as np

    size = np.abs(values)
    there = (kinds == exact) & np.isfinite(values)
    candidates = there & ((size >= _NEVER_READ) | np.isin(values, _MISSING))
    found: list[Found] = []

    def take(of_it: np.ndarray, kind: int, number: float, means: str) -> None:
        count = int(np.count_nonzero(of_it))
        values[of_it], kinds[of_it] = np.nan, kind
        candidates[of_it] = False
        if count:
            found.append(Found(number, kind, count, means))

    if candidates.any():
        for sentinel in SENTINELS:
            is_resistance = quantity == "resistance"
            kind = sentinel.of_resistance if is_resistance else sentinel.of_current
            of_it = candidates & (np.abs(size / sentinel.number - 1) < _CLOSE)
            take(of_it, kind, sentinel.number, sentinel.means)
        for number in np.unique(size[candidates & (size >= _NEVER_READ)]):
            take(candidates & (size == number), ABOVE, float(number), _UNKNOWN)
        for number in _MISSING if quantity in ("resistance", "conductance") else ():
            take(candidates & (values == number), BLANK, number, "a missing number")
    infinite = (kinds == exact) & np.isinf(values)
    kinds[infinite], values[infinite] = ABOVE, np.nan
    return found


def sentinel_notes(found: Iterable[Found], *, place: str) -> list[Note]:
    """Return what was taken for what: a note for each number, with its count."""
    by_number: dict[float, list[Found]] = {}
    for one in found:
        by_number.setdefault(one.number, []).append(one)
    notes = []
    for number, ones in by_number.items():
        count = sum(one.readings for one in ones)
        word = "reading is" if count == 1 else "readings are"
        taken = "out of range" if ones[0].kind == ABOVE else "blank"
        notes.append(
            Note(
                f"{count:,} {word} {number:.6G} ({ones[0].means}): taken as {taken}"
                f"{_why_blank(ones[0])}.",
                kind="number for no reading",
                file=place,
                values={"readings": count, "number": number, "taken_as": taken},
            )
        )
    return notes


def _why_blank(found: Found) -> str:
    """Return why a number is a blank here that would be an overflow among resistances."""
    overflows = [one.number for one in SENTINELS if one.of_resistance == ABOVE]
    if found.kind != BLANK or found.number not in overflows:
        return ""
    return " (it stands for a current that was not measured; one beyond the range is 9.9E+37)"
