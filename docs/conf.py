"""Sphinx configuration of rramsim's documentation."""

import logging
import re
import sys
import tomllib
from pathlib import Path

from jupyter_client.manager import KernelManager

import rramsim.cli  # noqa: F401  (registers the commands)
from rramsim.version import __version__

HERE = Path(__file__).parent
# For the programs that draw and write pages, which lie here.
sys.path.insert(0, str(HERE))
# The colours of the theme set up logging at level INFO when they are loaded, unless it is set up.
logging.basicConfig(level=logging.WARNING)
# The kernel of the tutorial warns if its connection to the build is not encrypted.
KernelManager.transport_encryption.default_value = "auto"

project = "rramsim"
author = "The rramsim developers"
copyright = "2026, The rramsim developers"
release = __version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "mathml"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
# The tutorial is run at each build, in a folder of its own, and an error in it ends the build.
nb_execution_mode = "force"
nb_execution_in_temp = True
# Seconds for one cell: some on an idle machine, but the kernels may be compiled on a busy one.
nb_execution_timeout = 600
nb_execution_raise_on_error = True
# Warnings in it are warnings of the build.
nb_output_stderr = "remove-warn"
# No page loads a script from elsewhere, and there are no widgets.
nb_ipywidgets_js = {}
html_theme = "furo"
html_title = "rramsim"
html_static_path = ["static"]
html_css_files = ["formulas.css", "notebook.css", "pages.css"]
exclude_patterns = ["figures", "study-settings.md", "training-settings.md"]
autodoc_typehints = "none"
# Attributes of one name in several classes are no mistake, and Sphinx cannot tell which is meant.
suppress_warnings = ["ref.python"]
# For `sphinx-build -b linkcheck`. Addresses of this repository exist once it is public.
_project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]
linkcheck_ignore = [re.escape(_project["urls"]["Source"])]
linkcheck_timeout = 20
linkcheck_retries = 2


def _write_settings_table() -> None:
    """Write the table of study settings from the code, so that the two cannot part."""
    from rramsim.study.reading import CorrelatedTable, ReadingTable, UseTable
    from rramsim.study.settings import Study
    from rramsim.study.training_settings import (
        ErrorsTable,
        MethodTable,
        NetworkTable,
        TrainingFile,
        TrainingSettings,
    )

    parts = [
        _settings(Study, Study),
        "## `[reading]`",
        _settings(ReadingTable, ReadingTable),
        "## `[use]`",
        _settings(UseTable, UseTable),
        "## `[correlated]`",
        _settings(CorrelatedTable, CorrelatedTable),
    ]
    (HERE / "study-settings.md").write_text("\n".join(parts))
    parts = [
        _settings(TrainingFile, TrainingSettings, TrainingFile),
        "### `[network]`",
        _settings(NetworkTable, NetworkTable),
        "### `[training]`",
        _settings(MethodTable, MethodTable),
        "### `[[errors]]`",
        _settings(ErrorsTable, ErrorsTable),
    ]
    (HERE / "training-settings.md").write_text("\n".join(parts))


def _settings(model, *described_by) -> str:
    """Return a table of the settings that the docstrings of some classes describe."""
    rows = ["| setting and default | meaning |", "|---|---|"]
    for each in described_by:
        described = re.findall(r"^    (\w[\w, ]*) : .*\n((?:        .*\n)+)", each.__doc__, re.M)
        rows += [
            f"| `{name}` <br> {_default(model, name)} | {' '.join(text.split())} |"
            for names, text in described
            for name in names.split(", ")
        ]
    return "\n".join(rows) + "\n"


def _default(model, name: str) -> str:
    field = model.model_fields[name]
    if field.is_required():
        return "needed"
    default = field.get_default()
    if hasattr(default, "model_fields"):
        is_of_training = name in ("training", "network") and model.__name__ == "Study"
        return "see [there](training.md)" if is_of_training else "see below"
    return "none" if default in (None, ()) else f"`{_toml(default)}`"


def _write_commands() -> None:
    """Write the help of every command as it is, so that the page is never behind the code."""
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
    (HERE / "commands.md").write_text("\n".join(parts))


def _write_datasets() -> None:
    """Write the register of variables, which is what every netCDF file of rramsim holds."""
    from rramsim.schema import DATASETS

    parts = [
        "# Datasets",
        "",
        "What the netCDF files hold, and what passes between the packages of rramsim.",
        "",
    ]
    for product, variables in DATASETS.items():
        parts += [f"## {product}", "", "| variable | dims | unit | meaning |", "|---|---|---|---|"]
        for variable in variables:
            remark = " (optional)" if variable.optional else ""
            parts.append(
                f"| `{variable.name}` | {', '.join(variable.dims)} | {variable.unit} "
                f"| {variable.meaning}{remark} |"
            )
        parts.append("")
    (HERE / "datasets.md").write_text("\n".join(parts))


def _draw_architecture() -> None:
    """Draw the packages from the imports, so that the picture shows what is there."""
    from architecture import PACKAGE, draw

    (HERE / "architecture.svg").write_text(draw(PACKAGE))


def _draw_gallery() -> None:
    """Draw the figures of the gallery where none are; remove the folder to draw them again."""
    import os
    import tempfile

    import gallery

    if (HERE / "gallery").exists():
        return
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            gallery.draw(HERE)
        finally:
            os.chdir(here)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = str(list(value)) if isinstance(value, tuple) else repr(value)
    return text.replace("'", '"')


_write_settings_table()
_write_commands()
_write_datasets()
_draw_architecture()
_draw_gallery()
