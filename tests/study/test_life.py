"""Studies of cells that age: what excludes a condition, what is asked again, what is resumed."""

import json
import math

import pytest
from aged_cells import aged_cells

from rramsim.decision.life import YEAR
from rramsim.decision.recommend import recommend
from rramsim.decision.requirements import Requirements, judge
from rramsim.errors import DamagedWarning, InputError
from rramsim.network.model_files import save_network
from rramsim.network.training.train import train
from rramsim.readers.measurements import read_measurements
from rramsim.study.compare import compare
from rramsim.study.tradeoff import tradeoff

CELLS = {"holds": (12.6, 0.5, 0.0, 0.0), "ages": (12.6, 0.5, -0.1, -0.25)}
"""HRS of "ages" loses 2.1 of the 3.6 between the states in ten years: it must be refreshed."""
READ = {"cycles": (1, 10, 100), "times": (1.0, 100.0, 1e4)}

ENERGIES = """
[[condition]]
name = "holds"
set_energy = "11 pJ"
reset_energy = "14 pJ"

[[condition]]
name = "ages"
set_energy = "4 pJ"
reset_energy = "5 pJ"
"""
ENERGY = {"activation_energy": "1.1 eV"}
SMALL = {"curve_bers": [0.1], "chips": 3, "protections": ["none", "2T2R"], "reestimate": False}
LOOSE = {"tolerance": 0.05, "accept_extrapolated": True}


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Return a small network, readings and energies: what every study here is of."""
    folder = tmp_path_factory.mktemp("given")
    save_network(folder / "plain.safetensors", train("digits", network="64-32-10", epochs=6))
    (folder / "energies.toml").write_text(ENERGIES)
    return {
        "measurements": read_measurements(aged_cells(CELLS, **READ)),
        "conditions": folder / "energies.toml",
        "models": [str(folder / "plain.safetensors")],
        **SMALL,
    }


@pytest.fixture(scope="module")
def asked(given, tmp_path_factory):
    """Return a study of which ten years are asked."""
    out = tmp_path_factory.mktemp("asked") / "out"
    return tradeoff(out=out, lifetime="10 years", **LOOSE, **given)


def unprotected(result, condition):
    return result.tradeoff.sel(condition=condition, protection="none").squeeze()


@pytest.mark.slow
def test_a_condition_that_does_not_last_is_not_the_one(asked):
    without = recommend(asked, tolerance=0.05)
    assert (without.condition, without.protection) == ("ages", "none")
    chosen = asked.recommendation
    assert (chosen.condition, chosen.protection, chosen.met) == ("ages", "2T2R", True)
    cells = unprotected(asked, "ages")
    assert cells.accurate == "yes"
    # Its refreshes take more cycles than were read.
    assert (cells.lasts, cells.life_limit, cells.verdict) == (*("not settled", "", "not settled"),)
    assert unprotected(asked, "holds").lasts == "yes"
    assert "It stays accurate enough over 10\N{NO-BREAK SPACE}years" in chosen.reason


@pytest.mark.slow
def test_refreshes_are_programmings_that_take_energy(asked):
    year = recommended_for(asked, lifetime=YEAR)
    cells = year.sel(condition="ages", protection="none").squeeze()
    assert (cells.lasts, cells.life_limit) == ("yes", "retention")
    assert cells.refreshes > 5
    # Refreshed after half of the time to which it is shown to be good.
    assert float(cells.refresh_interval) == pytest.approx(float(cells.good_until_low) / 2)
    once = float(cells.programming_energy)
    assert float(cells.life_energy) == pytest.approx((1 + float(cells.refreshes)) * once)
    # Programmed anyway more often than that.
    often = recommended_for(asked, lifetime=YEAR, reprogrammings=50)
    cells = often.sel(condition="ages", protection="none").squeeze()
    assert (float(cells.refreshes), float(cells.life_energy)) == (0.0, pytest.approx(51 * once))


def recommended_for(result, **required):
    return judge(result.tradeoff, Requirements(**LOOSE, **required))


@pytest.mark.slow
def test_a_longer_life_than_was_followed_takes_the_study(asked):
    with pytest.raises(InputError, match=r"lifetime is 3.15576e\+09 s; accepted here: up to"):
        recommend(asked, lifetime=100 * YEAR)


@pytest.mark.slow
def test_what_rests_on_an_extrapolation_is_not_settled_unless_it_is_accepted(asked):
    judged = judge(asked.tradeoff, Requirements(tolerance=0.05, lifetime=10 * YEAR))
    point = judged.sel(condition="holds", protection="none").squeeze()
    assert (point.lasts, point.life_extrapolated) == ("not settled", "time")
    day = judge(asked.tradeoff, Requirements(tolerance=0.05, lifetime=86400.0))
    point = day.sel(condition="holds", protection="none").squeeze()
    assert (point.lasts, point.life_extrapolated) == ("yes", "")


@pytest.mark.slow
def test_other_lives_and_temperatures_are_answered_without_a_new_chip(given, asked, monkeypatch):
    def scored(*args, **kwargs):
        raise AssertionError("no chip is to be scored")

    monkeypatch.setattr("rramsim.study.stages.chips.collect", scored)
    before = (asked.folder / "life.nc").read_bytes()
    year = tradeoff(out=asked.folder, lifetime="1 year", **LOOSE, **given)
    assert unprotected(year, "ages").lasts == "yes"
    cold = tradeoff(
        out=asked.folder,
        lifetime="10 years",
        use_temperature="55 degC",
        activation_energy="1.0 eV",
        **LOOSE,
        **given,
    )
    # exp(Ea/k (1/328.15 K - 1/358.15 K)) = 19.3 times as long
    factor = math.exp(1.0 / 8.617333262e-5 * (1 / 328.15 - 1 / 358.15))
    ages = unprotected(cold, "ages")
    assert float(ages.good_until) == pytest.approx(factor * good_until(year), rel=0.02)
    assert ages.lasts == "yes"
    tradeoff(out=asked.folder, lifetime="10 years", **LOOSE, **given)
    assert (asked.folder / "life.nc").read_bytes() == before


def good_until(result):
    return float(unprotected(result, "ages").good_until)


@pytest.mark.slow
def test_interrupted_while_cells_age_and_resumed_it_is_the_same(given, asked, tmp_path):
    def stop(stage, done, total, note=""):
        if stage == "chips of cells that age" and done > 20:
            raise KeyboardInterrupt

    study = {"out": tmp_path / "out", "lifetime": "10 years", **LOOSE, **given}
    with pytest.raises(KeyboardInterrupt):
        tradeoff(progress=stop, **study)
    assert not (tmp_path / "out" / "life.nc").exists()
    again = tradeoff(**study)
    assert again.tradeoff.identical(asked.tradeoff)
    for name in ("tradeoff.csv", "tallies.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (asked.folder / name).read_bytes()
    # A damaged product is made again, of the answers that are kept.
    life = tmp_path / "out" / "life.nc"
    whole = life.read_bytes()
    life.write_bytes(whole[:-1])
    with pytest.warns(DamagedWarning, match=r"life\.nc: it is damaged"):
        tradeoff(**study)
    assert life.read_bytes() == whole


@pytest.mark.slow
def test_without_readings_over_time_a_life_is_unknown(given, tmp_path):
    shipped = {**given, "measurements": None, "conditions": "table1", "protections": ["none"]}
    plain = tradeoff(out=tmp_path / "out", **shipped)
    assert not {"lasts", "life_basis"} & set(plain.tradeoff)
    before = (tmp_path / "out" / "tradeoff.csv").read_bytes()
    asked = tradeoff(out=tmp_path / "out", lifetime="10 years", **shipped)
    assert set(asked.tradeoff.lasts.values.ravel()) == {"unknown"}
    assert not asked.recommendation.met
    assert "is not known: there are no readings" in asked.recommendation.reason
    assert json.loads(asked.to_json())["points"][0]["lasts"] == "unknown"
    tradeoff(out=tmp_path / "out", **shipped)
    assert (tmp_path / "out" / "tradeoff.csv").read_bytes() == before


@pytest.mark.slow
def test_studies_with_lives_are_compared(given, asked, tmp_path):
    shorter = tradeoff(out=tmp_path / "out", lifetime="1 year", **LOOSE, **given)
    found = compare(asked, shorter)
    assert set(found.inputs) == {"lifetime"}
    assert "“ages”" in found.text()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"lifetime": "ten years"}, r'lifetime is \'ten years\'; accepted: .* such as "10 years"'),
        ({"lifetime": "-1 s"}, "lifetime is −1\\s*s; accepted: a time above 0 s and up to 1000"),
        ({"lifetime": "1e30 years"}, "lifetime is 10³⁰\\s*years; accepted: .* up to 1000"),
        ({"lifetime": "10 parsecs"}, "accepted are s, us, ns, hours, years and their like"),
        ({"use_temperature": "55 eV"}, 'use_temperature is .* such as "55 degC"'),
        ({"activation_energy": "1.1 eV"}, "give a temperature of use"),
        ({"use_temperature": "85 degC"}, r"use_temperature is '85 degC': .*--activation-energy"),
        ({"use_temperature": "-300 degC", **ENERGY}, "must be above 0"),
        ({"use_temperature": "1e9 K", **ENERGY}, "must be above 0 and at most 2000 K"),
        (
            {"use_temperature": "85 degC", "activation_energy": "1e5 eV"},
            "activation energy is 100000 eV; it must be above 0 and at most 10 eV",
        ),
    ],
)
def test_a_life_that_cannot_be_is_refused(tmp_path, wrong, words):
    with pytest.raises(InputError, match=words):
        tradeoff(out=tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()
