import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reader_files import workbook

import rramsim
from rramsim.errors import InputError
from rramsim.readers.measurements import read_measurements

ROWS = "".join(f"{cell},5.{cell},200,12.{cell},90\n" for cell in range(1, 5))


def found(measured):
    """Return the readings as (condition, state, cycle, ohm), in order."""
    readings = measured.readings
    names = readings["condition"].values[readings["condition_index"].values].tolist()
    return sorted(
        zip(
            names,
            readings["state_index"].values.tolist(),
            readings["cycle"].values.tolist(),
            readings["resistance"].values.tolist(),
            strict=True,
        )
    )


EXPECTED = sorted(
    reading
    for cell in range(1, 5)
    for reading in (
        ("55 uA", 0, -1, float(f"5{cell}00")),
        ("55 uA", 1, -1, 200e3),
        ("20 uA", 0, -1, float(f"12{cell}00")),
        ("20 uA", 1, -1, 90e3),
    )
)


@pytest.mark.parametrize(
    "header",
    [
        ",55 uA,,20 uA,\nCell,LRS (kOhm),HRS (kOhm),LRS (kOhm),HRS (kOhm)\n",
        "Condition,55 uA,,20 uA,\nCell,LRS (kOhm),HRS (kOhm),LRS (kOhm),HRS (kOhm)\n",
        "Condition,55 uA,55 uA,20 uA,20 uA\nCell,LRS (kOhm),HRS (kOhm),LRS (kOhm),HRS (kOhm)\n",
        ",55 uA,55 uA,20 uA,20 uA\nCell,LRS (kOhm),HRS (kOhm),LRS (kOhm).1,HRS (kOhm).1\n",
        "Cell,55 uA,,20 uA,\n,LRS (kOhm),HRS (kOhm),LRS (kOhm),HRS (kOhm)\n",
        ",55 uA,,20 uA,\nCell,LRS,HRS,LRS,HRS\n,kOhm,kOhm,kOhm,kOhm\n",
        "Split A,55 uA,,20 uA,\nCell,R_LRS (kOhm),R_HRS (kOhm),R_LRS (kOhm),R_HRS (kOhm)\n",
        "condition,55 uA,55 uA,20 uA,20 uA\nstate,LRS (kOhm),HRS (kOhm),LRS (kOhm),HRS (kOhm)\n"
        "cell,,,,\n",
        "My chip\n\n,55 uA,,20 uA,\nCell,LRS (kOhm),HRS (kOhm),LRS (kOhm),HRS (kOhm)\n",
    ],
)
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_a_row_above_the_header_names_the_conditions(read, header, separator):
    measured = read((header + ROWS).replace(",", separator))
    assert found(measured) == EXPECTED
    assert len(set(measured.readings["cell"].values.tolist())) == 4
    assert "conditions above the header" in [note.kind for note in measured.notes]


def test_states_above_and_conditions_below(read):
    rows = "".join(f"{cell},5.{cell},12.{cell},200,90\n" for cell in range(1, 5))
    for header in (
        ",LRS (kOhm),,HRS (kOhm),\nCell,55 uA,20 uA,55 uA,20 uA\n",
        "state,LRS (kOhm),LRS (kOhm),HRS (kOhm),HRS (kOhm)\ncondition,55 uA,20 uA,55 uA,20 uA\n"
        "cell,,,,\n",
        ",LRS,,HRS,\nCell,55 uA,20 uA,55 uA,20 uA\n,kOhm,kOhm,kOhm,kOhm\n",
    ):
        assert found(read(header + rows)) == EXPECTED, header


@pytest.mark.slow
def test_settings_above_the_header_are_those_of_the_conditions(read):
    measured = read(
        "Icc (uA),55,,20,\nVset,2.5 V,,1.5 V,\ntp,100 ns\n"
        "cell,LRS (kOhm),HRS (kOhm),LRS (kOhm),HRS (kOhm)\n" + ROWS
    )
    conditions = rramsim.fit(measured).conditions
    names = ["Icc 55 µA, Vset 2.5 V", "Icc 20 µA, Vset 1.5 V"]
    assert conditions["condition"].values.tolist() == names
    assert conditions["set_current"].values == pytest.approx([55e-6, 20e-6])
    assert conditions["set_energy"].values == pytest.approx([13.75e-12, 3e-12])


@pytest.mark.slow
def test_a_setting_in_the_name_of_a_group_is_read(read):
    measured = read(
        ",Icc = 55 uA,,Icc = 20 uA,\ncell,LRS (kOhm),HRS (kOhm),LRS (kOhm),HRS (kOhm)\n" + ROWS
    )
    conditions = rramsim.fit(measured).conditions
    assert conditions["condition"].values.tolist() == ["Icc = 55 uA", "Icc = 20 uA"]
    assert conditions["set_current"].values == pytest.approx([55e-6, 20e-6])


@pytest.mark.slow
def test_columns_of_conditions_states_and_cycles_as_pandas_writes_them(read):
    pairs = [(c, s, n) for c in ("A", "B") for s in ("LRS", "HRS") for n in (1, 2)]
    levels = [",".join(map(str, level)) for level in zip(*pairs, strict=True)]
    rows = "".join(
        f"{cell}," + ",".join(str(1000 * i + cell) for i in range(1, 9)) + "\n" for cell in (0, 1)
    )
    expected = sorted(
        (c, int(s == "HRS"), n, 1000.0 * i + cell)
        for cell in (0, 1)
        for i, (c, s, n) in enumerate(pairs, start=1)
    )
    named = [f"{name},{level}" for name, level in zip(("c", "s", "cycle"), levels, strict=True)]
    assert found(read("\n".join(named) + "\ncell,,,,,,,,\n" + rows)) == expected
    assert found(read("\n".join(f",{level}" for level in levels) + "\ncell,,,,,,,,\n" + rows)) == (
        expected
    )


def test_merged_cells_of_a_workbook_name_their_columns(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["Cell", "55 uA", None, "20 uA", None],
        [None, "LRS (kOhm)", "HRS (kOhm)", "LRS (kOhm)", "HRS (kOhm)"],
        *([cell, float(f"5.{cell}"), 200, float(f"12.{cell}"), 90] for cell in range(1, 5)),
    ):
        sheet.append(row)
    for cells in ("A1:A2", "B1:C1", "D1:E1"):
        sheet.merge_cells(cells)
    book.save(tmp_path / "chip.xlsx")
    assert [each[:3] for each in found(read_measurements(tmp_path / "chip.xlsx"))] == [
        each[:3] for each in EXPECTED
    ]


@pytest.mark.parametrize(
    "row",
    [
        ",,55 uA,,20 uA",  # not above the first column of each pair
        ",55 uA,20 uA,,",  # three columns of one, one of the other
        "Condition,55 uA,20 uA",  # fewer names than columns
        "a,b,c,d",
        "Operator,Bob,,Date,2024",
    ],
)
def test_a_row_over_the_readings_that_is_not_understood_is_refused(read, row):
    header = "\ncell,LRS (kOhm),HRS (kOhm),LRS (kOhm),HRS (kOhm)\n"
    with pytest.raises(InputError) as error:
        read(row + header + ROWS)
    assert str(error.value).startswith("cells.csv, row 1: the texts '")
    assert "Begin a remark with #." in str(error.value)
    assert len(found(read("#" + row + header + ROWS))) == 16


def test_titles_and_pairs_before_the_header_are_named_and_settings_used(read):
    measured = read(
        "Chip 7\nOperator,Bob\nIcc,55 uA\nVreset: 2.5 V\n"
        "cell,LRS (kOhm),HRS (kOhm)\n1,5,200\n2,6,210\n3,7,220\n",
        name="chip.csv",
    )
    assert [note.kind for note in measured.notes] == [
        "stated above the header",
        "stated above the header",
        "rows above the header",
    ]
    assert "2 rows above the header not used (row 1 'Chip 7', row 2 'Operator')." in str(
        measured.notes[-1]
    )
    conditions = rramsim.fit(measured).conditions
    assert conditions["condition"].values.tolist() == ["chip"]
    assert float(conditions["set_current"][0]) == pytest.approx(55e-6)
    assert float(conditions["reset_voltage"][0]) == pytest.approx(2.5)


def test_a_comment_with_a_setting_is_used(read):
    content = "# Vreset = 1.5 V\n# made by hand\nchip\ncell,LRS,HRS\n1,5e3,2e5\n2,6e3,2e5\n"
    assert set(read(content).readings["reset_voltage"].values) == {1.5}


# Whatever the layout, as many conditions and readings come out as went in -------------------------

NAMES = ("55 uA", "20 uA", "weak", "very strong", "10 ns", "A/B")


@pytest.mark.slow
@given(
    names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True),
    cells=st.integers(2, 5),
    layout=st.sampled_from(["column", "row", "whole row", "names", "stated", "sheets", "settings"]),
)
@settings(max_examples=60, deadline=None)
def test_the_conditions_of_any_layout_come_out(tmp_path_factory, names, cells, layout):
    values = {
        (name, cell): (1000 + 100 * i + cell, 50_000 + 1000 * i + cell)
        for i, name in enumerate(names)
        for cell in range(cells)
    }
    options, expected = {}, list(names)
    content = long = "what,cell,state,R (ohm)\n" + "".join(
        f"{name},{cell},{state},{ohm}\n"
        for (name, cell), pair in values.items()
        for state, ohm in zip(("LRS", "HRS"), pair, strict=True)
    )
    if layout == "column":
        content = long.replace("what", "condition")
    elif layout == "stated":
        options = {"condition_from": "what"}
    elif layout == "settings":
        content = "Icc (uA)" + "".join(
            line.replace(line.split(",")[0], str(10 + 5 * names.index(line.split(",")[0])), 1)
            for line in ("what" + long.removeprefix("what")).splitlines(keepends=True)[1:]
        ).join([",cell,state,R (ohm)\n", ""])
        expected = [f"Icc {10 + 5 * i} µA" for i in range(len(names))]
    elif layout in ("row", "whole row", "names"):
        over = {"row": "{0},", "whole row": "{0},{0}", "names": ""}[layout]
        first = "cond," + ",".join(over.format(name) for name in names) + "\n"
        head = "{0} LRS (ohm),{0} HRS (ohm)" if layout == "names" else "LRS (ohm),HRS (ohm)"
        content = "" if layout == "names" else first
        content += "cell," + ",".join(head.format(name) for name in names) + "\n"
        for cell in range(cells):
            pairs = ",".join("{},{}".format(*values[name, cell]) for name in names)
            content += f"{cell},{pairs}\n"
    path = tmp_path_factory.mktemp("layout") / "cells.csv"
    if layout == "sheets":
        expected = [f"s{i}" for i in range(len(names))] if len(names) > 1 else ["cells"]
        path = path.with_suffix(".xlsx")
        sheets = [
            (
                f"s{i}",
                [["cell", "LRS (ohm)", "HRS (ohm)"]]
                + [[cell, *values[name, cell]] for cell in range(cells)],
            )
            for i, name in enumerate(names)
        ]
        path.write_bytes(workbook(*sheets))
    else:
        path.write_text(content)
    if layout in ("settings",) and len(names) == 1:
        expected = ["cells"]
    measured = read_measurements(path, **options)
    readings = measured.readings
    assert readings["condition"].values.tolist() == expected
    for i, name in enumerate(names):
        of_condition = readings["condition_index"].values == i
        for state in (0, 1):
            chosen = of_condition & (readings["state_index"].values == state)
            assert sorted(readings["resistance"].values[chosen]) == [
                values[name, cell][state] for cell in range(cells)
            ]
