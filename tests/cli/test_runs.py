"""How far a command is, and an interrupt: one message and 130, wherever it comes."""

import io
import re
import signal
import subprocess
import sys

import pytest

from rramsim.cli import main
from rramsim.cli.endings import interrupts_told
from rramsim.cli.runs import shown_progress, window
from rramsim.errors import InputError

MESSAGE = "rramsim: interrupted.\n"


@pytest.fixture(autouse=True)
def usual_interrupts():
    """Have interrupts raise, as in a terminal: who runs the tests may have them ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@interrupts_told()
def interrupted_and_raising(error):
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt as interrupt:
        raise error from interrupt


@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt(),
        SystemExit(130),
        SystemExit(1),
        # What compiled code and imports make of it.
        RuntimeError("error in a callback"),
        ImportError("partially initialized module"),
        InputError("file: cannot be written."),
    ],
    ids=repr,
)
def test_whatever_an_interrupt_becomes_it_is_told_as_one(capsys, error):
    with pytest.raises(SystemExit) as stopped:
        interrupted_and_raising(error)
    assert stopped.value.code == 130
    assert capsys.readouterr().err == MESSAGE
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("error", [SystemExit(2), RuntimeError("a fault"), InputError("a mistake")])
def test_an_error_without_an_interrupt_stays_what_it_is(capsys, error):
    with pytest.raises(type(error)) as raised, interrupts_told():
        raise error
    assert raised.value is error
    assert capsys.readouterr().err == ""


def test_a_command_that_ends_well_after_all_is_no_interrupted_one(capsys):
    with pytest.raises(SystemExit) as stopped:
        interrupted_and_raising(SystemExit(0))
    assert stopped.value.code == 0
    assert capsys.readouterr().err == ""


def test_interrupts_that_a_shell_has_ignored_stay_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interrupts_told():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_an_interrupt_while_the_command_is_loaded_is_told_too():
    code = (
        "import signal, sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer':\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from rramsim.cli import main\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", MESSAGE)


class Screen(io.StringIO):
    """What a terminal was sent."""

    def isatty(self):
        return True


def told(stream, monkeypatch, **options):
    monkeypatch.setattr(sys, "stderr", stream)
    with shown_progress(**options) as on_progress:
        on_progress("reading files", 0, 1)
        on_progress("reading files", 1, 1)
        for done in range(3):
            on_progress("training networks", done, 2, note=f"epoch {done}")
    return stream.getvalue()


def test_without_a_terminal_each_stage_is_one_line_without_control_codes(monkeypatch):
    # Where colours are asked for, as in many logs, a log still is none.
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert told(io.StringIO(), monkeypatch) == "reading files\ntraining networks\n"
    assert told(io.StringIO(), monkeypatch, in_terminal_only=True) == ""


@pytest.mark.parametrize("stream", [io.StringIO, Screen])
def test_a_quiet_command_shows_nothing_of_its_progress(stream, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    assert told(stream(), monkeypatch, quiet=True) == ""


def test_a_terminal_shows_a_bar_for_each_stage(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    shown = told(Screen(), monkeypatch)
    assert "reading files" in shown
    assert "2/2" in shown
    assert shown.endswith("\x1b[?25h")  # the cursor is shown again


def test_a_terminal_without_control_codes_gets_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    assert told(Screen(), monkeypatch) == "reading files\ntraining networks\n"


def test_an_interrupt_beside_a_bar_is_told_on_a_line_of_its_own(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)

    @interrupts_told()
    def interrupted():
        with shown_progress() as on_progress:
            on_progress("training networks", 1, 2)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(SystemExit) as stopped:
        interrupted()
    assert stopped.value.code == 130
    # The codes that follow the bar move nothing.
    before = re.sub(r"\x1b\[\?25h", "", screen.getvalue().removesuffix(MESSAGE))
    assert screen.getvalue().endswith(MESSAGE)
    assert before.endswith("\n")


@pytest.mark.parametrize(
    ("columns", "expected"), [("72", {"width": 72}), ("", {}), ("0", {}), ("wide", {})]
)
def test_a_file_is_as_wide_as_it_is_said_to_be(monkeypatch, columns, expected):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setenv("COLUMNS", columns)
    assert window() == expected


@pytest.mark.slow
def test_no_training_is_told_where_all_networks_are_there(tmp_path, monkeypatch, capsys):
    train = ("train", "--network", "64-16-10", "--epochs", "1", "--out", str(tmp_path))
    told = []
    # The last one adds a network to the one that is there.
    for more in ((), (), ("--trainings", "2")):
        monkeypatch.setattr(sys, "argv", ["rramsim", *train, *more])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert stopped.value.code == 0
        told.append(capsys.readouterr().err)
    assert told == ["training networks\n", "", "training networks\n"]


@pytest.mark.slow
def test_a_file_that_is_set_aside_is_told_in_a_line(tmp_path, monkeypatch, capsys):
    train = ("train", "--network", "64-16-10", "--epochs", "1", "--out", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["rramsim", *train])
    texts = []
    for _ in range(2):
        with pytest.raises(SystemExit) as stopped:
            main()
        assert stopped.value.code == 0
        texts.append(capsys.readouterr())
        (model,) = tmp_path.glob("*.safetensors")
        model.write_bytes(model.read_bytes()[:-1])
    first, second = texts
    assert first.err == "training networks\n"
    line, rest = second.err.split("\n", 1)
    assert line.startswith(f"rramsim: {model}: this is not a whole safetensors file")
    assert line.endswith(f"It is kept as {model.name}.damaged, and what it held is made again.")
    assert rest == "training networks\n"
