"""The committed result of workflows/protections is what follows by hand from Table I."""

import csv
from math import log

import pytest
from scipy.stats import norm
from workflow_scripts import WORKFLOWS


@pytest.fixture(scope="module")
def points():
    rows = csv.DictReader((WORKFLOWS / "protections" / "tradeoff.csv").read_text().splitlines())
    return {(row["condition"], row["protection"]): row for row in rows}


@pytest.mark.parametrize(("condition", "energy"), [("weak", (4, 5)), ("strong", (11, 14))])
@pytest.mark.parametrize(
    ("protection", "times", "cells"),
    [("none", 1, 1), ("2T2R", 2, 2), ("secded(72,64)", 72 / 64, 72 / 64)],
)
def test_energy_and_cells_follow_from_the_pulses(
    points, condition, energy, protection, times, cells
):
    point = points[condition, protection]
    # Networks have about as many weights in LRS as in HRS.
    joule = times * sum(energy) / 2 * 1e-12
    assert float(point["energy_per_weight_j"]) == pytest.approx(joule, rel=1e-3)
    assert float(point["cells_per_weight"]) == pytest.approx(cells)


def test_verification_takes_the_pulses_of_its_misses(points):
    # "weak": medians 150 and 21.5 kilo-ohm, sigmas 0.714 and 0.36, read at 45 kilo-ohm.
    misses = (
        norm.cdf(log(1.5 * 45 / 150) / 0.714),
        norm.sf(log(45 / 1.5 / 21.5) / 0.36),
    )
    hrs, lrs = ((1 - miss**5) / (1 - miss) for miss in misses)
    assert hrs == pytest.approx(1.152, abs=5e-4)
    point = points["weak", "verify(5, level=1.5, read_spread=0.1)"]
    assert float(point["write_pulses"]) == pytest.approx((hrs + lrs) / 2, rel=2e-3)
    joule = (5 * hrs + 4 * lrs) / 2 * 1e-12
    assert float(point["energy_per_weight_j"]) == pytest.approx(joule, rel=2e-3)


def test_codes_leave_at_weak_nearly_all_errors(points):
    # What a decoder of SECDED(72,64) leaves of 0.033 is 3.21e-2, within 1 %.
    assert float(points["weak", "secded(72,64)"]["ber"]) == pytest.approx(3.21e-2, rel=0.01)
    assert 2.40e-2 * 0.99 < float(points["weak", "bch(78,64,2)"]["ber"]) < 3.62e-2
    assert float(points["weak", "2T2R"]["ber"]) == pytest.approx(7.57e-3, rel=1e-3)
