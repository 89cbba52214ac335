"""`rramsim datasets`: the data that come with rramsim."""

from __future__ import annotations

import typer

from rramsim.cli import options
from rramsim.cli.app import command

_EXAMPLE = """
The list, and a fit of one of the sets:

    rramsim datasets

    rramsim fit ni-rram-64kb-cycling
"""


@command(_EXAMPLE)
def datasets(
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """List the shipped data: what each set is, its origin, licence, conditions and cells."""
    from rramsim.cli.runs import window
    from rramsim.readers.shipped.datasets import datasets as shipped
    from rramsim.report.datasets import datasets_answer, datasets_text

    sets = shipped()
    if as_json:
        typer.echo(datasets_answer(sets))
        return
    if quiet:
        typer.echo("\n".join(sets.index))
        return
    typer.echo(datasets_text(sets, width=window().get("width")), nl=False)
    if verbose:
        from rramsim.readers.shipped import resolve

        files = "".join(f"\n  {name}: {resolve(name)}" for name in sets.index)
        typer.echo(f"\nThe files and folders:{files}")
