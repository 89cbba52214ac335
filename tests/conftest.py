"""What tests of every room share."""

from pathlib import Path

import numpy as np
import pytest

from rramsim.device.populations.fit import StateReadings
from rramsim.statistics.lognormal import UnfittableError, fit_lognormal


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of large image and device data, which is not part of the repository."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the large test data (../shared/data) is not on this machine")
    return folder


@pytest.fixture(scope="session")
def exact_sample():
    """Return a maker of cells whose ln R has exactly the given mean and deviation."""

    def sample(median, sigma, cells=1024, seed=1):
        z = np.random.default_rng(seed).standard_normal(cells)
        return median * np.exp(sigma * (z - z.mean()) / z.std())

    return sample


@pytest.fixture(scope="session")
def state_of():
    """Return a maker of the readings of one state from ln R, with their fit."""

    def build(x, side=None, *, place="c/HRS", cell=None, cycle=None):
        condition, state = place.split("/")
        x = np.asarray(x, dtype=float)
        side = np.zeros(x.size, dtype=int) if side is None else np.asarray(side)
        cell = np.full(x.size, -1) if cell is None else np.asarray(cell)
        try:
            fit, unfit = fit_lognormal(np.exp(x), side, cell=cell), ""
        except UnfittableError as error:
            fit, unfit = None, error.kind
        return StateReadings(
            condition=condition,
            state=state,
            resistance=np.exp(x),
            censoring=side,
            cell=cell,
            fit=fit,
            unfit=unfit,
            position=np.arange(x.size),
            cycle=None if cycle is None else np.asarray(cycle),
        )

    return build
