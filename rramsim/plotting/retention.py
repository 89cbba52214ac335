"""Resistances, bit-error rate and accuracy against the time since programming, after cycles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray
from scipy.special import ndtri

from rramsim import formatting as numbers
from rramsim.interval import Interval
from rramsim.plotting.panels import (
    MOST_PANELS,
    Canvas,
    add_legend,
    add_title,
    axes_grid,
    left_out_words,
    places_drawn,
)
from rramsim.plotting.populations import STATE_LOOK
from rramsim.plotting.series import (
    ACCEPTED_LINE,
    WIDTH_INCHES,
    draw_accepted,
    in_view,
    median_words,
    share_words,
    shown_name,
    use_accuracy_scale,
)
from rramsim.plotting.style import COLORS, add_values, figure_style
from rramsim.schema import POINT, STATES, Record

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

_BAND = 0.06
"""Opacity of bands that lie on each other, five of them or more."""

_Z95 = float(ndtri(0.95))


def plot_retention(retention: xr.Dataset, ax: Canvas = None) -> NDArray[np.object_]:
    """Draw resistances and BER against time, a row of two panels for each hold.

    Of more than 12 holds, 12 at equal steps of their order are drawn.

    On the left are the median and the 5th and 95th percentiles of the readings of each state at
    each read-out, and the fitted lines of the same; on the right the BER at the reference along
    the lines with its 95 % band, and the errors counted. What is later than the last read-out is
    dashed; before the first read-out in the lines no line is drawn. A read-out at 0 s stands at
    the left end.

    Parameters
    ----------
    retention : xarray.Dataset
        Of the schema "retention".
    ax : Canvas, optional

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (holds, 2)
    """
    every = retention.sizes["hold"]
    retention = retention.isel(hold=places_drawn(every, ax))
    holds = retention.sizes["hold"]
    with figure_style():
        figure, panels = axes_grid(ax, holds, 2, size=(8.4, 1.0 + 3.0 * holds), share_x=True)
        grid = np.array(panels, dtype=object).reshape(holds, 2)
        zero = _place_of_zero(retention)
        for number in range(holds):
            hold = retention.isel(hold=number)
            _draw_resistances(grid[number, 0], hold, zero=zero)
            _draw_ber(grid[number, 1], hold)
        for axes in grid[-1]:
            _label_time(axes, retention, zero=zero)
        add_legend(figure, panels, _legend(retention), loc="outside lower center", ncols=4)
        if remark := left_out_words(holds, every, what="holds"):
            add_title(figure, panels, f"Resistances and bit errors against time\n{remark}")
    return grid


def plot_accuracy_over_life(
    points: Sequence[Record], tradeoff: xr.Dataset, ax: Canvas = None
) -> NDArray[np.object_]:
    """Draw accuracy against the time since programming, a panel for each point.

    There is a line for each number of programmings, 1, 10, ... and the last that was read, with
    the 95 % band of what is limited: of the loss against the network without bit errors, or of the
    accuracy. What is extrapolated is dotted. A dashed line is the least accuracy that is accepted,
    a grey one the life that is required.

    Parameters
    ----------
    points : sequence of Record
        Points of the trade-off, whose accuracy over time is known.
    tradeoff : xarray.Dataset
        Product "tradeoff", with accuracies over cycles and time.
    ax : Canvas, optional

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (points,)
    """
    every = len(points)
    # The first is the recommended one.
    points = points[:MOST_PANELS]
    size = (WIDTH_INCHES, 0.9 + 2.2 * len(points))
    with figure_style():
        figure, panels = axes_grid(ax, len(points), 1, size=size, share_x=True)
        handles: dict[str, Line2D] = {}
        for point, axes in zip(points, panels, strict=True):
            labels = {dim: point[dim] for dim in POINT}
            handles |= _draw_life(axes, tradeoff.sel(labels), tradeoff)
            kept = "" if point["protection"] == "none" else f", {point['protection']}"
            axes.set_title(f"{shown_name(point['condition'])}{kept}")
        _label_life(panels[-1], tradeoff["time"].values)
        add_legend(figure, panels, list(handles.values()), loc="outside lower center", ncols=3)
        if len(points) < every:
            add_title(
                figure, panels, f"Accuracy against time\nthe first {len(points)} of {every:,}"
            )
    return np.array(panels, dtype=object)


def _draw_life(axes: Axes, aged: xr.Dataset, tradeoff: xr.Dataset) -> dict[str, Line2D]:
    """Draw the lines of one point, and return what they look like, by what they are."""
    mean, low, high = _accuracies(aged)
    cycles, times, last = aged["cycle"].values, aged["time"].values, float(aged["last_cycle"])
    last = float(cycles[0]) if math.isnan(last) else last
    # A line near that of the last cycle could not be told from it.
    decades = [10.0**power for power in range(math.ceil(math.log10(cycles[-1])) + 1)]
    decades = [decade for decade in decades if decade <= last / 2.0 or decade == last]
    axes.set_xscale("log")
    handles: dict[str, Line2D] = {}
    shown = []
    for number, cycle in enumerate(cycles):
        if np.isnan(mean[number]).all() or not (cycle in decades or cycle == last):
            continue
        color = _color_of_cycle(cycle, last)
        words = f"{numbers.power(cycle)} programming{'' if cycle == 1.0 else 's'}"
        is_far = aged["aged_extrapolated"].values[number] != ""
        axes.fill_between(times, low[number], high[number], color=color, alpha=_BAND, lw=0)
        near = np.where(is_far, math.nan, mean[number])
        far = np.where(is_far | np.roll(is_far, -1), mean[number], math.nan)
        axes.plot(times, near, color=color, gid=f"accuracy-{number}")
        axes.plot(times, far, color=color, linestyle=":", gid=f"extrapolated-{number}")
        add_values(
            axes,
            times[::8],
            mean[number, ::8],
            [
                f"{words}, after {numbers.span(time)}: {numbers.accuracy(Interval(*ends))}"
                for time, *ends in zip(
                    times[::8],
                    *(one[number, ::8].tolist() for one in (mean, low, high)),
                    strict=True,
                )
            ],
        )
        handles[words] = Line2D([], [], color=color, label=words)
        if is_far.any():
            grey = COLORS["grey"]
            handles["extrapolated"] = Line2D([], [], color=grey, ls=":", label="extrapolated")
        shown += in_view(mean[number], low[number], high[number])
    use_accuracy_scale(axes, shown, "accuracy")
    if draw_accepted(axes, tradeoff) is not None:
        handles["accepted"] = Line2D([], [], label="least accepted", **ACCEPTED_LINE)
    if "lifetime" in tradeoff.attrs:
        axes.axvline(float(tradeoff.attrs["lifetime"]), color=COLORS["grey"], lw=1.0, gid="life")
        handles["life"] = Line2D([], [], color=COLORS["grey"], lw=1.0, label="life required")
    return handles


def _accuracies(aged: xr.Dataset) -> tuple[NDArray[np.float64], ...]:
    """Return accuracies with the interval of what is limited: that of the loss, or their own."""
    if "target_accuracy" in aged.attrs:
        return tuple(aged[f"aged_accuracy{end}"].values for end in ("", "_low", "_high"))
    best = float(aged.attrs["error_free_accuracy"])
    return tuple(best - aged[f"aged_loss{end}"].values for end in ("", "_high", "_low"))


_TICKS = {
    **{1e-9: "1 ns", 1e-6: "1 µs", 1e-3: "1 ms", 1.0: "1 s", 60.0: "1 min", 3600.0: "1 h"},
    **{86400.0: "1 day", 2629800.0: "1 month", 31557600.0: "1 year", 315576000.0: "10 years"},
    **{3155760000.0: "100 years"},
}


def _label_life(axes: Axes, times: NDArray[np.float64]) -> None:
    axes.set_xlabel("time since programming")
    axes.set_xlim(times[0], times[-1])
    axes.xaxis.set_major_locator(FixedLocator(list(_TICKS)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda second, _: _TICKS.get(second, "")))


def _place_of_zero(retention: xr.Dataset) -> float | None:
    """Return where a read-out at 0 s stands on the logarithmic axis, None without one."""
    times = retention["readout_time"].values
    positive = times[times > 0]
    if not np.any(times == 0) or not positive.size:
        return None
    return float(10.0 ** (math.floor(math.log10(positive.min())) - 1))


def _draw_resistances(axes: Axes, hold: xr.Dataset, *, zero: float | None) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    last = float(hold["last_time"].values)
    end = max(float(hold["time"].max()), last) if hold.sizes["time"] else last
    for state in STATES:
        row, (color, marker) = hold.sel(state=state), STATE_LOOK[state]
        time = row["readout_time"].values
        shown_at = np.where(time == 0, zero or np.nan, time)
        low, middle, high = (row[name].values for name in ("p05", "p50", "p95"))
        axes.errorbar(
            shown_at,
            middle,
            # Where a percentile lies among limits, the bar is left open on that side.
            yerr=np.nan_to_num([middle - low, high - middle]),
            fmt=marker,
            color=color,
            capsize=3,
            elinewidth=0.9,
        )
        words = [
            f"{state} after {numbers.duration(at)}: {median_words(*ohms)}"
            for at, *ohms in zip(time, low, middle, high, strict=True)
        ]
        add_values(axes, shown_at, middle, words)
        _draw_lines(axes, row, color=color, last=last, end=end)
    reference = float(hold["reference_resistance"].values)
    if math.isfinite(reference):
        axes.axhline(reference, color=COLORS["black"], linestyle="--", linewidth=1.0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda ohm, _: numbers.quantity(ohm, "Ω")))
    axes.set_ylabel("resistance")
    cells = " and ".join(
        f"{int(hold['cells'].sel(state=state).values):,} {state}" for state in STATES
    )
    axes.set_title(f"{_title(hold)}\n{cells} cells")


def _draw_lines(axes: Axes, row: xr.Dataset, *, color: str, last: float, end: float) -> None:
    mu, drift, sigma, widening = (
        float(row[name].values) for name in ("mu", "mu_drift", "sigma", "sigma_drift")
    )
    if math.isnan(drift):
        return
    first = float(row["first_time"].values)
    for start, stop, style in ((first, last, "-"), (last, end, "--")):
        if stop <= start:
            continue
        log_time = np.linspace(math.log10(start), math.log10(stop), 60)
        for z, width in ((-_Z95, 0.8), (0.0, 1.5), (_Z95, 0.8)):
            spread = np.maximum(sigma + widening * log_time, 0.0)
            axes.plot(
                10.0**log_time,
                np.exp(mu + drift * log_time + z * spread),
                color=color,
                linestyle=style,
                linewidth=width,
                gid=f"line-{row['state'].values}" if style == "-" else "extrapolated",
            )


def _draw_ber(axes: Axes, hold: xr.Dataset) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    color = COLORS["purple"]
    time = hold["time"].values
    ber, low, high = (hold[name].values for name in ("ber", "ber_low", "ber_high"))
    outside = hold["ber_extrapolated"].values == 1
    late = outside & (time > float(hold["last_time"].values))
    drawn = np.isfinite(ber) & (ber > 0)
    # Nothing is drawn before the first read-out in the lines: the cells relax otherwise.
    drawn &= late | ~outside
    axes.fill_between(
        time[drawn], np.maximum(low, 1e-300)[drawn], high[drawn], color=color, alpha=0.15, lw=0
    )
    axes.plot(time[drawn & ~late], ber[drawn & ~late], color=color, gid="ber")
    # The dashed part starts at the last point that was read.
    tail = np.flatnonzero(drawn & ~late)[-1:].tolist() + np.flatnonzero(drawn & late).tolist()
    if len(tail) > 1:
        axes.plot(time[tail], ber[tail], color=color, linestyle="--", gid="ber-extrapolated")
    axes.plot(time[drawn & late], ber[drawn & late], "o", color=color, markerfacecolor="white")
    words = [
        f"after {numbers.duration(at)}: BER {numbers.interval(Interval(*ends))} by the lines"
        for at, *ends in zip(time[drawn], ber[drawn], low[drawn], high[drawn], strict=True)
    ]
    add_values(axes, time[drawn], ber[drawn], words)
    _draw_counted(axes, hold)
    limit = float(hold.attrs["ber_limit"])
    if math.isfinite(limit):
        axes.axhline(limit, color=COLORS["black"], linestyle=":", linewidth=1.2)
    axes.set_ylabel("bit-error rate")
    axes.set_title(
        f"at {numbers.quantity(float(hold['reference_resistance'].values), 'Ω')}, "
        f"{numbers.percent(float(hold.attrs['lrs_share']), 0)} of the cells in LRS"
    )


def _draw_counted(axes: Axes, hold: xr.Dataset) -> None:
    time, ber, low, high = (
        hold[name].values
        for name in ("counted_time", "counted_ber", "counted_ber_low", "counted_ber_high")
    )
    counted = time > 0
    if not counted.any():
        return
    time, ber, low, high = (values[counted] for values in (time, ber, low, high))
    grey = {"color": COLORS["black"], "elinewidth": 0.8, "capsize": 2}
    some = ber > 0
    axes.errorbar(
        time[some],
        ber[some],
        yerr=[(ber - low)[some], (high - ber)[some]],
        fmt="s",
        markersize=3.5,
        gid="counted",
        **grey,  # type: ignore[arg-type]
    )
    axes.plot(time[~some], high[~some], "v", color=COLORS["black"], gid="counted-bounds")
    words = [
        f"after {numbers.duration(at)}: BER {share_words(*ends)} as counted"
        for at, *ends in zip(time, ber, low, high, strict=True)
    ]
    add_values(axes, time, np.where(some, ber, high), words)


def _label_time(axes: Axes, retention: xr.Dataset, *, zero: float | None) -> None:
    axes.set_xlabel("time since programming")
    last = max(
        float(retention["last_time"].max()), float(retention["time"].values.max(initial=1.0))
    )
    times = retention["readout_time"].values
    lowest = math.floor(math.log10(float(times[times > 0].min())))
    step = max(1, math.ceil((math.log10(last) - lowest) / 6))
    decades: list[float] = [
        float(10.0**k) for k in range(lowest, math.ceil(math.log10(last)) + 1, step)
    ]
    if zero is not None:
        decades = [zero, *(time for time in decades if time > 30.0 * zero)]
    axes.xaxis.set_major_locator(FixedLocator(decades))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda s, _: "0 s" if s == zero else _seconds(float(s)))
    )


def _seconds(time: float) -> str:
    return f"{numbers.power(time)} s" if time >= 1e3 else numbers.quantity(time, "s")


def _title(hold: xr.Dataset) -> str:
    name = shown_name(str(hold["hold_condition"].values))
    kelvin = float(hold["temperature"].values)
    return name if math.isnan(kelvin) else f"{name} at {numbers.quantity(kelvin, 'K')}"


def _legend(retention: xr.Dataset) -> list[Line2D]:
    handles = [
        Line2D([], [], color=color, marker=marker, label=f"{state}: median, 5 and 95 %, lines")
        for state, (color, marker) in STATE_LOOK.items()
    ]
    black: dict[str, Any] = {"color": COLORS["black"]}
    handles += [
        Line2D([], [], linestyle="--", label="reference", **black),
        Line2D([], [], color=COLORS["purple"], label="BER of the lines, 95 % band"),
        Line2D([], [], marker="s", markersize=3.5, linestyle="", label="BER counted", **black),
        Line2D([], [], marker="v", linestyle="", label="no error: upper bound", **black),
    ]
    if bool(np.any(retention["ber_extrapolated"].values == 1)):
        grey = COLORS["grey"]
        handles.append(Line2D([], [], color=grey, linestyle="--", label="extrapolated"))
    if math.isfinite(float(retention.attrs["ber_limit"])):
        limit = numbers.power(float(retention.attrs["ber_limit"]))
        handles.append(Line2D([], [], linestyle=":", label=f"BER limit {limit}", **black))
    return handles


def plot_aging(aging: xr.Dataset, ax: Canvas = None) -> NDArray[np.object_]:
    """Draw the BER against time, a panel for each condition and a line for each number of cycles.

    Of more than 12 conditions, 12 at equal steps of their order are drawn.

    The 95 % band is that of the first and of the last number of cycles; what is extrapolated is
    dashed. Conditions of which only cycles or only times are known are not drawn.

    Parameters
    ----------
    aging : xarray.Dataset
        Of the schema "aging", with one condition of which both are known at least.
    ax : Canvas, optional

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (conditions,)
    """
    is_both = (aging["first_cycle"] < aging["last_cycle"]) & aging["first_time"].notnull()
    aging = aging.isel(condition=is_both.values)
    every = aging.sizes["condition"]
    aging = aging.isel(condition=places_drawn(every, ax))
    count = aging.sizes["condition"]
    with figure_style():
        rows, columns = math.ceil(count / 2), min(count, 2)
        size = (4.2 * columns, 1.2 + 3.0 * rows)
        figure, panels = axes_grid(ax, rows, columns, count=count, size=size)
        for number, axes in enumerate(panels):
            _draw_aging(axes, aging.isel(condition=number))
        add_legend(figure, panels, _aging_legend(aging), loc="outside lower center", ncols=4)
        if remark := left_out_words(count, every):
            add_title(figure, panels, f"Bit errors against time\n{remark}")
    return np.array(panels, dtype=object)


def _color_of_cycle(cycle: float, last: float) -> Any:
    """Return the shade of a cycle, from the dark of the first to the light of the last one."""
    from matplotlib import colormaps

    decades = math.log10(max(last, 10.0))
    return colormaps["viridis"](0.85 * math.log10(max(cycle, 1.0)) / decades)


def _last_cycle(aging: xr.Dataset) -> float:
    return float(aging["cycle"].max())


def _draw_aging(axes: Axes, condition: xr.Dataset) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    time = condition["time"].values
    is_line = condition["ber"].notnull().sum("time").values > 1
    cycles = condition["cycle"].values[is_line]
    for cycle in cycles:
        row, color = condition.sel(cycle=cycle), _color_of_cycle(cycle, _last_cycle(condition))
        ber, low, high = (row[name].values for name in ("ber", "ber_low", "ber_high"))
        drawn, late = np.isfinite(ber) & (ber > 0), row["ber_extrapolated"].values == 1
        if cycle in (cycles[0], cycles[-1]):
            axes.fill_between(time[drawn], low[drawn], high[drawn], color=color, alpha=0.15, lw=0)
        axes.plot(time[drawn & ~late], ber[drawn & ~late], color=color, gid="ber")
        # The dashed part starts at the last point that is not extrapolated.
        tail = np.flatnonzero(drawn & ~late)[-1:].tolist() + np.flatnonzero(drawn & late).tolist()
        axes.plot(time[tail], ber[tail], color=color, linestyle="--", gid="ber-extrapolated")
        words = [
            f"{numbers.power(float(cycle))} cycles, after {numbers.duration(at)}: BER "
            f"{numbers.interval(Interval(*ends))} by the lines"
            for at, *ends in zip(time[drawn], ber[drawn], low[drawn], high[drawn], strict=True)
        ]
        add_values(axes, time[drawn], ber[drawn], words)
    axes.set_xlabel("time since programming")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda s, _: _seconds(float(s))))
    axes.set_ylabel("bit-error rate")
    kelvin = float(condition["use_temperature"])
    if math.isnan(kelvin):
        kelvin = float(condition["temperature"])
    name = shown_name(str(condition["condition"].values))
    axes.set_title(name if math.isnan(kelvin) else f"{name} at {numbers.quantity(kelvin, 'K')}")


def _aging_legend(aging: xr.Dataset) -> list[Line2D]:
    handles = [
        Line2D(
            [],
            [],
            color=_color_of_cycle(cycle, _last_cycle(aging)),
            label="1 cycle" if cycle == 1 else f"{numbers.power(float(cycle))} cycles",
        )
        for cycle in aging["cycle"].values
        if (aging["ber"].sel(cycle=cycle).notnull().sum("time") > 1).any()
    ]
    if bool((aging["ber_extrapolated"].values == 1).any()):
        grey = COLORS["grey"]
        handles.append(Line2D([], [], color=grey, linestyle="--", label="extrapolated"))
    return handles
