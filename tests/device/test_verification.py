import json

import numpy as np
import pytest
from scipy import stats

from rramsim.device.examine import examine
from rramsim.device.verification import verification
from rramsim.report.fit.exports import verification_csv
from rramsim.report.fit.sections import fit_answer
from rramsim.report.fit.tables import attempts_table, residuals_table
from rramsim.schema import validate


@pytest.fixture
def verified(measured_from, exact_sample):
    """Return a builder of readings whose cells needed these pulses in SET and in RESET."""

    def build(set_pulses, reset_pulses):
        samples = (
            exact_sample(5e3, 0.1, len(set_pulses)),
            exact_sample(3e5, 0.1, len(reset_pulses)),
        )
        cells = np.concatenate([np.arange(len(set_pulses)), np.arange(len(reset_pulses))])
        pulses = np.concatenate([set_pulses, reset_pulses]).astype(float)
        return measured_from({"a": samples}, cells=cells, pulses=pulses)

    return build


def test_the_mean_and_the_share_left_are_those_of_the_operations(verified):
    pulses = np.repeat([1, 2, 3, 4], [60, 25, 10, 5])
    found = verification(verified(pulses, np.ones(100)).readings).dataset
    validate(found, "verification")
    row = found.isel(condition=0).sel(state="LRS")
    assert float(row["mean"]) == pytest.approx(pulses.mean())
    half = stats.t.ppf(0.975, 99) * pulses.std(ddof=1) / 10
    assert float(row["mean_high"]) == pytest.approx(pulses.mean() + half)
    assert found["limit"].values.tolist() == [1, 2, 3, 4]
    assert row["residual"].values.tolist() == pytest.approx([0.4, 0.15, 0.05, 0.0])
    ends = stats.beta.ppf([0.025, 0.975], [15, 16], [86, 85])
    assert [float(row[f"residual_{end}"][1]) for end in ("low", "high")] == pytest.approx(ends)
    miss = 1 - 1 / pulses.mean()
    assert row["residual_alike"].values == pytest.approx(miss ** np.arange(1, 5))
    reset = found.isel(condition=0).sel(state="HRS")
    assert float(reset["mean"]) == float(reset["most"]) == 1


def test_a_pile_at_the_largest_number_is_the_limit_of_the_tester(verified):
    pulses = np.repeat([1, 2, 3, 10], [70, 15, 5, 10])
    found = verification(verified(pulses, np.ones(100)).readings)
    row = found.dataset.isel(condition=0).sel(state="LRS")
    assert int(row["at_most"]) == 10
    assert np.isnan(row["residual"].sel(limit=found.dataset["limit"] == 10).values).all()
    (note,) = (note for note in found.notes if note.kind == "limit of pulses")
    assert "10 of 100 operations took 10 pulses" in note.text
    # 10 % are not there after 9 pulses; a chance of failing alike would leave next to none.
    assert row["residual_unlike"].values[-1] > 10 * row["residual_alike"].values[-1]
    assert any(note.kind == "cells differ in attempts" for note in found.notes)


def test_cells_programmed_again_count_once_for_the_interval(verified):
    pulses = np.tile(np.repeat([1, 3], [30, 20]), 4)
    measured = verified(pulses, np.ones(200))
    each = measured.readings["cell"].values
    row = verification(measured.readings).dataset.isel(condition=0).sel(state="LRS")
    each[:200] = np.tile(np.arange(50), 4)
    again = verification(measured.readings).dataset.isel(condition=0).sel(state="LRS")
    assert float(again["mean"]) == float(row["mean"])
    assert float(again["mean_high"] - again["mean"]) == pytest.approx(
        2 * float(row["mean_high"] - row["mean"]), rel=0.05
    )
    assert float(again["residual_high"][0]) > float(row["residual_high"][0])


def test_tables_json_and_csv_say_the_same(verified):
    pulses = np.repeat([1, 2, 3, 4], [60, 25, 10, 5])
    found = examine(verified(pulses, np.ones(100)))
    (one,) = json.loads(json.dumps(fit_answer(found)))["verification"]["conditions"]
    assert one["set"]["mean_attempts"]["estimate"] == pytest.approx(1.6)
    assert [after["share_left"]["estimate"] for after in one["set"]["after"]] == pytest.approx(
        [0.4, 0.15, 0.05, 0.0]
    )
    assert [row[1] for row in attempts_table(found).rows] == ["SET", "RESET"]
    assert residuals_table(found).rows[1][2:4] == ("2", "0.15 (0.086 to 0.24)")
    lines = verification_csv(found).splitlines()
    assert lines[0].startswith("condition,operation,operations,cells,mean_attempts,")
    assert len(lines) == 1 + 2 * 4


def test_without_pulses_there_is_nothing(measured_from, exact_sample):
    plain = measured_from({"a": (exact_sample(5e3, 0.1, 20), exact_sample(3e5, 0.1, 20))})
    assert verification(plain.readings) is None
