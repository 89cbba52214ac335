"""Several trainings of one recipe: other seeds, or other parts of a small image set."""

import json

import numpy as np
import pytest
import torch

from rramsim import parallel
from rramsim.crossbar.faults import IidFaults
from rramsim.errors import InputError
from rramsim.images.catalogue import load_images
from rramsim.images.folds import Fold
from rramsim.network.model_files import SavedNetwork, load_network, save_network
from rramsim.network.scoring.evaluator import Evaluator
from rramsim.network.shape import NetworkShape
from rramsim.network.training.flips import RandomFlips
from rramsim.network.training.method import Method
from rramsim.network.training.plan import TrainingPlan, replicates
from rramsim.network.training.train import train, train_replicates
from rramsim.study.evaluate import evaluate

SMALL = {"network": "64-8-10", "epochs": 1}


@pytest.fixture(scope="module")
def digits():
    return load_images("digits")


@pytest.fixture
def plan(digits):
    faults = RandomFlips.iid(0.1, seed=0)
    return TrainingPlan(NetworkShape((64, 8, 10)), digits, Method(1), seed=4, faults=faults)


def test_seeds_follow_each_other_and_names_say_them(plan):
    found = replicates(plan, trainings=3)
    assert list(found) == ["-seed-4", "-seed-5", "-seed-6"]
    assert [each.seed for each in found.values()] == [4, 5, 6]
    assert [each.seeded_faults.seed for each in found.values()] == [4, 5, 6]
    assert replicates(plan) == {"": plan}


def test_each_fold_has_a_seed_and_images_of_its_own(plan, digits):
    found = replicates(plan, folds=3)
    assert list(found) == [f"-fold-{number}-of-3" for number in (1, 2, 3)]
    for number, each in enumerate(found.values(), start=1):
        assert each.seed == 3 + number
        assert each.images.content_id == Fold(number, of=3, seed=4).apply(digits).content_id
        assert each.settings()["fold"]["number"] == number


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"trainings": 2, "folds": 3}, "trainings 2 and folds 3: accepted is one of the two"),
        ({"folds": 200}, "accepted are 2 to 174"),
        ({"trainings": 2**63}, "take seeds from it on"),
    ],
)
def test_what_cannot_be_is_told(plan, asked, told):
    with pytest.raises(InputError, match=told):
        replicates(plan, **asked)


@pytest.mark.slow
def test_a_replicate_is_what_a_single_training_with_its_seed_gives(tmp_path):
    file = tmp_path / "net.safetensors"
    found = train_replicates("digits", trainings=2, seed=7, training_ber=0.1, file=file, **SMALL)
    alone = [train("digits", seed=seed, training_ber=0.1, **SMALL) for seed in (7, 8)]
    assert [each.folded.content_id for each in found] == [each.folded.content_id for each in alone]
    assert found[0].folded.content_id != found[1].folded.content_id
    assert found[0].training_recipe == found[1].training_recipe == alone[0].training_recipe != ""
    paths = [tmp_path / f"net-seed-{seed}.safetensors" for seed in (7, 8)]
    times = [path.stat().st_mtime_ns for path in paths]
    # One more: the two that are there are not trained again.
    more = train_replicates("digits", trainings=3, seed=7, training_ber=0.1, file=file, **SMALL)
    assert [path.stat().st_mtime_ns for path in paths] == times
    assert [each.metadata["seed"] for each in more] == [7, 8, 9]
    # Neither another training BER nor another number of epochs is the same recipe.
    other = train("digits", **{**SMALL, "epochs": 2})
    assert (
        len(
            {
                found[0].training_recipe,
                other.training_recipe,
                train("digits", **SMALL).training_recipe,
            }
        )
        == 3
    )


@pytest.mark.slow
def test_trainings_side_by_side_are_what_they_are_alone_whatever_interrupts_them(
    tmp_path, monkeypatch
):
    # A hidden layer of several chunks of flips, on three threads though there may be fewer cores.
    small = {"network": "64-512-10", "epochs": 3, "training_ber": 0.1, "trainings": 4}
    monkeypatch.setattr(parallel, "cores", lambda: 1)
    train_replicates("digits", file=tmp_path / "alone.safetensors", **small)
    monkeypatch.undo()
    monkeypatch.setattr(parallel.os, "sched_getaffinity", lambda _: range(3), raising=False)
    epochs = []

    def interrupt(stage, done, total, note=""):
        epochs.append((done, total))
        if done == 5:
            raise KeyboardInterrupt

    file = tmp_path / "beside.safetensors"
    threads = torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt):
        train_replicates("digits", file=file, progress=interrupt, **small)
    assert epochs == [(done, 12) for done in range(1, 6)]
    assert list(tmp_path.glob("beside*.checkpoint"))
    train_replicates("digits", file=file, **small)
    assert torch.get_num_threads() == threads
    for seed in range(1, 5):
        for suffix in (".safetensors", ".csv"):
            alone, beside = (
                (tmp_path / f"{name}-seed-{seed}{suffix}").read_bytes()
                for name in ("alone", "beside")
            )
            assert alone == beside
    assert not list(tmp_path.glob("*.checkpoint"))


@pytest.mark.slow
def test_a_network_of_a_fold_is_scored_on_its_own_test_images(tmp_path, digits):
    file = tmp_path / "net.safetensors"
    found = train_replicates("digits", folds=3, file=file, **SMALL)
    assert len({each.training_recipe for each in found}) == 1
    for number in (1, 3):
        path = tmp_path / f"net-fold-{number}-of-3.safetensors"
        saved, images = load_network(path), Fold(number, of=3, seed=1).apply(digits)
        assert saved.metadata["seed"] == number
        right = Evaluator(saved.folded, images.test_images, images.test_labels).correct()
        assert saved.accuracy == right / 599
        # Named by its file, and with the whole set given.
        for given in (None, "digits", digits):
            result = evaluate(path, IidFaults(0.0), images=given, chips=1)
            assert float(result["accuracy"][0]) == saved.accuracy
            assert result.attrs["test_images"] == 599
            assert (result.attrs["fold"], result.attrs["folds"]) == (number, 3)


def test_a_record_of_a_fold_that_is_damaged_is_told(tmp_path):
    network = train("digits", **SMALL)
    settings = {**network.metadata["settings"], "fold": {"number": 1, "of": "3", "seed": 1}}
    record = {**network.metadata, "settings": settings}
    with pytest.raises(ValueError, match="of the fold"):
        save_network(tmp_path / "net.safetensors", SavedNetwork(network.folded, record))


def test_networks_trained_elsewhere_have_no_recipe():
    network = train("digits", **SMALL)
    imported = {**network.metadata, "seed": None, "settings": {"imported": "Net"}}
    assert SavedNetwork(network.folded, imported).training_recipe == ""
    assert json.loads(network.training_recipe).keys() == network.metadata["settings"].keys() - {
        "seed"
    }


@pytest.mark.slow
def test_numbers_of_trainings_that_are_none_are_told():
    for trainings in (0, 1.5, True):
        with pytest.raises(InputError, match="trainings"):
            train_replicates("digits", trainings=trainings, **SMALL)
    with pytest.raises(InputError, match="folds"):
        train_replicates("digits", folds=2.5, **SMALL)
    assert len(train_replicates("digits", trainings=np.int64(1), **SMALL)) == 1


@pytest.mark.slow
def test_progress_counts_the_epochs_of_all_trainings():
    seen = []
    train_replicates(
        "digits", trainings=2, network="64-8-10", epochs=2, progress=lambda *told: seen.append(told)
    )
    assert [told[1:3] for told in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
