"""Resistances, and the bit-error rate, against the number of SET/RESET cycles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from rramsim import formatting as numbers
from rramsim.plotting.panels import panel_grid
from rramsim.plotting.populations import STATE_LOOK
from rramsim.plotting.series import condition_marker, network_style, shown_name
from rramsim.plotting.style import COLORS, figure_style
from rramsim.schema import STATES
from rramsim.statistics.probit_line import BerLine, first_crossing
from rramsim.statistics.quantiles import sample_percentiles

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes


_COLUMNS = 2
# More cycles than this are drawn as bins, so many to a decade.
_MOST_CYCLES = 60
_BINS_PER_DECADE = 12
# So few are drawn one by one.
_FEW_CYCLES = 8
_MOST_MARKS = 600


def cycles_figure(
    readings: xr.Dataset, cycling: xr.Dataset, lifetimes: xr.Dataset | None = None
) -> Figure:
    """Draw the resistances of each condition against its cycles, one panel a condition.

    A panel shows the median and the range from 5 to 95 % of the readings of each state, the
    reference, how many cells were read at how many cycles, and the cells that failed, each at
    its resistance in the first bad cycle.

    Parameters
    ----------
    readings, cycling : xarray.Dataset
        Of the schemas of these names.
    lifetimes : xarray.Dataset, optional
        Schema "cell_lifetimes".

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = [str(name) for name in cycling["condition"].values]
    with figure_style():
        figure, grid, columns = panel_grid(
            len(names), most_columns=_COLUMNS, panel=(4.2, 3.0), around=(1.2, 0.9), share_y=True
        )
        any_failed = False
        for number, axes in enumerate(grid):
            chosen = (readings["condition_index"].values == number) & (
                readings["cycle"].values >= 0
            )
            part = {
                name: readings[name].values[chosen]
                for name in ("resistance", "censoring", "state_index", "cell", "cycle")
            }
            life = _lifetimes_of(lifetimes, number)
            _draw_cycles(axes, part)
            reference = float(cycling["reference_resistance"].values[number])
            any_failed |= _mark_failed(axes, part, life, reference=reference)
            if math.isfinite(reference):
                axes.axhline(reference, color=COLORS["black"], linestyle="--", linewidth=1.0)
            _label(axes, names[number], part, life, first=number % columns == 0)
        figure.legend(
            handles=_cycles_legend(any_failed), loc="outside lower center", ncols=2 + 2 * columns
        )
    return figure


def cycling_ber_figure(cycling: xr.Dataset) -> Figure:
    """Draw the BER of every condition against the cycles, with the limit where one was given.

    Points carry their 95 % interval: full where they are counted or within what the readings
    can show, empty where they are extrapolated; an arrow is an upper bound. Lines end at the
    last cycle read. A bar on the limit is the interval of the cycles until it is met.

    Parameters
    ----------
    cycling : xarray.Dataset
        Of the schema "cycling".

    Returns
    -------
    matplotlib.figure.Figure
    """
    limit = float(cycling.attrs["ber_limit"])
    with figure_style():
        figure = Figure(figsize=(5.2, 3.8), layout="constrained")
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.set_yscale("log")
        for number in range(cycling.sizes["condition"]):
            _draw_ber(axes, cycling.isel(condition=number), number, limit=limit)
        if math.isfinite(limit):
            axes.axhline(limit, color=COLORS["black"], linestyle="--", linewidth=1.0, gid="limit")
        axes.set_xlabel("SET/RESET cycles")
        axes.set_ylabel("bit-error rate")
        axes.set_title("Bit-error rate at a fixed reference")
        figure.legend(handles=_ber_legend(cycling), loc="outside lower center", ncols=2)
    return figure


def _draw_cycles(axes: Axes, part: dict[str, NDArray[Any]]) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    places, member = _bins(part["cycle"])
    for index, state in enumerate(STATES):
        color, marker = STATE_LOOK[state]
        of_state = part["state_index"] == index
        rows = []
        for place, at in enumerate(places):
            here = of_state & (member == place)
            if here.any():
                shown = sample_percentiles(part["resistance"][here], part["censoring"][here])
                rows.append((at, *shown))
        if not rows:
            continue
        at, low, middle, high = np.array(rows).T
        few = at.size <= _FEW_CYCLES
        if few:
            # A band would show what lies between cycles that were not read.
            # Where a percentile lies among limits, the bar is left open on that side.
            ends = np.nan_to_num([middle - low, high - middle])
            axes.errorbar(at, middle, yerr=ends, color=color, fmt="none", capsize=3, elinewidth=1)
        else:
            axes.fill_between(at, low, high, color=color, alpha=0.2, linewidth=0)
        axes.plot(
            at,
            middle,
            color=color,
            marker=marker if few else "",
            linestyle=":" if few else "-",
            gid=f"median-{state}",
        )
    if places.size <= _FEW_CYCLES:
        axes.xaxis.set_major_locator(FixedLocator(places.tolist()))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda cycle, _: numbers.power(cycle)))
        axes.margins(x=0.1)


def _bins(cycle: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """Return where to draw each group of cycles, and the group of each reading."""
    at = np.maximum(cycle.astype(float), 1.0)
    distinct, member = np.unique(at, return_inverse=True)
    if distinct.size <= _MOST_CYCLES:
        return distinct, member
    bins, member = np.unique(np.floor(_BINS_PER_DECADE * np.log10(at)), return_inverse=True)
    log_sums = np.bincount(member, weights=np.log(at))
    return np.exp(log_sums / np.bincount(member, minlength=bins.size)), member


def _lifetimes_of(lifetimes: xr.Dataset | None, number: int) -> xr.Dataset | None:
    """Return the lifetimes of the cells of one condition, None where none was followed."""
    if lifetimes is None:
        return None
    chosen = np.flatnonzero(lifetimes["condition_index"].values == number)
    return lifetimes.isel(lifetime=chosen) if chosen.size else None


def _mark_failed(
    axes: Axes, part: dict[str, NDArray[Any]], lifetimes: xr.Dataset | None, *, reference: float
) -> bool:
    if lifetimes is None or not np.isfinite(lifetimes["until"].values).any():
        return False
    failed = lifetimes.isel(lifetime=np.flatnonzero(np.isfinite(lifetimes["until"].values)))
    cells, until = failed["cell"].values, failed["until"].values
    at = dict(zip(cells.tolist(), until.tolist(), strict=True))
    of_failed = np.flatnonzero(np.isin(part["cell"], cells))
    moments = [i for i in of_failed if part["cycle"][i] == at[int(part["cell"][i])]]
    wrong = (part["resistance"] > reference) == (part["state_index"] == 0)
    # A window that closed, or a mark in the file, can leave both readings on their side.
    moments = [i for i in moments if wrong[i]] or moments
    for index, state in enumerate(STATES):
        marks = [i for i in moments if part["state_index"][i] == index]
        marks = marks[:: max(1, math.ceil(len(marks) / _MOST_MARKS))]
        axes.plot(
            np.maximum(part["cycle"][marks], 1),
            part["resistance"][marks],
            "x",
            color=STATE_LOOK[state][0],
            markersize=5,
            markeredgewidth=1.2,
            gid=f"failed-{state}",
        )
    return True


def _label(
    axes: Axes,
    name: str,
    part: dict[str, NDArray[Any]],
    lifetimes: xr.Dataset | None,
    *,
    first: bool,
) -> None:
    cell = part["cell"]
    cells = np.unique(cell[cell >= 0]).size + int(np.count_nonzero(cell < 0))
    said = f"{cells:,} {'cell' if cells == 1 else 'cells'}"
    if lifetimes is not None:
        said += f", {int(np.isfinite(lifetimes['until'].values).sum()):,} failed"
    cycles = np.unique(part["cycle"]).size
    said += f"; read at {cycles:,} {'cycle' if cycles == 1 else 'cycles'}"
    axes.set_title(f"{shown_name(name)}\n{said}")
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
    line = _line_of(row)
    if line is None:
        return
    points = known & (cycle > 1)
    last = float(np.nanmax(row["cycle_last"].values))
    first = float(cycle[points].min())
    at = np.geomspace(first, last, 100)
    axes.plot(
        at,
        _share(line.probit(np.log10(at))),
        color=color,
        linestyle=look["linestyle"],
        gid=f"line-{number}",
    )
    axes.fill_between(
        at,
        _share(line.probit(np.log10(at), sides=-1.0)),
        _share(line.probit(np.log10(at), sides=1.0)),
        color=color,
        alpha=0.12,
        linewidth=0,
    )
    if math.isfinite(limit):
        _mark_crossing(axes, line, limit, first=first, last=last, color=color)


def _mark_crossing(
    axes: Axes, line: BerLine, limit: float, *, first: float, last: float, color: str
) -> None:
    crossing, low, high = first_crossing(line, limit, first=first, last=last)
    if math.isnan(crossing) or crossing <= first:
        return
    ends = (low if low > first else first, high if math.isfinite(high) else last)
    axes.plot(ends, (limit, limit), color=color, linewidth=4, alpha=0.5, solid_capstyle="butt")
    axes.plot([crossing], [limit], "|", color=color, markersize=12, markeredgewidth=2)


def _line_of(row: xr.Dataset) -> BerLine | None:
    slope = float(row["slope"].values)
    if math.isnan(slope):
        return None
    return BerLine(float(row["intercept"].values), slope, row["covariance"].values, 0)


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
        said = numbers.power(float(cycling.attrs["ber_limit"]))
        handles.append(
            Line2D([], [], color=COLORS["black"], linestyle="--", label=f"BER limit {said}")
        )
    return handles
