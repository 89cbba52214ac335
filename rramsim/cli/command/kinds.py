"""The kinds of commands: one that does something, and the group of all."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup

from rramsim.cli.command import help
from rramsim.errors import ArgumentError, InputError

_FOLDERS_WRITTEN = frozenset(["out", "report"])
_FILES_WRITTEN = frozenset(["output", "plot"])
# What a person who knows the functions of Python types for one.
_PART_OF = {
    "recommend": "rramsim tradeoff recommends. Run it again with the same inputs and --out FOLDER "
    "to ask a finished folder for other requirements, such as --tolerance 0.02; it simulates no "
    "new chips for them",
    "plot": "rramsim fit --report FOLDER and rramsim tradeoff --out FOLDER draw the figures",
}


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
        _check_places(ctx.params)
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

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that was typed; name what does the work of one that is not there.

        Raises
        ------
        InputError
            For a function of Python that is part of a command.
        """
        if args and args[0] in _PART_OF:
            raise InputError(f"there is no command {args[0]!r}: {_PART_OF[args[0]]}.")
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the commands, in the order in which they are of use."""
        help.print_group(self, ctx)


def _check_places(parameters: Mapping[str, Any]) -> None:
    """Refuse a file where a folder will be written, or the other way round, before any work."""
    for name in _FOLDERS_WRITTEN & parameters.keys():
        if parameters[name] is not None:
            from rramsim.files import check_folder

            check_folder(Path(parameters[name]))
    for name in _FILES_WRITTEN & parameters.keys():
        if parameters[name] is not None and Path(parameters[name]).is_dir():
            raise InputError(f"{parameters[name]}: this is a folder; name a file to write.")


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
