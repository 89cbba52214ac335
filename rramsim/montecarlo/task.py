"""The question a Monte Carlo run answers: how accurate is a network on the chips of a fault model?

A task has an id, under which its tallies are kept, and chips, each drawn in the same way in
whatever order, batch or process. How they are scored is not its business (see `score_chips`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import Flips, FreshFlips, Words
from rramsim.crossbar.faults import (
    ChipFaults,
    by_layer,
    draws_chips,
    has_fresh_reads,
    is_deterministic,
    wrong_cells,
)
from rramsim.crossbar.sampling import ChipSeeds
from rramsim.errors import InputError, refused

if TYPE_CHECKING:
    from rramsim.crossbar.faults import FaultModel
    from rramsim.network.folded.network import FoldedNetwork

DRAWING = 2
"""Number of the way in which chips are drawn. It is part of every id: whoever changes which
flips a chip gives must raise it, so that answers drawn in two ways are never added up."""

SMALL_CELLS = 1 << 18
"""Chips of networks without a greater layer are drawn together."""

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
    keeps_answers : bool
        Whether its tally keeps which images a chip classifies correctly. The question is the same.
    images_per_chip : int, optional
        Score each chip on so many of the images, drawn for it (`block`); all without. Chips that
        are all the same (`is_deterministic`) keep all images: one of them tells all.

    Raises
    ------
    InputError
        If the fault model lacks something (see `FaultModel`), there are fault models for more
        or fewer layers than the network has, the seed is out of range, or there are not so many
        images.
    ValueError
        If answers are to be kept of some of the images.
    """

    network: ScoredNetwork
    faults: ChipFaults
    seed: int
    keeps_answers: bool = False
    images_per_chip: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.seed < _SEED_LIMIT:
            raise InputError(f"The seed is {self.seed}; a number from 0 to 2**64 - 1 is needed.")
        by_layer(self.faults, len(self.network.folded.layers))
        faults_text(self.faults)
        self._check_images()

    def _check_images(self) -> None:
        images, asked = len(self.network.labels), self.images_per_chip
        if asked is None:
            return
        if not 1 <= asked <= images:
            accepted = f"1 to {images}, the number of test images"
            raise refused("images_per_chip", asked, accepted)
        if asked == images or is_deterministic(self.faults):
            object.__setattr__(self, "images_per_chip", None)
        elif self.keeps_answers:
            raise ValueError("answers are kept of chips that are scored on all images")

    @property
    def content(self) -> str:
        """The whole question as one line of canonical JSON."""
        some = {} if self.images_per_chip is None else {"images_per_chip": self.images_per_chip}
        return canonical_json(
            {
                "drawing": DRAWING,
                "faults": json.loads(faults_text(self.faults)),
                "images": self.network.images_id,
                "network": self.network.folded.content_id,
                "seed": self.seed,
                **some,
            }
        )

    @cached_property
    def id(self) -> str:
        """SHA-256 of `content`, in hexadecimal: equal for equal questions only."""
        return hashlib.sha256(self.content.encode()).hexdigest()

    def block(self, chip: int) -> NDArray[np.int64] | None:
        """Return the numbers of the images that a chip is scored on, rising; None for all.

        They are a simple random sample without replacement, drawn for each chip on its own: those
        of the least random numbers, of which every image has one. The key is that of the chip's
        cells with the number of layers in place of a layer, so that the images of a chip depend
        neither on its cells nor on the faults, and fewer images are some of more.
        """
        if self.images_per_chip is None:
            return None
        folded = self.network.folded
        key = (*_network_words(folded), chip, len(folded.layers))
        # Raw words, since NumPy may change how it makes samples of them.
        source = np.random.Philox(np.random.SeedSequence(self.seed, spawn_key=key))
        numbers = source.random_raw(len(self.network.labels))
        greatest = np.partition(numbers, self.images_per_chip - 1)[self.images_per_chip - 1]
        return np.flatnonzero(numbers <= greatest)[: self.images_per_chip]

    def draw(self, chip: int) -> list[Flips]:
        """Return the wrong cells of one chip, by layer; see `draw_chip`."""
        return draw_chip(self.network.folded, self.faults, seed=self.seed, chip=chip)

    @cached_property
    def draws_together(self) -> bool:
        """Whether many chips are drawn at once (`draw_together`): of small layers, and no others.

        A fault model of a user's own draws one chip at a time.
        """
        layers = self.network.folded.layers
        are_small = max(layer.signs.size for layer in layers) <= SMALL_CELLS
        return are_small and None not in map(draws_chips, by_layer(self.faults, len(layers)))

    def draw_together(self, chips: Sequence[int]) -> list[Words]:
        """Return what `draw` gives of many chips, a mask (chips, neurons, words) for each layer.

        Their numbers are below 2**32.
        """
        layers, words = self.network.folded.layers, _network_words(self.network.folded)
        masks = []
        for number, (layer, faults) in enumerate(
            zip(layers, by_layer(self.faults, len(layers)), strict=True)
        ):
            model = draws_chips(faults)
            assert model is not None
            seeds = ChipSeeds(self.seed, words, chips, number)
            masks.append(model.draw_chips(layer.matrix, seeds))
        return masks

    def draw_reads(self, chip: int) -> list[Flips | FreshFlips]:
        """Return the wrong cells of one chip, or of layers that are read anew what draws them."""
        return [
            model.reads(matrix, seed)  # type: ignore[attr-defined]
            if has_fresh_reads(model)
            else wrong_cells(model, matrix, seed)
            for model, matrix, seed in drawn_layers(
                self.network.folded, self.faults, seed=self.seed, chip=chip
            )
        ]


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
        If a fault model gives positions outside the layer, or reads cells anew for every image
        (`Task.draw_reads`).
    """
    if has_fresh_reads(faults):
        raise InputError(
            "read noise that is fresh at every image leaves no wrong cells that hold for all "
            "images; accepted here is frozen noise."
        )
    return [wrong_cells(*one) for one in drawn_layers(folded, faults, seed=seed, chip=chip)]


def drawn_layers(
    folded: FoldedNetwork, faults: ChipFaults, *, seed: int, chip: int
) -> Iterator[tuple[FaultModel, NDArray[np.int8], np.random.SeedSequence]]:
    """Yield for each layer its model, its weights and its source of chance on one chip."""
    models = by_layer(faults, len(folded.layers))
    words = _network_words(folded)
    for number, (layer, model) in enumerate(zip(folded.layers, models, strict=True)):
        yield (
            model,
            layer.matrix,
            np.random.SeedSequence(seed, spawn_key=(*words, chip, number)),
        )


def _network_words(folded: FoldedNetwork) -> list[int]:
    """Return words of 32 bits that stand for a network in the keys of its chips."""
    # The hash makes words of any id, and lets none run into the numbers that follow.
    digest = hashlib.sha256(folded.content_id.encode()).digest()
    words: list[int] = np.frombuffer(digest, dtype=">u4").tolist()
    return words


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
