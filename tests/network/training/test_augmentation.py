from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rramsim.errors import InputError
from rramsim.network.training.augmentation import augment


def _generator(seed=0):
    return torch.Generator().manual_seed(seed)


def _one_pixel(count, *, channels=1, height=5, width=7, row=2, column=3):
    images = torch.zeros(count, channels, height, width, dtype=torch.uint8)
    images[:, :, row, column] = 200
    return images.view(count, -1)


def _places(images, width=7):
    assert torch.equal(images.count_nonzero(dim=1), torch.ones(len(images), dtype=torch.int64))
    at = images.argmax(dim=1)
    return at // width, at % width


def _naive(image, down, right, mirrored):
    channels, height, width = image.shape
    out = torch.zeros_like(image)
    for channel in range(channels):
        for row in range(height):
            for column in range(width):
                from_row, from_column = row - down, column - right
                if 0 <= from_row < height and 0 <= from_column < width:
                    source = width - 1 - from_column if mirrored else from_column
                    out[channel, row, column] = image[channel, from_row, source]
    return out


@pytest.mark.slow
@given(
    channels=st.integers(1, 3),
    height=st.integers(2, 5),
    width=st.integers(2, 5),
    shift=st.integers(0, 2),
    mirror=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_each_image_is_one_of_its_own_shifted_and_mirrored_forms(
    channels, height, width, shift, mirror, seed
):
    shift = min(shift, height - 1, width - 1)
    generator = _generator(seed)
    shape = (channels, height, width)
    images = torch.randint(256, (4, channels * height * width), generator=generator)
    images = images.to(torch.uint8)
    changed = augment(images, shape, generator, shift=shift, mirror=mirror)
    assert (changed.shape, changed.dtype) == (images.shape, torch.uint8)
    by = range(-shift, shift + 1)
    for before, after in zip(images.view(4, *shape), changed.view(4, *shape), strict=True):
        forms = [
            _naive(before, down, right, mirrored)
            for down in by
            for right in by
            for mirrored in {False, mirror}
        ]
        assert any(torch.equal(after, form) for form in forms)


def test_every_shift_is_as_likely_each_way_on_its_own():
    count = 20_000
    moved = augment(_one_pixel(count), (1, 5, 7), _generator(), shift=2)
    rows, columns = _places(moved)
    cells = torch.bincount(rows * 5 + columns - 1, minlength=25)
    assert len(cells) == 25
    assert stats.chisquare(cells.numpy()).pvalue > 1e-3


def test_half_of_the_images_are_mirrored_whatever_their_shift():
    count = 20_000
    augmentation = partial(augment, shift=1, mirror=True)
    rows, columns = _places(
        augmentation(_one_pixel(count, column=1), (1, 5, 7), _generator()), width=7
    )
    # Column 1 is shifted to 0, 1 or 2, its mirror image 5 to 4, 5 or 6.
    kinds = torch.bincount((columns > 3) * 9 + (rows - 1) * 3 + columns % 4 % 3, minlength=18)
    assert len(kinds) == 18
    assert stats.chisquare(kinds.numpy()).pvalue > 1e-3


def test_mirrored_twice_is_as_before():
    images = torch.randint(256, (50, 2 * 3 * 4), generator=_generator()).to(torch.uint8)
    mirror = partial(augment, mirror=True)
    once = mirror(images, (2, 3, 4), _generator(5))
    assert not torch.equal(once, images)
    assert torch.equal(mirror(once, (2, 3, 4), _generator(5)), images)


def test_all_channels_move_together():
    moved = augment(
        _one_pixel(200, channels=3), (3, 5, 7), _generator(), shift=2, mirror=True
    ).view(200, 3, -1)
    assert torch.equal(moved[:, 0], moved[:, 1])
    assert torch.equal(moved[:, 0], moved[:, 2])
    assert len(moved[:, 0].unique(dim=0)) == 25


def test_no_change_draws_nothing():
    images = _one_pixel(3)
    generator = _generator()
    before = generator.get_state()
    assert augment(images, (1, 5, 7), generator) is images
    assert torch.equal(generator.get_state(), before)


def test_images_given_stay_as_they_are_and_the_seed_repeats_the_changes():
    images = _one_pixel(30)
    kept = images.clone()
    augmentation = partial(augment, shift=1, mirror=True)
    generator = _generator(1)
    first = augmentation(images, (1, 5, 7), generator)
    assert torch.equal(images, kept)
    assert torch.equal(augmentation(images, (1, 5, 7), _generator(1)), first)
    assert not torch.equal(augmentation(images, (1, 5, 7), generator), first)


def test_a_shift_out_of_sight_is_told():
    with pytest.raises(InputError, match=r"images of 7 x 5 pixels .* at most 4"):
        augment(_one_pixel(1), (1, 5, 7), _generator(), shift=5)
