"""The figures of a study, and how one is put into a page."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from rramsim.plotting.accuracy import plot_accuracy
from rramsim.plotting.error_map import plot_error_map
from rramsim.plotting.populations import plot_populations
from rramsim.plotting.retention import plot_accuracy_over_life
from rramsim.plotting.style import figure_of
from rramsim.plotting.tradeoff import plot_cells, plot_life, plot_tradeoff
from rramsim.report.tradeoff.life import points_in_use, points_over_life
from rramsim.report.tradeoff.points import shown_points

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rramsim.report.tradeoff.findings import Findings


_MOST_LINES = 6


def draw_figures(findings: Findings, *, without: Collection[str] = ()) -> dict[str, Figure]:
    """Draw the figures of a study.

    Parameters
    ----------
    findings : Findings
    without : collection of str
        Names of figures that are drawn already; only "populations" can be.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        By file name without suffix, in the order of the report.
    """
    chosen = findings.recommendation
    figures: dict[str, Figure] = {}
    if findings.readings is not None and findings.populations is not None:
        # A study may leave out some of the conditions that were read.
        kept = np.isin(findings.populations.condition, findings.conditions.condition)
        if kept.any() and "populations" not in without:
            figures["populations"] = figure_of(
                plot_populations,
                findings.readings,
                populations=findings.populations.isel(condition=kept),
                conditions=findings.conditions,
            )
    figures["accuracy"] = figure_of(
        plot_accuracy,
        findings.accuracy,
        tradeoff=findings.tradeoff,
        conditions=findings.conditions,
        budgets=findings.budgets,
    )
    known = findings.tradeoff["energy_per_weight"].notnull()
    if known.any():
        figures["energy"] = figure_of(plot_tradeoff, findings.tradeoff, recommended=chosen.labels)
    if (findings.tradeoff["meets"] * known).any():
        figures["cells"] = figure_of(plot_cells, findings.tradeoff, recommended=chosen.labels)
    in_use = [point for point in points_in_use(findings) if point["inference_energy"] > 0.0]
    if in_use:
        in_use = in_use[:_MOST_LINES]
        figures["life"] = figure_of(plot_life, in_use, findings.tradeoff)
    aging = points_over_life(findings, shown_points(findings))
    if aging:
        figures["lifetime"] = figure_of(plot_accuracy_over_life, aging, findings.tradeoff)
    if findings.chip is not None:
        placement = findings.placements[findings.chip.layer - 1]
        figures["chip"] = figure_of(
            plot_error_map,
            placement,
            findings.chip.wrong,
            tile_cells=(placement.tile.word_lines, placement.tile.bit_lines),
            title=f"Wrong cells of one “{chosen.condition}” chip, layer {findings.chip.layer}",
        )
    return figures
