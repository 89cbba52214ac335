"""The package as installed: what a user has after `pip install`, and what a start costs."""

import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rramsim

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "numba", "xarray", "pandas", "scipy", "matplotlib", "pint", "numpy", "pydantic")


def test_the_tests_see_the_installed_package_unless_it_is_editable():
    direct = importlib.metadata.distribution("rramsim").read_text("direct_url.json")
    if direct and json.loads(direct).get("dir_info", {}).get("editable"):
        pytest.skip("rramsim is installed editable here: a developer's environment")
    assert not Path(rramsim.__file__).is_relative_to(ROOT / "rramsim")


def test_the_metadata_and_the_package_state_the_same_version():
    assert importlib.metadata.version("rramsim") == rramsim.__version__


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from rramsim.cli.app import app; import contextlib\n"
        "with contextlib.suppress(SystemExit): app(['--help'])\n"
        f"sys.exit(','.join(sorted(set({HEAVY!r}) & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "tradeoff" in done.stdout


def test_the_readme_s_test_command_is_the_one_that_ci_runs():
    script = (ROOT / ".ci" / "run").read_text()
    command = re.search(r"^python3 -m venv \.venv-test.*pytest$", script, re.MULTILINE)
    assert command is not None
    assert command.group().replace(" -q", "") in (ROOT / "README.md").read_text()


def test_the_citation_is_of_this_version():
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"\nversion: {rramsim.__version__}\n" in citation


def test_types_are_shipped_with_the_package():
    assert (Path(rramsim.__file__).parent / "py.typed").is_file()


def test_the_changelog_has_an_entry_for_this_version():
    assert f"## {rramsim.__version__}" in (ROOT / "CHANGELOG.md").read_text()
