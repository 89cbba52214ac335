"""Medians where no cell of a resistive memory lies: a unit, a decimal mark or a read voltage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rramsim.formatting import quantity as in_words
from rramsim.notes import Note
from rramsim.schema import STATES

if TYPE_CHECKING:
    import numpy as np

PLAUSIBLE = (10.0, 1e12)
"""In ohm; a median outside is told at the top of a fit. It changes no number."""

_POPULATIONS_SHOWN = 4
_LEAST_READINGS = 3
# Numbers in which a point parts thousands have three digits after it; of ten, nine end in no zero.
_SHARE_WITHOUT_ZERO = 0.6


def magnitude_notes(
    resistance: np.ndarray,
    condition: np.ndarray,
    state: np.ndarray,
    *,
    names: Sequence[str],
    are_resistances: bool,
    like_thousands: bool,
) -> list[Note]:
    """Return a note where the median of a population lies outside `PLAUSIBLE`.

    Parameters
    ----------
    resistance, condition, state : ndarray, shape (readings,)
        In ohm, an index into `names`, and 0 (LRS) or 1 (HRS).
    names : sequence of str
        Of the conditions.
    are_resistances : bool
        Whether the files hold resistances; currents also need the right read voltage.
    like_thousands : bool
        Whether a point in the numbers of the files may part thousands (`are_like_thousands`).
    """
    import numpy as np

    low, high = PLAUSIBLE
    odd: dict[str, float] = {}
    for number, name in enumerate(names):
        for place, word in enumerate(STATES):
            readings = resistance[(condition == number) & (state == place)]
            if readings.size and not low <= float(np.median(readings)) <= high:
                odd[f"{name}/{word}"] = float(np.median(readings))
    if not odd:
        return []
    shown = [f"{name} ({in_words(median, 'Ω')})" for name, median in odd.items()]
    more = len(shown) - _POPULATIONS_SHOWN
    shown = [*shown[:_POPULATIONS_SHOWN], *([f"{more} more"] if more > 0 else [])]
    asked = "Is the unit in the header right" + (
        "" if are_resistances else ", and the read voltage"
    )
    if like_thousands:
        asked += ", or does the point separate thousands (all numbers have three digits after it)"
    return [
        Note(
            f"The median{'s' if len(odd) > 1 else ''} of {', '.join(shown)} lie"
            f"{'' if len(odd) > 1 else 's'} outside {in_words(low, 'Ω')} to {in_words(high, 'Ω')}, "
            f"the range of cells. {asked}? The numbers are used as they are.",
            kind="implausible magnitude",
            values={**odd, "like_thousands": int(like_thousands)},
        )
    ]


def are_like_thousands(numbers: np.ndarray) -> bool:
    """Return whether numbers as they stand in a file have three digits after the point, each.

    "5.063" is 5.063 for one and 5063 for another; 5.06 is no thousand of anyone.
    """
    import numpy as np

    whole = np.rint(1000 * numbers)
    if len(numbers) < _LEAST_READINGS or not (np.abs(numbers) < 1000).all():
        return False
    if not np.allclose(1000 * numbers, whole, rtol=1e-9, atol=1e-6):
        return False
    return float(np.mean(whole % 10 != 0)) >= _SHARE_WITHOUT_ZERO
