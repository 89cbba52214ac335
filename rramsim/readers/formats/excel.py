"""Excel workbooks: every sheet becomes a grid of texts."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from rramsim.errors import InputError, check_limit
from rramsim.readers.formats.sheets import chosen
from rramsim.readers.table import VALUE_NOT_STORED, Grid

# A cell with a formula and no value; a formula of an empty text has one.
_FORMULA_ALONE = re.compile(
    rb'<c\b(?![^>]*\bt="str")[^>]*>\s*<f\b[^>]*?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>'
)

_MERGED = re.compile(rb'<mergeCell\b[^>]*\bref="[A-Z]+(\d+):[A-Z]+(\d+)"')


def read_workbook(content: bytes, *, place: str, sheets: Sequence[str] | None = None) -> list[Grid]:
    """Return the sheets of an .xlsx workbook, in its order.

    Row numbers are Excel's. A formula counts as the value Excel last saved for it; where a program
    wrote none, `VALUE_NOT_STORED` stands for it. A sheet that
    is not to be read says why in `Grid.unread`: it is empty, hidden or a chart, or `sheets`, the
    user's choice, does not name it. A hidden sheet that is chosen is read.

    Raises
    ------
    InputError
        If the workbook cannot be opened, or has no sheet of a name that the user chose.
    """
    import openpyxl

    _check_unpacked(content, place=place)
    try:
        with warnings.catch_warnings():
            # openpyxl warns of styles and validations it does not keep; only values matter here.
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            formulas: list[Any] = [None] * len(book.worksheets)
            if _has_formulas_alone(content):
                formulas = openpyxl.load_workbook(io.BytesIO(content), read_only=True).worksheets
            grids = [
                _sheet(sheet, of_formulas, place=place)
                for sheet, of_formulas in zip(book.worksheets, formulas, strict=True)
            ]
            merged = _merged_over_rows(content)
            left_out = _left_out(book, sheets, place=place)
            charts = [chart.title for chart in book.chartsheets]
    except InputError:
        raise
    except Exception as error:
        # A damaged workbook fails anywhere in the zip, XML and openpyxl layers.
        raise InputError(
            f"{place}: the Excel workbook cannot be opened ({error}); save it again as .xlsx."
        ) from error
    return [
        *(
            replace(
                grid,
                unread=left_out.get(str(grid.sheet), grid.unread),
                merged=merged.get(str(grid.sheet), ()),
            )
            for grid in grids
        ),
        *(Grid(place, [], [], sheet=str(title), unread="a chart") for title in charts),
    ]


_MOST_ROWS = 1 << 20
"""Rows of a sheet in Excel; a file may say that there are more, and be short all the same."""


def _check_unpacked(content: bytes, *, place: str) -> None:
    """Refuse a workbook that is short and holds more than is taken of a file."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        # It is told when it is opened.
        return
    check_limit("bytes of a file", size, f"{place}, unpacked")


def _left_out(book: Any, sheets: Sequence[str] | None, *, place: str) -> dict[str, str]:
    """Return why sheets are left out by their state, or by the user's choice where there is one."""
    if sheets is None:
        hidden = (sheet for sheet in book.worksheets if sheet.sheet_state != "visible")
        return {str(sheet.title): "hidden" for sheet in hidden}
    names = [str(sheet.title) for sheet in book.worksheets]
    kept = chosen(names, sheets, place=place)
    return {name: "not chosen" for name in names if name not in kept}


def _merged_over_rows(content: bytes) -> dict[str, tuple[tuple[int, int, int], ...]]:
    """Return the cells merged over several rows of each sheet: first row, last row, position."""
    import openpyxl

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
        has_any = any(
            match[1] != match[2]
            for name in sheets
            for match in _MERGED.finditer(archive.read(name))
        )
    if not has_any:
        return {}
    # Read only, openpyxl does not tell what is merged.
    book = openpyxl.load_workbook(io.BytesIO(content))
    return {
        str(sheet.title): tuple(
            (cells.min_row, cells.max_row, cells.min_col - 1)
            for cells in sheet.merged_cells.ranges
            if cells.max_row > cells.min_row
        )
        for sheet in book.worksheets
    }


def _has_formulas_alone(content: bytes) -> bool:
    """Return whether a sheet has a formula whose value the program that wrote it did not store."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
        return any(_FORMULA_ALONE.search(archive.read(name)) for name in sheets)


def _rows(sheet: Any, formulas: Any) -> Iterator[list[str]]:
    """Return the texts of each row, with a mark for formulas whose value is not stored."""
    # The size a sheet claims can be wrong; without it openpyxl reads what is there.
    sheet.reset_dimensions()
    if formulas is None:
        yield from ([_text(value) for value in row] for row in sheet.iter_rows(values_only=True))
        return
    formulas.reset_dimensions()
    rows: Iterable[tuple[Any, Any]] = zip(
        sheet.iter_rows(values_only=True), formulas.iter_rows(values_only=True), strict=True
    )
    for values, written in rows:
        yield [
            VALUE_NOT_STORED if value is None and str(formula).startswith("=") else _text(value)
            for value, formula in zip(values, written, strict=True)
        ]


def _sheet(sheet: Any, formulas: Any, *, place: str) -> Grid:
    records: list[list[str]] = []
    numbers: list[int] = []
    comments: list[str] = []
    cells, name = 0, f"{place}, sheet {sheet.title!r}"
    for number, texts in enumerate(_rows(sheet, formulas), start=1):
        if number > _MOST_ROWS:
            raise InputError(
                f"{name}: has more than {_MOST_ROWS:,} rows, which no program writes; save it "
                "again."
            )
        cells += len(texts)
        check_limit("cells of a sheet", cells, name)
        while texts and not texts[-1]:
            texts.pop()
        if not any(texts):
            continue
        if not records and texts[0].startswith("#"):
            comments.append(" ".join(texts).lstrip("# \t"))
            continue
        records.append(texts)
        numbers.append(number)
    # A number in Excel is a number; in cells typed as text a comma can only be decimal or wrong.
    return Grid(
        name,
        records,
        numbers,
        tuple(comments),
        trimmed=True,
        decimal_comma=True,
        sheet=str(sheet.title),
        unread="" if records else "empty",
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else str(value).strip()
