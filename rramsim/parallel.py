"""Work shared among threads: kernels release the interpreter's lock, so all cores take part."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_pool: ThreadPoolExecutor | None = None
_most: int | None = None


def use_cores(most: int) -> None:
    """Let this process use no more than `most` cores from now on.

    Who runs many processes on a machine, or calls from many threads, has work for all cores.
    """
    global _most, _pool
    if most != _most:
        _most, _pool = most, None


def share(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Return ``[work(item) for item in items]``, computed by as many threads as there are `cores`.

    `work` must not call this function, and its results must not depend on the order of work.
    """
    if len(items) < 2 or cores() == 1:
        return [work(item) for item in items]
    return list(_threads().map(work, items))


def cores() -> int:
    """Return the number of processor cores this process may use."""
    there = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        there = len(os.sched_getaffinity(0))
    return there if _most is None else min(_most, there)


def _threads() -> ThreadPoolExecutor:
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(cores(), thread_name_prefix="rramsim")
    return _pool


def _forget() -> None:
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    # A forked child has the pool but not its threads, and would wait for them for ever.
    os.register_at_fork(after_in_child=_forget)
