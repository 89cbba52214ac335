"""Dates with a time of day, and the seconds between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from rramsim.errors import InputError

if TYPE_CHECKING:
    import numpy as np

LIKE_TIME = re.compile(
    r"time|date|stamp|hour|minute|zeit|datum|stunde|heure|temps|horodatage|时间|時間|日期|日時",
    re.IGNORECASE,
)
"""Headers of columns that may say when a reading was taken."""

# The order of the numbers of a date, these, and the seconds of the day.
_Parts: TypeAlias = "tuple[str, tuple[int, int, int], float]"
# A date alone is its midnight.
_TIME = r"(?:(?:T|,?\s+)(\d{1,2}):(\d{2})(?::(\d{2}(?:[.,]\d+)?))?\s*([AaPp]\.?[Mm]\.?|Z)?)?"
# The point is German; the slash is American, or the rest of the world's.
_FORMS = (
    (re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})" + _TIME), "ymd"),
    (re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})" + _TIME), "dmy"),
    (re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})" + _TIME), "?"),
)


def seconds_of(texts: Sequence[str], *, where: str) -> np.ndarray | None:
    """Return dates with times as seconds from one instant on, None where one text is none.

    Accepted are "2025-03-04 09:00:00", "2025/03/04 9:00", "04.03.2025 09:00" and
    "3/4/2025 9:00 AM". Of "3/4/2025" without AM or PM, other dates of the column tell whether the
    month comes first. A blank text is NaN.

    Raises
    ------
    InputError
        If they do not, and it makes a difference; `where` names the column.
    """
    import numpy as np

    distinct = {text.strip() for text in texts}
    filled = sorted(distinct - {""})
    parsed = {text: _parts(text) for text in filled}
    if not filled or None in parsed.values():
        return None
    known = {text: parts for text, parts in parsed.items() if parts is not None}
    orders = [order for order in ("mdy", "dmy") if _fit(known.values(), order)]
    if not orders:
        return None
    instants = [{text: _instant(parts, order) for text, parts in known.items()} for order in orders]
    if len(instants) > 1 and _steps(instants[0]) != _steps(instants[1]):
        raise InputError(
            f"{where}: is the month or the day first in {filled[0]!r}? Write the dates as "
            "2025-03-04 09:00:00."
        )
    seconds = instants[0] | {"": float("nan")}
    return np.array([seconds[text.strip()] for text in texts])


def _parts(text: str) -> _Parts | None:
    """Return the order of a date, its three numbers, and the seconds of the day."""
    for form, order in _FORMS:
        matched = form.fullmatch(text)
        if matched is None:
            continue
        one, two, three, hour, minute = (int(matched[number] or 0) for number in range(1, 6))
        half = (matched[7] or "").casefold()
        if half in ("am", "pm", "a.m.", "p.m."):
            hour = hour % 12 + (12 if half.startswith("p") else 0)
            order = "mdy" if order == "?" else order
        seconds = 3600.0 * hour + 60.0 * minute + float((matched[6] or "0").replace(",", "."))
        return order, (one, two, three), seconds
    return None


def _fit(dates: Iterable[_Parts], order: str) -> bool:
    """Whether all are dates of the calendar if unknown orders are read so."""
    try:
        for parts in dates:
            _instant(parts, order)
    except ValueError:
        return False
    return True


def _instant(parts: _Parts, unknown: str) -> float:
    order, numbers, seconds = parts
    named = dict(zip(unknown if order == "?" else order, numbers, strict=True))
    day = datetime(named["y"], named["m"], named["d"])
    return day.toordinal() * 86400.0 + seconds


def _steps(instants: dict[str, float]) -> list[float]:
    """Return what the readings are apart."""
    first = min(instants.values())
    return [instant - first for instant in instants.values()]


def since_first(
    seconds: np.ndarray, groups: np.ndarray, cells: Sequence[np.ndarray]
) -> tuple[np.ndarray, bool]:
    """Return the seconds since the first reading of each cell, and whether cells are read again.

    Parameters
    ----------
    seconds, groups : ndarray, shape (readings,)
        When each was taken, and the population (condition and state) it is of.
    cells : sequence of ndarray, shape (readings,)
        What tells cells apart; where nothing does, the readings of a population count as read
        again if three or more, on average, were taken at the same instant.
    """
    import numpy as np
    import pandas as pd

    parts = [groups, *(pd.factorize(part.astype(str))[0] for part in cells)]
    frame = pd.DataFrame({str(number): part for number, part in enumerate(parts)})
    frame["seconds"] = seconds
    by_cell = frame.groupby([str(number) for number in range(len(parts))])["seconds"]
    distinct = by_cell.transform("nunique").to_numpy()
    elapsed: np.ndarray = seconds - by_cell.transform("min").to_numpy()
    if cells:
        return elapsed, bool((distinct > 1).any())
    return elapsed, bool(1 < np.unique(seconds).size <= len(seconds) / 3)
