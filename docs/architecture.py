"""Draws the rooms of rramsim and what each uses, from the imports: ``python docs/architecture.py``.

A room stands above all that it uses, as low as there is space. A line that other lines imply is
left out. Colours are those of the page, so that the picture can
stand in it on a light and on a dark ground.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from html import escape
from itertools import accumulate, combinations
from pathlib import Path
from random import Random

from import_graph import Graph, between_rooms, import_graph, without_shortcuts

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "rramsim"

# A phone shows 360 pixels: rows of up to four boxes keep their words readable there.
WIDTH, ROW, BOX_HEIGHT, LETTER, MARGIN = 380, 62, 30, 7.4, 24
# Of the width of a row, for boxes; the rest is space and lines between them.
MOST_OF_A_ROW = 0.82
SHUFFLES = 12

Rows = list[list[str]]
Links = list[tuple[str, str]]


def rooms_of(package: Path) -> dict[str, str]:
    """Return the question that each room answers: the first line of its ``__init__.py``."""
    return {file.parent.name: _first_line(file) for file in sorted(package.glob("*/__init__.py"))}


def ground_of(package: Path) -> dict[str, str]:
    """Return what each module that lies beside the rooms is for: its first line."""
    return {file.stem: _first_line(file) for file in sorted(package.glob("[!_]*.py"))}


def draw(package: Path) -> str:
    """Return the picture of a package's rooms as SVG."""
    rooms = rooms_of(package)
    graph = between_rooms(import_graph(package))
    uses = without_shortcuts({room: graph[room] & rooms.keys() for room in rooms})
    rows, links = _layered(uses)
    places = _places(_untangled(rows, links), rooms)
    lines = [_line(places[upper], places[lower]) for upper, lower in links]
    boxes = [_box(room, question, *places[room]) for room, question in rooms.items()]
    bottom = ROW * len(rows)
    below = _ground(sorted(ground_of(package)), bottom)
    height = bottom + 54
    return "\n".join([_HEAD.format(width=WIDTH, height=height), *lines, *boxes, below, "</svg>\n"])


def _first_line(file: Path) -> str:
    text = ast.get_docstring(ast.parse(file.read_text())) or ""
    return text.partition("\n")[0]


def _layered(uses: Graph) -> tuple[Rows, Links]:
    """Return the names in each row, from the top, and the links between neighbouring rows.

    A link over several rows leads through a place in each, whose name is that of no room.
    """
    height = _heights(uses)
    rows: Rows = [[] for _ in range(1 + max(height.values()))]
    links: Links = []
    for room in sorted(uses):
        rows[height[room]].append(room)
        for lower in sorted(uses[room]):
            above = room
            for level in range(height[room] - 1, height[lower], -1):
                between = f"{room}>{lower}@{level}"
                rows[level].append(between)
                links.append((above, between))
                above = between
            links.append((above, lower))
    return rows[::-1], links


def _heights(uses: Graph) -> dict[str, int]:
    """Return the row of each room, from the bottom: above all that it uses, where there is space.

    Where a row is full, those stay that the most rooms stand on, one above the other.
    """
    below: dict[str, int] = dict.fromkeys(uses, 0)
    for room in reversed(list(TopologicalSorter(uses).static_order())):
        for lower in uses[room]:
            below[lower] = max(below[lower], below[room] + 1)
    height: dict[str, int] = {}
    level = 0
    while len(height) < len(uses):
        ready = [room for room in uses if room not in height and uses[room] <= height.keys()]
        ready.sort(key=lambda room: (-below[room], room))
        taken = list(accumulate(_box_width(room) for room in ready))
        fitting = sum(width <= MOST_OF_A_ROW * WIDTH for width in taken)
        height |= dict.fromkeys(ready[: max(1, fitting)], level)
        level += 1
    return height


def _box_width(room: str) -> float:
    return LETTER * len(room) + 18


def _untangled(rows: Rows, links: Links) -> Rows:
    """Return the rows in an order in which few links cross, and those that are left are short.

    From some shuffled orders, names of a row change places as long as that is a gain; the best
    order met is kept.
    """
    chance = Random(1)
    tried = []
    for _ in range(SHUFFLES):
        order = [chance.sample(row, len(row)) for row in rows]
        tried.append((_swapped(order, links), order))
    return min(tried, key=lambda found: found[0])[1]


def _swapped(rows: Rows, links: Links) -> tuple[int, float]:
    """Change places in the rows as long as that is a gain, and return what is left to regret."""
    regret, before = _regret(rows, links), None
    while regret != before:
        before = regret
        for row in rows:
            for one, two in combinations(range(len(row)), 2):
                row[one], row[two] = row[two], row[one]
                if (now := _regret(rows, links)) < regret:
                    regret = now
                else:
                    row[one], row[two] = row[two], row[one]
    return regret


def _regret(rows: Rows, links: Links) -> tuple[int, float]:
    """Return how many links cross, and how far they lead sideways in all."""
    place = {name: (k + 0.5) / len(row) for row in rows for k, name in enumerate(row)}
    level = {name: number for number, row in enumerate(rows) for name in row}
    spans = [(level[upper], place[upper], place[lower]) for upper, lower in links]
    crossings = sum(
        row == other_row and (upper - other_upper) * (lower - other_lower) < 0
        for (row, upper, lower), (other_row, other_upper, other_lower) in combinations(spans, 2)
    )
    return crossings, sum(abs(upper - lower) for _, upper, lower in spans)


def _places(rows: Rows, rooms: Mapping[str, str]) -> dict[str, tuple[float, float, float]]:
    """Return the middle and the width of each box, and of each place that a line leads through."""
    places = {}
    for number, row in enumerate(rows):
        widths = [_box_width(name) if name in rooms else 2.0 for name in row]
        gap = (WIDTH - sum(widths)) / (len(row) + 1)
        left = gap
        for name, width in zip(row, widths, strict=True):
            places[name] = (left + width / 2, ROW * number + MARGIN, width)
            left += width + gap
    return places


def _line(upper: Sequence[float], lower: Sequence[float]) -> str:
    middle = (upper[1] + lower[1]) / 2
    return (
        f'<path d="M{upper[0]:.1f} {upper[1]} C{upper[0]:.1f} {middle}, '
        f'{lower[0]:.1f} {middle}, {lower[0]:.1f} {lower[1]}"/>'
    )


def _box(room: str, question: str, x: float, y: float, width: float) -> str:
    return (
        f"<g><title>{escape(question)}</title>"
        f'<rect x="{x - width / 2:.1f}" y="{y - BOX_HEIGHT / 2}" width="{width:.1f}" '
        f'height="{BOX_HEIGHT}" rx="6"/><text x="{x:.1f}" y="{y + 4.5}">{escape(room)}</text></g>'
    )


def _ground(names: Sequence[str], top: float) -> str:
    """Return the line that all rooms stand on, with what is below it."""
    half = (len(names) + 1) // 2
    texts = [
        f'<text class="ground" x="{WIDTH / 2}" y="{top + offset}">{escape("  ".join(part))}</text>'
        for part, offset in ((names[:half], 24), (names[half:], 42))
    ]
    return f'<path d="M8 {top + 4} H{WIDTH - 8}"/>' + "".join(texts)


_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" \
aria-label="The rooms of rramsim: a line leads from a room down to one that it uses" \
style="display: block; width: 100%; max-width: 520px; margin: 0 auto">
<style>
path {{ fill: none; stroke: var(--color-foreground-muted, #6b6f76); stroke-width: 1.3 }}
rect {{ fill: var(--color-background-secondary, #f8f9fb); \
stroke: var(--color-brand-primary, #0a4bff); stroke-width: 1.3 }}
text {{ fill: var(--color-foreground-primary, #111); font: 13px ui-monospace, monospace; \
text-anchor: middle }}
text.ground {{ fill: var(--color-foreground-muted, #6b6f76); font-size: 11px; white-space: pre }}
</style>"""


if __name__ == "__main__":
    (HERE / "architecture.svg").write_text(draw(PACKAGE))
