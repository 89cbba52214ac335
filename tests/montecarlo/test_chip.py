"""Chips are drawn once, layer by layer, and scored as a naive reader of the weights would."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from chip_networks import (
    naive_predictions,
    random_images,
    random_network,
    scored,
)
from scipy import stats

from rramsim.crossbar.faults import (
    ChipFaults,
    FaultModel,
    IidFaults,
    LayerFaults,
    PopulationFaults,
    StateFaults,
    in_one_layer,
)
from rramsim.crossbar.sampling import as_positions
from rramsim.errors import InputError
from rramsim.montecarlo.chip import Question, draw_chip, score_chips
from rramsim.montecarlo.task import Task, faults_text
from rramsim.network.folded.network import FoldedLayer, ScoreLayer
from rramsim.network.scoring.evaluator import Evaluator

FALSE_ALARM = 1e-4

NETWORK = random_network(20, 30, 30, 30, 4)
IMAGES = random_images(60, 20)
LABELS = np.arange(60, dtype=np.uint8) % 4
FAULTS = IidFaults(0.08)
MODELS = [
    FAULTS,
    StateFaults(0.15, 0.02),
    PopulationFaults(9.0, 0.8, 11.0, 0.8, reference_resistance=22e3),
]


def task_of(faults: ChipFaults) -> Task:
    return Question(scored(NETWORK, IMAGES, LABELS), faults, 5).task


def evaluator() -> Evaluator:
    return Evaluator(NETWORK, IMAGES, LABELS)


def positions(faults: ChipFaults, task: Task, *, draw: int) -> list[np.ndarray]:
    drawn = draw_chip(NETWORK, faults, task=task, draw=draw)
    return [as_positions(*pair) for pair in zip(drawn, map(_signs, NETWORK.layers), strict=True)]


def _signs(layer: FoldedLayer | ScoreLayer) -> np.ndarray:
    return layer.signs


@pytest.mark.parametrize("faults", MODELS)
def test_predictions_are_those_of_the_stored_signs_negated(faults: FaultModel) -> None:
    task = task_of(faults)
    flips = draw_chip(NETWORK, faults, task=task, draw=0)
    assert sum(map(len, positions(faults, task, draw=0))) > 50
    assert np.array_equal(evaluator().predictions(flips), naive_predictions(NETWORK, IMAGES, flips))


def test_a_chip_is_frozen_for_all_images_and_every_forward() -> None:
    task = task_of(FAULTS)
    flips = draw_chip(NETWORK, FAULTS, task=task, draw=2)
    whole = evaluator()
    first = whole.predictions(flips)
    assert np.array_equal(whole.predictions(flips), first)
    halves = [
        Evaluator(NETWORK, IMAGES[part], LABELS[part]).predictions(flips)
        for part in (slice(0, 23), slice(23, 60))
    ]
    assert np.array_equal(np.concatenate(halves), first)
    again = draw_chip(NETWORK, FAULTS, task=task, draw=2)
    assert all(np.array_equal(*pair) for pair in zip(flips, again, strict=True))


@pytest.mark.parametrize("faults", MODELS)
def test_every_layer_draw_seed_and_network_has_flips_of_its_own(faults: FaultModel) -> None:
    task = task_of(faults)
    chips = [
        positions(faults, task, draw=0),
        positions(faults, task, draw=1),
        positions(faults, replace(task, seed=6), draw=0),
        positions(faults, replace(task, network_id="another"), draw=0),
    ]
    # The two middle layers have the same shape: a draw shared by layers would show in them.
    fields = [tuple(layer.tolist()) for chip in chips for layer in chip[1:3]]
    assert len(set(fields)) == len(fields)
    # Independent fields of 900 cells at one rate meet as often as chance says.
    rate = faults.mean_ber(NETWORK.hrs_share)
    one, two = (np.isin(np.arange(900), layer) for layer in chips[0][1:3])
    assert stats.binom.sf(int((one & two).sum()) - 1, 900, 2 * rate**2) > FALSE_ALARM


def test_a_chip_is_the_same_for_all_images_and_keeps_its_flips_at_greater_bers() -> None:
    small, great = IidFaults(0.001), IidFaults(0.08)
    few = positions(small, task_of(small), draw=3)
    task = replace(task_of(great), images_id="others")
    many = positions(great, task, draw=3)
    assert 0 < sum(map(len, few)) < sum(map(len, many))
    assert all(np.isin(*pair).all() for pair in zip(few, many, strict=True))


def test_the_flips_of_a_network_follow_the_rate_over_many_chips() -> None:
    task = task_of(FAULTS)
    chips = 300
    counts = np.array([sum(map(len, positions(FAULTS, task, draw=draw))) for draw in range(chips)])
    cells = NETWORK.weight_count
    assert stats.binomtest(int(counts.sum()), cells * chips, 0.08).pvalue > FALSE_ALARM
    # The variance of the count is binomial, neither 0 (int(p N)) nor more (layers hung together).
    statistic = float(((counts - 0.08 * cells) ** 2).sum() / (0.08 * 0.92 * cells))
    assert FALSE_ALARM / 2 < stats.chi2.cdf(statistic, chips) < 1 - FALSE_ALARM / 2


def test_draws_are_scored_each_on_its_own() -> None:
    network = scored(NETWORK, IMAGES, LABELS)
    task = task_of(FAULTS)
    tally = score_chips(network, FAULTS, task=task, draws=(4, 1))
    alone = {
        draw: evaluator().correct(draw_chip(NETWORK, FAULTS, task=task, draw=draw))
        for draw in (1, 4)
    }
    assert (tally.task_id, tally.images, dict(tally.correct)) == (task.id, 60, alone)
    # As another process gets it: the same answers, without what was made ready here.
    sent = pickle.loads(pickle.dumps(network))
    assert "evaluator" not in vars(sent)
    assert score_chips(sent, FAULTS, task=task, draws=(1, 4)) == tally


def test_one_layer_goes_wrong_as_it_does_among_others_and_the_others_do_not() -> None:
    everywhere = positions(FAULTS, task_of(FAULTS), draw=1)
    layers = len(everywhere)
    for number in range(layers):
        alone = in_one_layer(FAULTS, layer=number + 1, layers=layers)
        found = positions(alone, task_of(alone), draw=1)
        assert len(everywhere[number]) > 0
        assert np.array_equal(found[number], everywhere[number])
        assert sum(map(len, found)) == len(everywhere[number])
    each = LayerFaults((FAULTS,) * layers)
    assert all(map(np.array_equal, positions(each, task_of(each), draw=1), everywhere))


def test_layers_with_faults_of_their_own_are_scored_like_a_naive_reader_does() -> None:
    faults = LayerFaults((*MODELS, IidFaults(0.0)))
    network = scored(NETWORK, IMAGES, LABELS)
    task = Question(network, faults, 5).task
    flips = draw_chip(NETWORK, faults, task=task, draw=0)
    expected = int((naive_predictions(NETWORK, IMAGES, flips) == LABELS).sum())
    assert dict(score_chips(network, faults, task=task, draws=[0]).correct) == {0: expected}
    assert task.id != task_of(LayerFaults((IidFaults(0.0), *MODELS))).id


def test_more_or_fewer_fault_models_than_layers_are_refused() -> None:
    with pytest.raises(InputError, match="for 2 layers were given, but the network has 4"):
        Question(scored(NETWORK, IMAGES, LABELS), LayerFaults((FAULTS, FAULTS)), 5)


def test_ids_of_questions_asked_before_stay() -> None:
    """Tallies that were stored must be found again."""
    task = Task("network", "images", faults_text(IidFaults(0.1)), 1)
    content = '{"drawing":2,"faults":{"ber":0.1,"model":"iid"},"images":"images"'
    assert task.content == content + ',"network":"network","seed":1}'
