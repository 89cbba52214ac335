"""What becomes of an interrupt (Ctrl-C), wherever it comes?"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

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
