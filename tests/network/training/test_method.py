"""How a network is trained: the schedule of rates, and numbers that are refused."""

import json

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


def test_a_margin_that_is_not_given_is_that_of_the_loss():
    margins = {loss: Method(1, loss=loss).margin for loss in LOSSES}
    assert margins == {
        "cross-entropy": 1.0,  # on record as ever, and of no meaning
        "hinge": 1.0,
        "modified-hinge": 128.0,
        "margin-cross-entropy": 16.0,
    }
    assert Method(1, loss="modified-hinge") == Method(1, loss="modified-hinge", margin=128.0)
    assert Method(1, margin=1.0) == Method(1)


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
            "margin 2.0: the loss cross-entropy has none; leave the margin out, or set loss to one "
            "that has: hinge, modified-hinge, margin-cross-entropy.",
        ),
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
    assert (mnist.epochs, mnist.batch_size, mnist.loss, mnist.margin) == (1000, 100, "hinge", 1.0)
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
