import functools

import numpy as np
import pytest

from rramsim.errors import InputError
from rramsim.schema import ABOVE, BELOW, EXACT


def test_place_time_temperature_and_pulses(read):
    readings = read(
        "state,R (kOhm),row,column,t (h),T (degC),attempts\nLRS,5,3,7,1,85,2\nHRS,300,3,8,,125,\n"
    ).readings
    assert readings["row"].values.tolist() == [3, 3]
    assert readings["column"].values.tolist() == [7, 8]
    assert readings["time"].values == pytest.approx([3600.0, np.nan], nan_ok=True)
    assert readings["temperature"].values == pytest.approx([358.15, 398.15])
    assert readings["pulses"].values == pytest.approx([2.0, np.nan], nan_ok=True)


def test_dice_have_cells_of_their_own(read):
    readings = read("state,R (kOhm),die,cell\nLRS,5,A,1\nLRS,6,B,1\nHRS,300,A,1\n").readings
    assert readings["die"].values.tolist() == [0, 1, 0]
    assert readings["cell"].values.tolist() == [0, 1, 0]
    one = read("state,R (kOhm),die,cell\nLRS,5,4,17\nHRS,300,4,17\n").readings
    assert one["die"].values.tolist() == [4, 4]
    assert one["cell"].values.tolist() == [17, 17]


def test_one_cell_may_be_read_at_several_times(read):
    content = "cell,state,time (s),R (kOhm)\n1,LRS,0,5\n1,LRS,10,6\n1,HRS,0,300\n"
    assert read(content).readings.sizes["reading"] == 3
    with pytest.raises(InputError, match="was read before with another result"):
        read(content + "1,LRS,10,7\n")


def test_an_impossible_temperature_is_refused(read):
    with pytest.raises(InputError, match="row 2, column 'T \\(K\\)': '0' was found"):
        read("state,R (kOhm),T (K)\nLRS,5,0\n")


@pytest.mark.parametrize(
    ("header", "values", "censoring"),
    [
        ("status", "N,V,C,ok", [EXACT, ABOVE, BELOW, EXACT]),
        ("over range", "0,1,no,", [EXACT, ABOVE, EXACT, EXACT]),
        ("in compliance", "0,0,yes,no", [EXACT, EXACT, BELOW, EXACT]),
    ],
)
def test_flags_of_a_column_censor(read, header, values, censoring):
    rows = zip(("LRS", "HRS", "LRS", "HRS"), (5, 900, 4, 300), values.split(","), strict=True)
    content = f"state,R (kOhm),{header}\n" + "".join(f"{s},{r},{f}\n" for s, r, f in rows)
    readings = read(content).readings
    assert readings["censoring"].values.tolist() == censoring
    assert readings["resistance"].values.tolist() == [5e3, 9e5, 4e3, 3e5]


def test_a_flag_without_a_number_and_a_reading_that_does_not_count(read):
    measured = read("state,R (kOhm),flag\nLRS,5,\nHRS,300,\nHRS,,OVLD\nHRS,7,X\n")
    assert measured.readings["censoring"].values.tolist() == [EXACT, EXACT, ABOVE]
    assert measured.readings["resistance"].values.tolist() == [5e3, 3e5, 3e5]
    assert str(measured.notes[0]) == "cells.csv: 1 blank or NaN reading dropped (row 5)."


def test_flags_that_mean_nothing_or_belong_to_two_readings_are_refused(read):
    with pytest.raises(InputError, match="row 2, column 'flag': '7' was found; accepted are blan"):
        read("state,R (kOhm),flag\nLRS,5,7\n")
    with pytest.raises(InputError, match="the flags in 'flag' belong to one reading per row"):
        read("LRS (kOhm),HRS (kOhm),flag\n5,300,V\n")


def test_letters_of_keithley_before_the_number_censor(read):
    content = (
        "state,I (A)\nLRS,NAI+40.0E-06\nHRS,NAI 2.0E-06\nLRS,CAI 50.0E-06\nLRS,VAI 9.9E-03\n"
        "HRS,L1.0E-06\nHRS,XAI 3.0E-06\n"
    )
    measured = read(content, read_voltage=0.2)
    assert measured.readings["resistance"].values == pytest.approx([5e3, 1e5, 4e3, 5e3, 2e5])
    assert measured.readings["censoring"].values.tolist() == [EXACT, EXACT, BELOW, BELOW, EXACT]


@pytest.mark.parametrize(
    ("header", "values"),
    [("G (uS)", (200, 5)), ("conductance_ms", (0.2, 0.005)), ("G [S]", (2e-4, 5e-6))],
)
def test_conductances_become_resistances(read, header, values):
    measured = read(f"state,{header}\nLRS,{values[0]}\nHRS,{values[1]}\n")
    assert measured.readings["resistance"].values == pytest.approx([5e3, 2e5])


def test_a_conductance_over_the_range_is_a_resistance_below_it(read):
    measured = read("state,G (uS)\nLRS,200\nLRS,OVLD\nHRS,<1\n")
    assert measured.readings["censoring"].values.tolist() == [EXACT, BELOW, ABOVE]
    assert measured.readings["resistance"].values == pytest.approx([5e3, 5e3, 1e6])
    with pytest.raises(InputError, match="row 2, column 'G': the conductance is negative"):
        read("state,G\nLRS,-1\n")


def test_a_resistance_beside_a_negative_current_is_read_and_said(read):
    measured = read("state,R (kOhm),G (S),I (A)\nLRS,5,2e-4,4e-5\nHRS,300,3e-6,-6e-7\n")
    assert measured.readings["resistance"].values.tolist() == [5e3, 3e5]
    assert tuple(map(str, measured.notes)) == (
        "cells.csv: 'R (kOhm)' is read, 'G (S)' is not.",
        "cells.csv: 'R (kOhm)' is read, 'I (A)' is not; it is negative in 1 of 2 rows that are "
        "used.",
    )


@pytest.mark.parametrize("word", ["Average", "std", "Max.", "Mittelwert", "平均值"])
def test_a_row_that_sums_up_the_cells_is_no_cell(read, word):
    content = f"cell,LRS (kOhm),HRS (kOhm)\n1,5,200\n2,6,210\n{word},5.5,205\n"
    with pytest.raises(
        InputError, match=r"row 4, column 'cell': .* is no cell but a summary of others"
    ):
        read(content)


def test_the_unit_of_readings_may_stand_in_a_column(read):
    rows = "1,LRS,5,kOhm\n1,HRS,0.2,kOhm\n"
    readings = read(f"cell,state,R,Einheit\n{rows}").readings
    assert readings["resistance"].values.tolist() == [5000.0, 200.0]
    with pytest.raises(InputError, match="the units 'kOhm', 'MOhm' were found; accepted is one"):
        read(f"cell,state,R,unit\n{rows.replace('0.2,k', '0.2,M')}")
    with pytest.raises(InputError, match="column 'unit': 'pF' is not a unit of resistance"):
        read(f"cell,state,R,unit\n{rows.replace('kOhm', 'pF')}")


@pytest.mark.parametrize(
    ("header", "value"), [("Compliance", "55"), ("Vset", "1200"), ("pulse width", "100")]
)
def test_a_setting_that_cannot_be_in_si_units_asks_for_its_unit(read, header, value):
    with pytest.raises(InputError, match=rf"'{header}': the header names no unit, and {value} "):
        read(f"cell,state,R (ohm),{header}\n1,LRS,5000,{value}\n1,HRS,200000,{value}\n")


@pytest.mark.parametrize(
    "name",
    [
        *("N", "Median =", "Geomean", "Promedio", "P90", "3sigma", "Average of 30", "Mean±sd"),
        *("Spec", "Limit", "Yield (%)", "anything"),
    ],
)
@pytest.mark.parametrize("header", ["cell", "No"])
def test_a_text_among_numbers_of_cells_is_refused_with_its_row(read, header, name):
    with pytest.raises(InputError, match=f"row 5, column {header!r}: ") as error:
        read(f"{header},LRS (kOhm),HRS (kOhm)\n1,5,200\n2,5.1,201\n3,5.2,203\n{name},30,30\n")
    assert repr(name) in str(error.value)


@pytest.mark.parametrize("name", ["Geomean", "Std. Dev.", "Mittelwert:", "Mean ± sd", "平均值"])
def test_a_row_that_sums_up_named_cells_is_refused(read, name):
    with pytest.raises(InputError, match="is no cell but a summary of others"):
        read(f"cell,LRS (kOhm),HRS (kOhm)\nA1,5,200\nB2,5.1,201\n{name},30,30\n")


@pytest.mark.parametrize("names", [("dev 1", "dev 2"), ("A", "N"), ("all 1", "P90"), ("A1", "7")])
def test_names_of_cells_are_no_summaries(read, names):
    one, two = names
    measured = read(f"cell,LRS (kOhm),HRS (kOhm)\n{one},5,200\n{two},6,300\n")
    assert len(set(measured.readings["cell"].values.tolist())) == 2


def test_a_status_of_a_meter_is_refused_with_the_way_to_leave_it_out(read):
    content = "state,R (kOhm),Status\nLRS,5,21508\nHRS,300,21508\n"
    with pytest.raises(InputError, match='--map "Status=-" leaves the column out'):
        read(content)
    assert read(content, names={"Status": "-"}).readings["resistance"].values.tolist() == [5e3, 3e5]


def test_a_resistance_that_was_not_measured_gives_way_to_the_current_as_the_message_says(read):
    content = (
        "state,VOLT,CURR,RES,TIME,STAT\nLRS,0.2,4e-5,9.91E37,0.1,21508\n"
        "HRS,0.2,1e-6,9.91E37,0.3,21508\n"
    )
    with pytest.raises(InputError, match="'RES' was not measured") as error:
        read(content)
    assert '--map "RES=-" --map "CURR=current [A]" --read-voltage' in str(error.value)
    assert "--over-range" not in str(error.value)
    measured = read(content, names={"RES": "-", "CURR": "current [A]"}, read_voltage=0.2)
    assert measured.readings["resistance"].values == pytest.approx([5e3, 2e5])


ROWS = [(5.113, 310.2), (4.921, 280.9), (5.302, 351.0), (5.004, 305.5), (4.755, 299.1)]


@pytest.mark.parametrize("what", ["mean", "sum", "standard deviation", "median", "maximum"])
def test_a_row_without_a_cell_that_sums_up_the_others_is_refused(read, what):
    sums = {"mean": np.mean, "sum": np.sum, "median": np.median, "maximum": np.max}
    sums["standard deviation"] = functools.partial(np.std, ddof=1)
    table = "cell,LRS (kOhm),HRS (kOhm)\n"
    table += "".join(f"{i},{lrs},{hrs}\n" for i, (lrs, hrs) in enumerate(ROWS))
    lrs, hrs = (sums[what](column) for column in zip(*ROWS, strict=True))
    with pytest.raises(InputError) as error:
        read(f"{table},{lrs:.3f},{hrs:.1f}\n")
    assert str(error.value) == (
        f"cells.csv, row 7: the row names no cell, and its numbers are the {what} of those above. "
        "Remove such rows from the table."
    )
    assert read(f"{table},{lrs:.3f},{1.1 * hrs:.1f}\n").readings.sizes["reading"] == 12
