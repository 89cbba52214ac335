"""Formulas as MathML, which browsers show by themselves: no page loads a script from elsewhere."""

from docutils.nodes import Element, SkipNode
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxTranslator


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx write formulas by docutils' translation of LaTeX."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline(translator: SphinxTranslator, node: Element) -> None:
    _write(translator, tex2mathml(node.astext()))


def _display(translator: SphinxTranslator, node: Element) -> None:
    # Wide formulas scroll on a phone, and the page does not.
    _write(translator, f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>\n')


def _write(translator: SphinxTranslator, html: str) -> None:
    translator.body.append(html)
    raise SkipNode
