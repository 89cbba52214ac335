"""Image sets by name or by folder: the shipped digits, MNIST and its kin, or a user's own.

An image set more is one file in this room and one line here, or `register_images`; a layout of
folders more likewise, with `register_layout`.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from rramsim.errors import InputError
from rramsim.images import cifar10, digits, downloads, folders, idx
from rramsim.images.image_set import ImageSet, Layout

_NAMES: dict[str, Callable[[], ImageSet]] = {
    "digits": digits.load,
    **{name: partial(downloads.load, name) for name in downloads.DOWNLOADS},
}
_LAYOUTS: list[Layout] = [idx.FOLDER, cifar10.FOLDER, folders.FOLDER]


def load_images(name_or_folder: str | Path) -> ImageSet:
    """Load an image set.

    Parameters
    ----------
    name_or_folder : str or Path
        ``"digits"`` (shipped), ``"mnist"``, ``"fashion-mnist"`` or ``"cifar10"`` (downloaded once
        and checked), a name given to `register_images`, or a folder that holds the four IDX files
        of MNIST's layout, CIFAR-10's binary version, or images in ``train/CLASS/`` and
        ``test/CLASS/``.

    Returns
    -------
    ImageSet
        Pixels as uint8, shape (images, features), and labels, split into training and test.

    Raises
    ------
    InputError
        If there is no such name or folder, it holds none of these or more than one, a file is
        missing or damaged, or a download fails.

    Examples
    --------
    >>> import rramsim
    >>> images = rramsim.load_images("digits")
    >>> images
    ImageSet('digits': 1,307 training and 490 test images of 1 x 8 x 8, 10 classes)
    >>> images.train_images.shape
    (1307, 64)
    """
    named = str(name_or_folder)
    if named in _NAMES:
        return _NAMES[named]()
    folder = Path(named).expanduser()
    if not folder.is_dir():
        problem = "is a file" if folder.exists() else "is neither a known name nor a folder"
        raise InputError(
            f"images {named!r}: this {problem}. Accepted are {', '.join(_NAMES)}, or "
            f"a folder with {_layouts()}."
        )
    return _load_folder(folder)


def register_images(name: str, load: Callable[[], ImageSet]) -> None:
    """Let `load_images`, and every command and function that takes images, know a name.

    Parameters
    ----------
    name : str
        As the user gives it; a known name is replaced.
    load : callable
        Without arguments, returns the `ImageSet`.

    Examples
    --------
    >>> from dataclasses import replace
    >>> register_images("few-digits", lambda: replace(load_images("digits"), name="few-digits"))
    >>> load_images("few-digits").name
    'few-digits'
    """
    _NAMES[name] = load


def register_layout(layout: Layout) -> None:
    """Let `load_images` know one more way in which a folder may hold images.

    Examples
    --------
    >>> from rramsim.images.image_set import Layout
    >>> def recognises(folder):
    ...     return (folder / "pixels.npy").exists()
    >>> register_layout(Layout("a file pixels.npy", recognises, load=lambda folder: ...))
    """
    _LAYOUTS.append(layout)


def known_names() -> tuple[str, ...]:
    """Return the names of the image sets that need no folder."""
    return tuple(_NAMES)


def origin_of(name_or_folder: str | Path) -> str:
    """Return a name as it is, and a folder as an absolute path, to be found from elsewhere."""
    named = str(name_or_folder)
    folder = Path(named).expanduser()
    return str(folder.resolve()) if named not in _NAMES and folder.is_dir() else named


def _load_folder(folder: Path) -> ImageSet:
    layouts = [layout for layout in _LAYOUTS if layout.recognises(folder)]
    if not layouts:
        raise InputError(
            f"{folder}: holds no images of a known layout. Accepted are {_layouts()}; rramsim "
            "does not split images itself."
        )
    if len(layouts) > 1:
        raise InputError(
            f"{folder}: holds more than one image set ({'; '.join(map(str, layouts))}). Accepted "
            "is one a folder."
        )
    return layouts[0].load(folder)


def _layouts() -> str:
    *others, last = map(str, _LAYOUTS)
    return f"{'; '.join(others)}; or {last}"
