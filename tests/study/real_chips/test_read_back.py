import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from chip_networks import random_network, saved_network
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rramsim
from rramsim.crossbar.faults import wrong_cells
from rramsim.crossbar.sampling import as_positions
from rramsim.errors import InputError
from rramsim.schema import validate

PLACES = ["layer", "tile", "word_line", "bit_line"]


@pytest.fixture(scope="module")
def digits():
    return rramsim.load_images("digits")


@pytest.fixture(scope="module")
def network(digits):
    """Return a network whose class scores are those of the pixels, so that errors count."""
    folded = random_network(64, 40, 10, seed=4)
    return saved_network(folded, digits)


def table_of(folder):
    """Return what a tester that reads every bit as it was programmed would write."""
    return pd.read_csv(folder / "tiles.csv")[[*PLACES, "bit", "neuron", "input", "role"]]


def written(table, folder, name="reads.csv"):
    table.to_csv(folder / name, index=False)
    return folder / name


def flipped_by(network, table, faults, seed=5):
    """Return the table with the bits of weights flipped that a fault model draws, and which."""
    table, flips = table.copy(), []
    for number, layer in enumerate(network.folded.layers, 1):
        drawn = wrong_cells(faults, layer.matrix, np.random.SeedSequence([seed, number]))
        positions = as_positions(drawn, layer.matrix)
        flips.append(positions)
        rows = (table.layer == number) & (table.role == "weight")
        flat = table.neuron[rows] * layer.matrix.shape[1] + table.input[rows]
        hit = rows.copy()
        hit[rows] = flat.isin(positions)
        table.loc[hit, "bit"] = 1 - table.bit[hit]
    return table, flips


def as_models(network, flips):
    models = []
    for layer, positions in zip(network.folded.layers, flips, strict=True):
        wrong = np.zeros(layer.matrix.size, dtype=bool)
        wrong[positions] = True
        models.append(rramsim.MappedFaults(wrong.reshape(layer.matrix.shape)))
    return rramsim.LayerFaults(tuple(models))


@pytest.mark.parametrize("ber", [0.0, 0.004, 0.15])
def test_the_accuracy_is_that_of_the_flips_that_were_planted(network, tmp_path, ber):
    rramsim.export_tiles(network, tmp_path, tile="30x16")
    table, flips = flipped_by(network, table_of(tmp_path), rramsim.IidFaults(ber))
    chip = rramsim.read_back(network, written(table, tmp_path))
    validate(chip, "read_back")
    scored = rramsim.evaluate(network, [as_models(network, flips), rramsim.IidFaults(0)])
    assert [float(chip.accuracy), float(chip.clean_accuracy)] == scored.accuracy.values.tolist()
    assert chip.wrong_weights.values.tolist() == [one.size for one in flips]
    assert chip.errors.sel(group="all") == sum(one.size for one in flips)
    for number, positions in enumerate(flips, 1):
        of_layer = chip.flip_layer.values == number
        inputs = network.folded.layers[number - 1].matrix.shape[1]
        again = chip.flip_neuron.values * inputs + chip.flip_input.values
        assert np.array_equal(again[of_layer], positions)


def test_errors_are_counted_by_state_layer_tile_and_line(network, tmp_path):
    rramsim.export_tiles(network, tmp_path, tile="30x16")
    table, _ = flipped_by(network, table_of(tmp_path), rramsim.StateFaults(0.02, 0.1))
    chip = rramsim.read_back(network, written(table, tmp_path))
    programmed = table_of(tmp_path)
    wrong = programmed[programmed.bit != table.bit]
    counts = wrong.groupby(["layer", "bit"]).size().unstack()
    assert np.array_equal(chip.layer_errors.values, counts.values)
    assert chip.errors.values.tolist() == [*counts.sum().tolist(), len(wrong)]
    of_tiles = zip(chip.tile_layer.values, chip.tile_number.values, strict=True)
    expected = wrong.groupby(["layer", "tile"]).size()
    assert chip.tile_errors.values.tolist() == [expected.get(key, 0) for key in of_tiles]
    assert chip.tile_cells.sum() == len(table)
    for direction, column in (("word line", "word_line"), ("bit line", "bit_line")):
        is_one = chip.line_direction.values == direction
        names = (chip.line_layer, chip.line_tile, chip.line_number)
        keys = zip(*(name.values[is_one] for name in names), strict=True)
        expected = wrong.groupby(["layer", "tile", column]).size()
        assert chip.line_errors.values[is_one].tolist() == [expected.get(key, 0) for key in keys]
        assert chip.line_cells.values[is_one].sum() == len(table)
    cells = wrong.sort_values(["layer", "neuron", "input"])
    for name, column in (("cell_tile", "tile"), ("cell_bit_line", "bit_line")):
        assert chip[name].values.tolist() == cells[column].tolist()


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(1, 9), min_size=2, max_size=4),
    st.tuples(st.integers(1, 7), st.integers(1, 4)),
    st.sampled_from(["none", "2T2R", "secded(8,4)"]),
    st.data(),
)
def test_of_any_shape_the_weights_that_were_flipped_are_found(
    tmp_path_factory, widths, tile, protection, data
):
    folder = tmp_path_factory.mktemp("chip")
    folded = random_network(*widths)
    rramsim.export_tiles(folded, folder, tile=(tile[0], 2 * tile[1]), protection=protection)
    table = table_of(folder)
    weights = np.flatnonzero(table.role == "weight")
    hit = data.draw(st.sets(st.sampled_from(weights.tolist()), max_size=3))
    if protection.startswith("secded"):
        hit = set(list(hit)[:1])  # one wrong bit of a word is corrected
    table.loc[list(hit), "bit"] = 1 - table.bit[list(hit)]
    images = rramsim.load_images("digits")
    images = type(images)(
        **{
            **vars(images),
            "test_images": images.test_images[:5, : widths[0]],
            "train_images": images.train_images[:5, : widths[0]],
            "train_labels": images.train_labels[:5],
            "test_labels": images.test_labels[:5],
            "image_shape": (1, 1, widths[0]),
        }
    )
    chip = rramsim.read_back(folded, written(table, folder), images=images)
    assert chip.errors.sel(group="all") == len(hit)
    # A pair of equal bits is undecided and taken as wrong.
    left = [] if protection.startswith("secded") else sorted(hit)
    expected = table.loc[left, ["layer", "neuron", "input"]].astype(int)
    found = zip(*(chip[f"flip_{name}"].values for name in expected), strict=True)
    assert sorted(found) == sorted(expected.itertuples(index=False, name=None))


def test_a_code_corrects_what_it_can_and_what_is_left_is_planted(network, tmp_path):
    code = "secded(22,16)"
    rramsim.export_tiles(network, tmp_path, protection=code)
    table, _ = flipped_by(network, table_of(tmp_path), rramsim.IidFaults(0.01))
    chip = rramsim.read_back(network, written(table, tmp_path), expected=rramsim.IidFaults(0.01))
    # 40 errors of weights, few words with two of them.
    errors, left = int(chip.errors.sel(group="all")), int(chip.wrong_weights.sum())
    assert left < 0.5 * errors
    assert chip.cells.sel(group="all") == len(table)
    # It is the cells that are tested, not what the code leaves.
    assert chip.expected_ber.values.tolist() == pytest.approx([0.01] * 3)


def test_pairs_are_compared_by_resistance_without_a_reference(network, tmp_path):
    rramsim.export_tiles(network, tmp_path, protection="2T2R")
    table = table_of(tmp_path)
    rng = np.random.default_rng(1)
    resistance = np.where(table.bit == 1, 1e5, 5e3) * np.exp(0.1 * rng.standard_normal(len(table)))
    first = table.index[table.role == "weight"][3]
    second = table.index[
        (table.role == "complement")
        & (table.layer == table.layer[first])
        & (table.neuron == table.neuron[first])
        & (table.input == table.input[first])
    ][0]
    resistance[[first, second]] = resistance[[second, first]]
    reads = table[PLACES].assign(**{"resistance (kOhm)": resistance / 1e3})
    chip = rramsim.read_back(network, written(reads, tmp_path))
    assert int(chip.wrong_weights.sum()) == 1
    assert (int(chip.flip_neuron[0]), int(chip.flip_input[0])) == (
        table.neuron[first],
        table.input[first],
    )
    only_first = table[table.role == "weight"]
    (tmp_path / "reads.csv").unlink()
    chip = rramsim.read_back(network, written(only_first, tmp_path, "bits.csv"))
    assert float(chip.accuracy) == float(chip.clean_accuracy)


def test_resistances_are_read_against_the_reference(network, tmp_path):
    rramsim.export_tiles(network, tmp_path)
    table = table_of(tmp_path)
    reads = table[PLACES].assign(R=np.where(table.bit == 1, 30e3, 10e3))
    file = written(reads, tmp_path)
    for reference, errors in ((20e3, 0), ("20 kOhm", 0), ("30 kOhm", 0), ("31 kOhm", 1)):
        chip = rramsim.read_back(network, file, reference=reference)
        assert int(chip.errors.sel(group="HRS")) == errors * (table.bit == 1).sum()
        assert int(chip.errors.sel(group="LRS")) == 0
    with pytest.raises(InputError, match="--reference"):
        rramsim.read_back(network, file)


def test_of_repeated_reads_the_majority_counts_and_the_rest_is_told(network, tmp_path):
    rramsim.export_tiles(network, tmp_path)
    table = table_of(tmp_path)
    once, twice = table.copy(), table.copy()
    once.loc[[0, 1], "bit"] = 1 - table.bit[[0, 1]]
    twice.loc[[1, 2], "bit"] = 1 - table.bit[[1, 2]]
    chip = rramsim.read_back(network, written(pd.concat([table, once, twice]), tmp_path))
    assert int(chip.errors.sel(group="all")) == 1  # row 1 was wrong twice of three times
    assert int(chip.disagreeing.sum()) == 3
    assert int(chip.minority_reads.sum()) == 3
    assert int(chip.repeated.sum()) == len(table)
    assert int(chip.reads.sum()) == 3 * len(table)
    # As often wrong as right is wrong.
    chip = rramsim.read_back(network, written(pd.concat([table, once]), tmp_path))
    assert int(chip.errors.sel(group="all")) == 2


def test_cells_that_were_not_read_are_refused_or_taken_as_asked(network, tmp_path):
    rramsim.export_tiles(network, tmp_path)
    table = table_of(tmp_path)
    file = written(table.drop(index=[7, 9]), tmp_path)
    gone = table.loc[7]
    with pytest.raises(InputError, match=r"2 of 2,960 cells were not read") as refused:
        rramsim.read_back(network, file)
    assert f"word line {gone.word_line}, bit line {gone.bit_line};" in str(refused.value)
    kept = rramsim.read_back(network, file, missing="as-programmed")
    worst = rramsim.read_back(network, file, missing="worst")
    assert (int(kept.wrong_weights.sum()), int(worst.wrong_weights.sum())) == (0, 2)
    # No rate is taken from cells that nobody read.
    assert (int(worst.errors.sum()), int(worst.cells.sel(group="all"))) == (0, len(table) - 2)
    assert int(worst.missing.sum()) == 2


def test_the_images_of_netcdf_files_with_flips_are_read_too(network, tmp_path):
    manifest = rramsim.export_tiles(network, tmp_path / "tiles", cells=False)
    (tmp_path / "reads").mkdir()
    for layer in manifest["layers"]:
        with xr.open_dataset(tmp_path / "tiles" / layer["file"]) as opened:
            image = opened.load()
        if layer["layer"] == 2:
            image.bit[0, 3, 4] = 1 - image.bit[0, 3, 4]
        image.to_netcdf(tmp_path / "reads" / layer["file"])
    chip = rramsim.read_back(network, tmp_path / "reads", tiles=tmp_path / "tiles")
    names = ("flip_layer", "flip_neuron", "flip_input")
    assert [chip[name].values.tolist() for name in names] == [[2], [4], [3]]
    image.attrs["network_id"] = "another"
    image.to_netcdf(tmp_path / "reads" / "layer-2.nc")
    with pytest.raises(InputError, match=r"layer-2\.nc: was read from a chip of the network"):
        rramsim.read_back(network, tmp_path / "reads", tiles=tmp_path / "tiles")


def test_a_netcdf_file_may_hold_resistances_and_repeats_and_cells_that_were_never_read(
    network, tmp_path
):
    manifest = rramsim.export_tiles(network, tmp_path, cells=False)
    for layer in manifest["layers"]:
        with xr.open_dataset(tmp_path / layer["file"]) as opened:
            bits = opened.load().bit
        kilo_ohm = xr.where(bits == 1, 90.0, 9.0).where(bits != 255)
        twice = xr.concat([kilo_ohm, kilo_ohm], "read").rename("resistance")
        twice[1, 0, 2, 3] = np.nan
        twice.attrs["units"] = "kOhm"
        dataset = twice.to_dataset().assign_attrs(layer=layer["layer"])
        encoding = {"resistance": {"_FillValue": 9.9e36}}
        dataset.to_netcdf(tmp_path / f"read-{layer['layer']}.nc", encoding=encoding)
    chip = rramsim.read_back(network, tmp_path, reference="30 kOhm")
    assert int(chip.errors.sel(group="all")) == 0
    assert chip.reads.values.tolist() == [2 * 64 * 40 - 1, 2 * 40 * 10 - 1]


def test_tiles_of_another_network_or_changed_ones_are_refused(network, digits, tmp_path):
    rramsim.export_tiles(network, tmp_path)
    file = written(table_of(tmp_path), tmp_path)
    other = saved_network(random_network(64, 40, 10, seed=9), digits)
    with pytest.raises(InputError, match="give the model that was exported"):
        rramsim.read_back(other, file)
    with (tmp_path / "layer-2.nc").open("ab") as opened:
        opened.write(b"0")
    with pytest.raises(InputError, match=r"layer-2\.nc: is not the file that rramsim export wrote"):
        rramsim.read_back(network, file)
    with pytest.raises(InputError, match=r"manifest\.json: cannot be read"):
        rramsim.read_back(network, file, tiles=tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"format": 1},
            r"manifest\.json: format is 1 \(written by rramsim .*\); rramsim .* reads 2",
        ),
        ({"format": "1"}, r"manifest\.json: format is '1'"),
        ({"format": None}, r"\(format is missing\)"),
        ({"rramsim_version": None}, r"\(rramsim_version is missing\)"),
        ({"rramsim_version": 3}, r"manifest\.json: rramsim_version is 3; the version that"),
        ({"checksum": None}, r"\(checksum is missing\)"),
        ({"tile": None}, r"manifest\.json: was changed after rramsim export wrote it"),
        ({"protection": "2T2R"}, r"manifest\.json: was changed after rramsim export wrote it"),
        ({"tile": {"word_lines": 64, "bit_lines": 128}}, r"manifest\.json: was changed"),
        ({"sha256": {}}, r"manifest\.json: was changed after rramsim export wrote it"),
    ],
)
def test_a_manifest_of_another_format_or_of_none_is_refused(network, tmp_path, changed, message):
    manifest = rramsim.export_tiles(network, tmp_path)
    file = written(table_of(tmp_path), tmp_path)
    kept = {name: value for name, value in (manifest | changed).items() if value is not None}
    (tmp_path / "manifest.json").write_text(json.dumps(kept))
    with pytest.raises(InputError, match=message):
        rramsim.read_back(network, file)


def test_chips_drawn_as_expected_are_those_of_evaluate(network, tmp_path):
    rramsim.export_tiles(network, tmp_path)
    table, _ = flipped_by(network, table_of(tmp_path), rramsim.IidFaults(0.03))
    file, expected = written(table, tmp_path), rramsim.StateFaults(0.02, 0.04)
    chip = rramsim.read_back(network, file, expected=expected, chips=7, seed=3)
    band = rramsim.evaluate(network, expected, chips=7, seed=3)
    for name in ("accuracy", "accuracy_low", "accuracy_high", "accuracy_p05"):
        assert float(chip[f"predicted_{name}"]) == float(band[name][0])
    assert chip.sizes["predicted_chip"] == 7
    assert float(chip.predicted_chip_accuracy.mean()) == pytest.approx(float(band.accuracy[0]))
    alone = rramsim.read_back(network, file, expected=expected)
    assert alone.sizes["predicted_chip"] == 0
    assert np.isnan(float(alone.predicted_accuracy))
    with pytest.raises(InputError, match="chips was given without expected"):
        rramsim.read_back(network, file, chips=7)
    with pytest.raises(InputError, match=r"chips is -1; accepted: a whole number from 0 on"):
        rramsim.read_back(network, file, expected=expected, chips=-1)


def test_rates_that_few_cells_leave_open_do_not_make_a_chip_strange(network, tmp_path):
    # 60 cells a state: a chip that errs 1.5 times as often is well within what they allow.
    rng = np.random.default_rng(2)
    rows = [
        {"condition": "a", "state": state, "cell": cell, "R (kOhm)": np.exp(rng.normal(mu, 0.5))}
        for state, mu in (("LRS", 2.0), ("HRS", 3.9))
        for cell in range(60)
    ]
    fit = rramsim.fit(pd.DataFrame(rows))
    rates = fit.rates_left_open("a")
    rramsim.export_tiles(network, tmp_path)
    planted = rramsim.StateFaults(*(1.5 * rate for rate in rates.estimate))
    table, _ = flipped_by(network, table_of(tmp_path), planted)
    chip = rramsim.read_back(
        network, written(table, tmp_path), expected=fit.faults("a"), rates_left_open=rates
    )
    whole = chip.sel(group="all")
    assert float(whole.p_value) < 0.05 < float(whole.p_value_left_open)
    low, high = float(whole.expected_ber_low), float(whole.expected_ber_high)
    assert low < float(whole.expected_ber) < float(whole.ber) < high
    exact = rramsim.read_back(network, tmp_path / "reads.csv", expected=fit.faults("a"))
    assert np.isnan(exact.p_value_left_open).all()
    assert np.array_equal(exact.p_value, chip.p_value)


def test_layers_and_lines_have_rates_beside_those_of_chance(network, tmp_path):
    rramsim.export_tiles(network, tmp_path, tile="30x16")
    table, _ = flipped_by(network, table_of(tmp_path), rramsim.StateFaults(0.02, 0.1))
    is_broken = (table.layer == 1) & (table.tile == 1) & (table.bit_line == 3)
    table.loc[is_broken, "bit"] = 1 - table_of(tmp_path).bit[is_broken]
    chip = rramsim.read_back(
        network, written(table, tmp_path), expected=rramsim.StateFaults(0.02, 0.1)
    )
    counts = chip.layer_errors / chip.layer_cells
    assert np.array_equal(chip.layer_ber, counts)
    assert bool(((chip.layer_ber_low < counts) & (counts < chip.layer_ber_high)).all())
    # Of all places of a layer chance gives as many errors as there are.
    for of in ("tile", "line"):
        by_chance = (chip[f"{of}_chance_ber"] * chip[f"{of}_cells"]).values
        times = 1 if of == "tile" else 2  # a cell is on a word line and on a bit line
        for layer in (1, 2):
            is_here = chip[f"{of}_layer"].values == layer
            errors = int(chip.layer_errors.sel(layer=layer).sum())
            assert by_chance[is_here].sum() == pytest.approx(times * errors)
    worst = int(chip.line_p_value.values.argmin())
    place = [str(chip[f"line_{name}"].values[worst]) for name in ("layer", "tile", "number")]
    assert place == ["1", "1", "3"]
    assert float(chip.line_p_value[worst]) * chip.sizes["line"] < 1e-6


ROW = "1,0,0,0,1\n"
HEADER = "layer,tile,word_line,bit_line,bit\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + ROW + "1,0,0,1,2\n", "reads.csv, row 3: the bit is 2; accepted are 0"),
        (HEADER + ROW + "1,0,x,1,0\n", "reads.csv, row 3: word_line is 'x'"),
        (HEADER + ROW + "1,0,0.5,1,0\n", "reads.csv, row 3: word_line is 0.5; a whole number"),
        (HEADER + ROW + "1,1,0,0,1\n", "reads.csv, row 3: layer 1, tile 1, word line 0, bit line"),
        (HEADER + "1,0,64,0,1\n", "reads.csv, row 2: layer 1, tile 0, word line 64"),
        (HEADER + "1,0,0,-1,1\n", "reads.csv, row 2: layer 1, tile 0, word line 0, bit line -1"),
        (HEADER + "3,0,0,0,1\n", "reads.csv, row 2: layer 3 was found; the network has layers 1"),
        (HEADER + ROW + "1,0,0,0,1,5\n", "reads.csv: cannot be read as a table"),
        ("layer,tile,word_line,bit_line,die,bit\n", "row 1: the column 'die' is not known"),
        ("layer,tile,word_line,bit\n", "row 1: the column bit_line is missing"),
        ("tile,word_line,bit_line,bit\n", "row 1: the column layer is missing"),
        ("layer,tile,wl,bl\n", "row 1: the column bit (or resistance) is missing"),
        (HEADER.replace("\n", ",R\n"), "row 1: has bits and resistances"),
        (HEADER.replace("bit\n", "R (kOhm)\n") + "1,0,0,0,-3\n", "row 2: the resistance is -3000"),
        (HEADER.replace("bit\n", "R (V)\n") + ROW, "reads.csv, row 1: 'V' is not a unit"),
        (HEADER + "1e30,0,0,0,1\n", "reads.csv, row 2: layer is"),
        ("", "reads.csv: is empty"),
    ],
)
def test_what_cannot_be_used_is_told_with_file_and_row(network, tmp_path, text, message):
    rramsim.export_tiles(network, tmp_path)
    (tmp_path / "reads.csv").write_text(text)
    with pytest.raises(InputError) as refused:
        rramsim.read_back(network, tmp_path / "reads.csv")
    assert message in str(refused.value)


def test_expected_rates_are_tested_by_state(network, tmp_path):
    rramsim.export_tiles(network, tmp_path)
    table, _ = flipped_by(network, table_of(tmp_path), rramsim.StateFaults(0.0, 0.05))
    file = written(table, tmp_path)
    right = rramsim.read_back(network, file, expected=rramsim.StateFaults(0.0, 0.05))
    wrong = rramsim.read_back(network, file, expected=rramsim.StateFaults(0.05, 0.0))
    assert (right.p_value > 0.05).all()
    assert (wrong.p_value.sel(group=["LRS", "HRS"]) < 1e-9).all()
    assert np.isnan(rramsim.read_back(network, file).p_value).all()
    with pytest.raises(InputError, match=r"protected by 2T2R"):
        rramsim.read_back(
            network, file, expected=rramsim.protect(rramsim.IidFaults(0.1), "2T2R(ber=0.1)")
        )


def test_errors_on_one_bit_line_are_found_to_gather_there_and_not_on_word_lines(network, tmp_path):
    rramsim.export_tiles(network, tmp_path)
    table = table_of(tmp_path)
    on_line = (table.layer == 1) & (table.bit_line == 3) & (table.word_line < 20)
    table.loc[on_line, "bit"] = 1 - table.bit[on_line]
    chip = rramsim.read_back(network, written(table, tmp_path))
    ratio, chance = chip.variance_ratio, chip.cluster_p_value
    assert ratio.sel(direction="bit line") > 5
    assert chance.sel(direction="bit line") == pytest.approx(1 / 1000)
    assert ratio.sel(direction="word line") < 1
    assert chance.sel(direction="word line") > 0.05
    worst = int(chip.line_errors.values.argmax())
    assert str(chip.line_direction.values[worst]) == "bit line"
    assert (int(chip.line_number[worst]), int(chip.line_errors[worst])) == (3, 20)
