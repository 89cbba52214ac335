import pytest

from rramsim.errors import InputError
from rramsim.readers.columns.headers import (
    conditions_file_columns,
    describe,
    measurement_columns,
    recognise,
)
from rramsim.schema.file_columns import STATE_COLUMNS


@pytest.mark.parametrize(
    ("header", "role", "factor"),
    [
        ("R (kOhm)", "resistance", 1e3),
        ("R/kOhm", "resistance", 1e3),
        ("R kOhm", "resistance", 1e3),
        ("R, kOhm", "resistance", 1e3),
        ("R in kOhm", "resistance", 1e3),
        ("resistance_ohm", "resistance", 1.0),
        ("Resistance [kΩ]", "resistance", 1e3),
        ("RESISTANCE", "resistance", 1.0),
        ("I_SET [uA]", "set_current", 1e-6),
        ("set_current_ua", "set_current", 1e-6),
        ("Compliance current (µA)", "set_current", 1e-6),
        ("I (nA)", "current", 1e-9),
        ("V_read (mV)", "read_voltage", 1e-3),
        ("G (uS)", "conductance", 1e-6),
        ("conductance_ns", "conductance", 1e-9),
        ("time (h)", "time", 3600.0),
        ("t (min)", "time", 60.0),
        ("bake time [s]", "time", 1.0),
        ("T (K)", "temperature", 1.0),
        ("Temperature [degC]", "temperature", 1.0),
        ("Die", "die", 1.0),
        ("attempts", "pulses", 1.0),
        ("t_pulse (ns)", "pulse_width", 1e-9),
        ("E_SET [pJ]", "set_energy", 1e-12),
        ("Icc (uA)", "set_current", 1e-6),
        ("Word line", "row", 1.0),
        ("BL", "column", 1.0),
        ("Programming Condition", "condition", 1.0),
        ("state (0/1)", "state", 1.0),
        ("Cycle #", "cycle", 1.0),
        ("addr", "cell", 1.0),
    ],
)
def test_headers_in_usual_spellings(header, role, factor):
    found = recognise([header], measurement_columns(), place="f")
    assert list(found) == [role]
    assert found[role].factor == pytest.approx(factor, rel=1e-12)
    assert found[role].position == 0


@pytest.mark.parametrize(
    "header", ["", "temperature", "T", "row_id", "remarks", "resistance_after"]
)
def test_other_headers_are_left_out(header):
    assert recognise([header], measurement_columns(), place="f") == {}


def test_degrees_celsius_have_an_offset():
    found = recognise(["T (°C)"], measurement_columns(), place="f")["temperature"]
    assert (found.factor, found.offset) == (1.0, 273.15)


def test_a_renamed_column_comes_before_another_of_its_role():
    found = recognise(
        ["R", "Rcell"], measurement_columns(), place="f", renamed={"Rcell": "resistance [kOhm]"}
    )
    assert (found["resistance"].header, found["resistance"].factor) == ("Rcell", 1e3)


def test_a_header_says_whether_it_names_a_unit():
    found = recognise(["R", "I_SET [uA]"], measurement_columns(), place="f")
    assert (found["resistance"].unit_given, found["set_current"].unit_given) == (False, True)


def test_an_unknown_unit_names_the_column_and_what_is_accepted():
    with pytest.raises(InputError) as error:
        recognise(["state", "R (foo)"], measurement_columns(), place="a.csv, row 1")
    assert str(error.value) == (
        "a.csv, row 1, column 'R (foo)': 'foo' is not a unit of resistance; accepted are ohm, "
        "kOhm, kΩ, MOhm and their like."
    )


def test_an_ambiguous_unit_is_refused_in_every_form():
    for header in ("R (mohm)", "resistance_mohm"):
        with pytest.raises(InputError, match="may mean milliohm or megohm"):
            recognise([header], measurement_columns(), place="f")


def test_two_columns_of_the_same_thing_are_refused():
    with pytest.raises(InputError, match="'R' and 'resistance' both hold resistance; keep one"):
        recognise(["R", "resistance"], measurement_columns(), place="f")


def test_every_accepted_name_finds_its_own_role():
    for table in (measurement_columns(), STATE_COLUMNS, conditions_file_columns()):
        for role, accepted in table.items():
            for name in (role, *accepted.aliases):
                unit = " (K)" if accepted.quantity == "temperature" else ""
                assert list(recognise([name + unit], table, place="f")) == [role], name


def test_roles_in_words():
    assert [describe(role) for role in ("hrs_resistance", "reset_voltage", "ber")] == [
        "HRS resistance",
        "RESET voltage",
        "BER",
    ]
