import dataclasses

import pytest

from rramsim.errors import InputError
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


def test_the_margin_is_on_record_as_a_number(plan):
    def margin(widths, **method):
        shape = NetworkShape((64, *widths, 10))
        return dataclasses.replace(plan, shape=shape, method=Method(1, **method)).settings()[
            "margin"
        ]

    assert margin((16,), loss="modified-hinge") == 2.0
    assert margin((16, 256), loss="modified-hinge") == 32.0
    assert margin((16,), loss="modified-hinge", margin=15.5) == 15.5
    assert margin((), loss="hinge") == 1.0
    assert margin((16,), loss="margin-cross-entropy") == 16.0
    # Of the other losses the margin is in units of batch-normed scores.
    assert margin((16,), loss="hinge", margin=500) == 500.0


def test_a_margin_that_no_sum_exceeds_is_refused(plan):
    for margin in (16, 128):
        method = Method(1, loss="modified-hinge", margin=margin)
        with pytest.raises(InputError) as refused:
            dataclasses.replace(plan, method=method).settings()
        assert str(refused.value) == (
            f"margin {margin}: a sum of the 16 inputs of the last layer of network 64-16-10 cannot "
            "exceed 16, so the loss modified-hinge would never be 0; accepted is less than 16."
        )


def test_a_loss_of_sums_needs_a_hidden_layer(plan):
    method = Method(1, loss="modified-hinge")
    without = dataclasses.replace(plan, shape=NetworkShape((64, 10)), method=method)
    with pytest.raises(InputError, match=r"^network 64-10: has no hidden layer, so its sums are "):
        without.settings()
    filters = NetworkShape.parse("1x8x8-4C3-MP2-10")
    # 4 filters at 4 x 4 places.
    assert dataclasses.replace(without, shape=filters).settings()["margin"] == 8.0
