"""The question a Monte Carlo run answers: how accurate is a network on the chips of a fault model?

A task has an id, under which its tallies are kept, and chips, each drawn in the same way in
whatever order, batch or process.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import Flips
from rramsim.crossbar.faults import ChipFaults, by_layer, wrong_cells
from rramsim.errors import InputError
from rramsim.montecarlo.tally import Tally

if TYPE_CHECKING:
    from rramsim.network.folded.network import FoldedNetwork
    from rramsim.network.scoring.constant_neurons import HiddenNeurons
    from rramsim.network.scoring.evaluator import Evaluator
    from rramsim.network.scoring.torch_evaluator import TorchEvaluator

DRAWING = 2
"""Number of the way in which chips are drawn. It is part of every id: whoever changes which
flips a chip gives must raise it, so that answers drawn in two ways are never added up."""

_SEED_LIMIT = 2**64


@dataclass(frozen=True, eq=False)
class ScoredNetwork:
    """A folded network and the test images it is scored on.

    Attributes
    ----------
    folded : FoldedNetwork
        The network, free of faults.
    images : uint8 array, shape (images, inputs)
        Pixels.
    labels : integer array, shape (images,)
        The right class of each image.
    images_id : str
        Content id of the image set.
    device : str
        ``"cpu"``, or a device of torch that scores instead; the results are the same.
    """

    folded: FoldedNetwork
    images: NDArray[np.uint8]
    labels: NDArray[np.integer]
    images_id: str
    device: str = "cpu"

    @cached_property
    def evaluator(self) -> Evaluator | TorchEvaluator:
        """The network made ready for the images.

        Raises
        ------
        InputError
            If the images do not fit the network, or the device is not there.
        """
        if self.device != "cpu":
            from rramsim.network.scoring.torch_evaluator import TorchEvaluator

            return TorchEvaluator(self.folded, self.images, self.labels, device=self.device)
        from rramsim.network.scoring.evaluator import Evaluator

        return Evaluator(self.folded, self.images, self.labels)

    @cached_property
    def hidden_neurons(self) -> HiddenNeurons:
        """The hidden neurons made ready for the images; by the cores, whatever `device` is."""
        from rramsim.network.scoring.constant_neurons import HiddenNeurons

        return HiddenNeurons(self.folded, self.images)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process without the evaluator, which is made there in no time."""
        return ScoredNetwork, (self.folded, self.images, self.labels, self.images_id, self.device)


@dataclass(frozen=True, eq=False)
class Task:
    """One network on one set of images with the chips of one fault model.

    Attributes
    ----------
    network : ScoredNetwork
    faults : FaultModel or LayerFaults
        Which cells go wrong.
    seed : int
        Seed of the study, 0 to 2**64 - 1.

    Raises
    ------
    InputError
        If the fault model lacks something (see `FaultModel`), or there are fault models for more
        or fewer layers than the network has.
    ValueError
        If the seed is out of range.
    """

    network: ScoredNetwork
    faults: ChipFaults
    seed: int

    def __post_init__(self) -> None:
        if not 0 <= self.seed < _SEED_LIMIT:
            raise ValueError(f"The seed is {self.seed}; a number from 0 to 2**64 - 1 is needed.")
        by_layer(self.faults, len(self.network.folded.layers))
        faults_text(self.faults)

    @property
    def content(self) -> str:
        """The whole question as one line of canonical JSON."""
        return canonical_json(
            {
                "drawing": DRAWING,
                "faults": json.loads(faults_text(self.faults)),
                "images": self.network.images_id,
                "network": self.network.folded.content_id,
                "seed": self.seed,
            }
        )

    @cached_property
    def id(self) -> str:
        """SHA-256 of `content`, in hexadecimal: equal for equal questions only."""
        return hashlib.sha256(self.content.encode()).hexdigest()

    def draw(self, chip: int) -> list[Flips]:
        """Return the wrong cells of one chip, by layer; see `draw_chip`."""
        return draw_chip(self.network.folded, self.faults, seed=self.seed, chip=chip)


def draw_chip(folded: FoldedNetwork, faults: ChipFaults, *, seed: int, chip: int) -> list[Flips]:
    """Program one chip: draw the cells of each layer that are wrong, for all that is read.

    The source of chance is keyed by seed, network, chip and layer, so a chip is the same in
    whatever order, batch or process it is drawn, and every layer has cells of its own. Neither
    the images nor the faults are part of the key: one chip is asked many questions, and under
    greater BERs it keeps the wrong cells that it has under smaller ones.

    Parameters
    ----------
    folded : FoldedNetwork
        The network whose sign weights are stored.
    faults : FaultModel or LayerFaults
        Which cells go wrong.
    seed : int
        Seed of the study.
    chip : int
        Number of the chip, from 0.

    Returns
    -------
    list of numpy.ndarray
        For each layer, sorted distinct flat (C order) positions in its ``(neurons, inputs)``, or
        a mask (see `FaultModel.draw`).

    Raises
    ------
    InputError
        If a fault model gives positions outside the layer.
    """
    models = by_layer(faults, len(folded.layers))
    network = hashlib.sha256(folded.content_id.encode()).digest()
    # The hash makes words of any id, and lets none run into the numbers that follow.
    words = np.frombuffer(network, dtype=">u4").tolist()
    return [
        wrong_cells(
            model, layer.matrix, np.random.SeedSequence(seed, spawn_key=(*words, chip, number))
        )
        for number, (layer, model) in enumerate(zip(folded.layers, models, strict=True))
    ]


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
    evaluator = task.network.evaluator
    correct = {}
    for chip in chips:
        flips = task.draw(chip)
        # A chip without a flip is the network itself, which the evaluator scores only once.
        correct[chip] = evaluator.correct(flips if any(layer.size for layer in flips) else None)
    return Tally(task.id, len(task.network.labels), correct)


def faults_text(faults: ChipFaults) -> str:
    """Return a fault model's identity as canonical JSON, every digit of its numbers kept.

    Raises
    ------
    InputError
        If the identity is not made of plain texts, numbers, lists and dicts.
    """
    try:
        return canonical_json(faults.identity())
    except (TypeError, ValueError) as error:
        raise InputError(
            f"The fault model {type(faults).__name__}: identity() must give a dict of texts, "
            f"finite Python numbers and lists of them, which stands for the model in task ids "
            f"({error})."
        ) from error


def canonical_json(value: object) -> str:
    """Return `value` as JSON with sorted keys and no spaces, so that equal values read alike."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
