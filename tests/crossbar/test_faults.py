"""Fault models against their closed forms.

Every statistical check runs once at a fixed seed and compares a p-value with FALSE_ALARM: a right
model would fail it for one seed in 10,000.
"""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtri

from rramsim.crossbar.faults import (
    FaultModel,
    IidFaults,
    PopulationFaults,
    StateFaults,
    by_layer,
    is_deterministic,
    mean_ber,
    wrong_cells,
)
from rramsim.crossbar.sampling import as_positions
from rramsim.errors import InputError

FALSE_ALARM = 1e-4


def populations(ber_lrs: float, ber_hrs: float) -> PopulationFaults:
    """Return populations that give the two rates at a reference of 30 kilo-ohm."""
    reference = math.log(30e3)
    return PopulationFaults(
        mu_lrs=reference + 0.4 * float(ndtri(ber_lrs)),
        sigma_lrs=0.4,
        mu_hrs=reference - 0.9 * float(ndtri(ber_hrs)),
        sigma_hrs=0.9,
        reference_resistance=30e3,
    )


# Each model with the rates of LRS and HRS that it must show; all ways of drawing are met.
MODELS: list[tuple[FaultModel, float, float]] = [
    (IidFaults(0.002), 0.002, 0.002),
    (IidFaults(0.15), 0.15, 0.15),
    (IidFaults(0.4), 0.4, 0.4),
    (StateFaults(0.1, 0.003), 0.1, 0.003),
    (StateFaults(0.01, 0.5), 0.01, 0.5),
    (StateFaults(0.0, 0.05), 0.0, 0.05),
    (StateFaults(1.0, 0.05), 1.0, 0.05),
    (populations(0.033, 0.033), 0.033, 0.033),
    (populations(0.002, 0.2), 0.002, 0.2),
]


def seed(chip: int = 0) -> np.random.SeedSequence:
    return np.random.SeedSequence(7, spawn_key=(chip,))


def positions_of(model: FaultModel, signs: np.ndarray, chip: np.random.SeedSequence) -> np.ndarray:
    return as_positions(wrong_cells(model, signs, chip), signs)


def random_signs(neurons: int, inputs: int, hrs_share: float = 0.5) -> np.ndarray:
    hrs = np.random.default_rng(99).random((neurons, inputs)) < hrs_share
    return np.where(hrs, 1, -1).astype(np.int8)


def evenness(hits: np.ndarray, cells: np.ndarray) -> float:
    """Return the chi-square p-value of `hits` among `cells`, line by line, for one common rate."""
    rate = hits.sum() / cells.sum()
    statistic = float(((hits - rate * cells) ** 2 / (rate * (1 - rate) * cells)).sum())
    return float(stats.chi2.sf(statistic, hits.size - 1))


@pytest.mark.parametrize(("model", "ber_lrs", "ber_hrs"), MODELS)
def test_each_state_shows_its_rate_evenly_over_rows_and_columns(
    model: FaultModel, ber_lrs: float, ber_hrs: float
) -> None:
    signs = random_signs(500, 800, hrs_share=0.3)
    positions = positions_of(model, signs, seed())
    assert positions.dtype == np.int64
    assert np.all(np.diff(positions) > 0)
    flipped = np.zeros(signs.size, dtype=bool)
    flipped[positions] = True
    flipped = flipped.reshape(signs.shape)
    for state, rate in ((-1, ber_lrs), (1, ber_hrs)):
        cells = signs == state
        errors = int(flipped[cells].sum())
        assert stats.binomtest(errors, int(cells.sum()), rate).pvalue > FALSE_ALARM
        if 0 < rate < 1:
            for axis in (0, 1):
                hits, among = (flipped & cells).sum(axis=axis), cells.sum(axis=axis)
                # The counts of few expected hits are not near normal: join lines up to 20.
                starts = np.arange(0, hits.size, int(20 / (rate * among.mean())) + 1)
                hits, among = np.add.reduceat(hits, starts), np.add.reduceat(among, starts)
                # Too even is as wrong as uneven: a set number of flips a line would be that.
                assert FALSE_ALARM / 2 < evenness(hits, among) < 1 - FALSE_ALARM / 2


@pytest.mark.slow
@pytest.mark.parametrize(("model", "ber_lrs", "ber_hrs"), MODELS)
def test_the_number_of_flips_varies_as_a_binomial_does(
    model: FaultModel, ber_lrs: float, ber_hrs: float
) -> None:
    # A fixed int(p N) would show no variance, and draws that hang together too much of it.
    signs = random_signs(40, 50)
    lrs, hrs = int((signs < 0).sum()), int((signs > 0).sum())
    chips = 2000
    counts = [positions_of(model, signs, seed(chip)).size for chip in range(chips)]
    variance = lrs * ber_lrs * (1 - ber_lrs) + hrs * ber_hrs * (1 - ber_hrs)
    mean = lrs * ber_lrs + hrs * ber_hrs
    fourth = 3 * variance**2 + variance * 1.0  # At most: a binomial's excess is below variance.
    for seen, expected, error in (
        (np.mean(counts), mean, math.sqrt(variance / chips)),
        (np.var(counts, ddof=1), variance, math.sqrt((fourth - variance**2) / chips)),
    ):
        assert 2 * stats.norm.sf(abs(seen - expected) / error) > FALSE_ALARM


@pytest.mark.slow
def test_the_iid_count_is_binomial_in_full() -> None:
    signs = random_signs(10, 10)
    counts = np.array(
        [positions_of(IidFaults(0.05), signs, seed(chip)).size for chip in range(5000)]
    )
    seen = np.bincount(np.minimum(counts, 11), minlength=12)
    expected = 5000 * np.append(stats.binom.pmf(np.arange(11), 100, 0.05), 0)
    expected[-1] = 5000 - expected.sum()
    assert stats.chisquare(seen, expected).pvalue > FALSE_ALARM


def test_sampled_resistances_agree_with_the_closed_form_of_each_state() -> None:
    model = PopulationFaults(
        mu_lrs=9.0, sigma_lrs=0.5, mu_hrs=11.5, sigma_hrs=0.8, reference_resistance=22e3
    )
    reference = math.log(22e3)
    by_state = model.by_state()
    assert by_state.ber_lrs == pytest.approx(stats.norm.sf((reference - 9.0) / 0.5), rel=1e-12)
    assert by_state.ber_hrs == pytest.approx(stats.norm.sf((11.5 - reference) / 0.8), rel=1e-12)
    signs = random_signs(1000, 1500)
    wrong = signs.reshape(-1)[positions_of(model, signs, seed())]
    for state, rate in ((-1, by_state.ber_lrs), (1, by_state.ber_hrs)):
        cells = int((signs == state).sum())
        errors = int((wrong == state).sum())
        assert stats.binomtest(errors, cells, rate).pvalue > FALSE_ALARM


def test_equal_sigmas_give_the_paper_s_bit_error_rates() -> None:
    # Hirtzlin et al. 2019: separations 3.73 and 1.84 for the strong and the weak condition.
    for separation, ber in ((3.73, 9.7e-5), (1.84, 3.3e-2)):
        model = PopulationFaults(-separation, 1.0, separation, 1.0, reference_resistance=1.0)
        assert mean_ber(model, 0.5) == pytest.approx(ber, rel=0.02)


def test_populations_flip_the_cells_of_their_closed_form_rates() -> None:
    signs = random_signs(60, 70)
    model = populations(0.1, 0.3)
    expected = positions_of(StateFaults(0.1, 0.3), signs, seed())
    assert np.array_equal(positions_of(model, signs, seed()), expected)


@pytest.mark.parametrize(("model", "ber_lrs", "ber_hrs"), MODELS)
def test_the_mean_ber_weighs_the_states(model: FaultModel, ber_lrs: float, ber_hrs: float) -> None:
    assert mean_ber(model, 0.0) == pytest.approx(ber_lrs)
    assert mean_ber(model, 1.0) == pytest.approx(ber_hrs)
    assert mean_ber(model, 0.3) == pytest.approx(0.7 * ber_lrs + 0.3 * ber_hrs)


def test_only_rates_of_nought_and_one_are_deterministic() -> None:
    assert IidFaults(0.0).deterministic
    assert IidFaults(1.0).deterministic
    assert not IidFaults(1e-12).deterministic
    assert StateFaults(1.0, 0.0).deterministic
    assert not StateFaults(0.0, 0.5).deterministic
    assert not populations(0.033, 0.033).deterministic
    assert PopulationFaults(0.0, 0.01, 10.0, 0.01, reference_resistance=150.0).deterministic


def test_identities_tell_models_and_every_digit_apart() -> None:
    nearly = math.nextafter(0.1, 1)
    models = [IidFaults(0.1), IidFaults(nearly), StateFaults(0.1, 0.1), populations(0.1, 0.1)]
    identities = [model.identity() for model in models]
    assert all(identities.count(identity) == 1 for identity in identities)
    assert IidFaults(0).identity() == IidFaults(0.0).identity()


@pytest.mark.parametrize("ber", [-1e-9, 1.0000001, math.nan, math.inf])
def test_a_rate_outside_0_to_1_is_refused(ber: float) -> None:
    with pytest.raises(InputError, match=f"{ber}"):
        IidFaults(ber)
    with pytest.raises(InputError, match="HRS"):
        StateFaults(0.1, ber)


@pytest.mark.parametrize(
    ("name", "number", "told"),
    [
        ("mu_lrs", math.nan, "mu of LRS"),
        ("sigma_hrs", 0.0, "sigma of HRS"),
        ("sigma_lrs", math.inf, "sigma of LRS"),
        ("reference_resistance", -1.0, "reference resistance"),
    ],
)
def test_populations_that_cannot_be_are_refused(name: str, number: float, told: str) -> None:
    parameters = {"mu_lrs": 9.0, "sigma_lrs": 0.5, "mu_hrs": 11.0, "sigma_hrs": 0.5}
    parameters |= {"reference_resistance": 22e3, name: number}
    with pytest.raises(InputError, match=told):
        PopulationFaults(**parameters)


class FirstCells:
    """A user's own model: the first cells of every layer, in a form of choice."""

    def __init__(self, drawn: object) -> None:
        self.drawn = drawn

    def draw(self, signs: np.ndarray, seed: np.random.SeedSequence) -> object:
        return self.drawn

    def identity(self) -> dict[str, str]:
        return {"model": "first cells"}


SIGNS = np.ones((2, 70), dtype=np.int8)


@pytest.mark.parametrize(
    "drawn",
    [
        np.array([0, 1, 139]),
        [139, 0, 1],
        np.isin(np.arange(140).reshape(2, 70), (0, 1, 139)),
        np.array([[3, 0], [0, 1 << 5]], dtype=np.uint64),
    ],
)
def test_a_user_s_model_may_give_positions_booleans_or_a_mask(drawn: object) -> None:
    assert positions_of(FirstCells(drawn), SIGNS, seed()).tolist() == [0, 1, 139]


def test_a_user_s_model_may_give_no_wrong_cell() -> None:
    assert positions_of(FirstCells([]), SIGNS, seed()).size == 0
    assert not is_deterministic(FirstCells([]))
    assert math.isnan(mean_ber(FirstCells([]), 0.5))


@pytest.mark.parametrize(
    ("drawn", "message"),
    [
        ([0, 140], r"FirstCells gives cells 0 to 140 of a layer of shape \(2, 70\).*0 to 139"),
        ([-1, 3], "gives cells -1 to 3"),
        ([3, 5, 3], "gives a cell more than once"),
        ([0.5, 1.0], r"gives float64 of shape \(2,\)"),
        (np.zeros((70, 2), dtype=bool), r"gives bool of shape \(70, 2\)"),
        (np.full((2, 2), 2**63, dtype=np.uint64), "a mask with bits beyond the 70 inputs"),
    ],
)
def test_cells_that_a_layer_does_not_have_are_refused(drawn: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        wrong_cells(FirstCells(drawn), SIGNS, seed())


def test_what_a_user_s_model_lacks_is_named() -> None:
    class OnlyDraws:
        def draw(self, signs: np.ndarray, seed: np.random.SeedSequence) -> np.ndarray:
            return np.arange(0)

    with pytest.raises(InputError, match=r"OnlyDraws lacks identity; a fault model needs draw"):
        by_layer(OnlyDraws(), 2)
    with pytest.raises(InputError, match="lacks draw and identity"):
        by_layer(0.1, 2)
    with pytest.raises(InputError, match="FirstCells is a class; give an object of it"):
        by_layer(FirstCells, 2)


def test_a_spread_of_the_reference_adds_to_that_of_the_cells():
    cells = (math.log(5e3), 0.2, math.log(100e3), 0.8, 25e3)
    spread = PopulationFaults(*cells, reference_spread=0.3).by_state()
    wider = PopulationFaults(
        cells[0], math.hypot(0.2, 0.3), cells[2], math.hypot(0.8, 0.3), 25e3
    ).by_state()
    assert spread == wider
    assert "reference_spread" not in PopulationFaults(*cells).identity()
    assert PopulationFaults(*cells, reference_spread=0.3).identity()["reference_spread"] == 0.3
    with pytest.raises(InputError, match="reference spread is -1"):
        PopulationFaults(*cells, reference_spread=-1)
