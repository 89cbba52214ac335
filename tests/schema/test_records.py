"""Datasets as plain rows: every value stands at its place, whatever the order of the dims."""

import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from rramsim.schema import Interval, records


def dataset(conditions=2, states=2, order=("condition", "state")):
    values = np.arange(conditions * states, dtype=float).reshape(conditions, states)
    return xr.Dataset(
        {
            "mu": (("condition", "state"), values),
            "ber": ("condition", np.arange(conditions) / 10),
            "ber_low": ("condition", np.full(conditions, math.nan)),
            "ber_high": ("condition", np.full(conditions, 0.5)),
            "ber_bound": ("condition", ["upper"] * conditions),
            "ber_extrapolated": ("condition", np.ones(conditions, dtype="i1")),
        },
        {"condition": [f"c{i}" for i in range(conditions)], "state": ["LRS", "HRS"][:states]},
    ).transpose(*order)


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(1, 2), st.booleans())
def test_rows_hold_what_selecting_gives(conditions, states, swapped):
    data = dataset(
        conditions, states, ("state", "condition") if swapped else ("condition", "state")
    )
    rows = records(data, "condition", "state")
    assert len(rows) == conditions * states
    for row in rows:
        chosen = data.sel(condition=row["condition"], state=row["state"])
        assert row["mu"] == chosen["mu"].item()
        assert row["ber"] == chosen["ber"].item()


def test_a_number_comes_with_its_ends_bound_and_origin():
    row = records(dataset(), "condition")[1]
    found = row.interval("ber")
    assert (found.estimate, found.high, found.bound, found.extrapolated) == (
        0.1,
        0.5,
        "upper",
        True,
    )
    assert math.isnan(found.low)
    assert found.is_known
    assert not found.has_ends
    assert not Interval().is_known
    assert row.number("ber_low") is None
    assert row.at(state="HRS")["mu"] == 3.0
    with pytest.raises(KeyError):
        row.at(state="other")
