"""Signs, the straight-through estimator, and layers that compute with faulty weights."""

import pytest
import torch
from torch.nn import functional

from rramsim.network.training.binarize import sign, weighted_sums, write_signs


def test_sign_of_zero_is_plus_one():
    assert sign(torch.tensor([-0.1, -0.0, 0.0, 0.1])).tolist() == [-1.0, 1.0, 1.0, 1.0]


def test_gradient_passes_only_within_one():
    values = torch.tensor([-1.01, -1.0, 0.3, 1.0, 1.01], requires_grad=True)
    sign(values).backward(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert values.grad.tolist() == [0.0, 2.0, 3.0, 4.0, 0.0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_signs_are_written_where_asked_and_survive_narrowing(dtype):
    # The smallest float32 are rounded to zero in bfloat16; their sign stays.
    latent = torch.tensor([[-1.0, -1e-45, 0.0], [1e-45, 0.3, -0.7]])
    out = torch.full((2, 3), 7.0, dtype=dtype)
    assert write_signs(latent, out) is out
    assert out.tolist() == [[-1.0, -1.0, 1.0], [1.0, 1.0, -1.0]]
    assert latent[0, 1] == -1e-45


def _dense_and_convolution(seed):
    generator = torch.Generator().manual_seed(seed)
    for latent_shape, values_shape in (((4, 6), (5, 6)), ((4, 3, 3, 3), (2, 3, 5, 4))):
        latent = torch.rand(latent_shape, generator=generator) * 2 - 1
        values = torch.randn(values_shape, generator=generator)
        fault = torch.where(torch.rand(latent_shape, generator=generator) < 0.4, -1.0, 1.0)
        outputs = (len(values), 4, *values_shape[2:])
        yield latent, values, fault, torch.randn(outputs, generator=generator)


def _by_autograd(values, weights, sent_back):
    """Return the sums, and the gradients to values and weights, of torch's own layer."""
    values, weights = values.clone().requires_grad_(), weights.clone().requires_grad_()
    if values.ndim == 4:
        sums = functional.conv2d(values, weights, padding=1)
    else:
        sums = functional.linear(values, weights)
    sums.backward(sent_back)
    return sums.detach(), values.grad, weights.grad


@pytest.mark.parametrize("straight_through", [False, True])
def test_faulty_weights_serve_the_forward_pass_and_unless_told_otherwise_the_backward_pass(
    straight_through,
):
    for latent, values, fault, sent_back in _dense_and_convolution(0):
        healthy = torch.where(latent >= 0, 1.0, -1.0)
        w_err = healthy * fault
        latent.requires_grad_()
        values.requires_grad_()
        back = healthy if straight_through else w_err
        sums = weighted_sums(values, latent, weights=w_err, backward_weights=back, normed=False)
        sums.backward(sent_back)
        # Its gradient goes to the latent weights as it is, not multiplied by the fault.
        expected = _by_autograd(values.detach(), w_err, sent_back)
        assert torch.allclose(sums, expected[0], atol=1e-5)
        assert torch.allclose(latent.grad, expected[2], atol=1e-5)
        through = {
            name: _by_autograd(values.detach(), weights, sent_back)[1]
            for name, weights in (("healthy", healthy), ("faulty", w_err))
        }
        wanted, other = ("healthy", "faulty") if straight_through else ("faulty", "healthy")
        assert torch.allclose(values.grad, through[wanted], atol=1e-5)
        assert not torch.allclose(values.grad, through[other], atol=1e-1)


def test_by_hand_the_gradient_to_the_inputs_is_that_of_the_weights_it_is_told_to_take():
    latent = torch.tensor([[0.5, -0.2]], requires_grad=True)
    values = torch.tensor([[3.0, 5.0]], requires_grad=True)
    flipped, clean = torch.tensor([[-1.0, -1.0]]), torch.tensor([[1.0, -1.0]])
    sums = weighted_sums(values, latent, weights=flipped, backward_weights=clean, normed=False)
    sums.backward(torch.tensor([[2.0]]))
    assert sums.tolist() == [[-8.0]]
    assert values.grad.tolist() == [[2.0, -2.0]]
    assert latent.grad.tolist() == [[6.0, 10.0]]


def test_the_gradient_of_latent_weights_is_written_over_not_added():
    latent = torch.tensor([[0.5, -0.2]], requires_grad=True)
    weights = torch.tensor([[1.0, -1.0]])
    for values in ([[3.0, 5.0]], [[1.0, 2.0]]):
        weighted_sums(
            torch.tensor(values), latent, weights=weights, backward_weights=weights, normed=False
        ).sum().backward()
        assert latent.grad.tolist() == values


def _normed(sums, pool):
    sums = functional.max_pool2d(sums, 2) if pool else sums
    return functional.batch_norm(sums, None, None, training=True)


FORMS = [
    ((4, 6), (50, 6), False),
    ((4, 3, 3, 3), (6, 3, 6, 4), False),
    ((4, 3, 3, 3), (6, 3, 6, 4), True),
]


@pytest.mark.parametrize(("latent_shape", "values_shape", "pool"), FORMS)
def test_before_a_batch_norm_the_gradient_is_the_exact_one(latent_shape, values_shape, pool):
    generator = torch.Generator().manual_seed(2)
    values = torch.rand(values_shape, generator=generator, dtype=torch.float64) * 3 + 20
    weights = torch.rand(latent_shape, generator=generator, dtype=torch.float64) - 0.5
    aim = torch.randn(
        _normed(_by_autograd_sums(values, weights), pool).shape, generator=generator
    ).double()

    expected = weights.clone().requires_grad_()
    (_normed(_by_autograd_sums(values, expected), pool) * aim).sum().backward()
    latent = weights.clone().requires_grad_()
    sums = weighted_sums(values, latent, weights=weights, backward_weights=weights)
    (_normed(sums, pool) * aim).sum().backward()
    assert torch.allclose(latent.grad, expected.grad, rtol=1e-5, atol=1e-5)


def _by_autograd_sums(values, weights):
    if values.ndim == 4:
        return functional.conv2d(values, weights, padding=1)
    return functional.linear(values, weights)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("constant", [-255.0, -1.0, 0.0, 1.0, 37.0])
def test_an_input_that_never_changes_has_no_gradient(dtype, constant):
    generator = torch.Generator().manual_seed(1)
    values = torch.randint(-255, 256, (97, 12), generator=generator).to(dtype)
    values[:, 3] = constant
    latent = (torch.rand((7, 12), generator=generator) - 0.5).requires_grad_()
    weights = torch.where(latent.detach() < 0, -1.0, 1.0).to(dtype)
    sums = weighted_sums(values, latent, weights=weights, backward_weights=weights)
    aim = torch.randn((97, 7), generator=generator).to(dtype)
    (_normed(sums, pool=False) * aim).sum().backward()
    assert torch.equal(latent.grad[:, 3], torch.zeros(7))
    assert (latent.grad[:, :3] != 0).all()


@pytest.mark.parametrize("constant", [-255.0, 1.0])
def test_a_channel_that_never_changes_has_the_gradient_of_its_border(constant):
    """By hand: inside it is the same at every place, so what is left is what the border lacks."""
    generator = torch.Generator().manual_seed(1)
    values = torch.randint(-255, 256, (9, 2, 5, 4), generator=generator).float()
    values[:, 1] = constant
    latent = (torch.rand((3, 2, 3, 3), generator=generator) - 0.5).requires_grad_()
    weights = torch.where(latent.detach() < 0, -1.0, 1.0)
    sums = weighted_sums(values, latent, weights=weights, backward_weights=weights)
    sent_back = torch.randn((9, 3, 5, 4), generator=generator)
    # As batch norm leaves it: a sum of 0 for each filter.
    sent_back -= sent_back.mean((0, 2, 3), keepdim=True)
    sums.backward(sent_back)
    for row, column in ((0, 0), (0, 1), (1, 1), (1, 2), (2, 0)):
        outside = torch.zeros(5, 4)
        outside[{0: 0, 2: -1}.get(row, slice(0))] = 1
        outside[:, {0: 0, 2: -1}.get(column, slice(0))] = 1
        expected = -constant * (sent_back * outside).sum((0, 2, 3))
        found = latent.grad[:, 1, row, column]
        assert torch.allclose(found, expected, atol=abs(constant) * 2e-5), (row, column)
