"""Folded convolutions: their thresholds, what networks of them accept, their files and chips."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from rramsim.crossbar.faults import IidFaults
from rramsim.crossbar.sampling import as_positions
from rramsim.crossbar.tiles import Placement, TileShape
from rramsim.errors import InputError
from rramsim.montecarlo.task import draw_chip
from rramsim.network.folded.fold import EPSILON, BatchNorm, fold_layers
from rramsim.network.folded.network import (
    FoldedConvolution,
    FoldedLayer,
    FoldedNetwork,
    ScoreLayer,
)
from rramsim.network.model_files import SavedNetwork, load_network, save_network

SIGNS = np.array([-1, 1], dtype=np.int8)
RECORD = {
    "training_ber": 0.05,
    "accuracy": 0.9,
    "epochs": 3,
    "seed": 1,
    "images": "own",
    "images_id": "0" * 64,
    "settings": {},
    "history": [],
    "version": "0",
}


def _convolution(channels, filters, *, pool=False, seed=0):
    rng = np.random.default_rng(seed)
    return FoldedConvolution(
        signs=rng.choice(SIGNS, (filters, channels, 3, 3)),
        thresholds=rng.integers(-5, 6, filters),
        directions=rng.choice(SIGNS, filters),
        pool=pool,
    )


def _scores(inputs, classes=3):
    ones = np.ones(classes, dtype=np.float32)
    signs = np.random.default_rng(1).choice(SIGNS, (classes, inputs))
    return ScoreLayer(signs=signs, scale=ones, offset=0 * ones)


def _network(**changes):
    first = {"signs": np.ones((4, 2, 3, 3), dtype=np.int8), "thresholds": np.zeros(4, np.int64)}
    first |= {"directions": np.ones(4, np.int8), "pool": True, **changes}
    return FoldedNetwork((FoldedConvolution(**first), _scores(4 * 2 * 3)), (2, 5, 7))


def _fold(signs, norm, *, pool, pixels):
    """Return the convolution that `fold_layers` makes, first in its network if `pixels`."""
    filters, channels = signs.shape[:2]
    ones = np.ones(max(channels, 1), np.float32)
    before = [] if pixels else [np.ones((channels, 1, 3, 3), np.int8)]
    places = 1 if pool else 2 * 3
    layers = [*before, signs, np.ones((1, filters * places), np.int8)]
    plain = BatchNorm(ones, 0 * ones, 0 * ones, ones)
    last = BatchNorm(*(ones[:1],) * 4)
    return fold_layers(
        layers,
        [*(plain for _ in before), norm, last],
        pools=[*(False for _ in before), pool, False],
        image_shape=(channels if pixels else 1, 2, 3),
    ).convolutions[-1]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    channels=st.integers(1, 4),
    pixels=st.booleans(),
    pool=st.booleans(),
    whole_numbers=st.booleans(),
)
def test_folded_outputs_are_those_of_torch(seed, channels, pixels, pool, whole_numbers):
    rng = np.random.default_rng(seed)
    signs = rng.choice(SIGNS, (8, channels, 3, 3))
    if whole_numbers:
        # Scale is gamma and offset a whole number: sums of exactly 0 are common.
        norm = rng.integers(-1, 2, 8), rng.integers(-2, 3, 8), rng.integers(-3, 4, 8)
        variance = np.full(8, 1 - EPSILON)
    else:
        norm = rng.normal(0, 1, 8), rng.normal(0, 1, 8), rng.normal(0, 5, 8)
        norm[0][rng.random(8) < 0.1] = 0
        variance = rng.uniform(0.1, 30, 8)
    gamma, beta, mean, variance = (np.asarray(each, dtype=np.float32) for each in (*norm, variance))
    layer = _fold(signs, BatchNorm(gamma, beta, mean, variance), pool=pool, pixels=pixels)
    choices = np.arange(256) if pixels else np.array([-1, 1])
    values = torch.from_numpy(rng.choice(choices, (20, channels, 4, 5))).float()
    sums = functional.conv2d(values, torch.from_numpy(signs).float(), padding=1)
    # As the dense layers are folded: float32, multiplication and addition rounded apart.
    scale = torch.from_numpy(gamma) / torch.sqrt(torch.from_numpy(variance) + EPSILON)
    offset = torch.from_numpy(beta) - torch.from_numpy(mean) * scale
    normed = sums * scale[:, None, None] + offset[:, None, None]
    outputs = torch.where(normed >= 0, 1.0, -1.0)
    directed = sums.numpy() * layer.directions[:, None, None]
    found = torch.from_numpy(np.where(directed >= layer.thresholds[:, None, None], 1.0, -1.0))
    assert torch.equal(found.float(), outputs)
    assert layer.pool == pool
    assert np.array_equal(layer.signs, signs)


def test_a_batch_norm_of_torch_is_folded_where_no_sum_is_near_zero():
    """Torch's own module may fuse the two roundings, so exact zeros are left out."""
    rng = np.random.default_rng(3)
    module = torch.nn.BatchNorm2d(6, eps=EPSILON).eval()
    with torch.no_grad():
        for name in ("weight", "bias", "running_mean"):
            getattr(module, name).copy_(torch.from_numpy(rng.normal(0, 2, 6)))
        module.running_var.copy_(torch.from_numpy(rng.uniform(1, 9, 6)))
    signs = rng.choice(SIGNS, (6, 3, 3, 3))
    norm = module.weight, module.bias, module.running_mean, module.running_var
    norm = BatchNorm(*(each.detach().numpy() for each in norm))
    layer = _fold(signs, norm, pool=False, pixels=False)
    values = torch.from_numpy(rng.choice([-1.0, 1.0], (50, 3, 6, 6))).float()
    sums = functional.conv2d(values, torch.from_numpy(signs).float(), padding=1)
    normed = module(sums).detach().numpy()
    fires = sums.numpy() * layer.directions[:, None, None] >= layer.thresholds[:, None, None]
    clear = abs(normed) > 1e-4
    assert clear.mean() > 0.95
    assert np.array_equal(fires[clear], normed[clear] >= 0)


def test_a_diverged_batch_norm_and_inexact_sums_are_told():
    ones = np.ones(1, dtype=np.float32)
    norm = {"gamma": ones, "beta": ones, "mean": ones, "variance": ones}
    rest = {"pool": False, "pixels": True}
    signs = np.ones((1, 2, 3, 3), dtype=np.int8)
    with pytest.raises(InputError, match="diverged"):
        _fold(signs, BatchNorm(**{**norm, "beta": ones * np.nan}), **rest)
    wide = np.ones((1, 2**24 // (9 * 255) + 1, 3, 3), dtype=np.int8)
    with pytest.raises(InputError, match="cannot be computed exactly"):
        _fold(wide, BatchNorm(**norm), **rest)
    assert _fold(wide[:, 1:], BatchNorm(**norm), **rest).thresholds.shape == (1,)


def test_a_network_counts_and_names_its_parts():
    layers = (
        _convolution(3, 12),
        _convolution(12, 8, pool=True),
        FoldedLayer(np.ones((5, 8 * 4 * 3), np.int8), np.zeros(5, np.int64), np.ones(5, np.int8)),
        _scores(5, 10),
    )
    folded = FoldedNetwork(layers, (3, 9, 7))
    assert str(folded) == "3x9x7-12C3-8C3-MP2-5-10"
    assert folded.sizes == ((9, 7), (9, 7), (4, 3))
    assert folded.inputs == 189
    assert folded.widths == (189, 12, 8, 5, 10)
    assert folded.weight_count == 12 * 27 + 8 * 108 + 5 * 96 + 50
    plus = sum(int((layer.signs == 1).sum()) for layer in layers)
    assert folded.hrs_count == plus
    assert folded.hrs_share == plus / folded.weight_count


def test_layers_in_another_order_or_of_other_sizes_are_refused():
    dense = FoldedLayer(np.ones((4, 4), np.int8), np.zeros(4, np.int64), np.ones(4, np.int8))
    for layers, shape, told in (
        ((dense, _convolution(4, 2), _scores(2)), None, "before those"),
        ((_convolution(1, 2), _scores(18)), None, "image shape"),
        ((dense, _scores(4)), (1, 2, 2), "image shape"),
        ((_convolution(1, 2), _scores(19)), (1, 3, 3), "does not lead into"),
        ((_convolution(1, 2), _convolution(3, 1), _scores(9)), (1, 3, 3), "does not lead into"),
        ((_convolution(2, 2), _scores(18)), (1, 3, 3), "first convolution"),
        ((_convolution(1, 2, pool=True), _scores(0 + 2)), (1, 1, 9), "leaves nothing"),
    ):
        with pytest.raises(ValueError, match=told):
            FoldedNetwork(layers, shape)
    four = np.ones((2, 1, 5, 5), np.int8), np.zeros(2, np.int64), np.ones(2, np.int8), False
    with pytest.raises(ValueError, match="stride"):
        FoldedConvolution(*four, stride=(0, 1))
    with pytest.raises(ValueError, match="padding"):
        FoldedConvolution(*four, padding=(1, -1))
    with pytest.raises(ValueError, match="pool_all"):
        FoldedConvolution(*four, pool_all=np.ones(3, np.bool_))


def test_a_file_holds_filters_of_any_size_and_how_they_are_pooled(tmp_path):
    rng = np.random.default_rng(3)
    filters = FoldedConvolution(
        signs=rng.choice(SIGNS, (4, 2, 5, 3)),
        thresholds=np.zeros(4, np.int64),
        directions=rng.choice(SIGNS, 4),
        pool=True,
        pool_all=np.array([True, False, False, True]),
        stride=(1, 2),
        padding=(0, 1),
    )
    # Rows: (9 - 5) / 1 + 1 = 5, pooled 2; columns: (10 + 2 - 3) / 2 + 1 = 5, pooled 2.
    folded = FoldedNetwork((filters, _scores(4 * 2 * 2)), (2, 9, 10))
    assert str(folded) == "2x9x10-4C5x3P0x1S1x2-MP2-3"
    save_network(tmp_path / "own.safetensors", SavedNetwork(folded, RECORD))
    found = load_network(tmp_path / "own.safetensors").folded
    assert found.content_id == folded.content_id
    assert found.convolutions[0].stride == (1, 2)
    assert found.convolutions[0].padding == (0, 1)
    assert found.convolutions[0].pool_all.tolist() == [True, False, False, True]


def test_a_file_holds_the_windows_that_are_averaged(tmp_path):
    filters, plain = _network().convolutions[0], _scores(4)
    last = replace(plain, average=(2, 3))
    folded = FoldedNetwork((replace(filters, pool=False), last), (2, 3, 4))
    save_network(tmp_path / "own.safetensors", SavedNetwork(folded, RECORD))
    found = load_network(tmp_path / "own.safetensors").folded
    assert found.output.average == (2, 3)
    assert found.content_id == folded.content_id
    others = [replace(plain, average=average) for average in [(3, 3), (3, 4), (2, 4)]]
    ids = {FoldedNetwork((folded.layers[0], other), (2, 3, 4)).content_id for other in others}
    assert len({*ids, folded.content_id}) == 4


def test_the_content_id_tells_every_part_of_a_convolution():
    signs = np.ones((4, 2, 3, 3), dtype=np.int8)
    signs[1, 1, 0, 2] = -1
    networks = [
        _network(),
        _network(signs=signs),
        _network(thresholds=np.array([0, 0, 1, 0])),
        _network(directions=np.array([1, -1, 1, 1], dtype=np.int8)),
        FoldedNetwork(_network().layers, (2, 4, 6)),
    ]
    flat = FoldedNetwork((_convolution(1, 2), _scores(24)), (1, 3, 4))
    turned = FoldedNetwork(flat.layers, (1, 4, 3))
    ids = [network.content_id for network in (*networks, flat, turned)]
    assert len(set(ids)) == len(ids)
    assert _network().content_id == ids[0]


def test_a_file_gives_back_the_network(tmp_path):
    folded = _network()
    path = tmp_path / "model.safetensors"
    save_network(path, SavedNetwork(folded, RECORD))
    saved = load_network(path).folded
    assert saved.content_id == folded.content_id
    assert saved.image_shape == (2, 5, 7)
    assert saved.convolutions[0].pool is True
    again = tmp_path / "again.safetensors"
    save_network(again, SavedNetwork(saved, RECORD))
    assert again.read_bytes() == path.read_bytes()


def test_a_crossbar_holds_a_filter_as_one_neuron_of_nine_inputs_a_channel():
    folded = FoldedNetwork((_convolution(5, 40), _scores(40 * 12)), (5, 3, 4))
    layer = folded.convolutions[0]
    assert layer.matrix.shape == (40, 45)
    assert layer.matrix[7, 2 * 9 + 5] == layer.signs[7, 2, 1, 2]
    placement = Placement(layer.matrix.shape, TileShape(word_lines=16, bit_lines=32))
    assert placement.grid == (3, 2)
    for ber, form in ((0.0015, 1), (0.1, 2)):
        drawn, scores = draw_chip(folded, IidFaults(ber), seed=1, chip=0)
        assert drawn.ndim == scores.ndim == form
        wrong = as_positions(drawn, layer.matrix)
        by_tile = placement.scatter(wrong)
        assert sum(lines.size for lines, _ in by_tile.values()) == wrong.size
        # Flips of 1,800 cells, within 5 standard deviations.
        assert abs(wrong.size - 1800 * ber) < 5 * np.sqrt(1800 * ber)
