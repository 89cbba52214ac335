"""Measured pulses in files of their own become measured energies of a condition."""

import math

import numpy as np
import pytest

from rramsim.device.characterize import characterize
from rramsim.errors import InputError
from rramsim.readers.conditions import read_conditions
from rramsim.readers.measurements import read_measurements
from rramsim.readers.shipped import resolve
from rramsim.readers.waveforms import by_polarity, transient_energy, waveform_energy


def write_pulse(path, *, volts=2.0, microamps=20.0, header="t (ns),V (V),I (uA)"):
    """Write a trapezoid: 1 ns ramps of both, 98 ns flat; V I rises and falls as a parabola."""
    time = np.concatenate([np.linspace(0, 1, 101), np.linspace(99, 100, 101)])
    shape = np.concatenate([np.linspace(0, 1, 101), np.linspace(1, 0, 101)])
    rows = [
        f"{t:.9g},{volts * s:.9g},{microamps * s:.9g}" for t, s in zip(time, shape, strict=True)
    ]
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def conditions(folder, **keys):
    lines = ['name = "weak"', *(f"{key} = {value}" for key, value in keys.items())]
    path = folder / "conditions.toml"
    path.write_text("[[condition]]\n" + "\n".join(lines) + "\n")
    return path


def test_the_energy_is_the_integral_of_a_known_pulse(tmp_path):
    energy = waveform_energy(write_pulse(tmp_path / "set.csv"))
    # 40 uW flat for 98 ns, and a third of a nanosecond's worth at either end.
    assert energy == pytest.approx(40e-6 * (98 + 2 / 3) * 1e-9, rel=1e-4)


@pytest.mark.slow
def test_a_condition_takes_the_mean_of_its_pulses_as_measured(tmp_path):
    for name, volts in (("a.csv", 2.0), ("b.csv", 4.0)):
        write_pulse(tmp_path / name, volts=volts)
    write_pulse(tmp_path / "reset.csv", volts=-1.5, microamps=-20.0)
    path = conditions(
        tmp_path,
        set_waveform='["a.csv", "b.csv"]',
        reset_waveform='"reset.csv"',
        waveform_covers='"cell and transistor"',
    )
    stated = read_conditions(path)
    row = stated.sel(condition="weak")
    assert float(row.set_energy) == pytest.approx(60e-6 * (98 + 2 / 3) * 1e-9, rel=1e-4)
    assert float(row.reset_energy) == pytest.approx(30e-6 * (98 + 2 / 3) * 1e-9, rel=1e-4)
    assert str(row.set_energy_basis.values) == "measured"
    found = characterize(read_measurements([resolve("hirtzlin2019-reconstructed")]), stated)
    joined = found.products["conditions"].sel(condition="weak")
    assert str(joined.set_energy_basis.values) == "measured"
    assert float(joined.set_energy) == float(row.set_energy)
    assert any("2 measured pulses over cell and transistor" in str(note) for note in found.notes)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"set_waveform": '"a.csv"'}, "waveform_covers = None"),
        ({"set_waveform": '"a.csv"', "set_energy": '"4 pJ"'}, "keep one"),
        ({"set_waveform": '"none.csv"', "waveform_covers": '"cell"'}, "none.csv"),
        ({"set_waveform": "3", "waveform_covers": '"cell"'}, "the name of a file"),
        ({"set_waveform": '"units.csv"', "waveform_covers": '"cell"'}, "with its unit"),
        ({"set_waveform": '"sign.csv"', "waveform_covers": '"cell"'}, "check the signs"),
    ],
)
def test_a_waveform_that_cannot_be_used_is_told(tmp_path, keys, words):
    write_pulse(tmp_path / "a.csv")
    write_pulse(tmp_path / "units.csv", header="t,V,I")
    write_pulse(tmp_path / "sign.csv", microamps=-20.0)
    with pytest.raises(InputError, match=words):
        read_conditions(conditions(tmp_path, **keys))


TIME = np.array([0.0, 5e-9, 95e-9, 100e-9])


def test_a_trapezoidal_pulse_has_its_known_energy():
    # 2 V and 55 uA for 90 ns, and two ramps of 5 ns whose product is taken as a straight line.
    voltage, current = np.array([0, 2, 2, 0]), np.array([0, 55e-6, 55e-6, 0])
    energy = transient_energy(TIME, voltage, current)
    assert energy == pytest.approx(2 * 55e-6 * 95e-9)


def test_a_sine_comes_near_its_integral():
    time = np.linspace(0, 1e-7, 2001)
    wave = np.sin(2 * np.pi * time / 1e-7)
    energy = transient_energy(time, wave, 1e-4 * wave)
    assert energy == pytest.approx(1e-4 * 1e-7 / 2, rel=1e-6)


def test_many_pulses_give_their_mean():
    voltage = np.outer([1.0, 2.0, 3.0], [0, 1, 1, 0])
    energy = transient_energy(TIME, voltage, np.full((3, 4), 1e-5))
    assert energy == pytest.approx(2.0 * 1e-5 * 95e-9)


def test_set_and_reset_are_told_apart_by_polarity():
    time = np.concatenate([TIME, TIME + 200e-9])
    voltage = np.array([0, 2, 2, 0, 0, -1.5, -1.5, 0])
    current = np.array([0, 1e-4, 1e-4, 0, 0, -2e-4, -2e-4, 0])
    positive, negative = by_polarity(time, voltage, current)
    assert positive == pytest.approx(2 * 1e-4 * 95e-9)
    assert negative == pytest.approx(1.5 * 2e-4 * 95e-9)
    whole = transient_energy(time, voltage, current)
    assert positive + negative == pytest.approx(whole)


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
        transient_energy(time, voltage, np.ones(len(voltage)))
