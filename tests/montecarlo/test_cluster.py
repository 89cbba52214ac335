"""Many machines give the answers of one, also where a worker is killed."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from chip_networks import random_images, random_network, scored

from rramsim.crossbar.faults import IidFaults, in_one_layer
from rramsim.errors import InputError
from rramsim.montecarlo.cluster import cluster
from rramsim.montecarlo.collect import collect
from rramsim.montecarlo.stopping import StoppingRule
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.task import Task

distributed = pytest.importorskip("distributed")

NETWORK = scored(
    random_network(20, 64, 64, 4), random_images(200, 20), np.arange(200, dtype=np.uint8) % 4
)
RULE = StoppingRule(70, half_width=0.006)


def tasks() -> list[Task]:
    everywhere = [IidFaults(ber) for ber in (0.0, 1e-3, 0.05, 0.1, 0.3)]
    second = in_one_layer(IidFaults(0.1), layer=2, layers=3)
    return [Task(NETWORK, faults, 3) for faults in (*everywhere, second)]


@pytest.fixture(scope="module")
def running() -> Iterator[object]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as local:
        yield local


@pytest.mark.slow
@pytest.mark.parametrize("victims", [1, 2])
def test_a_cluster_that_loses_workers_gives_the_bytes_of_one_process(
    running: "distributed.LocalCluster", victims: int, tmp_path: Path
) -> None:
    one, many = (TallyStore(tmp_path / name) for name in ("one.csv", "many.csv"))
    expected = collect(tasks(), rule=RULE, store=one)
    assert len({tally.chips for tally in expected}) > 2
    killed: list[int] = []
    seen: list[tuple[int, int]] = []

    def kill(known: int, most: int) -> None:
        seen.append((known, most))
        if known > 20 and not killed:
            # With both gone, so is the network that was sent; it has to be sent anew.
            killed.extend([worker.pid for worker in running.workers.values()][:victims])
            for process in killed:
                os.kill(process, signal.SIGKILL)

    with cluster(running.scheduler_address) as workers:
        found = collect(tasks(), rule=RULE, workers=workers, store=many, on_chips=kill)
    assert len(killed) == victims
    assert found == expected
    assert many.path.read_bytes() == one.path.read_bytes()
    assert seen[-1][0] == seen[-1][1] == sum(tally.chips for tally in expected)


@pytest.mark.slow
def test_a_wrong_address_and_a_missing_extra_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rramsim.montecarlo.cluster.CONNECT_SECONDS", 0.3)
    for address in ("tcp://127.0.0.1:1", "nonsense://x", ""):
        with pytest.raises(InputError, match="no Dask scheduler can be reached"), cluster(address):
            pass
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0") as empty,
        pytest.raises(InputError, match="has no worker"),
        cluster(empty.scheduler_address),
    ):
        pass
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"rramsim\[distributed\]"), cluster("tcp://host:8786"):
        pass


@pytest.mark.slow
def test_workers_of_another_version_are_refused(
    running: "distributed.LocalCluster", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rramsim.montecarlo.cluster.__version__", "0.0.0")
    with (
        cluster(running.scheduler_address) as workers,
        pytest.raises(InputError, match=r"runs rramsim .*0\.0\.0"),
    ):
        collect(tasks(), rule=RULE, workers=workers)
