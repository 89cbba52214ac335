"""The question a Monte Carlo run answers, and the id that stands for it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rramsim.crossbar.faults import ChipFaults

DRAWING = 2
"""Number of the way in which chips are drawn. It is part of every id: whoever changes which
flips a draw gives must raise it, so that answers drawn in two ways are never added up."""

_SEED_LIMIT = 2**64


@dataclass(frozen=True)
class Task:
    """One network on one set of images with the chips of one fault model.

    Parameters
    ----------
    network_id, images_id : str
        Content ids of the folded network and of the image set.
    faults : str
        The fault model as canonical JSON (`faults_text`).
    seed : int
        Seed of the study, 0 to 2**64 - 1.

    Raises
    ------
    ValueError
        If the seed is out of range.
    """

    network_id: str
    images_id: str
    faults: str
    seed: int

    def __post_init__(self) -> None:
        if not 0 <= self.seed < _SEED_LIMIT:
            raise ValueError(f"The seed is {self.seed}; a number from 0 to 2**64 - 1 is needed.")

    @property
    def content(self) -> str:
        """The whole question as one line of canonical JSON."""
        return canonical_json(
            {
                "drawing": DRAWING,
                "faults": json.loads(self.faults),
                "images": self.images_id,
                "network": self.network_id,
                "seed": self.seed,
            }
        )

    @cached_property
    def id(self) -> str:
        """SHA-256 of `content`, in hexadecimal: equal for equal questions only."""
        return hashlib.sha256(self.content.encode()).hexdigest()


def faults_text(faults: ChipFaults) -> str:
    """Return a fault model's identity as canonical JSON, every digit of its numbers kept."""
    return canonical_json(faults.identity())


def canonical_json(value: object) -> str:
    """Return `value` as JSON with sorted keys and no spaces, so that equal values read alike."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
