import dataclasses

import pytest

from rramsim.errors import InputError
from rramsim.network.definition import NetworkShape
from rramsim.network.evaluation import Evaluator
from rramsim.network.images import load_images
from rramsim.network.plan import TrainingPlan, default_epochs, find_network, obtain_network


@pytest.fixture(scope="module")
def plan():
    return TrainingPlan(
        shape=NetworkShape((64, 16, 10)),
        images=load_images("digits"),
        training_ber=0.05,
        epochs=2,
        seed=1,
    )


def test_a_plan_ends_in_a_file_and_is_not_done_twice(plan, tmp_path):
    path = tmp_path / "model.safetensors"
    assert find_network(path, plan) is None
    epochs = []
    first = obtain_network(path, plan, images_from="digits", on_epoch=lambda *e: epochs.append(e))
    assert [done for done, _, _ in epochs] == [1, 2]
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.safetensors"]
    content = path.read_bytes()
    again = obtain_network(path, plan, images_from="digits", on_epoch=lambda *e: epochs.append(e))
    assert len(epochs) == 2
    assert path.read_bytes() == content
    assert again.folded.content_id == first.folded.content_id
    images = plan.images
    right = Evaluator(first.folded, images.test_images, images.test_labels).correct()
    assert first.metadata["accuracy"] == right / len(images.test_labels)


def test_an_interrupt_leaves_a_checkpoint_to_go_on_from(plan, tmp_path):
    whole = obtain_network(tmp_path / "whole.safetensors", plan, images_from="digits")
    path = tmp_path / "model.safetensors"

    def interrupt(*_epoch):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        obtain_network(path, plan, images_from="digits", on_epoch=interrupt)
    assert (tmp_path / "model.checkpoint").exists()
    assert not path.exists()
    obtain_network(path, plan, images_from="digits")
    assert path.read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    assert whole.metadata["epochs"] == 2
    assert not (tmp_path / "model.checkpoint").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"training_ber": 0.1}, r"flips 0.05 iid, now 0.1 iid"),
        ({"training_ber": 0.0}, r"flips 0.05 iid, now none"),
        ({"seed": 2}, r"\(seed 1, now 2\)"),
        ({"epochs": 3}, r"\(epochs 2, now 3\)"),
        ({"shape": NetworkShape((64, 17, 10))}, r"network 64-16-10, now 64-17-10"),
    ],
)
def test_a_network_of_another_plan_is_told(plan, tmp_path, change, told):
    path = tmp_path / "model.safetensors"
    obtain_network(path, plan, images_from="digits")
    content = path.read_bytes()
    with pytest.raises(InputError, match=told):
        obtain_network(path, dataclasses.replace(plan, **change), images_from="digits")
    assert path.read_bytes() == content


def test_default_epochs_follow_the_number_of_images(plan):
    assert default_epochs(plan.images) == 40
