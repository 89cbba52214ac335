"""Whatever is damaged of a folder of results: it ends as it should, or is refused."""

import os
import shutil
import warnings

import numpy as np
import pytest

from rramsim.errors import DamagedWarning, InputError
from rramsim.network.training import train as train_module
from rramsim.network.training import trainer
from rramsim.study.tradeoff import tradeoff

ROUNDS = int(os.environ.get("RRAMSIM_DAMAGE_ROUNDS", "1"))
"""How often each folder is damaged: each round damages many files, each in one place."""

STUDY = {
    "conditions": "table1",
    "network": "64-16-10",
    "training_bers": [0.05],
    "trainings": 2,
    "epochs": 3,
    "curve_bers": [0.1],
    "chips": 3,
    "protections": ["none"],
    "only": ["weak", "strong"],
}
PAGE = 512


class StoppedError(Exception):
    """Stands for a kill."""


def stopping(stage, done):
    def tell(at, now, total, note=""):
        if at == stage and now >= done:
            raise StoppedError

    return tell


STATES = {
    "finished": None,
    "in the midst of chips": stopping("chips of the conditions", 9),
    "in the midst of training": stopping("training networks", 3),
}


def bytes_in(folder):
    files = (file for file in folder.rglob("*") if file.is_file() and ".damaged" not in file.name)
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def damaged(content, chance):
    """Return content with a bit turned, a page of zeros, or its tail cut off."""
    place = int(chance.integers(len(content)))
    kind = chance.integers(3)
    changed = bytearray(content)
    if kind == 0:
        changed[place] ^= 1 << int(chance.integers(8))
    elif kind == 1:
        changed[place : place + PAGE] = bytes(len(changed[place : place + PAGE]))
    else:
        del changed[place:]
    return bytes(changed)


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
def test_whatever_is_damaged_the_end_is_right_or_the_folder_is_refused(
    state, tmp_path, monkeypatch
):
    monkeypatch.setattr(trainer, "SAVING_SHARE", np.inf)  # a checkpoint after every epoch
    monkeypatch.setattr(train_module, "LOG_SECONDS", 0.0)
    there, out = tmp_path / "there", tmp_path / "out"
    try:
        tradeoff(out=there, progress=STATES[state], **STUDY)
    except StoppedError:
        assert state != "finished"
    begun = bytes_in(there)
    shutil.copytree(there, out)
    tradeoff(out=out, **STUDY)
    right = bytes_in(out)
    assert set(begun) <= {*right, *(name for name in begun if name.endswith(".checkpoint"))}
    ended = places = 0
    for number in range(ROUNDS):
        chance = np.random.default_rng([list(STATES).index(state), number])
        shutil.rmtree(out)
        shutil.copytree(there, out)
        names = [name for name in sorted(begun) if number == 0 or chance.random() < 0.3]
        # What the folder is of, and when it was made, is known from two files each.
        if "checksums.json" in names:
            names = [name for name in names if name != "provenance.json"]
            names = [name for name in names if name != "study.json" or number % 2]
        for name in names:
            (out / name).write_bytes(damaged(begun[name], chance))
        places += len(names)
        found_before = bytes_in(out)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DamagedWarning)
            try:
                tradeoff(out=out, **STUDY)
            except InputError:
                # Of neither file it is known whose the folder is.
                assert {"study.json", "checksums.json"} <= set(names)
                continue
        ended += 1
        found = bytes_in(out)
        assert [name for name in right if found.get(name) != right[name]] == []
        # A damaged report is kept like one that somebody may have changed.
        formers = {name for name in found if name.startswith("report-")}
        assert set(found) - formers == set(right)
        assert [found[name] for name in formers] in ([], [found_before.get("report.html")])
    assert ended > 0
    assert places >= len(begun) - 2
