"""The folder of tiles that a chip was programmed from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from rramsim.errors import InputError
from rramsim.files import sha256_of_file

MANIFEST = "manifest.json"


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
        If there is no manifest of `rramsim export`, or a file is not the one that was written.
    """
    place = folder / MANIFEST
    try:
        held = json.loads(place.read_text(encoding="utf-8"))
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
    except OSError as error:
        raise InputError(
            f"{place}: cannot be read ({error.strerror}); what was read from a chip is compared "
            "with what it was programmed with, the folder that rramsim export wrote. Name that "
            "folder with --tiles, or put the reads into it."
        ) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{place}: is not the manifest of rramsim export ({error}).") from error
    for name, digest in digests.items():
        _check(folder / name, str(digest))
    return exported


def _check(file: Path, digest: str) -> None:
    if not file.is_file():
        # Tables may be large, and no image is in them.
        if file.suffix == ".csv":
            return
        raise InputError(f"{file}: is not there, and the manifest beside it names it.")
    if sha256_of_file(file) != digest:
        raise InputError(
            f"{file}: is not the file that rramsim export wrote (another SHA-256). Export the "
            "network again, and keep what was read from the chip in files of their own."
        )
