import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from synthetic import NAN, TABLE1_NAMES, at, conditions, traded

from rramsim.decision.recommend import best_points
from rramsim.decision.requirements import Requirements, judge
from rramsim.plotting.style import figure_of
from rramsim.plotting.tradeoff import plot_cells, plot_tradeoff
from rramsim.schema import records

MET = {0.0: (0.97, 0.971, 0.90), 0.15: (0.96, 0.961, 0.965)}
CELLS = {0.0: (500, 500), 0.15: (600, 400)}


RINGED = {
    "condition": "weak",
    "protection": "none",
    "training_ber": 0.15,
    "thresholds": "as trained",
}


def tradeoff(tolerance=0.005, **changed):
    return traded(MET, known=conditions(**changed), cells=CELLS, tolerance=tolerance)


def named(figure, gid):
    return [artist for artist in figure.axes[0].get_children() if artist.get_gid() == gid]


def texts(figure):
    return " ".join(text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text")))


def protected(points):
    """Return the points beside others of pairs: at double the energy, with fewer errors."""
    pairs = points.assign_coords(protection=["2T2R"])
    for name, factor in {
        "energy_per_weight": 2,
        "programming_energy": 2,
        "cells_per_weight": 2,
        "pulses_per_weight": 2,
    }.items():
        pairs = pairs.assign({name: factor * pairs[name]})
    pairs = pairs.assign(accuracy=pairs.accuracy + 0.5 * pairs.loss, loss=0.5 * pairs.loss)
    both = xr.concat([points, pairs], "protection", data_vars="minimal", combine_attrs="override")
    return judge(both, Requirements(tolerance=0.02))


def test_the_best_network_of_a_place_has_its_energy_accuracy_and_interval():
    points = protected(tradeoff())
    figure = figure_of(plot_tradeoff, points)
    for index, condition in enumerate(TABLE1_NAMES):
        for number, protection in enumerate(("none", "2T2R")):
            (wanted,) = best_points(
                records(
                    points.sel(condition=[condition], protection=[protection]),
                    *("condition", "protection", "training_ber", "thresholds"),
                )
            )
            (point,) = named(figure, f"point-{index}-{number}")
            assert float(point.get_xdata()[0]) == wanted["energy_per_weight"]
            assert float(point.get_ydata()[0]) == wanted["accuracy"]
            (interval,) = named(figure, f"interval-{index}-{number}")
            ends = [float(end) for end in interval.get_ydata()]
            assert ends == [wanted["accuracy_low"], wanted["accuracy_high"]]
    # The other network of each of six places.
    assert all(named(figure, f"other-{number}") for number in range(6))
    assert not named(figure, "other-6")


def test_the_recommended_network_has_the_marker_of_its_place():
    ringed = RINGED | {"condition": "very strong"}
    for recommended, accuracy in ((ringed, 0.96), (ringed | {"training_ber": 0.0}, 0.97)):
        figure = figure_of(plot_tradeoff, tradeoff(), recommended=recommended)
        (point,) = named(figure, "point-0-0")
        assert float(point.get_ydata()[0]) == accuracy


@pytest.mark.slow
def test_protections_differ_in_filling_and_conditions_in_marker_for_a_grey_print():
    figure = figure_of(plot_tradeoff, protected(tradeoff()))
    first, second = (named(figure, f"point-0-{number}")[0] for number in (0, 1))
    assert first.get_marker() == second.get_marker()
    assert first.get_fillstyle() != second.get_fillstyle()
    assert len({named(figure, f"point-{index}-0")[0].get_marker() for index in range(3)}) == 3
    # The name of a condition has its marker.
    for index in range(3):
        (marker,) = named(figure, f"marker-{index}")
        assert marker.get_marker() == named(figure, f"point-{index}-0")[0].get_marker()


@pytest.mark.slow
def test_one_protection_alone_can_be_drawn():
    figure = figure_of(plot_tradeoff, protected(tradeoff()), protection="2T2R")
    assert named(figure, "point-0-1")
    assert not named(figure, "point-0-0")


def test_cells_and_energy_are_drawn_of_what_meets_what_is_required():
    points = protected(tradeoff())
    meets = points.meets.max(["training_ber", "thresholds"])
    labels = {"condition": "strong", "protection": "none"}
    figure = figure_of(plot_cells, points, recommended=labels)
    for index, condition in enumerate(TABLE1_NAMES):
        for number, protection in enumerate(("none", "2T2R")):
            place = {"condition": condition, "protection": protection}
            drawn = named(figure, f"point-{index}-{number}")
            assert bool(drawn) == bool(meets.sel(place))
            for point in drawn:
                energy = float(points.life_energy.sel(place).mean())
                assert float(point.get_xdata()[0]) == pytest.approx(energy)
                assert float(point.get_ydata()[0]) == float(points.cells_per_weight.sel(place)[0])
    (ring,) = named(figure, "recommended")
    assert float(ring.get_ydata()[0]) == 1.0
    (front,) = named(figure, "front")
    on = points.on_cells_front.max(["training_ber", "thresholds"])
    assert len(front.get_xdata()) == int(on.sum()) + 1
    nothing = judge(points, Requirements(tolerance=1e-9))
    assert "No point of known energy meets" in texts(figure_of(plot_cells, nothing))


@pytest.mark.slow
def test_front_runs_through_its_points_in_order_of_energy():
    points = tradeoff()
    (front,) = named(figure_of(plot_tradeoff, points), "front")
    drawn = at(points)
    on = drawn.on_front.values.astype(bool)
    expected = sorted(
        zip(drawn.energy_per_weight.values[on], drawn.accuracy.values[on], strict=True)
    )
    assert list(zip(front.get_xdata(), front.get_ydata(), strict=True))[:-1] == expected
    assert np.all(np.diff(front.get_ydata()) >= 0)


@pytest.mark.slow
def test_order_of_the_dims_does_not_matter():
    (front,) = named(figure_of(plot_tradeoff, tradeoff()), "front")
    (other,) = named(
        figure_of(plot_tradeoff, tradeoff().transpose("condition", "training_ber", ...)), "front"
    )
    np.testing.assert_array_equal(front.get_xydata(), other.get_xydata())


@pytest.mark.slow
def test_recommended_point_is_ringed():
    points = tradeoff()
    (ring,) = named(figure_of(plot_tradeoff, points, recommended=RINGED), "recommended")
    wanted = at(points, condition="weak", training_ber=0.15)
    assert float(ring.get_xdata()[0]) == float(wanted.energy_per_weight)
    assert float(ring.get_ydata()[0]) == float(wanted.accuracy)
    assert not named(figure_of(plot_tradeoff, points), "recommended")


@pytest.mark.slow
def test_conditions_of_unknown_energy_are_named_and_not_drawn():
    figure = figure_of(plot_tradeoff, tradeoff(set_energy=[120e-12, NAN, 4e-12]))
    assert "not drawn, energy unknown: strong" in texts(figure)
    assert not named(figure, "point-1-0")
    assert named(figure, "point-0-0")


@pytest.mark.slow
def test_without_any_energy_the_figure_says_so():
    figure = figure_of(plot_tradeoff, tradeoff(set_energy=[NAN] * 3), recommended=RINGED)
    assert "No programming energy is known." in texts(figure)


@pytest.mark.slow
@pytest.mark.parametrize(("tolerance", "shown"), [(0.005, True), (0.9, False)])
def test_least_accepted_accuracy_is_in_the_legend_where_in_view(tolerance, shown):
    figure = figure_of(plot_tradeoff, tradeoff(tolerance))
    assert ("least accepted" in texts(figure)) == shown
    assert bool(named(figure, "accepted")) == shown


@pytest.mark.slow
def test_dollar_in_a_name_is_not_read_as_a_formula():
    names = ["very strong", "$x^2$", "weak"]
    renamed = tradeoff().assign_coords(condition=names)
    shown = [
        text for text in figure_of(plot_tradeoff, renamed).axes[0].texts if "x^2" in text.get_text()
    ]
    assert shown[0].get_text() == r"\$x^2\$"


@pytest.mark.slow
def test_points_go_into_axes_of_the_user_with_their_legend():
    own = Figure(figsize=(9.0, 3.0))
    axes = own.subplots(1, 2)[1]
    points = tradeoff(set_energy=[120e-12, NAN, 4e-12])
    assert plot_tradeoff(points, ax=axes) is axes
    assert "unprotected" in {text.get_text() for text in axes.get_legend().get_texts()}
    assert "not drawn, energy unknown: strong" in texts(own)
    assert own.get_size_inches().tolist() == [9.0, 3.0]


def test_of_many_conditions_twelve_are_named_and_the_others_are_small():
    few = traded({0.0: (0.97, 0.97, 0.90)})
    parts = [
        few.assign_coords(condition=[f"{name} {i}" for name in TABLE1_NAMES]) for i in range(5)
    ]
    many = xr.concat(parts, "condition", data_vars="minimal", combine_attrs="override")
    figure = figure_of(plot_tradeoff, many)
    (axes,) = figure.axes
    gids = [str(line.get_gid()) for line in axes.lines]
    assert sum(gid.startswith("marker-") for gid in gids) == 12
    assert sum(gid.startswith("point-") for gid in gids) == 12
    assert sum(gid.startswith("other-") for gid in gids) == 3
    (note,) = [text for text in figure.texts if text.get_gid() == "undrawn"]
    assert note.get_text() == "named: 12 of 15 conditions, those near the recommended one"
