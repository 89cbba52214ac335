"""A folder of results: which study it belongs to, where each result lies, how it is written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rramsim import files
from rramsim.errors import InputError
from rramsim.files import (
    check_regular,
    held,
    make_folder,
    set_aside,
    sha256_of_file,
    sweep,
    write_text,
)
from rramsim.version import __version__

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.report.provenance import Provenance

_IDENTITY = "study.json"
_PROVENANCE = "provenance.json"
_CHECKSUMS = "checksums.json"
_RECORDS = (_IDENTITY, _CHECKSUMS, _PROVENANCE)
"""Files of which each folder of results has one, written before any other."""
_OF_CHECKSUMS = "checksums"
_CHECKSUM = "checksum"
_LOCK = ".lock"
_DAMAGED = "it is damaged (another SHA-256)"
_FIGURES = (".svg", ".png")
_OF, _MADE_OF = " of", "made from"


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

        Nor are they returned where the answers that they were made from, chip by chip, are not
        there as they were. What is damaged is made again from what is whole.
        """
        import xarray as xr

        known = self._checksums()
        if known.get("study") != self.study or any(f"{name}.nc" not in known for name in products):
            return None
        whole = [self._is_whole(f"{product}.nc", known) for product in products]
        whole += [sha256_of(file) == known.get(file.name) for file in self._counted()]
        if not all(whole):
            return None
        datasets = []
        for product in products:
            with xr.open_dataset(self.path / f"{product}.nc", engine="netcdf4") as dataset:
                datasets.append(_without_provenance(files.unsealed(dataset.load(), product)))
        return datasets

    def _counted(self) -> tuple[Path, ...]:
        """Return the files that products are made from; who reads them sees what is whole."""
        return self.tallies, self.thresholds

    def _is_whole(self, name: str, known: Mapping[str, Any]) -> bool:
        """Whether a file is as it was; one that is not is set aside."""
        digest = sha256_of(self.path / name)
        if digest and digest != known.get(name):
            set_aside(self.path / name, _DAMAGED)
        return digest == known.get(name)

    def finish(self, products: Mapping[str, xr.Dataset], provenance: Provenance) -> None:
        """Write datasets that a later run reads back, with a checksum of each."""
        for product, dataset in products.items():
            write_dataset(self.path / f"{product}.nc", dataset, provenance)
        written = [*(self.path / f"{product}.nc" for product in products), *self._counted()]
        self._record({"study": self.study} | {file.name: sha256_of(file) for file in written})

    def has_drawn(self, figure: str, *, of: str) -> bool:
        """Return whether a figure is there as it was drawn of what has this checksum."""
        known = self._checksums()
        names = [f"{figure}{suffix}" for suffix in _FIGURES]
        return known.get(f"{figure}{_OF}") == of and all(
            known.get(name) == sha256_of(self.path / "figures" / name) for name in names
        )

    def keep_drawn(self, figures: Collection[str]) -> None:
        """Delete what was drawn before of figures other than these: it is of other requirements."""
        names = [key.removesuffix(_OF) for key in self._checksums() if key.endswith(_OF)]
        for name in set(names) - set(figures):
            for suffix in _FIGURES:
                (self.path / "figures" / f"{name}{suffix}").unlink(missing_ok=True)

    def record_drawn(self, figures: Mapping[str, str]) -> None:
        """Keep what figures that were written are of, a checksum by the name of each."""
        files_of = [f"{figure}{suffix}" for figure in figures for suffix in _FIGURES]
        drawn = {name: sha256_of(self.path / "figures" / name) for name in files_of}
        self._record({f"{figure}{_OF}": of for figure, of in figures.items()} | drawn)

    def record_provenance(self, provenance: Provenance) -> Provenance:
        """Write what the results are made from (`write_provenance`), and keep when that was.

        When it was is known from two files, so that it is not lost with one of them.
        """
        of = hashlib.sha256(provenance.json().encode()).hexdigest()
        known, file = self._checksums(), self.path / _PROVENANCE
        made = str(known["made"]) if known.get(_MADE_OF) == of else ""
        is_damaged = sha256_of(file) != known.get(_PROVENANCE) if made else not _is_sealed(file)
        if file.exists() and is_damaged:
            set_aside(file, _DAMAGED)
        dated = write_provenance(self.path, provenance, made=made)
        self._record({"made": dated.made, _MADE_OF: of, _PROVENANCE: sha256_of(file)})
        return dated

    def _checksums(self) -> dict[str, Any]:
        """Return what is known of files; of a damaged record nothing is, and it is set aside."""
        known = read_checksums(self.path)
        if known is None:
            set_aside(self.path / _CHECKSUMS, _DAMAGED)
        return known or {}

    def _record(self, checksums: Mapping[str, str], *, anew: bool = False) -> None:
        known = ({} if anew else self._checksums()) | dict(checksums)
        files.write_atomically(
            self.path / _CHECKSUMS, lambda file: file.write_bytes(_checksums_text(known))
        )


def read_checksums(folder: Path) -> dict[str, Any] | None:
    """Return what a folder of results says of its files, None where that is damaged."""
    file = folder / _CHECKSUMS
    check_regular(file)
    try:
        content = file.read_bytes()
        known = dict(json.loads(content))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}).") from error
    except (ValueError, TypeError, RecursionError):
        return None
    known.pop(_OF_CHECKSUMS, None)
    return known if content == _checksums_text(known) else None


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file, "" where there is none."""
    return sha256_of_file(file) if file.is_file() else ""


def _checksums_text(known: Mapping[str, Any]) -> bytes:
    text = json.dumps({**known, _OF_CHECKSUMS: _digest(known)}, indent=2, sort_keys=True)
    return f"{text}\n".encode()


def _digest(known: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


@contextmanager
def in_use(
    path: Path, writes: Collection[str] = (), sources: Collection[str] = ()
) -> Iterator[None]:
    """Hold a folder of results (`rramsim.files.held`), made where it is not there.

    What killed runs left in it is deleted.

    Parameters
    ----------
    path : Path
        The folder.
    writes : collection of str
        Names of the files that will be written to it.
    sources : collection of str
        SHA-256 of the files that were read.

    Raises
    ------
    InputError
        If another process holds the folder, or a file of the user would be replaced: one that was
        read, or any in a folder without a record of rramsim.
    """
    make_folder(path)
    with held(path / _LOCK, str(path)):
        refuse_replacing(path, writes, sources)
        for folder in (path, path / "networks", path / "figures"):
            sweep(folder)
        yield


def refuse_replacing(
    path: Path,
    writes: Collection[str],
    sources: Collection[str] = (),
    records: Sequence[str] = _RECORDS,
) -> None:
    """Refuse to replace files of the user in a folder.

    Parameters
    ----------
    path : Path
        The folder; it may be missing.
    writes : collection of str
        Names of the files that will be written to it.
    sources : collection of str
        SHA-256 of the files that were read.
    records : sequence of str
        Names of files of which a folder of rramsim has one.

    Raises
    ------
    InputError
        For a file that was read, and for any in a folder without a record.
    """
    there = [name for name in sorted(writes) if (path / name).exists()]
    is_own = any((path / record).exists() for record in records)
    for name in there:
        if sha256_of(path / name) in sources:
            raise InputError(
                f"{path}: holds {name}, which this run reads and would replace; accepted is a "
                "folder without it, so name another."
            )
    if there and not is_own:
        raise InputError(
            f"{path}: holds {', '.join(there)} and no record of rramsim ({', '.join(records)}), "
            "so files of yours would be replaced; accepted is a new folder, or one of earlier "
            "results."
        )


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
    content = json.dumps(identity, sort_keys=True)
    folder = ResultFolder(path, hashlib.sha256(content.encode()).hexdigest())
    # A folder that is refused stays as it is, even where it is damaged.
    read = read_checksums(path)
    known = read or {}
    is_known = known.get("study") == folder.study
    if file.exists():
        if is_known and sha256_of(file) != known.get(_IDENTITY):
            # What it said is known all the same.
            set_aside(file, _DAMAGED)
        else:
            _refuse_another(file, identity)
    if read is None:
        set_aside(path / _CHECKSUMS, _DAMAGED)
    write_text(file, json.dumps(identity, indent=2, sort_keys=True) + "\n")
    # What is known of the files of another study says nothing of those of this one.
    folder._record({"study": folder.study, _IDENTITY: sha256_of(file)}, anew=not is_known)
    return folder


def keep_former(page: Path, text: str) -> Path | None:
    """Rename a page that `text` would replace by other content: somebody may have signed it.

    Returns
    -------
    Path or None
        ``report-YYYYMMDD-HHMMSS.html`` beside it, by the time (UTC) it was written at; None where
        nothing would be lost.
    """
    if not page.exists() or page.read_bytes() == text.encode():
        return None
    written = datetime.fromtimestamp(page.stat().st_mtime, UTC)
    former = page.with_stem(f"{page.stem}-{written:%Y%m%d-%H%M%S}")
    number = 2
    while former.exists():
        former = page.with_stem(f"{page.stem}-{written:%Y%m%d-%H%M%S}-{number}")
        number += 1
    return page.rename(former)


def _refuse_another(file: Path, identity: dict[str, object]) -> None:
    check_regular(file)
    try:
        there = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
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
        return f"{key.removeprefix('settings ')} is {there!r} there and {here!r} here"
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


def write_provenance(folder: Path, provenance: Provenance, *, made: str = "") -> Provenance:
    """Write what the results of a folder are made from, and return it with the time of making.

    The time is that of the first run, `made` where that is known: where the folder was made from
    the same already, it stays, so that the same command leaves every file as it is. The file has a
    checksum of itself: of a damaged one no time is taken.
    """
    file = folder / _PROVENANCE
    made = made or _made(file, provenance) or datetime.now(UTC).isoformat(timespec="seconds")
    dated = replace(provenance, made=made)
    write_text(file, sealed_record(json.loads(dated.json())))
    return dated


def sealed_record(record: Mapping[str, Any]) -> str:
    """Return the text of a record with a checksum of all the rest as its last entry."""
    content = {key: value for key, value in record.items() if key != _CHECKSUM}
    return json.dumps({**content, _CHECKSUM: _digest(content)}, indent=2, ensure_ascii=False) + "\n"


def _is_sealed(file: Path) -> bool:
    """Whether a record is as `sealed_record` made it; also where there is none."""
    check_regular(file)
    try:
        text = file.read_text(encoding="utf-8")
        return text == sealed_record(dict(json.loads(text)))
    except FileNotFoundError:
        return True
    except (OSError, ValueError, TypeError, RecursionError):
        return False


def _made(file: Path, provenance: Provenance) -> str:
    """Return when a folder was made from the same; empty where it was not, or does not tell."""
    if not _is_sealed(file):
        return ""
    try:
        there = json.loads(file.read_text(encoding="utf-8"))
        there.pop(_CHECKSUM)
        made = str(there["made"])
        is_same = there == json.loads(replace(provenance, made=made).json())
        datetime.fromisoformat(made)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return ""
    return made if is_same else ""


def write_dataset(path: Path, dataset: xr.Dataset, provenance: Provenance) -> None:
    """Write a dataset as netCDF, whole or not at all, with what it was made from."""
    described = dataset.assign_attrs(provenance.attributes())
    files.write_dataset(path, described)


def _without_provenance(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset as it was before `write_dataset` said what it was made from."""
    from rramsim.report.provenance import Provenance

    added = Provenance("", seed=0).attributes()
    dataset.attrs = {name: value for name, value in dataset.attrs.items() if name not in added}
    return dataset
