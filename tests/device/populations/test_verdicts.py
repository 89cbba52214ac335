import numpy as np
import pytest

from rramsim.device.populations.goodness import goodness
from rramsim.device.populations.verdicts import judge, tail_model_notes


@pytest.mark.parametrize(("reads", "unit"), [(1, "cells"), (4, "readings")])
def test_a_model_of_the_tail_is_told_of_what_was_counted(state_of, reads, unit):
    """A share of readings is one of cells only where each cell is read once."""
    rng = np.random.default_rng(3)
    x = rng.normal(12, 0.6, (400, 1)) + rng.normal(0, 0.1, (400, reads))
    x[:40] -= 4.0
    hrs = state_of(x.ravel(), cell=np.repeat(np.arange(400), reads))
    lrs = state_of(rng.normal(8, 0.3, 400), place="c/LRS")
    verdict = goodness(hrs, is_hrs=True)
    other = goodness(lrs, is_hrs=False)
    judged = judge(hrs, verdict, other=other, reference=np.exp(9.5), is_hrs=True)
    (note,) = tail_model_notes(hrs, judged)
    assert f"of the {unit} in the second) the share of {unit} misread" in str(note)
    assert f"% of HRS {unit} belong to another population" in verdict.sentence
