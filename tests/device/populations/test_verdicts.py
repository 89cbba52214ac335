import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rramsim.device.populations.cycles_of_cells import (
    first_cycle,
    first_cycle_notes,
    readings_to_test,
)
from rramsim.device.populations.verdicts import (
    LEVEL,
    find_outliers,
    outlier_notes,
    tail_model_notes,
    verdict_on,
    with_outliers,
)
from rramsim.statistics import straightness
from rramsim.statistics.lognormal import fit_lognormal
from rramsim.statistics.tails import count_tail, fit_body


def normal(cells, seed, *, mu=12.0, sigma=0.6):
    return np.random.default_rng(seed).normal(mu, sigma, cells)


def test_lognormal_cells_hold_to_the_last_cell(state_of):
    found = verdict_on(state_of(normal(1024, 1)))
    assert found.kind == "holds"
    # Phi^-1(1 - 1/1024) = 3.1.
    assert "holds to z = 3.1 (1 - PPCC = " in found.sentence
    assert found.p_value > LEVEL
    assert found.tail is not None
    assert found.tail.expected == pytest.approx(1024 * 0.0013499, rel=1e-4)


@pytest.mark.parametrize("draw", ["normal", "student"])
def test_the_p_value_is_that_of_scipys_correlation_test(state_of, draw):
    rng = np.random.default_rng(7)
    x = rng.normal(12, 0.6, 60) if draw == "normal" else 12 + 0.5 * rng.standard_t(4, 60)
    ours = verdict_on(state_of(x)).p_value
    scipys = stats.goodness_of_fit(
        stats.norm, x, statistic="filliben", n_mc_samples=999, rng=np.random.default_rng(8)
    ).pvalue
    # Both are simulated (standard deviation up to 0.016 each) and use other plot positions.
    assert ours == pytest.approx(scipys, abs=0.08)


def test_the_statistic_is_the_correlation_of_the_normal_quantile_plot(state_of):
    x = normal(200, 3)
    quantiles = stats.norm.ppf((np.arange(1, 201) - 0.5) / 200)
    expected = 1 - np.corrcoef(np.sort(x), quantiles)[0, 1]
    assert verdict_on(state_of(x)).deficit == pytest.approx(expected, rel=1e-9)


def test_anderson_darling_is_scipys_with_its_factor_and_left_out_when_censored(state_of):
    x = normal(150, 4)
    square = stats.goodness_of_fit(
        stats.norm, x, statistic="ad", n_mc_samples=9, rng=np.random.default_rng(1)
    ).statistic
    found = verdict_on(state_of(x))
    assert found.anderson_darling == pytest.approx(square * (1 + 0.75 / 150 + 2.25 / 150**2))
    censored = verdict_on(state_of(np.minimum(x, 12.3), (x > 12.3).astype(int)))
    assert math.isnan(censored.anderson_darling)
    assert censored.p_value > LEVEL


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "sets"), [(math.inf, 600), (12.3, 120)])
def test_lognormal_samples_are_rejected_as_often_as_the_level_says(state_of, limit, sets):
    """Samples of 64 cells at a level of 5 %, and of 1 % for the tail."""
    rejected, tails = 0, 0
    for seed in range(sets):
        x = normal(64, seed)
        found = verdict_on(state_of(np.minimum(x, limit), (x > limit).astype(int)))
        rejected += found.p_value < 0.05
        tails += found.kind == "tail"
    # Four binomial standard deviations.
    assert rejected / sets == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / sets))
    assert tails / sets < 0.01 + 4 * math.sqrt(0.01 / sets)


@pytest.mark.parametrize("share", [0.01, 0.03, 0.1])
def test_a_second_population_in_the_tail_that_errs_is_found_with_its_share(state_of, share):
    x, stuck = normal(1024, 5), int(1024 * share)
    x[:stuck] = normal(stuck, 6, mu=9.0, sigma=0.2)
    found = verdict_on(state_of(x))
    assert found.kind == "tail"
    assert found.tail.share == pytest.approx(share, abs=0.004)
    assert "% of HRS cells belong to another population" in found.sentence
    assert f"{found.tail.beyond} found" in found.sentence
    # The same cells are no tail of LRS, which errs upwards.
    assert count_tail(x, np.zeros(1024, int), found.body, is_lower=False).beyond < 8


def test_the_body_is_that_of_the_clean_cells(state_of):
    x = normal(4096, 8)
    x[:80] = 9.0
    state = state_of(x)
    body = fit_body(state.resistance, state.censoring, state.fit)
    clean = fit_lognormal(np.exp(x[80:]))
    assert state.fit.sigma > 1.1 * clean.sigma
    assert body.mu == pytest.approx(clean.mu, abs=0.03)
    assert body.sigma == pytest.approx(clean.sigma, rel=0.05)


def test_a_uniform_population_does_not_hold(state_of):
    found = verdict_on(state_of(np.random.default_rng(9).uniform(11, 13, 500)))
    assert found.kind == "does not hold"
    assert found.p_value == pytest.approx(1 / 1000)
    assert "p = 0.001" in found.sentence


# Marks of bad cells by the readings x: the limit, and on which side of it the cell is.
MARKS = {
    "far above": lambda x: (x.max() + 7.0, 1),
    "above the largest": lambda x: (x.max(), 1),
    "above the median": lambda x: (np.median(x), 1),
    "above next to nothing": lambda x: (x.min() - 5.0, 1),
    "far below": lambda x: (x.min() - 7.0, -1),
    "below the smallest": lambda x: (x.min(), -1),
    "below the median": lambda x: (np.median(x), -1),
    "below nearly all": lambda x: (x.max() + 5.0, -1),
    "read far above": lambda x: (x.max() + 6.0, 0),
    "read far below": lambda x: (x.min() - 6.0, 0),
}


@pytest.mark.slow
@pytest.mark.parametrize(("far", "place"), [("far above", "c/HRS"), ("far below", "c/LRS")])
def test_no_further_bad_cells_make_a_lognormal_hold_that_a_far_mark_rejects(state_of, far, place):
    x = normal(60, 11)
    assert verdict_on(state_of(x, place=place)).kind == "holds"
    for others in [[], *([kind] for kind in MARKS), [*MARKS]]:
        values, sides = zip(*(MARKS[kind](x) for kind in [far, *others]), strict=True)
        y = np.append(x[len(values) :], values)
        side = np.append(np.zeros(60 - len(values), dtype=int), sides)
        found = verdict_on(state_of(y, side, place=place))
        assert found.kind in ("does not hold", "tail"), others
        if not others:
            assert found.kind == "does not hold"


@pytest.mark.slow
def test_of_very_many_readings_the_size_of_the_deviation_decides(state_of):
    z = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    good = verdict_on(state_of(12 + 0.6 * z))
    assert (good.kind, math.isnan(good.p_value)) == ("holds", True)
    assert good.largest_deviation < 0.01
    bent = verdict_on(state_of(12 + 0.6 * (z + 0.03 * z**2)))
    assert bent.kind == "does not hold"
    assert bent.largest_deviation > 0.1
    assert "sigma off the line" in bent.sentence


def test_few_digits_are_told_instead_of_tested(state_of):
    found = verdict_on(state_of(np.round(normal(1024, 10), 1)))
    assert found.kind == "not tested"
    assert "different values among 1,024: too few digits" in found.sentence


def test_few_cells_and_no_fit_are_not_tested(state_of):
    assert "19 exact values are too few" in verdict_on(state_of(normal(19, 1))).sentence
    stuck = verdict_on(state_of(np.full(50, 12.0)))
    assert (stuck.kind, stuck.tail) == ("not tested", None)


@pytest.mark.slow
def test_many_limits_are_kept_in_the_simulated_samples(state_of):
    x = normal(200, 11)
    limits = np.where(np.arange(200) % 2, 12.2, 12.9)
    found = verdict_on(state_of(np.minimum(x, limits), (x > limits).astype(int)))
    assert found.kind == "holds"
    assert LEVEL < found.p_value <= 1


@pytest.mark.parametrize(("is_lower", "found", "readings"), [(True, 3, 6), (False, 1, 5)])
def test_only_readings_whose_limit_decides_are_in_the_tail(is_lower, found, readings):
    body = fit_lognormal(np.exp(np.random.default_rng(1).normal(0, 1, 500)))
    low, high = body.mu - 3.5 * body.sigma, body.mu + 3.5 * body.sigma
    x = np.array([low, low, low, low, 0.0, 0.0, high])
    side = np.array([0, -1, -1, 1, 0, 1, 0])
    tail = count_tail(x, side, body, is_lower=is_lower)
    # Open: below, "at least" a number beyond; above, "at least" a number that is not.
    assert (tail.beyond, tail.readings) == (found, readings)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(st.floats(-5, 5), st.floats(0.05, 20), st.integers(0, 1000))
def test_units_and_spread_change_no_verdict(state_of, shift, scale, seed):
    z = np.random.default_rng(seed).standard_t(5, 60)
    one = verdict_on(state_of(z))
    other = verdict_on(state_of(shift + scale * z))
    assert other.deficit == pytest.approx(one.deficit, rel=1e-6, abs=1e-9)
    assert (other.kind, other.tail.beyond) == (one.kind, one.tail.beyond)


@pytest.fixture
def few_samples(monkeypatch):
    """Simulate 199 samples a test: a p-value of 0.005 at least."""
    monkeypatch.setattr(straightness, "REPLICATES", 199)


def cells_of(cells, cycles, *, between=0.5, following=0.0, seed=1, mu=12.0, sigma=0.6):
    """Return ln R of shape (cells, cycles): a share of the variance is between cells."""
    rng = np.random.default_rng(seed)
    of_read = rng.standard_normal((cells, cycles))
    for cycle in range(1, cycles):
        of_read[:, cycle] *= math.sqrt(1 - following**2)
        of_read[:, cycle] += following * of_read[:, cycle - 1]
    of_cell = rng.standard_normal((cells, 1))
    return mu + sigma * (math.sqrt(between) * of_cell + math.sqrt(1 - between) * of_read)


@pytest.fixture
def read_often(state_of):
    """Return a maker of a state from ln R of shape (cells, cycles), cycles from 1 on."""

    def build(x, side=None):
        cell, cycle = np.indices(x.shape)
        side = None if side is None else side.ravel()
        return state_of(x.ravel(), side, cell=cell.ravel(), cycle=cycle.ravel() + 1)

    return build


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cells", "cycles", "between", "following"),
    [(20, 50, 0.5, 0.0), (64, 20, 0.5, 0.0), (10, 30, 0.0, 0.8), (1, 600, 0.0, 0.6)],
)
@pytest.mark.usefixtures("few_samples")
def test_cells_read_often_are_rejected_as_often_as_the_level_says(
    read_often, cells, cycles, between, following
):
    """The cells, and cycles that do not follow each other, are the sample, not the readings."""
    sets, p_values, kinds, apart = 60, [], [], 0
    for seed in range(sets):
        x = cells_of(cells, cycles, between=between, following=following, seed=seed)
        found = verdict_on(read_often(x))
        p_values.append(found.p_value)
        kinds.append(found.kind)
        apart += found.tested.apart is not None
    # Four binomial standard deviations.
    assert np.mean(np.array(p_values) < 0.05) < 0.05 + 4 * math.sqrt(0.05 * 0.95 / sets)
    assert max(kinds.count("tail"), apart) / sets < 0.01 + 4 * math.sqrt(0.01 / sets)
    assert f"{cells * cycles:,} readings of {'one cell' if cells == 1 else f'{cells} cells'}" in (
        found.sentence
    )


@pytest.mark.slow
@pytest.mark.usefixtures("few_samples")
def test_readings_cut_at_a_limit_go_together_as_much_as_those_not_cut(read_often):
    sets, rejected = 20, 0
    for seed in range(sets):
        x = cells_of(20, 20, seed=seed)
        found = verdict_on(read_often(np.minimum(x, 12.2), (x > 12.2).astype(int)))
        rejected += found.p_value < 0.05
    assert rejected / sets < 0.05 + 4 * math.sqrt(0.05 * 0.95 / sets)


@pytest.mark.slow
@pytest.mark.parametrize("cells", [20, 1])
def test_a_bend_in_all_but_the_first_cycle_is_seen(read_often, cells):
    x = cells_of(cells, 1000 // cells, seed=3)
    bent = np.where(np.random.default_rng(4).random(x.shape) < 0.15, x + 2.0, x)
    bent[:, 0] = x[:, 0]
    found = verdict_on(read_often(bent))
    assert (found.kind, found.tested.apart) == ("does not hold", None)
    assert verdict_on(read_often(x)).kind == "holds"


def test_a_first_cycle_that_is_another_population_is_told_and_not_tested(read_often):
    x = cells_of(64, 12, seed=5)
    x[:, 0] += 1.5
    state = read_often(x)
    found = verdict_on(state)
    assert found.kind == "holds"
    assert "704 readings of 64 cells after cycle 1: " in found.sentence
    (note,) = first_cycle_notes(state, found.tested)
    assert note.values["first_median"] == pytest.approx(float(np.median(np.exp(x[:, 0]))))
    assert "cycle 1, the first one read, is another population" in str(note)


def test_a_drift_sets_no_cycle_apart_and_two_cycles_are_compared_cell_by_cell(read_often):
    drift = cells_of(64, 12, seed=6, between=0.95) + 0.1 * np.arange(12)
    assert not first_cycle(read_often(drift)).is_apart
    pair = cells_of(64, 2, seed=7, between=0.95)
    assert not first_cycle(read_often(pair)).is_apart
    pair[:, 0] -= 0.3
    assert first_cycle(read_often(pair)).is_apart


def test_few_cells_are_not_tested_however_often_each_is_read(read_often):
    found = verdict_on(read_often(cells_of(4, 100, seed=8)))
    assert found.kind == "not tested"
    assert "4 cells are too few to test the lognormal, however often each is read" in found.sentence


def test_of_very_many_readings_as_many_cycles_of_each_cell_are_tested(read_often):
    state = read_often(cells_of(50, 400, seed=9))
    tested = readings_to_test(state)
    assert np.bincount(tested.cluster).tolist() == [4096 // 50] * 50
    assert np.all(np.diff(state.cycle[tested.place][tested.cluster == 7]) < 7)
    assert np.array_equal(state.cell[tested.place], tested.cluster)


def test_rounded_readings_of_cells_are_tested_as_the_readings_are(read_often):
    x = cells_of(40, 25, seed=10)
    rounded = np.log(np.round(np.exp(x), -4))
    exact, coarse = verdict_on(read_often(x)), verdict_on(read_often(rounded))
    assert np.unique(rounded).size < 100
    assert (exact.kind, coarse.kind) == ("holds", "holds")
    assert coarse.deficit == pytest.approx(exact.deficit, rel=0.3)


@pytest.mark.slow
def test_a_tail_of_cells_read_often_is_one_of_readings_and_needs_more_of_them(state_of):
    rng = np.random.default_rng(2)
    x = rng.normal(12, 0.6, (200, 1)) + rng.normal(0, 0.1, (200, 10))
    x[:10] -= 4.0
    cell = np.repeat(np.arange(200), 10)
    found = verdict_on(state_of(x.ravel(), cell=cell))
    assert found.kind == "tail"
    assert "4.9 % of HRS readings belong to another population" in found.sentence.replace(
        "\xa0", " "
    )
    alone = count_tail(x.ravel(), np.zeros(2000, int), found.body, is_lower=True)
    assert (found.tail.beyond, found.tail.readings) == (alone.beyond, alone.readings)
    assert (found.tail.beyond, found.tail.cells) == (100, 10)
    assert "100 found beyond 3 sigma of the body in 10 of 200 cells" in found.sentence
    assert alone.p_value < found.tail.p_value < LEVEL


@pytest.mark.slow
@pytest.mark.parametrize(("reads", "unit"), [(1, "cells"), (4, "readings")])
def test_a_model_of_the_tail_is_told_of_what_was_counted(state_of, reads, unit):
    """A share of readings is one of cells only where each cell is read once."""
    rng = np.random.default_rng(3)
    x = rng.normal(12, 0.6, (400, 1)) + rng.normal(0, 0.1, (400, reads))
    x[:40] -= 4.0
    hrs = state_of(x.ravel(), cell=np.repeat(np.arange(400), reads))
    lrs = state_of(rng.normal(8, 0.3, 400), place="c/LRS")
    verdict = verdict_on(hrs)
    other = verdict_on(lrs)
    whole = with_outliers(hrs, verdict, other=other, reference=np.exp(9.5))
    (note,) = tail_model_notes(hrs, whole)
    assert f"of the {unit} in the second) the share of {unit} misread" in str(note)
    assert f"% of HRS {unit} belong to another population" in verdict.sentence


def narrow(cells, seed, *, mu=12.0, sigma=0.5):
    return np.random.default_rng(seed).normal(mu, sigma, cells)


@pytest.fixture(scope="module")
def lrs(state_of):
    return state_of(narrow(512, 1, mu=9.0, sigma=0.2), place="c/LRS")


def body_of(state):
    return fit_body(state.resistance, state.censoring, state.fit)


def found_in(state, other):
    return find_outliers(state, body=body_of(state), other_body=body_of(other))


def test_cells_that_read_like_the_other_state_are_stuck_and_counted(state_of, lrs):
    x = narrow(512, 2)
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
    x = narrow(512, 1, mu=9.0, sigma=0.2)
    x[5], x[6] = 12.0, 7.0
    found = found_in(state_of(x, place="c/LRS"), state_of(narrow(512, 2)))
    assert found.kind == ("stuck", "outlying")
    assert found.z[0] > 10 > -5 > found.z[1]


def test_a_wide_state_does_not_claim_the_tail_of_a_narrow_one(state_of):
    x = narrow(512, 1, mu=9.0, sigma=0.1)
    x[:10] = 9.6
    low, wide = state_of(x, place="c/LRS"), state_of(narrow(512, 2, mu=12.0, sigma=1.3))
    assert 12.0 - 3 * 1.3 < 9.0
    assert set(found_in(low, wide).kind) == {"outlying"}


def test_a_cell_stuck_in_some_of_its_readings_only_is_not_counted_as_stuck(state_of, lrs):
    x = narrow(600, 3)
    cell = np.arange(600) // 3
    x[0:3], x[30] = 9.0, 9.0
    found = found_in(state_of(x, cell=cell), lrs)
    assert found.cell.tolist() == [0, 0, 0, 10]
    assert (found.stuck_cells, found.cells) == (1, 200)


def test_a_limit_that_leaves_the_side_open_makes_no_outlier(state_of, lrs):
    x, side = narrow(200, 4), np.zeros(200, int)
    x[0], side[0] = 9.0, 1  # at least a low number
    x[1], side[1] = 9.0, -1  # at most a low number
    found = found_in(state_of(x, side), lrs)
    assert found.position.tolist() == [1]


def test_where_the_tail_is_another_population_three_sigmas_make_a_cell_stuck(state_of, lrs):
    x = narrow(512, 2, sigma=0.8)
    x[:20] = 9.2
    hrs = state_of(x)
    body, other = body_of(hrs), body_of(lrs)
    assert -4.2 < (9.2 - body.mu) / body.sigma < -3
    single = find_outliers(hrs, body=body, other_body=other)
    group = find_outliers(hrs, body=body, other_body=other, has_tail=True)
    assert (single.stuck_cells, group.stuck_cells) == (0, 20)
    assert set(group.kind) == {"stuck"}


@pytest.mark.slow
def test_clean_populations_have_an_outlier_in_one_sample_of_a_hundred(state_of, lrs):
    seen = sum(bool(found_in(state_of(narrow(256, seed)), lrs).kind) for seed in range(200))
    # 2 expected, and a few more for the estimated body.
    assert seen < 10


def test_without_a_body_nothing_is_called_an_outlier(state_of):
    found = find_outliers(state_of(np.full(20, 9.0)), body=None, other_body=None)
    assert (found.kind, found.stuck_cells) == ((), 0)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 40), st.integers(0, 1000))
def test_every_planted_cell_is_found_whatever_its_place(state_of, lrs, planted, seed):
    x = narrow(512, seed)
    chosen = np.random.default_rng(seed).permutation(512)[:planted]
    x[chosen] = 9.0
    found = found_in(state_of(x), lrs)
    stuck = [p for p, kind in zip(found.position, found.kind, strict=True) if kind == "stuck"]
    assert set(stuck) == set(chosen)
    assert found.stuck_cells == planted
