"""What does a person type, and what is printed?"""

from rramsim.cli.endings import interrupts_told

with interrupts_told():
    # Each command registers itself, in the order in which the help lists them.
    from rramsim.cli import tradeoff, compare, fit, train  # noqa: F401, I001
    from rramsim.cli.chips import evaluate, export  # noqa: F401
    from rramsim.cli import energy, datasets, init, bench  # noqa: F401
    from rramsim.cli.app import main

__all__ = ["main"]
