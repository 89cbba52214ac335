"""Files that tests of the readers write."""

import io

import openpyxl


def workbook(*sheets):
    """Return the bytes of an Excel workbook: a title and rows for each sheet."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()
