import numpy as np
import pytest
import torch
from pytorch_msssim import ssim as library_ssim

from helpers.detectors.reconstruction.ssim import WINDOW, blur, similarity


def pictures(seed, side=40):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand((2, 3, side, side), generator=generator)


def test_a_picture_is_like_itself():
    found = similarity(pictures(0), pictures(0))
    for part in (found.luminance, found.contrast, found.structure, found.ssim):
        assert torch.allclose(part, torch.ones_like(part), atol=1e-3)


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_inside_the_border_it_is_the_librarys(share):
    one = pictures(0)
    other = (1 - share) * one + share * pictures(1)
    ours = similarity(one, other).ssim[..., 5:-5, 5:-5].mean((1, 2, 3))
    theirs = library_ssim(one, other, data_range=1.0, size_average=False)
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_the_parts_multiply_to_the_whole():
    found = similarity(pictures(0), pictures(1))
    product = found.luminance * found.contrast * found.structure
    assert torch.allclose(product, found.ssim, atol=1e-4)


def test_each_pixel_by_hand():
    one, other = pictures(0, 21)[:1, :1], pictures(1, 21)[:1, :1]
    x, y = (p[0, 0, 5:16, 5:16].double().numpy() for p in (one, other))
    offset = np.arange(WINDOW) - 5
    bell = np.exp(-(offset**2) / (2 * 1.5**2))
    weights = np.outer(bell, bell) / bell.sum() ** 2
    m1, m2 = (weights * x).sum(), (weights * y).sum()
    v1, v2 = (weights * (x - m1) ** 2).sum(), (weights * (y - m2) ** 2).sum()
    both = (weights * (x - m1) * (y - m2)).sum()
    found = similarity(one, other)
    at = 0, 0, 10, 10
    assert found.luminance[at] == pytest.approx((2 * m1 * m2 + 1e-4) / (m1**2 + m2**2 + 1e-4), 1e-4)
    assert found.contrast[at] == pytest.approx(
        (2 * np.sqrt(v1 * v2) + 9e-4) / (v1 + v2 + 9e-4), 1e-4
    )
    assert found.structure[at] == pytest.approx((both + 4.5e-4) / (np.sqrt(v1 * v2) + 4.5e-4), 1e-3)


def test_each_part_sees_its_own_change():
    one = 0.3 + 0.2 * pictures(0)
    brighter, flatter = similarity(one, one + 0.3), similarity(one, 0.4 + 0.25 * (one - 0.4))
    assert brighter.luminance.mean() < 0.9
    assert brighter.contrast.mean() > 0.99
    assert brighter.structure.mean() > 0.99
    assert flatter.contrast.mean() < 0.8
    assert flatter.structure[..., 8:-8, 8:-8].mean() > 0.85


def test_an_inverted_picture_is_unlike():
    one = pictures(0)
    assert similarity(one, 1 - one).structure.mean() < -0.9


def test_flat_pictures_have_no_nan_and_no_infinite_slope():
    flat = torch.zeros(1, 3, 16, 16, requires_grad=True)
    value = similarity(flat, torch.zeros(1, 3, 16, 16)).ssim
    value.sum().backward()
    assert torch.allclose(value, torch.ones_like(value))
    assert torch.isfinite(flat.grad).all()


def test_blurring_keeps_the_level():
    assert torch.allclose(blur(torch.full((1, 2, 12, 12), 0.7)), torch.tensor(0.7))


@pytest.mark.parametrize("side", [4, 10])
def test_a_picture_smaller_than_the_window_is_refused(side):
    small = torch.zeros(1, 3, side, side)
    with pytest.raises(ValueError, match=rf"{side} × {side} is too small. Load larger images"):
        similarity(small, small)


def test_two_shapes_are_refused():
    with pytest.raises(ValueError, match="two pictures of one shape"):
        similarity(torch.zeros(1, 3, 16, 16), torch.zeros(1, 1, 16, 16))
