"""Conditions held at a temperature: their read-outs over time, and how each state drifts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rramsim import formatting as numbers
from rramsim.device.bit_errors.reach import leading_rate, least_rate
from rramsim.device.lifetime.times.drift import Drift, Readouts, fit_drift
from rramsim.device.populations.mixed_times import readout_groups
from rramsim.device.read_conditions import ReadConditions
from rramsim.notes import Note
from rramsim.schema import STATES, Interval

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class Hold:
    """One condition held at one temperature, each state with its drift.

    Attributes
    ----------
    name : str
        The condition.
    temperature : float
        In kelvin, NaN where unknown.
    read : ReadConditions
        How its cells are read, with the reference of the condition.
    states : tuple of Readouts
        LRS and HRS.
    drifts : tuple of Drift or None
        None where too few read-outs could be fitted, or none was asked for.
    """

    name: str
    temperature: float
    read: ReadConditions
    states: tuple[Readouts, Readouts]
    drifts: tuple[Drift | None, Drift | None] = (None, None)

    @property
    def last_time(self) -> float:
        """Seconds after programming of the last read-out."""
        return max(float(state.time.max(initial=0.0)) for state in self.states)

    def first_time(self, earliest: float) -> float:
        """Return the seconds of the first read-out in the lines of both states, or `earliest`."""
        firsts = [state.time[state.in_lines(earliest)] for state in self.states]
        return max((float(times[0]) for times in firsts if times.size), default=earliest)

    def note(self, text: str, kind: str, *, state: str = "", **values: float) -> Note:
        """Return a note about the hold; `values` are the figures in its sentence."""
        is_known = not math.isnan(self.temperature)
        return Note(
            text,
            kind=kind,
            condition=self.name,
            state=state,
            circumstance=f"at {numbers.quantity(self.temperature, 'K')}" if is_known else "",
            values=values | {"temperature": self.temperature},
        )


def least_believed(hold: Hold) -> float:
    """Return the least BER along the lines that may lead with so many cells (`reach`)."""
    shares = (hold.read.lrs_share, 1.0 - hold.read.lrs_share)
    return least_rate([state.cells for state in hold.states], shares)


def believed_ber(hold: Hold, curves: Sequence[NDArray[np.float64]]) -> list[Interval]:
    """Return what leads of the BER along the lines (`drifting_ber`) and its ends, at each time.

    A bound leads instead where the lines reach too far beyond the sample, and of too few cells
    there is nothing.
    """
    least = least_believed(hold)
    return [
        leading_rate(Interval(float(ber), float(low), float(high)), least)
        for ber, low, high in zip(*curves, strict=True)
    ]


def find_holds(
    readings: xr.Dataset,
    known: NDArray[np.bool_],
    *,
    reads: Sequence[ReadConditions],
    first_time: float,
    resamples: int,
    stream: np.random.Generator,
) -> list[Hold]:
    """Return each condition at each temperature it was held at, in order.

    Parameters
    ----------
    readings : xarray.Dataset
        Schema "readings" with `time`.
    known : ndarray of bool, shape (readings,)
        Which readings have a time.
    reads : sequence of ReadConditions
        How each condition is read.
    first_time : float
        Seconds after programming from which the lines of drift are fitted.
    resamples, stream : int, numpy.random.Generator
        Of the bootstrap of cells behind the drifts' intervals.
    """
    holds = []
    for hold in find_read_outs(readings, known, reads=reads):
        lrs, hrs = (
            fit_drift(state, first_time=first_time, resamples=resamples, stream=stream)
            for state in hold.states
        )
        holds.append(replace(hold, drifts=(lrs, hrs)))
    return holds


def find_read_outs(
    readings: xr.Dataset, known: NDArray[np.bool_], *, reads: Sequence[ReadConditions]
) -> list[Hold]:
    """Return what `find_holds` does, without the drifts."""
    names = [str(name) for name in readings["condition"].values]
    return [
        Hold(names[number], temperature, reads[number], _states(readings.isel(reading=chosen)))
        for number, temperature, chosen in _groups(readings, known)
    ]


def hold_notes(hold: Hold, *, first_time: float) -> list[Note]:
    """Return a note on each state whose drift is not, or hardly, known."""
    notes = []
    for name, state, drift in zip(STATES, hold.states, hold.drifts, strict=True):
        used = int(np.count_nonzero(state.in_lines(first_time)))
        if drift is None:
            text = (
                f"{used} read-outs from {numbers.duration(first_time)} on could be fitted; a "
                "line of drift needs two."
            )
            notes.append(hold.note(text, "no line of drift", state=name, read_outs=used))
        elif used == 2:
            text = "the lines of drift have two points; nothing checks them."
            notes.append(hold.note(text, "two points of drift", state=name, read_outs=used))
        if drift is not None and not len(drift.resampled):
            text = "too few cells are read again for an interval of the drift."
            notes.append(hold.note(text, "no interval of the drift", state=name))
    return notes


def _groups(
    readings: xr.Dataset, known: NDArray[np.bool_]
) -> list[tuple[int, float, NDArray[np.int_]]]:
    """Return condition, temperature and readings of each hold, in order."""
    condition = readings["condition_index"].values
    if "temperature" in readings.variables:
        temperature = readings["temperature"].values
    else:
        temperature = np.full(condition.size, np.nan)
    groups = []
    for number in np.unique(condition[known]):
        for kelvin in np.unique(temperature[known & (condition == number)]):
            same = np.isnan(temperature) if math.isnan(kelvin) else temperature == kelvin
            chosen = np.flatnonzero(known & (condition == number) & same)
            groups.append((int(number), float(kelvin), chosen))
    return groups


def _states(part: xr.Dataset) -> tuple[Readouts, Readouts]:
    """Return the read-outs of LRS and of HRS."""
    group, times = readout_groups(part["time"].values)
    states = []
    for index in range(len(STATES)):
        of_state = part["state_index"].values == index
        states.append(
            Readouts.of(
                part["resistance"].values[of_state],
                part["censoring"].values[of_state],
                cell=part["cell"].values[of_state],
                group=group[of_state],
                time=times,
            )
        )
    return states[0], states[1]
