"""The data shipped with rramsim, found by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rramsim.errors import InputError, refused
from rramsim.readers.set_toml import NAME, Sidecar, read_sidecar

if TYPE_CHECKING:
    import pandas as pd

_PACKAGE = Path(__file__).parents[1]


def datasets() -> pd.DataFrame:
    """List the shipped sets; their names stand for files wherever rramsim reads one.

    Returns
    -------
    pandas.DataFrame
        By name: what each set is, whether its figures are measured, reconstructed or stated, its
        licence, and whom to cite.

    Examples
    --------
    >>> import rramsim
    >>> print(rramsim.datasets()["origin"].to_string())
    name
    hirtzlin2019-reconstructed    reconstructed
    ni-rram-64kb-cycling               measured
    table1                               stated
    """
    import pandas as pd

    rows = {
        name: (sidecar.description, _origin(sidecar), sidecar.licence, sidecar.citation)
        for name, (_, sidecar) in sorted(_sets().items())
    }
    columns = ["description", "origin", "licence", "citation"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.rename_axis("name")


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
    if path.is_file():
        return path
    paths = _paths()
    if str(name_or_path) in paths:
        return paths[str(name_or_path)]
    what = "this is a folder, not a file" if path.is_dir() else "there is no such file"
    raise InputError(
        f"{name_or_path}: {what}, and no shipped set has that name. "
        f"Shipped are {', '.join(sorted(paths))}."
    )


def is_folder(name_or_path: str | Path) -> bool:
    """Whether a path means a folder of files; the name of a shipped set does not."""
    return Path(name_or_path).is_dir() and str(name_or_path) not in _paths()


def _origin(sidecar: Sidecar) -> str:
    """Return where the figures are from; a conditions file states them."""
    is_table = sidecar.file.endswith(".toml")
    return "stated" if is_table else sidecar.options.origin or "measured"


def _paths() -> dict[str, Path]:
    return {name: folder / sidecar.file for name, (folder, sidecar) in _sets().items()}


def _sets() -> dict[str, tuple[Path, Sidecar]]:
    """Return the folder of each set and what its `set.toml` says, by name."""
    return {
        sidecar.name: (described.parent, sidecar)
        for described in sorted(_folder().glob(f"*/{NAME}"))
        for sidecar in (read_sidecar(described),)
    }


def _folder() -> Path:
    """Return the folder of the sets: beside the package in a checkout, inside it once installed."""
    checkout = _PACKAGE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "device_data").is_dir():
        return checkout / "device_data"
    return _PACKAGE / "device_data"
