"""What all commands share: one spelling of options, JSON, completion, and where to begin."""

import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import rramsim
from rramsim.cli.app import app
from rramsim.cli.options import PANELS
from rramsim.errors import InputError
from rramsim.study.reading import CircuitsTable, ReadingTable, UseTable
from rramsim.study.settings import Study
from rramsim.study.training_settings import MethodTable, TrainingFile

RRAMSIM = Path(sys.executable).with_name("rramsim")
COMMANDS = get_command(app).commands
OPTIONS = [
    (name, one)
    for name, command in COMMANDS.items()
    for one in command.params
    if one.opts[0].startswith("-")
]
AGREED = {"chip_yield": "--yield", "protection": "--protect", "protections": "--protect"}
AGREED |= {"as_json": "--json"}
"""Spellings that differ from the name in Python, where they were agreed on or Python has a word."""
HOW_TO_RUN = {"out", "device", "scheduler", "as_json", "quiet", "verbose"}


def _of(*models):
    return {name for model in models for name in model.model_fields}


def _parameters(*functions):
    return {name for one in functions for name in inspect.signature(one).parameters}


def _long(option):
    return max((*option.opts,), key=len)


def test_an_option_is_spelled_as_the_setting_and_the_argument_are():
    for command, one in OPTIONS:
        spelled = AGREED.get(one.name, f"--{one.name.replace('_', '-')}")
        # One that is repeated names one thing each time.
        assert _long(one) in (spelled, spelled.removesuffix("s") if one.multiple else spelled), (
            command,
            one.name,
        )


def test_what_a_command_is_asked_has_the_name_that_it_has_in_files_and_in_python():
    tables = (CircuitsTable, ReadingTable, UseTable)
    known = {
        "tradeoff": _of(Study, *tables) | {"correlated_by"},
        "train": _of(TrainingFile, MethodTable),
        "fit": _parameters(rramsim.fit) | {"report", "plot", "output"},
        "energy": _of(Study, *tables) | {"protection"},
        "export": _parameters(rramsim.export_tiles),
        "evaluate": _parameters(rramsim.evaluate, rramsim.read_back, rramsim.read_error_map)
        | _parameters(rramsim.FitResult.faults, rramsim.fit, rramsim.report_chip)
        | _of(Study)
        | {"ber", "condition", "tile", "correlated_by", "read_back", "error_map", "certificate"}
        | {"report", "plot", "output"},
    }
    for command, names in known.items():
        asked = {one.name for name, one in OPTIONS if name == command} - HOW_TO_RUN
        assert asked <= names, command


def test_commands_that_share_an_option_spell_group_and_order_it_alike():
    spelled, panels, before = {}, {}, set()
    for command, one in OPTIONS:
        assert spelled.setdefault(one.name, one.opts) == one.opts, (command, one.name)
        assert panels.setdefault(_long(one), one.rich_help_panel) == one.rich_help_panel, one.name
        assert one.rich_help_panel in PANELS
    for name in COMMANDS:
        order = [_long(one) for command, one in OPTIONS if command == name]
        for panel in PANELS:
            shown = [one for one in order if panels[one] == panel]
            before |= {(first, later) for k, first in enumerate(shown) for later in shown[k + 1 :]}
    assert before & {(later, first) for first, later in before} == set()


def test_every_command_shows_json_less_and_more():
    texts = {}
    for name in COMMANDS:
        shared = {one.name: one.help for command, one in OPTIONS if command == name}
        for option in ("as_json", "quiet", "verbose"):
            assert texts.setdefault(option, shared[option]) == shared[option]
    both = CliRunner().invoke(app, ["datasets", "--quiet", "--verbose"])
    assert str(both.exception) == "--quiet and --verbose were both given; give one of the two."
    less, usual = (
        CliRunner().invoke(app, ["datasets", *more]).stdout for more in (["--quiet"], [])
    )
    assert less.splitlines() == list(rramsim.datasets().index)
    assert len(usual) > len(less)


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_fits_a_terminal_and_its_examples_can_be_copied(name):
    for width in (60, 80, 120):
        runner = CliRunner(env={"COLUMNS": str(width), "TERM": "dumb"})
        shown = runner.invoke(app, [*name.split(), "--help"], prog_name="rramsim").stdout
        usage, _, rest = shown.partition("\n\n")
        assert max(map(len, rest.splitlines())) <= width
        assert "<" not in shown
        assert not re.search(r"\{\w|\[\[", usage)
        commands = rest.partition("Examples\n")[2].replace("\\\n", " ").splitlines()
        typed = [shlex.split(line) for line in commands if line.startswith("  rramsim ")]
        assert bool(typed) == bool(name)
        for words in typed:
            known = {option for one in COMMANDS[words[1]].params for option in one.opts}
            assert {word for word in words if word.startswith("-")} <= known


@pytest.mark.slow
def test_a_shell_completes_commands_and_options():
    def completed(words):
        environment = {"_RRAMSIM_COMPLETE": "complete_bash", "COMP_WORDS": words}
        environment["COMP_CWORD"] = str(len(words.split(" ")) - 1)
        done = subprocess.run(
            [RRAMSIM],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | environment,
        )
        return done.stdout.split()

    assert completed("rramsim t") == ["tradeoff", "train"]
    assert "--measurements" in completed("rramsim tradeoff --me")


def test_the_list_of_shipped_sets_says_what_each_is_and_what_one_may_do_with_it():
    answer = json.loads(CliRunner().invoke(app, ["datasets", "--json"]).stdout)
    sets = {one["name"]: one for one in answer["datasets"]}
    assert sets["ni-rram-64kb-cycling"] | {"description": "", "citation": ""} == {
        "name": "ni-rram-64kb-cycling",
        "description": "",
        "origin": "measured",
        "conditions": ["ni-rram-64kb-cycling"],
        "states": ["LRS", "HRS"],
        "cells": 1024,
        "licence": "MIT (LICENSE)",
        "citation": "",
    }
    assert (sets["table1"]["cells"], sets["table1"]["states"]) == (None, [])
    shown = CliRunner(env={"COLUMNS": "60"}).invoke(app, ["datasets"]).stdout
    assert max(map(len, shown.splitlines())) <= 60
    assert all(word in shown for one in sets.values() for word in one["description"].split())


def test_a_study_file_to_begin_with_is_written_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    begin = ["init", "--measurements", "ni-rram-64kb-cycling"]
    done = CliRunner().invoke(app, begin)
    assert done.exit_code == 0
    assert done.stdout.endswith("then run:\n  rramsim tradeoff study.toml --out results\n")
    written = Path("study.toml").read_text()
    assert 'measurements = ["ni-rram-64kb-cycling"]' in written
    again = CliRunner().invoke(app, begin)
    assert isinstance(again.exception, InputError)
    assert str(again.exception) == (
        "study.toml: this file exists and is not overwritten. Give another name with -o."
    )
    assert Path("study.toml").read_text() == written
    other = CliRunner().invoke(app, ["init", "-o", "my study.toml", "--json"])
    assert json.loads(other.stdout) == {"study": "my study.toml", "measurements": []}
    assert "rramsim tradeoff 'my study.toml' --out" in Path("my study.toml").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fit", "cells.csv", "--report", "taken"], "taken: this folder cannot be made, since it"),
        (["tradeoff", "--out", "taken/x"], "taken/x: this folder cannot be made, since taken is"),
        (["train", "--network", "8-4-2", "--out", "taken"], "taken: this folder cannot be made"),
        (["export", "a.safetensors", "--tile", "8x8", "--out", "taken"], "taken: this folder"),
        (["evaluate", "a.safetensors", "--read-back", "x", "--report", "taken"], "taken: this fo"),
        (["evaluate", "a.safetensors", "--ber", "0.1", "-o", "d.csv"], "d.csv: this is a folder"),
        (["fit", "cells.csv", "-o", "d.csv"], "d.csv: this is a folder; name a file to write."),
        (["compare", "a", "b", "-o", "d.csv"], "d.csv: this is a folder; name a file to write."),
        (["init", "-o", "d.csv"], "d.csv: this is a folder; name a file to write."),
        (["recommend", "d.csv"], "there is no command 'recommend': rramsim tradeoff recommends."),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_any_work(
    tmp_path, monkeypatch, words, message
):
    (tmp_path / "taken").write_text("a file")
    (tmp_path / "d.csv").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        CliRunner().invoke(app, words, catch_exceptions=False)
    assert str(error.value).startswith(message)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.csv", "taken"]


def test_verbose_adds_to_what_init_and_datasets_show(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(app, ["init", "--verbose"], catch_exceptions=False).stdout
    assert Path("study.toml").read_text().rstrip() in shown
    plain, whole = (
        CliRunner().invoke(app, ["datasets", *more], catch_exceptions=False).stdout
        for more in ((), ("--verbose",))
    )
    assert whole.startswith(plain)
    paths = [line.split(": ", 1)[1] for line in whole[len(plain) :].splitlines() if ": " in line]
    assert len(paths) == len(rramsim.datasets())
    assert all(Path(path).exists() for path in paths)
