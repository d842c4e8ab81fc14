import math

import pytest
import torch

from helpers.augmentation.cut_and_paste import (
    CUTS,
    Cuts,
    paste,
    random_patches,
    random_scars,
    stains,
)
from helpers.networks.seeding import seeded


def cuts(size, source, target, angle=0.0):
    return Cuts(
        *(torch.tensor([v], dtype=torch.float32) for v in (size, source, target)),
        torch.tensor([angle]),
    )


def numbered(side=12):
    return (torch.arange(3.0 * side * side) / 1000).view(1, 3, side, side)


def test_an_upright_paste_copies_the_very_pixels():
    images = numbered()
    pasted, inside = paste(images, cuts((4, 2), (3, 2), (8, 9)), jitter=0)
    wanted = images.clone()
    wanted[:, :, 8:10, 6:10] = images[:, :, 1:3, 1:5]
    assert torch.allclose(pasted, wanted, atol=1e-6)
    assert inside[0].nonzero().tolist() == [[y, x] for y in (8, 9) for x in range(6, 10)]


def test_a_quarter_turn_turns_what_is_pasted():
    images = numbered()
    pasted, inside = paste(images, cuts((4, 2), (3, 2), (8, 8), math.pi / 2), jitter=0)
    piece = images[0, :, 1:3, 1:5]  # two rows of four
    assert inside[0].sum() == 8
    found = pasted[0][:, inside[0]].view(3, 4, 2)
    assert torch.allclose(found, piece.rot90(-1, (1, 2)), atol=1e-5)


def test_what_is_pasted_are_pixels_of_the_picture_and_no_means_of_them():
    steps = 3 * 32 * 32  # every value of the picture is a whole number of them
    images = (numbered(32) * 1000 / steps).repeat(40, 1, 1, 1)
    for cut in CUTS.values():
        with seeded(0):
            pasted, inside = paste(images, cut(40, 32, 256), jitter=0)
        changed = pasted.permute(0, 2, 3, 1)[inside] * steps
        assert torch.allclose(changed, changed.round(), atol=0.01)


def test_a_drawn_patch_is_moved_by_whole_pixels():
    with seeded(0):
        drawn = random_patches(500, (31, 64))
        pasted, inside = paste(
            numbered(32).repeat(1, 1, 1, 2)[:, :, :31],
            Cuts(*(v[:1] for v in (drawn.size, drawn.source, drawn.target, drawn.angle))),
            jitter=0,
        )
    corners = drawn.source - drawn.size / 2, drawn.target - drawn.size / 2
    for corner in corners:
        assert torch.equal(corner, corner.round())
        assert len(corner[:, 0].unique()) > 20
        assert (corner + drawn.size <= torch.tensor([64, 31])).all()
        assert (corner >= 0).all()
    assert int(inside.sum()) == int(drawn.size[0].prod())
    assert pasted.shape == (1, 3, 31, 64)


def test_nothing_outside_changes_and_the_input_stays():
    images = torch.rand((16, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    before = images.clone()
    with seeded(0):
        for changed, inside in (
            paste(images, random_patches(16, 32)),
            paste(images, random_scars(16, 32)),
            stains(images),
        ):
            outside = ~inside[:, None].expand_as(images)
            assert torch.equal(changed[outside], images[outside])
            assert inside.flatten(1).any(1).sum() >= 12  # the thinnest can fall between pixels
            assert 0 <= changed.min() <= changed.max() <= 1
    assert torch.equal(images, before)


def test_patches_have_the_papers_sizes():
    with seeded(0):
        drawn = random_patches(4000, 256)
    shares = drawn.size.prod(1) / 256**2
    ratios = drawn.size[:, 0] / drawn.size[:, 1]
    assert 0.018 < shares.min() < 0.03
    assert 0.13 < shares.max() < 0.16
    assert 0.28 < ratios.min() < 0.35
    assert 2.9 < ratios.max() < 3.5
    assert 0.45 < (ratios > 1).float().mean() < 0.55
    assert not drawn.angle.any()


def test_scars_have_the_papers_sizes():
    with seeded(0):
        drawn = random_scars(4000, 256)
    width, length = drawn.size.T
    assert 2 <= width.min() < 2.1
    assert 15.9 < width.max() <= 16
    assert 10 <= length.min() < 10.1
    assert 24.9 < length.max() <= 25
    assert drawn.angle.abs().max() == pytest.approx(math.pi / 4, abs=0.01)


@pytest.mark.parametrize("draw", [random_patches, random_scars])
def test_cuts_lie_inside_the_picture(draw):
    with seeded(1):
        drawn = draw(2000, 64)
    half = drawn.size / 2
    assert (drawn.source - half).min() >= -1e-4
    assert (drawn.source + half).max() <= 64 + 1e-4
    cos, sin = drawn.angle.cos().abs()[:, None], drawn.angle.sin().abs()[:, None]
    turned = (cos * drawn.size + sin * drawn.size.flip(1)) / 2
    assert (drawn.target - turned).min() >= -1e-4
    assert (drawn.target + turned).max() <= 64 + 1e-4


def test_a_stain_is_of_one_colour():
    with seeded(0):
        changed, inside = stains(torch.zeros(8, 3, 64, 64), radius=(0.1, 0.2))
    for image, where in zip(changed, inside, strict=True):
        assert where.sum() > 20
        assert len(image[:, where].T.unique(dim=0)) == 1


def test_the_seed_fixes_every_kind():
    def draw():
        with seeded(7):
            return paste(numbered(), random_scars(1, 12))[0], stains(numbered())[0]

    assert all(torch.equal(a, b) for a, b in zip(draw(), draw(), strict=True))


@pytest.mark.parametrize("size", [(64, 128), (128, 64), (32, 160)])
@pytest.mark.parametrize("name", CUTS)
def test_every_picture_that_is_not_square_is_damaged(name, size):
    height, width = size
    images = torch.rand((300, 3, *size), generator=torch.Generator().manual_seed(0))
    with seeded(0):
        cuts = CUTS[name](300, size, 256)
        changed, inside = paste(images, cuts)
    assert inside.flatten(1).any(1).all()
    assert (changed != images).flatten(1).any(1).all()
    for centre, reach in ((cuts.source, cuts.size / 2), (cuts.target, 0)):
        assert (centre - reach).min() >= -1e-4
        assert (centre + reach <= torch.tensor([width, height]) + 1e-4).all()
