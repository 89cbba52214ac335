"""Bit errors of adapted training: as many as they should be, where they should be, and fresh."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import stats

from rramsim.errors import InputError
from rramsim.network.training import flip_kernels as flips_module
from rramsim.network.training.flip_kernels import CHUNK, flip_by_torch
from rramsim.network.training.flips import RandomFlips


def _masks(faults, *, shape, iterations, layer=0):
    """Return where ones are flipped, (iterations, ...)."""
    drawn = [
        faults(torch.ones(shape), layer=layer, iteration=number) < 0 for number in range(iterations)
    ]
    return torch.stack(drawn).numpy()


def _random_signs(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 2, shape, generator=generator).float() * 2 - 1


@pytest.mark.slow
@pytest.mark.parametrize("ber", [0.001, 0.02, 0.3, 0.8])
def test_number_of_flips_is_binomial(ber):
    size, iterations = 1500, 3000
    masks = _masks(RandomFlips.iid(ber, seed=3), shape=(30, 50), iterations=iterations)
    found, law = masks.sum(axis=(1, 2)), stats.binom(size, ber)
    # Mean and variance within 4.5 standard errors: one false alarm in 100,000 seeds.
    assert abs(found.mean() - law.mean()) < 4.5 * law.std() / np.sqrt(iterations)
    kurtosis = float(law.stats("k"))
    assert abs(found.var() / law.var() - 1) < 4.5 * np.sqrt((2 + kurtosis) / iterations)


@pytest.mark.slow
@pytest.mark.parametrize("rates", [(0.002, 0.012), (0.05, 0.2), (0.9, 0.3), (0.0, 0.7)])
def test_number_of_flips_is_binomial_in_each_state(rates):
    size, iterations = 1500, 3000
    signs = _random_signs(size)
    faults = RandomFlips((rates[0],), (rates[1],), seed=3)
    flipped = torch.stack(
        [faults(signs.clone(), layer=0, iteration=number) for number in range(iterations)]
    )
    counts = {state: (flipped != signs)[:, signs == state].sum(1).numpy() for state in (-1, 1)}
    for ber, state in zip(rates, (-1, 1), strict=True):
        law = stats.binom(int((signs == state).sum()), ber)
        assert abs(counts[state].mean() - law.mean()) <= 4.5 * law.std() / np.sqrt(iterations)
        if ber:
            noise = np.sqrt((2 + float(law.stats("k"))) / iterations)
            assert abs(counts[state].var() / law.var() - 1) < 4.5 * noise
    if min(rates):
        assert abs(np.corrcoef(counts[-1], counts[1])[0, 1]) < 4.5 / np.sqrt(iterations)


@pytest.mark.slow
@pytest.mark.parametrize("rates", [(0.25, 0.25), (0.1, 0.4), (0.0, 0.3)])
def test_every_position_is_as_likely(rates):
    iterations = 4000
    signs = torch.tensor([-1.0, 1.0]).repeat(40)
    faults = RandomFlips((rates[0],), (rates[1],), seed=3)
    wrong = sum(
        (faults(signs.clone(), layer=0, iteration=number) != signs).int()
        for number in range(iterations)
    )
    for ber, counts in zip(rates, wrong.view(40, 2).T.numpy(), strict=True):
        if not ber:
            assert not counts.any()
            continue
        expected = iterations * ber
        statistic = ((counts - expected) ** 2 / (expected * (1 - ber))).sum()
        assert 1e-5 < stats.chi2(40).sf(statistic) < 1 - 1e-5


def test_positions_are_uniform_over_chunks_and_within_them():
    """Positions of many chunks, folded onto 64 places within a chunk and onto the chunks."""
    chunks, ber = 40, 0.05
    mask = RandomFlips.iid(ber, seed=8)(torch.ones(chunks * CHUNK), layer=0, iteration=0) < 0
    by_place = mask.view(chunks, 64, -1).numpy()
    for counts, cells in (
        (by_place.sum(axis=(0, 2)), chunks * CHUNK / 64),
        (by_place.sum(axis=(1, 2)), CHUNK),
    ):
        variance = cells * ber * (1 - ber)
        statistic = ((counts - cells * ber) ** 2).sum() / variance
        assert 1e-5 < stats.chi2(len(counts)).sf(statistic) < 1 - 1e-5


@pytest.mark.parametrize("distance", [1, 2, 17, 64])
@pytest.mark.parametrize("ber_lrs", [0.3, 0.1])
def test_flips_at_two_positions_are_independent(ber_lrs, distance):
    ber, size = 0.3, 400_000
    faults = RandomFlips((ber_lrs,), (ber,), seed=5)
    mask = (faults(torch.ones(size), layer=0, iteration=0) < 0).numpy()
    both = (mask[distance:] & mask[:-distance]).mean()
    assert abs(both - ber**2) < 4.5 * np.sqrt(ber**2 * (1 - ber**2) / size)


def test_iterations_and_layers_are_independent_of_each_other():
    ber, size = 0.2, 100_000
    faults, signs = RandomFlips.iid(ber, seed=2), torch.ones(size)
    drawn = {
        (layer, iteration): (
            faults(signs.clone(), layer=layer, iteration=iteration).numpy() < 0,
            faults(signs.clone(), layer=layer, iteration=iteration).numpy() < 0,
        )
        for layer in range(3)
        for iteration in (0, 1, 7)
    }
    assert all(np.array_equal(one, again) for one, again in drawn.values())
    masks = [one for one, _ in drawn.values()]
    for number, one in enumerate(masks):
        for other in masks[:number]:
            # As many in common as by chance.
            both = (one & other).mean()
            assert abs(both - ber**2) < 4.5 * np.sqrt(ber**2 * (1 - ber**2) / size)


def test_another_seed_flips_others():
    one, other = (
        RandomFlips.iid(0.5, seed=seed)(torch.ones(1000), layer=0, iteration=0) for seed in (1, 2)
    )
    assert abs((one == other).float().mean() - 0.5) < 0.1


@pytest.mark.parametrize("size", [1, 3, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 5, 9 * CHUNK + 1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rates_of_0_and_1_are_exact_at_any_size(size, dtype):
    signs = _random_signs(size).to(dtype)
    none = RandomFlips.iid(0.0, seed=1)(signs.clone(), layer=0, iteration=0)
    all_of_them = RandomFlips.iid(1.0, seed=1)(signs.clone(), layer=0, iteration=0)
    assert torch.equal(none, signs)
    assert torch.equal(all_of_them, -signs)
    of_lrs = RandomFlips((1.0,), (0.0,), seed=1)(signs.clone(), layer=0, iteration=0)
    assert torch.equal(of_lrs, torch.ones_like(signs))


@pytest.mark.slow
@pytest.mark.parametrize("size", [CHUNK + 1, 5 * CHUNK + 3])
def test_weights_at_the_ends_of_chunks_are_flipped_as_often_as_others(size):
    iterations, ber = 1500, 0.5
    ends = [0, CHUNK - 1, CHUNK, size - 1]
    faults = RandomFlips.iid(ber, seed=6)
    found = np.zeros(len(ends))
    for iteration in range(iterations):
        found += faults(torch.ones(size), layer=0, iteration=iteration)[ends].numpy() < 0
    assert (abs(found - iterations * ber) < 4.5 * np.sqrt(iterations * ber * (1 - ber))).all()


@pytest.mark.parametrize("rates", [(0.02, 0.3), (0.4, 0.0), (0.0, 0.1), (1.0, 0.25)])
def test_each_state_is_flipped_at_its_own_rate(rates):
    signs = _random_signs(400, 1000)
    flipped = RandomFlips((rates[0],), (rates[1],), seed=4)(signs.clone(), layer=0, iteration=0)
    # -1 is LRS, +1 is HRS.
    for ber, state in zip(rates, (-1, 1), strict=True):
        wrong = (flipped != signs)[signs == state].float()
        assert abs(wrong.mean() - ber) <= 4.5 * np.sqrt(ber * (1 - ber) / len(wrong))


def test_each_layer_is_flipped_at_its_own_rate():
    rates = (0.0, 0.05, 0.4)
    faults = RandomFlips(rates, (0.1, 0.0, 0.4), seed=4)
    signs = _random_signs(100_000)
    for layer, pair in enumerate(zip(rates, (0.1, 0.0, 0.4), strict=True)):
        flipped = faults(signs.clone(), layer=layer, iteration=3)
        for ber, state in zip(pair, (-1, 1), strict=True):
            wrong = (flipped != signs)[signs == state].float()
            assert abs(wrong.mean() - ber) <= 4.5 * np.sqrt(ber * (1 - ber) / len(wrong))
    faults.check_fits(3)
    with pytest.raises(InputError, match=r"3 are given for a network of 2 layers"):
        faults.check_fits(2)


@pytest.mark.slow
def test_mixed_rates_are_uniform_up_to_the_given_one_and_shared_by_the_layers():
    size, most = 20_000, 0.8
    faults = RandomFlips((most,), (most,), mixed=True, seed=9)
    shares = np.array(
        [
            [
                float((faults(torch.ones(size), layer=layer, iteration=number) < 0).float().mean())
                for layer in (0, 1)
            ]
            for number in range(400)
        ]
    )
    assert stats.kstest(shares[:, 0] / most, "uniform").pvalue > 1e-4
    noise = np.sqrt(2 * most * (1 - most) / size)
    assert abs(shares[:, 0] - shares[:, 1]).max() < 6 * noise
    # From one iteration to the next they are unrelated.
    assert abs(np.corrcoef(shares[1:, 0], shares[:-1, 0])[0, 1]) < 4.5 / np.sqrt(400)


def test_bfloat16_and_float32_flip_the_same_weights():
    signs = _random_signs(3, 7 * CHUNK)
    faults = RandomFlips((0.1,), (0.3,), seed=2)
    wide = faults(signs.clone(), layer=1, iteration=5)
    narrow = faults(signs.to(torch.bfloat16), layer=1, iteration=5)
    assert narrow.dtype == torch.bfloat16
    assert torch.equal(narrow.float(), wide)
    assert torch.equal(wide.abs(), torch.ones_like(wide))


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_the_number_of_threads_changes_nothing(monkeypatch, threads):
    signs, faults = torch.ones(37 * CHUNK + 11), RandomFlips.iid(0.1, seed=2)
    expected = faults(signs.clone(), layer=0, iteration=0)
    monkeypatch.setattr(flips_module, "cores", lambda: threads)
    shared = []

    def in_parts_backwards(work, parts):
        shared.extend(parts)
        for part in reversed(parts):
            work(part)

    monkeypatch.setattr(flips_module, "share", in_parts_backwards)
    assert torch.equal(faults(signs.clone(), layer=0, iteration=0), expected)
    # The parts are all chunks, each once.
    assert (shared[0][0], shared[-1][1]) == (0, 38)
    assert all(one[1] == other[0] for one, other in pairwise(shared))


def test_signs_are_flipped_where_they_are():
    signs = torch.ones(50, 50)
    assert RandomFlips.iid(0.1, seed=7)(signs, layer=0, iteration=0) is signs
    assert 0 < int((signs < 0).sum()) < 600


@pytest.mark.parametrize(
    ("faults", "first", "count", "total"),
    [
        (RandomFlips.iid(0.1, seed=7), [26, 33, 36], 3955, 79332998),
        (RandomFlips((0.005,), (0.01,), seed=7), [307, 322, 652], 318, 6388445),
        (RandomFlips((0.05,), (0.2,), seed=7), [8, 10, 14], 6022, 120336481),
        (RandomFlips((0.3,), (0.0,), mixed=True, seed=7), [6, 15, 36], 2688, 53888547),
    ],
    ids=lambda value: value.identity if isinstance(value, RandomFlips) else "",
)
def test_the_stream_is_that_of_every_version(faults, first, count, total):
    """So that an interrupted training goes on with the flips it would have met."""
    signs = torch.where(torch.arange(40_000) % 3 == 0, -1.0, 1.0)
    flipped = faults(signs.clone(), layer=2, iteration=11)
    positions = (flipped != signs).nonzero().flatten()
    assert positions[:3].tolist() == first
    assert (len(positions), int(positions.sum())) == (count, total)


@pytest.mark.parametrize("ber", [-0.01, 1.01, float("nan")])
def test_a_rate_out_of_range_is_told(ber):
    with pytest.raises(InputError, match="accepted are numbers from 0 to 1"):
        RandomFlips.iid(ber, seed=0)


@pytest.mark.parametrize(("lrs", "hrs"), [((0.1,), (0.1, 0.2)), ((), ()), ((0.1, 0.1), ())])
def test_rates_that_do_not_pair_are_told(lrs, hrs):
    with pytest.raises(InputError, match=f"{len(lrs)} for LRS and {len(hrs)} for HRS"):
        RandomFlips(lrs, hrs, seed=0)


def test_the_identity_tells_all_but_the_seed():
    flips = [
        RandomFlips.iid(0.1, seed=1),
        RandomFlips.iid(0.2, seed=1),
        RandomFlips((0.1,), (0.2,), seed=1),
        RandomFlips((0.2,), (0.1,), seed=1),
        RandomFlips((0.1, 0.1), (0.1, 0.1), seed=1),
        RandomFlips((0.1,), (0.1,), mixed=True, seed=1),
    ]
    assert len({each.identity for each in flips}) == len(flips)
    assert RandomFlips.iid(0.1, seed=5).identity == flips[0].identity == "BER 0.1"
    assert RandomFlips((0.1, 0.3), (0.2, 0.0)).mean_ber == pytest.approx(0.15)


@pytest.mark.parametrize("rates", [(0.02, 0.02), (0.02, 0.3), (0.0, 0.1), (1.0, 1.0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_graphics_processor_flips_each_state_at_its_rate(rates, dtype):
    """The same operations, here on the processor."""
    signs = _random_signs(400, 1000).to(dtype)
    drawn = []
    for which in (5, 5, 2**63 - 1):
        flipped = signs.clone()
        generator = torch.Generator().manual_seed(which)
        flip_by_torch(flipped, generator, ber_lrs=rates[0], ber_hrs=rates[1])
        drawn.append(flipped)
        for ber, state in zip(rates, (-1, 1), strict=True):
            wrong = (flipped != signs)[signs == state].float()
            assert abs(wrong.mean() - ber) <= 4.5 * np.sqrt(ber * (1 - ber) / len(wrong))
        assert torch.equal(flipped.abs(), signs.abs())
    assert torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn[0], drawn[2]) == (min(rates) == 1)
