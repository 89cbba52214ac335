import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rramsim.errors import InputError
from rramsim.images.catalogue import load_images
from rramsim.network.shape import (
    COURBARIAUX_CIFAR10,
    Convolution,
    NetworkShape,
    default_shape,
)

LAYERS = st.lists(st.integers(1, 10_000), min_size=1, max_size=4)
CONVOLUTIONS = st.lists(
    st.builds(Convolution, st.integers(1, 600), st.booleans()), min_size=1, max_size=6
)


@pytest.mark.slow
@given(st.lists(st.integers(1, 10_000), min_size=2, max_size=6))
def test_text_and_shape_are_inverse(widths):
    shape = NetworkShape(tuple(widths))
    assert NetworkShape.parse(str(shape)) == shape


@pytest.mark.slow
@given(
    channels=st.integers(1, 9),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    convolutions=CONVOLUTIONS,
    widths=LAYERS,
)
def test_text_and_shape_with_convolutions_are_inverse(channels, size, convolutions, widths):
    height, width = size
    for layer in convolutions:
        height, width = (height // 2, width // 2) if layer.pool else (height, width)
    flat = convolutions[-1].filters * height * width
    image = (channels, *size)
    layers = "".join(f"-{each.filters}C3{'-MP2' * each.pool}" for each in convolutions)
    text = f"{channels}x{size[0]}x{size[1]}{layers}-{'-'.join(map(str, widths))}"
    if not flat:
        with pytest.raises(InputError, match="pooling leaves nothing"):
            NetworkShape.parse(text)
        return
    shape = NetworkShape((flat, *widths), image, tuple(convolutions))
    assert NetworkShape.parse(text) == shape
    assert str(shape) == text
    assert shape.layer_count == len(convolutions) + len(widths)


def test_a_number_before_a_layer_repeats_it():
    short = NetworkShape.parse("3x32x32-2x128C3-MP2-2x256C3-MP2-2x512C3-MP2-2x1024-10")
    assert str(short) == ("3x32x32-128C3-128C3-MP2-256C3-256C3-MP2-512C3-512C3-MP2-1024-1024-10")
    assert NetworkShape.parse("9-3x5-2") == NetworkShape((9, 5, 5, 5, 2))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("784-x-10", "'x' is not a width"),
        ("784--10", "'' is not a width"),
        ("784", "at least two"),
        ("784-0-10", "a layer of 0"),
        ("784-0x5", "at least two"),
        ("", "'' is not a width"),
        ("784-5.5-10", "'5.5' is not a width"),
        ("784-³-10", "'³' is not a width"),
        ("784-16C3-10", "need images of channels x height x width in front, not '784'"),
        ("3x8x8-16-10", "so filters .* must follow"),
        ("3x8x8-16C3", "at least two"),
        ("3x8x8-0C3-10", "leaves nothing|a layer of 0"),
        ("3x8x8-16C3-5-16C3-10", "16C3 cannot follow a fully connected layer"),
        ("3x8x8-MP2-16C3-10", "MP2 stands once, right after filters"),
        ("3x8x8-16C3-MP2-MP2-10", "MP2 stands once, right after filters"),
        ("3x8x8-16C3-5-MP2-10", "MP2 stands once, right after filters"),
        ("3x3x3-4C3-MP2-4C3-MP2-10", "pooling leaves nothing"),
        ("3x8-16C3-10", "'3x8' is not a width|in front, not '3x8'"),
    ],
)
def test_what_is_no_shape_is_told(text, told):
    with pytest.raises(InputError, match=told):
        NetworkShape.parse(text)


def test_weights_of_the_papers_networks():
    assert NetworkShape.parse("784-4096-4096-10").weight_count == 20_029_440
    cifar10 = NetworkShape.parse(f"3x32x32-{COURBARIAUX_CIFAR10}-10")
    # 9 (3 128 + 128 128 + 128 256 + 256 256 + 256 512 + 512 512) + 8192 1024 + 1024 1024 + 10240
    assert cifar10.weight_count == 4_574_592 + 8_388_608 + 1_048_576 + 10_240
    assert cifar10.layers == ((8192, 1024), (1024, 1024), (1024, 10))
    assert cifar10.layer_count == 9


@pytest.fixture(scope="module")
def digits():
    return load_images("digits")


def test_hidden_layers_stand_between_images_and_classes(digits):
    assert NetworkShape.between(digits, "512-2x64") == NetworkShape((64, 512, 64, 64, 10))
    assert NetworkShape.between(digits, "") == NetworkShape((64, 10))
    assert str(NetworkShape.between(digits, "2x16C3-MP2-64")) == "1x8x8-16C3-16C3-MP2-64-10"


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        (1.0, "1x8x8-128C3-128C3-MP2-256C3-256C3-MP2-512C3-512C3-MP2-1024-1024-10"),
        (0.25, "1x8x8-32C3-32C3-MP2-64C3-64C3-MP2-128C3-128C3-MP2-256-256-10"),
        (0.33, "1x8x8-42C3-42C3-MP2-84C3-84C3-MP2-169C3-169C3-MP2-338-338-10"),
    ],
)
def test_a_width_factor_scales_all_but_the_ends(digits, factor, expected):
    found = NetworkShape.between(digits, COURBARIAUX_CIFAR10, width_factor=factor)
    assert str(found) == expected
    found.check_fits(digits)


@pytest.mark.parametrize("hidden", ["64-4", "4C3-64"])
def test_a_width_factor_that_leaves_nothing_is_told(digits, hidden):
    with pytest.raises(InputError, match=r"nothing is left of it by 0\.1"):
        NetworkShape.between(digits, hidden, width_factor=0.1)


def test_a_shape_must_fit_the_images(digits):
    for text in ("64-5-10", "1x8x8-3C3-10"):
        NetworkShape.parse(text).check_fits(digits)
    default_shape(digits).check_fits(digits)
    for text in ("63-5-10", "64-5-11", "1x4x16-3C3-10", "1x8x8-3C3-9"):
        with pytest.raises(InputError, match=r"64 inputs and 10 classes .*1x8x8-\.\.\.-10"):
            NetworkShape.parse(text).check_fits(digits)
    tall = dataclasses.replace(digits, image_shape=(1, 16, 4))
    with pytest.raises(InputError, match="1x16x4"):
        NetworkShape.parse("1x8x8-3C3-10").check_fits(tall)


def test_filters_multiply_at_every_place():
    assert NetworkShape.parse("784-4096-4096-10").multiply_adds == 20_029_440
    shape = NetworkShape.parse("3x32x32-8C3-16C3-MP2-32C3-MP2-10")
    filters = 27 * 8 * 1024 + 72 * 16 * 1024 + 144 * 32 * 256
    assert shape.multiply_adds == filters + 32 * 8 * 8 * 10


@pytest.mark.parametrize("part", ["8C5", "2x8C1", "8C3P0", "8C3S2", "8C5x3P0x1", "AP8", "MP3"])
def test_layers_that_only_imported_networks_have_are_told(part):
    told = rf"{part} cannot be trained, only filters of 3 x 3 at stride 1 with padding 1, and MP2;"
    with pytest.raises(InputError, match=rf"{told}.*rramsim.import_module"):
        NetworkShape.parse(f"3x32x32-16C3-{part}-10")
