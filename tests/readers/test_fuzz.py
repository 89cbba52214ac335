"""Generated tables are read as they were meant, or refused, and no reading is lost unsaid."""

import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reader_files import workbook

from rramsim.errors import InputError
from rramsim.readers.measurements import read_measurements

HEADERS = {
    "condition": ("condition", "Bedingung", "cond"),
    "state": ("state", "Zustand"),
    "cell": ("cell", "Zelle", "addr"),
    "cycle": ("cycle", "Zyklus"),
    "R": ("R (kOhm)", "resistance [kΩ]", "Widerstand (kOhm)"),
}
STATES = {"LRS": 0, "hrs": 1, "ON": 0, "off": 1, "niederohmig": 0, "高阻": 1}
# Separator, decimal mark and mark between thousands.
NOTATIONS = ((",", ".", ""), (";", ".", ""), (";", ",", ""), ("\t", ",", "."), (";", ",", "'"))
BLANK, MARK = "", ">1e9"


def few(count):
    return settings(
        max_examples=count,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )


@st.composite
def tables(draw):
    """Return the meant readings and a table of texts that holds them, with a header."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    notation = rng.choice(NOTATIONS)
    columns = rng.sample(list(HEADERS), len(HEADERS))
    rows, meant = [], []
    # Where the first row has a cycle and others have none, it may be one written once for a block.
    all_have_cycles = rng.random() < 0.5
    for number in range(rng.randint(4, 12)):
        state = rng.choice(list(STATES))
        # Two decimals: three could part thousands.
        cents = rng.randint(10**3, 10**9) * 10 + rng.randint(1, 9)
        kind = rng.choices(("number", "blank", "mark"), (8, 1, 1))[0]
        reading = {"number": written(cents, notation), "blank": BLANK, "mark": MARK}[kind]
        cell, cycle = number, str(rng.randint(0, 9))
        if not all_have_cycles and (number == 0 or rng.random() < 0.5):
            cycle = ""
        row = {"condition": rng.choice(("weak", "strong A")), "state": state, "cell": str(cell)}
        rows.append([{**row, "cycle": cycle, "R": reading}[name] for name in columns])
        if kind != "blank":
            ohm = cents * 10.0 if kind == "number" else 1e12
            meant.append((row["condition"], STATES[state], cell, int(cycle or -1), ohm))
    header = [rng.choice(HEADERS[name]) for name in columns]
    return notation[0], columns, [header, *rows], meant, rng


def written(cents, notation):
    _, decimal, thousands = notation
    whole, rest = divmod(cents, 100)
    text = f"{whole:,}".replace(",", thousands) if thousands else str(whole)
    return f"{text}{decimal}{rest:02d}"


def lines_of(table, separator):
    return "".join(separator.join(row) + "\n" for row in table)


def outcome(folder, content, name="cells.csv"):
    """Return the readings of a file as tuples with what was read, or None where it is refused."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        measured = read_measurements(path)
    except InputError:
        return None, None
    for count in measured.counts:
        assert count.cells == count.exact + count.censored + sum(count.left_out.values())
    readings = measured.readings
    names = readings["condition"].values
    assert sum(count.exact + count.censored for count in measured.counts) == len(
        readings["resistance"]
    )
    found = zip(
        names[readings["condition_index"].values].tolist(),
        *(readings[name].values.tolist() for name in ("state_index", "cell", "cycle")),
        (round(ohm, 3) for ohm in readings["resistance"].values.tolist()),
        strict=True,
    )
    return Counter(found), measured


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.mark.slow
@few(30)
@given(tables())
def test_a_table_in_any_notation_is_read_as_it_is_meant(folder, drawn):
    separator, _, table, meant, _ = drawn
    if not meant:
        return
    found, measured = outcome(folder, lines_of(table, separator))
    assert found == Counter(meant)
    (count,) = measured.counts
    assert count.cells == len(table) - 1
    assert count.left_out.get("blank", 0) == len(table) - 1 - len(meant)


@pytest.mark.slow
@few(6)
@given(tables())
def test_a_workbook_of_the_same_texts_is_read_as_it_is_meant(folder, drawn):
    _, _, table, meant, _ = drawn
    found, _ = outcome(folder, workbook(("Run1", table)), "cells.xlsx")
    assert found == (Counter(meant) or None)


def damaged(table, columns, rng):
    """Return the table with one row that lost, gained or swapped cells, or stands there twice."""
    table = [list(row) for row in table]
    row = table[rng.randint(1, len(table) - 1)]
    place = rng.randrange(len(row))
    what = rng.choice(("lost", "gained", "swapped", "twice"))
    others_end_blank = any(each[-1] == BLANK for each in table if each is not row)
    if what == "gained" and row[-1] == BLANK and not others_end_blank:
        # The one row that ends blank would then be a full one with a separator more.
        what = "twice"
    if what == "lost":
        del row[place]
    elif what == "gained":
        row.insert(place, rng.choice(["", "7", *row]))
    elif what == "swapped":
        # Two numbers, or two labels, that change places leave no trace in one row.
        one = columns.index("state")
        other = rng.choice([columns.index(name) for name in ("condition", "R")])
        row[one], row[other] = row[other], row[one]
    else:
        table.append(list(row))
    return what, table


@pytest.mark.slow
@few(60)
@given(tables())
def test_a_damaged_row_is_refused_or_read_as_it_is_meant(folder, drawn):
    separator, columns, table, meant, rng = drawn
    what, table = damaged(table, columns, rng)
    found, _ = outcome(folder, lines_of(table, separator))
    if found is not None:
        # Readings without a cycle are of one cell each, so that a row that stands twice is one.
        assert not found - Counter(meant), what
        # Nothing but the reading of the damaged row may be left out.
        assert sum((Counter(meant) - found).values()) <= 1, what


@pytest.mark.slow
@few(30)
@given(tables(), st.integers(1, 30))
def test_a_file_that_is_cut_is_refused_or_says_so(folder, drawn, cut):
    separator, _, table, meant, _ = drawn
    text = lines_of(table, separator)
    text, rest = text[:-cut], text[-cut:]
    found, measured = outcome(folder, text)
    if found is None:
        return
    assert sum((Counter(meant) - found).values()) <= rest.count("\n")
    if text.endswith("\n"):
        return
    assert any(note.kind == "no line end" for note in measured.notes)
    assert sum((found - Counter(meant)).values()) <= 1


@st.composite
def wide_tables(draw):
    """Return readings and a wide table: a row a cell, a column a state."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    table, meant = [["cell", "LRS (kOhm)", "HRS (kOhm)", "remark"]], []
    for cell in range(rng.randint(2, 8)):
        kilohms = [f"{rng.randint(100, 10**6) / 100:.2f}" for _ in range(2)]
        shown = [text if rng.random() < 0.9 else "" for text in kilohms]
        table.append([str(cell), *shown, "ok"])
        meant += [
            ("cells", state, cell, -1, round(float(text) * 1e3, 3))
            for state, text in enumerate(shown)
            if text
        ]
    return table, meant, rng


@pytest.mark.slow
@few(30)
@given(wide_tables())
def test_a_wide_table_is_read_as_it_is_meant_or_refused(folder, drawn):
    table, meant, rng = drawn
    if not meant:
        return
    found, measured = outcome(folder, lines_of(table, ","))
    assert found == Counter(meant)
    (count,) = measured.counts
    assert count.cells == 2 * (len(table) - 1)
    row = table[rng.randint(1, len(table) - 1)]
    if rng.random() < 0.5:
        del row[rng.randrange(4)]
    else:
        row.insert(rng.randrange(5), rng.choice(["", "7.5"]))
    found, _ = outcome(folder, lines_of(table, ","))
    if found is not None:
        assert not found - Counter(meant)
        assert sum((Counter(meant) - found).values()) <= 2


CELL_LABELS = ("cell", "DUT", "Device", "DUT #", "Zelle")
LABELS = (*CELL_LABELS, "Sample", "Index", "No", "#", "Probe", "ID")


@st.composite
def layouts(draw):
    """Return readings of cells in both states, and tables that hold them in several layouts."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    meant, blocks = [], {}
    for name in ("weak", "strong A", "55 uA")[: rng.randint(2, 3)]:
        # A name of one row could as well be a slip; two rows are a block.
        blocks[name] = [
            [str(cell), *(f"{rng.randint(1000, 10**6) / 100:.2f}" for _ in range(2))]
            for cell in range(1, rng.randint(3, 6))
        ]
        meant += [
            (name, state, int(cell), -1, round(float(kilohms) * 1e3, 3))
            for cell, *both in blocks[name]
            for state, kilohms in enumerate(both)
        ]
    label = rng.choice(LABELS)
    if label not in CELL_LABELS:
        # The column says no cell: its readings are of cells without a name.
        meant = [(name, state, -1, cycle, ohm) for name, state, _, cycle, ohm in meant]
    header = [label, "LRS (kOhm)", "HRS (kOhm)"]
    gap = [""] * rng.randint(0, 1)
    height = max(map(len, blocks.values()))
    beside = [[], []]
    for name in blocks:
        last = gap if name != list(blocks)[-1] else []
        beside[0] += [name, "", "", *last]
        beside[1] += [*header, *last]
    for row in range(height):
        parts = [rows[row] if row < len(rows) else [""] * 3 for rows in blocks.values()]
        beside.append([cell for part in parts for cell in [*part, *gap]][: len(beside[1])])
    down = [["condition", *header]]
    for name, rows in blocks.items():
        down += [[name if not index else "", *row] for index, row in enumerate(rows)]
    return meant, [beside, down]


@pytest.mark.slow
@few(8)
@given(layouts())
def test_blocks_beside_and_below_each_other_are_read_as_they_are_meant(folder, drawn):
    meant, tables_of_them = drawn
    for table in tables_of_them:
        found, measured = outcome(folder, lines_of(table, ";"))
        assert found == Counter(meant)
        assert sum(count.cells for count in measured.counts) == len(meant)


@pytest.mark.slow
@few(20)
@given(st.integers(0, 2**32), st.sampled_from(("{}", "cycle {}", "C{}", "#{}", "R cyc{}")))
def test_columns_of_cycles_are_read_as_they_are_meant(folder, seed, header):
    rng = random.Random(seed)
    cycles = range(1, rng.randint(3, 7))
    table, meant = [["cell", "state", *(header.format(cycle) for cycle in cycles)]], []
    for cell in range(rng.randint(2, 4)):
        for state, name in enumerate(("LRS", "HRS")):
            ohms = [rng.randint(1000, 10**6) for _ in cycles]
            shown = [ohm if rng.random() < 0.9 else "" for ohm in ohms]
            table.append([str(cell), name, *map(str, shown)])
            pairs = zip(cycles, shown, strict=True)
            meant += [("cells", state, cell, cycle, float(ohm)) for cycle, ohm in pairs if ohm]
    found, measured = outcome(folder, lines_of(table, ","))
    assert found == Counter(meant)
    (count,) = measured.counts
    assert count.cells == len(cycles) * (len(table) - 1)
