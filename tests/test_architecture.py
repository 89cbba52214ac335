"""The structure is what docs/architecture.md says: one way, no circles, rooms of a size to see.

import-linter checks which room may import which; here is what it cannot see.
"""

import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from architecture import PACKAGE, draw, ground_of, rooms_of
from import_graph import (
    between_rooms,
    circle,
    import_graph,
    longest_chain,
    modules_of,
    without_shortcuts,
)

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text()

# Limits, not counts: what one can hold in mind of a folder, and on the way down to a formula.
MOST_MODULES_OF_A_FOLDER = 12
LONGEST_CHAIN = 13


@pytest.fixture(scope="module")
def graph():
    return import_graph(PACKAGE)


@pytest.fixture
def toy(tmp_path):
    """Return a maker of packages from the text of each file."""

    def make(texts):
        for name, text in {"__init__.py": "", **texts}.items():
            file = tmp_path / "toy" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return tmp_path / "toy"

    return make


@pytest.mark.slow
def test_no_module_is_on_a_way_back_to_itself(graph):
    assert circle(graph) == []


def test_no_room_is_on_a_way_back_to_itself(graph):
    assert circle(between_rooms(graph)) == []


def test_no_chain_of_imports_is_longer_than_one_can_follow(graph):
    # `python -m rramsim` is the command line itself, and no step on the way.
    within = {name: used for name, used in graph.items() if not name.endswith("__main__")}
    chain = longest_chain(within)
    assert len(chain) <= LONGEST_CHAIN, " -> ".join(chain)


def test_no_folder_holds_more_modules_than_one_can_see_at_once():
    folders = [PACKAGE, *(file.parent for file in PACKAGE.rglob("__init__.py"))]
    for folder in folders:
        modules = [file.name for file in folder.glob("[!_]*.py")]
        assert len(modules) <= MOST_MODULES_OF_A_FOLDER, folder


def test_the_page_names_every_room_and_module_of_the_ground_and_no_other():
    named = re.findall(r"^\| `(\w+)/?` \|", PAGE, re.MULTILINE)
    assert sorted(named) == sorted([*rooms_of(PACKAGE), *ground_of(PACKAGE)])


def test_the_page_and_each_room_state_the_same_question():
    asked = dict(re.findall(r"^\| `(\w+)/` \| (.*) \|$", PAGE, re.MULTILINE))
    assert asked == rooms_of(PACKAGE)
    assert all(question.endswith("?") for question in asked.values())


def test_every_file_that_the_page_names_is_there():
    paths = set(re.findall(r"`((?:rramsim|tests|docs|device_data)/[\w./]*)`", PAGE))
    assert paths
    for path in paths:
        assert (ROOT / path).exists(), path


def test_every_product_that_the_page_names_is_in_the_register():
    from rramsim.schema import DATASETS

    products = re.findall(r"^\| \*(\w+)\* \|", PAGE, re.MULTILINE)
    assert products
    assert set(products) <= DATASETS.keys()


@pytest.mark.slow
def test_the_picture_shows_every_room_and_every_import_by_a_way_down(graph):
    picture = draw(PACKAGE)
    for room in [*rooms_of(PACKAGE), *ground_of(PACKAGE)]:
        assert re.search(rf"[> ]{room}[ <]", picture), room
    rooms = between_rooms(graph)
    drawn = without_shortcuts(rooms)
    assert all(drawn[room] <= rooms[room] for room in rooms)
    for room, used in rooms.items():
        assert used <= _reached(drawn, room), room


def _reached(graph, start):
    reached, left = set(), [start]
    while left:
        for name in graph[left.pop()] - reached:
            reached.add(name)
            left.append(name)
    return reached


def test_the_layers_of_the_contract_are_the_rooms_and_the_ground():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = contracts["contracts"][0]["layers"]
    names = [name for layer in layers for name in re.split(r" [|:] ", layer)]
    rooms = [*rooms_of(PACKAGE), *ground_of(PACKAGE)]
    assert sorted(names) == sorted(["__main__", *rooms])


@pytest.mark.parametrize(
    "second",
    [
        "import toy.one",
        "from toy import one",
        "from toy.one import value",
        "from . import one",
        "from .one import value",
        "def later():\n    from toy.one import value",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from toy.one import value",
        "if True:\n    import toy.one as other",
    ],
)
def test_a_circle_is_seen_whatever_form_its_imports_have(toy, second):
    package = toy({"one.py": "from toy.two import value", "two.py": second})
    graph = import_graph(package)
    around = circle(graph)
    assert sorted(around[1:]) == ["toy.one", "toy.two"]
    assert around[0] == around[-1]


def test_a_circle_through_a_folder_is_seen_and_named_in_its_order(toy):
    package = toy(
        {
            "a.py": "import toy.b.x",
            "b/__init__.py": "",
            "b/x.py": "from .y import value",
            "b/y.py": "def late():\n    from ..a import value",
        }
    )
    around = circle(import_graph(package))
    graph = import_graph(package)
    assert sorted(around[1:]) == ["toy.a", "toy.b.x", "toy.b.y"]
    assert all(later in graph[name] for name, later in pairwise(around))


def test_what_leads_one_way_is_no_circle_and_its_longest_chain_is_found(toy):
    package = toy(
        {
            "top.py": "import toy.middle, toy.low, json",
            "middle.py": "from toy.low import value\nfrom numpy import array",
            "low.py": "value = 1",
        }
    )
    graph = import_graph(package)
    assert circle(graph) == []
    assert longest_chain(graph) == ["toy.top", "toy.middle", "toy.low"]
    assert modules_of(package).keys() == {"toy", "toy.top", "toy.middle", "toy.low"}
    assert without_shortcuts(graph)["toy.top"] == {"toy.middle"}


def test_rooms_are_what_lies_right_below_the_package(toy):
    package = toy(
        {
            "a/x.py": "from toy.b.y import value",
            "a/z.py": "from toy.a.x import value",
            "b/y.py": "import toy.ground",
            "ground.py": "",
        }
    )
    assert between_rooms(import_graph(package)) == {
        "a": {"b"},
        "b": {"ground"},
        "ground": frozenset(),
    }
