"""What a fit and a study start from, read or in memory."""

import hashlib

import pandas as pd
import pytest
import xarray as xr

from rramsim.errors import InputError
from rramsim.files import sha256_of_dataset
from rramsim.readers.measurements import read_measurements
from rramsim.readers.shipped import resolve
from rramsim.study.inputs import given_readings, readings_of, stated_conditions, use_of_cells
from rramsim.study.reading import ReadingTable

ROWS = [("LRS", 5.0), ("LRS", 6.0), ("LRS", 7.0), ("HRS", 90.0), ("HRS", 95.0), ("HRS", 99.0)]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text("\n".join(["state,R (kOhm)", *(f"{state},{ohm}" for state, ohm in ROWS)]))
    return path


def test_files_are_named_and_readings_in_memory_are_not(file):
    for given in (file, str(file), [file], (path for path in [file])):
        assert given_readings(given, name="measured") == [str(file)]
    measured, table = read_measurements(file), pd.DataFrame(ROWS)
    assert given_readings(measured, name="measured") is measured
    assert given_readings(table, name="measured") is table


def test_sources_are_the_files_and_of_readings_in_memory_also_their_own_digest(file):
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    measured, sources = readings_of([str(file)])
    assert sources == (("cells.csv", digest),)
    same, more = readings_of(measured)
    assert same.readings.identical(measured.readings)
    assert [name for name, _ in more] == ["cells.csv", "readings in memory"]
    censored, _ = readings_of([str(file)], ReadingTable(over_range="94 kOhm"))
    assert readings_of(censored)[1][1] != more[1]


def test_stated_conditions_know_their_file_or_their_content():
    path = resolve("table1")
    stated, sources = stated_conditions("table1", lrs_share=0.5)
    assert sources == ((path.name, hashlib.sha256(path.read_bytes()).hexdigest()),)
    again, in_memory = stated_conditions(stated, lrs_share=0.5)
    assert again is stated
    changed = stated.assign(ber=stated["ber"] * 2)
    assert stated_conditions(changed, lrs_share=0.5)[1] != in_memory
    assert stated_conditions(stated.copy(deep=True), lrs_share=0.5)[1] == in_memory
    assert stated_conditions(None, lrs_share=0.5) == (None, ())


def test_the_use_of_cells_is_in_si_units():
    use = use_of_cells(reference="25 kOhm", offset=0.1, read_pulse="0.2 V; 10 ns")
    assert (use.reference_resistance, use.offset_spread) == (25e3, 0.1)
    assert (use.read_voltage, use.read_time) == (0.2, pytest.approx(1e-8))
    with pytest.raises(InputError, match="a voltage and a time"):
        use_of_cells(read_pulse="0.2 V")


def test_waveforms_are_among_what_was_read(tmp_path):
    pulse = "time (ns),V (V),I (uA)\n0,0,0\n1,2,100\n99,2,{}\n100,0,0\n"
    (tmp_path / "set.csv").write_text(pulse.format(100))
    (tmp_path / "energies.toml").write_text(
        '[[condition]]\nname = "weak"\nber = 0.01\n'
        'set_waveform = "set.csv"\nwaveform_covers = "cell"\n'
    )
    found = []
    for current in (100, 90):
        (tmp_path / "set.csv").write_text(pulse.format(current))
        _, sources = stated_conditions(tmp_path / "energies.toml", lrs_share=0.5)
        found.append(dict(sources))
    assert list(found[0]) == ["energies.toml", "waveform set.csv"]
    assert found[0]["energies.toml"] == found[1]["energies.toml"]
    assert found[0]["waveform set.csv"] != found[1]["waveform set.csv"]


def test_equal_datasets_have_one_hash_and_those_of_other_coordinates_another():
    one = xr.Dataset({"ber": ("cycle", [1e-3, 2e-3])}, {"cycle": [1, 10]})
    assert sha256_of_dataset(one) == sha256_of_dataset(one.copy(deep=True))
    assert sha256_of_dataset(one) != sha256_of_dataset(one.assign_coords(cycle=[1, 100]))
