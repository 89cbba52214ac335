"""Image sets by name or by folder: the shipped digits, MNIST and its kin, or a user's own."""

from collections.abc import Callable
from pathlib import Path

from rramsim.errors import InputError
from rramsim.images.image_set import ImageSet

KNOWN_NAMES = ("digits", "mnist", "fashion-mnist", "cifar10")
"""The image sets that need no folder."""


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

    Examples
    --------
    >>> import rramsim
    >>> images = rramsim.load_images("digits")
    >>> images.image_shape, images.class_count, len(images.test_images)
    ((1, 8, 8), 10, 490)
    """
    from rramsim.images import digits, downloads

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


def _load_folder(folder: Path) -> ImageSet:
    from rramsim.images import cifar10, idx
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
    from rramsim.images import cifar10, idx
    from rramsim.images import folders as image_folders

    return f"{idx.LAYOUT}; {cifar10.LAYOUT}; or {image_folders.LAYOUT}"
