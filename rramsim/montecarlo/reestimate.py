"""Thresholds estimated anew for the chips of a fault model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rramsim.crossbar.faults import ChipFaults, bear_threads, is_deterministic
from rramsim.errors import InputError
from rramsim.files import set_aside, why_damaged
from rramsim.montecarlo.tally import Tally
from rramsim.montecarlo.task import (
    DRAWING,
    ScoredNetwork,
    Task,
    canonical_json,
    draw_chip,
    faults_text,
)
from rramsim.network.tensor_files import Arrays, read_arrays, write_arrays
from rramsim.parallel import Tell, side_by_side

if TYPE_CHECKING:
    from rramsim.images.image_set import ImageSet
    from rramsim.network.folded.fold import BatchNorm
    from rramsim.network.folded.network import FoldedNetwork
    from rramsim.network.model_files import SavedNetwork

CHIPS = 100
"""Chips the thresholds are estimated on: what one differs from another averages out."""

IMAGES = 10_000
"""Training images, at most, that are dealt out to these chips."""


def reestimated_for(
    saved: SavedNetwork,
    train_images: NDArray[np.uint8],
    faults: ChipFaults,
    *,
    seed: int,
    chips: int = CHIPS,
    images: int = IMAGES,
) -> FoldedNetwork:
    """Return a network whose thresholds fit every chip of a fault model; see `reestimate`.

    The chips it is estimated on are not those it is scored on: a chip's cells depend on the
    content of the network, thresholds included.

    Parameters
    ----------
    saved : SavedNetwork
        With the batch norm of each layer.
    train_images : uint8 array, shape (images, inputs)
        What it was trained on.
    faults : FaultModel or LayerFaults
        Which cells go wrong.
    seed : int
        Of the chips.
    chips, images : int
        Chips (fewer where there are not 2 images for each), and training images, evenly spaced.

    Raises
    ------
    InputError
        If the model file holds no batch norm, or the images do not fit the network.
    """
    from rramsim.network.scoring.reestimate import refolded

    norms = _norms_for(saved, train_images, faults, seed=seed, chips=chips, images=images)
    return refolded(saved, norms)


def _norms_for(
    saved: SavedNetwork,
    train_images: NDArray[np.uint8],
    faults: ChipFaults,
    *,
    seed: int,
    chips: int = CHIPS,
    images: int = IMAGES,
) -> list[BatchNorm]:
    from rramsim.network.scoring.reestimate import estimated_norms, spaced

    folded = saved.folded
    shown = spaced(train_images, images)
    count = 1 if is_deterministic(faults) else min(chips, len(shown) // 2)
    drawn = [draw_chip(folded, faults, seed=seed, chip=chip) for chip in range(count)]
    return estimated_norms(saved, shown, drawn)


@dataclass(frozen=True, eq=False)
class Estimation:
    """What thresholds are estimated anew from, as `reestimated_for` takes it.

    Attributes
    ----------
    saved : SavedNetwork
    images : ImageSet
        What it was trained on.
    faults : FaultModel or LayerFaults
    seed : int
    """

    saved: SavedNetwork
    images: ImageSet
    faults: ChipFaults
    seed: int

    @cached_property
    def id(self) -> str:
        """SHA-256, in hexadecimal, of all that the estimate depends on."""
        digest = hashlib.sha256()
        for norm in self.saved.norms:
            for values in (norm.gamma, norm.beta):
                digest.update(values.tobytes())
        content = {
            "chips": CHIPS,
            "drawing": DRAWING,
            "faults": json.loads(faults_text(self.faults)),
            "images": [self.images.content_id, IMAGES],
            "network": [self.saved.folded.content_id, digest.hexdigest()],
            "seed": self.seed,
        }
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()

    @property
    def fits_one_core(self) -> bool:
        """Whether it may be made beside others: it is small, and its chips bear threads."""
        folded = self.saved.folded
        is_small = not folded.convolutions and folded.weight_count < SMALL
        return is_small and bear_threads(self.faults)

    def norms(self) -> list[BatchNorm]:
        """Estimate the batch norm of each layer."""
        return _norms_for(self.saved, self.images.train_images, self.faults, seed=self.seed)


SMALL = 400_000
"""Networks of fewer weights are estimated side by side."""


class Reestimates:
    """Networks with thresholds estimated anew, from a file that keeps what was estimated.

    Parameters
    ----------
    path : Path
        Where means and variances are kept, of each estimate under its id (``.safetensors``). A
        damaged file is set aside and made again, which takes seconds.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: Arrays = {}
        if path.exists():
            try:
                self._known = read_arrays(path, kind=_KIND)[0]
            except InputError as error:
                set_aside(path, why_damaged(path, error))

    def networks(
        self, asked: Sequence[Estimation], on_done: Callable[[int, int], None]
    ) -> list[FoldedNetwork]:
        """Return the networks of estimates, made unless they are known.

        Parameters
        ----------
        asked : sequence of Estimation
        on_done : callable
            Told how many are done, and how many there are.
        """
        missing = [one for one in asked if f"{one.id}/0/mean" not in self._known]
        done = len(asked) - len(missing)

        def estimate(one: Estimation, tell: Tell[tuple[str, list[BatchNorm]]]) -> None:
            tell((one.id, one.norms()))

        def keep(news: tuple[str, list[BatchNorm]]) -> None:
            nonlocal done
            name, norms = news
            for number, norm in enumerate(norms):
                self._known[f"{name}/{number}/mean"] = norm.mean
                self._known[f"{name}/{number}/variance"] = norm.variance
            done += 1
            on_done(done, len(asked))

        if asked:
            on_done(done, len(asked))
        try:
            if all(one.fits_one_core for one in missing):
                side_by_side(estimate, missing, keep)
            else:
                for one in missing:
                    estimate(one, keep)
        finally:
            if len(asked) - len(missing) < done:
                write_arrays(self._path, self._known, kind=_KIND, record={})
        return list(map(self._network, asked))

    def _network(self, one: Estimation) -> FoldedNetwork:
        from rramsim.network.scoring.reestimate import refolded

        norms = [
            replace(
                norm,
                mean=self._known[f"{one.id}/{number}/mean"],
                variance=self._known[f"{one.id}/{number}/variance"],
            )
            for number, norm in enumerate(one.saved.norms)
        ]
        return refolded(one.saved, norms)


_KIND = "means and variances estimated anew"


def score_own_thresholds(
    saved: SavedNetwork,
    images: ImageSet,
    faults: ChipFaults,
    *,
    seed: int,
    chips: Sequence[int],
    shown: int = 2000,
) -> Tally:
    """Score chips that each have thresholds of their own, estimated on that very chip.

    They are the chips that `score_chips` draws for the network as it was trained.

    Parameters
    ----------
    saved, faults, seed
        See `reestimated_for`.
    images : ImageSet
        What it was trained on.
    chips : sequence of int
        Numbers of the chips.
    shown : int
        Training images, evenly spaced, that thresholds are estimated on.

    Returns
    -------
    Tally
        Under an id of its own.
    """
    from rramsim.network.scoring.evaluator import Evaluator
    from rramsim.network.scoring.reestimate import reestimate, spaced

    test = images.test_images, images.test_labels
    task = Task(ScoredNetwork(saved.folded, *test, images.content_id), faults, seed)
    correct = {}
    for chip in chips:
        flips = task.draw(chip)
        folded = reestimate(saved, spaced(images.train_images, shown), [flips])
        correct[chip] = Evaluator(folded, *test).correct(flips)
    return Tally(own_thresholds_id(task, shown=shown), len(images.test_labels), correct)


def own_thresholds_id(task: Task, *, shown: int) -> str:
    """Return the id of a task whose chips have thresholds of their own."""
    content = canonical_json({"task": task.content, "own_thresholds_from": shown})
    return hashlib.sha256(content.encode()).hexdigest()
