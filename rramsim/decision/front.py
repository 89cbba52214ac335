"""The Pareto front: the points that no other point beats."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def on_front(energy: npt.ArrayLike, accuracy: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Return which points are on the front of less energy and more accuracy.

    A point is beaten by another that has no more energy and no less accuracy, and is better in
    at least one of the two. So of two points with equal energy the less accurate one is not on
    the front, nor is the costlier of two with equal accuracy; points equal in both stand or
    fall together. A point whose energy or accuracy is NaN is never on the front and beats none.

    Parameters
    ----------
    energy, accuracy : array_like
        Any one shape, the same for both.

    Returns
    -------
    ndarray of bool
        In that shape.

    Examples
    --------
    >>> on_front([9.0, 25.0, 25.0, 270.0], [0.90, 0.98, 0.97, 0.98]).tolist()
    [True, True, False, False]
    """
    joules: npt.NDArray[np.float64] = np.asarray(energy, dtype=float)
    share: npt.NDArray[np.float64] = np.asarray(accuracy, dtype=float)
    known = ~(np.isnan(joules) | np.isnan(share))
    front = np.zeros(joules.shape, dtype=bool)
    front[known] = _unbeaten(joules[known], share[known])
    return front


def _unbeaten(energy: npt.NDArray[Any], accuracy: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    # Comparisons with NaN are false both ways, so a whole-array formula needs the known points.
    no_more = energy[:, None] <= energy[None, :]
    no_less = accuracy[:, None] >= accuracy[None, :]
    better = (energy[:, None] < energy[None, :]) | (accuracy[:, None] > accuracy[None, :])
    beaten: npt.NDArray[np.bool_] = np.any(no_more & no_less & better, axis=0)
    return np.logical_not(beaten)
