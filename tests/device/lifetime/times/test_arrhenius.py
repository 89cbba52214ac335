import math

import numpy as np
import pytest
from scipy import constants, stats

from rramsim.device.lifetime.times.arrhenius import BOLTZMANN, fit_arrhenius, use_notes
from rramsim.errors import InputError
from rramsim.interval import Interval

KELVIN = np.array([398.0, 448.0, 498.0, 523.0])


def times(energy=1.2, ln_t0=-25.0, kelvin=KELVIN):
    return np.exp(ln_t0 + energy / (BOLTZMANN * np.asarray(kelvin)))


def test_boltzmanns_constant_is_codatas():
    assert pytest.approx(constants.k / constants.e, rel=1e-9) == BOLTZMANN


def test_the_closed_form_is_recovered_and_carried_to_another_temperature():
    found = fit_arrhenius(KELVIN, times())
    assert (found.activation_energy.estimate, found.ln_t0) == pytest.approx((1.2, -25.0))
    at_use = found.time_at(358.0)
    assert at_use.estimate == pytest.approx(float(times(kelvin=[358.0])[0]))
    assert at_use.extrapolated
    assert not found.time_at(450.0).extrapolated


def test_the_interval_is_that_of_the_regression():
    noisy = times() * np.exp([0.3, -0.2, 0.1, -0.3])
    found = fit_arrhenius(KELVIN, noisy)
    energy = found.activation_energy
    line = stats.linregress(1 / (BOLTZMANN * KELVIN), np.log(noisy))
    width = stats.t.ppf(0.975, 2) * line.stderr
    assert (energy.low, energy.high) == pytest.approx((line.slope - width, line.slope + width))
    ends = found.time_at(1e9)  # 1/(kT) = 0: the interval of t0 itself
    width = stats.t.ppf(0.975, 2) * line.intercept_stderr
    assert math.log(ends.low) == pytest.approx(line.intercept - width, abs=1e-3)


def test_two_temperatures_give_a_point_and_one_gives_nothing():
    two = fit_arrhenius(KELVIN[:2], times()[:2])
    assert two.activation_energy.estimate == pytest.approx(1.2)
    assert math.isnan(two.activation_energy.low)
    assert math.isnan(two.time_at(358.0).low)
    assert "nothing to judge it by" in str(two.notes[0])
    assert fit_arrhenius(KELVIN[:1], times()[:1]) is None
    assert fit_arrhenius([], []) is None


def test_a_given_energy_is_said_to_be_given():
    found = fit_arrhenius(KELVIN[:1], times()[:1], activation_energy=1.2)
    assert found.activation_energy == Interval(1.2, basis="given")
    assert found.time_at(358.0).estimate == pytest.approx(float(times(kelvin=[358.0])[0]))
    assert "given, not fitted" in str(found.notes[0])


def test_times_not_reached_are_left_out_and_told():
    found = fit_arrhenius(KELVIN, [math.inf, *times()[1:]])
    assert found.activation_energy.estimate == pytest.approx(1.2)
    assert found.temperatures.tolist() == KELVIN[1:].tolist()
    assert "1 of 4 times" in str(found.notes[0])


def test_a_far_extrapolation_is_warned_of_and_a_rising_time_too():
    found = fit_arrhenius(KELVIN, times())
    far = use_notes("a", found, 300.0)
    assert "98 K from the nearest" in str(far[1])
    (near,) = map(str, use_notes("a", found, 358.0))
    assert "at 358\N{NO-BREAK SPACE}K the BER limit is reached after" in near
    assert "95 % interval" in near
    assert "extrapolated" in near
    assert "extrapolated" not in str(use_notes("a", found, 450.0)[0])
    two = fit_arrhenius(KELVIN[:2], times()[:2])
    assert "no interval is known" in str(use_notes("a", two, 358.0)[0])
    assert "no time to the BER limit can be given" in str(use_notes("a", None, 358.0)[0])
    rising = fit_arrhenius(KELVIN, times(energy=-0.5, ln_t0=10.0))
    assert any("do not follow Arrhenius" in str(note) for note in rising.notes)


@pytest.mark.parametrize("given", [([-3.0, 400.0], [1.0, 2.0]), ([400.0, 450.0], [0.0, 1.0])])
def test_what_is_not_above_0_is_refused(given):
    with pytest.raises(InputError, match="must be above 0"):
        fit_arrhenius(*given)
    with pytest.raises(InputError, match="-1 eV"):
        fit_arrhenius(KELVIN, times(), activation_energy=-1.0)
