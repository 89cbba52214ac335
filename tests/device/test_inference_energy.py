"""Energy of an inference and over a life: reference values, closed forms, sums cell by cell."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rramsim.device.inference_energy import (
    CircuitEnergies,
    Life,
    break_even,
    cheapest_ranges,
    inference_energy,
)
from rramsim.device.populations.fit import fit_conditions, populations_dataset
from rramsim.device.read_conditions import ReadConditions
from rramsim.errors import InputError
from rramsim.network.inference_reads import reads_of_shape
from rramsim.network.shape import NetworkShape
from rramsim.readers.conditions import conditions_file, read_conditions
from rramsim.readers.measurements import read_measurements
from rramsim.report.energy import energy_sentences
from rramsim.statistics.lognormal import fit_lognormal

READ = ReadConditions(read_voltage=0.2, read_time=10e-9)


@pytest.fixture(scope="module")
def populations():
    fits = fit_conditions(read_measurements(["hirtzlin2019-reconstructed"]).readings)
    return populations_dataset(fits, origin="reconstructed")


@pytest.fixture(scope="module")
def conditions():
    return read_conditions(conditions_file("table1"))


@pytest.fixture(scope="module")
def paper():
    """Return the reads of the network of the paper, its pixels black and white."""
    return reads_of_shape(NetworkShape.parse("784-4096-4096-10"), pixel_bits=1)


@pytest.fixture
def energy(conditions, populations, paper):
    """Return a maker of the energy of the paper's network."""

    def make(reads=paper, conditions=conditions, **how):
        return inference_energy(conditions, populations, reads, read=READ, **how)

    return make


def _by_name(energy, name):
    return dict(zip(energy["condition"].values.tolist(), energy[name].values, strict=True))


@pytest.mark.parametrize(
    ("condition", "lrs", "hrs", "inference", "programming", "inferences"),
    [
        ("very strong", 184.8e-15, 2.17e-15, 1.87e-6, 2.70e-3, 1444),
        ("strong", 47.0e-15, 1.70e-15, 0.488e-6, 250e-6, 513),
        ("weak", 19.9e-15, 3.44e-15, 0.233e-6, 90.1e-6, 386),
    ],
)
def test_the_paper_s_network_has_the_reference_values(
    energy, condition, lrs, hrs, inference, programming, inferences
):
    found = energy().sel(condition=condition)
    # As many digits as the reference values have.
    assert found["cell_energy"].values == pytest.approx([lrs, hrs], rel=5e-3)
    assert float(found["energy_in_cells"]) == pytest.approx(inference, rel=3e-3)
    assert float(found["programming_energy"]) == pytest.approx(programming, rel=2e-3)
    assert round(float(found["inferences_per_programming"])) == inferences
    assert str(found["set_energy_basis"].values) == "stated"
    assert str(found["inference_energy_basis"].values) == "computed"


def test_weak_programming_reads_eight_times_cheaper_and_costs_least_at_any_number(energy):
    found = energy()
    spent = _by_name(found, "energy_in_cells")
    assert spent["very strong"] / spent["weak"] == pytest.approx(8.03, abs=0.01)
    assert _by_name(found, "cheapest_from")["weak"] == 0.0
    assert _by_name(found, "cheapest_to")["weak"] == math.inf
    assert math.isnan(_by_name(found, "cheapest_from")["strong"])
    assert np.isnan(found["break_even"].values).all()


def test_unknown_circuits_make_bounds_and_known_ones_are_added_by_layer(energy):
    reads = reads_of_shape(NetworkShape.parse("3x8x8-4C3-10"), pixel_bits=8, reuse=True)
    bound = energy(reads)
    assert set(bound["inference_energy_bound"].values) == {"lower"}
    assert set(bound["inferences_per_programming_bound"].values) == {"upper"}
    assert np.isnan(bound["inference_energy_high"].values).all()
    circuits = CircuitEnergies(sense=5e-15, popcount=2e-15, other=1e-9, source="simulated")
    known = energy(reads, circuits=circuits)
    # 108 weights are read for 8 planes and counted at 64 places, 2,560 once.
    layers = [108 * (8 * 5e-15 + 512 * 2e-15), 2560 * (5e-15 + 2e-15)]
    for condition in ("strong", "weak"):
        one, other = (each.sel(condition=condition) for each in (known, bound))
        added = one["layer_energy"] - other["layer_energy"]
        assert added.values == pytest.approx(layers)
        more = float(one["inference_energy"] - other["energy_in_cells"])
        assert more == pytest.approx(sum(layers) + 1e-9)
        assert str(one["inference_energy_bound"].values) == ""
        for end in ("_low", "_high"):
            in_cells = float(one[f"energy_in_cells{end}"])
            assert float(one[f"inference_energy{end}"]) == pytest.approx(in_cells + more)
        once = float(one["programming_energy"])
        assert float(one["inferences_per_programming_low"]) == pytest.approx(
            once / float(one["inference_energy_high"])
        )
    partly = energy(reads, circuits=CircuitEnergies(sense=5e-15, source="simulated"))
    assert set(partly["inference_energy_bound"].values) == {"lower"}
    assert "popcount" in partly.attrs["unknown"]
    assert "sense" not in partly.attrs["unknown"]


def test_a_pair_has_both_cells_programmed_and_discharged(energy, conditions):
    one, two = energy(), energy(protection="2T2R")
    # With half of the weights in LRS a pair takes twice as much, whatever the states take.
    for name in ("energy_in_cells", "programming_energy", "layer_energy"):
        assert two[name].values == pytest.approx(2 * one[name].values)
    assert two["inferences_per_programming"].values == pytest.approx(
        one["inferences_per_programming"].values
    )
    with pytest.raises(InputError, match="protection is '3T'; accepted: none or 2T2R"):
        energy(protection="3T")


def test_a_convolution_costs_its_places_and_latched_rows_do_not(energy):
    shape = NetworkShape.parse("3x8x8-4C3-10")
    each, latched = (
        energy(reads_of_shape(shape, pixel_bits=1, reuse=reuse)) for reuse in (False, True)
    )
    ratio = each["layer_energy"] / latched["layer_energy"]
    assert ratio.sel(layer=1).values == pytest.approx([64.0] * 3)
    assert ratio.sel(layer=2).values == pytest.approx([1.0] * 3)
    planes = energy(reads_of_shape(shape, pixel_bits=8, reuse=True))
    ratio = planes["layer_energy"] / latched["layer_energy"]
    assert ratio.sel(layer=1).values == pytest.approx([8.0] * 3)


def test_over_a_life_both_are_added_and_the_least_is_told(energy):
    found = energy(life=Life(reprogrammings=9, inferences=1e6))
    for condition, joule in _by_name(found, "life_energy").items():
        row = found.sel(condition=condition)
        expected = 10 * float(row["programming_energy"]) + 1e6 * float(row["energy_in_cells"])
        assert joule == pytest.approx(expected)
    assert set(found["life_energy_bound"].values) == {"lower"}
    assert _by_name(found, "cheapest") == {"very strong": 0, "strong": 0, "weak": 1}
    assert "life_energy" not in energy()
    assert energy(life=Life(inferences=0))["life_energy"].values == pytest.approx(
        energy()["programming_energy"].values
    )


def test_more_programmings_than_the_endurance_exclude_a_condition(energy, conditions):
    # Stated: 100 cycles for very strong, more than 1e6 for weak.
    assert _by_name(energy(), "within_endurance")["very strong"] == "yes"
    worn = energy(life=Life(reprogrammings=100, inferences=1))
    assert _by_name(worn, "within_endurance")["very strong"] == "no"
    assert _by_name(worn, "within_endurance")["weak"] == "yes"
    is_weak = conditions["condition"] == "weak"
    fitted = conditions.assign(
        endurance=conditions["endurance"].where(~is_weak, 300.0),
        endurance_low=conditions["endurance"].where(~is_weak, 200.0),
        endurance_high=conditions["endurance"].where(~is_weak, 400.0),
        endurance_bound=conditions["endurance_bound"].where(~is_weak, ""),
    )
    open_still = energy(conditions=fitted, life=Life(reprogrammings=299, inferences=1))
    assert _by_name(open_still, "within_endurance")["weak"] == "not settled"
    (sentence,) = [text for text in energy_sentences(open_still) if "not settled" in text]
    assert sentence.startswith("weak: the interval of its endurance contains the 300 programmings")
    beyond = energy(life=Life(reprogrammings=2e6))
    assert _by_name(beyond, "within_endurance")["weak"] == "unknown"


def test_unknown_energies_stay_unknown_and_the_rest_is_compared(energy, conditions, paper):
    lost = conditions.copy(deep=True)
    lost["set_energy"].loc[{"condition": "weak"}] = np.nan
    lost["set_energy_basis"] = ("condition", ["stated", "stated", "unknown"])
    found = energy(conditions=lost, life=Life(inferences=1e3))
    weak = found.sel(condition="weak")
    for name in ("programming_energy", "inferences_per_programming", "life_energy"):
        assert math.isnan(float(weak[name])), name
    assert str(weak["life_energy_bound"].values) == ""
    assert float(weak["energy_in_cells"]) > 0
    assert _by_name(found, "cheapest") == {"very strong": 0, "strong": 1, "weak": 0}
    # A network without a weight of -1 has no SET.
    plus = paper.copy(deep=True)
    plus["plus_weights"] = plus["plus_weights"] + plus["minus_weights"]
    plus["minus_weights"] = plus["minus_weights"] * 0
    only = energy(plus, conditions=lost).sel(condition="weak")
    assert float(only["programming_energy"]) == pytest.approx(20_029_440 * 5e-12)


def test_a_condition_without_readings_has_no_energy_of_an_inference(conditions, populations, paper):
    some = populations.sel(condition=["weak"])
    found = inference_energy(conditions, some, paper, read=READ)
    strong = found.sel(condition="strong")
    assert float(strong["programming_energy"]) == pytest.approx(250e-6, rel=2e-3)
    assert math.isnan(float(strong["inference_energy"]))
    assert str(strong["inference_energy_basis"].values) == "unknown"
    assert str(strong["inference_energy_bound"].values) == ""


def test_the_energy_is_the_sum_over_sampled_cells(measured_from, exact_sample, conditions):
    lrs, hrs = exact_sample(7e3, 0.3), exact_sample(9e4, 0.8, seed=2)
    fits = fit_conditions(measured_from({"weak": (lrs, hrs)}).readings)
    populations = populations_dataset(fits, origin="measured")
    reads = reads_of_shape(NetworkShape.parse("1000-400-10"), pixel_bits=1)
    weak = conditions.sel(condition=["weak"])
    found = inference_energy(weak, populations, reads, read=READ)
    rng = np.random.default_rng(4)
    half = 404_000 // 2
    ohm = np.concatenate(
        [
            7e3 * np.exp(0.3 * rng.standard_normal(half)),
            9e4 * np.exp(0.8 * rng.standard_normal(half)),
        ]
    )
    joule = np.sum(0.2**2 * 10e-9 / ohm)
    assert float(found["energy_in_cells"][0]) == pytest.approx(joule, rel=5e-3)


@pytest.mark.parametrize("limit", [math.inf, 1e5])
def test_the_interval_is_that_of_ln_of_the_mean_conductance(
    measured_from, exact_sample, conditions, paper, limit
):
    lrs, hrs = exact_sample(7e3, 0.5, cells=200), exact_sample(9e4, 0.8, cells=200, seed=2)
    sides = np.zeros(200, dtype=int), (hrs > limit).astype(int)
    cells = lrs, np.minimum(hrs, limit)
    measured = measured_from({"strong": cells}, censoring=np.concatenate(sides))
    populations = populations_dataset(fit_conditions(measured.readings), origin="synthetic")
    found = inference_energy(conditions.sel(condition=["strong"]), populations, paper, read=READ)
    parts, relative = [], []
    for ohms, side in zip(cells, sides, strict=True):
        fit = fit_lognormal(ohms, side)
        # ln E[1/R] = -g/h + 1 / (2 h**2), with g = mu/sigma and h = 1/sigma.
        g, h = fit.mu / fit.sigma, 1 / fit.sigma
        slope = np.array([-1 / h, g / h**2 - 1 / h**3])
        relative.append(math.sqrt(slope @ fit.covariance @ slope))
        parts.append(0.2**2 * 10e-9 * 20_029_440 / 2 * math.exp(-g / h + 1 / (2 * h**2)))
    half = 1.959964 * math.hypot(*np.multiply(relative, parts)) / sum(parts)
    assert found["energy_in_cells"].item() == pytest.approx(sum(parts))
    assert found["energy_in_cells_low"].item() == pytest.approx(sum(parts) * math.exp(-half))
    assert found["energy_in_cells_high"].item() == pytest.approx(sum(parts) * math.exp(half))


@pytest.mark.slow
def test_the_interval_covers_the_true_energy(measured_from, conditions, paper):
    rng = np.random.default_rng(7)
    truth = (
        0.2**2 * 10e-9 * 20_029_440 / 2 * (math.exp(0.5**2 / 2) / 7e3 + math.exp(0.7**2 / 2) / 9e4)
    )
    samples = {
        f"sample {k}": (
            7e3 * np.exp(0.5 * rng.standard_normal(100)),
            9e4 * np.exp(0.7 * rng.standard_normal(100)),
        )
        for k in range(400)
    }
    fits = fit_conditions(measured_from(samples).readings)
    populations = populations_dataset(fits, origin="synthetic")
    names = populations["condition"].values
    alike = conditions.isel(condition=[0] * len(names)).assign_coords(condition=names)
    found = inference_energy(alike, populations, paper, read=READ)
    covered = (found["energy_in_cells_low"] < truth) & (truth < found["energy_in_cells_high"])
    # 95 % of 400 are 380, with a standard deviation of 4.4.
    assert 365 <= int(covered.sum()) <= 395


_energies = st.lists(
    st.tuples(st.floats(0.1, 100.0), st.floats(0.1, 100.0)), min_size=1, max_size=5
)


@given(_energies, st.floats(0.0, 1e3))
def test_the_range_of_the_cheapest_holds_the_least_cost_at_every_number(pairs, inferences):
    programmed, each = np.array(pairs).T
    first, last = cheapest_ranges(programmed, each)
    cost = programmed + inferences * each
    within = (first <= inferences) & (inferences <= last)
    assert np.all(cost[within] <= cost.min() * (1 + 1e-9))
    # What is left out within the ranges is beyond rounding nowhere cheaper.
    if within.any():
        assert cost.min() == pytest.approx(cost[within].min())
    assert np.isfinite(first).any()


@given(_energies)
def test_at_the_break_even_point_two_conditions_have_cost_the_same(pairs):
    programmed, each = np.array(pairs).T
    points = break_even(programmed, each)
    for one, other in zip(*np.nonzero(np.isfinite(points)), strict=True):
        costs = programmed + points[one, other] * each
        assert costs[one] == pytest.approx(costs[other])
        assert points[one, other] == pytest.approx(points[other, one])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CircuitEnergies(sense=1e-15), "without its source"),
        (lambda: CircuitEnergies(sense=-1e-15, source="x"), "sense amplifiers is -1e-15 J"),
        (lambda: CircuitEnergies(other=math.inf, source="x"), "other circuits is inf J"),
        (lambda: Life(reprogrammings=-1), "number of reprogrammings is -1"),
        (lambda: Life(inferences=math.nan), "number of inferences is nan"),
        (lambda: Life(inferences=math.inf), "number of inferences is inf"),
    ],
)
def test_what_no_chip_can_have_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
