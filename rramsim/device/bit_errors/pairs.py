"""Errors counted over all pairs of an LRS and an HRS reading: what 2T2R compares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from rramsim.device.populations.fit import ConditionReadings, StateReadings
from rramsim.schema import ABOVE, BELOW, EXACT

# Values this share of the offset's deviation apart are taken together: at 8 deviations from the
# other cell that changes the error by under 1 %.
_STEP = 0.05
# Further apart, in deviations of the offset, no amplifier decides otherwise (Q(10) = 8e-24).
_REACH = 10.0
# What the limits decide: LRS below HRS, or above it.
_RIGHT = ((BELOW, EXACT), (BELOW, ABOVE), (EXACT, ABOVE))
_WRONG = ((ABOVE, EXACT), (ABOVE, BELOW), (EXACT, BELOW))

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PairCount:
    """Errors among pairs of an LRS and an HRS reading.

    Attributes
    ----------
    errors : float
        Expected errors of the pairs decided; a tie is half an error.
    decided, undecided : int
        Pairs in whom it is known which resistance is higher, and those whose limits leave it
        open.
    """

    errors: float
    decided: int
    undecided: int


def count_pairs(condition: ConditionReadings, *, offset_spread: float = 0.0) -> PairCount:
    """Count the pairs whose LRS reading is above the HRS one, by an amplifier with an offset.

    A pair errs with probability Q((ln R_HRS - ln R_LRS) / offset_spread), without offset where
    LRS is above. A pair with a censored reading counts where the limits decide it, and then as
    one of cells at their limits.

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
    return PairCount(errors=errors, decided=decided, undecided=total - decided)


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
