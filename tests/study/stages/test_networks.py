"""A study on networks that are there already."""

import dataclasses
import json
import re

import pytest
from typer.testing import CliRunner

from rramsim.cli.app import app
from rramsim.errors import InputError
from rramsim.images.catalogue import load_images, register_images, unregister_images
from rramsim.network.model_files import SavedNetwork, load_network, save_network
from rramsim.network.shape import NetworkShape
from rramsim.network.training.flips import RandomFlips
from rramsim.network.training.method import Method
from rramsim.network.training.plan import TrainingPlan
from rramsim.network.training.train import obtain_network, train_replicates
from rramsim.study.settings import make_study
from rramsim.study.stages.networks import load_models, plans_by_file
from rramsim.study.training_settings import TrainingFile


@pytest.fixture(scope="module")
def digits():
    return load_images("digits")


@pytest.fixture(scope="module")
def models(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    plan = TrainingPlan(NetworkShape((64, 32, 10)), digits, Method(2), seed=1)
    unequal = RandomFlips((0.02,), (0.08,), seed=1)
    adapted = dataclasses.replace(plan, faults=unequal)
    paths = [folder / "plain.safetensors", folder / "adapted.safetensors"]
    for path, each in zip(paths, (plan, adapted), strict=True):
        obtain_network(path, each, images_from="digits")
    return paths


@pytest.mark.slow
def test_a_study_scores_the_networks_of_model_files_and_trains_none(models, tmp_path):
    study = tmp_path / "study.toml"
    study.write_text(
        f"models = {json.dumps([str(path) for path in models])}\nchips = 3\ncurve_bers = [0.1]\n"
        'protections = ["none"]\nreestimate = false\n'
    )
    out = tmp_path / "out"
    command = ["tradeoff", str(study), "--out", str(out), "--json"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    points = json.loads(result.stdout)["points"]
    assert {point["training_ber"] for point in points} == {0.0, 0.05}
    assert not (out / "networks").exists()
    report = (out / "report.html").read_text()
    assert "plain.safetensors" in report
    assert "trained once, with seed" not in report
    assert "0.05 stands for BER of LRS 0.02, of HRS 0.08." in report
    # The folder belongs to these very networks: another one of the same name is another study.
    saved = load_network(models[1])
    save_network(models[0], SavedNetwork(saved.folded, {**saved.metadata, "training_ber": 0.0}))
    again = CliRunner().invoke(app, command)
    assert isinstance(again.exception, InputError)


def test_paths_of_models_are_relative_to_the_study_file(models):
    study = models[0].parent / "study.toml"
    study.write_text('models = ["adapted.safetensors"]\n')
    assert make_study(study).models == (str(models[1]),)


@pytest.mark.parametrize("told", ['network = "64-16-10"', "epochs = 3", "training_bers = [0.2]"])
def test_what_would_be_trained_is_refused_beside_models(tmp_path, told):
    study = tmp_path / "study.toml"
    study.write_text(f'models = ["one.safetensors"]\n{told}\n')
    with pytest.raises(InputError, match=rf"models is .* without {told.split()[0]}"):
        make_study(study)


def test_models_that_cannot_be_told_apart_or_are_of_other_images_are_refused(
    models, digits, tmp_path
):
    twice = make_study(models=(str(models[1]), str(models[1])))
    with pytest.raises(InputError, match=r"has the training BER 0\.05"):
        load_models(twice, digits)
    saved = load_network(models[1])
    unknown = tmp_path / "unknown.safetensors"
    save_network(unknown, SavedNetwork(saved.folded, {**saved.metadata, "training_ber": None}))
    with pytest.raises(InputError, match="has no training BER"):
        load_models(make_study(models=(str(unknown),)), digits)
    other = dataclasses.replace(digits, test_labels=digits.test_labels[::-1].copy(), name="turned")
    with pytest.raises(InputError, match="not those of the study \\(turned\\)"):
        load_models(make_study(models=(str(models[1]),)), other)


def test_models_of_other_seeds_are_trainings_of_one_recipe(digits, tmp_path):
    asked = TrainingFile(network="64-8-10", training_bers=(0.0, 0.1), trainings=2, epochs=1)
    files = list(plans_by_file(asked, tmp_path).items())
    for file, plan in files:
        obtain_network(file, plan, images_from="digits")
    names = [str(file) for file, _ in files]
    found = load_models(make_study(models=names[::-1]), digits)
    assert {ber: len(several) for ber, several in found.by_training_ber.items()} == {0.0: 2, 0.1: 2}
    seeds = [one.metadata["settings"]["seed"] for one in found.by_training_ber[0.1]]
    assert (seeds, len(found.images)) == ([1, 2], 2)
    with pytest.raises(InputError, match=r"seeds 1, 2 of the .* and seeds 1 of the .* 0\.1; "):
        load_models(make_study(models=names[:3]), digits)
    other = TrainingFile(network="64-9-10", epochs=1, seed=2)
    ((file, plan),) = plans_by_file(other, tmp_path).items()
    obtain_network(file, plan, images_from="digits")
    with pytest.raises(InputError, match=r"accepted beside it are trainings of the same recipe"):
        load_models(make_study(models=[names[0], str(file)]), digits)


def test_a_network_of_a_fold_is_refused_by_a_study(digits, tmp_path):
    network = train_replicates(
        "digits", folds=2, network="64-8-10", epochs=1, file=tmp_path / "net.safetensors"
    )[1]
    assert network.fold["number"] == 2
    file = str(tmp_path / "net-fold-2-of-2.safetensors")
    with pytest.raises(InputError, match="tests fold 2 of 2"):
        load_models(make_study(models=(file,)), digits)


def _names(tmp_path, images, network):
    asked = TrainingFile(
        images=images, network=network, training_bers=(0.0, 0.15), trainings=2, epochs=1
    )
    return [path.name for path in plans_by_file(asked, tmp_path)]


def test_names_of_model_files_are_short_and_their_own(tmp_path):
    deep = "1x8x8-2x128C3-MP2-2x256C3-MP2-2x512C3-MP2-2x1024-10"
    names = _names(tmp_path, "digits", deep)
    pattern = r"digits-9-layers-[0-9a-f]{6}-training-ber-(0\.0|0\.15)-seed-[12]\.safetensors"
    assert all(re.fullmatch(pattern, name) for name in names)
    others = _names(tmp_path, "digits", deep.replace("512", "511"))
    assert len({*names, *others}) == 8
    assert max(map(len, names)) < 64
    assert _names(tmp_path, "digits", "64-512-512-10")[0] == (
        "digits-64-512-512-10-training-ber-0.0-seed-1.safetensors"
    )


def _register(name):
    images = dataclasses.replace(load_images("digits"), name=name)
    register_images(name, lambda: images)
    return name


def test_a_long_name_of_images_is_cut_in_the_name_of_a_file(tmp_path):
    made = [_register(f"{'wafer' * 6}-{end}") for end in "ab"]
    try:
        names = [_names(tmp_path, name, "64-16-10")[0] for name in made]
    finally:
        for name in made:
            unregister_images(name)
    assert names[0] != names[1]
    assert all(name.startswith("waferwaferwa-") and len(name) <= 64 for name in names)
