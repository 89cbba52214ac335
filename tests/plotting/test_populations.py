import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import stats

from rramsim.device.characterize import characterize
from rramsim.errors import InputError
from rramsim.measurements import Measured
from rramsim.plotting.populations import STATE_LOOK, plot_populations
from rramsim.plotting.style import figure_of, save_figure
from rramsim.schema import STATES, make


def cells(median, sigma, count, seed=1):
    z = np.random.default_rng(seed).standard_normal(count)
    return median * np.exp(sigma * (z - z.mean()) / z.std())


def fit_of(conditions, *, limit=math.inf, origin="measured"):
    """Fit ``{condition: (LRS ohms, HRS ohms)}``, over-range at `limit`."""
    names = list(conditions)
    parts = [
        (i, j, np.asarray(conditions[name][j], dtype=float))
        for i, name in enumerate(names)
        for j in (0, 1)
    ]
    resistance = np.concatenate([part for _, _, part in parts])
    readings = make(
        "readings",
        {
            "resistance": np.minimum(resistance, limit),
            "censoring": (resistance > limit).astype(int),
            "condition_index": np.concatenate([np.full(part.size, i) for i, _, part in parts]),
            "state_index": np.concatenate([np.full(part.size, j) for _, j, part in parts]),
            "cell": np.full(resistance.size, -1),
            "cycle": np.full(resistance.size, -1),
        },
        {"condition": names, "state": list(STATES)},
    )
    products = characterize(Measured(readings, (), origin, ())).products
    return SimpleNamespace(
        readings=readings,
        populations=products["populations"],
        conditions=products["conditions"],
    )


def populations_of(conditions, **options):
    """Draw ``{condition: (LRS ohms, HRS ohms)}``; return figure and fit."""
    fit = fit_of(conditions, **options)
    return figure_of(plot_populations, fit), fit


def lines_of(axes, gid):
    return [line for line in axes.lines if line.get_gid() == gid]


@pytest.fixture(scope="module")
def strong():
    return populations_of({"strong": (cells(9e3, 0.3, 200), cells(3e5, 0.7, 200, seed=2))})


def test_readings_stand_at_their_quantile_on_a_logarithmic_axis(strong):
    (axes,) = strong[0].axes
    assert axes.get_xscale() == "log"
    (points,) = lines_of(axes, "readings-LRS")
    assert np.sort(points.get_xdata()) == pytest.approx(np.sort(cells(9e3, 0.3, 200)))
    order = np.argsort(points.get_xdata())
    expected = stats.norm.ppf((np.arange(1, 201) - 0.5) / 200)
    assert np.asarray(points.get_ydata())[order] == pytest.approx(expected)
    assert points.get_color() == STATE_LOOK["LRS"][0]


def test_fit_reference_and_window_are_where_the_numbers_say(strong):
    figure, found = strong
    (axes,) = figure.axes
    reference = found.conditions["reference_resistance"].item()
    dashed = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert [line.get_xdata()[0] for line in dashed] == [pytest.approx(reference)]
    fits = [line for line in axes.lines if line.get_linestyle() == ":"]
    for fit, median, sigma in zip(fits, (9e3, 3e5), (0.3, 0.7), strict=True):
        z = np.log(np.asarray(fit.get_xdata()) / median) / sigma
        assert z == pytest.approx(np.asarray(fit.get_ydata()), abs=1e-9)
    # Both fits reach the reference inside the axes: there the errors are made.
    low, high = axes.get_ylim()
    assert low < (math.log(reference / 3e5)) / 0.7
    assert high > (math.log(reference / 9e3)) / 0.3
    (arrow,) = [text for text in axes.texts if getattr(text, "arrow_patch", None)]
    # The window is between the medians of the readings, not of the fits.
    low, high = (
        float(np.median(cells(9e3, 0.3, 200))),
        float(np.median(cells(3e5, 0.7, 200, seed=2))),
    )
    assert (*arrow.xy, *arrow.get_position()) == pytest.approx((low, 0.0, high, 0.0))
    caption = " ".join(text.get_text() for text in axes.texts)
    assert f"memory window ×{high / low:.0f}" in caption
    assert "fitted, extrapolated" in caption


@pytest.mark.parametrize(("share", "words"), [(0.3, "more than ×"), (0.7, "×")])
def test_a_median_beyond_a_limit_makes_the_window_a_bound_at_the_limit(share, words):
    hrs = cells(3e5, 0.7, 100, seed=2)
    limit = float(np.quantile(hrs, share))
    figure, _ = populations_of({"A": (cells(5e3, 0.3, 100), hrs)}, limit=limit)
    (axes,) = figure.axes
    low, high = float(np.median(cells(5e3, 0.3, 100))), min(float(np.median(hrs)), limit)
    (arrow,) = [text for text in axes.texts if getattr(text, "arrow_patch", None)]
    assert (*arrow.xy, *arrow.get_position()) == pytest.approx((low, 0.0, high, 0.0))
    caption = " ".join(text.get_text() for text in axes.texts)
    assert f"memory window {words}{high / low:.0f}" in caption


def test_the_band_is_the_interval_of_the_quantile(strong):
    figure, found = strong
    band = figure.axes[0].collections[0].get_paths()[0].vertices
    at_median = np.isclose(band[:, 0], 9e3)
    ends = np.sort(band[at_median, 1])
    covariance = found.populations["covariance"].sel(condition="strong", state="LRS").values
    by_parameter = np.array([-1.0, math.log(9e3)])
    half = 1.96 * math.sqrt(by_parameter @ covariance @ by_parameter)
    assert [ends[0], ends[-1]] == pytest.approx([-half, half], abs=1e-4)


@pytest.mark.slow
def test_readings_beyond_a_limit_are_arrows_at_the_limit():
    figure, found = populations_of(
        {"a": (cells(9e3, 0.3, 100), cells(3e5, 0.7, 100, seed=2))}, limit=4e5
    )
    (axes,) = figure.axes
    over = found.populations["censored_above"].sel(state="HRS").item()
    (arrow,) = lines_of(axes, "beyond-HRS")
    assert arrow.get_marker() == ">"
    assert list(arrow.get_xdata()) == [4e5]
    assert list(arrow.get_ydata()) == [pytest.approx(stats.norm.ppf(1 - over / 100))]
    assert lines_of(axes, "beyond-LRS") == []
    (points,) = lines_of(axes, "readings-HRS")
    assert len(points.get_xdata()) == 100 - over
    assert "beyond a limit" in [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.slow
def test_a_population_that_cannot_be_fitted_has_points_and_no_line():
    figure, _ = populations_of({"a": ([1e4] * 50, cells(3e5, 0.5, 50))})
    (axes,) = figure.axes
    assert len([line for line in axes.lines if line.get_linestyle() == ":"]) == 1
    assert len(lines_of(axes, "readings-LRS")[0].get_xdata()) == 50


@pytest.mark.slow
def test_what_was_not_measured_is_said_to_be_so(strong):
    assert "not measured" not in strong[0].get_suptitle()
    pair = (cells(9e3, 0.3, 20), cells(3e5, 0.7, 20))
    figure, _ = populations_of({"a": pair}, origin="reconstructed")
    assert "reconstructed populations, not measured" in figure.get_suptitle()


@pytest.mark.slow
@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (5, 3)])
def test_every_condition_has_its_panel(count, columns):
    names = [f"{i} V $<b>" for i in range(count)]
    figure, _ = populations_of({name: (cells(9e3, 0.3, 20), cells(3e5, 0.7, 20)) for name in names})
    panels = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in panels] == names
    assert panels[0].get_gridspec().ncols == columns
    # The lowest panel of each column carries the numbers of the resistance axis.
    assert [bool(axes.get_xlabel()) for axes in panels] == [
        number + columns >= count for number in range(count)
    ]


@pytest.mark.slow
def test_of_many_conditions_twelve_from_the_lowest_to_the_highest_ber_are_drawn():
    # Each has a smaller window than the one before, so that its BER is higher.
    fit = fit_of(
        {f"{i}": (cells(9e3, 0.5, 20), cells(2e5 / 1.15**i, 0.5, 20)) for i in (*range(1, 14), 0)}
    )
    figure = figure_of(plot_populations, fit)
    shown = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert len(shown) == 12
    assert {"0", "13"} < set(shown)
    assert figure.get_suptitle().endswith("12 of 14 conditions, from the lowest to the highest BER")
    own = list(Figure().subplots(2, 7).flat)
    plot_populations(fit, own)
    assert [axes.get_title() for axes in own] == [*map(str, range(1, 14)), "0"]


@pytest.mark.slow
def test_many_readings_are_thinned_but_both_tails_are_whole_and_it_is_said():
    lrs, hrs = cells(9e3, 0.3, 20_000), cells(3e5, 0.7, 20_000, seed=2)
    figure, _ = populations_of({"a": (lrs, hrs)})
    (points,) = lines_of(figure.axes[0], "readings-LRS")
    drawn, ordered = np.sort(points.get_xdata()), np.sort(lrs)
    assert 300 < drawn.size <= 600
    assert drawn[:100] == pytest.approx(ordered[:100])
    assert drawn[-100:] == pytest.approx(ordered[-100:])
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "up to 600 points a population" in legend


@pytest.mark.slow
def test_a_name_with_dollar_signs_is_drawn_as_text(tmp_path):
    figure, _ = populations_of({"$\\frac{$ 5 V": (cells(9e3, 0.3, 20), cells(3e5, 0.7, 20))})
    svg, png = save_figure(figure, tmp_path / "populations")
    assert svg.stat().st_size > 1000
    assert png.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.slow
def test_the_conditions_of_a_fit_share_the_axes_of_a_user():
    pair = (cells(9e3, 0.3, 60), cells(3e5, 0.7, 60, seed=2))
    fit = fit_of(dict.fromkeys(("a", "b"), pair))
    own = Figure(figsize=(9.0, 4.0))
    left, right = own.subplots(1, 2)
    panels = plot_populations(fit, ax=right)
    assert [axes.get_title() for axes in panels] == ["a", "b"]
    assert all(axes.get_figure() is own for axes in panels)
    assert min(axes.get_position().x0 for axes in panels) > left.get_position().x1
    assert right.get_legend() is not None
    assert panels[0].get_legend() is None


@pytest.mark.slow
def test_readings_take_populations_and_conditions():
    fit = fit_of({"a": (cells(9e3, 0.3, 60), cells(3e5, 0.7, 60, seed=2))})
    axes = Figure().subplots()
    given = {"populations": fit.populations, "conditions": fit.conditions}
    (panel,) = plot_populations(fit.readings, ax=axes, **given)
    assert panel is axes
    with pytest.raises(InputError, match="give populations and conditions too"):
        plot_populations(fit.readings, ax=axes)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["constrained", None])
def test_one_of_two_axes_holds_several_conditions_and_nothing_overlaps(layout):
    pair = (cells(5e3, 0.2, 60), cells(2e5, 0.4, 60, seed=2))
    fit = fit_of(dict.fromkeys(("very strong", "strong", "weak"), pair), origin="synthetic")
    figure = Figure(figsize=(12.0, 4.5), layout=layout)
    left, right = figure.subplots(1, 2)
    right.set_ylabel("of the neighbour")
    panels = plot_populations(fit, ax=left)
    figure.canvas.draw()
    captions = [panel.texts[-1].get_window_extent() for panel in panels]
    titles = [panel.title.get_window_extent() for panel in panels]
    ticks = [
        [label.get_window_extent() for label in panel.get_xticklabels() if label.get_text()]
        for panel in panels
    ]
    assert max(box.y1 for box in titles) < figure.bbox.y1
    assert all(below.y1 < above.y0 for below, above in zip(captions, titles, strict=True))
    for boxes in (captions, titles):
        assert all(one.x1 < other.x0 for one, other in itertools.pairwise(boxes))
    assert captions[-1].x1 < right.get_tightbbox().x0
    assert panels[-1].get_tightbbox().x1 < right.get_tightbbox().x0
    assert min(box.y0 for boxes in ticks for box in boxes) > left.get_legend().get_tightbbox().y1
    assert panels[0].texts[-1].get_text().startswith("BER ")
    assert left.get_legend().get_title().get_text() == "synthetic populations, not measured"
