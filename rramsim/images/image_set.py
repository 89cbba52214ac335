"""A set of images for training and test."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False, repr=False)
class ImageSet:
    """Labelled images, split once and for all into training and test images.

    Attributes
    ----------
    name : str
        Short name, usable in file names.
    train_images, test_images : uint8 array, shape (images, features)
        Pixels, channel by channel, row by row.
    train_labels, test_labels : uint8 array, shape (images,)
        Class of each image, from 0.
    image_shape : tuple of int
        Channels (1 grey, 3 red, green and blue), height and width of an image.
    class_count : int
        Number of classes.
    levels : int
        Greatest value a pixel can take.
    note : str
        Source and licence, as a sentence.
    has_own_test : bool
        Whether the source sets the test images apart. Where rramsim or the user split one set of
        images, other splits are as good, and cross-validation can test on each image
        (`rramsim.images.folds.Fold`).
    """

    name: str
    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes
    image_shape: tuple[int, int, int]
    class_count: int
    levels: int
    note: str
    has_own_test: bool = True

    def __post_init__(self) -> None:
        pixels = math.prod(self.image_shape)
        for images in (self.train_images, self.test_images):
            if images.shape[1:] != (pixels,):
                raise ValueError(
                    f"images of shape {self.image_shape} have {pixels} pixels each, but the array "
                    f"of pixels has shape {images.shape}"
                )

    def __repr__(self) -> str:
        """Return the name, the numbers of images and their size in a line."""
        size = " x ".join(map(str, self.image_shape))
        return (
            f"ImageSet({self.name!r}: {len(self.train_images):,} training and "
            f"{len(self.test_images):,} test images of {size}, {self.class_count} classes)"
        )

    @property
    def features(self) -> int:
        """Pixels of one image."""
        return int(self.train_images.shape[1])

    @cached_property
    def content_id(self) -> str:
        """SHA-256 (hexadecimal) of the pixels, the labels and the split, whatever the name."""
        digest = hashlib.sha256()
        for array in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            digest.update(f"{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class FolderLayout:
    """One way in which a folder holds images.

    Attributes
    ----------
    description : str
        What the folder holds, for messages.
    recognises : callable
        Whether a folder holds images, or some of them, in this way.
    load : callable
        From the folder to its images; raises `InputError` where they are damaged or incomplete.
    """

    description: str
    recognises: Callable[[Path], bool]
    load: Callable[[Path], ImageSet]

    def __str__(self) -> str:
        return self.description


def folder_name(folder: Path) -> str:
    """Return the name of `folder` with what is awkward in file names replaced by ``-``."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-") or "images"
