"""One network, its test images, and the chips it is programmed into."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import Words
from rramsim.crossbar.faults import ChipFaults, by_layer
from rramsim.montecarlo.tally import Tally
from rramsim.montecarlo.task import Task, faults_text

if TYPE_CHECKING:
    from rramsim.network.folded.network import FoldedNetwork
    from rramsim.network.scoring.constant_neurons import HiddenNeurons
    from rramsim.network.scoring.evaluator import Evaluator
    from rramsim.network.scoring.torch_evaluator import TorchEvaluator

Flips = list[NDArray[np.int64] | Words]
"""Wrong cells of each layer: sorted positions, or a mask (`rramsim.bits`)."""


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
class Question:
    """The question how accurate a network is on the chips of a fault model.

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
        If there are fault models for more or fewer layers than the network has.
    """

    network: ScoredNetwork
    faults: ChipFaults
    seed: int

    def __post_init__(self) -> None:
        by_layer(self.faults, len(self.network.folded.layers))

    @cached_property
    def task(self) -> Task:
        """The question in words, with the id under which its tallies are kept."""
        return Task(
            network_id=self.network.folded.content_id,
            images_id=self.network.images_id,
            faults=faults_text(self.faults),
            seed=self.seed,
        )


def draw_chip(folded: FoldedNetwork, faults: ChipFaults, *, task: Task, draw: int) -> Flips:
    """Program one chip: draw the cells of each layer that are wrong, for all that is read.

    The source of chance is keyed by seed, network, draw and layer, so a chip is the same in
    whatever order, batch or process it is drawn, and every layer has cells of its own. Neither
    the images nor the faults are part of the key: one chip is asked many questions, and under
    greater BERs it keeps the wrong cells that it has under smaller ones.

    Parameters
    ----------
    folded : FoldedNetwork
        The network whose sign weights are stored.
    faults : FaultModel or LayerFaults
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
    models = by_layer(faults, len(folded.layers))
    return [
        model.draw(layer.matrix, _seed(task, draw=draw, layer=number))
        for number, (layer, model) in enumerate(zip(folded.layers, models, strict=True))
    ]


def score_chips(
    network: ScoredNetwork, faults: ChipFaults, *, task: Task, draws: Sequence[int]
) -> Tally:
    """Draw chips and score the network on each; the same in any process, order and batch.

    Parameters
    ----------
    network, faults, task
        Of one `Question`.
    draws : sequence of int
        Numbers of the chips.

    Returns
    -------
    Tally
        Of these draws.
    """
    evaluator = network.evaluator
    correct = {}
    for draw in draws:
        flips = draw_chip(network.folded, faults, task=task, draw=draw)
        # A chip without a flip is the network itself, which the evaluator scores only once.
        correct[draw] = evaluator.correct(flips if any(layer.size for layer in flips) else None)
    return Tally(task.id, len(network.labels), correct)


def _seed(task: Task, *, draw: int, layer: int) -> np.random.SeedSequence:
    # The hash makes words of any id, and lets none run into the numbers that follow.
    network = hashlib.sha256(task.network_id.encode()).digest()
    words = np.frombuffer(network, dtype=">u4").tolist()
    return np.random.SeedSequence(task.seed, spawn_key=(*words, draw, layer))
