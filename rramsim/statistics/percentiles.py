"""Percentiles of readings, some of them only limits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rramsim.schema import ABOVE, BELOW

# Beyond every resistance, and finite: infinities do not interpolate.
_BEYOND = 1e300


def sample_percentiles(
    resistance: ArrayLike, censoring: ArrayLike, percents: Sequence[float] = (5, 50, 95)
) -> NDArray[np.float64]:
    """Return the percentiles of the readings themselves, NaN where limits leave one open.

    A percentile rises with each reading, so it is known where it is the same with every limit
    taken at its one end and at its other: a reading of at least a limit may be as high as can be.

    Parameters
    ----------
    resistance, censoring : array_like, shape (readings,)
        As in the schema "readings", one reading at least.
    percents : sequence of float
        From 0 to 100.

    Returns
    -------
    ndarray
        In ohm, one for each of `percents`.

    Examples
    --------
    >>> sample_percentiles([1e4, 2e4, 3e4, 1e8, 1e8], [0, 0, 0, 1, 1], (0, 50, 95)).tolist()
    [10000.0, 30000.0, nan]
    """
    value, side = np.asarray(resistance, dtype=float), np.asarray(censoring)
    least = np.percentile(np.where(side == BELOW, 0.0, value), percents)
    most = np.percentile(np.where(side == ABOVE, _BEYOND, value), percents)
    known: NDArray[np.float64] = np.where(least == most, least, np.nan)
    return known
