import threading

import pytest

from rramsim import parallel


def test_results_come_in_the_order_of_their_parts(monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: 3)
    monkeypatch.setattr(parallel, "_pool", None)
    # All three at once, or this would wait for ever; each from a thread of its own.
    meeting = threading.Barrier(3, timeout=30)

    def work(part):
        meeting.wait()
        return part, threading.get_ident()

    found = parallel.share(work, [5, 3, 4])
    assert [part for part, _ in found] == [5, 3, 4]
    assert len({thread for _, thread in found}) == 3


@pytest.mark.parametrize(("cores", "parts"), [(1, [1, 2]), (4, [1]), (4, [])])
def test_what_cannot_be_shared_stays_in_this_thread(cores, parts, monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: cores)
    found = parallel.share(lambda part: (part, threading.get_ident()), parts)
    assert found == [(part, threading.get_ident()) for part in parts]


def test_an_error_of_a_thread_is_told(monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: 2)
    with pytest.raises(ZeroDivisionError):
        parallel.share(lambda part: 1 // part, [1, 0, 2])


@pytest.fixture
def three_cores(monkeypatch):
    monkeypatch.setattr(parallel.os, "sched_getaffinity", lambda _: range(3), raising=False)
    assert parallel.cores() == 3


def test_whole_works_are_under_way_at_once_each_on_one_core(three_cores):
    meeting, news = threading.Barrier(3, timeout=30), []

    def work(item, tell):
        meeting.wait()
        tell((item, threading.get_ident()))
        # What it shares, it does by itself.
        inner = parallel.share(lambda _: threading.get_ident(), [0, 1])
        assert inner == [threading.get_ident()] * 2
        return item, parallel.cores()

    heard = set()

    def on_news(one):
        heard.add(threading.get_ident())
        news.append(one)

    found = parallel.side_by_side(work, [5, 3, 4], on_news)
    assert found == [(5, 1), (3, 1), (4, 1)]
    assert sorted(item for item, _ in news) == [3, 4, 5]
    assert len({thread for _, thread in news}) == 3
    assert heard == {threading.get_ident()}


@pytest.mark.parametrize("where", ["in a work", "by an interrupt"])
def test_what_fails_ends_the_works_beside_it_and_no_other_begins(three_cores, where):
    error = ZeroDivisionError if where == "in a work" else KeyboardInterrupt
    begun, ended, meeting = [], [], threading.Barrier(3, timeout=30)

    def work(item, tell):
        begun.append(item)
        if item < 3:
            meeting.wait()
        if item == 1:
            if where == "in a work":
                raise error
            tell(item)
        try:
            while True:
                parallel.go_on()
        finally:
            ended.append(item)

    def on_news(_item):
        raise error

    with pytest.raises(error):
        parallel.side_by_side(work, [0, 1, 2, 3, 4], on_news)
    assert sorted(begun) == [0, 1, 2]
    assert {0, 2} <= set(ended)
    # Alone again.
    parallel.go_on()
