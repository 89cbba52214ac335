"""Work shared among threads: kernels release the interpreter's lock, so all cores take part.

A work that is large is cut into parts (`share`); of many small ones each stays whole, and several
are done at once (`side_by_side`), which costs no meeting of threads.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
News = TypeVar("News")

Tell = Callable[[News], None]
"""Hands news of a work to the thread that had it done."""

_pool: ThreadPoolExecutor | None = None
_whole: ThreadPoolExecutor | None = None
_most: int | None = None
_here = threading.local()


def use_cores(most: int) -> None:
    """Let this process use no more than `most` cores from now on.

    Who runs many processes on a machine, or calls from many threads, has work for all cores.
    """
    global _most
    if most != _most:
        _most = most
        _forget()


def share(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Return ``[work(item) for item in items]``, computed by as many threads as there are `cores`.

    `work` must not call this function, and its results must not depend on the order of work.
    """
    if len(items) < 2 or cores() == 1:
        return [work(item) for item in items]
    return list(_threads().map(work, items))


def parts(count: int, *, least: int) -> list[slice]:
    """Cut a range into a few parts for each core, none much smaller than `least`, for `share`."""
    pieces = max(1, min(4 * cores(), count // least))
    edges = [count * piece // pieces for piece in range(pieces + 1)]
    return [slice(*edge) for edge in pairwise(edges)]


def side_by_side(
    work: Callable[[Item, Tell[News]], Result],
    items: Sequence[Item],
    on_news: Tell[News],
) -> list[Result]:
    """Return the result of each work, of which as many are under way at once as there are `cores`.

    Each is done by one thread, on one core. So this is for works that are too small for more than
    one core but take much longer than a thread takes to start.

    Parameters
    ----------
    work : callable
        Called with an item, and with what hands news to `on_news`. One that takes long calls
        `go_on` now and then.
    items : sequence
    on_news : callable
        Called in this thread, so it need not know of others. What it raises ends all, as what a
        work raises and as an interrupt: works that are not under way do not begin, the others end
        at their next `go_on`, and once none is left the error is raised here.
    """
    if len(items) < 2 or cores() == 1:
        return [work(item, on_news) for item in items]
    return _Team(work, on_news).results(items)


def begin(work: Callable[..., Result], *arguments: Any) -> Future[Result]:
    """Have a thread do a work, on one core; as many are under way at once as there are `cores`.

    It is done whatever becomes of the caller, so this is for works of milliseconds, of which few
    are begun before the first is done.
    """
    global _whole
    if _whole is None:
        _whole = ThreadPoolExecutor(
            cores(), thread_name_prefix="rramsim-whole", initializer=_take_one_core
        )
    return _whole.submit(work, *arguments)


def go_on() -> None:
    """End the work of this thread here if it is one `side_by_side` others that were ended."""
    team: _Team[Any, Any, Any] | None = getattr(_here, "team", None)
    if team is not None and team.ended:
        raise _EndedError


def cores() -> int:
    """Return the number of processor cores that this process may use: 1 of a work side by side."""
    if getattr(_here, "has_one_core", False):
        return 1
    can_ask = hasattr(os, "sched_getaffinity")
    there = len(os.sched_getaffinity(0)) if can_ask else os.cpu_count() or 1
    return there if _most is None else min(_most, there)


class _EndedError(BaseException):
    """Another work failed, or all were interrupted: nobody waits for this one."""


class _Team(Generic[Item, News, Result]):
    """Threads that do whole works."""

    def __init__(self, work: Callable[[Item, Tell[News]], Result], on_news: Tell[News]) -> None:
        self._work, self._on_news = work, on_news
        self._news: SimpleQueue[tuple[News] | Future[Result]] = SimpleQueue()
        self.ended = False

    def results(self, items: Sequence[Item]) -> list[Result]:
        pool = ThreadPoolExecutor(
            min(cores(), len(items)),
            thread_name_prefix="rramsim-team",
            initializer=_take_one_core,
        )
        # The pool waits for its threads, so none writes to a file that is given up here.
        with pool:
            try:
                futures = [pool.submit(self._do, item) for item in items]
                for future in futures:
                    future.add_done_callback(self._news.put)
                self._wait(len(futures))
                return [future.result() for future in futures]
            finally:
                self.ended = True
                pool.shutdown(wait=False, cancel_futures=True)

    def _wait(self, works: int) -> None:
        while works:
            news = self._news.get()
            if not isinstance(news, Future):
                self._on_news(*news)
            # One that ended because another failed may come before that one.
            elif not isinstance(news.exception(), _EndedError):
                news.result()
                works -= 1

    def _do(self, item: Item) -> Result:
        _here.team = self
        go_on()
        try:
            return self._work(item, lambda news: self._news.put((news,)))
        except BaseException:
            # Here, before this thread takes on another work.
            self.ended = True
            raise


def _take_one_core() -> None:
    _here.has_one_core = True


def _threads() -> ThreadPoolExecutor:
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(cores(), thread_name_prefix="rramsim")
    return _pool


def _forget() -> None:
    global _pool, _whole
    _pool = _whole = None


if hasattr(os, "register_at_fork"):
    # A forked child has the pools but not their threads, and would wait for them for ever.
    os.register_at_fork(after_in_child=_forget)
