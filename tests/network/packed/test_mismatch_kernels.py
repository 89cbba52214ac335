import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rramsim.bits import IMAGES, NEURONS, unpack_rows
from rramsim.network.packed import mismatch_kernels as tile


def _plain(images: np.ndarray, weights: np.ndarray, planes: int) -> np.ndarray:
    """Count mismatches one image, one neuron, one word at a time."""
    panels, words, neurons = weights.shape
    found = np.zeros((images.shape[0], panels * neurons), dtype=np.int64)
    for image, row in enumerate(images.reshape(-1, planes, words).tolist()):
        for neuron in range(panels * neurons):
            column = weights[neuron // neurons, :, neuron % neurons].tolist()
            for place, plane in enumerate(row):
                mismatches = sum((a ^ b).bit_count() for a, b in zip(plane, column, strict=True))
                found[image, neuron] += mismatches << (planes - 1 - place)
    return found


def _random(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 2**64, shape, dtype=np.uint64)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    tiles=st.integers(1, 3),
    planes=st.integers(1, 8),
    words=st.integers(1, 5),
    panels=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_kernels_equal_a_plain_count(tiles, planes, words, panels, seed):
    rng = np.random.default_rng(seed)
    images = _random((tiles * IMAGES, planes * words), rng)
    weights = _random((panels, words, NEURONS), rng)
    expected = _plain(images, weights, planes)
    counts = np.full(expected.shape, -1, dtype=np.int32)
    tile.count(images, weights, planes, counts)
    assert np.array_equal(counts, expected)
    # Limits that some image meets exactly, and some beyond what can be.
    limits = expected[rng.integers(0, len(images)), np.arange(expected.shape[1])]
    limits[rng.random(limits.size) < 0.2] = -1
    limits[rng.random(limits.size) < 0.2] = 2**40
    fired = np.zeros((len(images), (panels + 1) // 2), dtype=np.uint64)
    tile.fire(images, weights, planes, limits, fired)
    assert np.array_equal(unpack_rows(fired, columns=expected.shape[1]), expected <= limits)


_COMPUTE = """
import json, sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from chip_networks import random_images, random_network
from rramsim.network.scoring.evaluator import Evaluator
from rramsim.network.packed import mismatch_kernels as tile

network = random_network(70, 90, 130, 7)
evaluator = Evaluator(network, random_images(41, 70), np.zeros(41, dtype=np.uint8))
found = []
for ber in (0.0, 0.001, 0.1):
    rng = np.random.default_rng(3)
    flips = [np.flatnonzero(rng.random(layer.signs.size) < ber) for layer in network.layers]
    found.append(evaluator.predictions(flips).tolist())
stats = [kernel.stats for kernel in (tile.fire, tile.count)]
loaded = [sum(one.cache_hits.values()) for one in stats]
compiled = [sum(one.cache_misses.values()) for one in stats]
print(json.dumps({"found": found, "loaded": loaded, "compiled": compiled}))
"""


def _computed(cache: Path, **settings: str) -> dict[str, list]:
    # -P: the folder of this test is not searched for modules.
    command = [sys.executable, "-P", "-c", _COMPUTE, str(Path(__file__).parents[2])]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), **settings}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_second_process_finds_compiled_kernels_and_narrow_processors_agree(tmp_path):
    first, second = _computed(tmp_path), _computed(tmp_path)
    assert (first["loaded"], first["compiled"]) == ([0, 0], [1, 1])
    assert (second["loaded"], second["compiled"]) == ([1, 1], [0, 0])
    assert first["found"] == second["found"]
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        pytest.skip("the features of a narrower processor are named for x86-64 only")
    narrow = _computed(
        tmp_path,
        NUMBA_CPU_NAME="haswell",
        NUMBA_CPU_FEATURES="+avx2,+avx,+bmi,+bmi2,+popcnt,+sse4.2,+sse4.1,+ssse3,+sse3,+fma",
    )
    assert narrow["compiled"] == [1, 1]
    assert narrow["found"] == first["found"]
