"""The line of the BER against the number of cycles, and where it first exceeds a limit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from rramsim.statistics.confidence import CONFIDENCE

_NORMAL_END = float(ndtri(0.5 + CONFIDENCE / 2.0))


@dataclass(frozen=True, eq=False)
class BerLine:
    """The line probit(BER) = intercept + slope log10(cycle), and how well it is known.

    Attributes
    ----------
    intercept, slope : float
    covariance : ndarray, shape (2, 2)
        Of intercept and slope; widened where the points scatter more than their intervals say.
    points : int
    """

    intercept: float
    slope: float
    covariance: NDArray[np.float64]
    points: int

    def probit(self, log_cycle: Any, *, sides: float = 0.0) -> Any:
        """Return the line at log10(cycle), `sides` half widths of its 95 % band above."""
        x = np.asarray(log_cycle, dtype=float)
        variance = (
            self.covariance[0, 0] + 2.0 * x * self.covariance[0, 1] + x**2 * self.covariance[1, 1]
        )
        band = _NORMAL_END * np.sqrt(np.maximum(variance, 0.0))
        return self.intercept + self.slope * x + sides * band


def ber_line(cycle: Any, ber: Any, low: Any, high: Any) -> BerLine | None:
    """Fit probit(BER) = intercept + slope log10(cycle), each point weighted by its interval.

    Where the points scatter more than their intervals allow (chi2 per degree of freedom above
    1), the covariance is widened by that ratio.

    Parameters
    ----------
    cycle, ber, low, high : array_like, shape (checkpoints,)
        NaN where unknown; a point without a BER or an interval of its own, and cycle 1, are
        left out.

    Returns
    -------
    BerLine or None
        None with fewer than two points.
    """
    x, y, y_low, y_high = (
        np.asarray(cycle, dtype=float),
        *(ndtri(np.asarray(value, dtype=float)) for value in (ber, low, high)),
    )
    error = (y_high - y_low) / (2.0 * _NORMAL_END)
    used = (x > 1) & np.isfinite(y) & np.isfinite(error) & (error > 0)
    if np.count_nonzero(used) < 2:
        return None
    design = np.stack([np.ones(int(used.sum())), np.log10(x[used])], axis=1) / error[used, None]
    weighted_y = y[used] / error[used]
    covariance = np.linalg.inv(design.T @ design)
    intercept, slope = covariance @ design.T @ weighted_y
    freedom = int(used.sum()) - 2
    if freedom:
        scatter = float(np.sum((weighted_y - design @ (intercept, slope)) ** 2))
        covariance = covariance * max(1.0, scatter / freedom)
    return BerLine(
        intercept=float(intercept),
        slope=float(slope),
        covariance=covariance,
        points=int(used.sum()),
    )


def first_crossing(
    line: BerLine, limit: float, *, first: float, last: float
) -> tuple[float, float, float]:
    """Return the cycles at which the line, and the ends of its band, first exceed a BER limit.

    Parameters
    ----------
    line : BerLine
    limit : float
        The BER.
    first, last : float
        First and last cycle read: nothing is sought beyond them.

    Returns
    -------
    crossing, low, high : float
        NaN for what is not met between the two cycles; `first` where the limit is exceeded there
        already.
    """
    grid = np.linspace(math.log10(first), math.log10(last), 2001)
    level = float(ndtri(limit))

    def crossing(sides: float) -> float:
        above = line.probit(grid, sides=sides) > level
        if not above.any():
            return math.nan
        at = int(above.argmax())
        if at == 0:
            return first
        left, right = (float(line.probit(grid[i], sides=sides)) for i in (at - 1, at))
        share = (level - left) / (right - left)
        return float(10.0 ** (grid[at - 1] + share * (grid[at] - grid[at - 1])))

    return crossing(0.0), crossing(1.0), crossing(-1.0)
