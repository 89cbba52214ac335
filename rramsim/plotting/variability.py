"""Where the variance of ln R is from, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rramsim import formatting as numbers
from rramsim.plotting.panels import (
    Canvas,
    add_legend,
    add_title,
    axes_grid,
    left_out_words,
    places_drawn,
)
from rramsim.plotting.series import shown_name
from rramsim.plotting.style import COLORS, figure_style
from rramsim.schema import STATES

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

_MOST_CONDITIONS = 24
_LOOK = {
    "die": ("black", ""),
    "row": ("blue", "//"),
    "column": ("sky", "\\\\"),
    "cell": ("orange", ""),
    "cycle": ("grey", ".."),
}


def plot_variability(variance: xr.Dataset, ax: Canvas = None) -> Axes:
    """Draw the share of each part of the variance of ln R, a bar for each condition and state.

    Of more than 24 conditions, 24 from the lowest to the highest variance are drawn. Beside each
    bar stands the whole, as a standard deviation of ln R.

    Parameters
    ----------
    variance : xarray.Dataset
        Of the schema "variance".
    ax : Canvas, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    every = variance.sizes["condition"]
    sums = variance["variance"].sum("component").max("state").values
    drawn = places_drawn(every, ax, by=sums, most=_MOST_CONDITIONS)
    variance = variance.isel(condition=drawn)
    rows = [(str(name), state) for name in variance["condition"].values for state in STATES]
    with figure_style():
        figure, (axes,) = axes_grid(ax, 1, 1, size=(6.4, 1.3 + 0.34 * len(rows)))
        places = np.arange(len(rows))[::-1]
        start = np.zeros(len(rows))
        for part in variance["component"].values.astype(str):
            shares = variance["share"].sel(component=part)
            share = shares.transpose("condition", "state").values.ravel()
            if np.isnan(share).all():
                continue
            width = np.nan_to_num(share)
            color, hatch = _LOOK[part]
            axes.barh(
                places,
                width,
                left=start,
                height=0.7,
                color=COLORS[color],
                edgecolor="white",
                linewidth=0.5,
                hatch=hatch,
                label=_label(variance, part),
            )
            start += width
        whole = variance["variance"].sum("component")
        for place, (name, state) in zip(places, rows, strict=True):
            total = float(whole.sel(condition=name, state=state))
            sigma = f"σ {numbers.plain(total**0.5, 2)}" if total else "too few readings"
            axes.annotate(
                sigma, (1.0, place), xytext=(4, 0), textcoords="offset points", va="center"
            )
        axes.set_xlim(0.0, 1.0)
        axes.set_yticks(places, [f"{shown_name(name)}, {state}" for name, state in rows])
        axes.set_xlabel("share of the variance of ln R")
        axes.grid(visible=False, axis="y")
        handles = axes.get_legend_handles_labels()[0]
        add_legend(figure, [axes], handles, loc="outside lower center", ncols=5, title="between")
        if remark := left_out_words(drawn.size, every, by="variance"):
            add_title(figure, [axes], f"Sources of the variance\n{remark}")
    return axes


def _label(variance: xr.Dataset, part: str) -> str:
    with_cycles = (
        "cycle" in variance["component"].values
        and not np.isnan(variance["variance"].sel(component="cycle").values).all()
    )
    return "cells and cycles" if part == "cell" and not with_cycles else f"{part}s"
