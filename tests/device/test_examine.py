import math
from dataclasses import replace

import numpy as np
import pytest

from rramsim.device.characterize import characterize
from rramsim.device.examination import Question
from rramsim.device.examine import aged, examine
from rramsim.device.read_conditions import ReadConditions
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


@pytest.mark.slow
def test_the_endurance_of_the_readings_is_that_of_the_condition(cycled, stated_from):
    found = examine(cycled, read=ReadConditions(reference_resistance=6e4))
    row = found.products["conditions"].sel(condition="a")
    # Bad at 1000 and 10000, to the end of the test and over a decade.
    lasting = found.products["endurance"].sel(condition="a")
    assert int(lasting["failed"]) == 5
    # Twenty cells are too few for a lower bound on B10, and a quarter of them is surely more
    # than 10 %: 5 of 20 are 10.4 % at least (Clopper-Pearson, one-sided).
    assert row["endurance"].item() == 1000
    assert row["endurance_bound"].item() == "upper"
    stated = stated_from(
        {"a": {"endurance": 1e6, "endurance_basis": "stated", "endurance_bound": ""}}
    )
    # Less than 1000 cycles contradicts a million.
    both = examine(cycled, stated, read=ReadConditions(reference_resistance=6e4))
    row = both.products["conditions"].sel(condition="a")
    assert row["endurance"].item() == 1000
    assert row["endurance_basis"].item() == "measured"


@pytest.mark.slow
def test_a_computed_energy_is_that_of_the_mean_pulses(cycled, stated_from):
    stated = stated_from({"a": {"set_current": 5e-5, "set_voltage": 2.0, "reset_voltage": 2.5}})
    conditions = examine(cycled, stated).products["conditions"]
    assert conditions["set_energy"].item() == pytest.approx(3 * 2.0 * 5e-5 * 1e-7)
    assert conditions["reset_energy_basis"].item() == "computed"


def test_what_the_columns_do_not_allow_is_none(measured_from, exact_sample):
    plain = measured_from({"a": (exact_sample(1e4, 0.2, 60), exact_sample(1e6, 0.5, 60))})
    found = examine(plain)
    assert found.products["conditions"]["pooled_over"].item() == ""
    assert not any("together" in str(note) for note in found.notes)
    assert set(found.products) == {
        *("populations", "conditions", "counted", "goodness", "outliers", "percentiles")
    }
    assert not any("read more than once" in str(note) for note in found.notes)


@pytest.mark.slow
def test_cycles_bring_cycling_variance_and_each_note_once(cycled):
    found = examine(cycled, question=Question(ber_limit=0.01, target_ber=1e-3))
    for name, product in found.products.items():
        validate(product, name)
    assert found.products["cycling"].attrs["ber_limit"] == 0.01
    assert "variance" in found.products
    assert found.products["sample_sizes"].attrs["target_ber"] == 1e-3
    texts = [str(note) for note in found.notes]
    assert len(texts) == len(set(texts))
    assert set(map(str, characterize(cycled).notes)) <= set(texts)


@pytest.fixture(scope="module")
def aged_cells(measured_from):
    """Return cells read at three times after each of three numbers of cycles."""
    rng = np.random.default_rng(6)
    cycle, time = (x.ravel() for x in np.meshgrid([1, 100, 10_000], [1.0, 100.0, 1e4]))
    own = rng.standard_normal(40)
    drift = 0.1 * np.repeat(np.log10(cycle) + np.log10(time), 40)
    lrs, hrs = (
        np.exp(mu + sign * drift + 0.3 * (np.tile(own, 9) + rng.standard_normal(360)))
        for mu, sign in ((9.0, 1.0), (11.5, -1.0))
    )
    more = {"cycle": np.repeat(cycle, 40), "time": np.repeat(time, 40)}
    return measured_from(
        {"a": (lrs, hrs)},
        cells=np.tile(np.arange(40), 18),
        temperature=400.0,
        **{name: np.tile(values, 2) for name, values in more.items()},
    )


def test_cycles_and_times_together_bring_aging_up_to_the_last_time_asked_for(aged_cells):
    found = examine(aged_cells, question=Question(at_times=(1e5, 1e6)))
    aging = found.products["aging"]
    validate(aging, "aging")
    assert aging["time"].values.tolist() == [10.0**k for k in range(7)]
    assert aging["use_temperature"].isnull().all()
    carried = examine(
        aged_cells, question=Question(use_temperature=358.15, activation_energy=0.6)
    ).products["aging"]
    assert carried["acceleration_factor"].item() == pytest.approx(7.6445, rel=1e-3)
    assert carried["activation_energy_basis"].values.tolist() == ["stated"]


def test_times_that_cannot_be_carried_are_as_measured_and_that_is_said(aged_cells):
    # One temperature gives no activation energy.
    found = examine(aged_cells, question=Question(ber_limit=0.01, use_temperature=358.15))
    assert found.products["aging"]["use_temperature"].isnull().all()
    (note,) = (note for note in found.notes if note.kind == "no acceleration")
    assert "without an activation energy" in note.text
    assert note.text.endswith("Over cycles and time its times are as measured.")


def test_one_of_cycles_and_times_brings_no_section_but_is_there_on_demand(aged_cells):
    last = aged_cells.readings["cycle"].values == 10_000
    readings = aged_cells.readings.isel(reading=np.flatnonzero(last))
    found = examine(replace(aged_cells, readings=readings))
    assert "retention" in found.products
    assert "aging" not in found.products
    alone = aged(found).dataset
    assert alone["cycle"].values.tolist() == [10_000]
    assert alone["ber"].notnull().all()


@pytest.mark.slow
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
    read = ReadConditions(reference_resistance=6e4, read_voltage=0.2, read_time=1e-8)
    question = Question(ber_limit=0.1, use_temperature=358.15)
    found = examine(measured, read=read, question=question)
    laws = found.products["activation_energies"]
    assert laws.attrs["use_temperature"] == 358.15
    law = laws.sel(condition="a")
    assert law["time_at_use_extrapolated"].item() == 1
    assert law["temperature"].values.tolist() == [450.0, 500.0]
    (carried,) = (note for note in map(str, found.notes) if "by Arrhenius' law" in note)
    assert "at 358" in carried
    assert found.products["conditions"]["pooled_over"].item() == "read-outs and temperatures"
    assert "are of all read-outs and temperatures together" in str(found.notes[0])
    assert found.products["retention"].sizes["hold"] == 3
    assert law["activation_energy"].item() > 0
    energy = found.products["read_energy"].sel(condition="a")
    lrs_fit = found.products["populations"].sel(condition="a", state="LRS")
    conductance = math.exp(-lrs_fit["mu"].item() + lrs_fit["sigma"].item() ** 2 / 2)
    assert energy["energy"].sel(state="LRS").item() == pytest.approx(0.04 * 1e-8 * conductance)
    assert "activation_energies" not in examine(measured, read=read).products


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"target_ber": 0.7}, r"The target BER is 0\.7; it must be above 0 and below 0\.5\."),
        ({"ber_limit": 0.0}, r"The BER limit is 0; it must be above 0 and below 0\.5\."),
        ({"use_temperature": 358.0}, "give a BER limit"),
        ({"bake": ("a", "b")}, "no condition is named 'b'. Accepted are a"),
    ],
)
def test_questions_without_an_answer_are_refused(cycled, asked, message):
    with pytest.raises(InputError, match=message):
        examine(cycled, question=Question(**asked))
