"""The study file: what it accepts, what it refuses and in which words."""

import pytest

from rramsim.errors import InputError
from rramsim.images.catalogue import load_images
from rramsim.network.training.method import Method
from rramsim.study.inputs import use_of_cells
from rramsim.study.settings import Study, make_study
from rramsim.study.stages.networks import plan_for
from rramsim.study.tradeoff import devices_of


def test_without_anything_the_shipped_pair_is_used():
    study = make_study()
    assert study.measurements == ("hirtzlin2019-reconstructed",)
    assert study.conditions == "table1"


def test_own_measurements_never_get_the_energies_of_the_paper():
    assert make_study(measurements=["cells.csv"]).conditions is None
    assert make_study(conditions="mine.toml").measurements == ()


def test_the_command_line_wins_over_the_file(tmp_path):
    file = tmp_path / "study.toml"
    file.write_text("seed = 3\nchips = 7\n")
    study = make_study(file, seed=5, images=None)
    assert (study.seed, study.chips, study.images) == (5, 7, "digits")


def test_what_is_given_by_name_wins_over_a_study_as_over_a_file():
    base = Study(chips=7, seed=3, reference="25 kOhm")
    study = make_study(base, seed=5, reference_spread=0.05, images=None)
    assert (study.seed, study.chips, study.images) == (5, 7, "digits")
    assert (study.use.reference, study.use.reference_spread) == ("25 kOhm", 0.05)
    assert study.conditions == "table1"
    assert base == Study(chips=7, seed=3, reference="25 kOhm")


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
    plan = plan_for(again, images, 0.1)
    assert str(plan.shape) == "1x8x8-8C3-8C3-MP2-32-10"
    assert plan.method == Method(3, batch_size=256, loss="hinge", margin=2.0, shift=1, mirror=True)
    assert plan.settings() == plan_for(study, images, 0.1).settings()


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        ({"reference": "30 kOhm"}, {"reference": "30kOhm"}, {"reference": "31 kOhm"}),
        ({"reference": 30e3}, {"reference": "0.03 MOhm"}, {"reference": "30 ohm"}),
        ({"read_voltage": "200 mV"}, {"read_voltage": 0.2}, {"read_voltage": "0 V"}),
        ({"over_range": "1e8 ohm"}, {"over_range": "100MOhm"}, {"over_range": None}),
        ({"floor": "1 kOhm"}, {"floor": "1000 ohm"}, {"floor": "1 MOhm"}),
    ],
)
def test_quantities_of_a_study_are_compared_by_value(one, same, other):
    given = {"measurements": "cells.csv"}
    assert Study(**one, **given).text() == Study(**same, **given).text()
    assert Study(**one, **given).text() != Study(**other, **given).text()


def test_equal_studies_have_equal_texts_and_bers_stand_once():
    one = make_study(training_bers=[0.1, 0.0, 0.1])
    assert one.training_bers == (0.0, 0.1)
    assert one.text() == make_study(training_bers=[0, 0.1]).text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("chips = 1\n", "chips is 1; accepted: greater than or equal to 2"),
        (
            "chipz = 3\n",
            "there is no setting 'chipz'. Did you mean 'chips'? Accepted are accept_extrapolated, ",
        ),
        ("training_bers = [0.0, 0.7]\n", "training_bers.1 is 0.7; accepted: less than 0.5"),
        ("training_bers = []\n", "training_bers is []"),
        ('seed = "one"\n', "seed is 'one'; accepted: a valid integer"),
        ("chips = \n", "(A file of resistances is given with --measurements.)"),
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
    binary.write_bytes(b"\x80\x81")
    with pytest.raises(InputError, match="UTF-8"):
        make_study(binary)


def test_settings_of_reading_and_use_stand_in_tables_or_at_the_top_as_in_0_1_0(tmp_path):
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_text('columns = "a"\nread_voltage = "0.2 V"\nreference = "1 kOhm"\nlrs_share = 0.4\n')
    new.write_text(
        '[reading]\ncolumns = "a"\nread_voltage = "0.2 V"\n'
        '[use]\nreference = "1 kOhm"\nlrs_share = 0.4\n'
    )
    assert make_study(old) == make_study(new)
    assert make_study(new).reading.columns == "a"
    assert make_study(new).use.lrs_share == 0.4
    # The command line wins over either, and leaves the rest.
    for file in (old, new):
        study = make_study(file, columns="b", lrs_share=None, offset=0.1)
        assert (study.reading.columns, study.reading.read_voltage) == ("b", "0.2 V")
        assert (study.use.lrs_share, study.use.offset) == (0.4, 0.1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('columns = "a"\n[reading]\ncolumns = "b"\n', "columns and reading.columns are one"),
        ("[use]\nlrs_share = 2\n", "use.lrs_share is 2; accepted: less than 1"),
        ("lrs_share = 2\n", "use.lrs_share is 2; accepted: less than 1"),
        (
            "[reading]\ncolumn = 2\n",
            "no setting 'reading.column'. Did you mean 'columns'? Accepted are columns",
        ),
        ("reading = 2\n", "reading is 2; accepted: a table"),
    ],
)
def test_a_setting_in_two_places_or_of_no_table_is_refused(tmp_path, text, words):
    file = tmp_path / "study.toml"
    file.write_text(text)
    with pytest.raises(InputError) as error:
        make_study(file)
    assert f"{file}: " in str(error.value)
    assert words in str(error.value)


def test_headers_and_states_may_be_tables_and_numbers_are_in_si_units(tmp_path):
    file = tmp_path / "study.toml"
    file.write_text(
        '[reading.map]\nRcell = "R [kOhm]"\n[reading.states]\n0 = "HRS"\n31 = "LRS"\n'
        "[use]\nreference = 25e3\n"
    )
    study = make_study(file)
    assert study.reading.map == ("Rcell=R [kOhm]",)
    assert study.reading.states == "0=HRS,31=LRS"
    assert study.use.reference == "25000.0 ohm"
    assert use_of_cells(**study.use.model_dump()).reference_resistance == 25e3
    (tmp_path / "again.toml").write_text(study.toml())
    assert make_study(tmp_path / "again.toml") == study


def test_a_read_voltage_needs_a_unit():
    study = make_study(measurements=["ni-rram-64kb-cycling"], read_voltage="0.2")
    with pytest.raises(InputError, match="V, mV"):
        devices_of(study)


@pytest.mark.slow
def test_a_reference_of_the_study_is_read_against(tmp_path):
    study = make_study(measurements=["hirtzlin2019-reconstructed"], reference="30 kOhm")
    conditions = devices_of(study).conditions
    assert conditions.reference_resistance.values.tolist() == [30e3] * 3


def test_protections_may_be_one_list_whose_codes_have_commas_of_their_own():
    listed = make_study(protections="none, 2T2R,secded(72,64),verify(5, read_spread=0.1)")
    assert listed.protections == ("none", "2T2R", "secded(72,64)", "verify(5, read_spread=0.1)")
    assert make_study(protections=["none,2T2R", "none"]).protections == ("none", "2T2R")


def test_a_study_is_the_same_wherever_it_is_asked_for_from():
    here = Study(
        measurements="c.csv", conditions="e.toml", images="mnist", models=("a.safetensors",)
    )
    there = Study(
        measurements="../s/c.csv",
        conditions="../s/e.toml",
        images="../mnist",
        models=("s/a.safetensors",),
    )
    assert here.text() == there.text()
    other = Study(
        measurements="d.csv", conditions="e.toml", images="mnist", models=("a.safetensors",)
    )
    assert here.text() != other.text()
