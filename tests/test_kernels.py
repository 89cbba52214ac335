import pytest
from numba.core import caching

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
