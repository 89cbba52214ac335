import csv
import io

import pytest
import xarray as xr
from rich.console import Console

from rramsim.report.html import tables_html, template
from rramsim.report.terminal_table import print_table
from rramsim.report.text_table import Sorted, TextTable, csv_text, energy_text, table_of
from rramsim.schema import make, records

NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture
def rows():
    dataset = xr.Dataset(
        {
            "cells": ("condition", [1200, 7]),
            "reference_resistance": ("condition", [2.5e4, float("nan")], {"units": "ohm"}),
            "shape": ("condition", [2.0, 3.0], {"units": "1"}),
            "shape_low": ("condition", [1.5, float("nan")], {"units": "1"}),
            "shape_high": ("condition", [2.5, float("nan")], {"units": "1"}),
        },
        {"condition": ["weak", "[b]strong"]},
    )
    return records(dataset, "condition")


def test_variables_are_said_by_their_kind_and_unit(rows):
    names = ("condition", "cells", "reference_resistance", "shape")
    columns = dict(zip(names, names, strict=True))
    columns["name length"] = lambda row: str(len(row["condition"]))
    table = table_of("Some", rows, columns, numeric=("cells",))
    assert table.columns == (*names, "name length")
    assert table.rows == (
        ("weak", "1,200", f"25{NBSP}kΩ", "2 (1.5 to 2.5)", "4"),
        ("[b]strong", "7", "unknown", "3", "9"),
    )


def test_a_column_is_sorted_by_its_variable_or_by_what_it_names_and_else_not_at_all(rows):
    columns = {
        "condition": "condition",
        "reference": "reference_resistance",
        "shape": Sorted(lambda row: "about so much", "shape"),
        "length": Sorted(lambda row: "short", lambda row: len(row["condition"])),
        "words": lambda row: "some words",
    }
    table = table_of("Some", [*rows, rows[0]], columns)
    assert table.values[0] == table.values[2] == ("weak", 2.5e4, 2.0, 4, None)
    assert table.values[1] == ("[b]strong", pytest.approx(float("nan"), nan_ok=True), 3.0, 9, None)
    assert [table.is_sorted_by(column) for column in range(5)] == [True, True, True, True, False]
    of_page = template("macros.html").module.table
    page = of_page(table)
    assert page.count('<th scope="col" aria-sort="none">') == 4
    assert page.count('data-value="25000.0"') == 2
    # Unknown, but not without a place: it comes last.
    assert page.count('data-value=""') == 1
    # Of two rows one sees the order, and a notebook has no script that sorts.
    assert "aria-sort" not in of_page(table_of("Some", rows, columns))
    assert "aria-sort" not in tables_html([table])


def test_of_a_bound_its_end_is_the_place():
    dataset = xr.Dataset(
        {"ber": ("condition", [float("nan"), 0.1]), "ber_high": ("condition", [1e-6, 0.2])},
        {"condition": ["bounded", "known"]},
    )
    table = table_of("BER", records(dataset, "condition"), {"BER": "ber"})
    assert table.values == ((1e-6,), (0.1,))


def test_an_energy_is_said_with_where_it_is_from():
    values = {"energy": [1e-12, float("nan")], "basis": ["stated", "unknown"]}
    dataset = xr.Dataset(
        {
            "set_energy": ("condition", values["energy"]),
            "set_energy_basis": ("condition", values["basis"]),
        },
        {"condition": ["weak", "strong"]},
    )
    texts = [energy_text(row, "set_energy") for row in records(dataset, "condition")]
    assert texts == [f"1{NBSP}pJ, stated", "unknown"]


def printed(table):
    shown = io.StringIO()
    print_table(Console(file=shown, width=60), table)
    return shown.getvalue()


def test_a_table_is_printed_with_title_and_remark_and_no_markup_is_read():
    table = TextTable("Title", ("condition",), (("[b]strong",),), remark="x" * 90)
    lines = printed(table).splitlines()
    assert lines[0].strip() == "Title"
    assert "[b]strong" in printed(table)
    assert lines[-2:] == ["x" * 90, ""]


def test_csv_reads_back_exactly_and_unknown_values_are_empty():
    rows = [{"name": 'a "b", c', "ber": 0.1 + 0.2, "yes": True, "low": float("nan"), "high": None}]
    (read,) = csv.DictReader(io.StringIO(csv_text(rows)))
    exact = repr(0.1 + 0.2)
    assert list(read.values()) == ['a "b", c', exact, "true", "", ""]
    assert csv_text([], ("name", "ber")) == "name,ber\n"


def test_the_units_of_the_register_are_those_that_are_said(rows):
    counted = make(
        "read_energy",
        {"energy": [[1e-15, 2e-15]], "energy_per_read": [1.5e-15], "basis": ["computed"]},
        {"condition": ["weak"], "state": ["LRS", "HRS"]},
    )
    table = table_of("Energy", records(counted, "condition"), {"mean": "energy_per_read"})
    assert table.rows == ((f"1.5{NBSP}fJ",),)


def test_a_spreadsheet_computes_nothing_of_what_a_table_names():
    texts = ("=1+1", "@SUM(A1)", "+cmd|x", "-cmd|x", "\tx", "-1.2 V", "+5 V", "-.5", "weak", "- 3")
    rows = [{"name": text, "value": -1.5} for text in texts]
    shown = [row["name"] for row in csv.DictReader(csv_text(rows).splitlines())]
    assert shown == [*(f"'{text}" for text in texts[:5]), *texts[5:]]
    assert ",-1.5\n" in csv_text(rows)
