"""Which networks a training file asks for: their layers, how they are trained, their errors."""

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import rramsim.cli  # noqa: F401  (registers the commands)
from rramsim.cli.app import app
from rramsim.errors import InputError
from rramsim.images.catalogue import load_images
from rramsim.network.training.flips import RandomFlips
from rramsim.network.training.method import LOSSES, Method
from rramsim.readers.conditions import read_conditions
from rramsim.study.settings import Study
from rramsim.study.settings_files import make_settings
from rramsim.study.stages.networks import method_for, named_faults, plan_for, shape_for
from rramsim.study.training_settings import MethodTable, TrainingFile


@pytest.fixture(scope="module")
def digits():
    return load_images("digits")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """The file that `rramsim fit` writes of the shipped populations."""
    path = tmp_path_factory.mktemp("fit") / "conditions.nc"
    result = CliRunner().invoke(app, ["fit", "hirtzlin2019-reconstructed", "-o", str(path)])
    assert result.exit_code == 0, result.output
    return path


def _read(folder, text):
    file = folder / "training.toml"
    file.write_text(text)
    return make_settings(TrainingFile, file, {})


def test_nothing_asked_for_is_a_plain_network_that_suits_the_images(digits):
    asked = TrainingFile()
    assert asked.images == "digits"
    assert str(shape_for(asked, digits)) == "64-512-512-10"
    assert method_for(asked, digits) == Method(40)
    plan = plan_for(asked, digits)
    assert (plan.faults, plan.seed) == (None, 1)


def test_the_defaults_of_a_training_file_are_those_of_the_method():
    defaults = Method(1).settings()
    del defaults["epochs"]
    # The margin is that of the loss.
    assert MethodTable().model_dump() == {"recipe": None, **defaults, "margin": None}
    for loss in LOSSES:
        assert MethodTable(loss=loss).loss == loss


RECIPE = '[training]\nrecipe = "courbariaux2016"\n'


def test_a_recipe_fills_what_is_not_given(tmp_path, digits):
    asked = _read(tmp_path, RECIPE + "dropout = 0.1\n")
    assert method_for(asked, digits) == Method.of_recipe("courbariaux2016", dropout=0.1)
    # Its pixels enter from -1 to +1, unless the file says otherwise.
    assert shape_for(asked, digits).signed_levels == digits.levels
    unsigned = _read(tmp_path, RECIPE + "[network]\nsigned_pixels = false\n")
    assert shape_for(unsigned, digits).signed_levels is None
    assert str(shape_for(unsigned, digits)) == "64-512-512-10"
    convolutional = _read(tmp_path, "epochs = 3\nnetwork = '1x8x8-8C3-10'\n" + RECIPE)
    found = method_for(convolutional, digits)
    assert found == Method.of_recipe("courbariaux2016", convolutional=True, epochs=3)
    with pytest.raises(InputError, match=r"training.recipe is 'mine'; accepted: 'courbariaux2016'"):
        _read(tmp_path, '[training]\nrecipe = "mine"\n')


def test_the_default_network_can_take_signed_pixels(tmp_path, digits):
    asked = _read(tmp_path, "[network]\nsigned_pixels = true\nwidth_factor = 0.5\n")
    assert str(shape_for(asked, digits)) == "64-256-256-10"
    assert shape_for(asked, digits).signed_levels == digits.levels


def test_a_study_with_a_recipe_is_read_back_as_it_was(tmp_path):
    asked = make_settings(Study, None, {"training": {"recipe": "courbariaux2016"}, "epochs": 4})
    file = tmp_path / "study.toml"
    file.write_text(asked.toml())
    again = make_settings(Study, file, {})
    assert again.training == asked.training
    assert (again.epochs, again.training.input_dropout) == (4, 0.2)


def test_layers_are_text_or_a_table(tmp_path, digits):
    assert str(shape_for(_read(tmp_path, 'network = "64-2x9-10"\n'), digits)) == "64-9-9-10"
    table = '[network]\nhidden = ["2x16C3", "MP2", "100"]\nwidth_factor = 0.5\n'
    assert str(shape_for(_read(tmp_path, table), digits)) == "1x8x8-8C3-8C3-MP2-50-10"
    assert str(shape_for(_read(tmp_path, "[network]\nhidden = []\n"), digits)) == "64-10"
    with pytest.raises(InputError, match="'100x' is not a width"):
        shape_for(_read(tmp_path, '[network]\nhidden = ["100x"]\n'), digits)


def test_a_method_is_the_table_and_the_epochs(tmp_path, digits):
    asked = _read(
        tmp_path,
        'epochs = 7\n[training]\nbatch_size = 32\nlearning_rate = 0.02\nloss = "hinge"\n'
        "margin = 2.5\nshift = 2\nmirror = true\nstraight_through = true\ndropout = 0.1\n"
        "final_learning_rate = 0.001\n",
    )
    assert method_for(asked, digits) == Method(
        7,
        batch_size=32,
        learning_rate=0.02,
        final_learning_rate=0.001,
        dropout=0.1,
        loss="hinge",
        margin=2.5,
        shift=2,
        mirror=True,
        straight_through=True,
    )
    assert plan_for(asked, digits, 0.1).faults == RandomFlips.iid(0.1, seed=1)


def test_errors_by_state_and_by_layer(tmp_path):
    asked = _read(
        tmp_path,
        'seed = 4\n[[errors]]\nname = "state"\nber_lrs = 0.01\nber_hrs = 0.2\n'
        '[[errors]]\nname = "layers"\nber_lrs = [0.1, 0, 0.0]\nber_hrs = [0.3, 0.2, 0.1]\n'
        '[[errors]]\nname = "mixed"\nber_lrs = 0\nber_hrs = 0.2\nmixed = true\n',
    )
    assert asked.training_bers == ()
    assert named_faults(asked) == {
        "state": RandomFlips((0.01,), (0.2,), seed=4),
        "layers": RandomFlips((0.1, 0.0, 0.0), (0.3, 0.2, 0.1), seed=4),
        "mixed": RandomFlips((0.0,), (0.2,), mixed=True, seed=4),
    }


@pytest.mark.parametrize(
    "rest",
    [
        "",
        'condition = "weak"\n',
        'conditions = "c.nc"\n',
        'condition = "weak"\nconditions = "c.nc"\nber_lrs = 0.1\nber_hrs = 0.1\n',
        'ber_lrs = 0.1\nber_hrs = 0.1\nconditions = "c.nc"\n',
    ],
)
def test_errors_are_rates_or_a_condition_of_a_file(tmp_path, rest):
    asked = _read(tmp_path, f'[[errors]]\nname = "mine"\n{rest}')
    with pytest.raises(InputError, match="errors 'mine': accepted are either ber_lrs and ber_hrs"):
        named_faults(asked)


@pytest.mark.parametrize(
    "rates", ["ber_lrs = 0.1\n", "ber_lrs = [0.1, 0.1]\nber_hrs = 0.1\n", "ber_hrs = [0.1]\n"]
)
def test_rates_that_do_not_pair_are_told_by_name(tmp_path, rates):
    asked = _read(tmp_path, f'[[errors]]\nname = "mine"\n{rates}')
    with pytest.raises(InputError, match=r"errors 'mine': training BERs: \d for LRS and \d for"):
        named_faults(asked)


@pytest.mark.slow
def test_a_condition_gives_the_fitted_rates_of_its_states(tmp_path, fitted):
    asked = _read(
        tmp_path, f'[[errors]]\nname = "mine"\ncondition = "weak"\nconditions = "{fitted}"\n'
    )
    (faults,) = named_faults(asked).values()
    with xr.open_dataset(fitted) as opened:
        row = opened.sel(condition="weak").load()
    assert (faults.ber_lrs, faults.ber_hrs) == ((float(row.ber_lrs),), (float(row.ber_hrs),))
    assert faults.ber_lrs != faults.ber_hrs
    # As many cells in LRS as in HRS: the mean is the BER of the paper.
    assert faults.mean_ber == pytest.approx(3.3e-2, rel=1e-3)


def _stated(folder):
    path = folder / "stated.nc"
    read_conditions("table1").to_netcdf(path)
    return path


def _errors(folder, condition, file):
    asked = _read(
        folder,
        f'[[errors]]\nname = "mine"\ncondition = "{condition}"\nconditions = "{file.name}"\n',
    )
    return named_faults(asked)["mine"]


def test_a_ber_that_is_stated_holds_for_both_states(tmp_path):
    assert _errors(tmp_path, "strong", _stated(tmp_path)) == RandomFlips.iid(9.7e-5, seed=1)


def test_a_bound_is_no_value_to_train_with(tmp_path):
    with pytest.raises(InputError, match="BER of 'very strong' is not known, or only a bound"):
        _errors(tmp_path, "very strong", _stated(tmp_path))


def test_a_condition_that_is_not_in_the_file_is_told(tmp_path):
    told = r"stated\.nc: there is no condition 'best'\. Accepted are very strong, strong, weak"
    with pytest.raises(InputError, match=told):
        _errors(tmp_path, "best", _stated(tmp_path))


def test_files_that_hold_no_conditions_are_told(tmp_path):
    none, text, other = (tmp_path / name for name in ("none.nc", "text.nc", "other.nc"))
    text.write_text("no netCDF")
    xr.Dataset({"a": ("condition", np.zeros(3))}).to_netcdf(other)
    for file, told in (
        (none, "there is no such file"),
        (text, "no column holds the condition's name"),
        (other, "holds no conditions as rramsim fit -o writes them"),
    ):
        with pytest.raises(InputError, match=told) as refused:
            _errors(tmp_path, "weak", file)
        assert file.name in str(refused.value)


def test_a_conditions_file_in_toml_serves_as_well(tmp_path):
    (tmp_path / "mine.toml").write_text('[[condition]]\nname = "mine"\nber = 0.02\n')
    assert _errors(tmp_path, "mine", tmp_path / "mine.toml") == RandomFlips.iid(0.02, seed=1)
