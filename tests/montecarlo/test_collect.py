"""Chips are drawn once, layer by layer, and scored as a naive reader of the weights would."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chip_networks import (
    naive_predictions,
    one_weight_pairs,
    random_images,
    random_network,
    task_of,
)
from scipy import stats

from rramsim.crossbar.faults import FaultModel, IidFaults, PopulationFaults, StateFaults
from rramsim.crossbar.sampling import as_positions
from rramsim.errors import InputError
from rramsim.montecarlo import collect as collect_module
from rramsim.montecarlo.collect import collect, draw_chip
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.tally import Tally
from rramsim.montecarlo.task import Task
from rramsim.network.evaluation import Evaluator
from rramsim.network.folding import FoldedLayer, ScoreLayer

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


def evaluator() -> Evaluator:
    return Evaluator(NETWORK, IMAGES, LABELS)


def positions(faults: FaultModel, task: Task, *, draw: int) -> list[np.ndarray]:
    drawn = draw_chip(NETWORK, faults, task=task, draw=draw)
    return [as_positions(*pair) for pair in zip(drawn, map(_signs, NETWORK.layers), strict=True)]


def _signs(layer: FoldedLayer | ScoreLayer) -> np.ndarray:
    return layer.signs


class CountingEvaluator(Evaluator):
    """Counts the chips it scores, those without flips (None) apart."""

    scored = 0
    scored_clean = 0

    def correct(self, flips: list[np.ndarray] | None = None) -> int:
        if flips is None:
            self.scored_clean += 1
        else:
            self.scored += 1
        return super().correct(flips)


@pytest.mark.parametrize("faults", MODELS)
def test_predictions_are_those_of_the_stored_signs_negated(faults: FaultModel) -> None:
    task = task_of(evaluator(), faults)
    flips = draw_chip(NETWORK, faults, task=task, draw=0)
    assert sum(map(len, positions(faults, task, draw=0))) > 50
    assert np.array_equal(evaluator().predictions(flips), naive_predictions(NETWORK, IMAGES, flips))


def test_a_chip_is_frozen_for_all_images_and_every_forward() -> None:
    task = task_of(evaluator(), FAULTS)
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
    task = task_of(evaluator(), faults)
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
    few = positions(small, task_of(evaluator(), small), draw=3)
    task = replace(task_of(evaluator(), great), images_id="others")
    many = positions(great, task, draw=3)
    assert 0 < sum(map(len, few)) < sum(map(len, many))
    assert all(np.isin(*pair).all() for pair in zip(few, many, strict=True))


def test_the_flips_of_a_network_follow_the_rate_over_many_chips() -> None:
    task = task_of(evaluator(), FAULTS)
    chips = 300
    counts = np.array([sum(map(len, positions(FAULTS, task, draw=draw))) for draw in range(chips)])
    cells = NETWORK.weight_count
    assert stats.binomtest(int(counts.sum()), cells * chips, 0.08).pvalue > FALSE_ALARM
    # The variance of the count is binomial, neither 0 (int(p N)) nor more (layers hung together).
    statistic = float(((counts - 0.08 * cells) ** 2).sum() / (0.08 * 0.92 * cells))
    assert FALSE_ALARM / 2 < stats.chi2.cdf(statistic, chips) < 1 - FALSE_ALARM / 2


@pytest.mark.parametrize("ber", [0.1, 0.3])
def test_a_linear_classifier_has_the_accuracy_of_its_closed_form(ber: float) -> None:
    pairs, maps = 200, 400
    scored = one_weight_pairs(pairs)
    faults = IidFaults(ber)
    tally = collect(task_of(scored, faults), scored, faults, maps=maps)
    right = 1 - ber**2
    assert stats.binomtest(tally.sum_correct, pairs * maps, right).pvalue > FALSE_ALARM
    # Each image rests on weights of its own here, so a chip's count is binomial as well.
    statistic = float(
        sum((correct - pairs * right) ** 2 for correct in tally.correct.values())
        / (pairs * right * (1 - right))
    )
    assert FALSE_ALARM / 2 < stats.chi2.cdf(statistic, maps) < 1 - FALSE_ALARM / 2


def test_images_of_one_chip_are_not_counted_as_independent() -> None:
    # 100 copies of one image stand or fall together: a chip scores 0 or 100.
    one = one_weight_pairs(1)
    copies = Evaluator(one.folded, np.ones((100, 1), np.uint8), np.zeros(100, np.uint8))
    faults = IidFaults(0.5)
    tally = collect(task_of(copies, faults), copies, faults, maps=400)
    assert set(tally.correct.values()) == {0, 100}
    wrong = list(tally.correct.values()).count(0)
    assert stats.binomtest(wrong, 400, 0.25).pvalue > FALSE_ALARM


def test_a_tally_does_not_depend_on_how_it_was_come_by(tmp_path: Path) -> None:
    scored, task = evaluator(), task_of(evaluator(), FAULTS)
    whole = collect(task, scored, FAULTS, maps=9)
    store = TallyStore(tmp_path / "tallies.csv")
    store.add(Tally(task.id, 60, {draw: whole.correct[draw] for draw in (7, 2, 12 - 8)}))
    assert collect(task, scored, FAULTS, maps=9, store=store) == whole
    alone = {
        draw: scored.correct(draw_chip(NETWORK, FAULTS, task=task, draw=draw)) for draw in range(9)
    }
    assert dict(whole.correct) == alone


def test_only_missing_chips_are_drawn_and_never_more_given_back(tmp_path: Path) -> None:
    store = TallyStore(tmp_path / "tallies.csv")
    scored = CountingEvaluator(NETWORK, IMAGES, LABELS)
    task = task_of(scored, FAULTS)
    five = collect(task, scored, FAULTS, maps=5, store=store)
    assert scored.scored == 5
    seen: list[tuple[int, int]] = []
    eight = collect(
        task, scored, FAULTS, maps=8, store=store, on_draw=lambda *args: seen.append(args)
    )
    assert scored.scored == 8
    assert seen == [(5, 8), (6, 8), (7, 8), (8, 8)]
    assert eight.first(5) == five
    before = store.path.read_bytes()
    assert collect(task, scored, FAULTS, maps=5, store=TallyStore(store.path)) == five
    assert scored.scored == 8
    assert store.path.read_bytes() == before


class StoppedError(Exception):
    """Stands for whatever may end a run."""


@pytest.mark.parametrize("write_seconds", [0.0, 1e9])
@pytest.mark.parametrize("stop", [KeyboardInterrupt, StoppedError])
def test_a_run_that_was_stopped_goes_on_to_identical_bytes(
    stop: type[BaseException],
    write_seconds: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collect_module, "WRITE_SECONDS", write_seconds)
    scored = CountingEvaluator(NETWORK, IMAGES, LABELS)
    tasks = [task_of(scored, FAULTS, seed=seed) for seed in (1, 2)]
    unbroken = TallyStore(tmp_path / "unbroken.csv")
    for task in tasks:
        collect(task, scored, FAULTS, maps=6, store=unbroken)

    def stopping(done: int, maps: int) -> None:
        if done == 3:
            raise stop

    path = tmp_path / "stopped.csv"
    scored.scored = 0
    with pytest.raises(stop):
        collect(tasks[1], scored, FAULTS, maps=6, store=TallyStore(path), on_draw=stopping)
    kept = TallyStore(path).tally(tasks[1].id)
    assert kept is not None
    assert kept.maps == 3
    for task in reversed(tasks):
        collect(task, scored, FAULTS, maps=6, store=TallyStore(path))
    assert scored.scored == 12
    assert path.read_bytes() == unbroken.path.read_bytes()


def test_results_are_written_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect_module, "WRITE_SECONDS", 0.0)
    path = tmp_path / "tallies.csv"
    rows: list[int] = []

    def look(done: int, maps: int) -> None:
        rows.append(len(path.read_text().splitlines()) - 1 if path.exists() else 0)

    scored = evaluator()
    task = task_of(scored, FAULTS)
    collect(task, scored, FAULTS, maps=3, store=TallyStore(path), on_draw=look)
    assert rows == [0, 1, 2, 3]


def test_without_errors_one_scoring_tells_of_all_chips(tmp_path: Path) -> None:
    scored = CountingEvaluator(NETWORK, IMAGES, LABELS)
    faults = IidFaults(0.0)
    tally = collect(task_of(scored, faults), scored, faults, maps=30)
    clean = int((evaluator().predictions() == LABELS).sum())
    assert dict(tally.correct) == dict.fromkeys(range(30), clean)
    assert (scored.scored_clean, scored.scored) == (1, 0)


def test_with_every_cell_wrong_all_signs_are_negated() -> None:
    scored = CountingEvaluator(NETWORK, IMAGES, LABELS)
    faults = IidFaults(1.0)
    tally = collect(task_of(scored, faults), scored, faults, maps=3)
    everything = [np.arange(layer.signs.size) for layer in NETWORK.layers]
    expected = int((naive_predictions(NETWORK, IMAGES, everything) == LABELS).sum())
    assert dict(tally.correct) == dict.fromkeys(range(3), expected)
    assert scored.scored == 1


def test_a_chip_without_a_flip_scores_as_the_network_itself() -> None:
    scored = CountingEvaluator(NETWORK, IMAGES, LABELS)
    faults = IidFaults(1e-9)
    tally = collect(task_of(scored, faults), scored, faults, maps=4)
    assert set(tally.correct.values()) == {evaluator().correct()}
    assert (scored.scored_clean, scored.scored) == (4, 0)


def test_a_question_about_something_else_is_refused() -> None:
    scored, task = evaluator(), task_of(evaluator(), FAULTS)
    with pytest.raises(ValueError, match="not of network"):
        collect(replace(task, network_id="another"), scored, FAULTS, maps=1)
    with pytest.raises(ValueError, match="not of the faults"):
        collect(task, scored, IidFaults(0.09), maps=1)
    with pytest.raises(ValueError, match="At least 1 chip"):
        collect(task, scored, FAULTS, maps=0)


def test_a_store_that_counts_other_images_is_told(tmp_path: Path) -> None:
    store = TallyStore(tmp_path / "tallies.csv")
    task = task_of(evaluator(), FAULTS)
    store.add(Tally(task.id, 59, {0: 3}))
    with pytest.raises(InputError, match=r"tallies\.csv: .*59 images.*60"):
        collect(task, evaluator(), FAULTS, maps=1, store=store)
