import numpy as np
import pandas as pd
import pytest

from rramsim.device.characterize import characterize
from rramsim.readers.limits.clamps import find_clamps, find_far_pile_ups
from rramsim.readers.measurements import read_measurements
from rramsim.report.fit.notes import doubts
from rramsim.schema import ABOVE, BELOW

KIND, MARK = "pile-up far from the rest", "mark far from the rest"


def cells(piled, value=1e9, *, state="HRS", count=60):
    """Return a table of which `piled` readings of a state are one value."""
    place = np.linspace(-2.0, 2.0, count)
    ohms = {"LRS": 5e3 * np.exp(0.2 * place), "HRS": 2e5 * np.exp(0.6 * place)}
    ohms[state][:piled] = value
    table = pd.DataFrame(ohms)
    table.columns = [f"{name} (ohm)" for name in table.columns]
    return table.assign(cell=np.arange(count))


def far_notes(table, **options):
    return [note for note in read_measurements(table, **options).notes if note.kind == KIND]


@pytest.mark.parametrize(("piled", "is_clamp"), [(5, False), (17, False), (18, True)])
def test_a_pile_up_is_three_times_as_frequent_as_the_value_next_to_it(piled, is_clamp):
    values = np.repeat([1e4, 2e4, 3e4, 1e6], [1, 2, 6, piled])
    clamps = find_clamps(values, np.zeros(values.size, dtype=int))
    assert clamps == {ABOVE: {1e6} if is_clamp else set(), BELOW: set()}


@pytest.mark.parametrize("piled", [3, 6, 20, 40])
def test_equal_readings_far_beyond_the_others_are_to_be_checked_and_do_not_hold(piled):
    (note,) = far_notes(cells(piled))
    assert note.values["readings"] == piled
    assert note.values["limit"] == 1e9
    assert note.values["nearest"] == pytest.approx(2e5 * np.exp(1.2))
    found = characterize(read_measurements(cells(piled))).products["goodness"]
    assert found["verdict"].values.tolist() == [["holds", "does not hold"]]


def test_a_pile_up_at_the_lower_end_asks_for_a_floor():
    (note,) = far_notes(cells(4, 2.0, state="LRS"))
    assert (note.values["readings"], note.values["limit"]) == (4, 2.0)
    assert "--floor" in note.text


@pytest.mark.parametrize(
    "table",
    [
        cells(2),  # two may be
        cells(5, 2e6),  # far, but less than ten times
        cells(0),
        cells(58),  # two are no population to be far from
    ],
)
def test_what_is_no_pile_up_far_from_the_rest_is_not_said_to_be(table):
    assert not far_notes(table)


def test_a_limit_that_is_given_ends_the_question():
    assert not far_notes(cells(6), over_range="1 GOhm")
    assert not far_notes(cells(6), over_range="10 MOhm")
    # The user says that the meter resolves it: then it is told that nobody else reads so.
    assert far_notes(cells(6), over_range="10 GOhm")


def marked(limit, state="HRS"):
    """Return a table of which one reading of a state is a mark with its own limit."""
    table = cells(0).astype(object)
    table.loc[0, f"{state} (ohm)"] = limit
    return table


@pytest.mark.parametrize(
    ("limit", "state", "ohm", "nearest"),
    [(">1e9", "HRS", 1e9, 2e5 * np.exp(1.2)), ("<2", "LRS", 2.0, 5e3 * np.exp(0.4 * -57 / 59))],
)
def test_a_mark_far_beyond_the_others_asks_for_its_unit_first(limit, state, ohm, nearest):
    measured = read_measurements(marked(limit, state))
    (note,) = [note for note in measured.notes if note.kind == MARK]
    assert note.values == {"readings": 1, "limit": ohm, "nearest": pytest.approx(nearest)}
    assert note.text.endswith("is the unit of the mark right?")
    assert doubts(characterize(measured)) == (str(note),)


def test_a_mark_near_the_others_or_at_the_limit_given_asks_nothing():
    for table, given in ((marked(">2e6"), None), (marked(">1e9"), "1 GOhm")):
        notes = read_measurements(table, over_range=given).notes
        assert not [note for note in notes if note.kind == MARK]


def test_one_value_in_several_conditions_is_asked_about_once():
    tables = [cells(3).assign(condition=name) for name in "ABCDEF"]
    (note,) = far_notes(pd.concat(tables))
    assert note.values["readings"] == 18
    assert "A/HRS, B/HRS, C/HRS, D/HRS, 2 more populations" in note.text


def test_a_wide_population_is_not_far_from_itself():
    # Ten times the nearest, but the middle half of the others spans more.
    ohm = np.concatenate([np.geomspace(1.0, 1e6, 30), np.full(3, 2e7)])
    assert not list(find_far_pile_ups(ohm, np.zeros(ohm.size, dtype=int)))
    ohm[-3:] = 1e12
    (pile,) = find_far_pile_ups(ohm, np.zeros(ohm.size, dtype=int))
    assert (pile.count, pile.value, pile.nearest) == (3, 1e12, pytest.approx(1e6))
