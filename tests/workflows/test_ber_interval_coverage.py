"""The coverage study at a small size, and the rramsim functions it stands for."""

import csv
import math

import numpy as np
import pytest
from workflow_scripts import WORKFLOWS, load_script

from rramsim.device.bit_errors.sensing import (
    StatePair,
    best_reference,
    log_bit_error_rate_interval,
    log_bit_error_rate_profile,
)
from rramsim.interval import Interval

FOLDER = WORKFLOWS / "ber-interval-coverage"


@pytest.fixture(scope="module")
def study():
    return load_script("ber-interval-coverage/run.py")


@pytest.fixture(scope="module")
def headline():
    return load_script("ber-interval-coverage/headline.py")


def scenario_of(headline, name):
    return next(scenario for scenario in headline.SCENARIOS if scenario.name == name)


@pytest.mark.slow
def test_the_headline_of_few_cells_is_a_bound_that_holds(headline):
    row = headline.simulate(scenario_of(headline, "plain-5-1e-06"), sets=10)
    assert (row["bounds"], row["counted"], row["covered"]) == (1.0, 1.0, 1.0)


@pytest.mark.slow
def test_the_headline_of_enough_cells_covers_within_binomial_limits(headline):
    sets = 60
    row = headline.simulate(scenario_of(headline, "plain-64-3e-02"), sets=sets)
    assert row["covered"] > 0.95 - 4 * math.sqrt(0.95 * 0.05 / sets)
    assert row["covered"] + row["above"] + row["below"] == pytest.approx(1.0)
    # In 4 samples of 5 the estimate is within a factor of 2 of the truth.
    assert 0.5 < row["median_ratio"] < 2.0


@pytest.mark.slow
def test_what_a_scenario_says_of_its_truth_is_what_its_readings_err(headline):
    """At any reference, here between the medians, counted in many readings."""
    for name in ("plain-1024-3e-02", "stuck-HRS-1024-1e-04", "stuck-LRS-1024-1e-04"):
        scenario, rng = scenario_of(headline, name), np.random.default_rng(1)
        at = 9.7
        drawn = [scenario.draw(rng) for _ in range(300)]
        wrong = np.mean([np.mean(lrs.x > at) + np.mean(hrs.x < at) for lrs, hrs in drawn]) / 2
        truth = scenario.ber(at)
        assert wrong == pytest.approx(truth, abs=5 * math.sqrt(truth / (2 * 1024 * 300)))


def test_a_bound_is_missed_above_only_and_an_interval_on_both_sides(headline):
    bound, interval = Interval(high=0.1, bound="upper"), Interval(0.05, 0.01, 0.1)
    assert [headline.side_of(bound, truth) for truth in (1e-9, 0.05, 0.2)] == [0, 0, 1]
    assert [headline.side_of(interval, truth) for truth in (1e-9, 0.05, 0.2)] == [-1, 0, 1]


def test_the_committed_headlines_hold_the_truth_as_often_as_they_should():
    """Of 1,000 samples a scenario: 4 binomial deviations around 95 %."""
    with (FOLDER / "headline.csv").open(encoding="utf-8") as file:
        rows = {row["scenario"]: row for row in csv.DictReader(file)}
    plain = {name: row for name, row in rows.items() if name.startswith(("plain", "censored"))}
    assert len(plain) >= 20
    for name, row in plain.items():
        covered, above = float(row["covered"]), float(row["above"])
        allowed = 4 * math.sqrt(0.95 * 0.05 / int(row["sets"]))
        assert covered > 0.95 - allowed, name
        assert above < 0.025 + allowed, name
        if int(name.split("-")[1]) < 20:
            assert float(row["counted"]) == 1.0
    others = [row for name, row in rows.items() if name.startswith(("stuck", "mid-tail"))]
    assert others
    assert all(float(row["covered_beside"]) > 0.95 for row in others)


@pytest.mark.slow
@pytest.mark.parametrize("reference", ["best", "fixed"])
@pytest.mark.parametrize("ber", [3e-2, 1e-6])
def test_the_intervals_rramsim_uses_cover_within_binomial_limits(study, ber, reference):
    sets = 2000
    found = study.coverage(
        study.Truth(ber, 8.0), 1024, reference, sets=sets, bootstrap_sets=100, draws=100
    )
    allowed = 4 * math.sqrt(0.95 * 0.05 / sets)
    method = "populations left open" if reference == "best" else "delta, probit scale"
    assert found[method] == pytest.approx(0.95, abs=allowed)
    assert found[f"{method}, above"] == pytest.approx(0.025, abs=4 * math.sqrt(0.025 / sets))
    assert found["bootstrap, probit scale"] == pytest.approx(0.95, abs=0.09)


def test_the_exact_interval_of_one_tail_covers_as_it_must(study):
    found = study.one_tail(study.Truth(1e-4, 1.0), 12, sets=1000)
    allowed = 4 * math.sqrt(0.95 * 0.05 / 1000)
    assert found["noncentral t (exact)"] == pytest.approx(0.95, abs=allowed)


def test_fewest_errors_flatter_and_the_fitted_reference_does_not(study):
    found = study.optimism(study.Truth(1e-3, 3.0), 1024, sets=200)
    assert found["fewest counted / true there"] < 0.8
    # The counted BER of 200 samples of 2,048 readings at 1e-3 is known to 5 %.
    assert found["counted at the fitted reference / true there"] == pytest.approx(1, abs=0.2)
    assert found["fitted at its best reference / true there"] == pytest.approx(1, abs=0.1)


def test_fewest_errors_are_those_of_a_search_over_every_reference(study):
    rng = np.random.default_rng(3)
    lrs, hrs = rng.normal(0, 1, (20, 15)), rng.normal(1, 2, (20, 15))
    ber, reference = study.fewest_errors(lrs, hrs)
    for low, high, found, at in zip(lrs, hrs, ber, reference, strict=True):
        tried = np.concatenate([low, high, [-100]])
        counted = [(np.sum(low > r) + np.sum(high <= r)) / 30 for r in tried]
        assert found == pytest.approx(min(counted))
        assert (np.sum(low > at) + np.sum(high <= at)) / 30 == pytest.approx(found)


@pytest.mark.slow
def test_the_study_s_formulas_are_those_of_the_package(study):
    """One small sample: the same reference, standard error and profile ends."""
    rng = np.random.default_rng(5)
    cells = 12
    lrs, hrs = rng.normal(9.0, 0.2, cells), rng.normal(10.5, 0.5, cells)
    states = StatePair(lrs.mean(), lrs.std(), hrs.mean(), hrs.std())
    sample = study.Sample(
        *(np.array([x.mean()]) for x in (lrs, hrs)),
        *(np.array([x.std()]) for x in (lrs, hrs)),
        cells=cells,
    )
    at = study.reference_of(sample, study.Truth(1e-3, 3.0), "best")
    assert at[0] == pytest.approx(best_reference(states)[0], abs=1e-9)
    exact = np.zeros(cells, dtype=int)
    low, high = log_bit_error_rate_profile(at[0], lrs=(lrs, exact), hrs=(hrs, exact))
    for end in (low, high):
        drop = study.profile_drop(sample, at, math.exp(end))[0]
        assert drop == pytest.approx(study.END**2 / 2, rel=1e-3)
    covariances = [
        np.linalg.inv(cells * np.array([[1, -x.mean()], [-x.mean(), 2 * x.var() + x.mean() ** 2]]))
        for x in (lrs, hrs)
    ]
    low, high = log_bit_error_rate_interval(
        at[0], states, covariance_lrs=covariances[0], covariance_hrs=covariances[1]
    )
    y, error = study.probit_distance(sample, at)[0], study.delta_error(sample, at)[0][0]
    ends = [study.log_ndtr(-(y + study.END * error)), study.log_ndtr(-(y - study.END * error))]
    assert [low, high] == pytest.approx(ends, rel=1e-9)


def test_the_committed_tables_hold_what_the_readme_says(study):
    with (FOLDER / "coverage.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(study.CELLS) * len(study.BERS) * len(study.RATIOS) * 2
    for reference, method in (("best", "populations left open"), ("fixed", "delta, probit scale")):
        found = [float(row[method]) for row in rows if row["reference"] == reference]
        assert 0.93 < min(found) < max(found) < 0.97
    delta = [row["delta, probit scale, above"] for row in rows if row["reference"] == "best"]
    assert max(map(float, delta)) > 0.06
