"""Cells that share lines, against closed forms and against the independent cells of the same chip.

Every statistical check runs once at a fixed seed and compares a p-value, or a distance in standard
errors, with what a right model would fail for one seed in 10,000.
"""

import math
import re

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr

from rramsim import parallel
from rramsim.crossbar.correlated import CorrelatedFaults
from rramsim.crossbar.faults import IidFaults, PopulationFaults, StateFaults, wrong_cells
from rramsim.crossbar.protection import protect
from rramsim.crossbar.sampling import as_positions
from rramsim.errors import InputError

LINES = {"sigma_column": (0.3, 0.4), "sigma_row": 0.35, "sigma_die": 0.2, "sense_offset": 0.1}
POPULATIONS = PopulationFaults(9.0, 0.6, 11.0, 0.8, reference_resistance=22e3)


def seed(chip: int = 0, layer: int = 0) -> np.random.SeedSequence:
    return np.random.SeedSequence(7, spawn_key=(chip, layer))


def signs_of(neurons: int, inputs: int, hrs_share: float = 0.5) -> np.ndarray:
    hrs = np.random.default_rng(99).random((neurons, inputs)) < hrs_share
    return np.where(hrs, 1, -1).astype(np.int8)


def is_wrong(model, signs: np.ndarray, chip: np.random.SeedSequence) -> np.ndarray:
    wrong = np.zeros(signs.size, dtype=bool)
    wrong[as_positions(wrong_cells(model, signs, chip), signs)] = True
    return wrong.reshape(signs.shape)


def rates_of(model: CorrelatedFaults, signs: np.ndarray, chip: np.random.SeedSequence):
    """Return the error rate of each cell, cell by cell from the effects of its lines."""
    lines = model.lines(signs.shape, chip)
    word_lines, bit_lines = model.tile
    state = (signs > 0).astype(int)
    neuron, input_ = np.indices(signs.shape)
    column = lines.columns[state, neuron, input_ // word_lines]
    row = lines.rows[state, neuron // bit_lines, input_]
    return ndtr(column + row - np.array(lines.distances)[state])


@pytest.mark.parametrize("tile", [(128, 128), (50, 7), (300, 64)])
@pytest.mark.parametrize("ber", [1e-5, 1e-3, 0.02, 0.3])
def test_a_cell_is_wrong_where_its_own_number_is_below_its_own_rate(tile, ber) -> None:
    signs = signs_of(300, 333)
    model = CorrelatedFaults(StateFaults(ber, ber / 2), **LINES, tile=tile)
    wrong, rates = is_wrong(model, signs, seed()), rates_of(model, signs, seed())
    # Independent cells at one rate tell which u are below it.
    for rate in (0.0, 1e-4, 1e-3, 0.004, 0.01, 0.03, 0.1, 0.3, 0.6, 1.0):
        below = is_wrong(IidFaults(rate), signs, seed())
        assert not (wrong & ~below & (rates <= rate)).any()
        assert not (~wrong & below & (rates >= rate)).any()


@pytest.mark.parametrize("ber", [1e-4, 0.0019, 0.03, 0.4, 0.999])
def test_lines_that_hardly_differ_give_the_wrong_cells_of_independent_faults(ber: float) -> None:
    signs = signs_of(260, 700)
    faults = StateFaults(ber, ber / 3)
    nearly = CorrelatedFaults(faults, sigma_column=1e-13, sigma_row=1e-13, sense_offset=1e-13)
    assert np.array_equal(is_wrong(nearly, signs, seed()), is_wrong(faults, signs, seed()))


@pytest.mark.parametrize("faults", [IidFaults(0.01), StateFaults(0.1, 0.001), POPULATIONS])
def test_without_parts_the_model_is_that_of_independent_faults(faults) -> None:
    signs = signs_of(100, 90)
    model = CorrelatedFaults(faults, correlation=0.5)
    assert np.array_equal(wrong_cells(model, signs, seed()), wrong_cells(faults, signs, seed()))
    assert model.identity() == faults.identity()
    assert model.mean_ber(0.3) == faults.mean_ber(0.3)


def test_wrong_cells_are_among_those_at_a_greater_ber() -> None:
    signs = signs_of(200, 500)
    before = np.zeros(signs.shape, dtype=bool)
    for ber in (0.0, 1e-6, 1e-4, 0.002, 0.01, 0.1, 0.5, 1.0):
        wrong = is_wrong(CorrelatedFaults(IidFaults(ber), **LINES, tile=(64, 64)), signs, seed())
        assert not (before & ~wrong).any()
        before = wrong
    assert before.all()


@pytest.mark.parametrize("correlation", [-1.0, 0.0, 0.6])
def test_the_mean_over_chips_is_the_closed_form_rate_of_each_state(correlation: float) -> None:
    signs = signs_of(64, 64, hrs_share=0.4)
    model = CorrelatedFaults(POPULATIONS, **LINES, correlation=correlation, tile=(16, 16))
    lrs, hrs = math.hypot(0.6, 0.1), math.hypot(0.8, 0.1)
    expected = (
        stats.norm.sf((math.log(22e3) - 9.0) / lrs),
        stats.norm.sf((11.0 - math.log(22e3)) / hrs),
    )
    assert tuple(vars(model.by_state()).values()) == pytest.approx(expected, rel=1e-12)
    assert model.mean_ber(0.4) == pytest.approx(0.6 * expected[0] + 0.4 * expected[1], rel=1e-12)
    chips = [is_wrong(model, signs, seed(chip)) for chip in range(600)]
    for state, rate in ((-1, expected[0]), (1, expected[1])):
        shares = np.array([chip[signs == state].mean() for chip in chips])
        error = shares.std(ddof=1) / math.sqrt(shares.size)
        assert abs(shares.mean() - rate) < 4 * error
        assert error > math.sqrt(rate / (signs == state).sum() / shares.size)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("z", "share", "both", "ratio", "columns"),
    [
        (1.838, 0.1, 1.7307e-3, 3.54, 40_000),
        (1.838, 0.3, 3.6887e-3, 11.33, 40_000),
        (3.726, 0.1, 3.997e-8, 1.04, 400_000),
    ],
)
def test_errors_of_a_column_vary_as_shared_chance_makes_them(
    z: float, share: float, both: float, ratio: float, columns: int
) -> None:
    cells = 128
    signs = np.broadcast_to(np.int8(1), (columns, cells))
    ber = float(stats.norm.sf(z))
    model = CorrelatedFaults(IidFaults(ber), sigma_column=math.sqrt(share))
    errors = is_wrong(model, signs, seed()).sum(axis=1)
    assert abs(errors.mean() / (cells * ber) - 1) < 4 * stats.sem(errors) / (cells * ber)
    pairs = errors * (errors - 1) / (cells * (cells - 1))
    assert abs(pairs.mean() - both) < 4 * stats.sem(pairs)
    squares = (errors - cells * ber) ** 2 / (cells * ber * (1 - ber))
    # The ratio has three digits.
    assert abs(squares.mean() - ratio) < 4 * stats.sem(squares) + 0.005


@pytest.mark.parametrize("correlation", [-0.5, 0.0, 1.0])
def test_both_states_share_as_much_of_a_line_as_said(correlation: float) -> None:
    model = CorrelatedFaults(
        POPULATIONS, sigma_column=(0.2, 0.4), sigma_row=0.3, correlation=correlation, tile=(8, 8)
    )
    lines = model.lines((800, 800), seed())
    cells = np.sqrt([0.6**2 - 0.2**2 - 0.3**2, 0.8**2 - 0.4**2 - 0.3**2])
    for effects, sigmas in ((lines.columns, (0.2, 0.4)), (lines.rows, (0.3, 0.3))):
        lrs, hrs = effects.reshape(2, -1)
        assert lrs.std() * cells[0] == pytest.approx(sigmas[0], rel=0.02)
        assert hrs.std() * cells[1] == pytest.approx(sigmas[1], rel=0.02)
        # A line of high resistance makes LRS err more and HRS less.
        assert -np.corrcoef(lrs, hrs)[0, 1] == pytest.approx(correlation, abs=0.015)


def test_an_offset_makes_one_state_of_a_column_err_more_and_the_other_less() -> None:
    model = CorrelatedFaults(IidFaults(0.05), sense_offset=0.4)
    lrs, hrs = model.lines((500, 256), seed()).columns
    assert np.array_equal(lrs, -hrs)
    assert lrs.std() == pytest.approx(0.4 / math.sqrt(1 - 0.4**2), rel=0.1)


def test_all_layers_of_a_chip_lie_on_one_die_and_have_lines_of_their_own() -> None:
    model = CorrelatedFaults(IidFaults(0.05), sigma_die=0.5, sigma_column=0.1)
    first, second = (model.lines((4, 4), seed(3, layer)) for layer in range(2))
    assert np.array_equal(first.distances, second.distances)
    assert not np.intersect1d(model.lines((4, 4), seed(4)).distances, first.distances).size
    assert not np.intersect1d(first.columns, second.columns).size


def test_lines_stay_where_other_parts_are_added_and_whatever_the_threads(monkeypatch) -> None:
    shape = (700, 9000)
    few = CorrelatedFaults(IidFaults(0.05), sigma_column=0.2, tile=(16, 16))
    more = CorrelatedFaults(IidFaults(0.05), sigma_column=0.2, sigma_row=0.3, tile=(16, 16))
    columns = few.lines(shape, seed()).columns * math.sqrt(1 - 0.2**2)
    others = more.lines(shape, seed())
    assert np.allclose(others.columns * math.sqrt(1 - 0.2**2 - 0.3**2), columns, rtol=1e-12)
    monkeypatch.setattr(parallel, "cores", lambda: 1)
    assert np.array_equal(more.lines(shape, seed()).rows, others.rows)


@pytest.mark.parametrize("correlation", [-0.4, 0.0, 0.8])
def test_weights_of_pairs_are_wrong_together_as_the_resistances_of_their_cells_say(correlation):
    """P(both wrong) of two weights of one neuron, from the covariance of their differences."""
    columns, rows, dies, offset = (0.3, 0.5), (0.2, 0.4), (0.1, 0.3), 0.25
    model = CorrelatedFaults(
        POPULATIONS, columns, rows, dies, offset, correlation=correlation, tile=(32, 16)
    )
    pairs = protect(model, "2T2R")
    # Two columns: LRS and HRS of the first, then of the second; what is read is a difference.
    within = correlation * columns[0] * columns[1]
    one = np.array([[columns[0] ** 2, within], [within, columns[1] ** 2]])
    of_columns = np.kron(np.eye(2), one)
    reads = {1: np.array([0.0, 1.0, -1.0, 0.0]), -1: np.array([-1.0, 0.0, 0.0, 1.0])}
    of_die = dies[0] ** 2 + dies[1] ** 2 - 2 * correlation * dies[0] * dies[1]
    of_row = rows[0] ** 2 + rows[1] ** 2 - 2 * correlation * rows[0] * rows[1]
    in_cells = 0.6**2 + 0.8**2 - sum(a**2 + b**2 for a, b in (columns, rows, dies))
    total = reads[1] @ of_columns @ reads[1] + of_die + of_row + offset**2 + in_cells
    ber = stats.norm.sf((11.0 - 9.0) / math.sqrt(0.6**2 + 0.8**2 + offset**2))
    assert pairs.mean_ber(0.5) == pytest.approx(ber, rel=1e-12)
    shares = [
        sigma**2 * total for sigma in (pairs.residual.sigma_row[0], pairs.residual.sigma_die[0])
    ]
    assert shares == pytest.approx([of_row, of_die])
    signs = np.tile(np.array([1, -1], dtype=np.int8), (400, 16))
    chips = [is_wrong(pairs, signs, seed(chip)) for chip in range(400)]
    same, other = [], []
    for wrong in chips:
        plus, minus = wrong[:, ::2].sum(axis=1), wrong[:, 1::2].sum(axis=1)
        same.append((plus * (plus - 1) / (16 * 15)).mean())
        other.append((plus * minus / 16**2).mean())
    for first, second, found in ((1, 1, same), (1, -1, other)):
        shared = reads[first] @ of_columns @ reads[second] + of_die + first * second * offset**2
        z, rho = stats.norm.isf(ber), shared / total
        both = stats.multivariate_normal.cdf([-z, -z], cov=[[1, rho], [rho, 1]])
        assert abs(np.mean(found) - both) < 4 * stats.sem(found)


@pytest.mark.parametrize("correlation", [-0.4, 0.8])
def test_pairs_on_one_word_line_are_wrong_together_whatever_weight_they_hold(correlation):
    """Of a row with a high HRS and a low LRS every pair errs less, so both signs share it."""
    rows = (0.4, 0.7)
    model = CorrelatedFaults(POPULATIONS, sigma_row=rows, correlation=correlation, tile=(64, 40))
    pairs = protect(model, "2T2R")
    of_row = rows[0] ** 2 + rows[1] ** 2 - 2 * correlation * rows[0] * rows[1]
    in_cells = 0.6**2 + 0.8**2 - rows[0] ** 2 - rows[1] ** 2
    z = stats.norm.isf(pairs.mean_ber(0.5))
    rho = of_row / (of_row + in_cells)
    both = stats.multivariate_normal.cdf([-z, -z], cov=[[1, rho], [rho, 1]])
    signs = np.tile(np.array([[1], [-1]], dtype=np.int8), (10, 4000))
    found = []
    for chip in range(10):
        wrong = is_wrong(pairs, signs, seed(chip))
        found.extend(wrong[::2].sum(axis=0) * wrong[1::2].sum(axis=0) / 10**2)
    assert abs(np.mean(found) - both) < 4 * stats.sem(found)


def test_a_tile_has_half_as_many_pairs_as_bit_lines() -> None:
    model = CorrelatedFaults(POPULATIONS, sigma_row=0.2, tile=(64, 10))
    assert protect(model, "2T2R").residual.tile == (64, 5)


def test_a_code_decodes_cells_that_err_together_and_what_needs_populations_refuses_them() -> None:
    signs = signs_of(128, 300)
    faults = CorrelatedFaults(IidFaults(0.003), sigma_column=0.2, sigma_row=0.4)
    coded = protect(faults, "secded(72,64)")
    left = is_wrong(coded, signs, seed()).sum()
    assert 0 < left < is_wrong(faults, signs, seed()).sum()
    # Words lie along rows: how often their cells err together is not in the closed form.
    assert math.isnan(coded.mean_ber(0.5))
    columns = CorrelatedFaults(IidFaults(0.003), sigma_column=0.2)
    alone = protect(IidFaults(0.003), "secded(72,64)")
    assert protect(columns, "secded(72,64)").mean_ber(0.5) == alone.mean_ber(0.5)
    with pytest.raises(InputError, match="these are correlated"):
        protect(CorrelatedFaults(POPULATIONS, sigma_column=0.2), "verify(5, read_spread=0.1)")
    with pytest.raises(InputError, match="has bit-error rates only"):
        protect(columns, "2T2R")
    assert protect(columns, "2T2R(ber=1e-3)").mean_ber(0.5) == 1e-3
    # Nothing shared: pairs are those of cells that err on their own.
    nothing = CorrelatedFaults(POPULATIONS, correlation=0.5)
    alone = protect(POPULATIONS, "2T2R(offset=0.3)")
    assert protect(nothing, "2T2R(offset=0.3)").residual == alone.residual


@pytest.mark.parametrize("faults", [POPULATIONS, StateFaults(0.02, 0.05), IidFaults(0.03)])
def test_as_error_rates_with_shares_the_same_cells_are_wrong(faults) -> None:
    signs = signs_of(150, 200)
    model = CorrelatedFaults(faults, **LINES, correlation=0.4)
    rates = model.of_rates()
    assert isinstance(rates.faults, StateFaults)
    assert rates.mean_ber(0.3) == pytest.approx(model.mean_ber(0.3), rel=1e-12)
    assert np.array_equal(is_wrong(rates, signs, seed()), is_wrong(model, signs, seed()))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"sigma_column": -0.1}, "sigma_column is -0.1"),
        ({"sigma_row": (0.1, 0.2, 0.3)}, "sigma_row is"),
        ({"sigma_die": math.nan}, "sigma_die is nan"),
        ({"sigma_column": "wide"}, "sigma_column is 'wide'"),
        ({"sense_offset": -1}, "sense_offset is -1"),
        ({"correlation": 1.5}, "correlation is 1.5"),
        ({"correlation": (0.1, 0.2)}, "correlation is (0.1, 0.2)"),
        ({"tile": (128, 0)}, "tile is"),
        ({"tile": 128}, "tile is 128"),
        ({"sigma_column": (0.1, 0.8), "sigma_row": 0.6}, "parts of the spread of HRS"),
        ({"faults": protect(IidFaults(0.1), "secded(72,64)")}, "faults is"),
    ],
)
def test_parts_that_cannot_be_are_refused(given: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=re.escape(told)):
        CorrelatedFaults(**{"faults": IidFaults(0.1), **given})


def test_every_parameter_is_in_the_identity() -> None:
    models = [
        CorrelatedFaults(IidFaults(0.1), **given)
        for given in (
            {"sigma_column": 0.1},
            {"sigma_column": 0.2},
            {"sigma_row": 0.1},
            {"sigma_die": 0.1},
            {"sense_offset": 0.1},
            {"sigma_column": 0.1, "correlation": 0.5},
            {"sigma_column": 0.1, "tile": (64, 64)},
        )
    ]
    identities = [model.identity() for model in models]
    assert all(identities.count(identity) == 1 for identity in identities)
    assert CorrelatedFaults(IidFaults(0.1), sigma_row=[0.1, 0.1]) == models[2]
