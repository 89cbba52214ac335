"""The folder of tiles that a chip was programmed from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rramsim.errors import InputError
from rramsim.files import sha256_of_file
from rramsim.version import __version__

MANIFEST = "manifest.json"
CHECKSUM = "checksum"
"""Name of the checksum that a manifest carries of all else that it says."""
FORMAT = 2
"""Number of the form of a manifest and the files beside it; whoever changes it raises it."""


@dataclass(frozen=True)
class Exported:
    """What the manifest of `rramsim export` says.

    Attributes
    ----------
    folder : Path
    network_id : str
        Content id of the network.
    word_lines, bit_lines : int
        Of a tile.
    protection : str
    files : tuple of str
        Those that belong to the export; all others in the folder are not of it.
    """

    folder: Path
    network_id: str
    word_lines: int
    bit_lines: int
    protection: str
    files: tuple[str, ...]


def read_exported(folder: Path) -> Exported:
    """Read the manifest of a folder and check the files that it names.

    Raises
    ------
    InputError
        If there is no manifest of `rramsim export`, it is of another format, or it or a file is
        not the one that was written.
    """
    place = folder / MANIFEST
    held = _held(place)
    try:
        _check_format(place, held)
        _check_whole(place, held)
        digests = dict(held["sha256"])
        tile = held["tile"]
        exported = Exported(
            folder=folder,
            network_id=str(held["network_id"]),
            word_lines=int(tile["word_lines"]),
            bit_lines=int(tile["bit_lines"]),
            protection=str(held["protection"]),
            files=(MANIFEST, *digests),
        )
    except KeyError as error:
        raise InputError(
            f"{place}: is not the manifest of rramsim export ({error.args[0]} is missing)."
        ) from error
    except (TypeError, AttributeError) as error:
        raise InputError(f"{place}: is not the manifest of rramsim export ({error}).") from error
    for name, digest in digests.items():
        _check(folder / name, str(digest))
    return exported


def manifest_checksum(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a manifest says, its own checksum left out, in any layout.

    >>> manifest_checksum({"a": 1, "b": 2}) == manifest_checksum({"b": 2, "a": 1, "checksum": "x"})
    True
    """
    known = {name: value for name, value in manifest.items() if name != CHECKSUM}
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def _check_whole(place: Path, held: Mapping[str, Any]) -> None:
    if held[CHECKSUM] != manifest_checksum(held):
        raise InputError(
            f"{place}: was changed after rramsim export wrote it (its SHA-256 differs), so it is "
            "not used. Export the network again into another folder."
        )


def _held(manifest: Path) -> dict[str, Any]:
    try:
        held = json.loads(manifest.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{manifest}: cannot be read ({error.strerror}); reads of a chip are compared with the "
            "bits that it was programmed with, from the folder that rramsim export wrote. Name "
            "that folder with --tiles, or put the reads into it."
        ) from error
    except ValueError as error:
        raise InputError(f"{manifest}: is not the manifest of rramsim export ({error}).") from error
    if not isinstance(held, dict):
        raise InputError(f"{manifest}: is not the manifest of rramsim export (no JSON object).")
    return held


def _check_format(manifest: Path, held: Mapping[str, Any]) -> None:
    """Refuse a form that another version writes: its numbers may mean something else."""
    form, version = held["format"], held["rramsim_version"]
    if type(form) is not int or form != FORMAT:
        raise InputError(
            f"{manifest}: format is {form!r} (written by rramsim {version}); rramsim "
            f"{__version__} reads {FORMAT}. Export the network again with this version, or read "
            "the chip with the one that wrote it."
        )
    if not isinstance(version, str):
        raise InputError(
            f"{manifest}: rramsim_version is {version!r}; the version that wrote it is needed."
        )


def _check(file: Path, digest: str) -> None:
    if not file.is_file():
        # Tables may be large, and no image is in them.
        if file.suffix == ".csv":
            return
        raise InputError(f"{file}: is missing; the manifest beside it names it.")
    if sha256_of_file(file) != digest:
        raise InputError(
            f"{file}: is not the file that rramsim export wrote (its SHA-256 differs). Export the "
            "network again, and keep what was read from the chip in files of their own."
        )
