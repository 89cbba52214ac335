"""Cycles that a person chooses, and repeats of a cell that are taken as cycles."""

import math

import pytest

from rramsim.errors import InputError
from rramsim.measurements import ReadingCount
from rramsim.readers.measurements import read_measurements
from rramsim.readers.options import ReadOptions

REPEATED = "cell,state,R (kOhm)\n1,LRS,5\n1,HRS,300\n1,LRS,6\n1,HRS,310\n2,LRS,7\n"


def numbered(first, count):
    """Return a file of two cells with so many cycles from the first on."""
    rows = [
        f"{cell},{state},{cycle},{kilohm + cycle}\n"
        for cell in (1, 2)
        for cycle in range(first, first + count)
        for state, kilohm in (("LRS", 5), ("HRS", 300))
    ]
    return "cell,state,cycle,R (kOhm)\n" + "".join(rows)


def refusal(read, content, **options):
    with pytest.raises(InputError) as error:
        read(content, **options)
    return str(error.value)


@pytest.mark.parametrize("first", [0, 1, 100])
@pytest.mark.parametrize(
    ("asked", "kept"),
    [("2-", range(2, 10**6)), ("-101", range(102)), ("1-3", range(1, 4)), ("0", range(1))],
)
def test_cycles_that_are_not_asked_for_are_left_out_and_counted(read, first, asked, kept):
    known = range(first, first + 5)
    expected = [cycle for cycle in known if cycle in kept]
    options = {"cycles": ReadOptions.from_texts(cycles=asked).cycles}
    if not expected:
        assert refusal(read, numbered(first, 5), **options) == (
            f"cells.csv: --cycles {'0-101' if asked == '-101' else asked} leaves no reading; the "
            f"file has cycles {first} to {first + 4}."
        )
        return
    measured = read(numbered(first, 5), **options)
    assert sorted(set(measured.readings["cycle"].values.tolist())) == expected
    (count,) = measured.counts
    out = 4 * (5 - len(expected))
    assert (count.cells, count.exact) == (20, 20 - out)
    assert count.left_out == ({"other cycles": out} if out else {})


def test_the_cycles_left_out_are_named(read):
    measured = read(numbered(0, 3) + "3,LRS,,9\n", cycles=(1, math.inf))
    assert [str(note) for note in measured.notes] == [
        "--cycles 1-: 5 of 13 readings are left out (cycle 0, 1 of unknown cycle).",
        "cells.csv: of 13 readings in the table 8 are read; left out: 5 of other cycles.",
    ]
    assert measured.notes[0].values == {"readings": 13, "left_out": 5, "unknown": 1}


def test_cycles_numbered_by_headers_are_chosen_too(read):
    measured = read("cell,LRS1,HRS1,LRS2,HRS2\n1,5,300,6,310\n", cycles=(2, 2))
    assert measured.readings["resistance"].values.tolist() == [6.0, 310.0]


def test_a_condition_without_a_chosen_cycle_is_no_condition(read):
    rows = "a,1,LRS,1,5\na,1,HRS,1,300\nb,1,LRS,2,6\nb,1,HRS,2,310\n"
    measured = read("condition,cell,state,cycle,R (kOhm)\n" + rows, cycles=(2, math.inf))
    assert measured.readings["condition"].values.tolist() == ["b"]
    assert measured.readings["condition_index"].values.tolist() == [0, 0]


def test_repeats_of_a_cell_are_its_cycles_where_a_person_says_so(read):
    measured = read(REPEATED, repeats="cycle")
    assert measured.readings["cycle"].values.tolist() == [1, 1, 2, 2, 1]
    assert [str(note) for note in measured.notes] == [
        "5 readings are numbered as cycles 1 to 2 of their cells, in the order of the file."
    ]
    later = read(REPEATED, repeats="cycle", cycles=(2, math.inf))
    assert later.readings["resistance"].values.tolist() == [6e3, 310e3]
    assert later.counts == (ReadingCount("cells.csv", 5, 2, 0, {"other cycles": 3}),)


def test_an_identical_repeat_is_a_cycle_as_any_other(read):
    assert read(REPEATED + "2,LRS,7\n", repeats="cycle").readings["cycle"].values[-1] == 2


def test_repeats_need_cells_and_no_cycles(read):
    assert "no column names the cell" in refusal(
        read, "state,R (kOhm)\nLRS,5\nHRS,300\n", repeats="cycle"
    )
    assert "every reading has its cycle" in refusal(read, numbered(0, 2), repeats="cycle")


# What may tell two readings of a cell apart ------------------------------------------------------


def test_a_repeat_is_said_to_be_a_cycle_only_by_a_person(read):
    assert refusal(read, REPEATED) == (
        "cells.csv, row 4: this cell of 'cells', LRS, was read before with another result "
        "(cells.csv, row 2). --repeats cycle numbers the readings of a cell as its cycles, in the "
        "order of the file."
    )


def test_the_column_that_differs_is_named(read):
    message = refusal(read, "cell,state,loop,R (kOhm)\n1,LRS,a,5\n1,HRS,a,300\n1,LRS,b,6\n")
    assert "The column 'loop', not used, differs between the rows ('a', 'b')" in message
    assert "--repeats cycle" in message


@pytest.mark.parametrize(("header", "times"), [("Uhrzeit", "9 10"), ("t_meas", "09:00 10:30")])
def test_what_looks_like_a_time_is_not_made_a_cycle(read, header, times):
    first, later = times.split()
    rows = f"1,LRS,{first},5\n1,HRS,{first},300\n1,LRS,{later},6\n"
    message = refusal(read, f"cell,state,{header},R (kOhm)\n{rows}")
    assert f'--map "{header}=time [s]" reads it as the time' in message
    assert "--repeats" not in message


@pytest.mark.slow
def test_the_column_that_differs_is_named_in_a_long_file(read):
    rows = "".join(f"{cell},LRS,x,5\n{cell},HRS,x,300\n" for cell in range(20_000))
    message = refusal(read, "cell,state,lot,R (kOhm)\n" + rows + "7,LRS,y,6\n")
    assert "cells.csv, row 40002: this cell of 'cells', LRS" in message
    assert "The column 'lot', not used, differs between the rows ('x', 'y')" in message


VOLTAGES = "condition,cell,state,R (kOhm),{}\n" + "".join(
    f"A,{cell},{state},{ohm},{volt}\n"
    for volt, factor in (("0.1", 1.0), ("0.2", 0.9))
    for cell in (1, 2, 3)
    for state, ohm in (("LRS", (5 + cell) * factor), ("HRS", (200 + cell) * factor))
)


@pytest.mark.parametrize("header", ["Vread (V)", "V_read", "Vbias (V)", "gate voltage (V)"])
def test_cells_read_at_two_settings_are_not_called_cycles(read, header):
    message = refusal(read, VOLTAGES.format(header))
    assert f"The column {header!r} differs between the rows ('0.1', '0.2')" in message
    assert f'--condition-from "condition,{header}" reads each setting as a condition' in message
    assert "--repeats" not in message
    measured = read(VOLTAGES.format(header), condition_from=("condition", header))
    assert measured.readings.sizes["condition"] == 2
    assert measured.readings["resistance"].values[:2].tolist() == [6e3, 201e3]


def test_a_voltage_measured_at_each_reading_tells_no_settings_apart(read):
    rows = "".join(
        f"A,{n % 5},{state},{5 + n}e{3 if state == 'LRS' else 6},{0.1 + n * 1.2345e-5:.7f}\n"
        for n in range(30)
        for state in ("LRS", "HRS")
    )
    message = refusal(read, "condition,cell,state,R (ohm),Vread (V)\n" + rows)
    assert "Vread" not in message
    assert "--repeats cycle" in message


def test_every_column_that_differs_is_named(read):
    rows = "1,LRS,a,x,5\n1,HRS,a,x,9\n1,LRS,b,y,6\n"
    message = refusal(read, "cell,state,lot,who,R (kOhm)\n" + rows)
    assert "The columns 'lot' ('a', 'b'), 'who' ('x', 'y'), not used, differ between" in message
    assert "Only if neither holds, --repeats cycle" in message


def test_what_a_sidecar_says_of_cycles_holds_for_its_file(tmp_path):
    said = 'file = "again.csv"\nrepeats = "cycle"\ncycles = [2, 3]\n'
    (tmp_path / "set.toml").write_text(said)
    rows = "".join(f"1,LRS,{5 + n}\n1,HRS,{300 + n}\n" for n in range(4))
    (tmp_path / "again.csv").write_text("cell,state,R (kOhm)\n" + rows)
    (tmp_path / "once.csv").write_text("cell,state,R (kOhm)\n2,LRS,5\n2,HRS,300\n")
    readings = read_measurements([tmp_path / "again.csv", tmp_path / "once.csv"]).readings
    assert readings["cycle"].values.tolist() == [2, 2, 3, 3, -1, -1]
    assert readings["resistance"].values.tolist() == [6e3, 301e3, 7e3, 302e3, 5e3, 300e3]
