"""The command line as a whole: its subcommands, and how they are run."""

from typing import Annotated

import typer

from rramsim.cli.endings import run
from rramsim.version import __version__

app = typer.Typer(
    name="rramsim",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rramsim {__version__}")
        raise typer.Exit


@app.callback()
def _rramsim(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """From measured RRAM resistances to the energy-accuracy trade-off of a binarized network.

    Start with `rramsim tradeoff`: it needs no argument.
    """


def main() -> None:
    """Run the command line; a user's mistake becomes one message and exit code 2."""
    run(app)
