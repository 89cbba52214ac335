"""Sphinx configuration of rramsim's documentation."""

from rramsim import __version__

project = "rramsim"
author = "The rramsim developers"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "rramsim"
exclude_patterns = ["figures"]
autodoc_typehints = "none"
