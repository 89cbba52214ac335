import numpy as np
import pytest
from reader_files import workbook

from rramsim.errors import InputError
from rramsim.readers.columns.sweep_columns import sweep_columns
from rramsim.readers.measurements import read_measurements
from rramsim.readers.options import ReadOptions
from rramsim.schema import BELOW, EXACT

LRS, HRS = 5e3, 2e5


def half(peak, *, before, after, points=20):
    """Return volts and amperes of a sweep from 0 to the peak and back."""
    out = np.linspace(0, peak, points + 1)
    return [(v, v / before) for v in out] + [(v, v / after) for v in out[::-1]]


def cycle(lrs=LRS, hrs=HRS):
    return half(2.0, before=hrs, after=lrs) + half(-2.0, before=lrs, after=hrs)


def table(points, header="Voltage (V),Current (A)"):
    return header + "\n" + "".join(f"{v:.6g},{i:.6g}\n" for v, i in points)


def block(title, points, *, device="A8-04", time="08/30/2024 14:12:59", compliance="100 mA"):
    return (
        "\nSetupTitle, SET-RESET\nApplicationTest, SET-RESET, Public\n"
        f"MetaData, TestRecord.RecordTime, {time}\nMetaData, TestRecord.TestTarget, {device}\n"
        "MetaData, TestRecord.IterationIndex, 2\nMetaData, TestRecord.Remarks, \n"
        "AnalysisSetup, Analysis.Setup.Vector.Graph.Enabled, true\n"
        "AnalysisSetup, Analysis.Setup.Vector.Graph.Notes, [VAR1] Unit=SMU1:MP, Name=V1, "
        f"Direction=Double, Stop=-2 V, Compliance={compliance}, Pwr Comp=OFF\t[CONSTANTS] "
        "Unit=SMU2:MP, Source=0 V, Compliance=1 mA\n"
        f"AnalysisSetup, Analysis.Setup.Title, {title}\n"
        f"Dimension1, {len(points)}, {len(points)}\nDimension2, 1, 1\nDataName, V1, I1\n"
        + "".join(f"DataValue, {v:.6g}, {i:.6g}\n" for v, i in points)
    )


def record(**more):
    """Return an EasyEXPERT record: a RESET block, then a SET block."""
    return block("Reset", half(-2.0, before=LRS, after=HRS), **more) + block(
        "Set", half(2.0, before=HRS, after=LRS), **more
    )


@pytest.mark.parametrize(
    ("header", "pairs"),
    [
        (["V1", "I1"], [(0, 1)]),
        (["NO.", "VCE (V)", "IC (mA)"], [(1, 2)]),
        (["Time", "AV", "AI", "BV", "BI"], [(1, 2)]),
        (["BI", "AV", "BV"], [(2, 0)]),
        (["voltage", "current", "read_voltage"], [(0, 1)]),
        (["V1", "I1", "", "V1", "I1"], [(0, 1), (3, 4)]),
        (["V_read", "I"], []),
        (["V_SET", "I_SET"], []),
        (["Time", "AV"], []),
    ],
)
def test_a_voltage_and_its_current_are_found(header, pairs):
    assert [(v.position, i.position) for v, i in sweep_columns(header)] == pairs


def test_units_of_a_sweep():
    ((voltage, current),) = sweep_columns(["V (mV)", "I (uA)"])
    assert (voltage.factor, current.factor) == (1e-3, pytest.approx(1e-6))


def test_an_easyexpert_record_gives_what_each_sweep_left(read):
    measured = read(record(), name="[A8-04,SET-RESET,2].csv", read_voltage=0.2)
    readings = measured.readings
    assert readings["resistance"].values == pytest.approx([HRS, LRS], rel=1e-4)
    assert readings["state_index"].values.tolist() == [1, 0]
    assert readings["condition"].values.tolist() == ["SET-RESET"]
    assert readings["cell"].values.tolist() == [0, 0]
    assert readings["cycle"].values.tolist() == [1, 1]
    assert [str(note).replace("\xa0", " ") for note in measured.notes] == [
        "[A8-04,SET-RESET,2].csv: 2 resistances are |V/I| at the points nearest 200 mV of either "
        "sign on the way back of the sweeps."
    ]


def test_records_of_a_device_are_cycles_in_the_order_they_were_taken(tmp_path):
    for name, time in (("10_01 PM", "08/30/2024 22:01:00"), ("2_12 PM", "08/30/2024 14:12:59")):
        (tmp_path / f"[A8,{name}].csv").write_text(record(time=time))
    measured = read_measurements(sorted(tmp_path.glob("*.csv")), ReadOptions(read_voltage=0.2))
    assert measured.readings["cycle"].values.tolist() == [2, 2, 1, 1]


def test_a_point_in_compliance_is_a_bound(read):
    content = block("Set", half(2.0, before=HRS, after=LRS), compliance="20 uA")
    measured = read(content + block("Reset", half(-2.0, before=LRS, after=HRS)), read_voltage=0.2)
    assert measured.readings["censoring"].values.tolist() == [BELOW, EXACT]
    assert measured.readings["resistance"].values[0] == pytest.approx(LRS, rel=1e-4)


def test_polarity_tells_the_states_where_titles_do_not(read):
    # The second cell fails to RESET: its reading is an HRS reading all the same.
    stuck = half(2.0, before=HRS, after=LRS) + half(-2.0, before=LRS, after=LRS)
    measured = read(table(cycle() + cycle() + stuck), read_voltage=-0.2)
    readings = measured.readings
    assert readings["state_index"].values.tolist() == [0, 1, 0, 1, 0, 1]
    assert readings["resistance"].values == pytest.approx([LRS, HRS, LRS, HRS, LRS, LRS], rel=1e-4)
    # No device is named, so the sweeps of the file are those of one, one after another.
    assert readings["cycle"].values.tolist() == [1, 1, 2, 2, 3, 3]
    assert set(readings["cell"].values.tolist()) == {0}
    assert str(measured.notes[1]) == (
        "cells.csv: positive sweeps are taken as SET (LRS), the others as RESET (HRS): the "
        "current changes that way in 5 of 6."
    )


def test_the_other_polarity_may_set(read):
    points = half(-2.0, before=HRS, after=LRS) + half(2.0, before=LRS, after=HRS)
    readings = read(table(points), read_voltage=0.2).readings
    assert readings["state_index"].values.tolist() == [0, 1]


def test_the_name_of_a_record_tells_what_the_record_does_not(tmp_path):
    for minute, lrs in ((12, 5e3), (9, 7e3)):
        text = block("Reset", half(-2.0, before=lrs, after=HRS))
        text += block("Set", half(2.0, before=HRS, after=lrs))
        said = ("SetupTitle", "MetaData, TestRecord.TestTarget", "MetaData, TestRecord.RecordTime")
        kept = [line for line in text.splitlines() if not line.startswith(said)]
        name = f"[A8-04,SET-RESET,2,8_30_2024 2_{minute:02d}_59 PM].csv"
        (tmp_path / name).write_text(
            "\n".join([*kept[:2], "MetaData, TestRecord.Flag, bad", *kept[2:]])
        )
    measured = read_measurements(tmp_path, ReadOptions(read_voltage=0.2))
    readings = measured.readings
    assert readings["condition"].values.tolist() == ["SET-RESET"]
    assert set(readings["cell"].values.tolist()) == {0}
    by_cycle = dict(zip(readings["cycle"].values, readings["resistance"].values, strict=True))
    assert by_cycle[1] == pytest.approx(7e3, rel=1e-4)
    assert by_cycle[2] == pytest.approx(5e3, rel=1e-4)
    assert "a record is flagged 'bad'; it is read." in {note.text for note in measured.notes}


def test_columns_of_cells_and_cycles_part_the_sweeps_of_a_table(read):
    header = "condition,device,cycle,Voltage (V),Current (A)\n"
    rows = [
        f"{condition},{device},{number},{v:.6g},{i:.6g}\n"
        for condition, device, number, lrs in (
            *(("A", "D1", 5, 5e3), ("A", "D1", 6, 6e3), ("B", "D2", 1, 7e3)),
        )
        for v, i in cycle(lrs=lrs)
    ]
    readings = read(header + "".join(rows), read_voltage=0.2).readings
    assert readings["resistance"].values == pytest.approx([5e3, HRS, 6e3, HRS, 7e3, HRS], rel=1e-4)
    assert readings["condition"].values.tolist() == ["A", "B"]
    assert readings["cell"].values.tolist() == [0, 0, 0, 0, 1, 1]
    assert readings["cycle"].values.tolist() == [5, 5, 6, 6, 1, 1]


def test_columns_of_sweeps_that_are_not_read_are_named(read):
    rows = [["AV", "AI", "Time", "GM"], *([v, i, 0.1, "#REF"] for v, i in cycle())]
    measured = read(workbook(("Run1", rows), ("Run2", rows)), name="a.xlsx", read_voltage=0.2)
    told = [str(note) for note in measured.notes if note.kind == "columns not used"]
    assert told == ["a.xlsx: columns not used: 'Time', 'GM'."]


def test_a_file_may_hold_sweeps_that_only_set(read):
    content = block("Set", half(2.0, before=HRS, after=LRS))
    content += block("Set", half(2.0, before=3e5, after=6e3), time="08/30/2024 15:00:00")
    measured = read(content, read_voltage=0.2)
    readings = measured.readings
    assert readings["resistance"].values == pytest.approx([LRS, 6e3, HRS, 3e5], rel=1e-4)
    assert readings["state_index"].values.tolist() == [0, 0, 1, 1]
    assert readings["cycle"].values.tolist() == [1, 2, 1, 2]


def records_of_branches(folder, *, setups=("SET 55 uA", "RESET 55 uA"), devices=("D1", "D2")):
    """Write a record for each SET and each RESET of some devices."""
    set_name, reset_name = setups
    for minute, device in enumerate(devices):
        for name, title, points in (
            (set_name, "Set", half(2.0, before=3e5, after=LRS)),
            (reset_name, "Reset", half(-2.0, before=6e3, after=HRS)),
        ):
            time = f"08/30/2024 14:{minute:02d}:{int(title == 'Reset'):02d}"
            text = block(title, points, device=device, time=time)
            (folder / f"[{device},{name}].csv").write_text(text.replace("SET-RESET", name))


def test_records_of_set_and_of_reset_are_of_one_condition(tmp_path):
    records_of_branches(tmp_path)
    measured = read_measurements(tmp_path, ReadOptions(read_voltage=0.2))
    readings = measured.readings
    assert readings["condition"].values.tolist() == ["55 uA"]
    # Each state is read after it was programmed, not as the next sweep found it.
    assert sorted(readings["resistance"].values) == pytest.approx([LRS, LRS, HRS, HRS], rel=1e-4)
    assert (
        "the tests 'SET 55 uA' and 'RESET 55 uA' are taken as halves of the same cycles, of one "
        "condition: '55 uA'." in map(str, measured.notes)
    )


def test_sets_of_several_kinds_are_not_joined_with_one_reset(tmp_path):
    records_of_branches(tmp_path, setups=("SET 55 uA", "RESET"))
    readings = read_measurements(tmp_path, ReadOptions(read_voltage=0.2)).readings
    assert readings["condition"].values.tolist() == ["RESET", "SET 55 uA"]


def test_records_of_one_test_in_several_folders_are_apart(tmp_path):
    for name in ("S1", "S2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "[A8].csv").write_text(record())
    readings = read_measurements(tmp_path, ReadOptions(read_voltage=0.2)).readings
    assert readings["condition"].values.tolist() == ["S1", "S2"]


def test_the_user_names_the_columns_of_sweeps_without_a_header(read):
    content = "".join(f"{i:.6g},{v:.6g},0.2\n" for v, i in cycle())
    measured = read(content, columns=("current [A]", "voltage [V]", "-"), read_voltage=0.2)
    assert measured.readings["resistance"].values == pytest.approx([LRS, HRS], rel=1e-4)


def test_appended_runs_of_older_workbooks_are_cycles(read):
    rows = [["AV", "AI"], *map(list, cycle())]
    content = workbook(("Data", rows), ("Calc", []), ("Append1", rows), ("Append2", rows))
    readings = read(content, name="old.xlsx", read_voltage=0.2).readings
    assert readings["cycle"].values.tolist() == [1, 1, 2, 2, 3, 3]


def test_forming_is_left_out(read):
    content = block("Forming", half(3.0, before=1e8, after=LRS)) + record()
    measured = read(content, read_voltage=0.2)
    assert measured.readings.sizes["reading"] == 2
    assert str(measured.notes[0]) == "cells.csv: sweeps of forming left out: 1."


def test_the_old_analysers_units_and_index(read):
    rows = "".join(f"{n},{v:.6g},{i:.6g}\n" for n, (v, i) in enumerate(cycle(), start=1))
    content = '"VAR2 VG 1 V"\n"NO.","VCE","IC"\n"","V","A"\n' + rows
    readings = read(content, read_voltage=0.2).readings
    assert readings["resistance"].values == pytest.approx([LRS, HRS], rel=1e-4)


def test_runs_of_a_workbook_are_cycles_and_formulas_without_value_are_nothing(read):
    def run(lrs):
        rows = [["AV", "AI", "Time", "GM"]]
        rows += [[v, i, n, "#REF"] for n, (v, i) in enumerate(cycle(lrs=lrs))]
        return rows

    content = workbook(
        ("Run2", run(6e3)),
        ("Run1", run(5e3)),
        ("Calc", [["a", "b"], [1, 2]]),
        ("Settings", [["Test Name", "sweep"], ["Start/Bias", 0], ["Compliance", 0.1]]),
    )
    measured = read(content, name="chip.xlsx", read_voltage=0.2)
    readings = measured.readings
    assert readings["cycle"].values.tolist() == [2, 2, 1, 1]
    # Nothing names the device, and each run reads each state once: it is one.
    assert readings["cell"].values.tolist() == [0, 0, 0, 0]
    assert readings["resistance"].values == pytest.approx([6e3, HRS, 5e3, HRS], rel=1e-6)
    assert "chip.xlsx: sheets not read: 2 ('Calc' (no readings), 'Settings' (no readings))." in map(
        str, measured.notes
    )


def test_devices_side_by_side(read):
    one, two = cycle(lrs=5e3), cycle(lrs=7e3)
    rows = [
        ["Test time", "8/30/2024", "", "Test time", "8/30/2024", ""],
        ["Device ID", "D1", "", "Device ID", "D2", ""],
        ["V1", "I1", "", "V1", "I1", ""],
        *([*a, None, *b] for a, b in zip(one, two, strict=True)),
    ]
    readings = read(workbook(("SET-RESET", rows)), name="list.xlsx", read_voltage=0.2).readings
    assert readings["cell"].values.tolist() == [0, 0, 1, 1]
    assert readings["resistance"].values == pytest.approx([5e3, HRS, 7e3, HRS], rel=1e-6)


def test_the_state_may_stand_in_the_file_s_name(tmp_path):
    (tmp_path / "weak_LRS.csv").write_text(table(half(2.0, before=HRS, after=LRS)))
    (tmp_path / "weak_HRS.csv").write_text(table(half(2.0, before=LRS, after=HRS)))
    measured = read_measurements(
        [tmp_path / "weak_LRS.csv", tmp_path / "weak_HRS.csv"],
        ReadOptions(read_voltage=0.2, file_name="{condition}_{state}"),
    )
    assert measured.readings["condition"].values.tolist() == ["weak"]
    assert measured.readings["state_index"].values.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("points", "options", "message"),
    [
        (cycle(), {}, "these are sweeps of voltage and current; give the voltage at which"),
        (cycle(), {"read_voltage": 0.0}, "these are sweeps of voltage and current"),
        (
            half(2.0, before=HRS, after=LRS),
            {"read_voltage": 0.2},
            "neither the titles nor the polarities of these sweeps show",
        ),
        (
            [(v, v / LRS) for v in np.linspace(0, 2, 21)],
            {"read_voltage": 0.2},
            "none of 1 half sweeps comes back to within 10% of 200\xa0mV after its furthest point",
        ),
        (cycle(), {"read_voltage": 5.0}, "none of 2 half sweeps comes back to within 10%"),
    ],
)
def test_sweeps_that_show_no_state_are_refused(read, points, options, message):
    with pytest.raises(InputError) as error:
        read(table(points), **options)
    assert message in str(error.value)


def test_a_curve_of_arc_two_has_its_header_in_a_comment(read):
    points = "".join(f"{v:.6g},{i:.6g},0.2\n" for v, i in cycle())
    content = f"# device: 3\n# ATTRS_END\n# voltage,current,read_voltage\n{points}"
    readings = read(content, read_voltage=0.2).readings
    assert readings["resistance"].values == pytest.approx([LRS, HRS], rel=1e-4)


def test_a_table_with_resistances_is_no_sweep(read):
    content = "R (kOhm)," + table([(0, 0)]).splitlines()[0]
    content += "\n" + "".join(f"5,{v:.6g},{i:.6g}\n" for v, i in cycle())
    with pytest.raises(InputError, match="no column holds the state"):
        read(content, read_voltage=0.2)
    measured = read(content, read_voltage=0.2, names={"R (kOhm)": "-"})
    assert measured.readings["resistance"].values == pytest.approx([LRS, HRS], rel=1e-4)


# The sign of the read voltage --------------------------------------------------------------------


def asymmetric(points, ratio=3.0):
    """Return a sweep whose negative currents are smaller: cells do not conduct alike both ways."""
    return [(v, i / ratio if v < 0 else i) for v, i in points]


@pytest.mark.parametrize(
    ("read_voltage", "expected", "on_next"),
    [(0.2, [LRS, 3 * HRS], 0), (-0.2, [3 * LRS, 3 * HRS], 1)],
)
def test_a_negative_read_voltage_is_read_at_negative_voltages(
    read, read_voltage, expected, on_next
):
    """After SET at +2 V, the LRS at -0.2 V is on the way out of the negative half."""
    measured = read(table(asymmetric(cycle())), read_voltage=read_voltage)
    assert measured.readings["resistance"].values == pytest.approx(expected, rel=1e-4)
    assert measured.readings["state_index"].values.tolist() == [0, 1]
    (note,) = [note for note in measured.notes if note.kind == "resistances of sweeps"]
    assert note.values["read_voltage"] == read_voltage
    assert note.values["on_the_way_out"] == on_next
    assert ("of either sign" in note.text) == (read_voltage > 0)


def test_a_positive_half_without_a_negative_one_has_no_reading_at_a_negative_voltage(read):
    points = half(-2.0, before=LRS, after=HRS) + half(2.0, before=HRS, after=LRS)
    content, options = table(asymmetric(points)), {"read_voltage": -0.2, "file_name": "{state}"}
    measured = read(content, name="RESET.csv", **options)
    assert measured.readings["resistance"].values == pytest.approx([3 * HRS], rel=1e-4)
    (note,) = [note for note in measured.notes if note.kind == "sweeps left out"]
    assert (note.values["left_out"], note.values["half_sweeps"]) == (1, 2)


def test_a_sweep_that_starts_a_little_below_zero_has_not_switched_yet(read):
    start = [(-v, -v / HRS) for v in (0.2, 0.15, 0.1, 0.05)]
    points = start + half(2.0, before=HRS, after=LRS) + half(-2.0, before=LRS, after=HRS)
    readings = read(table(points), read_voltage=0.1).readings
    assert readings["resistance"].values == pytest.approx([LRS, HRS], rel=1e-4)
    assert readings["state_index"].values.tolist() == [0, 1]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_current_has_the_sign_of_its_read_voltage(read, sign):
    content = f"state,I (uA)\nLRS,{sign * 40}\nHRS,{sign * 1}\n"
    readings = read(content, read_voltage=sign * 0.2).readings
    assert readings["resistance"].values == pytest.approx([5e3, 2e5])
    with pytest.raises(InputError, match="makes the resistance negative"):
        read(content, read_voltage=-sign * 0.2)


def test_a_read_voltage_that_the_file_contradicts_is_refused(read):
    content = "state,I (uA),V_read (V)\nLRS,40,0.2\nHRS,1,0.2\n"
    assert read(content, read_voltage=0.2).readings.sizes["reading"] == 2
    with pytest.raises(InputError) as error:
        read(content, read_voltage=0.1)
    message = str(error.value).replace("\xa0", " ")
    assert "row 2, column 'V_read (V)': the read voltage is '0.2' here and 100 mV" in message
    assert '--map "V_read (V)=-"' in message
    left_out = read(content, read_voltage=0.1, names={"V_read (V)": "-"}).readings
    assert left_out["resistance"].values == pytest.approx([2.5e3, 1e5])
