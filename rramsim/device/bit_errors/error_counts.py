"""Bit errors counted at a reference, with exact binomial intervals.

A cell is read as HRS where its resistance is above the reference, so an LRS cell above it and
an HRS cell below it are errors. Where cells are read more than once, the intervals are those of
fewer readings: see `rramsim.statistics.design_effect`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from rramsim.device.populations.fit import ConditionReadings, StateReadings
from rramsim.interval import Interval
from rramsim.schema import ABOVE, BELOW, EXACT
from rramsim.statistics.confidence import clopper_pearson
from rramsim.statistics.design_effect import design_effect
from rramsim.statistics.readings import limits_at_the_readings


@dataclass(frozen=True)
class Count:
    """Errors among the readings of one state, or among pairs of an LRS and an HRS reading.

    Attributes
    ----------
    errors : float
        Readings on the wrong side of the reference, or expected errors of pairs.
    readings : int
        Readings whose side is known, or pairs of which it is known which resistance is higher.
    undecided : int
        Readings or pairs whose limits leave that open; they are in neither of the others.
    design_effect : float
        Readings that tell as much as one of another cell; 1 where each cell is read once.
    """

    errors: float
    readings: int
    undecided: int
    design_effect: float = 1.0

    @property
    def rate(self) -> float:
        """Errors per reading, NaN without readings."""
        return self.errors / self.readings if self.readings else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Ends of the two-sided 95 % Clopper-Pearson interval of the rate, over cells."""
        return clopper_pearson(self.errors / self.design_effect, self.readings / self.design_effect)


@dataclass(frozen=True)
class WeightedCount:
    """The counted BER of both states together, at the share of LRS cells in use.

    Attributes
    ----------
    ber : Interval
        Weighted share of errors with its 95 % interval, of basis "counted"; an estimate of 0 has
        an interval that begins there.
    errors : int
        Errors of both states.
    sample : float
        Independent readings of one population that would weigh each error as much: see
        `weighted`.
    """

    ber: Interval
    errors: int
    sample: float


def count_errors(
    resistance: ArrayLike,
    censoring: ArrayLike,
    *,
    reference: float | NDArray[np.float64],
    is_hrs: bool,
    cell: ArrayLike | None = None,
) -> Count:
    """Count the readings of one state on the wrong side of `reference` (ohm).

    Parameters
    ----------
    resistance : array_like, shape (readings,)
        Resistance in ohm, or the limit it is beyond.
    censoring : array_like, shape (readings,)
        -1: at most the number, 0: exact, +1: at least the number. A censored reading counts
        where its limit already decides the side.
    reference : float, or ndarray of shape (readings,)
        Reference resistance in ohm, one for all readings or one for each.
    is_hrs : bool
        Whether the cells were programmed to HRS.
    cell : array_like, shape (readings,), optional
        Number of the cell, -1 where unknown. Default: each reading is of another cell.
    """
    value, side = np.asarray(resistance, dtype=float), np.asarray(censoring)
    undecided = ((side == ABOVE) & (value < reference)) | ((side == BELOW) & (value > reference))
    reads_hrs = (value > reference) | ((side == ABOVE) & (value == reference))
    wrong = (reads_hrs != is_hrs) & ~undecided
    left_open = int(np.count_nonzero(undecided))
    effect = 1.0
    if cell is not None:
        known = ~undecided
        x = limits_at_the_readings(np.log(value[known]), side[known])
        effect = design_effect(wrong[known], np.asarray(cell)[known], x)
    return Count(
        errors=int(np.count_nonzero(wrong)),
        readings=value.size - left_open,
        undecided=left_open,
        design_effect=effect,
    )


def weighted(lrs: Count, hrs: Count, *, lrs_share: float = 0.5) -> WeightedCount:
    """Return the BER counted in both states, weighted by their shares in use.

    The interval is Clopper-Pearson's for a sample in which every error weighs as much as the
    heaviest here: size n = min over states of (readings / share), errors n * BER. With as many
    readings as the shares ask for (equal numbers at a share of 0.5) that is the pooled count
    itself; otherwise the interval is on the safe, wide side, because lighter errors make the
    weighted sum spread less than that sample's. Where cells are read more than once, n is divided
    by the design effect: the mean of those of the states, each weighted by its share of the
    variance, share**2 p (1 - p) / readings with p = (errors + 1) / (readings + 2).

    Parameters
    ----------
    lrs, hrs : Count
    lrs_share : float
        Share of the cells in use that are in LRS, above 0 and below 1.

    Examples
    --------
    >>> count = weighted(Count(errors=1, readings=50, undecided=0), Count(3, 50, 0))
    >>> count.ber.estimate, count.errors, count.sample
    (0.04, 4, 100.0)
    """
    ber = lrs_share * lrs.rate + (1.0 - lrs_share) * hrs.rate
    sample = min(lrs.readings / lrs_share, hrs.readings / (1.0 - lrs_share))
    sample /= _design_effect(((lrs, lrs_share), (hrs, 1.0 - lrs_share)))
    low, high = clopper_pearson(sample * ber, sample)
    errors = int(lrs.errors + hrs.errors)
    return WeightedCount(Interval(ber, low, high, basis="counted"), errors, sample)


def _design_effect(states: tuple[tuple[Count, float], ...]) -> float:
    parts = []
    for count, share in states:
        p = (count.errors + 1.0) / (count.readings + 2.0)
        parts.append(share**2 * p * (1.0 - p) / max(count.readings, 1))
    effects = [count.design_effect for count, _ in states]
    return float(np.average(effects, weights=parts))


# Values this share of the offset's deviation apart are taken together: at 8 deviations from the
# other cell that changes the error by under 1 %.
_STEP = 0.05


# Further apart, in deviations of the offset, no amplifier decides otherwise (Q(10) = 8e-24).
_REACH = 10.0


# What the limits decide: LRS below HRS, or above it.
_RIGHT = ((BELOW, EXACT), (BELOW, ABOVE), (EXACT, ABOVE))
_WRONG = ((ABOVE, EXACT), (ABOVE, BELOW), (EXACT, BELOW))


Floats = NDArray[np.float64]


def count_pairs(condition: ConditionReadings, *, offset_spread: float = 0.0) -> Count:
    """Count the pairs whose LRS reading is above the HRS one, by an amplifier with an offset.

    A pair errs with probability Q((ln R_HRS - ln R_LRS) / offset_spread), without offset where
    LRS is above; a tie is half an error. A pair with a censored reading counts where the limits
    decide it, and then as one of cells at their limits.

    Parameters
    ----------
    condition : ConditionReadings
    offset_spread : float
        Standard deviation of the sense amplifier's offset, in units of ln(R).
    """
    lrs, hrs = (_by_censoring(state) for state in condition.states)
    errors, decided = _all(lrs[EXACT], hrs[EXACT], offset_spread)
    for kinds, is_wrong in ((_RIGHT, False), (_WRONG, True)):
        for kind_lrs, kind_hrs in kinds:
            more, count = _on_one_side(
                lrs[kind_lrs], hrs[kind_hrs], offset_spread, is_wrong=is_wrong
            )
            errors, decided = errors + more, decided + count
    total = condition.lrs.resistance.size * condition.hrs.resistance.size
    return Count(errors=errors, readings=decided, undecided=total - decided)


def _by_censoring(state: StateReadings) -> dict[int, Floats]:
    x = np.log(state.resistance)
    return {side: np.sort(x[state.censoring == side]) for side in (BELOW, EXACT, ABOVE)}


def _all(lrs: Floats, hrs: Floats, offset: float) -> tuple[float, int]:
    count = lrs.size * hrs.size
    if offset > 0.0:
        return _with_offset(lrs, hrs, offset, from_=-_REACH, to=_REACH), count
    below = (np.searchsorted(hrs, lrs, "left") + np.searchsorted(hrs, lrs, "right")) / 2.0
    return float(below.sum()), count


def _on_one_side(lrs: Floats, hrs: Floats, offset: float, *, is_wrong: bool) -> tuple[float, int]:
    """Return errors and number of the pairs with LRS below HRS, or above it."""
    if is_wrong:
        count = int(np.searchsorted(hrs, lrs, "right").sum())
    else:
        count = lrs.size * hrs.size - int(np.searchsorted(hrs, lrs, "left").sum())
    if offset > 0.0:
        ends = (-_REACH, 0.0) if is_wrong else (0.0, _REACH)
        errors = _with_offset(lrs, hrs, offset, from_=ends[0], to=ends[1])
        return min(errors, float(count)), count
    return float(count) if is_wrong else 0.0, count


def _with_offset(lrs: Floats, hrs: Floats, offset: float, *, from_: float, to: float) -> float:
    """Return the sum of Q((hrs - lrs) / offset) over pairs from `from_` to `to` offsets apart.

    With `from_` at the full reach those further below count as errors, one each.
    """
    lrs, lrs_count = _together(lrs, _STEP * offset)
    hrs, hrs_count = _together(hrs, _STEP * offset)
    below = np.concatenate([[0.0], np.cumsum(hrs_count)])
    first = np.searchsorted(hrs, lrs + from_ * offset)
    last = np.searchsorted(hrs, lrs + to * offset)
    errors = 0.0
    for x, count, start, end in zip(lrs, lrs_count, first, last, strict=True):
        near = hrs_count[start:end] @ ndtr((x - hrs[start:end]) / offset)
        errors += count * (near + (below[start] if from_ == -_REACH else 0.0))
    return float(errors)


def _together(x: Floats, step: float) -> tuple[Floats, Floats]:
    """Return the means of values in the same step, and how many each stands for."""
    _, group = np.unique(np.floor(x / step), return_inverse=True)
    count = np.bincount(group).astype(float)
    return np.bincount(group, weights=x) / count, count
