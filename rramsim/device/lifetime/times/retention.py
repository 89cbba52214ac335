"""Retention: how the populations of a condition drift and widen after programming.

At each read-out a lognormal is fitted to each state; the median and the spread each follow a
line in log10(time), and the two lines of each state give the BER at a fixed reference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rramsim import formatting as numbers
from rramsim.device.bit_errors.error_counts import Count, count_errors, weighted
from rramsim.device.bit_errors.reach import FEW_CELLS, REACH
from rramsim.device.examination import Analysis
from rramsim.device.lifetime.times.at_use import at_stated_times
from rramsim.device.lifetime.times.drift import FIRST_TIME, JITTER, Drift, Readouts, drifting_ber
from rramsim.device.lifetime.times.holds import (
    Hold,
    believed_ber,
    find_holds,
    hold_notes,
    least_believed,
)
from rramsim.device.read_conditions import ReadConditions
from rramsim.errors import InputError
from rramsim.notes import Note
from rramsim.schema import STATES, Interval, make
from rramsim.statistics.confidence import CONFIDENCE
from rramsim.statistics.quantiles import sample_percentiles
from rramsim.units import YEAR

if TYPE_CHECKING:
    import xarray as xr

TEN_YEARS = 10.0 * YEAR
"""In s: the time that retention is asked for where no other is stated."""

_FURTHEST = 10.0  # times the last read-out, before an extrapolation is warned of
_LATEST = 1e12  # s: where the search for the time to the limit ends


def retention(
    readings: xr.Dataset,
    *,
    reference_resistance: Any,
    read: ReadConditions | None = None,
    first_time: float = FIRST_TIME,
    times: Sequence[float] = (),
    ber_limit: float | None = None,
    at_times: Sequence[float] = (TEN_YEARS,),
    use_temperature: float | None = None,
    activation_energy: float | None = None,
    seed: int = 0,
    resamples: int = 400,
) -> Analysis | None:
    """Fit the drift of each state, and derive the BER over time at one reference a condition.

    Parameters
    ----------
    readings : xarray.Dataset
        Schema "readings" with `time`, the seconds since programming.
    reference_resistance : array_like, shape (conditions,)
        Reference of each condition in ohm, the same at all times.
    read : ReadConditions, optional
        How the cells are read otherwise; a spread of the reference is not in the BER.
    first_time : float
        Read-outs before this many seconds are shown but are not in the lines.
    times : sequence of float
        Further times in s at which the BER is wanted, besides those read; later than the last
        read-out they are marked as extrapolated.
    ber_limit : float, optional
        The BER whose first crossing is sought.
    at_times : sequence of float
        Times in s at which resistances and BER are wanted apart from the curves.
    use_temperature, activation_energy : float, optional
        In K and eV: with both, those at that temperature too, by the acceleration factor.
    seed, resamples : int
        Of the bootstrap of cells behind every interval.

    Returns
    -------
    Analysis or None
        Schema "retention", one `hold` for each condition and temperature; ``attrs`` hold
        ``ber_limit`` (NaN for none), ``lrs_share``, ``seed``, ``resamples``, ``confidence`` and
        ``interval``. None where fewer than two times are known.

    Raises
    ------
    InputError
        If `ber_limit` or a time is out of range.
    """
    _check(ber_limit=ber_limit, times=(*times, *at_times))
    if "time" not in readings.variables:
        return None
    known = np.isfinite(readings["time"].values)
    if np.unique(readings["time"].values[known]).size < 2:
        return None
    read = read or ReadConditions()
    references = np.broadcast_to(
        np.asarray(reference_resistance, dtype=float), readings.sizes["condition"]
    )
    holds = find_holds(
        readings,
        known,
        reads=[read.with_reference(ohm) for ohm in references.tolist()],
        first_time=first_time,
        resamples=resamples,
        stream=np.random.Generator(np.random.Philox(np.random.SeedSequence(seed))),
    )
    return _assembled(
        holds,
        times=times,
        first_time=first_time,
        ber_limit=ber_limit,
        stated=at_stated_times(
            holds,
            at_times,
            use_temperature=use_temperature,
            activation_energy=activation_energy,
        ),
        attrs={
            "lrs_share": read.lrs_share,
            "seed": seed,
            "resamples": resamples,
            "use_temperature": math.nan if use_temperature is None else use_temperature,
            "activation_energy": math.nan if activation_energy is None else activation_energy,
        },
        unknown=int(np.count_nonzero(~known)),
    )


def _check(*, ber_limit: float | None, times: Sequence[float]) -> None:
    if ber_limit is not None and not 0.0 < ber_limit < 0.5:
        raise InputError(f"The BER limit is {ber_limit:g}; it must be above 0 and below 0.5.")
    for time in times:
        if not 0.0 < time < math.inf:
            raise InputError(f"A time of {time:g} s was asked for; it must be above 0.")


def _assembled(
    holds: list[Hold],
    *,
    times: Sequence[float],
    first_time: float,
    ber_limit: float | None,
    stated: tuple[dict[str, Any], list[Note]],
    attrs: dict[str, Any],
    unknown: int,
) -> Analysis:
    read_at = {float(time) for hold in holds for state in hold.states for time in state.time}
    in_lines = {time for time in read_at if time >= JITTER * first_time}
    wanted = np.array(sorted(in_lines | set(times)))
    most = max(hold.states[0].time.size for hold in holds)
    values = _empty(len(holds), readouts=most, times=wanted.size)
    notes = []
    if unknown:
        text = f"{unknown:,} readings of unknown time are not in the retention."
        notes.append(Note(text, kind="unknown times", values={"readings": unknown}))
    for number, hold in enumerate(holds):
        values["hold_condition"].append(hold.name)
        values["temperature"][number] = hold.temperature
        values["reference_resistance"][number] = hold.read.reference
        values["first_time"][number] = hold.first_time(first_time)
        values["last_time"][number] = hold.last_time
        for index, state in enumerate(hold.states):
            _fill_state(values, (number, index), state, hold)
        _fill_counted(values, number, hold)
        notes += hold_notes(hold, first_time=first_time)
        notes += _fill_ber(values, number, hold, wanted=wanted, ber_limit=ber_limit)
    at_stated, more = stated
    return Analysis(
        make(
            "retention",
            values | at_stated,
            coords={"state": list(STATES), "time": wanted},
            attrs={
                "ber_limit": math.nan if ber_limit is None else ber_limit,
                "confidence": CONFIDENCE,
                "interval": "95 %, percentiles of a bootstrap of cells",
                **attrs,
            },
        ),
        (*notes, *more),
    )


_PER_HOLD = (
    *("temperature", "reference_resistance", "first_time", "last_time"),
    *("time_to_limit", "time_to_limit_low", "time_to_limit_high"),
)
_LINES = ("mu", "mu_drift", "sigma", "sigma_drift")
_COUNTED = ("counted_ber", "counted_ber_low", "counted_ber_high")
_ENDS = ("mu_drift_low", "mu_drift_high", "sigma_drift_low", "sigma_drift_high")


def _empty(holds: int, *, readouts: int, times: int) -> dict[str, Any]:
    by_state, by_readout = (holds, len(STATES)), (holds, len(STATES), readouts)
    return {
        "hold_condition": [],
        **{name: np.full(holds, np.nan) for name in _PER_HOLD},
        **{name: np.full(by_state, np.nan) for name in (*_LINES, *_ENDS)},
        "cells": np.zeros(by_state, dtype=int),
        **{
            name: np.full(by_readout, np.nan)
            for name in ("readout_time", "readout_mu", "readout_sigma", "p05", "p50", "p95")
        },
        **{name: np.zeros(by_readout, dtype=int) for name in ("readings", "undecided", "errors")},
        **{name: np.full((holds, readouts), np.nan) for name in (*_COUNTED, "counted_time")},
        **{name: np.full((holds, times), np.nan) for name in ("ber", "ber_low", "ber_high")},
        "ber_extrapolated": np.zeros((holds, times), dtype=int),
        "time_to_limit_bound": np.full(holds, "", dtype="U8"),
        "time_to_limit_extrapolated": np.zeros(holds, dtype=int),
    }


def _fill_state(
    values: dict[str, Any], index: tuple[int, int], state: Readouts, hold: Hold
) -> None:
    values["cells"][index] = state.cells
    drift = hold.drifts[index[1]]
    if drift is not None:
        for name, value in zip(_LINES, drift.lines, strict=True):
            values[name][index] = value
        for name, value in zip(_ENDS, (*drift.interval(1), *drift.interval(3)), strict=True):
            values[name][index] = value
    for place, time in enumerate(state.time):
        of_readout = state.group == place
        where = (*index, place)
        values["readout_time"][where] = time
        values["readings"][where] = np.count_nonzero(of_readout)
        values["readout_mu"][where] = state.mu[place]
        values["readout_sigma"][where] = state.sigma[place]
        if not of_readout.any():
            continue
        resistance, censoring = state.resistance[of_readout], state.censoring[of_readout]
        count = count_errors(
            resistance, censoring, reference=hold.read.reference, is_hrs=index[1] == 1
        )
        values["errors"][where], values["undecided"][where] = count.errors, count.undecided
        for name, value in zip(
            ("p05", "p50", "p95"), sample_percentiles(resistance, censoring), strict=True
        ):
            values[name][where] = value


def _fill_counted(values: dict[str, Any], number: int, hold: Hold) -> None:
    """Fill the BER counted at each read-out of both states."""
    for place, times in enumerate(values["readout_time"][number].T):
        counts = _counts(values, number, place)
        if np.isnan(times).all() or not all(count.readings for count in counts):
            continue
        both = weighted(*counts, lrs_share=hold.read.lrs_share)
        values["counted_time"][number, place] = np.nanmax(times)
        for name, value in zip(
            _COUNTED, (both.ber.estimate, both.ber.low, both.ber.high), strict=True
        ):
            values[name][number, place] = value


def _counts(values: dict[str, Any], number: int, place: int) -> tuple[Count, Count]:
    lrs, hrs = (
        Count(int(errors), int(readings - undecided), int(undecided))
        for errors, readings, undecided in zip(
            *(values[name][number, :, place] for name in ("errors", "readings", "undecided")),
            strict=True,
        )
    )
    return lrs, hrs


def _fill_ber(
    values: dict[str, Any],
    number: int,
    hold: Hold,
    *,
    wanted: NDArray[np.float64],
    ber_limit: float | None,
) -> list[Note]:
    lrs, hrs = hold.drifts
    if lrs is None or hrs is None:
        return []
    curves = drifting_ber(wanted, (lrs, hrs), hold.read)
    believed = believed_ber(hold, curves)
    least = least_believed(hold)
    for place, rate in enumerate(believed):
        for name, value in (("ber", rate.estimate), ("ber_low", rate.low), ("ber_high", rate.high)):
            values[name][number, place] = value
    # Read-outs that belong together differ by the jitter of the tester.
    first = float(values["first_time"][number])
    values["ber_extrapolated"][number] = (wanted > hold.last_time * (1.0 + 1e-9)) | (
        wanted < first * (1.0 - 1e-9)
    )
    notes = []
    if wanted.max() > _FURTHEST * hold.last_time:
        decades = math.log10(wanted.max() / hold.last_time)
        text = (
            f"the BER is extrapolated {numbers.plain(decades, 2)} decades of time beyond the last "
            "read-out; no measurement confirms this."
        )
        notes.append(hold.note(text, "BER extrapolated in time", decades=decades))
    notes += _disagreement(values, number, hold, (lrs, hrs))
    if np.isnan(curves[0]).any():
        text = "the line of a spread reaches 0 within the times asked for; no BER is given there."
        notes.append(hold.note(text, "spread reaches 0"))
    notes += _reach_notes(hold, believed, least=least)
    if ber_limit is not None:
        notes += _fill_limit(values, number, hold, limit=ber_limit)
    return notes


def _reach_notes(hold: Hold, believed: list[Interval], *, least: float) -> list[Note]:
    cells = " and ".join(f"{state.cells:,}" for state in hold.states)
    if least >= 1.0:
        text = (
            f"{cells} cells of LRS and HRS are too few for a BER along the lines: below "
            f"{FEW_CELLS} a state, only what was counted is given."
        )
        return [hold.note(text, "few cells", least_ber=least)]
    if not any(rate.bound for rate in believed):
        return []
    text = (
        f"a BER along the lines below {numbers.power(least)} lies more than {REACH:g} sigma beyond "
        f"the last cell that {cells} cells can be expected to show; there only a bound is given."
    )
    return [hold.note(text, "fit beyond reach", least_ber=least)]


def _fill_limit(values: dict[str, Any], number: int, hold: Hold, *, limit: float) -> list[Note]:
    lrs, hrs = hold.drifts
    assert lrs is not None
    assert hrs is not None
    if limit < (least := least_believed(hold)):
        text = (
            f"a BER of {numbers.power(limit)} lies beyond what so few cells can be expected to "
            "show: no time is claimed."
        )
        return [hold.note(text, "time to the BER limit", least_ber=least)]
    start = float(values["first_time"][number])
    grid = np.geomspace(start, _LATEST, 241)
    curves = drifting_ber(grid, (lrs, hrs), hold.read)
    time, early, late = (_crossing(grid, curve, limit) for curve in (curves[0], *curves[:0:-1]))
    subject = f"a BER of {numbers.power(limit)}"
    if math.isnan(time):
        # The upper end of the band may cross where the line does not.
        reached = hold.last_time if math.isnan(early) else min(early, hold.last_time)
        bound = Interval(reached if reached > start else math.nan, bound="lower")
        text = f"{subject} is not reached along the lines"
        return _fill_bound(values, number, hold, bound=bound, text=text)
    if time <= start:
        # Without an interval the line itself must do.
        surely = start if np.isnan(curves[1]).all() else late
        bound = Interval(surely if surely <= hold.last_time else math.nan, bound="upper")
        text = (
            f"{subject} is exceeded by the first read-out in the lines, {numbers.duration(start)}"
        )
        return _fill_bound(values, number, hold, bound=bound, text=text)
    values["time_to_limit"][number] = time
    early = early if early > start else math.nan
    values["time_to_limit_low"][number] = early
    values["time_to_limit_high"][number] = late
    extrapolated = time > hold.last_time
    values["time_to_limit_extrapolated"][number] = extrapolated
    if not extrapolated:
        return []
    decades = math.log10(time / hold.last_time)
    text = (
        f"{subject} is reached after {numbers.power(time)} s along the lines, "
        f"{numbers.plain(decades, 2)} decades beyond the last read-out: extrapolated."
    )
    return [hold.note(text, "time to the BER limit", time=time, decades=decades)]


def _fill_bound(
    values: dict[str, Any], number: int, hold: Hold, *, bound: Interval, text: str
) -> list[Note]:
    time = bound.estimate
    if math.isnan(time):
        text += ", but the 95 % band includes it over all that was read: none is claimed."
        return [hold.note(text, "time to the BER limit")]
    values["time_to_limit"][number] = time
    values["time_to_limit_bound"][number] = bound.bound
    which = "a lower bound" if bound.bound == "lower" else "an upper bound"
    text += f"; by the 95 % band {numbers.power(time)} s is {which}."
    return [hold.note(text, "time to the BER limit", time=time)]


def _disagreement(
    values: dict[str, Any], number: int, hold: Hold, drifts: tuple[Drift, Drift]
) -> list[Note]:
    """Return a note where the errors of the last read-out are not those of the lines."""
    last = max(state.time.size for state in hold.states) - 1
    counted = weighted(*_counts(values, number, last), lrs_share=hold.read.lrs_share)
    ber = float(drifting_ber([hold.last_time], drifts, hold.read)[0][0])
    if not (ber < counted.ber.low or ber > counted.ber.high):
        return []
    text = (
        f"at the last read-out the lines give a BER of {numbers.power(ber)}, and "
        f"{numbers.power(counted.ber.low)} to {numbers.power(counted.ber.high)} was counted: the "
        "tails are not those of the lognormals, so take the lines as a guide only."
    )
    return [
        hold.note(
            *(text, "lines contradicted"),
            ber=ber,
            counted_low=counted.ber.low,
            counted_high=counted.ber.high,
        )
    ]


def _crossing(grid: NDArray[np.float64], ber: NDArray[np.float64], limit: float) -> float:
    above = ber > limit
    if not above.any():
        return math.nan
    first = int(above.argmax())
    if first == 0 or not ber[first - 1] > 0:
        return float(grid[first])
    left, right = (math.log(float(ber[i]) / limit) for i in (first - 1, first))
    share = -left / (right - left)
    return float(grid[first - 1] * (grid[first] / grid[first - 1]) ** share)
