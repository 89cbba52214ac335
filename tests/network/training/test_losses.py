"""Losses against their closed forms."""

import math

import pytest
import torch

from rramsim.network.training.losses import loss_of, squared_hinge
from rramsim.network.training.method import Method


def test_squared_hinge_is_its_formula():
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(7, 4, generator=generator) * 2
    labels = torch.randint(0, 4, (7,), generator=generator)
    for margin in (0.25, 1.0, 3.0):
        total = 0.0
        for row, label in zip(scores.tolist(), labels.tolist(), strict=True):
            for number, score in enumerate(row):
                t = 1 if number == label else -1
                total += max(0.0, margin - t * score) ** 2
        found = squared_hinge(scores, labels, margin=margin)
        assert found.item() == pytest.approx(total / 7, rel=1e-6)


def test_scores_beyond_the_margin_cost_nothing_and_send_nothing_back():
    scores = torch.tensor([[1.5, -2.0, -0.5]], requires_grad=True)
    squared_hinge(scores, torch.tensor([0]), margin=1.0).backward()
    # d/ds (1 + s)^2 at s = -0.5.
    assert scores.grad.tolist() == [[0.0, 0.0, 1.0]]


def test_a_method_chooses_its_loss():
    scores, labels = torch.tensor([[2.0, 0.0], [0.0, 0.0]]), torch.tensor([0, 1])
    entropy = loss_of(Method(1))(scores, labels).item()
    assert entropy == pytest.approx((math.log(1 + math.exp(-2)) + math.log(2)) / 2)
    hinge = loss_of(Method(1, loss="hinge", margin=3.0))(scores, labels).item()
    assert hinge == pytest.approx(((1 + 9) + (9 + 9)) / 2)
