"""What every page of a report is made with: its templates, and figures put into it."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rramsim.plotting.style import render_figure, save_figure

if TYPE_CHECKING:
    from jinja2 import Template
    from matplotlib.figure import Figure

    from rramsim.report.text_table import TextTable


_TEMPLATES = Path(__file__).parent / "templates"


def template(name: str) -> Template:
    """Return a template that escapes every text and refuses names it was not given."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)


def tables_html(tables: Sequence[TextTable]) -> str:
    """Return tables as HTML, for a notebook; every text of them is escaped."""
    return template("tables.html").render(tables=tables)


def inlined(figures: Mapping[str, Figure]) -> dict[str, Markup]:
    """Return figures as parts of a page.

    They are the one text that is not escaped: matplotlib made it, not a user.
    """
    drawn = {}
    for name, figure in figures.items():
        text = io.StringIO()
        render_figure(figure, text, "svg")
        drawn[name] = Markup(_inline_svg(text.getvalue(), name, figure.get_figwidth()))
    return drawn


def write_figures(figures: Mapping[str, Figure], folder: Path) -> dict[str, Markup]:
    """Write figures as SVG and PNG, and return them as parts of a page, as `inlined` does.

    A drawing takes longer than anything else of a report: the SVG is drawn once for both.
    """
    drawn = {}
    for name, figure in figures.items():
        svg, _ = save_figure(figure, folder / name)
        text = svg.read_text(encoding="utf-8")
        drawn[name] = Markup(_inline_svg(text, name, figure.get_figwidth()))
    return drawn


# Below the first, text cannot be read and a narrow screen scrolls instead; above the second,
# it is larger than the text around it.
_LEAST_SCALE = 0.74
_MOST_SCALE = 1.25


def _inline_svg(svg: str, name: str, width_inches: float) -> str:
    """Return the text of an SVG file as an ``<svg>`` element that can stand in a page with others.

    Names inside it begin with `name`, so that those of two figures do not clash. Namespaces,
    metadata and comments are left out: a page needs none, and it then names no address.

    Parameters
    ----------
    svg : str
    name : str
        Letters and hyphens, another for each figure of a page.
    width_inches : float
    """
    svg = svg[svg.index("<svg") :].strip()
    pixels = 96 * width_inches
    size = f"min-width: {_LEAST_SCALE * pixels:.0f}px; max-width: {_MOST_SCALE * pixels:.0f}px"
    svg = svg.replace("<svg", f'<svg style="{size}"', 1)
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\s+xmlns(:xlink)?="[^"]*"', "", svg)
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    return re.sub(r"\n\s*\n", "\n", svg)
