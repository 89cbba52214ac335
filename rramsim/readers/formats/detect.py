"""From a file to its grids: what kind of file it is shows in its first bytes, not in its name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rramsim.errors import InputError, check_limit
from rramsim.files import gunzipped, read_bytes
from rramsim.readers.formats.excel import read_workbook
from rramsim.readers.formats.kinds import is_workbook, kind_of
from rramsim.readers.formats.text import read_text
from rramsim.readers.table import Grid, NoReadingsError

_GZIP = b"\x1f\x8b"


def read_grids(
    path: Path,
    *,
    by_line: bool = False,
    sheets: Sequence[str] | None = None,
    encoding: str | None = None,
    name: str = "",
) -> list[Grid]:
    """Return the grids of a table file: one of a text table, one a sheet of a workbook.

    Parameters
    ----------
    path : Path
        CSV, TSV or semicolon table, also gzipped, or an Excel .xlsx workbook.
    by_line : bool
        Whether every line of a long text is split here, so that an error has its row.
    sheets : sequence of str, optional
        The sheets of a workbook that the user chose.
    encoding : str, optional
        Of a text, where the user says it.
    name : str, optional
        How messages name the file, if not by its own name.

    Returns
    -------
    list of Grid
        At least one has a record and is not left out.

    Raises
    ------
    InputError
        If the file cannot be opened, is of another kind, or is empty.
    """
    place = name or path.name
    content = read_bytes(path)
    if content.startswith(_GZIP):
        content = gunzipped(content, place)
    kind = kind_of(content)
    if kind is not None:
        raise NoReadingsError(f"{place}: this is {kind}.")
    if is_workbook(content):
        grids = read_workbook(content, place=place, sheets=sheets)
    elif sheets is not None:
        raise InputError(f"{place}: this is no workbook and has no sheets; leave --sheet out.")
    else:
        grids = [read_text(content, place=place, by_line=by_line, encoding=encoding)]
    for grid in grids:
        _check_size(grid)
    if not any(grid.records and not grid.unread for grid in grids):
        raise _empty(grids, place=place)
    return grids


def _empty(grids: Sequence[Grid], *, place: str) -> InputError:
    """Return the error for a file in which nothing is to be read."""
    hidden = [grid.sheet for grid in grids if grid.unread == "hidden"]
    if hidden:
        return InputError(
            f"{place}: every sheet with something in it is hidden "
            f"({', '.join(map(repr, hidden))}); --sheet {str(hidden[0])!r} reads one."
        )
    empty = [grid.sheet for grid in grids if grid.unread == "empty"]
    if empty and len(grids) > len(empty):
        sheets = "the sheet is" if len(empty) == 1 else "the sheets are"
        return InputError(f"{place}: {sheets} empty: {', '.join(map(repr, empty))}.")
    return NoReadingsError(f"{place}: the file is empty; a header and readings are expected.")


def stem_of(path: Path) -> str:
    """Return a file's name without its suffixes: ``55uA.csv.gz`` is "55uA"."""
    name = path.name.removesuffix(".gz")
    return Path(name).stem or name


def _check_size(grid: Grid) -> None:
    check_limit("columns of a table", max(map(len, grid.records), default=0), grid.place)
    lines = len(grid.records) if grid.rest is None else grid.rest.text.count("\n")
    # The header is none of the rows.
    check_limit("rows of a table", lines - 1, grid.place)
