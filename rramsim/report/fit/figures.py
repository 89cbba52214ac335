"""The figures of a fit: those the readings allow."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

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


Plot = Callable[..., Any]
"""Draws on the axes that it is given as `ax`, and returns them."""


def fit_plots(examination: Examination) -> dict[str, Plot]:
    """Return what can be drawn of a fit, by name, in the order of the report.

    Parameters
    ----------
    examination : Examination
        `rramsim.device.examine.with_pictures` adds what most of the plots show.
    """
    products = examination.products
    conditions = products["conditions"]
    plots: dict[str, Plot] = {
        "populations": partial(
            plot_populations,
            examination.measured.readings,
            populations=products["populations"],
            conditions=conditions,
        )
    }
    if "reference_curve" in products:
        plots["reference"] = partial(plot_reference, products["reference_curve"], conditions)
    for name, product, plot in (
        ("cycles", "resistance_by_cycle", plot_cycles),
        ("cycling-ber", "cycling", plot_cycling_ber),
        ("retention", "retention", plot_retention),
        ("variability", "variance", plot_variability),
        ("array", "array_map", plot_array_map),
    ):
        if product in products:
            plots[name] = partial(plot, products[product])
    return plots


def draw_fit_figures(examination: Examination) -> dict[str, Figure]:
    """Draw every plot of `fit_plots` as a figure, by name: a file name without its suffix."""
    return {name: figure_of(plot) for name, plot in fit_plots(examination).items()}
