import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from rramsim.plotting.series import network_style, shown_name, spread, use_accuracy_scale

_heights = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8)


@pytest.mark.slow
@given(_heights)
def test_spread_keeps_order_and_gap(heights):
    placed = np.array(spread(heights, 0.1))
    order = np.argsort(heights, kind="stable")
    assert (np.diff(placed[order]) >= 0.1 - 1e-9).all()


@pytest.mark.slow
@given(_heights)
def test_spread_keeps_the_mean(heights):
    assert np.mean(spread(heights, 0.1)) == pytest.approx(np.mean(heights), abs=1e-12)


def test_spread_leaves_alone_what_is_far_apart():
    assert spread([0.9, 0.1, 0.5], 0.1) == [0.9, 0.1, 0.5]


def test_names_are_shown_on_one_line_and_cut_where_long():
    assert shown_name("a\n b") == "a b"
    assert shown_name("x" * 60) == "x" * 23 + "…"


def test_networks_are_told_apart_without_colour():
    styles = [network_style(index) for index in range(6)]
    assert len({str(style["linestyle"]) for style in styles}) == 6
    assert len({style["fillstyle"] for style in styles}) == 6


@pytest.mark.parametrize("accuracies", [[1.0, 1.0], [0.1, 1.0], [0.9999, 0.98], [0.5], [0.0, 0.2]])
def test_scale_shows_every_accuracy_between_labelled_ticks(accuracies):
    axes = Figure().add_subplot()
    use_accuracy_scale(axes, accuracies, "accuracy")
    bottom, top = axes.get_ylim()
    assert bottom < min(accuracies)
    assert max(accuracies) < top
    ticks = axes.get_yticks()
    assert len(ticks) >= 2
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert [float(label) / 100 for label in labels] == pytest.approx(list(ticks))


def test_networks_look_different_however_many_there_are():
    looks = [network_style(index) for index in range(20)]
    seen = {(look["color"], str(look["linestyle"]), look["fillstyle"]) for look in looks}
    assert len(seen) == 20
