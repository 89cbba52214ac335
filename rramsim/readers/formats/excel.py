"""Excel workbooks: every sheet becomes a grid of texts."""

from __future__ import annotations

import io
import warnings
from typing import Any

from rramsim.errors import InputError
from rramsim.readers.table import Grid


def read_workbook(content: bytes, *, place: str) -> list[Grid]:
    """Return the sheets of an .xlsx workbook, in its order; empty sheets are left out.

    Row numbers are Excel's. A formula counts as the value Excel last saved for it.

    Raises
    ------
    InputError
        If the workbook cannot be opened.
    """
    import openpyxl

    try:
        with warnings.catch_warnings():
            # openpyxl warns of styles and validations it does not keep; only values matter here.
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            grids = [_sheet(sheet, place=place) for sheet in book.worksheets]
    except Exception as error:
        # A damaged workbook fails anywhere in the zip, XML and openpyxl layers.
        raise InputError(
            f"{place}: the Excel workbook cannot be opened ({error}); save it anew as .xlsx."
        ) from error
    return [grid for grid in grids if grid.records]


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
        decimal_comma=True,
        sheet=str(sheet.title),
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else str(value).strip()
