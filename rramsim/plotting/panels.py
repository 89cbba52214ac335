"""Where a figure is drawn: a figure of its own, or axes of the user's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.font_manager import FontProperties
from matplotlib.gridspec import GridSpec
from numpy.typing import NDArray

from rramsim.errors import InputError, refused

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.artist import Artist

Canvas = Axes | Sequence[Axes] | NDArray[Any] | FigureBase | None
"""Where to draw, as every function of this room takes it for `ax`.

An `Axes`, or as many as there are panels; an empty figure (or part of one) to fill; None for a
new figure of `matplotlib.pyplot`, which a notebook shows by itself.
"""

MOST_PANELS = 12
"""Of more, none could be read, and to draw them would take longer than all else of a report."""

_STRIP = 0.12  # share of a divided `Axes` that is kept for its legend
# Inches around and between the panels of a divided `Axes`, where no layout engine makes room.
_ABOVE, _BELOW, _LEGEND = 0.6, 0.45, 0.5
_BESIDE, _BESIDE_SHARED = 0.5, 0.2
_WIDE = 3.6  # inches of a legend with three columns
_CAPTION_SIZE, _SMALL_TITLE, _SMALL = 7.5, 8.0, 6.0  # points
_LETTER = 0.6 * _SMALL / 72.0  # inches of a small letter

Frame = FigureBase | Axes | None
"""What is around panels: the whole figure, the `Axes` that was divided, or nothing of ours."""


def places_drawn(
    count: int, ax: Canvas, *, by: NDArray[np.float64] | None = None, most: int = MOST_PANELS
) -> NDArray[np.int_]:
    """Return which of many conditions are drawn: all, or `most` at equal steps of their order.

    A list of axes of the user's is one for each condition: all are drawn.

    Parameters
    ----------
    count : int
        Number of conditions.
    ax : Canvas
    by : float array, shape (count,), optional
        Gives the order: the first drawn has the least, the last one the greatest value. Conditions
        of NaN are drawn only where there are fewer than `most` others. Default: the order as it is.
    most : int

    Returns
    -------
    integer array
        Rising.

    Examples
    --------
    >>> places_drawn(5, None, by=np.array([3.0, 1.0, np.nan, 2.0, 5.0]), most=3)
    array([0, 1, 4])
    >>> places_drawn(2, None)
    array([0, 1])
    """
    if count <= most or not isinstance(ax, Axes | FigureBase | None):
        return np.arange(count)
    order = np.arange(count) if by is None else np.argsort(by, kind="stable")
    known = count if by is None else np.count_nonzero(~np.isnan(by))
    steps = np.linspace(0, max(known, most) - 1, most).round().astype(int)
    return np.sort(order[steps])


def left_out_words(drawn: int, count: int, *, by: str = "", what: str = "conditions") -> str:
    """Return that not all conditions are drawn, and which; "" where all are.

    Examples
    --------
    >>> left_out_words(12, 300, by="BER")
    '12 of 300 conditions, from the lowest to the highest BER'
    >>> left_out_words(12, 300), left_out_words(3, 3)
    ('12 of 300 conditions, at equal steps of their order', '')
    """
    if drawn == count:
        return ""
    which = f"from the lowest to the highest {by}" if by else "at equal steps of their order"
    return f"{drawn} of {count:,} {what}, {which}"


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
    InputError
        If they are no axes, or more or fewer than panels.
    """
    count = rows * columns if count is None else count
    if not isinstance(ax, Axes | FigureBase | None):
        panels = list(np.ravel(np.asarray(ax, dtype=object)))
        if not all(isinstance(panel, Axes) for panel in panels):
            raise refused("ax", ax, "axes or a figure of matplotlib")
        if len(panels) != count:
            raise InputError(f"{len(panels)} axes were given for {count} panels")
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
    whole = _inside(figure, rows, columns, share_y) if isinstance(figure, Axes) else figure
    grid: Any = (
        whole.subplots(rows, columns, sharex=share_x, sharey=share_y, squeeze=False)
        if isinstance(whole, FigureBase)
        else whole.subplots(sharex=share_x, sharey=share_y, squeeze=False)
    )
    if isinstance(figure, Axes):
        for panel in grid.flat:
            panel.tick_params(labelsize=_SMALL)
    for empty in grid.flat[count:]:
        empty.set_axis_off()
    return figure, list(grid.flat[:count])


def _inside(ax: Axes, rows: int, columns: int, share_y: bool) -> Any:
    """Return a grid in the place of an `Axes`, which is left with a strip for the legend."""
    ax.set_axis_off()
    place, box = ax.get_subplotspec(), ax.get_position()
    figure = ax.get_figure(root=True)
    between: dict[str, float] = {}
    if figure is None or figure.get_layout_engine() is not None:
        parts: dict[str, Any] = {"height_ratios": (1.0 - _STRIP, _STRIP)}
    else:
        width, height = _inches(ax)
        legend = _LEGEND if width > _WIDE else 1.3 * _LEGEND
        panels = max(height - _ABOVE - _BELOW - legend, 0.3 * height)
        parts = {"height_ratios": (_ABOVE, panels, _BELOW, legend), "hspace": 0.0}
        beside = _BESIDE_SHARED if share_y else _BESIDE
        between = {
            "wspace": columns * beside / max(width - (columns - 1) * beside, beside),
            "hspace": rows * (_ABOVE + _BELOW) / panels,
        }
    if place is not None:
        whole: Any = place.subgridspec(len(parts["height_ratios"]), 1, **parts)
    else:
        ends = {"left": box.x0, "right": box.x1, "bottom": box.y0, "top": box.y1}
        whole = GridSpec(len(parts["height_ratios"]), 1, figure=figure, **parts, **ends)
    ax.set_subplotspec(whole[-1])
    return whole[1 if between else 0].subgridspec(rows, columns, **between)


def _inches(ax: Axes) -> tuple[float, float]:
    figure = ax.get_figure(root=True)
    width, height = (math.nan, math.nan) if figure is None else figure.get_size_inches()
    box = ax.get_position()
    return float(box.width * width), float(box.height * height)


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
        frame.legend(
            handles=list(handles),
            ncols=3 if _inches(frame)[0] > _WIDE else 2,
            fontsize=_SMALL,
            loc="lower center",
            handlelength=1.5,
            columnspacing=1.0,
        )


def add_title(frame: Frame, panels: Sequence[Axes], title: str) -> None:
    """Put a title above a figure; of it, the user's axes take what is below the first line."""
    if isinstance(frame, FigureBase):
        frame.suptitle(title)
        return
    remark = title.partition("\n")[2]
    legend = None if frame is None else frame.get_legend()
    if legend is not None:
        legend.set_title(remark, prop=FontProperties(size=_SMALL))
    elif remark:
        panels[0].text(0.01, 0.01, remark, transform=panels[0].transAxes, fontsize=6.5)


def add_caption(axes: Axes, title: str, lines: Sequence[str], *, frame: Frame) -> None:
    """Put a title above a panel, and lines in small print between both; smaller in divided axes."""
    size = _CAPTION_SIZE
    if isinstance(frame, Axes):
        size = _SMALL
        letters = max(int(_inches(axes)[0] / _LETTER), 10)
        lines = [part for line in lines for part in wrap(line, letters)]
    axes.annotate(
        "\n".join(lines),
        xy=(0.5, 1.0),
        xycoords="axes fraction",
        xytext=(0.0, 4.0),
        textcoords="offset points",
        horizontalalignment="center",
        verticalalignment="bottom",
        fontsize=size,
    )
    # A name from a user's file is text, never mathematics between dollar signs.
    heading = axes.set_title(title, pad=6.0 + len(lines) * 1.4 * size, parse_math=False)
    if isinstance(frame, Axes):
        heading.set_fontsize(_SMALL_TITLE)


def with_origin(title: str, conditions: xr.Dataset, remark: str = "") -> str:
    """Return the title, with a line below it for a remark and where nothing was measured."""
    unreal = sorted(set(map(str, conditions["origin"].values)) - {"measured", "none"})
    origin = f"{' and '.join(unreal)} populations, not measured" if unreal else ""
    return "\n".join(line for line in (title, origin, remark) if line)
