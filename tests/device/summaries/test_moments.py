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


def estimates(ohms, centre_of, spread_of):
    """Return mu and sigma of each sample, shape (samples,), from its centre and its spread."""
    logs = np.log(ohms)
    mean, median, deviation = ohms.mean(axis=1), np.median(ohms, axis=1), ohms.std(axis=1)
    if spread_of == "sigma of ln R":
        sigmas = logs.std(axis=1)
    elif spread_of == "interquartile range":
        low, high = np.quantile(ohms, [0.25, 0.75], axis=1)
        sigmas = np.arcsinh((high - low) / (2.0 * median)) / norm.ppf(0.75)
    elif centre_of == "mean":
        sigmas = np.sqrt(np.log1p((deviation / mean) ** 2))
    else:
        sigmas = np.sqrt(np.log((1.0 + np.sqrt(1.0 + 4.0 * (deviation / median) ** 2)) / 2.0))
    if centre_of == "mean of ln R":
        return logs.mean(axis=1), sigmas
    return np.log(median) if centre_of == "median" else np.log(mean) - sigmas**2 / 2.0, sigmas


@pytest.fixture(scope="module", params=[0.3, 1.0])
def samples(request):
    """Return sigma, and 2,000 samples of 401 readings of a lognormal of that sigma."""
    rng = np.random.default_rng(5)
    return request.param, np.exp(MU + request.param * rng.standard_normal((2000, 401)))


@pytest.mark.parametrize("way", WAYS)
def test_standard_errors_are_those_of_such_samples(way, samples):
    """The scatter of mu and sigma over samples; of a standard deviation at sigma 1, at most."""
    sigma, ohms = samples
    centre_of, _, spread_of, _ = WAYS[way]
    shape = lognorm(sigma, scale=np.exp(MU))
    centre = {"median": np.exp(MU), "mean": shape.mean(), "mean of ln R": MU}[centre_of]
    spread = {
        "sigma of ln R": sigma,
        "standard deviation": shape.std(),
        "interquartile range": shape.ppf(0.75) - shape.ppf(0.25),
    }[spread_of]
    fit = lognormal_of(summary(centre_of, centre, spread_of, spread, readings=401), assumed=1)
    mus, sigmas = estimates(ohms, centre_of, spread_of)
    if spread_of == "standard deviation" and sigma == 1.0:
        # The tail that makes the deviation is rarely in so few readings.
        assert sigmas.std() < fit.sigma_standard_error < 2.2 * sigmas.std()
        assert 0.92 * mus.std() < fit.mu_standard_error < 2.2 * mus.std()
        return
    assert fit.mu_standard_error == pytest.approx(mus.std(), rel=0.08)
    assert fit.sigma_standard_error == pytest.approx(sigmas.std(), rel=0.08)


def test_a_mean_and_quartiles_are_of_two_lognormals():
    """IQR / mean is 2 exp(-s**2 / 2) sinh(0.6745 s): the same at sigma 1 and at another."""
    with pytest.raises(InputError, match="interquartile range are of two lognormals; give the med"):
        lognormal_of(summary("mean", 329.7e3, "interquartile range", 290.9e3), assumed=1)


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
