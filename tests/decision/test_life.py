"""How long networks stay accurate enough on cells that age, against closed forms and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from rramsim.decision.life import (
    LADDER,
    NOT_GOOD,
    NOT_READ,
    REACHED,
    YEAR,
    AgedRates,
    LossSurface,
    Retention,
    good_until,
    life_of,
)

NAN = math.nan
LIMIT = 0.01
TIMES = np.logspace(0.0, 9.5, 77)
"""s, eight to the decade."""


def surface(slope=2.0, half_width=0.001):
    """Return a surface on the ladder: asinh(loss / 1 point) is linear in both probits."""
    lrs, hrs = np.meshgrid(LADDER, LADDER, indexing="ij")
    loss = 0.01 * np.sinh(slope * (np.maximum(lrs, hrs) + 2.0))
    return LossSurface(loss, loss - half_width, loss + half_width)


def aged(*, mu=13.0, sigma=1.2, reference=10.0, drift=-0.15, wear=0.0, cycles=(1.0,)):
    """Return probits of LRS, which never errs, and of HRS that drifts and wears, by decade."""
    decades, worn = np.log10(TIMES), np.log10(np.asarray(cycles))[:, None]
    hrs = (reference - mu - wear * worn - drift * decades) / sigma
    return AgedRates(np.full(hrs.shape, -4.0), hrs)


def at(lrs, hrs, table=None):
    """Return loss, low and high at single pairs of probits."""
    rates = AgedRates(np.atleast_1d(np.asarray(lrs, float)), np.atleast_1d(np.asarray(hrs, float)))
    return rates.losses(surface() if table is None else table)


def test_without_drift_the_loss_is_that_of_the_surface_at_all_times():
    loss, low, high = aged(drift=0.0, cycles=(1.0, 10.0)).losses(surface())
    base = at(-4.0, -2.5)
    for found, expected in zip((loss, low, high), base, strict=True):
        assert np.all(found == expected)
    life = life_of(
        (loss, low, high), cycles=[1.0, 10.0], times=TIMES, limit=LIMIT, lifetime=10 * YEAR
    )
    assert (life.verdict, life.refreshes, life.limit) == ("yes", 0.0, "neither")
    assert life.good_until == (math.inf,) * 3


def test_cells_that_drift_fail_when_the_closed_form_says():
    # loss = 1 point where asinh(1) = 2 (z + 2), and z = (10 - 13 + 0.15 log10 t) / 1.2.
    z = math.asinh(1.0) / 2.0 - 2.0
    fails = 10.0 ** ((1.2 * z + 3.0) / 0.15)
    _, _, hi = losses = aged().losses(surface())
    found = life_of(losses, cycles=[1.0], times=TIMES, limit=LIMIT, lifetime=1.0, by_cycle=False)
    shown, estimate, best = found.good_until
    assert 1e3 < fails < 1e9
    assert estimate == pytest.approx(fails, rel=0.03)
    assert shown < estimate < best
    # The interval is 0.1 points to either side.
    at_shown = float(np.interp(math.log(shown), np.log(TIMES), hi[0]))
    assert at_shown == pytest.approx(LIMIT, rel=1e-6)


def test_draws_widen_the_interval_by_the_squares_of_both():
    rates = aged(drift=0.0)
    moved = 0.2 * ndtri((np.arange(400) + 0.5) / 400)[:, None, None]
    drawn = (np.broadcast_to(rates.lrs, (400, *rates.lrs.shape)), rates.hrs + moved)
    loss, low, high = AgedRates(rates.lrs, rates.hrs, *drawn).losses(surface())
    # 97.5 %: 0.2 x 1.96 probits further.
    reach = (float(at(-4.0, -2.5 + 0.2 * side)[0][0]) - loss[0, 0] for side in (1.96, -1.96))
    above, below = (math.hypot(0.001, one) for one in reach)
    assert high[0, 0] - loss[0, 0] == pytest.approx(above, rel=0.03)
    assert loss[0, 0] - low[0, 0] == pytest.approx(below, rel=0.03)


def test_only_the_pairs_around_the_rates_are_needed():
    rates, whole = aged(), surface()
    tables = (whole.loss, whole.low, whole.high)
    partial = LossSurface(*(np.where(rates.needed, table, NAN) for table in tables))
    assert rates.needed.sum() < 30
    for found, expected in zip(rates.losses(partial), rates.losses(whole), strict=True):
        assert np.array_equal(found, expected)
        assert np.isfinite(found).all()


def test_pairs_of_one_rate_need_the_diagonal_alone():
    rates = AgedRates(*[np.linspace(-2.9, -0.4, 20)[None, :]] * 2)
    assert np.array_equal(rates.needed, rates.needed & np.eye(LADDER.size, dtype=bool))
    assert np.isfinite(rates.losses(surface())[0]).all()


def test_rates_beyond_the_ladder_are_at_its_edge():
    found, edge = at([-9.0, 0.0], [-9.0, 3.0])[0], at([-4.75, 0.0], [-4.75, 0.0])[0]
    assert found.tolist() == pytest.approx(edge.tolist())


def test_a_place_that_is_not_known_is_not_good():
    assert good_until([1.0, 10.0], [NAN, 0.0], LIMIT) == 0.0
    assert good_until([1.0, 10.0], [0.0, NAN], LIMIT) == pytest.approx(1.0)


def held(hold, *, cycles=(1.0,), last=math.inf, further=True):
    """Return a network that is good for `hold` after each programming."""
    holds = np.broadcast_to(np.asarray(hold, dtype=float), np.shape(cycles))
    return Retention(np.asarray(cycles, dtype=float), holds, last, further)


@pytest.mark.parametrize(
    ("hold", "reprogrammings", "programmings", "refreshes"),
    [
        (2.0, 0, 10, 9),  # refreshed after 1, 2, ... 9 of 10
        (20.0, 0, 1, 0),
        (19.9, 0, 2, 1),
        (2.0, 9, 10, 0),  # programmed each 1 anyway
        (2.0, 3, 12, 8),  # each 2.5: 3 programmings, one of which is asked for
        (2.0, 99, 100, 0),
    ],
)
def test_refreshes_by_hand(hold, reprogrammings, programmings, refreshes):
    walk = held(hold).walk(10.0, reprogrammings)
    assert (walk.programmings, walk.refreshes) == (programmings, refreshes)
    assert (walk.elapsed, walk.outcome) == (10.0, REACHED)


def test_the_first_refresh_comes_when_cells_hold_less_than_to_the_next_reprogramming():
    # Good for 200 / cycle, refreshed after 100 / cycle, programmed every 10 anyway: the eleventh
    # programming, at 100, holds 100 / 11 = 9.09.
    cycles = np.logspace(0.0, 3.0, 4)
    walk = held(200.0 / cycles, cycles=cycles, last=1e3).walk(200.0, 19)
    assert walk.first_refresh == pytest.approx(100.0 + 100.0 / 11, rel=0.04)
    assert held(2.0).walk(10.0).first_refresh == 1.0
    assert held(2.0).walk(10.0, 3).first_refresh == 1.0
    assert math.isnan(held(2.0).walk(10.0, 9).first_refresh)


@given(st.floats(1.0, 500.0), st.integers(0, 60), st.floats(1.0, 300.0))
def test_refreshes_are_those_of_a_walk_programming_by_programming(hold, reprogrammings, lifetime):
    cycles = np.logspace(0.0, 4.0, 5)
    walk = held(2.0 * hold / cycles**0.3, cycles=cycles, last=1e4).walk(lifetime, reprogrammings)
    done, refreshes, first = 0, 0, math.nan
    between = lifetime / (reprogrammings + 1)
    for period in range(reprogrammings + 1):
        rest, done = between, done + 1
        while rest > (last := hold / done**0.3) * (1.0 + 1e-9):
            rest, done, refreshes = rest - last, done + 1, refreshes + 1
            if refreshes == 1:
                first = (period + 1) * between - rest
    assert walk.outcome == REACHED
    # Steps count as their worse end, 4 % of the cycles early at most.
    assert refreshes <= walk.refreshes <= math.ceil(1.04 * refreshes) + 0.05 * (reprogrammings + 1)
    if refreshes and done < 25:
        assert walk.first_refresh == pytest.approx(first)


def test_a_life_ends_at_the_last_cycle_that_is_good_or_was_read():
    worn = held(2.0, cycles=(1.0, 4.0), last=4.0)
    assert worn.walk(10.0).outcome == NOT_GOOD
    assert worn.walk(10.0).elapsed == pytest.approx(4.0)
    assert worn.walk(4.0).outcome == REACHED
    assert held(2.0, cycles=(1.0, 4.0), last=4.0, further=False).walk(10.0).outcome == NOT_READ


def test_cells_that_hold_less_with_each_cycle_are_refreshed_more_often():
    # Good for 200 / cycle: the first programming lasts 100, the second 50, the third 33, ...
    cycles = np.logspace(0.0, 4.0, 9)
    walk = held(200.0 / cycles, cycles=cycles, last=1e4).walk(400.0)
    # 100 (1 + 1/2 + ... + 1/n) >= 400 from n = 31 on; whole steps count as their worse end.
    assert walk.outcome == REACHED
    assert 31 <= walk.programmings <= 36


@given(st.floats(0.1, 1e4), st.integers(0, 50), st.floats(1.0, 1e3), st.integers(1, 40))
def test_programmings_are_those_asked_for_and_refreshes(hold, reprogrammings, lifetime, last):
    walk = held(hold, cycles=(1.0, 1.0 + last), last=1.0 + last).walk(lifetime, reprogrammings)
    if walk.outcome == REACHED:
        assert walk.programmings == reprogrammings + 1 + walk.refreshes
        assert walk.elapsed == lifetime
    else:
        assert walk.programmings == 1 + last
        assert walk.elapsed < lifetime


def steps(*until):
    """Return losses that jump above the limit after a time, a row a cycle."""
    return np.array([np.where(one >= TIMES, 0.0, 1.0) for one in until])


def test_a_verdict_needs_both_ends_of_the_interval():
    cycles = [1.0, 10.0, 100.0]
    asked = {"cycles": cycles, "times": TIMES, "limit": LIMIT, "lifetime": 1e9}
    good, year, hour = (steps(*[one] * 3) for one in (1e10, 3e7, 3600.0))
    # A year: about 67 programmings of 100. An hour: more than were read.
    assert life_of((year, year, year), **asked).verdict == "yes"
    assert life_of((year, year, year), **asked).limit == "retention"
    assert life_of((good, good, hour), **asked).verdict == "not settled"
    assert life_of((hour, hour, hour), **asked).verdict == "not settled"  # read no further
    assert life_of((hour, hour, hour), **asked).limit == ""  # only that no more were read
    worn = steps(1e10, 3600.0, 0.0)
    assert life_of((worn, worn, worn), **asked | {"reprogrammings": 99}).verdict == "no"
    assert life_of((worn, worn, worn), **asked | {"reprogrammings": 8}).verdict == "no"
    assert life_of((worn, worn, worn), **asked).verdict == "yes"
    # Estimate, lower and upper end: at best it lasts.
    open_ = life_of((worn, good, worn), **asked | {"reprogrammings": 99})
    assert (open_.verdict, open_.limit) == ("not settled", "")


def test_the_reprogrammings_alone_are_asked_of_a_life_of_no_length():
    worn = steps(1e10, 3600.0, 0.0)
    asked = {"cycles": [1.0, 10.0, 100.0], "times": TIMES, "limit": LIMIT, "lifetime": 0.0}
    found = [life_of((worn, worn, worn), reprogrammings=n, **asked).verdict for n in (0, 9, 99)]
    assert found == ["yes", "yes", "no"]


def test_a_time_is_shown_only_as_far_as_nothing_is_extrapolated():
    year, hour = steps(3e7), steps(3600.0)
    asked = {"cycles": [1.0], "times": TIMES, "limit": LIMIT, "by_cycle": False}
    beyond = np.where(TIMES > 5e6, "time", "")[None, :]
    last = TIMES[TIMES <= 5e6][-1]
    # Refreshed after half a day, no schedule uses what is extrapolated.
    asked |= {"lifetime": 43200.0, "extrapolated": beyond}
    found = life_of((year, year, year), **asked)
    assert (found.extrapolated, found.good_until_extrapolated) == ("", "time")
    assert found.good_until_shown == last < found.good_until[0]
    found = life_of((year, year, hour), **asked)
    assert found.good_until_shown == found.good_until[0] < 3600.0
    assert found.good_until_extrapolated == "time"
    found = life_of((hour, year, hour), **asked)
    assert found.good_until_extrapolated == ""
    all_far = np.full((1, TIMES.size), "temperature")
    found = life_of((year, year, year), **asked | {"extrapolated": all_far})
    assert (found.good_until_shown, found.good_until_extrapolated) == (0.0, "temperature")


def test_what_rests_on_an_extrapolated_time_is_told():
    year = steps(3e7)
    asked = {"cycles": [1.0], "times": TIMES, "limit": LIMIT, "by_cycle": False}
    beyond = np.where(TIMES > 5e6, "time", "")[None, :]
    found = life_of((year, year, year), lifetime=1e9, extrapolated=beyond, **asked)
    assert (found.verdict, found.extrapolated) == ("yes", "time")
    # Refreshed after half a year at most: what is beyond is not used.
    beyond = np.where(TIMES > 2e7, "time", "")[None, :]
    assert (
        life_of((year, year, year), lifetime=1e9, extrapolated=beyond, **asked).extrapolated == ""
    )
