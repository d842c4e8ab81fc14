"""The segmenter: crops, learning, contracts."""

import numpy as np
import pytest
import torch

from helpers.metrics.masks import iou
from helpers.segmentation.segmenter import CropSampler, Segmenter, SegmenterSettings
from helpers.segmentation.unet import unet

SMALL = {"width": 8, "levels": 3, "batch_size": 8, "crop": 32}


@pytest.fixture(scope="module")
def squares():
    """Give 12 grey pictures, most of them with a bright square, and the squares' masks."""
    rng = np.random.default_rng(0)
    images = rng.integers(60, 90, (12, 3, 48, 48), dtype=np.uint8)
    masks = np.zeros((12, 48, 48), bool)
    for row in range(9):
        side, (top, left) = rng.integers(5, 12), rng.integers(0, 36, 2)
        masks[row, top : top + side, left : left + side] = True
        images[row][:, masks[row]] += 60
    return images, masks


@pytest.fixture(scope="module")
def fitted(squares):
    return Segmenter(SegmenterSettings(steps=60, **SMALL)).fit(*squares)


def test_it_learns_what_the_masks_mark(squares, fitted):
    images, masks = squares
    found = fitted.masks(images)
    assert np.mean([iou(a, b) for a, b in zip(found[:9], masks[:9], strict=True)]) > 0.9
    assert found[9:].mean() < 0.005
    assert fitted.losses[-1] < 0.5 * fitted.losses[0]


def test_predict_gives_scores_like_a_detector(squares, fitted):
    scores = fitted.predict(squares[0])
    assert scores.maps.shape == (12, 48, 48)
    assert scores.maps.min() >= 0 and scores.maps.max() <= 1
    assert scores.image[:9].min() > scores.image[9:].max()


def test_the_same_seed_gives_the_same_segmenter(squares):
    settings = SegmenterSettings(steps=3, **SMALL)
    one, same = (Segmenter(settings).fit(*squares).predict(squares[0]).maps for _ in "ab")
    assert np.array_equal(one, same)


def numbered(count=3, side=40):
    """Give pictures whose bytes tell their place, and masks that mark every seventh of them."""
    place = np.arange(side * side).reshape(side, side) % 251
    images = np.stack([place, place, place]).astype(np.uint8)[None].repeat(count, 0)
    masks = np.zeros((count, side, side), bool)
    masks[1] = (place % 7 == 0) & (np.arange(side)[:, None] > 30)
    return images, masks


def test_crops_and_their_masks_stay_together_through_turns():
    images, masks = numbered()
    settings = SegmenterSettings(batch_size=40, crop=16, defect_share=1)
    pictures, wanted = CropSampler(masks, settings).batch(
        torch.tensor(images), torch.tensor(masks), 0
    )
    assert pictures.shape == (40, 3, 16, 16) and wanted.shape == (40, 16, 16)
    bytes_ = (pictures[:, 0] * 255).round().long()
    assert wanted.any((1, 2)).all(), "each crop around a defect holds a pixel of it"
    assert (bytes_[wanted] % 7 == 0).all(), "what is marked is marked in the picture too"


def test_the_share_of_crops_on_defects_is_kept():
    images, masks = numbered()
    masks[1] = False
    masks[1, 0, 0] = True
    settings = SegmenterSettings(batch_size=20, crop=8, defect_share=0.6)
    _, wanted = CropSampler(masks, settings).batch(torch.tensor(images), torch.tensor(masks), 0)
    assert wanted[:12].any((1, 2)).all()
    assert wanted[12:].any((1, 2)).sum() <= 1, "a random crop rarely meets a corner"


def test_crops_larger_than_the_picture_are_the_picture():
    images, masks = numbered()
    draw = CropSampler(masks, SegmenterSettings(batch_size=2, crop=500))
    assert draw.batch(torch.tensor(images), torch.tensor(masks), 0)[0].shape == (2, 3, 40, 40)


def test_it_sees_sizes_it_was_not_trained_on(squares, fitted):
    assert fitted.masks(squares[0][:, :, :, :40]).shape == (12, 48, 40)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda i, m: (i, m.astype(int)), "must be bool of shape (12, 48, 48)"),
        (lambda i, m: (i, m[:5]), "got bool of shape (5, 48, 48)"),
        (lambda i, m: (i, np.zeros_like(m)), "no mask marks anything"),
        (lambda i, m: (i.astype(np.float32), m), "images must be uint8"),
    ],
)
def test_bad_data_are_named(squares, change, told):
    with pytest.raises(ValueError) as error:
        Segmenter(SegmenterSettings(steps=1, **SMALL)).fit(*change(*squares))
    assert told in str(error.value)


@pytest.mark.parametrize(
    "values",
    [
        {"steps": 0},
        {"batch_size": 0},
        {"learning_rate": 0},
        {"defect_share": 2},
        {"threshold": 1},
        {"crop": 0},
    ],
)
def test_bad_settings_are_named(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        SegmenterSettings(**values)


def test_it_must_be_fitted_first(squares):
    with pytest.raises(ValueError, match="call fit"):
        Segmenter().predict(squares[0])


@pytest.mark.parametrize("kind", ["one pixel", "border", "holes", "everything but a pixel"])
def test_odd_masks_can_be_learned_from(kind):
    images, masks = numbered(2)
    masks[:] = False
    masks[1] = {
        "one pixel": np.arange(1600).reshape(40, 40) == 1599,
        "border": np.arange(40)[:, None].repeat(40, 1) == 0,
        "holes": np.indices((40, 40)).sum(0) % 2 == 0,
        "everything but a pixel": np.arange(1600).reshape(40, 40) > 0,
    }[kind]
    segmenter = Segmenter(SegmenterSettings(steps=2, **SMALL)).fit(images, masks)
    assert np.isfinite(segmenter.losses).all()


def test_the_network_is_the_one_the_settings_name(fitted):
    assert repr(fitted.model) == repr(unet(width=8, levels=3))
