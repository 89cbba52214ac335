"""The data shipped with rramsim, found by name."""

from __future__ import annotations

from pathlib import Path

from rramsim.errors import InputError, refused
from rramsim.files import check_regular
from rramsim.readers.set_toml import NAME, Sidecar, read_sidecar
from rramsim.schema import did_you_mean_file

_PACKAGE = Path(__file__).parents[2]


def shipped_sets() -> dict[str, tuple[Path, Sidecar]]:
    """Return the file of each shipped set and what its `set.toml` says, by name."""
    found = ((path.parent, read_sidecar(path)) for path in _folder().glob(f"*/{NAME}"))
    sets = {sidecar.name: (folder / sidecar.file, sidecar) for folder, sidecar in found}
    return dict(sorted(sets.items()))


def resolve(name_or_path: str | Path) -> Path:
    """Return the file that a shipped name or a path means; an existing file comes first.

    Raises
    ------
    InputError
        If there is neither such a file nor such a set.
    """
    if not isinstance(name_or_path, str | Path):
        raise refused("path", name_or_path, "a path, or the name of a shipped set")
    path = Path(name_or_path)
    check_regular(path)
    if path.is_file():
        return path
    paths = _paths()
    if str(name_or_path) in paths:
        return paths[str(name_or_path)]
    what = "this is a folder, not a file" if path.is_dir() else "there is no such file"
    raise InputError(
        f"{name_or_path}: {what}, and no shipped set has that "
        f"name.{did_you_mean_file(path, paths)} Shipped are {', '.join(sorted(paths))}."
    )


def is_folder(name_or_path: str | Path) -> bool:
    """Whether a path means a folder of files; the name of a shipped set does not."""
    return Path(name_or_path).is_dir() and str(name_or_path) not in _paths()


def _paths() -> dict[str, Path]:
    return {name: file for name, (file, _) in shipped_sets().items()}


def _folder() -> Path:
    """Return the folder of the sets: beside the package in a checkout, inside it once installed."""
    checkout = _PACKAGE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "device_data").is_dir():
        return checkout / "device_data"
    return _PACKAGE / "device_data"
