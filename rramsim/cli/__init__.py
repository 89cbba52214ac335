"""The `rramsim` command: one file per subcommand, each thin."""

from rramsim.cli import evaluate, fit  # noqa: F401  (each command registers itself)
from rramsim.cli.app import main

__all__ = ["main"]
