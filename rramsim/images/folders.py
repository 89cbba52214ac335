"""Read a user's own images: one folder for each class, apart for training and test."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from rramsim.errors import InputError, check_limit
from rramsim.files import check_regular
from rramsim.images.image_set import FolderLayout, ImageSet, folder_name
from rramsim.parallel import share

LAYOUT = (
    "images in train/CLASS/ and test/CLASS/ (PNG, JPEG, BMP or TIFF, of one size, all 8-bit grey "
    "or all 8-bit RGB)"
)

_FORMATS = ("PNG", "JPEG", "BMP", "TIFF")
_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
_OTHER_IMAGES = (".gif", ".webp", ".avif", ".heic", ".jp2", ".ppm", ".pgm", ".pbm", ".pnm", ".svg")
_SPLITS = ("train", "test")
_MOST_CLASSES = 256
_CHANNELS = {"L": 1, "RGB": 3}
_IN_WORDS = {
    "L": "8-bit grey",
    "RGB": "8-bit RGB",
    "P": "palette colours",
    "PA": "palette colours with transparency",
    "LA": "grey with transparency",
    "RGBA": "RGB with transparency",
    "CMYK": "CMYK",
    "I;16": "16-bit grey",
}
_IMAGES_PER_PART = 500


@dataclass(frozen=True)
class _Form:
    """What all images of a set share: mode of the pixels (of Pillow), width and height."""

    mode: str
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width} x {self.height} pixels, {_mode_in_words(self.mode)}"


@dataclass(frozen=True)
class _Listing:
    """What a folder holds, sorted by name; hidden files and files of other kinds are skipped."""

    folders: tuple[Path, ...]
    images: tuple[Path, ...]
    skipped: int


def recognises(folder: Path) -> bool:
    """Whether `folder` holds ``train`` or ``test``."""
    return any((folder / split).is_dir() for split in _SPLITS)


def load_folder(folder: Path) -> ImageSet:
    """Read the images of ``train/CLASS/`` and ``test/CLASS/`` in `folder`.

    The classes are numbered by their sorted names, and the images of a class follow each other by
    their sorted file names. Pixels are taken as the file stores them (a tag that asks to turn the
    image is not obeyed); black and white are read as the grey values 0 and 255. Hidden files and
    files whose ending is not that of an image are skipped, and counted in the note; what lies
    beside ``train`` and ``test`` is not looked at. Versions of the JPEG library may differ by a
    level in a pixel, and then the content id differs as well.

    Raises
    ------
    InputError
        Naming the file or folder that does not fit, and what is accepted.
    """
    splits = {split: _list(folder / split) for split in _SPLITS}
    _check_classes(folder, splits)
    by_class = {
        split: [_list_class(path) for path in listing.folders] for split, listing in splits.items()
    }
    train, test = by_class.values()
    first = train[0].images[0]
    form = _read_form(first)
    _check_size(form, images=sum(len(one.images) for one in chain(train, test)), first=first)
    skipped = sum(listing.skipped for listing in chain(splits.values(), train, test))
    return ImageSet(
        name=folder_name(folder),
        train_images=_read(train, form=form, first=first),
        train_labels=_labels(train),
        test_images=_read(test, form=form, first=first),
        test_labels=_labels(test),
        image_shape=(_CHANNELS[form.mode], form.height, form.width),
        class_count=len(train),
        levels=255,
        note=f"Images from the folder {folder.resolve().name}{_in_words(skipped)}.",
    )


def _check_size(form: _Form, *, images: int, first: Path) -> None:
    pixels = form.width * form.height
    check_limit("pixels of an image", pixels, str(first))
    size = images * pixels * _CHANNELS[form.mode]
    check_limit("bytes of all images", size, f"{images:,} images like {first}")


def _list(folder: Path) -> _Listing:
    if not folder.is_dir():
        raise InputError(
            f"{folder}: no such folder. Accepted are {LAYOUT}; rramsim does not split images "
            "itself."
        )
    folders, images, skipped = [], [], 0
    try:
        # DirEntry knows from the listing what is a folder; Path would ask for each file.
        with os.scandir(folder) as entries:
            there = sorted((entry.name, entry.is_dir()) for entry in entries)
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}).") from error
    for name, is_folder in there:
        ending = Path(name).suffix.lower()
        if name.startswith("."):
            skipped += 1
        elif is_folder:
            folders.append(folder / name)
        elif ending in _ENDINGS:
            images.append(folder / name)
        elif ending in _OTHER_IMAGES:
            raise InputError(f"{folder / name}: {ending} is not read. Accepted are {LAYOUT}.")
        else:
            skipped += 1
    return _Listing(tuple(folders), tuple(images), skipped)


def _list_class(folder: Path) -> _Listing:
    listing = _list(folder)
    if listing.folders:
        raise InputError(
            f"{listing.folders[0]}: a folder inside that of a class. Accepted are {LAYOUT}."
        )
    if not listing.images:
        raise InputError(f"{folder}: holds no images. Accepted are {LAYOUT}.")
    return listing


def _check_classes(folder: Path, splits: dict[str, _Listing]) -> None:
    for listing in splits.values():
        if listing.images:
            raise InputError(
                f"{listing.images[0]}: an image outside the folders of the classes. Accepted are "
                f"{LAYOUT}."
            )
    classes = {split: [path.name for path in listing.folders] for split, listing in splits.items()}
    for split, other in (_SPLITS, _SPLITS[::-1]):
        for name in classes[split]:
            if name not in classes[other]:
                raise InputError(
                    f"{folder / split / name}: the class {name!r} has no folder in "
                    f"{folder / other}; both must hold the same classes."
                )
    if not 2 <= len(classes["train"]) <= _MOST_CLASSES:
        raise InputError(
            f"{folder / 'train'}: holds the folders of {len(classes['train'])} classes, accepted "
            f"are 2 to {_MOST_CLASSES}."
        )


def _labels(by_class: list[_Listing]) -> NDArray[np.uint8]:
    counts = [len(listing.images) for listing in by_class]
    return np.repeat(np.arange(len(counts), dtype=np.uint8), counts)


def _read(by_class: list[_Listing], *, form: _Form, first: Path) -> NDArray[np.uint8]:
    paths = [path for listing in by_class for path in listing.images]
    parts = [
        paths[start : start + _IMAGES_PER_PART] for start in range(0, len(paths), _IMAGES_PER_PART)
    ]
    # Pillow decodes without the interpreter's lock.
    return np.concatenate(share(partial(_read_part, form=form, first=first), parts))


def _read_part(paths: list[Path], *, form: _Form, first: Path) -> NDArray[np.uint8]:
    content = b"".join(_decode(path, form=form, first=first) for path in paths)
    pixels = np.frombuffer(content, dtype=np.uint8)
    # From colour by pixel, as images are decoded, to colour after colour.
    by_pixel = pixels.reshape(len(paths), form.height * form.width, _CHANNELS[form.mode])
    return by_pixel.transpose(0, 2, 1).reshape(len(paths), -1)


def _read_form(path: Path) -> _Form:
    # How large it may be is asked below.
    with warnings.catch_warnings(category=Image.DecompressionBombWarning):
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with _opened(path) as image:
            return _form(image, path)


def _decode(path: Path, *, form: _Form, first: Path) -> bytes:
    with _opened(path) as image:
        # Before it is decoded: a small file may say that it is huge.
        own = _form(image, path)
        if own != form:
            raise InputError(
                f"{path}: {own}, but {first} has {form}; all images must have the same."
            )
        return (image.convert("L") if image.mode == "1" else image).tobytes()


def _form(image: ImageFile, path: Path) -> _Form:
    mode = "L" if image.mode == "1" else image.mode
    if mode not in _CHANNELS:
        raise InputError(f"{path}: {_mode_in_words(mode)}. Accepted are {LAYOUT}.")
    # Pillow would take the upper 8 bits without a word.
    if ";16" in str(image.tile):
        raise InputError(f"{path}: 16 bits a colour. Accepted are {LAYOUT}.")
    pictures = getattr(image, "n_frames", 1)
    if pictures > 1:
        raise InputError(f"{path}: holds {pictures} pictures, accepted is one a file.")
    return _Form(mode, *image.size)


@contextmanager
def _opened(path: Path) -> Iterator[ImageFile]:
    check_regular(path)
    try:
        with Image.open(path, formats=_FORMATS) as image:
            yield image
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(
            f"{path}: not an image that can be read. Accepted are {LAYOUT}."
        ) from error
    # What Pillow raises for a damaged file is of many kinds.
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: cannot be read ({reason}).") from error


def _mode_in_words(mode: str) -> str:
    return _IN_WORDS.get(mode, f"pixels of the mode {mode}")


def _in_words(skipped: int) -> str:
    if not skipped:
        return ""
    one, are = ("1 file", "is") if skipped == 1 else (f"{skipped} files", "are")
    return f" ({one} there that {are} hidden or no image left out)"


FOLDER = FolderLayout(LAYOUT, recognises, load_folder)
