import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rramsim.errors import InputError
from rramsim.readers.measurements import read_measurements
from rramsim.schema import validate
from rramsim.study.fit import fit

LIVES = [47882, 56730, 102158, 170693, 155114, 52567, 47272, 117783, 81291, 76529]


def table(words=("1", "0"), header="condition,cell,cycles,failed", failed=8, lives=LIVES):
    rows = [
        f"A,{cell},{cycle},{words[0] if cell < failed else words[1]}"
        for cell, cycle in enumerate(lives)
    ]
    return "\n".join([header, *rows, ""])


def read(tmp_path, text, name="lives.csv"):
    (tmp_path / name).write_text(text)
    return read_measurements(tmp_path / name)


@pytest.mark.parametrize(
    ("words", "header"),
    [
        (("1", "0"), "condition,cell,cycles,failed"),
        (("yes", "no"), "Condition,Cell,Cycles to failure,Failed"),
        (("F", "S"), "condition;device;cycles;status"),
        (("failed", "suspended"), "group,sample,life,outcome"),
        (("0", "1"), "condition,cell,cycles,censored"),
        (("ja", "nein"), "Bedingung;Zelle;Zyklen bis Ausfall;ausgefallen"),
        (("F", "C"), "condition,cell,cycles to failure,event"),
    ],
)
def test_lives_are_read_in_the_words_that_people_use(tmp_path, words, header):
    text = table(words, header.replace(";", ","))
    measured = read(tmp_path, text.replace(",", ";") if ";" in header else text)
    validate(measured.lives, "lives")
    assert measured.readings.sizes["reading"] == 0
    assert measured.lives["cycles"].values.tolist() == LIVES
    assert measured.lives["failed"].values.tolist() == [1] * 8 + [0] * 2
    assert measured.lives["is_exact"].values.tolist() == [1] * 8 + [0] * 2
    assert measured.lives["condition"].values.tolist() == ["A"]


def test_a_file_without_conditions_and_cells_has_a_cell_a_row(tmp_path):
    measured = read(tmp_path, "cycles,failed\n100,1\n200,1\n300,0\n", "strong.csv")
    assert measured.lives["condition"].values.tolist() == ["strong"]
    assert np.unique(measured.lives["cell"].values).size == 3


def test_cycles_that_cells_share_are_those_of_read_outs(tmp_path):
    lives = [1000] * 5 + [10000] * 5
    shared = read(tmp_path, table(lives=lives, failed=3))
    assert not shared.lives["is_exact"].values.any()
    stated = table(lives=lives, failed=3, header="condition,cell,cycles to failure,failed")
    assert read(tmp_path, stated).lives["is_exact"].values.sum() == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cell,cycles,failed\n1,100,1\n2,many,0\n", r"row 3, column 'cycles'.*'many'"),
        ("cell,cycles,failed\n1,100,1\n2,-5,0\n", r"row 3, column 'cycles'.*'-5'"),
        ("cell,cycles,failed\n1,100,maybe\n", r"row 2, column 'failed'.*'maybe'.*F \(failed\)"),
        ("cell,cycles,failed\n1,100,1\n1,200,0\n", r"row 3: the cell '1' .* row 2 already"),
    ],
)
def test_what_cannot_be_a_life_is_named_with_its_row(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_a_complete_sample_has_the_maximum_likelihood_of_the_weibull(tmp_path):
    read(tmp_path, table(failed=10))
    found = fit(tmp_path / "lives.csv")
    row = found.endurance.sel(condition="A")
    shape, _, scale = stats.weibull_min.fit(LIVES, floc=0)
    assert float(row["shape"]) == pytest.approx(shape, rel=1e-4)
    assert float(row["scale"]) == pytest.approx(scale, rel=1e-4)
    assert float(row["b10"]) == pytest.approx(scale * (-np.log(0.9)) ** (1 / shape), rel=1e-3)
    assert int(row["failed"]) == int(row["cells"]) == 10
    assert row["cycles_bound"].item() == ""
    assert float(found.conditions["endurance"].sel(condition="A")) == float(row["b10"])
    assert np.isnan(found.conditions["ber"].sel(condition="A"))


def test_cells_that_had_not_failed_are_censored(tmp_path):
    read(tmp_path, table())
    row = fit(tmp_path / "lives.csv").endurance.sel(condition="A")
    data = stats.CensoredData(uncensored=LIVES[:8], right=LIVES[8:])
    shape, _, scale = stats.weibull_min.fit(data, floc=0)
    assert float(row["shape"]) == pytest.approx(shape, rel=1e-3)
    assert float(row["scale"]) == pytest.approx(scale, rel=1e-3)
    assert row["b10_low"] < row["b10"] < row["b10_high"]


def test_every_part_of_a_fit_of_lives_alone_can_be_written(tmp_path):
    read(tmp_path, table())
    found = fit(tmp_path / "lives.csv")
    page = found.report(tmp_path / "report").read_text()
    assert "Weibull life" in page
    assert "8 of 10 cells failed" in page
    assert "Endurance" in found.table()
    with pytest.raises(InputError, match="populations"):
        found.draw(tmp_path / "populations.png")


def readings(failed_cells, cells=20):
    rng = np.random.default_rng(2)
    cycle = (1e5 * rng.weibull(2.0, cells)).astype(int)
    failed = np.arange(cells) < failed_cells
    hrs = np.where(failed, 6e3, 2e5) * np.exp(0.1 * rng.standard_normal(cells))
    frame = {"cell": np.arange(cells), "cycle": cycle, "LRS (ohm)": 5e3 + np.arange(cells)}
    return pd.DataFrame({**frame, "HRS (ohm)": hrs, "failed": failed.astype(int)}), cycle


def test_resistances_of_worn_out_cells_are_no_population(tmp_path):
    frame, cycle = readings(8)
    measured = read_measurements(frame)
    assert measured.lives["cycles"].values.tolist() == cycle.tolist()
    assert measured.lives["failed"].values.sum() == 8
    assert measured.readings.sizes["reading"] == 24
    (note,) = (note for note in measured.notes if note.kind == "worn-out cells")
    assert "16 readings of 8 cells that failed are not in the populations" in note.text
    assert not any(note.kind == "failed" for note in measured.notes)
    found = fit(frame)
    (row,) = found.ber.to_dict("records")
    assert row["ber"] < 0.01 or row["ber_bound"] == "upper"
    shape, _, _ = stats.weibull_min.fit(
        stats.CensoredData(uncensored=cycle[:8], right=cycle[8:]), floc=0
    )
    assert float(found.endurance["shape"].values[0]) == pytest.approx(shape, rel=1e-3)


def test_where_every_cell_failed_only_the_lives_are_left():
    frame, _ = readings(20)
    found = fit(frame)
    assert found.readings.sizes["reading"] == 0
    assert int(found.endurance["failed"].values[0]) == 20


def test_cells_read_along_their_cycles_are_no_table_of_lives():
    frame, _ = readings(0)
    later = frame.assign(cycle=frame["cycle"] + 1, failed=1)
    assert read_measurements(pd.concat([frame, later])).lives is None
