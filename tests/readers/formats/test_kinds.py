"""A file that holds no table is called what it is, with what to do, whatever its name says."""

import gzip
import io
import json
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest
from reader_files import workbook
from scipy.io import savemat

from rramsim.errors import InputError
from rramsim.readers.formats.kinds import kind_of


def archive(**members):
    """Return a zip archive; in the names of the members "__" stands for "." or "/"."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as opened:
        for name, content in members.items():
            opened.writestr(name.replace("__", "."), content)
    return written.getvalue()


def saved(save, *arguments):
    written = io.BytesIO()
    save(written, *arguments)
    return written.getvalue()


RECORDS = [{"state": "LRS", "R": 5.1}, {"state": "HRS", "R": 310}]
MATLAB = saved(lambda file, table: savemat(file, table), {"R": np.arange(4.0)})
FILES = [
    (MATLAB, "a MATLAB .mat file; write the table with writetable"),
    (b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + b"\x89HDF\r\n\x1a\n", "a MATLAB .mat"),
    (pickle.dumps(RECORDS), "a Python pickle"),
    (saved(np.save, np.arange(3)), "a NumPy .npy file"),
    (saved(np.savez, np.arange(3)), "a NumPy .npz file"),
    ("\n".join(map(json.dumps, RECORDS)).encode(), "lines of JSON; write it with pandas"),
    (json.dumps(RECORDS, indent=1).encode(), "JSON; write its table as CSV"),
    (b"\xef\xbb\xbf" + json.dumps(RECORDS).encode(), "JSON; write its table as CSV"),
    (b"PAR1\x15\x04\x15", "a Parquet file"),
    (b"%PDF-1.7\n", "a PDF; export the table as CSV"),
    (b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
    (b"\xff\xd8\xff\xe0", "a picture (JPEG)"),
    (b"\xd0\xcf\x11\xe0abc", "an old Excel .xls file; save it as .xlsx or CSV"),
    (b"<!DOCTYPE html><table><tr><td>R", "an HTML page"),
    (b'<?xml version="1.0"?><Workbook>', "an XML file"),
    (b"TDSm\x0e", "a LabVIEW TDMS file"),
    (b"CPYA 4.2", "an Origin project"),
    (archive(a__csv="state,R", b__csv="LRS,5"), "a zip archive with 2 files (a.csv, b.csv)"),
    (archive(mimetype="application/vnd.oasis.opendocument.spreadsheet"), "an OpenDocument file"),
    (bytes(range(256)) * 3, "a binary file of an unknown kind"),
]


@pytest.mark.parametrize("name", ["cells.csv", "cells.xlsx", "cells.dat"])
@pytest.mark.parametrize(("content", "what"), FILES, ids=[what[:24] for _, what in FILES])
def test_a_file_without_a_table_is_called_what_it_is(read, content, what, name):
    with pytest.raises(InputError) as error:
        read(content, name=name)
    assert str(error.value).startswith(f"{name}: this is ")
    assert what in str(error.value)


@pytest.mark.parametrize(("content", "what"), FILES[:-1], ids=[what[:24] for _, what in FILES[:-1]])
def test_the_same_within_gzip(read, content, what):
    with pytest.raises(InputError) as error:
        read(gzip.compress(content), name="cells.csv.gz")
    assert what in str(error.value)


def test_tables_are_no_other_kind():
    frame = pd.DataFrame(RECORDS)
    for text in (frame.to_csv(), frame.to_csv(sep=";"), "[x],R\nLRS,5\n", "{a},R\n", "BM,R\n1,2\n"):
        assert kind_of(text.encode()) is None, text
        assert kind_of(text.encode("utf-16")) is None, text
    assert kind_of(workbook(("Sheet", [["state", "R"]]))) is None


# Formulas without values ------------------------------------------------------------------------


def test_formulas_without_stored_values_are_told_as_such(read):
    """Programs write formulas into workbooks; only a spreadsheet computes their values."""
    rows = [["state", "V (V)", "I (uA)", "R (Ohm)"]]
    rows += [[state, 0.2, 40, f"=B{n}/C{n}*1e6"] for n, state in enumerate(["LRS", "HRS"], 2)]
    content = workbook(("Cells", rows))
    with pytest.raises(InputError) as error:
        read(content, name="cells.xlsx", names={"I (uA)": "-", "V (V)": "-"})
    message = str(error.value)
    assert "cells.xlsx, sheet 'Cells', row 2, column 'R (Ohm)'" in message
    assert (
        "the cell (and 1 more cell of the column) holds a formula whose value is not stored"
        in message
    )
    assert "Excel or LibreOffice" in message


def test_a_formula_in_a_column_that_is_not_read_is_no_fault(read):
    rows = [["state", "R (kOhm)", "remark"], ["LRS", 5, "=A2"], ["HRS", 300, "=A3"]]
    readings = read(workbook(("Cells", rows)), name="cells.xlsx").readings
    assert readings["resistance"].values.tolist() == [5e3, 300e3]


def test_a_condition_by_formula_is_no_name(read):
    rows = [["condition", "state", "R (kOhm)"], ["=B2", "LRS", 5], ["=B3", "HRS", 300]]
    with pytest.raises(InputError, match=r"row 2, column 'condition': .* value is not stored"):
        read(workbook(("Cells", rows)), name="cells.xlsx")
