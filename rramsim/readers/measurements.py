"""Measurement files to readings: what the product knows of measured cells starts here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeGuard

from rramsim.errors import InputError, refused
from rramsim.files import sha256_of_file
from rramsim.formatting import is_plain
from rramsim.measurements import Measured, ReadingCount, Summary
from rramsim.notes import Note
from rramsim.readers.columns.cell_ids import (
    find_repeated,
    number_cells,
    number_dice,
    take_as_one_cell,
)
from rramsim.readers.columns.layout import Layout
from rramsim.readers.cycles import number_repeats, number_sweeps, outside
from rramsim.readers.file import (
    FileReadings,
    of_netcdf,
    of_table,
    with_branches_joined,
    with_conditions_apart,
    without_spares,
)
from rramsim.readers.formats.detect import read_grids, stem_of
from rramsim.readers.formats.folders import MeasurementFile, files_of, no_file_of, notes_of
from rramsim.readers.formats.netcdf import is_netcdf
from rramsim.readers.life_tables import Lives, no_readings, read_lives, with_lives
from rramsim.readers.limits.magnitudes import magnitude_notes
from rramsim.readers.limits.meter_range import is_beyond_bulk, other_state, unknown_limit
from rramsim.readers.options import ReadOptions, constants_of_name
from rramsim.readers.set_toml import sidecar_of
from rramsim.readers.shipped import is_folder, resolve
from rramsim.readers.summaries.counts_and_percentiles import summaries_of
from rramsim.readers.table import Grid, NoReadingsError
from rramsim.readers.tables import cause_of, find_tables
from rramsim.schema import DATASETS, EXACT, STATES, check_label, first_spellings, make

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xarray as xr


def read_measurements(
    files: Path | str | Iterable[Path | str] | pd.DataFrame,
    options: ReadOptions | None = None,
    *,
    columns: str | Sequence[str] | None = None,
    map: str | Sequence[str] | Mapping[str, str] | None = None,
    states: str | Mapping[str, str] | None = None,
    read_voltage: float | str | None = None,
    over_range: float | str | None = None,
    floor: float | str | None = None,
    file_name: str | None = None,
    condition_from: str | Sequence[str] | None = None,
    repeats: str | None = None,
    cycles: str | None = None,
    encoding: str | None = None,
    sheets: str | Sequence[str] | None = None,
) -> Measured:
    """Read measured cells: files, shipped sets or a table in memory become one set of readings.

    A file is a CSV, TSV or semicolon table (also gzipped), an Excel workbook (every sheet with
    readings counts), a tester's record with sweeps, or readings that rramsim wrote as netCDF. A
    table has a row for each reading (columns state and resistance, conductance, or current and
    read voltage), or columns of one state, condition or cycle each. Without a condition column a
    file's name is the condition. A `set.toml` beside a file may say what these parameters say;
    they come first.

    Parameters
    ----------
    files : path or str, iterable of these, or pandas.DataFrame
        Files, folders of files, or names of shipped sets (`datasets`); their readings are joined.
    options : ReadOptions, optional
        All of the following as one object; what is also given by name comes first.
    columns : str or sequence of str, optional
        The columns of files without a header, in order: ``"cell,LRS [ohm],HRS [ohm],cycle"``;
        ``"-"`` leaves one out.
    map : mapping, str or sequence of str, optional
        Headers of the files and our names for them, with units: ``{"Rcell": "R [kOhm]"}``.
    states : mapping or str, optional
        Values of the state column, ``{"0": "HRS", "31": "LRS"}``; rows with others are left out
        and counted.
    read_voltage : float or str, optional
        In volt, or with its unit, ``"0.2 V"``: for files that hold currents and for sweeps.
    over_range, floor : float or str, optional
        The largest and the smallest resistance that the meter resolves, ``"100 MOhm"``:
        resistances beyond are censored there.
    file_name : str, optional
        What the names of the files hold: ``"{condition}_{state}"``.
    condition_from : str or sequence of str, optional
        The columns whose values together name a condition: ``"Icc,Vreset"``.
    repeats : str, optional
        ``"cycle"``: where a cell is read again and no column says why, its readings are cycles,
        in the order of the file.
    cycles : str, optional
        The cycles to read, ``"2-"``, ``"10-1000"``; the others are left out and counted.
    encoding : str, optional
        Of text files, ``"gbk"``. Default: UTF-8, else it is found out and said.
    sheets : str or sequence of str, optional
        The sheets of workbooks to read. Default: those with readings.

    Returns
    -------
    Measured
        The readings, with notes on what was dropped, censored or assumed.

    Raises
    ------
    InputError
        For the first thing that cannot be used: file, row, column, what was found, what is
        accepted.

    Examples
    --------
    >>> import pandas as pd, rramsim
    >>> rramsim.read_measurements("ni-rram-64kb-cycling")
    Measured(4,096 readings of 1 condition, measured)
    >>> table = pd.DataFrame({"state": ["LRS", "HRS"], "R (kOhm)": [5.1, 310]})
    >>> rramsim.read_measurements(table).readings["resistance"].values.tolist()
    [5100.0, 310000.0]
    """
    by_name = ReadOptions.from_texts(
        columns=columns,
        map=map,
        states=states,
        read_voltage=read_voltage,
        over_range=over_range,
        floor=floor,
        file_name=file_name,
        condition_from=condition_from,
        repeats=repeats,
        cycles=cycles,
        encoding=encoding,
        sheets=sheets,
    )
    if not isinstance(options, ReadOptions | None):
        raise refused("options", options, "ReadOptions; give the options by their names")
    options = by_name.over(options)
    summaries = _Summaries()
    if is_frame(files):
        return summaries.beside(_of_frame(files, options, summaries))
    read: list[FileReadings | Lives] = []
    notes: list[Note] = []
    for path in paths_of(files, name="files"):
        if is_folder(path):
            of_folder, of_others = _read_folder(Path(path), options, summaries)
            read += of_folder
            notes += of_others
        else:
            read += _read_file(_measurement_file(path), options, summaries)
    return summaries.beside(_joined(read, options, notes) if read else None)


class _Summaries:
    """The files that hold counts or percentiles instead of readings, one after another."""

    def __init__(self) -> None:
        self.found: list[Summary] = []
        self.sources: list[tuple[str, str]] = []
        self.notes: list[Note] = []

    def take(self, grids: Sequence[Grid], file: MeasurementFile, options: ReadOptions) -> bool:
        """Return whether all tables of a file are of this kind, and keep what they say."""
        filled = [grid for grid in grids if grid.records and not grid.unread]
        if options.columns is not None or not filled:
            return False
        default = options.condition or stem_of(file.path)
        found: list[list[Summary] | None] = []
        refused: list[InputError] = []
        notes: list[Note] = []
        for grid in filled:
            try:
                found.append(summaries_of(grid, default=default, notes=notes))
            except InputError as error:
                # A summary beside sheets of readings is not read, whatever is wrong with it.
                refused.append(error)
        if None in found:
            return False
        if refused:
            raise refused[0]
        self.found += [summary for of_grid in found if of_grid is not None for summary in of_grid]
        self.sources.append((file.name, sha256_of_file(file.path)))
        self.notes += [*(note for grid in filled for note in grid.notes), *notes]
        return True

    def beside(self, measured: Measured | None) -> Measured:
        """Return the readings with what the other files say."""
        if measured is None:
            if not self.found:
                raise InputError("no measurement file was named.")
            measured = Measured(_no_readings(), (), "measured", ())
        return replace(
            measured,
            notes=(*measured.notes, *self.notes),
            sources=(*measured.sources, *self.sources),
            summaries=tuple(self.found),
        )


def _no_readings() -> xr.Dataset:
    import numpy as np

    none = np.empty(0, dtype=np.int64)
    names = ("censoring", "condition_index", "state_index", "cell", "cycle")
    values = {"resistance": np.empty(0), **dict.fromkeys(names, none)}
    return make("readings", values, {"condition": np.empty(0, "U1"), "state": list(STATES)})


def is_frame(files: object) -> TypeGuard[pd.DataFrame]:
    """Return whether these are readings as a table in memory."""
    return hasattr(files, "to_csv") and hasattr(files, "columns")


def paths_of(files: object, *, name: str) -> list[str | Path]:
    """Return the files that a person names, one or many.

    Raises
    ------
    InputError
        If they are neither; `name` is what the message calls the argument.
    """
    if isinstance(files, str | Path):
        return [files]
    if isinstance(files, Iterable) and not isinstance(files, Mapping | bytes):
        paths = list(files)
        wrong = [path for path in paths if not isinstance(path, str | Path)]
        if not wrong:
            return paths
        raise refused(f"an item of {name}", wrong[0], "a path, or the name of a shipped set")
    raise refused(
        name, files, "a path, the name of a shipped set, a list of these, or a pandas.DataFrame"
    )


def _of_frame(frame: pd.DataFrame, options: ReadOptions, summaries: _Summaries) -> Measured | None:
    """Read a table in memory as the CSV file that it would be; messages name its rows."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "DataFrame.csv"
        frame.to_csv(file, index=any(name is not None for name in frame.index.names))
        read = _read_file(MeasurementFile(file, file.name), options, summaries)
        return _joined(read, options) if read else None


def _measurement_file(name: Path | str) -> MeasurementFile:
    path = resolve(name)
    if path.suffix.lower() == ".toml":
        raise InputError(
            f"{path.name}: this is a conditions file, not a table of resistances; give it with "
            "--conditions beside a FILE."
        )
    return MeasurementFile(path, path.name)


def _read_folder(
    folder: Path, options: ReadOptions, summaries: _Summaries
) -> tuple[list[FileReadings | Lives], list[Note]]:
    """Return the readings of all measurement files in a folder, and what is to be said of it.

    Raises
    ------
    InputError
        If a file cannot be used that looks like one with readings, or no file looks like one.
    """
    files, others = files_of(folder)
    read: list[FileReadings | Lives] = []
    used: list[MeasurementFile] = []
    for file in files:
        try:
            read += _read_file(file, options, summaries)
            used.append(file)
        except NoReadingsError as error:
            others.append((file.name, error.why.removeprefix(f"{file.name}: ").rstrip(".")))
        except InputError as error:
            raise InputError(
                f"{error} To leave this file out, name the files to read, not the folder."
            ) from error
    if not used:
        raise no_file_of(folder, others)
    conditions = dict.fromkeys(file.condition for file in used if file.condition)
    return read, notes_of(folder, len(used), others, list(conditions))


def _read_file(
    file: MeasurementFile, options: ReadOptions, summaries: _Summaries
) -> Sequence[FileReadings | Lives]:
    """Return the readings of one file, an item for each of its tables; none of summaries."""
    path, name = file.path, file.name
    sidecar = sidecar_of(path, file.folder)
    options = options.over(None if sidecar is None else sidecar.options)
    if file.condition and options.condition is None:
        options = replace(options, condition=file.condition)
    if is_netcdf(path):
        return [of_netcdf(path, options)]
    grids = read_grids(path, sheets=options.sheets, encoding=options.encoding, name=name)
    if summaries.take(grids, file, options):
        return []
    try:
        return _read_tables(file, grids, options)
    except InputError as error:
        if all(grid.rest is None for grid in grids):
            raise cause_of(error, grids, options) from error
        # Split line by line, a long table tells the row of what cannot be used.
        grids = read_grids(
            path, by_line=True, sheets=options.sheets, encoding=options.encoding, name=name
        )
    try:
        return _read_tables(file, grids, options)
    except InputError as error:
        raise cause_of(error, grids, options) from error


def _read_tables(
    file: MeasurementFile, grids: Sequence[Grid], options: ReadOptions
) -> Sequence[FileReadings | Lives]:
    constants = (
        {}
        if options.file_name is None
        else constants_of_name(stem_of(file.path), options.file_name)
    )
    lives = [
        table
        for grid in grids
        if grid.records and not grid.unread and options.columns is None
        for table in [
            read_lives(
                grid,
                path=file.path,
                name=file.name,
                default=options.condition or stem_of(file.path),
                renamed=options.names,
                condition_from=options.condition_from,
            )
        ]
        if table is not None
    ]
    if lives and options.cycles is not None:
        raise InputError(
            f"{lives[0].place}: the cycles of a table of lifetimes are when cells failed; "
            "--cycles cannot leave any out."
        )
    if lives:
        return lives
    layouts = find_tables(grids, options, place=file.name, constants=constants)
    return [
        replace(
            of_table(file.path, layout, options),
            name=file.name,
            within=_within(layout, file, options, constants),
        )
        for layout in layouts
    ]


def _within(
    layout: Layout, file: MeasurementFile, options: ReadOptions, constants: Mapping[str, str]
) -> str:
    """Return what the conditions of a table hold within, where its file's tester named them."""
    if not layout.names_are_of_tester or "condition" in constants:
        return ""
    if layout.grid.names_tests and options.file_name is None:
        return file.condition or stem_of(file.path)
    return file.condition


def _joined(
    contents: Sequence[FileReadings | Lives],
    options: ReadOptions,
    notes_of_folders: Sequence[Note] = (),
) -> Measured:
    import numpy as np

    tables = [file for file in contents if isinstance(file, Lives)]
    files = [file for file in contents if not isinstance(file, Lives)]
    if tables and not files:
        return _lives_alone(tables, notes_of_folders)
    if not files:
        raise InputError("no measurement file was named.")
    files = without_spares(with_conditions_apart(with_branches_joined(files)))
    _check_names(files, options)
    check_units(files)
    _check_guesses(files)
    conditions, condition = _join_conditions(files)
    frame = _frame(files, condition)
    numbered = _numbered_repeats(frame, files)
    assumed = take_as_one_cell(
        frame,
        unnamed=[file.cells.are_unnamed for file in files],
        paths=[file.path for file in files],
    )
    out, other_cycles = _outside_cycles(frame, files)
    again, repeated = find_repeated(_chosen(frame, ~out), files=files, names=conditions)
    identical = np.zeros(len(frame), dtype=bool)
    identical[~out] = again
    counts = tuple(_counts(files, frame, {"other cycles": out, "identical": identical}))
    notes = [*notes_of_folders, *(note for file in files for note in file.notes)]
    notes += [*numbered, *assumed, *other_cycles, *repeated]
    frame = _chosen(frame, ~out & ~identical)
    conditions, frame["condition"] = _only_used(conditions, frame["condition"].to_numpy())
    _check_labels(conditions, frame, files)
    measured = Measured(
        readings=_readings(frame, conditions),
        notes=(*_magnitude_notes(files, frame, conditions), *notes, *_count_notes(counts)),
        origin=_one_origin(files),
        sources=(*_digests(files), *_digests_of_lives(tables)),
        counts=counts,
    )
    return with_lives(measured, tables)


def _chosen(frame: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    """Return some rows of a frame; the frame itself, and no copy of it, where all are chosen."""
    return frame if rows.all() else frame[rows].copy()


def _numbered_repeats(frame: pd.DataFrame, files: Sequence[FileReadings]) -> list[Note]:
    """Give repeats of cells their cycles, in place, in the files of which this is asked."""
    chosen = [number for number, file in enumerate(files) if file.repeats == "cycle"]
    if not chosen:
        return []
    rows = frame["file"].isin(chosen).to_numpy()
    return [number_repeats(frame, rows, place=_place_of(files, chosen))]


def _outside_cycles(
    frame: pd.DataFrame, files: Sequence[FileReadings]
) -> tuple[np.ndarray, list[Note]]:
    """Return which readings are not of the cycles wanted of their files, and notes on them."""
    import numpy as np

    out, notes = np.zeros(len(frame), dtype=bool), []
    for wanted in dict.fromkeys(file.cycles for file in files):
        chosen = [number for number, file in enumerate(files) if file.cycles == wanted]
        rows = frame["file"].isin(chosen).to_numpy()
        out[rows], of_them = outside(frame[rows], wanted, place=_place_of(files, chosen))
        notes += of_them
    return out, notes


def _place_of(files: Sequence[FileReadings], chosen: Sequence[int]) -> str:
    if len(chosen) == 1:
        return files[chosen[0]].place
    return "all files" if len(chosen) == len(files) else f"{len(chosen)} files"


def _lives_alone(tables: Sequence[Lives], notes: Sequence[Note]) -> Measured:
    sources = tuple(_digests_of_lives(tables))
    return with_lives(Measured(no_readings(), tuple(notes), "measured", sources), tables)


def _digests_of_lives(tables: Sequence[Lives]) -> list[tuple[str, str]]:
    files = dict.fromkeys((table.path, table.name) for table in tables)
    return [(name, sha256_of_file(path)) for path, name in files]


def _counts(
    files: Sequence[FileReadings], frame: pd.DataFrame, left_out: Mapping[str, np.ndarray]
) -> Iterator[ReadingCount]:
    """Return what became of the readings of each table.

    `frame` has a row for each reading that the tables gave, `left_out` a mask of these rows for
    each reason for which they are not kept; no row is in two.
    """
    import numpy as np

    kept = ~np.any(list(left_out.values()), axis=0)
    exact = (frame["censoring"] == EXACT).to_numpy()
    for number, file in enumerate(files):
        of_file = (frame["file"] == number).to_numpy()
        later = {kind: int((rows & of_file).sum()) for kind, rows in left_out.items()}
        yield ReadingCount(
            place=file.place,
            cells=file.count,
            exact=int((of_file & kept & exact).sum()),
            censored=int((of_file & kept & ~exact).sum()),
            left_out=dict(Counter(file.left_out) + Counter(later)),
        )


def _count_notes(counts: Sequence[ReadingCount]) -> list[Note]:
    """Return a line for each table of which a reading is left out."""
    return [
        Note(
            str(count),
            kind="count of readings",
            file=count.place,
            values={"cells": count.cells, "exact": count.exact, "censored": count.censored}
            | dict(count.left_out),
        )
        for count in counts
        if count.left_out
    ]


def _magnitude_notes(
    files: Sequence[FileReadings], frame: pd.DataFrame, conditions: Sequence[str]
) -> list[Note]:
    return magnitude_notes(
        *(frame[name].to_numpy() for name in ("resistance", "condition", "state")),
        names=conditions,
        are_resistances=all(file.are_resistances for file in files),
        like_thousands=all(file.like_thousands for file in files),
    )


def _one_origin(files: Sequence[FileReadings]) -> str:
    """Return the origin of all files; figures of mixed origin would say nothing true of either."""
    first = files[0]
    for file in files:
        if file.origin != first.origin:
            raise InputError(
                f"{file.place}: its readings are {file.origin}, those of {first.place} are "
                f"{first.origin}; read them separately."
            )
    return first.origin


def _digests(files: Sequence[FileReadings]) -> list[tuple[str, str]]:
    names = {file.path: file.name or file.path.name for file in files}
    return [(name, sha256_of_file(path)) for path, name in names.items()]


def _check_names(files: Sequence[FileReadings], options: ReadOptions) -> None:
    """Refuse a header to be renamed that no file has: a slip of the pen would change nothing."""
    for header in options.names:
        if not any(header in file.headers for file in files):
            headers = ", ".join(repr(text) for text in sorted(files[0].headers) if text)
            raise InputError(
                f"--map: no file has a column {header!r}; {files[0].place} has {headers}."
            )


def _check_guesses(files: Sequence[FileReadings]) -> None:
    """Refuse a limit of the meter, guessed in one file, within the other state in another file."""
    import numpy as np

    for file in files:
        for guess in file.guesses:
            name = file.condition_names[guess.condition]
            others = [
                of.resistance[
                    (of.state == other_state(guess.side))
                    & (of.censoring == EXACT)
                    & (np.array(of.condition_names)[of.condition] == name)
                ]
                for of in files
                if of is not file
            ]
            if others and not is_beyond_bulk(guess.limit, np.concatenate(others), guess.side):
                raise unknown_limit(guess.where, guess.side, any_exact=True)


def _join_conditions(files: Sequence[FileReadings]) -> tuple[list[str], np.ndarray]:
    """Return all conditions in the order they appear, and each reading's position in them."""
    import numpy as np

    several = len({file.path for file in files}) > 1
    of_files = [
        [f"{file.part_of}, {name}" for name in file.condition_names]
        if several and file.part_of
        else file.condition_names
        for file in files
    ]
    spellings = first_spellings(name for names in of_files for name in names)
    used = list(dict.fromkeys(spellings.values()))
    positions = {name: position for position, name in enumerate(used)}
    parts = [
        np.array([positions[spellings[name]] for name in names])[file.condition]
        for file, names in zip(files, of_files, strict=True)
    ]
    return _only_used(used, np.concatenate(parts))


def _check_labels(names: Sequence[str], frame: pd.DataFrame, files: Sequence[FileReadings]) -> None:
    """Refuse a name that a terminal would obey, with the row where it was met first."""
    for number, name in enumerate(names):
        if not is_plain(name):
            rows = frame[frame["condition"] == number]
            place = files[int(rows["file"].iloc[0])].place
            check_label(name, f"{place}, row {rows['row_number'].iloc[0]}")


def _only_used(names: list[str], condition: np.ndarray) -> tuple[list[str], np.ndarray]:
    import numpy as np

    used, condition = np.unique(condition, return_inverse=True)
    return [names[position] for position in used], condition


def _frame(files: Sequence[FileReadings], condition: np.ndarray) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(file, name) for file in files])

    named = [(file.cells, len(file.resistance)) for file in files]
    columns = {
        "resistance": joined("resistance"),
        "censoring": joined("censoring"),
        "condition": condition,
        "state": joined("state"),
        "cell": number_cells(named),
        "cycle": joined("cycle"),
        "row_number": joined("row_number"),
        "file": np.repeat(np.arange(len(files)), [len(file.resistance) for file in files]),
    }
    optional = [variable for variable in DATASETS["readings"] if variable.optional]
    for variable in sorted(optional, key=lambda variable: "fib".index(variable.kind)):
        parts = [_optional(file, variable.name) for file in files]
        if any(part is not None for part in parts):
            columns[variable.name] = np.concatenate(
                [
                    np.full(len(file.resistance), variable.missing) if part is None else part
                    for file, part in zip(files, parts, strict=True)
                ]
            )
    dice = number_dice(named)
    if dice is not None:
        columns["die"] = dice
    # All columns are new arrays, so that a copy of each, which is the default, gains nothing.
    frame = pd.DataFrame(columns, copy=False)
    return number_sweeps(frame, [(file.taken, len(file.resistance)) for file in files])


def _optional(file: FileReadings, name: str) -> np.ndarray | None:
    of_cells = {"row": file.cells.row, "column": file.cells.column}
    return of_cells[name] if name in of_cells else file.more.get(name)


def _readings(frame: pd.DataFrame, names: Sequence[str]) -> xr.Dataset:
    renamed = {"condition": "condition_index", "state": "state_index"}
    values = {
        renamed.get(str(name), str(name)): frame[name].to_numpy()
        for name in frame.columns
        if name not in ("file", "row_number")
    }
    return make("readings", values, {"condition": list(names), "state": list(STATES)})


_LEAST_READINGS = 3

# A thousand and a million, each within a factor of three: conditions differ by less in LRS.
_FACTORS = {"1,000": (333.0, 3e3), "1,000,000": (333e3, 3e6)}


def check_units(files: Sequence[FileReadings]) -> None:
    """Refuse files whose medians differ by a thousand in every state they share.

    Only files of which at least one names no unit are compared: where both do, it is so.

    Raises
    ------
    InputError
        Naming the two files and the factor.
    """
    medians = [_medians(file) for file in files]
    for one, two in combinations(range(len(files)), 2):
        if files[one].unit_given and files[two].unit_given:
            continue
        shared = medians[one].keys() & medians[two].keys()
        ratios = [medians[one][state] / medians[two][state] for state in shared]
        for factor, (low, high) in _FACTORS.items():
            for smaller, larger, sizes in (
                (two, one, ratios),
                (one, two, [1 / ratio for ratio in ratios]),
            ):
                if sizes and all(low <= size <= high for size in sizes):
                    raise InputError(
                        f"{files[smaller].place}: the resistances look {factor} times smaller than "
                        f"those of {files[larger].place}, and not both files name a unit. Put the "
                        "unit in the header, such as R [kOhm]."
                    )


def _medians(file: FileReadings) -> dict[int, float]:
    import numpy as np

    return {
        state: float(np.median(file.resistance[file.state == state]))
        for state in (0, 1)
        if np.count_nonzero(file.state == state) >= _LEAST_READINGS
    }
