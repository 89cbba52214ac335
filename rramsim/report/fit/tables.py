"""The tables of a fit as text, the same in the terminal and in the report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rramsim import formatting as numbers
from rramsim.schema import STATES

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.device.examination import Examination

from rramsim.report.text_table import NONE, TextTable, names_of


def populations_table(found: Mapping[str, xr.Dataset]) -> TextTable:
    """Return the fitted populations, with the verdict on each."""
    rows = []
    for name in names_of(found["populations"]):
        for state in STATES:
            row = found["populations"].sel(condition=name, state=state)
            below, above = int(row["censored_below"].values), int(row["censored_above"].values)
            rows.append(
                (
                    name,
                    state,
                    f"{int(row['cells'].values):,}",
                    f"{int(row['exact'].values) + below + above:,}",
                    _censored(below, above),
                    _median(row),
                    numbers.plain(float(row["sigma"].values)),
                    _verdict(found["goodness"].sel(condition=name, state=state)),
                )
            )
    numeric = ("cells", "readings", "censored", "median", "sigma of ln R")
    return TextTable(
        title="Populations",
        columns=("condition", "state", *numeric, "lognormal"),
        rows=tuple(rows),
        numeric=numeric,
    )


def _median(row: xr.Dataset) -> str:
    """Return the fitted median, or on which side it is of the limits of all readings."""
    mu = float(row["mu"].values)
    exact, below, above = (
        int(row[name].values) for name in ("exact", "censored_below", "censored_above")
    )
    # The limit itself is in the note on the population.
    if math.isnan(mu) and not exact and bool(below) != bool(above):
        return "above range" if above else "below range"
    return numbers.quantity(math.exp(mu), "Ω")


def _verdict(row: xr.Dataset) -> str:
    verdict = str(row["verdict"].values)
    if verdict != "tail":
        return verdict
    return f"tail, {numbers.percent(float(row['tail_share'].values), 1)} of readings"


def _censored(below: int, above: int) -> str:
    said = [f"{count:,} {word}" for count, word in ((below, "below"), (above, "above")) if count]
    return ", ".join(said) or "0"


def conditions_table(found: Mapping[str, xr.Dataset]) -> TextTable:
    """Return what the populations make of each condition."""
    percent = numbers.percent(float(found["conditions"].attrs["confidence"]), 0)
    rows = []
    for name in names_of(found["conditions"]):
        row = found["conditions"].sel(condition=name)
        rows.append(
            (
                name,
                numbers.quantity(float(row["reference_resistance"].values), "Ω"),
                ber_text(row),
                basis_text(row),
                errors_text(name, found["counted"]),
                energy_text(row, "set_energy"),
                energy_text(row, "reset_energy"),
                endurance_text(row),
            )
        )
    return TextTable(
        title="Conditions",
        columns=(
            *("condition", "reference", f"BER ({percent} interval)", "BER is", "errors counted"),
            *("SET energy", "RESET energy", "endurance"),
        ),
        rows=tuple(rows),
        numeric=("reference",),
    )


def ber_text(row: xr.Dataset, name: str = "ber") -> str:
    """Return a BER of a condition (`name`, ``ber`` or ``ber_2t2r``) with its interval."""
    ber, low, high = (float(row[f"{name}{end}"].values) for end in ("", "_low", "_high"))
    return numbers.bit_error_rate(ber, low, high, bound=str(row[f"{name}_bound"].values))


def basis_text(row: xr.Dataset, name: str = "ber") -> str:
    """Return where a BER is from, whether it is extrapolated, and what it is pooled over."""
    if math.isnan(float(row[name].values)) and math.isnan(float(row[f"{name}_high"].values)):
        return numbers.UNKNOWN
    extrapolated = bool(row[f"{name}_extrapolated"].values)
    over = str(row["pooled_over"].values) if "pooled_over" in row else ""
    return (
        str(row[f"{name}_basis"].values)
        + (", extrapolated" if extrapolated else "")
        + (f", all {over} together" if over else "")
    )


def errors_text(name: str, counted: xr.Dataset) -> str:
    """Return the errors counted of a condition."""
    if name not in counted["condition"].values:
        return "no readings"
    row = counted.sel(condition=name)
    undecided = int(row["undecided"].sum())
    said = f"{int(row['errors'].sum()):,} of {int(row['readings'].sum()):,}"
    return f"{said} ({undecided:,} undecided)" if undecided else said


def energy_text(row: xr.Dataset, name: str) -> str:
    """Return an energy and where it is from."""
    joule, basis = float(row[name].values), str(row[f"{name}_basis"].values)
    return numbers.UNKNOWN if math.isnan(joule) else f"{numbers.quantity(joule, 'J')}, {basis}"


def endurance_text(row: xr.Dataset) -> str:
    """Return the endurance of a condition and where it is from."""
    cycles, basis = float(row["endurance"].values), str(row["endurance_basis"].values)
    if math.isnan(cycles):
        return numbers.UNKNOWN
    return f"{numbers.bounded(numbers.power(cycles), str(row['endurance_bound'].values))}, {basis}"


def pairs_table(found: Mapping[str, xr.Dataset]) -> TextTable | None:
    """Return the BER of two cells a bit beside that of one; None where there is none."""
    rows = []
    for name in names_of(found["counted"]):
        row = found["conditions"].sel(condition=name)
        paired = basis_text(row, "ber_2t2r")
        if paired != numbers.UNKNOWN:
            rows.append((name, ber_text(row), ber_text(row, "ber_2t2r"), paired))
    if not rows:
        return None
    spread = float(found["conditions"].attrs["offset_spread"])
    return TextTable(
        title="One cell a bit (1T1R) and two (2T2R)",
        columns=("condition", "BER 1T1R", "BER 2T2R", "BER 2T2R is"),
        rows=tuple(rows),
        remark=(
            "2T2R reads a cell in LRS against one in HRS, so it needs no reference; it takes twice "
            "the cells and programs both. "
            + (
                f"Offset of the sense amplifiers: {numbers.plain(spread)} in ln R."
                if spread
                else "Sense amplifiers without offset."
            )
        ),
    )


def targets_table(examination: Examination) -> TextTable | None:
    """Return how many cells would show the BER asked for; None where none was asked for."""
    sizes = examination.products.get("sample_sizes")
    if sizes is None:
        return None
    return TextTable(
        title="How many cells more",
        columns=("condition", "answer"),
        rows=tuple(
            (name, str(sizes["sentence"].sel(condition=name).values)) for name in names_of(sizes)
        ),
    )


def variance_table(examination: Examination) -> TextTable | None:
    """Return the parts of the variance of ln R; None where it cannot be split."""
    variance = examination.products.get("variance")
    if variance is None:
        return None
    shares = variance["share"].transpose("condition", "state", "component")
    shown = [str(part) for part in variance["component"].values]
    shown = [part for part in shown if shares.sel(component=part).notnull().any()]
    rows = []
    for name in names_of(variance):
        for state in STATES:
            row = variance.sel(condition=name, state=state)
            total = float(row["variance"].sum())
            parts = [row.sel(component=part) for part in shown]
            rows.append(
                (
                    *(name, state, f"{int(row['readings'].values):,}"),
                    numbers.plain(math.sqrt(total)) if total else numbers.UNKNOWN,
                    *(_share(part) for part in parts),
                )
            )
    numeric = ("readings", "sigma of ln R", *(f"{part}s" for part in shown))
    is_timed = "retention" in examination.products and "cycle" in shown
    return TextTable(
        title="Where the variance of ln R is from",
        columns=("condition", "state", *numeric),
        rows=tuple(rows),
        numeric=numeric,
        remark="Between cycles is between readings of one cell: the drift with time is in it."
        if is_timed
        else "",
    )


def _share(part: xr.Dataset) -> str:
    share = float(part["share"].values)
    return NONE if math.isnan(share) else numbers.percent(share, 0)


def read_energy_table(examination: Examination) -> TextTable | None:
    """Return the energy of a read; None without a read pulse."""
    energy = examination.products.get("read_energy")
    if energy is None:
        return None
    pulse = " for ".join(
        numbers.quantity(float(energy.attrs[name]), unit)
        for name, unit in (("read_voltage", "V"), ("read_time", "s"))
    )
    return TextTable(
        title="Energy of a read",
        columns=("condition", *STATES, "mean", "energy is"),
        rows=tuple(
            (
                name,
                *(
                    numbers.quantity(float(energy["energy"].sel(condition=name, state=state)), "J")
                    for state in STATES
                ),
                numbers.quantity(float(energy["energy_per_read"].sel(condition=name)), "J"),
                str(energy["basis"].sel(condition=name).values),
            )
            for name in names_of(energy)
        ),
        remark=f"Read pulse: {pulse}. Covers {energy.attrs['covers']}.",
    )
