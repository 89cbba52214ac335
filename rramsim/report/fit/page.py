"""The report of a fit: one HTML page that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rramsim.report.fit.findings import findings
from rramsim.report.fit.notes import ORIGIN_WORDS, doubts, grouped_notes
from rramsim.report.fit.sections import SECTIONS, absent_sections, interval_notes
from rramsim.report.html import template
from rramsim.report.section import Part, Picture
from rramsim.report.text_table import TextTable

if TYPE_CHECKING:
    from markupsafe import Markup

    from rramsim.device.examination import Examination
    from rramsim.report.provenance import Provenance


def render_fit(
    examination: Examination, figures: Mapping[str, Markup], provenance: Provenance
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
    """
    return template("fit_page.html").render(
        findings=findings(examination),
        doubts=doubts(examination),
        origin=ORIGIN_WORDS[examination.measured.origin],
        sections=_sections(examination),
        absent=absent_sections(examination),
        notes=grouped_notes(examination),
        intervals=interval_notes(examination),
        figures=figures,
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
