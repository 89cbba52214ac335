"""The data shipped with rramsim, found by name."""

from __future__ import annotations

from pathlib import Path

from rramsim.errors import InputError
from rramsim.readers.set_toml import NAME, read_sidecar

_PACKAGE = Path(__file__).parents[1]


def shipped_names() -> tuple[str, ...]:
    """Return the names of the shipped sets, sorted."""
    return tuple(sorted(_paths()))


def shipped_path(name: str) -> Path:
    """Return the data file of a shipped set.

    Parameters
    ----------
    name : str
        Such as ``"table1"`` or ``"ni-rram-64kb-cycling"``.

    Raises
    ------
    InputError
        If no set has that name; the message lists those there are.
    """
    paths = _paths()
    if name not in paths:
        raise InputError(f"no shipped set is named {name!r}; there are {', '.join(sorted(paths))}.")
    return paths[name]


def resolve(name_or_path: str | Path) -> Path:
    """Return the file that a shipped name or a path means; an existing file comes first.

    Raises
    ------
    InputError
        If there is neither such a file nor such a set.
    """
    path = Path(name_or_path)
    if path.is_file():
        return path
    paths = _paths()
    if str(name_or_path) in paths:
        return paths[str(name_or_path)]
    found = "this is a folder, not a file" if path.is_dir() else "there is no such file"
    raise InputError(
        f"{name_or_path}: {found}, and no shipped set has that name. "
        f"Shipped are {', '.join(sorted(paths))}."
    )


def _paths() -> dict[str, Path]:
    return {
        sidecar.name: described.parent / sidecar.file
        for described in sorted(_folder().glob(f"*/{NAME}"))
        for sidecar in (read_sidecar(described),)
    }


def _folder() -> Path:
    """Return the folder of the sets: beside the package in a checkout, inside it once installed."""
    checkout = _PACKAGE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "device_data").is_dir():
        return checkout / "device_data"
    return _PACKAGE / "device_data"
