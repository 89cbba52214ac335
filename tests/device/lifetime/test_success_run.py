import numpy as np
import pytest
from scipy import stats

from rramsim.device.examination import Question
from rramsim.device.examine import examine
from rramsim.device.lifetime.success_run import share_failing
from rramsim.device.read_conditions import ReadConditions
from rramsim.schema import records


@pytest.mark.parametrize(("cells", "share"), [(1, 0.95), (77, 0.0382), (231, 0.0129)])
def test_no_fails_of_n_bound_the_share_failing(cells, share):
    assert share_failing(cells) == pytest.approx(share, rel=2e-3)
    # The one-sided Clopper-Pearson bound of 0 of n.
    assert share_failing(cells) == pytest.approx(stats.beta.ppf(0.95, 1, cells))


def runs_of(found):
    if "success_runs" not in found.products:
        return []
    return [
        (row["test"], row["state"], row["cells"], row.number("cycles"), row.number("time"))
        for row in records(found.products["success_runs"], "run")
    ]


def grown(measured_from, sample, **columns):
    """Return the sample of 77 cells at each of some cycles or times."""
    (name, places), *_ = columns.items()
    lrs, hrs = (np.tile(sample(median, 0.1, 77), len(places)) for median in (5e3, 3e5))
    cells = np.tile(np.arange(77), 2 * len(places))
    measured = measured_from({"a": (lrs, hrs)}, cells=cells)
    values = np.tile(np.repeat(np.array(places), 77), 2)
    measured.readings[name] = ("reading", values)
    return measured


@pytest.mark.slow
def test_an_endurance_without_a_failure_is_one_run(measured_from, exact_sample):
    found = examine(grown(measured_from, exact_sample, cycle=[1, 10, 100]))
    assert runs_of(found) == [("endurance", "", 77, 100.0, None)]
    (run,) = records(found.products["success_runs"], "run")
    assert run["failing_high"] == pytest.approx(0.0382, rel=2e-3)


@pytest.mark.slow
def test_each_state_of_a_retention_without_an_error_is_one_run(measured_from, exact_sample):
    measured = grown(measured_from, exact_sample, time=[1.0, 10.0, 3.6e6])
    read = ReadConditions(reference_resistance=5e4)
    expected = [("retention", state, 77, None, 3.6e6) for state in ("LRS", "HRS")]
    assert runs_of(examine(measured, read=read)) == expected
    wrong = measured.readings["resistance"].values
    wrong[-1] = 1e3
    assert runs_of(examine(measured, read=read)) == expected[:1]


@pytest.mark.slow
def test_each_state_of_a_bake_without_an_error_is_one_run(measured_from, exact_sample):
    lrs, hrs = exact_sample(5e3, 0.1, 77), exact_sample(3e5, 0.1, 77)
    cells = np.tile(np.arange(77), 4)
    measured = measured_from({"fresh": (lrs, hrs), "baked": (lrs, 0.9 * hrs)}, cells=cells)
    found = examine(measured, question=Question(bake=("fresh", "baked")))
    assert [run[:3] for run in runs_of(found)] == [("bake", "LRS", 77), ("bake", "HRS", 77)]
    assert runs_of(examine(measured)) == []
