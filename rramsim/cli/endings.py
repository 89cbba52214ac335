"""How does a command end: with an answer, or with one message and an exit code?

What a user gives, what memory and disk hold and what comes from outside (signals, a closed pipe)
can end a command. Here, and only here, each becomes a message. Any other error is a fault of
rramsim and keeps its traceback.
"""

import codecs
import contextlib
import os
import signal
import sys
import threading
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from rramsim.errors import DamagedWarning, InputError

_OF_SIGNAL = 128  # what a shell adds to the number of the signal that ended a process
_SIGNALS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
_PIPE = 13  # SIGPIPE, which Windows has not
GOES_ON = "run the same command again to continue."
_MOST_COLUMNS = 4  # digits
_after: list[str] = []


def say_if_interrupted(advice: str) -> None:
    """Say what a user is told beside that the command was interrupted, from now on."""
    _after[:] = [advice]


def run(command: Callable[[], Any]) -> NoReturn:
    """Run a command to the end of the process; see the module."""
    take_any_text()
    columns = os.environ.get("COLUMNS", "")
    if len(columns) > _MOST_COLUMNS or not columns.isdigit():
        # No terminal is so wide, and who draws tables for it would fail.
        os.environ.pop("COLUMNS", None)
    code: Any = 0
    try:
        with interrupts_told(), _damage_told():
            code = command() or 0
            if code:
                # What typer makes of an interrupt.
                sys.exit(code)
    except SystemExit as end:
        # typer and rich make exit code 1 of a pipe that nobody reads any more.
        code = _OF_SIGNAL + _PIPE if isinstance(end.__context__, BrokenPipeError) else end.code
    except BrokenPipeError:
        code = _OF_SIGNAL + _PIPE
    except Exception as error:
        words = in_words(error)
        if words is None:
            raise
        _tell(words)
        code = 2
    sys.exit(_flushed(code))


def in_words(error: Exception) -> str | None:
    """Return what a user is told of an error; None of one that is a fault of rramsim."""
    if (usage := usage_words(error)) is not None:
        return usage
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, MemoryError) or _is_of_memory(error):
        return (
            f"there is not enough memory ({str(error).splitlines()[0] if str(error) else 'full'})."
        )
    if isinstance(error, RecursionError):
        return "what was given is nested too deeply."
    if isinstance(error, OSError) and error.errno is not None:
        place = f"{error.filename}: " if error.filename is not None else ""
        return f"{place}{error.strerror}."
    return None


def usage_words(error: Any) -> str | None:
    """Return what a user is told of a command that was typed wrongly; None of other errors.

    typer and click have classes of their own for these errors, which change their places from
    version to version; each has a context and a message.
    """
    context: Any = getattr(error, "ctx", None)
    if not hasattr(error, "format_message"):
        return None
    parameter = getattr(error, "param", None)
    name = "" if parameter is None else parameter.metavar
    if parameter is not None and parameter.opts[0].startswith("-"):
        name = max(parameter.opts, key=len)
    words = str(error.message).rstrip(".")
    if hasattr(error, "possibilities"):
        name = error.option_name
        from rramsim.schema import did_you_mean

        words = f"there is no option {name}.{did_you_mean(name, _options_of(context))}"
    elif type(error).__name__ == "MissingParameter":
        words = f"{name} is needed"
    elif name:
        # pydantic's words begin with what a value should be.
        words = words.removeprefix("Value error, ").removeprefix("Input should be ")
        value = _typed_value(name)
        words = f"{name}{value}; accepted: {words}" if value else f"{name}: {words}"
    shown = f" {context.command_path} --help explains it." if context is not None else ""
    return f"{words.rstrip('.')}{'' if words.endswith('?') else '.'}{shown}"


def _options_of(context: Any) -> list[str]:
    return [option for one in context.command.params for option in one.opts]


def _typed_value(option: str) -> str:
    """Return what was typed as the value of an option, in words."""
    words = sys.argv[1:]
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == option:
            return f" is {following!r}"
        if word.startswith(f"{option}="):
            return f" is {word.partition('=')[2]!r}"
    return ""


def _is_of_memory(error: Exception) -> bool:
    # torch says so by a RuntimeError.
    text = str(error)
    is_torch = isinstance(error, RuntimeError)
    return is_torch and ("allocate memory" in text or "out of memory" in text)


def _tell(words: str) -> None:
    # Names are from files, and a terminal obeys control characters.
    shown = "".join(map(_shown, words))
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"rramsim: {shown}\n")


_CONTROL = ("Cc", "Cf", "Cs")


def _shown(letter: str) -> str:
    if letter == "\n" or unicodedata.category(letter) not in _CONTROL:
        return letter
    return letter.encode("unicode_escape").decode("ascii")


def _flushed(code: Any) -> Any:
    """Have all of stdout written, and return the exit code, another one where it cannot be."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up_stdout()
        return _OF_SIGNAL + _PIPE
    except OSError as error:
        _give_up_stdout()
        _tell(f"the output cannot be written ({error.strerror}).")
        return code or 2
    return code


def _give_up_stdout() -> None:
    """Let nothing be written when the interpreter ends, which would tell of the error again."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_WORDS = {
    **{"×": "x", "µ": "u", "\u03bc": "u", "Ω": "Ohm", "\u2126": "Ohm", "σ": "sigma", "±": "+-"},
    **{"≤": "<=", "≥": ">=", "≈": "~", "−": "-", "–": "-", "—": "-", "→": "->", "…": "..."},
    **{"“": '"', "”": '"', "‘": "'", "’": "'", "•": "*", "·": "*", "†": "+", "∞": "inf"},
    **{"─": "-", "━": "-", "═": "=", "│": "|", "┃": "|", "║": "|", "√": "sqrt"},
}
_BOXES = range(0x2500, 0x2580)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")


def _in_signs_of(error: UnicodeError) -> tuple[str, int]:
    """Return what stands for letters that an encoding lacks: exponents stay numbers."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    words, was_raised = [], False
    before = error.object[error.start - 1] if error.start else ""
    for letter in error.object[error.start : error.end]:
        raised = letter.translate(_RAISED)
        if raised != letter:
            is_first = not was_raised and before.translate(_RAISED) == before
            words.append(f"^{raised}" if is_first else raised)
        elif letter in _WORDS:
            words.append(_WORDS[letter])
        elif ord(letter) in _BOXES:
            words.append("+")
        else:
            plain = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
            words.append(plain or "?")
        was_raised, before = raised != letter, letter
    return "".join(words), error.end


def take_any_text() -> None:
    """Have stdout and stderr take every text: what their encoding lacks is written otherwise."""
    codecs.register_error("rramsim", _in_signs_of)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            # One that cannot be asked where it is, such as a socket, stays as it is.
            with contextlib.suppress(OSError, ValueError):
                reconfigure(errors="rramsim")


@contextmanager
def _damage_told() -> Iterator[None]:
    """Tell each file that is set aside in a line on stderr."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", DamagedWarning)
        usual: Any = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, DamagedWarning):
                _tell(str(message))
            else:
                usual(message, category, *place, **more)

        setattr(warnings, "showwarning", show)  # noqa: B010
        yield


@contextmanager
def interrupts_told() -> Iterator[None]:
    """End the process with one message where an interrupt (Ctrl-C) or SIGTERM ends what is inside.

    The exit code is 130 or 143. Code that is compiled or loads modules may make another error of a
    `KeyboardInterrupt`, so it is noted that one came: whatever error follows is told as the
    interrupt. Where interrupts are ignored, as in the background of a shell, they stay so.
    """
    _after.clear()
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        raise KeyboardInterrupt

    usual: dict[signal.Signals, Any] = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
    }
    is_main = threading.current_thread() is threading.main_thread()
    taken = [one for one in usual if is_main and signal.getsignal(one) is usual[one]]
    for one in taken:
        signal.signal(one, note)
    try:
        yield
    except BaseException as error:
        if not _is_of_interrupt(error, came):
            raise
        number = signal.Signals(came[0]) if came else signal.SIGINT
        _tell("; ".join([_SIGNALS[number], *_after]).rstrip(".") + ".")
        raise SystemExit(_OF_SIGNAL + number) from error
    finally:
        for one in taken:
            signal.signal(one, usual[one])


def _is_of_interrupt(error: BaseException, came: list[int]) -> bool:
    if isinstance(error, SystemExit):
        # typer makes an exit code of an interrupt, without a word; 0 is a command that ended.
        return error.code == _OF_SIGNAL + signal.SIGINT or bool(came and error.code)
    return bool(came) or isinstance(error, KeyboardInterrupt)
