"""Conditions built from ln R."""

import numpy as np
import pytest

from rramsim.device.populations.fit import ConditionReadings


@pytest.fixture
def condition_of(state_of):
    def condition(lrs, hrs, *, side=None, cell=None):
        return ConditionReadings(
            "c",
            state_of(lrs, place="c/LRS", cell=cell),
            state_of(hrs, side, place="c/HRS", cell=cell),
        )

    return condition


@pytest.fixture(scope="session")
def normal():
    """Return a builder of ln R of so many cells."""

    def build(cells, seed, mu, sigma):
        return np.random.default_rng(seed).normal(mu, sigma, cells)

    return build
