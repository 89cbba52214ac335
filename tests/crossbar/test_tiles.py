import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rramsim.crossbar.tiles import Placement, TileShape
from rramsim.errors import InputError

placements = st.builds(
    Placement,
    weights_shape=st.tuples(st.integers(1, 23), st.integers(1, 23)),
    tile=st.builds(TileShape, word_lines=st.integers(1, 25), bit_lines=st.integers(1, 25)),
)


def every_weight(placement: Placement) -> tuple[np.ndarray, np.ndarray]:
    neuron, input_ = np.indices(placement.weights_shape)
    return neuron, input_


@pytest.mark.slow
@given(placements)
def test_mapping_then_its_inverse_is_identity(placement: Placement) -> None:
    neuron, input_ = every_weight(placement)
    back_neuron, back_input = placement.weight_at(*placement.locate(neuron, input_))
    assert np.array_equal(back_neuron, neuron)
    assert np.array_equal(back_input, input_)


@pytest.mark.slow
@given(placements)
def test_every_weight_has_a_cell_of_its_own_within_the_tiles(placement: Placement) -> None:
    tile, word_line, bit_line = placement.locate(*every_weight(placement))
    cells = set(zip(tile.flat, word_line.flat, bit_line.flat, strict=True))
    assert len(cells) == np.prod(placement.weights_shape)
    assert tile.min() == 0
    assert tile.max() == placement.tile_count - 1
    assert word_line.min() >= 0
    assert word_line.max() < placement.tile.word_lines
    assert bit_line.min() >= 0
    assert bit_line.max() < placement.tile.bit_lines


@pytest.mark.slow
@given(placements)
def test_cells_used_are_the_weights_that_lie_in_each_tile(placement: Placement) -> None:
    tile, _, _ = placement.locate(*every_weight(placement))
    counted = np.bincount(tile.ravel(), minlength=placement.tile_count)
    assert np.array_equal(placement.cells_used(), counted)
    assert placement.cells_used(placement.tile_count - 1) == counted[-1]
    cells = placement.tile_count * placement.tile.cells
    assert placement.utilisation == pytest.approx(counted.sum() / cells)


@pytest.mark.slow
@given(placements, st.data())
def test_scattered_positions_are_located_one_by_one(
    placement: Placement, data: st.DataObject
) -> None:
    neurons, inputs = placement.weights_shape
    flat = data.draw(st.lists(st.integers(0, neurons * inputs - 1), unique=True))
    scattered = placement.scatter(flat)
    found = {
        (tile, int(word), int(bit))
        for tile, (words, bits) in scattered.items()
        for word, bit in zip(words, bits, strict=True)
    }
    expected = {
        tuple(int(number) for number in placement.locate(position // inputs, position % inputs))
        for position in flat
    }
    assert found == expected
    assert list(scattered) == sorted(scattered)
    assert sum(len(words) for words, _ in scattered.values()) == len(flat)


def test_a_layer_laid_out_by_hand() -> None:
    placement = Placement(weights_shape=(3, 5), tile=TileShape(word_lines=4, bit_lines=2))
    tile, word_line, bit_line = placement.locate(*every_weight(placement))
    assert tile.tolist() == [[0, 0, 0, 0, 2], [0, 0, 0, 0, 2], [1, 1, 1, 1, 3]]
    assert word_line.tolist() == [[0, 1, 2, 3, 0]] * 3
    assert bit_line.tolist() == [[0] * 5, [1] * 5, [0] * 5]
    assert placement.grid == (2, 2)
    assert placement.utilisation == 15 / 32


def test_a_layer_of_the_paper_on_kilobit_tiles() -> None:
    placement = Placement(weights_shape=(4096, 784), tile=TileShape(word_lines=32, bit_lines=32))
    assert placement.tile_count == 25 * 128
    assert placement.utilisation == 784 / (25 * 32)


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (-1, 4)])
def test_a_tile_without_cells_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="at least 1 of its"):
        TileShape(*shape)


def test_what_lies_outside_is_refused() -> None:
    placement = Placement(weights_shape=(3, 5), tile=TileShape(word_lines=4, bit_lines=2))
    with pytest.raises(ValueError, match="no such weight"):
        placement.locate(3, 0)
    with pytest.raises(ValueError, match="no such weight"):
        placement.weight_at(3, 1, 0)  # A cell of the last tile that holds no weight.
    with pytest.raises(ValueError, match="no such cell"):
        placement.weight_at(0, 4, 0)
    with pytest.raises(ValueError, match="tiles 0 to 3"):
        placement.cells_used(4)
    with pytest.raises(ValueError, match="no weights"):
        Placement(weights_shape=(0, 5), tile=TileShape(1, 1))
