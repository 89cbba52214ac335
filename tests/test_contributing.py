"""Each recipe of CONTRIBUTING.md does what it says: its blocks run, one after the other."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
RECIPES = {
    title: re.findall(r"^```python\n(.*?)^```", body, re.DOTALL | re.MULTILINE)
    for title, body in re.findall(
        r"^### (An? .*?)\n(.*?)(?=^### |\Z)", TEXT, re.DOTALL | re.MULTILINE
    )
}

IN_TURN = """
import json, os, sys
recipes = json.loads(sys.argv[1])
for folder in ("alone", "both"):
    os.mkdir(folder)
os.chdir("alone")
for title, (added, tested) in recipes.items():
    try:
        exec(tested, {"__name__": "__main__"})
    except Exception:
        continue
    sys.exit(f"{title}: the test passes without the addition")
os.chdir("../both")
for title, (added, tested) in recipes.items():
    try:
        exec(added + tested, {"__name__": "__main__"})
    except Exception as error:
        raise RuntimeError(title) from error
"""


def test_there_is_a_recipe_for_everything_that_is_often_added():
    assert list(RECIPES) == [
        "A tester",
        "A fault model",
        "A programming setting",
        "An analysis with its section",
        "An image set",
    ]


@pytest.mark.slow
def test_each_recipe_adds_something_and_shows_that_it_works(tmp_path):
    assert all("assert " in tested for _, tested in RECIPES.values())
    # In a process of its own, since what is added stays; and first without it, where the test of
    # it has to fail. One for all: its start takes longer than they do.
    done = subprocess.run(
        [sys.executable, "-c", IN_TURN, json.dumps(RECIPES)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr


def test_every_file_and_folder_that_the_page_names_is_there():
    paths = re.findall(r"`((?:rramsim|tests|docs)/[\w./-]*)`", TEXT)
    assert paths
    for path in paths:
        assert (ROOT / path).exists(), path


def test_tiny_numbers_are_compared_relative_to_what_is_expected():
    assert pytest.approx(1.0e-15) != 1.1e-15
    assert np.array([1.1e-15]) != pytest.approx(np.array([1.0e-15]), rel=0.01)
