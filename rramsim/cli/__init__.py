"""The `rramsim` command: one file per subcommand, each thin."""

from rramsim.cli.app import main

__all__ = ["main"]
