import numpy as np
import pytest
import torch
from scipy import stats

from rramsim.errors import InputError
from rramsim.network.flips import RandomFlips


def _counts(ber, *, shape, calls):
    flips = RandomFlips.seeded(ber, seed=3)
    signs = torch.ones(shape)
    return [flips(signs) < 0 for _ in range(calls)]


@pytest.mark.parametrize("ber", [0.02, 0.3, 0.8])
def test_number_of_flips_is_binomial(ber):
    size, calls = 1000, 2000
    found = np.array([int(mask.sum()) for mask in _counts(ber, shape=(20, 50), calls=calls)])
    law = stats.binom(size, ber)
    # Mean and variance within 4.5 standard errors: one false alarm in 100,000 seeds.
    assert abs(found.mean() - law.mean()) < 4.5 * law.std() / np.sqrt(calls)
    assert abs(found.var() / law.var() - 1) < 4.5 * np.sqrt(2 / calls)


def test_every_position_is_as_likely():
    calls, ber = 4000, 0.25
    seen = torch.stack(_counts(ber, shape=(5, 8), calls=calls)).sum(dim=0).numpy()
    expected = calls * ber
    statistic = ((seen - expected) ** 2 / (expected * (1 - ber))).sum()
    assert 1e-5 < stats.chi2(40).sf(statistic) < 1 - 1e-5


def test_flips_at_two_positions_are_independent():
    calls, ber = 8000, 0.3
    masks = torch.stack(_counts(ber, shape=(1, 3), calls=calls))[:, 0].numpy()
    both = (masks[:, 0] & masks[:, 1]).mean()
    assert abs(both - ber**2) < 4.5 * np.sqrt(ber**2 * (1 - ber**2) / calls)


def test_positions_are_distinct_so_a_share_of_one_flips_all():
    signs = torch.tensor([[1.0, -1.0, 1.0]])
    assert RandomFlips.seeded(1.0, seed=0)(signs).tolist() == [[-1.0, 1.0, -1.0]]
    assert RandomFlips.seeded(0.0, seed=0)(signs).tolist() == signs.tolist()


def test_given_signs_stay_as_they_are_and_only_signs_change():
    signs = torch.where(torch.arange(600).reshape(20, 30) % 3 == 0, 1.0, -1.0)
    before = signs.clone()
    flipped = RandomFlips.seeded(0.4, seed=1)(signs)
    assert torch.equal(signs, before)
    assert torch.equal(flipped.abs(), torch.ones(20, 30))
    assert 0 < int((flipped != signs).sum()) < 600


def test_flips_are_fresh_at_every_call_and_repeat_with_the_seed():
    first, again = RandomFlips.seeded(0.1, seed=7), RandomFlips.seeded(0.1, seed=7)
    signs = torch.ones(50, 50)
    calls = [first(signs) for _ in range(3)]
    assert not torch.equal(calls[0], calls[1])
    assert not torch.equal(calls[1], calls[2])
    assert all(torch.equal(call, again(signs)) for call in calls)


@pytest.mark.parametrize("ber", [-0.01, 1.01, float("nan")])
def test_a_rate_out_of_range_is_told(ber):
    with pytest.raises(InputError, match="accepted are numbers from 0 to 1"):
        RandomFlips.seeded(ber, seed=0)
