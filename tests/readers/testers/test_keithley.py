"""Workbooks and summaries of Keithley Clarius, in the layouts that it writes."""

import numpy as np
import pytest
from reader_files import workbook

from rramsim.errors import InputError
from rramsim.readers.measurements import read_measurements
from rramsim.readers.options import ReadOptions
from rramsim.schema import BELOW, EXACT

TESTS = ["Cycle", *2 * ["SET#1"], *2 * ["RESET#1"], *2 * ["CVS#1"]]
NAMES = ["Index", "ILRS", "IHRS", "ILRS", "IHRS", "AI", "AV"]
# Currents in microampere: read at 0.2 V they are 2, 2.5; 200, 100; 1.6, 2; 400, 160 kilo-ohm.
ROWS = [[1, 100, 1, 125, 0.5, "", ""], [2, 80, 2, 100, 1.25, "", ""]]
FOOTER = [["Subsite Name", "dut"], [], ["Total Cycles", "2"], ["Total Execution Time:", "00:01"]]
OF_TESTS = [2e3, 2.5e3, 2e5, 1e5, 1.6e3, 2e3, 4e5, 1.6e5]


def summary(separator=",", form=lambda micro: f"{micro * 1e-6!r}", footer=FOOTER):
    """Return the text of a summary of cycles, as its export writes it."""
    rows = [[r[0], *(form(v) if v != "" else "" for v in r[1:])] for r in ROWS]
    return "﻿" + "".join(
        separator.join(map(str, row)) + "\r\n" for row in [TESTS, NAMES, *rows, *footer]
    )


def sheet_of_summary():
    merged = [text if text not in TESTS[:i] else None for i, text in enumerate(TESTS)]
    rows = [[r[0], *(v * 1e-6 if v != "" else None for v in r[1:])] for r in ROWS]
    return [merged, NAMES, *rows, *FOOTER]


SETTINGS = [
    ["Test Name", "SET_negative#1"],
    ["Device Terminal", "A", "B"],
    ["Stop", -1.5, None],
    ["Compliance", 0.0005, 0.1],
    ["Formulas", "ILRS = ABS(AT(AI, FINDD(AV,-0.2,FIRSTPOS(AV))))"],
]


def sweep(before, after, *, sign=-1, outputs=True):
    """Return a run: a sweep to 1.5 V and back, with outputs of formulas in its first row."""
    out = np.round(np.arange(0, 1.51, 0.1), 1)
    points = [(v, v / before) for v in out] + [(v, v / after) for v in out[::-1]]
    rows = [[float(sign * i), float(sign * v), 0.1 * n] for n, (v, i) in enumerate(points)]
    if not outputs:
        return [["AI", "AV", "Time"], *rows]
    return [["AI", "AV", "Time", "ILRS", "VSET"], [*rows[0], 0.2 / after, 1.1], *rows[1:]]


def resistances(measured, condition, state):
    readings = measured.readings
    names = readings["condition"].values[readings["condition_index"].values]
    chosen = (names == condition) & (readings["state_index"].values == state)
    return readings["resistance"].values[chosen]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", summary()),
        ("a.txt", summary("\t", lambda micro: f"{micro:.7f}E-6")),
        ("a.csv", summary(form=lambda micro: f"NAI{micro:.4f}E-06")),
        ("a.xlsx", workbook(("device 1", sheet_of_summary()))),
    ],
)
def test_a_summary_gives_a_condition_for_each_test_with_readings(read, name, content):
    measured = read(content, name=name, read_voltage=0.2)
    assert measured.readings["condition"].values.tolist() == ["SET#1", "RESET#1"]
    assert measured.readings["resistance"].values == pytest.approx(OF_TESTS, rel=1e-12)
    assert measured.readings["cycle"].values.tolist() == 4 * [1, 2]
    assert set(measured.readings["cell"].values.tolist()) == {0}
    told = [note.text for note in measured.notes]
    assert told[1] == "tests without a value: 'CVS#1'."
    assert told[2].startswith("lines below the table not read: Subsite Name: dut; Total Cycles: 2;")


def test_a_summary_needs_the_read_voltage(read):
    with pytest.raises(InputError, match="'ILRS \\(A\\)' is a current, and no read voltage"):
        read(summary())


def test_the_settings_of_a_summary_tell_the_read_voltage_unless_the_user_does(read):
    content = workbook(("device 1", sheet_of_summary()), ("Settings", SETTINGS))
    assert read(content, name="a.xlsx").readings["resistance"].values[0] == pytest.approx(2e3)
    chosen = read(content, name="a.xlsx", read_voltage=0.1)
    assert chosen.readings["resistance"].values[0] == pytest.approx(1e3)


def test_tests_that_read_one_state_each_are_one_condition(read):
    content = "Cycle,SET#1,SET#1,RESET#1\nIndex,ILRS,VSET,IHRS\n1,1E-4,1.1,1E-6\n2,8E-5,1.2,2E-6\n"
    measured = read(content, name="a.csv", read_voltage=0.2)
    assert measured.readings["condition"].values.tolist() == ["a"]
    assert measured.readings["resistance"].values == pytest.approx([2e3, 2.5e3, 2e5, 1e5])
    # The voltage at which a cell switched is no programming setting.
    assert "set_voltage" not in measured.readings
    assert measured.notes[1].text == "columns not read: VSET of 'SET#1'."


def test_the_same_tests_in_two_files_are_apart(tmp_path):
    for name in ("weak.csv", "strong.csv"):
        (tmp_path / name).write_text(summary())
    measured = read_measurements(tmp_path, ReadOptions(read_voltage=0.2))
    assert measured.readings["condition"].values.tolist() == [
        *("strong, SET#1", "strong, RESET#1", "weak, SET#1", "weak, RESET#1"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "Cycle,SET#1,SET#1\nIndex,AI,AV\n1,1E-4,0.2\n",
            "no test of this summary of cycles holds a reading of LRS or HRS; its tests are 'S",
        ),
        (
            summary(footer=[["Total Cycles", "2"], ["3", "1E-4", "1E-6"]]),
            "row 5: 'Total Cycles' was found where a cycle is expected, and cycles go on in row 6",
        ),
    ],
)
def test_summaries_that_are_not_understood_are_refused(read, content, message):
    with pytest.raises(InputError) as error:
        read(content, read_voltage=0.2)
    assert message in str(error.value)


def runs(**more):
    """Return a workbook of SET sweeps, the newest first, with the sheets that Clarius adds."""
    return workbook(
        ("Run2", sweep(2e5, 3e3, **more)),
        ("Calc", []),
        ("Settings", SETTINGS),
        ("Run1", sweep(1e5, 2e3, **more)),
    )


def test_runs_are_cycles_and_show_both_states(read):
    measured = read(runs(), name="set.xlsx")
    assert resistances(measured, "set", 0) == pytest.approx([3e3, 2e3], rel=1e-6)
    # No sweep programs the HRS: it is read where the sweeps find it.
    assert resistances(measured, "set", 1) == pytest.approx([2e5, 1e5], rel=1e-6)
    assert measured.readings["cycle"].values.tolist() == [2, 1, 2, 1]
    assert [note.text.replace("\xa0", " ") for note in measured.notes][:3] == [
        "the sheet 'Settings' names the test 'SET_negative#1', a compliance of 500 µA, a read "
        "voltage of 200 mV in its formulas.",
        "outputs of formulas are not read, the resistance is that of the sweep: ILRS, VSET.",
        "2 resistances are |V/I| at the points nearest 200 mV on the way back of the sweeps.",
    ]


def test_the_user_s_read_voltage_comes_before_that_of_a_formula(read):
    measured = read(runs(), name="set.xlsx", read_voltage=0.5)
    assert [note.values.get("read_voltage") for note in measured.notes][2] == 0.5


def test_a_point_at_the_compliance_of_its_terminal_is_a_bound(read):
    limited = [[*row] for row in sweep(1e5, 2e3)]
    for row in limited[1:]:
        row[0] = max(row[0], -50e-6)
    settings = [*SETTINGS[:3], ["Compliance", 50e-6, 0.1], SETTINGS[4]]
    measured = read(workbook(("Run1", limited), ("Settings", settings)), name="set.xlsx")
    readings = measured.readings
    assert readings["censoring"].values.tolist() == [BELOW, EXACT]
    assert readings["resistance"].values == pytest.approx([4e3, 1e5])


def test_sets_and_resets_of_one_condition_come_from_two_files(tmp_path):
    resets = [*SETTINGS]
    resets[0] = ["Test Name", "RESET_positive#1"]
    (tmp_path / "set.xlsx").write_bytes(runs())
    (tmp_path / "reset.xlsx").write_bytes(
        workbook(("Run1", sweep(2.1e3, 3e5, sign=1)), ("Settings", resets))
    )
    apart = read_measurements(tmp_path)
    assert resistances(apart, "reset", 0) == pytest.approx([2.1e3], rel=1e-6)
    assert resistances(apart, "reset", 1) == pytest.approx([3e5], rel=1e-6)
    # Told that they are of one condition, each state is read after it was programmed.
    named = read_measurements(tmp_path, ReadOptions(file_name="{-}"))
    assert resistances(named, "all files", 0) == pytest.approx([3e3, 2e3], rel=1e-6)
    assert resistances(named, "all files", 1) == pytest.approx([3e5], rel=1e-6)


def test_a_run_exported_as_text_is_read_with_its_letters(read):
    header, *rows = sweep(1e5, 2e3, outputs=False)
    letters = ["C" if abs(row[1]) > 1.2 else "N" for row in rows]
    lines = [f"{x}AI{i:.6E},{v},{t}" for x, (i, v, t) in zip(letters, rows, strict=True)]
    text = "\ufeff" + "\n".join([",".join(header), *lines]) + "\n"
    measured = read(text, name="SET run.csv", read_voltage=0.2)
    assert measured.readings["resistance"].values == pytest.approx([2e3, 1e5])
    assert measured.readings["censoring"].values.tolist() == [EXACT, EXACT]
    assert str(measured.notes[0]) == (
        "SET run.csv: the sweeps are of one polarity, and the name of the file says that they SET."
    )
    high = read(text, name="SET run.csv", read_voltage=1.3)
    assert high.readings["censoring"].values.tolist() == [BELOW, BELOW]
