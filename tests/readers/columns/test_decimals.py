"""Commas and points in numbers, where semicolons or tabs part the columns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rramsim.errors import InputError
from rramsim.readers.columns.decimals import plain_number, with_points
from rramsim.readers.formats.text import read_text
from rramsim.readers.table import Grid, make_table


def points(*columns):
    """Return the first of the columns with points."""
    records = [list(texts) for texts in zip(*columns, strict=True)]
    rows = list(range(2, 2 + len(records)))
    grid = Grid("cells.csv", records, rows, decimal_comma=True)
    return with_points(make_table(grid, ("R", "I")[: len(columns)], start=0), 0)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["10.351,62", "5,5", "7"], ["10351.62", "5.5", "7"]),
        # Beside a number that shows both marks, these points part thousands too.
        (["10.351,62", "1.234", ">1.000.000,5"], ["10351.62", "1234", ">1000000.5"]),
        (["10,351.62", "5,100", "7.5"], ["10351.62", "5100", "7.5"]),
        (["10,351", "999.5"], ["10351", "999.5"]),
        (["1,310,250", "5,100"], ["1310250", "5100"]),
        (["5'063.4", "1’250’708", "7"], ["5063.4", "1250708", "7"]),
        (["5 200,8", "1\u202f250\u00a0708", "> 1 000"], ["5200.8", "1250708", "> 1000"]),
        (["5,1", "310"], ["5.1", "310"]),
    ],
)
def test_the_last_of_both_marks_is_the_decimal_one(texts, expected):
    assert points(texts) == expected


@pytest.mark.slow
@given(st.integers(1000, 10**9), st.integers(0, 99), st.booleans())
def test_a_number_written_with_both_marks_is_read_back(whole, cents, is_german):
    text = f"{whole:,}.{cents:02d}"
    if is_german:
        text = text.translate(str.maketrans(",.", ".,"))
    (found,) = points([text])
    assert float(found) == float(f"{whole}.{cents:02d}")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            [["10.351,62", "12.5"]],
            "cells.csv, row 3, column 'R': '12.5' was found, but in '10.351,62' of the same "
            "column the point is a thousands mark. Write all numbers with a decimal point and "
            "without thousands marks.",
        ),
        (
            [["10,351.62", "5,1"]],
            "'5,1' was found, but in '10,351.62' of the same column the comma",
        ),
        ([["10,351.62", "10.351,62"]], "the comma is a thousands mark"),
        (
            [["10.351,62", "9,5"], ["1.125", "200"]],
            "row 2, column 'I': is the point in '1.125' a decimal point or a thousands separator?",
        ),
        # A decimal comma in the file makes a point before three digits doubtful.
        ([["5,1", "5.100"]], "row 3, column 'R': is the point in '5.100' a decimal point or"),
        ([["5.063", "4.934"], ["0,2", "0,25"]], "is the point in '5.063' a decimal point or"),
        ([["5,100", "6,200"]], "is the comma in '5,100' a decimal comma or a thousands separator?"),
    ],
)
def test_what_may_be_either_is_asked_about(columns, message):
    with pytest.raises(InputError) as refused:
        points(*columns)
    assert message in str(refused.value)


def test_a_file_with_points_between_thousands_is_read(read):
    measured = read("state;R (Ohm);t (s)\nLRS;10.351,62;0.5\nHRS;1.310.000,00;2.25\nLRS;9.800;1\n")
    assert measured.readings["resistance"].values.tolist() == [10351.62, 1310000.0, 9800.0]


@pytest.mark.slow
def test_a_long_file_is_asked_about_by_its_texts(read):
    rows = "".join(f"{10 + n % 80}.351,62;310.{n % 90 + 10}0\n" for n in range(14_000))
    with pytest.raises(InputError, match=r"column 'HRS \(Ohm\)': is the point in '310\.100' a dec"):
        read("LRS (Ohm);HRS (Ohm)\n" + rows)


def test_three_decimals_throughout_are_decimals_where_semicolons_part_the_columns(read):
    measured = read("cell;LRS (kOhm);HRS (kOhm)\n1;5,775;200,125\n2;5,125;201,250\n")
    (note,) = [note for note in measured.notes if note.kind == "decimal commas"]
    assert note.text.endswith("since semicolons separate the columns: 5,775 is 5.775.")
    assert sorted(measured.readings["resistance"].values.tolist()) == [5125, 5775, 200125, 201250]


@pytest.mark.parametrize(
    "content",
    [
        # A number without a comma, thousands twice and a decimal point go with thousands.
        "cell;LRS (kOhm);HRS (kOhm)\n1;5,775;200,125\n2;512;201,250\n",
        "cell;LRS (Ohm);HRS (Ohm)\n1;5,775;1,200,125\n2;5,125;1,201,250\n",
        "cell;LRS (Ohm);t (s)\n1;5,775;0.5\n2;5,125;1.25\n",
        # Who parts columns by tabs says nothing of commas.
        "cell\tLRS (kOhm)\tHRS (kOhm)\n1\t5,775\t200,125\n2\t5,125\t201,250\n",
    ],
)
def test_commas_that_may_part_thousands_are_refused(read, content):
    with pytest.raises(InputError, match="a decimal comma or a thousands separator"):
        read(content)


@pytest.mark.parametrize(
    ("quantity", "powers"),
    [
        ("resistance", {"R": 0, "k": 3, "K": 3, "M": 6, "G": 9, "T": 12}),
        ("current", {"m": -3, "u": -6, "µ": -6, "n": -9, "p": -12, "f": -15}),
        ("conductance", {"m": -3, "u": -6, "µ": -6, "n": -9, "p": -12, "f": -15}),
    ],
)
def test_a_prefix_in_a_cell_is_its_power_of_ten(quantity, powers):
    for prefix, power in powers.items():
        assert float(plain_number(f"5.2{prefix}", quantity=quantity, factor=1.0)) == float(
            f"5.2e{power}"
        )


def test_a_prefix_stands_where_the_point_would():
    assert plain_number("4k7", quantity="resistance", factor=1.0) == "4.7e3"


def _long_table(separator, mark, names="{}"):
    """Return a table long enough to be split by columns, with bounds, blanks and many cells."""
    lines = [separator.join(["state", "R (kOhm)", "cell", "cycle"])]
    for row in range(14_000):
        is_hrs, cell = row % 2, names.format(row // 2 % 70)
        reading = f"{310 if is_hrs else 5}{mark}{row * 37 % 10_000:04}"
        reading = {1_001: "> 400", 2_002: "", 3_003: "OVLD"}.get(row, reading)
        lines.append(separator.join([("LRS", "HRS")[is_hrs], reading, cell, str(row // 140 + 1)]))
    return "\n".join([*lines, ""])


@pytest.mark.slow
@pytest.mark.parametrize(("separator", "names"), [(";", "{}"), ("\t", "A-{}")])
def test_a_long_file_is_read_with_commas_as_with_points(read, separator, names):
    with_points_in = read(_long_table(separator, ".", names), "cells.csv").readings
    with_commas = read(_long_table(separator, ",", names), "cells.csv").readings
    assert with_commas.identical(with_points_in)


def _long_columns(rows):
    """Return the readings and cycles of a long table as it is split by columns."""
    text = "R (kOhm);cycle\n" + "".join(f"{row}\n" for row in rows)
    grid = read_text(text.encode(), place="cells.csv")
    return make_table(grid, ("R (kOhm)", "cycle"), start=1, numbers=[0, 1])


def test_numbers_with_decimal_commas_are_split_by_column_without_their_texts():
    rows = [f"5,{row:05};{row}" for row in range(30_000)]
    table = _long_columns(rows)
    assert table.read_commas
    assert [column.dtype.kind for column in table.columns] == ["f", "f"]
    assert table.columns[0].tolist() == [float(f"5.{row:05}") for row in range(30_000)]
    # A point far below may part thousands or be decimal, so that all texts of the column count.
    with_point = _long_columns([*rows[:-1], "1.250,5;30000"])
    assert not with_point.read_commas
    assert with_point.columns[0][-1] == "1.250,5"


def test_commas_before_three_digits_alone_are_not_read_as_decimal_by_column():
    table = _long_columns([f"5,{row % 1000:03};{row}" for row in range(30_000)])
    assert not table.read_commas
    assert table.columns[0][0] == "5,000"
