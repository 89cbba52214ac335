"""A further tester is one class: registered in a test, it is read, and afterwards no more."""

from dataclasses import replace

import pytest

from rramsim.errors import InputError
from rramsim.readers.measurements import read_measurements
from rramsim.readers.testers import register, unregister
from rramsim.readers.testers.registry import _TESTERS

FILE = "TOY 1.0;operator;me\nchip;A1\n@L;5.1;7\n@H;310;8\n"


class Toy:
    """Lines of "@L" or "@H", kilo-ohm and cell below the name of a chip."""

    def recognises(self, grid):
        return grid.records[0][0] == "TOY 1.0"

    def tables(self, grid):
        states = {"@L": "LRS", "@H": "HRS"}
        records = [[states[mark], *rest] for mark, *rest in grid.records[2:]]
        return [
            replace(
                grid,
                records=[["state", "R (kOhm)", "cell"], *records],
                row_numbers=grid.row_numbers[1:],
                constants={"condition": grid.records[1][1]},
            )
        ]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "toy.txt"
    path.write_text(FILE)
    return path


def test_a_registered_tester_is_read_and_no_more_once_it_is_taken_out(file):
    register(Toy)
    try:
        readings = read_measurements(file).readings
    finally:
        unregister(Toy)
    assert readings["resistance"].values.tolist() == [5100.0, 310e3]
    assert readings["state_index"].values.tolist() == [0, 1]
    assert readings["cell"].values.tolist() == [7, 8]
    assert readings["condition"].values.tolist() == ["A1"]
    with pytest.raises(InputError, match="no column holds a resistance or current"):
        read_measurements(file)


def test_what_a_tester_makes_nothing_of_is_read_as_any_other_file(tmp_path):
    class Blind(Toy):
        def recognises(self, grid):
            return True

        def tables(self, grid):
            return []

    path = tmp_path / "cells.csv"
    path.write_text("state,R (kOhm)\nLRS,5\nHRS,300\n")
    register(Blind)
    try:
        assert read_measurements(path).readings.sizes["reading"] == 2
    finally:
        unregister(Blind)


class Deaf:
    def recognises(self, grid):
        return True


class Needy(Toy):
    def __init__(self, model):
        self.model = model


@pytest.mark.parametrize(
    ("tester", "words"),
    [
        (Deaf, r"Deaf lacks tables; a tester needs recognises\(grid\)"),
        (type("Empty", (), {}), "Empty lacks recognises and tables"),
        (Toy(), "a tester is a class, not an object of Toy"),
        (Needy, "Needy must be made without arguments"),
    ],
)
def test_what_is_no_tester_is_refused_and_not_registered(tester, words):
    before = list(_TESTERS)
    with pytest.raises(TypeError, match=words):
        register(tester)
    assert before == _TESTERS


def test_a_tester_registered_again_takes_the_place_of_the_one_before():
    before = list(_TESTERS)
    again = type("Toy", (Toy,), {"__module__": Toy.__module__, "__qualname__": "Toy"})
    register(Toy)
    register(again)
    assert [type(tester) for tester in _TESTERS] == [*map(type, before), again]
    unregister(again)
    assert before == _TESTERS


def test_one_that_is_not_registered_cannot_be_taken_out():
    with pytest.raises(KeyError, match="Toy"):
        unregister(Toy)


def test_testers_of_rramsim_are_asked_in_the_order_of_their_files():
    names = [type(tester).__name__ for tester in _TESTERS]
    assert names == ["ArcOne", "EasyExpert", "Clarius", "LabView", "Origin"]
