"""Rows that lost, gained or broke a cell are never read as other numbers."""

import pytest
from reader_files import readings_of

from rramsim.errors import InputError
from rramsim.readers.formats import text

HEADER = "condition,state,R (kOhm),cycle\n"
ROWS = "a,LRS,5,1\na,HRS,300,1\na,LRS,6,2\n"


@pytest.fixture(params=["by line", "by column"])
def either_way(request, monkeypatch):
    """Split tables of a few lines by line, and by column as long ones are."""
    if request.param == "by column":
        monkeypatch.setattr(text, "_LONG", 0)
        monkeypatch.setattr(text, "_HEAD_LINES", 3)


def kilohms(measured):
    return (measured.readings["resistance"].values / 1e3).tolist()


def refusal(read, content, **options):
    with pytest.raises(InputError) as error:
        read(content, **options)
    return str(error.value)


@pytest.mark.parametrize("row", ["a,LRS,25", "a,25,3", "LRS,25,3", "a,LRS", "a"])
@pytest.mark.usefixtures("either_way")
def test_a_row_that_lacks_a_cell_is_refused_with_its_row(read, row):
    for content in (HEADER + ROWS + row + "\n", HEADER + row + "\n" + ROWS):
        line = content.split("\n").index(row) + 1
        count = row.count(",") + 1
        found = f"{count} columns were found" if count > 1 else "1 column was found"
        assert refusal(read, content).startswith(
            f"cells.csv, row {line}: {found} where the header has 4, and it is not clear which "
            "cell is missing."
        )


@pytest.mark.parametrize("row", ["a,LRS,25,3", "a,LRS,,3", "a,LRS,25,"])
@pytest.mark.usefixtures("either_way")
def test_a_row_with_all_separators_is_read_whatever_is_blank(read, row):
    expected = [5.0, 300.0, 6.0] + ([25.0] if "25" in row else [])
    assert kilohms(read(HEADER + ROWS + row + "\n")) == expected


@pytest.mark.usefixtures("either_way")
def test_where_every_row_ends_in_a_separator_one_that_lost_a_cell_is_refused(read):
    rows = ROWS.replace("\n", ",\n")
    assert kilohms(read(HEADER + rows)) == [5.0, 300.0, 6.0]
    assert kilohms(read(HEADER.replace("\n", ",\n") + rows)) == [5.0, 300.0, 6.0]
    for header in (HEADER, HEADER.replace("\n", ",\n")):
        for row in ("a,LRS,25,", "a,LRS,9,25,3", "a,LRS,9,25,,"):
            assert "cells.csv, row 5: " in refusal(read, header + rows + row + "\n")


@pytest.mark.usefixtures("either_way")
def test_a_row_that_gained_a_cell_is_refused(read):
    for row in ("a,LRS,9,25,3", "a,LRS,,25,3", "a,LRS,5,2,3"):
        assert "row 5: 5 columns were found where the header has 4" in refusal(
            read, HEADER + ROWS + row + "\n"
        )
    # With the last cell blank, the gained one would push the others on without a trace.
    blank_end = "a,LRS,7,\n"
    assert "it is not clear whether a cell is missing or was added" in refusal(
        read, HEADER + ROWS + blank_end + "a,LRS,9,25,\n"
    )


@pytest.mark.usefixtures("either_way")
def test_only_a_remark_may_be_missing(read):
    header = HEADER.replace("\n", ",remark\n")
    rows = ROWS.replace("\n", ",good\n")
    assert kilohms(read(header + rows + "a,LRS,25,3\n")) == [5.0, 300.0, 6.0, 25.0]
    for row in ("a,LRS,25,good", "a,LRS,25", "a,LRS,good", "a,25,3,good"):
        assert "cells.csv, row 5: " in refusal(read, header + rows + row + "\n")
    # A remark that may be a number is no sign of what is missing.
    assert "row 5: " in refusal(read, header + ROWS.replace("\n", ",7\n") + "a,LRS,25,3\n")


def test_blank_cells_at_the_end_of_a_row_of_excel_move_nothing(read):
    from reader_files import workbook

    rows = [line.split(",") for line in (HEADER + ROWS).splitlines()]
    content = workbook(("Run1", [*rows, ["a", "LRS", 25]]))
    measured = read(content, name="cells.xlsx")
    assert kilohms(measured) == [5.0, 300.0, 6.0, 25.0]
    assert measured.readings["cycle"].values.tolist() == [1, 1, 2, -1]


# A file that was cut short ----------------------------------------------------------------------

DECIMALS = "condition,state,R (kOhm)\n" + "a,LRS,5.063\na,HRS,310.25\n" * 4


@pytest.fixture(params=["by line", "by column"])
def cut_either_way(request, monkeypatch):
    """As `either_way`, with as many lines to compare the last one with as are needed."""
    if request.param == "by column":
        monkeypatch.setattr(text, "_LONG", 0)
        monkeypatch.setattr(text, "_HEAD_LINES", 8)


@pytest.mark.parametrize("end", ["a,HRS,310.2", "a,HRS,310.", "a,LRS,5.06", "a,LRS,5"])
@pytest.mark.usefixtures("cut_either_way")
def test_a_file_cut_inside_its_last_number_is_refused(read, end):
    assert refusal(read, DECIMALS + end) == (
        f"cells.csv, row 10: the file ends here without a line end, and {end.split(',')[-1]!r} is "
        "shorter than the other texts of its column: the file is cut short. If it is whole, add "
        "the line end."
    )
    assert len(kilohms(read(DECIMALS + end + "\n"))) == 9


@pytest.mark.parametrize("end", ["a,HRS", "a,LR", "a"])
def test_a_file_cut_inside_its_last_row_is_refused(read, end):
    assert "cells.csv, row 10: " in refusal(read, DECIMALS + end)


def test_a_label_cut_short_makes_no_condition(read):
    content = "R (kOhm),state,condition\n5,LRS,weak\n300,HRS,weak\n"
    assert "row 4: the file ends here without a line end, and 'we'" in refusal(
        read, content + "6,LRS,we"
    )
    assert "x" in read(content + "6,LRS,x").readings["condition"]


@pytest.mark.usefixtures("cut_either_way")
def test_a_missing_line_end_is_said(read):
    (note,) = read(DECIMALS.rstrip("\n")).notes
    assert str(note) == "cells.csv: row 9, the last one, has no line end: is the file cut short?"
    whole = "state,R (ohm)\n" + "LRS,5063\nHRS,310250\n" * 4
    (note,) = read(whole + "HRS,3102").notes
    assert (note.kind, note.values) == ("no line end", {"row": 10, "is_short": 1})
    assert "its '3102' is shorter than the numbers above it" in note.text


def test_ctrl_z_at_the_end_of_a_file_of_dos_is_no_text(read):
    measured = read("state,R (kOhm)\r\nLRS,5\r\nHRS,300\r\n\x1a")
    assert (kilohms(measured), measured.notes) == ([5.0, 300.0], ())


def test_a_title_above_a_map_is_not_taken_for_a_header(read):
    message = refusal(read, "LRS map (Ohm)\n,BL0,BL1\nWL0,5100,5200\nWL1,5300,5000\n")
    assert message.startswith(
        "cells.csv, row 2: 3 columns were found, and the header above has the one column 'LRS map "
        "(Ohm)'. If that is a title, write a header"
    )


@pytest.mark.parametrize(
    "content",
    [
        "  cell   state      R(ohm)\n     1   LRS    5100.0\n     1   HRS  310000.0\n"
        "     2   LRS    5200.0\n     2   HRS  320000.0\n",
        "# by hand\ncell state R (ohm)\n1 LRS 5100\n1 HRS 310000\n2 LRS 5200\n2 HRS 3.2e5\n",
    ],
)
def test_columns_with_states_may_be_aligned_by_blanks(read, content):
    assert readings_of(read(content)) == [
        *(("cells", 0, 1, -1, 5100.0), ("cells", 0, 2, -1, 5200.0)),
        *(("cells", 1, 1, -1, 310e3), ("cells", 1, 2, -1, 320e3)),
    ]
