"""Accuracy of networks against the bit-error rate: with conditions marked, or case by case."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MultipleLocator, NullLocator

from rramsim import formatting as numbers
from rramsim.plotting.series import (
    WIDTH_INCHES,
    draw_accepted,
    draw_points,
    name_above,
    network_style,
    note_origin,
    spread,
    use_accuracy_scale,
)
from rramsim.plotting.style import COLORS, figure_style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

_AXES_INCHES = 3.0
_DECADES_BELOW = 1e3  # how far below the curves a condition may widen the axis
_BAR_DECADES = 0.35  # how far left of the lowest BER an interval may reach: short of the break
_ZERO_DECADES = 0.9  # how far left of the lowest BER an error rate of zero is drawn

_COLUMNS = 2
_PANEL_INCHES = 3.5, 2.7
_MARKERS = "osD^vPX*"


def accuracy_figure(accuracy: xr.Dataset, tradeoff: xr.Dataset, conditions: xr.Dataset) -> Figure:
    """Draw accuracy against BER: a curve for each training BER, a line for each condition.

    The curve has the band of its interval and, thin, the 5th-percentile chip. A condition has a
    line at the BER it was evaluated at, a bar over the interval of its BER, an arrow where only
    a bound is known (or the BER lies left of the curves), and a marker for each network. BER 0
    stands left of the break in the axis.

    Parameters
    ----------
    accuracy : xarray.Dataset
        Product "accuracy".
    tradeoff : xarray.Dataset
        Product "tradeoff", of the same training BERs.
    conditions : xarray.Dataset
        Product "conditions", with the conditions of `tradeoff`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    with figure_style():
        figure = Figure(figsize=(WIDTH_INCHES, _AXES_INCHES))
        axes = figure.add_subplot()
        lowest, highest = _range(accuracy, tradeoff)
        zero = lowest / 10**_ZERO_DECADES
        shown = [accuracy[name].values for name in ("accuracy_low", "accuracy_high", "accuracy")]
        points = [tradeoff[name].values for name in ("accuracy_low", "accuracy_high", "accuracy")]
        everything = np.concatenate([values.ravel() for values in (*shown, *points)])
        use_accuracy_scale(axes, everything, "test images classified correctly (%)")
        _set_ber_axis(axes, zero, lowest, highest)
        figure.subplots_adjust(left=0.125, right=0.86)
        places = [_place(float(ber), zero, lowest) for ber in tradeoff.test_ber]
        names = [str(name) for name in tradeoff.condition.values]
        name_above(axes, places, names, height=_AXES_INCHES, below=0.5)
        ends = [
            _draw_curve(axes, accuracy, index, zero) for index in range(len(accuracy.training_ber))
        ]
        _name_curves(axes, accuracy, ends)
        known = conditions.sel(condition=tradeoff.condition.values)
        _draw_conditions(axes, tradeoff, known, places, lowest=lowest)
        if (accepted := draw_accepted(axes, tradeoff)) is not None:
            _name_accepted(axes, accepted)
        note_origin(axes, tradeoff)
    return figure


def _range(accuracy: xr.Dataset, tradeoff: xr.Dataset) -> tuple[float, float]:
    """Return the lowest BER above 0 that is in view, and the highest.

    A condition somewhat below the curves widens the axis; one far below would leave no room.
    """
    curve = accuracy.test_ber.values
    met = tradeoff.test_ber.values
    curve, met = curve[curve > 0], met[met > 0]
    known = np.concatenate([curve, met])
    if not known.size:
        return 1e-6, 0.5
    least = (curve if curve.size else met).min() / _DECADES_BELOW
    return float(known[known >= least].min()), float(known.max())


def _place(ber: float, zero: float, lowest: float) -> float:
    return zero if ber == 0 else max(ber, lowest)


def _set_ber_axis(axes: Axes, zero: float, lowest: float, highest: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(zero / 10**0.4, max(highest * 1.4, lowest * 10))
    first, last = math.ceil(math.log10(lowest) - 0.2), math.floor(math.log10(axes.get_xlim()[1]))
    step = max(1, math.ceil((last - first + 1) / 7))
    decades = [10.0**k for k in range(first, last + 1, step)]
    axes.xaxis.set_major_locator(FixedLocator([zero, *decades]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: "0" if x < 2 * zero else _decade(x)))
    axes.set_xlabel("bit-error rate (BER) of the cells")
    middle = lowest / 10 ** (_ZERO_DECADES / 2)
    axes.text(
        middle,
        0,
        "//",
        transform=axes.get_xaxis_transform(),
        ha="center",
        va="center",
        fontsize=9,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        gid="axis-break",
    )


def _decade(ber: float) -> str:
    exponent = round(math.log10(ber))
    return numbers.power(ber) if exponent < -2 else f"{ber:g}"


def _draw_curve(axes: Axes, accuracy: xr.Dataset, index: int, zero: float) -> float:
    """Draw one network and return the accuracy at the right end of its curve."""
    curve = accuracy.isel(training_ber=index).sortby("test_ber")
    style = network_style(index)
    color = style["color"]
    above = curve.sel(test_ber=curve.test_ber > 0)
    bers = above.test_ber.values
    axes.fill_between(bers, above.accuracy_low, above.accuracy_high, color=color, alpha=0.22, lw=0)
    axes.plot(bers, above.accuracy, color=color, linestyle=style["linestyle"], gid=f"curve-{index}")
    axes.plot(bers, above.accuracy_p05, color=color, lw=0.6, alpha=0.8, gid=f"p05-{index}")
    free = curve.sel(test_ber=curve.test_ber == 0)
    axes.plot(
        np.full(free.test_ber.size, zero),
        free.accuracy,
        color=color,
        marker="_",
        ms=12,
        mew=1.6,
        linestyle="none",
        gid=f"error-free-{index}",
    )
    return float(curve.accuracy.values[-1])


def _name_curves(axes: Axes, accuracy: xr.Dataset, ends: list[float]) -> None:
    heights = axes.transAxes.inverted()
    at = [heights.transform(axes.transData.transform((1.0, end)))[1] for end in ends]
    right = float(accuracy.test_ber.max())
    for index, height in enumerate(spread(at, gap=0.06)):
        axes.annotate(
            numbers.power(float(accuracy.training_ber[index])),
            xy=(right, ends[index]),
            xytext=(1.025, height),
            textcoords="axes fraction",
            color=network_style(index)["color"],
            fontsize=8,
            va="center",
            arrowprops={"arrowstyle": "-", "lw": 0.4, "color": COLORS["grey"], "shrinkB": 1},
            annotation_clip=False,
        )
    top = max([*spread(at, gap=0.06), 0.0])
    axes.text(
        1.025,
        top + 0.045,
        "trained\nat BER",
        transform=axes.transAxes,
        fontsize=7.5,
        va="bottom",
        linespacing=1.05,
    )


def _draw_conditions(
    axes: Axes,
    tradeoff: xr.Dataset,
    conditions: xr.Dataset,
    places: list[float],
    *,
    lowest: float,
) -> None:
    for index, place in enumerate(places):
        condition = conditions.isel(condition=index)
        met = tradeoff.isel(condition=index)
        axes.axvline(place, color=COLORS["grey"], lw=0.8, ls=":", gid=f"condition-{index}")
        low, high = float(condition.ber_low), float(condition.ber_high)
        level = 0.04 + 0.025 * index
        if condition.ber_bound.item() == "upper" or 0 < float(met.test_ber) < place:
            _point_left(axes, place, level)
        elif low < high:
            axes.plot(
                [max(low, lowest / 10**_BAR_DECADES), high],
                [level, level],
                color=COLORS["black"],
                lw=2.2,
                alpha=0.7,
                solid_capstyle="butt",
                transform=axes.get_xaxis_transform(),
                gid=f"ber-interval-{index}",
            )
        draw_points(axes, met, index, [place] * met.sizes["training_ber"])


def _point_left(axes: Axes, place: float, level: float) -> None:
    axes.annotate(
        "",
        xy=(place / 10**0.6, level),
        xytext=(place, level),
        xycoords=axes.get_xaxis_transform(),
        arrowprops={"arrowstyle": "-|>", "lw": 1.2, "color": COLORS["black"], "shrinkA": 0},
    )


def _name_accepted(axes: Axes, accepted: float) -> None:
    axes.annotate(
        "accepted down to here",
        xy=(0, accepted),
        xycoords=axes.get_yaxis_transform(),
        xytext=(4, -2.5),
        textcoords="offset points",
        fontsize=7,
        va="top",
    )


def case_accuracy_figure(
    found: xr.Dataset,
    *,
    panels: str,
    trained_at: Mapping[str, float] | None = None,
    titles: Mapping[str, str] | None = None,
) -> Figure:
    """Draw accuracy against BER, on a straight axis, with the interval of each point as a band.

    Parameters
    ----------
    found : xarray.Dataset
        Product "case_accuracy".
    panels : str
        ``"network"`` for a panel each network and a line each case, ``"case"`` for the opposite.
    trained_at : mapping of str to float, optional
        BER of the training by panel, marked by a line; panels that are not in it have none.
    titles : mapping of str to str, optional
        By panel; its name where there is none.
    """
    lines = "case" if panels == "network" else "network"
    names = [str(name) for name in found[panels].values]
    columns = min(_COLUMNS, len(names))
    rows = -(-len(names) // columns)
    width, height = _PANEL_INCHES
    size = (width * columns + 0.4, height * rows + 0.4 + 0.17 * -(-found.sizes[lines] // 2))
    with figure_style():
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for panel, name in zip(axes, names, strict=False):
            _draw_case_panel(panel, found.sel({panels: name}), lines)
            panel.set_title((titles or {}).get(name, name))
            if name in (trained_at or {}):
                _mark_training(panel, (trained_at or {})[name])
        for panel in axes[len(names) :]:
            panel.remove()
        use_accuracy_scale(axes[0], [found.accuracy_low, found.accuracy_high], "")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=2)
        figure.supxlabel("bit-error rate (BER) of the cells", fontsize=9)
        figure.supylabel("test images classified correctly (%)", fontsize=9)
    return figure


def _draw_case_panel(axes: Axes, of: xr.Dataset, lines: str) -> None:
    bers = of.test_ber.values
    for index, name in enumerate(of[lines].values):
        curve, style = of.sel({lines: name}), network_style(index)
        look = {"color": style["color"], "linestyle": style["linestyle"]}
        axes.fill_between(
            bers, curve.accuracy_low, curve.accuracy_high, color=look["color"], alpha=0.2, lw=0
        )
        axes.plot(bers, curve.accuracy, label=str(name), marker=_MARKERS[index % 8], ms=3.5, **look)
    axes.xaxis.set_major_locator(MultipleLocator(0.1))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda ber, _: f"{ber:g}"))


def _mark_training(axes: Axes, ber: float) -> None:
    axes.axvline(ber, color=COLORS["grey"], lw=0.8, ls=":", gid="trained-at")
    axes.annotate(
        f"trained at\nBER {numbers.power(ber)}",
        xy=(ber, 0.03),
        xycoords=axes.get_xaxis_transform(),
        xytext=(-3 if ber > 0.2 else 3, 0),
        textcoords="offset points",
        ha="right" if ber > 0.2 else "left",
        fontsize=7,
        color=COLORS["grey"],
    )
