"""What each condition costs and what it reaches: energy against accuracy, and against cells."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure, FigureBase
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from rramsim import formatting as numbers
from rramsim.decision.recommend import best_points, foremost_conditions
from rramsim.plotting.panels import Canvas, Frame, add_legend, axes_grid
from rramsim.plotting.series import (
    ACCEPTED_LINE,
    WIDTH_INCHES,
    condition_marker,
    draw_accepted,
    in_view,
    name_above,
    network_style,
    note_origin,
    point_words,
    shown_name,
    shown_names,
    use_accuracy_scale,
)
from rramsim.plotting.style import COLORS, add_values, figure_style
from rramsim.schema import Record, product_of, records

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from rramsim.decision.recommend import StudyResult

_MOST_NAMES = 12
_AXES_INCHES = 2.9
_CELLS_INCHES = 2.0
_LEGEND_COLUMNS = 3
_LONGEST_IN_COLUMNS = 26
_RING: dict[str, Any] = {
    "mfc": "none",
    "mec": COLORS["black"],
    "mew": 1.3,
    "linestyle": "none",
}
_NAME_MARKER: dict[str, Any] = {"color": COLORS["black"], "ms": 4.5, "fillstyle": "full"}
_FRONT: dict[str, Any] = {"color": COLORS["grey"], "lw": 1.2}


def plot_tradeoff(
    tradeoff: StudyResult | xr.Dataset,
    ax: Canvas = None,
    *,
    protection: str | None = None,
    recommended: Mapping[str, Any] | None = None,
) -> Axes:
    """Draw energy per weight against accuracy, a marker for each point.

    Of each condition and protection the network that is recommended, or has the best verdict, has
    the marker of the condition, the colour and filling of the protection, and its interval; all
    others are small. The front joins
    the points that no other beats in both. Points of unknown energy cannot be drawn: the figure
    names their conditions. Of more than 12 conditions, 12 have names and markers: the recommended
    one, those on the front, and those of nearly its energy (`foremost_conditions`).

    Parameters
    ----------
    tradeoff : StudyResult or xarray.Dataset
        A trade-off; or product "tradeoff".
    ax : Canvas, optional
    protection : str, optional
        Of the points drawn. Default: all.
    recommended : mapping, optional
        Labels of the point to ring, if it is drawn. Default: the one that a trade-off recommends;
        none of a dataset.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import rramsim
    >>> settings = {"network": "64-16-10", "epochs": 1, "curve_bers": [0.1], "chips": 2}
    >>> result = rramsim.tradeoff(conditions="table1", out="results", **settings)
    >>> rramsim.plot_tradeoff(result).get_xlabel()
    'energy to program a weight'
    """
    ringed = _recommended(tradeoff, recommended)
    tradeoff = product_of(tradeoff, "tradeoff")
    places = _Places(tradeoff)
    points = [
        point
        for point in records(tradeoff, "condition", "protection", "training_ber", "thresholds")
        if not math.isnan(point["accuracy"] + point["energy_per_weight"])
        and protection in (None, point["protection"])
    ]
    with figure_style():
        figure, (axes,) = axes_grid(ax, 1, 1, size=(WIDTH_INCHES, _AXES_INCHES), layout=None)
        if not points:
            return _say(axes, "No programming energy is known.")
        chosen = next((one for one in points if _is(one, ringed)), None)
        named = foremost_conditions(points, ringed, most=_MOST_NAMES)
        _set_energy_axis(axes, [one["energy_per_weight"] for one in points])
        axes.set_xlabel("energy to program a weight")
        ends = ([one[f"accuracy{end}"] for one in points] for end in ("", "_low", "_high"))
        use_accuracy_scale(axes, in_view(*ends), "test images classified correctly (%)")
        handles = [*places.handles(points), Line2D([], [], label="front", **_FRONT)]
        if draw_accepted(axes, tradeoff) is not None:
            handles.append(Line2D([], [], label="least accepted", **ACCEPTED_LINE))
        _annotate(
            figure,
            axes,
            points,
            places,
            handles=[*handles, *_ring_handles(chosen)],
            undrawn=_undrawn(tradeoff, points),
            height=_AXES_INCHES,
            named=named,
        )
        _draw_front(
            axes,
            [(one["energy_per_weight"], one["accuracy"]) for one in points if one["on_front"]],
        )
        _draw_points(axes, points, places, ringed, named)
        if chosen is not None:
            _ring(axes, chosen["energy_per_weight"], chosen["accuracy"])
        note_origin(axes, tradeoff)
    return axes


def plot_cells(
    tradeoff: StudyResult | xr.Dataset,
    ax: Canvas = None,
    *,
    recommended: Mapping[str, Any] | None = None,
) -> Axes:
    """Draw energy against cells per weight, for what meets all that is required.

    There is a marker for each condition and protection with which a network meets it; energy is the
    mean of all networks, as for the front: they differ by their weights alone.

    Parameters
    ----------
    tradeoff : StudyResult or xarray.Dataset
        A trade-off; or product "tradeoff", judged.
    ax : Canvas, optional
    recommended : mapping, optional
        As for `plot_tradeoff`.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ringed = _recommended(tradeoff, recommended)
    tradeoff = product_of(tradeoff, "tradeoff")
    places = _Places(tradeoff)
    mean = tradeoff[["cells_per_weight"]].mean("training_ber")
    mean = mean.assign(life_energy=_energy_of_places(tradeoff))
    of_networks = tradeoff[["meets", "on_cells_front"]].max(["training_ber", "thresholds"])
    points = [
        point
        for point in records(mean.merge(of_networks), "condition", "protection")
        if point["meets"] == 1 and not math.isnan(point["life_energy"])
    ]
    with figure_style():
        figure, (axes,) = axes_grid(ax, 1, 1, size=(WIDTH_INCHES, _CELLS_INCHES), layout=None)
        if not points:
            return _say(axes, "No point of known energy meets what is required.")
        chosen = next(
            (one for one in points if _is(one, ringed, ("condition", "protection"))), None
        )
        energy = [one["life_energy"] for one in points]
        cells = [one["cells_per_weight"] for one in points]
        _set_energy_axis(axes, energy)
        is_life = any(
            tradeoff.attrs.get(name) for name in ("reprogrammings", "inferences", "lifetime")
        )
        axes.set_xlabel(f"energy {'over the life' if is_life else 'to program all weights once'}")
        _set_cells_axis(axes, cells)
        _annotate(
            figure,
            axes,
            points,
            places,
            handles=[
                *places.handles(points),
                Line2D([], [], label="front", **_FRONT),
                *_ring_handles(chosen),
            ],
            undrawn=[],
            height=_CELLS_INCHES,
            energy="life_energy",
            named=_named_by_energy(points, chosen),
        )
        on_front = [one for one in points if one["on_cells_front"]]
        _draw_front(axes, [(one["life_energy"], one["cells_per_weight"]) for one in on_front])
        for point in points:
            axes.plot(
                point["life_energy"],
                point["cells_per_weight"],
                gid=places.gid("point", point),
                **places.style(point),
            )
        words = [
            f"{_named(one)}: {numbers.plain(one['cells_per_weight'], 4)} cells a weight, "
            f"{numbers.quantity(one['life_energy'], 'J')}"
            for one in points
        ]
        add_values(axes, energy, cells, words)
        if chosen is not None:
            _ring(axes, chosen["life_energy"], chosen["cells_per_weight"])
    return axes


def _energy_of_places(tradeoff: xr.Dataset) -> xr.DataArray:
    """Return the energy of each condition and protection: refreshed, that of the best network."""
    energy = tradeoff["life_energy"]
    if "refreshes" in tradeoff:
        return energy.where(tradeoff["meets"] == 1).min(["training_ber", "thresholds"])
    return energy.mean("training_ber").min("thresholds")


def plot_life(points: Sequence[Record], tradeoff: xr.Dataset, ax: Canvas = None) -> Axes:
    """Draw energy against the number of inferences, a line for each point.

    Parameters
    ----------
    points : sequence of Record
        Of the trade-off, with known energies of programming and of an inference above 0.
    tradeoff : xarray.Dataset
        Product "tradeoff", which tells how conditions and protections look.
    ax : Canvas, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    places = _Places(tradeoff)
    programmings = 1.0 + float(tradeoff.attrs.get("reprogrammings", 0.0))
    spent = np.array([programmings * point["programming_energy"] for point in points])
    each = np.array([point["inference_energy"] for point in points])
    equal = spent / each
    inferences = np.geomspace(equal.min() / 30.0, equal.max() * 30.0, 100)
    with figure_style():
        figure, (axes,) = axes_grid(ax, 1, 1, size=(WIDTH_INCHES, _AXES_INCHES), layout=None)
        handles = []
        for number, point in enumerate(points):
            style = places.style(point) | {"linestyle": places.line(point)}
            energy = spent[number] + inferences * each[number]
            line = {key: style[key] for key in ("color", "linestyle")}
            axes.plot(inferences, energy, lw=1.2, gid=places.gid("life", point), **line)
            marker = style | {"linestyle": "none"}
            axes.plot(equal[number], 2.0 * spent[number], gid=places.gid("equal", point), **marker)
            handles.append(Line2D([], [], label=_named(point, shown_name), **style))
        axes.set(xscale="log", yscale="log", xlabel="inferences", ylabel="energy")
        axes.set_xlim(inferences[0], inferences[-1])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda count, _: numbers.power(count)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda joule, _: numbers.quantity(joule, "J")))
        words = [
            f"{_named(point)}: after {numbers.power(float(f'{count:.3g}'))} inferences reading has "
            f"cost as much as programming, {numbers.quantity(joule, 'J')}"
            for point, count, joule in zip(points, equal, spent, strict=True)
        ]
        add_values(axes, equal, 2.0 * spent, words)
        longest = max(len(str(handle.get_label())) for handle in handles)
        columns = 2 if longest <= _LONGEST_IN_COLUMNS else 1
        below = 0.5 + 0.2 * -(-len(handles) // columns)
        if isinstance(figure, Figure):
            total = below + _AXES_INCHES + 0.1
            figure.set_size_inches(WIDTH_INCHES, total)
            figure.subplots_adjust(
                left=0.155, right=0.955, bottom=below / total, top=1 - 0.1 / total
            )
        add_legend(
            figure,
            [axes],
            handles,
            loc="lower center",
            ncols=columns,
            frameon=False,
            bbox_to_anchor=(0.5, 0.0),
            borderaxespad=0.2,
        )
    return axes


class _Places:
    """How conditions and protections look: a marker for the one, colour and filling the other."""

    def __init__(self, tradeoff: xr.Dataset) -> None:
        self.conditions = tradeoff["condition"].values.tolist()
        self.protections = tradeoff["protection"].values.tolist()

    def style(self, point: Record) -> dict[str, Any]:
        marker = condition_marker(self.conditions.index(point["condition"]))
        return {"marker": marker, "ms": 6.0, **self._fill(point["protection"])}

    def gid(self, kind: str, point: Record) -> str:
        condition = self.conditions.index(point["condition"])
        return f"{kind}-{condition}-{self.protections.index(point['protection'])}"

    def color(self, point: Record) -> str:
        return str(self._fill(point["protection"])["color"])

    def line(self, point: Record) -> Any:
        return network_style(self.protections.index(point["protection"]))["linestyle"]

    def handles(self, points: Sequence[Record]) -> list[Line2D]:
        drawn = {point["protection"] for point in points}
        return [
            Line2D(
                [],
                [],
                label="unprotected" if name == "none" else name,
                marker="o",
                **self._fill(name),
            )
            for name in self.protections
            if name in drawn
        ]

    def _fill(self, protection: str) -> dict[str, Any]:
        return network_style(self.protections.index(protection)) | {"linestyle": "none"}


def _recommended(
    result: StudyResult | xr.Dataset, labels: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    if labels is None and (chosen := getattr(result, "recommendation", None)) is not None:
        labels = chosen.labels
    return labels


def _is(
    point: Record, labels: Mapping[str, Any] | None, names: Sequence[str] | None = None
) -> bool:
    return labels is not None and all(point[name] == labels[name] for name in names or labels)


def _named(point: Record, name: Callable[[str], str] = str) -> str:
    kept = "" if point["protection"] == "none" else f", {point['protection']}"
    return f"{name(point['condition'])}{kept}"


def _say(axes: Axes, sentence: str) -> Axes:
    axes.set_axis_off()
    axes.text(0.5, 0.5, sentence, ha="center", transform=axes.transAxes)
    return axes


def _named_by_energy(points: Sequence[Record], chosen: Record | None) -> list[str]:
    """Return the conditions that are named: of many, those of nearly the energy recommended."""
    energy = {point["condition"]: point["life_energy"] for point in points}
    centre = min(energy.values()) if chosen is None else chosen["life_energy"]
    near = sorted(energy, key=lambda name: abs(math.log(energy[name] / centre)))
    return near[:_MOST_NAMES]


def _undrawn(tradeoff: xr.Dataset, points: Sequence[Record]) -> list[str]:
    drawn = {point["condition"] for point in points}
    return [str(name) for name in tradeoff["condition"].values if name not in drawn]


def _annotate(
    figure: Frame,
    axes: Axes,
    points: Sequence[Record],
    places: _Places,
    *,
    handles: list[Line2D],
    undrawn: list[str],
    height: float,
    named: Sequence[str],
    energy: str = "energy_per_weight",
) -> None:
    """Write the names of the conditions above the axes, and the legend below them."""
    if isinstance(figure, Figure):
        figure.subplots_adjust(left=0.125, right=0.955)
    names = shown_names(undrawn)
    note = textwrap.wrap(f"not drawn, energy unknown: {names}", 80) if undrawn else []
    count = len({point["condition"] for point in points})
    if len(named) < count:
        note.append(f"named: {len(named)} of {count:,} conditions, those near the recommended one")
    legend_inches = 0.2 * -(-len(handles) // _LEGEND_COLUMNS)
    note_inches = 0.15 * len(note)
    first: dict[str, Record] = {}
    for point in points:
        if point["condition"] in named:
            first.setdefault(point["condition"], point)
    at = [point[energy] for point in first.values()]
    total = name_above(
        axes, at, list(first), figure=figure, height=height, below=0.5 + legend_inches + note_inches
    )
    for point in first.values():
        # Below its name, what the points of a condition look like.
        axes.plot(
            point[energy],
            1.0,
            **(places.style(point) | _NAME_MARKER),
            transform=axes.get_xaxis_transform(),
            clip_on=False,
            zorder=5,
            gid=f"marker-{places.conditions.index(point['condition'])}",
        )
    add_legend(
        figure,
        [axes],
        handles,
        loc="lower center",
        ncols=_LEGEND_COLUMNS,
        frameon=False,
        bbox_to_anchor=(0.5, note_inches / total),
        columnspacing=1.2,
        handletextpad=0.5,
        borderaxespad=0.2,
    )
    text: dict[str, Any] = {"s": "\n".join(note), "fontsize": 7, "ha": "center", "gid": "undrawn"}
    if isinstance(figure, FigureBase):
        figure.text(0.5, 0.05 / total, **text)
    else:
        axes.text(0.5, 0.02, transform=axes.transAxes, **text)


def _set_energy_axis(axes: Axes, energy: Sequence[float]) -> None:
    low, high = min(energy), max(energy)
    margin = max((high / low) ** 0.08, 2.0)
    axes.set_xscale("log")
    axes.set_xlim(low / margin, high * margin)
    decades = math.log10(high / low * margin**2)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades < 2.5 else (1.0,)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda joule, _: numbers.quantity(joule, "J")))


def _set_cells_axis(axes: Axes, cells: Sequence[float]) -> None:
    low, high = min(1.0, *cells), max(cells)
    margin = 0.12 * max(high - low, 1.0)
    axes.set_ylim(low - margin, high + margin)
    step = max(1, round((high - low) / 5))
    axes.yaxis.set_major_locator(FixedLocator(np.arange(1, math.ceil(high) + 1, step).tolist()))
    axes.set_ylabel("cells a weight")


def _draw_points(
    axes: Axes,
    points: Sequence[Record],
    places: _Places,
    recommended: Mapping[str, Any] | None,
    named: Sequence[str],
) -> None:
    best = [one for one in best_points(points, recommended) if one["condition"] in named]
    others = [point for point in points if not any(point is one for one in best)]
    for number, point in enumerate(others):
        axes.plot(
            point["energy_per_weight"],
            point["accuracy"],
            marker=".",
            ms=4,
            mew=0,
            alpha=0.45,
            color=places.color(point),
            linestyle="none",
            gid=f"other-{number}",
        )
    for point in best:
        at = point["energy_per_weight"]
        axes.plot(
            [at, at],
            [point["accuracy_low"], point["accuracy_high"]],
            color=places.color(point),
            lw=1.1,
            gid=places.gid("interval", point),
        )
        axes.plot(at, point["accuracy"], gid=places.gid("point", point), **places.style(point))
    add_values(
        axes,
        [point["energy_per_weight"] for point in points],
        [point["accuracy"] for point in points],
        [point_words(point) for point in points],
    )


def _draw_front(axes: Axes, front: Sequence[tuple[float, float]]) -> None:
    """Draw the front as steps: at an energy, the best that costs no more than it."""
    if not front:
        # Points of another protection beat all of these.
        return
    energy, value = zip(*sorted(front), strict=True)
    axes.plot(
        [*energy, axes.get_xlim()[1]],
        [*value, value[-1]],
        drawstyle="steps-post",
        zorder=1.5,
        gid="front",
        **_FRONT,
    )


def _ring_handles(chosen: Record | None) -> list[Line2D]:
    if chosen is None:
        return []
    label = "recommended" if "meets" not in chosen or chosen["meets"] else "nearest"
    return [Line2D([], [], label=label, marker="o", ms=10, **_RING)]


def _ring(axes: Axes, energy: float, value: float) -> None:
    axes.plot(energy, value, marker="o", ms=14, zorder=4, gid="recommended", **_RING)
