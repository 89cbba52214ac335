"""The study file to begin with: it is a study, names every setting, and states its default."""

import re
import tomllib
from pathlib import Path

import pytest

import rramsim
from rramsim.errors import InputError
from rramsim.study.new_study import write_study
from rramsim.study.reading import CircuitsTable, ReadingTable, UseTable
from rramsim.study.settings import Study, make_study

TEMPLATE = (Path(rramsim.__file__).parent / "study" / "new-study.toml").read_text()
TABLES = {"": Study, "reading": ReadingTable, "use": UseTable, "circuits": CircuitsTable}
SETTING = re.compile(r"^# (\w+ = .*?)(?:  # (default|example))?$")


def _settings():
    """Return the table, name and value of each setting that is commented out, and its remark."""
    table, found = "", []
    for line in TEMPLATE.splitlines():
        if line.startswith("["):
            table = line.strip("[]")
        elif match := SETTING.match(line):
            ((name, value),) = tomllib.loads(match[1]).items()
            found.append((table, name, value, match[2]))
    return found


def test_every_setting_of_a_study_is_named_once():
    named = [(table, name) for table, name, *_ in _settings()]
    known = [(table, name) for table, model in TABLES.items() for name in model.model_fields]
    # The first line that is no comment, three headings of tables, and how networks are trained,
    # which has a page of its own.
    given = {("", name) for name in ("measurements", "reading", "use", "circuits", "training")}
    assert sorted(named) == sorted(set(known) - given)


def test_each_setting_is_accepted_as_it_stands_and_defaults_are_the_defaults():
    for table, name, value, remark in _settings():
        study = Study(**{table: {name: value}} if table else {name: value})
        settings = getattr(study, table) if table else study
        default = TABLES[table].model_fields[name].get_default()
        if remark == "default" and name != "tolerance":
            assert getattr(settings, name) == default, name
        elif name != "tolerance":
            assert getattr(settings, name) != default, name
    assert Study(tolerance=0.01).requirements == Study().requirements


def test_paths_are_relative_to_the_study_file_and_names_of_sets_stay(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "käse.csv").write_text("condition,state,R (kOhm)\n")
    (tmp_path / "energies.toml").write_text('[[condition]]\nname = "a"\n')
    monkeypatch.chdir(tmp_path / "data")
    names = ["käse.csv", ".", "ni-rram-64kb-cycling"]
    write_study(Path("../studies/one.toml"), measurements=names, conditions="../energies.toml")
    written = tomllib.loads((tmp_path / "studies" / "one.toml").read_text(encoding="utf-8"))
    assert written["measurements"] == ["../data/käse.csv", "../data", "ni-rram-64kb-cycling"]
    assert written["conditions"] == "../energies.toml"
    study = make_study(tmp_path / "studies" / "one.toml")
    assert Path(study.measurements[0]).read_text() == "condition,state,R (kOhm)\n"
    with pytest.raises(InputError, match=r"none\.csv: there is no such file"):
        write_study(tmp_path / "two.toml", measurements=["none.csv"])
    assert not (tmp_path / "two.toml").exists()
