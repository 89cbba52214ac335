import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rramsim.device.bit_errors.error_counts import count_pairs
from rramsim.device.populations.fit import ConditionReadings


@pytest.fixture(scope="session")
def condition_of(state_of):
    def condition(lrs, hrs, lrs_side=None, hrs_side=None):
        return ConditionReadings(
            "c",
            state_of(lrs, lrs_side, place="c/LRS"),
            state_of(hrs, hrs_side, place="c/HRS"),
        )

    return condition


@pytest.mark.parametrize("offset", [0.02, 0.3, 2.0])
def test_an_offset_is_averaged_over_all_pairs(condition_of, offset):
    rng = np.random.default_rng(1)
    lrs, hrs = rng.normal(9, 0.3, 300), rng.normal(10.5, 0.5, 200)
    found = count_pairs(condition_of(lrs, hrs), offset_spread=offset)
    expected = stats.norm.sf((hrs - lrs[:, None]) / offset).sum()
    assert found.errors == pytest.approx(expected, rel=1e-3)
    assert (found.readings, found.undecided) == (60_000, 0)


def test_an_offset_far_below_the_gaps_changes_no_count(condition_of):
    rng = np.random.default_rng(2)
    lrs, hrs = rng.normal(9, 0.5, 60), rng.normal(9.5, 0.5, 50)
    hrs[0] = lrs[0]
    plain = count_pairs(condition_of(lrs, hrs))
    assert plain.errors == np.sum(lrs[:, None] > hrs) + 0.5
    assert count_pairs(condition_of(lrs, hrs), offset_spread=1e-9).errors == pytest.approx(
        plain.errors
    )


def test_a_censored_reading_counts_where_its_limit_decides(condition_of):
    lrs, hrs = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.5, 3.5, 5.0])
    # HRS at least 5 is above all; LRS at least 3 is above 2.5 alone, and open for the rest.
    found = count_pairs(
        condition_of(lrs, hrs, np.array([0, 0, 1, 0]), np.array([0, 0, 1])), offset_spread=0.0
    )
    # 4 > 2.5 and 4 > 3.5, and at least 3 > 2.5; "at least 3" against 3.5 and "at least 5" is open.
    assert found.errors == 3
    assert (found.readings, found.undecided) == (10, 2)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.4]))
def test_pairs_are_those_of_a_search_over_each(condition_of, seed, offset):
    rng = np.random.default_rng(seed)
    lrs, hrs = rng.normal(9, 1, 9), rng.normal(10, 1, 8)
    lrs_side, hrs_side = rng.integers(-1, 2, 9), rng.integers(-1, 2, 8)
    errors, decided = 0.0, 0
    for x, a in zip(lrs, lrs_side, strict=True):
        for y, b in zip(hrs, hrs_side, strict=True):
            low_x, high_x = (-math.inf if a < 0 else x), (math.inf if a > 0 else x)
            low_y, high_y = (-math.inf if b < 0 else y), (math.inf if b > 0 else y)
            if high_x <= low_y or low_x >= high_y:
                decided += 1
                errors += stats.norm.sf((y - x) / offset) if offset else x > y
    found = count_pairs(condition_of(lrs, hrs, lrs_side, hrs_side), offset_spread=offset)
    assert (found.readings, found.undecided) == (decided, 72 - decided)
    # Readings that share a step of the sum may change sides with a pair as close as that step.
    close = np.count_nonzero(abs(hrs - lrs[:, None]) < 0.05 * offset)
    assert found.errors == pytest.approx(errors, rel=0.02, abs=1e-9 + 0.5 * close)
