"""Read CIFAR-10's binary version (https://www.cs.toronto.edu/~kriz/cifar.html) from a folder."""

import gzip
import tarfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rramsim.errors import InputError, check_limit
from rramsim.files import read_bytes
from rramsim.images.image_set import FolderLayout, ImageSet, folder_name

ARCHIVE = "cifar-10-binary.tar.gz"
LAYOUT = (
    "CIFAR-10's binary version (data_batch_1.bin to data_batch_5.bin and test_batch.bin, or "
    f"{ARCHIVE} that holds them)"
)
IMAGE_SHAPE = (3, 32, 32)
CLASS_COUNT = 10
IMAGES_PER_FILE = 10_000

_TRAIN_FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
_TEST_FILE = "test_batch.bin"
_FILES = (*_TRAIN_FILES, _TEST_FILE)
_SUBFOLDER = "cifar-10-batches-bin"
_RECORD = 1 + int(np.prod(IMAGE_SHAPE))

_OTHER_VERSIONS = {
    **dict.fromkeys(
        ("cifar-10-batches-py", "cifar-10-python.tar.gz", "data_batch_1", "test_batch"),
        "Python version, whose pickles can run any program when read",
    ),
    **dict.fromkeys(
        ("cifar-10-batches-mat", "cifar-10-matlab.tar.gz", "data_batch_1.mat"), "Matlab version"
    ),
}


def recognises(folder: Path) -> bool:
    """Whether `folder` holds CIFAR-10, in any version."""
    names = (*_FILES, _SUBFOLDER, ARCHIVE, *_OTHER_VERSIONS)
    return any((folder / name).exists() for name in names)


def load_folder(folder: Path, *, name: str | None = None, note: str | None = None) -> ImageSet:
    """Read the six files in `folder`, in its ``cifar-10-batches-bin`` or in the published archive.

    Each file holds 10,000 records: one byte for the class, then 3,072 for the red, green and blue
    pixels, row by row.

    Raises
    ------
    InputError
        Naming the missing files, the file that is damaged, or the version that is not read.
    """
    origin, contents = _contents(folder)
    missing = [file for file in _FILES if file not in contents]
    if missing:
        raise InputError(f"{origin}: missing {', '.join(missing)}. Accepted is {LAYOUT}.")
    # Taken out one by one, so that bytes and pixels are not all in memory at once.
    parts = [_records(contents.pop(file), where=_inside(origin, file)) for file in _FILES]
    train_images, train_labels = (
        np.concatenate(arrays) for arrays in zip(*parts[:-1], strict=True)
    )
    test_images, test_labels = parts[-1]
    return ImageSet(
        name=name or folder_name(folder),
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        image_shape=IMAGE_SHAPE,
        class_count=CLASS_COUNT,
        levels=255,
        note=note
        or "Images in the form of CIFAR-10's binary version, from the folder "
        f"{folder.resolve().name}.",
    )


def _contents(folder: Path) -> tuple[Path, dict[str, bytes]]:
    # The six files, or those of them that are there, and where they lie.
    archive = folder / ARCHIVE
    # First, since it is what the hash of a download vouches for.
    if archive.is_file():
        return archive, _unpack(archive)
    for origin in (folder, folder / _SUBFOLDER):
        paths = [origin / file for file in _FILES if (origin / file).is_file()]
        if paths:
            return origin, {path.name: read_bytes(path) for path in paths}
    for file, version in _OTHER_VERSIONS.items():
        if (folder / file).exists():
            raise InputError(f"{folder / file}: CIFAR-10's {version}. Accepted is {LAYOUT}.")
    return folder, {}


def _unpack(archive: Path) -> dict[str, bytes]:
    contents = {}
    try:
        with gzip.open(archive) as source:
            # In the order of the archive: going back would mean to decompress it from the start.
            with tarfile.open(fileobj=source, mode="r|") as members:
                for member in members:
                    file = Path(member.name).name
                    content = members.extractfile(member) if file in _FILES else None
                    if content is not None:
                        contents[file] = content.read(IMAGES_PER_FILE * _RECORD + 1)
            # The checksum stands at the end, past what tarfile reads.
            while source.read(2**20):
                check_limit("bytes of all images", source.tell(), str(archive))
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{archive}: this archive is damaged or cut off ({error}).") from error
    except OSError as error:
        raise InputError(f"{archive}: cannot be read ({error.strerror}).") from error
    return contents


def _inside(origin: Path, file: str) -> str:
    return f"{origin}: {file}" if origin.name == ARCHIVE else str(origin / file)


def _records(content: bytes, *, where: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    expected = IMAGES_PER_FILE * _RECORD
    if len(content) != expected:
        raise InputError(
            f"{where}: holds {len(content)} bytes, expected {expected} ({IMAGES_PER_FILE} images "
            f"of {_RECORD}); the file is damaged or not CIFAR-10's."
        )
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, _RECORD)
    labels = records[:, 0].copy()
    if labels.max() >= CLASS_COUNT:
        number = int(np.argmax(labels >= CLASS_COUNT))
        raise InputError(
            f"{where}: image {number + 1} is of class {labels[number]}, accepted are 0 to "
            f"{CLASS_COUNT - 1}; the file is damaged or not CIFAR-10's."
        )
    return records[:, 1:].copy(), labels


FOLDER = FolderLayout(LAYOUT, recognises, load_folder)
