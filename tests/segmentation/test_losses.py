"""Soft Dice and cross-entropy for masks."""

import math

import pytest
import torch

from helpers.segmentation.losses import MaskLoss, soft_dice_loss

MASK = torch.zeros(1, 4, 4)
MASK[0, 1:3, 1:3] = 1


def test_dice_by_hand():
    # Σ p g = 2, Σ p = 8, Σ g = 4: 1 - (2 · 2 + 1) / (8 + 4 + 1)
    assert soft_dice_loss(torch.full((1, 4, 4), 0.5), MASK).item() == pytest.approx(1 - 5 / 13)


def test_dice_of_a_perfect_and_of_an_empty_mask():
    assert soft_dice_loss(MASK, MASK).item() == 0
    nothing = torch.zeros(1, 4, 4)
    assert soft_dice_loss(nothing, nothing).item() == 0
    assert soft_dice_loss(torch.ones(1, 4, 4), nothing).item() == pytest.approx(1 - 1 / 17)


def test_each_picture_counts_the_same():
    both = soft_dice_loss(torch.cat([MASK, 0 * MASK]), torch.cat([MASK, MASK]))
    assert both.item() == pytest.approx((0 + 1 - 1 / 5) / 2)


def test_the_mixture_is_what_it_says():
    logits = torch.full((1, 4, 4), 0.0)
    entropy, dice = math.log(2), 1 - 5 / 13
    for share in (0, 0.3, 1):
        found = MaskLoss(share)(logits, MASK).item()
        assert found == pytest.approx(share * dice + (1 - share) * entropy, rel=1e-5)
    weighted = MaskLoss(0, defect_weight=3)(logits, MASK).item()
    assert weighted == pytest.approx(entropy * (4 * 3 + 12) / 16, rel=1e-5)


def test_the_rarer_the_defect_the_less_cross_entropy_asks_for_it():
    # What "nothing is defective" costs falls with the defect's share for cross-entropy alone.
    def cost(side, share):
        mask = torch.zeros(1, side, side)
        mask[0, :2, :2] = 1
        return MaskLoss(share)(torch.full_like(mask, -5.0), mask).item()

    assert cost(64, 0) < 0.05 * cost(4, 0)
    assert cost(64, 1) > 0.7


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="one shape; got"):
        MaskLoss()(torch.zeros(1, 4, 4), torch.zeros(1, 4, 5))
    with pytest.raises(ValueError, match="dice_share"):
        MaskLoss(1.5)
    with pytest.raises(ValueError, match="defect_weight"):
        MaskLoss(defect_weight=0)
