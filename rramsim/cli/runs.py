"""How far is a long command, and what of it is shown?"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rramsim.progress import OnProgress, silent

_WIDE = 120


@contextmanager
def shown_progress(*, quiet: bool = False, in_terminal_only: bool = False) -> Iterator[OnProgress]:
    """Give a callback that shows on stderr how far a command is; stdout stays for results.

    A terminal shows a bar a stage. Elsewhere, as in a pipe or a log, each stage is a line when
    the first of its steps is done, without control codes: of a file that cannot be read there is
    the message alone.

    Parameters
    ----------
    quiet : bool
        Whether nothing is shown.
    in_terminal_only : bool
        Whether it is for a short command: its bars go when it is done, and elsewhere there is
        nothing.
    """
    # Not what FORCE_COLOR and its like make of a pipe: they are about colours.
    if quiet:
        yield silent
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _bars(transient=in_terminal_only) as on_progress:
            yield on_progress
    else:
        yield silent if in_terminal_only else _lines()


def _lines() -> OnProgress:
    shown: set[str] = set()

    def on_progress(stage: str, done: int, total: int, note: str = "") -> None:
        if done and stage not in shown:
            shown.add(stage)
            sys.stderr.write(f"{stage}\n")
            sys.stderr.flush()

    return on_progress


@contextmanager
def _bars(*, transient: bool) -> Iterator[OnProgress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as Remaining

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:<26}"),
        # Counts and times are cut where all together is wider than the terminal.
        BarColumn(bar_width=40 if console.width >= _WIDE else 10),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        Remaining(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, transient=transient) as progress:
        bars: dict[str, Any] = {}

        def on_progress(stage: str, done: int, total: int, note: str = "") -> None:
            # Of one step only it can be said that it goes on: the bar moves to and fro.
            steps = None if total == 1 and not done else total
            if stage not in bars:
                bars[stage] = progress.add_task(stage, total=steps, note=note)
            progress.update(bars[stage], completed=done, total=steps, note=note)

        yield on_progress


def window() -> dict[str, Any]:
    """Return the width in which text is shown, and whether it is styled.

    Into a file or a pipe there is no window to fit, unless COLUMNS says how wide it is.
    """
    if not sys.stdout.isatty():
        columns = os.environ.get("COLUMNS", "")
        return {"width": int(columns)} if columns.isdigit() and int(columns) else {}
    from rich.console import Console

    return {"width": Console().width, "styled": True}
