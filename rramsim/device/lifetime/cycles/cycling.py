"""Resistances and bit-error rate against the number of cycles, and where a BER limit is met."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rramsim import formatting as numbers
from rramsim.device.bit_errors.error_counts import count_errors, weighted
from rramsim.device.bit_errors.headline import INTERVAL as BER_INTERVAL
from rramsim.device.bit_errors.headline import bit_errors
from rramsim.device.examination import Analysis
from rramsim.device.lifetime.cycles.checkpoints import checkpoint_edges, cycle_apart
from rramsim.device.lifetime.cycles.endurance import sparse_notes
from rramsim.device.populations.cycles_of_cells import FirstCycle
from rramsim.device.populations.fit import fit_conditions
from rramsim.device.read_conditions import ReadConditions
from rramsim.errors import InputError
from rramsim.notes import Note
from rramsim.schema import STATES, Interval, make
from rramsim.statistics.confidence import CONFIDENCE, smallest_countable
from rramsim.statistics.probit_line import ProbitLine, first_crossing, probit_line
from rramsim.statistics.quantiles import sample_percentiles
from rramsim.statistics.readings import cluster_count, distinct, limits_at_the_readings

if TYPE_CHECKING:
    import xarray as xr

INTERVAL = (
    f"BER: {BER_INTERVAL}; cycles until the BER limit: where the 95 % band of the weighted line "
    "of probit(BER) against log10(cycle) meets the limit, with the errors of checkpoints as "
    "correlated as what each cell adds to them is"
)
"""How the ends of the intervals were made."""

# A bound above what tossing a coin gives says nothing of a BER.
_NO_BOUND = 0.5


def against_cycles(
    readings: xr.Dataset,
    *,
    reference_resistance: Any,
    read: ReadConditions | None = None,
    edges: Sequence[float] | None = None,
    ber_limit: float | None = None,
) -> Analysis | None:
    """Derive populations and BER at checkpoints of the cycles, at one reference a condition.

    The BER of a checkpoint is fitted or counted by the rules of `bit_errors`; where a checkpoint
    has no two populations in order (a state missing, the medians exchanged) it is counted.

    Parameters
    ----------
    readings : xarray.Dataset
        Schema "readings"; readings whose cycle is unknown are left out.
    reference_resistance : array_like, shape (conditions,)
        Reference of each condition in ohm, the same at all its cycles.
    read : ReadConditions, optional
        How the cells are read otherwise; a spread of the reference is not in the BER.
    edges : sequence of float, optional
        Checkpoint k holds the cycles from edges[k] up to but not including edges[k + 1]. Default:
        each cycle of a condition by itself where no more than 12 were read, else decades, the
        first cycle by itself where it is another population.
    ber_limit : float, optional
        The BER whose first crossing is sought. Where the first cycle read is another population
        than the others (as after a forming; `first_cycle` tests it), it is not in the line.

    Returns
    -------
    Analysis or None
        Schema "cycling"; ``attrs`` hold ``ber_limit`` (NaN for none), ``lrs_share``,
        ``confidence`` and ``interval``. None where fewer than two cycles are known.

    Raises
    ------
    InputError
        If `ber_limit` is not above 0 and below 0.5.
    """
    if ber_limit is not None and not 0.0 < ber_limit < 0.5:
        raise InputError(f"The BER limit is {ber_limit:g}; it must be above 0 and below 0.5.")
    read = (read or ReadConditions()).without_spread()
    cycle, condition = readings["cycle"].values, readings["condition_index"].values
    if distinct(cycle[cycle >= 0]).size < 2:
        return None
    names = [str(name) for name in readings["condition"].values]
    references = np.broadcast_to(np.asarray(reference_resistance, dtype=float), len(names))
    apart = [cycle_apart(readings, number) for number in range(len(names))]
    bounds = [
        checkpoint_edges(
            cycle[(condition == number) & (cycle >= 0)], is_first_apart=apart[number] is not None
        )
        if edges is None
        else np.asarray(edges, dtype=float)
        for number in range(len(names))
    ]
    values = _empty(len(names), max(edges.size for edges in bounds) - 1)
    notes: list[Note] = []
    values["reference_resistance"] = references
    for number, name in enumerate(names):
        of_condition = condition == number
        pulls: list[_Pull | None] = [None] * values["cycle"].shape[1]
        notes += _cycle_notes(name, cycle[of_condition], apart[number])
        for place, (start, end) in enumerate(itertools.pairwise(bounds[number])):
            chosen = of_condition & (cycle >= start) & (cycle < end)
            if chosen.any():
                part = readings.isel(reading=np.flatnonzero(chosen))
                at_reference = read.with_reference(float(references[number]))
                _fill(values, (number, place), part, at_reference)
                is_fitted = values["ber_basis"][number, place] == "fitted"
                pulls[place] = _pull_of_cells(part, at_reference, is_fitted=is_fitted)
        first = apart[number]
        after = values["cycle_first"][number] > (-1 if first is None else first.cycle)
        line = probit_line(
            *(values[key][number][after] for key in ("cycle", "ber", "ber_low", "ber_high")),
            correlation=_together(pulls)[np.ix_(after, after)],
        )
        notes += _fill_line(values, number, name, line=line, limit=ber_limit, used=after)
    return Analysis(
        make(
            "cycling",
            values,
            coords={"condition": names, "state": list(STATES)},
            attrs={
                "ber_limit": math.nan if ber_limit is None else ber_limit,
                "lrs_share": read.lrs_share,
                "confidence": CONFIDENCE,
                "interval": INTERVAL,
            },
        ),
        tuple(notes),
    )


def _empty(conditions: int, checkpoints: int) -> dict[str, Any]:
    flat, by_state = (conditions, checkpoints), (conditions, len(STATES), checkpoints)
    return {
        **{
            name: np.full(flat, np.nan)
            for name in ("cycle", "cycle_first", "cycle_last", "ber", "ber_low", "ber_high")
        },
        "ber_basis": np.full(flat, "", dtype="U8"),
        "ber_bound": np.full(flat, "", dtype="U8"),
        "ber_extrapolated": np.zeros(flat, dtype=int),
        **{name: np.full(by_state, np.nan) for name in ("p05", "p50", "p95")},
        **{name: np.zeros(by_state, dtype=int) for name in ("readings", "cells")},
        **{
            name: np.full(conditions, np.nan)
            for name in (
                *("intercept", "slope", "cycles_to_limit"),
                *("cycles_to_limit_low", "cycles_to_limit_high"),
            )
        },
        "covariance": np.full((conditions, 2, 2), np.nan),
        "cycles_to_limit_bound": np.full(conditions, "", dtype="U8"),
    }


def _fill(
    values: dict[str, Any], index: tuple[int, int], part: xr.Dataset, read: ReadConditions
) -> None:
    cycle = part["cycle"].values.astype(float)
    # exp(log(c)) would not give a single cycle c back to the last digit.
    mean = math.exp(float(np.log(np.maximum(cycle, 1.0)).mean()))
    values["cycle"][index] = cycle[0] if np.ptp(cycle) == 0 else mean
    values["cycle_first"][index], values["cycle_last"][index] = cycle.min(), cycle.max()
    for state in range(len(STATES)):
        of_state = part["state_index"].values == state
        place = (index[0], state, index[1])
        values["readings"][place] = np.count_nonzero(of_state)
        if not of_state.any():
            continue
        cell = part["cell"].values[of_state]
        values["cells"][place] = cluster_count(cell)
        percentiles = sample_percentiles(
            part["resistance"].values[of_state], part["censoring"].values[of_state]
        )
        for name, value in zip(("p05", "p50", "p95"), percentiles, strict=True):
            values[name][place] = value
    rate = _rate(part, read)
    if rate.bound and rate.high >= _NO_BOUND:
        return
    values["ber"][index] = rate.estimate
    values["ber_low"][index], values["ber_high"][index] = rate.low, rate.high
    values["ber_basis"][index], values["ber_bound"][index] = rate.basis, rate.bound
    values["ber_extrapolated"][index] = rate.extrapolated


# The cells of a checkpoint, and how far each moves its BER.
_Pull = tuple[NDArray[np.int_], NDArray[np.float64]]


def _pull_of_cells(part: xr.Dataset, read: ReadConditions, *, is_fitted: bool) -> _Pull:
    """Return how far each cell moves the BER of a checkpoint, by its influence to first order.

    With d the distance of a state's mean from the reference in sigmas, and u how far a reading
    lies from the mean to the right side, it moves d by u - d (u**2 - 1) / 2, and the share misread,
    Q(d), by -phi(d) times that; where errors are counted, a reading moves their share by whether
    it is one. A reading that names no cell is one of its own.
    """
    cells, moved = [], []
    shares = (read.lrs_share, 1.0 - read.lrs_share)
    for state, share in enumerate(shares):
        of_state = part["state_index"].values == state
        x = limits_at_the_readings(
            np.log(part["resistance"].values[of_state]), part["censoring"].values[of_state]
        )
        sign = 1.0 if state else -1.0
        influence = (sign * (x - read.ln_reference) < 0.0).astype(float)
        if is_fitted and x.size > 1 and x.std() > 0.0:
            u = sign * (x - x.mean()) / x.std()
            d = sign * (x.mean() - read.ln_reference) / x.std()
            influence = (
                -math.exp(-(d**2) / 2.0) / math.sqrt(2.0 * math.pi) * (u - d * (u**2 - 1.0) / 2.0)
            )
        moved.append(share * (influence - influence.mean()) / max(x.size, 1))
        cells.append(part["cell"].values[of_state])
    return np.concatenate(cells), np.concatenate(moved)


def _together(pulls: Sequence[_Pull | None]) -> NDArray[np.float64]:
    """Return the correlation of the errors of checkpoints that read the same cells."""
    cells = [pull[0] for pull in pulls if pull is not None]
    if not cells:
        return np.eye(len(pulls))
    named = distinct(np.concatenate(cells))
    named = named[named >= 0]
    of_cells = np.zeros((len(pulls), named.size))
    own = np.zeros(len(pulls))
    for place, pull in enumerate(pulls):
        if pull is None:
            continue
        cell, moved = pull
        is_named = cell >= 0
        number = np.searchsorted(named, cell[is_named])
        of_cells[place] = np.bincount(number, weights=moved[is_named], minlength=named.size)
        own[place] = float(moved[~is_named] @ moved[~is_named])
    covariance = of_cells @ of_cells.T + np.diag(own)
    scale = np.sqrt(np.diag(covariance))
    scale[scale == 0.0] = np.inf
    correlation: NDArray[np.float64] = covariance / np.outer(scale, scale)
    np.fill_diagonal(correlation, 1.0)
    return correlation


def _rate(part: xr.Dataset, read: ReadConditions) -> Interval:
    number = int(part["condition_index"].values[0])
    alone = part.isel(condition=[number]).assign(condition_index=part["condition_index"] - number)
    try:
        (condition,) = fit_conditions(alone)
    except InputError:
        return _counted(part, read)
    return bit_errors(condition, read).headline


def _counted(part: xr.Dataset, read: ReadConditions) -> Interval:
    """Count where the populations cannot be fitted: a worn-out checkpoint counts all the more."""
    counts = []
    for state in range(len(STATES)):
        of_state = part["state_index"].values == state
        resistance, censoring, cell = (
            part[name].values[of_state] for name in ("resistance", "censoring", "cell")
        )
        counts.append(
            count_errors(
                resistance, censoring, reference=read.reference, is_hrs=bool(state), cell=cell
            )
        )
    both = weighted(*counts, lrs_share=read.lrs_share)
    if math.isnan(both.ber.estimate):
        return Interval()
    if not both.errors:
        high = min(smallest_countable(both.sample), 1.0)
        return Interval(high=high, bound="upper", basis="counted")
    return both.ber


def _cycle_notes(name: str, cycle: NDArray[Any], apart: FirstCycle | None) -> list[Note]:
    notes = []
    unknown = int(np.count_nonzero(cycle < 0))
    if 0 < unknown < cycle.size:
        text = f"{unknown:,} readings of unknown cycle are not drawn over cycles."
        values = {"readings": unknown}
        notes.append(Note(text, kind="unknown cycles", condition=name, values=values))
    if apart is not None:
        text = (
            f"cycle {apart.cycle:,}, the first one read, is another population than the others "
            f"(p = {numbers.power(apart.p_value)}), as after a forming; it is shown, but is not in "
            f"the line of BER against cycles. --cycles {apart.cycle + 1}- leaves it out of all."
        )
        figures = {"cycle": apart.cycle, "p_value": apart.p_value}
        notes.append(Note(text, kind="first cycle", condition=name, values=figures))
    return notes + sparse_notes(name, cycle)


def _fill_line(
    values: dict[str, Any],
    number: int,
    name: str,
    *,
    line: ProbitLine | None,
    limit: float | None,
    used: NDArray[np.bool_],
) -> list[Note]:
    """Fill in the line and where it meets the limit; `used` are the checkpoints it is fitted to."""
    if line is not None:
        values["intercept"][number], values["slope"][number] = line.intercept, line.slope
        values["covariance"][number] = line.covariance
    if limit is None:
        return []
    read = ~np.isnan(values["cycle"][number])
    last = float(np.max(values["cycle_last"][number][read], initial=0.0))
    bad = read & (values["ber_low"][number] > limit)
    if line is None:
        return _without_line(values, number, name, limit=limit, last=last)
    cycle = values["cycle"][number]
    first = float(cycle[read & used & (cycle > 0)].min())
    crossing, low, high = first_crossing(line, limit, first=first, last=last)
    between = _between_checkpoints(values, number, limit, used=used)
    if crossing <= between.estimate:
        cycles, texts = between, [_contradicted_text(limit, between)]
    elif math.isnan(crossing):
        below = _surely_below(low, first=first, last=last)
        if np.any(bad & used & ~(cycle > below)):
            below = math.nan
        cycles = Interval(below, bound="lower")
        texts = [_below_text(limit, below, last=last)]
    elif crossing > first:
        cycles, texts = Interval(crossing, low if low > first else math.nan, high), []
    else:
        # Above from the first checkpoint on: fewer cycles than where the whole band is.
        cycles, texts = Interval(high, bound="upper"), [_above_text(limit, high)]
    values["cycles_to_limit"][number] = cycles.estimate
    values["cycles_to_limit_low"][number] = cycles.low
    values["cycles_to_limit_high"][number] = cycles.high
    values["cycles_to_limit_bound"][number] = cycles.bound if cycles.is_known else ""
    meets = between.high if crossing <= between.estimate else crossing
    early = values["cycle"][number][bad & ~(values["cycle"][number] >= meets)]
    if early.size:
        texts.append(
            f"the BER is above {numbers.power(limit)} already at "
            f"{numbers.power(float(early.min()))} cycles, before the line crosses: the line does "
            "not describe it."
        )
    if line.points == 2:
        texts.append("the line of BER against cycles has two points; nothing checks it.")
    return [_limit_note(name, text, limit, cycles.estimate) for text in texts]


def _between_checkpoints(
    values: dict[str, Any], number: int, limit: float, *, used: NDArray[np.bool_]
) -> Interval:
    """Return the last cycle to which every checkpoint is below the limit, and the next one above.

    Checkpoints that show no error are not in the line; they are here. Nothing is known where the
    first checkpoint is not below.
    """
    places = np.flatnonzero(used & ~np.isnan(values["cycle"][number]))
    is_below = values["ber_high"][number][places] < limit
    runs = int(np.argmin(np.append(is_below, False)))
    if not runs:
        return Interval()
    above = places[runs:][values["ber_low"][number][places[runs:]] > limit]
    return Interval(
        float(values["cycle_last"][number][places[runs - 1]]),
        high=float(values["cycle_first"][number][above[0]]) if above.size else math.nan,
        bound="lower",
    )


def _contradicted_text(limit: float, between: Interval) -> str:
    upper = (
        ""
        if math.isnan(between.high)
        else f", and above it at {numbers.power(between.high)} cycles"
    )
    until = numbers.power(between.estimate)
    return (
        f"the line of BER against cycles is above {numbers.power(limit)} where checkpoints are "
        f"not: they are below it to {until} cycles{upper}, which is given."
    )


def _limit_note(name: str, text: str, limit: float, cycles: float) -> Note:
    figures = {"ber_limit": limit, "cycles": cycles}
    return Note(text, kind="cycles to the BER limit", condition=name, values=figures)


def _surely_below(low: float, *, first: float, last: float) -> float:
    """Return the cycle up to which the whole band is below the limit, NaN for none.

    `low` is where its upper end meets the limit, NaN where it does not up to the last cycle.
    """
    if math.isnan(low):
        return last
    return low if low > first else math.nan


def _below_text(limit: float, below: float, *, last: float) -> str:
    text = (
        f"the line of BER against cycles stays below {numbers.power(limit)} up to the last cycle "
        f"read, {numbers.power(last)}"
    )
    if math.isnan(below):
        return (
            f"{text}, but its 95 % band or a checkpoint does not: no number of cycles is claimed."
        )
    if below < last:
        return (
            f"{text}, but its 95 % band only up to {numbers.power(below)} cycles: that is the "
            "lower bound."
        )
    return f"{text}, and so does its 95 % band: a lower bound; what was not read is not claimed."


def _above_text(limit: float, from_here: float) -> str:
    text = (
        f"the line of BER against cycles is above {numbers.power(limit)} from the first checkpoint "
        "on"
    )
    if math.isnan(from_here):
        return f"{text}, but its 95 % band includes it up to the last: no number is claimed."
    return f"{text}, its whole 95 % band from {numbers.power(from_here)} cycles on."


def _without_line(
    values: dict[str, Any], number: int, name: str, *, limit: float, last: float
) -> list[Note]:
    """Without a line, a bound holds where the interval of every checkpoint is below the limit."""
    read = ~np.isnan(values["cycle"][number])
    if read.any() and np.all(values["ber_high"][number][read] < limit):
        values["cycles_to_limit"][number] = last
        values["cycles_to_limit_bound"][number] = "lower"
        text = (
            f"the BER is below {numbers.power(limit)} at every checkpoint up to the last cycle "
            f"read, {numbers.power(last)}, a lower bound."
        )
        return [_limit_note(name, text, limit, last)]
    text = (
        f"cycles until a BER of {numbers.power(limit)} unknown: fewer than two checkpoints have a "
        "BER with an interval."
    )
    return [_limit_note(name, text, limit, math.nan)]
