"""The kinds of commands: one that does something, and the group of all."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup

from rramsim.cli.command import help
from rramsim.errors import ArgumentError, InputError


class Command(TyperCommand):
    """A command whose help has the same order and the same groups as that of every other."""

    forms: tuple[str, ...] = ()
    """How it is called, one form for each thing that it can be asked; else made of its options."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what follows the name of the command in its first form."""
        return [help.usage_forms(self)[0]]

    def invoke(self, ctx: Any) -> Any:
        """Run the command; what it refuses is named by the option that was typed.

        Raises
        ------
        InputError
            Also where it is asked to show both less and more.
        """
        if ctx.params.get("quiet") and ctx.params.get("verbose"):
            raise InputError("--quiet and --verbose were both given; give one of the two.")
        try:
            return super().invoke(ctx)
        except ArgumentError as error:
            option = typed_option(error.argument, self.params)
            if option is None:
                raise
            raise InputError(f"{option}{error.words}") from error

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help as wide as the terminal is."""
        help.print_command(self, ctx)


class Group(TyperGroup):
    """The command line as a whole, whose help lists the commands."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what follows the name of the program."""
        return ["COMMAND [ARGUMENTS]"]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the commands, in the order in which they are of use."""
        help.print_group(self, ctx)


def typed_option(argument: str, parameters: Sequence[Any]) -> str | None:
    """Return the option by which an argument or a setting was typed, None if it was not."""
    names = [name for name in argument.split(".") if not name.isdigit()]
    last = names[-1] if names else argument
    typed = {word.split("=")[0] for word in sys.argv[1:]}
    # What an option is repeated for has a plural name: protections, of one protection.
    options = [
        str(option)
        for name in (last, f"{last}s")
        for one in parameters
        if one.name == name
        for option in one.opts
    ]
    return next((option for option in options if option in typed), None)
