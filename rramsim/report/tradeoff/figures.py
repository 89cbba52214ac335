"""The figures of a study, and how one is put into a page."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import numpy as np

from rramsim.plotting.accuracy import accuracy_figure
from rramsim.plotting.energy import energy_figure
from rramsim.plotting.error_map import error_map_figure
from rramsim.plotting.populations import populations_figure
from rramsim.plotting.style import render_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rramsim.report.tradeoff.findings import Findings

# Below the first, text cannot be read and a narrow screen scrolls instead; above the second,
# it is larger than the text around it.
_LEAST_SCALE = 0.74
_MOST_SCALE = 1.25


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


def inline_svg(figure: Figure, name: str) -> str:
    """Return a figure as an ``<svg>`` element that can stand in a page with others.

    Names inside it begin with `name`, so that those of two figures do not clash. Namespaces,
    metadata and comments are left out: a page needs none, and it then names no address.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    name : str
        Letters and hyphens, another for each figure of a page.
    """
    text = io.StringIO()
    render_figure(figure, text, "svg")
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :].strip()
    pixels = 96 * figure.get_figwidth()
    size = f"min-width: {_LEAST_SCALE * pixels:.0f}px; max-width: {_MOST_SCALE * pixels:.0f}px"
    svg = svg.replace("<svg", f'<svg style="{size}"', 1)
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\s+xmlns(:xlink)?="[^"]*"', "", svg)
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    return re.sub(r"\n\s*\n", "\n", svg)
