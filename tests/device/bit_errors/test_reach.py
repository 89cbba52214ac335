import math

import pytest
from scipy import stats

from rramsim.device.bit_errors.reach import bound_beyond, furthest, least_rate
from rramsim.interval import Interval


def test_a_fit_reaches_two_sigmas_beyond_the_last_cell_to_be_expected():
    for cells in (20, 256, 1024, 1e6):
        # One cell in `cells` lies beyond.
        assert stats.norm.sf(furthest(cells) - 2.0) == pytest.approx(1 / cells)
    weighted = 0.2 * stats.norm.sf(furthest(30)) + 0.8 * stats.norm.sf(furthest(500))
    assert least_rate((30, 500), (0.2, 0.8)) == pytest.approx(weighted)


def test_the_paper_s_strong_condition_is_within_the_reach_of_1024_cells():
    assert least_rate((1024, 1024)) < 9.7e-5
    assert bound_beyond(Interval(9.7e-5), least_rate((1024, 1024)), countable=1.5e-3) is None


@pytest.mark.parametrize(
    ("fitted", "high"),
    [
        (Interval(1e-9, 1e-12, 1e-8), 1e-6),
        (Interval(1e-9, 1e-12, 1e-4), 1e-4),
        (Interval(1e-9, 1e-12, 0.4), 1e-3),
        (Interval(1e-9), 1e-6),
        (Interval(high=1e-300, bound="upper"), 1e-6),
    ],
)
def test_beyond_reach_the_higher_of_both_bounds_leads_but_none_above_what_counting_shows(
    fitted, high
):
    bound = bound_beyond(fitted, 1e-6, countable=1e-3)
    assert (bound.bound, bound.high, bound.extrapolated) == ("upper", high, True)
    assert math.isnan(bound.estimate)
