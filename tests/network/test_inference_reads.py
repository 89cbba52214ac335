"""How often an inference reads each weight: against counts by hand and those of multiply-adds."""

import math

import numpy as np
import pytest

from rramsim.errors import InputError
from rramsim.network.folded.network import (
    FoldedConvolution,
    FoldedLayer,
    FoldedNetwork,
    ScoreLayer,
)
from rramsim.network.inference_reads import reads_of_network, reads_of_shape
from rramsim.network.shape import NetworkShape


def _signs(*shape, seed=1):
    return np.random.default_rng(seed).choice(np.array([-1, 1], dtype=np.int8), size=shape)


def _neurons(count):
    return np.zeros(count, dtype=np.int64), np.ones(count, dtype=np.int8)


def _scores(signs, average=(1, 1)):
    ones = np.ones(len(signs), dtype=np.float32)
    return ScoreLayer(signs, ones, ones, average)


@pytest.fixture(scope="module")
def convolutional():
    """Filters on 3x9x8 images: 9 x 8 places, pooled to 4 x 4; a stride; then windows of 2 x 2."""
    first = FoldedConvolution(_signs(5, 3, 3, 3), *_neurons(5), pool=True)
    second = FoldedConvolution(
        _signs(7, 5, 1, 1, seed=2), *_neurons(7), pool=False, stride=(1, 2), padding=(0, 1)
    )
    # Of 4 x 4: rows 4, columns (4 + 2 - 1) // 2 + 1 = 3; windows of 2 x 3.
    return FoldedNetwork((first, second, _scores(_signs(10, 14, seed=3), (2, 3))), (3, 9, 8))


def test_fully_connected_layers_are_read_once_and_the_first_for_each_bit_plane():
    hidden = FoldedLayer(_signs(6, 64), *_neurons(6))
    reads = reads_of_network(FoldedNetwork((hidden, _scores(_signs(10, 6)))), pixel_bits=5)
    assert reads["reads"].values.tolist() == [5, 1]
    assert reads["counts"].values.tolist() == [5, 1]
    assert reads["minus_weights"].values.tolist() == [
        np.sum(hidden.signs < 0),
        np.sum(_signs(10, 6) < 0),
    ]
    assert (reads["minus_weights"] + reads["plus_weights"]).values.tolist() == [384, 60]


def test_convolutions_and_averaged_windows_are_read_at_each_place(convolutional):
    reads = reads_of_network(convolutional, pixel_bits=8)
    assert reads["reads"].values.tolist() == [9 * 8 * 8, 4 * 3, 2 * 3]
    assert reads["counts"].values.tolist() == reads["reads"].values.tolist()


def test_latched_rows_are_read_once_a_bit_plane_and_counted_as_often(convolutional):
    reads = reads_of_network(convolutional, pixel_bits=8, reuse=True)
    assert reads["reads"].values.tolist() == [8, 1, 1]
    assert reads["counts"].values.tolist() == [9 * 8 * 8, 4 * 3, 2 * 3]


@pytest.mark.parametrize(
    "layers", ["784-4096-4096-10", "64-10", "3x32x32-2x16C3-MP2-64-10", "1x9x7-4C3-MP2-8C3-10"]
)
def test_of_binary_pixels_the_reads_are_the_multiply_adds(layers):
    shape = NetworkShape.parse(layers)
    reads = reads_of_shape(shape, pixel_bits=1)
    weights = reads["minus_weights"] + reads["plus_weights"]
    assert float((weights * reads["reads"]).sum()) == shape.multiply_adds
    assert float(weights.sum()) == shape.weight_count
    assert [float(count) for count in weights] == list(map(math.prod, shape.weight_shapes))


def test_a_shape_and_a_network_of_it_have_the_same_reads():
    shape = NetworkShape.parse("2x6x6-3C3-MP2-4-10")
    network = FoldedNetwork(
        (
            FoldedConvolution(_signs(3, 2, 3, 3), *_neurons(3), pool=True),
            FoldedLayer(_signs(4, 27), *_neurons(4)),
            _scores(_signs(10, 4)),
        ),
        (2, 6, 6),
    )
    one, other = (
        of(it, pixel_bits=3) for of, it in ((reads_of_shape, shape), (reads_of_network, network))
    )
    for name in ("reads", "counts"):
        assert one[name].values.tolist() == other[name].values.tolist()
    assert one.attrs == other.attrs


@pytest.mark.parametrize("bits", [0, 9, 1.5, "8", True])
def test_no_such_number_of_bit_planes_is_refused(bits):
    with pytest.raises(
        InputError, match=r"pixel_bits is .*; accepted: the bit planes of the pixels"
    ):
        reads_of_shape(NetworkShape.parse("64-10"), pixel_bits=bits)
