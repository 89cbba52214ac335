"""The random numbers of a training: each is drawn with a key of what it is for.

Nothing depends on what was drawn before. So a training that goes on after an interrupt draws what
it would have drawn, and a graphics processor draws by itself, without a state to keep in a file.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a training draws for; the number keeps the streams of one seed apart."""

    FLIPS = 1
    VALIDATION = 2
    ORDER = 3
    DROPOUT = 4
    AUGMENTATION = 5


def sequence(seed: int, purpose: Purpose, *numbers: int) -> np.random.SeedSequence:
    """Return what seeds a generator for one use.

    Parameters
    ----------
    seed : int
        Of the training.
    purpose : Purpose
    *numbers : int
        Which use it is: such as the iteration and the layer.

    Examples
    --------
    >>> one, other = (sequence(7, Purpose.FLIPS, iteration) for iteration in (0, 1))
    >>> bool(one.generate_state(1)[0] == other.generate_state(1)[0])
    False
    """
    return np.random.SeedSequence(seed, spawn_key=(int(purpose), *numbers))


def key(seed: int, purpose: Purpose, *numbers: int) -> int:
    """Return 64 bits of chance for one use; see `sequence`."""
    return int(sequence(seed, purpose, *numbers).generate_state(1, np.uint64)[0])
