"""Which outputs are +1 on all images of a set, and which on any of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rramsim.bits import Words


def extremes_of(outputs: Words) -> Words:
    """Return the outputs that are +1 on every image, then those that are on any.

    Parameters
    ----------
    outputs : uint64 array, shape (images, words)
        At least 1 image, and no rows of padding.

    Returns
    -------
    uint64 array, shape (2, words)
    """
    return np.stack([np.bitwise_and.reduce(outputs), np.bitwise_or.reduce(outputs)])


def joined(parts: Sequence[Words]) -> Words:
    """Return the extremes of all images from those of its parts, which are at least 1."""
    every, some = zip(*parts, strict=True)
    return np.stack([np.bitwise_and.reduce(every), np.bitwise_or.reduce(some)])
