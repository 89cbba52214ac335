"""From which resistance on a meter reads nothing: as the user says, else as the readings tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.formatting import counted
from rramsim.formatting import quantity as in_words
from rramsim.notes import Note
from rramsim.schema import ABOVE, BELOW, EXACT, STATES

if TYPE_CHECKING:
    import numpy as np

_LRS, _HRS = 0, 1
# Readings farther than this many interquartile ranges beyond the quartiles are no bulk (Tukey).
_WHISKER = 1.5


@dataclass(frozen=True)
class Guess:
    """A limit of the meter that nobody gave, taken from readings of a file.

    Attributes
    ----------
    side : int
        `ABOVE` or `BELOW` it lie the readings that are marked.
    limit : float
        In ohm.
    condition : int
        Of the marked readings: an index into the names of the file's conditions.
    where : str
        File, row and column of the first of them.
    """

    side: int
    limit: float
    condition: int
    where: str


def apply_limits(
    values: np.ndarray,
    kinds: np.ndarray,
    *,
    over_range: float | None,
    floor: float | None,
    place: str,
) -> list[Note]:
    """Censor readings at and beyond the limits that the user gave, and marks with no limit.

    Parameters
    ----------
    values, kinds : ndarray, shape (readings,)
        Resistances in ohm, NaN where a mark names no limit, and their censoring; changed in place.
    over_range, floor : float or None
        The largest and the smallest resistance that the meter resolves, in ohm.
    place : str
        The file as notes name it.
    """
    import numpy as np

    notes = []
    for side, limit in ((ABOVE, over_range), (BELOW, floor)):
        if limit is None:
            continue
        beyond = (values >= limit) if side == ABOVE else (values <= limit)
        read = beyond & (kinds == EXACT)
        marked = (kinds == side) & (np.isnan(values) | (beyond & (values != limit)))
        for which, text, kind in (
            (read, "at or beyond the limit given", "beyond the limit given"),
            (marked, "marked out of range", "marked, at the limit given"),
        ):
            count = int(np.count_nonzero(which))
            values[which], kinds[which] = limit, side
            end = ", the limit given" if kind.startswith("marked") else ""
            if count:
                notes.append(
                    Note(
                        f"{counted(count, 'reading')} {text} {taken_as(side, limit)}{end}.",
                        kind=kind,
                        file=place,
                        values={"readings": count, "limit": limit},
                    )
                )
    return notes


def guess_limits(
    values: np.ndarray,
    kinds: np.ndarray,
    *,
    state: np.ndarray,
    condition: np.ndarray,
    where: Callable[[int], str],
    place: str,
) -> tuple[tuple[Guess, ...], list[Note]]:
    """Fill the limit of marks that name none, in place: the furthest reading in range.

    The HRS readings of a condition tell how far up the meter reads, its LRS readings how far down,
    where they leave the bulk of the other state; where they do not, those of the other conditions
    of the file do. A limit inside the other state would count its cells as errors.

    Parameters
    ----------
    values, kinds, state, condition : ndarray, shape (readings,)
        Resistances in ohm, NaN for a mark without a limit, their censoring, and what they are of.
    where : callable
        Gives file, row and column of a reading for a message.
    place : str
        The file as notes name it.

    Raises
    ------
    InputError
        If no reading tells the limit.
    """
    import numpy as np

    guesses: list[Guess] = []
    notes: list[Note] = []
    exact = kinds == EXACT
    for side, word in ((ABOVE, "largest"), (BELOW, "smallest")):
        bare = (kinds == side) & np.isnan(values)
        counts: dict[float, int] = {}
        for number in np.unique(condition[bare]):
            of_it = condition == number
            marked = bare & of_it
            other = values[exact & of_it & (state == other_state(side))]
            first = where(int(marked.argmax()))
            limit = _told(values, exact & of_it, state, other, side)
            if limit is None:
                limit = _told(values, exact, state, other, side)
            if limit is None:
                raise unknown_limit(first, side, any_exact=bool(exact.any()))
            values[marked] = limit
            counts[limit] = counts.get(limit, 0) + int(marked.sum())
            guesses.append(Guess(side, limit, int(number), first))
        notes += [
            Note(
                f"{counted(count, 'reading')} marked out of range {taken_as(side, limit)}, the "
                f"{word} reading in range.",
                kind="out of range",
                file=place,
                values={"readings": count, "limit": limit},
            )
            for limit, count in counts.items()
        ]
    return tuple(guesses), notes


def is_beyond_bulk(limit: float, other: np.ndarray, side: int) -> bool:
    """Return whether a limit lies beyond the bulk of the readings of the other state, in ohm."""
    import numpy as np

    if not other.size:
        return True
    low, high = np.quantile(np.log(other), [0.25, 0.75])
    reach = _WHISKER * (high - low)
    return bool(np.log(limit) > high + reach if side == ABOVE else np.log(limit) < low - reach)


def unknown_limit(where: str, side: int, *, any_exact: bool) -> InputError:
    """Return the error for a mark whose limit neither the user nor the readings tell."""
    states = STATES[other_state(-side)], STATES[other_state(side)]
    found = (
        f"no {states[0]} reading in range lies {'above' if side == ABOVE else 'below'} the bulk "
        f"of the {states[1]}"
        if any_exact
        else "no reading of the file is inside it (is the unit in the header right?)"
    )
    option, end, bound = (
        ("--over-range", "largest", ">1e9") if side == ABOVE else ("--floor", "smallest", "<100")
    )
    return InputError(
        f"{where}: the reading is out of the meter's range, whose limit is unknown: "
        f"{found}. Give the {end} resistance that the meter resolves with {option}, or write the "
        f'marks as bounds, such as "{bound}".'
    )


def taken_as(side: int, limit: float, unit: str = "Ω") -> str:
    """Return the words for a reading that is censored at a limit."""
    words = "at least" if side == ABOVE else "at most"
    return f"taken as {words} {in_words(limit, unit)} (censored)"


def other_state(side: int) -> int:
    """Return the state whose bulk a limit on this side must not lie in."""
    return _LRS if side == ABOVE else _HRS


def _told(
    values: np.ndarray, exact: np.ndarray, state: np.ndarray, other: np.ndarray, side: int
) -> float | None:
    """Return the furthest of some readings, None where they do not reach beyond the other state."""
    telling = values[exact & (state != other_state(side))]
    if not telling.size:
        return None
    furthest = max if side == ABOVE else min
    if not is_beyond_bulk(float(furthest(telling)), other, side):
        return None
    return float(furthest(values[exact]))
