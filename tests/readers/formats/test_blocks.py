import pytest
from reader_files import readings_of, workbook

from rramsim.errors import InputError

BOTH = sorted(
    [
        ("weak", 0, 1, -1, 5100.0),
        ("weak", 0, 2, -1, 5200.0),
        ("weak", 0, 3, -1, 5300.0),
        ("weak", 1, 1, -1, 310e3),
        ("weak", 1, 2, -1, 320e3),
        ("weak", 1, 3, -1, 330e3),
        ("strong", 0, 1, -1, 2100.0),
        ("strong", 0, 2, -1, 2200.0),
        ("strong", 1, 1, -1, 510e3),
        ("strong", 1, 2, -1, 520e3),
    ]
)
WIDE = [
    ["condition", "cell", "LRS (kOhm)", "HRS (kOhm)"],
    ["weak", 1, 5.1, 310],
    [None, 2, 5.2, 320],
    [None, 3, 5.3, 330],
    ["strong", 1, 2.1, 510],
    [None, 2, 2.2, 520],
]
# State, cell and condition, each in the first row of its block only.
LONG = [
    ["condition", "cell", "state", "R (kOhm)"],
    *(["weak", 1, "LRS", 5.1], [None, None, "HRS", 310], [None, 2, "LRS", 5.2]),
    *([None, None, "HRS", 320], [None, 3, "LRS", 5.3], [None, None, "HRS", 330]),
    *(["strong", 1, "LRS", 2.1], [None, None, "HRS", 510], [None, 2, "LRS", 2.2]),
    [None, None, "HRS", 520],
]
MERGED = {"wide": ["A2:A4", "A5:A6"], "long": ["A2:A7", "A8:A11"]}
MERGED["long"] += [f"B{row}:B{row + 1}" for row in range(2, 12, 2)]


def text_of(rows, separator=","):
    lines = (separator.join("" if cell is None else str(cell) for cell in row) for row in rows)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("rows", "cells"), [(WIDE, {"condition": 3}), (LONG, {"condition": 8, "cell": 5})]
)
def test_a_name_in_the_first_row_of_its_block_is_of_all_its_rows(read, rows, cells):
    measured = read(text_of(rows))
    assert readings_of(measured) == BOTH
    filled = {
        note.values["column"]: note.values["cells"]
        for note in measured.notes
        if note.kind == "filled down"
    }
    assert filled == cells


@pytest.mark.parametrize(("kind", "rows"), [("wide", WIDE), ("long", LONG)])
def test_a_merged_cell_is_of_all_rows_that_it_covers(read, kind, rows):
    content = workbook(("Sheet", rows), merged={"Sheet": MERGED[kind]})
    assert readings_of(read(content, "cells.xlsx")) == BOTH


def test_a_merged_cell_says_more_than_blank_ones(read):
    # Without merged cells the block of one row leaves open what blank cells mean.
    rows = [WIDE[0], WIDE[1], WIDE[2], ["strong", 1, 2.1, 510]]
    content = workbook(("Sheet", rows), merged={"Sheet": ["A2:A3"]})
    assert len(readings_of(read(content, "cells.xlsx"))) == 6
    with pytest.raises(InputError, match="row 3, column 'condition': there is no condition"):
        read(workbook(("Sheet", rows)), "cells.xlsx")


def test_a_merged_reading_is_one_reading(read):
    rows = [WIDE[0], ["weak", 1, 5.1, 310], ["weak", 2, None, 320]]
    content = workbook(("Sheet", rows), merged={"Sheet": ["C2:C3"]})
    measured = read(content, "cells.xlsx")
    assert len(readings_of(measured)) == 3
    assert measured.counts[0].left_out["blank"] == 1


@pytest.mark.parametrize(
    "column",
    [["weak", "", "", "strong"], ["", "weak", "", ""], ["a", "a", "", "b"], ["a", "", "a", ""]],
)
def test_blanks_that_may_mean_something_else_are_refused(read, column):
    rows = [[name, cell, 5, 300] for cell, name in enumerate(column)]
    with pytest.raises(InputError, match="else write the condition into each row") as error:
        read(text_of([WIDE[0], *rows]))
    assert f"row {2 + column.index('')}, column 'condition'" in str(error.value)
    whole = [[name or "any", *rest] for name, *rest in rows]
    assert len(readings_of(read(text_of([WIDE[0], *whole])))) == 8


def test_settings_dice_and_stated_columns_are_filled_down(read):
    rows = [[55, 1, 5.1, 310], [None, 2, 5.2, 320], [20, 1, 2.1, 510], [None, 2, 2.2, 520]]
    measured = read(text_of([["Icc (uA)", *WIDE[0][1:]], *rows]))
    assert measured.readings["condition"].values.tolist() == ["Icc 55 µA", "Icc 20 µA"]
    assert measured.readings["condition_index"].values.tolist() == [0, 0, 1, 1] * 2
    measured = read(text_of([["die", *WIDE[0][1:]], *rows]))
    assert measured.readings["die"].values.tolist() == [55, 55, 20, 20] * 2
    measured = read(text_of([["recipe", *WIDE[0][1:]], *rows]), condition_from=("recipe",))
    assert measured.readings["condition_index"].values.tolist() == [0, 0, 1, 1] * 2


def test_a_setting_of_one_operation_is_not_given_to_the_other(read):
    rows = [[55, 1, "LRS", 5], [None, 1, "HRS", 300], [20, 2, "LRS", 6], [None, 2, "HRS", 310]]
    with pytest.raises(InputError, match="none of these values is in a row of the other state"):
        read(text_of([["Icc (uA)", *LONG[0][1:]], *rows]))


def test_a_blank_cell_among_named_ones_stays_unknown_and_is_counted(read):
    rows = [["weak", 1, 5.1, 310], ["weak", None, 5.2, 320], ["weak", 3, 5.3, 330]]
    measured = read(text_of([WIDE[0], *rows]))
    assert measured.readings["cell"].values.tolist() == [1, -1, 3] * 2
    assert "cells.csv: the column 'cell' is blank in 1 of 3 rows." in map(str, measured.notes)


def test_no_name_crosses_into_the_next_condition(read):
    rows = [["weak", 1, "LRS", 5], [None, None, "HRS", 300], ["strong", None, "LRS", 6]]
    measured = read(text_of([LONG[0], *rows, [None, None, "HRS", 310]]))
    assert measured.readings["cell"].values.tolist() == [1, -1, -1, -1]


def test_a_row_that_only_names_the_rows_below_is_refused(read):
    rows = "1,5.1,310\n2,5.2,320\nstrong,,\n1,2.1,510\n"
    with pytest.raises(InputError, match="row 4: the row holds only 'strong', like a name of"):
        read("cell,LRS (kOhm),HRS (kOhm)\n" + rows)
    # A cell that was not read is named like the others.
    measured = read("cell,LRS (kOhm),HRS (kOhm)\nA1,5.1,310\nA2,,\nA3,5.2,320\n")
    assert measured.counts[0].left_out["blank"] == 2


# Cells before their first SET ----------------


@pytest.mark.parametrize("word", ["FORM", "forming", "pristine", "jungfräulich", "初始态"])
def test_rows_before_the_first_set_are_left_out_and_counted(read, word):
    content = f"cell,state,R (kOhm)\n1,{word},9000\n1,SET,5.1\n1,RESET,310\n2,{word},8000\n"
    measured = read(content)
    assert [reading[1:] for reading in readings_of(measured)] == [
        (0, 1, -1, 5100.0),
        (1, 1, -1, 310e3),
    ]
    assert measured.counts[0].left_out["other states"] == 2
    note = next(note for note in measured.notes if note.kind == "other states")
    assert str(note) == (
        f"cells.csv: rows left out because 'state' is {word!r}, neither LRS nor HRS: 2 of 4. "
        "--states says which texts are LRS and which HRS."
    )
    stated = read(content, states={"SET": 0, word: 1})
    assert sorted(stated.readings["resistance"].values) == [5100, 8e6, 9e6]


def test_columns_before_the_first_set_are_named_and_not_read(read):
    measured = read("cell,forming LRS (kOhm),SET (kOhm),RESET (kOhm)\n1,9,5.1,310\n")
    assert [reading[1:] for reading in readings_of(measured)] == [
        (0, 1, -1, 5100.0),
        (1, 1, -1, 310e3),
    ]
    assert "cells.csv: columns not used: 'forming LRS (kOhm)'." in map(str, measured.notes)


def test_columns_of_states_without_a_unit_ask_what_they_hold(read):
    content = "cell,FORM,SET,RESET\n1,9,5.1,310\n"
    with pytest.raises(InputError, match=r"--map \"SET=LRS \[ohm\]\" --map \"RESET=HRS \[ohm\]\""):
        read(content)
    found = readings_of(read(content, names={"SET": "LRS [kOhm]", "RESET": "HRS [kOhm]"}))
    assert [reading[4] for reading in found] == [5100.0, 310e3]
