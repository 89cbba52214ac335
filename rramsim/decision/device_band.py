"""How much of a loss, and of a verdict, the finite sample of cells leaves open.

The cells leave error rates open, as draws of a pair: of LRS and of HRS. The loss is scored at a few
pairs of rates, on chips that are nested, and carried to the draws by a surface over the probits of
both rates, in which it is smooth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from rramsim.interval import Interval
from rramsim.statistics.confidence import CONFIDENCE, NORMAL_END

Floats = NDArray[np.float64]

SETTLED = 0.95
"""Probability of meeting a tolerance from which on it is settled that it is met.

At 1 less this, or below, it is settled that it is not.
"""

GRID = 5
"""Rates of a state in a grid."""

CLOSE = 1.0 / 3.0
"""Share of the half width that an interpolated loss may be off."""

_POWER = 0.8
_CHECKED = 10
# Of a network of a billion weights, such a rate makes no error in nearly all chips.
_LEAST_RATE = 1e-12
# The draws beyond are taken at the edge of the grid: they lie outside every 95 % interval.
_SPAN = 0.99
# Rates so many probits below the greatest make hundreds of times fewer errors: as good as none.
_MOST_PROBITS = 2.5
_DEGREE = 3
# Losses grow in proportion to the errors up to about a point, and far faster beyond.
_POINT = 0.01


def probits(rates: ArrayLike) -> Floats:
    """Return probits of error rates, those of 0 and 1 as those of 1e-12 and 1 - 1e-12."""
    found: Floats = ndtri(np.clip(np.asarray(rates, dtype=float), _LEAST_RATE, 1.0 - _LEAST_RATE))
    return found


@dataclass(frozen=True, eq=False)
class RateGrid:
    """The pairs of error rates at which losses are scored; `rate_grid` makes it.

    Attributes
    ----------
    lrs, hrs : ndarray, shape (points,)
        Probits of the rates of each state, ascending; that of the estimate is one of them.
    is_one_rate : bool
        Whether both states have one rate: a pair is then of the same place in `lrs` and `hrs`.
        Otherwise every rate of LRS goes with every one of HRS.
    estimate : (int, int)
        Place of the estimate in `lrs` and in `hrs`.
    """

    lrs: Floats
    hrs: Floats
    is_one_rate: bool
    estimate: tuple[int, int]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the losses: (lrs, hrs), or (points,) of one rate."""
        return (self.lrs.size,) if self.is_one_rate else (self.lrs.size, self.hrs.size)

    @property
    def at_estimate(self) -> tuple[int, ...]:
        """Place of the estimate in an array of `shape`."""
        return self.estimate[:1] if self.is_one_rate else self.estimate

    @property
    def rates(self) -> list[tuple[float, float]]:
        """The rates of LRS and HRS of all pairs, in the (C) order of an array of `shape`."""
        lrs, hrs = ndtr(self.lrs).tolist(), ndtr(self.hrs).tolist()
        if self.is_one_rate:
            return list(zip(lrs, hrs, strict=True))
        return [(one, other) for one in lrs for other in hrs]

    @property
    def diagonal(self) -> list[tuple[float, float]]:
        """The least rates of both states, those of the estimate, and the greatest ones."""
        ends = ((0, 0), self.estimate, (-1, -1))
        return [(float(ndtr(self.lrs[i])), float(ndtr(self.hrs[j]))) for i, j in ends]


def rate_grid(
    lrs: ArrayLike, hrs: ArrayLike, *, estimate: tuple[float, float], points: int = GRID
) -> RateGrid:
    """Return the grid that spans draws of error rates.

    On each axis it goes from the 0.5th to the 99.5th percentile of the draws on the probit scale,
    and on to the estimate if that lies beyond, but no further than 2.5 below its greatest rate:
    smaller rates, such as that of a state of which no error was counted, are taken as that. The
    estimate is one of the points, as its loss is known; the others lie evenly on either side of
    it. A state whose draws are all alike has one.

    Parameters
    ----------
    lrs, hrs : array_like, shape (draws,)
        Error rates; 0 and 1 are taken as 1e-12 and 1 - 1e-12.
    estimate : (float, float)
        Rates of the chips whose loss is known.
    points : int
        Rates of a state, odd.

    Returns
    -------
    RateGrid

    Examples
    --------
    >>> draws = ndtr(np.linspace(-2.2, -1.8, 1001))
    >>> grid = rate_grid(draws, draws, estimate=(ndtr(-2.0), ndtr(-2.0)))
    >>> grid.lrs.round(3).tolist()
    [-2.198, -2.099, -2.0, -1.901, -1.802]
    >>> grid.shape, len(grid.rates)
    ((5,), 5)
    """
    of_lrs, of_hrs = probits(lrs), probits(hrs)
    is_one_rate = estimate[0] == estimate[1] and bool(np.array_equal(of_lrs, of_hrs))
    axes = [
        _axis(one, float(at), points)
        for one, at in zip((of_lrs, of_hrs), probits(estimate), strict=True)
    ]
    (one, first), (other, second) = axes
    return RateGrid(one, other, is_one_rate, (first, second))


def _axis(drawn: Floats, estimate: float, points: int) -> tuple[Floats, int]:
    """Return the points of one state, and the place of the estimate among them."""
    ends = ((1.0 - _SPAN) / 2.0, (1.0 + _SPAN) / 2.0)
    low, high = (float(end) for end in np.quantile(drawn, ends))
    least = max(high, estimate) - _MOST_PROBITS
    low, high, estimate = (max(one, least) for one in (low, high, estimate))
    if low < estimate < high:
        below = np.linspace(low, estimate, points // 2 + 1)[:-1]
        above = np.linspace(estimate, high, points // 2 + 1)[1:]
    else:
        others = np.unique(np.linspace(low, high, points - 1))
        below, above = others[others < estimate], others[others > estimate]
    return np.concatenate([below, [estimate], above]), below.size


def grid_matters(low: float, estimate: float, high: float, *, least: float) -> bool:
    """Return whether the whole grid is worth scoring, from the losses of its diagonal.

    Parameters
    ----------
    low, estimate, high : float
        Losses at the three pairs of `RateGrid.diagonal`. Losses that grow with both rates lie
        between the first and the last one anywhere on the grid.
    least : float
        Differences below this, as a share of the images, do not matter.
    """
    losses = (low, estimate, high)
    return bool(max(losses) - min(losses) >= least)


def losses_of_draws(
    grid: RateGrid, losses: ArrayLike, lrs: ArrayLike, hrs: ArrayLike, *, estimate: float
) -> Floats:
    """Return the loss at each draw, from a cubic in the probits of both rates.

    The cubic is fitted by least squares, through the estimate, to asinh(loss / 1 point): losses
    grow ever faster, a hundred times within the grid of few cells, and those of few chips scatter.
    It is nearer to them than bilinear interpolation, which puts the upper end of 64 cells more
    than a half width too far (`workflows/loss-coverage`).

    Parameters
    ----------
    grid : RateGrid
    losses : array_like, shape ``grid.shape``
        Scored on the same few chips throughout: only differences from the loss at the estimate
        count, and chips that are nested have these in common.
    lrs, hrs : array_like, shape (draws,)
        Error rates. One beyond the grid is taken at its edge.
    estimate : float
        The loss at the estimate, of as many chips as there are.

    Returns
    -------
    ndarray, shape (draws,)

    Examples
    --------
    >>> draws = ndtr(np.linspace(-2.2, -1.8, 401))
    >>> grid = rate_grid(draws, draws, estimate=(ndtr(-2.0), ndtr(-2.0)))
    >>> scored = 0.01 * np.sinh(1.0 + 5.0 * (grid.lrs + 2.0))
    >>> found = losses_of_draws(grid, scored, draws, draws, estimate=0.012)
    >>> found[[100, 200, 300]].round(4).tolist()
    [0.0055, 0.012, 0.0215]
    """
    table = np.asarray(losses, dtype=float)
    if table.shape != grid.shape:
        raise ValueError(f"losses of shape {table.shape} for a grid of {grid.shape}")
    scored = _terms(grid, grid.lrs, grid.hrs) if grid.is_one_rate else _terms(grid, *_mesh(grid))
    scaled, base = np.arcsinh(table / _POINT), table[grid.at_estimate]
    at_base = np.arcsinh(base / _POINT)
    slopes = np.linalg.lstsq(scored, scaled.ravel() - at_base, rcond=None)[0]
    there = at_base + _terms(grid, probits(lrs), probits(hrs)) @ slopes
    found: Floats = estimate + (_POINT * np.sinh(there) - base)
    return found


def _mesh(grid: RateGrid) -> tuple[Floats, Floats]:
    lrs, hrs = np.meshgrid(grid.lrs, grid.hrs, indexing="ij")
    return lrs.ravel(), hrs.ravel()


def _terms(grid: RateGrid, lrs: Floats, hrs: Floats) -> Floats:
    """Return the terms of the cubic at pairs of probits, each of them 0 at the estimate."""
    axes = [(grid.lrs, grid.estimate[0], lrs)]
    if not grid.is_one_rate:
        axes.append((grid.hrs, grid.estimate[1], hrs))
    # From -1 to 1 or less: powers of as many sizes as probits have would lose digits.
    steps = [
        (np.clip(at, axis[0], axis[-1]) - axis[place]) / (np.ptp(axis) or 1.0)
        for axis, place, at in axes
    ]
    most = [min(_DEGREE, axis.size - 1) for axis, _, _ in axes]
    powers = [
        power for power in np.ndindex(*(one + 1 for one in most)) if 0 < sum(power) <= _DEGREE
    ]
    terms = [
        np.prod([step**one for step, one in zip(steps, power, strict=True)], axis=0)
        for power in powers
    ]
    return np.stack(terms, axis=-1) if terms else np.zeros((lrs.size, 0))


def losses_along_diagonal(
    grid: RateGrid,
    losses: Sequence[float],
    lrs: ArrayLike,
    hrs: ArrayLike,
    *,
    estimate: float,
    lrs_share: float = 0.5,
) -> Floats:
    """Return the loss at each draw from the three of the diagonal, by the probit of the BER.

    It is for losses that hardly differ (`grid_matters`): of draws of one BER, it does not ask
    which state errs.

    Parameters
    ----------
    grid, lrs, hrs, estimate
        See `losses_of_draws`.
    losses : sequence of float
        At the pairs of ``grid.diagonal``, of the same chips.
    lrs_share : float
        Share of the cells in use that are in LRS.
    """
    known = probits([lrs_share * one + (1.0 - lrs_share) * other for one, other in grid.diagonal])
    at = probits(lrs_share * np.asarray(lrs) + (1.0 - lrs_share) * np.asarray(hrs))
    found: Floats = estimate + np.interp(at, known, losses) - losses[1]
    return found


def draws_to_check(losses: Floats, *, count: int = _CHECKED) -> NDArray[np.intp]:
    """Return which draws to score directly: spread over their losses, from the 5th percentile on.

    Parameters
    ----------
    losses : ndarray, shape (draws,)
        Interpolated.
    count : int

    Returns
    -------
    ndarray of int, shape (count,)
        Up to the 95th percentile.
    """
    order = np.argsort(losses, kind="stable")
    chosen: NDArray[np.intp] = order[(np.linspace(0.05, 0.95, count) * losses.size).astype(int)]
    return chosen


def is_close(interpolated: ArrayLike, scored: ArrayLike, *, half_width: float) -> bool:
    """Return whether no interpolated loss is off by a third of the half width or more.

    Parameters
    ----------
    interpolated, scored : array_like, shape (draws,)
        Losses at the same draws, scored on the chips of the grid.
    half_width : float
        Of the 95 % interval of the loss.
    """
    off = np.abs(np.asarray(interpolated, dtype=float) - np.asarray(scored, dtype=float))
    return bool(np.max(off, initial=0.0) <= CLOSE * half_width)


def cells_variances(losses: ArrayLike, estimate: float) -> tuple[float, float]:
    """Return the variance of a loss by the sample of cells, towards more loss and towards less.

    They are those of normal laws that reach from the estimate as far as the percentiles 97.5 and
    2.5 of the draws do: losses grow ever faster with the error rates, so that draws are skewed to
    more loss. With the other sources they add up on each side by itself, as in Zou and Donner's
    "method of variance estimates recovery" (Statistics in Medicine 27, 2008, 1693-1702). Towards
    more loss it is no less than the variance of the draws.

    Parameters
    ----------
    losses : array_like, shape (draws,)
    estimate : float
        Loss at the estimate.

    Returns
    -------
    above, below : float
        `cells` and `cells_below` of `rramsim.decision.accuracy_loss.loss_of`.

    Examples
    --------
    >>> normal = ndtri((np.arange(1000) + 0.5) / 1000)
    >>> [round(one**0.5, 4) for one in cells_variances(0.01 + 0.002 * normal, 0.01)]
    [0.002, 0.002]
    """
    drawn = np.asarray(losses, dtype=float)
    low, high = np.quantile(drawn, ((1.0 - CONFIDENCE) / 2.0, (1.0 + CONFIDENCE) / 2.0))
    above, below = (max(reach, 0.0) / NORMAL_END for reach in (high - estimate, estimate - low))
    return float(max(above**2, np.var(drawn))), float(below**2)


def is_settled(probability: float) -> bool:
    """Return whether a probability of meeting the tolerance is 95 % or more, or 5 % or less."""
    return not 1.0 - SETTLED < probability < SETTLED


def largest_ber(bers: ArrayLike, losses: ArrayLike, *, tolerance: float) -> Interval:
    """Return the largest BER at which the loss is at most the tolerance.

    Losses are made to grow with the BER (by pooling those that do not: the least-squares fit that
    does) and interpolated in its probit; from a BER of 0 on, in the BER itself. The pairs of a
    `RateGrid` may all be given, each with its mean rate. The points of a curve are few, and none
    may exceed the tolerance: they have `rramsim.decision.requirements.ber_budgets`.

    Parameters
    ----------
    bers, losses : array_like, shape (points,)
        Two points at least, in any order.
    tolerance : float

    Returns
    -------
    Interval
        A lower bound, the largest BER that was scored, where all meet it; an upper one, the
        smallest, where none does.

    Examples
    --------
    >>> found = largest_ber([0.01, 0.02, 0.04], [0.001, 0.004, 0.02], tolerance=0.004)
    >>> round(found.estimate, 6), found.bound
    (0.02, '')
    >>> largest_ber([0.01, 0.02], [0.001, 0.004], tolerance=0.01).bound
    'lower'
    """
    order = np.argsort(np.asarray(bers, dtype=float), kind="stable")
    ber = np.asarray(bers, dtype=float)[order]
    loss = _growing(np.asarray(losses, dtype=float)[order])
    if loss[-1] <= tolerance:
        return Interval(low=float(ber[-1]), bound="lower", basis="computed")
    if loss[0] > tolerance:
        return Interval(high=float(ber[0]), bound="upper", basis="computed")
    place = int(np.searchsorted(loss, tolerance, "right"))
    part = float((tolerance - loss[place - 1]) / (loss[place] - loss[place - 1]))
    low, high = float(ber[place - 1]), float(ber[place])
    if low == 0.0:
        return Interval(part * high, basis="computed")
    probit = float(ndtri(low)) + part * float(ndtri(high) - ndtri(low))
    return Interval(float(ndtr(probit)), basis="computed")


def _growing(values: Floats) -> Floats:
    """Return the values that never fall and are nearest to these, by least squares."""
    pools: list[tuple[float, int]] = []
    for value in values.tolist():
        pools.append((value, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (one, of_one), (other, of_other) = pools[-2:]
            count = of_one + of_other
            pools[-2:] = [((one * of_one + other * of_other) / count, count)]
    return np.repeat([value for value, _ in pools], [count for _, count in pools])


def more_cells(ber: Interval, largest: float, *, cells: float) -> int | None:
    """Return how many more cells a state would show on which side of a limit the BER lies.

    n_more = N ((z_95 + z_80) s / (z - z*))**2 - N with z and z* the probits of the BER and of the
    limit, and s the standard error of z at N cells a state, which falls with the square root of N:
    at a confidence of 95 % (one-sided), with a power of 80 %, if the estimate stays.

    Parameters
    ----------
    ber : Interval
        Its 95 % interval gives s: from the estimate to the end on the side of the limit.
    largest : float
        The limit, such as the largest BER at which the network is accurate enough.
    cells : float
        N: cells a state behind the BER.

    Returns
    -------
    int or None
        0 where the cells at hand are enough. None where nothing is known of the BER's error, or the
        estimate is at the limit, which no number of cells tells apart.

    Examples
    --------
    >>> more_cells(Interval(0.033, 0.0282, 0.0388), 0.04, cells=1024)
    137
    """
    end = ber.high if largest > ber.estimate else ber.low
    if not (0.0 < ber.estimate < 1.0 and 0.0 < end < 1.0 and 0.0 < largest < 1.0):
        return None
    z, z_end, z_largest = (float(ndtri(rate)) for rate in (ber.estimate, end, largest))
    if z == z_largest:
        return None
    error = abs(z_end - z) / NORMAL_END
    root = float(ndtri(CONFIDENCE) + ndtri(_POWER)) * error / (z - z_largest)
    return max(math.ceil(cells * root**2 - cells), 0)
