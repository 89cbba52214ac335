"""An interrupt ends a command with one message and 130, wherever it comes."""

import signal
import subprocess
import sys

import pytest

from rramsim.cli.interrupts import interrupts_told
from rramsim.errors import InputError

MESSAGE = "rramsim: interrupted; run the same command again to go on.\n"


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
