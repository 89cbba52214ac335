"""Which cell a reading is of, and that no cell is read twice with two results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

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
        rows = frame[frame["file"].isin(tables)]
        one_a_cycle = (rows["cycle"] >= 0).all() and not rows.duplicated(key).any()
        if one_a_cycle and all(unnamed[table] for table in tables):
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
            "are taken as of one cell. A column of cells would say otherwise.",
            kind="one cell",
            file=path.name,
        )
        for path in taken
    ]


def drop_repeated(
    frame: pd.DataFrame, *, values: Sequence[str], places: Sequence[str], names: Sequence[str]
) -> tuple[np.ndarray, Note | None]:
    """Return which readings to keep: of identical ones only the first.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a reading with condition, state, cell, cycle, file, row_number and `values`.
    values : sequence of str
        The columns that make two readings of the same cell identical.
    places, names : sequence of str
        Names of the files and of the conditions, for messages.

    Returns
    -------
    keep : ndarray of bool, shape (readings,)
    note : Note or None
        How many were dropped.

    Raises
    ------
    InputError
        If a cell has two different readings of the same condition, state and cycle.
    """
    import numpy as np

    # One cell may well be read at several times and temperatures.
    also = [name for name in ("time", "temperature") if name in frame.columns]
    key = ["condition", "state", "cell", "cycle", *also]
    keep = np.ones(len(frame), dtype=bool)
    named = frame[frame["cell"] >= 0].fillna(dict.fromkeys(also, -1.0))
    repeated = named[named.duplicated(key, keep=False)]
    if repeated.empty:
        return keep, None
    identical = repeated.duplicated([*key, *values], keep="first")
    differing = repeated[~identical & repeated.duplicated(key, keep="first")]
    if not differing.empty:
        again = differing.iloc[0]
        same_key = (repeated[key] == again[key]).all(axis=1)
        raise _twice(repeated[same_key].iloc[0], again, places=places, names=names)
    keep[repeated.index[identical]] = False
    count = int(identical.sum())
    rows = ", ".join(str(row) for row in repeated["row_number"][identical].head(10))
    more = ", ..." if count > 10 else ""
    word = "reading" if count == 1 else "readings"
    text = f"{count:,} identical {word} of the same cell dropped (rows {rows}{more})."
    return keep, Note(text, kind="identical", values={"readings": count})


def _of_file(cells: CellNames, count: int, *, width: int) -> np.ndarray:
    import numpy as np

    if cells.names is not None:
        return cells.names
    if cells.row is None or cells.column is None:
        return np.full(count, -1, dtype=np.int64)
    known = (cells.row >= 0) & (cells.column >= 0)
    return np.where(known, cells.row * width + cells.column, -1)


def _twice(
    first: pd.Series, again: pd.Series, *, places: Sequence[str], names: Sequence[str]
) -> InputError:
    cycle = f", cycle {int(again['cycle'])}" if again["cycle"] >= 0 else ""
    one, two = (
        f"{places[int(row['file'])]}, row {int(row['row_number'])}" for row in (first, again)
    )
    hint = "" if cycle else " If they are of different cycles, add a cycle column."
    return InputError(
        f"{two}: this cell of {names[int(again['condition'])]!r}, "
        f"{STATES[int(again['state'])]}{cycle}, was read before with another result ({one}).{hint}"
    )
