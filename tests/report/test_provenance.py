import json

import numpy as np
import xarray as xr

from rramsim.report.provenance import Provenance
from rramsim.study.result_folder import write_dataset
from rramsim.version import __version__

MADE = Provenance(
    "rramsim fit cells.csv",
    options={"reference": "20 kΩ", "map": None},
    sources=(("cells.csv", "ab" * 32), ("cells.csv", "cd" * 32)),
    origin="measured",
    notes=("cells.csv: 1 reading dropped.",),
)


def test_a_file_has_the_whole_record_and_its_values_as_they_were(tmp_path):
    data = xr.Dataset({"ber": ("condition", np.array([0.1, np.nan]))}, attrs={"confidence": 0.95})
    write_dataset(tmp_path / "made" / "a.nc", data, MADE)
    with xr.open_dataset(tmp_path / "made" / "a.nc") as read:
        assert read.ber.values.tobytes() == data.ber.values.tobytes()
        attrs = read.attrs
    assert attrs["confidence"] == 0.95
    assert attrs["rramsim_version"] == __version__
    assert attrs["recipe"] == "rramsim fit cells.csv"
    assert json.loads(attrs["options"]) == {"reference": "20 kΩ", "map": None}
    # Two files of one name are two sources.
    assert json.loads(attrs["sources"]) == [["cells.csv", "ab" * 32], ["cells.csv", "cd" * 32]]
    assert json.loads(attrs["notes"]) == ["cells.csv: 1 reading dropped."]
    assert "seed" not in attrs


def test_the_json_beside_tables_says_the_same():
    record = json.loads(MADE.json())
    attributes = MADE.attributes()
    # The time of making would change the bytes of data that are the same.
    assert set(record) == {*attributes, "seed", "made"}
    for name in ("rramsim_version", "recipe", "origin"):
        assert record[name] == attributes[name]
    for name in ("options", "notes"):
        assert record[name] == json.loads(attributes[name])
    assert record["sources"][1] == {"name": "cells.csv", "sha256": "cd" * 32}
    assert record["seed"] is None
    assert Provenance("", seed=0).attributes()["seed"] == 0
