from concurrent.futures import ThreadPoolExecutor

import pytest
from numba.core import caching

from rramsim import kernels
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
