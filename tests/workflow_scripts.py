"""The scripts of the workflows, loaded as modules."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

WORKFLOWS = Path(__file__).resolve().parents[1] / "workflows"


def load_script(path: str) -> ModuleType:
    """Return the module of a script of `WORKFLOWS`, such as ``"constant-neurons/run.py"``."""
    name = "workflow_" + path.replace("/", "_").replace("-", "_").removesuffix(".py")
    spec = importlib.util.spec_from_file_location(name, WORKFLOWS / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up by name.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
