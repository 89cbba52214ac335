import numpy as np
import pytest

from rramsim.crossbar.protection import parse
from rramsim.crossbar.real_chips.bit_images import BitImage
from rramsim.crossbar.real_chips.chip_errors import errors_in_layer
from rramsim.crossbar.tiles import TileShape

SIGNS = np.array([[1, -1, 1], [-1, -1, 1]], dtype=np.int8)


@pytest.mark.parametrize(
    ("low", "high", "is_resistance", "equal_is_wrong"),
    [(5e3, 100e3, True, False), (0, 1, False, True)],
)
def test_the_first_cell_of_a_pair_holds_a_one_where_its_resistance_or_bit_is_the_higher(
    low, high, is_resistance, equal_is_wrong
):
    image = BitImage(SIGNS.shape, TileShape(4, 4), parse("2T2R"))
    bits = image.bits(SIGNS)
    values = np.where(bits == 1, float(high), float(low))
    values[[0, 1], 2] = values[[1, 0], 2]  # neuron 0, input 2: the wrong way round
    values[[2, 3], 0] = high  # neuron 1, input 0: undecided
    found = errors_in_layer(
        image,
        bits,
        cell=np.arange(bits.size),
        values=values.ravel(),
        is_resistance=is_resistance,
    )
    expected = [[False, False, True], [equal_is_wrong, False, False]]
    assert found.wrong.tolist() == expected
    assert found.undecided == int(equal_is_wrong)
    assert sorted(found.wrong_weights().tolist()) == np.flatnonzero(expected).tolist()
