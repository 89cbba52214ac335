import gzip

import numpy as np
import pandas as pd
import pytest

import rramsim
from rramsim.errors import InputError
from rramsim.readers.measurements import read_measurements

# Two conditions, 3 cells each, LRS and HRS.
CELLS = [
    (cell, state, ohm, icc, vreset)
    for icc, vreset, lrs in ((55, 2.5, 5), (20, 1.5, 12))
    for cell in range(3)
    for state, ohm in (("LRS", lrs + cell / 10), ("HRS", 200 + cell))
]


def table(*columns, separator=","):
    """Return the cells as a file: header and what a cell is of each column."""
    lines = [separator.join(header for header, _ in columns)]
    lines += [separator.join(str(text(*cell)) for _, text in columns) for cell in CELLS]
    return "\n".join(lines) + "\n"


CELL, STATE, R = (
    ("cell", lambda cell, *_: cell),
    ("state", lambda _, state, *more: state),
    ("R (kOhm)", lambda cell, state, ohm, *more: ohm),
)


def icc(header, factor=1.0):
    return header, lambda cell, state, ohm, current, voltage: current * factor


def vreset(header, factor=1.0):
    return header, lambda cell, state, ohm, current, voltage: voltage * factor


def counts(measured):
    """Return the readings of LRS and of HRS of each condition, by its name."""
    readings = measured.readings
    table = np.zeros((readings.sizes["condition"], 2), dtype=int)
    np.add.at(table, (readings["condition_index"].values, readings["state_index"].values), 1)
    return dict(zip(readings["condition"].values.tolist(), table.tolist(), strict=True))


def kinds(measured):
    return [note.kind for note in measured.notes]


@pytest.mark.slow
@pytest.mark.parametrize(
    "columns",
    [
        (icc("Icc (uA)"), vreset("Vreset (V)")),
        (icc("set_current_uA"), vreset("V_RESET [V]", -1.0)),
        (icc("I_cc (A)", 1e-6), vreset("RESET voltage (mV)", 1e3)),
        (icc("Compliance (nA)", 1e3), vreset("Vstop/V", -1.0)),
        (icc("Icomp [uA]"), vreset("RESET amplitude (V)")),
    ],
)
def test_readings_of_different_settings_are_different_conditions(read, columns):
    for names in ((CELL, STATE, R, *columns), (STATE, R, *columns)):
        measured = read(table(*names))
        assert counts(measured) == {
            "Icc 55 µA, Vreset 2.5 V": [3, 3],
            "Icc 20 µA, Vreset 1.5 V": [3, 3],
        }
        assert "conditions by settings" in kinds(measured)


@pytest.mark.slow
def test_each_condition_has_its_own_settings_and_the_fixed_one_is_in_no_name(read, tmp_path):
    width = ("tp (ns)", lambda *_: 100)
    read(table(CELL, STATE, R, icc("Icc (uA)"), vreset("Vset (V)"), width))
    conditions = rramsim.fit(tmp_path / "cells.csv").conditions
    assert conditions["condition"].values.tolist() == [
        "Icc 55 µA, Vset 2.5 V",
        "Icc 20 µA, Vset 1.5 V",
    ]
    assert conditions["set_current"].values == pytest.approx([55e-6, 20e-6])
    assert conditions["set_voltage"].values == pytest.approx([2.5, 1.5])
    assert conditions["pulse_width"].values == pytest.approx([1e-7] * 2)
    # Energy of a SET: voltage x compliance current x pulse width.
    assert conditions["set_energy"].values == pytest.approx([13.75e-12, 3e-12])


def test_a_setting_of_a_plug_in_and_the_gate_voltage_part_conditions_too(read):
    gate = ("Vg (V)", lambda cell, state, ohm, current, voltage: voltage)
    assert list(counts(read(table(CELL, STATE, R, gate)))) == ["Vg 2.5 V", "Vg 1.5 V"]
    rramsim.schema.register_setting("body_voltage", "voltage", "body voltage", aliases=("Vb",))
    try:
        body = ("Vb (mV)", lambda cell, state, ohm, current, voltage: 100 * current)
        assert list(counts(read(table(CELL, STATE, R, body)))) == ["Vb 5.5 V", "Vb 2 V"]
    finally:
        rramsim.schema.unregister_setting("body_voltage")


def test_a_wide_table_is_parted_by_its_rows(read):
    content = "cell,LRS (kOhm),HRS (kOhm),Icc (uA)\n" + "".join(
        f"{cell},{5 + cell},{200 + cell},{current}\n" for current in (55, 20) for cell in range(4)
    )
    assert counts(read(content)) == {"Icc 55 µA": [4, 4], "Icc 20 µA": [4, 4]}


@pytest.mark.slow
def test_a_current_measured_at_each_reading_names_no_condition(read):
    currents = 55 * np.random.default_rng(3).normal(1, 0.05, 40)
    content = "cell,LRS (kOhm),HRS (kOhm),I_SET (uA)\n" + "".join(
        f"{cell},5,200,{current:.4g}\n" for cell, current in enumerate(currents)
    )
    measured = read(content, name="chip.csv")
    assert counts(measured) == {"chip": [40, 40]}
    assert kinds(measured) == ["measured setting"]
    fit = rramsim.fit(measured).conditions
    assert float(fit["set_current"][0]) == pytest.approx(np.median(currents) * 1e-6, rel=1e-3)


def test_a_width_of_each_operation_parts_nothing(read):
    width = ("tp (ns)", lambda cell, state, *_: 100 if state == "LRS" else 1000)
    measured = read(table(CELL, STATE, R, icc("Icc (uA)"), width))
    assert counts(measured) == {"Icc 55 µA": [3, 3], "Icc 20 µA": [3, 3]}
    fit = rramsim.fit(measured)
    assert np.isnan(fit.conditions["pulse_width"].values).all()


def test_a_setting_that_only_one_state_has_is_no_condition_that_can_be_told(read):
    one_state = ("Icc (uA)", lambda cell, state, ohm, current, _: current * (state == "LRS") or "")
    with pytest.raises(InputError) as error:
        read(table(CELL, STATE, R, one_state))
    assert str(error.value).startswith(
        "cells.csv: 'Icc (uA)' differs between the readings in LRS (20\xa0µA, 55\xa0µA), and none "
        "of these values is in a row of the other state"
    )


@pytest.mark.slow
def test_a_blank_setting_among_different_ones_is_refused_with_its_row(read):
    rows = table(CELL, STATE, R, icc("Icc (uA)")).splitlines()
    rows[4] = rows[4].removesuffix("55.0")
    with pytest.raises(InputError) as error:
        read("\n".join(rows))
    assert str(error.value).startswith(
        "cells.csv, row 5, column 'Icc (uA)': there is no SET compliance current, which differs"
    )
    assert "filled down only where every number has some" in str(error.value)
    # Said once for all rows it is no riddle.
    once = "\n".join(["state,R (kOhm),Icc (uA)", "LRS,5,55", "HRS,200,", "LRS,6,", "HRS,300,"])
    assert counts(read(once)) == {"cells": [2, 2]}


@pytest.mark.slow
def test_a_named_condition_keeps_its_readings_together_and_says_what_it_mixes(read, tmp_path):
    lot = ("condition", lambda *_: "lot 7")
    measured = read(table(lot, CELL, ("cycle", lambda *cell: cell[3]), STATE, R, icc("Icc (uA)")))
    assert counts(measured) == {"lot 7": [6, 6]}
    (note,) = [note for note in measured.notes if note.kind == "settings within a condition"]
    assert "(20\xa0µA, 55\xa0µA) as one population" in str(note)
    assert '--condition-from "condition,Icc (uA)" separates them' in str(note)
    conditions = rramsim.fit(measured).conditions
    assert np.isnan(conditions["set_current"].values).all()
    parted = rramsim.read_measurements(tmp_path / "cells.csv", condition_from="condition,Icc (uA)")
    assert list(counts(parted)) == ["lot 7, Icc 55 µA", "lot 7, Icc 20 µA"]


def test_parts_of_several_files_keep_apart(tmp_path):
    for name in ("w1", "w2"):
        (tmp_path / f"{name}.csv").write_text(table(CELL, STATE, R, icc("Icc (uA)")))
    measured = read_measurements([tmp_path / "w1.csv", tmp_path / "w2.csv"])
    assert counts(measured) == {
        f"{name}, Icc {current} µA": [3, 3] for name in ("w1", "w2") for current in (55, 20)
    }


@pytest.mark.slow
def test_parts_of_sheets_keep_the_name_of_the_sheet(tmp_path):
    path = tmp_path / "chip.xlsx"
    rows = [list(cell[1:4]) for cell in CELLS]
    frame = pd.DataFrame(rows, columns=["state", "R (kOhm)", "Icc (uA)"])
    with pd.ExcelWriter(path) as book:
        frame.to_excel(book, sheet_name="west", index=False)
        frame.assign(**{"R (kOhm)": frame["R (kOhm)"] * 2}).to_excel(
            book, sheet_name="east", index=False
        )
    assert counts(read_measurements(path)) == {
        f"{name}, Icc {current} µA": [3, 3] for name in ("west", "east") for current in (55, 20)
    }


# What the user says ------------------------------------------------------------------------------

RECIPE = ("recipe", lambda *cell: "fast" if cell[3] == 55 else "slow")


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (("recipe",), ["fast", "slow"]),
        (("Recipe",), ["fast", "slow"]),
        (("Icc",), ["Icc 55 µA", "Icc 20 µA"]),
        (("Icc (uA)",), ["Icc 55 µA", "Icc 20 µA"]),
        (("set_current",), ["Icc 55 µA", "Icc 20 µA"]),
        (("recipe", "Icc"), ["fast, Icc 55 µA", "slow, Icc 20 µA"]),
        (("anneal",), ["anneal 400 degC", "anneal 300 degC"]),
        (("lot",), ["lot 7"]),
    ],
)
def test_the_columns_that_the_user_names_make_the_conditions(read, stated, expected):
    anneal = ("anneal (degC)", lambda *cell: 400 if cell[3] == 55 else 300)
    lot = ("lot", lambda *_: 7)
    number = ("cycle", lambda *cell: cell[3])
    name = ("condition", lambda *cell: "x")
    content = table(name, number, CELL, STATE, R, icc("Icc (uA)"), RECIPE, anneal, lot)
    measured = read(content, condition_from=stated)
    assert list(counts(measured)) == expected
    assert sum(map(sum, counts(measured).values())) == len(CELLS)
    assert "conditions as stated" in kinds(measured)


@pytest.mark.slow
def test_stated_columns_of_wide_headerless_and_long_files(read, tmp_path):
    wide = "cell,LRS (kOhm),HRS (kOhm),split\n1,5,300,A\n2,6,310,A\n1,7,200,B\n"
    assert counts(read(wide, condition_from=("split",))) == {"A": [2, 2], "B": [1, 1]}
    bare = wide.split("\n", 1)[1]
    columns = ("cell", "LRS [kOhm]", "HRS [kOhm]", "split")
    assert counts(read(bare, columns=columns, condition_from=("split",))) == {
        "A": [2, 2],
        "B": [1, 1],
    }
    by_header = "cell,weak LRS (kOhm),weak HRS (kOhm),top LRS (kOhm),top HRS (kOhm),split\n"
    crossed = read(by_header + "1,5,300,6,400,A\n2,5,300,6,400,B\n", condition_from=("split",))
    assert list(counts(crossed)) == ["weak, A", "weak, B", "top, A", "top, B"]
    rows = "".join(f"{i},{'LH'[i % 2]}RS,{5 + i % 7},{i % 3},w{i % 4 // 2}\n" for i in range(20000))
    long = gzip.compress(("cell,state,R (kOhm),lot,wafer\n" + rows).encode())
    assert counts(read(long, condition_from=("wafer",))) == {"w0": [5000, 5000], "w1": [5000, 5000]}
    assert list(counts(read(long, condition_from=("lot",)))) == ["lot 0", "lot 1", "lot 2"]


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        (
            "Vset",
            "cells.csv: no column is 'Vset', by which conditions are to be named (--condition",
        ),
        (
            "recipes",
            "Did you mean 'recipe'? Accepted: 'cell', 'state', 'R (kOhm)', 'Icc (uA)', 'reci",
        ),
        ("R (kOhm)", "'R (kOhm)' holds the readings; conditions cannot be named by it"),
    ],
)
def test_a_column_that_is_not_there_is_told_with_those_that_are(read, stated, message):
    with pytest.raises(InputError) as error:
        read(table(CELL, STATE, R, icc("Icc (uA)"), RECIPE), condition_from=(stated,))
    assert message in str(error.value)


def test_a_blank_in_a_stated_column_is_refused(read):
    content = "state,R (kOhm),recipe\nLRS,5,A\nHRS,300,\n"
    with pytest.raises(InputError, match=r"row 3, column 'recipe': there is no condition"):
        read(content, condition_from=("recipe",))


def test_an_unused_column_that_may_name_conditions_is_told(read):
    measured = read(table(("cycle", lambda *cell: cell[3]), CELL, STATE, R, RECIPE))
    (note,) = [note for note in measured.notes if note.kind == "may name conditions"]
    assert "the column 'recipe' is not used and has 2 values ('fast', 'slow')" in str(note)
    assert '--condition-from "recipe"' in str(note)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("BL voltage (V)", ["BL voltage 2.5 V", "BL voltage 1.5 V"]),
        ("V_form [V]", ["V_form 2.5 V", "V_form 1.5 V"]),
        ("rise time (ns)", ["rise time 2.5 ns", "rise time 1.5 ns"]),
        ("Vread (V)", ["Vread 2.5 V", "Vread 1.5 V"]),
        ("SET pulse width (ns)", ["SET pulse width 2.5 ns", "SET pulse width 1.5 ns"]),
    ],
)
def test_a_planned_setting_of_any_name_makes_conditions(read, header, names):
    measured = read(table(CELL, STATE, R, (header, lambda *cell: cell[4])))
    assert counts(measured) == {name: [3, 3] for name in names}
    assert kinds(measured) == ["conditions by settings"]
    left_out = read(table(STATE, R, (header, lambda *cell: cell[4])), names={header: "-"})
    assert len(counts(left_out)) == 1


def test_what_was_measured_or_lasts_long_is_no_setting_of_a_condition(read):
    measured = read(table(STATE, R, ("V_sense (V)", lambda *cell: 0.1 + cell[2] / 1e4)))
    assert list(counts(measured)) == ["cells"]
    delay = read(table(STATE, R, ("hold (s)", lambda *cell: cell[3])))
    assert list(counts(delay)) == ["cells"]
    assert "may name conditions" in kinds(delay)


def test_a_read_voltage_of_each_state_is_that_of_its_reading(read):
    volts = ("Vread (V)", lambda *cell: 0.1 if cell[1] == "LRS" else 0.2 + cell[4] / 100)
    assert list(counts(read(table(STATE, R, volts)))) == ["cells"]
