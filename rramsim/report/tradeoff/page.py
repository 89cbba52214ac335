"""The report: one HTML page that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rramsim import formatting as numbers
from rramsim.decision.join import ASSUMPTIONS
from rramsim.decision.requirements import Requirements
from rramsim.report.html import render_page
from rramsim.report.tradeoff import change, correlated, life, points, rows
from rramsim.report.tradeoff.answer import answer

if TYPE_CHECKING:
    from markupsafe import Markup

    from rramsim.report.tradeoff.findings import Findings


FILES = {
    "tradeoff.csv": "every point, a row a network and condition",
    "tradeoff.nc": "the same with units and provenance",
    "accuracy.nc": "accuracy of each network against the bit-error rate",
    "pulses.nc": "what it takes to program the weights of each layer",
    "shown_chip.nc": "the wrong cells of the chip that is shown",
    "life.nc": "losses at the bit-error rates that cells meet as they age",
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
    required = Requirements.of(attrs)
    return render_page(
        "page.html",
        findings=findings,
        answer=answer(findings),
        glance=points.at_a_glance(findings),
        open_legend=points.open_legend(points.tabled_points(findings), findings),
        protections=[points.protection_words(one) for one in findings.tradeoff.protection.values],
        reached_words="loss in percentage points"
        if required.target_accuracy is None
        else "accuracy in per cent",
        cost_words=points.cost_words(required),
        points=points.points_table(findings),
        chosen=points.chosen_place(findings),
        chosen_kind="chosen" if findings.recommendation.met else "chosen notenough",
        reasons=[
            reason
            for reason in findings.recommendation.reasons
            if reason.subject not in change.ELSEWHERE
        ],
        together=correlated.correlated_sentences(findings),
        together_table=correlated.correlated_table(findings, points.shown_points(findings)),
        parts_table=correlated.parts_table(findings),
        life=life.life_sentences(findings),
        life_table=life.life_table(findings),
        lifetime=life.lifetime_sentences(findings, points.shown_points(findings)),
        lifetime_table=life.lifetime_table(findings, points.shown_points(findings)),
        changes=change.changes(findings),
        borne=change.borne_words(findings),
        budgets=change.budgets_table(findings),
        margins=change.margins_table(findings),
        confidence=numbers.plain(100 * attrs["confidence"]),
        accuracy_interval=attrs["interval"],
        ber_interval=findings.conditions.attrs.get("interval", ""),
        any_alike=any(
            rows.accuracy_interval(point) == rows.ALIKE
            for point in rows.points_of(findings.tradeoff)
        ),
        glance_left_out=points.left_out(
            len(points.at_a_glance(findings)),
            len({point["condition"] for point in points.shown_points(findings)}),
            "conditions",
        ),
        properties=rows.properties(findings),
        stated=rows.stated_properties(findings),
        conditions_tables=rows.conditions_tables(findings),
        tile_rows=rows.tile_rows(findings),
        origins=rows.origins(findings),
        doubts=rows.doubts(findings),
        assumptions=(*ASSUMPTIONS, *rows.assumptions(findings)),
        figures=figures,
        files=files or {},
    )
