"""Values at which readings pile up: where a meter stops, they say it without a mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rramsim.schema import ABOVE, BELOW

if TYPE_CHECKING:
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
