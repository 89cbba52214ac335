"""Line effects planted in resistances, written to a file, fitted, and planted again."""

import json
import math
import re
import tomllib

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import rramsim
from rramsim.crossbar.from_conditions import in_words
from rramsim.errors import InputError

TRUE = rramsim.CorrelatedFaults(
    rramsim.PopulationFaults(9.0, 0.5, 12.0, 0.8, reference_resistance=40e3),
    sigma_column=(0.2, 0.3),
    sigma_row=(0.1, 0.25),
    correlation=0.6,
    tile=(96, 96),
)


def planted(model: rramsim.CorrelatedFaults, size: int) -> pd.DataFrame:
    """Return resistances of one tile of the model in both states."""
    shape, chip = (size, size), np.random.SeedSequence(5, spawn_key=(0, 0))
    lines, rng = model.lines(shape, chip), np.random.default_rng(6)
    column, row = np.indices(shape)
    tables = []
    for state, (name, toward_error) in enumerate((("LRS", 1.0), ("HRS", -1.0))):
        populations = vars(model.faults)
        mu, sigma = (populations[f"{part}_{name.lower()}"] for part in ("mu", "sigma"))
        parts = (model.sigma_column[state], model.sigma_row[state])
        cell = math.sqrt(sigma**2 - parts[0] ** 2 - parts[1] ** 2)
        effect = lines.columns[state] + lines.rows[state]
        x = mu + cell * (toward_error * effect + rng.standard_normal(shape))
        table = {"state": name, "row": row.ravel(), "column": column.ravel()}
        tables.append(pd.DataFrame({**table, "R (ohm)": np.exp(x.ravel())}))
    both = pd.concat(tables)
    both["cell"] = both["row"] * size + both["column"]
    return both


def test_parts_that_are_planted_come_back_from_a_file(tmp_path) -> None:
    file = tmp_path / "array.csv"
    planted(TRUE, 96).to_csv(file, index=False)
    fit = rramsim.fit(file, reference="40 kOhm")
    name = str(fit.conditions["condition"].values[0])
    found = fit.faults(name, correlated=True)
    assert isinstance(found, rramsim.CorrelatedFaults)
    for kind, lines in (("sigma_column", 96), ("sigma_row", 96)):
        for one, true in zip(getattr(found, kind), getattr(TRUE, kind), strict=True):
            # Of n lines a standard deviation is known to 1 / sqrt(2 n); cells add to the noise.
            assert one == pytest.approx(true, rel=4 / math.sqrt(2 * lines))
    assert found.correlation == pytest.approx(0.6, abs=4 * (1 - 0.6**2) / math.sqrt(192))
    # One die: what differs between dies is not known, and nothing is planted of it.
    assert found.sigma_die == (0.0, 0.0)
    assert found.mean_ber(0.5) == fit.faults(name).mean_ber(0.5)
    row = fit.conditions.sel(condition=name)
    assert "correlation of the states 0.61" in in_words(found, row)
    coded = fit.faults(name, "secded(72,64)", correlated=True)
    assert coded.faults == found


def test_readings_without_places_do_not_tell_how_cells_err_together() -> None:
    fit = rramsim.fit("hirtzlin2019-reconstructed")
    with pytest.raises(InputError, match="need the columns row and column, of 10 lines or more"):
        fit.faults("weak", correlated=True)
    given = fit.faults("weak", correlated={"sigma_column": (0.1, 0.2)}, tile=(64, 32))
    assert (given.sigma_column, given.tile) == ((0.1, 0.2), (64, 32))
    with pytest.raises(InputError, match="a part of the spread is 'sigma'; accepted: sigma_column"):
        fit.faults("weak", correlated={"sigma": 0.1})
    with pytest.raises(InputError, match="weak: The parts of the spread of LRS"):
        fit.faults("weak", correlated={"sigma_die": 0.5})


SMALL = {"curve_bers": [0.1], "half_width": 0, "chips": 4, "reference": "40 kOhm"}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Return readings of an array, energies and a small network, as files."""
    folder = tmp_path_factory.mktemp("array")
    planted(TRUE, 24).assign(condition="A").to_csv(folder / "array.csv", index=False)
    (folder / "energies.toml").write_text(
        '[[condition]]\nname = "A"\nset_energy = "1 pJ"\nreset_energy = "1 pJ"\n'
    )
    model = folder / "plain.safetensors"
    rramsim.train("digits", network="64-16-10", epochs=5, file=model)
    return {
        "measurements": folder / "array.csv",
        "conditions": folder / "energies.toml",
        "models": [str(model)],
    }


@pytest.fixture(scope="module")
def study(inputs, tmp_path_factory):
    return rramsim.tradeoff(
        **inputs, **SMALL, correlated=True, out=tmp_path_factory.mktemp("study") / "out"
    )


@pytest.mark.slow
def test_a_study_plants_what_lines_share_under_every_protection(study) -> None:
    points = study.table
    assert set(points["protection"]) == {"none", "2T2R", "secded(72,64)"}
    assert points["faults"].str.contains("cells share columns 0.2").all()
    change = points["accuracy_mean"] - points["independent_accuracy"]
    assert change.values == pytest.approx(points["correlated_change"].values, abs=1e-12)
    assert (points["correlated_change_low"] <= points["correlated_change"]).all()
    assert (change != 0).any()
    # Shares of the spread leave the BER as it is.
    none = points[points["protection"] == "none"]["ber"]
    assert none.values == pytest.approx(float(study.conditions["ber"][0]), rel=1e-9)
    answer = json.loads(study.to_json())
    assert answer["correlated"] == "fitted"
    assert any("the variance between dies is not known" in note for note in answer["notes"])


@pytest.mark.slow
def test_the_report_says_what_lines_do_and_what_is_not_known_of_them(study) -> None:
    page = " ".join(re.sub("<[^>]+>", " ", study.report_path.read_text()).split())
    assert "Errors of cells are correlated along bit lines" in page
    assert "by the parts that lines and dies have in the variance of the measured" in page
    assert "the 5th-percentile chip has" in page
    assert "How much dies of “A” differ is not known" in page
    assert "Comparison with independent cells" in page
    assert "What lines and dies have of the variance of ln R" in page
    assert "how well the parts are known that cells of a line share" in page
    # Tolerated rates are those of independent cells, so they are not compared here.
    assert "Tolerated / BER" not in page
    terminal = " ".join(study.text(width=80).split())
    assert "with independent cells" in terminal


@pytest.mark.slow
def test_a_finished_study_of_correlated_cells_is_told_again_and_another_is_refused(
    study, inputs, monkeypatch
) -> None:
    monkeypatch.setattr("rramsim.study.stages.chips.collect", None)
    again = rramsim.tradeoff(**inputs, **SMALL, correlated=True, tolerance=0.03, out=study.folder)
    assert again.tradeoff["loss"].equals(study.tradeoff["loss"])
    for other in ({}, {"correlated": {"sigma_column": 0.1}}):
        with pytest.raises(InputError, match="correlated"):
            rramsim.tradeoff(**inputs, **SMALL, **other, out=study.folder)


@pytest.mark.slow
def test_nothing_shared_gives_the_results_of_independent_cells_to_the_bit(inputs, tmp_path) -> None:
    several = {**inputs, **SMALL, "chips": 3}
    alone, nothing = (
        rramsim.tradeoff(**several, correlated=correlated, out=tmp_path / name)
        for name, correlated in (("alone", False), ("nothing", {"correlation": 0.5}))
    )
    xr.testing.assert_identical(alone.tradeoff, nothing.tradeoff)
    xr.testing.assert_identical(alone.accuracy, nothing.accuracy)
    for name in ("tallies.csv", "thresholds.safetensors", "tradeoff.csv"):
        assert (alone.folder / name).read_bytes() == (nothing.folder / name).read_bytes(), name


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"correlated": True}, "weak: no readings distinguish rows and columns, or dies"),
        ({"correlated": {"sigma_row": 0.9}}, "weak: The parts of the spread of LRS"),
        (
            {"correlated": {"sigma_row": 0.1}, "protections": "verify(5, read_spread=0.1)"},
            "protections: no condition can have verify(5, read_spread=0.1). weak: verify(5, "
            "read_spread=0.1) programs cells until their resistance passes, which is known for "
            "independent cells only",
        ),
        (
            {"correlated": True, "faults": rramsim.IidFaults(0.1)},
            "faults and correlated were both given",
        ),
        ({"correlated": {"sigma_row": [0.1, -1]}}, "a number from 0 on, or two of them"),
        ({"correlated": "yes"}, "accepted: true or false or a table"),
    ],
)
def test_what_cannot_be_shared_is_refused_before_anything_is_trained(
    settings, told, tmp_path
) -> None:
    with pytest.raises(InputError, match=re.escape(told)):
        rramsim.tradeoff(
            "hirtzlin2019-reconstructed", **settings, only=["weak"], out=tmp_path / "out"
        )
    assert not (tmp_path / "out").exists()


def test_a_study_file_with_given_parts_reads_back() -> None:
    study = rramsim.Study(
        correlated={"sigma_column": (0.1, 0.2), "sense_offset": 0.05}, tile_bit_lines=64
    )
    assert rramsim.Study(**tomllib.loads(study.toml())) == study
    assert study.shared.tile == (128, 64)
    assert rramsim.Study().shared is None
