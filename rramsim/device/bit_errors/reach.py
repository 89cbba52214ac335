"""How far beyond its sample may a fitted BER lead?

A sample of n cells can be expected to show the population out to z_n = Phi^-1(1 - 1/n) sigmas.
Further out a fitted BER rests on the lognormal alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.special import ndtr, ndtri

from rramsim.interval import Interval
from rramsim.statistics.lognormal import FEW_EXACT, LognormalFit

REACH = 2.0
"""Sigmas beyond the last cell that a sample can be expected to show, out to which a fit may lead.

A population that a test of the lognormal passes every second time (Student's t with so many
degrees of freedom) errs 30 (20 cells) to 200 times (256 or 1,024 cells) as often there as the
lognormal with its median and sigma; at 3 sigmas, 1,000 to 10,000 times. It takes 1,024 cells to
1.7e-7, and 20 cells to 1.3e-4.
"""

FEW_CELLS = FEW_EXACT
"""Below this many exact readings of distinct cells in a state, what was counted leads."""


def exact_cells(fit: LognormalFit) -> float:
    """Return the exact readings of distinct cells behind a fit; of one cell, independent ones."""
    return min(fit.exact, independent_cells(fit))


def independent_cells(fit: LognormalFit) -> float:
    """Return the cells behind a fit, fewer where their readings tell less; of one, readings."""
    cells = fit.cells if fit.cells > 1 else math.inf
    return min(cells, fit.effective_readings)


def is_few(fits: Sequence[LognormalFit]) -> bool:
    """Return whether a state has too few exact cells for a fit to lead."""
    return any(exact_cells(fit) < FEW_CELLS for fit in fits)


def furthest(cells: float) -> float:
    """Return how many sigmas out a population fitted to so many cells may lead.

    >>> round(furthest(1024), 2), round(furthest(20), 2)
    (5.1, 3.64)
    """
    return REACH - float(ndtri(1.0 / max(cells, 2.0)))


def least_rate(cells: Sequence[float], shares: Sequence[float] = (0.5, 0.5)) -> float:
    """Return the least BER that may lead: each state as far out as its cells reach.

    Parameters
    ----------
    cells : sequence of float
        Independent cells of each state; of fewer than 20, none may and the least is 1.
    shares : sequence of float
        Share of each state in the cells in use; the sum over states is theirs.

    Examples
    --------
    >>> f"{least_rate((1024, 1024)):.1e}", f"{least_rate((20, 1024)):.1e}"
    ('1.7e-07', '6.7e-05')
    """
    if min(cells) < FEW_CELLS:
        return 1.0
    rates = [float(ndtr(-furthest(each))) for each in cells]
    return sum(share * rate for share, rate in zip(shares, rates, strict=True))


def least_cells(ber: float) -> float:
    """Return the cells a state that it takes for a fit to lead at a BER, at least 20.

    >>> round(least_cells(1e-6)), least_cells(0.01)
    (339, 20.0)
    """
    return max(float(FEW_CELLS), 1.0 / float(ndtr(REACH + float(ndtri(ber)))))


def bound_beyond(fitted: Interval, least: float, *, countable: float) -> Interval | None:
    """Return the bound that leads instead of a fit too far beyond its sample, None where it may.

    Parameters
    ----------
    fitted : Interval
        A fitted BER.
    least : float
        The least BER that may lead (`least_rate`).
    countable : float
        What counting alone shows without an error; a bound above it says nothing more.

    Returns
    -------
    Interval or None
        Less than the least BER that may lead, or than the upper end of the fit's own interval
        where that is higher.
    """
    if fitted.estimate >= least:
        return None
    high = max(least, fitted.high if math.isfinite(fitted.high) else 0.0)
    if countable > least:
        high = min(high, countable)
    return Interval(high=high, bound="upper", basis="fitted", extrapolated=True)


def leading_rate(rate: Interval, least: float) -> Interval:
    """Return what leads of an error rate along lines: it, a bound beyond the least, or nothing.

    Parameters
    ----------
    rate : Interval
        NaN where unknown.
    least : float
        The least rate that may lead (`least_rate`); 1: of so few cells none may.

    Examples
    --------
    >>> leading_rate(Interval(1e-3, 1e-4, 1e-2), 1e-5).estimate
    0.001
    >>> leading_rate(Interval(1e-7, 1e-9, 1e-4), 1e-5).high
    0.0001
    """
    if math.isnan(rate.estimate) or least >= 1.0:
        return Interval()
    return bound_beyond(rate, least, countable=math.inf) or rate
