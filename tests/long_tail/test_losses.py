"""Losses for long tails."""

import numpy as np
import pytest
import torch
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss

from helpers.long_tail.losses import (
    LOSSES,
    class_weights,
    focal_loss,
    logit_adjusted,
    weighted_cross_entropy,
)

COUNTS = torch.tensor([400, 40, 4])
LOGITS = torch.randn(12, 3, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(12) % 3
TARGETS = functional.one_hot(LABELS, 3).float()


def test_weights_are_those_of_the_effective_number():
    weights = class_weights(COUNTS, 0.99)
    effective = [(1 - 0.99**n) / (1 - 0.99) for n in (400, 40, 4)]
    assert (weights * torch.tensor(effective)).numpy() == pytest.approx(
        np.full(3, float(weights[0]) * effective[0]), rel=1e-5
    )
    assert float(weights.mean()) == pytest.approx(1)


def test_the_limits_of_the_weights():
    assert class_weights(COUNTS, 0).tolist() == [1, 1, 1]
    inverse = 1 / COUNTS.double()
    assert class_weights(COUNTS, 1 - 1e-9).numpy() == pytest.approx(
        (inverse / inverse.mean()).numpy(), rel=1e-3
    )


def test_the_weighted_loss_is_pytorchs_for_hard_labels():
    theirs = functional.cross_entropy(LOGITS, LABELS, weight=class_weights(COUNTS))
    assert weighted_cross_entropy(LOGITS, TARGETS, COUNTS) == pytest.approx(float(theirs))


def test_the_focal_loss_is_torchvisions_for_two_classes():
    # A sigmoid of z is a softmax of (0, z).
    z, y = LOGITS[:, 0], (LABELS == 0).float()
    two = torch.stack([torch.zeros_like(z), z], 1)
    theirs = sigmoid_focal_loss(z, y, alpha=-1, gamma=2, reduction="mean")
    ours = focal_loss(two, torch.stack([1 - y, y], 1), COUNTS)
    assert ours == pytest.approx(float(theirs), rel=1e-5)


def test_logit_adjustment_moves_the_boundary_by_the_log_of_the_shares():
    # Equal adjusted logits cost log K: where the bare logits differ by minus the log shares.
    bare = -(COUNTS / COUNTS.sum()).log().repeat(3, 1)
    assert logit_adjusted(bare, torch.eye(3), COUNTS) == pytest.approx(np.log(3), rel=1e-5)


def test_equal_counts_make_weights_and_adjustment_plain():
    equal = torch.tensor([7, 7, 7])
    plain = float(functional.cross_entropy(LOGITS, LABELS))
    for name in ("class weights", "logit adjustment", "cross-entropy"):
        assert LOSSES[name](LOGITS, TARGETS, equal) == pytest.approx(plain, rel=1e-5)


@pytest.mark.parametrize("loss", LOSSES.values())
def test_mixed_targets_give_a_gradient(loss):
    logits = LOGITS.clone().requires_grad_()
    loss(logits, 0.7 * TARGETS + 0.3 * TARGETS.roll(1, 0), COUNTS).backward()
    assert logits.grad.abs().sum() > 0
    assert torch.isfinite(logits.grad).all()


def test_bad_counts_and_beta():
    with pytest.raises(ValueError, match="at least 1"):
        class_weights([3, 0])
    with pytest.raises(ValueError, match="beta must lie in"):
        class_weights([3, 1], beta=1)
