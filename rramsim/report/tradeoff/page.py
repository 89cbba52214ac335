"""The report: one HTML page that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from rramsim import formatting as numbers
from rramsim.decision.join import ASSUMPTIONS
from rramsim.decision.recommend import training_words
from rramsim.report.html import render_page
from rramsim.report.tradeoff import rows
from rramsim.report.tradeoff.exports import is_recommended
from rramsim.schema import records

if TYPE_CHECKING:
    from markupsafe import Markup

    from rramsim.report.tradeoff.findings import Findings


FILES = {
    "tradeoff.csv": "every point, a row a network and condition",
    "tradeoff.nc": "the same with units and provenance",
    "accuracy.nc": "accuracy of each network against the bit-error rate",
    "conditions.nc": "the conditions",
    "populations.nc": "the populations of the cells",
    "tallies.csv": "how each simulated chip did",
    "study.toml": "every setting",
    "provenance.json": "what this was made from",
}
"""What the files beside the page hold, by name."""


def render(
    findings: Findings, figures: Mapping[str, Markup], files: Mapping[str, str] | None = None
) -> str:
    """Return the report as one HTML page, the same for the same findings.

    The page loads nothing: figures, style and a short script lie in it, and it forbids the
    browser the rest. Text from users' files is escaped.

    Parameters
    ----------
    findings : Findings
    figures : mapping of str to markupsafe.Markup
        What `draw_figures` gives, as `rramsim.report.html.inlined` gives it.
    files : mapping of str to str, optional
        What lies beside the page, as `rramsim.report.html.files_beside` gives it.

    Returns
    -------
    str
    """
    attrs = findings.tradeoff.attrs
    points = rows.points_of(findings.tradeoff)
    return render_page(
        "page.html",
        findings=findings,
        headline=_headline(findings),
        networks=[_network(ber) for ber in findings.tradeoff.training_ber.values.tolist()],
        confidence=numbers.plain(100 * attrs["confidence"]),
        accuracy_interval=attrs["interval"],
        ber_interval=findings.conditions.attrs.get("interval", ""),
        tolerance=numbers.plain(100 * attrs["tolerance"]),
        conditions=records(findings.tradeoff, "condition"),
        is_recommended=partial(is_recommended, recommendation=findings.recommendation),
        numbers=numbers,
        rows=rows,
        any_alike=any(rows.accuracy_interval(point) == rows.ALIKE for point in points),
        properties=rows.properties(findings),
        stated=rows.stated_properties(findings),
        tile_rows=rows.tile_rows(findings),
        origins=rows.origins(findings),
        doubts=rows.doubts(findings),
        assumptions=(*ASSUMPTIONS, *rows.assumptions(findings)),
        figures=figures,
        files=files or {},
    )


def _headline(findings: Findings) -> str:
    chosen = findings.recommendation
    if not chosen.met:
        return "No condition is shown to be accurate enough"
    return f"Program with “{chosen.condition}”, and use the {training_words(chosen.training_ber)}"


def _network(training_ber: float) -> str:
    """Return the name of a network where there is little room."""
    if training_ber == 0:
        return "plain training"
    return f"trained with bit errors, {numbers.power(training_ber)}"
