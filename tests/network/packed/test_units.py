"""Every unit against sums of whole numbers, and the choice among them."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chip_networks import naive_predictions, random_images, random_network
from hypothesis import given, settings
from hypothesis import strategies as st

from rramsim.bits import IMAGES, NEURONS, pack_rows, unpack_rows
from rramsim.errors import InputError
from rramsim.network.packed import units
from rramsim.network.packed.layers import panels_of
from rramsim.network.scoring.evaluator import Evaluator

NAMES = ("popcount", "shuffle", "lookup", "vnni", "amx")
OF_SIGNS = ("popcount", "shuffle", "amx")


def unit_of(name):
    if name not in units.names():
        pytest.skip(f"this processor has no {name}: {', '.join(units.names())}")
    return units.named(name)


def _check(unit, codes, positive, planes, rng):
    """Compare a layer with whole numbers: (2^planes - 1 - x) where a weight is +1, else x."""
    greatest = 2**planes - 1
    neurons = len(positive)
    panels = -(-neurons // NEURONS)
    padded = np.zeros((panels * NEURONS, positive.shape[1]), dtype=np.int64)
    padded[:neurons] = positive
    wide = codes.astype(np.int64)
    expected = wide @ (1 - padded.T) + (greatest - wide) @ padded.T
    weights = panels_of(pack_rows(positive))
    inputs = unit.inputs(codes, planes)
    counts = np.full((len(inputs), panels * NEURONS), -1, dtype=np.int32)
    unit.count(inputs, weights, planes, counts)
    assert np.array_equal(counts[: len(codes)], expected)
    # Limits that some image meets exactly, some that it misses by one, some beyond all sums.
    limits = expected[rng.integers(0, len(codes), panels * NEURONS), np.arange(panels * NEURONS)]
    limits -= rng.random(limits.size) < 0.3
    limits[rng.random(limits.size) < 0.1] = -(2**40)
    limits[rng.random(limits.size) < 0.1] = 2**40
    limits[neurons:] = -1
    fired = np.zeros((len(inputs), units.words_for(neurons)), dtype=np.uint64)
    unit.fire(inputs, weights, planes, limits, fired)
    shown = unpack_rows(fired, columns=neurons)[: len(codes)]
    assert np.array_equal(shown, expected[:, :neurons] <= limits[:neurons])


def unit_of_signs(name, inputs, neurons):
    with pytest.MonkeyPatch.context() as patch:
        unit_of(name)
        patch.setenv("RRAMSIM_KERNEL", name)
        unit = units.for_signs(inputs, neurons)
    assert unit.name == name
    return unit


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_SIGNS)
@settings(max_examples=60, deadline=None)
@given(
    images=st.integers(1, 3 * IMAGES),
    inputs=st.one_of(st.integers(1, 300), st.sampled_from([251, 252, 253, 256, 1024, 4096])),
    neurons=st.one_of(st.integers(1, 4), st.sampled_from([31, 32, 33, 64, 127, 128, 129, 300])),
    of_pixels=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_unit_counts_signs_as_whole_numbers_do(name, images, inputs, neurons, of_pixels, seed):
    rng = np.random.default_rng(seed)
    codes = (rng.random((images, inputs)) < of_pixels).astype(np.uint8)
    # All weights equal reach the greatest sums.
    share = rng.choice([0.0, 0.5, 1.0], (neurons, 1))
    unit = unit_of_signs(name, inputs, neurons)
    _check(unit, codes, rng.random((neurons, inputs)) < share, 1, rng)


@pytest.mark.parametrize("name", OF_SIGNS)
@pytest.mark.parametrize("inputs", [252, 32_767])
def test_sums_of_very_many_signs_do_not_overflow(name, inputs):
    rng = np.random.default_rng(2)
    codes = np.array([np.zeros(inputs), np.ones(inputs), rng.random(inputs) < 0.5], dtype=np.uint8)
    positive = np.array([np.zeros(inputs), np.ones(inputs), rng.random(inputs) < 0.5]) > 0
    _check(unit_of_signs(name, inputs, 3), codes, positive, 1, rng)


def test_signs_of_more_inputs_than_16_bits_hold_go_by_popcount(monkeypatch):
    unit_of("shuffle")
    monkeypatch.setenv("RRAMSIM_KERNEL", "shuffle")
    assert units.for_signs(32_768, 4096).name == "popcount"
    assert units.for_signs(32_767, 4096).name == "shuffle"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(
    images=st.integers(1, 3 * IMAGES),
    planes=st.integers(1, 8),
    inputs=st.one_of(st.integers(1, 300), st.sampled_from([60, 63, 64, 65, 255, 256, 784, 3072])),
    neurons=st.one_of(st.integers(1, 4), st.sampled_from([31, 32, 33, 64, 127, 128, 129, 300])),
    extreme=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_unit_counts_what_whole_numbers_do(name, images, planes, inputs, neurons, extreme, seed):
    rng = np.random.default_rng(seed)
    values = [0, 2**planes - 1] if extreme else np.arange(2**planes)
    codes = rng.choice(np.array(values, dtype=np.uint8), (images, inputs))
    # All weights equal reach the greatest sums.
    share = rng.choice([0.0, 0.5, 1.0], (neurons, 1))
    _check(unit_of(name), codes, rng.random((neurons, inputs)) < share, planes, rng)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("inputs", [32_767, 33_000, 65_536])
def test_sums_of_very_many_inputs_do_not_overflow(name, inputs):
    rng = np.random.default_rng(2)
    codes = np.full((3, inputs), 255, dtype=np.uint8)
    codes[1] = rng.integers(0, 256, inputs)
    codes[2] = 0
    positive = np.array([np.zeros(inputs), np.ones(inputs), rng.random(inputs) < 0.5]) > 0
    _check(unit_of(name), codes, positive, 8, rng)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("signed_levels", [None, 16])
def test_a_named_unit_scores_a_network(name, signed_levels, monkeypatch):
    from dataclasses import replace

    unit_of(name)
    monkeypatch.setenv("RRAMSIM_KERNEL", name)
    network = replace(random_network(65, 129, 33, 7), signed_levels=signed_levels)
    images = random_images(41, 65)
    evaluator = Evaluator(network, images, np.zeros(41, dtype=np.uint8))
    assert evaluator._network.unit.name == name
    rng = np.random.default_rng(3)
    values = images.astype(np.int64) if signed_levels is None else 2 * images.astype(int) - 16
    for ber in (0.0, 0.01, 0.5):
        flips = [np.flatnonzero(rng.random(layer.signs.size) < ber) for layer in network.layers]
        assert np.array_equal(
            evaluator.predictions(flips), naive_predictions(network, values, flips)
        )


@pytest.mark.parametrize("name", OF_SIGNS)
@pytest.mark.parametrize("widths", [(65, 130, 200, 11), (9, 33, 3)])
def test_many_chips_in_one_pass_are_scored_as_one_by_one_by_every_unit(name, widths, monkeypatch):
    unit_of(name)
    monkeypatch.setenv("RRAMSIM_KERNEL", name)
    network, images = random_network(*widths), random_images(41, widths[0])
    rng = np.random.default_rng(5)
    masks = [
        pack_rows(rng.random((3 * len(layer.signs), layer.signs.shape[1])) < 0.1).reshape(
            3, len(layer.signs), -1
        )
        for layer in network.layers
    ]
    labels = naive_predictions(network, images, [of_layer[0] for of_layer in masks])
    evaluator = Evaluator(network, images, labels)
    assert evaluator._network.clean[1].unit.name == name
    together = evaluator.right_together(masks)
    assert together[0].all()
    assert not together[1:].all()
    for number, is_right in enumerate(together):
        expected = naive_predictions(network, images, [of_layer[number] for of_layer in masks])
        assert np.array_equal(is_right, expected == labels)


@pytest.mark.parametrize("name", ["amx", "Popcount", "fast"])
def test_a_unit_that_is_not_there_is_refused_with_those_that_are(name, monkeypatch):
    if name in units.names():
        pytest.skip(f"this processor has {name}")
    monkeypatch.setenv("RRAMSIM_KERNEL", name)
    network, images = random_network(5, 6, 2), random_images(3, 5)
    with pytest.raises(InputError, match=f"RRAMSIM_KERNEL is '{name}'; on this .*popcount"):
        Evaluator(network, images, np.zeros(3, dtype=np.uint8))


@pytest.mark.parametrize("neurons", [10, 4096])
def test_black_and_white_pixels_go_as_signs_do_and_bytes_by_what_takes_fewer_operations(neurons):
    of_signs = units.for_signs(784, neurons)
    assert units.for_pixels(784, neurons, 1).name == of_signs.name
    assert of_signs.operations(784, neurons, 1) <= units.POPCOUNT.operations(784, neurons, 1)
    of_bytes = units.for_pixels(784, neurons, 8)
    names = [name for name in units.names() if name != "amx"]
    operations = {name: units.named(name).operations(784, neurons, 8) for name in names}
    assert of_bytes.name == "amx" or operations[of_bytes.name] == min(operations.values())


def test_tiles_are_taken_for_large_layers_where_they_were_faster(monkeypatch):
    unit_of("amx")
    for gain in (0.9, 1.5):
        monkeypatch.setattr(units, "_gain_of_tiles", lambda name, planes, gain=gain: gain)
        assert (units.for_signs(784, 4096).name == "amx") == (gain > 1)
        assert (units.for_signs(1152, 128, used=0.7).name == "amx") == (gain > 1)
        assert (units.for_pixels(784, 4096, 8).name == "amx") == (gain > 1)
        assert units.for_signs(1152, 128, used=0.6).name != "amx"
        assert units.for_signs(784, 10).name != "amx"


def test_tiles_are_taken_for_a_convolution_by_the_rows_of_them_that_it_uses(monkeypatch):
    monkeypatch.delenv("RRAMSIM_KERNEL", raising=False)
    monkeypatch.setattr(units, "names", lambda: ["popcount", "amx"])
    monkeypatch.setattr(units, "_amx_of_signs", lambda: replace(units.POPCOUNT, name="amx"))
    monkeypatch.setattr(units, "_gain_of_tiles", lambda name, planes: 1.5)
    assert units.for_signs(1152, 128, used=0.7).name == "amx"
    assert units.for_signs(1152, 128, used=0.6).name == "popcount"


def test_processors_of_256_bits_count_signs_by_look_ups_where_neurons_are_many():
    if units.names() != ["popcount", "shuffle"]:
        pytest.skip("this processor has AVX-512, or no AVX2")
    assert units.for_signs(4096, 4096).name == "shuffle"
    assert units.for_signs(4096, 10).name == "popcount"
    assert units.for_pixels(784, 4096, 8).name == "shuffle"


_COMPUTE = """
import json, sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from chip_networks import random_images, random_network
from rramsim.network.scoring.evaluator import Evaluator
from rramsim.network.packed.unit_kernels import popcount_kernels as tile
from rramsim.network.packed import units

network = random_network(70, 290, 130, 7)
evaluator = Evaluator(network, random_images(41, 70), np.zeros(41, dtype=np.uint8))
found = []
for ber in (0.0, 0.001, 0.1):
    rng = np.random.default_rng(3)
    flips = [np.flatnonzero(rng.random(layer.signs.size) < ber) for layer in network.layers]
    found.append(evaluator.predictions(flips).tolist())
stats = [kernel.ready().stats for kernel in (tile.fire, tile.count)]
loaded = [sum(one.cache_hits.values()) for one in stats]
compiled = [sum(one.cache_misses.values()) for one in stats]
names = {"unit": evaluator._network.unit.name, "units": units.names()}
print(json.dumps({"found": found, "loaded": loaded, "compiled": compiled, **names}))
"""


def _computed(cache: Path, **settings: str) -> dict[str, list]:
    # -P: the folder of this test is not searched for modules.
    command = [sys.executable, "-P", "-c", _COMPUTE, str(Path(__file__).parents[2])]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), **settings}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


_OLD = "+popcnt,+sse4.2,+sse4.1,+ssse3,+sse3"
_NARROW = "+avx2,+avx,+bmi,+bmi2,+popcnt,+sse4.2,+sse4.1,+ssse3,+sse3,+fma"


@pytest.mark.slow
def test_a_second_process_finds_compiled_kernels_and_narrow_processors_agree(tmp_path):
    first, second = _computed(tmp_path), _computed(tmp_path)
    assert (first["loaded"], first["compiled"]) == ([0, 0], [1, 1])
    assert (second["loaded"], second["compiled"]) == ([1, 1], [0, 0])
    assert first["found"] == second["found"]
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        pytest.skip("the features of a narrower processor are named for x86-64 only")
    narrow = _computed(tmp_path, NUMBA_CPU_NAME="haswell", NUMBA_CPU_FEATURES=_NARROW)
    assert narrow["compiled"] == [1, 1]
    assert narrow["found"] == first["found"]
    assert narrow["units"] == ["popcount", "shuffle"]
    old = _computed(tmp_path, NUMBA_CPU_NAME="nehalem", NUMBA_CPU_FEATURES=_OLD)
    assert old["found"] == first["found"]
    assert old["units"] == ["popcount"]


@pytest.mark.slow
def test_products_of_256_bits_give_the_same(tmp_path):
    unit_of("vnni")
    if "avxvnni" not in units.processor().features:
        pytest.skip("this processor has no AVX-VNNI")
    narrow = _computed(
        tmp_path,
        NUMBA_CPU_NAME="alderlake",
        NUMBA_CPU_FEATURES=f"{_NARROW},+avxvnni",
        RRAMSIM_KERNEL="vnni",
    )
    wide = _computed(tmp_path)
    assert narrow["units"] == ["popcount", "shuffle", "vnni"]
    assert narrow["unit"] == "vnni"
    assert narrow["found"] == wide["found"]
