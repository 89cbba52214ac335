import functools
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rramsim.montecarlo.tally import Tally

counts = st.dictionaries(st.integers(0, 50), st.integers(0, 100))


@pytest.mark.slow
@given(counts, st.data())
def test_tallies_add_in_any_order_and_grouping(counts: dict[int, int], data: st.DataObject) -> None:
    whole = Tally("task", 100, counts)
    cut = data.draw(st.integers(0, len(counts)))
    order = data.draw(st.permutations(list(counts.items())))
    middle = Tally("task", 100, dict(order[:cut])) + Tally("task", 100, dict(order[cut:]))
    assert middle == whole
    assert list(middle.correct) == sorted(counts)
    singles = [Tally("task", 100, {draw: correct}) for draw, correct in order]
    assert functools.reduce(operator.add, singles, Tally("task", 100, {})) == whole
    assert whole.sum_correct == sum(counts.values())
    assert whole.chips == len(counts)


def test_the_first_chips_are_those_numbered_below() -> None:
    assert Tally("task", 100, {0: 90, 2: 80, 3: 70}).first(3).correct == {0: 90, 2: 80}


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (Tally("task", 100, {3: 90}), "Chip 3 is in both"),  # Even where the two agree.
        (Tally("task", 100, {3: 91, 4: 1}), "Chip 3 is in both"),
        (Tally("another", 100, {4: 90}), "two tasks"),
        (Tally("task", 99, {4: 90}), "same images"),
    ],
)
def test_what_would_count_twice_or_mix_is_refused(other: Tally, told: str) -> None:
    tally = Tally("task", 100, {2: 80, 3: 90})
    with pytest.raises(ValueError, match=told):
        tally + other
    with pytest.raises(ValueError, match=told):
        other + tally


def test_a_tally_adds_only_to_a_tally() -> None:
    with pytest.raises(TypeError):
        Tally("task", 100, {}) + 1  # type: ignore[operator]


def test_the_first_draws_are_those_below_the_number() -> None:
    tally = Tally("task", 100, {0: 1, 2: 3, 5: 6})
    assert tally.first(3) == Tally("task", 100, {0: 1, 2: 3})


def test_a_tally_does_not_change_with_what_it_was_made_from() -> None:
    counts = {1: 5}
    tally = Tally("task", 100, counts)
    counts[2] = 7
    assert dict(tally.correct) == {1: 5}


@pytest.mark.parametrize(
    ("images", "correct", "told"),
    [
        (0, {}, "at least 1 image"),
        (10, {0: 11}, "0 to 10"),
        (10, {0: -1}, "0 to 10"),
        (10, {-1: 1}, "numbered from 0"),
    ],
)
def test_impossible_counts_are_refused(images: int, correct: dict[int, int], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Tally("task", images, correct)
