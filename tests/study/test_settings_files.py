"""Settings from TOML: what is wrong is told with its place, what was found and what is accepted."""

import re

import pytest

from rramsim.errors import InputError
from rramsim.study.settings import Study
from rramsim.study.settings_files import make_settings
from rramsim.study.training_settings import ErrorsTable, MethodTable, NetworkTable, TrainingFile


def _told(folder, text, model=TrainingFile):
    file = folder / "training.toml"
    file.write_text(text)
    with pytest.raises(InputError) as error:
        make_settings(model, file, {})
    message = str(error.value)
    assert message.startswith(f"{file}: ")
    return message.removeprefix(f"{file}: ")


@pytest.mark.parametrize(
    ("text", "name", "meant", "table"),
    [
        ("epoch = 3\n", "epoch", "epochs", TrainingFile),
        ("[bogus]\na = 1\n", "bogus", "", TrainingFile),
        ('[network]\nhiden = ["4"]\n', "network.hiden", "hidden", NetworkTable),
        ('[network]\nhidden = ["4"]\nwidth = 1\n', "network.width", "", NetworkTable),
        ("[training]\nbatchsize = 3\n", "training.batchsize", "batch_size", MethodTable),
        ('[[errors]]\nname = "a"\nber = 0.1\n', "errors.0.ber", "", ErrorsTable),
    ],
)
def test_an_unknown_key_is_told_with_those_of_its_own_table(tmp_path, text, name, meant, table):
    suggested = f" Did you mean {meant!r}?" if meant else ""
    accepted = ", ".join(sorted(table.model_fields))
    assert (
        _told(tmp_path, text)
        == f"there is no setting {name!r}.{suggested} Accepted are {accepted}."
    )


def test_a_study_has_other_keys_than_a_training_file(tmp_path):
    assert "'errors'. Accepted are accept_extrapolated, activation_energy, chip_yield" in _told(
        tmp_path, '[[errors]]\nname = "a"\n', Study
    )
    assert "no setting 'maps'. Accepted are epochs, errors" in _told(tmp_path, "maps = 3\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            'network = ["64", "10"]\n',
            "network is ['64', '10']; accepted: a text or a table",
        ),
        ('[network]\nhidden = "4"\n', "network.hidden is '4'; accepted: a list."),
        (
            '[network]\nhidden = ["4"]\nwidth_factor = 0\n',
            "network.width_factor is 0; accepted: greater than 0.",
        ),
        (
            '[network]\nhidden = ["4"]\nwidth_factor = nan\n',
            "network.width_factor is nan; accepted: a finite number.",
        ),
        (
            "[training]\nbatch_size = 1\n",
            "training.batch_size is 1; accepted: greater than or equal to 2.",
        ),
        (
            '[training]\nloss = "mse"\n',
            "training.loss is 'mse'; accepted: 'cross-entropy', 'hinge', 'modified-hinge' or "
            "'margin-cross-entropy'.",
        ),
        (
            '[training]\nloss = "hinge"\nmargin = 1e7\n',
            "training.margin is 10000000.0; accepted: less than or equal to 1000000.",
        ),
        (
            "[training]\nmargin = 1\n",
            "training.margin is 1; accepted: none with the loss 'cross-entropy'; hinge, "
            "modified-hinge, margin-cross-entropy have one.",
        ),
        ("[training]\nshift = 2000\n", "training.shift is 2000; accepted: less than or equal to"),
        ("[training]\nlearning_rate = 1e-13\n", "training.learning_rate is 1e-13; accepted: "),
        (
            "[network]\nhidden = [64, 64]\n",
            'network.hidden.0 is 64; accepted: a text in quotes, "64".',
        ),
        ("training = 3\n", "training is 3; accepted: a table."),
        ("training_bers = 0.1\n", "training_bers is 0.1; accepted: a list."),
        ("training_bers = [0.0, 0.5]\n", "training_bers.1 is 0.5; accepted: less than 0.5."),
        ('[errors]\nname = "a"\n', "errors is {'name': 'a'}; accepted: a list."),
        ("[[errors]]\nber_lrs = 0.1\n", "errors.0 lacks 'name'."),
        ('[[errors]]\nname = "a/b"\n', "errors.0.name is 'a/b'; accepted: match pattern"),
        (
            '[[errors]]\nname = "a"\nber_lrs = [0.1, 0.6]\n',
            "errors.0.ber_lrs.1 is 0.6; accepted: less than 0.5.",
        ),
        (
            '[[errors]]\nname = "a"\n[[errors]]\nname = "a"\n',
            "accepted: errors whose names differ.",
        ),
    ],
)
def test_a_bad_value_is_told_with_its_place_and_what_is_accepted(tmp_path, text, told):
    assert told in _told(tmp_path, text)


def test_paths_in_tables_are_relative_to_the_file_and_others_stay(tmp_path):
    (tmp_path / "conditions.nc").write_text("")
    file = tmp_path / "training.toml"
    file.write_text(
        'images = "digits"\n'
        '[[errors]]\nname = "one"\ncondition = "weak"\nconditions = "conditions.nc"\n'
        '[[errors]]\nname = "two"\ncondition = "weak"\nconditions = "elsewhere.nc"\n'
    )
    found = make_settings(TrainingFile, file, {})
    assert found.images == "digits"
    assert found.errors[0].conditions == str(tmp_path / "conditions.nc")
    assert found.errors[1].conditions == "elsewhere.nc"
    assert found.errors[0].condition == "weak"


def test_without_a_file_the_settings_are_named(tmp_path):
    assert make_settings(TrainingFile, None, {"epochs": 3, "seed": None}).epochs == 3
    with pytest.raises(InputError, match=re.escape("the settings: epochs is 0; accepted")):
        make_settings(TrainingFile, None, {"epochs": 0})
