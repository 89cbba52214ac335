"""Finished studies read from their folders, and compared."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rramsim.decision.comparison import FinishedStudy, StudyComparison, compared
from rramsim.decision.recommend import recommend
from rramsim.decision.requirements import Requirements
from rramsim.errors import DamagedError, InputError, file_path
from rramsim.files import unsealed, write_text
from rramsim.schema import SchemaError, validate
from rramsim.study.settings import in_si
from rramsim.study.training_settings import TrainingSettings

if TYPE_CHECKING:
    import xarray as xr

_PRODUCTS = ("tradeoff", "accuracy", "conditions")
_OF_NETWORKS = (*TrainingSettings.model_fields, "training_bers", "trainings", "folds", "models")
_REQUIRED = tuple(Requirements.__dataclass_fields__)


class Comparison:
    """Finished studies side by side: what differs in their inputs, and what in their answers.

    Attributes
    ----------
    studies : tuple of FinishedStudy
        In the order given; the first is what the others are compared with.
    inputs : mapping of str to tuple
        What differs in the inputs: a value for each study.
    points : tuple of SharedPoint
        The points that all studies have, with the differences of their losses.
    has_same_networks : bool
    """

    def __init__(self, comparison: StudyComparison) -> None:
        self._comparison = comparison
        self.studies, self.inputs = comparison.studies, comparison.inputs
        self.points, self.has_same_networks = comparison.points, comparison.has_same_networks

    def text(
        self,
        *,
        width: int = 110,
        styled: bool = False,
        quiet: bool = False,
        verbose: bool = False,
    ) -> str:
        """Return tables and sentences as text.

        With `quiet` only what differs in the answers, with `verbose` also the points that do not
        differ.
        """
        from rramsim.report.tradeoff.comparison import text

        return text(self._comparison, width=width, styled=styled, quiet=quiet, verbose=verbose)

    def to_json(self) -> str:
        """Return all of it as JSON, as ``rramsim compare --json`` prints it."""
        from rramsim.report.tradeoff.comparison import comparison_json

        return json.dumps(comparison_json(self._comparison), indent=2, allow_nan=False)

    def report(self, file: str | Path) -> Path:
        """Write an HTML page with all of it, and return its path."""
        from rramsim.report.tradeoff.comparison import page

        path = file_path(file, "file")
        write_text(path, page(self._comparison))
        return path

    def __repr__(self) -> str:
        """Return what is compared, and how much differs, in a line."""
        differing = sum(point.differs for point in self.points)
        return (
            f"Comparison({len(self.studies)} studies; {len(self.inputs)} of the inputs differ; "
            f"{differing} of {len(self.points)} points in common differ)"
        )

    def _repr_html_(self) -> str:
        from rramsim.report.html import tables_html
        from rramsim.report.tradeoff.comparison import comparison_tables

        return tables_html(comparison_tables(self._comparison))


def compare(*studies: Any) -> Comparison:
    """Compare finished studies: what differs in their inputs, and what in their answers.

    Parameters
    ----------
    *studies : path or TradeoffResult
        Two folders of results or more, of `rramsim.tradeoff`, or what that returned. The others
        are compared with the first.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If there are fewer than two, or one is no finished study.

    Examples
    --------
    >>> import rramsim, tempfile
    >>> small = {"network": "64-16-10", "training_bers": [0.0], "curve_bers": [0.1], "chips": 2}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     studies = [
    ...         rramsim.tradeoff(
    ...             conditions="table1", out=f"{folder}/{seed}", epochs=1, seed=seed, **small
    ...         )
    ...         for seed in (1, 2)
    ...     ]
    ...     found = rramsim.compare(*studies)
    >>> found.inputs
    {'seed': (1, 2)}
    """
    folders = [file_path(getattr(one, "folder", one), "studies") for one in studies]
    if len(folders) < 2:
        given = "one study was" if folders else "no study was"
        raise InputError(f"{given} given; a comparison needs two or more.")
    resolved = [os.path.realpath(folder) for folder in folders]
    for place, folder in enumerate(folders):
        if resolved[place] in resolved[:place]:
            raise InputError(f"{folder}: was given twice; name two folders that differ.")
    return Comparison(compared([finished_study(folder) for folder in folders]))


def finished_study(folder: Path) -> FinishedStudy:
    """Return what a folder of results holds.

    Raises
    ------
    InputError
        If it is not the folder of a study that came to its end, or was made by a version of other
        products.
    """
    if not folder.is_dir():
        raise InputError(
            f"{folder}: there is no such folder; accepted is one that rramsim tradeoff wrote."
        )
    missing = [name for name in ("study.json", *_files()) if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"{folder}: is no finished study, since it has no {' and no '.join(missing)}. Run "
            "rramsim tradeoff with this --out to its end."
        )
    tradeoff, _, _ = (_product(folder, product) for product in _PRODUCTS)
    try:
        identity = json.loads((folder / "study.json").read_text(encoding="utf-8"))
        hashes = {f"content of {name}": digest for name, digest in identity["inputs"].items()}
        options = json.loads(tradeoff.attrs["options"])
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise InputError(f"{folder / 'study.json'}: does not say what was studied.") from error
    settings = in_si({name: value for name, value in options.items() if name not in _REQUIRED})
    images = hashes.get(f"content of {options.get('images')}")
    models = {name: value for name, value in hashes.items() if name.startswith("content of model")}
    return FinishedStudy(
        name=str(folder),
        inputs={
            "version": identity.get("rramsim"),
            **{name: str(digest)[:12] for name, digest in hashes.items()},
            **_flat(settings),
            **Requirements.of(tradeoff.attrs).attributes(),
        },
        networks={name: options.get(name) for name in _OF_NETWORKS} | models | {"images": images},
        tradeoff=tradeoff,
        recommendation=recommend(tradeoff),
    )


def _files() -> list[str]:
    return [f"{product}.nc" for product in _PRODUCTS]


def _product(folder: Path, product: str) -> xr.Dataset:
    import xarray as xr

    file = folder / f"{product}.nc"
    try:
        with xr.open_dataset(file, engine="netcdf4") as opened:
            dataset = unsealed(opened.load(), str(file))
    except DamagedError as error:
        raise InputError(f"{error} Run rramsim tradeoff with this --out again.") from error
    except (OSError, ValueError) as error:
        raise InputError(
            f"{file}: cannot be read; run rramsim tradeoff with this --out again."
        ) from error
    try:
        validate(dataset, product)
        if product == "tradeoff" and "verdict" not in dataset:
            raise SchemaError("tradeoff: holds no verdicts.")
    except SchemaError as error:
        raise InputError(
            f"{file}: was made by another version of rramsim ({error}) Run rramsim tradeoff into a "
            "new folder."
        ) from error
    return dataset


def _flat(settings: Mapping[str, Any], before: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in settings.items():
        place = f"{before}{name}"
        flat |= _flat(value, f"{place}.") if isinstance(value, Mapping) else {place: value}
    return flat
