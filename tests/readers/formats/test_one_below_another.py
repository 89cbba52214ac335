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


@pytest.mark.parametrize("name", ["", "weak\n"])
def test_tables_that_nothing_tells_apart_are_refused(read, name):
    with pytest.raises(InputError, match=r"row [67]: the header stands again"):
        read(f"weak\n{HEADER}\n{WEAK}{name}{HEADER}\n{STRONG}")


def test_a_table_that_cannot_be_read_is_refused_with_its_row(read):
    with pytest.raises(InputError, match=r"row 8, column 'HRS \(kOhm\)': 'x' is not a number"):
        read(f"weak\n{HEADER}\n{WEAK}strong\n{HEADER}\n1,5,x\n2,6,210\n")
