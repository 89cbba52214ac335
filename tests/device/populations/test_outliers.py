import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rramsim.device.populations.outliers import find_outliers, outlier_notes
from rramsim.statistics.tails import fit_body


def normal(cells, seed, *, mu=12.0, sigma=0.5):
    return np.random.default_rng(seed).normal(mu, sigma, cells)


@pytest.fixture(scope="module")
def lrs(state_of):
    return state_of(normal(512, 1, mu=9.0, sigma=0.2), place="c/LRS")


def body_of(state):
    return fit_body(state.resistance, state.censoring, state.fit)


def found_in(state, other):
    return find_outliers(state, body=body_of(state), other_body=body_of(other))


def test_cells_that_read_like_the_other_state_are_stuck_and_counted(state_of, lrs):
    x = normal(512, 2)
    x[[3, 100, 400]] = [9.0, 9.3, 8.5]
    x[7] = 20.0
    hrs = state_of(x, cell=np.arange(512))
    found = found_in(hrs, lrs)
    assert dict(zip(found.cell.tolist(), found.kind, strict=True)) == {
        3: "stuck",
        7: "outlying",
        100: "stuck",
        400: "stuck",
    }
    assert found.position.tolist() == [3, 7, 100, 400]
    assert found.resistance[0] == pytest.approx(np.exp(9.0))
    assert (found.stuck_cells, found.outlying_cells, found.cells) == (3, 1, 512)
    interval = stats.binomtest(3, 512).proportion_ci(0.95, method="exact")
    assert found.stuck_interval == pytest.approx((interval.low, interval.high), rel=1e-9)
    stuck, outlying = map(str, outlier_notes(hrs, found))
    assert "c/HRS: 3 of 512 HRS readings read like LRS" in stuck
    assert "(cells 3, 100, 400)" in stuck
    assert "They stay in the fit and the count" in stuck
    assert "1 of 512 HRS readings read like neither state" in outlying
    assert "(cell 7)" in outlying


def test_lrs_cells_that_read_like_hrs_are_stuck_upwards(state_of, lrs):
    x = normal(512, 1, mu=9.0, sigma=0.2)
    x[5], x[6] = 12.0, 7.0
    found = found_in(state_of(x, place="c/LRS"), state_of(normal(512, 2)))
    assert found.kind == ("stuck", "outlying")
    assert found.z[0] > 10 > -5 > found.z[1]


def test_a_wide_state_does_not_claim_the_tail_of_a_narrow_one(state_of):
    x = normal(512, 1, mu=9.0, sigma=0.1)
    x[:10] = 9.6
    low, wide = state_of(x, place="c/LRS"), state_of(normal(512, 2, mu=12.0, sigma=1.3))
    assert 12.0 - 3 * 1.3 < 9.0
    assert set(found_in(low, wide).kind) == {"outlying"}


def test_a_cell_stuck_in_some_of_its_readings_only_is_not_counted_as_stuck(state_of, lrs):
    x = normal(600, 3)
    cell = np.arange(600) // 3
    x[0:3], x[30] = 9.0, 9.0
    found = found_in(state_of(x, cell=cell), lrs)
    assert found.cell.tolist() == [0, 0, 0, 10]
    assert (found.stuck_cells, found.cells) == (1, 200)


def test_a_limit_that_leaves_the_side_open_makes_no_outlier(state_of, lrs):
    x, side = normal(200, 4), np.zeros(200, int)
    x[0], side[0] = 9.0, 1  # at least a low number
    x[1], side[1] = 9.0, -1  # at most a low number
    found = found_in(state_of(x, side), lrs)
    assert found.position.tolist() == [1]


def test_where_the_tail_is_another_population_three_sigmas_make_a_cell_stuck(state_of, lrs):
    x = normal(512, 2, sigma=0.8)
    x[:20] = 9.2
    hrs = state_of(x)
    body, other = body_of(hrs), body_of(lrs)
    assert -4.2 < (9.2 - body.mu) / body.sigma < -3
    single = find_outliers(hrs, body=body, other_body=other)
    group = find_outliers(hrs, body=body, other_body=other, has_tail=True)
    assert (single.stuck_cells, group.stuck_cells) == (0, 20)
    assert set(group.kind) == {"stuck"}


def test_clean_populations_have_an_outlier_in_one_sample_of_a_hundred(state_of, lrs):
    seen = sum(bool(found_in(state_of(normal(256, seed)), lrs).kind) for seed in range(200))
    # 2 expected, and a few more for the estimated body.
    assert seen < 10


def test_without_a_body_nothing_is_called_an_outlier(state_of):
    found = find_outliers(state_of(np.full(20, 9.0)), body=None, other_body=None)
    assert (found.kind, found.stuck_cells) == ((), 0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 40), st.integers(0, 1000))
def test_every_planted_cell_is_found_whatever_its_place(state_of, lrs, planted, seed):
    x = normal(512, seed)
    chosen = np.random.default_rng(seed).permutation(512)[:planted]
    x[chosen] = 9.0
    found = found_in(state_of(x), lrs)
    stuck = [p for p, kind in zip(found.position, found.kind, strict=True) if kind == "stuck"]
    assert set(stuck) == set(chosen)
    assert found.stuck_cells == planted
