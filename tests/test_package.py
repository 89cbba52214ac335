"""The package as installed: what a user has after `pip install`, and what a start costs."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from chip_networks import random_network
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import rramsim
from rramsim.images.catalogue import load_images
from rramsim.network.model_files import SavedNetwork, save_network

ROOT = Path(__file__).parents[1]
PYTHONS = re.findall(r'Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text())

# One process for all, since its start takes longer than they do. What is loaded stays, so that each
# step shows what it and those before it load.
STARTS = """
import contextlib, io, json, os, sys

network, heavy = sys.argv[1], sys.argv[2:]
loaded = {}


def note(step):
    loaded[step] = [name for name in heavy if name in sys.modules]


def run(*words):
    sys.argv, shown = ["rramsim", *words], io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
        with contextlib.suppress(SystemExit):
            main()
    note(" ".join(words[:2]))
    return shown.getvalue()


import rramsim
assert rramsim.__version__ and "fit_lognormal" in dir(rramsim)
assert issubclass(rramsim.InputError, Exception)
note("import rramsim")
from rramsim.cli import main
assert "tradeoff" in run("--help")
# Set before PyTorch is loaded, which looks at it once.
assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
assert "--target-ber" in run("fit", "--help")
assert "there is no such file" in run("fit", "none.csv")
assert "reconstructed" in run("fit", "hirtzlin2019-reconstructed")
assert "none.csv" in run("tradeoff", "none.csv")
assert "accuracy_mean" in run("evaluate", network, "--ber", "0.1", "--chips", "2", "--json")
print(json.dumps(loaded))
"""
NOT_TO_FIT = ("numba", "matplotlib", "scipy.stats")


def _is_editable():
    direct = importlib.metadata.distribution("rramsim").read_text("direct_url.json")
    return bool(direct and json.loads(direct).get("dir_info", {}).get("editable"))


def test_the_tests_see_the_installed_package_unless_it_is_editable():
    if _is_editable():
        pytest.skip("rramsim is installed editable here: a developer's environment")
    assert not Path(rramsim.__file__).is_relative_to(ROOT / "rramsim")


def test_the_metadata_and_the_package_state_the_same_version():
    assert importlib.metadata.version("rramsim") == rramsim.__version__


@pytest.mark.slow
def test_a_start_loads_what_the_command_uses_and_no_more(tmp_path):
    path, digits = tmp_path / "network.safetensors", load_images("digits")
    known = {"images": "digits", "images_id": digits.content_id, "training_ber": 0.0, "seed": 1}
    known |= {"accuracy": 0.1, "epochs": 1, "settings": {}, "history": [], "version": "0"}
    save_network(path, SavedNetwork(random_network(64, 16, 10), known))
    heavy = ("torch", *NOT_TO_FIT, "scipy", "numpy", "pydantic", "xarray", "pandas", "pint", "rich")
    done = subprocess.run(
        [sys.executable, "-c", STARTS, str(path), *heavy],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    loaded = {step: set(names) for step, names in json.loads(done.stdout).items()}
    assert loaded["import rramsim"] == set()
    assert loaded["--help"] == {"rich"}
    assert loaded["fit --help"] <= {"rich", "pydantic"}  # of typer's own
    assert not loaded["fit none.csv"] & {"torch", *NOT_TO_FIT, "xarray", "pandas", "pint"}
    assert not loaded["fit hirtzlin2019-reconstructed"] & {"torch", *NOT_TO_FIT}
    # Only what trains needs torch, and only what draws matplotlib.
    assert not loaded["tradeoff none.csv"] & {"torch", "matplotlib"}
    assert not loaded[f"evaluate {path}"] & {"torch", "matplotlib"}


def test_the_readme_s_test_command_is_the_one_that_ci_runs():
    script = (ROOT / ".ci" / "run").read_text()
    command = re.search(r"^python3 -m venv \.venv-test.*pytest$", script, re.MULTILINE)
    assert command is not None
    assert command.group().replace(" -q", "") in (ROOT / "README.md").read_text()


def test_citation_and_changelog_are_of_this_version():
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"\nversion: {rramsim.__version__}\n" in citation
    version = Version(rramsim.__version__)
    heading = re.search(r"^## (\S+) \((.*)\)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert heading[1] == version.base_version
    assert (heading[2] == "unreleased") == version.is_devrelease
    assert ("\ndate-released: " in citation) == (not version.is_devrelease)


def test_the_address_of_the_repository_is_that_of_one_place():
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"\nrepository-code: {urls['Source']}\n" in citation
    others = [url for name, url in urls.items() if name != "Source"]
    assert len(others) == 3
    assert [url for url in others if not url.startswith(f"{urls['Source']}/")] == []


def test_types_are_shipped_with_the_package():
    assert (Path(rramsim.__file__).parent / "py.typed").is_file()


def test_a_package_index_shows_the_readme_with_links_that_lead_out_of_it():
    if _is_editable():
        pytest.skip("rramsim is installed editable here, maybe of an older README")
    metadata = importlib.metadata.metadata("rramsim")
    (source,) = re.findall(r"^Source, (.*)$", "\n".join(metadata.get_all("Project-URL")), re.M)
    targets = re.findall(r"\]\(([^)\s]+)\)", metadata["Description"])
    assert f"{source}/blob/HEAD/docs/index.md" in targets
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []


@pytest.mark.parametrize("python", PYTHONS)
def test_the_dependencies_and_their_pinned_versions_suit_each_python_version(python):
    pins = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if not line.startswith("#"):
            name, _, version = line.partition("==")
            pins[canonicalize_name(name)] = version
    # A later patch: what needs 3.11.5 is no trouble.
    environment = {"python_version": python, "python_full_version": f"{python}.9"}
    left, seen = [Requirement("rramsim[test]")], set()
    while left:
        needed = left.pop()
        key = (canonicalize_name(needed.name), frozenset(needed.extras))
        if key in seen:
            continue
        seen.add(key)
        try:
            package = importlib.metadata.distribution(needed.name)
        except importlib.metadata.PackageNotFoundError:
            continue  # only on another system or version
        accepted = SpecifierSet(package.metadata.get("Requires-Python", ""))
        assert accepted.contains(f"{python}.9"), needed
        assert needed.specifier.contains(pins.get(key[0], package.version), prereleases=True)
        for requirement in map(Requirement, package.requires or ()):
            asked = [environment | {"extra": extra} for extra in needed.extras or {""}]
            if requirement.marker is None or any(map(requirement.marker.evaluate, asked)):
                left.append(requirement)
    assert {"numpy", "torch", "pytest"} <= {name for name, _ in seen}


@pytest.mark.slow
def test_studies_of_stated_rates_need_no_search_for_roots_and_minima():
    program = (
        "import sys, rramsim.study.evaluate, rramsim.study.tradeoff\n"
        "print('scipy.special' in sys.modules, 'scipy.optimize' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout == "True False\n", done.stderr


@pytest.mark.slow
def test_torch_cannot_be_imported_where_tests_are_to_do_without():
    done = subprocess.run(
        [sys.executable, "-c", "import conftest, torch"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"RRAMSIM_TEST_WITHOUT_TORCH": "1", "PYTHONPATH": str(ROOT / "tests")},
    )
    assert done.stderr.endswith("ModuleNotFoundError: No module named 'torch'\n")
