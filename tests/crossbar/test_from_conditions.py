"""Which faults stand for a condition: sampled where fitted, counted rates, or a stated BER."""

import numpy as np
import pytest
import xarray as xr

from rramsim.crossbar.faults import IidFaults, PopulationFaults, StateFaults
from rramsim.crossbar.from_conditions import (
    faults_at_upper_end,
    faults_of_condition,
    in_words,
    protected_condition,
)
from rramsim.crossbar.protection import parse, protection_of
from rramsim.device.characterize import characterize
from rramsim.errors import InputError
from rramsim.readers.conditions import read_conditions
from rramsim.readers.measurements import read_measurements
from rramsim.readers.shipped import resolve


@pytest.fixture(scope="module")
def stated():
    return read_conditions(resolve("table1"))


@pytest.mark.slow
def test_a_fitted_ber_gives_sampled_resistances_with_that_ber(stated):
    found = characterize(read_measurements([resolve("hirtzlin2019-reconstructed")]), stated)
    for name, ber in (("strong", 9.7e-5), ("weak", 3.3e-2)):
        faults = faults_of_condition(
            found.products["conditions"].sel(condition=name), found.products["populations"]
        )
        assert isinstance(faults, PopulationFaults)
        assert faults.mean_ber(0.5) == pytest.approx(ber, rel=1e-3)


@pytest.mark.slow
def test_where_counting_wins_nothing_is_sampled_from_the_fit():
    found = characterize(read_measurements([resolve("ni-rram-64kb-cycling")]))
    row = found.products["conditions"].isel(condition=0)
    faults = faults_of_condition(row, found.products["populations"])
    assert isinstance(faults, StateFaults)
    assert faults.mean_ber(0.5) == pytest.approx(float(row.ber))


def test_a_stated_ber_is_used_and_a_bound_is_its_worst(stated):
    by_name = {
        name: faults_of_condition(stated.sel(condition=name), None)
        for name in ("very strong", "weak")
    }
    assert by_name == {"very strong": IidFaults(1e-6), "weak": IidFaults(3.3e-2)}
    assert np.isnan(float(stated.sel(condition="very strong").ber))


def test_where_only_counting_is_believed_its_bound_is_planted(tmp_path):
    """Uniform cells are not lognormal, and none of 400 errs."""
    rng = np.random.default_rng(1)
    rows = ["condition,state,R [ohm]"]
    for state, median in (("LRS", 1e4), ("HRS", 1e6)):
        rows += [f"a,{state},{r:.6g}" for r in median * np.exp(rng.uniform(-0.8, 0.8, 200))]
    (tmp_path / "cells.csv").write_text("\n".join(rows))
    found = characterize(read_measurements([tmp_path / "cells.csv"]))
    row = found.products["conditions"].isel(condition=0)
    assert np.isnan(float(row.ber))
    faults = faults_of_condition(row, found.products["populations"])
    assert isinstance(faults, IidFaults)
    assert faults.ber == pytest.approx(-np.log(0.05) / 400)
    assert faults_at_upper_end(row) is None


def test_each_model_is_said_in_words():
    models = (IidFaults(0.1), StateFaults(0.1, 0.2), PopulationFaults(9.0, 0.2, 12.0, 0.7, 3e4))
    counted = xr.Dataset({"ber_basis": "counted"})
    assert [in_words(model, counted) for model in models] == [
        "independent errors at the BER, or its bound",
        "counted error rates of LRS and HRS cells",
        "resistances sampled from the fitted populations",
    ]


@pytest.mark.slow
def test_at_the_upper_end_both_states_err_more_by_one_factor(stated):
    found = characterize(read_measurements([resolve("hirtzlin2019-reconstructed")]), stated)
    row = found.products["conditions"].sel(condition="weak")
    worst = faults_at_upper_end(row)
    assert worst.mean_ber(0.5) == pytest.approx(float(row.ber_high))
    assert worst.ber_lrs / worst.ber_hrs == pytest.approx(float(row.ber_lrs / row.ber_hrs))
    assert faults_at_upper_end(stated.sel(condition="very strong")) is None
    assert faults_at_upper_end(stated.sel(condition="weak")) is None


def readings_of(tmp_path, cells, *, apart, seed=1):
    rng = np.random.default_rng(seed)
    rows = ["condition,state,R [ohm]"]
    for state, mu in (("LRS", 9.0), ("HRS", 9.0 + apart)):
        z = rng.standard_normal(cells)
        rows += [f"a,{state},{r:.8g}" for r in np.exp(mu + 0.3 * (z - z.mean()) / z.std())]
    (tmp_path / "cells.csv").write_text("\n".join(rows))
    return characterize(read_measurements([tmp_path / "cells.csv"])).products


@pytest.mark.parametrize(("cells", "basis"), [(3, "counted"), (64, "fitted")])
def test_a_bound_is_planted_though_there_is_a_fit(tmp_path, cells, basis):
    """Twelve sigmas apart: too far for the fit to lead, or too few cells for any."""
    found = readings_of(tmp_path, cells, apart=3.6)
    row = found["conditions"].isel(condition=0)
    assert (row.ber_basis.item(), row.ber_bound.item()) == (basis, "upper")
    assert faults_of_condition(row, found["populations"]) == IidFaults(float(row.ber_high))
    assert faults_at_upper_end(row) is None


def test_chips_err_at_the_ber_that_allows_for_the_chosen_reference(tmp_path):
    found = readings_of(tmp_path, 64, apart=2.0)
    row = found["conditions"].isel(condition=0)
    faults = faults_of_condition(row, found["populations"])
    assert isinstance(faults, StateFaults)
    assert faults.mean_ber(0.5) == pytest.approx(float(row.ber))
    assert in_words(faults, row) == "fitted error rates of LRS and HRS cells"


@pytest.fixture(scope="module")
def shipped(stated):
    return characterize(read_measurements([resolve("hirtzlin2019-reconstructed")]), stated).products


def test_2t2r_of_a_condition_is_that_of_its_fit(shipped):
    for name, ber in (("strong", 9.68e-7), ("weak", 7.57e-3)):
        row = shipped["conditions"].sel(condition=name)
        faults = protected_condition(row, shipped["populations"], parse("2T2R"))
        assert faults.mean_ber(0.3) == pytest.approx(ber, rel=2e-3)
        assert in_words(faults, row).startswith(
            "resistances sampled from the fitted populations; 2T"
        )
    # Of the third only a bound is believed, so only a bound is planted.
    row = shipped["conditions"].sel(condition="very strong")
    assert str(row.ber_2t2r_bound.item()) == "upper"
    bound = protected_condition(row, shipped["populations"], parse("2T2R"))
    assert bound.mean_ber(0.5) == float(row.ber_2t2r_high)


def test_a_code_leaves_of_a_bound_what_it_leaves_of_that_ber(stated):
    faults = protected_condition(stated.sel(condition="very strong"), None, parse("secded(72,64)"))
    assert faults.mean_ber(0.5) == pytest.approx(71e-12, rel=0.01)


def test_of_a_stated_ber_there_is_no_2t2r_and_no_verification(stated):
    row = stated.sel(condition="weak")
    for text in ("2T2R", "verify(5, read_spread=0.1)"):
        with pytest.raises(InputError, match="needs the populations of LRS and HRS"):
            protected_condition(row, None, parse(text))
    assert protected_condition(row, None, parse("none")) == IidFaults(3.3e-2)


def test_the_spread_of_reads_is_from_the_readings_or_given(shipped):
    row, populations = shipped["conditions"].sel(condition="weak"), shipped["populations"]
    parts = xr.Dataset(
        {"variance": (("condition", "state", "component"), [[[0.2, 0.01], [0.3, 0.04]]])},
        coords={"condition": ["weak"], "state": ["LRS", "HRS"], "component": ["cell", "cycle"]},
    )
    found = protected_condition(row, populations, parse("verify(5)"), variance=parts)
    assert str(found.protection) == "verify(5, read_spread_lrs=0.1, read_spread_hrs=0.2)"
    assert protection_of(found) == "verify(5)"
    assert found.residual.ber_hrs == pytest.approx(1.51e-2, rel=5e-3)
    given = parse("verify(5, read_spread=0.1)")
    kept = protected_condition(row, populations, given, variance=parts)
    assert kept.residual.ber_hrs == pytest.approx(6.5e-3, rel=0.01)
    # The shipped cells were read once.
    for variance in (None, parts.assign_coords(condition=["strong"]), parts * np.nan):
        with pytest.raises(InputError, match="the spread of ln R from one read of a cell"):
            protected_condition(row, populations, parse("verify(5)"), variance=variance)
