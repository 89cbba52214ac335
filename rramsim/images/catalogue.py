"""Image sets by name or by folder: the shipped digits, MNIST and its kin, or a user's own."""

import hashlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rramsim.errors import InputError

Bytes = NDArray[np.uint8]

KNOWN_NAMES = ("digits", "mnist", "fashion-mnist", "cifar10")
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
        ``"digits"`` (shipped), ``"mnist"``, ``"fashion-mnist"`` or ``"cifar10"`` (downloaded once
        and checked), or a folder that holds the four IDX files of MNIST's layout, CIFAR-10's
        binary version, or images in ``train/CLASS/`` and ``test/CLASS/``.

    Raises
    ------
    InputError
        If there is no such name or folder, it holds none of these or more than one, a file is
        missing or damaged, or a download fails.
    """
    from rramsim.images import digits
    from rramsim.images import downloads

    if name_or_folder == "digits":
        return digits.load()
    if name_or_folder in KNOWN_NAMES:
        return downloads.load(name_or_folder)
    folder = Path(name_or_folder).expanduser()
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "is neither a known name nor a folder"
        raise InputError(
            f"images {name_or_folder!r}: this {found}. Accepted are {', '.join(KNOWN_NAMES)}, or "
            f"a folder with {_layouts()}."
        )
    return _load_folder(folder)


def folder_name(folder: Path) -> str:
    """Return the name of `folder` with what is awkward in file names replaced by ``-``."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-") or "images"


def _load_folder(folder: Path) -> ImageSet:
    from rramsim.images import cifar10
    from rramsim.images import idx
    from rramsim.images import folders as image_folders

    readers: dict[str, tuple[Callable[[Path], bool], Callable[[Path], ImageSet]]] = {
        idx.LAYOUT: (idx.recognises, idx.load_folder),
        cifar10.LAYOUT: (cifar10.recognises, cifar10.load_folder),
        image_folders.LAYOUT: (image_folders.recognises, image_folders.load_folder),
    }
    found = [layout for layout, (recognises, _) in readers.items() if recognises(folder)]
    if not found:
        raise InputError(
            f"{folder}: holds no images of a known layout. Accepted are {_layouts()}; rramsim "
            "does not split images itself."
        )
    if len(found) > 1:
        raise InputError(
            f"{folder}: holds more than one image set ({'; '.join(found)}). Accepted is one a "
            "folder."
        )
    _, load = readers[found[0]]
    return load(folder)


def _layouts() -> str:
    from rramsim.images import cifar10
    from rramsim.images import idx
    from rramsim.images import folders as image_folders

    return f"{idx.LAYOUT}; {cifar10.LAYOUT}; or {image_folders.LAYOUT}"
