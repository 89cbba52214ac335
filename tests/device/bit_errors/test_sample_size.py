import math

import numpy as np
import pytest
from scipy import stats

from rramsim.device.bit_errors.error_counts import Count, weighted
from rramsim.device.bit_errors.sample_size import cells_needed, sample_sizes
from rramsim.device.bit_errors.sensing import (
    StatePair,
    best_reference,
    log_bit_error_rate,
    log_bit_error_rate_interval,
)
from rramsim.device.characterize import characterize
from rramsim.readers.measurements import read_measurements
from rramsim.readers.shipped import resolve
from rramsim.schema import records


def of_all(found, target):
    """Return a row for each condition, by its name."""
    sizes = sample_sizes(
        target,
        conditions=found.products["conditions"],
        counted=found.products["counted"],
        populations=found.products["populations"],
    )
    return {row["condition"]: row for row in records(sizes, "condition")}


def asked(target, *, z=3.0, cells=1024, errors=(1, 2), fitted=True, **more):
    """Equal spreads, z from the reference to either median."""
    states = StatePair(0.0, 1.0, 2 * z, 1.0)
    at = best_reference(states)[0]
    covariances = [
        np.linalg.inv(cells * np.array([[1, -mu], [-mu, 2 + mu**2]])) for mu in (0.0, 2 * z)
    ]
    _, high = log_bit_error_rate_interval(
        at, states, covariance_lrs=covariances[0], covariance_hrs=covariances[1]
    )
    (row,) = records(
        cells_needed(
            target,
            log_ber=log_bit_error_rate(at, states) if fitted else None,
            log_high=high if fitted else None,
            cells=cells,
            counted=weighted(
                Count(errors[0], cells, 0),
                Count(errors[1], cells, 0),
                lrs_share=more.get("lrs_share", 0.5),
            ),
            **more,
        ),
        "condition",
    )
    return row


def test_the_numbers_are_the_closed_forms():
    z, target = 3.0, 2e-3
    found = asked(target, z=z, cells=100, errors=(0, 0))
    root = (stats.norm.ppf(0.95) + stats.norm.ppf(0.8)) * math.sqrt((1 + z**2 / 2) / 2)
    expected = (root / (z - stats.norm.isf(target))) ** 2
    # The rise to a whole number at most.
    assert 0 <= found["cells_by_fit"] - expected <= 1.0001
    assert found["cells_by_count"] == math.ceil(math.log(0.05) / math.log1p(-target) / 2)
    assert (found["shown_by_fit"], found["shown_by_count"]) == (False, False)
    assert "if the lognormal holds that far" in found["sentence"]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_as_many_cells_as_counting_takes_show_the_target_at_any_share(share):
    """And one cell fewer does not: without an error, by the bound that such a count gives."""
    target = 3e-3
    cells = int(asked(target, errors=(0, 0), fitted=False, lrs_share=share)["cells_by_count"])

    def shown(number):
        none = Count(0, number, 0)
        sample = weighted(none, none, lrs_share=share).sample
        return 1 - 0.05 ** (1 / sample) <= target * (1 + 1e-12)

    assert shown(cells)
    assert not shown(cells - 1)


def test_a_fit_shows_nothing_beyond_its_reach_and_takes_the_cells_that_reach_it():
    target, z = 1e-6, 9.0
    assert asked(target, z=z, errors=(0, 0))["shown_by_fit"]
    beyond = asked(target, z=z, cells=30, errors=(0, 0), is_within_reach=False)
    assert not beyond["shown_by_fit"]
    # One cell in so many lies 2 sigmas short of the target.
    assert beyond["cells_by_fit"] == math.ceil(1 / stats.norm.sf(stats.norm.isf(target) - 2))
    assert asked(0.01, z=z, cells=8, errors=(0, 0), is_within_reach=False)["cells_by_fit"] == 20


def test_three_cells_show_no_target_by_their_fit(measured_from, exact_sample):
    lrs, hrs = exact_sample(1e4, 0.05, cells=3), exact_sample(1e6, 0.05, cells=3, seed=2)
    (row,) = of_all(characterize(measured_from({"a": (lrs, hrs)})), 1e-3).values()
    assert (row["shown_by_fit"], row["shown_by_count"]) == (0, 0)
    assert "contradicted" not in row["sentence"]


@pytest.mark.slow
def test_a_sample_of_the_size_advised_shows_it_four_times_in_five():
    target, z = 4e-3, 3.0
    advised = int(asked(target, z=z, cells=50, errors=(0, 0))["cells_by_fit"])
    rng, shown, sets = np.random.default_rng(6), 0, 400
    for _ in range(sets):
        mean = z + rng.standard_normal(2) * [1, 1] / math.sqrt(advised)
        sigma = np.sqrt(rng.chisquare(advised - 1, 2) / advised)
        states = StatePair(-mean[0], sigma[0], mean[1], sigma[1])
        covariances = [
            np.linalg.inv(advised * np.array([[1, -m], [-m, s**2 + m**2 + s**2]]))
            for m, s in ((-mean[0], sigma[0]), (mean[1], sigma[1]))
        ]
        _, high = log_bit_error_rate_interval(
            0.0, states, covariance_lrs=covariances[0], covariance_hrs=covariances[1]
        )
        found = cells_needed(
            target,
            log_ber=log_bit_error_rate(0.0, states),
            log_high=high,
            cells=advised,
            counted=weighted(Count(0, advised, 0), Count(0, advised, 0)),
        )
        shown += found["shown_by_fit"].item()
    assert shown / sets == pytest.approx(0.8, abs=0.1)


def test_what_is_shown_is_said_by_which_way():
    by_count = asked(0.01)
    assert by_count["shown_by_count"]
    assert by_count["shown_by_fit"]
    assert "shown by counting alone" in by_count["sentence"]
    by_fit = asked(1e-6, z=6.0, errors=(0, 0))
    assert (by_fit["shown_by_fit"], by_fit["shown_by_count"]) == (True, False)
    assert "shown by the fitted populations, if the lognormal holds" in by_fit["sentence"]
    assert "1,497,866 cells a state without an error" in by_fit["sentence"]


def test_no_number_of_cells_shows_a_target_below_the_estimate():
    found = asked(1e-4)
    assert math.isnan(found["cells_by_fit"])
    assert "no number of cells will show it: the fitted BER is 1.3×10⁻³" in found["sentence"]
    many = asked(1e-4, errors=(20, 20), fitted=False)
    assert math.isnan(many["cells_by_count"])
    assert "will not show it by counting (40 errors found)" in many["sentence"]


@pytest.mark.parametrize(("errors", "target"), [(0, 2e-3), (3, 4e-3), (3, 3.7e-3), (0, 1.4e-3)])
def test_counting_shows_what_scipys_one_sided_interval_shows(errors, target):
    found = asked(target, errors=(errors, 0), fitted=False)
    upper = stats.binomtest(errors, 2048, alternative="less").proportion_ci(0.95).high
    assert found["shown_by_count"] == (upper < target)


def test_targets_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"above 0 and below 0\.5"):
        asked(0.0)


@pytest.mark.slow
def test_every_condition_with_readings_is_asked(measured_from, exact_sample):
    lrs, hrs = exact_sample(1e4, 0.3), exact_sample(1e5, 0.3, seed=2)
    tailed = hrs.copy()
    tailed[:30] = 1e4
    far = exact_sample(1e9, 0.01)
    found = characterize(
        measured_from(
            {
                "good": (lrs, hrs),
                "tailed": (lrs, tailed),
                "unfit": ([1e4] * 1024, hrs),
                "far": (exact_sample(1e3, 0.01), far),
            }
        )
    )
    asked_for = of_all(found, 1e-3)
    assert list(asked_for) == ["good", "tailed", "unfit", "far"]
    assert asked_for["good"]["shown_by_fit"]
    assert not asked_for["good"]["shown_by_count"]
    assert math.isnan(asked_for["tailed"]["cells_by_count"])
    assert "no fit" in asked_for["unfit"]["sentence"]
    assert asked_for["far"]["shown_by_fit"]
    # The tailed condition's fit is kept beside the counted headline.
    assert not asked_for["tailed"]["shown_by_fit"]
    assert math.isnan(asked_for["tailed"]["cells_by_fit"])
    tailed_row = found.products["conditions"].sel(condition="tailed")
    assert tailed_row["ber_basis"].item() == "counted"
    assert tailed_row["ber_fitted"].item() > 0


@pytest.mark.slow
@pytest.mark.parametrize("target", [0.02, 1e-3])
def test_a_fit_that_the_count_contradicts_shows_nothing(target):
    found = characterize(read_measurements([resolve("ni-rram-64kb-cycling")]))
    row = found.products["conditions"].isel(condition=0)
    assert row["ber_basis"].item() == "counted"
    assert row["ber"].item() > 0.02
    (size,) = of_all(found, target).values()
    assert (size["shown_by_fit"], size["shown_by_count"]) == (0, 0)
    assert math.isnan(size["cells_by_fit"])
    assert "not shown: the fit is contradicted by the count" in size["sentence"]


def test_cells_are_counted_and_not_their_readings(measured_from):
    rng = np.random.default_rng(3)
    cells, cycles = 100, 8
    own = rng.standard_normal((2, cells))
    x = own[:, None, :] + 0.1 * rng.standard_normal((2, cycles, cells))
    ohm = np.exp(np.array([10.0, 14.0])[:, None] + 0.7 * x.reshape(2, -1))
    cell = np.tile(np.arange(cells), 2 * cycles)
    often = characterize(measured_from({"a": ohm}, cells=cell))
    once = characterize(measured_from({"a": ohm[:, :cells]}, cells=np.tile(np.arange(cells), 2)))
    # As good as each cell read once: the cells of a population are what differs.
    advised, expected = (of_all(found, 4e-3)["a"]["cells_by_fit"] for found in (often, once))
    assert advised == pytest.approx(expected, rel=0.3)


def test_a_target_within_the_interval_is_not_said_to_be_hopeless():
    inside = asked(1.2e-3, errors=(1, 2))
    assert math.isnan(inside["cells_by_fit"])
    assert "at the estimated BER, 1.3×10⁻³, no number of cells would" in inside["sentence"]
    assert "the target lies within the interval" in inside["sentence"]
    assert "will show it:" not in inside["sentence"]
