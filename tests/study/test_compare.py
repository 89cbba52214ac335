"""Finished studies side by side, from their folders to what a person and a machine read."""

import json
import shutil

import pytest
from typer.testing import CliRunner

import rramsim
from rramsim.cli.app import app
from rramsim.errors import InputError

pytestmark = pytest.mark.slow  # trains networks

SMALL = {
    "conditions": "table1",
    "only": ["strong", "weak"],
    "network": "64-16-10",
    "training_bers": [0.0],
    "curve_bers": [0.1],
    "protections": ["none"],
    "reestimate": False,
    "epochs": 1,
    "trainings": 2,
    "chips": 2,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies")
    rramsim.tradeoff(out=folder / "one", **SMALL)
    shutil.copytree(folder / "one" / "networks", folder / "two" / "networks")
    rramsim.tradeoff(out=folder / "two", tolerance=0.3, **SMALL)
    return folder / "one", folder / "two"


def test_what_is_required_is_the_only_difference_of_the_same_study(folders):
    found = rramsim.compare(*folders)
    assert found.inputs == {"tolerance": (0.01, 0.3)}
    assert found.has_same_networks
    assert [more.estimate for one in found.points for more in one.losses] == [0.0, 0.0]
    assert repr(found).startswith("Comparison(2 studies; 1 of the inputs differ; ")


def test_the_command_prints_inputs_answers_and_differences(folders, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    done = CliRunner().invoke(app, ["compare", *map(str, folders), "--verbose"])
    assert done.exit_code == 0
    for words in ("tolerance", "recommended", "the same", "Inputs that differ: tolerance."):
        assert words in done.stdout
    table = done.stdout[done.stdout.index("Inputs that differ") :]
    assert max(map(len, table.splitlines())) <= 80


def test_json_has_the_values_of_each_study_and_their_difference(folders):
    done = CliRunner().invoke(app, ["compare", *map(str, folders), "--json"])
    found = json.loads(done.stdout)
    assert [one["folder"] for one in found["studies"]] == list(map(str, folders))
    assert found["inputs"] == {"tolerance": [0.01, 0.3]}
    for point in found["points"]:
        first, second = point["values"]
        (more,) = point["loss_differences"]
        assert more["estimate"] == second["loss"] - first["loss"]
        assert more["beyond_interval"] is False


@pytest.mark.parametrize(
    ("without", "words"),
    [("tradeoff.nc", "has no tradeoff.nc"), ("study.json", "has no study.json")],
)
def test_a_study_that_is_not_finished_is_refused(folders, tmp_path, without, words):
    half = tmp_path / "half"
    shutil.copytree(folders[0], half)
    (half / without).unlink()
    with pytest.raises(InputError, match=words):
        rramsim.compare(folders[0], half)


def test_a_damaged_file_no_folder_one_study_and_the_same_twice_are_refused(folders, tmp_path):
    damaged = tmp_path / "damaged"
    shutil.copytree(folders[0], damaged)
    (damaged / "tradeoff.nc").write_bytes(b"no netCDF")
    with pytest.raises(InputError, match=r"tradeoff.nc: cannot be read"):
        rramsim.compare(folders[0], damaged)
    with pytest.raises(InputError, match="no such folder"):
        rramsim.compare(folders[0], tmp_path / "nowhere")
    with pytest.raises(InputError, match="two or more"):
        rramsim.compare(folders[0])
    with pytest.raises(InputError, match="given twice"):
        rramsim.compare(folders[0], folders[0])


def test_the_page_has_a_row_for_each_study_and_nothing_from_elsewhere(folders, tmp_path):
    file = tmp_path / "both.html"
    done = CliRunner().invoke(app, ["compare", *map(str, folders), "-o", str(file)])
    assert done.exit_code == 0
    page = file.read_text()
    losses = page[page.index("Losses of points") :]
    # Two points in two studies.
    assert losses.count("<td>A</td>") == losses.count("<td>B</td>") == 2
    assert "://" not in page
    # Where the studies lie is no one else's business.
    assert str(folders[0].parent) not in page
    with pytest.raises(InputError, match="accepted are"):
        CliRunner().invoke(
            app, ["compare", *map(str, folders), "-o", "both.pdf"], catch_exceptions=False
        )
