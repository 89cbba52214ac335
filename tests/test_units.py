import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rramsim import units
from rramsim.errors import InputError
from rramsim.units import (
    QUANTITIES,
    factor_to_si,
    read_quantity,
    scaled,
    scaled_column,
    with_likely_unit,
)


@pytest.mark.parametrize(
    ("text", "quantity", "factor"),
    [
        ("ohm", "resistance", 1.0),
        ("Ohms", "resistance", 1.0),
        ("Ω", "resistance", 1.0),
        ("\u2126", "resistance", 1.0),
        ("kOhm", "resistance", 1e3),
        ("KOHM", "resistance", 1e3),
        ("kΩ", "resistance", 1e3),
        ("k\u2126", "resistance", 1e3),
        ("kiloohm", "resistance", 1e3),
        ("MOhm", "resistance", 1e6),
        ("MΩ", "resistance", 1e6),
        ("megohm", "resistance", 1e6),
        ("GOhm", "resistance", 1e9),
        ("mΩ", "resistance", 1e-3),
        ("A", "current", 1.0),
        ("uA", "current", 1e-6),
        ("ua", "current", 1e-6),
        ("µA", "current", 1e-6),
        ("\u03bcA", "current", 1e-6),
        ("nA", "current", 1e-9),
        ("amps", "current", None),
        ("V", "voltage", 1.0),
        ("v", "voltage", 1.0),
        ("mV", "voltage", 1e-3),
        ("uS", "conductance", 1e-6),
        ("µS", "conductance", 1e-6),
        ("siemens", "conductance", 1.0),
        ("s", "conductance", 1.0),
        ("ohm", "conductance", None),
        ("K", "temperature", 1.0),
        ("degC", "temperature", 1.0),
        ("°C", "temperature", 1.0),
        ("s", "temperature", None),
        ("h", "time", 3600.0),
        ("day", "time", 86400.0),
        ("ns", "time", 1e-9),
        ("us", "time", 1e-6),
        ("microseconds", "time", 1e-6),
        ("pJ", "energy", 1e-12),
        ("pj", "energy", 1e-12),
        ("fJ", "energy", 1e-15),
        ("k", "energy", None),
        ("kOhm", "current", None),
        ("A", "resistance", None),
        ("10 ns", "time", None),
        ("", "time", None),
        ("(", "voltage", None),
    ],
)
def test_units_in_usual_spellings(text, quantity, factor):
    if factor is None:
        with pytest.raises(InputError, match=f"is not a unit of {quantity}; accepted are"):
            factor_to_si(text, quantity)
    else:
        assert factor_to_si(text, quantity) == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_what_is_taken_without_pint_is_what_pint_says(quantity):
    symbols = units._prefixed(quantity)
    assert symbols == {text: units._by_pint(text, QUANTITIES[quantity].unit) for text in symbols}


def test_a_unit_for_two_factors_is_refused():
    with pytest.raises(InputError, match=r"'mohm' may mean milliohm or megohm; write MOhm\."):
        factor_to_si("mohm", "resistance")


@pytest.mark.parametrize(
    ("text", "quantity", "value"),
    [
        ("55 uA", "current", 55e-6),
        ("55uA", "current", 55e-6),
        ("1e2 ns", "time", 1e-7),
        ("-1.5 V", "voltage", -1.5),
        (".5 kΩ", "resistance", 500.0),
        ("85 °C", "temperature", 358.15),
        ("85 K", "temperature", 85.0),
    ],
)
def test_a_quantity_is_a_number_with_its_unit(text, quantity, value):
    assert read_quantity(text, quantity) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.2", "'0.2' is not a voltage; accepted is a number with its unit (V, mV)"),
        ("V", "'V' is not a voltage"),
        ("0.2 kOhm", "'kOhm' is not a unit of voltage"),
        ("1e999 V", "'1e999 V' is too large for a voltage"),
    ],
)
def test_a_bare_number_or_a_wrong_unit_is_refused(text, message):
    with pytest.raises(InputError) as error:
        read_quantity(text, "voltage")
    assert message in str(error.value)


@given(st.text(max_size=12), st.sampled_from(sorted(QUANTITIES)))
def test_any_text_is_a_factor_above_zero_or_an_input_error(text, quantity):
    try:
        factor = factor_to_si(text, quantity)
    except InputError:
        return
    assert math.isfinite(factor)
    assert factor > 0


@pytest.mark.slow
@given(st.integers(0, 10**9), st.integers(0, 6), st.integers(-18, 12))
def test_what_was_written_reads_back(digits, places, power):
    """The float nearest to the decimal product, in a single quantity and in a column."""
    written, factor = float(f"{digits}e-{places}"), float(f"1e{power}")
    nearest = float(f"{digits}e{power - places}")
    assert scaled(written, factor) == nearest
    column = scaled_column(np.array([written, 1.0]), factor)
    if power >= -16:
        assert column.tolist() == [nearest, factor]


def test_eleven_picojoule_are_not_a_hair_less():
    assert repr(read_quantity("11 pJ", "energy")) == "1.1e-11"
    assert scaled_column(np.array([16.1]), 1e3).tolist() == [16100.0]
    assert 16.1 * 1e3 > 16100.0


def test_a_column_that_is_no_decimal_is_multiplied():
    values = np.array([math.pi, 1e300, -0.0, np.nan, np.inf, -2.5])
    products = scaled_column(values, 1e9)
    assert products[:2].tolist() == [math.pi * 1e9, np.inf]
    assert np.isnan(products[3])
    assert products[4:].tolist() == [np.inf, -2.5e9]
    assert scaled_column(values[:1], 3600.0).tolist() == [math.pi * 3600.0]


@pytest.mark.parametrize(
    ("number", "quantity", "text"),
    [
        *((1.1e-11, "energy", "11 pJ"), (11.0, "energy", "11 pJ"), (120.0, "energy", "120 pJ")),
        *((5.5e-5, "current", "55 uA"), (55.0, "current", "55 uA"), (0.055, "current", "0.055 mA")),
        *((25e3, "resistance", "25 kOhm"), (25.0, "resistance", "25 kOhm")),
        *((1.2, "voltage", "1.2 V"), (200.0, "voltage", "200 mV"), (-0.1, "voltage", "-0.1 V")),
        *((1e-7, "time", "100 ns"), (50.0, "time", "50 ns")),
        *((85.0, "temperature", "85 degC"), (398.0, "temperature", "398 K")),
        (math.nan, "energy", "11 pJ"),
    ],
)
def test_a_bare_number_gets_the_unit_that_makes_sense(number, quantity, text):
    assert with_likely_unit(number, quantity) == text
    # The hint can be given as it stands.
    assert math.isfinite(read_quantity(text, quantity))


def test_a_hint_is_taken_as_it_stands():
    with pytest.raises(InputError) as error:
        read_quantity("25000", "resistance")
    assert str(error.value).endswith('such as "25 kOhm".')
    assert read_quantity("25 kOhm", "resistance") == 25e3


@pytest.mark.parametrize(
    ("unit", "quantity"),
    [("s", "resistance"), ("A", "energy"), ("kohm", "voltage"), ("°C", "time")],
)
def test_units_of_another_quantity_are_told_without_the_dictionary_of_all_units(
    unit, quantity, monkeypatch
):
    looked_up = []
    monkeypatch.setattr(units, "_by_pint", lambda *words: looked_up.append(words))
    units.factor_to_si.cache_clear()
    with pytest.raises(InputError):
        units.factor_to_si(unit, quantity)
    assert looked_up == []
