"""Read the IDX files of MNIST's layout (http://yann.lecun.com/exdb/mnist/) from a folder."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rramsim.errors import InputError
from rramsim.files import gunzipped, read_bytes
from rramsim.images.image_set import FolderLayout, ImageSet, folder_name

PARTS = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
"""The four files, without their ending; ``train-images.idx3-ubyte`` is read as well."""

LAYOUT = f"the four IDX files of MNIST's layout ({', '.join(f'{part}-ubyte' for part in PARTS)})"

_UNSIGNED_BYTE = 0x08


def recognises(folder: Path) -> bool:
    """Whether `folder` holds one of the four IDX files."""
    return any(_find(folder, part) for part in PARTS)


def load_folder(folder: Path, *, name: str | None = None, note: str | None = None) -> ImageSet:
    """Read the four IDX files in `folder`, each gzip-compressed or not.

    Raises
    ------
    InputError
        Naming the missing files, or the file that is damaged or does not fit the others.
    """
    paths = {part: _find(folder, part) for part in PARTS}
    missing = [f"{part}-ubyte" for part, path in paths.items() if path is None]
    if missing:
        raise InputError(
            f"{folder}: missing {', '.join(missing)} (each may end in .gz, and .idx may stand "
            f"for -idx). Accepted are {LAYOUT}."
        )
    files = [path for path in paths.values() if path is not None]
    train_images, train_labels = _read_pair(*files[:2])
    test_images, test_labels = _read_pair(*files[2:])
    if train_images.shape[1:] != test_images.shape[1:]:
        raise InputError(
            f"{files[2]}: images of {_size(test_images)} pixels, but {files[0].name} holds "
            f"images of {_size(train_images)}; the two must agree."
        )
    class_count = int(train_labels.max()) + 1
    if test_labels.max() >= class_count:
        raise InputError(
            f"{files[3]}: holds the label {test_labels.max()}, but the labels of "
            f"{files[1].name} end at {class_count - 1}; no network can learn a class it never saw."
        )
    return ImageSet(
        name=name or folder_name(folder),
        train_images=train_images.reshape(len(train_images), -1),
        train_labels=train_labels,
        test_images=test_images.reshape(len(test_images), -1),
        test_labels=test_labels,
        image_shape=(1, *train_images.shape[1:]),
        class_count=class_count,
        levels=255,
        note=note or f"Images from the folder {folder.resolve().name}.",
    )


def read_idx(path: Path, *, dims: int) -> NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes with `dims` dimensions, compressed or not.

    Raises
    ------
    InputError
        If the file cannot be read, is not such a file, or is shorter or longer than it says.
    """
    content = _content(path)
    magic = bytes([0, 0, _UNSIGNED_BYTE, dims])
    if content[:4] != magic:
        raise InputError(
            f"{path}: starts with bytes {content[:4].hex(' ') or '(none)'}, expected "
            f"{magic.hex(' ')} (IDX, unsigned bytes, {dims} dimension{'s' if dims > 1 else ''})."
        )
    header = 4 + 4 * dims
    if len(content) < header:
        raise InputError(f"{path}: ends inside its header of {header} bytes; the file is cut off.")
    shape = tuple(int(length) for length in np.frombuffer(content[4:header], dtype=">u4"))
    expected, size = int(np.prod(shape, dtype=object)), len(content) - header
    if size != expected:
        raise InputError(
            f"{path}: holds {size} bytes of data where its header says "
            f"{' x '.join(map(str, shape))} = {expected}; the file is damaged."
        )
    if expected == 0:
        raise InputError(f"{path}: holds no data ({' x '.join(map(str, shape))}).")
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def _read_pair(images: Path, labels: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    pixels, classes = read_idx(images, dims=3), read_idx(labels, dims=1)
    if len(pixels) != len(classes):
        raise InputError(
            f"{labels}: holds {len(classes)} labels, but {images.name} holds {len(pixels)} "
            "images; there must be one label an image."
        )
    return pixels, classes


def _find(folder: Path, part: str) -> Path | None:
    spellings = (f"{part}-ubyte", f"{part.replace('-idx', '.idx')}-ubyte")
    candidates = [folder / f"{spelling}{end}" for spelling in spellings for end in ("", ".gz")]
    return next((path for path in candidates if path.is_file()), None)


def _content(path: Path) -> bytes:
    content = read_bytes(path, limit="bytes of all images")
    # The first two bytes, not the name, tell gzip: some copies keep .gz after unpacking.
    is_packed = content[:2] == b"\x1f\x8b"
    return gunzipped(content, str(path), limit="bytes of all images") if is_packed else content


def _size(images: NDArray[np.uint8]) -> str:
    return " x ".join(map(str, images.shape[1:]))


FOLDER = FolderLayout(LAYOUT, recognises, load_folder)
