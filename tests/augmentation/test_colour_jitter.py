import colorsys
import math

import pytest
import torch

from helpers.augmentation.colour_jitter import colour_jitter, hue_turns
from helpers.networks.seeding import seeded


def test_strength_0_changes_nothing():
    images = torch.rand((2, 3, 4, 4), generator=torch.Generator().manual_seed(0))
    assert torch.allclose(colour_jitter(images, 0.0), images, atol=1e-6)


def test_a_third_of_a_turn_sends_red_to_green():
    (turn,) = hue_turns(torch.tensor([2 * math.pi / 3]))
    assert torch.allclose(turn @ torch.tensor([1.0, 0, 0]), torch.tensor([0, 1.0, 0]), atol=1e-6)
    hue = colorsys.rgb_to_hsv(*(turn @ torch.tensor([1.0, 0, 0])).tolist())[0]
    assert hue == pytest.approx(1 / 3, abs=1e-6)


def test_turns_are_rotations_that_leave_grey_alone():
    turns = hue_turns(torch.linspace(-3, 3, 7))
    identity = torch.eye(3).expand(7, 3, 3)
    assert torch.allclose(turns @ turns.transpose(1, 2), identity, atol=1e-5)
    assert torch.allclose(turns @ torch.ones(3), torch.ones(7, 3), atol=1e-6)
    assert torch.allclose(torch.linalg.det(turns), torch.ones(7), atol=1e-5)


def test_grey_pictures_stay_grey_and_within_range():
    grey = torch.rand((8, 1, 5, 5), generator=torch.Generator().manual_seed(0)).expand(8, 3, 5, 5)
    with seeded(0):
        changed = colour_jitter(grey, 0.5)
    assert 0 <= changed.min() <= changed.max() <= 1
    assert (changed - changed.mean(1, keepdim=True)).abs().max() < 1e-5
    assert not torch.allclose(changed, grey, atol=0.02)


def test_each_picture_changes_in_its_own_way_and_the_seed_fixes_it():
    same = torch.full((2, 3, 4, 4), 0.5) * torch.tensor([1.0, 0.8, 0.6]).view(1, 3, 1, 1)
    with seeded(3):
        one = colour_jitter(same, 0.2)
    with seeded(3):
        two = colour_jitter(same, 0.2)
    assert torch.equal(one, two)
    assert (one[0] - one[1]).abs().max() > 0.01


@pytest.mark.parametrize("strength", [-0.1, 0.6])
def test_a_strength_out_of_range_is_refused(strength):
    with pytest.raises(ValueError, match="strength must be between 0 and 0.5"):
        colour_jitter(torch.zeros(1, 3, 2, 2), strength)
