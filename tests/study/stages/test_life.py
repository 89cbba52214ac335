"""Aged error rates of planted cells, which begin where those of the point itself are."""

import numpy as np
import pytest
from scipy.special import ndtr

import rramsim
from rramsim.crossbar.drawn_faults import planted_faults
from rramsim.crossbar.from_conditions import SharedSpread
from rramsim.crossbar.protection import parse
from rramsim.decision.life import LADDER, LossSurface
from rramsim.device.lifetime.aging import Aging, aging_of
from rramsim.device.read_conditions import ReadConditions
from rramsim.study.stages.life import lives_of

OF_CELLS = {"sigma_column": (0.1, 0.2), "sigma_row": 0.1, "correlation": 0.5}


@pytest.fixture(scope="module")
def fit():
    return rramsim.fit("hirtzlin2019-reconstructed", offset=0.06)


def unchanged(fit, name: str, read: ReadConditions) -> Aging:
    """Return cells that are the same at every cycle and time as those of the fit."""
    row = fit.populations.sel(condition=name, state=["LRS", "HRS"])
    lines = np.zeros((2, 2, 3))
    lines[:, 0, 0], lines[:, 1, 0] = row["mu"], row["sigma"]
    times, draws = (1.0, 1e4), np.repeat(lines[np.newaxis], 2, axis=0)
    return Aging(name, (1.0, 1e6), times, 300.0, (300.0,), read, None, (1024, 1024), lines, draws)


@pytest.mark.parametrize("given", [None, OF_CELLS, {**OF_CELLS, "sense_offset": 0.15}])
@pytest.mark.parametrize("protection", ["none", "2T2R", "2T2R(offset=0.1)", "secded(72,64)"])
def test_cells_that_do_not_age_have_the_rates_of_the_point_at_every_age(
    fit, given: dict[str, object] | None, protection: str
) -> None:
    row = fit.conditions.sel(condition="weak")
    read = ReadConditions(
        reference_resistance=float(row["reference_resistance"]),
        reference_spread=float(fit.conditions.attrs["reference_spread"]),
        offset_spread=0.06,
    )
    shared = None if given is None else SharedSpread(given)
    planted = planted_faults(row, parse(protection), fit.examination.products, shared=shared)
    lives = lives_of(
        {"weak": unchanged(fit, "weak", read)}, {(protection, "weak"): planted}, fit.conditions
    )
    rates = lives.rates[protection, "weak"]
    for aged, drawn, unaged in zip(
        (rates.lrs, rates.hrs),
        (rates.drawn_lrs, rates.drawn_hrs),
        planted.drawn.estimate,
        strict=True,
    ):
        assert ndtr(aged) == pytest.approx(np.full(aged.shape, unaged), rel=1e-9)
        assert ndtr(drawn) == pytest.approx(np.full(drawn.shape, unaged), rel=1e-9)


def of_readings(examination, protection: str, **columns: float | str):
    """Return the rates of weights of readings, and the row of their condition."""
    conditions = examination.products["conditions"]
    for name, value in columns.items():
        conditions = conditions.assign({name: conditions[name].copy(data=[value])})
    products = {**examination.products, "conditions": conditions}
    name = conditions["condition"].item()
    row = conditions.sel(condition=name)
    ages = aging_of(examination.measured.readings, products)
    planted = planted_faults(row, parse(protection), products)
    lives = lives_of(ages, {(protection, name): planted}, conditions)
    return lives, lives.rates[protection, name], row


@pytest.fixture(scope="module")
def cycled():
    return rramsim.fit("ni-rram-64kb-cycling").examination


@pytest.mark.parametrize(("protection", "of_cells"), [("none", True), ("2T2R", False)])
def test_lines_of_a_lognormal_that_is_not_believed_are_moved_to_the_counts(
    cycled, protection: str, of_cells: bool
) -> None:
    lives, rates, row = of_readings(cycled, protection)
    # Cycles before the first one read, 25, are taken at that one.
    places = np.flatnonzero(np.isfinite(rates.lrs[:, 0]))
    at = [int(np.argmin(abs(np.maximum(lives.cycles[places], 25.0) - cycle))) for cycle in (25, 50)]
    for name, found, drawn in (
        ("ber_lrs" if of_cells else "ber_2t2r", rates.lrs, rates.drawn_lrs),
        ("ber_hrs" if of_cells else "ber_2t2r", rates.hrs, rates.drawn_hrs),
    ):
        # Half of the readings are of each cycle.
        assert ndtr(found[at, 0]).mean() == pytest.approx(float(row[name]), rel=1e-6)
        low, high = np.quantile(ndtr(drawn[:, at, 0]).mean(axis=1), (0.025, 0.975))
        assert low < float(row[name]) < high
    if of_cells:
        (lrs, hrs), share = ndtr([rates.drawn_lrs, rates.drawn_hrs])[:, :, at, 0], 0.5
        low, high = np.quantile(share * (lrs + hrs), (0.025, 0.975), axis=0)
        # Counted at cycle 25 and at cycle 50, of 1,024 cells a state.
        assert (low < [0.0234, 0.0288]).all()
        assert (high > [0.0234, 0.0288]).all()
    assert lives.moved == {"ni-rram-64kb-cycling"}
    flags = lives._of_conditions(["ni-rram-64kb-cycling"])["aged_extrapolated"][0]
    assert all("lognormal" in flag for flag in flags[places].ravel())
    assert any("moved to the errors counted" in note for note in lives.notes)


@pytest.mark.parametrize("basis", ["fitted", "counted"])
@pytest.mark.parametrize(
    ("protection", "name"), [("none", "ber"), ("2T2R", "ber_2t2r"), ("secded(72,64)", "ber")]
)
def test_a_bound_of_the_headline_leads_at_every_age(
    cycled, protection: str, name: str, basis: str
) -> None:
    bound = {f"{name}_bound": "upper", f"{name}_high": 0.07, f"{name}_basis": basis}
    bound |= {name: np.nan, f"{name}_low": np.nan}
    lives, rates, _ = of_readings(cycled, protection, **bound)
    known = np.isfinite(rates.lrs)
    of_cells = ndtr(rates.lrs[known]) / 2.0 + ndtr(rates.hrs[known]) / 2.0
    assert known.any()
    assert (of_cells >= 0.07 * (1.0 - 1e-9)).all()
    # At best the cells may still be as good as any.
    best = lives.best[protection, "ni-rram-64kb-cycling"]
    assert (best.lrs[known] < rates.lrs[known]).all()

    table = np.add.outer(ndtr(LADDER), ndtr(LADDER)) / 2.0
    surface = LossSurface(table, table, table)
    shown = rates.losses(surface)[2][known]
    assert (shown >= 0.06).all()
    assert (best.losses(surface)[1][known] < 0.03).all()
