import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reader_files import readings_of

from rramsim.errors import InputError
from rramsim.readers.columns.wide import condition_columns, wide_columns
from rramsim.readers.measurements import read_measurements
from rramsim.readers.options import parse_columns


def parsed(*header):
    return [
        (each.state, each.condition, each.cycle, each.quantity, each.factor)
        for each in wide_columns(header, place="f", renamed={})
    ]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("LRS", (0, None, None, "resistance", 1.0)),
        ("R_HRS (kOhm)", (1, None, None, "resistance", 1e3)),
        ("G_LRS [uS]", (0, None, None, "conductance", 1e-6)),
        ("strong LRS (kOhm)", (0, "strong", None, "resistance", 1e3)),
        ("HRS very strong (MOhm)", (1, "very strong", None, "resistance", 1e6)),
        ("55uA_LRS_kohm", (0, "55uA", None, "resistance", 1e3)),
        ("HRS 55uA", (1, "55uA", None, "resistance", 1.0)),
        ("weak I_HRS (uA)", (1, "weak", None, "current", 1e-6)),
        ("HRS (uS)", (1, None, None, "conductance", 1e-6)),
        ("HRS_cycle1", (1, None, 1, "resistance", 1.0)),
        ("LRS12 (kOhm)", (0, None, 12, "resistance", 1e3)),
        ("weak LRS cyc 3 [kOhm]", (0, "weak", 3, "resistance", 1e3)),
    ],
)
def test_a_header_with_a_state_says_condition_cycle_and_unit(header, expected):
    (found,) = parsed(header)
    assert found[:4] == expected[:4]
    assert found[4] == pytest.approx(expected[4], rel=1e-12)


@pytest.mark.parametrize(
    "header",
    [
        *("HRS/LRS", "LRS mean (kOhm)", "std HRS", "LRS_errors", "HRS energy (pJ)", "n LRS"),
        *("state", "R (kOhm)", "HRSX", "ULRS", ""),
    ],
)
def test_a_header_about_readings_is_no_reading(header):
    assert parsed(header) == []


def test_repeated_pairs_are_cycles():
    assert [(s, c) for s, _, c, _, _ in parsed("HRS", "LRS", "HRS", "LRS")] == [
        (1, 1),
        (0, 1),
        (1, 2),
        (0, 2),
    ]
    assert [(s, c) for s, _, c, _, _ in parsed("HRS", "LRS", "HRS.1", "LRS.1")] == [
        (1, 0),
        (0, 0),
        (1, 1),
        (0, 1),
    ]


def test_columns_that_say_the_same_are_refused():
    with pytest.raises(InputError, match="'LRS' and 'R_LRS' hold the same state, condition and c"):
        parsed("LRS", "R_LRS", "HRS")
    with pytest.raises(InputError, match=r"column 'strong LRS \(foo\)': 'foo' is not a unit of re"):
        parsed("strong LRS (foo)")
    with pytest.raises(InputError, match="may mean milliohm or megohm"):
        parsed("strong LRS (mohm)")


def test_columns_named_by_conditions_have_a_unit_of_a_reading():
    found = condition_columns(
        ["state", "weak (kOhm)", "55 uA [MOhm]", "T (K)", "remark", "mean (kOhm)"],
        place="f",
        renamed={},
        skip=[0],
    )
    assert [(each.condition, each.factor) for each in found] == [
        ("weak", 1e3),
        ("55 uA", pytest.approx(1e6)),
    ]


def test_a_column_a_state_and_condition(read):
    measured = read(
        "cell,strong LRS (kOhm),strong HRS (MOhm),weak LRS (kOhm),weak HRS (MOhm)\n"
        "1,5,1,9,0.2\n2,6,2,8,0.1\n"
    )
    readings = measured.readings
    assert readings["condition"].values.tolist() == ["strong", "weak"]
    assert readings["condition_index"].values.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert readings["state_index"].values.tolist() == [0, 0, 1, 1, 0, 0, 1, 1]
    assert readings["resistance"].values == pytest.approx([5e3, 6e3, 1e6, 2e6, 9e3, 8e3, 2e5, 1e5])
    assert readings["cell"].values.tolist() == [1, 2] * 4
    assert tuple(map(str, measured.notes)) == (
        "cells.csv: conditions are named by the headers, such as 'strong' by 'strong LRS (kOhm)'.",
    )


def test_interleaved_cycles(read):
    measured = read("cell,HRS1,LRS1,HRS2,LRS2\n7,3e5,5e3,4e5,6e3\n8,1e5,7e3,2e5,8e3\n")
    readings = measured.readings
    assert readings["cycle"].values.tolist() == [1, 1, 1, 1, 2, 2, 2, 2]
    assert readings["state_index"].values.tolist() == [1, 1, 0, 0, 1, 1, 0, 0]
    assert readings["cell"].values.tolist() == [7, 8] * 4
    assert str(measured.notes[0]) == "cells.csv: cycles are numbered by the headers of the columns."


def test_a_column_a_condition_beside_a_state_column(read):
    measured = read("cell,state,weak (kOhm),strong (kOhm)\n1,LRS,9,5\n1,HRS,200,\n")
    readings = measured.readings
    assert readings["condition"].values.tolist() == ["weak", "strong"]
    assert readings["resistance"].values == pytest.approx([9e3, 2e5, 5e3])
    assert readings["state_index"].values.tolist() == [0, 1, 0]
    assert "cells.csv: 1 blank or NaN reading dropped (row 3)." in map(str, measured.notes)


def test_two_ways_to_number_cycles_are_refused(read):
    with pytest.raises(InputError, match="both the column 'cycle' and the headers, such as 'LRS1'"):
        read("cycle,LRS1,HRS1\n1,5,300\n")


def test_quantities_are_not_mixed(read):
    with pytest.raises(InputError, match="are a resistance and a conductance; accepted is one qu"):
        read("LRS (kOhm),HRS (uS)\n5,3\n")


# The same readings in any dress ----------------

_OHM = st.integers(1, 999_999).map(lambda value: float(value))


@pytest.mark.slow
@given(
    rows=st.lists(st.tuples(_OHM, _OHM, _OHM, _OHM), min_size=1, max_size=4),
    separator=st.sampled_from([",", ";", "\t"]),
    unit=st.sampled_from([("ohm", 1.0), ("kOhm", 1e3), ("MΩ", 1e6)]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
@settings(max_examples=60, deadline=None)
def test_long_and_wide_give_the_same_readings(
    tmp_path_factory, rows, separator, unit, encoding, end
):
    folder = tmp_path_factory.mktemp("dress")
    conditions, states = ("weak", "strong"), ("LRS", "HRS")
    name, factor = unit
    keys = [(condition, state) for condition in conditions for state in states]
    wide = [["cell", *(f"{condition} {state} ({name})" for condition, state in keys)]]
    wide += [[str(i), *(repr(v / factor) for v in row)] for i, row in enumerate(rows)]
    long = [["cell", "state", "condition", f"R [{name}]"]]
    long += [
        [str(i), state, condition, repr(value / factor)]
        for i, row in enumerate(rows)
        for (condition, state), value in zip(keys, row, strict=True)
    ]
    found = []
    for table in (wide, long):
        path = folder / "cells.csv"
        text = end.join(separator.join(row) for row in table) + end
        path.write_bytes(text.encode(encoding))
        readings = read_measurements([path]).readings
        names = readings["condition"].values[readings["condition_index"].values]
        found.append(
            sorted(
                zip(
                    readings["cell"].values.tolist(),
                    names.tolist(),
                    readings["state_index"].values.tolist(),
                    np.round(readings["resistance"].values, 6).tolist(),
                    strict=True,
                )
            )
        )
    assert found[0] == found[1]
    assert len(found[0]) == 4 * len(rows)


# A group of columns that repeats ----------------


@pytest.mark.parametrize(
    "columns", ["c,(HRS [kOhm],LRS [kOhm])*,-", "c,(HRS (kOhm),LRS (kOhm))*3,-"]
)
def test_a_group_of_given_columns_repeats_to_the_width_of_the_table(read, tmp_path, columns):
    columns = columns.replace("c,", "cell,", 1)
    read("1,300,5,310,6,320,7,x\n2,400,8,410,9,420,10,y\n", columns=tuple(parse_columns(columns)))
    for listed in (columns, list(parse_columns(columns))):
        readings = read_measurements(tmp_path / "cells.csv", columns=listed).readings
        lrs = readings["state_index"].values == 0
        assert sorted(readings["resistance"].values[lrs]) == [5e3, 6e3, 7e3, 8e3, 9e3, 1e4]
        assert sorted(readings["cycle"].values.tolist()) == [1] * 4 + [2] * 4 + [3] * 4


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            "cell,(HRS,LRS)*",
            "the table has 4 columns; 3 are left for (HRS,LRS)*, which is not a mult",
        ),
        ("(HRS)*,(LRS)*", "all repeat to the width of the table; accepted is one such group"),
        ("cell,(HRS,LRS)*2", "4 columns were found, but 5 are given"),
    ],
)
def test_a_group_that_does_not_fit_the_table_is_refused(read, columns, message):
    with pytest.raises(InputError) as error:
        read("1,5,300,25\n", columns=parse_columns(columns))
    assert message in str(error.value)


def test_columns_of_one_cell_each_are_cells_and_no_conditions(read):
    readings = read(
        "cycle,Cell 1 LRS (kOhm),Cell 1 HRS (kOhm),"
        "strong Cell 2 LRS (kOhm),strong Cell 2 HRS (kOhm)\n"
        "1,5,200,6,300\n2,5.5,210,6.5,310\n"
    ).readings
    names = readings["condition"].values.tolist()
    assert set(names) == {"cells", "strong"}
    columns = ("condition_index", "resistance", "cell", "cycle")
    table = pd.DataFrame({name: readings[name].values for name in columns})
    of = {name: table[table["condition_index"] == names.index(name)] for name in names}
    assert of["cells"]["resistance"].tolist() == [5e3, 5.5e3, 200e3, 210e3]
    assert of["cells"]["cell"].nunique() == of["strong"]["cell"].nunique() == 1
    assert set(of["cells"]["cell"]) != set(of["strong"]["cell"])
    assert of["strong"]["cycle"].tolist() == [1, 2, 1, 2]


def test_cells_named_by_headers_and_by_a_column_are_refused(read):
    with pytest.raises(InputError, match=r"both the column 'die cell' .* name the cells; keep one"):
        read("die cell,DUT3 LRS,DUT3 HRS\n1,5000,2e5\n", names={"die cell": "cell"})


@pytest.mark.parametrize(
    ("header", "quantity", "factor"),
    [
        ("Ron (kOhm),Roff (kOhm)", "resistance", 1e3),
        ("ON conductance (uS),OFF conductance (uS)", "conductance", 1e-6),
        ("I_on (uA),I_off (uA)", "current", 1e-6),
        ("low resistance,high resistance", "resistance", 1.0),
        ("低阻态 (kΩ),高阻态 (kΩ)", "resistance", 1e3),
    ],
)
def test_states_of_columns_are_named_in_other_words(header, quantity, factor):
    assert parsed(*header.split(",")) == [(state, None, None, quantity, factor) for state in (0, 1)]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("R(kOhm)_LRS", (0, None, None, "resistance", 1e3)),
        ("LRS [kOhm] 55uA", (0, "55uA", None, "resistance", 1e3)),
        ("HRS_kOhm_55uA", (1, "55uA", None, "resistance", 1e3)),
        ("LRS kOhm @0.2V", (0, "@0.2V", None, "resistance", 1e3)),
        ("LRS (kOhm) - read 1", (0, "read 1", None, "resistance", 1e3)),
        ("HRS_ohm_c1", (1, "c1", None, "resistance", 1.0)),
        ("(MΩ) HRS weak", (1, "weak", None, "resistance", 1e6)),
        ("HRS [uS] 20 uA", (1, "20 uA", None, "conductance", 1e-6)),
        ("uA LRS strong", (0, "strong", None, "current", 1e-6)),
        ("LRS (kOhm) cycle 7", (0, None, 7, "resistance", 1e3)),
        # A number with a unit, or with decimals, is no cycle.
        ("LRS 55 uA (kOhm)", (0, "55 uA", None, "resistance", 1e3)),
        ("LRS 0.2V (kOhm)", (0, "0.2V", None, "resistance", 1e3)),
        ("LRS (55 uA) weak (kOhm)", (0, "(55 uA) weak", None, "resistance", 1e3)),
        ("R_{LRS} (kOhm)", (0, None, None, "resistance", 1e3)),
        ("LRS A (kOhm)", (0, "A", None, "resistance", 1e3)),
        ("LRS after 10^3 cycles (kOhm)", (0, None, 1000, "resistance", 1e3)),
        ("HRS 1e6 cycles [kOhm]", (1, None, 1_000_000, "resistance", 1e3)),
        ("HRS @5x10^4 cyc [kOhm]", (1, None, 50_000, "resistance", 1e3)),
        ("LRS_10k_cycles_kOhm", (0, None, 10_000, "resistance", 1e3)),
    ],
)
def test_a_unit_counts_wherever_it_stands_and_the_rest_keeps_its_meaning(header, expected):
    (found,) = parsed(header)
    assert found[:4] == expected[:4]
    assert found[4] == pytest.approx(expected[4], rel=1e-12)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("LRS (kOhm", "the bracket '(' has no match"),
        ("LRS kOhm]", "the bracket ']' has no match"),
        ("LRS (kOhm) weak (MOhm)", "'(kOhm)' and '(MOhm)' are both units; keep one"),
        ("LRS 55 uA", "'55 uA' may be a setting, or a cycle and the unit of the readings"),
    ],
)
def test_a_header_whose_unit_is_not_clear_is_refused(header, message):
    with pytest.raises(InputError) as error:
        wide_columns([header], place="f", renamed={})
    assert message in str(error.value)


@pytest.mark.parametrize("header", ["log R LRS (Ohm)", "log10(LRS)", "lg HRS", "ln(R_HRS)"])
def test_logarithms_are_no_readings(header):
    assert wide_columns([header], place="f", renamed={}) == ()


@pytest.mark.parametrize("header", ["log R (Ohm)", "ln R [Ohm]", "log10(R)", "lg_R_ohm"])
def test_a_long_table_of_logarithms_is_refused(read, header):
    with pytest.raises(InputError, match="no column holds a resistance"):
        read(f"cell,state,{header}\n1,LRS,4.1\n1,HRS,5.5\n")


@pytest.mark.parametrize(
    ("names", "cycles"),
    [
        (("R_{}@1000 [kOhm]", "R_{}@10000 [kOhm]"), (1000, 10000)),
        (("{} (kOhm) @1", "{} (kOhm) @10"), (1, 10)),
        (("{} (kOhm) c1", "{} (kOhm) c2"), (1, 2)),
        (("{}_kohm_c1", "{}_kohm_c2"), (1, 2)),
        (("{} after 10^3 cycles (kOhm)", "{} after 10^6 cycles (kOhm)"), (10**3, 10**6)),
        # Temperatures or currents as well as cycles: names of conditions.
        (("{} (kOhm) @25", "{} (kOhm) @85"), (-1, -1)),
        (("{} (kOhm) @1.5", "{} (kOhm) @2000"), (-1, -1)),
    ],
)
def test_cycles_in_headers_are_cycles_of_named_cells(read, names, cycles):
    header = ",".join(name.format(state) for name in names for state in ("LRS", "HRS"))
    readings = read(f"cell,{header}\n1,12,300,13,310\n2,12.5,320,13.1,305\n").readings
    assert sorted(set(readings["cycle"].values.tolist())) == sorted(set(cycles))
    assert sorted(readings["resistance"].values.tolist()) == pytest.approx(
        [12e3, 12.5e3, 13e3, 13.1e3, 300e3, 305e3, 310e3, 320e3]
    )
    assert len(readings["condition"]) == (2 if cycles == (-1, -1) else 1)


@pytest.mark.parametrize(
    "header",
    [
        "器件编号,低阻态电阻（kΩ）,高阻态电阻（kΩ）",
        "器件,LRS电阻（kΩ）,HRS电阻(kΩ)",
        "セル番号,LRS抵抗［kΩ］,HRS抵抗［kΩ］",
        "Zelle,LRS Widerstand (kOhm),HRS Widerstand (kOhm)",
        "셀,LRS 저항 (kΩ),HRS 저항 (kΩ)",
        "cell,/'LRS'/'R (kOhm)',/'HRS'/'R (kOhm)'",
    ],
)
def test_brackets_of_full_width_words_for_a_resistance_and_paths_name_no_condition(read, header):
    measured = read(f"{header}\n1,5.1,310\n2,5.2,320\n")
    assert readings_of(measured) == [
        *(("cells", 0, 1, -1, 5100.0), ("cells", 0, 2, -1, 5200.0)),
        *(("cells", 1, 1, -1, 310e3), ("cells", 1, 2, -1, 320e3)),
    ]
