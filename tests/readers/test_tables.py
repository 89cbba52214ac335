import io

import openpyxl
import pytest
from openpyxl.chart import LineChart, Reference
from reader_files import workbook

from rramsim.errors import InputError

HEADER = ["state", "cell", "R (kOhm)"]


def sheet(lrs, hrs, header=HEADER):
    return [header, ["LRS", 1, lrs], ["HRS", 1, hrs]]


def test_sheets_are_conditions(read):
    content = workbook(
        ("weak", sheet(9, 100)), ("Settings", [["a", "b"], ["c", 1]]), ("strong", sheet(5, 900))
    )
    measured = read(content, name="cells.xlsx")
    readings = measured.readings
    assert readings["condition"].values.tolist() == ["weak", "strong"]
    assert readings["resistance"].values.tolist() == [9e3, 1e5, 5e3, 9e5]
    assert tuple(map(str, measured.notes)) == (
        "cells.xlsx: the names of sheets are taken as conditions: 'weak', 'strong'.",
        "cells.xlsx: sheets not read: 1 ('Settings' (no readings)).",
    )
    assert len(measured.sources) == 1


def test_sheets_are_cells_where_a_column_has_the_condition(read):
    rows = [["condition", "state", "R (kOhm)"], ["weak", "LRS", 5], ["weak", "HRS", 300]]
    content = workbook(("D1", rows), ("D2", [*rows[:2], ["weak", "HRS", 200]]))
    readings = read(content, name="cells.xlsx").readings
    assert readings["cell"].values.tolist() == [0, 0, 1, 1]
    assert readings["condition"].values.tolist() == ["weak"]


MINIMAL = [["condition", "state", "R (kOhm)"]]
MINIMAL += [["A", state, r] for state, rs in (("LRS", (5, 6)), ("HRS", (200, 300))) for r in rs]


def conditions_of(readings):
    names = readings["condition"].values[readings["condition_index"].values]
    return [
        *zip(names.tolist(), readings["resistance"].values.tolist(), strict=True),
    ]


def test_sheets_that_hold_conditions_are_read_one_after_another(read):
    other = [MINIMAL[0], *(["B", state, 3 * r] for _, state, r in MINIMAL[1:])]
    measured = read(workbook(("S1", MINIMAL), ("S2", other)), name="two.xlsx")
    assert conditions_of(measured.readings) == [
        *(("A", r) for r in (5e3, 6e3, 2e5, 3e5)),
        *(("B", r) for r in (15e3, 18e3, 6e5, 9e5)),
    ]
    # Nothing names a cell, so none is invented.
    assert set(measured.readings["cell"].values.tolist()) == {-1}
    assert list(map(str, measured.notes)) == [
        "two.xlsx: sheets read one after another, as one table: 'S1', 'S2'."
    ]


def test_one_condition_may_go_on_in_the_next_sheet(read):
    more = [MINIMAL[0], ["A", "LRS", 7], ["A", "HRS", 400]]
    readings = read(workbook(("Tabelle1", MINIMAL), ("Tabelle2", more)), name="two.xlsx").readings
    assert readings["condition"].values.tolist() == ["A"]
    assert readings["resistance"].values.tolist() == [5e3, 6e3, 2e5, 3e5, 7e3, 4e5]


@pytest.mark.parametrize("names", [("Cell 1", "Cell 2"), ("Device A1", "Device B7"), ("D1", "D2")])
def test_sheets_named_like_cells_are_cells(read, names):
    rows = [["cycle", "LRS (kOhm)", "HRS (kOhm)"], [1, 5, 300], [2, 6, 200]]
    content = workbook((names[0], rows), (names[1], [rows[0], [1, 7, 400], [2, 8, 500]]))
    measured = read(content, name="chip.xlsx")
    assert measured.readings["condition"].values.tolist() == ["chip"]
    assert measured.readings["cell"].values.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert str(measured.notes[0]) == (
        f"chip.xlsx: the names of sheets are taken as cells: {names[0]!r}, {names[1]!r}."
    )


def test_cells_of_sheets_named_like_dice_are_apart(read):
    one, two = sheet(5, 300), sheet(6, 200)
    readings = read(workbook(("Die 1", one), ("Die 2", two)), name="wafer.xlsx").readings
    assert readings["die"].values.tolist() == [0, 0, 1, 1]
    assert readings["cell"].values.tolist() == [0, 0, 1, 1]
    assert readings["condition"].values.tolist() == ["wafer"]


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_sheet_is_left_out_and_named(read, state):
    content = workbook(("Data", MINIMAL), ("old", MINIMAL[:3]), hidden={"old": state})
    measured = read(content, name="cells.xlsx")
    assert measured.readings.sizes["reading"] == 4
    assert list(map(str, measured.notes)) == ["cells.xlsx: sheets not read: 1 ('old' (hidden))."]
    chosen = read(content, name="cells.xlsx", sheets=("OLD",))
    assert chosen.readings["resistance"].values.tolist() == [5e3, 6e3]
    assert list(map(str, chosen.notes)) == ["cells.xlsx: sheets not read: 1 ('Data' (not chosen))."]


@pytest.mark.parametrize("name", ["Summary", "LRS+HRS statistics", "Zusammenfassung", "汇总"])
def test_a_summary_is_no_further_reading(read, name):
    rows = [["condition", "state", "R (kOhm)"], ["A", "LRS", 5.5], ["A", "HRS", 250]]
    content = workbook(("Data", MINIMAL), (name, rows))
    measured = read(content, name="cells.xlsx")
    assert measured.readings.sizes["reading"] == 4
    assert list(map(str, measured.notes)) == [
        f"cells.xlsx: sheets not read: 1 ({name!r} (a summary by its name; --sheet reads it))."
    ]
    assert read(content, name="cells.xlsx", sheets=(name,)).readings.sizes["reading"] == 2
    alone = workbook((name, rows))
    assert read(alone, name="cells.xlsx").readings.sizes["reading"] == 2


def test_charts_and_empty_sheets_are_named(read):
    book = openpyxl.Workbook()
    for row in MINIMAL:
        book.active.append(row)
    chart = LineChart()
    chart.add_data(Reference(book.active, min_col=3, min_row=1, max_row=5))
    book.create_chartsheet("Plot").add_chart(chart)
    book.create_sheet("Sheet2")
    written = io.BytesIO()
    book.save(written)
    assert list(map(str, read(written.getvalue(), name="cells.xlsx").notes)) == [
        "cells.xlsx: sheets not read: 2 ('Sheet2' (empty), 'Plot' (a chart))."
    ]


@pytest.mark.parametrize(
    ("sheets", "options", "message"),
    [
        ((("A", MINIMAL), ("B", MINIMAL)), {"sheets": ("C",)}, "no sheet 'C'; the workbook has"),
        ((("A", MINIMAL), ("B", [])), {"sheets": ("B",)}, "the sheet is empty: 'B'"),
        (
            (("A", MINIMAL), ("B", [])),
            {},
            "every sheet with something in it is hidden ('A'); --sheet 'A'",
        ),
    ],
)
def test_sheets_that_cannot_be_read_are_refused(read, sheets, options, message):
    content = workbook(*sheets, hidden={} if options else {"A": "hidden"})
    with pytest.raises(InputError) as error:
        read(content, name="cells.xlsx", **options)
    assert message in str(error.value)


def test_a_cell_of_the_same_name_on_another_sheet_is_not_advised_to_be_a_cycle_alone(read):
    rows = [["condition", *HEADER], ["A", "LRS", 1, 6], ["A", "HRS", 1, 200]]
    content = workbook(("Lot7", [rows[0], ["A", "LRS", 1, 5], ["A", "HRS", 1, 300]]), ("B", rows))
    with pytest.raises(InputError) as error:
        read(content, name="lots.xlsx")
    assert "sheet 'B', row 2: this cell of 'A', LRS, was read before" in str(error.value)
    assert 'name sheets like dice or cells ("Die 1", "Cell 3")' in str(error.value)


def test_a_text_table_has_no_sheets_to_choose(read):
    with pytest.raises(InputError, match=r"^cells.csv: this is no workbook and has no sheets"):
        read("state,R (kOhm)\nLRS,5\nHRS,300\n", sheets=("Data",))


def test_sheets_are_runs_by_their_names(read):
    content = workbook(("Run1", sheet(5, 300)), ("Run2", sheet(6, 200)), ("Data", sheet(6, 200)))
    measured = read(content, name="cells.xlsx")
    assert measured.readings["cycle"].values.tolist() == [1, 1, 2, 2]
    assert measured.readings["condition"].values.tolist() == ["cells"]
    assert tuple(map(str, measured.notes)) == (
        "cells.xlsx: sheets not read: 1 ('Data' (the same as another sheet)).",
    )


def test_sheets_may_name_the_states(read):
    rows = [["cell", "R (kOhm)"], [1, 5], [2, 6]]
    content = workbook(("weak LRS", rows), ("weak HRS", [rows[0], [1, 300], [2, 200]]))
    readings = read(content, name="cells.xlsx").readings
    assert readings["condition"].values.tolist() == ["weak"]
    assert readings["state_index"].values.tolist() == [0, 0, 1, 1]


def test_sheets_that_name_only_a_state_are_one_condition(read):
    content = workbook(("HRS", [["R (kOhm)"], [300]]), ("LRS", [["R (kOhm)"], [5]]))
    readings = read(content, name="cells.xlsx").readings
    assert readings["condition"].values.tolist() == ["cells"]
    assert readings["state_index"].values.tolist() == [1, 0]


def test_a_sheet_that_lacks_something_is_told_and_left_out(read):
    content = workbook(("weak", sheet(9, 100)), ("other", [["R (kOhm)", "x"], [5, 1]]))
    measured = read(content, name="cells.xlsx")
    assert measured.readings["condition"].values.tolist() == ["cells"]
    (note,) = measured.notes
    assert str(note).startswith(
        "cells.xlsx: sheets not read: 1 ('other' (row 1: no column holds the state. Headers found:"
    )


def test_a_preamble_before_the_header_and_units_below_it_are_read(read):
    measured = read(
        "Test name,retention\nOperator,x\n,\nTemperature,85\n"
        "state,cell,R,E_SET\n,,kOhm,pJ\nLRS,1,5,11\nHRS,1,300,\n"
    )
    assert measured.readings["resistance"].values.tolist() == [5e3, 3e5]
    assert measured.readings["set_energy"].values[0] == pytest.approx(11e-12)
    (note,) = measured.notes
    assert str(note) == (
        "cells.csv: 3 rows above the header not used (row 1 'Test name', row 2 'Operator', row 4 "
        "'Temperature')."
    )


def test_given_columns_are_of_every_sheet_that_is_as_wide(read):
    content = workbook(("a", [[1, 5, 300]]), ("b", [[1, "x"]]), ("c", [[2, 6, 200]]))
    measured = read(content, name="c.xlsx", columns=("cell", "LRS [kOhm]", "HRS [kOhm]"))
    assert measured.readings["resistance"].values.tolist() == [5e3, 3e5, 6e3, 2e5]
    # As with a header, sheets without a condition in them are conditions: they were pooled.
    assert measured.readings["condition"].values.tolist() == ["a", "c"]
    assert tuple(map(str, measured.notes)) == (
        "c.xlsx: the names of sheets are taken as conditions: 'a', 'c'.",
        "c.xlsx: sheets not read: 1 ('b' (not 3 columns)).",
    )


def test_an_easyexpert_record_may_hold_readings(read):
    measured = read(
        "SetupTitle, weak\nMetaData, TestRecord.TestTarget, D7\nDimension1, 1, 1\n"
        "DataName, Cycle, R_LRS, R_HRS\nDataValue, 1, 5e3, 3e5\nDataValue, 2, 6e3, 2e5\n"
        "SetupTitle, strong\nDataName, R_LRS, R_HRS\nDataValue, 4e3, 9e5\n"
    )
    assert measured.readings["condition"].values.tolist() == ["weak", "strong"]
    assert measured.readings["resistance"].values.tolist() == [5e3, 6e3, 3e5, 2e5, 4e3, 9e5]
    assert measured.readings["cell"].values.tolist() == [0, 0, 0, 0, -1, -1]


def test_no_table_in_any_sheet_is_refused(read):
    with pytest.raises(InputError, match="sheet 'a', row 1: no column holds a resistance or cur"):
        read(workbook(("a", [["x", "y"]]), ("b", [["z", 1]])), name="cells.xlsx")
