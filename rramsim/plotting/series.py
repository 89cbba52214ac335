"""How networks, conditions and accuracies look in every figure that shows them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from rramsim import formatting as numbers
from rramsim.interval import Interval
from rramsim.plotting.style import COLORS, add_values
from rramsim.schema import Record, records

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from rramsim.plotting.panels import Frame

WIDTH_INCHES = 4.8
"""Narrow enough that text stays readable when a phone shrinks the figure to its screen."""

NAME_POINTS = 8.0
"""Height of the names of conditions."""
_ROW_POINTS = 1.35 * NAME_POINTS
ACCEPTED_LINE: dict[str, Any] = {"color": COLORS["black"], "lw": 0.7, "ls": (0, (4, 3))}
_LONGEST_NAME = 24
_MARKERS = "osD^vPX*"
_LINES = ("-", (0, (5, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (1, 1.2)), (0, (8, 3)), (0, (2, 3)))
_FILLS = ("full", "none", "left", "top", "bottom", "right")
# One more than lines and fillings, so that a colour comes again with another line.
_COLORS = [
    COLORS[name] for name in ("blue", "vermilion", "green", "purple", "orange", "black", "sky")
]

# Keeps an accuracy of 100 % at a finite place on the scale of errors: one image in 10 000.
_LEAST_ERROR = 1e-4
_LEAST_SHARE_OF_ERRORS = 0.3
_ROUND_ACCURACIES = (
    *(0.0, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98),
    *(0.99, 0.995, 0.998, 0.999, 0.9995, 1.0),
)


def network_style(index: int) -> dict[str, Any]:
    """Return colour, line and filling of the network at place `index` of the training BERs.

    Lines and fillings differ as well as colours, so that a grey print can be read.
    """
    return {
        "color": _COLORS[index % len(_COLORS)],
        "linestyle": _LINES[index % len(_LINES)],
        "fillstyle": _FILLS[index % len(_FILLS)],
        "markerfacecoloralt": "white",
    }


def condition_marker(index: int) -> str:
    """Return the marker of the condition at place `index`."""
    return _MARKERS[index % len(_MARKERS)]


def draw_points(axes: Axes, met: xr.Dataset, index: int, places: Sequence[float]) -> None:
    """Draw the accuracies of a condition, a point and its interval for each network.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    met : xarray.Dataset
        The condition's part of the trade-off, by `training_ber`.
    index : int
        Place of the condition, which tells its marker.
    places : sequence of float
        Where the points of the networks are on the horizontal axis.
    """
    for network, place in enumerate(places):
        point = met.isel(training_ber=network)
        style = network_style(network) | {"linestyle": "none"}
        axes.plot(
            [place, place],
            [point.accuracy_low, point.accuracy_high],
            color=style["color"],
            lw=1.1,
            gid=f"interval-{index}-{network}",
        )
        axes.plot(
            place,
            point.accuracy,
            marker=condition_marker(index),
            ms=5.5,
            **style,
            gid=f"point-{index}-{network}",
        )
    words = [point_words(point) for point in records(met, "training_ber")]
    add_values(axes, places, met.accuracy.values, words)


def point_words(point: Record) -> str:
    """Return what a point of the trade-off says when it is pointed at.

    Parameters
    ----------
    point : Record
        A network on a condition, of product "tradeoff".
    """
    energy = numbers.quantity(point["energy_per_weight"], "J")
    cost = "" if energy == numbers.UNKNOWN else f", {energy} a weight"
    reached = numbers.accuracy(point.interval("accuracy"))
    kept = "" if point["protection"] == "none" else f", {point['protection']}"
    again = "" if point["thresholds"] == "as trained" else ", thresholds re-estimated"
    network = f"{training_words(point['training_ber'])}{again}"
    return f"{point['condition']}{kept}, {network}: {reached}{cost}"


def training_words(training_ber: float) -> str:
    """Return how a network was trained, in few words.

    >>> training_words(0.0), training_words(0.03), training_words(math.nan)
    ('plain training', 'trained at BER 0.03', 'network')
    """
    if math.isnan(training_ber):
        return "network"
    return f"trained at BER {numbers.power(training_ber)}" if training_ber else "plain training"


def share_words(share: float, low: float, high: float) -> str:
    """Return a share that was counted, with its interval; of none, the upper end as a bound.

    >>> share_words(0.01, 0.007, 0.02), share_words(0.0, 0.0, 0.003)
    ('0.01 (7×10⁻³ to 0.02)', 'less than 3×10⁻³')
    """
    if share > 0:
        return numbers.interval(Interval(share, low, high))
    return numbers.bounded(numbers.power(high), "upper")


def median_words(low: float, middle: float, high: float) -> str:
    r"""Return a median of resistances with its 5th and 95th percentile, all in ohm.

    >>> median_words(7e3, 1e4, 2e4).replace("\xa0", " ")
    'median 10 kΩ (5 to 95 % of readings: 7 kΩ to 20 kΩ)'
    """
    median, first, last = (numbers.quantity(ohm, "Ω") for ohm in (middle, low, high))
    return f"median {median} (5 to 95\N{NO-BREAK SPACE}% of readings: {first} to {last})"


def of_protection(tradeoff: xr.Dataset, protection: str | None = None) -> xr.Dataset:
    """Return the points of networks as trained, under one protection (default: the first)."""
    first = tradeoff.isel(thresholds=0)
    return first.isel(protection=0) if protection is None else first.sel(protection=protection)


def shown_name(name: str) -> str:
    """Return a condition's name for a figure: one line, not too long, a $ taken as a $."""
    line = " ".join(name.split())
    short = line if len(line) <= _LONGEST_NAME else f"{line[: _LONGEST_NAME - 1]}…"
    return short.replace("$", r"\$")


def shown_names(names: Sequence[str], *, most: int = 6) -> str:
    """Return names of conditions for a figure, of many the first ones and how many more there are.

    >>> shown_names(["weak", "strong"]), shown_names(list("abcdefgh"), most=2)
    ('weak, strong', 'a, b and 6 more')
    """
    words = ", ".join(map(shown_name, names[:most]))
    return f"{words} and {len(names) - most:,} more" if len(names) > most else words


def use_accuracy_scale(axes: Axes, accuracies: npt.ArrayLike, label: str) -> None:
    """Give the vertical axis a scale on which equal distances are equal ratios of errors.

    So a loss from 99 % to 98 % is as visible as one from 90 % to 80 %. Ticks are accuracies.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    accuracies : array_like
        All that shall be in view; NaN is left out.
    label : str
        Of the axis.
    """
    values: npt.NDArray[np.float64] = np.asarray(accuracies, dtype=float).ravel()
    values = np.clip(values[~np.isnan(values)], 0.0, 1.0)
    low, high = float(_to_scale(values.min())), float(_to_scale(values.max()))
    pad = max(0.08 * (high - low), 0.01)
    bottom = float(_from_scale(low - pad))
    top = min(float(_from_scale(high + pad)), 1.0 + 0.5 * _LEAST_ERROR)
    axes.set_yscale("function", functions=(_to_scale, _from_scale))
    axes.set_ylim(bottom, top)
    ticks = _accuracy_ticks(bottom, top)
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FixedFormatter([f"{100 * tick:.6g}" for tick in ticks]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylabel(label)


def in_view(means: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike) -> list[float]:
    """Return what accuracies shall be in view: all, but of long intervals not the whole upper end.

    On a scale of errors an interval that reaches up to no error would leave the rest no room.

    Parameters
    ----------
    means, low, high : array_like
        Accuracies with the ends of their intervals.
    """
    values, tops = np.ravel(np.asarray(means, float)), np.ravel(np.asarray(high, float))
    top = 1.0 - _LEAST_SHARE_OF_ERRORS * (1.0 - float(np.nanmax(values)))
    shown: list[float] = [*values, *np.ravel(np.asarray(low, float)), *np.fmin(tops, top)]
    return shown


def _to_scale(accuracy: npt.ArrayLike) -> npt.NDArray[np.float64]:
    error: npt.NDArray[np.float64] = 1.0 - np.asarray(accuracy, dtype=float) + _LEAST_ERROR
    # Artists may reach above 100 % (an interval's end); they are drawn at the top.
    scaled: npt.NDArray[np.float64] = -np.log10(np.maximum(error, _LEAST_ERROR / 10))
    return scaled


def _from_scale(scaled: npt.ArrayLike) -> npt.NDArray[np.float64]:
    error: npt.NDArray[np.float64] = 10.0 ** -np.asarray(scaled, dtype=float)
    return 1.0 + _LEAST_ERROR - error


def _accuracy_ticks(bottom: float, top: float) -> list[float]:
    inside = [tick for tick in _ROUND_ACCURACIES if bottom <= tick <= top]
    if len(inside) < 4:
        even = MaxNLocator(5).tick_values(bottom, top)
        inside = [float(tick) for tick in even if bottom <= tick <= min(top, 1.0)]
    height = float(_to_scale(top) - _to_scale(bottom))
    ticks: list[float] = []
    for tick in reversed(inside):
        if not ticks or float(_to_scale(ticks[-1]) - _to_scale(tick)) > 0.06 * height:
            ticks.append(tick)
    return ticks


def name_above(
    axes: Axes,
    places: Sequence[float],
    names: Sequence[str],
    *,
    figure: Frame,
    height: float,
    below: float,
) -> float:
    """Write each name above its place on the horizontal axis, in rows where they would touch.

    The figure, where it is one of its own, grows with the rows, so that the axes keep their
    height. Call it when the limits and the left and right margins are final.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    places : sequence of float
        In data coordinates, inside the limits.
    names : sequence of str
        As given by the user.
    figure : matplotlib.figure.Figure or None
        To be laid out, with these axes alone.
    height, below : float
        Height of the axes and of the space below them, in inches.

    Returns
    -------
    float
        The height of the figure, in inches.
    """
    rows = _write_names(axes, places, names)
    above = 0.18 + _ROW_POINTS / 72 * rows
    total = below + height + above
    if isinstance(figure, Figure):
        figure.set_size_inches(WIDTH_INCHES, total)
        figure.subplots_adjust(bottom=below / total, top=1 - above / total)
    return total


def _write_names(axes: Axes, places: Sequence[float], names: Sequence[str]) -> int:
    points = 72 / axes.figure.dpi
    right = axes.bbox.width * points
    ends: list[float] = []  # of the last name in each row
    placed = []
    for place, name in sorted(zip(places, map(shown_name, names), strict=True)):
        half = _width_points(name) / 2
        own = (axes.transData.transform((place, 0))[0] - axes.bbox.x0) * points
        centre = min(max(own, half), max(right - half, half))
        row = next((i for i, end in enumerate(ends) if centre - half > end), len(ends))
        ends[row : row + 1] = [centre + half + NAME_POINTS]
        placed.append((row, name, place, centre - own))
    # Upper rows first: their leaders then pass behind the names below them.
    for row, name, place, shift in sorted(placed, reverse=True):
        axes.annotate(
            name,
            xy=(place, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(shift, 6 + _ROW_POINTS * row),
            textcoords="offset points",
            fontsize=NAME_POINTS,
            ha="center",
            va="bottom",
            arrowprops={"arrowstyle": "-", "lw": 0.5, "color": COLORS["grey"], "shrinkB": 0},
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.3},
            annotation_clip=False,
        )
    return len(ends)


def draw_accepted(axes: Axes, tradeoff: xr.Dataset) -> float | None:
    """Draw the least accuracy that is accepted, and return it; None if it is out of view."""
    accepted = _accepted(tradeoff.attrs)
    if not axes.get_ylim()[0] < accepted < axes.get_ylim()[1]:
        return None
    axes.axhline(accepted, gid="accepted", **ACCEPTED_LINE)
    return accepted


def _accepted(attrs: Mapping[str, Any]) -> float:
    """Return the least accuracy that is accepted, NaN where nothing is required."""
    if "target_accuracy" in attrs:
        return float(attrs["target_accuracy"])
    return float(attrs["error_free_accuracy"]) - float(attrs.get("tolerance", "nan"))


def note_origin(axes: Axes, tradeoff: xr.Dataset) -> None:
    """Say beside the axes where conditions rest on cells that were not measured."""
    origins = sorted(set(tradeoff.origin.values.astype(str)) - {"measured", "none"})
    for origin in origins:
        of_all = bool((tradeoff.origin == origin).all())
        names = tradeoff.condition.values[tradeoff.origin == origin]
        which = "cells" if of_all else f"cells of {shown_names(list(map(str, names)), most=3)}"
        axes.text(
            1.012,
            1.0,
            f"{which}: {origin}, not measured",
            transform=axes.transAxes,
            rotation=270,
            va="top",
            fontsize=6.5,
            color=COLORS["grey"],
            gid="origin",
        )


def spread(values: Sequence[float], gap: float) -> list[float]:
    """Return places at least `gap` apart, in the order of `values` and near them.

    >>> spread([0.5, 0.5, 0.9], 0.2)
    [0.4, 0.6, 0.9]
    """
    order = sorted(range(len(values)), key=lambda index: values[index])
    groups: list[list[float]] = []  # of [centre, size]; groups that touch are joined
    for index in order:
        groups.append([values[index], 1.0])
        while len(groups) > 1 and _touch(groups[-2], groups[-1], gap):
            upper, lower = groups.pop(), groups.pop()
            size = lower[1] + upper[1]
            groups.append([(lower[0] * lower[1] + upper[0] * upper[1]) / size, size])
    placed = [
        centre + gap * (i - (size - 1) / 2) for centre, size in groups for i in range(int(size))
    ]
    result = [0.0] * len(values)
    for index, place in zip(order, placed, strict=True):
        result[index] = place
    return result


def _touch(lower: list[float], upper: list[float], gap: float) -> bool:
    return upper[0] - lower[0] < gap * (lower[1] + upper[1]) / 2


def _width_points(text: str) -> float:
    from matplotlib.textpath import TextPath

    return float(TextPath((0, 0), text, size=NAME_POINTS).get_extents().width) if text else 0.0
