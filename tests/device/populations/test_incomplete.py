import numpy as np
import pytest

from rramsim.device.characterize import characterize
from rramsim.device.populations.fit import leave_out_incomplete
from rramsim.errors import InputError
from rramsim.measurements import Measured


@pytest.fixture
def read_from(measured_from):
    def build(conditions):
        built = measured_from(conditions)
        return Measured(built.readings, ("read.",), built.origin, ())

    return build


def test_a_condition_of_one_state_or_one_reading_is_left_out_and_the_others_go_on(
    read_from, exact_sample
):
    lrs, hrs = exact_sample(1e4, 0.3, cells=40), exact_sample(3e5, 0.5, cells=40)
    kept = leave_out_incomplete(
        read_from(
            {"lone": (lrs, []), "a": (lrs, hrs), "thin": ([1e4], hrs), "b": (2 * lrs, 2 * hrs)}
        )
    )
    assert kept.readings["condition"].values.tolist() == ["a", "b"]
    assert np.bincount(kept.readings["condition_index"].values).tolist() == [80, 80]
    assert str(kept.notes[0]) == "read."
    assert [note.subject for note in kept.notes[1:]] == ["lone", "thin/LRS"]
    assert all(note.text.endswith("It is left out.") for note in kept.notes[1:])
    found = characterize(kept)
    medians = np.exp(found.products["populations"]["mu"].sel(state="LRS").values)
    assert medians == pytest.approx([1e4, 2e4])


def test_complete_readings_stay_as_they_are(read_from, exact_sample):
    measured = read_from({"a": (exact_sample(1e4, 0.3), exact_sample(3e5, 0.5))})
    assert leave_out_incomplete(measured) is measured


def test_nothing_left_is_an_error(read_from, exact_sample):
    lrs = exact_sample(1e4, 0.3, cells=40)
    with pytest.raises(InputError, match="lone: no reading in HRS, only in LRS"):
        leave_out_incomplete(read_from({"lone": (lrs, []), "thin": ([1e4], lrs)}))
