import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rramsim.decision.front import on_front

# Few distinct values, so that ties and equal points come up often.
_energy = st.one_of(st.sampled_from([4.0, 9.0, 25.0]), st.just(math.nan), st.floats(1e-13, 1e-9))
_accuracy = st.one_of(st.sampled_from([0.9, 0.95, 0.98]), st.floats(0.0, 1.0))
_points = st.lists(st.tuples(_energy, _accuracy), max_size=12)


def beats(other, point):
    no_worse = other[0] <= point[0] and other[1] >= point[1]
    return no_worse and (other[0] < point[0] or other[1] > point[1])


@given(_points)
def test_front_is_the_points_that_no_known_point_beats(points):
    energy = [energy for energy, _ in points]
    accuracy = [accuracy for _, accuracy in points]
    known = [point for point in points if not math.isnan(point[0])]
    expected = [
        point in known and not any(beats(other, point) for other in known) for point in points
    ]
    assert on_front(energy, accuracy).tolist() == expected


@given(_points)
def test_every_known_point_off_the_front_is_beaten_by_one_on_it(points):
    front = on_front([e for e, _ in points], [a for _, a in points])
    winners = [point for point, on in zip(points, front, strict=True) if on]
    for point, on in zip(points, front, strict=True):
        if not on and not math.isnan(point[0]):
            assert any(beats(winner, point) for winner in winners)


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
