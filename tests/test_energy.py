import math

import numpy as np
import pytest

from rramsim.energy import (
    Energy,
    by_polarity,
    programming_energy,
    transient_energy,
    verified_energy,
)
from rramsim.errors import InputError

WIDTH = 100e-9


@pytest.mark.parametrize(
    ("current", "set_pj", "reset_voltage", "reset_pj"),
    [(600e-6, 120, 2.5, 150), (55e-6, 11, 2.5, 13.75), (20e-6, 4, 1.5, 3)],
)
def test_v_i_t_gives_table_i_except_its_weak_reset(current, set_pj, reset_voltage, reset_pj):
    set_energy = programming_energy(voltage=2.0, current=current, pulse_width=WIDTH)
    reset = programming_energy(voltage=reset_voltage, current=current, pulse_width=WIDTH)
    assert set_energy.joule == pytest.approx(set_pj * 1e-12, rel=1e-12)
    assert reset.joule == pytest.approx(reset_pj * 1e-12, rel=1e-12)
    assert (set_energy.basis, reset.basis) == ("computed", "computed")


def test_the_stated_weak_reset_wins_over_the_product():
    reset = programming_energy(stated=5e-12, voltage=1.5, current=20e-6, pulse_width=WIDTH)
    assert reset == Energy(joule=5e-12, basis="stated")


def test_measured_energies_win_and_say_how_many_cells_they_are_of():
    energy = programming_energy(
        measured=[10e-12, math.nan, 14e-12], stated=1e-12, voltage=2.0, current=1.0, pulse_width=1.0
    )
    assert energy.joule == pytest.approx(12e-12)
    assert (energy.basis, energy.cells) == ("measured", 2)


def test_nothing_is_invented_where_a_factor_is_unknown():
    energy = programming_energy(measured=[math.nan], current=55e-6, pulse_width=WIDTH)
    assert math.isnan(energy.joule)
    assert energy.basis == "unknown"


def test_a_reset_voltage_written_as_negative_gives_a_positive_energy():
    energy = programming_energy(voltage=-2.5, current=55e-6, pulse_width=WIDTH)
    assert energy.joule == pytest.approx(13.75e-12)


TIME = np.array([0.0, 5e-9, 95e-9, 100e-9])


def test_a_trapezoidal_pulse_has_its_known_energy():
    # 2 V and 55 uA for 90 ns, and two ramps of 5 ns whose product is taken as a straight line.
    voltage, current = np.array([0, 2, 2, 0]), np.array([0, 55e-6, 55e-6, 0])
    energy = transient_energy(TIME, voltage, current, covers="cell")
    assert energy.joule == pytest.approx(2 * 55e-6 * 95e-9)
    assert (energy.basis, energy.cells, energy.covers) == ("measured", 1, "cell")


def test_a_sine_comes_near_its_integral():
    time = np.linspace(0, 1e-7, 2001)
    wave = np.sin(2 * np.pi * time / 1e-7)
    energy = transient_energy(time, wave, 1e-4 * wave, covers="cell and transistor")
    assert energy.joule == pytest.approx(1e-4 * 1e-7 / 2, rel=1e-6)


def test_many_pulses_give_their_mean():
    voltage = np.outer([1.0, 2.0, 3.0], [0, 1, 1, 0])
    energy = transient_energy(TIME, voltage, np.full((3, 4), 1e-5), covers="cell")
    assert energy.joule == pytest.approx(2.0 * 1e-5 * 95e-9)
    assert energy.cells == 3


def test_set_and_reset_are_told_apart_by_polarity():
    time = np.concatenate([TIME, TIME + 200e-9])
    voltage = np.array([0, 2, 2, 0, 0, -1.5, -1.5, 0])
    current = np.array([0, 1e-4, 1e-4, 0, 0, -2e-4, -2e-4, 0])
    positive, negative = by_polarity(time, voltage, current, covers="cell")
    assert positive.joule == pytest.approx(2 * 1e-4 * 95e-9)
    assert negative.joule == pytest.approx(1.5 * 2e-4 * 95e-9)
    whole = transient_energy(time, voltage, current, covers="cell")
    assert positive.joule + negative.joule == pytest.approx(whole.joule)


def test_verification_costs_pulses_and_reads():
    pulse = Energy(joule=10e-12, basis="measured", cells=5, covers="cell")
    energy = verified_energy(pulse, mean_pulses=2.5, verify_energy=1e-13)
    assert energy.joule == pytest.approx(2.5 * 10.1e-12)
    assert (energy.basis, energy.covers) == ("computed", "cell")
    assert verified_energy(pulse, mean_pulses=2.5).joule == pytest.approx(25e-12)
    unknown = verified_energy(Energy(math.nan, "unknown"), mean_pulses=2.0)
    assert unknown.basis == "unknown"
    with pytest.raises(InputError, match="at least 1"):
        verified_energy(pulse, mean_pulses=0.5)


@pytest.mark.parametrize(
    ("time", "voltage", "words"),
    [
        ([0.0, 2.0, 1.0], [1.0, 1.0, 1.0], "sample 3 .*not after"),
        ([0.0, 1.0, 2.0], [1.0, math.nan, 1.0], "sample 2 .*voltage is not a number"),
        ([0.0, 1.0, 2.0], [1.0, 1.0], "as many of each"),
        ([0.0], [1.0], "at least 2 samples"),
    ],
)
def test_a_broken_waveform_is_refused(time, voltage, words):
    with pytest.raises(InputError, match=words):
        transient_energy(time, voltage, np.ones(len(voltage)), covers="cell")


def test_what_the_voltage_is_over_must_be_said():
    with pytest.raises(ValueError, match="covers one of"):
        transient_energy([0, 1], [1, 1], [1, 1], covers="array")
