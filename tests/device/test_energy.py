import math

import pytest

from rramsim.device.energy import Energy, programming_energy, verified_energy
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


def test_verification_costs_pulses_and_reads():
    pulse = Energy(joule=10e-12, basis="measured", cells=5)
    energy = verified_energy(pulse, mean_pulses=2.5, verify_energy=1e-13)
    assert energy.joule == pytest.approx(2.5 * 10.1e-12)
    assert energy.basis == "computed"
    assert verified_energy(pulse, mean_pulses=2.5).joule == pytest.approx(25e-12)
    unknown = verified_energy(Energy(math.nan, "unknown"), mean_pulses=2.0)
    assert unknown.basis == "unknown"
    with pytest.raises(InputError, match="at least 1"):
        verified_energy(pulse, mean_pulses=0.5)
