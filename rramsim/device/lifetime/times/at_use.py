"""What lines of drift say of stated times, as held and at a temperature of use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from rramsim import formatting as numbers
from rramsim.device.lifetime.times.arrhenius import FURTHEST_KELVIN, acceleration_factor
from rramsim.device.lifetime.times.drift import FURTHEST_DECADES, Drift, drifting_ber
from rramsim.device.lifetime.times.holds import Hold, believed_ber
from rramsim.notes import Note
from rramsim.schema import STATES
from rramsim.statistics.confidence import CONFIDENCE

Floats = NDArray[np.float64]

_P05 = float(ndtri(0.05))


def at_stated_times(
    holds: Sequence[Hold],
    times: Sequence[float],
    *,
    use_temperature: float | None = None,
    activation_energy: float | None = None,
) -> tuple[dict[str, Any], list[Note]]:
    """Return resistances and BER at stated times, along the lines of drift.

    With a temperature of use and a stated activation energy, also those at that temperature: the
    time t there is as long as t / AF where the cells were held, with AF the acceleration factor.

    Parameters
    ----------
    holds : sequence of Hold
    times : sequence of float
        In s since programming.
    use_temperature, activation_energy : float, optional
        In K and in eV.

    Returns
    -------
    values : dict of str to array
        The variables ``at_...``, ``use_...``, ``acceleration_factor`` and ``equivalent_time`` of
        the schema "retention".
    notes : list of Note
        What is extrapolated, and what is assumed.
    """
    wanted = np.array(sorted(set(times)), dtype=float)
    values: dict[str, Any] = {"at_time": wanted}
    empty = {
        **{name: (len(holds), len(STATES), wanted.size) for name in _OF_STATE},
        **{name: (len(holds), wanted.size) for name in _OF_HOLD},
    }
    for prefix in ("at", "use"):
        values |= {f"{prefix}_{name}": np.full(shape, np.nan) for name, shape in empty.items()}
        values[f"{prefix}_extrapolated"] = np.zeros((len(holds), wanted.size), dtype=int)
    values["acceleration_factor"] = np.full(len(holds), np.nan)
    notes: list[Note] = []
    for number, hold in enumerate(holds):
        _fill(values, "at", number, hold, wanted)
        notes += _far_notes(hold, wanted)
        if use_temperature is None or activation_energy is None or math.isnan(hold.temperature):
            continue
        factor = acceleration_factor(activation_energy, hot=hold.temperature, use=use_temperature)
        values["acceleration_factor"][number] = factor
        _fill(values, "use", number, hold, wanted / factor)
        if _is_far(hold, holds, use_temperature):
            values["use_extrapolated"][number] = 1
        notes.append(_acceleration_note(hold, factor, activation_energy, use_temperature))
    last = np.array([hold.last_time for hold in holds])
    values["equivalent_time"] = last * values["acceleration_factor"]
    return values, notes


def _is_far(hold: Hold, holds: Sequence[Hold], use: float) -> bool:
    """Return whether no read-out of the condition was held near the temperature of use (K)."""
    held = [one.temperature for one in holds if one.name == hold.name]
    return not any(abs(kelvin - use) <= FURTHEST_KELVIN for kelvin in held)


_OF_STATE = ("median", "median_low", "median_high", "p05", "p95")
_OF_HOLD = ("ber", "ber_low", "ber_high", "decades")


def _fill(values: dict[str, Any], prefix: str, number: int, hold: Hold, times: Floats) -> None:
    decades = np.log10(times / hold.last_time)
    values[f"{prefix}_decades"][number] = decades
    values[f"{prefix}_extrapolated"][number] = decades > 1e-9
    for state, drift in enumerate(hold.drifts):
        if drift is not None:
            for name, column in zip(_OF_STATE, _resistances(drift, times), strict=True):
                values[f"{prefix}_{name}"][number, state] = column
    lrs, hrs = hold.drifts
    if lrs is None or hrs is None:
        return
    for place, rate in enumerate(believed_ber(hold, drifting_ber(times, (lrs, hrs), hold.read))):
        ends = (rate.estimate, rate.low, rate.high)
        for name, value in zip(_OF_HOLD, ends, strict=False):
            values[f"{prefix}_{name}"][number, place] = value


def _resistances(drift: Drift, times: Floats) -> tuple[Floats, ...]:
    """Return the median with its interval, and the 5th and 95th percentile, in ohm."""
    log_time = np.log10(times)
    mu, slope, sigma, widening = drift.lines
    median, spread = mu + slope * log_time, sigma + widening * log_time
    low = high = np.full(times.size, np.nan)
    if len(drift.resampled):
        draws = drift.resampled[:, [0]] + drift.resampled[:, [1]] * log_time
        tail = 50.0 * (1.0 - CONFIDENCE)
        low, high = np.percentile(draws, (tail, 100.0 - tail), axis=0)
    # A line whose spread has reached 0 has no percentiles.
    spread = np.where(spread > 0, spread, np.nan)
    ends = (median + _P05 * spread, median - _P05 * spread)
    with np.errstate(over="ignore"):
        return tuple(np.exp(values) for values in (median, low, high, *ends))


def _far_notes(hold: Hold, times: Floats) -> list[Note]:
    latest = float(times.max(initial=0.0))
    if not latest > hold.last_time * 10.0**FURTHEST_DECADES or hold.drifts == (None, None):
        return []
    decades = math.log10(latest / hold.last_time)
    text = (
        f"the resistances and the BER at {numbers.duration(latest)} are extrapolated along the "
        f"lines, {numbers.plain(decades, 2)} decades of time beyond the last read-out; "
        "no measurement confirms this."
    )
    return [hold.note(text, "stated time extrapolated", time=latest, decades=decades)]


def _acceleration_note(hold: Hold, factor: float, energy: float, use: float) -> Note:
    text = (
        f"1 s there is equivalent to {numbers.power(factor, 3)} s at "
        f"{numbers.quantity(use, 'K')}, by Arrhenius' law with the stated activation energy of "
        f"{numbers.plain(energy)} eV; neither this energy nor a common mechanism at both "
        "temperatures was checked."
    )
    return hold.note(
        text,
        "acceleration factor",
        acceleration_factor=factor,
        activation_energy=energy,
        use_temperature=use,
    )
