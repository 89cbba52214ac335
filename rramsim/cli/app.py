"""The command line as a whole: its subcommands, and how a user's mistake is told."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from rramsim.cli.runs import interrupts_told
from rramsim.errors import DamagedWarning, InputError
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


@contextmanager
def _damage_told() -> Iterator[None]:
    """Tell each file that is set aside in a line on stderr."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", DamagedWarning)
        usual: Any = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, DamagedWarning):
                sys.stderr.write(f"rramsim: {message}\n")
            else:
                usual(message, category, *place, **more)

        setattr(warnings, "showwarning", show)  # noqa: B010
        yield


def main() -> None:
    """Run the command line; a user's mistake becomes one message and exit code 2."""
    try:
        with interrupts_told(), _damage_told():
            app()
    except InputError as error:
        sys.stderr.write(f"rramsim: {error}\n")
        sys.exit(2)
