"""Which cell a reading is of, and whether one was read twice."""

from collections import Counter

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from rramsim.errors import InputError
from rramsim.readers.columns.cell_ids import find_repeated


class File:
    """A file of which messages need nothing but the name."""

    place = "cells.csv"
    condition_columns = ()

    def differing_columns(self, one, two):
        return []

    differing_settings = differing_columns


# Cells far apart leave too much empty between them for the short look.
KEYS = st.tuples(
    st.integers(0, 1), st.integers(0, 1), st.sampled_from([-1, 0, 1, 2, 10**6]), st.integers(-1, 3)
)


@settings(deadline=None)
@given(keys=st.lists(KEYS, min_size=1, max_size=30))
def test_a_second_result_of_a_cell_is_found_wherever_there_is_one(keys):
    frame = pd.DataFrame(keys, columns=["condition", "state", "cell", "cycle"], dtype=np.int64)
    frame["resistance"] = np.arange(len(frame), dtype=float)
    frame["row_number"], frame["file"] = np.arange(len(frame)), 0
    counts = Counter(key for key in keys if key[2] >= 0)
    try:
        dropped, notes = find_repeated(frame, files=[File()], names=["weak", "strong"])
        assert max(counts.values(), default=1) == 1
        assert not dropped.any()
        assert notes == []
    except InputError:
        assert max(counts.values()) > 1
