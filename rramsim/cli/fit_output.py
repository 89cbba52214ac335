"""The files `rramsim fit` writes: a figure, the conditions, a report with all its parts."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rramsim.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.device.examine import Examination
    from rramsim.measurements import Measured

FIGURE_SUFFIXES = (".svg", ".png", ".pdf")


def check_suffix(path: Path | None, accepted: tuple[str, ...], *, option: str) -> None:
    """Refuse a file whose suffix names a format that is not written."""
    if path is not None and path.suffix.lower() not in accepted:
        raise InputError(
            f"{option} {path}: the suffix {path.suffix!r} was found; accepted are "
            f"{', '.join(accepted)}."
        )


def draw_populations(path: Path, examination: Examination, measured: Measured) -> None:
    """Draw the populations as the format of the suffix."""
    from rramsim.plotting.populations import populations_figure
    from rramsim.plotting.style import write_figure

    found = examination.found
    write_figure(populations_figure(measured.readings, found.populations, found.conditions), path)


def write_conditions(
    path: Path, examination: Examination, measured: Measured, *, options: Mapping[str, Any]
) -> None:
    """Write the conditions as netCDF with their provenance."""
    _write(path, examination.found.conditions, examination, measured, options=options)


def write_report(
    folder: Path,
    examination: Examination,
    measured: Measured,
    *,
    files: list[str],
    options: Mapping[str, Any],
    sources: tuple[tuple[str, str], ...],
) -> None:
    """Write the report, its figures as SVG and PNG, and its tables as CSV and netCDF."""
    from rramsim.files import write_text
    from rramsim.plotting.style import save_figure
    from rramsim.report.fit.answer import fit_answer
    from rramsim.report.fit.exports import conditions_csv, outliers_csv, populations_csv
    from rramsim.report.fit.figures import draw_fit_figures
    from rramsim.report.fit.page import render_fit

    found = examination.found
    write_text(folder / "conditions.csv", conditions_csv(fit_answer(examination, measured)))
    write_text(folder / "populations.csv", populations_csv(examination))
    write_text(folder / "outliers.csv", outliers_csv(found.outliers))
    for name in ("conditions", "populations"):
        dataset = getattr(found, name)
        _write(folder / f"{name}.nc", dataset, examination, measured, options=options)
    figures = draw_fit_figures(examination, measured)
    for name, figure in figures.items():
        save_figure(figure, folder / "figures" / name)
    page = render_fit(
        examination, measured, figures, command=_command(files, options), sources=sources
    )
    write_text(folder / "report.html", page)


def _write(
    path: Path,
    dataset: xr.Dataset,
    examination: Examination,
    measured: Measured,
    *,
    options: Mapping[str, Any],
) -> None:
    from rramsim.files import write_atomically
    from rramsim.version import __version__

    # netCDF attributes take texts and numbers; lists and None travel as JSON.
    described = dataset.assign_attrs(
        rramsim_version=__version__,
        origin=measured.origin,
        sources=json.dumps([list(source) for source in measured.sources]),
        options=json.dumps(options),
        notes=json.dumps([*measured.notes, *examination.notes]),
    )
    write_atomically(path, lambda file: described.to_netcdf(file))


def _command(files: list[str], options: Mapping[str, Any]) -> str:
    """Return the command line that makes the report again."""
    words = ["rramsim", "fit", *files]
    for name, value in options.items():
        if value is None:
            continue
        for each in value if isinstance(value, list) else [value]:
            words += [f"--{name.replace('_', '-')}", str(each)]
    return f"{shlex.join(words)} --report DIR"
