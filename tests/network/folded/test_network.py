import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rramsim.errors import InputError
from rramsim.network.folded.network import FoldedLayer, FoldedNetwork, ScoreLayer
from rramsim.network.scoring.evaluator import Evaluator
from rramsim.network.shape import NetworkShape
from rramsim.network.training.model import BinarizedNetwork, fold


def _network(widths: tuple[int, ...], seed: int, *, whole_numbers: bool) -> BinarizedNetwork:
    """Return a network with random batch norm; whole numbers make ties at the threshold common."""
    generator = torch.Generator().manual_seed(seed)
    network = BinarizedNetwork(NetworkShape(widths), generator=generator)
    rng = np.random.default_rng(seed)
    for layer in network.layers:
        neurons = len(layer.gamma)
        spread = np.sqrt(layer.latent.shape[1])
        if whole_numbers:
            # Variance + epsilon is 1, so scale is gamma and offset a whole number: exact zeros.
            variance = np.full(neurons, 1 - 1e-4)
            mean = rng.integers(-3, 4, neurons)
            gamma = rng.integers(-1, 2, neurons)
            beta = rng.integers(-2, 3, neurons)
        else:
            variance = rng.uniform(0.1, 3, neurons) * spread
            mean = rng.normal(0, spread, neurons)
            gamma = rng.normal(0, 1, neurons)
            gamma[rng.random(neurons) < 0.1] = 0
            beta = rng.normal(0, 1, neurons)
        with torch.no_grad():
            for name, value in zip(
                ("variance", "mean", "gamma", "beta"), (variance, mean, gamma, beta), strict=True
            ):
                getattr(layer, name).copy_(torch.from_numpy(np.asarray(value, dtype=np.float32)))
    return network.eval()


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(
    widths=st.lists(st.integers(1, 13), min_size=2, max_size=5),
    seed=st.integers(0, 2**32 - 1),
    levels=st.sampled_from([1, 16, 255]),
    whole_numbers=st.booleans(),
)
def test_folded_predictions_are_those_of_the_float_network(widths, seed, levels, whole_numbers):
    network = _network(tuple(widths), seed, whole_numbers=whole_numbers)
    images = np.random.default_rng(seed).integers(0, levels + 1, (40, widths[0])).astype(np.uint8)
    folded = fold(network)
    found = Evaluator(folded, images, np.zeros(40, dtype=np.uint8)).predictions()
    assert np.array_equal(found, network.predictions(images))


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), inputs=st.integers(1, 9), whole_numbers=st.booleans())
def test_threshold_agrees_with_batch_norm_at_every_sum(seed, inputs, whole_numbers):
    network = _network((inputs, 6, 2), seed, whole_numbers=whole_numbers)
    layer = fold(network).hidden[0]
    sums = torch.arange(-255 * inputs, 255 * inputs + 1)
    scale, offset = network.layers[0].batch_norm().affine()
    fires = sums.numpy().astype(np.float32)[:, None] * scale + offset >= 0
    folded = sums.numpy()[:, None] * layer.directions >= layer.thresholds
    assert np.array_equal(folded, fires)


def test_a_tie_fires_and_one_below_does_not():
    network = _network((5, 4, 2), 0, whole_numbers=True)
    first = network.layers[0]
    with torch.no_grad():
        first.mean.zero_()
        first.gamma.copy_(torch.tensor([1.0, -1.0, 0.0, 0.0]))
        first.beta.copy_(torch.tensor([-7.0, 4.0, 0.0, -1.0]))
    layer = fold(network).hidden[0]
    assert layer.thresholds.tolist() == [7, -4, -5 * 255, 5 * 255 + 1]
    assert layer.directions.tolist() == [1, -1, 1, 1]


def test_a_negative_scale_leaves_the_signs_that_cells_hold():
    network = _network((9, 7, 3), 3, whole_numbers=False)
    with torch.no_grad():
        network.layers[0].gamma.copy_(-network.layers[0].gamma.abs() - 0.1)
    folded = fold(network)
    assert (folded.hidden[0].directions == -1).all()
    latent = network.layers[0].latent.detach().numpy()
    assert np.array_equal(folded.layers[0].signs, np.where(latent >= 0, 1, -1))


@pytest.mark.slow
@given(seed=st.integers(0, 10_000), inputs=st.integers(1, 12))
def test_popcount_form_of_the_docstring(seed, inputs):
    layer = fold(_network((3, inputs, 8, 2), seed, whole_numbers=True)).hidden[1]
    values = np.random.default_rng(seed).choice([-1, 1], (20, inputs))
    agreeing = (values[:, None, :] == layer.signs).sum(axis=2)
    limit = np.ceil((layer.thresholds + inputs) / 2) - 1
    by_popcount = np.where(
        layer.directions > 0, agreeing > limit, 2 * agreeing - inputs <= -layer.thresholds
    )
    by_sum = (values @ layer.signs.T) * layer.directions >= layer.thresholds
    assert np.array_equal(by_popcount, by_sum)


def test_content_id_changes_with_any_array():
    def network(**changes):
        hidden = {
            "signs": np.array([[1, -1], [1, 1]], dtype=np.int8),
            "thresholds": np.array([0, 1]),
            "directions": np.array([1, 1], dtype=np.int8),
        }
        output = ScoreLayer(
            signs=np.array([[1, -1]], dtype=np.int8),
            scale=np.ones(1, dtype=np.float32),
            offset=np.zeros(1, dtype=np.float32),
        )
        return FoldedNetwork((FoldedLayer(**{**hidden, **changes}), output))

    ids = {
        network().content_id,
        network(signs=np.array([[1, -1], [1, -1]], dtype=np.int8)).content_id,
        network(thresholds=np.array([0, 2])).content_id,
        network(directions=np.array([1, -1], dtype=np.int8)).content_id,
    }
    assert len(ids) == 4
    assert network().content_id == network().content_id
    assert network().weight_count == 6
    assert network().hrs_share == 4 / 6


def test_layers_that_do_not_lead_into_each_other_are_refused():
    output = ScoreLayer(
        signs=np.ones((2, 3), dtype=np.int8),
        scale=np.ones(2, dtype=np.float32),
        offset=np.zeros(2, dtype=np.float32),
    )
    with pytest.raises(ValueError, match="does not lead into"):
        FoldedNetwork(
            (
                FoldedLayer(
                    signs=np.ones((4, 5), dtype=np.int8),
                    thresholds=np.zeros(4, dtype=np.int64),
                    directions=np.ones(4, dtype=np.int8),
                ),
                output,
            )
        )
    with pytest.raises(ValueError, match="-1 or \\+1"):
        ScoreLayer(signs=np.zeros((2, 3), dtype=np.int8), scale=output.scale, offset=output.offset)


def test_a_diverged_batch_norm_is_told():
    network = _network((4, 3, 2), 1, whole_numbers=False)
    with torch.no_grad():
        network.layers[0].gamma[1] = float("nan")
    with pytest.raises(InputError, match="diverged"):
        fold(network)
