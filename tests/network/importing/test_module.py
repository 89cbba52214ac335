import copy
import json
import re
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional
from typer.testing import CliRunner

import rramsim.cli  # noqa: F401  (registers the commands)
from rramsim.cli.app import app, main
from rramsim.errors import InputError
from rramsim.images.catalogue import load_images
from rramsim.images.image_set import ImageSet
from rramsim.network.importing.module import import_module
from rramsim.network.model_files import SavedNetwork, load_network, save_network
from rramsim.network.scoring.evaluator import Evaluator

PAGE = Path(__file__).parents[3] / "docs" / "own-network.md"


class StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(context, values):
        context.save_for_backward(values)
        return torch.where(values >= 0, 1.0, -1.0)

    @staticmethod
    def backward(context, gradient):
        (values,) = context.saved_tensors
        return gradient * (values.abs() <= 1)


def by_comparison(values):
    return (values >= 0).to(values.dtype) * 2 - 1


def by_detaching(values):
    signs = torch.where(values >= 0, torch.ones_like(values), -torch.ones_like(values))
    clipped = values.clamp(-1, 1)
    return clipped + (signs - clipped).detach()


def clipped_first(values):
    return StraightThrough.apply(functional.hardtanh(values, inplace=True))


SIGNS = (StraightThrough.apply, by_comparison, by_detaching, clipped_first)


class Sign(nn.Module):
    def __init__(self, sign=StraightThrough.apply):
        super().__init__()
        self.sign = sign

    def forward(self, values):
        return self.sign(values)


class BinaryLinear(nn.Linear):
    def forward(self, inputs):
        return functional.linear(inputs, StraightThrough.apply(self.weight), self.bias)


class BinaryConv(nn.Conv2d):
    def forward(self, inputs):
        return self._conv_forward(inputs, StraightThrough.apply(self.weight), self.bias)


def image_set(shape, *, classes=3, seed=0, levels=255, count=60):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, levels + 1, (count, int(np.prod(shape)))).astype(np.uint8)
    labels = rng.integers(0, classes, count).astype(np.uint8)
    return ImageSet("noise", pixels, labels, pixels, labels, shape, classes, levels, "Noise.")


def norm(kind, width, rng, *, spread, positive=False):
    """Return a batch norm like one after training on sums of this spread."""
    made = kind(width)
    gamma = rng.normal(size=width)
    gamma[rng.random(width) < 0.1] = 0
    with torch.no_grad():
        for name, values in {
            "weight": np.abs(gamma) if positive else gamma,
            "bias": rng.normal(size=width),
            "running_mean": rng.normal(0, spread, width),
            "running_var": spread**2 * rng.uniform(0.1, 3, width),
        }.items():
            getattr(made, name).copy_(torch.from_numpy(values))
    return made


def classes_of(module, inputs):
    with torch.no_grad():
        return copy.deepcopy(module).eval()(inputs).numpy().argmax(axis=1)


def pixels_of(images, *, flat=True):
    pixels = torch.from_numpy(images.test_images).float()
    return pixels if flat else pixels.reshape(-1, *images.image_shape)


def same(module, images, inputs, **given):
    """Check that the imported network gives the module's own predictions, and return it."""
    imported = import_module(module, images, **given)
    found = Evaluator(imported.folded, images.test_images, images.test_labels).predictions()
    assert np.array_equal(found, classes_of(module, inputs))
    assert imported.metadata["differing_predictions"] == 0
    assert imported.metadata["accuracy"] == (found == images.test_labels).mean()
    return imported


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(
    widths=st.lists(st.integers(1, 20), min_size=2, max_size=4),
    seed=st.integers(0, 2**32 - 1),
    bias=st.booleans(),
    normed=st.booleans(),
    sign=st.sampled_from(SIGNS),
    entry=st.sampled_from([(1.0, 0.0), (0.0625, 0.0), (-2.0, 0.0), (0.5, -3.0)]),
)
def test_predictions_of_connected_layers_stay_the_same(widths, seed, bias, normed, sign, entry):
    torch.manual_seed(seed % 2**31)
    rng = np.random.default_rng(seed)
    scale, offset = entry
    layers = []
    for number, (inputs, neurons) in enumerate(pairwise(widths)):
        layers.append(BinaryLinear(inputs, neurons, bias=bias))
        spread = np.sqrt(inputs) * (1 if number else 70 * abs(scale))
        if normed:
            layers.append(norm(nn.BatchNorm1d, neurons, rng, spread=spread))
        layers += [Sign(sign), nn.Dropout(0.5)]
    module = nn.Sequential(*layers[:-2])
    images = image_set((1, 1, widths[0]), classes=widths[-1], seed=seed)
    imported = same(module, images, pixels_of(images) * scale + offset, scale=scale, offset=offset)
    assert imported.folded.widths == tuple(widths)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(
    size=st.tuples(st.integers(1, 3), st.integers(2, 7), st.integers(2, 7)),
    filters=st.lists(
        st.tuples(st.integers(1, 6), st.integers(1, 4), st.integers(1, 2), st.integers(0, 2)),
        min_size=1,
        max_size=3,
    ),
    seed=st.integers(0, 2**32 - 1),
    place=st.sampled_from(["none", "before", "between", "after"]),
    sign=st.sampled_from(SIGNS),
)
def test_predictions_of_convolutions_stay_the_same(size, filters, seed, place, sign):
    torch.manual_seed(seed % 2**31)
    rng = np.random.default_rng(seed)
    layers, (channels, height, width) = [], size
    for number, (each, kernel, stride, padding) in enumerate(filters):
        # What would leave nothing of the image is made to leave something.
        padding = max(padding, -(-(kernel - min(height, width)) // 2))
        convolution = BinaryConv(
            channels, each, kernel, stride=stride, padding=padding, bias=number == 0
        )
        height, width = ((size + 2 * padding - kernel) // stride + 1 for size in (height, width))
        spread = np.sqrt(kernel**2 * channels) * (1 if number else 70)
        normed = norm(nn.BatchNorm2d, each, rng, spread=spread)
        pool = [nn.MaxPool2d(2)] if place != "none" and min(height, width) > 1 else []
        steps = {
            "before": [*pool, normed, Sign(sign)],
            "between": [normed, *pool, Sign(sign)],
            "after": [normed, Sign(sign), *pool],
            "none": [normed, Sign(sign)],
        }[place]
        layers += [convolution, *steps]
        channels = each
        height, width = (height // 2, width // 2) if pool else (height, width)
    features = channels * height * width
    layers += [nn.Flatten(), BinaryLinear(features, 3), nn.LogSoftmax(dim=1)]
    module = nn.Sequential(*layers)
    images = image_set(size, seed=seed)
    imported = same(module, images, pixels_of(images, flat=False) / 4, scale=0.25)
    assert imported.folded.image_shape == size
    assert imported.folded.sizes[-1] == (height, width)


class Global(nn.Module):
    def __init__(self, reduce):
        super().__init__()
        self.reduce = reduce

    def forward(self, values):
        return self.reduce(values)


AVERAGES = {
    "adaptive": (nn.AdaptiveAvgPool2d(1), (4, 8)),
    "windows": (nn.AvgPool2d(2), (2, 2)),
    "oblong": (nn.AvgPool2d((4, 2)), (4, 2)),
    "mean": (Global(lambda values: values.mean(dim=(2, 3))), (4, 8)),
    "sum": (Global(lambda values: values.flatten(2).sum(dim=2) * 0.5), (4, 8)),
    "dropped": (nn.Sequential(nn.Flatten(2), nn.Dropout(), nn.AvgPool1d(32)), (4, 8)),
}


# Whether they are of pooled signs does not depend on how they are written.
@pytest.mark.parametrize(
    ("kind", "pool"),
    [
        ("windows", False),
        *(pytest.param(kind, True, marks=pytest.mark.slow) for kind in AVERAGES),
    ],
)
def test_averages_of_signs_before_the_last_layer_are_those_of_torch_bit_by_bit(kind, pool):
    """Windows of a power of two: no average is rounded, so equal scores are equal in both."""
    average, window = AVERAGES[kind]
    torch.manual_seed(3)
    size = (8, 16) if pool else (4, 8)
    windows = 32 // (window[0] * window[1])
    rng = np.random.default_rng(5)
    module = nn.Sequential(
        BinaryConv(1, 6, 3, padding=1),
        norm(nn.BatchNorm2d, 6, rng, spread=200),
        *([nn.MaxPool2d(2)] if pool else []),
        Sign(),
        average,
        nn.Flatten(),
        BinaryLinear(6 * windows, 4, bias=False),
    )
    with torch.no_grad():
        module[-1].weight[2:] = module[-1].weight[:2]
    images = image_set((1, *size), classes=4, count=400)
    inputs = pixels_of(images, flat=False)
    folded = same(module, images, inputs).folded
    assert folded.output.average == window
    scores = module.eval()(inputs).detach().numpy()
    best = np.sort(scores, axis=1)
    assert (best[:, -1] == best[:, -2]).all()
    # What a user's own mean gives is whole sums times the scale of the last layer.
    sums = scores / folded.output.scale
    assert np.array_equal(sums, np.rint(sums))
    assert np.abs(sums).max() > 6 * windows


def test_equal_scores_that_the_module_rounds_apart_are_not_held_against_it():
    """Averages over 9 values are rounded, so scores of equal sums differ in the last digit."""
    torch.manual_seed(1)
    module = nn.Sequential(
        BinaryConv(1, 4, 3, padding=1), nn.BatchNorm2d(4), Sign(), nn.AvgPool2d(3), nn.Flatten(),
        BinaryLinear(16, 4, bias=False),
    )  # fmt: skip
    images = image_set((1, 6, 6), classes=4, count=900)
    imported = import_module(module, images)
    found = Evaluator(imported.folded, images.test_images, images.test_labels).predictions()
    with torch.no_grad():
        scores = module.eval()(pixels_of(images, flat=False)).numpy()
    differing = found != scores.argmax(axis=1)
    assert imported.metadata["differing_predictions"] == differing.sum() > 3
    lead = scores.max(axis=1) - scores[np.arange(900), found]
    assert lead.max() < 1e-5


class Functional(nn.Module):
    """A network written out by hand: matrix products, magnitudes, its own reshaping."""

    def __init__(self):
        super().__init__()
        self.filters = nn.Parameter(torch.randn(6, 1, 3, 3))
        self.first = nn.Parameter(torch.randn(6 * 16, 12))
        self.last = nn.Parameter(torch.randn(12, 3))
        self.register_buffer("shift", torch.randn(12))

    def forward(self, pixels):
        values = functional.conv2d(pixels.view(-1, 1, 4, 4), by_comparison(self.filters), padding=1)
        values = by_comparison(torch.tanh(values - 120.5)).reshape(len(pixels), -1)
        centred = self.first - self.first.mean(dim=0)
        values = values @ (by_comparison(centred) * centred.abs().mean(dim=0))
        values = by_comparison(values * 2 + self.shift)
        return functional.softmax(values.matmul(by_detaching(self.last)) / 8, dim=-1)


@pytest.mark.slow
def test_a_forward_written_by_hand_is_followed():
    torch.manual_seed(0)
    module = Functional()
    images = image_set((1, 4, 4))
    imported = same(module, images, pixels_of(images, flat=False))
    assert str(imported.folded) == "1x4x4-6C3-12-3"
    centred = (module.first - module.first.mean(dim=0)).detach().numpy()
    assert np.array_equal(imported.folded.hidden[0].signs, np.where(centred >= 0, 1, -1).T)


@pytest.mark.slow
def test_normalised_pixels_are_folded_to_the_rounding_of_float32():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    module = nn.Sequential(
        BinaryLinear(48, 64),
        norm(nn.BatchNorm1d, 64, rng, spread=8),
        Sign(),
        BinaryLinear(64, 3),
    )
    images = image_set((3, 4, 4), count=1000)
    means, std = np.array([0.3, 0.5, 0.45]), 0.25
    inputs = (pixels_of(images, flat=False) / 255 - torch.tensor(means)[:, None, None]) / std
    imported = import_module(module, images, scale=1 / 255 / std, offset=list(-means / std))
    found = Evaluator(imported.folded, images.test_images, images.test_labels).predictions()
    differing = np.count_nonzero(found != classes_of(module, inputs.float().flatten(1)))
    assert differing <= 1
    assert len(set(found)) == 3


@pytest.mark.slow
def test_a_module_may_scale_pixels_itself():
    class Scaled(nn.Module):
        def forward(self, pixels):
            return (pixels.flatten(1) - 64) * 0.125

    torch.manual_seed(0)
    layers = [BinaryLinear(9, 20), Sign(), BinaryLinear(20, 3)]
    images = image_set((1, 3, 3))
    inside = same(nn.Sequential(Scaled(), *layers), images, pixels_of(images))
    outside = import_module(nn.Sequential(*layers), images, scale=0.125, offset=-8)
    assert inside.folded.content_id == outside.folded.content_id


@pytest.mark.slow
def test_the_module_is_left_as_it_was():
    module = nn.Sequential(BinaryLinear(4, 6), nn.BatchNorm1d(6), Sign(), BinaryLinear(6, 3))
    before = copy.deepcopy(module.state_dict())
    import_module(module.double(), image_set((1, 2, 2)))
    assert module.training
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name].to(value.dtype))
        assert not value.is_floating_point() or value.dtype == torch.float64


class Skip(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = BinaryLinear(4, 4), BinaryLinear(4, 3)

    def forward(self, inputs):
        return self.last(by_comparison(self.first(inputs) + inputs))


class TwoArms(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right, self.last = (BinaryLinear(4, n) for n in (4, 4, 3))

    def forward(self, inputs):
        return self.last(by_comparison(self.left(inputs) + self.right(inputs)))


class Assigning(BinaryLinear):
    def forward(self, inputs):
        self.weight.data = self.weight.data.sign()
        return functional.linear(inputs, self.weight)


class Centred(nn.Module):
    def forward(self, values):
        return by_comparison(values - values.mean(dim=1, keepdim=True))


class Gated(nn.Module):
    def forward(self, values):
        return values * values.max() if values.sum() > 0 else values


class Corner(nn.Module):
    def forward(self, values):
        return values[:, :, 0, 0]


class Turned(nn.Module):
    def forward(self, values):
        return functional.avg_pool2d(values, 2).permute(0, 2, 3, 1)


class Huge(nn.Module):
    """Scores that leave float32."""

    def forward(self, scores):
        return scores * 3e38


class Votes(nn.Module):
    def forward(self, values):
        return by_comparison(values.mean(dim=(2, 3)))


def connected(*between, first=BinaryLinear, last=BinaryLinear):
    return nn.Sequential(first(4, 8), *between, last(8, 3))


def convolved(*between, first=None, features=8 * 16):
    first = first or BinaryConv(1, 8, 3, padding=1)
    return nn.Sequential(first, *between, nn.Flatten(), BinaryLinear(features, 3))


def ramp_norm(width):
    made = nn.BatchNorm1d(width)
    with torch.no_grad():
        made.running_mean.copy_(torch.arange(width))
    return made


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "told"),
    [
        (connected(Sign(), first=nn.Linear), r"layer 0 \(Linear\) does not compute with sign"),
        (connected(Sign(), last=nn.Linear), r"layer 2 \(Linear\) does not compute with sign"),
        (connected(nn.ReLU()), r"layer 0 \(BinaryLinear\) is not followed by a sign: for 8 of"),
        (connected(nn.Hardtanh()), r"layer 0 \(BinaryLinear\) is not followed by a sign"),
        (connected(), r"layer 0 \(BinaryLinear\) is not followed by a sign"),
        (
            connected(nn.LayerNorm(8), Sign()),
            r"layer 1 \(LayerNorm\): layer_norm does not act on each neuron alone",
        ),
        (connected(Centred()), r"layer 1 \(Centred\): mean does not act on each neuron alone"),
        (connected(nn.Softmax(1), Sign()), r"layer 1 \(Softmax\): softmax must be the last"),
        (connected(nn.BatchNorm1d(8, track_running_stats=False), Sign()), "statistics from the ba"),
        (nn.Sequential(connected(Sign()), nn.Hardtanh()), "scores are not scale . sum . offset"),
        (
            nn.Sequential(connected(Sign()), Huge()),
            r"The last layer has scores up to .*beyond the numb",
        ),
        (nn.Sequential(connected(Sign()), Sign()), "scores are not scale . sum . offset"),
        (Skip(), r"add in forward takes what came before the last layer"),
        (TwoArms(), r"layer right \(BinaryLinear\): linear takes what came before the last layer"),
        (
            connected(Sign(), first=Assigning),
            r"layer 0 \(Assigning\): forward assigns to .data \(self.weight.data = self.weight",
        ),
        (connected(Gated(), Sign()), "cannot be traced by torch.export"),
        (nn.Sequential(Sign(), connected(Sign())), "does not map all pixels by one straight line"),
        (nn.Sequential(BinaryLinear(4, 2)), r"scores of shape \(60, 3\).* found Tensor \(60, 2\)"),
        (nn.Sequential(BinaryLinear(5, 3)), r"cannot take inputs of shape \(60, 4\)"),
    ],
)
def test_what_a_chip_cannot_do_is_named(module, told):
    with pytest.raises(InputError, match=told):
        import_module(module, image_set((1, 2, 2)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "told"),
    [
        (
            convolved(Sign(), BinaryConv(8, 8, 3, padding=1, groups=2), Sign()),
            r"layer 2 \(BinaryConv\): conv2d has groups 2",
        ),
        (convolved(nn.AvgPool2d(2), Sign(), features=32), "avg_pool2d averages values; a chip"),
        (
            nn.Sequential(
                convolved(Sign(), nn.AvgPool2d(2), features=32), Sign(), BinaryLinear(3, 3)
            ),
            "avg_pool2d averages values; a chip averages signs before the last layer",
        ),
        (
            convolved(Sign(), nn.AvgPool2d(3, 1), features=32),
            "does not average windows that lie side by side in 4 x 4 values, as",
        ),
        (
            convolved(Sign(), nn.AdaptiveAvgPool2d(3), features=72),
            r"adaptive_avg_pool2d\w* does not average windows that lie side by side in 4 x 4 ",
        ),
        (convolved(Sign(), nn.AvgPool2d(2, 2, 1), features=72), "does not average windows that"),
        (convolved(Sign(), Corner(), features=8), "does not average windows that lie side by side"),
        (convolved(Sign(), Turned(), features=32), "does not average windows that lie side by"),
        (convolved(Sign(), Votes(), features=8), "does not average windows that lie side by side"),
        (convolved(nn.MaxPool2d(3, 2, 1), Sign(), features=32), "pools otherwise than MaxPool2d"),
        (convolved(Sign(), nn.MaxPool2d(2), nn.MaxPool2d(2), features=8), "pools a second time"),
        (
            convolved(nn.Flatten(), ramp_norm(128), Sign()),
            r"layer 2 \(BatchNorm1d\): batch_norm does not act on each neuron or filter alike",
        ),
        (
            nn.Sequential(
                nn.Flatten(), BinaryLinear(16, 16), Sign(), nn.Unflatten(1, (1, 4, 4)), convolved()
            ),
            "is a convolution after a Linear layer",
        ),
    ],
)
def test_what_filters_on_a_chip_cannot_do_is_named(module, told):
    with pytest.raises(InputError, match=told):
        import_module(module, image_set((1, 4, 4)))


class Written(nn.Module):
    """A forward by hand, from the values and its own learned number for each neuron."""

    def __init__(self, forward, width=16):
        super().__init__()
        self.function = forward
        self.learned = nn.Parameter(torch.linspace(-3, 3, width))

    def forward(self, values):
        return self.function(values, self.learned)


def of_masks(values, learned):
    """Give the sign as 1-bit layers of brevitas do: clamp, two masks, the type of another."""
    scale = learned.abs().max().detach() / 3
    clamped = torch.where(values > scale, scale, values)
    clamped = torch.where(clamped < -scale, -scale, clamped)
    signs = torch.ge(clamped, 0.0).type_as(values) - torch.lt(clamped, 0.0).to(values.dtype)
    return signs * scale


def by_assigning(values, learned):
    signs = torch.ones(values.shape)
    signs[values < learned.expand_as(values)] = -1
    return signs


def without_gradient(values, learned):
    with torch.no_grad():
        signs = torch.empty_like(values)
        signs.copy_(values).sub_(0.5).sign_()
    return signs.clone()


def in_halves(values, learned):
    left, right = values.chunk(2, dim=1)
    return torch.cat([by_comparison(left - 1), by_comparison(-right + 3)], dim=1)


def by_prelu(values, learned):
    return by_comparison(functional.prelu(values, learned.abs()) + 0.3)


def by_masked_fill(values, learned):
    return values.new_ones(()).expand_as(values).masked_fill(values.abs() + values <= 0, -1)


def by_clamping_steeply(values, learned):
    return torch.clamp(1000 * (values + learned), min=-1, max=1)


ALONE = (
    of_masks,
    by_assigning,
    without_gradient,
    in_halves,
    by_prelu,
    by_masked_fill,
    by_clamping_steeply,
)


@pytest.mark.slow
def test_whatever_acts_on_each_neuron_alone_is_followed():
    torch.manual_seed(0)
    layers = []
    for function in ALONE:
        # Sums of 16 signs are even, so that none is 0 after 0.3, 0.5 or 1 was added.
        layers += [BinaryLinear(16, 16, bias=False), Written(function)]
    module = nn.Sequential(*layers, BinaryLinear(16, 3))
    images = image_set((1, 4, 4), count=300)
    imported = same(module, images, pixels_of(images))
    assert imported.folded.widths == (16, *[16] * len(ALONE), 3)
    masks, halves = imported.folded.hidden[0], imported.folded.hidden[3]
    assert masks.thresholds.tolist() == [0] * 16
    # The left half fires from 1 on, the right one up to 3: where minus the sum is -3 or more.
    assert halves.directions.tolist() == [1] * 8 + [-1] * 8
    assert halves.thresholds.tolist() == [1] * 8 + [-3] * 8


@pytest.mark.slow
def test_signs_of_another_size_are_one_number_times_signs():
    torch.manual_seed(0)
    half = Written(lambda values, learned: by_comparison(values) * 0.5, 8)
    bias = BinaryLinear(8, 8)
    module = nn.Sequential(BinaryLinear(4, 8), half, bias, Sign(), BinaryLinear(8, 3))
    imported = same(module, image_set((1, 2, 2)), pixels_of(image_set((1, 2, 2))))
    # The second layer fires where sum / 2 + bias >= 0.
    expected = np.ceil(-2 * bias.bias.detach().double().numpy())
    assert imported.folded.hidden[1].thresholds.tolist() == expected.tolist()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda x, w: by_comparison(x - 1e-6 * x.mean(dim=1, keepdim=True)), "mean does not act"),
        (lambda x, w: by_comparison(x - x[0]), "sub does not act on each neuron alone"),
        (lambda x, w: by_comparison(x + x.roll(1, dims=1)), "add does not act on each neuron alo"),
        (lambda x, w: by_comparison(x.flip(1)), "changes the order of values"),
        (lambda x, w: by_comparison(x.sort(dim=1).values), "sort does not act on each neuron al"),
        (lambda x, w: by_comparison(x + torch.rand_like(x)), "is random in evaluation mode too"),
        (lambda x, w: by_comparison(x) * (1 + w), "is not followed by a sign"),
        (lambda x, w: by_comparison(x.abs() - 100.5), "is not followed by a sign"),
    ],
)
def test_what_does_not_act_on_each_neuron_alone_is_named(function, told):
    torch.manual_seed(0)
    with pytest.raises(InputError, match=told):
        import_module(connected(Written(function, 8)), image_set((1, 2, 2)))


@pytest.mark.slow
def test_filters_pooled_before_a_negative_batch_norm_fire_where_all_four_do():
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(8)
    with torch.no_grad():
        norm.weight[2], norm.weight[5] = -1, -2
        norm.running_mean.normal_(200, 200)
    images = image_set((1, 4, 4), count=300)
    module = convolved(nn.MaxPool2d(2), norm, Sign(), features=32)
    imported = same(module, images, pixels_of(images, flat=False))
    (filters,) = imported.folded.convolutions
    assert np.flatnonzero(filters.pool_all).tolist() == [2, 5]
    assert np.flatnonzero(filters.directions < 0).tolist() == [2, 5]
    # -1 (greatest sum + bias - mean) >= 0: each of the four sums is at most mean - bias.
    most = norm.running_mean[2] - module[0].bias[2].detach()
    assert filters.thresholds[2] == np.ceil(-float(most))


@pytest.mark.parametrize("convolves", [False, True])
def test_layers_of_brevitas_are_followed(convolves):
    layers = pytest.importorskip("brevitas.nn")
    torch.manual_seed(0)
    one_bit = {"weight_bit_width": 1, "weight_quant_type": "binary", "bias": False}
    sign = {"bit_width": 1, "quant_type": "binary", "min_val": -1.0, "max_val": 1.0}
    first = (
        [layers.QuantConv2d(1, 8, 3, padding=1, **one_bit), nn.BatchNorm2d(8)]
        if convolves
        else [layers.QuantLinear(16, 128, **one_bit), nn.BatchNorm1d(128)]
    )
    module = nn.Sequential(
        *first,
        layers.QuantIdentity(**sign),
        nn.Flatten(),
        layers.QuantLinear(128, 3, **one_bit),
        # Without it scores are sums times one number, and equal ones are rounded apart.
        norm(nn.BatchNorm1d, 3, np.random.default_rng(0), spread=4),
    )
    images = image_set((1, 4, 4), count=300)
    same(module, images, pixels_of(images, flat=not convolves))


@pytest.mark.slow
def test_pixels_that_are_not_mapped_alone_are_told():
    class Contrast(nn.Module):
        def forward(self, pixels):
            return pixels - 0.5 * pixels.mean(dim=1, keepdim=True)

    with pytest.raises(InputError, match="depends on other pixels"):
        import_module(nn.Sequential(Contrast(), connected(Sign())), image_set((1, 2, 2)))


@pytest.mark.parametrize("given", ["state_dict", "path"])
def test_weights_without_a_module_are_told_what_to_do(given, tmp_path):
    module = connected(Sign())
    what = module.state_dict() if given == "state_dict" else tmp_path / "net.pt"
    told = "state dict of 4 entries" if given == "state_dict" else "net.pt'"
    with pytest.raises(InputError, match=f"{told}, which .* module.load_state_dict"):
        import_module(what, image_set((1, 2, 2)))


@pytest.mark.parametrize("zipped", [True, False])
def test_evaluate_tells_what_to_do_with_a_file_of_torch(zipped, tmp_path, monkeypatch, capsys):
    path = tmp_path / "net.pt"
    torch.save(connected(Sign()).state_dict(), path, _use_new_zipfile_serialization=zipped)
    monkeypatch.setattr(sys, "argv", ["rramsim", "evaluate", str(path), "--ber", "0.1"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    told = " ".join(capsys.readouterr().err.split())
    for part in ("net.pt: this is a file of torch.save", "import_module", "save_network"):
        assert part in told


class BinarizeLinear(nn.Linear):
    """A layer as published code has it: signs are put into the tensors themselves."""

    def forward(self, values):
        if values.size(1) != 64:
            values.data = values.data.sign()
        if not hasattr(self.weight, "org"):
            self.weight.org = self.weight.data.clone()
        self.weight.data = self.weight.org.sign()
        return functional.linear(values, self.weight) + self.bias.view(1, -1)


@pytest.mark.slow
def test_a_module_that_assigns_to_data_is_told_and_the_recipe_gives_the_same():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    module = nn.Sequential(
        BinarizeLinear(64, 32), norm(nn.BatchNorm1d, 32, rng, spread=30), nn.Hardtanh(),
        BinarizeLinear(32, 10), nn.LogSoftmax(dim=1),
    )  # fmt: skip
    digits = load_images("digits")
    told = r"layer 0 \(BinarizeLinear\): forward assigns to .data \(values.data = values.data.sign"
    with pytest.raises(InputError, match=told) as stopped:
        import_module(module, digits, scale=1 / 16)
    assert "torch.fx" not in str(stopped.value)
    recipe = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    names: dict[str, object] = {}
    exec(compile(recipe, str(PAGE), "exec"), names)
    same(names["without_data"](module), digits, pixels_of(digits) / 16, scale=1 / 16)


@pytest.mark.slow
def test_a_sign_of_zero_is_told():
    torch.manual_seed(0)
    module = nn.Sequential(
        BinaryLinear(16, 16, bias=False), Sign(), BinaryLinear(16, 16, bias=False), Sign(torch.sign)
    )
    module.append(BinaryLinear(16, 3))
    images = image_set((1, 4, 4), count=500)
    with pytest.raises(InputError, match=r"layer 2 \(BinaryLinear\): \d+ of .*torch.sign"):
        import_module(module, images)
    module[3] = Sign()
    same(module, images, pixels_of(images))


@pytest.mark.slow
def test_a_weight_of_zero_is_told():
    module = nn.Sequential(BinaryLinear(4, 5), Sign(), nn.Linear(5, 3))
    with torch.no_grad():
        module[2].weight.sign_()[1, 2] = 0
    with pytest.raises(InputError, match=r"layer 2 \(Linear\) .*1 zeros"):
        import_module(module, image_set((1, 2, 2)))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"training_ber": 1.5}, "training_ber is 1.5"),
        ({"scale": 0.0}, "scale 0.0"),
        ({"offset": float("nan")}, "must be finite"),
        ({"offset": [1.0, 2.0]}, "1 channels; give one number"),
        ({"offset": 0.5}, r"layer 0 \(BinaryConv\) pads with zeros, but .* pixel of 0 to 0.5"),
    ],
)
def test_arguments_that_cannot_be_are_told(given, told):
    with pytest.raises(InputError, match=told):
        import_module(convolved(Sign()), image_set((1, 4, 4)), **given)


@pytest.mark.slow
def test_scales_that_differ_by_channel_are_told():
    norm = nn.BatchNorm2d(3)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, 1.1, 1.2]))
    module = nn.Sequential(norm, BinaryConv(3, 4, 3, padding=1), Sign(), nn.Flatten())
    module.append(BinaryLinear(64, 3))
    with pytest.raises(InputError, match=r"scales from 0.99\d+ to 1.19\d+ found"):
        import_module(module, image_set((3, 4, 4)))


@pytest.mark.slow
def test_what_is_not_known_of_the_training_stays_unknown(tmp_path):
    images = image_set((1, 2, 2))
    imported = import_module(connected(Sign()), images, scale=0.5)
    save_network(tmp_path / "own.safetensors", SavedNetwork(imported.folded, imported.metadata))
    saved = load_network(tmp_path / "own.safetensors")
    assert saved.folded.content_id == imported.folded.content_id
    unknown = {name: saved.metadata[name] for name in ("training_ber", "epochs", "seed", "history")}
    assert unknown == {"training_ber": None, "epochs": None, "seed": None, "history": []}
    assert saved.metadata["settings"] == {"imported": "Sequential", "scale": 0.5, "offset": 0.0}
    assert saved.metadata["images_id"] == images.content_id
    assert import_module(connected(Sign()), images, training_ber=0).metadata["training_ber"] == 0.0


@pytest.mark.slow
def test_the_example_of_the_documentation_runs(tmp_path, monkeypatch):
    example, _ = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "example"}
    exec(compile(example, str(PAGE), "exec"), names)
    digits = load_images("digits")
    inputs = pixels_of(digits) / digits.levels
    accuracy = float((classes_of(names["network"], inputs) == digits.test_labels).mean())
    assert accuracy > 0.9
    asked = ["evaluate", "own.safetensors", "--ber", "0", "--chips", "2"]
    answer = json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)
    assert answer["points"][0]["accuracy_mean"] == pytest.approx(accuracy, abs=1 / 490)
    assert answer["training_ber"] == 0.0
    assert "BER 0 (stated)" in " ".join(CliRunner().invoke(app, asked).stdout.split())


@pytest.mark.slow
def test_evaluate_says_that_a_training_ber_is_unknown(tmp_path):
    module = nn.Sequential(BinaryLinear(64, 10))
    imported = import_module(module, load_images("digits"))
    path = tmp_path / "own.safetensors"
    save_network(path, SavedNetwork(imported.folded, imported.metadata))
    asked = ["evaluate", str(path), "--ber", "0.1", "--chips", "2"]
    assert json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)["training_ber"] is None
    assert "training BER unknown" in " ".join(CliRunner().invoke(app, asked).stdout.split())
