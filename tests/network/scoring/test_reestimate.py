import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional
from training_runs import train

from rramsim.bits import pack_rows
from rramsim.errors import InputError
from rramsim.images.catalogue import load_images
from rramsim.network.folded.fold import EPSILON, BatchNorm, fold_layers
from rramsim.network.folded.network import FoldedConvolution
from rramsim.network.model_files import SavedNetwork
from rramsim.network.scoring.evaluator import Evaluator
from rramsim.network.scoring.reestimate import reestimate, spaced
from rramsim.network.shape import NetworkShape
from rramsim.network.training.flips import RandomFlips
from rramsim.network.training.method import Method
from rramsim.network.training.model import BinarizedNetwork, fold


def saved_network(notation: str, seed: int, signed_levels: int | None = None) -> SavedNetwork:
    shape = dataclasses.replace(NetworkShape.parse(notation), signed_levels=signed_levels)
    network = BinarizedNetwork(shape, generator=torch.Generator().manual_seed(seed))
    rng = np.random.default_rng(seed)
    for layer in network.layers:
        with torch.no_grad():
            layer.gamma.copy_(torch.from_numpy(rng.normal(1, 0.4, len(layer.gamma))))
            layer.beta.copy_(torch.from_numpy(rng.normal(0, 0.5, len(layer.gamma))))
            layer.confine()
    norms = tuple(layer.batch_norm() for layer in network.layers)
    return SavedNetwork(fold(network), {}, norms)


def draw_flips(saved: SavedNetwork, ber: float, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [np.flatnonzero(rng.random(each.signs.size) < ber) for each in saved.folded.layers]


def naive_norms(saved, images, chips):
    """Let torch's own batch norm, in train mode and float64, see one batch a chip."""
    folded, values, norms = saved.folded, [], []
    shape = folded.image_shape or (-1,)
    pixels = torch.from_numpy(images).double().view(len(images), *shape)
    pixels = pixels if folded.signed_levels is None else 2 * pixels - folded.signed_levels
    values = [pixels[start :: len(chips)] for start in range(len(chips))]
    for number, (layer, trained) in enumerate(zip(folded.layers, saved.norms, strict=True)):
        convolution = isinstance(layer, FoldedConvolution)
        kind = nn.BatchNorm2d if convolution else nn.BatchNorm1d
        # Without a momentum torch keeps the mean over batches.
        norm = kind(len(layer.signs), eps=EPSILON, momentum=None).double().train()
        sums = []
        for chip, entered in zip(chips, values, strict=True):
            signs = layer.signs.astype(np.float64).ravel()
            signs[chip[number]] *= -1
            weights = torch.from_numpy(signs.reshape(layer.signs.shape))
            if convolution:
                found = functional.conv2d(entered, weights, padding=1)
                found = functional.max_pool2d(found, 2) if layer.pool else found
            else:
                found = entered.flatten(1) @ weights.T
            norm(found)
            sums.append(found)
        norms.append(
            BatchNorm(
                trained.gamma,
                trained.beta,
                norm.running_mean.numpy().astype(np.float32),
                norm.running_var.numpy().astype(np.float32),
            )
        )
        scale, offset = (
            torch.from_numpy(each).view(1, -1, *[1] * (sums[0].ndim - 2))
            for each in norms[-1].affine()
        )
        values = [
            torch.where(each.float() * scale + offset >= 0, 1.0, -1.0).double() for each in sums
        ]
    pools = [getattr(layer, "pool", False) for layer in folded.layers]
    signs = [layer.signs for layer in folded.layers]
    shape = {"image_shape": folded.image_shape, "signed_levels": folded.signed_levels}
    return fold_layers(signs, norms, pools=pools, **shape)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(
    notation=st.sampled_from(["6-5-4-3", "9-3", "2x5x6-4C3-MP2-3C3-5-3", "1x4x4-3C3-2"]),
    ber=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    chips=st.integers(1, 3),
    signed_levels=st.sampled_from([None, 255]),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_network_is_that_of_batch_norm_in_train_mode(notation, ber, chips, signed_levels, seed):
    saved = saved_network(notation, seed, signed_levels)
    drawn = [draw_flips(saved, ber, seed + draw) for draw in range(chips)]
    images = np.random.default_rng(seed).integers(0, 256, (16, saved.folded.inputs))
    images = images.astype(np.uint8)
    found, expected = reestimate(saved, images, drawn), naive_norms(saved, images, drawn)
    assert str(found) == str(expected) == str(saved.folded)
    for one, other, before in zip(found.layers, expected.layers, saved.folded.layers, strict=True):
        assert np.array_equal(one.signs, before.signs)
        if one is not found.output:
            assert np.array_equal(one.thresholds, other.thresholds)
            assert np.array_equal(one.directions, other.directions)
    assert found.output.scale == pytest.approx(expected.output.scale, rel=1e-5)
    assert found.output.offset == pytest.approx(expected.output.offset, rel=1e-4, abs=1e-5)


@pytest.mark.slow
def test_means_shrink_and_variances_follow_the_closed_form():
    """Of a layer on pixels: flips of probability p scale each weight by 1 - 2p on average."""
    saved, ber, chips = saved_network("12-4", 3), 0.2, 300
    images = np.random.default_rng(4).integers(0, 256, (30, 12)).astype(np.uint8)
    dealt = np.repeat(images, chips, axis=0)  # all to each chip
    found = reestimate(saved, dealt, [draw_flips(saved, ber, draw) for draw in range(chips)])
    mean, variance = _moments(found.output, saved.norms[0])
    signs = saved.folded.output.signs.astype(np.float64)
    pixels = images.astype(np.float64)
    sums = pixels @ signs.T
    known = 1 - 2 * ber
    spread = np.sqrt(4 * ber * (1 - ber) * (pixels.mean(axis=0) ** 2).sum())
    assert mean == pytest.approx(known * sums.mean(axis=0), abs=4 * spread / np.sqrt(chips))
    # Over images on one chip; flips of different weights are independent, so only squares stay.
    expected = known**2 * sums.var(axis=0, ddof=1)
    expected += 4 * ber * (1 - ber) * pixels.var(axis=0, ddof=1).sum()
    assert variance == pytest.approx(expected, rel=0.12)


def test_every_image_is_seen_by_one_chip():
    """Without errors the mean over chips is that over all images, of means of as many each."""
    saved = saved_network("7-3", 5)
    images = np.random.default_rng(6).integers(0, 256, (12, 7)).astype(np.uint8)
    found = reestimate(saved, images, [draw_flips(saved, 0.0, 1)] * 3)
    mean, _ = _moments(found.output, saved.norms[0])
    assert mean == pytest.approx((images @ saved.folded.output.signs.T.astype(int)).mean(axis=0))


def test_flips_of_every_weight_turn_the_means_round():
    saved = saved_network("7-3", 5)
    images = np.random.default_rng(6).integers(0, 256, (9, 7)).astype(np.uint8)
    clean = reestimate(saved, images, [draw_flips(saved, 0.0, 1)])
    turned = reestimate(saved, images, [draw_flips(saved, 1.0, 1)])
    assert np.array_equal(turned.output.scale, clean.output.scale)
    means = [_moments(each.output, saved.norms[0])[0] for each in (clean, turned)]
    assert means[1] == pytest.approx(-means[0], rel=1e-4)


def test_masks_give_what_positions_give():
    saved = saved_network("1x4x4-3C3-70-2", 7)
    images = np.random.default_rng(8).integers(0, 256, (20, 16)).astype(np.uint8)
    flips = draw_flips(saved, 0.3, 9)
    masks = []
    for layer, positions in zip(saved.folded.layers, flips, strict=True):
        wrong = np.zeros(layer.matrix.shape, dtype=bool)
        wrong.ravel()[positions] = True
        masks.append(pack_rows(wrong))
    ids = {reestimate(saved, images, [each]).content_id for each in (flips, masks)}
    assert len(ids) == 1


@pytest.fixture(scope="module")
def digits():
    return load_images("digits")


# Training keeps the mean of about its last ten chips, which differ among each other.
@pytest.mark.slow
@pytest.mark.parametrize(("ber", "moved"), [(0.0, 0.05), (0.1, 0.25)])
def test_what_training_met_gives_what_training_kept(digits, ber, moved):
    trained = train(
        NetworkShape((64, 128, 10)),
        digits,
        method=Method(8, learning_rate=3e-3),
        seed=1,
        faults=RandomFlips.iid(ber, seed=1),
    )
    norms = tuple(layer.batch_norm() for layer in trained.network.layers)
    saved = SavedNetwork(fold(trained.network), {}, norms)
    chips = [draw_flips(saved, ber, draw) for draw in range(10)]
    found = reestimate(saved, digits.train_images, chips)
    first, before = found.hidden[0], saved.folded.hidden[0]
    spread = np.sqrt(norms[0].variance)
    assert np.median(np.abs(first.thresholds - before.thresholds) / spread) < moved
    scores = [_accuracy(each, digits, chips) for each in (found, saved.folded)]
    assert scores[0] > scores[1] - 0.01
    # Each chip with thresholds of its own, far from what training met.
    others = [draw_flips(saved, 0.25, 100 + draw) for draw in range(5)]
    cured = [
        _accuracy(reestimate(saved, digits.train_images, [each]), digits, [each]) for each in others
    ]
    assert np.mean(cured) > _accuracy(saved.folded, digits, others) + 0.05


def test_images_spaced_evenly_are_of_every_part():
    images = np.arange(100, dtype=np.uint8)[:, np.newaxis]
    assert spaced(images, 4).ravel().tolist() == [0, 33, 66, 99]
    assert np.array_equal(spaced(images, 1000), images)


def test_what_cannot_be_estimated_is_refused():
    saved = saved_network("6-5-3", 1)
    images = np.zeros((4, 6), dtype=np.uint8)
    flips = draw_flips(saved, 0.1, 1)
    with pytest.raises(InputError, match="holds no batch norm"):
        reestimate(dataclasses.replace(saved, norms=()), images, [flips])
    with pytest.raises(InputError, match="6 inputs"):
        reestimate(saved, images[:, :5], [flips])
    with pytest.raises(ValueError, match="for 0 chips"):
        reestimate(saved, images, [])
    with pytest.raises(ValueError, match="4 images for 3 chips"):
        reestimate(saved, images, [flips] * 3)
    with pytest.raises(ValueError, match="1 arrays of flips for 2 layers"):
        reestimate(saved, images, [flips[:1]])


def _moments(output, norm) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance that a layer of scores was folded with."""
    mean = (norm.beta - output.offset) / output.scale
    return mean, (norm.gamma / output.scale) ** 2 - EPSILON


def _accuracy(folded, images, chips) -> float:
    evaluator = Evaluator(folded, images.test_images, images.test_labels)
    return np.mean([evaluator.correct(chip) for chip in chips]) / len(images.test_labels)
