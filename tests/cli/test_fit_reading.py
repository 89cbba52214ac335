import json

import pytest
from typer.testing import CliRunner

from rramsim.cli.app import app
from rramsim.errors import InputError


def answer(*arguments):
    done = CliRunner().invoke(app, ["fit", *map(str, arguments), "--json"], catch_exceptions=False)
    assert done.exit_code == 0
    return json.loads(done.stdout)


@pytest.mark.slow
def test_the_options_of_reading_reach_the_reader(tmp_path):
    rows = "".join(f"{v},31\n{60 * v},0\n{v},7\n" for v in (5.0, 5.5, 6.0, 6.5, 7.0))
    path = tmp_path / "weak_85.csv"
    path.write_text("Wert,level\n" + rows)
    options = [
        *("--map", "Wert=R [kOhm]", "--map", "level=state", "--states", "0=HRS,31=LRS"),
        *("--file-name", "{condition}_{-}", "--over-range", "400 kOhm", "--floor", "5.2 kOhm"),
    ]
    (condition,) = answer(path, *options)["conditions"]
    assert condition["name"] == "weak"
    assert (condition["lrs"]["n"], condition["lrs"]["n_censored"]) == (5, 1)
    assert (condition["hrs"]["n"], condition["hrs"]["n_censored"]) == (5, 1)
    assert condition["lrs"]["median_ohm"] == pytest.approx(6e3, rel=0.05)


def test_a_limit_needs_its_unit(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text("state,R\nLRS,5\n")
    with pytest.raises(InputError, match="'100' is not a resistance; accepted is a number with"):
        CliRunner().invoke(app, ["fit", str(path), "--over-range", "100"], catch_exceptions=False)
