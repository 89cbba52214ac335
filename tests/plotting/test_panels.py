import pytest
import xarray as xr
from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rramsim.plotting.panels import add_legend, add_title, panel_grid, with_origin
from rramsim.plotting.style import figure_style


def grid(ax, count):
    with figure_style():
        return panel_grid(ax, count, most_columns=3, panel=(2.0, 1.0), around=(0.5, 0.25))


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (3, 3, 1), (5, 3, 2)])
def test_panels_stand_row_by_row_and_places_left_over_are_empty(count, columns, rows):
    figure, panels, used = grid(Figure(), count)
    assert (len(panels), used) == (count, columns)
    assert figure.get_size_inches().tolist() == [0.5 + 2.0 * columns, 0.25 + rows]
    assert [axes.axison for axes in figure.axes] == [True] * count + [False] * (
        columns * rows - count
    )


def test_without_axes_pyplot_holds_the_figure():
    figure, panels, _ = grid(None, 2)
    assert pyplot.get_fignums() == [figure.number]
    assert panels[0].get_figure() is figure
    pyplot.close(figure)


def test_panels_go_into_axes_of_the_user_which_keep_their_figure():
    own = Figure(figsize=(7.0, 2.0))
    axes = own.subplots(1, 2)
    figure, panels, _ = grid(axes, 2)
    assert figure is None
    assert panels == list(axes)
    assert grid(axes[0], 1)[1] == [axes[0]]
    assert own.get_size_inches().tolist() == [7.0, 2.0]
    with pytest.raises(ValueError, match="2 axes were given for 3 panels"):
        grid(axes, 3)


@pytest.mark.parametrize("placed", ["in a grid", "freely"])
def test_one_axes_of_the_user_is_divided_among_several_panels(placed):
    own = Figure()
    ax = own.add_subplot(1, 2, 2) if placed == "in a grid" else own.add_axes((0.5, 0.1, 0.4, 0.8))
    box = ax.get_position()
    frame, panels, _ = grid(ax, 3)
    assert frame is ax
    assert not ax.axison
    add_legend(frame, panels, [Line2D([], [], label="fit")], loc="outside lower center")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["fit"]
    inside = [panel.get_position() for panel in panels]
    assert all(box.x0 - 1e-9 <= one.x0 < one.x1 <= box.x1 + 1e-9 for one in inside)
    assert inside[0].x1 < inside[1].x0 < inside[2].x0


def test_a_legend_and_a_remark_go_into_the_axes_of_the_user():
    axes = Figure().subplots()
    add_legend(None, [axes], [Line2D([], [], label="fit")], loc="outside lower center")
    add_title(None, [axes], "Title\nsynthetic populations, not measured")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["fit"]
    assert [text.get_text() for text in axes.texts] == ["synthetic populations, not measured"]


def test_a_title_says_which_populations_were_not_measured():
    def of(*origins):
        return xr.Dataset({"origin": ("condition", list(origins))})

    assert with_origin("BER", of("measured", "none")) == "BER"
    assert with_origin("BER", of("synthetic", "measured", "reconstructed")) == (
        "BER\nreconstructed and synthetic populations, not measured"
    )
