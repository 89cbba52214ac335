import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rramsim.errors import InputError
from rramsim.readers.conditions import read_conditions
from rramsim.schema import validate

TOML = """
title = "mine"

[[condition]]
name = "very strong"
set_current = "600 uA"
set_voltage = "2 V"
reset_voltage = "2.5 V"
pulse_width = "100 ns"
ber = "<1e-6"
set_energy = "120 pJ"
reset_energy = "150 pJ"
endurance = 100

[[condition]]
name = "weak"
ber = 3.3e-2
endurance = "> 1e6"
"""
CSV = """# figures of mine
condition;I_SET (uA);V_SET (V);V_RESET (V);pulse width (ns);BER;E_SET (pJ);E_RESET (pJ);endurance
very strong;600;2;2.5;100;<1e-6;120;150;100
weak;;;;;3.3e-2;;;> 1e6
"""


@pytest.fixture
def read(tmp_path):
    def write_and_read(text, name="c.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return read_conditions(path)

    return write_and_read


@pytest.mark.parametrize(("text", "name"), [(TOML, "c.toml"), (CSV, "c.csv"), (CSV, "c.txt")])
def test_both_forms_give_the_same_conditions(read, text, name):
    conditions = read(text, name)
    validate(conditions, "conditions")
    assert conditions["condition"].values.tolist() == ["very strong", "weak"]
    strong, weak = (conditions.isel(condition=i) for i in (0, 1))
    expected = {
        "set_current": 600e-6,
        "set_voltage": 2.0,
        "reset_voltage": 2.5,
        "pulse_width": 100e-9,
        "set_energy": 120e-12,
        "reset_energy": 150e-12,
        "endurance": 100.0,
    }
    for key, value in expected.items():
        assert float(strong[key]) == pytest.approx(value, rel=1e-12), key
    assert all(math.isnan(float(weak[key])) for key in list(expected)[:-1])
    assert conditions["set_energy_basis"].values.tolist() == ["stated", "unknown"]
    assert conditions["origin"].values.tolist() == ["none", "none"]


def test_semicolons_and_decimal_commas_are_read_as_in_measurement_files(read):
    conditions = read(
        "condition;I_SET (uA);V_SET (V);E_SET (pJ);BER;endurance\n"
        "mild, at 1,5 V;55,5;1,5;11;<0,001;>2,5e6\n"
        "weak;20;1,25;1,1;3,3e-2;1e6\n",
        "c.csv",
    )
    assert conditions["condition"].values.tolist() == ["mild, at 1,5 V", "weak"]
    assert conditions["set_current"].values.tolist() == [55.5e-6, 20e-6]
    assert conditions["set_voltage"].values.tolist() == [1.5, 1.25]
    # To the last digit, although 11 * 1e-12 is less.
    assert conditions["set_energy"].values.tolist() == [1.1e-11, 1.1e-12]
    assert conditions["ber"].values[1] == 0.033
    assert conditions["ber_high"].values[0] == 0.001
    assert conditions["endurance"].values.tolist() == [2.5e6, 1e6]


def test_a_comma_that_may_part_thousands_is_asked_about(read):
    with pytest.raises(InputError, match=r"c\.csv, row 2, column 'endurance'.*'1,000'.*thousands"):
        read("condition;BER;endurance\nmild;1e-4;1,000\n", "c.csv")


@pytest.mark.parametrize(("text", "name"), [(TOML, "c.toml"), (CSV, "c.csv")])
def test_a_bound_is_never_a_value(read, text, name):
    conditions = read(text, name)
    assert conditions["ber"].values == pytest.approx([np.nan, 3.3e-2], nan_ok=True)
    assert conditions["ber_high"].values == pytest.approx([1e-6, np.nan], nan_ok=True)
    assert conditions["ber_bound"].values.tolist() == ["upper", ""]
    assert conditions["endurance"].values.tolist() == [100.0, 1e6]
    assert conditions["endurance_bound"].values.tolist() == ["", "lower"]


def test_an_endurance_may_be_bounded_from_above(read):
    conditions = read('[[condition]]\nname = "worn"\nendurance = "<100"\n')
    assert conditions["endurance"].values.tolist() == [100.0]
    assert conditions["endurance_bound"].values.tolist() == ["upper"]
    assert conditions["endurance_basis"].values.tolist() == ["stated"]


def test_what_is_not_stated_is_unknown(read):
    conditions = read('[[condition]]\nname = "mine"\n').isel(condition=0)
    for name in ("ber", "ber_high", "endurance", "set_energy", "reference_resistance"):
        assert math.isnan(float(conditions[name])), name
    assert str(conditions["endurance_basis"].values) == "unknown"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "c.toml: no condition was found; accepted are [[condition]] tables with a name."),
        ("name = ", "c.toml: not valid TOML"),
        ('colour = "red"', "c.toml: the key 'colour' is not known. Accepted are condition, title"),
        ('condition = "x"', "c.toml: condition = 'x' was found; accepted are [[condition]] tables"),
        ("[[condition]]\nber = 0.1", 'c.toml, condition 1: it has no name, such as name = "weak".'),
        (
            '[[condition]]\nname = "weak"\ncolour = "red"',
            "c.toml, condition 1 ('weak'): the key 'colour' is not known. Accepted are name, "
            "set_current, set_voltage, reset_voltage, pulse_width, gate_voltage, set_energy, "
            "reset_energy, reference_resistance, ber, endurance, set_waveform, reset_waveform, "
            "waveform_covers.",
        ),
        (
            '[[condition]]\nname = "weak"\nset_current = 55',
            "c.toml, condition 1 ('weak'): set_current = 55 has no unit; write the number and its "
            'unit as a text, such as set_current = "55 uA".',
        ),
        (
            '[[condition]]\nname = "weak"\nset_energy = "4 V"',
            "c.toml, condition 1 ('weak'), set_energy: 'V' is not a unit of energy; accepted are",
        ),
        (
            '[[condition]]\nname = "weak"\nset_energy = "-4 pJ"',
            "c.toml, condition 1 ('weak'), set_energy: '-4 pJ' was found; accepted is a finite SET "
            "energy above 0.",
        ),
        (
            '[[condition]]\nname = "weak"\nber = ">1e-3"',
            "c.toml, condition 1 ('weak'), ber: '>1e-3' was found; accepted is a number from 0 to "
            '1 without a unit, or a bound such as "<1e-6".',
        ),
        ('[[condition]]\nname = "weak"\nber = 2', "ber: 2 was found; accepted is a number from 0"),
        ('[[condition]]\nname = "weak"\nber = true', "ber: True was found; accepted is a number"),
        (
            '[[condition]]\nname = "weak"\nendurance = "~10"',
            "endurance: '~10' was found; accepted is a number from 0 on without a unit, or a bound "
            'such as ">1e4".',
        ),
        (
            '[[condition]]\nname = "a"\n[[condition]]\nname = "a"',
            "c.toml: the condition 'a' is given 2 times.",
        ),
    ],
)
def test_mistakes_in_toml_name_the_condition_and_the_key(read, text, message):
    with pytest.raises(InputError) as error:
        read(text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("BER,endurance\n1e-3,5\n", "c.csv, row 1: no column holds the condition's name. Headers "),
        ("name,colour\nweak,red\n", "c.csv, row 1: the column 'colour' is not known; accepted are"),
        (
            "name,I_SET\nweak,55\n",
            "c.csv, row 1: the column 'I_SET' names no unit; write it in the header, such as "
            "'I_SET (uA)'.",
        ),
        ("name,BER\n,1e-3\n", "c.csv, row 2, column 'name': the condition has no name."),
        (
            "name,I_SET (uA)\nweak,much\n",
            "c.csv, row 2 ('weak'), column 'I_SET (uA)': 'much' is not a number; accepted is a "
            "number without a unit.",
        ),
        ("name,BER\nweak,much\n", "c.csv, row 2 ('weak'), ber: 'much' was found; accepted is a n"),
        ("name,BER\n", "c.csv: there is only a header"),
        ("", "c.csv: the file is empty"),
    ],
)
def test_mistakes_in_a_table_name_the_row_and_the_column(read, text, message):
    with pytest.raises(InputError) as error:
        read(text, "c.csv")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('[[condition]]\nname = "a"\nreference_resistance = "24 kOhm"\n', "c.toml"),
        ("name,R ref (kOhm)\na,24\n", "c.csv"),
    ],
)
def test_the_reference_of_the_read_can_be_stated(read, text, name):
    assert read(text, name)["reference_resistance"].values.tolist() == [24e3]


def test_a_file_that_is_not_there():
    with pytest.raises(InputError, match=r"missing\.toml: there is no such file, and no shipped"):
        read_conditions("missing.toml")


_VALUES = st.one_of(
    st.text(max_size=8).filter(lambda text: text.isprintable()).map(repr),
    st.floats().map(str),
    st.integers().map(str),
    st.sampled_from(['"55 uA"', '"<1e-6"', '">1e4"', "true", "[1]", "{}", '"100 ns"', '"2 V"']),
)
_LINES = st.tuples(
    st.sampled_from(["name", "ber", "endurance", "set_current", "pulse_width", "title", "x"]),
    _VALUES,
).map(lambda pair: f"{pair[0]} = {pair[1]}")


@pytest.mark.slow
@given(lines=st.lists(st.one_of(_LINES, st.just("[[condition]]"))), suffix=st.sampled_from("tc"))
@settings(max_examples=150, deadline=None)
def test_whatever_comes_is_conditions_or_an_input_error(tmp_path_factory, lines, suffix):
    path = tmp_path_factory.getbasetemp() / ("any.toml" if suffix == "t" else "any.csv")
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        conditions = read_conditions(path)
    except InputError:
        return
    validate(conditions, "conditions")
    assert conditions.sizes["condition"] > 0
