"""Read noise that is fresh at every image: its shares, its draws, and what it does to chips."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr, ndtri

import rramsim
from rramsim.crossbar.sampling import as_positions, cell_key, cell_numbers, draw_cells
from rramsim.crossbar.sampling_kernels import philox
from rramsim.crossbar.transient import FreshErrors
from rramsim.errors import InputError

FALSE_ALARM = 1e-4
WORD = 2**64


def seed(*keys):
    return np.random.SeedSequence(11, spawn_key=keys)


def signs_of(neurons, inputs):
    return np.random.default_rng(9).choice(np.array([-1, 1], dtype=np.int8), (neurons, inputs))


def wrong_at(reads, image):
    _, places = reads.of_images(image, image + 1)
    return np.sort(reads.cells[places])


@pytest.mark.parametrize("ber", [1e-5, 2e-3, 0.04, 0.6])
def test_the_number_of_a_cell_is_the_one_that_frozen_errors_compare(ber):
    signs = signs_of(60, 130)
    number = cell_numbers(signs.shape, seed(1))
    drawn = draw_cells(signs, ber_lrs=ber, ber_hrs=ber / 3, seed=seed(1))
    expected = np.flatnonzero(number < np.where(signs > 0, ber / 3, ber))
    assert np.array_equal(as_positions(drawn, signs), expected)


def test_shares_follow_the_quantile_that_a_cell_keeps():
    signs, r = signs_of(50, 70), 0.4
    share = rramsim.TransientReads(rramsim.StateFaults(0.02, 0.1), r).wrong_share(signs, seed(2))
    u = cell_numbers(signs.shape, seed(2))
    x = np.where(signs > 0, -ndtri(0.1), -ndtri(0.02))
    expected = ndtr((math.sqrt(1 - r**2) * ndtri(1 - u) - x) / r)
    assert share == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_the_noise_of_populations_is_a_part_of_the_spread_of_their_state():
    signs, sigma, read = signs_of(50, 70), np.array([0.5, 0.8]), np.array([0.2, 0.3])
    faults = rramsim.PopulationFaults(9.0, sigma[0], 11.0, sigma[1], math.exp(10.0))
    share = rramsim.TransientReads(faults, tuple(read)).wrong_share(signs, seed(2))
    state = (signs > 0).astype(int)
    frozen = np.sqrt(sigma**2 - read**2)[state] * ndtri(1 - cell_numbers(signs.shape, seed(2)))
    # Both medians are 1 from the reference in ln R: a read is wrong where what is left is less.
    expected = ndtr((frozen - 1.0) / read[state])
    assert share == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_reads_have_a_source_of_chance_of_their_own():
    signs = signs_of(5, 7)
    reads = rramsim.TransientReads(rramsim.IidFaults(0.1), 0.5).reads(signs, seed(2, 0))
    assert reads.key not in {cell_key(seed(2, layer)) for layer in range(3)}


@pytest.mark.parametrize(("ber", "r"), [(0.01, 0.3), (0.05, 0.7), (0.3, 1.0)])
def test_the_mean_over_cells_and_reads_is_the_frozen_rate_and_chips_differ_by_less(ber, r):
    signs = signs_of(400, 500)
    share = rramsim.TransientReads(rramsim.IidFaults(ber), r).wrong_share(signs, seed(3))
    # Two reads of a cell share 1 - r**2 of their variance: both wrong with a bivariate tail.
    z = ndtri(ber)
    both = stats.multivariate_normal(cov=[[1, 1 - r**2], [1 - r**2, 1]], allow_singular=True)
    of_two = float(both.cdf([z, z]))
    cells = share.size
    variance = of_two - ber**2
    assert abs(share.mean() - ber) < 4 * math.sqrt(max(variance, 1e-12) / cells) + 1e-12
    assert np.mean(share**2) == pytest.approx(of_two, rel=0.02)
    assert variance < ber * (1 - ber)


def reference(share, key, image):
    """Return the wrong cells of an image as the definition has them, cell by cell."""
    key, last = np.array(key, dtype=np.uint64), WORD - 1
    kept = [cell for cell in range(share.size) if share[cell] >= 2.0**-60]
    often = [cell for cell in kept if share[cell] >= 2.0**-7]
    wrong = []
    for place, cell in enumerate(often):
        digits = [
            int(word) >> (place % 64) & 1
            for block in range(16)
            for word in philox(key, np.array([place // 64, block, image, last], dtype=np.uint64))
        ]
        number = sum(digit << (63 - at) for at, digit in enumerate(digits))
        if share[cell] >= 1 or number < int(share[cell] * 2.0**64):
            wrong.append(cell)
    for level in range(7, 60):
        cells = [cell for cell in kept if 2.0 ** -(level + 1) <= share[cell] < 2.0**-level]
        place, block, spare = -1, 0, []
        while cells:
            if not spare:
                counter = np.array([block, image, level, last - 1], dtype=np.uint64)
                spare, block = [int(word) for word in philox(key, counter)], block + 1
            gap, chosen, *spare = spare
            step = math.log(((gap >> 11) + 0.5) * 2.0**-53) / math.log1p(-(2.0**-level))
            if step >= len(cells) - place - 1:
                break
            place += 1 + int(step)
            if (chosen >> 11) * 2.0**-53 < math.ldexp(share[cells[place]], level):
                wrong.append(cells[place])
    return sorted(wrong)


def test_the_wrong_cells_of_an_image_are_those_of_the_definition_cell_by_cell():
    share = 10.0 ** np.random.default_rng(4).uniform(-4, 0, 700)
    share[[3, 80, 81]], share[[5, 6]] = 1.0, 0.0
    share[100:500] = 0.006
    reads = FreshErrors.of(share, seed(4))
    for image in (0, 1, 9_999):
        assert wrong_at(reads, image).tolist() == reference(share, reads.key, image)


def test_images_are_the_same_in_whatever_blocks_they_are_asked_for():
    reads = FreshErrors.of(np.linspace(0, 0.2, 900), seed(5))
    starts, places = reads.of_images(0, 60)
    for first, stop in ((0, 1), (7, 40), (59, 60)):
        some_starts, some = reads.of_images(first, stop)
        assert np.array_equal(some, places[starts[first] : starts[stop]])
        assert np.array_equal(some_starts, starts[first : stop + 1] - starts[first])


def test_each_cell_is_wrong_at_its_share_of_the_reads_on_its_own():
    share = np.repeat([1e-3, 0.01, 0.1, 0.7], 50)
    images = 4000
    reads = FreshErrors.of(share, seed(6))
    starts, places = reads.of_images(0, images)
    wrong = np.zeros((images, share.size), dtype=bool)
    wrong[np.repeat(np.arange(images), np.diff(starts)), reads.cells[places]] = True
    assert wrong.sum() == starts[-1]  # none twice
    for group, part in zip(share[::50], np.split(wrong, 4, axis=1), strict=True):
        errors = int(part.sum())
        assert stats.binomtest(errors, part.size, float(group)).pvalue > FALSE_ALARM
        # From image to image, and from cell to cell, no more and no less than chance.
        for axis in (0, 1):
            sums = part.sum(axis=axis)
            spread = (sums - sums.mean()).var() / (part.shape[axis] * group * (1 - group))
            statistic = spread * sums.size
            tail = stats.chi2(sums.size - 1).cdf(statistic)
            assert FALSE_ALARM < tail < 1 - FALSE_ALARM


def test_without_noise_a_chip_is_the_frozen_one_and_the_same_question():
    faults = rramsim.PopulationFaults(9.0, 0.3, 11.0, 0.7, 25e3)
    none = rramsim.TransientReads(faults, 0.0)
    assert not none.is_fresh
    assert none.identity() == faults.identity()
    signs = signs_of(30, 40)
    assert np.array_equal(none.draw(signs, seed(7)), faults.draw(signs, seed(7)))
    share = none.wrong_share(signs, seed(7)).reshape(-1)
    drawn = as_positions(faults.draw(signs, seed(7)), signs)
    assert np.array_equal(np.flatnonzero(share), drawn)
    assert set(share.tolist()) <= {0.0, 1.0}


def test_lines_err_together_at_every_read():
    lines = rramsim.CorrelatedFaults(rramsim.IidFaults(0.05), sigma_column=0.6)
    faults = rramsim.TransientReads(lines, 0.3)
    signs = signs_of(300, 128)
    share = faults.wrong_share(signs, seed(8))
    x = lines.lines(signs.shape, seed(8)).of_cells(signs)
    # Given its column, a cell is wrong at the rate that the column has.
    given = ndtr(-x)
    assert share.mean() == pytest.approx(given.mean(), abs=4 * share.std() / share.size**0.5)
    assert np.corrcoef(share.mean(axis=1), given.mean(axis=1))[0, 1] > 0.95


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rramsim.TransientReads(rramsim.IidFaults(0.1), 1.01), "more than the spread"),
        (lambda: rramsim.TransientReads(rramsim.IidFaults(0.1), -0.1), "sigma_read is -0.1"),
        (lambda: rramsim.TransientReads("weak", 0.1), "faults is 'weak'; accepted: Population"),
        (
            lambda: rramsim.TransientReads(
                rramsim.PopulationFaults(9.0, 0.3, 11.0, 0.7, 25e3, 0.5), (0.31, 0.1)
            ),
            r"sigma_read of LRS is 0.31, more than the spread of its cells \(0.3\)",
        ),
        (
            lambda: rramsim.protect(
                rramsim.TransientReads(rramsim.IidFaults(0.1), 0.1), "secded(72,64)"
            ),
            "fresh at every image",
        ),
    ],
)
def test_noise_that_cannot_be_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
