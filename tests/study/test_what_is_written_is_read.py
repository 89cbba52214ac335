"""What one command writes the next one reads, or says which file beside it to give."""

import pytest

import rramsim
from rramsim.errors import InputError

CELLS = "condition,state,R (kOhm)\n" + "".join(
    f"A,LRS,{5 + i / 10}\nA,HRS,{300 + 10 * i}\n" for i in range(8)
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fit")
    (folder / "cells.csv").write_text(CELLS)
    fit = rramsim.fit(folder / "cells.csv")
    fit.to_netcdf(folder / "mine.nc")
    fit.report(folder / "report")
    (folder / "fit.json").write_text(fit.to_json())
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mine.nc", "report/conditions.nc", "report"])
def test_conditions_of_a_fit_are_conditions_of_the_next(folder, name):
    stated = rramsim.read_conditions(folder / name)
    assert stated["condition"].values.tolist() == ["A"]
    again = rramsim.fit(folder / "cells.csv", conditions=str(folder / name))
    assert again.conditions["ber_high"].item() == stated["ber_high"].item()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("report/conditions.csv", "Give the conditions.nc beside it"),
        ("fit.json", "the answer of a fit (JSON); give the conditions that the fit writes with -o"),
    ],
)
def test_what_cannot_be_read_as_conditions_names_what_can(folder, name, message):
    with pytest.raises(InputError) as error:
        rramsim.read_conditions(folder / name)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine.nc", "this holds the conditions of a fit, not readings; give it with --conditions"),
        ("report/populations.nc", "this holds the populations of a fit, not readings"),
        ("fit.json", "the answer of a fit (JSON)"),
    ],
)
def test_results_are_no_measurements(folder, name, message):
    with pytest.raises(InputError) as error:
        rramsim.read_measurements(folder / name)
    assert message in str(error.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_settings(tmp_path, encoding):
    from rramsim.study.settings import Study
    from rramsim.study.settings_files import read_fields

    (tmp_path / "study.toml").write_bytes("chips = 4\r\nepochs = 1\r\n".encode(encoding))
    assert read_fields(tmp_path / "study.toml", Study) == {"chips": 4, "epochs": 1}
    (tmp_path / "cells.csv").write_bytes("state,I (uA)\nLRS,40\nHRS,1\n".encode(encoding))
    (tmp_path / "set.toml").write_bytes(
        'file = "cells.csv"\nread_voltage = "0.2 V"\n'.encode(encoding)
    )
    readings = rramsim.read_measurements(tmp_path / "cells.csv").readings
    assert readings["resistance"].values == pytest.approx([5e3, 2e5])
    (tmp_path / "known.toml").write_bytes(
        '[[condition]]\nname = "A"\nber = 1e-3\n'.encode(encoding)
    )
    assert rramsim.read_conditions(tmp_path / "known.toml")["ber"].item() == 1e-3


@pytest.mark.slow
def test_a_correlation_below_0_is_read_back(tmp_path):
    rows = "".join(
        f"{cell},LRS,{5 + 0.01 * cell}\n{cell},HRS,{300 - cell * (1 + cell % 3)}\n"
        for cell in range(30)
    )
    (tmp_path / "cells.csv").write_text("cell,state,R (kOhm)\n" + rows)
    fit = rramsim.fit(tmp_path / "cells.csv")
    assert fit.conditions["state_correlation"].item() < -0.1
    fit.to_netcdf(tmp_path / "conditions.nc")
    again = rramsim.read_conditions(tmp_path / "conditions.nc")
    assert again["state_correlation"].item() == fit.conditions["state_correlation"].item()
