import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rramsim.crossbar.protection import parse
from rramsim.crossbar.real_chips.bit_images import ROLES, UNUSED, BitImage
from rramsim.crossbar.tiles import TileShape
from rramsim.errors import InputError

SIZES = st.integers(1, 9)
PROTECTIONS = ("none", "2T2R", "secded(8,4)", "bch(15,7,2, interleave=3)", "verify(3)")


def image_of(neurons, inputs, words, bits, protection, seed=0):
    way = parse(protection)
    image = BitImage((neurons, inputs), TileShape(words, 2 * bits), way)
    signs = np.random.default_rng(seed).choice(np.array([-1, 1], dtype=np.int8), (neurons, inputs))
    return image, signs, way


@given(SIZES, SIZES, SIZES, SIZES, st.sampled_from(PROTECTIONS))
def test_every_bit_lies_in_the_cell_that_the_placement_names_and_all_others_are_unused(
    neurons, inputs, words, bits, protection
):
    image, signs, way = image_of(neurons, inputs, words, bits, protection)
    matrix = image.bits(signs)
    tiles = image.cut(matrix)
    line, input_ = np.nonzero(matrix != UNUSED)
    assert np.array_equal(tiles[image.placement.locate(line, input_)], matrix[line, input_])
    # As many cells as programming the layer takes pulses for; verify(3) may need several.
    of_cells = parse("none") if protection.startswith("verify") else way
    pulses = of_cells.pulses(None, signs)
    assert np.count_nonzero(tiles != UNUSED) == pulses.cells
    assert np.count_nonzero(tiles == 1) == pulses.in_hrs
    assert np.array_equal(image.roles() == UNUSED, matrix == UNUSED)


@given(SIZES, SIZES, st.sampled_from(PROTECTIONS))
def test_weights_are_the_first_bits_and_complements_their_opposites(neurons, inputs, protection):
    image, signs, _ = image_of(neurons, inputs, 4, 2, protection)
    matrix, roles = image.bits(signs), image.roles()
    assert np.array_equal(matrix[roles == ROLES.index("weight")], (signs > 0).ravel())
    of_complements = matrix[roles == ROLES.index("complement")]
    assert of_complements.size in (0, signs.size)
    assert of_complements.size == 0 or np.array_equal(of_complements, (signs < 0).ravel())


def test_one_wrong_bit_of_a_word_is_corrected_wherever_it_lies_and_three_are_not():
    image, signs, _ = image_of(3, 5, 4, 2, "secded(8,4)")
    bits = image.bits(signs)
    for cell in np.argwhere(bits != UNUSED):
        wrong = np.zeros(bits.shape, dtype=bool)
        wrong[tuple(cell)] = True
        assert image.wrong_weights(wrong).size == 0
    wrong = np.zeros(bits.shape, dtype=bool)
    wrong[:, 0] = True  # three of the four data bits of the first word
    assert image.wrong_weights(wrong).size > 0


def test_a_tile_that_would_part_a_pair_is_refused():
    with pytest.raises(InputError, match="an even number"):
        BitImage((2, 2), TileShape(4, 3), parse("2T2R"))
