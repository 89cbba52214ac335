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
    return {name: Markup(inline_svg(figure, name)) for name, figure in figures.items()}


# Below the first, text cannot be read and a narrow screen scrolls instead; above the second,
# it is larger than the text around it.
_LEAST_SCALE = 0.74
_MOST_SCALE = 1.25


def inline_svg(figure: Figure, name: str) -> str:
    """Return a figure as an ``<svg>`` element that can stand in a page with others.

    Names inside it begin with `name`, so that those of two figures do not clash. Namespaces,
    metadata and comments are left out: a page needs none, and it then names no address.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    name : str
        Letters and hyphens, another for each figure of a page.
    """
    text = io.StringIO()
    render_figure(figure, text, "svg")
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :].strip()
    pixels = 96 * figure.get_figwidth()
    size = f"min-width: {_LEAST_SCALE * pixels:.0f}px; max-width: {_MOST_SCALE * pixels:.0f}px"
    svg = svg.replace("<svg", f'<svg style="{size}"', 1)
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\s+xmlns(:xlink)?="[^"]*"', "", svg)
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    return re.sub(r"\n\s*\n", "\n", svg)


def write_figures(figures: Mapping[str, Figure], folder: Path) -> None:
    """Write figures as SVG and PNG."""
    for name, figure in figures.items():
        save_figure(figure, folder / name)
