"""The naive training is the same training, and what is measured is whole."""

import numpy as np
import pytest
import torch

from rramsim.bench.naive import FlippedSign, NaiveTraining
from rramsim.bench.training import compare_training
from rramsim.images.catalogue import load_images
from rramsim.network.shape import NetworkShape
from rramsim.network.training.method import Method
from rramsim.network.training.plan import TrainingPlan
from rramsim.network.training.trainer import TrainingRun

SHAPE = NetworkShape((64, 40, 24, 10))


def _both() -> tuple[TrainingRun, NaiveTraining]:
    digits = load_images("digits")
    method = Method(1, learning_rate=1e-3)
    run = TrainingRun(
        TrainingPlan(SHAPE, digits, method, 3),
        score=lambda folded: 0.0,
        device="cpu",
        dtype=torch.float32,
    )
    for group in run.optimizer.param_groups:
        group["lr"] = method.rate(0) * group["rate_scale"]
    rates = [group["lr"] for group in run.optimizer.param_groups]
    generator = torch.Generator().manual_seed(3)
    return run, NaiveTraining(SHAPE.widths, rates=rates, generator=generator)


@pytest.mark.slow
def test_plain_iterations_are_those_of_rramsim() -> None:
    run, naive = _both()
    for number in range(6):
        batch = torch.arange(100 * number, 100 * number + 100)
        expected = run.iteration(batch, number).item()
        found = naive.step(run.pixels[batch], run.labels[batch], ber=0.0)
        assert found == pytest.approx(expected, rel=1e-5)
    # Adam's plain and fused forms round otherwise: weights by the rate times 1e-4 at most.
    for layer, latent in zip(run.network.layers, naive.latent, strict=True):
        assert torch.allclose(layer.latent, latent, atol=1e-6)


@pytest.mark.slow
def test_naive_flips_are_at_the_rate_and_pass_the_gradient() -> None:
    torch.manual_seed(0)
    latent = (torch.rand(100, 220) * 2 - 1).requires_grad_()
    signs = torch.where(latent >= 0, 1.0, -1.0)
    one, other = (FlippedSign.apply(latent, 0.25) for _ in range(2))
    # 22,000 weights, standard deviation 64: five of them.
    assert abs(int((one != signs).sum()) - 5500) < 320
    assert not torch.equal(one, other)
    assert torch.equal(FlippedSign.apply(latent, 0.0), signs)
    one.sum().backward()
    assert torch.equal(latent.grad, torch.ones(100, 220))


def test_flips_change_what_is_learnt() -> None:
    batch = torch.arange(100)
    losses = []
    for ber in (0.0, 0.0, 0.2, 0.2):
        run, naive = _both()
        losses.append(naive.step(run.pixels[batch], run.labels[batch], ber=ber))
    assert losses[0] == losses[1]
    assert len(set(losses)) == 3


def test_everything_is_measured() -> None:
    rounds: list[int] = []
    arithmetic, cases = compare_training(SHAPE, batch=16, rounds=3, on_round=rounds.append)
    assert rounds == [1, 2, 3, 4, 5]
    assert arithmetic in ("cpu bfloat16", "cpu float32")
    assert [case.ber for case in cases] == [0.0, 0.01, 0.1]
    for case in cases:
        assert case.ratio == pytest.approx(case.naive_s / case.rramsim_s)
        assert np.isfinite(case.ratio)
        assert case.ratio > 0
