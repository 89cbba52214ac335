"""The BER that fitted populations give, 1T1R and 2T2R, with the interval that suits the sample."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rramsim.device.bit_errors.counted import clopper_pearson, smallest_countable
from rramsim.statistics.likelihood import NotSettledError
from rramsim.device.bit_errors.pairs import count_pairs
from rramsim.device.populations.fit import LEAST_CELLS, ConditionReadings, StateReadings
from rramsim.device.bit_errors.profile import log_bit_error_rate_profile
from rramsim.device.bit_errors.sensing import (
    StatePair,
    log_bit_error_rate,
    log_bit_error_rate_2t2r,
    log_bit_error_rate_2t2r_interval,
    log_bit_error_rate_interval,
    log_misread_rates,
)
from rramsim.schema import EXACT

DELTA = "delta method on the probit scale"
DELTA_OVER_CELLS = "delta method on the probit scale, over cells"
PROFILE = "profile likelihood"
CLOPPER_PEARSON = "Clopper-Pearson"
CLOPPER_PEARSON_OVER_CELLS = "Clopper-Pearson, over cells"
"""How the ends of an interval were made; an empty text where there are none."""

UNDERFLOW = 1e-300
"""A BER below this is only said to be below it."""

# Below either number the profile of the likelihood gives the interval (the delta method takes
# the likelihood for a parabola).
_SMALL_SAMPLE = 30
_FEW_EXACT = 20


@dataclass(frozen=True)
class BitErrorRate:
    """A BER with its interval and what it rests on.

    Attributes
    ----------
    ber, low, high : float
        The BER and its 95 % interval; `ber` and `low` are NaN where only the upper bound `high`
        is known.
    rate_lrs, rate_hrs : float
        The shares of misread LRS and HRS cells behind `ber`, NaN where only a bound is known.
    basis, bound : str
        ``"fitted"`` or ``"counted"``; ``""`` or ``"upper"``.
    is_extrapolated : bool
        Whether the BER is fitted and below what the readings could show by counting.
    interval : str
        How the ends were made.
    """

    ber: float
    low: float
    high: float
    rate_lrs: float
    rate_hrs: float
    basis: str
    bound: str = ""
    is_extrapolated: bool = False
    interval: str = ""


def fitted_pair(condition: ConditionReadings) -> StatePair | None:
    """Return the fitted populations, None where a state has none."""
    lrs, hrs = condition.lrs.fit, condition.hrs.fit
    if lrs is None or hrs is None:
        return None
    return StatePair(lrs.mu, lrs.sigma, hrs.mu, hrs.sigma)


def fitted_rate(
    condition: ConditionReadings,
    *,
    reference: float,
    lrs_share: float,
    sample: float,
    reference_spread: float = 0.0,
) -> BitErrorRate | None:
    """Return the fitted BER of a 1T1R read, None where a state has no fit.

    Parameters
    ----------
    condition : ConditionReadings
    reference : float
        In ohm.
    lrs_share : float
        Share of the cells in use that are in LRS.
    sample : float
        Readings that would show an error by counting: what the BER is extrapolated beyond.
    reference_spread : float
        Standard deviation of ln(reference).
    """
    pair = fitted_pair(condition)
    if pair is None:
        return None
    at = math.log(reference)
    seen = pair.seen_through(reference_spread)
    ber = math.exp(log_bit_error_rate(at, seen, lrs_share=lrs_share))
    if ber < UNDERFLOW:
        return _bound(UNDERFLOW, basis="fitted", is_extrapolated=True)
    low, high, interval = _interval(
        condition, pair, at=at, lrs_share=lrs_share, reference_spread=reference_spread
    )
    rate_lrs, rate_hrs = (math.exp(rate) for rate in log_misread_rates(at, seen))
    return BitErrorRate(
        ber=ber,
        low=math.exp(low),
        high=math.exp(high),
        rate_lrs=rate_lrs,
        rate_hrs=rate_hrs,
        basis="fitted",
        # A sample of undecided readings only can show nothing at all.
        is_extrapolated=not ber >= smallest_countable(sample),
        interval=interval,
    )


def paired_rate(
    condition: ConditionReadings, *, offset_spread: float = 0.0, is_lognormal: bool = True
) -> BitErrorRate:
    """Return the BER of a 2T2R read: an LRS and an HRS cell compared with each other.

    Fitted where both states have a fit and `is_lognormal`. Otherwise counted over all pairs of
    an LRS and an HRS reading (`rramsim.device.bit_errors.pairs`); its interval is Clopper-Pearson's for as
    many pairs as the smaller state has cells, which is on the wide side (each cell is in many
    pairs), from 0 where fewer than one of those errs.

    Parameters
    ----------
    condition : ConditionReadings
    offset_spread : float
        Standard deviation of the sense amplifier's offset, in units of ln(R).
    is_lognormal : bool
        Whether the fitted tails are to be believed.
    """
    pair = fitted_pair(condition)
    lrs, hrs = condition.lrs.fit, condition.hrs.fit
    if pair is None or lrs is None or hrs is None or not is_lognormal:
        return _counted_pairs(condition, offset_spread=offset_spread)
    ber = math.exp(log_bit_error_rate_2t2r(pair, offset_spread=offset_spread))
    if ber < UNDERFLOW:
        return _bound(UNDERFLOW, basis="fitted", is_extrapolated=True)
    low, high = log_bit_error_rate_2t2r_interval(
        pair,
        covariance_lrs=lrs.covariance,
        covariance_hrs=hrs.covariance,
        offset_spread=offset_spread,
        degrees_of_freedom=_degrees_of_freedom(condition),
    )
    pairs = _pairs(condition)
    return BitErrorRate(
        ber=ber,
        low=math.exp(low),
        high=math.exp(high),
        rate_lrs=ber,
        rate_hrs=ber,
        basis="fitted",
        is_extrapolated=ber < smallest_countable(pairs),
        interval="" if math.isnan(low) else _delta_name(condition),
    )


def _interval(
    condition: ConditionReadings,
    pair: StatePair,
    *,
    at: float,
    lrs_share: float,
    reference_spread: float,
) -> tuple[float, float, str]:
    lrs, hrs = condition.lrs.fit, condition.hrs.fit
    assert lrs is not None
    assert hrs is not None
    is_small = any(map(_is_small, condition.states))
    # The likelihood takes readings as independent and the reference as fixed.
    if is_small and not reference_spread and _delta_name(condition) == DELTA:
        try:
            low, high = log_bit_error_rate_profile(
                at,
                lrs=(np.log(condition.lrs.resistance), condition.lrs.censoring),
                hrs=(np.log(condition.hrs.resistance), condition.hrs.censoring),
                lrs_share=lrs_share,
            )
        except NotSettledError:
            pass
        else:
            return low, high, PROFILE
    low, high = log_bit_error_rate_interval(
        at,
        pair,
        covariance_lrs=lrs.covariance,
        covariance_hrs=hrs.covariance,
        lrs_share=lrs_share,
        reference_spread=reference_spread,
        degrees_of_freedom=_degrees_of_freedom(condition),
    )
    return low, high, "" if math.isnan(low) else _delta_name(condition)


def _degrees_of_freedom(condition: ConditionReadings) -> float:
    """Return the degrees of freedom of the fits' covariances, NaN where they give no interval.

    The cluster sandwich knows a variance from as many values as there are cells, however often
    each is read; Student's t allows for that from 5 cells on.
    """
    cells = [state.cells for state in condition.states if state.is_repeated]
    if not cells:
        return math.inf
    return min(cells) - 1.0 if min(cells) >= LEAST_CELLS else math.nan


def _is_small(state: StateReadings) -> bool:
    exact = int(np.count_nonzero(state.censoring == EXACT))
    return state.resistance.size < _SMALL_SAMPLE or exact < _FEW_EXACT


def _delta_name(condition: ConditionReadings) -> str:
    return DELTA_OVER_CELLS if condition.is_repeated else DELTA


def clopper_pearson_name(condition: ConditionReadings) -> str:
    """Return how the ends of a counted interval were made."""
    return CLOPPER_PEARSON_OVER_CELLS if condition.is_repeated else CLOPPER_PEARSON


def _counted_pairs(condition: ConditionReadings, *, offset_spread: float) -> BitErrorRate:
    counted = count_pairs(condition, offset_spread=offset_spread)
    if not counted.decided:
        return BitErrorRate(*(math.nan,) * 5, basis="counted")
    rate = counted.errors / counted.decided
    pairs = _pairs(condition)
    if rate == 0.0:
        return _bound(min(smallest_countable(pairs), 1.0), basis="counted")
    low, high = clopper_pearson(rate * pairs, pairs)
    if rate * pairs < 1.0:
        # Less than one error among independent pairs is no evidence that there are any.
        low = 0.0
    return BitErrorRate(
        rate, low, high, rate, rate, basis="counted", interval=clopper_pearson_name(condition)
    )


def _pairs(condition: ConditionReadings) -> int:
    """Return the pairs that are independent of each other; of one cell, its readings."""
    return min(
        state.cells if state.is_repeated else state.resistance.size for state in condition.states
    )


def _bound(high: float, *, basis: str, is_extrapolated: bool = False) -> BitErrorRate:
    return BitErrorRate(
        *(math.nan, math.nan, high, math.nan, math.nan),
        basis=basis,
        bound="upper",
        is_extrapolated=is_extrapolated,
    )
