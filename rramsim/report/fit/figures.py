"""The figures of a fit: those the readings allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rramsim.plotting.array_map import plot_array_map
from rramsim.plotting.cycles import plot_cycles, plot_cycling_ber
from rramsim.plotting.populations import plot_populations
from rramsim.plotting.reference import plot_reference
from rramsim.plotting.retention import plot_retention
from rramsim.plotting.style import figure_of
from rramsim.plotting.variability import plot_variability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rramsim.device.examination import Examination


def draw_fit_figures(examination: Examination) -> dict[str, Figure]:
    """Draw the figures of a fit.

    Parameters
    ----------
    examination : Examination
        With what `rramsim.device.examine.with_pictures` adds.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        By file name without suffix, in the order of the report.
    """
    products = examination.products
    conditions = products["conditions"]
    figures = {
        "populations": figure_of(
            plot_populations,
            examination.measured.readings,
            populations=products["populations"],
            conditions=conditions,
        ),
    }
    if "reference_curve" in products:
        figures["reference"] = figure_of(plot_reference, products["reference_curve"], conditions)
    for name, product, plot in (
        ("cycles", "resistance_by_cycle", plot_cycles),
        ("cycling-ber", "cycling", plot_cycling_ber),
        ("retention", "retention", plot_retention),
        ("variability", "variance", plot_variability),
        ("array", "array_map", plot_array_map),
    ):
        if product in products:
            figures[name] = figure_of(plot, products[product])
    return figures
