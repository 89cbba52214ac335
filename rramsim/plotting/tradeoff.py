"""Programming energy against accuracy: what each condition costs and what it reaches."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure, FigureBase
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from rramsim import formatting as numbers
from rramsim.plotting.panels import Canvas, Frame, add_legend, axes_grid
from rramsim.plotting.series import (
    ACCEPTED_LINE,
    WIDTH_INCHES,
    draw_accepted,
    draw_points,
    name_above,
    network_style,
    note_origin,
    of_protection,
    shown_name,
    use_accuracy_scale,
)
from rramsim.plotting.style import COLORS, figure_style
from rramsim.schema import product_of

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from rramsim.decision.recommend import StudyResult

_AXES_INCHES = 2.9
_LEGEND_COLUMNS = 3


def plot_tradeoff(
    tradeoff: StudyResult | xr.Dataset,
    ax: Canvas = None,
    *,
    protection: str | None = None,
    recommended: Mapping[str, Any] | None = None,
) -> Axes:
    """Draw energy per cell against accuracy, a marker for each network on each condition.

    Points of unknown energy cannot be drawn: the figure names their conditions.

    Parameters
    ----------
    tradeoff : StudyResult or xarray.Dataset
        A trade-off; or product "tradeoff".
    ax : Canvas, optional
    protection : str, optional
        Of the points drawn, whose networks are as trained. Default: the first.
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
    'energy to program one cell (mean of SET and RESET as stored)'
    """
    if recommended is None and (chosen := getattr(tradeoff, "recommendation", None)) is not None:
        recommended = chosen.labels
    tradeoff = of_protection(product_of(tradeoff, "tradeoff"), protection)
    if recommended is not None and not _is_of(recommended, tradeoff):
        recommended = None
    energy = tradeoff.energy_per_cell.transpose("training_ber", "condition").values
    known = ~np.isnan(energy).all(axis=0)
    with figure_style():
        figure, (axes,) = axes_grid(ax, 1, 1, size=(WIDTH_INCHES, _AXES_INCHES), layout=None)
        if not known.any():
            axes.set_axis_off()
            axes.text(0.5, 0.5, "No programming energy is known.", ha="center")
            return axes
        _set_axes(axes, tradeoff, energy)
        if isinstance(figure, Figure):
            figure.subplots_adjust(left=0.125, right=0.955)
        _annotate(figure, axes, tradeoff, known, ringed=recommended is not None)
        _draw_front(axes, tradeoff)
        for index in np.flatnonzero(known):
            met = tradeoff.isel(condition=index)
            draw_points(axes, met, int(index), met.energy_per_cell.values.tolist())
        if recommended is not None:
            _ring(axes, tradeoff, recommended)
        note_origin(axes, tradeoff)
    return axes


def _annotate(
    figure: Frame,
    axes: Axes,
    tradeoff: xr.Dataset,
    known: npt.NDArray[np.bool_],
    *,
    ringed: bool,
) -> None:
    """Write the names of the conditions above the axes, and the legend below them."""
    names = tradeoff.condition.values.astype(str)
    undrawn = ", ".join(shown_name(name) for name in names[~known])
    note = textwrap.wrap(f"not drawn, energy unknown: {undrawn}", 80) if undrawn else []
    accepted = draw_accepted(axes, tradeoff) is not None
    handles = _handles(tradeoff, ringed=ringed, accepted=accepted)
    legend_inches = 0.2 * -(-len(handles) // _LEGEND_COLUMNS)
    note_inches = 0.15 * len(note)
    places = tradeoff.energy_per_cell.mean("training_ber").values[known]
    total = name_above(
        axes,
        places.tolist(),
        names[known].tolist(),
        figure=figure,
        height=_AXES_INCHES,
        below=0.5 + legend_inches + note_inches,
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


def _set_axes(axes: Axes, tradeoff: xr.Dataset, energy: npt.NDArray[np.float64]) -> None:
    low, high = float(np.nanmin(energy)), float(np.nanmax(energy))
    margin = max((high / low) ** 0.08, 2.0)
    axes.set_xscale("log")
    axes.set_xlim(low / margin, high * margin)
    decades = np.log10(high / low * margin**2)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades < 2.5 else (1.0,)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda joule, _: numbers.quantity(joule, "J")))
    axes.set_xlabel("energy to program one cell (mean of SET and RESET as stored)")
    shown = tradeoff[["accuracy_low", "accuracy_high", "accuracy"]].to_array()
    known = ~np.isnan(tradeoff.energy_per_cell)
    use_accuracy_scale(axes, shown.where(known).values, "test images classified correctly (%)")


def _handles(tradeoff: xr.Dataset, *, ringed: bool, accepted: bool) -> list[Line2D]:
    networks = [
        Line2D([], [], label=f"trained at BER {numbers.power(float(ber))}", marker="o", **_fill(i))
        for i, ber in enumerate(tradeoff.training_ber.values)
    ]
    handles = [*networks, Line2D([], [], label="front", color=COLORS["grey"], lw=1.2)]
    if accepted:
        handles.append(Line2D([], [], label="least accepted", **ACCEPTED_LINE))
    if ringed:
        handles.append(Line2D([], [], label="recommended", marker="o", ms=10, **_RING))
    return handles


_RING: dict[str, Any] = {
    "mfc": "none",
    "mec": COLORS["black"],
    "mew": 1.3,
    "linestyle": "none",
}


def _fill(index: int) -> dict[str, Any]:
    return network_style(index) | {"linestyle": "none"}


def _draw_front(axes: Axes, tradeoff: xr.Dataset) -> None:
    """Draw the front as steps: at an energy, the accuracy that costs no more than it."""
    on = tradeoff.on_front.values.astype(bool)
    order = np.argsort(tradeoff.energy_per_cell.values[on])
    energy = tradeoff.energy_per_cell.transpose(*tradeoff.on_front.dims).values[on][order]
    accuracy = tradeoff.accuracy.transpose(*tradeoff.on_front.dims).values[on][order]
    if not on.any():
        # Points of another protection beat all of these.
        return
    axes.plot(
        [*energy, axes.get_xlim()[1]],
        [*accuracy, accuracy[-1]],
        drawstyle="steps-post",
        color=COLORS["grey"],
        lw=1.2,
        zorder=1.5,
        gid="front",
    )


def _is_of(labels: Mapping[str, Any], tradeoff: xr.Dataset) -> bool:
    return all(labels[name] == str(tradeoff[name].item()) for name in ("thresholds", "protection"))


def _ring(axes: Axes, tradeoff: xr.Dataset, labels: Mapping[str, Any]) -> None:
    point = tradeoff.sel(condition=labels["condition"], training_ber=labels["training_ber"])
    axes.plot(
        point.energy_per_cell,
        point.accuracy,
        marker="o",
        ms=14,
        zorder=4,
        gid="recommended",
        **_RING,
    )
