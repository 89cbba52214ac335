"""The front door: the names that `import rramsim` gives.

tests/test_package.py says what it loads.
"""

import ast
import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rramsim

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", rramsim.__all__)
def test_every_public_name_is_there_and_has_an_example(name):
    value = getattr(rramsim, name)
    assert name in dir(rramsim)
    assert vars(rramsim)[name] is value  # loaded once
    # tests/test_docs.py runs the examples of every docstring.
    assert ">>> " in (inspect.getdoc(value) or "")


def test_a_name_that_is_not_public_is_refused_as_of_any_module():
    with pytest.raises(AttributeError, match="module 'rramsim' has no attribute 'fit_normal'"):
        rramsim.fit_normal  # noqa: B018


def test_type_checkers_are_told_of_the_same_names_in_the_same_modules():
    (block,) = [
        node
        for node in ast.parse(Path(rramsim.__file__).read_text()).body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name)
    ]
    told = {
        alias.asname: getattr(importlib.import_module(node.module), alias.name)
        for node in block.body
        for alias in node.names
    }
    assert told == {name: getattr(rramsim, name) for name in rramsim.__all__}


def test_no_public_name_is_that_of_a_room_or_a_module():
    # Whichever were imported last would stand for both.
    below = {module.name for module in pkgutil.iter_modules(rramsim.__path__)}
    assert not below & set(rramsim.__all__)


def test_the_page_on_python_documents_every_public_name_once():
    page = (ROOT / "docs" / "api.md").read_text()
    directives = re.findall(r"^\.\. auto\w+:: rramsim\.(\w+)$", page, re.MULTILINE)
    assert sorted(directives) == rramsim.__all__


def test_every_function_on_that_page_has_an_example():
    page = (ROOT / "docs" / "api.md").read_text()
    functions = re.findall(r"^\.\. autofunction:: (\S+)$", page, re.MULTILINE)
    without = [
        name
        for name in functions
        if ">>> " not in (inspect.getdoc(pkgutil.resolve_name(name)) or "")
    ]
    assert without == []


USER_SCRIPT = """
import rramsim

fit = rramsim.fit_lognormal([4.8e3, 5.1e3, 5.6e3])
spread: float = fit.sigma
rate = rramsim.bit_error_rate(fit, rramsim.fit_lognormal([1e5, 2e5, 4e5]), reference="25 kOhm")
ber: float = rate.estimate
faults: list[rramsim.FaultModel] = [rramsim.IidFaults(1e-3), rramsim.StateFaults(0, 0.1)]


network = rramsim.train("digits", training_ber=0.05)
accuracy: float = network.accuracy
rramsim.save_network("network.safetensors", network)
curve = rramsim.evaluate(network, faults, chips=50)
axes = rramsim.plot_accuracy(curve, ax=None)
result = rramsim.tradeoff("cells.csv", "energies.toml", out="results", tolerance=0.02)
reason: str = result.recommendation.reason


def pixels(name: str) -> int:
    try:
        return rramsim.load_images(name).features
    except rramsim.InputError:
        return 0
"""


WRONG_SCRIPT = """
import rramsim
rramsim.fit_normal()
rramsim.IidFaults('1%')
"""


@pytest.mark.slow
def test_a_strict_type_checker_accepts_a_user_s_script_and_finds_what_is_wrong_in_one(
    tmp_path, pytestconfig
):
    pytest.importorskip("mypy")
    package = Path(rramsim.__file__).parent
    found_by_mypy = "site-packages" in package.parts
    environment = {} if found_by_mypy else {"MYPYPATH": str(package.parent)}
    # What a script meets of rramsim needs no types of torch, which take longer than all others.
    left_out = '[[tool.mypy.overrides]]\nmodule = ["torch.*"]\nfollow_imports = "skip"\n'
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text() + left_out)
    (tmp_path / "script.py").write_text(USER_SCRIPT)
    (tmp_path / "wrong.py").write_text(WRONG_SCRIPT)
    # Types that were read once are kept from one run of the tests to the next, if anything is.
    cache = getattr(pytestconfig, "cache", None)
    kept = tmp_path / "types" if cache is None else cache.mkdir("mypy")
    options = ["--strict", "--follow-imports=silent", f"--cache-dir={kept}"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file=pyproject.toml", *options, "."],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | environment,
    )
    assert "script.py" not in done.stdout, done.stdout + done.stderr
    no_name, wrong_type, total = done.stdout.splitlines()
    assert no_name.startswith('wrong.py:3: error: Module has no attribute "fit_normal"')
    assert wrong_type.startswith('wrong.py:4: error: Argument 1 to "IidFaults" has incompatible')
    assert total == "Found 2 errors in 1 file (checked 2 source files)"
