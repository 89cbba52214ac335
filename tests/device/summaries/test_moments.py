"""Means and medians with their spread: the lognormal that has them, and how well it is known."""

import json

import numpy as np
import pytest
from scipy.stats import lognorm, norm

import rramsim
from rramsim.device.summaries.moments import lognormal_of
from rramsim.errors import InputError
from rramsim.measurements import CentreAndSpread

MU, SIGMA, COUNT = np.log(50e3), 0.5, 400
SHAPE = lognorm(SIGMA, scale=np.exp(MU))
QUARTILES = SHAPE.ppf(0.75) - SHAPE.ppf(0.25)


def summary(centre_of, centre, spread_of, spread, readings=COUNT):
    return CentreAndSpread("A", "LRS", readings, centre, centre_of, spread, spread_of, "t.csv")


WAYS = {
    "median, sigma": ("median", SHAPE.median(), "sigma of ln R", SIGMA),
    "mean of ln R, sigma": ("mean of ln R", MU, "sigma of ln R", SIGMA),
    "mean, sigma": ("mean", SHAPE.mean(), "sigma of ln R", SIGMA),
    "mean, deviation": ("mean", SHAPE.mean(), "standard deviation", SHAPE.std()),
    "median, deviation": ("median", SHAPE.median(), "standard deviation", SHAPE.std()),
    "median, quartiles": ("median", SHAPE.median(), "interquartile range", QUARTILES),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_centre_and_a_spread_give_their_lognormal_back(way):
    fit = lognormal_of(summary(*WAYS[way]), assumed=1)
    assert (fit.mu, fit.sigma) == pytest.approx((MU, SIGMA))
    assert fit.readings == COUNT


@pytest.mark.parametrize("way", ["median, sigma", "mean of ln R, sigma", "mean, deviation"])
def test_standard_errors_are_those_of_such_samples(way):
    """Of 4,000 samples of 400 readings: the scatter of mu and sigma got from their moments."""
    ohms = SHAPE.rvs((4000, COUNT), random_state=1)
    logs = np.log(ohms)
    sigmas = logs.std(axis=1)
    mus = np.median(logs, axis=1) if way.startswith("median") else logs.mean(axis=1)
    if way == "mean, deviation":
        sigmas = np.sqrt(np.log1p((ohms.std(axis=1) / ohms.mean(axis=1)) ** 2))
        mus = np.log(ohms.mean(axis=1)) - sigmas**2 / 2
    fit = lognormal_of(summary(*WAYS[way]), assumed=1)
    assert fit.mu_standard_error == pytest.approx(mus.std(), rel=0.06)
    assert fit.sigma_standard_error == pytest.approx(sigmas.std(), rel=0.06)


def test_what_no_lognormal_has_is_refused():
    with pytest.raises(InputError, match="'A', LRS: a mean and standard deviation of 5 and 0 are"):
        lognormal_of(summary("mean", 5.0, "standard deviation", 0.0), assumed=1)


LNS = "condition,state,n,median (kOhm),sigma(ln R)\nA,LRS,400,5,0.4\nA,HRS,400,15,0.6\n"


def fit_of(tmp_path, content, **options):
    (tmp_path / "table.csv").write_text(content)
    return rramsim.fit(tmp_path / "table.csv", **options)


def test_the_ber_is_that_of_the_lognormals_and_extrapolated(tmp_path):
    fit = fit_of(tmp_path, LNS, reference="8 kOhm")
    row = fit.conditions.sel(condition="A")
    rates = norm.sf(np.log(8 / 5) / 0.4), norm.sf(np.log(15 / 8) / 0.6)
    assert float(row["ber"]) == pytest.approx(np.mean(rates))
    assert (float(row["ber_lrs"]), float(row["ber_hrs"])) == pytest.approx(rates)
    assert float(row["ber_low"]) < float(row["ber"]) < float(row["ber_high"])
    assert (str(row["ber_basis"].values), int(row["ber_extrapolated"])) == ("fitted", 1)
    (note,) = [note for note in fit.examination.notes if note.kind == "from moments"]
    assert str(note).startswith("A: the populations are from the median and sigma of ln R, not")
    answer = json.loads(fit.to_json())["conditions"][0]["lrs"]
    assert answer["from"] == "median and sigma of ln R"
    assert answer["median_ohm"] == pytest.approx(5e3)
    assert answer["from_percentiles"] is None
    assert "median and sigma of ln R" in fit.table()


def test_a_ber_beyond_what_a_least_sample_shows_is_a_bound(tmp_path):
    """A middle and a spread lead as far as quartiles do: as a sample of 20 cells."""
    wide = fit_of(tmp_path, LNS.replace("15,0.6", "300,0.6"))
    row = wide.conditions.sel(condition="A")
    assert str(row["ber_bound"].values) == "upper"
    assert float(row["ber_high"]) == pytest.approx(norm.sf(2.0 - norm.ppf(1 / 20)))


def test_without_the_number_of_readings_there_is_no_interval(tmp_path):
    fit = fit_of(tmp_path, LNS.replace(",n,", ",who,"))
    row = fit.conditions.sel(condition="A")
    assert np.isfinite(float(row["ber"]))
    assert np.isnan([float(row["ber_low"]), float(row["ber_high"])]).all()
    assert [note.kind for note in fit.examination.notes].count("readings unknown") == 2


def test_few_readings_behind_a_mean_give_their_bound_only(tmp_path):
    row = fit_of(tmp_path, LNS.replace(",400,", ",5,")).conditions.sel(condition="A")
    assert str(row["ber_bound"].values) == "upper"
    assert float(row["ber_high"]) > 0.1
