import hashlib
import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from chip_networks import random_network, saved_network
from typer.testing import CliRunner

import rramsim
from rramsim.cli import app as cli
from rramsim.crossbar.protection import Words, parse
from rramsim.crossbar.real_chips.bit_images import UNUSED
from rramsim.errors import InputError
from rramsim.network.folded.network import (
    FoldedConvolution,
    FoldedLayer,
    FoldedNetwork,
    ScoreLayer,
)
from rramsim.network.model_files import save_network
from rramsim.schema import validate

RNG = np.random.default_rng(7)


def signs(*shape):
    return RNG.choice(np.array([-1, 1], dtype=np.int8), shape)


def scores(inputs):
    return ScoreLayer(signs(3, inputs), np.float32([1, 0.5, 2]), np.float32([0, 1, -1]))


@pytest.fixture
def network():
    directions = np.array([1, -1, 1, 1, -1], dtype=np.int8)
    return FoldedNetwork((FoldedLayer(signs(5, 7), np.arange(5), directions), scores(5)))


@pytest.fixture
def convolutional():
    of_all = np.array([True, False])
    filters = FoldedConvolution(
        signs(2, 3, 3, 3), np.array([4, -2]), np.array([1, -1], dtype=np.int8), True, of_all
    )
    return FoldedNetwork((filters, scores(2 * 2 * 2)), image_shape=(3, 4, 4))


def bits_in(folder, manifest):
    """Return the bits by layer and cell, as a program that burns a chip reads them."""
    for layer in manifest["layers"]:
        with xr.open_dataset(folder / layer["file"]) as dataset:
            validate(dataset, "bit_image")
            assert dataset.bit.dtype == np.uint8
            yield dataset.bit.values


def test_tables_of_the_user_are_never_replaced_and_own_ones_are(network, tmp_path):
    own, theirs = tmp_path / "tiles", tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "tiles.csv").write_text("mine\n")
    with pytest.raises(InputError, match=r"holds tiles\.csv and no record of rramsim"):
        rramsim.export_tiles(network, theirs)
    assert [file.name for file in theirs.iterdir()] == ["tiles.csv"]
    manifest = rramsim.export_tiles(network, own)
    # An export that was cut off has no checksums yet.
    del manifest["sha256"]
    (own / "manifest.json").write_text(json.dumps(manifest))
    assert "sha256" in rramsim.export_tiles(network, own)


@pytest.mark.parametrize("protection", ["none", "2T2R", "secded(8,4)"])
def test_the_table_of_cells_says_of_every_bit_which_weight_it_is(network, tmp_path, protection):
    manifest = rramsim.export_tiles(network, tmp_path, tile="3x2", protection=protection)
    table = pd.read_csv(tmp_path / "tiles.csv")
    images = list(bits_in(tmp_path, manifest))
    assert len(table) == sum(np.count_nonzero(image != UNUSED) for image in images)
    assert not table.duplicated(["layer", "tile", "word_line", "bit_line"]).any()
    for number, (image, layer) in enumerate(zip(images, network.layers, strict=True), 1):
        rows = table[table.layer == number]
        assert np.array_equal(image[rows.tile, rows.word_line, rows.bit_line], rows.bit)
        assert np.count_nonzero(rows.bit == 1) == manifest["layers"][number - 1]["in_hrs"]
        for role, hrs in (("weight", 1), ("complement", -1)):
            of_role = rows[rows.role == role]
            if role == "weight" or protection == "2T2R":
                weights = layer.matrix[of_role.neuron.astype(int), of_role.input.astype(int)]
                assert len(of_role) == layer.matrix.size
                assert np.array_equal(weights == hrs, of_role.bit == 1)
        others = rows[rows.role.isin(["parity", "padding"])]
        assert others.neuron.isna().all()
        words = Words(layer.matrix.shape, parse("secded(8,4)"))
        has_code = protection == "secded(8,4)"
        assert len(others) == (words.cells - layer.matrix.size if has_code else 0)


def test_filters_are_rows_of_channels_by_places_and_pooling_is_told(convolutional, tmp_path):
    manifest = rramsim.export_tiles(convolutional, tmp_path, tile=(10, 4))
    first = manifest["layers"][0]
    assert (first["kind"], first["filter"]) == ("convolution", [2, 3, 3, 3])
    assert (first["neurons"], first["inputs"], first["tiles"]) == (2, 27, 3)
    table = pd.read_csv(tmp_path / "tiles.csv").query("layer == 1")
    channel, place = np.divmod(table.input.to_numpy(), 9)
    weights = convolutional.layers[0].signs[table.neuron, channel, place // 3, place % 3]
    assert np.array_equal(weights == 1, table.bit == 1)
    thresholds = pd.read_csv(tmp_path / "thresholds.csv")
    assert thresholds.pool.tolist()[:2] == ["all", "any"]
    assert thresholds.threshold.tolist()[:2] == [4, -2]
    assert thresholds.direction.tolist()[:2] == [1, -1]
    assert thresholds.scale.tolist()[2:] == [1, 0.5, 2]


def test_the_manifest_names_network_tile_and_the_checksum_of_each_file(network, tmp_path):
    manifest = rramsim.export_tiles(network, tmp_path, cells=False)
    assert json.loads((tmp_path / "manifest.json").read_text()) == manifest
    assert manifest["network_id"] == network.content_id
    assert manifest["tile"] == {"word_lines": 128, "bit_lines": 128}
    assert sorted(manifest["sha256"]) == ["layer-1.nc", "layer-2.nc", "thresholds.csv"]
    for name, digest in manifest["sha256"].items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest
    assert rramsim.export_tiles(network, tmp_path, cells=False) == manifest


def test_a_folder_with_tiles_of_another_size_is_left_as_it_is(network, tmp_path):
    before = rramsim.export_tiles(network, tmp_path)
    with pytest.raises(InputError, match="name another folder"):
        rramsim.export_tiles(network, tmp_path, tile="64x64")
    assert json.loads((tmp_path / "manifest.json").read_text()) == before


@pytest.mark.parametrize("tile", ["128", "0x5", (1, 2, 3), 128, "a x b"])
def test_a_size_that_is_none_is_refused(network, tmp_path, tile):
    with pytest.raises(InputError, match="tile"):
        rramsim.export_tiles(network, tmp_path, tile=tile)


def test_the_command_writes_the_same_and_says_what_lies_where(tmp_path):
    saved = saved_network(random_network(64, 16, 10), rramsim.load_images("digits"))
    save_network(tmp_path / "one.safetensors", saved)
    arguments = ["export", str(tmp_path / "one.safetensors"), "--tile", "60x16", "--out"]
    as_json = CliRunner().invoke(cli.app, [*arguments, str(tmp_path / "tiles"), "--json"])
    manifest = json.loads(as_json.stdout)
    assert manifest == rramsim.export_tiles(saved, tmp_path / "again", tile="60x16") | {
        "sha256": manifest["sha256"]
    }
    shown = CliRunner().invoke(cli.app, [*arguments, str(tmp_path / "tiles")]).stdout
    assert "2 (2 x 1)" in shown  # 64 inputs on 60 word lines
    assert manifest["network_id"][:12] in shown
