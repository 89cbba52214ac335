"""A commented study file to begin with."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from rramsim.errors import InputError
from rramsim.files import write_text
from rramsim.readers.shipped import is_folder, resolve

_TEMPLATE = Path(__file__).with_name("new-study.toml")
_MEASUREMENTS, _CONDITIONS = 'measurements = ["cells.csv"]', '# conditions = "energies.toml"'
_COMMAND = "rramsim tradeoff study.toml"


def write_study(
    file: Path, *, measurements: Sequence[str] = (), conditions: str | None = None
) -> None:
    """Write a study file with every setting: what it means, its default or an example.

    Parameters
    ----------
    file : Path
        The study file; it must not exist.
    measurements : sequence of str
        Files, folders or names of shipped sets; without any, ``"cells.csv"`` stands in.
    conditions : str, optional
        A conditions file, or the name of a shipped one.

    Raises
    ------
    InputError
        If the file is there, cannot be written, or what it is to name is not there.
    """
    if os.path.lexists(file):
        raise InputError(
            f"{file}: this file exists and is not overwritten. Give another name with -o."
        )
    text = _TEMPLATE.read_text(encoding="utf-8").replace(
        _COMMAND, f"rramsim tradeoff {quote(file.name)}"
    )
    if measurements:
        named = json.dumps([_from(file, one) for one in measurements], ensure_ascii=False)
        text = text.replace(_MEASUREMENTS, f"measurements = {named}")
    if conditions is not None:
        named = json.dumps(_from(file, conditions), ensure_ascii=False)
        text = text.replace(_CONDITIONS, f"conditions = {named}")
    write_text(file, text)


def _from(file: Path, name: str) -> str:
    """Return a path relative to the folder of the study file; the name of a shipped set stays."""
    if not is_folder(name):
        resolve(name)
    if not Path(name).exists():
        return name
    try:
        relative = os.path.relpath(os.path.realpath(name), os.path.realpath(file.parent))
    except ValueError:  # on another drive, on Windows
        return Path(os.path.realpath(name)).as_posix()
    return Path(relative).as_posix()
