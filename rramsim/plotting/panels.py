"""Where a figure is drawn: a figure of its own, or axes of the user's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.gridspec import GridSpec
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.artist import Artist

Canvas = Axes | Sequence[Axes] | NDArray[Any] | FigureBase | None
"""Where to draw, as every function of this room takes it for `ax`.

An `Axes`, or as many as there are panels; an empty figure (or part of one) to fill; None for a
new figure of `matplotlib.pyplot`, which a notebook shows by itself.
"""

_STRIP = 0.12  # share of a divided `Axes` that is kept for its legend

Frame = FigureBase | Axes | None
"""What is around panels: the whole figure, the `Axes` that was divided, or nothing of ours."""


def axes_grid(
    ax: Canvas,
    rows: int,
    columns: int,
    *,
    count: int | None = None,
    size: tuple[float, float],
    layout: Literal["constrained"] | None = "constrained",
    share_x: bool = False,
    share_y: bool = False,
) -> tuple[Frame, list[Axes]]:
    """Return what is around the panels, None where that is the user's affair, and the panels.

    Parameters
    ----------
    ax : Canvas
        One `Axes` that is to hold several panels is divided.
    rows, columns : int
        Of the panels.
    count : int, optional
        Panels in use, row by row; places left over stay empty. Default: all.
    size : (float, float)
        Of the whole figure in inches.
    layout : str or None
        Layout engine of the whole figure.
    share_x, share_y : bool
        Whether the panels have one axis.

    Raises
    ------
    ValueError
        If there are more or fewer axes than panels.
    """
    count = rows * columns if count is None else count
    if not isinstance(ax, Axes | FigureBase | None):
        panels = list(np.ravel(np.asarray(ax, dtype=object)))
        if len(panels) != count:
            raise ValueError(f"{len(panels)} axes were given for {count} panels")
        return None, panels
    if isinstance(ax, Axes) and count == 1:
        return None, [ax]
    figure = ax
    if figure is None:
        from matplotlib import pyplot

        figure = pyplot.figure(figsize=size, layout=layout)
    elif isinstance(figure, Figure):
        figure.set_size_inches(size)
        figure.set_layout_engine(layout)
    whole = _inside(figure, rows, columns) if isinstance(figure, Axes) else figure
    grid: Any = (
        whole.subplots(rows, columns, sharex=share_x, sharey=share_y, squeeze=False)
        if isinstance(whole, FigureBase)
        else whole.subplots(sharex=share_x, sharey=share_y, squeeze=False)
    )
    for empty in grid.flat[count:]:
        empty.set_axis_off()
    return figure, list(grid.flat[:count])


def _inside(ax: Axes, rows: int, columns: int) -> Any:
    """Return a grid in the place of an `Axes`, which is left with a strip for the legend."""
    ax.set_axis_off()
    place = ax.get_subplotspec()
    parts: dict[str, Any] = {"height_ratios": (1.0 - _STRIP, _STRIP)}
    if place is not None:
        whole: Any = place.subgridspec(2, 1, **parts)
    else:
        box, figure = ax.get_position(), ax.get_figure(root=True)
        ends = {"left": box.x0, "right": box.x1, "bottom": box.y0, "top": box.y1}
        whole = GridSpec(2, 1, figure=figure, **parts, **ends)
    ax.set_subplotspec(whole[1])
    return whole[0].subgridspec(rows, columns)


def panel_grid(
    ax: Canvas,
    count: int,
    *,
    most_columns: int,
    panel: tuple[float, float],
    around: tuple[float, float],
    share_x: bool = False,
    share_y: bool = False,
) -> tuple[Frame, list[Axes], int]:
    """Return what `axes_grid` does, the panels row by row, and the number of columns.

    Parameters
    ----------
    ax : Canvas
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
    figure, panels = axes_grid(
        ax, rows, columns, count=count, size=size, share_x=share_x, share_y=share_y
    )
    return figure, panels, columns


def add_legend(
    frame: Frame, panels: Sequence[Axes], handles: Sequence[Artist], **where: Any
) -> None:
    """Put a legend where `where` says in a figure, below divided axes, or into the first panel."""
    if isinstance(frame, FigureBase):
        frame.legend(handles=list(handles), **where)
    elif frame is None:
        panels[0].legend(handles=list(handles))
    else:
        frame.legend(handles=list(handles), ncols=3, fontsize=6.5, loc="lower center")


def add_title(frame: Frame, panels: Sequence[Axes], title: str) -> None:
    """Put a title above a figure; of it, the user's axes take what is below the first line."""
    if isinstance(frame, FigureBase):
        frame.suptitle(title)
        return
    remark = title.partition("\n")[2]
    if remark:
        panels[0].text(0.01, 0.01, remark, transform=panels[0].transAxes, fontsize=6.5)


def with_origin(title: str, conditions: xr.Dataset) -> str:
    """Return the title, with a line below it where populations were not measured."""
    unreal = sorted(set(map(str, conditions["origin"].values)) - {"measured", "none"})
    return f"{title}\n{' and '.join(unreal)} populations, not measured" if unreal else title
