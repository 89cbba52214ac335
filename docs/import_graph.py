"""The imports of a package as a graph: which module needs which.

Every import counts, also one inside a function and one for type checkers only: Python and
import-linter let circles through these pass, but a reader walks in them all the same.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

Graph = Mapping[str, frozenset[str]]
"""For each module (or room), by its dotted name, those that it imports."""


def modules_of(package: Path) -> dict[str, Path]:
    """Return the file of each module in a package's folder, by dotted name.

    A package itself stands under its own name, by its ``__init__.py``.
    """
    return {
        ".".join(file.relative_to(package.parent).with_suffix("").parts).removesuffix(
            ".__init__"
        ): file
        for file in sorted(package.rglob("*.py"))
    }


def import_graph(package: Path) -> Graph:
    """Return which modules of a package each of its modules imports."""
    modules = modules_of(package)
    return {
        name: frozenset(
            target
            for imported in _imported_names(file, name)
            if (target := _module_of(imported, modules)) not in (None, name)
        )
        for name, file in modules.items()
    }


def circle(graph: Graph) -> list[str]:
    """Return modules of which each imports the next and the last is the first; none if none is."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def longest_chain(graph: Graph) -> list[str]:
    """Return the most modules of which each imports the next, in a graph without a circle."""
    chains: dict[str, list[str]] = {}
    for module in TopologicalSorter(graph).static_order():
        below = max((chains[name] for name in sorted(graph[module])), key=len, default=[])
        chains[module] = [module, *below]
    return max(chains.values(), key=len, default=[])


def between_rooms(graph: Graph) -> Graph:
    """Return which rooms each room imports; a room is what lies right below the package."""
    rooms: dict[str, set[str]] = {}
    for name, imported in graph.items():
        room = _room(name)
        if room:
            targets = rooms.setdefault(room, set())
            targets |= {_room(target) for target in imported} - {room, ""}
    return {room: frozenset(targets) for room, targets in rooms.items()}


def without_shortcuts(graph: Graph) -> Graph:
    """Return the imports between which no other way leads, in a graph without a circle."""
    reached: dict[str, frozenset[str]] = {}
    for name in TopologicalSorter(graph).static_order():
        reached[name] = graph[name].union(*(reached[target] for target in graph[name]))
    return {
        name: targets - frozenset().union(*(reached[target] for target in targets))
        for name, targets in graph.items()
    }


def _room(module: str) -> str:
    _, *below = module.split(".")
    return below[0] if below else ""


def _imported_names(file: Path, module: str) -> Iterator[str]:
    """Yield the full name of all that a file imports, wherever in it the import stands."""
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: 1 - node.level or None] if node.level else []
            source = ".".join([*parents, *filter(None, [node.module])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def _module_of(imported: str, modules: Mapping[str, Path]) -> str | None:
    """Return the module that an imported name is, or is in; None outside the package."""
    while imported and imported not in modules:
        imported = imported.rpartition(".")[0]
    return imported or None
