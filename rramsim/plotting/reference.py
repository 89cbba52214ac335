"""The BER against the reference: what a shift of the reference costs, and what was counted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator
from numpy.typing import NDArray

from rramsim import formatting as numbers
from rramsim.device.bit_errors.counted import count_errors
from rramsim.device.bit_errors.sensing import StatePair, log_bit_error_rate, log_misread_rates
from rramsim.plotting.panels import panel_grid, with_origin
from rramsim.plotting.populations import STATE_LOOK
from rramsim.plotting.style import COLORS, figure_style
from rramsim.schema import STATES
from rramsim.statistics.confidence import smallest_countable

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

_COLUMNS = 3
_REFERENCES = 201
_COUNTED_AT = 16
# Below the BER at the reference by this factor nothing is drawn, nor below the last number.
_DEPTH = 30.0
_LEAST = 1e-15
# Below this ratio of its ends an axis with numbers at powers of ten alone says little.
_NARROW = 20.0
_CAPTION_SIZE = 7.5

Floats = NDArray[np.float64]
# Resistance, censoring and cell of the readings of one state.
_State = tuple[Floats, NDArray[np.int_], NDArray[np.int_]]


def reference_figure(
    readings: xr.Dataset, populations: xr.Dataset, conditions: xr.Dataset
) -> Figure:
    """Draw the BER of each condition that has readings against the reference, a panel each.

    Lines are the shares of misread cells that the fitted populations give, of LRS, of HRS, and
    of both in their shares in use (the BER). Points are the shares counted, with 95 %
    Clopper-Pearson intervals (over cells, where some are read again); a triangle is the upper
    end where no error was counted. The reference chosen and its BER with its interval are marked.

    Parameters
    ----------
    readings, populations, conditions : xarray.Dataset
        Of the schemas of these names, as `rramsim.device.characterize` takes and gives them.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved by `rramsim.plotting.style.save_figure`.
    """
    names = [str(name) for name in populations["condition"].values]
    share = float(conditions.attrs.get("lrs_share", 0.5))
    spread = float(conditions.attrs.get("reference_spread", 0.0))
    with figure_style():
        figure, grid, columns = panel_grid(
            len(names), most_columns=_COLUMNS, panel=(3.1, 3.0), around=(1.3, 1.2)
        )
        for number, axes in enumerate(grid):
            row = conditions.sel(condition=names[number])
            states = _readings_of(names[number], readings)
            _draw_panel(
                axes,
                row,
                populations.sel(condition=names[number]),
                states,
                lrs_share=share,
                spread=spread,
            )
            if number % columns == 0:
                axes.set_ylabel("share of cells misread")
        figure.legend(handles=_legend(), loc="outside lower center", ncols=min(columns + 1, 3))
        title = "Bit errors against the reference"
        figure.suptitle(with_origin(title, conditions.sel(condition=names)))
    return figure


def _readings_of(name: str, readings: xr.Dataset) -> tuple[_State, ...]:
    position = readings["condition"].values.tolist().index(name)
    of_condition = readings["condition_index"].values == position
    chosen = [of_condition & (readings["state_index"].values == index) for index in (0, 1)]
    resistance, censoring, cell = (
        readings[name].values for name in ("resistance", "censoring", "cell")
    )
    return tuple((resistance[each], censoring[each], cell[each]) for each in chosen)


def _draw_panel(
    axes: Axes,
    row: xr.Dataset,
    population: xr.Dataset,
    states: tuple[_State, ...],
    *,
    lrs_share: float,
    spread: float,
) -> None:
    reference = float(row["reference_resistance"].values)
    low, high = _range(population, states, reference)
    pair = StatePair(
        *(
            float(population[name].sel(state=state).values)
            for state in STATES
            for name in ("mu", "sigma")
        )
    ).seen_through(spread)
    if math.isfinite(pair.sigma_lrs) and math.isfinite(pair.sigma_hrs):
        _draw_lines(axes, pair, low=low, high=high, lrs_share=lrs_share)
    _draw_counts(axes, states, low=low, high=high)
    _mark(axes, row)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(low, high)
    shown = [float(row[name].values) for name in ("ber_low", "ber", "ber_high")]
    least = min([1e-3, *(value for value in shown if value > 0)])
    smallest = smallest_countable(min(values.size for values, *_ in states))
    axes.set_ylim(max(min(least / _DEPTH, smallest / _DEPTH), _LEAST), 1.0)
    if high < _NARROW * low:
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda ohm, _: numbers.quantity(ohm, "Ω")))
    # Minor numbers crowd an axis of about one decade.
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
    axes.set_xlabel("reference")
    # The title stands above the lines of the caption.
    title = str(row["condition"].values)
    axes.set_title(title, pad=6.0 + 2 * 1.4 * _CAPTION_SIZE, parse_math=False)


def _range(
    population: xr.Dataset,
    states: tuple[_State, ...],
    reference: float,
) -> tuple[float, float]:
    """Return the medians, moved apart to hold the reference."""
    medians = []
    for index, state in enumerate(STATES):
        mu = float(population["mu"].sel(state=state).values)
        fallback = float(np.median(states[index][0]))
        medians.append(math.exp(mu) if math.isfinite(mu) else fallback)
    return min(medians[0], reference / 1.5), max(medians[1], reference * 1.5)


def _draw_lines(axes: Axes, pair: StatePair, *, low: float, high: float, lrs_share: float) -> None:
    references = np.geomspace(low, high, _REFERENCES)
    rates = np.array([log_misread_rates(math.log(r), pair) for r in references])
    for column, state in enumerate(STATES):
        axes.plot(references, np.exp(rates[:, column]), color=STATE_LOOK[state][0], linewidth=1.2)
    ber = [log_bit_error_rate(math.log(r), pair, lrs_share=lrs_share) for r in references]
    axes.plot(references, np.exp(ber), color=COLORS["black"], linewidth=1.2, gid="ber")


def _draw_counts(
    axes: Axes,
    states: tuple[_State, ...],
    *,
    low: float,
    high: float,
) -> None:
    for state, (resistance, censoring, cell) in zip(STATES, states, strict=True):
        color, marker = STATE_LOOK[state]
        found = []
        # Away from the ends, where every second cell is misread by definition.
        for at in np.geomspace(low, high, _COUNTED_AT + 2)[1:-1]:
            count = count_errors(
                resistance, censoring, reference=at, is_hrs=state == "HRS", cell=cell
            )
            if count.readings:
                found.append((at, count.rate, *count.interval))
        at, rate, low_end, high_end = np.array(found).reshape(-1, 4).T
        some = rate > 0
        axes.errorbar(
            at[some],
            rate[some],
            yerr=[(rate - low_end)[some], (high_end - rate)[some]],
            fmt=marker,
            color=color,
            markersize=3,
            elinewidth=0.8,
            gid=f"counted-{state}",
        )
        axes.plot(
            *(at[~some], high_end[~some], "v"),
            color=color,
            markersize=3.5,
            markerfacecolor="none",
            markeredgewidth=0.8,
            gid=f"none-counted-{state}",
        )


def _mark(axes: Axes, row: xr.Dataset) -> None:
    reference = float(row["reference_resistance"].values)
    axes.axvline(reference, color=COLORS["black"], linestyle="--", linewidth=1.0)
    ber, low, high = (float(row[name].values) for name in ("ber", "ber_low", "ber_high"))
    text = numbers.bit_error_rate(ber, low, high, bound=str(row["ber_bound"].values))
    if math.isfinite(ber):
        axes.errorbar(
            *([reference], [ber]),
            yerr=[[ber - low], [high - ber]],
            fmt="D",
            color=COLORS["black"],
            markersize=4,
            elinewidth=1.2,
            capsize=2.5,
            gid="headline",
        )
    basis = str(row["ber_basis"].values)
    basis += ", extrapolated" if int(row["ber_extrapolated"].values) else ""
    axes.annotate(
        f"BER {text}\n{basis}, reference {numbers.quantity(reference, 'Ω')}",
        xy=(0.5, 1.0),
        xycoords="axes fraction",
        xytext=(0.0, 4.0),
        textcoords="offset points",
        horizontalalignment="center",
        verticalalignment="bottom",
        fontsize=_CAPTION_SIZE,
    )


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
