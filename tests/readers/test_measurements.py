import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reader_files import workbook

from rramsim.errors import InputError
from rramsim.measurements import ReadingCount
from rramsim.readers.measurements import read_measurements
from rramsim.readers.options import ReadOptions
from rramsim.schema import ABOVE, BELOW, EXACT, validate

SIMPLE = "condition,state,cell,R (kOhm)\nweak,LRS,1,5.1\nweak,HRS,1,310\nweak,LRS,2,4.9\n"


def resistances(measured):
    return measured.readings["resistance"].values.tolist()


def message_of(read, content, **options):
    with pytest.raises(InputError) as error:
        read(content, **options)
    return str(error.value)


# What is read -----------------------------------------------------------------------------------


def test_a_long_table_becomes_readings(read):
    measured = read(SIMPLE)
    readings = measured.readings
    validate(readings, "readings")
    assert resistances(measured) == [5100.0, 310e3, 4900.0]
    assert readings["condition"].values.tolist() == ["weak"]
    assert readings["state_index"].values.tolist() == [0, 1, 0]
    assert readings["cell"].values.tolist() == [1, 1, 2]
    assert readings["cycle"].values.tolist() == [-1, -1, -1]
    assert readings["resistance"].attrs["units"] == "ohm"
    assert (measured.origin, measured.notes) == ("measured", ())


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        SIMPLE.replace(",", ";"),
        SIMPLE.replace(",", "\t"),
        SIMPLE.replace(",", ", "),
        SIMPLE.replace(",", ";").replace("5.1", "5,1").replace("4.9", "4,9"),
        SIMPLE.replace("\n", "\r\n"),
        SIMPLE.replace("\n", "\r"),
        SIMPLE.rstrip("\n"),
        "\n\n# a comment, with a comma\n" + SIMPLE + "\n\n",
        SIMPLE.replace("310", '"310"'),
        SIMPLE.replace("310", "310,"),
        SIMPLE.encode("utf-8-sig"),
        SIMPLE.encode("utf-16"),
        SIMPLE.encode("utf-16-le"),
        SIMPLE.encode("utf-16-be"),
        SIMPLE.replace("kOhm", "kΩ").encode("utf-16"),
        SIMPLE.replace("kOhm", "k\u2126").encode("utf-8-sig"),
        gzip.compress(SIMPLE.encode(), mtime=0),
        SIMPLE.replace("5.1", "5100E-3"),
    ],
)
def test_the_same_table_in_any_dress_gives_the_same_readings(read, content):
    for name in ("cells.csv", "cells.tsv", "cells.txt", "cells.csv.gz"):
        assert resistances(read(content, name=name)) == pytest.approx([5100.0, 310e3, 4900.0])


def test_windows_text_is_read_and_said(read):
    measured = read((SIMPLE + "é,LRS,9,1\né,HRS,9,2\n").encode("cp1252"))
    assert "é" in measured.readings["condition"].values
    assert (
        "cells.csv: read as Windows-1252 text, not UTF-8; --encoding names another encoding."
        in map(str, measured.notes)
    )


def test_an_excel_workbook_is_read_whatever_its_file_is_called(read):
    rows = [["condition", "state", "cell", "R (MOhm)"], ["weak", "LRS", 1, 0.0051]]
    content = workbook(
        ("Settings", [["Test name", "x"], ["Start", 1]]),
        ("Empty", []),
        (
            "Run1",
            [
                ["# origin: synthetic"],
                [None],
                *rows,
                ["weak", "HRS", 1.0, "OVLD"],
                ["weak", "HRS", 2, 0.31],
            ],
        ),
    )
    for name in ("cells.xlsx", "cells.csv"):
        measured = read(content, name=name)
        assert resistances(measured) == [5100.0, 310e3, 310e3]
        assert measured.readings["censoring"].values.tolist() == [EXACT, ABOVE, EXACT]
        assert measured.origin == "synthetic"
        assert str(measured.notes[0]) == (
            f"{name}: sheets not read: 2 ('Empty' (empty), 'Settings' (no readings))."
        )


def test_rows_of_excel_are_those_excel_shows(read):
    content = workbook(
        ("Run1", [["# note"], [None], ["state", "R (kOhm)"], ["LRS", 5], [], ["HRS", "x"]])
    )
    message = message_of(read, content, name="cells.xlsx")
    assert message.startswith("cells.xlsx, sheet 'Run1', row 6, column 'R (kOhm)': 'x' is not a nu")


@pytest.mark.parametrize(
    ("header", "values", "options", "expected"),
    [
        ("R (kOhm)", "5,300", {}, (5e3, 300e3)),
        ("R (MOhm)", "0.005,0.3", {}, (5e3, 300e3)),
        ("resistance_ohm", "5e3,3e5", {}, (5e3, 300e3)),
        ("I (uA)", "40,2", {"read_voltage": 0.2}, (5e3, 100e3)),
        ("I (uA)", "-40,-2", {"read_voltage": -0.2}, (5e3, 100e3)),
        ("I_read [A]", "4e-5,2e-6", {"read_voltage": 0.2}, (5e3, 100e3)),
    ],
)
def test_units_and_currents_come_out_in_ohm(read, header, values, options, expected):
    lrs, hrs = values.split(",")
    measured = read(f"state,{header}\nLRS,{lrs}\nHRS,{hrs}\n", **options)
    assert resistances(measured) == pytest.approx(expected, rel=1e-12)


@pytest.mark.slow
@given(
    value=st.floats(min_value=1e-3, max_value=5e5),
    unit=st.sampled_from([("kOhm", 1e3), ("MOhm", 1e6), ("Ω", 1.0), ("GΩ", 1e9)]),
)
@settings(max_examples=40, deadline=None)
def test_values_go_through_a_file_with_a_unit_unchanged(tmp_path_factory, value, unit):
    path = tmp_path_factory.mktemp("unit") / "cells.csv"
    path.write_text(f"state,R [{unit[0]}]\nLRS,{value!r}\nHRS,{2 * value!r}\n", encoding="utf-8")
    assert resistances(read_measurements([path])) == pytest.approx(
        [value * unit[1], 2 * value * unit[1]], rel=1e-12
    )


@pytest.mark.slow
@given(ohm=st.floats(min_value=1e3, max_value=1e9), volt=st.floats(min_value=0.01, max_value=1))
@settings(max_examples=40, deadline=None)
def test_a_current_and_its_read_voltage_give_the_resistance_back(tmp_path_factory, ohm, volt):
    path = tmp_path_factory.mktemp("current") / "cells.csv"
    micro = volt / ohm * 1e6
    path.write_text(
        "state,I (uA),V_read (mV)\n"
        f"LRS,{micro!r},{volt * 1e3!r}\nHRS,{micro / 2!r},{volt * 1e3!r}\n"
    )
    assert resistances(read_measurements([path])) == pytest.approx([ohm, 2 * ohm], rel=1e-9)


def test_states_in_every_accepted_spelling(read):
    spelled = ["LRS", "hrs", "0", "1", "SET", "reset", " Lrs ", "1.0"]
    rows = "".join(f"{state},{5 + i}\n" for i, state in enumerate(spelled))
    measured = read("state,R (kOhm)\n" + rows)
    assert measured.readings["state_index"].values.tolist() == [0, 1, 0, 1, 0, 1, 0, 1]


def test_the_wide_form_has_one_column_a_state(read):
    measured = read("cell,R_LRS (kOhm),R_HRS (MOhm),set_energy (pJ)\n7,5,0.3,11\n8,6,,12\n")
    readings = measured.readings
    assert resistances(measured) == [5e3, 6e3, 3e5]
    assert readings["state_index"].values.tolist() == [0, 0, 1]
    assert readings["cell"].values.tolist() == [7, 8, 7]
    # The energy of one SET counts once, at the reading after it.
    assert readings["set_energy"].values.tolist() == pytest.approx(
        [11e-12, 12e-12, np.nan], nan_ok=True
    )
    assert tuple(map(str, measured.notes)) == (
        "cells.csv: 1 blank or NaN reading dropped (row 3).",
        "cells.csv: of 4 readings in the table 3 are read; left out: 1 blank or NaN.",
    )


def test_the_wide_form_in_currents(read):
    measured = read("I_LRS (uA),I_HRS (nA)\n40,2000\n50,1000\n", read_voltage=0.2)
    assert resistances(measured) == pytest.approx([5e3, 4e3, 1e5, 2e5])


def test_a_file_without_a_header_is_read_by_given_columns(read):
    columns = ("cell", "LRS [ohm]", "HRS [kOhm]", "cycle")
    measured = read("16384\t7542.4\t499\t25\n16384\t7464.5\t45\t50\n", columns=columns)
    assert resistances(measured) == [7542.4, 7464.5, 499e3, 45e3]
    assert measured.readings["cycle"].values.tolist() == [25, 50, 25, 50]
    assert measured.readings["condition"].values.tolist() == ["cells"]
    assert measured.notes == ()


def test_given_columns_replace_a_header_and_say_so(read):
    measured = read("a;b;c\nLRS;5,5;x\nHRS;300;y\n", columns=("state", "R (kOhm)", "-"))
    assert resistances(measured) == [5500.0, 300e3]
    assert tuple(map(str, measured.notes)) == (
        "cells.csv: row 1 is taken as a header; the given columns replace it.",
    )


def test_a_header_in_the_last_comment_line_is_found(read):
    measured = read("# made by a script\n# state\tR (kOhm)\n0\t5\n1\t300\n")
    assert resistances(measured) == [5e3, 300e3]


def test_the_file_s_name_is_the_condition_where_no_column_is(read):
    measured = read(gzip.compress(b"state,R (kOhm)\nLRS,5\nHRS,300\n"), name="55 uA.csv.gz")
    assert measured.readings["condition"].values.tolist() == ["55 uA"]


def test_a_header_without_a_unit_is_read_in_si_and_said(read):
    measured = read("state,R\nLRS,5e3\nHRS,3e5\n")
    assert resistances(measured) == [5e3, 3e5]
    assert tuple(map(str, measured.notes)) == (
        "cells.csv: the column 'R' names no unit; its resistance is read in ohm.",
    )


def test_columns_that_are_not_used_are_named(read):
    (note,) = read("state,R (kOhm),T,remark\nLRS,5,300,a\nHRS,300,300,b\n").notes
    assert str(note) == "cells.csv: columns not used: 'T', 'remark'."
    assert (note.kind, note.values) == ("columns not used", {"columns": 2})


def test_row_and_column_number_the_cells(read):
    measured = read("state,R (kOhm),row,column\nLRS,5,0,0\nLRS,6,0,3\nLRS,7,2,1\nHRS,300,,1\n")
    assert measured.readings["cell"].values.tolist() == [0, 3, 9, -1]


def test_cells_may_have_names(read):
    measured = read("state,R (kOhm),cell\nLRS,5,A8-04\nHRS,300,A8-04\nLRS,6,B1\nHRS,200,\n")
    assert measured.readings["cell"].values.tolist() == [0, 0, 1, -1]


def test_programming_columns_come_out_in_si(read):
    measured = read(
        "state,R (kOhm),I_SET [uA],V_RESET (V),pulse width (ns),E_RESET (pJ),failed\n"
        "LRS,5,55,-1.5,100,14,no\nHRS,300,55,-1.5,100,,yes\n"
    )
    readings = measured.readings
    assert readings["set_current"].values == pytest.approx([55e-6] * 2)
    assert readings["reset_voltage"].values == pytest.approx([1.5] * 2)
    assert readings["pulse_width"].values == pytest.approx([1e-7] * 2)
    assert readings["reset_energy"].values == pytest.approx([14e-12, np.nan], nan_ok=True)
    assert readings["failed"].values.tolist() == [0, 1]
    assert tuple(map(str, measured.notes)) == (
        "cells.csv: the sign of 'V_RESET (V)' is dropped; its magnitude is used.",
        "cells.csv: 1 reading marked as failed is kept in the populations.",
    )


def test_files_are_joined_by_condition_in_the_order_they_come(tmp_path):
    for name, content in (("b", "LRS,1,5\nHRS,1,300"), ("a", "LRS,1,6\nHRS,x,200")):
        (tmp_path / f"{name}.csv").write_text(f"state,cell,R (kOhm)\n{content}\n")
    measured = read_measurements([tmp_path / "b.csv", tmp_path / "a.csv"])
    readings = measured.readings
    assert readings["condition"].values.tolist() == ["b", "a"]
    assert readings["condition_index"].values.tolist() == [0, 0, 1, 1]
    # One file names its cells by text, so all cells are numbered as they appear.
    assert readings["cell"].values.tolist() == [0, 0, 0, 1]
    assert [name for name, _ in measured.sources] == ["b.csv", "a.csv"]
    assert all(len(digest) == 64 for _, digest in measured.sources)


def test_the_origin_is_carried(read):
    assert read("# origin: Reconstructed\n" + SIMPLE).origin == "reconstructed"


# What is censored, dropped or assumed ------------------------------------------------------------


@pytest.mark.parametrize("mark", ["inf", "-inf", "OVLD", "OVF", "OL", "overflow"])
def test_a_reading_over_the_range_is_censored_at_the_largest_in_range(read, mark):
    measured = read(SIMPLE + f"weak,HRS,2,{mark}\n")
    assert resistances(measured)[-1] == 310e3
    assert measured.readings["censoring"].values.tolist() == [EXACT, EXACT, EXACT, ABOVE]
    assert [str(note).replace("\xa0", " ") for note in measured.notes] == [
        "cells.csv: 1 reading marked out of range taken as at least 310 kΩ (censored), the "
        "largest reading in range."
    ]


def test_bounds_are_censored_at_their_own_number(read):
    measured = read(SIMPLE + "weak,HRS,2,>1e9\nweak,LRS,3,<0.1\nweak,LRS,4,compliance\n")
    assert resistances(measured)[-3:] == [1e12, 100.0, 4900.0]
    assert measured.readings["censoring"].values[-3:].tolist() == [ABOVE, BELOW, BELOW]
    assert [str(note).replace("\xa0", " ") for note in measured.notes] == [
        "cells.csv: 1 reading marked out of range taken as at most 4.9 kΩ (censored), the "
        "smallest reading in range.",
        "cells.csv: 1 reading marked with a limit, taken as at least 1 TΩ (censored).",
        "cells.csv: 1 reading marked with a limit, taken as at most 100 Ω (censored).",
    ]


def test_a_current_over_the_range_is_a_resistance_below_it(read):
    measured = read(
        "state,I (uA)\nLRS,40\nHRS,2\nLRS,OVLD\nLRS,compliance\nHRS,<1\nLRS,>100\n",
        read_voltage=0.2,
    )
    assert resistances(measured)[2:] == pytest.approx([5e3, 5e3, 2e5, 2e3])
    assert measured.readings["censoring"].values[2:].tolist() == [BELOW, BELOW, ABOVE, BELOW]


@pytest.mark.parametrize("blank", ["", "NaN", "n/a", "  "])
def test_blank_readings_are_dropped_and_counted_with_their_rows(read, blank):
    measured = read("# note\n" + SIMPLE + f"weak,HRS,2,{blank}\nweak,HRS,3,{blank}\n")
    assert len(resistances(measured)) == 3
    assert tuple(map(str, measured.notes)) == (
        "cells.csv: 2 blank or NaN readings dropped (rows 6, 7).",
        "cells.csv: of 5 readings in the table 3 are read; left out: 2 blank or NaN.",
    )


def test_a_pile_up_at_an_end_is_a_clamp(read):
    rng = np.random.default_rng(3)
    hrs = np.minimum(np.exp(rng.normal(12, 1, 500)), 1e6)
    clamped = int((hrs == 1e6).sum())
    assert clamped >= 5
    rows = "".join(f"HRS,{value!r}\nLRS,{5e3 + i}\n" for i, value in enumerate(hrs.tolist()))
    measured = read("state,R (ohm)\n" + rows)
    censored = measured.readings["censoring"].values
    assert int((censored == ABOVE).sum()) == clamped
    assert int((censored == BELOW).sum()) == 0
    assert (measured.readings["resistance"].values[censored == ABOVE] == 1e6).all()
    assert [str(note).replace("\xa0", " ") for note in measured.notes] == [
        f"cells.csv: {clamped} readings of cells/HRS pile up at the largest value, 1 MΩ: taken as "
        "at least 1 MΩ (censored)."
    ]


def whole_kilohms(condition, state, values):
    return "".join(f"{condition},{state},{value:.0f}\n" for value in values)


def test_a_clamp_of_one_population_leaves_the_middle_of_another_alone(read):
    """Whole kOhm: B/HRS is floored at 30 kOhm, the median of A/LRS; C/HRS ends there."""
    rng = np.random.default_rng(7)
    floored = np.maximum(np.exp(rng.normal(np.log(60), 0.5, 400)), 30)
    middle, apart = np.exp(rng.normal(np.log(30), 0.1, 400)), np.exp(rng.normal(7, 0.3, 400))
    rows = whole_kilohms("A", "LRS", middle) + whole_kilohms("A", "HRS", apart)
    rows += whole_kilohms("B", "LRS", middle / 10) + whole_kilohms("B", "HRS", floored)
    rows += whole_kilohms("C", "LRS", middle / 10) + whole_kilohms("C", "HRS", [30, 30, *apart])
    measured = read("condition,state,R (kOhm)\n" + rows)
    clamped = int((floored.round() == 30).sum())
    readings = measured.readings
    below = readings["censoring"].values == BELOW
    of = 2 * readings["condition_index"].values + readings["state_index"].values
    assert np.bincount(of[below], minlength=6).tolist() == [0, 0, 0, clamped, 0, 2]
    assert [str(note).replace("\xa0", " ") for note in measured.notes] == [
        f"cells.csv: {clamped + 2} readings of B/HRS, C/HRS pile up at the smallest value, 30 kΩ: "
        "taken as at most 30 kΩ (censored)."
    ]


def test_few_digits_make_no_clamp(read):
    rng = np.random.default_rng(4)
    lrs = np.round(np.exp(rng.normal(np.log(5), 0.1, 1000)), 1)
    rows = "".join(f"LRS,{value!r}\n" for value in lrs.tolist())
    measured = read("state,R (kOhm)\n" + rows + "HRS,300\n")
    assert (measured.readings["censoring"].values == EXACT).all()
    assert measured.notes == ()


def test_a_zero_is_below_a_floor_that_the_file_names(read):
    measured = read("state,R (ohm)\nLRS,<100\nLRS,0\nHRS,3e5\n")
    assert resistances(measured) == [100.0, 100.0, 3e5]
    assert measured.readings["censoring"].values.tolist() == [BELOW, BELOW, EXACT]
    assert str(measured.notes[0]).replace("\xa0", " ") == (
        "cells.csv: 1 reading of 0 Ω taken as at most 100 Ω (censored), the known floor."
    )


@pytest.mark.parametrize(
    ("rows", "limit"),
    [
        ("state,R (ohm)\nHRS,3e5\nLRS,<100\nLRS,<10\nLRS,0\n", 100.0),
        ("state,I (nA)\nLRS,40000\nHRS,<0.2\nHRS,<0.1\nHRS,0\n", 1e9),
    ],
    ids=["resistances", "currents"],
)
def test_of_several_limits_the_weakest_is_true_of_every_zero(read, rows, limit):
    measured = read(rows, read_voltage=0.2)
    assert resistances(measured)[-1] == pytest.approx(limit)
    (note,) = [note for note in measured.notes if note.kind == "zero"]
    assert note.values["limit"] == pytest.approx(limit)


def test_identical_rows_are_dropped_with_a_count(read):
    measured = read(SIMPLE + "weak,LRS,1,5.1\nweak,LRS,1,5.1\n")
    assert len(resistances(measured)) == 3
    assert tuple(map(str, measured.notes)) == (
        "2 identical readings of the same cell dropped (rows 5, 6).",
        "cells.csv: of 5 readings in the table 3 are read; left out: 2 identical repeats.",
    )


def test_every_reading_of_a_table_is_accounted_for(read):
    content = SIMPLE + "weak,LRS,1,5.1\nweak,HRS,2,OVLD\nweak,HRS,3,\nweak,x,4,7\nweak,x,5,\n"
    measured = read(content, states={"LRS": 0, "HRS": 1})
    assert measured.counts == (
        ReadingCount("cells.csv", 8, 3, 1, {"blank": 2, "other states": 1, "identical": 1}),
    )
    assert str(measured.notes[-1]) == (
        "cells.csv: of 8 readings in the table 4 are read, 1 of them censored; left out: "
        "2 blank or NaN, 1 of other states, 1 identical repeats."
    )


def test_the_readings_of_each_file_are_counted_apart(tmp_path):
    (tmp_path / "a.csv").write_text("cell,LRS (kOhm),HRS (kOhm)\n1,5,300\n2,6,\n")
    (tmp_path / "b.csv").write_text(SIMPLE)
    measured = read_measurements([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert measured.counts == (
        ReadingCount("a.csv", 4, 3, 0, {"blank": 1}),
        ReadingCount("b.csv", 3, 3, 0, {}),
    )


def test_readings_that_name_no_cell_are_never_taken_for_repeats(read):
    assert len(resistances(read("state,R (kOhm)\nLRS,5\nLRS,5\nHRS,300\n"))) == 3


def series(name="R (kOhm)", cycles=range(1, 5), **more):
    """Return a file in which each state is read once a cycle, with constant columns `more`."""
    header = ",".join(["cycle", "state", name, *more])
    tail = "".join(f",{text}" for text in more.values())
    rows = [f"{c},{s},{r + c}{tail}" for c in cycles for s, r in (("LRS", 5), ("HRS", 300))]
    return "\n".join([header, *rows]) + "\n"


def test_readings_once_a_cycle_without_a_cell_are_of_one_cell_and_this_is_said(read):
    measured = read(series())
    assert len(set(measured.readings["cell"].values.tolist())) == 1
    assert measured.readings["cell"].values.min() >= 0
    (note,) = (note for note in measured.notes if "cell" in note.text)
    assert (note.kind, note.file) == ("one cell", "cells.csv")
    assert "all readings are taken as those of one cell" in note.text
    assert note.text.startswith("no column names the cell")
    told = read(series(cell="7"))
    assert set(told.readings["cell"].values.tolist()) == {7}
    assert not any("one cell" in str(note) for note in told.notes)


@pytest.mark.parametrize(
    "content",
    [
        # A state is read twice in cycle 4, so there is more than one cell.
        series() + "4,LRS,9\n",
        "state,R (kOhm)\nLRS,5\nHRS,300\n",
        # Dice are told apart, so they are not one cell.
        series(die="1"),
    ],
)
def test_readings_that_may_be_of_several_cells_stay_apart(read, content):
    measured = read(content)
    assert set(measured.readings["cell"].values.tolist()) == {-1}
    assert not any("one cell" in str(note) for note in measured.notes)


def test_files_of_one_cell_are_one_cell_only_where_they_repeat_nothing(tmp_path):
    def cells_of(first, second):
        for name, content in (("a.csv", first), ("b.csv", second)):
            (tmp_path / name).write_text(content)
        measured = read_measurements([tmp_path / "a.csv", tmp_path / "b.csv"])
        assert sum("those of one cell" in str(note) for note in measured.notes) == 2
        return [
            sorted(set(part.tolist())) for part in np.split(measured.readings["cell"].values, 2)
        ]

    weak = {"condition": "weak"}
    assert cells_of(series(**weak), series(cycles=range(5, 9), **weak)) == [[0], [0]]
    assert cells_of(series(**weak), series(**weak)) == [[0], [1]]


def test_the_same_cell_at_two_cycles_is_two_readings(read):
    measured = read("state,cell,cycle,R (kOhm)\nLRS,1,1,5\nLRS,1,2,6\nHRS,1,1,300\n")
    assert len(resistances(measured)) == 3


def test_a_sidecar_says_what_the_file_does_not(tmp_path):
    (tmp_path / "cells.tsv").write_text("1\t5\t300\n2\t6\t200\n")
    (tmp_path / "set.toml").write_text(
        'file = "cells.tsv"\ncolumns = "cell, LRS [kOhm], HRS [kOhm]"\n'
        'condition = "weak"\norigin = "synthetic"\n'
    )
    measured = read_measurements([tmp_path / "cells.tsv"])
    assert resistances(measured) == [5e3, 6e3, 300e3, 200e3]
    assert measured.readings["condition"].values.tolist() == ["weak"]
    assert measured.origin == "synthetic"


# What is refused ---------------------------------------------------------------------------------

HEADER = "condition,state,cell,R (kOhm)\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "cells.csv: the file is empty; a header and readings are expected."),
        ("# only a comment\n\n", "cells.csv: the file is empty; a header and readings are exp"),
        (HEADER, "cells.csv: there is only a header; no reading follows it."),
        (
            "condition,state,value\nweak,LRS,5\n",
            "cells.csv, row 1: no column holds a resistance or current. Headers found: "
            "'condition', 'state', 'value'. Accepted: resistance (resistance, R, R read, read "
            "resistance) with a unit such as ohm, kOhm, kΩ, MOhm; current (current, I, I read, "
            "read current) with a unit such as A, mA, uA, nA.",
        ),
        (
            "condition,R (kOhm)\nweak,5\n",
            "cells.csv, row 1: no column holds the state. Headers found: 'condition', 'R (kOhm)'. "
            "Accepted: state (state, resistance state, cell state, operation); LRS resistance",
        ),
        (
            "1,5,300\n2,6,200\n",
            "cells.csv, row 1: there is no header, only the numbers 1, 5, 300. Name the columns in "
            'order, such as --columns "cell,LRS [ohm],HRS [ohm],cycle" or --columns '
            "\"cell,state,R [ohm]\"; '-' leaves one out.",
        ),
        (
            "1000,READ,32486.5,3.1e-05\n1001,READ,374961.7,2.7e-06\n",
            "cells.csv, row 1: there is no header, only readings (1000, READ, 32486.5, 3.1e-05). "
            "Name the columns in order, such as --columns",
        ),
        ("1,LRS,5000\n1,HRS,300000\n", "row 1: there is no header, only readings (1, LRS, 5000)."),
        ("state,1,2,3\nLRS,5,6,7\n", "row 1: no column holds a resistance or current. Headers"),
        (
            HEADER + "weak,LRS,1,5\nweak,HRS,1,three\n",
            "cells.csv, row 3, column 'R (kOhm)': 'three' is not a number. Accepted is a number "
            "with a decimal point and no unit (units belong in the header), or a mark of a reading "
            'out of range (OVLD, OVF, OL, inf, 9.9E37, ">1e9", "<100", compliance).',
        ),
        (HEADER + "weak,LRS,1,5 kS\n", "row 2, column 'R (kOhm)': '5 kS' is not a number"),
        (HEADER + "weak,LRS,1,1_000\n", "row 2, column 'R (kOhm)': '1_000' is not a number"),
        (HEADER + 'weak,LRS,1,"1,5,7"\n', "row 2, column 'R (kOhm)': '1,5,7' is not a number"),
        (
            "state;R (ohm)\nLRS;5,100\n",
            "cells.csv, row 2, column 'R (ohm)': is the comma in '5,100' a decimal comma or a "
            "thousands separator? Write the number with a decimal point.",
        ),
        (
            "# note\n" + HEADER + "weak,LRS,1,5\n\nweak,HRS,1,-0.12\n",
            "cells.csv, row 5, column 'R (kOhm)': the resistance is negative (-120\xa0Ω); check "
            "the sign of the current. A resistance is more than 0.",
        ),
        (HEADER + "weak,LRS,1,-inf\n", "no reading of the file is inside it"),
        (
            HEADER + "weak,LRS,1,0\nweak,HRS,1,300\n",
            "cells.csv, row 2, column 'R (kOhm)': the reading is 0 Ω, below what the meter "
            "resolves, and the file names no floor. Give the smallest resistance that the meter "
            'resolves, --floor "100 Ohm", or write the reading as a bound, such as "<100".',
        ),
        (
            HEADER + "weak,LRS,1,OVLD\nweak,HRS,1,OVLD\n",
            "cells.csv, row 2, column 'R (kOhm)': the reading is out of the meter's range, whose "
            "limit is unknown: no reading of the file is inside it (is the unit in the header "
            "right?). Give the largest resistance that the meter resolves with --over-range, or "
            'write the marks as bounds, such as ">1e9".',
        ),
        (HEADER + "weak,LRS,1,1e307\n", "is the unit in the header right?"),
        (
            HEADER + "weak,LRS,1,5\nweak,MRS,1,300\n",
            "cells.csv, row 3, column 'state': 'MRS' was found; accepted are LRS or HRS, 0 or 1, "
            "SET or RESET (or those that --states names, which leaves rows of other states out).",
        ),
        (
            HEADER + "weak,LRS,1,5\n,HRS,1,300\n",
            "cells.csv, row 3, column 'condition': there is no condition; each row needs one.",
        ),
        (
            HEADER + "weak,LRS,1,5\nweak,HRS,1,300,7\n",
            "cells.csv, row 3: 5 columns were found where the header has 4. Is a decimal comma or "
            "an unquoted separator in the row?",
        ),
        (
            HEADER + 'weak,"LRS,1,5\nweak,HRS,1,3\n',
            "csv, row 2: the row cannot be read (a quotation mark is opened and",
        ),
        (HEADER + "weak,LRS,1,\nweak,HRS,1,nan\n", "all 2 readings of 'R (kOhm)' are blank or NaN"),
        ("state,R (foo)\nLRS,5\n", "cells.csv, row 1, column 'R (foo)': 'foo' is not a unit of re"),
        (
            "state,R (kOhm),LRS\nLRS,5,6\n",
            "cells.csv, row 1: both 'LRS' (a column for a state) and 'R (kOhm)' (a row for a "
            "state) were found; accepted is one form: a state column with a resistance or current "
            "column, or one column for LRS and one for HRS.",
        ),
        (
            "R_LRS (kOhm),I_HRS (uA)\n5,2\n",
            "cells.csv: 'R_LRS (kOhm)' and 'I_HRS (uA)' are a resistance and a current; accepted "
            "is one quantity.",
        ),
        (
            "state,I (uA)\nLRS,40\n",
            "cells.csv: 'I (uA)' is a current, and no read voltage is known; add a column \"read "
            'voltage (V)" or give --read-voltage "0.2 V" (not 0).',
        ),
        (
            "cell,log10(R_LRS),log10(R_HRS)\n0,3.9,4.9\n1,3.8,5\n",
            "'log10(R_LRS)' is a logarithm whose base is not known: add columns with the",
        ),
        (
            "I_LRS @0V (uA),I_HRS @0V (uA)\n40,2\n",
            "cells.csv: 'I_LRS @0V (uA)' is a current, and no read voltage is known",
        ),
        (
            "state,I (uA),V_read (V)\nLRS,40,0.2\nHRS,2,0\n",
            "cells.csv, row 3, column 'V_read (V)': '0' is not a read voltage; a current needs one "
            "that is not 0.",
        ),
        (
            "state,I (uA),V_read (V)\nLRS,40,0.2\nHRS,-2,0.2\n",
            "cells.csv, row 3, column 'I (uA)': a current of -2\xa0µA at a read voltage of "
            "200\xa0mV makes the resistance negative; check the signs, or the offset that was "
            "subtracted.",
        ),
        (
            "state,R (kOhm),cycle\nLRS,5,1\nHRS,300,1.5\n",
            "cells.csv, row 3, column 'cycle': '1.5' is not a whole number from 0 on.",
        ),
        (
            "state,R (kOhm),pulse (ns)\nLRS,5,100\nHRS,300,0\n",
            "cells.csv, row 3, column 'pulse (ns)': '0' was found; accepted is a finite number "
            "above 0.",
        ),
        (
            "state,R (kOhm),T (degC)\nLRS,5,-40\nHRS,300,-400\n",
            "cells.csv, row 3, column 'T (degC)': '-400' was found; accepted is a finite number "
            "above -273.15 (0 K).",
        ),
        ("state,R (kOhm),E_SET (pJ)\nLRS,5,-4\n", "row 2, column 'E_SET (pJ)': '-4' was found; ac"),
        ("state,R (kOhm),E_SET (pJ)\nLRS,5,OVLD\n", "row 2, column 'E_SET (pJ)': 'OVLD' is not"),
        (
            "state,R (kOhm),failed\nLRS,5,maybe\n",
            "cells.csv, row 2, column 'failed': 'maybe' was found; accepted are 1 or 0, yes or no, "
            "true or false.",
        ),
        (
            HEADER + "weak,LRS,7,5\nweak,HRS,7,300\nweak,LRS,7,6\n",
            "cells.csv, row 4: this cell of 'weak', LRS, was read before with another result "
            "(cells.csv, row 2). --repeats cycle numbers the readings of a cell as its cycles, in "
            "the order of the file.",
        ),
        (
            "# origin: guessed\n" + SIMPLE,
            "cells.csv: the origin 'guessed' is not known; accepted are measured, reconstructed, "
            "synthetic.",
        ),
        (b"state,R\x00\x01\xff\n" * 3, "cells.csv: "),
        (b"\x89HDF\r\n\x1a\n", "cells.csv: the HDF5 or netCDF file cannot be read ("),
        (b"CDF\x01abc", "cells.csv: the HDF5 or netCDF file cannot be read ("),
        (gzip.compress(b"CDF\x01abc", mtime=0), "cells.csv: this is a netCDF file; export the"),
        (b"\xd0\xcf\x11\xe0abc", "cells.csv: this is an old Excel .xls file; save it as .xlsx"),
        (b"PK\x03\x04abc", "cells.csv: the Excel workbook cannot be opened ("),
        (
            gzip.compress(SIMPLE.encode(), mtime=0)[:-9],
            "cells.csv: this gzip file is damaged or cut off (",
        ),
        (SIMPLE.encode("utf-16")[:-1], "cells.csv: the text is not valid UTF-16 (byte "),
        (b"state,R\n\x81,5\n", "cells.csv, row 2, column 'state': 'Ѓ' was found; accepted are"),
        (b"state,R\n\x07,5\n", "cells.csv: this is not a text table (it holds control characters"),
    ],
)
def test_bad_input_is_told_where_it_is_and_what_is_accepted(read, content, message):
    assert message in message_of(read, content)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("cell", "LRS", "HRS"), "cells.csv, row 1: 4 columns were found, but 3 are given (cell"),
        (("cell", "LRS", "HRS", "foo"), "the given column 'foo' is not known; accepted are cond"),
        (("cell", "LRS", "R", "cycle"), "the given columns: both 'LRS' (a column for a state) and"),
        (("cell", "-", "-", "cycle"), "the given columns: no column holds a resistance or curr"),
    ],
)
def test_given_columns_that_do_not_fit_are_refused(read, columns, message):
    assert message in message_of(read, "1\t5\t300\t25\n", columns=columns)


def test_a_repeat_in_another_file_names_both(tmp_path):
    for name, value in (("a", 5), ("b", 6)):
        content = f"condition,state,cell,cycle,R (kOhm)\nweak,LRS,3,1,{value}\nweak,HRS,3,1,300\n"
        (tmp_path / f"{name}.csv").write_text(content)
    with pytest.raises(InputError) as error:
        read_measurements([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert str(error.value) == (
        "b.csv, row 2: this cell of 'weak', LRS, cycle 1, was read before with another result "
        "(a.csv, row 2). If these are other cells of the same name, say which: name sheets like "
        'dice or cells ("Die 1", "Cell 3"), or take the die from the names of files (--file-name '
        '"{die}").'
    )
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    readings = read_measurements(files, ReadOptions(file_name="{die}")).readings
    assert readings["die"].values.tolist() == [0, 0, 1, 1]


def test_files_of_different_origin_are_not_joined(tmp_path):
    (tmp_path / "a.csv").write_text(SIMPLE)
    (tmp_path / "b.csv").write_text("# origin: synthetic\n" + SIMPLE)
    with pytest.raises(InputError, match=r"b\.csv: its readings are synthetic, those of a\.csv"):
        read_measurements([tmp_path / "a.csv", tmp_path / "b.csv"])


def test_a_file_that_is_not_there_and_no_file_at_all():
    with pytest.raises(InputError, match=r"missing\.csv: there is no such file, and no shipped"):
        read_measurements(["missing.csv"])
    with pytest.raises(InputError, match=r"no measurement file was named\."):
        read_measurements([])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("file = ", "set.toml: not valid TOML"),
        ('name = "x"', "set.toml: it names no file"),
        (
            'file = "cells.csv"\ncolour = "red"',
            "set.toml: 'colour' is no key of a set.toml. Accepted are",
        ),
        ('file = "cells.csv"\norigin = "x"', "set.toml: the origin 'x' is not known; accepted ar"),
    ],
)
def test_a_sidecar_with_a_mistake_is_told(tmp_path, content, message):
    (tmp_path / "cells.csv").write_text(SIMPLE)
    (tmp_path / "set.toml").write_text(content)
    with pytest.raises(InputError) as error:
        read_measurements([tmp_path / "cells.csv"])
    assert message in str(error.value)


# Whatever comes ----------------------------------------------------------------------------------

_PIECES = st.sampled_from(
    [
        *("condition", "state", "R (kOhm)", "LRS", "HRS", "I (uA)", "V_read (V)", "cell", "cycle"),
        *("E_SET [pJ]", "failed", "row", "column", "#", "# origin: synthetic", '"', ",", ";", "\t"),
        *("\n", "\r\n", "\n", "\n", "0", "1", "-1", "5.1", "3e5", "OVLD", ">1e9", "<1", "nan", ""),
        *("SetupTitle, SET\n", "DataName, V1, I1\n", "DataValue, 0, 1\n", "DataValue, 2, 1e-3\n"),
        *("DataValue, 0.2, 1e-5\n", "DataValue, -1, -1e-3\n", "MetaData, TestRecord.TestTarget, D"),
        *("AnalysisSetup, Analysis.Setup.Title, Reset\n", "V1", "I1", "HRS1", "LRS1", "G (uS)"),
        *("strong LRS (kOhm)", "Wordline,Bitline,Resistance,Amplitude (V)\n", "status", "NAI1E-6"),
        *("T (K)", "t (s)", "die", "kOhm", "V", "#REF", "over range", "\n1,1,5e3,1\n1,1,9e4,-1\n"),
        *("1,5", "9.91E37", "1e400", "compliance", "weak", "Ω", "\x00", "\ufeff", " "),
    ]
)
_TABLES = st.lists(
    st.tuples(
        st.sampled_from(["LRS", "HRS", "0", "SET", "x", ""]),
        st.sampled_from(["5", "300", "OVLD", "<1", "", "0", "-3", "1e400", "9.9E37", "5,5", "12"]),
        st.sampled_from(["1", "2", "A", "", "-1", "1.5"]),
        st.sampled_from(["0.2", "-0.2", "0", "", "inf"]),
    ),
    max_size=12,
).map(
    lambda rows: "state;R (kOhm);cell;E_SET (pJ)\n" + "".join(";".join(row) + "\n" for row in rows)
)
_WORKBOOK = workbook(("Run1", [["state", "R (kOhm)"], ["LRS", 5], ["HRS", 300]]))


@pytest.mark.slow
@given(
    content=st.one_of(
        st.binary(max_size=200),
        st.lists(_PIECES, max_size=40).map(lambda pieces: "".join(pieces).encode()),
        _TABLES.map(str.encode),
        _TABLES.map(lambda text: gzip.compress(text.encode())),
        st.text(max_size=100).map(lambda text: text.encode("utf-16", "surrogatepass")),
        st.tuples(st.integers(0, len(_WORKBOOK) - 1), st.integers(0, 255)).map(
            lambda at: _WORKBOOK[: at[0]] + bytes([at[1]]) + _WORKBOOK[at[0] + 1 :]
        ),
    ),
    options=st.fixed_dictionaries(
        {},
        optional={
            "columns": st.sampled_from([("state", "R [kOhm]", "cell", "-"), ("LRS", "HRS")]),
            "read_voltage": st.sampled_from([0.2, -0.2]),
            "names": st.sampled_from([{"cell": "-"}, {"R": "R [kOhm]"}, {"x": "V"}]),
            "states": st.sampled_from([{"0": 1, "1": 0}, {"LRS": 0}]),
            "file_name": st.sampled_from(["what{state}", "{condition}ever"]),
            "over_range": st.sampled_from([1e3, 1e9]),
            "floor": st.sampled_from([1.0, 1e4]),
        },
    ),
    name=st.sampled_from(["whatever.csv", "whatHRS.csv"]),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_comes_is_readings_or_an_input_error(tmp_path_factory, content, options, name):
    path: Path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(content)
    try:
        measured = read_measurements(path, ReadOptions(**options))
    except InputError:
        return
    readings = measured.readings
    validate(readings, "readings")
    assert readings.sizes["reading"] > 0
    values = readings["resistance"].values
    assert (np.isfinite(values) & (values > 0)).all()


def test_a_table_in_memory_reads_as_its_file_would(tmp_path):
    frame = pd.DataFrame(
        {"state": ["LRS", "HRS", "HRS"], "R (kOhm)": [5.1, 310.0, np.nan], "cell": [1, 1, 2]}
    )
    frame.to_csv(tmp_path / "DataFrame.csv", index=False)
    by_file, in_memory = read_measurements(tmp_path / "DataFrame.csv"), read_measurements(frame)
    assert in_memory.readings.identical(by_file.readings)
    assert (in_memory.notes, in_memory.sources) == (by_file.notes, by_file.sources)
    assert in_memory.readings["condition"].values.tolist() == ["DataFrame"]
    indexed = read_measurements(frame.set_index(["cell", "state"]))
    assert indexed.readings.identical(by_file.readings)
    with pytest.raises(InputError, match=r"DataFrame\.csv, row 2, column 'state': 'maybe'"):
        read_measurements(frame.assign(state="maybe"))


def test_what_is_given_by_name_comes_before_the_options(tmp_path):
    (tmp_path / "cells.csv").write_text("cell,bit,Rcell\n1,0,5.1\n2,7,310\n")
    names, states = {"bit": "state", "Rcell": "R [kOhm]"}, {"0": "LRS", "7": "HRS"}
    by_name = read_measurements(tmp_path / "cells.csv", map=names, states=states)
    options = ReadOptions(names=names, states={"0": 1, "7": 0})
    mixed = read_measurements(str(tmp_path / "cells.csv"), options, states="0=LRS,7=HRS")
    assert by_name.readings["resistance"].values.tolist() == [5100.0, 310000.0]
    assert by_name.readings.identical(mixed.readings)


@pytest.mark.slow
def test_readings_show_themselves_in_a_line_and_as_a_table():
    measured = read_measurements("hirtzlin2019-reconstructed")
    assert repr(measured) == "Measured(6,144 readings of 3 conditions, reconstructed)"
    shown = measured._repr_html_()
    assert shown.count("<tr") == 1 + 3 * 2
    assert all(text in shown for text in ("very strong", "HRS", "1,024", "kΩ"))


def test_a_file_of_conditions_is_no_file_of_measurements():
    with pytest.raises(InputError, match=r"table1\.toml: this is a conditions file, not a table"):
        read_measurements("table1")


@pytest.mark.parametrize(
    "text",
    [
        "# chip 3\n# cycle LRS(ohm) HRS (ohm)\n1.0e+00 5.0e+03 3.0e+05\n2.0e+00 6.0e+03 2.0e+05\n",
        "cycle  LRS (ohm)  HRS (ohm)\n 1  5000  300000\n 2  6000  200000\n",
        "cycle LRS(ohm) HRS(ohm)\n1 5000,0 300000,0\n2 6000,5 200000,0\n",
    ],
)
def test_blanks_may_part_the_columns(read, text):
    measured = read(text)
    assert resistances(measured)[0] == 5e3
    assert resistances(measured)[2:] == [3e5, 2e5]
    assert measured.readings["cycle"].values.tolist() == [1, 2, 1, 2]


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("I_LRS @0.2V (uA),I_HRS @0.1V (uA)\n40,1\n", ["cells"]),
        ("I_LRS_at_200mV (uA);I_HRS bei 0,1 V (uA)\n40;1\n", ["cells"]),
        ("weak I_LRS @0.2V (uA),weak I_HRS @0.1V (uA)\n40,1\n", ["weak"]),
        ("state,I (Vread = 0.2 V) (uA)\nLRS,40\nHRS,2\n", ["cells"]),
        (
            "I_LRS @0.2V (uA),I_HRS @0.2V (uA),I_LRS @0.1V (uA),I_HRS @0.1V (uA)\n40,2,20,1\n",
            ["@0.2V", "@0.1V"],
        ),
    ],
)
def test_a_current_is_read_at_the_voltage_of_its_header(tmp_path, text, conditions):
    file = tmp_path / "cells.csv"
    file.write_text(text)
    readings = read_measurements([file]).readings
    assert sorted(readings["resistance"].values) == pytest.approx(
        [5e3] * len(conditions) + [1e5] * len(conditions)
    )
    assert list(dict.fromkeys(readings["condition"].values.tolist())) == conditions
    with pytest.raises(InputError, match="by its header and 150\xa0mV by --read-voltage"):
        read_measurements([file], ReadOptions(read_voltage=0.15))


@pytest.mark.parametrize(
    ("above", "separator"),
    [
        ("# LRS (kOhm) ; HRS (kOhm)\n# wafer 7\n", ";"),
        ("# wafer 7\n# LRS(kOhm) HRS(kOhm)\n", " "),
        ("# LRS HRS\n# kOhm kOhm\n", " "),
        ("# LRS HRS\n# wafer 7\n# kOhm kOhm\n", " "),
        ("# kOhm kOhm\n# LRS HRS\n", " "),
        ("# LRS\tHRS\n# (kOhm)\t(kOhm)\n# wafer 7, die 3, run 1\n", "\t"),
    ],
)
def test_a_header_in_comments_counts_with_its_units(tmp_path, above, separator):
    file = tmp_path / "cells.dat"
    file.write_text(above + "5.0e0 1.0e2\n6.0e0 1.2e2\n".replace(" ", separator))
    assert resistances(read_measurements([file])) == [5e3, 6e3, 1e5, 1.2e5]


def test_a_table_that_begins_with_cdf_is_no_netcdf(tmp_path):
    file = tmp_path / "cells.csv"
    file.write_text("CDF (%),LRS (ohm),HRS (ohm)\n25,5000,100000\n75,6000,120000\n")
    assert sorted(resistances(read_measurements([file]))) == [5e3, 6e3, 1e5, 1.2e5]
    file.write_bytes(b"CDF\x01 cut")
    with pytest.raises(InputError, match="netCDF file cannot be read"):
        read_measurements([file])


def test_the_message_shows_how_the_file_name_says_the_state(tmp_path):
    for state, number in [("LRS", 5000), ("HRS", 100000)]:
        (tmp_path / f"die-3_{state}_a.csv").write_text(f"R (ohm)\n{number}\n{number + 1}\n")
    with pytest.raises(InputError) as error:
        read_measurements(tmp_path)
    pattern = '--file-name "die-3_{state}_a"'
    assert f" If the name of the file holds it: {pattern}." in str(error.value)
    measured = read_measurements(tmp_path, ReadOptions(file_name="die-3_{state}_a"))
    assert sorted(resistances(measured)) == [5000, 5001, 100000, 100001]


def test_readings_with_prefixes_below_the_header_are_no_comments(read):
    measured = read("LRS (ohm),HRS (ohm)\n8.1k,0.1M\n7k5,90k\n9000,1e5\n")
    assert resistances(measured) == [8100, 7500, 9000, 1e5, 9e4, 1e5]


@pytest.mark.parametrize(
    "header",
    ["LRS (mohm),HRS (mohm)", "on (mohm),off (mohm)", "state,weak (mohm)", "state,R (mohm)"],
)
def test_a_unit_of_two_meanings_is_named_with_its_column(read, header):
    column = header.split(",")[header.startswith("state")]
    message = f"cells.csv, row 1, column {column!r}: the unit 'mohm' may mean milliohm or megohm"
    assert message_of(read, f"{header}\nLRS,5\nHRS,6\n").startswith(message)


@pytest.mark.parametrize(
    "header",
    [
        "I_LRS after SET at 2V (uA),I_HRS after RESET at 1.5V (uA)",
        "I_LRS at 0.5V/s (uA),I_HRS at 0.5V/s (uA)",
        "I_LRS @1.5V gate @0.2V (uA),I_HRS @1.5V gate @0.2V (uA)",
        "I_LRS @1.5V @0.2V (uA),I_HRS @1.5V @0.2V (uA)",
        "I_LRS @1,000mV (uA);I_HRS @1,000mV (uA)",
    ],
)
def test_a_voltage_that_may_be_another_is_no_read_voltage(read, header):
    content = f"{header}\n40{';' if ';' in header else ','}2\n"
    assert "no read voltage is known" in message_of(read, content)
    assert sorted(resistances(read(content, read_voltage=0.2))) == pytest.approx([5e3, 1e5])


def test_a_read_voltage_in_a_column_and_another_in_the_header_are_refused(read):
    content = "I_LRS @0.2V (uA),I_HRS @0.2V (uA),read voltage (V)\n40,2,0.1\n"
    assert message_of(read, content).startswith(
        "cells.csv, row 2, column 'read voltage (V)': the read voltage is '0.1' here and 200\xa0mV"
    )
    same = read(content.replace("0.1", "0.2"))
    assert sorted(resistances(same)) == pytest.approx([5e3, 1e5])


def test_a_bound_may_have_a_prefix_or_unit(read):
    content = "LRS (kOhm),HRS (kOhm)\n8,>200 kOhm\n9,> 0.2 MOhm\n"
    measured = read(content)
    assert resistances(measured) == [8e3, 9e3, 2e5, 2e5]
    assert measured.readings["censoring"].values.tolist() == [EXACT, EXACT, ABOVE, ABOVE]
    assert resistances(read(content.replace("200 kOhm", "200k").replace(" (kOhm)", ""))) == [
        *(8, 9, 2e5, 2e5)
    ]
    message = message_of(read, content.replace("200 kOhm", "200k"))
    assert message.startswith(
        "cells.csv, row 2, column 'HRS (kOhm)': '>200k' has a prefix, and so has the"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "run 7\noperator A\ncell,state,R (ohm)\n1,LRS,5100\n1,HRS,310000\nwarning\n2,LRS,52\n",
            "cells.csv, row 6: 1 column was found where the header has 3",
        ),
        (
            "Date,Time,Cell,LRS (Ohm),HRS (Ohm)\n2024-03-04,10:00:00,1,5100,310000\n",
            'A time of day is not read; leave it out: --map "Time=-".',
        ),
        (
            "cell,state,V (V),I (A)\n1,LRS,0.1,2e-5\n1,HRS,0.1,5e-7\n",
            "If 'V (V)' is that voltage: --map \"V (V)=read voltage [V]\".",
        ),
    ],
)
def test_the_row_or_column_that_is_the_cause_is_named(read, content, message):
    with pytest.raises(InputError) as error:
        read(content)
    assert message in str(error.value)


def test_the_minus_sign_of_typography_is_one(read):
    measured = read("cell,state,Vread (V),I (A)\n1,LRS,−0.1,−2e-5\n1,HRS,−0.1,−5e−7\n")
    assert measured.readings["resistance"].values == pytest.approx([5e3, 2e5])
