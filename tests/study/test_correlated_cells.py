"""Line effects planted in resistances, written to a file, fitted, and planted again."""

import math

import numpy as np
import pandas as pd
import pytest

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
    with pytest.raises(InputError, match="neither rows and columns nor dies"):
        fit.faults("weak", correlated=True)


@pytest.mark.slow
def test_a_trade_off_takes_cells_that_err_together(tmp_path) -> None:
    cells = planted(TRUE, 48)
    cells["condition"] = "A"
    energies = tmp_path / "energies.toml"
    energies.write_text('[[condition]]\nname = "A"\nset_energy = "1 pJ"\nreset_energy = "1 pJ"\n')
    fit = rramsim.fit(cells, reference="40 kOhm")
    result = rramsim.tradeoff(
        cells,
        energies,
        faults=lambda row: fit.faults(row["condition"].item(), correlated=True),
        out=tmp_path / "out",
        network="64-16-10",
        epochs=1,
        chips=2,
        trainings=2,
        training_bers=(0.03,),
        curve_bers=(0.01, 0.05),
    )
    words = [str(word) for word in np.ravel(result.tradeoff["faults"].values)]
    assert any("CorrelatedFaults" in word for word in words)
