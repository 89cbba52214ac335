"""The report of a fit: one HTML page that needs nothing beside itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rramsim import formatting as numbers
from rramsim.report.fit import lifetime_tables as aging
from rramsim.report.fit import tables
from rramsim.report.fit.notes import ORIGIN_WORDS, grouped_notes, interval_notes
from rramsim.report.html import inlined, template
from rramsim.report.text_table import NONE, TextTable, names_of
from rramsim.schema import STATES, settings

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from rramsim.device.examination import Examination
    from rramsim.measurements import Measured
    from rramsim.report.provenance import Provenance

_MOST_OUTLIERS = 15


def render_fit(
    examination: Examination,
    measured: Measured,
    figures: Mapping[str, Figure],
    provenance: Provenance,
) -> str:
    """Return the report of a fit as one HTML page, the same for the same findings.

    Parameters
    ----------
    examination : Examination
    measured : Measured
    figures : mapping of str to matplotlib.figure.Figure
        As `draw_fit_figures` gives them.
    provenance : Provenance
        What the fit was made from.
    """
    found = examination.products
    return template("fit_page.html").render(
        headlines=[_headline(name, found) for name in names_of(found["conditions"])],
        origin=ORIGIN_WORDS[measured.origin],
        populations=tables.populations_table(found),
        sentences=_verdicts(found),
        percentiles=_percentiles_table(found["percentiles"]),
        conditions=_narrow(tables.conditions_table(found)),
        pairs=tables.pairs_table(found),
        targets=tables.targets_table(examination),
        energies=_energies_table(found),
        read_energy=tables.read_energy_table(examination),
        endurance=aging.endurance_table(examination),
        cycling=aging.cycling_table(examination),
        checkpoints=aging.checkpoints_table(examination),
        drift=aging.drift_table(examination),
        retention=aging.retention_table(examination),
        bake=aging.bake_table(examination),
        variance=tables.variance_table(examination),
        rates=_rates_table(found),
        outliers=_outliers_table(found["outliers"]),
        absent=_absent(examination),
        notes=grouped_notes(examination, measured),
        intervals=interval_notes(examination),
        figures=inlined(figures),
        provenance=provenance,
    )


def _headline(name: str, found: Mapping[str, xr.Dataset]) -> dict[str, str]:
    row = found["conditions"].sel(condition=name)
    basis = tables.basis_text(row)
    said = []
    reference = float(row["reference_resistance"].values)
    if not math.isnan(reference):
        said.append(f"read at {numbers.quantity(reference, 'Ω')}")
    said += _energies(row)
    endurance = tables.endurance_text(row)
    if endurance != numbers.UNKNOWN:
        said.append(f"endurance {endurance.replace(',', ' cycles,')}")
    return {
        "name": name,
        "ber": tables.ber_text(row) + ("" if basis == numbers.UNKNOWN else f", {basis}"),
        "rest": _sentence("; ".join(said)),
    }


def _sentence(text: str) -> str:
    """Return `text` with a capital, and the rest as it is: Ω and SET keep their case."""
    return text[:1].upper() + text[1:]


def _energies(row: xr.Dataset) -> list[str]:
    known = [
        (operation.upper(), float(row[f"{operation}_energy"].values), str(basis.values))
        for operation in ("set", "reset")
        for basis in [row[f"{operation}_energy_basis"]]
        if str(basis.values) != "unknown"
    ]
    words = [f"{operation} {numbers.quantity(joule, 'J')}" for operation, joule, _ in known]
    bases = [basis for *_, basis in known]
    if len(set(bases)) == 1:
        return [f"{' and '.join(words)}, {bases[0]}"]
    return [f"{text}, {basis}" for text, basis in zip(words, bases, strict=True)]


def _verdicts(found: Mapping[str, xr.Dataset]) -> list[str]:
    """Return why a population is not lognormal, a sentence each."""
    return [
        f"{name}, {state}: {row['sentence'].values}"
        for name in names_of(found["goodness"])
        for state in STATES
        for row in [found["goodness"].sel(condition=name, state=state)]
        if str(row["verdict"].values) != "holds" and str(row["sentence"].values)
    ]


def _narrow(table: TextTable) -> TextTable:
    """Leave out the energies and the endurance, which have sections of their own."""
    return TextTable(
        title="Bit errors",
        columns=table.columns[:5],
        rows=tuple(row[:5] for row in table.rows),
    )


def _percentiles_table(percentiles: xr.Dataset) -> TextTable:
    rows = []
    for name in names_of(percentiles):
        for state in STATES:
            row = percentiles.sel(condition=name, state=state)
            rows.append((name, state, *(_percentile(row, each) for each in row["percent"].values)))
    return TextTable(
        title="Percentiles of the fitted populations",
        columns=(
            *("condition", "state"),
            *(f"{percent:g}\N{NO-BREAK SPACE}%" for percent in percentiles["percent"].values),
        ),
        rows=tuple(rows),
        remark=(
            "Each with its 95 % interval. With an asterisk: extrapolated, further out than one "
            "reading in the sample. Where the lognormal does not hold, they describe the fit and "
            "not the cells."
        ),
    )


def _percentile(row: xr.Dataset, percent: float) -> str:
    at = row.sel(percent=percent)
    ohm = [float(at[f"resistance{end}"].values) for end in ("", "_low", "_high")]
    mark = "*" if bool(at["extrapolated"].values) else ""
    value, low, high = (numbers.quantity(each, "Ω") for each in ohm)
    return value if value == numbers.UNKNOWN else f"{value}{mark}\n{low} to {high}"


def _energies_table(found: Mapping[str, xr.Dataset]) -> TextTable | None:
    """Return energies and what they were programmed with, as far as anything is known."""
    names = names_of(found["conditions"])
    rows = [found["conditions"].sel(condition=name) for name in names]
    columns = {
        f"{operation.upper()} energy": [
            tables.energy_text(row, f"{operation}_energy") for row in rows
        ]
        for operation in ("set", "reset")
    }
    for setting in settings():
        columns[setting.label] = [
            numbers.quantity(float(row[setting.name].values), setting.unit) for row in rows
        ]
    known = {header: texts for header, texts in columns.items() if set(texts) != {numbers.UNKNOWN}}
    if not known:
        return None
    return TextTable(
        title="Energy of one programming operation",
        columns=("condition", *known),
        rows=tuple(zip(names, *known.values(), strict=True)),
    )


def _rates_table(found: Mapping[str, xr.Dataset]) -> TextTable | None:
    rows = []
    for name in names_of(found["goodness"]):
        for state in STATES:
            row = found["goodness"].sel(condition=name, state=state)
            cells = int(found["populations"]["cells"].sel(condition=name, state=state).values)
            counts = [int(row[f"{kind}_cells"].values) for kind in ("stuck", "outlying")]
            if any(counts):
                rows.append(
                    (name, state, f"{cells:,}", *(_rate(row, k) for k in ("stuck", "outlying")))
                )
    if not rows:
        return None
    return TextTable(
        title="Stuck and outlying cells",
        columns=("condition", "state", "cells", "stuck", "outlying"),
        rows=tuple(rows),
        remark=(
            "Stuck: always reads like the other state. Outlying: like neither. They stay in the "
            "fit and in every count."
        ),
    )


def _rate(row: xr.Dataset, kind: str) -> str:
    rate, low, high = (
        numbers.percent(float(row[f"{kind}_rate{end}"].values), 2) for end in ("", "_low", "_high")
    )
    return f"{int(row[f'{kind}_cells'].values):,}: {rate} ({low} to {high})"


def _outliers_table(outliers: xr.Dataset) -> TextTable | None:
    size = outliers.sizes["outlier"]
    if not size:
        return None
    # The furthest first: they are the ones to look at.
    order = abs(outliers["z"].values).argsort()[::-1][:_MOST_OUTLIERS]
    rows = []
    for place in order:
        row = outliers.isel(outlier=int(place))
        cell = int(row["cell"].values)
        rows.append(
            (
                str(outliers["condition"].values[int(row["condition_index"].values)]),
                str(outliers["state"].values[int(row["state_index"].values)]),
                NONE if cell < 0 else str(cell),
                numbers.quantity(float(row["resistance"].values), "Ω"),
                numbers.plain(float(row["z"].values), 2).replace("-", "−"),
                str(row["kind"].values),
            )
        )
    left = size - len(rows)
    return TextTable(
        title=f"{size:,} {'reading' if size == 1 else 'readings'} beyond their population",
        columns=("condition", "state", "cell", "resistance", "distance (σ of the body)", "reads"),
        rows=tuple(rows),
        remark=f"The furthest {len(rows)}; all are in outliers.csv." if left else "",
    )


def _absent(examination: Examination) -> list[str]:
    """Say what the readings or the questions leave out, and what would bring it."""
    found = examination.products
    said = [
        ("sample_sizes" not in found, "How many cells would show a BER: ask with --target-ber."),
        ("read_energy" not in found, "Energy of a read: ask with --read-pulse."),
        (
            "endurance" not in found,
            "Endurance and BER against cycles: they take readings of named cells at two cycles or "
            "more (columns cell and cycle).",
        ),
        (
            "retention" not in found,
            "Retention: it takes readings at two times or more (a column time, in any unit).",
        ),
        (
            "variance" not in found,
            "Parts of the variance: they take cells read more than once, or columns row and "
            "column, or die.",
        ),
    ]
    return [sentence for is_absent, sentence in said if is_absent]
