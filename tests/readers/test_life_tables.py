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


@pytest.mark.slow
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


@pytest.mark.slow
def test_cells_that_had_not_failed_are_censored(tmp_path):
    read(tmp_path, table())
    row = fit(tmp_path / "lives.csv").endurance.sel(condition="A")
    data = stats.CensoredData(uncensored=LIVES[:8], right=LIVES[8:])
    shape, _, scale = stats.weibull_min.fit(data, floc=0)
    assert float(row["shape"]) == pytest.approx(shape, rel=1e-3)
    assert float(row["scale"]) == pytest.approx(scale, rel=1e-3)
    assert row["b10_low"] < row["b10"] < row["b10_high"]


@pytest.mark.slow
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


@pytest.mark.slow
def test_resistances_of_worn_out_cells_are_no_population(tmp_path):
    frame, cycle = readings(8)
    measured = read_measurements(frame)
    assert measured.lives["cycles"].values.tolist() == cycle.tolist()
    assert measured.lives["failed"].values.sum() == 8
    assert measured.readings.sizes["reading"] == 24
    (note,) = (note for note in measured.notes if note.kind == "worn-out cells")
    assert "16 readings of 8 cells that failed are left out of the populations" in note.text
    assert not any(note.kind == "failed" for note in measured.notes)
    found = fit(frame)
    (row,) = found.ber.to_dict("records")
    assert row["ber"] < 0.01 or row["ber_bound"] == "upper"
    shape, _, _ = stats.weibull_min.fit(
        stats.CensoredData(uncensored=cycle[:8], right=cycle[8:]), floc=0
    )
    assert float(found.endurance["shape"].values[0]) == pytest.approx(shape, rel=1e-3)


@pytest.mark.slow
def test_where_every_cell_failed_only_the_lives_are_left():
    frame, _ = readings(20)
    found = fit(frame)
    assert found.readings.sizes["reading"] == 0
    assert int(found.endurance["failed"].values[0]) == 20


def test_cells_read_along_their_cycles_are_no_table_of_lives():
    frame, _ = readings(0)
    later = frame.assign(cycle=frame["cycle"] + 1, failed=1)
    assert read_measurements(pd.concat([frame, later])).lives is None


def lives_of(read, content, **options):
    lives = read(content, **options).lives
    names = lives["condition"].values[lives["condition_index"].values]
    values = (lives[name].values.tolist() for name in ("cycles", "failed", "is_exact"))
    return list(zip(names.tolist(), *values, strict=True))


@pytest.mark.parametrize("open_life", [">1e6", "≥ 1000000", "1e6+", "1000000 (survived)"])
def test_a_column_of_lives_may_say_itself_which_cells_were_good(read, open_life):
    content = f"cell,cycles to failure\n1,120000\n2,{open_life}\n3,34e4\n"
    assert lives_of(read, content) == [
        ("cells", 120e3, 1, 1),
        ("cells", 1e6, 0, 0),
        ("cells", 340e3, 1, 1),
    ]


@pytest.mark.parametrize(
    ("header", "good", "bad"),
    [("status", "S", "F"), ("censored", "1", "0"), ("survived", "yes", "no"), ("event", "0", "1")],
)
def test_further_columns_do_not_hide_lives(read, header, good, bad):
    content = (
        f"die,wafer,cell,comment,cycles to failure,{header}\n"
        f"1,W1,1,x,5e4,{bad}\n1,W1,2,,1e6,{good}\n2,W1,1,y,>1e6,{good}\n2,W2,1,y,7e4,{bad}\n"
    )
    measured = read(content)
    assert measured.lives["failed"].values.tolist() == [1, 0, 0, 1]
    assert len(set(measured.lives["cell"].values.tolist())) == 4
    assert [str(note) for note in measured.notes] == ["cells.csv: columns not used: 'comment'."]


SETTINGS = (
    "cell,{},cycles to failure\n1,20,5e4\n2,20,>1e6\n3,20,6e4\n1,55,1e4\n2,55,2e4\n3,55,3e4\n"
)


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("compliance (uA)", ["Icc 20 µA", "Icc 55 µA"]),
        ("temperature (K)", ["temperature 20 K", "temperature 55 K"]),
        ("BL voltage (mV)", ["BL voltage 20 mV", "BL voltage 55 mV"]),
    ],
)
def test_settings_of_lives_are_conditions_as_those_of_readings(read, header, names):
    found = lives_of(read, SETTINGS.format(header))
    assert [name for name, *_ in found] == [names[0]] * 3 + [names[1]] * 3


def test_a_named_condition_keeps_settings_together_with_a_note(read):
    content = SETTINGS.format("Icc (uA)").replace("cell,", "cell,condition,", 1)
    rows = content.splitlines()
    named = "\n".join(
        [rows[0], *(f"{n}{row[1:].replace(',', ',A,', 1)}" for n, row in enumerate(rows[1:]))]
    )
    measured = read(named + "\n")
    assert measured.lives["condition"].values.tolist() == ["A"]
    (note,) = measured.notes
    assert '--condition-from "condition,Icc (uA)" separates them' in str(note)
    parted = read(named + "\n", condition_from=("condition", "Icc (uA)")).lives
    assert parted["condition"].values.tolist() == ["A, Icc 20 µA", "A, Icc 55 µA"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "cell,time to failure (h),status\n1,5,F\n",
            "cells.csv, row 1, column 'time to failure (h)': these are lifetimes in time",
        ),
        ("cell,lifetime (s),failed\n1,5,1\n", "column 'lifetime (s)': these are lifetimes in time"),
        ("cell,cycles to failure (k),failed\n1,5,1\n", "the cycles have the unit 'k'; accepted"),
        (
            "cell,cycles to failure\n1,survived\n",
            "row 2, column 'cycles to failure': 'survived' is not a cycle",
        ),
        (
            "cell,cycles to failure,status\n1,>1e6,F\n",
            "'>1e6' says that the cell was good there, and",
        ),
    ],
)
def test_lives_that_cannot_be_taken_say_why(read, content, message):
    with pytest.raises(InputError) as error:
        read(content)
    assert message in str(error.value)


def test_readings_at_times_with_failures_stay_readings(read):
    content = "cell,state,time (h),R (kOhm),failed\n1,LRS,5,5,0\n1,HRS,5,300,1\n"
    assert read(content).readings.sizes["reading"] == 2


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        (
            "",
            ["500", "700", *["1e7"] * 3],
            "column 'cycles to failure': 3 cells have exactly the lo",
        ),
        (
            ",failure mode",
            ["500,stuck", "700,"],
            r"row 3, column 'failure mode': '' was found, whi",
        ),
        (",failure mode", ["500,stuck", "700,none"], "row 3, column 'failure mode': 'none' was"),
        (
            ",comment",
            ["500,stuck", "700,No fail."],
            "row 3, column 'comment': 'No fail.' was found",
        ),
        (",result", ["500,1", "700,0"], "row 2, column 'result': '1' .* failed or that it passed"),
        (",Pass/Fail", ["500,yes", "700,no"], "row 2, column 'Pass/Fail': 'yes' .* that it passed"),
    ],
)
def test_failures_that_may_be_survivors_are_asked_about(tmp_path, header, rows, message):
    lines = [f"{number},{row}" for number, row in enumerate(rows)]
    with pytest.raises(InputError, match=message):
        read(tmp_path, "\n".join([f"cell,cycles to failure{header}", *lines, ""]))


@pytest.mark.parametrize(
    ("header", "words"),
    [("pass/fail", "FFPPP"), ("Pass", "00111"), ("passed", "nnyyy"), ("failed", "11000")],
)
def test_survivors_at_the_end_of_a_test_are_marked_by_a_column(tmp_path, header, words):
    lives = ["500", "700", *["1e7"] * 3]
    lines = [f"{n},{life},{word}" for n, (life, word) in enumerate(zip(lives, words, strict=True))]
    measured = read(tmp_path, "\n".join([f"cell,cycles to failure,{header}", *lines, ""]))
    assert measured.lives["failed"].values.tolist() == [1, 1, 0, 0, 0]


def test_survivors_marked_in_the_life_itself_may_be_many(tmp_path):
    lives = ["500", "700", *[">1e7"] * 3]
    lines = [f"{n},{life}" for n, life in enumerate(lives)]
    measured = read(tmp_path, "\n".join(["cell,cycles to failure", *lines, ""]))
    assert measured.lives["failed"].values.tolist() == [1, 1, 0, 0, 0]


def test_failures_at_one_cycle_give_counts_and_no_fit(tmp_path):
    text = "cell,cycles to failure,failed\n1,500,0\n2,700,0\n3,1000,1\n4,1000,1\n5,1000,1\n"
    read(tmp_path, text)
    found = fit(tmp_path / "lives.csv")
    row = found.endurance.sel(condition="lives")
    assert (int(row["failed"]), int(row["cells"])) == (3, 5)
    assert np.isnan(float(row["shape"]))
    assert any("lives so alike set no limit to a shape" in note for note in found.notes)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("Wafer,Die,Endurance (cycles)", "this is a table of lifetimes without a column that says"),
        (
            "condition,cell,log10(cycles to failure)",
            "these are logarithms of lifetimes; write the cyc",
        ),
    ],
)
def test_a_table_that_is_nearly_one_of_lives_says_what_it_lacks(tmp_path, header, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, f"{header}\n1,2,5\n1,3,6\n")
