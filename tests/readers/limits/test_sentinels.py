"""Numbers that mean "no reading": what each is taken for, and that it is told with its count."""

from pathlib import Path

import pytest

from rramsim.readers.limits.sentinels import SENTINELS
from rramsim.schema import ABOVE, BELOW, EXACT

PAGE = (Path(__file__).parents[3] / "docs/real-sets.md").read_text()
RESISTANCES = "state,R (kOhm)\nLRS,5\nLRS,5.2\nHRS,300\nHRS,410\n"
CURRENTS = "state,I (uA)\nLRS,40\nLRS,38\nHRS,0.6\nHRS,0.5\n"


def told(measured):
    return [
        (note.values["number"], note.values["readings"], note.values["taken_as"])
        for note in measured.notes
        if note.kind == "number for no reading"
    ]


@pytest.mark.parametrize("sentinel", SENTINELS, ids=lambda sentinel: f"{sentinel.number:g}")
@pytest.mark.parametrize("sign", [1, -1])
def test_each_number_is_taken_as_the_table_says(read, sentinel, sign):
    text = f"{sign * sentinel.number:.6E}"
    words = {ABOVE: "out of range"}
    for content, kind, side in (
        (RESISTANCES, sentinel.of_resistance, ABOVE),
        (CURRENTS, sentinel.of_current, BELOW),
    ):
        measured = read(content + f"HRS,{text}\nHRS,{text}\n", read_voltage=0.2)
        assert told(measured) == [(sentinel.number, 2, words.get(kind, "blank"))]
        expected = [EXACT] * 4 + [side] * 2 if kind == ABOVE else [EXACT] * 4
        assert measured.readings["censoring"].values.tolist() == expected


def test_a_number_that_is_an_overflow_elsewhere_says_why_it_is_a_blank_here(read):
    of_current = read(CURRENTS + "HRS,9.91E37\nHRS,9.9E37\n", read_voltage=0.2)
    texts = [note.text for note in of_current.notes if note.kind == "number for no reading"]
    blank, above = sorted(texts, key=lambda text: "blank" not in text)
    assert blank.endswith(
        "taken as blank (it stands for a current that was not measured; one beyond the range is "
        "9.9E+37)."
    )
    assert above.endswith("taken as out of range.")


def test_the_page_names_each_number_of_the_table():
    for sentinel in SENTINELS:
        short = f"{sentinel.number:.6G}"
        assert short in PAGE or short[-4:] in PAGE, short
        assert sentinel.source.split(" ")[1] in PAGE, sentinel.source


@pytest.mark.parametrize("number", ["3.4028235e38", "1.7976931348623157e308", "1E+30", "9.9999e99"])
def test_any_larger_number_is_out_of_range(read, number):
    measured = read(RESISTANCES + f"HRS,{number}\n")
    assert told(measured) == [(pytest.approx(float(number)), 1, "out of range")]
    assert float(measured.readings["resistance"][-1]) == 410e3
    assert int(measured.readings["censoring"][-1]) == ABOVE


def test_nothing_above_a_petaohm_is_a_reading(read):
    measured = read(RESISTANCES + "HRS,1.1e12\nHRS,0.9e12\n")
    assert told(measured) == [(1e15, 1, "out of range")]
    assert measured.readings["resistance"].values[-2:].tolist() == [0.9e15, 0.9e15]
    assert measured.readings["censoring"].values[-2:].tolist() == [ABOVE, EXACT]
    # A current of less than 0.1 V / 1e15 ohm as well.
    of_current = read(CURRENTS + "HRS,1e-11\n", read_voltage=0.1).readings
    assert int(of_current["censoring"][-1]) == ABOVE


@pytest.mark.parametrize("number", ["-999", "-9999.0", "-99999"])
def test_a_negative_number_for_missing_is_blank_in_resistances_only(read, number):
    measured = read(RESISTANCES + f"HRS,{number}\n")
    assert told(measured) == [(float(number), 1, "blank")]
    assert measured.readings.sizes["reading"] == 4
    negative = CURRENTS.replace(",", ",-").replace("state,-I", "state,I")
    readings = read(negative + f"LRS,{number}\n", read_voltage=-0.2).readings
    assert float(readings["resistance"][-1]) == pytest.approx(0.2 / abs(float(number) * 1e-6))


def test_blanks_of_one_state_only_are_told(read):
    rows = "".join(f"LRS,{5 + i / 10}\nHRS,{300 + i}\n" for i in range(20))
    measured = read("state,R (kOhm)\n" + rows + "HRS,\n" * 5)
    (note,) = [note for note in measured.notes if note.kind == "blank in one state"]
    assert (note.values["state"], note.values["blank"], note.values["readings"]) == ("HRS", 5, 25)
    both = read("state,R (kOhm)\n" + rows + "HRS,\n" * 5 + "LRS,\n")
    assert "blank in one state" not in [note.kind for note in both.notes]
