"""Error rates after so many programming cycles and so much time, by the lines of `aging`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from rramsim.device.bit_errors.reach import leading_rate, least_rate
from rramsim.device.bit_errors.sensing import StatePair, z_scores
from rramsim.device.examination import Analysis
from rramsim.device.lifetime.aging import Aging
from rramsim.device.lifetime.counted_rates import shift_to
from rramsim.device.lifetime.times.drift import ends_of_draws
from rramsim.device.read_conditions import ReadConditions
from rramsim.notes import Note
from rramsim.schema import STATES, Interval, make
from rramsim.statistics.confidence import CONFIDENCE

Floats = NDArray[np.float64]

INTERVAL = (
    "95 %, percentiles of a bootstrap of cells, and of draws from the counts (Jeffreys) where the "
    "BER is counted; the activation energy is taken as known"
)
"""How the ends of the intervals were made."""

_LINES = ("mu", "mu_by_cycles", "mu_drift", "sigma", "sigma_by_cycles", "sigma_drift")
_RATE = ("", "_low", "_high", "_bound")


def error_rates(agings: Mapping[str, Aging], *, last_time: float) -> Analysis:
    """Derive the error rates of conditions at decades of cycles and of time.

    p_LRS(N, t) = Q((r - mu_LRS) / sigma_LRS) and p_HRS(N, t) = Q((mu_HRS - r) / sigma_HRS), with
    the populations of `Aging` and r = ln(reference / ohm). A spread of the reference is not in
    them. Where so few cells cannot show a rate, a bound leads, as along the lines of retention. Of
    a condition whose BER is counted, the probits of both states are moved to the errors counted
    (`counted_rates`); where its BER is a bound, no BER is given below that.

    Parameters
    ----------
    agings : mapping of str to Aging
        By condition, one at least.
    last_time : float
        In s; times are the decades from the first read-out to here.

    Returns
    -------
    Analysis
        Schema "aging"; NaN beyond the last cycle of a condition.
    """
    cycles, times = cycle_steps(agings.values()), _times(agings.values(), last_time)
    values = _empty(len(agings), cycles=cycles.size, times=times.size)
    notes: list[Note] = []
    for number, aging in enumerate(agings.values()):
        _fill_condition(values, number, aging)
        notes += [*aging.notes, *_fill_rates(values, number, aging, cycles, times)]
    shares = {aging.read.lrs_share for aging in agings.values()}
    return Analysis(
        make(
            "aging",
            values,
            coords={
                "condition": list(agings),
                "cycle": cycles,
                "time": times,
                "state": list(STATES),
            },
            attrs={"lrs_share": shares.pop(), "confidence": CONFIDENCE, "interval": INTERVAL},
        ),
        tuple(notes),
    )


def cycle_steps(agings: Iterable[Aging]) -> Floats:
    """Return the first cycle, the decades that were read, and the last cycle of each condition.

    NaN alone where no cycles are known.
    """
    ends = [aging.cycles for aging in agings if math.isfinite(aging.cycles[1])]
    if not ends:
        return np.array([math.nan])
    first, last = max(min(one for one, _ in ends), 1.0), max(last for _, last in ends)
    return _decades(first, last, more=[first, *(max(one, 1.0) for _, one in ends)])


def _times(agings: Iterable[Aging], last: float) -> Floats:
    """Return the first read-out, and the decades of time from it; 0 alone without a drift."""
    firsts = [aging.times[0] for aging in agings if aging.drifts]
    if not firsts:
        return np.zeros(1)
    first = min(firsts)
    return _decades(first, max(last, first), more=[first, max(last, first)])


def _decades(first: float, last: float, *, more: list[float]) -> Floats:
    places = range(math.ceil(math.log10(first)), math.floor(math.log10(last)) + 1)
    return np.unique([*(10.0**place for place in places), *more])


def _empty(conditions: int, *, cycles: int, times: int) -> dict[str, Any]:
    flat, by_state = (conditions,), (conditions, len(STATES))
    at = (conditions, cycles, times)
    values: dict[str, Any] = {
        **{
            name: np.full(flat, np.nan)
            for name in (
                *("reference_resistance", "first_cycle", "last_cycle", "first_time", "last_time"),
                *("temperature", "use_temperature", "activation_energy", "acceleration_factor"),
            )
        },
        "activation_energy_basis": np.full(flat, "", dtype="U8"),
        "cells": np.zeros(by_state, dtype=int),
        **{f"{name}{end}": np.full(by_state, np.nan) for name in _LINES for end in _RATE[:3]},
        "ber_extrapolated": np.zeros(at, dtype=int),
        "extrapolation": np.full(at, "", dtype="U32"),
    }
    for name, shape in (("error_rate", (*at, len(STATES))), ("ber", at)):
        values |= {f"{name}{end}": np.full(shape, np.nan) for end in _RATE[:3]}
        values[f"{name}_bound"] = np.full(shape, "", dtype="U8")
    return values


def _fill_condition(values: dict[str, Any], number: int, aging: Aging) -> None:
    values["reference_resistance"][number] = aging.read.reference
    values["first_cycle"][number], values["last_cycle"][number] = aging.cycles
    values["first_time"][number], values["last_time"][number] = aging.times
    values["temperature"][number] = aging.temperature
    if aging.use is not None:
        values["use_temperature"][number] = aging.use.temperature
        values["activation_energy"][number] = aging.use.activation_energy
        values["activation_energy_basis"][number] = aging.use.basis
        values["acceleration_factor"][number] = aging.acceleration
    values["cells"][number] = aging.cells
    low, high = ends_of_draws(aging.drawn)
    for place, name in enumerate(_LINES):
        part, column = divmod(place, 3)
        for end, lines in (("", aging.lines), ("_low", low), ("_high", high)):
            values[f"{name}{end}"][number] = lines[:, part, column]


def _fill_rates(
    values: dict[str, Any], number: int, aging: Aging, cycles: Floats, times: Floats
) -> list[Note]:
    is_read = ~(cycles > aging.cycles[1])
    rows, grid = np.flatnonzero(is_read), (cycles[is_read][:, None], times)
    extrapolation = aging.extrapolated(*grid)
    values["extrapolation"][number, is_read] = extrapolation
    values["ber_extrapolated"][number, is_read] = extrapolation != ""
    best, drawn = _rates(aging, *grid)
    for place, (rate, draws) in enumerate(zip(best, drawn, strict=True)):
        low, high = ends_of_draws(draws)
        least = _least(aging, place)
        for where in np.ndindex(rate.shape):
            fitted = Interval(float(rate[where]), float(low[where]), float(high[where]))
            leads = leading_rate(fitted, least)
            at = (number, int(rows[where[0]]), where[1])
            _put(values, "ber" if place == len(STATES) else "error_rate", at, leads, state=place)
    if not np.isnan(best).any():
        return []
    text = (
        "the line of a sigma reaches 0 within the cycles and times; no error rate is given there."
    )
    return [Note(text, kind="spread reaches 0", condition=aging.condition)]


def _put(
    values: dict[str, Any], name: str, at: tuple[int, int, int], rate: Interval, *, state: int
) -> None:
    index = at if name == "ber" else (*at, state)
    for end, value in zip(_RATE, (rate.estimate, rate.low, rate.high, rate.bound), strict=True):
        values[f"{name}{end}"][index] = value


def _least(aging: Aging, place: int) -> float:
    """Return the least error rate of LRS (0), HRS (1) or least BER (2) that may lead."""
    share = aging.read.lrs_share
    shares = ((1.0, 0.0), (0.0, 1.0), (share, 1.0 - share))[place]
    if aging.counted is not None:
        least = aging.counted.least(shares)
    elif place < len(STATES):
        least = least_rate(aging.cells[place : place + 1], (1.0,))
    else:
        least = least_rate(aging.cells, shares)
    is_bound = place == len(STATES) and math.isfinite(aging.bound)
    return max(least, aging.bound) if is_bound else least


def _rates(aging: Aging, cycles: Floats, times: Floats) -> tuple[Floats, Floats]:
    """Return the error rates of LRS and HRS and the BER, and those of draws.

    Their shapes are (3, cycles, times) and (3, draws, cycles, times).
    """
    best = _probits(aging.populations(cycles, times), aging.read)
    drawn = _of_draws(aging.drawn_populations(cycles, times), aging.read)
    if aging.counted is not None:
        rates, left_open = aging.counted.rates, aging.counted.drawn(len(aging.drawn))
        for state in range(len(STATES)):
            pooled, resampled = aging.pooled_populations(state)
            weights = aging.pooled[state][2]
            at = _probits(pooled, aging.read)[state], _of_draws(resampled, aging.read)[state]
            best[state] += shift_to(rates[state], at[0], weights)
            drawn[state] += shift_to(left_open[state], at[1], weights)[:, None, None]
    return _with_ber(best, aging.read), _with_ber(drawn, aging.read)


def _probits(populations: Floats, read: ReadConditions) -> Floats:
    """Return probits of the error rates of LRS and HRS, shape (2, ...)."""
    columns: Any = (populations[state, part] for state in range(2) for part in range(2))
    return -np.stack(z_scores(read.ln_reference, StatePair(*columns)))


def _of_draws(populations: Floats, read: ReadConditions) -> Floats:
    return _probits(np.moveaxis(populations, 0, 2), read)


def _with_ber(probits: Floats, read: ReadConditions) -> Floats:
    lrs, hrs = ndtr(probits)
    return np.stack([lrs, hrs, read.lrs_share * lrs + (1.0 - read.lrs_share) * hrs])
