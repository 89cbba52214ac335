import numpy as np
import pytest
from chip_networks import random_images, random_network

from rramsim.errors import InputError
from rramsim.network.folded.checks import check_exact, check_inputs, check_scored

NETWORK = random_network(20, 5, 3)


def test_sums_beyond_float32_are_refused():
    check_exact(2**24 - 1)
    with pytest.raises(InputError, match="cannot be computed exactly"):
        check_exact(2**24)


def test_images_of_another_size_are_refused():
    check_inputs(NETWORK, random_images(4, 20))
    with pytest.raises(InputError, match="has 20 inputs, but the images have 21 pixels"):
        check_inputs(NETWORK, random_images(4, 21))


def test_every_image_needs_a_label():
    check_scored(NETWORK, random_images(4, 20), np.zeros(4, dtype=np.uint8))
    with pytest.raises(ValueError, match=r"labels are \(4,\), found \(3,\)"):
        check_scored(NETWORK, random_images(4, 20), np.zeros(3, dtype=np.uint8))
