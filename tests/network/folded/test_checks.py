from dataclasses import replace

import numpy as np
import pytest
from chip_networks import random_images, random_network

from rramsim.errors import InputError
from rramsim.network.folded.checks import check_exact, check_inputs, check_scored
from rramsim.network.folded.network import FoldedNetwork

NETWORK = random_network(20, 5, 3)


def test_sums_beyond_float32_are_refused():
    check_exact(2**24 - 1)
    with pytest.raises(InputError, match="cannot be computed exactly"):
        check_exact(2**24)


def test_scores_beyond_float32_are_refused():
    ones = np.ones(3, np.float32)
    # 5 inputs of +-1: scores of up to 5 times the scale, and of 5 times 16 with pixels to 16.
    greatest = np.float32(np.finfo(np.float32).max)
    for inputs_of, beyond in ((NETWORK, greatest / 4), (FoldedNetwork((NETWORK.output,)), 1e37)):
        images = np.full((2, inputs_of.inputs), 16, np.uint8)
        for share, is_refused in ((1e-3, False), (1, True)):
            scale = np.float32(share * beyond) * ones
            layers = (*inputs_of.layers[:-1], replace(inputs_of.output, scale=scale))
            folded = FoldedNetwork(layers)
            if is_refused:
                with pytest.raises(InputError, match=r"has scores up to .*, beyond the numbers"):
                    check_inputs(folded, images)
            else:
                check_inputs(folded, images)


def test_images_of_another_size_are_refused():
    check_inputs(NETWORK, random_images(4, 20))
    with pytest.raises(InputError, match="has 20 inputs, but the images have 21 pixels"):
        check_inputs(NETWORK, random_images(4, 21))


def test_every_image_needs_a_label():
    check_scored(NETWORK, random_images(4, 20), np.zeros(4, dtype=np.uint8))
    with pytest.raises(ValueError, match=r"labels are \(4,\), found \(3,\)"):
        check_scored(NETWORK, random_images(4, 20), np.zeros(3, dtype=np.uint8))
