"""The BER of two cells a bit (2T2R): an LRS and an HRS cell compared with each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rramsim import formatting as numbers
from rramsim.device.bit_errors.error_counts import count_pairs
from rramsim.device.bit_errors.fitted_rates import (
    fitted_pair,
    left_open_name,
    rate_of_logs,
    unflattered,
)
from rramsim.device.bit_errors.left_open import log_rates_2t2r_left_open
from rramsim.device.bit_errors.reach import bound_beyond, independent_cells, is_few, least_rate
from rramsim.device.bit_errors.sensing import log_bit_error_rate_2t2r
from rramsim.device.populations.fit import ConditionReadings, StateReadings
from rramsim.device.read_conditions import ReadConditions
from rramsim.notes import Note
from rramsim.schema import EXACT, Interval
from rramsim.statistics.confidence import NORMAL_END, clopper_pearson, smallest_countable
from rramsim.statistics.design_effect import series_of
from rramsim.statistics.readings import limits_at_the_readings, ranked

CLOPPER_PEARSON = "Clopper-Pearson"
CLOPPER_PEARSON_OVER_CELLS = "Clopper-Pearson, over cells"
CLOPPER_PEARSON_OVER_SERIES = "Clopper-Pearson, over a series of readings"
"""How the ends of a counted interval were made."""

PAIR_CORRELATION = 0.0
"""Correlation of ln R of the two cells of a bit: they are taken as independent."""

# A correlation of fewer cells is not worth a word.
_LEAST_CELLS = 10


def clopper_pearson_name(condition: ConditionReadings) -> str:
    """Return how the ends of a counted interval were made."""
    if condition.is_repeated:
        return CLOPPER_PEARSON_OVER_CELLS
    return CLOPPER_PEARSON_OVER_SERIES if condition.is_read_again else CLOPPER_PEARSON


def paired_rate(
    condition: ConditionReadings, read: ReadConditions | None = None, *, is_lognormal: bool = True
) -> Interval:
    """Return the BER of a 2T2R read: an LRS and an HRS cell compared with each other.

    Fitted where both states have a fit and `is_lognormal`, with the interval of the populations
    that the readings leave open; too far beyond the sample only a bound (`reach`). Otherwise, and
    with fewer than 20 exact cells in a state or no interval, counted over all pairs of an LRS and
    an HRS reading (`rramsim.device.bit_errors.error_counts`); its interval is Clopper-Pearson's
    for as many pairs as the smaller state has cells, which is on the wide side (each cell is in
    many pairs), from 0 where fewer than one of those errs.

    Parameters
    ----------
    condition : ConditionReadings
    read : ReadConditions, optional
        With the spread of the sense amplifier's offset.
    is_lognormal : bool
        Whether the fitted tails are to be believed.
    """
    offset_spread = 0.0 if read is None else read.offset_spread
    lrs, hrs = condition.lrs.fit, condition.hrs.fit
    if lrs is None or hrs is None or not is_lognormal or is_few((lrs, hrs)):
        return _counted_pairs(condition, offset_spread=offset_spread)
    # Of states that overlap, the fits may be exchanged where the medians are not.
    is_ordered = fitted_pair(condition) is not None
    fitted = _fitted_pairs(condition, offset_spread=offset_spread) if is_ordered else None
    if fitted is None or not (fitted.has_ends or fitted.bound):
        return _counted_pairs(condition, offset_spread=offset_spread)
    least = least_rate((min(map(independent_cells, (lrs, hrs))),), (1.0,))
    return bound_beyond(fitted, least, countable=smallest_countable(_pairs(condition))) or fitted


def _fitted_pairs(
    condition: ConditionReadings,
    *,
    offset_spread: float,
    pair_correlation: float = PAIR_CORRELATION,
) -> Interval:
    lrs, hrs, pair = condition.lrs.fit, condition.hrs.fit, fitted_pair(condition)
    assert lrs is not None
    assert hrs is not None
    assert pair is not None
    more = {"offset_spread": offset_spread, "pair_correlation": pair_correlation}
    low, median, high = log_rates_2t2r_left_open(lrs, hrs, **more)
    return rate_of_logs(
        unflattered(log_bit_error_rate_2t2r(pair, **more), median),
        (low, high),
        countable=smallest_countable(_pairs(condition)),
        method=left_open_name(lrs, hrs),
    )


def _counted_pairs(condition: ConditionReadings, *, offset_spread: float) -> Interval:
    counted = count_pairs(condition, offset_spread=offset_spread)
    if not counted.readings:
        return Interval(basis="counted")
    rate = counted.rate
    pairs = _pairs(condition)
    if rate == 0.0:
        return Interval(high=min(smallest_countable(pairs), 1.0), bound="upper", basis="counted")
    low, high = clopper_pearson(rate * pairs, pairs)
    if rate * pairs < 1.0:
        # Less than one error among independent pairs is no evidence that there are any.
        low = 0.0
    return Interval(rate, low, high, basis="counted", method=clopper_pearson_name(condition))


def _pairs(condition: ConditionReadings) -> float:
    """Return the pairs that are independent of each other; of one cell, as its readings count."""
    return min(map(_independent, condition.states))


def _independent(state: StateReadings) -> float:
    if state.is_repeated:
        return float(state.cells)
    if not state.is_read_again:
        return float(state.resistance.size)
    x = limits_at_the_readings(np.log(state.resistance), state.censoring)
    return series_of(x).for_mean


@dataclass(frozen=True)
class Correlation:
    """How far the resistances of one cell in LRS and in HRS go together.

    Attributes
    ----------
    rho : Interval
        Of the means of ln R of each cell, with Fisher's 95 % interval; NaN where fewer than 10
        cells have exact readings in both states.
    cells : int
        Cells with exact readings in both.
    """

    rho: Interval
    cells: int


def state_correlation(condition: ConditionReadings) -> Correlation:
    """Return the correlation of ln R in LRS and in HRS over the cells read in both states."""
    lrs, hrs = (_mean_of_cells(state) for state in condition.states)
    _, left, right = np.intersect1d(lrs[0], hrs[0], assume_unique=True, return_indices=True)
    x, y = lrs[1][left], hrs[1][right]
    if x.size < _LEAST_CELLS or min(np.ptp(x), np.ptp(y)) == 0.0:
        return Correlation(Interval(), int(x.size))
    # Rounding must not put it beyond 1.
    rho = min(max(float(np.corrcoef(x, y)[0, 1]), -1.0 + 1e-12), 1.0 - 1e-12)
    reach = NORMAL_END / math.sqrt(x.size - 3.0)
    low, high = (math.tanh(math.atanh(rho) + sign * reach) for sign in (-1.0, 1.0))
    return Correlation(Interval(rho, low, high), int(x.size))


def shared_by_cells(condition: ConditionReadings) -> float:
    """Return that correlation where its interval leaves 0 out, else 0.

    Cells that go together in both states make the fits of both go together, too, where each is
    read more than once.
    """
    rho = state_correlation(condition).rho
    return rho.estimate if rho.low > 0.0 or rho.high < 0.0 else 0.0


def _mean_of_cells(state: StateReadings) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
    usable = (state.cell >= 0) & (state.censoring == EXACT)
    cells, place = ranked(state.cell[usable])
    sums = np.bincount(place, weights=np.log(state.resistance[usable]), minlength=cells.size)
    return cells, sums / np.maximum(np.bincount(place, minlength=cells.size), 1)


def pair_notes(condition: ConditionReadings, read: ReadConditions, paired: Interval) -> list[Note]:
    """Return a note where pairs are open, or where the states of a cell go together."""
    notes = []
    if paired.basis == "counted":
        notes += _undecided_pairs_notes(condition)
    found = state_correlation(condition)
    rho = found.rho
    if paired.basis != "fitted" or paired.bound or not (rho.low > 0.0 or rho.high < 0.0):
        return notes
    other = _fitted_pairs(
        condition, offset_spread=read.offset_spread, pair_correlation=rho.estimate
    )
    ber = other.high if other.bound else other.estimate
    text = (
        f"LRS and HRS of the same cell are correlated (correlation "
        f"{numbers.plain(rho.estimate, 2)} "
        f"over {found.cells:,} cells), while the 2T2R BER takes the two cells of a bit as "
        "independent. If cells of the same number are the two cells of a bit, it is "
        f"{numbers.bounded(numbers.power(ber), other.bound)}."
    )
    figures = {"correlation": rho.estimate, "cells": found.cells, "ber": ber}
    return [*notes, condition.note(text, "states correlated", **figures)]


def _undecided_pairs_notes(condition: ConditionReadings) -> list[Note]:
    pairs = count_pairs(condition)
    if not pairs.undecided:
        return []
    every = pairs.readings + pairs.undecided
    text = (
        f"{pairs.undecided:,} of {every:,} pairs of an LRS and an HRS reading are not in the "
        "counted 2T2R BER: their limits do not determine which is higher."
    )
    return [condition.note(text, "undecided pairs", undecided=pairs.undecided, pairs=every)]
