"""Image sets by name or by folder: the shipped digits, MNIST and its kin, or a user's own."""

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rramsim.errors import InputError

Bytes = NDArray[np.uint8]

KNOWN_NAMES = ("digits", "mnist", "fashion-mnist")
"""The image sets that need no folder."""


@dataclass(frozen=True, eq=False)
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

    def __post_init__(self) -> None:
        pixels = math.prod(self.image_shape)
        for images in (self.train_images, self.test_images):
            if images.shape[1:] != (pixels,):
                raise ValueError(
                    f"images of shape {self.image_shape} have {pixels} pixels each, but the array "
                    f"of pixels has shape {images.shape}"
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


def load_images(name_or_folder: str) -> ImageSet:
    """Load an image set.

    Parameters
    ----------
    name_or_folder : str
        ``"digits"`` (shipped), ``"mnist"`` or ``"fashion-mnist"`` (downloaded once and checked),
        or a folder that holds the four IDX files of MNIST's layout, compressed or not.

    Raises
    ------
    InputError
        If there is no such name or folder, a file is missing or damaged, or a download fails.
    """
    from rramsim.network import digits, downloads, idx

    if name_or_folder == "digits":
        return digits.load()
    if name_or_folder in KNOWN_NAMES:
        return downloads.load(name_or_folder)
    folder = Path(name_or_folder).expanduser()
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "is neither a known name nor a folder"
        raise InputError(
            f"images {name_or_folder!r}: this {found}. "
            f"Accepted are {', '.join(KNOWN_NAMES)}, or a folder with the four IDX files of "
            "MNIST's layout."
        )
    return idx.load_folder(folder)
