"""A line of probit(share) against log10(x), and where it first exceeds a limit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from rramsim.statistics.confidence import NORMAL_END


@dataclass(frozen=True, eq=False)
class ProbitLine:
    """The line probit(share) = intercept + slope log10(x), and how well it is known.

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

    def probit(self, log_x: Any, *, sides: float = 0.0) -> Any:
        """Return the line at log10(x), `sides` half widths of its 95 % band above."""
        x = np.asarray(log_x, dtype=float)
        variance = (
            self.covariance[0, 0] + 2.0 * x * self.covariance[0, 1] + x**2 * self.covariance[1, 1]
        )
        band = NORMAL_END * np.sqrt(np.maximum(variance, 0.0))
        return self.intercept + self.slope * x + sides * band


def probit_line(
    x: Any, share: Any, low: Any, high: Any, *, correlation: Any = None
) -> ProbitLine | None:
    """Fit probit(share) = intercept + slope log10(x), each point weighted by its interval.

    The covariance is that of this weighted sum of points that go together: with X the design
    and W the weights, (X'WX)**-1 X'W C WX (X'WX)**-1, C the covariance of the points. Where the
    points scatter more than their intervals allow (chi2 per degree of freedom above 1), it is
    widened by that ratio.

    Parameters
    ----------
    x, share, low, high : array_like, shape (points,)
        NaN where unknown; a point without a share or an interval of its own is left out.
    correlation : array_like, shape (points, points), optional
        Of the errors of the points. Default: they are independent.

    Returns
    -------
    ProbitLine or None
        None with fewer than two points.
    """
    places = np.asarray(x, dtype=float)
    y, y_low, y_high = (ndtri(np.asarray(value, dtype=float)) for value in (share, low, high))
    error = (y_high - y_low) / (2.0 * NORMAL_END)
    used = (places > 0) & np.isfinite(y) & np.isfinite(error) & (error > 0)
    if np.count_nonzero(used) < 2:
        return None
    design = (
        np.stack([np.ones(int(used.sum())), np.log10(places[used])], axis=1) / error[used, None]
    )
    weighted_y = y[used] / error[used]
    covariance = np.linalg.inv(design.T @ design)
    solve = covariance @ design.T
    intercept, slope = solve @ weighted_y
    if correlation is not None:
        covariance = solve @ np.asarray(correlation, dtype=float)[np.ix_(used, used)] @ solve.T
    freedom = int(used.sum()) - 2
    if freedom:
        scatter = float(np.sum((weighted_y - design @ (intercept, slope)) ** 2))
        covariance = covariance * max(1.0, scatter / freedom)
    return ProbitLine(
        intercept=float(intercept),
        slope=float(slope),
        covariance=covariance,
        points=int(used.sum()),
    )


def first_crossing(
    line: ProbitLine, limit: float, *, first: float, last: float
) -> tuple[float, float, float]:
    """Return where the line, and the ends of its band, first exceed a limit.

    Parameters
    ----------
    line : ProbitLine
    limit : float
        A share.
    first, last : float
        First and last x: nothing is sought beyond them.

    Returns
    -------
    crossing, low, high : float
        NaN for what is not met between the two; `first` where the limit is exceeded there
        already.
    """
    grid = np.linspace(math.log10(first), math.log10(last), 2001)
    level = float(ndtri(limit))

    def crossing(sides: float) -> float:
        above = line.probit(grid, sides=sides) > level
        if not above.any():
            return math.nan
        end = int(above.argmax())
        if end == 0:
            return first
        left, right = (float(line.probit(grid[i], sides=sides)) for i in (end - 1, end))
        part = (level - left) / (right - left)
        return float(10.0 ** (grid[end - 1] + part * (grid[end] - grid[end - 1])))

    return crossing(0.0), crossing(1.0), crossing(-1.0)
