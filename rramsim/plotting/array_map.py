"""Maps of an array: log10 R of every cell by state, and where the errors are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from rramsim import formatting as numbers
from rramsim.device.lifetime.cell_lifetimes import misread
from rramsim.plotting.series import shown_name
from rramsim.plotting.style import COLORS, figure_style
from rramsim.schema import STATES

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

_MOST_PANELS = 12
_UNREAD = "#b8b8b8"
# A line is marked where at least this share of its cells, and this many, are read wrong.
_DEAD_SHARE, _DEAD_CELLS = 0.5, 8
# Colours span the readings but for this share (%) at either end, and no more than so many
# interquartile ranges beyond the middle half.
_OUTER, _REACH = 0.5, 3.0


@dataclass(frozen=True, eq=False)
class _Array:
    """The readings of one condition and die, laid out; row and column from 0."""

    title: str
    row: NDArray[np.int_]
    column: NDArray[np.int_]
    first_row: int
    first_column: int
    log_ohm: NDArray[np.float64]
    state: NDArray[np.int_]
    wrong: NDArray[np.bool_]

    @property
    def shape(self) -> tuple[int, int]:
        return int(self.row.max()) + 1, int(self.column.max()) + 1

    def mean(self, values: NDArray[Any], chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the mean of `values` in every cell, NaN where none was read."""
        place = self.row[chosen] * self.shape[1] + self.column[chosen]
        size = self.shape[0] * self.shape[1]
        counts = np.bincount(place, minlength=size).astype(float)
        sums = np.bincount(place, weights=values[chosen].astype(float), minlength=size)
        counts[counts == 0] = np.nan
        means: NDArray[np.float64] = (sums / counts).reshape(self.shape)
        return means


def array_map_figure(
    readings: xr.Dataset, reference_resistance: Any, *, width: int | None = None
) -> Figure:
    """Draw, for each condition and die, log10 R of each state and the errors, cell by cell.

    Word lines run across, bit lines down. A cell read more than once shows the mean of log10 R
    and the share of its readings that were wrong. Cells not read are grey, and a mark on the edge
    of the map of errors points at a line of which half the cells or more are wrong.

    Parameters
    ----------
    readings : xarray.Dataset
        Schema "readings" with `row` and `column`, or else with whole-number addresses as cells.
    reference_resistance : array_like, shape (conditions,)
        Reference of each condition in ohm.
    width : int, optional
        Cells in a row where there are only addresses. Default: the power of two that makes the
        array squarest; the figure then says that it is assumed.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If no reading has a place; see `has_places`.
    """
    arrays, notes = _arrays(readings, reference_resistance, width=width)
    if not arrays:
        raise ValueError("no reading has a row and column, or an address")
    with figure_style():
        figure = Figure(figsize=(10.2, 0.6 + 3.1 * len(arrays)), layout="constrained")
        grid = figure.subplots(len(arrays), 3, squeeze=False)
        for axes_row, array in zip(grid, arrays, strict=True):
            _draw_array(figure, axes_row, array)
        for axes in grid[-1]:
            axes.set_xlabel("column (bit line)")
        if notes:
            figure.suptitle("; ".join(notes), fontsize=8)
    return figure


def has_places(readings: xr.Dataset) -> bool:
    """Return whether any reading has a row and column, or the address of a cell."""
    if "row" in readings.variables and "column" in readings.variables:
        return bool(np.any((readings["row"].values >= 0) & (readings["column"].values >= 0)))
    return bool(np.any(readings["cell"].values >= 0))


def _arrays(
    readings: xr.Dataset, reference_resistance: Any, *, width: int | None
) -> tuple[list[_Array], list[str]]:
    row, column, notes = _places(readings, width)
    die = readings["die"].values if "die" in readings.variables else np.full(row.size, -1)
    condition = readings["condition_index"].values
    names = [str(name) for name in readings["condition"].values]
    references = np.broadcast_to(np.asarray(reference_resistance, dtype=float), len(names))
    placed = (row >= 0) & (column >= 0)
    arrays: list[_Array] = []
    for number, name in enumerate(names):
        dies = np.unique(die[placed & (condition == number)])
        for each in dies:
            chosen = placed & (condition == number) & (die == each)
            columns = [
                readings[key].values[chosen] for key in ("resistance", "censoring", "state_index")
            ]
            low_row, low_column = int(row[chosen].min()), int(column[chosen].min())
            arrays.append(
                _Array(
                    title=shown_name(name) + (f", die {each}" if dies.size > 1 else ""),
                    row=row[chosen] - low_row,
                    column=column[chosen] - low_column,
                    first_row=low_row,
                    first_column=low_column,
                    log_ohm=np.log10(columns[0]),
                    state=columns[2],
                    wrong=misread(*columns, reference=float(references[number])),
                )
            )
    if len(arrays) > _MOST_PANELS:
        notes.append(f"the first {_MOST_PANELS} of {len(arrays)} arrays")
    return arrays[:_MOST_PANELS], notes


def _places(
    readings: xr.Dataset, width: int | None
) -> tuple[NDArray[np.int_], NDArray[np.int_], list[str]]:
    if "row" in readings.variables and "column" in readings.variables:
        return readings["row"].values, readings["column"].values, []
    cell = readings["cell"].values
    named = cell[cell >= 0]
    if not named.size:
        return np.full(cell.size, -1), np.full(cell.size, -1), []
    notes = []
    if width is None:
        width = 2 ** math.ceil(math.log2(max(math.sqrt(int(np.ptp(named)) + 1), 1.0)))
        notes.append(f"addresses laid out in rows of {width} cells, an assumption")
    row = np.where(cell >= 0, cell // width, -1)
    return row, np.where(cell >= 0, cell % width, -1), notes


def _draw_array(figure: Figure, axes_row: Any, array: _Array) -> None:
    for index, (axes, state) in enumerate(zip(axes_row, STATES, strict=False)):
        of_state = array.state == index
        if not of_state.any():
            axes.set_axis_off()
            axes.text(0.5, 0.5, f"no reading in {state}", ha="center", transform=axes.transAxes)
            continue
        image = _draw_map(
            axes,
            array.mean(array.log_ohm, of_state),
            array,
            colors=colormaps["viridis"].with_extremes(bad=_UNREAD),
            limits=_limits(array.log_ohm[of_state]),
        )
        axes.set_title(f"{array.title}\n{state}: log10(R / Ω)")
        figure.colorbar(image, ax=axes, shrink=0.85, extend="both")
    axes_row[0].set_ylabel("row (word line)")
    _draw_errors(figure, axes_row[2], array)


def _draw_errors(figure: Figure, axes: Axes, array: _Array) -> None:
    share = array.mean(array.wrong, np.ones(array.wrong.size, dtype=bool))
    image = _draw_map(
        axes,
        share,
        array,
        colors=_error_colors(),
        limits=(0.0, 1.0),
    )
    figure.colorbar(image, ax=axes, shrink=0.85)
    rows, columns = (_dead_lines(share, axis=axis) for axis in (1, 0))
    for lines, edge in ((rows, "row"), (columns, "column")):
        first = array.first_row if edge == "row" else array.first_column
        at = lines + first
        if not at.size:
            continue  # an artist without points upsets the layout
        along = np.full(at.size, 1.02)
        x, y = (along, at) if edge == "row" else (at, along)
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
    wrong = int(array.wrong.sum())
    said = f"errors: {wrong:,} of {array.wrong.size:,} ({numbers.percent(array.wrong.mean(), 2)})"
    if rows.size or columns.size:
        said += f"\nmostly wrong: {_counted(rows, 'row')}, {_counted(columns, 'column')}"
    axes.set_title(said, pad=10)


def _counted(lines: NDArray[np.int_], word: str) -> str:
    return f"{lines.size} {word}" if lines.size == 1 else f"{lines.size} {word}s"


def _draw_map(
    axes: Axes,
    values: NDArray[np.float64],
    array: _Array,
    *,
    colors: Colormap,
    limits: tuple[float, float],
) -> AxesImage:
    rows, columns = values.shape
    top, left = array.first_row - 0.5, array.first_column - 0.5
    axes.grid(visible=False)
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


def _limits(log_ohm: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of the colours; a few cells far away must not hide a gradient."""
    low, first, third, high = np.percentile(log_ohm, (_OUTER, 25.0, 75.0, 100.0 - _OUTER))
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
