"""What all commands share: one spelling of options, JSON, completion, and where to begin."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from rramsim.cli.app import app
from rramsim.errors import InputError

RRAMSIM = Path(sys.executable).with_name("rramsim")
COMMANDS = get_command(app).commands
SHOW_PROGRESS = {"fit", "tradeoff", "train", "evaluate", "bench"}
TELL_OF_NOTES = {"fit", "tradeoff", "compare"}


def _options(command):
    """Return the names of each option that help shows, joined by its first long one."""
    shown = (one for one in command.params if not getattr(one, "hidden", False))
    return {one.name: {*one.opts, *one.secondary_opts} for one in shown if one.opts[0][0] == "-"}


def _with(option):
    return {
        name for name, one in COMMANDS.items() if any(option in o for o in _options(one).values())
    }


def test_options_of_one_meaning_are_spelled_alike_everywhere():
    assert _with("--json") == set(COMMANDS)
    assert _with("-o") == _with("--output")
    assert _with("--output") == {"fit", "compare", "evaluate", "init"}
    assert _with("--out") == {"tradeoff", "train", "export"}
    assert _with("--chips") == {"tradeoff", "evaluate"}
    assert _with("--quiet") == SHOW_PROGRESS
    assert _with("--verbose") == TELL_OF_NOTES
    for command in COMMANDS.values():
        for name, spelled in _options(command).items():
            if name == "output":
                assert spelled == {"-o", "--output"}


def test_an_option_that_several_commands_have_says_the_same_in_each():
    for name in ("as_json", "quiet", "verbose", "over_range", "columns"):
        texts = {
            one.help for command in COMMANDS.values() for one in command.params if one.name == name
        }
        assert len(texts) == 1, name


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
        "study.toml: this file is there, and is left as it is. Name another with -o."
    )
    assert Path("study.toml").read_text() == written
    other = CliRunner().invoke(app, ["init", "-o", "my study.toml", "--json"])
    assert json.loads(other.stdout) == {"study": "my study.toml", "measurements": []}
    assert "rramsim tradeoff 'my study.toml' --out" in Path("my study.toml").read_text()
