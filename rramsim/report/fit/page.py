"""The report of a fit: one HTML page that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rramsim.report.fit.findings import findings
from rramsim.report.fit.notes import ORIGIN_WORDS, doubts, grouped_notes
from rramsim.report.fit.sections import SECTIONS, absent_sections, interval_notes
from rramsim.report.html import render_page
from rramsim.report.section import Part, Picture
from rramsim.report.text_table import TextTable

if TYPE_CHECKING:
    from markupsafe import Markup

    from rramsim.device.examination import Examination
    from rramsim.report.provenance import Provenance


FILES = {
    "conditions.csv": "bit-error rate, energy and endurance, a row a condition",
    "populations.csv": "the fitted populations, a row a condition and state",
    "percentiles.csv": "percentiles of the readings and of the fits",
    "outliers.csv": "every reading beyond its population",
    "verification.csv": "attempts of program and verify",
    "retention.csv": "resistances and bit-error rate against time",
    "aging.csv": "error rates after so many cycles and so much time",
    "conditions.nc": "the conditions with units and provenance; rramsim tradeoff takes it",
    "populations.nc": "the populations with units and provenance",
    "provenance.json": "what this was made from",
}
"""What the files beside the page hold, by name."""


def render_fit(
    examination: Examination,
    figures: Mapping[str, Markup],
    provenance: Provenance,
    files: Mapping[str, str] | None = None,
) -> str:
    """Return the report of a fit as one HTML page, the same for the same findings.

    Parameters
    ----------
    examination : Examination
    figures : mapping of str to markupsafe.Markup
        Each plot of `rramsim.report.fit.sections.fit_plots`, as
        `rramsim.report.html.inlined` gives them.
    provenance : Provenance
        What the fit was made from.
    files : mapping of str to str, optional
        What lies beside the page, as `rramsim.report.html.files_beside` gives it.
    """
    return render_page(
        "fit_page.html",
        findings=findings(examination),
        doubts=doubts(examination),
        origin=ORIGIN_WORDS[examination.measured.origin],
        sections=_sections(examination),
        absent=absent_sections(examination),
        notes=grouped_notes(examination),
        intervals=interval_notes(examination),
        figures=figures,
        provenance=provenance,
        files=files or {},
    )


def _sections(examination: Examination) -> list[tuple[bool, str, str, list[tuple[str, Part]]]]:
    """Return of each section if it continues the one before, its id, heading and parts."""
    sections = []
    for section in SECTIONS:
        parts = [(_kind(part), part) for part in section.parts_of(examination)]
        shown = [(kind, part) for kind, part in parts if kind != "terminal"]
        heading = section.heading_of(examination) if shown else ""
        sections.append((section.continues, section.id, heading, shown))
    return sections


def _kind(part: Part) -> str:
    if isinstance(part, TextTable):
        return "terminal" if part.place == "terminal" else "table"
    if isinstance(part, Picture):
        return "figure"
    return "paragraph" if isinstance(part, str) else "bullets"
