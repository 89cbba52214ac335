"""What points cost, against the energies by hand and those of `rramsim energy`."""

import math

import numpy as np
import pytest
import xarray as xr

import rramsim
from rramsim.crossbar.drawn_faults import planted_faults
from rramsim.crossbar.protection import parse
from rramsim.device.inference_energy import CircuitEnergies
from rramsim.device.read_conditions import ReadConditions
from rramsim.files import write_dataset
from rramsim.montecarlo.replicates import StudyNetworks
from rramsim.network.folded.network import FoldedNetwork, ScoreLayer
from rramsim.network.model_files import SavedNetwork
from rramsim.study.stages.costs import (
    inference_energies,
    programming_of,
    pulses_dataset,
    pulses_in,
    pulses_of,
)

VERIFIED = "verify(5, level=1.5, read_spread=0.1)"
PROTECTIONS = ("none", "2T2R", "secded(72,64)", VERIFIED)
PULSE = ReadConditions(read_voltage=0.2, read_time=10e-9)


@pytest.fixture(scope="module")
def fit():
    return rramsim.fit("hirtzlin2019-reconstructed", conditions="table1", read_pulse="0.2 V, 10 ns")


@pytest.fixture(scope="module")
def networks():
    """Return a network of one layer, half of whose weights are -1."""
    signs = np.where(np.arange(640).reshape(10, 64) % 2, 1, -1).astype(np.int8)
    ones = np.ones(10, dtype=np.float32)
    folded = FoldedNetwork((ScoreLayer(signs, ones, ones),))
    return StudyNetworks({0.0: (SavedNetwork(folded, {}),)}, ())


@pytest.fixture(scope="module")
def costs(fit, networks):
    rows = {str(row.condition.item()): row for row in map(fit.conditions.sel, names(fit))}
    products = {"populations": fit.populations}
    planted = {
        (protection, name): planted_faults(row, parse(protection), products)
        for protection in PROTECTIONS
        for name, row in rows.items()
    }
    pulses = pulses_of(networks, planted)
    return pulses, programming_of(networks, planted, pulses)


def names(fit):
    return [{"condition": name} for name in fit.conditions.condition.values]


def energy_a_weight(fit, costs, protection, condition):
    point = costs[1].sel(training_ber=0.0, protection=protection, condition=condition)
    row = fit.conditions.sel(condition=condition)
    joule = point.sets * row.set_energy + point.resets * row.reset_energy
    return float(joule / point.weights) * 1e12, float(point.cells / point.weights)


def test_energies_and_cells_of_a_weight_are_those_by_hand(fit, costs):
    # Specification, section 3: half of the weights in each state.
    assert energy_a_weight(fit, costs, "none", "strong") == pytest.approx((12.5, 1.0))
    assert energy_a_weight(fit, costs, "2T2R", "weak") == pytest.approx((9.0, 2.0))
    joule, cells = energy_a_weight(fit, costs, VERIFIED, "weak")
    assert (joule, cells) == (pytest.approx(5.2, abs=0.2), 1.0)
    verified = costs[1].sel(training_ber=0.0, protection=VERIFIED, condition="weak")
    assert float(verified.resets) / 320 == pytest.approx(1.152, rel=2e-3)
    assert float(verified.verifying_reads) == float(verified.sets + verified.resets)
    # Parity bits of a word of 64 are 8 more cells.
    assert energy_a_weight(fit, costs, "secded(72,64)", "weak")[1] == 1.125


def test_an_inference_costs_what_the_energy_command_says(fit, networks, costs):
    pulses, programming = costs
    circuits = CircuitEnergies(sense=5e-15, popcount=1e-15, other=1e-12, source="a test")
    found = inference_energies(
        networks, pulses, programming, fit.populations, read=PULSE, circuits=circuits, pixel_bits=5
    )
    folded = networks.by_training_ber[0.0][0].folded
    for place, protection in enumerate(("none", "2T2R")):
        expected = fit.inference_energy(
            folded,
            protection=protection,
            pixel_bits=5,
            sense_energy="5 fJ",
            popcount_energy="1 fJ",
            other_energy="1 pJ",
            energy_source="a test",
        )
        assert found[0, place] == pytest.approx(expected.inference_energy.values)


def test_a_code_reads_its_parity_bits_too(fit, networks, costs):
    pulses, programming = costs
    none = CircuitEnergies()
    found = inference_energies(
        networks, pulses, programming, fit.populations, read=PULSE, circuits=none, pixel_bits=1
    )
    plain, coded = (found[0, PROTECTIONS.index(name)] for name in ("none", "secded(72,64)"))
    assert np.all((coded / plain > 1.0) & (coded / plain < 1.3))


def test_without_populations_or_a_read_pulse_the_energy_is_unknown(fit, networks, costs):
    pulses, programming = costs
    for populations, read in ((None, PULSE), (fit.populations, ReadConditions())):
        found = inference_energies(
            networks,
            pulses,
            programming,
            populations,
            read=read,
            circuits=CircuitEnergies(),
            pixel_bits=1,
        )
        assert np.all(np.isnan(found))


def test_pulses_are_read_as_they_were_counted(costs, tmp_path):
    (one,) = next(iter(costs[0].values()))
    # Of two trainings, and of networks of different depth.
    counted = costs[0] | {(0.1, "none", "weak"): [[*one, *one], one]}
    write_dataset(tmp_path / "pulses.nc", pulses_dataset(counted))
    with xr.open_dataset(tmp_path / "pulses.nc") as read:
        assert pulses_in(read) == counted


def test_a_protection_that_a_condition_cannot_have_costs_nothing_known(fit, networks):
    row = fit.conditions.sel(condition="weak")
    planted = {
        ("none", "weak"): planted_faults(row, parse("none"), {"populations": fit.populations}),
        ("verify(5)", "weak"): planted_faults(row, parse("verify(5)"), {}),
    }
    assert "verify(5)" in planted["verify(5)", "weak"].refusal
    pulses = pulses_of(networks, planted)
    programming = programming_of(networks, planted, pulses)
    assert math.isnan(programming.cells.sel(protection="verify(5)").item())
    assert programming.cells.sel(protection="none").item() == 640
