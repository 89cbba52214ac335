"""The bit-error rate of a condition: fitted, counted, and which of the two is to be believed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from rramsim import formatting as numbers
from rramsim.device.bit_errors.best_reference import (
    CROSS_VALIDATED,
    LeastErrors,
    choice_notes,
    chosen_by_count,
    count_at,
    least_errors,
)
from rramsim.device.bit_errors.error_counts import Count, WeightedCount, weighted
from rramsim.device.bit_errors.fitted_rates import fitted_pair, fitted_rate, least_believed
from rramsim.device.bit_errors.pairs import (
    clopper_pearson_name,
    pair_notes,
    paired_rate,
    shared_by_cells,
)
from rramsim.device.bit_errors.reach import (
    FEW_CELLS,
    REACH,
    bound_beyond,
    exact_cells,
    independent_cells,
)
from rramsim.device.bit_errors.sensing import best_reference, log_misread_rates
from rramsim.device.populations.fit import ConditionReadings, StateReadings
from rramsim.device.populations.verdicts import Verdict
from rramsim.device.read_conditions import ReadConditions
from rramsim.notes import Note
from rramsim.schema import Interval
from rramsim.statistics.confidence import smallest_countable

INTERVAL = (
    "95 %; fitted BER at its best reference, and of 2T2R: percentiles of the populations that the "
    "readings leave open (generalised confidence interval; where cells are read more than once, "
    "of the variance between and within cells, of one cell of its series of readings; none of 2 to "
    "4 cells, or of a series worth fewer than 30 independent readings); at a stated reference: "
    "delta method on the probit scale, of fewer than 30 readings or 20 exact ones in a state, each "
    "of another cell, the profile likelihood, where cells are read more than once the same "
    "generalised intervals of both distances to it, joined on the probit scale (Zou and Donner "
    "2008); counted BER: Clopper-Pearson, of the "
    "pooled count where the readings are in the shares in use, else of the sample in which every "
    "error weighs as much as the heaviest; where cells are read more than once, of the readings "
    "over their design effect, with cells as clusters (Korn and Graubard 1998) or those of one "
    "cell as a series; where the reference is chosen on the readings, each cell is counted at one "
    "chosen without it (cross-validation)"
)
"""How the ends of every BER's interval were made."""


_FEW_ERRORS = 3
_ROUNDING = 1e-9


@dataclass(frozen=True)
class BitErrors:
    """The bit errors of one condition read against one reference.

    Attributes
    ----------
    reference : float
        Reference resistance in ohm.
    headline : Interval
        The BER to be believed; its basis is "fitted" or "counted", and it is extrapolated where
        it is fitted and below what the readings could show by counting, or a bound of the fit.
    misread : (float, float)
        The shares of misread LRS and HRS cells behind it, NaN where it is only a bound.
    counts : tuple of Count
        The errors counted in LRS and in HRS.
    counted : WeightedCount
        Both together.
    fitted : Interval or None
        What the fitted populations give, whether it is the headline or not; None without a fit.
    reach : float
        The least fitted BER that may lead with so many cells: 1 of too few for any, NaN without a
        fit.
    paired : Interval
        Of a 2T2R read, fitted unless the headline is not.
    notes : tuple of Note
        What a reader must know.
    least : LeastErrors
        At which reference the fewest errors are counted.
    is_cross_validated : bool
        Whether the reference was chosen on the readings: then `counts` are of each cell at a
        reference chosen without it.
    """

    reference: float
    headline: Interval
    misread: tuple[float, float]
    counts: tuple[Count, Count]
    counted: WeightedCount
    fitted: Interval | None
    reach: float
    paired: Interval
    notes: tuple[Note, ...]
    least: LeastErrors
    is_cross_validated: bool = False


def bit_errors(
    condition: ConditionReadings,
    read: ReadConditions | None = None,
    *,
    verdicts: tuple[Verdict, Verdict] | None = None,
) -> BitErrors:
    """Return the BER of a condition, fitted or counted, at one reference.

    The fitted BER is the headline, unless a state could not be fitted, the 95 % interval of the
    BER counted at the same reference excludes it, a state has another population in the tail
    that errs, the lognormal does not hold in a state and the fitted BER is extrapolated, a
    state has fewer than 20 exact readings of distinct cells, or the fit has no interval: then the
    counted BER is, or the bound that counting gives. A fitted BER more than 2 sigmas beyond the
    last cell to be expected in the sample is headlined as a bound
    (`rramsim.device.bit_errors.reach`).

    Parameters
    ----------
    condition : ConditionReadings
    read : ReadConditions, optional
        How the cells are read. Without a reference it is the best one for the fitted
        populations; where they are rejected (no fit, a tail, a lognormal that does not hold, or a
        count that excludes the fit), it is chosen on the readings and the errors are counted by
        cross-validation (`rramsim.device.bit_errors.best_reference`). The spread of the
        reference adds to both spreads of the fitted BER; the counted BER is at the reference
        itself.
    verdicts : tuple of Verdict, optional
        Whether the lognormal holds in LRS and in HRS. Default: not asked.
    """
    read = read or ReadConditions()
    is_chosen = read.reference_resistance is None
    if is_chosen:
        read, notes = _with_best_reference(condition, read)
    else:
        notes = _reference_notes(condition, read.reference)
    lrs, hrs = (count_at(state, read.reference) for state in condition.states)
    counted = weighted(lrs, hrs, lrs_share=read.lrs_share)
    of_fit = {"sample": counted.sample, "shared": shared_by_cells(condition)}
    fitted = fitted_rate(condition, read, is_chosen=is_chosen, **of_fit)
    # The count knows no spread of the reference, so it is held against the fit without one.
    against = fitted
    if read.reference_spread:
        against = fitted_rate(condition, read.without_spread(), is_chosen=is_chosen, **of_fit)
    doubts = _doubts(condition, against, counted, verdicts, reference=read.reference)
    is_rejected = fitted is None or bool(doubts) or bool(_rejected(condition, verdicts))
    if fitted is not None and not doubts:
        doubts = _doubts_beyond(condition, fitted, verdicts, reference=read.reference)
    by_count = chosen_by_count(condition, read) if is_chosen and is_rejected else None
    if by_count is not None:
        # That the densities of rejected fits do not cross is of no concern.
        notes, doubts = [], doubts + choice_notes(condition, by_count, read)
        (lrs, hrs), read = by_count.counts, read.with_reference(by_count.reference)
        counted = weighted(lrs, hrs, lrs_share=read.lrs_share)
        fitted = fitted_rate(condition, read, sample=counted.sample)
    notes += _undecided_notes(condition, (lrs, hrs), reference=read.reference)
    is_fitted = fitted is not None and not doubts
    headline = _counted_rate(counted, condition, is_cross_validated=by_count is not None)
    misread = (lrs.rate, hrs.rate)
    if fitted is not None and is_fitted:
        headline, more = _within_reach(condition, fitted, counted, read)
        misread, flattered = _misread(condition, headline, read)
        doubts += more + flattered
    notes += doubts
    if not is_fitted and read.reference_spread:
        text = "the counted BER leaves out the spread of the reference."
        notes.append(condition.note(text, "spread left out", spread=read.reference_spread))
    notes += _limit_notes(condition, headline, counted)
    paired = _paired(condition, read, verdicts, is_fitted=is_fitted)
    notes += pair_notes(condition, read, paired)
    return BitErrors(
        reference=read.reference,
        headline=headline,
        misread=(math.nan, math.nan) if headline.bound else misread,
        counts=(lrs, hrs),
        counted=counted,
        fitted=fitted,
        reach=_reach(condition, read),
        paired=paired,
        notes=tuple(notes),
        least=least_errors(condition, lrs_share=read.lrs_share),
        is_cross_validated=by_count is not None,
    )


def _doubts(
    condition: ConditionReadings,
    fitted: Interval | None,
    counted: WeightedCount,
    verdicts: tuple[Verdict, Verdict] | None,
    *,
    reference: float,
) -> list[Note]:
    """Return why the fitted BER at a reference (ohm) is not to be believed."""
    if fitted is None or math.isnan(counted.ber.estimate):
        return []
    doubts = []
    at_most = fitted.high if fitted.bound else fitted.estimate
    if not counted.ber.low <= at_most <= counted.ber.high:
        doubts.append(_disagreement(condition, at_most, counted, reference=reference))
    for state, verdict in zip(condition.states, verdicts or (), strict=bool(verdicts)):
        if verdict.kind == "tail":
            text = f"{verdict.sentence} The counted BER is used."
            doubts.append(state.note(text, "tail"))
    return doubts


def _doubts_beyond(
    condition: ConditionReadings,
    fitted: Interval,
    verdicts: tuple[Verdict, Verdict] | None,
    *,
    reference: float,
) -> list[Note]:
    """Return why a fit that nothing contradicts is not to be believed beyond the sample.

    Each names the reference (ohm) of the fitted BER: the one reported may be chosen afterwards.
    """
    rejected = []
    if fitted.extrapolated:
        rejected = _rejected_notes(condition, fitted, verdicts, reference=reference)
    of_fit = (condition, fitted, reference)
    return rejected or _few_notes(*of_fit) or _open_notes(*of_fit)


def _rejected_notes(
    condition: ConditionReadings,
    fitted: Interval,
    verdicts: tuple[Verdict, Verdict] | None,
    *,
    reference: float,
) -> list[Note]:
    """Return why nothing is extrapolated along tails that the readings reject."""
    rejected = _rejected(condition, verdicts)
    at_most = fitted.high if fitted.bound else fitted.estimate
    ber = numbers.bounded(numbers.power(at_most), fitted.bound)
    at = numbers.quantity(reference, "Ω")
    return [
        state.note(
            f"the lognormal does not hold, so the fitted BER at {at}, {ber}, is not believed "
            "beyond what counting can show: the counted BER is used.",
            "fit not extrapolated",
            ber=at_most,
        )
        for state in rejected
    ]


def _few_notes(condition: ConditionReadings, fitted: Interval, reference: float) -> list[Note]:
    """Return why what was counted leads: a state has too few cells to show a population."""
    few = {
        state.state: exact_cells(state.fit)
        for state in condition.states
        if state.fit is not None and exact_cells(state.fit) < FEW_CELLS
    }
    if not few:
        return []
    cells = " and ".join(f"{number:,.0f} in {state}" for state, number in few.items())
    is_one = all(state.cells == 1 for state in condition.states)
    what = "independent readings of one cell" if is_one else "distinct cells"
    text = (
        f"the exact readings are equivalent to these numbers of {what}: {cells}. Below "
        f"{FEW_CELLS} a state, what was counted leads. The fit, for comparison: "
        f"{_for_comparison(fitted, reference)}."
    )
    figures = {"cells": min(few.values()), "fitted": _at_most(fitted)}
    return [condition.note(text, "few cells", **figures)]


def _open_notes(condition: ConditionReadings, fitted: Interval, reference: float) -> list[Note]:
    """Return why what was counted leads: the fit has no interval, so nothing bounds its BER."""
    if fitted.bound or fitted.has_ends:
        return []
    text = (
        "the fit has no interval, since there are too few cells or "
        "independent readings, so what was counted leads. The fit, for comparison: "
        f"{_for_comparison(fitted, reference)}."
    )
    return [condition.note(text, "fit without an interval", fitted=fitted.estimate)]


def _within_reach(
    condition: ConditionReadings, fitted: Interval, counted: WeightedCount, read: ReadConditions
) -> tuple[Interval, list[Note]]:
    """Return the fit, or the bound and its note where the fit is too far beyond its sample."""
    countable = smallest_countable(counted.sample)
    bound = bound_beyond(fitted, _reach(condition, read), countable=countable)
    if bound is None:
        return fitted, []
    fits = (state.fit for state in condition.states)
    cells = " and ".join(f"{independent_cells(fit):,.0f}" for fit in fits if fit is not None)
    is_one = all(state.cells == 1 for state in condition.states)
    last, unit = ("reading", "readings of one cell in") if is_one else ("cell", "cells of")
    text = (
        f"the fitted BER lies more than {REACH:g} sigma beyond the last {last} that {cells} "
        f"independent {unit} LRS and HRS can be expected to show: a bound leads, "
        f"{numbers.bounded(numbers.power(bound.high), bound.bound)}. The fit, for comparison: "
        f"{_for_comparison(fitted, read.reference)}."
    )
    figures = {"bound": bound.high, "fitted": _at_most(fitted)}
    return bound, [condition.note(text, "fit beyond reach", **figures)]


def _reach(condition: ConditionReadings, read: ReadConditions) -> float:
    lrs, hrs = condition.lrs.fit, condition.hrs.fit
    return math.nan if lrs is None or hrs is None else least_believed(lrs, hrs, read)


def _for_comparison(fitted: Interval, reference: float) -> str:
    without = "" if fitted.has_ends or fitted.bound else ", without an interval"
    at = numbers.quantity(reference, "Ω")
    return f"{numbers.bit_error_rate(fitted)} at {at}{without}"


def _at_most(fitted: Interval) -> float:
    return fitted.high if fitted.bound else fitted.estimate


def _misread(
    condition: ConditionReadings, headline: Interval, read: ReadConditions
) -> tuple[tuple[float, float], list[Note]]:
    """Return the shares of misread LRS and HRS cells behind a fitted BER.

    Where the BER allows for a reference chosen on the same cells, both share that.
    """
    pair = fitted_pair(condition)
    if headline.bound or pair is None:
        return (math.nan, math.nan), []
    rates = log_misread_rates(read.ln_reference, pair.seen_through(read.reference_spread))
    lrs, hrs = map(math.exp, rates)
    alone = read.lrs_share * lrs + (1.0 - read.lrs_share) * hrs
    times = headline.estimate / alone
    if times <= 1.0 + _ROUNDING:
        return (lrs, hrs), []
    text = (
        "the reference was chosen on the same cells, which makes the fitted BER too low: the "
        f"fitted populations alone give {numbers.power(alone)} there. Half of the populations "
        "that are consistent with the readings have a higher BER than "
        f"{numbers.power(headline.estimate)}, which is reported."
    )
    note = condition.note(text, "BER of a chosen reference", alone=alone, times=times)
    return (min(times * lrs, 1.0), min(times * hrs, 1.0)), [note]


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
    condition: ConditionReadings, read: ReadConditions
) -> tuple[ReadConditions, list[Note]]:
    """Return the reads at the best reference of the fits; without them, between the medians."""
    pair = fitted_pair(condition)
    if pair is None:
        middle = math.sqrt(condition.lrs.median * condition.hrs.median)
        return read.with_reference(middle), []
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
            "BER: their limit does not determine on which side of the reference "
            f"{numbers.quantity(reference, 'Ω')} they are.",
            "undecided readings",
            undecided=count.undecided,
            readings=state.resistance.size,
            reference=reference,
        )
        for state, count in zip(condition.states, counts, strict=True)
        if count.undecided
    ]


def _counted_rate(
    counted: WeightedCount, condition: ConditionReadings, *, is_cross_validated: bool
) -> Interval:
    if counted.errors and not math.isnan(counted.ber.estimate):
        method = clopper_pearson_name(condition)
        if is_cross_validated:
            method = f"{method}, {CROSS_VALIDATED}"
        return replace(counted.ber, method=method)
    bound = smallest_countable(counted.sample)
    high = 1.0 if math.isnan(bound) else min(bound, 1.0)
    return Interval(high=high, bound="upper", basis="counted")


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
    if headline.extrapolated and headline.bound:
        return []
    if headline.extrapolated:
        few = ", too few to confirm a BER that low" if 0 < counted.errors <= _FEW_ERRORS else ""
        text = (
            f"the BER is extrapolated along the fitted tails: {errors}{few}, and counting without "
            f"any error would show no more than {shown}."
        )
        return [condition.note(text, "BER extrapolated", **figures)]
    if headline.bound:
        text = f"{errors}, which shows no more than {shown}."
        return [condition.note(text, "BER bound", **figures)]
    return []


def _disagreement(
    condition: ConditionReadings, fitted: float, counted: WeightedCount, *, reference: float
) -> Note:
    ratio = counted.ber.estimate / fitted if counted.ber.estimate else math.nan
    if math.isnan(ratio):
        times = "no error was counted"
    elif ratio >= 1:
        times = f"{numbers.times(ratio)} times as many errors were counted"
    else:
        times = f"{numbers.times(1 / ratio)} times fewer errors were counted"
    return condition.note(
        f"the fitted populations give a BER of {numbers.power(fitted)} at "
        f"{numbers.quantity(reference, 'Ω')}, outside the counted interval "
        f"{numbers.power(counted.ber.low)} to {numbers.power(counted.ber.high)} "
        f"({times}): the readings contradict the lognormal where the errors occur, so the "
        "counted BER is used.",
        "fit contradicted",
        fitted=fitted,
        counted=counted.ber.estimate,
        counted_low=counted.ber.low,
        counted_high=counted.ber.high,
    )
