"""A segmenter of synthetic defects: masks that are exact, marks that are learned from them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.detectors.synthetic_segmenter import (
    SyntheticSegmenterDetector,
    SyntheticSegmenterSettings,
)
from helpers.metrics.pixel import pixel_auroc
from helpers.networks.seeding import seeded
from helpers.networks.training import TrainingSettings
from tests.stripes import moving_stripes

TINY = SyntheticSegmenterSettings(
    weights="random",
    layers=("stride 2", "stride 4"),
    width=8,
    area=(0.01, 0.1),
    opacity=(0.5, 1.0),
    textures=4,
    training=TrainingSettings(epochs=1, batch_size=8, learning_rate=3e-3),
)


def made(count, **changes):
    detector = SyntheticSegmenterDetector(replace(TINY, **changes))
    with seeded(0):
        images = 0.5 * torch.rand(count, 3, 32, 32)
        return images, *detector.damaged(images, torch.ones(2, 3, 32, 32))


def test_the_mask_is_exactly_what_was_changed():
    images, pictures, masks = made(40, opacity=(1.0, 1.0))
    assert torch.equal((pictures != images).any(1), masks)
    assert float(pictures.permute(0, 2, 3, 1)[masks].min()) == 1


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_share_of_the_pictures_stays_good(share):
    _, _, masks = made(200, good_share=share)
    good = float((~masks.any(2).any(1)).float().mean())
    assert abs(good - share) <= (0.1 if share else 0)
    marked = masks[masks.any(2).any(1)].float().mean((1, 2))
    assert float(marked.min()) > 0.009
    assert float(marked.max()) < 0.101


def test_it_marks_spots_that_it_was_never_shown():
    settings = replace(TINY, training=replace(TINY.training, epochs=8))
    detector = SyntheticSegmenterDetector(settings).fit(moving_stripes(48))
    pictures = moving_stripes(12, seed=1)
    masks = np.zeros((12, 64, 64), bool)
    masks[::2, 20:30, 30:40] = True
    pictures[::2, :, 20:30, 30:40] = np.array([250, 20, 20])[:, None, None]
    scores = detector.predict(pictures)
    assert pixel_auroc(masks, scores.maps) > 0.9
    assert scores.image[::2].min() > scores.image[1::2].max()
    assert scores.maps.min() >= 0
    assert scores.maps.max() <= 1
    np.testing.assert_array_equal(scores.image, scores.maps.max((1, 2)))


def test_it_repeats_itself_and_leaves_its_encoder_alone(monkeypatch):
    monkeypatch.setenv("ONE_BAD_NUT_DEVICE", "cpu")  # a GPU adds gradients in any order
    images = moving_stripes(16)
    one, two = (SyntheticSegmenterDetector(TINY).fit(images) for _ in "ab")
    assert np.array_equal(one.predict(images).maps, two.predict(images).maps)
    other = SyntheticSegmenterDetector(
        replace(TINY, training=replace(TINY.training, seed=1)), one.backbone
    ).fit(images)
    assert other.backbone is one.backbone
    assert not np.array_equal(one.predict(images).maps, other.predict(images).maps)
    assert not any(p.requires_grad for p in one.backbone.parameters())
    assert one.textures.shape == (4, 3, 64, 64)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"area": (0.0, 0.1)}, "area must rise within 0…1"),
        ({"opacity": (0.5, 1.5)}, "opacity must rise"),
        ({"good_share": 1.0}, "good_share must be at least 0 and below 1"),
        ({"textures": 0}, "textures must be at least 1"),
        ({"width": 0}, "width must be at least 1"),
        ({"smoothing": 2.0}, "smoothing must be between 0 and 1"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        SyntheticSegmenterDetector(replace(TINY, **changes))


def test_too_few_pictures_odd_sides_and_judging_first_are_refused():
    with pytest.raises(ValueError, match="larger than the 5 training images"):
        SyntheticSegmenterDetector(TINY).fit(moving_stripes(5))
    with pytest.raises(ValueError, match="no multiples of 4"):
        SyntheticSegmenterDetector(TINY).fit(moving_stripes(8, side=66))
    with pytest.raises(ValueError, match="call fit"):
        SyntheticSegmenterDetector(TINY).predict(moving_stripes(1))
