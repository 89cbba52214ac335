"""LabVIEW measurement files, with one segment or many, decimal points or commas."""

import pytest

from rramsim.errors import InputError

HEADER = (
    "LabVIEW Measurement\t\nWriter_Version\t2\nSeparator\tTab\nDecimal_Separator\t{}\n"
    "Multi_Headings\tYes\nX_Columns\t{}\nTime_Pref\tRelative\nOperator\teve\n"
    "Date\t2019/07/22\nTime\t17:18:18{}93\n***End_of_Header***\t\n\t\n"
)


def segment(names, rows, *, units=(), comma=False):
    """Return a segment; each row is numbers, an empty text where nothing stands."""
    count = len(names) - 1
    lines = [
        ["Channels", str(count)],
        ["Samples", *[str(len(rows))] * count],
        ["Date", *["2019/07/22"] * count],
        *([["Y_Unit_Label", *units]] if units else []),
        ["X_Dimension", *["Time"] * count],
        ["X0", *["0.0"] * count],
        ["Delta_X", *["1.0"] * count],
        ["***End_of_Header***"],
        [*names, "Comment"],
        *([str(value) for value in row] for row in rows),
    ]
    text = "\n".join("\t".join(line) for line in lines) + "\n\n"
    return text.replace(".", ",") if comma else text


NAMES = ["X_Value", "Cycle", "LRS", "HRS"]
ROWS = [[0.0, 1, 5.21, 310.5], [1.0, 2, 5.125, 290.1]]


@pytest.mark.parametrize("mark", [".", ","])
def test_channels_are_columns_with_their_units(read, mark):
    content = HEADER.format(mark, "One", mark)
    content += segment(NAMES, ROWS, units=["", "kOhm", "kOhm"], comma=mark == ",")
    measured = read(content, name="chip.lvm")
    assert measured.readings["resistance"].values == pytest.approx([5210, 5125, 310.5e3, 290.1e3])
    assert measured.readings["cycle"].values.tolist() == [1, 2, 1, 2]
    assert [str(note) for note in measured.notes[:2]] == [
        "chip.lvm: lines of the headers that are not read: Writer_Version, Multi_Headings, "
        "X_Columns, Time_Pref, Operator, Date, Time, X_Dimension, X0, Delta_X.",
        "chip.lvm: columns not used: 'X_Value'.",
    ]


def test_a_column_of_x_values_may_be_empty_or_stand_before_each_channel(read):
    none = [["", *row[1:]] for row in ROWS]
    many = ["X_Value", "Cycle", "X_Value", "LRS (kOhm)", "X_Value", "HRS (kOhm)"]
    rows = [[x, c, x, lrs, x, hrs] for x, c, lrs, hrs in ROWS]
    header = ["X_Value", "Cycle", "LRS (kOhm)", "HRS (kOhm)"]
    for way, names, values in (("No", header, none), ("Multi", many, rows)):
        readings = read(HEADER.format(".", way, ".") + segment(names, values)).readings
        assert readings["resistance"].values == pytest.approx([5210, 5125, 310.5e3, 290.1e3])


def test_channels_without_a_name_are_named_by_the_user(read):
    content = HEADER.format(".", "One", ".") + segment(
        ["X_Value", "Untitled", "Untitled 1", "Untitled 2"], ROWS
    )
    with pytest.raises(InputError, match="Headers found: 'X_Value', 'Untitled', 'Untitled 1'"):
        read(content)
    names = {"Untitled": "cycle", "Untitled 1": "LRS [kOhm]", "Untitled 2": "HRS [kOhm]"}
    assert read(content, names=names).readings["resistance"].values[0] == pytest.approx(5210)


def test_segments_are_sweeps_of_their_own(read):
    def sweep(before, after, sign):
        out = [0.1 * n for n in range(16)]
        points = [(v, v / before) for v in out] + [(v, v / after) for v in out[::-1]]
        return [[n, round(sign * v, 6), sign * i] for n, (v, i) in enumerate(points)]

    names = ["X_Value", "Voltage", "Current"]
    content = HEADER.format(".", "One", ".") + "".join(
        segment(names, rows) for rows in (sweep(2e5, 5e3, 1), sweep(5e3, 3e5, -1))
    )
    readings = read(content, read_voltage=0.2).readings
    assert readings["resistance"].values == pytest.approx([5e3, 3e5], rel=1e-4)
    assert readings["state_index"].values.tolist() == [0, 1]


def test_lines_that_other_programs_add_are_passed_over(read):
    special = "***Start_Special***\nChannels\t9\n***End_Special***\n"
    names = ["X_Value", "Cycle", "LRS (kOhm)", "HRS (kOhm)"]
    content = HEADER.format(".", "One", ".") + special + segment(names, ROWS)
    assert read(content).readings.sizes["reading"] == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("LabVIEW Measurement\t\nSeparator\tTab\n", "the header has no end"),
        (HEADER.format(".", "One", ".") + segment(NAMES, []), "no segment of this LabVIEW file"),
        (
            HEADER.format(".", "One", ".") + segment(NAMES, [[0.0, 1, "abc", 310.5], ROWS[1]]),
            "row 21, column 'LRS': 'abc' is not a number",
        ),
    ],
)
def test_files_that_are_not_understood_are_refused(read, content, message):
    with pytest.raises(InputError) as error:
        read(content, name="chip.lvm")
    assert message in str(error.value)
