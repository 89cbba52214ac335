"""Formulas as MathML, which browsers show by themselves: no page loads a script from elsewhere."""

from xml.etree import ElementTree

from docutils.nodes import Element, SkipNode
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxTranslator

_ACCENTS = ("ˆ", "ˉ", "˜", "^", "¯", "~")


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx write formulas by docutils' translation of LaTeX."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def mathml(formula: str, *, as_block: bool = False) -> str:
    """Return a formula of LaTeX as MathML; an index stands beside an accent, not below it."""
    text = tex2mathml(formula, as_block=as_block).replace("&ApplyFunction;", "\u2061")
    root = ElementTree.fromstring(text)
    for element in root.iter():
        if element.tag.endswith("}munderover") and (element[2].text or "") in _ACCENTS:
            base, index, accent = element
            name = element.tag.removesuffix("munderover")
            accented = ElementTree.Element(f"{name}mover", accent="true")
            accented.extend([base, accent])
            element.tag, element[:] = f"{name}msub", [accented, index]
    ElementTree.register_namespace("", "http://www.w3.org/1998/Math/MathML")
    return ElementTree.tostring(root, encoding="unicode")


def _inline(translator: SphinxTranslator, node: Element) -> None:
    _write(translator, mathml(node.astext()))


def _display(translator: SphinxTranslator, node: Element) -> None:
    # Wide formulas scroll on a phone, and the page does not.
    _write(translator, f'<div class="math">{mathml(node.astext(), as_block=True)}</div>\n')


def _write(translator: SphinxTranslator, html: str) -> None:
    translator.body.append(html)
    raise SkipNode
