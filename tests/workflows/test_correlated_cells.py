"""The workflow on cells that err together, at a small size."""

import csv

import pytest
from workflow_scripts import load_script


@pytest.mark.slow
def test_every_case_is_measured_at_its_mean_ber_and_written(tmp_path):
    script = load_script("correlated-cells/run.py")
    training = {"network": "64-32-10", "epochs": 2}
    rows = script.run(tmp_path, chips=3, training=training)
    with (tmp_path / "accuracy.csv").open() as file:
        written = list(csv.DictReader(file))
    assert [row["cells"] for row in written] == [row.cells for row in rows]
    assert len(rows) == len(script.SHARES) * len(script.BERS) + 2
    assert (tmp_path / "accuracy.png").exists()
    for name, ber, model in script.fault_models():
        assert model.mean_ber(0.5) == pytest.approx(ber, rel=0.02), name
