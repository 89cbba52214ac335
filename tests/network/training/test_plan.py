import dataclasses

import pytest

from rramsim.images.catalogue import load_images
from rramsim.network.shape import NetworkShape
from rramsim.network.training.flips import RandomFlips
from rramsim.network.training.method import Method
from rramsim.network.training.plan import TrainingPlan, default_epochs


@pytest.fixture(scope="module")
def plan():
    return TrainingPlan(
        shape=NetworkShape((64, 16, 10)),
        images=load_images("digits"),
        method=Method(2),
        seed=1,
        faults=RandomFlips.iid(0.05, seed=0),
    )


def test_flips_follow_the_seed_of_the_training(plan):
    assert plan.seeded_faults == RandomFlips.iid(0.05, seed=1)
    assert dataclasses.replace(plan, faults=RandomFlips.iid(0.0, seed=0)).seeded_faults is None
    plain = dataclasses.replace(plan, faults=None)
    assert (plain.seeded_faults, plain.training_ber) == (None, 0.0)
    one_state = RandomFlips((0.1,), (0.0,))
    assert dataclasses.replace(plan, faults=one_state).training_ber == 0.05


def test_default_epochs_follow_the_number_of_images(plan):
    assert default_epochs(plan.images) == 40


def test_a_user_s_own_training_faults_have_no_training_ber(plan):
    def none(signs, *, layer, iteration):
        return signs

    own = dataclasses.replace(plan, faults=none)
    assert own.training_ber is None
    assert own.seeded_faults is none
    assert own.settings()["faults"] == repr(none)
