import io

import pandas as pd
import pytest
from chip_networks import one_weight_pairs

from rramsim.crossbar.faults import IidFaults
from rramsim.montecarlo.case_accuracy import as_csv, case_accuracy, measure_curves
from rramsim.montecarlo.collect import score_chips
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.task import Task

BERS = (0.0, 0.3)


def _asked():
    return {
        (network, case): [Task(one_weight_pairs(40), IidFaults(ber), seed) for ber in BERS]
        for network in ("a", "b")
        for case, seed in (("one", 1), ("two", 2))
    }


def test_each_curve_has_its_own_chips(tmp_path):
    asked = _asked()
    store = TallyStore(tmp_path / "tallies.csv")
    curves = measure_curves(asked, chips=5, store=store)
    found = case_accuracy(curves, BERS, {"seed": "1 and 2"})
    assert (found.accuracy.sel(test_ber=0.0) == 1).all()
    for case in ("one", "two"):
        task = asked["a", case][1]
        tally = score_chips(task, range(5))
        at = found.sel(network="a", case=case, test_ber=0.3)
        assert float(at.accuracy) == pytest.approx(tally.sum_correct / (5 * 40))
        assert float(at.accuracy_low) < float(at.accuracy) < float(at.accuracy_high)
    assert found.attrs["seed"] == "1 and 2"
    assert "Student t interval" in found.attrs["interval"]
    read = pd.read_csv(io.StringIO(as_csv(found)))
    assert read.columns[:3].tolist() == ["network", "case", "test_ber"]
    assert read.accuracy.to_numpy() == pytest.approx(found.accuracy.values.ravel(), rel=1e-5)


def test_a_case_that_one_network_lacks_is_refused():
    curves = measure_curves(_asked(), chips=2)
    del curves["b", "two"]
    with pytest.raises(ValueError, match="every network has every case"):
        case_accuracy(curves, BERS)
    with pytest.raises(ValueError, match="an estimate for each BER"):
        case_accuracy(measure_curves(_asked(), chips=2), (*BERS, 0.4))
