import math

import numpy as np
import pytest
from scipy.special import ndtr

from rramsim.device.bit_errors.headline import bit_errors
from rramsim.device.lifetime.cycles.checkpoints import checkpoint_edges
from rramsim.device.lifetime.cycles.cycling import against_cycles
from rramsim.device.populations.fit import fit_conditions
from rramsim.errors import InputError
from rramsim.readers.measurements import read_measurements
from rramsim.readers.shipped import resolve
from rramsim.schema import make

REFERENCE = math.exp(10.5)


@pytest.fixture(scope="module")
def cycled(measured_from, exact_sample):
    """Return readings at cycles 10 to 1e5 whose BER is ndtr(-z) at a reference in the middle."""

    def build(scores, *, cells=500):
        cycles = 10 ** np.arange(1, len(scores) + 1)
        parts = [
            [
                exact_sample(REFERENCE * math.exp(sign * 0.4 * z), 0.4, cells, seed)
                for z, seed in zip(scores, range(len(scores)), strict=True)
            ]
            for sign in (-1, 1)
        ]
        count = cells * len(scores)
        readings = measured_from(
            {"worn": [np.concatenate(part) for part in parts]},
            cells=np.tile(np.arange(cells), 2 * len(scores)),
        ).readings
        readings["cycle"] = ("reading", np.tile(np.repeat(cycles, cells), 2))
        assert readings.sizes["reading"] == 2 * count
        return readings

    return build


def test_the_ber_of_each_checkpoint_is_that_of_its_populations(cycled):
    scores = [3.0, 2.7, 2.4, 2.1]
    found = against_cycles(cycled(scores), reference_resistance=REFERENCE).dataset
    fitted = found["ber_basis"].values[0] == "fitted"
    assert fitted.any()
    assert found["ber"].values[0][fitted] == pytest.approx(ndtr(-np.array(scores))[fitted])
    assert found["cycle"].values[0].tolist() == [10, 100, 1000, 10000]
    assert (found["readings"].values == 500).all()
    assert (found["cells"].values == 500).all()
    median = found["p50"].sel(state="HRS").values[0]
    assert np.log(median / REFERENCE) == pytest.approx(0.4 * np.array(scores), abs=0.03)


def test_the_line_crosses_the_limit_where_the_populations_do(cycled):
    scores = 3.0 - 0.3 * np.arange(5)  # probit(BER) = -3.3 + 0.3 log10(cycle)
    row = against_cycles(
        cycled(scores), reference_resistance=REFERENCE, ber_limit=float(ndtr(-2.2))
    ).dataset
    assert row["slope"].item() == pytest.approx(0.3, abs=0.03)
    crossing = row["cycles_to_limit"].item()
    assert math.log10(crossing) == pytest.approx((3.3 - 2.2) / 0.3, abs=0.2)
    assert row["cycles_to_limit_low"].item() < crossing < row["cycles_to_limit_high"].item()
    assert row["cycles_to_limit_bound"].item() == ""


@pytest.mark.slow
def test_what_was_not_read_is_not_claimed(cycled):
    scores = 3.0 - 0.3 * np.arange(4)
    below = against_cycles(cycled(scores), reference_resistance=REFERENCE, ber_limit=0.2)
    assert below.dataset["cycles_to_limit"].item() == 10000
    assert below.dataset["cycles_to_limit_bound"].item() == "lower"
    assert math.isnan(below.dataset["cycles_to_limit_high"].item())
    assert any("a lower bound" in str(note) for note in below.notes)
    above = against_cycles(cycled(scores), reference_resistance=REFERENCE, ber_limit=1e-6)
    assert above.dataset["cycles_to_limit"].item() == 10
    assert above.dataset["cycles_to_limit_bound"].item() == "upper"


def test_a_worn_out_checkpoint_is_counted_where_its_states_have_exchanged(cycled):
    readings = cycled([2.0, -1.0])
    found = against_cycles(readings, reference_resistance=REFERENCE).dataset
    assert found["ber_basis"].values[0].tolist()[1] == "counted"
    last = readings["cycle"].values == 100
    wrong = (readings["resistance"].values > REFERENCE) == (readings["state_index"].values == 0)
    assert found["ber"].values[0, 1] == pytest.approx(wrong[last].mean())


def test_many_cycles_are_taken_by_decade_with_a_first_one_alone():
    edges = checkpoint_edges(np.arange(1, 2000))
    assert edges.tolist() == [1, 2, 10, 100, 1000, 10000]
    assert checkpoint_edges(np.arange(2000)).tolist() == [0, 1, 10, 100, 1000, 10000]
    assert checkpoint_edges(np.arange(5, 200)).tolist() == [1, 10, 100, 1000]
    apart = checkpoint_edges(np.arange(5, 200), is_first_apart=True)
    assert apart.tolist() == [5, 6, 10, 100, 1000]
    assert checkpoint_edges(np.array([25, 50])).tolist() == [25, 50, 51]


def test_a_last_decade_of_one_read_out_is_taken_with_the_one_before():
    """One cell read at every cycle from 100 to 10,000: the last decade has one cycle."""
    assert checkpoint_edges(np.arange(100, 10_001)).tolist() == [100, 1000, 100_000]
    many = np.repeat(np.arange(100, 10_001, 100), 50)
    assert checkpoint_edges(many).tolist() == [100, 1000, 10_000, 100_000]
    # Cycle 1 stays alone.
    assert checkpoint_edges(np.arange(1, 14)).tolist() == [1, 2, 100]


def test_a_checkpoint_that_shows_nothing_has_no_ber(measured_from):
    """One cell: one reading a state at a cycle shows less than 1, and says nothing."""
    cycle = np.arange(1, 6)
    readings = measured_from(
        {"one": ([1e4] * 5, [1e6] * 5)}, cells=np.zeros(10, int), cycle=np.tile(cycle, 2)
    ).readings
    found = against_cycles(readings, reference_resistance=1e5).dataset
    assert found["cycle"].values.tolist() == [[1, 2, 3, 4, 5]]
    assert np.isnan(found["ber_high"].values).all()
    assert (found["ber_bound"].values == "").all()


def cells_cycled(first, change):
    """Return 30 cells over 8 cycles from `first` on, the first one's LRS changed by a factor."""
    rng = np.random.default_rng(1)
    columns = {"condition_index": [], "state_index": [], "cell": [], "cycle": [], "resistance": []}
    for cell in range(30):
        for cycle in range(first, first + 8):
            for state, (mu, sigma) in enumerate(((math.log(5e3), 0.1), (math.log(3e5), 0.4))):
                factor = change if cycle == first and not state else 1.0
                row = (0, state, cell, cycle, factor * math.exp(rng.normal(mu, sigma)))
                for name, value in zip(columns, row, strict=True):
                    columns[name].append(value)
    size = len(columns["cell"])
    return make(
        "readings",
        {
            **{name: np.array(values) for name, values in columns.items()},
            "censoring": np.zeros(size, dtype=int),
        },
        {"condition": ["A"], "state": ["LRS", "HRS"]},
    )


@pytest.mark.slow
@pytest.mark.parametrize("first", [0, 1, 7])
def test_the_first_cycle_read_is_said_to_be_apart_only_where_it_is(first):
    apart = against_cycles(cells_cycled(first, 2.0), reference_resistance=REFERENCE)
    (note,) = (note for note in apart.notes if note.kind == "first cycle")
    assert str(note).startswith(f"A: cycle {first}, the first one read, is another population")
    assert note.values["cycle"] == first
    assert note.values["p_value"] < 0.01
    like_others = against_cycles(cells_cycled(first, 1.0), reference_resistance=REFERENCE)
    assert not any(note.kind == "first cycle" for note in like_others.notes)


def test_of_three_cycles_none_is_called_another_population(cycled):
    found = against_cycles(cycled([3.0, 2.5, 2.0]), reference_resistance=REFERENCE)
    assert not any(note.kind == "first cycle" for note in found.notes)


def test_one_cycle_has_no_curve_and_a_strange_limit_is_refused(cycled):
    assert against_cycles(cycled([2.0]), reference_resistance=REFERENCE) is None
    with pytest.raises(InputError, match="above 0 and below"):
        against_cycles(cycled([2.0, 1.9]), reference_resistance=REFERENCE, ber_limit=0.7)


@pytest.fixture(scope="module")
def shipped():
    """Two checkpoints, 25 and 50 cycles, whose intervals overlap."""
    return read_measurements([resolve("ni-rram-64kb-cycling")]).readings


def reference_of(readings):
    (condition,) = fit_conditions(readings)
    return bit_errors(condition).reference


@pytest.mark.slow
def test_a_bound_ends_where_the_band_meets_the_limit(shipped):
    reference = reference_of(shipped)
    found = against_cycles(shipped, reference_resistance=reference, ber_limit=0.0315)
    row = found.dataset.isel(condition=0)
    # The BER at 50 cycles is below the limit, its interval is not.
    assert row["ber"].values[-1] < 0.0315 < row["ber_high"].values[-1]
    assert row["cycles_to_limit_bound"].item() == "lower"
    cycles = row["cycles_to_limit"].item()
    assert 25 < cycles < 50
    x = np.array([1.0, math.log10(cycles)])
    line = row["intercept"].item() + row["slope"].item() * x[1]
    half = 1.959964 * math.sqrt(x @ row["covariance"].values @ x)
    assert ndtr(line + half) == pytest.approx(0.0315, rel=1e-3)
    assert any(f"95 % band only up to {cycles:.2f} cycles" in str(note) for note in found.notes)
    safe = against_cycles(shipped, reference_resistance=reference, ber_limit=0.1)
    assert safe.dataset["cycles_to_limit"].item() == 50


@pytest.mark.slow
@pytest.mark.parametrize("limit", [0.02, 0.0245])
def test_no_bound_is_claimed_where_the_band_includes_the_limit_from_the_start(shipped, limit):
    found = against_cycles(
        shipped, reference_resistance=reference_of(shipped), ber_limit=limit
    ).dataset
    row = found.isel(condition=0)
    assert row["ber_low"].values[0] < limit < row["ber_high"].values[0]
    if row["cycles_to_limit_bound"].item():
        band_end = row["cycles_to_limit"].item()
        assert row["cycles_to_limit_bound"].item() == "upper"
        assert 25 < band_end < 50
    else:
        assert 25 < row["cycles_to_limit"].item() < 50
        assert math.isnan(row["cycles_to_limit_low"].item())


def test_a_percentile_among_the_limits_is_not_a_resistance(cycled):
    readings = cycled([3.0, 2.7])
    high = np.percentile(readings["resistance"].values[readings["state_index"].values == 1], 80)
    is_limit = readings["resistance"].values >= high
    readings["censoring"] = ("reading", is_limit.astype(int))
    readings["resistance"] = ("reading", np.minimum(readings["resistance"].values, high))
    row = against_cycles(readings, reference_resistance=REFERENCE).dataset.sel(state="HRS")
    assert np.isnan(row["p95"].values).all()
    assert np.isfinite(row["p50"].values).all()


def of_cells(rng, *, share, cells=100, scores=(2.2, 1.9, 1.6, 1.3)):
    """Return readings whose ln R has this share of its variance from cell to cell."""
    cell, number = (index.ravel() for index in np.indices((cells, len(scores))))
    ohms = []
    for sign in (-1, 1):
        z = math.sqrt(share) * rng.standard_normal(cells)[cell]
        z = z + math.sqrt(1 - share) * rng.standard_normal(cell.size)
        ohms.append(REFERENCE * np.exp(0.4 * (sign * np.array(scores)[number] + z)))
    values = {
        "resistance": np.concatenate(ohms),
        "censoring": np.zeros(2 * cell.size, dtype=int),
        "condition_index": np.zeros(2 * cell.size, dtype=int),
        "state_index": np.repeat([0, 1], cell.size),
        "cell": np.tile(cell, 2),
        "cycle": np.tile(10 ** (number + 1), 2),
    }
    return make("readings", values, {"condition": ["A"], "state": ["LRS", "HRS"]})


@pytest.mark.slow
def test_checkpoints_of_the_same_cells_are_no_independent_points():
    # Cells that differ and never change: what they are off by at one cycle they are at all.
    found = []
    for named in (True, False):
        readings = of_cells(np.random.default_rng(3), share=1.0, scores=(1.8, 1.8, 1.8, 1.8))
        if not named:
            readings = readings.assign(cell=0 * readings["cell"] - 1)
        line = against_cycles(readings, reference_resistance=REFERENCE).dataset.isel(condition=0)
        found.append(line["covariance"].values)
    middle = np.array([1.0, 2.5])
    together, apart = (middle @ covariance @ middle for covariance in found)
    assert together == pytest.approx(4.0 * apart)  # one point, not four
    assert found[0][1, 1] == pytest.approx(0.0, abs=1e-9)  # and no doubt of the slope


@pytest.mark.slow
def test_checkpoints_without_an_error_bound_a_line_that_does_not_hold_them():
    # Good to cycle 1,000, dead from 10,000 on: the line has only the two last points.
    readings = of_cells(np.random.default_rng(3), share=0.0, scores=(9.0, 9.0, 9.0, 0.0, 0.0))
    found = against_cycles(readings, reference_resistance=REFERENCE, ber_limit=0.01)
    row = found.dataset.isel(condition=0)
    assert row["ber_bound"].values.tolist() == ["upper"] * 3 + [""] * 2
    assert (row["cycles_to_limit"].item(), row["cycles_to_limit_high"].item()) == (1e3, 1e4)
    assert row["cycles_to_limit_bound"].item() == "lower"


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.8])
def test_the_band_of_the_line_covers_as_often_as_it_says(share):
    rng, covered = np.random.default_rng(2), []
    middle = np.array([1.0, 2.5])
    for _ in range(60):
        readings = of_cells(rng, share=share)
        row = against_cycles(readings, reference_resistance=REFERENCE).dataset.isel(condition=0)
        off = middle @ [row["intercept"].item(), row["slope"].item()] - (-2.5 + 0.3 * 2.5)
        covered.append(abs(off) < 1.96 * math.sqrt(middle @ row["covariance"].values @ middle))
    assert np.mean(covered) >= 0.866  # 0.95 less three standard errors; independent: 0.6
