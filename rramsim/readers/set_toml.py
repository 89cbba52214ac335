"""The `set.toml` beside a measurement file: what the file itself does not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from rramsim.errors import InputError
from rramsim.files import read_toml
from rramsim.readers.options import ReadOptions
from rramsim.readers.table import checked_origin
from rramsim.schema import did_you_mean

NAME = "set.toml"
_FOR_PEOPLE = ("description", "licence", "citation")
_TABLES = ("map", "states")
_READING = (
    *("columns", *_TABLES, "read_voltage", "over_range", "floor", "file_name", "condition_from"),
    *("repeats", "cycles", "encoding", "sheets"),
)
_MAY_BE_LISTS = ("columns", "condition_from", "cycles", "sheets")
_QUANTITIES = ("read_voltage", "over_range", "floor")
_TEXTS = (
    *("file", "name", "condition", "origin", *_FOR_PEOPLE),
    *(key for key in _READING if key not in _TABLES),
)


@dataclass(frozen=True)
class Sidecar:
    """What a `set.toml` says of its file.

    Attributes
    ----------
    file : str
        The data file's name, in the same folder.
    name : str
        What the set is called; by default its folder's name.
    options : ReadOptions
        How the file is to be read.
    description, licence, citation : str
        For people; empty where it does not say.
    """

    file: str
    name: str
    options: ReadOptions
    description: str = ""
    licence: str = ""
    citation: str = ""


def read_sidecar(path: Path) -> Sidecar:
    """Return what a `set.toml` says.

    Its keys are texts (``columns``, ``condition``, ``origin``, ``read_voltage = "0.2 V"``,
    ``over_range = "100 MOhm"``, ``floor``, ``file_name``, ``condition_from``, ``repeats``,
    ``cycles``, ``encoding``, ``sheets``), a number (``bit_lines``) and tables (``map`` of headers
    to our names, ``states`` of values to LRS and HRS). ``columns``, ``condition_from`` and
    ``sheets`` may also be lists of texts, ``cycles`` the first and the last cycle, and
    ``read_voltage``, ``over_range`` and ``floor`` numbers in SI units.

    Raises
    ------
    InputError
        If it is not TOML, names no file, or has a key or value that is not accepted.
    """
    place = f"{path.parent.name}/{path.name}"
    content = read_toml(path)
    for key, value in content.items():
        if not _is_accepted(key, value):
            raise _not_accepted(key, value, place=place)
    if "file" not in content:
        raise InputError(
            f'{place}: it names no file, such as file = "cells.csv", or file = "*" for every '
            "file of its folder."
        )
    return Sidecar(
        file=content["file"],
        name=content.get("name", path.parent.name),
        options=_options(content, place=place),
        **{key: content[key] for key in _FOR_PEOPLE if key in content},
    )


def sidecar_of(path: Path, folder: Path | None = None) -> Sidecar | None:
    """Return what the `set.toml` beside a file says of it, or None.

    Its ``file`` may be a pattern, ``"*.csv"``. Of a file in a subfolder of `folder`, the nearest
    `set.toml` that speaks of it counts.
    """
    beside = [path.parent]
    while folder is not None and beside[-1] != folder:
        beside.append(beside[-1].parent)
    for place in beside:
        if (place / NAME).is_file():
            sidecar = read_sidecar(place / NAME)
            # Names of files hold brackets, which mean something else in a pattern.
            if sidecar.file == path.name or fnmatchcase(path.name, sidecar.file):
                return sidecar
    return None


def _is_accepted(key: str, value: object) -> bool:
    if key == "bit_lines":
        return isinstance(value, int) and not isinstance(value, bool) and value > 0
    if key in _TABLES:
        return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
    if key == "cycles" and isinstance(value, list):
        return True  # `ReadOptions` says what is wrong with its numbers.
    if key in _MAY_BE_LISTS and isinstance(value, list):
        return bool(value) and all(isinstance(text, str) for text in value)
    if key in _QUANTITIES and isinstance(value, int | float):
        return not isinstance(value, bool)
    return key in _TEXTS and isinstance(value, str)


_KINDS = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list"}


def _not_accepted(key: str, value: object, *, place: str) -> InputError:
    """Return the error for a key that is not known, or whose value is of another kind."""
    known = (*_TEXTS, *_TABLES, "bit_lines")
    if key not in known:
        return InputError(
            f"{place}: {key!r} is no key of a {NAME}.{did_you_mean(key, known)} Accepted are "
            f"{', '.join(known)}."
        )
    accepted = "a text"
    if key == "bit_lines":
        accepted = "a whole number above 0"
    elif key in _TABLES:
        accepted = f'a table of texts, such as {key} = {{"0" = "HRS", "31" = "LRS"}}'
        if key == "map":
            accepted = 'a table of texts, such as map = {"Rcell" = "R [kOhm]"}'
    elif key == "cycles":
        accepted = 'a text such as "2-" or "10-1000", or the first and the last cycle, [2, 1000]'
    elif key in _MAY_BE_LISTS:
        accepted = "a text, or a list of texts"
    elif key in _QUANTITIES:
        accepted = "a text with its unit, or a number in SI units"
    kind = _KINDS.get(type(value), "a table" if isinstance(value, dict) else "another kind")
    if isinstance(value, list):
        wrong = [type(item) for item in value if not isinstance(item, str)]
        kind += f" with {_KINDS.get(wrong[0], 'another kind')} in it" if wrong else ""
        kind = "an empty list" if not value else kind
    return InputError(f"{place}: {key} = {value!r} is {kind}; accepted is {accepted}.")


def _options(content: Mapping[str, Any], *, place: str) -> ReadOptions:
    try:
        by_text = ReadOptions.from_texts(
            **{key: content[key] for key in _READING if key in content}
        )
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
    return replace(
        by_text,
        bit_lines=content.get("bit_lines"),
        condition=content.get("condition"),
        origin=checked_origin(content["origin"], place=place) if "origin" in content else None,
    )
