import pytest
from reader_files import readings_of, workbook

from rramsim.errors import InputError
from rramsim.readers.measurements import read_measurements

WEAK = [("weak", 0, 1, -1, 5100.0), ("weak", 0, 2, -1, 5200.0)]
WEAK += [("weak", 1, 1, -1, 310e3), ("weak", 1, 2, -1, 320e3)]
STRONG = [("strong", 0, 1, -1, 2100.0), ("strong", 1, 1, -1, 510e3)]
BOTH = sorted([*WEAK, *STRONG])


@pytest.mark.parametrize(
    "content",
    [
        "weak,,,strong,,\ncell,LRS,HRS,cell,LRS,HRS\n1,5100,310e3,1,2100,510e3\n2,5200,320e3,,,\n",
        ",weak,,,strong,\ncell,LRS,HRS,cell,LRS,HRS\n1,5100,310e3,1,2100,510e3\n2,5200,320e3\n",
        "A title,,,,,\nweak,,,strong,,\ncell,LRS (kOhm),HRS (kOhm),cell,LRS (MOhm),HRS (MOhm)\n"
        "1,5.1,310,1,0.0021,0.51\n2,5.2,320,,,\n",
        "weak;;;;strong;;\nZelle;LRS (kOhm);HRS (kOhm);;Zelle;LRS (kOhm);HRS (kOhm)\n"
        "1;5,1;310;;1;2,1;510\n2;5,2;320;;;;\n",
        "weak,,,strong,,\ncell,state,R (kOhm),cell,state,R (kOhm)\n"
        "1,LRS,5.1,1,LRS,2.1\n1,HRS,310,1,HRS,510\n2,LRS,5.2,,,\n2,HRS,320,,,\n",
        "condition,cell,LRS,HRS,condition,cell,LRS,HRS\n"
        "weak,1,5100,310e3,strong,1,2100,510e3\nweak,2,5200,320e3,,,,\n",
        "weak,,,,strong,,,\nLRS,,HRS,,LRS,,HRS,\ncell,R,cell,R,cell,R,cell,R\n"
        "1,5100,1,310e3,1,2100,1,510e3\n2,5200,2,320e3,,,,\n",
    ],
)
def test_each_table_beside_another_has_the_name_above_it(read, content):
    measured = read(content)
    assert readings_of(measured) == BOTH
    assert sum(count.cells for count in measured.counts) == len(BOTH)
    assert any(note.kind == "tables side by side" for note in measured.notes)


def test_merged_names_of_a_workbook(read):
    rows = [
        ["weak", None, None, None, "strong"],
        ["cell", "LRS", "HRS", None, "cell", "LRS", "HRS"],
    ]
    rows += [[1, 5100, 310e3, None, 1, 2100, 510e3], [2, 5200, 320e3]]
    content = workbook(("Sheet", rows), merged={"Sheet": ["A1:C1", "E1:G1"]})
    measured = read(content, "cells.xlsx")
    assert readings_of(measured) == BOTH
    # The blank column between the tables belongs to neither.
    (note,) = (note for note in measured.notes if note.kind == "tables side by side")
    assert note.text.endswith("side by side: columns 1 to 3 (weak), columns 5 to 7 (strong).")


def test_names_above_may_be_states_cycles_or_dice(read):
    rows = "1,5.1,1,310\n2,5.2,2,320\n"
    found = readings_of(read("LRS,,HRS,\ncell,R (kOhm),cell,R (kOhm)\n" + rows))
    assert [reading[1:] for reading in found] == [reading[1:] for reading in WEAK]
    rows = "1,5.1,310,1,5.2,320\n"
    header = "cell,LRS (kOhm),HRS (kOhm),cell,LRS (kOhm),HRS (kOhm)\n"
    found = readings_of(read("cycle 1,,,cycle 2,,\n" + header + rows))
    assert [reading[3:] for reading in found] == [(1, 5100), (2, 5200), (1, 310e3), (2, 320e3)]
    measured = read("Die 1,,,Die 2,,\n" + header + rows)
    assert measured.readings["die"].values.tolist() == [0, 0, 1, 1]


def test_a_setting_above_is_one_of_its_table(read):
    content = "Icc = 55 uA,,,Icc = 20 uA,,\ncell,LRS,HRS,cell,LRS,HRS\n1,5100,310e3,1,2100,510e3\n"
    readings = read(content).readings
    assert readings["condition"].values.tolist() == ["Icc = 55 uA", "Icc = 20 uA"]
    assert readings["set_current"].values == pytest.approx([55e-6, 55e-6, 20e-6, 20e-6])


def test_columns_before_the_first_table_are_of_all(read):
    content = (
        ",weak,,,strong,,\ndie,cell,LRS,HRS,cell,LRS,HRS\n7,1,5100,310e3,1,2100,510e3\n"
        "8,1,5200,320e3,,,\n"
    )
    readings = read(content).readings
    assert readings["die"].values.tolist() == [7, 8, 7, 8, 7, 7]
    assert readings["resistance"].values.tolist() == [5100, 5200, 310e3, 320e3, 2100, 510e3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "cell,LRS,HRS,cell,LRS,HRS\n1,5100,310e3,1,2100,510e3\n",
            "row 1: the columns 'cell', 'LRS', 'HRS' are repeated 2 times side by side, and "
            "nothing distinguishes the tables. Write the condition of each into a row above its "
            "first column",
        ),
        (
            "cell,LRS,HRS,cell.1,LRS.1,HRS.1\n1,5100,310e3,1,2100,510e3\n",
            "row 1: the columns 'cell', 'LRS', 'HRS' are repeated 2 times side by side",
        ),
        (
            "A,,,,,,B,,\ncell,LRS,HRS,cell,LRS,HRS,cell,LRS,HRS\n1,5,310,1,2,510,1,3,400\n",
            "row 1: the row names some of the 3 tables that stand side by side below it",
        ),
        (
            "A,,,B,,\ncell,LRS,HRS,cell,LRS,HRS\n1,5100,1,2100,510e3\n2,5,310,2,2,510\n",
            "row 3: 5 columns were found where the header has 6",
        ),
        (
            "A,,,B,,\ncell,LRS,HRS,cell,LRS (kFoo),HRS\n1,5,310,1,2,510\n",
            "columns 4 to 6, row 2, column 'LRS (kFoo)': 'kFoo' is not a unit of resistance",
        ),
        (
            "A,,,B,,\ncell,LRS,HRS,cell,LRS,HRS\n1,5,310,1,2,oops\n",
            "columns 4 to 6, row 3, column 'HRS': 'oops' is not a number",
        ),
    ],
)
def test_tables_that_cannot_be_told_apart_or_read_are_refused(read, content, message):
    with pytest.raises(InputError) as error:
        read(content)
    assert message in str(error.value)


def test_conditions_that_the_user_states_tell_tables_apart(read):
    content = "recipe,cell,LRS,HRS,recipe,cell,LRS,HRS\nweak,1,5100,310e3,strong,1,2100,510e3\n"
    found = readings_of(read(content, condition_from=("recipe",)))
    assert found == sorted([reading for reading in BOTH if reading[2] == 1])


def test_a_die_above_and_a_condition_in_a_column(read):
    content = (
        "Die A,,,,Die B,,,\ncondition,cell,LRS,HRS,condition,cell,LRS,HRS\n"
        "weak,1,5100,310e3,weak,1,5200,320e3\n"
    )
    measured = read(content)
    assert measured.readings["die"].values.tolist() == [0, 0, 1, 1]
    assert measured.readings["condition"].values.tolist() == ["weak"]
    assert all(note.kind != "rows above the header" for note in measured.notes)


def test_a_column_a_cycle_in_each_of_two_tables(read):
    content = "LRS,,,HRS,,\ncell,1,2,cell,1,2\n7,5100,5200,7,310e3,320e3\n"
    assert [reading[1:] for reading in readings_of(read(content))] == [
        (0, 7, 1, 5100.0),
        (0, 7, 2, 5200.0),
        (1, 7, 1, 310e3),
        (1, 7, 2, 320e3),
    ]


CELLS = ("DUT", "DUT #", "Device", "memristor", "Bauelement", "dev.")
OTHERS = ("Sample", "Index", "No", "#", "Nr.", "ID", "Name", "Probe", "anything")


@pytest.mark.parametrize("label", [*CELLS, *OTHERS])
def test_a_table_begins_with_a_column_of_any_name(read, label):
    measured = read(
        f"20uA,,,55uA,,\n{label},LRS (kOhm),HRS (kOhm),{label},LRS (kOhm),HRS (kOhm)\n"
        "1,5,200,1,9,300\n2,5.1,201,2,9.1,301\n"
    )
    found = sorted((name, state, ohm) for name, state, _, _, ohm in readings_of(measured))
    assert found == [
        *(("20uA", 0, 5000.0), ("20uA", 0, 5100.0), ("20uA", 1, 200e3), ("20uA", 1, 201e3)),
        *(("55uA", 0, 9000.0), ("55uA", 0, 9100.0), ("55uA", 1, 300e3), ("55uA", 1, 301e3)),
    ]
    cells = set(measured.readings["cell"].values.tolist())
    assert cells == ({1, 2} if label in CELLS else {-1})


def test_tables_that_begin_alike_need_names_whatever_the_column_is_called(read):
    with pytest.raises(InputError, match="are repeated 2 times side by side, and nothing"):
        read("Sample,LRS,HRS,Sample,LRS,HRS\n1,5100,310e3,1,2100,510e3\n")


LONG = "condition,state,R (kOhm),cell\nA,LRS,5.1,1\nA,LRS,4.9,2\nA,HRS,310,1\nA,HRS,280,2\n"
WIDE = "cell,LRS (kOhm),HRS (kOhm)\n1,5.1,300\n2,5.2,310\n3,5.2,320\n"
SWITCHING = "cycle,cell,Vset (V),Vreset (V)\n1,1,0.8,-1.1\n1,2,0.82,-1.2\n"


@pytest.mark.parametrize(
    ("first", "second", "row"),
    [
        (LONG, WIDE, 6),
        (LONG, "\n\n" + WIDE, 8),
        (WIDE, LONG, 5),
        (WIDE, "\n" + SWITCHING, 6),
        (LONG, SWITCHING, 6),
        (LONG, "device,on,off,compliance\n1,5.1,300,20\n2,5.1,310,20\n", 6),
    ],
)
def test_tables_with_different_headers_are_refused_with_both_headers(tmp_path, first, second, row):
    path = tmp_path / "cells.csv"
    path.write_text(first + second)
    with pytest.raises(InputError) as error:
        read_measurements(path)
    one, two = (", ".join(text.strip().splitlines()[0].split(",")) for text in (first, second))
    assert str(error.value) == (
        "cells.csv: 2 tables with different headers stand one below another, with the headers in "
        f"row 1 ({one}) and row {row} ({two}). Put each table into a file of its own, or give all "
        "readings one header."
    )


def test_a_fault_in_a_row_is_still_told_where_no_other_header_stands(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text(LONG + "A,LRS,bad,3\nA,HRS,250,3\n")
    with pytest.raises(InputError, match="row 6, column 'R \\(kOhm\\)': 'bad' is not a number"):
        read_measurements(path)
