"""The report of a chip that was read back: one HTML page that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from rramsim import formatting as numbers
from rramsim.plotting.error_map import plot_layer, plot_predicted
from rramsim.report.html import render_page
from rramsim.report.real_chips import (
    chip_sentences,
    gathered_table,
    is_predicted,
    layer_rates_table,
    layer_table,
    predicted_sentences,
    state_tables,
    worst_rates_table,
)

if TYPE_CHECKING:
    import xarray as xr
    from markupsafe import Markup

    from rramsim.report.provenance import Provenance

FILES = {
    "chip.nc": "all that was counted, with units and provenance; an error map for rramsim evaluate",
    "wrong-weights.csv": "layer, neuron and input of every weight that is wrong",
    "lines.csv": "errors and rate of every word line and bit line",
    "provenance.json": "what this was made from",
}
"""What the files beside the page hold, by name."""


def chip_plots(chip: xr.Dataset) -> dict[str, Callable[..., Any]]:
    """Return the figures of the report by name, each a function that draws it on axes."""
    plots: dict[str, Callable[..., Any]] = {}
    if is_predicted(chip):
        plots["predicted"] = partial(plot_predicted, chip)
    for layer in chip["layer"].values.tolist():
        plots[f"layer-{layer}"] = partial(plot_layer, chip, layer)
    return plots


def render_chip(
    chip: xr.Dataset,
    figures: Mapping[str, Markup],
    provenance: Provenance,
    files: Mapping[str, str] | None = None,
) -> str:
    """Return the report of a chip as one HTML page, the same for the same findings.

    Parameters
    ----------
    chip : xarray.Dataset
        Schema "read_back".
    figures : mapping of str to markupsafe.Markup
        Those of `chip_plots`, as `rramsim.report.html.inlined` gives them.
    provenance : Provenance
    files : mapping of str to str, optional
        What lies beside the page, as `rramsim.report.html.files_beside` gives it.
    """
    predicted = predicted_sentences(chip)
    # The answer is told above; what is left explains the tables.
    explained = chip_sentences(chip)[1 + len(predicted) :]
    return render_page(
        "chip_page.html",
        accuracy=numbers.percent(float(chip["accuracy"])),
        clean=numbers.percent(float(chip["clean_accuracy"])),
        predicted=predicted,
        is_poor=bool(float(chip["accuracy"]) < float(chip["predicted_accuracy_p05"])),
        attrs=chip.attrs,
        by_state=state_tables(chip),
        by_layer=layer_table(chip),
        rates=layer_rates_table(chip),
        gathered=gathered_table(chip),
        tiles=worst_rates_table(chip, "chip_tile", "tile", "Tiles with most errors"),
        lines=worst_rates_table(chip, "line", "line", "Lines with most errors"),
        explained=explained,
        maps=[
            (f"layer-{layer}", int(count), int(layer))
            for layer, count in zip(
                chip["layer"].values.tolist(),
                chip["layer_errors"].sum("state").values.tolist(),
                strict=True,
            )
        ],
        figures=figures,
        provenance=provenance,
        files=files or {},
    )
