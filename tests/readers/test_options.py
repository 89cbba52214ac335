import pytest

from rramsim.errors import InputError
from rramsim.readers.measurements import read_measurements
from rramsim.readers.options import (
    ReadOptions,
    constants_of_name,
    parse_names,
    parse_states,
)
from rramsim.schema import ABOVE, BELOW, EXACT


def test_pairs_of_names_and_of_states():
    assert parse_names(["a=b = R [kOhm]", "x=-"]) == {"a=b": "R [kOhm]", "x": "-"}
    assert parse_states("0=HRS, 31=lrs") == {"0": 1, "31": 0}


def test_options_from_texts_are_those_of_values():
    values = ReadOptions(
        columns=("cell", "LRS [ohm]"),
        names={"Rcell": "R [kOhm]"},
        states={"0": 1, "31": 0},
        read_voltage=0.2,
        over_range=1e8,
        floor=100.0,
        file_name="{condition}",
    )
    texts = {"read_voltage": "200 mV", "over_range": "100 MOhm", "floor": "0.1 kOhm"}
    assert values == ReadOptions.from_texts(
        columns="cell, LRS [ohm]",
        map=["Rcell=R [kOhm]"],
        states="0=HRS,31=LRS",
        file_name="{condition}",
        **texts,
    )
    assert values == ReadOptions.from_texts(
        columns=["cell", "LRS [ohm]"],
        map={"Rcell": "R [kOhm]"},
        states={"0": "HRS", "31": "LRS"},
        file_name="{condition}",
        **texts,
    )
    assert ReadOptions() == ReadOptions.from_texts()


@pytest.mark.parametrize("field", ["read_voltage", "over_range", "floor"])
def test_a_quantity_without_a_unit_is_refused(field):
    with pytest.raises(InputError, match=r"'0\.2' is not a"):
        ReadOptions.from_texts(**{field: "0.2"})


@pytest.mark.parametrize("pair", ["R", "=R", "Rcell="])
def test_a_pair_without_a_side_is_refused(pair):
    with pytest.raises(InputError, match="accepted is the file's header = a name of ours"):
        parse_names([pair])


@pytest.mark.parametrize("text", ["0", "0=MRS", "=LRS", ""])
def test_states_that_are_none_are_refused(text):
    with pytest.raises(InputError, match="accepted is a value of the state column = LRS or HRS"):
        parse_states(text)


def test_a_file_s_name_is_taken_apart():
    pattern = "{-}_{condition}_{state}_{temperature [degC]}C"
    assert constants_of_name("A_55 uA_LRS_85C", pattern) == {
        "condition": "55 uA",
        "state": "LRS",
        "temperature [degC]": "85",
    }
    with pytest.raises(InputError, match="the file name 'x' does not fit the pattern"):
        constants_of_name("x", pattern)
    for wrong in ("cells", "{state}_{state}"):
        with pytest.raises(InputError, match="accepted are texts with different headers in brace"):
            constants_of_name("x", wrong)


def test_what_a_user_says_comes_before_the_sidecar():
    given = ReadOptions(read_voltage=0.1)
    beside = ReadOptions(read_voltage=0.2, bit_lines=256, names={"a": "R"})
    assert given.over(beside) == ReadOptions(read_voltage=0.1, bit_lines=256, names={"a": "R"})
    assert given.over(None) == given


def test_mapped_columns(read):
    content = "Zelle;Zustand;Wert;R\n1;LRS;5,5;x\n1;HRS;300;y\n"
    names = {"Zelle": "cell", "Zustand": "state", "Wert": "resistance [kOhm]"}
    measured = read(content, names=names)
    assert measured.readings["resistance"].values.tolist() == [5500.0, 300e3]
    assert measured.readings["cell"].values.tolist() == [1, 1]
    left_out = read("state,R (kOhm),LRS old\nLRS,5,x\nHRS,300,y\n", names={"LRS old": "-"})
    assert left_out.readings.sizes["reading"] == 2
    assert left_out.notes == ()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"Wert": "R", "Zelle": "cell"}, "--map: no file has a column 'Zelle'; cells.csv has"),
        ({"Wert": "foo"}, "the name 'foo' given to the column 'Wert' is not known; accepted are"),
        ({"Wert": "R [foo]"}, "'foo' is not a unit of resistance"),
    ],
)
def test_names_that_cannot_be_are_refused(read, names, message):
    with pytest.raises(InputError) as error:
        read("state,Wert\nLRS,5\nHRS,300\n", names=names)
    assert message in str(error.value)


def test_an_error_names_the_file_s_own_header(read):
    with pytest.raises(InputError, match="row 2, column 'Wert': 'x' is not a number"):
        read("state,Wert\nLRS,x\n", names={"Wert": "R"})


def test_named_states_leave_the_other_rows_out(read):
    content = "level,R (kOhm)\n0,300\n31,5\n7,50\n0.0,200\n"
    measured = read(content, names={"level": "state"}, states={"0": 1, "31": 0})
    assert measured.readings["state_index"].values.tolist() == [1, 0, 1]
    assert tuple(map(str, measured.notes)) == (
        "cells.csv: rows left out because 'level' is none of 0, 31: 1 of 4.",
        "cells.csv: of 4 readings in the table 3 are read; left out: 1 of other states.",
    )
    with pytest.raises(InputError, match="no row of the column 'level' holds one of the states n"):
        read(content, names={"level": "state"}, states={"99": 1})


def test_swapped_states_are_put_right_by_naming_them(read):
    content = "state,R (kOhm)\nLRS,300\nHRS,5\n"
    measured = read(content, states=parse_states("LRS=HRS,HRS=LRS"))
    assert measured.readings["state_index"].values.tolist() == [1, 0]


def test_a_file_a_state_by_its_name(tmp_path):
    for state, values in (("LRS", (5, 6)), ("HRS", (300, 200))):
        rows = "".join(f"{cell},{value}\n" for cell, value in enumerate(values))
        (tmp_path / f"weak_{state}_85.csv").write_text("cell,R (kOhm)\n" + rows)
    pattern = ReadOptions(file_name="{condition}_{state}_{temperature [degC]}")
    measured = read_measurements(sorted(tmp_path.glob("*.csv")), pattern)
    readings = measured.readings
    assert readings["condition"].values.tolist() == ["weak"]
    assert readings["state_index"].values.tolist() == [1, 1, 0, 0]
    assert readings["temperature"].values == pytest.approx([358.15] * 4)


def test_files_told_apart_by_other_things_than_a_condition_are_of_one(tmp_path):
    for name, value in (("A1_LRS_85C", 5), ("A1_HRS_85C", 300), ("B2_LRS_85C", 6)):
        (tmp_path / f"{name}.csv").write_text(f"R (kOhm)\n{value}\n")
    files = sorted(tmp_path.glob("*.csv"))
    pattern = "{-}_{state}_{temperature [degC]}C"
    measured = read_measurements(files, ReadOptions(file_name=pattern))
    assert measured.readings["condition"].values.tolist() == ["all files"]
    assert measured.readings["state_index"].values.tolist() == [1, 0, 0]
    without = [note for note in measured.notes if note.kind == "no condition"]
    assert [note.file for note in without] == [file.name for file in files]
    assert all("of the condition 'all files'" in note.text for note in without)

    (tmp_path / "set.toml").write_text('file = "A1_HRS_85C.csv"\ncondition = "weak"\n')
    named = read_measurements(files, ReadOptions(file_name=pattern))
    assert named.readings["condition"].values.tolist() == ["weak", "all files"]
    told = read_measurements(
        files, ReadOptions(file_name="{condition}_{state}_{temperature [degC]}C")
    )
    assert not any("all files" in str(note) for note in told.notes)


def test_a_column_of_the_table_comes_before_the_name(tmp_path):
    (tmp_path / "weak_LRS.csv").write_text("state,R (kOhm)\nLRS,5\nHRS,300\n")
    measured = read_measurements(
        [tmp_path / "weak_LRS.csv"], ReadOptions(file_name="{condition}_{state}")
    )
    assert measured.readings["state_index"].values.tolist() == [0, 1]
    with pytest.raises(InputError, match="the pattern of file names: 'colour' is not known"):
        read_measurements([tmp_path / "weak_LRS.csv"], ReadOptions(file_name="{colour}_{state}"))


def test_limits_that_the_user_knows(read):
    measured = read(
        "state,R (ohm)\nLRS,50\nLRS,5e3\nHRS,3e5\nHRS,2e8\nHRS,-3e8\n", over_range=1e8, floor=100.0
    )
    assert measured.readings["resistance"].values.tolist() == [100.0, 5e3, 3e5, 1e8, 1e8]
    assert measured.readings["censoring"].values.tolist() == [BELOW, EXACT, EXACT, ABOVE, ABOVE]
    assert [str(note).replace("\xa0", " ") for note in measured.notes] == [
        "cells.csv: 1 negative reading beyond the range taken as at least 100 MΩ (censored): "
        "noise around zero current.",
        "cells.csv: 1 reading at or beyond the limit given taken as at least 100 MΩ (censored).",
        "cells.csv: 1 reading at or beyond the limit given taken as at most 100 Ω (censored).",
    ]
    with pytest.raises(InputError, match=r"row 2, .* the resistance is negative"):
        read("state,R (ohm)\nLRS,-5e3\n", over_range=1e8)


def test_a_current_that_is_noise_is_over_the_range_of_resistance(read):
    content = "state,I (nA)\nLRS,40000\nHRS,-0.5\nHRS,0\nHRS,600\n"
    measured = read(content, over_range=1e8, read_voltage=0.2)
    assert measured.readings["resistance"].values == pytest.approx([5e3, 1e8, 1e8, 0.2 / 600e-9])
    assert measured.readings["censoring"].values.tolist() == [EXACT, ABOVE, ABOVE, EXACT]


def test_the_sidecar_says_all_of_it(tmp_path):
    (tmp_path / "cells.csv").write_text("adr,level,I (uA)\n513,0,1\n514,31,40\n515,7,9\n")
    (tmp_path / "set.toml").write_text(
        'file = "cells.csv"\nread_voltage = "0.2 V"\nover_range = "100 MOhm"\nbit_lines = 256\n'
        '[map]\nadr = "cell"\nlevel = "state"\n[states]\n0 = "HRS"\n31 = "LRS"\n'
    )
    readings = read_measurements([tmp_path / "cells.csv"]).readings
    assert readings["resistance"].values == pytest.approx([2e5, 5e3])
    assert readings["row"].values.tolist() == [2, 2]
    assert readings["column"].values.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("bit_lines = 0", "bit_lines = 0 is a number; accepted is a whole number above 0."),
        ("bit_lines = true", "bit_lines = True is true or false; accepted is a whole number"),
        ("colums = 1", "'colums' is no key of a set.toml. Did you mean 'columns'?"),
        ("columns = 3", "columns = 3 is a number; accepted is a text, or a list of texts."),
        ('columns = ["cell", 3]', "is a list with a number in it; accepted is a text, or a list"),
        ("condition_from = []", "condition_from = [] is an empty list; accepted is a text, or"),
        ('file_name = ["a"]', "file_name = ['a'] is a list; accepted is a text."),
        ("cycles = [5]", "set.toml: cycles is [5]; accepted: cycles such as"),
        ("cycles = [5, 2]", "set.toml: cycles is '5-2'; accepted: cycles such as"),
        ("cycles = 5", 'cycles = 5 is a number; accepted is a text such as "2-" or "10-1000", or'),
        ("floor = true", "floor = True is true or false; accepted is a text with its unit, or a"),
        ('read_voltage = "0.2"', "set.toml: read_voltage: '0.2' is not a voltage"),
        (
            "[states]\n0 = 1",
            "states = {'0': 1} is a table; accepted is a table of texts, such as states =",
        ),
        (
            '[states]\n0 = "MRS"',
            "set.toml: states: '0' = 'MRS' was found; accepted is a value of the",
        ),
    ],
)
def test_mistakes_in_the_sidecar_are_told(tmp_path, line, message):
    (tmp_path / "cells.csv").write_text("state,R\nLRS,5\n")
    (tmp_path / "set.toml").write_text(f'file = "cells.csv"\n{line}\n')
    with pytest.raises(InputError) as error:
        read_measurements([tmp_path / "cells.csv"])
    assert message in str(error.value)


def test_the_sidecar_may_hold_lists_and_numbers(tmp_path):
    rows = [
        f"{cell},{cycle},{icc},{ohm}"
        for cell in (1, 2, 3)
        for cycle in (1, 2, 3)
        for icc, ohm in ((20, 5e3), (55, 4e3))
    ]
    lines = [f"{row},LRS" for row in rows] + [f"{row[:-3]}e5,HRS" for row in rows]
    (tmp_path / "cells.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "set.toml").write_text(
        'file = "cells.csv"\ncolumns = ["cell", "cycle", "Icc [uA]", "R [ohm]", "state"]\n'
        'condition_from = ["Icc"]\ncycles = [2, 3]\nover_range = 1e9\nfloor = 10\n'
    )
    readings = read_measurements([tmp_path / "cells.csv"]).readings
    assert readings["condition"].values.tolist() == ["Icc 20 µA", "Icc 55 µA"]
    assert sorted(set(readings["cycle"].values.tolist())) == [2, 3]


def test_addresses_that_are_no_numbers_have_no_bit_line(tmp_path):
    (tmp_path / "cells.csv").write_text("cell,state,R\nA1,LRS,5\n")
    (tmp_path / "set.toml").write_text('file = "cells.csv"\nbit_lines = 4\n')
    with pytest.raises(InputError, match="row 2, column 'cell': 'A1' is not a number"):
        read_measurements([tmp_path / "cells.csv"])


def test_which_cycles_sheets_and_columns_are_read():
    options = ReadOptions.from_texts(
        condition_from="Icc, Vreset",
        repeats="cycle",
        cycles="2-",
        encoding="Shift-JIS",
        sheets="Run 1, second half",
    )
    assert options.condition_from == ("Icc", "Vreset")
    assert options.cycles == (2, float("inf"))
    assert options.encoding == "shift_jis"
    assert options.sheets == ("Run 1, second half",)
    ranges = {"10-1000": (10, 1000), "-100": (0, 100), "5": (5, 5), "1e3 to 1e6": (1e3, 1e6)}
    assert {text: ReadOptions.from_texts(cycles=text).cycles for text in ranges} == ranges


@pytest.mark.parametrize(
    "option",
    [
        {"condition_from": "Icc,"},
        {"condition_from": []},
        {"repeats": "time"},
        {"cycles": "-"},
        {"cycles": "9-3"},
        {"cycles": "first"},
        {"encoding": "gkb"},
        {"encoding": "hex"},
        {"sheets": [1]},
    ],
)
def test_reading_options_that_say_nothing_usable_are_refused(option):
    (name,) = option
    with pytest.raises(InputError, match=rf"{name}.* is .*; accepted: "):
        ReadOptions.from_texts(**option)
