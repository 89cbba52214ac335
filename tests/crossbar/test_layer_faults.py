"""A fault model for each layer."""

import pytest

from rramsim.crossbar.faults import (
    IidFaults,
    LayerFaults,
    StateFaults,
    by_layer,
    in_one_layer,
    is_deterministic,
)
from rramsim.errors import InputError

ONE, TWO = IidFaults(0.1), StateFaults(0.2, 0.0)


def test_one_model_stands_for_all_layers_and_several_for_one_each() -> None:
    assert by_layer(ONE, 3) == (ONE, ONE, ONE)
    assert by_layer(LayerFaults((ONE, TWO)), 2) == (ONE, TWO)


@pytest.mark.parametrize("layers", [1, 3])
def test_more_or_fewer_models_than_layers_are_told(layers: int) -> None:
    with pytest.raises(InputError, match=f"2 layers were given, but the network has {layers}"):
        by_layer(LayerFaults((ONE, TWO)), layers)


def test_in_one_layer_all_others_are_free_of_errors() -> None:
    assert in_one_layer(TWO, layer=2, layers=3).models == (IidFaults(0), TWO, IidFaults(0))


@pytest.mark.parametrize("layer", [0, -1, 4])
def test_a_layer_that_is_not_there_is_told(layer: int) -> None:
    with pytest.raises(InputError, match=f"Layer {layer} was asked for, but the network has 3"):
        in_one_layer(ONE, layer=layer, layers=3)


def test_the_identity_tells_which_layer_has_which_faults() -> None:
    identities = [
        in_one_layer(ONE, layer=1, layers=2).identity(),
        in_one_layer(ONE, layer=2, layers=2).identity(),
        in_one_layer(ONE, layer=1, layers=3).identity(),
        LayerFaults((ONE, ONE)).identity(),
        ONE.identity(),
    ]
    assert all(identities.count(each) == 1 for each in identities)
    assert identities[0]["layers"] == [ONE.identity(), IidFaults(0).identity()]


def test_chips_are_all_the_same_where_every_layer_is() -> None:
    assert is_deterministic(LayerFaults((IidFaults(0), IidFaults(1))))
    assert not is_deterministic(LayerFaults((IidFaults(0), ONE)))
