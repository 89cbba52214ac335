"""The kernels that find the class of an image: that of the greatest score of the last layer."""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from rramsim.bits import Words
from rramsim.kernels import bit_count, kernel


@nb.njit(inline="always")
def _class_of(counts: Any, inputs: Any, scale: Any, offset: Any) -> Any:
    """Return the class of the greatest score, the first of equal ones, from mismatches."""
    best, greatest = 0, np.float32(0)
    for k in range(scale.size):
        score = np.float32(inputs - 2 * counts[k]) * scale[k] + offset[k]
        if k == 0 or score > greatest:
            best, greatest = k, score
    return best


@kernel(
    "void(uint64[:,::1], int64[::1], uint64[:,::1], int64, float32[::1], float32[::1], int64[::1])"
)
def classify(
    values: Words,
    numbers: NDArray[np.int64],
    weights: Words,
    inputs: int,
    scale: NDArray[np.float32],
    offset: NDArray[np.float32],
    classes: NDArray[np.int64],
) -> None:
    """Find the class of some images: of equal scores the first one (see `ScoreLayer`).

    Parameters
    ----------
    values : uint64 array, shape (images, words)
        The inputs of the last layer, -1 and +1.
    numbers : int64 array
        Rows of `values` that are asked for.
    weights : uint64 array, shape (classes, words)
    inputs : int
    scale, offset : float32 arrays, shape (classes,)
    classes : int64 array, shape (images,)
        Takes the classes of the images that are asked for.
    """
    words = values.shape[1]
    for image in numbers:
        best, greatest = 0, np.float32(0)
        for k in range(scale.size):
            mismatches = 0
            for word in range(words):
                mismatches += bit_count(values[image, word] ^ weights[k, word])
            score = np.float32(inputs - 2 * mismatches) * scale[k] + offset[k]
            if k == 0 or score > greatest:
                best, greatest = k, score
        classes[image] = best


@kernel(
    "void(uint64[:,::1], uint64[:,::1], int64[::1], int64, float32[::1], float32[::1], "
    "int32[:,::1], int64[::1])"
)
def classify_flipped(
    values: Words,
    weights: Words,
    flips: NDArray[np.int64],
    inputs: int,
    scale: NDArray[np.float32],
    offset: NDArray[np.float32],
    counts: NDArray[np.int32],
    classes: NDArray[np.int64],
) -> None:
    """Find the class of each image, as `classify` does, from mismatches before a few flips.

    Parameters
    ----------
    values : uint64 array, shape (images, words)
        The inputs of the last layer, -1 and +1.
    weights : uint64 array, shape (classes, words)
        Of the chip, with flips.
    flips : int64 array
        Positions of the flipped weights.
    inputs : int
    scale, offset : float32 arrays, shape (classes,)
    counts : int32 array, shape (images, classes)
        Mismatches with the weights free of faults; takes those with the flips.
    classes : int64 array, shape (images,)
    """
    for image in range(classes.size):
        for position in flips:
            k = position // inputs
            place = position - k * inputs
            differing = values[image, place >> 6] ^ weights[k, place >> 6]
            # A pair that differs now did not before.
            counts[image, k] += 2 * np.int64(differing >> np.uint64(place & 63) & np.uint64(1)) - 1
        classes[image] = _class_of(counts[image], inputs, scale, offset)


@kernel("void(int32[:,:,::1], int64, float32[::1], float32[::1], int64[:,::1])")
def classify_chips(
    counts: NDArray[np.int32],
    inputs: int,
    scale: NDArray[np.float32],
    offset: NDArray[np.float32],
    classes: NDArray[np.int64],
) -> None:
    """Find the class of each image on each chip from its mismatches, as `classify` does.

    Parameters
    ----------
    counts : int32 array, shape (chips, images padded, at least classes)
    inputs : int
    scale, offset : float32 arrays, shape (classes,)
    classes : int64 array, shape (chips, images)
    """
    for chip in range(classes.shape[0]):
        for image in range(classes.shape[1]):
            classes[chip, image] = _class_of(counts[chip, image], inputs, scale, offset)
