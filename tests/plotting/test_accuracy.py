import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot
from matplotlib.figure import Figure
from synthetic import (
    NAN,
    TABLE1,
    TABLE1_NAMES,
    accuracy_curves,
    conditions,
    traded,
)

from rramsim import formatting as numbers
from rramsim import schema
from rramsim.decision.join import error_free_accuracy
from rramsim.decision.requirements import Requirements, ber_budgets
from rramsim.errors import InputError
from rramsim.plotting.accuracy import plot_accuracy, plot_case_accuracy
from rramsim.plotting.style import Values, figure_of
from rramsim.schema import records

TRAINED = (0.0, 0.05, 0.15)
MET = {0.0: (0.96, 0.96, 0.93), 0.05: (0.955, 0.955, 0.95), 0.15: (0.95, 0.95, 0.952)}
CASE_BERS = [0.0, 0.1, 0.3]
INTERVALS = {"ber_low": [NAN, 6e-5, NAN], "ber_high": [1e-6, 1.6e-4, NAN]}


def tradeoff_of(curves, met=MET, known=None, **more):
    known = conditions(**INTERVALS) if known is None else known
    best = error_free_accuracy(curves)
    return traded(met, known=known, error_free=best, tolerance=0.01, **more)


def drawn(**more):
    curves = accuracy_curves(TRAINED)
    figure = figure_of(
        plot_accuracy,
        curves,
        tradeoff=tradeoff_of(curves, **more),
        conditions=conditions(**INTERVALS),
    )
    return curves, figure.axes[0]


def named(axes, gid):
    return [artist for artist in axes.get_children() if artist.get_gid() == gid]


def texts(figure):
    return {text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text"))}


@pytest.mark.slow
@pytest.mark.parametrize("index", range(3))
def test_curve_and_worst_chips_are_those_of_the_dataset(index):
    curves, axes = drawn()
    above = curves.isel(training_ber=index, test_ber=slice(1, None))
    (curve,) = named(axes, f"curve-{index}")
    np.testing.assert_array_equal(curve.get_xdata(), above.test_ber)
    np.testing.assert_array_equal(curve.get_ydata(), above.accuracy)
    (worst,) = named(axes, f"p05-{index}")
    np.testing.assert_array_equal(worst.get_ydata(), above.accuracy_p05)


@pytest.mark.slow
def test_band_spans_the_interval():
    curves, axes = drawn()
    for index, band in enumerate(axes.collections):
        corners = band.get_paths()[0].vertices[:, 1]
        wanted = curves.isel(training_ber=index, test_ber=slice(1, None))
        assert corners.min() == pytest.approx(float(wanted.accuracy_low.min()))
        assert corners.max() == pytest.approx(float(wanted.accuracy_high.max()))
    assert len(axes.collections) == 3


@pytest.mark.slow
def test_no_bit_errors_are_drawn_left_of_the_break_and_labelled_zero():
    curves, axes = drawn()
    (free,) = named(axes, "error-free-0")
    place = free.get_xdata()[0]
    assert free.get_ydata().tolist() == [float(curves.accuracy.sel(training_ber=0, test_ber=0))]
    assert place < named(axes, "axis-break")[0].get_position()[0] < 1e-6
    labels = dict(
        zip(axes.get_xticks(), (t.get_text() for t in axes.get_xticklabels()), strict=True)
    )
    assert labels[place] == "0"
    assert labels[1e-6] == "10⁻⁶"


@pytest.mark.slow
def test_conditions_stand_at_the_rates_they_were_evaluated_at():
    _, axes = drawn()
    places = [named(axes, f"condition-{index}")[0].get_xdata()[0] for index in range(3)]
    assert places == [1e-6, 9.7e-5, 3.3e-2]
    assert set(TABLE1_NAMES) <= texts(axes.figure)


@pytest.mark.slow
def test_markers_of_the_conditions_are_the_accuracies_reached():
    _, axes = drawn()
    for index in range(3):
        for network, training_ber in enumerate(TRAINED):
            (point,) = named(axes, f"point-{index}-{network}")
            assert float(point.get_ydata()[0]) == MET[training_ber][index]


@pytest.mark.slow
def test_every_point_of_a_curve_says_network_rate_and_accuracy():
    curves, axes = drawn()
    values = [artist for artist in axes.get_children() if isinstance(artist, Values)]
    pairs = [pair for one in values for pair in zip(one.texts, one.points, strict=True)]
    shown = dict(pairs)
    assert len(shown) == len(pairs)
    for row in records(curves, "training_ber", "test_ber"):
        trained, ber = (numbers.power(row[name]) for name in ("training_ber", "test_ber"))
        network = f"trained at BER {trained}" if row["training_ber"] else "plain training"
        reached, poor = numbers.accuracy(row.interval("accuracy")), row["accuracy_p05"]
        words = f"{network}, at BER {ber}: {reached}, 5th-percentile chip {numbers.percent(poor)}"
        assert shown[words][1] == row["accuracy"]
        if row["test_ber"]:
            assert shown[words][0] == row["test_ber"]


@pytest.mark.slow
def test_interval_is_a_bar_and_a_bound_an_arrow_to_the_left():
    _, axes = drawn()
    (bar,) = named(axes, "ber-interval-1")
    assert list(bar.get_xdata()) == [6e-5, 1.6e-4]
    assert not named(axes, "ber-interval-0")  # a bound
    assert not named(axes, "ber-interval-2")  # no interval known
    arrows = [
        text
        for text in axes.texts
        if getattr(text, "arrow_patch", None) is not None and text.get_text() == ""
    ]
    assert [arrow.xyann[0] for arrow in arrows] == [1e-6]
    assert arrows[0].xy[0] < 1e-6


@pytest.mark.slow
def test_rate_left_of_the_curves_points_out_of_the_figure():
    _, axes = drawn(test_ber=(1e-14, 9.7e-5, 3.3e-2))
    (line,) = named(axes, "condition-0")
    assert line.get_xdata()[0] == 1e-6  # the lowest rate of the curves


@pytest.mark.slow
def test_rate_somewhat_below_the_curves_widens_the_axis():
    _, axes = drawn(test_ber=(1.01e-7, 9.7e-5, 3.3e-2))
    assert named(axes, "condition-0")[0].get_xdata()[0] == 1.01e-7
    assert [text.get_text() for text in axes.get_xticklabels()][:2] == ["0", "10⁻⁷"]
    assert named(axes, "axis-break")[0].get_position()[0] < 1e-7


@pytest.mark.slow
def test_accuracy_accepted_is_the_reference_less_the_tolerance():
    curves, axes = drawn()
    (line,) = named(axes, "accepted")
    assert line.get_ydata()[0] == pytest.approx(error_free_accuracy(curves) - 0.01)


@pytest.mark.slow
def test_equal_ratios_of_errors_are_equally_far_apart():
    _, axes = drawn()
    at = axes.transData.transform([(1e-3, a) for a in (0.2, 0.6, 0.8, 0.9)])[:, 1]
    assert np.diff(at) == pytest.approx(np.full(3, at[1] - at[0]), rel=0.01)


def boxes_of_names(axes, names):
    axes.figure.canvas.draw()
    renderer = axes.figure.canvas.get_renderer()
    shown = [text for text in axes.texts if text.get_text() in names]
    return [text.get_bbox_patch().get_window_extent(renderer) for text in shown]


@pytest.mark.slow
@pytest.mark.parametrize(("count", "networks"), [(1, 1), (3, 3), (6, 4)])
def test_names_of_conditions_neither_touch_nor_leave_the_figure(count, networks):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    names = ["very strong", "strong", "a medium one", "weak", "rather weak", "weakest"][:count]
    bers = [1e-9, 9.7e-5, 2e-4, 3.3e-2, 4e-2, 6e-2][:count]
    many = {name: (values * 2)[:count] for name, values in TABLE1.items()}
    known = schema.make("conditions", many, coords={"condition": names})
    curves = accuracy_curves((0.0, 0.02, 0.05, 0.15)[:networks])
    met = {float(ber): (0.95,) * count for ber in curves.training_ber}
    figure = figure_of(
        plot_accuracy,
        curves,
        tradeoff=tradeoff_of(curves, met, known, test_ber=bers),
        conditions=known,
    )
    FigureCanvasAgg(figure)
    boxes = boxes_of_names(figure.axes[0], names)
    assert len(boxes) == count
    for place, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("origin", "said"),
    [
        (["reconstructed"] * 3, ["cells: reconstructed, not measured"]),
        (["measured", "synthetic", "measured"], ["cells of strong: synthetic, not measured"]),
        (["measured"] * 3, []),
    ],
)
def test_cells_that_were_not_measured_are_said_so_in_the_figure(origin, said):
    found = tradeoff_of(accuracy_curves(TRAINED))
    found["origin"] = ("condition", origin)
    figure = figure_of(
        plot_accuracy, accuracy_curves(TRAINED), tradeoff=found, conditions=conditions()
    )
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts if text.get_gid() == "origin"] == said


@pytest.fixture
def cases():
    accuracy = np.linspace(0.5, 0.99, 2 * 3 * 3).reshape(2, 3, 3)
    values = {"accuracy": accuracy, "accuracy_low": accuracy - 0.01}
    values |= {"accuracy_high": accuracy + 0.01, "accuracy_p05": accuracy - 0.02}
    values["maps"] = np.full(accuracy.shape, 5)
    coords = {"network": ["plain", "adapted"], "case": ["a", "b", "c"], "test_ber": CASE_BERS}
    return schema.make("case_accuracy", values, coords)


@pytest.mark.parametrize(("panels", "lines"), [("network", "case"), ("case", "network")])
def test_each_panel_has_a_line_for_everything_it_compares(cases, panels, lines):
    figure = figure_of(plot_case_accuracy, cases, panels=panels)
    drawn = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title() for axes in drawn] == cases[panels].values.tolist()
    for axes, panel in zip(drawn, cases[panels].values, strict=True):
        assert [line.get_label() for line in axes.lines] == cases[lines].values.tolist()
        for line, name in zip(axes.lines, cases[lines].values, strict=True):
            curve = cases.accuracy.sel({panels: panel, lines: name})
            assert np.array_equal(line.get_xdata(), CASE_BERS)
            assert np.array_equal(line.get_ydata(), curve)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == cases[lines].values.tolist()


def test_the_training_ber_is_marked_where_it_is_known(cases):
    figure = figure_of(
        plot_case_accuracy,
        cases,
        panels="network",
        trained_at={"adapted": 0.1},
        titles={"plain": "without errors"},
    )
    marked = {
        axes.get_title(): [line for line in axes.lines if line.get_gid() == "trained-at"]
        for axes in figure.axes
    }
    assert not marked["without errors"]
    (line,) = marked["adapted"]
    assert list(line.get_xdata()) == [0.1, 0.1]


def test_curves_alone_go_into_axes_of_the_user():
    own = Figure(figsize=(9.0, 3.0))
    left, right = own.subplots(1, 2)
    curves = accuracy_curves(TRAINED)
    assert plot_accuracy(curves, ax=right) is right
    assert named(right, "curve-2")
    assert not named(right, "condition-0")
    assert not left.lines
    assert own.get_size_inches().tolist() == [9.0, 3.0]


def test_without_axes_the_figure_is_one_that_a_notebook_shows():
    axes = plot_accuracy(accuracy_curves(TRAINED))
    assert pyplot.gcf() is axes.get_figure()
    pyplot.close()


def evaluation(bers, **attrs):
    accuracy = np.linspace(0.9, 0.5, len(bers))
    values = {"accuracy": accuracy, "accuracy_low": accuracy - 0.01}
    values |= {"accuracy_high": accuracy + 0.01, "accuracy_p05": accuracy - 0.02, "test_ber": bers}
    names = [f"model {number}" for number in range(len(bers))]
    variables = {name: ("faults", np.asarray(value)) for name, value in values.items()}
    return xr.Dataset(variables, {"faults": names}, attrs=attrs)


def test_an_evaluation_is_one_curve_in_the_order_of_its_rates():
    axes = plot_accuracy(evaluation([0.1, 0.0, NAN, 0.01], training_ber=0.05), ax=Figure())
    (line,) = named(axes, "curve-0")
    assert line.get_xdata().tolist() == [0.01, 0.1]
    assert line.get_ydata() == pytest.approx([0.5, 0.9])
    assert len(named(axes, "error-free-0")) == 1
    assert "0.05" in [text.get_text() for text in axes.texts]


def test_fault_models_of_one_rate_stand_at_one_place():
    axes = plot_accuracy(evaluation([0.1, 0.1, 0.2]), ax=Figure())
    (line,) = named(axes, "curve-0")
    assert line.get_xdata().tolist() == [0.1, 0.1, 0.2]


def test_fault_models_that_do_not_tell_their_rate_have_no_place_on_the_axis():
    with pytest.raises(InputError, match="give them a method mean_ber"):
        plot_accuracy(evaluation([NAN, NAN]))


def test_what_each_network_bears_is_marked_where_the_loss_is_what_is_accepted():
    curves = accuracy_curves(TRAINED)
    budgets = ber_budgets(curves, Requirements(tolerance=0.01))
    # Of one network it is known only to be more than was asked.
    budgets["budget_bound"].loc[{"training_ber": 0.15}] = "lower"
    figure = figure_of(plot_accuracy, curves, tradeoff=tradeoff_of(curves), budgets=budgets)
    axes = figure.axes[0]
    for index, training_ber in enumerate(TRAINED):
        for name in ("budget", "budget_shown"):
            network = budgets.sel(training_ber=training_ber)
            marks = named(axes, f"{name.replace('_', '-')}-{index}")
            assert len(marks) == (not network[f"{name}_bound"].item())
            for mark in marks:
                assert float(mark.get_xdata()[0]) == float(network[name])
                accepted = error_free_accuracy(curves) - 0.01
                assert float(mark.get_ydata()[0]) == pytest.approx(accepted)
    assert not named(axes, "budget-2")
