"""Sphinx configuration of rramsim's documentation."""

import re

from rramsim import __version__

project = "rramsim"
author = "The rramsim developers"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "rramsim"
exclude_patterns = ["figures", "study-settings.md"]
autodoc_typehints = "none"


def _write_settings_table() -> None:
    """Write the table of study settings from the code, so that the two cannot part."""
    from pathlib import Path

    from rramsim.study.settings import Study

    described = dict(re.findall(r"^    (\w[\w, ]*) : .*\n((?:        .*\n)+)", Study.__doc__, re.M))
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for names, text in described.items():
        for name in names.split(", "):
            default = Study.model_fields[name].get_default()
            shown = "none" if default in (None, ()) else f"`{_toml(default)}`"
            rows.append(f"| `{name}` | {shown} | {' '.join(text.split())} |")
    Path(__file__).with_name("study-settings.md").write_text("\n".join(rows) + "\n")


def _toml(value: object) -> str:
    text = str(list(value)) if isinstance(value, tuple) else repr(value)
    return text.replace("'", '"')


_write_settings_table()
