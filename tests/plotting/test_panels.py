import pytest
import xarray as xr

from rramsim.plotting.panels import panel_grid, with_origin
from rramsim.plotting.style import figure_style


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (3, 3, 1), (5, 3, 2)])
def test_panels_stand_row_by_row_and_places_left_over_are_empty(count, columns, rows):
    with figure_style():
        figure, panels, found = panel_grid(
            count, most_columns=3, panel=(2.0, 1.0), around=(0.5, 0.25)
        )
    assert (len(panels), found) == (count, columns)
    assert figure.get_size_inches().tolist() == [0.5 + 2.0 * columns, 0.25 + rows]
    assert [axes.axison for axes in figure.axes] == [True] * count + [False] * (
        columns * rows - count
    )


def test_a_title_says_which_populations_were_not_measured():
    def of(*origins):
        return xr.Dataset({"origin": ("condition", list(origins))})

    assert with_origin("BER", of("measured", "none")) == "BER"
    assert with_origin("BER", of("synthetic", "measured", "reconstructed")) == (
        "BER\nreconstructed and synthetic populations, not measured"
    )
