"""The output folder belongs to one study."""

import pytest

from rramsim.errors import InputError
from rramsim.study.result_folder import claim


def test_the_same_study_may_go_on(tmp_path):
    first = claim(tmp_path / "out", settings='{"seed": 1}', inputs={"cells.csv": "ab"})
    assert claim(tmp_path / "out", settings='{"seed": 1}', inputs={"cells.csv": "ab"}) == first
    assert first.model(0.05).name == "training-ber-0.05.safetensors"


@pytest.mark.parametrize(
    ("settings", "inputs", "differs"),
    [
        ('{"seed": 2}', {"cells.csv": "ab"}, "settings seed is 1 there and 2 here"),
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
