import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rramsim.errors import InputError
from rramsim.readers.formats import text
from rramsim.readers.measurements import read_measurements
from rramsim.readers.options import ReadOptions
from rramsim.readers.table import LongText


@pytest.fixture
def short_heads(monkeypatch):
    """Let tables of a few lines be long ones."""
    monkeypatch.setattr(text, "_LONG", 0)
    monkeypatch.setattr(text, "_HEAD_LINES", 3)


@pytest.fixture
def line_by_line(monkeypatch):
    """Count the tables that are split line by line after all."""
    calls = []
    original = LongText.columns

    def counted(self, **options):
        columns = original(self, **options)
        if columns is None:
            calls.append(1)
        return columns

    monkeypatch.setattr(LongText, "columns", counted)
    return calls


def outcome(path, **options):
    try:
        measured = read_measurements([path], ReadOptions(**options))
    except InputError as error:
        return str(error)
    readings = {
        name: [repr(value) for value in variable.values.tolist()]
        for name, variable in measured.readings.variables.items()
    }
    return readings, tuple(map(str, measured.notes))


_CELL = st.sampled_from(
    [
        *("5", "300", "1e3", "0.1", "123456789012345678", "OVLD", ">1e9", "", " ", "nan", "0"),
        *("-3", "1e400", "9.9E37", "5,5", "abc", "#", '"7"', "1_000", "True", "007", "inf"),
    ]
)
_ROW = st.tuples(
    st.sampled_from(["LRS", "HRS", "0", "1", "x", ""]),
    _CELL,
    st.sampled_from(["1", "2", "A", "", "01", "1.5", "-1"]),
    st.sampled_from(["weak", "1", "1.0", "", " weak"]),
    st.sampled_from(["", "", "", ";", "\n", "\n;;;", "\n# x"]),
)


@pytest.mark.slow
@given(rows=st.lists(_ROW, min_size=3, max_size=9), separator=st.sampled_from([";", "\t", ","]))
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_both_ways_to_split_give_the_same(tmp_path_factory, short_heads, rows, separator):
    path = tmp_path_factory.getbasetemp() / "long.csv"
    lines = ["state;R (kOhm);cell;condition"] + [";".join(row[:4]) + row[4] for row in rows]
    path.write_text("\n".join(lines).replace(";", separator) + "\n")
    long = outcome(path)
    text._LONG = 10**9
    try:
        assert long == outcome(path)
    finally:
        text._LONG = 0


def test_a_regular_table_is_split_by_column(short_heads, line_by_line, read):
    rows = "".join(f"{state},{i},{i + 0.5}\n" for i in range(1, 20) for state in ("LRS", "HRS"))
    measured = read("# note\nstate,cell,R (kOhm)\n" + rows)
    assert line_by_line == []
    assert measured.readings["resistance"].values[:3].tolist() == [1500.0, 1500.0, 2500.0]
    assert measured.readings.sizes["reading"] == 38


def test_marks_and_blanks_are_found_with_their_rows(short_heads, line_by_line, read):
    rows = "".join(f"LRS,{i + 1}\nHRS,{i + 100}\n" for i in range(9))
    measured = read("state,R (kOhm)\n" + rows + "HRS,OVLD\nHRS,\n")
    assert line_by_line == []
    assert str(measured.notes[0]) == "cells.csv: 1 blank or NaN reading dropped (row 21)."
    assert np.count_nonzero(measured.readings["censoring"].values) == 1


@pytest.mark.parametrize(
    ("last", "message"),
    [
        ("HRS,abc", "cells.csv, row 20, column 'R (kOhm)': 'abc' is not a number"),
        ("HRS,-0.5", "cells.csv, row 20, column 'R (kOhm)': the resistance is negative"),
        ("MRS,5", "cells.csv, row 20, column 'state': 'MRS' was found"),
        ("HRS,5,6", "cells.csv, row 20: 3 columns were found where the header has 2"),
        ("HRS,'5", "cells.csv, row 20, column 'R (kOhm)': \"'5\" is not a number"),
        ('HRS,"5', "cells.csv, row 20: the row cannot be read"),
    ],
)
def test_an_error_far_down_has_its_row(short_heads, read, last, message):
    rows = "".join(f"{state},{i + 1}\n" for i in range(9) for state in ("LRS", "HRS"))
    with pytest.raises(InputError) as error:
        read("state,R (kOhm)\n" + rows + last + "\n")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("extra", "count"), [('LRS,"7"\n', 19), ("\nLRS,7\n", 19), (",\n", 18), ("\n\n", 18)]
)
def test_what_is_not_regular_is_split_line_by_line(short_heads, read, extra, count):
    rows = "".join(f"{state},{i + 1}\n" for i in range(9) for state in ("LRS", "HRS"))
    assert read("state,R (kOhm)\n" + rows + extra).readings.sizes["reading"] == count
