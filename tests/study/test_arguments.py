"""What cannot be used as an argument is refused: the message names it, what came, what is right."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import rramsim
from rramsim.study.inputs import reading_table
from rramsim.study.reading import ReadingTable

ROWS = [("LRS", 5.0), ("LRS", 6.0), ("LRS", 7.0), ("HRS", 90.0), ("HRS", 95.0), ("HRS", 99.0)]
TABLE = pd.DataFrame(ROWS, columns=["state", "R (kOhm)"])


@pytest.fixture(scope="module")
def cells():
    return rramsim.read_measurements(TABLE)


def refusal(function, *arguments, **options):
    with pytest.raises(rramsim.InputError) as caught:
        function(*arguments, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        ({"reading": ReadingTable(over_range=1e5)}, "over_range", "'100000.0 ohm'"),
        ({"over_range": "50 kOhm"}, "over_range", "'50 kOhm'"),
        ({"map": {"R": "R [ohm]"}}, "map", "('R=R [ohm]',)"),
    ],
)
def test_options_for_readings_that_were_read_already_are_refused(
    cells, tmp_path, options, name, value
):
    message = (
        f"{name} is {value}, but the readings are in memory and were read without it; give it to "
        "read_measurements, which reads the files."
    )
    assert refusal(rramsim.fit, cells, **options) == message
    assert refusal(rramsim.tradeoff, cells, "table1", out=tmp_path, **options) == message
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_table_in_memory_is_read_so_options_hold():
    table = TABLE.set_axis(["state", "Rcell"], axis="columns")
    by_name = rramsim.fit(table, map={"Rcell": "R [kOhm]"}, over_range=94e3)
    by_table = rramsim.fit(
        table, reading={"map": ["Rcell=R [kOhm]"], "over_range": "1 MOhm"}, over_range="94 kOhm"
    )
    assert by_name.readings.identical(by_table.readings)
    assert by_name.readings["censoring"].values.tolist() == [0, 0, 0, 0, 1, 1]


@pytest.mark.slow
def test_the_recipe_recorded_is_a_call_that_gives_the_same():
    result = rramsim.fit(
        TABLE,
        reference=np.int64(25_000),
        target_ber=np.float32(0.125),
        lrs_share=np.array(0.25),
        over_range="95 kOhm",
        states={"LRS": "LRS", "HRS": "HRS"},
        read_pulse=(np.float64(0.2), 1e-8),
    )
    recipe = result.provenance.recipe.replace("<readings in memory>", "TABLE")
    again = eval(recipe, {"rramsim": rramsim, "TABLE": TABLE})
    assert again.to_json() == result.to_json()
    assert again.provenance.json() == result.provenance.json()
    options = json.loads(result.provenance.json())["options"]
    assert options["target_ber"] == 0.125
    assert options["lrs_share"] == 0.25
    assert options["reference"] == "25000.0 ohm"


@pytest.mark.slow
def test_a_fit_s_readings_can_be_fitted_again(cells):
    assert rramsim.fit(rramsim.fit(cells)).readings.identical(cells.readings)


MANY = "accepted: a path, the name of a shipped set, a list of these, or a pandas.DataFrame."


@pytest.mark.parametrize(
    ("given", "shown", "accepted"),
    [
        (None, "None", MANY),
        (5, "5", MANY),
        ({"a": 1}, "{'a': 1}", MANY),
        (xr.Dataset(), "of type Dataset", MANY),
    ],
)
def test_what_are_no_readings_is_refused(tmp_path, given, shown, accepted):
    assert refusal(rramsim.read_measurements, given) == f"files is {shown}; {accepted}"
    assert refusal(rramsim.fit, given) == f"measured is {shown}; {accepted}"
    if given is not None:
        message = refusal(rramsim.tradeoff, given, out=tmp_path)
        assert message == f"measurements is {shown}; {accepted}"


def test_a_list_that_holds_no_files_is_refused_by_what_it_holds():
    message = "an item of files is of type DataFrame; accepted: a path, or the name of a shipped"
    assert refusal(rramsim.read_measurements, [TABLE]).startswith(message)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("over_range", -1, "over_range is -1; accepted: a resistance above 0"),
        ("over_range", "0 ohm", "over_range is '0 ohm'; accepted: a resistance above 0"),
        ("floor", float("nan"), "floor is nan; accepted: a resistance above 0"),
        ("floor", [1], r"floor is [1]; accepted: a resistance above 0"),
        ("read_voltage", 0, "read_voltage is 0; accepted: a voltage other than 0"),
        ("columns", 5, "columns is 5; accepted: texts"),
        ("map", 5, 'map is 5; accepted: {"Rcell": "R [kOhm]"}'),
        ("map", {1: "R"}, "map is {1: 'R'}; accepted"),
        ("states", ["LRS"], "states is ['LRS']; accepted"),
        ("file_name", 5, "file_name is 5; accepted: a text"),
    ],
)
def test_an_option_of_another_kind_is_refused(option, value, message):
    assert refusal(rramsim.read_measurements, TABLE, **{option: value}).startswith(message)


def test_states_may_be_numbers():
    table = pd.DataFrame({"state": [0, 7], "R (kOhm)": [5.0, 90.0]})
    states = {0: "LRS", np.int64(7): "HRS"}
    by_number = rramsim.read_measurements(table, states=states)
    assert by_number.readings["state_index"].values.tolist() == [0, 1]
    assert reading_table(states=states).states == "0=LRS,7=HRS"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lrs_share": "0.5"}, "lrs_share is '0.5'; accepted: a number between 0 and 1."),
        ({"target_ber": "1e-4"}, "target_ber is '1e-4'; accepted: a number above 0 and below 0.5."),
        ({"ber_limit": [1]}, "ber_limit is [1]; accepted: a number above 0 and below 0.5."),
        ({"reference_spread": "5 %"}, "reference_spread is '5 %'; accepted: a number from 0 on."),
        ({"offset": None}, "offset is None; accepted: a number from 0 on."),
        ({"reference": [25e3]}, "reference is [25000.0]; accepted: a number in ohm, or a text"),
        ({"use_temperature": True}, "use_temperature is True; accepted: a number in K"),
        ({"read_pulse": 0.2}, "read_pulse is 0.2; accepted: a voltage and a time"),
        ({"read_pulse": (0.2, 1e-8, 1)}, "read_pulse is (0.2, 1e-08, 1); accepted: a voltage and"),
        ({"read_pulse": (0.2, None)}, "read_pulse is (0.2, None); accepted: a voltage and a time"),
        ({"bake": (1, 2)}, "bake is (1, 2); accepted: the names of two conditions"),
        ({"conditions": {"a": 1}}, "conditions is {'a': 1}; accepted: a conditions file"),
        ({"conditions": TABLE}, "conditions is of type DataFrame; accepted: a conditions file"),
        ({"conditions": xr.Dataset()}, "conditions: this dataset is not one of conditions"),
        ({"reading": 5}, "reading is 5; accepted: a table of the options of read_measurements."),
        ({"reading": {"foo": 1}}, "the settings: there is no setting 'foo'. Did you mean 'floor'?"),
        ({"columns": 5}, "the settings: columns is 5; accepted: "),
    ],
)
def test_a_fit_refuses_what_is_no_number_or_no_table(cells, options, message):
    assert refusal(rramsim.fit, cells, **options).startswith(message)


@pytest.mark.parametrize("settings", [rramsim.Study, ReadingTable])
def test_settings_name_what_they_do_not_know(settings):
    message = refusal(settings, bogus=1)
    assert message.startswith("the settings: there is no setting 'bogus'. Accepted are ")


def test_settings_take_numpy_numbers():
    study = rramsim.Study(
        training_bers=np.array([0.0, 0.1]),
        chips=np.int64(20),
        tolerance=np.float32(0.125),
        lrs_share=np.array(0.25),
        reference=np.float32(25e3),
    )
    assert study.training_bers == (0.0, 0.1)
    assert (study.chips, study.tolerance) == (20, 0.125)
    assert (study.use.lrs_share, study.use.reference) == (0.25, "25000.0 ohm")
    assert json.loads(study.text())["chips"] == 20


@pytest.fixture(scope="module")
def network():
    return rramsim.train("digits", network="64-16-10", epochs=1)


NO_MODEL = "lacks draw and identity; a fault model needs draw(signs, seed)"


@pytest.mark.parametrize(
    ("model", "values", "message"),
    [
        (rramsim.IidFaults, ["a"], "ber is 'a'; accepted: a number from 0 to 1."),
        (rramsim.IidFaults, [None], "ber is None; accepted: a number from 0 to 1."),
        (rramsim.StateFaults, [0.1, [1]], "ber_hrs is [1]; accepted: a number from 0 to 1."),
        (rramsim.PopulationFaults, [1, "1", 2, 1, 25e3], "sigma_lrs is '1'; accepted: a finite"),
        (rramsim.LayerFaults, [5], "models is 5; accepted: a fault model for each layer"),
        (rramsim.LayerFaults, [[0.1]], f"The fault model float {NO_MODEL}"),
        (rramsim.StoppingRule, [2.5], "chips is 2.5; accepted: a whole number from 1 on."),
        (rramsim.StoppingRule, [20, "1 %"], "half_width is '1 %'; accepted: a number from 0 to"),
    ],
)
def test_a_fault_model_or_a_rule_refuses_what_is_no_number(model, values, message):
    assert refusal(model, *values).startswith(message)


def test_fault_models_and_rules_keep_numpy_numbers_as_numbers():
    model = rramsim.StateFaults(np.float32(0.125), np.array(0.25))
    assert model == rramsim.StateFaults(0.125, 0.25)
    assert repr(model) == "StateFaults(ber_lrs=0.125, ber_hrs=0.25)"
    assert hash(model) == hash(rramsim.StateFaults(0.125, 0.25))
    rule = repr(rramsim.StoppingRule(np.int64(20)))
    assert rule == "StoppingRule(chips=20, half_width=0.0, first_look=30)"
    assert rramsim.LayerFaults([model]).models == (model,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chips": 2.5}, "chips is 2.5; accepted: a whole number from 1 on (a StoppingRule"),
        ({"chips": rramsim.StoppingRule(20)}, "chips is of type StoppingRule; accepted: a whole"),
        ({"rule": 20}, "rule is 20; accepted: a StoppingRule (a number of chips is given as chip"),
        ({"seed": "1"}, "seed is '1'; accepted: a whole number."),
        ({"seed": -1}, "The seed is -1; a number from 0 to 2**64 - 1 is needed."),
        ({"layer": 1.5}, "layer is 1.5; accepted: a whole number."),
        ({"device": "gpu"}, "device is 'gpu'; accepted: 'cpu' or 'cuda'."),
        ({"faults": 5}, "The fault model int "),
        ({"faults": None}, f"The fault model NoneType {NO_MODEL}"),
        ({"faults": [0.1]}, f"The fault model float {NO_MODEL}"),
        ({"faults": rramsim.IidFaults}, "The fault model IidFaults is a class; give an object"),
        ({"progress": 5}, "progress is 5; accepted: a function of stage, done and total."),
        ({"network": 5}, "network is 5; accepted: a network that train gives, or the path of a"),
    ],
)
def test_an_evaluation_refuses_what_it_cannot_use(network, options, message):
    arguments = {"network": network, "faults": rramsim.IidFaults(0.1), **options}
    assert refusal(rramsim.evaluate, **arguments).startswith(message)


def test_an_evaluation_takes_any_iterable_of_fault_models_and_numpy_numbers(network):
    models = [rramsim.IidFaults(ber) for ber in (0.0, 0.1)]
    options = {"chips": np.int64(2), "seed": np.int64(3), "layer": np.int64(1)}
    of_list = rramsim.evaluate(network, models, chips=2, seed=3, layer=1)
    of_generator = rramsim.evaluate(network, (model for model in models), **options)
    assert of_generator.identical(of_list)


class Nameless:
    """Draws, but does not tell what it is."""

    def draw(self, signs, seed):
        return signs > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"out": 5}, "out is 5; accepted: the path of a folder."),
        ({"study": 5}, "study is 5; accepted: a Study, or the path of a study file."),
        ({"conditions": 5}, "conditions is 5; accepted: a conditions file, the name of a shipped"),
        ({"device": "gpu"}, "device is 'gpu'; accepted: 'cpu' or 'cuda'."),
        ({"faults": 0.1}, f"The fault model float {NO_MODEL}"),
        (
            {"faults": lambda row: 5},
            f"faults, for condition 'very strong': The fault model int {NO_MODEL}",
        ),
        ({"faults": lambda row: Nameless()}, "faults, for condition 'very strong': The fault mode"),
        ({"chips": 2.5}, "the settings: chips is 2.5; accepted: a valid integer"),
        ({"foo": 1}, "the settings: there is no setting 'foo'."),
        ({"workers": 5}, "workers is 5; accepted: Workers."),
        ({"progress": 5}, "progress is 5; accepted: a function of stage, done and total."),
    ],
)
def test_a_trade_off_refuses_what_it_cannot_use(tmp_path, options, message):
    arguments = {"conditions": "table1", "out": tmp_path / "out", **options}
    assert refusal(rramsim.tradeoff, **arguments).startswith(message)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_trade_off_takes_a_fault_model_for_all_conditions(tmp_path, network):
    rramsim.save_network(tmp_path / "a.safetensors", network)
    small = {"models": [str(tmp_path / "a.safetensors")], "curve_bers": [0.1], "chips": 2}
    small |= {"protections": ["none"], "reestimate": False}
    model = rramsim.StateFaults(0.2, np.float64(0.1))
    of_model = rramsim.tradeoff(None, "table1", out=tmp_path / "1", faults=model, **small)
    of_rows = rramsim.tradeoff(
        None, "table1", out=tmp_path / "2", faults=lambda row: model, **small
    )
    assert of_model.tradeoff.identical(of_rows.tradeoff)
    assert of_model.tradeoff.test_ber.values.ravel() == pytest.approx([0.15] * 3, abs=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"images": 5}, "images is 5; accepted: an ImageSet, the name of one, or a folder."),
        ({"network": 5}, 'network is 5; accepted: layers, such as "784-512-512-10".'),
        ({"training_ber": rramsim.IidFaults(0.1)}, "training_ber is of type IidFaults; accepted:"),
        ({"training_ber": (0.1, "0.2")}, "training_ber is '0.2'; accepted: a number from 0 to"),
        ({"epochs": 2.5}, "epochs is 2.5; accepted: a whole number from 1 on."),
        ({"seed": "1"}, "seed is '1'; accepted: a whole number."),
        ({"method": {"epochs": 1}}, "method is {'epochs': 1}; accepted: a Method."),
        ({"file": 5}, "file is 5; accepted: the path of a model file."),
        ({"device": "gpu"}, "device is 'gpu'; accepted: 'cpu' or 'cuda'."),
    ],
)
def test_a_training_refuses_what_it_cannot_use(options, message):
    assert refusal(rramsim.train, **options).startswith(message)


def test_a_training_takes_numpy_numbers(network):
    again = rramsim.train(
        network="64-16-10",
        epochs=np.int64(1),
        seed=np.int64(1),
        training_ber=np.zeros(2),
    )
    assert again.folded.content_id == network.folded.content_id
    assert again.metadata == network.metadata


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (rramsim.import_module, [5, "digits"], "module is 5; accepted: a torch.nn.Module."),
        (rramsim.load_network, [5], "path is 5; accepted: the path of a model file."),
        (rramsim.save_network, ["a", 5], "network is 5; accepted: a network as train or import"),
        (rramsim.read_conditions, [5], "path is 5; accepted: a path, or the name of a shipped set"),
        (rramsim.fit_lognormal, [[-1, 1, 2]], "values is [-1, 1, 2]; accepted: numbers above 0"),
        (rramsim.fit_lognormal, [[1, float("nan")]], "values is [1, nan]; accepted: numbers abov"),
        (rramsim.fit_lognormal, [[[1, 2, 3]]], "values of shape (1, 3) is [[1, 2, 3]]; accepted:"),
        (rramsim.fit_lognormal, [["a"]], "values is ['a']; accepted: numbers along one axis."),
        (rramsim.fit_lognormal, [None], "values is None; accepted: numbers along one axis."),
        (rramsim.fit_lognormal, [[1, 2], [0]], "censoring of shape (1,) is [0]; accepted: number"),
        (rramsim.fit_lognormal, [[1, 2], [0, 3]], "censoring is [0, 3]; accepted: -1, 0 or 1"),
        (rramsim.fit_weibull, [["a"], [1]], "last_good or first_failed is [['a'], [1]]"),
        (rramsim.fit_weibull, [[1, 2], [1]], "the shapes of last_good and first_failed is ["),
        (rramsim.bit_error_rate, [5, 6], "lrs is 5; accepted: a LognormalFit, as fit_lognormal"),
        (rramsim.recommend, [5], "tradeoff is 5; accepted: the dataset 'tradeoff', or a result"),
        (rramsim.recommend, [xr.Dataset()], "tradeoff: this dataset is not one of that kind"),
        (rramsim.plot_tradeoff, [5], "tradeoff is 5; accepted: the dataset 'tradeoff', or a resu"),
        (rramsim.plot_accuracy, [5], "accuracy is 5; accepted: the dataset 'accuracy', or a resu"),
        (rramsim.plot_populations, [5], "readings is 5; accepted: the dataset 'readings', or a r"),
    ],
)
def test_other_functions_refuse_what_they_cannot_use(function, arguments, message):
    assert refusal(function, *arguments).startswith(message)


def test_numbers_of_another_kind_are_refused_for_a_bit_error_rate():
    lrs, hrs = (rramsim.fit_lognormal(values) for values in ([5, 6, 7], [90, 95, 99]))
    message = refusal(rramsim.bit_error_rate, lrs, hrs, lrs_share="0.5")
    assert message == "lrs_share is '0.5'; accepted: a number between 0 and 1."
    of_numpy = rramsim.bit_error_rate(lrs, hrs, reference=np.int64(25))
    assert of_numpy == rramsim.bit_error_rate(lrs, hrs, reference=25.0)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["report", "to_netcdf", "draw"])
def test_a_fit_is_written_to_paths_only(cells, method):
    name = "folder" if method == "report" else "path"
    assert refusal(getattr(rramsim.fit(cells), method), 5) == f"{name} is 5; accepted: a path."


def test_figures_are_drawn_on_axes_only(cells):
    fit = rramsim.fit(cells)
    message = "ax is 5; accepted: axes or a figure of matplotlib."
    assert refusal(rramsim.plot_populations, fit, ax=5) == message
    datasets = {"populations": fit.populations, "conditions": fit.conditions}
    message = refusal(rramsim.plot_populations, xr.Dataset(), **datasets)
    assert message.startswith("readings: this dataset is not one of that kind")


def test_a_study_takes_paths(tmp_path):
    path = tmp_path / "cells.csv"
    for given in (path, [path], (str(path),)):
        assert rramsim.Study(measurements=given).measurements == (str(path),)
