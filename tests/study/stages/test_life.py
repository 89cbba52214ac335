"""Aged error rates of planted cells, which begin where those of the point itself are."""

import numpy as np
import pytest
from scipy.special import ndtr

import rramsim
from rramsim.crossbar.drawn_faults import planted_faults
from rramsim.crossbar.from_conditions import SharedSpread
from rramsim.crossbar.protection import parse
from rramsim.device.lifetime.aging import Aging
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
