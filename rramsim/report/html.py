"""What every page of a report is made with: its templates, and figures put into it."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rramsim.plotting.style import COLORS, render_figure, save_figure

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


def render_page(name: str, **values: Any) -> str:
    """Return a page of a report: what its template says, with contents, script and style.

    A heading made by the macro ``heading`` stands in the contents by itself. The page's policy
    lets the browser run its own script, which it knows by its digest, and load nothing.

    Parameters
    ----------
    name : str
        Of a template that extends ``base.html``.
    **values
        What it shows; ``figures`` as `inlined` gives them, ``files`` as `files_beside` does.
    """
    script = (_TEMPLATES / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    headings: list[tuple[str, str]] = []
    return template(name).render(
        script=Markup(script), script_digest=digest, contents=headings, **values
    )


def files_beside(folder: Path, described: Mapping[str, str]) -> dict[str, str]:
    """Return the files of a folder that its page links to, with what each holds.

    Parameters
    ----------
    folder : Path
        Where the page is written.
    described : mapping of str to str
        What a file holds, by its name, for all files that there may be. Figures need not be
        told; they are linked below themselves.
    """
    there = {name: words for name, words in described.items() if (folder / name).is_file()}
    figures = sorted(path.name for path in (folder / "figures").glob("*.*"))
    drawn = [name for name in figures if name.endswith((".svg", ".png"))]
    return there | {f"figures/{name}": "" for name in drawn}


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
        drawn[name] = Markup(_inline_svg(text.getvalue(), name, *figure.get_size_inches()))
    return drawn


def write_figures(figures: Mapping[str, Figure], folder: Path) -> dict[str, Markup]:
    """Write figures as SVG and PNG, and return them as parts of a page, as `inlined` does.

    A drawing takes longer than anything else of a report: the SVG is drawn once for both.
    """
    drawn = {}
    for name, figure in figures.items():
        svg, _ = save_figure(figure, folder / name)
        text = svg.read_text(encoding="utf-8")
        drawn[name] = Markup(_inline_svg(text, name, *figure.get_size_inches()))
    return drawn


def written_figure(file: Path) -> Markup:
    """Return a figure that `write_figures` wrote, as that returned it.

    Parameters
    ----------
    file : Path
        The SVG file; its name without suffix is that of the figure.
    """
    text = file.read_text(encoding="utf-8")
    size = re.search(r'<svg [^>]*?width="([\d.]+)pt" height="([\d.]+)pt"', text)
    if size is None:
        raise ValueError(f"{file} is no SVG file of a figure")
    width, height = (float(points) / _POINTS_PER_INCH for points in size.groups())
    return Markup(_inline_svg(text, file.stem, width, height))


_POINTS_PER_INCH = 72.0

# Below the first, text cannot be read and a narrow screen scrolls instead; above the second,
# it is larger than the text around it.
_LEAST_SCALE = 0.74
_MOST_SCALE = 1.25
_PRINT_SCALE = 0.85

# A page on a dark screen draws these in other colours (page.css). Those of a colour map stay.
_COLOR_NAMES = {color.lower(): name for name, color in COLORS.items()} | {
    "#ffffff": "white",
    "#b0b0b0": "grid",
    "#cccccc": "frame",
}
_THEMED = re.compile(rf"(?<=[ :])(?:{'|'.join(_COLOR_NAMES)})(?=[;\"])", re.IGNORECASE)


def _inline_svg(svg: str, name: str, width_inches: float, height_inches: float) -> str:
    """Return the text of an SVG file as an ``<svg>`` element that can stand in a page with others.

    Names inside it begin with `name`, so that those of two figures do not clash. Namespaces,
    metadata and comments are left out: a page needs none, and it then names no address.

    Parameters
    ----------
    svg : str
    name : str
        Letters and hyphens, another for each figure of a page.
    width_inches, height_inches : float
    """
    svg = svg[svg.index("<svg") :].strip()
    pixels = 96 * width_inches
    size = (
        f"min-width: {_LEAST_SCALE * pixels:.0f}px; max-width: {_MOST_SCALE * pixels:.0f}px; "
        f"--print-height: {_PRINT_SCALE * height_inches:.2f}in"
    )
    svg = svg.replace("<svg", f'<svg style="{size}"', 1)
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\s+xmlns(:xlink)?="[^"]*"', "", svg)
    svg = _THEMED.sub(lambda color: f"var(--figure-{_COLOR_NAMES[color[0].lower()]})", svg)
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    return re.sub(r"\n\s*\n", "\n", svg)
