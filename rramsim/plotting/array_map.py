"""Maps of an array: log10 R of every cell by state, and where the errors are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap
from matplotlib.figure import FigureBase
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from rramsim import formatting as numbers
from rramsim.plotting.panels import Canvas, axes_grid
from rramsim.plotting.series import shown_name
from rramsim.plotting.style import COLORS, figure_style
from rramsim.schema import STATES

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

_MOST_ARRAYS = 12
_UNREAD = "#b8b8b8"
# A line is marked where at least this share of its cells, and this many, are read wrong.
_DEAD_SHARE, _DEAD_CELLS = 0.5, 8
# Colours reach no more than so many interquartile ranges beyond the middle half of the readings.
_REACH = 3.0


def plot_array_map(array_map: xr.Dataset, ax: Canvas = None) -> NDArray[np.object_]:
    """Draw, for each condition and die, log10 R of each state and the errors, cell by cell.

    Word lines run across, bit lines down. A cell read more than once shows the mean of log10 R
    and the share of its readings that were wrong. Cells not read are grey, and a mark on the edge
    of the map of errors points at a line of which half the cells or more are wrong. Colours span
    the middle 99 % of the readings.

    Parameters
    ----------
    array_map : xarray.Dataset
        Schema "array_map".
    ax : Canvas, optional

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        Three for each array: LRS, HRS, errors.
    """
    arrays, shown = array_map.sizes["array"], min(array_map.sizes["array"], _MOST_ARRAYS)
    remarks = []
    if width := array_map.attrs["assumed_width"]:
        remarks.append(f"addresses laid out in rows of {width} cells, an assumption")
    if arrays > shown:
        remarks.append(f"the first {shown} of {arrays} arrays")
    with figure_style():
        figure, panels = axes_grid(ax, shown, 3, size=(10.2, 0.6 + 3.1 * shown))
        grid = np.array(panels, dtype=object).reshape(shown, 3)
        for number, axes_row in enumerate(grid):
            chosen = array_map["array_index"].values == number
            _draw_array(axes_row, array_map.isel(array=number, place=chosen), array_map)
        for axes in grid[-1]:
            axes.set_xlabel("column (bit line)")
        if remarks and isinstance(figure, FigureBase):
            figure.suptitle("; ".join(remarks), fontsize=8)
    return grid


def _draw_array(axes_row: NDArray[np.object_], array: xr.Dataset, array_map: xr.Dataset) -> None:
    name = str(array["condition"].values)
    title = shown_name(name)
    if np.count_nonzero(array_map["condition"].values == name) > 1:
        title += f", die {array['die'].values}"
    for axes, state in zip(axes_row, STATES, strict=False):
        of_state = array.sel(state=state)
        if of_state["log_percentile"].isnull().all():
            axes.set_axis_off()
            axes.text(0.5, 0.5, f"no reading in {state}", ha="center", transform=axes.transAxes)
            continue
        image = _draw_map(
            axes,
            _laid_out(array, of_state["log_resistance"].values),
            array,
            colors=colormaps["viridis"].with_extremes(bad=_UNREAD),
            limits=_limits(of_state["log_percentile"].values),
        )
        axes.set_title(f"{title}\n{state}: log10(R / Ω)")
        axes.figure.colorbar(image, ax=axes, shrink=0.85, extend="both")
    axes_row[0].set_ylabel("row (word line)")
    _draw_errors(axes_row[2], array)


def _laid_out(array: xr.Dataset, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values of the cells by row and column, NaN where there is none."""
    row, column = (array[name].values - array[name].values.min() for name in ("row", "column"))
    grid = np.full((row.max() + 1, column.max() + 1), np.nan)
    grid[row, column] = values
    return grid


def _draw_errors(axes: Axes, array: xr.Dataset) -> None:
    share = _laid_out(array, array["errors"].values / array["readings"].values)
    image = _draw_map(axes, share, array, colors=_error_colors(), limits=(0.0, 1.0))
    axes.figure.colorbar(image, ax=axes, shrink=0.85)
    rows, columns = (_dead_lines(share, axis=axis) for axis in (1, 0))
    for lines, edge in ((rows, "row"), (columns, "column")):
        marked = lines + int(array[edge].min())
        if not marked.size:
            continue  # an artist without points upsets the layout
        along = np.full(marked.size, 1.02)
        x, y = (along, marked) if edge == "row" else (marked, along)
        axes.plot(
            x,
            y,
            "<" if edge == "row" else "v",
            color=COLORS["vermilion"],
            markersize=5,
            clip_on=False,
            transform=axes.get_yaxis_transform() if edge == "row" else axes.get_xaxis_transform(),
            gid=f"dead-{edge}s",
        )
    wrong, readings = int(array["errors"].sum()), int(array["readings"].sum())
    title = f"errors: {wrong:,} of {readings:,} ({numbers.percent(wrong / readings, 2)})"
    if rows.size or columns.size:
        title += f"\nmostly wrong: {_counted(rows, 'row')}, {_counted(columns, 'column')}"
    axes.set_title(title, pad=10)


def _counted(lines: NDArray[np.int_], word: str) -> str:
    return f"{lines.size} {word}" if lines.size == 1 else f"{lines.size} {word}s"


def _draw_map(
    axes: Axes,
    values: NDArray[np.float64],
    array: xr.Dataset,
    *,
    colors: Colormap,
    limits: tuple[float, float],
) -> AxesImage:
    rows, columns = values.shape
    top, left = int(array["row"].min()) - 0.5, int(array["column"].min()) - 0.5
    axes.grid(visible=False)
    for axis in (axes.xaxis, axes.yaxis):
        # Lines are numbered: a tick at row 2.5 names none.
        axis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    return axes.imshow(
        np.ma.masked_invalid(values),
        cmap=colors,
        vmin=limits[0],
        vmax=limits[1],
        extent=(left, left + columns, top + rows, top),
        # Cells of a long, narrow array must stay visible.
        aspect="equal" if 0.5 <= rows / columns <= 2.0 else "auto",
        interpolation="nearest",
    )


def _limits(percentiles: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of the colours; a few cells far away must not hide a gradient."""
    low, first, third, high = percentiles
    reach = _REACH * (third - first)
    bottom, top = max(low, first - reach), min(high, third + reach)
    return (float(bottom), float(top)) if top > bottom else (float(low) - 0.5, float(low) + 0.5)


def _error_colors() -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap

    # White to black: one wrong cell among thousands must stand out.
    colors = LinearSegmentedColormap.from_list("errors", ["#f7f7f7", "#d55e00", "#000000"])
    return colors.with_extremes(bad=_UNREAD)


def _dead_lines(share: NDArray[np.float64], *, axis: int) -> NDArray[np.int_]:
    """Return the rows (axis 1) or columns (axis 0) of which most cells are read wrong."""
    read = np.isfinite(share)
    wrong = np.sum(np.where(read, share, 0.0), axis=axis)
    counts = read.sum(axis=axis)
    dead = (counts >= _DEAD_CELLS) & (wrong >= _DEAD_SHARE * np.maximum(counts, 1))
    return np.flatnonzero(dead)
