import json
import pickle

import numpy as np
import pytest
from safetensors.numpy import save_file

from rramsim.errors import InputError
from rramsim.network.folded.fold import BatchNorm
from rramsim.network.folded.network import FoldedLayer, FoldedNetwork, ScoreLayer, arrays_of
from rramsim.network.model_files import SavedNetwork, load_network, save_network
from rramsim.network.tensor_files import read_arrays, write_arrays

RECORD = {
    "training_ber": 0.05,
    "accuracy": 0.9,
    "epochs": 3,
    "seed": 1,
    "images": "digits",
    "images_id": "0" * 64,
    "settings": {"network": "6-4-3"},
    "history": [[1.0, 0.9]],
    "version": "0",
}


@pytest.fixture
def folded():
    rng = np.random.default_rng(0)
    signs = np.array([-1, 1], dtype=np.int8)
    hidden = FoldedLayer(
        signs=rng.choice(signs, (4, 6)),
        thresholds=rng.integers(-9, 9, 4),
        directions=rng.choice(signs, 4),
    )
    output = ScoreLayer(
        signs=rng.choice(signs, (3, 4)),
        scale=rng.normal(size=3).astype(np.float32),
        offset=rng.normal(size=3).astype(np.float32),
    )
    return FoldedNetwork((hidden, output))


@pytest.fixture
def file(folded, tmp_path):
    path = tmp_path / "model.safetensors"
    save_network(path, SavedNetwork(folded, RECORD))
    return path


def test_a_network_comes_back_as_it_was(file, folded):
    saved = load_network(file)
    assert saved.folded.content_id == folded.content_id
    assert str(saved.folded) == "6-4-3"
    assert {name: saved.metadata[name] for name in RECORD} == RECORD


def test_a_notebook_shows_a_network_as_a_table(folded):
    html = SavedNetwork(folded, RECORD | {"images": "<mine>", "epochs": None})._repr_html_()
    assert "<tr><th>layers</th><td>6-4-3</td></tr>" in html
    assert "<tr><th>training BER</th><td>0.05</td></tr>" in html
    assert "<tr><th>accuracy without bit errors</th><td>0.9</td></tr>" in html
    assert "<tr><th>images</th><td>&lt;mine&gt;</td></tr>" in html
    assert "epochs" not in html


def test_the_same_network_gives_the_same_file(file, folded, tmp_path):
    save_network(tmp_path / "again.safetensors", SavedNetwork(folded, RECORD))
    assert (tmp_path / "again.safetensors").read_bytes() == file.read_bytes()


def _norms():
    rng = np.random.default_rng(1)
    return [BatchNorm(*rng.normal(size=(4, neurons)).astype(np.float32)) for neurons in (4, 3)]


def test_batch_norms_come_back_as_they_were(file, folded):
    assert load_network(file).norms == ()
    save_network(file, SavedNetwork(folded, RECORD, _norms()))
    for found, norm in zip(load_network(file).norms, _norms(), strict=True):
        for name, value in vars(norm).items():
            assert np.array_equal(getattr(found, name), value)


@pytest.mark.parametrize("value", [None, np.ones(2, np.float32), np.ones(3, np.float64)])
def test_a_batch_norm_that_does_not_fit_is_told(file, folded, value):
    save_network(file, SavedNetwork(folded, RECORD, _norms()))
    arrays, record = read_arrays(file, kind="folded network")
    arrays["1.batch_norm.beta"] = value
    arrays = {name: array for name, array in arrays.items() if array is not None}
    write_arrays(file, arrays, kind="folded network", record=record)
    with pytest.raises(InputError, match=r"model\.safetensors: this model file is damaged .*beta"):
        load_network(file)


def test_every_cut_is_told(file):
    whole = file.read_bytes()
    for length in (0, 4, 8, 60, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"model\.safetensors"):
            load_network(file)


def test_a_changed_weight_is_told(file):
    content = bytearray(file.read_bytes())
    at = content.rindex(b"\xff")
    content[at] = 1
    file.write_bytes(bytes(content))
    with pytest.raises(InputError, match=r"not those that were saved|damaged"):
        load_network(file)


def test_foreign_files_are_told(tmp_path, folded):
    path = tmp_path / "model.safetensors"
    with pytest.raises(InputError, match="no such file"):
        load_network(path)
    path.write_bytes(pickle.dumps({"weights": [1, 2, 3]}))
    with pytest.raises(InputError, match="not a whole safetensors file"):
        load_network(path)
    save_file({"weight": np.zeros(3)}, path)
    with pytest.raises(InputError, match="not one of rramsim's"):
        load_network(path)
    for text in ("[1]", "null", "{", '{"layers": 1}'):
        save_file({"weight": np.zeros(3)}, path, metadata={"rramsim": text})
        with pytest.raises(InputError, match="not one of rramsim's"):
            load_network(path)
    save_file({"a": np.zeros(3)}, path, metadata={"rramsim": '{"kind": "checkpoint"}'})
    with pytest.raises(InputError, match="holds a checkpoint of rramsim"):
        load_network(path)


@pytest.mark.parametrize("name", sorted(RECORD))
def test_a_record_with_a_part_missing_or_of_another_type_is_told(file, folded, name):
    layers = {"layers": 2, "network_id": folded.content_id, "kind": "folded network"}
    other = None if name == "settings" else {}
    for record in ({k: v for k, v in RECORD.items() if k != name}, {**RECORD, name: other}):
        arrays = {
            f"{number}.{key}": array
            for number, layer in enumerate(folded.layers)
            for key, array in arrays_of(layer).items()
            if key != "content_id"
        }
        save_file(arrays, file, metadata={"rramsim": json.dumps({**record, **layers})})
        with pytest.raises(InputError, match=f"damaged .*lacks '{name}'"):
            load_network(file)
    with pytest.raises(ValueError, match=name):
        save_network(file, SavedNetwork(folded, {**RECORD, name: other}))


@pytest.mark.parametrize("name", ["training_ber", "epochs", "seed"])
def test_what_is_not_known_of_a_training_is_null(file, folded, name):
    save_network(file, SavedNetwork(folded, {**RECORD, name: None}))
    assert load_network(file).metadata[name] is None
    with pytest.raises(ValueError, match=name):
        save_network(
            file, SavedNetwork(folded, {key: value for key, value in RECORD.items() if key != name})
        )


def test_a_missing_layer_is_told(file, folded):
    arrays = {"0.signs": folded.layers[0].signs}
    record = {**RECORD, "layers": 2, "network_id": folded.content_id, "kind": "folded network"}
    save_file(arrays, file, metadata={"rramsim": json.dumps(record)})
    with pytest.raises(InputError, match="damaged"):
        load_network(file)


def test_means_of_first_layer_sums_are_told_in_their_spreads(folded):
    """By hand: 3 and -4 spreads are 3.54 in the root mean square; a constant neuron has none."""

    def norm(mean, variance):
        ones = np.ones(len(mean), dtype=np.float32)
        return BatchNorm(ones, ones, np.float32(mean), np.float32(variance))

    first = norm([6.0, -2.0, 9.0, 0.0], [4.0, 0.25, 0.0, 1e-12])
    found = SavedNetwork(folded, RECORD, (first, norm([0.0] * 3, [1.0] * 3)))
    assert found.mean_over_spread == pytest.approx(np.sqrt((9 + 16) / 2))
    assert SavedNetwork(folded, RECORD).mean_over_spread is None
    dead = norm([1.0] * 4, [0.0] * 4)
    assert SavedNetwork(folded, RECORD, (dead,)).mean_over_spread is None
