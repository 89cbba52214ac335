import numpy as np
import pytest

from rramsim import schema
from rramsim.plotting.case_accuracy import case_accuracy_figure

BERS = [0.0, 0.1, 0.3]


@pytest.fixture
def found():
    accuracy = np.linspace(0.5, 0.99, 2 * 3 * 3).reshape(2, 3, 3)
    values = {"accuracy": accuracy, "accuracy_low": accuracy - 0.01}
    values |= {"accuracy_high": accuracy + 0.01, "accuracy_p05": accuracy - 0.02}
    values["maps"] = np.full(accuracy.shape, 5)
    coords = {"network": ["plain", "adapted"], "case": ["a", "b", "c"], "test_ber": BERS}
    return schema.make("case_accuracy", values, coords)


@pytest.mark.parametrize(("panels", "lines"), [("network", "case"), ("case", "network")])
def test_each_panel_has_a_line_for_everything_it_compares(found, panels, lines):
    figure = case_accuracy_figure(found, panels=panels)
    assert [axes.get_title() for axes in figure.axes] == found[panels].values.tolist()
    for axes, panel in zip(figure.axes, found[panels].values, strict=True):
        assert [line.get_label() for line in axes.lines] == found[lines].values.tolist()
        for line, name in zip(axes.lines, found[lines].values, strict=True):
            curve = found.accuracy.sel({panels: panel, lines: name})
            assert np.array_equal(line.get_xdata(), BERS)
            assert np.array_equal(line.get_ydata(), curve)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == found[lines].values.tolist()


def test_the_training_ber_is_marked_where_it_is_known(found):
    figure = case_accuracy_figure(
        found, panels="network", trained_at={"adapted": 0.1}, titles={"plain": "without errors"}
    )
    marked = {
        axes.get_title(): [line for line in axes.lines if line.get_gid() == "trained-at"]
        for axes in figure.axes
    }
    assert not marked["without errors"]
    (line,) = marked["adapted"]
    assert list(line.get_xdata()) == [0.1, 0.1]
