"""Questions answered: chips scored until each has its answer, only those still missing."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from rramsim.errors import InputError
from rramsim.montecarlo.chip import Question, score_chips
from rramsim.montecarlo.stopping import StoppingRule
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.tally import Tally

OnChips = Callable[[int, int], None]
"""Called with the number of chips known by now and the number that may be needed at most."""

# The store writes its whole file each time: at most once in this many seconds.
WRITE_SECONDS = 1.0


class WorkItem(NamedTuple):
    """Chips of one question to score; items do not depend on each other."""

    question: Question
    draws: tuple[int, ...]


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
        question, draws = self._items.popleft()
        return score_chips(question.network, question.faults, task=question.task, draws=draws)


def collect(
    questions: Sequence[Question],
    *,
    rule: StoppingRule,
    workers: Workers | None = None,
    store: TallyStore | None = None,
    on_chips: OnChips | None = None,
) -> list[Tally]:
    """Answer questions, scoring only chips that the store does not hold.

    Where every chip is the same (`FaultModel.certain`, as with a BER of 0) one is scored and
    stands for all: the tally is the one that scoring each would give.

    Parameters
    ----------
    questions : sequence of Question
        Questions asked twice are answered once.
    rule : StoppingRule
        How many chips each question takes.
    workers : Workers, optional
        Who scores; this process by default. The answers do not depend on it.
    store : TallyStore, optional
        What is known already; new chips are written to it as they come (at most once a second,
        and at the end, an interrupt or an error too).
    on_chips : callable, optional
        Called once before the first chip and whenever some are done. The second number falls
        when a question turns out to need fewer chips.

    Returns
    -------
    list of Tally
        One for each question, of the draws that `rule` asks for and no others.

    Raises
    ------
    InputError
        If the store's file cannot be written, its tally is of another number of images, images
        do not fit their network, or workers are lost.
    """
    workers = ThisProcess() if workers is None else workers
    open_questions: dict[str, _Open] = {}
    for question in questions:
        if question.task.id not in open_questions:
            open_questions[question.task.id] = _Open(question, rule, _known(question, store))
    pending = _Pending(store)
    try:
        waiting = sum(_submit(workers, one) for one in open_questions.values())
        _tell(on_chips, open_questions)
        while waiting:
            tally = workers.next_tally()
            pending.count(tally)
            one = open_questions[tally.task_id]
            one.count(tally)
            waiting += _submit(workers, one) - 1
            _tell(on_chips, open_questions)
        for one in open_questions.values():
            pending.count(one.copies())
    finally:
        pending.write()
    return [open_questions[question.task.id].answer() for question in questions]


class _Open:
    """A question with the chips known of it."""

    def __init__(self, question: Question, rule: StoppingRule, known: Tally) -> None:
        self.question, self.tally = question, known
        self._rule, self._in_work = rule, 0
        self._certain = question.faults.certain
        self._decide()

    def next_draws(self) -> list[int]:
        """Return the draws to score next; none while some are in work, or if all is known."""
        if self._in_work:
            return []
        draws = self._missing
        if self._certain:
            draws = [] if self.tally.maps else draws[:1]
        self._in_work = len(draws)
        return draws

    def count(self, tally: Tally) -> None:
        self.tally += tally
        self._in_work -= tally.maps
        if not self._in_work:
            self._decide()

    def copies(self) -> Tally:
        """Return, and count, the draws that one chip stands for."""
        score = next(iter(self.tally.correct.values()))
        copies = Tally(self.tally.task_id, self.tally.images, dict.fromkeys(self._missing, score))
        self.tally += copies
        self._decide()
        return copies

    def answer(self) -> Tally:
        return self.tally.first(self._chips)

    def progress(self) -> tuple[int, int]:
        """Return how many chips are known, and how many may be needed at most."""
        known = self.tally.maps
        if self._certain:
            return (self._chips if known else 0), self._chips
        if not self._missing:
            return self._chips, self._chips
        return min(known, self._rule.maps), self._rule.maps

    def _decide(self) -> None:
        self._chips = self._rule.chips(self.tally, certain=self._certain)
        self._missing = [draw for draw in range(self._chips) if draw not in self.tally.correct]


class _Pending:
    """New draws, handed on to the store in batches by time."""

    def __init__(self, store: TallyStore | None) -> None:
        self._counted: dict[str, Tally] = {}
        self._store = store
        self._write_at = time.monotonic() + WRITE_SECONDS

    def count(self, tally: Tally) -> None:
        if self._store is None or not tally.maps:
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
        known = stored.correct.keys() if stored else set()
        counted = {draw: tally.correct[draw] for draw in tally.correct.keys() - known}
        return Tally(tally.task_id, tally.images, counted)


def _submit(workers: Workers, one: _Open) -> int:
    draws, size = one.next_draws(), workers.chips_per_item
    items = [tuple(draws[start : start + size]) for start in range(0, len(draws), size)]
    for item in items:
        workers.submit(WorkItem(one.question, item))
    return len(items)


def _tell(on_chips: OnChips | None, open_questions: Mapping[str, _Open]) -> None:
    if on_chips is not None:
        known, most = zip(*(one.progress() for one in open_questions.values()), strict=True)
        on_chips(sum(known), sum(most))


def _known(question: Question, store: TallyStore | None) -> Tally:
    images = len(question.network.labels)
    task_id = question.task.id
    known = store.tally(task_id) if store is not None else None
    if store is None or known is None:
        return Tally(task_id, images, {})
    if known.images != images:
        raise InputError(
            f"{store.path}: the rows of task {task_id} count {known.images} images, but the "
            f"network is scored on {images}. Delete those rows or the file."
        )
    return known
