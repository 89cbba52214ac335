"""What the lifetimes of cells bear: the cycles until 10 % have failed, as a number or as bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from rramsim.interval import Interval
from rramsim.statistics.confidence import CONFIDENCE
from rramsim.statistics.weibull import NoShapeError, WeibullFit, fit_weibull

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

FAILING = 0.1
"""The share of the cells that may have failed at the endurance claimed: that of B10."""

BY_FIT = "fit"
"""The endurance is B10 of the Weibull fit."""

NO_FIT, NO_WEAR_OUT, BEFORE, BEYOND, CONTRADICTED = (
    *("no fit", "no wear-out", "before the first read", "beyond the last read"),
    "contradicted",
)
"""Why B10 of the fit is not the endurance."""


@dataclass(frozen=True)
class Wear:
    """What the lifetimes of one condition bear.

    Attributes
    ----------
    cycles : Interval
        The endurance, B10 or a bound on it. Of a lower bound `high` is the upper bound, NaN where
        there is none.
    basis : str
        `BY_FIT`, or why B10 of the fit is not the endurance.
    fit : WeibullFit or None
        With intervals that allow for the cells that are undecided.
    why : NoShapeError or None
        Why there is no fit.
    good_until, failing : float
        At 95 % (one-sided), no more than `failing` of the cells failed by this cycle; it is the
        last where that is 10 % at most, else the last to which 90 % were read good.
    failed_by : float
        The first read by which, at 95 % (one-sided), 10 % of the cells failed; NaN: none.
    """

    cycles: Interval
    basis: str
    fit: WeibullFit | None
    why: NoShapeError | None
    good_until: float
    failing: float
    failed_by: float


def wear_of(lifetimes: xr.Dataset, *, first: float, last: float) -> Wear:
    """Return what the lifetimes of the cells that worked bear, read from cycle `first` to `last`.

    B10 is the endurance where three cells or more failed, it lies within the cycles read, and the
    fit is one of wear-out: not where the interval of the shape lies below 1 (cells that fail ever
    more rarely do not wear out), nor where counting at the reads contradicts it. Else there are
    bounds from counting alone. Cells that are undecided count as failed for what is a lower end,
    as alive for an upper one.

    Parameters
    ----------
    lifetimes : xarray.Dataset
        Schema "cell_lifetimes" of one condition, with one cell that worked at least.
    first, last : float
        First and last cycle read.
    """
    columns = {str(name): lifetimes[name].values for name in lifetimes.data_vars}
    good_until, failing = _good_until(columns["after"])
    failed_by = _failed_by(columns["until"])
    fit, why = _fitted(columns)
    basis = _basis(fit, first=first, last=last, lower=_lower(good_until, failing), upper=failed_by)
    if basis == BY_FIT:
        assert fit is not None
        cycles = _within(fit.b10, first=first, last=last)
    else:
        cycles = _bounds(_lower(good_until, failing), failed_by)
    return Wear(cycles, basis, fit, why, good_until, failing, failed_by)


def _basis(fit: WeibullFit | None, *, first: float, last: float, lower: float, upper: float) -> str:
    if fit is None:
        return NO_FIT
    if fit.shape.high < 1.0:
        return NO_WEAR_OUT
    if fit.b10.estimate < first:
        return BEFORE
    if fit.b10.estimate > last:
        return BEYOND
    return CONTRADICTED if fit.b10.estimate < lower or fit.b10.estimate > upper else BY_FIT


def _lower(good_until: float, failing: float) -> float:
    return good_until if good_until > 0 and failing <= FAILING else math.nan


def _bounds(lower: float, upper: float) -> Interval:
    if math.isfinite(lower):
        return Interval(lower, high=upper, bound="lower")
    return Interval(upper, bound="upper") if math.isfinite(upper) else Interval()


def _within(value: Interval, *, first: float, last: float) -> Interval:
    """Return an estimate without the ends that lie where nothing was read."""
    low, high = (end if first <= end <= last else math.nan for end in (value.low, value.high))
    return replace(value, low=low, high=high)


def _fitted(columns: dict[str, Floats]) -> tuple[WeibullFit | None, NoShapeError | None]:
    """Return the Weibull fit, its intervals wide enough for cells that failed or did not."""
    after, until = columns["after"], columns["until"]
    undecided = columns["is_undecided"] == 1
    try:
        if not undecided.any():
            return fit_weibull(after, until), None
        # What could not be told from a soft error by the end is censored for all cells alike.
        horizon = np.where(np.isfinite(until), after, np.minimum(after, columns["horizon"]))
        best = fit_weibull(horizon, until)
    except NoShapeError as error:
        return None, error
    failed = _fit_or_none(after, np.where(undecided, columns["bad_from"], until))
    alive = _fit_or_none(np.where(undecided, columns["last"], after), until)
    b1, b10, median = (
        Interval(
            getattr(best, key).estimate,
            low=min(_end(fit, key, "low", 0.0) for fit in (best, failed)),
            high=max(_end(fit, key, "high", math.inf) for fit in (best, alive)),
        )
        for key in ("b1", "b10", "median")
    )
    shapes = [fit.shape for fit in (best, failed, alive) if fit is not None]
    low, high = min(shape.low for shape in shapes), max(shape.high for shape in shapes)
    shape = replace(best.shape, low=low, high=high)
    return replace(best, shape=shape, b1=b1, b10=b10, median=median), None


def _fit_or_none(last_good: Floats, first_failed: Floats) -> WeibullFit | None:
    try:
        return fit_weibull(last_good, first_failed)
    except NoShapeError:
        return None


def _end(fit: WeibullFit | None, key: str, end: str, unknown: float) -> float:
    return unknown if fit is None else float(getattr(getattr(fit, key), end))


def _good_until(after: Floats) -> tuple[float, float]:
    """Return the cycle to which a sample bears B10, and the share of cells failed by then.

    It is the last to which so many cells were read good that the bound on the share failed is
    10 % at most; where no cycle is, the last to which 90 % of the cells were. The share
    is a one-sided 95 % Clopper-Pearson bound; without failures it is that of the success run,
    1 - 0.05**(1 / n). Cells of which nothing is known so late count as failed.
    """
    cells, after = after.size, np.sort(after)
    most = int(FAILING * cells)
    failed = np.searchsorted(after, after[: most + 1])  # by each of these cycles
    failing = betaincinv(failed + 1, cells - failed, CONFIDENCE)
    borne = np.flatnonzero(failing <= FAILING)
    last = int(borne[-1]) if borne.size else most
    return float(after[last]), float(failing[last])


def _failed_by(until: Floats) -> float:
    """Return the first read by which so many cells failed that B10 is surely past, NaN: none.

    The share failed is a one-sided 95 % Clopper-Pearson bound from below. Cells that are not known
    to have failed count as alive.
    """
    failed = np.sort(until[np.isfinite(until)])
    counts = np.arange(1, failed.size + 1)
    surely = betaincinv(counts, until.size - counts + 1, 1.0 - CONFIDENCE)
    enough = np.flatnonzero(surely >= FAILING)
    return float(failed[enough[0]]) if enough.size else math.nan
