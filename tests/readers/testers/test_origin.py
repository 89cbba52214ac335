"""Worksheets of Origin as text: long names, units and comments above the numbers."""

import pytest

from rramsim.errors import InputError

DATA = [["1", "5.2", "250"], ["2", "5.4", "207"], ["3", "5.0", "58"]]
OF_DATA = [5.2e3, 5.4e3, 5.0e3, 250e3, 207e3, 58e3]


def tabs(*rows):
    return "".join("\t".join(row) + "\n" for row in rows)


NAMES, UNITS = ["Cycle", "LRS", "HRS"], ["", "kΩ", "kΩ"]
COMMENTS = ["Cycle number", "low state", "high state"]


@pytest.mark.parametrize(
    "rows",
    [
        (NAMES, UNITS, COMMENTS),
        (NAMES, COMMENTS, UNITS),
        (["A(X)", "B(Y)", "C(Y)"], NAMES, UNITS, COMMENTS),
    ],
)
def test_rows_of_comments_are_left_out_and_named(read, rows):
    measured = read(tabs(*rows, *DATA), name="origin.dat")
    assert measured.readings["resistance"].values == pytest.approx(OF_DATA)
    assert measured.readings["cycle"].values.tolist() == [1, 2, 3, 1, 2, 3]
    row = 1 + rows.index(COMMENTS)
    assert str(measured.notes[0]) == (
        f"origin.dat: row {row} is taken as comments and not read: Cycle number, low state, "
        "high state."
    )


def test_rows_with_labels_are_read_by_these(read):
    rows = [
        ["Long Name", *NAMES],
        ["Units", *UNITS],
        ["Comments", *COMMENTS],
        ["F(x)=", "", "", "Col(B)*40"],
        ["Sparklines", "", "", ""],
    ]
    for labels in (["1", "2", "3"], ["", "", ""]):
        data = [[label, *row] for label, row in zip(labels, DATA, strict=True)]
        measured = read(tabs(*rows, *data))
        assert measured.readings["resistance"].values == pytest.approx(OF_DATA)
        assert "row 4 is taken as comments and not read: Col(B)*40." in measured.notes[1].text
    # The numbers may have no column for labels.
    assert read(tabs(*rows, *DATA)).readings["resistance"].values == pytest.approx(OF_DATA)


def test_comments_tell_columns_of_one_name_apart(read):
    names = ["Cycle", "LRS", "HRS", "LRS", "HRS"]
    rows = [
        names,
        ["", *4 * ["kOhm"]],
        ["", "55 uA", "55 uA", "20 uA", "20 uA"],
        ["1", "5", "300", "9", "200"],
        ["2", "6", "400", "8", "100"],
    ]
    measured = read(tabs(*rows))
    readings = measured.readings
    assert readings["condition"].values.tolist() == ["55 uA", "20 uA"]
    assert readings["resistance"].values.tolist() == [5e3, 6e3, 3e5, 4e5, 9e3, 8e3, 2e5, 1e5]
    assert str(measured.notes[0]) == (
        "cells.csv: the conditions of columns are read from rows at the header: row 3 (names of "
        "'55 uA', '20 uA')."
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((NAMES, UNITS, ["1", "abc", "250"], *DATA), "row 3, column 'LRS (kΩ)': 'abc' is not a"),
        ((["cell", "state", "R"], ["A", "LRS", "x"], ["A", "LRS", "5"]), "'x' is not a number"),
    ],
)
def test_a_reading_that_is_broken_is_no_comment(read, rows, message):
    with pytest.raises(InputError) as error:
        read(tabs(*rows))
    assert message in str(error.value)


def test_a_first_row_of_marks_is_read(read):
    measured = read(tabs(["LRS", "HRS"], ["kOhm", "kOhm"], ["NaN", "OVLD"], ["5", "300"]))
    assert measured.readings["resistance"].values.tolist() == [5e3, 3e5, 3e5]
