import math

import numpy as np
import pytest

from rramsim.device.programming import join_programming, mean_pulses, unknown_condition_notes
from rramsim.schema import Interval


@pytest.fixture
def table_i_weak(stated_from):
    return stated_from(
        {
            "weak": {
                "set_current": 20e-6,
                "reset_voltage": 1.5,
                "pulse_width": 100e-9,
                "set_energy": 4e-12,
                "reset_energy": 5e-12,
                "set_energy_basis": "stated",
                "reset_energy_basis": "stated",
                "endurance": 1e6,
                "endurance_basis": "stated",
                "endurance_bound": "lower",
            }
        }
    ).sel(condition="weak")


def test_stated_figures_are_joined_and_the_product_does_not_replace_them(table_i_weak):
    joined = join_programming("weak", {"set_voltage": np.full(4, 2.0)}, table_i_weak)
    assert joined.settings["set_voltage"] == 2.0
    assert joined.settings["reset_voltage"] == 1.5
    assert (joined.reset_energy.joule, joined.reset_energy.basis) == (5e-12, "stated")
    assert joined.endurance == Interval(1e6, bound="lower", basis="stated")
    assert joined.notes == ()


def test_measured_energies_win_over_stated_ones(table_i_weak):
    readings = {"set_energy": np.array([3e-12, np.nan, 5e-12, np.nan])}
    joined = join_programming("weak", readings, table_i_weak)
    assert (joined.set_energy.joule, joined.set_energy.basis) == (pytest.approx(4e-12), "measured")
    assert joined.reset_energy.basis == "stated"


def test_without_a_set_voltage_the_set_energy_is_unknown_and_the_reset_energy_computed():
    readings = {
        "set_current": np.full(3, 55e-6),
        "reset_voltage": np.full(3, 2.5),
        "pulse_width": np.full(3, 100e-9),
    }
    joined = join_programming("strong", readings, None)
    assert math.isnan(joined.set_energy.joule)
    assert joined.set_energy.basis == "unknown"
    assert joined.reset_energy.joule == pytest.approx(13.75e-12)
    assert (joined.endurance.basis, joined.endurance.bound) == ("unknown", "")
    unknown, computed = map(str, joined.notes)
    assert "SET energy unknown" in unknown
    assert "for want of SET voltage." in unknown
    assert "RESET energy is computed" in computed


def test_a_measured_setting_has_its_median_and_says_so(table_i_weak):
    measured = np.array([50.31e-6, 54.87e-6, 55.02e-6, np.nan, 55.13e-6, 56.98e-6])
    joined = join_programming("weak", {"set_current": measured}, table_i_weak)
    assert joined.settings["set_current"] == 55.02e-6
    varies, disagrees = map(str, joined.notes)
    assert "SET compliance current was measured with the readings, from 50.3" in varies
    assert "55\N{NO-BREAK SPACE}µA in the readings, which is used, and 20" in disagrees


def test_between_programmed_values_there_is_none_that_was_programmed(table_i_weak):
    mixed = {"set_voltage": np.array([1.5, 2.5] * 6), "set_current": np.array([20e-6, 55e-6] * 6)}
    alone = join_programming("weak", mixed, None)
    assert math.isnan(alone.settings["set_voltage"])
    assert math.isnan(alone.settings["set_current"])
    assert [note.kind for note in alone.notes][:2] == ["settings mixed"] * 2
    # What the user states of the condition holds.
    assert join_programming("weak", mixed, table_i_weak).settings["set_current"] == 20e-6


def test_the_endurance_of_the_readings_comes_before_the_stated_one(table_i_weak):
    measured = Interval(2e5)
    joined = join_programming("weak", {}, table_i_weak, endurance=measured)
    assert joined.endurance == Interval(2e5, bound="", basis="measured")
    assert "more than 10⁶ is stated" in " ".join(map(str, joined.notes))


def test_a_low_bound_of_the_readings_does_not_replace_a_higher_stated_figure(table_i_weak):
    measured = Interval(50.0, bound="lower")
    joined = join_programming("weak", {}, table_i_weak, endurance=measured)
    assert (joined.endurance.estimate, joined.endurance.basis) == (1e6, "stated")
    assert "the readings show more than 50" in " ".join(map(str, joined.notes))
    alone = join_programming("other", {}, None, endurance=measured)
    assert alone.endurance == Interval(50.0, bound="lower", basis="measured")


@pytest.mark.parametrize(
    ("measured", "stated", "used"),
    [
        (Interval(50.0, high=2e6, bound="lower"), ">1e6", "stated"),
        (Interval(50.0, high=1e3, bound="lower"), ">1e6", "measured"),
        (Interval(1e3, bound="upper"), ">1e6", "measured"),
    ],
)
def test_a_stated_figure_is_used_only_within_the_bounds_of_the_readings(
    table_i_weak, measured, stated, used
):
    assert float(table_i_weak["endurance"]) == float(stated[1:])
    joined = join_programming("weak", {}, table_i_weak, endurance=measured)
    assert joined.endurance.basis == used
    if used == "measured":
        assert (joined.endurance.estimate, joined.endurance.high) == pytest.approx(
            (measured.estimate, measured.high), nan_ok=True
        )


def test_pulses_multiply_a_computed_energy_and_no_other(table_i_weak):
    readings = {
        "set_current": np.full(3, 55e-6),
        "set_voltage": np.full(3, 2.0),
        "reset_voltage": np.full(3, 2.5),
        "pulse_width": np.full(3, 100e-9),
    }
    joined = join_programming("strong", readings, None, mean_pulses=(3.0, math.nan))
    assert joined.set_energy.joule == pytest.approx(33e-12)
    assert joined.reset_energy.joule == pytest.approx(13.75e-12)
    assert "SET energy is that of 3 pulses" in " ".join(map(str, joined.notes))
    stated = join_programming("weak", {}, table_i_weak, mean_pulses=(3.0, 3.0))
    assert stated.set_energy.joule == 4e-12


def test_mean_pulses_are_of_each_state():
    pulses, state = np.array([1.0, 3.0, math.nan, 4.0]), np.array([0, 0, 0, 1])
    assert mean_pulses(pulses, state) == (2.0, 4.0)
    assert all(math.isnan(mean) for mean in mean_pulses(pulses[:0], state[:0]))


def test_names_that_differ_by_case_and_spaces_are_suggested_in_both_directions():
    assert list(map(str, unknown_condition_notes(["55 uA", "weak"], ["55uA", "weak"]))) == [
        "55 uA: not among the stated conditions; nothing is joined to its readings. "
        "Did you mean '55uA'?",
        "55uA: stated, but no reading is of it. Did you mean '55 uA'?",
    ]
    assert "Did you mean 'Very Strong'?" in str(
        unknown_condition_notes(["verystrong"], ["Very Strong"])[0]
    )
    assert "Did you mean 'mild'?" in str(unknown_condition_notes(["midl"], ["strong", "mild"])[0])


def test_other_numbers_are_other_conditions():
    (note,) = unknown_condition_notes(["50 uA"], ["55 uA", "20 uA"])
    assert str(note).endswith("Stated without readings: '55 uA', '20 uA'.")


def test_a_name_that_both_have_is_never_suggested():
    (note,) = unknown_condition_notes(["55 uA", "55uA"], ["55uA"])
    assert str(note) == "55 uA: not among the stated conditions; nothing is joined to its readings."


def test_conditions_stated_without_readings_are_nothing_to_tell():
    assert unknown_condition_notes(["weak"], ["weak", "strong", "very strong"]) == []
