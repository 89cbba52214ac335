"""MNIST, Fashion-MNIST and CIFAR-10, downloaded once into the user's cache and checked."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rramsim.errors import InputError
from rramsim.images import cifar10, idx
from rramsim.images.image_set import ImageSet


@dataclass(frozen=True)
class Download:
    """An image set on the web: mirrors, the hash of each file, and how the files are read.

    A published MD5 tells which file is meant, but not surely what is in it; files told by MD5
    therefore come with the content id of the `ImageSet`, which is a SHA-256.
    """

    mirrors: tuple[str, ...]
    hashes: dict[str, str]
    load_folder: Callable[..., ImageSet]
    note: str
    content_id: str | None = None


def _idx_files(*md5: str) -> dict[str, str]:
    return {f"{part}-ubyte.gz": f"md5:{value}" for part, value in zip(idx.PARTS, md5, strict=True)}


DOWNLOADS = {
    "mnist": Download(
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        hashes=_idx_files(
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "d53e105ee54ea40749a09fcbcd1e9432",
            "9fb629c4189551a2d022fa330f9573f3",
            "ec29112dd5afa0611ce80d1b7f02629c",
        ),
        load_folder=idx.load_folder,
        note="MNIST, Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0.",
        content_id="5a4d4600f9ae243d0ab9ee1ff6d948035e6f85a423fdfacf899262ac3ca6f325",
    ),
    "fashion-mnist": Download(
        mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
        hashes=_idx_files(
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ),
        load_folder=idx.load_folder,
        note="Fashion-MNIST, Zalando SE, H. Xiao, K. Rasul and R. Vollgraf 2017, MIT licence.",
        content_id="a485933e0d1ec3d6089c02b9c36f6076a03703fdfa943ef3fe6950839b598fe6",
    ),
    "cifar10": Download(
        mirrors=("https://www.cs.toronto.edu/~kriz/",),
        hashes={
            cifar10.ARCHIVE: (
                "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
            )
        },
        load_folder=cifar10.load_folder,
        note="CIFAR-10, A. Krizhevsky, V. Nair and G. Hinton 2009, published without a licence.",
    ),
}


def load(name: str) -> ImageSet:
    """Return the image set `name` of `DOWNLOADS`, from the user's cache where it is there.

    Raises
    ------
    InputError
        If a file cannot be downloaded or is not the published one.
    """
    import pooch

    download = DOWNLOADS[name]
    folder = Path(pooch.os_cache("rramsim")) / name
    for file, known_hash in download.hashes.items():
        _fetch(name, file, known_hash=known_hash, folder=folder)
    images = download.load_folder(folder, name=name, note=download.note)
    if download.content_id not in (None, images.content_id):
        raise InputError(f"{folder}: does not hold the published {name}; delete this folder.")
    return images


def _fetch(name: str, file: str, *, known_hash: str, folder: Path) -> None:
    import pooch

    problems = []
    for mirror in DOWNLOADS[name].mirrors:
        try:
            pooch.retrieve(mirror + file, known_hash=known_hash, fname=file, path=folder)
        # requests' exceptions are OSErrors; pooch tells a wrong hash by ValueError.
        except (OSError, ValueError) as error:
            problems.append(f"{mirror}: {type(error).__name__}")
        else:
            return
    files = ", ".join(DOWNLOADS[name].hashes)
    raise InputError(
        f"images {name!r}: {file} could not be downloaded ({'; '.join(problems)}). Without a "
        f"network, give a folder that holds {files} instead of the name."
    )
