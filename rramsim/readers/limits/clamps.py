"""Values at which readings pile up: where a meter stops, they say it without a mark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rramsim.schema import ABOVE, BELOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

# A pile-up is a clamp where one value is this share of a population and this many readings ...
_CLAMP_SHARE, _CLAMP_COUNT = 0.01, 5
# ... and stands out from the next value: few digits alone make no clamp.
_CLAMP_OVER_NEIGHBOUR = 3


def find_clamps(values: np.ndarray, groups: np.ndarray) -> dict[int, set[float]]:
    """Return the values at which readings pile up at an end of a population, by side.

    A value is a clamp where it is the largest (`ABOVE`) or smallest (`BELOW`) of a population,
    at least 1 % and 5 of its readings, and 3 times as frequent as its neighbour. A population
    of one single value is not clamped but stuck or too coarsely resolved.

    Parameters
    ----------
    values, groups : ndarray, shape (readings,)
        Exact readings, and the population each belongs to.
    """
    import numpy as np

    clamps: dict[int, set[float]] = {ABOVE: set(), BELOW: set()}
    for group in np.unique(groups):
        distinct, counts = np.unique(values[groups == group], return_counts=True)
        if len(distinct) < 2:
            continue
        least = max(_CLAMP_COUNT, _CLAMP_SHARE * counts.sum())
        for side, end, neighbour in ((ABOVE, -1, -2), (BELOW, 0, 1)):
            if counts[end] >= max(least, _CLAMP_OVER_NEIGHBOUR * counts[neighbour]):
                clamps[side].add(float(distinct[end]))
    return clamps


# Three equal readings or a mark, a decade and twice the span of the middle half beyond all others.
_FAR_COUNT, _FAR_RATIO, _FAR_SPANS = 3, 10.0, 2.0


@dataclass(frozen=True)
class FarPileUp:
    """Equal readings, or marks of one limit, far beyond all others of their population.

    Attributes
    ----------
    group : int
        The population.
    side : int
        `ABOVE` where they are the largest, `BELOW` where they are the smallest.
    value, nearest : float
        Theirs, and the nearest of the others.
    count : int
        How many they are.
    """

    group: int
    side: int
    value: float
    nearest: float
    count: int


def find_far_pile_ups(ohm: np.ndarray, groups: np.ndarray) -> Iterator[FarPileUp]:
    """Yield pile-ups at an end of a population that lie far from the rest of it.

    Three or more readings of one value are far where they lie ten times, and twice the span of
    the middle half of the others (in ln R), beyond the nearest of these. Cells do not give one
    number again and again: a meter does.

    Parameters
    ----------
    ohm, groups : ndarray, shape (readings,)
        Exact readings, and the population each belongs to.
    """
    import numpy as np

    for group in np.unique(groups):
        ordered = np.sort(ohm[groups == group])
        for side, end in ((ABOVE, -1), (BELOW, 0)):
            value = float(ordered[end])
            others = ordered[ordered != value]
            count = ordered.size - others.size
            nearest = far_from_others(value, others, side) if count >= _FAR_COUNT else None
            if nearest is not None:
                yield FarPileUp(int(group), side, value, nearest, int(count))


def far_from_others(value: float, others: np.ndarray, side: int) -> float | None:
    """Return the nearest of three or more other readings that a value lies far beyond.

    None where it does not: where it lies less than ten times, or less than twice the span of the
    middle half of the others (in ln R), beyond the nearest.

    Parameters
    ----------
    value : float
        In ohm.
    others : ndarray, shape (readings,)
        In ohm, the exact readings of its population.
    side : int
        `ABOVE` for a value beyond the largest of them, `BELOW` for one beyond the smallest.
    """
    import numpy as np

    if others.size < _FAR_COUNT:
        return None
    x = np.log(others)
    nearest = float(x.max() if side == ABOVE else x.min())
    gap = side * (float(np.log(value)) - nearest)
    span = float(np.subtract(*np.percentile(x, (75, 25))))
    is_far = gap >= max(float(np.log(_FAR_RATIO)), _FAR_SPANS * span)
    return float(np.exp(nearest)) if is_far else None
