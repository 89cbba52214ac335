"""Networks whose first layer takes black as -1: the same trained, folded, packed and in torch."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rramsim.errors import InputError
from rramsim.images.catalogue import load_images
from rramsim.network.folded.network import FoldedNetwork
from rramsim.network.model_files import SavedNetwork, load_network, save_network
from rramsim.network.packed.layers import encode
from rramsim.network.scoring.evaluator import Evaluator
from rramsim.network.scoring.torch_evaluator import TorchEvaluator
from rramsim.network.shape import NetworkShape
from rramsim.network.training.method import Method
from rramsim.network.training.model import BinarizedNetwork, fold
from rramsim.network.training.plan import TrainingPlan
from rramsim.network.training.train import obtain_network
from rramsim.study.stages.networks import plan_for
from rramsim.study.training_settings import TrainingSettings


@pytest.fixture(scope="module")
def digits():
    return load_images("digits")


def _signed(text, levels):
    return dataclasses.replace(NetworkShape.parse(text), signed_levels=levels)


def _network(shape, pixels, seed):
    """Return a network whose batch norm has met these pixels, with scales of either sign."""
    generator = torch.Generator().manual_seed(seed)
    network = BinarizedNetwork(shape, generator=generator)
    for layer in network.layers:
        spread = torch.rand(layer.gamma.shape, generator=generator) * 2 - 1
        layer.gamma.data = spread.abs() + 0.1 if layer.pool else spread
        layer.beta.data = torch.rand(layer.beta.shape, generator=generator) - 0.5
    with torch.no_grad():
        for _ in range(20):
            network(torch.from_numpy(pixels).float())
    return network.eval()


def _flips(folded, rng, ber):
    return [np.flatnonzero(rng.random(layer.matrix.size) < ber) for layer in folded.layers]


@pytest.mark.slow
@pytest.mark.parametrize("text", ["35-70-20-4", "2x5x7-6C3-5C3-MP2-9-4", "1x6x6-3C3-MP2-4"])
@given(seed=st.integers(0, 2**16), levels=st.sampled_from([1, 16, 255]))
@settings(max_examples=15, deadline=None)
def test_packed_torch_and_trained_network_agree_with_and_without_flips(text, seed, levels):
    rng = np.random.default_rng(seed)
    shape = _signed(text, levels)
    inputs = int(np.prod(shape.image_shape)) if shape.image_shape else shape.widths[0]
    pixels = rng.integers(0, levels, (40, inputs), dtype=np.uint8, endpoint=True)
    network = _network(shape, pixels, seed)
    folded = fold(network)
    labels = np.zeros(len(pixels), dtype=np.int64)
    packed, naive = Evaluator(folded, pixels, labels), TorchEvaluator(folded, pixels, labels)
    expected = network.predictions(pixels)
    assert packed.predictions().tolist() == naive.predictions().tolist() == expected.tolist()
    for ber in (0.01, 0.3):
        flips = _flips(folded, rng, ber)
        assert packed.predictions(flips).tolist() == naive.predictions(flips).tolist()


@pytest.mark.parametrize("pixels", [[3, 7, 15], [5, 5, 5], [16, 0, 8]])
def test_signed_codes_stand_for_twice_a_pixel_less_the_greatest(pixels):
    images = np.array([pixels], dtype=np.uint8)
    coding, codes = encode(images, 16)
    values = coding.low + coding.step * codes.astype(int)
    assert values.tolist() == (2 * images.astype(int) - 16).tolist()


def test_a_flip_moves_a_signed_sum_by_twice_its_input_black_pixels_included():
    """One neuron of three weights by hand: 2 x - L is -16, 0 and 16."""
    pixels = np.array([[0, 8, 16]], dtype=np.uint8)
    coding, codes = encode(pixels, 16)
    values = coding.low + coding.step * codes.astype(int)
    assert values.tolist() == [[-16, 0, 16]]
    unsigned, codes = encode(pixels)
    assert (unsigned.low + unsigned.step * codes.astype(int)).tolist() == pixels.tolist()


@pytest.mark.slow
def test_many_chips_with_few_flips_agree_with_torch():
    """So many that an unsigned network would be corrected and not computed anew."""
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 255, (600, 100), dtype=np.uint8, endpoint=True)
    folded = fold(_network(_signed("100-600-600-10", 255), pixels, 1))
    labels = np.zeros(600, dtype=np.int64)
    packed, naive = Evaluator(folded, pixels, labels), TorchEvaluator(folded, pixels, labels)
    for _ in range(40):
        flips = _flips(folded, rng, 1e-5)
        assert packed.predictions(flips).tolist() == naive.predictions(flips).tolist()


def test_training_saving_and_loading_keep_the_sign(digits, tmp_path):
    table = {"hidden": ["32"], "signed_pixels": True}
    asked = TrainingSettings(network=table, epochs=2)
    plan = plan_for(asked, digits)
    assert plan.shape.signed_levels == 16
    saved = obtain_network(tmp_path / "signed.safetensors", plan, images_from="digits")
    assert saved.folded.signed_levels == 16
    assert str(saved.folded) == "64-32-10 on signed pixels"
    plain = TrainingPlan(NetworkShape((64, 32, 10)), digits, Method(2), seed=1)
    with pytest.raises(InputError, match="signed levels 16, now none"):
        obtain_network(tmp_path / "signed.safetensors", plain, images_from="digits")
    unsigned = FoldedNetwork(saved.folded.layers)
    assert unsigned.content_id != saved.folded.content_id
    save_network(tmp_path / "unsigned.safetensors", SavedNetwork(unsigned, saved.metadata))
    assert load_network(tmp_path / "unsigned.safetensors").folded.signed_levels is None


def test_pixels_beyond_the_levels_are_refused(digits):
    network = _network(_signed("64-8-10", 16), digits.test_images, 1)
    brighter = digits.test_images * np.uint8(2)
    with pytest.raises(InputError, match="takes pixels up to 16, but the images hold 32"):
        Evaluator(fold(network), brighter, digits.test_labels)
    with pytest.raises(InputError, match="signed pixels that end at 255"):
        _signed("64-8-10", 255).check_fits(digits)
