import numpy as np
import pytest
from chip_networks import score_layer

from rramsim import schema
from rramsim.crossbar.faults import IidFaults, LayerFaults, StateFaults
from rramsim.errors import InputError
from rramsim.images.catalogue import load_images
from rramsim.montecarlo.stopping import StoppingRule
from rramsim.network.folded.network import FoldedNetwork
from rramsim.study.evaluate import evaluate


@pytest.fixture(scope="module")
def digits():
    return load_images("digits")


@pytest.fixture(scope="module")
def network(digits):
    """Return a linear classifier whose weights say where a digit is brighter than the mean one."""
    pixels = digits.train_images.astype(float)
    means = np.array([pixels[digits.train_labels == digit].mean(axis=0) for digit in range(10)])
    return FoldedNetwork((score_layer(np.where(means >= means.mean(axis=0), 1, -1)),))


class LastClassLost:
    """All cells of the last neuron read the other bit: a model of a user's own."""

    def draw(self, signs, seed):
        wrong = np.zeros(signs.shape, dtype=bool)
        wrong[-1] = True
        return wrong

    def identity(self):
        return {"model": "last class lost", "neurons": 1}


def test_a_dataset_has_a_row_for_each_fault_model_in_the_order_given(network, digits):
    faults = [IidFaults(0.3), IidFaults(0.0), StateFaults(0.1, 0.2)]
    result = evaluate(network, faults, images=digits, chips=4)
    schema.validate(result, "evaluation")
    names = ["iid: ber 0.3", "iid: ber 0", "state: ber_lrs 0.1, ber_hrs 0.2"]
    assert result.faults.values.tolist() == names
    assert result.chips.values.tolist() == [4, 4, 4]
    scores = digits.test_images.astype(int) @ network.output.signs.astype(int).T
    expected = float((scores.argmax(axis=1) == digits.test_labels).mean())
    assert float(result.accuracy[1]) == float(result.accuracy_low[1]) == expected
    assert float(result.accuracy_low[0]) < float(result.accuracy[0]) < expected
    share = network.hrs_share
    assert result.test_ber.values == pytest.approx([0.3, 0.0, 0.1 * (1 - share) + 0.2 * share])
    assert result.attrs["images_id"] == digits.content_id


def test_one_fault_model_of_a_user_s_own_class_is_scored(network, digits):
    result = evaluate(network, LastClassLost(), images=digits, chips=2)
    signs = network.output.signs.astype(int)
    signs[-1] = -signs[-1]
    scores = digits.test_images.astype(int) @ signs.T
    # Thresholds do not matter to a last layer: the greatest sum wins.
    expected = float((scores.argmax(axis=1) == digits.test_labels).mean())
    assert result.accuracy.values.tolist() == [expected]
    assert result.faults.values.tolist() == ["last class lost: neurons 1"]
    assert np.isnan(result.test_ber.values).all()


class Described:
    """No wrong cell; what it is called is given."""

    deterministic = True

    def __init__(self, identity):
        self._identity = identity

    def draw(self, signs, seed):
        return np.zeros(signs.shape, dtype=bool)

    def identity(self):
        return self._identity


def test_labels_tell_fault_models_apart(network, digits):
    models = {
        "layers: iid: ber 0.1": LayerFaults((IidFaults(0.1),)),
        "layers: iid: ber 0.2": LayerFaults((IidFaults(0.2),)),
        "iid: ber 0.1234567891": IidFaults(0.1234567891),
        "iid: ber 0.1234567892": IidFaults(0.1234567892),
        "iid: ber 0.1234567892 (2)": IidFaults(0.1234567892),
        "a text": Described("a text"),
        "lines: kind bit, at 1; 5, all True": Described(
            {"model": "lines", "kind": "bit", "at": [1, 5], "all": True}
        ),
        "lines: cells 1,000 values": Described({"model": "lines", "cells": list(range(1000))}),
        "Described": Described({}),
    }
    result = evaluate(network, list(models.values()), images=digits, chips=2)
    assert result.faults.values.tolist() == list(models)


def test_the_number_of_an_equal_label_is_one_that_no_other_model_has(network, digits):
    models = [Described(name) for name in ("worn", "worn", "worn (2)")]
    result = evaluate(network, models, images=digits, chips=2)
    assert result.faults.values.tolist() == ["worn", "worn (3)", "worn (2)"]


def test_a_stopping_rule_decides_how_many_chips_are_scored(network, digits):
    rule = StoppingRule(chips=120, half_width=0.05)
    result = evaluate(network, IidFaults(0.05), images=digits, rule=rule)
    assert int(result.chips[0]) == 30
    assert float(result.accuracy_high[0] - result.accuracy_low[0]) == pytest.approx(0.1)
    assert "fixed width" in result.attrs["interval"]


def test_progress_is_told_to_whoever_asks(network, digits):
    stages = []
    evaluate(
        network,
        IidFaults(0.1),
        images=digits,
        chips=3,
        neurons=True,
        progress=lambda stage, done, total, note="": stages.append((stage, done, total)),
    )
    assert stages[0] == ("drawing chips", 0, 3)
    assert ("drawing chips", 3, 3) in stages
    assert stages[-1] == ("watching neurons", 3, 3)


def test_a_certificate_of_a_network_in_memory_is_refused_in_one_sentence(network, digits):
    with pytest.raises(InputError, match=r"^The network has no hidden layer, and flips of weights"):
        evaluate(network, IidFaults(0.0), images=digits, certificate=True)


@pytest.mark.parametrize(
    ("faults", "options", "words"),
    [
        ([], {}, "no fault model was given"),
        (IidFaults(0.1), {"images": None}, "no record of the images"),
        (IidFaults(0.1), {"reestimate": True}, "no batch norm"),
        (IidFaults(0.1), {"layer": 2}, "Layer 2 was asked for"),
        (LayerFaults((IidFaults(0.1),)), {"layer": 1}, "give one of the two"),
        (IidFaults(0.1), {"chips": 0}, "At least 1 chip"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(network, digits, faults, options, words):
    with pytest.raises(InputError, match=words):
        evaluate(network, faults, **{"images": digits, **options})
