import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rramsim.device.bit_errors.error_counts import Count, count_errors, weighted
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
    # That BER would show no error in n readings one time in twenty.
    assert (1 - smallest_countable(2048)) ** 2048 == pytest.approx(0.05, rel=3e-3)


def test_without_readings_nothing_is_claimed():
    assert all(math.isnan(value) for value in (*clopper_pearson(0, 0), Count(0, 0, 5).rate))
    assert math.isnan(weighted(Count(0, 0, 5), Count(1, 9, 0)).ber)


@given(st.integers(1, 500), st.data())
def test_with_equal_numbers_the_weighted_count_is_the_pooled_one(readings, data):
    errors = [data.draw(st.integers(0, readings)) for _ in range(2)]
    count = weighted(Count(errors[0], readings, 0), Count(errors[1], readings, 0))
    assert count.ber == pytest.approx(sum(errors) / (2 * readings))
    assert (count.errors, count.sample) == (sum(errors), 2 * readings)
    pooled = clopper_pearson(sum(errors), 2 * readings)
    assert (count.low, count.high) == pytest.approx(pooled, abs=1e-9)


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
    covered = np.mean([count.low <= truth <= count.high for count in counts])
    assert covered > 0.95 - 3 * math.sqrt(0.95 * 0.05 / sets)
