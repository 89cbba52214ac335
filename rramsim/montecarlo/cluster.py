"""Chips scored on many machines, by a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

from rramsim import parallel
from rramsim.errors import InputError
from rramsim.montecarlo.collect import WorkItem, score_chips
from rramsim.montecarlo.tally import Tally
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.version import __version__

if TYPE_CHECKING:
    from rramsim.crossbar.faults import ChipFaults

_SCORING = Lock()

CONNECT_SECONDS = 15
"""How long to wait for the scheduler, and then for its first worker."""


@contextmanager
def cluster(address: str) -> Iterator[Cluster]:
    """Connect to a running Dask scheduler, for as long as the context lasts.

    Parameters
    ----------
    address : str
        Such as ``"tcp://host:8786"``. Scheduler and workers need this version of rramsim.

    Raises
    ------
    InputError
        If Dask is not installed, or no scheduler or no worker is found.
    """
    try:
        import distributed
    except ImportError as error:
        raise InputError(
            "--scheduler needs Dask: install rramsim with its extra, rramsim[distributed]."
        ) from error
    # Typed as anything, since distributed's own annotations are partial.
    connect: Any = distributed.Client
    try:
        client = connect(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{address}: no Dask scheduler can be reached there. Start one with `dask scheduler` "
            "and give the address that it prints."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError as error:
            raise InputError(
                f"{address}: the scheduler has no worker. Start some with `dask worker {address}`."
            ) from error
        yield Cluster(client)


class Cluster:
    """Workers of a Dask cluster; see `rramsim.montecarlo.collect.Workers`.

    Every network goes out once, with its images, and workers hand it to each other. The items of
    a worker that dies are done by others, and a worker that joins gets its share. A worker scores
    one chip at a time, on as many cores as it has threads (``dask worker --nthreads``).

    Parameters
    ----------
    client : distributed.Client
        It stays the caller's to close.
    """

    chips_per_item = 5

    def __init__(self, client: Any) -> None:
        import distributed

        as_completed: Any = distributed.as_completed
        self._client, self._done = client, as_completed(loop=client.loop)
        self._sent: dict[int, tuple[ScoredNetwork, Any]] = {}

    def submit(self, item: WorkItem) -> None:
        """Take on an item."""
        task, chips = item
        future = self._client.submit(
            _score,
            self._network(task.network),
            task.faults,
            task.seed,
            chips,
            task.keeps_answers,
            task.images_per_chip,
            __version__,
            pure=False,
        )
        self._done.add(future)

    def next_tally(self) -> Tally:
        """Wait for the next item that is done."""
        from distributed import KilledWorker

        future = next(self._done)
        try:
            tally: Tally = future.result()
        except CancelledError as error:
            raise InputError(
                "The Dask scheduler was lost. What was scored is kept: run the same command "
                "again to continue."
            ) from error
        except KilledWorker as error:
            raise InputError(
                f"Workers died again and again on the same chips ({error}). They may be short of "
                "memory. What was scored is kept: the same command continues."
            ) from error
        except ModuleNotFoundError as error:
            raise InputError(
                f"A worker or the scheduler lacks a package ({error}): install rramsim "
                f"{__version__} on each machine."
            ) from error
        return tally

    def _network(self, network: ScoredNetwork) -> Any:
        import dask

        # Handed in as a task and not scattered: scattered data are gone with the workers that
        # hold them, while the scheduler can make the result of a task again.
        if id(network) not in self._sent:
            with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}):
                held = self._client.submit(_hold, network, pure=False)
            self._sent[id(network)] = network, held
        return self._sent[id(network)][1]


def _hold(network: ScoredNetwork) -> ScoredNetwork:
    return network


def _score(
    network: ScoredNetwork,
    faults: ChipFaults,
    seed: int,
    chips: Sequence[int],
    keeps_answers: bool,
    images_per_chip: int | None,
    version: str,
) -> Tally:
    if version != __version__:
        raise InputError(
            f"A worker runs rramsim {__version__}, but this is {version}; the same is needed."
        )
    from distributed import get_worker

    worker: Any = get_worker()
    # An evaluator serves one thread at a time; a chip is shared among the worker's threads.
    with _SCORING:
        parallel.use_cores(worker.state.nthreads)
        task = Task(network, faults, seed, keeps_answers, images_per_chip)
        return score_chips(task, chips)
