import hashlib
import tomllib
from pathlib import Path

import numpy as np
import pytest

from rramsim.errors import InputError
from rramsim.readers.conditions import read_conditions
from rramsim.readers.measurements import read_measurements
from rramsim.readers.shipped import resolve
from rramsim.readers.shipped.datasets import datasets

# Table I of Hirtzlin et al. 2019: SET current, RESET voltage, SET and RESET energy, endurance.
TABLE_1 = {
    "very strong": (600e-6, 2.5, 120e-12, 150e-12, 1e2, ""),
    "strong": (55e-6, 2.5, 11e-12, 14e-12, 1e4, "lower"),
    "weak": (20e-6, 1.5, 4e-12, 5e-12, 1e6, "lower"),
}


def test_the_shipped_sets_are_listed_and_there():
    names = datasets().index.tolist()
    assert names == ["hirtzlin2019-reconstructed", "ni-rram-64kb-cycling", "table1"]
    for name in names:
        assert resolve(name).is_file()
        assert (resolve(name).parent / "README.md").is_file()


def test_each_shipped_set_says_where_it_is_from_and_what_one_may_do_with_it():
    listed = datasets()
    assert listed["origin"].to_dict() == {
        "hirtzlin2019-reconstructed": "reconstructed",
        "ni-rram-64kb-cycling": "measured",
        "table1": "stated",
    }
    assert listed["licence"].to_dict() == {
        "hirtzlin2019-reconstructed": "Apache-2.0",
        "ni-rram-64kb-cycling": "MIT (LICENSE)",
        "table1": "Apache-2.0",
    }
    assert (listed[["description", "citation"]].map(len) > 20).all(axis=None)


def test_each_shipped_set_says_what_its_file_holds():
    listed = datasets()
    assert listed["conditions"].to_dict() == {
        "hirtzlin2019-reconstructed": tuple(TABLE_1),
        "ni-rram-64kb-cycling": ("ni-rram-64kb-cycling",),
        "table1": tuple(TABLE_1),
    }
    assert listed["states"].tolist() == [("LRS", "HRS"), ("LRS", "HRS"), ()]
    assert listed["cells"].fillna(0).tolist() == [1024, 1024, 0]


def test_the_shipped_table_is_the_paper_s():
    conditions = read_conditions(resolve("table1"))
    assert conditions["condition"].values.tolist() == list(TABLE_1)
    columns = ("set_current", "reset_voltage", "set_energy", "reset_energy", "endurance")
    for name, expected in TABLE_1.items():
        row = conditions.sel(condition=name)
        assert [float(row[key]) for key in columns] == pytest.approx(expected[:5], rel=1e-12)
        assert str(row["endurance_bound"].values) == expected[5]
        assert float(row["pulse_width"]) == pytest.approx(100e-9)
    assert conditions["ber"].values == pytest.approx([np.nan, 9.7e-5, 3.3e-2], nan_ok=True)
    assert conditions["ber_bound"].values.tolist() == ["upper", "", ""]
    # The table has no SET voltage; with 2.0 V the product would give its SET energies.
    assert np.isnan(conditions["set_voltage"].values).all()
    product = 2.0 * conditions["set_current"] * conditions["pulse_width"]
    assert product.values == pytest.approx(conditions["set_energy"].values)


def test_the_measured_set_is_read_with_no_option():
    measured = read_measurements([resolve("ni-rram-64kb-cycling")])
    readings = measured.readings
    assert measured.origin == "measured"
    assert measured.notes == ()
    assert readings["condition"].values.tolist() == ["ni-rram-64kb-cycling"]
    assert sorted(set(readings["cycle"].values.tolist())) == [25, 50]
    assert len(set(readings["cell"].values.tolist())) == 1024
    lrs = readings["state_index"].values == 0
    at_25 = readings["cycle"].values == 25
    resistance = readings["resistance"].values
    assert resistance.shape == (4096,)
    # Medians of the two read-outs, computed from the file by hand with awk and sort.
    assert np.median(resistance[lrs & at_25]) == pytest.approx(7414, rel=1e-3)
    assert np.median(resistance[~lrs & at_25]) == pytest.approx(1.60e5, rel=1e-2)


def test_the_measured_set_is_the_published_file_byte_for_byte(shared_data):
    original = shared_data / "rram" / "ni-rram-64kb" / "100cyc.tsv"
    digests = {
        hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (original, resolve("ni-rram-64kb-cycling"))
    }
    assert len(digests) == 1


def test_the_measured_set_comes_with_its_licence():
    folder = resolve("ni-rram-64kb-cycling").parent
    licence = (folder / "LICENSE").read_text()
    assert licence.startswith("MIT License\n\nCopyright (c) 2021 Akash Levy")
    assert tomllib.loads((folder / "set.toml").read_text())["licence"] == "MIT (LICENSE)"


def test_reconstructed_populations_say_they_are():
    measured = read_measurements([resolve("hirtzlin2019-reconstructed")])
    assert measured.origin == "reconstructed"
    assert measured.readings["condition"].values.tolist() == list(TABLE_1)


def test_a_path_is_itself_and_comes_before_a_shipped_name(tmp_path, monkeypatch):
    mine = tmp_path / "table1"
    mine.write_text("mine")
    assert resolve(mine) == mine
    monkeypatch.chdir(tmp_path)
    assert resolve("table1") == Path("table1")


def test_a_name_that_is_neither_file_nor_set_lists_the_sets(tmp_path):
    with pytest.raises(InputError) as error:
        resolve("no-such")
    assert str(error.value) == (
        "no-such: there is no such file, and no shipped set has that name. Shipped are "
        "hirtzlin2019-reconstructed, ni-rram-64kb-cycling, table1."
    )
    with pytest.raises(InputError, match="this is a folder, not a file"):
        resolve(tmp_path)
