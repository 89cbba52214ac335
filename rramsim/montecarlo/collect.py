"""Chips drawn and scored, as many as are still missing."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import Words
from rramsim.errors import InputError
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.tally import Tally
from rramsim.montecarlo.task import Task, faults_text

if TYPE_CHECKING:
    from rramsim.crossbar.faults import FaultModel
    from rramsim.network.evaluation import Evaluator
    from rramsim.network.folding import FoldedNetwork

Flips = list[NDArray[np.int64] | Words]
"""Wrong cells of each layer: sorted positions, or a mask (`rramsim.bits`)."""

OnDraw = Callable[[int, int], None]
"""Called with the number of chips known by now and the number asked for."""

# The store writes its whole file each time: at most once in this many seconds.
WRITE_SECONDS = 1.0


def draw_chip(folded: FoldedNetwork, faults: FaultModel, *, task: Task, draw: int) -> Flips:
    """Program one chip: draw the cells of each layer that are wrong, for all that is read.

    The source of chance is keyed by seed, network, draw and layer, so a chip is the same in
    whatever order, batch or process it is drawn, and every layer has cells of its own. Neither
    the images nor the faults are part of the key: one chip is asked many questions, and under
    greater BERs it keeps the wrong cells that it has under smaller ones.

    Parameters
    ----------
    folded : FoldedNetwork
        The network whose sign weights are stored.
    faults : FaultModel
        Which cells go wrong.
    task : Task
        The question the chip is drawn for; its seed and network are part of the key.
    draw : int
        Number of the chip, from 0.

    Returns
    -------
    list of numpy.ndarray
        For each layer, sorted distinct flat (C order) positions in its ``(neurons, inputs)``, or
        a mask (see `FaultModel.draw`).
    """
    return [
        faults.draw(layer.signs, _seed(task, draw=draw, layer=number))
        for number, layer in enumerate(folded.layers)
    ]


def collect(
    task: Task,
    evaluator: Evaluator,
    faults: FaultModel,
    *,
    maps: int,
    store: TallyStore | None = None,
    on_draw: OnDraw | None = None,
) -> Tally:
    """Return the tally of chips 0 to ``maps - 1``, drawing only those the store does not hold.

    Where every chip is the same (`FaultModel.certain`, as with a BER of 0) the first missing
    one is scored and stands for all: the tally is the one that scoring each would give.

    Parameters
    ----------
    task : Task
        The question; it must be of the evaluator's network and of `faults`.
    evaluator : Evaluator
        The network and the test images.
    faults : FaultModel
        Which cells go wrong.
    maps : int
        Number of chips, at least 1.
    store : TallyStore, optional
        What is known already; new chips are written to it as they come (at most once a second,
        and at the end, an interrupt or an error too).
    on_draw : callable, optional
        Called after each new chip, and once before the first, with the chips known and `maps`.

    Returns
    -------
    Tally
        Of exactly `maps` chips, even where the store holds more.

    Raises
    ------
    ValueError
        If the task is not of this network or of these faults, or `maps` is below 1.
    InputError
        If the store's file cannot be written, or its tally is of another number of images.
    """
    _check(task, evaluator, faults, maps)
    tally = _known(task, evaluator, store).first(maps)
    pending = _Pending(task.id, evaluator.images, store)
    score: int | None = None
    if on_draw is not None:
        on_draw(tally.maps, maps)
    try:
        for draw in range(maps):
            if draw in tally.correct:
                continue
            if score is None or not faults.certain:
                score = _score(evaluator, draw_chip(evaluator.folded, faults, task=task, draw=draw))
            pending.count(draw, score)
            if on_draw is not None:
                on_draw(tally.maps + len(pending.counted), maps)
    finally:
        pending.write()
    return tally + Tally(task.id, evaluator.images, pending.counted)


class _Pending:
    """New draws, handed on to the store in batches by time."""

    def __init__(self, task_id: str, images: int, store: TallyStore | None) -> None:
        self.counted: dict[int, int] = {}
        self._task_id, self._images, self._store = task_id, images, store
        self._write_at = time.monotonic() + WRITE_SECONDS

    def count(self, draw: int, correct: int) -> None:
        self.counted[draw] = correct
        if time.monotonic() >= self._write_at:
            self.write()

    def write(self) -> None:
        if self._store is None:
            return
        # Asked of the store and not remembered here: an interrupt may come just after a write.
        stored = self._store.tally(self._task_id)
        unwritten = self.counted.keys() - (stored.correct.keys() if stored else ())
        if unwritten:
            counted = {draw: self.counted[draw] for draw in unwritten}
            self._store.add(Tally(self._task_id, self._images, counted))
        self._write_at = time.monotonic() + WRITE_SECONDS


def _score(evaluator: Evaluator, flips: Flips) -> int:
    # A chip without a flip is the network itself, which the evaluator scores only once.
    return evaluator.correct(flips if any(layer.size for layer in flips) else None)


def _known(task: Task, evaluator: Evaluator, store: TallyStore | None) -> Tally:
    known = store.tally(task.id) if store is not None else None
    if store is None or known is None:
        return Tally(task.id, evaluator.images, {})
    if known.images != evaluator.images:
        raise InputError(
            f"{store.path}: the rows of task {task.id} count {known.images} images, but the "
            f"network is scored on {evaluator.images}. Delete those rows or the file."
        )
    return known


def _seed(task: Task, *, draw: int, layer: int) -> np.random.SeedSequence:
    # The hash makes words of any id, and lets none run into the numbers that follow.
    network = hashlib.sha256(task.network_id.encode()).digest()
    words = np.frombuffer(network, dtype=">u4").tolist()
    return np.random.SeedSequence(task.seed, spawn_key=(*words, draw, layer))


def _check(task: Task, evaluator: Evaluator, faults: FaultModel, maps: int) -> None:
    if maps < 1:
        raise ValueError(f"At least 1 chip is needed, not {maps}.")
    if task.network_id != evaluator.folded.content_id:
        raise ValueError(f"Task {task.content} is not of network {evaluator.folded.content_id}.")
    if task.faults != faults_text(faults):
        raise ValueError(f"Task {task.content} is not of the faults {faults_text(faults)}.")
