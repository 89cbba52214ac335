import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from rramsim.errors import InputError
from rramsim.images.catalogue import load_images
from rramsim.images.folds import Fold, parts


@pytest.fixture(scope="module")
def digits():
    return load_images("digits")


def _rows(images, labels):
    """Return images with their labels, in an order that depends on nothing else."""
    table = np.column_stack([images, labels])
    return table[np.lexsort(table.T)]


def test_each_image_is_tested_once_and_trains_in_all_other_folds(digits):
    folds = [Fold(number, of=5, seed=3).apply(digits) for number in range(1, 6)]
    every = _rows(
        np.concatenate([digits.train_images, digits.test_images]),
        np.concatenate([digits.train_labels, digits.test_labels]),
    )
    tested = _rows(
        np.concatenate([fold.test_images for fold in folds]),
        np.concatenate([fold.test_labels for fold in folds]),
    )
    assert np.array_equal(tested, every)
    for fold in folds:
        both = _rows(
            np.concatenate([fold.train_images, fold.test_images]),
            np.concatenate([fold.train_labels, fold.test_labels]),
        )
        assert np.array_equal(both, every)
    assert sorted(len(fold.test_labels) for fold in folds) == [359, 359, 359, 360, 360]
    by_class = np.array([np.bincount(fold.test_labels) for fold in folds])
    assert np.ptp(by_class, axis=0).max() == 1
    assert len({fold.content_id for fold in folds} | {digits.content_id}) == 6
    # The same part of the same set each time.
    assert Fold(2, of=5, seed=3).apply(digits).content_id == folds[1].content_id
    assert Fold(2, of=5, seed=4).apply(digits).content_id != folds[1].content_id


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(some.lists(some.integers(0, 4), min_size=1, max_size=60), some.integers(2, 7), some.data())
def test_parts_differ_by_one_image_at_most_in_all_and_in_each_class(classes, count, data):
    labels = np.array(classes, dtype=np.uint8)
    found = parts(labels, count, seed=data.draw(some.integers(0, 2**63 - 1)))
    for chosen in (found, *(found[labels == one] for one in range(5))):
        assert np.ptp(np.bincount(chosen, minlength=count)) <= 1


def test_images_that_cannot_be_divided_so_are_told(digits):
    for count in (1, 175):
        with pytest.raises(InputError, match=rf"folds {count}: accepted are 2 to 174"):
            Fold(1, of=count, seed=1).apply(digits)
    own = dataclasses.replace(digits, name="own", has_own_test=True)
    with pytest.raises(InputError, match="the images own have a test part of their own"):
        Fold(1, of=5, seed=1).apply(own)
    # A part is not to be divided again: some images would never be tested.
    with pytest.raises(InputError, match="have a test part of their own"):
        Fold(1, of=5, seed=1).apply(Fold(1, of=5, seed=1).apply(digits))


def test_only_the_digits_lack_a_test_part_of_their_own(digits):
    assert not digits.has_own_test
    fields = {field.name: field.default for field in dataclasses.fields(digits)}
    assert fields["has_own_test"] is True
