"""Thresholds estimated anew for the chips of a fault model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rramsim.crossbar.faults import ChipFaults, is_deterministic
from rramsim.montecarlo.tally import Tally
from rramsim.montecarlo.task import ScoredNetwork, Task, canonical_json, draw_chip

if TYPE_CHECKING:
    from rramsim.images.image_set import ImageSet
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
    from rramsim.network.scoring.reestimate import reestimate, spaced

    folded = saved.folded
    shown = spaced(train_images, images)
    count = 1 if is_deterministic(faults) else min(chips, len(shown) // 2)
    drawn = [draw_chip(folded, faults, seed=seed, chip=chip) for chip in range(count)]
    return reestimate(saved, shown, drawn)


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
