"""Every variable that crosses from one room of rramsim to the next: dims, unit and meaning.

`DATASETS` is the register. `make` builds a labelled dataset from plain arrays and `validate`
checks one, so a room can trust what it is handed. All quantities are in SI units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

STATES = ("LRS", "HRS")
"""The two resistance states, in the order of the `state` dimension. LRS stores 0 (weight -1)."""

BELOW, EXACT, ABOVE = -1, 0, 1
"""Censoring of a reading: the true resistance is at most, equal to, or at least the number."""

BER_BASES = ("fitted", "counted", "stated")
ENERGY_BASES = ("measured", "stated", "computed", "unknown")
ENDURANCE_BASES = ("measured", "stated", "unknown")
VERDICTS = ("holds", "tail", "does not hold", "not tested")
"""Whether readings are lognormal, also in the tail that makes the errors."""

OUTLIER_KINDS = ("stuck", "outlying")
"""A reading beyond its population that is like the other state's, or like neither's."""

BOUNDS = ("", "upper", "lower")
"""Whether a figure is a value (``""``) or only an upper or lower bound on one."""


@dataclass(frozen=True)
class Variable:
    """One variable of a dataset: its name, dims, unit, numpy kind and meaning.

    `kind` is ``"f"`` (float), ``"i"`` (integer), ``"b"`` (yes or no, stored as int8) or ``"U"``
    (text). `choices` lists the texts or codes allowed; `optional` ones may be left out.
    """

    name: str
    dims: tuple[str, ...]
    unit: str
    kind: str
    meaning: str
    choices: tuple[str, ...] | tuple[int, ...] | None = None
    optional: bool = False


def _per(*dims: str) -> Any:
    def variable(name: str, unit: str, kind: str, meaning: str, **more: Any) -> Variable:
        return Variable(name, dims, unit, kind, meaning, **more)

    return variable


_reading = _per("reading")
_population = _per("condition", "state")
_percentile = _per("condition", "state", "percent")
_condition = _per("condition")
_curve = _per("training_ber", "test_ber")
_met = _per("training_ber", "condition")
_outlier = _per("outlier")
_at_checkpoint = _per("condition", "checkpoint")
_hold = _per("hold")
_held = _per("hold", "state")
_at_readout = _per("hold", "state", "readout")
_at_time = _per("hold", "time")

_PROGRAMMING = (
    ("set_current", "A", "SET compliance current"),
    ("set_voltage", "V", "SET voltage"),
    ("reset_voltage", "V", "RESET voltage"),
    ("pulse_width", "s", "width of one programming pulse"),
)

_ACCURACY = (
    ("accuracy", "1", "f", "mean over chips of the share of test images classified correctly"),
    ("accuracy_low", "1", "f", "lower end of the interval of that mean (see attrs: interval)"),
    ("accuracy_high", "1", "f", "upper end of the interval of that mean"),
    ("accuracy_p05", "1", "f", "accuracy of the 5th-percentile chip"),
    ("maps", "1", "i", "number of chips (fault maps) drawn"),
)

_AT_BER_HIGH = (
    "accuracy_low_at_ber_high",
    "1",
    "f",
    "accuracy_low if the BER is at the upper end of its interval, NaN: no interval",
)

DATASETS: dict[str, tuple[Variable, ...]] = {
    "readings": (
        _reading("resistance", "ohm", "f", "resistance read, or the limit it is beyond"),
        _reading(
            "censoring",
            "1",
            "i",
            "-1: at most the number, 0: exact, +1: at least the number",
            choices=(BELOW, EXACT, ABOVE),
        ),
        _reading("condition_index", "1", "i", "position in the `condition` coordinate"),
        _reading("state_index", "1", "i", "position in the `state` coordinate", choices=(0, 1)),
        _reading("cell", "1", "i", "number of the cell, -1 where the file names none"),
        _reading("cycle", "1", "i", "SET/RESET cycle of the reading, -1 where unknown"),
        Variable("condition", ("condition",), "1", "U", "name of the programming condition"),
        Variable("state", ("state",), "1", "U", "resistance state", choices=STATES),
        *(
            _reading(name, unit, "f", f"{meaning}, NaN where unknown", optional=True)
            for name, unit, meaning in (
                *_PROGRAMMING,
                ("set_energy", "J", "energy of the SET of this cell, as measured"),
                ("reset_energy", "J", "energy of the RESET of this cell, as measured"),
            )
        ),
        _reading("failed", "1", "b", "1: the file marks the cell as failed", optional=True),
        _reading("row", "1", "i", "word line of the cell in its array", optional=True),
        _reading("column", "1", "i", "bit line of the cell in its array", optional=True),
        _reading("die", "1", "i", "number of the die, -1 where unknown", optional=True),
        _reading("time", "s", "f", "time since programming, NaN where unknown", optional=True),
        _reading("temperature", "K", "f", "of the bake or hold, NaN where unknown", optional=True),
        _reading(
            "pulses", "1", "f", "programming pulses until verified, NaN unknown", optional=True
        ),
    ),
    "populations": (
        _population("mu", "1", "f", "mean of ln(resistance / ohm)"),
        _population("sigma", "1", "f", "standard deviation of ln(resistance / ohm)"),
        Variable(
            "covariance",
            ("condition", "state", "parameter", "parameter_too"),
            "1",
            "f",
            "covariance of the estimates of g = mu/sigma and h = 1/sigma, in that order",
        ),
        _population("exact", "1", "i", "readings with an exact resistance"),
        _population("censored_below", "1", "i", "readings known only to be at most a limit"),
        _population("censored_above", "1", "i", "readings known only to be at least a limit"),
        _population("cells", "1", "i", "distinct cells read"),
        _population("mu_error", "1", "f", "standard error of mu", optional=True),
        _population("sigma_error", "1", "f", "standard error of sigma", optional=True),
    ),
    "percentiles": (
        Variable("percent", ("percent",), "%", "f", "share of the population at or below"),
        _percentile("resistance", "ohm", "f", "of the fitted lognormal, NaN: no fit"),
        _percentile("resistance_low", "ohm", "f", "lower end of its interval"),
        _percentile("resistance_high", "ohm", "f", "upper end of its interval"),
        _percentile("extrapolated", "1", "b", "1: nearer to the end than one reading in all"),
    ),
    "goodness": (
        _population("verdict", "1", "U", "whether the readings are lognormal", choices=VERDICTS),
        _population("sentence", "1", "U", "the verdict in words"),
        _population("deficit", "1", "f", "1 - correlation with the normal quantiles (PPCC)"),
        _population("p_value", "1", "f", "of the deficit, NaN where not tested"),
        _population("anderson_darling", "1", "f", "A^2 (1 + 0.75/n + 2.25/n^2), NaN if censored"),
        _population("largest_deviation", "1", "f", "from the line within 3 sigma, in sigma"),
        _population("tail_found", "1", "f", "readings beyond 3 sigma of the body that may err"),
        _population("tail_expected", "1", "f", "of them expected of a lognormal"),
        _population("tail_p_value", "1", "f", "of so many readings there"),
        _population("tail_share", "1", "f", "share of readings the body does not account for"),
        _population("body_mu", "1", "f", "mean of ln(resistance / ohm) of the body"),
        _population("body_sigma", "1", "f", "standard deviation of ln R of the body"),
        _population("tail_model", "1", "U", "model with room for the tail, empty: none needed"),
        _population("tail_model_weight", "1", "f", "share of cells in its second population"),
        _population("tail_model_rate", "1", "f", "misread rate it gives, NaN where a bound"),
        _population("tail_model_bound", "1", "U", "upper: at most tail_model_high", choices=BOUNDS),
        _population("tail_model_high", "1", "f", "that rate, or one reading in n as its bound"),
        _population("stuck_cells", "1", "i", "cells that always read like the other state"),
        _population("stuck_rate", "1", "f", "of the cells read"),
        _population("stuck_rate_low", "1", "f", "lower end of the rate's interval"),
        _population("stuck_rate_high", "1", "f", "upper end of the rate's interval"),
        _population("outlying_cells", "1", "i", "cells that always read like neither state"),
        _population("outlying_rate", "1", "f", "of the cells read"),
        _population("outlying_rate_low", "1", "f", "lower end of the rate's interval"),
        _population("outlying_rate_high", "1", "f", "upper end of the rate's interval"),
    ),
    "outliers": (
        _outlier("reading", "1", "i", "position in the dataset readings"),
        _outlier("condition_index", "1", "i", "position in the `condition` coordinate"),
        _outlier("state_index", "1", "i", "position in the `state` coordinate", choices=(0, 1)),
        _outlier("cell", "1", "i", "number of the cell, -1 where unknown"),
        _outlier("resistance", "ohm", "f", "resistance read, or the limit it is beyond"),
        _outlier("z", "1", "f", "distance from the median of the body, in its sigmas"),
        _outlier("kind", "1", "U", "how the reading is out", choices=OUTLIER_KINDS),
        Variable("condition", ("condition",), "1", "U", "name of the programming condition"),
        Variable("state", ("state",), "1", "U", "resistance state", choices=STATES),
    ),
    "counted": (
        _population("errors", "1", "i", "readings on the wrong side of the reference"),
        _population("readings", "1", "i", "readings whose side of the reference is known"),
        _population("undecided", "1", "i", "censored readings whose side is not known"),
        _population("design_effect", "1", "f", "readings that tell as much as one of another cell"),
        _population("rate", "1", "f", "errors per reading, NaN without readings"),
        _population("rate_low", "1", "f", "lower end of the rate's interval"),
        _population("rate_high", "1", "f", "upper end of the rate's interval"),
        _condition("reference_resistance", "ohm", "f", "reference the errors were counted at"),
        _condition("ber", "1", "f", "counted rates weighted by the shares of the states in use"),
        _condition("ber_low", "1", "f", "lower end of the interval of that BER"),
        _condition("ber_high", "1", "f", "upper end of the interval of that BER"),
    ),
    "conditions": (
        *(
            _condition(name, unit, "f", f"{meaning}, NaN where unknown")
            for name, unit, meaning in _PROGRAMMING
        ),
        _condition("set_energy", "J", "f", "energy of one SET, NaN where unknown"),
        _condition("reset_energy", "J", "f", "energy of one RESET, NaN where unknown"),
        _condition("set_energy_basis", "1", "U", "where set_energy is from", choices=ENERGY_BASES),
        _condition(
            "reset_energy_basis", "1", "U", "where reset_energy is from", choices=ENERGY_BASES
        ),
        _condition("reference_resistance", "ohm", "f", "reference of the 1T1R read, NaN: none"),
        _condition("ber", "1", "f", "bit errors per cell read, NaN where only a bound is known"),
        _condition("ber_low", "1", "f", "lower end of the BER's interval, NaN: none"),
        _condition("ber_high", "1", "f", "upper end of the BER's interval, or the upper bound"),
        _condition("ber_basis", "1", "U", "where the BER is from", choices=BER_BASES),
        _condition("ber_bound", "1", "U", "upper: ber_high is all that is known", choices=BOUNDS),
        _condition("ber_extrapolated", "1", "b", "1: beyond what the sample can show"),
        _condition("ber_lrs", "1", "f", "share of LRS cells read as HRS, NaN where unknown"),
        _condition("ber_hrs", "1", "f", "share of HRS cells read as LRS, NaN where unknown"),
        _condition("ber_interval", "1", "U", "how the ends were made", optional=True),
        _condition("ber_fitted", "1", "f", "BER of the fits, headline or not", optional=True),
        _condition("ber_fitted_low", "1", "f", "lower end of its interval", optional=True),
        _condition("ber_fitted_high", "1", "f", "upper end, or the upper bound", optional=True),
        _condition("ber_2t2r", "1", "f", "BER of a 2T2R read, NaN: unknown", optional=True),
        _condition("ber_2t2r_low", "1", "f", "lower end of its interval", optional=True),
        _condition("ber_2t2r_high", "1", "f", "upper end, or the upper bound", optional=True),
        _condition("ber_2t2r_basis", "1", "U", "fitted or counted, empty: none", optional=True),
        _condition("ber_2t2r_bound", "1", "U", "upper: only ber_2t2r_high", optional=True),
        _condition("ber_2t2r_extrapolated", "1", "b", "1: beyond the sample", optional=True),
        _condition("ber_2t2r_interval", "1", "U", "how the ends were made", optional=True),
        _condition("endurance", "1", "f", "SET/RESET cycles a cell stands, NaN where unknown"),
        _condition("endurance_basis", "1", "U", "where endurance is from", choices=ENDURANCE_BASES),
        _condition("endurance_bound", "1", "U", "lower: more than the number", choices=BOUNDS),
        _condition("origin", "1", "U", "what the populations are: measured, reconstructed, none"),
    ),
    "endurance": (
        _condition("cells", "1", "i", "cells whose reads can tell whether they failed"),
        _condition("failed", "1", "i", "cells that failed"),
        _condition("undecided", "1", "i", "cells bad at their last reads, too few to be sure"),
        _condition("soft", "1", "i", "cells read wrong at times that were right again later"),
        _condition("never_good", "1", "i", "failed cells that were bad from their first read"),
        _condition("first_cycle", "1", "f", "first cycle read"),
        _condition("last_cycle", "1", "f", "last cycle read"),
        _condition("shape", "1", "f", "Weibull shape, NaN where none could be fitted"),
        _condition("scale", "1", "f", "cycles until 63.2 % of the cells have failed"),
        *(
            _condition(f"{name}{end}", "1", "f", meaning + words)
            for name, meaning in (
                ("b1", "cycles until 1 % of the cells have failed"),
                ("b10", "cycles until 10 % of the cells have failed"),
                ("median", "cycles until half of the cells have failed"),
            )
            for end, words in (("", ""), ("_low", ", lower end"), ("_high", ", upper end"))
        ),
        _condition("shape_low", "1", "f", "lower end of the interval of the shape"),
        _condition("shape_high", "1", "f", "upper end of the interval of the shape"),
        _condition("failing_high", "1", "f", "at most this share failed by a bound of cycles"),
        _condition(
            "cycles", "1", "f", "endurance: b10, or the last read with 90 % good as a bound"
        ),
        _condition("cycles_low", "1", "f", "lower end of its interval, NaN for a bound"),
        _condition("cycles_high", "1", "f", "upper end of its interval, NaN for a bound"),
        _condition("bound", "1", "U", "lower: more than the number of cycles", choices=BOUNDS),
    ),
    "cycling": (
        _at_checkpoint("cycle", "1", "f", "geometric mean of the cycles read, NaN: none"),
        _at_checkpoint("cycle_first", "1", "f", "first cycle read at the checkpoint"),
        _at_checkpoint("cycle_last", "1", "f", "last cycle read at the checkpoint"),
        _at_checkpoint("ber", "1", "f", "bit errors per cell read, NaN where only a bound"),
        _at_checkpoint("ber_low", "1", "f", "lower end of the BER's interval"),
        _at_checkpoint("ber_high", "1", "f", "upper end of its interval, or the upper bound"),
        _at_checkpoint("ber_basis", "1", "U", "where the BER is from", choices=("", *BER_BASES)),
        _at_checkpoint("ber_bound", "1", "U", "upper: only ber_high is known", choices=BOUNDS),
        _at_checkpoint("ber_extrapolated", "1", "b", "1: beyond what the readings can show"),
        *(
            Variable(name, ("condition", "state", "checkpoint"), unit, kind, meaning)
            for name, unit, kind, meaning in (
                ("readings", "1", "i", "readings at the checkpoint"),
                ("cells", "1", "i", "distinct cells read at the checkpoint"),
                ("p05", "ohm", "f", "5 % of the readings are at or below"),
                ("p50", "ohm", "f", "median of the readings"),
                ("p95", "ohm", "f", "95 % of the readings are at or below"),
            )
        ),
        _condition("reference_resistance", "ohm", "f", "the reference of every checkpoint"),
        _condition("intercept", "1", "f", "probit(BER) = intercept + slope log10(cycle)"),
        _condition("slope", "1", "f", "change of probit(BER) per decade of cycles"),
        Variable(
            "covariance",
            ("condition", "parameter", "parameter_too"),
            "1",
            "f",
            "covariance of intercept and slope, in that order",
        ),
        _condition("cycles_to_limit", "1", "f", "where the line crosses the BER limit, NaN: no"),
        _condition("cycles_to_limit_low", "1", "f", "lower end of its interval, NaN: unknown"),
        _condition("cycles_to_limit_high", "1", "f", "upper end, NaN: beyond the last read"),
        _condition("cycles_to_limit_bound", "1", "U", "lower: more, upper: less", choices=BOUNDS),
    ),
    "retention": (
        _hold("hold_condition", "1", "U", "name of the programming condition held"),
        _hold("temperature", "K", "f", "of the hold, NaN where unknown"),
        _hold("reference_resistance", "ohm", "f", "the reference at every time"),
        _hold("first_time", "s", "f", "first read-out the lines are fitted to"),
        _hold("last_time", "s", "f", "last read-out; what is later is extrapolated"),
        *(
            _held(name, "1", "f", meaning)
            for name, meaning in (
                ("mu", "line of the median: mean of ln(resistance / ohm) at 1 s"),
                ("mu_drift", "its change per decade of time"),
                ("mu_drift_low", "lower end of the interval of that change"),
                ("mu_drift_high", "upper end of the interval of that change"),
                ("sigma", "line of the spread: standard deviation of ln(resistance) at 1 s"),
                ("sigma_drift", "its change per decade of time"),
                ("sigma_drift_low", "lower end of the interval of that change"),
                ("sigma_drift_high", "upper end of the interval of that change"),
            )
        ),
        _held("cells", "1", "i", "distinct cells the lines rest on"),
        _at_readout("readout_time", "s", "f", "median time of a read-out, NaN: none"),
        _at_readout("readout_mu", "1", "f", "fitted mean of ln(resistance / ohm)"),
        _at_readout("readout_sigma", "1", "f", "fitted standard deviation of it"),
        _at_readout("readings", "1", "i", "readings of the read-out"),
        _at_readout("errors", "1", "i", "readings on the wrong side of the reference"),
        _at_readout("p05", "ohm", "f", "5 % of the readings are at or below"),
        _at_readout("p50", "ohm", "f", "median of the readings"),
        _at_readout("p95", "ohm", "f", "95 % of the readings are at or below"),
        _at_time("ber", "1", "f", "bit errors per cell read, from the lines"),
        _at_time("ber_low", "1", "f", "lower end of the BER's interval"),
        _at_time("ber_high", "1", "f", "upper end of the BER's interval"),
        _at_time("ber_extrapolated", "1", "b", "1: later than the last read-out"),
        _hold("time_to_limit", "s", "f", "when the BER reaches the limit, NaN: unknown"),
        _hold("time_to_limit_low", "s", "f", "lower end of its interval, NaN: unknown"),
        _hold("time_to_limit_high", "s", "f", "upper end of its interval, NaN: unknown"),
        _hold("time_to_limit_bound", "1", "U", "lower: more, upper: less", choices=BOUNDS),
        _hold("time_to_limit_extrapolated", "1", "b", "1: later than the last read-out"),
    ),
    "bake": (
        _population("cells", "1", "i", "cells read before and after"),
        *(
            _population(f"{name}{end}", "1", "f", meaning + words)
            for name, meaning in (
                ("mu_shift", "change of the mean of ln(resistance)"),
                ("sigma_ratio", "standard deviation of ln(resistance), after over before"),
            )
            for end, words in (("", ""), ("_low", ", lower end"), ("_high", ", upper end"))
        ),
        _population("correlation", "1", "f", "of ln(resistance) before and after"),
        Variable("reference_resistance", (), "ohm", "f", "the reference before and after"),
        *(
            Variable(f"ber_{when}{end}", (), "1", "f", f"BER {when} the bake{words}")
            for when in ("before", "after")
            for end, words in (("", ""), ("_low", ", lower end"), ("_high", ", upper end"))
        ),
    ),
    "variance": (
        *(
            Variable(name, ("condition", "state", "component"), "1", kind, meaning)
            for name, kind, meaning in (
                ("variance", "f", "part of the variance of ln(resistance), NaN: not told apart"),
                ("share", "f", "of the sum of all parts"),
                ("groups", "i", "dies, rows, columns, cells or cycles it was estimated from"),
                ("negative", "b", "1: the estimate was negative and is given as 0"),
            )
        ),
        _population("readings", "1", "i", "exact readings used"),
        _population("left_out", "1", "i", "readings censored, or without a place"),
    ),
    "read_energy": (
        _population("energy", "J", "f", "mean energy of reading one cell, NaN: no fit"),
        _condition("energy_per_read", "J", "f", "both states at the shares in use"),
        _condition("basis", "1", "U", "where the energy is from", choices=ENERGY_BASES),
    ),
    "accuracy": tuple(_curve(*columns) for columns in _ACCURACY),
    "condition_accuracy": (
        *(_met(*columns) for columns in _ACCURACY),
        _met(*_AT_BER_HIGH),
        _condition("test_ber", "1", "f", "mean BER of the faults planted, or the bound planted"),
        _condition("ber_high", "1", "f", "upper end of the BER's interval, NaN: none"),
        _condition("faults", "1", "U", "the fault model the chips were drawn from"),
    ),
    "tradeoff": (
        *(_met(*columns) for columns in _ACCURACY),
        _met(*_AT_BER_HIGH),
        _met("programming_energy", "J", "f", "energy to program every weight once, NaN: unknown"),
        _met("energy_per_cell", "J", "f", "programming_energy per cell"),
        _met("on_front", "1", "b", "1: no other point is as good in both and better in one"),
        _met("meets_tolerance", "1", "b", "1: not worse than error-free by over the tolerance"),
        _condition("test_ber", "1", "f", "mean BER of the faults planted, or the bound planted"),
        _condition("ber_high", "1", "f", "upper end of the BER's interval, NaN: none"),
        _condition("origin", "1", "U", "what the populations are: measured, reconstructed, none"),
        _condition("faults", "1", "U", "the fault model the chips were drawn from"),
        _condition("ber_bound", "1", "U", "upper: test_ber is only a bound", choices=BOUNDS),
        _condition("ber_extrapolated", "1", "b", "1: beyond what the sample can show"),
        _condition("set_energy_basis", "1", "U", "where set_energy is from", choices=ENERGY_BASES),
        _condition(
            "reset_energy_basis", "1", "U", "where reset_energy is from", choices=ENERGY_BASES
        ),
        _condition("endurance", "1", "f", "SET/RESET cycles a cell stands, NaN where unknown"),
        _condition("endurance_basis", "1", "U", "where endurance is from", choices=ENDURANCE_BASES),
        _condition("endurance_bound", "1", "U", "lower: more than the number", choices=BOUNDS),
    ),
}


class SchemaError(ValueError):
    """A dataset does not have the form its room promises: a fault in rramsim, not in the input."""


def make(
    product: str,
    values: Mapping[str, Any],
    coords: Mapping[str, Any] | None = None,
    attrs: Mapping[str, str | int | float] | None = None,
) -> xr.Dataset:
    """Build and check a dataset of the register from plain arrays.

    Parameters
    ----------
    product : str
        A key of `DATASETS`.
    values : mapping of str to array_like
        The variables by name; dims, units and meanings come from the register.
    coords : mapping of str to array_like, optional
        One-dimensional coordinates, each along the dim of its own name.
    attrs : mapping, optional
        Attributes of the whole dataset (provenance, how the intervals were made).

    Returns
    -------
    xarray.Dataset
        With ``units`` and ``long_name`` on every variable.

    Raises
    ------
    SchemaError
        If a variable is missing, unknown, or not of its dims or kind.
    """
    import numpy as np
    import xarray as xr

    register = {variable.name: variable for variable in DATASETS[product]}
    unknown = (set(values) | set(coords or {})) - set(register) - _dims_of(product)
    if unknown:
        raise SchemaError(f"{product}: no variable is named {sorted(unknown)}.")
    dataset = xr.Dataset(attrs={"product": product, **(attrs or {})})
    for name, value in (coords or {}).items():
        dataset = dataset.assign_coords({name: (name, np.asarray(value))})
    for name, value in values.items():
        variable = register[name]
        array = np.asarray(value)
        dtype = {"b": "i1", "f": "f8"}.get(variable.kind)
        dataset[name] = (variable.dims, array.astype(dtype) if dtype else array)
    for name, variable in register.items():
        if name in dataset.variables:
            dataset[name].attrs.update(units=variable.unit, long_name=variable.meaning)
    validate(dataset, product)
    return dataset


def validate(dataset: xr.Dataset, product: str) -> None:
    """Check that `dataset` is a whole `product`; raise `SchemaError` where it is not.

    Dims are found by name, so their order never matters.
    """
    for variable in DATASETS[product]:
        if variable.name not in dataset.variables:
            if variable.optional:
                continue
            raise SchemaError(f"{product}: the variable {variable.name!r} is missing.")
        _validate_variable(dataset[variable.name], variable, product)


def _validate_variable(array: xr.DataArray, variable: Variable, product: str) -> None:
    import numpy as np

    place = f"{product}.{variable.name}"
    if set(array.dims) != set(variable.dims):
        raise SchemaError(f"{place}: dims are {array.dims}, expected {variable.dims}.")
    accepted = {"f": "f", "i": "iu", "b": "iu", "U": "UTO"}[variable.kind]
    if array.dtype.kind not in accepted and array.size:
        raise SchemaError(f"{place}: dtype {array.dtype} is not of kind {variable.kind!r}.")
    choices = (0, 1) if variable.kind == "b" else variable.choices
    if choices is not None:
        found = {str(value) for value in np.unique(array.values)}
        strange = found - {str(choice) for choice in choices}
        if strange:
            raise SchemaError(f"{place}: found {sorted(strange)}, accepted are {choices}.")


def _dims_of(product: str) -> set[str]:
    return {dim for variable in DATASETS[product] for dim in variable.dims}
