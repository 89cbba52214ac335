import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from rramsim.report.terminal_table import parts, print_table, wrapped
from rramsim.report.text_table import TextTable

NBSP = "\N{NO-BREAK SPACE}"
INTERVAL = "9.7×10⁻⁵ (5.7×10⁻⁵ to 1.6×10⁻⁴)"
WIDE = TextTable(
    "Bit errors",
    ("condition", "reference", "BER (95 % interval)", "BER is", "SET energy", "endurance"),
    (
        (
            "strong",
            f"24.2{NBSP}kΩ",
            INTERVAL,
            "fitted, extrapolated",
            f"11{NBSP}pJ",
            "more than 10⁴",
        ),
        ("weak", f"45{NBSP}kΩ", "0.033 (0.028 to 0.039)", "fitted", f"4{NBSP}pJ", "more than 10⁶"),
    ),
    numeric=("reference",),
)


def printed(table, width):
    shown = io.StringIO()
    print_table(Console(file=shown, width=width), table)
    return shown.getvalue()


@pytest.mark.parametrize("width", [200, 80, 60, 40])
def test_no_number_is_cut_however_narrow_the_terminal(width):
    shown = printed(WIDE, width)
    assert "…" not in shown
    words = shown.split()
    for row in WIDE.rows:
        for number in " ".join(row).split(" "):
            assert all(part in words for part in number.split())
    assert max(map(len, shown.splitlines())) <= width
    assert f"24.2{NBSP}kΩ" in shown


def test_each_part_of_a_split_table_names_its_rows():
    split = list(parts(WIDE, width=60))
    assert [part.columns for part in split] == [
        ("condition", "reference", "BER (95 % interval)", "BER is"),
        ("condition", "SET energy", "endurance"),
    ]
    assert [row[0] for row in split[1].rows] == ["strong", "weak"]
    assert list(parts(WIDE, width=200)) == [WIDE]


@pytest.mark.parametrize(("width", "tables"), [(200, 1), (60, 2)])
def test_a_table_has_a_line_below_its_headers_and_no_frame(width, tables):
    shown = printed(WIDE, width)
    assert not set("┃│|") & set(shown)
    ruled = [line for line in shown.splitlines() if line and not line.strip("─ ")]
    assert len([line for line in ruled if "─" in line]) == tables


@pytest.mark.slow
@given(st.text("ab ", min_size=1, max_size=60), st.integers(1, 20))
def test_wrapping_moves_line_ends_only(text, width):
    lines = wrapped(text, width).split("\n")
    assert " ".join(lines).split() == text.split()
    assert all(len(line) <= width or " " not in line.strip() for line in lines)
