"""A folder of results: which study it belongs to, where each result lies, how it is written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rramsim.errors import InputError
from rramsim.files import make_folder, sha256_of_file, write_atomically, write_text
from rramsim.version import __version__

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.report.provenance import Provenance

_IDENTITY = "study.json"
_PROVENANCE = "provenance.json"
_CHECKSUMS = "checksums.json"
_FIGURES = (".svg", ".png")


@dataclass(frozen=True)
class ResultFolder:
    """The output folder; every file in it can be opened, shared, deleted and made again.

    `study` is the checksum of what the study is of: settings, inputs and version.
    """

    path: Path
    study: str = ""

    @property
    def tallies(self) -> Path:
        """The file of answers counted so far, one row a chip."""
        return self.path / "tallies.csv"

    @property
    def thresholds(self) -> Path:
        """The file of means and variances estimated anew, which move thresholds."""
        return self.path / "thresholds.safetensors"

    def model(self, training_ber: float, suffix: str = "") -> Path:
        """Return the file of the network trained with `training_ber`; `suffix` tells replicates."""
        return self.path / "networks" / f"training-ber-{training_ber!r}{suffix}.safetensors"

    def finished(self, *products: str) -> list[xr.Dataset] | None:
        """Return datasets as `finish` wrote them, None where one is not there or not as it was.

        What is damaged is made again from the answers that are kept chip by chip.
        """
        import xarray as xr

        known = self._checksums()
        if known.get("study") != self.study:
            return None
        try:
            files = [self.path / f"{product}.nc" for product in products]
            if any(known.get(file.name) != sha256_of_file(file) for file in files):
                return None
            datasets = []
            for file in files:
                with xr.open_dataset(file, engine="netcdf4") as dataset:
                    datasets.append(_without_provenance(dataset.load()))
        except (OSError, ValueError):
            return None
        return datasets

    def finish(self, products: Mapping[str, xr.Dataset], provenance: Provenance) -> None:
        """Write datasets that a later run reads back, with a checksum of each."""
        for product, dataset in products.items():
            write_dataset(self.path / f"{product}.nc", dataset, provenance)
        self._record(
            {"study": self.study}
            | {f"{product}.nc": sha256_of_file(self.path / f"{product}.nc") for product in products}
        )

    def has_drawn(self, figure: str, *, of: str) -> bool:
        """Return whether a figure is there as it was drawn of what has this checksum."""
        known = self._checksums()
        files = [self.path / "figures" / f"{figure}{suffix}" for suffix in _FIGURES]
        return known.get(f"{figure} of") == of and all(
            file.is_file() and known.get(file.name) == sha256_of_file(file) for file in files
        )

    def record_drawn(self, figure: str, *, of: str) -> None:
        """Keep what a figure that was written is of."""
        files = [self.path / "figures" / f"{figure}{suffix}" for suffix in _FIGURES]
        self._record({f"{figure} of": of} | {file.name: sha256_of_file(file) for file in files})

    def _checksums(self) -> dict[str, Any]:
        try:
            known = json.loads((self.path / _CHECKSUMS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _record(self, checksums: Mapping[str, str]) -> None:
        known = self._checksums() | dict(checksums)
        write_text(self.path / _CHECKSUMS, json.dumps(known, indent=2, sort_keys=True) + "\n")


def claim(path: Path, *, settings: str, inputs: dict[str, str]) -> ResultFolder:
    """Make `path` the folder of one study, or find that it already is.

    Parameters
    ----------
    path : Path
        The output folder.
    settings : str
        The canonical text of the study (`Study.text`).
    inputs : dict of str to str
        Content hashes of what the study reads, by name.

    Returns
    -------
    ResultFolder

    Raises
    ------
    InputError
        If the folder holds the results of another study, or cannot be written. Results of two
        studies in one folder could be taken for one.
    """
    identity = {"rramsim": __version__, "inputs": inputs, "settings": json.loads(settings)}
    make_folder(path)
    file = path / _IDENTITY
    if file.exists():
        _refuse_another(file, identity)
    else:
        write_text(file, json.dumps(identity, indent=2, sort_keys=True) + "\n")
    content = json.dumps(identity, sort_keys=True)
    return ResultFolder(path, hashlib.sha256(content.encode()).hexdigest())


def _refuse_another(file: Path, identity: dict[str, object]) -> None:
    try:
        there = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read; name another --out or delete it.") from error
    if isinstance(there, dict) and _names(there) != _names(identity):
        raise InputError(
            f"{file.parent}: was made by another version of rramsim "
            f"({there.get('rramsim', 'unknown')}), whose settings had other names. Name another "
            "--out, or delete the folder."
        )
    here, there = _flat(identity), _flat(there)
    differing = [key for key in sorted(here | there) if here.get(key) != there.get(key)]
    if differing:
        differences = "; ".join(
            _difference(key, there.get(key), here.get(key)) for key in differing
        )
        raise InputError(
            f"{file.parent}: holds the results of another study ({differences}). "
            "Name another --out, or delete the folder."
        )


def _names(identity: Mapping[str, object]) -> set[str]:
    """Return the names of the settings; each version writes all of its own."""
    settings = identity.get("settings")
    return set(settings) if isinstance(settings, Mapping) else set()


def _difference(key: str, there: object, here: object) -> str:
    if not key.startswith("inputs "):
        return f"{key} is {there!r} there and {here!r} here"
    name = key.removeprefix("inputs ")
    if there is None:
        return f"{name} was not read there"
    return f"{name} was read there" if here is None else f"{name} has another content"


def _flat(identity: object) -> dict[str, object]:
    if not isinstance(identity, dict):
        return {"content": identity}
    flat: dict[str, object] = {}
    for key, value in identity.items():
        inner = _flat(value) if isinstance(value, dict) else {"": value}
        flat |= {f"{key} {name}".strip(): one for name, one in inner.items()}
    return flat


def write_provenance(folder: Path, provenance: Provenance) -> Provenance:
    """Write what the results of a folder are made from, and return it with the time of making.

    The time is that of the first run: where the folder was made from the same already, it stays,
    so that the same command leaves every file as it is.
    """
    file = folder / _PROVENANCE
    made = _made(file, provenance) or datetime.now(UTC).isoformat(timespec="seconds")
    dated = replace(provenance, made=made)
    write_text(file, dated.json())
    return dated


def _made(file: Path, provenance: Provenance) -> str:
    """Return when a folder was made from the same; empty where it was not, or does not tell."""
    try:
        there = json.loads(file.read_text(encoding="utf-8"))
        made = str(there["made"])
        is_same = there == json.loads(replace(provenance, made=made).json())
        datetime.fromisoformat(made)
    except (OSError, ValueError, TypeError, KeyError):
        return ""
    return made if is_same else ""


def write_dataset(path: Path, dataset: xr.Dataset, provenance: Provenance) -> None:
    """Write a dataset as netCDF, whole or not at all, with what it was made from."""
    described = dataset.assign_attrs(provenance.attributes())
    write_atomically(path, lambda file: described.to_netcdf(file, engine="netcdf4"))


def _without_provenance(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset as it was before `write_dataset` said what it was made from."""
    from rramsim.report.provenance import Provenance

    added = Provenance("", seed=0).attributes()
    dataset.attrs = {name: value for name, value in dataset.attrs.items() if name not in added}
    return dataset
