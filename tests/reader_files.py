"""Files that tests of the readers write."""

import io

import openpyxl


def workbook(*sheets, hidden=()):
    """Return the bytes of an Excel workbook: a title and rows for each sheet.

    `hidden` are the states, "hidden" or "veryHidden", of sheets by title.
    """
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
        sheet.sheet_state = dict(hidden).get(title, "visible")
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()
