import torch

from rramsim.network.binarize import sign, sign_of_weights


def test_sign_of_zero_is_plus_one():
    assert sign(torch.tensor([-0.1, -0.0, 0.0, 0.1])).tolist() == [-1.0, 1.0, 1.0, 1.0]


def test_gradient_passes_only_within_one():
    values = torch.tensor([-1.01, -1.0, 0.3, 1.0, 1.01], requires_grad=True)
    sign(values).backward(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert values.grad.tolist() == [0.0, 2.0, 3.0, 4.0, 0.0]


def test_faulty_weights_serve_the_forward_and_the_backward_pass():
    generator = torch.Generator().manual_seed(0)
    latent = (torch.rand(4, 6, generator=generator) * 2 - 1).requires_grad_()
    inputs = torch.randn(5, 6, generator=generator, requires_grad=True)
    sent_back = torch.randn(5, 4, generator=generator)
    fault = torch.where(torch.rand(4, 6, generator=generator) < 0.4, -1.0, 1.0)
    (inputs @ sign_of_weights(latent, lambda signs: signs * fault).T).backward(sent_back)
    # By hand: W_err is what the layer computed with; its gradient goes to the latent weights as
    # it is (not multiplied by the fault), and the inputs' gradient is through W_err.
    w_err = torch.where(latent >= 0, 1.0, -1.0) * fault
    assert torch.allclose(inputs.grad, sent_back @ w_err)
    assert torch.allclose(latent.grad, sent_back.T @ inputs)
    healthy = torch.where(latent >= 0, 1.0, -1.0)
    assert not torch.allclose(inputs.grad, sent_back @ healthy)
