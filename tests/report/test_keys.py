import math

import pytest
import xarray as xr

from rramsim.report.keys import (
    answer,
    attributes,
    bounded,
    each,
    ends,
    known_text,
    of_state,
    same,
    source,
)
from rramsim.schema import STATES, records

NAN = math.nan


@pytest.fixture
def row():
    """Return one condition of two states, read at two checkpoints of which one is empty."""
    dataset = xr.Dataset(
        {
            "cells": ("state", [3, 4]),
            "ber": ("checkpoint", [0.01, NAN]),
            "ber_low": ("checkpoint", [0.005, NAN]),
            "ber_high": ("checkpoint", [math.inf, NAN]),
            "cycles": 100.0,
            "cycles_low": NAN,
            "cycles_high": NAN,
            "cycles_bound": "lower",
            "basis": "unknown",
            "pooled_over": "",
        },
        {"state": list(STATES)},
        {"limit": NAN, "interval": "95 %", "confidence": 0.95},
    )
    return records(dataset)[0]


def test_values_stand_in_the_order_of_their_keys(row):
    keys = {"endurance": "cycles", **same("basis"), "twice": lambda row: 2 * row["cycles"]}
    assert list(answer(row, keys).items()) == [
        ("endurance", 100.0),
        ("basis", "unknown"),
        ("twice", 200.0),
    ]


def test_places_along_a_dim_are_a_list_without_the_unknown_ones(row):
    everything = answer(row, {"points": each("checkpoint", {"ber": ends("ber")})})
    known = answer(row, {"points": each("checkpoint", {"ber": ends("ber")}, known="ber")})
    first = {"ber": {"estimate": 0.01, "low": 0.005, "high": None}}
    unknown = {"ber": {"estimate": None, "low": None, "high": None}}
    assert everything == {"points": [first, unknown]}
    assert known == {"points": [first]}


def test_states_have_the_same_keys(row):
    assert answer(row, of_state(same("cells"))) == {"lrs": {"cells": 3}, "hrs": {"cells": 4}}


def test_a_bound_is_never_given_as_a_value(row):
    assert answer(row, bounded("cycles", "endurance")) == {
        "endurance": None,
        "endurance_more_than": 100.0,
        "endurance_less_than": None,
        "endurance_low": None,
        "endurance_high": None,
    }


def test_what_is_unknown_is_none(row):
    keys = {
        "source": source("basis"),
        "over": known_text("pooled_over"),
        **attributes("limit", "interval", "confidence"),
    }
    assert answer(row, keys) == {
        "source": None,
        "over": None,
        "limit": None,
        "interval": "95 %",
        "confidence": 0.95,
    }


def test_a_bound_between_two_numbers_is_under_both_keys():
    dataset = xr.Dataset(
        {"cycles": 100.0, "cycles_low": math.nan, "cycles_high": 1e3, "cycles_bound": "lower"}
    )
    assert answer(records(dataset)[0], bounded("cycles", "endurance")) == {
        "endurance": None,
        "endurance_more_than": 100.0,
        "endurance_less_than": 1e3,
        "endurance_low": None,
        "endurance_high": None,
    }
    above = xr.Dataset({"cycles": 100.0, "cycles_bound": "upper"})
    known = answer(records(above)[0], bounded("cycles", "endurance"))
    assert {key: value for key, value in known.items() if value is not None} == {
        "endurance_less_than": 100.0
    }
