"""Which cell a reading is of, and that no cell is read twice with two results."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rramsim.errors import InputError
from rramsim.notes import Note
from rramsim.schema import STATES

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class CellNames:
    """How one file names the cells of its readings: arrays ``(readings,)``, or None.

    `names` and `die` are whole numbers or texts (-1 or empty: blank), `row` and `column`
    positions in an array (-1: blank).
    """

    names: np.ndarray | None
    row: np.ndarray | None
    column: np.ndarray | None
    die: np.ndarray | None = None

    @property
    def are_unnamed(self) -> bool:
        """Whether nothing tells one cell from another."""
        return self.names is None and self.row is None and self.die is None

    def keys(self) -> list[np.ndarray]:
        """Return the arrays that together tell one cell from another, none where nothing does."""
        parts = (self.names, self.row, self.column, self.die)
        return [part for part in parts if part is not None]


# A time of day, or a word for a time.
_LIKE_TIME = re.compile(
    r"\d{1,2}:\d{2}|time|date|hour|minute|zeit|datum|stunde|heure|temps|时间|時間|日期",
    re.IGNORECASE,
)


_COLUMNS_SHOWN = 3


class File(Protocol):
    """A file as messages need it."""

    @property
    def place(self) -> str:
        """Its name."""

    def differing_columns(self, one: int, two: int) -> list[tuple[str, str, str]]:
        """Return the columns that are not used and differ between two rows, with their texts."""

    def differing_settings(self, one: int, two: int) -> list[tuple[str, str, str]]:
        """Return the columns of settings that differ between two rows, with their texts."""

    @property
    def condition_columns(self) -> list[str]:
        """The headers of the columns that name its conditions."""


def number_cells(files: Sequence[tuple[CellNames, int]]) -> np.ndarray:
    """Return one number a reading for its cell, over all files; -1 where no cell is named.

    Whole numbers stay as they are. Without names, a cell at row `r` and column `c` has the
    number ``r * (largest column + 1) + c``. Texts are numbered in the order they appear, and so
    are the cells of several dice, each of which has its own.

    Parameters
    ----------
    files : sequence of (CellNames, int)
        The names, and the number of readings, of each file.

    Returns
    -------
    ndarray of int64, shape (readings of all files,)
    """
    import numpy as np
    import pandas as pd

    columns = [cells.column for cells, _ in files if cells.column is not None]
    width = 1 + max((int(column.max(initial=0)) for column in columns), default=0)
    parts = [_of_file(cells, count, width=width) for cells, count in files]
    numbers = _numbered(parts)
    dice = number_dice(files)
    if dice is None or len(np.unique(dice)) < 2:
        return numbers
    both = pd.MultiIndex.from_arrays([dice, numbers])
    known = numbers >= 0
    numbers[known] = pd.factorize(both[known])[0]
    return numbers


def number_dice(files: Sequence[tuple[CellNames, int]]) -> np.ndarray | None:
    """Return one number a reading for its die, -1 where unknown; None where no file names dice."""
    import numpy as np

    if all(cells.die is None for cells, _ in files):
        return None
    missing = [np.full(count, -1, dtype=np.int64) for _, count in files]
    return _numbered(
        [
            none if cells.die is None else cells.die
            for (cells, _), none in zip(files, missing, strict=True)
        ]
    )


def _numbered(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return whole numbers as they are, texts by the order in which they appear."""
    import numpy as np
    import pandas as pd

    if all(part.dtype.kind == "i" for part in parts):
        return np.concatenate(parts)
    joined = np.concatenate([part.astype(str).astype(object) for part in parts])
    joined[(joined == "") | (joined == "-1")] = None
    return np.asarray(pd.factorize(joined)[0], dtype=np.int64)


def take_as_one_cell(
    frame: pd.DataFrame, *, unnamed: Sequence[bool], paths: Sequence[Path]
) -> list[Note]:
    """Give one number, in place, to the readings of files that name no cell and are of one.

    A file has one cell where it has cycles and at most one reading of a condition, state and
    cycle. Such files are of the same cell, unless they repeat a condition, state and cycle
    between them; then each has its own.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a reading with condition, state, cell, cycle and file.
    unnamed : sequence of bool
        For each number in `file` whether that table names no cells.
    paths : sequence of Path
        For each number in `file` where it is from; several tables may be of one path.

    Returns
    -------
    list of Note
        What was assumed, for each file.
    """
    import numpy as np

    key = ["condition", "state", "cycle"]
    taken = {}
    for path in dict.fromkeys(paths):
        tables = [table for table, other in enumerate(paths) if other == path]
        if not all(unnamed[table] for table in tables):
            continue
        rows = frame[frame["file"].isin(tables)]
        if (rows["cycle"] >= 0).all() and not rows.duplicated(key).any():
            taken[path] = rows.index
    if not taken:
        return []
    together = frame.loc[np.concatenate(list(taken.values()))].duplicated(key).sum() == 0
    first = int(frame["cell"].max()) + 1
    for number, rows_of_file in enumerate(taken.values()):
        frame.loc[rows_of_file, "cell"] = first + (0 if together else number)
    return [
        Note(
            "no column names the cell, and each state is read once a cycle: all readings "
            "are taken as those of one cell. If there are several, add a column of cells.",
            kind="one cell",
            file=path.name,
        )
        for path in taken
    ]


def find_repeated(
    frame: pd.DataFrame, *, files: Sequence[File], names: Sequence[str]
) -> tuple[np.ndarray, list[Note]]:
    """Return which readings only repeat an identical one, and a note that counts them.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a reading with condition, state, cell, cycle, file, row_number and what else is
        known of it.
    files : sequence of File
        Where `file` says that readings are from.
    names : sequence of str
        Names of the conditions.

    Returns
    -------
    repeated : ndarray of bool, shape (readings,)
    notes : list of Note
        How many are to be dropped.

    Raises
    ------
    InputError
        If a cell has two different readings of the same condition, state and cycle.
    """
    import numpy as np

    if _are_surely_distinct(frame):
        return np.zeros(len(frame), dtype=bool), []
    # One cell may well be read at several times and temperatures.
    also = [name for name in ("time", "temperature") if name in frame.columns]
    key = ["condition", "state", "cell", "cycle", *also]
    values = [name for name in frame.columns if name not in ("file", "row_number")]
    is_named = frame["cell"] >= 0
    named = frame if is_named.all() else frame[is_named]
    # Cells that are read once are looked at by their keys alone: of millions a copy takes memory.
    is_again = named[key].fillna(dict.fromkeys(also, -1.0)).duplicated(keep=False)
    repeated = named[is_again].fillna(dict.fromkeys(also, -1.0))
    identical = repeated.duplicated(values, keep="first")
    differing = repeated[~identical & repeated.duplicated(key, keep="first")]
    if not differing.empty:
        again = differing.iloc[0]
        same_key = (repeated[key] == again[key]).all(axis=1)
        raise _twice(repeated[same_key].iloc[0], again, files=files, names=names)
    dropped: np.ndarray = frame.index.isin(repeated.index[identical])
    count = int(identical.sum())
    if not count:
        return dropped, []
    rows = ", ".join(str(row) for row in repeated["row_number"][identical].head(10))
    more = ", ..." if count > 10 else ""
    word = "reading" if count == 1 else "readings"
    text = f"{count:,} identical {word} of the same cell dropped (rows {rows}{more})."
    return dropped, [Note(text, kind="identical", values={"readings": count})]


def _are_surely_distinct(frame: pd.DataFrame) -> bool:
    """Whether a short look shows that no cell is read twice in a condition, state and cycle.

    Each reading has a place in a table of all of them, where cells and cycles leave few empty.
    """
    import numpy as np

    place, size = np.zeros(len(frame), dtype=np.int64), 1
    for name in ("condition", "state", "cell", "cycle"):
        values = frame[name].to_numpy()
        low, high = int(values.min(initial=0)), int(values.max(initial=0))
        size *= high - low + 1
        if size > _MOST_PLACES * len(frame):
            return False
        place *= high - low + 1
        place += values - low
    is_taken = np.zeros(size, dtype=bool)
    is_taken[place] = True
    return int(np.count_nonzero(is_taken)) == len(frame)


_MOST_PLACES = 16
"""Places for each reading: a byte each, so that they take less memory than its numbers."""


def _of_file(cells: CellNames, count: int, *, width: int) -> np.ndarray:
    import numpy as np

    if cells.names is not None:
        return cells.names
    if cells.row is None or cells.column is None:
        return np.full(count, -1, dtype=np.int64)
    known = (cells.row >= 0) & (cells.column >= 0)
    return np.where(known, cells.row * width + cells.column, -1)


def _twice(
    first: pd.Series, again: pd.Series, *, files: Sequence[File], names: Sequence[str]
) -> InputError:
    cycle = f", cycle {int(again['cycle'])}" if again["cycle"] >= 0 else ""
    one, two = (
        f"{files[int(row['file'])].place}, row {int(row['row_number'])}" for row in (first, again)
    )
    rows = (int(first["row_number"]), int(again["row_number"]))
    same_file = first["file"] == again["file"]
    unused = files[int(first["file"])].differing_columns(*rows) if same_file else []
    own = files[int(first["file"])]
    settings = own.differing_settings(*rows) if same_file else []
    hint = (
        _which_setting(settings, own.condition_columns)
        if settings
        else _what_differs(unused, is_numbered=bool(cycle))
    )
    if not same_file:
        # As cycles, cells of several chips would become one.
        hint = (
            " If these are other cells of the same name, say which: name sheets like dice or cells "
            '("Die 1", "Cell 3"), or take the die from the names of files (--file-name "{die}").'
            + hint
        )
    return InputError(
        f"{two}: this cell of {names[int(again['condition'])]!r}, "
        f"{STATES[int(again['state'])]}{cycle}, was read before with another result ({one}).{hint}"
    )


def _which_setting(settings: Sequence[tuple[str, str, str]], named_by: Sequence[str]) -> str:
    """Return what to do where cells were read at several settings, after a space."""
    headers = ",".join([*named_by, *(header for header, _, _ in settings)])
    return (
        f" {_told(settings, '')}: "
        f'--condition-from "{headers}" reads each setting as a condition of its own; for one of '
        "them alone, keep only its rows in the file."
    )


def _told(columns: Sequence[tuple[str, str, str]], but: str) -> str:
    """Return that columns differ between the rows, with what stands there."""
    if len(columns) == 1:
        ((header, one, two),) = columns
        return f"The column {header!r}{but} differs between the rows ({one!r}, {two!r})"
    shown = columns[:_COLUMNS_SHOWN]
    differing = ", ".join(f"{header!r} ({one!r}, {two!r})" for header, one, two in shown)
    more = f" and {len(columns) - len(shown)} more" if len(columns) > len(shown) else ""
    return f"The columns {differing}{more}{but} differ between the rows"


def _what_differs(unused: Sequence[tuple[str, str, str]], *, is_numbered: bool) -> str:
    """Return what may tell two readings of a cell apart, as sentences with a space before each."""
    times = [column for column in unused if _LIKE_TIME.search(" ".join(column))]
    if times:
        # Read as cycles, a retention would become an endurance.
        return (
            f" {_told(times[:1], ', not used,')}: "
            f'--map "{times[0][0]}=time [s]" reads it as the time, if it holds seconds, or dates '
            "such as 2025-03-04 09:00:00."
        )
    text = ""
    if unused:
        text = (
            f" {_told(unused, ', not used,')}: name {'it' if len(unused) == 1 else 'one'} with "
            "--map, or in --columns, if it is the cycle, time, die or temperature; "
            "--condition-from says that it tells conditions apart."
        )
    if not is_numbered:
        text += (
            f" {'Only if neither holds, ' if unused else ''}--repeats cycle numbers the readings "
            "of a cell as its cycles, in the order of the file."
        )
    return text
