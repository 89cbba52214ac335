"""From readings and stated figures to programming conditions: the whole device room in one call."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rramsim import formatting as numbers
from rramsim.device.bit_errors.headline import INTERVAL, BitErrorRate, BitErrors, bit_errors
from rramsim.device.lifetime.endurance import Endurance, endurance
from rramsim.device.populations.fit import (
    ConditionReadings,
    fit_conditions,
    fit_notes,
    populations_dataset,
)
from rramsim.device.populations.goodness import goodness
from rramsim.device.populations.outliers import outlier_notes
from rramsim.device.populations.pooling import pooled_notes, pooled_over
from rramsim.device.populations.verdicts import (
    JudgedState,
    goodness_dataset,
    judge,
    outliers_dataset,
    tail_model_notes,
)
from rramsim.device.programming import (
    MeasuredEndurance,
    Programming,
    columns_of,
    join_programming,
    mean_pulses,
    unmatched_notes,
)
from rramsim.errors import InputError
from rramsim.schema import DATASETS, STATES, Variable, make
from rramsim.statistics.confidence import CONFIDENCE

if TYPE_CHECKING:
    import xarray as xr


class Measured(Protocol):
    """Readings and where they are from, as `rramsim.readers` gives them."""

    @property
    def readings(self) -> xr.Dataset:
        """Dataset of the schema "readings"."""

    @property
    def origin(self) -> str:
        """Return "measured", "reconstructed" or "synthetic"."""


@dataclass(frozen=True, eq=False)
class Characterization:
    """What is known of a set of programming conditions.

    Attributes
    ----------
    populations : xarray.Dataset
        Schema "populations": the lognormal fits of the conditions that have readings.
    conditions : xarray.Dataset
        Schema "conditions": every condition read or stated. ``attrs`` hold ``lrs_share``,
        ``confidence``, ``interval``, how the ends of the BER's interval were made, and
        ``reference_spread`` and ``offset_spread``.
    counted : xarray.Dataset
        Schema "counted": errors counted at the reference, of the conditions that have readings.
    goodness : xarray.Dataset
        Schema "goodness": whether each population is lognormal, its tail, stuck and odd cells.
    outliers : xarray.Dataset
        Schema "outliers": the readings beyond what the body of their population gives.
    endurance : Endurance or None
        By the readings at the condition's reference; None where no cell can be followed.
    notes : tuple of str
        What a reader must know to judge the numbers, a sentence each.
    """

    populations: xr.Dataset
    conditions: xr.Dataset
    counted: xr.Dataset
    goodness: xr.Dataset
    outliers: xr.Dataset
    endurance: Endurance | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Read:
    """What the populations of a condition give."""

    condition: ConditionReadings
    judged: tuple[JudgedState, JudgedState]
    errors: BitErrors

    @property
    def notes(self) -> list[str]:
        notes = [*fit_notes(self.condition)]
        return [*notes, *_goodness_notes(self.condition, self.judged)]


@dataclass(frozen=True)
class _Row(_Read):
    programming: Programming


def characterize(
    measured: Measured,
    stated: xr.Dataset | None = None,
    *,
    lrs_share: float = 0.5,
    reference_resistance: float | None = None,
    reference_spread: float = 0.0,
    offset_spread: float = 0.0,
) -> Characterization:
    """Fit the populations, derive BER and energy of each condition, and join what is stated.

    Parameters
    ----------
    measured : Measured
        Readings (schema "readings") and their origin.
    stated : xarray.Dataset, optional
        Schema "conditions", as a conditions file gives it. Its energies, endurance and settings
        are joined by the name of the condition; conditions without readings pass through.
    lrs_share : float
        Share of the cells in use that are in LRS, above 0 and below 1; it need not be the share
        in the file.
    reference_resistance : float, optional
        Reference of the 1T1R read in ohm, for every condition. Default: the one stated for the
        condition, else the best one between the fitted populations.
    reference_spread : float
        Standard deviation of ln(reference) from read to read or from array to array.
    offset_spread : float
        Standard deviation of a sense amplifier's offset in units of ln(R), for 2T2R.

    Returns
    -------
    Characterization

    Raises
    ------
    InputError
        If a condition lacks a state, has a single reading in one, or has an LRS median above
        its HRS median; if `lrs_share`, `reference_resistance` or a spread is out of range.
    """
    _check(lrs_share=lrs_share, reference_resistance=reference_resistance)
    _check_spreads(reference_spread=reference_spread, offset_spread=offset_spread)
    stated_rows = _rows_by_name(stated)
    reads = [
        _read(
            condition,
            lrs_share=lrs_share,
            reference=_reference(reference_resistance, stated_rows.get(condition.name)),
            reference_spread=reference_spread,
            offset_spread=offset_spread,
        )
        for condition in fit_conditions(measured.readings)
    ]
    lasting = endurance(
        measured.readings, reference_resistance=[read.errors.reference for read in reads]
    )
    rows, notes = [], []
    together = [pooled_over(measured.readings, number) for number in range(len(reads))]
    for read, over in zip(reads, together, strict=True):
        notes += pooled_notes(read.condition.name, over)
    for number, read in enumerate(reads):
        name = read.condition.name
        said = stated_rows.get(name)
        programming = join_programming(
            name,
            _programming_readings(measured.readings, number),
            said,
            endurance=_measured_endurance(lasting, number),
            mean_pulses=_mean_pulses(measured.readings, number),
        )
        rows.append(_Row(read.condition, read.judged, read.errors, programming))
        notes += [*read.notes, *read.errors.notes, *programming.notes]
        notes += _stated_notes(name, read.errors, said)
    names = {row.condition.name for row in rows}
    if stated is not None:
        if stated.attrs.get("waveforms"):
            notes.append(stated.attrs["waveforms"])
        notes += unmatched_notes([row.condition.name for row in rows], list(stated_rows))
    return Characterization(
        populations=populations_dataset([row.condition for row in rows], origin=measured.origin),
        conditions=_conditions(
            rows,
            [said for name, said in stated_rows.items() if name not in names],
            together=together,
            origin=measured.origin,
            lrs_share=lrs_share,
        ).assign_attrs(reference_spread=reference_spread, offset_spread=offset_spread),
        counted=_counted(rows, lrs_share=lrs_share),
        goodness=goodness_dataset([row.condition.name for row in rows], [r.judged for r in rows]),
        outliers=outliers_dataset([row.condition.name for row in rows], [r.judged for r in rows]),
        endurance=lasting,
        notes=(*notes, *(lasting.notes if lasting else ())),
    )


def _check(*, lrs_share: float, reference_resistance: float | None) -> None:
    if not 0.0 < lrs_share < 1.0:
        raise InputError(f"The share of LRS cells is {lrs_share:g}; it must be between 0 and 1.")
    if reference_resistance is not None and not 0.0 < reference_resistance < math.inf:
        raise InputError(
            f"The reference resistance is {reference_resistance:g} Ω; it must be above 0."
        )


def _check_spreads(**spreads: float) -> None:
    for name, spread in spreads.items():
        if not 0.0 <= spread < math.inf:
            words = name.replace("_", " ")
            raise InputError(f"The {words} is {spread:g}; it must be 0 or more, in units of ln R.")


def _read(
    condition: ConditionReadings,
    *,
    lrs_share: float,
    reference: float | None,
    reference_spread: float,
    offset_spread: float,
) -> _Read:
    verdicts = goodness(condition.lrs, is_hrs=False), goodness(condition.hrs, is_hrs=True)
    errors = bit_errors(
        condition,
        lrs_share=lrs_share,
        reference=reference,
        judged=verdicts,
        reference_spread=reference_spread,
        offset_spread=offset_spread,
    )
    lrs, hrs = verdicts
    judged = (
        judge(condition.lrs, lrs, other=hrs, reference=errors.reference, is_hrs=False),
        judge(condition.hrs, hrs, other=lrs, reference=errors.reference, is_hrs=True),
    )
    return _Read(condition, judged, errors)


def _goodness_notes(
    condition: ConditionReadings, judged: tuple[JudgedState, JudgedState]
) -> list[str]:
    """Return a sentence for what is not lognormal (a tail is told with the BER) or odd."""
    notes = []
    for state, found in zip(condition.states, judged, strict=True):
        if found.goodness.verdict == "does not hold":
            notes.append(f"{state.place}: {found.goodness.sentence}")
        notes += [*tail_model_notes(state, found), *outlier_notes(state, found.outliers)]
    return notes


def _rows_by_name(stated: xr.Dataset | None) -> dict[str, xr.Dataset]:
    if stated is None:
        return {}
    return {str(name): stated.sel(condition=name) for name in stated["condition"].values}


def _reference(given: float | None, said: xr.Dataset | None) -> float | None:
    if given is not None or said is None:
        return given
    stated = float(said["reference_resistance"].values)
    return stated if math.isfinite(stated) else None


def _programming_readings(readings: xr.Dataset, number: int) -> dict[str, Any]:
    of_condition = readings["condition_index"].values == number
    return {
        variable.name: readings[variable.name].values[of_condition]
        for variable in DATASETS["readings"]
        if variable.group and variable.name in readings.variables
    }


def _measured_endurance(lasting: Endurance | None, number: int) -> MeasuredEndurance | None:
    if lasting is None:
        return None
    row = lasting.endurance.isel(condition=number)
    return MeasuredEndurance(float(row["cycles"].values), str(row["bound"].values))


def _mean_pulses(readings: xr.Dataset, number: int) -> tuple[float, float]:
    if "pulses" not in readings.variables:
        return math.nan, math.nan
    of_condition = readings["condition_index"].values == number
    pulses, state = (readings[name].values[of_condition] for name in ("pulses", "state_index"))
    return mean_pulses(pulses, state)


def _stated_notes(name: str, errors: BitErrors, said: xr.Dataset | None) -> list[str]:
    """Return a sentence where the stated and the derived figures of a condition part."""
    if said is None:
        return []
    head = errors.headline
    derived = numbers.bit_error_rate(head.ber, head.low, head.high, bound=head.bound)
    ber, high = float(said["ber"].values), float(said["ber_high"].values)
    if str(said["ber_bound"].values) == "upper":
        stated, agrees = f"less than {numbers.power(high)}", not head.low >= high
    else:
        stated, agrees = numbers.power(ber), not (ber < head.low or ber > head.high)
    if agrees:
        return []
    return [
        f"{name}: the stated BER, {stated}, disagrees with the readings, {derived}; the readings "
        "are used."
    ]


def _conditions(
    rows: list[_Row],
    stated_only: list[xr.Dataset],
    *,
    together: list[str],
    origin: str,
    lrs_share: float,
) -> xr.Dataset:
    heads = [row.errors.headline for row in rows]
    columns = {
        **columns_of([row.programming for row in rows]),
        "reference_resistance": [row.errors.reference for row in rows],
        **_rate_columns("ber", heads),
        "ber_lrs": [head.rate_lrs for head in heads],
        "ber_hrs": [head.rate_hrs for head in heads],
        "ber_fitted": [_of_fit(row.errors.fitted, "ber") for row in rows],
        "ber_fitted_low": [_of_fit(row.errors.fitted, "low") for row in rows],
        "ber_fitted_high": [_of_fit(row.errors.fitted, "high") for row in rows],
        **_rate_columns("ber_2t2r", [row.errors.paired for row in rows]),
        "pooled_over": list(together),
        "origin": [origin for _ in rows],
    }
    for variable in DATASETS["conditions"]:
        columns[variable.name] += [_said(said, variable) for said in stated_only]
    names = [row.condition.name for row in rows]
    return make(
        "conditions",
        columns,
        coords={"condition": [*names, *(str(said["condition"].values) for said in stated_only)]},
        attrs={"lrs_share": lrs_share, "confidence": CONFIDENCE, "interval": INTERVAL},
    )


def _rate_columns(name: str, rates: Sequence[BitErrorRate]) -> dict[str, list[Any]]:
    return {
        name: [rate.ber for rate in rates],
        f"{name}_low": [rate.low for rate in rates],
        f"{name}_high": [rate.high for rate in rates],
        f"{name}_basis": [rate.basis for rate in rates],
        f"{name}_bound": [rate.bound for rate in rates],
        f"{name}_extrapolated": [rate.is_extrapolated for rate in rates],
        f"{name}_interval": [rate.interval for rate in rates],
    }


def _of_fit(fitted: BitErrorRate | None, name: str) -> float:
    return math.nan if fitted is None else float(getattr(fitted, name))


def _said(said: xr.Dataset, variable: Variable) -> Any:
    if variable.name in said:
        return said[variable.name].values.item()
    return {"U": "", "b": 0}.get(variable.kind, math.nan)


def _counted(rows: list[_Row], *, lrs_share: float) -> xr.Dataset:
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
            "ber": [row.errors.counted.ber for row in rows],
            "ber_low": [row.errors.counted.low for row in rows],
            "ber_high": [row.errors.counted.high for row in rows],
        },
        coords={"condition": [row.condition.name for row in rows], "state": list(STATES)},
        attrs={"lrs_share": lrs_share, "confidence": CONFIDENCE, "interval": INTERVAL},
    )
