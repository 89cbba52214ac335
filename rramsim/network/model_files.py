"""Model files: a folded network with the record of its training, as safetensors."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from rramsim.errors import DamagedError, InputError, refused
from rramsim.formatting import is_plain
from rramsim.network.folded.fold import EPSILON, BatchNorm
from rramsim.network.folded.network import (
    FoldedConvolution,
    FoldedLayer,
    FoldedNetwork,
    Layer,
    ScoreLayer,
    arrays_of,
    check_form,
)
from rramsim.network.tensor_files import Arrays, digest_of, read_arrays, write_arrays

KIND = "folded network"

IN_MEMORY = "the network"
"""What messages call a network that is not in a file."""

RECORD = {
    "training_ber": float | None,
    "accuracy": float,
    "epochs": int | None,
    "seed": int | None,
    "images": str,
    "images_id": str,
    "settings": dict,
    "history": list,
    "version": str,
}
"""What `SavedNetwork.metadata` must hold, and of which type; ``accuracy`` is that of the test
images without faults, ``settings`` everything the training depended on. None is what rramsim
does not know of a network that was trained elsewhere; the key is there all the same."""


@dataclass(frozen=True, eq=False, repr=False)
class SavedNetwork:
    """A network as a chip holds it, with the record of its training.

    Attributes
    ----------
    folded : FoldedNetwork
        The network.
    metadata : mapping
        How it was trained; the keys of `RECORD` are there.
    norms : tuple of BatchNorm
        The batch norm of each layer as it was trained, if they are known. The last layer has none
        where its sums are the scores.
    """

    folded: FoldedNetwork
    metadata: Mapping[str, Any]
    norms: tuple[BatchNorm, ...] = ()

    def __repr__(self) -> str:
        """Return layers, training BER and accuracy; the arrays would fill the screen."""
        ber = self.training_ber
        trained = "unknown" if ber is None else f"{ber:g}"
        return (
            f"<network {self.folded}, training BER {trained}, accuracy without bit errors "
            f"{self.accuracy:.4g}>"
        )

    def _repr_html_(self) -> str:
        known = {
            "layers": str(self.folded),
            "training BER": "unknown" if self.training_ber is None else f"{self.training_ber:g}",
            "accuracy without bit errors": f"{self.accuracy:.4g}",
            **{name: self.metadata.get(name) for name in ("images", "epochs", "seed")},
        }
        rows = "".join(
            f"<tr><th>{name}</th><td>{escape(str(value))}</td></tr>"
            for name, value in known.items()
            if value is not None
        )
        return f"<table>{rows}</table>"

    @property
    def accuracy(self) -> float:
        """Share of the test images classified correctly without bit errors."""
        return float(self.metadata["accuracy"])

    @property
    def training_ber(self) -> float | None:
        """Mean bit-error rate met in training; None where it is unknown."""
        ber: float | None = self.metadata["training_ber"]
        return ber

    @property
    def fold(self) -> Mapping[str, Any] | None:
        """Which part of a small image set it was tested on, and not trained (`Fold.record`)."""
        found: Mapping[str, Any] | None = self.metadata["settings"].get("fold")
        return found

    @property
    def training_recipe(self) -> str:
        """All that its training depended on but chance, as JSON: equal for replicates only.

        Replicates are trained with other seeds, or on other parts of one set. Empty of a network
        that was trained elsewhere, since what it depended on is not known.
        """
        settings = dict(self.metadata["settings"])
        if settings.pop("seed", None) is None:
            return ""
        if self.fold is not None:
            settings["images_id"] = self.fold["images_id"]
            settings["fold"] = {name: self.fold[name] for name in ("of", "seed")}
        return json.dumps(settings, sort_keys=True)

    @property
    def content_id(self) -> str:
        """SHA-256 (hexadecimal) of all that it holds: layers, batch norms and record."""
        text = json.dumps(dict(self.metadata), sort_keys=True)
        arrays = _arrays_of(self)
        return digest_of({name: np.asarray(array) for name, array in arrays.items()}, text)

    @property
    def mean_over_spread(self) -> float | None:
        """How far the sums of the first layer lie from 0, in their spreads over images.

        The root mean square over neurons of mean / standard deviation, as batch norm met them;
        neurons that never change are left out. Bit errors of rate p shrink every mean by the factor
        1 - 2p, and thresholds stay, so sums move by 2p times this many spreads: where it is above
        1, accuracy under errors depends on batch norm being estimated anew. None where the batch
        norms are not known.
        """
        if not self.norms:
            return None
        norm = self.norms[0]
        alive = norm.variance > EPSILON
        if not alive.any():
            return None
        mean, variance = (np.float64(values[alive]) for values in (norm.mean, norm.variance))
        return float(np.sqrt(np.mean(mean**2 / variance)))


def save_network(path: str | Path, network: SavedNetwork) -> None:
    """Write a model file, whole or not at all.

    Parameters
    ----------
    path : str or Path
        The file, which should end in ``.safetensors``.
    network : SavedNetwork
        As `train` or `import_module` returns it. Its metadata have the keys of `RECORD`; further
        ones may be added. All must be JSON.

    Raises
    ------
    InputError
        If the file cannot be written.
    ValueError
        If a key of the metadata is missing or of another type.

    Examples
    --------
    >>> import rramsim
    >>> network = rramsim.train("digits", network="64-16-10", epochs=1)
    >>> rramsim.save_network("network.safetensors", network)
    >>> rramsim.load_network("network.safetensors").folded.widths
    (64, 16, 10)
    """
    if not isinstance(network, SavedNetwork):
        raise refused("network", network, "a network as train or import_module gives it")
    _check_path(path)
    folded, metadata = network.folded, network.metadata
    _check_record(metadata)
    arrays = _arrays_of(network)
    record = {**metadata, "layers": len(folded.layers), "network_id": folded.content_id}
    record["image_shape"] = folded.image_shape and list(folded.image_shape)
    record["signed_levels"] = folded.signed_levels
    write_arrays(Path(path), arrays, kind=KIND, record=record)


def _arrays_of(network: SavedNetwork) -> Arrays:
    layers = {
        f"{number}.{name}": array
        for number, layer in enumerate(network.folded.layers)
        for name, array in arrays_of(layer).items()
    }
    return layers | {
        f"{number}.batch_norm.{name}": value
        for number, norm in enumerate(network.norms)
        for name, value in vars(norm).items()
    }


def load_network(path: str | Path) -> SavedNetwork:
    """Read a model file.

    Parameters
    ----------
    path : str or Path
        A file of ``rramsim train``, `train` or `save_network`.

    Returns
    -------
    SavedNetwork

    Raises
    ------
    InputError
        If it is not there or not one of rramsim's; `DamagedError` if it is not as it was written.

    Examples
    --------
    >>> import rramsim
    >>> trained = rramsim.train("digits", network="64-16-10", epochs=1, file="one.safetensors")
    >>> rramsim.load_network("one.safetensors").accuracy == trained.accuracy
    True
    """
    _check_path(path)
    if _is_of_torch(Path(path)):
        raise InputError(
            f"{path}: this is a file of torch.save, which does not say what the network computes: "
            "build its module, load the weights into it by module.load_state_dict, take it over "
            "by rramsim.import_module(module, images), and give the file that "
            'rramsim.save_network writes of that (documentation: "Your own network").'
        )
    arrays, record = read_arrays(Path(path), kind=KIND)
    try:
        _check_record(record)
        folded = FoldedNetwork(
            tuple(
                _layer(arrays, number, count=record["layers"]) for number in range(record["layers"])
            ),
            _image_shape(record),
            record.get("signed_levels"),
        )
        norms = _norms(arrays, folded)
        whole = folded.content_id == record["network_id"]
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(f"{path}: this model file is damaged ({error}).") from error
    if not whole:
        raise DamagedError(
            f"{path}: this model file was damaged or changed after rramsim wrote it (its weights "
            "have another content id)."
        )
    return SavedNetwork(folded=folded, metadata=record, norms=norms)


def opened_network(
    network: SavedNetwork | FoldedNetwork | str | Path,
) -> tuple[SavedNetwork | FoldedNetwork, str]:
    """Return a network that is given as it is or as its file, and what messages call it.

    Raises
    ------
    InputError
        If it is none, or the file cannot be used.
    """
    if isinstance(network, str | Path):
        return load_network(Path(network)), str(network)
    if not isinstance(network, SavedNetwork | FoldedNetwork):
        raise refused("network", network, "a network that train gives, or the path of a model file")
    return network, IN_MEMORY


def _check_path(path: object) -> None:
    if not isinstance(path, str | Path):
        raise refused("path", path, "the path of a model file")


def _is_of_torch(path: Path) -> bool:
    """Return whether torch.save wrote a file: an archive with a pickle, or once a pickle alone.

    It is not loaded, since a pickle may run any code.
    """
    if not path.is_file():
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("data.pkl") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        pass
    try:
        with path.open("rb") as opened:
            # A pickle of protocol 2 or more, of the number that torch begins with.
            return opened.read(64)[:1] == b"\x80" and path.suffix != ".safetensors"
    except OSError:
        return False


def _layer(arrays: Arrays, number: int, *, count: int) -> Layer:
    kind: type[Layer] = ScoreLayer if number == count - 1 else FoldedLayer
    if f"{number}.pool" in arrays:
        kind = FoldedConvolution
    held: dict[str, Any] = {
        field.name: arrays[f"{number}.{field.name}"]
        for field in fields(kind)
        if field.default is MISSING or f"{number}.{field.name}" in arrays
    }
    for name in {"stride", "padding", "average"} & held.keys():
        held[name] = tuple(map(int, held[name]))
    if "pool" in held:
        held["pool"] = bool(held["pool"])
    return kind(**held)


def _norms(arrays: Arrays, folded: FoldedNetwork) -> tuple[BatchNorm, ...]:
    if "0.batch_norm.gamma" not in arrays:
        return ()
    norms = []
    for number, layer in enumerate(folded.layers):
        if layer is folded.output and f"{number}.batch_norm.gamma" not in arrays:
            # Its sums are the scores.
            break
        values = {
            field.name: arrays[f"{number}.batch_norm.{field.name}"] for field in fields(BatchNorm)
        }
        for name, value in values.items():
            check_form(name, value, np.float32, (layer.signs.shape[0],))
        norms.append(BatchNorm(**values))
    return tuple(norms)


def _image_shape(record: Mapping[str, Any]) -> tuple[int, int, int] | None:
    if record.get("image_shape") is None:
        return None
    channels, height, width = map(int, record["image_shape"])
    return channels, height, width


def _check_record(record: Mapping[str, Any]) -> None:
    for name, kind in RECORD.items():
        if name not in record or not isinstance(record[name], kind):
            raise ValueError(f"its record lacks {name!r} ({getattr(kind, '__name__', kind)})")
    for name, value in record.items():
        if isinstance(value, str) and not is_plain(value):
            raise ValueError(f"its record has a control character in {name!r}")
    fold = record["settings"].get("fold")
    if fold is not None:
        kinds = {"number": int, "of": int, "seed": int, "images_id": str}
        if not all(isinstance(fold[name], kind) for name, kind in kinds.items()):
            raise ValueError(f"its record says {fold!r} of the fold")
