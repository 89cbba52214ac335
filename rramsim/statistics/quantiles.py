"""Which share of a sample lies at or below each reading, censored readings included.

The quantiles assume no distribution. The ends of their intervals are order statistics: as many
readings as a binomial of the sample's size leaves below them [1]_. Readings of one cluster go
together and count as fewer (Woodruff's intervals [2]_ with the design effect of the share below the
quantile). Limits stand at their worse end for each end; where they decide the quantile, the ends
are those of Turnbull's estimate with as many readings as are exact.

.. [1] H. A. David and H. N. Nagaraja, "Order Statistics", Wiley 2003, section 7.1.
.. [2] R. S. Woodruff, "Confidence intervals for medians and other position measures", Journal of
   the American Statistical Association 47 (1952) 635-646.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, ndtri

from rramsim.interval import Interval
from rramsim.statistics.confidence import CONFIDENCE
from rramsim.statistics.design_effect import LEAST_CLUSTERS, dependence, design_effect
from rramsim.statistics.readings import ABOVE, BELOW, EXACT, clusters_of, limits_at_the_readings


def normal_quantiles(values: ArrayLike, censoring: ArrayLike) -> NDArray[np.float64]:
    """Return the normal quantile of the share of readings at or below each reading.

    The share is the product-limit (Kaplan-Meier) estimate, taken in the middle of its step;
    without censoring the i-th of n readings stands at (i - 1/2) / n. A reading that is at least
    its limit stands at the share below the limit. One that is at most its limit is ranked at the
    limit, which is exact as long as its limit is below every exact reading.

    Parameters
    ----------
    values : array_like, shape (readings,)
        Each the value, or the limit it is beyond.
    censoring : array_like, shape (readings,)
        -1: at most the number, 0: exact, +1: at least the number.

    Returns
    -------
    ndarray, shape (readings,)
        In sigmas. Infinite only for a reading beyond a limit no other reading reaches.

    Examples
    --------
    >>> normal_quantiles([3e3, 1e3, 2e3], [0, 0, 0]).round(3).tolist()
    [0.967, -0.967, 0.0]
    """
    value, is_above = np.asarray(values, dtype=float), np.asarray(censoring) == ABOVE
    # A reading beyond a limit is larger than an exact one that equals the limit.
    order = np.lexsort((is_above, value))
    left = np.arange(value.size, 0, -1)
    events = ~is_above[order]
    # Readings left after each one, as a share of the readings left before: 1 where censored.
    survival = np.cumprod(np.where(events, (left - 1) / left, 1.0))
    before = np.concatenate([[1.0], survival[:-1]])
    share = 1.0 - np.where(events, (before + survival) / 2.0, survival)
    quantiles = np.empty(value.size)
    quantiles[order] = ndtri(share)
    return quantiles


# Beyond every value, and finite: infinities do not interpolate.
_BEYOND = 1e300
_MOST_STEPS = 2000
_SETTLED = 1e-10

Floats = NDArray[np.float64]


def sample_percentiles(
    values: ArrayLike, censoring: ArrayLike, percents: Sequence[float] = (5, 50, 95)
) -> NDArray[np.float64]:
    """Return the percentiles of the readings themselves, NaN where limits leave one open.

    A percentile rises with each reading, so it is known where it is the same with every limit
    taken at its one end and at its other: a reading of at least a limit may be as high as can be.

    Parameters
    ----------
    values, censoring : array_like, shape (readings,)
        One reading at least.
    percents : sequence of float
        From 0 to 100.

    Returns
    -------
    ndarray
        One for each of `percents`.

    Examples
    --------
    >>> sample_percentiles([1e4, 2e4, 3e4, 1e8, 1e8], [0, 0, 0, 1, 1], (0, 50, 95)).tolist()
    [10000.0, 30000.0, nan]
    """
    value, side = np.asarray(values, dtype=float), np.asarray(censoring)
    least = np.percentile(np.where(side == BELOW, 0.0, value), percents)
    most = np.percentile(np.where(side == ABOVE, _BEYOND, value), percents)
    known: NDArray[np.float64] = np.where(least == most, least, np.nan)
    return known


_QUARTILES = (0.25, 0.5, 0.75)
_QUARTILE_SIGMAS = float(ndtri(0.75))


def centre_and_sigmas(x: ArrayLike, side: ArrayLike) -> tuple[float, float, float]:
    """Return the median of a sample, and its sigma by the lower and by the upper quartile.

    A median or quartile beyond a limit is unknown, and the limit may be decades away. The line
    through the quartiles of the exact readings, at the normal quantiles where these stand among
    all, gives the number that is unknown.

    Parameters
    ----------
    x : array_like, shape (readings,)
        On a scale on which it is normal, each the value or the limit it is beyond.
    side : array_like, shape (readings,)
        -1: at most the number, 0: exact, +1: at least the number.

    Returns
    -------
    centre, sigma_below, sigma_above : float
        A sigma is 0 where the quartile equals the median. Without a line an unknown sigma is 0, and
        the centre is the median of the readings, limits included.

    Examples
    --------
    >>> import numpy as np
    >>> z = np.random.default_rng(1).standard_normal(10_000)
    >>> x, side = np.where(z > 0.5, 1e3, z), (z > 0.5).astype(int)  # a limit far away
    >>> [round(number, 1) + 0.0 for number in centre_and_sigmas(x, side)]
    [0.0, 1.0, 1.0]
    """
    value, censoring = np.asarray(x, dtype=float), np.asarray(side)
    low, centre, high = _known_quartiles(value, censoring)
    line_centre, line_sigma = _line_of_exact(value, censoring)
    if math.isnan(centre):
        return line_centre, line_sigma, line_sigma
    below, above = (centre - low) / _QUARTILE_SIGMAS, (high - centre) / _QUARTILE_SIGMAS
    below, above = (line_sigma if math.isnan(sigma) else sigma for sigma in (below, above))
    return centre, below, above


def _known_quartiles(value: Floats, side: NDArray[np.int_]) -> list[float]:
    """Return quartiles and median on any scale, NaN where limits leave one open."""
    least = np.quantile(np.where(side == BELOW, -_BEYOND, value), _QUARTILES)
    most = np.quantile(np.where(side == ABOVE, _BEYOND, value), _QUARTILES)
    known: list[float] = np.where(least == most, least, np.nan).tolist()
    return known


def _line_of_exact(value: Floats, side: NDArray[np.int_]) -> tuple[float, float]:
    """Return median and sigma by the quartiles of the exact readings and their normal quantiles."""
    is_exact = side == EXACT
    if is_exact.any():
        z = normal_quantiles(value, side)[is_exact]
        (x_low, x_high), (z_low, z_high) = (
            np.quantile(of, _QUARTILES[::2]).tolist() for of in (value[is_exact], z)
        )
        if z_high > z_low and x_high > x_low:
            sigma = (x_high - x_low) / (z_high - z_low)
            return x_low - sigma * z_low, sigma
    return float(np.median(value)), 0.0


def sample_quantiles(
    values: ArrayLike,
    censoring: ArrayLike,
    shares: Sequence[float],
    *,
    cell: ArrayLike | None = None,
) -> list[Interval]:
    """Return quantiles of the readings, each with the ends of its 95 % interval.

    Parameters
    ----------
    values : array_like, shape (readings,)
        Above 0, each the value or the limit it is beyond.
    censoring : array_like, shape (readings,)
        -1: at most the number, 0: exact, +1: at least the number.
    shares : sequence of float
        Above 0 and below 1.
    cell : array_like, shape (readings,), optional
        Number of the cell, -1 where unknown. Of a single cell, the readings are in their order in
        time, and count as fewer as far as one follows the other. Default: all are of other cells.

    Returns
    -------
    list of Interval
        Where no limit decides, quantiles interpolate between the readings as NumPy's do; else
        they are those of Turnbull's estimate [1]_ (of Kaplan and Meier without upper limits). One
        beyond the limits is a lower bound, its number in `low`, or an upper one in `high`. So is
        one nearer to 0 or 1 than one reading in all: the sample does not hold it. An end beyond
        the sample is NaN, and both are of fewer than 5 cells read more than once.

    References
    ----------
    .. [1] B. W. Turnbull, "Nonparametric estimation of a survivorship function with doubly
       censored data", Journal of the American Statistical Association 69 (1974) 169-173.

    Examples
    --------
    >>> (median,) = sample_quantiles(range(1, 101), [0] * 100, [0.5])
    >>> median.estimate, median.low, median.high
    (50.5, 40.0, 61.0)
    >>> (median,) = sample_quantiles([1e4, 2e4, 1e8, 1e8, 1e8], [0, 0, 1, 1, 1], [0.5])
    >>> median.bound, median.low
    ('lower', 100000000.0)
    """
    value, side = np.asarray(values, dtype=float), np.asarray(censoring)
    least = np.sort(np.where(side == BELOW, 0.0, value))
    most = np.sort(np.where(side == ABOVE, _BEYOND, value))
    cells = np.full(value.size, -1) if cell is None else np.asarray(cell)
    distribution: tuple[Floats, Floats] | None = None
    found = []
    for share in shares:
        inner, outer = (float(np.quantile(ends, share)) for ends in (least, most))
        is_open = inner != outer
        estimate = inner
        if is_open:
            distribution = distribution or turnbull(value, side)
            estimate = _inverse(*distribution, share)
        is_below = value <= (inner if math.isnan(estimate) else estimate)
        effect = _effect(is_below, cells, value=value, side=side)
        if is_open and distribution is not None:
            counted = int(np.count_nonzero(side == EXACT) / effect) if effect > 0 else 0
            below, above = _places(counted, share)
            low, high = (_inverse(*distribution, end) for end in (below, above))
        else:
            low, high = _ends(least, most, share, effect=effect)
        quantile = Interval(estimate, low, high)
        found.append(_quantile(quantile, share=share, inner=inner, outer=outer, n=value.size))
    return found


def _quantile(quantile: Interval, *, share: float, inner: float, outer: float, n: int) -> Interval:
    """Return a quantile as far as the sample holds it: itself, a bound, or nothing."""
    low, high = quantile.low, quantile.high
    # A share of the sample that is no whole reading is beyond what it holds.
    if n * min(share, 1.0 - share) < 1.0 - 1e-9:
        if share < 0.5:
            return Interval(high=high, bound="" if math.isnan(high) else "upper")
        return Interval(low=low, bound="" if math.isnan(low) else "lower")
    if not math.isnan(quantile.estimate):
        return quantile
    if outer >= _BEYOND and inner > 0.0:
        return Interval(low=inner, bound="lower")
    if inner == 0.0 and outer < _BEYOND:
        return Interval(high=outer, bound="upper")
    return Interval()


def _ends(least: Floats, most: Floats, share: float, *, effect: float) -> tuple[float, float]:
    """Return the order statistics that the quantile lies between; NaN where beyond the sample."""
    if math.isnan(effect):
        return math.nan, math.nan
    n = least.size
    below, above = _places(max(int(n / effect), 1), share)
    lower, upper = math.floor(below * n + 1e-9), math.ceil(above * n - 1e-9)
    low = float(least[lower - 1]) if lower >= 1 else 0.0
    high = float(most[upper - 1]) if upper <= n else _BEYOND
    return low if low > 0.0 else math.nan, high if high < _BEYOND else math.nan


def _places(n: int, share: float) -> tuple[float, float]:
    """Return the shares of n readings up to the two between which the quantile lies.

    0 and above 1 where even the first and the last one do not hold it.
    """
    if n < 1:
        return 0.0, 2.0
    tail = (1.0 - CONFIDENCE) / 2.0
    # By Hoeffding's inequality less than exp(-8) lies further than 2 sqrt(n) from the mean.
    reach = 2.0 * math.sqrt(n)
    start = max(math.floor(share * n - reach), 0)
    up_to = bdtr(np.arange(start, min(math.ceil(share * n + reach), n) + 1), n, share)
    first = int(np.searchsorted(up_to, tail, "right"))
    last = int(np.searchsorted(up_to, 1.0 - tail, "left")) + 1
    return (start + first) / n, (start + last) / n


def _effect(
    is_below: NDArray[np.bool_], cell: NDArray[np.int_], *, value: Floats, side: NDArray[np.int_]
) -> float:
    """Return how many readings tell as much as one of another cluster; NaN for too few clusters."""
    clusters = clusters_of(cell)
    k, n = int(clusters.max()) + 1, clusters.size
    if k == n:
        return 1.0
    x = limits_at_the_readings(np.log(value), side)
    if k == 1:
        following = dependence(x, clusters).following
        return (1.0 + following) / (1.0 - following)
    if k < LEAST_CLUSTERS:
        return math.nan
    return design_effect(is_below, cell, x)


def turnbull(values: Floats, side: NDArray[np.int_]) -> tuple[Floats, Floats]:
    """Return the values at which the estimated distribution rises, and the share up to each.

    Exact values and limits on both sides; each limit's share is spread over what it allows, as the
    shares themselves are, until that changes nothing (self-consistency). Shares below every exact
    value stand at 0, those above at infinity.
    """
    exact, count = np.unique(values[side == EXACT], return_counts=True)
    below, above = values[side == BELOW], values[side == ABOVE]
    points = exact
    counts = count.astype(float)
    if below.size and (not exact.size or below.min() < exact[0]):
        points, counts = np.append(0.0, points), np.append(0.0, counts)
    if above.size and (not exact.size or above.max() >= exact[-1]):
        points, counts = np.append(points, math.inf), np.append(counts, 0.0)
    # A limit allows the points before `until`, or those from `since` on.
    until = np.bincount(np.searchsorted(points, below, "right") - 1, minlength=points.size)
    since = np.bincount(np.searchsorted(points, above, "right"), minlength=points.size)
    shares = np.full(points.size, 1.0 / points.size)
    for _ in range(_MOST_STEPS):
        up_to, from_on = np.cumsum(shares), np.cumsum(shares[::-1])[::-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            of_below = np.where(until > 0, until / up_to, 0.0)
            of_above = np.where(since > 0, since / from_on, 0.0)
        spread = np.cumsum(of_below[::-1])[::-1] + np.cumsum(of_above)
        new = (counts + shares * spread) / values.size
        change = float(np.max(np.abs(new - shares)))
        shares = new
        if change < _SETTLED:
            break
    return points, np.cumsum(shares)


def _inverse(points: Floats, up_to: Floats, share: float) -> float:
    """Return the least point with at least the share up to it, NaN beyond the points."""
    if not 0.0 < share <= 1.0:
        return math.nan
    place = int(np.searchsorted(up_to, share - 1e-9))
    if place >= points.size or points[place] == 0.0 or math.isinf(points[place]):
        return math.nan
    return float(points[place])
