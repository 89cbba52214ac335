"""Accuracy of networks against the bit-error rate: with conditions marked, or case by case."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure, FigureBase
from matplotlib.ticker import FixedLocator, FuncFormatter, MultipleLocator, NullLocator
from numpy.typing import NDArray

from rramsim import formatting as numbers
from rramsim.errors import InputError
from rramsim.plotting.panels import (
    Canvas,
    add_legend,
    axes_grid,
    left_out_words,
    places_drawn,
)
from rramsim.plotting.series import (
    WIDTH_INCHES,
    condition_marker,
    draw_accepted,
    draw_points,
    in_view,
    name_above,
    network_style,
    note_origin,
    of_protection,
    spread,
    training_words,
    use_accuracy_scale,
)
from rramsim.plotting.style import COLORS, add_values, figure_style
from rramsim.schema import Record, product_of, records

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from rramsim.decision.recommend import StudyResult

_AXES_INCHES = 3.0
_DECADES_BELOW = 1e3  # how far below the curves a condition may widen the axis
_BAR_DECADES = 0.35  # how far left of the lowest BER an interval may reach: short of the break
_ZERO_DECADES = 0.9  # how far left of the lowest BER an error rate of zero is drawn

_COLUMNS = 2
_PANEL_INCHES = 3.5, 2.7


def plot_accuracy(
    accuracy: StudyResult | xr.Dataset,
    ax: Canvas = None,
    *,
    tradeoff: xr.Dataset | None = None,
    conditions: xr.Dataset | None = None,
    budgets: xr.Dataset | None = None,
) -> Axes:
    """Draw accuracy against BER: a curve for each training BER, a line for each condition.

    The curve has the band of its interval and, thin, the 5th-percentile chip. A condition has a
    line at the BER it was evaluated at, a bar over the interval of its BER, an arrow where only
    a bound is known (or the BER lies left of the curves), and a marker for each network. BER 0
    stands left of the break in the axis. Of more than 12 conditions, 12 from the lowest to the
    highest BER are drawn.

    Parameters
    ----------
    accuracy : StudyResult or xarray.Dataset
        A trade-off, with the other two datasets; or product "accuracy", or "evaluation" as
        `evaluate` gives it: of that, the fault models whose mean BER is known.
    ax : Canvas, optional
    tradeoff : xarray.Dataset, optional
        Product "tradeoff", of the same training BERs, of which the points of networks as trained
        under the first protection are drawn. Default: no conditions are drawn.
    conditions : xarray.Dataset, optional
        Product "conditions", with the conditions of `tradeoff`, for the intervals of their BERs.
    budgets : xarray.Dataset, optional
        Product "ber_budget", of the same training BERs: on the line of what is accepted, a triangle
        is where a network is shown to be accurate enough, an open one where its mean is.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If no fault model of an evaluation tells its mean BER.

    Examples
    --------
    Beside a figure of your own:

    >>> import rramsim
    >>> from matplotlib import pyplot
    >>> network = rramsim.train("digits", network="64-32-10", epochs=2)
    >>> faults = [rramsim.IidFaults(ber) for ber in (0, 1e-3, 1e-2)]
    >>> figure, (left, right) = pyplot.subplots(1, 2, layout="constrained")
    >>> axes = rramsim.plot_accuracy(rramsim.evaluate(network, faults, chips=5), ax=left)
    >>> axes.get_xlabel()
    'bit-error rate (BER) of the cells'
    """
    accuracy, tradeoff, conditions = _datasets(accuracy, tradeoff, conditions)
    remark = ""
    if tradeoff is not None:
        tradeoff, count = of_protection(tradeoff), tradeoff.sizes["condition"]
        kept = places_drawn(count, None, by=tradeoff.test_ber.values)
        tradeoff, remark = tradeoff.isel(condition=kept), left_out_words(kept.size, count, by="BER")
    drawn = [accuracy] if tradeoff is None else [accuracy, tradeoff]
    with figure_style():
        figure, (axes,) = axes_grid(ax, 1, 1, size=(WIDTH_INCHES, _AXES_INCHES), layout=None)
        lowest, highest = _range(*(product.test_ber.values for product in drawn))
        zero = lowest / 10**_ZERO_DECADES
        ends = (
            np.concatenate([product[f"accuracy{end}"].values.ravel() for product in drawn])
            for end in ("", "_low", "_high")
        )
        use_accuracy_scale(axes, in_view(*ends), "test images classified correctly (%)")
        _set_ber_axis(axes, zero, lowest, highest)
        if isinstance(figure, Figure):
            figure.subplots_adjust(left=0.125, right=0.86)
        places: list[float] = []
        names: list[str] = []
        if tradeoff is not None:
            places = [_place(ber, zero, lowest) for ber in tradeoff.test_ber.values.tolist()]
            names = tradeoff.condition.values.tolist()
        if remark:
            axes.set_xlabel(f"{axes.get_xlabel()}\n{remark}")
        below = 0.65 if remark else 0.5
        name_above(axes, places, names, figure=figure, height=_AXES_INCHES, below=below)
        heights = [
            _draw_curve(axes, accuracy, index, zero) for index in range(len(accuracy.training_ber))
        ]
        _name_curves(axes, accuracy, heights)
        if tradeoff is not None:
            known = None if conditions is None else conditions.sel(condition=names)
            _draw_conditions(axes, tradeoff, known, places, lowest=lowest)
            if (accepted := draw_accepted(axes, tradeoff)) is not None:
                _name_accepted(axes, accepted)
                if budgets is not None:
                    _draw_budgets(axes, budgets, accepted)
            note_origin(axes, tradeoff)
    return axes


def _datasets(
    result: StudyResult | xr.Dataset, tradeoff: xr.Dataset | None, conditions: xr.Dataset | None
) -> tuple[xr.Dataset, xr.Dataset | None, xr.Dataset | None]:
    import xarray as xr

    if isinstance(result, xr.Dataset):
        curves = _by_ber(result) if "faults" in result.dims else product_of(result, "accuracy")
        return curves, tradeoff, conditions
    return (
        product_of(result, "accuracy"),
        product_of(result, "tradeoff") if tradeoff is None else tradeoff,
        product_of(result, "conditions") if conditions is None else conditions,
    )


def _by_ber(accuracy: xr.Dataset) -> xr.Dataset:
    """Return an evaluation as a curve over the BER."""
    known = accuracy.isel(faults=np.flatnonzero(accuracy.test_ber.notnull()))
    if not known.sizes["faults"]:
        raise InputError(
            "None of the fault models tells its mean BER, so there is no place for them on the "
            "axis; give them a method mean_ber(hrs_share)."
        )
    names = ["accuracy", "accuracy_low", "accuracy_high", "accuracy_p05", "test_ber"]
    curve = known[names].set_coords("test_ber").swap_dims(faults="test_ber").sortby("test_ber")
    trained = known.attrs.get("training_ber", math.nan)
    return curve.expand_dims(training_ber=[trained]).reset_coords("faults", drop=True)


def _range(
    curve: NDArray[np.float64], met: NDArray[np.float64] | tuple[()] = ()
) -> tuple[float, float]:
    """Return the lowest BER above 0 that is in view, and the highest.

    A condition somewhat below the curves widens the axis; one far below would leave no room.
    """
    curve, met = (values[values > 0] for values in (curve, np.asarray(met, dtype=float)))
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
    places = np.where(curve.test_ber > 0, curve.test_ber, zero)
    words = [curve_words(point) for point in records(curve, "test_ber")]
    add_values(axes, places, curve.accuracy, words)
    return float(curve.accuracy.values[-1])


def curve_words(point: Record) -> str:
    """Return what a point of a curve says when it is pointed at.

    Parameters
    ----------
    point : Record
        A network at a BER, of product "accuracy".
    """
    network, ber = training_words(point["training_ber"]), numbers.power(point["test_ber"])
    reached = numbers.accuracy(point.interval("accuracy"))
    poor = numbers.percent(point["accuracy_p05"])
    return f"{network}, at BER {ber}: {reached}, 5th-percentile chip {poor}"


def _name_curves(axes: Axes, accuracy: xr.Dataset, ends: list[float]) -> None:
    heights = axes.transAxes.inverted()
    levels = [heights.transform(axes.transData.transform((1.0, end)))[1] for end in ends]
    right = float(accuracy.test_ber.max())
    for index, height in enumerate(spread(levels, gap=0.06)):
        axes.annotate(
            numbers.power(float(accuracy.training_ber[index])),
            xy=(right, ends[index]),
            xytext=(1.025, height),
            textcoords="axes fraction",
            fontsize=8,
            va="center",
            # Not the number: small print in some of the colours cannot be read.
            arrowprops={
                "arrowstyle": "-",
                "lw": 0.9,
                "color": network_style(index)["color"],
                "shrinkB": 1,
            },
            annotation_clip=False,
        )
    top = max([*spread(levels, gap=0.06), 0.0])
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
    conditions: xr.Dataset | None,
    places: list[float],
    *,
    lowest: float,
) -> None:
    for index, place in enumerate(places):
        met = tradeoff.isel(condition=index)
        axes.axvline(place, color=COLORS["grey"], lw=0.8, ls=":", gid=f"condition-{index}")
        low, high = math.nan, math.nan
        if conditions is not None:
            low, high = (conditions[name].values[index] for name in ("ber_low", "ber_high"))
        level = 0.04 + 0.025 * index
        if met.ber_bound.item() == "upper" or 0 < float(met.test_ber) < place:
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


def _draw_budgets(axes: Axes, budgets: xr.Dataset, accepted: float) -> None:
    """Mark on the line of what is accepted how much bit error each network tolerates."""
    for index, network in enumerate(records(budgets, "training_ber")):
        for name, words in (
            ("budget_shown", "is shown to tolerate"),
            ("budget", "its mean tolerates"),
        ):
            if network[f"{name}_bound"]:
                # It is beyond the curves.
                continue
            axes.plot(
                network[name],
                accepted,
                marker="v",
                ms=5,
                color=network_style(index)["color"],
                mfc="none" if name == "budget" else None,
                linestyle="none",
                zorder=3,
                gid=f"{name.replace('_', '-')}-{index}",
            )
            ber = numbers.power(network[name])
            text = f"{training_words(network['training_ber'])}: {words} a BER of {ber}"
            add_values(axes, [network[name]], [accepted], [text])


def plot_case_accuracy(
    cases: xr.Dataset,
    ax: Canvas = None,
    *,
    panels: str,
    trained_at: Mapping[str, float] | None = None,
    titles: Mapping[str, str] | None = None,
) -> NDArray[np.object_]:
    """Draw accuracy against BER, on a straight axis, with the interval of each point as a band.

    Parameters
    ----------
    cases : xarray.Dataset
        Product "case_accuracy".
    ax : Canvas, optional
    panels : str
        ``"network"`` for a panel each network and a line each case, ``"case"`` for the opposite.
    trained_at : mapping of str to float, optional
        BER of the training by panel, marked by a line; panels that are not in it have none.
    titles : mapping of str to str, optional
        By panel; its name where there is none.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
    """
    lines = "case" if panels == "network" else "network"
    names = [str(name) for name in cases[panels].values]
    columns = min(_COLUMNS, len(names))
    rows = -(-len(names) // columns)
    width, height = _PANEL_INCHES
    size = (width * columns + 0.4, height * rows + 0.4 + 0.17 * -(-cases.sizes[lines] // 2))
    with figure_style():
        figure, axes = axes_grid(
            ax, rows, columns, count=len(names), size=size, share_x=True, share_y=True
        )
        for panel, name in zip(axes, names, strict=True):
            _draw_case_panel(panel, cases.sel({panels: name}), lines)
            panel.set_title((titles or {}).get(name, name))
            if name in (trained_at or {}):
                _mark_training(panel, (trained_at or {})[name])
        x_label = "bit-error rate (BER) of the cells"
        y_label = "test images classified correctly (%)"
        for panel in axes[:1] if isinstance(figure, FigureBase) else axes:
            use_accuracy_scale(panel, [cases.accuracy_low, cases.accuracy_high], "")
        handles = axes[0].get_legend_handles_labels()[0]
        add_legend(figure, axes, handles, loc="outside upper center", ncols=2)
        if isinstance(figure, FigureBase):
            figure.supxlabel(x_label, fontsize=9)
            figure.supylabel(y_label, fontsize=9)
        else:
            axes[0].set(xlabel=x_label, ylabel=y_label)
    return np.array(axes, dtype=object)


def _draw_case_panel(axes: Axes, cases: xr.Dataset, lines: str) -> None:
    bers = cases.test_ber.values
    for index, name in enumerate(cases[lines].values):
        curve, style = cases.sel({lines: name}), network_style(index)
        look = {"color": style["color"], "linestyle": style["linestyle"]}
        axes.fill_between(
            bers, curve.accuracy_low, curve.accuracy_high, color=look["color"], alpha=0.2, lw=0
        )
        axes.plot(
            bers, curve.accuracy, label=str(name), marker=condition_marker(index), ms=3.5, **look
        )
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
