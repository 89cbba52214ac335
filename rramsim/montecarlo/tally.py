"""The answer to a task, as far as it is known: correct images, chip by chip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Tally:
    """How many images each drawn chip classified correctly.

    All images of a chip share its faults, so the counts of two chips differ by more than chance
    over images: they are kept by chip and never pooled. Tallies of one task add, in any order,
    while they hold different chips.

    Parameters
    ----------
    task_id : str
        The question (`Task.id`).
    images : int
        Images each chip was scored on, at least 1.
    correct : mapping of int to int
        By chip (0, 1, ...): images classified correctly, 0 to `images`. Kept in rising order.
    answers : mapping of int to bytes
        By chip, where they are kept: which images those are (`packed_answers`).

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    task_id: str
    images: int
    correct: Mapping[int, int]
    answers: Mapping[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.images < 1:
            raise ValueError(f"A chip is scored on at least 1 image, not {self.images}.")
        for chip, correct in self.correct.items():
            if chip < 0:
                raise ValueError(f"Chips are numbered from 0; found {chip}.")
            if not 0 <= correct <= self.images:
                raise ValueError(
                    f"Chip {chip} has {correct} correct images; 0 to {self.images} are possible."
                )
        for chip, answers in self.answers.items():
            if chip not in self.correct:
                raise ValueError(f"Chip {chip} has answers, but no number of correct images.")
            if (len(answers), _ones(answers)) != (-(-self.images // 8), self.correct[chip]):
                raise ValueError(f"The answers of chip {chip} are not those that were counted.")
        object.__setattr__(self, "correct", dict(sorted(self.correct.items())))
        object.__setattr__(self, "answers", dict(sorted(self.answers.items())))

    def __add__(self, other: Tally) -> Tally:
        """Return the chips of both; they must be of one task and share no chip."""
        if not isinstance(other, Tally):
            return NotImplemented
        if self.task_id != other.task_id:
            raise ValueError(
                f"Tallies of two tasks do not add: {self.task_id} and {other.task_id}."
            )
        if self.images != other.images:
            raise ValueError(
                f"Tallies of one task count the same images, not {self.images} and {other.images}."
            )
        shared = self.correct.keys() & other.correct.keys()
        if shared:
            raise ValueError(
                f"Chip {min(shared)} is in both tallies of task {self.task_id}: it would count "
                "twice."
            )
        return Tally(
            self.task_id,
            self.images,
            {**self.correct, **other.correct},
            {**self.answers, **other.answers},
        )

    def first(self, chips: int) -> Tally:
        """Return the chips numbered below `chips` only."""
        return self.of_chips(chip for chip in self.correct if chip < chips)

    def of_chips(self, chips: Iterable[int]) -> Tally:
        """Return these chips only."""
        kept = set(chips)
        return Tally(
            self.task_id,
            self.images,
            {chip: correct for chip, correct in self.correct.items() if chip in kept},
            {chip: answers for chip, answers in self.answers.items() if chip in kept},
        )

    def by_image(self) -> NDArray[np.int64]:
        """Return how many chips classify each image correctly; all chips must have answers."""
        if self.answers.keys() != self.correct.keys():
            raise ValueError(f"Answers of task {self.task_id} are not kept for every chip.")
        counts = np.zeros(self.images, dtype=np.int64)
        for answers in self.answers.values():
            counts += unpacked_answers(answers, self.images)
        return counts

    @property
    def chips(self) -> int:
        """Number of chips."""
        return len(self.correct)

    @property
    def sum_correct(self) -> int:
        """Sum over chips of the correct images."""
        return sum(self.correct.values())


def packed_answers(is_right: NDArray[np.bool_]) -> bytes:
    """Return which images are right as bits, eight images to a byte.

    Examples
    --------
    >>> unpacked_answers(packed_answers(np.array([True, False, True])), 3).tolist()
    [True, False, True]
    """
    return np.packbits(is_right).tobytes()


def unpacked_answers(answers: bytes, images: int) -> NDArray[np.bool_]:
    """Return which of the images are right."""
    bits = np.frombuffer(answers, dtype=np.uint8)
    return np.unpackbits(bits, count=images).astype(bool)


def _ones(answers: bytes) -> int:
    return int.from_bytes(answers, "big").bit_count()
