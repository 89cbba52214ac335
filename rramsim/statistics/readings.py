"""Readings as plain arrays: which are beyond a limit, and which are of one cell or cycle."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

BELOW, EXACT, ABOVE = -1, 0, 1
"""Censoring of a reading: the true value is at most, equal to, or at least the number."""

Integers = NDArray[np.int_]

# A table of whole numbers may have so many places for each. Looking cells and cycles up in one
# takes a tenth of the time of sorting or hashing them, as `numpy.unique` does.
_PLACES_EACH = 4


def clusters_of(cluster: ArrayLike) -> NDArray[np.int_]:
    """Return the independent group of each reading, from 0: its cluster, or its own if unnamed."""
    number = np.asarray(cluster)
    unnamed = number < 0
    _, group = ranked(number[~unnamed])
    clusters = np.empty(number.size, dtype=int)
    clusters[~unnamed] = group
    named = int(group.max()) + 1 if group.size else 0
    clusters[unnamed] = named + np.arange(np.count_nonzero(unnamed))
    return clusters


def limits_at_the_readings(x: ArrayLike, side: ArrayLike) -> NDArray[np.float64]:
    """Return the readings with each limit beyond the exact ones moved to the outermost of these.

    Moments and correlations of censored readings take a limit for a value. One that is decades
    beyond the readings, such as a mark in a wrong unit, would decide them alone.

    Parameters
    ----------
    x : array_like, shape (readings,)
        Each the value, or the limit it is beyond, on any scale.
    side : array_like, shape (readings,)
        -1: at most the number, 0: exact, +1: at least the number.

    Returns
    -------
    ndarray, shape (readings,)
        `x` itself where no reading is exact or all are.

    Examples
    --------
    >>> limits_at_the_readings([1.0, 2.0, 30.0, 1.5], [0, 0, 1, 1]).tolist()
    [1.0, 2.0, 2.0, 1.5]
    """
    values, censoring = np.asarray(x, dtype=float), np.asarray(side)
    exact = values[censoring == EXACT]
    if not 0 < exact.size < values.size:
        return values
    moved: NDArray[np.float64] = np.clip(values, exact.min(), exact.max())
    return moved


def cluster_count(cluster: ArrayLike) -> int:
    """Return the number of independent groups: clusters, and readings of an unnamed one."""
    number = np.asarray(cluster)
    named = number[number >= 0]
    return int(distinct(named).size + number.size - named.size)


def distinct(numbers: ArrayLike) -> Integers:
    """Return the distinct numbers, ascending.

    Parameters
    ----------
    numbers : array_like of int

    Raises
    ------
    TypeError
        If they are not of a type of whole numbers.

    Examples
    --------
    >>> distinct([7, 3, 7]).tolist()
    [3, 7]
    """
    values = _whole(numbers)
    is_there = _table(values)
    if is_there is None:
        return np.unique(values)
    found: Integers = np.flatnonzero(is_there) + values.min()
    return found


def ranked(numbers: ArrayLike) -> tuple[Integers, Integers]:
    """Return the distinct numbers, ascending, and the position of each number among them.

    Parameters
    ----------
    numbers : array_like of int, shape (numbers,)

    Raises
    ------
    TypeError
        If they are not of a type of whole numbers.

    Examples
    --------
    >>> [part.tolist() for part in ranked([7, 3, 7])]
    [[3, 7], [1, 0, 1]]
    """
    values = _whole(numbers)
    is_there = _table(values)
    if is_there is None:
        found, place = np.unique(values, return_inverse=True)
        return found, place
    least = values.min()
    return np.flatnonzero(is_there) + least, (np.cumsum(is_there) - 1)[values - least]


def _whole(numbers: ArrayLike) -> Integers:
    values = np.asarray(numbers)
    if values.size and not np.issubdtype(values.dtype, np.integer):
        raise TypeError(f"whole numbers were expected, not {values.dtype}")
    return values.astype(int, copy=False)


def _table(values: Integers) -> NDArray[np.bool_] | None:
    """Return whether each number from the least to the largest is there; None for too many."""
    if not values.size:
        return None
    least, most = int(values.min()), int(values.max())
    if most - least >= _PLACES_EACH * values.size:
        return None
    is_there = np.zeros(most - least + 1, dtype=bool)
    is_there[values - least] = True
    return is_there
