import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rramsim.montecarlo.estimate import estimate, paired_change
from rramsim.montecarlo.tally import Tally


def tally_of(*correct: int, images: int = 1000) -> Tally:
    return Tally("task", images, dict(enumerate(correct)))


def test_the_interval_is_student_s_over_chips() -> None:
    correct = [900, 910, 850, 905, 880]
    found = estimate(tally_of(*correct), confidence=0.9)
    shares = np.array(correct) / 1000
    error = float(stats.sem(shares))
    low, high = stats.t.interval(0.9, df=4, loc=shares.mean(), scale=error)
    assert (found.mean.low, found.mean.high) == pytest.approx((low, high), rel=1e-12)
    assert found.mean.estimate == pytest.approx(0.889)
    assert (found.chips, found.images) == (5, 1000)
    assert "90 % Student t interval of the mean over 5 chips (4 degrees of freedom)" in found.method
    assert "alike" not in found.method


def test_the_fifth_percentile_chip_is_interpolated_between_the_lowest() -> None:
    found = estimate(tally_of(900, 800, 850, 870, 880))
    assert found.p05 == pytest.approx(0.800 + 0.05 * 4 * 0.050)
    assert "between the two lowest chips" in found.method
    many = estimate(tally_of(*range(500, 601)))
    assert many.p05 == pytest.approx(0.505)
    assert "two lowest" not in many.method


def test_one_chip_tells_no_interval() -> None:
    found = estimate(tally_of(900))
    assert found.mean.estimate == 0.9
    assert all(math.isnan(each) for each in (found.mean.low, found.mean.high, found.p05))
    assert "One chip only" in found.method


def test_chips_alike_give_no_width_and_the_method_says_what_that_leaves_open() -> None:
    found = estimate(tally_of(*[901] * 20))
    assert found.mean.low == found.mean.estimate == found.mean.high == found.p05 == 0.901
    # The exact bound at 0 of 20: 13.9 %.
    assert "up to 14 % of chips may still score otherwise" in found.method


def test_chips_alike_on_images_of_their_own_bound_nothing() -> None:
    correct, error_free = dict.fromkeys(range(20), 60), dict.fromkeys(range(20), 61)
    found = estimate(Tally("task", 64, correct, error_free=error_free), clean=0.95)
    assert found.mean.low == found.mean.estimate == found.mean.high == 0.95 - 1 / 64
    assert "on all images they may differ" in found.method
    assert "bound" not in found.method


@pytest.mark.parametrize("maps", [1, 7])
def test_where_there_is_no_chance_one_chip_tells_all(maps: int) -> None:
    found = estimate(tally_of(*[901] * maps), deterministic=True)
    assert found.mean.low == found.mean.estimate == found.mean.high == found.p05 == 0.901
    assert found.chips == maps
    assert "Exact" in found.method


def test_an_interval_beyond_what_can_be_is_cut_and_says_so() -> None:
    found = estimate(tally_of(1000, 1000, 980))
    assert found.mean.high == 1.0
    assert found.mean.low > 0.9
    assert "cut to 0 to 1" in found.method
    assert estimate(tally_of(0, 0, 30)).mean.low == 0.0
    assert "cut" not in estimate(tally_of(500, 501, 502)).method


@pytest.mark.slow
@given(st.lists(st.integers(0, 1000), min_size=2, max_size=30))
def test_the_interval_holds_the_mean_and_no_order_matters(correct: list[int]) -> None:
    found = estimate(tally_of(*correct))
    assert 0 <= found.mean.low <= found.mean.estimate <= found.mean.high <= 1
    assert min(correct) / 1000 <= found.p05 <= max(correct) / 1000
    assert estimate(tally_of(*reversed(correct))) == found
    assert (found.mean.low == found.mean.high) == (
        len(set(correct)) == 1 or found.mean.estimate in (0, 1)
    )


@pytest.mark.slow
def test_the_interval_covers_as_it_says() -> None:
    # 2000 studies of 6 chips about a true mean of 0.9; false alarm 1e-4 at this fixed seed.
    rng = np.random.default_rng(11)
    scores = np.rint(rng.normal(9000, 150, size=(2000, 6))).astype(int)
    covered = 0
    for study in scores.tolist():
        found = estimate(tally_of(*study, images=10_000))
        covered += found.mean.low <= 0.9 <= found.mean.high
    assert stats.binomtest(covered, 2000, 0.95).pvalue > 1e-4


def test_a_change_is_that_of_the_same_chips_with_student_s_interval_over_them() -> None:
    several = [tally_of(900, 905, 910), tally_of(800, 800, 806)]
    others = [tally_of(903, 909, 911), tally_of(801, 801, 801)]
    changes = np.array([[-3, -4, -1], [-1, -1, 5]]) / 1000
    found = paired_change(several, others)
    assert found.estimate == pytest.approx(changes.mean())
    error = math.sqrt(sum(changes.var(axis=1, ddof=1) / 3)) / 2
    assert found.high - found.estimate == pytest.approx(stats.t.ppf(0.975, 4) * error)
    # Paired: chips that differ much and change alike say well by how much.
    exact = paired_change([tally_of(100, 500, 900)], [tally_of(101, 501, 901)])
    assert (exact.low, exact.high) == pytest.approx((-0.001, -0.001))
    assert not paired_change([tally_of(900)], [tally_of(903)]).has_ends


def test_what_cannot_be_estimated_is_refused() -> None:
    with pytest.raises(ValueError, match="no chip"):
        estimate(Tally("task", 10, {}))
    with pytest.raises(ValueError, match="confidence"):
        estimate(tally_of(1, 2), confidence=1.0)
    with pytest.raises(ValueError, match="all the same"):
        estimate(tally_of(1, 2), deterministic=True)
