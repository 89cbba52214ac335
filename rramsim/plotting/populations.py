"""The populations on a normal-quantile axis, as figure 1 of Hirtzlin et al. 2019 shows them.

A lognormal population is a straight line on these axes: resistance on a logarithmic axis, and
the share of cells at or below it in sigmas (left) and per cent (right).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator
from numpy.typing import NDArray
from scipy.special import ndtri

from rramsim import formatting as numbers
from rramsim.errors import InputError
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
from rramsim.plotting.style import COLORS, add_values, figure_style
from rramsim.schema import ABOVE, BELOW, EXACT, STATES, product_of, records
from rramsim.statistics.confidence import standard_errors
from rramsim.statistics.quantiles import normal_quantiles

if TYPE_CHECKING:
    import xarray as xr

STATE_LOOK = {"LRS": (COLORS["blue"], "o"), "HRS": (COLORS["vermilion"], "s")}
"""Colour and marker of each resistance state in every figure."""

_COLUMNS = 3
_PERCENT = (1e-6, 1e-4, 0.01, 1, 10, 50, 90, 99, 99.99, 99.9999, 99.999999)
# The axis reaches the reference, where the errors are made, but no further than this.
_MOST_SIGMAS = 6.5
_LEAST_SIGMAS = 3.5
# More points than this in one population cannot be told apart, and make a file of many MB.
_MOST_POINTS = 600


@dataclass(frozen=True)
class _Population:
    """One population as it is drawn; resistances in ohm, `z` in sigmas."""

    state: str
    resistance: NDArray[np.float64]
    censoring: NDArray[np.int_]
    z: NDArray[np.float64]
    mu: float
    sigma: float
    median: float  # of the readings, or the limit that it lies beyond; else of the fit
    median_bound: str  # "lower" or "upper" where it is such a limit
    covariance: NDArray[np.float64]  # shape (2, 2), of g = mu/sigma and h = 1/sigma
    reach: float  # standard errors that an interval reaches; NaN where there is none


class FittedReadings(Protocol):
    """Readings with what was fitted to them, such as `rramsim.fit` gives."""

    @property
    def readings(self) -> xr.Dataset:
        """Dataset of the schema "readings"."""

    @property
    def populations(self) -> xr.Dataset:
        """Dataset of the schema "populations"."""

    @property
    def conditions(self) -> xr.Dataset:
        """Dataset of the schema "conditions"."""


def plot_populations(
    fit: FittedReadings | xr.Dataset,
    ax: Canvas = None,
    *,
    populations: xr.Dataset | None = None,
    conditions: xr.Dataset | None = None,
) -> NDArray[np.object_]:
    """Draw the populations of each condition that has readings, one panel a condition.

    Each panel holds the readings of both states, the fitted lognormals with their 95 % band
    (dashed beyond the readings), the reference, the memory window and the BER. Readings beyond
    a limit are arrows at the limit. Populations that were not measured are said to be so. Of more
    than 12 conditions, 12 from the lowest to the highest BER are drawn, and the title says so; for
    others, give their part of `populations`.

    Parameters
    ----------
    fit : FittedReadings or xarray.Dataset
        A fit, or readings (schema "readings"); these take the other two datasets.
    ax : Canvas, optional
        One `Axes` is divided among the conditions.
    populations, conditions : xarray.Dataset, optional
        Of the schemas of these names. Default: those of the fit.

    Returns
    -------
    ndarray of matplotlib.axes.Axes

    Examples
    --------
    >>> import rramsim
    >>> fit = rramsim.fit("hirtzlin2019-reconstructed")
    >>> [axes.get_title() for axes in rramsim.plot_populations(fit)]
    ['very strong', 'strong', 'weak']
    """
    readings, populations, conditions = _datasets(fit, populations, conditions)
    every = populations["condition"].values
    bers = conditions["ber"].sel(condition=every).values
    drawn = places_drawn(every.size, ax, by=bers)
    populations = populations.isel(condition=drawn)
    names = [str(name) for name in populations["condition"].values]
    panels = [_populations_of(name, readings, populations) for name in names]
    sigmas = _reach(panels, conditions.sel(condition=names))
    with figure_style():
        figure, grid, columns = panel_grid(
            ax,
            len(names),
            most_columns=_COLUMNS,
            panel=(3.0, 3.2),
            around=(1.4, 1.4),
            share_x=True,
            share_y=True,
        )
        for number, axes in enumerate(grid):
            row = conditions.sel(condition=names[number])
            _draw_panel(axes, panels[number], row, sigmas=sigmas, frame=figure)
            column = number % columns
            _label_shares(axes, first=column == 0)
            if isinstance(figure, Axes):
                axes.xaxis.set_major_locator(LogLocator(numticks=4))
            else:  # beside axes of the user's there is no room for it
                _label_percent(axes, last=column == columns - 1, sigmas=sigmas)
            # With shared axes a panel above an empty place would lose its numbers.
            _label_resistance(axes, shown=number + columns >= len(names))
        add_legend(figure, grid, _legend(panels), loc="outside lower center", ncols=columns + 1)
        title = "Resistance populations and lognormal fits"
        remark = left_out_words(len(names), every.size, by="BER")
        add_title(figure, grid, with_origin(title, conditions.sel(condition=names), remark))
    return np.array(grid, dtype=object)


def _datasets(
    fit: FittedReadings | xr.Dataset, populations: xr.Dataset | None, conditions: xr.Dataset | None
) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    import xarray as xr

    if not isinstance(fit, xr.Dataset):
        return (
            product_of(fit, "readings"),
            product_of(fit, "populations") if populations is None else populations,
            product_of(fit, "conditions") if conditions is None else conditions,
        )
    if populations is None or conditions is None:
        raise InputError("readings alone cannot be drawn: give populations and conditions too.")
    return (
        product_of(fit, "readings"),
        product_of(populations, "populations"),
        product_of(conditions, "conditions"),
    )


def _populations_of(
    name: str, readings: xr.Dataset, populations: xr.Dataset
) -> tuple[_Population, ...]:
    position = readings["condition"].values.tolist().index(name)
    of_condition = readings["condition_index"].values == position
    drawn = []
    for index, state in enumerate(STATES):
        chosen = of_condition & (readings["state_index"].values == index)
        resistance = readings["resistance"].values[chosen]
        censoring = readings["censoring"].values[chosen]
        fit = populations.sel(condition=name, state=state)
        drawn.append(
            _Population(
                state=state,
                resistance=resistance,
                censoring=censoring,
                z=normal_quantiles(resistance, censoring),
                mu=float(fit["mu"].values),
                sigma=float(fit["sigma"].values),
                median=_median(fit),
                median_bound=str(fit["median_bound"].values) if "median_bound" in fit else "",
                covariance=fit["covariance"].values,
                reach=standard_errors(
                    float(fit["degrees_of_freedom"]) if "degrees_of_freedom" in fit else math.inf
                ),
            )
        )
    return tuple(drawn)


def _median(fit: xr.Dataset) -> float:
    """Return the median of the readings, or the limit that it lies beyond."""
    if "median" not in fit.variables:
        return math.exp(float(fit["mu"].values))
    bound = {"lower": "median_low", "upper": "median_high"}
    return float(fit[bound.get(str(fit["median_bound"].values), "median")].values)


def _window_text(lrs: _Population, hrs: _Population) -> str:
    """Return the memory window; at least so much where a median lies beyond a limit."""
    if lrs.median_bound == "lower" or hrs.median_bound == "upper":
        return numbers.UNKNOWN
    bound = "lower" if lrs.median_bound or hrs.median_bound else ""
    window = numbers.plain(hrs.median / lrs.median, 2)
    return window if window == numbers.UNKNOWN else numbers.bounded(f"×{window}", bound)


def _reach(panels: list[tuple[_Population, ...]], conditions: xr.Dataset) -> float:
    """Return how many sigmas the axis shows: all readings, and where fits meet the reference."""
    furthest = [_LEAST_SIGMAS]
    for panel, ohm in zip(panels, conditions["reference_resistance"].values, strict=True):
        for population in panel:
            at_reference = abs(math.log(ohm) - population.mu) / population.sigma
            z = np.append(abs(population.z), at_reference)
            furthest.append(float(np.max(z[np.isfinite(z)], initial=0.0)) + 0.3)
    return min(max(furthest), _MOST_SIGMAS)


def _draw_panel(
    axes: Axes, panel: tuple[_Population, ...], row: xr.Dataset, *, sigmas: float, frame: Frame
) -> None:
    name = str(row["condition"].values)
    for population in panel:
        _draw_population(axes, population, sigmas=sigmas)
        if math.isfinite(population.sigma):
            _tell_shares(axes, population, name)
    axes.set_xscale("log")
    axes.set_ylim(-sigmas, sigmas)
    reference = float(row["reference_resistance"].values)
    axes.axvline(reference, color=COLORS["black"], linestyle="--", linewidth=1.0)
    lrs, hrs = (population.median for population in panel)
    if math.isfinite(lrs) and math.isfinite(hrs):
        _mark_window(axes, lrs, hrs)
    lines = _caption(row, panel, is_short=isinstance(frame, Axes))
    add_caption(axes, name, lines, frame=frame)


def _draw_population(axes: Axes, population: _Population, *, sigmas: float) -> None:
    color, marker = STATE_LOOK[population.state]
    exact = population.censoring == EXACT
    shown = _thinned(population.z[exact])
    axes.plot(
        population.resistance[exact][shown],
        population.z[exact][shown],
        *(marker,),
        color=color,
        markersize=2.5,
        alpha=0.5,
        markeredgewidth=0,
        gid=f"readings-{population.state}",
    )
    for code, arrow in ((BELOW, "<"), (ABOVE, ">")):
        limits, heights = _limits(population, code)
        if limits.size:
            axes.plot(
                limits,
                np.clip(heights, -0.97 * sigmas, 0.97 * sigmas),
                *(arrow,),
                color=color,
                markersize=7,
                markeredgecolor=COLORS["black"],
                markeredgewidth=0.6,
                gid=f"beyond-{population.state}",
            )
    if math.isfinite(population.sigma):
        _draw_fit(axes, population, color=color, sigmas=sigmas)


def _draw_fit(axes: Axes, population: _Population, *, color: str, sigmas: float) -> None:
    z = np.linspace(-sigmas, sigmas, 201)
    x = population.mu + population.sigma * z
    variance = np.array([[-1.0, ln_ohm] @ population.covariance @ [-1.0, ln_ohm] for ln_ohm in x])
    # Readings that go together in a way that gives no interval have no band.
    if math.isfinite(population.reach):
        half_width = population.reach * np.sqrt(variance)
        axes.fill_between(
            np.exp(x), z - half_width, z + half_width, color=color, alpha=0.15, linewidth=0
        )
    known = population.z[(population.censoring == EXACT) & np.isfinite(population.z)]
    inside = (z >= known.min()) & (z <= known.max())
    axes.plot(np.exp(x), z, color=color, linewidth=1.0, linestyle=":")
    axes.plot(np.exp(x[inside]), z[inside], color=color, linewidth=1.2)


def _tell_shares(axes: Axes, population: _Population, name: str) -> None:
    """Let the line of a fit say which resistance so many per cent of the cells stay below."""
    z = ndtri(np.array(_PERCENT) / 100.0)
    ohms = np.exp(population.mu + population.sigma * z)
    words = [
        f"{name}, {population.state}: {_percent_label(percent)}\N{NO-BREAK SPACE}% of cells at or "
        f"below {numbers.quantity(ohm, 'Ω')} by the fit"
        for percent, ohm in zip(_PERCENT, ohms.tolist(), strict=True)
    ]
    add_values(axes, ohms, z, words)


def _limits(population: _Population, code: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distinct limits of one side, and the height of the last reading at each."""
    beyond = population.censoring == code
    resistance, z = population.resistance[beyond], population.z[beyond]
    order = np.lexsort((z, resistance))
    limits = np.unique(resistance)
    last = np.searchsorted(resistance[order], limits, side="right") - 1
    heights = z[order][last]
    shown = _thinned(heights)
    return limits[shown], heights[shown]


def _thinned(z: NDArray[np.float64]) -> NDArray[np.int_]:
    """Return the points to draw: all, or both tails whole and the rest evenly spaced in z."""
    if z.size <= _MOST_POINTS:
        return np.arange(z.size)
    order = np.argsort(z)
    tail = _MOST_POINTS // 6
    even = np.searchsorted(z[order], np.linspace(z.min(), z.max(), _MOST_POINTS - 2 * tail))
    kept = np.concatenate([np.arange(tail), even, np.arange(z.size - tail, z.size)])
    chosen: NDArray[np.int_] = order[np.unique(np.clip(kept, 0, z.size - 1))]
    return chosen


def _mark_window(axes: Axes, lrs: float, hrs: float) -> None:
    """Mark the memory window, HRS over LRS median of the readings, at the height of the medians."""
    axes.annotate(
        "",
        xy=(lrs, 0.0),
        xytext=(hrs, 0.0),
        arrowprops={"arrowstyle": "<->", "color": COLORS["grey"], "shrinkA": 0, "shrinkB": 0},
    )


def _caption(row: xr.Dataset, panel: tuple[_Population, ...], *, is_short: bool) -> list[str]:
    ber = records(row)[0].interval("ber")
    rate = f"BER {numbers.bit_error_rate(ber)}"
    basis = ber.basis + (", extrapolated" if ber.extrapolated else "")
    if is_short:
        return [*rate.replace(" (", "\n(").split("\n"), basis]
    reference = numbers.quantity(float(row["reference_resistance"].values), "Ω")
    return [rate, basis, f"reference {reference}, memory window {_window_text(*panel)}"]


def _label_resistance(axes: Axes, *, shown: bool) -> None:
    axes.xaxis.set_major_formatter(FuncFormatter(lambda ohm, _: numbers.quantity(ohm, "Ω")))
    axes.tick_params(labelbottom=shown)
    if shown:
        axes.set_xlabel("resistance")


def _label_shares(axes: Axes, *, first: bool) -> None:
    if first:
        axes.set_ylabel("share of cells at or below [σ]")


def _label_percent(axes: Axes, *, last: bool, sigmas: float) -> None:
    right = axes.secondary_yaxis("right")
    shares = [percent for percent in _PERCENT if abs(ndtri(percent / 100.0)) <= sigmas]
    right.set_yticks([float(ndtri(percent / 100.0)) for percent in shares])
    right.set_yticklabels([_percent_label(percent) if last else "" for percent in shares])
    if last:
        right.set_ylabel("share of cells at or below [%]")


def _percent_label(percent: float) -> str:
    return f"{percent:.8f}".rstrip("0").rstrip(".")


def _legend(panels: list[tuple[_Population, ...]]) -> list[Line2D]:
    handles = [
        Line2D(
            [], [], color=color, marker=marker, linewidth=1.2, label=f"{state}, fit and 95 % band"
        )
        for state, (color, marker) in STATE_LOOK.items()
    ]
    handles.append(
        Line2D([], [], color=COLORS["grey"], linestyle=":", label="fit beyond the readings")
    )
    handles.append(Line2D([], [], color=COLORS["black"], linestyle="--", label="reference"))
    handles.append(Line2D([], [], color=COLORS["grey"], marker="|", label="memory window"))
    if any(np.any(population.censoring != EXACT) for panel in panels for population in panel):
        handles.append(
            Line2D([], [], color=COLORS["grey"], marker=">", linestyle="", label="beyond a limit")
        )
    most = max(int(np.sum(p.censoring == EXACT)) for panel in panels for p in panel)
    if most > _MOST_POINTS:
        handles.append(
            Line2D([], [], linestyle="", label=f"up to {_MOST_POINTS} points a population")
        )
    return handles
