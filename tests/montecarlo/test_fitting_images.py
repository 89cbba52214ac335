"""The number of images of a chip that knows a mean for the least work, and chips scored by it."""

import math
import statistics
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from chip_networks import random_images, random_network, scored
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rramsim.crossbar.faults import IidFaults
from rramsim.montecarlo import blocks
from rramsim.montecarlo.blocks import Spread, best_images, drawing_work, spread_of
from rramsim.montecarlo.collect import collect, measure, score_chips
from rramsim.montecarlo.estimate import estimate
from rramsim.montecarlo.stopping import StoppingRule, t_half_width, within
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.tally import Tally
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.network.folded.network import FoldedConvolution, FoldedNetwork
from rramsim.network.packed.dense import PackedNetwork
from rramsim.network.shape import NetworkShape

ALL = 10_000


def work(images: float, spread: Spread, *, drawing: float) -> float:
    """Return the work of a variance of 1: that of a chip times the variance of its difference."""
    return (spread.chips + (1 / images - 1 / ALL) * spread.images) * (drawing + images)


@pytest.mark.slow
@given(between=st.floats(1e-3, 0.1), images=st.floats(0.01, 0.3), drawing=st.floats(1, 2000))
def test_no_other_number_of_images_takes_less_work(between, images, drawing) -> None:
    spread = Spread(between**2, images)
    rule = StoppingRule(1_000_000, 0.001)
    found = best_images(spread, rule, images=ALL, drawing=drawing)
    others = np.arange(64, ALL + 1)
    least = work(others, spread, drawing=drawing).min()
    if found is None:
        best = int(others[work(others, spread, drawing=drawing).argmin()])
        assert 2 * best > ALL or spread.chips * ALL < spread.images
    else:
        assert work(found, spread, drawing=drawing) <= least * 1.01


def test_images_are_raised_to_what_reaches_the_half_width_with_the_most_chips() -> None:
    spread, chips, half_width = Spread(0.0152**2, 0.087), 2000, 0.001
    found = best_images(spread, StoppingRule(chips, half_width), images=ALL, drawing=200)
    quantile = stats.t.ppf(0.995, chips - 1)

    def beside(images: int) -> float:
        return quantile * math.sqrt((spread.chips + (1 / images - 1 / ALL) * spread.images) / chips)

    assert found is not None
    assert beside(found) <= half_width < beside(found - 1)
    # All images do not reach it either: none is left out.
    assert best_images(spread, StoppingRule(1000, 0.001), images=ALL, drawing=200) is None


def test_the_spread_is_found_in_chips_of_a_known_one() -> None:
    rng, chips, images = np.random.default_rng(2), 400, 500
    shares = rng.beta(20, 60, chips)
    changes = [-(rng.random(images) < share).astype(int) for share in shares]
    found = spread_of(changes)
    within = shares * (1 - shares)
    assert found.images == pytest.approx(within.mean(), rel=0.03)
    assert found.chips - found.images / images == pytest.approx(shares.var(), rel=0.3)


def test_the_spread_is_that_of_whole_numbers() -> None:
    changes = np.random.default_rng(3).integers(-1, 2, (7, 90))
    found = spread_of(list(changes))
    assert found.chips == float(
        statistics.variance(Fraction(int(one.sum()), 90) for one in changes)
    )
    assert found.images == float(
        statistics.mean(statistics.variance(map(Fraction, one.tolist())) for one in changes)
    )


def test_work_is_counted_by_weights_and_places() -> None:
    dense = random_network(784, 256, 256, 10)
    assert dense.multiply_adds == dense.weight_count
    signs = np.ones((16, 1, 3, 3), dtype=np.int8)
    filters = FoldedConvolution(signs, np.zeros(16, int), np.ones(16, dtype=np.int8), True)
    convolutional = FoldedNetwork((filters, random_network(256, 10).output), (1, 8, 8))
    shape = NetworkShape.parse("1x8x8-16C3-MP2-10")
    assert convolutional.multiply_adds == shape.multiply_adds == 16 * 9 * 64 + 2560
    assert drawing_work(dense) == pytest.approx(400 + 2e7 / dense.weight_count)


@pytest.fixture
def linear() -> ScoredNetwork:
    """A network whose chips differ much, on images of one class that it mostly gets right."""
    network = random_network(60, 2)
    images = random_images(1500, 60)
    labels = PackedNetwork(network, images).predictions([None])
    return scored(network, images, labels)


@pytest.fixture
def cheap_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a small network's chips cost as those of a large one, for which calls are nothing."""
    monkeypatch.setattr(blocks, "_CALL", 0.0)


def test_no_look_is_taken_before_the_spread_on_all_images_would_be_enough() -> None:
    pilot = Tally("task", ALL, dict(enumerate([ALL - 200, *[ALL] * 9] * 3)))
    beside = stats.t.ppf(0.995, 59) * np.std(pilot.changes, ddof=1) / ALL / math.sqrt(60)
    at_60, at_120 = StoppingRule(4000, beside * 1.001), StoppingRule(4000, beside * 0.999)
    assert at_60.after(pilot).looks == at_60.looks[1:]
    assert at_120.after(pilot).looks == at_120.looks[2:]
    # On the images of each no difference is seen, at 30 chips or at 60.
    blank = Tally(
        "some", 64, dict.fromkeys(range(120), 64), error_free=dict.fromkeys(range(120), 64)
    )
    needed = [rule.needed(blank, deterministic=False) for rule in (at_60, at_60.after(pilot))]
    assert needed == [30, 60]
    assert at_120.after(pilot).needed(blank, deterministic=False) == 120
    assert StoppingRule(40, beside).after(pilot).looks == (40,)


def losing(rng: np.random.Generator, chips: int, *, images: int, first: int) -> Tally:
    """Return chips of which 1 in 10 loses each image with a chance of 2 %, on some images."""
    lost = rng.binomial(images, 0.02 * (rng.random(chips) < 0.1)).tolist()
    every = dict.fromkeys(range(first, first + chips), images)
    correct = {chip: images - lost[chip - first] for chip in every}
    return Tally("task", images, correct, error_free=every if images < ALL else {})


@pytest.mark.slow
def test_rare_poor_chips_are_covered_on_fewer_images_as_on_all() -> None:
    rng, rule, studies = np.random.default_rng(1), StoppingRule(4000, 0.001), 200
    held = []
    while len(held) < studies:
        # A pilot that is not enough; 146 images are what suits the median one.
        pilot = losing(rng, 30, images=ALL, first=0)
        if within(pilot, rule.half_width):
            continue
        looks = rule.after(pilot)
        lost = [ALL - right for right in pilot.correct.values()]
        kept = rng.hypergeometric(lost, np.subtract(ALL, lost), 146).tolist()
        every = dict.fromkeys(range(30), 146)
        tally = Tally("task", 146, {c: 146 - kept[c] for c in every}, error_free=every)
        while (needed := looks.needed(tally, deterministic=False)) > tally.chips:
            tally += losing(rng, needed - tally.chips, images=146, first=tally.chips)
        mean = estimate(tally, half_width=rule.half_width, clean=1.0).mean
        held.append(mean.low <= 1 - 0.1 * 0.02 <= mean.high)
    # From 30 chips on it would be 0.92, and 0.95 from 60 on.
    assert np.mean(held) >= 0.965


RULE = StoppingRule(1000, 0.05)


@pytest.mark.slow
@pytest.mark.usefixtures("cheap_calls")
def test_chips_are_scored_on_as_many_images_as_suit_them(
    linear: ScoredNetwork, tmp_path: Path
) -> None:
    tasks = [Task(linear, IidFaults(ber), 3) for ber in (0.0, 1e-4, 0.2)]
    every = measure(tasks, rule=RULE)
    fitted = measure(tasks, rule=RULE, fits_images=True)
    assert fitted[:2] == every[:2]
    some = fitted[2]
    assert 64 <= some.images < 750
    assert some.chips >= every[2].chips >= 60
    assert math.isnan(some.p05)
    assert some.mean.high - some.mean.low == pytest.approx(0.1)
    assert some.mean.low <= every[2].mean.estimate <= some.mean.high
    # The first chips, which were scored on all images, count as the others do.
    same = replace(tasks[2], images_per_chip=some.images)
    (tally,) = collect([same], rule=RULE)
    assert tally == score_chips(same, range(some.chips))
    assert measure([same], rule=RULE) == [some]
    # An interrupted run goes on to the same answer.
    store = TallyStore(tmp_path / "tallies.csv")
    store.add(score_chips(replace(tasks[2], keeps_answers=True), range(4)))
    store.add(score_chips(same, range(40, 50)))
    assert measure(tasks, rule=RULE, store=store, fits_images=True) == fitted
    before = store.path.read_bytes()
    again = TallyStore(store.path)
    assert measure(tasks, rule=RULE, store=again, fits_images=True) == fitted
    assert store.path.read_bytes() == before


@pytest.mark.slow
@pytest.mark.usefixtures("cheap_calls")
def test_chips_that_are_not_enough_on_all_images_are_not_on_fewer(linear: ScoredNetwork) -> None:
    would_do = 0
    for seed in range(8):
        task = Task(linear, IidFaults(0.2), seed)
        pilot = score_chips(task, range(30))
        rule = StoppingRule(1000, 0.999 * t_half_width(pilot, 0.99))
        (found,) = measure([task], rule=rule, fits_images=True)
        assert found.images < 750
        assert found.chips >= 60
        first = score_chips(replace(task, images_per_chip=found.images), range(30))
        would_do += within(first, rule.half_width)
    assert would_do


def test_a_fixed_number_of_chips_keeps_all_images(linear: ScoredNetwork) -> None:
    task, rule = Task(linear, IidFaults(0.2), 3), StoppingRule(40)
    assert measure([task], rule=rule, fits_images=True) == measure([task], rule=rule)
