"""Shares of neurons that never change, over the very chips that are scored."""

import math

import numpy as np
import pytest
from chip_networks import random_images, random_network, scored
from scipy import stats

from rramsim.crossbar.faults import IidFaults
from rramsim.crossbar.sampling import as_positions
from rramsim.montecarlo.constant_neurons import constant_shares
from rramsim.montecarlo.task import Task
from rramsim.network.scoring.constant_neurons import HiddenNeurons

NETWORK = random_network(12, 70, 40, 4)
IMAGES = random_images(9, 12)
SCORED = scored(NETWORK, IMAGES, np.zeros(9, dtype=np.uint8))


def task(ber: float) -> Task:
    return Task(SCORED, IidFaults(ber), 5)


def naive(asked: Task, draw: int) -> list[tuple[int, int]]:
    """Count neurons that are always +1, and always -1, of each hidden layer of one chip."""
    values = IMAGES.astype(np.int64)
    flips = asked.draw(draw)
    found = []
    for layer, wrong in zip(NETWORK.hidden, flips, strict=False):
        signs = layer.signs.astype(np.int64).ravel()
        signs[as_positions(wrong, layer.signs)] *= -1
        sums = values @ signs.reshape(layer.signs.shape).T
        values = np.where(layer.directions * sums >= layer.thresholds, 1, -1)
        found.append((int((values == 1).all(axis=0).sum()), int((values == -1).all(axis=0).sum())))
    return found


def test_shares_are_means_over_the_chips_with_student_s_interval() -> None:
    asked, told = task(0.2), []
    shares = constant_shares(asked, chips=6, on_chip=lambda: told.append(None))
    chips = np.array([naive(asked, draw) for draw in range(6)])  # chip, layer, +1 or -1
    assert len(told) == 6
    assert [(each.layer, each.neurons, each.chips) for each in shares] == [(1, 70, 6), (2, 40, 6)]
    for number, share in enumerate(shares):
        plus, minus = chips[:, number].T / share.neurons
        both = plus + minus
        assert np.ptp(both) > 0
        assert (plus > 0).any()
        assert (minus > 0).any()
        assert share.share.estimate == pytest.approx(both.mean())
        assert (share.plus_share, share.minus_share) == pytest.approx((plus.mean(), minus.mean()))
        ends = stats.t.interval(0.95, 5, both.mean(), stats.sem(both))
        assert (share.share.low, share.share.high) == pytest.approx(ends)
        assert "Student t interval of the mean over 6 chips" in share.share.method


def test_chips_that_are_all_the_same_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, told = task(0.0), []
    looked = []
    constant = HiddenNeurons.constant
    monkeypatch.setattr(
        HiddenNeurons,
        "constant",
        lambda neurons, flips: looked.append(None) or constant(neurons, flips),
    )
    shares = constant_shares(asked, chips=4, on_chip=lambda: told.append(None))
    assert (len(looked), len(told)) == (1, 4)
    for share, (plus, minus) in zip(shares, naive(asked, 0), strict=True):
        assert (
            share.share.low
            == share.share.estimate
            == share.share.high
            == (plus + minus) / share.neurons
        )
        assert share.chips == 4
        assert "Exact" in share.share.method


def test_one_chip_has_no_interval() -> None:
    for share in constant_shares(task(0.2), chips=1):
        assert 0 < share.share.estimate < 1
        assert math.isnan(share.share.low)
        assert math.isnan(share.share.high)


def test_chips_that_happen_to_be_alike_claim_no_certainty() -> None:
    shares = constant_shares(task(1e-6), chips=3)
    assert all(share.share.low == share.share.high for share in shares)
    assert all("does not say there is none" in share.share.method for share in shares)


def test_an_interval_ends_at_all_and_at_none() -> None:
    """One hidden neuron: on any chip it changes or it does not."""
    network = random_network(12, 1, 2, seed=0)
    asked = Task(scored(network, IMAGES, np.zeros(9, dtype=np.uint8)), IidFaults(0.4), 5)
    (share,) = constant_shares(asked, chips=4)
    assert 0 < share.share.estimate < 1
    assert (share.share.low, share.share.high) == (0, 1)
    assert "Cut to 0 to 1" in share.share.method
