import pytest
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
        "cells.xlsx, sheet 'weak': the name of the sheet is the condition.",
        "cells.xlsx: sheets not read: 1 ('Settings').",
        "cells.xlsx, sheet 'strong': the name of the sheet is the condition.",
    )
    assert len(measured.sources) == 1


def test_sheets_are_cells_where_a_column_has_the_condition(read):
    rows = [["condition", "state", "R (kOhm)"], ["weak", "LRS", 5], ["weak", "HRS", 300]]
    content = workbook(("D1", rows), ("D2", [*rows[:2], ["weak", "HRS", 200]]))
    readings = read(content, name="cells.xlsx").readings
    assert readings["cell"].values.tolist() == [0, 0, 1, 1]
    assert readings["condition"].values.tolist() == ["weak"]


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
    assert measured.notes == ()


def test_given_columns_are_of_every_sheet_that_is_as_wide(read):
    content = workbook(("a", [[1, 5, 300]]), ("b", [[1, "x"]]), ("c", [[2, 6, 200]]))
    measured = read(content, name="c.xlsx", columns=("cell", "LRS [kOhm]", "HRS [kOhm]"))
    assert measured.readings["resistance"].values.tolist() == [5e3, 3e5, 6e3, 2e5]
    assert tuple(map(str, measured.notes)) == ("c.xlsx: sheets not read: 1 ('b').",)


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
