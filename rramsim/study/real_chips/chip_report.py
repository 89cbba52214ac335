"""The report of a chip that was read back, written to a folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rramsim.errors import InputError, file_path, refused
from rramsim.files import write_text
from rramsim.report.provenance import Provenance
from rramsim.study.result_folder import in_use, write_dataset, write_provenance

if TYPE_CHECKING:
    import xarray as xr

_SETTINGS = ("read_against", "missing", "protection", "seed")


def report_chip(
    chip: xr.Dataset,
    folder: str | Path,
    *,
    command: str = "",
    sources: Sequence[tuple[str, str]] = (),
) -> Path:
    """Write the report of a chip that was read back: a page, its figures and its tables.

    Parameters
    ----------
    chip : xarray.Dataset
        What `read_back` gives.
    folder : str or Path
        Gets ``report.html``, ``figures``, ``chip.nc``, ``wrong-weights.csv``, ``lines.csv`` and
        ``provenance.json``.
    command : str
        What makes it again, as the page shows it; by default a call of `read_back`.
    sources : sequence of (str, str)
        Name and SHA-256 of what was read beside the chip and its tiles, such as the measurements
        behind what was expected.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    InputError
        If the dataset is not of `read_back`, or the folder cannot be written.

    Examples
    --------
    >>> import rramsim
    >>> network = rramsim.train("digits", network="64-16-10", epochs=1)
    >>> _ = rramsim.export_tiles(network, "tiles")
    >>> from shutil import copytree, ignore_patterns
    >>> _ = copytree("tiles", "reads", ignore=ignore_patterns("*.json", "*.csv"))
    >>> chip = rramsim.read_back(network, "reads", tiles="tiles")
    >>> rramsim.report_chip(chip, "report").name
    'report.html'
    """
    from rramsim.plotting.style import figure_of
    from rramsim.report.chip_page import FILES, chip_plots, render_chip
    from rramsim.report.html import files_beside, write_figures
    from rramsim.report.real_chips import error_map_csv, lines_csv

    folder = file_path(folder, "folder")
    if getattr(chip, "attrs", {}).get("product") != "read_back":
        raise refused("chip", chip, "what read_back gives")
    made_from = _provenance(chip, command, sources)
    page = folder / "report.html"
    read = [digest for _, digest in made_from.sources]
    with in_use(folder, {page.name, *FILES}, read):
        provenance = write_provenance(folder, made_from)
        write_dataset(folder / "chip.nc", chip, provenance)
        write_text(folder / "wrong-weights.csv", error_map_csv(chip))
        write_text(folder / "lines.csv", lines_csv(chip))
        figures = {name: figure_of(plot) for name, plot in chip_plots(chip).items()}
        drawn = write_figures(figures, folder / "figures")
        write_text(page, render_chip(chip, drawn, provenance, files_beside(folder, FILES)))
    return page


def _provenance(chip: xr.Dataset, command: str, sources: Sequence[tuple[str, str]]) -> Provenance:
    try:
        known = [(str(name), str(digest)) for name, digest in json.loads(chip.attrs["sources"])]
    except (KeyError, ValueError) as error:
        raise InputError(
            "chip: does not say what it was read from; accepted is what read_back gives."
        ) from error
    options: dict[str, Any] = {
        name: value.item() if hasattr(value, "item") else value
        for name in _SETTINGS
        for value in [chip.attrs[name]]
    }
    call = command or "rramsim.read_back(...), then rramsim.report_chip(chip, DIR)"
    return Provenance(
        recipe=call,
        options=options,
        sources=(*known, *sources),
        origin="measured",
        seed=int(chip.attrs["seed"]),
        command=call,
    )
