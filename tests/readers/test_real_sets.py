"""The public files of docs/real-sets.md; they are no part of the repository."""

from pathlib import Path

import numpy as np
import pytest

from rramsim.errors import InputError
from rramsim.readers.measurements import read_measurements
from rramsim.readers.options import ReadOptions
from rramsim.schema import ABOVE

LEVELS = {"0": "HRS", "31": "LRS"}


def medians(readings, condition=0):
    chosen = readings["condition_index"].values == condition
    state, resistance = readings["state_index"].values, readings["resistance"].values
    return [float(np.median(resistance[chosen & (state == each)])) for each in (0, 1)]


def test_the_endurance_of_one_cell(shared_data):
    measured = read_measurements(
        [shared_data / "rram/ni-rram-64kb/1us_endurance.tsv"],
        columns=("cell", "LRS [ohm]", "HRS [ohm]", "cycle"),
    )
    readings = measured.readings
    assert readings.sizes["reading"] == 20_100
    assert set(readings["cell"].values.tolist()) == {186}
    assert readings["cycle"].values.max() == 1_005_000
    early = readings["cycle"].values <= 10_000
    # Medians up to 1e4 cycles, computed from the file by hand.
    assert medians(readings.isel(reading=early)) == pytest.approx([1.062e4, 1.34e5], rel=5e-3)


@pytest.mark.slow
def test_two_levels_of_the_relaxation_as_a_bit(shared_data):
    measured = read_measurements(
        [shared_data / "rram/relaxation-techC/relaxdata.min.tsv.gz"],
        columns=("cell", "-", "R [ohm]", "-", "-", "state", "condition"),
        states=LEVELS,
        over_range=8e6,
    )
    readings = measured.readings
    assert readings["condition"].values.tolist() == ["0.0", "0.01", "0.1", "1.0", "4.0", "100000.0"]
    assert medians(readings, 0)[0] == pytest.approx(2.546e4, rel=5e-3)
    assert medians(readings, 5)[0] == pytest.approx(2.669e4, rel=5e-3)
    assert np.count_nonzero(readings["censoring"].values == ABOVE) == 92
    assert "84,169 of 89,115" in str(measured.notes[0])
    assert "1 negative reading" in str(measured.notes[1])


@pytest.mark.slow
def test_the_time_of_the_relaxation_is_a_quantity(shared_data):
    readings = read_measurements(
        [shared_data / "rram/relaxation-techC/relaxdata.min.tsv.gz"],
        columns=("cell", "time [s]", "R [ohm]", "-", "-", "state", "-"),
        states=LEVELS,
        over_range=8e6,
    ).readings
    times = readings["time"].values
    # The last read-out is nominally after 1e5 s; the exact times lie around it.
    assert np.median(times[times > 10]) == pytest.approx(1e5, rel=1e-2)
    assert len(set(readings["cell"].values.tolist())) == 503 + 376


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("newwrite.tsv", "cell,R [ohm]"),
        ("C1_read_1.tsv", "cell,R [ohm]"),
        ("CHIP_7_read_0325.tsv", "cell,R [ohm]"),
        ("read.csv", "cell,-,R [ohm],-,-,-"),
    ],
)
def test_files_without_states_are_refused(shared_data, name, columns):
    page = (Path(__file__).parents[2] / "docs/real-sets.md").read_text()
    path = shared_data / "rram/ni-rram-64kb" / name
    for options, message in (
        ({}, "there is no header, only"),
        ({"columns": tuple(columns.split(","))}, "the given columns: no column holds the state."),
    ):
        with pytest.raises(InputError) as refused:
            read_measurements([path], ReadOptions(**options))
        assert message in str(refused.value)
        assert message in page
    assert f'--columns "{columns}"' in page


def test_negative_currents_beside_resistances_are_counted(shared_data):
    measured = read_measurements(
        [shared_data / "rram/ni-rram-64kb/read.csv"],
        columns=("cell", "state", "R [ohm]", "-", "I [A]", "-"),
        states={"READ": "HRS"},
    )
    assert any(
        str(note).endswith("it is negative in 104 of 1,024 rows that are used.")
        for note in measured.notes
    )
