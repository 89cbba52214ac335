"""A median where no cell lies is told before every number, and changes none."""

import json

import numpy as np
import pytest

import rramsim
from rramsim.readers.limits.magnitudes import are_like_thousands

LRS, HRS = [5.063, 4.934, 5.331, 4.739], [310.251, 190.407, 420.118, 260.333]


def table(header, factor=1.0):
    rows = [("LRS", value) for value in LRS] + [("HRS", value) for value in HRS]
    lines = [f"A,{state},{factor * value!r}\n" for state, value in rows]
    return f"condition,state,{header}\n" + "".join(lines)


def doubt(measured):
    (note,) = [note for note in measured.notes if note.kind == "implausible magnitude"]
    return note


@pytest.mark.parametrize(
    ("header", "factor", "odd"),
    [
        ("R (mOhm)", 1e-3, {"A/LRS": 4.9985e-6, "A/HRS": 2.85292e-4}),
        ("R (Ohm)", 1.0, {"A/LRS": 4.9985}),
        ("R (TOhm)", 1.0, {"A/LRS": 4.9985e12, "A/HRS": 2.85292e14}),
    ],
)
def test_a_median_outside_of_10_ohm_to_1_teraohm_is_told(read, header, factor, odd):
    measured = read(table(header, factor))
    note = doubt(measured)
    assert measured.notes[0] is note
    found = {name: value for name, value in note.values.items() if "/" in name}
    assert found == pytest.approx(odd, rel=1e-6)
    assert note.values["like_thousands"] == (factor == 1.0)
    assert ("separate thousands" in note.text) == (factor == 1.0)
    resistances = measured.readings["resistance"].values
    unit = {"R (mOhm)": 1e-3, "R (Ohm)": 1.0, "R (TOhm)": 1e12}[header]
    assert resistances == pytest.approx(np.array(LRS + HRS) * factor * unit)


@pytest.mark.parametrize("header", ["R (kOhm)", "R (MOhm)", "R [GOhm]"])
def test_a_median_of_a_cell_is_not_told(read, header):
    assert "implausible magnitude" not in [note.kind for note in read(table(header)).notes]


def test_a_current_asks_for_the_read_voltage_too(read):
    measured = read("state,I (uA)\nLRS,40\nHRS,2\n", read_voltage=1e-5)
    assert "Is the unit in the header right, and the read voltage?" in doubt(measured).text


@pytest.mark.slow
def test_a_fit_shows_it_first_everywhere(read, tmp_path):
    fit = rramsim.fit(read(table("R (Ohm)")))
    assert "\nWhat was found\n- Check first: The median of A/LRS (5" in fit.table()
    answer = json.loads(fit.to_json())
    assert answer["check_first"] == [answer["notes"][0]] == [fit.notes[0]]
    page = fit.report(tmp_path).read_text()
    assert 0 < page.index("Check first: The median of A/LRS") < page.index("bit-error rate")


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([5.063, 4.934, 310.251], True),
        ([5.06, 4.93, 310.25], False),
        ([5.0631, 4.9342, 5.1], False),
        ([5063.125, 4.934, 310.251], False),
        ([5.063, 4.934], False),
        ([5.0, 4.0, 310.0], False),
    ],
)
def test_three_digits_after_the_point_may_be_thousands(numbers, expected):
    assert are_like_thousands(np.array(numbers)) is expected
