"""What every page of a report is made with: its templates, and figures put into it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rramsim.report.tradeoff.figures import inline_svg

if TYPE_CHECKING:
    from jinja2 import Template
    from matplotlib.figure import Figure

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


def inlined(figures: Mapping[str, Figure]) -> dict[str, Markup]:
    """Return figures as parts of a page.

    They are the one text that is not escaped: matplotlib made it, not a user.
    """
    return {name: Markup(inline_svg(figure, name)) for name, figure in figures.items()}
