"""Differences of two studies: arithmetic of their intervals, and what is the same."""

import dataclasses

import pytest
from synthetic import conditions, traded

from rramsim.decision.comparison import FinishedStudy, compared, difference, is_beyond
from rramsim.decision.recommend import recommend

PLAIN = {0.0: (0.97, 0.969, 0.90)}


def study(accuracies=PLAIN, *, name="one", inputs=None, networks=None, half_width=0.001):
    tradeoff = traded(accuracies, known=conditions(), half_width=half_width)
    return FinishedStudy(name, inputs or {}, networks or {}, tradeoff, recommend(tradeoff))


def test_half_widths_of_a_difference_add_as_squares():
    # 0.3 and 0.4 points make 0.5.
    one = study({0.0: (0.97, 0.969, 0.90)}, half_width=0.003).chosen
    other = study({0.0: (0.97, 0.962, 0.90)}, half_width=0.004).points
    (strong,) = [point for place, point in other.items() if "strong" in place]
    more = difference(one, strong, "loss")
    assert more.estimate == pytest.approx(0.007)
    assert (more.low, more.high) == (pytest.approx(0.002), pytest.approx(0.012))
    assert is_beyond(more)


def test_a_difference_within_the_interval_is_not_shown():
    first, second = study(), study({0.0: (0.97, 0.9685, 0.90)})
    found = compared([first, second])
    by_name = {one.points[0]["condition"]: one for one in found.points}
    more = by_name["strong"].losses[0]
    assert more.estimate == pytest.approx(0.0005)
    assert not is_beyond(more)
    assert not by_name["strong"].differs


def test_equal_studies_differ_in_nothing():
    found = compared([study(inputs={"seed": 1}), study(inputs={"seed": 1})])
    assert found.inputs == {}
    assert len(found.points) == 3
    assert not any(one.differs for one in found.points)
    assert found.has_same_networks


def test_a_condition_is_the_same_however_its_unit_is_spelled():
    first, second = study(), study()
    for one, unit in ((first, "µA"), (second, "uA")):
        names = [f"{name} {unit}" for name in one.tradeoff["condition"].values]
        object.__setattr__(one, "tradeoff", one.tradeoff.assign_coords(condition=names))
    assert len(compared([first, second]).points) == 3


def test_inputs_that_differ_are_named_with_the_values_of_all():
    several = [
        study(inputs={"seed": 1, "chips": 9}),
        study(inputs={"seed": 2, "chips": 9}, networks={"seed": 2}),
        study(inputs={"seed": 1, "chips": 9, "tolerance": 0.01}),
    ]
    found = compared(several)
    assert found.inputs == {"seed": (1, 2, 1), "tolerance": (None, None, 0.01)}
    assert not found.has_same_networks
    assert all(len(one.losses) == 2 for one in found.points)


def test_only_points_that_all_have_are_compared():
    fewer = study()
    fewer = dataclasses.replace(fewer, tradeoff=fewer.tradeoff.sel(condition=["strong", "weak"]))
    found = compared([study(), fewer])
    assert {one.points[0]["condition"] for one in found.points} == {"strong", "weak"}
