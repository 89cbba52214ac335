"""The batch norm of a layer as a scale and an offset."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from rramsim.errors import InputError
from rramsim.network.folded.fold import EPSILON, BatchNorm


def _norm(neurons=6, seed=0):
    rng = np.random.default_rng(seed)
    gamma, beta, mean = rng.normal(0, 3, (3, neurons)).astype(np.float32)
    return BatchNorm(gamma, beta, mean, rng.uniform(0, 9, neurons).astype(np.float32))


def test_it_is_the_norm_of_torch_up_to_rounding():
    norm = _norm()
    scale, offset = norm.affine()
    sums = torch.randint(-50, 51, (40, 6)).float()
    names = "mean", "variance", "gamma", "beta"
    tensors = (torch.from_numpy(getattr(norm, name)) for name in names)
    expected = functional.batch_norm(sums, *tensors, training=False, eps=EPSILON).numpy()
    assert np.allclose(sums.numpy() * scale + offset, expected, rtol=1e-5, atol=1e-4)
    assert scale.dtype == offset.dtype == np.float32


def test_a_variance_of_zero_is_kept_from_dividing_by_the_epsilon():
    ones, zeros = np.ones(1, np.float32), np.zeros(1, np.float32)
    scale, offset = BatchNorm(ones, ones, 2 * ones, zeros).affine()
    # The epsilon of Courbariaux et al. 2016 is 1e-4.
    assert (scale.tolist(), offset.tolist()) == (pytest.approx([100]), pytest.approx([-199]))


@pytest.mark.parametrize("name", ["gamma", "beta", "mean", "variance"])
def test_a_diverged_training_is_told(name):
    norm = _norm()
    getattr(norm, name)[2] = np.nan
    with pytest.raises(InputError, match="diverged"):
        norm.affine()
