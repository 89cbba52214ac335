"""The study file: what it accepts, what it refuses and in which words."""

import pytest

from rramsim.errors import InputError
from rramsim.images.catalogue import load_images
from rramsim.network.training.method import Method
from rramsim.study.devices import characterize_devices
from rramsim.study.settings import make_study


def test_without_anything_the_shipped_pair_is_used():
    study = make_study()
    assert study.measurements == ("hirtzlin2019-reconstructed",)
    assert study.conditions == "table1"


def test_own_measurements_never_get_the_energies_of_the_paper():
    assert make_study(measurements=["cells.csv"]).conditions is None
    assert make_study(conditions="mine.toml").measurements == ()


def test_the_command_line_wins_over_the_file(tmp_path):
    file = tmp_path / "study.toml"
    file.write_text("seed = 3\nmaps = 7\n")
    study = make_study(file, seed=5, images=None)
    assert (study.seed, study.maps, study.images) == (5, 7, "digits")


def test_paths_in_a_file_are_relative_to_it(tmp_path):
    (tmp_path / "cells.csv").write_text("")
    file = tmp_path / "study.toml"
    file.write_text('measurements = ["cells.csv", "ni-rram-64kb-cycling"]\n')
    assert make_study(file).measurements == (str(tmp_path / "cells.csv"), "ni-rram-64kb-cycling")


def test_a_study_written_as_a_file_is_the_same_study(tmp_path):
    study = make_study(training_bers=[0.1, 0.0], only=['a "b" ü'], seed=7, network="64-10")
    (tmp_path / "study.toml").write_text(study.toml())
    assert make_study(tmp_path / "study.toml") == study


def test_tables_of_a_study_come_back_from_its_file(tmp_path):
    network = {"hidden": ["2x16C3", "MP2", "64"], "width_factor": 0.5}
    training = {"loss": "hinge", "margin": 2.0, "shift": 1, "mirror": True, "batch_size": 256}
    study = make_study(network=network, training=training, training_bers=[0.0, 0.1], epochs=3)
    (tmp_path / "study.toml").write_text(study.toml())
    again = make_study(tmp_path / "study.toml")
    assert again == study
    assert again.text() == study.text()
    images = load_images("digits")
    plan = again.plan(images, 0.1)
    assert str(plan.shape) == "1x8x8-8C3-8C3-MP2-32-10"
    assert plan.method == Method(3, batch_size=256, loss="hinge", margin=2.0, shift=1, mirror=True)
    assert plan.settings() == study.plan(images, 0.1).settings()


def test_equal_studies_have_equal_texts_and_bers_stand_once():
    one = make_study(training_bers=[0.1, 0.0, 0.1])
    assert one.training_bers == (0.0, 0.1)
    assert one.text() == make_study(training_bers=[0, 0.1]).text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("maps = 1\n", "maps is 1; accepted: greater than or equal to 2"),
        ("mapz = 3\n", "there is no setting 'mapz'. Accepted are columns, conditions"),
        ("training_bers = [0.0, 0.7]\n", "training_bers.1 is 0.7; accepted: less than 0.5"),
        ("training_bers = []\n", "training_bers is []"),
        ('seed = "one"\n', "seed is 'one'; accepted: a valid integer"),
        ("maps = \n", "(A file of resistances is given with --measurements.)"),
    ],
)
def test_a_bad_file_is_told_with_field_value_and_what_is_accepted(tmp_path, text, words):
    file = tmp_path / "study.toml"
    file.write_text(text)
    with pytest.raises(InputError) as error:
        make_study(file)
    assert words in str(error.value)
    assert "study.toml" in str(error.value)


def test_a_file_that_is_not_there_or_not_text(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        make_study(tmp_path / "none.toml")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match="UTF-8"):
        make_study(binary)


def test_a_read_voltage_needs_a_unit():
    with pytest.raises(InputError, match="V, mV"):
        characterize_devices(make_study(read_voltage="0.2"))


def test_a_reference_of_the_study_is_read_against(tmp_path):
    study = make_study(measurements=["hirtzlin2019-reconstructed"], reference="30 kOhm")
    conditions = characterize_devices(study).conditions
    assert conditions.reference_resistance.values.tolist() == [30e3] * 3
