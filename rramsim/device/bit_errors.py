"""The bit-error rate of a condition: fitted, counted, and which of the two is to be believed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rramsim import numbers
from rramsim.device.counting import (
    Count,
    WeightedCount,
    count_errors,
    smallest_countable,
    weighted,
)
from rramsim.device.populations import ConditionReadings
from rramsim.device.sensing import (
    StatePair,
    best_reference,
    log_bit_error_rate,
    log_bit_error_rate_interval,
    log_misread_rates,
)

INTERVAL = (
    "95 %; fitted BER: delta method on the probit scale from the observed information of the fits "
    "(over cells where cells are read more than once); counted BER: Clopper-Pearson, of the "
    "pooled count where the readings are in the shares in use, else of the sample in which every "
    "error weighs as much as the heaviest"
)
"""How the ends of every BER's interval were made."""

_UNDERFLOW = 1e-300


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
        Whether the BER is fitted, below what the readings could show by counting, and no error
        was counted.
    """

    ber: float
    low: float
    high: float
    rate_lrs: float
    rate_hrs: float
    basis: str
    bound: str = ""
    is_extrapolated: bool = False


@dataclass(frozen=True)
class BitErrors:
    """The bit errors of one condition read against one reference.

    Attributes
    ----------
    reference : float
        Reference resistance in ohm.
    headline : BitErrorRate
        The BER to be believed.
    counts : tuple of Count
        The errors counted in LRS and in HRS.
    counted : WeightedCount
        Both together.
    notes : tuple of str
        What a reader must know, a sentence each.
    """

    reference: float
    headline: BitErrorRate
    counts: tuple[Count, Count]
    counted: WeightedCount
    notes: tuple[str, ...]


def bit_errors(
    condition: ConditionReadings, *, lrs_share: float = 0.5, reference: float | None = None
) -> BitErrors:
    """Return the BER of a condition, fitted or counted, at one reference.

    The fitted BER is the headline, unless a state could not be fitted or the 95 % interval of
    the BER counted at the same reference excludes it: then the counted BER is.

    Parameters
    ----------
    condition : ConditionReadings
    lrs_share : float
        Share of the cells in use that are in LRS.
    reference : float, optional
        Reference resistance in ohm. Default: the best one for the fitted populations. (The one
        with the fewest counted errors would flatter the sample it was chosen on.)
    """
    pair = _pair(condition)
    if reference is None:
        reference, notes = _choose_reference(condition, pair, lrs_share=lrs_share)
    else:
        notes = _reference_notes(condition, reference)
    lrs, hrs = (
        count_errors(state.resistance, state.censoring, reference=reference, is_hrs=is_hrs)
        for state, is_hrs in zip(condition.states, (False, True), strict=True)
    )
    counted = weighted(lrs, hrs, lrs_share=lrs_share)
    notes += _undecided_notes(condition, (lrs, hrs), reference=reference)
    headline = _counted_rate(lrs, hrs, counted)
    fitted = _fitted_rate(
        condition, pair, reference=reference, lrs_share=lrs_share, counted=counted
    )
    if fitted is not None:
        at_most = fitted.high if fitted.bound else fitted.ber
        if counted.low <= at_most <= counted.high or math.isnan(counted.ber):
            headline = fitted
        else:
            notes.append(_disagreement(condition.name, at_most, counted))
    notes += _limit_notes(condition.name, headline, counted)
    return BitErrors(
        reference=reference,
        headline=headline,
        counts=(lrs, hrs),
        counted=counted,
        notes=tuple(notes),
    )


def _pair(condition: ConditionReadings) -> StatePair | None:
    lrs, hrs = condition.lrs.fit, condition.hrs.fit
    if lrs is None or hrs is None:
        return None
    return StatePair(lrs.mu, lrs.sigma, hrs.mu, hrs.sigma)


def _choose_reference(
    condition: ConditionReadings, pair: StatePair | None, *, lrs_share: float
) -> tuple[float, list[str]]:
    if pair is None:
        reference = math.sqrt(condition.lrs.median * condition.hrs.median)
        return reference, [
            f"{condition.name}: no best reference without a fit of both states; errors are "
            f"counted at the geometric mean of the medians, {numbers.quantity(reference, 'Ω')}."
        ]
    best = best_reference(pair, lrs_share=lrs_share)
    if best.is_crossing:
        return math.exp(best.ln_ohm), []
    return math.exp(best.ln_ohm), [
        f"{condition.name}: the densities of the states do not cross between the medians; the "
        "reference is where the BER is least between them."
    ]


def _reference_notes(condition: ConditionReadings, reference: float) -> list[str]:
    lrs, hrs = (state.median for state in condition.states)
    if lrs <= reference <= hrs:
        return []
    return [
        f"{condition.name}: the reference {numbers.quantity(reference, 'Ω')} is not between the "
        f"medians, {numbers.quantity(lrs, 'Ω')} and {numbers.quantity(hrs, 'Ω')}."
    ]


def _undecided_notes(
    condition: ConditionReadings, counts: tuple[Count, Count], *, reference: float
) -> list[str]:
    return [
        f"{state.place}: {count.undecided:,} of {state.resistance.size:,} readings are not in "
        f"the counted BER: their limit leaves open on which side of the reference "
        f"{numbers.quantity(reference, 'Ω')} they are."
        for state, count in zip(condition.states, counts, strict=True)
        if count.undecided
    ]


def _fitted_rate(
    condition: ConditionReadings,
    pair: StatePair | None,
    *,
    reference: float,
    lrs_share: float,
    counted: WeightedCount,
) -> BitErrorRate | None:
    lrs, hrs = condition.lrs.fit, condition.hrs.fit
    if pair is None or lrs is None or hrs is None:
        return None
    at = math.log(reference)
    ber = math.exp(log_bit_error_rate(at, pair, lrs_share=lrs_share))
    if ber < _UNDERFLOW:
        return BitErrorRate(
            *(math.nan, math.nan, _UNDERFLOW, math.nan, math.nan),
            basis="fitted",
            bound="upper",
            is_extrapolated=True,
        )
    low, high = log_bit_error_rate_interval(
        at,
        pair,
        covariance_lrs=lrs.covariance,
        covariance_hrs=hrs.covariance,
        lrs_share=lrs_share,
    )
    rate_lrs, rate_hrs = (math.exp(rate) for rate in log_misread_rates(at, pair))
    return BitErrorRate(
        ber=ber,
        low=math.exp(low),
        high=math.exp(high),
        rate_lrs=rate_lrs,
        rate_hrs=rate_hrs,
        basis="fitted",
        # Where errors were counted the sample does show a BER of that order; a sample of
        # undecided readings only (its countable BER is NaN) can show nothing at all.
        is_extrapolated=not counted.errors and not ber >= smallest_countable(counted.sample),
    )


def _counted_rate(lrs: Count, hrs: Count, counted: WeightedCount) -> BitErrorRate:
    if counted.errors and not math.isnan(counted.ber):
        return BitErrorRate(
            ber=counted.ber,
            low=counted.low,
            high=counted.high,
            rate_lrs=lrs.rate,
            rate_hrs=hrs.rate,
            basis="counted",
        )
    bound = smallest_countable(counted.sample)
    return BitErrorRate(
        *(math.nan, math.nan, 1.0 if math.isnan(bound) else min(bound, 1.0), math.nan, math.nan),
        basis="counted",
        bound="upper",
    )


def _limit_notes(name: str, headline: BitErrorRate, counted: WeightedCount) -> list[str]:
    """Say what counting alone can show, where the headline goes beyond it or is only that."""
    if math.isnan(counted.ber):
        return [f"{name}: no reading of one state has a known side; no BER was counted."]
    errors = f"{counted.errors:,} {'error was' if counted.errors == 1 else 'errors were'} counted"
    shown = f"a BER below {numbers.power(smallest_countable(counted.sample))} (95 %, one-sided)"
    if headline.is_extrapolated:
        return [
            f"{name}: the BER is extrapolated along the fitted tails: {errors}, and counting "
            f"without any error would show no more than {shown}."
        ]
    if headline.bound:
        return [f"{name}: {errors}, which shows no more than {shown}."]
    return []


def _disagreement(name: str, fitted: float, counted: WeightedCount) -> str:
    ratio = counted.ber / fitted if counted.ber else math.nan
    if math.isnan(ratio):
        times = "no error was counted"
    elif ratio >= 1:
        times = f"{numbers.times(ratio)} times as many errors were counted"
    else:
        times = f"{numbers.times(1 / ratio)} times fewer errors were counted"
    return (
        f"{name}: the fitted populations give a BER of {numbers.power(fitted)}, outside the "
        f"counted interval {numbers.power(counted.low)} to {numbers.power(counted.high)} "
        f"({times}): the readings do not bear out the lognormal where the errors are made, so "
        "the counted BER is used."
    )
