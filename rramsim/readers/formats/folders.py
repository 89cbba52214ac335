"""Which files of a folder are measurements, in which order, and what its subfolders say."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rramsim.errors import InputError
from rramsim.notes import Note

# Besides tables, formats that are recognised and refused: their reason is told.
_TABLES = frozenset(
    [
        *(".csv", ".tsv", ".tab", ".txt", ".dat", ".asc", ".prn", ".lvm", ".log"),
        *(".xlsx", ".xlsm", ".xls", ".nc", ".h5", ".hdf5", ".hdf", ".mat", ".jsonl"),
    ]
)
_NO_FILES = frozenset(["thumbs.db", "desktop.ini", "set.toml"])
_NO_FOLDERS = frozenset(["__pycache__", "__macosx"])
# What rramsim writes beside its results; they are no measurements.
_OF_RESULTS = "provenance.json"
_MOST_FILES = 100_000
_NAMES_SHOWN = 5
_HIDDEN, _OTHER, _FOLDER = "hidden", "not the name of a table", "a folder of other files"


@dataclass(frozen=True)
class MeasurementFile:
    """A file to read.

    Attributes
    ----------
    path : Path
    name : str
        How messages name it: within the folder that the user named, where there is one.
    folder : Path or None
        That folder.
    condition : str
        What its subfolder is called, where the files lie in several; else empty.
    """

    path: Path
    name: str
    folder: Path | None = None
    condition: str = ""


def files_of(folder: Path) -> tuple[list[MeasurementFile], list[tuple[str, str]]]:
    """Return the files in a folder and its subfolders that may be measurements, and the others.

    Names are in natural order, "run2" before "run10". Hidden files and folders, and folders of
    results that rramsim wrote, count among the others.

    Returns
    -------
    files : list of MeasurementFile
    others : list of (str, str)
        Name and reason.

    Raises
    ------
    InputError
        If there is no end of files.
    """
    paths: list[Path] = []
    others: list[tuple[str, str]] = []
    for place, folders, names in os.walk(folder):
        here = Path(place)
        kept = [name for name in folders if _is_of_measurements(here / name)]
        dropped = (name for name in folders if name not in kept)
        others += [(_within(here / name, folder) + "/", _FOLDER) for name in dropped]
        folders[:] = kept
        for name in names:
            if _is_table(name):
                paths.append(here / name)
            elif name.casefold() not in _NO_FILES:
                why = _HIDDEN if name.startswith((".", "~")) else _OTHER
                others.append((_within(here / name, folder), why))
        if len(paths) + len(others) > _MOST_FILES:
            raise InputError(
                f"{folder}: more than {_MOST_FILES:,} files were found; name the folder that "
                "holds the measurements."
            )
    paths.sort(key=lambda path: _natural(_within(path, folder)))
    conditions = _conditions([path.parent for path in paths], folder)
    files = [
        MeasurementFile(path, _within(path, folder), folder, condition)
        for path, condition in zip(paths, conditions, strict=True)
    ]
    return files, sorted(others, key=lambda other: _natural(other[0]))


def notes_of(
    folder: Path, read: int, others: Sequence[tuple[str, str]], conditions: Sequence[str]
) -> list[Note]:
    """Return which files of a folder are read and which not, and what its subfolders are."""
    name = folder.resolve().name or str(folder)
    total = read + sum(why != _FOLDER for _, why in others)
    text = f"{read:,} of {total:,} files of the folder are read, in the order of their names"
    text += f"; not read: {_in_words(others)}." if others else "."
    values = {"read": read, "not_read": total - read}
    notes = [Note(text, kind="files of a folder", file=f"{name}/", values=values)]
    if conditions:
        shown = ", ".join(map(repr, conditions))
        text = f"the names of folders are taken as conditions: {shown}."
        notes.append(
            Note(
                text,
                kind="name of the folder",
                file=f"{name}/",
                values={"folders": len(conditions)},
            )
        )
    return notes


def no_file_of(folder: Path, others: Sequence[tuple[str, str]]) -> InputError:
    """Return the error for a folder in which no file holds readings."""
    found = f"; not read: {_in_words(others)}" if others else "; it is empty"
    return InputError(
        f"{folder}: no file of this folder holds readings{found}. Accepted are CSV, TSV and "
        "semicolon tables, also gzipped, Excel .xlsx, testers' records, and netCDF of readings."
    )


def _in_words(others: Sequence[tuple[str, str]]) -> str:
    """Return names and reasons, at most a few for each reason."""
    by_reason: dict[str, list[str]] = {}
    for name, why in others:
        by_reason.setdefault(why, []).append(name)
    parts = []
    for why, names in by_reason.items():
        more = f" and {len(names) - _NAMES_SHOWN:,} more" if len(names) > _NAMES_SHOWN else ""
        parts.append(f"{', '.join(names[:_NAMES_SHOWN])}{more} ({why})")
    return ", ".join(parts)


def _is_of_measurements(folder: Path) -> bool:
    name = folder.name
    if name.startswith(".") or name.casefold() in _NO_FOLDERS:
        return False
    return not (folder / _OF_RESULTS).exists()


def _is_table(name: str) -> bool:
    if name.startswith((".", "~")) or name.casefold() in _NO_FILES:
        return False
    return Path(name.casefold().removesuffix(".gz")).suffix in _TABLES


def _within(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _natural(text: str) -> list[tuple[int, int, str]]:
    """Return a key that puts "run2" before "run10"."""
    parts = re.split(r"(\d+)", text.casefold())
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]


def _conditions(parents: Sequence[Path], folder: Path) -> list[str]:
    """Return the name of each file's folder, without what all have in common; empty for one."""
    if len(set(parents)) < 2:
        return [""] * len(parents)
    parts = [parent.relative_to(folder).parts for parent in parents]
    common = 0
    while all(len(one) > common for one in parts) and len({one[common] for one in parts}) == 1:
        common += 1
    return ["/".join(one[common:]) or folder.resolve().name or "." for one in parts]
