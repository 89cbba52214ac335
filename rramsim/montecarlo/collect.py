"""Chips scored until each task has those that its answer needs; only missing ones are scored."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol
from weakref import WeakKeyDictionary

from rramsim.crossbar.faults import is_deterministic
from rramsim.errors import InputError
from rramsim.montecarlo.estimate import ChipAccuracy, estimate
from rramsim.montecarlo.stopping import StoppingRule
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.tally import Tally, packed_answers
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.network.scoring.evaluator import Evaluator

if TYPE_CHECKING:
    from rramsim.network.scoring.torch_evaluator import TorchEvaluator

OnChips = Callable[[int, int], None]
"""Called with the number of chips known by now and the number that may be needed at most."""

# The store writes its whole file each time: at most once in this many seconds.
WRITE_SECONDS = 1.0


_EVALUATORS: WeakKeyDictionary[ScoredNetwork, Evaluator | TorchEvaluator] = WeakKeyDictionary()


class WorkItem(NamedTuple):
    """Chips of one task to score; items do not depend on each other."""

    task: Task
    chips: tuple[int, ...]


class Workers(Protocol):
    """Who scores chips: this process (`ThisProcess`), or many machines (`Cluster`)."""

    chips_per_item: int
    """How many chips one work item should hold."""

    def submit(self, item: WorkItem) -> None:
        """Take on an item."""
        ...

    def next_tally(self) -> Tally:
        """Wait for an item taken on, whichever is done first, and return what it counted."""
        ...


class ThisProcess:
    """Scores chips here, one after the other; each uses all cores where it is worth it."""

    chips_per_item = 1

    def __init__(self) -> None:
        self._items: deque[WorkItem] = deque()

    def submit(self, item: WorkItem) -> None:
        """Take on an item."""
        self._items.append(item)

    def next_tally(self) -> Tally:
        """Score the item that was taken on first."""
        return score_chips(*self._items.popleft())


def score_chips(task: Task, chips: Sequence[int]) -> Tally:
    """Draw chips and score the network on each; the same in any process, order and batch.

    Parameters
    ----------
    task : Task
    chips : sequence of int
        Numbers of the chips.

    Returns
    -------
    Tally
        Of these chips.
    """
    evaluator = evaluator_of(task.network)
    correct, answers = {}, {}
    for chip in chips:
        flips = task.draw(chip)
        # A chip without a flip is the network itself, which the evaluator scores only once.
        is_right = evaluator.right(flips if any(layer.size for layer in flips) else None)
        correct[chip] = int(is_right.sum())
        if task.keeps_answers:
            answers[chip] = packed_answers(is_right)
    return Tally(task.id, len(task.network.labels), correct, answers)


def evaluator_of(network: ScoredNetwork) -> Evaluator | TorchEvaluator:
    """Return a network made ready for its images, which is done once for each.

    Raises
    ------
    InputError
        If the images do not fit the network, or the device is not there.
    """
    if network not in _EVALUATORS:
        test = network.images, network.labels
        if network.device == "cpu":
            _EVALUATORS[network] = Evaluator(network.folded, *test)
        else:
            from rramsim.network.scoring.torch_evaluator import TorchEvaluator

            _EVALUATORS[network] = TorchEvaluator(network.folded, *test, device=network.device)
    return _EVALUATORS[network]


def collect(
    tasks: Sequence[Task],
    *,
    rule: StoppingRule,
    workers: Workers | None = None,
    store: TallyStore | None = None,
    on_chips: OnChips | None = None,
) -> list[Tally]:
    """Score the chips of tasks, only those that the store does not hold.

    Where every chip is the same (`is_deterministic`, as with a BER of 0) one is scored and
    stands for all: the tally is the one that scoring each would give.

    Parameters
    ----------
    tasks : sequence of Task
        A task given twice is scored once; one of the two that keeps answers comes first.
    rule : StoppingRule
        How many chips each task takes.
    workers : Workers, optional
        Who scores; this process by default. The answers do not depend on it.
    store : TallyStore, optional
        What is known already; new chips are written to it as they come (at most once a second,
        and at the end, an interrupt or an error too).
    on_chips : callable, optional
        Called once before the first chip and whenever some are done. The second number falls
        when a task turns out to need fewer chips.

    Returns
    -------
    list of Tally
        One for each task, of the chips that `rule` asks for and no others.

    Raises
    ------
    InputError
        If the store's file cannot be written, its tally is of another number of images, images
        do not fit their network, or workers are lost.
    """
    workers = ThisProcess() if workers is None else workers
    open_tasks: dict[str, _Open] = {}
    for task in tasks:
        if task.id not in open_tasks:
            open_tasks[task.id] = _Open(task, rule, _known(task, store))
    pending = _Pending(store)
    try:
        waiting = sum(_submit(workers, one) for one in open_tasks.values())
        _report(on_chips, open_tasks)
        while waiting:
            tally = workers.next_tally()
            pending.count(tally)
            one = open_tasks[tally.task_id]
            one.count(tally)
            waiting += _submit(workers, one) - 1
            _report(on_chips, open_tasks)
        for one in open_tasks.values():
            pending.count(one.copies())
    finally:
        pending.write()
    return [open_tasks[task.id].answer() for task in tasks]


def measure(
    tasks: Sequence[Task],
    *,
    rule: StoppingRule,
    workers: Workers | None = None,
    store: TallyStore | None = None,
    on_chips: OnChips | None = None,
) -> list[ChipAccuracy]:
    """Return the accuracy over chips of each task, from the chips that the rule asks for.

    Parameters
    ----------
    tasks, rule, workers, store, on_chips
        See `collect`.
    """
    tallies = collect(tasks, rule=rule, workers=workers, store=store, on_chips=on_chips)
    return [
        estimate(tally, deterministic=is_deterministic(task.faults), half_width=rule.half_width)
        for task, tally in zip(tasks, tallies, strict=True)
    ]


class _Open:
    """A task with the chips known of it."""

    def __init__(self, task: Task, rule: StoppingRule, known: Tally) -> None:
        self.task, self.tally = task, known
        self._rule, self._in_work = rule, 0
        self._deterministic = is_deterministic(task.faults)
        self._decide()

    def next_chips(self) -> list[int]:
        """Return the chips to score next; none while some are in work, or if all is known."""
        if self._in_work:
            return []
        chips = self._missing
        if self._deterministic:
            chips = [] if self.tally.chips else chips[:1]
        self._in_work = len(chips)
        return chips

    def count(self, tally: Tally) -> None:
        self.tally += tally
        self._in_work -= tally.chips
        if not self._in_work:
            self._decide()

    def copies(self) -> Tally:
        """Return, and count, the chips that one chip stands for."""
        ((_, score), *_), answers = self.tally.correct.items(), list(self.tally.answers.values())
        copies = Tally(
            self.tally.task_id,
            self.tally.images,
            dict.fromkeys(self._missing, score),
            dict.fromkeys(self._missing, answers[0]) if answers else {},
        )
        self.tally += copies
        self._decide()
        return copies

    def answer(self) -> Tally:
        return self.tally.first(self._needed)

    def progress(self) -> tuple[int, int]:
        """Return how many chips are known, and how many may be needed at most."""
        known = self.tally.chips
        if self._deterministic:
            return (self._needed if known else 0), self._needed
        if not self._missing:
            return self._needed, self._needed
        return min(known, self._rule.chips), self._rule.chips

    def _decide(self) -> None:
        self._needed = self._rule.needed(self.tally, deterministic=self._deterministic)
        self._missing = [chip for chip in range(self._needed) if chip not in self.tally.correct]


class _Pending:
    """New chips, handed on to the store in batches by time."""

    def __init__(self, store: TallyStore | None) -> None:
        self._counted: dict[str, Tally] = {}
        self._store = store
        self._write_at = time.monotonic() + WRITE_SECONDS

    def count(self, tally: Tally) -> None:
        if self._store is None or not tally.chips:
            return
        before = self._counted.get(tally.task_id)
        self._counted[tally.task_id] = tally if before is None else before + tally
        if time.monotonic() >= self._write_at:
            self.write()

    def write(self) -> None:
        if self._store is None or not self._counted:
            return
        # Asked of the store and not remembered here: an interrupt may come just after a write.
        self._store.add(*map(self._unwritten, self._counted.values()))
        self._counted = {}
        self._write_at = time.monotonic() + WRITE_SECONDS

    def _unwritten(self, tally: Tally) -> Tally:
        assert self._store is not None
        stored = self._store.tally(tally.task_id)
        if stored is None:
            return tally
        without = tally.answers.keys() - stored.answers.keys()
        return tally.of_chips({*without, *(tally.correct.keys() - stored.correct.keys())})


def _submit(workers: Workers, one: _Open) -> int:
    chips, size = one.next_chips(), workers.chips_per_item
    items = [tuple(chips[start : start + size]) for start in range(0, len(chips), size)]
    for item in items:
        workers.submit(WorkItem(one.task, item))
    return len(items)


def _report(on_chips: OnChips | None, open_tasks: Mapping[str, _Open]) -> None:
    if on_chips is not None:
        known, most = zip(*(one.progress() for one in open_tasks.values()), strict=True)
        on_chips(sum(known), sum(most))


def _known(task: Task, store: TallyStore | None) -> Tally:
    images = len(task.network.labels)
    known = store.tally(task.id) if store is not None else None
    if store is None or known is None:
        return Tally(task.id, images, {})
    if known.images != images:
        raise InputError(
            f"{store.path}: the rows of task {task.id} count {known.images} images, but the "
            f"network is scored on {images}. Delete those rows or the file."
        )
    # A chip whose answers were not kept is scored again.
    return known.of_chips(known.answers) if task.keeps_answers else known
