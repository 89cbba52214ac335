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
