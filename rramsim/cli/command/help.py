"""How does the help of a command look: forms, groups of options, examples?"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rramsim.cli.options import PANELS
from rramsim.report.terminal_table import wrapped

if TYPE_CHECKING:
    from rich.console import Console

_LEAST_TEXT = 30
"""Characters that the text of an option has at least; longer names of options take a line."""
_INDENT = "  "
_QUOTED = re.compile(r'"[^"]{1,30}"')
_GAP = "\N{NO-BREAK SPACE}"
_NAME = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")


Part = str | tuple[str, Sequence[tuple[str, str]]] | Sequence[str]
"""A paragraph, a heading with rows of a name and a text, or lines that are not wrapped."""


def print_command(command: Any, ctx: Any) -> None:
    """Print the help of a command as wide as the terminal is."""
    forms = [f"{ctx.command_path} {form}" for form in usage_forms(command)]
    console = _console()
    examples = ("Examples", ()), *_examples(command.epilog, _width(console))
    _print(console, [*_heading(command, forms), *_options(command, ctx), *examples])


def print_group(group: Any, ctx: Any) -> None:
    """Print the commands of a group with their first sentences."""
    forms = [f"{ctx.command_path} {group.collect_usage_pieces(ctx)[0]}"]
    commands = [
        (name, inspect.cleandoc(command.help or "").partition("\n\n")[0])
        for name, command in group.commands.items()
    ]
    parts = [*_heading(group, forms), ("Commands", commands), *_options(group, ctx)]
    _print(_console(), parts)


def usage_forms(command: Any) -> tuple[str, ...]:
    """Return what follows the name of a command in each of its forms."""
    if command.forms:
        return tuple(command.forms)
    needed = [
        f"{one.opts[0]} {one.metavar}"
        for one in command.params
        if one.required and one.opts[0].startswith("-")
    ]
    arguments = [one.metavar for one in command.params if not one.opts[0].startswith("-")]
    return (" ".join([*arguments, *needed, "[OPTIONS]"]),)


def _heading(command: Any, forms: Sequence[str]) -> Iterator[Part]:
    labels = ["Usage:", *["      "] * (len(forms) - 1)]
    yield [f"{label} {form}" for label, form in zip(labels, forms, strict=True)]
    yield from inspect.cleandoc(command.help or "").split("\n\n")


def _options(command: Any, ctx: Any) -> Iterator[Part]:
    """Yield the groups of options in the order of `PANELS`, arguments first."""
    rows: dict[str, list[tuple[str, str]]] = {panel: [] for panel in ("Arguments", *PANELS)}
    for one in command.get_params(ctx):
        if getattr(one, "hidden", False):
            continue
        is_option = one.opts[0].startswith("-")
        panel = getattr(one, "rich_help_panel", None) or PANELS[-1]
        rows[panel if is_option else "Arguments"].append(
            (_label(one) if is_option else one.metavar.strip("[]"), _text(one))
        )
    yield from ((panel, some) for panel, some in rows.items() if some)


def _label(option: Any) -> str:
    names = sorted(option.opts, key=len)
    both = ", ".join(names) + "".join(f"/{name}" for name in option.secondary_opts)
    return f"{both} {option.metavar}" if option.metavar and not option.is_flag else both


def _text(option: Any) -> str:
    text = option.help or ""
    is_flag = getattr(option, "is_flag", False)
    default = option.default
    if option.required and option.opts[0].startswith("-"):
        text += " Required."
    elif not is_flag and option.show_default and default not in (None, "", ()):
        shown = getattr(default, "value", default)
        text += f" Default: {shown:g}." if isinstance(shown, float) else f" Default: {shown}."
    return text


def _examples(epilog: str | None, width: int) -> Iterator[Part]:
    """Yield the texts of examples, and after each its commands."""
    blocks = (epilog or "").strip("\n").split("\n\n")
    for is_command, several in groupby(blocks, key=lambda block: block.startswith(" ")):
        if is_command:
            commands = (command_lines(one, width - len(_INDENT)) for one in several)
            yield [_INDENT + line for lines in commands for line in lines]
        else:
            yield from several


def _console() -> Console:
    from rich.console import Console
    from rich.highlighter import RegexHighlighter
    from rich.theme import Theme

    class Names(RegexHighlighter):
        highlights = (rf"(?P<name>{_NAME.pattern})",)

    theme = Theme({"name": "cyan"})
    return Console(theme=theme, highlighter=Names(), markup=False, emoji=False)


def _width(console: Console) -> int:
    # Longer lines are hard to read.
    return min(console.width, 110)


def _print(console: Console, parts: Sequence[Part]) -> None:
    """Print help, with the names of options in colour on a terminal."""
    width = _width(console)
    for part in parts:
        if isinstance(part, str):
            lines = wrapped_text(part, width)
        elif isinstance(part, tuple):
            heading, rows = part
            console.print(heading, style="bold", highlight=False)
            lines = list(_rows(rows, width))
        else:
            lines = list(part)
        for line in lines:
            console.print(line, soft_wrap=True)
        if lines:
            console.print()


def _rows(rows: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    """Yield rows of a name and its text; a name that is too long has a line of its own."""
    most = max(width - len(_INDENT) - _LEAST_TEXT - 2, 10)
    beside = max((len(name) for name, _ in rows if len(name) <= most), default=most)
    room = max(width - len(_INDENT) - beside - 2, 10)
    for name, text in rows:
        lines = wrapped_text(text, room)
        if len(name) > beside:
            yield _INDENT + name
            name = ""
        for line in lines:
            yield f"{_INDENT}{name:<{beside}}  {line}".rstrip()
            name = ""


def wrapped_text(text: str, width: int) -> list[str]:
    """Return the lines of a text; short texts in quotation marks stay on one line.

    >>> wrapped_text('A reference, such as "25 kOhm".', 25)
    ['A reference, such as', '"25 kOhm".']
    """
    words = " ".join(text.replace("`", "").split())
    whole = _QUOTED.sub(lambda quoted: quoted.group().replace(" ", _GAP), words)
    return wrapped(whole, width).replace(_GAP, " ").split("\n")


def command_lines(command: str, width: int) -> list[str]:
    r"""Return a command in lines that a shell takes as one; none begins within an option.

    >>> command_lines('rramsim energy net --read-pulse "0.2 V, 10 ns" --inferences 1e9', 50)
    ['rramsim energy net --read-pulse "0.2 V, 10 ns" \\', '    --inferences 1e9']
    """
    first, *options = re.split(r" (?=--?[A-Za-z])", " ".join(command.split()))
    lines = [first]
    for number, option in enumerate(options, start=1):
        end = 2 * (number < len(options))
        if len(lines[-1]) + 1 + len(option) + end <= width:
            lines[-1] += f" {option}"
        else:
            lines[-1] += " \\"
            lines.append(f"    {option}")
    return lines
