import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rramsim.device.lifetime.cycles.cell_lifetimes import cell_lifetimes, misread, window_closed


def naive_life(cycles, bad, consecutive):
    """Return (after, until, undecided, never good, break-in, soft) of one cell by walking it."""
    run, last_good, was_good, soft, broke_in = 0, 0.0, False, False, False
    for place, (cycle, is_bad) in enumerate(zip(cycles, bad, strict=True)):
        if not is_bad:
            broke_in |= run > 0 and run == place and cycles[0] <= 10
            soft |= run > 0 and not (run == place and cycles[0] <= 10)
            last_good, was_good = float(cycle), True
        run = run + 1 if is_bad else 0
    begin = cycles[-run] if run else math.inf
    over_a_decade = run >= min(2, consecutive) and cycles[-1] >= 10 * begin
    is_sure = run >= consecutive or over_a_decade
    never_good = is_sure and not was_good and cycles[0] <= 10
    until = float(begin) if is_sure and not never_good else math.inf
    return last_good, until, run > 0 and not is_sure, never_good, broke_in, soft


@pytest.mark.slow
@settings(deadline=None)
@given(
    st.lists(st.booleans(), min_size=1, max_size=9),
    st.sampled_from([[10, 20, 30, 40, 50, 60, 70, 80, 90], [25, 50, 75, 100, 200, 250, 900]]),
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
def test_a_life_is_that_of_walking_along_the_cell(pattern, cycles, consecutive, shuffle):
    cycles, pattern = cycles[: len(pattern)], pattern[: len(cycles)]
    rows = [(5, cycle, bad) for cycle, bad in zip(cycles, pattern, strict=True)]
    shuffle.shuffle(rows)
    lifetimes = cell_lifetimes(*np.array(rows).T, consecutive=consecutive)
    names = ("after", "until", "is_undecided", "never_good", "is_break_in", "is_soft")
    found = tuple(lifetimes[name].values.item() for name in names)
    assert found == naive_life(cycles, pattern, consecutive)


def lives(*patterns, cycles=(1, 10, 100, 1000, 10000), **more):
    rows = [
        (cell, cycle, bad == "x")
        for cell, pattern in enumerate(patterns)
        for cycle, bad in zip(cycles, pattern, strict=True)
    ]
    return cell_lifetimes(*np.array(rows).T, **more)


def test_bad_at_the_last_two_of_logarithmic_reads_is_dead():
    lifetimes = lives("...xx", "....x", "..x..", *["...xx"] * 7)
    assert lifetimes["until"].values.tolist() == [1000.0, math.inf, math.inf, *[1000.0] * 7]
    assert lifetimes["after"].values.tolist() == [100.0, 1000.0, 10000.0, *[100.0] * 7]
    assert lifetimes["is_undecided"].values.tolist() == [0, 1, 0, *[0] * 7]
    assert lifetimes["is_soft"].values.tolist() == [0, 0, 1, *[0] * 7]


def test_two_bad_reads_within_a_decade_are_too_few():
    lifetimes = lives("...xx", cycles=(100, 200, 300, 400, 500))
    assert lifetimes["is_undecided"].values.tolist() == [1]
    assert lifetimes["bad_from"].values.tolist() == [400.0]


def test_bad_first_and_good_later_is_break_in_and_only_in_the_first_cycles():
    assert lives("xxx..")["is_break_in"].values.tolist() == [1]
    assert lives("xxx..")["is_soft"].values.tolist() == [0]
    late = lives("xxx..", cycles=(1000, 2000, 3000, 4000, 5000))
    assert (late["is_break_in"].values.item(), late["is_soft"].values.item()) == (0, 1)


def test_never_good_is_yield_where_the_first_cycles_were_read():
    lifetimes = lives("xxxxx", ".....")
    assert lifetimes["never_good"].values.tolist() == [1, 0]
    assert np.isinf(lifetimes["until"].values).all()
    late = lives("xxxxx", ".....", cycles=(1000, 2000, 3000, 4000, 5000))
    assert late["never_good"].values.tolist() == [0, 0]
    assert late["until"].values.tolist() == [1000.0, math.inf]
    assert late["after"].values[0] == 0


def test_soft_errors_so_frequent_that_they_make_rows_by_chance_ask_for_longer_rows():
    # Half of all reads are wrong and right again: three in a row at the end mean nothing.
    noisy = [".x" * 12 + "."] * 20
    lifetimes = lives(*noisy, "." * 22 + "xxx", cycles=range(101, 126))
    assert lifetimes["is_undecided"].values.tolist() == [0] * 20 + [1]
    quiet = lives(*["." * 25] * 20, "." * 22 + "xxx", cycles=range(101, 126))
    assert np.isfinite(quiet["until"].values[-1])


def test_a_cycle_is_bad_where_either_state_is():
    lifetimes = cell_lifetimes(
        [5, 5, 5, 5], [1, 1, 2, 2], [False, True, False, False], consecutive=1
    )
    assert lifetimes["any_bad"].values.tolist() == [1]
    assert lifetimes["is_break_in"].values.tolist() == [1]


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
