"""Readings sorted into the two states of each condition, and a lognormal fitted to each."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rramsim import formatting as numbers
from rramsim.errors import InputError
from rramsim.interval import Interval
from rramsim.notes import Note
from rramsim.schema import ABOVE, BELOW, EXACT, STATES, make
from rramsim.statistics.design_effect import LEAST_CLUSTERS, series_of
from rramsim.statistics.lognormal import (
    FEW_EXACT,
    LEAST_EFFECTIVE,
    LEAST_EXACT,
    LEAST_SERIES,
    LognormalFit,
    UnfittableError,
    fit_lognormal,
)
from rramsim.statistics.quantiles import sample_quantiles
from rramsim.statistics.readings import cluster_count, limits_at_the_readings

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.measurements import Measured


_, HRS = STATES

# Medians closer than this many sigmas say nothing about the state of a cell.
_OVERLAP = 0.1


LEAST_CELLS = LEAST_CLUSTERS
"""Fewer cells, read again and again, give no interval for the population they are of."""

# Below this many cells the interval rests on few independent values, however many reads.
_FEW_CELLS = 20

# Readings worth nearly all of their number need no word.
_AS_GOOD_AS_ALL = 0.95

# A smaller correlation makes intervals less than a quarter too narrow; chance reaches four
# standard deviations once in 30,000 files.
_ALIKE = 0.2
_FAR_BEYOND_CHANCE = 4.0


@dataclass(frozen=True, eq=False)
class StateReadings:
    """The readings of one state of one condition.

    Attributes
    ----------
    condition, state : str
        The name of the condition, and ``"LRS"`` or ``"HRS"``.
    resistance : ndarray, shape (readings,)
        Resistance in ohm, or the limit it is beyond.
    censoring : ndarray, shape (readings,)
        -1: at most the number, 0: exact, +1: at least the number.
    cell : ndarray, shape (readings,)
        Number of the cell, -1 where unknown.
    fit : LognormalFit or None
        None where no lognormal can be fitted; `unfit` then says why.
    unfit : str
        One sentence, empty where there is a fit.
    position : ndarray, shape (readings,)
        Where the readings are in the dataset "readings".
    cycle : ndarray, shape (readings,), or None
        Number of the SET/RESET cycle, -1 where unknown; None where no cycle is known.
    """

    condition: str
    state: str
    resistance: NDArray[np.float64]
    censoring: NDArray[np.int_]
    cell: NDArray[np.int_]
    fit: LognormalFit | None
    unfit: str
    position: NDArray[np.int_]
    cycle: NDArray[np.int_] | None = None

    @functools.cached_property
    def cells(self) -> int:
        """Distinct cells read; a reading that names none counts as a cell of its own."""
        return cluster_count(self.cell)

    @property
    def is_repeated(self) -> bool:
        """Whether several cells are read, some of them more than once."""
        return 1 < self.cells < self.resistance.size

    @property
    def is_read_again(self) -> bool:
        """Whether a cell is read more than once, be it the only one."""
        return self.cells < self.resistance.size

    @property
    def is_hrs(self) -> bool:
        """Whether the cells were programmed to HRS."""
        return self.state == HRS

    def note(self, text: str, kind: str, **values: float | int | str) -> Note:
        """Return a note about this state; `values` are the figures in its sentence."""
        return Note(text, kind=kind, condition=self.condition, state=self.state, values=values)

    @property
    def unit(self) -> str:
        """What a share is of: ``"cells"``, or ``"readings"`` where cells are read repeatedly."""
        return "cells" if self.cells == self.resistance.size else "readings"

    @functools.cached_property
    def sample_median(self) -> Interval:
        """Median of the readings in ohm with its interval, no distribution assumed."""
        order = np.arange(self.cell.size) if self.cycle is None else np.argsort(self.cycle)
        (median,) = sample_quantiles(
            self.resistance[order], self.censoring[order], (0.5,), cell=self.cell[order]
        )
        return median

    @property
    def median(self) -> float:
        """Median of the readings in ohm; where limits leave it open, with each at its number."""
        known = self.sample_median.estimate
        return float(np.median(self.resistance)) if math.isnan(known) else known


@dataclass(frozen=True)
class ConditionReadings:
    """The two states of one condition, each with its fit."""

    name: str
    lrs: StateReadings
    hrs: StateReadings

    @property
    def states(self) -> tuple[StateReadings, StateReadings]:
        """The states in the order of `rramsim.schema.STATES`."""
        return self.lrs, self.hrs

    @property
    def is_repeated(self) -> bool:
        """Whether several cells are read in a state, some of them more than once."""
        return any(state.is_repeated for state in self.states)

    @property
    def is_read_again(self) -> bool:
        """Whether a cell is read more than once in a state, be it the only one."""
        return any(state.is_read_again for state in self.states)

    def note(self, text: str, kind: str, **values: float | int | str) -> Note:
        """Return a note about the condition; `values` are the figures in its sentence."""
        return Note(text, kind=kind, condition=self.name, values=values)


def fit_conditions(readings: xr.Dataset) -> list[ConditionReadings]:
    """Fit a lognormal to each state of each condition.

    Parameters
    ----------
    readings : xarray.Dataset
        Of the schema "readings".

    Returns
    -------
    list of ConditionReadings
        In the order of the `condition` coordinate.

    Raises
    ------
    InputError
        If a condition lacks a state, has a state with a single reading, or has an LRS median
        above its HRS median.
    """
    names = [str(name) for name in readings["condition"].values]
    columns = {
        name: np.asarray(readings[name].values)
        for name in ("resistance", "censoring", "cell", "cycle")
    }
    key = 2 * readings["condition_index"].values + readings["state_index"].values
    # Readings of one cell are a series: in the order of their cycles, else that of the file.
    order = np.lexsort((columns["cycle"], key))
    ends = np.searchsorted(key[order], np.arange(2 * len(names) + 1))
    groups = [order[start:end] for start, end in itertools.pairwise(ends)]
    conditions = []
    for number, name in enumerate(names):
        missing = what_is_missing(name, [groups[2 * number + state].size for state in (0, 1)])
        if missing is not None:
            raise InputError(str(missing))
        lrs, hrs = (
            _state_readings(
                name,
                state,
                {column: values[groups[2 * number + index]] for column, values in columns.items()},
                position=groups[2 * number + index],
            )
            for index, state in enumerate(STATES)
        )
        conditions.append(ConditionReadings(name=name, lrs=lrs, hrs=hrs))
        _refuse_exchanged(conditions[-1])
    return conditions


def what_is_missing(name: str, sizes: Sequence[int]) -> Note | None:
    """Return why a condition of these numbers of LRS and HRS readings has no BER, if it has none.

    Parameters
    ----------
    name : str
        Of the condition.
    sizes : sequence of int
        Readings in LRS and in HRS.
    """
    for state, other, size in zip(STATES, STATES[::-1], sizes, strict=True):
        if size == 0:
            return Note(
                f"no reading in {state}, only in {other}. A bit-error rate needs both states; "
                "check the state column, or leave this condition out.",
                kind="incomplete",
                condition=name,
            )
        if size == 1:
            return Note(
                "1 reading, one cell. A population needs at least 3 readings; check the condition "
                "and state columns, or give more cells.",
                kind="incomplete",
                condition=name,
                state=state,
            )
    return None


def _refuse_exchanged(condition: ConditionReadings) -> None:
    lrs, hrs = (state.median for state in condition.states)
    fits = [state.fit for state in condition.states if state.fit is not None]
    # Of states that overlap, a few readings may exchange the medians, or a tail the fits.
    is_fit_ordered = len(fits) == len(STATES) and fits[0].mu < fits[1].mu
    if lrs > hrs and not is_fit_ordered:
        raise InputError(
            f"{condition.name}: LRS median {numbers.quantity(lrs, 'Ω')} is above HRS median "
            f"{numbers.quantity(hrs, 'Ω')}. Are the labels swapped, or is the column a "
            "conductance or a current?"
        )
    if lrs == hrs and not is_fit_ordered:
        raise InputError(
            f"{condition.name}: LRS and HRS have the same median, {numbers.quantity(lrs, 'Ω')}: "
            "no reference tells them apart; check the state column."
        )


def _state_readings(
    condition: str,
    state: str,
    columns: Mapping[str, NDArray[np.generic]],
    *,
    position: NDArray[np.int_],
) -> StateReadings:
    resistance = columns["resistance"].astype(float)
    censoring, cell, cycle = (columns[name].astype(int) for name in ("censoring", "cell", "cycle"))
    try:
        fit, unfit = fit_lognormal(resistance, censoring, cell=cell), ""
    except UnfittableError as error:
        fit, unfit = None, _why_unfittable(error)
    return StateReadings(
        condition=condition,
        state=state,
        resistance=resistance,
        censoring=censoring,
        cell=cell,
        fit=fit,
        unfit=unfit,
        position=position,
        cycle=cycle if np.any(cycle >= 0) else None,
    )


def _why_unfittable(error: UnfittableError) -> str:
    """Return what the readings are of which no lognormal can be fitted, as one sentence."""
    if error.kind == "not settled":
        return (
            f"the fit does not settle: the limits lie too far from the {error.exact:,} exact "
            "values; check the readings."
        )
    if error.kind == "all the same":
        return (
            f"all {error.exact:,} exact values are {numbers.quantity(error.value, 'Ω', 4)}: stuck "
            "reading or too coarse a resolution; median and counted BER only."
        )
    readings = error.readings
    if error.kind == "too few exact":
        values = "value" if error.exact == 1 else "values"
        return (
            f"{error.exact} exact {values} of {readings:,}{_beyond(error)}: a distribution needs "
            f"at least {LEAST_EXACT}; raise the meter's range or give more cells."
        )
    if error.above and error.below:
        return (
            f"all {readings:,} cells are beyond a limit: nothing can be fitted; BER counted only."
        )
    word, sign = ("above", ">") if error.above else ("below", "<")
    # The bound that every reading obeys: the loosest of the limits.
    limit = numbers.quantity(error.lowest_above if error.above else error.highest_below, "Ω")
    return f"all {readings:,} cells are {word} {limit}: median {sign} {limit}; BER counted only."


def _beyond(error: UnfittableError) -> str:
    parts = [
        f"{count:,} {words} {numbers.quantity(limit, 'Ω')}"
        for count, words, limit in (
            (error.above, "over range at", error.lowest_above),
            (error.below, "under range at", error.highest_below),
        )
        if count
    ]
    return f" ({', '.join(parts)})" if parts else ""


def fit_notes(condition: ConditionReadings) -> list[Note]:
    """Return what a reader must know of the fits of one condition."""
    notes = []
    for state in condition.states:
        if state.fit is None:
            notes.append(state.note(state.unfit, "no fit"))
            continue
        readings = state.resistance.size
        if state.fit.exact < FEW_EXACT:
            notes.append(
                state.note(
                    f"fitted to {state.fit.exact} exact values only; the interval of the bit-error "
                    "rate is rough.",
                    "few exact values",
                    exact=state.fit.exact,
                )
            )
        if state.cells == 1 < readings:
            notes.append(_one_cell_note(state, state.fit))
        elif state.is_repeated:
            notes.append(_repeated_note(state, state.fit))
        elif np.all(state.cell < 0):
            notes += _order_notes(state)
    if condition.lrs.fit is not None and condition.hrs.fit is not None:
        lrs, hrs = condition.lrs.fit, condition.hrs.fit
        apart = (hrs.mu - lrs.mu) / math.hypot(lrs.sigma, hrs.sigma)
        if apart < _OVERLAP:
            overlap = f"the states overlap ({apart:.2f} sigma apart)."
            notes.append(condition.note(overlap, "overlap", sigmas=apart))
    return notes


def _one_cell_note(state: StateReadings, fit: LognormalFit) -> Note:
    readings, effective = state.resistance.size, fit.effective_readings
    worth, only = "", "the intervals hold for this cell, not for others."
    if effective < _AS_GOOD_AS_ALL * readings:
        worth = (
            f", with a correlation of {numbers.plain(fit.lag_one, 2)} from one reading to the "
            f"next: as informative of the median as {effective:,.0f} independent readings, and of "
            "rare errors as more"
        )
    if math.isnan(fit.degrees_of_freedom):
        only = (
            f"the fit has no interval, which takes at least {LEAST_SERIES} readings that tell as "
            f"much as {LEAST_EFFECTIVE:.0f} independent ones, and nothing here holds for other "
            "cells."
        )
    return state.note(
        f"one cell, read {readings:,} times{worth}; {only}",
        "one cell",
        readings=readings,
        effective_readings=effective,
        autocorrelation=fit.lag_one,
    )


def _repeated_note(state: StateReadings, fit: LognormalFit) -> Note:
    readings, effective = state.resistance.size, fit.effective_readings
    worth = ""
    if effective < _AS_GOOD_AS_ALL * readings:
        worth = f", as informative of the median as {effective:,.0f} independent readings"
    return state.note(
        f"{readings:,} readings of {state.cells:,} cells{worth}; the intervals of the fitted "
        f"and of the counted BER allow for cells read more than once.{_few_cells(state, fit)}",
        "repeated reads",
        readings=readings,
        cells=state.cells,
        effective_readings=effective,
    )


def _few_cells(state: StateReadings, fit: LognormalFit) -> str:
    if state.cells < LEAST_CELLS:
        return (
            f" The intervals of the fit need more cells: of fewer than {LEAST_CELLS} there is none."
        )
    if math.isnan(fit.degrees_of_freedom):
        return " Too few cells have most of the readings: the fit has no interval."
    if state.cells < _FEW_CELLS:
        return (
            " So few cells make those of the fit wide: how far cells differ is known with "
            f"{fit.degrees_of_freedom:.0f} degrees of freedom."
        )
    return ""


def _order_notes(state: StateReadings) -> list[Note]:
    """Return a note where readings that name no cells follow each other too closely by chance."""
    x = limits_at_the_readings(np.log(state.resistance), state.censoring)
    steps = np.diff(x)
    if x.size < LEAST_SERIES or np.all(steps >= 0.0) or np.all(steps <= 0.0):
        return []
    series = series_of(x)
    if series.lag_one < max(_ALIKE, _FAR_BEYOND_CHANCE / math.sqrt(x.size)):
        return []
    return [
        state.note(
            f"no cell is named and each reading resembles the one before it (correlation "
            f"{numbers.plain(series.lag_one, 2)}): the {x.size:,} readings may tell no more than "
            f"{series.for_mean:,.0f} independent ones, and the intervals take them as independent. "
            "If cells were read more than once, name them in a column.",
            "order of readings",
            readings=x.size,
            effective_readings=series.for_mean,
            autocorrelation=series.lag_one,
        )
    ]


_OF_FIT: Mapping[str, Callable[[LognormalFit], float]] = {
    "mu": lambda fit: fit.mu,
    "sigma": lambda fit: fit.sigma,
    "mu_error": lambda fit: fit.mu_standard_error,
    "sigma_error": lambda fit: fit.sigma_standard_error,
    "mu_low": lambda fit: fit.mu_interval[0],
    "mu_high": lambda fit: fit.mu_interval[1],
    "sigma_low": lambda fit: fit.sigma_interval[0],
    "sigma_high": lambda fit: fit.sigma_interval[1],
    "degrees_of_freedom": lambda fit: fit.degrees_of_freedom,
    "effective_readings": lambda fit: fit.effective_readings,
    "autocorrelation": lambda fit: fit.lag_one,
}


def populations_dataset(conditions: list[ConditionReadings], *, origin: str) -> xr.Dataset:
    """Return the fitted populations as a dataset of the schema "populations".

    Where no lognormal could be fitted, `mu`, `sigma` and `covariance` are NaN; a state whose
    exact readings are all the same keeps its `mu`.
    """
    shape = (len(conditions), len(STATES))
    values: dict[str, NDArray[np.generic]] = {
        **{name: np.full(shape, np.nan) for name in _OF_FIT},
        **{name: np.full(shape, np.nan) for name in ("median", "median_low", "median_high")},
        "median_bound": np.full(shape, "", dtype="U8"),
        "covariance": np.full((*shape, 2, 2), np.nan),
        **{
            name: np.zeros(shape, dtype=np.int64)
            for name in ("exact", "censored_below", "censored_above", "cells")
        },
    }
    for i, condition in enumerate(conditions):
        for j, state in enumerate(condition.states):
            for name, code in (("exact", EXACT), ("censored_below", BELOW)):
                values[name][i, j] = np.count_nonzero(state.censoring == code)
            values["censored_above"][i, j] = np.count_nonzero(state.censoring == ABOVE)
            values["cells"][i, j] = state.cells
            median = state.sample_median
            values["median"][i, j] = median.estimate
            values["median_low"][i, j], values["median_high"][i, j] = median.low, median.high
            values["median_bound"][i, j] = median.bound
            if state.fit is not None:
                for name, value_of in _OF_FIT.items():
                    values[name][i, j] = value_of(state.fit)
                values["covariance"][i, j] = state.fit.covariance
            elif _is_stuck(state):
                values["mu"][i, j] = math.log(state.median)
    return make(
        "populations",
        values,
        coords={"condition": [condition.name for condition in conditions], "state": list(STATES)},
        attrs={"origin": origin},
    )


def _is_stuck(state: StateReadings) -> bool:
    return bool(np.all(state.censoring == EXACT) and np.ptp(state.resistance) == 0)


def leave_out_incomplete(measured: Measured) -> Measured:
    """Return the readings without conditions that lack a state or have one reading in it.

    Each condition left out is told in the notes. States that seem exchanged are not left out:
    they are an error of the whole file.

    Parameters
    ----------
    measured : Measured

    Returns
    -------
    Measured
        The same object where every condition is complete.

    Raises
    ------
    InputError
        If no condition is complete; the message is that of the first.
    """
    readings = measured.readings
    names = [str(name) for name in readings["condition"].values]
    if not names:
        return measured
    of_condition = readings["condition_index"].values
    key = len(STATES) * of_condition + readings["state_index"].values
    sizes = np.bincount(key, minlength=len(STATES) * len(names)).reshape(-1, len(STATES))
    missing = [what_is_missing(name, row.tolist()) for name, row in zip(names, sizes, strict=True)]
    if not any(missing):
        return measured
    kept = np.flatnonzero([note is None for note in missing])
    if not kept.size and measured.lives is None:
        raise InputError(str(missing[0]))
    number = np.full(len(names), -1)
    number[kept] = np.arange(kept.size)
    chosen = np.flatnonzero(number[of_condition] >= 0)
    part = readings.isel(reading=chosen, condition=kept)
    index = part["condition_index"]
    return replace(
        measured,
        readings=part.assign(condition_index=index.copy(data=number[index.values])),
        notes=(
            *measured.notes,
            *(replace(note, text=f"{note.text} It is left out.") for note in missing if note),
        ),
    )
