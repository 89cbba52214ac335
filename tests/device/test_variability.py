import numpy as np
import pytest

from rramsim.device.variability import variability
from rramsim.schema import STATES, make
from rramsim.statistics.variance_components import variance_parts

TRUTH = {"die": 0.25, "row": 0.09, "column": 0.04, "cell": 0.16, "cycle": 0.0625}


def simulated(rng, *, dies=8, rows=8, columns=7, cycles=3, kept=0.6):
    """Return ln R of crossed rows and columns, cells and cycles, unevenly thinned."""
    die, row, column, _ = (
        grid.ravel()
        for grid in np.meshgrid(*map(np.arange, (dies, rows, columns, cycles)), indexing="ij")
    )
    y = 10.0 + TRUTH["cycle"] ** 0.5 * rng.standard_normal(die.size)
    y += TRUTH["die"] ** 0.5 * rng.standard_normal(dies)[die]
    y += TRUTH["row"] ** 0.5 * rng.standard_normal((dies, rows))[die, row]
    y += TRUTH["column"] ** 0.5 * rng.standard_normal((dies, columns))[die, column]
    y += TRUTH["cell"] ** 0.5 * rng.standard_normal((dies, rows, columns))[die, row, column]
    # Later rows keep more readings: as unbalanced as a test that stopped early.
    keep = rng.random(die.size) < kept * (0.4 + 1.2 * row / rows)
    cell = row * columns + column
    return y[keep], {
        name: values[keep]
        for name, values in (("die", die), ("row", row), ("column", column), ("cell", cell))
    }


@pytest.mark.slow
def test_known_components_are_recovered_without_bias_from_unbalanced_readings():
    rng = np.random.default_rng(0)
    runs = []
    for _ in range(20):
        y, factors = simulated(rng)
        runs.append([part.variance for part in variance_parts(y, **factors).values()])
    mean, error = np.mean(runs, axis=0), np.std(runs, axis=0) / len(runs) ** 0.5
    assert (np.abs(mean - list(TRUTH.values())) < 3.5 * error).all()
    assert (error[1:] < 0.1 * np.array(list(TRUTH.values()))[1:]).all()


def test_a_balanced_nested_design_is_the_textbook_analysis_of_variance():
    rng = np.random.default_rng(1)
    dies, cells, cycles = 6, 9, 4
    y = rng.normal(size=(dies, 1, 1)) + rng.normal(size=(dies, cells, 1))
    y = y + rng.normal(size=(dies, cells, cycles))
    die, cell, _ = np.meshgrid(*map(np.arange, y.shape), indexing="ij")
    parts = variance_parts(y.ravel(), die=die.ravel(), cell=cell.ravel())
    within = y.var(axis=2, ddof=1).mean()
    between_cells = cycles * y.mean(axis=2).var(axis=1, ddof=1).mean()
    between_dies = cells * cycles * y.mean(axis=(1, 2)).var(ddof=1)
    assert parts["cycle"].variance == pytest.approx(within)
    assert parts["cell"].variance == pytest.approx((between_cells - within) / cycles)
    assert parts["die"].variance == pytest.approx((between_dies - between_cells) / cells / cycles)
    assert [part.groups for part in parts.values()] == [6, 54, 216]


def test_read_outs_of_one_programming_are_not_cycles_of_their_own():
    rng = np.random.default_rng(5)
    cells, cycles, reads = 40, 3, 5
    of_cycle, of_read = rng.normal(size=(cells, cycles, 1)), rng.normal(size=(cells, cycles, reads))
    y = of_cycle + 0.3 * of_read
    cell, cycle, _ = (grid.ravel() for grid in np.indices(y.shape))
    parts = variance_parts(y.ravel(), cell=cell, cycle=cycle)
    # The nested analysis of variance: mean squares of cells, of cycles within, of reads within.
    of_cells = cycles * reads * y.mean(axis=(1, 2)).var(ddof=1)
    of_cycles = reads * y.mean(axis=2).var(axis=1, ddof=1).mean()
    of_reads = y.var(axis=2, ddof=1).mean()
    assert parts["cycle"].variance == pytest.approx((of_cycles - of_reads) / reads + of_reads)
    expected = (of_cells - of_cycles) / (cycles * reads)
    assert parts["cell"].variance == pytest.approx(max(expected, 0.0))
    assert [part.groups for part in parts.values()] == [40, 120]
    # As independent cycles, cells would seem to have near a third of the variance of a cycle.
    assert variance_parts(y.ravel(), cell=cell)["cell"].variance > expected + 0.2
    # Reads of a single programming, and a read a programming, are what they were.
    for names in ({"cycle": np.zeros_like(cycle)}, {"cycle": np.arange(cycle.size)}):
        assert variance_parts(y.ravel(), cell=cell, **names) == variance_parts(y.ravel(), cell=cell)


def test_the_cycles_of_readings_are_told_from_their_read_outs():
    rng = np.random.default_rng(1)
    y = 10.0 + np.repeat(rng.normal(size=(60, 4)), 6, axis=1) + 0.2 * rng.normal(size=(60, 24))
    cell, place = (grid.ravel() for grid in np.indices(y.shape))
    found = variability(readings_of(y.ravel(), cell=cell, cycle=place // 6)).dataset
    share = found["share"].sel(condition="strong", state="LRS")
    assert share.sel(component="cell").item() < 0.1
    assert share.sel(component="cycle").item() > 0.9


def test_crossed_rows_and_columns_are_the_textbook_two_way_table():
    rng = np.random.default_rng(2)
    y = rng.normal(size=(12, 1)) + 2 * rng.normal(size=(1, 15)) + rng.normal(size=(12, 15))
    row, column = (grid.ravel() for grid in np.indices(y.shape))
    parts = variance_parts(y.ravel(), row=row, column=column)
    rest = y - y.mean(axis=0) - y.mean(axis=1, keepdims=True) + y.mean()
    error = np.sum(rest**2) / (11 * 14)
    assert parts["cell"].variance == pytest.approx(error)
    assert parts["row"].variance == pytest.approx(y.mean(axis=1).var(ddof=1) - error / 15)
    assert parts["column"].variance == pytest.approx(y.mean(axis=0).var(ddof=1) - error / 12)


def test_a_negative_estimate_is_given_as_0_and_marked():
    # The cells' means are all the same, the readings are not: less than chance would give.
    parts = variance_parts([1.0, 3.0, 3.0, 1.0, 1.0, 3.0], cell=[0, 0, 1, 1, 2, 2])
    assert (parts["cell"].variance, parts["cell"].is_negative) == (0.0, True)
    assert parts["cycle"].variance == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("y", "cell", "expected"),
    [
        ([1.0], [0], {}),
        ([1.0, 2.0, 3.0], [0, 0, 0], {"cycle": 1.0}),
        ([1.0, 2.0, 3.0], [0, 1, 2], {"cell": 1.0}),
        ([2.0] * 6, [0, 0, 1, 1, 2, 2], {"cell": 0.0, "cycle": 0.0}),
    ],
)
def test_what_cannot_be_told_apart_is_not_given(y, cell, expected):
    parts = variance_parts(y, cell=cell)
    assert {name: part.variance for name, part in parts.items()} == pytest.approx(expected)
    assert not any(part.is_negative for part in parts.values())


def readings_of(y, *, state=0, **more):
    count = y.size
    return make(
        "readings",
        {
            "resistance": np.exp(y),
            "censoring": np.zeros(count, dtype=int),
            "condition_index": np.zeros(count, dtype=int),
            "state_index": np.full(count, state),
            "cell": np.full(count, -1),
            "cycle": np.full(count, -1),
            **more,
        },
        {"condition": ["strong"], "state": list(STATES)},
    )


def test_the_dataset_holds_shares_and_says_what_is_missing():
    y, factors = simulated(np.random.default_rng(3))
    found = variability(readings_of(y, **factors))
    row = found.dataset.sel(condition="strong", state="LRS")
    assert row["share"].sum().item() == pytest.approx(1.0)
    assert row["groups"].sel(component="die").item() == 8
    assert found.dataset["variance"].sel(state="HRS").isnull().all()
    assert "strong/HRS: too few readings to split their variance." in map(str, found.notes)


def test_censored_readings_and_single_reads_are_told():
    y = np.random.default_rng(4).normal(10, 1, 50)
    readings = readings_of(y, cell=np.arange(50), censoring=np.repeat([0, 1], [40, 10]))
    found = variability(readings)
    row = found.dataset.sel(condition="strong", state="LRS")
    assert (row["readings"].item(), row["left_out"].item()) == (40, 10)
    assert row["variance"].sel(component="cell").item() == pytest.approx(y[:40].var(ddof=1))
    said = " ".join(map(str, found.notes))
    assert "10 readings are not in the parts" in said
    assert "no cell was read more than once" in said


@pytest.mark.parametrize("correlation", [-0.6, 0.0, 0.8])
def test_the_correlation_of_lines_in_both_states_is_recovered(correlation):
    rng = np.random.default_rng(4)
    rows, columns = 80, 90
    shape = rows, columns
    common = [rng.standard_normal((rows, 1)), rng.standard_normal((1, columns))]
    other = [rng.standard_normal((rows, 1)), rng.standard_normal((1, columns))]
    row, column = (grid.ravel() for grid in np.indices(shape))
    x = {}
    for state, sign in (("LRS", 0.0), ("HRS", 1.0)):
        mixed = [
            one if not sign else correlation * one + (1 - correlation**2) ** 0.5 * two
            for one, two in zip(common, other, strict=True)
        ]
        x[state] = 0.3 * mixed[0] + 0.4 * mixed[1] + 0.5 * rng.standard_normal(shape)
    both = {name: np.tile(values, 2) for name, values in (("row", row), ("column", column))}
    readings = make(
        "readings",
        {
            "resistance": np.exp(10 + np.concatenate([x["LRS"].ravel(), x["HRS"].ravel()])),
            "censoring": np.zeros(2 * row.size, dtype=int),
            "condition_index": np.zeros(2 * row.size, dtype=int),
            "state_index": np.repeat([0, 1], row.size),
            "cell": np.tile(np.arange(row.size), 2),
            "cycle": np.zeros(2 * row.size, dtype=int),
            **both,
        },
        coords={"condition": ["A"], "state": list(STATES)},
    )
    found = float(variability(readings).dataset["line_correlation"][0])
    # 170 lines: the standard error of a correlation is about (1 - rho**2) / sqrt(170).
    assert found == pytest.approx(correlation, abs=4 * (1 - correlation**2) / 13 + 0.02)


def test_dies_that_are_not_told_apart_are_told_where_lines_are():
    y, factors = simulated(np.random.default_rng(3))
    kind = "one die"
    assert kind not in [note.kind for note in variability(readings_of(y, **factors)).notes]
    first = factors["die"] == factors["die"][0]
    of_one = {name: values[first] for name, values in factors.items()}
    for one in (of_one, {**of_one, "die": np.full(first.sum(), -1)}):
        notes = variability(readings_of(y[first], **one)).notes
        (note,) = [note for note in notes if note.kind == kind]
        assert str(note).startswith("strong: readings of one die")
    # Without rows, columns and a die nothing is asked of dies.
    alone = readings_of(y[first], cell=factors["cell"][first])
    assert kind not in [note.kind for note in variability(alone).notes]
