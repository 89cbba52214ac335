"""Image sets by name or by folder: the shipped digits, MNIST and its kin, or a user's own.

An image set more is one file in this room and one line here, or `register_images`; a layout of
folders more likewise, with `register_layout`.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FunctionType

from rramsim.errors import InputError
from rramsim.images import cifar10, digits, downloads, folders, idx
from rramsim.images.image_set import FolderLayout, ImageSet
from rramsim.schema import did_you_mean

_NAMES: dict[str, Callable[[], ImageSet]] = {
    "digits": digits.load,
    **{name: partial(downloads.load, name) for name in downloads.DOWNLOADS},
}
_LAYOUTS: list[FolderLayout] = [idx.FOLDER, cifar10.FOLDER, folders.FOLDER]


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
            f"images {named!r}: this {problem}.{did_you_mean(named, _NAMES)} Accepted are "
            f"{', '.join(_NAMES)}, or a folder with {_layouts()}."
        )
    return _load_folder(folder)


def register_images(name: str, load: Callable[[], ImageSet]) -> None:
    """Let `load_images`, and every command and function that takes images, know a name.

    Parameters
    ----------
    name : str
        As the user gives it.
    load : callable
        Without arguments, returns the `ImageSet`.

    Raises
    ------
    ValueError
        If the name is empty or taken. The same function may be registered again, as when a cell
        of a notebook is run twice; for another one, `unregister_images` frees the name.
    TypeError
        If `load` is no function.

    Examples
    --------
    >>> from dataclasses import replace
    >>> register_images("few-digits", lambda: replace(load_images("digits"), name="few-digits"))
    >>> load_images("few-digits").name
    'few-digits'
    >>> unregister_images("few-digits")
    """
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"an image set cannot be named {name!r}; a text is needed.")
    if not callable(load):
        raise TypeError(
            f"images {name!r}: {type(load).__name__} is no function; one that takes no arguments "
            "and returns an ImageSet is needed."
        )
    if name in _NAMES and not _is_same(_NAMES[name], load):
        raise ValueError(
            f"an image set is already named {name!r}; give another name, or take that one out "
            "with unregister_images."
        )
    _NAMES[name] = load


def unregister_images(name: str) -> None:
    """Take out a name that `register_images` added; `KeyError` where there is none.

    Examples
    --------
    >>> register_images("few-digits", lambda: load_images("digits"))
    >>> unregister_images("few-digits")
    """
    del _NAMES[name]


def register_layout(layout: FolderLayout) -> None:
    """Let `load_images` know one more way in which a folder may hold images.

    The same layout may be registered again.

    Raises
    ------
    ValueError
        If another layout has its description.
    TypeError
        If it is no `FolderLayout`, or holds no functions.

    Examples
    --------
    >>> from rramsim.images.image_set import FolderLayout
    >>> def recognises(folder):
    ...     return (folder / "pixels.npy").exists()
    >>> register_layout(FolderLayout("a file pixels.npy", recognises, load=lambda folder: ...))
    """
    if not isinstance(layout, FolderLayout):
        raise TypeError(f"a layout is a FolderLayout, not {type(layout).__name__}.")
    if not (callable(layout.recognises) and callable(layout.load)):
        raise TypeError(f"layout {layout.description!r}: recognises and load must be functions.")
    for other in _LAYOUTS:
        if other.description == layout.description:
            if _is_same(other.recognises, layout.recognises) and _is_same(other.load, layout.load):
                return
            raise ValueError(f"a layout is already described as {layout.description!r}.")
    _LAYOUTS.append(layout)


def _is_same(one: Callable[..., object], other: Callable[..., object]) -> bool:
    """Return whether two functions are one, or were made by running the same lines twice."""
    if one is other:
        return True
    return (
        isinstance(one, FunctionType)
        and isinstance(other, FunctionType)
        and one.__qualname__ == other.__qualname__
        and one.__code__ == other.__code__
        and one.__defaults__ == other.__defaults__
        and _closed_over(one) == _closed_over(other)
    )


def _closed_over(function: FunctionType) -> list[object]:
    return [cell.cell_contents for cell in function.__closure__ or ()]


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
