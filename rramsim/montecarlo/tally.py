"""The answer to a task, as far as it is known: correct images, chip by chip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    error_free : mapping of int to int
        By chip, where each is scored on images of its own (`Task.block`): how many of them the
        network classifies correctly without errors. Of all chips, or of none.

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    task_id: str
    images: int
    correct: Mapping[int, int]
    answers: Mapping[int, bytes] = field(default_factory=dict)
    error_free: Mapping[int, int] = field(default_factory=dict)

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
        self._check_error_free()
        for chip, answers in self.answers.items():
            if chip not in self.correct:
                raise ValueError(f"Chip {chip} has answers, but no number of correct images.")
            if not are_counted(answers, images=self.images, correct=self.correct[chip]):
                raise ValueError(f"The answers of chip {chip} are not those that were counted.")
        for name in ("correct", "answers", "error_free"):
            object.__setattr__(self, name, dict(sorted(getattr(self, name).items())))

    def _check_error_free(self) -> None:
        if not self.error_free:
            return
        if self.error_free.keys() != self.correct.keys():
            raise ValueError("Chips with images of their own and chips on all images do not mix.")
        for chip, correct in self.error_free.items():
            if not 0 <= correct <= self.images:
                raise ValueError(
                    f"Chip {chip} has {correct} images that are correct without errors; 0 to "
                    f"{self.images} are possible."
                )

    def __add__(self, other: Tally) -> Tally:
        """Return the chips of both; they must be of one task and share no chip."""
        return joined([self, other]) if isinstance(other, Tally) else NotImplemented

    def first(self, chips: int) -> Tally:
        """Return the chips numbered below `chips` only."""
        return self.of_chips(chip for chip in self.correct if chip < chips)

    def of_chips(self, chips: Iterable[int]) -> Tally:
        """Return these chips only."""
        kept = set(chips)
        return _checked(
            self,
            {chip: correct for chip, correct in self.correct.items() if chip in kept},
            {chip: answers for chip, answers in self.answers.items() if chip in kept},
            {chip: correct for chip, correct in self.error_free.items() if chip in kept},
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
    def changes(self) -> list[int]:
        """By chip, what differs between chips: correct images.

        Less those that are correct without errors, where each chip has images of its own: those
        that are easy or hard for the network itself cancel.
        """
        return [correct - self.error_free.get(chip, 0) for chip, correct in self.correct.items()]

    @property
    def chips(self) -> int:
        """Number of chips."""
        return len(self.correct)

    @property
    def sum_correct(self) -> int:
        """Sum over chips of the correct images."""
        return sum(self.correct.values())


def joined(tallies: Sequence[Tally]) -> Tally:
    """Return the chips of one or more tallies, which must be of one task and share no chip.

    Examples
    --------
    >>> joined([Tally("a", 9, {1: 8}), Tally("a", 9, {0: 7}), Tally("a", 9, {3: 9})]).correct
    {0: 7, 1: 8, 3: 9}
    """
    first = tallies[0]
    correct: dict[int, int] = {}
    answers: dict[int, bytes] = {}
    error_free: dict[int, int] = {}
    for tally in tallies:
        _check_joins(first, tally, correct)
        correct.update(tally.correct)
        answers.update(tally.answers)
        error_free.update(tally.error_free)
    if error_free and len(error_free) < len(correct):
        raise ValueError("Chips with images of their own and chips on all images do not mix.")
    return _checked(first, correct, answers, error_free)


def _check_joins(first: Tally, tally: Tally, correct: Mapping[int, int]) -> None:
    if first.task_id != tally.task_id:
        raise ValueError(f"Tallies of two tasks do not add: {first.task_id} and {tally.task_id}.")
    if first.images != tally.images:
        raise ValueError(
            f"Tallies of one task count the same images, not {first.images} and {tally.images}."
        )
    shared = correct.keys() & tally.correct.keys()
    if shared:
        raise ValueError(
            f"Chip {min(shared)} is in both tallies of task {first.task_id}: it would count twice."
        )


def _checked(
    of: Tally,
    correct: Mapping[int, int],
    answers: Mapping[int, bytes],
    error_free: Mapping[int, int],
) -> Tally:
    """Return a tally of the same question, of chips that were checked when a tally took them."""
    tally = object.__new__(Tally)
    values = {
        "correct": dict(sorted(correct.items())),
        "answers": dict(sorted(answers.items())),
        "error_free": dict(sorted(error_free.items())),
    }
    for name, value in {"task_id": of.task_id, "images": of.images, **values}.items():
        object.__setattr__(tally, name, value)
    return tally


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


def are_counted(answers: bytes, *, images: int, correct: int) -> bool:
    """Return whether answers can be those of so many images, of which so many are correct."""
    ones = int.from_bytes(answers, "big").bit_count()
    return len(answers) == -(-images // 8) and ones == correct
