import math

import numpy as np
import pytest

from rramsim.device.lifetime.times.bake import bake_shift
from rramsim.device.read_conditions import ReadConditions
from rramsim.errors import InputError
from rramsim.schema import STATES, make


def baked(*, cells=300, shift=(0.1, -0.2), ratio=(1.0, 1.5), seed=1):
    """Return the same cells before and after; their ln R move and spread by exact amounts."""
    rng = np.random.default_rng(seed)
    before, after = [], []
    for mu, sigma, moved, wider in zip((9.0, 12.0), (0.1, 0.4), shift, ratio, strict=True):
        z = rng.standard_normal(cells)
        z = (z - z.mean()) / z.std()
        before.append(np.exp(mu + sigma * z))
        after.append(np.exp(mu + moved + sigma * wider * z))
    count = 4 * cells
    return make(
        "readings",
        {
            "resistance": np.concatenate([*before, *after]),
            "censoring": np.zeros(count, dtype=int),
            "condition_index": np.repeat([0, 1], 2 * cells),
            "state_index": np.tile(np.repeat([0, 1], cells), 2),
            "cell": np.tile(np.arange(2 * cells), 2),
            "cycle": np.full(count, -1),
        },
        {"condition": ["fresh", "baked"], "state": list(STATES)},
    )


def test_the_shift_and_the_widening_of_each_state_are_found():
    row = bake_shift(baked(), before="fresh", after="baked").dataset.isel(condition=0)
    assert row["mu_shift"].values == pytest.approx([0.1, -0.2])
    assert row["sigma_ratio"].values == pytest.approx([1.0, 1.5])
    assert row["correlation"].values == pytest.approx([1.0, 1.0])
    # The LRS cells all move alike: paired, that is known exactly, though they spread by 0.1.
    low, high = (row[f"mu_shift_{end}"].values for end in ("low", "high"))
    assert (low[0], high[0]) == pytest.approx((0.1, 0.1), abs=1e-9)
    assert low[1] < -0.2 < high[1]
    # Before, the cells are too far from the reference for more than a bound.
    assert row["ber_after"].item() > row["ber_before_high"].item()
    assert math.isnan(row["ber_before"].item())


@pytest.mark.slow
def test_the_paired_interval_covers_what_it_claims():
    rng = np.random.default_rng(4)
    covered, runs, cells = 0, 80, 40
    readings = baked(cells=cells)
    for seed in range(runs):
        x = rng.normal(9.0, 0.5, cells)
        y = x + 0.1 + rng.normal(0, 0.05, cells)
        ohm = readings["resistance"].values.copy()
        ohm[:cells], ohm[2 * cells : 3 * cells] = np.exp(x), np.exp(y)
        again = readings.assign(resistance=("reading", ohm))
        row = bake_shift(again, before="fresh", after="baked", seed=seed, resamples=300).dataset
        low, high = (row[f"mu_shift_{end}"].sel(state="LRS").item() for end in ("low", "high"))
        covered += low < 0.1 < high
        assert high - low < 0.06  # unpaired it would be 0.45
    assert 67 <= covered < runs  # 0.1 % point of Binomial(80, 0.93)


@pytest.mark.slow
def test_the_reference_is_chosen_before_the_bake_and_kept():
    found = bake_shift(baked(shift=(1.5, 0.0)), before="fresh", after="baked").dataset
    same = bake_shift(baked(), before="fresh", after="baked").dataset
    assert found["reference_resistance"].item() == same["reference_resistance"].item()
    read = ReadConditions(reference_resistance=4e4)
    given = bake_shift(baked(), before="fresh", after="baked", read=read).dataset
    assert given["reference_resistance"].item() == 4e4


@pytest.mark.slow
def test_cells_that_are_not_read_twice_are_left_out_and_told():
    readings = baked(cells=20)
    cell = readings["cell"].values.copy()
    cell[:5] += 1000
    found = bake_shift(readings.assign(cell=("reading", cell)), before="fresh", after="baked")
    assert found.dataset["cells"].values.tolist() == [[15, 20]]
    assert any("15 cells are exact before and after, of up to 20" in str(n) for n in found.notes)


def test_other_cells_or_another_name_cannot_be_compared():
    readings = baked(cells=10)
    with pytest.raises(InputError, match="Accepted are fresh, baked"):
        bake_shift(readings, before="fresh", after="burnt")
    apart = readings.assign(cell=("reading", np.arange(40)))
    with pytest.raises(InputError, match="no 3 cells of one state in common"):
        bake_shift(apart, before="fresh", after="baked")


def test_identical_values_have_no_ratio():
    readings = baked(cells=10)
    ohm = np.where(readings["state_index"].values == 0, 1e4, readings["resistance"].values)
    row = bake_shift(
        readings.assign(resistance=("reading", ohm)), before="fresh", after="baked"
    ).dataset.sel(state="LRS")
    assert row["mu_shift"].item() == 0.0
    assert math.isnan(row["sigma_ratio"].item())
