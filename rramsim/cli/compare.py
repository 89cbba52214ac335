"""`rramsim compare`: finished studies side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rramsim.cli import options
from rramsim.cli.app import app

_EXAMPLE = """
Example, the default study with two seeds:

    rramsim tradeoff --out one

    rramsim tradeoff --seed 2 --out two

    rramsim compare one two
"""


@app.command(epilog=_EXAMPLE)
def compare(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR DIR...", help="Folders of finished studies; the first is the reference."
        ),
    ],
    as_json: options.AsJson = False,
    verbose: options.Verbose = False,
) -> None:
    """Compare finished studies: what differs in their inputs, and what in their answers.

    Losses that differ beyond their intervals are told from those that do not.
    """
    from rramsim.cli.runs import window
    from rramsim.study import compare as study

    found = study.compare(*folders)
    if as_json:
        typer.echo(found.to_json())
        return
    typer.echo(found.text(**window(), verbose=verbose), nl=False)
