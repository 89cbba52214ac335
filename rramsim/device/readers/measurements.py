"""Measurement files to readings: what the product knows of measured cells starts here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rramsim.device.readers.cells import drop_repeated, number_cells
from rramsim.device.readers.onefile import PROGRAMMING, FileReadings, read_file
from rramsim.errors import InputError
from rramsim.files import sha256_of_file
from rramsim.schema import STATES, make

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xarray as xr


@dataclass(frozen=True)
class Measured:
    """Readings, and what a person should know of them.

    Attributes
    ----------
    readings : xarray.Dataset
        The dataset "readings" of `rramsim.schema`.
    notes : tuple of str
        Everything dropped, censored or assumed, counted, each with its file.
    origin : str
        "measured", "reconstructed" or "synthetic".
    sources : tuple of (str, str)
        Name and SHA-256 of each file.
    """

    readings: xr.Dataset
    notes: tuple[str, ...]
    origin: str
    sources: tuple[tuple[str, str], ...]


def read_measurements(
    paths: Iterable[Path | str],
    *,
    columns: Sequence[str] | None = None,
    read_voltage: float | None = None,
) -> Measured:
    """Read measurement files into one dataset of readings.

    A file is a CSV, TSV or semicolon table (also gzipped) or an Excel workbook, with a row for
    each reading (columns state and resistance, or current and read voltage) or a row for each
    cell (a column for LRS and one for HRS). Without a condition column a file's name is the
    condition. A `set.toml` beside a file may name its columns.

    Parameters
    ----------
    paths : iterable of path
        The files; their readings are joined.
    columns : sequence of str, optional
        The columns of files that have no header, in order: ``("cell", "LRS [ohm]", "HRS [ohm]",
        "cycle")``. ``"-"`` leaves one out. By default the header tells.
    read_voltage : float, optional
        In volt, for files with currents and no column of the read voltage.

    Returns
    -------
    Measured

    Raises
    ------
    InputError
        For the first thing that cannot be used: file, row, column, what was found, what is
        accepted.
    """
    files = [read_file(Path(path), columns=columns, read_voltage=read_voltage) for path in paths]
    if not files:
        raise InputError("no measurement file was named.")
    names, condition = _join_conditions(files)
    frame = _frame(files, condition)
    values = [name for name in frame.columns if name not in ("file", "row_number")]
    keep, repeated = drop_repeated(
        frame, values=values, places=[file.place for file in files], names=names
    )
    frame = frame[keep]
    notes = [note for file in files for note in file.notes]
    return Measured(
        readings=_readings(frame, names),
        notes=tuple(notes if repeated is None else [*notes, repeated]),
        origin=_one_origin(files),
        sources=tuple((Path(path).name, digest) for path, digest in _digests(files)),
    )


def _one_origin(files: Sequence[FileReadings]) -> str:
    """Return the origin of all files; figures of mixed origin would say nothing true of either."""
    first = files[0]
    for file in files:
        if file.origin != first.origin:
            raise InputError(
                f"{file.place}: its readings are {file.origin}, those of {first.place} are "
                f"{first.origin}; read them apart."
            )
    return first.origin


def _digests(files: Sequence[FileReadings]) -> list[tuple[Path, str]]:
    return [(file.path, sha256_of_file(file.path)) for file in files]


def _join_conditions(files: Sequence[FileReadings]) -> tuple[list[str], np.ndarray]:
    """Return all conditions in the order they appear, and each reading's position in them."""
    import numpy as np

    names = list(dict.fromkeys(name for file in files for name in file.condition_names))
    positions = {name: position for position, name in enumerate(names)}
    parts = [
        np.array([positions[name] for name in file.condition_names])[file.condition]
        for file in files
    ]
    return _only_used(names, np.concatenate(parts))


def _only_used(names: list[str], condition: np.ndarray) -> tuple[list[str], np.ndarray]:
    import numpy as np

    used, condition = np.unique(condition, return_inverse=True)
    return [names[position] for position in used], condition


def _frame(files: Sequence[FileReadings], condition: np.ndarray) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(file, name) for file in files])

    columns = {
        "resistance": joined("resistance"),
        "censoring": joined("censoring"),
        "condition": condition,
        "state": joined("state"),
        "cell": number_cells([(file.cells, len(file.resistance)) for file in files]),
        "cycle": joined("cycle"),
        "row_number": joined("row_number"),
        "file": np.repeat(np.arange(len(files)), [len(file.resistance) for file in files]),
    }
    for name, missing in (*((name, np.nan) for name in PROGRAMMING), ("failed", 0)):
        if any(name in file.more for file in files):
            columns[name] = np.concatenate(
                [file.more.get(name, np.full(len(file.resistance), missing)) for file in files]
            )
    return pd.DataFrame(columns)


def _readings(frame: pd.DataFrame, names: Sequence[str]) -> xr.Dataset:
    renamed = {"condition": "condition_index", "state": "state_index"}
    values = {
        renamed.get(str(name), str(name)): frame[name].to_numpy()
        for name in frame.columns
        if name not in ("file", "row_number")
    }
    return make("readings", values, {"condition": list(names), "state": list(STATES)})
