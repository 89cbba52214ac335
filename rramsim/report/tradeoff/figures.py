"""The figures of a study, and how one is put into a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rramsim.plotting.accuracy import accuracy_figure
from rramsim.plotting.energy import energy_figure
from rramsim.plotting.error_map import error_map_figure
from rramsim.plotting.populations import populations_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rramsim.report.tradeoff.findings import Findings


def draw_figures(findings: Findings) -> dict[str, Figure]:
    """Draw the figures of a study.

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
        if kept.any():
            figures["populations"] = populations_figure(
                findings.readings, findings.populations.isel(condition=kept), findings.conditions
            )
    figures["accuracy"] = accuracy_figure(findings.accuracy, findings.tradeoff, findings.conditions)
    figures["energy"] = energy_figure(findings.tradeoff, (chosen.condition, chosen.training_ber))
    if findings.chip is not None:
        placement = findings.placements[findings.chip.layer - 1]
        figures["chip"] = error_map_figure(
            placement,
            findings.chip.wrong,
            tile_cells=(placement.tile.word_lines, placement.tile.bit_lines),
            title=f"Wrong cells of one “{chosen.condition}” chip, layer {findings.chip.layer}",
        )
    return figures
