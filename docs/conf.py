"""Sphinx configuration of rramsim's documentation."""

import re

import rramsim.cli  # noqa: F401  (registers the commands)
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
# Attributes of one name in several classes are no mistake, and Sphinx cannot tell which is meant.
suppress_warnings = ["ref.python"]


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


def _write_commands() -> None:
    """Write the help of every command as it is, so that the page is never behind the code."""
    from pathlib import Path

    from typer.main import get_command
    from typer.testing import CliRunner

    from rramsim.cli.app import app

    parts = ["# Commands", ""]
    for name in ("", *get_command(app).commands):
        title = f"rramsim {name}".strip()
        arguments = [*name.split(), "--help"]
        shown = CliRunner(env={"COLUMNS": "96", "TERM": "dumb"}).invoke(
            app, arguments, prog_name="rramsim"
        )
        parts += [f"## {title}", "", "```text", shown.stdout.strip(), "```", ""]
    Path(__file__).with_name("commands.md").write_text("\n".join(parts))


def _write_datasets() -> None:
    """Write the register of variables, which is what every netCDF file of rramsim holds."""
    from pathlib import Path

    from rramsim.schema import DATASETS

    parts = ["# Datasets", "", "What the netCDF files hold, and what passes between rooms.", ""]
    for product, variables in DATASETS.items():
        parts += [f"## {product}", "", "| variable | dims | unit | meaning |", "|---|---|---|---|"]
        for variable in variables:
            remark = " (optional)" if variable.optional else ""
            parts.append(
                f"| `{variable.name}` | {', '.join(variable.dims)} | {variable.unit} "
                f"| {variable.meaning}{remark} |"
            )
        parts.append("")
    Path(__file__).with_name("datasets.md").write_text("\n".join(parts))


def _toml(value: object) -> str:
    text = str(list(value)) if isinstance(value, tuple) else repr(value)
    return text.replace("'", '"')


_write_settings_table()
_write_commands()
_write_datasets()
