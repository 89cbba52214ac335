import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rramsim import formatting as numbers
from rramsim.interval import Interval

NAN = float("nan")
NBSP = "\N{NO-BREAK SPACE}"
PREFIXES = {"a": -18, "f": -15, "p": -12, "n": -9, "µ": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9}


@pytest.mark.slow
@given(st.floats(1e-17, 1e11))
def test_quantity_reads_back_to_its_three_digits(value):
    number, unit = numbers.quantity(value, "J").split(NBSP)
    assert float(number) * 10.0 ** PREFIXES[unit.removesuffix("J")] == pytest.approx(
        value, rel=0.006
    )
    assert 1 <= float(number) < 1000


@given(st.floats(1e-12, 1e12))
def test_power_reads_back_to_its_two_digits(value):
    text = numbers.power(value).translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    if value < 0.01 or value >= 9999.5:
        mantissa, _, tail = text.rpartition("×")
        assert float(mantissa or 1) * 10.0 ** int(tail[2:]) == pytest.approx(value, rel=0.06)
    else:
        assert float(text) == pytest.approx(value, rel=0.06)


@pytest.mark.parametrize(
    ("value", "text"),
    [(999.9, "1 kΩ"), (1000.0, "1 kΩ"), (7400.0, "7.4 kΩ"), (0.0, "0 Ω"), (-2500.0, "-2.5 kΩ")],
)
def test_quantity_carries_to_the_next_prefix(value, text):
    assert numbers.quantity(value, "Ω") == text.replace(" ", NBSP)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0096, "9.6×10⁻³"),
        (0.033, "0.033"),
        (1e-6, "10⁻⁶"),
        (9.7e-5, "9.7×10⁻⁵"),
        (1.5e6, "1.5×10⁶"),
    ],
)
def test_power_of_rates_and_cycles(value, text):
    assert numbers.power(value) == text


@pytest.mark.parametrize(
    ("days", "text"), [(365.25, "1 year"), (365.2, "8765 h"), (3652.5, "10 years")]
)
def test_a_year_is_julian(days, text):
    assert numbers.duration(days * 86400.0) == text.replace(" ", NBSP)


def test_unknown_is_said_whatever_the_unit():
    assert {
        numbers.plain(NAN),
        numbers.quantity(NAN, "J"),
        numbers.power(NAN),
        numbers.percent(NAN),
        numbers.times(NAN),
        numbers.bounded(numbers.power(NAN), "lower"),
    } == {numbers.UNKNOWN}


def test_bound_is_never_shown_as_a_value():
    assert numbers.bit_error_rate(Interval(high=1e-6, bound="upper")) == "less than 10⁻⁶"
    assert numbers.bounded("10⁴", "lower") == "more than 10⁴"


def test_interval_is_left_out_where_there_is_none():
    assert numbers.bit_error_rate(Interval(0.033)) == "0.033"
    assert numbers.accuracy(Interval(0.97)) == f"97.00{NBSP}%"


@pytest.mark.slow
@given(st.floats(1.0, 1e5))
def test_ratio_is_within_its_two_digits(ratio):
    assert math.isclose(float(numbers.times(ratio).replace(",", "")), ratio, rel_tol=0.06)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Interval(5, 4, 7), "5 (4 to 7)"),
        (Interval(5, 4), "5 (4 or more)"),
        (Interval(5, high=7), "5 (up to 7)"),
        (Interval(5), "5"),
        (Interval(low=4, high=7), "unknown"),
        (Interval(5, 4, math.inf), "5 (4 to ∞)"),
        (Interval(1e4, bound="lower"), "more than 10⁴"),
        (Interval(1e4, 1e3, bound="upper"), "less than 10⁴ (1000 or more)"),
    ],
)
def test_a_number_is_said_with_what_is_known_of_its_interval(value, words):
    assert numbers.interval(value) == words


def test_where_a_number_is_from_is_said_with_how_far_it_reaches():
    assert numbers.basis(Interval(1e-3, basis="counted")) == "counted"
    assert numbers.basis(Interval(high=1e-9, basis="fitted", extrapolated=True)) == (
        "fitted, extrapolated"
    )
    assert numbers.basis(Interval(basis="stated")) == "unknown"
