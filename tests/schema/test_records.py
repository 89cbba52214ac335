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


def test_a_lone_upper_end_is_a_bound_where_the_dataset_tells_none():
    row = records(xr.Dataset({"ber": math.nan, "ber_low": math.nan, "ber_high": 0.1}))[0]
    assert math.isnan(row.interval("ber").estimate)
    assert row.interval("ber").bound == "upper"
    value = records(xr.Dataset({"ber": 0.05, "ber_high": 0.1}))[0].interval("ber")
    assert (value.estimate, value.bound) == (0.05, "")


def test_values_are_plain_as_json_takes_them():
    data = dataset().assign(cells=("condition", [3, 4]), name=("condition", ["a", "b"]))
    row = records(data.assign(name=data["name"].astype(object)), "condition")[0]
    plain = [row.plain(name) for name in ("ber_low", "ber_extrapolated", "cells", "name")]
    assert plain == [None, True, 3, "a"]
    assert [type(value) for value in plain[1:]] == [bool, int, str]


def test_places_are_asked_for_by_label_and_summed_along_a_dim():
    (whole,) = records(dataset())
    assert whole.has(condition="c1", state="HRS")
    assert not whole.has(condition="c9")
    assert whole.at(condition="c1").total("mu", "state") == 5.0


def test_a_row_knows_the_units_and_attributes_of_its_dataset():
    data = dataset().assign_attrs(confidence=0.95)
    data["ber"].attrs["units"] = "1"
    row = records(data, "condition", "state")[0]
    assert row.units == {"ber": "1"}
    assert row.attrs["confidence"] == 0.95
