"""Chips are drawn once, layer by layer, and scored as a naive reader of the weights would."""

import hashlib
import json
import math
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
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rramsim.crossbar.correlated import CorrelatedFaults
from rramsim.crossbar.faults import (
    ChipFaults,
    FaultModel,
    IidFaults,
    LayerFaults,
    PopulationFaults,
    StateFaults,
    in_one_layer,
    mean_ber,
)
from rramsim.crossbar.protection import protect
from rramsim.crossbar.sampling import as_positions
from rramsim.errors import InputError
from rramsim.montecarlo.collect import score_chips
from rramsim.montecarlo.task import ScoredNetwork, Task, faults_text
from rramsim.network.folded.network import FoldedLayer, ScoreLayer
from rramsim.network.scoring.evaluator import Evaluator

FALSE_ALARM = 1e-4

NETWORK = random_network(20, 30, 30, 30, 4)
ANOTHER = random_network(20, 30, 30, 30, 4, seed=3)
IMAGES = random_images(60, 20)
LABELS = np.arange(60, dtype=np.uint8) % 4
FAULTS = IidFaults(0.08)
MODELS = [
    FAULTS,
    StateFaults(0.15, 0.02),
    PopulationFaults(9.0, 0.8, 11.0, 0.8, reference_resistance=22e3),
]


def task_of(faults: ChipFaults, *, network: ScoredNetwork | None = None, seed: int = 5) -> Task:
    return Task(network or scored(NETWORK, IMAGES, LABELS), faults, seed)


def evaluator() -> Evaluator:
    return Evaluator(NETWORK, IMAGES, LABELS)


def positions(task: Task, chip: int) -> list[np.ndarray]:
    pairs = zip(task.draw(chip), map(_signs, task.network.folded.layers), strict=True)
    return [as_positions(*pair) for pair in pairs]


def _signs(layer: FoldedLayer | ScoreLayer) -> np.ndarray:
    return layer.signs


@pytest.mark.parametrize("faults", MODELS)
def test_predictions_are_those_of_the_stored_signs_negated(faults: FaultModel) -> None:
    task = task_of(faults)
    flips = task.draw(0)
    assert sum(map(len, positions(task, 0))) > 50
    assert np.array_equal(evaluator().predictions(flips), naive_predictions(NETWORK, IMAGES, flips))


def test_a_chip_is_frozen_for_all_images_and_every_forward() -> None:
    task = task_of(FAULTS)
    flips = task.draw(2)
    whole = evaluator()
    first = whole.predictions(flips)
    assert np.array_equal(whole.predictions(flips), first)
    halves = [
        Evaluator(NETWORK, IMAGES[part], LABELS[part]).predictions(flips)
        for part in (slice(0, 23), slice(23, 60))
    ]
    assert np.array_equal(np.concatenate(halves), first)
    again = task.draw(2)
    assert all(np.array_equal(*pair) for pair in zip(flips, again, strict=True))


@pytest.mark.parametrize("faults", MODELS)
def test_every_layer_draw_seed_and_network_has_flips_of_its_own(faults: FaultModel) -> None:
    task = task_of(faults)
    chips = [
        positions(task, 0),
        positions(task, 1),
        positions(replace(task, seed=6), 0),
        positions(replace(task, network=scored(ANOTHER, IMAGES, LABELS)), 0),
    ]
    # The two middle layers have the same shape: a draw shared by layers would show in them.
    fields = [tuple(layer.tolist()) for chip in chips for layer in chip[1:3]]
    assert len(set(fields)) == len(fields)
    # Independent fields of 900 cells at one rate meet as often as chance says.
    rate = mean_ber(faults, NETWORK.hrs_share)
    one, two = (np.isin(np.arange(900), layer) for layer in chips[0][1:3])
    assert stats.binom.sf(int((one & two).sum()) - 1, 900, 2 * rate**2) > FALSE_ALARM


def test_a_chip_is_the_same_for_all_images_and_keeps_its_flips_at_greater_bers() -> None:
    small, great = IidFaults(0.001), IidFaults(0.08)
    few = positions(task_of(small), 3)
    others = ScoredNetwork(NETWORK, IMAGES, LABELS, "others")
    task = task_of(great, network=others)
    many = positions(task, 3)
    assert 0 < sum(map(len, few)) < sum(map(len, many))
    assert all(np.isin(*pair).all() for pair in zip(few, many, strict=True))


@pytest.mark.slow
def test_the_flips_of_a_network_follow_the_rate_over_many_chips() -> None:
    task = task_of(FAULTS)
    chips = 300
    counts = np.array([sum(map(len, positions(task, draw))) for draw in range(chips)])
    cells = NETWORK.weight_count
    assert stats.binomtest(int(counts.sum()), cells * chips, 0.08).pvalue > FALSE_ALARM
    # The variance of the count is binomial, neither 0 (int(p N)) nor more (layers hung together).
    statistic = float(((counts - 0.08 * cells) ** 2).sum() / (0.08 * 0.92 * cells))
    assert FALSE_ALARM / 2 < stats.chi2.cdf(statistic, chips) < 1 - FALSE_ALARM / 2


def test_draws_are_scored_each_on_its_own() -> None:
    network = scored(NETWORK, IMAGES, LABELS)
    task = task_of(FAULTS, network=network)
    tally = score_chips(task, (4, 1))
    alone = {draw: evaluator().correct(task.draw(draw)) for draw in (1, 4)}
    assert (tally.task_id, tally.images, dict(tally.correct)) == (task.id, 60, alone)
    # As another process gets it: the same answers.
    sent = pickle.loads(pickle.dumps(network))
    assert score_chips(task_of(FAULTS, network=sent), (1, 4)) == tally


def test_one_layer_goes_wrong_as_it_does_among_others_and_the_others_do_not() -> None:
    everywhere = positions(task_of(FAULTS), 1)
    layers = len(everywhere)
    for number in range(layers):
        alone = in_one_layer(FAULTS, layer=number + 1, layers=layers)
        found = positions(task_of(alone), 1)
        assert len(everywhere[number]) > 0
        assert np.array_equal(found[number], everywhere[number])
        assert sum(map(len, found)) == len(everywhere[number])
    each = LayerFaults((FAULTS,) * layers)
    assert all(map(np.array_equal, positions(task_of(each), 1), everywhere))


def test_layers_with_faults_of_their_own_are_scored_like_a_naive_reader_does() -> None:
    faults = LayerFaults((*MODELS, IidFaults(0.0)))
    task = task_of(faults)
    flips = task.draw(0)
    expected = int((naive_predictions(NETWORK, IMAGES, flips) == LABELS).sum())
    assert dict(score_chips(task, [0]).correct) == {0: expected}
    assert task.id != task_of(LayerFaults((IidFaults(0.0), *MODELS))).id


def test_more_or_fewer_fault_models_than_layers_are_refused() -> None:
    with pytest.raises(InputError, match="for 2 layers were given, but the network has 4"):
        task_of(LayerFaults((FAULTS, FAULTS)))


def test_the_content_says_the_whole_question_and_the_id_is_its_hash() -> None:
    task = task_of(IidFaults(0.1), seed=3)
    # Tallies that were stored must be found again, so neither may ever change.
    assert task.content == (
        '{"drawing":2,"faults":{"ber":0.1,"model":"iid"},"images":"images",'
        f'"network":"{NETWORK.content_id}","seed":3}}'
    )
    assert task.id == hashlib.sha256(task.content.encode()).hexdigest()


def test_every_part_of_the_question_changes_the_id() -> None:
    tasks = [
        task_of(IidFaults(0.1)),
        task_of(IidFaults(0.1), network=scored(ANOTHER, IMAGES, LABELS)),
        task_of(IidFaults(0.1), network=ScoredNetwork(NETWORK, IMAGES, LABELS, "others")),
        task_of(IidFaults(math.nextafter(0.1, 1))),
        task_of(StateFaults(0.1, 0.1)),
        task_of(IidFaults(0.1), seed=4),
    ]
    assert len({task.id for task in tasks}) == len(tasks)


def test_the_text_of_faults_keeps_every_digit() -> None:
    ber = 0.1 + 0.2
    assert json.loads(faults_text(IidFaults(ber)))["ber"] == ber


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="seed"):
        task_of(FAULTS, seed=seed)


class BrokenLines:
    """A user's own model: whole neurons are wrong."""

    def __init__(self, share: object) -> None:
        self.share = share

    def draw(self, signs: np.ndarray, seed: np.random.SeedSequence) -> np.ndarray:
        broken = np.random.default_rng(seed).random(len(signs)) < self.share
        return np.repeat(broken[:, np.newaxis], signs.shape[1], axis=1)

    def identity(self) -> dict[str, object]:
        return {"model": "broken lines", "share": self.share}


def test_a_user_s_own_fault_model_is_scored_like_a_naive_reader_does() -> None:
    task = task_of(BrokenLines(0.3))
    assert json.loads(task.content)["faults"] == {"model": "broken lines", "share": 0.3}
    assert task.id != task_of(BrokenLines(0.4)).id
    tally = score_chips(task, range(3))
    for chip in range(3):
        flips = positions(task, chip)
        assert all(layer.size % 20 in (0, 10) for layer in flips)
        expected = int((naive_predictions(NETWORK, IMAGES, flips) == LABELS).sum())
        assert tally.correct[chip] == expected
    assert len({sum(map(len, positions(task, chip))) for chip in range(5)}) > 1


@pytest.mark.parametrize("share", [np.float32(0.5), math.nan, object()])
def test_an_identity_that_is_not_json_is_refused(share: object) -> None:
    with pytest.raises(InputError, match=r"BrokenLines: identity\(\) must give a dict"):
        task_of(BrokenLines(share))


EVERY_LINE = {
    "sigma_column": (0.3, 0.2),
    "sigma_row": 0.35,
    "sigma_die": 0.2,
    "sense_offset": 0.15,
    "correlation": (0.5, -0.3, 1.0),
    "tile": (48, 20),
}


def _together_as_alone(faults: ChipFaults, widths: tuple[int, ...], chips: list[int]) -> None:
    network = random_network(*widths)
    images, labels = random_images(13, widths[0]), np.zeros(13, dtype=np.uint8)
    task = Task(scored(network, images, labels), faults, 2**40 + 9)
    assert task.draws_together
    masks = task.draw_together(chips)
    scorer = Evaluator(network, images, labels)
    assert scorer.is_small
    together = scorer.right_together(masks)
    for row, chip in enumerate(chips):
        flips = task.draw(chip)
        for mask, alone, layer in zip(masks, flips, network.layers, strict=True):
            wrong = as_positions(mask[row], layer.signs)
            assert np.array_equal(wrong, as_positions(alone, layer.signs))
        assert np.array_equal(together[row], scorer.right(flips))


@pytest.mark.parametrize(
    "faults",
    [
        *(IidFaults(ber) for ber in (0.0, 1e-4, 2**-9, 0.01, 0.3, 1.0)),
        StateFaults(1e-4, 0.3),
        StateFaults(1.0, 0.0),
        PopulationFaults(8.5, 0.4, 11, 0.9, 25e3),
        LayerFaults((IidFaults(0.1), IidFaults(1e-3), StateFaults(0.2, 0.0))),
        protect(PopulationFaults(8.5, 0.4, 11, 0.9, 25e3), "2T2R"),
        *(
            CorrelatedFaults(StateFaults(ber, ber / 2), **lines)
            for ber in (1e-7, 1e-4, 0.03, 0.4)
            for lines in ({"sigma_column": 0.3}, EVERY_LINE)
        ),
        CorrelatedFaults(IidFaults(0.02), sigma_row=(0.0, 0.4), correlation=-1.0, tile=(7, 130)),
        CorrelatedFaults(IidFaults(0.02), correlation=0.5),
        protect(CorrelatedFaults(PopulationFaults(8.5, 0.4, 11, 0.9, 25e3), sigma_row=0.2), "2T2R"),
        protect(CorrelatedFaults(IidFaults(0.02), **EVERY_LINE), "secded(72,64)"),
        LayerFaults(
            (IidFaults(0.1), CorrelatedFaults(IidFaults(0.01), **EVERY_LINE), IidFaults(0.0))
        ),
        *(
            protect(IidFaults(ber), code)
            for ber in (1e-3, 0.03)
            for code in ("secded(72,64)", "secded(72,64,interleave=4)", "bch(78,64,2)")
        ),
    ],
    ids=str,
)
def test_chips_drawn_and_scored_together_are_those_drawn_alone(faults: ChipFaults) -> None:
    _together_as_alone(faults, (65, 130, 31, 10), [0, 7, 3, 2**31])


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    widths=st.lists(st.sampled_from([1, 2, 31, 32, 33, 63, 64, 65, 129]), min_size=3, max_size=5),
    ber=st.sampled_from([1e-3, 0.05, 0.5]),
    chips=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=5),
)
def test_so_are_those_of_any_small_network(widths: list[int], ber: float, chips: list[int]) -> None:
    _together_as_alone(IidFaults(ber), tuple(widths), chips)


def test_faults_of_a_users_own_and_large_layers_are_drawn_one_at_a_time() -> None:
    class Own:
        def draw(self, signs: np.ndarray, seed: np.random.SeedSequence) -> np.ndarray:
            return np.arange(1)

        def identity(self) -> dict[str, object]:
            return {"model": "own"}

    for faults in (Own(), protect(Own(), "secded(72,64)")):
        assert not task_of(faults, network=scored(NETWORK, IMAGES, LABELS)).draws_together
    wide = random_network(600, 500, 2)
    assert not Task(ScoredNetwork(wide, IMAGES, LABELS, "x"), FAULTS, 1).draws_together
