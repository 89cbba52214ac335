import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

import rramsim
from rramsim.device.lifetime import error_rates as module
from rramsim.device.lifetime.aging import Aging, UseTemperature
from rramsim.device.lifetime.counted_rates import CountedErrors, shift_to
from rramsim.device.lifetime.times.retention import TEN_YEARS
from rramsim.device.read_conditions import ReadConditions
from rramsim.schema import validate

HOT, USE = 423.15, 378.15
LINES = np.array([[[8.5, 0.1, 0.0], [0.4, 0.0, 0.0]], [[12.5, -0.1, -0.05], [0.6, 0.05, 0.02]]])


def error_rates(agings):
    return module.error_rates(agings, last_time=TEN_YEARS)


def known(lines=LINES, *, cycles=(1.0, 1e4), times=(1.0, 1e6), use=None, spread=0.0, cells=500):
    """Return aging along given lines, whose draws differ in the level of mu alone."""
    drawn = np.tile(lines, (101, 1, 1, 1))
    drawn[:, :, 0, 0] += np.linspace(-spread, spread, 101)[:, None]
    return Aging(
        condition="55 uA",
        cycles=cycles,
        times=times,
        temperature=HOT,
        temperatures=(HOT,),
        read=ReadConditions(reference_resistance=math.exp(10.5), lrs_share=0.4),
        use=use,
        cells=(cells, cells),
        lines=lines,
        drawn=drawn,
    )


def test_the_rates_are_those_of_the_populations_at_each_cycle_and_time():
    found = error_rates({"55 uA": known(spread=0.1)}).dataset
    validate(found, "aging")
    assert found["cycle"].values.tolist() == [1, 10, 100, 1e3, 1e4]
    assert found["time"].values.tolist() == [*(10.0**k for k in range(9)), TEN_YEARS]
    at = found.sel(condition="55 uA", cycle=1e4, time=1e6)
    lrs, hrs = ndtr(-(10.5 - 8.9) / 0.4), ndtr(-(11.8 - 10.5) / 0.92)
    assert at["error_rate"].values == pytest.approx([lrs, hrs])
    assert at["ber"].item() == pytest.approx(0.4 * lrs + 0.6 * hrs)
    # 95 % of draws that are even from -0.1 to 0.1.
    low, high = at["error_rate_low"], at["error_rate_high"]
    assert low.sel(state="LRS").item() == pytest.approx(ndtr(-(1.6 + 0.095) / 0.4), rel=1e-3)
    assert high.sel(state="HRS").item() == pytest.approx(ndtr(-(1.3 - 0.095) / 0.92), rel=1e-3)
    assert at["ber_low"] < at["ber"] < at["ber_high"]


def test_nothing_is_given_beyond_the_last_cycle_of_a_condition():
    found = error_rates({"short": known(cycles=(1.0, 50.0)), "long": known()}).dataset
    assert found["cycle"].values.tolist() == [1, 10, 50, 100, 1e3, 1e4]
    is_given = found["ber"].sel(time=1e6).notnull()
    assert is_given.sel(condition="short").values.tolist() == [True] * 3 + [False] * 3
    assert is_given.sel(condition="long").all()


def test_what_is_extrapolated_says_in_what():
    energy = UseTemperature(USE, 1.0, "stated")
    found = error_rates({"55 uA": known(times=(1.0, 1e5), use=energy, cycles=(10.0, 1e4))})
    dataset = found.dataset.isel(condition=0)
    factor = dataset["acceleration_factor"].item()
    assert factor == pytest.approx(26.14, rel=1e-3)
    late = dataset["time"].values > 1e6 * factor
    words = dataset["extrapolation"].sel(cycle=10).values
    assert words.tolist() == np.where(late, "time", "").tolist()
    assert (dataset["ber_extrapolated"] == (dataset["extrapolation"] != "")).all()


def test_few_cells_have_a_bound_and_fewer_nothing():
    at = {"cycle": 1.0, "time": 1.0}
    bound = error_rates({"55 uA": known(cells=40)}).dataset.sel(at).isel(condition=0)
    assert bound["error_rate_bound"].values.tolist() == ["upper", ""]
    assert math.isnan(bound["error_rate"].sel(state="LRS").item())
    assert bound["error_rate_high"].sel(state="LRS").item() == pytest.approx(3.8e-5, rel=0.05)
    none = error_rates({"55 uA": known(cells=19)}).dataset
    assert none["ber"].isnull().all()


def test_cycles_alone_have_one_time_and_times_alone_no_cycle():
    cycles = error_rates({"55 uA": known(times=(math.nan, math.nan))}).dataset
    assert cycles["time"].values.tolist() == [0.0]
    assert not cycles["ber_extrapolated"].any()
    times = error_rates({"55 uA": known(cycles=(math.nan, math.nan))}).dataset
    assert times.sizes["cycle"] == 1
    assert times["cycle"].isnull().all()
    assert times["ber"].notnull().all()


def test_a_sigma_that_reaches_0_gives_no_rate_and_that_is_said():
    lines = LINES.copy()
    lines[0, 1] = [0.4, 0.0, -0.1]
    found = error_rates({"55 uA": known(lines)})
    late = found.dataset["time"].values >= 1e4
    assert found.dataset["ber"].isel(condition=0, cycle=0).isnull().values.tolist() == late.tolist()
    assert [note.kind for note in found.notes] == ["spread reaches 0"]


def test_rates_of_a_condition_whose_errors_were_counted_agree_with_the_counts_of_each_cycle():
    fit = rramsim.fit("ni-rram-64kb-cycling")
    readings = fit.examination.measured.readings
    is_high = readings["resistance"].values > fit.aging["reference_resistance"].item()
    wrong = is_high != (readings["state_index"].values == 1)
    for cycle in (25, 50):
        at = fit.aging.sel(cycle=cycle).isel(condition=0, time=0)
        counted = wrong[readings["cycle"].values == cycle].mean()
        assert at["ber_low"] < counted < at["ber_high"]
        assert at["extrapolation"].item() == "lognormal"
    pooled = fit.aging["ber"].isel(condition=0, time=0).mean().item()
    assert pooled == pytest.approx(fit.conditions["ber"].item(), rel=1e-6)


def test_of_counts_without_an_error_and_of_a_bound_only_bounds_lead():
    without = replace(known(), counted=CountedErrors((0, 0), (500, 500), (1, 2)), bound=0.02)
    found = error_rates({"55 uA": without}).dataset.sel(cycle=1.0, time=1.0).isel(condition=0)
    assert found["error_rate_bound"].values.tolist() == ["upper", "upper"]
    # The rule of three, of 500 and of 250 independent readings.
    assert found["error_rate_high"].values == pytest.approx([0.006, 0.012], rel=0.02)
    assert found["ber_bound"] == "upper"
    assert found["ber_high"] == 0.02


def test_a_bound_of_a_fitted_ber_leads_until_the_lines_are_beyond_it():
    bound = error_rates({"55 uA": replace(known(), bound=0.02)}).dataset.isel(condition=0)
    alone = error_rates({"55 uA": known()}).dataset.isel(condition=0)
    is_beyond = alone["ber"] >= 0.02
    assert 0 < is_beyond.sum() < is_beyond.size
    assert (bound["ber_bound"].values == np.where(is_beyond, "", "upper")).all()
    assert (bound["ber_high"] >= 0.02).all()


@settings(deadline=None)
@given(
    rate=st.floats(1e-6, 0.999),
    probits=st.lists(st.floats(-6.0, 3.0), min_size=1, max_size=5),
)
def test_moved_probits_have_the_mean_rate_that_was_counted(rate, probits):
    weights = np.arange(len(probits)) + 1.0
    shift = shift_to(rate, probits, weights)
    assert np.average(ndtr(probits + shift), weights=weights) == pytest.approx(rate, rel=1e-9)
