"""One number per cell: flips at any BER, nested, distinct, binomial and on their own.

Every statistical check runs once at a fixed seed and compares a p-value with FALSE_ALARM: a right
sampler would fail it for one seed in 10,000.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rramsim import parallel
from rramsim.crossbar.sampling import SEGMENT_CELLS, ChipSeeds, as_positions, draw_cells
from rramsim.crossbar.sampling_kernels import FIRST_LEVEL, LAST_LEVEL, all_rare, philox, rare

FALSE_ALARM = 1e-4
SPLIT = 2.0**-FIRST_LEVEL
BERS = [0.0, 5e-324, 1e-12, 1e-9, 1e-6, 1e-4, 1e-3, SPLIT, 0.002, 0.01, 0.1, 0.3, 0.5, 0.9, 1.0]


def seed(*keys: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(11, spawn_key=keys)


def signs_of(neurons: int, inputs: int) -> np.ndarray:
    hrs = np.random.default_rng(99).random((neurons, inputs)) < 0.5
    return np.where(hrs, 1, -1).astype(np.int8)


def flips(signs: np.ndarray, ber: float, *keys: int, hrs: float | None = None) -> np.ndarray:
    drawn = draw_cells(signs, ber_lrs=ber, ber_hrs=ber if hrs is None else hrs, seed=seed(*keys))
    return as_positions(drawn, signs)


@pytest.mark.slow
@given(
    key=st.tuples(*[st.integers(0, 2**64 - 1)] * 2),
    counter=st.tuples(*[st.integers(0, 2**64 - 1)] * 4),
)
def test_philox_is_that_of_numpy(key: tuple[int, ...], counter: tuple[int, ...]) -> None:
    found = philox(np.array(key, dtype=np.uint64), np.array(counter, dtype=np.uint64))
    # numpy counts up before it draws: its counter is one number of 256 bits.
    whole = sum(word << (64 * place) for place, word in enumerate(counter))
    before = (whole - 1) % 2**256
    words = [(before >> (64 * place)) % 2**64 for place in range(4)]
    reference = np.random.Philox(
        key=np.array(key, dtype=np.uint64), counter=np.array(words, dtype=np.uint64)
    )
    assert found.tolist() == reference.random_raw(4).tolist()


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 200)),
    bers=st.lists(
        st.one_of(st.sampled_from(BERS), st.floats(0, 1), st.floats(0, 0.01)),
        min_size=2,
        max_size=5,
    ),
    key=st.integers(0, 2**32),
)
def test_flips_are_nested_distinct_sorted_and_within(
    shape: tuple[int, int], bers: list[float], key: int
) -> None:
    signs = signs_of(*shape)
    before = np.empty(0, dtype=np.int64)
    for ber in sorted(bers):
        positions = flips(signs, ber, key)
        assert positions.dtype == np.int64
        assert (np.diff(positions) > 0).all()
        assert positions.size == 0 or (positions[0] >= 0 and positions[-1] < signs.size)
        assert np.isin(before, positions).all()
        if ber in (0, 1):
            assert positions.size == ber * signs.size
        before = positions


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 30), st.integers(1, 200)),
    ber_lrs=st.one_of(st.sampled_from(BERS), st.floats(0, 0.01), st.floats(0, 1)),
    ber_hrs=st.one_of(st.sampled_from(BERS), st.floats(0, 0.01), st.floats(0, 1)),
)
def test_cells_of_a_state_flip_as_if_all_had_its_rate(
    shape: tuple[int, int], ber_lrs: float, ber_hrs: float
) -> None:
    signs = signs_of(*shape)
    lrs = signs.reshape(-1) < 0
    at_lrs, at_hrs = flips(signs, ber_lrs), flips(signs, ber_hrs)
    expected = np.sort(np.concatenate([at_lrs[lrs[at_lrs]], at_hrs[~lrs[at_hrs]]]))
    assert np.array_equal(flips(signs, ber_lrs, hrs=ber_hrs), expected)


@pytest.mark.parametrize("ber", [1e-3, 0.0019, 0.003, 0.0625, 0.1, 0.7])
def test_the_number_of_flips_is_binomial(ber: float) -> None:
    signs = signs_of(30, 70)
    chips = 1500
    counts = np.array([flips(signs, ber, chip).size for chip in range(chips)])
    law = stats.binom(signs.size, ber)
    # The whole law in about 12 bins of equal share, the mean and the variance with it.
    edges = np.unique(law.ppf(np.linspace(0, 1, 13)[1:-1]))
    shares = np.diff([0, *law.cdf(edges), 1])
    seen = np.bincount(np.searchsorted(edges, counts), minlength=shares.size)
    assert stats.chisquare(seen, chips * shares).pvalue > FALSE_ALARM


@pytest.mark.parametrize("ber", [0.0015, 0.004, 0.19, 0.5])
def test_flips_are_even_over_the_layer_and_over_the_bits_of_a_word(ber: float) -> None:
    signs = signs_of(1000, 1000)
    positions = flips(signs, ber)
    assert stats.binomtest(positions.size, signs.size, ber).pvalue > FALSE_ALARM
    for among, classes in (
        (positions // 20_000, 50),
        (positions % 1000 // 20, 50),
        (positions % 1000 % 64, 64),
    ):
        cells = np.bincount(
            np.arange(1000) % 64 if classes == 64 else np.arange(classes), minlength=classes
        )
        expected = positions.size * cells / cells.sum()
        found = np.bincount(among, minlength=classes)
        # The variance of a count is (1 - ber) times that of a multinomial.
        statistic = ((found - expected) ** 2 / expected).sum() / (1 - ber)
        p = stats.chi2(classes - 1).sf(statistic)
        assert FALSE_ALARM / 2 < p < 1 - FALSE_ALARM / 2


@pytest.mark.slow
@pytest.mark.parametrize("ber", [0.0018, 0.02, 0.35])
@pytest.mark.parametrize("other", [(1, 0), (0, 1)])
def test_chips_and_layers_have_flips_of_their_own(ber: float, other: tuple[int, int]) -> None:
    signs = signs_of(1000, 1000)
    both = np.intersect1d(flips(signs, ber, 0, 0), flips(signs, ber, *other)).size
    assert stats.binomtest(both, signs.size, ber**2).pvalue > FALSE_ALARM


@pytest.mark.parametrize("ber", [0.0018, 0.02, 0.35])
@pytest.mark.parametrize("apart", [1, 64, 4096])
def test_neighbouring_cells_flip_on_their_own(ber: float, apart: int) -> None:
    signs = signs_of(500, 4096)
    positions = flips(signs, ber)
    pairs = np.isin(positions + apart, positions, assume_unique=True).sum()
    assert stats.binomtest(int(pairs), signs.size - apart, ber**2).pvalue > FALSE_ALARM


@pytest.mark.slow
@pytest.mark.parametrize("ber", [0.0019, 0.19, 0.5])
def test_every_set_of_few_cells_comes_as_often_as_it_should(ber: float) -> None:
    signs = signs_of(2, 2)
    draws = 8000
    sets = np.zeros(16, dtype=np.int64)
    for chip in range(draws):
        sets[int((1 << flips(signs, ber, chip)).sum())] += 1
    sizes = np.array([number.bit_count() for number in range(16)])
    expected = draws * ber**sizes * (1 - ber) ** (4 - sizes)
    often = expected > 5
    seen = np.append(sets[often], sets[~often].sum())
    law = np.append(expected[often], expected[~often].sum())
    assert stats.chisquare(seen[law > 0], law[law > 0]).pvalue > FALSE_ALARM


@pytest.mark.parametrize("ber", [1e-9, 2.0**-LAST_LEVEL, 1e-8])
def test_a_rare_error_is_found_in_many_cells(ber: float) -> None:
    signs = np.ones((4000, 5000), dtype=np.int8)
    chips = 300
    found = sum(flips(signs, ber, chip).size for chip in range(chips))
    expected = signs.size * chips * ber
    assert stats.poisson.sf(found - 1, expected) > FALSE_ALARM
    assert stats.poisson.cdf(found, expected) > FALSE_ALARM


@pytest.mark.parametrize("ber", [1e-5, 0.0015, 0.05])
def test_layers_of_several_segments_are_even_and_do_not_depend_on_threads(
    ber: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    signs = np.ones((3000, 3001), dtype=np.int8)
    positions = flips(signs, ber)
    segments = np.bincount(positions // SEGMENT_CELLS, minlength=3)
    cells = np.array([SEGMENT_CELLS, SEGMENT_CELLS, signs.size - 2 * SEGMENT_CELLS])
    statistic = ((segments - ber * cells) ** 2 / (ber * (1 - ber) * cells)).sum()
    assert FALSE_ALARM / 2 < stats.chi2(3).sf(statistic) < 1 - FALSE_ALARM / 2
    monkeypatch.setattr(parallel, "cores", lambda: 1)
    assert np.array_equal(flips(signs, ber), positions)


def test_segments_of_a_layer_have_flips_of_their_own() -> None:
    signs, ber = np.ones((4096, 2 * SEGMENT_CELLS // 4096), dtype=np.int8), 0.0015
    positions = flips(signs, ber)
    first, second = np.split(positions, [np.searchsorted(positions, SEGMENT_CELLS)])
    both = np.intersect1d(first, second - SEGMENT_CELLS).size
    assert stats.binomtest(both, SEGMENT_CELLS, ber**2).pvalue > FALSE_ALARM


def test_a_count_far_above_what_is_expected_finds_room(monkeypatch: pytest.MonkeyPatch) -> None:
    signs = signs_of(300, 500)
    expected = flips(signs, 0.0019)
    # Room for 6 deviations more never lacks by chance, so it is taken away.
    monkeypatch.setattr(math, "sqrt", lambda mean: -mean / 6 - 10)
    assert np.array_equal(flips(signs, 0.0019), expected)


def test_a_small_layer_finds_room_too() -> None:
    layer = np.ones(20_000, dtype=np.int8)
    key, bers = (np.uint64(3), np.uint64(5)), (0.0015, 0.0015)
    least, none = np.empty(1, dtype=np.int64), np.empty(1)
    count, wrong, numbers = all_rare(key, layer, bers, least, none)
    assert count > 10
    assert (numbers[:count] < 0.0015).all()
    enough = np.empty(1000, dtype=np.int64), np.empty(1000)
    assert rare(key, 0, layer.size, layer, bers, *enough) == count
    assert np.array_equal(enough[0][:count], wrong[:count])


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**32, 2**64 - 1])
def test_keys_of_chips_are_those_of_numpys_seed_sequence(seed):
    words, chips = (5, 0, 2**32 - 1), [0, 7, 2**32 - 1]
    seeds = ChipSeeds(seed, words, chips, 3)
    for after, size, keys in (
        ((3,), 2, seeds.keys),
        ((), 2, seeds.states(words=2)),
        ((3, 2**32 + 1), 3, seeds.states(3, 2**32 + 1, words=3)),
        ((0, 2**64 - 2), 4, seeds.states(0, 2**64 - 2, words=4)),
    ):
        for chip, key in zip(chips, keys, strict=True):
            sequence = np.random.SeedSequence(seed, spawn_key=(*words, chip, *after))
            assert np.array_equal(key, sequence.generate_state(size, np.uint64))
