"""The front door: the names that `import rramsim` gives, and what they cost."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import rramsim

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
