"""What a file is that holds no table to read: by its first bytes, whatever its name says."""

from __future__ import annotations

import io
import json
import re
import zipfile

_CSV = "export the table as CSV"
_MAGIC = (
    (
        b"MATLAB 5.0 MAT-file",
        "a MATLAB .mat file",
        "write the table with writetable(T, 'cells.csv')",
    ),
    (b"MATLAB 7.", "a MATLAB .mat file", "write the table with writetable(T, 'cells.csv')"),
    (b"\x89HDF", "an HDF5 or netCDF file", _CSV),
    *((b"CDF" + version, "a netCDF file", _CSV) for version in (b"\x01", b"\x02", b"\x05")),
    (b"PAR1", "a Parquet file", "write it with pandas: read_parquet(...).to_csv('cells.csv')"),
    (b"ARROW1", "an Arrow file", _CSV),
    (b"FEA1", "a Feather file", _CSV),
    (b"\x93NUMPY", "a NumPy .npy file", "write it with numpy.savetxt, with a header, as CSV"),
    (b"SQLite format 3", "an SQLite database", _CSV),
    (b"TDSm", "a LabVIEW TDMS file", _CSV),
    (b"CPYA", "an Origin project", "export the worksheet as ASCII (.csv or .dat)"),
    (b"CPYUA", "an Origin project", "export the worksheet as ASCII (.csv or .dat)"),
    (b"%PDF", "a PDF", _CSV),
    (b"%!PS", "a PostScript file", _CSV),
    (b"{\\rtf", "a text document (RTF)", "save the table as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel .xls file", "save it as .xlsx or CSV"),
    (b"\x89PNG", "a picture (PNG)", "give the numbers behind it"),
    (b"\xff\xd8\xff", "a picture (JPEG)", "give the numbers behind it"),
    (b"GIF8", "a picture (GIF)", "give the numbers behind it"),
    (b"II*\x00", "a picture (TIFF)", "give the numbers behind it"),
    (b"MM\x00*", "a picture (TIFF)", "give the numbers behind it"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it"),
    (b"Rar!", "a RAR archive", "unpack it"),
    (b"\xfd7zXZ", "an xz archive", "unpack it, or use gzip"),
    (b"BZh", "a bzip2 archive", "unpack it, or use gzip"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "unpack it, or use gzip"),
    (b"\x7fELF", "a program", "give a table"),
)
_ZIP = b"PK\x03\x04"
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_HTML = re.compile(rb"\s*<(!doctype\s+html|html|head|body|table|meta)\b", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml")
_LONGEST_JSON = 20_000_000
_NAMES_SHOWN = 3


def kind_of(content: bytes) -> str | None:
    """Return what a file is and what to do with it, None where it may hold a table.

    Parameters
    ----------
    content : bytes
        The file, unpacked where it is gzipped.

    Examples
    --------
    >>> kind_of(b"%PDF-1.7 ...")
    'a PDF; export the table as CSV'
    >>> kind_of(b"state,R (kOhm)") is None
    True
    """
    for magic, what, advice in _MAGIC:
        if content.startswith(magic):
            return f"{what}; {advice}"
    if content.startswith(_ZIP):
        return _zip(content)
    if _PICKLE.match(content) and content.rstrip(b"\n").endswith(b"."):
        return "a Python pickle; write its table with to_csv('cells.csv')"
    if content.startswith(b"BM") and int.from_bytes(content[2:6], "little") == len(content):
        return "a picture (BMP); give the numbers behind it"
    text = content.removeprefix(b"\xef\xbb\xbf")
    if _HTML.match(text):
        return (
            "an HTML page (whatever its name); open it in a spreadsheet and save it as CSV or .xlsx"
        )
    if _XML.match(text):
        return "an XML file (also spreadsheets of 2003); save the table as CSV or .xlsx"
    return _json(text)


def is_workbook(content: bytes) -> bool:
    """Return whether this is an Excel workbook of the kind that is read, .xlsx."""
    return content.startswith(_ZIP) and _zip(content) is None


def _zip(content: bytes) -> str | None:
    """Return what a zip archive is, None for a workbook and where it is damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            kind = archive.read("mimetype") if "mimetype" in names else b""
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
        return None
    if any(name.startswith("xl/") or name == "[Content_Types].xml" for name in names):
        is_other = next((part for part in ("word/", "ppt/") if _any(names, part)), None)
        if is_other:
            return "an Office document without a sheet; save the table as CSV or .xlsx"
        if "xl/workbook.bin" in names:
            return "an Excel .xlsb workbook; save it as .xlsx"
        return None
    if b"opendocument" in kind:
        return "an OpenDocument file (.ods); save it as .xlsx or CSV"
    if names and all(name.endswith(".npy") for name in names):
        return "a NumPy .npz file; write its table with numpy.savetxt, with a header, as CSV"
    if _any(names, "Index/Document.iwa") or any(name.endswith(".iwa") for name in names):
        return "an Apple Numbers file; export it as CSV or .xlsx"
    if any(name.endswith("data.pkl") for name in names):
        return "a PyTorch file; write its table as CSV"
    shown = ", ".join(names[:_NAMES_SHOWN]) + (", ..." if len(names) > _NAMES_SHOWN else "")
    return f"a zip archive with {len(names):,} files ({shown}); unpack it and give the files"


def _any(names: list[str], start: str) -> bool:
    return any(name.startswith(start) for name in names)


def _json(text: bytes) -> str | None:
    """Return that a text is JSON, or lines of JSON; None where it is neither."""
    head = text[:200].lstrip()
    if not head.startswith((b"{", b"[")):
        return None
    first = text.lstrip().split(b"\n", 1)[0]
    lines_advice = "write it with pandas: read_json(..., lines=True).to_csv('cells.csv')"
    if _loads(first) and text.lstrip().count(b"\n") > 0 and _is_more(text, first):
        return f"lines of JSON; {lines_advice}"
    if len(text) < _LONGEST_JSON and _loads(text):
        if b'"lrs_share"' in text and b'"conditions"' in text:
            return (
                "the answer of a fit (JSON); give the conditions that the fit writes with "
                "-o conditions.nc"
            )
        return "JSON; write its table as CSV"
    return None


def _is_more(text: bytes, first: bytes) -> bool:
    """Return whether something follows the first line."""
    return bool(text.lstrip()[len(first) :].strip())


def _loads(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False
