import numpy as np
import pytest
from scipy.signal import lfilter

from rramsim.device.characterize import characterize
from rramsim.device.populations.fit import (
    fit_conditions,
    fit_notes,
    leave_out_incomplete,
    populations_dataset,
)
from rramsim.errors import InputError
from rramsim.measurements import Measured


def fitted(measured):
    return fit_conditions(measured.readings)


def test_each_state_gets_its_own_readings_whatever_their_order(measured_from, exact_sample):
    measured = measured_from(
        {
            "strong": (exact_sample(9e3, 0.3), exact_sample(3e5, 0.7)),
            "weak": (exact_sample(2e4, 0.4, cells=30), exact_sample(1e5, 0.6, cells=40)),
        }
    )
    shuffled = np.random.default_rng(1).permutation(measured.readings.sizes["reading"])
    conditions = fit_conditions(measured.readings.isel(reading=shuffled))
    populations = populations_dataset(conditions, origin="measured")
    median = np.exp(populations["mu"].sel(condition="weak").values)
    assert median == pytest.approx([2e4, 1e5])
    assert populations["sigma"].values == pytest.approx(np.array([[0.3, 0.7], [0.4, 0.6]]))
    assert populations["exact"].values.tolist() == [[1024, 1024], [30, 40]]
    assert populations["cells"].values.tolist() == [[1024, 1024], [30, 40]]
    assert populations.attrs["origin"] == "measured"


def test_a_single_reading_or_a_missing_state_is_refused_by_name(measured_from, exact_sample):
    cells = exact_sample(1e4, 0.3, cells=20)
    with pytest.raises(InputError, match="weak: no reading in HRS, only in LRS"):
        fitted(measured_from({"strong": (cells, 30 * cells), "weak": (cells, [])}))
    with pytest.raises(InputError, match="weak/LRS: 1 reading, one cell"):
        fitted(measured_from({"weak": ([1e4], 30 * cells)}))


def test_exchanged_or_equal_medians_are_refused_with_the_likely_cause(measured_from, exact_sample):
    low, high = exact_sample(1.1e4, 0.3), exact_sample(9.2e4, 0.3)
    with pytest.raises(InputError) as told:
        fitted(measured_from({"strong": (high, low)}))
    message = str(told.value).replace("\N{NO-BREAK SPACE}", " ")
    assert "strong: LRS median 92.6 kΩ is above HRS median 11.1 kΩ" in message
    assert "labels swapped" in message
    assert "conductance or a current" in message
    with pytest.raises(InputError, match="same median"):
        fitted(measured_from({"strong": (low, low)}))


def test_a_state_that_cannot_be_fitted_is_told_and_the_others_go_on(measured_from, exact_sample):
    conditions = fitted(
        measured_from(
            {
                "stuck": ([1e4] * 64, exact_sample(2e5, 0.5)),
                "open": (exact_sample(1e4, 0.2, cells=64), [1e6] * 64),
            },
            censoring=np.repeat([0, 1], [64 + 1024 + 64, 64]),
        )
    )
    populations = populations_dataset(conditions, origin="measured")
    assert str(fit_notes(conditions[0])[0]).startswith("stuck/LRS: all 64 exact values are 10")
    assert str(fit_notes(conditions[1])[0]).startswith("open/HRS: all 64 cells are above 1")
    assert np.isnan(populations["sigma"].values).tolist() == [[True, False], [False, True]]
    assert np.exp(populations["mu"].values[0, 0]) == pytest.approx(1e4)
    assert np.isnan(populations["mu"].values[1, 1])
    assert populations["censored_above"].values.tolist() == [[0, 0], [0, 64]]


def test_few_cells_repeated_cells_and_overlap_are_told(measured_from, exact_sample):
    lrs, hrs = exact_sample(1e4, 0.5, cells=16), exact_sample(1.02e4, 0.5, cells=64, seed=3)
    measured = measured_from(
        {"weak": (lrs, hrs)}, cells=np.r_[np.zeros(16, int), np.arange(64) // 2]
    )
    (condition,) = fitted(measured)
    notes = list(map(str, fit_notes(condition)))
    assert any("fitted to 16 exact values only" in note for note in notes)
    assert any("weak/LRS: one cell, read 16 times" in note for note in notes)
    assert any("weak/HRS: 64 readings of 32 cells" in note for note in notes)
    assert any("the states overlap (0.03 sigma apart)" in note for note in notes)


def test_a_clean_condition_needs_no_note(measured_from, exact_sample):
    (condition,) = fitted(measured_from({"a": (exact_sample(1e4, 0.3), exact_sample(3e5, 0.7))}))
    assert fit_notes(condition) == []


@pytest.mark.parametrize(
    ("lrs", "hrs", "side", "sentence"),
    [
        # The cases of statistics that a file may bring, each with its sentence.
        ([1e4] * 64, None, None, "c/LRS: all 64 exact values are 10 kΩ: stuck reading"),
        (None, [1e6] * 64, 1, "c/HRS: all 64 cells are above 1 MΩ: median > 1 MΩ"),
        (None, [5e5, 6e5, *[1e6] * 62], 1, "c/HRS: 2 exact values of 64 (62 over range at 1 MΩ)"),
        ([1e3, 2e3], None, None, "c/LRS: 2 exact values of 2: a distribution needs at least 3"),
        (None, [5e5, *[1e6] * 63], 1, "c/HRS: 1 exact value of 64 (63 over range at 1 MΩ)"),
    ],
)
def test_what_cannot_be_fitted_has_its_sentence(
    measured_from, exact_sample, lrs, hrs, side, sentence
):
    lrs = exact_sample(1e4, 0.3, cells=64) if lrs is None else np.array(lrs)
    hrs = exact_sample(3e5, 0.5, cells=64) if hrs is None else np.array(hrs)
    censoring = None
    if side:
        censoring = np.concatenate([np.zeros(lrs.size, int), (hrs == hrs.max()).astype(int)])
    (condition,) = fitted(measured_from({"c": (lrs, hrs)}, censoring=censoring))
    notes = [str(note).replace("\N{NO-BREAK SPACE}", " ") for note in fit_notes(condition)]
    assert any(note.startswith(sentence) for note in notes)


def test_the_readings_of_a_state_know_their_place_in_the_file(measured_from, exact_sample):
    measured = measured_from({"a": (exact_sample(9e3, 0.3), exact_sample(3e5, 0.7))})
    shuffled = measured.readings.isel(
        reading=np.random.default_rng(1).permutation(measured.readings.sizes["reading"])
    )
    (condition,) = fit_conditions(shuffled)
    for state in condition.states:
        at = shuffled["resistance"].values[state.position]
        assert at.tolist() == state.resistance.tolist()


@pytest.mark.parametrize(
    ("cells", "words"),
    [(4, "need more cells"), (19, "known with 18 degrees of freedom"), (20, "more than once.")],
)
def test_few_cells_read_often_are_told(measured_from, exact_sample, cells, words):
    lrs, hrs = (exact_sample(ohm, 0.3, cells=3 * cells) for ohm in (1e4, 2e5))
    measured = measured_from({"a": (lrs, hrs)}, cells=np.tile(np.arange(cells), 6))
    (condition,) = fitted(measured)
    notes = [note.text for note in fit_notes(condition) if note.kind == "repeated reads"]
    assert [words in note for note in notes] == [True, True]
    assert ["known with" in note for note in notes] == [cells == 19] * 2


@pytest.fixture
def series(measured_from):
    """Return the readings of one cell, LRS with a memory and HRS without, and HRS of another."""

    def build(cells):
        rng = np.random.default_rng(3)
        lrs = lfilter([1], [1, -0.88], rng.standard_normal(1200))[200:]
        hrs = rng.standard_normal(1000)
        conditions = {"a": (1e4 * np.exp(0.1 * lrs), 3e5 * np.exp(0.5 * hrs))}
        return fitted(measured_from(conditions, cells=cells))

    return build


def test_one_cell_says_how_many_independent_readings_it_is_worth(series):
    (condition,) = series(np.zeros(2000, int))
    lrs, hrs = (note for note in fit_notes(condition) if note.kind == "one cell")
    assert lrs.values["autocorrelation"] == pytest.approx(0.88, abs=0.04)
    assert 40 < lrs.values["effective_readings"] < 100
    effective = f"of the median as {lrs.values['effective_readings']:,.0f} independent readings"
    assert effective in lrs.text
    assert "not for others" in lrs.text
    assert hrs.text == (
        "one cell, read 1,000 times; the intervals hold for this cell, not for others."
    )
    populations = populations_dataset([condition], origin="measured").sel(condition="a")
    for name in ("effective_readings", "autocorrelation"):
        assert populations[name].values[0] == pytest.approx(lrs.values[name])
    assert populations["effective_readings"].values[1] > 950
    assert np.all(np.isfinite(populations["degrees_of_freedom"]))
    assert np.all(populations["sigma_low"] < populations["sigma"])
    assert np.all(populations["sigma"] < populations["sigma_high"])


def test_readings_in_the_order_of_their_cycles_are_a_series_whatever_the_file(measured_from):
    rng = np.random.default_rng(4)
    lrs = lfilter([1], [1, -0.8], rng.standard_normal(400))
    conditions = {"a": (1e4 * np.exp(0.1 * lrs), 3e5 * np.exp(rng.standard_normal(400)))}
    measured = measured_from(conditions, cells=np.zeros(800, int))
    readings = measured.readings.assign(
        cycle=measured.readings["cycle"].copy(data=np.tile(np.arange(400), 2))
    )
    shuffled = readings.isel(reading=rng.permutation(800))
    (here,), (there,) = fit_conditions(readings), fit_conditions(shuffled)
    assert here.lrs.fit.lag_one > 0.7
    assert there.lrs.fit.lag_one == pytest.approx(here.lrs.fit.lag_one, rel=1e-9)


def test_a_short_series_of_one_cell_has_no_interval_and_says_so(measured_from, exact_sample):
    lrs, hrs = exact_sample(1e4, 0.3, cells=30), exact_sample(3e5, 0.5, cells=30)
    (condition,) = fitted(measured_from({"a": (lrs, hrs)}, cells=np.zeros(60, int)))
    notes = [note.text for note in fit_notes(condition) if note.kind == "one cell"]
    assert all("has no interval, which takes at least 50 readings" in note for note in notes)
    populations = populations_dataset([condition], origin="measured")
    assert np.isnan(populations["degrees_of_freedom"].values).all()
    assert np.isnan(populations["sigma_low"].values).all()


def test_readings_without_cells_that_follow_each_other_are_told(series, measured_from):
    (condition,) = series(np.full(2000, -1))
    (note,) = (note for note in fit_notes(condition) if note.kind == "order of readings")
    assert (note.state, note.values["readings"]) == ("LRS", 1000)
    assert note.values["effective_readings"] < 100
    assert "name them in a column" in note.text
    # A list in the order of its values was sorted: that says nothing of the cells.
    ohms = np.sort(condition.lrs.resistance), condition.hrs.resistance
    (ranked,) = fitted(measured_from({"a": ohms}))
    assert not any(note.kind == "order of readings" for note in fit_notes(ranked))


@pytest.fixture
def read_from(measured_from):
    def build(conditions):
        built = measured_from(conditions)
        return Measured(built.readings, ("read.",), built.origin, ())

    return build


def test_a_condition_of_one_state_or_one_reading_is_left_out_and_the_others_go_on(
    read_from, exact_sample
):
    lrs, hrs = exact_sample(1e4, 0.3, cells=40), exact_sample(3e5, 0.5, cells=40)
    kept = leave_out_incomplete(
        read_from(
            {"lone": (lrs, []), "a": (lrs, hrs), "thin": ([1e4], hrs), "b": (2 * lrs, 2 * hrs)}
        )
    )
    assert kept.readings["condition"].values.tolist() == ["a", "b"]
    assert np.bincount(kept.readings["condition_index"].values).tolist() == [80, 80]
    assert str(kept.notes[0]) == "read."
    assert [note.subject for note in kept.notes[1:]] == ["lone", "thin/LRS"]
    assert all(note.text.endswith("It is left out.") for note in kept.notes[1:])
    found = characterize(kept)
    medians = np.exp(found.products["populations"]["mu"].sel(state="LRS").values)
    assert medians == pytest.approx([1e4, 2e4])


def test_complete_readings_stay_as_they_are(read_from, exact_sample):
    measured = read_from({"a": (exact_sample(1e4, 0.3), exact_sample(3e5, 0.5))})
    assert leave_out_incomplete(measured) is measured


def test_nothing_left_is_an_error(read_from, exact_sample):
    lrs = exact_sample(1e4, 0.3, cells=40)
    with pytest.raises(InputError, match="lone: no reading in HRS, only in LRS"):
        leave_out_incomplete(read_from({"lone": (lrs, []), "thin": ([1e4], lrs)}))
