"""Parts of a small image set for cross-validation: each is tested while all others train."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rramsim.errors import InputError
from rramsim.images.image_set import ImageSet


@dataclass(frozen=True)
class Fold:
    """One part of an image set that is tested while all others train.

    Attributes
    ----------
    number : int
        Of the part, from 1.
    of : int
        Number of parts.
    seed : int
        Of the division into parts.

    Examples
    --------
    >>> from rramsim.images.catalogue import load_images
    >>> Fold(1, of=5, seed=1).apply(load_images("digits"))
    ImageSet('digits': 1,437 training and 360 test images of 1 x 8 x 8, 10 classes)
    """

    number: int
    of: int
    seed: int

    def apply(self, images: ImageSet) -> ImageSet:
        """Return the images of both parts of a set, with this part for testing.

        Raises
        ------
        InputError
            If the set has a test part of its own, or a class with fewer images than parts.
        """
        if images.has_own_test:
            raise InputError(
                f"folds: the images {images.name} have a test part of their own, which is for "
                "testing alone. Leave folds out, and set trainings to train several networks."
            )
        pixels = np.concatenate([images.train_images, images.test_images])
        labels = np.concatenate([images.train_labels, images.test_labels])
        smallest = int(np.bincount(labels, minlength=images.class_count).min())
        if not 2 <= self.of <= smallest:
            raise InputError(
                f"folds {self.of}: accepted are 2 to {smallest}, so that each part of the images "
                f"{images.name} has every class."
            )
        tested = parts(labels, self.of, seed=self.seed) == self.number - 1
        return replace(
            images,
            train_images=pixels[~tested],
            train_labels=labels[~tested],
            test_images=pixels[tested],
            test_labels=labels[tested],
            # The parts are those of the whole set, so that a part is not to be divided again.
            has_own_test=True,
        )

    def record(self, images: ImageSet) -> dict[str, Any]:
        """Return what finds the part again, ready for JSON; `images` is the whole set."""
        record = {"number": self.number, "of": self.of, "seed": self.seed}
        return {**record, "images_id": images.content_id}


def parts(labels: NDArray[np.integer[Any]], count: int, *, seed: int) -> NDArray[np.int64]:
    """Divide images into parts at random, each class as evenly as can be.

    Parameters
    ----------
    labels : integer array, shape (images,)
        Class of each image.
    count : int
        Number of parts.
    seed : int

    Returns
    -------
    int64 array, shape (images,)
        The part of each image, from 0. The numbers of images of two parts differ by one at most,
        in all and in each class.

    Examples
    --------
    >>> found = parts(np.array([0, 0, 0, 0, 1, 1, 1, 1]), 2, seed=1)
    >>> np.bincount(found[:4]).tolist(), np.bincount(found[4:]).tolist()
    ([2, 2], [2, 2])
    """
    # The 3 keeps this stream apart from others with the same seed.
    chance = np.random.SeedSequence(seed, spawn_key=(3,))
    shuffled = np.random.Generator(np.random.Philox(chance)).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    # Dealt like cards, class after class.
    found = np.empty(len(labels), dtype=np.int64)
    found[by_class] = np.arange(len(labels)) % count
    return found
