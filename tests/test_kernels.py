import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import pytest
from numba.core import caching
from numba.core.compiler_lock import global_compiler_lock

from rramsim import kernels
from rramsim.crossbar.sampling_kernels import set_bits
from rramsim.kernels import kernel


def _twice(number):
    return 2 * number


def test_where_nothing_can_be_kept_kernels_still_compile(monkeypatch):
    monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [])
    twice = kernel("int64(int64)")(_twice)
    assert twice(21) == 42
    # The compiled function, and not the plain one: it takes whole numbers only.
    with pytest.raises(TypeError):
        twice("a")


@kernel("int64(int64)")
def _four_times(number):
    return _twice_of_it(_twice_of_it(number))


@kernel("int64(int64)")
def _twice_of_it(number):
    return 2 * number


def test_kernels_are_compiled_at_the_first_call_whatever_their_order():
    # The first calls one that is written below it: nothing is compiled while a file is read.
    assert _four_times(3) == 12
    with pytest.raises(TypeError):
        _twice_of_it(0.5j)


def test_threads_that_call_a_kernel_first_compile_it_once(monkeypatch):
    once = kernel("int64(int64)")(_twice)
    compiled = []
    jit = kernels._jit
    monkeypatch.setattr(
        kernels, "_jit", lambda *args, **how: compiled.append(1) or jit(*args, **how)
    )
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(once, range(16))) == list(range(0, 32, 2))
    assert compiled == [1]


@kernel("int64(int64)")
def _thrice(number):
    return 3 * number


@kernel("int64(int64)")
def _nine_times(number):
    return _thrice(_thrice(number))


def test_a_kernel_that_is_called_while_another_compiles_it_does_not_stop_both(monkeypatch):
    jit, begun, asked = kernels._jit, Event(), Event()

    def slow(function, *args, **how):
        if function.__name__ == "_nine_times":
            with global_compiler_lock:
                begun.set()
                # Until the other thread wants the kernel that this one is about to need.
                asked.wait(0.5)
                return jit(function, *args, **how)
        asked.set()
        return jit(function, *args, **how)

    monkeypatch.setattr(kernels, "_jit", slow)
    found = []
    whole = Thread(target=lambda: found.append(_nine_times(2)), daemon=True)
    part = Thread(target=lambda: begun.wait() and found.append(_thrice(2)), daemon=True)
    for thread in (whole, part):
        thread.start()
    for thread in (whole, part):
        thread.join(60)
    assert sorted(found) == [6, 18]


def test_a_kernel_is_copied_and_sent_by_its_name():
    assert copy.deepcopy(_thrice) is _thrice
    assert pickle.loads(pickle.dumps(set_bits)) is set_bits
