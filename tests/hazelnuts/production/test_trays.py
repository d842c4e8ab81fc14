"""Trays: the rule and how each kind breaks it, masks and saturations, repeatability, errors."""

import numpy as np
import pytest
from scipy.ndimage import label

from helpers.hazelnuts.production import KINDS, draw_tray, draw_trays

SIZE = 96
SEEDS = range(20, 24)
HALF = SIZE // 2


def redness(image):
    return image[0].astype(int) - image[2]


def nuts(image):
    """Return where each nut is, largest first: connected pixels redder than the ground."""
    found, count = label(redness(image) > 14)
    parts = [found == i + 1 for i in range(count)]
    return sorted((part for part in parts if part.sum() > 30), key=np.sum, reverse=True)


def compartments(image):
    """Return how many nuts lie in each compartment, row by row."""
    middles = [np.argwhere(nut).mean(0) for nut in nuts(image)]
    places = [int(2 * (row > HALF) + (column > HALF)) for row, column in middles]
    return [places.count(i) for i in range(4)]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_good_tray_keeps_the_rule(seed):
    tray = draw_tray(seed, size=SIZE)
    assert compartments(tray.image) == [1, 1, 1, 1]
    assert not tray.mask.any()
    assert (tray.saturation, tray.nuts) == (0, 4)
    bright = [tray.image.sum(0)[nut].mean() for nut in nuts(tray.image)]
    left = [np.argwhere(nut)[:, 1].mean() < HALF for nut in nuts(tray.image)]
    pale = min(b for b, is_left in zip(bright, left, strict=True) if is_left)
    assert pale > max(b for b, is_left in zip(bright, left, strict=True) if not is_left)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_missing_nut_leaves_its_compartment_which_is_its_mask(seed):
    good, tray = draw_tray(seed, size=SIZE), draw_tray(seed, "missing", SIZE)
    counts = compartments(tray.image)
    assert sorted(counts) == [0, 1, 1, 1]
    assert tray.nuts == 3
    row, column = np.argwhere(tray.mask).mean(0)
    assert counts[int(2 * (row > HALF) + (column > HALF))] == 0
    gone = nuts(good.image * tray.mask)[0].sum()
    assert tray.saturation == pytest.approx(gone, rel=0.25)  # the mask is larger than the nut
    assert tray.saturation < tray.mask.sum() / 3


@pytest.mark.parametrize("seed", SEEDS)
def test_of_a_nut_too_many_both_are_marked_and_one_is_enough(seed):
    tray = draw_tray(seed, "extra", SIZE)
    assert sorted(compartments(tray.image)) == [1, 1, 1, 2]
    assert tray.nuts == 5
    assert label(tray.mask)[1] <= 2
    assert tray.saturation <= tray.mask.sum() / 2


@pytest.mark.parametrize("seed", SEEDS)
def test_two_nuts_swapped_are_both_marked_and_no_other_is_changed(seed):
    good, tray = draw_tray(seed, size=SIZE), draw_tray(seed, "swapped", SIZE)
    assert compartments(tray.image) == [1, 1, 1, 1]
    assert tray.saturation == tray.mask.sum() > 0
    change = good.image.astype(int).sum(0) - tray.image.astype(int).sum(0)
    left, right = tray.mask[:, :HALF], tray.mask[:, HALF:]
    assert change[:, :HALF][left].mean() > 30  # pale has become dark
    assert change[:, HALF:][right].mean() < -30
    assert (good.image == tray.image)[:, ~tray.mask].mean() > 0.95  # but for the nuts' edges


@pytest.mark.parametrize("seed", SEEDS)
def test_a_hole_changes_what_its_mask_marks_and_nothing_else(seed):
    good, tray = draw_tray(seed, size=SIZE), draw_tray(seed, "hole", SIZE)
    change = np.abs(good.image.astype(int) - tray.image).max(0)
    assert change[tray.mask].mean() > 20
    assert change[~tray.mask].max() <= 4
    assert tray.saturation == tray.mask.sum()


def test_the_same_seed_gives_the_same_tray_and_another_seed_another():
    images, masks, saturations = draw_trays([3, 3, 4], "extra", SIZE)
    assert images.shape == (3, 3, SIZE, SIZE)
    assert images.dtype == np.uint8
    assert masks.shape == (3, SIZE, SIZE)
    assert np.array_equal(images[0], images[1])
    assert np.array_equal(masks[0], masks[1])
    assert saturations[0] == saturations[1]
    assert not np.array_equal(images[0], images[2])


def test_what_cannot_be_drawn_is_named():
    with pytest.raises(ValueError, match=r"no tray 'mising'.*missing"):
        draw_tray(0, "mising")
    with pytest.raises(ValueError, match="between 64 and 512"):
        draw_tray(0, size=20)
    assert KINDS[0] == "good"
