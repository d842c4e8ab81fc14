"""U-Nets: shapes, what skips carry, which weights they begin with."""

import pytest
import torch

from helpers.networks.backbone import trainable_backbone
from helpers.segmentation.unet import unet

IMAGES = torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("encoder", ["small", "formula"])
@pytest.mark.parametrize("levels", [2, 4])
def test_the_output_has_the_size_of_the_input(encoder, levels):
    model = unet(encoder, 8, levels).eval()
    assert model.stride == 2 ** (levels - 1)
    assert model(IMAGES).shape == (2, 32, 48)


def test_the_small_encoder_halves_and_widens():
    maps = unet(width=8, levels=3).encoder(IMAGES)
    assert [tuple(m.shape[1:]) for m in maps] == [(8, 32, 48), (16, 16, 24), (32, 8, 12)]


def test_it_begins_with_the_belief_that_defects_are_rare():
    assert unet().eval()(IMAGES).sigmoid().mean() < 0.2


def fine_detail(model):
    """Return how much the logits of neighbouring pixels differ, a checkerboard being shown."""
    board = ((torch.arange(96)[:, None] + torch.arange(96)) % 2).float().expand(1, 3, 96, 96)
    with torch.no_grad():
        return model.eval()(board)[0, 40:-40, 40:-40].diff(dim=1).abs().mean().item()


def test_without_skips_no_pixel_can_differ_from_its_neighbour_in_the_fine_pattern():
    # Halving by the maximum makes a checkerboard uniform: only the finest skip can carry it.
    assert fine_detail(unet(width=8, levels=3)) > 1e-3
    assert fine_detail(unet(width=8, levels=3, skips=(1,))) < 1e-6
    assert fine_detail(unet(width=8, levels=3, skips=(0,))) > 1e-3


def test_the_pretrained_encoder_has_the_formula_weights_and_trains_on():
    model = unet("formula", 8, 4)
    backbone = trainable_backbone("resnet18", "formula", ("layer2",))
    for name, value in backbone.state_dict().items():
        torch.testing.assert_close(model.encoder.backbone.state_dict()[name], value)
    assert all(p.requires_grad for p in model.parameters())
    model.train()(IMAGES).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_the_seed_decides_the_weights_and_nothing_outside():
    before = torch.random.get_rng_state()
    one, same, other = (unet(width=8, seed=seed).head.weight for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"levels": 1}, "levels from 2 to 5"),
        ({"levels": 6}, "levels from 2 to 5"),
        ({"width": 0}, "width must be at least 1"),
        ({"skips": (3,)}, "skips must be some of"),
        ({"encoder": "formla"}, "formula"),
    ],
)
def test_bad_settings_are_named(arguments, told):
    with pytest.raises(ValueError, match=told):
        unet(**arguments)


def test_a_size_that_cannot_be_halved_is_named():
    with pytest.raises(ValueError, match="no multiples of 8"):
        unet(width=8)(torch.zeros(1, 3, 30, 32))
