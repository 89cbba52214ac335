"""The answer to a task, as far as it is known: correct images, chip by chip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


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

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    task_id: str
    images: int
    correct: Mapping[int, int]

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
        object.__setattr__(self, "correct", dict(sorted(self.correct.items())))

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
        return Tally(self.task_id, self.images, {**self.correct, **other.correct})

    def first(self, chips: int) -> Tally:
        """Return the chips numbered below `chips` only."""
        kept = {chip: correct for chip, correct in self.correct.items() if chip < chips}
        return Tally(self.task_id, self.images, kept)

    @property
    def chips(self) -> int:
        """Number of chips."""
        return len(self.correct)

    @property
    def sum_correct(self) -> int:
        """Sum over chips of the correct images."""
        return sum(self.correct.values())
