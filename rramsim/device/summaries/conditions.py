"""Conditions of which only counts, percentiles or moments are known: BER without readings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import chdtrc, ndtr, ndtri

from rramsim import formatting as numbers
from rramsim.device.bit_errors.error_counts import Count, weighted
from rramsim.device.bit_errors.fitted_rates import bit_error_rate
from rramsim.device.bit_errors.sensing import StatePair, best_reference, log_misread_rates
from rramsim.device.read_conditions import ReadConditions
from rramsim.device.summaries.moments import lognormal_of
from rramsim.errors import InputError
from rramsim.interval import Interval
from rramsim.measurements import CentreAndSpread, ErrorCount, PercentileTable, Summary
from rramsim.notes import Note
from rramsim.schema import DATASETS, STATES, make
from rramsim.statistics.confidence import CONFIDENCE, smallest_countable
from rramsim.statistics.likelihood import NotSettledError
from rramsim.statistics.lognormal import LognormalFit, UnfittableError, fit_lognormal

if TYPE_CHECKING:
    import xarray as xr

# The likelihood needs a number of readings; where none is said, no interval is told.
_ASSUMED_READINGS = 10_000
_MOST_READINGS = 1_000_000
_LEVEL = 0.01
# In sigma: percentiles of two digits lie as far off the line by rounding alone.
_ROUNDING = 0.15
_LEAST_SAMPLE = 20.0
_NAN = math.nan


@dataclass(frozen=True, eq=False)
class Summarized:
    """What summaries give: rows of the product "conditions" by name, fits, and notes.

    `fits` is the product "percentile_fits", None without percentiles; `counted` the product
    "counted" of the conditions with counts, None without any.
    """

    rows: dict[str, xr.Dataset]
    fits: xr.Dataset | None
    counted: xr.Dataset | None
    notes: tuple[Note, ...]


@dataclass(frozen=True, eq=False)
class _Fitted:
    """A lognormal through what is known of a state, and how well percentiles lie on it."""

    table: PercentileTable | CentreAndSpread
    fit: LognormalFit
    p_value: float
    deviation: float

    @property
    def known(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Shares of the readings and the resistances at or below which they lie.

        A mean or median with its spread tells no more than the middle: no reading beyond it is
        known.
        """
        if isinstance(self.table, CentreAndSpread):
            return (0.5,), (math.exp(self.fit.mu),)
        return self.table.shares, self.table.resistances

    @property
    def basis(self) -> str:
        """What the lognormal goes through, in words."""
        return self.table.basis if isinstance(self.table, CentreAndSpread) else "percentiles"

    @property
    def is_rejected(self) -> bool:
        """Whether the percentiles leave the line by more than chance and by more than rounding."""
        return self.p_value < _LEVEL and self.deviation > _ROUNDING


def of_summaries(
    summaries: Sequence[Summary], stated: dict[str, xr.Dataset], read: ReadConditions
) -> Summarized:
    """Return the conditions that counts and percentiles give.

    Counted errors give a BER with Clopper and Pearson's interval, of both states weighted by
    their shares in use. Percentiles give lognormals, by the multinomial likelihood of the readings
    between them, and a mean or median with its spread the lognormal that has them; the BER of these
    leads as far as a sample does that would just show the outermost percentile.

    Parameters
    ----------
    summaries : sequence of ErrorCount, PercentileTable or CentreAndSpread
    stated : mapping of str to xarray.Dataset
        Rows of the product "conditions" as stated, whose energies and endurance are joined.
    read : ReadConditions
        How the cells are read.

    Raises
    ------
    InputError
        If a condition lacks a state, or has counts in one and percentiles in the other, or its
        percentiles give no lognormal.
    """
    rows: dict[str, xr.Dataset] = {}
    notes: list[Note] = []
    fitted: dict[str, tuple[_Fitted, _Fitted]] = {}
    counted: dict[str, tuple[ErrorCount, ErrorCount]] = {}
    for name in dict.fromkeys(summary.condition for summary in summaries):
        lrs, hrs = _states(name, summaries)
        if isinstance(lrs, ErrorCount) and isinstance(hrs, ErrorCount):
            counted[name] = lrs, hrs
            columns, of_it = _counted(lrs, hrs, read)
        elif not isinstance(lrs, ErrorCount) and not isinstance(hrs, ErrorCount):
            fitted[name] = _fit(lrs), _fit(hrs)
            columns, of_it = _of_percentiles(*fitted[name], read)
        else:
            raise InputError(
                f"{name}: counted errors are given for one state and percentiles, or a mean or "
                "median, for the other; give the same of both."
            )
        notes += of_it
        rows[name] = _row(name, columns, stated.get(name), read)
    return Summarized(
        rows,
        _fits_dataset(fitted) if fitted else None,
        _counted_dataset(counted, read) if counted else None,
        tuple(notes),
    )


def _states(name: str, summaries: Sequence[Summary]) -> tuple[Summary, Summary]:
    found: dict[str, Summary] = {}
    for summary in summaries:
        if summary.condition == name:
            if summary.state in found:
                raise InputError(
                    f"{summary.file}: {name!r}, {summary.state} is given twice; keep one."
                )
            found[summary.state] = summary
    missing = [state for state in STATES if state not in found]
    if missing:
        raise InputError(f"{name}: there is nothing of {missing[0]}; a BER needs both states.")
    return found[STATES[0]], found[STATES[1]]


def _counted(
    lrs: ErrorCount, hrs: ErrorCount, read: ReadConditions
) -> tuple[dict[str, Any], list[Note]]:
    """Return the columns of a condition whose errors somebody counted."""
    counts = [Count(float(state.errors), state.bits, 0) for state in (lrs, hrs)]
    both = weighted(*counts, lrs_share=read.lrs_share)
    ber, by_state = both.ber, tuple(count.rate for count in counts)
    if not both.errors:
        at_most = min(smallest_countable(both.sample), 1.0)
        ber, by_state = Interval(high=at_most, bound="upper", basis="counted"), (_NAN, _NAN)
    references = {state.reference for state in (lrs, hrs) if not math.isnan(state.reference)}
    if len(references) > 1:
        raise InputError(f"{lrs.condition}: LRS and HRS were read against different references.")
    note = Note(
        f"errors counted elsewhere: {lrs.errors:,} of {lrs.bits:,} bits in LRS, {hrs.errors:,} of "
        f"{hrs.bits:,} in HRS; each bit is taken as independent of the others.",
        kind="counted elsewhere",
        condition=lrs.condition,
        values={
            **{"errors_lrs": lrs.errors, "bits_lrs": lrs.bits},
            **{"errors_hrs": hrs.errors, "bits_hrs": hrs.bits},
        },
    )
    reference = references.pop() if references else _NAN
    return _columns(ber, by_state, reference, "stated" if reference == reference else ""), [note]


def _fit(table: PercentileTable | CentreAndSpread) -> _Fitted:
    """Fit the numbers of readings between percentiles, known only to lie there."""
    if isinstance(table, CentreAndSpread):
        return _Fitted(table, lognormal_of(table, assumed=_ASSUMED_READINGS), _NAN, _NAN)
    count = min(table.readings or _ASSUMED_READINGS, _MOST_READINGS)
    shares = np.array([0.0, *table.shares, 1.0])
    cells = np.diff(np.rint(count * shares)).astype(int)
    ohms = np.array(table.resistances)
    lower = np.repeat(np.array([ohms[0], *ohms]), cells)
    upper = np.repeat(np.array([_NAN, *ohms[1:], _NAN]), cells[:1].tolist() + cells[1:].tolist())
    side = np.repeat(np.array([-1, *[0] * (len(ohms) - 1), 1]), cells)
    try:
        fit = fit_lognormal(lower, side, upper=upper)
    except (UnfittableError, NotSettledError) as error:
        raise InputError(
            f"{table.file}: the percentiles of {table.condition!r}, {table.state} give no "
            f"lognormal ({error}); it takes two or more with readings between them."
        ) from error
    places = (np.log(ohms) - fit.mu) / fit.sigma
    deviation = float(np.max(np.abs(places - ndtri(np.array(table.shares)))))
    return _Fitted(table, fit, _p_value(places, cells, known=table.readings), deviation)


def _p_value(places: np.ndarray, cells: np.ndarray, *, known: int | None) -> float:
    """Return Pearson's test of the readings between percentiles; NaN without degrees of freedom."""
    freedom = len(places) - 2
    if known is None or freedom < 1:
        return _NAN
    expected = cells.sum() * np.diff(np.array([0.0, *ndtr(places), 1.0]))
    return float(chdtrc(freedom, np.sum((cells - expected) ** 2 / expected)))


def _of_percentiles(
    lrs: _Fitted, hrs: _Fitted, read: ReadConditions
) -> tuple[dict[str, Any], list[Note]]:
    """Return the columns of a condition whose populations are known by percentiles."""
    pair = StatePair(lrs.fit.mu, lrs.fit.sigma, hrs.fit.mu, hrs.fit.sigma)
    if not lrs.fit.mu < hrs.fit.mu:
        raise InputError(f"{lrs.table.condition}: the LRS median is not below the HRS median.")
    seen = pair.seen_through(read.reference_spread)
    is_chosen = read.reference_resistance is None
    if is_chosen:
        read = read.with_reference(math.exp(best_reference(seen, lrs_share=read.lrs_share)[0]))
    fits = [_as_sample(one) for one in (lrs, hrs)]
    fitted = bit_error_rate(
        *fits,
        reference=read.reference,
        lrs_share=read.lrs_share,
        reference_spread=read.reference_spread,
    )
    if None in (lrs.table.readings, hrs.table.readings):
        fitted = replace(fitted, low=_NAN, high=fitted.high if fitted.bound else _NAN, method="")
    at_most = _within_percentiles(lrs, hrs, read)
    ber = fitted
    if lrs.is_rejected or hrs.is_rejected:
        ber = Interval(high=at_most, bound="upper", basis="counted")
    elif not fitted.bound:
        ber = replace(fitted, extrapolated=bool(fitted.estimate < at_most))
    misread = tuple(math.exp(rate) for rate in log_misread_rates(math.log(read.reference), seen))
    by_state = (_NAN, _NAN) if ber.bound else misread
    columns = _columns(ber, by_state, read.reference, "chosen" if is_chosen else "stated")
    point = read.lrs_share * misread[0] + (1.0 - read.lrs_share) * misread[1]
    ends = (_NAN, _NAN) if fitted.bound else (fitted.low, fitted.high)
    columns |= {"ber_fitted": point, "ber_fitted_low": ends[0], "ber_fitted_high": ends[1]}
    return columns, _percentile_notes(lrs, hrs, fitted, at_most)


def _as_sample(one: _Fitted) -> LognormalFit:
    """Return a fit that leads as far as a sample that would just show the outermost percentile.

    The place of every reading is known, though only between two percentiles. A mean or median with
    its spread leads as the quartiles do: as far as the least sample.
    """
    shares, _ = one.known
    outermost = 1.0 / min(shares[0], 1.0 - shares[-1])
    return replace(
        one.fit,
        exact=one.fit.readings,
        between=0,
        censored_below=0,
        censored_above=0,
        effective_readings=min(max(outermost, _LEAST_SAMPLE), float(one.fit.readings)),
    )


def _within_percentiles(lrs: _Fitted, hrs: _Fitted, read: ReadConditions) -> float:
    """Return the BER that the percentiles beside the reference leave possible."""
    below = [q for q, ohm in zip(*lrs.known, strict=True) if ohm <= read.reference]
    above = [q for q, ohm in zip(*hrs.known, strict=True) if ohm >= read.reference]
    wrong_lrs = 1.0 - max(below, default=0.0)
    wrong_hrs = min(above, default=1.0)
    return read.lrs_share * wrong_lrs + (1.0 - read.lrs_share) * wrong_hrs


def _percentile_notes(lrs: _Fitted, hrs: _Fitted, fitted: Interval, at_most: float) -> list[Note]:
    name = lrs.table.condition
    notes = [_origin_note(lrs, hrs, fitted, at_most)]
    for one in (lrs, hrs):
        state = one.table.state
        if one.table.readings is None:
            text = f"of how many readings the {one.basis} are is not said, so no interval is told."
            notes.append(Note(text, kind="readings unknown", condition=name, state=state))
        if one.is_rejected:
            text = (
                f"the percentiles do not lie on a lognormal (p = {numbers.power(one.p_value)}); "
                f"the farthest is {numbers.plain(one.deviation)} sigma off."
            )
            values: dict[str, float | int | str] = {
                "p_value": one.p_value,
                "deviation": one.deviation,
            }
            notes.append(
                Note(text, kind="not lognormal", condition=name, state=state, values=values)
            )
    return notes


def _origin_note(lrs: _Fitted, hrs: _Fitted, fitted: Interval, at_most: float) -> Note:
    """Return the note on what the populations are from, and what that shows of the BER."""
    given = numbers.bit_error_rate(fitted)
    bases = dict.fromkeys((lrs.basis, hrs.basis))
    if list(bases) == ["percentiles"]:
        off = max(lrs.deviation, hrs.deviation)
        text = (
            "the populations are from percentiles, not from readings: no error was counted. By "
            f"the percentiles beside the reference at most {numbers.power(at_most)} of the cells "
            f"are misread; the lognormals through them, at most {numbers.plain(off)} sigma off, "
            f"give {given}."
        )
        kind = "from percentiles"
    else:
        text = (
            f"the populations are from the {', and the '.join(bases)}, not from readings: no error "
            "was counted, and nothing tells whether they are lognormal; taken as lognormal, they "
            f"give {given}."
        )
        kind = "from moments"
    values = {"at_most": at_most, "fitted": fitted.estimate}
    return Note(text, kind=kind, condition=lrs.table.condition, values=values)


def _columns(
    ber: Interval, by_state: tuple[float, ...], reference: float, reference_basis: str
) -> dict[str, Any]:
    return {
        **{"ber": ber.estimate, "ber_low": ber.low, "ber_high": ber.high},
        **{"ber_basis": ber.basis, "ber_bound": ber.bound},
        **{"ber_extrapolated": int(ber.extrapolated), "ber_interval": ber.method},
        **{"ber_lrs": by_state[0], "ber_hrs": by_state[1]},
        **{"reference_resistance": reference, "reference_basis": reference_basis},
    }


def _row(
    name: str, columns: dict[str, Any], stated: xr.Dataset | None, read: ReadConditions
) -> xr.Dataset:
    """Return a row of the product "conditions": what is stated, with the BER that was found."""
    values = {}
    for variable in DATASETS["conditions"]:
        if variable.dims != ("condition",):
            continue
        missing = {"U": "", "b": 0, "f": _NAN, "i": 0}[variable.kind]
        if variable.choices and missing not in variable.choices:
            missing = variable.choices[-1]
        if stated is not None and variable.name in stated.variables:
            missing = stated[variable.name].values.item()
        values[variable.name] = [columns.get(variable.name, missing)]
    values["origin"] = ["measured"]
    return make("conditions", values, {"condition": [name]}).isel(condition=0)


def _fits_dataset(fitted: dict[str, tuple[_Fitted, _Fitted]]) -> xr.Dataset:
    pairs = list(fitted.values())

    def column(value: Any) -> list[list[Any]]:
        return [[value(one) for one in pair] for pair in pairs]

    return make(
        "percentile_fits",
        {
            "readings": column(lambda one: one.table.readings or 0),
            "basis": column(lambda one: one.basis),
            "lowest": column(lambda one: _share(one, 0)),
            "highest": column(lambda one: _share(one, -1)),
            "mu": column(lambda one: one.fit.mu),
            "sigma": column(lambda one: one.fit.sigma),
            "mu_error": column(lambda one: _error(one, one.fit.mu_standard_error)),
            "sigma_error": column(lambda one: _error(one, one.fit.sigma_standard_error)),
            "p_value": column(lambda one: one.p_value),
            "deviation": column(lambda one: one.deviation),
        },
        {"condition": list(fitted), "state": list(STATES)},
    )


def _counted_dataset(
    counted: dict[str, tuple[ErrorCount, ErrorCount]], read: ReadConditions
) -> xr.Dataset:
    counts = [[Count(float(one.errors), one.bits, 0) for one in pair] for pair in counted.values()]
    both = [weighted(*pair, lrs_share=read.lrs_share) for pair in counts]

    def by_state(value: Any) -> list[list[Any]]:
        return [[value(count) for count in pair] for pair in counts]

    references = [pair[0].reference for pair in counted.values()]
    return make(
        "counted",
        {
            "errors": by_state(lambda count: int(count.errors)),
            "readings": by_state(lambda count: count.readings),
            "undecided": by_state(lambda count: 0),
            "design_effect": by_state(lambda count: 1.0),
            "rate": by_state(lambda count: count.rate),
            "rate_low": by_state(lambda count: count.interval[0]),
            "rate_high": by_state(lambda count: count.interval[1]),
            "reference_resistance": references,
            "ber": [one.ber.estimate for one in both],
            "ber_low": [one.ber.low for one in both],
            "ber_high": [one.ber.high for one in both],
            # They were counted at one reference; no other is known to be better.
            "cross_validated": [0 for _ in both],
            "least_errors": [one.errors for one in both],
            "least_readings": [sum(count.readings for count in pair) for pair in counts],
            "least_ber": [one.ber.estimate for one in both],
            **{f"least_reference{end}": references for end in ("", "_low", "_high")},
            "ber_less_than": [
                _NAN if one.errors else min(smallest_countable(one.sample), 1.0) for one in both
            ],
        },
        {"condition": list(counted), "state": list(STATES)},
        {"lrs_share": read.lrs_share, "confidence": CONFIDENCE},
    )


def with_more_conditions(product: xr.Dataset, more: xr.Dataset) -> xr.Dataset:
    """Return a product with the conditions of another behind its own."""
    import xarray as xr

    if not product.sizes["condition"]:
        return more
    joined: xr.Dataset = xr.concat([product, more], "condition", combine_attrs="override")
    return joined


def _share(one: _Fitted, position: int) -> float:
    return _NAN if isinstance(one.table, CentreAndSpread) else one.table.shares[position]


def _error(one: _Fitted, error: float) -> float:
    return _NAN if one.table.readings is None else error
