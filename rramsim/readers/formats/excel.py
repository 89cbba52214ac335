"""Excel workbooks: every sheet becomes a grid of texts."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rramsim.errors import InputError
from rramsim.readers.formats.sheets import chosen
from rramsim.readers.table import Grid


def read_workbook(content: bytes, *, place: str, sheets: Sequence[str] | None = None) -> list[Grid]:
    """Return the sheets of an .xlsx workbook, in its order.

    Row numbers are Excel's. A formula counts as the value Excel last saved for it. A sheet that
    is not to be read says why in `Grid.unread`: it is empty, hidden or a chart, or `sheets`, the
    user's choice, does not name it. A hidden sheet that is chosen is read.

    Raises
    ------
    InputError
        If the workbook cannot be opened, or has no sheet of a name that the user chose.
    """
    import openpyxl

    try:
        with warnings.catch_warnings():
            # openpyxl warns of styles and validations it does not keep; only values matter here.
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            grids = [_sheet(sheet, place=place) for sheet in book.worksheets]
            left_out = _left_out(book, sheets, place=place)
            charts = [chart.title for chart in book.chartsheets]
    except InputError:
        raise
    except Exception as error:
        # A damaged workbook fails anywhere in the zip, XML and openpyxl layers.
        raise InputError(
            f"{place}: the Excel workbook cannot be opened ({error}); save it anew as .xlsx."
        ) from error
    return [
        *(replace(grid, unread=left_out.get(str(grid.sheet), grid.unread)) for grid in grids),
        *(Grid(place, [], [], sheet=str(title), unread="a chart") for title in charts),
    ]


def _left_out(book: Any, sheets: Sequence[str] | None, *, place: str) -> dict[str, str]:
    """Return why sheets are left out by their state, or by the user's choice where there is one."""
    if sheets is None:
        hidden = (sheet for sheet in book.worksheets if sheet.sheet_state != "visible")
        return {str(sheet.title): "hidden" for sheet in hidden}
    names = [str(sheet.title) for sheet in book.worksheets]
    kept = chosen(names, sheets, place=place)
    return {name: "not chosen" for name in names if name not in kept}


def _sheet(sheet: Any, *, place: str) -> Grid:
    records: list[list[str]] = []
    numbers: list[int] = []
    comments: list[str] = []
    # The size a sheet claims can be wrong; without it openpyxl reads what is there.
    sheet.reset_dimensions()
    for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        texts = [_text(value) for value in values]
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
        f"{place}, sheet {sheet.title!r}",
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
