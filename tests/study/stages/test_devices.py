"""The chips of conditions: what measured cells give a protection."""

import numpy as np

from rramsim.study.settings import make_study
from rramsim.study.tradeoff import devices_of


def test_verification_takes_the_spread_of_reads_from_cells_read_more_than_once(tmp_path):
    rng = np.random.default_rng(3)
    rows = ["condition,cell,cycle,state,R (kOhm)"]
    for state, median, between in (("LRS", 10.0, 0.4), ("HRS", 100.0, 0.6)):
        for cell in range(60):
            mine = median * np.exp(between * rng.normal())
            reads = mine * np.exp(0.05 * rng.normal(size=6))
            rows += [f"a,{cell},{cycle},{state},{ohm:.5g}" for cycle, ohm in enumerate(reads)]
    (tmp_path / "cells.csv").write_text("\n".join(rows) + "\n")
    study = make_study(measurements=[str(tmp_path / "cells.csv")], cycles="0-5")
    planted = devices_of(study).planted(["verify(5)", "verify(5, read_spread=0.3)"])
    measured = planted["verify(5)", "a"]
    assert not measured.refusal
    spreads = measured.faults.protection.read_spread_lrs, measured.faults.protection.read_spread_hrs
    np.testing.assert_allclose(spreads, 0.05, rtol=0.2)
    stated = planted["verify(5, read_spread=0.3)", "a"].faults
    assert stated.mean_ber(0.5) > measured.faults.mean_ber(0.5)
