"""What do the files of each tester look like?

Every module here that registers a tester is found by itself, in the order of their names.
"""

import importlib
import pkgutil

from rramsim.readers.testers.registry import Instrument, register, tables_of, unregister

for _module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_module}")

__all__ = ["Instrument", "register", "tables_of", "unregister"]
