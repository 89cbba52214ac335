"""How far is a long command, what of it is shown, and what becomes of an interrupt (Ctrl-C)?"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from rramsim.progress import OnProgress, silent

_INTERRUPTED = 130  # what a shell says of a process that SIGINT ended: 128 + 2
_MESSAGE = "rramsim: interrupted; run the same command again to go on.\n"


@contextmanager
def interrupts_told() -> Iterator[None]:
    """End the process with one message and exit code 130 where an interrupt ends what is inside.

    Code that is compiled or loads modules may make another error of a `KeyboardInterrupt`, so it
    is noted that one came: whatever error follows is told as the interrupt. Where interrupts are
    ignored, as in the background of a shell, they stay so.
    """
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        raise KeyboardInterrupt

    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    takes_signals = usual and threading.current_thread() is threading.main_thread()
    if takes_signals:
        signal.signal(signal.SIGINT, note)
    try:
        yield
    except BaseException as error:
        if not _is_of_interrupt(error, came):
            raise
        sys.stderr.write(_MESSAGE)
        raise SystemExit(_INTERRUPTED) from error
    finally:
        if takes_signals:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _is_of_interrupt(error: BaseException, came: list[int]) -> bool:
    if isinstance(error, SystemExit):
        # typer makes an exit code of an interrupt, without a word; 0 is a command that ended.
        return error.code == _INTERRUPTED or bool(came and error.code)
    return bool(came) or isinstance(error, KeyboardInterrupt)


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

    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        Remaining(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=transient) as progress:
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
