"""The report of a fit: one HTML page that needs nothing beside itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rramsim import formatting as numbers
from rramsim.report.fit import tables
from rramsim.report.fit.notes import ORIGIN_WORDS, grouped_notes
from rramsim.report.fit.sections import SECTIONS, absent_sections, interval_notes
from rramsim.report.html import inlined, template
from rramsim.report.section import Part, Picture
from rramsim.report.text_table import TextTable, ber_text
from rramsim.schema import Record, records

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rramsim.device.examination import Examination
    from rramsim.report.provenance import Provenance


def render_fit(
    examination: Examination, figures: Mapping[str, Figure], provenance: Provenance
) -> str:
    """Return the report of a fit as one HTML page, the same for the same findings.

    Parameters
    ----------
    examination : Examination
    figures : mapping of str to matplotlib.figure.Figure
        Each plot of `rramsim.report.fit.sections.fit_plots`.
    provenance : Provenance
        What the fit was made from.
    """
    conditions = examination.products["conditions"]
    return template("fit_page.html").render(
        headlines=[_headline(row) for row in records(conditions, "condition")],
        origin=ORIGIN_WORDS[examination.measured.origin],
        sections=_sections(examination),
        absent=absent_sections(examination),
        notes=grouped_notes(examination),
        intervals=interval_notes(examination),
        figures=inlined(figures),
        provenance=provenance,
    )


def _sections(examination: Examination) -> list[tuple[bool, str, list[tuple[str, Part]]]]:
    """Return of each section if it continues the one before, its heading, and its parts."""
    sections = []
    for section in SECTIONS:
        parts = [(_kind(part), part) for part in section.parts_of(examination)]
        shown = [(kind, part) for kind, part in parts if kind != "terminal"]
        heading = section.heading_of(examination) if shown else ""
        sections.append((section.continues, heading, shown))
    return sections


def _kind(part: Part) -> str:
    if isinstance(part, TextTable):
        return "terminal" if part.place == "terminal" else "table"
    if isinstance(part, Picture):
        return "figure"
    return "paragraph" if isinstance(part, str) else "bullets"


def _headline(row: Record) -> dict[str, Any]:
    basis, ber = tables.basis_text(row), ber_text(row)
    facts = []
    if not math.isnan(row["reference_resistance"]):
        facts.append(f"read at {numbers.quantity(row['reference_resistance'], 'Ω')}")
    facts += _energies(row)
    endurance = row.interval("endurance")
    if endurance.is_known:
        facts.append(f"endurance {numbers.interval(endurance)} cycles, {endurance.basis}")
    rest = "; ".join(facts)
    return {
        "name": row["condition"],
        "ber": ber if basis == numbers.UNKNOWN else f"{ber}, {basis}",
        # A capital, and the rest as it is: Ω and SET keep their case.
        "rest": rest[:1].upper() + rest[1:],
    }


def _energies(row: Record) -> list[str]:
    known = [
        (f"{operation.upper()} {numbers.quantity(row[f'{operation}_energy'], 'J')}", basis)
        for operation in ("set", "reset")
        for basis in [row[f"{operation}_energy_basis"]]
        if basis != "unknown"
    ]
    if len({basis for _, basis in known}) == 1:
        return [f"{' and '.join(energy for energy, _ in known)}, {known[0][1]}"]
    return [f"{energy}, {basis}" for energy, basis in known]
