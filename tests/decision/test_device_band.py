"""The band that cells leave: interpolation, what it makes of a loss, and cells that settle it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from rramsim.decision.accuracy_loss import Loss, share_of_draws_below
from rramsim.decision.device_band import (
    cells_variances,
    draws_to_check,
    grid_matters,
    is_close,
    is_settled,
    largest_ber,
    losses_along_diagonal,
    losses_of_draws,
    more_cells,
    rate_grid,
)
from rramsim.interval import Interval

MIDDLE = np.array([-2.05, -1.68])
WEAK = tuple(ndtr(MIDDLE))


def drawn():
    """Return draws of error rates as 256 cells of the weak condition give them."""
    return tuple(ndtr(np.random.default_rng(0).normal(MIDDLE, (0.1, 0.12), (4000, 2)).T))


def table(grid, loss):
    """Return the losses of a grid for a function of both rates."""
    return np.array([loss(*pair) for pair in grid.rates]).reshape(grid.shape)


def network(lrs, hrs):
    """Return a loss that grows as that of the shipped digits: 0.5 points at a BER of 0.033."""
    return 0.4 * ndtr(3.0 * (ndtri((lrs + 1.3 * hrs) / 2.3) + 1.11)) + 0.02 * lrs


def test_what_is_a_cubic_to_asinh_is_met_exactly():
    lrs, hrs = drawn()
    inside = (np.abs(ndtri(lrs) + 2.05) < 0.2) & (np.abs(ndtri(hrs) + 1.68) < 0.25)
    grid = rate_grid(lrs, hrs, estimate=WEAK)

    def plane(one, other):
        one, other = ndtri(one), ndtri(other)
        return 0.01 * np.sinh(0.2 + one / 4 + other**2 / 3 + one**2 * other / 5)

    found = losses_of_draws(grid, table(grid, plane), lrs, hrs, estimate=plane(*WEAK))
    assert grid.shape == (5, 5)
    assert found[inside] == pytest.approx(plane(lrs, hrs)[inside], abs=1e-12)


def test_only_differences_from_the_loss_at_the_estimate_count():
    lrs, hrs = drawn()
    grid = rate_grid(lrs, hrs, estimate=WEAK)
    scored = table(grid, network)
    one, other = (losses_of_draws(grid, scored, lrs, hrs, estimate=at) for at in (0.01, 0.03))
    assert other - one == pytest.approx(0.02, abs=1e-12)
    assert losses_of_draws(grid, scored, WEAK[:1], WEAK[1:], estimate=0.01) == pytest.approx(0.01)


def test_ten_draws_of_a_smooth_loss_are_met_within_a_third_of_the_half_width():
    lrs, hrs = drawn()
    grid = rate_grid(lrs, hrs, estimate=WEAK)
    found = losses_of_draws(grid, table(grid, network), lrs, hrs, estimate=network(*WEAK))
    half_width = Loss(
        0.0, 1, 0.0, 0.0, 1.0, cells=cells_variances(found, network(*WEAK))[0]
    ).half_width
    places = draws_to_check(found)
    assert places.size == 10
    scored = network(lrs[places], hrs[places])
    assert is_close(found[places], scored, half_width=half_width)
    assert not is_close(found[places], scored + half_width / 2, half_width=half_width)


@pytest.mark.parametrize("estimate", [(1e-5, 0.05), (0.5, 0.05), (0.02, 0.02), (1e-4, 1.0)])
def test_estimates_beyond_the_draws_are_points_of_the_grid(estimate):
    lrs, hrs = drawn()
    grid = rate_grid(lrs, hrs, estimate=estimate)
    place = np.ravel_multi_index(grid.at_estimate, grid.shape)
    assert grid.rates[place] == pytest.approx(np.clip(estimate, 1e-12, 1 - 1e-12), rel=1e-4)
    assert np.all(np.diff(grid.lrs) > 0)
    assert np.all(np.diff(grid.hrs) > 0)
    assert max(grid.shape) <= 5


def test_a_state_without_an_error_begins_where_errors_are_hundreds_of_times_fewer():
    lrs, hrs = drawn()
    grid = rate_grid(lrs, hrs, estimate=(0.0, WEAK[1]))
    assert grid.at_estimate[0] == 0
    assert ndtr(grid.lrs[0]) < ndtr(grid.lrs[-1]) / 300
    both = rate_grid(np.zeros(9), np.zeros(9), estimate=(0.0, 0.0))
    assert both.rates == [pytest.approx((1e-12, 1e-12))]


def test_of_one_rate_the_grid_is_a_line_and_of_no_chance_a_point():
    lrs, _ = drawn()
    line = rate_grid(lrs, lrs, estimate=(WEAK[0], WEAK[0]))
    assert line.shape == (5,)
    losses = table(line, lambda one, _: 0.01 * np.sinh(ndtri(one) + 2.05))
    found = losses_of_draws(line, losses, lrs[:5], lrs[:5], estimate=0.0)
    assert found == pytest.approx(0.01 * np.sinh(ndtri(lrs[:5]) + 2.05), abs=1e-6)
    still = np.full(3, 0.01)
    point = rate_grid(still, still, estimate=(0.01, 0.01))
    assert losses_of_draws(point, [0.3], still, still, estimate=0.2) == pytest.approx(0.2)
    of_one_state = rate_grid(np.zeros(4000), lrs, estimate=(0.0, WEAK[0]))
    assert of_one_state.shape == (1, 5)


def test_losses_of_another_shape_are_refused():
    lrs, hrs = drawn()
    with pytest.raises(ValueError, match="shape"):
        losses_of_draws(rate_grid(lrs, hrs, estimate=WEAK), np.zeros(5), lrs, hrs, estimate=0.0)


def test_along_the_diagonal_losses_that_hardly_differ_are_met_too():
    lrs, hrs = drawn()
    grid = rate_grid(lrs, hrs, estimate=WEAK)

    def flat(one, other):
        return network(one, other) / 50

    ends = [flat(*pair) for pair in grid.diagonal]
    assert not grid_matters(*ends, least=0.001)
    assert grid_matters(*(50 * one for one in ends), least=0.001)
    found = losses_along_diagonal(grid, ends, lrs, hrs, estimate=flat(*WEAK))
    assert found == pytest.approx(flat(lrs, hrs), abs=2e-4)


def test_the_interval_reaches_as_far_as_skewed_draws_on_either_side():
    draws = 0.01 * np.exp(ndtri((np.arange(4000) + 0.5) / 4000))
    above, below = cells_variances(draws, 0.01)
    loss = Loss(0.01, 1, 0.0, 0.0, 1.0, cells=above, cells_below=below)
    assert (loss.low, loss.high) == pytest.approx(np.quantile(draws, (0.025, 0.975)), rel=1e-6)
    assert (loss.p_value(loss.low), loss.p_value(loss.high)) == pytest.approx((0.975, 0.025))
    above, below = cells_variances(draws + 1.0, 0.01)
    assert below == 0.0
    assert above > 1.0 / 1.96**2


def test_the_probability_of_meeting_a_tolerance_of_normal_draws():
    draws = 0.01 + 0.003 * ndtri((np.arange(20000) + 0.5) / 20000)
    expected = ndtr((0.015 - 0.01) / math.hypot(0.003, 0.004))
    loss = Loss(0.01, 1, 0.0, 0.0, 1.0, images=0.004**2)
    found = share_of_draws_below(loss, draws - 0.01, 0.015)
    assert found == pytest.approx(expected, abs=1e-4)
    alone = Loss(0.01, 1, 0.0, 0.0, 1.0)
    assert share_of_draws_below(alone, draws - 0.01, 0.01) == pytest.approx(0.5)
    assert [is_settled(p) for p in (0.0, 0.05, 0.051, 0.949, 0.95, 1.0)] == [
        *(True, True, False),
        *(False, True, True),
    ]


@given(st.permutations([1e-3, 1e-2, 3e-2, 1e-1, 2e-1]), st.floats(1e-3, 0.19))
def test_the_largest_ber_of_a_loss_linear_in_the_probit(bers, expected):
    def loss(ber):
        return 0.1 * (ndtri(ber) + 4.0)

    found = largest_ber(bers, loss(np.array(bers)), tolerance=loss(expected))
    assert found.estimate == pytest.approx(expected, rel=1e-6)
    assert not found.bound


def test_the_largest_ber_is_a_bound_where_all_or_none_meet_and_noise_is_pooled():
    assert largest_ber([0.01, 0.03], [0.0, 0.01], tolerance=0.01).low == 0.03
    below = largest_ber([0.01, 0.03], [0.02, 0.03], tolerance=0.01)
    assert (below.bound, below.high) == ("upper", 0.01)
    from_none = largest_ber([0.0, 0.01], [0.0, 0.02], tolerance=0.005)
    assert from_none.estimate == pytest.approx(0.0025)
    noisy = largest_ber([0.01, 0.02, 0.03, 0.04], [0.0, 0.012, 0.008, 0.02], tolerance=0.015)
    assert ndtri(noisy.estimate) == pytest.approx(
        ndtri(0.03) + 5 / 10 * (ndtri(0.04) - ndtri(0.03))
    )


@pytest.mark.parametrize(("largest", "cells"), [(0.036, 5503), (0.04, 1105), (0.05, 227)])
@pytest.mark.parametrize("sample", [64, 1024])
def test_the_cells_that_show_the_weak_condition_below_a_limit(largest, cells, sample):
    """By the delta method at the reference 45.0 kOhm, as the specification's numbers are."""
    z = (math.log(45.0081945e3 / 21.5e3) / 0.36, math.log(150e3 / 45.0081945e3) / 0.7141)
    ber = (ndtr(-z[0]) + ndtr(-z[1])) / 2
    y = -ndtri(ber)
    variance = sum(
        (math.exp((y**2 - one**2) / 2) / 2) ** 2 * (1 + one**2 / 2) / sample for one in z
    )
    ends = ndtr(-y + 1.959964 * math.sqrt(variance) * np.array([-1.0, 1.0]))
    more = more_cells(Interval(ber, *ends), largest, cells=sample)
    assert more == pytest.approx(max(cells - sample, 0), rel=2e-3, abs=1)


def test_more_cells_are_not_named_where_they_tell_nothing():
    ber = Interval(0.03, 0.025, 0.036)
    assert more_cells(ber, 0.03, cells=100) is None
    assert more_cells(Interval(0.03), 0.04, cells=100) is None
    assert more_cells(ber, 0.02, cells=100) is not None
