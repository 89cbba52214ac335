"""The front door: the names that `import rramsim` gives, and what they cost."""

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
HEAVY = ("numpy", "xarray", "torch", "pandas", "scipy", "matplotlib", "numba", "pydantic", "pint")


def _run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_importing_rramsim_loads_nothing_heavy():
    done = _run(
        "import sys, rramsim\n"
        "assert rramsim.__version__ and 'fit_lognormal' in dir(rramsim)\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_name_loads_only_what_it_needs():
    done = _run("import sys, rramsim; rramsim.InputError; print('numpy' in sys.modules)")
    assert (done.stdout, done.stderr) == ("False\n", "")


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


@pytest.fixture(scope="module")
def type_check(tmp_path_factory):
    """Return a function that has mypy check a script as a user's."""
    pytest.importorskip("mypy")
    folder = tmp_path_factory.mktemp("scripts")
    package = Path(rramsim.__file__).parent
    found_by_mypy = "site-packages" in package.parts
    environment = {} if found_by_mypy else {"MYPYPATH": str(package.parent)}
    # What a script meets of rramsim needs no types of torch, which take longer than all others.
    left_out = '[[tool.mypy.overrides]]\nmodule = ["torch.*"]\nfollow_imports = "skip"\n'
    (folder / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text() + left_out)

    def check(script):
        (folder / "script.py").write_text(script)
        options = ["--strict", "--follow-imports=silent", "--config-file=pyproject.toml"]
        done = subprocess.run(
            [sys.executable, "-m", "mypy", *options, "script.py"],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            env=os.environ | environment,
        )
        return done.stdout + done.stderr

    return check


@pytest.mark.slow
def test_a_strict_type_checker_accepts_a_user_s_script(type_check):
    assert type_check(USER_SCRIPT) == "Success: no issues found in 1 source file\n"


@pytest.mark.slow
def test_a_strict_type_checker_finds_a_wrong_name_and_a_wrong_type(type_check):
    found = type_check("import rramsim\nrramsim.fit_normal()\nrramsim.IidFaults('1%')\n")
    assert 'script.py:2: error: Module has no attribute "fit_normal"' in found
    assert 'script.py:3: error: Argument 1 to "IidFaults" has incompatible type' in found
