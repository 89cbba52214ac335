"""Everything a set of readings can tell of its conditions, as far as its columns allow."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from rramsim.device.array_map import array_map, is_array
from rramsim.device.bit_errors.reference_curve import reference_curve
from rramsim.device.bit_errors.sample_size import sample_sizes
from rramsim.device.characterize import characterize
from rramsim.device.examination import Analysis, Examination, Question
from rramsim.device.lifetime.aging import Aging, aging_of
from rramsim.device.lifetime.cycles.cycling import against_cycles
from rramsim.device.lifetime.cycles.resistance_by_cycle import resistance_by_cycle
from rramsim.device.lifetime.error_rates import error_rates
from rramsim.device.lifetime.success_run import success_runs
from rramsim.device.lifetime.times.arrhenius import activation_energies
from rramsim.device.lifetime.times.bake import bake_shift
from rramsim.device.lifetime.times.retention import TEN_YEARS, retention
from rramsim.device.populations.percentiles import percentiles
from rramsim.device.read_conditions import ReadConditions
from rramsim.device.read_energy import read_energy
from rramsim.device.variability import variability
from rramsim.device.verification import verification
from rramsim.errors import InputError
from rramsim.measurements import ErrorCount, Measured
from rramsim.notes import Note
from rramsim.schema import STATES, empty

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray


def examine(
    measured: Measured,
    stated: xr.Dataset | None = None,
    *,
    read: ReadConditions | None = None,
    question: Question | None = None,
) -> Examination:
    """Derive everything that the columns of the readings and the questions allow.

    Parameters
    ----------
    measured : Measured
        Readings (schema "readings") and their origin.
    stated : xarray.Dataset, optional
        Schema "conditions", as a conditions file gives it.
    read : ReadConditions, optional
        How the cells are read.
    question : Question, optional
        What is asked beside the BER.

    Returns
    -------
    Examination
        With the products of `characterize`, and those of `ANALYSES` that are possible.

    Raises
    ------
    InputError
        As `characterize`, and for a bake of conditions that are not there.
    """
    examination = characterize(measured, stated, read=read, question=question)
    if measured.readings.sizes["reading"]:
        return _with(examination, ANALYSES)
    answered = _with(examination, OF_LIVES)
    if any(isinstance(one, ErrorCount) for one in measured.summaries):
        sizes = _sample_sizes(examination)
        answered = answered if sizes is None else answered.with_analysis("sample_sizes", sizes)
    return replace(answered, notes=(*answered.notes, *_unanswered(examination)))


def with_pictures(examination: Examination) -> Examination:
    """Return the examination with the results of `PICTURES` that are possible."""
    has_readings = bool(examination.measured.readings.sizes["reading"])
    return _with(examination, PICTURES) if has_readings else examination


def _with(
    examination: Examination, analyses: Mapping[str, Callable[[Examination], Analysis | None]]
) -> Examination:
    measured = examination.measured
    if measured.summaries and measured.lives is None and not measured.readings.sizes["reading"]:
        # Counts and percentiles hold no readings that could be looked at in any other way.
        return examination
    for name, analyse in analyses.items():
        analysis = analyse(examination)
        if analysis is not None:
            examination = examination.with_analysis(name, analysis)
    return examination


def _unanswered(examination: Examination) -> list[Note]:
    """Return notes on what was asked and takes single readings, of which there are none."""
    asked, read, summaries = examination.question, examination.read, examination.measured.summaries
    counts = [one for one in summaries if isinstance(one, ErrorCount)]
    of_readings = {
        # Counted errors answer it for their conditions.
        "--target-ber": asked.target_ber is not None and not counts,
        "--ber-limit": asked.ber_limit is not None,
        "--use-temperature": asked.use_temperature is not None,
        "--activation-energy": asked.activation_energy is not None,
        "--at-time": bool(asked.at_times),
        "--bake": asked.bake is not None,
        "--read-pulse": read.read_voltage is not None or read.read_time is not None,
        "--offset": bool(read.offset_spread),
    }
    # Percentiles and moments give populations, which are read at any reference.
    counted = sorted({one.reference for one in counts} - {math.nan})
    of_populations = {
        "--reference": read.reference_resistance is not None
        and counted != [read.reference_resistance],
        "--reference-spread": bool(read.reference_spread),
    }
    if not summaries:
        of_readings |= of_populations
    notes = []
    options = [option for option, is_asked in of_readings.items() if is_asked]
    if options:
        text = (
            f"{_and(options)} {'has' if len(options) == 1 else 'have'} no answer: there are no "
            "single readings."
        )
        notes.append(Note(text, kind="no single readings", values={"options": len(options)}))
    fixed = [option for option, is_asked in of_populations.items() if is_asked]
    if fixed and counts:
        text = (
            f"{_and(fixed)} {'does' if len(fixed) == 1 else 'do'} not change errors that were "
            "counted elsewhere; they are those of the reference they were counted at."
        )
        notes.append(Note(text, kind="counted as they are", values={"options": len(fixed)}))
    return notes


def _and(options: Sequence[str]) -> str:
    *first, last = options
    return f"{', '.join(first)} and {last}" if first else last


def _percentiles(examination: Examination) -> Analysis:
    if not examination.products["populations"].sizes["condition"]:
        return Analysis(empty("percentiles", {"condition": [], "state": list(STATES)}))
    return Analysis(
        percentiles(examination.products["populations"], readings=examination.measured.readings)
    )


def _cycling(examination: Examination) -> Analysis | None:
    return against_cycles(
        examination.measured.readings,
        reference_resistance=_references_of_wear(examination),
        read=examination.read,
        ber_limit=examination.question.ber_limit,
    )


def _retention(examination: Examination) -> Analysis | None:
    return retention(
        examination.measured.readings,
        reference_resistance=_references(examination),
        read=examination.read,
        ber_limit=examination.question.ber_limit,
        at_times=examination.question.at_times or (TEN_YEARS,),
        use_temperature=examination.question.use_temperature,
        activation_energy=examination.question.activation_energy,
    )


def _success_runs(examination: Examination) -> Analysis | None:
    runs = success_runs(examination.measured.readings, examination.products)
    return None if runs is None else Analysis(runs)


def _variance(examination: Examination) -> Analysis | None:
    parts = variability(examination.measured.readings)
    told_apart = np.isfinite(parts.dataset["share"].values).sum(axis=-1)
    return parts if told_apart.max(initial=0) > 1 else None


def _bake(examination: Examination) -> Analysis | None:
    if examination.question.bake is None:
        return None
    before, after = examination.question.bake
    # The same reference as everywhere: the one stated or chosen for the condition before.
    read, conditions = examination.read, examination.products["conditions"]
    if before in conditions["condition"].values:
        reference = float(conditions["reference_resistance"].sel(condition=before))
        read = read.with_reference(reference)
    return bake_shift(
        examination.measured.readings,
        before=before,
        after=after,
        read=read,
    )


def _activation_energies(examination: Examination) -> Analysis | None:
    limit = examination.question.ber_limit
    if limit is None:
        return _nothing_accelerated(examination)
    return activation_energies(
        examination.measured.readings["condition"].values.astype(str).tolist(),
        examination.products.get("retention"),
        ber_limit=limit,
        use_temperature=examination.question.use_temperature,
        activation_energy=examination.question.activation_energy,
    )


def _nothing_accelerated(examination: Examination) -> Analysis | None:
    """Return a note where a stated activation energy finds no hold to carry to another place."""
    question, retention = examination.question, examination.products.get("retention")
    if question.activation_energy is None or (
        retention is not None and retention["temperature"].notnull().any()
    ):
        return None
    text = (
        "no acceleration factor: the readings name no temperature at which cells were held over "
        "times (columns temperature and time)."
    )
    empty = activation_energies(
        [], None, ber_limit=math.nan, use_temperature=question.use_temperature
    )
    return None if empty is None else replace(empty, notes=(Note(text, kind="no acceleration"),))


def _aging(examination: Examination) -> Analysis | None:
    """Return the error rates over cycles and time, where the readings tell of both."""
    if not {"cycling", "retention"} <= examination.products.keys():
        return None
    analysis = aged(examination)
    if analysis is None:
        return None
    is_both = analysis.dataset["first_time"].notnull() & (
        analysis.dataset["first_cycle"] < analysis.dataset["last_cycle"]
    )
    return analysis if bool(is_both.any()) else None


def aged(examination: Examination) -> Analysis | None:
    """Return the error rates of each condition of which cycles or read-out times are known.

    Where the times of a condition cannot be carried to the temperature of use they are as
    measured, and a note says why.
    """
    readings, question = examination.measured.readings, examination.question
    agings: dict[str, Aging] = {}
    notes = []
    for name in readings["condition"].values.astype(str).tolist():
        of_one = partial(
            aging_of, readings, examination.products, read=examination.read, conditions=[name]
        )
        try:
            agings |= of_one(
                use_temperature=question.use_temperature,
                activation_energy=question.activation_energy,
            )
        except InputError as error:
            text = f"{error} Over cycles and time its times are as measured."
            notes.append(Note(text, kind="no acceleration"))
            agings |= of_one()
    if not agings:
        return None
    analysis = error_rates(agings, last_time=max(question.at_times, default=TEN_YEARS))
    return replace(analysis, notes=(*notes, *analysis.notes))


def _verification(examination: Examination) -> Analysis | None:
    return verification(examination.measured.readings)


def _read_energy(examination: Examination) -> Analysis | None:
    if examination.read.read_voltage is None or examination.read.read_time is None:
        return None
    return Analysis(read_energy(examination.products["populations"], read=examination.read))


def _sample_sizes(examination: Examination) -> Analysis | None:
    if examination.question.target_ber is None:
        return None
    return Analysis(
        sample_sizes(
            examination.question.target_ber,
            conditions=examination.products["conditions"],
            counted=examination.products["counted"],
            populations=examination.products["populations"],
        )
    )


def _reference_curve(examination: Examination) -> Analysis | None:
    populations = examination.products["populations"]
    fitted = populations["sigma"].notnull().all("state").values
    if not fitted.any():
        return None
    readings, conditions = examination.measured.readings, examination.products["conditions"]
    return Analysis(reference_curve(readings, populations.isel(condition=fitted), conditions))


def _resistance_by_cycle(examination: Examination) -> Analysis | None:
    if "cycling" not in examination.products:
        return None
    return Analysis(
        resistance_by_cycle(
            examination.measured.readings,
            reference_resistance=_references_of_wear(examination),
            lifetimes=examination.products.get("cell_lifetimes"),
        )
    )


def _array_map(examination: Examination) -> Analysis | None:
    readings = examination.measured.readings
    if examination.measured.origin != "measured" or not is_array(readings):
        return None
    cells = array_map(readings, reference_resistance=_references(examination))
    return None if cells is None else Analysis(cells)


def _references(examination: Examination) -> NDArray[np.float64]:
    """Return the reference of each condition that has readings, in ohm."""
    reference = examination.products["conditions"]["reference_resistance"]
    values: NDArray[np.float64] = reference.sel(
        condition=examination.measured.readings["condition"]
    ).values
    return values


def _references_of_wear(examination: Examination) -> NDArray[np.float64]:
    """Return the references at which failures are counted, else those of the BER, in ohm."""
    references = _references(examination)
    if "endurance" not in examination.products:
        return references
    lasting = examination.products["endurance"]["reference_resistance"]
    names = examination.measured.readings["condition"]
    at_wear = lasting.reindex(condition=names.values).values
    return np.where(np.isfinite(at_wear), at_wear, references)


ANALYSES: dict[str, Callable[[Examination], Analysis | None]] = {
    "percentiles": _percentiles,
    "cycling": _cycling,
    "retention": _retention,
    "variance": _variance,
    "bake": _bake,
    "success_runs": _success_runs,
    "activation_energies": _activation_energies,
    "aging": _aging,
    "verification": _verification,
    "read_energy": _read_energy,
    "sample_sizes": _sample_sizes,
}
"""The analyses by the schema of their result, in the order in which they are done.

Each gets the examination so far and gives None where the columns or the questions do not allow
it.
"""

OF_LIVES: dict[str, Callable[[Examination], Analysis | None]] = {
    "percentiles": _percentiles,
    "success_runs": _success_runs,
}
"""The analyses where there are no readings, only the lives of cells."""

PICTURES: dict[str, Callable[[Examination], Analysis | None]] = {
    "reference_curve": _reference_curve,
    "resistance_by_cycle": _resistance_by_cycle,
    "array_map": _array_map,
}
"""The analyses that only figures show, done where figures are wanted."""
