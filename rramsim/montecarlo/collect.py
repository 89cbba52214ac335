"""Chips scored until each task has those that its answer needs; only missing ones are scored."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeGuard
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from rramsim import parallel
from rramsim.crossbar.faults import bear_threads, is_deterministic
from rramsim.errors import InputError
from rramsim.montecarlo.blocks import fitting_images, on_blocks
from rramsim.montecarlo.estimate import ChipAccuracy, estimate
from rramsim.montecarlo.stopping import FIRST_LOOK, StoppingRule
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.tally import Tally, joined, packed_answers
from rramsim.montecarlo.task import ScoredNetwork, Task

if TYPE_CHECKING:
    from rramsim.network.scoring.evaluator import Evaluator
    from rramsim.network.scoring.torch_evaluator import TorchEvaluator

OnChips = Callable[[int, int], None]
"""Called with the number of chips known by now and the number that may be needed at most."""

WRITE_SECONDS = 1.0
"""The store writes its whole file each time: at most once in this many seconds."""

WRITING_SHARE = 0.05
"""Greatest share of the time that writing takes, where a file is so long that it takes more."""


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


BATCH = 32
"""Chips of a small network that are drawn and scored at once: of fewer, calls would take more
time than the work; and of more, what they take would not stay in the cache."""


class ThisProcess:
    """Scores chips here: those of small networks several at once, others each on all cores."""

    chips_per_item = 1

    def __init__(self) -> None:
        self._items: deque[WorkItem] = deque()
        self._begun: set[Future[list[Tally]]] = set()
        self._tallies: deque[Tally] = deque()

    def submit(self, item: WorkItem) -> None:
        """Take on an item."""
        self._items.append(item)

    def next_tally(self) -> Tally:
        """Return what an item counted: the first, or one of those scored beside it."""
        while not self._tallies:
            self._begin()
            if not self._begun:
                self._tallies.extend(_score_items(self._next_together()))
                break
            done, self._begun = wait(self._begun, return_when=FIRST_COMPLETED)
            for batch in done:
                self._tallies.extend(batch.result())
        # While the caller looks at this one, threads go on.
        self._begin()
        return self._tallies.popleft()

    def _begin(self) -> None:
        # No more than will be done soon, since an interrupt does not take them back.
        while self._items and len(self._begun) < 2 * parallel.cores():
            batch = self._next_batch()
            if not batch:
                break
            self._begun.add(parallel.begin(_score_items, batch))

    def _next_together(self) -> list[WorkItem]:
        """Take off the next item, and those that are best scored with it."""
        items = [self._items.popleft()]
        task = items[0].task
        if task.draws_together and _evaluators_of(task.network).are_small:
            while self._items and len(items) < BATCH and self._items[0].task is task:
                items.append(self._items.popleft())
        return items

    def _next_batch(self) -> list[WorkItem]:
        """Take off the next items if their chips go beside others; they are of one network."""
        first = self._items[0].task
        if parallel.cores() == 1 or not _goes_beside_others(first):
            return []
        batch: list[WorkItem] = []
        while self._items and len(batch) < BATCH and self._items[0].task.network is first.network:
            batch.append(self._items.popleft())
        return batch


def _goes_beside_others(task: Task) -> bool:
    return _evaluators_of(task.network).are_small and bear_threads(task.faults)


def _score_items(items: Sequence[WorkItem]) -> list[Tally]:
    tallies = []
    for task, same in groupby(items, key=attrgetter("task")):
        chips_of_items = [item.chips for item in same]
        chips = [chip for chips in chips_of_items for chip in chips]
        answers = _answers(task, chips)
        tallies += [_tally(task, {chip: answers[chip] for chip in one}) for one in chips_of_items]
    return tallies


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
    return _tally(task, _answers(task, chips))


class _Answers(NamedTuple):
    """Which images are right on a chip, and on which of all it was scored, None for all."""

    is_right: NDArray[np.bool_]
    block: NDArray[np.int64] | None


def _answers(task: Task, chips: Sequence[int]) -> dict[int, _Answers]:
    blocks = [task.block(chip) for chip in chips]
    with _evaluators_of(task.network).lent(task.network) as evaluator:
        found = _on_blocks(task, chips, evaluator, blocks)
    return dict(zip(chips, map(_Answers, found, blocks), strict=True))


def _on_blocks(
    task: Task,
    chips: Sequence[int],
    evaluator: Evaluator | TorchEvaluator,
    blocks: Sequence[NDArray[np.int64] | None],
) -> list[NDArray[np.bool_]]:
    """Return which of its images are right on each chip."""
    if len(chips) > 1 and task.draws_together and _takes_many(evaluator):
        starts = range(0, len(chips), BATCH)
        parts = (task.draw_together(chips[start : start + BATCH]) for start in starts)
        every = [is_right for masks in parts for is_right in evaluator.right_together(masks)]
        pairs = zip(every, blocks, strict=True)
        return [is_right if block is None else is_right[block] for is_right, block in pairs]
    drawn = zip(map(task.draw_reads, chips), blocks, strict=True)
    # A chip without a flip is the network itself, which the evaluator scores only once.
    return [
        evaluator.right(flips if any(layer.size for layer in flips) else None, block)
        for flips, block in drawn
    ]


def _takes_many(evaluator: Evaluator | TorchEvaluator) -> TypeGuard[Evaluator]:
    return evaluator.is_small and len(evaluator.folded.layers) > 1


def _tally(task: Task, answers: Mapping[int, _Answers]) -> Tally:
    correct = {chip: int(np.count_nonzero(one.is_right)) for chip, one in answers.items()}
    kept = answers if task.keeps_answers else {}
    packed = {chip: packed_answers(one.is_right) for chip, one in kept.items()}
    return Tally(task.id, _images(task), correct, packed, _error_free(task, answers))


def _images(task: Task) -> int:
    """Return the number of images that each chip is scored on."""
    return task.images_per_chip or len(task.network.labels)


def _error_free(task: Task, answers: Mapping[int, _Answers]) -> dict[int, int]:
    """Return what chips with images of their own would have right without errors."""
    if task.images_per_chip is None:
        return {}
    is_right = error_free_answers(task.network)
    return {chip: int(np.count_nonzero(is_right[one.block])) for chip, one in answers.items()}


def error_free_answers(network: ScoredNetwork) -> NDArray[np.bool_]:
    """Return which images a network classifies correctly without errors."""
    with _evaluators_of(network).lent(network) as evaluator:
        return evaluator.right()


class _Evaluators:
    """A network made ready for its images, once for each thread that scores it at one time."""

    def __init__(self, first: Evaluator | TorchEvaluator) -> None:
        self._free = [first]
        self.are_small = first.is_small

    @contextmanager
    def lent(self, network: ScoredNetwork) -> Iterator[Evaluator | TorchEvaluator]:
        try:
            evaluator = self._free.pop()
        except IndexError:
            evaluator = _evaluator(network)
        yield evaluator
        # One that an error or an interrupt left in the midst of a chip is not used again.
        self._free.append(evaluator)


_EVALUATORS: WeakKeyDictionary[ScoredNetwork, _Evaluators] = WeakKeyDictionary()


def _evaluators_of(network: ScoredNetwork) -> _Evaluators:
    if network not in _EVALUATORS:
        _EVALUATORS[network] = _Evaluators(_evaluator(network))
    return _EVALUATORS[network]


def _evaluator(network: ScoredNetwork) -> Evaluator | TorchEvaluator:
    """Return a network made ready; `InputError` where images do not fit or a device is missing."""
    test = network.images, network.labels
    # Imported here: kernels take half a second to load, and where all is known none is needed.
    if network.device == "cpu":
        from rramsim.network.scoring.evaluator import Evaluator

        return Evaluator(network.folded, *test)
    from rramsim.network.scoring.torch_evaluator import TorchEvaluator

    return TorchEvaluator(network.folded, *test, device=network.device)


def collect(
    tasks: Sequence[Task],
    *,
    rule: StoppingRule | Sequence[StoppingRule],
    workers: Workers | None = None,
    store: TallyStore | None = None,
    known: Sequence[Tally] = (),
    on_chips: OnChips | None = None,
) -> list[Tally]:
    """Score the chips of tasks, only those that the store does not hold.

    Where every chip is the same (`is_deterministic`, as with a BER of 0) one is scored and
    stands for all: the tally is the one that scoring each would give.

    Parameters
    ----------
    tasks : sequence of Task
        A task given twice is scored once; one of the two that keeps answers comes first.
    rule : StoppingRule or sequence of StoppingRule
        How many chips each task takes; one rule for all tasks, or one for each.
    workers : Workers, optional
        Who scores; this process by default. The answers do not depend on it.
    store : TallyStore, optional
        What is known already; new chips are written to it as they come (at most once a second,
        and at the end, an interrupt or an error too).
    known : sequence of Tally, optional
        What is known beside the store, which is not written to it.
    on_chips : callable, optional
        Called once before the first chip and whenever some are done. The second number falls
        when a task turns out to need fewer chips.

    Returns
    -------
    list of Tally
        One for each task, of the chips that its rule asks for and no others.

    Raises
    ------
    InputError
        If the store's file cannot be written, its tally is of another number of images, images
        do not fit their network, or workers are lost.
    """
    workers = ThisProcess() if workers is None else workers
    open_tasks: dict[str, _Open] = {}
    beside = {tally.task_id: tally for tally in known}
    rules = [rule] * len(tasks) if isinstance(rule, StoppingRule) else rule
    for task, its_rule in zip(tasks, rules, strict=True):
        if task.id not in open_tasks:
            open_tasks[task.id] = _Open(task, its_rule, _known(task, store, beside.get(task.id)))
    pending, progress = _Pending(store), _Progress(on_chips)
    try:
        waiting = sum(_submit(workers, one) for one in open_tasks.values())
        progress.report(*open_tasks.values())
        while waiting:
            tally = workers.next_tally()
            pending.count(tally)
            one = open_tasks[tally.task_id]
            one.count(tally)
            waiting += _submit(workers, one) - 1
            progress.report(one)
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
    fits_images: bool = False,
) -> list[ChipAccuracy]:
    """Return the accuracy over chips of each task, from the chips that the rule asks for.

    Parameters
    ----------
    tasks, rule, workers, store, on_chips
        See `collect`.
    fits_images : bool
        Score chips of tasks that take more than the first look of the rule on as many images as
        know the mean for the least work (`best_images`), by the spread of the first chips, which
        are scored on all images. Such chips are enough from the look on at which the spread of the
        first chips would be (`StoppingRule.after`).
    """
    known: list[Tally] = []
    rules = [rule] * len(tasks)
    scored: dict[str, Any] = {"workers": workers, "store": store, "on_chips": on_chips}
    if fits_images and rule.half_width:
        first = StoppingRule(min(FIRST_LOOK, rule.chips))
        asked = [replace(task, keeps_answers=True) for task in tasks]
        pilots = collect(asked, rule=first, **scored)
        fitted = [_fitted(*one, rule) for one in zip(tasks, pilots, strict=True)]
        tasks, known = [one.task for one in fitted], [one.known for one in fitted]
        rules = [one.rule for one in fitted]
    tallies = collect(tasks, rule=rules, known=known, **scored)
    return [
        estimate(
            tally,
            deterministic=is_deterministic(task.faults),
            half_width=rule.half_width,
            clean=_clean(task),
        )
        for task, tally in zip(tasks, tallies, strict=True)
    ]


class _Fitted(NamedTuple):
    """A task on the images that suit its chips, what is known of its first chips, and its rule."""

    task: Task
    known: Tally
    rule: StoppingRule


def _fitted(task: Task, pilot: Tally, rule: StoppingRule) -> _Fitted:
    if is_deterministic(task.faults):
        return _Fitted(task, pilot, rule)
    error_free = error_free_answers(task.network)
    some = replace(task, images_per_chip=fitting_images(task, pilot, rule, error_free))
    if some.images_per_chip is None:
        return _Fitted(some, pilot, rule)
    return _Fitted(some, on_blocks(pilot, some, error_free), rule.after(pilot))


def _clean(task: Task) -> float:
    """Return the accuracy without errors on all images, where chips are scored on some."""
    if task.images_per_chip is None:
        return math.nan
    return float(error_free_answers(task.network).mean())


class _Open:
    """A task with the chips known of it."""

    def __init__(self, task: Task, rule: StoppingRule, known: Tally) -> None:
        self.task, self.tally = task, known
        # Those that came since chips were last submitted, and their number.
        self._new: list[Tally] = []
        self._come = self._in_work = 0
        self._rule = rule
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
        self._new.append(tally)
        self._come += tally.chips
        if self._come == self._in_work:
            self.tally = joined([self.tally, *self._new])
            self._new, self._come, self._in_work = [], 0, 0
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
        known = self.tally.chips + self._come
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
        self._counted: dict[str, list[Tally]] = {}
        self._store = store
        self._write_at = time.monotonic() + WRITE_SECONDS

    def count(self, tally: Tally) -> None:
        if self._store is None or not tally.chips:
            return
        self._counted.setdefault(tally.task_id, []).append(tally)
        if time.monotonic() >= self._write_at:
            self.write()

    def write(self) -> None:
        if self._store is None or not self._counted:
            return
        began = time.monotonic()
        # Asked of the store and not remembered here: an interrupt may come just after a write.
        self._store.add(*(self._unwritten(joined(each)) for each in self._counted.values()))
        self._counted = {}
        ended = time.monotonic()
        self._write_at = ended + max(WRITE_SECONDS, (ended - began) / WRITING_SHARE)

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


class _Progress:
    """Chips known and needed of all tasks, of which most stay as they are when one changes."""

    def __init__(self, on_chips: OnChips | None) -> None:
        self._on_chips = on_chips
        self._by_task: dict[str, tuple[int, int]] = {}
        self._known = self._most = 0

    def report(self, *changed: _Open) -> None:
        if self._on_chips is None:
            return
        for one in changed:
            known, most = one.progress()
            known_before, most_before = self._by_task.get(one.task.id, (0, 0))
            self._known += known - known_before
            self._most += most - most_before
            self._by_task[one.task.id] = known, most
        self._on_chips(self._known, self._most)


def _known(task: Task, store: TallyStore | None, beside: Tally | None) -> Tally:
    stored = _stored(task, store)
    if beside is None:
        return stored
    return joined([stored, beside.of_chips(beside.correct.keys() - stored.correct.keys())])


def _stored(task: Task, store: TallyStore | None) -> Tally:
    images = _images(task)
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
