"""The output folder belongs to one study."""

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from synthetic import accuracy_curves

from rramsim.errors import DamagedWarning, InputError
from rramsim.files import write_atomically
from rramsim.report.provenance import Provenance
from rramsim.study.result_folder import claim, in_use, sealed_record, write_provenance


def test_the_same_study_may_go_on(tmp_path):
    first = claim(tmp_path / "out", settings='{"seed": 1}', inputs={"cells.csv": "ab"})
    assert claim(tmp_path / "out", settings='{"seed": 1}', inputs={"cells.csv": "ab"}) == first
    assert first.model(0.05).name == "training-ber-0.05.safetensors"


@pytest.mark.parametrize(
    ("settings", "inputs", "differs"),
    [
        ('{"seed": 2}', {"cells.csv": "ab"}, "another study (seed is 1 there and 2 here)"),
        (
            '{"seed": 1}',
            {"other.csv": "ab"},
            "cells.csv was read there; other.csv was not read there",
        ),
        ('{"seed": 1}', {"cells.csv": "cd"}, "cells.csv has another content"),
    ],
)
def test_another_study_is_refused_and_told_apart(tmp_path, settings, inputs, differs):
    claim(tmp_path, settings='{"seed": 1}', inputs={"cells.csv": "ab"})
    with pytest.raises(InputError, match="another study") as error:
        claim(tmp_path, settings=settings, inputs=inputs)
    assert differs in str(error.value)


def test_the_folder_of_a_version_with_other_settings_is_told_as_that(tmp_path):
    old = '{"rramsim": "0.1.0", "inputs": {}, "settings": {"chips": 120}}'
    (tmp_path / "study.json").write_text(old)
    with pytest.raises(InputError, match=r"another version of rramsim \(0\.1\.0\)") as error:
        claim(tmp_path, settings='{"max_chips": 120}', inputs={})
    assert "Name another --out" in str(error.value)
    assert "None" not in str(error.value)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        claim(tmp_path / "file" / "out", settings="{}", inputs={})


def test_a_damaged_identity_is_told(tmp_path):
    (tmp_path / "study.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        claim(tmp_path, settings="{}", inputs={})


MADE = Provenance("rramsim fit cells.csv", options={"reference": "20 kΩ"}, notes=("A note.",))
LONG_AGO = "2001-02-03T04:05:06+00:00"


def test_the_time_of_making_is_that_of_the_first_run_from_the_same(tmp_path):
    file = tmp_path / "provenance.json"
    now = datetime.fromisoformat(write_provenance(tmp_path, MADE).made)
    assert now.utcoffset() == timedelta(0)
    file.write_text(sealed_record({**json.loads(file.read_text()), "made": LONG_AGO}))
    again = write_provenance(tmp_path, MADE)
    assert again.made == json.loads(file.read_text())["made"] == LONG_AGO
    assert again.made_in_words == "3 February 2001, 04:05 UTC"
    other = Provenance("rramsim fit others.csv", options={"reference": "20 kΩ"})
    assert write_provenance(tmp_path, other).made >= now.isoformat()


@pytest.mark.parametrize("there", ["", "[]", '{"made": 7}', '{"made": "yesterday"}'])
def test_a_record_that_cannot_be_read_is_made_anew(there, tmp_path):
    (tmp_path / "provenance.json").write_text(there)
    assert datetime.fromisoformat(write_provenance(tmp_path, MADE).made).year > 2001


def test_what_is_read_back_is_what_was_written_or_is_not_read(tmp_path):
    folder = claim(tmp_path, settings="{}", inputs={})
    curves = accuracy_curves()
    assert folder.finished("accuracy") is None
    folder.finish({"accuracy": curves}, Provenance("", seed=1))
    (found,) = folder.finished("accuracy")
    assert found.identical(curves)
    file = tmp_path / "accuracy.nc"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    with pytest.warns(DamagedWarning, match=r"accuracy\.nc: it is damaged .* kept as accuracy\.nc"):
        assert folder.finished("accuracy") is None
    assert file.with_name("accuracy.nc.damaged").read_bytes() == bytes(content)
    assert folder.finished("accuracy") is None


def test_products_of_answers_that_are_not_as_they_were_are_not_read(tmp_path):
    folder = claim(tmp_path, settings="{}", inputs={})
    folder.tallies.write_text("as counted\n")
    folder.finish({"accuracy": accuracy_curves()}, Provenance("", seed=1))
    assert folder.finished("accuracy") is not None
    folder.tallies.write_text("as countee\n")
    assert folder.finished("accuracy") is None


@pytest.mark.parametrize("name", ["study.json", "checksums.json", "provenance.json"])
def test_a_damaged_record_of_the_folder_is_set_aside_and_made_again(tmp_path, name):
    def claimed():
        with in_use(tmp_path):
            folder = claim(tmp_path, settings='{"seed": 1}', inputs={"cells.csv": "ab"})
            folder.record_provenance(MADE)

    claimed()
    provenance = tmp_path / "provenance.json"
    # A run of another day has another time.
    dated = Provenance(**{**vars(MADE), "made": LONG_AGO}).json()
    provenance.write_text(sealed_record(json.loads(dated)))
    (tmp_path / "checksums.json").unlink()
    claimed()
    whole = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    for place in range(0, len(whole[name]), 41):
        damaged = bytearray(whole[name])
        damaged[place] ^= 1 << place % 8
        (tmp_path / name).write_bytes(bytes(damaged))
        with pytest.warns(DamagedWarning, match=rf"{name}: it is damaged"):
            claimed()
        aside = tmp_path / f"{name}.damaged"
        assert aside.read_bytes() == bytes(damaged)
        aside.unlink()
        assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == whole
    assert json.loads(whole["provenance.json"])["made"] == LONG_AGO


@pytest.mark.parametrize("gone", [True, False])
def test_no_time_is_taken_from_a_record_that_is_damaged_as_that_of_its_checksum_is(tmp_path, gone):
    def claimed():
        with in_use(tmp_path):
            folder = claim(tmp_path, settings='{"seed": 1}', inputs={"cells.csv": "ab"})
            return folder.record_provenance(MADE).made

    now = claimed()
    provenance, checksums = tmp_path / "provenance.json", tmp_path / "checksums.json"
    whole = provenance.read_bytes()
    for place, other in ((whole.index(b'"made": "20') + 9, b"1"), (whole.index(b"cells"), b"b")):
        damaged = whole[:place] + other + whole[place + 1 :]
        provenance.write_bytes(damaged)
        if gone:
            checksums.unlink()
        else:
            checksums.write_bytes(checksums.read_bytes()[:-9])
        with pytest.warns(DamagedWarning, match=r"(provenance|checksums)\.json: it is damaged"):
            made = claimed()
        assert made >= now
        assert json.loads(provenance.read_text())["made"] == made
        assert (tmp_path / "provenance.json.damaged").read_bytes() == damaged
        for aside in tmp_path.glob("*.damaged"):
            aside.unlink()


def test_a_folder_in_use_is_refused_with_its_owner(tmp_path):
    with in_use(tmp_path / "out"):
        owner = json.loads((tmp_path / "out" / ".lock").read_text())
        with (
            pytest.raises(InputError, match=r"out: is in use by process") as error,
            in_use(tmp_path / "out"),
        ):
            pass
        words = f"process {os.getpid()} on {owner['host']}, since {owner['since']}."
        assert words in str(error.value)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.slow
def test_the_folder_of_a_run_that_was_killed_is_taken_over_and_swept(tmp_path):
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from rramsim.files import write_atomically\n"
        "from rramsim.study.result_folder import in_use\n"
        "folder = Path(sys.argv[1])\n"
        "with in_use(folder):\n"
        "    kill = lambda file: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    write_atomically(folder / 'a.csv', kill)\n"
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
        assert done.returncode == -signal.SIGKILL
    lock, leftover = sorted(tmp_path.iterdir())[::-1]
    assert (lock.name, leftover.name[:7]) == (".lock", ".a.csv.")
    (tmp_path / ".mine.part").write_text("not ours")
    with in_use(tmp_path):
        assert sorted(file.name for file in tmp_path.iterdir()) == [".lock", ".mine.part"]


def test_a_write_that_fails_leaves_the_file_that_was_there_and_nothing_beside_it(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("whole")

    def fail(temporary):
        temporary.write_text("a par")
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="No space left"):
        write_atomically(file, fail)
    assert [each.name for each in tmp_path.iterdir()] == ["a.csv"]
    assert file.read_text() == "whole"


def test_of_many_that_claim_a_new_folder_at_once_one_gets_it(tmp_path):
    begin, end, refused = threading.Barrier(8), threading.Event(), []

    def attempt(number):
        begin.wait()
        try:
            with in_use(tmp_path / "out"):
                claim(tmp_path / "out", settings=f'{{"seed": {number}}}', inputs={})
                end.wait(60)
                return number
        except InputError as error:
            refused.append(str(error))
            if len(refused) == 7:
                end.set()
            return None

    with ThreadPoolExecutor(8) as threads:
        (number,) = (one for one in threads.map(attempt, range(8)) if one is not None)
    there = json.loads((tmp_path / "out" / "study.json").read_text())
    assert there["settings"] == {"seed": number}
    assert all("is in use by" in text for text in refused)


def test_a_figure_is_kept_only_as_it_was_drawn_of_the_same(tmp_path):
    folder = claim(tmp_path, settings="{}", inputs={})
    (tmp_path / "figures").mkdir()
    assert not folder.has_drawn("cells", of="a")
    for suffix in (".svg", ".png"):
        (tmp_path / "figures" / f"cells{suffix}").write_text(suffix)
    folder.finish({"accuracy": accuracy_curves()}, Provenance("", seed=1))
    folder.record_drawn({"cells": "a"})
    assert folder.has_drawn("cells", of="a")
    assert not folder.has_drawn("cells", of="b")
    assert folder.finished("accuracy") is not None
    (tmp_path / "figures" / "cells.png").write_text("changed")
    assert not folder.has_drawn("cells", of="a")


def test_what_another_study_finished_is_not_read(tmp_path):
    folder = claim(tmp_path, settings='{"chips": 4}', inputs={})
    folder.finish({"accuracy": accuracy_curves()}, Provenance("", seed=1))
    assert claim(tmp_path, settings='{"chips": 4}', inputs={}).finished("accuracy") is not None
    # Every file may be deleted; this one says whose the others are.
    (tmp_path / "study.json").unlink()
    assert claim(tmp_path, settings='{"chips": 40}', inputs={}).finished("accuracy") is None
