import itertools
import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from rramsim.device.lifetime.aging import DRAWS, Aging, UseTemperature, aging_of
from rramsim.device.read_conditions import ReadConditions
from rramsim.errors import InputError
from rramsim.schema import EXACT, STATES, make

# Level at the first cycle and t_0, change a decade of cycles, change a decade of time; mu, sigma.
LINES = np.array([[[8.5, 0.05, 0.01], [0.15, 0.01, 0.0]], [[12.6, -0.2, -0.05], [0.3, 0.04, 0.02]]])
CYCLES = (1, 100, 10_000, 1_000_000)
TIMES = (1.0, 100.0, 1e4, 1e6)
REFERENCE = math.exp(10.5)
HOT, USE = 423.15, 358.15


def exact(cells):
    z = np.random.default_rng(4).standard_normal(cells)
    return (z - z.mean()) / z.std()


def aged(grid=None, *, cells=150, z=exact, lines=LINES, kelvin=HOT):
    """Return readings of cells read at each pair of a cycle (-1: unknown) and a time (NaN)."""
    grid = tuple(itertools.product(CYCLES, TIMES)) if grid is None else grid
    columns = {"resistance": [], "state_index": [], "cell": [], "cycle": [], "time": []}
    for state, (cycle, time) in itertools.product((0, 1), grid):
        decades = (math.log10(max(cycle, 1)), math.log10(time) if time > 0 else 0.0)
        mu, sigma = lines[state] @ [1.0, *decades]
        columns["resistance"].append(np.exp(mu + sigma * z(cells)))
        columns["cell"].append(np.arange(cells) + 10_000 * state)
        for name, value in (("state_index", state), ("cycle", cycle), ("time", time)):
            columns[name].append(np.full(cells, value))
    return readings_of({name: np.concatenate(parts) for name, parts in columns.items()}, kelvin)


def readings_of(columns, kelvin=HOT):
    count = columns["resistance"].size
    return make(
        "readings",
        {
            "censoring": np.full(count, EXACT),
            "condition_index": np.zeros(count, dtype=int),
            "temperature": np.full(count, kelvin),
        }
        | columns,
        {"condition": ["55 uA"], "state": list(STATES)},
    )


def aging(readings, products=(), **more):
    reference = make_conditions()
    found = aging_of(readings, {"conditions": reference, **dict(products)}, **more)
    return found["55 uA"] if found else None


def make_conditions():
    return xr.Dataset(
        {"reference_resistance": ("condition", [REFERENCE])}, {"condition": ["55 uA"]}
    )


def known(lines=LINES, *, cycles=(1.0, 1e6), times=(1.0, 1e6), use=None, drawn=None):
    """Return aging along given lines."""
    return Aging(
        condition="55 uA",
        cycles=cycles,
        times=times,
        temperature=HOT,
        temperatures=(HOT,),
        read=ReadConditions(reference_resistance=REFERENCE),
        use=use,
        cells=(100, 100),
        lines=np.array(lines, dtype=float),
        drawn=np.empty((0, 2, 2, 3)) if drawn is None else drawn,
    )


def test_exact_lines_over_cycles_and_time_are_found():
    found = aging(aged())
    assert found.lines == pytest.approx(LINES, abs=1e-9)
    assert found.cycles == (1.0, 1e6)
    assert found.times == (1.0, 1e6)
    assert found.temperature == HOT
    assert found.cells == (150, 150)
    assert found.drawn.shape == (DRAWS, 2, 2, 3)
    expected = LINES @ [1.0, 2.0, 5.0]
    assert found.populations(100, 1e5) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("state", [0, 1])
def test_the_cycles_are_those_to_which_both_states_were_read(state):
    readings = aged()
    cycle, is_state = readings["cycle"].values, readings["state_index"].values == state
    kept = ~(is_state & ((cycle == CYCLES[0]) | (cycle == CYCLES[-1])))
    found = aging(readings.isel(reading=np.flatnonzero(kept)))
    assert found.cycles == CYCLES[1:3]
    # Two or three cycles of a state tell no first one that is apart from a drift.
    assert "first cycle" not in {note.kind for note in found.notes}


def test_one_cycle_held_and_the_others_read_once_give_the_same_lines():
    grid = [*((cycle, math.nan) for cycle in CYCLES[:-1]), *((CYCLES[-1], t) for t in TIMES)]
    assert aging(aged(grid)).lines == pytest.approx(LINES, abs=1e-9)


def test_a_retention_of_unknown_cycle_tells_the_drift_beside_cycles_of_unknown_time():
    grid = [*((cycle, math.nan) for cycle in CYCLES), *((-1, t) for t in TIMES)]
    readings = aged(grid)
    # At whatever level: what happened to these cells before is not known.
    readings["resistance"].values[readings["cycle"].values < 0] *= 1.5
    found = aging(readings)
    assert found.lines == pytest.approx(LINES, abs=1e-9)
    assert found.cycles == (1.0, 1e6)


def test_a_first_cycle_apart_is_left_out():
    readings = aged(tuple(itertools.product((1, 3, 10, 30, 100, 1000), TIMES)))
    first = readings["cycle"].values == 1
    readings["resistance"].values[first] *= 3.0
    found = aging(readings)
    assert found.cycles == (3.0, 1000.0)
    assert found.lines == pytest.approx(LINES, abs=1e-9)
    assert "first cycle" in {note.kind for note in found.notes}


def test_without_times_the_populations_are_constant_in_time_to_the_bit_and_that_is_said():
    found = aging(aged([(cycle, math.nan) for cycle in CYCLES]))
    assert found.populations(100, 0.0).tolist() == found.populations(100, 3e8).tolist()
    assert math.isnan(found.times[0])
    assert found.extrapolated(100, [0.0, 1.0]).tolist() == ["", "time"]
    assert [note.kind for note in found.notes] == ["no drift"]


def test_without_cycles_nothing_depends_on_them():
    found = aging(aged([(-1, time) for time in TIMES]))
    assert math.isnan(found.cycles[1])
    assert found.populations(1, 1e4).tolist() == found.populations(1e12, 1e4).tolist()
    assert found.lines == pytest.approx(LINES * [1.0, 0.0, 1.0], abs=1e-9)
    assert [note.kind for note in found.notes] == ["no lines over cycles"]


def test_of_the_one_cycle_that_was_read_nothing_is_claimed_beyond_it():
    found = aging(aged([(100, time) for time in TIMES]))
    assert found.cycles == (100.0, 100.0)
    assert found.extrapolated([1, 100], 1.0).tolist() == ["cycle", ""]
    with pytest.raises(InputError, match="101 cycles are beyond the last one read, 100"):
        found.populations(101, 1.0)


def test_readings_without_two_cycles_or_times_do_not_age():
    assert aging(aged([(1, 1.0)])) is None


def test_cycles_that_were_each_read_at_another_time_leave_both_untold():
    found = aging(aged(list(zip(CYCLES, TIMES, strict=True))))
    assert math.isnan(found.times[0])
    assert "cannot be separated" in found.notes[0].text


def test_a_cycle_beyond_the_last_is_refused():
    found = known()
    assert found.populations(1e6, 1.0).shape == (2, 2)
    for ask in (found.populations, found.drawn_populations, found.extrapolated):
        with pytest.raises(InputError, match="beyond the last one read"):
            ask([1.0, 2e6], 1.0)
    with pytest.raises(InputError, match="a time is -1 s"):
        found.populations(1, -1.0)
    with pytest.raises(InputError, match="a number of cycles is nan"):
        found.populations(math.nan, 1.0)


@settings(deadline=None)
@given(delta=st.floats(-0.5, 0.5), decades=st.floats(0.0, 12.0), sigma=st.floats(0.05, 2.0))
def test_a_drift_of_delta_a_decade_moves_the_error_rate_as_the_specification_says(
    delta, decades, sigma
):
    lines = [[[8.0, 0, 0], [0.2, 0, 0]], [[12.0, 0, delta], [sigma, 0, 0]]]
    (_, _), (mu, spread) = known(lines).populations(1, 10.0**decades)
    rate = ndtr(-(mu - 10.5) / spread)
    assert rate == pytest.approx(ndtr(-(12.0 + delta * decades - 10.5) / sigma), rel=1e-9)


def test_no_drift_is_constant_to_the_bit():
    still = known(LINES * [1.0, 1.0, 0.0])
    times = [0.0, 1.0, 3e3, 3.2e8]
    values = still.populations(1e3, times)
    assert (values == values[..., :1]).all()


def test_a_second_of_read_outs_at_150_degrees_is_145_of_use_at_85():
    found = aging(aged(), use_temperature=USE, activation_energy=1.0)
    assert found.use == UseTemperature(USE, 1.0, "stated")
    assert found.acceleration == pytest.approx(145, rel=0.01)
    at_use = found.populations(100, 1e5 * found.acceleration)
    assert at_use == pytest.approx(aging(aged()).populations(100, 1e5), abs=1e-9)
    # Up to one decade beyond 1e6 s at 150 degC.
    latest = 1e7 * found.acceleration
    assert found.extrapolated(1, [latest, 1.01 * latest]).tolist() == [
        "temperature",
        "time and temperature",
    ]
    assert found.extrapolated(1, 1.0).shape == ()


def test_a_use_within_50_kelvin_of_the_read_outs_is_not_marked():
    found = aging(aged(), use_temperature=HOT - 49.0, activation_energy=1.0)
    assert found.extrapolated(1, 10.0) == ""
    at_their_own = aging(aged(), use_temperature=HOT)
    assert at_their_own.use is None
    assert at_their_own.acceleration == 1.0


def law(energy, *, basis="fitted", temperatures=(400.0, 420.0, 440.0)):
    """Return the product "activation_energies" of one condition."""
    kelvin = [[*temperatures, *[math.nan] * (4 - len(temperatures))]]
    return xr.Dataset(
        {
            "activation_energy": ("condition", [energy]),
            "activation_energy_basis": ("condition", [basis]),
            "temperature": (("condition", "place"), kelvin),
        },
        {"condition": ["55 uA"]},
    )


def test_an_energy_that_was_fitted_carries_times_and_two_temperatures_are_said():
    asked = {"use_temperature": USE}
    found = aging(aged(), {"activation_energies": law(1.1)}, **asked)
    assert found.use == UseTemperature(USE, 1.1, "fitted", 3)
    assert found.notes == ()
    two = aging(aged(), {"activation_energies": law(1.1, temperatures=(400.0, 440.0))}, **asked)
    assert [note.kind for note in two.notes] == ["two temperatures"]
    given = aging(aged(), {"activation_energies": law(0.9, basis="given")}, **asked)
    assert given.use == UseTemperature(USE, 0.9, "stated")
    # Cells that do not follow Arrhenius have no energy.
    with pytest.raises(InputError, match="without an activation energy"):
        aging(aged(), {"activation_energies": law(-0.1)}, **asked)


def test_the_hold_that_reaches_the_longest_time_of_use_has_the_lines():
    warm, hot = aged(kelvin=USE), aged(kelvin=HOT)
    hot["resistance"].values[:] *= 1.1
    both = xr.concat([warm, hot], "reading", data_vars="minimal")
    assert aging(both).temperature == USE  # as measured both reach 1e6 s
    found = aging(both, use_temperature=USE, activation_energy=1.0)
    assert found.temperature == HOT
    assert found.temperatures == (USE, HOT)
    assert found.lines[:, 0, 0] == pytest.approx(LINES[:, 0, 0] + math.log(1.1), abs=1e-9)
    assert found.extrapolated(1, 10.0) == ""


def test_a_use_temperature_takes_an_energy_and_the_temperature_of_the_read_outs():
    with pytest.raises(InputError, match="without an activation energy"):
        aging(aged(), use_temperature=USE)
    with pytest.raises(InputError, match="name no temperature"):
        aging(aged(kelvin=math.nan), use_temperature=USE, activation_energy=1.0)


def test_a_sigma_that_reaches_0_is_nan():
    lines = LINES.copy()
    lines[0, 1] = [0.1, 0.0, -0.05]
    found = known(lines, drawn=np.stack([lines, LINES]))
    assert np.isnan(found.populations(1, [10.0, 1e3])[0, 1]).tolist() == [False, True]
    drawn = found.drawn_populations([[1], [10]], [10.0, 1e3, 1e4])
    assert drawn.shape == (2, 2, 2, 2, 3)
    assert np.isnan(drawn).sum() == 4


def test_draws_keep_their_lines_and_vary_by_what_whole_cells_leave_open():
    cells = 400
    found = aging(aged(cells=cells))
    # Exact cells are high at every cycle and time: what is open is the level, sigma / sqrt(n).
    mu = found.drawn_populations([1, 1e6], 1.0)[:, 0, 0]
    assert mu[:, 0].std() == pytest.approx(0.15 / math.sqrt(cells), rel=0.15)
    assert np.corrcoef(mu.T)[0, 1] > 0.99
    again = aging(aged(cells=cells)).drawn
    assert (again == found.drawn).all()
    other = aging(aged(cells=cells), seed=1).drawn
    assert (other[..., 0] != found.drawn[..., 0]).all()


@pytest.mark.slow
def test_the_interval_of_a_line_covers_what_it_claims():
    covered, runs = np.zeros((2, 2, 3)), 60
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        # A cell is high at one cycle and time, and as a rule at the next.
        own = rng.standard_normal(80)
        drawn = aging(
            aged(cells=80, z=lambda n, own=own, rng=rng: 0.8 * own + 0.6 * rng.standard_normal(n))
        ).drawn
        low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
        covered += (low < LINES) & (high > LINES)
    assert covered.min() >= 48  # 0.1 % point of Binomial(60, 0.93)
    assert covered.mean() < runs


def test_missing_cells_and_censored_readings_keep_the_lines():
    readings = aged(cells=400, grid=tuple(itertools.product(CYCLES[:2], TIMES[:2])))
    limit = math.exp(12.8)
    censored = (readings["resistance"].values > limit).astype(int)
    assert 0.1 < censored[readings["state_index"].values == 1].mean() < 0.4
    readings["resistance"].values[censored == 1] = limit
    readings["censoring"].values[:] = censored
    keep = np.random.default_rng(0).random(readings.sizes["reading"]) < 0.9
    found = aging(readings.isel(reading=np.flatnonzero(keep)))
    assert found.lines == pytest.approx(LINES, abs=0.05)
    low, high = np.percentile(found.drawn, (0.5, 99.5), axis=0)
    assert ((low < LINES + 1e-9) & (high > LINES - 1e-9)).all()


def test_few_cells_have_no_draws():
    found = aging(aged(cells=2))
    assert found.drawn_populations(1, [1.0, 2.0]).shape == (0, 2, 2, 2)
    assert "no interval of the lines" in {note.kind for note in found.notes}


def test_readings_without_a_temperature_are_in_no_line_and_that_is_said():
    readings = aged()
    is_first = readings["time"].values == 1.0
    readings["temperature"].values[is_first] = math.nan
    found = aging(readings)
    assert found.times == (100.0, 1e6)
    (note,) = found.notes
    assert note.kind == "temperature unknown"
    assert note.values["readings"] == np.count_nonzero(is_first)
    assert f"{np.count_nonzero(is_first):,} of {is_first.size:,} readings" in note.text
