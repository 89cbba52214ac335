"""Files that tests of the readers write."""

import io

import openpyxl


def readings_of(measured):
    """Return condition, state, cell, cycle and resistance of each reading, in order."""
    readings = measured.readings
    names = readings["condition"].values[readings["condition_index"].values]
    columns = (readings[name].values.tolist() for name in ("state_index", "cell", "cycle"))
    ohms = (round(ohm, 3) for ohm in readings["resistance"].values.tolist())
    return sorted(zip(names.tolist(), *columns, ohms, strict=True))


def workbook(*sheets, hidden=(), merged=()):
    """Return the bytes of an Excel workbook: a title and rows for each sheet.

    `hidden` are the states, "hidden" or "veryHidden", and `merged` the merged ranges, of sheets by
    title.
    """
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
        for cells in dict(merged).get(title, ()):
            sheet.merge_cells(cells)
        sheet.sheet_state = dict(hidden).get(title, "visible")
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()
