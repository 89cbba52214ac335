import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rramsim.device.bit_errors.error_counts import Count, count_errors, count_pairs, weighted
from rramsim.device.populations.fit import ConditionReadings
from rramsim.statistics.confidence import clopper_pearson, smallest_countable


def test_only_readings_whose_limit_decides_the_side_are_counted():
    resistance = [1e3, 9e3, 5e3, 5e3, 8e3, 2e3, 8e3]
    censoring = [0, 0, 0, 1, 1, 1, -1]
    # At 5 kOhm: 1k LRS, 9k HRS, 5k LRS, >=5k HRS, >=8k HRS, >=2k open, <=8k open.
    lrs = count_errors(resistance, censoring, reference=5e3, is_hrs=False)
    hrs = count_errors(resistance, censoring, reference=5e3, is_hrs=True)
    assert lrs == Count(errors=3, readings=5, undecided=2)
    assert hrs == Count(errors=2, readings=5, undecided=2)
    below = count_errors([5e3, 4e3], [-1, -1], reference=5e3, is_hrs=True)
    assert below == Count(errors=2, readings=2, undecided=0)


@pytest.mark.parametrize(("errors", "readings"), [(0, 1024), (1, 10), (66, 2048), (7, 7)])
def test_interval_is_scipys_exact_binomial_one(errors, readings):
    exact = stats.binomtest(errors, readings).proportion_ci(0.95, method="exact")
    assert clopper_pearson(errors, readings) == pytest.approx((exact.low, exact.high), rel=1e-9)
    assert Count(errors, readings, 0).interval == clopper_pearson(errors, readings)


def test_without_errors_the_interval_is_the_closed_form_and_the_rule_of_three_holds():
    assert clopper_pearson(0, 2048) == pytest.approx((0.0, 1 - 0.025 ** (1 / 2048)), rel=1e-9)
    assert smallest_countable(2048) == pytest.approx(3 / 2048, rel=2e-3)
    # Fewer than three readings rule out nothing: a rate is at most 1.
    assert smallest_countable(2) == smallest_countable(0.4) == 1.0
    # That BER would show no error in n readings one time in twenty.
    assert (1 - smallest_countable(2048)) ** 2048 == pytest.approx(0.05, rel=3e-3)


@pytest.mark.parametrize("cell", [np.repeat(np.arange(20), 20), np.zeros(400, dtype=int)])
def test_how_far_a_limit_is_from_the_readings_changes_no_interval(cell):
    """A far mark would hide that cells go together, and that readings follow each other."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal(20)[np.arange(400) // 20] + 0.3 * rng.standard_normal(400)
    side = (x > 1.8).astype(int)
    near, far, exact = (
        count_errors(np.exp(values), side * is_cut, reference=0.01, is_hrs=True, cell=cell)
        for values, is_cut in ((np.where(side, 1.8, x), 1), (np.where(side, 16.0, x), 1), (x, 0))
    )
    assert near == far
    assert far.design_effect == pytest.approx(exact.design_effect, rel=0.1)
    assert far.design_effect > 2.0


def test_without_readings_nothing_is_claimed():
    assert all(math.isnan(value) for value in (*clopper_pearson(0, 0), Count(0, 0, 5).rate))
    assert math.isnan(weighted(Count(0, 0, 5), Count(1, 9, 0)).ber.estimate)


@pytest.mark.slow
@given(st.integers(1, 500), st.data())
def test_with_equal_numbers_the_weighted_count_is_the_pooled_one(readings, data):
    errors = [data.draw(st.integers(0, readings)) for _ in range(2)]
    count = weighted(Count(errors[0], readings, 0), Count(errors[1], readings, 0))
    assert count.ber.estimate == pytest.approx(sum(errors) / (2 * readings))
    assert (count.errors, count.sample) == (sum(errors), 2 * readings)
    pooled = clopper_pearson(sum(errors), 2 * readings)
    assert (count.ber.low, count.ber.high) == pytest.approx(pooled, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lrs_share", "lrs_cells", "hrs_cells", "p_lrs", "p_hrs"),
    [(0.5, 2000, 100, 0.002, 0.05), (0.2, 300, 300, 0.05, 0.01), (0.9, 100, 1000, 0.01, 0.1)],
)
def test_the_weighted_interval_covers_at_least_95_times_in_100(
    lrs_share, lrs_cells, hrs_cells, p_lrs, p_hrs
):
    rng, sets = np.random.default_rng(5), 1500
    truth = lrs_share * p_lrs + (1 - lrs_share) * p_hrs
    drawn = zip(
        rng.binomial(lrs_cells, p_lrs, sets), rng.binomial(hrs_cells, p_hrs, sets), strict=True
    )
    counts = [
        weighted(Count(int(a), lrs_cells, 0), Count(int(b), hrs_cells, 0), lrs_share=lrs_share)
        for a, b in drawn
    ]
    covered = np.mean([count.ber.low <= truth <= count.ber.high for count in counts])
    assert covered > 0.95 - 3 * math.sqrt(0.95 * 0.05 / sets)


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


@pytest.mark.slow
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
