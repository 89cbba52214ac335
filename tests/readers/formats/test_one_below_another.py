"""Tables one below another: what the lines above each say, and what is refused."""

import pytest

from rramsim import fit
from rramsim.errors import InputError

HEADER = "cell,LRS (kOhm),HRS (kOhm)"
WEAK = "1,8,90\n2,9,95\n3,7,99\n"
STRONG = "1,5,200\n2,6,210\n3,4,220\n"


def of_conditions(measured):
    """Return the resistances in kOhm by condition, LRS before HRS."""
    readings = measured.readings
    ohm, index = readings["resistance"].values, readings["condition_index"].values
    return {
        name: sorted((ohm[index == number] / 1e3).round(9))
        for number, name in enumerate(readings["condition"].values.tolist())
    }


@pytest.mark.parametrize(
    ("weak", "strong", "names"),
    [
        ("Condition: weak", "Condition: strong", ("weak", "strong")),
        ("Condition,weak", "Condition,strong", ("weak", "strong")),
        ("55 uA", "100 uA", ("55 uA", "100 uA")),
        ("Icc = 55 uA", "Icc = 100 uA", ("Icc = 55 uA", "Icc = 100 uA")),
        ("weak\nIcc = 55 uA", "strong\nIcc = 100 uA", ("weak", "strong")),
    ],
)
@pytest.mark.parametrize("title", ["", "Wafer 7\n"])
@pytest.mark.parametrize("between", ["\n", ""])
def test_each_table_has_the_condition_of_the_lines_above_it(
    read, weak, strong, names, title, between
):
    measured = read(f"{title}{weak}\n{HEADER}\n{WEAK}{between}{strong}\n{HEADER}\n{STRONG}")
    found = of_conditions(measured)
    assert found == {
        names[0]: pytest.approx([7, 8, 9, 90, 95, 99]),
        names[1]: pytest.approx([4, 5, 6, 200, 210, 220]),
    }
    (note,) = [one for one in measured.notes if one.kind == "tables one below another"]
    assert note.values == {"tables": 2}
    if "Icc" in weak:
        conditions = fit(measured).conditions
        assert conditions["set_current"].values == pytest.approx([55e-6, 100e-6])


def test_lines_may_name_states_and_cells(read):
    blocks = "".join(
        f"{name}\nR (kOhm),cycle\n" + "".join(f"{r + n},{n}\n" for n in (1, 2))
        for name, r in [("LRS", 5), ("HRS", 100)]
    )
    assert of_conditions(read(blocks)) == {"cells": [6, 7, 101, 102]}


def test_a_long_file_is_parted_too(read):
    rows = "".join(f"{n},{5 + n % 7},{100 + n % 9}\n" for n in range(3000))
    found = of_conditions(read(f"weak\n{HEADER}\n{rows}strong\n{HEADER}\n{rows}"))
    assert {name: len(values) for name, values in found.items()} == {"weak": 6000, "strong": 6000}


def kohm(read, content):
    """Return all resistances in kOhm by condition and state, in the order of the file."""
    readings = read(content).readings
    names = readings["condition"].values[readings["condition_index"].values]
    states = ["LRS", "HRS"]
    found = {}
    for name, state, ohm in zip(
        names, readings["state_index"].values, readings["resistance"].values, strict=True
    ):
        found.setdefault((str(name), states[state]), []).append(round(float(ohm) / 1e3, 6))
    return found


@pytest.mark.parametrize(
    ("last", "of_lrs", "of_hrs"),
    [
        ("OL,95\nopen,96\n", [8, 96, 96], [90, 95, 96]),
        ("n/a,97\n", [8], [90, 97]),
        ("NaN,91\n", [8], [90, 91]),
        ("7k5,\n", [8, 7.5], [90]),
        (">9,91\n", [8, 9], [90, 91]),
        ("# OL from here on\n", [8], [90]),
    ],
)
def test_the_last_readings_of_a_table_are_no_name_of_the_next(read, last, of_lrs, of_hrs):
    header = "LRS (kOhm),HRS (kOhm)\n"
    last = last.replace("7k5", "7.5")
    content = f"Condition: weak\n{header}8,90\n{last}Condition: strong\n{header}5,200\n6,210\n"
    assert kohm(read, content) == {
        ("weak", "LRS"): of_lrs,
        ("weak", "HRS"): of_hrs,
        ("strong", "LRS"): [5, 6],
        ("strong", "HRS"): [200, 210],
    }


@pytest.mark.parametrize(
    "content",
    [
        "Resistance (kOhm)\nweak\ncell,LRS,HRS\n1,8,90\nstrong\ncell,LRS,HRS\n1,5,200\n",
        "weak\nR (kOhm)\ncell,LRS,HRS\n1,8,90\nstrong\nR (kOhm)\ncell,LRS,HRS\n1,5,200\n",
        "weak\nstate,R (kOhm)\nLRS,8\nHRS,90\nstrong\nstate,R (kOhm)\nLRS,5\nHRS,200\n",
        "weak\nLRS (ohm),HRS (ohm)\n8k,90k\nstrong\nLRS (ohm),HRS (ohm)\n5k,200k\n",
        "weak\ncell,LRS (kOhm),HRS (kOhm)\nA2,8,90\n\n# on Monday\nstrong\n"
        "cell,LRS (kOhm),HRS (kOhm)\nA2,5,200\n",
    ],
)
def test_what_holds_for_all_tables_reaches_all_and_headers_are_no_names(read, content):
    assert kohm(read, content) == {
        ("weak", "LRS"): [8],
        ("weak", "HRS"): [90],
        ("strong", "LRS"): [5],
        ("strong", "HRS"): [200],
    }


def test_a_setting_above_all_tables_is_that_of_each(read):
    rows = "1,8,90\n2,9,95\n3,7,99\n"
    conditions = fit(
        read(f"Icc = 55 uA\nweak\n{HEADER}\n{rows}strong\n{HEADER}\n{rows}")
    ).conditions
    assert conditions["set_current"].values == pytest.approx([55e-6, 55e-6])


@pytest.mark.parametrize("label", ["cycle {}", "Cycle: {}", "cycle = {}", "Cycle,{}"])
def test_a_cycle_is_one_in_each_spelling(read, label):
    header = "cell,LRS (kOhm),HRS (kOhm)\n"
    content = "".join(f"{label.format(cycle)}\n{header}1,8,90\n2,9,91\n" for cycle in ("1", "1e3"))
    readings = read(content).readings
    assert readings["condition"].values.tolist() == ["cells"]
    assert sorted(set(readings["cycle"].values.tolist())) == [1, 1000]


@pytest.mark.parametrize(
    "content",
    [
        f"weak\nIcc = 55 uA\n{HEADER}\n{WEAK}strong\n{HEADER}\n{STRONG}",
        "weak\ncondition,LRS (ohm),HRS (ohm)\na,8100,90000\n"
        "strong\ncondition,LRS (ohm),HRS (ohm)\na,5000,200000\n",
        f"55 uA\n{HEADER}\n{WEAK}checked by KM\n30 uA\n{HEADER}\n{STRONG}",
        f"weak\n{HEADER}\n{WEAK}mean,8\nstrong\n{HEADER}\n{STRONG}",
        f"weak\n{HEADER}\nstrong\n{HEADER}\n{STRONG}",
    ],
)
def test_lines_of_which_it_is_not_sure_what_they_name_are_refused(read, content):
    with pytest.raises(InputError, match=r"row \d+"):
        read(content)


@pytest.mark.parametrize("name", ["", "weak\n"])
def test_tables_that_nothing_tells_apart_are_refused(read, name):
    with pytest.raises(InputError, match=r"row [67]: the header is repeated"):
        read(f"weak\n{HEADER}\n{WEAK}{name}{HEADER}\n{STRONG}")


def test_a_table_that_cannot_be_read_is_refused_with_its_row(read):
    with pytest.raises(InputError, match=r"row 8, column 'HRS \(kOhm\)': 'x' is not a number"):
        read(f"weak\n{HEADER}\n{WEAK}strong\n{HEADER}\n1,5,x\n2,6,210\n")
