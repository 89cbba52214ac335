import numpy as np
import pytest

from rramsim.device.bit_errors.reference_curve import reference_curve
from rramsim.device.characterize import characterize
from rramsim.device.read_conditions import ReadConditions


def cells(median, sigma, count=300, seed=1):
    return median * np.exp(sigma * np.random.default_rng(seed).standard_normal(count))


def curve_of(measured, **options):
    products = characterize(measured, read=ReadConditions(**options)).products
    curve = reference_curve(measured.readings, products["populations"], products["conditions"])
    return curve, products


def test_the_curve_passes_through_the_ber_of_the_condition(measured_from):
    measured = measured_from({"a": (cells(9e3, 0.4), cells(6e4, 0.5, seed=2))})
    curve, products = curve_of(measured, lrs_share=0.3)
    chosen = products["conditions"]["reference_resistance"].item()
    ber = np.interp(np.log(chosen), np.log(curve["reference"][0]), curve["ber"][0])
    assert ber == pytest.approx(products["conditions"]["ber_fitted"].item(), rel=0.01)
    lrs, hrs = curve["misread"].isel(condition=0).values
    assert curve["ber"].values[0] == pytest.approx(0.3 * lrs + 0.7 * hrs)
    assert (np.diff(lrs) < 0).all()
    assert (np.diff(hrs) > 0).all()


def test_counts_are_of_the_readings_with_their_intervals(measured_from):
    hrs = cells(6e4, 0.5, seed=2)
    curve, _ = curve_of(measured_from({"a": (cells(9e3, 0.3), hrs)}))
    at = curve["counted_at"].values[0]
    of_hrs = curve.sel(condition="a", state="HRS")
    assert of_hrs["counted"].values == pytest.approx([(hrs <= ohm).mean() for ohm in at])
    assert (of_hrs["counted_low"] <= of_hrs["counted"]).all()
    assert (of_hrs["counted_high"] >= of_hrs["counted"]).all()
    assert curve["readings"].values.tolist() == [[300, 300]]


def test_without_a_fit_there_are_counts_and_no_curve(measured_from):
    curve, _ = curve_of(measured_from({"a": (np.full(40, 1e4), cells(3e5, 0.5))}))
    assert curve["ber"].isnull().all()
    assert curve["counted"].notnull().all()
