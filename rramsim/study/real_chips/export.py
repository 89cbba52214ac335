"""A network as the bits that each tile of a chip is programmed with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rramsim import schema
from rramsim.crossbar.protection import Protection, Unprotected, parse
from rramsim.crossbar.real_chips.bit_images import ROLES, UNUSED, BitImage
from rramsim.crossbar.tiles import TileShape
from rramsim.errors import InputError, file_path, plain, refused
from rramsim.files import sha256_of_file, write_atomically, write_text
from rramsim.network.folded.network import FoldedConvolution, FoldedNetwork, Layer, ScoreLayer
from rramsim.network.model_files import SavedNetwork, opened_network
from rramsim.readers.chips.exported import CHECKSUM, FORMAT, MANIFEST, manifest_checksum
from rramsim.report.text_table import csv_text
from rramsim.study.real_chips.cell_rows import CELL_COLUMNS, cell_rows
from rramsim.study.result_folder import refuse_replacing
from rramsim.version import __version__

_KINDS = {FoldedConvolution: "convolution", ScoreLayer: "scores"}

_CONVENTIONS = {
    "bit": "1: HRS, which is a weight of +1; 0: LRS, which is -1; 255: the cell holds no bit",
    "numbers": "layers are counted from 1; tiles, lines, neurons and inputs from 0",
    "tiles": "a layer is a matrix of inputs (word lines) by neurons (bit lines), cut into tiles "
    "numbered across the neurons first, then down the inputs",
    "convolution": "a neuron is a filter; input = (channel * height + row) * width + column of it",
    "threshold": "a neuron gives +1 where direction * sum >= threshold, else -1; sum is that of "
    "weight * input over its inputs: pixels in the first layer, -1 or +1 in the others",
    "scores": "of the last layer sum * scale + offset in float32; the greatest one wins, of equal "
    "ones the first",
    "pool": "2 x 2 outputs of a filter become one: +1 where any of them is, or only where all are",
}
_BY_PROTECTION = {
    "2T2R": "neuron n has the bit lines 2n (the weight) and 2n + 1 (its complement); +1 is HRS "
    "against LRS, so the weight is +1 where the first cell has the higher resistance",
    "code": "weights are taken along the word lines, all neurons of input 0, then of input 1; k of "
    "them are the data of a word (with interleave, in turn). The bit lines after those of the "
    "neurons hold, along the word lines likewise, the padding and then the parity of each word",
}


def export_tiles(
    network: SavedNetwork | FoldedNetwork | str | Path,
    out: str | Path,
    *,
    tile: str | tuple[int, int] = "128x128",
    protection: str = "none",
    cells: bool = True,
) -> dict[str, Any]:
    """Write the bits that a chip is programmed with, tile by tile, and what its neurons compare.

    `read_back` takes what was then read from the chip.

    Parameters
    ----------
    network : SavedNetwork, FoldedNetwork or path
        What `train`, `import_module` or `load_network` give, or a model file.
    out : str or Path
        Folder to write: ``layer-1.nc``, ... (product "bit_image"), ``tiles.csv`` (where the bit of
        each cell is from), ``thresholds.csv`` and ``manifest.json``.
    tile : str or (int, int)
        Word lines by bit lines of a tile.
    protection : str
        See `protect`. 2T2R stores each weight in two cells, a code adds cells of parity.
    cells : bool
        Whether to write ``tiles.csv``. It has a row for each cell, about 30 bytes.

    Returns
    -------
    dict
        The manifest: the network's content id, tile, protection, layers, SHA-256 of each file,
        what the numbers mean, and a checksum of all that.

    Raises
    ------
    InputError
        If something cannot be used, or the folder holds the tiles of another network or files of
        the user.

    Examples
    --------
    >>> import rramsim
    >>> network = rramsim.train("digits", network="64-32-10", epochs=1)
    >>> manifest = rramsim.export_tiles(network, "tiles", tile="64x16")
    >>> [layer["tiles"] for layer in manifest["layers"]]
    [2, 1]
    """
    folder, shape = file_path(out, "out"), tile_shape(tile)
    way = parse(protection) if isinstance(protection, str) else None
    if way is None:
        raise refused("protection", protection, "the name of a protection")
    saved, _ = opened_network(network)
    folded = saved if isinstance(saved, FoldedNetwork) else saved.folded
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "rramsim_version": __version__,
        "network": str(folded),
        "network_id": folded.content_id,
        "tile": {"word_lines": shape.word_lines, "bit_lines": shape.bit_lines},
        "protection": str(way),
    }
    images = bit_images(folded, shape, way)
    _check_folder(folder, manifest)
    names = [*(f"layer-{number}.nc" for number, _ in enumerate(images, 1)), "thresholds.csv"]
    refuse_replacing(folder, [*names, *["tiles.csv"] * cells], records=[MANIFEST])
    # By it the folder is known as one of tiles, without checksums as one that is not whole.
    write_text(folder / MANIFEST, json.dumps(manifest, indent=2) + "\n")
    layers = [
        _write_layer(folder, number, layer, image, manifest)
        for number, (layer, image) in enumerate(zip(folded.layers, images, strict=True), 1)
    ]
    files = [layer["file"] for layer in layers]
    if cells:
        files.append("tiles.csv")
        write_atomically(folder / files[-1], lambda file: _write_cells(file, folded, images))
    files.append("thresholds.csv")
    write_text(folder / files[-1], csv_text(list(_thresholds(folded))))
    manifest |= {
        "layers": layers,
        "sha256": {name: sha256_of_file(folder / name) for name in files},
        "conventions": _conventions(way),
    }
    manifest[CHECKSUM] = manifest_checksum(manifest)
    # Last: a folder with the checksums is whole.
    write_text(folder / MANIFEST, json.dumps(manifest, indent=2) + "\n")
    return manifest


def tile_shape(tile: Any) -> TileShape:
    """Return the size that a text such as ``"128x128"``, or two numbers, name.

    >>> tile_shape("128x64").bit_lines
    64
    """
    tile = plain(tile)
    if isinstance(tile, str) and (found := re.fullmatch(r"\s*(\d+)\s*[xX×]\s*(\d+)\s*", tile)):
        return TileShape(int(found[1]), int(found[2]))
    is_pair = isinstance(tile, tuple | list) and len(tile) == 2
    if is_pair and all(type(lines) is int for lines in tile):
        return TileShape(*tile)
    raise refused("tile", tile, "word lines x bit lines, such as 128x128")


def bit_images(
    folded: FoldedNetwork, tile: TileShape, protection: Protection
) -> tuple[BitImage, ...]:
    """Return where the bits of each layer lie."""
    return tuple(
        BitImage((layer.matrix.shape[0], layer.matrix.shape[1]), tile, protection)
        for layer in folded.layers
    )


def _check_folder(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Refuse a folder with other tiles: some of their files would stay, or be lost."""
    try:
        held = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        return
    names = ("network_id", "tile", "protection")
    if not isinstance(held, dict) or any(held.get(name) != manifest[name] for name in names):
        raise InputError(
            f"{folder}: holds tiles of another network, size or protection; name another folder."
        )


def _write_layer(
    folder: Path, number: int, layer: Layer, image: BitImage, manifest: Mapping[str, Any]
) -> dict[str, Any]:
    matrix = image.bits(layer.matrix)
    known = {name: manifest[name] for name in ("rramsim_version", "network_id", "protection")}
    dataset = schema.make("bit_image", {"bit": image.cut(matrix)}, attrs={"layer": number, **known})
    name = f"layer-{number}.nc"
    encoding = {"bit": {"zlib": True, "complevel": 1, "_FillValue": None}}
    write_atomically(
        folder / name,
        lambda file: dataset.to_netcdf(file, engine="netcdf4", encoding=encoding),
    )
    roles = np.bincount(image.roles().ravel(), minlength=UNUSED + 1)
    neurons, inputs = image.weights_shape
    return {
        "layer": number,
        "file": name,
        "kind": _KINDS.get(type(layer), "fully connected"),
        **({"filter": list(layer.signs.shape)} if isinstance(layer, FoldedConvolution) else {}),
        "neurons": neurons,
        "inputs": inputs,
        "tiles": image.placement.tile_count,
        "tiles_down_inputs": image.placement.grid[0],
        "tiles_across_neurons": image.placement.grid[1],
        "cells": {role: int(roles[place]) for place, role in enumerate(ROLES) if roles[place]},
        "in_hrs": int(np.count_nonzero(matrix == 1)),
    }


def _write_cells(file: Path, folded: FoldedNetwork, images: Sequence[BitImage]) -> None:
    with file.open("wb") as opened_file:
        opened_file.write(",".join(CELL_COLUMNS).encode() + b"\n")
        for number, (layer, image) in enumerate(zip(folded.layers, images, strict=True), 1):
            opened_file.writelines(cell_rows(number, image, image.bits(layer.matrix)))


def _thresholds(folded: FoldedNetwork) -> Iterator[dict[str, Any]]:
    """Yield what each neuron compares its sum with, and what makes scores of the last sums."""
    for number, layer in enumerate(folded.layers, 1):
        for neuron in range(len(layer.signs)):
            yield {"layer": number, "neuron": neuron, **_comparison(layer, neuron)}


def _comparison(layer: Layer, neuron: int) -> dict[str, Any]:
    names = ("threshold", "direction", "scale", "offset", "pool")
    if isinstance(layer, ScoreLayer):
        known: dict[str, Any] = {"scale": float(layer.scale[neuron])}
        known["offset"] = float(layer.offset[neuron])
        return {name: known.get(name) for name in names}
    known = {
        "threshold": int(layer.thresholds[neuron]),
        "direction": int(layer.directions[neuron]),
    }
    if isinstance(layer, FoldedConvolution) and layer.pool:
        of_all = layer.pool_all is not None and bool(layer.pool_all[neuron])
        known["pool"] = "all" if of_all else "any"
    return {name: known.get(name) for name in names}


def _conventions(protection: Protection) -> dict[str, str]:
    if isinstance(protection, Unprotected):
        return _CONVENTIONS
    name = str(protection)
    kind = "2T2R" if name.startswith("2T2R") else "" if name.startswith("verify") else "code"
    return _CONVENTIONS | ({kind: _BY_PROTECTION[kind]} if kind else {})
