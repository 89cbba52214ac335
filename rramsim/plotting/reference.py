"""The BER against the reference: what a shift of the reference costs, and what was counted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator
from numpy.typing import NDArray

from rramsim import formatting as numbers
from rramsim.plotting.panels import (
    Canvas,
    Frame,
    add_caption,
    add_legend,
    add_title,
    left_out_words,
    panel_grid,
    places_drawn,
    with_origin,
)
from rramsim.plotting.populations import STATE_LOOK
from rramsim.plotting.series import share_words
from rramsim.plotting.style import COLORS, add_values, figure_style
from rramsim.schema import STATES, records
from rramsim.statistics.confidence import smallest_countable

if TYPE_CHECKING:
    import xarray as xr

_COLUMNS = 3
# Below the BER at the reference by this factor nothing is drawn, nor below the last number.
_DEPTH = 30.0
_LEAST = 1e-15
# Below this ratio of its ends an axis with numbers at powers of ten alone says little.
_NARROW = 20.0


def plot_reference(
    curve: xr.Dataset, conditions: xr.Dataset, ax: Canvas = None
) -> NDArray[np.object_]:
    """Draw the BER of each condition that has readings against the reference, a panel each.

    Of more than 12 conditions, 12 from the lowest to the highest BER are drawn.

    Lines are the shares of misread cells that the fitted populations give, of LRS, of HRS, and
    of both in their shares in use (the BER). Points are the shares counted, with 95 %
    Clopper-Pearson intervals (over cells, where some are read again); a triangle is the upper
    end where no error was counted. The reference chosen and its BER with its interval are marked.

    Parameters
    ----------
    curve, conditions : xarray.Dataset
        Schemas "reference_curve" and "conditions".
    ax : Canvas, optional

    Returns
    -------
    ndarray of matplotlib.axes.Axes
    """
    every = curve["condition"].values
    bers = conditions["ber"].sel(condition=every).values
    curve = curve.isel(condition=places_drawn(every.size, ax, by=bers))
    names = curve["condition"].values.tolist()
    with figure_style():
        figure, grid, columns = panel_grid(
            ax, len(names), most_columns=_COLUMNS, panel=(3.1, 3.0), around=(1.3, 1.2)
        )
        for number, axes in enumerate(grid):
            row = conditions.sel(condition=names[number])
            _draw_panel(axes, row, curve.isel(condition=number), frame=figure)
            if number % columns == 0:
                axes.set_ylabel("share of cells misread")
        ncols = min(columns + 1, 3)
        add_legend(figure, grid, _legend(), loc="outside lower center", ncols=ncols)
        title = "Bit errors against the reference"
        remark = left_out_words(len(names), every.size, by="BER")
        add_title(figure, grid, with_origin(title, conditions.sel(condition=names), remark))
    return np.array(grid, dtype=object)


def _draw_panel(axes: Axes, row: xr.Dataset, curve: xr.Dataset, *, frame: Frame) -> None:
    low, high = curve["reference"].values[[0, -1]]
    if curve["ber"].notnull().any():
        _draw_lines(axes, curve)
    _draw_counts(axes, curve)
    _mark(axes, row)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(low, high)
    ends = (row[name].item() for name in ("ber_low", "ber", "ber_high"))
    least = min([1e-3, *(value for value in ends if value > 0)])
    smallest = smallest_countable(curve["readings"].values.min())
    axes.set_ylim(max(min(least / _DEPTH, smallest / _DEPTH), _LEAST), 1.0)
    if high < _NARROW * low:
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda ohm, _: numbers.quantity(ohm, "Ω")))
    # Minor numbers crowd an axis of about one decade.
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
    axes.set_xlabel("reference")
    lines = _caption(row, is_short=isinstance(frame, Axes))
    add_caption(axes, row["condition"].item(), lines, frame=frame)


def _draw_lines(axes: Axes, curve: xr.Dataset) -> None:
    references = curve["reference"].values
    for state in STATES:
        rates = curve["misread"].sel(state=state).values
        axes.plot(references, rates, color=STATE_LOOK[state][0], linewidth=1.2)
    axes.plot(references, curve["ber"].values, color=COLORS["black"], linewidth=1.2, gid="ber")


def _draw_counts(axes: Axes, curve: xr.Dataset) -> None:
    for state, (color, marker) in STATE_LOOK.items():
        of_state = curve.sel(state=state)
        rate, low, high = (
            of_state[name].values for name in ("counted", "counted_low", "counted_high")
        )
        references = curve["counted_at"].values
        some, none = rate > 0, rate == 0
        axes.errorbar(
            references[some],
            rate[some],
            yerr=[(rate - low)[some], (high - rate)[some]],
            fmt=marker,
            color=color,
            markersize=3,
            elinewidth=0.8,
            gid=f"counted-{state}",
        )
        axes.plot(
            *(references[none], high[none], "v"),
            color=color,
            markersize=3.5,
            markerfacecolor="none",
            markeredgewidth=0.8,
            gid=f"none-counted-{state}",
        )
        words = [
            f"{of_state['condition'].item()}, {state}: {share_words(*share)} misread at a "
            f"reference of {numbers.quantity(reference, 'Ω')}, as counted"
            for reference, *share in zip(references, rate, low, high, strict=True)
        ]
        add_values(axes, references, np.where(some, rate, high), words)


def _mark(axes: Axes, row: xr.Dataset) -> None:
    reference = row["reference_resistance"].item()
    axes.axvline(reference, color=COLORS["black"], linestyle="--", linewidth=1.0)
    ber = records(row)[0].interval("ber")
    if math.isfinite(ber.estimate):
        axes.errorbar(
            *([reference], [ber.estimate]),
            yerr=[[ber.estimate - ber.low], [ber.high - ber.estimate]],
            fmt="D",
            color=COLORS["black"],
            markersize=4,
            elinewidth=1.2,
            capsize=2.5,
            gid="headline",
        )
        at = numbers.quantity(reference, "Ω")
        words = f"{row['condition'].item()}: BER {numbers.bit_error_rate(ber)} at {at}, {ber.basis}"
        add_values(axes, [reference], [ber.estimate], [words])


def _caption(row: xr.Dataset, *, is_short: bool) -> list[str]:
    ber = records(row)[0].interval("ber")
    rate = f"BER {numbers.bit_error_rate(ber)}"
    basis = ber.basis + (", extrapolated" if ber.extrapolated else "")
    if is_short:
        return [*rate.replace(" (", "\n(").split("\n"), basis]
    return [rate, f"{basis}, reference {numbers.quantity(row['reference_resistance'].item(), 'Ω')}"]


def _legend() -> list[Line2D]:
    handles = [
        Line2D([], [], color=color, marker=marker, markersize=3, label=f"{state}: fitted, counted")
        for state, (color, marker) in STATE_LOOK.items()
    ]
    black, grey = COLORS["black"], COLORS["grey"]
    return [
        *handles,
        Line2D([], [], color=black, label="BER: fitted"),
        Line2D([], [], color=black, marker="D", linestyle="", markersize=4, label="BER given"),
        Line2D([], [], color=black, linestyle="--", label="reference"),
        Line2D(
            *([], []),
            color=grey,
            marker="v",
            linestyle="",
            markerfacecolor="none",
            markersize=4,
            label="none counted: upper end (95 %)",
        ),
    ]
