"""Lives that are required of points: what excludes a condition, and at what cost."""

import numpy as np
import pytest
from synthetic import aged, at, conditions, traded

from rramsim.decision.life import YEAR
from rramsim.decision.recommend import recommend
from rramsim.decision.requirements import Requirements, judge
from rramsim.errors import InputError

EVEN = {0.0: (0.97, 0.97, 0.97)}
TIMES = np.array([1.0, 1e6, 1.0001e6, 2.2 * YEAR])
GOOD, HOURS = np.zeros(4), np.array([0.0, 0.0, 1.0, 1.0])
BAD = np.ones(4)
FAR = ("time", "time")
FAR_EVERYWHERE = np.full((3, 3, 4), "time")
TOUGH = conditions(endurance_bound=["lower"] * 3)


def lives(*of_conditions, times=TIMES, **more):
    """Return a trade-off whose conditions lose so much, a row a cycle each."""
    return aged(traded(EVEN, known=TOUGH), np.array(of_conditions), times=times, **more)


# Good for long; good for 278 hours after each programming; no longer at the tenth one.
LASTING = lives([GOOD] * 3, [HOURS] * 3, [HOURS, BAD, BAD])


def judged(points=LASTING, **required):
    return at(judge(points, Requirements(tolerance=0.005, **required)))


def test_a_condition_that_does_not_last_is_left_out_and_named():
    found = judged(lifetime=YEAR).squeeze()
    # Refreshed each 139 hours, 64 programmings of 100; 10 do not reach.
    assert found.lasts.values.tolist() == ["yes", "yes", "no"]
    assert found.life_limit.values.tolist() == ["neither", "retention", "endurance"]
    assert found.refreshes.values[:2].tolist() == [0.0, 63.0]
    assert found.refresh_interval.values[1] == pytest.approx(5e5, rel=1e-3)
    choice = recommend(LASTING, tolerance=0.005, lifetime=YEAR)
    # 270 pJ once take less than 64 times 25 pJ.
    assert (choice.condition, choice.met) == ("very strong", True)
    assert "“weak” does not stay accurate enough over the life." in choice.reason
    assert recommend(LASTING, tolerance=0.005).condition == "weak"


def test_no_programming_is_counted_twice():
    once = float(LASTING.programming_energy.sel(condition="strong").squeeze())
    energy = [
        float(judged(lifetime=YEAR, **more).life_energy.sel(condition="strong").squeeze())
        for more in ({}, {"reprogrammings": 80}, {"reprogrammings": 31})
    ]
    # Refreshed alone; programmed more often anyway; each 11.4 days, with a refresh or two between.
    assert energy == pytest.approx([64 * once, 81 * once, 64 * once])


def test_reprogrammings_alone_ask_for_the_last_of_their_cycles():
    found = judged(reprogrammings=49).squeeze()
    assert found.lasts.values.tolist() == ["yes", "yes", "no"]
    assert found.life_energy.values[1] == pytest.approx(50 * found.programming_energy.values[1])
    # Further than cells were read.
    assert judged(reprogrammings=200).squeeze().lasts.values[0] == "not settled"


def test_an_endurance_that_is_known_to_be_less_excludes():
    short = conditions(endurance=[1e7, 50.0, 1e7], endurance_bound=["lower", "", "lower"])
    points = aged(
        traded(EVEN, known=short), np.array([[GOOD] * 3, [HOURS] * 3, [GOOD] * 3]), times=TIMES
    )
    found = judged(points, lifetime=YEAR).squeeze()
    assert (found.lasts.values[1], found.life_limit.values[1]) == ("no", "endurance")


def test_an_endurance_excludes_only_by_the_fewest_programmings_that_may_be():
    # 64 programmings by the estimate and as shown, 1 at best: of an endurance of 50 both are open.
    short = conditions(endurance=[50.0, 50.0, 50.0], endurance_bound=[""] * 3)
    points = aged(
        traded(EVEN, known=short), np.array([[HOURS] * 3, [GOOD] * 3, [BAD] * 3]), times=TIMES
    )
    best = points.aged_loss_low.copy()
    best[{"condition": 0}] = 0.0
    found = judged(points.assign(aged_loss_low=best), lifetime=YEAR).squeeze()
    assert found.lasts.values.tolist() == ["not settled", "yes", "no"]
    # What is open has no limit, nor what is not good from the start.
    assert found.life_limit.values.tolist() == ["", "neither", ""]
    assert found.refresh_basis.values.tolist() == ["lower end", "lower end", ""]
    # More reprogrammings than it stands exclude, whatever is extrapolated.
    far = points.assign(aged_extrapolated=points.aged_extrapolated.copy(data=FAR_EVERYWHERE))
    asked = {"lifetime": YEAR, "reprogrammings": 60}
    assert set(judged(far, **asked).lasts.values.ravel()) == {"no"}
    assert judged(far, lifetime=YEAR).lasts.values.ravel()[0] == "not settled"
    accepted = judged(far, lifetime=YEAR, accept_extrapolated=True)
    assert accepted.lasts.values.ravel()[0] == "no"


def test_an_extrapolation_is_not_settled_unless_it_is_accepted():
    # Of cells that are not refreshed before, times up to a life count.
    far = lives(
        *[[GOOD] * 3] * 3, times=[1.0, 1e6, 0.9 * YEAR, 2.2 * YEAR], extrapolated=["", "", *FAR]
    )
    found = judged(far, lifetime=YEAR).squeeze()
    assert set(found.lasts.values) == {"not settled"}
    assert set(found.life_extrapolated.values) == {"time"}
    words = recommend(far, tolerance=0.005, lifetime=YEAR).reason
    assert "rests on times more than a decade beyond the last read-out" in words
    assert words.startswith("No point is shown to stay accurate enough over the life. ")
    accepted = judged(far, lifetime=YEAR, accept_extrapolated=True).squeeze()
    assert set(accepted.lasts.values) == {"yes"}


def test_cycles_along_a_lognormal_that_is_not_believed_are_not_settled_unless_accepted():
    marks = {"basis": "cycles", "extrapolated": np.full((3, 3, 4), "time and lognormal")}
    moved = lives(*[[GOOD] * 3] * 3, **marks)
    found = judged(moved, reprogrammings=20).squeeze()
    assert set(found.lasts.values) == {"not settled"}
    # Of time nothing was asked.
    assert set(found.life_extrapolated.values) == {"lognormal"}
    words = recommend(moved, tolerance=0.005, reprogrammings=20).reason
    assert "rests on lines of a lognormal that the readings do not bear out" in words
    accepted = judged(moved, reprogrammings=20, accept_extrapolated=True).squeeze()
    assert set(accepted.lasts.values) == {"yes"}


def test_the_nearest_is_accurate_enough_where_the_life_is_not_shown():
    # "very strong" is the most accurate, at first by its interval too; "strong" lacks the life.
    points = aged(
        traded({0.0: (0.975, 0.97, 0.90)}, known=TOUGH),
        np.array([[HOURS] * 3] * 3),
        times=TIMES,
        extrapolated=np.full((3, 3, 4), "time"),
    )
    found = judge(points, Requirements(tolerance=0.005, lifetime=YEAR))
    assert recommend(found).condition == "very strong"
    accurate = found.accurate.copy()
    accurate[{"condition": 0}] = "not settled"
    choice = recommend(found.assign(accurate=accurate))
    assert (choice.condition, choice.met) == ("strong", False)
    assert "Nearest to it, as it is accurate enough, is “strong”" in choice.reason


def test_a_life_without_readings_over_time_is_unknown():
    assert set(judged(traded(EVEN), lifetime=YEAR).lasts.values.ravel()) == {"unknown"}
    cycles = lives([GOOD] * 3, [GOOD] * 3, [GOOD, BAD, BAD], basis="cycles")
    found = judged(cycles, lifetime=YEAR, reprogrammings=20).squeeze()
    # What wears out is out, whatever time does.
    assert found.lasts.values.tolist() == ["unknown", "unknown", "no"]
    assert (
        "no readings of both states over time"
        in recommend(cycles, tolerance=0.005, lifetime=YEAR).reason
    )


def test_a_life_that_was_not_followed_is_refused():
    with pytest.raises(InputError, match=r"accepted here: up to 3\.471e"):
        judged(lifetime=2.0 * YEAR)


def test_nothing_asked_and_nothing_read_adds_nothing():
    assert "lasts" not in traded(EVEN)
    asked = judge(traded(EVEN), Requirements(tolerance=0.005, lifetime=YEAR))
    assert judge(asked, Requirements(tolerance=0.005)).identical(traded(EVEN))
