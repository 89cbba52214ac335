import pytest

from rramsim.errors import InputError
from rramsim.readers.measurements import read_measurements


def write(folder, name, scale, header="R", states=("LRS", "HRS")):
    rows = [
        (state, value * scale)
        for state, values in (("LRS", (5, 6, 7)), ("HRS", (200, 300, 400)))
        for value in values
        if state in states
    ]
    path = folder / name
    path.write_text(f"state,{header}\n" + "".join(f"{s},{v}\n" for s, v in rows))
    return path


def test_files_a_thousand_apart_without_units_are_refused(tmp_path):
    one, two = write(tmp_path, "a.csv", 1e3), write(tmp_path, "b.csv", 1)
    for paths in ([one, two], [two, one]):
        with pytest.raises(InputError) as error:
            read_measurements(paths)
        assert str(error.value) == (
            "b.csv: the resistances look 1,000 times smaller than those of a.csv, and not both "
            "files name a unit. Put the unit in the header, such as R [kOhm]."
        )
    with pytest.raises(InputError, match=r"look 1,000,000 times smaller than those of a\.csv"):
        read_measurements([one, write(tmp_path, "c.csv", 1e-3)])


@pytest.mark.parametrize(
    ("scale", "header", "states"),
    [
        (1, "R (ohm)", ("LRS", "HRS")),  # with a unit, so it is what it says
        (1e5, "R", ("LRS", "HRS")),  # another condition may be a hundred times higher
        (1, "R", ("HRS",)),  # an HRS a thousand times lower, but no LRS to compare
    ],
)
def test_what_may_be_is_read(tmp_path, scale, header, states):
    first = write(tmp_path, "a.csv", 1e3, "R (ohm)" if "ohm" in header else "R", ("LRS", "HRS"))
    if states == ("HRS",):
        first = write(tmp_path, "a.csv", 1e3, states=("LRS",))
    second = write(tmp_path, "b.csv", scale, header, states)
    assert read_measurements([first, second]).readings.sizes["reading"] in (6, 12)
