"""`rramsim bench`: its contract, on a workload that takes no time."""

import json
import re

import pytest
from typer.testing import CliRunner

import rramsim.cli  # noqa: F401  (registers the commands)
from rramsim.bench import compare as compare_module
from rramsim.bench.compare import Plan
from rramsim.cli.app import app
from rramsim.version import __version__


@pytest.fixture
def tiny(monkeypatch):
    """Put a tiny plan in the place of the quick one."""
    plan = Plan(32, 40, (0.01,), (0.1,), (0.1,), 4, 3, (0.1,), 2, 0.0, 1, 1, 1, 8)
    monkeypatch.setattr(compare_module, "QUICK", plan)


@pytest.mark.slow
def test_the_json_has_the_keys_of_the_contract(tiny):
    shown = CliRunner().invoke(app, ["bench", "--quick", "--json"])
    found = json.loads(shown.stdout)
    for case in found["cases"]:
        assert set(case) == {
            *("name", "ber", "rramsim_s", "naive_s", "ratio", "identical", "rivals"),
        }
        for rival in case["rivals"]:
            assert set(rival) == {"name", "seconds", "wrong", "images"}
        assert case["identical"] is True
    assert [case["name"].split(",")[0] for case in found["cases"]] == [
        *("1-bit pixels", "8-bit pixels", "trained", "convolutional"),
    ]
    assert set(found["kernel"]) == {
        *("layer_s", "float32_s", "limit_s", "fraction_of_limit", "unit", "pixels"),
    }
    assert set(found["sweep"]) == {
        *("ratio", "maps", "rramsim_s", "naive_s", "naive_extrapolated"),
    }
    assert set(found["training"]) == {"workload", "arithmetic", "cases"}
    for step in found["training"]["cases"]:
        assert set(step) == {"ber", "rramsim_s", "naive_s", "ratio", "over_plain"}
    assert [step["ber"] for step in found["training"]["cases"]] == [0, 0.01, 0.1]
    assert {"cores", "cpu", "llvm_cpu", "features", "torch", "numba"} <= set(found["machine"])
    assert found["quick"] is True


@pytest.mark.slow
def test_the_table_says_what_was_measured_and_what_was_not(tiny):
    shown = CliRunner().invoke(app, ["bench", "--quick"]).stdout
    assert "int8" in shown
    assert "narrower than the reference" in shown
    assert "784-32-32-10" in shown
    assert "extrapolated" in shown
    assert "more than plain" in shown
    assert "784-32-32-10, 8 random images an iteration" in " ".join(shown.split())
    # How many it is of each case; what the mark ! means is always there.
    assert not re.search(r"gives another class to \d", shown)
    whole = CliRunner().invoke(app, ["bench", "--quick", "--verbose"]).stdout
    assert re.search(r"gives another class to \d", whole)
    assert f"rramsim {__version__}, Python" in whole
