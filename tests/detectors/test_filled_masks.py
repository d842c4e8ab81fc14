"""Synthetic defects: masks of the asked size, textures where the mask is, a classifier of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.detectors.filled_masks import (
    FilledMasksDetector,
    FilledMasksSettings,
    fill_masks,
    formula_textures,
    perlin_noise,
    random_masks,
    upsampled,
)
from helpers.detectors.reconstruction.diffusion import DiffusionSettings
from helpers.networks.seeding import seeded
from helpers.networks.training import TrainingSettings
from tests.stripes import moving_stripes

TINY = FilledMasksSettings(
    layer="layer2",
    textures=4,
    training=TrainingSettings(epochs=1, batch_size=8, learning_rate=1e-3),
)


def test_perlin_noise_is_zero_at_the_corners_of_its_cells_and_smooth():
    with seeded(0):
        field = perlin_noise(3, 65, (4, 8))
    assert field.shape == (3, 65, 65)
    assert float(field.abs().max()) <= 1
    with seeded(0):
        fine = perlin_noise(1, 4096, (2, 2))[0]
    # Half a pixel from the corner in the middle, where every plane is zero.
    assert float(fine[2047:2049, 2047:2049].abs().max()) < 0.01
    assert float(fine.diff(dim=0).abs().max()) < 0.01


def test_more_cells_make_finer_noise():
    with seeded(1):
        coarse, fine = perlin_noise(8, 64, (2, 2)), perlin_noise(8, 64, (16, 16))
    assert float(fine.diff(dim=1).abs().mean()) > 3 * float(coarse.diff(dim=1).abs().mean())


@pytest.mark.parametrize("cells", [(0, 2), (2, 65)])
def test_impossible_cells_are_refused(cells):
    with pytest.raises(ValueError, match="1 to 64 cells"):
        perlin_noise(1, 64, cells)


@pytest.mark.parametrize("area", [(0.002, 0.06), (0.1, 0.1), (0.5, 1.0)])
def test_masks_cover_the_asked_share(area):
    with seeded(2):
        masks = random_masks(40, 64, area)
    assert masks.dtype == torch.bool
    shares = masks.float().mean((1, 2))
    half_a_pixel = 0.5 / 64**2
    assert float(shares.min()) >= area[0] - half_a_pixel
    assert float(shares.max()) <= area[1] + half_a_pixel
    if area[0] < area[1]:
        assert float(shares.std()) > 0


def test_masks_lie_together():
    with seeded(3):
        masks = random_masks(20, 64, (0.01, 0.03)).float()
    line = torch.arange(64.0)
    total = masks.sum((1, 2))
    centre = (masks.sum(2) * line).sum(1) / total
    spread = ((masks.sum(2) * (line - centre[:, None]) ** 2).sum(1) / total).sqrt()
    assert float(spread.mean()) < 64 / 12**0.5 / 2, "half the spread of marks strewn about"


def test_filling_changes_the_marked_places_only():
    images, textures = torch.zeros(4, 3, 16, 16), torch.ones(2, 3, 16, 16)
    masks = torch.zeros(4, 16, 16, dtype=torch.bool)
    masks[:, 4:8, 4:8] = True
    with seeded(4):
        damaged = fill_masks(images, masks, textures, (0.3, 0.9))
    marked = damaged.permute(0, 2, 3, 1)[masks]
    assert 0.3 <= float(marked.min()) < float(marked.max()) <= 0.9
    assert float(damaged.permute(0, 2, 3, 1)[~masks].abs().max()) == 0
    assert float(fill_masks(images, masks, textures, (1.0, 1.0))[0, 0, 5, 5]) == 1


def test_sizes_that_differ_are_refused():
    masks = torch.zeros(1, 16, 16, dtype=torch.bool)
    with pytest.raises(ValueError, match="must be of one size"):
        fill_masks(torch.zeros(1, 3, 16, 16), masks, torch.zeros(2, 3, 8, 8))


def test_textures_are_seeded_and_enlarged():
    one = formula_textures(3, 32, seed=0)
    assert one.shape == (3, 3, 32, 32)
    assert np.array_equal(one, formula_textures(3, 32, seed=0))
    assert not np.array_equal(one, formula_textures(3, 32, seed=1))
    assert upsampled(one, 64).shape == (3, 3, 64, 64)
    assert torch.equal(upsampled(one, 32), torch.tensor(one) / 255)


def test_the_detector_repeats_itself_and_has_a_class_more():
    images = moving_stripes(16)
    one, two = (FilledMasksDetector(TINY).fit(images) for _ in "ab")
    assert np.array_equal(one.predict(images).image, two.predict(images).image)
    assert one.probabilities(images).shape == (16, 4)
    assert one.textures.shape == (4, 3, 64, 64)


def test_a_diffusion_model_can_draw_what_the_masks_are_filled_with():
    model = DiffusionSettings(side=16, width=8, patch=2, training=TINY.training)
    detector = FilledMasksDetector(replace(TINY, defect_types=("fill",), diffusion=model))
    detector.fit(moving_stripes(16))
    assert detector.textures.shape == (4, 3, 16, 16)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"defect_types": ()}, "defect_types must name some of patch, scar, fill"),
        ({"defect_types": ("dent",)}, "defect_types must name some of"),
        ({"area": (0.0, 0.1)}, "area must rise within 0…1"),
        ({"area": (0.2, 0.1)}, "area must rise"),
        ({"opacity": (0.5, 1.5)}, "opacity must rise"),
        ({"textures": 0}, "textures must be at least 1"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **changes)


def test_a_batch_larger_than_the_data_and_judging_first_are_refused():
    with pytest.raises(ValueError, match="larger than the 5 training images"):
        FilledMasksDetector(TINY).fit(moving_stripes(5))
    with pytest.raises(ValueError, match="call fit"):
        FilledMasksDetector(TINY).predict(moving_stripes(1))
