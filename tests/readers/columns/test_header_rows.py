import pytest
from reader_files import readings_of, workbook

from rramsim.errors import InputError
from rramsim.readers.columns.header_rows import possible_headers
from rramsim.readers.columns.headers import unit_stated
from rramsim.readers.table import Grid

TWO_CYCLES = [
    ("cells", 0, 7, 1, 5100.0),
    ("cells", 0, 7, 2, 5200.0),
    ("cells", 0, 8, 1, 5300.0),
    ("cells", 0, 8, 2, 5400.0),
    ("cells", 1, 7, 1, 310e3),
    ("cells", 1, 7, 2, 320e3),
    ("cells", 1, 8, 1, 330e3),
    ("cells", 1, 8, 2, 340e3),
]
OHMS = "7,LRS,5100,5200\n7,HRS,310000,320000\n8,LRS,5300,5400\n8,HRS,330000,340000\n"
KILOHMS = "7,LRS,5.1,5.2\n7,HRS,310,320\n8,LRS,5.3,5.4\n8,HRS,330,340\n"
GERMAN = KILOHMS.replace(",", ";").replace(".", ",")


@pytest.mark.parametrize(
    "content",
    [
        "cell,state,1,2\n" + OHMS,
        "cell,state,C1,C2\n" + OHMS,
        "cell,state,cycle 1,cycle 2\n" + OHMS,
        "cell,state,#1,#2\n" + OHMS,
        "cell / cycle,state,1,2\n" + OHMS,
        ",,cycle,\ncell,state,1,2\n" + OHMS,
        "cell,state,1,2\n,,kOhm,kOhm\n" + KILOHMS,
        "Resistance (kOhm) against cycle,,,\ncell,state,1,2\n" + KILOHMS,
        "# R in kOhm\ncell,state,1,2\n" + KILOHMS,
        "cell,state,R cyc1 (kOhm),R cyc2 (kOhm)\n" + KILOHMS,
        "Zelle;Zustand;Zyklus 1 (kOhm);Zyklus 2 (kOhm)\n" + GERMAN,
        "单元,状态,循环1 (kΩ),循环2 (kΩ)\n" + KILOHMS,
        "cell,state,cycle,\n,,1,2\n" + OHMS,
    ],
)
def test_a_column_a_cycle_beside_a_state(read, content):
    measured = read(content)
    assert readings_of(measured) == TWO_CYCLES
    assert any("cycles are numbered by the headers" in note.text for note in measured.notes)


def test_a_column_a_cycle_in_a_workbook(read):
    rows = [["cell", "state", 1, 2], [7, "LRS", 5100, 5200], [7, "HRS", 310e3, 320e3]]
    rows += [[8, "LRS", 5300, 5400], [8, "HRS", 330e3, 340e3]]
    assert readings_of(read(workbook(("Sheet", rows)), "cells.xlsx")) == TWO_CYCLES


def test_a_column_a_cycle_and_the_state_in_the_name_of_the_file(read):
    measured = read("cell,1,2\n7,5100,5200\n", "weak_LRS.csv", file_name="{condition}_{state}")
    assert readings_of(measured) == [("weak", 0, 7, 1, 5100.0), ("weak", 0, 7, 2, 5200.0)]


@pytest.mark.parametrize(
    "content",
    [
        "cell,LRS c1,HRS c1,LRS c2,HRS c2\n7,5100,310e3,5200,320e3\n8,5300,330e3,5400,340e3\n",
        "cell,C1 LRS (kOhm),C1 HRS (kOhm),C2 LRS (kOhm),C2 HRS (kOhm)\n"
        "7,5.1,310,5.2,320\n8,5.3,330,5.4,340\n",
        "单元,低阻 循环1,高阻 循环1,低阻 循环2,高阻 循环2\n"
        "7,5100,310e3,5200,320e3\n8,5300,330e3,5400,340e3\n",
        "Zelle;LRS Zyklus 1 (kOhm);HRS Zyklus 1 (kOhm);LRS Zyklus 2 (kOhm);HRS Zyklus 2 (kOhm)\n"
        "7;5,1;310;5,2;320\n8;5,3;330;5,4;340\n",
        "cell,1,1,2,2\n,LRS,HRS,LRS,HRS\n7,5100,310e3,5200,320e3\n8,5300,330e3,5400,340e3\n",
    ],
)
def test_a_column_a_state_and_cycle(read, content):
    assert readings_of(read(content)) == TWO_CYCLES


@pytest.mark.slow
def test_a_row_a_cycle_and_a_column_a_cell(read):
    rows = "1,LRS,5100,5300\n1,HRS,310000,330000\n2,LRS,5200,5400\n2,HRS,320000,340000\n"
    headers = ("cycle,state,cell 7,cell 8\n", "cycle / cell,state,7,8\n")
    for header in (*headers, ",cell,7,8\ncycle,state,,\n", "cycle,state,cell,\n,,7,8\n"):
        found = readings_of(read(header + rows))
        # Cells are numbered in the order of their columns.
        assert [(name, state, cell + 7, *rest) for name, state, cell, *rest in found] == TWO_CYCLES


@pytest.mark.parametrize("numbers", ["55,20", "20,55", "1,10", "1,2,4", "0,1"])
def test_numbers_that_may_be_anything_are_refused_with_the_columns_to_give(read, numbers):
    given = ",".join(f"cycle {number} [ohm]" for number in numbers.split(","))
    values = ",".join(["5100"] * len(numbers.split(",")))
    content = f"cell,state,{numbers}\n1,LRS,{values}\n1,HRS,{values}\n"
    with pytest.raises(InputError, match="It is not clear what the headers") as error:
        read(content)
    assert f'--columns "cell,state,{given}"' in str(error.value)
    measured = read(content, columns=tuple(f"cell,state,{given}".split(",")))
    assert sorted(set(measured.readings["cycle"].values.tolist())) == sorted(
        map(int, numbers.split(","))
    )


def test_numbers_that_the_user_names_are_what_the_user_says(read):
    names = {"1": "LRS [kOhm]", "2": "HRS [kOhm]"}
    found = readings_of(read("cell,1,2\n7,5.1,310\n8,5.2,320\n", names=names))
    assert found == [
        ("cells", 0, 7, -1, 5100.0),
        ("cells", 0, 8, -1, 5200.0),
        ("cells", 1, 7, -1, 310e3),
        ("cells", 1, 8, -1, 320e3),
    ]


def test_cells_or_cycles_without_a_state_ask_for_it(read):
    for content in ("cell,1,2\n7,5100,5200\n", "cycle,cell 1,cell 2\n1,5100,5200\n"):
        with pytest.raises(InputError, match=r"The state is not known either: .*--file-name"):
            read(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("cell,1,2\nLRS,5,6\nHRS,300,310\n", "Transpose the table, so that each cell has a row"),
        ("state/cycle,cell 1\nLRS 1,5\n", "row 2, column 'state/cycle': 'LRS 1' holds a state and"),
    ],
)
def test_states_down_the_first_column_are_refused_with_what_to_do(read, content, message):
    with pytest.raises(InputError) as error:
        read(content)
    assert message in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("title", ["Resistance (kOhm)", "Endurance of W3: resistances [kΩ]"])
def test_a_title_says_the_unit_of_columns_without_one(read, title):
    for rows in (f"{title},,\n", f",{title},\n", f"# {title}\n"):
        measured = read(rows + "cell,LRS,HRS\n1,5.1,310\n")
        assert readings_of(measured) == [
            ("cells", 0, 1, -1, 5100.0),
            ("cells", 1, 1, -1, 310e3),
        ]
        assert [note.kind for note in measured.notes] == ["unit above the header"]


def test_a_title_says_the_quantity_of_columns_without_one(read):
    measured = read("Conductance (uS),,\ncell,LRS,HRS\n1,200,4\n")
    assert measured.readings["resistance"].values == pytest.approx([5e3, 250e3])


@pytest.mark.parametrize(
    "text",
    ["series resistance (kOhm): 5", "Icc (uA)", "R", "wafer (7)", "compliance current (uA)", ""],
)
def test_a_title_of_something_else_says_no_unit(text):
    assert unit_stated(text) is None


def test_headers_that_the_user_names_stay_as_they_are():
    grid = Grid("f", [["cell", "1", "2"], ["7", "5", "6"]], [1, 2])
    assert next(possible_headers(grid)).texts == ("cell", "cycle 1", "cycle 2")
    assert next(possible_headers(grid, {"1"})).texts == ("cell", "1", "2")


# Columns of one name ----------------

REPEATED = [("10 uA", 0, 7, -1, 5200.0), ("10 uA", 1, 7, -1, 320e3)]
REPEATED += [("55 uA", 0, 7, -1, 5100.0), ("55 uA", 1, 7, -1, 310e3)]


@pytest.mark.parametrize("names", ["R,R", "R1,R2", "R_1,R_2", "R,R.1", "R (ohm),R (ohm)"])
def test_the_row_above_tells_columns_of_one_name_apart(read, names):
    rows = "7,LRS,5100,5200\n7,HRS,310000,320000\n"
    assert readings_of(read(f",,55 uA,10 uA\ncell,state,{names}\n{rows}")) == REPEATED
    cycles = readings_of(read(f",cycle,1,2\ncell,state,{names}\n{rows}"))
    assert cycles == [reading for reading in TWO_CYCLES if reading[2] == 7]


@pytest.mark.parametrize("names", ["R,R", "R1 (kOhm),R2 (kOhm)", "R (kOhm),R (kOhm).1"])
def test_columns_of_one_name_alone_are_refused_with_the_columns_to_give(read, names):
    unit = "kOhm" if "kOhm" in names else "ohm"
    with pytest.raises(InputError, match="it is not known what differs between them") as error:
        read(f"cell,state,{names}\n7,LRS,5100,5200\n7,HRS,310000,320000\n")
    assert f'--columns "cell,state,cycle 1 [{unit}],cycle 2 [{unit}]"' in str(error.value)


@pytest.mark.parametrize(
    ("content", "row"),
    [
        ("cell,LRS (kOhm),HRS (kOhm)\n1,5,2\n2,6,3\ncell,LRS (kOhm),HRS (kOhm)\n1,9,4\n", 4),
        ("cell,state,R (kOhm)\n1,LRS,5\n1,HRS,200\ncell,state,R (kOhm)\n1,LRS,9\n", 4),
        (
            "20uA,,\ncell,LRS (kOhm),HRS (kOhm)\n1,5,200\n2,6,300\n"
            "cell,LRS (kOhm),HRS (kOhm)\n1,9,400\n",
            5,
        ),
    ],
)
def test_a_header_that_stands_again_is_named_with_its_row(read, content, row):
    with pytest.raises(InputError, match=f"row {row}: the header is repeated"):
        read(content)


@pytest.mark.parametrize("units", ["#,-,kOhm,kOhm", "(-),(1),(kOhm),(kOhm)", "n/a,,kOhm,kOhm"])
def test_a_line_of_units_may_say_that_a_column_has_none(read, units):
    measured = read(f"Device,Cycle,LRS,HRS\n{units}\n\n1,1,5.1,310\n1,2,5.2,320\n")
    assert readings_of(measured) == [
        *(("cells", 0, 1, 1, 5100.0), ("cells", 0, 1, 2, 5200.0)),
        *(("cells", 1, 1, 1, 310e3), ("cells", 1, 1, 2, 320e3)),
    ]
    assert not measured.notes


def test_headers_that_are_times_are_refused_with_the_form_to_write(read):
    with pytest.raises(InputError, match="The headers 0h, 1h, 10h look like times: write a row"):
        read("cell,state,0h,1h,10h\n1,LRS,5,5,6\n1,HRS,300,310,290\n")
