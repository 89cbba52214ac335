"""Losses against their closed forms."""

import math

import pytest
import torch

from rramsim.network.training.losses import (
    loss_of,
    margin_cross_entropy,
    modified_hinge,
    squared_hinge,
)
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


def _scores_and_labels(spread):
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(7, 4, generator=generator, dtype=torch.float64) * spread
    return scores, torch.randint(0, 4, (7,), generator=generator)


@pytest.mark.parametrize("margin", [0.5, 8.0, 64.0])
def test_modified_hinge_is_its_formula(margin):
    scores, labels = _scores_and_labels(spread=30)
    total = sum(
        max(0.0, margin - (1 if number == label else -1) * score)
        for row, label in zip(scores.tolist(), labels.tolist(), strict=True)
        for number, score in enumerate(row)
    )
    found = modified_hinge(scores, labels, margin=margin).item()
    assert found == pytest.approx(total / (7 * 4 * margin))
    # Sums of 0 cost 1, whatever the margin is.
    assert modified_hinge(0 * scores, labels, margin=margin).item() == 1
    # It has no unit.
    assert modified_hinge(3 * scores, labels, margin=3 * margin).item() == pytest.approx(found)


@pytest.mark.parametrize("margin", [0.0, 1.5, 16.0])
def test_margin_cross_entropy_is_its_formula(margin):
    scores, labels = _scores_and_labels(spread=3)
    total = 0.0
    for row, label in zip(scores.tolist(), labels.tolist(), strict=True):
        rivals = [score for number, score in enumerate(row) if number != label]
        total += math.log1p(sum(math.exp(score + margin - row[label]) for score in rivals))
    found = margin_cross_entropy(scores, labels, margin=margin).item()
    assert found == pytest.approx(total / 7)


def test_without_a_margin_it_is_the_cross_entropy():
    scores, labels = _scores_and_labels(spread=3)
    found = margin_cross_entropy(scores, labels, margin=0.0)
    assert found.item() == torch.nn.functional.cross_entropy(scores, labels).item()


@pytest.mark.parametrize("loss", [squared_hinge, modified_hinge, margin_cross_entropy])
@pytest.mark.parametrize("margin", [0.7, 5.0])
def test_gradients_are_those_of_finite_differences(loss, margin):
    scores, labels = _scores_and_labels(spread=4)
    scores.requires_grad_()
    assert torch.autograd.gradcheck(lambda found: loss(found, labels, margin=margin), scores)


def test_a_method_chooses_its_loss():
    scores, labels = torch.tensor([[2.0, 0.0], [0.0, 0.0]]), torch.tensor([0, 1])

    def cost(**method):
        return loss_of(Method(1, **method), inputs=64)(scores, labels).item()

    entropy = cost()
    assert entropy == pytest.approx((math.log(1 + math.exp(-2)) + math.log(2)) / 2)
    hinge = cost(loss="hinge", margin=3.0)
    assert hinge == pytest.approx(((1 + 9) + (9 + 9)) / 2)
    modified = cost(loss="modified-hinge", margin=4.0)
    assert modified == pytest.approx((2 + 4 + 4 + 4) / 4 / 4)
    margin = cost(loss="margin-cross-entropy", margin=2.0)
    assert margin == pytest.approx((math.log(2) + math.log(1 + math.exp(2))) / 2)
    # An eighth of the 64 inputs, where no margin is given.
    by_inputs = cost(loss="modified-hinge")
    assert by_inputs == pytest.approx((6 + 8 + 8 + 8) / 4 / 8)
