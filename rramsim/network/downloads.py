"""MNIST and Fashion-MNIST, downloaded once into the user's cache and checked."""

from dataclasses import dataclass
from pathlib import Path

from rramsim.errors import InputError
from rramsim.network import idx
from rramsim.network.images import ImageSet


@dataclass(frozen=True)
class Download:
    """An image set on the web: mirrors, the MD5 of each file as published, and its content id.

    The MD5s tell which files are meant; the content id (SHA-256 of `ImageSet`) what is in them.
    """

    mirrors: tuple[str, ...]
    md5: dict[str, str]
    content_id: str
    note: str


def _files(*md5: str) -> dict[str, str]:
    return {f"{part}-ubyte.gz": value for part, value in zip(idx.PARTS, md5, strict=True)}


DOWNLOADS = {
    "mnist": Download(
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        md5=_files(
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "d53e105ee54ea40749a09fcbcd1e9432",
            "9fb629c4189551a2d022fa330f9573f3",
            "ec29112dd5afa0611ce80d1b7f02629c",
        ),
        content_id="5a4d4600f9ae243d0ab9ee1ff6d948035e6f85a423fdfacf899262ac3ca6f325",
        note="MNIST, Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0.",
    ),
    "fashion-mnist": Download(
        mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
        md5=_files(
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ),
        content_id="a485933e0d1ec3d6089c02b9c36f6076a03703fdfa943ef3fe6950839b598fe6",
        note="Fashion-MNIST, Zalando SE, H. Xiao, K. Rasul and R. Vollgraf 2017, MIT licence.",
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
    for file, md5 in download.md5.items():
        _fetch(name, file, md5=md5, folder=folder)
    images = idx.load_folder(folder, name=name, note=download.note)
    if images.content_id != download.content_id:
        raise InputError(f"{folder}: does not hold the published {name}; delete this folder.")
    return images


def _fetch(name: str, file: str, *, md5: str, folder: Path) -> None:
    import pooch

    problems = []
    for mirror in DOWNLOADS[name].mirrors:
        try:
            pooch.retrieve(mirror + file, known_hash=f"md5:{md5}", fname=file, path=folder)
        # requests' exceptions are OSErrors; pooch tells a wrong hash by ValueError.
        except (OSError, ValueError) as error:
            problems.append(f"{mirror}: {type(error).__name__}")
        else:
            return
    raise InputError(
        f"images {name!r}: {file} could not be downloaded ({'; '.join(problems)}). Without a "
        "network, give a folder that holds the four IDX files instead of the name."
    )
