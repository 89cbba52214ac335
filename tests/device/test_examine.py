import math

import numpy as np
import pytest

from rramsim.device.examine import Question, Use, examine
from rramsim.errors import InputError
from rramsim.schema import validate


@pytest.fixture(scope="module")
def cycled(measured_from):
    """Twenty cells at five cycles; the HRS of cells 0 to 4 is lost from cycle 1000 on."""
    rng = np.random.default_rng(8)
    cycle = np.repeat([1, 10, 100, 1000, 10000], 20)
    cell = np.tile(np.arange(20), 5)
    lrs = np.exp(rng.normal(9.2, 0.2, cycle.size))
    hrs = np.exp(rng.normal(12.5, 0.3, cycle.size))
    lost = (cell < 5) & (cycle >= 1000)
    hrs[lost] = np.exp(rng.normal(9.2, 0.1, lost.sum()))
    measured = measured_from(
        {"a": (lrs, hrs)}, cells=np.tile(cell, 2), pulses=3.0, pulse_width=1e-7
    )
    measured.readings["cycle"] = ("reading", np.tile(cycle, 2))
    return measured


def test_the_endurance_of_the_readings_is_that_of_the_condition(cycled, stated_from):
    found = examine(cycled, use=Use(reference_resistance=6e4)).found
    row = found.conditions.sel(condition="a")
    # Bad at 1000 and 10000 only, while three bad reads in a row make a failure.
    lasting = found.endurance.endurance.sel(condition="a")
    assert int(lasting["failed"]) == 0
    assert int(lasting["undecided"]) == 5
    # Twenty cells are too few for a bound on B10.
    assert math.isnan(row["endurance"].item())
    assert row["endurance_bound"].item() == ""
    stated = stated_from(
        {"a": {"endurance": 1e6, "endurance_basis": "stated", "endurance_bound": ""}}
    )
    # More than 100 cycles does not contradict a million.
    both = examine(cycled, stated, use=Use(reference_resistance=6e4)).found.conditions
    assert both["endurance"].item() == 1e6
    assert both["endurance_basis"].item() == "stated"


def test_a_computed_energy_is_that_of_the_mean_pulses(cycled, stated_from):
    stated = stated_from({"a": {"set_current": 5e-5, "set_voltage": 2.0, "reset_voltage": 2.5}})
    conditions = examine(cycled, stated).found.conditions
    assert conditions["set_energy"].item() == pytest.approx(3 * 2.0 * 5e-5 * 1e-7)
    assert conditions["reset_energy_basis"].item() == "computed"


def test_what_the_columns_do_not_allow_is_none(measured_from, exact_sample):
    plain = measured_from({"a": (exact_sample(1e4, 0.2, 60), exact_sample(1e6, 0.5, 60))})
    found = examine(plain)
    assert found.found.endurance is None
    assert found.found.conditions["pooled_over"].item() == ""
    assert not any("together" in note for note in found.notes)
    for name in ("cycling", "retention", "variability", "bake", "read_energy"):
        assert getattr(found, name) is None, name
    assert (found.targets, found.arrhenius) == ({}, {})
    assert not any("read more than once" in note for note in found.notes)


def test_cycles_bring_cycling_variance_and_each_note_once(cycled):
    found = examine(cycled, question=Question(ber_limit=0.01, target_ber=1e-3))
    validate(found.cycling.cycling, "cycling")
    assert found.cycling.cycling.attrs["ber_limit"] == 0.01
    assert found.variability is not None
    assert found.targets["a"].target == 1e-3
    assert len(found.notes) == len(set(found.notes))
    assert set(found.found.notes) <= set(found.notes)


def test_times_bring_retention_and_its_temperatures_an_activation_energy(measured_from):
    rng = np.random.default_rng(2)
    time, kelvin = np.meshgrid([1.0, 10.0, 100.0, 1000.0], [400.0, 450.0, 500.0])
    time, kelvin = np.repeat(time.ravel(), 30), np.repeat(kelvin.ravel(), 30)
    cell = np.tile(np.arange(30), 12) + 100 * kelvin.astype(int)
    drift = (kelvin - 380.0) / 200.0 * np.log10(time)
    lrs, hrs = (np.exp(rng.normal(mu, 0.2, time.size)) for mu in (9.0, 13.0))
    measured = measured_from(
        {"a": (lrs * np.exp(drift), hrs)},
        cells=np.tile(cell, 2),
        time=np.tile(time, 2),
        temperature=np.tile(kelvin, 2),
    )
    use = Use(reference_resistance=6e4, read_voltage=0.2, read_time=1e-8)
    found = examine(measured, use=use, question=Question(ber_limit=0.1, use_temperature=358.15))
    law = found.arrhenius["a"]
    assert law.time_at(358.15).is_extrapolated
    assert found.use_temperature == 358.15
    assert any("at 358" in note and "by Arrhenius' law" in note for note in found.notes)
    assert found.found.conditions["pooled_over"].item() == "read-outs and temperatures"
    assert "BER are of all read-outs and temperatures together" in found.notes[0]
    assert found.retention.retention.sizes["hold"] == 3
    assert found.arrhenius["a"].activation_energy > 0
    energy = found.read_energy.sel(condition="a")
    lrs_fit = found.found.populations.sel(condition="a", state="LRS")
    conductance = math.exp(-lrs_fit["mu"].item() + lrs_fit["sigma"].item() ** 2 / 2)
    assert energy["energy"].sel(state="LRS").item() == pytest.approx(0.04 * 1e-8 * conductance)
    assert examine(measured, use=use).arrhenius == {}


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (Question(target_ber=0.7), r"The target BER is 0\.7; it must be above 0 and below 0\.5\."),
        (Question(ber_limit=0.0), r"The BER limit is 0; it must be above 0 and below 0\.5\."),
        (Question(use_temperature=358.0), "give a BER limit"),
        (Question(bake=("a", "b")), "no condition is named 'b'; there are a"),
    ],
)
def test_questions_without_an_answer_are_refused(cycled, question, message):
    with pytest.raises(InputError, match=message):
        examine(cycled, question=question)
