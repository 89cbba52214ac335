"""The loss of accuracy: closed forms, and the coverage of its interval by simulation."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from workflow_scripts import load_script

from rramsim.decision.accuracy_loss import Loss, PairedAnswers, loss_of, rejected_in_sequences


def answers(error_free, right):
    """Return the paired answers of a table (chips, images) of right answers."""
    right = np.asarray(right)
    return PairedAnswers(np.asarray(error_free, bool), right.sum(axis=0), right.sum(axis=1))


def drawn(rng, shape):
    return answers(rng.random(shape[1]) < 0.9, rng.random(shape) < 0.8)


@given(st.integers(0, 2**32), st.integers(2, 6), st.integers(2, 30))
def test_the_variances_of_one_training_are_those_of_the_two_way_layout(seed, chips, images):
    right = np.random.default_rng(seed).random((chips, images)) < 0.7
    one = answers(np.ones(images), right)
    rest = right - right.mean(axis=0) - right.mean(axis=1, keepdims=True) + right.mean()
    assert one.residual_variance == pytest.approx(
        np.sum(rest**2) / ((chips - 1) * (images - 1)), abs=1e-12
    )
    assert one.chip_variance == pytest.approx(np.var(right.mean(axis=1), ddof=1), abs=1e-15)
    loss = loss_of([one])
    assert loss.estimate == pytest.approx(np.mean(1 - right), abs=1e-15)
    # What single answers add to the variance of the means of images is in that of chips.
    own = np.var(one.losses, ddof=1) / images - one.residual_variance / (chips * images)
    assert loss.images == pytest.approx(max(own, 0.0), abs=1e-15)


def test_images_that_both_get_right_or_both_wrong_cancel():
    error_free = np.arange(50) < 40
    loss = loss_of([answers(error_free, [error_free] * 3)] * 4)
    assert loss.estimate == 0
    assert loss.half_width == pytest.approx(0, abs=1e-15)


def test_where_only_trainings_vary_the_interval_is_students():
    for trainings in (2, 5, 10):
        loss = Loss(0.01, trainings, between=9e-6, within=0.0, factor=1 / trainings)
        student = stats.t.ppf(0.975, trainings - 1) * math.sqrt(9e-6 / trainings)
        assert loss.half_width == pytest.approx(student, rel=5e-4)
        assert loss.p_value(0.012) == pytest.approx(
            stats.t.sf(0.002 / math.sqrt(9e-6 / trainings), trainings - 1), abs=2e-4
        )


def test_an_interval_ends_where_no_network_can_lose_more():
    wide = Loss(0.6, 1, 0.0, 0.0, 1.0, cells=0.5**2, cells_below=1.0)
    assert (wide.low, wide.high) == (-1.0, 1.0)
    assert wide.half_width == pytest.approx(1.959964 * 0.5)
    assert math.isnan(Loss.of({"loss": math.nan}, "loss").high)


def test_the_interval_of_one_training_is_normal_and_leaves_trainings_out():
    loss = Loss(0.01, 1, between=0.0, within=5e-6, factor=1.0, images=3e-6, chips=1e-6, cells=1e-6)
    assert loss.half_width == pytest.approx(1.959964 * math.sqrt(5e-6), rel=1e-6)
    parts = loss.parts()
    assert math.isnan(parts["trainings"])
    assert parts["images"] == pytest.approx(1.959964 * math.sqrt(3e-6), rel=1e-6)


def test_folds_take_the_factor_of_nadeau_and_bengio():
    trainings = [drawn(np.random.default_rng(seed), (4, 60)) for seed in range(5)]
    assert loss_of(trainings).factor == pytest.approx(1 / 5)
    assert loss_of(trainings, folds=True).factor == pytest.approx(1 / 5 + 1 / 4)


def test_squares_of_the_parts_add_up_to_that_of_the_half_width():
    trainings = [drawn(np.random.default_rng(seed), (4, 60)) for seed in range(5)]
    for folds in (False, True):
        loss = loss_of(trainings, folds=folds, cells=2e-5)
        assert sum(half**2 for half in loss.parts().values()) == pytest.approx(loss.half_width**2)
        assert loss.high - loss.estimate == pytest.approx(loss.half_width)
        assert loss.p_value(loss.high) == pytest.approx(0.025, abs=1e-6)
        assert loss.p_value(loss.low) == pytest.approx(0.975, abs=1e-6)


def test_more_of_what_binds_settles_it():
    loss = Loss(0.006, 5, between=9e-6, within=1e-6, factor=0.2, images=1e-7, chips=1e-8)
    needed = loss.trainings_needed(0.008)
    assert loss.with_trainings(needed).half_width <= 0.002
    assert loss.with_trainings(needed - 1).half_width > 0.002
    assert loss.times_needed(0.008, source="images") is None
    wide = Loss(0.006, 1, between=0.0, within=0.0, factor=1.0, images=4e-6, cells=1e-6)
    times = wide.times_needed(0.009, source="images")
    assert 1.959964**2 * (4e-6 / times + 1e-6) == pytest.approx(0.003**2, rel=1e-6)
    assert wide.trainings_needed(0.009) is None


@pytest.mark.parametrize("share", [0.025, 0.00625])
def test_what_is_needed_is_what_the_test_at_a_share_of_the_error_accepts(share):
    # Of two trainings Student's t is far wider at a quarter of the error than a normal law.
    loss = Loss(0.001, 2, between=4e-7, within=0.0, factor=0.5, images=2e-7, cells=1e-7)
    needed = loss.trainings_needed(0.006, 1.0 - share)
    assert loss.with_trainings(needed).p_value(0.006) <= share
    assert loss.with_trainings(needed - 1).p_value(0.006) > share
    assert loss.p_value(loss.estimate + loss.width(1.0 - share)) == pytest.approx(share, rel=1e-6)
    wide = Loss(0.001, 1, between=0.0, within=0.0, factor=1.0, images=4e-6, cells=1e-7)
    times = wide.times_needed(0.004, source="images", confidence=1.0 - share)
    settled = replace(wide, images=wide.images / times)
    assert settled.p_value(0.004) == pytest.approx(share, rel=1e-6)


def test_cells_that_leave_more_open_above_count_so_on_the_side_of_the_tolerance():
    loss = Loss(0.01, 1, 0.0, 0.0, 1.0, images=1e-6, cells=8e-6, cells_below=3e-6)
    assert loss.high - 0.01 == pytest.approx(1.959964 * 0.003, rel=1e-6)
    assert 0.01 - loss.low == pytest.approx(1.959964 * 0.002, rel=1e-6)
    assert loss.p_value(0.01 - 0.002) == pytest.approx(stats.norm.cdf(1.0), rel=1e-6)
    for tolerance, cells in ((0.014, 8e-6), (0.007, 3e-6)):
        times = loss.times_needed(tolerance, source="cells")
        margin = abs(tolerance - 0.01)
        assert 1.959964**2 * (1e-6 + cells / times) == pytest.approx(margin**2, rel=1e-6)


def test_more_folds_of_the_same_images_leave_their_part_as_it_is():
    trainings = [drawn(np.random.default_rng(seed), (6, 100)) for seed in range(5)]
    loss = loss_of(trainings, folds=True)
    assert loss.with_trainings(10).images == loss.images
    assert loss.with_trainings(5) == loss


def test_counts_that_do_not_fit_are_refused():
    right = np.ones((2, 3), int)
    with pytest.raises(ValueError, match="differ"):
        PairedAnswers(np.ones(3, bool), right.sum(axis=0), np.array([3, 2]))
    with pytest.raises(ValueError, match="above"):
        PairedAnswers(np.ones(3, bool), np.array([3, 2, 1]), np.array([3, 3]))
    with pytest.raises(ValueError, match="two images"):
        PairedAnswers(np.ones(1, bool), np.array([2]), np.array([1, 1]))
    with pytest.raises(ValueError, match="too few"):
        loss_of([drawn(np.random.default_rng(0), (2, 9))], folds=True)


SIMULATION = load_script("loss-coverage/run.py")
STUDIES = 500


@pytest.mark.slow
@pytest.mark.parametrize("folds", [False, True])
def test_the_interval_holds_the_loss_in_93_to_97_of_100_studies(folds):
    rng, chance = np.random.default_rng(7), SIMULATION.Chance(folds=folds)
    losses = [loss_of(SIMULATION.answers(rng, 0.005, chance), folds=folds) for _ in range(STUDIES)]
    assert 0.93 <= np.mean([one.low <= 0.005 <= one.high for one in losses]) <= 0.97


@pytest.mark.slow
def test_so_it_does_where_the_cells_leave_much_open():
    """64 cells a state, read at a reference chosen on them: BERs of 0.018 to 0.065."""
    case = SIMULATION.Case("", SIMULATION.weak(64), SIMULATION.adapted, SIMULATION.LITTLE)
    found = SIMULATION.coverage(case, STUDIES)
    assert 0.93 <= found.held <= 0.97
    assert found.above <= 0.025 + 2 * math.sqrt(0.025 * 0.975 / STUDIES)
    assert found.without_cells < 0.9


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_sequences_of_one_are_tested_by_the_procedure_of_holm(p_values):
    order = np.argsort(p_values)
    is_small = [p_values[i] <= 0.05 / (len(order) - rank) for rank, i in enumerate(order)]
    by_holm = sum(1 for _ in itertools.takewhile(bool, is_small))
    assert sum(rejected_in_sequences([[p] for p in p_values], level=0.05)) == by_holm


@pytest.mark.parametrize(
    ("p_values", "rejected"),
    [
        ([[0.01], [0.02], [0.04]], [1, 1, 1]),
        ([[0.01], [0.03], [0.04]], [1, 0, 0]),
        ([[0.01, 0.001, 0.2], [0.02], [0.3]], [2, 0, 0]),
        ([[0.01, 0.001], [0.02], [0.3]], [2, 1, 0]),
    ],
)
def test_a_sequence_rejected_to_its_end_leaves_its_share_to_the_others(p_values, rejected):
    assert rejected_in_sequences(p_values, level=0.05) == rejected


@given(st.lists(st.floats(0, 1), max_size=6))
def test_one_sequence_is_tested_until_the_first_that_is_not_rejected(p_values):
    before = sum(1 for _ in itertools.takewhile(lambda p: p <= 0.025, p_values))
    assert rejected_in_sequences([p_values]) == [before]


def test_an_unknown_value_ends_its_sequence():
    assert rejected_in_sequences([[0.001, float("nan"), 0.001]]) == [1]


def test_a_true_hypothesis_is_rejected_in_at_most_a_fortieth_of_the_studies():
    # Three recipes on three conditions: the first two keep the tolerance clearly, and on the
    # third each recipe is exactly at it.
    rng, wrong = np.random.default_rng(3), 0
    for _ in range(4000):
        p_values = np.column_stack([rng.random((3, 2)) * 1e-3, rng.random(3)])
        wrong += max(rejected_in_sequences(p_values.tolist())) == 3
    assert wrong / 4000 <= 0.025 + 4 * np.sqrt(0.025 * 0.975 / 4000)
