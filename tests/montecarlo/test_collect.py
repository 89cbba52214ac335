"""Questions are answered by the chips they need, and by no more, whoever scores them."""

import itertools
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chip_networks import naive_predictions, one_weight_pairs, random_images, random_network, scored
from scipy import stats

from rramsim import parallel
from rramsim.crossbar.faults import FaultModel, IidFaults, in_one_layer
from rramsim.errors import InputError
from rramsim.montecarlo import collect as collect_module
from rramsim.montecarlo.collect import ThisProcess, WorkItem, collect, score_chips
from rramsim.montecarlo.stopping import StoppingRule
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.tally import Tally
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.network.scoring.evaluator import Evaluator

FALSE_ALARM = 1e-4

NETWORK = random_network(20, 30, 30, 30, 4)
IMAGES = random_images(60, 20)
LABELS = np.arange(60, dtype=np.uint8) % 4
FAULTS = IidFaults(0.08)


def ask(faults: FaultModel, *, network: ScoredNetwork | None = None, seed: int = 5) -> Task:
    return Task(network or scored(NETWORK, IMAGES, LABELS), faults, seed)


def tally_of(task: Task, *, maps: int, store: TallyStore | None = None) -> Tally:
    (tally,) = collect([task], rule=StoppingRule(maps), store=store)
    return tally


class CountingEvaluator(Evaluator):
    """Counts the chips it scores, those without flips (None) apart."""

    scored = 0
    scored_clean = 0

    def right(
        self, flips: list[np.ndarray] | None = None, images: np.ndarray | None = None
    ) -> np.ndarray:
        if flips is None:
            self.scored_clean += 1
        else:
            self.scored += 1
        return super().right(flips, images)

    def right_together(self, masks: list[np.ndarray]) -> np.ndarray:
        self.scored += len(masks[0])
        return super().right_together(masks)


@pytest.fixture
def one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have one evaluator score all chips of a network, one after the other."""
    monkeypatch.setattr(parallel, "cores", lambda: 1)


def counted() -> tuple[CountingEvaluator, ScoredNetwork]:
    evaluator = CountingEvaluator(NETWORK, IMAGES, LABELS)
    return evaluator, scored(NETWORK, IMAGES, LABELS, evaluator)


class Shuffled(ThisProcess):
    """Does items in an order of its own, some of several chips, as many machines would."""

    def __init__(self, chips_per_item: int, seed: int) -> None:
        super().__init__()
        self.chips_per_item, self._rng = chips_per_item, np.random.default_rng(seed)

    def submit(self, item: WorkItem) -> None:
        super().submit(item)
        self._items.rotate(int(self._rng.integers(10)))


@pytest.mark.slow
@pytest.mark.parametrize("ber", [0.1, 0.3])
def test_a_linear_classifier_has_the_accuracy_of_its_closed_form(ber: float) -> None:
    pairs, maps = 200, 400
    tally = tally_of(ask(IidFaults(ber), network=one_weight_pairs(pairs)), maps=maps)
    right = 1 - ber**2
    assert stats.binomtest(tally.sum_correct, pairs * maps, right).pvalue > FALSE_ALARM
    # Each image rests on weights of its own here, so a chip's count is binomial as well.
    statistic = float(
        sum((correct - pairs * right) ** 2 for correct in tally.correct.values())
        / (pairs * right * (1 - right))
    )
    assert FALSE_ALARM / 2 < stats.chi2.cdf(statistic, maps) < 1 - FALSE_ALARM / 2


@pytest.mark.slow
def test_images_of_one_chip_are_not_counted_as_independent() -> None:
    # 100 copies of one image stand or fall together: a chip scores 0 or 100.
    one = one_weight_pairs(1)
    copies = scored(one.folded, np.ones((100, 1), np.uint8), np.zeros(100, np.uint8))
    tally = tally_of(ask(IidFaults(0.5), network=copies), maps=400)
    assert set(tally.correct.values()) == {0, 100}
    wrong = list(tally.correct.values()).count(0)
    assert stats.binomtest(wrong, 400, 0.25).pvalue > FALSE_ALARM


def test_a_tally_does_not_depend_on_how_it_was_come_by(tmp_path: Path) -> None:
    task = ask(FAULTS)
    whole = tally_of(task, maps=9)
    store = TallyStore(tmp_path / "tallies.csv")
    store.add(Tally(task.id, 60, {draw: whole.correct[draw] for draw in (7, 2, 4)}))
    assert tally_of(task, maps=9, store=store) == whole
    alone = score_chips(task, range(9))
    assert whole == alone


@pytest.mark.usefixtures("one_core")
def test_only_missing_chips_are_drawn_and_never_more_given_back(tmp_path: Path) -> None:
    store = TallyStore(tmp_path / "tallies.csv")
    evaluator, network = counted()
    task = ask(FAULTS, network=network)
    five = tally_of(task, maps=5, store=store)
    assert evaluator.scored == 5
    seen: list[tuple[int, int]] = []
    (eight,) = collect(
        [task], rule=StoppingRule(8), store=store, on_chips=lambda *args: seen.append(args)
    )
    assert evaluator.scored == 8
    assert seen == [(5, 8), (6, 8), (7, 8), (8, 8)]
    assert eight.first(5) == five
    before = store.path.read_bytes()
    assert tally_of(task, maps=5, store=TallyStore(store.path)) == five
    assert evaluator.scored == 8
    assert store.path.read_bytes() == before


@pytest.mark.usefixtures("one_core")
def test_a_question_asked_twice_is_answered_once() -> None:
    evaluator, network = counted()
    again = [ask(FAULTS, network=network), ask(IidFaults(0.2), network=network)] * 2
    tallies = collect(again, rule=StoppingRule(3))
    assert tallies[:2] == tallies[2:]
    assert tallies[0] != tallies[1]
    assert evaluator.scored == 6


SURE = StoppingRule(130, half_width=0.0118)
MODELS = [IidFaults(ber) for ber in (0.0, 1e-4, 1e-3, 0.08, 0.3)]


@pytest.fixture(scope="module")
def serial() -> list[Tally]:
    return collect([ask(faults) for faults in MODELS], rule=SURE)


@pytest.mark.slow
def test_the_rule_gives_each_question_the_chips_it_needs(serial: list[Tally]) -> None:
    assert [tally.chips for tally in serial] == [1, 30, 60, 120, 130]


@pytest.mark.slow
@pytest.mark.parametrize(("chips_per_item", "seed"), [(1, 1), (4, 2), (7, 3), (50, 4)])
def test_answers_do_not_depend_on_who_scores_and_in_which_order(
    serial: list[Tally], chips_per_item: int, seed: int, tmp_path: Path
) -> None:
    tasks = [ask(faults) for faults in MODELS]
    seen: list[tuple[int, int]] = []
    # Chips beyond those needed lie in the store already, and gaps among those needed.
    store = TallyStore(tmp_path / "tallies.csv")
    odd = range(1, 40, 2)
    store.add(score_chips(tasks[1], odd))
    found = collect(
        tasks,
        rule=SURE,
        workers=Shuffled(chips_per_item, seed),
        store=store,
        on_chips=lambda *args: seen.append(args),
    )
    assert found == serial
    assert seen[0] == (20, 1 + 4 * 130)
    assert seen[-1] == (341, 341)
    _known, most = zip(*seen, strict=True)
    assert all(first >= second for first, second in itertools.pairwise(most))
    assert collect(tasks, rule=SURE, store=TallyStore(store.path)) == serial


class OnItsOwn:
    """Faults of a user's own, which tell who draws them."""

    def __init__(self) -> None:
        self.threads: set[int] = set()

    def draw(self, signs: np.ndarray, seed: np.random.SeedSequence) -> np.ndarray:
        self.threads.add(threading.get_ident())
        return FAULTS.draw(signs, seed)

    def identity(self) -> dict[str, object]:
        return {"model": "on its own"}


def test_chips_of_small_networks_go_side_by_side_and_a_users_faults_stay_in_one_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads: set[int] = set()

    answers = collect_module._answers

    def watched(task: Task, chips: tuple[int, ...]) -> list[np.ndarray]:
        threads.add(threading.get_ident())
        return answers(task, chips)

    own = OnItsOwn()
    models = [FAULTS, IidFaults(1e-3), in_one_layer(own, layer=2, layers=4), own]
    rule, there = StoppingRule(40), [ask(faults) for faults in models]
    monkeypatch.setattr(parallel, "cores", lambda: 1)
    alone = collect(there, rule=rule)
    monkeypatch.undo()
    monkeypatch.setattr(parallel.os, "sched_getaffinity", lambda _: range(3), raising=False)
    monkeypatch.setattr(collect_module, "_answers", watched)
    assert collect([ask(faults) for faults in models], rule=rule) == alone
    assert threads > {threading.get_ident()}
    assert own.threads == {threading.get_ident()}


class StoppedError(Exception):
    """Stands for whatever may end a run."""


@pytest.mark.usefixtures("one_core")
@pytest.mark.parametrize("write_seconds", [0.0, 1e9])
@pytest.mark.parametrize("stop", [KeyboardInterrupt, StoppedError])
def test_a_run_that_was_stopped_goes_on_to_identical_bytes(
    stop: type[BaseException],
    write_seconds: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collect_module, "WRITE_SECONDS", write_seconds)
    # Of chips that were scored together, those that were not asked for yet are lost.
    monkeypatch.setattr(collect_module, "BATCH", 1)
    evaluator, network = counted()
    tasks = [ask(FAULTS, network=network, seed=seed) for seed in (1, 2)]
    unbroken = TallyStore(tmp_path / "unbroken.csv")
    rule = StoppingRule(6)
    collect(tasks, rule=rule, store=unbroken)

    def stopping(done: int, maps: int) -> None:
        if done == 9:
            raise stop

    path = tmp_path / "stopped.csv"
    evaluator.scored = 0
    with pytest.raises(stop):
        collect(tasks[::-1], rule=rule, store=TallyStore(path), on_chips=stopping)
    kept = [TallyStore(path).tally(task.id) for task in tasks]
    assert [tally.chips for tally in kept if tally is not None] == [3, 6]
    collect(tasks, rule=rule, store=TallyStore(path))
    assert evaluator.scored == 12
    assert path.read_bytes() == unbroken.path.read_bytes()


def test_results_are_written_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect_module, "WRITE_SECONDS", 0.0)
    monkeypatch.setattr(collect_module, "WRITING_SHARE", 1e9)
    path = tmp_path / "tallies.csv"
    rows: list[int] = []

    def look(done: int, maps: int) -> None:
        rows.append(len(path.read_text().splitlines()) - 1 if path.exists() else 0)

    collect([ask(FAULTS)], rule=StoppingRule(3), store=TallyStore(path), on_chips=look)
    assert rows == [0, 1, 2, 3]


@pytest.mark.usefixtures("one_core")
def test_without_errors_one_scoring_tells_of_all_chips() -> None:
    evaluator, network = counted()
    tally = tally_of(ask(IidFaults(0.0), network=network), maps=30)
    clean = int((Evaluator(NETWORK, IMAGES, LABELS).predictions() == LABELS).sum())
    assert dict(tally.correct) == dict.fromkeys(range(30), clean)
    assert (evaluator.scored_clean, evaluator.scored) == (1, 0)


@pytest.mark.usefixtures("one_core")
def test_with_every_cell_wrong_all_signs_are_negated() -> None:
    evaluator, network = counted()
    tally = tally_of(ask(IidFaults(1.0), network=network), maps=3)
    everything = [np.arange(layer.signs.size) for layer in NETWORK.layers]
    expected = int((naive_predictions(NETWORK, IMAGES, everything) == LABELS).sum())
    assert dict(tally.correct) == dict.fromkeys(range(3), expected)
    assert evaluator.scored == 1


@pytest.mark.usefixtures("one_core")
def test_a_chip_without_a_flip_scores_as_the_network_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    evaluator, network = counted()
    together = tally_of(ask(IidFaults(1e-9), network=network), maps=4)
    assert (evaluator.scored_clean, evaluator.scored) == (0, 4)
    monkeypatch.setattr(collect_module, "BATCH", 1)
    evaluator.scored = 0
    tally = tally_of(ask(IidFaults(1e-9), network=network), maps=4)
    assert set(tally.correct.values()) == {Evaluator(NETWORK, IMAGES, LABELS).correct()}
    assert (evaluator.scored_clean, evaluator.scored) == (4, 0)
    assert together == tally


def test_a_store_that_counts_other_images_is_told(tmp_path: Path) -> None:
    store = TallyStore(tmp_path / "tallies.csv")
    task = ask(FAULTS)
    store.add(Tally(task.id, 59, {0: 3}))
    with pytest.raises(InputError, match=r"tallies\.csv: .*59 images.*60"):
        tally_of(task, maps=1, store=store)


@pytest.mark.usefixtures("one_core")
def test_answers_are_kept_where_a_task_asks_for_them(tmp_path: Path) -> None:
    evaluator, network = counted()
    task = ask(FAULTS, network=network)
    keeping = replace(task, keeps_answers=True)
    store = TallyStore(tmp_path / "tallies.csv")
    (without,) = collect([task], rule=StoppingRule(3), store=store)
    (kept,) = collect([keeping], rule=StoppingRule(3), store=store)
    assert (keeping.id, without.answers, kept.correct) == (task.id, {}, without.correct)
    naive = [evaluator.predictions(task.draw(chip)) == LABELS for chip in range(3)]
    assert np.array_equal(kept.by_image(), np.sum(naive, axis=0))
    scored = evaluator.scored
    assert collect([keeping], rule=StoppingRule(3), store=store) == [kept]
    assert evaluator.scored == scored == 6
