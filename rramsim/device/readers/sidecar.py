"""The `set.toml` beside a measurement file: what the file itself does not say."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from rramsim.device.readers.layout import parse_columns
from rramsim.device.readers.table import checked_origin
from rramsim.errors import InputError

NAME = "set.toml"
_KEYS = ("file", "name", "columns", "condition", "origin", "description", "licence", "citation")


@dataclass(frozen=True)
class Sidecar:
    """What a `set.toml` says of its file.

    Attributes
    ----------
    file : str
        The data file's name, in the same folder.
    name : str
        What the set is called; by default its folder's name.
    columns : tuple of str or None
        The columns of a file without a header.
    condition : str or None
        The programming condition of a file without a column for it.
    origin : str or None
        measured, reconstructed or synthetic.
    """

    file: str
    name: str
    columns: tuple[str, ...] | None
    condition: str | None
    origin: str | None


def read_sidecar(path: Path) -> Sidecar:
    """Return what a `set.toml` says.

    Raises
    ------
    InputError
        If it is not TOML, names no file, or has a key or value that is not accepted.
    """
    place = f"{path.parent.name}/{path.name}"
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{place}: cannot be read as TOML ({error}).") from error
    for key, value in said.items():
        if key not in _KEYS or not isinstance(value, str):
            raise InputError(
                f"{place}: {key} = {value!r} was found; accepted are texts for {', '.join(_KEYS)}."
            )
    if "file" not in said:
        raise InputError(f'{place}: it names no file, such as file = "cells.csv".')
    origin = said.get("origin")
    return Sidecar(
        file=said["file"],
        name=said.get("name", path.parent.name),
        columns=parse_columns(said["columns"]) if "columns" in said else None,
        condition=said.get("condition"),
        origin=None if origin is None else checked_origin(origin, place=place),
    )


def sidecar_of(path: Path) -> Sidecar | None:
    """Return what the `set.toml` in a file's folder says of that file, or None."""
    beside = path.parent / NAME
    if not beside.is_file():
        return None
    sidecar = read_sidecar(beside)
    return sidecar if sidecar.file == path.name else None
