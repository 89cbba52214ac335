"""The handwritten digits that come with rramsim (see data/README.md)."""

import gzip
from importlib import resources

import numpy as np

from rramsim.images.image_set import ImageSet

TEST_PERIOD = 11
TEST_REMAINDERS = (0, 4, 8)
"""Images whose number, from 0, leaves one of these remainders by `TEST_PERIOD` are for testing.

The digits run 0 to 9 over and over for long stretches of the file; 11 has no factor in common
with 10, so every digit gets its share.
"""


def load() -> ImageSet:
    """Return the 1,797 digits of 8x8 pixels (0 to 16): 1,307 to train with, 490 to test with."""
    packed = resources.files("rramsim.images").joinpath("data/digits.csv.gz").read_bytes()
    lines = gzip.decompress(packed).decode().splitlines()[1:]
    table = np.array([line.split(",") for line in lines], dtype=np.uint8)
    for_test = np.isin(np.arange(len(table)) % TEST_PERIOD, TEST_REMAINDERS)
    pixels, labels = np.ascontiguousarray(table[:, :-1]), table[:, -1].copy()
    return ImageSet(
        name="digits",
        train_images=pixels[~for_test],
        train_labels=labels[~for_test],
        test_images=pixels[for_test],
        test_labels=labels[for_test],
        image_shape=(1, 8, 8),
        class_count=10,
        levels=16,
        note=(
            "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI Machine "
            "Learning Repository, doi 10.24432/C50P49, CC BY 4.0; the source's test part, split "
            "by rramsim, so the same writers occur among training and test images."
        ),
        has_own_test=False,
    )
