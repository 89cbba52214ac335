import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rramsim.bits import pack_rows, positions_of, unpack_rows, words_for


@pytest.mark.slow
@given(
    rows=st.integers(1, 5), columns=st.sampled_from([1, 7, 8, 63, 64, 65, 130]), seed=st.integers(0)
)
def test_packed_rows_hold_each_bit_where_they_say(rows, columns, seed):
    bits = np.random.default_rng(seed).random((rows, columns)) < 0.5
    words = pack_rows(bits)
    assert words.shape == (rows, words_for(columns))
    assert words.dtype == np.uint64
    for row, listed in zip(bits, words.tolist(), strict=True):
        number = sum(word << (64 * place) for place, word in enumerate(listed))
        assert number == sum(1 << column for column in np.flatnonzero(row).tolist())
    assert np.array_equal(unpack_rows(words, columns=columns), bits)
    assert np.array_equal(positions_of(words, columns=columns), np.flatnonzero(bits))


@pytest.mark.parametrize(("columns", "words"), [(0, 0), (1, 1), (64, 1), (65, 2), (784, 13)])
def test_words_for(columns, words):
    assert words_for(columns) == words
