"""Chips scored on some of the images, and the mean that is estimated from them."""

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chip_networks import random_images, random_network, scored
from scipy import stats

from rramsim.crossbar.faults import IidFaults
from rramsim.crossbar.transient import TransientReads
from rramsim.errors import InputError
from rramsim.montecarlo.collect import collect, error_free_answers, measure, score_chips
from rramsim.montecarlo.estimate import estimate
from rramsim.montecarlo.stopping import StoppingRule
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.tally import Tally, joined, unpacked_answers
from rramsim.montecarlo.task import Task
from rramsim.network.folded.network import FoldedConvolution, FoldedNetwork
from rramsim.network.scoring.evaluator import Evaluator

NETWORK = random_network(20, 70, 70, 4)
IMAGES = random_images(90, 20)
LABELS = np.arange(90, dtype=np.uint8) % 4


def ask(images_per_chip: int | None, *, ber: float = 0.1, keeps_answers: bool = False) -> Task:
    network = scored(NETWORK, IMAGES, LABELS)
    return Task(network, IidFaults(ber), 5, keeps_answers, images_per_chip)


def test_the_images_of_a_chip_are_some_of_more_and_depend_on_neither_faults_nor_batch() -> None:
    for chip in range(5):
        few, more = ask(7).block(chip), ask(40, ber=0.3).block(chip)
        assert few is not None
        assert more is not None
        assert (len(few), len(more)) == (7, 40)
        assert set(few.tolist()) <= set(more.tolist()) <= set(range(90))
        assert (np.diff(more) > 0).all()
    assert ask(None).block(0) is None


@pytest.mark.slow
def test_every_image_and_every_pair_of_images_comes_as_often_as_any_other() -> None:
    chips, images = 3000, 9
    is_in = np.zeros((chips, 90), dtype=int)
    for chip in range(chips):
        is_in[chip, ask(images).block(chip)] = 1
    expected = chips * images / 90
    # The counts of images add up: their statistic has a degree of freedom less, and a variance
    # that is smaller by the share of images that a block leaves.
    statistic = float(((is_in.sum(axis=0) - expected) ** 2 / expected).sum()) / (1 - images / 90)
    assert 1e-4 < stats.chi2.cdf(statistic * 89 / 90, 89) < 1 - 1e-4
    together = (is_in.T @ is_in)[np.triu_indices(90, k=1)]
    share = images * (images - 1) / (90 * 89)
    assert together.mean() == pytest.approx(chips * share)
    worst = float(stats.binom.sf(together.max() - 1, chips, share)) * together.size
    assert worst > 1e-4


def test_the_mean_is_unbiased_over_all_blocks() -> None:
    """Each of two chips has any three of six images: the mean over all blocks is exact."""
    clean = np.array([1, 1, 0, 1, 0, 1])
    chips = np.array([[0, 1, 1, 1, 0, 1], [1, 0, 0, 0, 0, 1]])
    found = []
    for pair in itertools.product(itertools.combinations(range(6), 3), repeat=2):
        on_blocks = list(zip(chips, map(list, pair), strict=True))
        correct = {k: int(chip[block].sum()) for k, (chip, block) in enumerate(on_blocks)}
        error_free = {k: int(clean[block].sum()) for k, (_, block) in enumerate(on_blocks)}
        tally = Tally("task", 3, correct, error_free=error_free)
        found.append(estimate(tally, clean=clean.mean()).mean.estimate)
    assert len(set(found)) > 3
    assert np.mean(found) == pytest.approx(chips.mean(), abs=1e-12)


FILTERS = np.random.default_rng(1).choice(np.array([-1, 1], dtype=np.int8), (8, 1, 3, 3))
CONVOLUTIONAL = FoldedNetwork(
    (
        FoldedConvolution(FILTERS, np.zeros(8, dtype=np.int64), np.ones(8, dtype=np.int8), True),
        random_network(32, 4).output,
    ),
    (1, 4, 5),
)


@pytest.mark.parametrize(
    ("network", "faults"),
    [
        (NETWORK, IidFaults(0.1)),
        (CONVOLUTIONAL, IidFaults(0.1)),
        (NETWORK, TransientReads(IidFaults(0.1), 0.5)),
        (random_network(20, 4), IidFaults(0.1)),
        (random_network(20, 1100, 4), IidFaults(0.3)),
    ],
    ids=["dense", "convolution", "fresh reads", "one layer", "wide"],
)
def test_a_chip_has_the_same_images_right_as_where_all_are_scored(network, faults) -> None:
    task = Task(scored(network, IMAGES, LABELS), faults, 5, True)
    whole = score_chips(task, range(6))
    some = replace(task, keeps_answers=False, images_per_chip=33)
    found = joined([score_chips(some, [3]), score_chips(some, [0, 5, 4, 1, 2])])
    clean = error_free_answers(task.network)
    for chip in range(6):
        block = some.block(chip)
        is_right = unpacked_answers(whole.answers[chip], 90)
        assert found.correct[chip] == is_right[block].sum()
        assert found.error_free[chip] == clean[block].sum()
    assert found.images == 33


@pytest.mark.slow
def test_torch_scores_some_images_as_the_packed_engine_does() -> None:
    torch_evaluator = pytest.importorskip("rramsim.network.scoring.torch_evaluator")
    others = torch_evaluator.TorchEvaluator(NETWORK, IMAGES, LABELS)
    ours, task = Evaluator(NETWORK, IMAGES, LABELS), ask(30)
    for chip in range(3):
        flips, block = task.draw(chip), task.block(chip)
        assert (ours.right(flips, block) == others.right(flips, block)).all()
        assert (ours.right(None, block) == others.right(None, block)).all()


def test_all_images_are_what_they_were() -> None:
    whole, every = ask(None), ask(90)
    assert every.id == whole.id
    assert measure([every], rule=StoppingRule(5)) == measure([whole], rule=StoppingRule(5))
    free = replace(whole, faults=IidFaults(0.0))
    assert replace(free, images_per_chip=10).id == free.id
    assert len({ask(images).id for images in (None, 10, 11)}) == 3


@pytest.mark.parametrize("images", [0, 91, -1])
def test_as_many_images_as_there_are_can_be_asked_for(images: int) -> None:
    with pytest.raises(InputError, match=rf"images_per_chip is {images}; accepted: 1 to 90"):
        ask(images)


def test_answers_of_some_images_are_not_kept() -> None:
    with pytest.raises(ValueError, match="scored on all images"):
        ask(10, keeps_answers=True)


def test_the_mean_has_the_interval_of_the_differences_and_no_poor_chip() -> None:
    tally = Tally("task", 50, {0: 40, 1: 44, 2: 37}, error_free={0: 47, 1: 49, 2: 41})
    found = estimate(tally, clean=0.9)
    lost = np.array([7, 5, 4]) / 50
    assert found.mean.estimate == pytest.approx(0.9 - lost.mean())
    beside = stats.t.ppf(0.975, 2) * stats.sem(lost)
    assert found.mean.high - found.mean.estimate == pytest.approx(beside)
    assert math.isnan(found.p05)
    assert found.images == 50
    assert "scored on 50 images drawn for it" in found.method


def test_an_interrupted_run_goes_on_with_the_same_images(tmp_path: Path) -> None:
    rule, task = StoppingRule(12), ask(25)
    (whole,) = collect([task, ask(None)], rule=rule)[:1]
    store = TallyStore(tmp_path / "tallies.csv")
    store.add(score_chips(task, [0, 3, 7]), score_chips(ask(None), [1]))
    again = TallyStore(store.path)
    assert again.tally(task.id) == score_chips(task, [0, 3, 7])
    (found,) = collect([task], rule=rule, store=again)
    assert found == whole
    assert TallyStore(store.path).tally(task.id) == whole


def test_chips_on_all_images_and_on_some_do_not_mix(tmp_path: Path) -> None:
    some, every = Tally("a", 9, {1: 8}, error_free={1: 9}), Tally("a", 9, {0: 7})
    with pytest.raises(ValueError, match="do not mix"):
        joined([some, every])
    with pytest.raises(ValueError, match="do not mix"):
        Tally("a", 9, {0: 7, 1: 8}, error_free={1: 9})
    with pytest.raises(ValueError, match="10 images that are correct without errors; 0 to 9"):
        Tally("a", 9, {0: 7}, error_free={0: 10})


@pytest.mark.slow
@pytest.mark.parametrize(("between", "images"), [(0.02, 20), (0.1, 100), (0.0, 5)])
def test_the_interval_covers_what_it_says(between: float, images: int) -> None:
    """Chips lose a share of images that differs from chip to chip; each is seen on a few."""
    rng, studies, chips, every = np.random.default_rng(3), 2000, 40, 400
    # Each image has a share of its own too: what it adds cancels nowhere.
    of_images = rng.beta(1, 3, every)
    covered = 0
    for _ in range(studies):
        factor = 1 + rng.uniform(-1, 1, chips) * between * np.sqrt(3) / 0.25
        blocks = rng.random((chips, every)).argpartition(images, axis=1)[:, :images]
        is_lost = rng.random((chips, images)) < factor[:, np.newaxis] * of_images[blocks]
        lost = is_lost.sum(axis=1).tolist()
        right = {chip: images - count for chip, count in enumerate(lost)}
        tally = Tally("task", images, right, error_free=dict.fromkeys(right, images))
        interval = estimate(tally, clean=1.0).mean
        covered += interval.low <= 1 - of_images.mean() <= interval.high
    assert abs(covered / studies - 0.95) < 0.02
