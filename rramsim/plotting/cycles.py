"""Resistances, and the bit-error rate, against the number of SET/RESET cycles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from rramsim import formatting as numbers
from rramsim.plotting.panels import (
    Canvas,
    add_legend,
    add_title,
    axes_grid,
    left_out_words,
    panel_grid,
    places_drawn,
)
from rramsim.plotting.populations import STATE_LOOK
from rramsim.plotting.series import condition_marker, median_words, network_style, shown_name
from rramsim.plotting.style import COLORS, add_values, figure_style
from rramsim.schema import STATES, records
from rramsim.statistics.probit_line import ProbitLine, first_crossing

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

_COLUMNS = 2
# So few cycles are drawn one by one.
_FEW_CYCLES = 8
_MOST_MARKS = 600


def plot_cycles(by_cycle: xr.Dataset, ax: Canvas = None) -> NDArray[np.object_]:
    """Draw the resistances of each condition against its cycles, one panel a condition.

    Of more than 12 conditions, 12 at equal steps of their order are drawn.

    A panel shows the median and the range from 5 to 95 % of the readings of each state, the
    reference, how many cells were read at how many cycles, and the cells that failed, each at
    its resistance in the first bad cycle.

    Parameters
    ----------
    by_cycle : xarray.Dataset
        Schema "resistance_by_cycle".
    ax : Canvas, optional

    Returns
    -------
    ndarray of matplotlib.axes.Axes
    """
    places = places_drawn(by_cycle.sizes["condition"], ax)
    with figure_style():
        figure, grid, columns = panel_grid(
            ax,
            places.size,
            most_columns=_COLUMNS,
            panel=(4.2, 3.0),
            around=(1.2, 0.9),
            share_y=True,
        )
        for number, (place, axes) in enumerate(zip(places.tolist(), grid, strict=True)):
            row = by_cycle.isel(
                condition=place, failure=by_cycle["condition_index"].values == place
            )
            _draw_cycles(axes, row)
            if row["failed"].item() > 0:
                _mark_failed(axes, row)
            reference = row["reference_resistance"].item()
            if math.isfinite(reference):
                axes.axhline(reference, color=COLORS["black"], linestyle="--", linewidth=1.0)
            _label(axes, row, first=number % columns == 0)
        handles = _cycles_legend(bool((by_cycle["failed"] > 0).any()))
        add_legend(figure, grid, handles, loc="outside lower center", ncols=2 + 2 * columns)
        if remark := left_out_words(places.size, by_cycle.sizes["condition"]):
            add_title(figure, grid, f"Resistances against cycles\n{remark}")
    return np.array(grid, dtype=object)


def plot_cycling_ber(cycling: xr.Dataset, ax: Canvas = None) -> Axes:
    """Draw the BER of every condition against the cycles, with the limit where one was given.

    Of more than 12 conditions, 12 at equal steps of their order are drawn.

    Points carry their 95 % interval: full where they are counted or within what the readings
    can show, empty where they are extrapolated; an arrow is an upper bound. Lines end at the
    last cycle read. A bar on the limit is the interval of the cycles until it is met.

    Parameters
    ----------
    cycling : xarray.Dataset
        Of the schema "cycling".
    ax : Canvas, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    limit, count = float(cycling.attrs["ber_limit"]), cycling.sizes["condition"]
    cycling = cycling.isel(condition=places_drawn(count, None))
    with figure_style():
        figure, (axes,) = axes_grid(ax, 1, 1, size=(5.2, 3.8))
        axes.set_xscale("log")
        axes.set_yscale("log")
        for number in range(cycling.sizes["condition"]):
            _draw_ber(axes, cycling.isel(condition=number), number, limit=limit)
        if math.isfinite(limit):
            axes.axhline(limit, color=COLORS["black"], linestyle="--", linewidth=1.0, gid="limit")
        axes.set_xlabel("SET/RESET cycles")
        axes.set_ylabel("bit-error rate")
        remark = left_out_words(cycling.sizes["condition"], count)
        axes.set_title("\n".join(filter(None, ("Bit-error rate at a fixed reference", remark))))
        add_legend(figure, [axes], _ber_legend(cycling), loc="outside lower center", ncols=2)
    return axes


def _draw_cycles(axes: Axes, row: xr.Dataset) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    cycle = row["cycle"].values
    cycle = cycle[np.isfinite(cycle)]
    for state in STATES:
        color, marker = STATE_LOOK[state]
        of_state = row.sel(state=state).isel(group=slice(cycle.size))
        low, middle, high = (of_state[name].values for name in ("p05", "p50", "p95"))
        read = of_state["readings"].values > 0
        if not read.any():
            continue
        cycles = cycle[read]
        low, middle, high = low[read], middle[read], high[read]
        few = cycles.size <= _FEW_CYCLES
        if few:
            # A band would show what lies between cycles that were not read.
            # Where a percentile lies among limits, the bar is left open on that side.
            ends = np.nan_to_num([middle - low, high - middle])
            axes.errorbar(
                cycles, middle, yerr=ends, color=color, fmt="none", capsize=3, elinewidth=1
            )
        else:
            axes.fill_between(cycles, low, high, color=color, alpha=0.2, linewidth=0)
        axes.plot(
            cycles,
            middle,
            color=color,
            marker=marker if few else "",
            linestyle=":" if few else "-",
            gid=f"median-{state}",
        )
        words = [
            f"{row['condition'].item()}, {state}, cycle {at:,.0f}: {median_words(*ohms)}"
            for at, *ohms in zip(cycles, low, middle, high, strict=True)
        ]
        add_values(axes, cycles, middle, words)
    if cycle.size <= _FEW_CYCLES:
        axes.xaxis.set_major_locator(FixedLocator(cycle.tolist()))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: numbers.power(at)))
        axes.margins(x=0.1)


def _mark_failed(axes: Axes, row: xr.Dataset) -> None:
    for index, state in enumerate(STATES):
        marks = np.flatnonzero(row["state_index"].values == index)
        marks = marks[:: max(1, math.ceil(marks.size / _MOST_MARKS))]
        axes.plot(
            np.maximum(row["failure_cycle"].values[marks], 1),
            row["failure_resistance"].values[marks],
            "x",
            color=STATE_LOOK[state][0],
            markersize=5,
            markeredgewidth=1.2,
            gid=f"failed-{state}",
        )


def _label(axes: Axes, row: xr.Dataset, *, first: bool) -> None:
    cells, cycles, failed = (row[name].item() for name in ("cells", "cycles", "failed"))
    counts = f"{cells:,} {'cell' if cells == 1 else 'cells'}"
    if failed >= 0:
        counts += f", {failed:,} failed"
    counts += f"; read at {cycles:,} {'cycle' if cycles == 1 else 'cycles'}"
    axes.set_title(f"{shown_name(row['condition'].item())}\n{counts}")
    axes.set_xlabel("SET/RESET cycles")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda ohm, _: numbers.quantity(ohm, "Ω")))
    if first:
        axes.set_ylabel("resistance")


def _cycles_legend(any_failed: bool) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = []
    for state, (color, _) in STATE_LOOK.items():
        handles.append(Line2D([], [], color=color, label=f"{state}, median"))
        handles.append(Patch(color=color, alpha=0.2, label=f"{state}, 5 to 95 %"))
    handles.append(Line2D([], [], color=COLORS["black"], linestyle="--", label="reference"))
    if any_failed:
        handles.append(
            Line2D(
                [], [], color=COLORS["grey"], marker="x", linestyle="", label="cell as it failed"
            )
        )
    return handles


def _draw_ber(axes: Axes, row: xr.Dataset, number: int, *, limit: float) -> None:
    look, marker = network_style(number), condition_marker(number)
    color = look["color"]
    cycle = np.maximum(row["cycle"].values, 1.0)
    ber, low, high = (row[name].values for name in ("ber", "ber_low", "ber_high"))
    known = np.isfinite(ber) & (ber > 0)
    extrapolated = row["ber_extrapolated"].values == 1
    for which, fill in ((known & ~extrapolated, color), (known & extrapolated, "white")):
        if not which.any():
            continue
        shown_low = np.where(low > 0, low, ber / 10.0)
        has_interval = np.isfinite(shown_low) & np.isfinite(high)
        error = np.where(has_interval, [ber - shown_low, high - ber], 0.0)
        axes.errorbar(
            cycle[which],
            ber[which],
            yerr=np.maximum(error[:, which], 0.0),
            fmt=marker,
            color=color,
            markerfacecolor=fill,
            capsize=2,
            elinewidth=0.9,
        )
    bounds = (row["ber_bound"].values == "upper") & np.isfinite(high) & np.isfinite(cycle)
    axes.plot(cycle[bounds], high[bounds], "v", color=color, markersize=7, gid=f"bounds-{number}")
    words = [
        f"{point['condition']}, cycle {point['cycle']:,.0f}: BER "
        f"{numbers.bit_error_rate(point.interval('ber'))}"
        for point in records(row, "checkpoint")
    ]
    add_values(axes, cycle, np.where(bounds, high, ber), words)
    line = _line_of(row)
    if line is None:
        return
    points = known & (cycle > 1)
    last = float(np.nanmax(row["cycle_last"].values))
    first = float(cycle[points].min())
    cycles = np.geomspace(first, last, 100)
    axes.plot(
        cycles,
        _share(line.probit(np.log10(cycles))),
        color=color,
        linestyle=look["linestyle"],
        gid=f"line-{number}",
    )
    axes.fill_between(
        cycles,
        _share(line.probit(np.log10(cycles), sides=-1.0)),
        _share(line.probit(np.log10(cycles), sides=1.0)),
        color=color,
        alpha=0.12,
        linewidth=0,
    )
    if math.isfinite(limit):
        _mark_crossing(axes, line, limit, first=first, last=last, color=color)


def _mark_crossing(
    axes: Axes, line: ProbitLine, limit: float, *, first: float, last: float, color: str
) -> None:
    crossing, low, high = first_crossing(line, limit, first=first, last=last)
    if math.isnan(crossing) or crossing <= first:
        return
    ends = (low if low > first else first, high if math.isfinite(high) else last)
    axes.plot(ends, (limit, limit), color=color, linewidth=4, alpha=0.5, solid_capstyle="butt")
    axes.plot([crossing], [limit], "|", color=color, markersize=12, markeredgewidth=2)


def _line_of(row: xr.Dataset) -> ProbitLine | None:
    slope = float(row["slope"].values)
    if math.isnan(slope):
        return None
    return ProbitLine(float(row["intercept"].values), slope, row["covariance"].values, 0)


def _share(probit: Any) -> Any:
    from scipy.special import ndtr

    return ndtr(probit)


def _ber_legend(cycling: xr.Dataset) -> list[Line2D]:
    handles = []
    for number, name in enumerate(cycling["condition"].values):
        look = network_style(number)
        handles.append(
            Line2D(
                [],
                [],
                color=look["color"],
                linestyle=look["linestyle"],
                marker=condition_marker(number),
                label=shown_name(str(name)),
            )
        )
    grey: dict[str, Any] = {"color": COLORS["grey"], "linestyle": ""}
    if bool(np.any(cycling["ber_extrapolated"].values == 1)):
        handles.append(
            Line2D([], [], marker="o", markerfacecolor="white", label="empty: extrapolated", **grey)
        )
    if bool(np.any(cycling["ber_bound"].values == "upper")):
        handles.append(Line2D([], [], marker="v", label="upper bound, no error counted", **grey))
    if math.isfinite(float(cycling.attrs["ber_limit"])):
        limit = numbers.power(float(cycling.attrs["ber_limit"]))
        handles.append(
            Line2D([], [], color=COLORS["black"], linestyle="--", label=f"BER limit {limit}")
        )
    return handles
