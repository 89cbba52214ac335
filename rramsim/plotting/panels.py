"""Figures with a panel for each condition."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes


def panel_grid(
    count: int,
    *,
    most_columns: int,
    panel: tuple[float, float],
    around: tuple[float, float],
    share_x: bool = False,
    share_y: bool = False,
) -> tuple[Figure, list[Axes], int]:
    """Return a figure, its panels row by row, and the number of columns.

    Parameters
    ----------
    count : int
        Panels; places left over in the last row stay empty.
    most_columns : int
        Panels beside each other at the most.
    panel, around : tuple of float
        Width and height in inches of a panel, and of what is around them all.
    share_x, share_y : bool
        Whether the panels have one axis.
    """
    columns = min(most_columns, count)
    rows = math.ceil(count / columns)
    size = (around[0] + panel[0] * columns, around[1] + panel[1] * rows)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, sharex=share_x, sharey=share_y, squeeze=False)
    for axes in grid.flat[count:]:
        axes.set_axis_off()
    return figure, list(grid.flat[:count]), columns


def with_origin(title: str, conditions: xr.Dataset) -> str:
    """Return the title, with a line below it where populations were not measured."""
    unreal = sorted(set(map(str, conditions["origin"].values)) - {"measured", "none"})
    return f"{title}\n{' and '.join(unreal)} populations, not measured" if unreal else title
