from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rramsim.device.lifetime.cell_lifetimes import cell_lifetimes, misread, window_closed


def naive_life(cycles, bad, consecutive):
    """Return (after, until, undecided) of one cell by walking along its cycles."""
    run, last_good = 0, 0.0
    for place, (cycle, is_bad) in enumerate(zip(cycles, bad, strict=True)):
        run = run + 1 if is_bad else 0
        if not is_bad:
            last_good = float(cycle)
        if run == consecutive:
            return last_good, float(cycles[place - consecutive + 1]), False
    return last_good, np.inf, run > 0


@settings(deadline=None)
@given(
    st.lists(st.lists(st.booleans(), min_size=1, max_size=9), min_size=1, max_size=6),
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
def test_lives_are_those_of_walking_along_each_cell(patterns, consecutive, shuffle):
    rows = [(c, 10 * i + 10, bad) for c, row in enumerate(patterns) for i, bad in enumerate(row)]
    shuffle.shuffle(rows)
    lifetimes = cell_lifetimes(*np.array(rows).T, consecutive=consecutive)
    for cell, pattern in enumerate(patterns):
        cycles = [10 * i + 10 for i in range(len(pattern))]
        expected = naive_life(cycles, pattern, consecutive)
        row = lifetimes.isel(lifetime=cell)
        assert tuple(row[name].item() for name in ("after", "until", "is_undecided")) == expected
        recovers = any(a and not b for a, b in pairwise(pattern))
        assert row["is_soft"].item() == recovers
        assert row["any_bad"].item() == any(pattern)


def test_a_cycle_is_bad_where_either_state_is():
    lifetimes = cell_lifetimes(
        [5, 5, 5, 5], [1, 1, 2, 2], [False, True, False, False], consecutive=1
    )
    assert lifetimes["until"].values.tolist() == [1.0]
    assert lifetimes["after"].values.tolist() == [0.0]
    assert lifetimes["came_back"].values.tolist() == [1]


def test_no_readings_are_no_lives():
    assert cell_lifetimes([], [], []).sizes["lifetime"] == 0


def test_a_censored_reading_is_wrong_only_where_its_limit_says_so():
    ohm = [2e4, 5e3, 2e4, 5e3, 2e4, 5e3, 1e4, 1e4]
    side = [1, 1, -1, -1, 0, 0, 0, 1]
    assert misread(ohm, side, [0] * 8, reference=1e4).tolist() == [
        *(True, False, False, False),
        *(True, False, False, True),
    ]
    assert misread(ohm, side, [1] * 8, reference=1e4).tolist() == [
        *(False, False, False, True),
        *(False, True, True, False),
    ]


def test_a_window_closes_below_the_ratio_and_needs_both_states():
    ohm = [1e4, 2e5, 1e4, 5e4, 1e4, 1e4, 5e4]
    state = [0, 1, 0, 1, 0, 0, 1]
    group = [0, 0, 1, 1, 2, 3, 3]
    side = [0, 0, 0, 0, 0, 0, 1]
    closed = window_closed(ohm, side, state, group, least_ratio=10)
    # Group 2 has no HRS; the HRS of group 3 is at least its limit and may be anything above.
    assert closed.tolist() == [False, False, True, True, False, False, False]


@pytest.mark.parametrize("ratio", [4.99, 5.01])
def test_the_ratio_is_that_of_the_two_readings(ratio):
    closed = window_closed([1e4, 5e4], [0, 0], [0, 1], [0, 0], least_ratio=ratio)
    assert closed.all() == (ratio > 5)
