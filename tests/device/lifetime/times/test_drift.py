import math

import numpy as np
import pytest

from rramsim.device.bit_errors.sensing import StatePair, log_bit_error_rate
from rramsim.device.lifetime.times.drift import Drift, Readouts, drifting_ber, fit_drift
from rramsim.device.populations.mixed_times import readout_groups
from rramsim.device.read_conditions import ReadConditions


def stream(seed=0):
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed)))


def drifting(cells=400, *, mu=10.0, drift=0.02, sigma=0.2, widening=0.03, decades=6, seed=1):
    """Return read-outs of cells whose mu and sigma follow exact lines in log10(t)."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal(cells)
    z = (z - z.mean()) / z.std()
    log_time = np.repeat(np.arange(decades), cells)
    x = mu + drift * log_time + np.tile(z, decades) * (sigma + widening * log_time)
    group, times = readout_groups(10.0**log_time)
    return Readouts.of(
        np.exp(x),
        np.zeros(x.size, int),
        cell=np.tile(np.arange(cells), decades),
        group=group,
        time=times,
    )


def test_exact_lines_are_found_exactly():
    found = fit_drift(drifting(), first_time=1.0, resamples=200, stream=stream())
    assert found.lines == pytest.approx([10.0, 0.02, 0.2, 0.03], abs=1e-9)
    low, high = found.interval(1)
    assert low < 0.02 < high


@pytest.mark.slow
def test_the_interval_of_a_slope_covers_what_it_claims():
    covered, runs = 0, 100
    rng = np.random.default_rng(5)
    for seed in range(runs):
        cells, log_time = 80, np.repeat(np.arange(4.0), 80)
        own = rng.normal(0, 0.3, cells)  # of a cell: high at one time, high at the next
        x = 9.0 + 0.05 * log_time + np.tile(own, 4) + rng.normal(0, 0.1, log_time.size)
        group, times = readout_groups(10.0**log_time)
        readouts = Readouts.of(
            np.exp(x),
            np.zeros(x.size, int),
            cell=np.tile(np.arange(cells), 4),
            group=group,
            time=times,
        )
        found = fit_drift(readouts, first_time=1.0, resamples=200, stream=stream(seed))
        low, high = found.interval(1)
        covered += low < 0.05 < high
    assert covered >= 86  # 0.1 % point of Binomial(100, 0.94)
    assert covered < runs


@pytest.mark.slow
def test_censored_read_outs_keep_their_line():
    readouts = drifting(1500)
    limit = math.exp(10.3)
    censored = Readouts.of(
        np.minimum(readouts.resistance, limit),
        (readouts.resistance > limit).astype(int),
        cell=readouts.cell,
        group=readouts.group,
        time=readouts.time,
    )
    assert 0.05 < np.mean(censored.censoring) < 0.4
    found = fit_drift(censored, first_time=1.0, resamples=30, stream=stream())
    assert found.lines == pytest.approx([10.0, 0.02, 0.2, 0.03], abs=0.02)
    assert len(found.resampled) == 30


def test_read_outs_before_the_first_time_are_left_out_and_one_is_no_line():
    readouts = drifting()
    readouts.mu[0] += 1.0  # the relaxation in the first second
    assert fit_drift(readouts, first_time=5.0, resamples=2, stream=stream()).lines[
        1
    ] == pytest.approx(0.02)
    assert fit_drift(readouts, first_time=9e4, resamples=2, stream=stream()) is None


def test_a_read_out_weighs_by_the_inverse_of_the_variance_of_its_estimates():
    readouts = drifting()
    readouts.mu[2] += 0.1
    found = fit_drift(readouts, first_time=1.0, resamples=2, stream=stream())
    slope, level = np.polyfit(np.log10(readouts.time), readouts.mu, 1, w=1 / readouts.sigma)
    assert found.lines[:2] == pytest.approx([level, slope], rel=1e-9)


def test_a_resample_has_the_moments_of_its_readings():
    readouts = drifting(30, decades=2)
    found = fit_drift(readouts, first_time=1.0, resamples=1, stream=stream(3))
    times = stream(3).multinomial(30, np.full(30, 1 / 30), size=1)[0]
    moments = []
    for group in (0, 1):
        x = np.repeat(np.log(readouts.resistance[readouts.group == group]), times)
        moments.append((x.mean(), x.std()))
    (mu, sigma), (later_mu, later_sigma) = moments
    assert found.resampled[0, :2] == pytest.approx([mu, later_mu - mu])
    # Moved by twice the bias, which one resample takes for its whole distance from the lines.
    again = np.array([sigma, later_sigma - sigma])
    assert found.resampled[0, 2:] == pytest.approx(2 * found.lines[2:] - again)


def test_two_cells_are_too_few_to_resample():
    readouts = drifting(4)
    readouts.cell[:] %= 2
    found = fit_drift(readouts, first_time=1.0, resamples=50, stream=stream())
    assert found.resampled.shape == (0, 4)
    assert all(math.isnan(end) for end in found.interval(1))


def test_the_ber_of_the_lines_is_that_of_their_populations():
    lrs = Drift(np.array([9.0, 0.01, 0.1, 0.02]), np.empty((0, 4)))
    hrs = Drift(np.array([12.0, -0.05, 0.5, 0.05]), np.empty((0, 4)))
    ber, low, _ = drifting_ber(
        [1.0, 1e5], (lrs, hrs), ReadConditions(reference_resistance=math.exp(10.5))
    )
    expected = [
        math.exp(log_bit_error_rate(10.5, StatePair(9.0, 0.1, 12.0, 0.5))),
        math.exp(log_bit_error_rate(10.5, StatePair(9.05, 0.2, 11.75, 0.75))),
    ]
    assert ber == pytest.approx(expected)
    assert np.isnan(low).all()


def test_no_ber_is_made_of_a_spread_below_0():
    lrs = Drift(np.array([9.0, 0.0, 0.1, -0.05]), np.array([[9.0, 0.0, 0.1, -0.05]] * 3))
    hrs = Drift(np.array([12.0, 0.0, 0.5, 0.0]), np.array([[12.0, 0.0, 0.5, 0.0]] * 3))
    ber, low, high = drifting_ber(
        [10.0, 1e4], (lrs, hrs), ReadConditions(reference_resistance=math.exp(10.5))
    )
    assert np.isnan([ber[1], low[1], high[1]]).all()
    assert low[0] == pytest.approx(ber[0]) == pytest.approx(high[0])


def test_states_with_draws_of_unequal_number_have_an_interval():
    lines = np.array([9.0, 0.0, 0.1, 0.0]), np.array([12.0, 0.0, 0.5, 0.0])
    lrs, hrs = (
        Drift(line, np.tile(line, (count, 1))) for line, count in zip(lines, (7, 5), strict=True)
    )
    read = ReadConditions(reference_resistance=math.exp(10.5))
    ber, low, high = drifting_ber([10.0], (lrs, hrs), read)
    assert low == pytest.approx(ber)
    assert high == pytest.approx(ber)


def test_jitter_does_not_split_a_read_out():
    rng = np.random.default_rng(0)
    nominal = np.repeat([0.0, 0.01, 1.0, 4.0, 1e5], 50)
    group, times = readout_groups(nominal * rng.uniform(0.98, 1.02, nominal.size))
    assert np.unique(group).size == 5
    assert times == pytest.approx([0.0, 0.01, 1.0, 4.0, 1e5], rel=0.02)
