import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import (
    NAN,
    TABLE1_NAMES,
    accuracy_curves,
    at,
    condition_accuracy,
    conditions,
    programming,
    traded,
)

from rramsim import schema
from rramsim.decision.join import error_free_accuracy, join
from rramsim.decision.requirements import on_front

CELLS = {0.0: (500, 500), 0.15: (600, 400)}
ACCURACY = {0.0: (0.97, 0.97, 0.93), 0.15: (0.96, 0.96, 0.965)}


def joined(accuracy=ACCURACY, **more):
    shares = {ber: CELLS.get(ber, (500, 500)) for ber in accuracy}
    return traded(accuracy, **{"cells": shares} | more)


def test_equal_shares_give_the_ratios_the_paper_states():
    per_cell = at(joined(), training_ber=0.0).energy_per_cell
    assert (2 * per_cell).values == pytest.approx([270e-12, 25e-12, 9e-12])
    very_strong, strong, weak = per_cell.values
    assert round(very_strong / strong) == 11
    assert round(very_strong / weak) == 30


def test_lrs_takes_a_set_and_hrs_a_reset():
    energy = at(joined(), training_ber=0.15, condition="strong").programming_energy
    assert float(energy) == pytest.approx(600 * 11e-12 + 400 * 14e-12)
    per_cell = at(joined(), training_ber=0.15, condition="strong").energy_per_cell
    assert float(per_cell) == pytest.approx(float(energy) / 1000)


def test_of_pairs_an_energy_a_weight_is_that_of_two_cells():
    pairs = programming({0.0: (1000, 1000)})
    pairs["weights"] = pairs["weights"] / 2
    accuracy = condition_accuracy({0.0: ACCURACY[0.0]})
    points = at(join(conditions(), accuracy, pairs, error_free=0.97), condition="strong")
    assert points.energy_per_cell.item() == pytest.approx(12.5e-12)
    assert points.energy_per_weight.item() == pytest.approx(25e-12)
    assert points.cells_per_weight.item() == 2


def test_unknown_energy_of_either_pulse_leaves_the_point_without_energy():
    result = joined(known=conditions(reset_energy=[150e-12, NAN, 5e-12]), tolerance=0.1)
    assert np.isnan(result.programming_energy.sel(condition="strong")).all()
    assert not result.on_front.sel(condition="strong").any()


def test_a_verdict_is_yes_no_or_not_settled_by_the_interval_of_the_loss():
    one = {0.0: (0.97, 0.9661, 0.90)}  # +- 0.1 points
    reached = at(joined(one))
    assert reached.verdict.values.tolist() == [["yes", "yes", "no"]]
    assert reached.meets.values.tolist() == [[1, 1, 0]]
    closer = at(joined(one, tolerance=0.0045))
    assert closer.verdict.values.tolist() == [["yes", "not settled", "no"]]


def test_a_condition_is_not_claimed_where_one_of_fewer_bit_errors_is_left_open():
    reached = at(joined({0.0: (0.97, 0.9655, 0.969)}))
    assert reached.verdict.values.tolist() == [["yes", "not settled", "not settled"]]


def test_squares_of_the_parts_add_up_to_that_of_the_interval():
    point = joined()
    parts = [
        point[f"loss_{name}"].fillna(0.0) for name in ("trainings", "images", "chips", "cells")
    ]
    whole = (point.loss_high - point.loss_low) / 2
    np.testing.assert_allclose(sum(part**2 for part in parts), whole**2)


def test_front_is_over_networks_and_conditions_together():
    front = at(joined()).on_front
    assert bool(front.sel(condition="weak", training_ber=0.15))
    assert not front.sel(condition="very strong").any()


def test_conditions_are_found_by_name_not_by_place():
    shuffled = conditions().isel(condition=[2, 0, 1])
    assert joined(known=shuffled, names=TABLE1_NAMES).identical(joined())


def test_attrs_carry_what_points_were_judged_by():
    attrs = joined().attrs
    assert attrs["product"] == "tradeoff"
    assert (attrs["error_free_accuracy"], attrs["tolerance"]) == (0.97, 0.005)
    assert (attrs["confidence"], attrs["interval"]) == (0.95, "t interval of the mean over chips")


def test_accuracy_without_a_confidence_is_refused():
    nameless = condition_accuracy(ACCURACY)
    del nameless.attrs["confidence"]
    with pytest.raises(schema.SchemaError, match="confidence"):
        join(conditions(), nameless, programming(CELLS), error_free=0.97)


def test_reference_is_the_lowest_training_ber_at_no_bit_errors():
    curves = accuracy_curves((0.15, 0.05))
    expected = float(curves.accuracy.sel(training_ber=0.05, test_ber=0.0))
    assert error_free_accuracy(curves) == expected


def test_curves_without_a_point_at_no_bit_errors_are_refused():
    with pytest.raises(schema.SchemaError, match="test BER of 0"):
        error_free_accuracy(accuracy_curves().isel(test_ber=slice(1, None)))


def test_the_sample_of_cells_is_part_of_the_verdict():
    reached = at(joined({0.0: (0.97, 0.97, 0.97)}, by_cells=(0.0, 0.004, 0.009)))
    assert reached.meets.values.tolist() == [[1, 1, 0]]
    assert reached.verdict.values.tolist() == [["yes", "yes", "not settled"]]
    assert float(reached.cells_needed[0, 2]) > 1


def test_networks_that_differ_in_their_lrs_share_do_not_stand_on_the_front_for_that():
    met = {0.0: (0.97, 0.97, 0.90), 0.1: (0.96, 0.96, 0.91)}
    cells = {0.0: (500, 500), 0.1: (510, 490)}
    assert at(joined(met, cells=cells)).on_front.values.tolist() == [[0, 1, 0], [0, 0, 1]]


# Few distinct values, so that ties and equal points come up often.
_energy = st.one_of(st.sampled_from([4.0, 9.0, 25.0]), st.just(math.nan), st.floats(1e-13, 1e-9))
_accuracy = st.one_of(st.sampled_from([0.9, 0.95, 0.98]), st.floats(0.0, 1.0))
_points = st.lists(st.tuples(_energy, _accuracy), max_size=12)


def beats(other, point):
    no_worse = other[0] <= point[0] and other[1] >= point[1]
    return no_worse and (other[0] < point[0] or other[1] > point[1])


@pytest.mark.slow
@given(_points)
def test_front_is_the_points_that_no_known_point_beats(points):
    energy = [energy for energy, _ in points]
    accuracy = [accuracy for _, accuracy in points]
    known = [point for point in points if not math.isnan(point[0])]
    expected = [
        point in known and not any(beats(other, point) for other in known) for point in points
    ]
    assert on_front(energy, accuracy).tolist() == expected


@pytest.mark.slow
@given(_points)
def test_every_known_point_off_the_front_is_beaten_by_one_on_it(points):
    front = on_front([e for e, _ in points], [a for _, a in points])
    winners = [point for point, on in zip(points, front, strict=True) if on]
    for point, on in zip(points, front, strict=True):
        if not on and not math.isnan(point[0]):
            assert any(beats(winner, point) for winner in winners)


@pytest.mark.slow
@given(_points, st.randoms(use_true_random=False))
def test_order_of_the_points_does_not_matter(points, random):
    order = list(range(len(points)))
    random.shuffle(order)
    energy = np.array([e for e, _ in points])
    accuracy = np.array([a for _, a in points])
    shuffled = on_front(energy[order], accuracy[order])
    assert shuffled.tolist() == on_front(energy, accuracy)[order].tolist()


def test_equal_points_stand_together_and_weakly_beaten_ones_fall():
    front = on_front([1.0, 1.0, 1.0, 2.0], [0.9, 0.9, 0.8, 0.9])
    assert front.tolist() == [True, True, False, False]


def test_shape_is_kept_and_unknown_points_beat_none():
    front = on_front([[math.nan, 9.0]], [[1.0, 0.5]])
    assert front.tolist() == [[False, True]]
    assert on_front([9.0, 1.0], [0.5, math.nan]).tolist() == [True, False]
