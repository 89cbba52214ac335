"""`rramsim init`: a commented study file for measurements of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from rramsim.cli import options
from rramsim.cli.app import command

_EXAMPLE = """
A study of two files, and its first run:

    rramsim init --measurements a.csv --measurements b.csv

    rramsim tradeoff study.toml --out results
"""


@command(_EXAMPLE)
def init(
    measurements: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Measured resistances: a file, a folder of files, or a shipped set. Repeatable.",
            rich_help_panel=options.INPUT,
        ),
    ] = None,
    conditions: options.Conditions = None,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE.toml",
            help="The study file to write.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = Path("study.toml"),
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Write a study file with every setting, what it means, and its default or an example.

    An existing file is never overwritten.
    """
    options.check_suffix(output, (".toml",), option="-o")
    from rramsim.study.new_study import write_study

    write_study(output, measurements=measurements or (), conditions=conditions)
    if as_json:
        typer.echo(json.dumps({"study": str(output), "measurements": measurements or []}, indent=2))
        return
    if quiet:
        typer.echo(str(output))
        return
    if not measurements:
        typer.echo(f"{output} names cells.csv: write the name of your own file instead.")
    typer.echo(f"Change what differs from the defaults in {output}, then run:")
    typer.echo(f"  rramsim tradeoff {quote(str(output))} --out results")
    if verbose:
        typer.echo(f"\nIt holds:\n\n{output.read_text(encoding='utf-8').rstrip()}")
