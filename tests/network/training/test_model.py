"""The network as it is trained: its layers, what flips and dropout reach, and its chip's form."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rramsim.network.scoring.evaluator import Evaluator
from rramsim.network.shape import NetworkShape
from rramsim.network.training.model import LEAST_SCALE, BinarizedNetwork, fold

CONVOLUTIONAL = NetworkShape.parse("2x6x5-5C3-4C3-MP2-7-3")


def _network(shape, seed=0, **more):
    return BinarizedNetwork(shape, generator=torch.Generator().manual_seed(seed), **more)


def _set_random_norms(network, images, seed, *, whole_numbers):
    """Give every layer a batch norm; whole numbers make ties at the threshold common."""
    rng = np.random.default_rng(seed)
    for layer in network.layers:
        neurons = len(layer.gamma)
        # Variance + epsilon is 1, so scale is gamma and offset a whole number: exact zeros.
        norm = {"gamma": rng.integers(-1, 2, neurons), "beta": rng.integers(-2, 3, neurons)}
        norm |= {"mean": rng.integers(-3, 4, neurons), "variance": np.full(neurons, 1 - 1e-4)}
        if not whole_numbers:
            norm = {"gamma": rng.normal(0, 1, neurons), "beta": rng.normal(0, 0.5, neurons)}
        with torch.no_grad():
            for name, value in norm.items():
                getattr(layer, name).copy_(torch.from_numpy(np.asarray(value, dtype=np.float32)))
        layer.confine()
    if not whole_numbers:
        with torch.no_grad():
            for _ in range(30):
                network(torch.from_numpy(images).float())


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    channels=st.integers(1, 3),
    size=st.tuples(st.integers(2, 9), st.integers(2, 9)),
    filters=st.lists(st.tuples(st.integers(1, 6), st.booleans()), min_size=1, max_size=3),
    widths=st.lists(st.integers(1, 9), min_size=1, max_size=3),
    levels=st.sampled_from([1, 16, 255]),
    whole_numbers=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_convolutional_network_and_its_chip_classify_alike(
    channels, size, filters, widths, levels, whole_numbers, seed
):
    # Pooled at most once, so that something is left of the smallest images.
    pooled = [pool for _, pool in filters].index(True) if any(p for _, p in filters) else -1
    layers = [f"{count}C3{'-MP2' * (at == pooled)}" for at, (count, _) in enumerate(filters)]
    image = "x".join(map(str, (channels, *size)))
    shape = NetworkShape.parse("-".join([image, *layers, *map(str, widths)]))
    network = _network(shape, seed)
    features = channels * size[0] * size[1]
    images = np.random.default_rng(seed).integers(0, levels + 1, (25, features)).astype(np.uint8)
    _set_random_norms(network, images, seed, whole_numbers=whole_numbers)
    folded = fold(network)
    assert str(folded) == str(shape)
    assert folded.weight_count == shape.weight_count
    for layer in folded.convolutions:
        assert not layer.pool or (layer.directions == 1).all()
    found = Evaluator(folded, images, np.zeros(25, dtype=np.uint8)).predictions()
    assert np.array_equal(found, network.predictions(images))


def test_pooling_of_sums_and_of_signs_differ_where_the_scale_is_not_kept_positive():
    """What `confine` is for: without it the chip would be another network."""
    network = _network(CONVOLUTIONAL, 3)
    images = np.random.default_rng(0).integers(0, 256, (200, 60)).astype(np.uint8)
    _set_random_norms(network, images, 3, whole_numbers=False)
    with torch.no_grad():
        network.layers[1].gamma.fill_(-1)
        network.layers[1].beta.zero_()
    labels = np.zeros(200, dtype=np.uint8)
    found = Evaluator(fold(network), images, labels).predictions()
    assert not np.array_equal(found, network.predictions(images))
    network.layers[1].confine()
    found = Evaluator(fold(network), images, labels).predictions()
    assert np.array_equal(found, network.predictions(images))


def test_weights_are_confined_and_only_pooled_scales_are_kept_positive():
    network = _network(CONVOLUTIONAL)
    for layer in network.layers:
        with torch.no_grad():
            layer.latent.mul_(3)
            layer.gamma.fill_(-2)
        layer.confine()
        assert layer.latent.abs().max() == 1
        assert (layer.gamma == (LEAST_SCALE if layer.pool else -2)).all()
    assert [layer.pool for layer in network.layers] == [False, True, False, False]


def test_first_weights_are_uniform_and_those_of_the_generator():
    one, again = (
        _network(NetworkShape((300, 200, 10)), 1),
        _network(NetworkShape((300, 200, 10)), 1),
    )
    assert torch.equal(one.layers[0].latent, again.layers[0].latent)
    values = one.layers[0].latent.detach().flatten().sort().values
    uniform = torch.linspace(-1, 1, len(values))
    assert (values - uniform).abs().max() < 0.02
    assert not torch.equal(one.layers[0].latent[0, :10], one.layers[1].latent[0, :10])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("training", [True, False])
def test_faults_are_given_the_signs_of_each_layer_once_and_may_change_them(dtype, training):
    network = _network(CONVOLUTIONAL, dtype=dtype).train(training)
    latent = [layer.latent.detach().clone() for layer in network.layers]
    met = []

    def negate(signs, number):
        met.append((number, signs.clone().float()))
        return signs.neg_()

    pixels = torch.randint(0, 256, (6, 60)).float()
    for _ in range(2):
        network(pixels, negate)
    assert [number for number, _ in met] == [0, 1, 2, 3] * 2
    for number, signs in met:
        assert torch.equal(signs, torch.where(latent[number] >= 0, 1.0, -1.0))
    assert all(
        torch.equal(layer.latent, before)
        for layer, before in zip(network.layers, latent, strict=True)
    )


def test_all_weights_flipped_negate_every_score_of_a_network_of_one_layer():
    network = _network(NetworkShape((30, 5)))
    pixels = torch.randint(0, 17, (8, 30)).float()
    plain = network(pixels)
    assert torch.allclose(network(pixels, lambda signs, _: signs.neg_()), -plain, atol=1e-5)
    assert plain.abs().max() > 0.5


def test_straight_through_hands_clean_weights_to_the_backward_pass_only():
    """Gradients to the first layer of two, with every weight of the second flipped."""
    pixels = torch.randint(0, 17, (8, 6), generator=torch.Generator().manual_seed(1)).float()
    gradients = {}
    for straight_through in (False, True):
        network = _network(NetworkShape((6, 5, 3)), 4)
        scores = network(
            pixels,
            lambda signs, number: signs.neg_() if number else signs,
            straight_through=straight_through,
        )
        scores.square().mul(torch.arange(3.0)).sum().backward()
        gradients[straight_through] = network.layers[0].latent.grad
        assert network.layers[1].latent.grad.abs().max() > 0
    # Negated weights send the negated gradient back.
    assert torch.equal(gradients[True], -gradients[False])
    assert gradients[True].abs().max() > 0


def test_what_goes_into_each_layer_can_be_dropped():
    network = _network(CONVOLUTIONAL)
    met = []

    def drop(values, layer):
        met.append((layer, tuple(values.shape), set(values.unique().tolist())))
        return values

    pixels = torch.randint(0, 256, (6, 60)).float()
    network(pixels, drop=drop)
    assert met[0] == (0, (6, 2, 6, 5), set(pixels.unique().tolist()))
    shapes = [(6, 5, 6, 5), (6, 24), (6, 7)]
    assert met[1:] == [(layer, shape, {-1.0, 1.0}) for layer, shape in enumerate(shapes, 1)]


def test_scores_are_float32_whatever_hidden_layers_are_summed_in():
    network = _network(NetworkShape((64, 300, 10)), dtype=torch.bfloat16)
    kinds = [layer.dtype for layer in network.layers]
    assert kinds == [torch.bfloat16, torch.float32]
    scores = network(torch.randint(0, 17, (8, 64)).float())
    assert scores.dtype == torch.float32
    assert network.layers[0].mean.dtype == torch.float32


def test_predictions_leave_the_network_in_training_as_it_is():
    network = _network(CONVOLUTIONAL, dtype=torch.bfloat16).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.predictions(np.zeros((4, 60), dtype=np.uint8))
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
