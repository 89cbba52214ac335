"""Accuracy against the bit-error rate, panel by panel: of networks, or of cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator

from rramsim.formatting import power
from rramsim.plotting.series import network_style, use_accuracy_scale
from rramsim.plotting.style import COLORS, figure_style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

_COLUMNS = 2
_PANEL_INCHES = 3.5, 2.7
_MARKERS = "osD^vPX*"


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
            _draw_panel(panel, found.sel({panels: name}), lines)
            panel.set_title((titles or {}).get(name, name))
            if name in (trained_at or {}):
                _mark(panel, (trained_at or {})[name])
        for panel in axes[len(names) :]:
            panel.remove()
        use_accuracy_scale(axes[0], [found.accuracy_low, found.accuracy_high], "")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=2)
        figure.supxlabel("bit-error rate (BER) of the cells", fontsize=9)
        figure.supylabel("test images classified correctly (%)", fontsize=9)
    return figure


def _draw_panel(axes: Axes, of: xr.Dataset, lines: str) -> None:
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


def _mark(axes: Axes, ber: float) -> None:
    axes.axvline(ber, color=COLORS["grey"], lw=0.8, ls=":", gid="trained-at")
    axes.annotate(
        f"trained at\nBER {power(ber)}",
        xy=(ber, 0.03),
        xycoords=axes.get_xaxis_transform(),
        xytext=(-3 if ber > 0.2 else 3, 0),
        textcoords="offset points",
        ha="right" if ber > 0.2 else "left",
        fontsize=7,
        color=COLORS["grey"],
    )
