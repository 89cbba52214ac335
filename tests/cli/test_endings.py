"""However a command ends: with its answer, or with one message and an exit code."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rramsim.cli import main
from rramsim.cli.endings import in_words, run
from rramsim.errors import InputError

ASK = "import sys; from rramsim.cli import main; main()"
FIT = ("fit", "hirtzlin2019-reconstructed")


def ending(error, capsys):
    """Return exit code and message of a command that raises an error."""

    def command():
        raise error

    with pytest.raises(SystemExit) as stopped:
        run(command)
    return stopped.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (InputError("cells.csv: nothing."), "cells.csv: nothing."),
        (MemoryError(), "there is not enough memory (full)."),
        (MemoryError("Unable to allocate 1 PiB\nmore"), "there is not enough memory (Unable to al"),
        (RuntimeError("[enforce fail] can't allocate memory: 9 bytes"), "there is not enough mem"),
        (RecursionError("maximum recursion depth exceeded"), "what was given is nested too deeply"),
        (
            OSError(28, "No space left on device", "out/a.csv"),
            "out/a.csv: No space left on device.",
        ),
        (InputError("\x1b[31mred\u202e\udce9"), r"\x1b[31mred\u202e\udce9"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_user_can_mend_is_one_message_and_exit_code_2(error, message, capsys):
    code, told = ending(error, capsys)
    assert code == 2
    assert told.startswith(f"rramsim: {message}")
    assert told.count("\n") == 1


@pytest.mark.slow
def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "rramsim", "fit", "nosuch.csv"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("rramsim: nosuch.csv: ")


@pytest.mark.parametrize("error", [ValueError("x"), RuntimeError("x"), KeyError("x")], ids=repr)
def test_a_fault_of_rramsim_keeps_its_traceback(error):
    assert in_words(error) is None
    with pytest.raises(type(error)):
        run(lambda: (_ for _ in ()).throw(error))


def test_numpy_says_how_much_memory_is_missing(capsys):
    with pytest.raises(MemoryError) as raised:
        np.empty(1 << 60, dtype=np.int8)
    code, told = ending(raised.value, capsys)
    assert (code, "1.00 EiB" in told) == (2, True)


def test_signs_that_an_encoding_lacks_are_written_otherwise():
    code = (
        "from rramsim.cli.endings import take_any_text\n"
        "take_any_text()\n"
        "print('5.6×10⁻³ ± 2 µA ≤ 25 kΩ, 10⁴, é, 漢, ┏━┓')\n"
    )
    shown = {
        "ascii": "5.6x10^-3 +- 2 uA <= 25 kOhm, 10^4, e, ?, +-+\n",
        "cp1252": "5.6×10^-³ ± 2 µA <= 25 kOhm, 10^4, é, ?, +-+\n",
        "utf-8": "5.6×10⁻³ ± 2 µA ≤ 25 kΩ, 10⁴, é, 漢, ┏━┓\n",
    }
    for encoding, expected in shown.items():
        environment = {**os.environ, "PYTHONIOENCODING": encoding}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment)
        assert done.stdout.decode(encoding) == expected


def asked(*arguments, **how):
    return subprocess.run(
        [sys.executable, "-c", ASK, *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        **how,
    )


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp437"])
def test_an_answer_goes_to_a_terminal_of_any_encoding(encoding, tmp_path):
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    with (tmp_path / "told").open("wb") as told:
        done = asked(*FIT, stdout=told, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    shown = (tmp_path / "told").read_bytes()
    # Click takes a terminal of ASCII for one of UTF-8 whose settings are lost.
    assert "memory window" in shown.decode("utf-8" if encoding == "ascii" else encoding)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
def test_stdout_that_is_full_is_told():
    with Path("/dev/full").open("w") as full:
        done = asked("fit", "--help", stdout=full)
    assert done.returncode == 2
    assert (
        done.stderr.splitlines()[-1].endswith("No space left on device.")
        or "(No space" in done.stderr
    )
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_pipe_that_nobody_reads_ends_a_command_as_it_does_others():
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        done = asked("--help", stdout=pipe)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "words"), [("SIGTERM", 143, "terminated"), ("SIGINT", 130, "interrupted")]
)
def test_a_signal_has_its_exit_code_and_what_to_do(number, code, words, tmp_path):
    """The signal comes while chips are drawn; then the same command goes on."""
    model, out = tmp_path / "net.safetensors", tmp_path / "found.csv"
    make = (
        "import rramsim, sys\n"
        "rramsim.train('digits', network='64-16-10', epochs=1, file=sys.argv[1])\n"
    )
    subprocess.run([sys.executable, "-c", make, str(model)], check=True)
    stop = (
        "import signal, sys\n"
        # Whoever runs the tests may have interrupts ignored, as in the background of a shell.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from rramsim.montecarlo import collect\n"
        "from rramsim.cli import main\n"
        "usual, counted = collect._Pending.count, []\n"
        "def count(self, tally):\n"
        "    usual(self, tally)\n"
        "    counted.append(tally)\n"
        f"    if len(counted) == 5: signal.raise_signal(signal.{number})\n"
        "collect._Pending.count = count\n"
        "main()\n"
    )
    command = ("evaluate", str(model), "--ber", "0.1", "--chips", "20", "-o", str(out))
    done = subprocess.run(
        [sys.executable, "-c", stop, *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    last = done.stderr.splitlines()[-1]
    assert last == f"rramsim: {words}; run the same command again to continue."
    tallies = out.with_name("found.csv.tallies.csv")
    kept = tallies.read_text().splitlines()
    assert len(kept) >= 6
    assert asked(*command, stdout=subprocess.DEVNULL).returncode == 0
    at_once = tmp_path / "at-once.csv"
    assert asked(*command[:-1], at_once, stdout=subprocess.DEVNULL).returncode == 0
    assert out.read_bytes() == at_once.read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "at-once.csv",
        "found.csv",
        "net.csv",
        "net.safetensors",
    ]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--yield", "1.5", "--yield is 1.5; accepted: less than 1."),
        ("--tolerance", "2", "--tolerance is 2.0; accepted: less than 1."),
        ("--protect", "foo", "--protect: protection is 'foo'; accepted: none, 2T2R,"),
        (
            "--energy-budget",
            "5",
            "--energy-budget is '5'; accepted: a number with its unit",
        ),
        ("--lrs-share", "2", "--lrs-share is 2.0; accepted: less than 1."),
        ("--reference", "5 V", "--reference: 'V' is not a unit of resistance; accepted are ohm,"),
        ("--read-pulse", "1", "--read-pulse is '1'; accepted: a voltage and a time with their"),
        ("--over-range", "5", "--over-range: '5' is not a resistance; accepted is a number with"),
        ("--cycles", "x", "--cycles is 'x'; accepted: cycles such as"),
    ],
)
def test_a_message_names_an_option_as_it_was_typed(
    option, value, message, tmp_path, monkeypatch, capsys
):
    typed = ["rramsim", "tradeoff", "--out", str(tmp_path / "out"), "--conditions", "table1"]
    cells = tmp_path / "cells.csv"
    cells.write_text("state,R (kOhm)\nLRS,5\nLRS,6\nLRS,7\nHRS,90\nHRS,95\nHRS,99\n")
    if option in ("--over-range", "--cycles"):
        typed = ["rramsim", "fit", str(cells)]
    monkeypatch.setattr(sys, "argv", [*typed, option, value])
    with pytest.raises(SystemExit) as stopped:
        main()
    last = capsys.readouterr().err.splitlines()[-1]
    assert stopped.value.code == 2
    assert last.startswith(f"rramsim: {message}")
    assert not (tmp_path / "out").exists()


def test_a_setting_of_a_file_is_named_as_it_stands_there(tmp_path, monkeypatch, capsys):
    study = tmp_path / "study.toml"
    study.write_text("chip_yield = 1.5\n")
    monkeypatch.setattr(sys, "argv", ["rramsim", "tradeoff", str(study), "--tolerance", "0.1"])
    with pytest.raises(SystemExit):
        main()
    assert "study.toml: chip_yield is 1.5; accepted: less than 1." in capsys.readouterr().err


def test_a_width_that_no_terminal_has_is_not_believed(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["rramsim", "--help"])
    for width in ("9" * 30, "-5", "x"):
        monkeypatch.setenv("COLUMNS", width)
        with pytest.raises(SystemExit) as stopped:
            main()
        assert stopped.value.code == 0
    assert "tradeoff" in capsys.readouterr().out
