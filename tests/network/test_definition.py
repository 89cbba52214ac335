import pytest
from hypothesis import given
from hypothesis import strategies as st

from rramsim.errors import InputError
from rramsim.network.definition import NetworkShape, default_shape
from rramsim.network.images import load_images


@given(st.lists(st.integers(1, 10_000), min_size=2, max_size=6))
def test_text_and_shape_are_inverse(widths):
    shape = NetworkShape(tuple(widths))
    assert NetworkShape.parse(str(shape)) == shape


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("784-x-10", "'x' is not a width"),
        ("784--10", "'' is not a width"),
        ("784", "at least two"),
        ("784-0-10", "a layer of 0"),
        ("", "'' is not a width"),
        ("784-5.5-10", "'5.5' is not a width"),
        ("784-³-10", "'³' is not a width"),
    ],
)
def test_what_is_no_shape_is_told(text, told):
    with pytest.raises(InputError, match=told):
        NetworkShape.parse(text)


def test_weights_of_the_papers_network():
    assert NetworkShape.parse("784-4096-4096-10").weight_count == 20_029_440


def test_a_shape_must_fit_the_images():
    digits = load_images("digits")
    NetworkShape.parse("64-5-10").check_fits(digits)
    default_shape(digits).check_fits(digits)
    for text in ("63-5-10", "64-5-11"):
        with pytest.raises(InputError, match=r"64 inputs and 10 classes"):
            NetworkShape.parse(text).check_fits(digits)
