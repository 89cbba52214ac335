import math

import numpy as np
import pytest
from scipy import stats

from rramsim.device.fitted import fitted_rate, paired_rate
from rramsim.device.populations import ConditionReadings


@pytest.fixture
def condition_of(state_of):
    def condition(lrs, hrs, *, side=None, cell=None):
        return ConditionReadings(
            "c",
            state_of(lrs, place="c/LRS", cell=cell),
            state_of(hrs, side, place="c/HRS", cell=cell),
        )

    return condition


def normal(cells, seed, mu, sigma):
    return np.random.default_rng(seed).normal(mu, sigma, cells)


def rate_of(condition, **more):
    options = {"reference": math.exp(10.0), "lrs_share": 0.5, "sample": 2048.0}
    return fitted_rate(condition, **(options | more))


@pytest.mark.parametrize(
    ("cells", "censored", "method"),
    [
        (29, 0, "profile likelihood"),
        (30, 0, "delta method on the probit scale"),
        (60, 41, "profile likelihood"),
        (60, 40, "delta method on the probit scale"),
    ],
)
def test_small_samples_get_the_profile_likelihood(condition_of, cells, censored, method):
    lrs, hrs = normal(cells, 1, 9.0, 0.3), np.sort(normal(cells, 2, 11.0, 0.5))
    side = np.zeros(cells, int)
    if censored:
        hrs[-censored:], side[-censored:] = hrs[-censored], 1
    found = rate_of(condition_of(lrs, hrs, side=side))
    assert found.interval == method
    assert found.low < found.ber < found.high


def test_few_cells_read_often_keep_the_interval_over_cells(condition_of):
    cell = np.arange(24) // 2
    found = rate_of(condition_of(normal(24, 1, 9, 0.3), normal(24, 2, 11, 0.5), cell=cell))
    assert found.interval == "delta method on the probit scale, over cells"


def test_a_spread_of_the_reference_raises_the_ber_and_keeps_to_the_delta_method(condition_of):
    condition = condition_of(normal(25, 1, 9, 0.3), normal(25, 2, 11, 0.5))
    sharp, blurred = rate_of(condition), rate_of(condition, reference_spread=0.3)
    assert blurred.ber > 1.5 * sharp.ber
    assert blurred.interval == "delta method on the probit scale"


def test_a_fitted_pair_has_the_closed_form_and_is_marked_beyond_its_pairs(condition_of):
    condition = condition_of(normal(500, 1, 9, 0.3), normal(400, 2, 11, 0.5))
    lrs, hrs = condition.lrs.fit, condition.hrs.fit
    found = paired_rate(condition, offset_spread=0.1)
    z = (hrs.mu - lrs.mu) / math.sqrt(lrs.sigma**2 + hrs.sigma**2 + 0.01)
    assert found.ber == pytest.approx(stats.norm.sf(z), rel=1e-9)
    assert found.low < found.ber < found.high
    assert (found.basis, found.is_extrapolated) == ("fitted", True)
    near = paired_rate(condition_of(normal(500, 1, 9, 0.3), normal(400, 2, 9.5, 0.5)))
    assert not near.is_extrapolated


def test_counted_pairs_are_all_pairs_of_the_readings(condition_of):
    lrs, hrs = normal(60, 1, 9, 0.3), normal(50, 2, 9.6, 0.5)
    hrs[0] = lrs[0]
    found = paired_rate(condition_of(lrs, hrs), is_lognormal=False)
    wrong = np.sum(lrs[:, None] > hrs) + 0.5 * np.sum(lrs[:, None] == hrs)
    assert found.ber == pytest.approx(wrong / 3000)
    assert (found.basis, found.interval) == ("counted", "Clopper-Pearson")
    assert found.low < found.ber < found.high
    none = paired_rate(condition_of(lrs, hrs + 5), is_lognormal=False)
    assert math.isnan(none.ber)
    assert (none.bound, none.high) == ("upper", pytest.approx(-math.log(0.05) / 50))


def test_the_interval_of_counted_pairs_covers_at_least_95_times_in_100(condition_of):
    truth, hits, sets = stats.norm.sf(1.5 / math.hypot(0.5, 0.8)), 0, 300
    for seed in range(sets):
        found = paired_rate(
            condition_of(normal(80, seed, 9, 0.5), normal(80, 1000 + seed, 10.5, 0.8)),
            is_lognormal=False,
        )
        low = 0.0 if math.isnan(found.low) else found.low
        hits += low <= truth <= found.high
    assert hits / sets > 0.95 - 3 * math.sqrt(0.0475 / sets)


def test_censored_readings_are_not_counted_in_pairs(condition_of):
    side = np.r_[1, np.zeros(39, int)]
    found = paired_rate(
        condition_of(normal(40, 1, 9, 0.3), normal(40, 2, 11, 0.5), side=side), is_lognormal=False
    )
    assert all(math.isnan(value) for value in (found.ber, found.low, found.high))


def test_pairs_hundreds_of_sigmas_apart_give_a_bound(condition_of):
    condition = condition_of(normal(50, 1, 5, 0.01), normal(50, 2, 15, 0.01))
    found = paired_rate(condition)
    assert (found.bound, found.high) == ("upper", 1e-300)
    assert math.isnan(found.ber)


def test_no_fit_is_no_fitted_rate(condition_of):
    condition = condition_of(np.full(40, 9.0), normal(40, 2, 11, 0.5))
    assert rate_of(condition) is None
    assert paired_rate(condition).basis == "counted"
