"""Which readings are of one cell: numbers looked up are those of sorting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rramsim.statistics.readings import distinct, ranked

NUMBERS = st.one_of(
    st.lists(st.integers(-3, 12)), st.lists(st.integers(-(2**62), 2**62)), st.just([])
)


@settings(deadline=None)
@given(NUMBERS)
def test_distinct_numbers_and_their_ranks_are_those_of_sorting(numbers):
    values, place = np.unique(np.array(numbers, dtype=int), return_inverse=True)
    assert distinct(numbers).tolist() == values.tolist()
    found, ranks = ranked(numbers)
    assert (found.tolist(), ranks.tolist()) == (values.tolist(), place.tolist())


@pytest.mark.parametrize("numbers", [[1.5, 2.0], [1.0, np.nan], ["1", "2"], [True, False]])
def test_numbers_of_another_type_are_not_cut_to_whole_ones(numbers):
    for function in (distinct, ranked):
        with pytest.raises(TypeError, match="whole numbers were expected, not "):
            function(numbers)
