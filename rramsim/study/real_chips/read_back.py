"""How good one real chip is, from what was read from its cells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rramsim import schema
from rramsim.crossbar.drawn_faults import DrawnFaults
from rramsim.crossbar.faults import (
    ChipFaults,
    FaultModel,
    IidFaults,
    LayerFaults,
    check_model,
    is_deterministic,
    mean_ber,
)
from rramsim.crossbar.protection import Coded, ProtectedFaults, parse, protect, protection_of
from rramsim.crossbar.real_chips.bit_images import UNUSED, BitImage
from rramsim.crossbar.real_chips.chip_errors import LayerErrors, errors_in_layer
from rramsim.crossbar.tiles import TileShape
from rramsim.errors import InputError, device_name, file_path, refused, whole_number
from rramsim.errors import number as real_number
from rramsim.files import sha256_of_file
from rramsim.formatting import quantity
from rramsim.images.image_set import ImageSet
from rramsim.montecarlo.collect import collect, measure
from rramsim.montecarlo.estimate import estimate
from rramsim.montecarlo.stopping import StoppingRule
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.network.folded.network import FoldedNetwork
from rramsim.network.model_files import IN_MEMORY, SavedNetwork, opened_network
from rramsim.readers.chips.cell_reads import PLACES, CellReads, read_cells
from rramsim.readers.chips.exported import Exported, read_exported
from rramsim.study.real_chips.chip_counts import (
    DIRECTIONS,
    GROUPS,
    by_group,
    by_layer,
    by_line,
    wrong_cells,
    wrong_weights,
)
from rramsim.study.real_chips.error_map import faults_of
from rramsim.study.stages.networks import images_for
from rramsim.units import read_quantity
from rramsim.version import __version__

if TYPE_CHECKING:
    import xarray as xr

MISSING = ("error", "as-programmed", "worst")
"""What cells that were not read are taken for."""

_CHIPS = "a whole number from 0 on"
_RESISTANCE = 'a resistance above 0, such as "25 kOhm"'


def read_back(
    network: SavedNetwork | FoldedNetwork | str | Path,
    reads: str | Path,
    *,
    tiles: str | Path | None = None,
    reference: str | float | None = None,
    missing: str = "error",
    expected: FaultModel | None = None,
    rates_left_open: DrawnFaults | None = None,
    chips: int = 0,
    images: ImageSet | str | None = None,
    seed: int = 1,
    device: str = "cpu",
) -> xr.Dataset:
    """Measure the accuracy of one real chip from what was read from its cells.

    The bits that differ from those programmed are flipped in the network, after decoding where it
    has a code, and all test images are scored: the accuracy is exact for this chip and these
    images. Where the errors lie is counted by state, layer, tile and line.

    Parameters
    ----------
    network : SavedNetwork, FoldedNetwork or path
        The network that was exported.
    reads : str or Path
        A CSV file with the columns layer, tile, word_line, bit_line and bit or resistance; a netCDF
        file of a layer as `export_tiles` writes it, or with resistance; or a folder of such files.
        Of cells read more than once the majority counts.
    tiles : str or Path, optional
        The folder that `export_tiles` wrote, by default that of the reads.
    reference : str or float, optional
        What resistances are read against, ``"25 kOhm"`` or in ohm; with 2T2R the two cells of a
        pair are compared instead.
    missing : str
        What cells that were not read are taken for: ``"error"`` refuses them, ``"as-programmed"``
        takes them as right, ``"worst"`` as wrong.
    expected : FaultModel, optional
        What was expected of the cells, such as ``fit.faults("55 uA")``: the errors are tested
        against its bit-error rates.
    rates_left_open : DrawnFaults, optional
        The rates that the cells behind `expected` allow, as ``fit.rates_left_open("55 uA")`` gives
        them: a second test takes no rate as exact.
    chips : int
        Chips drawn from `expected` and scored, to hold the accuracy against (those of `evaluate`
        with the same seed); 0: none.
    images : ImageSet or str, optional
        The images the network was trained on, by default those its record names.
    seed : int
        Of the random spreads that clusters are compared with, and of the chips drawn.
    device : str
        ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    xarray.Dataset
        Product "read_back": accuracy, clean_accuracy (without errors), predicted_accuracy (of the
        chips drawn), errors by group, layer, tile and line, whether they gather on lines, each
        wrong cell and each wrong weight. `report_chip` shows it as a page.

    Raises
    ------
    InputError
        If something cannot be used: the tiles are those of another network, a file of them was
        changed, a cell was not read.

    Examples
    --------
    >>> import rramsim
    >>> network = rramsim.train("digits", network="64-16-10", epochs=1)
    >>> _ = rramsim.export_tiles(network, "tiles")

    A read-back without an error, since it is what was programmed:

    >>> from shutil import copytree, ignore_patterns
    >>> _ = copytree("tiles", "reads", ignore=ignore_patterns("*.json", "*.csv"))
    >>> chip = rramsim.read_back(network, "reads", tiles="tiles")
    >>> float(chip.accuracy) == network.accuracy, int(chip.errors.sel(group="all"))
    (True, 0)
    """
    path = file_path(reads, "reads")
    if missing not in MISSING:
        raise refused("missing", missing, ", ".join(MISSING))
    device, seed = device_name(device), whole_number(seed, "seed")
    if whole_number(chips, "chips", _CHIPS) < 0:
        raise refused("chips", chips, _CHIPS)
    _check_expected(expected, rates_left_open, chips)
    saved, place = opened_network(network)
    folded = saved if isinstance(saved, FoldedNetwork) else saved.folded
    folder = file_path(tiles, "tiles") if tiles is not None else _folder_of(path)
    exported = read_exported(folder)
    if exported.network_id != folded.content_id:
        raise InputError(
            f"{folder}: holds tiles of the network {exported.network_id[:12]}, and the model is "
            f"{folded.content_id[:12]}; give the model that was exported."
        )
    model = None if expected is None else _of_weights(expected, exported)
    rates = _expected_rates(model)
    image_set = images_for(saved, images, place)
    reads_of_chip = _reads(path, folded, exported)
    layers = _errors(folded, exported, reads_of_chip, _ohm(reference))
    if missing == "error":
        _check_missing(layers)
    flips = [one.wrong_weights(missing_are_wrong=missing == "worst") for one in layers]
    test = image_set.test_images, image_set.test_labels, image_set.content_id, device
    scored = ScoredNetwork(folded, *test)
    clean, accuracy = _accuracies(scored, flips)
    values: dict[str, Any] = {"accuracy": accuracy, "clean_accuracy": clean}
    values |= _predicted(scored, model if chips else None, chips, seed)
    values |= by_layer(layers, flips, rates) | by_group(layers, rates, rates_left_open)
    values |= by_line(layers, seed)
    values |= wrong_cells(layers) | wrong_weights(folded, flips)
    coords = {
        "layer": np.arange(1, len(layers) + 1),
        "state": list(schema.STATES),
        "group": list(GROUPS),
        "direction": list(DIRECTIONS),
    }
    attrs: dict[str, str | int | float] = {
        **_attrs(folded, image_set, exported),
        "unit_read": "pair" if layers[0].image.step > 1 else "cell",
        "missing": missing,
        "read_against": _read_against(reference, reads_of_chip, layers[0].image),
        "seed": seed,
        "sources": json.dumps(_sources(place, exported, reads_of_chip, path), ensure_ascii=False),
    }
    return schema.make("read_back", values, coords=coords, attrs=attrs)


def protection_of_tiles(reads: Path, tiles: Path | None) -> str:
    """Return how the weights on the tiles are protected that reads are of (see `read_back`)."""
    return read_exported(tiles or _folder_of(reads)).protection


def _folder_of(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _ohm(reference: str | float | None) -> float:
    """Return a reference in ohm, NaN for none."""
    if reference is None:
        return np.nan
    ohm = read_quantity(reference, "resistance") if isinstance(reference, str) else reference
    value = real_number(ohm, "reference", _RESISTANCE)
    if not 0 < value < np.inf:
        raise refused("reference", reference, _RESISTANCE)
    return value


def _reads(path: Path, folded: FoldedNetwork, exported: Exported) -> CellReads:
    is_beside = path.is_dir() and path.resolve() == exported.folder.resolve()
    return read_cells(
        path,
        left_out=exported.files if is_beside else (),
        network_id=folded.content_id,
        only_layer=len(folded.layers) == 1,
    )


def _errors(
    folded: FoldedNetwork, exported: Exported, reads: CellReads, reference: float
) -> list[LayerErrors]:
    tile = TileShape(exported.word_lines, exported.bit_lines)
    protection = parse(exported.protection)
    strange = np.flatnonzero((reads.layer < 1) | (reads.layer > len(folded.layers)))
    if strange.size:
        place = int(strange[0])
        raise InputError(
            f"{reads.where(place)}: layer {reads.layer[place]} was found; the network has layers 1 "
            f"to {len(folded.layers)}."
        )
    layers = []
    for number, layer in enumerate(folded.layers, 1):
        neurons, inputs = layer.matrix.shape
        image = BitImage((neurons, inputs), tile, protection)
        if reads.is_resistance and np.isnan(reference) and image.step == 1:
            raise InputError(
                "--reference: resistances were read, so the reference that they are compared with "
                'is needed, such as --reference "25 kOhm".'
            )
        bits, places = image.bits(layer.matrix), np.flatnonzero(reads.layer == number)
        layers.append(
            errors_in_layer(
                image,
                bits,
                cell=_cells(reads, places, image, bits),
                values=reads.values[places],
                is_resistance=reads.is_resistance,
                reference=reference,
            )
        )
    return layers


def _cells(reads: CellReads, places: np.ndarray, image: BitImage, bits: np.ndarray) -> np.ndarray:
    """Return the cell of each read in the matrix of a layer; `InputError` where it has no bit."""
    tile, word_line, bit_line = (getattr(reads, name)[places] for name in PLACES[1:])
    placement = image.placement
    down, across = np.divmod(tile, placement.grid[1])
    line = across * image.tile.bit_lines + bit_line
    input_ = down * image.tile.word_lines + word_line
    is_there = (tile >= 0) & (tile < placement.tile_count) & (line < image.shape[0])
    is_there &= (word_line >= 0) & (word_line < image.tile.word_lines) & (input_ < image.shape[1])
    is_there &= (bit_line >= 0) & (bit_line < image.tile.bit_lines)
    is_there[is_there] = bits[line[is_there], input_[is_there]] != UNUSED
    strange = np.flatnonzero(~is_there)
    if strange.size:
        one = int(strange[0])
        number = reads.layer[places[one]]
        raise InputError(
            f"{reads.where(int(places[one]))}: layer {number}, tile {tile[one]}, word line "
            f"{word_line[one]}, bit line {bit_line[one]} holds no bit; the layer has tiles 0 to "
            f"{placement.tile_count - 1} of {image.tile.word_lines} word lines by "
            f"{image.tile.bit_lines} bit lines, counted from 0, the last ones used in part."
        )
    return np.asarray(line * image.shape[1] + input_)


def _check_missing(layers: Sequence[LayerErrors]) -> None:
    counts = [int(np.count_nonzero(one.missing)) for one in layers]
    if not sum(counts):
        return
    number = next(number for number, count in enumerate(counts) if count)
    row, column = map(int, np.argwhere(layers[number].missing)[0])
    tile, word_line, bit_line = layers[number].place_of(row, column)
    cells = sum(int(np.count_nonzero(one.is_used)) for one in layers)
    kind = "pairs" if layers[0].image.step > 1 else "cells"
    raise InputError(
        f"{sum(counts):,} of {cells:,} {kind} were not read, the first is layer {number + 1}, "
        f"tile {tile}, word line {word_line}, bit line {bit_line}; read them, or say what they "
        "are taken for: --missing as-programmed or --missing worst."
    )


def _accuracies(scored: ScoredNetwork, flips: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the accuracy without errors and that of the chip, each exact."""
    tasks = [
        Task(scored, IidFaults(0.0), 1),
        Task(scored, faults_of(scored.folded, flips), 1),
    ]
    clean, chip = measure(tasks, rule=StoppingRule(1))
    return clean.mean.estimate, chip.mean.estimate


def _predicted(
    scored: ScoredNetwork, model: ChipFaults | None, chips: int, seed: int
) -> dict[str, Any]:
    """Return the accuracies of chips that are drawn as was expected, NaN and none without."""
    names = [f"predicted_accuracy{end}" for end in ("", "_low", "_high", "_p05")]
    if model is None:
        return {**dict.fromkeys(names, np.nan), "predicted_chip_accuracy": np.zeros(0)}
    (tally,) = collect([Task(scored, model, seed)], rule=StoppingRule(chips))
    band = estimate(tally, deterministic=is_deterministic(model))
    ends = band.mean.estimate, band.mean.low, band.mean.high, band.p05
    return {
        **dict(zip(names, ends, strict=True)),
        "predicted_chip_accuracy": np.array(list(tally.correct.values())) / tally.images,
    }


def _check_expected(expected: object, left_open: object, chips: int) -> None:
    if left_open is not None and not isinstance(left_open, DrawnFaults):
        raise refused("rates_left_open", left_open, "what fit.rates_left_open(condition) gives")
    if expected is None and (chips or left_open is not None):
        raise InputError(
            f"{'chips' if chips else 'rates_left_open'} was given without expected; give what was "
            "expected of the cells, such as fit.faults(condition)."
        )


def _of_weights(expected: FaultModel, exported: Exported) -> ChipFaults:
    """Return the faults that are expected of the weights, protected as the tiles are."""
    check_model(expected)
    if isinstance(expected, LayerFaults):
        raise refused("expected", expected, "one fault model for the cells of all layers")
    if not isinstance(expected, ProtectedFaults):
        return protect(expected, exported.protection)
    if (named := protection_of(expected)) != exported.protection:
        raise InputError(
            f"expected: its weights are protected by {named}, and those of the tiles by "
            f"{exported.protection}; give the faults of the cells, or of that protection."
        )
    return expected


def _expected_rates(model: ChipFaults | None) -> dict[str, float]:
    """Return the rate of LRS and of HRS that is expected of what is read, NaN: none."""
    if model is None:
        return dict.fromkeys(schema.STATES, np.nan)
    if isinstance(model, ProtectedFaults):
        # What is read of words is cells, of pairs and of verified cells what comes of them.
        model = model.faults if isinstance(model.protection, Coded) else model.residual
    return {"LRS": mean_ber(model, 0.0), "HRS": mean_ber(model, 1.0)}


def _attrs(folded: FoldedNetwork, images: ImageSet, exported: Exported) -> dict[str, str | int]:
    """Return what was scored on what, and how the weights lie on tiles."""
    return {
        "rramsim_version": __version__,
        "network": str(folded),
        "network_id": folded.content_id,
        "images": images.name,
        "images_id": images.content_id,
        "test_images": len(images.test_labels),
        "word_lines": exported.word_lines,
        "bit_lines": exported.bit_lines,
        "protection": exported.protection,
    }


def _read_against(reference: str | float | None, reads: CellReads, image: BitImage) -> str:
    """Return what made bits of the reads."""
    if not reads.is_resistance:
        return "bits, as the chip gave them"
    if image.step > 1:
        return "resistances, the two cells of a pair against each other"
    return f"resistances, against {quantity(_ohm(reference), 'Ω', digits=6)}"


def _sources(place: str, exported: Exported, reads: CellReads, path: Path) -> list[list[str]]:
    """Return name and SHA-256 of the model file, of what was programmed and of what was read."""
    folder = path if path.is_dir() else path.parent
    files = [Path(place)] if place != IN_MEMORY else []
    files += [exported.folder / name for name in exported.files]
    files += [folder / name for name, _ in reads.origins]
    return [[file.name, sha256_of_file(file)] for file in files if file.is_file()]
