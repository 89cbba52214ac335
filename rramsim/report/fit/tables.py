"""The tables of populations, conditions and single cells, as text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rramsim import formatting as numbers
from rramsim.device.verification import OPERATIONS
from rramsim.report.keys import same
from rramsim.report.text_table import (
    NONE,
    CellText,
    Columns,
    Sorted,
    TextTable,
    ber_text,
    energy_text,
    in_words,
    table_of,
)
from rramsim.schema import STATES, Record, records, settings

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.device.examination import Examination

_MOST_OUTLIERS = 15
_CYCLES_NAMED = 3
_HALF = 0.5

_SIGMA = Sorted(lambda row: numbers.plain(row["sigma"]), "sigma")

NO_READINGS = "no readings"
"""What is counted of a condition that was not read."""


def populations_and_goodness(examination: Examination) -> list[Record]:
    """Return a record for each condition and state that was read."""
    products = examination.products
    joined = products["populations"].merge(products["goodness"])
    return records(joined, "condition", "state")


def populations_table(examination: Examination) -> TextTable:
    """Return the fitted populations, with the verdict on each."""
    numeric: Columns = {
        "cells": "cells",
        "readings": Sorted(lambda row: f"{_readings(row):,}", _readings),
        "censored": _censored,
        "median (sample)": Sorted(median_text, "median"),
        "median (fit)": Sorted(_fitted_median, "mu"),
        "sigma of ln R": _SIGMA,
    }
    rows = populations_and_goodness(examination)
    is_beyond = any(row["median_bound"] and not math.isnan(row["sigma"]) for row in rows)
    return table_of(
        "Populations",
        rows,
        {**same("condition", "state"), **numeric, "lognormal": verdict_text},
        numeric=tuple(numeric),
        remark="With an asterisk: extrapolated, the median of the readings lies beyond a limit."
        if is_beyond
        else "",
        is_titled=False,
    )


def percentile_fits_table(examination: Examination) -> TextTable:
    """Return the lognormals through given percentiles, or of a given centre and spread."""
    numeric: Columns = {
        "readings": lambda row: f"{row['readings']:,}" if row["readings"] else numbers.UNKNOWN,
        "known": _known,
        "median": Sorted(_median_between, "mu"),
        "sigma of ln R": _SIGMA,
        "off the line": lambda row: (
            numbers.UNKNOWN
            if math.isnan(row["deviation"])
            else f"{numbers.plain(row['deviation'])} sigma"
        ),
    }
    rows = records(examination.products["percentile_fits"], "condition", "state")
    return table_of(
        "Populations from percentiles or moments",
        rows,
        {**same("condition", "state"), **numeric},
        numeric=tuple(numeric),
        remark="With an asterisk: extrapolated, the percentiles given do not reach the median."
        if not all(map(is_median_between, rows))
        else "",
    )


def is_median_between(row: Record) -> bool:
    """Return whether percentiles lie on both sides of 50 %; a given centre is in the middle."""
    return math.isnan(row["lowest"]) or bool(row["lowest"] <= _HALF <= row["highest"])


def _median_between(row: Record) -> str:
    text = numbers.quantity(math.exp(row["mu"]), "Ω")
    return text if is_median_between(row) else f"{text}*"


def _known(row: Record) -> str:
    """Return the percentiles that are known of a state, or the centre and the spread."""
    if math.isnan(row["lowest"]):
        return str(row["basis"])
    return f"{100 * row['lowest']:g} to {100 * row['highest']:g} %"


_READINGS = ("exact", "censored_below", "censored_above")


def _readings(row: Record) -> int:
    return sum(map(row.__getitem__, _READINGS))


def median_text(row: Record) -> str:
    """Return the median of the readings, or the limit that it is beyond."""
    return sample_text(row, "median")


def _fitted_median(row: Record) -> str:
    """Return the median of the fit, marked where that of the readings lies beyond a limit."""
    text = numbers.quantity(math.exp(row["mu"]), "Ω")
    return text + ("*" if row["median_bound"] and text != numbers.UNKNOWN else "")


def sample_text(row: Record, name: str) -> str:
    """Return a quantile of the readings in ohm, or the bound that is all they give."""
    value = row.interval(name)
    number = {"lower": value.low, "upper": value.high}.get(value.bound, value.estimate)
    return numbers.bounded(numbers.quantity(number, "Ω"), value.bound)


def window_text(lrs: Record, hrs: Record) -> str:
    """Return the memory window, the HRS over the LRS median of the readings; empty if unknown."""
    low, high = lrs.interval("median"), hrs.interval("median")
    least = high.low if high.bound == "lower" else high.estimate
    most = low.high if low.bound == "upper" else low.estimate
    if math.isnan(least / most):
        return ""
    bound = "lower" if "lower" in high.bound or "upper" in low.bound else ""
    return numbers.bounded(f"×{numbers.plain(least / most, 2)}", bound)


def verdict_text(row: Record) -> str:
    """Return whether the lognormal holds, as a word or two."""
    verdict = row.text("verdict")
    if verdict != "tail":
        return verdict
    return f"tail, {numbers.percent(row['tail_share'], 1)} of readings"


def _censored(row: Record) -> str:
    counts = [(row[f"censored_{side}"], side) for side in ("below", "above")]
    return ", ".join(f"{number:,} {side}" for number, side in counts if number) or "0"


def verdicts(examination: Examination) -> tuple[str, ...]:
    """Return why a population is not lognormal, a sentence each."""
    return tuple(
        f"{row['condition']}, {row['state']}: {row['sentence']}"
        for row in records(examination.products["goodness"], "condition", "state")
        if row["verdict"] != "holds" and row["sentence"]
    )


def percentiles_table(examination: Examination) -> TextTable:
    """Return the percentiles of the readings and of the fits, each with its interval below it."""
    percentiles = examination.products["percentiles"]
    percents = percentiles["percent"].values.tolist()
    rows = [
        (row["condition"], row["state"], kind, *(text(place) for place in row.by("percent")))
        for row, judged in zip(
            records(percentiles, "condition", "state"),
            populations_and_goodness(examination),
            strict=True,
        )
        for kind, text in (("sample", _sample_percentile), (fit_kind(judged), _fit_percentile))
    ]
    return TextTable(
        title="Percentiles of the readings (sample) and of the populations fitted to them (fit)",
        columns=(
            *("condition", "state", "of the"),
            *(f"{percent:g}\N{NO-BREAK SPACE}%" for percent in percents),
        ),
        rows=tuple(rows),
        remark="Each with its 95 % interval. With an asterisk: extrapolated, beyond the share of "
        "one reading in the sample; the sample gives a bound there, or nothing. Percentiles of a "
        "fit that does not hold describe the fit and not the cells.",
        place="page",
    )


def fit_kind(row: Record) -> str:
    """Return what percentiles of a fit are called: a fit that does not hold is said to be so."""
    return "fit" if row.text("verdict") in ("holds", "not tested") else "fit, which does not hold"


def _fit_percentile(row: Record) -> str:
    ohm = row.interval("resistance")
    value, low, high = (numbers.quantity(end, "Ω") for end in (ohm.estimate, ohm.low, ohm.high))
    mark = "*" if ohm.extrapolated else ""
    return value if value == numbers.UNKNOWN else f"{value}{mark}\n{low} to {high}"


def _sample_percentile(row: Record) -> str:
    value = row.interval("sample")
    text = sample_text(row, "sample")
    low, high = (numbers.quantity(end, "Ω") for end in (value.low, value.high))
    if value.bound or {low, high} == {numbers.UNKNOWN}:
        return text
    if numbers.UNKNOWN in (low, high):
        return f"{text}\n" + (f"up to {high}" if low == numbers.UNKNOWN else f"{low} or more")
    return f"{text}\n{low} to {high}"


def conditions_tables(examination: Examination) -> tuple[TextTable, TextTable]:
    """Return the bit errors of each condition, and its energies and endurance.

    On a page, energies and endurance have sections of their own.
    """
    conditions = examination.products["conditions"]
    percent = numbers.percent(conditions.attrs["confidence"], 0)
    counts = examination.products["counted"]
    rows = records(conditions, "condition")
    bit_errors: Columns = {
        "condition": "condition",
        "reference": "reference_resistance",
        f"BER ({percent} interval)": Sorted(ber_text, "ber"),
        "BER is": lambda row: basis_text(row) + cell_text(row, examination),
        "counted": lambda row: counted_text(row, counts),
    }
    comparison: Columns = {"fit, for comparison": fit_text} if any(map(fit_text, rows)) else {}
    rest: Columns = {
        "SET energy": lambda row: energy_text(row, "set_energy"),
        "RESET energy": lambda row: energy_text(row, "reset_energy"),
        "endurance": endurance_text,
    }
    return (
        table_of(
            "Bit errors",
            rows,
            {**bit_errors, **comparison},
            numeric=("reference",),
            is_titled=False,
        ),
        table_of(
            "Energy and endurance", rows, {"condition": "condition", **rest}, place="terminal"
        ),
    )


def basis_text(row: Record, name: str = "ber") -> str:
    """Return where a BER is from, whether it is extrapolated, and what it is pooled over."""
    ber, over = row.interval(name), row.text("pooled_over")
    together = f", all {over} together" if over and ber.is_known else ""
    return numbers.basis(ber) + together


def cell_text(row: Record, examination: Examination) -> str:
    """Return that all readings behind a BER are of one cell, empty where they are not."""
    populations = examination.products["populations"]
    if row["condition"] not in populations["condition"].values:
        return ""
    states = populations.sel(condition=row["condition"])
    readings = sum(states[name].values for name in _READINGS)
    is_one = bool(np.all(states["cells"].values == 1) and np.any(readings > 1))
    return ", of one cell" if is_one and row.interval("ber").is_known else ""


def fit_text(row: Record) -> str:
    """Return the BER of the fits where it does not lead, empty where it does or there is none."""
    fitted, leading = row.interval("ber_fitted"), row.interval("ber")
    if not fitted.is_known or (leading.basis == "fitted" and not leading.bound):
        return ""
    return numbers.bit_error_rate(fitted)


def counted_text(row: Record, counted: xr.Dataset) -> str:
    """Return the errors counted, with the BER that they show unless it is the one that leads."""
    text = errors_text(row["condition"], counted)
    is_leading = row.interval("ber").basis == "counted"
    return text.removesuffix(f", {ber_text(row)}") if is_leading else text


def errors_text(name: str, counted: xr.Dataset) -> str:
    """Return the errors counted of a condition, and the BER that they show or rule out."""
    (whole,) = records(counted)
    if not whole.has(condition=name):
        return NO_READINGS
    row = whole.at(condition=name)
    errors, readings, undecided = (
        row.total(count, "state") for count in ("errors", "readings", "undecided")
    )
    found = f"{errors:,} of {readings:,}" + (f" ({undecided:,} undecided)" if undecided else "")
    bound, ber = row.number("ber_less_than"), row.interval("ber")
    if bound is not None:
        return f"{found}, {numbers.bounded(numbers.power(bound), 'upper')}"
    return f"{found}, {numbers.bit_error_rate(ber)}" if ber.has_ends else found


def least_text(name: str, counted: xr.Dataset) -> str:
    """Return how many errors are counted where they are least, and where that is."""
    (whole,) = records(counted)
    if not whole.has(condition=name):
        return numbers.UNKNOWN
    row = whole.at(condition=name)
    if "least_errors" not in row or math.isnan(row["least_reference"]):
        return numbers.UNKNOWN
    middle, low, high = (
        numbers.quantity(row[f"least_reference{end}"], "Ω") for end in ("", "_low", "_high")
    )
    ends = "" if low == high else f" ({low} to {high})"
    return f"{row['least_errors']:,} of {row['least_readings']:,} at {middle}{ends}"


def endurance_text(row: Record) -> str:
    """Return the endurance of a condition and where it is from."""
    cycles = row.interval("endurance")
    known = numbers.interval(cycles)
    return f"{known}, {cycles.basis}" if cycles.is_known else known


def pairs_table(examination: Examination) -> TextTable:
    """Return the BER of two cells a bit beside that of one; None where there is none."""
    products = examination.products
    conditions = products["conditions"].sel(condition=products["counted"]["condition"].values)
    spread = conditions.attrs["offset_spread"]
    offset = (
        f"Offset of the sense amplifiers: {numbers.plain(spread)} in ln R."
        if spread
        else "Sense amplifiers without offset."
    )
    return table_of(
        "One cell a bit (1T1R) and two (2T2R)",
        [row for row in records(conditions, "condition") if row.interval("ber_2t2r").is_known],
        {
            "condition": "condition",
            "BER 1T1R": Sorted(ber_text, "ber"),
            "BER 2T2R, pairs of independent cells": Sorted(
                lambda row: ber_text(row, "ber_2t2r"), "ber_2t2r"
            ),
            "BER 2T2R is": lambda row: basis_text(row, "ber_2t2r") + cell_text(row, examination),
        },
        remark="2T2R reads a cell in LRS against one in HRS, so it needs no reference; it takes "
        f"twice the cells and programs both. Pairs are taken as independent cells "
        f"(correlation {numbers.plain(conditions.attrs['pair_correlation'])}). {offset}",
    )


def targets_table(examination: Examination) -> TextTable:
    """Return how many cells would show the BER asked for."""
    return table_of(
        "How many cells more",
        records(examination.products["sample_sizes"], "condition"),
        {"condition": "condition", "answer": "sentence"},
        is_titled=False,
    )


def energies_table(examination: Examination) -> TextTable | None:
    """Return energies and what they were programmed with, as far as anything is known."""
    rows = records(examination.products["conditions"], "condition")
    columns: dict[str, CellText] = {
        "SET energy": Sorted(lambda row: energy_text(row, "set_energy"), "set_energy"),
        "RESET energy": Sorted(lambda row: energy_text(row, "reset_energy"), "reset_energy"),
        **{setting.label: setting.name for setting in settings()},
    }
    known = {
        header: column
        for header, column in columns.items()
        if {in_words(row, column) for row in rows} != {numbers.UNKNOWN}
    }
    if not known:
        return None
    return table_of(
        "Energy of one programming operation",
        rows,
        {"condition": "condition", **known},
        place="page",
        is_titled=False,
    )


def read_energy_table(examination: Examination) -> TextTable:
    """Return the energy of a read."""
    energy = examination.products["read_energy"]
    pulse = " for ".join(
        numbers.quantity(energy.attrs[name], unit)
        for name, unit in (("read_voltage", "V"), ("read_time", "s"))
    )

    def of_state(state: str) -> CellText:
        return Sorted(
            lambda row: numbers.quantity(row.at(state=state)["energy"], "J"),
            lambda row: float(row.at(state=state)["energy"]),
        )

    return table_of(
        "Energy of a read",
        records(energy, "condition"),
        {
            "condition": "condition",
            **{state: of_state(state) for state in STATES},
            "mean": "energy_per_read",
            "energy is": "basis",
        },
        remark=f"Read pulse: {pulse}. Covers {energy.attrs['covers']}.",
    )


def variance_table(examination: Examination) -> TextTable:
    """Return the parts of the variance of ln R."""
    variance = examination.products["variance"]
    of_part = variance["share"].notnull().any(("condition", "state"))
    parts = variance["component"].values[of_part.values].tolist()

    def share(part: str) -> CellText:
        def percent(row: Record) -> str:
            known = row.at(component=part).number("share")
            return NONE if known is None else numbers.percent(known, 0)

        return percent

    numeric: Columns = {
        "readings": "readings",
        "sigma of ln R": _whole_sigma,
        **{f"{part}s": share(part) for part in parts},
    }
    is_timed = "retention" in examination.products and "cycle" in parts
    return table_of(
        "Sources of the variance of ln R",
        records(variance, "condition", "state"),
        {**same("condition", "state"), **numeric},
        numeric=tuple(numeric),
        remark="“Between cycles” is between readings of one cell and includes the drift with time."
        if is_timed
        else "",
        is_titled=False,
    )


def _whole_sigma(row: Record) -> str:
    parts = [part.number("variance") or 0.0 for part in row.by("component")]
    total = math.fsum(parts)
    return numbers.plain(math.sqrt(total)) if total else numbers.UNKNOWN


def rates_table(examination: Examination) -> TextTable:
    """Return the cells that always read like the other state, or like neither."""
    return table_of(
        "Stuck and outlying cells",
        [
            row
            for row in populations_and_goodness(examination)
            if row["stuck_cells"] or row["outlying_cells"]
        ],
        {
            **same("condition", "state", "cells"),
            "stuck": lambda row: _rate(row, "stuck"),
            "outlying": lambda row: _rate(row, "outlying"),
        },
        remark="Stuck: always reads like the other state. Outlying: like neither state. These "
        "cells remain in the fit and in every count.",
        place="page",
    )


def _rate(row: Record, kind: str) -> str:
    rate = numbers.interval(row.interval(f"{kind}_rate"), numbers.percent)
    return f"{row[f'{kind}_cells']:,}: {rate}"


def outliers(dataset: xr.Dataset) -> list[dict[str, Any]]:
    """Return the readings beyond their population, with the names of condition and state."""
    names, states = (dataset[name].values.tolist() for name in ("condition", "state"))
    return [
        {
            "condition": names[row["condition_index"]],
            "state": states[row["state_index"]],
            "cell": None if row["cell"] < 0 else row["cell"],
            "cycle": None if row["cycle"] < 0 else row["cycle"],
            "resistance_ohm": row["resistance"],
            "distance_sigma": row["z"],
            "kind": row["kind"],
        }
        for row in records(dataset, "outlier")
    ]


def outliers_table(examination: Examination) -> TextTable | None:
    """Return the cells whose readings are the furthest from their population, each once."""
    dataset = examination.products["outliers"]
    size = dataset.sizes["outlier"]
    if not size:
        return None
    cells = _by_cell(outliers(dataset))
    shown = cells[:_MOST_OUTLIERS]
    columns = ("condition", "state", "cell", "readings", "cycles", "furthest")
    what = "reading" if size == 1 else "readings"
    return TextTable(
        title=f"{size:,} {what} beyond their population",
        columns=(*columns, "distance (σ of the body)", "reads"),
        rows=tuple(map(_outlying_cell, shown)),
        numeric=("readings",),
        remark=f"The furthest {len(shown)} of {len(cells):,} cells; every reading is in "
        "outliers.csv."
        if len(cells) > len(shown)
        else "",
        place="page",
    )


def _by_cell(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the readings of each cell that is out, the furthest first; unnamed cells are apart."""
    cells: dict[tuple[object, ...], list[dict[str, Any]]] = {}
    for number, row in enumerate(rows):
        unnamed = number if row["cell"] is None else -1
        key = (row["condition"], row["state"], row["kind"], row["cell"], unnamed)
        cells.setdefault(key, []).append(row)
    # The furthest first: they are the ones to look at.
    by_reading = [sorted(cell, key=_distance, reverse=True) for cell in cells.values()]
    return sorted(by_reading, key=lambda cell: _distance(cell[0]), reverse=True)


def _distance(row: dict[str, Any]) -> float:
    return abs(float(row["distance_sigma"]))


def _outlying_cell(readings: list[dict[str, Any]]) -> tuple[str, ...]:
    furthest = readings[0]
    cycles = sorted({row["cycle"] for row in readings if row["cycle"] is not None})
    if not cycles:
        when = NONE
    elif len(cycles) <= _CYCLES_NAMED:
        when = ", ".join(f"{cycle:,}" for cycle in cycles)
    else:
        when = f"{len(cycles):,} from {cycles[0]:,} to {cycles[-1]:,}"
    return (
        furthest["condition"],
        furthest["state"],
        NONE if furthest["cell"] is None else str(furthest["cell"]),
        f"{len(readings):,}",
        when,
        numbers.quantity(furthest["resistance_ohm"], "Ω"),
        numbers.plain(furthest["distance_sigma"], 2).replace("-", "−"),
        furthest["kind"],
    )


def attempts_table(examination: Examination) -> TextTable:
    """Return the mean attempts of program-and-verify, and the energy that has them in it."""
    (conditions,) = records(examination.products["conditions"])

    def energy(row: Record) -> str:
        name = f"{OPERATIONS[row['state']].lower()}_energy"
        return energy_text(conditions.at(condition=row["condition"]), name)

    return table_of(
        "Attempts until verified",
        _attempts(examination),
        {
            "condition": "condition",
            "operation": lambda row: OPERATIONS[row["state"]],
            "operations": "operations",
            "cells": "cells",
            "mean attempts": "mean",
            "most": lambda row: (
                numbers.plain(row["most"])
                + (f", {row['at_most']:,} times" if row["at_most"] else "")
            ),
            "energy": energy,
        },
        numeric=("operations", "cells"),
        remark="A computed energy is that of one pulse times the mean attempts, without the "
        "verifying reads; a measured or stated energy is taken for the whole operation.",
        is_titled=False,
    )


def residuals_table(examination: Examination) -> TextTable:
    """Return the share of operations that is not verified within some pulses."""
    rows = [row for place in _attempts(examination) for row in place.by("limit")]

    def left(row: Record) -> str:
        share = row.interval("residual")
        if share.estimate == 0:
            return numbers.bounded(numbers.power(share.high), "upper")
        return numbers.interval(share)

    return table_of(
        "Not verified within a number of pulses",
        [row for row in rows if row["limit"] <= row["most"]],
        {
            "condition": "condition",
            "operation": lambda row: OPERATIONS[row["state"]],
            "pulses": "limit",
            "share left": left,
            "if all are alike, p^K": lambda row: numbers.power(row["residual_alike"]),
            "if cells differ": lambda row: numbers.power(row["residual_unlike"]),
        },
        numeric=("pulses",),
        remark="p^K holds only if every attempt fails with the same probability in all cells; if "
        "cells differ, the beta-geometric law gives the share left.",
    )


def _attempts(examination: Examination) -> list[Record]:
    rows = records(examination.products["verification"], "condition", "state")
    return [row for row in rows if row["operations"]]
