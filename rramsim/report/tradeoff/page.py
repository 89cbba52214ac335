"""The report: one HTML page that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rramsim import formatting as numbers
from rramsim.decision.join import ASSUMPTIONS
from rramsim.decision.reasons import training_words
from rramsim.report.html import render_page
from rramsim.report.tradeoff import rows

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
    "thresholds.safetensors": "means and variances of sums that were estimated anew",
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
        points=points,
        confidence=numbers.plain(100 * attrs["confidence"]),
        accuracy_interval=attrs["interval"],
        ber_interval=findings.conditions.attrs.get("interval", ""),
        is_recommended=findings.recommendation.names,
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
        return "No point is shown to meet what is required"
    kept = "" if chosen.protection == "none" else f", protect weights by {chosen.protection}"
    network = training_words(chosen.training_ber, chosen.thresholds)
    return f"Program with “{chosen.condition}”{kept}, and use the {network}"
