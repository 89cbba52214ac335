"""From readings and stated figures to programming conditions: the whole device room in one call."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rramsim import formatting as numbers
from rramsim.device.bit_errors.error_counts import WeightedCount
from rramsim.device.bit_errors.headline import INTERVAL, BitErrors, bit_errors
from rramsim.device.bit_errors.pairs import PAIR_CORRELATION, state_correlation
from rramsim.device.examination import Analysis, Examination, Question
from rramsim.device.lifetime.cycles.endurance import endurance, failure_of
from rramsim.device.populations.cycles_of_cells import first_cycle_notes
from rramsim.device.populations.fit import (
    ConditionReadings,
    fit_conditions,
    fit_notes,
    populations_dataset,
)
from rramsim.device.populations.mixed_times import (
    mixed_cycles,
    mixed_over,
    mixed_times_notes,
)
from rramsim.device.populations.verdicts import (
    Verdict,
    goodness_dataset,
    outlier_notes,
    outliers_dataset,
    tail_model_notes,
    verdict_on,
    with_outliers,
)
from rramsim.device.programming import (
    Programming,
    columns_of,
    join_programming,
    mean_pulses,
    similar_name_notes,
    unknown_condition_notes,
)
from rramsim.device.read_conditions import ReadConditions
from rramsim.device.summaries.conditions import of_summaries, with_more_conditions
from rramsim.device.worn_cells import Followed, follow_to_wear
from rramsim.errors import InputError
from rramsim.measurements import Measured
from rramsim.notes import Note
from rramsim.schema import DATASETS, STATES, Interval, Variable, empty, make, with_spellings
from rramsim.statistics.confidence import CONFIDENCE, smallest_countable

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class _Row:
    """What the populations of a condition give."""

    condition: ConditionReadings
    verdicts: tuple[Verdict, Verdict]
    errors: BitErrors
    has_stated_reference: bool

    @property
    def notes(self) -> list[Note]:
        of_fits = fit_notes(self.condition)
        of_errors = [*self.errors.notes, self.errors.least.note(self.condition)]
        return [*of_fits, *_verdict_notes(self.condition, self.verdicts), *of_errors]


def _unknown_cells(measured: Measured) -> list[Note]:
    """Return a note where nothing tells which readings are of one cell, and so depend."""
    unknown = int(np.count_nonzero(measured.readings["cell"].values < 0))
    # Drawn readings, and those taken from a figure, are of a cell each.
    if measured.origin != "measured" or not unknown:
        return []
    all_of_them = unknown == measured.readings.sizes["reading"]
    whose = "the readings" if all_of_them else f"{unknown:,} readings"
    text = (
        f"nothing names the cell of {whose}: each counts as one of another cell. If a cell was "
        'read several times, the intervals are too narrow; --map "HEADER=cell" names the column.'
    )
    return [Note(text, kind="cells unknown", values={"readings": unknown})]


def characterize(
    measured: Measured,
    stated: xr.Dataset | None = None,
    *,
    read: ReadConditions | None = None,
    question: Question | None = None,
) -> Examination:
    """Fit the populations, derive BER and energy of each condition, and join what is stated.

    Parameters
    ----------
    measured : Measured
        Readings (schema "readings") and their origin.
    stated : xarray.Dataset, optional
        Schema "conditions", as a conditions file gives it. Its energies, endurance and settings
        are joined by the name of the condition; conditions without readings pass through.
    read : ReadConditions, optional
        How the cells are read.
    question : Question, optional
        What else will be asked; it is kept with the result.

    Returns
    -------
    Examination
        With the products "populations", "goodness", "outliers" and "counted" of the conditions
        that have readings, "conditions" of every condition read or stated, and "endurance" with
        "cell_lifetimes" where cells can be followed. ``attrs`` of "conditions" hold
        ``lrs_share``, ``confidence``, ``interval``, how the ends of the BER's interval were
        made, ``reference_spread`` and ``offset_spread``, and ``pair_correlation``, what the
        cells of a bit are taken to have in 2T2R.

    Raises
    ------
    InputError
        If a condition lacks a state, has a single reading in one, or has an LRS median above
        its HRS median.
    """
    read = read or ReadConditions()
    readings = measured.readings
    if stated is not None:
        stated = with_spellings(stated, map(str, readings["condition"].values))
    stated_rows = _rows_by_name(stated)
    summarized = of_summaries(measured.summaries, stated_rows, read)
    rows = [
        _row(condition, _at_reference(read, stated_rows.get(condition.name)))
        for condition in fit_conditions(readings)
    ]
    lives = measured.lives
    failure = failure_of(readings, lives)
    followed = follow_to_wear(
        readings,
        best=[row.errors.reference for row in rows],
        reads=[_at_reference(read, stated_rows.get(row.condition.name)) for row in rows],
        failure=failure,
        lives=lives,
    )
    lasting = None
    if followed.lifetimes is not None:
        lasting = endurance(
            readings,
            followed.lifetimes,
            failure=failure,
            lives=lives,
            reference_resistance=followed.references,
        )
    names = [row.condition.name for row in rows]
    of_lives = (
        []
        if lives is None
        else [name for name in lives["condition"].values.astype(str).tolist() if name not in names]
    )
    over = [mixed_over(readings, number) for number in range(len(rows))]
    programming = [
        _programming(readings, number, name, stated=stated_rows.get(name), lasting=lasting)
        for number, name in enumerate(names)
    ]
    notes = [
        *_unknown_cells(measured),
        *(
            note
            for number, (name, times) in enumerate(zip(names, over, strict=True))
            for note in mixed_times_notes(name, times, mixed_cycles(readings, number))
        ),
    ]
    for name, row, settings in zip(names, rows, programming, strict=True):
        notes += [*row.notes, *settings.notes]
        notes += _stated_notes(name, row.errors, stated_rows.get(name))
    notes += followed.notes
    for number, row in enumerate(rows):
        stated_row = stated_rows.get(row.condition.name)
        notes += _worn_readings_notes(
            readings, number, followed.is_worn, _at_reference(read, stated_row)
        )
    notes += similar_name_notes([*names, *of_lives, *summarized.rows, *stated_rows])
    if stated is not None:
        if stated.attrs.get("waveforms"):
            notes.append(Note(stated.attrs["waveforms"], kind="waveforms"))
        notes += unknown_condition_notes([*names, *of_lives, *summarized.rows], list(stated_rows))
    _refuse_both([*names, *of_lives], summarized.rows)
    known = {**stated_rows, **summarized.rows}
    conditions = _conditions(
        rows,
        programming,
        [
            *(
                _of_lives(name, stated_rows.get(name), lasting, origin=measured.origin)
                for name in of_lives
            ),
            *(row for name, row in known.items() if name not in [*names, *of_lives]),
        ],
        mixed=over,
        origin=measured.origin,
        read=read,
    )
    products = _of_populations(rows, measured, read) if rows else _of_no_population(measured)
    products |= {
        "conditions": conditions,
        **_lasting_products(followed, lasting),
    }
    if summarized.counted is not None:
        products["counted"] = with_more_conditions(products["counted"], summarized.counted)
    if summarized.fits is not None:
        products["percentile_fits"] = summarized.fits
    return Examination(
        measured=measured,
        products=products,
        notes=(*notes, *summarized.notes, *(lasting.notes if lasting else ())),
        read=read,
        question=question or Question(),
    )


def _refuse_both(names: Sequence[str], summarized: Mapping[str, object]) -> None:
    """Refuse a condition with readings of which counts or percentiles are given too."""
    both = [name for name in names if name in summarized]
    if both:
        raise InputError(
            f"{both[0]}: readings are given, and counts or percentiles too; give one of them."
        )


def _of_populations(
    rows: list[_Row], measured: Measured, read: ReadConditions
) -> dict[str, xr.Dataset]:
    names, verdicts = [row.condition.name for row in rows], [row.verdicts for row in rows]
    cycle = measured.readings["cycle"].values
    return {
        "populations": populations_dataset([row.condition for row in rows], origin=measured.origin),
        "counted": _counted(rows, read),
        "goodness": goodness_dataset(names, verdicts),
        "outliers": outliers_dataset(names, verdicts, cycle=cycle),
    }


def _of_no_population(measured: Measured) -> dict[str, xr.Dataset]:
    """Return the same products where only the lives of cells are known."""
    coords: dict[str, list[str]] = {"condition": [], "state": list(STATES)}
    attrs = {"origin": measured.origin}
    return {
        name: empty(name, coords, attrs)
        for name in ("populations", "counted", "goodness", "outliers")
    }


def _worn_readings_notes(
    readings: xr.Dataset, number: int, is_worn: NDArray[np.bool_], read: ReadConditions
) -> list[Note]:
    """Say how many readings are of cells that had failed, and the BER without them."""
    of_condition = readings["condition_index"].values == number
    worn = int(np.count_nonzero(is_worn & of_condition))
    if not worn:
        return []
    every, without = int(np.count_nonzero(of_condition)), ""
    part = readings.isel(reading=np.flatnonzero(of_condition & ~is_worn), condition=[number])
    figures: dict[str, float | int | str] = {"readings": worn, "of": every}
    try:
        (condition,) = fit_conditions(part.assign(condition_index=part["condition_index"] - number))
    except InputError:
        pass
    else:
        errors = _row(condition, read).errors
        ber, at = errors.headline, numbers.quantity(errors.reference, "Ω")
        rate = f"{numbers.bit_error_rate(ber)}, {numbers.basis(ber)}"
        without = f"; without them the BER is {rate}, at {at}"
        figures |= {"ber": ber.high if ber.bound else ber.estimate, "reference": errors.reference}
    text = (
        f"{worn:,} of {every:,} readings are of cells that had failed by then. They are in the "
        f"populations, the test of the lognormal and the BER{without}."
    )
    name = str(readings["condition"].values[number])
    return [Note(text, kind="readings of worn cells", condition=name, values=figures)]


def _lasting_products(followed: Followed, lasting: Analysis | None) -> dict[str, xr.Dataset]:
    """Return the lifetimes of the cells and the endurance; nothing where none can be followed."""
    if followed.lifetimes is None or lasting is None:
        return {}
    return {"cell_lifetimes": followed.lifetimes, "endurance": lasting.dataset}


def _of_lives(
    name: str, stated: xr.Dataset | None, lasting: Analysis | None, *, origin: str
) -> xr.Dataset:
    """Return the row of a condition of which only the lives of cells are known."""
    endurance = None if lasting is None else _endurance(lasting, name)
    programming = join_programming(name, {}, stated, endurance=endurance)
    figures = {key: values[0] for key, values in columns_of([programming]).items()}
    import xarray as xr

    row = xr.Dataset({"ber_basis": "stated", "origin": origin}) if stated is None else stated
    return row.assign(figures).assign_coords(condition=name)


def _row(condition: ConditionReadings, read: ReadConditions) -> _Row:
    verdicts = verdict_on(condition.lrs), verdict_on(condition.hrs)
    errors = bit_errors(condition, read, verdicts=verdicts)
    lrs, hrs = verdicts
    verdicts = (
        with_outliers(condition.lrs, lrs, other=hrs, reference=errors.reference),
        with_outliers(condition.hrs, hrs, other=lrs, reference=errors.reference),
    )
    return _Row(condition, verdicts, errors, read.reference_resistance is not None)


def _verdict_notes(condition: ConditionReadings, verdicts: tuple[Verdict, Verdict]) -> list[Note]:
    """Return a note on what is not lognormal (a tail is told with the BER) or odd."""
    notes = []
    for state, verdict in zip(condition.states, verdicts, strict=True):
        if verdict.kind == "does not hold":
            notes.append(state.note(verdict.sentence, "not lognormal"))
        notes += first_cycle_notes(state, verdict.tested)
        notes += tail_model_notes(state, verdict)
        if verdict.outliers is not None:
            notes += outlier_notes(state, verdict.outliers)
    return notes


def _rows_by_name(stated: xr.Dataset | None) -> dict[str, xr.Dataset]:
    if stated is None:
        return {}
    return {str(name): stated.sel(condition=name) for name in stated["condition"].values}


def _at_reference(read: ReadConditions, stated: xr.Dataset | None) -> ReadConditions:
    """Return how a condition is read, with the reference stated for it where none is given.

    A reference that an earlier fit chose is the best one for the cells of that fit, not for these.
    """
    if read.reference_resistance is not None or stated is None:
        return read
    if "reference_basis" in stated and str(stated["reference_basis"].values) == "chosen":
        return read
    reference = float(stated["reference_resistance"].values)
    return read.with_reference(reference) if math.isfinite(reference) else read


def _programming(
    readings: xr.Dataset,
    number: int,
    name: str,
    *,
    stated: xr.Dataset | None,
    lasting: Analysis | None,
) -> Programming:
    """Return how a condition was programmed, with the endurance that its readings show."""
    endurance = None
    if lasting is not None:
        endurance = _endurance(lasting, name)
    return join_programming(
        name,
        _programming_readings(readings, number),
        stated,
        endurance=endurance,
        mean_pulses=_mean_pulses(readings, number),
    )


def _endurance(lasting: Analysis, name: str) -> Interval:
    row = lasting.dataset.sel(condition=name)
    low, cycles, high = (float(row[end].values) for end in ("cycles_low", "cycles", "cycles_high"))
    return Interval(cycles, low=low, high=high, bound=str(row["cycles_bound"].values))


def _programming_readings(readings: xr.Dataset, number: int) -> dict[str, Any]:
    of_condition = readings["condition_index"].values == number
    return {
        variable.name: readings[variable.name].values[of_condition]
        for variable in DATASETS["readings"]
        if variable.group and variable.name in readings.variables
    }


def _mean_pulses(readings: xr.Dataset, number: int) -> tuple[float, float]:
    if "pulses" not in readings.variables:
        return math.nan, math.nan
    of_condition = readings["condition_index"].values == number
    pulses, state = (readings[name].values[of_condition] for name in ("pulses", "state_index"))
    return mean_pulses(pulses, state)


def _stated_notes(name: str, errors: BitErrors, row: xr.Dataset | None) -> list[Note]:
    """Return a note where the stated and the derived figures of a condition part."""
    if row is None:
        return []
    head = errors.headline
    derived = numbers.bit_error_rate(head)
    ber, high = float(row["ber"].values), float(row["ber_high"].values)
    if str(row["ber_bound"].values) == "upper":
        stated, agrees = f"less than {numbers.power(high)}", not head.low >= high
    else:
        stated, agrees = numbers.power(ber), not (ber < head.low or ber > head.high)
    if agrees:
        return []
    origin = "" if str(row["ber_basis"].values) == "stated" else " of the conditions file"
    return [
        Note(
            f"the {row['ber_basis'].item()} BER{origin}, {stated}, disagrees with the readings, "
            f"{derived}; the readings are used.",
            kind="stated BER disagrees",
            condition=name,
            values={"stated": high if math.isnan(ber) else ber, "derived": head.estimate},
        )
    ]


def _conditions(
    rows: list[_Row],
    programming: list[Programming],
    stated_only: list[xr.Dataset],
    *,
    mixed: list[str],
    origin: str,
    read: ReadConditions,
) -> xr.Dataset:
    fits = [row.errors.fitted or Interval() for row in rows]
    columns = {
        **columns_of(programming),
        "reference_resistance": [row.errors.reference for row in rows],
        "reference_basis": ["stated" if row.has_stated_reference else "chosen" for row in rows],
        **_rate_columns("ber", [row.errors.headline for row in rows]),
        "ber_lrs": [row.errors.misread[0] for row in rows],
        "ber_hrs": [row.errors.misread[1] for row in rows],
        "ber_fitted": [fitted.estimate for fitted in fits],
        "ber_fitted_low": [fitted.low for fitted in fits],
        "ber_fitted_high": [fitted.high for fitted in fits],
        "ber_reach": [row.errors.reach for row in rows],
        **_rate_columns("ber_2t2r", [row.errors.paired for row in rows]),
        "state_correlation": [state_correlation(row.condition).rho.estimate for row in rows],
        "pooled_over": list(mixed),
        "origin": [origin for _ in rows],
    }
    for variable in DATASETS["conditions"]:
        columns[variable.name] += [_stated_value(row, variable) for row in stated_only]
    names = [row.condition.name for row in rows]
    return make(
        "conditions",
        columns,
        coords={"condition": [*names, *(str(row["condition"].values) for row in stated_only)]},
        attrs={
            "lrs_share": read.lrs_share,
            "confidence": CONFIDENCE,
            "interval": INTERVAL,
            "reference_spread": read.reference_spread,
            "offset_spread": read.offset_spread,
            "pair_correlation": PAIR_CORRELATION,
        },
    )


def _rate_columns(name: str, rates: Sequence[Interval]) -> dict[str, list[Any]]:
    return {
        name: [rate.estimate for rate in rates],
        f"{name}_low": [rate.low for rate in rates],
        f"{name}_high": [rate.high for rate in rates],
        f"{name}_basis": [rate.basis for rate in rates],
        f"{name}_bound": [rate.bound for rate in rates],
        f"{name}_extrapolated": [rate.extrapolated for rate in rates],
        f"{name}_interval": [rate.method for rate in rates],
    }


def _stated_value(stated: xr.Dataset, variable: Variable) -> Any:
    if variable.name in stated:
        return stated[variable.name].values.item()
    return {"U": "", "b": 0}.get(variable.kind, math.nan)


def _less_than(counted: WeightedCount) -> float:
    return math.nan if counted.errors else min(smallest_countable(counted.sample), 1.0)


def _counted(rows: list[_Row], read: ReadConditions) -> xr.Dataset:
    counts = [row.errors.counts for row in rows]

    def by_state(value: Any) -> Any:
        return np.array([[value(count) for count in pair] for pair in counts])

    return make(
        "counted",
        {
            "errors": by_state(lambda count: count.errors),
            "readings": by_state(lambda count: count.readings),
            "undecided": by_state(lambda count: count.undecided),
            "design_effect": by_state(lambda count: count.design_effect),
            "rate": by_state(lambda count: count.rate),
            "rate_low": by_state(lambda count: count.interval[0]),
            "rate_high": by_state(lambda count: count.interval[1]),
            "reference_resistance": [row.errors.reference for row in rows],
            "ber": [row.errors.counted.ber.estimate for row in rows],
            "ber_low": [row.errors.counted.ber.low for row in rows],
            "ber_high": [row.errors.counted.ber.high for row in rows],
            "cross_validated": [row.errors.is_cross_validated for row in rows],
            "least_errors": [row.errors.least.errors for row in rows],
            "least_readings": [row.errors.least.readings for row in rows],
            "least_ber": [row.errors.least.ber for row in rows],
            "least_reference": [row.errors.least.reference for row in rows],
            "least_reference_low": [row.errors.least.low for row in rows],
            "least_reference_high": [row.errors.least.high for row in rows],
            "ber_less_than": [_less_than(row.errors.counted) for row in rows],
        },
        coords={"condition": [row.condition.name for row in rows], "state": list(STATES)},
        attrs={"lrs_share": read.lrs_share, "confidence": CONFIDENCE, "interval": INTERVAL},
    )
