"""The number of images of a chip that knows a mean for the least work, and chips scored by it."""

import math
from dataclasses import replace
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
from rramsim.montecarlo.stopping import StoppingRule
from rramsim.montecarlo.store import TallyStore
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


def test_a_fixed_number_of_chips_keeps_all_images(linear: ScoredNetwork) -> None:
    task, rule = Task(linear, IidFaults(0.2), 3), StoppingRule(40)
    assert measure([task], rule=rule, fits_images=True) == measure([task], rule=rule)
