"""How a network is trained: the schedule of rates, and numbers that are refused."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from rramsim.errors import InputError
from rramsim.network.training.method import LOSSES, Method


def test_the_rate_falls_by_one_factor_an_epoch_to_its_end():
    method = Method(5, learning_rate=1e-2, final_learning_rate=1e-4)
    rates = [method.rate(epoch) for epoch in range(5)]
    assert rates == pytest.approx([1e-2, 10**-2.5, 1e-3, 10**-3.5, 1e-4])
    assert Method(1, learning_rate=0.02).rate(0) == 0.02
    assert Method(3, learning_rate=0.02, final_learning_rate=0.02).rate(1) == 0.02


def test_settings_hold_every_field_and_make_the_method_again():
    method = Method(7, dropout=0.2, loss="hinge", margin=2.0, shift=4, mirror=True)
    settings = json.loads(json.dumps(method.settings()))
    assert Method(**settings) == method
    assert set(settings) == set(Method.__dataclass_fields__)


def test_a_margin_that_is_not_given_suits_the_loss_and_the_network():
    for inputs in (1, 64, 1024, 10_000):
        margins = {loss: Method(1, loss=loss).margin_for(inputs) for loss in LOSSES}
        # An eighth of the inputs up to 1,024, then 4 times their square root.
        modified = {1: 0.125, 64: 8.0, 1024: 128.0, 10_000: 400.0}[inputs]
        assert margins == {
            "cross-entropy": 1.0,  # on record as ever, and of no meaning
            "hinge": 1.0,
            "modified-hinge": modified,
            "margin-cross-entropy": 16.0,
        }
        assert modified < inputs
    assert Method(1, loss="modified-hinge", margin=3).margin_for(64) == 3.0


def test_a_margin_that_was_not_given_does_not_stay_when_the_loss_is_replaced():
    hinge = Method(1, loss="hinge")
    assert replace(hinge, loss="modified-hinge") == Method(1, loss="modified-hinge")
    assert replace(hinge, loss="cross-entropy") == Method(1)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"epochs": "x"}, "epochs is 'x'; accepted: a whole number."),
        ({"batch_size": 2.5}, "batch_size is 2.5; accepted: a whole number."),
        ({"shift": "a"}, "shift is 'a'; accepted: a whole number."),
        ({"shift": 1.5}, "shift is 1.5; accepted: a whole number."),
        ({"loss": "hinge", "margin": "3"}, "margin is '3'; accepted: a number."),
        ({"loss": "hinge", "margin": True}, "margin is True; accepted: a number."),
        ({"learning_rate": None}, "learning_rate is None; accepted: a number."),
        ({"mirror": "no"}, "mirror is 'no'; accepted: True or False."),
        ({"straight_through": 1}, "straight_through is 1; accepted: True or False."),
        ({"batch_norm_gradient": None}, "batch_norm_gradient is None; accepted: True or False."),
    ],
)
def test_settings_of_another_type_are_refused(more, told):
    with pytest.raises(InputError, match=f"^{re.escape(told)}$"):
        Method(**{"epochs": 1, **more})


def test_numbers_of_numpy_are_taken_as_pythons_own():
    method = Method(np.int64(3), batch_size=np.int32(20), dropout=np.float32(0.5), shift=np.int8(1))
    assert method == Method(3, batch_size=20, dropout=0.5, shift=1)
    assert json.loads(json.dumps(method.settings()))["epochs"] == 3


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"epochs": 0}, "epochs 0: accepted is 1 or more"),
        ({"batch_size": 1}, "batch size 1: accepted is 2 or more"),
        ({"dropout": 1.0}, "dropout 1.0: accepted is 0 to 0.95"),
        ({"input_dropout": -0.1}, "input dropout -0.1: accepted is 0 to 0.95"),
        ({"validation_share": 0.6}, "validation share 0.6: accepted is 0 to 0.5"),
        ({"learning_rate": float("nan")}, "learning rate nan"),
        ({"final_learning_rate": 0.0}, "final learning rate 0.0"),
        ({"margin": 0.0}, "margin 0.0"),
        (
            {"margin": 2.0},
            "margin 2: the loss cross-entropy has none; leave the margin out, or set loss to one "
            "that has: hinge, modified-hinge, margin-cross-entropy.",
        ),
        ({"margin": 1}, "margin 1: the loss cross-entropy has none"),
        ({"shift": -1}, "shift -1: accepted is 0 to 1000"),
        (
            {"loss": "mse"},
            "loss 'mse': accepted are cross-entropy, hinge, modified-hinge, margin-cross-entropy.",
        ),
    ],
)
def test_what_is_out_of_range_is_told(more, told):
    with pytest.raises(InputError, match=told):
        Method(**{"epochs": 1, **more})


def test_a_recipe_is_what_the_public_code_sets():
    """github.com/MatthieuCourbariaux/BinaryNet, Train-time, mnist.py and cifar10.py."""
    mnist = Method.of_recipe("courbariaux2016")
    assert (mnist.epochs, mnist.batch_size, mnist.loss) == (1000, 100, "hinge")
    assert mnist.margin_for(4096) == 1.0
    assert (mnist.rate(0), mnist.rate(999)) == pytest.approx((3e-3, 3e-7))
    assert (mnist.input_dropout, mnist.dropout) == (0.2, 0.5)
    # 10,000 of 60,000 images are kept to choose the epoch; 5,000 of 50,000 of CIFAR-10.
    assert mnist.validation_share * 60_000 == pytest.approx(10_000)
    cifar10 = Method.of_recipe("courbariaux2016", convolutional=True, epochs=20)
    assert (cifar10.epochs, cifar10.batch_size, cifar10.loss) == (20, 50, "hinge")
    assert (cifar10.rate(0), cifar10.rate(19)) == pytest.approx((1e-3, 3e-7))
    assert (cifar10.input_dropout, cifar10.dropout, cifar10.validation_share) == (0, 0, 0.1)
    assert (cifar10.shift, cifar10.mirror) == (0, False)
    with pytest.raises(InputError, match="recipe 'mine': accepted are courbariaux2016"):
        Method.of_recipe("mine")
