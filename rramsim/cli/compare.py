"""`rramsim compare`: finished studies side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rramsim.cli import options
from rramsim.cli.app import command

_EXAMPLE = """
The default study with two seeds, and the comparison as a page:

    rramsim tradeoff --out one

    rramsim tradeoff --seed 2 --out two

    rramsim compare one two -o one-and-two.html
"""


@command(_EXAMPLE)
def compare(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR DIR...", help="Folders of finished studies; the first is the reference."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE.html",
            help="Also write the comparison as a page, with all points.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Compare finished studies: differences in their inputs and in their answers.

    Losses that differ by more than their intervals are marked.
    """
    from rramsim.cli.runs import window
    from rramsim.study import compare as study

    options.check_suffix(output, (".html",), option="-o")
    found = study.compare(*folders)
    if output is not None:
        found.report(output)
    if as_json:
        typer.echo(found.to_json())
        return
    typer.echo(found.text(**window(), quiet=quiet, verbose=verbose), nl=False)
