"""The command line as a whole: its subcommands, and how they are run."""

import os
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import typer

from rramsim.cli.command.kinds import Command, Group
from rramsim.cli.endings import run
from rramsim.version import __version__

app = typer.Typer(
    name="rramsim",
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def command(example: str, *forms: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what registers a function as a command.

    Parameters
    ----------
    example : str
        Sentences, and commands that begin with blanks, in paragraphs.
    *forms : str
        What follows its name in each of its forms, if it has several.
    """
    return app.command(cls=type("Command", (Command,), {"forms": forms}), epilog=example)


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

    Start with `rramsim tradeoff`, which needs no argument. `rramsim COMMAND --help` explains a
    command.
    """


def main() -> None:
    """Run the command line; a user's mistake becomes one message and exit code 2."""
    # Threads of PyTorch that wait for each other sleep. By default they spin, and where another
    # program needs the core, the thread that all wait for does not get it.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    run(partial(app, standalone_mode=False))
