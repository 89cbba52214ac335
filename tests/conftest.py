"""What tests of every room share."""

import os
import random
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from rramsim import parallel
from rramsim.device.populations.fit import StateReadings
from rramsim.statistics.lognormal import UnfittableError, fit_lognormal


class _NoTorch:
    """Refuses to import torch, as where it is not installed."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


if os.environ.get("RRAMSIM_TEST_WITHOUT_TORCH"):
    sys.meta_path.insert(0, _NoTorch())

# A test asserts what is found, never how fast: a busy machine is no failure.
settings.register_profile("rramsim", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rramsim")


def pytest_addoption(parser):
    """Take the seed of an order of the tests."""
    parser.addoption(
        "--shuffle",
        type=int,
        metavar="SEED",
        help="run the files, and the tests of each, in a random order that follows from SEED",
    )


def pytest_collection_modifyitems(config, items):
    """Bring the tests into the order that is asked for; a file's stay together, for fixtures."""
    seed = config.getoption("shuffle")
    if seed is None:
        return
    chance = random.Random(seed)
    of_file = {path: chance.random() for path in sorted({item.path for item in items})}
    items.sort(key=lambda item: (of_file[item.path], chance.random()))


def pytest_configure():
    """Give torch one thread, and compare relative to what is expected."""
    # There is a worker for each core, and no result depends on the threads: those that wait for
    # each other on busy cores made some tests ten times slower.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Energies of cells are some 1e-15 J, and bit-error rates 1e-12: the tolerance of 1e-12 that
    # pytest.approx adds to its relative one would pass any of them. A test of a number that may be
    # 0 says what it tolerates (abs=).
    type(pytest.approx(1.0)).DEFAULT_ABSOLUTE_TOLERANCE = 0.0


def pytest_xdist_auto_num_workers(config):
    """Return one worker for each core; none for files that are named, whose tests end sooner."""
    named = [Path(argument.partition("::")[0]) for argument in config.args]
    return 0 if all(path.is_file() for path in named) else parallel.cores()


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
