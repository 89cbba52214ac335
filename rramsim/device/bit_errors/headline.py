"""The bit-error rate of a condition: fitted, counted, and which of the two is to be believed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from rramsim import formatting as numbers
from rramsim.device.bit_errors.error_counts import (
    Count,
    WeightedCount,
    count_errors,
    count_pairs,
    weighted,
)
from rramsim.device.bit_errors.sensing import (
    StatePair,
    best_reference,
    log_bit_error_rate,
    log_bit_error_rate_2t2r,
    log_bit_error_rate_2t2r_interval,
    log_bit_error_rate_interval,
    log_bit_error_rate_profile,
    log_misread_rates,
)
from rramsim.device.populations.fit import FEW_EXACT, ConditionReadings, StateReadings
from rramsim.device.populations.verdicts import Verdict
from rramsim.device.read_conditions import ReadConditions
from rramsim.errors import InputError, number, refused
from rramsim.notes import Note
from rramsim.schema import EXACT, Interval
from rramsim.statistics.confidence import clopper_pearson, smallest_countable
from rramsim.statistics.likelihood import NotSettledError
from rramsim.statistics.lognormal import LognormalFit
from rramsim.units import read_quantity

INTERVAL = (
    "95 %; fitted BER: delta method on the probit scale from the observed information of the fits "
    "(over cells where cells are read more than once, then with Student's t, and none of fewer "
    "than 5 cells); of 1T1R with fewer than 30 readings or 20 exact ones in a state, each of "
    "another cell, the profile likelihood; counted BER: Clopper-Pearson, of the "
    "pooled count where the readings are in the shares in use, else of the sample in which every "
    "error weighs as much as the heaviest; where cells are read more than once, of the readings "
    "over their design effect, with cells as clusters (Korn and Graubard 1998)"
)
"""How the ends of every BER's interval were made."""


_FEW_ERRORS = 3


@dataclass(frozen=True)
class BitErrors:
    """The bit errors of one condition read against one reference.

    Attributes
    ----------
    reference : float
        Reference resistance in ohm.
    headline : Interval
        The BER to be believed; its basis is "fitted" or "counted", and it is extrapolated where
        it is fitted and below what the readings could show by counting.
    misread : (float, float)
        The shares of misread LRS and HRS cells behind it, NaN where it is only a bound.
    counts : tuple of Count
        The errors counted in LRS and in HRS.
    counted : WeightedCount
        Both together.
    fitted : Interval or None
        What the fitted populations give, whether it is the headline or not; None without a fit.
    paired : Interval
        Of a 2T2R read, fitted unless the headline is not.
    notes : tuple of Note
        What a reader must know.
    """

    reference: float
    headline: Interval
    misread: tuple[float, float]
    counts: tuple[Count, Count]
    counted: WeightedCount
    fitted: Interval | None
    paired: Interval
    notes: tuple[Note, ...]


def bit_errors(
    condition: ConditionReadings,
    read: ReadConditions | None = None,
    *,
    verdicts: tuple[Verdict, Verdict] | None = None,
) -> BitErrors:
    """Return the BER of a condition, fitted or counted, at one reference.

    The fitted BER is the headline, unless a state could not be fitted, the 95 % interval of the
    BER counted at the same reference excludes it, a state has another population in the tail
    that errs, or the lognormal does not hold in a state and the fitted BER is extrapolated: then
    the counted BER is, or the bound that counting gives.

    Parameters
    ----------
    condition : ConditionReadings
    read : ReadConditions, optional
        How the cells are read. Without a reference it is the best one for the fitted
        populations. (The one with the fewest counted errors would flatter the sample it was
        chosen on.) The spread of the reference adds to both spreads of the fitted BER; the
        counted BER is at the reference itself.
    verdicts : tuple of Verdict, optional
        Whether the lognormal holds in LRS and in HRS. Default: not asked.
    """
    read = read or ReadConditions()
    pair = fitted_pair(condition)
    if read.reference_resistance is None:
        read, notes = _with_best_reference(condition, pair, read)
    else:
        notes = _reference_notes(condition, read.reference)
    lrs, hrs = (
        count_errors(
            state.resistance,
            state.censoring,
            reference=read.reference,
            is_hrs=state.is_hrs,
            cell=state.cell if state.is_repeated else None,
        )
        for state in condition.states
    )
    counted = weighted(lrs, hrs, lrs_share=read.lrs_share)
    notes += _undecided_notes(condition, (lrs, hrs), reference=read.reference)
    fitted = fitted_rate(condition, read, sample=counted.sample)
    # The count knows no spread of the reference, so it is held against the fit without one.
    against = fitted
    if read.reference_spread:
        against = fitted_rate(condition, read.without_spread(), sample=counted.sample)
    doubts = _doubts(condition, against, counted, verdicts)
    if not doubts and fitted is not None and fitted.extrapolated:
        doubts = _rejected_notes(condition, fitted, verdicts)
    is_fitted = fitted is not None and not doubts
    headline = (
        fitted
        if fitted is not None and is_fitted
        else _counted_rate(counted, method=clopper_pearson_name(condition))
    )
    misread = (lrs.rate, hrs.rate)
    if pair is not None and is_fitted:
        rates = log_misread_rates(read.ln_reference, pair.seen_through(read.reference_spread))
        misread = (math.exp(rates[0]), math.exp(rates[1]))
    notes += doubts
    if not is_fitted and read.reference_spread:
        text = "the counted BER leaves out the spread of the reference."
        notes.append(condition.note(text, "spread left out", spread=read.reference_spread))
    notes += _limit_notes(condition, headline, counted)
    paired = _paired(condition, read, verdicts, is_fitted=is_fitted)
    if paired.basis == "counted":
        notes += _undecided_pairs_notes(condition)
    return BitErrors(
        reference=read.reference,
        headline=headline,
        misread=(math.nan, math.nan) if headline.bound else misread,
        counts=(lrs, hrs),
        counted=counted,
        fitted=fitted,
        paired=paired,
        notes=tuple(notes),
    )


def _doubts(
    condition: ConditionReadings,
    fitted: Interval | None,
    counted: WeightedCount,
    verdicts: tuple[Verdict, Verdict] | None,
) -> list[Note]:
    """Return why the fitted BER is not to be believed."""
    if fitted is None or math.isnan(counted.ber.estimate):
        return []
    doubts = []
    at_most = fitted.high if fitted.bound else fitted.estimate
    if not counted.ber.low <= at_most <= counted.ber.high:
        doubts.append(_disagreement(condition, at_most, counted))
    for state, verdict in zip(condition.states, verdicts or (), strict=bool(verdicts)):
        if verdict.kind == "tail":
            text = f"{verdict.sentence} The counted BER is used."
            doubts.append(state.note(text, "tail"))
    return doubts


def _rejected_notes(
    condition: ConditionReadings,
    fitted: Interval,
    verdicts: tuple[Verdict, Verdict] | None,
) -> list[Note]:
    """Return why nothing is extrapolated along tails that the readings reject."""
    rejected = _rejected(condition, verdicts)
    at_most = fitted.high if fitted.bound else fitted.estimate
    ber = numbers.bounded(numbers.power(at_most), fitted.bound)
    return [
        state.note(
            f"the lognormal does not hold, so the fitted BER, {ber}, is not believed beyond what "
            "counting can show: the counted BER is used.",
            "fit not extrapolated",
            ber=at_most,
        )
        for state in rejected
    ]


def _rejected(
    condition: ConditionReadings, verdicts: tuple[Verdict, Verdict] | None
) -> list[StateReadings]:
    """Return the states of which a lognormal is rejected."""
    return [
        state
        for state, verdict in zip(condition.states, verdicts or (), strict=bool(verdicts))
        if verdict.kind == "does not hold"
    ]


def _paired(
    condition: ConditionReadings,
    read: ReadConditions,
    verdicts: tuple[Verdict, Verdict] | None,
    *,
    is_fitted: bool,
) -> Interval:
    rate = paired_rate(condition, read, is_lognormal=is_fitted)
    if rate.extrapolated and _rejected(condition, verdicts):
        return paired_rate(condition, read, is_lognormal=False)
    return rate


def _with_best_reference(
    condition: ConditionReadings, pair: StatePair | None, read: ReadConditions
) -> tuple[ReadConditions, list[Note]]:
    if pair is None:
        reference = math.sqrt(condition.lrs.median * condition.hrs.median)
        text = (
            "no best reference without a fit of both states; errors are counted at the geometric "
            f"mean of the medians, {numbers.quantity(reference, 'Ω')}."
        )
        note = condition.note(text, "no best reference", reference=reference)
        return read.with_reference(reference), [note]
    seen = pair.seen_through(read.reference_spread)
    ln_reference, is_crossing = best_reference(seen, lrs_share=read.lrs_share)
    reference = math.exp(ln_reference)
    if is_crossing:
        return read.with_reference(reference), []
    text = (
        "the densities of the states do not cross between the medians; the reference is where the "
        "BER is least between them."
    )
    note = condition.note(text, "densities do not cross", reference=reference)
    return read.with_reference(reference), [note]


def _reference_notes(condition: ConditionReadings, reference: float) -> list[Note]:
    lrs, hrs = (state.median for state in condition.states)
    if lrs <= reference <= hrs:
        return []
    text = (
        f"the reference {numbers.quantity(reference, 'Ω')} is not between the medians, "
        f"{numbers.quantity(lrs, 'Ω')} and {numbers.quantity(hrs, 'Ω')}."
    )
    figures = {"reference": reference, "lrs_median": lrs, "hrs_median": hrs}
    return [condition.note(text, "reference outside the medians", **figures)]


def _undecided_notes(
    condition: ConditionReadings, counts: tuple[Count, Count], *, reference: float
) -> list[Note]:
    return [
        state.note(
            f"{count.undecided:,} of {state.resistance.size:,} readings are not in the counted "
            "BER: their limit leaves open on which side of the reference "
            f"{numbers.quantity(reference, 'Ω')} they are.",
            "undecided readings",
            undecided=count.undecided,
            readings=state.resistance.size,
            reference=reference,
        )
        for state, count in zip(condition.states, counts, strict=True)
        if count.undecided
    ]


def _undecided_pairs_notes(condition: ConditionReadings) -> list[Note]:
    pairs = count_pairs(condition)
    if not pairs.undecided:
        return []
    every = pairs.readings + pairs.undecided
    text = (
        f"{pairs.undecided:,} of {every:,} pairs of an LRS and an HRS reading are not in the "
        "counted 2T2R BER: their limits leave open which is higher."
    )
    return [condition.note(text, "undecided pairs", undecided=pairs.undecided, pairs=every)]


def _counted_rate(counted: WeightedCount, *, method: str) -> Interval:
    if counted.errors and not math.isnan(counted.ber.estimate):
        return replace(counted.ber, method=method)
    bound = smallest_countable(counted.sample)
    return _bound(1.0 if math.isnan(bound) else min(bound, 1.0), basis="counted")


def _limit_notes(
    condition: ConditionReadings, headline: Interval, counted: WeightedCount
) -> list[Note]:
    """Say what counting alone can show, where the headline goes beyond it or is only that."""
    if math.isnan(counted.ber.estimate):
        text = "no reading of one state has a known side; no BER was counted."
        return [condition.note(text, "no BER counted")]
    errors = f"{counted.errors:,} {'error was' if counted.errors == 1 else 'errors were'} counted"
    least = smallest_countable(counted.sample)
    shown = f"a BER below {numbers.power(least)} (95 %, one-sided)"
    figures = {"errors": counted.errors, "least_ber": least}
    if headline.extrapolated:
        few = ", too few to bear out a BER that low" if 0 < counted.errors <= _FEW_ERRORS else ""
        text = (
            f"the BER is extrapolated along the fitted tails: {errors}{few}, and counting without "
            f"any error would show no more than {shown}."
        )
        return [condition.note(text, "BER extrapolated", **figures)]
    if headline.bound:
        text = f"{errors}, which shows no more than {shown}."
        return [condition.note(text, "BER bound", **figures)]
    return []


def _disagreement(condition: ConditionReadings, fitted: float, counted: WeightedCount) -> Note:
    ratio = counted.ber.estimate / fitted if counted.ber.estimate else math.nan
    if math.isnan(ratio):
        times = "no error was counted"
    elif ratio >= 1:
        times = f"{numbers.times(ratio)} times as many errors were counted"
    else:
        times = f"{numbers.times(1 / ratio)} times fewer errors were counted"
    return condition.note(
        f"the fitted populations give a BER of {numbers.power(fitted)}, outside the counted "
        f"interval {numbers.power(counted.ber.low)} to {numbers.power(counted.ber.high)} "
        f"({times}): the readings do not bear out the lognormal where the errors are made, so the "
        "counted BER is used.",
        "fit contradicted",
        fitted=fitted,
        counted=counted.ber.estimate,
        counted_low=counted.ber.low,
        counted_high=counted.ber.high,
    )


DELTA = "delta method on the probit scale"
DELTA_OVER_CELLS = "delta method on the probit scale, over cells"
PROFILE = "profile likelihood"
CLOPPER_PEARSON = "Clopper-Pearson"
CLOPPER_PEARSON_OVER_CELLS = "Clopper-Pearson, over cells"
"""How the ends of an interval were made; an empty text where there are none."""


UNDERFLOW = 1e-300
"""A BER below this is only said to be below it."""


# Below this or `FEW_EXACT` the profile of the likelihood gives the interval (the delta method takes
# the likelihood for a parabola).
_SMALL_SAMPLE = 30


def bit_error_rate(
    lrs: LognormalFit,
    hrs: LognormalFit,
    *,
    reference: float | str | None = None,
    lrs_share: float = 0.5,
    reference_spread: float = 0.0,
) -> Interval:
    """Return the BER of two fitted populations, read against a reference, with its interval.

    BER = w p_LRS + (1 - w) p_HRS, the tails of the lognormals beyond the reference. The interval
    is that of the delta method; `fit` also counts errors, and says which of the two to believe.

    Parameters
    ----------
    lrs, hrs : LognormalFit
        The populations of both states, of `fit_lognormal`.
    reference : float or str, optional
        In ohm, or with its unit, ``"25 kOhm"``. Default: the best one.
    lrs_share : float
        Share w of the cells in use that are in LRS, above 0 and below 1.
    reference_spread : float
        Standard deviation of ln(reference) from read to read or from array to array.

    Returns
    -------
    Interval
        Of basis ``"fitted"``; ``extrapolated`` where the cells could not show a BER that low by
        counting. A BER below 1e-300 is only a bound.

    Raises
    ------
    InputError
        If a number is out of range, or the LRS median is not below the HRS median.

    Examples
    --------
    >>> import rramsim
    >>> lrs = rramsim.fit_lognormal([4.8e3, 5.1e3, 5.6e3, 6.0e3])
    >>> hrs = rramsim.fit_lognormal([60e3, 190e3, 310e3, 420e3])
    >>> rate = rramsim.bit_error_rate(lrs, hrs, reference="25 kOhm")
    >>> f"{rate.estimate:.2g}", rate.basis, rate.extrapolated
    ('0.0013', 'fitted', True)
    """
    for name, fit in (("lrs", lrs), ("hrs", hrs)):
        if not isinstance(fit, LognormalFit):
            raise refused(name, fit, "a LognormalFit, as fit_lognormal gives")
    if isinstance(reference, str):
        reference = read_quantity(reference, "resistance")
    elif reference is not None:
        reference = number(reference, "reference", 'a number in ohm, or a text such as "25 kOhm"')
    lrs_share = number(lrs_share, "lrs_share", "a number between 0 and 1")
    reference_spread = number(reference_spread, "reference_spread", "a number from 0 on")
    ReadConditions(lrs_share, reference, reference_spread)  # refuses what is out of range
    if not lrs.mu < hrs.mu:
        raise InputError("The LRS median is not below the HRS median; are the states swapped?")
    pair = StatePair(lrs.mu, lrs.sigma, hrs.mu, hrs.sigma)
    seen = pair.seen_through(reference_spread)
    best, _ = best_reference(seen, lrs_share=lrs_share)
    ln_reference = best if reference is None else math.log(reference)
    ber = math.exp(log_bit_error_rate(ln_reference, seen, lrs_share=lrs_share))
    if ber < UNDERFLOW:
        return _bound(UNDERFLOW, basis="fitted", extrapolated=True)
    low, high = log_bit_error_rate_interval(
        ln_reference,
        pair,
        covariance_lrs=lrs.covariance,
        covariance_hrs=hrs.covariance,
        lrs_share=lrs_share,
        reference_spread=reference_spread,
        degrees_of_freedom=_degrees_of_freedom(lrs, hrs),
    )
    sample = min(lrs.effective_readings / lrs_share, hrs.effective_readings / (1.0 - lrs_share))
    method = DELTA if math.isinf(_degrees_of_freedom(lrs, hrs)) else DELTA_OVER_CELLS
    return Interval(
        ber,
        math.exp(low),
        math.exp(high),
        basis="fitted",
        extrapolated=ber < smallest_countable(sample),
        method="" if math.isnan(low) else method,
    )


def fitted_pair(condition: ConditionReadings) -> StatePair | None:
    """Return the fitted populations, None where a state has none."""
    lrs, hrs = condition.lrs.fit, condition.hrs.fit
    if lrs is None or hrs is None:
        return None
    return StatePair(lrs.mu, lrs.sigma, hrs.mu, hrs.sigma)


def fitted_rate(
    condition: ConditionReadings, read: ReadConditions, *, sample: float
) -> Interval | None:
    """Return the fitted BER of a 1T1R read, None where a state has no fit.

    Parameters
    ----------
    condition : ConditionReadings
    read : ReadConditions
        With a reference.
    sample : float
        Readings that would show an error by counting: what the BER is extrapolated beyond.
    """
    pair = fitted_pair(condition)
    if pair is None:
        return None
    seen = pair.seen_through(read.reference_spread)
    ber = math.exp(log_bit_error_rate(read.ln_reference, seen, lrs_share=read.lrs_share))
    if ber < UNDERFLOW:
        return _bound(UNDERFLOW, basis="fitted", extrapolated=True)
    low, high, method = _interval(condition, pair, read)
    return Interval(
        ber,
        math.exp(low),
        math.exp(high),
        basis="fitted",
        # A sample of undecided readings only can show nothing at all.
        extrapolated=not ber >= smallest_countable(sample),
        method=method,
    )


def paired_rate(
    condition: ConditionReadings, read: ReadConditions | None = None, *, is_lognormal: bool = True
) -> Interval:
    """Return the BER of a 2T2R read: an LRS and an HRS cell compared with each other.

    Fitted where both states have a fit and `is_lognormal`. Otherwise counted over all pairs of
    an LRS and an HRS reading (`rramsim.device.bit_errors.error_counts`); its interval is
    Clopper-Pearson's for as many pairs as the smaller state has cells, which is on the wide side
    (each cell is in many pairs), from 0 where fewer than one of those errs.

    Parameters
    ----------
    condition : ConditionReadings
    read : ReadConditions, optional
        With the spread of the sense amplifier's offset.
    is_lognormal : bool
        Whether the fitted tails are to be believed.
    """
    offset_spread = 0.0 if read is None else read.offset_spread
    pair = fitted_pair(condition)
    lrs, hrs = condition.lrs.fit, condition.hrs.fit
    if pair is None or lrs is None or hrs is None or not is_lognormal:
        return _counted_pairs(condition, offset_spread=offset_spread)
    ber = math.exp(log_bit_error_rate_2t2r(pair, offset_spread=offset_spread))
    if ber < UNDERFLOW:
        return _bound(UNDERFLOW, basis="fitted", extrapolated=True)
    low, high = log_bit_error_rate_2t2r_interval(
        pair,
        covariance_lrs=lrs.covariance,
        covariance_hrs=hrs.covariance,
        offset_spread=offset_spread,
        degrees_of_freedom=_degrees_of_freedom(lrs, hrs),
    )
    return Interval(
        ber,
        math.exp(low),
        math.exp(high),
        basis="fitted",
        extrapolated=ber < smallest_countable(_pairs(condition)),
        method="" if math.isnan(low) else _delta_name(condition),
    )


def _interval(
    condition: ConditionReadings, pair: StatePair, read: ReadConditions
) -> tuple[float, float, str]:
    lrs, hrs = condition.lrs.fit, condition.hrs.fit
    assert lrs is not None
    assert hrs is not None
    is_small = any(map(_is_small, condition.states))
    # The likelihood takes readings as independent and the reference as fixed.
    if is_small and not read.reference_spread and _delta_name(condition) == DELTA:
        try:
            low, high = log_bit_error_rate_profile(
                read.ln_reference,
                lrs=(np.log(condition.lrs.resistance), condition.lrs.censoring),
                hrs=(np.log(condition.hrs.resistance), condition.hrs.censoring),
                lrs_share=read.lrs_share,
            )
        except NotSettledError:
            pass
        else:
            return low, high, PROFILE
    low, high = log_bit_error_rate_interval(
        read.ln_reference,
        pair,
        covariance_lrs=lrs.covariance,
        covariance_hrs=hrs.covariance,
        lrs_share=read.lrs_share,
        reference_spread=read.reference_spread,
        degrees_of_freedom=_degrees_of_freedom(lrs, hrs),
    )
    return low, high, "" if math.isnan(low) else _delta_name(condition)


def _degrees_of_freedom(lrs: LognormalFit, hrs: LognormalFit) -> float:
    """Return those of the fit that knows its covariance worse, NaN where one gives no interval."""
    both = (lrs.degrees_of_freedom, hrs.degrees_of_freedom)
    return math.nan if any(map(math.isnan, both)) else min(both)


def _is_small(state: StateReadings) -> bool:
    exact = int(np.count_nonzero(state.censoring == EXACT))
    return state.resistance.size < _SMALL_SAMPLE or exact < FEW_EXACT


def _delta_name(condition: ConditionReadings) -> str:
    return DELTA_OVER_CELLS if condition.is_repeated else DELTA


def clopper_pearson_name(condition: ConditionReadings) -> str:
    """Return how the ends of a counted interval were made."""
    return CLOPPER_PEARSON_OVER_CELLS if condition.is_repeated else CLOPPER_PEARSON


def _counted_pairs(condition: ConditionReadings, *, offset_spread: float) -> Interval:
    counted = count_pairs(condition, offset_spread=offset_spread)
    if not counted.readings:
        return Interval(basis="counted")
    rate = counted.rate
    pairs = _pairs(condition)
    if rate == 0.0:
        return _bound(min(smallest_countable(pairs), 1.0), basis="counted")
    low, high = clopper_pearson(rate * pairs, pairs)
    if rate * pairs < 1.0:
        # Less than one error among independent pairs is no evidence that there are any.
        low = 0.0
    return Interval(rate, low, high, basis="counted", method=clopper_pearson_name(condition))


def _pairs(condition: ConditionReadings) -> int:
    """Return the pairs that are independent of each other; of one cell, its readings."""
    return min(
        state.cells if state.is_repeated else state.resistance.size for state in condition.states
    )


def _bound(high: float, *, basis: str, extrapolated: bool = False) -> Interval:
    return Interval(high=high, bound="upper", basis=basis, extrapolated=extrapolated)
