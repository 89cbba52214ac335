from dataclasses import replace

import numpy as np
import pytest
from aged_cells import aged_cells

from rramsim.device.characterize import characterize
from rramsim.device.examination import Examination, Question
from rramsim.device.examine import examine
from rramsim.device.read_conditions import ReadConditions
from rramsim.interval import Interval
from rramsim.report.fit.answer import conditions_answer
from rramsim.report.fit.lifetime_tables import (
    acceleration_table,
    bake_table,
    digits_apart,
    drift_table,
    retention_table,
    signed,
)
from rramsim.report.fit.tables import (
    conditions_tables,
    least_text,
    outliers_table,
    populations_table,
)
from rramsim.report.fit.terminal import short_tables
from rramsim.schema import make
from rramsim.study.fit import fit


class Readings:
    """What a reader gives."""

    def __init__(self, state, ohm, **columns):
        count = len(ohm)
        names = columns.pop("names", ["a"])
        base = {"cell": np.full(count, -1), "cycle": np.full(count, -1)}
        base |= {"condition_index": np.zeros(count, dtype=int)}
        values = base | {"resistance": ohm, "censoring": np.zeros(count, dtype=int)} | columns
        self.readings = make(
            "readings",
            values | {"state_index": state},
            {"condition": names, "state": ["LRS", "HRS"]},
        )
        self.origin, self.notes, self.sources = "measured", (), ()
        self.lives, self.summaries, self.counts = None, (), ()


@pytest.fixture(scope="module")
def held() -> Examination:
    """Cells whose LRS rises by 10 % a decade of time, twice after a bake."""
    rng = np.random.default_rng(4)
    time = np.tile(np.repeat([1.0, 100.0, 10000.0], 50), 2)
    cell = np.tile(np.arange(50), 6)
    state = np.repeat([0, 1], 150)
    place = np.tile(rng.normal(0, 0.2, 50), 6)
    drift = np.where(state == 0, np.log10(time) * np.log(1.1), 0.0)
    ohm = np.exp(np.where(state == 0, 9.0, 13.0) + drift + place)
    baked = np.where(state == 0, 1.5, 1.0) * ohm
    both = Readings(
        np.tile(state, 2),
        np.concatenate([ohm, baked]),
        names=["before", "after"],
        condition_index=np.repeat([0, 1], 300),
        time=np.tile(time, 2),
        cell=np.tile(cell, 2),
    )
    question = Question(ber_limit=0.01, bake=("before", "after"))
    return examine(both, read=ReadConditions(read_voltage=0.2, read_time=1e-8), question=question)


@pytest.mark.slow
def test_drift_is_in_per_cent_a_decade_and_no_temperature_is_made_up(held):
    table = drift_table(held)
    assert "held at" not in table.columns
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert (row["condition"], row["state"], row["cells"]) == ("before", "LRS", "50")
    # Cells of one and the same drift: the interval is of rounding alone.
    assert row["median"].replace("\xa0", " ") == "+10 % (+10 % to +10 %)"


@pytest.mark.slow
def test_times_of_a_retention_are_in_the_units_that_people_say(held):
    table = retention_table(held)
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert row["last read-out"].replace("\xa0", " ") == "2.78 h"  # 10,000 s
    assert "time until BER 0.01" in table.columns
    assert drift_table(held).remark.endswith("from 1\N{NO-BREAK SPACE}s on.")


def test_the_fewest_errors_at_one_reference_have_no_interval_of_it(tmp_path):
    path = tmp_path / "counts.csv"
    path.write_text(
        "condition,state,errors,bits,reference (kOhm)\nA,LRS,3,4096,20\nA,HRS,12,4096,20\n"
    )
    counted = fit(path).examination.products["counted"]
    text = least_text("A", counted)
    assert text.replace("\xa0", " ") == "15 of 8,192 at 20 kΩ"


def test_digits_show_a_value_and_its_interval_apart():
    assert digits_apart([-0.11, -0.14, -0.09]) == 2
    # To two digits this would be 11 (11 to 11).
    assert digits_apart([-0.1098, -0.1112, -0.1083]) == 3
    assert digits_apart([-0.1098, -0.1102, -0.1094]) == 4
    assert digits_apart([0.1, 0.1, 0.1]) == 2
    assert digits_apart([0.1, float("nan"), float("nan")]) == 2


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Interval(-4.3e-17, -0.0021, 0.0019), "0 (−0.0021 to +0.0019)"),
        (Interval(1e-9, -2.0, 3.0), "0 (−2 to +3)"),
        (Interval(-4.3e-17, -4.4e-17, -4.2e-17), "0 (0 to 0)"),
        (Interval(2e-16), "0"),
        (Interval(-0.0), "0"),
        # Small beside its ends, but not far below them.
        (Interval(2e-4, -2e-3, 2.4e-3), "+0.0002 (−0.002 to +0.0024)"),
        (Interval(1e-7, 0.9e-7, 1.1e-7), "+10⁻⁷ (+9×10⁻⁸ to +1.1×10⁻⁷)"),
    ],
)
def test_a_change_far_below_its_own_error_is_0(value, text):
    assert signed(value) == text
    assert digits_apart([0.1, 0.1 + 1e-15, 0.1]) == 6


def test_the_digits_of_a_drift_follow_its_interval(held):
    retention = held.products["retention"].copy(deep=True)
    ends_of = {"mu_drift": -0.11, "mu_drift_low": -0.1104, "mu_drift_high": -0.1096}
    for name, share in ends_of.items():
        retention[name] = np.log1p(share) + 0 * retention[name]
    changed = replace(held, products={**held.products, "retention": retention})
    row = drift_table(changed).rows[0]
    assert "−11 % (−11.04 % to −10.96 %)" in [text.replace("\xa0", " ") for text in row]


def test_a_ber_of_all_read_outs_is_said_to_be(held):
    table = conditions_tables(held)[0]
    said = dict(zip(table.columns, table.rows[0], strict=True))
    assert said["BER is"].endswith(", all read-outs together")


def test_a_limit_that_is_not_reached_is_a_bound(held):
    until = [row[-1] for row in retention_table(held).rows]
    assert all(
        text == "more than 2.78\N{NO-BREAK SPACE}h" or "extrapolated" in text for text in until
    )


def test_a_bake_is_told_by_state(held):
    lrs, hrs = bake_table(held).rows
    assert lrs[2].replace("\xa0", " ").startswith("+50 %")
    assert hrs[2].replace("\xa0", " ").startswith("0 %")
    assert "BER at the reference" in bake_table(held).remark


@pytest.mark.parametrize(("side", "said"), [(1, "more than 1 MΩ"), (-1, "less than 1 kΩ")])
def test_a_state_wholly_out_of_range_has_a_median_beyond_the_limit(side, said):
    beyond = 1 if side == 1 else 0
    state = np.repeat([0, 1], 5)
    ohm = np.where(state == beyond, [1e3, 1e6][beyond], 3e4 + np.arange(10.0))
    censoring = np.where(state == beyond, side, 0)
    table = populations_table(characterize(Readings(state, ohm, censoring=censoring)))
    medians = [row[table.columns.index("median (sample)")] for row in table.rows]
    assert medians[beyond].replace("\N{NO-BREAK SPACE}", " ") == said
    assert medians[1 - beyond].endswith("kΩ")


@pytest.mark.parametrize(("beyond", "mark"), [(12, "*"), (6, "")])
def test_the_median_of_a_fit_is_marked_where_that_of_the_readings_lies_beyond_a_limit(beyond, mark):
    state = np.repeat([0, 1], 20)
    ohm = np.where(state == 0, 5e3, 2e5) * np.tile(np.geomspace(0.5, 2.0, 20), 2)
    limit = np.sort(ohm[state == 1])[-beyond]
    censoring = ((state == 1) & (ohm >= limit)).astype(int)
    found = characterize(Readings(state, np.minimum(ohm, limit), censoring=censoring))
    table = populations_table(found)
    medians = [row[table.columns.index("median (fit)")] for row in table.rows]
    assert [text.endswith("*") for text in medians] == [False, bool(mark)]
    assert ("extrapolated" in table.remark) == bool(mark)
    (hrs,) = [condition["hrs"] for condition in conditions_answer(found)]
    assert hrs["median_fit_extrapolated"] == bool(mark)


def outlying(*readings):
    """Return a dataset of outliers of LRS: cell, cycle and distance of each."""
    cell, cycle, z = map(list, zip(*readings, strict=True))
    return make(
        "outliers",
        {
            "reading": list(range(len(cell))),
            "condition_index": [0] * len(cell),
            "state_index": [0] * len(cell),
            "cell": cell,
            "cycle": cycle,
            "resistance": [1e3 * distance for distance in z],
            "z": z,
            "kind": ["outlying"] * len(cell),
        },
        {"condition": ["weak"], "state": ["LRS", "HRS"]},
    )


def test_a_cell_that_is_out_stands_once_with_its_cycles(held):
    readings = [(7, cycle, 4.0 + cycle) for cycle in range(1, 6)]
    dataset = outlying(*readings, (3, 9, 20.0), (-1, -1, 5.0), (-1, -1, 6.0))
    table = outliers_table(replace(held, products={**held.products, "outliers": dataset}))
    assert table.title == "8 readings beyond their population"
    assert [row[2:7] for row in table.rows] == [
        ("3", "1", "9", "20\N{NO-BREAK SPACE}kΩ", "20"),
        ("7", "5", "5 from 1 to 5", "9\N{NO-BREAK SPACE}kΩ", "9"),
        ("–", "1", "–", "6\N{NO-BREAK SPACE}kΩ", "6"),
        ("–", "1", "–", "5\N{NO-BREAK SPACE}kΩ", "5"),
    ]
    assert table.remark == ""


@pytest.mark.slow
def test_there_is_a_table_of_everything_there_is_and_no_other(held):
    titles = [table.title for table in short_tables(held)]
    assert titles == [
        *("Populations", "Bit errors", "Energy and endurance"),
        "Two cells a bit (2T2R)",
        *("Energy of a read", "Retention", "At stated times, along the lines"),
        *("Drift a decade of time", "Bake: from before to after", "No failure seen"),
        "Sources of the variance of ln R",
    ]
    assert "cycling" not in held.products
    for table in short_tables(held):
        assert table.rows
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert set(table.numeric) <= set(table.columns)


@pytest.mark.slow
def test_a_stated_energy_is_not_said_to_be_from_temperatures():
    readings = aged_cells({"a": (12.6, 0.5, 0.0, -0.3)}, cells=100)
    asked = {"reference": "100 kOhm", "ber_limit": 0.05, "use_temperature": "300 K"}
    found = fit(readings, activation_energy="1.1 eV", **asked)
    remark = retention_table(found.examination).remark.replace("\xa0", " ")
    assert remark == "a: activation energy 1.1 eV, stated, which nothing here checks."
    # Used 58 K below the only temperature of the readings.
    assert (found.examination.products["retention"]["use_extrapolated"] == 1).all()
    table = acceleration_table(found.examination)
    assert "more than 50 K from the temperatures" in table.remark
